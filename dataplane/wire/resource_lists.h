/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resource_lists.h - reads application/resource-lists+xml: whom a request is meant for.
 *
 * As strict and bounded as mcdata_info.h: no document type, no entity, nothing that would have to
 * be fetched. spec: RFC 4826 §3.2; TS 24.282 §9.2.2.2.1: one list with exactly one entry; 3GPP
 * sheet 3.3
 *
 * Threads: everything here is pure. Memory: copies into the caller's struct; libxml2 allocates what
 * it frees before the return.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>
#include <fleetkey/keytable.h>

#define FK_RESOURCE_LISTS_SIZE_MAX 8192 /* octets of a document */

struct fk_resource_lists {
	uint32_t n_entries;	       /* in all lists, those inside of others included */
	char uri[FK_URI_SIZE_MAX + 1]; /* of the first entry, NUL-terminated */
	uint32_t uri_size;	       /* octets */
};

/*
 * Returns FK_OK; FK_EFORMAT (not well formed, no resource-lists document, an entry outside of a
 * list or without URI); FK_EUNSUPPORTED (DTD, a foreign entity, encrypted content, an entry that
 * refers to another document); FK_ERANGE (the URI, the depth or the size too large);
 * FK_ENOMEM.
 */
FK_MUST_USE enum fk_err fk_resource_lists_parse(const uint8_t *octets, size_t size,
						struct fk_resource_lists *ret_lists);
