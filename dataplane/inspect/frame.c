/* SPDX-License-Identifier: Apache-2.0 */
#include "inspect/frame.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fleetkey/wire.h>

#include "inspect/datagram.h"
#include "inspect/layers.h"
#include "wire/address.h"
#include "wire/net.h"
#include "wire/sip.h"

#define OTAR_PORT 64414 /* spec: P25 sheet 3.7 transport B */

#define ETHERTYPE_MIN 0x0600 /* below is IEEE 802.3's length field */

#define LINK_SLL_SIZE  16 /* its last two octets are an EtherType, as in Ethernet */
#define LINK_SLL2_SIZE 20 /* its first two are */

#define PROTOCOL_TCP  6
#define PROTOCOL_UDP  17
#define PROTOCOL_ESP  50
#define PROTOCOL_AH   51
#define PROTOCOL_SCTP 132

#define IPV4_OFFSET_MASK     0x1fff
#define IPV4_CHECKSUM_AT     10
#define IPV4_ADDRESSES_AT    12
#define IPV4_ADDRESSES_SIZE  8
#define IPV6_ADDRESSES_AT    8
#define IPV6_ADDRESSES_SIZE  32
#define IPV6_FRAGMENT_HEADER 44
#define IPV6_OFFSET_MASK     0xfff8
#define UDP_CHECKSUM_AT	     6

/* The frame as the dataplane would have it. Free with free(). */
struct plain_frame {
	uint8_t *octets;
	size_t size;
	size_t link_size; /* octets in front of IP in the file: the link's, tags', and tunnels' */
};

/* What stands behind IP, as far as it can be told. */
struct upper {
	uint8_t protocol;
	bool is_known;		/* 'protocol' is what the packet carries at last */
	bool is_later_fragment; /* no ports there */
	const uint8_t *octets;
	size_t size;
};

static uint16_t get_u16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static void set_u16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* Octets of the link's header, and what follows it. */
static size_t read_link(const struct fk_pcap_frame *frame, uint16_t *ret_ethertype)
{
	const uint8_t *octets = frame->octets;
	size_t size = 0;

	switch (frame->link) {
	case FK_PCAP_ETHERNET:
		size = FK_ETH_HEADER_SIZE;
		break;
	case FK_PCAP_SLL:
		size = LINK_SLL_SIZE;
		break;
	case FK_PCAP_SLL2:
		size = LINK_SLL2_SIZE;
		break;
	case FK_PCAP_IP:
		break;
	}
	if (frame->size < size || frame->size == 0)
		return SIZE_MAX;
	if (frame->link == FK_PCAP_IP)
		*ret_ethertype = octets[0] >> 4 == 6 ? FK_ETHERTYPE_IPV6 : FK_ETHERTYPE_IPV4;
	else
		*ret_ethertype = get_u16(octets + (frame->link == FK_PCAP_SLL2 ? 0 : size - 2));
	return size;
}

/* Copies the frame, with an Ethernet header that has no tags and no addresses. What was taken off
 * goes into 'json'. */
static enum fk_err copy_plain(const struct fk_pcap_frame *frame, json_t *json,
			      struct plain_frame *ret_plain)
{
	struct fk_layers layers = {0};
	uint8_t *octets;
	size_t size;

	layers.at = read_link(frame, &layers.ethertype);
	if (layers.at == SIZE_MAX ||
	    fk_layers_take_off(frame->octets, frame->size, json, &layers) != FK_OK)
		return FK_ETRUNC;
	size = frame->size - layers.at;
	octets = calloc(1, FK_ETH_HEADER_SIZE + size);
	if (octets == NULL)
		return FK_ENOMEM;
	set_u16(octets + FK_ETH_HEADER_SIZE - 2, layers.ethertype);
	memcpy(octets + FK_ETH_HEADER_SIZE, frame->octets + layers.at, size);
	*ret_plain = (struct plain_frame){
		.octets = octets,
		.size = FK_ETH_HEADER_SIZE + size,
		.link_size = layers.at,
	};
	return FK_OK;
}

/*
 * Reads the frame; sums of IPv4 and UDP that are wrong are set right first, and told. Without the
 * card's help a host writes no sum, or that of the pseudo header alone, and leaves it the rest.
 */
static enum fk_err parse_mending(struct plain_frame *plain, json_t *json,
				 struct fk_net_frame *ret_net)
{
	enum fk_err err = fk_net_parse(plain->octets, plain->size, ret_net);
	bool is_ipv4 = err == FK_EAUTH &&
		       get_u16(plain->octets + FK_ETH_HEADER_SIZE - 2) == FK_ETHERTYPE_IPV4;
	uint8_t *ip = plain->octets + FK_ETH_HEADER_SIZE, *udp;
	uint16_t sum, pseudo, written, udp_size;

