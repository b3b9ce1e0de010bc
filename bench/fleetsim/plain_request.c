/* SPDX-License-Identifier: Apache-2.0 */
/* plain_request.c - see plain_request.h. */
#include <string.h>

#include "plain_request.h"

#define COOKIE "z9hG4bK" /* of every branch, RFC 3261 §8.1.1.7 */

/* What may stand in a span. */
enum kind {
	NAME,	/* what stands there in the known one, or another letter or digit */
	TARGET, /* likewise; the URI of the UE, the same in all of them */
	OCTETS, /* anything that is no boundary */
};

/* The views of a message besides its one Via. */
#define FIELD(name) offsetof(struct fk_sip_message, name)
static const uint16_t fields[] = {
	FIELD(method_text), FIELD(request_uri),	     FIELD(vias),
	FIELD(via_sent_by), FIELD(via_branch),	     FIELD(from),
	FIELD(to),	    FIELD(call_id),	     FIELD(cseq),
	FIELD(from_tag),    FIELD(to_tag),	     FIELD(content_type),
	FIELD(require),	    FIELD(content_encoding),
};

/* By arithmetic, of which a compiler makes vectors. */
static bool is_name(const uint8_t *at, const uint8_t *known, size_t size)
{
	uint8_t all = 1;

	for (size_t i = 0; i < size; i++) {
		uint8_t is_letter = (uint8_t)((at[i] | 0x20) - 'a') < 26;
		uint8_t is_digit = (uint8_t)(at[i] - '0') < 10;

		all &= is_letter | is_digit | (at[i] == known[i]);
	}
	return all != 0;
}

/* A line that starts like a boundary. The first one starts with the part. */
static bool may_hold_boundary(const uint8_t *at, size_t size)
{
	const uint8_t *end = at + size;

	while (end - at >= 2) {
		if (at[0] == '-' && at[1] == '-')
			return true;
		at = memchr(at, '\n', (size_t)(end - at));
		if (at == NULL)
			return false;
		at++;
	}
	return false;
}

/* Everything but the spans, octet by octet. */
static bool fits(const struct fk_plain_request *known, const uint8_t *octets,
		 const uint8_t **ret_target)
{
	const uint8_t *target = NULL;
	size_t from = 0;

	for (uint32_t i = 0; i <= known->n_spans; i++) {
		size_t to = i < known->n_spans ? known->spans[i].offset : known->size;

		if (memcmp(octets + from, known->octets + from, to - from) != 0)
			return false;
		from = to + (i < known->n_spans ? known->spans[i].size : 0);
	}
	for (uint32_t i = 0; i < known->n_spans; i++) {
		const struct fk_plain_span *span = &known->spans[i];
		const uint8_t *at = octets + span->offset;

		if (span->kind == OCTETS) {
			if (may_hold_boundary(at, span->size))
				return false;
		} else if (span->kind == TARGET && target != NULL) {
			if (memcmp(target, at, span->size) != 0)
				return false;
		} else if (!is_name(at, known->octets + span->offset, span->size)) {
			return false;
		}
		if (span->kind == TARGET)
			target = at;
	}
	*ret_target = target;
	return true;
}

/* The message that is known, with views into 'octets'. Of its Vias there is one. */
static void copy_message(const struct fk_plain_request *known, const uint8_t *octets,
			 struct fk_sip_message *ret_message)
{
	const uint8_t *from = (const uint8_t *)&known->message;
	uint8_t *to = (uint8_t *)ret_message;

	memcpy(to, from, FIELD(vias[1]));
	memcpy(to + FIELD(n_vias), from + FIELD(n_vias), sizeof(*ret_message) - FIELD(n_vias));
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		struct fk_view *view = (struct fk_view *)(to + fields[i]);

		if (view->len > 0)
			view->at = (const char *)octets + (view->at - (const char *)known->octets);
	}
	ret_message->body = octets + (known->message.body - known->octets);
}

static bool read_parts(const struct fk_plain_request *known, const uint8_t *octets,
		       const uint8_t *target, struct fk_inspected *x)
{
	memcpy(x->target, target, known->target_size);
	x->target_size = known->target_size;
	return fk_sds_decode_signalling(octets + known->signalling.offset, known->signalling.size,
					&x->signalling) == FK_OK &&
	       x->signalling.disposition_request == FK_SDS_REQUEST_DELIVERY &&
	       fk_sds_decode_data(octets + known->payload.offset, known->payload.size, &x->payload,
				  &x->payload_size) == FK_OK;
}

bool fk_plain_request_read(const struct fk_plain_requests *requests, const struct fk_face *face,
			   const uint8_t *octets, size_t size, struct fk_sip_message *ret_message,
			   struct fk_inspected *ret_inspected)
{
	for (uint32_t i = 0; i < FK_PLAIN_REQUESTS; i++) {
		const struct fk_plain_request *known = &requests->requests[i];
		const uint8_t *target;

		if (known->size != size || known->face != face || known->profile != face->profile ||
		    size == 0 || !fits(known, octets, &target))
			continue;
		if (!read_parts(known, octets, target, ret_inspected))
			return false;
		copy_message(known, octets, ret_message);
		return true;
	}
	return false;
}

