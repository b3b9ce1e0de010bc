/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key store over HTTP: what the keys are and in which state. Never a key.
 */
#include <inttypes.h>
#include <string.h>

#include "api/call.h"
#include "keys/key_store.h"
#include "log.h"

static json_t *entry_json(const struct fk_key_entry *entry)
{
	const struct fk_key_record *r = &entry->record;
	uint64_t ends_at_ms = fk_key_ends_at_ms(r);

	return json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:I, s:o, s:I, s:o}", "name",
			 entry->name, "kind", fk_key_kind_label(r->kind), "state",
			 fk_key_record_label(r, fk_key_now_ms()), "origin",
			 fk_key_origin_label(r->origin), "algorithm_id", r->algorithm_id, "key_id",
			 r->key_id, "sln", r->sln, "keyset_id", r->keyset_id, "version",
			 (json_int_t)r->version, "made_at", fk_call_timestamp(r->made_at_ms),
			 "cryptoperiod_s", (json_int_t)r->cryptoperiod_s, "expires_at",
			 ends_at_ms != UINT64_MAX ? fk_call_timestamp(ends_at_ms) : json_null());
}

static void refuse(struct fk_call *call, enum fk_err err, const struct fk_reason *reason)
{
	if (err == FK_EAUTH || err == FK_EFORMAT || err == FK_ESTALE)
		fk_call_reply_problem(call, 500, "the key store is damaged", NULL, reason->text,
				      NULL);
	else if (err == FK_EPOLICY || err == FK_EBUSY)
		fk_call_reply_problem(call, 409, "the key stays as it is", "name", reason->text,
				      NULL);
	else
		fk_call_reply_err(call, err, err == FK_ENOTFOUND ? "name" : NULL, reason->text);
}

/* The one of that name, or all. */
void fk_api_keys(struct fk_call *call)
{
	const char *name = fk_call_query(call, "name");
	struct fk_key_store *keys = call->app->keys;
	struct fk_reason reason = {.text = ""};
	json_t *items, *answer;
	uint32_t from, limit, i;
	enum fk_err err;

	if (fk_call_page(call, &from, &limit) != FK_OK)
		return;
	err = fk_key_store_refresh(keys, &reason);
	if (err != FK_OK) {
		refuse(call, err, &reason);
		return;
	}
	items = json_array();
	for (i = from; i < fk_key_store_n(keys) && json_array_size(items) < limit; i++) {
		const struct fk_key_entry *entry = fk_key_store_at(keys, i);

		if (name == NULL || strcmp(name, entry->name) == 0)
			json_array_append_new(items, entry_json(entry));
	}
	answer = json_pack("{s:o, s:o}", "items", items, "next_cursor",
			   i < fk_key_store_n(keys) ? json_integer(i) : json_null());
	fk_call_reply_json(call, 200, answer);
}

/* What the operator may ask for. */
struct move {
	uint8_t life;
	bool must_rest; /* not while a campaign gives the key out */
};

/* True if the key is one of the campaign that runs. */
static bool is_in_use(const struct fk_app *app, const char *name)
{
	uint32_t n = fk_engine_n_campaigns(app->engine), id = 0, index = 0;
	const struct fk_campaign *c;

	if (!fk_engine_is_active(app->engine) || (sscanf(name, "tek:%u:%u", &id, &index) != 2 &&
						  sscanf(name, "ckek:%u:%u", &id, &index) != 2))
		return false;
	c = fk_engine_campaign_at(app->engine, n - 1);
	return c != NULL && (c->id == id || (c->ckek_of == id && name[0] == 'c'));
}

static enum fk_err move_key(struct fk_app *app, const struct move *move, const char *name,
			    uint32_t *ret_campaign, struct fk_reason *reason)
{
	const struct fk_key_entry *entry = fk_key_store_find(app->keys, name);

	*ret_campaign = 0;
	if (move->must_rest && is_in_use(app, name)) {
		fk_reason_set(reason, "a campaign is giving it out: abort that first");
		return FK_EBUSY;
	}
	/* What is compromised stops first, and is written down after (I9). */
	if (move->life == FK_LIFE_COMPROMISED && entry != NULL &&
	    fk_key_life_may_become(entry->record.state, move->life))
		fk_engine_on_compromise(app->engine, name, ret_campaign);
	fk_store_note_statement(app->store);
	return fk_key_store_move(app->keys, name, move->life, reason);
}

static void serve_move(struct fk_call *call, const struct move *move)
{
	struct fk_reason reason = {.text = ""};
	const struct fk_key_entry *entry;
	const char *name = NULL;
	uint32_t campaign;
	json_t *body, *answer;
	enum fk_err err;

	if (!fk_call_may_change_keys(call))
		return;
	body = fk_call_json(call);
	if (body == NULL || json_unpack(body, "{s:s!}", "name", &name) != 0) {
		fk_call_reply_problem(call, 400, "the body must name a key", "name", "must be text",
				      NULL);
		json_decref(body);
		return;
	}
	err = move_key(call->app, move, name, &campaign, &reason);
	entry = fk_key_store_find(call->app->keys, name);
	if (err != FK_OK) {
		refuse(call, err, &reason);
	} else {
		fk_log(FK_LOG_WARN, "key state changed",
		       "key=%s state=%s key_id=%u by_uid=%" PRId64, entry->name,
		       fk_key_life_label(move->life), entry->record.key_id,
		       (int64_t)call->principal - 1);
		answer = entry_json(entry);
		json_object_set_new(answer, "aborted_campaign",
				    campaign != 0 ? json_integer(campaign) : json_null());
		fk_call_reply_json(call, 200, answer);
	}
	json_decref(body);
}

void fk_api_key_mark_compromised(struct fk_call *call)
{
	serve_move(call, &(const struct move){.life = FK_LIFE_COMPROMISED});
}

void fk_api_key_deactivate(struct fk_call *call)
{
	serve_move(call, &(const struct move){.life = FK_LIFE_DEACTIVATED, .must_rest = true});
}

void fk_api_key_destroy(struct fk_call *call)
{
	serve_move(call, &(const struct move){.life = FK_LIFE_DESTROYED, .must_rest = true});
}
