/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Campaigns that wait for their start: planned, approved, scheduled; and such as wait for a review.
 * Their records stand beside that of the campaign in force, and are written one by one.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "campaign/engine_private.h"

#define DUE_POLL_MS   500  /* between looks at the wall clock, which may be set */
#define RETRY_WAIT_MS 5000 /* after a start that failed for now */

struct fk_campaign *fk_engine_record(struct fk_engine *engine, uint32_t id)
{
	for (uint32_t i = engine->n_campaigns; i > 0 && id != 0; i--) {
		if (engine->campaigns[i - 1].id == id)
			return &engine->campaigns[i - 1];
	}
	return NULL;
}

/* A campaign that waits, or FK_ENOTFOUND, or FK_ESTALE. */
static enum fk_err find_waiting(struct fk_engine *engine, uint32_t id, struct fk_campaign **ret_c,
				const char **ret_field, struct fk_reason *reason)
{
	struct fk_campaign *c = fk_engine_record(engine, id);

	*ret_field = "id";
	if (c == NULL) {
		fk_reason_set(reason, "there is no such campaign");
		return FK_ENOTFOUND;
	}
	if (!fk_campaign_is_waiting(c)) {
		*ret_field = "state";
		fk_reason_set(reason, "the campaign is %s", fk_campaign_state_label(c->state));
		return FK_ESTALE;
	}
	*ret_field = NULL;
	*ret_c = c;
	return FK_OK;
}

/* Makes what became of a campaign that waits durable, and only then takes it over. */
static enum fk_err store_record(struct fk_engine *engine, const struct fk_campaign *changed,
				struct fk_reason *reason)
{
	struct fk_campaign *c = fk_engine_record(engine, changed->id);
	enum fk_err err = FK_ESTORE;

	if (fk_store_is_healthy(engine->store)) {
		fk_store_batch_begin(engine->store);
		fk_engine_put_record(engine, changed);
		err = fk_store_batch_commit(engine->store);
		if (err != FK_OK)
			fk_engine_store_failed(engine, "campaign record");
	}
	if (err == FK_OK)
		*c = *changed;
	else if (reason != NULL)
		fk_reason_set(reason, "the store is not available: %s",
			      fk_store_last_error(engine->store));
	return err;
}

/* What was asked for, as the record says it. */
static struct fk_campaign_request request_of(const struct fk_campaign *c)
{
	struct fk_campaign_request request = {
		.kind = c->kind,
		.n_keys = c->n_keys,
		.keyset_id = c->keyset_id,
		.superseded_keyset_id = c->superseded_keyset_id,
		.keys_of = c->keys_of,
		.pace_per_s = c->pace_per_s,
		.expire_after_s = c->expire_after_s,
		.closing = c->closing,
		.under_ckek = c->ckek_of != 0,
		.replaces_active = c->replaces_active,
		.members = {.naming = c->naming},
		.waves = c->waves,
		.gate = c->gate,
		.principal = c->planned_by,
		.supersedes = c->supersedes,
		.retry_of = c->retry_of,
		.stored_members_of = c->naming != FK_NAMED_NONE ? c->id : 0,
	};

	memcpy(request.group, c->group, sizeof(request.group));
	memcpy(request.members.area, c->area, sizeof(request.members.area));
	memcpy(request.slns, c->slns, sizeof(request.slns));
	return request;
}

struct member_reader {
	struct fk_members *members;
	bool only_failed;
};

static enum fk_err take_member_page(void *ctx, uint32_t page, const uint8_t *octets, size_t size)
{
	struct member_reader *reader = ctx;
	struct fk_delivery deliveries[FK_LEDGER_PAGE];
	enum fk_err err;

	if (size == 0)
		return FK_OK; /* it names nobody */
	err = fk_ledger_page_decode(octets, size, deliveries);
	for (uint32_t i = 0; err == FK_OK && i < FK_LEDGER_PAGE; i++) {
		uint8_t state = deliveries[i].state;
		bool is_in = state != FK_DELIVERY_NONE &&
			     (!reader->only_failed || state != FK_DELIVERY_ACKED);

		if (is_in == (reader->members->naming == FK_NAMED_ONLY))
			reader->members->pages[page] |= 1ull << i;
	}
	return err;
}

enum fk_err fk_engine_stored_members(const struct fk_engine *engine, uint32_t id, bool only_failed,
				     struct fk_members *ret_members)
{
	const struct fk_campaign *c = fk_engine_find_campaign((void *)(uintptr_t)engine, id);
	struct fk_members members = fk_members_of_unstored(engine->fleet, c);
	struct member_reader reader = {.members = &members, .only_failed = only_failed};
	enum fk_err err;

