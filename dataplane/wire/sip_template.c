/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/sip_template.h"

#include <string.h>

#include <fleetkey/wire.h>

#define SDS_ICSI    "urn:urn-7:3gpp-service.ims.icsi.mcdata.sds"
#define ICSI_TAG    "urn%3Aurn-7%3A3gpp-service.ims.icsi.mcdata.sds"
#define MCDATA_NS   "urn:3gpp:ns:mcdataInfo:1.0"
#define RESOURCE_NS "urn:ietf:params:xml:ns:resource-lists"

#define CONTENT_LENGTH_DIGITS 4
#define BODY_SIZE_MAX	      9999u
#define DATE_TIME_SIZE	      5	 /* octets; fk_sip_fill carries 32 of its 40 bits */
#define IDS_SIZE	      37 /* date and time, Conversation ID, Message ID */
#define SIGNALLING_IDS_AT     1	 /* where they stand in an SDS SIGNALLING PAYLOAD */
#define SIGNALLING_SIZE_MAX   1024
#define BOUNDARY_DEFAULT      'k'
#define COPY_STEP	      32 /* octets; kept free behind the template's text */
#define TEXT_SIZE_MAX	      (sizeof(((struct fk_sip_template *)0)->text) - COPY_STEP)

/* What stands in a gap. */
enum field {
	FIELD_MCDATA_ID,
	FIELD_BRANCH,
	FIELD_CALL_ID,
	FIELD_FROM_TAG,
	FIELD_CONTENT_LENGTH,
	FIELD_BOUNDARY,
	FIELD_IDS,	    /* date and time, Conversation ID, Message ID in one run */
	FIELD_PAYLOAD_SIZE, /* length of the Payload IE: content type and payload */
	FIELD_PAYLOAD,
};

/* Widths of the fields that are the same in every message. */
static const uint8_t field_widths[] = {
	[FIELD_MCDATA_ID] = 0,
	[FIELD_BRANCH] = FK_BRANCH_LEN,
	[FIELD_CALL_ID] = FK_CALL_ID_LEN,
	[FIELD_FROM_TAG] = FK_FROM_TAG_LEN,
	[FIELD_CONTENT_LENGTH] = CONTENT_LENGTH_DIGITS,
	[FIELD_BOUNDARY] = 1,
	[FIELD_IDS] = IDS_SIZE,
	[FIELD_PAYLOAD_SIZE] = 2,
	[FIELD_PAYLOAD] = 0,
};

/* A template being written. Like a wire cursor it remembers the first failure. */
struct builder {
	struct fk_sip_template *t;
	struct fk_wire_writer w;
	uint32_t gap_octets; /* widths of the gaps so far */
	bool too_many_gaps;
};

static void add(struct builder *b, const char *text)
{
	fk_wire_put_bytes(&b->w, text, strlen(text));
}

static void add_gap(struct builder *b, enum field field)
{
	struct fk_sip_template *t = b->t;

	if (t->n_gaps == FK_SIP_TEMPLATE_GAPS_MAX) {
		b->too_many_gaps = true;
		return;
	}
	t->gaps[t->n_gaps++] = (struct fk_sip_gap){
		.offset = (uint16_t)fk_wire_written(&b->w),
		.field = (uint8_t)field,
	};
	b->gap_octets += field_widths[field];
}

/* Octets without UE URI and payload so far. */
static size_t built_size(const struct builder *b)
{
	return fk_wire_written(&b->w) + b->gap_octets;
}

/* Letters, digits and the marks of RFC 3261 §25.1 without "&" and "'", which XML would have us
 * escape; refusing them keeps one width for one URI wherever it stands. */
static bool is_uri_char(unsigned char c)
{
	static const uint64_t safe[2] = {
		UINT64_C(0xafffff3200000000), /* ! $ % ( ) * + , - . / 0-9 : ; = ? */
		UINT64_C(0x47fffffeafffffff), /* @ A-Z [ ] _ a-z ~ */
	};

	return c < 128 && (safe[c / 64] >> c % 64 & 1) != 0;
}

static bool has_uri_chars(const char *text, size_t size)
{
	bool all = true;

	for (size_t i = 0; i < size; i++)
		all &= is_uri_char((unsigned char)text[i]);
	return all;
}

bool fk_sip_uri_is_safe(const char *uri, size_t size)
{
	const char *colon = size > 0 ? memchr(uri, ':', size) : NULL;

	return colon != NULL && colon != uri && colon != uri + size - 1 && has_uri_chars(uri, size);
}

static bool is_uri(const char *uri)
{
	size_t size = uri != NULL ? strlen(uri) : 0;

	return size <= FK_URI_SIZE_MAX && fk_sip_uri_is_safe(uri, size);
}

