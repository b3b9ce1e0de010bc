/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IPv6 as net.h describes it.
 */
#include "net_parts.h"

#define ICMPV6_HEADER_SIZE	4
#define ICMPV6_ECHO_HEADER_SIZE 8

/* Next headers that stand between IPv6 and what it carries; spec: RFC 7045 §4 */
#define NEXT_HOP_BY_HOP	 0
#define NEXT_ROUTING	 43
#define NEXT_FRAGMENT	 44
#define NEXT_ESP	 50
#define NEXT_AH		 51
#define NEXT_DESTINATION 60
#define NEXT_MOBILITY	 135
#define NEXT_HIP	 139
#define NEXT_SHIM6	 140

void fk_put_ipv6(struct fk_wire_writer *w, uint16_t payload_size, uint8_t next_header,
		 uint8_t hop_limit, const struct fk_address *source,
		 const struct fk_address *destination)
{
	fk_wire_put_u32(w, 6u << 28); /* version; traffic class and flow label 0 */
	fk_wire_put_u16(w, payload_size);
	fk_wire_put_u8(w, next_header);
	fk_wire_put_u8(w, hop_limit);
	fk_wire_put_bytes(w, source->octets, FK_ADDRESS_SIZE);
	fk_wire_put_bytes(w, destination->octets, FK_ADDRESS_SIZE);
}

/* spec: RFC 8200 §8.1, RFC 4443 §2.3 */
static uint16_t icmpv6_checksum(const uint8_t *message, size_t size, uint32_t addresses)
{
	return fk_net_checksum(message, size, addresses + (uint32_t)size + FK_PROTOCOL_ICMPV6);
}

void fk_icmpv6_set_checksum(uint8_t *ip, uint16_t size)
{
	uint8_t *message = ip + FK_IPV6_HEADER_SIZE;

	fk_set_uint(message + 2, 0, 2);
	fk_set_uint(message + 2, icmpv6_checksum(message, size, fk_ipv6_address_sum(ip + 8)), 2);
}

static enum fk_err parse_icmpv6(const uint8_t *octets, size_t size, uint32_t addresses,
				struct fk_net_frame *frame)
{
	if (size < ICMPV6_HEADER_SIZE)
		return FK_ETRUNC;
	if (icmpv6_checksum(octets, size, addresses) != 0)
		return FK_EAUTH;
	switch (octets[0]) {
	case FK_ICMPV6_ECHO_REQUEST:
		if (size < ICMPV6_ECHO_HEADER_SIZE)
			return FK_ETRUNC;
		/* Its reply would come from a group, or go to nobody. */
		if (octets[1] != 0 || fk_address_is_multicast(&frame->destination) ||
		    !fk_address_is_set(&frame->source))
			return FK_OK;
		frame->kind = FK_NET_ICMP_ECHO;
		break;
	case FK_ICMPV6_SOLICITATION:
		frame->kind = FK_NET_SOLICITATION;
		break;
	case FK_ICMPV6_ADVERTISEMENT:
		frame->kind = FK_NET_ADVERTISEMENT;
		break;
	default:
		return FK_OK;
	}
	frame->payload = octets;
	frame->payload_size = (uint16_t)size;
	return FK_OK;
}

/* No host has such an address; an IPv4-mapped one would pass for IPv4 further up. */
static bool addresses_can_be(const struct fk_address *source, const struct fk_address *destination)
{
	return !fk_address_is_multicast(source) && !fk_address_is_ipv4(source) &&
	       fk_address_is_set(destination) && !fk_address_is_ipv4(destination);
}

/* spec: RFC 8200 §3, §4. 'size' octets follow the Ethernet header. */
enum fk_err fk_net_parse_ipv6(const uint8_t *octets, size_t size, struct fk_net_frame *frame)
{
	struct fk_wire_reader r = fk_wire_reader(octets, size);
	const uint8_t *payload = octets + FK_IPV6_HEADER_SIZE;
	uint16_t payload_size;
	uint8_t next_header;
	uint32_t version = fk_wire_get_u32(&r) >> 28, addresses;

	payload_size = fk_wire_get_u16(&r);
	next_header = fk_wire_get_u8(&r);
	frame->hop_limit = fk_wire_get_u8(&r);
	fk_get_address(&r, &frame->source);
	fk_get_address(&r, &frame->destination);
	if (r.failed)
		return FK_ETRUNC;
	if (version != 6 || !addresses_can_be(&frame->source, &frame->destination))
		return FK_EFORMAT;
	if (payload_size > fk_wire_left(&r))
		return FK_ETRUNC;
	addresses = fk_ipv6_address_sum(octets + 8);
	switch (next_header) {
	case FK_PROTOCOL_UDP:
		return fk_net_parse_udp(payload, payload_size, addresses, false, frame);
	case FK_PROTOCOL_ICMPV6:
		return parse_icmpv6(payload, payload_size, addresses, frame);
	case NEXT_FRAGMENT:
		frame->kind = FK_NET_FRAGMENT;
		break;
	case NEXT_HOP_BY_HOP:
	case NEXT_ROUTING:
	case NEXT_ESP:
	case NEXT_AH:
	case NEXT_DESTINATION:
	case NEXT_MOBILITY:
	case NEXT_HIP:
	case NEXT_SHIM6:
		frame->kind = FK_NET_EXTENSION;
		break;
	default:
		break;
	}
	return FK_OK;
}

bool fk_net_turn_echo_ipv6(uint8_t *ip, size_t size)
{
	struct fk_wire_reader r = fk_wire_reader(ip, size);
	uint8_t *message = ip + FK_IPV6_HEADER_SIZE, address[FK_ADDRESS_SIZE];
	uint16_t message_size;

	(void)fk_wire_get_u32(&r);
	message_size = fk_wire_get_u16(&r);
	if (size < FK_IPV6_HEADER_SIZE + ICMPV6_ECHO_HEADER_SIZE ||
	    message_size < ICMPV6_ECHO_HEADER_SIZE || message_size > size - FK_IPV6_HEADER_SIZE ||
	    ip[6] != FK_PROTOCOL_ICMPV6)
		return false;
	memcpy(address, ip + 8, sizeof(address));
	memcpy(ip + 8, ip + 24, sizeof(address));
	memcpy(ip + 24, address, sizeof(address));
	ip[7] = FK_HOP_LIMIT;
	message[0] = FK_ICMPV6_ECHO_REPLY;
	fk_icmpv6_set_checksum(ip, message_size);
	return true;
}
