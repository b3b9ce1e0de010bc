/* SPDX-License-Identifier: Apache-2.0 */
#include "inspect/datagram.h"

#include <stdlib.h>
#include <string.h>

#include <fleetkey/sds.h>

#include "wire/mcdata_info.h"
#include "wire/resource_lists.h"
#include "wire/sip.h"

#define N_PARTS_MAX 16
#define MULTIPART   "multipart/"
#define BASE64_IN   4 /* letters of base64 stand for .. */
#define BASE64_OUT  3 /* .. octets */

struct walk {
	const struct fk_inspect_options *options;
	json_t *json;
	const uint8_t *datagram;
	uint8_t *decoded; /* room for one part out of base64 */
	size_t decoded_cap;
	/* The part in base64 that is being read, or NULL: offsets are then in what it decodes to.
	 */
	const struct fk_sip_part *base64;
	bool failed;
};

/* Where in the datagram the letter stands that holds the first bits of a decoded octet. */
static size_t base64_place(const struct walk *walk, size_t decoded_offset)
{
	const struct fk_sip_part *part = walk->base64;
	size_t n_letters = decoded_offset * BASE64_IN / BASE64_OUT, at;

	for (at = 0; at < part->size; at++) {
		if (strchr(" \t\r\n", part->octets[at]) != NULL && part->octets[at] != '\0')
			continue;
		if (n_letters-- == 0)
			break;
	}
	return (size_t)(part->octets - walk->datagram) + at;
}

/* Only the first error counts: later ones may follow from it. */
static void fail(struct walk *walk, size_t offset, const char *field, const char *reason)
{
	json_t *error;

	if (walk->failed)
		return;
	walk->failed = true;
	if (walk->base64 != NULL)
		offset = base64_place(walk, offset);
	error = fk_json_error(offset, field, reason);
	json_object_update(walk->json, error);
	json_decref(error);
}

/* What a part says, under its name. Of two parts that say the same kind of thing the first has the
 * name, and each other one is an object of its own in "also". */
static void add_said(struct walk *walk, const char *name, json_t *said)
{
	json_t *also = json_object_get(walk->json, "also");

	if (json_object_get(walk->json, name) == NULL) {
		json_object_set_new(walk->json, name, said);
		return;
	}
	if (also == NULL) {
		also = json_array();
		json_object_set_new(walk->json, "also", also);
	}
	json_array_append_new(also, json_pack("{s:o}", name, said));
}

static void add_view(json_t *json, const char *name, struct fk_view view)
{
	if (view.len > 0)
		json_object_set_new(json, name, fk_json_text(view.at, view.len));
}

static struct fk_view first_line(const uint8_t *octets, size_t size)
{
	const uint8_t *end = memchr(octets, '\r', size);

	return (struct fk_view){(const char *)octets,
				(uint32_t)(end != NULL ? (size_t)(end - octets) : size)};
}

static json_t *sip_fields(const struct fk_sip_message *sip, const uint8_t *octets, size_t size)
{
	json_t *json = json_object();

	add_view(json, "start_line", first_line(octets, size));
	if (sip->is_response)
		json_object_set_new(json, "status", json_integer(sip->status));
	else
		add_view(json, "method", sip->method_text);
	add_view(json, "request_uri", sip->request_uri);
	add_view(json, "via_branch", sip->via_branch);
	add_view(json, "from", sip->from);
	add_view(json, "to", sip->to);
	add_view(json, "call_id", sip->call_id);
	add_view(json, "cseq", sip->cseq);
	add_view(json, "content_type", sip->content_type);
	add_view(json, "content_encoding", sip->content_encoding);
	add_view(json, "require", sip->require);
	json_object_set_new(json, "body_size", json_integer(sip->body_size));
	return json;
}

static json_t *uuid(const uint8_t id[static FK_SDS_ID_SIZE])
{
	char text[37];

	snprintf(text, sizeof(text),
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", id[0],
		 id[1], id[2], id[3], id[4], id[5], id[6], id[7], id[8], id[9], id[10], id[11],
		 id[12], id[13], id[14], id[15]);
	return json_string(text);
}

static const char *sds_reason(enum fk_err err)
{
	switch (err) {
	case FK_EUNSUPPORTED:
		return "is protected or signed";
	case FK_ETRUNC:
		return "ends before a field does";
	case FK_EINVAL:
		return "has another message type";
	case FK_ENOTFOUND:
		return "has no payload of content type BINARY";
	default:
		return "is not well formed";
	}
}

