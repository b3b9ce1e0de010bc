/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What UEs say without being asked, and what comes of it.
 */
#include <string.h>

#include <fleetkey/kmm.h>

#include "campaign/engine_private.h"

#define EXPIRE_EVERY_US 5000000
#define EXPIRE_SLACK_MS 10000

enum fk_err fk_engine_begin_answers(struct fk_engine *engine)
{
	const struct fk_config *config = engine->config;
	const struct fk_registrar_options options = {
		.n_slots = fk_fleet_n_slots(engine->fleet),
		.number_margin = config->campaign.number_margin,
		.window = config->campaign.window,
		.ues = fk_keytable_ues(fk_keytable_view(engine->table)),
		.numbers = fk_fleet_numbers(engine->fleet, 0),
	};
	struct fk_campaign_terms terms = {
		.generation = FK_ANSWER_GENERATION,
		.algorithm_id = FK_ALGORITHM_AES_256,
		.pace_per_s = config->campaign.answers_per_s,
		.answer_timeout_ms = config->campaign.answer_timeout_ms,
	};
	enum fk_err err = fk_registrar_new(&options, &engine->registrar);

	if (err != FK_OK)
		return err;
	/* The same after every restart, so that a repeat keeps its octets. spec: RFC 4122 §4.4 */
	memcpy(terms.conversation_id, fk_store_kmf_id(engine->store),
	       sizeof(terms.conversation_id));
	terms.conversation_id[6] = (uint8_t)((terms.conversation_id[6] & 0x0f) | 0x40);
	terms.conversation_id[8] = (uint8_t)((terms.conversation_id[8] & 0x3f) | 0x80);
	err = fk_keytable_arm_campaign(engine->table, FK_ANSWER_SLOT, &terms);
	return err == FK_EBUSY ? FK_OK : err; /* a table that comes into force again */
}

/* A UE that nobody knows who has is there: that is worth a line, and no more than one every few
 * seconds, as the dataplane sees to. */
static void note_lost(const struct fk_engine *engine, const struct fk_doorbell *bell)
{
	struct fk_fleet_ue ue;

	if (fk_fleet_status(engine->fleet, bell->ue_index) == FK_UE_LOST &&
	    fk_fleet_get(engine->fleet, bell->ue_index, &ue))
		fk_log(FK_LOG_WARN, "lost radio heard", "ue=%s rsi=%u authentic=%s", ue.ue_id,
		       ue.rsi, bell->is_authentic ? "yes" : "no");
}

/* True if the delivery of a UE that is there may go on. While a campaign is being folded its ends
 * stand, and so does one whose late answer has been folded in by itself. */
static bool may_go_on(const struct fk_engine *engine, uint32_t ue_index)
{
	struct fk_currency ue;

	if (!fk_engine_is_active(engine) || engine->scheduler == NULL || engine->fold_at > 0 ||
	    !fk_kind_admits(fk_kind(engine->current->kind),
			    fk_fleet_status(engine->fleet, ue_index)))
		return false;
	fk_currency_book_get(fk_fleet_currency(engine->fleet), ue_index, &ue);
	return !fk_fold_is_done(engine->current, &ue);
}

/* True if what the campaign in force gives is of use only to who has its own KEK. */
static bool needs_kek(const struct fk_engine *engine)
{
	const struct fk_campaign *c = engine->current;

	return fk_engine_is_active(engine) &&
	       (fk_kind(c->kind)->renews || (fk_kind(c->kind)->gives_keys && c->ckek_of == 0));
}

static void wake(struct fk_engine *engine, uint32_t ue_index, const struct fk_scheduler_now *now)
{
	if (may_go_on(engine, ue_index) &&
	    !(needs_kek(engine) && fk_registrar_lacks_kek(engine->registrar, ue_index)))
		engine->said.n_woken += fk_scheduler_wake(engine->scheduler, ue_index, now);
}

