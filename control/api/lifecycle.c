/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is said to a campaign that waits: plan it again, approve it, when it begins; and to one that
 * has ended: retry it.
 */
#include <string.h>

#include "api/call.h"
#include "api/campaign_json.h"

#define LEAD_MAX_S 315360000 /* ten years: before a cryptoperiod ends */

static void reply_refused(struct fk_call *call, enum fk_err err, const char *field,
			  const struct fk_reason *reason)
{
	fk_call_reply_err(call, err, field, reason->text[0] != '\0' ? reason->text : NULL);
}

static void reply_campaign(struct fk_call *call)
{
	struct fk_engine *engine = call->app->engine;

	fk_call_reply_json(call, 200,
			   fk_api_campaign_json(engine, fk_engine_campaign(engine, call->id)));
}

static void plan(struct fk_call *call, bool is_kept)
{
	struct fk_plan now = {.n_members = 0};
	struct fk_reason reason = {{0}};
	const char *field = NULL;
	enum fk_err err = fk_engine_plan_again(call->app->engine, call->id, call->principal,
					       is_kept, &now, &field, &reason);

	if (err != FK_OK)
		reply_refused(call, err, field, &reason);
	else
		fk_api_reply_planned(call, call->id, &now);
}

void fk_api_campaign_plan(struct fk_call *call)
{
	plan(call, true);
}

void fk_api_campaign_plan_again(struct fk_call *call)
{
	plan(call, false);
}

struct row_writer {
	const struct fk_app *app;
	json_t *items;
};

static void write_row(void *ctx, uint32_t ue_index, enum fk_cause cause, enum fk_diff diff)
{
	static const char *const diffs[FK_DIFFS] = {[FK_DIFF_NEW] = "new",
						    [FK_DIFF_REPLACES] = "replaces",
						    [FK_DIFF_HELD] = "held",
						    [FK_DIFF_UNCERTAIN] = "uncertain"};
	struct row_writer *writer = ctx;
	char reason[FK_CAUSE_TEXT_SIZE];
	struct fk_fleet_ue ue;

	if (!fk_fleet_get(writer->app->fleet, ue_index, &ue))
		return;
	fk_cause_text((uint8_t)cause, 0, reason, sizeof(reason));
	json_array_append_new(writer->items, json_pack("{s:s, s:b, s:s, s:s}", "ue_id", ue.ue_id,
						       "served", cause == FK_CAUSE_NONE, "reason",
						       reason, "diff", diffs[diff]));
}

void fk_api_campaign_plan_ues(struct fk_call *call)
{
	struct row_writer writer = {.app = call->app};
	struct fk_reason reason = {{0}};
	const char *field = NULL;
	uint32_t from, limit, next = UINT32_MAX;
	enum fk_err err;

	if (fk_call_page(call, &from, &limit) != FK_OK)
		return;
	writer.items = json_array();
	err = fk_engine_walk_plan(call->app->engine, call->id, from, limit, write_row, &writer,
				  &next, &field, &reason);
	if (err != FK_OK) {
		json_decref(writer.items);
		reply_refused(call, err, field, &reason);
		return;
	}
	fk_call_reply_json(call, 200,
			   json_pack("{s:o, s:o}", "items", writer.items, "next_cursor",
				     next != UINT32_MAX ? json_integer(next) : json_null()));
}

void fk_api_campaign_approve(struct fk_call *call)
{
	struct fk_reason reason = {{0}};
	const char *field = NULL;
	enum fk_err err =
		fk_engine_approve(call->app->engine, call->id, call->principal, &field, &reason);

	if (err != FK_OK)
		reply_refused(call, err, field, &reason);
	else
		reply_campaign(call);
}

static void reply_scheduled(struct fk_call *call, enum fk_err err, const char *field,
			    const struct fk_reason *reason)
{
	if (err != FK_OK)
		reply_refused(call, err, field, reason);
	else
		reply_campaign(call);
}

static void schedule(struct fk_call *call, uint64_t at_ms, const char *zone)
{
	struct fk_reason reason = {{0}};
	const char *field = NULL;
	enum fk_err err =
		fk_engine_schedule(call->app->engine, call->id, at_ms, zone, &field, &reason);

	reply_scheduled(call, err, field, &reason);
}

