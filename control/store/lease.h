/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lease.h - which node owns what is in the store: one at a time, fenced (I4).
 *
 * The shards are leased together, since one engine coordinates a campaign over all of them: a node
 * has them all, or stands by. Two keys say who:
 *
 *   fk:owner  hash: node, name, epoch, tenure, lease_ms, shards, since; released, if it let go.
 *             Changed only when the owner changes, or lets go
 *   fk:lease  number: the owner counts it up, and so renews
 *
 * Fence: the owner's connection watches fk:owner (WATCH), and each of its writes is a transaction,
 * which Redis refuses as a whole once fk:owner has changed. Behind each transaction it is watched
 * anew and read, in the same pipeline: at no round trip of its own.
 *
 * Time: for the owner a lease runs from before it asked for it; for everybody else from when they
 * first saw fk:lease as it is. Both go by their own CLOCK_MONOTONIC, so no two clocks are ever
 * compared, nor is Redis's asked. A tenth is kept back for clocks that do not run alike.
 *
 * Epoch: the one of fk:meta, which each change of owner raises. Tenure: the epoch at which the node
 * became the owner after another one; it stays while the same node takes the lease again.
 *
 * Threads: that of the store.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <fleetkey/err.h>

#include "store/store.h"

#define FK_NODE_ID_SIZE	      16
#define FK_NODE_NAME_SIZE     65 /* characters, the NUL included */
#define FK_LEASE_MARGIN	      10 /* the 10th part of a lease is kept back */
#define FK_LEASE_RENEWALS_MAX 8	 /* in one length of it, those that ride along included */

/* Who would have the lease. */
struct fk_node {
	uint8_t id[FK_NODE_ID_SIZE];  /* no two nodes have the same */
	char name[FK_NODE_NAME_SIZE]; /* for people */
	uint32_t lease_ms;
};

struct fk_store_owner {
	char name[FK_NODE_NAME_SIZE];
	uint64_t epoch;
};

/*
 * Takes the lease if nobody has it, its owner let it go, or had it as this node, or has not renewed
 * it for its length; to see that, call again and again. From FK_OK on the node is the owner, the
 * store is as its last owner left it, and is fenced. A second process of the same node must be kept
 * out by other means.
 * Returns FK_OK; FK_EBUSY if 'ret_owner' has it; FK_ESTORE; FK_ESTALE if the store is an older one
 * than it was; FK_EABI if another version has taken it over.
 */
FK_MUST_USE enum fk_err fk_store_take_lease(struct fk_store *store, const struct fk_node *node,
					    struct fk_store_owner *ret_owner);

/* Renews it if that is due and the store is there. Returns until when this node is the owner
 * (CLOCK_MONOTONIC); 0 if it never was, or is not any more. */
uint64_t fk_store_keep_lease(struct fk_store *store);

/* Another node is the owner now: nothing is written any more, and nothing mends that. */
bool fk_store_is_lost(const struct fk_store *store);

/* See above; 0 if this node never was the owner. */
uint64_t fk_store_tenure(const struct fk_store *store);

/* Since when this node is the owner (CLOCK_MONOTONIC); 0: it is not. */
uint64_t fk_store_owner_since_us(const struct fk_store *store);

/* Lets the next node take it at once; only if nothing is sent any more. FK_OK, also if there is
 * nothing to let go; or FK_ESTORE. */
FK_MUST_USE enum fk_err fk_store_release_lease(struct fk_store *store);
