/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MACs of a burst, sixteen lanes at a time. Frames of any mix of sizes and of both MAC formats
 * walk together: the kernel chains them all to the end of the longest and leaves every cipher
 * block in place, so that each lane's MAC is picked where that lane ended.
 */
#include "aes_kernel.h"

#define TRAILER_SIZE (FK_KMM_MAC_BLOCK_SIZE - FK_KMM_MAC_SIZE) /* octets behind the MAC */

static inline uint64_t octets_load(const uint8_t *octets)
{
	uint64_t x;

	memcpy(&x, octets, sizeof(x));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	x = __builtin_bswap64(x);
#endif
	return x;
}

static inline void octets_store(uint8_t *octets, uint64_t x)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	x = __builtin_bswap64(x);
#endif
	memcpy(octets, &x, sizeof(x));
}

/* A block as one number, octet 0 lowest, and back. */
static inline unsigned __int128 block_load(const uint8_t *octets)
{
	return (unsigned __int128)octets_load(octets + 8) << 64 | octets_load(octets);
}

static inline void block_store(uint8_t *octets, unsigned __int128 x)
{
	octets_store(octets, (uint64_t)x);
	octets_store(octets + 8, (uint64_t)(x >> 64));
}

/* The same with octet 0 highest, as GF(2^128) has it. */
static inline unsigned __int128 block_swap(unsigned __int128 x)
{
	return (unsigned __int128)__builtin_bswap64((uint64_t)x) << 64 |
	       __builtin_bswap64((uint64_t)(x >> 64));
}

static inline unsigned __int128 number_double(unsigned __int128 x)
{
	return x << 1 ^ ((0 - (x >> 127)) & 0x87);
}

void fk_cmac_double(uint8_t block[static FK_AES_BLOCK])
{
	block_store(block, block_swap(number_double(block_swap(block_load(block)))));
}

void fk_cbc_finish_blocks(struct fk_cbc_batch *batch, uint32_t first, uint32_t n)
{
	for (uint32_t i = first; i < first + n && i < batch->n_lanes; i++) {
		uint8_t *block = batch->blocks[batch->lane_blocks[i] - 1][i];
		unsigned __int128 subkey;

		if (batch->finish[i] == FK_CBC_PLAIN)
			continue;
		subkey = number_double(block_swap(block_load(batch->zero_blocks[i])));
		if (batch->finish[i] == FK_CBC_CMAC_K2)
			subkey = number_double(subkey);
		block_store(block, block_load(block) ^ block_swap(subkey));
	}
}

void fk_cbc_wipe(const struct fk_aes_kernel *kernel, struct fk_crypto_layout *layout,
		 uint32_t n_blocks)
{
	struct fk_cbc_batch *batch = &layout->cbc;

	fk_wipe(batch->blocks, n_blocks * sizeof(batch->blocks[0]));
	fk_wipe(batch->zero_blocks, sizeof(*batch) - offsetof(struct fk_cbc_batch, zero_blocks));
	fk_wipe(layout->kernel, kernel->cbc_work_size);
}

/* What stands behind the whole blocks of a head: 'rest' octets, the trailer, and a mark. Shifted
 * together in registers, since a load from memory that was just written piecewise would wait; no
 * load reaches out of the frame. */
static inline void ends_put(const struct fk_mac_lane *from, uint32_t head_size, bool is_cmac,
			    unsigned __int128 ends[static 2])
{
	const uint8_t *head_end = from->frame + head_size;
	const uint8_t *trailer = from->frame + from->frame_size - TRAILER_SIZE;
	uint32_t rest = head_size % FK_AES_BLOCK;
	uint64_t mark = is_cmac ? 0x80ull << 8 * TRAILER_SIZE : 0;
	uint64_t last = mark | octets_load(trailer + TRAILER_SIZE - 8) >> 8 * (8 - TRAILER_SIZE);
	unsigned __int128 head = 0;

	static_assert(FK_KMM_MAC_BLOCK_SIZE >= 8 && TRAILER_SIZE < 8, "one load takes the trailer");
	static_assert(FK_MAC_FRAME_MIN - FK_KMM_MAC_BLOCK_SIZE >= 8, "a head has eight octets");
	if (head_size < FK_AES_BLOCK)
		head = (unsigned __int128)(octets_load(head_end - 8) >> 8 * (FK_AES_BLOCK - rest))
			       << 64 |
		       octets_load(from->frame);
	else if (rest > 0)
		head = block_load(head_end - FK_AES_BLOCK) >> 8 * (FK_AES_BLOCK - rest);
	ends[0] = head | (unsigned __int128)last << 8 * rest;
	ends[1] = rest == 0 ? 0 : (unsigned __int128)last >> 8 * (FK_AES_BLOCK - rest);
}

