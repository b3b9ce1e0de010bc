/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MACs of a burst, sixteen lanes at a time. Frames of any mix of sizes and of both MAC formats
 * walk together: the kernel chains them all to the end of the longest and leaves every cipher
 * block in place, so that each lane's MAC is picked where that lane ended.
 */
#include "aes_kernel.h"

#define TRAILER_SIZE (FK_KMM_MAC_BLOCK_SIZE - FK_KMM_MAC_SIZE) /* octets behind the MAC */

/* Deeper than the deepest kernel spills; a unit test looks for what is left. Builds that do not
 * optimise, or that put red zones between variables, have far larger frames. */
#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && !__has_feature(address_sanitizer)
#define STACK_DEPTH 2048 /* octets */
#else
#define STACK_DEPTH 65536 /* octets */
#endif

/* Not instrumented: a red zone in this frame would spare what lies there. */
FK_NOINLINE __attribute__((no_sanitize("address"))) void fk_stack_wipe(void)
{
	uint8_t below[STACK_DEPTH];

	fk_wipe(below, sizeof(below));
}

void fk_cmac_double(uint8_t block[static FK_AES_BLOCK])
{
	uint64_t high, low, carry;

	memcpy(&high, block, 8);
	memcpy(&low, block + 8, 8);
	high = __builtin_bswap64(high);
	low = __builtin_bswap64(low);
	carry = 0 - (high >> 63);
	high = __builtin_bswap64(high << 1 | low >> 63);
	low = __builtin_bswap64(low << 1 ^ (carry & 0x87));
	memcpy(block, &high, 8);
	memcpy(block + 8, &low, 8);
}

void fk_cbc_finish_blocks(struct fk_cbc_batch *batch, uint32_t first, uint32_t n)
{
	for (uint32_t i = first; i < first + n && i < batch->n_lanes; i++) {
		uint8_t *subkey = batch->zero_blocks[i];
		uint8_t *block = batch->blocks[batch->lane_blocks[i] - 1][i];

		if (batch->finish[i] == FK_CBC_PLAIN)
			continue;
		fk_cmac_double(subkey);
		if (batch->finish[i] == FK_CBC_CMAC_K2)
			fk_cmac_double(subkey);
		for (uint32_t b = 0; b < FK_AES_BLOCK; b++)
			block[b] ^= subkey[b];
	}
}

/* Writes a run of octets into the lane's column of blocks. */
static void lane_put(struct fk_cbc_batch *batch, uint32_t lane, uint32_t at, const uint8_t *octets,
		     uint32_t size)
{
	while (size > 0) {
		uint32_t inside = at % FK_AES_BLOCK;
		uint32_t room = FK_AES_BLOCK - inside;
		uint32_t take = size < room ? size : room;
		uint8_t *to = batch->blocks[at / FK_AES_BLOCK][lane] + inside;

		if (take == FK_AES_BLOCK) /* a constant size becomes one move */
			memcpy(to, octets, FK_AES_BLOCK);
		else
			memcpy(to, octets, take);
		octets += take;
		at += take;
		size -= take;
	}
}

/* The frame without its 8 MAC octets, padded. spec: P25 sheet 3.3, 3.4; SP 800-38B §6.2 */
static void lane_stage(struct fk_cbc_batch *batch, uint32_t lane, const struct fk_mac_lane *from)
{
	static const uint8_t zeros[FK_AES_BLOCK], mark[FK_AES_BLOCK] = {0x80};
	uint32_t size = from->frame_size - (uint32_t)FK_KMM_MAC_SIZE;
	uint32_t head_size = size - TRAILER_SIZE;
	uint32_t n_blocks = (size + FK_AES_BLOCK - 1) / FK_AES_BLOCK;
	uint32_t pad_size = n_blocks * FK_AES_BLOCK - size;
	bool is_cmac = (from->mac_format & 1) != 0;

	lane_put(batch, lane, 0, from->frame, head_size);
	lane_put(batch, lane, head_size, from->frame + from->frame_size - TRAILER_SIZE,
		 TRAILER_SIZE);
	lane_put(batch, lane, size, is_cmac ? mark : zeros, pad_size);
	batch->lane_blocks[lane] = (uint8_t)n_blocks;
	if (!is_cmac)
		batch->finish[lane] = FK_CBC_PLAIN;
	else
		batch->finish[lane] = pad_size == 0 ? FK_CBC_CMAC_K1 : FK_CBC_CMAC_K2;
	if (n_blocks > batch->n_blocks)
		batch->n_blocks = n_blocks;
}

static FK_NOINLINE void mac_group(const struct fk_aes_kernel *kernel,
				  struct fk_crypto_scratch *scratch, struct fk_mac_lane *lanes,
				  uint32_t n)
{
	struct fk_crypto_layout *layout = (struct fk_crypto_layout *)scratch->octets;
	struct fk_cbc_batch *batch = &layout->cbc;

	batch->n_lanes = n;
	batch->n_blocks = 0;
	fk_mac_keys_derive(kernel, scratch, lanes, n, batch->keys);
	for (uint32_t i = 0; i < n; i++)
		lane_stage(batch, i, &lanes[i]);
	kernel->cbc(layout->kernel, batch);
	for (uint32_t i = 0; i < n; i++)
		memcpy(lanes[i].mac, batch->blocks[batch->lane_blocks[i] - 1][i], FK_KMM_MAC_SIZE);

	fk_wipe(batch->keys, sizeof(batch->keys));
	fk_wipe(batch->zero_blocks, sizeof(batch->zero_blocks));
	fk_wipe(batch->blocks, batch->n_blocks * sizeof(batch->blocks[0]));
	fk_wipe(batch->lane_blocks, sizeof(*batch) - offsetof(struct fk_cbc_batch, lane_blocks));
}

void fk_mac_burst(const struct fk_aes_kernel *kernel, struct fk_crypto_scratch *scratch,
		  struct fk_mac_lane *lanes, uint32_t n)
{
	assert(n <= FK_CRYPTO_BURST_MAX);
	for (uint32_t i = 0; i < n; i++)
		assert(lanes[i].frame_size >= FK_MAC_FRAME_MIN &&
		       lanes[i].frame_size <= FK_KMM_SIZE_MAX);
	for (uint32_t first = 0; first < n; first += FK_CBC_LANES) {
		uint32_t left = n - first;

		mac_group(kernel, scratch, lanes + first,
			  left < FK_CBC_LANES ? left : FK_CBC_LANES);
	}
	fk_stack_wipe();
}
