/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "api/call.h"
#include "api/campaign_json.h"
#include "api/campaign_request.h"
#include "api/waves_request.h"
#include "campaign/account.h"
#include "campaign/refusal.h"

static double rounded(double value)
{
	return round(value * 1000) / 1000;
}

static json_t *states_json(const struct fk_campaign *c)
{
	json_t *states = json_object();

	for (uint8_t i = FK_DELIVERY_PENDING; i < FK_DELIVERY_STATES; i++)
		json_object_set_new(states, fk_delivery_state_label(i), json_integer(c->states[i]));
	return states;
}

static json_t *seconds_to_json(const struct fk_campaign *c)
{
	static const char *const names[FK_MILESTONES] = {"50", "99", "99.9", "100"};
	json_t *seconds = json_object();

	for (uint32_t i = 0; i < FK_MILESTONES; i++)
		json_object_set_new(
			seconds, names[i],
			c->milestones_ms[i] == FK_MILESTONE_NONE
				? json_null()
				: json_real(rounded((double)c->milestones_ms[i] / 1000)));
	return seconds;
}

static json_t *halt_json(const struct fk_campaign *c)
{
	char text[FK_CAUSE_TEXT_SIZE];

	if (c->halt == FK_HALT_NONE)
		return json_null();
	if (c->halt_status == 0)
		return json_string(fk_halt_label(c->halt));
	fk_cause_text(FK_CAUSE_SIP, c->halt_status, text, sizeof(text));
	return json_string(text);
}

static json_t *numbers_json(const uint16_t *numbers, uint32_t n)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < n; i++)
		json_array_append_new(list, json_integer(numbers[i]));
	return list;
}

/* Next hops that refuse everybody, with the reason; what is left there waits. */
static json_t *stopped_json(const struct fk_engine *engine, const struct fk_campaign *c)
{
	json_t *list = json_array();
	uint16_t detail = 0;
	const char *name;

	for (uint32_t i = 0; (name = fk_engine_next_hop(engine, c, i, &detail)) != NULL; i++) {
		char text[FK_CAUSE_TEXT_SIZE];

		if (detail == 0)
			continue;
		fk_cause_text(FK_CAUSE_SIP, detail, text, sizeof(text));
		json_array_append_new(list, json_pack("{s:s, s:s}", "name", name, "reason", text));
	}
	return list;
}

/* Next hops that are left alone because they are overloaded. */
static json_t *waiting_json(const struct fk_engine *engine, const struct fk_campaign *c)
{
	json_t *list = json_array();
	uint16_t detail;
	const char *name;

	for (uint32_t i = 0; (name = fk_engine_next_hop(engine, c, i, &detail)) != NULL; i++) {
		char text[FK_CAUSE_TEXT_SIZE];
		struct fk_hop_wait wait;

		if (!fk_engine_hop_wait(engine, c, i, &wait))
			continue;
		fk_cause_text(FK_CAUSE_SIP, FK_SIP_OVERLOADED, text, sizeof(text));
		json_array_append_new(list,
				      json_pack("{s:s, s:s, s:o, s:o, s:I}", "name", name, "reason",
						text, "since", fk_call_timestamp(wait.since_ms),
						"until", fk_call_timestamp(wait.until_ms),
						"n_waits", (json_int_t)wait.n_waits));
	}
	return list;
}

/* A number that is null where it is 0. */
static json_t *known(uint16_t size)
{
	return size != 0 ? json_integer(size) : json_null();
}

/* Whose UEs were named when it was made, or null. */
static json_t *area_json(const struct fk_campaign *c)
{
	return c->area[0] != '\0' ? json_string(c->area) : json_null();
}

/* Who of the group it is for. */
static const char *naming_label(const struct fk_campaign *c)
{
	switch ((enum fk_naming)c->naming) {
	case FK_NAMED_ONLY:
		return "named";
	case FK_NAMED_BUT:
		return "all_but_named";
	case FK_NAMED_NONE:
		break;
	}
	return "all";
}