static void add_value(json_t *json, const char *name, struct fk_sds_value value)
{
	if (value.octets != NULL)
		json_object_set_new(json, name, fk_json_text(value.octets, value.size));
}

static void add_options(json_t *json, const struct fk_sds_options *options)
{
	if (options->has_application_id)
		json_object_set_new(json, "application_id", json_integer(options->application_id));
	if (options->extended_app_id_type != FK_SDS_APP_ID_NONE) {
		json_object_set_new(json, "extended_application_id_content_type",
				    json_integer(options->extended_app_id_type));
		add_value(json, "extended_application_id", options->extended_app_id);
	}
	if (options->user_location.octets != NULL)
		json_object_set_new(
			json, "user_location_hex",
			fk_json_hex(options->user_location.octets, options->user_location.size));
	add_value(json, "sender_mcdata_user_id", options->sender_mcdata_user_id);
	add_value(json, "application_metadata_container", options->application_metadata_container);
}

/* spec: TS 24.282 §15.1.2 */
static void add_signalling(struct walk *walk, const uint8_t *octets, size_t size, size_t offset)
{
	struct fk_sds_signalling signalling;
	enum fk_err err = fk_sds_decode_signalling(octets, size, &signalling);
	json_t *json;

	if (err != FK_OK) {
		fail(walk, offset, "sds_signalling_payload", sds_reason(err));
		return;
	}
	json = json_object();
	json_object_set_new(json, "date_and_time_s",
			    json_integer((json_int_t)signalling.date_time_s));
	json_object_set_new(json, "conversation_id", uuid(signalling.conversation_id));
	json_object_set_new(json, "message_id", uuid(signalling.message_id));
	if (signalling.has_in_reply_to)
		json_object_set_new(json, "in_reply_to_message_id", uuid(signalling.in_reply_to));
	if (signalling.disposition_request != FK_SDS_REQUEST_NONE)
		json_object_set_new(json, "sds_disposition_request_type",
				    json_integer(signalling.disposition_request));
	add_options(json, &signalling.options);
	add_said(walk, "sds_signalling_payload", json);
}

/* spec: TS 24.282 §15.1.5 */
static void add_notification(struct walk *walk, const uint8_t *octets, size_t size, size_t offset)
{
	struct fk_sds_notification note;
	enum fk_err err = fk_sds_decode_notification(octets, size, &note);
	json_t *json;

	if (err != FK_OK) {
		fail(walk, offset, "sds_notification", sds_reason(err));
		return;
	}
	json = json_object();
	json_object_set_new(json, "sds_disposition_notification_type",
			    json_integer(note.disposition));
	json_object_set_new(json, "date_and_time_s", json_integer((json_int_t)note.date_time_s));
	json_object_set_new(json, "conversation_id", uuid(note.conversation_id));
	json_object_set_new(json, "message_id", uuid(note.message_id));
	add_options(json, &note.options);
	add_said(walk, "sds_notification", json);
}

/* A KMM, with its offset in the datagram. */
static void add_kmm(struct walk *walk, const uint8_t *octets, size_t size, size_t offset)
{
	bool is_ok;
	json_t *kmm = fk_json_kmm(walk->options, octets, size, offset, &is_ok);
	json_t *error = json_object_get(kmm, "error");

	if (error != NULL)
		fail(walk, (size_t)json_integer_value(json_object_get(error, "offset")),
		     json_string_value(json_object_get(error, "field")),
		     json_string_value(json_object_get(error, "reason")));
	else
		add_said(walk, "kmm", json_incref(kmm));
	walk->failed |= !is_ok;
	json_decref(kmm);
}

/* spec: TS 24.282 §15.1.4; what it carries is a KMM */
static void add_data(struct walk *walk, const uint8_t *octets, size_t size, size_t offset)
{
	const uint8_t *payload;
	size_t payload_size;
	enum fk_err err = fk_sds_decode_data(octets, size, &payload, &payload_size);

	if (err != FK_OK) {
		fail(walk, offset, "data_payload", sds_reason(err));
		return;
	}
	add_said(walk, "data_payload",
		 json_pack("{s:i,s:i,s:I}", "number_of_payloads", octets[1], "payload_content_type",
			   FK_SDS_CONTENT_BINARY, "payload_size", (json_int_t)payload_size));
	add_kmm(walk, payload, payload_size, offset + (size_t)(payload - octets));
}

