/* SPDX-License-Identifier: Apache-2.0 */
#include "inspect/json_xml.h"

#include <stdio.h>
#include <string.h>

#include <fleetkey/keytable.h>
#include <fleetkey/secret.h>

#include "inspect/json_kmm.h"
#include "wire/xml.h"

#define NAME_SIZE_MAX 64
#define TOKEN	      "access-token" /* whoever has it may act for the user */

/* Depths of the path root / params / <element> / <value> */
enum {
	DEPTH_PARAMS = 2,
	DEPTH_ELEMENT,
	DEPTH_VALUE,
};

struct walk {
	const char *ns, *params;
	json_t *json;
	bool in_params;
	char name[NAME_SIZE_MAX]; /* of the element that we are inside of, or empty */
	bool is_token, in_value, had_value;
	size_t text_size;
	char text[FK_XML_SIZE_MAX]; /* no text is larger than its document */
};

static bool ends_in(const char *name, const char *end)
{
	size_t len = strlen(name), end_len = strlen(end);

	return len >= end_len && strcmp(name + len - end_len, end) == 0;
}

/* spec: 3GPP sheet 3.5: contentType; MCPTT's elements have names of the same ends */
static bool is_value(const struct walk *w, const struct fk_xml_element *x)
{
	return strcmp(x->ns, w->ns) == 0 &&
	       (ends_in(x->local, "URI") || ends_in(x->local, "String") ||
		ends_in(x->local, "Boolean"));
}

static void enter_element(struct walk *w, const struct fk_xml_element *x)
{
	size_t len = strlen(x->local);

	w->name[0] = '\0';
	w->text_size = 0;
	w->in_value = w->had_value = false;
	if (!w->in_params || strcmp(x->ns, w->ns) != 0 || strcmp(x->local, "anyExt") == 0 ||
	    len >= sizeof(w->name))
		return;
	for (size_t i = 0; i <= len; i++) {
		char c = x->local[i];

		w->name[i] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c == '-' ? '_' : c;
	}
	w->is_token = ends_in(x->local, TOKEN);
}

static enum fk_err on_start(void *context, const struct fk_xml_element *x)
{
	struct walk *w = context;

	if (x->depth == DEPTH_PARAMS) {
		w->in_params = fk_xml_is(x, w->ns, w->params);
	} else if (x->depth == DEPTH_ELEMENT) {
		enter_element(w, x);
	} else if (x->depth == DEPTH_VALUE && is_value(w, x) && !w->had_value) {
		w->text_size = 0; /* what was before it is layout */
		w->in_value = w->had_value = true;
	}
	return FK_OK;
}

static void on_text(void *context, uint32_t depth, struct fk_view text)
{
	struct walk *w = context;

	if (w->in_value ? depth != DEPTH_VALUE : depth != DEPTH_ELEMENT || w->had_value)
		return;
	for (uint32_t i = 0; i < text.len && w->text_size < sizeof(w->text); i++)
		if (w->text_size > 0 || !fk_xml_is_space(text.at[i]))
			w->text[w->text_size++] = text.at[i];
}

static void add_repeated(json_t *json, const char *name, json_t *value)
{
	json_t *before = json_object_get(json, name);

	if (before == NULL)
		json_object_set_new(json, name, value);
	else if (json_is_array(before))
		json_array_append_new(before, value);
	else
		json_object_set_new(json, name, json_pack("[O,o]", before, value));
}

static void leave_element(struct walk *w)
{
	char withheld[NAME_SIZE_MAX + sizeof("_withheld")];

	while (w->text_size > 0 && fk_xml_is_space(w->text[w->text_size - 1]))
		w->text_size--;
	if (w->is_token) {
		snprintf(withheld, sizeof(withheld), "%s_withheld", w->name);
		json_object_set_new(w->json, withheld, json_true());
	} else {
		add_repeated(w->json, w->name, fk_json_text(w->text, w->text_size));
	}
	w->name[0] = '\0';
}

static enum fk_err on_end(void *context, uint32_t depth)
{
	struct walk *w = context;

	if (depth == DEPTH_VALUE)
		w->in_value = false;
	else if (depth == DEPTH_ELEMENT && w->name[0] != '\0')
		leave_element(w);
	return FK_OK;
}

enum fk_err fk_json_xml_params(const uint8_t *octets, size_t size, const char *ns,
			       const char *params, json_t **ret_json)
{
	static const struct fk_xml_listener listener = {
		.on_start = on_start,
		.on_text = on_text,
		.on_end = on_end,
	};
	struct walk w = {.ns = ns, .params = params, .json = json_object()};
	enum fk_err err = fk_xml_read(octets, size, &listener, &w);

	fk_wipe(w.text, sizeof(w.text)); /* of a token */
	if (err == FK_OK)
		*ret_json = w.json;
	else
		json_decref(w.json);
	return err;
}

static enum fk_err on_entry(void *context, const struct fk_xml_element *x)
{
	char uri[FK_URI_SIZE_MAX + 1];
	json_t *uris = context;
	uint32_t len;

	if (!fk_xml_is(x, "urn:ietf:params:xml:ns:resource-lists", "entry"))
		return FK_OK;
	if (fk_xml_value_copy(x->uri, uri, sizeof(uri), &len) != FK_OK)
		return FK_ERANGE;
	json_array_append_new(uris, fk_json_text(uri, len));
	return FK_OK;
}

enum fk_err fk_json_xml_entries(const uint8_t *octets, size_t size, json_t **ret_json)
{
	static const struct fk_xml_listener listener = {.on_start = on_entry};
	json_t *uris = json_array();
	enum fk_err err = fk_xml_read(octets, size, &listener, uris);

	if (err == FK_OK)
		*ret_json = uris;
	else
		json_decref(uris);
	return err;
}
