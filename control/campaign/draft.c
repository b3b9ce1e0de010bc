/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From what is asked for to a campaign that could be: who, with which keys, and what it would take.
 */
#include <stdio.h>
#include <string.h>

#include <fleetkey/kmm.h>

#include "campaign/engine_private.h"

/* What makes no sense at any time. */
static enum fk_err check_request(const struct fk_engine *engine,
				 const struct fk_campaign_request *request, const char **ret_field,
				 struct fk_reason *reason)
{
	*ret_field = NULL;
	if (engine->fleet == NULL || fk_fleet_n_ues(engine->fleet) == 0) {
		fk_reason_set(reason, "no fleet is imported yet");
		return FK_EINVAL;
	}
	if (request->pace_per_s > engine->config->campaign.pace_per_s) {
		*ret_field = "pace_per_s";
		fk_reason_set(reason, "%u is above the configured pace of %u", request->pace_per_s,
			      engine->config->campaign.pace_per_s);
		return FK_ERANGE;
	}
	if (request->expire_after_s > engine->config->campaign.expire_after_s) {
		*ret_field = "expire_after_s";
		fk_reason_set(reason, "%u is above the configured %u", request->expire_after_s,
			      engine->config->campaign.expire_after_s);
		return FK_ERANGE;
	}
	if (request->group[0] != '\0' && fk_fleet_find_group(engine->fleet, request->group) < 0) {
		*ret_field = "group";
		fk_reason_set(reason, "the fleet has no group %s", request->group);
		return FK_ENOTFOUND;
	}
	/* Of one that waited it is settled who they are, wherever they are now. */
	if (request->members.area[0] != '\0' && request->stored_members_of == 0 &&
	    fk_fleet_find_area(engine->fleet, request->members.area) < 0) {
		*ret_field = "area";
		fk_reason_set(reason, "the fleet has no area %s", request->members.area);
		return FK_ENOTFOUND;
	}
	for (uint32_t i = 0; i < request->waves.n; i++) {
		const struct fk_wave *wave = &request->waves.items[i];

		if (wave->kind != FK_WAVE_AREA ||
		    fk_fleet_find_area(engine->fleet, wave->area) >= 0)
			continue;
		*ret_field = "waves";
		fk_reason_set(reason, "item %u: the fleet has no area %s", i, wave->area);
		return FK_ENOTFOUND;
	}
	return FK_OK;
}

/* The latest campaign that gave TEKs to that group, into that keyset if it is not 0. */
static const struct fk_campaign *latest_rekey(const struct fk_engine *engine,
					      const struct fk_campaign_request *request)
{
	for (uint32_t i = engine->n_campaigns; i > 0; i--) {
		const struct fk_campaign *c = &engine->campaigns[i - 1];

		if (fk_campaign_has_begun(c) && fk_kind(c->kind)->gives_keys &&
		    !fk_campaign_has_ckek(c) && strcmp(c->group, request->group) == 0 &&
		    (request->keyset_id == 0 || request->keyset_id == c->keyset_id))
			return c;
	}
	return NULL;
}

