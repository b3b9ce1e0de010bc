/* SPDX-License-Identifier: Apache-2.0 */
/*
 * VAES with AVX-512: thirty-two UEs a batch, four in each zmm register. A round's key for four UEs
 * is one load, so that loads and AES units are busy alike, as they are at half the width.
 */
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#include "cpu.h"

#define ENGINE	     fk_engine_vaes512
#define ENGINE_NAME  "vaes512"
#define IS_SUPPORTED vaes512_is_supported
#define TARGET	     __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,vaes,aes")))

typedef __m512i vec;

#define VEC_LANES		 4
#define VEC_LOAD(p)		 _mm512_loadu_si512((const void *)(p))
#define VEC_STORE(p, x)		 _mm512_storeu_si512((void *)(p), x)
#define VEC_GATHER(p, at)	 four_load(p, at)
#define VEC_SCATTER(p, at, x)	 four_store(p, at, x)
#define VEC_XOR(a, b)		 _mm512_xor_si512(a, b)
#define VEC_AND(a, b)		 _mm512_and_si512(a, b)
#define VEC_ENC(a, k)		 _mm512_aesenc_epi128(a, k)
#define VEC_ENC_LAST(a, k)	 _mm512_aesenclast_epi128(a, k)
#define VEC_DEC(a, k)		 _mm512_aesdec_epi128(a, k)
#define VEC_DEC_LAST(a, k)	 _mm512_aesdeclast_epi128(a, k)
#define VEC_UNMIX(a)		 unmix(a)
#define VEC_SHIFT_UP(a, octets)	 _mm512_bslli_epi128(a, octets)
#define VEC_SHUFFLE_OCTETS(a, b) _mm512_shuffle_epi8(a, b)
#define VEC_SHUFFLE_WORDS(a, i)	 _mm512_shuffle_epi32(a, (_MM_PERM_ENUM)(i))
#define VEC_SET_WORDS(x)	 _mm512_set1_epi32(x)
#define VEC_SET_LOWER(x)	 _mm512_maskz_set1_epi64(LOWERS, (long long)(x))
/* Lower half of a beside the upper half of b; the upper halves of both. */
#define VEC_LOWER_UPPER(a, b) _mm512_mask_blend_epi64(LOWERS, b, a)
#define VEC_UPPERS(a, b)      _mm512_unpackhi_epi64(a, b)
/* Ones in the whole lane where the lower halves are equal; one bit for each such lane. */
#define VEC_EQUAL_LOWER(a, b) equal_lower(a, b)
#define VEC_LANE_BITS(x)      lane_bits(x)
/* Eight octets to or from the upper half. */
#define VEC_GATHER_UPPER(p, at)	    four_load_upper(p, at)
#define VEC_SCATTER_UPPER(p, at, x) four_store_upper(p, at, x)

#define LOWERS ((__mmask8)0x55) /* the lower halves of four lanes */

#define FOUR static inline __attribute__((always_inline)) TARGET

FOUR __m512i four_join(__m128i a, __m128i b, __m128i c, __m128i d)
{
	__m256i low = _mm256_inserti128_si256(_mm256_castsi128_si256(a), b, 1);
	__m256i high = _mm256_inserti128_si256(_mm256_castsi128_si256(c), d, 1);

	return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
}

FOUR __m128i one_load(const uint8_t *p)
{
	return _mm_loadu_si128((const __m128i *)(const void *)p);
}

FOUR __m128i half_load(const uint8_t *p)
{
	return _mm_loadl_epi64((const __m128i *)(const void *)p);
}

FOUR __m512i four_load(const uint8_t *const p[4], size_t at)
{
	return four_join(one_load(p[0] + at), one_load(p[1] + at), one_load(p[2] + at),
			 one_load(p[3] + at));
}

FOUR void four_store(uint8_t *const p[4], size_t at, __m512i x)
{
	_mm_storeu_si128((__m128i *)(void *)(p[0] + at), _mm512_castsi512_si128(x));
	_mm_storeu_si128((__m128i *)(void *)(p[1] + at), _mm512_extracti32x4_epi32(x, 1));
	_mm_storeu_si128((__m128i *)(void *)(p[2] + at), _mm512_extracti32x4_epi32(x, 2));
	_mm_storeu_si128((__m128i *)(void *)(p[3] + at), _mm512_extracti32x4_epi32(x, 3));
}

FOUR __m512i four_load_upper(const uint8_t *const p[4], size_t at)
{
	return _mm512_bslli_epi128(four_join(half_load(p[0] + at), half_load(p[1] + at),
					     half_load(p[2] + at), half_load(p[3] + at)),
				   8);
}

FOUR void half_store_upper(uint8_t *p, __m128i x)
{
	_mm_storeh_pd((double *)(void *)p, _mm_castsi128_pd(x));
}

FOUR void four_store_upper(uint8_t *const p[4], size_t at, __m512i x)
{
	half_store_upper(p[0] + at, _mm512_castsi512_si128(x));
	half_store_upper(p[1] + at, _mm512_extracti32x4_epi32(x, 1));
	half_store_upper(p[2] + at, _mm512_extracti32x4_epi32(x, 2));
	half_store_upper(p[3] + at, _mm512_extracti32x4_epi32(x, 3));
}

/* InvMixColumns. aesimc knows only one block: the last round forwards and a round backwards undo
 * each other but for it. */
FOUR __m512i unmix(__m512i x)
{
	const __m512i zero = _mm512_setzero_si512();

	return _mm512_aesdec_epi128(_mm512_aesenclast_epi128(x, zero), zero);
}

FOUR __m512i equal_lower(__m512i a, __m512i b)
{
	__m512i halves = _mm512_movm_epi64(_mm512_cmpeq_epi64_mask(a, b));

	return _mm512_shuffle_epi32(halves, (_MM_PERM_ENUM)0x44);
}

FOUR uint32_t lane_bits(__m512i x)
{
	uint32_t halves = _mm512_movepi64_mask(x);

	return (halves & 1) | (halves >> 1 & 2) | (halves >> 2 & 4) | (halves >> 3 & 8);
}

static int vaes512_is_supported(void)
{
	return fk_cpu_has_vaes512();
}

#include "lanes_x86.h"
