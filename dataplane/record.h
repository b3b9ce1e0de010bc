/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record.h - writes outcomes into UE states and rings the doorbell.
 *
 * The order is fixed: state, doorbell, then the 200. Inside a state, what names other fields
 * (token, outcome) is written after them. Every outcome of a UE has another time than the one
 * before, also when both come in one turn. Whoever records asks for room first, because a state
 * that nobody is told of would wait for a rescan, and a peer that got no 200 repeats.
 *
 * Threads: the worker that owns the UE. Memory: shared memory only; nothing allocates.
 */
#pragma once

#include "wire/sip.h"
#include "worker.h"

/* True if one more doorbell can ring. */
bool fk_record_has_room(const struct fk_worker *w);

/* One datagram of 'txn' has left. The first one of an attempt starts the UE's state afresh; the
 * first one of a re-send opens it again. Rings nothing. */
void fk_record_sent(struct fk_worker *w, const struct fk_txn *txn, bool is_first);

/* Sets a progress bit (FK_PROGRESS_*) and, if not 0, the SIP status. Rings nothing. */
void fk_record_progress(struct fk_worker *w, uint32_t ue_index, uint8_t bit, uint16_t sip_status);

/* The attempt in the UE's state reached 'outcome'; rings. Needs room. */
void fk_record_outcome(struct fk_worker *w, uint32_t ue_index, enum fk_outcome outcome,
		       uint16_t sip_status, uint32_t retry_after_s);

/* A final SIP response refused the attempt in the UE's state; rings. Needs room. */
void fk_record_refused(struct fk_worker *w, uint32_t ue_index,
		       const struct fk_sip_message *response);

/* An order cannot be built, for the reason that 'outcome' names; rings. Needs room. */
void fk_record_unbuildable(struct fk_worker *w, const struct fk_order *order,
			   enum fk_outcome outcome);

/* An authentic KMM answered. */
struct fk_record_answer {
	uint8_t kmm_message_id, kmm_status, listed, active_keyset;
	uint8_t mac_algorithm_id;
	uint16_t mac_key_id, number, keys_held;
	const uint8_t *mac; /* 8 octets */
};
/* Records it and rings. Needs room. */
void fk_record_answered(struct fk_worker *w, uint32_t ue_index,
			const struct fk_record_answer *answer);

/* The UE cannot use the key of the attempt's MAC, for the reason that 'kmm_status' names; rings.
 * Needs room. */
void fk_record_unable(struct fk_worker *w, uint32_t ue_index, uint8_t kmm_status);

/* What a UE has said without being asked. */
struct fk_record_said {
	uint8_t message_id, hello_flag;
	bool is_authentic;
	uint16_t number; /* if it is authentic */
	uint32_t at_s;
};
/* Records number and time, leaves the attempt as it is, and rings. Needs room. */
void fk_record_said(struct fk_worker *w, uint32_t ue_index, const struct fk_record_said *said);

/* Rings without a change: for an order whose outcome stands already. Needs room. */
void fk_record_ring(struct fk_worker *w, uint32_t ue_index);
