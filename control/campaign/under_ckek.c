/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TEKs that are wrapped under the CKEK of their group, instead of each UE's own KEK.
 *
 * Whoever has the CKEK can open what is sent to any of the group. So it is used only while it is
 * known that nobody has it but active UEs of the group: as soon as one is lost, leaves, or may have
 * told its own KEK, under which the CKEK came, it wraps nothing any more. It is deactivated then,
 * since what becomes of it in that UE says nothing of who has read it before.
 */
#include <fleetkey/kmm.h>

#include "campaign/engine_private.h"

static void name_ckek(uint32_t id, char ret_name[static FK_KEY_NAME_SIZE])
{
	(void)snprintf(ret_name, FK_KEY_NAME_SIZE, "ckek:%u:0", id);
}

bool fk_engine_wraps_under(const struct fk_engine *engine, const struct fk_campaign *c,
			   const char *key_name)
{
	char name[FK_KEY_NAME_SIZE];

	(void)engine;
	name_ckek(c->ckek_of, name);
	return c->ckek_of != 0 && strcmp(name, key_name) == 0;
}

bool fk_engine_ckek_is_active(const struct fk_engine *engine, const struct fk_campaign *c)
{
	const struct fk_key_entry *entry;
	char name[FK_KEY_NAME_SIZE];

	if (c->ckek_of == 0)
		return true;
	name_ckek(c->ckek_of, name);
	entry = fk_key_store_find(engine->keys, name);
	return entry != NULL && entry->record.state == FK_LIFE_ACTIVE;
}

enum fk_err fk_engine_load_ckek(struct fk_engine *engine, const struct fk_campaign *c,
				struct fk_secret *ret_ckek, uint16_t *ret_key_id)
{
	struct fk_key_record record;
	char name[FK_KEY_NAME_SIZE];
	enum fk_err err;

	name_ckek(c->ckek_of, name);
	err = fk_key_store_get(engine->keys, name, &record, ret_ckek);
	if (err == FK_OK && record.kind != FK_KEY_CKEK)
		err = FK_EAUTH;
	if (err == FK_OK)
		*ret_key_id = record.key_id;
	return err;
}

/* What a recovery has lost is none of a CKEK that came later. */
static bool is_past_gap(const struct fk_engine *engine, uint32_t ckek_of)
{
	const struct fk_campaign *of = fk_engine_find_campaign((void *)(uintptr_t)engine, ckek_of);
	struct fk_store_facts facts;

	fk_store_get_facts(engine->store, &facts);
	return of != NULL && of->started_at_ms / 1000 > facts.recovery.at_s;
}

/* What is known of the CKEK at a UE. */
static enum fk_key_state state_at(const struct fk_engine *engine, const struct fk_campaign *c,
				  const struct fk_currency *ue)
{
	return is_past_gap(engine, c->ckek_of) ? fk_currency_state_past_gap(ue, c->ckek_of, 0)
					       : fk_currency_state(ue, c->ckek_of, 0);
}

/* True if the CKEK is in wrong hands for good where this UE has it: its KEK is compromised, or it
 * is of the group no more, or lost. One that is suspended is still its owner's. */
static bool gives_away(const struct fk_engine *engine, int32_t group_id, uint32_t ue_index)
{
	const struct fk_ue_slot *slot = &fk_keytable_ues(fk_keytable_view(engine->table))[ue_index];
	uint8_t status = fk_fleet_status(engine->fleet, ue_index);

	return slot->kek_algorithm_id == 0 || group_id < 0 ||
	       (status != FK_UE_ACTIVE && status != FK_UE_SUSPENDED) ||
	       !fk_fleet_is_member(engine->fleet, ue_index, (uint32_t)group_id);
}

/* True if that UE may have the CKEK, and is not one that it is for, or may have told it. */
static bool exposes(const struct fk_engine *engine, const struct fk_campaign *c, int32_t group_id,
		    uint32_t ue_index, const struct fk_currency *ue)
{
	const struct fk_ue_slot *slot = &fk_keytable_ues(fk_keytable_view(engine->table))[ue_index];
	enum fk_key_state state = state_at(engine, c, ue);

	if (slot->rsi == 0 || state == FK_KEY_NOT_HELD)
		return false;
	return state == FK_KEY_UNKNOWN || gives_away(engine, group_id, ue_index) ||
	       fk_fleet_status(engine->fleet, ue_index) != FK_UE_ACTIVE;
}

bool fk_engine_ue_exposes_ckek(const struct fk_engine *engine, const struct fk_campaign *c,
			       uint32_t ue_index)
{
	struct fk_currency ues[FK_CURRENCY_PAGE];

	if (c->ckek_of == 0)
		return false;
	fk_engine_read_currency(engine, ue_index / FK_CURRENCY_PAGE, ues);
	return exposes(engine, c, fk_fleet_find_group(engine->fleet, c->group), ue_index,
		       &ues[ue_index % FK_CURRENCY_PAGE]);
}

