/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net.h - Ethernet, ARP, IPv4, IPv6, ICMP echo and UDP, in plain octets.
 *
 * Parses and builds frames without knowing DPDK, so that tests, fuzzers and fleetsim use the same
 * code as the worker. Ports, and IPv4 addresses as numbers, are in host byte order.
 * spec: RFC 826, RFC 791, RFC 792, RFC 768, RFC 1071, RFC 8200, RFC 4443
 *
 * Threads: everything here is pure. Memory: borrows; nothing allocates.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fleetkey/address.h>
#include <fleetkey/err.h>

#define FK_MAC_SIZE	    6
#define FK_ETH_HEADER_SIZE  14
#define FK_IPV4_HEADER_SIZE 20
#define FK_IPV6_HEADER_SIZE 40
#define FK_UDP_HEADER_SIZE  8
#define FK_ARP_FRAME_SIZE   42

/* Octets in front of a UDP payload, over IPv4 and over IPv6. */
#define FK_UDP_FRAME_OVERHEAD	   (FK_ETH_HEADER_SIZE + FK_IPV4_HEADER_SIZE + FK_UDP_HEADER_SIZE)
#define FK_UDP_IPV6_FRAME_OVERHEAD (FK_ETH_HEADER_SIZE + FK_IPV6_HEADER_SIZE + FK_UDP_HEADER_SIZE)

/* Fragments, extension headers and protocols that are not ours have no ports and no payload. */
enum fk_net_kind {
	FK_NET_UDP,
	FK_NET_ARP_REQUEST,
	FK_NET_ARP_REPLY,
	FK_NET_SOLICITATION,  /* Neighbour Discovery: wire/nd.h reads it */
	FK_NET_ADVERTISEMENT, /* the same */
	FK_NET_ICMP_ECHO,     /* echo request to one host, from one */
	FK_NET_FRAGMENT,      /* not reassembled */
	FK_NET_EXTENSION,     /* IPv6 with an extension header: not read */
	FK_NET_OTHER,	      /* another protocol: not ours */
};

struct fk_net_frame {
	enum fk_net_kind kind;
	uint8_t source_mac[FK_MAC_SIZE], destination_mac[FK_MAC_SIZE];
	struct fk_address source, destination; /* ARP: sender and target protocol addresses */
	uint16_t source_port, destination_port;
	uint16_t payload_size;
	uint8_t hop_limit;	/* of IPv6 */
	const uint8_t *payload; /* UDP: datagram; ICMP and ICMPv6: the whole message */
};

/*
 * Reads one frame. Padding after the IP packet is cut off. Checksums are verified; a UDP checksum
 * of zero means over IPv4 that none was computed (RFC 768), over IPv6 it is wrong (RFC 8200 §8.1).
 * Returns FK_OK; FK_ETRUNC (shorter than a header or a length field says); FK_EFORMAT (a header
 * field or an address that cannot be); FK_EAUTH (a checksum is wrong).
 */
FK_MUST_USE enum fk_err fk_net_parse(const uint8_t *octets, size_t size,
				     struct fk_net_frame *ret_frame);

/* Where a UDP datagram goes. Made by fk_net_path_make(); the caller adds the MACs. */
struct fk_net_path {
	uint8_t source_mac[FK_MAC_SIZE], destination_mac[FK_MAC_SIZE];
	struct fk_address source, destination; /* of one family */
	uint16_t source_port, destination_port;
	uint16_t overhead;    /* octets in front of the payload: FK_UDP_.._OVERHEAD */
	uint32_t address_sum; /* of both addresses' 16-bit words */
};

/* A path without MACs. What all its datagrams have in common is summed here, once. */
struct fk_net_path fk_net_path_make(const struct fk_address *source,
				    const struct fk_address *destination, uint16_t source_port,
				    uint16_t destination_port);

/* Writes the headers in front of a payload that already stands at 'frame' + path->overhead,
 * checksums included. Returns the size of the whole frame, or 0 if IP cannot carry the payload in
 * one packet. 'ip_id' is the IPv4 identification; DF is set. */
size_t fk_net_finish_udp(const struct fk_net_path *path, uint8_t *frame, uint16_t payload_size,
			 uint16_t ip_id);

/* The same for a payload whose sum is known: 'payload_sum' is what fk_net_checksum() of the payload
 * gives, before it is complemented. The payload is not read. */
size_t fk_net_finish_udp_sum(const struct fk_net_path *path, uint8_t *frame, uint16_t payload_size,
			     uint16_t ip_id, uint16_t payload_sum);

/* Write an ARP frame of 42 octets. */
void fk_net_build_arp(bool is_reply, const uint8_t source_mac[static FK_MAC_SIZE],
		      uint32_t source_ipv4, const uint8_t target_mac[static FK_MAC_SIZE],
		      uint32_t target_ipv4, uint8_t frame[static FK_ARP_FRAME_SIZE]);

/* Turns the frame of an echo request, as received, into its reply, in place. Nothing is changed if
 * it is none or not whole. */
void fk_net_turn_echo(uint8_t *frame, size_t size, const uint8_t own_mac[static FK_MAC_SIZE]);

/* Internet checksum (RFC 1071) of 'size' octets, folded and complemented, host order; 'initial' is
 * an unfolded sum to start from. */
uint16_t fk_net_checksum(const void *octets, size_t size, uint32_t initial);

/* "192.0.2.10" to host order. FK_OK or FK_EINVAL. */
FK_MUST_USE enum fk_err fk_ipv4_parse(const char *text, uint32_t *ret_ipv4);
/* Writes "255.255.255.255" and a NUL: 'buf' takes 16 octets. */
void fk_ipv4_format(uint32_t ipv4, char buf[static 16]);
