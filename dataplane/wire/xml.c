/* SPDX-License-Identifier: Apache-2.0 */
#include "xml.h"

#include <string.h>

#define VALUE_LEN_MAX FK_XML_URI_LEN_MAX /* longer attribute values are only checked */

struct attribute {
	struct fk_view name; /* qualified */
	char value[VALUE_LEN_MAX + 1];
	uint32_t value_len;
	bool is_long; /* 'value' does not hold it and is empty */
};

static bool equals(struct fk_view a, struct fk_view b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static bool is_text(struct fk_view v, const char *text)
{
	return equals(v, (struct fk_view){.at = text, .len = (uint32_t)strlen(text)});
}

bool fk_xml_is(const struct fk_xml_name *name, const char *ns, const char *local)
{
	return is_text(name->ns, ns) && is_text(name->local, local);
}

static size_t left(const struct fk_xml *xml)
{
	return (size_t)(xml->end - xml->at);
}

static bool starts_with(const struct fk_xml *xml, const char *text)
{
	size_t len = strlen(text);

	return left(xml) >= len && memcmp(xml->at, text, len) == 0;
}

static bool skip_spaces(struct fk_xml *xml)
{
	const char *start = xml->at;

	while (xml->at < xml->end && fk_xml_is_space(*xml->at))
		xml->at++;
	return xml->at > start;
}

/* True if XML 1.0 has the character. spec: XML 1.0 §2.2 */
static bool is_char(uint32_t c)
{
	if (c < 0x20)
		return c == '\t' || c == '\n' || c == '\r';
	return c <= 0xd7ff || (c >= 0xe000 && c <= 0xfffd) || (c >= 0x10000 && c <= 0x10ffff);
}

/* Reads one UTF-8 character; returns its octets, or 0 if it is malformed, overlong or not XML's. */
static uint32_t read_utf8(const uint8_t *p, size_t size)
{
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	uint32_t n = p[0] < 0x80 ? 1 : p[0] >> 5 == 6 ? 2 : p[0] >> 4 == 14 ? 3 : 4;
	uint32_t c = n == 1 ? p[0] : p[0] & (0x7fu >> n);

	if (n > size || (n == 4 && p[0] >> 3 != 30))
		return 0;
	for (uint32_t i = 1; i < n; i++) {
		if (p[i] >> 6 != 2)
			return 0;
		c = c << 6 | (p[i] & 0x3fu);
	}
	return c >= smallest[n] && is_char(c) ? n : 0;
}

static bool is_well_encoded(const uint8_t *octets, size_t size)
{
	uint32_t n;

	for (size_t i = 0; i < size; i += n) {
		n = 1;
		if (octets[i] >= 0x20 && octets[i] < 0x80)
			continue;
		n = read_utf8(octets + i, size - i);
		if (n == 0)
			return false;
	}
	return true;
}

static uint32_t write_utf8(uint32_t c, char out[static 4])
{
	uint32_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	for (uint32_t i = n - 1; i > 0; i--, c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3f));
	out[0] = (char)(n == 1 ? c : (0xf00u >> n & 0xf0u) | c);
	return n;
}

static bool is_name_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80) != 0;
}

static bool is_name_char(char c)
{
	static const uint64_t names[4] = {
		UINT64_C(0x07ff600000000000), /* - . 0-9 : */
		UINT64_C(0x07fffffe87fffffe), /* A-Z _ a-z */
		UINT64_MAX,		      /* whatever is beyond ASCII */
		UINT64_MAX,
	};
	uint8_t u = (uint8_t)c;

	return (names[u / 64] >> u % 64 & 1) != 0;
}

/* A qualified name: at most one colon, with a name on either side of it. */
static bool read_name(struct fk_xml *xml, struct fk_view *ret_name)
{
	const char *start = xml->at, *colon;

	while (xml->at < xml->end && is_name_char(*xml->at))
		xml->at++;
	*ret_name = (struct fk_view){.at = start, .len = (uint32_t)(xml->at - start)};
	if (ret_name->len == 0 || !is_name_start(*start))
		return false;
	colon = memchr(start, ':', ret_name->len);
	if (colon == NULL)
		return true;
	return colon + 1 < xml->at && is_name_start(colon[1]) &&
	       memchr(colon + 1, ':', (size_t)(xml->at - colon - 1)) == NULL;
}