/* The wave in force; its figures as long as the campaign is the one in force. */
static json_t *wave_json(struct fk_engine *engine, const struct fk_campaign *c)
{
	json_t *wave = json_pack("{s:I, s:I}", "number", (json_int_t)c->wave + 1, "of",
				 (json_int_t)fk_campaign_n_waves(c));
	struct fk_wave_tally t;
	enum fk_gate_state state;

	if (!fk_engine_wave(engine, c, &t, &state))
		return wave;
	json_object_update_new(
		wave,
		json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "gate",
			  c->halt != FK_HALT_NONE && state != FK_GATE_SENDING
				  ? fk_gate_state_label(FK_GATE_SHUT)
				  : fk_gate_state_label(state),
			  "n_deliveries", (json_int_t)t.n, "unsent", (json_int_t)t.n_unsent,
			  "ended", (json_int_t)t.n_final, "acked", (json_int_t)t.n_acked, "living",
			  (json_int_t)t.n_living, "offline", (json_int_t)t.n_offline));
	return wave;
}

static json_t *id_json(uint32_t id)
{
	return id != 0 ? json_integer(id) : json_null();
}

/* Who and when, before it began, and what it has to do with others. */
static void put_lifecycle(json_t *object, const struct fk_campaign *c)
{
	json_object_update_new(
		object,
		json_pack("{s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:I, s:o, s:b, s:o, s:b}",
			  "planned_by_uid", fk_api_uid_json(c->planned_by), "approved_by_uid",
			  fk_api_uid_json(c->approved_by), "stopped_by_uid",
			  fk_api_uid_json(c->stopped_by), "approved_at",
			  fk_call_timestamp(c->approved_at_ms), "scheduled_at",
			  fk_call_timestamp(c->scheduled_at_ms), "zone", c->zone, "started_at",
			  fk_call_timestamp(c->started_at_ms), "n_planned",
			  (json_int_t)c->n_planned, "retry_of", id_json(c->retry_of), "supersedes",
			  c->supersedes, "superseded_by", id_json(c->superseded_by),
			  "replaces_active", c->replaces_active));
}

json_t *fk_api_review_json(const struct fk_campaign *c)
{
	const struct fk_break_glass *glass = &c->glass;

	if (glass->reviewed_by == FK_PRINCIPAL_NONE)
		return json_null();
	return json_pack("{s:o, s:o, s:s}", "by_uid", fk_api_uid_json(glass->reviewed_by), "at",
			 fk_call_timestamp(glass->reviewed_at_ms), "note", glass->note);
}

/* Who has zeroized alone and why, and who has looked at it. */
static void put_break_glass(json_t *object, const struct fk_campaign *c)
{
	bool was_used = fk_break_glass_was_used(&c->glass);
	json_t *glass = json_null(), *review = json_null();

	if (was_used) {
		glass = json_pack("{s:o, s:o, s:s, s:s}", "by_uid", fk_api_uid_json(c->planned_by),
				  "at", fk_call_timestamp(c->created_at_ms), "ue_id",
				  c->glass.ue_id, "reason", c->glass.reason);
		review = json_string(fk_break_glass_is_pending(&c->glass) ? "pending" : "done");
	}
	json_object_set_new(object, "break_glass", glass);
	json_object_set_new(object, "review", review);
	json_object_set_new(object, "reviewed", fk_api_review_json(c));
}

json_t *fk_api_uid_json(uint64_t principal)
{
	return principal != FK_PRINCIPAL_NONE ? json_integer((json_int_t)principal - 1)
					      : json_null();
}

