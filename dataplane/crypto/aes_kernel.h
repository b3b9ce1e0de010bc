/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aes_kernel.h - what an engine must bring, private to dataplane/crypto.
 *
 * An engine is a kernel (the AES steps of many lanes, in its own instructions) under code that all
 * engines share: key derivation, staging of frames, padding of short bursts, wiping.
 *
 * Threads: everything here is pure but for the caller's scratch.
 * Memory:  struct fk_crypto_scratch is laid out by struct fk_crypto_layout below.
 */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <fleetkey/secret.h>

#include "engine.h"
#include "hmac.h"
#include "residue.h"

#define FK_AES_BLOCK	  16 /* octets */
#define FK_AES_128_ROUNDS 10
#define FK_AES_256_ROUNDS 14
#define FK_KW_HALVES_MAX  4 /* halves of a block in the longest key */
#define FK_KW_STEPS(n_halves) \
	(6 * (n_halves)) /* passes over the halves of a key. spec: RFC 3394 §2.2.1 */
#define FK_KW_IV     0xa6a6a6a6a6a6a6a6ull /* spec: RFC 3394 §2.2.3.1 */
#define FK_CBC_LANES 32
#define FK_CBC_BLOCKS_MAX                                                       \
	(FK_KMM_SIZE_MAX / 16 + 1) /* a MAC needs one less than the outer layer \
				    */
#define FK_MAC_FRAME_MIN (FK_KMM_HEADER_SIZE + FK_KMM_MAC_BLOCK_SIZE)
#define FK_KERNEL_WORK_MAX                                                    \
	29184 /* octets: schedules and messages of "ipsec_mb" are the largest \
	       */

/* Octets of a shape's KEK and of its key in clear: 16 or 32. */
static inline uint32_t fk_wrap_kek_size(enum fk_wrap_shape shape)
{
	return shape == FK_WRAP_128_UNDER_128 || shape == FK_WRAP_256_UNDER_128 ? 16 : 32;
}

static inline uint32_t fk_wrap_key_size(enum fk_wrap_shape shape)
{
	return shape == FK_WRAP_128_UNDER_128 || shape == FK_WRAP_128_UNDER_256 ? 16 : 32;
}

/* How the last block of a lane is finished. spec: SP 800-38B §6.2 */
enum fk_cbc_finish {
	FK_CBC_PLAIN,	/* CBC-MAC: nothing */
	FK_CBC_CMAC_K1, /* last block is whole */
	FK_CBC_CMAC_K2, /* last block was padded */
};

/* CBC over up to FK_CBC_LANES messages, each under a key of its own. */
struct fk_cbc_batch {
	/* Block-major, so that a vector load takes neighbouring lanes. The kernel overwrites each
	 * block with its cipher block; what stands beyond a lane's own blocks is meaningless. */
	uint8_t blocks[FK_CBC_BLOCKS_MAX][FK_CBC_LANES][FK_AES_BLOCK];
	uint8_t zero_blocks[FK_CBC_LANES][FK_AES_BLOCK]; /* AES of a zero block under the key */
	const uint8_t (*keys)[32];			 /* FK_CBC_LANES of them can be read */
	uint8_t lane_blocks[FK_CBC_LANES]; /* blocks of this lane, 0 for an empty lane */
	uint8_t finish[FK_CBC_LANES];	   /* enum fk_cbc_finish */
	uint32_t n_lanes;
	uint32_t n_blocks; /* of the longest lane */
	bool has_cmac;	   /* some lane wants its zero block */
};

/* Everything that the derivation of a burst's MAC keys leaves in memory. */
struct fk_mac_key_work {
	struct fk_wrap_lane wraps[FK_CRYPTO_BURST_MAX];
	uint64_t ivs[FK_CRYPTO_BURST_MAX];
	uint8_t wrapped[FK_CRYPTO_BURST_MAX][FK_WRAPPED_SIZE_MAX];
	struct fk_hmac_lane hmacs[FK_CRYPTO_BURST_MAX];
	uint8_t blocks[FK_CRYPTO_BURST_MAX][FK_SHA256_BLOCK];
};

struct fk_crypto_layout {
	uint8_t kernel[FK_KERNEL_WORK_MAX];
	union { /* keys are derived first, then used */
		struct fk_mac_key_work key;
		struct fk_cbc_batch cbc;
	};
	uint8_t mac_keys[FK_CRYPTO_BURST_MAX][32];
};
static_assert(sizeof(struct fk_crypto_layout) <= sizeof(struct fk_crypto_scratch),
	      "the scratch holds everything");

struct fk_aes_kernel {
	/* 'n' wraps; 'ivs' are the initial values as integers, NULL for the default one. */
	void (*wrap)(void *work, enum fk_wrap_shape shape, const struct fk_wrap_lane *lanes,
		     const uint64_t *ivs, uint32_t n);
	/* Expands the keys; if has_cmac fills zero_blocks and calls fk_cbc_finish_blocks() for the
	 * lanes that it walks; then chains every lane from a zero initial value over n_blocks
	 * blocks. */
	void (*cbc)(void *work, struct fk_cbc_batch *batch);
	uint32_t cbc_work_size;
	fk_hmac_fn (*hmac)(void); /* the HMAC to go with it */
};

/* XORs the CMAC subkeys into the last blocks of 'n' lanes from 'first' on. */
void fk_cbc_finish_blocks(struct fk_cbc_batch *batch, uint32_t first, uint32_t n);

/* MACs of a whole burst by one kernel. Wipes all of the layout that it used. */
void fk_mac_burst(const struct fk_aes_kernel *kernel, struct fk_crypto_scratch *scratch,
		  struct fk_mac_lane *lanes, uint32_t n);

/* The outer layer of a whole burst by one kernel. Wipes all of the layout that it used. */
void fk_outer_burst(const struct fk_aes_kernel *kernel, struct fk_crypto_scratch *scratch,
		    const struct fk_outer_lane *lanes, uint32_t n);

/* Wipes what groups of at most 'n_blocks' blocks left in the batch and in the kernel's part. */
void fk_cbc_wipe(const struct fk_aes_kernel *kernel, struct fk_crypto_layout *layout,
		 uint32_t n_blocks);

/* Derives the MAC keys of a burst into the layout's mac_keys. Wipes all else that it used. */
void fk_mac_keys_derive(const struct fk_aes_kernel *kernel, struct fk_crypto_layout *layout,
			const struct fk_mac_lane *lanes, uint32_t n);

/* Doubles a block in GF(2^128) as CMAC does, in constant time. spec: SP 800-38B §6.1 */
void fk_cmac_double(uint8_t block[static FK_AES_BLOCK]);

/* fk_engine_select() on a table of the caller's: so that a broken engine can be put to the test. */
FK_MUST_USE enum fk_err fk_engine_select_from(const struct fk_crypto_engine *const *engines,
					      const char *name, struct fk_crypto_scratch *scratch,
					      const struct fk_crypto_engine **ret_engine);

extern const struct fk_crypto_engine fk_engine_vaes512, fk_engine_vaes, fk_engine_aesni,
	fk_engine_ipsec_mb, fk_engine_scalar;
