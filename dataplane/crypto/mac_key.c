/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MAC keys of a KMM. Each is good for one message: CMAC's derivation covers the frame's header,
 * CBC-MAC's the number of octets. spec: P25 sheet 3.4, 3.5
 */
#include "aes_kernel.h"

#define KDF_INPUT_MAX	    27 /* octets: counter 4, label 8, zero 1, context 12, length 2 */
#define CONTEXT_SIZE_MAX    12 /* octets: the frame up to and with its message number */
#define NUMBER_BITS	    0x30
#define NUMBER_BITS_PRESENT 0x20

static bool lane_is_cmac(const struct fk_mac_lane *lane)
{
	/* Bit 0 is the version; bit 6 is to be ignored on receipt. spec: P25 sheet 1.3 */
	return (lane->mac_format & 1) != 0;
}

/* Ends the one block of a message: 'size' octets stand in it, zeros behind them, and one block was
 * hashed before. */
static void block_end(uint8_t *block, uint32_t size)
{
	uint32_t bits = 8 * (FK_SHA256_BLOCK + size);

	block[size] = 0x80;
	block[FK_SHA256_BLOCK - 2] = (uint8_t)(bits >> 8);
	block[FK_SHA256_BLOCK - 1] = (uint8_t)bits;
}

/* HMAC's inner or outer key block. spec: RFC 2104 §2 */
static void block_of_key(uint8_t *block, const uint8_t *tek, uint8_t pad)
{
	for (uint32_t i = 0; i < 32; i++)
		block[i] = tek[i] ^ pad;
	memset(block + 32, pad, FK_SHA256_BLOCK - 32);
}

/* spec: SP 800-108 §4.1, with an output length of 16 bits: 0x0100 */
static void block_of_kdf_input(uint8_t *block, const uint8_t *frame)
{
	static const uint8_t start[13] = {0, 0, 0, 1, 'O', 'T', 'A', 'R', ' ', 'M', 'A', 'C', 0};
	bool numbered = (frame[3] & NUMBER_BITS) == NUMBER_BITS_PRESENT;
	uint32_t context_size = numbered ? CONTEXT_SIZE_MAX : FK_KMM_HEADER_SIZE;
	uint32_t size = sizeof(start) + context_size;

	static_assert(sizeof(start) + CONTEXT_SIZE_MAX + 2 == KDF_INPUT_MAX, "as the sheet says");
	memset(block, 0, FK_SHA256_BLOCK);
	memcpy(block, start, sizeof(start));
	memcpy(block + sizeof(start), frame, context_size);
	block[size] = 0x01;
	block[size + 1] = 0x00;
	block_end(block, size + 2);
}

static void octets_of_state(uint8_t octets[static FK_SHA256_SIZE], const uint32_t state[static 8])
{
	uint32_t words[8];

	for (uint32_t i = 0; i < 8; i++)
		words[i] = fk_sha256_be32(state[i]);
	memcpy(octets, words, sizeof(words));
}

/* States of the inner or outer key block: one for each key that differs from the one before it,
 * spread to the lanes afterwards. A group's common TEK thus costs two compressions, not 2 n. */
static void states_of_keys(fk_sha256_compress_fn compress, struct fk_mac_key_work *work,
			   const struct fk_mac_lane *const *lanes, uint32_t n, uint8_t pad,
			   uint32_t (*states)[8])
{
	uint8_t key_of[FK_CBC_LANES];
	uint32_t n_keys = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (i == 0 || lanes[i]->tek != lanes[i - 1]->tek) {
			block_of_key(work->blocks[n_keys], lanes[i]->tek, pad);
			memcpy(states[n_keys], fk_sha256_initial, sizeof(*states));
			n_keys++;
		}
		key_of[i] = (uint8_t)(n_keys - 1);
	}
	compress(states, (const uint8_t(*)[FK_SHA256_BLOCK])work->blocks, n_keys);
	/* From the last lane down: a state moves up or stays. */
	for (uint32_t i = n; i-- > 0;)
		memmove(states[i], states[key_of[i]], sizeof(*states));
}

/* Leaves the keys in work->outer, as words. */
static void derive_cmac_keys(fk_sha256_compress_fn compress, struct fk_mac_key_work *work,
			     const struct fk_mac_lane *const *lanes, uint32_t n)
{
	const uint8_t(*blocks)[FK_SHA256_BLOCK] = (const uint8_t(*)[FK_SHA256_BLOCK])work->blocks;

	states_of_keys(compress, work, lanes, n, 0x5c, work->outer);
	states_of_keys(compress, work, lanes, n, 0x36, work->inner);
	for (uint32_t i = 0; i < n; i++)
		block_of_kdf_input(work->blocks[i], lanes[i]->frame);
	compress(work->inner, blocks, n);
	for (uint32_t i = 0; i < n; i++) {
		memset(work->blocks[i], 0, FK_SHA256_BLOCK);
		octets_of_state(work->blocks[i], work->inner[i]);
		block_end(work->blocks[i], FK_SHA256_SIZE);
	}
	compress(work->outer, blocks, n);
}

/* Leaves the keys in work->wrapped, behind their first 8 octets. */
static void derive_cbc_keys(const struct fk_aes_kernel *kernel, void *kernel_work,
			    struct fk_mac_key_work *work, const struct fk_mac_lane *const *lanes,
			    uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		work->ivs[i] = lanes[i]->frame_size - (uint32_t)FK_KMM_MAC_SIZE;
		work->wraps[i] = (struct fk_wrap_lane){
			.kek = lanes[i]->tek, .key = lanes[i]->tek, .wrapped = work->wrapped[i]};
	}
	kernel->wrap(kernel_work, work->wraps, work->ivs, n);
}

void fk_mac_keys_derive(const struct fk_aes_kernel *kernel, struct fk_crypto_scratch *scratch,
			const struct fk_mac_lane *lanes, uint32_t n, uint8_t (*ret_keys)[32])
{
	struct fk_crypto_layout *layout = (struct fk_crypto_layout *)scratch->octets;
	const struct fk_mac_lane *cmacs[FK_CBC_LANES], *cbcs[FK_CBC_LANES];
	uint32_t n_cmacs = 0, n_cbcs = 0;

	assert(n <= FK_CBC_LANES);
	for (uint32_t i = 0; i < n; i++) {
		if (lane_is_cmac(&lanes[i]))
			cmacs[n_cmacs++] = &lanes[i];
		else
			cbcs[n_cbcs++] = &lanes[i];
	}
	if (n_cmacs > 0)
		derive_cmac_keys(kernel->sha256(), &layout->key, cmacs, n_cmacs);
	for (uint32_t i = 0; i < n_cmacs; i++)
		octets_of_state(ret_keys[cmacs[i] - lanes], layout->key.outer[i]);
	if (n_cbcs > 0)
		derive_cbc_keys(kernel, layout->kernel, &layout->key, cbcs, n_cbcs);
	for (uint32_t i = 0; i < n_cbcs; i++)
		memcpy(ret_keys[cbcs[i] - lanes], layout->key.wrapped[i] + FK_WRAP_OVERHEAD, 32);
	fk_wipe(&layout->key, sizeof(layout->key));
}