	if (only_failed)
		members.naming = FK_NAMED_ONLY;
	members.n_pages = fk_engine_n_pages(engine);
	members.pages = calloc(members.n_pages + 1, sizeof(*members.pages));
	if (members.pages == NULL)
		return FK_ENOMEM;
	err = fk_store_read_ledger_pages(engine->store, id, fk_fleet_page_shards(engine->fleet), 0,
					 members.n_pages, take_member_page, &reader);
	if (err != FK_OK)
		fk_members_fini(&members);
	else
		*ret_members = members;
	return err;
}

/* The ledger says who is named, and it is written before the record. */
static enum fk_err store_members(struct fk_engine *engine, const struct fk_campaign *c,
				 const struct fk_members *members)
{
	struct fk_scheduler *scheduler;
	enum fk_err err;

	if (c->naming == FK_NAMED_NONE)
		return FK_OK;
	err = fk_engine_make_deliveries(engine, c, members, &scheduler);
	if (err == FK_OK)
		fk_scheduler_free(scheduler);
	return err;
}

/* Stores a new campaign that waits, and takes it into the list. */
static enum fk_err add(struct fk_engine *engine, struct fk_campaign *c,
		       const struct fk_members *members, struct fk_reason *reason)
{
	enum fk_err err = FK_ESTORE;

	if (fk_store_is_healthy(engine->store))
		err = fk_engine_make_room(engine);
	if (err == FK_OK)
		err = fk_engine_new_id(engine, c);
	if (err == FK_OK)
		err = store_members(engine, c, members);
	if (err == FK_OK) {
		fk_store_batch_begin(engine->store);
		fk_engine_put_record(engine, c);
		err = fk_store_batch_commit(engine->store);
	}
	if (err == FK_ESTORE) {
		fk_reason_set(reason, "the store is not available: %s",
			      fk_store_last_error(engine->store));
		fk_engine_store_failed(engine, "campaign record");
	}
	if (err == FK_OK)
		engine->campaigns[engine->n_campaigns++] = *c;
	return err;
}

enum fk_err fk_engine_queue(struct fk_engine *engine, struct fk_campaign *c,
			    const struct fk_members *members, struct fk_reason *reason)
{
	enum fk_err err;

	c->state = FK_CAMPAIGN_SCHEDULED;
	c->scheduled_at_ms = c->created_at_ms;
	err = add(engine, c, members, reason);
	engine->look_for_due_at_us = 0;
	if (err == FK_OK)
		fk_log(FK_LOG_INFO, "campaign queued", "campaign=%u supersedes=%u", c->id,
		       engine->current->id);
	return err;
}

static enum fk_err plan_request(struct fk_engine *engine, const struct fk_campaign_request *request,
				uint32_t *ret_id, struct fk_plan *ret_plan, const char **ret_field,
				struct fk_reason *reason)
{
	struct fk_members members;
	struct fk_campaign c;
	enum fk_err err =
		fk_engine_draft(engine, request, &c, &members, ret_plan, ret_field, reason);

	if (err != FK_OK)
		return err;
	c.state = FK_CAMPAIGN_PLANNED;
	err = fk_engine_check_plan_of(engine, request, ret_plan, ret_field, reason);
	if (err == FK_OK)
		err = add(engine, &c, &members, reason);
	fk_members_fini(&members);
	if (err != FK_OK)
		return err;
	fk_log(FK_LOG_INFO, "campaign planned",
	       "campaign=%u kind=%s group=\"%s\" n_served=%u by_uid=%" PRId64, c.id,
	       fk_kind(c.kind)->label, c.group, c.n_planned, (int64_t)c.planned_by - 1);
	*ret_id = c.id;
	return FK_OK;
}

enum fk_err fk_engine_plan_new(struct fk_engine *engine, const struct fk_campaign_request *request,
			       uint32_t *ret_id, struct fk_plan *ret_plan, const char **ret_field,
			       struct fk_reason *reason)
{
	if (request->break_glass[0] != '\0') {
		*ret_field = "break_glass";
		fk_reason_set(reason, "begins at once, and is not planned");
		return FK_EINVAL;
	}
	*ret_field = NULL;
	return plan_request(engine, request, ret_id, ret_plan, ret_field, reason);
}

enum fk_err fk_engine_plan_retry(struct fk_engine *engine, uint32_t id, uint64_t principal,
				 uint32_t *ret_id, struct fk_plan *ret_plan, const char **ret_field,
				 struct fk_reason *reason)
{
	const struct fk_campaign *c = fk_engine_record(engine, id);
	struct fk_campaign_request request;