struct leavers {
	const struct fk_engine *engine;
	const struct fk_campaign *campaign;
	uint32_t rsi; /* of one that may have it; 0: there is none */
};

/* What is remembered of an RSI that is in the fleet again says no more than the fleet does. */
static enum fk_err look_at_leaver(void *ctx, uint32_t rsi, const uint8_t *octets, size_t size)
{
	struct leavers *leavers = ctx;
	struct fk_currency ue;
	enum fk_err err;

	if (fk_keytable_find_rsi(fk_keytable_view(leavers->engine->table), rsi) >= 0)
		return FK_OK;
	err = fk_currency_decode(octets, size, &ue);
	if (err == FK_OK && state_at(leavers->engine, leavers->campaign, &ue) != FK_KEY_NOT_HELD)
		leavers->rsi = rsi;
	return err;
}

enum fk_err fk_engine_check_exposure(const struct fk_engine *engine, const struct fk_campaign *c,
				     struct fk_reason *reason)
{
	struct leavers leavers = {.engine = engine, .campaign = c};
	int32_t group_id = fk_fleet_find_group(engine->fleet, c->group);
	struct fk_currency ues[FK_CURRENCY_PAGE];
	struct fk_fleet_ue ue;
	enum fk_err err;

	for (uint32_t i = 0; i < fk_fleet_n_slots(engine->fleet); i++) {
		if (i % FK_CURRENCY_PAGE == 0)
			fk_engine_read_currency(engine, i / FK_CURRENCY_PAGE, ues);
		if (!exposes(engine, c, group_id, i, &ues[i % FK_CURRENCY_PAGE]) ||
		    !fk_fleet_get(engine->fleet, i, &ue))
			continue;
		fk_reason_set(reason,
			      "%s has, or may have, the CKEK of %s, and is not an active UE of the "
			      "group with a KEK that is safe: give the group another CKEK",
			      ue.ue_id, c->group);
		return FK_EPOLICY;
	}
	err = fk_store_walk_retired_currency(engine->store, look_at_leaver, &leavers);
	if (err == FK_OK && leavers.rsi != 0) {
		fk_reason_set(reason,
			      "RSI %u, which has left the fleet, has, or may have, the CKEK of %s: "
			      "give the group another one",
			      leavers.rsi, c->group);
		return FK_EPOLICY;
	}
	if (err != FK_OK)
		fk_reason_set(reason, "who has the CKEK cannot be read: %s", fk_err_text(err));
	return err;
}

enum fk_err fk_engine_draft_under_ckek(const struct fk_engine *engine, struct fk_campaign *c,
				       const char **ret_field, struct fk_reason *reason)
{
	const struct fk_kind *kind = fk_kind(c->kind);
	const struct fk_campaign *of;
	const struct fk_key_entry *entry;
	char name[FK_KEY_NAME_SIZE];
	enum fk_err err;

	*ret_field = "under_ckek";
	if (!kind->gives_keys || kind->gives_kek) {
		fk_reason_set(reason, "is for campaigns that give TEKs");
		return FK_EINVAL;
	}
	of = c->group[0] != '\0' ? fk_engine_ckek_of(engine, c->group) : NULL;
	if (of == NULL) {
		fk_reason_set(reason, c->group[0] != '\0' ? "the group was never given a CKEK"
							  : "needs a group, whose CKEK it is");
		return FK_ENOTFOUND;
	}
	name_ckek(of->id, name);
	entry = fk_key_store_find(engine->keys, name);
	if (entry == NULL || entry->record.state != FK_LIFE_ACTIVE ||
	    fk_key_is_expired(&entry->record, c->created_at_ms)) {
		fk_reason_set(reason, "key %s is %s", name,
			      entry != NULL ? fk_key_record_label(&entry->record, c->created_at_ms)
					    : "not there");
		return FK_EPOLICY;
	}
	c->ckek_of = of->id;
	err = fk_engine_check_exposure(engine, c, reason);
	if (err == FK_OK)
		*ret_field = NULL;
	return err;
}

bool fk_engine_drop_exposed(struct fk_engine *engine, uint32_t ue_index)
{
	const struct fk_campaign *c = engine->current;

	if (!fk_engine_is_active(engine) || engine->scheduler == NULL ||
	    !fk_engine_ue_exposes_ckek(engine, c, ue_index))
		return false;
	fk_log(FK_LOG_WARN, "CKEK is exposed", "campaign=%u ckek=ckek:%u:0 action=\"aborted\"",
	       c->id, c->ckek_of);
	return fk_engine_abort(engine, c->id) == FK_OK;
}

/* The CKEK that this campaign gave, if it can still wrap anything. */
static bool is_usable_ckek(const struct fk_engine *engine, const struct fk_campaign *c)
{
	const struct fk_campaign user = {.ckek_of = c->id};

	return c->kind == FK_KIND_CKEK && c->keys_of == 0 && fk_campaign_has_begun(c) &&
	       fk_engine_ckek_is_active(engine, &user);
}