static const char *xml_reason(enum fk_err err, const char *malformed)
{
	switch (err) {
	case FK_EUNSUPPORTED:
		return "has a document type, an entity of its own, or encrypted content";
	case FK_ERANGE:
		return "is too large or too deep, or has a value that is too long";
	default:
		return malformed;
	}
}

/* spec: TS 24.282 Annex D.1 */
static void add_mcdata_info(struct walk *walk, const uint8_t *octets, size_t size, size_t offset)
{
	struct fk_mcdata_info info;
	enum fk_err err = fk_mcdata_info_parse(octets, size, &info);
	json_t *json;

	if (err != FK_OK) {
		fail(walk, offset, "mcdata_info", xml_reason(err, "is no mcdata-info document"));
		return;
	}
	json = json_object();
	if (info.request_type[0] != '\0')
		json_object_set_new(json, "request_type",
				    fk_json_text(info.request_type, strlen(info.request_type)));
	if (info.request_uri_size > 0)
		json_object_set_new(json, "mcdata_request_uri",
				    fk_json_text(info.request_uri, info.request_uri_size));
	if (info.calling_user_id_size > 0)
		json_object_set_new(json, "mcdata_calling_user_id",
				    fk_json_text(info.calling_user_id, info.calling_user_id_size));
	add_said(walk, "mcdata_info", json);
}

/* spec: 3GPP sheet 6.1 step 4 */
static void add_mcptt_info(struct walk *walk, const uint8_t *octets, size_t size, size_t offset)
{
	struct fk_mcdata_info info;
	enum fk_err err = fk_mcptt_info_parse(octets, size, &info);
	json_t *json;

	if (err != FK_OK) {
		fail(walk, offset, "mcptt_info", xml_reason(err, "is no mcptt-info document"));
		return;
	}
	json = json_object();
	if (info.request_uri_size > 0)
		json_object_set_new(json, "mcptt_request_uri",
				    fk_json_text(info.request_uri, info.request_uri_size));
	if (info.calling_user_id_size > 0)
		json_object_set_new(json, "mcptt_calling_user_id",
				    fk_json_text(info.calling_user_id, info.calling_user_id_size));
	add_said(walk, "mcptt_info", json);
}

/* spec: 3GPP sheet 6.3: without a layout nobody can say what stands where. */
static void add_interworking(struct walk *walk, const uint8_t *octets, size_t size, size_t offset)
{
	struct fk_isd_message message;
	struct fk_isd_error error;
	const char *type;
	json_t *json;

	if (walk->options->isd_layout == NULL) {
		fail(walk, offset, "interworking_security_data", "needs --isd-layout");
		return;
	}
	if (fk_isd_decode(walk->options->isd_layout, octets, size, &message, &error) != FK_OK) {
		fail(walk, offset + error.offset, error.field, error.reason);
		return;
	}
	json = json_object();
	type = fk_isd_lmr_type_name(message.lmr_type);
	if (type != NULL)
		json_object_set_new(json, "lmr_type", json_string(type));
	if (message.kmf_uri_size > 0)
		json_object_set_new(json, "kmf_uri",
				    fk_json_text(message.kmf_uri, message.kmf_uri_size));
	json_object_set_new(json, "payload_size", json_integer((json_int_t)message.payload_size));
	add_said(walk, "interworking_security_data", json);
	if (message.lmr_type == FK_ISD_LMR_P25)
		add_kmm(walk, message.payload, message.payload_size,
			offset + (size_t)(message.payload - octets));
}

/* spec: RFC 4826 §3.2 */
static void add_resource_lists(struct walk *walk, const uint8_t *octets, size_t size, size_t offset)
{
	struct fk_resource_lists lists;
	enum fk_err err = fk_resource_lists_parse(octets, size, &lists);
	json_t *json;

	if (err != FK_OK) {
		fail(walk, offset, "resource_lists",
		     xml_reason(err, "is no resource-lists document"));
		return;
	}
	json = json_pack("{s:I}", "n_entries", (json_int_t)lists.n_entries);
	if (lists.n_entries > 0)
		json_object_set_new(json, "entry_uri", fk_json_text(lists.uri, lists.uri_size));
	add_said(walk, "resource_lists", json);
}

