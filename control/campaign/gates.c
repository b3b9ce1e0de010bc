/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a campaign stops and when it goes on: next hops, gates, and what operators say.
 */
#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "campaign/engine_private.h"
#include "campaign/refusal.h"

/* Says once of each next hop that it has stopped. */
static void note_stopped_hops(struct fk_engine *engine)
{
	for (uint32_t i = 0; i < engine->config->n_next_hops; i++) {
		uint16_t detail = fk_scheduler_hop_halt_status(engine->scheduler, i);
		char text[FK_CAUSE_TEXT_SIZE];

		if (detail == 0 || (engine->stopped_hops >> i & 1) != 0)
			continue;
		engine->stopped_hops |= 1ull << i;
		fk_cause_text(FK_CAUSE_SIP, detail, text, sizeof(text));
		fk_log(FK_LOG_ERROR, "next hop stopped", "campaign=%u next_hop=\"%s\" reason=%s",
		       engine->current->id, engine->config->next_hops[i].name, text);
	}
}

/* Says once when one is overloaded, and when it goes on. */
static void note_waiting_hops(struct fk_engine *engine)
{
	for (uint32_t i = 0; i < engine->config->n_next_hops; i++) {
		struct fk_hop_wait wait;
		bool waits = fk_scheduler_hop_wait(engine->scheduler, i, &wait);

		if (waits == (engine->waiting_hops >> i & 1))
			continue;
		engine->waiting_hops ^= 1ull << i;
		if (waits)
			fk_log(FK_LOG_WARN, "next hop overloaded",
			       "campaign=%u next_hop=\"%s\" reason=sip_%d wait_ms=%" PRIu64,
			       engine->current->id, engine->config->next_hops[i].name,
			       FK_SIP_OVERLOADED, wait.until_ms - wait.since_ms);
		else if (fk_scheduler_hop_halt_status(engine->scheduler, i) == 0)
			fk_log(FK_LOG_INFO, "next hop goes on", "campaign=%u next_hop=\"%s\"",
			       engine->current->id, engine->config->next_hops[i].name);
	}
}

/* A verdict on the wave, and no word of anybody's. */
static bool is_gate(enum fk_halt halt)
{
	return halt == FK_HALT_ACKED || halt == FK_HALT_SAMPLE || halt == FK_HALT_OFFLINE ||
	       halt == FK_HALT_FAILED;
}

void fk_engine_update_history(struct fk_engine *engine)
{
	struct fk_campaign *c = engine->current;

	for (uint32_t i = 0; i < c->history.n; i++) {
		memcpy(c->history.items[i].states, fk_scheduler_wave_states(engine->scheduler, i),
		       sizeof(c->history.items[i].states));
		c->history.items[i].states[FK_DELIVERY_NONE] = 0;
	}
}

/* The flag first, the record when the store can (I9). 'principal' is who says so, if anybody. */
static void stop(struct fk_engine *engine, enum fk_campaign_state state, enum fk_halt halt,
		 uint16_t status, uint64_t principal)
{
	struct fk_campaign *c = engine->current;
	char text[FK_CAUSE_TEXT_SIZE];

	c->state = state;
	c->halt = halt;
	c->halt_status = status;
	c->stopped_by = principal;
	if (is_gate(halt))
		fk_wave_history_judge(
			&c->history, c->wave, halt, fk_scheduler_wave_tally(engine->scheduler),
			fk_scheduler_tally(engine->scheduler)->n_failed, fk_engine_now_real_ms());
	fk_engine_set_stop(engine);
	fk_scheduler_hold(engine->scheduler);
	engine->record_dirty = true;
	fk_cause_text(status != 0 ? FK_CAUSE_SIP : FK_CAUSE_NONE, status, text, sizeof(text));
	fk_log(halt == FK_HALT_NONE ? FK_LOG_WARN : FK_LOG_ERROR,
	       state == FK_CAMPAIGN_PAUSED ? "campaign paused" : "campaign halted",
	       "campaign=%u reason=%s wave=%u by_uid=%" PRId64, c->id,
	       status != 0 ? text : fk_halt_label(halt), c->wave + 1, (int64_t)principal - 1);
}