void fk_api_campaign_start(struct fk_call *call)
{
	schedule(call, 0, "");
}

/* A text member; 'otherwise' if it is absent, NULL, with the reply made, if it is no text. */
static const char *text_of(struct fk_call *call, const json_t *body, const char *name,
			   const char *otherwise)
{
	const json_t *value = json_object_get(body, name);

	if (value == NULL && otherwise != NULL)
		return otherwise;
	if (value != NULL && json_is_string(value))
		return json_string_value(value);
	if (!fk_call_has_reply(call))
		fk_call_reply_err(call, FK_EINVAL, name, "must be a text");
	return NULL;
}

static bool has_unknown(struct fk_call *call, const json_t *body)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)body, name, value)
	{
		if (strcmp(name, "at") == 0 || strcmp(name, "zone") == 0 ||
		    strcmp(name, "fold") == 0 || strcmp(name, "before_end_s") == 0)
			continue;
		fk_call_reply_err(call, FK_EINVAL, name, "there is no such member");
		return true;
	}
	return false;
}

static void schedule_before_end(struct fk_call *call, const json_t *body, const json_t *lead)
{
	struct fk_reason reason = {{0}};
	const char *field = NULL;
	enum fk_err err;

	if (json_object_size(body) != 1) {
		fk_call_reply_err(call, FK_EINVAL, "before_end_s",
				  "stands alone: it says when, without a time");
		return;
	}
	if (!json_is_integer(lead) || json_integer_value(lead) < 0 ||
	    json_integer_value(lead) > LEAD_MAX_S) {
		fk_call_reply_err(call, FK_ERANGE, "before_end_s", "must be 0 to 315360000");
		return;
	}
	err = fk_engine_schedule_before_end(call->app->engine, call->id,
					    (uint32_t)json_integer_value(lead), &field, &reason);
	reply_scheduled(call, err, field, &reason);
}

static void schedule_body(struct fk_call *call, const json_t *body)
{
	const char *at, *zone, *fold_text, *field = NULL;
	enum fk_zone_fold fold = FK_ZONE_NO_FOLD;
	struct fk_reason reason = {{0}};
	uint64_t at_ms = 0;
	enum fk_err err;

	if (!json_is_object(body)) {
		fk_call_reply_err(call, FK_EFORMAT, NULL, "the body is no JSON object");
		return;
	}
	if (has_unknown(call, body))
		return;
	if (json_object_get(body, "before_end_s") != NULL) {
		schedule_before_end(call, body, json_object_get(body, "before_end_s"));
		return;
	}
	at = text_of(call, body, "at", NULL);
	zone = text_of(call, body, "zone", "UTC");
	fold_text = text_of(call, body, "fold", "");
	if (at == NULL || zone == NULL || fold_text == NULL)
		return;
	if (strcmp(fold_text, "earlier") == 0)
		fold = FK_ZONE_EARLIER;
	else if (strcmp(fold_text, "later") == 0)
		fold = FK_ZONE_LATER;
	else if (fold_text[0] != '\0') {
		fk_call_reply_err(call, FK_EINVAL, "fold", "must be earlier or later");
		return;
	}
	err = fk_zone_resolve(at, zone, fold, &at_ms, &field, &reason);
	if (err == FK_OK) {
		field = "at";
		err = fk_engine_check_ahead(at_ms, &reason);
	}
	if (err != FK_OK)
		reply_refused(call, err, field, &reason);
	else
		schedule(call, at_ms, zone);
}

void fk_api_campaign_schedule(struct fk_call *call)
{
	json_t *body = fk_call_json(call);

	schedule_body(call, body);
	json_decref(body);
}

void fk_api_campaign_retry(struct fk_call *call)
{
	struct fk_plan plan_of_it = {.n_members = 0};
	struct fk_reason reason = {{0}};
	const char *field = NULL;
	uint32_t id = 0;
	enum fk_err err = fk_engine_plan_retry(call->app->engine, call->id, call->principal, &id,
					       &plan_of_it, &field, &reason);

	if (err != FK_OK)
		reply_refused(call, err, field, &reason);
	else
		fk_api_reply_planned(call, id, &plan_of_it);
}
