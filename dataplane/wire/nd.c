/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/nd.h"

#include <fleetkey/wire.h>

#include "net_parts.h"

#define HOP_LIMIT	  255 /* which no router can leave it at: the sender is a neighbour */
#define OPTION_SOURCE_MAC 1
#define OPTION_TARGET_MAC 2
#define OPTION_UNIT	  8 /* octets that an option's length counts in */
#define FLAG_SOLICITED	  0x40000000u
#define FLAG_OVERRIDE	  0x20000000u
#define MESSAGE_SIZE	  (FK_ND_FRAME_SIZE - FK_ETH_HEADER_SIZE - FK_IPV6_HEADER_SIZE)
#define GROUP_PREFIX	  104 /* bits that all solicited-node groups share */
#define GROUP_OF_ADDRESS  13  /* octets before those that a group takes from the address */

static const struct fk_address all_nodes = {{0xff, 0x02, [15] = 1}};
static const struct fk_address solicited_nodes = {{0xff, 0x02, [11] = 1, [12] = 0xff}};

struct fk_address fk_nd_group_of(const struct fk_address *address)
{
	struct fk_address group = solicited_nodes;

	memcpy(group.octets + GROUP_OF_ADDRESS, address->octets + GROUP_OF_ADDRESS,
	       FK_ADDRESS_SIZE - GROUP_OF_ADDRESS);
	return group;
}

struct fk_address fk_nd_link_local_of(const uint8_t mac[static FK_MAC_SIZE])
{
	return (struct fk_address){{
		0xfe,
		0x80,
		[8] = mac[0] ^ 0x02, /* the universal/local bit is inverted */
		[9] = mac[1],
		[10] = mac[2],
		[11] = 0xff,
		[12] = 0xfe,
		[13] = mac[3],
		[14] = mac[4],
		[15] = mac[5],
	}};
}

/* Finds the link-layer address among the options; false if one of them cannot be. */
static bool read_options(struct fk_wire_reader *r, uint8_t wanted, struct fk_nd *nd)
{
	while (fk_wire_left(r) > 0) {
		uint8_t type = fk_wire_get_u8(r);
		size_t size = (size_t)fk_wire_get_u8(r) * OPTION_UNIT;
		const uint8_t *octets = size > 2 ? fk_wire_get_bytes(r, size - 2) : NULL;

		if (octets == NULL)
			return false;
		if (type != wanted)
			continue;
		if (size != OPTION_UNIT)
			return false;
		nd->has_mac = true;
		memcpy(nd->mac, octets, FK_MAC_SIZE);
	}
	return true;
}

enum fk_err fk_nd_parse(const struct fk_net_frame *frame, struct fk_nd *ret_nd)
{
	struct fk_wire_reader r = fk_wire_reader(frame->payload, frame->payload_size);
	bool is_solicitation = frame->kind == FK_NET_SOLICITATION;
	struct fk_nd nd = {.has_mac = false};
	uint8_t code;
	uint32_t flags;

	(void)fk_wire_get_u8(&r); /* type: the frame's kind */
	code = fk_wire_get_u8(&r);
	(void)fk_wire_get_u16(&r); /* checksum: fk_net_parse() has verified it */
	flags = fk_wire_get_u32(&r);
	fk_get_address(&r, &nd.target);
	if (r.failed || frame->hop_limit != HOP_LIMIT || code != 0 ||
	    fk_address_is_multicast(&nd.target))
		return FK_EFORMAT;
	if (!read_options(&r, is_solicitation ? OPTION_SOURCE_MAC : OPTION_TARGET_MAC, &nd))
		return FK_EFORMAT;
	if (is_solicitation) {
		/* Nobody has an address yet: it can only be asked in the group, and has no MAC. */
		if (!fk_address_is_set(&frame->source) &&
		    (nd.has_mac ||
		     !fk_address_shares(&frame->destination, &solicited_nodes, GROUP_PREFIX)))
			return FK_EFORMAT;
	} else {
		nd.is_solicited = (flags & FLAG_SOLICITED) != 0;
		nd.is_override = (flags & FLAG_OVERRIDE) != 0;
		if (nd.is_solicited && fk_address_is_multicast(&frame->destination))
			return FK_EFORMAT;
	}
	*ret_nd = nd;
	return FK_OK;
}

