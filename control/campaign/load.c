/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "campaign/engine_private.h"

static enum fk_err load_records(struct fk_engine *engine, struct fk_reason *reason)
{
	uint32_t *ids = calloc(FK_ENGINE_CAMPAIGNS_MAX, sizeof(*ids));
	uint32_t n = 0;
	enum fk_err err = FK_ENOMEM;

	if (ids != NULL)
		err = fk_store_list_campaigns(engine->store, ids, FK_ENGINE_CAMPAIGNS_MAX, &n);
	engine->n_campaigns = 0;
	for (uint32_t i = 0; err == FK_OK && i < n; i++) {
		struct fk_campaign c = {0};

		err = fk_store_read_campaign(engine->store, ids[i], fk_campaign_decode_field, &c);
		if (err == FK_OK)
			err = fk_campaign_decode_done(&c);
		if (err == FK_OK && c.id != ids[i])
			err = FK_EFORMAT;
		if (err == FK_OK)
			err = fk_engine_make_room(engine);
		if (err == FK_OK)
			engine->campaigns[engine->n_campaigns++] = c;
		else
			fk_reason_set(reason, "the record of campaign %u: %s", ids[i],
				      fk_err_text(err));
	}
	free(ids);
	return err;
}

struct page_reader {
	const struct fk_engine *engine;
	const struct fk_campaign *campaign;
	struct fk_members members;
	struct fk_scheduler *scheduler;
	uint64_t n_messages; /* at least so many must have been ordered */
};

static enum fk_err take_page(void *ctx, uint32_t page, const uint8_t *octets, size_t size)
{
	struct page_reader *reader = ctx;
	struct fk_delivery deliveries[FK_LEDGER_PAGE];
	enum fk_err err;

	/* Pages that were not reserved yet, and name nobody, are not stored: who is in them follows
	 * from the fleet. */
	if (size == 0) {
		fk_engine_include_page(reader->engine, reader->scheduler, reader->campaign,
				       &reader->members, page);
		return FK_OK;
	}
	err = fk_ledger_page_decode(octets, size, deliveries);
	if (err != FK_OK)
		return err;
	for (uint32_t i = 0; i < FK_LEDGER_PAGE; i++)
		reader->n_messages += (uint64_t)deliveries[i].tries + deliveries[i].step;
	fk_scheduler_restore_page(reader->scheduler, page, deliveries);
	return FK_OK;
}

static enum fk_err load_tek(struct fk_engine *engine, const struct fk_campaign *c, uint32_t index,
			    struct fk_secret *ret_tek)
{
	char name[FK_KEY_NAME_SIZE];
	struct fk_key_record record;
	uint8_t kind = fk_campaign_has_ckek(c) ? FK_KEY_CKEK : FK_KEY_TEK;
	enum fk_err err;

	fk_engine_key_name(c, index, name);
	err = fk_key_store_get(engine->keys, name, &record, ret_tek);
	if (err == FK_OK && (record.kind != kind || record.key_id != c->key_ids[index]))
		err = FK_EAUTH;
	return err;
}

bool fk_engine_keys_are_active(const struct fk_engine *engine, const struct fk_campaign *c)
{
	if (fk_kind_only_names_keys(fk_kind(c->kind)))
		return true; /* it deletes them, or asks for them, whatever became of them */
	for (uint32_t i = 0; i < c->n_keys; i++) {
		const struct fk_key_entry *entry;
		char name[FK_KEY_NAME_SIZE];

		fk_engine_key_name(c, i, name);
		entry = fk_key_store_find(engine->keys, name);
		if (entry == NULL || entry->record.state != FK_LIFE_ACTIVE)
			return false;
	}
	return c->ckek_of == 0 || fk_engine_ckek_is_active(engine, c->ckek_of);
}

enum fk_err fk_engine_arm_stored(struct fk_engine *engine, const struct fk_campaign *c)
{
	struct fk_secret teks[FK_CAMPAIGN_KEYS_MAX] = {{.size = 0}};
	/* Where nothing is wrapped, nor authenticated under them, their names are enough. */
	bool is_needed = fk_kind(c->kind)->gives_keys || c->closing;
	enum fk_err err = FK_OK;

