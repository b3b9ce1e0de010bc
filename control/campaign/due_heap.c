/* SPDX-License-Identifier: Apache-2.0 */
#include "campaign/due_heap.h"

#include <assert.h>
#include <stdlib.h>

#include <fleetkey/bulk.h>

#define DUE_MS_MAX ((1ull << 40) - 1) /* 34 years */

enum fk_err fk_due_heap_init(struct fk_due_heap *heap, uint32_t n_slots)
{
	struct fk_due_entry *entries = fk_bulk_calloc(n_slots + 1, sizeof(*entries));
	uint32_t *positions = fk_bulk_calloc(n_slots + 1, sizeof(*positions));

	if (entries == NULL || positions == NULL) {
		free(entries);
		free(positions);
		return FK_ENOMEM;
	}
	*heap = (struct fk_due_heap){
		.entries = entries, .positions = positions, .n_slots = n_slots};
	return FK_OK;
}

void fk_due_heap_fini(struct fk_due_heap *heap)
{
	free(heap->entries);
	free(heap->positions);
	*heap = (struct fk_due_heap){0};
}

static void place(struct fk_due_heap *heap, uint32_t at, struct fk_due_entry entry)
{
	heap->entries[at] = entry;
	heap->positions[entry.ue_index] = at + 1;
}

static void sift_up(struct fk_due_heap *heap, uint32_t at, struct fk_due_entry entry)
{
	while (at > 0 && heap->entries[(at - 1) / 2].due_ms > entry.due_ms) {
		place(heap, at, heap->entries[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	place(heap, at, entry);
}

static void sift_down(struct fk_due_heap *heap, uint32_t at, struct fk_due_entry entry)
{
	for (;;) {
		uint32_t child = 2 * at + 1;

		if (child + 1 < heap->n &&
		    heap->entries[child + 1].due_ms < heap->entries[child].due_ms)
			child++;
		if (child >= heap->n || heap->entries[child].due_ms >= entry.due_ms)
			break;
		place(heap, at, heap->entries[child]);
		at = child;
	}
	place(heap, at, entry);
}

void fk_due_heap_set(struct fk_due_heap *heap, uint32_t ue_index, uint64_t due_ms)
{
	struct fk_due_entry entry = {.ue_index = ue_index};

	assert(ue_index < heap->n_slots);
	entry.due_ms = due_ms < DUE_MS_MAX ? due_ms : DUE_MS_MAX;
	fk_due_heap_remove(heap, ue_index);
	sift_up(heap, heap->n++, entry);
}

void fk_due_heap_remove(struct fk_due_heap *heap, uint32_t ue_index)
{
	uint32_t position = ue_index < heap->n_slots ? heap->positions[ue_index] : 0;
	struct fk_due_entry last;

	if (position == 0)
		return;
	heap->positions[ue_index] = 0;
	last = heap->entries[--heap->n];
	if (position - 1 == heap->n)
		return;
	/* The last entry fills the hole; it may belong above or below. */
	if (position > 1 && heap->entries[(position - 2) / 2].due_ms > last.due_ms)
		sift_up(heap, position - 1, last);
	else
		sift_down(heap, position - 1, last);
}

bool fk_due_heap_pop(struct fk_due_heap *heap, uint64_t now_ms, uint32_t *ret_ue_index)
{
	uint32_t ue_index;

	if (heap->n == 0 || heap->entries[0].due_ms > now_ms)
		return false;
	ue_index = (uint32_t)heap->entries[0].ue_index;
	fk_due_heap_remove(heap, ue_index);
	*ret_ue_index = ue_index;
	return true;
}

uint64_t fk_due_heap_next_ms(const struct fk_due_heap *heap)
{
	return heap->n == 0 ? UINT64_MAX : heap->entries[0].due_ms;
}
