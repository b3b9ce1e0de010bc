/* SPDX-License-Identifier: Apache-2.0 */
#include "clock.h"

#include <time.h>

#include <rte_cycles.h>

uint64_t fk_clock_cycles(void)
{
	return rte_rdtsc();
}

static uint64_t kernel_us(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

static void look(struct fk_clock *clock)
{
	clock->base_tsc = rte_rdtsc();
	clock->base_us = kernel_us(CLOCK_MONOTONIC);
	clock->realtime_offset_us = kernel_us(CLOCK_REALTIME) - clock->base_us;
}

static void measure(struct fk_clock *clock)
{
	uint64_t cycles = clock->base_tsc - clock->first_tsc;
	uint64_t span_us = clock->base_us - clock->first_us;

	if (cycles == 0)
		return;
	clock->us_per_cycle_q32 = (uint64_t)(((unsigned __int128)span_us << 32) / cycles);
}

void fk_clock_init(struct fk_clock *clock)
{
	struct timespec pause = {.tv_nsec = 1000000};

	*clock = (struct fk_clock){0};
	look(clock);
	clock->first_tsc = clock->base_tsc;
	clock->first_us = clock->base_us;
	nanosleep(&pause, NULL);
	look(clock);
	measure(clock);
	clock->last_us = clock->base_us;
}

uint64_t fk_clock_at(struct fk_clock *clock, uint64_t tsc)
{
	uint64_t cycles = tsc > clock->base_tsc ? tsc - clock->base_tsc : 0;
	uint64_t now_us = clock->base_us +
			  (uint64_t)(((unsigned __int128)cycles * clock->us_per_cycle_q32) >> 32);

	if (now_us < clock->last_us)
		return clock->last_us;
	clock->last_us = now_us;
	return now_us;
}

void fk_clock_sync(struct fk_clock *clock, uint64_t now_us)
{
	if (now_us - clock->base_us < FK_CLOCK_SYNC_US)
		return;
	look(clock);
	measure(clock);
}
