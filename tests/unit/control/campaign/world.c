/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include <fleetkey/kmm.h>

#include "campaign/fold.h"

#define KEY_ID	     77
#define OLD_CAMPAIGN 1 /* gave every UE keys for the same places */
#define CAMPAIGN     2
#define KEYSET	     1
#define OLD_KEYSET   9 /* the active one until a Changeover-Command */

uint32_t world_random(struct world *w, uint32_t n)
{
	/* xorshift64*: the same history for the same seed, everywhere */
	w->random ^= w->random >> 12;
	w->random ^= w->random << 25;
	w->random ^= w->random >> 27;
	return (uint32_t)((w->random * 0x2545f4914f6cdd1dull) >> 33) % n;
}

struct world *world_new(uint64_t seed)
{
	struct world *w = calloc(1, sizeof(*w));

	cr_assert_not_null(w);
	w->random = seed * 0x9e3779b97f4a7c15ull + 1;
	w->now = (struct fk_scheduler_now){.ms = 1, .date_s = 1800000000};
	w->clock_us = 1;
	for (uint32_t i = 0; i < WORLD_UES; i++) {
		w->ues[i].rsi = 1000 + i;
		w->ues[i].mnp = 1000;
		w->ues[i].ptek_algorithm_id = FK_ALGORITHM_AES_256;
		w->ues[i].ptek_key_id = 5;
		w->ues[i].ue_generation = 1;
	}
	w->options = (struct fk_scheduler_options){
		.n_slots = WORLD_UES,
		.campaign_slot = 3,
		.campaign_generation = 9,
		.key_id = KEY_ID,
		.n_keys = 1,
		.keys_per_kmm = {FK_ORDER_KEYS_MAX},
		.closing = true,
		.window = 16,
		.attempts_max = 4,
		.retry_backoff_ms = 50,
		.number_block = 4,
		.number_margin = 8,
		.ues = w->ues,
		.numbers = w->numbers,
	};
	return w;
}

void world_free(struct world *w)
{
	fk_scheduler_free(w->scheduler);
	free(w);
}

void world_start(struct world *w)
{
	cr_assert_eq(fk_scheduler_new(&w->options, &w->scheduler), FK_OK);
	for (uint32_t i = 0; i < WORLD_UES; i++) {
		if (w->has_to_renew[i])
			fk_scheduler_renew(w->scheduler, i);
		fk_scheduler_include(w->scheduler, i);
	}
}

const struct fk_delivery *world_delivery(const struct world *w, uint32_t ue_index)
{
	return &fk_scheduler_deliveries(w->scheduler)[ue_index];
}

/* The store. */

void world_write(struct world *w)
{
	uint32_t pages[WORLD_PAGES];
	uint32_t n = fk_scheduler_list_dirty(w->scheduler, pages, WORLD_PAGES);

	for (uint32_t i = 0; i < n; i++) {
		uint32_t first = pages[i] * FK_LEDGER_PAGE;

		fk_ledger_page_encode(world_delivery(w, first), w->stored_pages[pages[i]]);
		memcpy(&w->stored_numbers[first], &w->numbers[first],
		       FK_LEDGER_PAGE * sizeof(w->numbers[0]));
		w->is_stored[pages[i]] = true;
		fk_scheduler_page_durable(w->scheduler, pages[i]);
	}
	cr_assert_eq(fk_scheduler_n_dirty(w->scheduler), 0);
}

/* I1: the store knows step, attempt, number and date of what is ordered, and reserved the number.
 */
static void check_durable(const struct world *w, const struct fk_order *order, struct fk_token t)
{
	struct fk_delivery page[FK_LEDGER_PAGE];
	const struct fk_delivery *d = &page[t.ue_index % FK_LEDGER_PAGE];
	const struct fk_ue_numbers *numbers = &w->stored_numbers[t.ue_index];

	cr_assert(w->is_stored[t.ue_index / FK_LEDGER_PAGE]);
	cr_assert_eq(fk_ledger_page_decode(w->stored_pages[t.ue_index / FK_LEDGER_PAGE],
					   FK_LEDGER_PAGE_SIZE, page),
		     FK_OK);
	cr_assert_eq(d->number, order->message_number);
	cr_assert_eq(d->step, t.step);
	cr_assert_eq(d->attempt, t.attempt);
	cr_assert_eq(d->date_time_s, order->date_time_s);
	cr_assert_leq((uint16_t)(order->message_number + 1 - numbers->accepted),
		      (uint16_t)(numbers->reserved_next - numbers->accepted));
	cr_assert_eq(w->options.may_warm_start && numbers->needs_warm_start,
		     order->kind == FK_ORDER_WARM_START);
	if (order->kind == FK_ORDER_WARM_START)
		return;
	/* A step goes out only when the acknowledgements of all keys before it are durable. */
	if (order->kind == FK_ORDER_REKEY) {
		cr_assert_eq(d->keys_held, (1u << order->first_key) - 1);
	} else {
		cr_assert_eq(d->keys_held, world_all_keys(w));
		cr_assert_eq((d->flags & FK_DELIVERY_HELD) != 0, w->options.n_keys > 0);
	}
	if (order->kind == FK_ORDER_INVENTORY)
		cr_assert_eq((d->flags & FK_DELIVERY_PERFORMED) != 0, w->options.n_commands > 0);
}