/* Takes over the keys of the campaign that this one goes on with. */
static enum fk_err draft_keys_of(const struct fk_engine *engine,
				 const struct fk_campaign_request *request, struct fk_campaign *c,
				 const char **ret_field, struct fk_reason *reason)
{
	const struct fk_kind *kind = fk_kind(request->kind);
	const struct fk_campaign *of;

	if (request->keys_of != 0)
		of = fk_engine_find_campaign((void *)(uintptr_t)engine, request->keys_of);
	else
		of = latest_rekey(engine, request);
	*ret_field = "keys_of";
	if (request->keys_of == 0 && kind->rule == FK_RULE_INACTIVE) {
		fk_reason_set(reason, "must name the campaign whose keys are to be deleted");
		return FK_EINVAL;
	}
	if (of == NULL || !fk_kind(of->kind)->gives_keys || !fk_campaign_has_begun(of)) {
		fk_reason_set(reason,
			      request->keys_of != 0
				      ? "there is no such campaign that has made keys"
				      : "no campaign has given this group keys, or not into "
					"that keyset");
		return FK_ENOTFOUND;
	}
	if (fk_campaign_has_ckek(of) && !kind->gives_kek && kind->rule != FK_RULE_INACTIVE) {
		fk_reason_set(reason, "campaign %u gave a CKEK, which is in no keyset of TEKs",
			      of->id);
		return FK_EINVAL;
	}
	if (request->keyset_id != 0 && request->keyset_id != of->keyset_id) {
		fk_reason_set(reason, "campaign %u gave keys into keyset %u", of->id,
			      of->keyset_id);
		return FK_ERANGE;
	}
	*ret_field = NULL;
	c->keys_of = fk_campaign_keys_of(of);
	c->keyset_id = of->keyset_id;
	c->n_keys = of->n_keys;
	memcpy(c->slns, of->slns, sizeof(c->slns));
	memcpy(c->key_ids, of->key_ids, sizeof(c->key_ids));
	if ((kind->rule == FK_RULE_HOLDERS || kind->gives_keys) &&
	    !fk_engine_keys_are_active(engine, c)) {
		fk_reason_set(reason, "the keys of campaign %u are not active any more", of->id);
		return FK_EPOLICY;
	}
	if (kind->rule == FK_RULE_HOLDERS || kind->gives_keys)
		return fk_engine_check_expiry(engine, c, c->created_at_ms, reason);
	return FK_OK;
}

/* Radios commonly have keysets 1 and 2 only: the one is superseded by the other. P25 sheet 2.3 */
static enum fk_err draft_superseded(const struct fk_engine *engine,
				    const struct fk_campaign_request *request,
				    struct fk_campaign *c, const char **ret_field,
				    struct fk_reason *reason)
{
	const struct fk_group_plan *plan = fk_engine_plan_of(engine, c->group);
	uint8_t superseded = request->superseded_keyset_id;

	if (superseded == 0 && plan != NULL)
		superseded = fk_group_plan_other_keyset(plan, c->keyset_id);
	if (superseded == 0 && c->keyset_id <= 2)
		superseded = 3 - c->keyset_id;
	c->superseded_keyset_id = superseded;
	if (superseded != 0 && superseded != c->keyset_id)
		return FK_OK;
	*ret_field = "superseded_keyset_id";
	fk_reason_set(reason, superseded == 0 ? "must be given, since the keyset is not 1 or 2"
					      : "is the keyset that is to be activated");
	return FK_EINVAL;
}

/* What is asked for, with all that follows from it but a campaign's own id and keys. */
static enum fk_err draft(const struct fk_engine *engine, const struct fk_campaign_request *request,
			 struct fk_campaign *c, const char **ret_field, struct fk_reason *reason)
{
	const struct fk_kind *kind = fk_kind(request->kind);
	enum fk_err err = FK_OK;

	c->kind = request->kind;
	c->keyset_id = request->keyset_id;
	c->waves = request->waves;
	c->gate = request->gate;
	c->algorithm_id = FK_ALGORITHM_AES_256;
	c->closing = request->closing && kind->can_close;
	c->pace_per_s = request->pace_per_s != 0 ? request->pace_per_s
						 : engine->config->campaign.pace_per_s;
	c->expire_after_s = request->expire_after_s != 0 ? request->expire_after_s
							 : engine->config->campaign.expire_after_s;
	memcpy(c->group, request->group, sizeof(c->group));
	memcpy(c->area, request->members.area, sizeof(c->area));
	c->naming = request->members.naming;
	if (kind->gives_keys) {
		c->n_keys = request->n_keys;
		memcpy(c->slns, request->slns, sizeof(c->slns));
	}
	if (kind->is_inferred && !engine->config->kmm.inferred_layouts) {
		fk_reason_set(reason, "its KMMs have inferred layouts: set kmm.inferred_layouts "
				      "once they are confirmed for these radios");
		return FK_EPOLICY;
	}
	if (kind->is_destructive &&
	    (request->members.naming != FK_NAMED_ONLY || request->members.area[0] != '\0')) {
		*ret_field = request->members.area[0] != '\0' ? "area" : "ue_ids";
		fk_reason_set(reason,
			      request->members.area[0] != '\0'
				      ? "does not say whom to zeroize: name the UEs, by id or by "
					"status"
				      : "must name the UEs, by id or by status");
		return FK_EINVAL;
	}
	if (request->kind == FK_KIND_DELETE_KEYSET && request->keyset_id == 0) {
		*ret_field = "keyset_id";
		fk_reason_set(reason, "must name the keyset that is to be deleted");
		return FK_EINVAL;
	}
	c->retry_of = request->retry_of;
	c->supersedes = request->supersedes;
	c->replaces_active = request->replaces_active;
	c->settles = request->settles;
	if (kind->goes_on || (kind->gives_keys && request->retry_of != 0) ||
	    (kind->may_ask && request->keys_of != 0))
		err = draft_keys_of(engine, request, c, ret_field, reason);
	else if (kind->gives_keys)
		err = fk_engine_draft_keys(engine, request, c, ret_field, reason);
	if (err == FK_OK && request->under_ckek)
		err = fk_engine_draft_under_ckek(engine, c, ret_field, reason);
	if (err == FK_OK && fk_kind_has_command(kind, FK_ORDER_CHANGEOVER))
		err = draft_superseded(engine, request, c, ret_field, reason);
	return err;
}

