/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/sip_template.h"

#include <string.h>

#include <fleetkey/wire.h>

#include "net_sum.h"
#include "sip_fill.h"
#include "sip_scan.h"
#include "wire/isd.h"
#include "wire/mcdata_info.h"

#define MCDATA_NS   "urn:3gpp:ns:mcdataInfo:1.0"
#define RESOURCE_NS "urn:ietf:params:xml:ns:resource-lists"

#define SIGNALLING_IDS_AT   1 /* where they stand in an SDS SIGNALLING PAYLOAD */
#define SIGNALLING_SIZE_MAX 1024
#define ISD_SIZE_MAX	    1024
#define PAYLOAD_LENGTH_SIZE 2
#define TEXT_SIZE_MAX	    (sizeof(((struct fk_sip_template *)0)->text) - FK_SIP_TEMPLATE_SLACK)

/* The service that is asked for: 3GPP sheet 3.1, 6.1. */
struct service {
	const char *feature, *icsi, *icsi_escaped;
};

static const struct service services[] = {
	[FK_CARRIER_T1] = {"+g.3gpp.mcdata.sds", "urn:urn-7:3gpp-service.ims.icsi.mcdata.sds",
			   "urn%3Aurn-7%3A3gpp-service.ims.icsi.mcdata.sds"},
	[FK_CARRIER_T2] = {"+g.3gpp.mcptt", "urn:urn-7:3gpp-service.ims.icsi.mcptt",
			   "urn%3Aurn-7%3A3gpp-service.ims.icsi.mcptt"},
};

/* A template being written. Like a wire cursor it remembers the first failure. */
struct builder {
	struct fk_sip_template *t;
	struct fk_wire_writer w;
	bool is_behind_payload;
	bool has_too_many; /* gaps or boundaries */
};

static void add(struct builder *b, const char *text)
{
	fk_wire_put_bytes(&b->w, text, strlen(text));
}

static struct fk_sip_place place_here(const struct builder *b)
{
	return (struct fk_sip_place){
		.offset = (uint16_t)fk_wire_written(&b->w),
		.n_uris = (uint8_t)(b->t->n_gaps - b->is_behind_payload),
		.is_behind_payload = b->is_behind_payload,
	};
}

static void add_gap(struct builder *b)
{
	struct fk_sip_template *t = b->t;

	if (t->n_gaps == FK_SIP_TEMPLATE_GAPS_MAX)
		b->has_too_many = true;
	else
		t->gaps[t->n_gaps++] = (uint16_t)fk_wire_written(&b->w);
}

/* Zeros where a field of fixed width goes. */
static void add_field(struct builder *b, struct fk_sip_place *ret_place, size_t size)
{
	*ret_place = place_here(b);
	for (; size > 0; size--)
		fk_wire_put_u8(&b->w, 0);
}

static void add_boundary(struct builder *b)
{
	struct fk_sip_template *t = b->t;

	if (t->n_boundaries == FK_SIP_TEMPLATE_BOUNDARIES_MAX)
		b->has_too_many = true;
	else
		t->boundaries[t->n_boundaries++] = place_here(b);
	fk_wire_put_u8(&b->w, FK_SIP_BOUNDARY_DEFAULT);
}

/* In whole blocks, of which the last one overlaps the one before: most URIs hold nothing but what
 * the mask knows. */
static inline bool is_all_uri(const char *uri, const char *end)
{
#ifdef __SSE2__
	if (end - uri >= FK_SCAN_BLOCK) {
		uint32_t known = fk_scan_uri_mask(end - FK_SCAN_BLOCK);

		for (const char *at = uri; end - at > FK_SCAN_BLOCK; at += FK_SCAN_BLOCK)
			known &= fk_scan_uri_mask(at);
		if (known == 0xffff)
			return true;
	}
#endif
	return fk_scan_uri(uri, end) == end;
}

/* spec: RFC 3261 §25.1; refusing what XML would escape keeps one width for one URI wherever it
 * stands */
bool fk_sip_uri_is_safe(const char *uri, size_t size)
{
	const char *end, *colon;

	if (size == 0)
		return false;
	end = uri + size;
	colon = fk_scan_find(uri, end, ':');
	return colon != uri && colon < end - 1 && is_all_uri(uri, end);
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
	if (spec->carrier == FK_CARRIER_T2)
		return is_uri(spec->psi) && is_uri(spec->kmf_psi) && spec->isd_layout != NULL;
	if (spec->carrier != FK_CARRIER_T1)
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
	if (spec->carrier == FK_CARRIER_T1 && spec->profile == FK_PROFILE_C) {
		add_gap(b);
		b->t->n_uris_in_header++;
	} else {
		add(b, spec->psi);
	}
}

