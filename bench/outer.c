/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many TSC cycles does the outer layer of one rekey KMM (80 octets) cost, with the expansion of
 * key and message indicator? AES-256 OFB by each engine of this CPU, under a key of each UE's own
 * over 1 k UEs and over 1 M, and under one key of a group; the AES unit's limit; OpenSSL's EVP with
 * a fresh context for each message and with one that is keyed anew; and the loop that a good
 * programmer writes over EVP AES-256-ECB. The engine "ipsec_mb" is that library's jobs.
 */
#include <string.h>

#include "contest.h"
#include "crypto/outer.h"
#include "evp.h"

#define KMM_SIZE 80 /* octets: a Rekey-Command with one key */
#define LANES	 FK_CRYPTO_BURST_MAX
#define BLOCK	 16
#define N_BLOCKS (1 + KMM_SIZE / BLOCK) /* the first block of keystream is thrown away */

static struct fk_crypto_scratch scratch;
static struct fk_bench_walk walk_1k, walk_1m;
static uint8_t kmms[LANES][KMM_SIZE], mis[LANES][FK_MI_SIZE]; /* hot, as in the dataplane */
static EVP_CIPHER_CTX *ofb, *ecb;

static void burst_engine(const struct fk_subject *subject, const struct fk_bench_ue *ues)
{
	struct fk_outer_lane lanes[LANES];

	for (uint32_t i = 0; i < LANES; i++)
		lanes[i] = (struct fk_outer_lane){subject->has_common_key ? walk_1k.ues[0].key
									  : ues[i].key,
						  mis[i], kmms[i], KMM_SIZE};
	subject->engine->outer(&scratch, lanes, LANES);
}

static void encrypt(EVP_CIPHER_CTX *ctx, const uint8_t *key, uint32_t i)
{
	uint8_t iv[BLOCK], first[BLOCK] = {0};
	int size;

	fk_outer_mi_expand(mis[i], iv);
	fk_evp_expect(EVP_EncryptInit_ex(ctx, NULL, NULL, key, iv));
	fk_evp_expect(EVP_EncryptUpdate(ctx, first, &size, first, BLOCK));
	fk_evp_expect(EVP_EncryptUpdate(ctx, kmms[i], &size, kmms[i], KMM_SIZE));
}

static void one_reused(const struct fk_subject *subject, const struct fk_bench_ue *ue, uint32_t i)
{
	/* Without a new key the schedule is kept. */
	encrypt(ofb, subject->has_common_key ? NULL : ue->key, i);
}

static void one_fresh(const struct fk_subject *subject, const struct fk_bench_ue *ue, uint32_t i)
{
	EVP_CIPHER_CTX *ctx = fk_evp_cipher_new(EVP_aes_256_ofb());

	(void)subject;
	encrypt(ctx, ue->key, i);
	EVP_CIPHER_CTX_free(ctx);
}

static void one_own_loop(const struct fk_subject *subject, const struct fk_bench_ue *ue, uint32_t i)
{
	uint8_t block[BLOCK];

	if (!subject->has_common_key)
		fk_evp_expect(EVP_EncryptInit_ex(ecb, NULL, NULL, ue->key, NULL));
	fk_outer_mi_expand(mis[i], block);
	for (uint32_t b = 0; b < N_BLOCKS; b++) {
		fk_evp_expect(EVP_Cipher(ecb, block, block, BLOCK) == BLOCK);
		for (uint32_t k = 0; b > 0 && k < BLOCK; k++)
			kmms[i][(b - 1) * BLOCK + k] ^= block[k];
	}
}

/* What an engine encrypts, the others must bring back. */
static void engine_check(const struct fk_crypto_engine *engine)
{
	const struct fk_bench_ue *ues = fk_bench_ues_next(&walk_1k);
	const struct fk_subject subject = {.engine = engine};
	uint8_t plain[LANES][KMM_SIZE];

	memcpy(plain, kmms, sizeof(plain));
	burst_engine(&subject, ues);
	for (uint32_t i = 0; i < LANES; i++) {
		(i % 3 == 0   ? one_reused
		 : i % 3 == 1 ? one_fresh
			      : one_own_loop)(&subject, &ues[i], i);
		fk_contest_expect_same(plain[i], kmms[i], KMM_SIZE, engine->name);
	}
}

