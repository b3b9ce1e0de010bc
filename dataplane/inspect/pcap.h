/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pcap.h - walks a classic pcap file, frame by frame.
 *
 * Either octet order, microseconds or nanoseconds, link type Ethernet.
 *
 * Memory: borrows the file's octets; nothing allocates.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>

#define FK_PCAP_FRAME_MAX 262144 /* octets that a record may announce */

struct fk_pcap {
	const uint8_t *at, *start, *end;
	bool is_swapped; /* little-endian: not the order that wire.h reads */
	bool is_nanoseconds;
};

struct fk_pcap_frame {
	uint32_t time_s, time_ns;
	const uint8_t *octets;
	uint32_t size, original_size; /* octets in the file, and on the wire */
	size_t offset;		      /* of the octets, from the start of the file */
};

/* Reads the file header. FK_OK; FK_ETRUNC; FK_EFORMAT (no classic pcap); FK_EUNSUPPORTED (another
 * link type than Ethernet). */
FK_MUST_USE enum fk_err fk_pcap_open(const uint8_t *octets, size_t size, struct fk_pcap *ret_pcap);

/* The next frame. FK_OK; FK_ENOTFOUND at the end; FK_ETRUNC or FK_EFORMAT: the file is damaged from
 * 'pcap->at' on. */
FK_MUST_USE enum fk_err fk_pcap_next(struct fk_pcap *pcap, struct fk_pcap_frame *ret_frame);
