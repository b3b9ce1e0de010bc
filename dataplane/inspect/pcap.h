/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pcap.h - walks a classic pcap file, frame by frame.
 *
 * Either octet order, microseconds or nanoseconds; of link types those below.
 *
 * Memory: borrows the file's octets; nothing allocates.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>

#define FK_PCAP_FRAME_MAX 262144 /* octets that a record may announce */

/* What a frame begins with. spec: the link-layer header types of pcap */
enum fk_pcap_link {
	FK_PCAP_ETHERNET,
	FK_PCAP_SLL,  /* Linux "cooked", 16 octets: tcpdump -i any */
	FK_PCAP_SLL2, /* the same, 20 octets */
	FK_PCAP_IP,   /* nothing: IPv4 or IPv6 at once */
};

struct fk_pcap {
	const uint8_t *at, *start, *end;
	bool is_swapped; /* little-endian: not the order that wire.h reads */
	bool is_nanoseconds;
	enum fk_pcap_link link;
};

struct fk_pcap_frame {
	uint32_t time_s, time_ns;
	const uint8_t *octets;
	uint32_t size, original_size; /* octets in the file, and on the wire */
	size_t offset;		      /* of the octets, from the start of the file */
	enum fk_pcap_link link;
};

/* Reads the file header. FK_OK; FK_ETRUNC; FK_EFORMAT (no classic pcap); FK_EUNSUPPORTED (another
 * link type). */
FK_MUST_USE enum fk_err fk_pcap_open(const uint8_t *octets, size_t size, struct fk_pcap *ret_pcap);

/* True if it is the newer format, which other tools turn into this one. */
bool fk_pcap_is_pcapng(const uint8_t *octets, size_t size);

/* The next frame. FK_OK; FK_ENOTFOUND at the end; FK_ETRUNC or FK_EFORMAT: the file is damaged from
 * 'pcap->at' on. */
FK_MUST_USE enum fk_err fk_pcap_next(struct fk_pcap *pcap, struct fk_pcap_frame *ret_frame);