/* The radio, and the wire to it. */

static void set_outcome(struct world *w, uint32_t i, uint8_t outcome)
{
	struct fk_ue_state *s = &w->states[i];

	s->outcome = outcome;
	s->answered_at_us = ++w->clock_us;
	w->outcome_at_ms[i] = 0;
}

uint16_t world_all_keys(const struct world *w)
{
	return (uint16_t)((1u << w->options.n_keys) - 1);
}

/* The keys that the order in force carries. */
static uint16_t keys_of(const struct fk_order *order)
{
	return (uint16_t)(((1u << order->n_keys) - 1) << order->first_key);
}

static void answer(struct world *w, uint32_t i, uint8_t message_id, uint8_t status)
{
	struct fk_ue_state *s = &w->states[i];
	bool is_closing = w->open[i].kind == FK_ORDER_INVENTORY;
	bool is_rekey = w->open[i].kind == FK_ORDER_REKEY;

	s->kmm_message_id = message_id;
	s->kmm_status = status;
	s->keys_held = 0;
	if (message_id == FK_KMM_REKEY_ACK)
		s->keys_held = keys_of(&w->open[i]) & w->radios[i].keys;
	s->active_keyset = 0;
	if (w->options.n_commands > 0 && message_id != FK_KMM_NEGATIVE_ACK && !is_rekey)
		s->active_keyset = w->radios[i].is_changed ? KEYSET : OLD_KEYSET;
	s->mac_algorithm_id = FK_ALGORITHM_AES_256;
	s->mac_key_id = is_closing ? KEY_ID : w->ues[i].ptek_key_id;
	s->inbound_number = ++w->radios[i].outbound;
	s->inbound_known = 1;
	memset(s->mac, (int)(i & 0xff), sizeof(s->mac));
	set_outcome(w, i, FK_OUTCOME_ANSWERED);
}

/* The radio takes the command; true if it answers with success. */
static bool radio_takes(struct world *w, uint32_t i)
{
	struct world_radio *radio = &w->radios[i];
	uint16_t ahead = (uint16_t)(w->open[i].message_number - radio->accepted);

	/* I2: always inside the window (0: an identical repeat). */
	cr_assert_leq(ahead, w->ues[i].mnp, "number %u after %u", w->open[i].message_number,
		      radio->accepted);
	radio->accepted = w->open[i].message_number;
	if (radio->forced_kmm_status != 0 && radio->refused_keys == 0)
		return false;
	switch (w->open[i].kind) {
	case FK_ORDER_WARM_START:
		radio->lacks_ptek = false;
		break;
	case FK_ORDER_REKEY:
		radio->keys |= keys_of(&w->open[i]) & (uint16_t)~radio->refused_keys;
		break;
	case FK_ORDER_CHANGEOVER:
		/* I6: whoever is changed over holds all keys. */
		cr_assert_eq(radio->keys & world_all_keys(w), world_all_keys(w));
		radio->is_changed = true;
		break;
	case FK_ORDER_INVENTORY:
		radio->has_proven = true;
		break;
	}
	return true;
}