/* 'sln' and 'key_id' are those of the first key. */
json_t *fk_api_campaign_json(struct fk_engine *engine, const struct fk_campaign *c)
{
	uint64_t elapsed_ms = fk_engine_elapsed_ms(engine, c);
	double per_s = elapsed_ms > 0 ? (double)c->n_messages * 1000 / (double)elapsed_ms : 0;
	json_t *object;

	object = json_pack(
		"{s:I, s:s, s:s, s:s, s:o, s:o, s:o, s:i, s:o, s:I, s:b, s:o, s:o, s:I,"
		" s:o, s:I, s:I, s:I, s:o, s:f, s:i, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:o}",
		"id", (json_int_t)c->id, "kind", fk_kind(c->kind)->label, "group", c->group,
		"state", fk_campaign_state_label(c->state), "halt_reason", halt_json(c), "sln",
		known(c->slns[0]), "keyset_id", known(c->keyset_id), "algorithm_id",
		c->algorithm_id, "key_id", known(c->key_ids[0]), "pace_per_s",
		(json_int_t)c->pace_per_s, "closing", c->closing, "created_at",
		fk_call_timestamp(c->created_at_ms), "finished_at",
		fk_call_timestamp(c->finished_at_ms), "n_deliveries", (json_int_t)c->n_deliveries,
		"states", states_json(c), "acked", (json_int_t)c->n_held, "proven",
		(json_int_t)c->n_proven, "n_messages", (json_int_t)c->n_messages, "seconds_to",
		seconds_to_json(c), "messages_per_second", rounded(per_s), "n_keys", c->n_keys,
		"slns", numbers_json(c->slns, c->n_keys), "key_ids",
		numbers_json(c->key_ids, c->n_keys), "stopped_next_hops", stopped_json(engine, c),
		"superseded_keyset_id", known(c->superseded_keyset_id), "keys_of",
		c->keys_of != 0 ? json_integer(c->keys_of) : json_null(), "ues", naming_label(c),
		"waves", fk_waves_json(&c->waves), "gate", fk_gate_json(&c->gate), "wave",
		wave_json(engine, c));
	json_object_set_new(object, "area", area_json(c));
	put_lifecycle(object, c);
	put_break_glass(object, c);
	json_object_set_new(object, "waiting_next_hops", waiting_json(engine, c));
	json_object_set_new(object, "settles_recovery", id_json(c->settles));
	json_object_set_new(object, "ckek_of", id_json(c->ckek_of));
	json_object_set_new(object, "wave_history", fk_api_wave_history_json(c));
	json_object_set_new(object, "expire_after_s",
			    c->expire_after_s != 0 ? json_integer(c->expire_after_s) : json_null());
	return object;
}

static void reply_campaign(struct fk_call *call, unsigned status, uint32_t id)
{
	struct fk_engine *engine = call->app->engine;
	const struct fk_campaign *c = fk_engine_campaign(engine, id);

	if (c == NULL)
		fk_call_reply_err(call, FK_ENOTFOUND, "id", "there is no such campaign");
	else
		fk_call_reply_json(call, status, fk_api_campaign_json(engine, c));
}

static enum fk_err want(struct fk_call *call, const char *name, bool *ret_wanted)
{
	const char *value = fk_call_query(call, name);

	*ret_wanted = value != NULL && strcmp(value, "true") == 0;
	if (value == NULL || *ret_wanted || strcmp(value, "false") == 0)
		return FK_OK;
	fk_call_reply_err(call, FK_EINVAL, name, "must be true or false");
	return FK_EINVAL;
}

/* Size and limit of the first message that does not fit, or NULL. */
static json_t *size_members(const struct fk_plan *plan)
{
	for (uint32_t i = 0; i < plan->n_excluded; i++) {
		const struct fk_plan_excluded *e = &plan->excluded[i];

		if (e->cause == FK_CAUSE_TOO_LARGE)
			return json_pack("{s:i, s:i}", "size", e->size, "limit", e->limit);
	}
	return NULL;
}

/* What is beyond its limit: a message, an SDS payload, a KMM, or what the UE takes of one. */
static const char *limit_label(uint8_t limit_of)
{
	switch (limit_of) {
	case FK_PLAN_LIMIT_TRANSPORT:
		return "kmm";
	case FK_PLAN_LIMIT_PAYLOAD:
		return "payload";
	case FK_PLAN_LIMIT_UE:
		return "ue";
	}
	return "message";
}

static json_t *excluded_json(const struct fk_app *app, const struct fk_plan *plan)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < plan->n_excluded; i++) {
		const struct fk_plan_excluded *e = &plan->excluded[i];
		char reason[FK_CAUSE_TEXT_SIZE];
		struct fk_fleet_ue ue;
		json_t *item;

		if (!fk_fleet_get(app->fleet, e->ue_index, &ue))
			continue;
		fk_cause_text(e->cause, 0, reason, sizeof(reason));
		item = json_pack("{s:s, s:s}", "ue_id", ue.ue_id, "reason", reason);
		if (e->cause == FK_CAUSE_TOO_LARGE) {
			json_object_set_new(item, "size", json_integer(e->size));
			json_object_set_new(item, "limit", json_integer(e->limit));
			json_object_set_new(item, "limit_of",
					    json_string(limit_label(e->limit_of)));
		}
		json_array_append_new(list, item);
	}
	return list;
}