/* Adds a span; they come in any order. False if there are too many, or if two overlap. */
static bool add(struct fk_plain_request *known, const void *at, const uint8_t *octets, size_t size,
		enum kind kind)
{
	struct fk_plain_span span = {.offset = (uint16_t)((const uint8_t *)at - octets),
				     .size = (uint16_t)size,
				     .kind = (uint8_t)kind};
	uint32_t i = known->n_spans;

	if (i == FK_PLAIN_REQUEST_SPANS)
		return false;
	for (; i > 0 && known->spans[i - 1].offset > span.offset; i--)
		known->spans[i] = known->spans[i - 1];
	known->spans[i] = span;
	known->n_spans++;
	return (i == 0 || known->spans[i - 1].offset + known->spans[i - 1].size <= span.offset) &&
	       (i + 1 == known->n_spans || span.offset + span.size <= known->spans[i + 1].offset);
}

static bool add_name(struct fk_plain_request *known, struct fk_view view, const uint8_t *octets)
{
	return view.len > 0 && add(known, view.at, octets, view.len, NAME);
}

/* The URI of the UE wherever it stands before 'end', from 'at' on; how often, in 'ret_n'. */
static bool add_targets(struct fk_plain_request *known, const uint8_t *octets, const uint8_t *at,
			const uint8_t *end, const struct fk_inspected *x, uint32_t *ret_n)
{
	*ret_n = 0;
	while ((at = memmem(at, (size_t)(end - at), x->target, x->target_size)) != NULL) {
		if (!add(known, at, octets, x->target_size, TARGET))
			return false;
		at += x->target_size;
		++*ret_n;
	}
	return true;
}

/* In the documents the URI has to stand once: there it is who the message is for. */
static bool find_spans(struct fk_plain_request *known, const uint8_t *octets, size_t size,
		       const struct fk_sip_message *message, const struct fk_inspected *x)
{
	const uint8_t *body = message->body;
	const uint8_t *signalling = (const uint8_t *)x->signalling_part.at;
	const uint8_t *payload = (const uint8_t *)x->payload_part.at;
	const uint8_t *behind = payload + x->payload_part.len;
	uint32_t n_header, n_documents, n_between, n_behind;
	struct fk_view branch = message->via_branch;

	if (branch.len < sizeof(COOKIE) || memcmp(branch.at, COOKIE, sizeof(COOKIE) - 1) != 0)
		return false;
	branch.at += sizeof(COOKIE) - 1;
	branch.len -= (uint32_t)sizeof(COOKIE) - 1;
	return add_name(known, branch, octets) && add_name(known, message->from_tag, octets) &&
	       add_name(known, message->call_id, octets) &&
	       add(known, signalling, octets, x->signalling_part.len, OCTETS) &&
	       add(known, payload, octets, x->payload_part.len, OCTETS) &&
	       add_targets(known, octets, octets, body, x, &n_header) &&
	       add_targets(known, octets, body, signalling, x, &n_documents) &&
	       add_targets(known, octets, signalling + x->signalling_part.len, payload, x,
			   &n_between) &&
	       add_targets(known, octets, behind, octets + size, x, &n_behind) &&
	       n_documents + n_between + n_behind == 1;
}

void fk_plain_request_learn(struct fk_plain_requests *requests, const struct fk_face *face,
			    const uint8_t *octets, size_t size,
			    const struct fk_sip_message *message,
			    const struct fk_inspected *inspected)
{
	struct fk_plain_request *known = &requests->requests[requests->next];
	const struct fk_inspected *x = inspected;

	if (size > sizeof(known->octets) || message->n_vias != 1 || x->target_size == 0 ||
	    x->payload_part.len == 0 || x->signalling_part.len == 0 ||
	    x->signalling_part.at > x->payload_part.at)
		return;
	*known = (struct fk_plain_request){.face = face,
					   .profile = face->profile,
					   .target_size = (uint16_t)x->target_size,
					   .message = *message};
	if (!find_spans(known, octets, size, message, x))
		return; /* its size is still 0 */
	memcpy(known->octets, octets, size);
	for (uint32_t i = 0; i < known->n_spans; i++) {
		if (known->spans[i].offset == (const uint8_t *)x->signalling_part.at - octets)
			known->signalling = known->spans[i];
		else if (known->spans[i].offset == (const uint8_t *)x->payload_part.at - octets)
			known->payload = known->spans[i];
	}
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		struct fk_view *view = (struct fk_view *)((uint8_t *)&known->message + fields[i]);

		if (view->len > 0)
			view->at = (const char *)known->octets + (view->at - (const char *)octets);
	}
	known->message.body = known->octets + (message->body - octets);
	known->size = (uint16_t)size;
	requests->next = (requests->next + 1) % FK_PLAIN_REQUESTS;
}
