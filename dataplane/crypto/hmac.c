/* SPDX-License-Identifier: Apache-2.0 */
#include "hmac.h"

#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include <fleetkey/secret.h>

#include "cpu.h"

static void put_words(uint8_t octets[static FK_SHA256_SIZE], const uint32_t words[static 8])
{
	for (uint32_t i = 0; i < 8; i++) {
		octets[4 * i] = (uint8_t)(words[i] >> 24);
		octets[4 * i + 1] = (uint8_t)(words[i] >> 16);
		octets[4 * i + 2] = (uint8_t)(words[i] >> 8);
		octets[4 * i + 3] = (uint8_t)words[i];
	}
}

/* The state after the inner or the outer key block. */
static void state_of_key(uint32_t state[static 8], const uint8_t *key, uint8_t pad)
{
	uint8_t block[FK_SHA256_BLOCK];

	for (uint32_t i = 0; i < 32; i++)
		block[i] = key[i] ^ pad;
	memset(block + 32, pad, sizeof(block) - 32);
	memcpy(state, fk_sha256_initial, 8 * sizeof(*state));
	fk_sha256_compress(state, block);
	fk_wipe(block, sizeof(block));
}

void fk_hmac_portable(const struct fk_hmac_lane *lanes, uint32_t n)
{
	uint32_t inner[8], outer[8], state[8];
	uint8_t block[FK_SHA256_BLOCK];

	for (uint32_t i = 0; i < n; i++) {
		if (i == 0 || lanes[i].key != lanes[i - 1].key) {
			state_of_key(inner, lanes[i].key, 0x36);
			state_of_key(outer, lanes[i].key, 0x5c);
		}
		memcpy(state, inner, sizeof(state));
		fk_sha256_compress(state, lanes[i].block);
		memset(block, 0, sizeof(block));
		put_words(block, state);
		fk_hmac_block_end(block, FK_SHA256_SIZE);
		memcpy(state, outer, sizeof(state));
		fk_sha256_compress(state, block);
		put_words(lanes[i].digest, state);
	}
	fk_wipe(inner, sizeof(inner));
	fk_wipe(outer, sizeof(outer));
	fk_wipe(state, sizeof(state));
	fk_wipe(block, sizeof(block));
}

/* CPUID leaves a virtual machine, at the price of a hundred compressions: asked once. Threads that
 * ask at the same time come to the same answer. */
fk_hmac_fn fk_hmac_fastest(void)
{
	static _Atomic(fk_hmac_fn) fastest;
	fk_hmac_fn fn = atomic_load_explicit(&fastest, memory_order_relaxed);

	if (fn == NULL) {
		fn = fk_hmac_portable;
#if defined(__x86_64__)
		if (fk_cpu_has_sha())
			fn = fk_cpu_has_avx512() ? fk_hmac_avx512 : fk_hmac_ni;
#endif
		atomic_store_explicit(&fastest, fn, memory_order_relaxed);
	}
	return fn;
}
