/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "campaign/due_heap.h"

#define N 500u

static struct fk_due_heap heap;

static void begin(void)
{
	cr_assert_eq(fk_due_heap_init(&heap, N), FK_OK);
}

static void end(void)
{
	fk_due_heap_fini(&heap);
}

TestSuite(due_heap, .init = begin, .fini = end);

Test(due_heap, what_is_due_comes_out_in_order)
{
	uint32_t ue_index;
	uint64_t last = 0;

	for (uint32_t i = 0; i < N; i++)
		fk_due_heap_set(&heap, i, (i * 7919u) % 1009);
	for (uint32_t i = 0; i < N; i++) {
		uint64_t next = fk_due_heap_next_ms(&heap);

		cr_assert_geq(next, last);
		last = next;
		cr_assert(fk_due_heap_pop(&heap, UINT64_MAX, &ue_index));
		cr_assert_eq((ue_index * 7919u) % 1009, next);
	}
	cr_assert_not(fk_due_heap_pop(&heap, UINT64_MAX, &ue_index));
	cr_assert_eq(fk_due_heap_next_ms(&heap), UINT64_MAX);
}

Test(due_heap, what_is_not_due_stays)
{
	uint32_t ue_index = 4711;

	fk_due_heap_set(&heap, 3, 100);
	cr_assert_not(fk_due_heap_pop(&heap, 99, &ue_index));
	cr_assert_eq(ue_index, 4711);
	cr_assert(fk_due_heap_pop(&heap, 100, &ue_index));
	cr_assert_eq(ue_index, 3);
}

Test(due_heap, an_entry_can_be_moved_and_removed_at_any_place)
{
	uint64_t due[N];
	uint32_t n_in = 0, ue_index;

	srandom(1);
	for (uint32_t i = 0; i < N; i++)
		due[i] = UINT64_MAX;
	for (uint32_t round = 0; round < 20000; round++) {
		uint32_t i = (uint32_t)random() % N;

		if (random() % 3 == 0) {
			n_in -= due[i] != UINT64_MAX;
			due[i] = UINT64_MAX;
			fk_due_heap_remove(&heap, i);
		} else {
			n_in += due[i] == UINT64_MAX;
			due[i] = (uint64_t)random() % 1000;
			fk_due_heap_set(&heap, i, due[i]);
		}
		cr_assert_eq(heap.n, n_in);
	}
	for (uint64_t last = 0; fk_due_heap_pop(&heap, UINT64_MAX, &ue_index); n_in--) {
		cr_assert_geq(due[ue_index], last);
		last = due[ue_index];
	}
	cr_assert_eq(n_in, 0);
}
