/* SPDX-License-Identifier: Apache-2.0 */
#include "match.h"

#include <string.h>

#include <fleetkey/secret.h>

#include "hop.h"
#include "record.h"

/* Nothing but the 2xx answers such a KMM. */
static void end_accepted(struct fk_worker *w, struct fk_txn *txn, uint32_t ue_index,
			 uint16_t status)
{
	if (!fk_record_has_room(w)) {
		/* Timer E will bring the response again. */
		fk_worker_count(w, FK_COUNTER_RX_NOT_RECORDED);
		return;
	}
	fk_worker_count(w, FK_COUNTER_RX_RESPONSES);
	fk_record_progress(w, ue_index, FK_PROGRESS_ACCEPTED, status);
	fk_record_outcome(w, ue_index, FK_OUTCOME_ACCEPTED, status, 0);
	fk_worker_close(w, txn);
}

/* The 2xx came: repeats end, and the KMM's answer is awaited for as long as the campaign says. */
static void accept_transaction(struct fk_worker *w, struct fk_txn *txn, uint32_t ue_index,
			       uint16_t status)
{
	const struct fk_campaign_block *campaign = fk_worker_campaign_of(w, txn->token);
	uint64_t wait_us = campaign != NULL ? (uint64_t)campaign->answer_timeout_ms * 1000 : 0;

	fk_worker_count(w, FK_COUNTER_RX_RESPONSES);
	fk_hop_give(w, txn);
	txn->phase = FK_TXN_ACCEPTED;
	txn->end_at_us = w->now_us + wait_us;
	fk_worker_arm(w, txn, txn->end_at_us);
	fk_record_progress(w, ue_index, FK_PROGRESS_ACCEPTED, status);
}

/* spec: RFC 3261 §17.1.2.2: any final response but a 2xx ends the attempt. */
static void refuse_transaction(struct fk_worker *w, struct fk_txn *txn, uint32_t ue_index,
			       const struct fk_sip_message *response)
{
	if (!fk_record_has_room(w)) {
		/* Timer E will bring the response again. */
		fk_worker_count(w, FK_COUNTER_RX_NOT_RECORDED);
		return;
	}
	fk_worker_count(w, FK_COUNTER_RX_RESPONSES);
	fk_record_refused(w, ue_index, response);
	fk_worker_close(w, txn);
}

/* The UE that a claim names, if there is such a slot; the claim may be a lie. */
static int64_t named_index(const struct fk_worker *w, const struct fk_token_claim *claim)
{
	uint32_t ue_index = fk_token_unpack(claim->said.token).ue_index;

	return ue_index < w->n_slots ? (int64_t)ue_index : -1;
}

void fk_match_hint(const struct fk_worker *w, const struct fk_token_claim *claim)
{
	int64_t ue_index = named_index(w, claim);

	if (ue_index >= 0)
		fk_worker_hint(w, (uint32_t)ue_index);
}

void fk_match_hint_text(const struct fk_worker *w, const struct fk_token_claim *claim)
{
	int64_t ue_index = named_index(w, claim);

	if (ue_index >= 0)
		__builtin_prefetch(w->text + w->ues[ue_index].mcdata_id_offset);
}

void fk_match_response(struct fk_worker *w, const struct fk_sip_message *response,
		       const struct fk_token_claim *claim)
{
	const struct fk_branch branch = claim->said;
	struct fk_txn *txn;
	uint32_t ue_index;

	/* spec: RFC 3261 §8.1.3.3: more than one Via means it is not for us. */
	if (response->n_vias != 1 || response->method != FK_SIP_MESSAGE) {
		fk_worker_count(w, FK_COUNTER_RX_MALFORMED_SIP);
		return;
	}
	if (!claim->is_authentic) {
		fk_worker_count(w, FK_COUNTER_RX_RESPONSE_FORGED);
		return;
	}
	ue_index = fk_token_unpack(branch.token).ue_index;
	if (fk_worker_ue_of(w, branch.token) == NULL) {
		fk_worker_count(w, FK_COUNTER_RX_RESPONSE_LATE);
		return;
	}
	txn = &w->txns[ue_index];
	if (!fk_txn_awaits_response(txn) || txn->token != branch.token ||
	    txn->epoch != branch.epoch || txn->count != branch.count) {
		fk_worker_count(w, FK_COUNTER_RX_RESPONSE_LATE);
	} else if (response->status < 200) {
		fk_worker_count(w, FK_COUNTER_RX_RESPONSE_PROVISIONAL);
		txn->phase = FK_TXN_PROCEEDING;
	} else if (response->status < 300) {
		if (fk_order_answer(txn->kind) == 0)
			end_accepted(w, txn, ue_index, response->status);
		else
			accept_transaction(w, txn, ue_index, response->status);
	} else {
		refuse_transaction(w, txn, ue_index, response);
	}
}

