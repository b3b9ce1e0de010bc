/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sbox_sliced.h - the AES S-box and its inverse on 64 octets at a time, as logic.
 *
 * Word i holds bit i of 64 octets. The octet is taken into GF((2^4)^2), where an inverse needs only
 * one inversion in GF(2^4), and back; the affine map of FIPS 197 §5.1.1 is merged into the way out.
 * No table, no branch: nothing depends on the data but the data.
 *
 *   GF(2^4) = GF(2)[z] / (z^4 + z + 1)        GF(2^8) = GF(2^4)[y] / (y^2 + y + z^3 + z^2)
 *
 * x of the AES field is mapped to y (z^2 + 1) + z^3 + z (0x5a), a root of the AES polynomial and
 * the one that gives the fewest XORs of all roots and all such towers. Words 0-3 are the constant
 * part, words 4-7 the part of y.
 *
 * Threads: everything here is pure.
 */
#pragma once

#include <stdint.h>

static inline void fk_gf16_mul(uint64_t out[4], const uint64_t a[4], const uint64_t b[4])
{
	/* Product terms of z^4, z^5 and z^6 fold back as z + 1, z^2 + z and z^3 + z^2. */
	uint64_t z4 = (a[1] & b[3]) ^ (a[2] & b[2]) ^ (a[3] & b[1]);
	uint64_t z5 = (a[2] & b[3]) ^ (a[3] & b[2]);
	uint64_t z6 = a[3] & b[3];
	uint64_t z0 = a[0] & b[0];
	uint64_t z1 = (a[0] & b[1]) ^ (a[1] & b[0]);
	uint64_t z2 = (a[0] & b[2]) ^ (a[1] & b[1]) ^ (a[2] & b[0]);
	uint64_t z3 = (a[0] & b[3]) ^ (a[1] & b[2]) ^ (a[2] & b[1]) ^ (a[3] & b[0]);

	out[0] = z0 ^ z4;
	out[1] = z1 ^ z4 ^ z5;
	out[2] = z2 ^ z5 ^ z6;
	out[3] = z3 ^ z6;
}

/* The inverse in GF(2^4), 0 for 0: the four output bits as polynomials of the input bits. */
static inline void fk_gf16_invert(uint64_t x[4])
{
	uint64_t a = x[0], b = x[1], c = x[2], d = x[3];
	uint64_t ab = a & b, ac = a & c, ad = a & d, bc = b & c, bd = b & d, cd = c & d;

	x[0] = a ^ b ^ c ^ d ^ ac ^ bc ^ (ab & c) ^ (bc & d);
	x[1] = d ^ ab ^ ac ^ bc ^ bd ^ (ab & d);
	x[2] = c ^ d ^ ab ^ ac ^ ad ^ (ac & d);
	x[3] = b ^ c ^ d ^ ad ^ bd ^ cd ^ (bc & d);
}

/* The inverse in the tower field: conjugate over norm. */
static inline void fk_tower_invert(uint64_t x[8])
{
	uint64_t sum[4], norm[4], high[4];

	for (int i = 0; i < 4; i++) {
		high[i] = x[4 + i];
		sum[i] = x[i] ^ x[4 + i];
	}
	fk_gf16_mul(norm, x, sum);
	/* plus (z^3 + z^2) times the square of the upper part, which is linear */
	norm[0] ^= high[1] ^ high[2] ^ high[3];
	norm[1] ^= high[2] ^ high[3];
	norm[2] ^= high[0] ^ high[1] ^ high[2] ^ high[3];
	norm[3] ^= high[0] ^ high[3];
	fk_gf16_invert(norm);
	fk_gf16_mul(x + 4, high, norm);
	fk_gf16_mul(x, sum, norm);
}

/* spec: FIPS 197 §5.1.1 */
static inline void fk_sbox_sliced(uint64_t b[8])
{
	uint64_t x[8];

	{
		uint64_t b17 = b[1] ^ b[7];
		uint64_t b167 = b[6] ^ b17;

		x[0] = b[0] ^ b[2];
		x[1] = b167 ^ b[2] ^ b[5];
		x[2] = b[3];
		x[3] = b[3] ^ b167;
		x[4] = b[5] ^ b17;
		x[5] = b[2] ^ b[3];
		x[6] = b[4] ^ b167;
		x[7] = b[5] ^ b[7];
	}
	fk_tower_invert(x);
	{
		uint64_t x46 = x[4] ^ x[6], x03 = x[0] ^ x[3], x12 = x[1] ^ x[2];
		uint64_t x467 = x[7] ^ x46;
		uint64_t x12467 = x12 ^ x467;

		b[0] = ~(x03 ^ x12467);
		b[1] = ~(x[0] ^ x[1]);
		b[2] = x[2] ^ x03;
		b[3] = x[4] ^ x[5] ^ x03 ^ x12;
		b[4] = x03 ^ x467;
		b[5] = ~x12467;
		b[6] = ~(x[5] ^ x46);
		b[7] = x12467 ^ x[3] ^ x[5];
	}
}

/* spec: FIPS 197 §5.3.2 */
static inline void fk_sbox_sliced_inverse(uint64_t b[8])
{
	uint64_t x[8];

	{
		uint64_t b0 = ~b[0], b1 = ~b[1], b5 = ~b[5], b6 = ~b[6];
		uint64_t b12 = b1 ^ b[2], b45 = b[4] ^ b5, b67 = b6 ^ b[7];
		uint64_t b012 = b0 ^ b12;
		uint64_t b0127 = b012 ^ b[7];

		x[0] = b12 ^ b45;
		x[1] = b[2] ^ b45;
		x[2] = b5 ^ b0 ^ b[2];
		x[3] = b[4] ^ b012;
		x[4] = b[3] ^ b0127;
		x[5] = b45 ^ b0127;
		x[6] = b45 ^ b[3] ^ b6;
		x[7] = b12 ^ b67;
	}
	fk_tower_invert(x);
	{
		uint64_t x15 = x[1] ^ x[5], x25 = x[2] ^ x[5];
		uint64_t x135 = x[3] ^ x15;

		b[0] = x[0] ^ x25;
		b[1] = x[4] ^ x[7];
		b[2] = x25;
		b[3] = x[2];
		b[4] = x[6] ^ x[2] ^ x[3];
		b[5] = x135;
		b[6] = x15 ^ x[2] ^ x[4];
		b[7] = x[7] ^ x135;
	}
}
