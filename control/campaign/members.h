/* SPDX-License-Identifier: Apache-2.0 */
/*
 * members.h - whom a campaign is for: everyone or a group, and of those all, named UEs or those of
 * an area, or all but named ones.
 *
 * Who is named is settled when the campaign is created, and from then on the ledger says it: the
 * pages in which UEs are named are written before the record. Of a campaign for named UEs a page
 * that is not stored has no member; of any other it has those of the group.
 *
 * Threads: one owner. Memory: one bit for each slot, if UEs are named; fk_members_fini() frees it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <fleetkey/err.h>

#include "campaign/campaign.h"
#include "fleet/fleet.h"
#include "reason.h"

#define FK_MEMBERS_NAMED_MAX 5000 /* UE ids of one request */

/* What was asked for; ids are borrowed. */
struct fk_members_request {
	const char (*ue_ids)[FK_UE_ID_SIZE_MAX + 1];
	uint32_t n_ue_ids;
	uint8_t naming;	     /* enum fk_naming; not FK_NAMED_NONE if there are ids or statuses */
	uint8_t of_statuses; /* FK_ADMIT() of each: whoever has one of them is named, too */
	/* Who is in that area is named, too; empty: none. It must be one of the fleet's. */
	char area[FK_NAME_SIZE_MAX + 1];
};

struct fk_members {
	uint8_t naming; /* enum fk_naming */
	bool is_of_group;
	int32_t group; /* id; -1: it is gone, and has no members */
	uint32_t n_pages;
	uint64_t *pages; /* one word a page: bit i, UE i of it is named; NULL: nobody is */
};

/*
 * Finds who is meant by the request and by the group of 'c'. Returns FK_OK; FK_ENOTFOUND, and
 * 'reason' names the first id that there is not; FK_ENOMEM. A group must be one of the fleet's.
 */
FK_MUST_USE enum fk_err fk_members_init(struct fk_members *members, const struct fk_fleet *fleet,
					const struct fk_campaign *c,
					const struct fk_members_request *request,
					struct fk_reason *reason);
void fk_members_fini(struct fk_members *members);
/* Who is a member in a page of which nothing is stored; fk_members_fini() is not needed. */
struct fk_members fk_members_of_unstored(const struct fk_fleet *fleet, const struct fk_campaign *c);

/* True if the UE of that slot, which has an owner, is one of them. */
bool fk_members_has(const struct fk_members *members, const struct fk_fleet *fleet,
		    uint32_t ue_index);
/* True if somebody in that page is named. */
static inline bool fk_members_names(const struct fk_members *members, uint32_t page)
{
	return members->pages != NULL && members->pages[page] != 0;
}
