/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "api/call.h"
#include "fleet/status.h"
#include "log.h"

void fk_api_fleet(struct fk_call *call)
{
	const struct fk_fleet *fleet = call->app->fleet;
	json_t *groups = json_array(), *statuses = json_object(), *presence = json_object();

	for (uint8_t i = 0; i < FK_UE_STATUSES; i++)
		json_object_set_new(statuses, fk_ue_status_label(i),
				    json_integer(fk_fleet_n_with_status(fleet, i)));
	for (uint8_t i = 0; i < FK_PRESENCES; i++)
		json_object_set_new(presence, fk_presence_label(i),
				    json_integer(fk_fleet_n_with_presence(fleet, i)));
	for (uint32_t i = 0; i < fk_fleet_n_groups(fleet); i++)
		json_array_append_new(groups, json_pack("{s:s, s:I}", "name",
							fk_fleet_group_name(fleet, i), "n_ues",
							(json_int_t)fk_fleet_group_size(fleet, i)));
	fk_call_reply_json(call, 200,
			   json_pack("{s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o}", "fleet_generation",
				     (json_int_t)fk_fleet_generation(fleet), "n_ues",
				     (json_int_t)fk_fleet_n_ues(fleet), "n_pages",
				     (json_int_t)fk_fleet_n_pages(fleet), "n_areas",
				     (json_int_t)fk_fleet_n_areas(fleet), "statuses", statuses,
				     "presence", presence, "own_keys", fk_own_keys_overview(fleet),
				     "groups", groups));
}

/* null: what P25 allows. */
static json_t *limit_json(uint32_t limit)
{
	return limit != 0 ? json_integer(limit) : json_null();
}

/* One UE without its keys. */
static json_t *ue_json(const struct fk_app *app, const struct fk_fleet_ue *ue)
{
	const char *area = fk_fleet_area_name(app->fleet, ue->area_id);
	json_t *groups = json_array(), *keys = json_array();

	for (int kind = 0; kind < FK_OWN_KEYS; kind++)
		json_array_append_new(keys, fk_own_key_json(ue, (enum fk_own_key_kind)kind));
	for (uint8_t i = 0; i < ue->n_groups; i++)
		json_array_append_new(
			groups, json_string(fk_fleet_group_name(app->fleet, ue->group_ids[i])));
	return json_pack("{s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:o, s:i, s:i, s:o, s:s, s:i,"
			 " s:o, s:o, s:o, s:s, s:s, s:s, s:s, s:o, s:o}",
			 "ue_id", ue->ue_id, "mc_service_id", ue->mc_service_id, "mcdata_id",
			 ue->mcdata_id, "lmr_type", "P25", "rsi", (json_int_t)ue->rsi, "next_hop",
			 app->config->next_hops[ue->next_hop].name, "area",
			 area != NULL ? area : "", "groups", groups, "kek_sln", ue->kek_sln,
			 "kek_key_id", ue->kek_key_id, "ptek_key_id",
			 ue->has_ptek ? json_integer(ue->ptek_key_id) : json_null(), "mac",
			 ue->mac_kind == FK_MAC_CMAC ? "cmac" : "cbc", "mnp", ue->mnp, "max_kmm",
			 limit_json(ue->takes.max_kmm), "max_keys", limit_json(ue->takes.max_keys),
			 "keysets", limit_json(ue->takes.keysets), "outer",
			 ue->takes.outer == FK_OUTER_OFB ? "ofb" : "none", "status",
			 fk_ue_status_label(ue->status), "presence",
			 fk_presence_label(ue->presence), "kek_alg", "AES-256", "ptek_alg",
			 ue->has_ptek ? json_string("AES-256") : json_null(), "keys", keys);
}

/* The one of that id. */
static void reply_ue(struct fk_call *call, const char *ue_id)
{
	const struct fk_fleet *fleet = call->app->fleet;
	int64_t ue_index = fk_fleet_find(fleet, ue_id);
	struct fk_fleet_ue ue;

	if (ue_index < 0 || !fk_fleet_get(fleet, (uint32_t)ue_index, &ue)) {
		fk_call_reply_err(call, FK_ENOTFOUND, "ue_id", "is no UE of the fleet in force");
		return;
	}
	fk_call_reply_json(call, 200,
			   json_pack("{s:I, s:[o], s:n}", "fleet_generation",
				     (json_int_t)fk_fleet_generation(fleet), "items",
				     ue_json(call->app, &ue), "next_cursor"));
}

