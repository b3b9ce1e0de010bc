/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many TSC cycles does one AES-256 wrap of a 256-bit key cost, key expansion included, when
 * every UE has a KEK of its own? Each engine of this CPU, over 1 k UEs and over 1 M; the AES unit's
 * limit; OpenSSL's EVP with a fresh context for each key and with one that is keyed anew; and what
 * a good programmer writes with OpenSSL: an RFC 3394 loop on EVP AES-256-ECB, context reused.
 */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <x86intrin.h>

#include "series.h"
#include "ues.h"

#define CASES_MAX   24
#define WARM_UP	    2
#define SAMPLE_FAST (128 * FK_CRYPTO_BURST_MAX) /* keys: reading the clock costs nothing */
#define SAMPLE_SLOW (8 * FK_CRYPTO_BURST_MAX)
#define KW_BLOCKS   24
#define AES_ROUNDS  14

struct bench {
	struct fk_crypto_scratch scratch;
	struct fk_bench_walk walk_1k, walk_1m;
	uint8_t wrapped[FK_CRYPTO_BURST_MAX][40]; /* hot, as in the dataplane */
	EVP_CIPHER_CTX *wrap, *ecb;
};

struct subject {
	double (*sample)(struct bench *bench, const struct subject *subject);
	const struct fk_crypto_engine *engine;
	struct fk_bench_walk *walk;
};

static uint8_t tek[32] = {1, 2, 3, 4, 5, 6, 7, 8};

static void expect(int ok)
{
	if (ok == 1)
		return;
	fprintf(stderr, "bench-wrap: OpenSSL failed\n");
	exit(1);
}

static EVP_CIPHER_CTX *context_new(const EVP_CIPHER *cipher)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

	expect(ctx != NULL);
	EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	expect(EVP_EncryptInit_ex(ctx, cipher, NULL, NULL, NULL));
	EVP_CIPHER_CTX_set_padding(ctx, 0);
	return ctx;
}

static double sample_engine(struct bench *bench, const struct subject *subject)
{
	uint32_t n = subject->engine->n_lanes == FK_CRYPTO_BURST_MAX ? SAMPLE_SLOW : SAMPLE_FAST;
	struct fk_wrap_lane lanes[FK_CRYPTO_BURST_MAX];
	uint64_t start = __rdtsc();

	for (uint32_t done = 0; done < n; done += FK_CRYPTO_BURST_MAX) {
		const struct fk_bench_ue *ues = fk_bench_ues_next(subject->walk);

		for (uint32_t i = 0; i < FK_CRYPTO_BURST_MAX; i++)
			lanes[i] = (struct fk_wrap_lane){ues[i].key, tek, bench->wrapped[i]};
		subject->engine->wrap(&bench->scratch, lanes, FK_CRYPTO_BURST_MAX);
	}
	return (double)(__rdtsc() - start) / n;
}

typedef void (*wrap_fn)(struct bench *bench, const uint8_t *kek, uint8_t *wrapped);

static double sample_one_by_one(struct bench *bench, const struct subject *subject, wrap_fn wrap)
{
	uint64_t start = __rdtsc();

	for (uint32_t done = 0; done < SAMPLE_SLOW; done += FK_CRYPTO_BURST_MAX) {
		const struct fk_bench_ue *ues = fk_bench_ues_next(subject->walk);

		for (uint32_t i = 0; i < FK_CRYPTO_BURST_MAX; i++)
			wrap(bench, ues[i].key, bench->wrapped[i]);
	}
	return (double)(__rdtsc() - start) / SAMPLE_SLOW;
}

static void wrap_reused(struct bench *bench, const uint8_t *kek, uint8_t *wrapped)
{
	int size;

	expect(EVP_EncryptInit_ex(bench->wrap, NULL, NULL, kek, NULL));
	expect(EVP_EncryptUpdate(bench->wrap, wrapped, &size, tek, sizeof(tek)));
}

static void wrap_fresh(struct bench *bench, const uint8_t *kek, uint8_t *wrapped)
{
	EVP_CIPHER_CTX *ctx = context_new(EVP_aes_256_wrap());
	int size;

	(void)bench;
	expect(EVP_EncryptInit_ex(ctx, NULL, NULL, kek, NULL));
	expect(EVP_EncryptUpdate(ctx, wrapped, &size, tek, sizeof(tek)));
	EVP_CIPHER_CTX_free(ctx);
}

/* spec: RFC 3394 §2.2.1 */
static void wrap_own_loop(struct bench *bench, const uint8_t *kek, uint8_t *wrapped)
{
	uint8_t block[16];
	int size;

	expect(EVP_EncryptInit_ex(bench->ecb, NULL, NULL, kek, NULL));
	memset(block, 0xa6, 8);
	memcpy(wrapped + 8, tek, sizeof(tek));
	for (uint32_t t = 1; t <= KW_BLOCKS; t++) {
		uint8_t *half = wrapped + 8 + (t - 1) % 4 * 8;

		memcpy(block + 8, half, 8);
		expect(EVP_EncryptUpdate(bench->ecb, block, &size, block, sizeof(block)));
		block[7] ^= (uint8_t)t;
		memcpy(half, block + 8, 8);
	}
	memcpy(wrapped, block, 8);
}

static double sample_reused(struct bench *bench, const struct subject *subject)
{
	return sample_one_by_one(bench, subject, wrap_reused);
}

static double sample_fresh(struct bench *bench, const struct subject *subject)
{
	return sample_one_by_one(bench, subject, wrap_fresh);
}

static double sample_own_loop(struct bench *bench, const struct subject *subject)
{
	return sample_one_by_one(bench, subject, wrap_own_loop);
}