	*ret_field = "id";
	if (c == NULL) {
		fk_reason_set(reason, "there is no such campaign");
		return FK_ENOTFOUND;
	}
	if (!fk_campaign_is_final(c) || !fk_campaign_has_begun(c) || !c->is_folded) {
		*ret_field = "state";
		fk_reason_set(reason, "the campaign is %s, and %s",
			      fk_campaign_state_label(c->state),
			      fk_campaign_is_final(c) && fk_campaign_has_begun(c)
				      ? "its books are not closed yet: ask again in a moment"
				      : "has not come to its end");
		return FK_ESTALE;
	}
	if (engine->fleet == NULL || c->fleet_generation != fk_fleet_generation(engine->fleet)) {
		*ret_field = "fleet_generation";
		fk_reason_set(reason, "the fleet was replaced since");
		return FK_ESTALE;
	}
	fk_engine_flush(engine);
	request = request_of(c);
	request.keys_of = fk_kind(c->kind)->gives_keys ? c->id : c->keys_of;
	request.members.naming = FK_NAMED_ONLY;
	request.principal = principal;
	request.supersedes = false;
	request.under_ckek = false; /* who lacks the CKEK gets it under its own KEK */
	request.retry_of = request.stored_members_of = c->id;
	memset(&request.waves, 0, sizeof(request.waves));
	*ret_field = NULL;
	return plan_request(engine, &request, ret_id, ret_plan, ret_field, reason);
}

/* Names that stand in a ledger are those of the fleet that it was planned for. */
static enum fk_err check_fleet(const struct fk_engine *engine, const struct fk_campaign *c,
			       const char **ret_field, struct fk_reason *reason)
{
	if (engine->fleet != NULL && c->fleet_generation == fk_fleet_generation(engine->fleet))
		return FK_OK;
	*ret_field = "fleet_generation";
	fk_reason_set(reason,
		      "it was planned for fleet generation %" PRIu64
		      ", which is not in force any more: plan it again",
		      c->fleet_generation);
	return FK_ESTALE;
}

/* Drafts it anew. FK_OK: the caller ends the members. */
static enum fk_err draft_again(struct fk_engine *engine, const struct fk_campaign *c,
			       struct fk_campaign *ret_now, struct fk_members *ret_members,
			       struct fk_plan *ret_plan, const char **ret_field,
			       struct fk_reason *reason)
{
	struct fk_campaign_request request = request_of(c);
	enum fk_err err = FK_OK;

	if (c->naming != FK_NAMED_NONE)
		err = check_fleet(engine, c, ret_field, reason);
	if (err == FK_OK)
		err = fk_engine_draft(engine, &request, ret_now, ret_members, ret_plan, ret_field,
				      reason);
	if (err != FK_OK)
		return err;
	ret_now->id = c->id;
	ret_now->slot = c->slot;
	ret_now->generation = c->generation;
	ret_now->created_at_ms = c->created_at_ms;
	return FK_OK;
}

enum fk_err fk_engine_plan_again(struct fk_engine *engine, uint32_t id, uint64_t principal,
				 bool is_kept, struct fk_plan *ret_plan, const char **ret_field,
				 struct fk_reason *reason)
{
	struct fk_campaign *c = NULL, now;
	struct fk_members members;
	enum fk_err err = find_waiting(engine, id, &c, ret_field, reason);

	if (err == FK_OK)
		err = draft_again(engine, c, &now, &members, ret_plan, ret_field, reason);
	if (err != FK_OK)
		return err;
	fk_members_fini(&members);
	if (is_kept)
		return FK_OK;
	err = fk_engine_check_plan(engine, ret_plan, ret_field, reason);
	if (err != FK_OK)
		return err;
	now.state = FK_CAMPAIGN_PLANNED;
	now.created_at_ms = fk_engine_now_real_ms();
	now.planned_by = principal;
	return store_record(engine, &now, reason);
}

