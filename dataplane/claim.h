/* SPDX-License-Identifier: Apache-2.0 */
/*
 * claim.h - whose our addresses are, where another node may take them over.
 *
 * Nodes that share a store may have one address; it is theirs who has the lease. Such a node says
 * so when it is let in (a gratuitous ARP, an unsolicited neighbour advertisement), so that
 * neighbours send to it from then on, and again if anybody else claims the address. A node whose
 * lease is over goes on as before, since its control may only be late; but if another one claims
 * the address then, it yields: it is silent, to neighbours too, until it has a lease again. A node
 * that is not let in does not answer at all. spec: RFC 5227 §2.3, §2.4; RFC 4861 §7.2.6
 *
 * Threads: belongs to one worker. Memory: nothing is allocated.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "wire/net.h"

#define FK_CLAIM_TIMES	     3	     /* a claim is said */
#define FK_CLAIM_INTERVAL_US 500000  /* in between */
#define FK_CLAIM_DEFEND_US   1000000 /* the claims of others are answered as often at most */
#define FK_CLAIM_LOOK_US     10000   /* between two looks for a lease */

struct fk_worker;

struct fk_claim {
	uint64_t at_us; /* when there is something to do; UINT64_MAX: nothing */
	uint64_t defended_at_us;
	uint8_t n_left; /* times that it is still to be said */
	bool is_yielded;
};

/* The worker was let in. */
void fk_claim_begin(struct fk_claim *claim);
/* Says what is due. */
void fk_claim_poll(struct fk_worker *w);
/* A frame in which a station speaks for an address of ours, perhaps this one itself. */
void fk_claim_heard(struct fk_worker *w, const uint8_t mac[static FK_MAC_SIZE]);
