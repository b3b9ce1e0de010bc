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

/* XCR0 bits 1 and 2: the kernel saves the xmm and the ymm halves. */
static bool kernel_saves_ymm(const struct cpu_words *w)
{
	uint32_t low, high;

	if (!(w->leaf1_ecx & bit_OSXSAVE))
		return false;
	__asm__ __volatile__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return (low & 6) == 6;
}

bool fk_cpu_has_aes(void)
{
	struct cpu_words w = cpu_read();

	return has_sse41(&w) && (w.leaf1_ecx & bit_AES);
}

bool fk_cpu_has_vaes(void)
{
	struct cpu_words w = cpu_read();

	return fk_cpu_has_aes() && kernel_saves_ymm(&w) && (w.leaf7_ebx & bit_AVX2) &&
	       (w.leaf7_ecx & bit_VAES);
}

bool fk_cpu_has_sha(void)
{
	struct cpu_words w = cpu_read();

	return has_sse41(&w) && (w.leaf7_ebx & bit_SHA);
}
#else
bool fk_cpu_has_aes(void)
{
	return false;
}

bool fk_cpu_has_vaes(void)
{
	return false;
}

bool fk_cpu_has_sha(void)
{
	return false;
}
#endif
