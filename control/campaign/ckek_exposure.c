/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may have the CKEK of a group.
 *
 * Whoever has it can open what is sent to any of the group. So it is used only while it is known
 * that nobody has it but active UEs of the group: as soon as one is lost, leaves, or may have told
 * its own KEK, under which the CKEK came, it wraps nothing any more. It is deactivated then, since
 * what becomes of it in that UE says nothing of who has read it before.
 */
#include "campaign/engine_private.h"

/* A CKEK, and whom it is for. */
struct ckek {
	const struct fk_engine *engine;
	uint32_t id;	  /* the campaign that gave it */
	int32_t group_id; /* -1: nobody of the fleet is in its group */
	bool is_past_gap; /* it came after what a recovery has lost */
};

static struct ckek ckek_of(const struct fk_engine *engine, uint32_t id, const char *group)
{
	const struct fk_campaign *of = fk_engine_find_campaign((void *)(uintptr_t)engine, id);
	struct fk_store_facts facts;

	fk_store_get_facts(engine->store, &facts);
	return (struct ckek){
		.engine = engine,
		.id = id,
		.group_id = fk_fleet_find_group(engine->fleet, group),
		.is_past_gap = of != NULL && of->started_at_ms / 1000 > facts.recovery.at_s,
	};
}

static enum fk_key_state state_at(const struct ckek *ckek, const struct fk_currency *ue)
{
	return ckek->is_past_gap ? fk_currency_state_past_gap(ue, ckek->id, 0)
				 : fk_currency_state(ue, ckek->id, 0);
}

/*
 * True if that UE may have the CKEK, and is not one that it is for, or may have told it.
 * 'for_good': only if nothing can set that right, as it can for one that is suspended, which is
 * still its owner's, or of which it is unknown whether it has the CKEK.
 */
static bool exposes(const struct ckek *ckek, uint32_t ue_index, const struct fk_currency *ue,
		    bool for_good)
{
	const struct fk_engine *engine = ckek->engine;
	const struct fk_ue_slot *slot = &fk_keytable_ues(fk_keytable_view(engine->table))[ue_index];
	uint8_t status = fk_fleet_status(engine->fleet, ue_index);
	enum fk_key_state state;
	bool is_away;

	if (slot->rsi == 0)
		return false;
	is_away = slot->kek_algorithm_id == 0 || ckek->group_id < 0 ||
		  (status != FK_UE_ACTIVE && status != FK_UE_SUSPENDED) ||
		  !fk_fleet_is_member(engine->fleet, ue_index, (uint32_t)ckek->group_id);
	if (for_good && !is_away)
		return false;
	state = state_at(ckek, ue);
	return state != FK_KEY_NOT_HELD &&
	       (is_away || status != FK_UE_ACTIVE || state == FK_KEY_UNKNOWN);
}

/* One that exposes a CKEK. */
struct exposer {
	const struct ckek *ckek;
	uint32_t rsi; /* 0: there is none */
	uint32_t ue_index;
	bool has_left;
};

/* What is remembered of an RSI that is in the fleet again says no more than the fleet does. */
static enum fk_err look_at_leaver(void *ctx, uint32_t rsi, const uint8_t *octets, size_t size)
{
	struct exposer *exposer = ctx;
	struct fk_currency ue;
	enum fk_err err;

	if (fk_keytable_find_rsi(fk_keytable_view(exposer->ckek->engine->table), rsi) >= 0)
		return FK_OK;
	err = fk_currency_decode(octets, size, &ue);
	if (err == FK_OK && state_at(exposer->ckek, &ue) != FK_KEY_NOT_HELD) {
		exposer->rsi = rsi;
		exposer->has_left = true;
	}
	return err;
}

/* Looks through the fleet, then through those that have left it. */
static enum fk_err find_exposer(const struct ckek *ckek, bool for_good, struct exposer *ret_exposer)
{
	const struct fk_engine *engine = ckek->engine;
	struct fk_currency ues[FK_CURRENCY_PAGE];

	*ret_exposer = (struct exposer){.ckek = ckek};
	for (uint32_t i = 0; i < fk_fleet_n_slots(engine->fleet); i++) {
		if (i % FK_CURRENCY_PAGE == 0)
			fk_engine_read_currency(engine, i / FK_CURRENCY_PAGE, ues);
		if (!exposes(ckek, i, &ues[i % FK_CURRENCY_PAGE], for_good))
			continue;
		ret_exposer->rsi = fk_keytable_ues(fk_keytable_view(engine->table))[i].rsi;
		ret_exposer->ue_index = i;
		return FK_OK;
	}
	return fk_store_walk_retired_currency(engine->store, look_at_leaver, ret_exposer);
}