/* Where the subjects stand: own keys over 1 k and 1 M UEs, one key for all; behind the fastest
 * engine come the others. */
enum {
	LIMIT,
	REUSED_1K,
	REUSED_1M,
	REUSED_COMMON,
	OWN_LOOP_1K,
	OWN_LOOP_1M,
	OWN_LOOP_COMMON,
	FRESH_1K,
	BEST_1K,
	BEST_1M,
	BEST_COMMON,
};

static void add_all_keys(struct fk_contest *contest, struct fk_subject s, const char *name)
{
	s.walk = &walk_1k;
	fk_contest_add(contest, &s, "%s/1k", name);
	s.walk = &walk_1m;
	fk_contest_add(contest, &s, "%s/1M", name);
	s.walk = &walk_1k;
	s.has_common_key = true;
	fk_contest_add(contest, &s, "%s/common", name);
}

static void subjects_make(struct fk_contest *contest)
{
	struct fk_subject s = {.burst = fk_subject_one_by_one, .n_bursts = FK_CONTEST_SLOW};

	fk_contest_add_limit(contest, N_BLOCKS * FK_AES_256_BLOCK, "limit of the AES unit");
	s.one = one_reused;
	add_all_keys(contest, s, "openssl_evp_reused_ctx");
	s.one = one_own_loop;
	add_all_keys(contest, s, "own_loop_evp_ecb");
	s.one = one_fresh;
	s.walk = &walk_1k;
	fk_contest_add(contest, &s, "openssl_evp_fresh_ctx/1k");
	s = (struct fk_subject){.burst = burst_engine};
	for (uint32_t i = 0; (s.engine = fk_bench_engine(i, &scratch)) != NULL; i++) {
		engine_check(s.engine);
		s.n_bursts = fk_bench_is_fast(s.engine) ? FK_CONTEST_FAST : FK_CONTEST_SLOW;
		add_all_keys(contest, s, s.engine->name);
	}
}

static json_t *ratios_make(const struct fk_contest *c)
{
	return json_pack("{s:f, s:f, s:f, s:f, s:f, s:f}", "outer_vs_openssl_reused_ctx",
			 fk_contest_ratio(c, REUSED_1K, BEST_1K), "outer_vs_own_loop_evp_ecb",
			 fk_contest_ratio(c, OWN_LOOP_1K, BEST_1K), "outer_vs_limit",
			 fk_contest_ratio(c, BEST_1K, LIMIT), "outer_vs_openssl_reused_ctx_1m",
			 fk_contest_ratio(c, REUSED_1M, BEST_1M),
			 "outer_vs_openssl_reused_ctx_common",
			 fk_contest_ratio(c, REUSED_COMMON, BEST_COMMON), "outer_vs_limit_1m",
			 fk_contest_ratio(c, BEST_1M, LIMIT));
}

int main(int argc, char **argv)
{
	const char *path = fk_series_options(argc, argv);
	static struct fk_contest contest;

	walk_1k = fk_bench_ues_new(FK_BENCH_UES_1K);
	walk_1m = fk_bench_ues_new(FK_BENCH_UES_1M);
	for (uint32_t i = 0; i < LANES; i++)
		memset(mis[i], (int)i + 1, FK_MI_SIZE);
	ofb = fk_evp_cipher_new(EVP_aes_256_ofb());
	ecb = fk_evp_cipher_new(EVP_aes_256_ecb());
	subjects_make(&contest);
	fk_contest_run(&contest);
	EVP_CIPHER_CTX_free(ofb);
	EVP_CIPHER_CTX_free(ecb);
	return fk_contest_end(&contest, "outer layer of a KMM of 80 octets, TSC cycles/KMM", path,
			      "outer", "cycles/kmm", ratios_make(&contest));
}
