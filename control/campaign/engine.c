/* SPDX-License-Identifier: Apache-2.0 */
#include "campaign/engine.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "campaign/engine_private.h"
#include "fleet/renew.h"

#define STORE_BACKOFF_MIN_MS 50
#define STORE_BACKOFF_MAX_MS 2000
#define LATE_POLL_MS	     200 /* between looks at the doorbells when no campaign is active */
#define ANSWER_POLL_MS	     2
#define STALL_SLACK_US	     5000000

uint64_t fk_engine_now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

uint64_t fk_engine_now_real_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

struct fk_scheduler_now fk_engine_now(const struct fk_engine *engine)
{
	int64_t since_us = (int64_t)fk_engine_now_us() - engine->origin_us;

	return (struct fk_scheduler_now){
		.ms = since_us > 0 ? (uint64_t)since_us / 1000 : 0,
		.date_s = (uint32_t)(fk_engine_now_real_ms() / 1000),
	};
}

enum fk_err fk_engine_new(const struct fk_config *config, struct fk_store *store,
			  struct fk_keyring *keyring, struct fk_key_store *keys,
			  struct fk_group_book *groups, struct fk_engine **ret_engine)
{
	struct fk_engine *engine = calloc(1, sizeof(*engine));

	if (engine == NULL)
		return FK_ENOMEM;
	if (fk_renewer_new(store, keyring, &engine->renewer) != FK_OK) {
		fk_engine_free(engine);
		return FK_ENOMEM;
	}
	engine->config = config;
	engine->store = store;
	engine->keys = keys;
	engine->groups = groups;
	*ret_engine = engine;
	return FK_OK;
}

void fk_engine_free(struct fk_engine *engine)
{
	if (engine == NULL)
		return;
	fk_scheduler_free(engine->scheduler);
	fk_registrar_free(engine->registrar);
	fk_renewer_free(engine->renewer);
	free(engine->campaigns);
	free(engine);
}

void fk_engine_drop_fleet(struct fk_engine *engine)
{
	fk_scheduler_free(engine->scheduler);
	engine->scheduler = NULL;
	fk_registrar_free(engine->registrar);
	engine->registrar = NULL;
	engine->current = NULL;
	engine->record_dirty = false;
	engine->may_have_sent = false;
	engine->stopped_hops = engine->waiting_hops = 0;
	engine->fleet = NULL;
	engine->table = NULL;
	engine->region = NULL;
	engine->is_attached = engine->has_been_attached = false;
	engine->dirty_since_us = 0;
}

bool fk_engine_is_active(const struct fk_engine *engine)
{
	return engine->current != NULL && !fk_campaign_is_final(engine->current);
}

bool fk_engine_is_settled(const struct fk_engine *engine)
{
	return !fk_engine_is_active(engine) && !engine->record_dirty && engine->withdrawn.id == 0 &&
	       (engine->current == NULL || engine->current->is_folded) &&
	       (engine->fleet == NULL || fk_engine_n_dirty(engine) == 0);
}

bool fk_engine_store_is_healthy(const struct fk_engine *engine)
{
	return fk_store_is_healthy(engine->store);
}

/* The store, when it fails and when it comes back. */

void fk_engine_store_failed(struct fk_engine *engine, const char *doing)
{
	if (engine->store_backoff_ms == 0)
		fk_log(FK_LOG_ERROR, "store lost", "doing=\"%s\" reason=\"%s\"", doing,
		       fk_store_last_error(engine->store));
	engine->store_backoff_ms =
		engine->store_backoff_ms == 0 ? STORE_BACKOFF_MIN_MS : engine->store_backoff_ms * 2;
	if (engine->store_backoff_ms > STORE_BACKOFF_MAX_MS)
		engine->store_backoff_ms = STORE_BACKOFF_MAX_MS;
	engine->retry_store_at_us = fk_engine_now_us() + (uint64_t)engine->store_backoff_ms * 1000;
}