/* The signalling part is either of two messages; its first octet says which. */
static void add_signalling_part(struct walk *walk, const uint8_t *octets, size_t size,
				size_t offset)
{
	if (size > 0 && (octets[0] & 0x3f) == FK_SDS_NOTIFICATION)
		add_notification(walk, octets, size, offset);
	else
		add_signalling(walk, octets, size, offset);
}

static const struct {
	const char *content_type;
	void (*add)(struct walk *walk, const uint8_t *octets, size_t size, size_t offset);
} part_kinds[] = {
	{"application/vnd.3gpp.mcdata-info+xml", add_mcdata_info},
	{"application/vnd.3gpp.mcdata-signalling", add_signalling_part},
	{"application/vnd.3gpp.mcdata-payload", add_data},
	{"application/resource-lists+xml", add_resource_lists},
	{"application/vnd.3gpp.mcptt-info+xml", add_mcptt_info},
	{FK_ISD_TYPE, add_interworking},
};

static bool is_multipart(struct fk_view content_type)
{
	return content_type.len > strlen(MULTIPART) &&
	       fk_text_equals(content_type.at, MULTIPART, strlen(MULTIPART));
}

/* The whole value of a part's Content-Type: fk_sip_part has it without the parameters. */
static struct fk_view whole_content_type(const struct fk_sip_part *part)
{
	const char *at = part->content_type.at, *end = (const char *)part->octets;
	const char *to = at + part->content_type.len;

	/* A line that begins with white space continues the one before. */
	while (to < end && !(end - to >= 2 && to[0] == '\r' && to[1] == '\n' &&
			     (end - to == 2 || (to[2] != ' ' && to[2] != '\t'))))
		to++;
	return (struct fk_view){at, (uint32_t)(to - at)};
}

static void add_parts(struct walk *walk, const struct fk_sip_message *sip, json_t *holder,
		      uint32_t depth);

/* A multipart among the parts. The dataplane looks into none; one level is opened here. What is not
 * may hold anything, so that the datagram cannot be called right.
 * spec: RFC 2045 §6.4: no multipart is in base64 */
static void add_nested(struct walk *walk, json_t *json, const struct fk_sip_part *part,
		       uint32_t depth)
{
	size_t offset = (size_t)(part->octets - walk->datagram);
	const struct fk_sip_message nested = {
		.content_type = whole_content_type(part),
		.body = part->octets,
		.body_size = part->size,
	};

	if (part->is_base64)
		fail(walk, offset, "content_transfer_encoding",
		     "is base64, which no multipart may be in: it is not opened");
	else if (depth > 0)
		fail(walk, offset, "multipart", "is nested more than once: it is not opened");
	else
		add_parts(walk, &nested, json, depth + 1);
}

static void add_part(struct walk *walk, json_t *parts, const struct fk_sip_part *part,
		     uint32_t depth)
{
	size_t offset = (size_t)(part->octets - walk->datagram), size = part->size;
	const uint8_t *octets = part->octets;
	json_t *json = json_object();

	add_view(json, "content_type", part->content_type);
	json_object_set_new(json, "content_transfer_encoding",
			    json_string(part->is_opaque	  ? "other"
					: part->is_base64 ? "base64"
							  : "binary"));
	json_object_set_new(json, "offset", json_integer((json_int_t)offset));
	json_object_set_new(json, "size", json_integer((json_int_t)size));
	json_array_append_new(parts, json);
	if (part->is_opaque) {
		fail(walk, offset, "content_transfer_encoding",
		     "is neither base64 nor binary, 8bit or 7bit");
		return;
	}
	if (is_multipart(part->content_type)) {
		add_nested(walk, json, part, depth);
		return;
	}
	if (part->is_base64) {
		if (fk_base64_decode(part->octets, part->size, walk->decoded, walk->decoded_cap,
				     &size) != FK_OK) {
			fail(walk, offset, "part", "is not base64");
			return;
		}
		octets = walk->decoded;
		offset = 0;
		walk->base64 = part;
	}
	for (size_t i = 0; i < sizeof(part_kinds) / sizeof(part_kinds[0]); i++)
		if (fk_view_is(part->content_type, part_kinds[i].content_type))
			part_kinds[i].add(walk, octets, size, offset);
	walk->base64 = NULL;
}

