/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /v1/currency: who holds which key.
 *
 *   ue=UE_ID              that UE alone
 *   key=SLN:ALG:KEYID     that key alone, also where it is not held
 *   state=held, ...       only keys of which that is known
 *   group=G, area=A       only UEs there
 *   active_keyset=N|unknown   only UEs with that active keyset, or where it is not known
 *   count=true            how many, in place of who; needs key
 *
 * One call looks at a bounded number of UEs, so a page may be empty and not be the last.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/call.h"

#define SLOTS_MAX 16384u /* of one call */
#define NAMES_MAX 16u	 /* keys of one name: key IDs come round again */
#define ANY	  (-1)
#define NONE	  (-2)

struct wanted {
	struct fk_engine *engine;
	const struct fk_fleet *fleet;
	struct fk_key_name names[NAMES_MAX];
	uint32_t n_names; /* 0: all keys */
	uint32_t sln, algorithm_id, key_id;
	int state;		   /* enum fk_key_state or ANY */
	int32_t group_id, area_id; /* or ANY */
	int active_keyset;	   /* 0: one that is not known; or ANY */
	bool is_count;
	uint32_t limit;
	json_t *items;
	uint64_t counts[FK_KEY_STATES];
};

/* What is known of the key that was asked for; of several of that name the one that is held. */
static enum fk_key_state state_of(const struct wanted *w, const struct fk_currency *ue,
				  const struct fk_key_name **ret_name)
{
	static const uint8_t ranks[FK_KEY_STATES] = {[FK_KEY_NOT_HELD] = 0,
						     [FK_KEY_UNKNOWN] = 1,
						     [FK_KEY_POSSIBLY_HELD] = 2,
						     [FK_KEY_HELD] = 3};
	enum fk_key_state best = fk_currency_state(ue, w->names[0].campaign_id, w->names[0].index);

	*ret_name = &w->names[0];
	for (uint32_t i = 1; i < w->n_names; i++) {
		enum fk_key_state state =
			fk_currency_state(ue, w->names[i].campaign_id, w->names[i].index);

		if (ranks[state] <= ranks[best])
			continue;
		best = state;
		*ret_name = &w->names[i];
	}
	return best;
}

static json_t *evidence_json(const struct fk_evidence *e)
{
	char mac[2 * sizeof(e->mac) + 1];
	uint8_t any = 0;
	bool is_answer;

	for (uint32_t i = 0; i < sizeof(e->mac); i++) {
		(void)snprintf(mac + 2 * i, 3, "%02x", e->mac[i]);
		any |= e->mac[i];
	}
	is_answer = any != 0;
	return json_pack("{s:I, s:o, s:o, s:o, s:o}", "campaign", (json_int_t)e->campaign_id, "at",
			 fk_call_timestamp((uint64_t)e->at_s * 1000), "message_number",
			 is_answer ? json_integer(e->inbound_number) : json_null(), "mac_key_id",
			 is_answer ? json_integer(e->mac_key_id) : json_null(), "mac",
			 is_answer ? json_string(mac) : json_null());
}

static json_t *key_json(const struct fk_campaign *c, uint32_t index, enum fk_key_state state,
			const struct fk_currency_entry *entry)
{
	uint8_t flags = entry != NULL ? entry->flags : 0;

	return json_pack("{s:i, s:i, s:i, s:i, s:s, s:b, s:b, s:b, s:o}", "keyset_id", c->keyset_id,
			 "sln", c->slns[index], "algorithm_id", c->algorithm_id, "key_id",
			 c->key_ids[index], "state", fk_key_state_label(state), "proven",
			 (flags & FK_CURRENCY_PROVEN) != 0, "listed",
			 (flags & FK_CURRENCY_LISTED) != 0, "late", (flags & FK_CURRENCY_LATE) != 0,
			 "evidence", entry != NULL ? evidence_json(&entry->evidence) : json_null());
}

/* All keys that have an entry, the newest first. */
static json_t *all_keys_json(const struct wanted *w, const struct fk_currency *ue)
{
	json_t *keys = json_array();

	for (uint32_t e = 0; e < ue->n_entries; e++) {
		const struct fk_currency_entry *entry = &ue->entries[e];
		const struct fk_campaign *c =
			fk_engine_campaign(w->engine, entry->evidence.campaign_id);

		for (uint32_t i = 0; c != NULL && i < c->n_keys; i++) {
			enum fk_key_state state = fk_currency_entry_state(entry, i);

			if (w->state == ANY || w->state == (int)state)
				json_array_append_new(keys, key_json(c, i, state, entry));
		}
	}
	return keys;
}

