/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdbool.h>
#include <string.h>

#include "crypto/cpu.h"
#include "crypto/hmac.h"
#include "fixture.h"

struct burst {
	uint8_t keys[LANES_MAX][32], blocks[LANES_MAX][64], digests[LANES_MAX + 1][32];
	struct fk_hmac_lane lanes[LANES_MAX];
};

/* Messages of every size that fits, under keys of their own or one that neighbours share. spec:
 * RFC 2104 §2 */
static void expect_digests(fk_hmac_fn hmac, uint32_t n, uint32_t lanes_per_key)
{
	static struct burst b;
	uint64_t seed = n;

	memset(&b, 0, sizeof(b));
	random_fill(&seed, b.keys, sizeof(b.keys));
	for (uint32_t i = 0; i < n; i++) {
		uint32_t size = (i + n) % (FK_HMAC_MESSAGE_MAX + 1);

		random_fill(&seed, b.blocks[i], size);
		fk_hmac_block_end(b.blocks[i], size);
		b.lanes[i] =
			(struct fk_hmac_lane){b.keys[i / lanes_per_key], b.blocks[i], b.digests[i]};
	}
	memset(b.digests[n], 0x5c, 32);
	hmac(b.lanes, n);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t size = (i + n) % (FK_HMAC_MESSAGE_MAX + 1);
		uint8_t expected[32];

		HMAC(EVP_sha256(), b.lanes[i].key, 32, b.blocks[i], size, expected, NULL);
		cr_assert_arr_eq(b.digests[i], expected, 32, "lane %u of %u", i, n);
	}
	for (uint32_t i = 0; i < 32; i++)
		cr_assert_eq(b.digests[n][i], 0x5c, "no lane too many");
}

static void expect_digests_at_every_count(fk_hmac_fn hmac)
{
	for (uint32_t n = 0; n <= LANES_MAX; n++) {
		expect_digests(hmac, n, 1);
		expect_digests(hmac, n, 3);
		expect_digests(hmac, n, LANES_MAX);
	}
}

/* Each way to compute it, and whether this CPU can. */
struct way {
	const char *name;
	fk_hmac_fn hmac;
	bool is_usable;
};

static const struct way *ways_of_this_cpu(void)
{
	static struct way ways[4];

	ways[0] = (struct way){"portable", fk_hmac_portable, true};
#if defined(__x86_64__)
	ways[1] = (struct way){"SHA extensions", fk_hmac_ni, fk_cpu_has_sha()};
	ways[2] = (struct way){"AVX-512", fk_hmac_avx512, fk_cpu_has_avx512() && fk_cpu_has_sha()};
#endif
	return ways;
}

Test(hmac, every_way_of_this_cpu_agrees_with_openssl_at_every_count_and_with_shared_keys)
{
	for (const struct way *way = ways_of_this_cpu(); way->hmac != NULL; way++) {
		cr_log_info("%s: %s", way->name, way->is_usable ? "covered" : "not on this CPU");
		if (way->is_usable)
			expect_digests_at_every_count(way->hmac);
	}
}

Test(hmac, the_fastest_is_the_last_that_the_cpu_can_run)
{
	fk_hmac_fn fastest = NULL;

	for (const struct way *way = ways_of_this_cpu(); way->hmac != NULL; way++)
		if (way->is_usable)
			fastest = way->hmac;
	cr_assert_eq(fk_hmac_fastest(), fastest);
	expect_digests(fk_hmac_fastest(), LANES_MAX, 1);
}

/* spec: FIPS 180-4 §6.2.2 */
Test(hmac, the_compression_alone_agrees_with_openssl)
{
	uint8_t block[64] = {'a', 'b', 'c', 0x80}, digest[32];
	uint32_t state[8];

	block[63] = 24;
	memcpy(state, fk_sha256_initial, sizeof(state));
	fk_sha256_compress(state, block);
	SHA256((const uint8_t *)"abc", 3, digest);
	for (uint32_t i = 0; i < 8; i++)
		cr_assert_eq(state[i],
			     (uint32_t)digest[4 * i] << 24 | (uint32_t)digest[4 * i + 1] << 16 |
				     (uint32_t)digest[4 * i + 2] << 8 | digest[4 * i + 3]);
}
