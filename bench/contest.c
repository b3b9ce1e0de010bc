/* SPDX-License-Identifier: Apache-2.0 */
#include "contest.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <x86intrin.h>

#define WARM_UP 2 /* turns */

void fk_subject_one_by_one(const struct fk_subject *subject, const struct fk_bench_ue *ues)
{
	for (uint32_t i = 0; i < FK_CRYPTO_BURST_MAX; i++)
		subject->one(subject, &ues[i], i);
}

uint32_t fk_contest_add(struct fk_contest *contest, const struct fk_subject *subject,
			const char *format, ...)
{
	uint32_t index = contest->n++;
	char name[sizeof(contest->series[0].name)];
	va_list args;

	if (index >= FK_CONTEST_MAX) {
		fprintf(stderr, "bench: more than %u subjects\n", FK_CONTEST_MAX);
		exit(1);
	}
	va_start(args, format);
	vsnprintf(name, sizeof(name), format, args);
	va_end(args);
	contest->subjects[index] = *subject;
	fk_series_name(&contest->series[index], "%s", name);
	return index;
}

uint32_t fk_contest_add_limit(struct fk_contest *contest, uint32_t n_rounds, const char *name)
{
	const struct fk_subject subject = {.n_rounds = n_rounds};

	return fk_contest_add(contest, &subject, "%s", name);
}

static double sample(const struct fk_subject *subject)
{
	uint64_t start;

	if (subject->burst == NULL)
		return subject->n_rounds * fk_bench_aes_round();
	start = __rdtsc();
	for (uint32_t i = 0; i < subject->n_bursts; i++)
		subject->burst(subject, fk_bench_ues_next(subject->walk));
	return (double)(__rdtsc() - start) / (subject->n_bursts * FK_CRYPTO_BURST_MAX);
}

void fk_contest_run(struct fk_contest *contest)
{
	for (uint32_t run = 0; run < FK_SERIES_RUNS + WARM_UP; run++)
		for (uint32_t i = 0; i < contest->n; i++) {
			double cycles = sample(&contest->subjects[i]);

			if (run >= WARM_UP)
				fk_series_add(&contest->series[i], cycles);
		}
}

double fk_contest_ratio(const struct fk_contest *contest, uint32_t over, uint32_t under)
{
	return fk_series_ratio(&contest->series[over], &contest->series[under]);
}

int fk_contest_end(const struct fk_contest *contest, const char *heading, const char *path,
		   const char *bench, const char *unit, json_t *ratios)
{
	const char *name;
	json_t *ratio;

	fk_series_print(heading, contest->series, contest->n);
	json_object_foreach(ratios, name, ratio)
		printf("%-44s %10.2f x\n", name, json_real_value(ratio));
	if (path == NULL) {
		json_decref(ratios);
		return 0;
	}
	return !fk_series_report(path, bench, unit, contest->series, contest->n, ratios);
}

void fk_contest_expect_same(const void *a, const void *b, size_t size, const char *what)
{
	if (memcmp(a, b, size) == 0)
		return;
	fprintf(stderr, "bench: %s and OpenSSL differ\n", what);
	exit(1);
}
