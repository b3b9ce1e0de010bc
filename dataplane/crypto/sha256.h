/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sha256.h - the compression function of SHA-256, and its constants.
 *
 * Only what HMAC needs: its messages are a block long, so callers pad by themselves.
 * spec: FIPS 180-4 §6.2.2
 *
 * Threads: everything here is pure. Memory: nothing allocates; the message schedule is left on the
 * stack below the caller.
 */
#pragma once

#include <stdint.h>

#define FK_SHA256_BLOCK 64 /* octets */
#define FK_SHA256_SIZE	32 /* octets of a digest */

extern const uint32_t fk_sha256_initial[8];
extern const uint32_t fk_sha256_constants[64]; /* aligned to 16 octets */

/* Compresses one block into 'state', in plain C. */
void fk_sha256_compress(uint32_t state[static 8], const uint8_t block[static FK_SHA256_BLOCK]);