static void split_name(struct fk_view name, struct fk_view *ret_prefix, struct fk_view *ret_local)
{
	const char *colon = memchr(name.at, ':', name.len);
	uint32_t n = colon != NULL ? (uint32_t)(colon - name.at) : 0;
	uint32_t skip = colon != NULL ? n + 1 : 0;

	*ret_prefix = (struct fk_view){.at = name.at, .len = n};
	*ret_local = (struct fk_view){.at = name.at + skip, .len = name.len - skip};
}

/* The number in "&#...;" or "&#x...;" whose digits start at the cursor. */
static enum fk_err read_number(struct fk_xml *xml, uint32_t *ret_c)
{
	bool is_hex = starts_with(xml, "x");
	uint32_t c = 0, n_digits = 0;

	xml->at += is_hex;
	for (; xml->at < xml->end && *xml->at != ';'; xml->at++, n_digits++) {
		char d = *xml->at, lower = (char)(d | 0x20);

		if (d >= '0' && d <= '9')
			c = c * (is_hex ? 16 : 10) + (uint32_t)(d - '0');
		else if (is_hex && lower >= 'a' && lower <= 'f')
			c = c * 16 + (uint32_t)(lower - 'a') + 10;
		else
			return FK_EFORMAT;
		if (c > 0x10ffff)
			return FK_EFORMAT;
	}
	if (xml->at == xml->end || n_digits == 0 || !is_char(c))
		return FK_EFORMAT;
	*ret_c = c;
	return FK_OK;
}

/* Reads the reference at the cursor, which is at '&', into xml->reference. spec: XML 1.0 §4.1 */
static enum fk_err read_reference(struct fk_xml *xml, struct fk_view *ret_text)
{
	static const struct {
		const char *name;
		char c;
	} predefined[] = {{"lt", '<'}, {"gt", '>'}, {"amp", '&'}, {"quot", '"'}, {"apos", '\''}};
	uint32_t c = 0;

	xml->at++;
	if (starts_with(xml, "#")) {
		enum fk_err err;

		xml->at++;
		err = read_number(xml, &c);
		if (err != FK_OK)
			return err;
	} else {
		struct fk_view name;

		if (!read_name(xml, &name) || !starts_with(xml, ";"))
			return FK_EFORMAT;
		for (size_t i = 0; i < sizeof(predefined) / sizeof(predefined[0]); i++)
			if (is_text(name, predefined[i].name))
				c = (uint8_t)predefined[i].c;
		if (c == 0)
			return FK_EUNSUPPORTED; /* would need a document type declaration */
	}
	xml->at++; /* the semicolon */
	*ret_text = (struct fk_view){.at = xml->reference, .len = write_utf8(c, xml->reference)};
	return FK_OK;
}

static void attribute_append(struct attribute *a, struct fk_view text)
{
	if (a->is_long || a->value_len + text.len > VALUE_LEN_MAX) {
		a->is_long = true;
		a->value_len = 0;
		return;
	}
	memcpy(a->value + a->value_len, text.at, text.len);
	a->value_len += text.len;
}

/* What ends a run of plain characters in an attribute value. */
static bool ends_value(char c, char quote)
{
	return c == quote || c == '&' || c == '<';
}

/* name = "value". spec: XML 1.0 §3.1 */
static enum fk_err read_attribute(struct fk_xml *xml, struct attribute *a)
{
	char quote;

	a->value_len = 0;
	a->is_long = false;
	if (!read_name(xml, &a->name))
		return FK_EFORMAT;
	skip_spaces(xml);
	if (!starts_with(xml, "="))
		return FK_EFORMAT;
	xml->at++;
	skip_spaces(xml);
	if (!starts_with(xml, "\"") && !starts_with(xml, "'"))
		return FK_EFORMAT;
	for (quote = *xml->at++; xml->at < xml->end && *xml->at != quote;) {
		struct fk_view text = {.at = xml->at};
		enum fk_err err = FK_OK;

		if (*xml->at == '<')
			return FK_EFORMAT;
		if (*xml->at == '&')
			err = read_reference(xml, &text);
		else
			for (; xml->at < xml->end && !ends_value(*xml->at, quote); text.len++)
				xml->at++;
		if (err != FK_OK)
			return err;
		attribute_append(a, text);
	}
	if (xml->at == xml->end)
		return FK_EFORMAT;
	xml->at++;
	return FK_OK;
}

static bool is_space_run(struct fk_view v)
{
	for (uint32_t i = 0; i < v.len; i++)
		if (!fk_xml_is_space(v.at[i]))
			return false;
	return true;
}

static struct fk_view attribute_value(const struct attribute *a)
{
	return (struct fk_view){.at = a->value, .len = a->value_len};
}

