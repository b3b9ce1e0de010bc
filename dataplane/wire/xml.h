/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xml.h - a bounded pull scanner for small XML documents with namespaces.
 *
 * Private to mcdata_info.c and resource_lists.c. Understood: elements, attributes, comments, the
 * five predefined entities, character references. Refused: document type declarations, other
 * entities, processing instructions but the XML declaration, CDATA sections, encodings other than
 * UTF-8. Nothing is ever fetched, expanded or allocated. spec: XML 1.0 (fifth edition), Namespaces
 * in XML 1.0
 *
 * Threads: a scanner belongs to one thread. Memory: borrows the document; the scanner is a plain
 * struct of the caller's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>

#include "wire/sip.h" /* struct fk_view */

#define FK_XML_DEPTH_MAX      16
#define FK_XML_ATTRIBUTES_MAX 16 /* of one element */
#define FK_XML_NAMESPACES_MAX 32 /* declarations in force */
#define FK_XML_URI_LEN_MAX    255
#define FK_XML_NS_LEN_MAX     63 /* a longer namespace name is none of ours: it is kept as empty */

enum fk_xml_kind {
	FK_XML_START, /* a start tag; an empty element gives START and END */
	FK_XML_TEXT,  /* a run of character data, entities resolved; one text may come in runs */
	FK_XML_END,
	FK_XML_DONE, /* the document has ended as it should */
};

struct fk_xml_name {
	struct fk_view prefix, local;
	struct fk_view ns; /* the namespace's name; empty if there is none */
};

struct fk_xml_event {
	enum fk_xml_kind kind;
	uint32_t depth;		 /* of the element: 1 for the root; TEXT: of the one around it */
	struct fk_xml_name name; /* START */
	bool is_type_encrypted;	 /* START: has type="Encrypted" (TS 24.282 Annex D.1) */
	struct fk_view text;	 /* TEXT; valid until the next call */
};

struct fk_xml_namespace {
	struct fk_view prefix;
	char name[FK_XML_NS_LEN_MAX + 1];
	uint32_t name_len;
	uint32_t depth; /* of the element that declares it */
};

struct fk_xml {
	const char *at, *end;
	uint32_t depth, n_namespaces;
	bool ends_empty; /* the last START was of an empty element: its END is due */
	bool had_root;
	bool has_uri;	  /* the last START has an attribute "uri" ... */
	bool uri_is_long; /* ... of more characters than 'uri' holds, which is then empty */
	uint32_t uri_len;
	char uri[FK_XML_URI_LEN_MAX + 1]; /* references resolved; no NUL */
	char reference[4]; /* the character that the last reference stands for, in UTF-8 */
	struct fk_view open[FK_XML_DEPTH_MAX]; /* qualified names of the open elements */
	struct fk_xml_namespace namespaces[FK_XML_NAMESPACES_MAX];
};

/* Starts at the document's first octet. FK_OK; FK_EFORMAT if it is not UTF-8 or holds a character
 * that XML has not; FK_EUNSUPPORTED if it declares another version or encoding. */
FK_MUST_USE enum fk_err fk_xml_init(struct fk_xml *xml, const uint8_t *octets, size_t size);

/*
 * Gives the next event. Returns FK_OK; FK_EFORMAT (not well formed, or cut off); FK_EUNSUPPORTED
 * (something that the scanner refuses, see above); FK_ERANGE (too deep, too many attributes or
 * namespaces).
 */
FK_MUST_USE enum fk_err fk_xml_next(struct fk_xml *xml, struct fk_xml_event *ret_event);

/* True if the name is 'local' in namespace 'ns'. */
bool fk_xml_is(const struct fk_xml_name *name, const char *ns, const char *local);

static inline bool fk_xml_is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
