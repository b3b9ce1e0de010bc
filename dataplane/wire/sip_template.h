/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sip_template.h - the MESSAGE that carries one KMM to one UE, built by copying and patching: an
 * SDS (carrier T1), or Interworking Security Data (T2).
 *
 * Everything but the UE's URI and the payload has a fixed width: the template's text is copied in
 * few runs, and the fields are written over it. Only they are summed for the UDP checksum.
 * Compact header names, a boundary of one letter, no XML declaration (3GPP sheet 9.3): a rekey has
 * to stay below 1300 octets on UDP (RFC 3428 §8, RFC 3261 §18.1.1).
 *
 * The boundary is "k" unless CRLF--k stands in the binary parts of this very message; then it is
 * the next letter that does not. The choice follows from the octets alone, so a rebuild is
 * identical, and a message that happens to hold CRLF--k is not broken for good.
 *
 * Threads: a built template is read-only and may be shared. Memory: struct fk_sip_template is the
 * caller's; nothing allocates.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>
#include <fleetkey/isd_layout.h>
#include <fleetkey/keytable.h>
#include <fleetkey/sds.h>

#include "../crypto/token_tag.h"

#define FK_CALL_ID_LEN		       22 /* characters: hex of token 16 and of count 6 */
#define FK_FROM_TAG_LEN		       8  /* characters, hex */
#define FK_SIP_TEMPLATE_GAPS_MAX       4
#define FK_SIP_TEMPLATE_BOUNDARIES_MAX 6
#define FK_SIP_TEMPLATE_SLACK	       32 /* octets that stay free behind the text */

/* What all messages of a template share. Text is borrowed during fk_sip_template_build() only. */
struct fk_sip_template_spec {
	uint8_t carrier;	/* enum fk_carrier */
	uint8_t profile;	/* enum fk_sip_profile; of T1 */
	const char *sent_by;	/* "192.0.2.10:5070": address and port of this worker */
	const char *route_host; /* "192.0.2.20:5060" for a Route header, NULL for none */
	const char *psi; /* profiles A and B, and T2: Request-URI of the participating function */
	/* From; profiles B and C: calling user; A: P-Preferred-Identity; T2: the layout's kmf_uri
	 */
	const char *kmf_uri;
	const char *kmf_psi; /* profiles B and C: P-Asserted-Identity; T2: From as well */
	const struct fk_isd_layout *isd_layout; /* T2 only; the rest is of T1 */
	uint8_t disposition_request;		/* enum fk_sds_disposition_request */
	uint8_t extended_app_id_type;
	const uint8_t *extended_app_id;
	uint16_t extended_app_id_size;
};

/* A place in the template's text. The message has 'n_uris' URIs of the UE before it, and the
 * payload if it stands behind the last gap. */
struct fk_sip_place {
	uint16_t offset; /* into the text */
	uint8_t n_uris;
	uint8_t is_behind_payload;
};

/*
 * The text holds zeros where a field of fixed width goes, and the boundary "k"; what has no fixed
 * width, the UE's URI and the payload, stands in gaps between its runs.
 */
struct fk_sip_template {
	uint16_t base_size;	 /* octets of the message without UE URI and payload: of the text */
	uint16_t body_base_size; /* octets of the body without UE URI and payload */
	uint8_t n_uris_in_body, n_uris_in_header;
	uint8_t n_gaps, n_boundaries;
	uint8_t carrier;	      /* enum fk_carrier */
	uint8_t payload_length_size;  /* octets of the payload's length: 0 to 2 */
	uint8_t payload_length_front; /* octets that it counts before the payload: 0 or 1 */
	uint16_t payload_max;	      /* octets that it can count */
	uint16_t gaps[FK_SIP_TEMPLATE_GAPS_MAX]; /* text offsets; the last is the payload's */
	struct fk_sip_place branch, from_tag, call_id, content_length, payload_length;
	struct fk_sip_place ids;	     /* T1 */
	struct fk_sip_place isd, behind_isd; /* T2: the part, whose octets are binary */
	struct fk_sip_place boundaries[FK_SIP_TEMPLATE_BOUNDARIES_MAX];
	/* Sum of the text for the Internet checksum, in the machine's octet order, by whether the
	 * URI's and the payload's size are odd. */
	uint16_t sums[2][2];
	char text[2048];
};

/* What differs from message to message. All borrowed. */
struct fk_sip_fill {
	const char *mcdata_id; /* of the UE; T2: its MCPTT ID */
	uint16_t mcdata_id_size;
	const char *branch;   /* FK_BRANCH_LEN characters */
	const char *call_id;  /* FK_CALL_ID_LEN characters */
	const char *from_tag; /* FK_FROM_TAG_LEN characters */
	uint32_t date_time_s;
	const uint8_t *conversation_id, *message_id; /* 16 octets each; T2 has none, nor a time */
	const uint8_t *payload;			     /* preamble and KMM */
	uint16_t payload_size;
};

/*
 * Returns FK_OK; FK_EFULL if the fixed text does not fit; FK_EINVAL if a value that carrier or
 * profile needs is missing, a URI or an address holds a character that may not stand in a header or
 * in XML (fk_sip_uri_is_safe()), the SDS fields are out of range, or the layout has no code for
 * P25.
 */
FK_MUST_USE enum fk_err fk_sip_template_build(const struct fk_sip_template_spec *spec,
					      struct fk_sip_template *ret_template);

/* True if the URI has a scheme and a rest, and no character that would need an escape in a SIP
 * header or in XML: no space, control, quote, angle bracket, ampersand or octet beyond ASCII. */
bool fk_sip_uri_is_safe(const char *uri, size_t size);

/* Octets of the whole message for a URI and a payload of these sizes. */
size_t fk_sip_template_size(const struct fk_sip_template *t, uint16_t mcdata_id_size,
			    uint16_t payload_size);

/*
 * Writes the message; returns its size, or 0 if 'cap' does not hold it, the payload is beyond
 * 'payload_max', the body beyond 9999 octets (Content-Length has four digits) or the UE's URI not
 * safe. Octets behind the message, but within 'cap', may be overwritten. 'ret_payload_offset' (may
 * be NULL) says where the payload's first octet stands.
 */
size_t fk_sip_template_fill(const struct fk_sip_template *t, const struct fk_sip_fill *fill,
			    uint8_t *buf, size_t cap, size_t *ret_payload_offset);

/* The same; 'ret_sum' is the sum for the Internet checksum of the whole message, as
 * fk_net_finish_udp_sum() wants it. It is written on success only. */
size_t fk_sip_template_fill_sum(const struct fk_sip_template *t, const struct fk_sip_fill *fill,
				uint8_t *buf, size_t cap, size_t *ret_payload_offset,
				uint16_t *ret_sum);