	/* A sum is looked at behind all sizes, so that what is read here is there. */
	if (is_ipv4 && fk_net_checksum(ip, (ip[0] & 0x0fu) * 4u, 0) != 0) {
		written = get_u16(ip + IPV4_CHECKSUM_AT);
		json_object_set_new(json, "ipv4_checksum",
				    json_string(written == 0 ? "absent" : "wrong"));
		set_u16(ip + IPV4_CHECKSUM_AT, 0);
		set_u16(ip + IPV4_CHECKSUM_AT, fk_net_checksum(ip, (ip[0] & 0x0fu) * 4u, 0));
		err = fk_net_parse(plain->octets, plain->size, ret_net);
	}
	if (err == FK_OK && ret_net->kind == FK_NET_UDP &&
	    get_u16(ret_net->payload - FK_UDP_HEADER_SIZE + UDP_CHECKSUM_AT) == 0)
		json_object_set_new(json, "udp_checksum", json_string("absent"));
	if (err != FK_EAUTH || ip[is_ipv4 ? 9 : 6] != PROTOCOL_UDP)
		return err;
	udp = ip + (is_ipv4 ? (ip[0] & 0x0fu) * 4u : FK_IPV6_HEADER_SIZE);
	udp_size = get_u16(udp + 4);
	pseudo = (uint16_t) ~(is_ipv4 ? fk_net_checksum(ip + IPV4_ADDRESSES_AT, IPV4_ADDRESSES_SIZE,
							(uint32_t)PROTOCOL_UDP + udp_size)
				      : fk_net_checksum(ip + IPV6_ADDRESSES_AT, IPV6_ADDRESSES_SIZE,
							(uint32_t)PROTOCOL_UDP + udp_size));
	written = get_u16(udp + UDP_CHECKSUM_AT);
	json_object_set_new(json, "udp_checksum",
			    json_string(written == 0	    ? "absent"
					: written == pseudo ? "partial"
							    : "wrong"));
	set_u16(udp + UDP_CHECKSUM_AT, 0);
	sum = fk_net_checksum(udp, udp_size, pseudo);
	set_u16(udp + UDP_CHECKSUM_AT, sum == 0 ? 0xffff : sum);
	return fk_net_parse(plain->octets, plain->size, ret_net);
}

/* spec: RFC 7045 §4; ESP is one too, but ends the walk */
static bool is_extension(uint8_t protocol)
{
	switch (protocol) {
	case 0:	 /* hop by hop */
	case 43: /* routing */
	case IPV6_FRAGMENT_HEADER:
	case PROTOCOL_AH:
	case 60:  /* destination */
	case 135: /* mobility */
	case 139: /* HIP */
	case 140: /* SHIM6 */
		return true;
	default:
		return false;
	}
}

/* Steps over one IPv6 extension header. False if it is none, or not there whole.
 * spec: RFC 8200 §4, RFC 4302 §2.2 */
static bool step_over(struct upper *upper)
{
	size_t size;

	if (!is_extension(upper->protocol) || upper->size < 8)
		return false;
	if (upper->protocol == IPV6_FRAGMENT_HEADER) {
		size = 8;
		upper->is_later_fragment = (get_u16(upper->octets + 2) & IPV6_OFFSET_MASK) != 0;
	} else if (upper->protocol == PROTOCOL_AH) {
		size = (upper->octets[1] + 2u) * 4;
	} else {
		size = (upper->octets[1] + 1u) * 8;
	}
	if (size > upper->size)
		return false;
	upper->protocol = upper->octets[0];
	upper->octets += size;
	upper->size -= size;
	return true;
}

/* Of a frame that fk_net_parse() has read. False if it is not IP. */
static bool find_upper(const struct plain_frame *plain, struct upper *ret_upper)
{
	const uint8_t *ip = plain->octets + FK_ETH_HEADER_SIZE;
	uint16_t ethertype = get_u16(ip - 2);
	struct upper upper = {0};

	if (ethertype == FK_ETHERTYPE_IPV4) {
		size_t header_size = (ip[0] & 0x0fu) * 4u;

		upper.protocol = ip[9];
		upper.is_later_fragment = (get_u16(ip + 6) & IPV4_OFFSET_MASK) != 0;
		upper.octets = ip + header_size;
		upper.size = get_u16(ip + 2) - header_size;
		upper.is_known = true;
	} else if (ethertype == FK_ETHERTYPE_IPV6) {
		upper.protocol = ip[6];
		upper.octets = ip + FK_IPV6_HEADER_SIZE;
		upper.size = get_u16(ip + 4);
		while (!upper.is_later_fragment && step_over(&upper))
			continue;
		upper.is_known = upper.is_later_fragment || !is_extension(upper.protocol);
	} else {
		return false;
	}
	*ret_upper = upper;
	return true;
}

