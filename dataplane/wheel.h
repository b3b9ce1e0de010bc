/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wheel.h - a timing wheel: a timer costs the same at one and at a million.
 *
 * One turn is FK_WHEEL_TICKS milliseconds, a little more than timer F, so that nearly all timers of
 * a transaction are looked at once. Later ones stay in their bucket for another turn. A timer is
 * never early and at most one tick late.
 *
 * Threads: a wheel belongs to one thread. Memory: the owner embeds struct fk_node in its objects;
 * nothing here allocates.
 */
#pragma once

#include "list.h"

#define FK_WHEEL_TICK_US 1000u
#define FK_WHEEL_TICKS	 32768u /* buckets, a power of two */

struct fk_wheel {
	uint64_t tick; /* the next tick to look at */
	struct fk_list buckets[FK_WHEEL_TICKS];
};

void fk_wheel_init(struct fk_wheel *wheel, uint64_t now_us);

/* Arms 'node' for 'at_us'; a moment that has passed means the next tick. A node that is in a list
 * already is moved. */
void fk_wheel_add(struct fk_wheel *wheel, struct fk_node *node, uint64_t at_us);

/* Disarms 'node'. Nothing happens if it is not armed. */
static inline void fk_wheel_cancel(struct fk_node *node)
{
	fk_node_remove(node);
}

/* Takes out up to 'max' nodes that are due at 'now_us'; returns how many. Call again if it returns
 * 'max': there may be more. */
uint32_t fk_wheel_expire(struct fk_wheel *wheel, uint64_t now_us, struct fk_node **ret_nodes,
			 uint32_t max);
