/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nd.h - Neighbour Discovery: who has this IPv6 address, and under which Ethernet address.
 *
 * Two messages of ICMPv6: a solicitation asks for an address, an advertisement answers.
 * spec: RFC 4861 §4.3, §4.4, §7.1; RFC 2464 §4 to §7
 *
 * Threads: everything here is pure. Memory: borrows; nothing allocates.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <fleetkey/address.h>
#include <fleetkey/err.h>

#include "wire/net.h"

/* Ethernet, IPv6, ICMPv6 header with the target, and one link-layer address option. */
#define FK_ND_FRAME_SIZE 86

struct fk_nd {
	struct fk_address target; /* the address that it is about */
	bool has_mac;
	uint8_t mac[FK_MAC_SIZE]; /* solicitation: of its source; advertisement: of the target */
	bool is_solicited;	  /* the last two: advertisements only */
	bool is_override;
};

/*
 * Reads a frame that fk_net_parse() calls FK_NET_SOLICITATION or FK_NET_ADVERTISEMENT and checks
 * all that RFC 4861 §7.1 asks for beyond the checksum. Returns FK_OK; FK_EFORMAT if it is to be
 * discarded.
 */
FK_MUST_USE enum fk_err fk_nd_parse(const struct fk_net_frame *frame, struct fk_nd *ret_nd);

/* Asks everybody in the group of 'target' who it is, from 'source' at 'source_mac'. */
void fk_nd_build_solicitation(const uint8_t source_mac[static FK_MAC_SIZE],
			      const struct fk_address *source, const struct fk_address *target,
			      uint8_t frame[static FK_ND_FRAME_SIZE]);

/*
 * Says that 'own' is at 'own_mac', in answer to 'solicitation'. Whoever asks before it has an
 * address of its own (duplicate address detection) is answered through the group of all nodes.
 */
void fk_nd_build_advertisement(const struct fk_net_frame *solicitation,
			       const uint8_t own_mac[static FK_MAC_SIZE],
			       const struct fk_address *own,
			       uint8_t frame[static FK_ND_FRAME_SIZE]);

/* The group that a host with this address listens to; spec: RFC 4291 §2.7.1 */
struct fk_address fk_nd_group_of(const struct fk_address *address);

/* fe80:: and the modified EUI-64 of the Ethernet address; spec: RFC 2464 §4, §5 */
struct fk_address fk_nd_link_local_of(const uint8_t mac[static FK_MAC_SIZE]);
