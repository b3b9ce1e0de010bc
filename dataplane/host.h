/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host.h - the IP addresses that the dataplane answers for, and how it reaches others from them.
 *
 * At most one address of each family, with its subnet and a router for what is beyond it. With an
 * IPv6 address comes a link-local one, made from the port's Ethernet address.
 *
 * Threads: read-only once a worker has it. Memory: plain values.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <fleetkey/address.h>

struct fk_host_address {
	struct fk_address address; /* all zero: none of this family */
	struct fk_address gateway; /* all zero: none */
	uint32_t prefix;	   /* bits of the 128 that make the subnet */
};

struct fk_host {
	struct fk_host_address ipv4, ipv6;
	struct fk_address link_local; /* all zero without IPv6 */
};

/* True if 'address' is one of ours. */
static inline bool fk_host_has(const struct fk_host *host, const struct fk_address *address)
{
	return fk_address_is_set(address) && (fk_address_equal(address, &host->ipv4.address) ||
					      fk_address_equal(address, &host->ipv6.address) ||
					      fk_address_equal(address, &host->link_local));
}

/* The address that we send to 'destination' from, or NULL if we have none of its family. */
const struct fk_address *fk_host_source(const struct fk_host *host,
					const struct fk_address *destination);

/* Who takes what we send to 'destination': itself on our subnet, or without a router; else the
 * router. We have an address of its family. */
struct fk_address fk_host_neighbour(const struct fk_host *host,
				    const struct fk_address *destination);
