/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <fleetkey/kmm.h>

#include "campaign/engine_private.h"
#include "keys/tek.h"

void fk_engine_key_name(const struct fk_campaign *c, uint32_t index,
			char ret_name[static FK_KEY_NAME_SIZE])
{
	(void)snprintf(ret_name, FK_KEY_NAME_SIZE, "%s:%u:%u",
		       fk_campaign_has_ckek(c) ? "ckek" : "tek", fk_campaign_keys_of(c), index);
}

void fk_engine_plan_terms(const struct fk_engine *engine, const struct fk_campaign *c,
			  struct fk_plan_terms *ret_terms)
{
	const struct fk_config *config = engine->config;

	*ret_terms = (struct fk_plan_terms){
		.closing = c->closing,
		.n_keys = (uint8_t)fk_campaign_n_given(c),
		.n_commands = fk_kind(c->kind)->n_commands,
		.renews = fk_kind(c->kind)->renews,
		.may_warm_start = fk_engine_may_warm_start(engine, c),
		.keyset_id = c->keyset_id,
		.pace_per_s = c->pace_per_s,
		.transport_limit = (uint16_t)config->kmm.transport_limit,
		.preamble_size = config->kmf.bare_kmm ? 0 : FK_KMM_PREAMBLE_SIZE,
	};
	ret_terms->round_trip_ms = config->sip.t1_ms;
	for (uint32_t i = 0; i < config->n_next_hops; i++) {
		const struct fk_config_next_hop *hop = &config->next_hops[i];

		ret_terms->payload_limits[i] = fk_config_max_payload(config, hop);
		ret_terms->one_at_a_time[i] = fk_config_next_hop_is_one_at_a_time(hop);
	}
}

enum fk_err fk_engine_new_scheduler(struct fk_engine *engine, const struct fk_campaign *c,
				    struct fk_scheduler **ret_scheduler)
{
	const struct fk_config *config = engine->config;
	struct fk_scheduler_options options = {
		.n_slots = fk_fleet_n_slots(engine->fleet),
		.campaign_slot = c->slot,
		.campaign_generation = c->generation,
		.key_id = c->key_ids[0],
		.n_keys = (uint8_t)fk_campaign_n_given(c),
		.n_commands = fk_kind(c->kind)->n_commands,
		.closing = c->closing,
		.may_warm_start = fk_engine_may_warm_start(engine, c),
		.renews = fk_kind(c->kind)->renews,
		.is_destructive = fk_kind(c->kind)->is_destructive,
		.window = config->campaign.window,
		.attempts_max = config->campaign.attempts_max,
		.retry_backoff_ms = config->campaign.retry_backoff_ms,
		.number_block = config->campaign.number_block,
		.number_margin = config->campaign.number_margin,
		.n_waves = fk_campaign_n_waves(c),
		.gate = c->gate,
		.ues = fk_keytable_ues(fk_keytable_view(engine->table)),
		.numbers = fk_fleet_numbers(engine->fleet, 0),
	};

	memcpy(options.commands, fk_kind(c->kind)->commands, sizeof(options.commands));
	for (uint32_t i = 0; i < fk_fleet_n_next_hops(engine->fleet); i++)
		options.keys_per_kmm[fk_fleet_next_hop(engine->fleet, i)] = c->keys_per_kmm[i];

	return fk_scheduler_new(&options, ret_scheduler);
}

enum fk_cause fk_engine_status_cause(const struct fk_engine *engine, const struct fk_campaign *c,
				     uint32_t ue_index)
{
	uint8_t status = fk_fleet_status(engine->fleet, ue_index);

	if (fk_kind_admits(fk_kind(c->kind), status))
		return FK_CAUSE_NONE;
	switch ((enum fk_ue_status)status) {
	case FK_UE_SUSPENDED:
		return FK_CAUSE_SUSPENDED;
	case FK_UE_LOST:
		return FK_CAUSE_LOST;
	case FK_UE_ZEROIZED:
		return FK_CAUSE_ZEROIZED;
	case FK_UE_RELEASED:
		return FK_CAUSE_RELEASED;
	case FK_UE_ACTIVE:
	case FK_UE_STATUSES:
		break;
	}
	return FK_CAUSE_NONE;
}

