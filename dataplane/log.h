/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log.h - one line an event: time, level, event, then key=value pairs, on standard error.
 *
 * Workers do not log: they count. A line that would repeat too often is dropped, and the next one
 * that passes says how many were.
 *
 * Threads: main thread only. No key octet is ever an argument.
 */
#pragma once

#include <stdint.h>

enum fk_log_level {
	FK_LOG_ERROR = 0,
	FK_LOG_WARNING,
	FK_LOG_INFO,
	FK_LOG_DEBUG,
};

/* "error", "warning", "info", "debug": the level, or -1. */
int fk_log_level_parse(const char *text);
void fk_log_set_level(enum fk_log_level level);

/* Writes 'format' filled in: it starts with the event's name. */
void fk_log(enum fk_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* For lines that a loop repeats: at most one in 'every_ms' for each 'limit', which starts zeroed.
 */
struct fk_log_limit {
	uint64_t next_ms;
	uint64_t n_dropped;
};
void fk_log_limited(struct fk_log_limit *limit, uint32_t every_ms, enum fk_log_level level,
		    const char *format, ...) __attribute__((format(printf, 4, 5)));
