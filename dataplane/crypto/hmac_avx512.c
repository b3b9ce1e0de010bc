/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HMAC-SHA-256 with AVX-512: sixteen lanes, one in each 32-bit column of the registers. Rotations
 * and three-way logic are one instruction each, and eight words of state with sixteen of message
 * fit into the 32 registers, so that a compression is some 1700 instructions for sixteen lanes:
 * half of what the SHA extensions need for as many. A lane's words are taken apart and put together
 * again once, where they come from octets and where they become octets.
 */
#include <immintrin.h>
#include <stdbool.h>
#include <stddef.h>

#include "hmac.h"
#include "residue.h"

#define TARGET	  __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))
#define TARGET_IN TARGET inline __attribute__((always_inline))
#define LANES	  16
#define INNER_PAD 0x36363636
#define OUTER_PAD 0x5c5c5c5c
/* Fewer lanes than these are left to the SHA extensions, which walk two at a time. */
#define LANES_MIN 7

struct words8 {
	__m512i word[8];
};

/* What the keys of sixteen lanes come to. */
struct key_states {
	struct words8 inner, outer;
};

static TARGET_IN __m512i xor3(__m512i a, __m512i b, __m512i c)
{
	return _mm512_ternarylogic_epi32(a, b, c, 0x96);
}

static TARGET_IN __m512i big_sigma0(__m512i x)
{
	return xor3(_mm512_ror_epi32(x, 2), _mm512_ror_epi32(x, 13), _mm512_ror_epi32(x, 22));
}

static TARGET_IN __m512i big_sigma1(__m512i x)
{
	return xor3(_mm512_ror_epi32(x, 6), _mm512_ror_epi32(x, 11), _mm512_ror_epi32(x, 25));
}

static TARGET_IN __m512i small_sigma0(__m512i x)
{
	return xor3(_mm512_ror_epi32(x, 7), _mm512_ror_epi32(x, 18), _mm512_srli_epi32(x, 3));
}

static TARGET_IN __m512i small_sigma1(__m512i x)
{
	return xor3(_mm512_ror_epi32(x, 17), _mm512_ror_epi32(x, 19), _mm512_srli_epi32(x, 10));
}

/* a, b, ... h of round t are words 0, 1, ... 7 turned by t, so that nothing moves. */
#define S(i, t) s[((i) - (t)) & 7]

/* Sums are taken in the order that keeps the chains from e to e and from a to a short: three
 * instructions each, and what is known earlier is added up beside them. */
static TARGET_IN void one_round(__m512i s[8], __m512i word, unsigned t)
{
	const __m512i constant = _mm512_set1_epi32((int)fk_sha256_constants[t]);
	__m512i ch = _mm512_ternarylogic_epi32(S(4, t), S(5, t), S(6, t), 0xca);
	__m512i maj = _mm512_ternarylogic_epi32(S(0, t), S(1, t), S(2, t), 0xe8);
	__m512i sum = _mm512_add_epi32(S(7, t), _mm512_add_epi32(word, constant));
	__m512i sum_d = _mm512_add_epi32(_mm512_add_epi32(sum, S(3, t)), ch);
	__m512i sum_maj = _mm512_add_epi32(_mm512_add_epi32(sum, ch), maj);
	__m512i sigma1 = big_sigma1(S(4, t));

	/* Compilers regroup sums. */
	__asm__("" : "+v"(sum_d), "+v"(sum_maj));

	S(3, t) = _mm512_add_epi32(sum_d, sigma1);
	S(7, t) = _mm512_add_epi32(_mm512_add_epi32(sum_maj, sigma1), big_sigma0(S(0, t)));
}

/* Word t from the sixteen before it, kept in w by t mod 16. */
static TARGET_IN __m512i word_next(__m512i w[16], unsigned t)
{
	__m512i sum = _mm512_add_epi32(w[t & 15], w[(t + 9) & 15]);

	w[t & 15] = _mm512_add_epi32(sum, _mm512_add_epi32(small_sigma0(w[(t + 1) & 15]),
							   small_sigma1(w[(t + 14) & 15])));
	return w[t & 15];
}

