/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 with the SHA extensions. sha256rnds2 has a latency of four cycles and waits for itself,
 * so that one state leaves the unit idle half of the time: two are walked together.
 */
#include <immintrin.h>

#include "sha256.h"

#define TARGET	  __attribute__((target("sha,ssse3,sse4.1")))
#define TARGET_IN TARGET inline __attribute__((always_inline))

/* The two registers that sha256rnds2 works on. */
struct halves {
	__m128i abef, cdgh;
};

static TARGET_IN struct halves halves_load(const uint32_t *state)
{
	__m128i dcba = _mm_loadu_si128((const __m128i *)state);
	__m128i hgfe = _mm_loadu_si128((const __m128i *)(state + 4));
	__m128i cdab = _mm_shuffle_epi32(dcba, 0xb1);
	__m128i efgh = _mm_shuffle_epi32(hgfe, 0x1b);

	return (struct halves){.abef = _mm_alignr_epi8(cdab, efgh, 8),
			       .cdgh = _mm_blend_epi16(efgh, cdab, 0xf0)};
}

static TARGET_IN void halves_store(uint32_t *state, struct halves h)
{
	__m128i feba = _mm_shuffle_epi32(h.abef, 0x1b);
	__m128i dchg = _mm_shuffle_epi32(h.cdgh, 0xb1);

	_mm_storeu_si128((__m128i *)state, _mm_blend_epi16(feba, dchg, 0xf0));
	_mm_storeu_si128((__m128i *)(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

static TARGET_IN __m128i words_load(const uint8_t *p)
{
	const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);

	return _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)p), swap);
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

static TARGET void compress_pair(uint32_t *state_a, const uint8_t *block_a, uint32_t *state_b,
				 const uint8_t *block_b)
{
	struct halves a = halves_load(state_a), b = halves_load(state_b), a0 = a, b0 = b;
	__m128i wa[4], wb[4];

#define GROUP(g)                                                                                  \
	do {                                                                                      \
		wa[(g) % 4] = (g) < 4 ? words_load(block_a + 16 * ((g) % 4)) : words_next(wa, g); \
		wb[(g) % 4] = (g) < 4 ? words_load(block_b + 16 * ((g) % 4)) : words_next(wb, g); \
		four_rounds(&a, wa[(g) % 4], g);                                                  \
		four_rounds(&b, wb[(g) % 4], g);                                                  \
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
	a.abef = _mm_add_epi32(a.abef, a0.abef);
	a.cdgh = _mm_add_epi32(a.cdgh, a0.cdgh);
	b.abef = _mm_add_epi32(b.abef, b0.abef);
	b.cdgh = _mm_add_epi32(b.cdgh, b0.cdgh);
	halves_store(state_a, a);
	halves_store(state_b, b);
}

TARGET void fk_sha256_compress_ni(uint32_t (*states)[8], const uint8_t (*blocks)[FK_SHA256_BLOCK],
				  uint32_t n)
{
	uint32_t i = 0;

	for (; i + 2 <= n; i += 2)
		compress_pair(states[i], blocks[i], states[i + 1], blocks[i + 1]);
	if (i < n) {
		/* The idle half walks a state of its own that nobody reads. */
		uint32_t unused[8] = {0};

		compress_pair(states[i], blocks[i], unused, blocks[i]);
	}
}