/* Skips the comment at the cursor. spec: XML 1.0 §2.5: "--" only ends it */
static enum fk_err skip_comment(struct fk_xml *xml)
{
	const char *dashes;

	xml->at += strlen("<!--");
	dashes = memmem(xml->at, left(xml), "--", 2);
	if (dashes == NULL)
		return FK_EFORMAT;
	xml->at = dashes + 2;
	if (!starts_with(xml, ">"))
		return FK_EFORMAT;
	xml->at++;
	return FK_OK;
}

/* <?xml version="1.0" encoding="UTF-8"?>. spec: XML 1.0 §2.8 */
static enum fk_err read_declaration(struct fk_xml *xml)
{
	bool had_version = false;

	xml->at += strlen("<?xml");
	for (;;) {
		bool had_space = skip_spaces(xml);
		struct attribute a;
		enum fk_err err;

		if (starts_with(xml, "?>"))
			break;
		if (!had_space)
			return FK_EFORMAT;
		err = read_attribute(xml, &a);
		if (err != FK_OK)
			return err;
		if (is_text(a.name, "version")) {
			had_version = true;
			if (a.value_len != 3 || memcmp(a.value, "1.", 2) != 0)
				return FK_EUNSUPPORTED;
		} else if (is_text(a.name, "encoding")) {
			if (!fk_view_is(attribute_value(&a), "UTF-8") &&
			    !fk_view_is(attribute_value(&a), "US-ASCII"))
				return FK_EUNSUPPORTED;
		} else if (!is_text(a.name, "standalone")) {
			return FK_EFORMAT;
		}
	}
	xml->at += 2;
	return had_version ? FK_OK : FK_EFORMAT;
}

enum fk_err fk_xml_init(struct fk_xml *xml, const uint8_t *octets, size_t size)
{
	/* Of the arrays only the entries in use are ever read: no need to clear 3 KiB. */
	xml->at = (const char *)octets;
	xml->end = xml->at + size;
	xml->depth = xml->n_namespaces = 0;
	xml->ends_empty = xml->had_root = xml->has_uri = false;
	if (!is_well_encoded(octets, size))
		return FK_EFORMAT;
	if (starts_with(xml, "\xef\xbb\xbf"))
		xml->at += 3; /* the byte order mark that some editors leave */
	if (starts_with(xml, "<?xml") && left(xml) > 5 && fk_xml_is_space(xml->at[5]))
		return read_declaration(xml);
	return FK_OK;
}

/* Takes a namespace declaration over, if the attribute is one. */
static enum fk_err declare(struct fk_xml *xml, const struct attribute *a)
{
	struct fk_xml_namespace *ns = &xml->namespaces[xml->n_namespaces];
	struct fk_view prefix, local;

	split_name(a->name, &prefix, &local);
	if (prefix.len == 0 && is_text(local, "xmlns"))
		local.len = 0; /* the default namespace */
	else if (!is_text(prefix, "xmlns"))
		return FK_OK;
	if (xml->n_namespaces == FK_XML_NAMESPACES_MAX)
		return FK_ERANGE;
	xml->n_namespaces++;
	ns->prefix = local;
	ns->depth = xml->depth;
	ns->name_len = a->value_len <= FK_XML_NS_LEN_MAX ? a->value_len : 0;
	memcpy(ns->name, a->value, ns->name_len);
	return FK_OK;
}

/* Resolves the prefix of an element's name. False if it was never declared. */
static bool resolve(const struct fk_xml *xml, struct fk_view name, struct fk_xml_name *ret_name)
{
	split_name(name, &ret_name->prefix, &ret_name->local);
	for (uint32_t i = xml->n_namespaces; i > 0; i--) {
		const struct fk_xml_namespace *ns = &xml->namespaces[i - 1];

		if (!equals(ns->prefix, ret_name->prefix))
			continue;
		ret_name->ns = (struct fk_view){.at = ns->name, .len = ns->name_len};
		return true;
	}
	ret_name->ns = (struct fk_view){0};
	return ret_name->prefix.len == 0;
}

static void keep_uri(struct fk_xml *xml, const struct attribute *a)
{
	xml->has_uri = true;
	xml->uri_is_long = a->is_long;
	xml->uri_len = a->value_len;
	memcpy(xml->uri, a->value, a->value_len);
}

/* The attributes of a start tag, up to its end. */
static enum fk_err read_attributes(struct fk_xml *xml, struct fk_xml_event *event)
{
	struct fk_view names[FK_XML_ATTRIBUTES_MAX];