static json_t *one_key_json(const struct wanted *w, const struct fk_currency *ue,
			    const struct fk_key_name *name, enum fk_key_state state)
{
	const struct fk_campaign *c = fk_engine_campaign(w->engine, name->campaign_id);
	const struct fk_currency_entry *entry = NULL;

	for (uint32_t e = 0; e < ue->n_entries; e++) {
		if (ue->entries[e].evidence.campaign_id == name->campaign_id)
			entry = &ue->entries[e];
	}
	return json_pack("[o]", key_json(c, name->index, state, entry));
}

static json_t *active_json(const struct fk_currency *ue)
{
	static const char *const labels[] = {[FK_ACTIVE_NEVER] = "never_heard",
					     [FK_ACTIVE_KNOWN] = "known",
					     [FK_ACTIVE_UNKNOWN] = "unknown"};

	/* A zeroized radio has none, and that is known. */
	return json_pack("{s:s, s:o, s:o}", "state",
			 fk_currency_is_zeroized(ue) ? "none" : labels[ue->active], "keyset_id",
			 ue->active == FK_ACTIVE_KNOWN && ue->active_keyset != 0
				 ? json_integer(ue->active_keyset)
				 : json_null(),
			 "evidence",
			 ue->active != FK_ACTIVE_NEVER ? evidence_json(&ue->active_evidence)
						       : json_null());
}

static bool is_wanted_ue(const struct wanted *w, uint32_t ue_index, const struct fk_fleet_ue *view,
			 const struct fk_currency *ue)
{
	int active = fk_currency_is_zeroized(ue)     ? NONE
		     : ue->active == FK_ACTIVE_KNOWN ? ue->active_keyset
						     : 0;

	return (w->area_id == ANY || view->area_id == w->area_id) &&
	       (w->group_id == ANY ||
		fk_fleet_is_member(w->fleet, ue_index, (uint32_t)w->group_id)) &&
	       (w->active_keyset == ANY || w->active_keyset == active);
}

/* A fk_currency_fn. */
static bool take_ue(void *ctx, uint32_t ue_index, const struct fk_currency *ue)
{
	enum fk_key_state state = FK_KEY_UNKNOWN;
	const struct fk_key_name *name = NULL;
	struct wanted *w = ctx;
	struct fk_fleet_ue view;
	json_t *keys;

	if (!fk_fleet_get(w->fleet, ue_index, &view) || !is_wanted_ue(w, ue_index, &view, ue))
		return true;
	if (w->n_names > 0) {
		state = state_of(w, ue, &name);
		if (w->state != ANY && w->state != (int)state)
			return true;
		w->counts[state]++;
	}
	if (w->is_count)
		return true;
	if (json_array_size(w->items) == w->limit)
		return false;
	keys = name != NULL ? one_key_json(w, ue, name, state) : all_keys_json(w, ue);
	if (name == NULL && w->state != ANY && json_array_size(keys) == 0)
		json_decref(keys);
	else
		json_array_append_new(w->items, json_pack("{s:s, s:I, s:o, s:b, s:o}", "ue_id",
							  view.ue_id, "rsi", (json_int_t)view.rsi,
							  "active_keyset", active_json(ue),
							  "has_gap", ue->has_gap, "keys", keys));
	return true;
}

/* A number up to 'max', decimal or, with 0x, hexadecimal; moves '*at' behind it and 'end'. */
static bool read_number(const char **at, char end, uint32_t max, uint32_t *ret_number)
{
	char *stop;
	unsigned long number;

	errno = 0;
	number = strtoul(*at, &stop, 0);
	if (**at < '0' || **at > '9' || *stop != end || errno != 0 || number > max)
		return false;
	*at = stop + 1;
	*ret_number = (uint32_t)number;
	return true;
}

static enum fk_err refuse(struct fk_call *call, enum fk_err err, const char *field,
			  const char *reason)
{
	fk_call_reply_err(call, err, field, reason);
	return err;
}

static enum fk_err want_key(struct fk_call *call, struct wanted *w)
{
	const char *at = fk_call_query(call, "key");

	if (at == NULL)
		return FK_OK;
	if (!read_number(&at, ':', UINT16_MAX, &w->sln) ||
	    !read_number(&at, ':', UINT8_MAX, &w->algorithm_id) ||
	    !read_number(&at, '\0', UINT16_MAX, &w->key_id))
		return refuse(call, FK_EINVAL, "key", "must be SLN:ALG:KEYID, like 1:0x84:5");
	w->n_names = fk_engine_find_keys(w->engine, (uint16_t)w->sln, (uint8_t)w->algorithm_id,
					 (uint16_t)w->key_id, w->names, NAMES_MAX);
	return w->n_names > 0
		       ? FK_OK
		       : refuse(call, FK_ENOTFOUND, "key", "no campaign has made such a key");
}