enum fk_err fk_engine_approve(struct fk_engine *engine, uint32_t id, uint64_t principal,
			      const char **ret_field, struct fk_reason *reason)
{
	static struct fk_plan plan;
	struct fk_campaign *c = NULL, now, changed;
	struct fk_members members;
	enum fk_err err = find_waiting(engine, id, &c, ret_field, reason);

	if (err != FK_OK)
		return err;
	changed = *c;
	err = fk_lifecycle_approve(&changed, principal, fk_engine_now_real_ms(), ret_field, reason);
	if (err == FK_OK)
		err = check_fleet(engine, c, ret_field, reason);
	if (err == FK_OK)
		err = draft_again(engine, c, &now, &members, &plan, ret_field, reason);
	if (err != FK_OK)
		return err;
	fk_members_fini(&members);
	if (now.plan_digest != c->plan_digest || now.n_planned != c->n_planned) {
		*ret_field = "members";
		fk_reason_set(reason,
			      "%u UEs would be served now, and %u, or others, were when it was "
			      "planned: plan it again",
			      now.n_planned, c->n_planned);
		return FK_ESTALE;
	}
	err = store_record(engine, &changed, reason);
	if (err == FK_OK)
		fk_log(FK_LOG_INFO, "campaign approved",
		       "campaign=%u planned_by_uid=%" PRId64 " approved_by_uid=%" PRId64, id,
		       (int64_t)changed.planned_by - 1, (int64_t)changed.approved_by - 1);
	return err;
}

enum fk_err fk_engine_review(struct fk_engine *engine, uint32_t id, uint64_t principal,
			     const char *note, const char **ret_field, struct fk_reason *reason)
{
	const struct fk_campaign *c = fk_engine_record(engine, id);
	struct fk_campaign changed;
	enum fk_err err;

	if (c == NULL) {
		*ret_field = "id";
		fk_reason_set(reason, "there is no such campaign");
		return FK_ENOTFOUND;
	}
	changed = *c;
	err = fk_break_glass_review(&changed, principal, fk_engine_now_real_ms(), note, ret_field,
				    reason);
	if (err == FK_OK) {
		*ret_field = NULL;
		fk_store_note_statement(engine->store);
		err = store_record(engine, &changed, reason);
	}
	if (err == FK_OK)
		fk_log(FK_LOG_WARN, "break-glass reviewed",
		       "campaign=%u ue_id=\"%s\" used_by_uid=%" PRId64 " reviewed_by_uid=%" PRId64
		       " note=\"%s\"",
		       id, changed.glass.ue_id, (int64_t)changed.planned_by - 1,
		       (int64_t)changed.glass.reviewed_by - 1, changed.glass.note);
	return err;
}

enum fk_err fk_engine_schedule(struct fk_engine *engine, uint32_t id, uint64_t at_ms,
			       const char *zone, const char **ret_field, struct fk_reason *reason)
{
	struct fk_campaign *c = NULL, changed;
	enum fk_err err = find_waiting(engine, id, &c, ret_field, reason);

	if (err != FK_OK)
		return err;
	changed = *c;
	err = fk_lifecycle_schedule(&changed, engine->config->campaign.approval,
				    at_ms != 0 ? at_ms : fk_engine_now_real_ms(), zone, ret_field,
				    reason);
	if (err == FK_OK && (c->naming != FK_NAMED_NONE || c->approved_by != FK_PRINCIPAL_NONE))
		err = check_fleet(engine, c, ret_field, reason);
	if (err == FK_OK)
		err = store_record(engine, &changed, reason);
	engine->look_for_due_at_us = 0;
	if (err == FK_OK)
		fk_log(FK_LOG_INFO, "campaign scheduled",
		       "campaign=%u at_ms=%" PRIu64 " zone=\"%s\"", id, changed.scheduled_at_ms,
		       changed.zone);
	return err;
}

enum fk_err fk_engine_drop_waiting(struct fk_engine *engine, uint32_t id, uint64_t principal)
{
	struct fk_campaign changed = *fk_engine_record(engine, id);
	enum fk_err err;

	changed.state = FK_CAMPAIGN_ABORTED;
	changed.finished_at_ms = fk_engine_now_real_ms();
	changed.stopped_by = principal;
	changed.is_folded = true; /* there is nothing to fold */
	err = store_record(engine, &changed, NULL);
	/* It does not begin any more, and that is stored when the store is back (I9). */
	if (err == FK_ESTORE && engine->withdrawn.id == 0) {
		*fk_engine_record(engine, id) = engine->withdrawn = changed;
		err = FK_OK;
	}
	if (err == FK_OK)
		fk_log(FK_LOG_WARN, "campaign aborted", "campaign=%u state=waiting by_uid=%" PRId64,
		       id, (int64_t)principal - 1);
	return err;
}

/* The plan does not hold any more, and somebody has to look at it. */
static void hold_back(struct fk_engine *engine, const struct fk_campaign *c,
		      const struct fk_reason *reason)
{
	struct fk_campaign changed = *c;

	fk_log(FK_LOG_ERROR, "campaign not started", "campaign=%u reason=\"%s\"", c->id,
	       reason->text);
	fk_lifecycle_withdraw(&changed, FK_HALT_PLAN_CHANGED);
	(void)store_record(engine, &changed, NULL); /* if not, it is tried again */
}