/* One form for both: ICMPv6 header, flags, target, link-layer address. The checksum comes last. */
static void put_message(struct fk_wire_writer *w, uint8_t *frame, uint8_t type, uint32_t flags,
			const struct fk_address *target, const uint8_t *mac)
{
	/* spec: RFC 4861 §4.3, §4.4 */
	fk_wire_put_u8(w, type);
	fk_wire_put_u8(w, 0); /* code */
	fk_wire_put_u16(w, 0);
	fk_wire_put_u32(w, flags);
	fk_wire_put_bytes(w, target->octets, FK_ADDRESS_SIZE);
	/* spec: RFC 4861 §4.6.1, RFC 2464 §6 */
	fk_wire_put_u8(w, type == FK_ICMPV6_SOLICITATION ? OPTION_SOURCE_MAC : OPTION_TARGET_MAC);
	fk_wire_put_u8(w, 1); /* units of 8 octets */
	fk_wire_put_bytes(w, mac, FK_MAC_SIZE);
	fk_icmpv6_set_checksum(frame + FK_ETH_HEADER_SIZE, MESSAGE_SIZE);
}

/* spec: RFC 2464 §7 */
static void group_mac(const struct fk_address *group, uint8_t mac[static FK_MAC_SIZE])
{
	mac[0] = mac[1] = 0x33;
	memcpy(mac + 2, group->octets + FK_IPV4_OFFSET, 4);
}

void fk_nd_build_solicitation(const uint8_t source_mac[static FK_MAC_SIZE],
			      const struct fk_address *source, const struct fk_address *target,
			      uint8_t frame[static FK_ND_FRAME_SIZE])
{
	struct fk_wire_writer w = fk_wire_writer(frame, FK_ND_FRAME_SIZE);
	struct fk_address group = fk_nd_group_of(target);
	uint8_t destination_mac[FK_MAC_SIZE];

	group_mac(&group, destination_mac);
	fk_put_ethernet(&w, destination_mac, source_mac, FK_ETHERTYPE_IPV6);
	fk_put_ipv6(&w, MESSAGE_SIZE, FK_PROTOCOL_ICMPV6, HOP_LIMIT, source, &group);
	put_message(&w, frame, FK_ICMPV6_SOLICITATION, 0, target, source_mac);
}

void fk_nd_build_advertisement(const struct fk_net_frame *solicitation,
			       const uint8_t own_mac[static FK_MAC_SIZE],
			       const struct fk_address *own, uint8_t frame[static FK_ND_FRAME_SIZE])
{
	struct fk_wire_writer w = fk_wire_writer(frame, FK_ND_FRAME_SIZE);
	bool has_source = fk_address_is_set(&solicitation->source);
	const struct fk_address *destination = has_source ? &solicitation->source : &all_nodes;
	uint8_t destination_mac[FK_MAC_SIZE];

	if (has_source)
		memcpy(destination_mac, solicitation->source_mac, FK_MAC_SIZE);
	else
		group_mac(&all_nodes, destination_mac);
	fk_put_ethernet(&w, destination_mac, own_mac, FK_ETHERTYPE_IPV6);
	fk_put_ipv6(&w, MESSAGE_SIZE, FK_PROTOCOL_ICMPV6, HOP_LIMIT, own, destination);
	put_message(&w, frame, FK_ICMPV6_ADVERTISEMENT,
		    FLAG_OVERRIDE | (has_source ? FLAG_SOLICITED : 0), own, own_mac);
}