/* The flag was set before the record could be written, and then control died (I9). */
void fk_engine_heed_stop(struct fk_engine *engine)
{
	struct fk_control_block *block = fk_region_map_control(engine->region);
	uint32_t flag;

	if (!fk_engine_is_running(engine))
		return;
	flag = atomic_load_explicit(&block->stop_slot[engine->current->slot], memory_order_acquire);
	if (flag == FK_STOP_PAUSE)
		stop(engine, FK_CAMPAIGN_PAUSED, FK_HALT_NONE, 0, FK_PRINCIPAL_NONE);
	else if (flag != FK_STOP_NONE)
		stop(engine, FK_CAMPAIGN_HALTED, FK_HALT_OPERATOR, 0, FK_PRINCIPAL_NONE);
}

void fk_engine_heed_local_stop(struct fk_engine *engine)
{
	struct fk_campaign *c = engine->current;
	struct fk_control_block *block;

	if (engine->region == NULL)
		return;
	block = fk_region_map_control(engine->region);
	if (atomic_load_explicit(&block->stop, memory_order_acquire) == FK_STOP_NONE)
		return;
	if (fk_engine_is_active(engine)) {
		if (c->halt != FK_HALT_OPERATOR && c->halt != FK_HALT_LOCAL)
			stop(engine, FK_CAMPAIGN_HALTED, FK_HALT_LOCAL, 0, FK_PRINCIPAL_NONE);
		if (engine->record_dirty)
			return;
	}
	atomic_store_explicit(&block->stop, FK_STOP_NONE, memory_order_release);
}

/* Nothing of a wave is reserved before the record says that it has begun. */
static void begin_next_wave(struct fk_engine *engine)
{
	const struct fk_wave_tally *t = fk_scheduler_wave_tally(engine->scheduler);
	struct fk_campaign *c = engine->current;
	const struct fk_wave_history before = c->history;
	uint64_t now_ms = fk_engine_now_real_ms();

	fk_log(FK_LOG_INFO, "gate passed", "campaign=%u wave=%u n=%u acked=%u living=%u offline=%u",
	       c->id, c->wave + 1, t->n, t->n_acked, t->n_living, t->n_offline);
	fk_wave_history_judge(&c->history, c->wave, FK_HALT_NONE, t,
			      fk_scheduler_tally(engine->scheduler)->n_failed, now_ms);
	c->wave++;
	fk_wave_history_begin(&c->history, c->wave, now_ms);
	if (fk_engine_write_record(engine)) {
		fk_scheduler_begin_wave(engine->scheduler, c->wave);
	} else {
		c->wave--;
		c->history = before;
	}
}

bool fk_engine_is_past_its_time(const struct fk_engine *engine)
{
	const struct fk_campaign *c = engine->current;

	return c->expire_after_s != 0 && fk_engine_now(engine).ms >= c->expire_after_s * 1000ull;
}

int fk_engine_wait_overdue_ms(const struct fk_engine *engine)
{
	uint64_t now_ms, at_ms;

	if (!fk_engine_is_active(engine) || engine->current->expire_after_s == 0 ||
	    engine->scheduler == NULL || fk_scheduler_is_done(engine->scheduler))
		return -1;
	now_ms = fk_engine_now(engine).ms;
	at_ms = engine->current->expire_after_s * 1000ull;
	if (at_ms <= now_ms)
		return 0;
	return at_ms - now_ms < INT_MAX ? (int)(at_ms - now_ms) : INT_MAX;
}

/* Also of a campaign that stands: its time goes on. Then the stop flag keeps repeats back. */
void fk_engine_expire_overdue(struct fk_engine *engine)
{
	struct fk_campaign *c = engine->current;

	if (fk_engine_wait_overdue_ms(engine) != 0)
		return;
	fk_scheduler_expire(engine->scheduler);
	fk_engine_update_record(engine);
	fk_engine_set_stop(engine);
	engine->record_dirty = true;
	fk_log(FK_LOG_WARN, "campaign expired", "campaign=%u expired=%u held=%u", c->id,
	       c->states[FK_DELIVERY_EXPIRED], c->n_held);
}

