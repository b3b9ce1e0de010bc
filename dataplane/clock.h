/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock.h - CLOCK_MONOTONIC in microseconds, read with one rdtsc.
 *
 * The lease is in CLOCK_MONOTONIC, so the worker's time has to be that too. The cycle counter's
 * rate is measured against it again and again, because the rate that the CPU announces is rounded.
 *
 * Threads: a clock belongs to one thread. Memory: nothing allocates.
 */
#pragma once

#include <stdint.h>

#define FK_CLOCK_SYNC_US 100000u /* between two looks at the kernel's clock */

struct fk_clock {
	uint64_t base_tsc, base_us; /* of the last look */
	uint64_t first_tsc, first_us;
	uint64_t us_per_cycle_q32; /* 32 fractional bits */
	uint64_t last_us;
	uint64_t realtime_offset_us; /* CLOCK_REALTIME minus CLOCK_MONOTONIC */
};

uint64_t fk_clock_cycles(void);
/* Takes about a millisecond. */
void fk_clock_init(struct fk_clock *clock);
/* The time at cycle count 'tsc'; never goes back. */
uint64_t fk_clock_at(struct fk_clock *clock, uint64_t tsc);
/* Looks at the kernel's clocks if the last look is FK_CLOCK_SYNC_US old; two system calls then. */
void fk_clock_sync(struct fk_clock *clock, uint64_t now_us);
