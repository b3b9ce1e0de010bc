/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hmac.h - HMAC-SHA-256 of one-block messages under 32-octet keys, many at a time.
 *
 * Only what the CMAC key derivation needs: four compressions a message, two of which depend on the
 * key alone and are skipped where neighbours share it. spec: RFC 2104 §2
 *
 * Threads: everything here is pure.
 * Memory:  nothing allocates. Key states may be left in registers and on the stack below the
 * caller, who wipes both (residue.h).
 */
#pragma once

#include <stdint.h>

#include "sha256.h"

#define FK_HMAC_MESSAGE_MAX (FK_SHA256_BLOCK - 9) /* octets: room for the padding */

struct fk_hmac_lane {
	const uint8_t *key;   /* 32 octets; lanes side by side may share one */
	const uint8_t *block; /* FK_SHA256_BLOCK octets, ended by fk_hmac_block_end() */
	uint8_t *digest;      /* out: FK_SHA256_SIZE octets */
};

/* Digests of 'n' lanes, any number. */
typedef void (*fk_hmac_fn)(const struct fk_hmac_lane *lanes, uint32_t n);

/* Pads the message of 'size' octets, at most FK_HMAC_MESSAGE_MAX, that stands in 'block' with zeros
 * behind it. */
static inline void fk_hmac_block_end(uint8_t block[static FK_SHA256_BLOCK], uint32_t size)
{
	uint32_t bits = 8 * (FK_SHA256_BLOCK + size); /* the key's block went before */

	block[size] = 0x80;
	block[FK_SHA256_BLOCK - 2] = (uint8_t)(bits >> 8);
	block[FK_SHA256_BLOCK - 1] = (uint8_t)bits;
}

/* Plain C, for every CPU. */
void fk_hmac_portable(const struct fk_hmac_lane *lanes, uint32_t n);
/* SHA extensions, two lanes at a time; only where fk_cpu_has_sha() says so. */
void fk_hmac_ni(const struct fk_hmac_lane *lanes, uint32_t n);
/* AVX-512, sixteen lanes at a time and what is left by fk_hmac_ni(); only where fk_cpu_has_avx512()
 * and fk_cpu_has_sha() say so. */
void fk_hmac_avx512(const struct fk_hmac_lane *lanes, uint32_t n);
/* The fastest of them on this CPU. */
fk_hmac_fn fk_hmac_fastest(void);
