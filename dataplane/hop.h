/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hop.h - one MESSAGE at a time to next hops that ask for it.
 *
 * Where many UEs share one Request-URI, no request leaves before the last one has its final
 * response or is given up. What has to wait stands in a list of its own, so that it is in nobody's
 * way; repeats of the one that is open leave as ever. Other next hops cost one look.
 * spec: RFC 3428 §8
 *
 * Threads: the worker's own. Memory: nothing allocates.
 */
#pragma once

#include <stdbool.h>

#include "worker.h"

/* After a table was attached and old orders are gone: whoever awaits a response has a place. */
void fk_hops_begin(struct fk_worker *w);

/* True if the queued request of 'txn' may leave now: it has the place. Else it was put aside. */
bool fk_hop_take(struct fk_worker *w, struct fk_txn *txn);
/* The place of 'txn', which had one, is free: its response came, or it does not leave after all. */
void fk_hop_give(struct fk_worker *w, const struct fk_txn *txn);
/* Once a turn: queues whoever is next where a place is free. */
void fk_hops_wake(struct fk_worker *w);