static void play_outcome(struct world *w, uint32_t i)
{
	struct world_radio *radio = &w->radios[i];

	if (radio->is_silent || world_random(w, 100) < w->loss_percent) {
		set_outcome(w, i, FK_OUTCOME_TIMEOUT);
	} else if (radio->forced_sip != 0) {
		w->states[i].sip_status = radio->forced_sip;
		w->states[i].sip_warning = radio->forced_warning;
		w->states[i].retry_after_s = w->retry_after_s;
		set_outcome(w, i, FK_OUTCOME_REFUSED);
	} else if (radio->lacks_ptek &&
		   (radio->has_no_kek || w->open[i].kind != FK_ORDER_WARM_START)) {
		w->states[i].kmm_message_id = FK_KMM_UNABLE_TO_DECRYPT_RESPONSE;
		w->states[i].kmm_status =
			radio->has_no_kek ? FK_KMM_STATUS_NO_KEK : FK_KMM_STATUS_INVALID_KEY_ID;
		set_outcome(w, i, FK_OUTCOME_UNABLE);
	} else if (!radio_takes(w, i)) {
		answer(w, i, FK_KMM_NEGATIVE_ACK, radio->forced_kmm_status);
	} else if (world_random(w, 100) < w->loss_percent) {
		set_outcome(w, i, FK_OUTCOME_NO_ANSWER); /* it holds the key, but nobody knows */
	} else {
		bool refuses = (keys_of(&w->open[i]) & radio->refused_keys) != 0;

		answer(w, i, fk_order_answer(w->open[i].kind),
		       refuses ? radio->forced_kmm_status : 0);
	}
}

/* The steps carry all keys once, in order, and the closing exchange none. */
static void check_keys(const struct world *w, const struct fk_order *order, struct fk_token t)
{
	if (order->kind == FK_ORDER_INVENTORY) {
		cr_assert_eq(order->n_keys, 0);
		cr_assert_eq(order->first_key, 0);
		cr_assert_eq(order->mac_key, FK_MAC_KEY_CAMPAIGN_TEK);
		return;
	}
	cr_assert_eq(order->mac_key, FK_MAC_KEY_PTEK);
	if (order->kind == FK_ORDER_CHANGEOVER || order->kind == FK_ORDER_WARM_START) {
		cr_assert_eq(order->n_keys, 0);
		cr_assert_eq(order->first_key, 0);
		return;
	}
	cr_assert_geq(order->n_keys, 1);
	cr_assert_leq(order->n_keys, FK_ORDER_KEYS_MAX);
	cr_assert_leq(order->first_key + order->n_keys, w->options.n_keys);
	cr_assert_geq(order->first_key, t.step);
	cr_assert_eq(order->first_key == 0, t.step == 0);
}

static void take_order(struct world *w, const struct fk_order *order)
{
	struct fk_token t = fk_token_unpack(order->token);
	uint32_t i = t.ue_index;
	struct fk_ue_state *s = &w->states[i];

	check_durable(w, order, t);
	/* I2: under one number only ever the same octets. */
	cr_assert_lt(order->message_number, WORLD_NUMBERS);
	cr_assert_geq(order->date_time_s, 1800000000);
	cr_assert_leq(order->date_time_s, w->now.date_s);
	if (w->sent_token[i][order->message_number] != 0) {
		cr_assert_eq(w->sent_token[i][order->message_number], order->token);
		cr_assert_eq(w->sent_date[i][order->message_number], order->date_time_s);
		cr_assert_eq(w->sent_keys[i][order->message_number],
			     order->first_key << 8 | order->n_keys);
	}
	w->sent_token[i][order->message_number] = order->token;
	w->sent_date[i][order->message_number] = order->date_time_s;
	w->sent_keys[i][order->message_number] = (uint16_t)(order->first_key << 8 | order->n_keys);
	check_keys(w, order, t);
	w->n_orders++;
	if (w->outcome_at_ms[i] != 0 && w->open[i].token == order->token)
		return; /* a duplicate of what is open */
	w->n_sends[i]++;
	w->open[i] = *order;
	s->token = order->token;
	s->message_number = order->message_number;
	s->date_time_s = order->date_time_s;
	s->what = order->what;
	s->outcome = FK_OUTCOME_NONE;
	s->sip_status = 0;
	s->retry_after_s = 0;
	s->kmm_message_id = s->kmm_status = 0;
	w->outcome_at_ms[i] =
		w->radios[i].is_stuck ? UINT64_MAX : w->now.ms + 1 + world_random(w, 40);
}

static const struct fk_campaign *find_campaign(void *ctx, uint32_t id)
{
	return &((const struct fk_campaign *)ctx)[id == CAMPAIGN];
}

/* One key of one UE, and the key that it takes the place of. */
static void check_key(const struct world *w, uint32_t i, uint32_t key, const struct fk_currency *ue)
{
	enum fk_key_state now = fk_currency_state(ue, CAMPAIGN, key);
	enum fk_key_state old = fk_currency_state(ue, OLD_CAMPAIGN, key);
	bool is_there = w->radios[i].keys >> key & 1;

	cr_assert_neq(now, is_there ? FK_KEY_NOT_HELD : FK_KEY_HELD, "ue %u key %u", i, key);
	cr_assert_neq(old, is_there ? FK_KEY_HELD : FK_KEY_NOT_HELD, "ue %u old key %u", i, key);
}

