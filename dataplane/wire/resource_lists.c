/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/resource_lists.h"

#include <string.h>

#include "xml.h"

#define NS "urn:ietf:params:xml:ns:resource-lists"

/* An entry stands in a list, and a list at the root or in another list. */
enum {
	DEPTH_ROOT = 1,
	DEPTH_ENTRY = 3,
};

static enum fk_err take_entry(const struct fk_xml *xml, struct fk_resource_lists *lists)
{
	if (!xml->has_uri || (xml->uri_len == 0 && !xml->uri_is_long) ||
	    memchr(xml->uri, '\0', xml->uri_len) != NULL)
		return FK_EFORMAT;
	if (xml->uri_is_long)
		return FK_ERANGE;
	if (lists->n_entries++ > 0)
		return FK_OK;
	memcpy(lists->uri, xml->uri, xml->uri_len);
	lists->uri[xml->uri_len] = '\0';
	lists->uri_size = xml->uri_len;
	return FK_OK;
}

static enum fk_err on_start(const struct fk_xml *xml, const struct fk_xml_event *event,
			    struct fk_resource_lists *lists)
{
	const struct fk_xml_name *name = &event->name;

	/* xmlenc, wherever it stands, says that a value is hidden from us: 3GPP sheet 7.5. */
	if (fk_view_is(name->local, "EncryptedData") || event->is_type_encrypted)
		return FK_EUNSUPPORTED;
	if (event->depth == DEPTH_ROOT)
		return fk_xml_is(name, NS, "resource-lists") ? FK_OK : FK_EFORMAT;
	if (fk_xml_is(name, NS, "entry-ref") || fk_xml_is(name, NS, "external"))
		return FK_EUNSUPPORTED;
	if (!fk_xml_is(name, NS, "entry"))
		return FK_OK;
	return event->depth >= DEPTH_ENTRY ? take_entry(xml, lists) : FK_EFORMAT;
}

enum fk_err fk_resource_lists_parse(const uint8_t *octets, size_t size,
				    struct fk_resource_lists *ret_lists)
{
	struct fk_resource_lists lists = {0};
	struct fk_xml xml;
	struct fk_xml_event event;
	enum fk_err err;

	if (size > FK_RESOURCE_LISTS_SIZE_MAX)
		return FK_ERANGE;
	err = fk_xml_init(&xml, octets, size);
	while (err == FK_OK && (err = fk_xml_next(&xml, &event)) == FK_OK &&
	       event.kind != FK_XML_DONE)
		if (event.kind == FK_XML_START)
			err = on_start(&xml, &event, &lists);
	if (err == FK_OK)
		*ret_lists = lists;
	return err;
}