void fk_engine_check_gates(struct fk_engine *engine)
{
	struct fk_scheduler_now now = fk_engine_now(engine);
	enum fk_gate_state gate;
	enum fk_halt halt;
	uint16_t status;

	note_stopped_hops(engine);
	note_waiting_hops(engine);
	if (!fk_engine_is_running(engine))
		return;
	status = fk_scheduler_halt_status(engine->scheduler);
	if (status != 0) {
		stop(engine, FK_CAMPAIGN_HALTED, FK_HALT_NEXT_HOPS, status, FK_PRINCIPAL_NONE);
		return;
	}
	gate = fk_scheduler_judge(engine->scheduler, &now, &halt);
	if (gate == FK_GATE_SHUT)
		stop(engine, FK_CAMPAIGN_HALTED, halt, 0, FK_PRINCIPAL_NONE);
	else if (gate == FK_GATE_PASSED && fk_store_is_healthy(engine->store))
		begin_next_wave(engine);
}

bool fk_engine_wave(struct fk_engine *engine, const struct fk_campaign *c,
		    struct fk_wave_tally *ret_tally, enum fk_gate_state *ret_state)
{
	struct fk_scheduler_now now = fk_engine_now(engine);
	enum fk_halt halt;

	if (c != engine->current || engine->scheduler == NULL || fk_campaign_is_final(c))
		return false;
	*ret_tally = *fk_scheduler_wave_tally(engine->scheduler);
	*ret_state = fk_scheduler_judge(engine->scheduler, &now, &halt);
	return true;
}

/* The area of each wave that names one; -1 for the others. */
static void find_areas(const struct fk_engine *engine, const struct fk_waves *waves,
		       int32_t ret_ids[static FK_WAVES_MAX])
{
	for (uint32_t i = 0; i < FK_WAVES_MAX; i++)
		ret_ids[i] = i < waves->n && waves->items[i].kind == FK_WAVE_AREA
				     ? fk_fleet_find_area(engine->fleet, waves->items[i].area)
				     : -1;
}

static bool is_served(const struct fk_scheduler *scheduler, uint32_t ue_index)
{
	uint8_t state = fk_scheduler_deliveries(scheduler)[ue_index].state;

	return state != FK_DELIVERY_NONE && state != FK_DELIVERY_EXCLUDED;
}

/* Finds where a wave of so many UEs ends: behind the last of them. */
static void find_end(const struct fk_engine *engine, const struct fk_scheduler *scheduler,
		     struct fk_waves *waves, uint32_t at,
		     const int32_t area_ids[static FK_WAVES_MAX], uint32_t n_ues)
{
	uint32_t n_slots = fk_fleet_n_slots(engine->fleet);

	waves->items[at].end = n_ues == 0 ? 0 : n_slots;
	for (uint32_t i = 0; i < n_slots && n_ues > 0; i++) {
		if (!is_served(scheduler, i) ||
		    fk_waves_find(waves, area_ids, at, i, fk_fleet_area(engine->fleet, i)) != at)
			continue;
		waves->items[at].end = i + 1;
		n_ues--;
	}
}

void fk_engine_cut_waves(const struct fk_engine *engine, const struct fk_scheduler *scheduler,
			 struct fk_waves *waves)
{
	uint64_t n_served = fk_scheduler_tally(scheduler)->states[FK_DELIVERY_PENDING];
	int32_t area_ids[FK_WAVES_MAX];

	find_areas(engine, waves, area_ids);
	for (uint32_t i = 0; i < waves->n; i++) {
		const struct fk_wave *wave = &waves->items[i];

		if (wave->kind == FK_WAVE_COUNT)
			find_end(engine, scheduler, waves, i, area_ids, wave->size);
		else if (wave->kind == FK_WAVE_PERCENT)
			find_end(engine, scheduler, waves, i, area_ids,
				 (uint32_t)((n_served * wave->size + 99) / 100));
	}
}

void fk_engine_assign_waves(const struct fk_engine *engine, struct fk_scheduler *scheduler,
			    struct fk_campaign *c)
{
	uint32_t n_slots = fk_fleet_n_slots(engine->fleet);
	int32_t area_ids[FK_WAVES_MAX];