static void check_active(const struct world *w, uint32_t i, const struct fk_currency *ue)
{
	cr_assert_neq(ue->active, FK_ACTIVE_NEVER);
	if (ue->active == FK_ACTIVE_KNOWN)
		cr_assert_eq(ue->active_keyset, w->radios[i].is_changed ? KEYSET : OLD_KEYSET,
			     "ue %u", i);
	else
		cr_assert(w->options.n_commands > 0);
}

static uint8_t kind_of(const struct world *w)
{
	if (w->options.renews)
		return FK_KIND_WARM_START;
	if (w->options.n_commands == 0)
		return FK_KIND_REKEY;
	return w->options.n_keys > 0 ? FK_KIND_REKEY_AND_CHANGEOVER : FK_KIND_CHANGEOVER;
}

/* What the store says of the keys, were control to die now. */
static void check_currency(const struct world *w)
{
	struct fk_campaign campaigns[2] = {
		{.id = OLD_CAMPAIGN, .kind = FK_KIND_REKEY, .keyset_id = KEYSET}};
	struct fk_delivery deliveries[FK_LEDGER_PAGE];
	struct fk_fold fold;

	for (uint16_t i = 0; i < w->options.n_keys; i++)
		campaigns[0].slns[i] = i + 1;
	campaigns[0].n_keys = w->options.n_keys;
	campaigns[1] = campaigns[0];
	campaigns[1].id = CAMPAIGN;
	campaigns[1].kind = kind_of(w);
	fk_fold_begin(&fold, &campaigns[1], find_campaign, campaigns);
	for (uint32_t i = 0; i < WORLD_UES; i++) {
		uint32_t page = i / FK_LEDGER_PAGE;
		struct fk_currency ue = {.active = FK_ACTIVE_KNOWN, .active_keyset = OLD_KEYSET};

		if (i % FK_LEDGER_PAGE == 0) {
			memset(deliveries, 0, sizeof(deliveries));
			cr_assert(!w->is_stored[page] ||
				  fk_ledger_page_decode(w->stored_pages[page], FK_LEDGER_PAGE_SIZE,
							deliveries) == FK_OK);
		}
		fk_currency_add(&ue, OLD_CAMPAIGN)->held = world_all_keys(w);
		fk_fold_delivery(&fold, &deliveries[i % FK_LEDGER_PAGE], &ue);
		for (uint32_t key = 0; key < w->options.n_keys; key++)
			check_key(w, i, key, &ue);
		check_active(w, i, &ue);
	}
}

/* Whoever makes keys has made them, and they are durable. */
static void renew_keys(struct world *w)
{
	uint32_t ue_indexes[FK_KEYLESS_MAX];
	uint32_t n = fk_scheduler_list_keyless(w->scheduler, ue_indexes, FK_KEYLESS_MAX);

	for (uint32_t i = 0; i < n; i++) {
		w->ues[ue_indexes[i]].ptek_key_id++;
		w->ues[ue_indexes[i]].ptek_algorithm_id = FK_ALGORITHM_AES_256;
		w->has_to_renew[ue_indexes[i]] = false;
		w->stored_numbers[ue_indexes[i]].needs_warm_start = 1;
		w->n_renewed++;
		fk_scheduler_has_key(w->scheduler, ue_indexes[i], &w->now);
	}
}

void world_turn(struct world *w, bool store_fails)
{
	struct fk_order orders[8];
	uint32_t n;

	w->now.ms += 10;
	w->now.date_s += 1;
	for (uint32_t i = 0; i < WORLD_UES; i++) {
		if (w->outcome_at_ms[i] == 0 || w->outcome_at_ms[i] > w->now.ms)
			continue;
		play_outcome(w, i);
		fk_scheduler_apply(w->scheduler, i, &w->states[i], &w->now);
		fk_scheduler_apply(w->scheduler, i, &w->states[i], &w->now); /* rung twice */
	}
	if (!store_fails)
		renew_keys(w);
	fk_scheduler_reserve(w->scheduler, &w->now, 1);
	if (!store_fails)
		world_write(w);
	while ((n = fk_scheduler_poll(w->scheduler, &w->now, orders, 8)) > 0) {
		for (uint32_t i = 0; i < n; i++)
			take_order(w, &orders[i]);
	}
	check_currency(w);
	cr_assert_leq(fk_scheduler_tally(w->scheduler)->states[FK_DELIVERY_OPEN],
		      w->options.window);
}

