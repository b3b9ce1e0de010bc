/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Campaigns and the UEs' own keys: without a KEK that may be used nothing that is wrapped can be
 * brought to a UE, and a protection TEK that is compromised or expired is replaced by a Warm-Start
 * before anything else is sent.
 */
#include <fleetkey/kmm.h>

#include "campaign/engine_private.h"
#include "fleet/renew.h"

/* The time by which cryptoperiods are judged: that of the campaign's start, so that a restart
 * judges alike; before it, now. */
static uint64_t judged_at_ms(const struct fk_campaign *c)
{
	return c->started_at_ms != 0 ? c->started_at_ms : fk_engine_now_real_ms();
}

static const struct fk_ue_slot *slot_of(const struct fk_engine *engine, uint32_t ue_index)
{
	return &fk_keytable_ues(fk_keytable_view(engine->table))[ue_index];
}

static bool is_expired(const struct fk_engine *engine, uint32_t ue_index, enum fk_own_key_kind kind,
		       uint64_t now_ms)
{
	const struct fk_own_key *own = fk_fleet_own_key(engine->fleet, ue_index, kind);

	return own != NULL && fk_own_key_is_expired(own, now_ms);
}

bool fk_engine_may_warm_start(const struct fk_engine *engine, const struct fk_campaign *c)
{
	/* A radio that is to lose its keys, often a lost one, is given none before. */
	return engine->config->kmm.inferred_layouts && !fk_kind(c->kind)->is_destructive;
}

enum fk_cause fk_engine_kek_cause(const struct fk_engine *engine, const struct fk_campaign *c,
				  uint32_t ue_index)
{
	if (slot_of(engine, ue_index)->kek_algorithm_id == 0)
		return FK_CAUSE_KEK_COMPROMISED;
	return is_expired(engine, ue_index, FK_OWN_KEK, judged_at_ms(c)) ? FK_CAUSE_KEK_EXPIRED
									 : FK_CAUSE_NONE;
}

/* What is wrong with the protection TEK. One that is expired still does for what destroys: it is
 * not known to anybody else. */
static enum fk_cause ptek_cause(const struct fk_engine *engine, const struct fk_campaign *c,
				uint32_t ue_index)
{
	if (slot_of(engine, ue_index)->ptek_compromised)
		return FK_CAUSE_PTEK_COMPROMISED;
	if (!fk_kind(c->kind)->is_destructive &&
	    is_expired(engine, ue_index, FK_OWN_PTEK, judged_at_ms(c)))
		return FK_CAUSE_PTEK_EXPIRED;
	return FK_CAUSE_NONE;
}

bool fk_engine_has_to_renew(const struct fk_engine *engine, const struct fk_campaign *c,
			    uint32_t ue_index)
{
	return fk_engine_may_warm_start(engine, c) &&
	       ptek_cause(engine, c, ue_index) != FK_CAUSE_NONE;
}

enum fk_cause fk_engine_own_key_cause(const struct fk_engine *engine, const struct fk_campaign *c,
				      uint32_t ue_index)
{
	const struct fk_kind *kind = fk_kind(c->kind);
	enum fk_cause cause = kind->renews ? FK_CAUSE_NONE : ptek_cause(engine, c, ue_index);

	if (cause != FK_CAUSE_NONE && !fk_engine_may_warm_start(engine, c))
		return cause;
	if (cause == FK_CAUSE_NONE && !kind->gives_keys && !kind->renews)
		return FK_CAUSE_NONE;
	return fk_engine_kek_cause(engine, c, ue_index);
}

/* The delivery of a UE whose key is compromised: it ends if it is under way, or cannot be served
 * any more; if it has not begun, it begins with a Warm-Start. */
static void drop_delivery(struct fk_engine *engine, struct fk_scheduler *scheduler,
			  const struct fk_campaign *c, uint32_t ue_index)
{
	const struct fk_delivery *d = &fk_scheduler_deliveries(scheduler)[ue_index];
	enum fk_cause cause;

	if (d->state == FK_DELIVERY_NONE || fk_delivery_is_final(d))
		return;
	cause = fk_engine_own_key_cause(engine, c, ue_index);
	if (cause != FK_CAUSE_KEK_COMPROMISED && fk_delivery_is_under_way(d) &&
	    slot_of(engine, ue_index)->ptek_compromised)
		cause = FK_CAUSE_PTEK_COMPROMISED;
	if (cause == FK_CAUSE_KEK_COMPROMISED || cause == FK_CAUSE_PTEK_COMPROMISED)
		fk_scheduler_exclude(scheduler, ue_index, cause);
	else if (slot_of(engine, ue_index)->ptek_compromised)
		fk_scheduler_renew(scheduler, ue_index);
}

void fk_engine_drop_compromised(struct fk_engine *engine, struct fk_scheduler *scheduler,
				const struct fk_campaign *c)
{
	for (uint32_t i = 0; i < fk_fleet_n_slots(engine->fleet); i++) {
		const struct fk_ue_slot *slot = slot_of(engine, i);

		if (slot->rsi == 0)
			continue;
		if (slot->kek_algorithm_id == 0 || slot->ptek_compromised)
			drop_delivery(engine, scheduler, c, i);
		else if (fk_engine_has_to_renew(engine, c, i))
			fk_scheduler_renew(scheduler, i);
	}
}

enum fk_err fk_engine_compromise_own_key(struct fk_engine *engine, uint32_t ue_index,
					 enum fk_own_key_kind kind, struct fk_reason *reason)
{
	const struct fk_own_key *own = fk_fleet_own_key(engine->fleet, ue_index, kind);
	enum fk_err err;

	if (own == NULL || own->state == 0) {
		fk_reason_set(reason, "the UE has no such key");
		return FK_ENOTFOUND;
	}
	/* What is compromised stops first, and is written down after (I9). */
	if (kind == FK_OWN_KEK)
		fk_keytable_take_kek_out(engine->table, ue_index);
	else
		fk_keytable_take_ptek_out(engine->table, ue_index);
	fk_fleet_set_compromised(engine->fleet, ue_index, kind);
	if (!fk_engine_drop_exposed(engine, ue_index) && fk_engine_is_active(engine) &&
	    engine->scheduler != NULL)
		drop_delivery(engine, engine->scheduler, engine->current, ue_index);
	fk_store_note_statement(engine->store);
	err = fk_renewer_compromise(engine->renewer, engine->fleet, ue_index, kind, reason);
	if (err == FK_ESTORE)
		fk_engine_store_failed(engine, "a compromised key");
	if (err == FK_OK && kind == FK_OWN_KEK)
		fk_engine_retire_ckeks_of(engine, ue_index);
	return err;
}
