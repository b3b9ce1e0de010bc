/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mcdata_info.h - reads application/vnd.3gpp.mcdata-info+xml, and its sibling of MCPTT.
 *
 * The documents that MCData servers send, small and of one shape: elements, attributes, comments,
 * the five predefined entities and character references. A document type declaration, any other
 * entity, processing instructions other than the XML declaration, CDATA sections, encodings other
 * than UTF-8, depth beyond 16 and size beyond 8 KiB are refused. Unknown elements are ignored.
 * spec: TS 24.282 Annex D.1
 *
 * Threads: everything here is pure. Memory: copies into the caller's struct. The usual document is
 * read without allocating; for any other, libxml2 allocates what it frees before the return.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>
#include <fleetkey/keytable.h>

#define FK_MCDATA_INFO_SIZE_MAX 8192
#define FK_MCPTT_INFO_NS	"urn:3gpp:ns:mcpttInfo:1.0"

struct fk_mcdata_info {
	char request_type[32];				 /* NUL-terminated, empty if absent */
	char request_uri[FK_URI_SIZE_MAX + 1];		 /* <mcdata-request-uri>, empty if absent */
	char calling_user_id[FK_URI_SIZE_MAX + 1];	 /* <mcdata-calling-user-id> */
	uint32_t request_uri_size, calling_user_id_size; /* octets */
};

/*
 * Returns FK_OK; FK_EFORMAT (not well formed, or not an mcdatainfo document); FK_EUNSUPPORTED
 * (encrypted content, DTD, a foreign entity); FK_ERANGE (a value, the depth or the size too large);
 * FK_ENOMEM.
 */
FK_MUST_USE enum fk_err fk_mcdata_info_parse(const uint8_t *octets, size_t size,
					     struct fk_mcdata_info *ret_info);

/* The same for application/vnd.3gpp.mcptt-info+xml, whose session-type goes to 'request_type'. */
FK_MUST_USE enum fk_err fk_mcptt_info_parse(const uint8_t *octets, size_t size,
					    struct fk_mcdata_info *ret_info);

/*
 * Writes the mcptt-info document that goes with Interworking Security Data: the target's MCPTT ID
 * and nothing else. FK_OK; FK_EINVAL (no URI, one too long, or one that XML would have us escape);
 * FK_EFULL. spec: 3GPP sheet 6.1 step 4, 9.5
 */
FK_MUST_USE enum fk_err fk_mcptt_info_write(const char *request_uri, uint8_t *buf, size_t cap,
					    size_t *ret_size);