/* What waits for a UE that has gone ends, but what destroys: a radio may say that it goes to be
 * left alone. */
static void end_delivery(struct fk_engine *engine, uint32_t ue_index)
{
	if (fk_engine_is_active(engine) && engine->scheduler != NULL &&
	    !fk_kind(engine->current->kind)->is_destructive)
		fk_scheduler_be_absent(engine->scheduler, ue_index);
}

/* A Registration- or Deregistration-Command. spec: P25 sheet 4, Registration / Deregistration */
static void take_registration(struct fk_engine *engine, const struct fk_doorbell *bell,
			      const struct fk_scheduler_now *now)
{
	enum fk_presence presence = bell->said == FK_KMM_REGISTRATION_COMMAND
					    ? FK_PRESENCE_REGISTERED
					    : FK_PRESENCE_DEREGISTERED;
	uint32_t ue_index = bell->ue_index;
	struct fk_ue_state state;

	/* Numbers that an import takes over have to stand still; the UE asks again. */
	if (engine->may_not_start || !bell->is_authentic ||
	    !fk_region_read_state(engine->region, ue_index, &state)) {
		engine->said.n_put_off++;
		return;
	}
	(void)fk_registrar_note_kek(engine->registrar, ue_index, false, true);
	if (fk_fleet_status(engine->fleet, ue_index) != FK_UE_ACTIVE) {
		engine->said.n_refused++;
		note_lost(engine, bell);
		wake(engine, ue_index, now);
		return;
	}
	if (presence == FK_PRESENCE_REGISTERED)
		engine->said.n_registered++;
	else
		engine->said.n_deregistered++;
	if (presence == FK_PRESENCE_DEREGISTERED)
		end_delivery(engine, ue_index);
	if (!fk_registrar_take(engine->registrar, ue_index, presence, state.inbound_number,
			       (uint32_t)(fk_engine_now_real_ms() / 1000)))
		engine->said.n_unanswered++;
	if (fk_registrar_is_busy(engine->registrar, ue_index)) {
		if (engine->scheduler != NULL)
			fk_scheduler_engage(engine->scheduler, ue_index);
	} else if (presence == FK_PRESENCE_REGISTERED) {
		wake(engine, ue_index, now);
	}
}

/* Nothing that is wrapped reaches a UE without its KEK: that is worth a line, once. Whoever has a
 * radio that is not in service learns and brings about nothing by saying so. spec: P25 sheet 4, New
 * unit */
static void note_kek(struct fk_engine *engine, const struct fk_doorbell *bell)
{
	const struct fk_ue_slot *slot =
		&fk_keytable_ues(fk_keytable_view(engine->table))[bell->ue_index];
	bool is_asking = bell->hello_flag != FK_HELLO_HERE;
	bool is_lacking = bell->hello_flag == FK_HELLO_REKEY_NO_UKEK ||
			  (is_asking && slot->kek_algorithm_id == 0);
	struct fk_fleet_ue ue;

	if (fk_fleet_status(engine->fleet, bell->ue_index) != FK_UE_ACTIVE ||
	    !fk_registrar_note_kek(engine->registrar, bell->ue_index, is_lacking,
				   bell->is_authentic) ||
	    !fk_fleet_get(engine->fleet, bell->ue_index, &ue))
		return;
	engine->said.n_key_fills++;
	fk_log(FK_LOG_WARN, "needs key fill", "ue=%s rsi=%u authentic=%s reason=\"%s\"", ue.ue_id,
	       ue.rsi, bell->is_authentic ? "yes" : "no",
	       slot->kek_algorithm_id == 0 ? "no KEK may be used for it"
					   : "it says that it has no KEK");
}

/* True if the campaign in force has something for the UE that is not done with, and more than a
 * question: then that is what its request is answered with. */
