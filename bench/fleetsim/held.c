/* SPDX-License-Identifier: Apache-2.0 */
/* held.c - see held.h. */
#include "held.h"

static bool is_before(const struct fk_held_entry *a, const struct fk_held_entry *b)
{
	return a->due_ms != b->due_ms ? a->due_ms < b->due_ms : a->count < b->count;
}

static void swap(struct fk_held_entry *a, struct fk_held_entry *b)
{
	struct fk_held_entry other = *a;

	*a = *b;
	*b = other;
}

bool fk_held_push(struct fk_held *held, void *item, uint64_t due_ms)
{
	uint32_t at = held->n;

	if (held->n == FK_HELD_MAX)
		return false;
	held->heap[held->n++] =
		(struct fk_held_entry){.due_ms = due_ms, .count = held->count++, .item = item};
	while (at > 0 && is_before(&held->heap[at], &held->heap[(at - 1) / 2])) {
		swap(&held->heap[at], &held->heap[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	return true;
}

void *fk_held_pop(struct fk_held *held, uint64_t now_ms)
{
	void *item;

	if (held->n == 0 || held->heap[0].due_ms > now_ms)
		return NULL;
	item = held->heap[0].item;
	held->heap[0] = held->heap[--held->n];
	for (uint32_t at = 0, child; (child = 2 * at + 1) < held->n; at = child) {
		if (child + 1 < held->n && is_before(&held->heap[child + 1], &held->heap[child]))
			child++;
		if (!is_before(&held->heap[child], &held->heap[at]))
			break;
		swap(&held->heap[at], &held->heap[child]);
	}
	return item;
}
