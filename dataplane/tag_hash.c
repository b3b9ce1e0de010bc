/* SPDX-License-Identifier: Apache-2.0 */
#include "tag_hash.h"

#include "octets.h"

struct state {
	uint64_t a, b, c, d;
};

static uint64_t rotate(uint64_t x, unsigned n)
{
	return x << n | x >> (64 - n);
}

/* Eight octets, the first one lowest. */
static uint64_t load(const uint8_t *p)
{
	return __builtin_bswap64(fk_be64_load(p));
}

/* The last 'n' octets, 0..7, of all: the upper ones of the word that ends there, if there is one.
 */
static uint64_t load_rest(const uint8_t *octets, size_t size, size_t n)
{
	uint64_t word = 0;

	if (size >= 8)
		return n > 0 ? load(octets + size - 8) >> (64 - 8 * n) : 0;
	for (size_t i = 0; i < n; i++)
		word |= (uint64_t)octets[i] << (8 * i);
	return word;
}

static void mix(struct state *s, unsigned rounds)
{
	while (rounds-- > 0) {
		s->a += s->b;
		s->c += s->d;
		s->b = rotate(s->b, 13) ^ s->a;
		s->d = rotate(s->d, 16) ^ s->c;
		s->a = rotate(s->a, 32);
		s->c += s->b;
		s->a += s->d;
		s->b = rotate(s->b, 17) ^ s->c;
		s->d = rotate(s->d, 21) ^ s->a;
		s->c = rotate(s->c, 32);
	}
}

static void absorb(struct state *s, uint64_t word)
{
	s->d ^= word;
	mix(s, 2);
	s->a ^= word;
}

uint64_t fk_tag_hash(const uint8_t key[static 16], const void *octets, size_t size)
{
	const uint8_t *p = octets;
	uint64_t k0 = load(key), k1 = load(key + 8);
	struct state s = {
		.a = k0 ^ 0x736f6d6570736575ull,
		.b = k1 ^ 0x646f72616e646f6dull,
		.c = k0 ^ 0x6c7967656e657261ull,
		.d = k1 ^ 0x7465646279746573ull,
	};
	size_t left = size;

	for (; left >= 8; p += 8, left -= 8)
		absorb(&s, load(p));
	absorb(&s, load_rest(octets, size, left) | (uint64_t)size << 56);
	s.c ^= 0xff;
	mix(&s, 4);
	return s.a ^ s.b ^ s.c ^ s.d;
}

void fk_tag_format(uint64_t hash, char text[static FK_TAG_HEX_LEN])
{
	fk_hex_put(text, hash >> 32, FK_TAG_HEX_LEN);
}