/* Shows every member to the plan: first all to measure, then all to count. */
static void walk_members(const struct fk_engine *engine, const struct fk_campaign *c,
			 const struct fk_members *members, bool only_measure, struct fk_plan *plan)
{
	const struct fk_ue_slot *ues = fk_keytable_ues(fk_keytable_view(engine->table));
	struct fk_currency currency[FK_CURRENCY_PAGE];
	struct fk_fold fold;

	fk_engine_fold_begin(engine, c, &fold);
	for (uint32_t i = 0; i < fk_fleet_n_slots(engine->fleet); i++) {
		struct fk_message_size size;
		enum fk_cause cause;

		if (!only_measure && i % FK_CURRENCY_PAGE == 0)
			fk_engine_read_currency(engine, i / FK_CURRENCY_PAGE, currency);
		if (ues[i].rsi == 0 || !fk_members_has(members, engine->fleet, i))
			continue;
		cause = fk_engine_status_cause(engine, c, i);
		if (cause == FK_CAUSE_NONE)
			cause = fk_engine_own_key_cause(engine, c, i);
		size = fk_engine_message_size(engine, i);
		if (only_measure && cause == FK_CAUSE_NONE)
			fk_plan_measure(plan, &ues[i], &size);
		if (only_measure)
			continue;
		if (cause == FK_CAUSE_NONE &&
		    fk_plan_judge(&plan->terms, &ues[i], &size) == FK_CAUSE_NONE)
			cause = fk_currency_judge(&fold, &currency[i % FK_CURRENCY_PAGE]);
		if (cause == FK_CAUSE_NONE) {
			fk_plan_add(plan, i, &ues[i], &size);
			plan->n_diffs[fk_fold_diff(&fold, &currency[i % FK_CURRENCY_PAGE])]++;
		} else {
			fk_plan_leave_out(plan, i, &ues[i], cause);
		}
	}
}

static void make_plan(const struct fk_engine *engine, const struct fk_campaign *c,
		      const struct fk_members *members, struct fk_plan *ret_plan)
{
	struct fk_plan_terms terms;

	fk_engine_plan_terms(engine, c, &terms);
	fk_plan_begin(ret_plan, &terms);
	walk_members(engine, c, members, true, ret_plan);
	walk_members(engine, c, members, false, ret_plan);
}

void fk_engine_walk_members(const struct fk_engine *engine, const struct fk_campaign *c,
			    const struct fk_members *members, uint32_t from, uint32_t limit,
			    fk_plan_row_fn fn, void *ctx, uint32_t *ret_next)
{
	const struct fk_ue_slot *ues = fk_keytable_ues(fk_keytable_view(engine->table));
	uint32_t n_slots = fk_fleet_n_slots(engine->fleet), i;
	struct fk_currency currency[FK_CURRENCY_PAGE];
	struct fk_plan_terms terms;
	struct fk_fold fold;

	fk_engine_plan_terms(engine, c, &terms);
	fk_engine_fold_begin(engine, c, &fold);
	for (i = from; i < n_slots && limit > 0; i++) {
		const struct fk_currency *ue = &currency[i % FK_CURRENCY_PAGE];
		enum fk_cause cause;

		if (i == from || i % FK_CURRENCY_PAGE == 0)
			fk_engine_read_currency(engine, i / FK_CURRENCY_PAGE, currency);
		if (ues[i].rsi == 0 || !fk_members_has(members, engine->fleet, i))
			continue;
		cause = fk_engine_judge(engine, &fold, &terms, i, ue);
		fn(ctx, i, cause, fk_fold_diff(&fold, ue));
		limit--;
	}
	*ret_next = i < n_slots ? i : UINT32_MAX;
}

