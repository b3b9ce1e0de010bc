/* SPDX-License-Identifier: Apache-2.0 */
/* inspect.c - see inspect.h. */
#include <string.h>
#include <strings.h>

#include "compose.h"
#include "inspect.h"
#include "wire/isd.h"

#define PARTS_MAX 8
#define ISD_PARTS 2

static bool name_is(const char *name, size_t len, const char *text)
{
	return strlen(text) == len && strncasecmp(name, text, len) == 0;
}

/* What one look at the header names finds. */
struct header_names {
	bool has_long_form, has_contact, has_content_length;
};

/* A header name in long form that has a compact one. */
static bool has_compact_form(const char *name, size_t len)
{
	static const char *const names[] = {
		"Via",
		"From",
		"To",
		"Call-ID",
		"Contact",
		"Content-Type",
		"Content-Length",
		"Accept-Contact",
		"Reject-Contact",
		"Supported",
		"Content-Encoding",
		"Subject",
		"Request-Disposition",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if ((name[0] | 0x20) == (names[i][0] | 0x20) && name_is(name, len, names[i]))
			return true;
	return false;
}

static void note_name(struct header_names *names, const char *name, size_t len)
{
	char letter = (char)(name[0] | 0x20);

	if (len == 1) {
		names->has_contact |= letter == 'm';
		names->has_content_length |= letter == 'l';
	} else if (len > 1) {
		names->has_long_form |= has_compact_form(name, len);
		names->has_contact |= letter == 'c' && name_is(name, len, "Contact");
		names->has_content_length |= letter == 'c' && name_is(name, len, "Content-Length");
	}
}

/* Reads the names only; the parser has found the lines to be well formed. */
static struct header_names read_names(const char *at, const char *end)
{
	struct header_names names = {0};
	const char *line = at;

	while (line < end) {
		const char *eol = memchr(line, '\n', (size_t)(end - line)), *colon = line;
		const char *line_end = eol != NULL ? eol : end;

		while (colon < line_end && *colon != ':' && *colon != ' ' && *colon != '\t')
			colon++;
		if (colon > line && colon < line_end)
			note_name(&names, line, (size_t)(colon - line));
		if (eol == NULL)
			break;
		line = eol + 1;
	}
	return names;
}

enum fk_sim_malformed fk_inspect_header(const struct fk_sip_message *message, const uint8_t *octets,
					size_t size)
{
	const char *text = (const char *)octets;
	const char *start = memchr(text, '\n', size);
	const char *end = (const char *)message->body;
	struct header_names names;

	if (start == NULL || end == NULL || end < start)
		return FK_SIM_MALFORMED_SIP_SYNTAX;
	names = read_names(start + 1, end);
	if (names.has_long_form)
		return FK_SIM_MALFORMED_NOT_COMPACT;
	if (!message->has_max_forwards)
		return FK_SIM_MALFORMED_NO_MAX_FORWARDS;
	if (names.has_contact)
		return FK_SIM_MALFORMED_CONTACT;
	if (!names.has_content_length || message->body + message->body_size != octets + size)
		return FK_SIM_MALFORMED_CONTENT_LENGTH;
	if (size > FK_SIM_MESSAGE_MAX)
		return FK_SIM_MALFORMED_SIZE;
	return FK_SIM_WELL_FORMED;
}

/* The one part of this type; NULL if there is none or more than one. */
static const struct fk_sip_part *find_part(const struct fk_sip_part *parts, uint32_t n,
					   const char *type)
{
	const struct fk_sip_part *found = NULL;

	for (uint32_t i = 0; i < n; i++) {
		if (!fk_view_is(parts[i].content_type, type))
			continue;
		if (found != NULL)
			return NULL;
		found = &parts[i];
	}
	return found;
}

/* The entries of resource-lists, and the URI of the first (3GPP sheet 3.3). */
static bool read_resource_lists(const struct fk_sip_part *part, struct fk_inspected *x)
{
	static const char element[] = "<entry", attribute[] = "<entry uri=\"";
	const uint8_t *entry = part->octets, *value, *quote, *end = part->octets + part->size;

	x->has_resource_lists = true;
	while ((entry = memmem(entry, (size_t)(end - entry), element, sizeof(element) - 1)) !=
	       NULL) {
		entry += sizeof(element) - 1;
		x->n_entries++;
	}
	entry = memmem(part->octets, part->size, attribute, sizeof(attribute) - 1);
	if (entry == NULL)
		return false;
	value = entry + sizeof(attribute) - 1;
	quote = memchr(value, '"', (size_t)(end - value));
	if (quote == NULL || quote - value > FK_URI_SIZE_MAX)
		return false;
	x->target_size = (uint32_t)(quote - value);
	memcpy(x->target, value, x->target_size);
	return true;
}

static enum fk_sim_malformed read_target(const struct fk_sip_part *parts, uint32_t n,
					 struct fk_inspected *x)
{
	const struct fk_sip_part *lists = find_part(parts, n, "application/resource-lists+xml");

	x->has_resource_lists = false;
	x->n_entries = 0;
	if (strcmp(x->info.request_type, "one-to-one-sds") != 0)
		return FK_SIM_MALFORMED_REQUEST_TYPE;
	if (lists != NULL)
		return read_resource_lists(lists, x) ? FK_SIM_WELL_FORMED : FK_SIM_MALFORMED_TARGET;
	memcpy(x->target, x->info.request_uri, x->info.request_uri_size);
	x->target_size = x->info.request_uri_size;
	return FK_SIM_WELL_FORMED;
}

static struct fk_view contents(const struct fk_sip_part *part)
{
	return (struct fk_view){.at = (const char *)part->octets,
				.len = part->is_base64 ? 0 : part->size};
}

/* The octets of a part, decoded if need be. */
static bool read_octets(const struct fk_sip_part *part, struct fk_inspected *x,
			const uint8_t **ret_octets, size_t *ret_size)
{
	*ret_octets = part->octets;
	*ret_size = part->size;
	if (!part->is_base64)
		return true;
	*ret_octets = x->decoded;
	return fk_base64_decode(part->octets, part->size, x->decoded, sizeof(x->decoded),
				ret_size) == FK_OK;
}

static enum fk_sim_malformed read_payload(const struct fk_sip_part *part, struct fk_inspected *x)
{
	const uint8_t *octets;
	size_t size;

	if (!read_octets(part, x, &octets, &size))
		return FK_SIM_MALFORMED_PAYLOAD;
	if (fk_sds_decode_data(octets, size, &x->payload, &x->payload_size) != FK_OK)
		return FK_SIM_MALFORMED_PAYLOAD;
	return FK_SIM_WELL_FORMED;
}

enum fk_sim_malformed fk_inspect_body(const struct fk_sip_message *message, struct fk_inspected *x)
{
	struct fk_sip_part parts[PARTS_MAX];
	const struct fk_sip_part *info, *signalling, *payload;
	enum fk_sim_malformed malformed;
	uint32_t n = 0;

	if (fk_sip_split_body(message, parts, PARTS_MAX, &n) != FK_OK)
		return FK_SIM_MALFORMED_MULTIPART;
	info = find_part(parts, n, "application/vnd.3gpp.mcdata-info+xml");
	signalling = find_part(parts, n, "application/vnd.3gpp.mcdata-signalling");
	payload = find_part(parts, n, "application/vnd.3gpp.mcdata-payload");
	if (info == NULL || signalling == NULL || payload == NULL)
		return FK_SIM_MALFORMED_PARTS;
	if (fk_mcdata_info_parse(info->octets, info->size, &x->info) != FK_OK)
		return FK_SIM_MALFORMED_MCDATA_INFO;
	malformed = read_target(parts, n, x);
	if (malformed != FK_SIM_WELL_FORMED)
		return malformed;
	if (signalling->is_base64 ||
	    fk_sds_decode_signalling(signalling->octets, signalling->size, &x->signalling) != FK_OK)
		return FK_SIM_MALFORMED_SIGNALLING;
	if (x->signalling.disposition_request != FK_SDS_REQUEST_DELIVERY)
		return FK_SIM_MALFORMED_DISPOSITION_REQUEST;
	x->signalling_part = contents(signalling);
	x->payload_part = contents(payload);
	return read_payload(payload, x);
}

static enum fk_sim_malformed read_isd(const struct fk_sip_part *part,
				      const struct fk_isd_layout *layout, const char *kmf_uri,
				      struct fk_inspected *x)
{
	struct fk_isd_message message;
	struct fk_isd_error error;
	const uint8_t *octets;
	size_t size;

	if (!read_octets(part, x, &octets, &size) ||
	    fk_isd_decode(layout, octets, size, &message, &error) != FK_OK ||
	    message.lmr_type != FK_ISD_LMR_P25)
		return FK_SIM_MALFORMED_ISD;
	if (message.kmf_uri_size > 0 && (message.kmf_uri_size != strlen(kmf_uri) ||
					 memcmp(message.kmf_uri, kmf_uri, strlen(kmf_uri)) != 0))
		return FK_SIM_MALFORMED_ISD;
	x->payload = message.payload;
	x->payload_size = message.payload_size;
	return FK_SIM_WELL_FORMED;
}

enum fk_sim_malformed fk_inspect_isd(const struct fk_sip_message *message,
				     const struct fk_isd_layout *layout, const char *kmf_uri,
				     struct fk_inspected *x)
{
	struct fk_sip_part parts[PARTS_MAX];
	const struct fk_sip_part *info, *isd;
	uint32_t n = 0;

	if (fk_sip_split_body(message, parts, PARTS_MAX, &n) != FK_OK)
		return FK_SIM_MALFORMED_MULTIPART;
	info = find_part(parts, n, "application/vnd.3gpp.mcptt-info+xml");
	isd = find_part(parts, n, FK_ISD_TYPE);
	if (info == NULL || isd == NULL || n != ISD_PARTS)
		return FK_SIM_MALFORMED_PARTS;
	if (fk_mcptt_info_parse(info->octets, info->size, &x->info) != FK_OK)
		return FK_SIM_MALFORMED_MCDATA_INFO;
	if (x->info.request_type[0] != '\0') /* session-type, which is of calls */
		return FK_SIM_MALFORMED_REQUEST_TYPE;
	x->has_resource_lists = false;
	x->n_entries = 0;
	x->signalling = (struct fk_sds_signalling){0};
	x->signalling_part = x->payload_part = (struct fk_view){0};
	memcpy(x->target, x->info.request_uri, x->info.request_uri_size);
	x->target_size = x->info.request_uri_size;
	return read_isd(isd, layout, kmf_uri, x);
}
