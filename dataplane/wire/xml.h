/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xml.h - reads one small XML document from the network with libxml2, element by element.
 *
 * For mcdata_info.c, resource_lists.c and fleetkey-inspect. What could reach beyond the document,
 * hide a value or grow is refused, and the rest of the document with it: document types, and so all
 * entities but the five that XML has of itself, processing instructions, CDATA sections, encodings
 * other than UTF-8, encrypted content. No tree is built, nothing is fetched or printed. spec:
 * XML 1.0 (fifth edition), Namespaces in XML 1.0; 3GPP sheet 7.5
 *
 * Threads: each read is its own. Memory: libxml2 allocates while it reads, a bounded amount for a
 * document of FK_XML_SIZE_MAX; all of it is freed on return.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>

#include "wire/sip.h" /* struct fk_view */

#define FK_XML_SIZE_MAX	 8192 /* octets of a document */
#define FK_XML_DEPTH_MAX 16   /* the root is 1 deep */

struct fk_xml_element {
	const char *ns, *local; /* namespace, empty if there is none, and name in it */
	uint32_t depth;
	struct fk_view uri; /* for fk_xml_value_copy(): the attribute "uri"; 'at' is NULL without */
};

/* What is told of a document, in its order; 'context' is the caller's. An error ends the reading
 * and becomes its result. Text that is passed is valid until the call returns. */
struct fk_xml_listener {
	enum fk_err (*on_start)(void *context, const struct fk_xml_element *element);
	/* Of the rest each may be NULL. 'depth' is that of the element around the text, or of the
	 * one that ends. One text may come in pieces; references in it are resolved. */
	void (*on_text)(void *context, uint32_t depth, struct fk_view text);
	enum fk_err (*on_end)(void *context, uint32_t depth);
};

/* Sets libxml2 up, which the first document would do otherwise. For a program's start. */
void fk_xml_init(void);

/*
 * Reads the whole document. Returns FK_OK; FK_EFORMAT (not well formed, or cut off);
 * FK_EUNSUPPORTED (something that is refused, see above); FK_ERANGE (too large or too deep);
 * FK_ENOMEM; or what the listener has returned.
 */
FK_MUST_USE enum fk_err fk_xml_read(const uint8_t *octets, size_t size,
				    const struct fk_xml_listener *listener, void *context);

/* True if it is the element 'local' of namespace 'ns'. */
bool fk_xml_is(const struct fk_xml_element *element, const char *ns, const char *local);

/* Copies an attribute's value with a NUL after it. FK_OK; FK_ERANGE if 'cap' is too small. */
FK_MUST_USE enum fk_err fk_xml_value_copy(struct fk_view value, char *out, size_t cap,
					  uint32_t *ret_len);

static inline bool fk_xml_is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