/* host or host:port */
static bool is_host_port(const char *text)
{
	return text != NULL && text[0] != '\0' &&
	       text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				 ".-:[]")] == '\0';
}

static bool spec_is_whole(const struct fk_sip_template_spec *spec)
{
	if (!is_host_port(spec->sent_by) || !is_uri(spec->kmf_uri))
		return false;
	if (spec->route_host != NULL && !is_host_port(spec->route_host))
		return false;
	switch ((enum fk_sip_profile)spec->profile) {
	case FK_PROFILE_A:
		return is_uri(spec->psi);
	case FK_PROFILE_B:
		return is_uri(spec->psi) && is_uri(spec->kmf_psi);
	case FK_PROFILE_C:
		return is_uri(spec->kmf_psi);
	}
	return false;
}

/* Request-URI and To: the participating function, or the UE itself. 3GPP sheet 3.2 */
static void add_target(struct builder *b, const struct fk_sip_template_spec *spec)
{
	if (spec->profile == FK_PROFILE_C) {
		add_gap(b, FIELD_MCDATA_ID);
		b->t->n_uris_in_header++;
	} else {
		add(b, spec->psi);
	}
}

/* spec: 3GPP sheet 3.3, 9.3; TS 24.282 §6.2.4.1 */
static void add_header(struct builder *b, const struct fk_sip_template_spec *spec)
{
	bool is_client = spec->profile == FK_PROFILE_A;

	add(b, "MESSAGE ");
	add_target(b, spec);
	add(b, " SIP/2.0\r\nv:SIP/2.0/UDP ");
	add(b, spec->sent_by);
	add(b, ";branch=");
	add_gap(b, FIELD_BRANCH);
	add(b, "\r\nMax-Forwards:70\r\n");
	if (spec->route_host != NULL) {
		add(b, "Route:<sip:");
		add(b, spec->route_host);
		add(b, ";lr>\r\n");
	}
	add(b, "f:<");
	add(b, spec->kmf_uri);
	add(b, ">;tag=");
	add_gap(b, FIELD_FROM_TAG);
	add(b, "\r\nt:<");
	add_target(b, spec);
	add(b, ">\r\ni:");
	add_gap(b, FIELD_CALL_ID);
	add(b, "\r\nCSeq:1 MESSAGE\r\n"
	       "a:*;+g.3gpp.mcdata.sds;require;explicit,"
	       "*;+g.3gpp.icsi-ref=\"" ICSI_TAG "\";require;explicit\r\n");
	add(b, is_client ? "P-Preferred-Service:" SDS_ICSI "\r\nP-Preferred-Identity:<"
			 : "P-Asserted-Service:" SDS_ICSI "\r\nP-Asserted-Identity:<");
	add(b, is_client ? spec->kmf_uri : spec->kmf_psi);
	add(b, ">\r\nc:multipart/mixed;boundary=");
	add_gap(b, FIELD_BOUNDARY);
	add(b, "\r\nl:");
	add_gap(b, FIELD_CONTENT_LENGTH);
	add(b, "\r\n\r\n");
}

/* The delimiter line and the header of one part. */
static void add_part(struct builder *b, const char *media_type)
{
	add(b, "--");
	add_gap(b, FIELD_BOUNDARY);
	add(b, "\r\nContent-Type:application/");
	add(b, media_type);
	add(b, "\r\n\r\n");
}

/* spec: 3GPP sheet 3.5; TS 24.282 Annex D.1: the order of the elements matters */
static void add_mcdata_info(struct builder *b, const struct fk_sip_template_spec *spec)
{
	add_part(b, "vnd.3gpp.mcdata-info+xml");
	add(b, "<mcdatainfo xmlns=\"" MCDATA_NS "\"><mcdata-Params>"
	       "<request-type>one-to-one-sds</request-type>");
	if (spec->profile == FK_PROFILE_C) {
		add(b, "<mcdata-request-uri type=\"Normal\"><mcdataURI>");
		add_gap(b, FIELD_MCDATA_ID);
		b->t->n_uris_in_body++;
		add(b, "</mcdataURI></mcdata-request-uri>");
	}
	if (spec->profile != FK_PROFILE_A) {
		add(b, "<mcdata-calling-user-id type=\"Normal\"><mcdataURI>");
		add(b, spec->kmf_uri);
		add(b, "</mcdataURI></mcdata-calling-user-id>");
	}
	add(b, "</mcdata-Params></mcdatainfo>\r\n");
}

/* Exactly one entry. spec: 3GPP sheet 3.3; TS 24.282 §9.2.2.2.1 */
static void add_resource_lists(struct builder *b)
{
	add_part(b, "resource-lists+xml");
	add(b, "<resource-lists xmlns=\"" RESOURCE_NS "\"><list><entry uri=\"");
	add_gap(b, FIELD_MCDATA_ID);
	b->t->n_uris_in_body++;
	add(b, "\"/></list></resource-lists>\r\n");
}

