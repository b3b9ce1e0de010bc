/* SPDX-License-Identifier: Apache-2.0 */
#include "series.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fk_series_name(struct fk_series *series, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(series->name, sizeof(series->name), format, args);
	va_end(args);
}

void fk_series_add(struct fk_series *series, double sample)
{
	if (series->n < FK_SERIES_RUNS)
		series->samples[series->n++] = sample;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static struct fk_spread spread_of(const double *samples, uint32_t n)
{
	double sorted[FK_SERIES_RUNS] = {0};

	if (n == 0)
		return (struct fk_spread){0};
	memcpy(sorted, samples, n * sizeof(double));
	qsort(sorted, n, sizeof(double), compare);
	return (struct fk_spread){
		.median = sorted[n / 2], .p5 = sorted[n / 20], .p99 = sorted[n * 99 / 100]};
}

struct fk_spread fk_series_spread(const struct fk_series *series)
{
	return spread_of(series->samples, series->n);
}

double fk_series_ratio(const struct fk_series *over, const struct fk_series *under)
{
	uint32_t n = over->n < under->n ? over->n : under->n;
	double ratios[FK_SERIES_RUNS];

	for (uint32_t i = 0; i < n; i++)
		ratios[i] = over->samples[i] / under->samples[i];
	return spread_of(ratios, n).median;
}

void fk_series_print(const char *heading, const struct fk_series *series, uint32_t n)
{
	printf("%-44s %10s %10s %10s\n", heading, "median", "p5", "p99");
	for (uint32_t i = 0; i < n; i++) {
		struct fk_spread s = fk_series_spread(&series[i]);

		printf("%-44s %10.1f %10.1f %10.1f\n", series[i].name, s.median, s.p5, s.p99);
	}
}

bool fk_series_report(const char *path, const char *bench, const char *unit,
		      const struct fk_series *series, uint32_t n, json_t *ratios)
{
	json_t *results = json_array(), *root;
	char command[32];
	bool ok;

	for (uint32_t i = 0; i < n; i++) {
		struct fk_spread s = fk_series_spread(&series[i]);

		json_array_append_new(
			results, json_pack("{s:s, s:s, s:f, s:f, s:f, s:s, s:i}", "bench", bench,
					   "case", series[i].name, "median", s.median, "p5", s.p5,
					   "p99", s.p99, "unit", unit, "runs", (int)series[i].n));
	}
	snprintf(command, sizeof(command), "bench-%s", bench);
	root = json_pack("{s:i, s:s, s:o, s:o}", "schema", 1, "command", command, "results",
			 results, "ratios", ratios);
	ok = root != NULL && json_dump_file(root, path, JSON_INDENT(1)) == 0;
	json_decref(root);
	if (!ok)
		fprintf(stderr, "%s: cannot write %s\n", command, path);
	return ok;
}

const char *fk_series_options(int argc, char **argv)
{
	static const struct option options[] = {{"json", required_argument, NULL, 'j'}, {0}};
	const char *path = NULL;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c != 'j') {
			fprintf(stderr, "usage: %s [--json FILE]\n", argv[0]);
			exit(2);
		}
		path = optarg;
	}
	if (optind < argc) {
		fprintf(stderr, "usage: %s [--json FILE]\n", argv[0]);
		exit(2);
	}
	return path;
}
