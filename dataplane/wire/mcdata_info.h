/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mcdata_info.h - reads application/vnd.3gpp.mcdata-info+xml.
 *
 * A strict bounded scanner for the documents that MCData servers send: elements, attributes,
 * comments, the five predefined entities and character references. A document type declaration,
 * any other entity, processing instructions other than the XML declaration, depth beyond 16 and
 * size beyond 8 KiB are refused. Unknown elements are ignored. spec: TS 24.282 Annex D.1
 *
 * Threads: everything here is pure. Memory: copies into the caller's struct; nothing allocates.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>
#include <fleetkey/keytable.h>

#define FK_MCDATA_INFO_SIZE_MAX 8192

struct fk_mcdata_info {
	char request_type[32];				 /* NUL-terminated, empty if absent */
	char request_uri[FK_URI_SIZE_MAX + 1];		 /* <mcdata-request-uri>, empty if absent */
	char calling_user_id[FK_URI_SIZE_MAX + 1];	 /* <mcdata-calling-user-id> */
	uint32_t request_uri_size, calling_user_id_size; /* octets */
};

/*
 * Returns FK_OK; FK_EFORMAT (not well formed, or not an mcdatainfo document); FK_EUNSUPPORTED
 * (encrypted content, DTD, a foreign entity); FK_ERANGE (a value, the depth or the size too large).
 */
FK_MUST_USE enum fk_err fk_mcdata_info_parse(const uint8_t *octets, size_t size,
					     struct fk_mcdata_info *ret_info);
