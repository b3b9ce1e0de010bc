/* SPDX-License-Identifier: Apache-2.0 */
/*
 * answer.h - sends what a received burst calls for: SIP responses, ARP replies, neighbour
 * advertisements, ICMP echo replies.
 *
 * Answers go back to the Ethernet address that the frame came from. What the port does not take at
 * once waits, and nothing more is received meanwhile: a lost answer costs its peer a whole T1. Only
 * a port that takes nothing for FK_ANSWERS_WAIT_US loses them: then the peer repeats.
 * spec: RFC 3261 §18.2.2, RFC 3581 §4, RFC 826, RFC 792, RFC 4861 §7.2.4, RFC 4443 §4.2
 *
 * Threads: the worker. Memory: nothing allocates.
 */
#pragma once

#include "worker.h"

#include "wire/sip.h"

#define FK_ANSWERS_WAIT_US 20000 /* well below the usual T1 of 500 ms */

/* The answers of one burst. */
struct fk_answers {
	struct fk_net_path path; /* of the last SIP response: mostly the next one goes there too */
	uint32_t first, n;	 /* frames[first..n - 1] have not left yet */
	uint32_t n_reserved;	 /* frames of this burst, built or not */
	bool is_waiting;	 /* the port did not take all at once, ... */
	uint64_t waiting_at_us;	 /* ... and last took one then */
	struct fk_frame frames[FK_WORKER_BURST];
};

/* Takes the frames of 'n' answers, 1..FK_WORKER_BURST, together, while none waits. False, and
 * counted for each, if there are not so many. */
FK_MUST_USE bool fk_answers_reserve(struct fk_answers *answers, struct fk_worker *w, uint32_t n);
/* Each builds one of the reserved answers, or counts why it could not (no room in the frame). All
 * that were reserved have to be asked for before they are sent. */
void fk_answers_add_sip(struct fk_answers *answers, struct fk_worker *w,
			const struct fk_net_frame *net, const struct fk_sip_message *request,
			uint16_t status);
void fk_answers_add_arp(struct fk_answers *answers, struct fk_worker *w,
			const struct fk_net_frame *request);
/* 'target' is the address of ours that was asked for. */
void fk_answers_add_advertisement(struct fk_answers *answers, struct fk_worker *w,
				  const struct fk_net_frame *solicitation,
				  const struct fk_address *target);
/* Sends what the port takes. True if none waits any longer, and the next burst may be answered. */
bool fk_answers_send(struct fk_answers *answers, struct fk_worker *w);

/* Sends the turned frame of an echo request; then 'frame->octets' is NULL. */
void fk_answer_echo(struct fk_worker *w, struct fk_frame *frame);

/* Asks for a neighbour: an ARP request, or over IPv6 a solicitation. */
void fk_answer_probe(struct fk_worker *w, const struct fk_neigh_entry *entry);
