/* SPDX-License-Identifier: Apache-2.0 */
#include "campaign/account.h"

#include <stdlib.h>

#include "campaign/engine_private.h"
#include "fleet/retired.h"
#include "fleet/roster.h"

struct fk_account {
	struct fk_engine *engine;
	struct fk_keyring *keyring;
	uint32_t campaign_id;
	struct fk_roster *roster; /* NULL as long as the campaign's fleet is in force */
};

/* What names the UEs now: the fleet in force, or, once it is another one, the roster. */
static enum fk_err find_names(struct fk_account *a, const struct fk_campaign **ret_campaign)
{
	struct fk_engine *engine = a->engine;
	const struct fk_campaign *c = fk_engine_campaign(engine, a->campaign_id);
	enum fk_err err = FK_OK;

	if (c == NULL)
		return FK_ENOTFOUND;
	if (a->roster == NULL &&
	    (engine->fleet == NULL || c->fleet_generation != fk_fleet_generation(engine->fleet)))
		err = fk_roster_open(engine->store, a->keyring, c->fleet_generation, &a->roster);
	if (err != FK_OK)
		return err == FK_ENOTFOUND ? FK_ESTALE : err;
	*ret_campaign = c;
	return FK_OK;
}

enum fk_err fk_account_new(struct fk_engine *engine, struct fk_keyring *keyring,
			   uint32_t campaign_id, struct fk_account **ret_account)
{
	struct fk_account *a = calloc(1, sizeof(*a));
	const struct fk_campaign *c;
	enum fk_err err;

	if (a == NULL)
		return FK_ENOMEM;
	*a = (struct fk_account){.engine = engine, .keyring = keyring, .campaign_id = campaign_id};
	err = find_names(a, &c);
	if (err != FK_OK) {
		fk_account_free(a);
		return err;
	}
	*ret_account = a;
	return FK_OK;
}

void fk_account_free(struct fk_account *account)
{
	if (account == NULL)
		return;
	fk_roster_free(account->roster);
	free(account);
}

/* find_names() has been asked. */
static enum fk_err find_ue(struct fk_account *a, uint32_t ue_index, struct fk_account_ue *ret_ue)
{
	const struct fk_roster_ue *ues;
	struct fk_fleet_ue ue;
	enum fk_err err;

	if (a->roster == NULL) {
		if (!fk_fleet_get(a->engine->fleet, ue_index, &ue))
			return FK_EFORMAT;
		*ret_ue = (struct fk_account_ue){ue_index, ue.ue_id, ue.rsi};
		return FK_OK;
	}
	err = fk_roster_page(a->roster, ue_index / FK_STORE_PAGE_UES, &ues);
	if (err != FK_OK)
		return err;
	ues += ue_index % FK_STORE_PAGE_UES;
	if (ues->rsi == 0)
		return FK_EFORMAT;
	*ret_ue = (struct fk_account_ue){ue_index, ues->ue_id, ues->rsi};
	return FK_OK;
}

struct walk {
	struct fk_account *account;
	uint32_t from, left, next;
	fk_account_fn fn;
	void *ctx;
};

/* Hands on the deliveries of one page, as many as are still wanted. */
static enum fk_err walk_page(struct walk *walk, uint32_t page, const struct fk_delivery *deliveries)
{
	for (uint32_t i = 0; i < FK_LEDGER_PAGE; i++) {
		uint32_t ue_index = page * FK_LEDGER_PAGE + i;
		struct fk_account_ue ue;
		enum fk_err err;

		if (ue_index < walk->from || deliveries[i].state == FK_DELIVERY_NONE)
			continue;
		if (walk->left == 0) {
			walk->next = ue_index;
			return FK_OK;
		}
		err = find_ue(walk->account, ue_index, &ue);
		if (err != FK_OK)
			return err;
		walk->fn(walk->ctx, &ue, &deliveries[i]);
		walk->left--;
	}
	return FK_OK;
}

struct stored_page {
	struct fk_delivery deliveries[FK_LEDGER_PAGE];
	bool is_there;
};

static enum fk_err take_page(void *ctx, uint32_t page, const uint8_t *octets, size_t size)
{
	struct stored_page *stored = ctx;

	(void)page;
	stored->is_there = size > 0;
	return size > 0 ? fk_ledger_page_decode(octets, size, stored->deliveries) : FK_OK;
}

/* Its names are read when the page is here: one answer of the store at a time. */
static enum fk_err walk_stored_page(struct walk *walk, const uint8_t *page_shards, uint32_t page)
{
	struct fk_account *a = walk->account;
	struct stored_page stored = {.is_there = false};
	enum fk_err err = fk_store_read_ledger_pages(a->engine->store, a->campaign_id, page_shards,
						     page, 1, take_page, &stored);

	return err == FK_OK && stored.is_there ? walk_page(walk, page, stored.deliveries) : err;
}

enum fk_err fk_account_walk(struct fk_account *account, uint32_t from, uint32_t limit,
			    fk_account_fn fn, void *ctx, uint32_t *ret_next)
{
	struct walk walk = {account, from, limit, UINT32_MAX, fn, ctx};
	const struct fk_engine *engine = account->engine;
	const struct fk_roster *roster;
	const struct fk_campaign *c;
	uint32_t n_pages;
	enum fk_err err = find_names(account, &c);

	if (err != FK_OK)
		return err;
	roster = account->roster;
	n_pages = roster != NULL ? fk_roster_n_pages(roster) : fk_fleet_n_pages(engine->fleet);
	for (uint32_t page = from / FK_LEDGER_PAGE;
	     err == FK_OK && page < n_pages && walk.next == UINT32_MAX; page++) {
		if (c == engine->current)
			err = walk_page(&walk, page,
					&fk_scheduler_deliveries(
						engine->scheduler)[(size_t)page * FK_LEDGER_PAGE]);
		else
			err = walk_stored_page(&walk,
					       roster != NULL ? fk_roster_page_shards(roster)
							      : fk_fleet_page_shards(engine->fleet),
					       page);
	}
	if (err == FK_OK)
		*ret_next = walk.next;
	return err;
}

enum fk_err fk_account_who(struct fk_account *account, uint32_t ue_index,
			   struct fk_account_ue *ret_ue)
{
	const struct fk_campaign *c;
	enum fk_err err = find_names(account, &c);

	return err == FK_OK ? find_ue(account, ue_index, ret_ue) : err;
}

static bool take_currency(void *ctx, uint32_t ue_index, const struct fk_currency *currency)
{
	struct fk_currency *ret = ctx;

	(void)ue_index;
	*ret = *currency;
	return true;
}

enum fk_err fk_account_recall(struct fk_account *account, uint32_t rsi,
			      struct fk_currency *ret_currency, bool *ret_has_left)
{
	struct fk_engine *engine = account->engine;
	uint32_t next;
	int64_t ue_index;

	if (engine->table == NULL)
		return FK_ENOTFOUND;
	ue_index = fk_keytable_find_rsi(fk_keytable_view(engine->table), rsi);
	*ret_has_left = ue_index < 0;
	if (ue_index < 0)
		return fk_retired_recall_currency(engine->store, rsi, ret_currency);
	return fk_engine_walk_currency(engine, (uint32_t)ue_index, 1, take_currency, ret_currency,
				       &next);
}
