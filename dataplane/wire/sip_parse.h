/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sip_parse.h - what sip.c, which finds the headers, sip_value.c, which reads them, sip_plain.c,
 * which does both for nearly all, and sip_shape.c, which knows them again, share.
 *
 * Private to these. Threads: everything here is pure. Memory: views borrow from the datagram.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sip_scan.h"
#include "wire/sip.h"

/* The headers that are read; all others are skipped. */
enum fk_sip_header {
	FK_SIP_HEADER_VIA,
	FK_SIP_HEADER_FROM,
	FK_SIP_HEADER_TO,
	FK_SIP_HEADER_CALL_ID,
	FK_SIP_HEADER_CSEQ,
	FK_SIP_HEADER_MAX_FORWARDS,
	FK_SIP_HEADER_CONTENT_TYPE,
	FK_SIP_HEADER_CONTENT_LENGTH,
	FK_SIP_HEADER_RETRY_AFTER,
	FK_SIP_HEADER_WARNING,
	FK_SIP_HEADERS,
};

#define FK_SIP_NAME_LEN_MAX	14   /* of the names of these */
#define FK_SIP_MAX_FORWARDS_MAX 255u /* spec: RFC 3261 §20.22 */

/* Their names in lower case. None shares its length with more than one other, and of two only one
 * begins with a C. spec: RFC 3261 §7.3.3, §20 */
extern const char fk_sip_header_names[FK_SIP_HEADERS][FK_SCAN_BLOCK];

/* Which header a name of this length can be: one that begins with another letter, or with a C. */
extern const uint8_t fk_sip_headers_by_len[FK_SIP_NAME_LEN_MAX + 1][2];

/* The header that one letter stands for. spec: RFC 3261 §7.3.3 */
static inline enum fk_sip_header fk_sip_header_compact(char c)
{
	switch (c | 0x20) {
	case 'v':
		return FK_SIP_HEADER_VIA;
	case 'f':
		return FK_SIP_HEADER_FROM;
	case 't':
		return FK_SIP_HEADER_TO;
	case 'i':
		return FK_SIP_HEADER_CALL_ID;
	case 'c':
		return FK_SIP_HEADER_CONTENT_TYPE;
	case 'l':
		return FK_SIP_HEADER_CONTENT_LENGTH;
	}
	return FK_SIP_HEADERS;
}

/* May it be a header that is not of these and still read? Its first letter tells. */
static inline bool fk_sip_may_be_seldom(char first)
{
	return (first | 0x20) == 'r' || (first | 0x20) == 'e' || (first | 0x20) == 'c';
}

/* Which header a name is, long or compact; FK_SIP_HEADERS if it is none of these. */
enum fk_sip_header fk_sip_header_find(struct fk_view name);

/* What the parse knows besides the message. */
struct fk_sip_parse {
	struct fk_sip_message *message;
	const char *end;  /* of the datagram: scans may look this far */
	const char *line; /* that is being read */
	uint32_t seen;	  /* bit per fk_sip_header */
	uint32_t content_length;
	struct fk_view cseq_method;
	bool is_cut; /* the header does not end, or holds octets that no header holds */
	bool too_many_vias;
};

/* Keeps the first error: it is what the peer has to mend first. */
static inline void fk_sip_fail(struct fk_sip_parse *p, const char *error)
{
	if (p->message->error != NULL)
		return;
	p->message->error = error;
	p->message->error_at = p->line;
}

/* Takes the trimmed value of one header over into the message. */
void fk_sip_header_take(struct fk_sip_parse *p, enum fk_sip_header id, struct fk_view value);

/* Takes headers over from 'at' on, as long as they are of the plain form. Returns where the first
 * line starts that is not, or that is empty. 'start' is the datagram's. */
const char *fk_sip_read_plain(struct fk_sip_parse *p, const char *start, const char *at);