static bool is_user(const struct fk_worker *w, const struct fk_ue_slot *ue, struct fk_view user)
{
	return user.len == ue->mcdata_id_size &&
	       memcmp(user.at, w->text + ue->mcdata_id_offset, user.len) == 0;
}

static enum fk_match_result drop(struct fk_worker *w, enum fk_counter reason)
{
	fk_worker_count(w, reason);
	return FK_MATCH_ANSWER;
}

static enum fk_match_result not_recorded(struct fk_worker *w)
{
	fk_worker_count(w, FK_COUNTER_RX_NOT_RECORDED);
	return FK_MATCH_SILENT;
}

/* UNDELIVERED and PREVENTED end the attempt that is open; the KMM may have been answered already.
 */
static enum fk_match_result note_failure(struct fk_worker *w, uint32_t ue_index)
{
	if (w->states[ue_index].outcome != FK_OUTCOME_NONE)
		return drop(w, FK_COUNTER_RX_NOTIFICATION_LATE);
	if (!fk_record_has_room(w))
		return not_recorded(w);
	fk_record_outcome(w, ue_index, FK_OUTCOME_UNDELIVERED, 0, 0);
	fk_worker_close(w, &w->txns[ue_index]);
	return drop(w, FK_COUNTER_RX_NOTIFICATIONS);
}

enum fk_match_result fk_match_notification(struct fk_worker *w,
					   const struct fk_sds_notification *note,
					   const struct fk_token_claim *id, struct fk_view user)
{
	uint64_t token = id->said.token;
	const struct fk_ue_slot *ue;
	uint32_t ue_index;

	if (!id->is_authentic)
		return drop(w, FK_COUNTER_RX_NOTIFICATION_FORGED);
	ue = fk_worker_ue_of(w, token);
	ue_index = fk_token_unpack(token).ue_index;
	if (ue == NULL)
		return drop(w, FK_COUNTER_RX_NOTIFICATION_LATE);
	if (!is_user(w, ue, user))
		return drop(w, FK_COUNTER_RX_NOTIFICATION_NOT_THAT_UE);
	if (w->states[ue_index].token != token)
		return drop(w, FK_COUNTER_RX_NOTIFICATION_LATE);
	switch (note->disposition) {
	case FK_SDS_DELIVERED:
	case FK_SDS_READ:
	case FK_SDS_DELIVERED_AND_READ:
		fk_record_progress(w, ue_index, FK_PROGRESS_DELIVERED, 0);
		return drop(w, FK_COUNTER_RX_NOTIFICATIONS);
	default:
		return note_failure(w, ue_index);
	}
}

/* spec: P25 sheet 3.7: the preamble says whether the KMM stands in clear. */
static bool find_frame(struct fk_worker *w, const uint8_t *payload, size_t size,
		       struct fk_kmm_frame *ret_frame)
{
	struct fk_kmm_preamble preamble;

	if (!w->table->header.bare_kmm) {
		if (fk_kmm_preamble_decode(payload, size, &preamble) != FK_OK) {
			fk_worker_count(w, FK_COUNTER_RX_KMM_MALFORMED);
			return false;
		}
		if (preamble.algorithm_id != FK_ALGORITHM_CLEAR) {
			fk_worker_count(w, FK_COUNTER_RX_KMM_PROTECTED);
			return false;
		}
		payload += FK_KMM_PREAMBLE_SIZE;
		size -= FK_KMM_PREAMBLE_SIZE;
	}
	if (fk_kmm_decode(payload, size, ret_frame) != FK_OK) {
		fk_worker_count(w, FK_COUNTER_RX_KMM_MALFORMED);
		return false;
	}
	return true;
}

