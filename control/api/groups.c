/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Crypto groups: GET shows their plans beside what the fleet says of them, PUT and DELETE change a
 * plan.
 */
#include <inttypes.h>
#include <string.h>

#include "api/call.h"
#include "api/group_request.h"
#include "log.h"

/* What a radio commonly has, P25 sheet 2.3. */
#define ACTIVE_KEYSET_DEFAULT	1
#define INACTIVE_KEYSET_DEFAULT 2

/* What is known of the latest CKEK of a group; null if it never got one. */
static json_t *ckek_json(const struct fk_app *app, const char *name)
{
	const struct fk_campaign *c = fk_engine_ckek_of(app->engine, name);
	char key_name[FK_KEY_NAME_SIZE];
	const struct fk_key_entry *entry;

	if (c == NULL)
		return json_null();
	(void)snprintf(key_name, sizeof(key_name), "ckek:%u:0", c->id);
	entry = fk_key_store_find(app->keys, key_name);
	return json_pack("{s:s, s:i, s:i, s:s, s:I}", "name", key_name, "key_id", c->key_ids[0],
			 "sln", c->slns[0], "state",
			 entry != NULL ? fk_key_record_label(&entry->record, fk_key_now_ms())
				       : "unknown",
			 "campaign", (json_int_t)c->id);
}

/* A group as it is; 'plan' may be NULL: nobody has given it one. */
static json_t *group_json(const struct fk_app *app, const char *name,
			  const struct fk_group_plan *plan)
{
	int32_t id = fk_fleet_find_group(app->fleet, name);
	json_t *slns = json_array();

	for (uint32_t i = 0; plan != NULL && i < plan->n_slns; i++)
		json_array_append_new(slns, json_integer(plan->slns[i]));
	return json_pack(
		"{s:s, s:I, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "name", name, "n_ues",
		(json_int_t)(id >= 0 ? fk_fleet_group_size(app->fleet, (uint32_t)id) : 0),
		"has_plan", plan != NULL, "slns", slns, "active_keyset_id",
		plan != NULL ? json_integer(plan->active_keyset_id) : json_null(),
		"inactive_keyset_id",
		plan != NULL ? json_integer(plan->inactive_keyset_id) : json_null(), "ckek_sln",
		plan != NULL && plan->ckek_sln != 0 ? json_integer(plan->ckek_sln) : json_null(),
		"ckek", ckek_json(app, name), "version",
		plan != NULL ? json_integer(plan->version) : json_null(), "changed_at",
		plan != NULL ? fk_call_timestamp(plan->changed_at_ms) : json_null());
}

static void refuse(struct fk_call *call, enum fk_err err, const char *field,
		   const struct fk_reason *reason)
{
	if (err == FK_EAUTH || err == FK_EFORMAT)
		fk_call_reply_problem(call, 500, "the record of the groups is damaged", NULL,
				      reason->text, NULL);
	else if (err == FK_ESTORE)
		fk_call_reply_err(call, err, NULL, fk_store_last_error(call->app->store));
	else
		fk_call_reply_err(call, err, field, reason->text);
}

/* False, and answered, if the plans cannot be read. */
static bool have_plans(struct fk_call *call)
{
	struct fk_reason reason = {.text = ""};
	enum fk_err err = fk_group_book_refresh(call->app->groups, &reason);

	if (err != FK_OK)
		refuse(call, err, NULL, &reason);
	return err == FK_OK;
}

static const struct fk_group_plan *find_plan(const struct fk_app *app, const char *name)
{
	return fk_group_book_find(app->groups, name, strlen(name));
}

/* First those with a plan, then those of the fleet without one. */
void fk_api_groups(struct fk_call *call)
{
	const struct fk_app *app = call->app;
	uint32_t n_plans, n_all, from, limit, i;
	json_t *items;

	if (fk_call_page(call, &from, &limit) != FK_OK || !have_plans(call))
		return;
	items = json_array();
	n_plans = fk_group_book_n(app->groups);
	n_all = n_plans + fk_fleet_n_groups(app->fleet);
	for (i = from; i < n_all && json_array_size(items) < limit; i++) {
		const struct fk_group_plan *plan = fk_group_book_at(app->groups, i);
		const char *name =
			plan != NULL ? plan->name : fk_fleet_group_name(app->fleet, i - n_plans);

		if (plan != NULL || find_plan(app, name) == NULL)
			json_array_append_new(items, group_json(app, name, plan));
	}
	fk_call_reply_json(call, 200,
			   json_pack("{s:o, s:o}", "items", items, "next_cursor",
				     i < n_all ? json_integer(i) : json_null()));
}