#define FOUR(DO, t)          \
	do {                 \
		DO(t);       \
		DO((t) + 1); \
		DO((t) + 2); \
		DO((t) + 3); \
	} while (0)
#define SIXTEEN(DO, t)              \
	do {                        \
		FOUR(DO, t);        \
		FOUR(DO, (t) + 4);  \
		FOUR(DO, (t) + 8);  \
		FOUR(DO, (t) + 12); \
	} while (0)

/* One block into each of sixteen states; 'ret_to' may be 'from'. The one copy of some 2000
 * instructions. spec: FIPS 180-4 §6.2.2 */
static FK_NOINLINE TARGET void compress(struct words8 *ret_to, const struct words8 *from,
					const __m512i words[16])
{
	__m512i s[8], w[16];

	for (unsigned i = 0; i < 8; i++)
		s[i] = from->word[i];
	for (unsigned i = 0; i < 16; i++)
		w[i] = words[i];
#define FIRST(t) one_round(s, w[t], t)
#define LATER(t) one_round(s, word_next(w, t), t)
	SIXTEEN(FIRST, 0);
	SIXTEEN(LATER, 16);
	SIXTEEN(LATER, 32);
	SIXTEEN(LATER, 48);
#undef FIRST
#undef LATER
	for (unsigned i = 0; i < 8; i++)
		ret_to->word[i] = _mm512_add_epi32(s[i], from->word[i]);
}

static TARGET_IN struct words8 state_initial(void)
{
	struct words8 state;

	for (unsigned i = 0; i < 8; i++)
		state.word[i] = _mm512_set1_epi32((int)fk_sha256_initial[i]);
	return state;
}

/* Turns four registers of four words of four lanes each by their diagonal, quarter by quarter. */
static TARGET_IN void quarters_transpose(__m512i x[4])
{
	__m512i a = _mm512_unpacklo_epi32(x[0], x[1]), b = _mm512_unpackhi_epi32(x[0], x[1]);
	__m512i c = _mm512_unpacklo_epi32(x[2], x[3]), d = _mm512_unpackhi_epi32(x[2], x[3]);

	x[0] = _mm512_unpacklo_epi64(a, c);
	x[1] = _mm512_unpackhi_epi64(a, c);
	x[2] = _mm512_unpacklo_epi64(b, d);
	x[3] = _mm512_unpackhi_epi64(b, d);
}

static TARGET_IN __m512i octets_swap(__m512i x)
{
	const __m128i order = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);

	return _mm512_shuffle_epi8(x, _mm512_broadcast_i32x4(order));
}

static TARGET_IN __m128i load_16(const uint8_t *p)
{
	return _mm_loadu_si128((const __m128i *)(const void *)p);
}

/* The four words from octet 'at' on of all lanes. */
static TARGET_IN void words_load(const uint8_t *const p[LANES], size_t at, __m512i w[4])
{
	for (unsigned i = 0; i < 4; i++) {
		__m512i x = _mm512_castsi128_si512(load_16(p[i] + at));

		x = _mm512_inserti32x4(x, load_16(p[i + 4] + at), 1);
		x = _mm512_inserti32x4(x, load_16(p[i + 8] + at), 2);
		x = _mm512_inserti32x4(x, load_16(p[i + 12] + at), 3);
		w[i] = octets_swap(x);
	}
	quarters_transpose(w);
}

static TARGET_IN void words_store(uint8_t *const p[LANES], size_t at, __m512i w[4])
{
	quarters_transpose(w);
	for (unsigned i = 0; i < 4; i++) {
		__m512i x = octets_swap(w[i]);

		_mm_storeu_si128((__m128i *)(void *)(p[i] + at), _mm512_castsi512_si128(x));
		_mm_storeu_si128((__m128i *)(void *)(p[i + 4] + at),
				 _mm512_extracti32x4_epi32(x, 1));
		_mm_storeu_si128((__m128i *)(void *)(p[i + 8] + at),
				 _mm512_extracti32x4_epi32(x, 2));
		_mm_storeu_si128((__m128i *)(void *)(p[i + 12] + at),
				 _mm512_extracti32x4_epi32(x, 3));
	}
}