void fk_engine_on_status(struct fk_engine *engine, uint32_t ue_index)
{
	bool is_dropped = fk_engine_drop_exposed(engine, ue_index);
	enum fk_cause cause;

	fk_engine_retire_ckeks_of(engine, ue_index);
	if (is_dropped || !fk_engine_is_active(engine))
		return;
	cause = fk_engine_status_cause(engine, engine->current, ue_index);
	if (cause != FK_CAUSE_NONE)
		fk_scheduler_exclude(engine->scheduler, ue_index, cause);
}

bool fk_engine_is_sending_to(const struct fk_engine *engine, uint32_t ue_index)
{
	if (fk_engine_is_active(engine) && engine->scheduler != NULL &&
	    fk_scheduler_deliveries(engine->scheduler)[ue_index].state == FK_DELIVERY_OPEN)
		return true;
	return engine->registrar != NULL && fk_registrar_is_busy(engine->registrar, ue_index);
}

enum fk_cause fk_engine_judge(const struct fk_engine *engine, struct fk_fold *fold,
			      const struct fk_plan_terms *terms, uint32_t ue_index,
			      const struct fk_currency *currency)
{
	const struct fk_ue_slot *ues = fk_keytable_ues(fk_keytable_view(engine->table));
	struct fk_message_size size = fk_engine_message_size(engine, ue_index);
	enum fk_cause cause = fk_engine_status_cause(engine, fold->campaign, ue_index);

	if (cause == FK_CAUSE_NONE)
		cause = fk_engine_own_key_cause(engine, fold->campaign, ue_index);
	if (cause == FK_CAUSE_NONE)
		cause = fk_plan_judge(terms, &ues[ue_index], &size);
	return cause == FK_CAUSE_NONE ? fk_currency_judge(fold, currency) : cause;
}

/* It has said that it goes. What destroys is sent all the same: a radio may say so to be left
 * alone.
 */
static bool is_gone(const struct fk_engine *engine, const struct fk_campaign *c, uint32_t ue_index)
{
	return fk_fleet_numbers(engine->fleet, ue_index)->presence == FK_PRESENCE_DEREGISTERED &&
	       !fk_kind(c->kind)->is_destructive;
}

void fk_engine_include_page(const struct fk_engine *engine, struct fk_scheduler *scheduler,
			    const struct fk_campaign *c, const struct fk_members *members,
			    uint32_t page)
{
	const struct fk_ue_slot *ues = fk_keytable_ues(fk_keytable_view(engine->table));
	struct fk_currency currency[FK_CURRENCY_PAGE];
	struct fk_plan_terms terms;
	struct fk_fold fold;

	fk_engine_plan_terms(engine, c, &terms);
	fk_engine_fold_begin(engine, c, &fold);
	fk_currency_book_get_page(fk_fleet_currency(engine->fleet), page, currency);
	for (uint32_t i = page * FK_LEDGER_PAGE; i < (page + 1) * FK_LEDGER_PAGE; i++) {
		enum fk_cause cause;

		if (ues[i].rsi == 0 || !fk_members_has(members, engine->fleet, i))
			continue;
		cause = fk_engine_judge(engine, &fold, &terms, i, &currency[i % FK_CURRENCY_PAGE]);
		if (cause != FK_CAUSE_NONE) {
			fk_scheduler_leave_out(scheduler, i, cause);
			continue;
		}
		if (fk_engine_has_to_renew(engine, c, i))
			fk_scheduler_renew(scheduler, i);
		fk_scheduler_include(scheduler, i);
		if (is_gone(engine, c, i))
			fk_scheduler_be_absent(scheduler, i);
	}
}

