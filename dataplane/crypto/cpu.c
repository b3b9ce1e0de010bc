/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <stdint.h>

struct cpu_words {
	unsigned leaf1_ecx, leaf7_ebx, leaf7_ecx;
};

static struct cpu_words cpu_read(void)
{
	struct cpu_words w = {0};
	unsigned a, b, c, d;

	if (__get_cpuid(1, &a, &b, &c, &d))
		w.leaf1_ecx = c;
	if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
		w.leaf7_ebx = b;
		w.leaf7_ecx = c;
	}
	return w;
}

static bool has_sse41(const struct cpu_words *w)
{
	return (w->leaf1_ecx & bit_SSSE3) && (w->leaf1_ecx & bit_SSE4_1);
}

#define XCR0_YMM 0x06 /* the xmm and the upper ymm halves are saved */
#define XCR0_ZMM 0xe6 /* and the mask registers, the upper zmm halves, and zmm16 to zmm31 */

static bool kernel_saves(const struct cpu_words *w, uint32_t xcr0)
{
	uint32_t low, high;

	if (!(w->leaf1_ecx & bit_OSXSAVE))
		return false;
	__asm__ __volatile__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return (low & xcr0) == xcr0;
}

static bool has_aes(const struct cpu_words *w)
{
	return has_sse41(w) && (w->leaf1_ecx & bit_AES);
}

static bool has_avx(const struct cpu_words *w)
{
	return kernel_saves(w, XCR0_YMM) && (w->leaf1_ecx & bit_AVX);
}

static bool has_avx512(const struct cpu_words *w)
{
	const unsigned parts = bit_AVX512F | bit_AVX512BW | bit_AVX512DQ | bit_AVX512VL;

	return kernel_saves(w, XCR0_ZMM) && (w->leaf7_ebx & parts) == parts;
}

bool fk_cpu_has_aes(void)
{
	struct cpu_words w = cpu_read();

	return has_aes(&w);
}

bool fk_cpu_has_sha(void)
{
	struct cpu_words w = cpu_read();

	return has_sse41(&w) && (w.leaf7_ebx & bit_SHA);
}

bool fk_cpu_has_avx(void)
{
	struct cpu_words w = cpu_read();

	return has_avx(&w);
}

bool fk_cpu_has_avx512(void)
{
	struct cpu_words w = cpu_read();

	return has_avx512(&w);
}

bool fk_cpu_has_vaes(void)
{
	struct cpu_words w = cpu_read();

	return has_aes(&w) && has_avx(&w) && (w.leaf7_ebx & bit_AVX2) && (w.leaf7_ecx & bit_VAES);
}

bool fk_cpu_has_vaes512(void)
{
	struct cpu_words w = cpu_read();

	return has_aes(&w) && has_avx512(&w) && (w.leaf7_ecx & bit_VAES);
}
#else
bool fk_cpu_has_aes(void)
{
	return false;
}

bool fk_cpu_has_sha(void)
{
	return false;
}

bool fk_cpu_has_avx(void)
{
	return false;
}

bool fk_cpu_has_avx512(void)
{
	return false;
}

bool fk_cpu_has_vaes(void)
{
	return false;
}

bool fk_cpu_has_vaes512(void)
{
	return false;
}
#endif
