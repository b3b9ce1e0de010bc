/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Campaigns and the plan of their crypto group: which SLNs and keysets it gives them, what it
 * forbids, and what a changeover makes of it.
 */
#include <string.h>

#include "campaign/engine_private.h"
#include "campaign/keyset_choice.h"

const struct fk_group_plan *fk_engine_plan_of(const struct fk_engine *engine, const char *group)
{
	return group[0] != '\0' ? fk_group_book_find(engine->groups, group, strlen(group)) : NULL;
}

/* True if the UE has no other TEK keyset than the first of the two. */
static bool has_one_keyset(const struct fk_ue_slot *ue, const uint8_t keysets[static 2])
{
	return ue->keysets != 0 && (ue->keysets < keysets[0] || ue->keysets < keysets[1]);
}

/*
 * The keyset that a rekey goes into which names none, by what is known of its whole group, or
 * without one of those whom it is for.
 */
static uint8_t choose_keyset(const struct fk_engine *engine,
			     const struct fk_campaign_request *request,
			     const struct fk_group_plan *plan, const struct fk_campaign *c)
{
	static struct fk_keyset_choice choice;
	const struct fk_ue_slot *slots = fk_keytable_ues(fk_keytable_view(engine->table));
	const uint8_t keysets[2] = {plan != NULL ? plan->active_keyset_id : 1,
				    plan != NULL ? plan->inactive_keyset_id : 2};
	const struct fk_members_request whole = {.naming = FK_NAMED_NONE};
	struct fk_currency ues[FK_CURRENCY_PAGE];
	struct fk_members members;
	struct fk_reason reason;

	/* If not, the caller finds the same error. */
	if (fk_members_init(&members, engine->fleet, c,
			    c->group[0] != '\0' ? &whole : &request->members, &reason) != FK_OK)
		return keysets[0];
	fk_keyset_choice_begin(&choice, c, keysets, plan != NULL, fk_engine_find_campaign,
			       (void *)(uintptr_t)engine);
	for (uint32_t i = 0; i < fk_fleet_n_slots(engine->fleet); i++) {
		if (i % FK_CURRENCY_PAGE == 0)
			fk_engine_read_currency(engine, i / FK_CURRENCY_PAGE, ues);
		if (slots[i].rsi != 0 && !has_one_keyset(&slots[i], keysets) &&
		    fk_members_has(&members, engine->fleet, i))
			fk_keyset_choice_add(&choice, &ues[i % FK_CURRENCY_PAGE]);
	}
	fk_members_fini(&members);
	return fk_keyset_choice_end(&choice);
}

static enum fk_err take_slns(const struct fk_group_plan *plan, struct fk_campaign *c,
			     const char **ret_field, struct fk_reason *reason)
{
	*ret_field = "slns";
	if (c->n_keys == 0 && plan->n_slns > FK_CAMPAIGN_KEYS_MAX) {
		fk_reason_set(reason,
			      "must be given: the plan of %s has %u SLNs, a campaign gives %u keys "
			      "at most",
			      plan->name, plan->n_slns, FK_CAMPAIGN_KEYS_MAX);
		return FK_ERANGE;
	}
	if (c->n_keys == 0) {
		c->n_keys = plan->n_slns;
		memcpy(c->slns, plan->slns, plan->n_slns * sizeof(c->slns[0]));
	}
	for (uint32_t i = 0; i < c->n_keys; i++) {
		if (!fk_group_plan_has_sln(plan, c->slns[i])) {
			fk_reason_set(reason, "SLN %u is not in the plan of %s", c->slns[i],
				      plan->name);
			return FK_ERANGE;
		}
	}
	*ret_field = NULL;
	return FK_OK;
}

static enum fk_err check_keyset(const struct fk_group_plan *plan, const struct fk_campaign *c,
				const char **ret_field, struct fk_reason *reason)
{
	if (plan == NULL || fk_group_plan_other_keyset(plan, c->keyset_id) != 0)
		return FK_OK;
	*ret_field = "keyset_id";
	fk_reason_set(reason, "%u is none of the plan of %s, which has %u and %u", c->keyset_id,
		      plan->name, plan->active_keyset_id, plan->inactive_keyset_id);
	return FK_ERANGE;
}