/* Keys of the largest KMM to a UE, the fewest and the most; null
 * while no dataplane has said how large messages get. */
static void split_json(const struct fk_plan *plan, json_t *object)
{
	bool is_known = plan->size_max != 0;

	json_object_set_new(object, "keys_per_kmm_min", known(is_known ? plan->keys_min : 0));
	json_object_set_new(object, "keys_per_kmm_max", known(is_known ? plan->keys_max : 0));
	json_object_set_new(object, "kmms_per_ue_min",
			    known(is_known ? (uint16_t)plan->kmms_min : 0));
	json_object_set_new(object, "kmms_per_ue_max",
			    known(is_known ? (uint16_t)plan->kmms_max : 0));
	json_object_set_new(object, "n_limited_by_ue", json_integer(plan->n_limited));
}

/* What goes to each next hop of members, how large it is, and what one at a time means there. */
static json_t *hops_json(const struct fk_app *app, const struct fk_plan *plan)
{
	static const char *const profiles[] = {
		[FK_PROFILE_A] = "A", [FK_PROFILE_B] = "B", [FK_PROFILE_C] = "C"};
	json_t *list = json_array();

	for (uint32_t i = 0; i < app->config->n_next_hops; i++) {
		const struct fk_config_next_hop *hop = &app->config->next_hops[i];
		const struct fk_plan_hop *p = &plan->hops[i];
		bool is_t2 = hop->carrier == FK_CARRIER_T2;

		if (p->n_members == 0)
			continue;
		json_array_append_new(
			list,
			json_pack(
				"{s:s, s:s, s:s?, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:b, s:o}",
				"name", hop->name, "carrier", is_t2 ? "T2" : "T1", "profile",
				is_t2 ? NULL : profiles[hop->profile], "n_deliveries",
				(json_int_t)p->n_members, "n_served", (json_int_t)p->n_served,
				"n_kmms", (json_int_t)p->n_kmms, "message_size_min",
				known(p->size_min), "message_size_max", known(p->size_max),
				"message_size_refused", known(p->size_refused),
				"message_size_limit", known(p->limit), "one_at_a_time",
				plan->terms.one_at_a_time[i], "predicted_s",
				plan->terms.one_at_a_time[i]
					? json_real(rounded(
						  (double)fk_plan_hop_predicted_ms(plan, i) / 1000))
					: json_null()));
	}
	return list;
}