void fk_api_fleet_ues(struct fk_call *call)
{
	const struct fk_fleet *fleet = call->app->fleet;
	uint32_t from, limit, n = 0, i;
	struct fk_fleet_ue ue;
	json_t *items;

	if (fk_call_query(call, "ue_id") != NULL) {
		reply_ue(call, fk_call_query(call, "ue_id"));
		return;
	}
	if (fk_call_page(call, &from, &limit) != FK_OK)
		return;
	items = json_array();
	for (i = from; i < fk_fleet_n_slots(fleet); i++) {
		if (!fk_fleet_get(fleet, i, &ue))
			continue;
		if (n++ == limit)
			break;
		json_array_append_new(items, ue_json(call->app, &ue));
	}
	fk_call_reply_json(call, 200,
			   json_pack("{s:I, s:o, s:o}", "fleet_generation",
				     (json_int_t)fk_fleet_generation(fleet), "items", items,
				     "next_cursor",
				     i < fk_fleet_n_slots(fleet) ? json_integer(i) : json_null()));
}

/* What an import may not begin on, nor end on. */
static enum fk_err check_idle(const struct fk_call *call, const char **ret_reason)
{
	if (fk_engine_is_active(call->app->engine)) {
		*ret_reason = "a campaign is active";
		return FK_EBUSY;
	}
	if (!fk_engine_is_settled(call->app->engine)) {
		*ret_reason = "the last campaign is still being written to the store";
		return FK_EBUSY;
	}
	if (!fk_engine_store_is_healthy(call->app->engine)) {
		*ret_reason = fk_store_last_error(call->app->store);
		return FK_ESTORE;
	}
	return FK_OK;
}

static enum fk_err want_flag(struct fk_call *call, const char *name, bool *ret_flag)
{
	const char *value = fk_call_query(call, name);

	*ret_flag = value != NULL && strcmp(value, "true") == 0;
	if (value == NULL || *ret_flag || strcmp(value, "false") == 0)
		return FK_OK;
	fk_call_reply_err(call, FK_EINVAL, name, "must be true or false");
	return FK_EINVAL;
}

static enum fk_err want_mode(struct fk_call *call, enum fk_import_mode *ret_mode)
{
	static const char *const names[] = {[FK_IMPORT_REPLACE] = "replace",
					    [FK_IMPORT_UPDATE] = "update",
					    [FK_IMPORT_REMOVE] = "remove"};
	const char *value = fk_call_query(call, "mode");

	*ret_mode = FK_IMPORT_REPLACE;
	if (value == NULL)
		return FK_OK;
	for (uint32_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(value, names[i]) == 0) {
			*ret_mode = (enum fk_import_mode)i;
			return FK_OK;
		}
	}
	fk_call_reply_err(call, FK_EINVAL, "mode", "must be replace, update or remove");
	return FK_EINVAL;
}

static enum fk_err want_plain_keys(struct fk_call *call, bool *ret_plain)
{
	enum fk_err err = want_flag(call, "allow_plain_keys", ret_plain);

	if (err != FK_OK)
		return err;
	if (*ret_plain && !call->is_local) {
		fk_call_reply_err(call, FK_EPOLICY, "allow_plain_keys",
				  "plain keys are taken over the Unix socket only");
		return FK_EPOLICY;
	}
	return FK_OK;
}

const char *fk_import_lock_reason(const struct fk_import_lock *lock)
{
	return lock->is_backup ? "a backup is being made" : "a fleet import is running";
}

void fk_call_drop_import(struct fk_call *call)
{
	fk_import_job_free(call->job);
	fk_import_free(call->import);
	call->job = NULL;
	call->import = NULL;
	/* With a fleet that is not in force nothing may begin. */
	if (call->owns_import_lock)
		*call->imports = (struct fk_import_lock){.is_busy = call->app->reload_at_ms != 0};
	call->owns_import_lock = false;
}

void fk_api_import_begin(struct fk_call *call)
{
	struct fk_app *app = call->app;
	struct fk_import_options options = {.config = app->config,
					    .store = app->store,
					    .keyring = app->keyring,
					    .keys = app->keys,
					    .groups = app->groups,
					    .fleet = app->fleet,
					    .table = app->table,
					    .keeps_roster = app->config->store.rosters > 0 &&
							    fk_engine_has_used_fleet(app->engine)};
	const char *reason = NULL;
	enum fk_err err;

	if (want_mode(call, &options.mode) != FK_OK ||
	    want_plain_keys(call, &options.allow_plain_keys) != FK_OK ||
	    want_flag(call, "reassign", &options.allow_reassign) != FK_OK)
		return;
	err = check_idle(call, &reason);
	if (err == FK_OK && call->imports->is_busy) {
		reason = fk_import_lock_reason(call->imports);
		err = FK_EBUSY;
	}
	if (err == FK_OK)
		err = fk_group_book_refresh(app->groups, NULL);
	if (err == FK_OK)
		err = fk_import_begin(&options, &call->import);
	if (err != FK_OK) {
		fk_call_reply_err(call, err, NULL, reason);
		return;
	}
	call->owns_import_lock = true;
	*call->imports = (struct fk_import_lock){.is_busy = true, .owner = call};
}

