/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "campaign/engine_private.h"

uint32_t fk_engine_n_campaigns(const struct fk_engine *engine)
{
	return engine->n_campaigns;
}

const struct fk_campaign *fk_engine_campaign_at(struct fk_engine *engine, uint32_t i)
{
	if (i >= engine->n_campaigns)
		return NULL;
	if (&engine->campaigns[i] == engine->current && !fk_campaign_is_final(engine->current))
		fk_engine_update_record(engine);
	return &engine->campaigns[i];
}

const struct fk_campaign *fk_engine_campaign(struct fk_engine *engine, uint32_t id)
{
	for (uint32_t i = engine->n_campaigns; i > 0; i--) {
		if (engine->campaigns[i - 1].id == id)
			return fk_engine_campaign_at(engine, i - 1);
	}
	return NULL;
}

uint64_t fk_engine_elapsed_ms(const struct fk_engine *engine, const struct fk_campaign *c)
{
	if (c == engine->current && !fk_campaign_is_final(c))
		return fk_engine_now(engine).ms;
	return c->finished_at_ms > fk_campaign_began_at_ms(c)
		       ? c->finished_at_ms - fk_campaign_began_at_ms(c)
		       : 0;
}

uint32_t fk_engine_causes(struct fk_engine *engine, const struct fk_campaign *c,
			  struct fk_cause_count ret_causes[static FK_CAMPAIGN_CAUSES_MAX])
{
	if (c == engine->current && engine->scheduler != NULL)
		return fk_causes_count(fk_scheduler_deliveries(engine->scheduler),
				       fk_fleet_n_slots(engine->fleet), ret_causes);
	return fk_causes_parse(c->causes, ret_causes);
}

const struct fk_engine_said *fk_engine_said(const struct fk_engine *engine)
{
	return &engine->said;
}

struct walk {
	uint32_t from, left, next;
	fk_delivery_fn fn;
	void *ctx;
};

/* Hands on the deliveries of one page, as many as are still wanted. */
static void walk_page(struct walk *walk, uint32_t page, const struct fk_delivery *deliveries)
{
	for (uint32_t i = 0; i < FK_LEDGER_PAGE; i++) {
		uint32_t ue_index = page * FK_LEDGER_PAGE + i;

		if (ue_index < walk->from || deliveries[i].state == FK_DELIVERY_NONE)
			continue;
		if (walk->left == 0) {
			if (walk->next == UINT32_MAX)
				walk->next = ue_index;
			return;
		}
		walk->fn(walk->ctx, ue_index, &deliveries[i]);
		walk->left--;
	}
}

static enum fk_err walk_stored_page(void *ctx, uint32_t page, const uint8_t *octets, size_t size)
{
	struct fk_delivery deliveries[FK_LEDGER_PAGE];
	enum fk_err err;

	if (size == 0)
		return FK_OK;
	err = fk_ledger_page_decode(octets, size, deliveries);
	if (err == FK_OK)
		walk_page(ctx, page, deliveries);
	return err;
}

enum fk_err fk_engine_walk_deliveries(struct fk_engine *engine, uint32_t id, uint32_t from,
				      uint32_t limit, fk_delivery_fn fn, void *ctx,
				      uint32_t *ret_next)
{
	struct walk walk = {.from = from, .left = limit, .next = UINT32_MAX, .fn = fn, .ctx = ctx};
	const struct fk_campaign *c = fk_engine_campaign(engine, id);
	uint32_t n_pages;

	if (c == NULL)
		return FK_ENOTFOUND;
	if (engine->fleet == NULL || c->fleet_generation != fk_fleet_generation(engine->fleet))
		return FK_ESTALE;
	n_pages = fk_engine_n_pages(engine);
	for (uint32_t page = from / FK_LEDGER_PAGE; page < n_pages && walk.next == UINT32_MAX;
	     page++) {
		enum fk_err err = FK_OK;

		if (c == engine->current)
			walk_page(&walk, page,
				  &fk_scheduler_deliveries(
					  engine->scheduler)[(size_t)page * FK_LEDGER_PAGE]);
		else
			err = fk_store_read_ledger_pages(engine->store, id,
							 fk_fleet_page_shards(engine->fleet), page,
							 1, walk_stored_page, &walk);
		if (err != FK_OK)
			return err;
	}
	*ret_next = walk.next;
	return FK_OK;
}

const char *fk_engine_next_hop(const struct fk_engine *engine, const struct fk_campaign *c,
			       uint32_t next_hop, uint16_t *ret_detail)
{
	bool is_in_force = c == engine->current && engine->scheduler != NULL;

	if (next_hop >= engine->config->n_next_hops)
		return NULL;
	*ret_detail = is_in_force ? fk_scheduler_hop_halt_status(engine->scheduler, next_hop) : 0;
	return engine->config->next_hops[next_hop].name;
}

bool fk_engine_hop_wait(const struct fk_engine *engine, const struct fk_campaign *c,
			uint32_t next_hop, struct fk_hop_wait *ret_wait)
{
	uint64_t origin_ms;

	if (c != engine->current || engine->scheduler == NULL ||
	    !fk_scheduler_hop_wait(engine->scheduler, next_hop, ret_wait))
		return false;
	origin_ms = fk_engine_now_real_ms() - fk_engine_now(engine).ms;
	ret_wait->since_ms += origin_ms;
	ret_wait->until_ms += origin_ms;
	return true;
}
