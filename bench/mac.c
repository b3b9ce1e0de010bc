/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many TSC cycles does the MAC of one rekey KMM (80 octets) cost, key derivation included? CMAC
 * and CBC-MAC by each engine of this CPU, under a TEK of each UE's own over 1 k UEs and over 1 M,
 * and under one TEK of a group; the AES unit's limit (HMAC-SHA-256, most of a CMAC, is not in it);
 * OpenSSL's EVP with fresh contexts and with ones that are keyed anew; what a good programmer
 * writes with OpenSSL (the fleet simulator's code: own loops on EVP's ciphers, SHA-256 by its
 * low-level calls); and jobs of libIPSec_MB for both halves of a CMAC.
 */
#include <intel-ipsec-mb.h>
#include <stdio.h>
#include <string.h>

#include "contest.h"
#include "evp.h"
#include "fleetsim/ossl.h"

#define KMM_SIZE 80 /* octets: a Rekey-Command with one key */
#define LANES	 FK_CRYPTO_BURST_MAX
#define BLOCK	 16
#define KEY_PADS 2 /* HMAC's inner and outer one */

static struct fk_crypto_scratch scratch;
static struct fk_bench_walk walk_1k, walk_1m;
static uint8_t kmms[LANES][KMM_SIZE], macs[LANES][FK_KMM_MAC_SIZE]; /* hot, as in the dataplane */
static EVP_MAC_CTX *hmac, *cmac;
static EVP_CIPHER_CTX *wrap, *cbc;
static struct fk_ossl *ossl;
static IMB_MGR *manager;

static const uint8_t *tek_of(const struct fk_subject *subject, const struct fk_bench_ue *ues,
			     uint32_t i)
{
	return subject->has_common_key ? walk_1k.ues[0].key : ues[i].key;
}

static void burst_engine(const struct fk_subject *subject, const struct fk_bench_ue *ues)
{
	struct fk_mac_lane lanes[LANES];

	for (uint32_t i = 0; i < LANES; i++)
		lanes[i] = (struct fk_mac_lane){.tek = tek_of(subject, ues, i),
						.frame = kmms[i],
						.frame_size = KMM_SIZE,
						.mac_format = subject->mac_format};
	subject->engine->mac(&scratch, lanes, LANES);
	for (uint32_t i = 0; i < LANES; i++)
		memcpy(macs[i], lanes[i].mac, FK_KMM_MAC_SIZE);
}

static void one_reused(const struct fk_subject *subject, const struct fk_bench_ue *ue, uint32_t i)
{
	const uint8_t *tek = tek_of(subject, ue, 0);

	if (subject->mac_format == FK_KMM_MAC_FORMAT_CMAC)
		fk_evp_kmm_cmac(hmac, cmac, tek, kmms[i], KMM_SIZE, macs[i]);
	else
		fk_evp_kmm_cbc_mac(wrap, cbc, tek, kmms[i], KMM_SIZE, macs[i]);
}

static void one_fresh(const struct fk_subject *subject, const struct fk_bench_ue *ue, uint32_t i)
{
	if (subject->mac_format == FK_KMM_MAC_FORMAT_CMAC) {
		EVP_MAC_CTX *new_hmac = fk_evp_hmac_new(), *new_cmac = fk_evp_cmac_new();

		fk_evp_kmm_cmac(new_hmac, new_cmac, ue->key, kmms[i], KMM_SIZE, macs[i]);
		EVP_MAC_CTX_free(new_hmac);
		EVP_MAC_CTX_free(new_cmac);
	} else {
		EVP_CIPHER_CTX *new_wrap = fk_evp_cipher_new(EVP_aes_256_wrap());
		EVP_CIPHER_CTX *new_cbc = fk_evp_cipher_new(EVP_aes_256_cbc());

		fk_evp_kmm_cbc_mac(new_wrap, new_cbc, ue->key, kmms[i], KMM_SIZE, macs[i]);
		EVP_CIPHER_CTX_free(new_wrap);
		EVP_CIPHER_CTX_free(new_cbc);
	}
}