	find_areas(engine, &c->waves, area_ids);
	for (uint32_t i = 0; i < n_slots && c->waves.n > 0; i++)
		fk_scheduler_set_wave(scheduler, i,
				      (uint8_t)fk_waves_find(&c->waves, area_ids, c->waves.n, i,
							     fk_fleet_area(engine->fleet, i)));
	/* What was reserved shows that a gate was passed, also if the record does not say so. */
	if (c->wave < fk_scheduler_last_reserved_wave(scheduler))
		c->wave = fk_scheduler_last_reserved_wave(scheduler);
	/* Of a campaign that has begun before there was a history nobody knows when. */
	if (c->history.n <= c->wave)
		c->history.n = (uint8_t)(c->wave + 1);
	fk_scheduler_begin_wave(scheduler, c->wave);
	fk_scheduler_excuse(scheduler, c->n_excused);
}

/* The campaign, if it is the one that can be stopped. */
static enum fk_err find_current(struct fk_engine *engine, uint32_t id, struct fk_campaign **ret_c)
{
	const struct fk_campaign *c = fk_engine_campaign(engine, id);

	if (c == NULL)
		return FK_ENOTFOUND;
	if (c != engine->current || fk_campaign_is_final(c))
		return FK_ESTALE;
	*ret_c = engine->current;
	return FK_OK;
}

enum fk_err fk_engine_pause(struct fk_engine *engine, uint32_t id, uint64_t principal)
{
	struct fk_campaign *c = NULL;
	enum fk_err err = find_current(engine, id, &c);

	/* A halted one stands already, for a better reason. */
	if (err == FK_OK && c->state == FK_CAMPAIGN_RUNNING)
		stop(engine, FK_CAMPAIGN_PAUSED, FK_HALT_NONE, 0, principal);
	return err;
}

enum fk_err fk_engine_halt(struct fk_engine *engine, uint32_t id, uint64_t principal)
{
	struct fk_campaign *c = NULL;
	enum fk_err err = find_current(engine, id, &c);

	if (err == FK_OK && c->halt != FK_HALT_OPERATOR)
		stop(engine, FK_CAMPAIGN_HALTED, FK_HALT_OPERATOR, 0, principal);
	return err;
}

enum fk_err fk_engine_resume(struct fk_engine *engine, uint32_t id, uint64_t principal)
{
	struct fk_campaign *c = NULL, before;
	enum fk_err err = find_current(engine, id, &c);
	uint64_t now_ms = fk_engine_now_real_ms();

	if (err != FK_OK || c->state == FK_CAMPAIGN_RUNNING)
		return err;
	before = *c;
	fk_wave_history_resume(&c->history, c->wave, (enum fk_halt)c->halt, principal, now_ms);
	if (is_gate((enum fk_halt)c->halt) && c->halt != FK_HALT_FAILED &&
	    c->wave + 1 < fk_campaign_n_waves(c)) {
		c->wave++;
		fk_wave_history_begin(&c->history, c->wave, now_ms);
	}
	c->n_excused = fk_scheduler_tally(engine->scheduler)->n_failed;
	c->state = FK_CAMPAIGN_RUNNING;
	c->halt = FK_HALT_NONE;
	c->halt_status = 0;
	c->stopped_by = FK_PRINCIPAL_NONE;
	if (!fk_store_is_healthy(engine->store) || !fk_engine_write_record(engine)) {
		*c = before;
		engine->record_dirty = true; /* it may have been written all the same */
		return FK_ESTORE;
	}
	if (c->wave != before.wave)
		fk_scheduler_begin_wave(engine->scheduler, c->wave);
	fk_scheduler_excuse(engine->scheduler, c->n_excused);
	fk_scheduler_resume(engine->scheduler);
	engine->stopped_hops = engine->waiting_hops = 0;
	fk_engine_set_stop(engine);
	fk_log(FK_LOG_WARN, "campaign resumed", "campaign=%u wave=%u halt=%s by_uid=%" PRId64,
	       c->id, c->wave + 1, fk_halt_label(before.halt), (int64_t)principal - 1);
	return FK_OK;
}
