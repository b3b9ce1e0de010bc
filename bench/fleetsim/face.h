/* SPDX-License-Identifier: Apache-2.0 */
/*
 * face.h - one MCData server that fleetsim plays: a UDP port, who it is to the KMF, and what a
 * MESSAGE to it must and must not carry.
 *
 * 3GPP sheet 3.2: in profile A the server is the participating function of a KMF that is a client;
 * in B it is the controlling function, and the KMF a trusted application server; in C it is the
 * terminating participating function, and the KMF the controlling one. The first two are addressed
 * by their own URI, the third by the UE's. For carrier T2 (sheet 6) it is the terminating
 * participating function of MCPTT, addressed by its own URI, and the KMF is behind an IWF.
 *
 * Threads: the worker only. Memory: URIs in 'compose' are borrowed from the face itself or from the
 * caller; nothing here allocates.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fleetkey/address.h>
#include <fleetkey/err.h>

#include "compose.h"
#include "counts.h"
#include "inspect.h"
#include "wire/sip.h"

#define FK_FACES_MAX	    8
#define FK_FACE_NAME_MAX    32	/* characters */
#define FK_FACE_URI_MAX	    300 /* octets */
#define FK_FACE_WARNING_141 141 /* as a refusal: 404 with that Warning */
#define FK_FACE_T2	    16	/* as a profile: carrier T2, which has none */

struct fk_face {
	char name[FK_FACE_NAME_MAX + 1]; /* of the next hop in the fleet file; empty: of any */
	uint16_t port;
	uint8_t profile; /* enum fk_sip_profile, or FK_FACE_T2 */
	/* 0; 401, 407 or FK_FACE_WARNING_141: every request is refused so; 503: as long as the
	 * server is overloaded */
	uint16_t refusal;
	uint64_t begun_at_ms;	   /* of 503: the first request; 0: there was none */
	char uri[FK_FACE_URI_MAX]; /* of the server */
	struct fk_compose_context compose;
	uint64_t n_requests;		/* MESSAGEs, repeats included */
	uint64_t n_accepted, n_refused; /* well-formed transactions */
};

/* Makes the face's URI and what its messages have in common; port, name and profile are set.
 * 'isd_layout' is of carrier T2 only. FK_OK; FK_EFULL if the URIs are too long. 'kmf_uri' and
 * 'isd_layout' are borrowed. */
FK_MUST_USE enum fk_err fk_face_prepare(struct fk_face *face, const char *kmf_uri,
					const struct fk_address *address,
					const struct fk_isd_layout *isd_layout);

/*
 * Reads a face from "NAME,PORT,PROFILE[,REFUSAL]", REFUSAL being 401, 407, 503 or 141. False if the
 * text is none, or the name is empty or longer than FK_FACE_NAME_MAX.
 */
bool fk_face_read(const char *text, struct fk_face *ret_face);

/* "A", "B", "C" or "T2", alone or before a comma. False if it is none. */
bool fk_face_read_profile(const char *text, uint8_t *ret_profile);

/*
 * What the face's profile asks of a MESSAGE whose body was read: who is addressed, who calls, how
 * the target is named, which service is asked for. 'octets' is the datagram.
 * spec: 3GPP sheet 3.2, 3.3, 3.4
 */
enum fk_sim_malformed fk_face_check(const struct fk_face *face,
				    const struct fk_sip_message *message, const uint8_t *octets,
				    const struct fk_inspected *inspected);
