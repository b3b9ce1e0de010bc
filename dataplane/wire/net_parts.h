/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net_parts.h - the headers that net.c, net_ipv6.c and nd.c share.
 *
 * Private to the wire library. Threads: everything here is pure. Memory: borrows.
 */
#pragma once

#include <fleetkey/address.h>
#include <fleetkey/wire.h>

#include "net_sum.h"
#include "wire/net.h"

#define FK_ETHERTYPE_IPV4 0x0800
#define FK_ETHERTYPE_ARP  0x0806
#define FK_ETHERTYPE_IPV6 0x86dd

#define FK_PROTOCOL_UDP	   17
#define FK_PROTOCOL_ICMPV6 58

#define FK_ICMPV6_ECHO_REQUEST	128
#define FK_ICMPV6_ECHO_REPLY	129
#define FK_ICMPV6_SOLICITATION	135
#define FK_ICMPV6_ADVERTISEMENT 136

#define FK_HOP_LIMIT 64 /* of what we send beyond the link; also IPv4's time to live */

/* Not inlined: gcc 12 would otherwise follow the cursor's impossible NULL into a warning. */
void fk_put_ethernet(struct fk_wire_writer *w, const uint8_t *destination, const uint8_t *source,
		     uint16_t ethertype);
/* 40 octets; spec: RFC 8200 §3 */
void fk_put_ipv6(struct fk_wire_writer *w, uint16_t payload_size, uint8_t next_header,
		 uint8_t hop_limit, const struct fk_address *source,
		 const struct fk_address *destination);

static inline void fk_get_address(struct fk_wire_reader *r, struct fk_address *address)
{
	const uint8_t *octets = fk_wire_get_bytes(r, FK_ADDRESS_SIZE);

	if (octets != NULL)
		memcpy(address->octets, octets, FK_ADDRESS_SIZE);
}

/* Sets an integer of 'n' octets, a constant; a writer for each, so that the stores need no cursor.
 */
static inline void fk_set_uint(uint8_t *at, uint64_t value, size_t n)
{
	struct fk_wire_writer w = fk_wire_writer(at, n);

	fk_wire_put_uint(&w, value, n);
}

/* Sum of the two addresses of an IPv6 header, as 16-bit values. */
static inline uint32_t fk_ipv6_address_sum(const uint8_t *addresses)
{
	return fk_sum_swap(fk_sum_fold(fk_sum_octets(addresses, 2 * FK_ADDRESS_SIZE)));
}

/* Sums the ICMPv6 message of 'size' octets behind the IPv6 header at 'ip'. spec: RFC 4443 §2.3 */
void fk_icmpv6_set_checksum(uint8_t *ip, uint16_t size);

/* Reads UDP or ICMPv6 behind an IP header. 'addresses' is the sum of the two addresses; a checksum
 * of zero is none if 'may_lack_sum'. */
enum fk_err fk_net_parse_udp(const uint8_t *octets, size_t size, uint32_t addresses,
			     bool may_lack_sum, struct fk_net_frame *frame);
enum fk_err fk_net_parse_ipv6(const uint8_t *octets, size_t size, struct fk_net_frame *frame);

/* fk_net_turn_echo() behind the Ethernet header; false, and nothing is changed, if it is no echo
 * request that is whole. */
bool fk_net_turn_echo_ipv6(uint8_t *ip, size_t size);
