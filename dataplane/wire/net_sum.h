/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net_sum.h - the Internet checksum's sum in pieces.
 *
 * RFC 1071 §2: the sum may be taken in the machine's octet order and in words of any size; one swap
 * of the folded result sets it right. A piece that begins at an odd offset adds its folded sum with
 * the octets swapped.
 *
 * Private to the wire library. Threads: everything here is pure.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Folds a sum with its carries to 16 bits: each half is added to the other, and the carry out of
 * the lower one with it. Zero only for zero. */
static inline uint16_t fk_sum_fold(uint64_t sum)
{
	uint32_t half;

	sum += sum << 32 | sum >> 32;
	half = (uint32_t)(sum >> 32);
	half += half << 16 | half >> 16;
	return (uint16_t)(half >> 16);
}

/* The sum with the carry that it lost put back in. */
static inline uint64_t fk_sum_add(uint64_t sum, uint64_t word)
{
	sum += word;
	return sum + (sum < word);
}

/* Sum of 'size' octets in the machine's order, unfolded. */
static inline uint64_t fk_sum_octets(const void *octets, size_t size)
{
	const uint8_t *p = octets;
	uint64_t sum = 0, word;
	uint32_t half;
	uint16_t quarter;

	for (; size >= sizeof(word); size -= sizeof(word), p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		sum = fk_sum_add(sum, word);
	}
	word = 0;
	if ((size & 4) != 0) {
		memcpy(&half, p, sizeof(half));
		p += sizeof(half);
		word += half;
	}
	if ((size & 2) != 0) {
		memcpy(&quarter, p, sizeof(quarter));
		p += sizeof(quarter);
		word += quarter;
	}
	if ((size & 1) != 0) {
		uint8_t last[2] = {*p, 0};

		memcpy(&quarter, last, sizeof(quarter));
		word += quarter;
	}
	return fk_sum_add(sum, word);
}

/* From the machine's octet order to the value of the 16 bits on the wire, and back. */
static inline uint16_t fk_sum_swap(uint16_t folded)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return __builtin_bswap16(folded);
#else
	return folded;
#endif
}