void world_run(struct world *w, uint32_t max_turns)
{
	while (!fk_scheduler_is_done(w->scheduler)) {
		cr_assert_gt(max_turns--, 0, "it does not end");
		world_turn(w, false);
	}
	world_write(w);
}

void world_restore(struct world *w)
{
	fk_scheduler_free(w->scheduler);
	memcpy(w->numbers, w->stored_numbers, sizeof(w->numbers));
	cr_assert_eq(fk_scheduler_new(&w->options, &w->scheduler), FK_OK);
	for (uint32_t page = 0; page < WORLD_PAGES; page++) {
		struct fk_delivery deliveries[FK_LEDGER_PAGE];

		if (!w->is_stored[page]) {
			for (uint32_t i = 0; i < FK_LEDGER_PAGE; i++) {
				if (w->has_to_renew[page * FK_LEDGER_PAGE + i])
					fk_scheduler_renew(w->scheduler, page * FK_LEDGER_PAGE + i);
				fk_scheduler_include(w->scheduler, page * FK_LEDGER_PAGE + i);
			}
			continue;
		}
		cr_assert_eq(fk_ledger_page_decode(w->stored_pages[page], FK_LEDGER_PAGE_SIZE,
						   deliveries),
			     FK_OK);
		fk_scheduler_restore_page(w->scheduler, page, deliveries);
		for (uint32_t i = 0; i < FK_LEDGER_PAGE; i++) {
			if (w->has_to_renew[page * FK_LEDGER_PAGE + i])
				fk_scheduler_renew(w->scheduler, page * FK_LEDGER_PAGE + i);
		}
	}
}

void world_rescan(struct world *w, bool region_survives)
{
	if (region_survives) {
		for (uint32_t i = 0; i < WORLD_UES; i++)
			fk_scheduler_apply(w->scheduler, i, &w->states[i], &w->now);
		fk_scheduler_queue_open(w->scheduler);
	} else {
		memset(w->states, 0, sizeof(w->states));
		memset(w->outcome_at_ms, 0, sizeof(w->outcome_at_ms));
		fk_scheduler_forget_sent(w->scheduler);
	}
}

void world_restart(struct world *w, bool region_survives)
{
	world_restore(w);
	world_rescan(w, region_survives);
}

void world_check_books(const struct world *w)
{
	const struct fk_scheduler_tally *tally = fk_scheduler_tally(w->scheduler);
	uint32_t states[FK_DELIVERY_STATES] = {0}, n_held = 0, n_proven = 0;

	for (uint32_t i = 0; i < WORLD_UES; i++) {
		const struct fk_delivery *d = world_delivery(w, i);
		bool is_held = (d->flags & FK_DELIVERY_HELD) != 0;
		bool is_performed = (d->flags & FK_DELIVERY_PERFORMED) != 0;
		bool is_done = w->options.n_commands > 0 ? is_performed : is_held;
		bool is_proven = (d->flags & FK_DELIVERY_PROVEN) != 0;

		states[d->state]++;
		n_held += is_done;
		n_proven += is_proven;
		cr_assert(fk_delivery_is_final(d), "ue %u is %s", i,
			  fk_delivery_state_label(d->state));
		/* Held only if the radio has it; the radio may have it and nobody heard. */
		cr_assert_eq(d->keys_held & ~w->radios[i].keys, 0);
		cr_assert_eq(is_held, w->options.n_keys > 0 && d->keys_held == world_all_keys(w));
		cr_assert(!is_performed || w->radios[i].is_changed);
		cr_assert(!is_proven || w->radios[i].has_proven);
		cr_assert_eq(d->state == FK_DELIVERY_ACKED || d->state == FK_DELIVERY_PARTIAL,
			     d->keys_held != 0 || is_performed, "ue %u is %s, held %x", i,
			     fk_delivery_state_label(d->state), d->keys_held);
		cr_assert_eq(d->state == FK_DELIVERY_ACKED,
			     is_done && (is_proven || !w->options.closing));
		cr_assert_eq(d->state == FK_DELIVERY_ACKED, d->cause == FK_CAUSE_NONE);
	}
	cr_assert_arr_eq(states, tally->states, sizeof(states));
	cr_assert_eq(n_held, tally->n_held);
	cr_assert_eq(n_held, tally->n_held_durable);
	cr_assert_eq(n_proven, tally->n_proven_durable);
}