/* Whom we ask for, what for, and who asks. */
static void add_service(struct builder *b, const struct fk_sip_template_spec *spec)
{
	bool is_client = spec->carrier == FK_CARRIER_T1 && spec->profile == FK_PROFILE_A;
	const struct service *service = &services[spec->carrier];

	add(b, "a:*;");
	add(b, service->feature);
	add(b, ";require;explicit,*;+g.3gpp.icsi-ref=\"");
	add(b, service->icsi_escaped);
	add(b, "\";require;explicit\r\n");
	add(b, is_client ? "P-Preferred-Service:" : "P-Asserted-Service:");
	add(b, service->icsi);
	add(b, is_client ? "\r\nP-Preferred-Identity:<" : "\r\nP-Asserted-Identity:<");
	add(b, is_client ? spec->kmf_uri : spec->kmf_psi);
	add(b, ">\r\n");
}

/* spec: 3GPP sheet 3.3, 9.3; TS 24.282 §6.2.4.1; 3GPP sheet 6.1; TS 29.379 §14.1.1 */
static void add_header(struct builder *b, const struct fk_sip_template_spec *spec)
{
	add(b, "MESSAGE ");
	add_target(b, spec);
	add(b, " SIP/2.0\r\nv:SIP/2.0/UDP ");
	add(b, spec->sent_by);
	add(b, ";branch=");
	add_field(b, &b->t->branch, FK_BRANCH_LEN);
	add(b, "\r\nMax-Forwards:70\r\n");
	if (spec->route_host != NULL) {
		add(b, "Route:<sip:");
		add(b, spec->route_host);
		add(b, ";lr>\r\n");
	}
	add(b, "f:<");
	add(b, spec->carrier == FK_CARRIER_T2 ? spec->kmf_psi : spec->kmf_uri);
	add(b, ">;tag=");
	add_field(b, &b->t->from_tag, FK_FROM_TAG_LEN);
	add(b, "\r\nt:<");
	add_target(b, spec);
	add(b, ">\r\ni:");
	add_field(b, &b->t->call_id, FK_CALL_ID_LEN);
	add(b, "\r\nCSeq:1 MESSAGE\r\n");
	add_service(b, spec);
	add(b, "c:multipart/mixed;boundary=");
	add_boundary(b);
	add(b, "\r\nl:");
	add_field(b, &b->t->content_length, FK_SIP_CONTENT_LENGTH_DIGITS);
	add(b, "\r\n\r\n");
}

/* The delimiter line and the header of one part. */
static void add_part(struct builder *b, const char *media_type)
{
	add(b, "--");
	add_boundary(b);
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
		add_gap(b);
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
	add_gap(b);
	b->t->n_uris_in_body++;
	add(b, "\"/></list></resource-lists>\r\n");
}

/* The SDS SIGNALLING PAYLOAD of sds.c with a gap where the IDs stand. */
static enum fk_err add_signalling(struct builder *b, const struct fk_sip_template_spec *spec)
{
	struct fk_sds_signalling signalling = {
		.disposition_request = spec->disposition_request,
		.options.extended_app_id_type = spec->extended_app_id_type,
		.options.extended_app_id = {spec->extended_app_id, spec->extended_app_id_size},
	};
	uint8_t octets[SIGNALLING_SIZE_MAX];
	size_t size, behind = SIGNALLING_IDS_AT + FK_SIP_IDS_SIZE;
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
	add_field(b, &b->t->ids, FK_SIP_IDS_SIZE);
	fk_wire_put_bytes(&b->w, octets + behind, size - behind);
	add(b, "\r\n");
	return FK_OK;
}

/* spec: TS 24.282 §15.1.4: one Payload IE of content type BINARY */
static void add_data(struct builder *b)
{
	static const uint8_t before_size[] = {FK_SDS_DATA_PAYLOAD, 1, 0x78};

	b->t->payload_length_size = PAYLOAD_LENGTH_SIZE;
	b->t->payload_length_front = 1;
	b->t->payload_max = UINT16_MAX - 1;
	add_part(b, "vnd.3gpp.mcdata-payload");
	fk_wire_put_bytes(&b->w, before_size, sizeof(before_size));
	add_field(b, &b->t->payload_length, PAYLOAD_LENGTH_SIZE);
	fk_wire_put_u8(&b->w, FK_SDS_CONTENT_BINARY);
	add_gap(b);
	b->is_behind_payload = true;
	add(b, "\r\n");
}

/* The MCPTT ID of the target, and nothing else. spec: 3GPP sheet 6.1 step 4 */
static void add_mcptt_info(struct builder *b)
{
	add_part(b, "vnd.3gpp.mcptt-info+xml");
	add(b, "<mcpttinfo xmlns=\"" FK_MCPTT_INFO_NS "\"><mcptt-Params>"
	       "<mcptt-request-uri type=\"Normal\"><mcpttURI>");
	add_gap(b);
	b->t->n_uris_in_body++;
	add(b, "</mcpttURI></mcptt-request-uri></mcptt-Params></mcpttinfo>\r\n");
}