static bool store_is_up(struct fk_engine *engine)
{
	struct fk_reason reason = {{0}};
	struct fk_store_facts facts;
	bool is_new_run = false;
	enum fk_err err;

	if (fk_store_is_healthy(engine->store)) {
		engine->store_backoff_ms = 0;
		return true;
	}
	if (fk_engine_now_us() < engine->retry_store_at_us)
		return false;
	err = fk_store_reconnect(engine->store, &is_new_run, &reason);
	if (err != FK_OK) {
		fk_engine_store_failed(engine, "reconnect");
		/* Another store's data in this place will not mend itself: say it every time. */
		if (err == FK_ESTALE) {
			engine->is_store_stale = true;
			fk_engine_set_stop(engine);
			fk_log(FK_LOG_ERROR, "store is not ours", "reason=\"%s\"", reason.text);
		}
		return false;
	}
	engine->store_backoff_ms = 0;
	engine->is_store_stale = false;
	fk_engine_set_stop(engine);
	fk_store_get_facts(engine->store, &facts);
	fk_log(FK_LOG_INFO, "store is back", "at=\"%s\" restarted=%s", facts.where,
	       is_new_run ? "yes" : "no");
	return true;
}

/* Records. */

void fk_engine_update_record(struct fk_engine *engine)
{
	const struct fk_scheduler_tally *tally;
	struct fk_campaign *c = engine->current;

	if (engine->scheduler == NULL || c == NULL)
		return;
	tally = fk_scheduler_tally(engine->scheduler);
	memcpy(c->states, tally->states, sizeof(c->states));
	c->states[FK_DELIVERY_NONE] = 0;
	fk_engine_update_history(engine);
	c->n_deliveries = tally->n_deliveries;
	c->n_held = tally->n_held_durable;
	c->n_proven = tally->n_proven_durable;
	c->n_messages = engine->n_messages_before + tally->n_orders;
	for (uint32_t i = 0; i < FK_MILESTONES; i++) {
		if (c->milestones_ms[i] == FK_MILESTONE_NONE &&
		    tally->n_held_durable >= fk_milestone_need(tally->n_deliveries, i))
			c->milestones_ms[i] = fk_engine_now(engine).ms;
	}
}

void fk_engine_put_record(struct fk_engine *engine, const struct fk_campaign *c)
{
	struct fk_campaign_fields fields;

	fk_campaign_encode(c, &fields);
	fk_store_batch_put_campaign(engine->store, c->id, fields.fields, fields.n);
}

bool fk_engine_write_record(struct fk_engine *engine)
{
	bool turns_plans, has_plans = false;
	enum fk_err err = FK_OK;

	fk_engine_update_record(engine);
	turns_plans = fk_engine_turns_plans(engine->current);
	/* A write before this one may have failed, and with it what plans say in memory. */
	if (turns_plans)
		err = fk_group_book_refresh(engine->groups, NULL);
	fk_store_batch_begin(engine->store);
	fk_engine_put_record(engine, engine->current);
	if (err == FK_OK && turns_plans)
		err = fk_engine_put_changeover(engine, engine->current, &has_plans);
	if (err == FK_OK)
		err = fk_store_batch_commit(engine->store);
	else
		fk_store_batch_abandon(engine->store);
	if (has_plans)
		fk_group_book_written(engine->groups, err);
	if (err != FK_OK) {
		fk_engine_store_failed(engine, "campaign record");
		return false;
	}
	engine->record_dirty = false;
	return true;
}

static bool write_withdrawn(struct fk_engine *engine)
{
	fk_store_batch_begin(engine->store);
	fk_engine_put_record(engine, &engine->withdrawn);
	if (fk_store_batch_commit(engine->store) != FK_OK) {
		fk_engine_store_failed(engine, "campaign record");
		return false;
	}
	engine->withdrawn.id = 0;
	return true;
}

void fk_engine_set_stop(struct fk_engine *engine)
{
	struct fk_control_block *block;
	uint32_t stop = FK_STOP_NONE;

	if (engine->region == NULL || engine->current == NULL)
		return;
	if (engine->is_store_stale || engine->current->state == FK_CAMPAIGN_ABORTED ||
	    engine->current->state == FK_CAMPAIGN_SUPERSEDED ||
	    fk_engine_is_past_its_time(engine) ||
	    (engine->current->state == FK_CAMPAIGN_HALTED &&
	     (engine->current->halt == FK_HALT_OPERATOR || engine->current->halt == FK_HALT_LOCAL)))
		stop = FK_STOP_ABORT;
	else if (engine->current->state == FK_CAMPAIGN_HALTED ||
		 engine->current->state == FK_CAMPAIGN_PAUSED)
		stop = FK_STOP_PAUSE;
	block = fk_region_map_control(engine->region);
	atomic_store_explicit(&block->stop_slot[engine->current->slot], stop, memory_order_release);
}