/* The state after the block of keys, padded with 'pad'. */
static TARGET_IN void compress_keys(struct words8 *ret_state, const __m512i key[8], __m512i pad)
{
	const struct words8 initial = state_initial();
	__m512i w[16];

	for (unsigned i = 0; i < 8; i++) {
		w[i] = _mm512_xor_si512(key[i], pad);
		w[8 + i] = pad;
	}
	compress(ret_state, &initial, w);
}

/* Sixteen keys. */
static FK_NOINLINE TARGET void states_of_keys(struct key_states *ret_states,
					      const uint8_t *const keys[LANES])
{
	__m512i key[8];

	words_load(keys, 0, key);
	words_load(keys, 16, key + 4);
	compress_keys(&ret_states->inner, key, _mm512_set1_epi32(INNER_PAD));
	compress_keys(&ret_states->outer, key, _mm512_set1_epi32(OUTER_PAD));
}

/* One key for all: its inner block walks in lane 0, its outer block in lane 1. */
static FK_NOINLINE TARGET void states_of_one_key(struct key_states *ret_states, const uint8_t *key)
{
	const __m512i pads = _mm512_mask_blend_epi32(0xaaaa, _mm512_set1_epi32(INNER_PAD),
						     _mm512_set1_epi32(OUTER_PAD));
	const uint8_t *keys[LANES];
	struct words8 both;
	__m512i words[8];

	for (unsigned i = 0; i < LANES; i++)
		keys[i] = key;
	words_load(keys, 0, words);
	words_load(keys, 16, words + 4);
	compress_keys(&both, words, pads);
	for (unsigned i = 0; i < 8; i++) {
		ret_states->inner.word[i] =
			_mm512_broadcastd_epi32(_mm512_castsi512_si128(both.word[i]));
		ret_states->outer.word[i] =
			_mm512_permutexvar_epi32(_mm512_set1_epi32(1), both.word[i]);
	}
}

static FK_NOINLINE TARGET void sixteen_hash(const struct key_states *states,
					    const uint8_t *const blocks[LANES],
					    uint8_t *const digests[LANES])
{
	struct words8 state;
	__m512i w[16];

	for (unsigned i = 0; i < 4; i++)
		words_load(blocks, 16 * i, w + 4 * i);
	compress(&state, &states->inner, w);
	/* The inner digest is the outer message: eight words, then padding that never changes. */
	for (unsigned i = 0; i < 8; i++) {
		w[i] = state.word[i];
		w[8 + i] = _mm512_setzero_si512();
	}
	w[8] = _mm512_set1_epi32((int)0x80000000);
	w[15] = _mm512_set1_epi32(8 * (FK_SHA256_BLOCK + FK_SHA256_SIZE));
	compress(&state, &states->outer, w);
	words_store(digests, 0, state.word);
	words_store(digests, 16, state.word + 4);
}

void fk_hmac_avx512(const struct fk_hmac_lane *lanes, uint32_t n)
{
	const uint8_t *keys[LANES], *blocks[LANES], *shared_key = NULL;
	uint8_t *digests[LANES], unused[FK_SHA256_SIZE] = {0};
	struct key_states states;

	for (; n >= LANES_MIN; lanes += LANES, n -= n < LANES ? n : LANES) {
		bool is_shared = true;

		for (uint32_t i = 0; i < LANES; i++) {
			/* A lane without a UE walks as the first one does. */
			const struct fk_hmac_lane *lane = &lanes[i < n ? i : 0];

			keys[i] = lane->key;
			blocks[i] = lane->block;
			digests[i] = i < n ? lane->digest : unused;
			is_shared &= lane->key == lanes->key;
		}
		if (!is_shared)
			states_of_keys(&states, keys);
		else if (lanes->key != shared_key)
			states_of_one_key(&states, lanes->key);
		shared_key = is_shared ? lanes->key : NULL;
		sixteen_hash(&states, blocks, digests);
	}
	fk_hmac_ni(lanes, n);
}
