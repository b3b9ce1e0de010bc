/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frame.h - one captured frame as a JSON object: the SIP or OTAR datagram in it, and where it was.
 *
 * A capture holds what the dataplane never sees or always refuses: VLAN tags, tunnels, other link
 * layers, and checksums that the sending host left to its network card. A copy is made of the frame
 * without the former (layers.h) and with the latter set right; fk_net_parse() reads that, and the
 * object says what was done.
 *
 * Memory: every json_t is the caller's (json_decref()).
 */
#pragma once

#include "inspect/json_kmm.h"
#include "inspect/pcap.h"

/*
 * Takes a frame apart; 'index' is its number in the capture, from 1. NULL if it is not ours:
 * neither on the port of SIP or OTAR nor, over UDP, SIP by its first line. What may be ours and
 * cannot be read (fragments, IPv6 extension headers, ESP, TCP, SCTP) is an "error". Every error
 * says in "of" what its offset counts in: "file" or "datagram"; that begins at "datagram_offset" of
 * the file. Sets 'ret_is_ok' to whether there is no error. A wrong checksum of IPv4 or UDP is told,
 * no error.
 * A frame that gives NULL is counted in 'not_shown' (may be NULL) under what it is, tunnels that
 * are not opened among them: {"arp": 2, "gtp_u": 1}. Nobody need take silence for absence.
 */
json_t *fk_json_frame(const struct fk_inspect_options *options, const struct fk_pcap_frame *frame,
		      uint32_t index, json_t *not_shown, bool *ret_is_ok);