json_t *fk_api_plan_json(const struct fk_app *app, const struct fk_campaign *c,
			 const struct fk_plan *plan)
{
	json_t *reasons = json_object(), *object;

	for (uint8_t i = 0; i < FK_CAUSES; i++) {
		char reason[FK_CAUSE_TEXT_SIZE];

		if (plan->n_causes[i] == 0)
			continue;
		fk_cause_text(i, 0, reason, sizeof(reason));
		json_object_set_new(reasons, reason, json_integer(plan->n_causes[i]));
	}
	object =
		json_pack("{s:b, s:s, s:s, s:o, s:o, s:I, s:b, s:I, s:I, s:I, s:I, s:o, s:o, s:o,"
			  " s:o, s:f, s:o, s:o, s:i, s:o}",
			  "dry_run", true, "kind", fk_kind(c->kind)->label, "group", c->group,
			  "sln", known(c->slns[0]), "keyset_id", known(c->keyset_id), "pace_per_s",
			  (json_int_t)plan->terms.pace_per_s, "closing", c->closing, "n_deliveries",
			  (json_int_t)plan->n_members, "n_served", (json_int_t)plan->n_served,
			  "n_excluded", (json_int_t)(plan->n_members - plan->n_served), "n_kmms",
			  (json_int_t)plan->n_kmms, "payload_size", known(plan->payload),
			  "message_size_min", known(plan->size_min), "message_size_max",
			  known(plan->size_max), "message_size_limit", known(plan->limit_min),
			  "predicted_s", rounded((double)fk_plan_predicted_ms(plan) / 1000),
			  "reasons", reasons, "excluded", excluded_json(app, plan), "n_keys",
			  c->n_keys, "slns", numbers_json(c->slns, c->n_keys));
	json_object_set_new(object, "ues", json_string(naming_label(c)));
	json_object_set_new(object, "area", area_json(c));
	json_object_set_new(object, "superseded_keyset_id", known(c->superseded_keyset_id));
	json_object_set_new(object, "keys_of",
			    c->keys_of != 0 ? json_integer(c->keys_of) : json_null());
	json_object_set_new(object, "ckek_of",
			    c->ckek_of != 0 ? json_integer(c->ckek_of) : json_null());
	split_json(plan, object);
	json_object_set_new(object, "diff",
			    json_pack("{s:I, s:I, s:I, s:I}", "new",
				      (json_int_t)plan->n_diffs[FK_DIFF_NEW], "replaces",
				      (json_int_t)plan->n_diffs[FK_DIFF_REPLACES], "held",
				      (json_int_t)plan->n_diffs[FK_DIFF_HELD], "uncertain",
				      (json_int_t)plan->n_diffs[FK_DIFF_UNCERTAIN]));
	json_object_set_new(
		object, "needs_approval",
		json_boolean(fk_lifecycle_needs_approval(app->config->campaign.approval, c)));
	json_object_set_new(object, "next_hops", hops_json(app, plan));
	return object;
}

/* What stands in the way of a campaign, or of its plan. */
static void reply_refusal(struct fk_call *call, enum fk_err err, const char *field,
			  const struct fk_reason *reason, const struct fk_plan *plan)
{
	if (field != NULL)
		fk_call_reply_problem(call, err == FK_EPOLICY ? 403 : 400, fk_err_text(err), field,
				      reason->text, size_members(plan));
	else
		fk_call_reply_problem(call, err == FK_EINVAL ? 409 : fk_problem_status(err),
				      fk_err_text(err), NULL,
				      reason->text[0] != '\0' ? reason->text : NULL, NULL);
}

void fk_api_reply_planned(struct fk_call *call, uint32_t id, const struct fk_plan *plan)
{
	const struct fk_campaign *c = fk_engine_campaign(call->app->engine, id);
	json_t *object = fk_api_campaign_json(call->app->engine, c);
	json_t *planned = fk_api_plan_json(call->app, c, plan);

	(void)json_object_del(planned, "dry_run");
	json_object_set_new(object, "plan", planned);
	fk_call_reply_json(call, 201, object);
}

static void answer_request(struct fk_call *call, const struct fk_campaign_request *request,
			   bool is_dry_run, bool is_plan)
{
	struct fk_plan plan = {.n_members = 0};
	struct fk_reason reason = {{0}};
	const char *field = NULL;
	struct fk_campaign planned;
	uint32_t id = 0;
	enum fk_err err;

	if (!is_dry_run && !is_plan && call->imports->is_busy) {
		fk_call_reply_err(call, FK_EBUSY, NULL, fk_import_lock_reason(call->imports));
		return;
	}
	if (is_dry_run)
		err = fk_engine_plan(call->app->engine, request, &planned, &plan, &field, &reason);
	else if (is_plan)
		err = fk_engine_plan_new(call->app->engine, request, &id, &plan, &field, &reason);
	else
		err = fk_engine_create(call->app->engine, request, &id, &plan, &field, &reason);
	if (err != FK_OK)
		reply_refusal(call, err, field, &reason, &plan);
	else if (is_dry_run)
		fk_call_reply_json(call, 200, fk_api_plan_json(call->app, &planned, &plan));
	else if (is_plan)
		fk_api_reply_planned(call, id, &plan);
	else
		reply_campaign(call, 201, id);
}

