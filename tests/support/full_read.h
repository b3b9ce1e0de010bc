/* SPDX-License-Identifier: Apache-2.0 */
/*
 * full_read.h - what a message says when it is read in full, and whether a shape says the same.
 *
 * For the test and the fuzz target of wire/sip_shape.h.
 */
#pragma once

#include <string.h>

#include "wire/mcdata_info.h"
#include "wire/sip_shape.h"

struct full_read {
	struct fk_sip_message message;
	struct fk_sip_shape_body body; /* 'user' borrows from 'mcdata_info' */
	struct fk_mcdata_info mcdata_info;
};

static inline bool full_read_part(const struct fk_sip_part *part, struct fk_view *ret_view)
{
	*ret_view = (struct fk_view){.at = (const char *)part->octets, .len = part->size};
	return !part->is_opaque && !part->is_base64;
}

/* True if it is a response, or a MESSAGE with the parts of an SDS as they are. */
static inline bool full_read(const uint8_t *octets, size_t size, struct full_read *ret_read)
{
	struct fk_sip_part parts[FK_SIP_PARTS_TAKEN];
	struct fk_sip_message *m = &ret_read->message;
	struct fk_sip_shape_body *body = &ret_read->body;
	bool ok = true;
	uint32_t n;

	*body = (struct fk_sip_shape_body){0};
	if (fk_sip_parse(octets, size, m) != FK_OK)
		return false;
	if (m->is_response)
		return true;
	if (m->method != FK_SIP_MESSAGE ||
	    fk_sip_split_body(m, parts, FK_SIP_PARTS_TAKEN, &n) != FK_OK)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		struct fk_view type = parts[i].content_type;

		if (fk_view_is(type, "application/vnd.3gpp.mcdata-info+xml"))
			ok &= full_read_part(&parts[i], &body->info);
		else if (fk_view_is(type, "application/vnd.3gpp.mcdata-signalling"))
			ok &= full_read_part(&parts[i], &body->signalling);
		else if (fk_view_is(type, "application/vnd.3gpp.mcdata-payload"))
			ok &= full_read_part(&parts[i], &body->payload);
	}
	if (!ok || body->info.at == NULL || body->signalling.len == 0 ||
	    fk_mcdata_info_parse((const uint8_t *)body->info.at, body->info.len,
				 &ret_read->mcdata_info) != FK_OK)
		return false;
	body->user = (struct fk_view){.at = ret_read->mcdata_info.calling_user_id,
				      .len = ret_read->mcdata_info.calling_user_id_size};
	return true;
}

static inline bool is_same_place(struct fk_view a, struct fk_view b)
{
	return a.len == b.len && (a.len == 0 || a.at == b.at);
}

/* Does a shape's word of a message agree with the full one in all that it says? */
static inline bool full_read_agrees(const struct full_read *full, const struct fk_sip_message *m,
				    const struct fk_sip_shape_body *body)
{
	const struct fk_sip_message *f = &full->message;
	bool same = f->n_vias == m->n_vias;

	for (uint32_t i = 0; same && i < f->n_vias; i++)
		same = is_same_place(f->vias[i], m->vias[i]);
	return same && f->is_response == m->is_response && f->status == m->status &&
	       f->method == m->method && f->via_rport == m->via_rport &&
	       f->cseq_number == m->cseq_number && f->has_max_forwards == m->has_max_forwards &&
	       f->retry_after_s == m->retry_after_s && f->warning_code == m->warning_code &&
	       f->body == m->body && f->body_size == m->body_size && f->error == m->error &&
	       f->error_at == m->error_at && f->can_answer == m->can_answer &&
	       f->is_other_version == m->is_other_version &&
	       is_same_place(f->method_text, m->method_text) &&
	       is_same_place(f->request_uri, m->request_uri) &&
	       is_same_place(f->via_sent_by, m->via_sent_by) &&
	       is_same_place(f->via_branch, m->via_branch) && is_same_place(f->from, m->from) &&
	       is_same_place(f->to, m->to) && is_same_place(f->call_id, m->call_id) &&
	       is_same_place(f->cseq, m->cseq) && is_same_place(f->from_tag, m->from_tag) &&
	       is_same_place(f->to_tag, m->to_tag) &&
	       is_same_place(f->content_type, m->content_type) &&
	       is_same_place(f->require, m->require) &&
	       is_same_place(f->content_encoding, m->content_encoding) &&
	       is_same_place(full->body.signalling, body->signalling) &&
	       is_same_place(full->body.payload, body->payload) &&
	       full->body.user.len == body->user.len &&
	       (body->user.len == 0 ||
		memcmp(full->body.user.at, body->user.at, body->user.len) == 0);
}
