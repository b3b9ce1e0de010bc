/* SPDX-License-Identifier: Apache-2.0 */
/*
 * speak.h - what the server sends to the KMF in a UE's name, and what is said in it falsely.
 *
 * One accepted SDS makes the NOTIFICATION DELIVERED and, if the radio answers, an SDS with its
 * answer, each a transaction of its own; on carrier T2 there are no NOTIFICATIONs. Traits add
 * transactions of false or repeated answers; hostile.h and lies.h add single datagrams.
 *
 * Threads: the worker only. Memory: nothing here allocates.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fleetkey/address.h>
#include <fleetkey/sds.h>

#include "radio.h"

#define FK_SPEAK_TRANSACTIONS_MAX 5 /* NOTIFICATION, answer, and one for each false one */

struct fk_face;
struct fk_server;

/* Whom an SDS reached, and what its radio answers. Borrowed. */
struct fk_speech {
	const struct fk_face *face; /* through which it came, and the answers go */
	struct fk_sim_ue *ue;
	const struct fk_sds_signalling *signalling; /* of the command */
	const struct fk_radio_answer *answer;
	const struct fk_radio_answer *earlier; /* what was answered before; size 0: nothing */
	struct fk_address kmf;
	const uint8_t *response; /* the 202, as it went out */
	size_t response_size;
	uint16_t response_port;
};

void fk_speak(struct fk_server *server, const struct fk_speech *speech);

/* The UE says what fk_radio_say() makes of 'message_id', through the server of its next hop. False
 * if there is no room for it now. */
bool fk_speak_unasked(struct fk_server *server, struct fk_sim_ue *ue, uint8_t message_id);
