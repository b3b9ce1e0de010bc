/* SPDX-License-Identifier: Apache-2.0 */
/*
 * isd_request.h - the MESSAGE that carries Interworking Security Data to an MCPTT client.
 *
 * Header list of TS 29.379 §14.1.1, ordinary header names; two parts: mcptt-info and the message
 * that isd.h encodes. spec: 3GPP sheet 6.1, 9.5
 *
 * Threads: everything here is pure. Memory: borrows its arguments during the call; nothing
 * allocates.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>

/* NUL-terminated text without white space, control octets, quotes or angle brackets. */
struct fk_isd_request {
	const char *participating_psi; /* Request-URI and To: terminating participating function */
	const char *iwf_psi;	       /* From and P-Asserted-Identity */
	const char *transport;	       /* of the Via: "UDP" or "TCP" */
	const char *sent_by, *branch;
	const char *from_tag, *call_id;
	const char *boundary; /* of 1 to 70 characters of a token */
	uint32_t cseq_number;
	const char *mc_service_id; /* MCPTT ID of the target, for mcptt-info */
};

/*
 * Writes the request around 'isd', the encoded message. Returns FK_OK and the size; FK_EFULL;
 * FK_EINVAL if a text is missing or cannot stand in a header, or if the boundary stands in a part.
 */
FK_MUST_USE enum fk_err fk_isd_request_build(const struct fk_isd_request *request,
					     const uint8_t *isd, size_t isd_size, uint8_t *buf,
					     size_t cap, size_t *ret_size);
