/* SPDX-License-Identifier: Apache-2.0 */
/*
 * account.h - the deliveries of one campaign with the names of their UEs, whichever fleet is in
 * force now.
 *
 * Those of a campaign of the fleet in force are named out of it; those of an earlier one out of the
 * roster that was kept of its fleet (fleet/roster.h). An import may come in between two calls: the
 * next one goes on with the roster.
 *
 * Threads: belongs to the engine's. Memory: a page at a time; owned by the account.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <fleetkey/err.h>

#include "campaign/engine.h"
#include "campaign/ledger.h"
#include "currency/currency.h"

struct fk_account; /* layout is private to account.c */

/* A UE as it was called in the campaign's fleet. Borrowed. */
struct fk_account_ue {
	uint32_t ue_index; /* in that fleet */
	const char *ue_id; /* until the next call */
	uint32_t rsi;
};

/*
 * Borrows engine and keyring until fk_account_free(). On FK_OK the caller owns '*ret_account'.
 * Returns FK_ENOTFOUND if there is no such campaign; FK_ESTALE if its fleet was replaced and no
 * roster is kept of it; FK_ESTORE; FK_EFORMAT; FK_ENOMEM.
 */
FK_MUST_USE enum fk_err fk_account_new(struct fk_engine *engine, struct fk_keyring *keyring,
				       uint32_t campaign_id, struct fk_account **ret_account);
void fk_account_free(struct fk_account *account);

typedef void (*fk_account_fn)(void *ctx, const struct fk_account_ue *ue,
			      const struct fk_delivery *delivery);
/*
 * Calls 'fn' for up to 'limit' deliveries from ue_index 'from' on; '*ret_next' is where to go on,
 * UINT32_MAX at the end. Returns what fk_account_new() does; FK_EAUTH if the roster was changed.
 */
FK_MUST_USE enum fk_err fk_account_walk(struct fk_account *account, uint32_t from, uint32_t limit,
					fk_account_fn fn, void *ctx, uint32_t *ret_next);
/* Who that ue_index was; one that had a delivery. Returns what fk_account_walk() does. */
FK_MUST_USE enum fk_err fk_account_who(struct fk_account *account, uint32_t ue_index,
				       struct fk_account_ue *ret_ue);
/*
 * What is known now of the keys of the UE that has that RSI; of one that has left the fleet, what
 * was known when it did: '*ret_has_left' says which. All of it is durable. FK_OK; FK_ESTORE;
 * FK_EFORMAT; FK_ENOTFOUND if there is no fleet.
 */
FK_MUST_USE enum fk_err fk_account_recall(struct fk_account *account, uint32_t rsi,
					  struct fk_currency *ret_currency, bool *ret_has_left);