/* The workers say it when they attach; before, as at a restart, nothing is known, and what then
 * turns out too large ends the same way, only later. */
struct fk_message_size fk_engine_message_size(const struct fk_engine *engine, uint32_t ue_index)
{
	const struct fk_worker_block *block;
	uint32_t next_hop;

	if (engine->region == NULL || ue_index >= fk_region_n_slots(engine->region))
		return (struct fk_message_size){.base = 0};
	next_hop = fk_keytable_ues(fk_keytable_view(engine->table))[ue_index].next_hop;
	if (next_hop >= FK_NEXT_HOPS_MAX)
		return (struct fk_message_size){.base = 0};
	block = fk_region_map_worker(engine->region, fk_region_owner(engine->region, ue_index));
	return fk_message_size_unpack(
		atomic_load_explicit(&block->rekey_sizes[next_hop], memory_order_acquire));
}

enum fk_err fk_engine_arm(struct fk_engine *engine, const struct fk_campaign *c,
			  const struct fk_secret *teks)
{
	struct fk_campaign_terms terms = {
		.teks = teks,
		.slns = c->slns,
		.key_ids = c->key_ids,
		.generation = c->generation,
		.n_keys = c->n_keys,
		.algorithm_id = c->algorithm_id,
		.keyset_id = c->keyset_id,
		.superseded_keyset_id = c->superseded_keyset_id,
		.pace_per_s = c->pace_per_s,
		.answer_timeout_ms = engine->config->campaign.answer_timeout_ms,
	};

	struct fk_secret ckek = {.size = 0};
	enum fk_err err = FK_OK;

	memcpy(terms.conversation_id, c->conversation_id, sizeof(terms.conversation_id));
	if (c->ckek_of != 0) {
		err = fk_engine_load_ckek(engine, c, &ckek, &terms.ckek_key_id);
		terms.ckek = &ckek;
	}
	if (err == FK_OK)
		err = fk_keytable_arm_campaign(engine->table, c->slot, &terms);
	fk_secret_wipe(&ckek);
	return err;
}

/* The oldest that has ended goes, if there are too many: only memory forgets it. Not one that has
 * still to be reviewed. */
static void forget_oldest(struct fk_engine *engine, uint32_t current_id)
{
	for (uint32_t i = 0; i < engine->n_campaigns; i++) {
		struct fk_campaign *c = &engine->campaigns[i];

		if (!fk_campaign_is_final(c) || c->id == current_id ||
		    fk_break_glass_is_pending(&c->glass))
			continue;
		memmove(c, c + 1, (engine->n_campaigns - i - 1) * sizeof(*c));
		engine->n_campaigns--;
		return;
	}
}

enum fk_err fk_engine_make_room(struct fk_engine *engine)
{
	uint32_t current_id = engine->current != NULL ? engine->current->id : 0;
	struct fk_campaign *grown;

	if (engine->n_campaigns >= FK_ENGINE_CAMPAIGNS_MAX)
		forget_oldest(engine, current_id);
	grown = realloc(engine->campaigns, (engine->n_campaigns + 1) * sizeof(*grown));
	if (grown == NULL)
		return FK_ENOMEM;
	engine->campaigns = grown;
	engine->current = current_id != 0 ? fk_engine_record(engine, current_id) : NULL;
	return FK_OK;
}

/*
 * Campaigns that had an id between 'last' and 'id', and are not on record: a recovery has lost
 * them.
 */
static uint32_t n_lost(const struct fk_engine *engine, uint32_t last, uint32_t id)
{
	uint32_t n = id > last ? id - last - 1 : 0;

	for (uint32_t i = 0; i < engine->n_campaigns; i++) {
		uint32_t other = engine->campaigns[i].id;

		if (other > last && other < id && n > 0)
			n--;
	}
	return n;
}

