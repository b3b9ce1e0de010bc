/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fold.h - what a delivery says about the keys that its UE holds.
 *
 * While a campaign is in force its ledger is the record: a number that is reserved for a step makes
 * the step's keys possibly held, durably and before the order exists (I1), and an acknowledgement
 * makes them held. So currency is not written beside it, it follows: what is known of a UE is its
 * page in the book with the delivery folded in. When the campaign has ended that is written down.
 *
 * - Status 00 for a key, authenticated: it is held, and the key that had its place (keyset and SLN)
 *   before is not.
 * - Sent, or perhaps sent: it is possibly held, and so is the key before it, if that was held.
 * - Refused, with a status that says that nothing was done, and nothing else was sent before: it is
 *   not held.
 * - Never sent: nothing changes.
 * - The closing exchange, under the first new key, proves possession; the keyset that it lists is
 *   the active one.
 * - Changeover-Response: the activated keyset is the active one. Before it, once the command may
 *   have been sent, the active keyset is unknown.
 * - Delete-Key- or Delete-Keyset-Response: those keys are not held. Before it, once the command may
 *   have been sent, those that were held possibly are.
 * - Zeroize-Response: no key is held, and no keyset is active. Before it, once the command may have
 *   been sent, nobody knows.
 *
 * A campaign that gives the keys of an earlier one again adds to what is known of those.
 *
 * What the currency names the campaign as evidence of is folded in already, with what came too late
 * for the ledger; so folding again changes nothing.
 *
 * Threads: everything here is pure. Memory: the caller's; campaigns are borrowed during a call.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <fleetkey/order.h>

#include "campaign/campaign.h"
#include "campaign/plan.h"
#include "currency/currency.h"

/* The record of a campaign, or NULL if it is not remembered. */
typedef const struct fk_campaign *(*fk_campaign_find_fn)(void *ctx, uint32_t id);

#define FK_FOLD_CACHE 8u

/* One campaign to be folded into many UEs. */
struct fk_fold {
	const struct fk_campaign *campaign;
	fk_campaign_find_fn find;
	void *ctx;
	/* By id modulo FK_FOLD_CACHE: which keys of an older campaign have the place of which key
	 * of this one. */
	struct {
		uint32_t id;
		uint8_t at[FK_CAMPAIGN_KEYS_MAX]; /* 1 + index in this one's list, 0: none */
	} places[FK_FOLD_CACHE];
};

void fk_fold_begin(struct fk_fold *fold, const struct fk_campaign *campaign,
		   fk_campaign_find_fn find, void *ctx);

/*
 * FK_CAUSE_NONE if the campaign may be served to a UE of which that is known, else why not: the
 * rule of its kind (campaign/kind.h). A key that is given again goes nowhere where a later
 * campaign's key has its place, or possibly has it.
 */
enum fk_cause fk_currency_judge(struct fk_fold *fold, const struct fk_currency *ue);

/* True if what the campaign says of that UE stands in its currency: then its delivery must not go
 * on, for what followed would not be folded in. */
bool fk_fold_is_done(const struct fk_campaign *c, struct fk_currency *ue);
/* What is known of the keys in the places of the campaign's, before it begins. */
enum fk_diff fk_fold_diff(struct fk_fold *fold, const struct fk_currency *ue);

/* Folds a delivery in, unless that was done. */
void fk_fold_delivery(struct fk_fold *fold, const struct fk_delivery *d, struct fk_currency *ue);

/*
 * Folds in an authentic answer that came when the delivery had ended otherwise. 'state' is that of
 * the delivery's UE and step. Changes nothing if it says nothing new.
 */
void fk_fold_late(struct fk_fold *fold, const struct fk_delivery *d,
		  const struct fk_ue_state *state, struct fk_currency *ue);