/* The SDS SIGNALLING PAYLOAD of sds.c with a gap where the IDs stand. */
static enum fk_err add_signalling(struct builder *b, const struct fk_sip_template_spec *spec)
{
	struct fk_sds_signalling signalling = {
		.disposition_request = spec->disposition_request,
		.extended_app_id_type = spec->extended_app_id_type,
		.extended_app_id = spec->extended_app_id,
		.extended_app_id_size = spec->extended_app_id_size,
	};
	uint8_t octets[SIGNALLING_SIZE_MAX];
	size_t size, behind = SIGNALLING_IDS_AT + IDS_SIZE;
	enum fk_err err;

	if (spec->extended_app_id_type != FK_SDS_APP_ID_NONE && spec->extended_app_id_size > 0 &&
	    spec->extended_app_id == NULL)
		return FK_EINVAL;
	err = fk_sds_encode_signalling(&signalling, octets, sizeof(octets), &size);
	if (err != FK_OK)
		return err;
	/* In fixed text a delimiter's beginning would be found in every message. */
	if (memmem(octets, size, "\r\n--", 4) != NULL)
		return FK_EINVAL;
	add_part(b, "vnd.3gpp.mcdata-signalling");
	fk_wire_put_bytes(&b->w, octets, SIGNALLING_IDS_AT);
	add_gap(b, FIELD_IDS);
	fk_wire_put_bytes(&b->w, octets + behind, size - behind);
	add(b, "\r\n");
	return FK_OK;
}

/* spec: TS 24.282 §15.1.4: one Payload IE of content type BINARY */
static void add_data(struct builder *b)
{
	static const uint8_t before_size[] = {FK_SDS_DATA_PAYLOAD, 1, 0x78};

	add_part(b, "vnd.3gpp.mcdata-payload");
	fk_wire_put_bytes(&b->w, before_size, sizeof(before_size));
	add_gap(b, FIELD_PAYLOAD_SIZE);
	fk_wire_put_u8(&b->w, FK_SDS_CONTENT_BINARY);
	add_gap(b, FIELD_PAYLOAD);
	add(b, "\r\n");
}

enum fk_err fk_sip_template_build(const struct fk_sip_template_spec *spec,
				  struct fk_sip_template *ret_template)
{
	struct fk_sip_template t = {0};
	struct builder b = {.t = &t, .w = fk_wire_writer(t.text, TEXT_SIZE_MAX)};
	size_t header_size, text_size;
	enum fk_err err;

	if (!spec_is_whole(spec))
		return FK_EINVAL;
	add_header(&b, spec);
	header_size = built_size(&b);
	add_mcdata_info(&b, spec);
	if (spec->profile != FK_PROFILE_C)
		add_resource_lists(&b);
	err = add_signalling(&b, spec);
	if (err != FK_OK)
		return err;
	add_data(&b);
	add(&b, "--");
	add_gap(&b, FIELD_BOUNDARY);
	add(&b, "--");

	err = fk_wire_done(&b.w, &text_size);
	if (err != FK_OK)
		return err;
	if (b.too_many_gaps)
		return FK_EFULL;
	t.text_size = (uint16_t)text_size;
	t.base_size = (uint16_t)built_size(&b);
	t.body_base_size = (uint16_t)(built_size(&b) - header_size);
	*ret_template = t;
	return FK_OK;
}

size_t fk_sip_template_size(const struct fk_sip_template *t, uint16_t mcdata_id_size,
			    uint16_t payload_size)
{
	return t->base_size + payload_size +
	       (size_t)(t->n_uris_in_header + t->n_uris_in_body) * mcdata_id_size;
}

/* Sets the bit of every octet that follows CRLF-- in 'octets': a boundary that begins with it would
 * be found there. */
static void mark_boundaries(const uint8_t *octets, size_t size, uint64_t taken[static 4])
{
	const uint8_t *end = octets + size;

	while ((octets = memmem(octets, (size_t)(end - octets), "\r\n--", 4)) != NULL) {
		octets += 4;
		if (octets == end)
			return;
		taken[*octets / 64] |= UINT64_C(1) << *octets % 64;
	}
}

/*
 * The boundary's one letter. A KMM is as good as random, so CRLF--k stands in one of some 2^33; the
 * message must get through all the same. The fixed octets around the two runs cannot complete a
 * CRLF--x that begins in them, so looking at the runs alone is enough.
 */