/* The same message as the last accepted one: its number, and its MAC as this worker saw it. */
static bool is_repeat(const struct fk_worker *w, const struct fk_match_kmm *kmm)
{
	const struct fk_ue_state *state = &w->states[kmm->ue_index];
	uint64_t mac;

	memcpy(&mac, kmm->frame.header.mac.mac, sizeof(mac));
	return state->inbound_known && kmm->frame.header.has_message_number &&
	       kmm->frame.header.message_number == state->inbound_number && mac != 0 &&
	       mac == w->txns[kmm->ue_index].last_mac;
}

static bool names_own_key(struct fk_match_kmm *kmm)
{
	const struct fk_kmm_mac *mac = &kmm->frame.header.mac;

	kmm->tek = kmm->ue->ptek;
	return kmm->ue->ptek_algorithm_id == FK_ALGORITHM_AES_256 &&
	       mac->algorithm_id == kmm->ue->ptek_algorithm_id &&
	       mac->key_id == kmm->ue->ptek_key_id;
}

/* The key that the attempt's command was authenticated under must authenticate the answer (I8). */
static bool names_attempt_key(const struct fk_worker *w, struct fk_match_kmm *kmm,
			      const struct fk_campaign_block *campaign)
{
	const struct fk_ue_state *state = &w->states[kmm->ue_index];
	const struct fk_kmm_mac *mac = &kmm->frame.header.mac;

	if (state->mac_key == FK_MAC_KEY_PTEK)
		return names_own_key(kmm);
	kmm->tek = campaign->keys[0].tek;
	return mac->algorithm_id == campaign->algorithm_id &&
	       mac->key_id == campaign->keys[0].key_id;
}

/* Who the KMM says it is from and for. Returns FK_COUNTERS if nothing is wrong, else the reason. */
static enum fk_counter check_parties(const struct fk_worker *w, struct fk_match_kmm *kmm,
				     struct fk_view user)
{
	const struct fk_kmm_header *header = &kmm->frame.header;
	int64_t ue_index = fk_keytable_find_rsi(w->table, header->source_rsi);

	if (header->destination_rsi != w->table->header.kmf_rsi)
		return FK_COUNTER_RX_KMM_NOT_FOR_US;
	if (ue_index < 0 || w->ues[ue_index].rsi != header->source_rsi)
		return FK_COUNTER_RX_KMM_UNKNOWN_RSI;
	kmm->ue_index = (uint32_t)ue_index;
	kmm->ue = &w->ues[ue_index];
	return is_user(w, kmm->ue, user) ? FK_COUNTERS : FK_COUNTER_RX_KMM_NOT_THAT_UE;
}

/* Seconds of CLOCK_MONOTONIC, never 0. */
static uint32_t now_s(const struct fk_worker *w)
{
	return (uint32_t)(w->now_us / 1000000) + 1;
}

/* Before its MAC costs anything. A UE of another life of the host's clock may speak. */
static bool speaks_too_often(const struct fk_worker *w, const struct fk_match_kmm *kmm)
{
	uint32_t said_at_s = w->states[kmm->ue_index].said_at_s;

	return said_at_s != 0 && now_s(w) - said_at_s < FK_SAID_EVERY_S;
}

static bool is_said_unasked(uint8_t message_id)
{
	return message_id == FK_KMM_HELLO || message_id == FK_KMM_REGISTRATION_COMMAND ||
	       message_id == FK_KMM_DEREGISTRATION_COMMAND;
}

/* A Hello with flag 0, under a MAC, while one that asks for it is open: it says that the UE is
 * there, whichever came first. With another flag it asks for something itself. spec: P25 sheet 4 */
static bool answers_hello(const struct fk_worker *w, const struct fk_match_kmm *kmm)
{
	const struct fk_ue_state *state = &w->states[kmm->ue_index];
	uint8_t flag;

	return kmm->frame.header.message_id == FK_KMM_HELLO && kmm->frame.header.has_mac &&
	       state->kind == FK_ORDER_HELLO && state->outcome != FK_OUTCOME_ANSWERED &&
	       fk_worker_campaign_of(w, state->token) != NULL &&
	       fk_kmm_decode_hello(&kmm->frame, &flag) == FK_OK && flag == FK_HELLO_HERE;
}

