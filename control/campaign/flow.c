/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What flows through a tick: doorbells in, pages to the store, orders out.
 */
#include "campaign/engine_private.h"

bool fk_engine_collect(struct fk_engine *engine)
{
	struct fk_scheduler_now now = fk_engine_now(engine);
	bool is_full = false;

	for (uint32_t w = 0; w < fk_region_n_workers(engine->region); w++) {
		struct rte_ring *ring = fk_region_doorbells(engine->region, w);
		uint32_t n;

		/* The other process can write here: never index by what it says unchecked. */
		if (!fk_ring_is_sane(ring, FK_DOORBELL_RING_SIZE)) {
			engine->rescan_wanted = true;
			continue;
		}
		if (fk_ring_count(ring) <= engine->n_applied[w])
			continue;
		n = fk_ring_peek(ring, engine->bells, sizeof(engine->bells[0]),
				 FK_ENGINE_BELLS_MAX);
		for (uint32_t i = engine->n_applied[w]; i < n; i++) {
			if (engine->scheduler != NULL)
				fk_engine_apply_state(engine, engine->bells[i].ue_index, &now);
			fk_engine_apply_answer(engine, engine->bells[i].ue_index, &now);
			fk_engine_take_said(engine, &engine->bells[i], &now);
		}
		fk_ring_release(ring, 0);
		if (n > engine->n_applied[w]) {
			engine->n_applied[w] = n;
			engine->progress_at_us = fk_engine_now_us();
		}
		is_full |= n == FK_ENGINE_BELLS_MAX;
	}
	return is_full;
}

void fk_engine_release(struct fk_engine *engine)
{
	for (uint32_t w = 0; w < fk_region_n_workers(engine->region); w++) {
		struct rte_ring *ring = fk_region_doorbells(engine->region, w);
		uint32_t n = engine->n_applied[w];

		if (n == 0 || !fk_ring_is_sane(ring, FK_DOORBELL_RING_SIZE))
			continue;
		n = fk_ring_peek(ring, engine->bells, sizeof(engine->bells[0]), n);
		fk_ring_release(ring, n);
		engine->n_applied[w] = 0;
	}
}

uint32_t fk_engine_n_dirty(const struct fk_engine *engine)
{
	uint32_t n = fk_currency_book_n_dirty(fk_fleet_currency(engine->fleet));

	n += fk_registrar_n_dirty(engine->registrar);
	return n + (engine->scheduler != NULL ? fk_scheduler_n_dirty(engine->scheduler) : 0);
}

/* Of a campaign that zeroizes: who has proven in that page, since it was written last, that it is.
 */
static uint64_t newly_zeroized(const struct fk_engine *engine, uint32_t page)
{
	if (engine->current->kind != FK_KIND_ZEROIZE)
		return 0;
	return fk_scheduler_newly_done(engine->scheduler, page);
}

struct fk_status_entry fk_engine_zeroized_entry(const struct fk_engine *engine)
{
	struct fk_status_entry entry = {.status = FK_UE_ZEROIZED,
					.since_ms = fk_engine_now_real_ms()};

	(void)snprintf(entry.reason, sizeof(entry.reason), "campaign %u", engine->current->id);
	return entry;
}

/* Ahead of the page that says why: a crash in between leaves the answer to be applied again. */
static void put_zeroized(struct fk_engine *engine, uint32_t page)
{
	const struct fk_status_entry entry = fk_engine_zeroized_entry(engine);

	for (uint64_t left = newly_zeroized(engine, page); left != 0; left &= left - 1)
		fk_status_batch_put(engine->store, engine->fleet,
				    page * FK_LEDGER_PAGE + (uint32_t)__builtin_ctzll(left),
				    &entry);
}

static void note_zeroized(struct fk_engine *engine, uint32_t page)
{
	for (uint64_t left = newly_zeroized(engine, page); left != 0; left &= left - 1) {
		uint32_t ue_index = page * FK_LEDGER_PAGE + (uint32_t)__builtin_ctzll(left);

		fk_fleet_set_status(engine->fleet, ue_index, FK_UE_ZEROIZED);
		fk_log(FK_LOG_WARN, "radio zeroized", "campaign=%u ue_index=%u",
		       engine->current->id, ue_index);
	}
}

static void put_numbers_page(struct fk_engine *engine, uint32_t page)
{
	uint8_t numbers[FK_NUMBERS_PAGE_SIZE];

	fk_fleet_encode_numbers_page(engine->fleet, page, numbers);
	fk_store_batch_put_numbers_page(engine->store, fk_fleet_generation(engine->fleet),
					fk_fleet_page_shards(engine->fleet)[page], page, numbers,
					sizeof(numbers));
}

static void put_ledger_page(struct fk_engine *engine, uint32_t page)
{
	const struct fk_delivery *deliveries = fk_scheduler_deliveries(engine->scheduler);
	uint8_t shard = fk_fleet_page_shards(engine->fleet)[page];
	uint8_t ledger[FK_LEDGER_PAGE_SIZE];

	put_zeroized(engine, page);
	/* Numbers first: a crash leaves a prefix, and a reservation without its delivery only skips
	 * numbers. */
	put_numbers_page(engine, page);
	fk_ledger_page_encode(&deliveries[(size_t)page * FK_LEDGER_PAGE], ledger);
	fk_store_batch_put_ledger_page(engine->store, engine->current->id, shard, page, ledger,
				       sizeof(ledger));
}

