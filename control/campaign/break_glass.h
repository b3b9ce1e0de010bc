/* SPDX-License-Identifier: Apache-2.0 */
/*
 * break_glass.h - one user may zeroize one lost UE alone, and another one looks at it afterwards.
 *
 * Whoever is named in campaign.break_glass_uids needs no approval for a zeroize of exactly one UE
 * that is lost. It begins at once, it is never planned or scheduled, so nobody can have found the
 * radio in between. Who, when, which UE and why are in the campaign's record before anything is
 * sent. From then on a review is pending, until a user who is not the same has made it.
 *
 * Threads: everything here is pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <fleetkey/err.h>

#include "fleet/fleet.h"
#include "reason.h"

#define FK_NOTE_SIZE 201 /* octets of a reason or a note, the NUL included */

struct fk_campaign;
struct fk_campaign_request;

/* A campaign's part of it. Who has used it has planned the campaign. */
struct fk_break_glass {
	char reason[FK_NOTE_SIZE]; /* empty: it was not used */
	char ue_id[FK_UE_ID_SIZE_MAX + 1];
	char note[FK_NOTE_SIZE]; /* the reviewer's; may be empty */
	uint64_t reviewed_by;	 /* 1 + uid; 0: not yet */
	uint64_t reviewed_at_ms;
};

static inline bool fk_break_glass_was_used(const struct fk_break_glass *glass)
{
	return glass->reason[0] != '\0';
}

static inline bool fk_break_glass_is_pending(const struct fk_break_glass *glass)
{
	return fk_break_glass_was_used(glass) && glass->reviewed_by == 0;
}

/*
 * Whether a request that breaks the glass may do so: by 'uids', those that are named, and 'status',
 * enum fk_ue_status of the one UE. FK_OK; FK_EPOLICY if the user may not; FK_EINVAL if it asks for
 * anything but one lost UE. 'ret_field' and 'reason' say so.
 */
FK_MUST_USE enum fk_err fk_break_glass_check(const uint32_t *uids, uint32_t n_uids,
					     const struct fk_campaign_request *request,
					     const char **ret_field, struct fk_reason *reason);
FK_MUST_USE enum fk_err fk_break_glass_check_status(const char *ue_id, uint8_t status,
						    const char **ret_field,
						    struct fk_reason *reason);

/* The review. 'note' is at most FK_NOTE_SIZE - 1 octets. FK_OK; FK_EPOLICY if the user is not
 * known, or is the one who used it; FK_ESTALE if it is reviewed already, or the campaign is not
 * over; FK_EINVAL if there is nothing to review. */
FK_MUST_USE enum fk_err fk_break_glass_review(struct fk_campaign *c, uint64_t principal,
					      uint64_t now_ms, const char *note,
					      const char **ret_field, struct fk_reason *reason);