/* The parts of a body, or of a part of it, as "parts" of 'holder'. */
static void add_parts(struct walk *walk, const struct fk_sip_message *sip, json_t *holder,
		      uint32_t depth)
{
	struct fk_sip_part parts[N_PARTS_MAX];
	size_t offset = (size_t)(sip->body - walk->datagram);
	json_t *json;
	uint32_t n;

	switch (fk_sip_split_body(sip, parts, N_PARTS_MAX, &n)) {
	case FK_OK:
		break;
	case FK_EUNSUPPORTED:
		if (sip->content_type.len == 0)
			fail(walk, offset, "content_type", "is missing, and there is a body");
		else
			fail(walk, (size_t)((const uint8_t *)sip->content_type.at - walk->datagram),
			     "content_type", "is no type, or multipart but not mixed");
		return;
	case FK_EFULL:
		fail(walk, offset, "body", "has more than 16 parts");
		return;
	default:
		fail(walk, offset, "body", "is not well-formed multipart");
		return;
	}
	json = json_array();
	json_object_set_new(holder, "parts", json);
	for (uint32_t i = 0; i < n; i++)
		add_part(walk, json, &parts[i], depth);
}

/* The body, unless its octets say something only to who decodes them. spec: RFC 3261 §20.12 */
static void add_body(struct walk *walk, const struct fk_sip_message *sip)
{
	struct fk_view encoding = sip->content_encoding;

	if (encoding.len > 0 && !fk_view_is(encoding, "identity"))
		fail(walk, (size_t)((const uint8_t *)encoding.at - walk->datagram),
		     "content_encoding", "is not identity: the body is not read");
	else if (sip->body_size > 0)
		add_parts(walk, sip, walk->json, 0);
}

/* What is wrong with the header, under the name that the line has. */
static void fail_sip(struct walk *walk, const struct fk_sip_message *sip, size_t size)
{
	const char *line = sip->error_at, *end = (const char *)walk->datagram + size;
	size_t offset = (size_t)(line - (const char *)walk->datagram), n = 0;
	char field[40];

	while (n < sizeof(field) - 1 && line + n < end && line[n] != ':' && line[n] > ' ' &&
	       line[n] < 0x7f) {
		char c = line[n];

		field[n++] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c == '-' ? '_' : c;
	}
	field[n] = '\0';
	if (offset == 0)
		snprintf(field, sizeof(field), "start_line");
	else if (n == 0 || line + n == end || line[n] != ':')
		snprintf(field, sizeof(field), "header");
	fail(walk, offset, field, sip->error);
}

/* The LF that ends the first line without a CR, in something that else would be SIP; or NULL. */
static const uint8_t *bare_lf(const uint8_t *octets, size_t size)
{
	const uint8_t *lf = size > 0 ? memchr(octets, '\n', size) : NULL;

	if (lf == NULL || lf == octets || lf[-1] == '\r' ||
	    memmem(octets, (size_t)(lf - octets), "SIP/", 4) == NULL)
		return NULL;
	return lf;
}

bool fk_datagram_is_sip(const uint8_t *octets, size_t size)
{
	struct fk_sip_message sip;

	return fk_sip_parse(octets, size, &sip) != FK_EFORMAT || bare_lf(octets, size) != NULL;
}

json_t *fk_json_datagram(const struct fk_inspect_options *options, const uint8_t *octets,
			 size_t size, bool *ret_is_ok)
{
	struct walk walk = {
		.options = options,
		.json = json_object(),
		.datagram = octets,
		.decoded = malloc(size > 0 ? size : 1),
		.decoded_cap = size,
	};
	struct fk_sip_message sip;
	enum fk_err err = fk_sip_parse(octets, size, &sip);

	if (walk.decoded == NULL) {
		fail(&walk, 0, "body", "out of memory");
	} else if (err == FK_EFORMAT && bare_lf(octets, size) != NULL) {
		fail(&walk, (size_t)(bare_lf(octets, size) - octets), "start_line",
		     "ends in a bare LF, not in CRLF");
	} else if (err == FK_EFORMAT) {
		fail(&walk, 0, "start_line", "is not SIP");
	} else if (err != FK_OK) {
		fail_sip(&walk, &sip, size);
	} else {
		json_object_set_new(walk.json, "sip", sip_fields(&sip, octets, size));
		add_body(&walk, &sip);
	}
	if (walk.decoded != NULL)
		fk_wipe(walk.decoded, size);
	free(walk.decoded);
	*ret_is_ok = !walk.failed;
	return walk.json;
}
