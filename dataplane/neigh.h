/* SPDX-License-Identifier: Apache-2.0 */
/*
 * neigh.h - the few Ethernet neighbours that a worker sends to, found by ARP or, over IPv6, by
 * Neighbour Discovery.
 *
 * The table holds the addresses of the next hops, or the gateway's for those off the subnet, and
 * nothing else: a peer that asks for us is answered but not remembered. An entry that was not found
 * yet is asked again after 20, 50, 100, 200 and 500 ms, then every second: what a link swallows
 * while it comes up costs the first campaign no second. One that was found is asked every 30
 * seconds, and dropped after three requests without an answer.
 *
 * ARP is believed whenever an entry speaks. A neighbour advertisement is believed only as the
 * answer to a solicitation of ours; one that comes unasked and names another Ethernet address makes
 * us ask again, at most once a second. spec: RFC 826, RFC 4861 §7.2
 *
 * Threads: a table belongs to one worker. Time is a parameter. Nothing allocates.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "wire/nd.h"
#include "wire/net.h"

#define FK_NEIGHS_MAX	     64
#define FK_NEIGH_RETRY_US    1000000u
#define FK_NEIGH_REFRESH_US  30000000u
#define FK_NEIGH_PROBES_MAX  3
#define FK_NEIGH_NONE	     UINT8_MAX
#define FK_NEIGH_POLL_MAX_US 100000u

struct fk_neigh_entry {
	struct fk_address address;
	uint8_t mac[FK_MAC_SIZE];
	bool is_resolved;
	uint8_t n_probes;		   /* sent since the last answer, saturating */
	uint64_t probe_at_us, heard_at_us; /* the next request, the last answer */
};

struct fk_neigh {
	uint64_t poll_at_us;
	uint8_t n;
	struct fk_neigh_entry entries[FK_NEIGHS_MAX];
};

void fk_neigh_init(struct fk_neigh *neigh);
/* Adds an address; returns its index, the old one if it is there, FK_NEIGH_NONE if full. */
uint8_t fk_neigh_add(struct fk_neigh *neigh, const struct fk_address *address);

/* Learns from an ARP packet if its sender is an entry. */
void fk_neigh_learn(struct fk_neigh *neigh, const struct fk_net_frame *arp, uint64_t now_us);

/* Learns from an advertisement if it answers what was asked of an entry. */
void fk_neigh_advertised(struct fk_neigh *neigh, const struct fk_nd *nd, uint64_t now_us);

/* Index of an entry that is due for a request, booked as sent now; FK_NEIGH_NONE if none is. */
uint8_t fk_neigh_next_probe(struct fk_neigh *neigh, uint64_t now_us);

static inline const struct fk_neigh_entry *fk_neigh_find(const struct fk_neigh *neigh,
							 uint8_t index)
{
	return index < neigh->n && neigh->entries[index].is_resolved ? &neigh->entries[index]
								     : NULL;
}