/* Who is meant by the request that 'c' was drafted from. */
static enum fk_err find_members(const struct fk_engine *engine,
				const struct fk_campaign_request *request,
				const struct fk_campaign *c, struct fk_members *ret_members,
				const char **ret_field, struct fk_reason *reason)
{
	enum fk_err err = FK_OK;

	if (request->settles != 0)
		return fk_engine_unknown_members(engine, c, ret_members);
	if (request->stored_members_of != 0)
		return fk_engine_stored_members(engine, request->stored_members_of,
						request->retry_of != 0, ret_members);
	err = fk_members_init(ret_members, engine->fleet, c, &request->members, reason);

	if (err == FK_ENOTFOUND)
		*ret_field = request->members.naming == FK_NAMED_BUT ? "except_ue_ids" : "ue_ids";
	return err;
}

/* Says which limit a KMM with one key is beyond, and where it is set. */
static void explain_size(const struct fk_engine *engine, const struct fk_plan_excluded *e,
			 struct fk_reason *reason)
{
	const char *hop = "?";
	struct fk_fleet_ue ue;

	if (fk_fleet_get(engine->fleet, e->ue_index, &ue))
		hop = engine->config->next_hops[ue.next_hop].name;
	if (e->limit_of == FK_PLAN_LIMIT_MESSAGE)
		fk_reason_set(reason,
			      "%u octets to next hop %s, the limit is %u (sip.datagram_max or "
			      "sip.path_mtu - 200, less sip.proxy_slack)",
			      e->size, hop, e->limit);
	else if (e->limit_of == FK_PLAN_LIMIT_PAYLOAD)
		fk_reason_set(reason,
			      "%u octets of payload to next hop %s, the limit is %u "
			      "(max_payload_size_sds_cplane_bytes)",
			      e->size, hop, e->limit);
	else if (e->limit_of == FK_PLAN_LIMIT_UE)
		fk_reason_set(reason, "a KMM of %u octets, the UE takes %u (max_kmm)", e->size,
			      e->limit);
	else
		fk_reason_set(reason, "a KMM of %u octets, the limit is %u (kmm.transport_limit)",
			      e->size, e->limit);
}

/* Refuses what would end before it began. */
enum fk_err fk_engine_check_plan(const struct fk_engine *engine, const struct fk_plan *plan,
				 const char **ret_field, struct fk_reason *reason)
{
	if (plan->n_members == 0) {
		*ret_field = "group";
		fk_reason_set(reason, "nobody is in the group, or of those that are named");
		return FK_EINVAL;
	}
	if (plan->kmms_max > FK_PLAN_KMMS_MAX) {
		*ret_field = "slns";
		fk_reason_set(reason,
			      "%u keys need %u KMMs to one UE, a delivery has at most %u: ask for "
			      "fewer, raise the limits of sip, kmm and next_hops, or leave out "
			      "who takes few (max_kmm, max_keys)",
			      plan->terms.n_keys, plan->kmms_max, FK_PLAN_KMMS_MAX);
		return FK_ERANGE;
	}
	if (fk_plan_check_places(plan, ret_field, reason) != FK_OK)
		return FK_EPOLICY;
	if (plan->n_served > 0 || plan->n_causes[FK_CAUSE_TOO_LARGE] == 0)
		return FK_OK;
	for (uint32_t i = 0; i < plan->n_excluded; i++) {
		if (plan->excluded[i].cause != FK_CAUSE_TOO_LARGE)
			continue;
		*ret_field = "message_size";
		explain_size(engine, &plan->excluded[i], reason);
		return FK_ERANGE;
	}
	return FK_OK; /* the first hundred lack a protection TEK; the campaign says so */
}

