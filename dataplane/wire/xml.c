/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xml.c - libxml2's SAX2 interface with everything switched off that we do not need.
 *
 * The callbacks rather than its reader or tree, because they see a document type before libxml2
 * has read what is declared in it.
 */
#include "xml.h"

#include <string.h>
#include <strings.h>

#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/xmlerror.h>

struct reading {
	xmlParserCtxt *parser;
	const struct fk_xml_listener *listener;
	void *context;
	uint32_t depth;
	bool had_root;	 /* and it has ended, if 'depth' is 0 */
	enum fk_err err; /* the first; nothing is told after it */
};

bool fk_xml_is(const struct fk_xml_element *element, const char *ns, const char *local)
{
	return strcmp(element->local, local) == 0 && strcmp(element->ns, ns) == 0;
}

enum fk_err fk_xml_value_copy(struct fk_view value, char *out, size_t cap, uint32_t *ret_len)
{
	static const char ampersand[] =
		"&#38;"; /* libxml2 leaves it so unless it replaces entities */
	uint32_t len = 0;

	for (uint32_t i = 0; i < value.len; i++) {
		if (len + 1 >= cap)
			return FK_ERANGE;
		out[len++] = value.at[i];
		if (value.at[i] == '&')
			i += sizeof(ampersand) - 2;
	}
	out[len] = '\0';
	*ret_len = len;
	return FK_OK;
}

static void stop(struct reading *r, enum fk_err err)
{
	if (err == FK_OK)
		return;
	if (r->err == FK_OK)
		r->err = err;
	xmlStopParser(r->parser);
}

static void on_doctype(void *reading, const xmlChar *name, const xmlChar *external_id,
		       const xmlChar *system_id)
{
	(void)name;
	(void)external_id;
	(void)system_id;
	stop(reading, FK_EUNSUPPORTED);
}

/* Of an entity that is not predefined. */
static xmlEntity *on_entity(void *reading, const xmlChar *name)
{
	(void)name;
	stop(reading, FK_EUNSUPPORTED);
	return NULL;
}

static void on_cdata(void *reading, const xmlChar *text, int len)
{
	(void)text;
	(void)len;
	stop(reading, FK_EUNSUPPORTED);
}

static void on_instruction(void *reading, const xmlChar *target, const xmlChar *data)
{
	(void)target;
	(void)data;
	stop(reading, FK_EUNSUPPORTED);
}

/* libxml2 gives an attribute as five pointers. */
enum {
	ATTRIBUTE_LOCAL,
	ATTRIBUTE_PREFIX,
	ATTRIBUTE_NS,
	ATTRIBUTE_VALUE,
	ATTRIBUTE_VALUE_END,
	N_ATTRIBUTE_PARTS,
};

/* The value of an attribute without namespace; 'at' is NULL if the element has none so named. */
static struct fk_view find_attribute(const xmlChar **attributes, int n, const char *name)
{
	struct fk_view value = {0};

	for (const xmlChar **a = attributes; n > 0 && value.at == NULL; n--, a += N_ATTRIBUTE_PARTS)
		if (a[ATTRIBUTE_PREFIX] == NULL && xmlStrEqual(a[ATTRIBUTE_LOCAL], BAD_CAST name))
			value = (struct fk_view){
				.at = (const char *)a[ATTRIBUTE_VALUE],
				.len = (uint32_t)(a[ATTRIBUTE_VALUE_END] - a[ATTRIBUTE_VALUE]),
			};
	return value;
}

static void on_start(void *reading, const xmlChar *local, const xmlChar *prefix, const xmlChar *ns,
		     int n_namespaces, const xmlChar **namespaces, int n_attributes,
		     int n_defaulted, const xmlChar **attributes)
{
	struct reading *r = reading;
	const struct fk_xml_element element = {
		.ns = ns != NULL ? (const char *)ns : "",
		.local = (const char *)local,
		.depth = r->depth + 1,
		.uri = find_attribute(attributes, n_attributes, "uri"),
	};
	struct fk_view type = find_attribute(attributes, n_attributes, "type");

	(void)prefix;
	(void)n_namespaces;
	(void)namespaces;
	(void)n_defaulted;
	if (r->err != FK_OK)
		return;
	r->had_root = true;
	/* spec: 3GPP sheet 7.5: a value that is encrypted is refused, wherever it stands */
	if (r->depth++ == FK_XML_DEPTH_MAX)
		stop(r, FK_ERANGE);
	else if (strcmp(element.local, "EncryptedData") == 0 ||
		 (type.at != NULL && fk_view_is(type, "Encrypted")))
		stop(r, FK_EUNSUPPORTED);
	else
		stop(r, r->listener->on_start(r->context, &element));
}

