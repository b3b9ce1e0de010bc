/* SPDX-License-Identifier: Apache-2.0 */
#include "send.h"

#include <fleetkey/kmm.h>
#include <fleetkey/ring.h>
#include <fleetkey/secret.h>

#include "record.h"

#define HINTS_AHEAD 8 /* orders whose UEs the cache is asked for before their turn */

enum verdict {
	TAKE,
	IGNORE,	       /* counted; nothing to report */
	ANSWER_AGAIN,  /* its outcome stands: ring once more */
	CONTRADICTION, /* the attempt of this token was another: nothing is built */
	UNBUILDABLE,
	TOO_LARGE,
};

/* Octets of the body of the KMM that an order makes. spec: P25 sheet 1.5 */
static uint16_t body_size(const struct fk_campaign_block *campaign, uint8_t kind, uint8_t n_keys)
{
	switch (kind) {
	case FK_ORDER_REKEY:
		return FK_KMM_REKEY_SIZE - FK_KMM_FRAME_SIZE + (n_keys - 1) * FK_KMM_KEY_ITEM_SIZE;
	case FK_ORDER_CHANGEOVER:
		return 3;
	case FK_ORDER_DELETE_KEY:
		return 1 + 3 * campaign->n_keys;
	case FK_ORDER_DELETE_KEYSET:
		return 2;
	case FK_ORDER_ZEROIZE:
	case FK_ORDER_NO_SERVICE:
		return 0;
	case FK_ORDER_WARM_START:
		return 6 + FK_KMM_KEY_ITEM_SIZE;
	}
	return 1; /* Inventory-Command, type 04; Registration- and Deregistration-Response; Hello */
}

/* That KMM with its preamble. */
static uint16_t payload_size(const struct fk_keytable *table,
			     const struct fk_campaign_block *campaign, uint8_t kind, uint8_t n_keys)
{
	return FK_KMM_FRAME_SIZE + body_size(campaign, kind, n_keys) +
	       (table->header.bare_kmm ? 0 : FK_KMM_PREAMBLE_SIZE);
}

/* What one datagram to the next hop may hold: what the operator allows, and what a frame takes. */
static uint16_t datagram_limit(const struct fk_worker *w, uint32_t next_hop)
{
	uint16_t limit = w->table->next_hops[next_hop].max_datagram;
	uint16_t room = FK_FRAME_CAP_MIN - w->paths[next_hop].overhead;

	return limit == 0 || limit > room ? room : limit;
}

void fk_send_publish_sizes(struct fk_worker *w)
{
	uint16_t payload = payload_size(w->table, NULL, FK_ORDER_REKEY, 1);

	for (uint32_t i = 0; i < FK_NEXT_HOPS_MAX; i++) {
		struct fk_message_size m = {.base = 0};
		size_t base, with_uri;

		if (i < w->table->header.n_next_hops) {
			base = fk_sip_template_size(&w->templates[i], 0, payload);
			with_uri = fk_sip_template_size(&w->templates[i], 1, payload);
			m.base = (uint16_t)base;
			m.n_uris = (uint16_t)(with_uri - base);
			m.limit = datagram_limit(w, i);
			m.payload = payload;
		}
		atomic_store_explicit(&w->block->rekey_sizes[i], fk_message_size_pack(&m),
				      memory_order_release);
	}
}

static bool fits_datagram(const struct fk_worker *w, const struct fk_ue_slot *ue,
			  const struct fk_order *order)
{
	const struct fk_sip_template *t = &w->templates[ue->next_hop];
	uint16_t payload = payload_size(w->table, fk_worker_campaign_of(w, order->token),
					order->kind, order->n_keys);

	return payload <= t->payload_max && fk_sip_template_size(t, ue->mcdata_id_size, payload) <=
						    datagram_limit(w, ue->next_hop);
}

/* True if the campaign has the keys that the order names, and they can stand in one KMM. */
static bool has_keys(const struct fk_campaign_block *campaign, const struct fk_order *order)
{
	uint32_t n = order->n_keys, end = order->first_key + n;

	return n >= 1 && n <= FK_ORDER_KEYS_MAX && end <= campaign->n_keys &&
	       end <= FK_CAMPAIGN_KEYS_MAX;
}

/* True if the key table holds what the order names. */
static bool is_buildable(const struct fk_worker *w, const struct fk_order *order,
			 const struct fk_ue_slot *ue)
{
	const struct fk_campaign_block *campaign = fk_worker_campaign_of(w, order->token);

	if (campaign == NULL || campaign->algorithm_id != FK_ALGORITHM_AES_256)
		return false;
	if (order->kind != FK_ORDER_REKEY && (order->first_key != 0 || order->n_keys != 0))
		return false;
	switch (order->kind) {
	case FK_ORDER_REKEY:
		if (ue->kek_algorithm_id != FK_ALGORITHM_AES_256 || !has_keys(campaign, order))
			return false;
		break;
	case FK_ORDER_INVENTORY:
		break;
	case FK_ORDER_CHANGEOVER:
		if (campaign->keyset_id == 0 || campaign->superseded_keyset_id == 0)
			return false;
		break;
	case FK_ORDER_DELETE_KEY:
		if (campaign->n_keys == 0 || campaign->n_keys > FK_CAMPAIGN_KEYS_MAX)
			return false;
		break;
	case FK_ORDER_DELETE_KEYSET:
		if (campaign->keyset_id == 0)
			return false;
		break;
	case FK_ORDER_WARM_START:
		if (ue->kek_algorithm_id != FK_ALGORITHM_AES_256 ||
		    order->mac_key != FK_MAC_KEY_PTEK)
			return false;
		break;
	case FK_ORDER_ZEROIZE:
	case FK_ORDER_HELLO:
	case FK_ORDER_REGISTERED:
	case FK_ORDER_DEREGISTERED:
	case FK_ORDER_NO_SERVICE:
		/* Nobody's word but that of the one who knows the UE's own key (I8). */
		if (order->mac_key != FK_MAC_KEY_PTEK)
			return false;
		break;
	default:
		return false;
	}
	if (order->mac_key == FK_MAC_KEY_PTEK)
		return ue->ptek_algorithm_id == FK_ALGORITHM_AES_256;
	return order->mac_key == FK_MAC_KEY_CAMPAIGN_TEK && campaign->n_keys > 0;
}

