/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log.h - one line an event on stderr: time, level, event, then key=value pairs.
 *
 *   2026-11-24T03:36:00.123Z info rekey started campaign=7 n_ues=120000
 *
 * Control characters in the values are shown as '?', so that a value from outside cannot forge a
 * line. Key octets are never logged.
 *
 * Threads: safe from any thread; a line is written by one write(2).
 * Memory:  lines longer than 1 KiB are cut; nothing allocates.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <fleetkey/err.h>

enum fk_log_level {
	FK_LOG_ERROR, /* something did not work, and somebody has to act */
	FK_LOG_WARN,  /* something is odd; work goes on */
	FK_LOG_INFO,  /* what an operator wants to see in a quiet hour */
	FK_LOG_DEBUG,
};

/* Lines above 'level' are dropped. The default is FK_LOG_INFO. */
void fk_log_set_level(enum fk_log_level level);

/* "error", "warn", "info" or "debug". Returns FK_OK or FK_EINVAL. */
FK_MUST_USE enum fk_err fk_log_level_parse(const char *text, enum fk_log_level *ret_level);

/* Writes one line. 'event' is a few fixed words; 'format' gives the key=value pairs and may be NULL
 * when there are none. Keeps errno. */
__attribute__((format(printf, 3, 4))) void fk_log(enum fk_log_level level, const char *event,
						  const char *format, ...);

/* Keeps a line that can repeat from filling the disk: zero it, one for each place in the code. */
struct fk_log_limit {
	uint64_t window_at_us; /* start of the running second */
	uint32_t n_logged;     /* in the running second */
	uint32_t n_suppressed; /* since the last line that was allowed */
};

/*
 * True if a line may be logged at 'now_us' (CLOCK_MONOTONIC) with at most 'per_s' lines a second;
 * 'ret_n_suppressed' then says how many were swallowed since the last one.
 */
bool fk_log_limit_allow(struct fk_log_limit *limit, uint32_t per_s, uint64_t now_us,
			uint32_t *ret_n_suppressed);