static void deactivate(struct fk_engine *engine, const struct fk_campaign *c, uint32_t rsi)
{
	struct fk_reason reason = {.text = ""};
	char name[FK_KEY_NAME_SIZE];
	enum fk_err err;

	name_ckek(c->id, name);
	err = fk_key_store_move(engine->keys, name, FK_LIFE_DEACTIVATED, &reason);
	fk_log(err == FK_OK ? FK_LOG_WARN : FK_LOG_ERROR, "CKEK is exposed",
	       "ckek=%s rsi=%u action=\"%s\"", name, rsi,
	       err == FK_OK ? "deactivated" : reason.text);
	if (err == FK_ESTORE)
		fk_engine_store_failed(engine, "an exposed CKEK");
}

/* A CKEK that may be in wrong hands. */
struct suspect {
	const struct fk_engine *engine;
	uint32_t ckek_of;
	int32_t group_id; /* -1: nobody of the fleet is in its group */
	bool is_past_gap;
};

static struct suspect suspect_of(const struct fk_engine *engine, const struct fk_campaign *c)
{
	return (struct suspect){
		.engine = engine,
		.ckek_of = c->id,
		.group_id = fk_fleet_find_group(engine->fleet, c->group),
		.is_past_gap = is_past_gap(engine, c->id),
	};
}

/* True if it is in wrong hands at that UE. */
static bool is_given_away(const struct suspect *s, uint32_t ue_index, const struct fk_currency *ue)
{
	const struct fk_ue_slot *slot =
		&fk_keytable_ues(fk_keytable_view(s->engine->table))[ue_index];

	if (slot->rsi == 0 || !gives_away(s->engine, s->group_id, ue_index))
		return false;
	return (s->is_past_gap ? fk_currency_state_past_gap(ue, s->ckek_of, 0)
			       : fk_currency_state(ue, s->ckek_of, 0)) != FK_KEY_NOT_HELD;
}

void fk_engine_retire_ckeks_of(struct fk_engine *engine, uint32_t ue_index)
{
	const struct fk_ue_slot *slot = &fk_keytable_ues(fk_keytable_view(engine->table))[ue_index];
	struct fk_currency ues[FK_CURRENCY_PAGE];
	bool is_read = false;

	for (uint32_t i = 0; i < engine->n_campaigns; i++) {
		const struct fk_campaign *c = &engine->campaigns[i];
		struct suspect suspect;

		if (!is_usable_ckek(engine, c))
			continue;
		if (!is_read)
			fk_engine_read_currency(engine, ue_index / FK_CURRENCY_PAGE, ues);
		is_read = true;
		suspect = suspect_of(engine, c);
		if (is_given_away(&suspect, ue_index, &ues[ue_index % FK_CURRENCY_PAGE]))
			deactivate(engine, c, slot->rsi);
	}
}

/* A UE that has the CKEK of 'c' in wrong hands, as its RSI; 0 if there is none. */
static enum fk_err find_exposure(const struct fk_engine *engine, const struct fk_campaign *c,
				 uint32_t *ret_rsi)
{
	const struct fk_ue_slot *slots = fk_keytable_ues(fk_keytable_view(engine->table));
	const struct suspect suspect = suspect_of(engine, c);
	const struct fk_campaign user = {.ckek_of = c->id};
	struct leavers leavers = {.engine = engine, .campaign = &user};
	struct fk_currency ues[FK_CURRENCY_PAGE];
	enum fk_err err;

	for (uint32_t i = 0; i < fk_fleet_n_slots(engine->fleet); i++) {
		if (i % FK_CURRENCY_PAGE == 0)
			fk_engine_read_currency(engine, i / FK_CURRENCY_PAGE, ues);
		if (is_given_away(&suspect, i, &ues[i % FK_CURRENCY_PAGE])) {
			*ret_rsi = slots[i].rsi;
			return FK_OK;
		}
	}
	err = fk_store_walk_retired_currency(engine->store, look_at_leaver, &leavers);
	*ret_rsi = leavers.rsi;
	return err;
}

enum fk_err fk_engine_retire_ckeks(struct fk_engine *engine)
{
	for (uint32_t i = 0; i < engine->n_campaigns; i++) {
		const struct fk_campaign *c = &engine->campaigns[i];
		uint32_t rsi = 0;
		enum fk_err err;

		/* Under one that another has followed nothing new is put. */
		if (!is_usable_ckek(engine, c) || fk_engine_ckek_of(engine, c->group) != c)
			continue;
		err = find_exposure(engine, c, &rsi);
		if (err != FK_OK)
			return err;
		if (rsi != 0)
			deactivate(engine, c, rsi);
	}
	return FK_OK;
}
