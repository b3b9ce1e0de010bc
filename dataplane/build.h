/* SPDX-License-Identifier: Apache-2.0 */
/*
 * build.h - builds the datagrams of a burst of transactions: the same fields, the same octets.
 *
 * Threads: the worker, with its own stage. Memory: nothing allocates. Plain keys are read in place
 * from the key table; frames and the stage hold wrapped keys only.
 */
#pragma once

#include "worker.h"

#include <fleetkey/kmm.h>

/* One datagram on its way through the stages. */
struct fk_build_lane {
	struct fk_txn *txn;
	const struct fk_ue_slot *ue;
	const struct fk_campaign_block *campaign;
	const struct fk_neigh_entry *neigh;
	uint16_t payload_size; /* preamble and KMM */
	uint8_t payload[FK_KMM_PREAMBLE_SIZE + FK_KMM_SIZE_MAX];
	uint8_t wrapped[FK_ORDER_KEYS_MAX][FK_KMM_WRAPPED_SIZE];
	uint8_t message_id[FK_MESSAGE_ID_SIZE];
	char branch[FK_BRANCH_LEN], from_tag[FK_FROM_TAG_LEN];
};

/*
 * Builds 'n' (at most FK_WORKER_BURST) frames and says, if there is a capture, where their wrapped
 * keys stand. All lanes have txn, ue, campaign and neigh set. Returns false, and the frames are
 * worthless, if a campaign was taken out of the key table meanwhile or a message could not be
 * encoded.
 */
FK_MUST_USE bool fk_build_burst(struct fk_worker *w, struct fk_build_lane *lanes,
				struct fk_frame *frames, struct fk_capture_mask *ret_masks,
				uint32_t n);