static bool is_on_its_way(const struct fk_engine *engine, const struct fk_doorbell *bell)
{
	const struct fk_delivery *d;

	if (!may_go_on(engine, bell->ue_index) ||
	    fk_kind_has_command(fk_kind(engine->current->kind), FK_ORDER_INVENTORY) ||
	    fk_kind_has_command(fk_kind(engine->current->kind), FK_ORDER_HELLO) ||
	    (bell->hello_flag == FK_HELLO_REKEY_NO_UKEK && needs_kek(engine)))
		return false;
	d = &fk_scheduler_deliveries(engine->scheduler)[bell->ue_index];
	return d->state != FK_DELIVERY_NONE && !fk_delivery_is_final(d);
}

/*
 * There is nothing to give to a UE that asks. A No-Service costs a number and is under the UE's own
 * key, so without a MAC there is none: who has no such key could not believe it, and anybody else
 * could use numbers up. spec: P25 sheet 4, Hello
 */
static void refuse_request(struct fk_engine *engine, const struct fk_doorbell *bell)
{
	uint32_t ue_index = bell->ue_index;
	struct fk_ue_state state;

	if (!bell->is_authentic) {
		engine->said.n_unanswered++;
		return;
	}
	/* Numbers that an import takes over have to stand still; the UE asks again. */
	if (engine->may_not_start || !fk_region_read_state(engine->region, ue_index, &state)) {
		engine->said.n_put_off++;
		return;
	}
	if (!fk_registrar_refuse(engine->registrar, ue_index, state.inbound_number,
				 (uint32_t)(fk_engine_now_real_ms() / 1000))) {
		engine->said.n_unanswered++;
		return;
	}
	engine->said.n_no_service++;
	if (engine->scheduler != NULL)
		fk_scheduler_engage(engine->scheduler, ue_index);
}

/* spec: P25 sheet 4, Hello: flag 0 says that the UE is there; 1 and 2 ask for a rekey, 2 without a
 * KEK that it could come under */
static void take_hello(struct fk_engine *engine, const struct fk_doorbell *bell,
		       const struct fk_scheduler_now *now)
{
	struct fk_ue_state state;

	engine->said.n_heard++;
	engine->said.n_rekey_requests += bell->hello_flag != FK_HELLO_HERE;
	note_lost(engine, bell);
	if (bell->is_authentic && !engine->may_not_start &&
	    fk_region_read_state(engine->region, bell->ue_index, &state))
		(void)fk_registrar_note_there(engine->registrar, bell->ue_index,
					      state.inbound_number);
	note_kek(engine, bell);
	if (bell->hello_flag != FK_HELLO_REKEY_NO_UKEK || !needs_kek(engine))
		wake(engine, bell->ue_index, now);
	if (bell->hello_flag != FK_HELLO_HERE && !is_on_its_way(engine, bell))
		refuse_request(engine, bell);
}

void fk_engine_take_said(struct fk_engine *engine, const struct fk_doorbell *bell,
			 const struct fk_scheduler_now *now)
{
	struct fk_fleet_ue ue;

	if (bell->said == 0 || !fk_fleet_get(engine->fleet, bell->ue_index, &ue))
		return;
	switch (bell->said) {
	case FK_KMM_HELLO:
		take_hello(engine, bell, now);
		break;
	case FK_KMM_REGISTRATION_COMMAND:
	case FK_KMM_DEREGISTRATION_COMMAND:
		take_registration(engine, bell, now);
		break;
	}
}

/* The UE is free for what waits for it; one that has gone is not waited for. */
static void let_go(struct fk_engine *engine, uint32_t ue_index, const struct fk_scheduler_now *now)
{
	if (engine->scheduler == NULL)
		return;
	fk_scheduler_disengage(engine->scheduler, ue_index, now);
	if (fk_fleet_numbers(engine->fleet, ue_index)->presence != FK_PRESENCE_DEREGISTERED)
		wake(engine, ue_index, now);
}

