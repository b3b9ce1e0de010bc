/* SPDX-License-Identifier: Apache-2.0 */
#include "campaign/break_glass.h"

#include <inttypes.h>
#include <stdio.h>

#include "campaign/engine.h"
#include "fleet/status.h"

static bool is_named(const uint32_t *uids, uint32_t n_uids, uint64_t principal)
{
	for (uint32_t i = 0; i < n_uids; i++) {
		if (principal == uids[i] + 1ull)
			return true;
	}
	return false;
}

/* What is asked for beside one UE, by its field; NULL: nothing. */
static const char *find_excess(const struct fk_campaign_request *request)
{
	if (request->kind != FK_KIND_ZEROIZE)
		return "kind";
	if (request->group[0] != '\0')
		return "group";
	if (request->members.of_statuses != 0)
		return "status";
	if (request->members.area[0] != '\0')
		return "area";
	if (request->members.naming != FK_NAMED_ONLY || request->members.n_ue_ids != 1)
		return request->members.naming == FK_NAMED_BUT ? "except_ue_ids" : "ue_ids";
	if (request->waves.n != 0)
		return "waves";
	if (request->replaces_active)
		return "replaces_active";
	return request->supersedes ? "supersedes" : NULL;
}

enum fk_err fk_break_glass_check(const uint32_t *uids, uint32_t n_uids,
				 const struct fk_campaign_request *request, const char **ret_field,
				 struct fk_reason *reason)
{
	*ret_field = "break_glass";
	if (request->principal == FK_PRINCIPAL_NONE) {
		fk_reason_set(reason, "over TCP nobody is known: say it over the Unix socket");
		return FK_EPOLICY;
	}
	if (!is_named(uids, n_uids, request->principal)) {
		fk_reason_set(reason, "uid %" PRIu64 " is not one of campaign.break_glass_uids",
			      request->principal - 1);
		return FK_EPOLICY;
	}
	*ret_field = find_excess(request);
	if (*ret_field == NULL)
		return FK_OK;
	fk_reason_set(reason, "break-glass is for a zeroize of one UE that is named, and no more");
	return FK_EINVAL;
}

enum fk_err fk_break_glass_check_status(const char *ue_id, uint8_t status, const char **ret_field,
					struct fk_reason *reason)
{
	if (status == FK_UE_LOST)
		return FK_OK;
	*ret_field = "ue_ids";
	fk_reason_set(reason, "%s is %s, and break-glass is for a UE that is lost", ue_id,
		      fk_ue_status_label(status));
	return FK_EINVAL;
}

enum fk_err fk_break_glass_review(struct fk_campaign *c, uint64_t principal, uint64_t now_ms,
				  const char *note, const char **ret_field,
				  struct fk_reason *reason)
{
	struct fk_break_glass *glass = &c->glass;

	*ret_field = "review";
	if (!fk_break_glass_was_used(glass)) {
		fk_reason_set(reason, "no break-glass was used: there is nothing to review");
		return FK_EINVAL;
	}
	if (principal == FK_PRINCIPAL_NONE) {
		fk_reason_set(reason, "over TCP nobody is known: review over the Unix socket");
		return FK_EPOLICY;
	}
	if (principal == c->planned_by) {
		fk_reason_set(reason, "uid %" PRIu64 " has used it: another user must review",
			      principal - 1);
		return FK_EPOLICY;
	}
	if (glass->reviewed_by != FK_PRINCIPAL_NONE) {
		fk_reason_set(reason, "uid %" PRIu64 " has reviewed it already",
			      glass->reviewed_by - 1);
		return FK_ESTALE;
	}
	if (!fk_campaign_is_final(c)) {
		*ret_field = "state";
		fk_reason_set(reason, "the campaign is %s, and is reviewed when it is over",
			      fk_campaign_state_label(c->state));
		return FK_ESTALE;
	}
	glass->reviewed_by = principal;
	glass->reviewed_at_ms = now_ms;
	(void)snprintf(glass->note, sizeof(glass->note), "%s", note);
	return FK_OK;
}