static double sample_limit(struct bench *bench, const struct subject *subject)
{
	(void)bench;
	(void)subject;
	return KW_BLOCKS * AES_ROUNDS * fk_bench_aes_round();
}

/* All subjects have to agree before they are compared. */
static void subjects_check(struct bench *bench, const struct fk_crypto_engine *engine)
{
	const struct fk_bench_ue *ue = fk_bench_ues_next(&bench->walk_1k);
	uint8_t wrapped[4][40];
	struct fk_wrap_lane lane = {ue->key, tek, wrapped[0]};

	engine->wrap(&bench->scratch, &lane, 1);
	wrap_reused(bench, ue->key, wrapped[1]);
	wrap_fresh(bench, ue->key, wrapped[2]);
	wrap_own_loop(bench, ue->key, wrapped[3]);
	for (uint32_t i = 1; i < 4; i++)
		if (memcmp(wrapped[0], wrapped[i], sizeof(wrapped[0])) != 0) {
			fprintf(stderr, "bench-wrap: %s and OpenSSL differ\n", engine->name);
			exit(1);
		}
}

/* Where the cases stand; behind the fastest engine come the others, 1k and 1M in turn. */
enum {
	LIMIT,
	REUSED_1K,
	REUSED_1M,
	OWN_LOOP_1K,
	OWN_LOOP_1M,
	FRESH_1K,
	BEST_1K,
	BEST_1M,
};

static uint32_t subjects_make(struct bench *bench, struct subject *s, struct fk_series *series)
{
	struct fk_bench_walk *k = &bench->walk_1k, *m = &bench->walk_1m;
	const struct fk_crypto_engine *engine;
	uint32_t n = BEST_1K;

	s[LIMIT] = (struct subject){.sample = sample_limit};
	fk_series_name(&series[LIMIT], "limit of the AES unit");
	s[REUSED_1K] = (struct subject){.sample = sample_reused, .walk = k};
	fk_series_name(&series[REUSED_1K], "openssl_evp_reused_ctx/1k");
	s[REUSED_1M] = (struct subject){.sample = sample_reused, .walk = m};
	fk_series_name(&series[REUSED_1M], "openssl_evp_reused_ctx/1M");
	s[OWN_LOOP_1K] = (struct subject){.sample = sample_own_loop, .walk = k};
	fk_series_name(&series[OWN_LOOP_1K], "own_loop_evp_ecb/1k");
	s[OWN_LOOP_1M] = (struct subject){.sample = sample_own_loop, .walk = m};
	fk_series_name(&series[OWN_LOOP_1M], "own_loop_evp_ecb/1M");
	s[FRESH_1K] = (struct subject){.sample = sample_fresh, .walk = k};
	fk_series_name(&series[FRESH_1K], "openssl_evp_fresh_ctx/1k");
	for (uint32_t i = 0; n + 2 <= CASES_MAX; i++, n += 2) {
		engine = fk_bench_engine(i, &bench->scratch);
		if (engine == NULL)
			break;
		subjects_check(bench, engine);
		s[n] = (struct subject){sample_engine, engine, k};
		fk_series_name(&series[n], "%s/1k", engine->name);
		s[n + 1] = (struct subject){sample_engine, engine, m};
		fk_series_name(&series[n + 1], "%s/1M", engine->name);
	}
	return n;
}

int main(int argc, char **argv)
{
	const char *path = fk_series_options(argc, argv);
	static struct fk_series series[CASES_MAX];
	static struct subject subjects[CASES_MAX];
	static struct bench bench;
	uint32_t n;
	double vs_reused, vs_loop, vs_limit;

	bench.walk_1k = fk_bench_ues_new(FK_BENCH_UES_1K);
	bench.walk_1m = fk_bench_ues_new(FK_BENCH_UES_1M);
	bench.wrap = context_new(EVP_aes_256_wrap());
	bench.ecb = context_new(EVP_aes_256_ecb());
	n = subjects_make(&bench, subjects, series);
	for (uint32_t run = 0; run < FK_SERIES_RUNS + WARM_UP; run++)
		for (uint32_t i = 0; i < n; i++) {
			double sample = subjects[i].sample(&bench, &subjects[i]);

			if (run >= WARM_UP)
				fk_series_add(&series[i], sample);
		}
	vs_reused = fk_series_ratio(&series[REUSED_1K], &series[BEST_1K]);
	vs_loop = fk_series_ratio(&series[OWN_LOOP_1K], &series[BEST_1K]);
	vs_limit = fk_series_ratio(&series[BEST_1K], &series[LIMIT]);
	fk_series_print("AES-256 wrap, TSC cycles/key", series, n);
	printf("wrap_vs_openssl_reused_ctx %.1f, wrap_vs_own_loop_evp_ecb %.1f, wrap_vs_limit "
	       "%.2f\n",
	       vs_reused, vs_loop, vs_limit);
	EVP_CIPHER_CTX_free(bench.wrap);
	EVP_CIPHER_CTX_free(bench.ecb);
	if (path == NULL)
		return 0;
	return !fk_series_report(
		path, "wrap", "cycles/key", series, n,
		json_pack("{s:f, s:f, s:f, s:f, s:f, s:f}", "wrap_vs_openssl_reused_ctx", vs_reused,
			  "wrap_vs_own_loop_evp_ecb", vs_loop, "wrap_vs_limit", vs_limit,
			  "wrap_vs_openssl_reused_ctx_1m",
			  fk_series_ratio(&series[REUSED_1M], &series[BEST_1M]),
			  "wrap_vs_own_loop_evp_ecb_1m",
			  fk_series_ratio(&series[OWN_LOOP_1M], &series[BEST_1M]),
			  "wrap_vs_limit_1m", fk_series_ratio(&series[BEST_1M], &series[LIMIT])));
}
