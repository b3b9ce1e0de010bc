/* SPDX-License-Identifier: Apache-2.0 */
/*
 * due_heap.h - which delivery is to be sent again next.
 *
 * A binary heap of ue_index by due time that also knows where each ue_index sits, so that a late
 * answer takes its delivery out at once. All memory is taken at the start: nothing can fail later.
 * Why not a timing wheel: waits reach from milliseconds to days, and a start costs a
 * hundred nanoseconds against the fsync that each of them waits for anyway.
 *
 * Threads: one owner. Memory: fk_due_heap_init() allocates 16 octets for each slot.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <fleetkey/err.h>

struct fk_due_entry {
	uint64_t due_ms : 40;
	uint64_t ue_index : 24;
};

struct fk_due_heap {
	struct fk_due_entry *entries;
	uint32_t *positions; /* by ue_index: 1 + index into entries; 0: not in the heap */
	uint32_t n, n_slots;
};

/* Returns FK_OK or FK_ENOMEM. 'n_slots' is one more than the largest ue_index. */
FK_MUST_USE enum fk_err fk_due_heap_init(struct fk_due_heap *heap, uint32_t n_slots);
void fk_due_heap_fini(struct fk_due_heap *heap);

/* Adds 'ue_index', or moves it to its new time. */
void fk_due_heap_set(struct fk_due_heap *heap, uint32_t ue_index, uint64_t due_ms);

/* Takes 'ue_index' out; does nothing if it is not in. */
void fk_due_heap_remove(struct fk_due_heap *heap, uint32_t ue_index);

/* Takes the earliest entry out if it is due. Returns false, and writes nothing, if none is. */
bool fk_due_heap_pop(struct fk_due_heap *heap, uint64_t now_ms, uint32_t *ret_ue_index);

/* When the earliest entry is due; UINT64_MAX if there is none. */
uint64_t fk_due_heap_next_ms(const struct fk_due_heap *heap);