/*
 * The next 'n' key IDs after the latest campaign's, and after those that lost ones may have given,
 * that no UE's own key and no key of the key store
 * has, of whatever state (I6: a radio may still hold the old key). 0 is left out: some radios show
 * it as "no key".
 */
static enum fk_err choose_key_ids(const struct fk_engine *engine, uint32_t id, uint32_t n,
				  uint16_t *ret_key_ids)
{
	static const uint32_t n_ids = 0x10000;
	uint8_t *used = calloc(n_ids, 1);
	uint32_t last = 0, last_id = 0, n_chosen = 0;

	if (used == NULL)
		return FK_ENOMEM;
	for (uint32_t i = 0; i < engine->n_campaigns; i++) {
		const struct fk_campaign *c = &engine->campaigns[i];

		for (uint32_t k = 0; k < c->n_keys && c->key_ids[k] != 0; k++) {
			last = c->key_ids[k];
			used[last] = 1;
			last_id = c->id;
		}
	}
	last += n_lost(engine, last_id, id) * FK_CAMPAIGN_KEYS_MAX;
	for (uint32_t i = 1; i < n_ids && n_chosen < n; i++) {
		uint16_t key_id = (uint16_t)(last + i);

		if (key_id == 0 || used[key_id] || fk_fleet_uses_key_id(engine->fleet, key_id) ||
		    fk_key_store_uses_key_id(engine->keys, key_id))
			continue;
		ret_key_ids[n_chosen++] = key_id;
	}
	free(used);
	return n_chosen == n ? FK_OK : FK_EFULL;
}

/* What forbids a campaign for now. */
enum fk_err fk_engine_check_ready(const struct fk_engine *engine, struct fk_reason *reason)
{
	if (fk_engine_is_active(engine)) {
		fk_reason_set(reason, "campaign %u is %s", engine->current->id,
			      fk_campaign_state_label(engine->current->state));
		return FK_EBUSY;
	}
	if (engine->record_dirty || engine->withdrawn.id != 0 ||
	    (engine->current != NULL && !engine->current->is_folded)) {
		fk_reason_set(reason, "the end of campaign %u is not stored yet",
			      engine->withdrawn.id != 0 ? engine->withdrawn.id
							: engine->current->id);
		return FK_EBUSY;
	}
	if (!fk_store_is_healthy(engine->store)) {
		fk_reason_set(reason, "the store is not available: %s",
			      fk_store_last_error(engine->store));
		return FK_ESTORE;
	}
	if (!engine->has_been_attached) {
		fk_reason_set(reason, "no dataplane has attached to this fleet yet");
		return FK_ELINK;
	}
	return FK_OK;
}

enum fk_err fk_engine_new_id(struct fk_engine *engine, struct fk_campaign *c)
{
	enum fk_err err = fk_store_next_campaign_id(engine->store, &c->id);

	if (err != FK_OK)
		return err;
	/* Slot and generation come from the id, so no two campaigns share both for 262,080 ids. */
	c->slot = (uint8_t)(c->id % FK_ANSWER_SLOT);
	c->generation = (uint16_t)(c->id / FK_ANSWER_SLOT % FK_CAMPAIGN_GENERATION_MAX + 1);
	return FK_OK;
}

/* False also for one that gives the keys of another again. */
static bool makes_keys(const struct fk_campaign *c)
{
	return fk_kind(c->kind)->gives_keys && c->keys_of == 0;
}

/* Starts are counted. */
static uint32_t next_start_number(const struct fk_engine *engine)
{
	uint32_t last = 0;

	for (uint32_t i = 0; i < engine->n_campaigns; i++) {
		if (engine->campaigns[i].start_number > last)
			last = engine->campaigns[i].start_number;
	}
	return last + 1;
}

static enum fk_err fill_campaign(struct fk_engine *engine, const struct fk_plan *plan,
				 struct fk_campaign *c)
{
	enum fk_err err = fk_uuid_generate(c->conversation_id);