static void one_own_loop(const struct fk_subject *subject, const struct fk_bench_ue *ue, uint32_t i)
{
	fk_evp_expect(fk_ossl_mac(ossl, tek_of(subject, ue, 0), kmms[i], KMM_SIZE,
				  subject->mac_format, macs[i]) == FK_OK);
}

/* What the library wants beside its jobs. */
static struct {
	uint8_t pads[LANES][KEY_PADS][IMB_SHA256_DIGEST_SIZE_IN_BYTES];
	uint8_t keys[LANES][32];
	uint8_t schedules[LANES][15 * BLOCK], unused[15 * BLOCK], subkeys[LANES][2][BLOCK];
	uint8_t messages[LANES][KMM_SIZE];
	IMB_JOB jobs[LANES];
} jobs __attribute__((aligned(64)));

static void pads_make(uint8_t (*pads)[IMB_SHA256_DIGEST_SIZE_IN_BYTES], const uint8_t *tek)
{
	static const uint8_t values[KEY_PADS] = {0x36, 0x5c};
	uint8_t block[IMB_SHA_256_BLOCK_SIZE];

	for (uint32_t p = 0; p < KEY_PADS; p++) {
		memset(block, values[p], sizeof(block));
		for (uint32_t i = 0; i < 32; i++)
			block[i] ^= tek[i];
		IMB_SHA256_ONE_BLOCK(manager, block, pads[p]);
	}
}

static void jobs_run(IMB_HASH_ALG algorithm)
{
	fk_evp_expect(IMB_SUBMIT_HASH_BURST_NOCHECK(manager, jobs.jobs, LANES, algorithm) == LANES);
}

static void burst_jobs(const struct fk_subject *subject, const struct fk_bench_ue *ues)
{
	static const uint8_t label[] = {0, 0, 0, 1, 'O', 'T', 'A', 'R', ' ', 'M', 'A', 'C', 0};
	static const uint8_t n_bits[] = {1, 0};

	for (uint32_t i = 0; i < LANES; i++) {
		uint32_t key_lane = subject->has_common_key ? 0 : i;
		uint8_t *input = jobs.messages[i];

		if (key_lane == i)
			pads_make(jobs.pads[i], tek_of(subject, ues, i));
		memcpy(input, label, sizeof(label));
		memcpy(input + sizeof(label), kmms[i], 12);
		memcpy(input + sizeof(label) + 12, n_bits, sizeof(n_bits));
		jobs.jobs[i] = (IMB_JOB){
			.src = input,
			.msg_len_to_hash_in_bytes = sizeof(label) + 12 + sizeof(n_bits),
			.auth_tag_output = jobs.keys[i],
			.auth_tag_output_len_in_bytes = sizeof(jobs.keys[i]),
			.hash_alg = IMB_AUTH_HMAC_SHA_256,
			.cipher_mode = IMB_CIPHER_NULL,
			.u.HMAC = {jobs.pads[key_lane][0], jobs.pads[key_lane][1]},
		};
	}
	jobs_run(IMB_AUTH_HMAC_SHA_256);
	for (uint32_t i = 0; i < LANES; i++) {
		uint32_t head = KMM_SIZE - FK_KMM_MAC_BLOCK_SIZE, size = KMM_SIZE - FK_KMM_MAC_SIZE;

		IMB_AES_KEYEXP_256(manager, jobs.keys[i], jobs.schedules[i], jobs.unused);
		IMB_AES_CMAC_SUBKEY_GEN_256(manager, jobs.schedules[i], jobs.subkeys[i][0],
					    jobs.subkeys[i][1]);
		memcpy(jobs.messages[i], kmms[i], head);
		memcpy(jobs.messages[i] + head, kmms[i] + head + FK_KMM_MAC_SIZE, size - head);
		jobs.jobs[i] = (IMB_JOB){
			.src = jobs.messages[i],
			.msg_len_to_hash_in_bytes = size,
			.auth_tag_output = macs[i],
			.auth_tag_output_len_in_bytes = FK_KMM_MAC_SIZE,
			.hash_alg = IMB_AUTH_AES_CMAC_256,
			.cipher_mode = IMB_CIPHER_NULL,
			.u.CMAC = {jobs.schedules[i], jobs.subkeys[i][0], jobs.subkeys[i][1]},
		};
	}
	for (uint32_t i = 0; i < LANES; i++) { /* the library has no burst of CMAC */
		IMB_JOB *job = IMB_GET_NEXT_JOB(manager);

		*job = jobs.jobs[i];
		job->chain_order = IMB_ORDER_HASH_CIPHER;
		(void)IMB_SUBMIT_JOB_NOCHECK(manager);
	}
	while (IMB_FLUSH_JOB(manager) != NULL)
		;
}