/* The member of the request that says who is meant. */
static const char *who_field(const struct fk_members_request *members)
{
	if (members->of_statuses != 0)
		return "status";
	if (members->n_ue_ids > 0)
		return members->naming == FK_NAMED_BUT ? "except_ue_ids" : "ue_ids";
	return members->area[0] != '\0' ? "area" : "group";
}

enum fk_err fk_engine_check_plan_of(const struct fk_engine *engine,
				    const struct fk_campaign_request *request,
				    const struct fk_plan *plan, const char **ret_field,
				    struct fk_reason *reason)
{
	enum fk_err err = fk_engine_check_plan(engine, plan, ret_field, reason);

	if (err != FK_OK && plan->n_members == 0)
		*ret_field = who_field(&request->members);
	return err;
}

/* It stands in the campaign's record, and is stored with it. */
static enum fk_err break_glass(const struct fk_engine *engine,
			       const struct fk_campaign_request *request, struct fk_campaign *c,
			       const char **ret_field, struct fk_reason *reason)
{
	const struct fk_config *config = engine->config;
	const char *ue_id;
	int64_t ue_index;
	enum fk_err err = fk_break_glass_check(config->campaign.break_glass_uids,
					       config->campaign.n_break_glass_uids, request,
					       ret_field, reason);

	if (err != FK_OK)
		return err;
	ue_id = request->members.ue_ids[0];
	ue_index = fk_fleet_find(engine->fleet, ue_id);
	if (ue_index < 0) {
		*ret_field = "ue_ids";
		fk_reason_set(reason, "%s is no UE of the fleet in force", ue_id);
		return FK_ENOTFOUND;
	}
	err = fk_break_glass_check_status(ue_id, fk_fleet_status(engine->fleet, (uint32_t)ue_index),
					  ret_field, reason);
	if (err != FK_OK)
		return err;
	memcpy(c->glass.reason, request->break_glass, sizeof(c->glass.reason));
	(void)snprintf(c->glass.ue_id, sizeof(c->glass.ue_id), "%s", ue_id);
	return FK_OK;
}

/* UEs that have not been put out of use for good. */
static uint32_t n_in_use(const struct fk_fleet *fleet)
{
	return fk_fleet_n_ues(fleet) - fk_fleet_n_with_status(fleet, FK_UE_ZEROIZED) -
	       fk_fleet_n_with_status(fleet, FK_UE_RELEASED);
}

enum fk_err fk_engine_draft(struct fk_engine *engine, const struct fk_campaign_request *request,
			    struct fk_campaign *ret_c, struct fk_members *ret_members,
			    struct fk_plan *ret_plan, const char **ret_field,
			    struct fk_reason *reason)
{
	struct fk_campaign c = {.created_at_ms = fk_engine_now_real_ms(),
				.planned_by = request->principal};
	enum fk_err err = check_request(engine, request, ret_field, reason);

	if (err == FK_OK && request->break_glass[0] != '\0')
		err = break_glass(engine, request, &c, ret_field, reason);
	if (err == FK_OK)
		err = fk_group_book_refresh(engine->groups, reason);
	if (err == FK_OK)
		err = draft(engine, request, &c, ret_field, reason);
	if (err == FK_OK)
		err = find_members(engine, request, &c, ret_members, ret_field, reason);
	if (err != FK_OK)
		return err;
	if (ret_plan != NULL) {
		make_plan(engine, &c, ret_members, ret_plan);
		c.plan_digest = ret_plan->digest;
		c.n_planned = ret_plan->n_served;
		c.is_fleet_wide =
			fk_lifecycle_is_fleet_wide(ret_plan->n_members, n_in_use(engine->fleet));
	}
	c.fleet_generation = fk_fleet_generation(engine->fleet);
	*ret_c = c;
	return FK_OK;
}

enum fk_err fk_engine_plan(struct fk_engine *engine, const struct fk_campaign_request *request,
			   struct fk_campaign *ret_campaign, struct fk_plan *ret_plan,
			   const char **ret_field, struct fk_reason *reason)
{
	struct fk_members members;
	enum fk_err err = fk_engine_draft(engine, request, ret_campaign, &members, ret_plan,
					  ret_field, reason);

	if (err == FK_OK)
		fk_members_fini(&members);
	return err;
}