static void put_currency_page(struct fk_engine *engine, uint32_t page)
{
	size_t size;
	const uint8_t *octets =
		fk_currency_book_octets(fk_fleet_currency(engine->fleet), page, &size);

	fk_store_batch_put_currency_page(engine->store, fk_fleet_generation(engine->fleet),
					 fk_fleet_page_shards(engine->fleet)[page], page, octets,
					 size);
}

/* Writes one batch of dirty pages; false if the store failed. */
static bool write_pages(struct fk_engine *engine)
{
	struct fk_currency_book *book = fk_fleet_currency(engine->fleet);
	uint32_t pages[FK_ENGINE_BATCH_PAGES], currency_pages[FK_ENGINE_BATCH_PAGES], n = 0;
	uint32_t numbers_pages[FK_ENGINE_BATCH_PAGES];
	uint32_t n_numbers =
		fk_registrar_list_dirty(engine->registrar, numbers_pages, FK_ENGINE_BATCH_PAGES);
	uint32_t n_currency =
		fk_currency_book_list_dirty(book, currency_pages, FK_ENGINE_BATCH_PAGES);

	if (engine->scheduler != NULL)
		n = fk_scheduler_list_dirty(engine->scheduler, pages, FK_ENGINE_BATCH_PAGES);
	fk_store_batch_begin(engine->store);
	for (uint32_t i = 0; i < n_numbers; i++)
		put_numbers_page(engine, numbers_pages[i]);
	for (uint32_t i = 0; i < n; i++)
		put_ledger_page(engine, pages[i]);
	for (uint32_t i = 0; i < n_currency; i++)
		put_currency_page(engine, currency_pages[i]);
	if (fk_store_batch_commit(engine->store) != FK_OK) {
		fk_engine_store_failed(engine, "ledger");
		return false;
	}
	for (uint32_t i = 0; i < n_numbers; i++)
		fk_registrar_page_durable(engine->registrar, numbers_pages[i]);
	for (uint32_t i = 0; i < n; i++) {
		note_zeroized(engine, pages[i]);
		fk_scheduler_page_durable(engine->scheduler, pages[i]);
	}
	for (uint32_t i = 0; i < n_currency; i++)
		fk_currency_book_written(book, currency_pages[i]);
	return true;
}

bool fk_engine_flush_pages(struct fk_engine *engine, bool now)
{
	uint32_t n_dirty = fk_engine_n_dirty(engine);
	uint64_t now_us = fk_engine_now_us();

	if (n_dirty == 0)
		return true;
	if (engine->dirty_since_us == 0)
		engine->dirty_since_us = now_us;
	if (!now && n_dirty < FK_ENGINE_FLUSH_PAGES &&
	    now_us - engine->dirty_since_us < FK_ENGINE_FLUSH_AFTER_MS * 1000)
		return false;
	for (uint32_t i = 0; i < FK_ENGINE_BATCHES_MAX; i++) {
		if (fk_engine_n_dirty(engine) == 0)
			break;
		if (!write_pages(engine))
			return false;
	}
	fk_engine_update_record(engine);
	if (fk_engine_n_dirty(engine) > 0)
		return false;
	engine->dirty_since_us = 0;
	return true;
}

uint32_t fk_engine_order_room(const struct fk_engine *engine, uint32_t backlog)
{
	uint32_t room = FK_ENGINE_ORDERS_BURST;

	if (backlog < FK_ENGINE_BACKLOG_MIN)
		backlog = FK_ENGINE_BACKLOG_MIN;
	for (uint32_t w = 0; w < fk_region_n_workers(engine->region); w++) {
		const struct rte_ring *ring = fk_region_orders(engine->region, w);
		uint32_t queued, free;

		if (!fk_ring_is_sane(ring, FK_ORDER_RING_SIZE))
			return 0;
		queued = fk_ring_count(ring);
		free = queued < backlog ? backlog - queued : 0;
		if (free > fk_ring_room(ring))
			free = fk_ring_room(ring);
		if (free < room)
			room = free;
	}
	return room;
}

void fk_engine_push_order(struct fk_engine *engine, const struct fk_order *order)
{
	uint32_t owner = fk_region_owner(engine->region, fk_token_unpack(order->token).ue_index);

	/* There is room: this ring has no other producer. If the other side broke it, the stall
	 * check orders again. */
	(void)fk_ring_push(fk_region_orders(engine->region, owner), order, sizeof(*order), 1);
}

/* A ring holds a fraction of a second's worth at the campaign's pace: behind a longer queue a retry
 * that is due would wait for seconds. */
void fk_engine_push_orders(struct fk_engine *engine)
{
	struct fk_scheduler_now now = fk_engine_now(engine);
	struct fk_order orders[FK_ENGINE_ORDERS_BURST];
	uint32_t backlog = engine->current->pace_per_s / FK_ENGINE_BACKLOG_PER_S;
	uint32_t room, n;

	while ((room = fk_engine_order_room(engine, backlog)) > 0) {
		n = fk_scheduler_poll(engine->scheduler, &now, orders, room);
		for (uint32_t i = 0; i < n; i++)
			fk_engine_push_order(engine, &orders[i]);
		if (n == 0)
			return;
		engine->may_have_sent = true;
		engine->progress_at_us = fk_engine_now_us();
	}
}