enum fk_err fk_engine_check_exposure(const struct fk_engine *engine, const struct fk_campaign *c,
				     struct fk_reason *reason)
{
	const struct ckek ckek = ckek_of(engine, c->ckek_of, c->group);
	struct exposer exposer;
	struct fk_fleet_ue ue;
	enum fk_err err = find_exposer(&ckek, false, &exposer);

	if (err != FK_OK) {
		fk_reason_set(reason, "who has the CKEK cannot be read: %s", fk_err_text(err));
		return err;
	}
	if (exposer.rsi == 0)
		return FK_OK;
	if (!exposer.has_left && fk_fleet_get(engine->fleet, exposer.ue_index, &ue))
		fk_reason_set(reason,
			      "%s has, or may have, the CKEK of %s, and is not an active UE of the "
			      "group with a KEK that is safe: give the group another CKEK",
			      ue.ue_id, c->group);
	else
		fk_reason_set(reason,
			      "RSI %u, which has left the fleet, has, or may have, the CKEK of %s: "
			      "give the group another one",
			      exposer.rsi, c->group);
	return FK_EPOLICY;
}

bool fk_engine_drop_exposed(struct fk_engine *engine, uint32_t ue_index)
{
	const struct fk_campaign *c = engine->current;
	struct fk_currency ues[FK_CURRENCY_PAGE];
	struct ckek ckek;

	if (!fk_engine_is_active(engine) || engine->scheduler == NULL || c->ckek_of == 0)
		return false;
	ckek = ckek_of(engine, c->ckek_of, c->group);
	fk_engine_read_currency(engine, ue_index / FK_CURRENCY_PAGE, ues);
	if (!exposes(&ckek, ue_index, &ues[ue_index % FK_CURRENCY_PAGE], false))
		return false;
	fk_log(FK_LOG_WARN, "CKEK is exposed", "campaign=%u ckek=ckek:%u:0 action=\"aborted\"",
	       c->id, c->ckek_of);
	return fk_engine_abort(engine, c->id, FK_PRINCIPAL_NONE) == FK_OK;
}

/* True if the campaign gave a CKEK that can still wrap anything: the latest of its group. */
static bool gave_ckek(const struct fk_engine *engine, const struct fk_campaign *c)
{
	return c->kind == FK_KIND_CKEK && c->keys_of == 0 && fk_campaign_has_begun(c) &&
	       fk_engine_ckek_of(engine, c->group) == c && fk_engine_ckek_is_active(engine, c->id);
}

static void deactivate(struct fk_engine *engine, uint32_t id, uint32_t rsi)
{
	struct fk_reason reason = {.text = ""};
	char name[FK_KEY_NAME_SIZE];
	enum fk_err err;

	fk_engine_name_ckek(id, name);
	err = fk_key_store_move(engine->keys, name, FK_LIFE_DEACTIVATED, &reason);
	fk_log(err == FK_OK ? FK_LOG_WARN : FK_LOG_ERROR, "CKEK is exposed",
	       "ckek=%s rsi=%u action=\"%s\"", name, rsi,
	       err == FK_OK ? "deactivated" : reason.text);
	if (err == FK_ESTORE)
		fk_engine_store_failed(engine, "an exposed CKEK");
}

void fk_engine_retire_ckeks_of(struct fk_engine *engine, uint32_t ue_index)
{
	struct fk_currency ues[FK_CURRENCY_PAGE];

	for (uint32_t i = 0; i < engine->n_campaigns; i++) {
		const struct fk_campaign *c = &engine->campaigns[i];
		struct ckek ckek;

		if (!gave_ckek(engine, c))
			continue;
		ckek = ckek_of(engine, c->id, c->group);
		fk_engine_read_currency(engine, ue_index / FK_CURRENCY_PAGE, ues);
		if (exposes(&ckek, ue_index, &ues[ue_index % FK_CURRENCY_PAGE], true))
			deactivate(engine, c->id,
				   fk_keytable_ues(fk_keytable_view(engine->table))[ue_index].rsi);
	}
}

enum fk_err fk_engine_retire_ckeks(struct fk_engine *engine)
{
	for (uint32_t i = 0; i < engine->n_campaigns; i++) {
		const struct fk_campaign *c = &engine->campaigns[i];
		struct exposer exposer;
		struct ckek ckek;
		enum fk_err err;

		if (!gave_ckek(engine, c))
			continue;
		ckek = ckek_of(engine, c->id, c->group);
		err = find_exposer(&ckek, true, &exposer);
		if (err != FK_OK)
			return err;
		if (exposer.rsi != 0)
			deactivate(engine, c->id, exposer.rsi);
	}
	return FK_OK;
}
