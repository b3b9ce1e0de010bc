/* SPDX-License-Identifier: Apache-2.0 */
/* accepted.c - see accepted.h. */
#include <string.h>

#include "accepted.h"

#define START  "SIP/2.0 202 Accepted\r\nVia: "
#define BRANCH ";branch="
#define FIXED                                                                               \
	(sizeof(START "\r\nFrom: \r\nTo: ;tag=\r\nCall-ID: \r\nCSeq: \r\nContent-Length: 0" \
		      "\r\n\r\n") +                                                         \
	 FK_ACCEPTED_TAG_LEN)

static bool is_folded(struct fk_view v)
{
	return v.len == 0 || memchr(v.at, '\r', v.len) != NULL;
}

/* The topmost Via is sent-by and branch, and nothing follows. */
static bool is_plain(const struct fk_sip_message *r)
{
	const char *branch = r->via_sent_by.at + r->via_sent_by.len;
	const struct fk_view *via = &r->vias[0];

	return r->n_vias == 1 && !r->via_rport && r->via_sent_by.len > 0 &&
	       r->via_branch.at == branch + sizeof(BRANCH) - 1 &&
	       memcmp(branch, BRANCH, sizeof(BRANCH) - 1) == 0 &&
	       r->via_branch.at + r->via_branch.len == via->at + via->len && r->to_tag.len == 0 &&
	       !is_folded(*via) && !is_folded(r->from) && !is_folded(r->to) &&
	       !is_folded(r->call_id) && !is_folded(r->cseq);
}

static uint8_t *put(uint8_t *at, const char *text, size_t len)
{
	memcpy(at, text, len);
	return at + len;
}

static uint8_t *put_view(uint8_t *at, struct fk_view v)
{
	return put(at, v.at, v.len);
}

#define PUT(at, text) put(at, text, sizeof(text) - 1)

size_t fk_accepted_write(const struct fk_sip_message *request,
			 const char to_tag[static FK_ACCEPTED_TAG_LEN],
			 const struct fk_address *source, uint8_t *buf, size_t cap)
{
	const struct fk_sip_message *r = request;
	uint8_t *at = buf;

	if (!is_plain(r) || !fk_sip_sent_by_is(r->via_sent_by, source) ||
	    cap < FIXED + r->vias[0].len + r->from.len + r->to.len + r->call_id.len + r->cseq.len)
		return 0;
	at = put_view(PUT(at, START), r->vias[0]);
	at = put_view(PUT(at, "\r\nFrom: "), r->from);
	at = put_view(PUT(at, "\r\nTo: "), r->to);
	at = put(PUT(at, ";tag="), to_tag, FK_ACCEPTED_TAG_LEN);
	at = put_view(PUT(at, "\r\nCall-ID: "), r->call_id);
	at = put_view(PUT(at, "\r\nCSeq: "), r->cseq);
	at = PUT(at, "\r\nContent-Length: 0\r\n\r\n");
	return (size_t)(at - buf);
}