static bool is_ours(uint16_t port)
{
	return port == FK_SIP_PORT_DEFAULT || port == OTAR_PORT;
}

static bool is_ipsec(const struct upper *upper)
{
	return upper->protocol == PROTOCOL_ESP || upper->protocol == PROTOCOL_AH;
}

/* Something that is not read: could SIP or OTAR be in it? Ports go to 'net' where they are. */
static bool may_be_ours(const struct upper *upper, struct fk_net_frame *net)
{
	if (!upper->is_known || is_ipsec(upper))
		return true;
	if (upper->protocol != PROTOCOL_UDP && upper->protocol != PROTOCOL_TCP &&
	    upper->protocol != PROTOCOL_SCTP)
		return false;
	if (upper->is_later_fragment || upper->size < 4)
		return true;
	net->source_port = get_u16(upper->octets);
	net->destination_port = get_u16(upper->octets + 2);
	return is_ours(net->source_port) || is_ours(net->destination_port) ||
	       (upper->protocol == PROTOCOL_UDP && upper->size > FK_UDP_HEADER_SIZE &&
		fk_datagram_is_sip(upper->octets + FK_UDP_HEADER_SIZE,
				   upper->size - FK_UDP_HEADER_SIZE));
}

/* An error about a frame that is not read, or NULL if that is no loss. */
static json_t *judge_unread(const struct fk_pcap_frame *frame, const struct plain_frame *plain,
			    struct fk_net_frame *net)
{
	const char *field = "protocol", *reason = "is TCP or SCTP, of which nothing is read";
	struct upper upper;

	if (!find_upper(plain, &upper) || !may_be_ours(&upper, net))
		return NULL;
	if (net->kind == FK_NET_FRAGMENT || upper.is_later_fragment) {
		field = "fragment";
		reason = "is a fragment of an IP packet: those are not put together";
	} else if (is_ipsec(&upper)) {
		reason = "is IPsec's (ESP or AH), which is not opened";
	} else if (net->kind == FK_NET_EXTENSION) {
		field = "ipv6_extension_header";
		reason = "stands before the datagram: nothing behind one is read";
	}
	return fk_json_error(frame->offset + plain->link_size, field, reason);
}

static json_t *judge_failure(const struct fk_pcap_frame *frame, enum fk_err err)
{
	if (err == FK_EAUTH)
		return fk_json_error(frame->offset, "icmp_checksum", "is wrong");
	if (err == FK_ETRUNC && frame->size < frame->original_size)
		return fk_json_error(frame->offset + frame->size, "frame",
				     "was not captured whole (snap length)");
	return fk_json_error(frame->offset, "frame", fk_err_text(err));
}

/* Line ends or nothing at all, sent to keep a way through a NAT open. spec: RFC 5626 §3.5.1 */
static bool is_keep_alive(const struct fk_net_frame *net)
{
	for (uint16_t i = 0; i < net->payload_size; i++)
		if (net->payload[i] != '\r' && net->payload[i] != '\n' && net->payload[i] != '\0')
			return false;
	return true;
}

/* NULL if it is not ours. */
static json_t *read_datagram(const struct fk_inspect_options *options,
			     const struct fk_net_frame *net, bool *ret_is_ok)
{
	bool is_sip = fk_datagram_is_sip(net->payload, net->payload_size);

	if (!is_sip && (net->source_port == OTAR_PORT || net->destination_port == OTAR_PORT))
		return fk_json_kmm(options, net->payload, net->payload_size, 0, ret_is_ok);
	if (!is_sip && !is_ours(net->source_port) && !is_ours(net->destination_port))
		return NULL;
	if (!is_sip && is_keep_alive(net)) {
		*ret_is_ok = true;
		return json_pack("{s:{s:i}}", "keep_alive", "size", net->payload_size);
	}
	return fk_json_datagram(options, net->payload, net->payload_size, ret_is_ok);
}

static void add_host(json_t *json, const char *name, const struct fk_address *address,
		     uint16_t port)
{
	char text[FK_HOST_TEXT_SIZE];

	if (!fk_address_is_set(address))
		return;
	if (port != 0)
		fk_address_format_host(address, port, text);
	else
		fk_address_format(address, text);
	json_object_set_new(json, name, json_string(text));
}

static void add_place(json_t *json, const struct fk_pcap_frame *frame, uint32_t index,
		      const struct fk_net_frame *net)
{
	char text[32];

	json_object_set_new(json, "frame", json_integer(index));
	snprintf(text, sizeof(text), "%u.%09u", frame->time_s, frame->time_ns);
	json_object_set_new(json, "time_s", json_string(text));
	add_host(json, "source", &net->source, net->source_port);
	add_host(json, "destination", &net->destination, net->destination_port);
}

