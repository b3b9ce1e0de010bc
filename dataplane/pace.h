/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pace.h - a token bucket that is never above its rate by 1 % in any second.
 *
 * What a bucket can save up is what a second can exceed the rate by, so it holds 1/128 of a
 * second's sends, and at least one. First sends and repeats count alike.
 *
 * Threads: a bucket belongs to one thread. Time is a parameter. Nothing allocates.
 */
#pragma once

#include <stdint.h>

#define FK_PACE_BURST_SHARE 128u /* a bucket holds this fraction of a second's sends */

struct fk_pace {
	uint64_t at_us; /* when 'level' was right */
	uint64_t level; /* millionths of a send */
	uint32_t per_s; /* 0: no limit */
};

/* Sets the rate; a bucket whose rate changes starts with one send. */
void fk_pace_set(struct fk_pace *pace, uint32_t per_s, uint64_t now_us);

/* Grants up to 'n_wanted' sends at 'now_us', which does not go back; returns how many. */
uint32_t fk_pace_take(struct fk_pace *pace, uint64_t now_us, uint32_t n_wanted);

/* Gives back grants that were not used, at the moment they were granted. */
void fk_pace_give_back(struct fk_pace *pace, uint32_t n);