/* The link. */

void fk_engine_on_region(struct fk_engine *engine, struct fk_region_map *region, bool is_new)
{
	engine->region = region;
	engine->is_attached = false;
	memset(engine->n_applied, 0, sizeof(engine->n_applied));
	if (!is_new)
		fk_engine_heed_stop(engine);
	fk_engine_set_stop(engine);
	if (is_new && fk_engine_is_active(engine) && engine->may_have_sent) {
		fk_log(FK_LOG_WARN, "what was sent is unknown",
		       "campaign=%u action=\"new numbers for all that is not final\"",
		       engine->current->id);
		fk_scheduler_forget_sent(engine->scheduler);
		engine->may_have_sent = false;
	}
}

void fk_engine_apply_state(struct fk_engine *engine, uint32_t ue_index,
			   const struct fk_scheduler_now *now)
{
	struct fk_ue_state state;

	if (fk_region_read_state(engine->region, ue_index, &state)) {
		if (fk_scheduler_apply(engine->scheduler, ue_index, &state, now))
			fk_engine_note_late(engine, ue_index, &state);
	} else if (ue_index < fk_region_n_slots(engine->region)) {
		engine->rescan_wanted = true;
	}
}

/* Reads every UE's state: after an ATTACH, and when something seems to be lost. */
static void rescan(struct fk_engine *engine)
{
	struct fk_scheduler_now now;

	engine->rescan_wanted = false;
	engine->rescan_at_us = engine->progress_at_us = fk_engine_now_us();
	if (engine->scheduler == NULL)
		return;
	now = fk_engine_now(engine);
	for (uint32_t i = 0; i < fk_region_n_slots(engine->region); i++)
		fk_engine_apply_state(engine, i, &now);
	fk_scheduler_queue_open(engine->scheduler);
}

void fk_engine_on_attached(struct fk_engine *engine)
{
	struct fk_scheduler_now now = fk_engine_now(engine);

	engine->is_attached = engine->has_been_attached = true;
	fk_engine_recall_answers(engine, &now);
	rescan(engine);
	fk_engine_wake_returned(engine, &now);
}

void fk_engine_on_detached(struct fk_engine *engine)
{
	engine->is_attached = false;
	fk_log(FK_LOG_WARN, "dataplane gone", "active_campaign=%s",
	       fk_engine_is_active(engine) ? "yes" : "no");
}

/* No order and no doorbell for longer than any attempt can take: look for oneself. */
static void check_stall(struct fk_engine *engine)
{
	const struct fk_config *config = engine->config;
	uint64_t longest_us = 64ull * config->sip.t1_ms * 1000 +
			      (uint64_t)config->campaign.answer_timeout_ms * 1000 + STALL_SLACK_US;
	uint64_t now_us = fk_engine_now_us();
	bool is_stalled = fk_scheduler_tally(engine->scheduler)->states[FK_DELIVERY_OPEN] > 0 &&
			  now_us - engine->progress_at_us > longest_us;

	if (is_stalled)
		fk_log(FK_LOG_WARN, "no outcome for too long", "campaign=%u action=rescan",
		       engine->current->id);
	if (is_stalled || (engine->rescan_wanted && now_us - engine->rescan_at_us > 1000000))
		rescan(engine);
}

static void note_causes(struct fk_engine *engine)
{
	struct fk_cause_count causes[FK_CAMPAIGN_CAUSES_MAX];
	uint32_t n = fk_causes_count(fk_scheduler_deliveries(engine->scheduler),
				     fk_fleet_n_slots(engine->fleet), causes);

	fk_causes_format(causes, n, engine->current->causes, sizeof(engine->current->causes));
}