/* What nobody asked for: under the UE's own key, for a group's would be anybody's. Only a Hello may
 * come without a MAC, and then it is the server's word for who calls that it stands on. spec: P25
 * sheet 4, Hello, Registration / Deregistration */
static enum fk_counter check_unasked(const struct fk_worker *w, struct fk_match_kmm *kmm)
{
	kmm->is_unasked = true;
	if (!kmm->frame.header.has_mac && kmm->frame.header.message_id != FK_KMM_HELLO)
		return FK_COUNTER_RX_KMM_UNAUTHENTICATED;
	if (speaks_too_often(w, kmm))
		return FK_COUNTER_RX_SAID_TOO_OFTEN;
	if (kmm->frame.header.has_mac && !names_own_key(kmm))
		return FK_COUNTER_RX_KMM_WRONG_KEY;
	return FK_COUNTERS;
}

/* Who lacks the key of the MAC has none to answer under. spec: P25 sheet 4, Unable-to-Decrypt */
static enum fk_counter check_unable(struct fk_match_kmm *kmm)
{
	kmm->is_unable = true;
	return !kmm->frame.header.has_mac || names_own_key(kmm) ? FK_COUNTERS
								: FK_COUNTER_RX_KMM_WRONG_KEY;
}

static enum fk_counter check_key(const struct fk_worker *w, struct fk_match_kmm *kmm)
{
	const struct fk_ue_state *state = &w->states[kmm->ue_index];
	const struct fk_campaign_block *campaign;

	if (kmm->frame.header.message_id == FK_KMM_UNABLE_TO_DECRYPT_RESPONSE)
		return check_unable(kmm);
	if (is_said_unasked(kmm->frame.header.message_id) && !answers_hello(w, kmm))
		return is_repeat(w, kmm) ? FK_COUNTER_RX_KMM_REPEAT : check_unasked(w, kmm);
	if (!kmm->frame.header.has_mac)
		return FK_COUNTER_RX_KMM_UNAUTHENTICATED;
	if (is_repeat(w, kmm))
		return FK_COUNTER_RX_KMM_REPEAT;
	campaign = fk_worker_campaign_of(w, state->token);
	if (campaign == NULL || fk_worker_ue_of(w, state->token) == NULL)
		return FK_COUNTER_RX_KMM_UNEXPECTED;
	return names_attempt_key(w, kmm, campaign) ? FK_COUNTERS : FK_COUNTER_RX_KMM_WRONG_KEY;
}

bool fk_match_kmm_read(struct fk_worker *w, const uint8_t *payload, size_t size,
		       struct fk_match_kmm *ret_kmm)
{
	if (!find_frame(w, payload, size, &ret_kmm->frame))
		return false;
	__builtin_prefetch(fk_keytable_rsi_entry(w->table, ret_kmm->frame.header.source_rsi));
	return true;
}

bool fk_match_kmm_begin(struct fk_worker *w, struct fk_view user, struct fk_match_kmm *kmm)
{
	enum fk_counter reason = check_parties(w, kmm, user);

	kmm->tek = NULL;
	kmm->is_unasked = kmm->is_unable = false;
	if (reason == FK_COUNTERS)
		reason = check_key(w, kmm);
	if (reason == FK_COUNTERS)
		return true;
	fk_worker_count(w, reason);
	return false;
}

static bool is_reply_to(const struct fk_token_claim *in_reply_to, uint64_t token)
{
	return in_reply_to == NULL ||
	       (in_reply_to->is_authentic && in_reply_to->said.token == token);
}

/* The key that a status names, among the 'n' of 'keys' that are not in 'seen'; 'n' if it is none.
 */
static uint32_t find_key(const struct fk_campaign_block *campaign, uint32_t first, uint32_t n,
			 uint32_t seen, const struct fk_kmm_key_status *status)
{
	uint32_t k = 0;

	if (status->algorithm_id != campaign->algorithm_id)
		return n;
	while (k < n && (campaign->keys[first + k].key_id != status->key_id || (seen >> k & 1)))
		k++;
	return k;
}

/* Exactly the keys that were sent, each once, and nothing else. */
static enum fk_counter read_rekey_ack(const struct fk_campaign_block *campaign,
				      const struct fk_ue_state *state,
				      const struct fk_match_kmm *kmm,
				      struct fk_record_answer *answer)
{
	struct fk_kmm_rekey_ack ack;
	uint32_t first = state->first_key, n = state->n_keys, seen = 0;

