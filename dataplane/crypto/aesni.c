/* SPDX-License-Identifier: Apache-2.0 */
/* AES-NI: eight UEs a batch, one in each xmm register. */
#include <immintrin.h>

#include "cpu.h"

#define ENGINE	     fk_engine_aesni
#define ENGINE_NAME  "aesni"
#define IS_SUPPORTED aesni_is_supported
#define TARGET	     __attribute__((target("aes,ssse3,sse4.1")))

typedef __m128i vec;

#define VEC_LANES		 1
#define VEC_LOAD(p)		 _mm_loadu_si128((const __m128i *)(const void *)(p))
#define VEC_STORE(p, x)		 _mm_storeu_si128((__m128i *)(void *)(p), x)
#define VEC_GATHER(p, at)	 VEC_LOAD((p)[0] + (at))
#define VEC_SCATTER(p, at, x)	 VEC_STORE((p)[0] + (at), x)
#define VEC_XOR(a, b)		 _mm_xor_si128(a, b)
#define VEC_AND(a, b)		 _mm_and_si128(a, b)
#define VEC_ENC(a, k)		 _mm_aesenc_si128(a, k)
#define VEC_ENC_LAST(a, k)	 _mm_aesenclast_si128(a, k)
#define VEC_DEC(a, k)		 _mm_aesdec_si128(a, k)
#define VEC_DEC_LAST(a, k)	 _mm_aesdeclast_si128(a, k)
#define VEC_UNMIX(a)		 _mm_aesimc_si128(a)
#define VEC_SHIFT_UP(a, octets)	 _mm_slli_si128(a, octets)
#define VEC_SHUFFLE_OCTETS(a, b) _mm_shuffle_epi8(a, b)
#define VEC_SHUFFLE_WORDS(a, i)	 _mm_shuffle_epi32(a, i)
#define VEC_SET_WORDS(x)	 _mm_set1_epi32(x)
#define VEC_SET_LOWER(x)	 _mm_set_epi64x(0, (long long)(x))
/* Lower half of a beside the upper half of b; the upper halves of both. */
#define VEC_LOWER_UPPER(a, b) _mm_blend_epi16(a, b, 0xf0)
#define VEC_UPPERS(a, b)      _mm_unpackhi_epi64(a, b)
/* Ones in the whole lane where the lower halves are equal; one bit for each such lane. */
#define VEC_EQUAL_LOWER(a, b) _mm_shuffle_epi32(_mm_cmpeq_epi64(a, b), 0x44)
#define VEC_LANE_BITS(x)      ((uint32_t)_mm_movemask_epi8(x) & 1)
/* Eight octets to or from the upper half. */
#define VEC_GATHER_UPPER(p, at) \
	_mm_slli_si128(_mm_loadl_epi64((const __m128i *)(const void *)((p)[0] + (at))), 8)
#define VEC_SCATTER_UPPER(p, at, x) \
	_mm_storeh_pd((double *)(void *)((p)[0] + (at)), _mm_castsi128_pd(x))

static int aesni_is_supported(void)
{
	return fk_cpu_has_aes();
}

#include "lanes_x86.h"