void fk_engine_apply_answer(struct fk_engine *engine, uint32_t ue_index,
			    const struct fk_scheduler_now *now)
{
	struct fk_ue_state state;
	bool was_accepted = false;

	if (!fk_registrar_is_open(engine->registrar, ue_index) ||
	    !fk_region_read_state(engine->region, ue_index, &state) ||
	    !fk_registrar_apply(engine->registrar, ue_index, &state, &was_accepted))
		return;
	engine->said.n_answered += was_accepted;
	engine->said.n_unanswered += !was_accepted;
	let_go(engine, ue_index, now);
}

void fk_engine_wake_returned(struct fk_engine *engine, const struct fk_scheduler_now *now)
{
	const struct fk_delivery *deliveries;

	if (!fk_engine_is_active(engine) || engine->scheduler == NULL)
		return;
	deliveries = fk_scheduler_deliveries(engine->scheduler);
	for (uint32_t i = 0; i < fk_fleet_n_slots(engine->fleet); i++) {
		if (deliveries[i].cause == FK_CAUSE_DEREGISTERED &&
		    fk_fleet_numbers(engine->fleet, i)->presence == FK_PRESENCE_REGISTERED &&
		    !fk_registrar_is_busy(engine->registrar, i))
			wake(engine, i, now);
	}
}

void fk_engine_recall_answers(struct fk_engine *engine, const struct fk_scheduler_now *now)
{
	if (fk_registrar_n_busy(engine->registrar) == 0)
		return;
	for (uint32_t i = 0; i < fk_region_n_slots(engine->region); i++)
		fk_engine_apply_answer(engine, i, now);
	fk_registrar_queue_open(engine->registrar);
}

void fk_engine_engage_answered(struct fk_engine *engine)
{
	if (fk_registrar_n_busy(engine->registrar) == 0)
		return;
	for (uint32_t i = 0; i < fk_fleet_n_slots(engine->fleet); i++) {
		if (fk_registrar_is_busy(engine->registrar, i))
			fk_scheduler_engage(engine->scheduler, i);
	}
}

/* One KMM of a UE is open at a time. */
static bool is_its_turn(void *ctx, uint32_t ue_index)
{
	const struct fk_engine *engine = ctx;

	return !fk_engine_is_active(engine) || engine->scheduler == NULL ||
	       fk_scheduler_deliveries(engine->scheduler)[ue_index].state != FK_DELIVERY_OPEN;
}

/* What a dataplane has lost sight of holds no delivery up. */
static void expire(struct fk_engine *engine)
{
	const struct fk_config *config = engine->config;
	uint64_t limit_ms = 64ull * config->sip.t1_ms + EXPIRE_SLACK_MS;
	struct fk_scheduler_now now = fk_engine_now(engine);
	uint64_t now_us = fk_engine_now_us();
	uint32_t at = 0, ue_index;

	if (now_us < engine->expire_answers_at_us)
		return;
	engine->expire_answers_at_us = now_us + EXPIRE_EVERY_US;
	while (fk_registrar_expire(engine->registrar, now_us / 1000, limit_ms, &at, &ue_index)) {
		engine->said.n_unanswered++;
		let_go(engine, ue_index, &now);
	}
}

void fk_engine_push_answers(struct fk_engine *engine)
{
	uint32_t backlog = engine->config->campaign.answers_per_s / FK_ENGINE_BACKLOG_PER_S;
	struct fk_order orders[FK_ENGINE_ORDERS_BURST];
	uint32_t room, n;

	if (fk_registrar_n_busy(engine->registrar) == 0)
		return;
	expire(engine);
	room = fk_engine_order_room(engine, backlog);
	n = fk_registrar_poll(engine->registrar, fk_engine_now_us() / 1000, is_its_turn, engine,
			      orders, room);
	for (uint32_t i = 0; i < n; i++)
		fk_engine_push_order(engine, &orders[i]);
}
