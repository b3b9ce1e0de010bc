/* SPDX-License-Identifier: Apache-2.0 */
/*
 * address.h - where a Redis or a Sentinel listens, if not on a Unix socket.
 *
 * Threads: plain data. Memory: no pointers.
 */
#pragma once

#include <stdint.h>

#include <netinet/in.h>

struct fk_store_address {
	char host[INET6_ADDRSTRLEN]; /* IPv4 or IPv6 address, as text; no name: nothing is looked up
				      */
	uint16_t port;
};
