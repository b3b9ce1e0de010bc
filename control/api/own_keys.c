/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UEs' own keys over HTTP, KEK and protection TEK: what is known of them. Never a key.
 *
 *   key=kek|ptek                               those of one kind alone
 *   state=active|expired|compromised|none      those in that state
 *
 * One call looks at a bounded number of UEs, so a page may be empty and not be the last.
 */
#include <inttypes.h>
#include <string.h>

#include <fleetkey/kmm.h>

#include "api/api.h"
#include "api/call.h"
#include "log.h"

#define SLOTS_MAX  65536u /* of one call */
#define KEK_KEYSET 255	  /* spec: P25 sheet 2.3: KEKs are always in this one */

json_t *fk_own_key_json(const struct fk_fleet_ue *ue, enum fk_own_key_kind kind)
{
	const struct fk_own_key *own = &ue->own[kind];
	uint64_t ends_at_ms = fk_own_key_ends_at_ms(own);
	bool is_kek = kind == FK_OWN_KEK, is_there = own->state != 0;

	return json_pack(
		"{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:i, s:o, s:I, s:o}", "key",
		fk_own_key_label(kind), "state", fk_own_key_state_label(own, fk_key_now_ms()),
		"origin", is_there ? json_string(fk_key_origin_label(own->origin)) : json_null(),
		"algorithm_id", is_there ? json_integer(FK_ALGORITHM_AES_256) : json_null(),
		"key_id",
		is_there ? json_integer(is_kek ? ue->kek_key_id : ue->ptek_key_id) : json_null(),
		"sln", is_kek ? json_integer(ue->kek_sln) : json_null(), "keyset_id",
		is_kek ? json_integer(KEK_KEYSET) : json_null(), "version", own->version, "came_at",
		fk_call_timestamp((uint64_t)own->came_at_s * 1000), "cryptoperiod_s",
		(json_int_t)own->cryptoperiod_s, "expires_at",
		is_there && ends_at_ms != UINT64_MAX ? fk_call_timestamp(ends_at_ms) : json_null());
}

/* The same beside the UE's names, for a list. */
static json_t *item_json(const struct fk_fleet_ue *ue, enum fk_own_key_kind kind)
{
	json_t *item = json_pack("{s:s, s:I}", "ue_id", ue->ue_id, "rsi", (json_int_t)ue->rsi);
	json_t *key = fk_own_key_json(ue, kind);

	json_object_update(item, key);
	json_decref(key);
	return item;
}

json_t *fk_own_keys_overview(const struct fk_fleet *fleet)
{
	static const char *const states[] = {"active", "expired", "compromised", "none"};
	enum {
		STATES = sizeof(states) / sizeof(states[0])
	};
	json_int_t counts[FK_OWN_KEYS][STATES] = {{0}};
	uint64_t now_ms = fk_key_now_ms();
	json_t *overview = json_object();

	for (uint32_t i = 0; i < fk_fleet_n_slots(fleet); i++) {
		for (int kind = 0; kind < FK_OWN_KEYS; kind++) {
			const struct fk_own_key *own =
				fk_fleet_own_key(fleet, i, (enum fk_own_key_kind)kind);

			if (own == NULL)
				continue;
			/* In the order of 'states'. */
			if (own->state == 0)
				counts[kind][3]++;
			else if (fk_own_key_is_compromised(own))
				counts[kind][2]++;
			else
				counts[kind][fk_own_key_is_expired(own, now_ms)]++;
		}
	}
	for (int kind = 0; kind < FK_OWN_KEYS; kind++) {
		json_t *by_state = json_object();

		for (int i = 0; i < STATES; i++)
			json_object_set_new(by_state, states[i], json_integer(counts[kind][i]));
		json_object_set_new(overview, fk_own_key_label((enum fk_own_key_kind)kind),
				    by_state);
	}
	return overview;
}

static enum fk_err want_filter(struct fk_call *call, int *ret_kind, const char **ret_state)
{
	const char *kind = fk_call_query(call, "key"), *state = fk_call_query(call, "state");