/* The one key of the group's CKEK: its place is the plan's. */
static enum fk_err draft_ckek(const struct fk_group_plan *plan, struct fk_campaign *c,
			      const char **ret_field, struct fk_reason *reason)
{
	*ret_field = "group";
	if (c->group[0] == '\0') {
		fk_reason_set(reason, "must be given: a CKEK is a crypto group's");
		return FK_EINVAL;
	}
	if (plan == NULL || plan->ckek_sln == 0) {
		fk_reason_set(reason, "%s has no plan with an SLN for a CKEK", c->group);
		return FK_EINVAL;
	}
	*ret_field = "slns";
	if (c->n_keys > 1 || (c->n_keys == 1 && c->slns[0] != plan->ckek_sln)) {
		fk_reason_set(reason, "must not be there: the CKEK of %s has SLN %u by its plan",
			      plan->name, plan->ckek_sln);
		return FK_ERANGE;
	}
	*ret_field = "keyset_id";
	if (c->keyset_id != 0 && c->keyset_id != FK_KMM_KEYSET_KEKS) {
		fk_reason_set(reason, "must not be there: KEKs are in keyset %u",
			      FK_KMM_KEYSET_KEKS);
		return FK_ERANGE;
	}
	*ret_field = NULL;
	c->n_keys = 1;
	c->slns[0] = plan->ckek_sln;
	c->keyset_id = FK_KMM_KEYSET_KEKS;
	return FK_OK;
}

const struct fk_campaign *fk_engine_ckek_of(const struct fk_engine *engine, const char *group)
{
	for (uint32_t i = engine->n_campaigns; i > 0; i--) {
		const struct fk_campaign *c = &engine->campaigns[i - 1];

		if (c->kind == FK_KIND_CKEK && c->keys_of == 0 && fk_campaign_has_begun(c) &&
		    strcmp(c->group, group) == 0)
			return c;
	}
	return NULL;
}

/* Whoever overrides I6 says where. */
static enum fk_err check_override(const struct fk_campaign_request *request,
				  const struct fk_campaign *c, const char **ret_field,
				  struct fk_reason *reason)
{
	if (!c->replaces_active || request->keyset_id != 0)
		return FK_OK;
	*ret_field = "keyset_id";
	fk_reason_set(reason, "must be given with replaces_active");
	return FK_EINVAL;
}

enum fk_err fk_engine_draft_keys(const struct fk_engine *engine,
				 const struct fk_campaign_request *request, struct fk_campaign *c,
				 const char **ret_field, struct fk_reason *reason)
{
	const struct fk_group_plan *plan = fk_engine_plan_of(engine, c->group);
	enum fk_err err = FK_OK;

	if (fk_kind(c->kind)->gives_kek)
		return draft_ckek(plan, c, ret_field, reason);
	if (plan != NULL)
		err = take_slns(plan, c, ret_field, reason);
	if (err == FK_OK)
		err = check_override(request, c, ret_field, reason);
	if (err != FK_OK)
		return err;
	if (c->n_keys == 0) {
		c->n_keys = 1;
		c->slns[0] = 1;
	}
	if (c->keyset_id == 0)
		c->keyset_id = choose_keyset(engine, request, plan, c);
	return check_keyset(plan, c, ret_field, reason);
}

bool fk_engine_turns_plans(const struct fk_campaign *c)
{
	/* Of a part of the group it says nothing, nor if nobody has obeyed. */
	return c->state == FK_CAMPAIGN_COMPLETED && c->naming == FK_NAMED_NONE && c->n_held > 0 &&
	       fk_kind_has_command(fk_kind(c->kind), FK_ORDER_CHANGEOVER);
}

enum fk_err fk_engine_put_changeover(struct fk_engine *engine, const struct fk_campaign *c,
				     bool *ret_is_put)
{
	return fk_group_book_put_changeover(engine->groups, c->group, c->superseded_keyset_id,
					    c->keyset_id, ret_is_put);
}