	if (fk_kmm_decode_rekey_ack(&kmm->frame, &ack) != FK_OK)
		return FK_COUNTER_RX_KMM_MALFORMED;
	if (ack.acknowledged_message_id != FK_KMM_REKEY_COMMAND)
		return FK_COUNTER_RX_KMM_UNEXPECTED;
	if (ack.n_statuses != n || first + n > FK_CAMPAIGN_KEYS_MAX)
		return FK_COUNTER_RX_KMM_WRONG_KEYS;
	for (uint32_t i = 0; i < n; i++) {
		const struct fk_kmm_key_status *status = &ack.statuses[i];
		uint32_t k = find_key(campaign, first, n, seen, status);

		if (k == n)
			return FK_COUNTER_RX_KMM_WRONG_KEYS;
		seen |= 1u << k;
		if (status->status == FK_KMM_STATUS_PERFORMED)
			answer->keys_held |= (uint16_t)(1u << (first + k));
		else if (answer->kmm_status == FK_KMM_STATUS_PERFORMED)
			answer->kmm_status = status->status;
	}
	return FK_COUNTERS;
}

static enum fk_counter read_negative_ack(const struct fk_ue_state *state,
					 const struct fk_match_kmm *kmm,
					 struct fk_record_answer *answer)
{
	uint8_t asked = fk_order_command(state->kind);
	struct fk_kmm_negative_ack nack;

	if (fk_kmm_decode_negative_ack(&kmm->frame, &nack) != FK_OK)
		return FK_COUNTER_RX_KMM_MALFORMED;
	if (nack.acknowledged_message_id != asked ||
	    nack.acknowledged_message_number != state->message_number)
		return FK_COUNTER_RX_KMM_UNEXPECTED;
	answer->kmm_status = nack.status;
	return FK_COUNTERS;
}

static enum fk_counter read_inventory(const struct fk_campaign_block *campaign,
				      const struct fk_match_kmm *kmm,
				      struct fk_record_answer *answer)
{
	struct fk_kmm_inventory inventory;
	uint8_t keyset = 0;
	uint32_t listed = 0;

	if (fk_kmm_decode_inventory_response(&kmm->frame, &inventory) != FK_OK)
		return FK_COUNTER_RX_KMM_MALFORMED;
	if (inventory.inventory_type != FK_INVENTORY_ACTIVE_KEY_IDS)
		return FK_COUNTER_RX_KMM_UNEXPECTED;
	for (uint32_t i = 0; i < inventory.n_items; i++) {
		const struct fk_kmm_inventory_item *item = &inventory.items[i];

		/* One keyset of a crypto group is active: two would name none. */
		keyset = i == 0 || item->keyset_id == keyset ? item->keyset_id : 0;
		for (uint32_t k = 0; k < campaign->n_keys && k < FK_CAMPAIGN_KEYS_MAX; k++) {
			if (item->keyset_id == campaign->keyset_id &&
			    item->algorithm_id == campaign->algorithm_id &&
			    item->key_id == campaign->keys[k].key_id)
				listed |= 1u << k;
		}
	}
	answer->keys_held = (uint16_t)listed;
	answer->listed = campaign->n_keys > 0 && listed == (1u << campaign->n_keys) - 1;
	answer->active_keyset = keyset;
	return FK_COUNTERS;
}

/* Exactly the instruction that was sent. spec: P25 sheet 1.5: a unit that refuses says so by a
 * Negative-Acknowledgment */
static enum fk_counter read_changeover(const struct fk_campaign_block *campaign,
				       const struct fk_match_kmm *kmm,
				       struct fk_record_answer *answer)
{
	struct fk_kmm_changeover_pair pair;

	if (fk_kmm_decode_changeover(&kmm->frame, &pair) != FK_OK)
		return FK_COUNTER_RX_KMM_MALFORMED;
	if (pair.superseded_keyset_id != campaign->superseded_keyset_id ||
	    pair.activated_keyset_id != campaign->keyset_id)
		return FK_COUNTER_RX_KMM_WRONG_KEYS;
	answer->active_keyset = pair.activated_keyset_id;
	return FK_COUNTERS;
}