/* Every delivery is final and durable, and folded into the currency: so is the campaign. */
static void check_done(struct fk_engine *engine)
{
	struct fk_campaign *c = engine->current;
	uint8_t before;

	if (!fk_engine_has_to_fold(engine) || !fk_engine_fold_some(engine))
		return;
	if (fk_campaign_is_final(c)) {
		engine->record_dirty = true;
		return;
	}
	fk_engine_update_record(engine);
	before = c->state;
	c->finished_at_ms = fk_engine_now_real_ms();
	c->state = FK_CAMPAIGN_COMPLETED;
	c->halt = FK_HALT_NONE;
	c->halt_status = 0;
	note_causes(engine);
	if (!fk_engine_write_record(engine)) {
		c->state = before;
		c->finished_at_ms = 0;
		c->is_folded = false;
		return;
	}
	fk_engine_set_stop(engine);
	fk_log(FK_LOG_INFO, "campaign completed",
	       "campaign=%u n_deliveries=%u held=%u proven=%u acked=%u", c->id, c->n_deliveries,
	       c->n_held, c->n_proven, c->states[FK_DELIVERY_ACKED]);
}

enum fk_err fk_engine_abort(struct fk_engine *engine, uint32_t id, uint64_t principal)
{
	const struct fk_campaign *c = fk_engine_campaign(engine, id);

	if (c == NULL)
		return FK_ENOTFOUND;
	if (c->state == FK_CAMPAIGN_ABORTED)
		return FK_OK;
	if (fk_campaign_is_waiting(c))
		return fk_engine_drop_waiting(engine, id, principal);
	if (c != engine->current || fk_campaign_is_final(c))
		return FK_ESTALE;
	fk_engine_end(engine, FK_CAMPAIGN_ABORTED, principal);
	return FK_OK;
}

void fk_engine_end(struct fk_engine *engine, enum fk_campaign_state state, uint64_t principal)
{
	struct fk_campaign *c = engine->current;

	/* The flag in shared memory first (I9): it needs no store. */
	c->state = state;
	fk_engine_set_stop(engine);
	c->finished_at_ms = fk_engine_now_real_ms();
	if (state == FK_CAMPAIGN_SUPERSEDED) {
		fk_scheduler_supersede(engine->scheduler);
	} else {
		c->stopped_by = principal;
		fk_scheduler_abort(engine->scheduler);
	}
	fk_engine_update_record(engine);
	note_causes(engine);
	engine->record_dirty = true;
	fk_log(FK_LOG_WARN, "campaign ended", "campaign=%u state=%s held=%u by_uid=%" PRId64, c->id,
	       fk_campaign_state_label(c->state), c->n_held, (int64_t)principal - 1);
}

void fk_engine_on_compromise(struct fk_engine *engine, const char *key_name, uint32_t *ret_id)
{
	const struct fk_campaign *c = engine->current;

	*ret_id = 0;
	if (c != NULL && fk_kind_only_names_keys(fk_kind(c->kind)))
		return; /* it deletes them, or asks who has them: all the better */
	for (uint32_t i = 0; c != NULL && i < c->n_keys; i++) {
		char name[FK_KEY_NAME_SIZE];

		fk_engine_key_name(c, i, name);
		if (strcmp(name, key_name) != 0 && !fk_engine_wraps_under(c, key_name))
			continue;
		if (fk_engine_abort(engine, c->id, FK_PRINCIPAL_NONE) == FK_OK)
			*ret_id = c->id;
		/* The dataplane has no key any more to check a late answer by. */
		fk_keytable_disarm_campaign(engine->table, c->slot);
		return;
	}
}

