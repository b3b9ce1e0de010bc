/* SPDX-License-Identifier: Apache-2.0 */
#include "record.h"

#include <string.h>

#include <fleetkey/kmm.h>
#include <fleetkey/ring.h>

bool fk_record_has_room(const struct fk_worker *w)
{
	return fk_ring_room(w->doorbells) > 0;
}

void fk_record_ring(struct fk_worker *w, uint32_t ue_index)
{
	const struct fk_doorbell doorbell = {.ue_index = ue_index};

	/* Room was asked for, and this worker is the only producer. */
	(void)fk_ring_push(w->doorbells, &doorbell, sizeof(doorbell), 1);
}

/* Keeps the stores before it before those after it, so that a kill in between leaves fields that
 * make sense: what names others comes last. */
static inline void then(void)
{
	atomic_thread_fence(memory_order_release);
}

/* Control tells a new outcome from one it has seen by its time, of which it keeps 32 bits, at first
 * zeros. */
static uint64_t outcome_time_us(const struct fk_worker *w, uint64_t last_us)
{
	uint64_t at_us = w->now_us + w->realtime_offset_us;

	while ((uint32_t)at_us == (uint32_t)last_us || (uint32_t)at_us == 0)
		at_us++;
	return at_us;
}

/* Forgets the attempt that stands in the state; what outlives attempts stays, and the time of the
 * last outcome, which the next one must differ from. */
static void start_attempt(struct fk_ue_state *s, const struct fk_order *order)
{
	s->token = 0;
	then();
	s->date_time_s = order->date_time_s;
	s->message_number = order->message_number;
	s->what = order->what;
	s->keys_held = 0;
	s->sip_status = 0;
	s->outcome = FK_OUTCOME_NONE;
	s->progress = 0;
	s->n_sends = 0;
	s->kmm_message_id = 0;
	s->kmm_status = 0;
	s->mac_algorithm_id = 0;
	s->mac_key_id = 0;
	memset(s->mac, 0, sizeof(s->mac));
	s->listed = 0;
	s->active_keyset = 0;
	s->retry_after_s = 0;
	s->sip_warning = 0;
	then();
	s->token = order->token;
}

void fk_record_sent(struct fk_worker *w, const struct fk_txn *txn, bool is_first)
{
	struct fk_ue_state *s = &w->states[fk_token_unpack(txn->token).ue_index];
	const struct fk_order order = fk_txn_order(txn);

	fk_ue_state_write_begin(s);
	if (s->token != txn->token) {
		start_attempt(s, &order);
	} else if (is_first) {
		s->outcome = FK_OUTCOME_NONE;
		s->sip_status = 0;
		s->retry_after_s = 0;
		s->sip_warning = 0;
	}
	s->progress |= FK_PROGRESS_SENT;
	if (s->n_sends < UINT8_MAX)
		s->n_sends++;
	fk_ue_state_write_end(s);
}

void fk_record_progress(struct fk_worker *w, uint32_t ue_index, uint8_t bit, uint16_t sip_status)
{
	struct fk_ue_state *s = &w->states[ue_index];

	fk_ue_state_write_begin(s);
	s->progress |= bit;
	if (sip_status != 0)
		s->sip_status = sip_status;
	fk_ue_state_write_end(s);
}

void fk_record_outcome(struct fk_worker *w, uint32_t ue_index, enum fk_outcome outcome,
		       uint16_t sip_status, uint32_t retry_after_s)
{
	struct fk_ue_state *s = &w->states[ue_index];

	fk_ue_state_write_begin(s);
	if (sip_status != 0)
		s->sip_status = sip_status;
	s->retry_after_s = retry_after_s;
	s->answered_at_us = outcome_time_us(w, s->answered_at_us);
	then();
	s->outcome = (uint8_t)outcome;
	fk_ue_state_write_end(s);
	fk_record_ring(w, ue_index);
}

void fk_record_refused(struct fk_worker *w, uint32_t ue_index,
		       const struct fk_sip_message *response)
{
	struct fk_ue_state *s = &w->states[ue_index];

	fk_ue_state_write_begin(s);
	s->sip_status = response->status;
	s->retry_after_s = response->retry_after_s;
	s->sip_warning = response->warning_code;
	s->answered_at_us = outcome_time_us(w, s->answered_at_us);
	then();
	s->outcome = FK_OUTCOME_REFUSED;
	fk_ue_state_write_end(s);
	fk_record_ring(w, ue_index);
}

void fk_record_unbuildable(struct fk_worker *w, const struct fk_order *order,
			   enum fk_outcome outcome)
{
	uint32_t ue_index = fk_token_unpack(order->token).ue_index;
	struct fk_ue_state *s = &w->states[ue_index];

	fk_ue_state_write_begin(s);
	start_attempt(s, order);
	s->answered_at_us = outcome_time_us(w, s->answered_at_us);
	then();
	s->outcome = (uint8_t)outcome;
	fk_ue_state_write_end(s);
	fk_record_ring(w, ue_index);
}

void fk_record_answered(struct fk_worker *w, uint32_t ue_index,
			const struct fk_record_answer *answer)
{
	struct fk_ue_state *s = &w->states[ue_index];

	fk_ue_state_write_begin(s);
	s->kmm_message_id = answer->kmm_message_id;
	s->kmm_status = answer->kmm_status;
	s->listed = answer->listed;
	s->active_keyset = answer->active_keyset;
	s->keys_held = answer->keys_held;
	s->mac_algorithm_id = answer->mac_algorithm_id;
	s->mac_key_id = answer->mac_key_id;
	memcpy(s->mac, answer->mac, sizeof(s->mac));
	s->answered_at_us = outcome_time_us(w, s->answered_at_us);
	then();
	s->outcome = FK_OUTCOME_ANSWERED;
	then();
	/* Last: a number that counts as used while its answer was lost could not be told again. */
	s->inbound_number = answer->number;
	then();
	s->inbound_known = 1;
	fk_ue_state_write_end(s);
	fk_record_ring(w, ue_index);
}

void fk_record_unable(struct fk_worker *w, uint32_t ue_index, uint8_t kmm_status)
{
	struct fk_ue_state *s = &w->states[ue_index];

	fk_ue_state_write_begin(s);
	s->kmm_message_id = FK_KMM_UNABLE_TO_DECRYPT_RESPONSE;
	s->kmm_status = kmm_status;
	s->answered_at_us = outcome_time_us(w, s->answered_at_us);
	then();
	s->outcome = FK_OUTCOME_UNABLE;
	fk_ue_state_write_end(s);
	fk_record_ring(w, ue_index);
}

void fk_record_said(struct fk_worker *w, uint32_t ue_index, const struct fk_record_said *said)
{
	const struct fk_doorbell doorbell = {.ue_index = ue_index,
					     .said = said->message_id,
					     .hello_flag = said->hello_flag,
					     .is_authentic = said->is_authentic};
	struct fk_ue_state *s = &w->states[ue_index];

	fk_ue_state_write_begin(s);
	s->said_at_s = said->at_s;
	if (said->is_authentic) {
		s->inbound_number = said->number;
		then();
		s->inbound_known = 1;
	}
	fk_ue_state_write_end(s);
	(void)fk_ring_push(w->doorbells, &doorbell, sizeof(doorbell), 1);
}
