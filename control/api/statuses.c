/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The status of UEs: POST gives it to some, GET lists those that are not active.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/call.h"
#include "api/status_request.h"
#include "log.h"

/* Where the UEs stand. The first one that there is not is named, the others are counted. */
static enum fk_err find_ues(const struct fk_fleet *fleet, const struct fk_status_request *request,
			    uint32_t *ret_ue_indexes, struct fk_reason *reason)
{
	uint32_t n_unknown = 0, first = 0;

	for (uint32_t i = 0; i < request->n_ue_ids; i++) {
		int64_t ue_index = fk_fleet_find(fleet, request->ue_ids[i]);

		if (ue_index >= 0)
			ret_ue_indexes[i] = (uint32_t)ue_index;
		else if (n_unknown++ == 0)
			first = i;
	}
	if (n_unknown == 0)
		return FK_OK;
	fk_reason_set(reason, "%s is no UE of the fleet in force%s", request->ue_ids[first],
		      n_unknown > 1 ? ", nor are others" : "");
	return FK_ENOTFOUND;
}

/* Who is released comes back by an adoption alone, and goes when nothing is on its way to it. */
static enum fk_err check_owner(const struct fk_app *app, const struct fk_status_request *request,
			       const uint32_t *ue_indexes, struct fk_reason *reason)
{
	for (uint32_t i = 0; i < request->n_ue_ids; i++) {
		bool is_released = fk_fleet_status(app->fleet, ue_indexes[i]) == FK_UE_RELEASED;

		if (is_released && request->status != FK_UE_RELEASED) {
			fk_reason_set(reason, "%s is released: it has to be adopted",
				      request->ue_ids[i]);
			return FK_EPOLICY;
		}
		if (!is_released && request->status == FK_UE_RELEASED &&
		    fk_engine_is_sending_to(app->engine, ue_indexes[i])) {
			fk_reason_set(reason, "a KMM is on its way to %s: say it again later",
				      request->ue_ids[i]);
			return FK_EBUSY;
		}
	}
	return FK_OK;
}

static enum fk_err set_statuses(const struct fk_call *call, const struct fk_status_request *request,
				const uint32_t *ue_indexes, struct fk_reason *reason)
{
	struct fk_app *app = call->app;
	struct fk_status_entry entry = {.status = request->status};
	struct timespec now;
	enum fk_err err;

	clock_gettime(CLOCK_REALTIME, &now);
	entry.since_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	memcpy(entry.reason, request->reason, sizeof(entry.reason));
	err = fk_status_set(app->store, app->fleet, ue_indexes, request->n_ue_ids, &entry);
	if (err != FK_OK) {
		fk_reason_set(reason, "%s; say it again: it may be stored or not",
			      fk_store_last_error(app->store));
		return err;
	}
	for (uint32_t i = 0; i < request->n_ue_ids; i++)
		fk_engine_on_status(app->engine, ue_indexes[i]);
	fk_log(FK_LOG_WARN, "status set",
	       "status=%s n_ues=%u first_ue=%s by_uid=%" PRId64 " reason=\"%s\"",
	       fk_ue_status_label(request->status), request->n_ue_ids, request->ue_ids[0],
	       (int64_t)call->principal - 1, request->reason);
	return FK_OK;
}

static enum fk_err want_dry_run(struct fk_call *call, bool *ret_dry)
{
	const char *value = fk_call_query(call, "dry_run");

	*ret_dry = value != NULL && strcmp(value, "true") == 0;
	if (value == NULL || *ret_dry || strcmp(value, "false") == 0)
		return FK_OK;
	fk_call_reply_err(call, FK_EINVAL, "dry_run", "must be true or false");
	return FK_EINVAL;
}

/* Those that were zeroized and shall be active: they hold no key that one could be wrapped under.
 */
static uint32_t n_to_fill(const struct fk_fleet *fleet, const struct fk_status_request *request,
			  const uint32_t *ue_indexes)
{
	uint32_t n = 0;

	for (uint32_t i = 0; request->status == FK_UE_ACTIVE && i < request->n_ue_ids; i++)
		n += fk_fleet_status(fleet, ue_indexes[i]) == FK_UE_ZEROIZED;
	return n;
}

static void answer_request(struct fk_call *call, const struct fk_status_request *request,
			   bool is_dry_run)
{
	uint32_t *ue_indexes = calloc(request->n_ue_ids, sizeof(*ue_indexes));
	struct fk_reason reason = {{0}};
	enum fk_err err = FK_ENOMEM;
	uint32_t n_unfilled = 0;

	if (ue_indexes != NULL)
		err = find_ues(call->app->fleet, request, ue_indexes, &reason);
	if (err == FK_OK)
		err = check_owner(call->app, request, ue_indexes, &reason);
	if (err == FK_OK)
		n_unfilled = n_to_fill(call->app->fleet, request, ue_indexes);
	if (err == FK_OK && !is_dry_run)
		err = set_statuses(call, request, ue_indexes, &reason);
	free(ue_indexes);
	if (err != FK_OK)
		fk_call_reply_err(call, err, err != FK_ESTORE ? "ue_ids" : NULL, reason.text);
	else
		fk_call_reply_json(call, 200,
				   json_pack("{s:b, s:s, s:I, s:I}", "dry_run", is_dry_run,
					     "status", fk_ue_status_label(request->status), "n_ues",
					     (json_int_t)request->n_ue_ids, "n_to_key_fill",
					     (json_int_t)n_unfilled));
}

