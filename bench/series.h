/* SPDX-License-Identifier: Apache-2.0 */
/*
 * series.h - samples of one measured case, their spread, and the rows that scripts/bench gathers.
 *
 * Cases of one question are sampled in turns, so that a busy minute of the host hits all alike; a
 * ratio is the median over the turns of one case's sample over the other's.
 *
 * Threads: none. Memory: plain structs of the caller's; nothing allocates but the report.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define FK_SERIES_RUNS 41 /* samples of one case */

struct fk_series {
	char name[48];
	double samples[FK_SERIES_RUNS]; /* in the order of the turns */
	uint32_t n;
};

struct fk_spread {
	double median, p5, p99;
};

void fk_series_name(struct fk_series *series, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void fk_series_add(struct fk_series *series, double sample);
struct fk_spread fk_series_spread(const struct fk_series *series);
/* Median over the turns of 'over' divided by 'under'. */
double fk_series_ratio(const struct fk_series *over, const struct fk_series *under);

/* Prints a heading, then one line for each of the 'n' series. */
void fk_series_print(const char *heading, const struct fk_series *series, uint32_t n);

/*
 * Writes {"schema", "command", "results", "ratios"}: one row for each series. Takes 'ratios', an
 * object of numbers. Returns false, with a message on standard error, if the file cannot be
 * written.
 */
bool fk_series_report(const char *path, const char *bench, const char *unit,
		      const struct fk_series *series, uint32_t n, json_t *ratios);

/* Reads the options that all bench programs have. Exits with a usage line on any other; NULL if no
 * report is asked for. */
const char *fk_series_options(int argc, char **argv);
