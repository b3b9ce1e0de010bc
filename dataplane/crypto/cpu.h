/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu.h - which instructions this CPU and this kernel offer.
 *
 * The compiler's own test does not know every extension in both compilers, and a CPU that has AVX2
 * is of no use if the operating system does not save its registers.
 *
 * Threads: everything here is pure.
 */
#pragma once

#include <stdbool.h>

bool fk_cpu_has_aes(void);     /* AES-NI, with SSSE3 and SSE4.1 */
bool fk_cpu_has_sha(void);     /* SHA extensions, with SSSE3 and SSE4.1 */
bool fk_cpu_has_avx(void);     /* AVX, and 256-bit registers are saved by the kernel */
bool fk_cpu_has_avx512(void);  /* AVX-512 F, BW, DQ, VL, and the kernel saves all 32 registers */
bool fk_cpu_has_vaes(void);    /* VAES on 256-bit registers, with AVX2 */
bool fk_cpu_has_vaes512(void); /* VAES on 512-bit registers, with AVX-512 as above */
