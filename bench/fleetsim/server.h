/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server.h - the MCData server: judges the KMF's MESSAGEs, answers 202, and speaks for the UEs.
 *
 * For each MESSAGE: the SIP syntax, the compact form, the size and the three parts are checked and
 * what is wrong is counted by its first reason, as is what the profile of the server that was
 * addressed (face.h) does not allow. A good one is answered 202 (carrier T2: 200), unless a trait
 * of the UE says otherwise, and its KMM given to the UE; then speak.h sends what the UE answers.
 * Repeats of a transaction get the same response and nothing more (RFC 3261 §17.2.2).
 *
 * Threads: the worker only. Memory: nothing here allocates.
 */
#pragma once

#include <stdint.h>

#include "compose.h"
#include "counts.h"
#include "face.h"
#include "fleet.h"
#include "hostile.h"
#include "insider.h"
#include "lies.h"
#include "outbox.h"
#include "plain_request.h"
#include "radio.h"
#include "traits.h"
#include "txn.h"
#include "wire/net.h"

struct fk_server {
	struct fk_fleet *fleet;
	struct fk_radio *radio;
	struct fk_txns *txns;
	struct fk_hostile *hostile;
	struct fk_insider *insider;
	struct fk_lies *lies;
	struct fk_traits *traits;
	struct fk_sim_counts *counts;
	struct fk_outbox outbox;
	struct fk_face *faces; /* the servers that are played, n_faces of them; borrowed */
	uint32_t n_faces;
	struct fk_address address;
	struct fk_address kmf; /* whom requests came from */
	/* The next UE that leaves and says so, and the next that is back and does. */
	uint32_t leave_at, hello_at;
	uint64_t register_again_ms; /* those that have no answer yet */
	uint16_t kmf_port;
	bool bare_kmm;
	uint64_t now_ms, date_time_s;		/* set by the loop, once per burst */
	uint32_t n_plain_oks, n_plain_requests; /* recognised so far */
	struct fk_plain_requests plain_requests;
};

/* One UDP datagram for this host; an argument of fk_wire_port_receive(). */
void fk_server_receive(void *server, const struct fk_net_frame *frame);

/* Lets UEs that leave or are back say so, as many as there is room for; the loop calls it once a
 * turn. */
void fk_server_tick(struct fk_server *server);

/* Brings near what a request that waits will need: first the one, and later, with its result, the
 * other. Arguments of fk_wire_port_receive(). */
uint64_t fk_server_guess(void *server, const struct fk_net_frame *frame);
void fk_server_expect(void *server, uint64_t hint);
void fk_server_prepare(void *server, uint64_t hint);