static void on_text(void *reading, const xmlChar *text, int len)
{
	struct reading *r = reading;
	struct fk_view view = {.at = (const char *)text, .len = (uint32_t)len};

	if (r->err == FK_OK && r->listener->on_text != NULL)
		r->listener->on_text(r->context, r->depth, view);
}

static void on_end(void *reading, const xmlChar *local, const xmlChar *prefix, const xmlChar *ns)
{
	struct reading *r = reading;
	uint32_t depth = r->depth--;

	(void)local;
	(void)prefix;
	(void)ns;
	if (r->err == FK_OK && r->listener->on_end != NULL)
		stop(r, r->listener->on_end(r->context, depth));
}

static void on_error(void *reading, xmlError *error)
{
	struct reading *r = reading;

	if (error->level < XML_ERR_ERROR || r->err != FK_OK)
		return;
	switch (error->code) {
	case XML_ERR_UNKNOWN_VERSION:
		r->err = FK_EUNSUPPORTED;
		break;
	case XML_ERR_NO_MEMORY:
		r->err = FK_ENOMEM;
		break;
	default:
		r->err = FK_EFORMAT;
	}
}

/*
 * True if an XML declaration says that the document is not UTF-8. libxml2 is told to pass over what
 * it says: it would let the sender choose among the C library's converters, which it loads from
 * files. Whether the declaration is well formed is for libxml2 to judge.
 */
static bool names_other_encoding(const char *text, size_t size)
{
	static const char word[] = "encoding", utf8[] = "UTF-8";
	const size_t len = sizeof(utf8) - 1;
	const char *end = memmem(text, size, "?>", 2);
	const char *at = end != NULL ? memchr(text, '<', (size_t)(end - text)) : NULL;

	if (at == NULL || at[1] != '?')
		return false;
	at = memmem(at, (size_t)(end - at), word, sizeof(word) - 1);
	if (at == NULL)
		return false;
	for (at += sizeof(word) - 1; at < end && (fk_xml_is_space(*at) || *at == '='); at++)
		;
	return (size_t)(end - at) < len + 2 || strncasecmp(at + 1, utf8, len) != 0 ||
	       at[len + 1] != at[0];
}

void fk_xml_init(void)
{
	xmlInitParser();
}

enum fk_err fk_xml_read(const uint8_t *octets, size_t size, const struct fk_xml_listener *listener,
			void *context)
{
	struct reading r = {.listener = listener, .context = context};

	if (size > FK_XML_SIZE_MAX)
		return FK_ERANGE;
	/* No document is empty or has a NUL, where libxml2 would see its end. */
	if (octets == NULL || size == 0 || memchr(octets, '\0', size) != NULL)
		return FK_EFORMAT;
	if (names_other_encoding((const char *)octets, size))
		return FK_EUNSUPPORTED;
	r.parser = xmlNewParserCtxt();
	if (r.parser == NULL)
		return FK_ENOMEM;
	*r.parser->sax = (xmlSAXHandler){
		.initialized = XML_SAX2_MAGIC,
		.internalSubset = on_doctype,
		.getEntity = on_entity,
		.startElementNs = on_start,
		.characters = on_text,
		.ignorableWhitespace = on_text, /* else it would guess what is layout */
		.endElementNs = on_end,
		.cdataBlock = on_cdata,
		.processingInstruction = on_instruction,
		.serror = on_error,
	};
	r.parser->userData = &r;
	/* There is no tree to return. */
	(void)xmlCtxtReadMemory(r.parser, (const char *)octets, (int)size, NULL, "UTF-8",
				XML_PARSE_NONET | XML_PARSE_IGNORE_ENC);
	/* Whatever made it give up, only a root that has ended is a document. */
	if (r.err == FK_OK && (!r.parser->wellFormed || !r.had_root || r.depth > 0))
		r.err = FK_EFORMAT;
	xmlFreeParserCtxt(r.parser);
	return r.err;
}