void fk_api_group_show(struct fk_call *call)
{
	const struct fk_group_plan *plan;

	if (!have_plans(call))
		return;
	plan = find_plan(call->app, call->name);
	if (plan == NULL && fk_fleet_find_group(call->app->fleet, call->name) < 0)
		fk_call_reply_err(call, FK_ENOTFOUND, "name",
				  "no UE of the fleet is in such a group, and it has no plan");
	else
		fk_call_reply_json(call, 200, group_json(call->app, call->name, plan));
}

/* An import is checked against the plans row by row. */
static bool refuse_during_import(struct fk_call *call)
{
	if (!call->imports->is_busy || call->imports->is_backup)
		return false;
	fk_call_reply_err(call, FK_EBUSY, NULL, fk_import_lock_reason(call->imports));
	return true;
}

void fk_api_group_set(struct fk_call *call)
{
	struct fk_group_plan wanted = {.active_keyset_id = ACTIVE_KEYSET_DEFAULT,
				       .inactive_keyset_id = INACTIVE_KEYSET_DEFAULT};
	struct fk_app *app = call->app;
	const struct fk_group_plan *plan;
	char field[FK_FIELD_NAME_SIZE];
	struct fk_reason reason = {.text = ""};
	const char *at_fault = field;
	enum fk_err err;

	if (refuse_during_import(call) || !have_plans(call))
		return;
	plan = find_plan(app, call->name);
	if (plan != NULL)
		wanted = *plan;
	err = fk_group_request_parse(call->body != NULL ? call->body : "", call->body_size, &wanted,
				     field, &reason);
	if (err == FK_EFORMAT) {
		fk_call_reply_err(call, err, NULL, reason.text);
		return;
	}
	/* A name that is too long is none; cut to its room and a character more it is none, too. */
	(void)snprintf(wanted.name, sizeof(wanted.name), "%s", call->name);
	if (err == FK_OK && strlen(call->name) > FK_NAME_SIZE_MAX) {
		fk_reason_set(&reason, "must have at most %u characters", FK_NAME_SIZE_MAX);
		at_fault = "name";
		err = FK_ERANGE;
	}
	if (err == FK_OK)
		err = fk_group_book_set(app->groups, app->fleet, &wanted, &at_fault, &reason);
	if (err != FK_OK) {
		refuse(call, err, at_fault, &reason);
		return;
	}
	plan = find_plan(app, call->name);
	fk_log(FK_LOG_INFO, "group plan set",
	       "group=\"%s\" version=%u n_slns=%u active_keyset_id=%u inactive_keyset_id=%u "
	       "ckek_sln=%u by_uid=%" PRId64,
	       plan->name, plan->version, plan->n_slns, plan->active_keyset_id,
	       plan->inactive_keyset_id, plan->ckek_sln, (int64_t)call->principal - 1);
	fk_call_reply_json(call, 200, group_json(app, plan->name, plan));
}

void fk_api_group_remove(struct fk_call *call)
{
	enum fk_err err;

	if (refuse_during_import(call) || !have_plans(call))
		return;
	err = fk_group_book_remove(call->app->groups, call->name);
	if (err == FK_ENOTFOUND) {
		fk_call_reply_err(call, err, "name", "there is no plan of such a group");
		return;
	}
	if (err != FK_OK) {
		refuse(call, err, NULL, &(struct fk_reason){.text = ""});
		return;
	}
	fk_log(FK_LOG_WARN, "group plan removed", "group=\"%s\" by_uid=%" PRId64, call->name,
	       (int64_t)call->principal - 1);
	fk_call_reply_json(call, 200, group_json(call->app, call->name, NULL));
}
