/* SPDX-License-Identifier: Apache-2.0 */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char *const level_names[] = {"error", "warning", "info", "debug"};
static enum fk_log_level level_max = FK_LOG_INFO;

int fk_log_level_parse(const char *text)
{
	for (int i = 0; i <= FK_LOG_DEBUG; i++) {
		if (strcmp(text, level_names[i]) == 0)
			return i;
	}
	return -1;
}

void fk_log_set_level(enum fk_log_level level)
{
	level_max = level;
}

__attribute__((format(printf, 3, 0))) static void write_line(enum fk_log_level level,
							     uint64_t n_dropped, const char *format,
							     va_list ap)
{
	char line[1024], stamp[40];
	struct timespec now;
	struct tm utc;
	int n;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &utc);
	n = vsnprintf(line, sizeof(line), format, ap);
	if (n < 0)
		return;
	/* One call a line, so that lines of two processes on one file do not mix. */
	if (n_dropped > 0)
		fprintf(stderr, "%s.%06ldZ %s %s dropped=%llu\n", stamp, now.tv_nsec / 1000,
			level_names[level], line, (unsigned long long)n_dropped);
	else
		fprintf(stderr, "%s.%06ldZ %s %s\n", stamp, now.tv_nsec / 1000, level_names[level],
			line);
}

void fk_log(enum fk_log_level level, const char *format, ...)
{
	va_list ap;

	if (level > level_max)
		return;
	va_start(ap, format);
	write_line(level, 0, format, ap);
	va_end(ap);
}

void fk_log_limited(struct fk_log_limit *limit, uint32_t every_ms, enum fk_log_level level,
		    const char *format, ...)
{
	struct timespec now;
	uint64_t now_ms;
	va_list ap;

	if (level > level_max)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	now_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	if (now_ms < limit->next_ms) {
		limit->n_dropped++;
		return;
	}
	va_start(ap, format);
	write_line(level, limit->n_dropped, format, ap);
	va_end(ap);
	limit->next_ms = now_ms + every_ms;
	limit->n_dropped = 0;
}