	*ret_kind = kind != NULL ? fk_own_key_find(kind) : -1;
	*ret_state = state;
	if (kind != NULL && *ret_kind < 0) {
		fk_call_reply_err(call, FK_EINVAL, "key", "must be kek or ptek");
		return FK_EINVAL;
	}
	if (state != NULL && strcmp(state, "active") != 0 && strcmp(state, "expired") != 0 &&
	    strcmp(state, "compromised") != 0 && strcmp(state, "none") != 0) {
		fk_call_reply_err(call, FK_EINVAL, "state",
				  "must be active, expired, compromised or none");
		return FK_EINVAL;
	}
	return FK_OK;
}

static void append(json_t *items, const struct fk_fleet_ue *ue, int wanted_kind, const char *state)
{
	uint64_t now_ms = fk_key_now_ms();

	for (int kind = 0; kind < FK_OWN_KEYS; kind++) {
		if ((wanted_kind < 0 || wanted_kind == kind) &&
		    (state == NULL ||
		     strcmp(state, fk_own_key_state_label(&ue->own[kind], now_ms)) == 0))
			json_array_append_new(items, item_json(ue, (enum fk_own_key_kind)kind));
	}
}

void fk_api_own_keys(struct fk_call *call)
{
	const struct fk_fleet *fleet = call->app->fleet;
	uint32_t from, limit, i;
	const char *state;
	struct fk_fleet_ue ue;
	json_t *items;
	int kind;

	if (fk_call_page(call, &from, &limit) != FK_OK || want_filter(call, &kind, &state) != FK_OK)
		return;
	items = json_array();
	for (i = from;
	     i < fk_fleet_n_slots(fleet) && i - from < SLOTS_MAX && json_array_size(items) < limit;
	     i++) {
		if (fk_fleet_get(fleet, i, &ue))
			append(items, &ue, kind, state);
	}
	fk_call_reply_json(call, 200,
			   json_pack("{s:o, s:o}", "items", items, "next_cursor",
				     i < fk_fleet_n_slots(fleet) ? json_integer(i) : json_null()));
}

static void mark(struct fk_call *call, const char *ue_id, int kind)
{
	struct fk_app *app = call->app;
	struct fk_reason reason = {{0}};
	int64_t ue_index = fk_fleet_find(app->fleet, ue_id);
	struct fk_fleet_ue ue;
	enum fk_err err;

	if (ue_index < 0) {
		fk_call_reply_err(call, FK_ENOTFOUND, "ue_id", "is no UE of the fleet in force");
		return;
	}
	/* What is read for another generation, or a backup, has to stand still. */
	if (call->imports->is_busy) {
		fk_call_reply_err(call, FK_EBUSY, NULL, fk_import_lock_reason(call->imports));
		return;
	}
	err = fk_engine_compromise_own_key(app->engine, (uint32_t)ue_index,
					   (enum fk_own_key_kind)kind, &reason);
	if (err == FK_ENOTFOUND) {
		fk_call_reply_err(call, err, "key", reason.text);
		return;
	}
	fk_log(FK_LOG_WARN, "key of a ue compromised", "ue=%s key=%s on_record=%s by_uid=%" PRId64,
	       ue_id, fk_own_key_label((enum fk_own_key_kind)kind), err == FK_OK ? "yes" : "no",
	       (int64_t)call->principal - 1);
	if (err == FK_ESTORE)
		fk_call_reply_err(call, err, NULL,
				  "the key is out of use, but that is not stored: say it again");
	else if (err != FK_OK)
		fk_call_reply_problem(call, 500, "the key is out of use, but its record is damaged",
				      NULL, reason.text, NULL);
	else if (fk_fleet_get(app->fleet, (uint32_t)ue_index, &ue))
		fk_call_reply_json(call, 200, item_json(&ue, (enum fk_own_key_kind)kind));
	else
		fk_call_reply_err(call, FK_ENOTFOUND, "ue_id", NULL);
}

void fk_api_own_key_mark_compromised(struct fk_call *call)
{
	const char *ue_id = NULL, *label = NULL;
	json_t *body;
	int kind = -1;

	if (!fk_call_may_change_keys(call))
		return;
	body = fk_call_json(call);
	if (body != NULL && json_unpack(body, "{s:s, s:s!}", "ue_id", &ue_id, "key", &label) == 0)
		kind = fk_own_key_find(label);
	if (kind < 0)
		fk_call_reply_problem(call, 400, "the body must name a UE and a key", "key",
				      "must be kek or ptek, beside ue_id", NULL);
	else
		mark(call, ue_id, kind);
	json_decref(body);
}
