/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bulk.h - asks for huge pages behind arrays that grow with the fleet.
 *
 * A million UEs are hundreds of megabytes in each process. In pages of 4 KiB their first touch
 * costs a fault for each, and their use a miss of the TLB for each; in pages of 2 MiB both cost a
 * five-hundredth. Only a hint: where the kernel has none, memory is what it was.
 *
 * Threads: any. Memory: nothing is allocated or touched here.
 */
#pragma once

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#define FK_HUGE_PAGE_SIZE (2ull << 20) /* octets, of x86-64 */

/* Hints for the whole huge pages within 'size' octets at 'at'; NULL is fine. Returns 'at'. */
static inline void *fk_bulk_hint(void *at, uint64_t size)
{
	uint64_t first = ((uint64_t)(uintptr_t)at + FK_HUGE_PAGE_SIZE - 1) & -FK_HUGE_PAGE_SIZE;
	uint64_t end = ((uint64_t)(uintptr_t)at + size) & -FK_HUGE_PAGE_SIZE;

	if (at != NULL && first < end)
		(void)madvise((void *)(uintptr_t)first, end - first, MADV_HUGEPAGE);
	return at;
}

/* calloc() with the hint: zeros, for free(). NULL if there is no memory. */
static inline void *fk_bulk_calloc(uint64_t n, uint64_t size)
{
	return fk_bulk_hint(calloc(n, size), n * size);
}

/* realloc() with the hint. NULL if there is no memory, and 'at' is what it was. */
static inline void *fk_bulk_realloc(void *at, uint64_t size)
{
	return fk_bulk_hint(realloc(at, size), size);
}
