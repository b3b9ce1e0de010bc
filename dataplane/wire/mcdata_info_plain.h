/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mcdata_info_plain.h - the usual mcdatainfo document without an XML parser.
 *
 * Private to mcdata_info.c, sip_shape.c and their tests. What the plain reader accepts, the XML
 * reader accepts with the same values; a test compares the two on documents, mutations and random
 * input.
 *
 * Threads: everything here is pure. Memory: copies into the caller's struct; nothing allocates.
 */
#pragma once

#include <stdbool.h>

#include "wire/mcdata_info.h"
#include "wire/sip.h"

/*
 * Reads a document of exactly this form: at most an XML declaration of version 1.0 and UTF-8 (or no
 * encoding), then mcdatainfo in the default namespace, mcdata-Params, and in it request-type,
 * mcdata-request-uri and mcdata-calling-user-id (both of type Normal), each at most once, in any
 * order. White space may stand between tags; values are printable ASCII without references. Returns
 * false, with 'ret_info' as it was, if it is anything else, well-formed or not.
 */
bool fk_mcdata_info_read_plain(const uint8_t *octets, size_t size, struct fk_mcdata_info *ret_info);

/*
 * Where <mcdata-calling-user-id> stands in a document of that form. False if it is anything else,
 * or names no user. The view borrows from the document.
 */
bool fk_mcdata_info_find_user(const uint8_t *octets, size_t size, struct fk_view *ret_user);

/* Reads any document: fk_mcdata_info_parse() without the plain form's short cut. */
FK_MUST_USE enum fk_err fk_mcdata_info_read_xml(const uint8_t *octets, size_t size,
						struct fk_mcdata_info *ret_info);