/* What can be in front of, or instead of, what is ours. */
static const struct {
	enum {
		OF_ETHERTYPE,
		OF_PROTOCOL,
		OF_PORT,
	} domain;
	uint16_t number;
	const char *name;
} kinds[] = {
	{OF_ETHERTYPE, 0x0806, "arp"},
	{OF_ETHERTYPE, 0x8847, "mpls"},
	{OF_ETHERTYPE, 0x8848, "mpls"},
	{OF_ETHERTYPE, 0x8864, "pppoe"},
	{OF_ETHERTYPE, 0x88cc, "lldp"},
	{OF_ETHERTYPE, 0x88e5, "macsec"},
	{OF_PROTOCOL, 1, "icmp"},
	{OF_PROTOCOL, 2, "igmp"},
	{OF_PROTOCOL, 4, "ip_in_ip"},
	{OF_PROTOCOL, PROTOCOL_TCP, "tcp"},
	{OF_PROTOCOL, 41, "ip_in_ip"},
	{OF_PROTOCOL, 47, "gre"},
	{OF_PROTOCOL, 58, "icmpv6"},
	{OF_PROTOCOL, 115, "l2tp"},
	{OF_PROTOCOL, PROTOCOL_SCTP, "sctp"},
	{OF_PORT, 1701, "l2tp"},
	{OF_PORT, 2152, "gtp_u"},
	{OF_PORT, 3544, "teredo"},
	{OF_PORT, 4500, "ipsec_over_udp"},
	{OF_PORT, 4789, "vxlan"},
	{OF_PORT, 5061, "sip_over_dtls"},
	{OF_PORT, 6081, "geneve"},
	{OF_PORT, 8472, "vxlan"},
};

static const char *kind_name(int domain, uint16_t number)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if ((int)kinds[i].domain == domain && kinds[i].number == number)
			return kinds[i].name;
	return NULL;
}

/* Counts a frame that was read and is not shown, under what it is. */
static void count(json_t *not_shown, const struct plain_frame *plain,
		  const struct fk_net_frame *net)
{
	uint16_t ethertype = get_u16(plain->octets + FK_ETH_HEADER_SIZE - 2);
	const char *name = NULL;
	struct upper upper;
	char text[32];

	if (net->kind == FK_NET_UDP) {
		name = kind_name(OF_PORT, net->destination_port);
		name = name != NULL ? name : kind_name(OF_PORT, net->source_port);
		snprintf(text, sizeof(text), "udp");
	} else if (!find_upper(plain, &upper)) {
		name = ethertype < ETHERTYPE_MIN ? "ieee_802_3"
						 : kind_name(OF_ETHERTYPE, ethertype);
		snprintf(text, sizeof(text), "ethertype_%04x", ethertype);
	} else {
		name = net->kind == FK_NET_FRAGMENT ? "fragment"
						    : kind_name(OF_PROTOCOL, upper.protocol);
		snprintf(text, sizeof(text), "ip_protocol_%u", upper.protocol);
	}
	name = name != NULL ? name : text;
	json_object_set_new(not_shown, name,
			    json_integer(json_integer_value(json_object_get(not_shown, name)) + 1));
}

json_t *fk_json_frame(const struct fk_inspect_options *options, const struct fk_pcap_frame *frame,
		      uint32_t index, json_t *not_shown, bool *ret_is_ok)
{
	struct plain_frame plain = {0};
	struct fk_net_frame net = {.kind = FK_NET_OTHER};
	json_t *found = json_object(), *json, *error;
	enum fk_err err = copy_plain(frame, found, &plain);
	bool is_datagram = false;

	*ret_is_ok = false;
	if (err == FK_OK)
		err = parse_mending(&plain, found, &net);
	if (err != FK_OK) {
		json = judge_failure(frame, err);
	} else if (net.kind == FK_NET_UDP) {
		is_datagram = true;
		json = read_datagram(options, &net, ret_is_ok);
	} else {
		json = judge_unread(frame, &plain, &net);
	}
	if (json == NULL) {
		count(not_shown, &plain, &net);
	} else {
		json_object_update(json, found);
		add_place(json, frame, index, &net);
		if (is_datagram)
			json_object_set_new(
				json, "datagram_offset",
				json_integer((json_int_t)(frame->offset + plain.link_size +
							  (size_t)(net.payload - plain.octets) -
							  FK_ETH_HEADER_SIZE)));
		error = json_object_get(json, "error");
		if (error != NULL)
			json_object_set_new(error, "of",
					    json_string(is_datagram ? "datagram" : "file"));
	}
	if (plain.octets != NULL)
		fk_wipe(plain.octets, plain.size);
	free(plain.octets);
	json_decref(found);
	return json;
}