/* All subjects have to agree before they are compared. */
static void engine_check(struct fk_subject s)
{
	const struct fk_bench_ue *ues = fk_bench_ues_next(&walk_1k);
	uint8_t expected[LANES][FK_KMM_MAC_SIZE];

	burst_engine(&s, ues);
	memcpy(expected, macs, sizeof(expected));
	for (uint32_t i = 0; i < LANES; i++) {
		one_own_loop(&s, &ues[i], i);
		fk_contest_expect_same(expected[i], macs[i], sizeof(macs[i]), s.engine->name);
		one_reused(&s, &ues[i], i);
		fk_contest_expect_same(expected[i], macs[i], sizeof(macs[i]), s.engine->name);
	}
	if (s.mac_format == FK_KMM_MAC_FORMAT_CMAC) {
		memset(macs, 0, sizeof(macs));
		burst_jobs(&s, ues);
		fk_contest_expect_same(expected, macs, sizeof(macs), "libIPSec_MB");
	}
}

/* Own keys over 1 k and 1 M UEs, and one key for all. */
enum {
	OWN_1K,
	OWN_1M,
	COMMON,
	N_KEYS
};

static const char *const key_names[N_KEYS] = {"1k", "1M", "common"};

/* Returns the index of the first of the three. */
static uint32_t add_all_keys(struct fk_contest *contest, struct fk_subject s, const char *name)
{
	uint32_t first = contest->n;

	for (uint32_t k = 0; k < N_KEYS; k++) {
		s.walk = k == OWN_1M ? &walk_1m : &walk_1k;
		s.has_common_key = k == COMMON;
		fk_contest_add(contest, &s, "%s/%s/%s",
			       s.mac_format == FK_KMM_MAC_FORMAT_CMAC ? "cmac" : "cbc_mac", name,
			       key_names[k]);
	}
	return first;
}

/* Where the subjects of one MAC stand. */
struct places {
	uint32_t limit, reused, own_loop, best;
};

static struct places subjects_make(struct fk_contest *contest, uint8_t mac_format)
{
	bool is_cmac = mac_format == FK_KMM_MAC_FORMAT_CMAC;
	uint32_t n_blocks = (KMM_SIZE - FK_KMM_MAC_SIZE + BLOCK - 1) / BLOCK;
	struct fk_subject s = {.burst = fk_subject_one_by_one,
			       .n_bursts = FK_CONTEST_SLOW,
			       .mac_format = mac_format};
	struct places places;