/* What is not there is as good as deleted. spec: P25 sheet 4, Delete-Key / Delete-Keyset */
static void note_deletion(uint8_t status, struct fk_record_answer *answer)
{
	if (status != FK_KMM_STATUS_PERFORMED && status != FK_KMM_STATUS_NO_ITEM &&
	    answer->kmm_status == FK_KMM_STATUS_PERFORMED)
		answer->kmm_status = status;
}

/* Exactly the keys that were named, each once. */
static enum fk_counter read_delete_key(const struct fk_campaign_block *campaign,
				       const struct fk_match_kmm *kmm,
				       struct fk_record_answer *answer)
{
	struct fk_kmm_delete_key_list list;
	uint32_t n = campaign->n_keys, seen = 0;

	if (fk_kmm_decode_delete_key(&kmm->frame, &list) != FK_OK)
		return FK_COUNTER_RX_KMM_MALFORMED;
	if (list.n_keys != n || n > FK_CAMPAIGN_KEYS_MAX)
		return FK_COUNTER_RX_KMM_WRONG_KEYS;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t k = find_key(campaign, 0, n, seen, &list.keys[i]);

		if (k == n)
			return FK_COUNTER_RX_KMM_WRONG_KEYS;
		seen |= 1u << k;
		note_deletion(list.keys[i].status, answer);
	}
	return FK_COUNTERS;
}

static enum fk_counter read_delete_keyset(const struct fk_campaign_block *campaign,
					  const struct fk_match_kmm *kmm,
					  struct fk_record_answer *answer)
{
	struct fk_kmm_delete_keyset_one one;

	if (fk_kmm_decode_delete_keyset(&kmm->frame, &one) != FK_OK)
		return FK_COUNTER_RX_KMM_MALFORMED;
	if (one.keyset_id != campaign->keyset_id)
		return FK_COUNTER_RX_KMM_WRONG_KEYS;
	note_deletion(one.status, answer);
	return FK_COUNTERS;
}

/* Exactly the one key. spec: P25 sheet 1.5 Rekey-Acknowledgment */
static enum fk_counter read_warm_start_ack(const struct fk_match_kmm *kmm,
					   struct fk_record_answer *answer)
{
	struct fk_kmm_rekey_ack ack;

	if (fk_kmm_decode_rekey_ack(&kmm->frame, &ack) != FK_OK)
		return FK_COUNTER_RX_KMM_MALFORMED;
	if (ack.acknowledged_message_id != FK_KMM_WARM_START_COMMAND)
		return FK_COUNTER_RX_KMM_UNEXPECTED;
	if (ack.n_statuses != 1 || ack.statuses[0].algorithm_id != kmm->ue->ptek_algorithm_id ||
	    ack.statuses[0].key_id != kmm->ue->ptek_key_id)
		return FK_COUNTER_RX_KMM_WRONG_KEYS;
	answer->kmm_status = ack.statuses[0].status;
	return FK_COUNTERS;
}

/* The answer must be of the kind that the attempt asked for. */
static enum fk_counter read_answer(const struct fk_worker *w, const struct fk_match_kmm *kmm,
				   struct fk_record_answer *answer)
{
	const struct fk_ue_state *state = &w->states[kmm->ue_index];
	const struct fk_campaign_block *campaign = fk_worker_campaign_of(w, state->token);
	uint8_t id = kmm->frame.header.message_id;

	if (campaign == NULL)
		return FK_COUNTER_RX_KMM_UNEXPECTED;
	if (id == FK_KMM_NEGATIVE_ACK)
		return read_negative_ack(state, kmm, answer);
	if (id != fk_order_answer(state->kind))
		return FK_COUNTER_RX_KMM_UNEXPECTED;
	switch (state->kind) {
	case FK_ORDER_REKEY:
		return read_rekey_ack(campaign, state, kmm, answer);
	case FK_ORDER_INVENTORY:
		return read_inventory(campaign, kmm, answer);
	case FK_ORDER_CHANGEOVER:
		return read_changeover(campaign, kmm, answer);
	case FK_ORDER_DELETE_KEY:
		return read_delete_key(campaign, kmm, answer);
	case FK_ORDER_DELETE_KEYSET:
		return read_delete_keyset(campaign, kmm, answer);
	case FK_ORDER_ZEROIZE:
		return fk_kmm_decode_empty(&kmm->frame) == FK_OK ? FK_COUNTERS
								 : FK_COUNTER_RX_KMM_MALFORMED;
	case FK_ORDER_WARM_START:
		return read_warm_start_ack(kmm, answer);
	case FK_ORDER_HELLO:
		return FK_COUNTERS; /* it was read before it counted as an answer */
	case FK_ORDER_REGISTERED:
	case FK_ORDER_DEREGISTERED:
	case FK_ORDER_NO_SERVICE:
		break; /* no KMM answers these */
	}
	return FK_COUNTER_RX_KMM_UNEXPECTED;
}

