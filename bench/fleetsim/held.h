/* SPDX-License-Identifier: Apache-2.0 */
/*
 * held.h - datagrams under way: a queue ordered by the time at which they arrive.
 *
 * What arrives in the same millisecond leaves in the order in which it was put in. A binary heap:
 * a few thousand entries at most, and times that are not in order.
 *
 * Threads: the worker only. Memory: a fixed number of places; items are borrowed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FK_HELD_MAX 4096 /* datagrams; more do not wait */

struct fk_held_entry {
	uint64_t due_ms, count;
	void *item;
};

struct fk_held {
	uint32_t n;
	uint64_t count; /* of items ever put in: keeps the order */
	struct fk_held_entry heap[FK_HELD_MAX];
};

/* Takes an item over until fk_held_pop() gives it back. False if all places are taken. */
bool fk_held_push(struct fk_held *held, void *item, uint64_t due_ms);

/* The next item that is due, or NULL. UINT64_MAX gives back every item. */
void *fk_held_pop(struct fk_held *held, uint64_t now_ms);
