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

bool fk_engine_has_used_fleet(const struct fk_engine *engine)
{
	for (uint32_t i = 0; engine->fleet != NULL && i < engine->n_campaigns; i++) {
		const struct fk_campaign *c = &engine->campaigns[i];

		if (fk_campaign_has_begun(c) &&
		    c->fleet_generation == fk_fleet_generation(engine->fleet))
			return true;
	}
	return false;
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