/* The frame without its 8 MAC octets, padded. spec: P25 sheet 3.3, 3.4; SP 800-38B §6.2 */
static void lane_stage(struct fk_cbc_batch *batch, uint32_t lane, const struct fk_mac_lane *from)
{
	uint32_t size = from->frame_size - (uint32_t)FK_KMM_MAC_SIZE;
	uint32_t head_size = size - TRAILER_SIZE;
	uint32_t n_whole = head_size / FK_AES_BLOCK;
	uint32_t n_blocks = (size + FK_AES_BLOCK - 1) / FK_AES_BLOCK;
	bool is_cmac = (from->mac_format & 1) != 0;
	unsigned __int128 ends[2];

	for (uint32_t b = 0; b < n_whole; b++)
		memcpy(batch->blocks[b][lane], from->frame + FK_AES_BLOCK * b, FK_AES_BLOCK);
	ends_put(from, head_size, is_cmac, ends);
	block_store(batch->blocks[n_whole][lane], ends[0]);
	if (n_blocks > n_whole + 1)
		block_store(batch->blocks[n_whole + 1][lane], ends[1]);
	batch->lane_blocks[lane] = (uint8_t)n_blocks;
	if (!is_cmac)
		batch->finish[lane] = FK_CBC_PLAIN;
	else
		batch->finish[lane] = size % FK_AES_BLOCK == 0 ? FK_CBC_CMAC_K1 : FK_CBC_CMAC_K2;
	batch->has_cmac |= is_cmac;
	if (n_blocks > batch->n_blocks)
		batch->n_blocks = n_blocks;
}

static FK_NOINLINE uint32_t mac_group(const struct fk_aes_kernel *kernel,
				      struct fk_crypto_layout *layout, const uint8_t (*keys)[32],
				      struct fk_mac_lane *lanes, uint32_t n)
{
	struct fk_cbc_batch *batch = &layout->cbc;

	batch->keys = keys;
	batch->n_lanes = n;
	batch->n_blocks = 0;
	batch->has_cmac = false;
	for (uint32_t i = 0; i < n; i++)
		lane_stage(batch, i, &lanes[i]);
	kernel->cbc(layout->kernel, batch);
	for (uint32_t i = 0; i < n; i++)
		memcpy(lanes[i].mac, batch->blocks[batch->lane_blocks[i] - 1][i], FK_KMM_MAC_SIZE);
	return batch->n_blocks;
}

void fk_mac_burst(const struct fk_aes_kernel *kernel, struct fk_crypto_scratch *scratch,
		  struct fk_mac_lane *lanes, uint32_t n)
{
	struct fk_crypto_layout *layout = (struct fk_crypto_layout *)scratch->octets;
	uint32_t n_blocks_max = 0;

	assert(n <= FK_CRYPTO_BURST_MAX);
	if (n == 0)
		return;
	for (uint32_t i = 0; i < n; i++)
		assert(lanes[i].frame_size >= FK_MAC_FRAME_MIN &&
		       lanes[i].frame_size <= FK_KMM_SIZE_MAX);
	fk_mac_keys_derive(kernel, layout, lanes, n);
	for (uint32_t first = 0; first < n; first += FK_CBC_LANES) {
		const uint8_t(*keys)[32] = (const uint8_t(*)[32])layout->mac_keys + first;
		uint32_t left = n - first, n_blocks;

		n_blocks = mac_group(kernel, layout, keys, lanes + first,
				     left < FK_CBC_LANES ? left : FK_CBC_LANES);
		if (n_blocks > n_blocks_max)
			n_blocks_max = n_blocks;
	}
	fk_cbc_wipe(kernel, layout, n_blocks_max);
	fk_wipe(layout->mac_keys, n * sizeof(layout->mac_keys[0]));
	fk_residue_wipe();
}
