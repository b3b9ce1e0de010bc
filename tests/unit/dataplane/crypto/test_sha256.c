/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <openssl/sha.h>
#include <string.h>

#include "crypto/cpu.h"
#include "crypto/sha256.h"
#include "fixture.h"

/* Two blocks by our compression, padded here, against OpenSSL's digest. spec: FIPS 180-4 §6.2.2 */
static void expect_digests(fk_sha256_compress_fn compress, uint32_t n)
{
	uint32_t states[LANES_MAX][8];
	uint8_t first[LANES_MAX][64], second[LANES_MAX][64], whole[128], digest[32];
	uint64_t seed = n;

	random_fill(&seed, first, sizeof(first));
	memset(second, 0, sizeof(second));
	for (uint32_t i = 0; i < n; i++) {
		random_fill(&seed, second[i], i % 50);
		second[i][i % 50] = 0x80;
		second[i][62] = (uint8_t)(8 * (64 + i % 50) >> 8);
		second[i][63] = (uint8_t)(8 * (64 + i % 50));
		memcpy(states[i], fk_sha256_initial, sizeof(states[i]));
	}
	compress(states, (const uint8_t(*)[64])first, n);
	compress(states, (const uint8_t(*)[64])second, n);
	for (uint32_t i = 0; i < n; i++) {
		memcpy(whole, first[i], 64);
		memcpy(whole + 64, second[i], 64);
		SHA256(whole, 64 + i % 50, digest);
		for (uint32_t w = 0; w < 8; w++)
			cr_assert_eq(states[i][w],
				     (uint32_t)digest[4 * w] << 24 |
					     (uint32_t)digest[4 * w + 1] << 16 |
					     (uint32_t)digest[4 * w + 2] << 8 | digest[4 * w + 3],
				     "state %u of %u, word %u", i, n, w);
	}
}

Test(sha256, portable_compression_agrees_with_openssl_at_every_count)
{
	for (uint32_t n = 0; n <= LANES_MAX; n++)
		expect_digests(fk_sha256_compress_portable, n);
}

Test(sha256, sha_extensions_agree_with_openssl_at_every_count)
{
	if (!fk_cpu_has_sha())
		cr_skip("this CPU has no SHA extensions");
	for (uint32_t n = 0; n <= LANES_MAX; n++)
		expect_digests(fk_sha256_compress_ni, n);
}

Test(sha256, the_fastest_is_the_one_that_the_cpu_can_run)
{
	cr_assert_eq(fk_sha256_fastest() == fk_sha256_compress_ni, fk_cpu_has_sha());
	expect_digests(fk_sha256_fastest(), LANES_MAX);
}
