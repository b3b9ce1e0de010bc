/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lifecycle.h - what a campaign goes through before it runs: planned, approved, scheduled.
 *
 * A principal is a user of this system, by the uid of whoever is at the other end of the API's Unix
 * socket; over TCP nobody is known. Whoever has planned a campaign cannot approve it.
 *
 * A start is decided by CLOCK_REALTIME, and the state tells whether it was: a clock that is set
 * back after it starts nothing again, and one that is set forward only starts it sooner.
 *
 * Threads: everything here is pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <fleetkey/err.h>

#include "campaign/campaign.h"
#include "reason.h"

/* Which campaigns need the approval of a second principal. */
enum fk_approval {
	FK_APPROVAL_NONE,
	FK_APPROVAL_DESTRUCTIVE, /* that delete keys */
	FK_APPROVAL_FLEET_WIDE,	 /* and those for everyone, for all but some, or for most of all */
	FK_APPROVAL_ALL,
};

#define FK_PRINCIPAL_NONE 0 /* nobody that is known; else 1 + uid */

/* True if so many UEs are more than half of those that are in use, however they are named. */
static inline bool fk_lifecycle_is_fleet_wide(uint32_t n_members, uint32_t n_in_use)
{
	return 2 * (uint64_t)n_members > n_in_use;
}
bool fk_lifecycle_needs_approval(enum fk_approval policy, const struct fk_campaign *c);

/* FK_OK if nothing but its time keeps it from running; FK_ESTALE if it ran already or has ended;
 * FK_EPOLICY if an approval is missing. 'ret_field' and 'reason' say so. */
FK_MUST_USE enum fk_err fk_lifecycle_may_start(enum fk_approval policy, const struct fk_campaign *c,
					       const char **ret_field, struct fk_reason *reason);
/* Also FK_EPOLICY if the principal is not known, or has planned it. */
FK_MUST_USE enum fk_err fk_lifecycle_approve(struct fk_campaign *c, uint64_t principal,
					     uint64_t now_ms, const char **ret_field,
					     struct fk_reason *reason);
/* As fk_lifecycle_may_start(). 'zone' is what was said, for people; 'at_ms' decides. */
FK_MUST_USE enum fk_err fk_lifecycle_schedule(struct fk_campaign *c, enum fk_approval policy,
					      uint64_t at_ms, const char *zone,
					      const char **ret_field, struct fk_reason *reason);
/* FK_ERANGE, with the reason, if a time that somebody names has passed, both in ms since 1970: who
 * wants it at once says so. What passes while a campaign waits is another matter. A few seconds are
 * let pass, for they are what naming it takes. */
FK_MUST_USE enum fk_err fk_lifecycle_check_ahead(uint64_t at_ms, uint64_t now_ms,
						 struct fk_reason *reason);
/* When to start so that 'lead_s' are left until a cryptoperiod ends; never 0, in the past if it is
 * too late for that. */
uint64_t fk_lifecycle_before_end(uint64_t ends_at_ms, uint32_t lead_s);
bool fk_lifecycle_is_due(enum fk_approval policy, const struct fk_campaign *c, uint64_t now_ms);
/* Back to the plan, as when that does not hold any more: it has to be planned again. */
void fk_lifecycle_withdraw(struct fk_campaign *c, enum fk_halt why);

/* FK_OK if a campaign that runs gives keys that 'newer' replaces, all of them, for all its UEs;
 * FK_EBUSY, with what keeps it, if not. */
FK_MUST_USE enum fk_err fk_lifecycle_check_supersede(const struct fk_campaign *newer,
						     const struct fk_campaign *older,
						     struct fk_reason *reason);
/* True if it says FK_OK. */
bool fk_lifecycle_supersedes(const struct fk_campaign *newer, const struct fk_campaign *older);
