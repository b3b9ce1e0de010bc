/* SPDX-License-Identifier: Apache-2.0 */
#include "residue.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <fleetkey/secret.h>

#include "cpu.h"

/* Deeper than the deepest kernel spills; a unit test looks for what is left. Builds that do not
 * optimise, or that put red zones between variables, have far larger frames. */
#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && !__has_feature(address_sanitizer)
#define STACK_DEPTH 4096 /* octets */
#else
#define STACK_DEPTH 65536 /* octets */
#endif
#define STACK_DEPTH_DEEP 65536 /* octets */

typedef void (*registers_fn)(void);

#if defined(__x86_64__)
/* What a call may change and need not restore, but for the result: that one is the caller's. */
static inline __attribute__((always_inline)) void general_wipe(void)
{
	__asm__ __volatile__("xorl %%ecx, %%ecx\n\t"
			     "xorl %%edx, %%edx\n\t"
			     "xorl %%esi, %%esi\n\t"
			     "xorl %%edi, %%edi\n\t"
			     "xorl %%r8d, %%r8d\n\t"
			     "xorl %%r9d, %%r9d\n\t"
			     "xorl %%r10d, %%r10d\n\t"
			     "xorl %%r11d, %%r11d"
			     :
			     :
			     : "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "cc");
}

#define CLEAR_XMM(i)   "pxor %%xmm" #i ", %%xmm" #i "\n\t"
#define CLEAR_UPPER(i) "vpxord %%zmm" #i ", %%zmm" #i ", %%zmm" #i "\n\t"

static void registers_wipe_sse(void)
{
	__asm__ __volatile__(CLEAR_XMM(0) CLEAR_XMM(1) CLEAR_XMM(2) CLEAR_XMM(3) CLEAR_XMM(4)
				     CLEAR_XMM(5) CLEAR_XMM(6) CLEAR_XMM(7) CLEAR_XMM(8)
					     CLEAR_XMM(9) CLEAR_XMM(10) CLEAR_XMM(11) CLEAR_XMM(12)
						     CLEAR_XMM(13) CLEAR_XMM(14) CLEAR_XMM(15)
			     :
			     :
			     : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",
			       "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14",
			       "xmm15");
	general_wipe();
}

/* vzeroall clears the first sixteen registers to whatever width they have. */
static void registers_wipe_avx(void)
{
	__asm__ __volatile__("vzeroall"
			     :
			     :
			     : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",
			       "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14",
			       "xmm15");
	general_wipe();
}

__attribute__((target("avx512f"))) static void registers_wipe_avx512(void)
{
	__asm__ __volatile__(
		CLEAR_UPPER(16) CLEAR_UPPER(17) CLEAR_UPPER(18) CLEAR_UPPER(19) CLEAR_UPPER(20)
			CLEAR_UPPER(21) CLEAR_UPPER(22) CLEAR_UPPER(23) CLEAR_UPPER(24)
				CLEAR_UPPER(25) CLEAR_UPPER(26) CLEAR_UPPER(27) CLEAR_UPPER(28)
					CLEAR_UPPER(29) CLEAR_UPPER(30) CLEAR_UPPER(31)
		:
		:
		: "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24",
		  "xmm25", "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31");
	registers_wipe_avx();
}

static registers_fn registers_wipe_of_cpu(void)
{
	if (fk_cpu_has_avx512())
		return registers_wipe_avx512;
	return fk_cpu_has_avx() ? registers_wipe_avx : registers_wipe_sse;
}
#else
static void registers_wipe_none(void)
{
}

static registers_fn registers_wipe_of_cpu(void)
{
	return registers_wipe_none;
}
#endif

/* CPUID leaves a virtual machine: asked once. Threads that ask at the same time come to the same
 * answer. */
static void registers_wipe(void)
{
	static _Atomic(registers_fn) chosen;
	registers_fn fn = atomic_load_explicit(&chosen, memory_order_relaxed);

	if (fn == NULL) {
		fn = registers_wipe_of_cpu();
		atomic_store_explicit(&chosen, fn, memory_order_relaxed);
	}
	fn();
}

/* Not instrumented: a red zone in this frame would spare what lies there. */
static FK_NOINLINE __attribute__((no_sanitize("address"))) void stack_wipe(void)
{
	uint8_t below[STACK_DEPTH];

	fk_wipe(below, sizeof(below));
}

static FK_NOINLINE __attribute__((no_sanitize("address"))) void stack_wipe_deep(void)
{
	uint8_t below[STACK_DEPTH_DEEP];

	fk_wipe(below, sizeof(below));
}

FK_NOINLINE void fk_residue_wipe(void)
{
	stack_wipe();
	registers_wipe();
}

FK_NOINLINE void fk_residue_wipe_deep(void)
{
	stack_wipe_deep();
	registers_wipe();
}
