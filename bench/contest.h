/* SPDX-License-Identifier: Apache-2.0 */
/*
 * contest.h - many ways to do one piece of bulk crypto, measured in turns over UEs of a fleet.
 *
 * A bench names its subjects in the order in which they shall be shown; ratios are taken between
 * two of them. Each subject works on a burst of UEs, or on one UE after the other.
 *
 * Threads: none. Memory: a contest is the caller's (it is large: static).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "series.h"
#include "ues.h"

#define FK_CONTEST_MAX	64  /* subjects */
#define FK_CONTEST_FAST 128 /* bursts of one sample: reading the clock costs nothing */
#define FK_CONTEST_SLOW 8

#define FK_AES_128_BLOCK 10 /* rounds of one block */
#define FK_AES_256_BLOCK 14

struct fk_subject {
	/* What is done to FK_CRYPTO_BURST_MAX UEs; NULL for the limit of the AES unit. */
	void (*burst)(const struct fk_subject *subject, const struct fk_bench_ue *ues);
	/* With fk_subject_one_by_one() as 'burst': what is done to UE 'i' of the burst. */
	void (*one)(const struct fk_subject *subject, const struct fk_bench_ue *ue, uint32_t i);
	const struct fk_crypto_engine *engine;
	struct fk_bench_walk *walk;
	uint32_t n_bursts; /* of one sample */
	uint32_t n_rounds; /* of the limit: rounds of AES of one UE */
	enum fk_wrap_shape shape;
	uint8_t mac_format;
	bool has_common_key;
};

struct fk_contest {
	struct fk_subject subjects[FK_CONTEST_MAX];
	struct fk_series series[FK_CONTEST_MAX];
	uint32_t n;
};

void fk_subject_one_by_one(const struct fk_subject *subject, const struct fk_bench_ue *ues);

/* Adds a subject; returns its index. Ends the program if there are too many. */
uint32_t fk_contest_add(struct fk_contest *contest, const struct fk_subject *subject,
			const char *format, ...) __attribute__((format(printf, 3, 4)));

/* 'n_rounds' rounds of AES, when the AES unit does nothing else. */
uint32_t fk_contest_add_limit(struct fk_contest *contest, uint32_t n_rounds, const char *name);

/* Samples all subjects in turns: series of TSC cycles for each UE. */
void fk_contest_run(struct fk_contest *contest);

/* Median over the turns of subject 'over' divided by subject 'under'. */
double fk_contest_ratio(const struct fk_contest *contest, uint32_t over, uint32_t under);

/* Prints a table under 'heading', then the ratios; writes the report if 'path' is not NULL. Takes
 * 'ratios'. Returns the program's exit code. */
int fk_contest_end(const struct fk_contest *contest, const char *heading, const char *path,
		   const char *bench, const char *unit, json_t *ratios);

/* Ends the program unless two subjects came to the same octets. */
void fk_contest_expect_same(const void *a, const void *b, size_t size, const char *what);
