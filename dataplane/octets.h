/* SPDX-License-Identifier: Apache-2.0 */
/*
 * octets.h - eight octets as one number, octet 0 highest, and numbers as hex digits.
 *
 * What every message needs some dozen times: a load or a store and a swap, eight digits at a time.
 *
 * Threads: everything here is pure.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t fk_be64_load(const uint8_t *octets)
{
	uint64_t x;

	memcpy(&x, octets, sizeof(x));
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	x = __builtin_bswap64(x);
#endif
	return x;
}

static inline void fk_be64_store(uint8_t *octets, uint64_t x)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	x = __builtin_bswap64(x);
#endif
	memcpy(octets, &x, sizeof(x));
}

/* Eight lower-case hex digits, the first one in the highest octet. */
static inline uint64_t fk_hex_of_word(uint32_t word)
{
	const uint64_t ones = 0x0101010101010101;
	uint64_t x = word, is_letter;

	/* Spread to one octet a digit, then add what lies between the digit and its character. */
	x = (x | x << 16) & 0x0000ffff0000ffff;
	x = (x | x << 8) & 0x00ff00ff00ff00ff;
	x = (x | x << 4) & 0x0f0f0f0f0f0f0f0f;
	is_letter = (x + 6 * ones) >> 4 & ones;
	return x + '0' * ones + is_letter * ('a' - '0' - 10);
}

/* Eight hex digits, letters in lower case, as the word that they write; 'bad' keeps a bit for each
 * octet that is none. */
static inline uint32_t fk_hex_read_word(const char text[static 8], uint64_t *bad)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t digits = fk_be64_load((const uint8_t *)text);
	uint64_t word = (digits & 0x0f * ones) + (digits >> 6 & ones) * 9;
	uint64_t is_letter = (word + 6 * ones) >> 4 & ones;

	/* What it stands for, written again, must be what was read. */
	*bad |= (word & 0xf0 * ones) |
		(digits ^ (word + '0' * ones + is_letter * ('a' - '0' - 10)));
	word = (word >> 4 | word) & UINT64_C(0x00ff00ff00ff00ff);
	word = (word >> 8 | word) & UINT64_C(0x0000ffff0000ffff);
	return (uint32_t)(word >> 16 | word);
}

/* Writes the lowest 'len' hex digits of 'value', lower-case, 1 to 16, without a NUL. More than
 * eight are written as two groups that overlap: nothing is put together in memory first. */
static inline __attribute__((always_inline)) void fk_hex_put(char *text, uint64_t value,
							     uint32_t len)
{
	uint8_t *to = (uint8_t *)text, digits[8];

	if (len < 8) {
		fk_be64_store(digits, fk_hex_of_word((uint32_t)(value << (32 - 4 * len))));
		memcpy(to, digits, len & 7); /* a compiler that does not optimise checks it */
		return;
	}
	fk_be64_store(to, fk_hex_of_word((uint32_t)(value >> (4 * len - 32))));
	fk_be64_store(to + len - 8, fk_hex_of_word((uint32_t)value));
}

/* Copies 'n' octets without a call, in steps of sixteen: the last one overlaps what was copied
 * before, so nothing beyond the end is touched. For short runs whose length is no constant. */
static inline __attribute__((always_inline)) void fk_octets_copy(void *to, const void *from,
								 size_t n)
{
	uint8_t *t = to;
	const uint8_t *f = from;

	if (n < 16) {
		for (size_t i = 0; i < n; i++)
			t[i] = f[i];
		return;
	}
	for (size_t i = 0; i + 16 < n; i += 16)
		memcpy(t + i, f + i, 16);
	memcpy(t + n - 16, f + n - 16, 16);
}
