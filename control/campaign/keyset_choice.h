/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keyset_choice.h - into which of two keysets a rekey goes that names none.
 *
 * Into the one under which the UEs do not speak. Each UE that is known to speak under one of the
 * two, or that probably does, counts for it; the rekey goes into the other one of that which has
 * most. Who has no keys speaks under none: the first keyset that a radio gets is the active one
 * (P25 sheet 2.3), so where nobody speaks yet it is the first of the two.
 *
 * With a plan whoever has a key in a keyset may speak under it, and is taken to if nothing better
 * is known. Without a plan SLNs are given one by one, and only what is known counts: a UE speaks
 * under a keyset if that is the active one and the rekey would replace a key there.
 *
 * Threads: everything here is pure. Memory: the caller's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "campaign/campaign.h"
#include "campaign/fold.h"
#include "currency/currency.h"

struct fk_keyset_choice {
	uint8_t keysets[2]; /* the first is that of the plan that is said to be active */
	bool has_plan;
	uint32_t n_ues[2];	      /* that speak under it */
	struct fk_campaign drafts[2]; /* the rekey, into each */
	struct fk_fold folds[2];
	/* Whose keyset was asked for last: neighbours have the same. */
	uint32_t last_id;
	uint8_t last_keyset_id;
};

/* 'c' is the rekey, with its SLNs. Without a plan the keysets are 1 and 2. The choice refers to
 * itself: it stays where it is. */
void fk_keyset_choice_begin(struct fk_keyset_choice *choice, const struct fk_campaign *c,
			    const uint8_t keysets[static 2], bool has_plan,
			    fk_campaign_find_fn find, void *ctx);
void fk_keyset_choice_add(struct fk_keyset_choice *choice, const struct fk_currency *ue);
uint8_t fk_keyset_choice_end(const struct fk_keyset_choice *choice);