void fk_engine_tick(struct fk_engine *engine)
{
	bool is_up = store_is_up(engine);
	bool is_full = false, is_clean;

	if (is_up && engine->withdrawn.id != 0)
		is_up = write_withdrawn(engine);
	if (engine->fleet == NULL)
		return;
	if (is_up) {
		fk_engine_start_due(engine);
		fk_engine_settle(engine);
	}
	if (engine->is_attached)
		is_full = fk_engine_collect(engine);
	fk_engine_heed_local_stop(engine);
	if (engine->scheduler == NULL) {
		if (!is_up || !fk_engine_flush_pages(engine, is_full) || !engine->is_attached)
			return;
		fk_engine_release(engine);
		fk_engine_push_answers(engine);
		return;
	}
	fk_engine_expire_overdue(engine);
	fk_engine_check_gates(engine);
	if (!is_up)
		return;
	if (fk_engine_is_running(engine)) {
		struct fk_scheduler_now now = fk_engine_now(engine);

		fk_scheduler_reserve(engine->scheduler, &now, FK_ENGINE_RESERVE_PAGES);
	}
	is_clean = fk_engine_flush_pages(engine, is_full);
	if (is_clean && engine->is_attached)
		fk_engine_release(engine);
	if (!fk_store_is_healthy(engine->store))
		return;
	if (engine->record_dirty && !fk_engine_write_record(engine))
		return;
	if (engine->is_attached)
		fk_engine_push_answers(engine);
	if (engine->is_attached && fk_engine_is_running(engine)) {
		check_stall(engine);
		fk_engine_warm_start(engine);
		fk_engine_push_orders(engine);
	}
	if (is_clean)
		check_done(engine);
}

/* Between looks at the doorbells while no delivery is open. */
static int late_poll_ms(const struct fk_engine *engine)
{
	return fk_registrar_n_busy(engine->registrar) > 0 ? ANSWER_POLL_MS : LATE_POLL_MS;
}

static int wait_for_tick_ms(const struct fk_engine *engine)
{
	const struct fk_scheduler *s = engine->scheduler;
	uint64_t due_ms, now_ms;

	if (!fk_store_is_healthy(engine->store))
		return engine->is_attached ? 10 : STORE_BACKOFF_MIN_MS;
	if (engine->withdrawn.id != 0)
		return 0;
	if (engine->fleet == NULL)
		return -1;
	if (s == NULL && fk_engine_n_dirty(engine) > 0)
		return 1;
	if (s == NULL)
		return engine->is_attached ? late_poll_ms(engine) : -1;
	if (engine->record_dirty || fk_engine_n_dirty(engine) >= FK_ENGINE_FLUSH_PAGES)
		return 0;
	if (fk_engine_n_dirty(engine) > 0)
		return (int)fk_scheduler_rest_ms(s);
	if (fk_engine_has_to_fold(engine))
		return 0;
	if (!engine->is_attached)
		return -1;
	if (!fk_engine_is_running(engine))
		return late_poll_ms(engine);
	if (fk_scheduler_tally(s)->states[FK_DELIVERY_OPEN] > 0 ||
	    fk_scheduler_tally(s)->states[FK_DELIVERY_QUEUED] > 0 ||
	    fk_scheduler_wave_tally(s)->n_unsent > 0)
		return (int)fk_scheduler_rest_ms(s);
	due_ms = fk_scheduler_next_due_ms(s);
	now_ms = fk_engine_now(engine).ms;
	if (due_ms <= now_ms)
		return 0;
	return due_ms - now_ms < (uint64_t)late_poll_ms(engine) ? (int)(due_ms - now_ms)
								: late_poll_ms(engine);
}

int fk_engine_wait_ms(const struct fk_engine *engine)
{
	const int waits_ms[] = {wait_for_tick_ms(engine), fk_engine_wait_due_ms(engine),
				fk_engine_wait_overdue_ms(engine),
				fk_engine_wait_settle_ms(engine)};
	int ms = -1;

	for (size_t i = 0; i < sizeof(waits_ms) / sizeof(waits_ms[0]); i++) {
		if (waits_ms[i] >= 0 && (ms < 0 || waits_ms[i] < ms))
			ms = waits_ms[i];
	}
	return ms;
}

void fk_engine_flush(struct fk_engine *engine)
{
	if (engine->fleet == NULL || !fk_store_is_healthy(engine->store))
		return;
	if (engine->is_attached)
		(void)fk_engine_collect(engine);
	while (!fk_engine_flush_pages(engine, true)) {
		if (!fk_store_is_healthy(engine->store))
			return;
	}
	if (engine->is_attached)
		fk_engine_release(engine);
	if (fk_engine_is_active(engine) || engine->record_dirty)
		(void)fk_engine_write_record(engine); /* what it held is in the ledger too */
}
