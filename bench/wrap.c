/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many TSC cycles does one AES-256 wrap of a 256-bit key cost, key expansion included, when
 * every UE has a KEK of its own, and how many do the other shapes: AES-128's of a 128-bit key
 * ("128"), and those of a KEK and a key of different sizes? Each engine of this CPU, over 1 k UEs
 * and over 1 M, and under one KEK that all share; the AES unit's limit; OpenSSL's EVP with a fresh
 * context for each key and with one that is keyed anew; and what a good programmer writes with
 * OpenSSL: an RFC 3394 loop on EVP AES-256-ECB, context reused. The engine "ipsec_mb" is that
 * library's jobs.
 */
#include <string.h>

#include "contest.h"
#include "evp.h"

static struct fk_crypto_scratch scratch;
static struct fk_bench_walk walk_1k, walk_1m;
static uint8_t wrapped[FK_CRYPTO_BURST_MAX][40]; /* hot, as in the dataplane */
static uint8_t tek[32] = {1, 2, 3, 4, 5, 6, 7, 8};
static EVP_CIPHER_CTX *wrap, *wrap_128, *ecb;

static void burst_engine(const struct fk_subject *subject, const struct fk_bench_ue *ues)
{
	struct fk_wrap_lane lanes[FK_CRYPTO_BURST_MAX];

	for (uint32_t i = 0; i < FK_CRYPTO_BURST_MAX; i++)
		lanes[i] = (struct fk_wrap_lane){ues[subject->has_common_key ? 0 : i].key, tek,
						 wrapped[i]};
	subject->engine->wrap(&scratch, subject->shape, lanes, FK_CRYPTO_BURST_MAX);
}

static void one_reused(const struct fk_subject *subject, const struct fk_bench_ue *ue, uint32_t i)
{
	int size;

	(void)subject;
	fk_evp_expect(EVP_EncryptInit_ex(wrap, NULL, NULL, ue->key, NULL));
	fk_evp_expect(EVP_EncryptUpdate(wrap, wrapped[i], &size, tek, sizeof(tek)));
}

static void one_reused_128(const struct fk_subject *subject, const struct fk_bench_ue *ue,
			   uint32_t i)
{
	int size;

	(void)subject;
	fk_evp_expect(EVP_EncryptInit_ex(wrap_128, NULL, NULL, ue->key, NULL));
	fk_evp_expect(EVP_EncryptUpdate(wrap_128, wrapped[i], &size, tek, 16));
}

static void one_fresh(const struct fk_subject *subject, const struct fk_bench_ue *ue, uint32_t i)
{
	EVP_CIPHER_CTX *ctx = fk_evp_cipher_new(EVP_aes_256_wrap());
	int size;

	(void)subject;
	fk_evp_expect(EVP_EncryptInit_ex(ctx, NULL, NULL, ue->key, NULL));
	fk_evp_expect(EVP_EncryptUpdate(ctx, wrapped[i], &size, tek, sizeof(tek)));
	EVP_CIPHER_CTX_free(ctx);
}

static void one_own_loop(const struct fk_subject *subject, const struct fk_bench_ue *ue, uint32_t i)
{
	(void)subject;
	fk_evp_wrap_by_ecb(ecb, ue->key, tek, wrapped[i]);
}

/* All subjects have to agree before they are compared. */
static void engine_check(const struct fk_crypto_engine *engine)
{
	const struct fk_bench_ue *ues = fk_bench_ues_next(&walk_1k);
	struct fk_subject subject = {.engine = engine};
	uint8_t expected[40];

	burst_engine(&subject, ues);
	for (uint32_t i = 0; i < 3; i++) {
		memcpy(expected, wrapped[i], sizeof(expected));
		(i == 0 ? one_reused : i == 1 ? one_fresh : one_own_loop)(&subject, &ues[i], i);
		fk_contest_expect_same(expected, wrapped[i], sizeof(expected), engine->name);
	}
	subject.shape = FK_WRAP_128_UNDER_128;
	burst_engine(&subject, ues);
	memcpy(expected, wrapped[0], sizeof(expected));
	one_reused_128(&subject, &ues[0], 0);
	fk_contest_expect_same(expected, wrapped[0], 24, engine->name);
}

/* Where the subjects stand; behind the fastest engine come the others. */
enum {
	LIMIT,
	LIMIT_128,
	REUSED_1K,
	REUSED_1M,
	OWN_LOOP_1K,
	OWN_LOOP_1M,
	FRESH_1K,
	REUSED_128_1K,
	REUSED_128_1M,
	BEST_1K,
	BEST_1M,
	BEST_COMMON,
	BEST_128_1K,
	BEST_128_1M,
};

/* Besides a 256-bit key under AES-256. */
static const struct {
	enum fk_wrap_shape shape;
	const char *name;
} other_shapes[] = {
	{FK_WRAP_128_UNDER_128, "128"},
	{FK_WRAP_128_UNDER_256, "128_under_256"},
	{FK_WRAP_256_UNDER_128, "256_under_128"},
};

