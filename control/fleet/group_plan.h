/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group_plan.h - what a crypto group is given: the SLNs that its UEs share, and the two keysets
 * that take turns.
 *
 * Who is in a group the fleet file says; the plan is beside it, under the same name, and stays when
 * the fleet is replaced. A radio has one place for each keyset and SLN, and one keyset of its TEKs
 * is active (P25 sheet 2.3). So two plans go together in one radio only if they have no SLN in
 * common, since each rekey of the one group would take the other's key away, and if their keysets
 * are the same two, since a changeover for the one is a changeover for the other. A CKEK has its
 * place in the keyset of KEKs, which must be neither another CKEK's nor the UKEK's. Plans of groups
 * that have no UE in common may share what they like.
 *
 * Threads: everything here is pure. Memory: the caller's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>

#include "fleet/fleet.h"
#include "reason.h"

#define FK_GROUP_SLNS_MAX  64	/* of one plan; a campaign gives FK_CAMPAIGN_KEYS_MAX at a time */
#define FK_GROUP_SLN_MAX   4095 /* of a TEK, P25 sheet 2.3 */
#define FK_GROUP_PLAN_SIZE (1 + FK_NAME_SIZE_MAX + 1 + 2 * FK_GROUP_SLNS_MAX + 2 + 2 + 4 + 8)

struct fk_group_plan {
	char name[FK_NAME_SIZE_MAX + 1];
	uint16_t slns[FK_GROUP_SLNS_MAX]; /* ascending */
	uint8_t n_slns;			  /* 1..FK_GROUP_SLNS_MAX */
	/* A rekey fills the inactive one, a changeover makes it the active one. */
	uint8_t active_keyset_id, inactive_keyset_id;
	uint16_t ckek_sln;	/* where the group's CKEK goes: 61440..65535; 0: it has none */
	uint32_t version;	/* of the plan; the first is 1 */
	uint64_t changed_at_ms; /* since 1970 */
};

/* True if the plan has that SLN. */
bool fk_group_plan_has_sln(const struct fk_group_plan *plan, uint16_t sln);
/* The other one of the plan's keysets; 0 if it is none of them. */
uint8_t fk_group_plan_other_keyset(const struct fk_group_plan *plan, uint8_t keyset_id);

/*
 * Sorts the SLNs and checks all that a plan says by itself. Returns FK_OK; FK_EINVAL (name, an SLN
 * twice, one keyset twice) or FK_ERANGE (SLNs 1 to 4095, how many, keysets 1 to 16, the CKEK's
 * SLN). '*ret_field' names the member at fault, as the API calls it.
 */
FK_MUST_USE enum fk_err fk_group_plan_check(struct fk_group_plan *plan, const char **ret_field,
					    struct fk_reason *reason);

/* Why the two do not go together in one radio. */
enum fk_group_clash {
	FK_GROUP_CLASH_NONE = 0,
	FK_GROUP_CLASH_SLN,	/* '*ret_sln' is in both */
	FK_GROUP_CLASH_CKEK,	/* their CKEKs have one place, '*ret_sln' */
	FK_GROUP_CLASH_KEYSETS, /* they are not the same two */
};
enum fk_group_clash fk_group_plan_clash(const struct fk_group_plan *a,
					const struct fk_group_plan *b, uint16_t *ret_sln);

/* One plan, up to FK_GROUP_PLAN_SIZE octets; returns how many. */
size_t fk_group_plan_encode(const struct fk_group_plan *plan,
			    uint8_t ret_octets[static FK_GROUP_PLAN_SIZE]);
/* Reads the plan that 'octets' begin with, and how many octets it has. Returns FK_OK; FK_EFORMAT if
 * it is none that fk_group_plan_check() takes as it is. */
FK_MUST_USE enum fk_err fk_group_plan_decode(const uint8_t *octets, size_t size,
					     struct fk_group_plan *ret_plan, size_t *ret_size);