/* The message of isd.h with gaps where its payload and the payload's length stand: they are found
 * in one that has a payload of one octet. spec: 3GPP sheet 6.1 step 8, 6.3 */
static enum fk_err add_isd(struct builder *b, const struct fk_sip_template_spec *spec)
{
	const struct fk_isd_field *payload = fk_isd_layout_find(spec->isd_layout, FK_ISD_PAYLOAD);
	bool has_uri = fk_isd_layout_find(spec->isd_layout, FK_ISD_KMF_URI) != NULL;
	static const uint8_t one_octet[1];
	struct fk_isd_message message = {
		.lmr_type = FK_ISD_LMR_P25,
		.kmf_uri = (const uint8_t *)spec->kmf_uri,
		.kmf_uri_size = has_uri ? strlen(spec->kmf_uri) : 0,
		.payload = one_octet,
		.payload_size = sizeof(one_octet),
	};
	struct fk_isd_error error;
	uint8_t octets[ISD_SIZE_MAX];
	size_t size, payload_at, length_at;
	enum fk_err err = fk_isd_encode(spec->isd_layout, &message, octets, sizeof(octets), &size);

	if (err == FK_OK)
		err = fk_isd_decode(spec->isd_layout, octets, size, &message, &error);
	if (err != FK_OK)
		return err;
	payload_at = (size_t)(message.payload - octets);
	b->t->payload_length_size = payload->length_octets;
	b->t->payload_length_front = payload->has_content_type;
	b->t->payload_max = fk_isd_payload_max(spec->isd_layout);
	length_at = payload_at - payload->has_content_type - payload->length_octets;
	add_part(b, "vnd.3gpp.interworking-data");
	b->t->isd = place_here(b);
	fk_wire_put_bytes(&b->w, octets, length_at);
	add_field(b, &b->t->payload_length, payload->length_octets);
	if (payload->has_content_type)
		fk_wire_put_u8(&b->w, payload->content_type);
	add_gap(b);
	b->is_behind_payload = true;
	payload_at += sizeof(one_octet);
	fk_wire_put_bytes(&b->w, octets + payload_at, size - payload_at);
	b->t->behind_isd = place_here(b);
	add(b, "\r\n");
	return FK_OK;
}

static enum fk_err add_parts(struct builder *b, const struct fk_sip_template_spec *spec)
{
	enum fk_err err;

	if (spec->carrier == FK_CARRIER_T2) {
		add_mcptt_info(b);
		return add_isd(b, spec);
	}
	add_mcdata_info(b, spec);
	if (spec->profile != FK_PROFILE_C)
		add_resource_lists(b);
	err = add_signalling(b, spec);
	if (err == FK_OK)
		add_data(b);
	return err;
}

/* Sum of the text when the URI's and the payload's size are odd or even as given. */
static uint16_t sum_text(const struct fk_sip_template *t, size_t uri_size, size_t payload_size)
{
	uint64_t sum = 0;
	size_t from = 0, shift = 0; /* of the message against the text */

	for (uint32_t i = 0; i <= t->n_gaps; i++) {
		size_t to = i < t->n_gaps ? t->gaps[i] : t->base_size;
		uint16_t run = fk_sum_fold(fk_sum_octets(t->text + from, to - from));

		sum += (from + shift) % 2 == 0 ? run : __builtin_bswap16(run);
		shift += i + 1 < t->n_gaps ? uri_size : payload_size;
		from = to;
	}
	return fk_sum_fold(sum);
}

enum fk_err fk_sip_template_build(const struct fk_sip_template_spec *spec,
				  struct fk_sip_template *ret_template)
{
	struct fk_sip_template t = {.carrier = spec->carrier};
	struct builder b = {.t = &t, .w = fk_wire_writer(t.text, TEXT_SIZE_MAX)};
	size_t header_size, size;
	enum fk_err err;

	if (!spec_is_whole(spec))
		return FK_EINVAL;
	add_header(&b, spec);
	header_size = fk_wire_written(&b.w);
	err = add_parts(&b, spec);
	if (err != FK_OK)
		return err;
	add(&b, "--");
	add_boundary(&b);
	add(&b, "--");

	err = fk_wire_done(&b.w, &size);
	if (err != FK_OK)
		return err;
	if (b.has_too_many)
		return FK_EFULL;
	t.base_size = (uint16_t)size;
	t.body_base_size = (uint16_t)(size - header_size);
	for (uint32_t odd = 0; odd < 4; odd++)
		t.sums[odd / 2][odd % 2] = sum_text(&t, odd / 2, odd % 2);
	*ret_template = t;
	return FK_OK;
}
