/* SPDX-License-Identifier: Apache-2.0 */
#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_SIZE 1024 /* octets, the line end included */

static const char *const level_names[] = {"error", "warn", "info", "debug"};
#define N_LEVELS (sizeof(level_names) / sizeof(level_names[0]))

static _Atomic int max_level = FK_LOG_INFO;

void fk_log_set_level(enum fk_log_level level)
{
	atomic_store_explicit(&max_level, (int)level, memory_order_relaxed);
}

enum fk_err fk_log_level_parse(const char *text, enum fk_log_level *ret_level)
{
	for (size_t i = 0; i < N_LEVELS; i++) {
		if (strcmp(text, level_names[i]) == 0) {
			*ret_level = (enum fk_log_level)i;
			return FK_OK;
		}
	}
	return FK_EINVAL;
}

/* Time, level and event; returns the octets written. */
static size_t put_prefix(char line[static LINE_SIZE], enum fk_log_level level, const char *event)
{
	struct timespec now;
	struct tm utc;
	size_t at;
	int n;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	at = strftime(line, LINE_SIZE, "%Y-%m-%dT%H:%M:%S", &utc);
	n = snprintf(line + at, LINE_SIZE - at, ".%03ldZ %s %s", now.tv_nsec / 1000000,
		     level_names[level], event);
	at += n > 0 ? (size_t)n : 0;
	return at < LINE_SIZE - 1 ? at : LINE_SIZE - 2;
}

void fk_log(enum fk_log_level level, const char *event, const char *format, ...)
{
	int saved_errno = errno;
	char line[LINE_SIZE];
	size_t at;

	if ((unsigned)level >= N_LEVELS ||
	    (int)level > atomic_load_explicit(&max_level, memory_order_relaxed))
		return;
	at = put_prefix(line, level, event);
	if (format != NULL && at < LINE_SIZE - 2) {
		va_list args;
		int n;

		line[at++] = ' ';
		va_start(args, format);
		n = vsnprintf(line + at, LINE_SIZE - 1 - at, format, args);
		va_end(args);
		if (n > 0)
			at += (size_t)n < LINE_SIZE - 2 - at ? (size_t)n : LINE_SIZE - 2 - at;
	}
	for (size_t i = 0; i < at; i++) {
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
	}
	line[at++] = '\n';
	/* Nobody can be told that the log itself does not work. */
	if (write(STDERR_FILENO, line, at) < 0)
		errno = saved_errno;
	errno = saved_errno;
}

bool fk_log_limit_allow(struct fk_log_limit *limit, uint32_t per_s, uint64_t now_us,
			uint32_t *ret_n_suppressed)
{
	if (limit->n_logged == 0 || now_us - limit->window_at_us >= 1000000) {
		limit->window_at_us = now_us;
		limit->n_logged = 0;
	}
	if (limit->n_logged >= per_s) {
		limit->n_suppressed++;
		return false;
	}
	limit->n_logged++;
	*ret_n_suppressed = limit->n_suppressed;
	limit->n_suppressed = 0;
	return true;
}
