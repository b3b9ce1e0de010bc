/* SPDX-License-Identifier: Apache-2.0 */
#include "outer.h"

#include <string.h>

#include "aes_kernel.h"
#include "octets.h"

#define STATE_SIZE 8 /* octets of an MI that count */
/* Five rounds of a Feistel network of 32-bit halves already resist all who see fewer than 2^32
 * outputs; one is to spare. An MI needs to be unique, its being unpredictable is a bonus. */
#define FEISTEL_ROUNDS 6
#define DOMAIN_MI      3 /* token_tag.c has 1 and 2 */

/* 'n_steps' steps at a time, at most 15: until then the taps see nothing that has just entered.
 * spec: P25 sheet 3.7: taps 63, 61, 45, 37, 26 and 14 */
static inline uint64_t register_step(uint64_t x, uint32_t n_steps)
{
	uint64_t entering = x >> (64 - n_steps) ^ x >> (62 - n_steps) ^ x >> (46 - n_steps) ^
			    x >> (38 - n_steps) ^ x >> (27 - n_steps) ^ x >> (15 - n_steps);

	return x << n_steps | (entering & ((1ull << n_steps) - 1));
}

static uint64_t register_step_64(uint64_t x)
{
	for (uint32_t i = 0; i < 4; i++)
		x = register_step(x, 15);
	return register_step(x, 4);
}

enum fk_err fk_outer_mi_check(const uint8_t mi[static FK_MI_SIZE])
{
	return fk_be64_load(mi) == 0 ? FK_EINVAL : FK_OK;
}

void fk_outer_mi_expand(const uint8_t mi[static FK_MI_SIZE], uint8_t ret_iv[static 16])
{
	uint64_t x = fk_be64_load(mi);

	fk_be64_store(ret_iv, x);
	fk_be64_store(ret_iv + STATE_SIZE, register_step_64(x));
}

void fk_outer_mi_next(const uint8_t mi[static FK_MI_SIZE], uint8_t ret_next[static FK_MI_SIZE])
{
	fk_be64_store(ret_next, register_step_64(fk_be64_load(mi)));
	ret_next[STATE_SIZE] = 0;
}

/* The permutation, on 'n' numbers in place. */
static void permute(struct fk_token_key *tk, uint64_t *numbers, uint32_t n)
{
	uint8_t blocks[FK_CRYPTO_BURST_MAX][16];

	for (uint32_t round = 0; round < FEISTEL_ROUNDS; round++) {
		for (uint32_t i = 0; i < n; i++) {
			uint8_t *block = blocks[i];

			memset(block, 0, sizeof(blocks[i]));
			block[0] = DOMAIN_MI;
			block[7] = (uint8_t)round;
			fk_be64_store(block + 8, numbers[i] & 0xffffffff);
			for (uint32_t b = 0; b < 16; b++)
				block[b] ^= tk->subkey1[b];
		}
		tk->engine->ecb(tk->scratch, tk->key, (const uint8_t(*)[16])blocks, blocks, n);
		for (uint32_t i = 0; i < n; i++) {
			uint64_t left = numbers[i] >> 32, right = numbers[i] & 0xffffffff;

			numbers[i] = right << 32 | (left ^ fk_be64_load(blocks[i]) >> 32);
		}
	}
	fk_wipe(blocks, n * sizeof(blocks[0]));
}

void fk_outer_mi_make(struct fk_token_key *tk, const uint64_t *tokens,
		      uint8_t (*ret_mis)[FK_MI_SIZE], uint32_t n)
{
	uint64_t numbers[FK_CRYPTO_BURST_MAX];

	assert(n <= FK_CRYPTO_BURST_MAX);
	memcpy(numbers, tokens, n * sizeof(numbers[0]));
	permute(tk, numbers, n);
	for (uint32_t i = 0; i < n; i++) {
		assert(tokens[i] != 0);
		if (numbers[i] == 0)
			permute(tk, &numbers[i], 1);
		fk_be64_store(ret_mis[i], numbers[i]);
		ret_mis[i][STATE_SIZE] = 0;
	}
}