	for (uint32_t i = 0; err == FK_OK && i < c->n_keys; i++) {
		teks[i].size = FK_KEY_SIZE_MAX;
		if (is_needed)
			err = load_tek(engine, c, i, &teks[i]);
	}
	if (err == FK_OK)
		err = fk_engine_arm(engine, c, teks);
	fk_wipe(teks, sizeof(teks));
	return err;
}

static int by_value(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* The milestones that the ledger proves; the record may have been written before they came. */
static enum fk_err recall_milestones(const struct fk_engine *engine,
				     const struct fk_scheduler *scheduler, struct fk_campaign *c)
{
	const struct fk_scheduler_tally *tally = fk_scheduler_tally(scheduler);
	const struct fk_delivery *deliveries = fk_scheduler_deliveries(scheduler);
	uint32_t *acked_ms = calloc(tally->n_held + 1, sizeof(*acked_ms));
	uint32_t n = 0;

	if (acked_ms == NULL)
		return FK_ENOMEM;
	for (uint32_t i = 0; i < fk_fleet_n_slots(engine->fleet) && n < tally->n_held; i++) {
		if (deliveries[i].flags & fk_campaign_goal(c))
			acked_ms[n++] = deliveries[i].acked_ms;
	}
	qsort(acked_ms, n, sizeof(*acked_ms), by_value);
	for (uint32_t i = 0; i < FK_MILESTONES; i++) {
		uint32_t need = fk_milestone_need(tally->n_deliveries, i);

		if (c->milestones_ms[i] == FK_MILESTONE_NONE && need <= n)
			c->milestones_ms[i] = acked_ms[need - 1];
	}
	free(acked_ms);
	return FK_OK;
}

/* Brings the latest campaign back, with its deliveries. */
static enum fk_err restore(struct fk_engine *engine, struct fk_campaign *c)
{
	struct page_reader reader = {.engine = engine,
				     .campaign = c,
				     .members = fk_members_of_unstored(engine->fleet, c)};
	bool is_active = !fk_campaign_is_final(c);
	uint64_t now_ms = fk_engine_now_real_ms();
	enum fk_err err = fk_engine_new_scheduler(engine, c, &reader.scheduler);

	if (err != FK_OK)
		return err;
	err = fk_store_read_ledger_pages(engine->store, c->id, fk_fleet_page_shards(engine->fleet),
					 0, fk_engine_n_pages(engine), take_page, &reader);
	if (err == FK_OK)
		err = recall_milestones(engine, reader.scheduler, c);
	if (err == FK_OK && is_active && fk_engine_keys_are_active(engine, c))
		err = fk_engine_arm_stored(engine, c);
	if (err != FK_OK) {
		fk_scheduler_free(reader.scheduler);
		return err;
	}
	fk_engine_assign_waves(engine, reader.scheduler, c);
	if (is_active && c->state != FK_CAMPAIGN_RUNNING)
		fk_scheduler_hold(reader.scheduler);
	/* A campaign that was ended while its ledger could not be written. */
	if (c->state == FK_CAMPAIGN_ABORTED)
		fk_scheduler_abort(reader.scheduler);
	else if (c->state == FK_CAMPAIGN_SUPERSEDED)
		fk_scheduler_supersede(reader.scheduler);
	else if (is_active)
		fk_engine_drop_compromised(engine, reader.scheduler, c);
	engine->scheduler = reader.scheduler;
	engine->current = c;
	engine->may_have_sent = true;
	engine->fold_at = 0;
	engine->n_messages_before =
		c->n_messages > reader.n_messages ? c->n_messages : reader.n_messages;
	engine->origin_us = (int64_t)fk_engine_now_us() -
			    (now_ms > fk_campaign_began_at_ms(c)
				     ? (int64_t)(now_ms - fk_campaign_began_at_ms(c)) * 1000
				     : 0);
	engine->progress_at_us = fk_engine_now_us();
	fk_engine_update_record(engine);
	/* A crash came between a key's new state, or a UE's, and the end of its campaign. */
	if (is_active && (!fk_engine_keys_are_active(engine, c) ||
			  (c->ckek_of != 0 && fk_engine_check_exposure(engine, c, NULL) != FK_OK)))
		return fk_engine_abort(engine, c->id, FK_PRINCIPAL_NONE);
	if (is_active)
		fk_log(FK_LOG_INFO, "campaign goes on", "campaign=%u n_deliveries=%u held=%u",
		       c->id, c->n_deliveries, c->n_held);
	return FK_OK;
}

/* True if a key is possibly there, and nobody knows. */
static bool has_unknown(const struct fk_currency *c)
{
	for (uint32_t i = 0; i < c->n_entries; i++) {
		if ((c->entries[i].held & c->entries[i].maybe) != 0)
			return true;
	}
	return false;
}

enum fk_err fk_engine_doubt_all(struct fk_engine *engine, uint32_t *ret_n_unknown)
{
	struct fk_currency_book *book = fk_fleet_currency(engine->fleet);
	struct fk_currency ues[FK_CURRENCY_PAGE];
	enum fk_err err = FK_OK;
	uint32_t n_unknown = 0;

	for (uint32_t page = 0; err == FK_OK && page < fk_engine_n_pages(engine); page++) {
		fk_currency_book_get_page(book, page, ues);
		for (uint32_t i = 0; i < FK_CURRENCY_PAGE; i++) {
			fk_currency_doubt(&ues[i]);
			ues[i].has_gap = true;
			n_unknown += has_unknown(&ues[i]);
		}
		err = fk_currency_book_put_page(book, page, ues);
	}
	if (err == FK_OK)
		*ret_n_unknown = n_unknown;
	return err;
}

/* The one that is active, else the one that began last; those that wait do not count. */
static struct fk_campaign *find_last(struct fk_engine *engine)
{
	struct fk_campaign *last = NULL;

	for (uint32_t i = 0; i < engine->n_campaigns; i++) {
		struct fk_campaign *c = &engine->campaigns[i];

		if (!fk_campaign_has_begun(c))
			continue;
		if (!fk_campaign_is_final(c))
			return c;
		if (last == NULL || c->start_number >= last->start_number)
			last = c;
	}
	return last;
}

enum fk_err fk_engine_set_fleet(struct fk_engine *engine, struct fk_fleet *fleet,
				struct fk_keytable_file *table, struct fk_reason *reason)
{
	struct fk_campaign *last;
	uint32_t n_unknown;
	enum fk_err err;

	if (fk_engine_is_active(engine))
		return FK_EBUSY;
	fk_engine_drop_fleet(engine);
	err = load_records(engine, reason);
	if (err != FK_OK)
		return err;
	engine->fleet = fleet;
	engine->table = table;
	err = fk_engine_begin_answers(engine);
	last = err == FK_OK ? find_last(engine) : NULL;
	if (last == NULL) {
		if (err != FK_OK)
			fk_engine_drop_fleet(engine);
		return err;
	}
	if (last->fleet_generation == fk_fleet_generation(fleet)) {
		err = restore(engine, last);
		if (err != FK_OK)
			fk_reason_set(reason, "campaign %u: %s", last->id, fk_err_text(err));
	} else if (!fk_campaign_is_final(last)) {
		/* An import is refused while a campaign is active, so this takes a hand in Redis.
		 * Its deliveries cannot go on without their fleet; not to start at all would be
		 * worse. */
		fk_log(FK_LOG_ERROR, "campaign aborted",
		       "campaign=%u reason=\"its fleet was replaced\" fleet_generation=%" PRIu64,
		       last->id, last->fleet_generation);
		engine->withdrawn = *last;
		engine->withdrawn.state = FK_CAMPAIGN_ABORTED;
		engine->withdrawn.finished_at_ms = fk_engine_now_real_ms();
		last->state = FK_CAMPAIGN_ABORTED;
		last->finished_at_ms = engine->withdrawn.finished_at_ms;
		/* A ledger that does not fit the fleet says nothing any more about who holds its
		 * keys, nor about what they displaced. */
		err = fk_engine_doubt_all(engine, &n_unknown);
	}
	if (err == FK_OK)
		err = fk_engine_retire_ckeks(engine);
	if (err != FK_OK)
		fk_engine_drop_fleet(engine);
	return err;
}
