/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compose.h - writes the MESSAGEs that reach a KMF: NOTIFICATION and answer SDS, or, on carrier T2,
 * the answer in Interworking Security Data.
 *
 * What a controlling function sends on behalf of a UE (3GPP sheet 3.4, 4.6): mcdata-info names the
 * KMF as target and the UE as calling user; mcptt-info of T2 does likewise. Both the long and the
 * compact header forms are written, so that a receiver meets both. Nothing is shared with the
 * builder in the dataplane.
 *
 * What is the same in all messages is written once, as pieces between which the rest is put.
 *
 * Threads: everything here is pure. Memory: nothing allocates.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>
#include <fleetkey/isd_layout.h>
#include <fleetkey/sds.h>

#include "outbox.h"
#include "wire/address.h"

#define FK_SIM_BRANCH_LEN  31	/* characters: cookie 7, slot 8, nonce 16 */
#define FK_SIM_MESSAGE_MAX 1300 /* octets, RFC 3428 §8 */

#define FK_COMPOSE_PIECES   8	 /* texts between the values that differ */
#define FK_COMPOSE_TEXT_MAX 3072 /* octets of all of them */

/* The fixed text of one form; layout is private to compose.c. */
struct fk_compose_form {
	struct {
		uint16_t offset, size, boundary; /* 'boundary': where it stands in the piece */
	} pieces[FK_COMPOSE_PIECES];
	char text[FK_COMPOSE_TEXT_MAX];
};

/* Who talks to whom; the same for all messages. The URIs are borrowed. */
struct fk_compose_context {
	const char *kmf_uri, *server_uri;
	size_t kmf_uri_size, server_uri_size;
	const struct fk_isd_layout *isd_layout; /* of carrier T2; NULL: T1 */
	uint16_t source_port;
	char sent_by[FK_HOST_TEXT_SIZE];		/* "192.0.2.20:5060" */
	struct fk_compose_form long_form, compact_form; /* by fk_compose_prepare() */
};

/* Writes the fixed text. FK_OK; FK_EFULL if the URIs are too long for any message. */
FK_MUST_USE enum fk_err fk_compose_prepare(struct fk_compose_context *context);

/* One message. Borrowed. */
struct fk_compose {
	const struct fk_compose_context *context;
	const char *mcdata_id; /* of the UE, or of the one it pretends to be */
	size_t mcdata_id_size;
	uint32_t slot; /* names the client transaction */
	uint64_t nonce;
	bool is_compact;
	uint64_t date_time_s;
	const uint8_t *conversation_id, *message_id; /* NOTIFICATION: copied; answer: its own */
	const uint8_t *in_reply_to;		     /* answer only; NULL: it is none */
	const uint8_t *kmm;			     /* answer only; NULL: write a NOTIFICATION */
	size_t kmm_size;
	bool bare_kmm; /* no preamble in front */
};

/*
 * Writes the message into 'buf'. If the long form exceeds FK_SIM_MESSAGE_MAX the compact one is
 * taken. Returns FK_OK and the size; FK_EFULL if that is too long as well, or if it would be a
 * NOTIFICATION on carrier T2, which has none.
 */
FK_MUST_USE enum fk_err fk_compose_message(const struct fk_compose *compose,
					   uint8_t buf[static FK_SIM_DATAGRAM_MAX],
					   size_t *ret_size);

/* Writes the branch of a client transaction, without NUL. */
void fk_compose_branch(uint32_t slot, uint64_t nonce, char text[static FK_SIM_BRANCH_LEN]);

/* Reads a branch of ours. False if it is none. */
bool fk_compose_read_branch(const char *text, size_t len, uint32_t *ret_slot, uint64_t *ret_nonce);
