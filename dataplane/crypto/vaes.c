/* SPDX-License-Identifier: Apache-2.0 */
/* VAES: sixteen UEs a batch, two in each ymm register. */
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#include "cpu.h"

#define ENGINE	     fk_engine_vaes
#define ENGINE_NAME  "vaes"
#define IS_SUPPORTED vaes_is_supported
#define TARGET	     __attribute__((target("avx2,vaes,aes")))

typedef __m256i vec;

#define VEC_LANES		 2
#define VEC_LOAD(p)		 _mm256_loadu_si256((const __m256i *)(const void *)(p))
#define VEC_STORE(p, x)		 _mm256_storeu_si256((__m256i *)(void *)(p), x)
#define VEC_GATHER(p, at)	 pair_load(p, at)
#define VEC_SCATTER(p, at, x)	 pair_store(p, at, x)
#define VEC_XOR(a, b)		 _mm256_xor_si256(a, b)
#define VEC_AND(a, b)		 _mm256_and_si256(a, b)
#define VEC_ENC(a, k)		 _mm256_aesenc_epi128(a, k)
#define VEC_ENC_LAST(a, k)	 _mm256_aesenclast_epi128(a, k)
#define VEC_DEC(a, k)		 _mm256_aesdec_epi128(a, k)
#define VEC_DEC_LAST(a, k)	 _mm256_aesdeclast_epi128(a, k)
#define VEC_UNMIX(a)		 unmix(a)
#define VEC_SHIFT_UP(a, octets)	 _mm256_slli_si256(a, octets)
#define VEC_SHUFFLE_OCTETS(a, b) _mm256_shuffle_epi8(a, b)
#define VEC_SHUFFLE_WORDS(a, i)	 _mm256_shuffle_epi32(a, i)
#define VEC_SET_WORDS(x)	 _mm256_set1_epi32(x)
#define VEC_SET_LOWER(x)	 _mm256_set_epi64x(0, (long long)(x), 0, (long long)(x))
/* Lower half of a beside the upper half of b; the upper halves of both. */
#define VEC_LOWER_UPPER(a, b) _mm256_blend_epi32(a, b, 0xcc)
#define VEC_UPPERS(a, b)      _mm256_unpackhi_epi64(a, b)
/* Ones in the whole lane where the lower halves are equal; one bit for each such lane. */
#define VEC_EQUAL_LOWER(a, b) _mm256_shuffle_epi32(_mm256_cmpeq_epi64(a, b), 0x44)
#define VEC_LANE_BITS(x)      lane_bits(x)
/* Eight octets to or from the upper half. */
#define VEC_GATHER_UPPER(p, at)	    pair_load_upper(p, at)
#define VEC_SCATTER_UPPER(p, at, x) pair_store_upper(p, at, x)

#define PAIR static inline __attribute__((always_inline)) TARGET

PAIR __m256i pair_load(const uint8_t *const p[2], size_t at)
{
	return _mm256_inserti128_si256(
		_mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)(p[0] + at))),
		_mm_loadu_si128((const __m128i *)(const void *)(p[1] + at)), 1);
}

PAIR void pair_store(uint8_t *const p[2], size_t at, __m256i x)
{
	_mm_storeu_si128((__m128i *)(void *)(p[0] + at), _mm256_castsi256_si128(x));
	_mm_storeu_si128((__m128i *)(void *)(p[1] + at), _mm256_extracti128_si256(x, 1));
}

PAIR __m256i pair_load_upper(const uint8_t *const p[2], size_t at)
{
	__m128i low = _mm_loadl_epi64((const __m128i *)(const void *)(p[0] + at));
	__m128i high = _mm_loadl_epi64((const __m128i *)(const void *)(p[1] + at));

	return _mm256_slli_si256(_mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1), 8);
}

PAIR void pair_store_upper(uint8_t *const p[2], size_t at, __m256i x)
{
	_mm_storeh_pd((double *)(void *)(p[0] + at), _mm_castsi128_pd(_mm256_castsi256_si128(x)));
	_mm_storeh_pd((double *)(void *)(p[1] + at),
		      _mm_castsi128_pd(_mm256_extracti128_si256(x, 1)));
}

/* InvMixColumns. aesimc knows only one block: the last round forwards and a round backwards undo
 * each other but for it. */
PAIR __m256i unmix(__m256i x)
{
	const __m256i zero = _mm256_setzero_si256();

	return _mm256_aesdec_epi128(_mm256_aesenclast_epi128(x, zero), zero);
}

PAIR uint32_t lane_bits(__m256i x)
{
	uint32_t octets = (uint32_t)_mm256_movemask_epi8(x);

	return (octets & 1) | (octets >> 15 & 2);
}

static int vaes_is_supported(void)
{
	return fk_cpu_has_vaes();
}

#include "lanes_x86.h"
