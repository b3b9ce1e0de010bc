/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sip_parse.h - what sip.c, which finds the headers, and sip_value.c, which reads them, share.
 *
 * Private to these two. Threads: everything here is pure. Memory: views borrow from the datagram.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

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

/* Takes the trimmed value of one header over into the message. Its parts come one by one: a view
 * that is passed by value goes through memory first, and stalls there. */
void fk_sip_header_take(struct fk_sip_parse *p, enum fk_sip_header id, const char *at,
			uint32_t len);