	c->state = FK_CAMPAIGN_RUNNING;
	c->halt = FK_HALT_NONE;
	c->started_at_ms = fk_engine_now_real_ms();
	c->start_number = next_start_number(engine);
	for (uint32_t i = 0; i < fk_fleet_n_next_hops(engine->fleet); i++)
		c->keys_per_kmm[i] = plan->keys_per_kmm[fk_fleet_next_hop(engine->fleet, i)];
	c->fleet_generation = fk_fleet_generation(engine->fleet);
	for (uint32_t i = 0; i < FK_MILESTONES; i++)
		c->milestones_ms[i] = FK_MILESTONE_NONE;
	if (err == FK_OK)
		err = fk_key_store_refresh(engine->keys, NULL);
	if (err == FK_OK && c->id == 0)
		err = fk_engine_new_id(engine, c);
	if (err == FK_OK && makes_keys(c))
		err = choose_key_ids(engine, c->id, c->n_keys, c->key_ids);
	return err;
}

/* Makes record and sealed TEKs durable (I1); the keys first, so that no record lacks a key. */
static enum fk_err make_durable(struct fk_engine *engine, const struct fk_campaign *c,
				const struct fk_secret *teks)
{
	struct fk_key_put puts[FK_CAMPAIGN_KEYS_MAX];
	char names[FK_CAMPAIGN_KEYS_MAX][FK_KEY_NAME_SIZE];
	bool is_ckek = fk_campaign_has_ckek(c);
	enum fk_err err;

	for (uint32_t i = 0; i < c->n_keys; i++) {
		fk_engine_key_name(c, i, names[i]);
		puts[i] = (struct fk_key_put){
			.name = names[i],
			.record = {.kind = is_ckek ? FK_KEY_CKEK : FK_KEY_TEK,
				   .state = FK_LIFE_ACTIVE,
				   .origin = FK_KEY_GENERATED,
				   .algorithm_id = c->algorithm_id,
				   .keyset_id = c->keyset_id,
				   .key_id = c->key_ids[i],
				   .sln = c->slns[i],
				   .made_at_ms = c->started_at_ms,
				   .cryptoperiod_s =
					   is_ckek ? engine->config->keys.ckek_cryptoperiod_s
						   : engine->config->keys.tek_cryptoperiod_s},
			.key = &teks[i],
		};
	}
	fk_store_batch_begin(engine->store);
	err = fk_key_store_put(engine->keys, puts, c->n_keys);
	if (err != FK_OK) {
		fk_store_batch_abandon(engine->store);
		return err;
	}
	fk_engine_put_record(engine, c);
	err = fk_store_batch_commit(engine->store);
	fk_key_store_written(engine->keys, err);
	return err;
}

/* Makes the pages durable in which UEs are named: without them the record would say too little. */
static enum fk_err store_named(struct fk_engine *engine, const struct fk_campaign *c,
			       const struct fk_scheduler *scheduler,
			       const struct fk_members *members)
{
	const struct fk_delivery *deliveries = fk_scheduler_deliveries(scheduler);
	uint32_t n_pages = c->naming != FK_NAMED_NONE ? fk_engine_n_pages(engine) : 0, page = 0;
	enum fk_err err = FK_OK;

	while (err == FK_OK && page < n_pages) {
		fk_store_batch_begin(engine->store);
		for (uint32_t n = 0; page < n_pages && n < FK_ENGINE_BATCH_PAGES; page++) {
			uint8_t ledger[FK_LEDGER_PAGE_SIZE];

			if (!fk_members_names(members, page))
				continue;
			fk_ledger_page_encode(&deliveries[(size_t)page * FK_LEDGER_PAGE], ledger);
			fk_store_batch_put_ledger_page(engine->store, c->id,
						       fk_fleet_page_shards(engine->fleet)[page],
						       page, ledger, sizeof(ledger));
			n++;
		}
		err = fk_store_batch_commit(engine->store);
	}
	return err;
}