/* True if 'token' is an older attempt of the step that 'last' is an attempt of. */
static bool is_older(uint64_t token, uint64_t last)
{
	return fk_token_step_key(token) == fk_token_step_key(last) && token < last;
}

/* True if the order says something else than the attempt of the same token did: building it would
 * put two messages under one number. */
static bool contradicts(const struct fk_order *order, const struct fk_ue_state *state)
{
	return state->token == order->token &&
	       (state->message_number != order->message_number ||
		state->date_time_s != order->date_time_s || state->what != order->what);
}

static enum verdict judge(struct fk_worker *w, const struct fk_order *order)
{
	const struct fk_ue_slot *ue = fk_worker_ue_of(w, order->token);
	uint32_t ue_index = fk_token_unpack(order->token).ue_index;
	const struct fk_ue_state *state;
	const struct fk_txn *txn;

	if (ue == NULL) {
		fk_worker_count(w, FK_COUNTER_ORDER_UNBUILDABLE);
		return IGNORE; /* no UE whose state could tell */
	}
	state = &w->states[ue_index];
	txn = &w->txns[ue_index];
	if (txn->phase != FK_TXN_IDLE && txn->token == order->token) {
		fk_worker_count(w, FK_COUNTER_ORDER_DUPLICATE);
		return IGNORE;
	}
	if (is_older(order->token, state->token) ||
	    (txn->phase != FK_TXN_IDLE && is_older(order->token, txn->token))) {
		fk_worker_count(w, FK_COUNTER_ORDER_STALE);
		return IGNORE;
	}
	/* Before anything else about the same token: an authentic answer stands. */
	if (state->token == order->token && state->outcome == FK_OUTCOME_ANSWERED) {
		fk_worker_count(w, contradicts(order, state) ? FK_COUNTER_ORDER_UNBUILDABLE
							     : FK_COUNTER_ORDER_DUPLICATE);
		return ANSWER_AGAIN;
	}
	if (contradicts(order, state)) {
		fk_worker_count(w, FK_COUNTER_ORDER_UNBUILDABLE);
		return CONTRADICTION;
	}
	if (!is_buildable(w, order, ue)) {
		fk_worker_count(w, FK_COUNTER_ORDER_UNBUILDABLE);
		return UNBUILDABLE;
	}
	if (!fits_datagram(w, ue, order)) {
		fk_worker_count(w, FK_COUNTER_ORDER_TOO_LARGE);
		return TOO_LARGE;
	}
	return TAKE;
}

static void take(struct fk_worker *w, const struct fk_order *order)
{
	struct fk_txn *txn = &w->txns[fk_token_unpack(order->token).ue_index];

	/* A newer attempt ends the repeats of the older one (design: after n + 1 is sent, n is
	 * never sent again). */
	fk_worker_close(w, txn);
	fk_txn_queue(txn, order, w->epoch);
	fk_worker_enqueue(w, txn, false);
}

/* Of an order that is taken soon. */
static inline __attribute__((always_inline)) void hint(const struct fk_worker *w,
						       const struct fk_order *order)
{
	uint32_t ue_index = fk_token_unpack(order->token).ue_index;

	if (ue_index < w->n_slots)
		fk_worker_hint(w, ue_index);
}

uint32_t fk_send_take_orders(struct fk_worker *w)
{
	struct fk_order orders[FK_WORKER_BURST];
	uint32_t n = fk_ring_peek(w->orders, orders, sizeof(orders[0]), FK_WORKER_BURST);
	uint32_t n_done = 0;

	for (uint32_t i = 0; i < n && i < HINTS_AHEAD; i++)
		hint(w, &orders[i]);
	for (; n_done < n && fk_record_has_room(w); n_done++) {
		const struct fk_order *order = &orders[n_done];

		if (n_done + HINTS_AHEAD < n)
			hint(w, &orders[n_done + HINTS_AHEAD]);
		fk_worker_count(w, FK_COUNTER_ORDERS);
		switch (judge(w, order)) {
		case TAKE:
			take(w, order);
			break;
		case ANSWER_AGAIN:
			fk_record_ring(w, fk_token_unpack(order->token).ue_index);
			break;
		case CONTRADICTION:
			/* The fields of the attempt stay: a third order is held against what
			 * was sent. */
			fk_record_outcome(w, fk_token_unpack(order->token).ue_index,
					  FK_OUTCOME_UNBUILDABLE, 0, 0);
			break;
		case UNBUILDABLE:
			fk_worker_close(w, &w->txns[fk_token_unpack(order->token).ue_index]);
			fk_record_unbuildable(w, order, FK_OUTCOME_UNBUILDABLE);
			break;
		case TOO_LARGE:
			fk_worker_close(w, &w->txns[fk_token_unpack(order->token).ue_index]);
			fk_record_unbuildable(w, order, FK_OUTCOME_TOO_LARGE);
			break;
		case IGNORE:
			break;
		}
	}
	if (n > 0)
		fk_ring_release(w->orders, n_done);
	return n_done;
}
