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

/* spec: SP 800-108 §4.1, with an output length of 16 bits: 0x0100 */
static void block_of_kdf_input(uint8_t *block, const uint8_t *frame)
{
	static const uint8_t start[13] = {0, 0, 0, 1, 'O', 'T', 'A', 'R', ' ', 'M', 'A', 'C', 0};
	uint32_t size = sizeof(start);

	static_assert(sizeof(start) + CONTEXT_SIZE_MAX + 2 == KDF_INPUT_MAX, "as the sheet says");
	memset(block, 0, FK_SHA256_BLOCK);
	memcpy(block, start, sizeof(start));
	/* Sizes that the compiler knows: a copy is a move or two. */
	if ((frame[3] & NUMBER_BITS) == NUMBER_BITS_PRESENT) {
		memcpy(block + size, frame, CONTEXT_SIZE_MAX);
		size += CONTEXT_SIZE_MAX;
	} else {
		memcpy(block + size, frame, FK_KMM_HEADER_SIZE);
		size += FK_KMM_HEADER_SIZE;
	}
	block[size] = 0x01;
	block[size + 1] = 0x00;
	fk_hmac_block_end(block, size + 2);
}

static void derive_cmac_keys(fk_hmac_fn hmac, struct fk_crypto_layout *layout,
			     const struct fk_mac_lane *lanes, uint32_t n)
{
	struct fk_mac_key_work *work = &layout->key;
	uint32_t n_cmacs = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint8_t *block = work->blocks[n_cmacs];

		if (!lane_is_cmac(&lanes[i]))
			continue;
		block_of_kdf_input(block, lanes[i].frame);
		work->hmacs[n_cmacs++] =
			(struct fk_hmac_lane){lanes[i].tek, block, layout->mac_keys[i]};
	}
	hmac(work->hmacs, n_cmacs);
	fk_wipe(work->hmacs, n_cmacs * sizeof(work->hmacs[0]));
	fk_wipe(work->blocks, n_cmacs * sizeof(work->blocks[0]));
}

static void derive_cbc_keys(const struct fk_aes_kernel *kernel, struct fk_crypto_layout *layout,
			    const struct fk_mac_lane *lanes, uint32_t n)
{
	struct fk_mac_key_work *work = &layout->key;
	uint32_t n_cbcs = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (lane_is_cmac(&lanes[i]))
			continue;
		work->ivs[n_cbcs] = lanes[i].frame_size - (uint32_t)FK_KMM_MAC_SIZE;
		work->wraps[n_cbcs] = (struct fk_wrap_lane){
			.kek = lanes[i].tek, .key = lanes[i].tek, .wrapped = work->wrapped[n_cbcs]};
		n_cbcs++;
	}
	if (n_cbcs == 0)
		return;
	kernel->wrap(layout->kernel, FK_WRAP_256_UNDER_256, work->wraps, work->ivs, n_cbcs);
	for (uint32_t i = 0, at = 0; i < n; i++)
		if (!lane_is_cmac(&lanes[i]))
			memcpy(layout->mac_keys[i], work->wrapped[at++] + FK_WRAP_OVERHEAD, 32);
	fk_wipe(work->wraps, n_cbcs * sizeof(work->wraps[0]));
	fk_wipe(work->ivs, n_cbcs * sizeof(work->ivs[0]));
	fk_wipe(work->wrapped, n_cbcs * sizeof(work->wrapped[0]));
}

void fk_mac_keys_derive(const struct fk_aes_kernel *kernel, struct fk_crypto_layout *layout,
			const struct fk_mac_lane *lanes, uint32_t n)
{
	assert(n <= FK_CRYPTO_BURST_MAX);
	derive_cmac_keys(kernel->hmac(), layout, lanes, n);
	derive_cbc_keys(kernel, layout, lanes, n);
}