/* The rows' errors, for the reply. */
static json_t *import_errors(const struct fk_import *import)
{
	uint32_t n = 0;
	const struct fk_import_error *errors = fk_import_errors(import, &n);
	json_t *list = json_array();

	for (uint32_t i = 0; i < n; i++)
		json_array_append_new(
			list, json_pack("{s:I, s:s, s:s}", "line", (json_int_t)errors[i].line,
					"column", errors[i].column, "reason", errors[i].reason));
	return list;
}

static void reply_import_error(struct fk_call *call, const struct fk_import *import,
			       enum fk_err err, const char *why)
{
	uint32_t n = 0;
	char reason[64];

	if (import != NULL)
		(void)fk_import_errors(import, &n);
	if (err != FK_EINVAL || n == 0) {
		fk_call_reply_err(call, err, NULL, why);
		return;
	}
	(void)snprintf(reason, sizeof(reason), "%u error%s; nothing was changed", n,
		       n == 1 ? "" : "s");
	fk_call_reply_problem(call, 422, "the fleet file has errors", NULL, reason,
			      json_pack("{s:o}", "errors", import_errors(import)));
}

void fk_api_import_feed(struct fk_call *call, const void *octets, size_t size)
{
	enum fk_err err;

	if (fk_call_has_reply(call) || call->import == NULL)
		return; /* the verdict is known */
	err = fk_import_feed(call->import, octets, size);
	if (err == FK_OK)
		return;
	reply_import_error(call, call->import, err, NULL);
	fk_call_drop_import(call); /* the body may go on for ever */
}

void fk_api_import_end(struct fk_call *call)
{
	const char *why = NULL;
	enum fk_err err;

	if (fk_call_has_reply(call) || call->import == NULL)
		return;
	err = check_idle(call, &why);
	if (err == FK_OK)
		err = fk_import_job_new(call->app, call->import, &call->job);
	if (err != FK_OK) {
		fk_call_reply_err(call, err, NULL, why);
		return;
	}
	call->import = NULL;
	call->imports->waiting = call;
}

bool fk_api_import_step(struct fk_call *call)
{
	const struct fk_import_result *result;
	struct fk_reason reason = {{0}};
	bool done = false;
	enum fk_err err = fk_import_job_step(call->job, &done, &reason);

	if (err != FK_OK) {
		reply_import_error(call, fk_import_job_import(call->job), err, reason.text);
		fk_call_drop_import(call);
		return true;
	}
	if (!done)
		return false;
	result = fk_import_job_result(call->job);
	fk_call_reply_json(
		call, 201,
		json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "fleet_generation",
			  (json_int_t)result->generation, "n_ues", (json_int_t)result->n_ues,
			  "n_added", (json_int_t)result->n_added, "n_updated",
			  (json_int_t)result->n_updated, "n_removed", (json_int_t)result->n_removed,
			  "n_pages", (json_int_t)result->n_pages, "n_kept_numbers",
			  (json_int_t)result->n_kept, "n_without_protection_tek",
			  (json_int_t)result->n_without_ptek));
	return true;
}

void fk_api_import_show(struct fk_call *call)
{
	const struct fk_call *owner = call->imports->owner;
	struct fk_import_progress progress = {.n_rows = 0};
	const char *stage = "none";
	uint32_t n_done = 0, n_total = 0;

	if (owner != NULL && owner->job != NULL) {
		stage = fk_import_job_progress(owner->job, &progress.n_rows, &n_done, &n_total);
	} else if (owner != NULL && owner->import != NULL) {
		fk_import_progress(owner->import, &progress);
		stage = "reading";
	}
	fk_call_reply_json(call, 200,
			   json_pack("{s:b, s:s, s:I, s:I, s:I}", "active",
				     call->imports->is_busy && !call->imports->is_backup, "stage",
				     stage, "n_rows", (json_int_t)progress.n_rows, "n_pages_done",
				     (json_int_t)n_done, "n_pages", (json_int_t)n_total));
}