	for (uint32_t n = 0;; n++) {
		bool had_space = skip_spaces(xml);
		struct attribute a;
		enum fk_err err;

		if (starts_with(xml, ">") || starts_with(xml, "/>"))
			return FK_OK;
		if (!had_space)
			return FK_EFORMAT;
		if (n == FK_XML_ATTRIBUTES_MAX)
			return FK_ERANGE;
		err = read_attribute(xml, &a);
		if (err == FK_OK)
			err = declare(xml, &a);
		if (err != FK_OK)
			return err;
		for (uint32_t i = 0; i < n; i++)
			if (equals(names[i], a.name))
				return FK_EFORMAT;
		names[n] = a.name;
		if (is_text(a.name, "type") && is_text(attribute_value(&a), "Encrypted"))
			event->is_type_encrypted = true;
		if (is_text(a.name, "uri"))
			keep_uri(xml, &a);
	}
}

static enum fk_err read_start_tag(struct fk_xml *xml, struct fk_xml_event *event)
{
	struct fk_view name;
	enum fk_err err;

	if (xml->depth == 0 && xml->had_root)
		return FK_EFORMAT; /* a second root */
	if (xml->depth == FK_XML_DEPTH_MAX)
		return FK_ERANGE;
	xml->at++;
	if (!read_name(xml, &name))
		return FK_EFORMAT;
	xml->open[xml->depth++] = name;
	xml->had_root = true;
	xml->has_uri = false;
	event->kind = FK_XML_START;
	event->depth = xml->depth;
	err = read_attributes(xml, event);
	if (err != FK_OK)
		return err;
	if (!resolve(xml, name, &event->name))
		return FK_EFORMAT;
	xml->ends_empty = starts_with(xml, "/");
	xml->at += xml->ends_empty ? 2 : 1;
	return FK_OK;
}

/* Leaves the innermost element, and with it the namespaces that it declared. */
static void close_element(struct fk_xml *xml, struct fk_xml_event *event)
{
	event->kind = FK_XML_END;
	event->depth = xml->depth;
	while (xml->n_namespaces > 0 && xml->namespaces[xml->n_namespaces - 1].depth == xml->depth)
		xml->n_namespaces--;
	xml->depth--;
}

static enum fk_err read_end_tag(struct fk_xml *xml, struct fk_xml_event *event)
{
	struct fk_view name;

	xml->at += strlen("</");
	if (xml->depth == 0 || !read_name(xml, &name) || !equals(name, xml->open[xml->depth - 1]))
		return FK_EFORMAT;
	skip_spaces(xml);
	if (!starts_with(xml, ">"))
		return FK_EFORMAT;
	xml->at++;
	close_element(xml, event);
	return FK_OK;
}

static enum fk_err read_text(struct fk_xml *xml, struct fk_xml_event *event)
{
	const char *start = xml->at;

	event->kind = FK_XML_TEXT;
	event->depth = xml->depth;
	if (*xml->at == '&') {
		enum fk_err err = xml->depth > 0 ? read_reference(xml, &event->text) : FK_EFORMAT;

		return err;
	}
	while (xml->at < xml->end && *xml->at != '<' && *xml->at != '&')
		xml->at++;
	event->text = (struct fk_view){.at = start, .len = (uint32_t)(xml->at - start)};
	if (xml->depth == 0 && !is_space_run(event->text))
		return FK_EFORMAT;
	/* spec: XML 1.0 §2.4: the end of a CDATA section may not stand in text */
	return memmem(start, event->text.len, "]]>", 3) == NULL ? FK_OK : FK_EFORMAT;
}

enum fk_err fk_xml_next(struct fk_xml *xml, struct fk_xml_event *ret_event)
{
	*ret_event = (struct fk_xml_event){0};
	if (xml->ends_empty) {
		xml->ends_empty = false;
		close_element(xml, ret_event);
		return FK_OK;
	}
	while (starts_with(xml, "<!--")) {
		enum fk_err err = skip_comment(xml);

		if (err != FK_OK)
			return err;
	}
	if (xml->at == xml->end) {
		ret_event->kind = FK_XML_DONE;
		return xml->depth == 0 && xml->had_root ? FK_OK : FK_EFORMAT;
	}
	if (starts_with(xml, "<!") || starts_with(xml, "<?"))
		return FK_EUNSUPPORTED; /* DOCTYPE, CDATA, a processing instruction */
	if (starts_with(xml, "</"))
		return read_end_tag(xml, ret_event);
	if (starts_with(xml, "<"))
		return read_start_tag(xml, ret_event);
	return read_text(xml, ret_event);
}