void fk_api_status_set(struct fk_call *call)
{
	struct fk_status_request request;
	char field[FK_FIELD_NAME_SIZE];
	struct fk_reason reason = {{0}};
	bool is_dry_run;
	enum fk_err err;

	if (want_dry_run(call, &is_dry_run) != FK_OK)
		return;
	err = fk_status_request_parse(call->body != NULL ? call->body : "", call->body_size,
				      &request, field, &reason);
	if (err != FK_OK) {
		fk_call_reply_err(call, err, field[0] != '\0' ? field : NULL, reason.text);
		return;
	}
	answer_request(call, &request, is_dry_run);
	fk_status_request_fini(&request);
}

/* Up to FK_STORE_STATUS_MAX UEs whose entries are asked for together. */
struct page {
	uint32_t ue_indexes[FK_STORE_STATUS_MAX], rsis[FK_STORE_STATUS_MAX];
	uint32_t n;
};

/* Takes the next UEs that are not active, or have the one status; returns where to go on. */
static uint32_t fill_page(const struct fk_fleet *fleet, int status, uint32_t from, uint32_t max,
			  struct page *page)
{
	struct fk_fleet_ue ue;
	uint32_t i;

	page->n = 0;
	for (i = from; i < fk_fleet_n_slots(fleet) && page->n < max; i++) {
		uint8_t found = fk_fleet_status(fleet, i);

		if (found == FK_UE_ACTIVE || (status >= 0 && found != status) ||
		    !fk_fleet_get(fleet, i, &ue))
			continue;
		page->ue_indexes[page->n] = i;
		page->rsis[page->n++] = ue.rsi;
	}
	return i;
}

/* From which on the KMF goes on that a UE is released to; beyond all that were given out here. */
static json_t *next_number(struct fk_fleet *fleet, uint32_t ue_index)
{
	if (fk_fleet_status(fleet, ue_index) != FK_UE_RELEASED)
		return json_null();
	return json_integer(fk_fleet_numbers(fleet, ue_index)->reserved_next);
}

static enum fk_err append_page(struct fk_app *app, const struct page *page, json_t *items)
{
	struct fk_status_entry entries[FK_STORE_STATUS_MAX];
	enum fk_err err = fk_status_read(app->store, page->rsis, page->n, entries);
	struct fk_fleet_ue ue;

	for (uint32_t i = 0; err == FK_OK && i < page->n; i++) {
		if (fk_fleet_get(app->fleet, page->ue_indexes[i], &ue))
			json_array_append_new(
				items, json_pack("{s:s, s:I, s:s, s:o, s:s, s:o}", "ue_id",
						 ue.ue_id, "rsi", (json_int_t)ue.rsi, "status",
						 fk_ue_status_label(ue.status), "since",
						 fk_call_timestamp(entries[i].since_ms), "reason",
						 entries[i].reason, "next_number",
						 next_number(app->fleet, page->ue_indexes[i])));
	}
	return err;
}

static enum fk_err want_status(struct fk_call *call, int *ret_status)
{
	const char *label = fk_call_query(call, "status");

	*ret_status = label != NULL ? fk_ue_status_find(label) : -1;
	if (label == NULL || *ret_status > FK_UE_ACTIVE)
		return FK_OK;
	fk_call_reply_err(call, FK_EINVAL, "status",
			  "must be suspended, lost, zeroized or released");
	return FK_EINVAL;
}

void fk_api_status_list(struct fk_call *call)
{
	const struct fk_fleet *fleet = call->app->fleet;
	uint32_t from, limit, n_items = 0;
	struct page page;
	json_t *items;
	int status;
	enum fk_err err = FK_OK;

	if (fk_call_page(call, &from, &limit) != FK_OK || want_status(call, &status) != FK_OK)
		return;
	items = json_array();
	do {
		uint32_t max = limit - n_items;

		from = fill_page(fleet, status, from,
				 max < FK_STORE_STATUS_MAX ? max : FK_STORE_STATUS_MAX, &page);
		err = append_page(call->app, &page, items);
		n_items += page.n;
	} while (err == FK_OK && n_items < limit && from < fk_fleet_n_slots(fleet));
	if (err != FK_OK) {
		json_decref(items);
		fk_call_reply_err(call, err, NULL, fk_store_last_error(call->app->store));
		return;
	}
	fk_call_reply_json(
		call, 200,
		json_pack("{s:o, s:o}", "items", items, "next_cursor",
			  from < fk_fleet_n_slots(fleet) ? json_integer(from) : json_null()));
}
