/* SPDX-License-Identifier: Apache-2.0 */
#include "campaign/lifecycle.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PASSED_MAX_MS 5000 /* what may have passed of a time when it is named */

static bool is_destructive(const struct fk_kind *kind)
{
	return kind->is_destructive || fk_kind_has_command(kind, FK_ORDER_DELETE_KEY) ||
	       fk_kind_has_command(kind, FK_ORDER_DELETE_KEYSET);
}

bool fk_lifecycle_needs_approval(enum fk_approval policy, const struct fk_campaign *c)
{
	if (fk_break_glass_was_used(&c->glass))
		return false; /* it is reviewed instead */
	if (c->settles != 0)
		return false; /* whoever has set recovery.automatic has said yes to it */
	switch (policy) {
	case FK_APPROVAL_NONE:
		return false;
	case FK_APPROVAL_DESTRUCTIVE:
		return is_destructive(fk_kind(c->kind));
	case FK_APPROVAL_FLEET_WIDE:
		return is_destructive(fk_kind(c->kind)) || c->is_fleet_wide ||
		       (c->group[0] == '\0' && c->naming != FK_NAMED_ONLY);
	case FK_APPROVAL_ALL:
		break;
	}
	return true;
}

static enum fk_err check_waiting(const struct fk_campaign *c, const char **ret_field,
				 struct fk_reason *reason)
{
	if (fk_campaign_is_waiting(c))
		return FK_OK;
	*ret_field = "state";
	fk_reason_set(reason, "the campaign is %s", fk_campaign_state_label(c->state));
	return FK_ESTALE;
}

enum fk_err fk_lifecycle_may_start(enum fk_approval policy, const struct fk_campaign *c,
				   const char **ret_field, struct fk_reason *reason)
{
	enum fk_err err = check_waiting(c, ret_field, reason);

	if (err != FK_OK || c->approved_by != FK_PRINCIPAL_NONE ||
	    !fk_lifecycle_needs_approval(policy, c))
		return err;
	*ret_field = "approved_by";
	fk_reason_set(reason, "it has to be planned, and approved by another user than the one who "
			      "planned it (campaign.approval)");
	return FK_EPOLICY;
}

enum fk_err fk_lifecycle_approve(struct fk_campaign *c, uint64_t principal, uint64_t now_ms,
				 const char **ret_field, struct fk_reason *reason)
{
	enum fk_err err = check_waiting(c, ret_field, reason);

	if (err != FK_OK)
		return err;
	*ret_field = "approved_by";
	if (principal == FK_PRINCIPAL_NONE) {
		fk_reason_set(reason, "over TCP nobody is known: approve over the Unix socket");
		return FK_EPOLICY;
	}
	if (c->planned_by == FK_PRINCIPAL_NONE) {
		fk_reason_set(reason, "it was planned over TCP, where nobody is known: plan it "
				      "again over the Unix socket");
		return FK_EPOLICY;
	}
	if (c->planned_by == principal) {
		fk_reason_set(reason, "uid %" PRIu64 " has planned it: another user must approve",
			      principal - 1);
		return FK_EPOLICY;
	}
	if (c->state != FK_CAMPAIGN_PLANNED) {
		*ret_field = "state";
		fk_reason_set(reason, "the campaign is %s", fk_campaign_state_label(c->state));
		return FK_ESTALE;
	}
	c->state = FK_CAMPAIGN_APPROVED;
	c->approved_by = principal;
	c->approved_at_ms = now_ms;
	return FK_OK;
}

enum fk_err fk_lifecycle_schedule(struct fk_campaign *c, enum fk_approval policy, uint64_t at_ms,
				  const char *zone, const char **ret_field,
				  struct fk_reason *reason)
{
	enum fk_err err = fk_lifecycle_may_start(policy, c, ret_field, reason);

	if (err == FK_OK && c->halt != FK_HALT_NONE) {
		*ret_field = "halt_reason";
		fk_reason_set(reason, "%s: plan it again", fk_halt_label(c->halt));
		err = FK_ESTALE;
	}
	if (err != FK_OK)
		return err;
	c->state = FK_CAMPAIGN_SCHEDULED;
	c->scheduled_at_ms = at_ms;
	(void)snprintf(c->zone, sizeof(c->zone), "%s", zone);
	return FK_OK;
}

enum fk_err fk_lifecycle_check_ahead(uint64_t at_ms, uint64_t now_ms, struct fk_reason *reason)
{
	if (at_ms + PASSED_MAX_MS >= now_ms)
		return FK_OK;
	fk_reason_set(reason, "has passed, %" PRIu64 " s ago: to begin at once, use start",
		      (now_ms - at_ms) / 1000);
	return FK_ERANGE;
}

uint64_t fk_lifecycle_before_end(uint64_t ends_at_ms, uint32_t lead_s)
{
	uint64_t lead_ms = (uint64_t)lead_s * 1000;

	return ends_at_ms > lead_ms ? ends_at_ms - lead_ms : 1;
}

bool fk_lifecycle_is_due(enum fk_approval policy, const struct fk_campaign *c, uint64_t now_ms)
{
	return c->state == FK_CAMPAIGN_SCHEDULED && now_ms >= c->scheduled_at_ms &&
	       (c->approved_by != FK_PRINCIPAL_NONE || !fk_lifecycle_needs_approval(policy, c));
}

void fk_lifecycle_withdraw(struct fk_campaign *c, enum fk_halt why)
{
	c->state = FK_CAMPAIGN_PLANNED;
	c->halt = (uint8_t)why;
	c->approved_by = FK_PRINCIPAL_NONE;
	c->approved_at_ms = 0;
	c->scheduled_at_ms = 0;
	c->zone[0] = '\0';
}

static bool has_sln(const struct fk_campaign *c, uint16_t sln)
{
	for (uint32_t i = 0; i < c->n_keys; i++) {
		if (c->slns[i] == sln)
			return true;
	}
	return false;
}

enum fk_err fk_lifecycle_check_supersede(const struct fk_campaign *newer,
					 const struct fk_campaign *older, struct fk_reason *reason)
{
	bool is_wider = newer->naming == FK_NAMED_NONE &&
			(newer->group[0] == '\0' || strcmp(newer->group, older->group) == 0);
	const char *why = NULL;

	if (!newer->supersedes)
		why = "";
	else if (!fk_kind(newer->kind)->gives_keys || !fk_kind(older->kind)->gives_keys)
		why = ", and is not superseded: that is for one that gives keys by another";
	else if (!is_wider)
		why = ", and is not superseded: this one is not for all of its UEs";
	if (why != NULL)
		fk_reason_set(reason, "campaign %u is %s%s", older->id,
			      fk_campaign_state_label(older->state), why);
	for (uint32_t i = 0; why == NULL && i < older->n_keys; i++) {
		if (has_sln(newer, older->slns[i]))
			continue;
		why = "SLN";
		fk_reason_set(reason,
			      "campaign %u is %s, and is not superseded: it gives a key for SLN "
			      "%u, and this one does not",
			      older->id, fk_campaign_state_label(older->state), older->slns[i]);
	}
	return why == NULL ? FK_OK : FK_EBUSY;
}

bool fk_lifecycle_supersedes(const struct fk_campaign *newer, const struct fk_campaign *older)
{
	struct fk_reason reason;

	return fk_lifecycle_check_supersede(newer, older, &reason) == FK_OK;
}
