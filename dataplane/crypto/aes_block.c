/* SPDX-License-Identifier: Apache-2.0 */
#include "aes_block.h"

#include <assert.h>
#include <string.h>

#include <fleetkey/secret.h>

#include "sbox_sliced.h"

typedef void (*sliced_fn)(uint64_t bits[8]);

/* Puts 'size' octets, at most 64, through the S-box as eight words of bits. */
static void octets_substitute(uint8_t *octets, uint32_t size, sliced_fn substitute)
{
	uint64_t bits[8] = {0};

	for (uint32_t i = 0; i < size; i++)
		for (uint32_t b = 0; b < 8; b++)
			bits[b] |= (uint64_t)(octets[i] >> b & 1) << i;
	substitute(bits);
	for (uint32_t i = 0; i < size; i++) {
		uint32_t octet = 0;

		for (uint32_t b = 0; b < 8; b++)
			octet |= (uint32_t)(bits[b] >> i & 1) << b;
		octets[i] = (uint8_t)octet;
	}
	fk_wipe(bits, sizeof(bits));
}

static uint8_t octet_double(uint8_t x)
{
	return (uint8_t)(x << 1 ^ ((0 - (x >> 7)) & 0x1b));
}

static void block_xor(uint8_t *to, const uint8_t *from)
{
	for (uint32_t i = 0; i < FK_AES_BLOCK_SIZE; i++)
		to[i] ^= from[i];
}

void fk_aes_schedule_init(struct fk_aes_schedule *schedule, const uint8_t *key, size_t key_size)
{
	uint8_t *words = schedule->keys[0]; /* of four octets each */
	uint32_t n_key = (uint32_t)key_size / 4, n_words;
	uint8_t rcon = 1, word[4];

	assert(key_size == 16 || key_size == 32);
	schedule->n_rounds = n_key + 6;
	n_words = 4 * (schedule->n_rounds + 1);
	memcpy(words, key, key_size);
	for (uint32_t i = n_key; i < n_words; i++) {
		memcpy(word, words + 4 * (i - 1), 4);
		if (i % n_key == 0) {
			uint8_t first = word[0];

			memmove(word, word + 1, 3);
			word[3] = first;
		}
		if (i % n_key == 0 || (n_key > 6 && i % n_key == 4))
			octets_substitute(word, 4, fk_sbox_sliced);
		if (i % n_key == 0) {
			word[0] ^= rcon;
			rcon = octet_double(rcon);
		}
		for (uint32_t b = 0; b < 4; b++)
			words[4 * i + b] = words[4 * (i - n_key) + b] ^ word[b];
	}
	fk_wipe(word, sizeof(word));
}

/* Row r of the state moves by r columns; octet 4c + r is row r of column c. spec: FIPS 197 §3.4 */
static void rows_shift(uint8_t *block, uint32_t step)
{
	uint8_t from[FK_AES_BLOCK_SIZE];

	memcpy(from, block, sizeof(from));
	for (uint32_t c = 0; c < 4; c++)
		for (uint32_t r = 0; r < 4; r++)
			block[4 * c + r] = from[4 * ((c + step * r) % 4) + r];
	fk_wipe(from, sizeof(from));
}

/* spec: FIPS 197 §5.1.3 */
static void columns_mix(uint8_t *block)
{
	for (uint32_t c = 0; c < FK_AES_BLOCK_SIZE; c += 4) {
		uint8_t *x = block + c;
		uint8_t all = x[0] ^ x[1] ^ x[2] ^ x[3], first = x[0];

		for (uint32_t r = 0; r < 4; r++)
			x[r] ^= all ^ octet_double(x[r] ^ (r < 3 ? x[r + 1] : first));
	}
}

/* The inverse is the same mix after adding 4 (x0 + x2) and 4 (x1 + x3) to the even and odd rows.
 * spec: FIPS 197 §5.3.3 */
static void columns_unmix(uint8_t *block)
{
	for (uint32_t c = 0; c < FK_AES_BLOCK_SIZE; c += 4) {
		uint8_t *x = block + c;
		uint8_t even = octet_double(octet_double(x[0] ^ x[2]));
		uint8_t odd = octet_double(octet_double(x[1] ^ x[3]));

		x[0] ^= even;
		x[2] ^= even;
		x[1] ^= odd;
		x[3] ^= odd;
	}
	columns_mix(block);
}

void fk_aes_block_encrypt(const struct fk_aes_schedule *schedule, uint8_t block[static 16])
{
	block_xor(block, schedule->keys[0]);
	for (uint32_t r = 1; r <= schedule->n_rounds; r++) {
		octets_substitute(block, FK_AES_BLOCK_SIZE, fk_sbox_sliced);
		rows_shift(block, 1);
		if (r < schedule->n_rounds)
			columns_mix(block);
		block_xor(block, schedule->keys[r]);
	}
}

void fk_aes_block_decrypt(const struct fk_aes_schedule *schedule, uint8_t block[static 16])
{
	for (uint32_t r = schedule->n_rounds; r >= 1; r--) {
		block_xor(block, schedule->keys[r]);
		if (r < schedule->n_rounds)
			columns_unmix(block);
		rows_shift(block, 3);
		octets_substitute(block, FK_AES_BLOCK_SIZE, fk_sbox_sliced_inverse);
	}
	block_xor(block, schedule->keys[0]);
}