static char choose_boundary(const uint8_t ids[static IDS_SIZE], const struct fk_sip_fill *fill)
{
	static const char others[] =
		"qabcdefghijlmnoprstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	uint64_t taken[4] = {0};
	char c = BOUNDARY_DEFAULT;

	mark_boundaries(ids, IDS_SIZE, taken);
	mark_boundaries(fill->payload, fill->payload_size, taken);
	for (const char *next = others; c != '\0' && (taken[c / 64] >> c % 64 & 1) != 0; next++)
		c = *next;
	return c; /* '\0': all are taken */
}

static void write_ids(const struct fk_sip_fill *fill, uint8_t ids[static IDS_SIZE])
{
	struct fk_wire_writer w = fk_wire_writer(ids, IDS_SIZE);

	fk_wire_put_uint(&w, fill->date_time_s, DATE_TIME_SIZE);
	fk_wire_put_bytes(&w, fill->conversation_id, FK_SDS_ID_SIZE);
	fk_wire_put_bytes(&w, fill->message_id, FK_SDS_ID_SIZE);
}

/* Leading zeros are legal (Content-Length is 1*DIGIT) and keep the width. */
static void write_digits(uint8_t *at, size_t value)
{
	for (int i = CONTENT_LENGTH_DIGITS; i > 0; i--, value /= 10)
		at[i - 1] = (uint8_t)('0' + value % 10);
}

/* Writes one field; returns where the next octet goes. Widths are constants where they can be, so
 * that the copies need no call. */
static uint8_t *write_field(const struct fk_sip_fill *fill, enum field field, size_t body_size,
			    const uint8_t ids[static IDS_SIZE], char boundary, uint8_t *at)
{
	switch (field) {
	case FIELD_MCDATA_ID:
		memcpy(at, fill->mcdata_id, fill->mcdata_id_size);
		return at + fill->mcdata_id_size;
	case FIELD_BRANCH:
		memcpy(at, fill->branch, FK_BRANCH_LEN);
		return at + FK_BRANCH_LEN;
	case FIELD_CALL_ID:
		memcpy(at, fill->call_id, FK_CALL_ID_LEN);
		return at + FK_CALL_ID_LEN;
	case FIELD_FROM_TAG:
		memcpy(at, fill->from_tag, FK_FROM_TAG_LEN);
		return at + FK_FROM_TAG_LEN;
	case FIELD_CONTENT_LENGTH:
		write_digits(at, body_size);
		return at + CONTENT_LENGTH_DIGITS;
	case FIELD_BOUNDARY:
		*at = (uint8_t)boundary;
		return at + 1;
	case FIELD_IDS:
		memcpy(at, ids, IDS_SIZE);
		return at + IDS_SIZE;
	case FIELD_PAYLOAD_SIZE:
		at[0] = (uint8_t)((fill->payload_size + 1u) >> 8);
		at[1] = (uint8_t)(fill->payload_size + 1u);
		return at + 2;
	case FIELD_PAYLOAD:
		memcpy(at, fill->payload, fill->payload_size);
		return at + fill->payload_size;
	}
	return at;
}

/* Copies a run of the template in steps of a fixed width, which go on beyond its end: what stands
 * there is written next. Needs COPY_STEP octets behind the run on either side. */
static void copy_run(uint8_t *at, const char *text, size_t size)
{
	for (size_t i = 0; i < size; i += COPY_STEP)
		memcpy(at + i, text + i, COPY_STEP);
}

size_t fk_sip_template_fill(const struct fk_sip_template *t, const struct fk_sip_fill *fill,
			    uint8_t *buf, size_t cap, size_t *ret_payload_offset)
{
	size_t size = fk_sip_template_size(t, fill->mcdata_id_size, fill->payload_size);
	size_t body_size = t->body_base_size + fill->payload_size +
			   (size_t)t->n_uris_in_body * fill->mcdata_id_size;
	uint8_t ids[IDS_SIZE], *at = buf;
	uint16_t copied = 0;
	bool has_slack = cap - size >= COPY_STEP; /* not used before size <= cap is known */
	char boundary;

	if (size > cap || body_size > BODY_SIZE_MAX ||
	    !fk_sip_uri_is_safe(fill->mcdata_id, fill->mcdata_id_size))
		return 0;
	write_ids(fill, ids);
	boundary = choose_boundary(ids, fill);
	if (boundary == '\0')
		return 0;
	for (uint32_t i = 0; i < t->n_gaps; i++) {
		const struct fk_sip_gap *gap = &t->gaps[i];

		if (has_slack)
			copy_run(at, t->text + copied, gap->offset - copied);
		else
			memcpy(at, t->text + copied, gap->offset - copied);
		at += gap->offset - copied;
		copied = gap->offset;
		if (gap->field == FIELD_PAYLOAD && ret_payload_offset != NULL)
			*ret_payload_offset = (size_t)(at - buf);
		at = write_field(fill, gap->field, body_size, ids, boundary, at);
	}
	memcpy(at, t->text + copied, t->text_size - copied);
	return size;
}