/* True if it cannot be for now, but may be later. */
static bool is_passing(enum fk_err err)
{
	return err == FK_EBUSY || err == FK_ESTORE || err == FK_ELINK || err == FK_ENOMEM;
}

static void start(struct fk_engine *engine, uint32_t id)
{
	static struct fk_plan plan;
	uint64_t now_us = fk_engine_now_us();
	struct fk_reason reason = {{0}};
	const struct fk_campaign *c = fk_engine_record(engine, id);
	struct fk_campaign now;
	struct fk_members members;
	const char *field = NULL;
	enum fk_err err = FK_OK;

	/* An approval is for one fleet. */
	if (c->approved_by != FK_PRINCIPAL_NONE)
		err = check_fleet(engine, c, &field, &reason);
	if (err == FK_OK)
		err = draft_again(engine, c, &now, &members, &plan, &field, &reason);
	if (err == FK_OK) {
		now.approved_by = c->approved_by;
		now.approved_at_ms = c->approved_at_ms;
		now.scheduled_at_ms = c->scheduled_at_ms;
		memcpy(now.zone, c->zone, sizeof(now.zone));
		err = fk_engine_check_plan(engine, &plan, &field, &reason);
		if (err == FK_OK)
			err = fk_engine_launch(engine, &now, &members, &plan, now_us);
		fk_members_fini(&members);
	}
	if (err == FK_OK)
		return;
	if (is_passing(err))
		engine->retry_start_at_us = now_us + RETRY_WAIT_MS * 1000ull;
	else
		hold_back(engine, fk_engine_record(engine, id), &reason);
}

/* The one that is due first. */
static const struct fk_campaign *find_due(const struct fk_engine *engine)
{
	uint64_t now_ms = fk_engine_now_real_ms();
	const struct fk_campaign *first = NULL;

	for (uint32_t i = 0; i < engine->n_campaigns; i++) {
		const struct fk_campaign *c = &engine->campaigns[i];

		if (fk_lifecycle_is_due(engine->config->campaign.approval, c, now_ms) &&
		    (first == NULL || c->scheduled_at_ms < first->scheduled_at_ms))
			first = c;
	}
	return first;
}

void fk_engine_start_due(struct fk_engine *engine)
{
	const struct fk_campaign *due;
	struct fk_reason reason = {{0}};
	uint64_t now_us = fk_engine_now_us();

	if (engine->may_not_start || now_us < engine->look_for_due_at_us ||
	    now_us < engine->retry_start_at_us)
		return;
	engine->look_for_due_at_us = now_us + DUE_POLL_MS * 1000 / 2;
	due = find_due(engine);
	if (due == NULL)
		return;
	if (fk_engine_is_active(engine) && fk_lifecycle_supersedes(due, engine->current)) {
		engine->current->superseded_by = due->id;
		fk_engine_end(engine, FK_CAMPAIGN_SUPERSEDED, FK_PRINCIPAL_NONE);
	}
	if (fk_engine_check_ready(engine, &reason) == FK_OK)
		start(engine, due->id);
}

void fk_engine_hold_starts(struct fk_engine *engine, bool is_held)
{
	engine->may_not_start = is_held;
}

int fk_engine_wait_due_ms(const struct fk_engine *engine)
{
	for (uint32_t i = 0; i < engine->n_campaigns; i++) {
		if (engine->campaigns[i].state == FK_CAMPAIGN_SCHEDULED)
			return engine->look_for_due_at_us == 0 && !engine->may_not_start
				       ? 0
				       : DUE_POLL_MS;
	}
	return -1;
}

enum fk_err fk_engine_walk_plan(struct fk_engine *engine, uint32_t id, uint32_t from,
				uint32_t limit, fk_plan_row_fn fn, void *ctx, uint32_t *ret_next,
				const char **ret_field, struct fk_reason *reason)
{
	struct fk_campaign *c = NULL, now;
	struct fk_members members;
	enum fk_err err = find_waiting(engine, id, &c, ret_field, reason);

	if (err == FK_OK)
		err = draft_again(engine, c, &now, &members, NULL, ret_field, reason);
	if (err != FK_OK)
		return err;
	fk_engine_walk_members(engine, &now, &members, from, limit, fn, ctx, ret_next);
	fk_members_fini(&members);
	return FK_OK;
}
