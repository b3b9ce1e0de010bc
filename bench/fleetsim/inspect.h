/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect.h - takes a MESSAGE from the KMF apart and says what is wrong with it.
 *
 * Threads: everything here is pure. Memory: views borrow from the datagram; nothing allocates.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fleetkey/isd_layout.h>
#include <fleetkey/keytable.h>
#include <fleetkey/sds.h>

#include "counts.h"
#include "wire/mcdata_info.h"
#include "wire/sip.h"

/* The parts of one SDS, or of Interworking Security Data, which has no signalling. */
struct fk_inspected {
	struct fk_mcdata_info info; /* or mcptt-info */
	bool has_resource_lists;
	uint32_t n_entries;		  /* in them */
	char target[FK_URI_SIZE_MAX + 1]; /* MCData ID of the UE it is for */
	uint32_t target_size;
	struct fk_sds_signalling signalling;
	const uint8_t *payload; /* preamble and KMM, in 'decoded' if it came as base64 */
	size_t payload_size;
	/* Contents of their parts as they stand in the datagram; empty if encoded, or on T2. */
	struct fk_view signalling_part, payload_part;
	uint8_t decoded[1536];
};

/*
 * Checks what RFC 3261, RFC 3428 and the size rule ask of the header: compact form, Max-Forwards,
 * no Contact, a Content-Length that is the octets that follow, at most 1300 octets. 'octets' is the
 * datagram that 'message' was parsed from. Such a message can still be understood.
 */
enum fk_sim_malformed fk_inspect_header(const struct fk_sip_message *message, const uint8_t *octets,
					size_t size);

/*
 * Reads the body: mcdata-info, signalling and payload once each, one-to-one-sds, DELIVERY asked
 * for. The target comes from the first entry of resource-lists, if there are any, else from
 * <mcdata-request-uri>; which of them there may be is a matter of face.h.
 */
enum fk_sim_malformed fk_inspect_body(const struct fk_sip_message *message,
				      struct fk_inspected *ret_inspected);

/*
 * Reads the body of carrier T2: mcptt-info, which names the target, and Interworking Security Data
 * of P25 in that layout, and nothing else. A KMF that it names has to be 'kmf_uri'.
 * spec: 3GPP sheet 6.1
 */
enum fk_sim_malformed fk_inspect_isd(const struct fk_sip_message *message,
				     const struct fk_isd_layout *layout, const char *kmf_uri,
				     struct fk_inspected *ret_inspected);
