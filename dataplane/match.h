/* SPDX-License-Identifier: Apache-2.0 */
/*
 * match.h - who may answer, and what an answer does: invariant I7 of the design.
 *
 * A SIP response is authenticated by the tag in its branch, a NOTIFICATION by the tag in its
 * Message ID and its notifier, a KMM by its MAC. What a UE says without being asked (Hello,
 * Registration, Deregistration) is authenticated by its own key, or, a Hello without a MAC, by who
 * called alone; it may be said once in FK_SAID_EVERY_S, and changes no more than the inbound
 * number. That it cannot use the key of a command's MAC it may say without one, if it names that
 * command's Message ID. Each function below raises exactly one counter, and changes a state only
 * for what is authentic and answers the attempt that stands in the UE's state.
 *
 * Threads: the worker. Memory: nothing allocates; views borrow from the frame.
 */
#pragma once

#include "worker.h"

#include <fleetkey/kmm.h>
#include <fleetkey/sds.h>

#include "wire/sip.h"

/* What becomes of the request that carried it. */
enum fk_match_result {
	FK_MATCH_ANSWER, /* 200: it was recorded, or a repeat would not mend it */
	FK_MATCH_SILENT, /* no answer: it could not be recorded, the peer shall repeat */
};

/* Asks the cache for what will be looked at: first, by a claim that nobody has checked yet, the
 * UE's own; later, when that has come, what it names. */
void fk_match_hint(const struct fk_worker *w, const struct fk_token_claim *claim);
void fk_match_hint_text(const struct fk_worker *w, const struct fk_token_claim *claim);

/* A response that came from a next hop; 'branch' is its branch, checked. */
void fk_match_response(struct fk_worker *w, const struct fk_sip_message *response,
		       const struct fk_token_claim *branch);

/* A disposition; 'id' is its Message ID, checked, 'user' the notifier's MCData ID. */
FK_MUST_USE enum fk_match_result fk_match_notification(struct fk_worker *w,
						       const struct fk_sds_notification *note,
						       const struct fk_token_claim *id,
						       struct fk_view user);

#define FK_SAID_EVERY_S 10 /* a radio gives up after some 30 s: P25 sheet 4 */

/* A KMM on its way: filled by _read() and _begin(), its MAC computed by the burst, ended by
 * _finish(). */
struct fk_match_kmm {
	struct fk_kmm_frame frame;
	const struct fk_ue_slot *ue;
	uint32_t ue_index;
	const uint8_t *tek; /* what its MAC is to be verified under; NULL: it has none */
	bool is_unasked;    /* a Hello, Registration or Deregistration */
	bool is_unable;	    /* an Unable-to-Decrypt-Response */
};

/*
 * _read() looks at the payload of an SDS: preamble and header. _begin() looks at who it says it is.
 * They return true if it is to go on; false if it was counted and is done with (its request is to
 * be answered).
 */
FK_MUST_USE bool fk_match_kmm_read(struct fk_worker *w, const uint8_t *payload, size_t size,
				   struct fk_match_kmm *ret_kmm);
FK_MUST_USE bool fk_match_kmm_begin(struct fk_worker *w, struct fk_view user,
				    struct fk_match_kmm *kmm);
/* 'mac' is the MAC as computed, or NULL if there is none; 'in_reply_to' the Message ID that it
 * names, checked, or NULL. */
FK_MUST_USE enum fk_match_result fk_match_kmm_finish(struct fk_worker *w,
						     const struct fk_match_kmm *kmm,
						     const struct fk_token_claim *in_reply_to,
						     const uint8_t *mac);