/* spec: P25 sheet 3.9, rule 1. Before the first answer any number will do. */
static bool is_new_number(const struct fk_worker *w, const struct fk_match_kmm *kmm)
{
	const struct fk_ue_state *state = &w->states[kmm->ue_index];

	if (!kmm->frame.header.has_message_number)
		return false;
	return !state->inbound_known ||
	       fk_kmm_number_is_new(state->inbound_number, kmm->frame.header.message_number,
				    kmm->ue->mnp);
}

/* What comes after the MAC. Returns FK_COUNTERS if the KMM answers the open attempt. */
static enum fk_counter judge(struct fk_worker *w, const struct fk_match_kmm *kmm,
			     const struct fk_token_claim *in_reply_to,
			     struct fk_record_answer *answer)
{
	const struct fk_ue_state *state = &w->states[kmm->ue_index];

	if (is_repeat(w, kmm))
		return FK_COUNTER_RX_KMM_REPEAT; /* the first copy is in this very burst */
	if (!is_new_number(w, kmm))
		return FK_COUNTER_RX_KMM_BAD_NUMBER;
	if (state->outcome == FK_OUTCOME_ANSWERED || state->outcome == FK_OUTCOME_UNBUILDABLE ||
	    state->outcome == FK_OUTCOME_TOO_LARGE || !is_reply_to(in_reply_to, state->token))
		return FK_COUNTER_RX_KMM_UNEXPECTED;
	return read_answer(w, kmm, answer);
}

/* What it says. Returns what it counts as; 'ret_is_right' is false if that is a reason to drop it.
 */
static enum fk_counter read_unasked(const struct fk_worker *w, const struct fk_match_kmm *kmm,
				    struct fk_record_said *said, bool *ret_is_right)
{
	uint8_t body_format;
	uint32_t kmf_rsi;

	*ret_is_right = false;
	if (said->message_id == FK_KMM_HELLO) {
		*ret_is_right = fk_kmm_decode_hello(&kmm->frame, &said->hello_flag) == FK_OK;
		return *ret_is_right ? FK_COUNTER_RX_HELLOS : FK_COUNTER_RX_KMM_MALFORMED;
	}
	if (fk_kmm_decode_registration(&kmm->frame, &body_format, &kmf_rsi) != FK_OK)
		return FK_COUNTER_RX_KMM_MALFORMED;
	if (kmf_rsi != w->table->header.kmf_rsi)
		return FK_COUNTER_RX_KMM_NOT_FOR_US;
	*ret_is_right = true;
	return said->message_id == FK_KMM_REGISTRATION_COMMAND ? FK_COUNTER_RX_REGISTRATIONS
							       : FK_COUNTER_RX_DEREGISTRATIONS;
}

/* What a UE said without being asked. Nothing of its attempt changes. */
static enum fk_match_result finish_unasked(struct fk_worker *w, const struct fk_match_kmm *kmm)
{
	const struct fk_kmm_header *header = &kmm->frame.header;
	struct fk_record_said said = {.message_id = header->message_id,
				      .is_authentic = header->has_mac,
				      .number = header->message_number,
				      .at_s = now_s(w)};
	enum fk_counter reason;
	bool is_right;