static enum fk_err want_state(struct fk_call *call, struct wanted *w)
{
	const char *state = fk_call_query(call, "state");

	if (state == NULL)
		return FK_OK;
	w->state = fk_key_state_find(state);
	return w->state >= 0 ? FK_OK
			     : refuse(call, FK_EINVAL, "state",
				      "must be held, not_held, possibly_held or unknown");
}

static enum fk_err want_place(struct fk_call *call, struct wanted *w)
{
	const char *group = fk_call_query(call, "group"), *area = fk_call_query(call, "area");

	if (group != NULL)
		w->group_id = fk_fleet_find_group(w->fleet, group);
	if (group != NULL && w->group_id < 0)
		return refuse(call, FK_ENOTFOUND, "group", "the fleet has no such group");
	if (area != NULL)
		w->area_id = fk_fleet_find_area(w->fleet, area);
	if (area != NULL && w->area_id < 0)
		return refuse(call, FK_ENOTFOUND, "area", "the fleet has no such area");
	return FK_OK;
}

static enum fk_err want_active(struct fk_call *call, struct wanted *w)
{
	const char *text = fk_call_query(call, "active_keyset");
	uint32_t keyset = 0;

	if (text == NULL)
		return FK_OK;
	if (strcmp(text, "unknown") != 0 && !read_number(&text, '\0', UINT8_MAX, &keyset))
		return refuse(call, FK_EINVAL, "active_keyset", "must be a number or unknown");
	w->active_keyset = (int)keyset;
	return FK_OK;
}

static enum fk_err want_count(struct fk_call *call, struct wanted *w)
{
	const char *text = fk_call_query(call, "count");

	w->is_count = text != NULL && strcmp(text, "true") == 0;
	if (text != NULL && !w->is_count && strcmp(text, "false") != 0)
		return refuse(call, FK_EINVAL, "count", "must be true or false");
	return w->is_count && w->n_names == 0 ? refuse(call, FK_EINVAL, "count", "needs key")
					      : FK_OK;
}

/* One UE: '*from' is it, and '*ret_n' one slot. */
static enum fk_err want_ue(struct fk_call *call, const struct wanted *w, uint32_t *from,
			   uint32_t *ret_n)
{
	const char *ue_id = fk_call_query(call, "ue");
	int64_t ue_index;

	*ret_n = SLOTS_MAX;
	if (ue_id == NULL)
		return FK_OK;
	ue_index = fk_fleet_find(w->fleet, ue_id);
	if (ue_index < 0)
		return refuse(call, FK_ENOTFOUND, "ue", "the fleet has no such UE");
	*from = (uint32_t)ue_index;
	*ret_n = 1;
	return FK_OK;
}

static json_t *counts_json(const struct wanted *w)
{
	json_t *counts = json_object();

	for (uint8_t i = 0; i < FK_KEY_STATES; i++)
		json_object_set_new(counts, fk_key_state_label(i),
				    json_integer((json_int_t)w->counts[i]));
	return json_pack("[o]", counts);
}

void fk_api_currency(struct fk_call *call)
{
	struct wanted w = {.engine = call->app->engine,
			   .fleet = call->app->fleet,
			   .state = ANY,
			   .group_id = ANY,
			   .area_id = ANY,
			   .active_keyset = ANY};
	uint32_t from, next, n_slots;
	enum fk_err err = fk_call_page(call, &from, &w.limit);

	if (err == FK_OK)
		err = want_key(call, &w);
	if (err == FK_OK)
		err = want_state(call, &w);
	if (err == FK_OK)
		err = want_place(call, &w);
	if (err == FK_OK)
		err = want_active(call, &w);
	if (err == FK_OK)
		err = want_count(call, &w);
	if (err == FK_OK)
		err = want_ue(call, &w, &from, &n_slots);
	if (err != FK_OK)
		return;
	w.items = json_array();
	err = fk_engine_walk_currency(w.engine, from, n_slots, take_ue, &w, &next);
	if (err != FK_OK) {
		json_decref(w.items);
		fk_call_reply_err(call, err, NULL, fk_store_last_error(call->app->store));
		return;
	}
	if (w.is_count) {
		json_decref(w.items);
		w.items = counts_json(&w);
	}
	fk_call_reply_json(
		call, 200,
		json_pack("{s:o, s:o}", "items", w.items, "next_cursor",
			  next != UINT32_MAX && n_slots > 1 ? json_integer(next) : json_null()));
}
