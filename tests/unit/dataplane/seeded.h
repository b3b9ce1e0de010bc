/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seeded.h - numbers for tests that are the same in every run.
 *
 * Threads: a generator belongs to one thread. Memory: nothing allocates.
 */
#pragma once

#include <stdint.h>

struct seeded {
	uint64_t state;
};

/* The next of 2^64 numbers (SplitMix64); the start is the seed. */
static inline uint64_t seeded_next(struct seeded *seeded)
{
	uint64_t z = seeded->state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* 0..n - 1 */
static inline uint32_t seeded_below(struct seeded *seeded, uint32_t n)
{
	return (uint32_t)(seeded_next(seeded) % n);
}
