/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who holds which key: the currency of the fleet, and what the campaign in force adds to it.
 */
#include "campaign/engine_private.h"

const struct fk_campaign *fk_engine_find_campaign(void *engine, uint32_t id)
{
	const struct fk_engine *e = engine;

	/* The latest ones are asked for most. */
	for (uint32_t i = e->n_campaigns; i > 0; i--) {
		if (e->campaigns[i - 1].id == id)
			return &e->campaigns[i - 1];
	}
	return NULL;
}

void fk_engine_fold_begin(const struct fk_engine *engine, const struct fk_campaign *c,
			  struct fk_fold *ret_fold)
{
	/* It is looked for, and not changed. */
	fk_fold_begin(ret_fold, c, fk_engine_find_campaign, (void *)(uintptr_t)engine);
}

bool fk_engine_has_to_fold(const struct fk_engine *engine)
{
	const struct fk_campaign *c = engine->current;

	return engine->scheduler != NULL && c != NULL && !c->is_folded &&
	       (fk_campaign_is_final(c) || fk_scheduler_is_done(engine->scheduler));
}

static void fold_page(const struct fk_engine *engine, struct fk_fold *fold, uint32_t page,
		      struct fk_currency ues[static FK_CURRENCY_PAGE])
{
	const struct fk_delivery *deliveries =
		&fk_scheduler_deliveries(engine->scheduler)[(size_t)page * FK_LEDGER_PAGE];

	fk_currency_book_get_page(fk_fleet_currency(engine->fleet), page, ues);
	for (uint32_t i = 0; i < FK_CURRENCY_PAGE; i++)
		fk_fold_delivery(fold, &deliveries[i], &ues[i]);
}

void fk_engine_read_currency(const struct fk_engine *engine, uint32_t page,
			     struct fk_currency ret_ues[static FK_CURRENCY_PAGE])
{
	struct fk_fold fold;

	if (engine->scheduler == NULL || engine->current->is_folded) {
		fk_currency_book_get_page(fk_fleet_currency(engine->fleet), page, ret_ues);
		return;
	}
	fk_engine_fold_begin(engine, engine->current, &fold);
	fold_page(engine, &fold, page, ret_ues);
}

/* What is folded is dirty, and is written by the ticks that follow. */
bool fk_engine_fold_some(struct fk_engine *engine)
{
	struct fk_currency_book *book = fk_fleet_currency(engine->fleet);
	struct fk_currency ues[FK_CURRENCY_PAGE];
	uint32_t n_pages = fk_engine_n_pages(engine);
	struct fk_fold fold;

	fk_engine_fold_begin(engine, engine->current, &fold);
	for (uint32_t n = 0; engine->fold_at < n_pages && n < FK_ENGINE_FOLD_PAGES; n++) {
		fold_page(engine, &fold, engine->fold_at, ues);
		if (fk_currency_book_put_page(book, engine->fold_at, ues) != FK_OK)
			return false; /* short of memory: the next tick tries again */
		engine->fold_at++;
	}
	if (engine->fold_at < n_pages || fk_currency_book_n_dirty(book) > 0)
		return false;
	engine->current->is_folded = true;
	return true;
}

/* True if that is so by the word of this campaign. */
static bool is_zeroized_by(const struct fk_currency *ue, const struct fk_campaign *c)
{
	return c->kind == FK_KIND_ZEROIZE && fk_currency_is_zeroized(ue) &&
	       ue->active_evidence.campaign_id == c->id;
}

static void note_late_zeroized(struct fk_engine *engine, uint32_t ue_index)
{
	const struct fk_status_entry entry = fk_engine_zeroized_entry(engine);

	if (fk_status_set(engine->store, engine->fleet, &ue_index, 1, &entry) != FK_OK) {
		fk_engine_store_failed(engine, "status");
		engine->rescan_wanted = true;
	}
}

void fk_engine_note_late(struct fk_engine *engine, uint32_t ue_index,
			 const struct fk_ue_state *state)
{
	struct fk_currency_book *book = fk_fleet_currency(engine->fleet);
	uint32_t page = ue_index / FK_CURRENCY_PAGE;
	struct fk_currency ues[FK_CURRENCY_PAGE];
	struct fk_currency *ue = &ues[ue_index % FK_CURRENCY_PAGE];
	struct fk_fold fold;
	bool was_zeroized;

	fk_engine_fold_begin(engine, engine->current, &fold);
	fk_currency_book_get_page(book, page, ues);
	was_zeroized = is_zeroized_by(ue, engine->current);
	fk_fold_late(&fold, &fk_scheduler_deliveries(engine->scheduler)[ue_index], state, ue);
	/* Short of memory: the next rescan tells again. */
	if (fk_currency_book_put_page(book, page, ues) != FK_OK)
		engine->rescan_wanted = true;
	else if (!was_zeroized && is_zeroized_by(ue, engine->current))
		note_late_zeroized(engine, ue_index);
}

uint32_t fk_engine_find_keys(struct fk_engine *engine, uint16_t sln, uint8_t algorithm_id,
			     uint16_t key_id, struct fk_key_name *ret_names, uint32_t max)
{
	uint32_t n = 0;

	for (uint32_t i = engine->n_campaigns; i > 0 && n < max; i--) {
		const struct fk_campaign *c = &engine->campaigns[i - 1];

		/* Keys that are given again, or not made yet, are no further keys. */
		if (c->keys_of != 0 || !fk_campaign_has_begun(c))
			continue;
		for (uint32_t k = 0; k < fk_campaign_n_given(c) && n < max; k++) {
			if (c->slns[k] == sln && c->key_ids[k] == key_id &&
			    c->algorithm_id == algorithm_id)
				ret_names[n++] = (struct fk_key_name){c->id, (uint8_t)k};
		}
	}
	return n;
}

/* Nobody is told what a crash could take back. */
static enum fk_err make_durable(struct fk_engine *engine)
{
	while (!fk_engine_flush_pages(engine, true)) {
		if (!fk_store_is_healthy(engine->store))
			return FK_ESTORE;
	}
	return fk_store_is_healthy(engine->store) ? FK_OK : FK_ESTORE;
}

enum fk_err fk_engine_walk_currency(struct fk_engine *engine, uint32_t from, uint32_t n_slots,
				    fk_currency_fn fn, void *ctx, uint32_t *ret_next)
{
	struct fk_currency ues[FK_CURRENCY_PAGE];
	uint32_t end, i = from;
	enum fk_err err;

	if (engine->fleet == NULL)
		return FK_ENOTFOUND;
	err = make_durable(engine);
	if (err != FK_OK)
		return err;
	end = fk_fleet_n_slots(engine->fleet);
	if (from < end && n_slots < end - from)
		end = from + n_slots;
	for (; i < end; i++) {
		if (i % FK_CURRENCY_PAGE == 0 || i == from)
			fk_engine_read_currency(engine, i / FK_CURRENCY_PAGE, ues);
		if (!fn(ctx, i, &ues[i % FK_CURRENCY_PAGE]))
			break;
	}
	*ret_next = i < fk_fleet_n_slots(engine->fleet) ? i : UINT32_MAX;
	return FK_OK;
}
