/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sha256.h - the compression function of SHA-256, many states at a time.
 *
 * Only what the HMAC of the CMAC key derivation needs: every message there is one block long, so
 * callers pad by themselves. spec: FIPS 180-4 §6.2.2
 *
 * Threads: everything here is pure. Memory: nothing allocates.
 */
#pragma once

#include <stdint.h>

#define FK_SHA256_BLOCK 64 /* octets */
#define FK_SHA256_SIZE	32 /* octets of a digest */

/* Compresses blocks[i] into states[i] for i in 0..n-1; the states are independent. */
typedef void (*fk_sha256_compress_fn)(uint32_t (*states)[8],
				      const uint8_t (*blocks)[FK_SHA256_BLOCK], uint32_t n);

/* A word of a state as it stands in a digest, big-endian, whatever this CPU is. */
static inline uint32_t fk_sha256_be32(uint32_t word)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return __builtin_bswap32(word);
#else
	return word;
#endif
}

extern const uint32_t fk_sha256_initial[8];
extern const uint32_t fk_sha256_constants[64];

/* Plain C, for every CPU. */
void fk_sha256_compress_portable(uint32_t (*states)[8], const uint8_t (*blocks)[FK_SHA256_BLOCK],
				 uint32_t n);
/* SHA extensions, two states at a time; only where fk_cpu_has_sha() says so. */
void fk_sha256_compress_ni(uint32_t (*states)[8], const uint8_t (*blocks)[FK_SHA256_BLOCK],
			   uint32_t n);
/* The faster of the two on this CPU. */
fk_sha256_compress_fn fk_sha256_fastest(void);
