/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HMAC-SHA-256 with the SHA extensions. sha256rnds2 waits four cycles for itself and could start
 * every two, so two lanes are walked together: that keeps the unit busy nine cycles in ten, and
 * more lanes do not fit into sixteen registers. A lane's four compressions stay in registers from
 * key to digest; nothing is swapped or staged in between.
 *
 * Multi-buffer AVX2 (eight lanes a register, as libIPSec_MB has it) takes more than twice as long.
 */
#include <immintrin.h>
#include <stdbool.h>
#include <stddef.h>

#include "hmac.h"

#define TARGET	  __attribute__((target("sha,ssse3,sse4.1")))
#define TARGET_IN TARGET inline __attribute__((always_inline))

/* A state as sha256rnds2 wants it. */
struct halves {
	__m128i abef, cdgh;
};

struct pair {
	struct halves a, b;
};

/* What the keys of two lanes come to. */
struct key_states {
	struct pair inner, outer;
};

static TARGET_IN struct halves halves_initial(void)
{
	return (struct halves){
		.abef = _mm_set_epi32(0x6a09e667, (int)0xbb67ae85, 0x510e527f, (int)0x9b05688c),
		.cdgh = _mm_set_epi32(0x3c6ef372, (int)0xa54ff53a, 0x1f83d9ab, 0x5be0cd19),
	};
}

/* Words a-d and e-h in their order. */
static TARGET_IN void halves_words(struct halves h, __m128i *ret_abcd, __m128i *ret_efgh)
{
	__m128i feba = _mm_shuffle_epi32(h.abef, 0x1b);
	__m128i dchg = _mm_shuffle_epi32(h.cdgh, 0xb1);

	*ret_abcd = _mm_blend_epi16(feba, dchg, 0xf0);
	*ret_efgh = _mm_alignr_epi8(dchg, feba, 8);
}

static TARGET_IN __m128i words_swap(__m128i x)
{
	return _mm_shuffle_epi8(x, _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203));
}

static TARGET_IN __m128i words_load(const uint8_t *p)
{
	return words_swap(_mm_loadu_si128((const __m128i *)p));
}

/* Message words 4g..4g+3 from the sixteen before them, kept in w[0..3] by g mod 4. */
static TARGET_IN __m128i words_next(const __m128i w[4], unsigned g)
{
	__m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(w[g % 4], w[(g + 1) % 4]),
				    _mm_alignr_epi8(w[(g + 3) % 4], w[(g + 2) % 4], 4));

	return _mm_sha256msg2_epu32(sum, w[(g + 3) % 4]);
}

static TARGET_IN void four_rounds(struct halves *h, __m128i words, unsigned g)
{
	__m128i x = _mm_add_epi32(words,
				  _mm_load_si128((const __m128i *)(fk_sha256_constants + 4 * g)));

	h->cdgh = _mm_sha256rnds2_epu32(h->cdgh, h->abef, x);
	h->abef = _mm_sha256rnds2_epu32(h->abef, h->cdgh, _mm_shuffle_epi32(x, 0x0e));
}

/* One block into each of two states. spec: FIPS 180-4 §6.2.2 */
static TARGET_IN struct pair compress(struct pair from, __m128i wa[4], __m128i wb[4])
{
	struct pair to = from;

#define GROUP(g)                                         \
	do {                                             \
		if ((g) >= 4) {                          \
			wa[(g) % 4] = words_next(wa, g); \
			wb[(g) % 4] = words_next(wb, g); \
		}                                        \
		four_rounds(&to.a, wa[(g) % 4], g);      \
		four_rounds(&to.b, wb[(g) % 4], g);      \
	} while (0)
	GROUP(0);
	GROUP(1);
	GROUP(2);
	GROUP(3);
	GROUP(4);
	GROUP(5);
	GROUP(6);
	GROUP(7);
	GROUP(8);
	GROUP(9);
	GROUP(10);
	GROUP(11);
	GROUP(12);
	GROUP(13);
	GROUP(14);
	GROUP(15);
#undef GROUP
	to.a.abef = _mm_add_epi32(to.a.abef, from.a.abef);
	to.a.cdgh = _mm_add_epi32(to.a.cdgh, from.a.cdgh);
	to.b.abef = _mm_add_epi32(to.b.abef, from.b.abef);
	to.b.cdgh = _mm_add_epi32(to.b.cdgh, from.b.cdgh);
	return to;
}

static TARGET_IN void words_of_key(__m128i w[4], const uint8_t *key, __m128i pad)
{
	w[0] = _mm_xor_si128(words_load(key), pad);
	w[1] = _mm_xor_si128(words_load(key + 16), pad);
	w[2] = pad;
	w[3] = pad;
}

static TARGET struct pair compress_keys(const uint8_t *key_a, const uint8_t *key_b, int pad)
{
	const struct pair initial = {halves_initial(), halves_initial()};
	__m128i wa[4], wb[4];

	words_of_key(wa, key_a, _mm_set1_epi32(pad));
	words_of_key(wb, key_b, _mm_set1_epi32(pad));
	return compress(initial, wa, wb);
}

static TARGET struct pair compress_messages(const struct pair *from, const uint8_t *block_a,
					    const uint8_t *block_b)
{
	__m128i wa[4], wb[4];

	for (unsigned i = 0; i < 4; i++) {
		wa[i] = words_load(block_a + 16 * i);
		wb[i] = words_load(block_b + 16 * i);
	}
	return compress(*from, wa, wb);
}

/* The inner digest is the outer message: eight words, then padding that never changes. */
static TARGET struct pair compress_digests(const struct pair *from, const struct pair *inner)
{
	__m128i wa[4], wb[4];

	halves_words(inner->a, &wa[0], &wa[1]);
	halves_words(inner->b, &wb[0], &wb[1]);
	wa[2] = wb[2] = _mm_set_epi32(0, 0, 0, (int)0x80000000);
	wa[3] = wb[3] = _mm_set_epi32(8 * (FK_SHA256_BLOCK + FK_SHA256_SIZE), 0, 0, 0);
	return compress(*from, wa, wb);
}

static TARGET_IN void digest_store(uint8_t *digest, struct halves h)
{
	__m128i abcd, efgh;

	halves_words(h, &abcd, &efgh);
	_mm_storeu_si128((__m128i *)digest, words_swap(abcd));
	_mm_storeu_si128((__m128i *)(digest + 16), words_swap(efgh));
}

TARGET void fk_hmac_ni(const struct fk_hmac_lane *lanes, uint32_t n)
{
	const uint8_t *key_a = NULL, *key_b = NULL;
	struct key_states keys;

	for (uint32_t i = 0; i < n; i += 2) {
		const struct fk_hmac_lane *a = &lanes[i];
		/* Without a partner the lane is walked twice. */
		const struct fk_hmac_lane *b = i + 1 < n ? a + 1 : a;
		struct pair inner, outer;

		if (a->key != key_a || b->key != key_b) {
			keys.inner = compress_keys(a->key, b->key, 0x36363636);
			keys.outer = compress_keys(a->key, b->key, 0x5c5c5c5c);
			key_a = a->key;
			key_b = b->key;
		}
		inner = compress_messages(&keys.inner, a->block, b->block);
		outer = compress_digests(&keys.outer, &inner);
		digest_store(a->digest, outer.a);
		digest_store(b->digest, outer.b);
	}
}
