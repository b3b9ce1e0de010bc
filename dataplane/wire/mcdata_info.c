/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mcdata_info.c - which values of an mcdatainfo document are kept, and which are refused.
 *
 * xml.c reads the document; this file follows the path to the elements that matter. The documents
 * that nearly all servers send differ in three values only, so mcdata_info_plain.c is asked first.
 */
#include "wire/mcdata_info.h"

#include <string.h>

#include <fleetkey/wire.h>

#include "mcdata_info_plain.h"
#include "sip_scan.h"
#include "xml.h"

_Static_assert(FK_MCDATA_INFO_SIZE_MAX == FK_XML_SIZE_MAX, "one size for every document");

/* Depths of the path mcdatainfo / mcdata-Params / <element> / mcdataURI, or MCPTT's. */
enum {
	DEPTH_ROOT = 1,
	DEPTH_PARAMS,
	DEPTH_ELEMENT,
	DEPTH_URI,
};

/* The elements that are kept. */
enum element {
	ELEMENT_NONE,
	ELEMENT_REQUEST_TYPE,
	ELEMENT_REQUEST_URI,
	ELEMENT_CALLING_USER_ID,
	N_ELEMENTS,
};

/* The documents of the two services have one shape and names of their own. */
struct vocabulary {
	const char *ns, *root, *params, *uri;
	const char *elements[N_ELEMENTS];
};

/* spec: TS 24.282 §D.1.2 */
static const struct vocabulary mcdata = {
	.ns = "urn:3gpp:ns:mcdataInfo:1.0",
	.root = "mcdatainfo",
	.params = "mcdata-Params",
	.uri = "mcdataURI",
	.elements =
		{
			[ELEMENT_REQUEST_TYPE] = "request-type",
			[ELEMENT_REQUEST_URI] = "mcdata-request-uri",
			[ELEMENT_CALLING_USER_ID] = "mcdata-calling-user-id",
		},
};

/* spec: 3GPP sheet 6.1, 9.5 */
static const struct vocabulary mcptt = {
	.ns = FK_MCPTT_INFO_NS,
	.root = "mcpttinfo",
	.params = "mcptt-Params",
	.uri = "mcpttURI",
	.elements =
		{
			[ELEMENT_REQUEST_TYPE] = "session-type",
			[ELEMENT_REQUEST_URI] = "mcptt-request-uri",
			[ELEMENT_CALLING_USER_ID] = "mcptt-calling-user-id",
		},
};

struct walk {
	const struct vocabulary *vocabulary;
	struct fk_mcdata_info *info;
	bool in_params;
	enum element element; /* that we are inside of */
	bool in_uri;	      /* inside its <mcdataURI> */
	uint32_t seen;	      /* bit per element */
	uint32_t seen_uris;   /* bit per element whose <mcdataURI> was there */
	char text[FK_URI_SIZE_MAX + 1];
	size_t text_size;
	bool text_is_too_long;
};

static enum element find_element(const struct vocabulary *v, const struct fk_xml_element *x)
{
	enum element e = ELEMENT_REQUEST_TYPE;

	while (e < N_ELEMENTS && !fk_xml_is(x, v->ns, v->elements[e]))
		e++;
	return e < N_ELEMENTS ? e : ELEMENT_NONE;
}

static bool collects_text(const struct walk *w, uint32_t depth)
{
	if (w->element == ELEMENT_REQUEST_TYPE)
		return depth == DEPTH_ELEMENT;
	return w->in_uri && depth == DEPTH_URI;
}

static enum fk_err on_start(void *context, const struct fk_xml_element *x)
{
	struct walk *w = context;
	const struct vocabulary *v = w->vocabulary;

	switch (x->depth) {
	case DEPTH_ROOT:
		return fk_xml_is(x, v->ns, v->root) ? FK_OK : FK_EFORMAT;
	case DEPTH_PARAMS:
		w->in_params = fk_xml_is(x, v->ns, v->params);
		return FK_OK;
	case DEPTH_ELEMENT:
		w->element = w->in_params ? find_element(v, x) : ELEMENT_NONE;
		if (w->element == ELEMENT_NONE)
			return FK_OK;
		/* A second value would leave it to the reader which of the two counts. */
		if ((w->seen & 1u << w->element) != 0)
			return FK_EFORMAT;
		w->seen |= 1u << w->element;
		break;
	case DEPTH_URI:
		if (w->element == ELEMENT_NONE)
			return FK_OK;
		if (w->element == ELEMENT_REQUEST_TYPE)
			return FK_EFORMAT;
		w->in_uri = fk_xml_is(x, v->ns, v->uri);
		if (!w->in_uri)
			return FK_OK;
		if ((w->seen_uris & 1u << w->element) != 0)
			return FK_EFORMAT;
		w->seen_uris |= 1u << w->element;
		break;
	default:
		return w->in_uri ? FK_EFORMAT : FK_OK; /* a URI has no elements inside */
	}
	w->text_size = 0;
	w->text_is_too_long = false;
	return FK_OK;
}