void fk_api_campaign_create(struct fk_call *call)
{
	struct fk_campaign_request request;
	char field[FK_FIELD_NAME_SIZE];
	struct fk_reason reason = {{0}};
	bool is_dry_run, is_plan;
	enum fk_err err;

	if (want(call, "dry_run", &is_dry_run) != FK_OK || want(call, "plan", &is_plan) != FK_OK)
		return;
	err = fk_campaign_request_parse(call->body != NULL ? call->body : "", call->body_size,
					&request, field, &reason);
	if (err != FK_OK) {
		fk_call_reply_err(call, err, field[0] != '\0' ? field : NULL, reason.text);
		return;
	}
	request.principal = call->principal;
	answer_request(call, &request, is_dry_run, is_plan);
	fk_campaign_request_fini(&request);
}

/* 'review' is what is asked for, or NULL. */
static bool is_reviewed_so(const struct fk_campaign *c, const char *review)
{
	if (review == NULL)
		return true;
	return fk_break_glass_was_used(&c->glass) &&
	       fk_break_glass_is_pending(&c->glass) == (strcmp(review, "pending") == 0);
}

void fk_api_campaign_list(struct fk_call *call)
{
	struct fk_engine *engine = call->app->engine;
	const char *review = fk_call_query(call, "review");
	json_t *items;
	uint32_t from, limit, n = fk_engine_n_campaigns(engine), i;

	if (fk_call_page(call, &from, &limit) != FK_OK)
		return;
	if (review != NULL && strcmp(review, "pending") != 0 && strcmp(review, "done") != 0) {
		fk_call_reply_err(call, FK_EINVAL, "review", "must be pending or done");
		return;
	}
	items = json_array();
	for (i = from; i < n && json_array_size(items) < limit; i++) {
		const struct fk_campaign *c = fk_engine_campaign_at(engine, i);

		json_t *item;

		if (!is_reviewed_so(c, review))
			continue;
		item = fk_api_campaign_json(engine, c);
		(void)json_object_del(item, "wave_history"); /* too long for a list */
		json_array_append_new(items, item);
	}
	fk_call_reply_json(call, 200,
			   json_pack("{s:o, s:o}", "items", items, "next_cursor",
				     i < n ? json_integer(i) : json_null()));
}

void fk_api_campaign_show(struct fk_call *call)
{
	reply_campaign(call, 200, call->id);
}

/* What an operator says to the campaign that is in force. */
static void command(struct fk_call *call,
		    enum fk_err (*say)(struct fk_engine *, uint32_t, uint64_t))
{
	enum fk_err err = say(call->app->engine, call->id, call->principal);

	if (err == FK_ESTALE)
		fk_call_reply_err(call, err, "state", "the campaign is at its end");
	else if (err == FK_ESTORE)
		fk_call_reply_err(call, err, NULL, fk_store_last_error(call->app->store));
	else
		reply_campaign(call, 200, call->id);
}

void fk_api_campaign_abort(struct fk_call *call)
{
	command(call, fk_engine_abort);
}

void fk_api_campaign_pause(struct fk_call *call)
{
	command(call, fk_engine_pause);
}

void fk_api_campaign_halt(struct fk_call *call)
{
	command(call, fk_engine_halt);
}

void fk_api_campaign_resume(struct fk_call *call)
{
	command(call, fk_engine_resume);
}

json_t *fk_api_reasons_json(struct fk_engine *engine, const struct fk_campaign *c)
{
	struct fk_cause_count causes[FK_CAMPAIGN_CAUSES_MAX];
	uint32_t n = fk_engine_causes(engine, c, causes);
	json_t *reasons = json_object();

	for (uint32_t i = 0; i < n; i++)
		json_object_set_new(reasons, causes[i].text, json_integer(causes[i].n));
	return reasons;
}

void fk_api_campaign_report(struct fk_call *call)
{
	struct fk_engine *engine = call->app->engine;
	const struct fk_campaign *c = fk_engine_campaign(engine, call->id);
	json_t *report;

	if (c == NULL) {
		fk_call_reply_err(call, FK_ENOTFOUND, "id", "there is no such campaign");
		return;
	}
	report = fk_api_campaign_json(engine, c);
	json_object_set_new(report, "is_final", json_boolean(fk_campaign_is_final(c)));
	json_object_set_new(report, "elapsed_s",
			    json_real(rounded((double)fk_engine_elapsed_ms(engine, c) / 1000)));
	json_object_set_new(report, "reasons", fk_api_reasons_json(engine, c));
	fk_call_reply_json(call, 200, report);
}