	/* Its first copy may be in this very burst. */
	if (header->has_mac && is_repeat(w, kmm))
		return drop(w, FK_COUNTER_RX_KMM_REPEAT);
	if (speaks_too_often(w, kmm))
		return drop(w, FK_COUNTER_RX_SAID_TOO_OFTEN);
	if (header->has_mac && !is_new_number(w, kmm))
		return drop(w, FK_COUNTER_RX_KMM_BAD_NUMBER);
	reason = read_unasked(w, kmm, &said, &is_right);
	if (!is_right)
		return drop(w, reason);
	if (!fk_record_has_room(w))
		return not_recorded(w);
	fk_record_said(w, kmm->ue_index, &said);
	if (header->has_mac)
		memcpy(&w->txns[kmm->ue_index].last_mac, header->mac.mac,
		       sizeof(w->txns[kmm->ue_index].last_mac));
	return drop(w, reason);
}

/*
 * The UE lacks its protection TEK, it is said. What authenticates that is the Message ID that it
 * names, which only those have seen who carried the command, and that the server says who calls;
 * so it counts for the one attempt that is open, and moves no number.
 */
static enum fk_match_result finish_unable(struct fk_worker *w, const struct fk_match_kmm *kmm,
					  const struct fk_token_claim *in_reply_to)
{
	const struct fk_ue_state *state = &w->states[kmm->ue_index];
	struct fk_kmm_unable unable;

	if (in_reply_to == NULL)
		return drop(w, FK_COUNTER_RX_KMM_UNAUTHENTICATED);
	if (state->token == 0 || !is_reply_to(in_reply_to, state->token) ||
	    state->outcome != FK_OUTCOME_NONE || state->mac_key != FK_MAC_KEY_PTEK)
		return drop(w, FK_COUNTER_RX_KMM_UNEXPECTED);
	if (fk_kmm_decode_unable(&kmm->frame, &unable) != FK_OK)
		return drop(w, FK_COUNTER_RX_KMM_MALFORMED);
	if (unable.algorithm_id != kmm->ue->ptek_algorithm_id ||
	    unable.key_id != kmm->ue->ptek_key_id)
		return drop(w, FK_COUNTER_RX_KMM_WRONG_KEYS);
	if (!fk_record_has_room(w))
		return not_recorded(w);
	fk_record_unable(w, kmm->ue_index, unable.status);
	if (w->txns[kmm->ue_index].token == state->token)
		fk_worker_close(w, &w->txns[kmm->ue_index]);
	return drop(w, FK_COUNTER_RX_UNABLE);
}

enum fk_match_result fk_match_kmm_finish(struct fk_worker *w, const struct fk_match_kmm *kmm,
					 const struct fk_token_claim *in_reply_to,
					 const uint8_t *mac)
{
	const struct fk_kmm_header *header = &kmm->frame.header;
	struct fk_record_answer answer = {
		.kmm_message_id = header->message_id,
		.mac_algorithm_id = header->mac.algorithm_id,
		.mac_key_id = header->mac.key_id,
		.number = header->message_number,
		.mac = header->mac.mac,
	};
	struct fk_txn *txn = &w->txns[kmm->ue_index];
	enum fk_counter reason;

	/* Only what nobody asked for may come without. */
	if (mac == NULL && (header->has_mac || !(kmm->is_unasked || kmm->is_unable)))
		return drop(w, FK_COUNTER_RX_KMM_UNAUTHENTICATED);
	if (mac != NULL && !fk_ct_equal(mac, header->mac.mac, FK_KMM_MAC_SIZE))
		return drop(w, FK_COUNTER_RX_KMM_BAD_MAC);
	/* A key that was being wiped may be known to anybody. */
	if (mac != NULL && kmm->tek == kmm->ue->ptek &&
	    fk_ue_key_algorithm(&kmm->ue->ptek_algorithm_id) == 0)
		return drop(w, FK_COUNTER_RX_KMM_WRONG_KEY);
	if (kmm->is_unasked)
		return finish_unasked(w, kmm);
	if (kmm->is_unable)
		return finish_unable(w, kmm, in_reply_to);
	reason = judge(w, kmm, in_reply_to, &answer);
	if (reason != FK_COUNTERS)
		return drop(w, reason);
	if (!fk_record_has_room(w))
		return not_recorded(w);
	fk_record_answered(w, kmm->ue_index, &answer);
	memcpy(&txn->last_mac, header->mac.mac, sizeof(txn->last_mac));
	/* An answer proves delivery: no need to wait for a lost response. */
	if (txn->token == w->states[kmm->ue_index].token)
		fk_worker_close(w, txn);
	return drop(w, FK_COUNTER_RX_ACKS);
}
