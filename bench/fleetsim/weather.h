/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weather.h - what becomes of a datagram between the KMF and the fleet, decided by a seed.
 *
 * Each way has generators of its own, one for each effect, so the fate of the n-th datagram of a
 * way depends on the seed and on n alone, and switching one effect on changes no other.
 *
 * Threads: the worker only. Memory: everything is in the caller's struct.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define FK_WEATHER_DELAY_MAX_MS 10000

enum fk_way {
	FK_WAY_RX, /* from the KMF */
	FK_WAY_TX, /* to the KMF */
	FK_WAYS
};

struct fk_weather_spec {
	double loss_percent[FK_WAYS];
	double repeat_percent[FK_WAYS];	 /* of the datagrams arrive twice */
	double reorder_percent[FK_WAYS]; /* of the datagrams are overtaken by the next */
	uint32_t delay_ms[FK_WAYS];	 /* mean */
	uint32_t jitter_ms[FK_WAYS]; /* delays differ by up to so much from the mean; at most it */
	uint64_t seed;
};

enum fk_weather_effect {
	FK_WEATHER_LOSS,
	FK_WEATHER_REPEAT,
	FK_WEATHER_REORDER,
	FK_WEATHER_DELAY,
	FK_WEATHER_EFFECTS
};

struct fk_weather {
	struct fk_weather_spec spec;
	bool is_fine; /* nothing ever happens */
	uint64_t streams[FK_WAYS][FK_WEATHER_EFFECTS];
};

struct fk_fate {
	bool is_lost; /* then the rest is zero */
	bool is_repeated, is_overtaken;
	uint32_t delay_ms;
	uint32_t repeat_delay_ms; /* of the second copy */
};

/* Percentages must be 0..100, the jitter at most the delay. */
void fk_weather_init(struct fk_weather *weather, const struct fk_weather_spec *spec);

/* The fate of the next datagram on its way. */
struct fk_fate fk_weather_draw(struct fk_weather *weather, enum fk_way way);

/* The 64-bit mixer behind all decisions of fleetsim: spreads 'value' evenly. */
static inline uint64_t fk_weather_mix(uint64_t value)
{
	uint64_t z = value + 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

/* True for 'percent' of all evenly spread words. */
static inline bool fk_weather_hits(uint64_t word, double percent)
{
	return percent > 0 && (double)(word >> 11) * 0x1p-53 * 100 < percent;
}