static void subjects_make(struct fk_contest *contest)
{
	struct fk_subject s = {.burst = fk_subject_one_by_one, .n_bursts = FK_CONTEST_SLOW};

	fk_contest_add_limit(contest, FK_EVP_KW_BLOCKS * FK_AES_256_BLOCK, "limit of the AES unit");
	fk_contest_add_limit(contest, FK_EVP_KW_BLOCKS / 2 * FK_AES_128_BLOCK,
			     "limit of the AES unit, AES-128");
	s.one = one_reused;
	s.walk = &walk_1k;
	fk_contest_add(contest, &s, "openssl_evp_reused_ctx/1k");
	s.walk = &walk_1m;
	fk_contest_add(contest, &s, "openssl_evp_reused_ctx/1M");
	s.one = one_own_loop;
	s.walk = &walk_1k;
	fk_contest_add(contest, &s, "own_loop_evp_ecb/1k");
	s.walk = &walk_1m;
	fk_contest_add(contest, &s, "own_loop_evp_ecb/1M");
	s.one = one_fresh;
	s.walk = &walk_1k;
	fk_contest_add(contest, &s, "openssl_evp_fresh_ctx/1k");
	s.one = one_reused_128;
	fk_contest_add(contest, &s, "openssl_evp_reused_ctx/128/1k");
	s.walk = &walk_1m;
	fk_contest_add(contest, &s, "openssl_evp_reused_ctx/128/1M");
	s = (struct fk_subject){.burst = burst_engine};
	for (uint32_t i = 0; (s.engine = fk_bench_engine(i, &scratch)) != NULL; i++) {
		engine_check(s.engine);
		s.n_bursts = fk_bench_is_fast(s.engine) ? FK_CONTEST_FAST : FK_CONTEST_SLOW;
		s.walk = &walk_1k;
		s.has_common_key = false;
		fk_contest_add(contest, &s, "%s/1k", s.engine->name);
		s.walk = &walk_1m;
		fk_contest_add(contest, &s, "%s/1M", s.engine->name);
		s.has_common_key = true;
		fk_contest_add(contest, &s, "%s/common", s.engine->name);
		s.has_common_key = false;
		for (uint32_t k = 0; k < sizeof(other_shapes) / sizeof(other_shapes[0]); k++) {
			s.shape = other_shapes[k].shape;
			s.walk = &walk_1k;
			fk_contest_add(contest, &s, "%s/%s/1k", s.engine->name,
				       other_shapes[k].name);
			s.walk = &walk_1m;
			fk_contest_add(contest, &s, "%s/%s/1M", s.engine->name,
				       other_shapes[k].name);
		}
		s.shape = FK_WRAP_256_UNDER_256;
	}
}

static json_t *ratios_make(const struct fk_contest *c)
{
	return json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f}",
			 "wrap_vs_openssl_reused_ctx", fk_contest_ratio(c, REUSED_1K, BEST_1K),
			 "wrap_vs_own_loop_evp_ecb", fk_contest_ratio(c, OWN_LOOP_1K, BEST_1K),
			 "wrap_vs_limit", fk_contest_ratio(c, BEST_1K, LIMIT),
			 "wrap_vs_openssl_reused_ctx_1m", fk_contest_ratio(c, REUSED_1M, BEST_1M),
			 "wrap_vs_own_loop_evp_ecb_1m", fk_contest_ratio(c, OWN_LOOP_1M, BEST_1M),
			 "wrap_vs_limit_1m", fk_contest_ratio(c, BEST_1M, LIMIT),
			 "wrap_128_vs_openssl_reused_ctx",
			 fk_contest_ratio(c, REUSED_128_1K, BEST_128_1K),
			 "wrap_128_vs_openssl_reused_ctx_1m",
			 fk_contest_ratio(c, REUSED_128_1M, BEST_128_1M), "wrap_128_vs_limit",
			 fk_contest_ratio(c, BEST_128_1K, LIMIT_128));
}

int main(int argc, char **argv)
{
	const char *path = fk_series_options(argc, argv);
	static struct fk_contest contest;

	walk_1k = fk_bench_ues_new(FK_BENCH_UES_1K);
	walk_1m = fk_bench_ues_new(FK_BENCH_UES_1M);
	wrap = fk_evp_cipher_new(EVP_aes_256_wrap());
	wrap_128 = fk_evp_cipher_new(EVP_aes_128_wrap());
	ecb = fk_evp_cipher_new(EVP_aes_256_ecb());
	subjects_make(&contest);
	fk_contest_run(&contest);
	EVP_CIPHER_CTX_free(wrap);
	EVP_CIPHER_CTX_free(wrap_128);
	EVP_CIPHER_CTX_free(ecb);
	return fk_contest_end(&contest, "AES key wrap, TSC cycles/key", path, "wrap", "cycles/key",
			      ratios_make(&contest));
}
