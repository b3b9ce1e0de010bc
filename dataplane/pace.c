/* SPDX-License-Identifier: Apache-2.0 */
#include "pace.h"

#define SEND 1000000u /* one send in the units of 'level': a microsecond earns 'per_s' of them */

static uint64_t capacity(const struct fk_pace *pace)
{
	uint64_t burst = (uint64_t)pace->per_s * SEND / FK_PACE_BURST_SHARE;

	return burst < SEND ? SEND : burst;
}

void fk_pace_set(struct fk_pace *pace, uint32_t per_s, uint64_t now_us)
{
	if (pace->per_s == per_s)
		return;
	pace->per_s = per_s;
	pace->at_us = now_us;
	pace->level = SEND;
}

static void fill(struct fk_pace *pace, uint64_t now_us)
{
	uint64_t full = capacity(pace);
	uint64_t span_us = now_us > pace->at_us ? now_us - pace->at_us : 0;

	/* A second or more fills any bucket; the product below cannot overflow. */
	if (span_us >= 1000000u)
		pace->level = full;
	else
		pace->level += span_us * pace->per_s;
	if (pace->level > full)
		pace->level = full;
	pace->at_us += span_us;
}

uint32_t fk_pace_take(struct fk_pace *pace, uint64_t now_us, uint32_t n_wanted)
{
	uint64_t n;

	if (pace->per_s == 0)
		return n_wanted;
	fill(pace, now_us);
	n = pace->level / SEND;
	if (n > n_wanted)
		n = n_wanted;
	pace->level -= n * SEND;
	return (uint32_t)n;
}

void fk_pace_give_back(struct fk_pace *pace, uint32_t n)
{
	if (pace->per_s == 0)
		return;
	pace->level += (uint64_t)n * SEND;
	if (pace->level > capacity(pace))
		pace->level = capacity(pace);
}
