/* SPDX-License-Identifier: Apache-2.0 */
#include "wheel.h"

static struct fk_list *bucket_of(struct fk_wheel *wheel, uint64_t tick)
{
	return &wheel->buckets[tick & (FK_WHEEL_TICKS - 1)];
}

void fk_wheel_init(struct fk_wheel *wheel, uint64_t now_us)
{
	wheel->tick = now_us / FK_WHEEL_TICK_US;
	for (uint32_t i = 0; i < FK_WHEEL_TICKS; i++)
		fk_list_init(&wheel->buckets[i]);
}

void fk_wheel_add(struct fk_wheel *wheel, struct fk_node *node, uint64_t at_us)
{
	/* Rounded up, so that a bucket is due as a whole when its tick has come. */
	uint64_t tick = (at_us + FK_WHEEL_TICK_US - 1) / FK_WHEEL_TICK_US;

	fk_node_remove(node);
	node->at_us = at_us;
	fk_list_append(bucket_of(wheel, tick < wheel->tick ? wheel->tick : tick), node);
}

/* Takes the due nodes of one bucket; returns false if 'max' stopped it. */
static bool expire_bucket(struct fk_list *bucket, uint64_t now_us, struct fk_node **ret_nodes,
			  uint32_t max, uint32_t *n)
{
	struct fk_node *next;

	for (struct fk_node *node = bucket->next; node != (struct fk_node *)bucket; node = next) {
		next = node->next;
		if (node->at_us > now_us)
			continue; /* due in another turn */
		if (*n == max)
			return false;
		fk_node_remove(node);
		ret_nodes[(*n)++] = node;
	}
	return true;
}

uint32_t fk_wheel_expire(struct fk_wheel *wheel, uint64_t now_us, struct fk_node **ret_nodes,
			 uint32_t max)
{
	uint64_t now_tick = now_us / FK_WHEEL_TICK_US;
	uint32_t n = 0;

	/* After a pause longer than a turn, one turn looks at every bucket. */
	if (now_tick >= wheel->tick && now_tick - wheel->tick >= FK_WHEEL_TICKS)
		wheel->tick = now_tick - FK_WHEEL_TICKS + 1;
	for (; wheel->tick <= now_tick; wheel->tick++) {
		if (!expire_bucket(bucket_of(wheel, wheel->tick), now_us, ret_nodes, max, &n))
			break;
	}
	return n;
}
