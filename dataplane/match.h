/* SPDX-License-Identifier: Apache-2.0 */
/*
 * match.h - who may answer, and what an answer does: invariant I7 of the design.
 *
 * A SIP response is authenticated by the tag in its branch, a NOTIFICATION by the tag in its
 * Message ID and its notifier, a KMM by its MAC. Each function below raises exactly one counter,
 * and changes a state only for what is authentic and answers the attempt that stands in the UE's
 * state.
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

/* A response that came from a next hop. */
void fk_match_response(struct fk_worker *w, const struct fk_sip_message *response);

/* A disposition; 'user' is the notifier's MCData ID. */
FK_MUST_USE enum fk_match_result fk_match_notification(struct fk_worker *w,
						       const struct fk_sds_notification *note,
						       struct fk_view user);

/* A KMM on its way: filled by _begin(), its MAC computed by the burst, ended by _finish(). */
struct fk_match_kmm {
	struct fk_kmm_frame frame;
	const struct fk_ue_slot *ue;
	uint32_t ue_index;
	const uint8_t *tek; /* what its MAC is to be verified under */
	bool has_in_reply_to;
	uint8_t in_reply_to[FK_SDS_ID_SIZE];
};

/*
 * Looks at the payload of an SDS: preamble, header, who it says it is. Returns true if its MAC is
 * to be verified; false if it was counted and is done with (its request is to be answered).
 */
FK_MUST_USE bool fk_match_kmm_begin(struct fk_worker *w, const uint8_t *payload, size_t size,
				    const struct fk_sds_signalling *signalling, struct fk_view user,
				    struct fk_match_kmm *ret_kmm);
/* 'mac' is the MAC as computed. */
FK_MUST_USE enum fk_match_result fk_match_kmm_finish(struct fk_worker *w,
						     const struct fk_match_kmm *kmm,
						     const uint8_t mac[static FK_KMM_MAC_SIZE]);
