/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secret.h - key octets have a type, an end and no voice.
 *
 * Keys live in struct fk_secret, in the key table and in engine scratch, and nowhere else. They are
 * wiped by fk_wipe(), compared by fk_ct_equal(), and have no printer.
 *
 * Threads: everything here is pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define FK_KEY_SIZE_MAX	    32 /* octets: AES-256 is the largest key that Fleetkey carries */
#define FK_WRAP_OVERHEAD    8  /* octets that RFC 3394 adds to a key */
#define FK_WRAPPED_SIZE_MAX (FK_KEY_SIZE_MAX + FK_WRAP_OVERHEAD)

struct fk_secret {
	uint8_t octets[FK_KEY_SIZE_MAX];
	uint32_t size; /* octets in use: 16, 24 or 32; 0 when empty */
};

/* Overwrites 'size' octets at 'p' with zeros; the compiler cannot drop it. */
static inline void fk_wipe(void *p, size_t size)
{
	memset(p, 0, size);
	__asm__ __volatile__("" : : "r"(p) : "memory");
}

static inline void fk_secret_wipe(struct fk_secret *secret)
{
	fk_wipe(secret, sizeof(*secret));
}

/* True if 'size' octets are equal; takes the same time wherever they differ. */
static inline bool fk_ct_equal(const void *a, const void *b, size_t size)
{
	const uint8_t *x = a, *y = b;
	uint32_t diff = 0;

	for (size_t i = 0; i < size; i++)
		diff |= (uint32_t)(x[i] ^ y[i]);
	__asm__ __volatile__("" : "+r"(diff));
	return diff == 0;
}
