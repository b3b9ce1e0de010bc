/* SPDX-License-Identifier: Apache-2.0 */
/*
 * txn.h - the server's non-INVITE client transactions over UDP.
 *
 * Each holds its message, sends it at once and again by timer E (T1, doubling up to T2) until a
 * final response comes or timer F (64 * T1) gives up. spec: RFC 3261 §17.1.2.2
 *
 * Timers stand in a wheel of one-millisecond slots with intrusive links: the longest step, T2, fits
 * into one turn. While the outbox has no room repeats wait: a repeat that would be dropped on the
 * way out is none.
 *
 * Threads: the worker only. Memory: fk_txns_new() allocates; nothing after it does.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <fleetkey/err.h>

#include "compose.h"
#include "counts.h"
#include "outbox.h"

#define FK_TXN_T2_MS   4000
#define FK_TXN_HOSTILE 0xffffffffu /* slot in the branch of datagrams that are no transaction */

struct fk_txns; /* layout is private to txn.c */

struct fk_txns_spec {
	uint32_t n_slots; /* transactions open at a time */
	uint32_t t1_ms;
	struct fk_address source;
	struct fk_outbox outbox;
	struct fk_sim_counts *counts; /* borrowed */
	uint64_t nonce_seed;	      /* branches differ from those of other runs */
};

FK_MUST_USE enum fk_err fk_txns_new(const struct fk_txns_spec *spec, uint64_t now_ms,
				    struct fk_txns **ret_txns);
void fk_txns_free(struct fk_txns *txns);

/* Transactions that can be begun now. */
uint32_t fk_txns_free_count(const struct fk_txns *txns);

/* Next number of the generator behind branches and Message IDs. */
uint64_t fk_txns_draw(struct fk_txns *txns);

/*
 * Begins a transaction: writes 'compose' (its slot and nonce are set here) and sends it.
 * Returns FK_OK; FK_EFULL if no slot is free or the message does not fit.
 */
FK_MUST_USE enum fk_err fk_txn_begin(struct fk_txns *txns, struct fk_compose *compose,
				     const struct fk_address *destination,
				     uint16_t destination_port, uint64_t now_ms);

/* A response to a branch of ours came: a final one ends the transaction. */
void fk_txn_respond(struct fk_txns *txns, const char *branch, size_t branch_len, uint16_t status,
		    uint64_t now_ms);

/* Sends again and gives up what is due. */
void fk_txns_advance(struct fk_txns *txns, uint64_t now_ms);