	/* CMAC's subkey takes a block, CBC-MAC's key derivation a wrap. */
	n_blocks += is_cmac ? 1 : FK_EVP_KW_BLOCKS;
	places.limit = fk_contest_add_limit(contest, n_blocks * FK_AES_256_BLOCK,
					    is_cmac ? "cmac/limit of the AES unit"
						    : "cbc_mac/limit of the AES unit");
	s.one = one_reused;
	places.reused = add_all_keys(contest, s, "openssl_evp_reused_ctx");
	s.one = one_own_loop;
	places.own_loop = add_all_keys(contest, s, "own_loop_evp");
	s.one = one_fresh;
	s.walk = &walk_1k;
	fk_contest_add(contest, &s, "%s/openssl_evp_fresh_ctx/1k", is_cmac ? "cmac" : "cbc_mac");
	if (is_cmac) {
		s.burst = burst_jobs;
		add_all_keys(contest, s, "ipsec_mb_jobs");
	}
	places.best = contest->n;
	s.burst = burst_engine;
	for (uint32_t i = 0; (s.engine = fk_bench_engine(i, &scratch)) != NULL; i++) {
		engine_check(s);
		s.n_bursts = fk_bench_is_fast(s.engine) ? FK_CONTEST_FAST : FK_CONTEST_SLOW;
		add_all_keys(contest, s, s.engine->name);
	}
	return places;
}

static void ratios_add(json_t *ratios, const struct fk_contest *c, const char *name,
		       const struct places *p)
{
	const struct {
		const char *what;
		double ratio;
	} all[] = {
		{"vs_openssl_reused_ctx", fk_contest_ratio(c, p->reused, p->best)},
		{"vs_openssl_reused_ctx_1m",
		 fk_contest_ratio(c, p->reused + OWN_1M, p->best + OWN_1M)},
		{"vs_openssl_reused_ctx_common",
		 fk_contest_ratio(c, p->reused + COMMON, p->best + COMMON)},
		{"vs_own_loop_evp", fk_contest_ratio(c, p->own_loop, p->best)},
		{"vs_limit", fk_contest_ratio(c, p->best, p->limit)},
		{"vs_limit_1m", fk_contest_ratio(c, p->best + OWN_1M, p->limit)},
	};
	char full[64];

	for (uint32_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		snprintf(full, sizeof(full), "%s_%s", name, all[i].what);
		json_object_set_new(ratios, full, json_real(all[i].ratio));
	}
}

static void kmms_make(void)
{
	for (uint32_t i = 0; i < LANES; i++) {
		memset(kmms[i], (int)i, KMM_SIZE);
		kmms[i][3] = 0xa8; /* with a message number and a MAC */
	}
}

int main(int argc, char **argv)
{
	const char *path = fk_series_options(argc, argv);
	static struct fk_contest contest;
	struct places of_cmac, of_cbc;
	json_t *ratios = json_object();

	walk_1k = fk_bench_ues_new(FK_BENCH_UES_1K);
	walk_1m = fk_bench_ues_new(FK_BENCH_UES_1M);
	kmms_make();
	hmac = fk_evp_hmac_new();
	cmac = fk_evp_cmac_new();
	wrap = fk_evp_cipher_new(EVP_aes_256_wrap());
	cbc = fk_evp_cipher_new(EVP_aes_256_cbc());
	manager = alloc_mb_mgr(0);
	fk_evp_expect(fk_ossl_new(&ossl) == FK_OK && manager != NULL);
	init_mb_mgr_auto(manager, NULL);
	of_cmac = subjects_make(&contest, FK_KMM_MAC_FORMAT_CMAC);
	of_cbc = subjects_make(&contest, FK_KMM_MAC_FORMAT_CBC);
	fk_contest_run(&contest);
	ratios_add(ratios, &contest, "mac", &of_cmac);
	ratios_add(ratios, &contest, "mac_cbc", &of_cbc);
	EVP_MAC_CTX_free(hmac);
	EVP_MAC_CTX_free(cmac);
	EVP_CIPHER_CTX_free(wrap);
	EVP_CIPHER_CTX_free(cbc);
	free_mb_mgr(manager);
	fk_ossl_free(ossl);
	return fk_contest_end(&contest, "MAC of a KMM of 80 octets, TSC cycles/MAC", path, "mac",
			      "cycles/mac", ratios);
}
