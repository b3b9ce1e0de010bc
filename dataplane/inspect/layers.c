/* SPDX-License-Identifier: Apache-2.0 */
#include "inspect/layers.h"

#include <stdbool.h>

#include "wire/net.h"

#define ETHERTYPE_ETHERNET 0x6558 /* a frame with its addresses: RFC 1701 §2 */

#define VLAN_ID_MASK 0x0fff
#define MPLS_BOTTOM  0x01 /* in the third octet of a label */
#define PPP_IPV4     0x0021
#define PPP_IPV6     0x0057

#define IPV4_FRAGMENT_MASK 0x3fff /* any but the offset 0 without more to come */
#define PROTOCOL_IPV4	   4
#define PROTOCOL_UDP	   17
#define PROTOCOL_IPV6	   41
#define PROTOCOL_GRE	   47

#define GRE_HEADER_SIZE 4
#define GRE_CHECKSUM	0x8000
#define GRE_KEY		0x2000
#define GRE_SEQUENCE	0x1000
#define GRE_NOT_OPENED	0x4007 /* routing, and the version, which is 1 for PPTP */

#define VXLAN_PORT	  4789
#define VXLAN_PORT_LINUX  8472
#define VXLAN_FLAGS	  0x08 /* that of a network's number, and no other */
#define VXLAN_HEADER_SIZE 8

/* One layer; it is not opened if nothing is known of what is behind. */
struct layer {
	size_t size;
	uint16_t behind; /* an EtherType, or 0 */
	const char *name;
};

static uint16_t get_u16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

/* What a packet is by its first octet; 0: no IP. */
static uint16_t ip_ethertype(uint8_t first)
{
	return first >> 4 == 4 ? FK_ETHERTYPE_IPV4 : first >> 4 == 6 ? FK_ETHERTYPE_IPV6 : 0;
}

/* spec: RFC 2784 §2.1, RFC 2890 §2 */
static struct layer read_gre(const uint8_t *gre, size_t left)
{
	uint16_t flags = left >= GRE_HEADER_SIZE ? get_u16(gre) : GRE_NOT_OPENED;
	size_t size = GRE_HEADER_SIZE;

	size += (flags & GRE_CHECKSUM) != 0 ? 4 : 0;
	size += (flags & GRE_KEY) != 0 ? 4 : 0;
	size += (flags & GRE_SEQUENCE) != 0 ? 4 : 0;
	if ((flags & GRE_NOT_OPENED) != 0 || left < size)
		return (struct layer){0};
	return (struct layer){size, get_u16(gre + 2), "gre"};
}

/* spec: RFC 7348 §5 */
static struct layer read_vxlan(const uint8_t *udp, size_t left)
{
	const size_t size = FK_UDP_HEADER_SIZE + VXLAN_HEADER_SIZE;
	uint16_t port = left >= size + FK_ETH_HEADER_SIZE ? get_u16(udp + 2) : 0;

	if ((port != VXLAN_PORT && port != VXLAN_PORT_LINUX) ||
	    udp[FK_UDP_HEADER_SIZE] != VXLAN_FLAGS)
		return (struct layer){0};
	return (struct layer){size, ETHERTYPE_ETHERNET, "vxlan"};
}

/* An IP packet that carries another. Fragments do not show it. spec: RFC 2003 §3.1, RFC 4213 §3.5
 */
static struct layer read_ip(const uint8_t *ip, size_t left, bool is_ipv4)
{
	size_t size = is_ipv4 ? FK_IPV4_HEADER_SIZE : FK_IPV6_HEADER_SIZE;
	struct layer layer = {0};

	if (left < size)
		return layer;
	if (is_ipv4) {
		size = (ip[0] & 0x0fu) * 4u;
		if (size < FK_IPV4_HEADER_SIZE || left < size ||
		    (get_u16(ip + 6) & IPV4_FRAGMENT_MASK) != 0)
			return layer;
	}
	switch (ip[is_ipv4 ? 9 : 6]) {
	case PROTOCOL_IPV4:
		return (struct layer){size, FK_ETHERTYPE_IPV4, "ip"};
	case PROTOCOL_IPV6:
		return (struct layer){size, FK_ETHERTYPE_IPV6, "ip"};
	case PROTOCOL_GRE:
		layer = read_gre(ip + size, left - size);
		break;
	case PROTOCOL_UDP:
		layer = read_vxlan(ip + size, left - size);
		break;
	default:
		return layer;
	}
	layer.size += layer.size > 0 ? size : 0;
	return layer;
}

/* The layer at 'at', of which less than its size may be left. */
static struct layer read_layer(const uint8_t *at, size_t left, uint16_t ethertype)
{
	struct layer layer = {0};

	switch (ethertype) {
	case 0x8100: /* spec: IEEE 802.1Q §9.6 */
	case 0x88a8:
	case 0x9100:
		layer = (struct layer){4, left >= 4 ? get_u16(at + 2) : 0, NULL};
		break;
	case 0x8847: /* spec: RFC 3032 §2.1: nothing but what follows says what follows */
	case 0x8848:
		layer = (struct layer){4, ethertype, "mpls"};
		if (left > 4 && (at[2] & MPLS_BOTTOM) != 0)
			layer.behind = ip_ethertype(at[4]);
		break;
	case 0x8864: /* spec: RFC 2516 §4; PPP's protocol is a part of the header here */
		layer = (struct layer){8, 0, "pppoe"};
		if (left >= 8)
			layer.behind = get_u16(at + 6) == PPP_IPV4   ? FK_ETHERTYPE_IPV4
				       : get_u16(at + 6) == PPP_IPV6 ? FK_ETHERTYPE_IPV6
								     : 0;
		break;
	case ETHERTYPE_ETHERNET:
		layer = (struct layer){FK_ETH_HEADER_SIZE, 0, "ethernet"};
		if (left >= FK_ETH_HEADER_SIZE)
			layer.behind = get_u16(at + FK_ETH_HEADER_SIZE - 2);
		break;
	case FK_ETHERTYPE_IPV4:
	case FK_ETHERTYPE_IPV6:
		layer = read_ip(at, left, ethertype == FK_ETHERTYPE_IPV4);
		break;
	default:
		break;
	}
	return layer;
}

/* Adds to an array of 'json', which is made when it is needed. */
static void append(json_t *json, const char *name, json_t *item)
{
	json_t *array = json_object_get(json, name);

	if (array == NULL) {
		array = json_array();
		json_object_set_new(json, name, array);
	}
	json_array_append_new(array, item);
}

enum fk_err fk_layers_take_off(const uint8_t *octets, size_t size, json_t *json,
			       struct fk_layers *layers)
{
	for (uint32_t i = 0; i < FK_LAYERS_MAX; i++) {
		const uint8_t *at = octets + layers->at;
		struct layer layer = read_layer(at, size - layers->at, layers->ethertype);

		if (size - layers->at < layer.size)
			return FK_ETRUNC;
		if (layer.behind == 0)
			break;
		if (layer.name == NULL)
			append(json, "vlan_ids", json_integer(get_u16(at) & VLAN_ID_MASK));
		else
			append(json, "tunnels", json_string(layer.name));
		layers->at += layer.size;
		layers->ethertype = layer.behind;
	}
	return FK_OK;
}