static void on_text(void *context, uint32_t depth, struct fk_view text)
{
	struct walk *w = context;

	if (!collects_text(w, depth))
		return;
	for (uint32_t i = 0; i < text.len; i++) {
		char c = text.at[i];

		/* White space around the value is layout; inside, it is kept and judged later. */
		if (w->text_size == 0 && fk_xml_is_space(c))
			continue;
		if (w->text_size == sizeof(w->text)) {
			w->text_is_too_long |= !fk_xml_is_space(c);
			continue;
		}
		w->text[w->text_size++] = c;
	}
}

/* Keeps the text of an element that has ended. */
static enum fk_err keep(struct walk *w, char *value, size_t value_cap, uint32_t *ret_size)
{
	while (w->text_size > 0 && fk_xml_is_space(w->text[w->text_size - 1]))
		w->text_size--;
	if (w->text_is_too_long || w->text_size >= value_cap)
		return FK_ERANGE;
	memcpy(value, w->text, w->text_size);
	value[w->text_size] = '\0';
	if (ret_size != NULL)
		*ret_size = (uint32_t)w->text_size;
	return FK_OK;
}

static enum fk_err on_end(void *context, uint32_t depth)
{
	struct walk *w = context;
	struct fk_mcdata_info *info = w->info;
	enum fk_err err = FK_OK;

	if (collects_text(w, depth)) {
		if (w->element == ELEMENT_REQUEST_TYPE)
			err = keep(w, info->request_type, sizeof(info->request_type), NULL);
		else if (w->element == ELEMENT_REQUEST_URI)
			err = keep(w, info->request_uri, sizeof(info->request_uri),
				   &info->request_uri_size);
		else
			err = keep(w, info->calling_user_id, sizeof(info->calling_user_id),
				   &info->calling_user_id_size);
	}
	if (depth == DEPTH_URI)
		w->in_uri = false;
	else if (depth == DEPTH_ELEMENT)
		w->element = ELEMENT_NONE;
	else if (depth == DEPTH_PARAMS)
		w->in_params = false;
	return err;
}

static enum fk_err read_xml(const struct vocabulary *vocabulary, const uint8_t *octets, size_t size,
			    struct fk_mcdata_info *ret_info)
{
	static const struct fk_xml_listener listener = {
		.on_start = on_start,
		.on_text = on_text,
		.on_end = on_end,
	};
	struct fk_mcdata_info info = {0};
	struct walk w = {.vocabulary = vocabulary, .info = &info};
	enum fk_err err = fk_xml_read(octets, size, &listener, &w);

	if (err == FK_OK)
		*ret_info = info;
	return err;
}

enum fk_err fk_mcdata_info_read_xml(const uint8_t *octets, size_t size,
				    struct fk_mcdata_info *ret_info)
{
	return read_xml(&mcdata, octets, size, ret_info);
}

enum fk_err fk_mcptt_info_parse(const uint8_t *octets, size_t size, struct fk_mcdata_info *ret_info)
{
	return read_xml(&mcptt, octets, size, ret_info);
}

enum fk_err fk_mcptt_info_write(const char *request_uri, uint8_t *buf, size_t cap, size_t *ret_size)
{
	static const char front[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"
				    "<mcpttinfo xmlns=\"" FK_MCPTT_INFO_NS "\"><mcptt-Params>"
				    "<mcptt-request-uri type=\"Normal\"><mcpttURI>";
	static const char back[] = "</mcpttURI></mcptt-request-uri></mcptt-Params></mcpttinfo>";
	struct fk_wire_writer w = fk_wire_writer(buf, cap);
	size_t len = strlen(request_uri);

	if (len == 0 || len > FK_URI_SIZE_MAX)
		return FK_EINVAL;
	for (size_t i = 0; i < len; i++)
		if (!fk_scan_is_uri(request_uri[i]))
			return FK_EINVAL;
	fk_wire_put_bytes(&w, front, sizeof(front) - 1);
	fk_wire_put_bytes(&w, request_uri, len);
	fk_wire_put_bytes(&w, back, sizeof(back) - 1);
	return fk_wire_done(&w, ret_size);
}

enum fk_err fk_mcdata_info_parse(const uint8_t *octets, size_t size,
				 struct fk_mcdata_info *ret_info)
{
	if (size <= FK_MCDATA_INFO_SIZE_MAX && fk_mcdata_info_read_plain(octets, size, ret_info))
		return FK_OK;
	return fk_mcdata_info_read_xml(octets, size, ret_info);
}
