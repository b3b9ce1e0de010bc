/* SPDX-License-Identifier: Apache-2.0 */
/*
 * send.h - the way out: orders become datagrams, a burst at a time.
 *
 * Orders are taken into their UE's transaction and wait there, by campaign slot, until lease, stop
 * flags, pace and neighbour let them go. First sends and repeats take the same way and are built
 * from the same fields: wrap, KMM, MAC, tokens, template, UDP, port.
 *
 * Threads: the worker. Memory: fk_send_stage_new() allocates; the stage holds no plain key.
 */
#pragma once

#include "worker.h"

struct fk_send_stage *fk_send_stage_new(void); /* NULL: out of memory */
void fk_send_stage_free(struct fk_send_stage *stage);

/* True if lease and stop flags let new requests of the transaction's campaign leave. */
bool fk_send_may_begin(const struct fk_worker *w, const struct fk_txn *txn);

/* Takes a burst of orders off the ring; returns how many. Leaves them there when an outcome could
 * not be reported. */
uint32_t fk_send_take_orders(struct fk_worker *w);

/* Tells control how large the messages to each next hop get; after the templates were built. */
void fk_send_publish_sizes(struct fk_worker *w);

/* Sends a burst of what waits and may leave now; returns how many datagrams left. */
uint32_t fk_send_waiting(struct fk_worker *w);