/* OFB is CBC over zeros: the first block is the initial value, and what comes of it is thrown away;
 * each later one is a block of the keystream. */
static void lane_stage(struct fk_cbc_batch *batch, uint32_t lane, const struct fk_outer_lane *from)
{
	uint32_t n_blocks = 1 + (from->size + FK_AES_BLOCK - 1u) / FK_AES_BLOCK;

	static_assert(FK_CBC_BLOCKS_MAX > FK_KMM_SIZE_MAX / FK_AES_BLOCK, "one block more");
	fk_outer_mi_expand(from->mi, batch->blocks[0][lane]);
	batch->lane_blocks[lane] = (uint8_t)n_blocks;
	batch->finish[lane] = FK_CBC_PLAIN;
	if (n_blocks > batch->n_blocks)
		batch->n_blocks = n_blocks;
}

static void lane_xor(const struct fk_cbc_batch *batch, uint32_t lane,
		     const struct fk_outer_lane *to)
{
	uint32_t at = 0;

	for (; at + FK_AES_BLOCK <= to->size; at += FK_AES_BLOCK) {
		const uint8_t *stream = batch->blocks[1 + at / FK_AES_BLOCK][lane];
		uint64_t x[2], y[2];

		memcpy(x, to->octets + at, sizeof(x));
		memcpy(y, stream, sizeof(y));
		x[0] ^= y[0];
		x[1] ^= y[1];
		memcpy(to->octets + at, x, sizeof(x));
	}
	for (uint32_t i = at; i < to->size; i++)
		to->octets[i] ^= batch->blocks[1 + at / FK_AES_BLOCK][lane][i - at];
}

static uint32_t outer_group(const struct fk_aes_kernel *kernel, struct fk_crypto_layout *layout,
			    const struct fk_outer_lane *lanes, uint32_t n)
{
	struct fk_cbc_batch *batch = &layout->cbc;

	batch->keys = (const uint8_t(*)[32])layout->mac_keys;
	batch->n_lanes = n;
	batch->n_blocks = 0;
	batch->has_cmac = false;
	for (uint32_t i = 0; i < n; i++) {
		memcpy(layout->mac_keys[i], lanes[i].key, sizeof(layout->mac_keys[i]));
		lane_stage(batch, i, &lanes[i]);
	}
	memset(batch->blocks[1], 0, (batch->n_blocks - 1) * sizeof(batch->blocks[0]));
	kernel->cbc(layout->kernel, batch);
	for (uint32_t i = 0; i < n; i++)
		lane_xor(batch, i, &lanes[i]);
	return batch->n_blocks;
}

void fk_outer_burst(const struct fk_aes_kernel *kernel, struct fk_crypto_scratch *scratch,
		    const struct fk_outer_lane *lanes, uint32_t n)
{
	struct fk_crypto_layout *layout = (struct fk_crypto_layout *)scratch->octets;
	uint32_t n_blocks_max = 0;

	assert(n <= FK_CRYPTO_BURST_MAX);
	if (n == 0)
		return;
	for (uint32_t i = 0; i < n; i++)
		assert(lanes[i].size <= FK_KMM_SIZE_MAX);
	for (uint32_t first = 0; first < n; first += FK_CBC_LANES) {
		uint32_t left = n - first;
		uint32_t n_blocks = outer_group(kernel, layout, lanes + first,
						left < FK_CBC_LANES ? left : FK_CBC_LANES);

		if (n_blocks > n_blocks_max)
			n_blocks_max = n_blocks;
	}
	fk_cbc_wipe(kernel, layout, n_blocks_max);
	fk_wipe(layout->mac_keys, FK_CBC_LANES * sizeof(layout->mac_keys[0]));
	fk_residue_wipe();
}
