/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sip.h - reads SIP messages out of UDP datagrams, and answers requests.
 *
 * A bounded scanner for what Fleetkey meets: responses to its own MESSAGEs, and MESSAGE, OPTIONS or
 * other requests from MCData servers. Long and compact header names, folding, odd white space and
 * headers in any order are understood; a bare LF, a NUL in the header (but behind a backslash in
 * quotes, where the grammar allows it) and a Content-Length beyond the datagram are refused.
 * spec: RFC 3261 §7, §18.3, §25.1
 *
 * Threads: everything here is pure. Memory: views borrow from the datagram; nothing allocates.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <fleetkey/address.h>
#include <fleetkey/err.h>

#define FK_SIP_VIAS_MAX	    71 /* a request starts with one and 70 hops left: RFC 3261 §8.1.1.6 */
#define FK_SIP_PORT_DEFAULT 5060
#define FK_SIP_PARTS_TAKEN  8 /* body parts of a request; one with more is refused */

/* A run of octets inside the datagram; not NUL-terminated. */
struct fk_view {
	const char *at;
	uint32_t len; /* octets */
};

enum fk_sip_method {
	FK_SIP_OTHER = 0,
	FK_SIP_MESSAGE,
	FK_SIP_OPTIONS,
	FK_SIP_ACK,
};

struct fk_sip_message {
	bool is_response;
	uint16_t status; /* responses: 100..699 */
	uint8_t method;	 /* enum fk_sip_method; responses: the CSeq method */
	struct fk_view method_text, request_uri;
	struct fk_view vias[FK_SIP_VIAS_MAX]; /* raw values, topmost first, one per Via value */
	uint8_t n_vias;
	struct fk_view via_sent_by, via_branch; /* of the topmost Via */
	bool via_rport;				/* topmost Via asks for rport (RFC 3581) */
	struct fk_view from, to, call_id, cseq; /* raw values */
	struct fk_view from_tag, to_tag;	/* empty if absent */
	uint32_t cseq_number;
	bool has_max_forwards;
	struct fk_view content_type; /* raw value, empty if absent */
	/* Values of headers that hardly any request has; empty if absent. */
	struct fk_view require, content_encoding;
	uint32_t retry_after_s; /* 0 if absent */
	uint16_t warning_code;	/* NNN inside a 399 Warning's text (3GPP sheet 3.7), 0 if none */
	const uint8_t *body;
	uint32_t body_size; /* octets: Content-Length, or the rest of the datagram */
	/* When the parse fails: what is wrong, and whether Via and CSeq suffice to answer it. */
	const char *error;
	const char *error_at; /* the line that it is about; behind the last one: what is missing */
	bool can_answer;
	bool is_other_version; /* a request of another SIP version than 2.0 */
};

/*
 * Parses one datagram. 'ret_message' is always written as far as the parse came.
 * Returns FK_OK; FK_EFORMAT (not SIP at all: no SIP start line); FK_EINVAL (SIP that breaks the
 * rules; 'error' says how, 'can_answer' whether 400 can be sent); FK_EUNSUPPORTED (too many Vias).
 */
FK_MUST_USE enum fk_err fk_sip_parse(const uint8_t *octets, size_t size,
				     struct fk_sip_message *ret_message);

/*
 * Writes the response to 'request' into 'buf': status line, the request's Vias (with received and
 * rport filled in on the topmost when they differ from 'source' and 'source_port'), From, To with
 * 'to_tag' added if it had none, Call-ID, CSeq, 'extra_headers' (complete lines with CRLF, or NULL)
 * and Content-Length: 0. spec: RFC 3261 §8.2.6, §18.2.1
 * 'to_tag' may be NULL: then none is added.
 * Returns FK_OK and the size; FK_EFULL; FK_EINVAL if the status is not 100..699 or there is no Via.
 */
FK_MUST_USE enum fk_err fk_sip_build_response(const struct fk_sip_message *request, uint16_t status,
					      const char *to_tag, const struct fk_address *source,
					      uint16_t source_port, const char *extra_headers,
					      uint8_t *buf, size_t cap, size_t *ret_size);

/* The port in a Via's sent-by, or 5060. spec: RFC 3261 §18.2.2 */
uint16_t fk_sip_sent_by_port(struct fk_view sent_by);

/* True if the host in a Via's sent-by is that very address. */
bool fk_sip_sent_by_is(struct fk_view sent_by, const struct fk_address *source);

/* One part of a multipart body. */
struct fk_sip_part {
	struct fk_view content_type; /* type/subtype only, without parameters */
	bool is_base64;		     /* Content-Transfer-Encoding: base64 */
	bool is_opaque;		     /* another one than base64, binary, 8bit and 7bit, or two */
	const uint8_t *octets;	     /* as carried */
	uint32_t size;
};

/*
 * Splits a multipart/mixed body into at most 'max' parts. Boundaries are looked for at line starts
 * only; NUL and any other octet may stand in a part. A body that is not multipart becomes one part.
 * Returns FK_OK and the number; FK_EUNSUPPORTED (no Content-Type, or another multipart subtype);
 * FK_EFORMAT (no boundary parameter, boundary not found, part without end); FK_EFULL (more parts).
 * spec: RFC 2046 §5.1.1
 */
FK_MUST_USE enum fk_err fk_sip_split_body(const struct fk_sip_message *message,
					  struct fk_sip_part *ret_parts, uint32_t max,
					  uint32_t *ret_n);

/* True if 'len' octets are the same, letters compared without case. */
bool fk_text_equals(const char *a, const char *b, size_t len);

/* True if the view equals the text, letters compared without case. Inline, so that the length of a
 * literal settles most cases without a call. */
static inline bool fk_view_is(struct fk_view view, const char *text)
{
	size_t len = strlen(text);

	return view.len == len && fk_text_equals(view.at, text, len);
}

/* Decodes base64 (RFC 4648 §4, white space allowed). FK_OK and the size; FK_EFORMAT; FK_EFULL. */
FK_MUST_USE enum fk_err fk_base64_decode(const uint8_t *text, size_t text_size, uint8_t *buf,
					 size_t cap, size_t *ret_size);
