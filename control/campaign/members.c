/* SPDX-License-Identifier: Apache-2.0 */
#include "campaign/members.h"

#include <stdlib.h>

static void name_ue(struct fk_members *m, uint32_t ue_index)
{
	m->pages[ue_index / FK_LEDGER_PAGE] |= 1ull << (ue_index % FK_LEDGER_PAGE);
}

static enum fk_err name_ids(struct fk_members *m, const struct fk_fleet *fleet,
			    const struct fk_members_request *request, struct fk_reason *reason)
{
	for (uint32_t i = 0; i < request->n_ue_ids; i++) {
		int64_t ue_index = fk_fleet_find(fleet, request->ue_ids[i]);

		if (ue_index < 0) {
			fk_reason_set(reason, "%s is no UE of the fleet in force",
				      request->ue_ids[i]);
			return FK_ENOTFOUND;
		}
		name_ue(m, (uint32_t)ue_index);
	}
	return FK_OK;
}

static void name_statuses(struct fk_members *m, const struct fk_fleet *fleet, uint8_t statuses)
{
	for (uint32_t i = 0; statuses != 0 && i < fk_fleet_n_slots(fleet); i++) {
		if (statuses >> fk_fleet_status(fleet, i) & 1)
			name_ue(m, i);
	}
}

static void name_area(struct fk_members *m, const struct fk_fleet *fleet, const char *area)
{
	int32_t id = fk_fleet_find_area(fleet, area);
	struct fk_fleet_ue ue;

	for (uint32_t i = 0; id >= 0 && i < fk_fleet_n_slots(fleet); i++) {
		if (fk_fleet_get(fleet, i, &ue) && ue.area_id == id)
			name_ue(m, i);
	}
}

enum fk_err fk_members_init(struct fk_members *members, const struct fk_fleet *fleet,
			    const struct fk_campaign *c, const struct fk_members_request *request,
			    struct fk_reason *reason)
{
	struct fk_members m = fk_members_of_unstored(fleet, c);
	enum fk_err err;

	m.naming = request->naming;
	if (m.naming != FK_NAMED_NONE) {
		m.n_pages = fk_fleet_n_pages(fleet);
		m.pages = calloc(m.n_pages + 1, sizeof(*m.pages));
		if (m.pages == NULL)
			return FK_ENOMEM;
		err = name_ids(&m, fleet, request, reason);
		if (err != FK_OK) {
			free(m.pages);
			return err;
		}
		name_statuses(&m, fleet, request->of_statuses);
		if (request->area[0] != '\0')
			name_area(&m, fleet, request->area);
	}
	*members = m;
	return FK_OK;
}

struct fk_members fk_members_of_unstored(const struct fk_fleet *fleet, const struct fk_campaign *c)
{
	struct fk_members m = {.naming = c->naming, .is_of_group = c->group[0] != '\0'};

	if (m.is_of_group)
		m.group = fk_fleet_find_group(fleet, c->group);
	return m;
}

void fk_members_fini(struct fk_members *members)
{
	free(members->pages);
	members->pages = NULL;
}

bool fk_members_has(const struct fk_members *m, const struct fk_fleet *fleet, uint32_t ue_index)
{
	uint32_t page = ue_index / FK_LEDGER_PAGE;
	bool is_named;

	if (m->is_of_group &&
	    (m->group < 0 || !fk_fleet_is_member(fleet, ue_index, (uint32_t)m->group)))
		return false;
	if (m->naming == FK_NAMED_NONE)
		return true;
	is_named = m->pages != NULL && (m->pages[page] >> (ue_index % FK_LEDGER_PAGE) & 1) != 0;
	return is_named == (m->naming == FK_NAMED_ONLY);
}
