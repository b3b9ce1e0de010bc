/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_xml.h - all that the XML parts of a message say, as JSON.
 *
 * mcdata_info.h and resource_lists.h judge the documents and keep what the dataplane needs; here
 * one that they took is read again for the rest.
 *
 * Memory: every json_t is the caller's (json_decref()).
 */
#pragma once

#include <jansson.h> /* lint: allow a tool, no part of fleetkey-dp */
#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>

/*
 * Every element of the namespace 'ns' inside of the root's 'params', by its name in snake case: its
 * text, or that of the URI, string or boolean in it; an array if it is repeated. An access token is
 * withheld. Returns what fk_xml_read() does. spec: TS 24.282 Annex D.1, 3GPP sheet 3.5
 */
FK_MUST_USE enum fk_err fk_json_xml_params(const uint8_t *octets, size_t size, const char *ns,
					   const char *params, json_t **ret_json);

/* The URIs of all entries, in their order. spec: RFC 4826 §3.2 */
FK_MUST_USE enum fk_err fk_json_xml_entries(const uint8_t *octets, size_t size, json_t **ret_json);