/* A campaign that makes no keys: its record alone is new. */
static enum fk_err take_keys(struct fk_engine *engine, const struct fk_campaign *c)
{
	enum fk_err err;

	if (engine->current != NULL)
		fk_keytable_disarm_campaign(engine->table, engine->current->slot);
	err = fk_engine_arm_stored(engine, c);
	if (err != FK_OK)
		return err;
	fk_store_batch_begin(engine->store);
	fk_engine_put_record(engine, c);
	return fk_store_batch_commit(engine->store);
}

/* Makes the campaign's keys, one after the other, and hands them on when they are durable. */
static enum fk_err make_keys(struct fk_engine *engine, const struct fk_campaign *c)
{
	struct fk_secret teks[FK_CAMPAIGN_KEYS_MAX];
	enum fk_err err = FK_OK;

	for (uint32_t i = 0; err == FK_OK && i < c->n_keys; i++)
		err = fk_tek_generate(&teks[i]);
	if (err == FK_OK && engine->current != NULL)
		fk_keytable_disarm_campaign(engine->table, engine->current->slot);
	if (err == FK_OK)
		err = make_durable(engine, c, teks);
	if (err == FK_OK)
		err = fk_engine_arm(engine, c, teks);
	fk_wipe(teks, sizeof(teks));
	return err;
}

/*
 * The store failed while the record was written: it may be there or not. The operator was told that
 * there is no campaign, so none may wake up at the next start: it is stored as aborted as soon as
 * the store is back. One that was planned waits on as it did.
 */
static void withdraw(struct fk_engine *engine, const struct fk_campaign *c)
{
	const struct fk_campaign *before = fk_engine_record(engine, c->id);

	fk_engine_store_failed(engine, "campaign creation");
	if (c->id == 0)
		return; /* it has not even got an id */
	engine->withdrawn = before != NULL ? *before : *c;
	if (before != NULL)
		return;
	engine->withdrawn.state = FK_CAMPAIGN_ABORTED;
	engine->withdrawn.finished_at_ms = fk_engine_now_real_ms();
}

/* From here on nothing fails but by want of memory, and that was taken before. */
static void take_over(struct fk_engine *engine, const struct fk_campaign *c,
		      struct fk_scheduler *scheduler, uint64_t accepted_at_us)
{
	fk_scheduler_free(engine->scheduler);
	engine->scheduler = scheduler;
	engine->current = fk_engine_record(engine, c->id);
	if (engine->current == NULL)
		engine->current = &engine->campaigns[engine->n_campaigns++];
	*engine->current = *c;
	engine->n_messages_before = 0;
	engine->stopped_hops = engine->waiting_hops = 0;
	engine->may_have_sent = false;
	engine->record_dirty = false;
	engine->fold_at = 0;
	engine->origin_us = (int64_t)accepted_at_us;
	engine->progress_at_us = fk_engine_now_us();
	fk_engine_engage_answered(engine);
	fk_engine_set_stop(engine);
	fk_engine_update_record(engine);
}

/* The campaign's deliveries, in memory, and what of them has to be stored ahead of its record. */
enum fk_err fk_engine_make_deliveries(struct fk_engine *engine, const struct fk_campaign *c,
				      const struct fk_members *members,
				      struct fk_scheduler **ret_scheduler)
{
	struct fk_scheduler *scheduler;
	enum fk_err err = fk_engine_new_scheduler(engine, c, &scheduler);

	if (err != FK_OK)
		return err;
	for (uint32_t page = 0; page < fk_engine_n_pages(engine); page++)
		fk_engine_include_page(engine, scheduler, c, members, page);
	err = store_named(engine, c, scheduler, members);
	if (err == FK_OK)
		*ret_scheduler = scheduler;
	else
		fk_scheduler_free(scheduler);
	return err;
}

