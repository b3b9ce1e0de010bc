/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ues.h - UEs with keys of their own, for benches of the bulk crypto, and what its limit is.
 *
 * A walk hands out bursts of keys in memory order and prefetches what comes two bursts later, as
 * the dataplane does. 1 k UEs stay in the second-level cache, 1 M come from memory.
 *
 * Threads: none. Memory: fk_bench_ues_new() allocates for the life of the program.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "crypto/engine.h"

#define FK_BENCH_UES_1K 1024u
#define FK_BENCH_UES_1M 1048576u

struct fk_bench_ue {
	uint8_t key[32], spare[32]; /* a line of the cache each, as in the key table */
} __attribute__((aligned(64)));

struct fk_bench_walk {
	const struct fk_bench_ue *ues;
	uint32_t n, at;
};

/* 'n' UEs with keys that differ; a multiple of FK_CRYPTO_BURST_MAX. Ends the program without
 * memory. */
struct fk_bench_walk fk_bench_ues_new(uint32_t n);

/* The next FK_CRYPTO_BURST_MAX UEs, from the first again after the last. */
const struct fk_bench_ue *fk_bench_ues_next(struct fk_bench_walk *walk);

/* One engine of this CPU after the other, fastest first, each self-tested and open; NULL after the
 * last. Ends the program if one fails. */
const struct fk_crypto_engine *fk_bench_engine(uint32_t index, struct fk_crypto_scratch *scratch);

/* True for engines that are not to be waited for: those of narrower steps than a burst. */
bool fk_bench_is_fast(const struct fk_crypto_engine *engine);

/* TSC cycles of one AES round of one block, when the AES unit does nothing else and waits for
 * nothing: the limit of every engine. Measured anew by each call. */
double fk_bench_aes_round(void);
