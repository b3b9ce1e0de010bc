/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/resource_lists.h"

#include <string.h>

#include "xml.h"

#define NS "urn:ietf:params:xml:ns:resource-lists"

_Static_assert(FK_RESOURCE_LISTS_SIZE_MAX == FK_XML_SIZE_MAX, "one size for every document");

/* An entry stands in a list, and a list at the root or in another list. */
enum {
	DEPTH_ROOT = 1,
	DEPTH_ENTRY = 3,
};

static enum fk_err take_entry(struct fk_resource_lists *lists, struct fk_view uri)
{
	char copy[FK_URI_SIZE_MAX + 1];
	uint32_t len;

	if (uri.len == 0)
		return FK_EFORMAT;
	if (fk_xml_value_copy(uri, copy, sizeof(copy), &len) != FK_OK)
		return FK_ERANGE;
	if (lists->n_entries++ > 0)
		return FK_OK;
	memcpy(lists->uri, copy, len + 1);
	lists->uri_size = len;
	return FK_OK;
}

static enum fk_err on_start(void *context, const struct fk_xml_element *element)
{
	struct fk_resource_lists *lists = context;

	if (element->depth == DEPTH_ROOT)
		return fk_xml_is(element, NS, "resource-lists") ? FK_OK : FK_EFORMAT;
	if (fk_xml_is(element, NS, "entry-ref") || fk_xml_is(element, NS, "external"))
		return FK_EUNSUPPORTED;
	if (!fk_xml_is(element, NS, "entry"))
		return FK_OK;
	return element->depth >= DEPTH_ENTRY ? take_entry(lists, element->uri) : FK_EFORMAT;
}

enum fk_err fk_resource_lists_parse(const uint8_t *octets, size_t size,
				    struct fk_resource_lists *ret_lists)
{
	static const struct fk_xml_listener listener = {.on_start = on_start};
	struct fk_resource_lists lists = {0};
	enum fk_err err = fk_xml_read(octets, size, &listener, &lists);

	if (err == FK_OK)
		*ret_lists = lists;
	return err;
}