struct row_writer {
	const struct fk_campaign *campaign;
	json_t *items;
};

/* One object for each key that the campaign gives: which one, and what is known of it at this UE.
 */
static json_t *keys_json(const struct fk_campaign *c, const struct fk_delivery *d)
{
	uint32_t n = fk_campaign_n_given(c);
	json_t *list = json_array();

	for (uint32_t i = 0; i < n; i++)
		json_array_append_new(list, json_pack("{s:i, s:i, s:s}", "sln", c->slns[i],
						      "key_id", c->key_ids[i], "state",
						      fk_delivery_key_label(d, n, i)));
	return list;
}

/* KMMs of the delivery; 0 where no key fits one. */
static uint32_t n_steps(const struct fk_campaign *c, const struct fk_delivery *d)
{
	if (d->keys_per_kmm == 0)
		return 0;
	return (fk_campaign_n_given(c) + d->keys_per_kmm - 1u) / d->keys_per_kmm +
	       fk_kind(c->kind)->n_commands + c->closing;
}

static void write_row(void *ctx, const struct fk_account_ue *ue, const struct fk_delivery *d)
{
	struct row_writer *writer = ctx;
	const struct fk_campaign *c = writer->campaign;
	bool is_done = (d->flags & fk_campaign_goal(c)) != 0;
	char reason[FK_CAUSE_TEXT_SIZE];

	fk_cause_text(d->cause, d->cause_detail, reason, sizeof(reason));
	json_array_append_new(
		writer->items,
		json_pack("{s:s, s:s, s:s, s:b, s:b, s:i, s:i, s:i, s:i, s:i, s:i, s:o, s:i, s:i,"
			  " s:i, s:o, s:b}",
			  "ue_id", ue->ue_id, "state", fk_delivery_state_label(d->state), "reason",
			  reason, "held", (d->flags & FK_DELIVERY_HELD) != 0, "proven",
			  (d->flags & FK_DELIVERY_PROVEN) != 0, "keyset_id", c->keyset_id, "sln",
			  c->slns[0], "algorithm_id", c->algorithm_id, "key_id", c->key_ids[0],
			  "attempts", d->tries, "message_number", d->number, "acked_ms",
			  is_done ? json_integer(d->acked_ms) : json_null(), "n_steps",
			  n_steps(c, d), "steps_done", d->step + (d->state == FK_DELIVERY_ACKED),
			  "keys_held", __builtin_popcount(d->keys_held), "keys", keys_json(c, d),
			  "performed", (d->flags & FK_DELIVERY_PERFORMED) != 0));
}

void fk_api_reply_account_err(struct fk_call *call, enum fk_err err)
{
	const char *reason = NULL;

	if (err == FK_ESTALE)
		reason = "the fleet was replaced since this campaign, and it is not known any more "
			 "who its UEs were (store.rosters)";
	else if (err == FK_ESTORE)
		reason = fk_store_last_error(call->app->store);
	fk_call_reply_err(call, err, NULL, reason);
}

void fk_api_campaign_deliveries(struct fk_call *call)
{
	struct fk_engine *engine = call->app->engine;
	struct row_writer writer = {.campaign = fk_engine_campaign(engine, call->id)};
	struct fk_account *account = NULL;
	uint32_t from, limit, next;
	enum fk_err err;

	if (fk_call_page(call, &from, &limit) != FK_OK)
		return;
	writer.items = json_array();
	err = fk_account_new(engine, call->app->keyring, call->id, &account);
	if (err == FK_OK)
		err = fk_account_walk(account, from, limit, write_row, &writer, &next);
	fk_account_free(account);
	if (err != FK_OK) {
		json_decref(writer.items);
		fk_api_reply_account_err(call, err);
		return;
	}
	fk_call_reply_json(call, 200,
			   json_pack("{s:o, s:o}", "items", writer.items, "next_cursor",
				     next != UINT32_MAX ? json_integer(next) : json_null()));
}