/* From the plan that stands to the campaign that runs. */
enum fk_err fk_engine_launch(struct fk_engine *engine, struct fk_campaign *c,
			     const struct fk_members *members, const struct fk_plan *plan,
			     uint64_t accepted_at_us)
{
	struct fk_scheduler *scheduler = NULL;
	enum fk_err err;

	if (engine->scheduler != NULL)
		fk_engine_flush(engine); /* late numbers of the campaign before */
	err = fill_campaign(engine, plan, c);
	if (err == FK_OK)
		err = fk_engine_make_deliveries(engine, c, members, &scheduler);
	if (err == FK_OK) {
		fk_engine_cut_waves(engine, scheduler, &c->waves);
		fk_engine_assign_waves(engine, scheduler, c);
		fk_wave_history_begin(&c->history, c->wave, c->started_at_ms);
		err = fk_engine_make_room(engine);
	}
	if (err == FK_OK) {
		c->n_deliveries = fk_scheduler_tally(scheduler)->n_deliveries;
		if (fk_break_glass_was_used(&c->glass))
			fk_store_note_statement(engine->store);
		err = makes_keys(c) ? make_keys(engine, c) : take_keys(engine, c);
	}
	if (err == FK_ESTORE)
		withdraw(engine, c);
	if (err != FK_OK) {
		fk_scheduler_free(scheduler);
		return err;
	}
	take_over(engine, c, scheduler, accepted_at_us);
	if (fk_break_glass_was_used(&c->glass))
		fk_log(FK_LOG_WARN, "break-glass used",
		       "campaign=%u by_uid=%" PRId64 " ue_id=\"%s\" reason=\"%s\" review=pending",
		       c->id, (int64_t)c->planned_by - 1, c->glass.ue_id, c->glass.reason);
	fk_log(FK_LOG_INFO, "campaign created",
	       "campaign=%u kind=%s group=\"%s\" n_deliveries=%u n_keys=%u sln=%u keyset_id=%u "
	       "key_id=%u "
	       "n_kmms=%" PRIu64 " pace_per_s=%u",
	       c->id, fk_kind(c->kind)->label, c->group, c->n_deliveries, c->n_keys, c->slns[0],
	       c->keyset_id, c->key_ids[0], plan->n_kmms, c->pace_per_s);
	return FK_OK;
}

enum fk_err fk_engine_create(struct fk_engine *engine, const struct fk_campaign_request *request,
			     uint32_t *ret_id, struct fk_plan *ret_plan, const char **ret_field,
			     struct fk_reason *reason)
{
	uint64_t accepted_at_us = fk_engine_now_us();
	struct fk_members members;
	struct fk_campaign c;
	enum fk_err err =
		fk_engine_draft(engine, request, &c, &members, ret_plan, ret_field, reason);

	if (err != FK_OK)
		return err;
	err = fk_engine_check_plan_of(engine, request, ret_plan, ret_field, reason);
	/* It is as good as planned: nobody has approved it. */
	c.state = FK_CAMPAIGN_PLANNED;
	if (err == FK_OK)
		err = fk_lifecycle_may_start(engine->config->campaign.approval, &c, ret_field,
					     reason);
	if (err == FK_OK && fk_engine_is_active(engine)) {
		err = fk_lifecycle_check_supersede(&c, engine->current, reason);
		if (err == FK_OK)
			err = fk_engine_queue(engine, &c, &members, reason);
	} else if (err == FK_OK) {
		err = fk_engine_check_ready(engine, reason);
	}
	if (err == FK_OK && c.state == FK_CAMPAIGN_PLANNED)
		err = fk_engine_launch(engine, &c, &members, ret_plan, accepted_at_us);
	fk_members_fini(&members);
	if (err == FK_OK)
		*ret_id = c.id;
	if (err == FK_ESTORE)
		fk_reason_set(reason, "the store is not available: %s",
			      fk_store_last_error(engine->store));
	return err;
}
