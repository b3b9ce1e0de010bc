/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /v1/campaigns/{id}/signed-report: a JSON object a line.
 *
 *   {"report": ...}      which campaign, of which KMF, and what it came to
 *   {"delivery": ...}    one for each UE, in its final state; these lines never change again
 *   {"amendment": ...}   an acknowledgement that came when the delivery had ended; "left_fleet":
 * the UE's RSI is in the fleet no more, and this was known when it left
 *   {"review": ...}      of a break-glass: pending, or who has looked at it, when, what was noted
 *   {"end": ...}         how many of each, the digest of the lines that never change, and when
 *   {"signature": ...}   over all before it: report/signature.h
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/call.h"
#include "api/campaign_json.h"
#include "campaign/account.h"
#include "campaign/engine.h"
#include "keys/keyring.h"
#include "report/signature.h"

#define DELIVERIES_PER_PIECE 64u
#define AMENDMENTS_PER_PIECE 256u /* UEs that are looked at for one, ... */
#define AMENDMENT_ASKED	     8u	  /* ... where one for whom the store is asked counts so much */

enum stage {
	HEAD,
	DELIVERIES,
	AMENDMENTS,
	REVIEW,
	END,
	SIGNATURE,
	DONE
};

/* A UE whose delivery ended without all that was asked for: a late answer may have come. */
struct unfinished {
	uint32_t ue_index; /* in the campaign's fleet */
	uint32_t rsi : 24;
	uint32_t is_performed : 1;
};

struct report {
	struct fk_app *app;
	const struct fk_campaign *campaign; /* valid during one piece */
	uint32_t id;
	struct fk_account *account; /* owned */
	enum stage stage;
	uint32_t next_ue; /* ue_index; in AMENDMENTS an index of 'unfinished' */
	uint64_t n_deliveries, n_amendments;
	uint64_t states[FK_DELIVERY_STATES];
	struct unfinished *unfinished;
	uint32_t n_unfinished, cap_unfinished;
	struct fk_report_digest *digest;
	uint8_t frozen[FK_REPORT_DIGEST_SIZE]; /* head and deliveries */
	FILE *out;			       /* during one piece */
	enum fk_err err;
};

static void free_report(void *self)
{
	struct report *r = self;

	fk_account_free(r->account);
	fk_report_digest_free(r->digest);
	free(r->unfinished);
	free(r);
}

/* Takes 'json'. */
static void put_line(struct report *r, json_t *json)
{
	char *text = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
	size_t size = text != NULL ? strlen(text) : 0;

	json_decref(json);
	if (text == NULL) {
		r->err = FK_ENOMEM;
		return;
	}
	text[size++] = '\n'; /* in place of the NUL */
	if (r->err == FK_OK)
		r->err = fk_report_digest_add(r->digest, text, size);
	if (fwrite(text, 1, size, r->out) != size)
		r->err = FK_ENOMEM;
	free(text);
}

static json_t *hex_json(const uint8_t *octets, size_t size)
{
	char text[2 * FK_REPORT_DIGEST_SIZE + 1];

	for (size_t i = 0; i < size; i++)
		(void)snprintf(text + 2 * i, 3, "%02x", octets[i]);
	return json_string(text);
}

static void put_head(struct report *r)
{
	json_t *campaign = fk_api_campaign_json(r->app->engine, r->campaign);

	/* What is known while it runs only is no part of what it came to. */
	(void)json_object_del(campaign, "stopped_next_hops");
	(void)json_object_del(campaign, "waiting_next_hops");
	/* Comes later, and has a line of its own. */
	(void)json_object_del(campaign, "review");
	(void)json_object_del(campaign, "reviewed");
	json_object_set_new(campaign, "reasons", fk_api_reasons_json(r->app->engine, r->campaign));
	put_line(r, json_pack("{s:{s:i, s:o, s:I, s:o}}", "report", "version", 1, "kmf_id",
			      hex_json(fk_store_kmf_id(r->app->store), FK_KMF_ID_SIZE),
			      "fleet_generation", (json_int_t)r->campaign->fleet_generation,
			      "campaign", campaign));
}

static bool is_zero(const uint8_t *octets, size_t size)
{
	uint8_t any = 0;

	for (size_t i = 0; i < size; i++)
		any |= octets[i];
	return any == 0;
}

/* What authenticated the last acknowledgement; null: there was none. */
static json_t *evidence_json(uint16_t inbound_number, uint16_t mac_key_id, const uint8_t mac[8])
{
	if (is_zero(mac, 8))
		return json_null();
	return json_pack("{s:i, s:i, s:o}", "inbound_number", inbound_number, "mac_key_id",
			 mac_key_id, "mac", hex_json(mac, 8));
}

static json_t *keys_json(const struct fk_campaign *c, const struct fk_delivery *d)
{
	uint32_t n = fk_campaign_n_given(c);
	json_t *list = json_array();

	for (uint32_t i = 0; i < n; i++)
		json_array_append_new(list, json_string(fk_delivery_key_label(d, n, i)));
	return list;
}

static void note_unfinished(struct report *r, const struct fk_account_ue *ue,
			    const struct fk_delivery *d)
{
	if (d->state == FK_DELIVERY_ACKED || d->state == FK_DELIVERY_EXCLUDED)
		return;
	if (r->n_unfinished == r->cap_unfinished) {
		uint32_t cap = r->cap_unfinished == 0 ? 1024 : 2 * r->cap_unfinished;
		struct unfinished *grown = realloc(r->unfinished, cap * sizeof(*grown));

		if (grown == NULL) {
			r->err = FK_ENOMEM;
			return;
		}
		r->unfinished = grown;
		r->cap_unfinished = cap;
	}
	r->unfinished[r->n_unfinished++] =
		(struct unfinished){.ue_index = ue->ue_index,
				    .rsi = ue->rsi & 0xffffffu,
				    .is_performed = (d->flags & FK_DELIVERY_PERFORMED) != 0};
}

static void put_delivery(void *ctx, const struct fk_account_ue *ue, const struct fk_delivery *d)
{
	struct report *r = ctx;
	bool is_done = (d->flags & fk_campaign_goal(r->campaign)) != 0;
	char reason[FK_CAUSE_TEXT_SIZE];

	fk_cause_text(d->cause, d->cause_detail, reason, sizeof(reason));
	put_line(r, json_pack("{s:{s:s, s:I, s:s, s:s, s:o, s:b, s:b, s:o, s:o}}", "delivery",
			      "ue_id", ue->ue_id, "rsi", (json_int_t)ue->rsi, "state",
			      fk_delivery_state_label(d->state), "reason", reason, "keys",
			      keys_json(r->campaign, d), "performed",
			      (d->flags & FK_DELIVERY_PERFORMED) != 0, "proven",
			      (d->flags & FK_DELIVERY_PROVEN) != 0, "acked_ms",
			      is_done ? json_integer(d->acked_ms) : json_null(), "evidence",
			      evidence_json(d->inbound_number, d->mac_key_id, d->mac)));
	r->n_deliveries++;
	r->states[d->state]++;
	note_unfinished(r, ue, d);
}

static void put_deliveries(struct report *r)
{
	uint32_t next = UINT32_MAX;
	enum fk_err err = fk_account_walk(r->account, r->next_ue, DELIVERIES_PER_PIECE,
					  put_delivery, r, &next);

	if (r->err == FK_OK)
		r->err = err;
	r->next_ue = next;
}

static json_t *late_evidence_json(const struct fk_evidence *e)
{
	return json_pack("{s:o, s:o}", "at", fk_call_timestamp((uint64_t)e->at_s * 1000),
			 "authenticated", evidence_json(e->inbound_number, e->mac_key_id, e->mac));
}

/* 'has_left': the UE's RSI is in no fleet now, and it is what was known when it left. */
static void put_amendment(struct report *r, bool has_left, const char *what, json_t *value,
			  const struct fk_evidence *evidence)
{
	struct fk_account_ue ue = {.ue_id = ""};
	json_t *amendment;

	if (r->err == FK_OK)
		r->err = fk_account_who(r->account, r->unfinished[r->next_ue].ue_index, &ue);
	amendment = json_pack("{s:s, s:o, s:o}", "ue_id", ue.ue_id, what, value, "evidence",
			      late_evidence_json(evidence));
	if (has_left)
		json_object_set_new(amendment, "left_fleet", json_true());
	put_line(r, json_pack("{s:o}", "amendment", amendment));
	r->n_amendments++;
}

static json_t *late_keys_json(const struct fk_campaign *c, const struct fk_currency_entry *entry)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < fk_campaign_n_given(c); i++)
		json_array_append_new(list, json_string(fk_key_state_label(
						    (uint8_t)fk_currency_entry_state(entry, i))));
	return list;
}

/* A late answer changed what is known of the UE, and the currency says so. */
static void put_amendments_of(struct report *r, const struct fk_currency *currency, bool has_left)
{
	const struct fk_campaign *c = r->campaign;

	for (uint8_t i = 0; i < currency->n_entries; i++) {
		const struct fk_currency_entry *entry = &currency->entries[i];

		if (entry->evidence.campaign_id == c->id && (entry->flags & FK_CURRENCY_LATE) != 0)
			put_amendment(r, has_left, "keys", late_keys_json(c, entry),
				      &entry->evidence);
	}
	if (!r->unfinished[r->next_ue].is_performed && currency->active == FK_ACTIVE_KNOWN &&
	    currency->active_evidence.campaign_id == c->id)
		put_amendment(r, has_left, "active_keyset", json_integer(currency->active_keyset),
			      &currency->active_evidence);
}

static void put_amendments(struct report *r)
{
	for (uint32_t n = 0;
	     n < AMENDMENTS_PER_PIECE && r->next_ue < r->n_unfinished && r->err == FK_OK;) {
		uint64_t n_before = r->n_amendments;
		struct fk_currency currency;
		bool has_left = false;

		r->err = fk_account_recall(r->account, r->unfinished[r->next_ue].rsi, &currency,
					   &has_left);
		if (r->err == FK_OK)
			put_amendments_of(r, &currency, has_left);
		n += has_left || r->n_amendments != n_before ? AMENDMENT_ASKED : 1;
		r->next_ue++;
	}
}

static void put_review(struct report *r)
{
	const struct fk_campaign *c = r->campaign;

	if (!fk_break_glass_was_used(&c->glass))
		return;
	put_line(r, json_pack("{s:{s:s, s:o}}", "review", "state",
			      fk_break_glass_is_pending(&c->glass) ? "pending" : "done", "reviewed",
			      fk_api_review_json(c)));
}

static json_t *states_json(const struct report *r)
{
	json_t *states = json_object();

	for (uint8_t i = FK_DELIVERY_PENDING; i < FK_DELIVERY_STATES; i++) {
		if (r->states[i] > 0)
			json_object_set_new(states, fk_delivery_state_label(i),
					    json_integer((json_int_t)r->states[i]));
	}
	return states;
}

static void put_end(struct report *r)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	put_line(r, json_pack("{s:{s:I, s:I, s:o, s:o, s:o}}", "end", "n_deliveries",
			      (json_int_t)r->n_deliveries, "n_amendments",
			      (json_int_t)r->n_amendments, "states", states_json(r),
			      "frozen_sha512", hex_json(r->frozen, sizeof(r->frozen)), "made_at",
			      fk_call_timestamp((uint64_t)now.tv_sec * 1000 +
						(uint64_t)now.tv_nsec / 1000000)));
}

static void put_signature(struct report *r)
{
	const uint8_t *seed = fk_keyring_key(r->app->keyring, FK_PURPOSE_REPORT);
	uint8_t digest[FK_REPORT_DIGEST_SIZE], signature[FK_REPORT_SIGNATURE_SIZE];
	uint8_t public[FK_REPORT_PUBLIC_SIZE];

	r->err = fk_report_digest_get(r->digest, digest);
	if (r->err == FK_OK)
		r->err = fk_report_public(seed, public);
	if (r->err == FK_OK)
		r->err = fk_report_sign(seed, digest, signature);
	if (r->err == FK_OK)
		put_line(r, json_pack("{s:{s:s, s:o, s:o}}", "signature", "algorithm", "Ed25519",
				      "public_key", hex_json(public, sizeof(public)), "value",
				      hex_json(signature, sizeof(signature))));
}

/* One piece; the stage that follows is taken when one has come to its end. */
static void put_piece(struct report *r)
{
	switch (r->stage) {
	case HEAD:
		put_head(r);
		r->stage = DELIVERIES;
		break;
	case DELIVERIES:
		put_deliveries(r);
		if (r->next_ue != UINT32_MAX || r->err != FK_OK)
			break;
		r->err = fk_report_digest_get(r->digest, r->frozen);
		r->next_ue = 0;
		r->stage = AMENDMENTS;
		break;
	case AMENDMENTS:
		put_amendments(r);
		if (r->next_ue >= r->n_unfinished)
			r->stage = REVIEW;
		break;
	case REVIEW:
		put_review(r);
		r->stage = END;
		break;
	case END:
		put_end(r);
		r->stage = SIGNATURE;
		break;
	case SIGNATURE:
		put_signature(r);
		r->stage = DONE;
		break;
	case DONE:
		break;
	}
}

static enum fk_err next_piece(void *self, FILE *out)
{
	struct report *r = self;

	r->out = out;
	r->campaign = fk_engine_campaign(r->app->engine, r->id);
	if (r->campaign == NULL)
		return FK_ESTALE;
	do {
		put_piece(r);
	} while (r->err == FK_OK && r->stage != DONE && ftello(out) == 0);
	return r->err;
}

static enum fk_err new_report(struct fk_app *app, uint32_t id, struct report **ret_report)
{
	struct report *r = calloc(1, sizeof(*r));
	enum fk_err err;

	if (r == NULL)
		return FK_ENOMEM;
	r->app = app;
	r->id = id;
	r->digest = fk_report_digest_new();
	err = r->digest == NULL ? FK_ENOMEM
				: fk_account_new(app->engine, app->keyring, id, &r->account);
	if (err != FK_OK) {
		free_report(r);
		return err;
	}
	*ret_report = r;
	return FK_OK;
}

/* FK_OK if there is a report to make; else the reply is made. */
static enum fk_err check_reportable(struct fk_call *call)
{
	struct fk_engine *engine = call->app->engine;
	const struct fk_campaign *c = fk_engine_campaign(engine, call->id);

	if (c == NULL) {
		fk_call_reply_err(call, FK_ENOTFOUND, "id", "there is no such campaign");
		return FK_ENOTFOUND;
	}
	if (!fk_campaign_is_final(c) || !c->is_folded) {
		fk_call_reply_err(call, FK_EBUSY, "state",
				  "the campaign is not over: nothing is final yet");
		return FK_EBUSY;
	}
	if (!fk_campaign_has_begun(c)) {
		fk_call_reply_problem(call, 409, "there is no report", "state",
				      "the campaign never began", NULL);
		return FK_ENOTFOUND;
	}
	return FK_OK;
}

void fk_api_campaign_signed_report(struct fk_call *call)
{
	struct fk_stream stream = {.next = next_piece, .free = free_report};
	struct report *report = NULL;
	enum fk_err err;

	if (check_reportable(call) != FK_OK)
		return;
	err = new_report(call->app, call->id, &report);
	if (err != FK_OK) {
		fk_api_reply_account_err(call, err);
		return;
	}
	stream.self = report;
	fk_call_reply_stream(call, "application/jsonl", &stream);
}

void fk_api_report_key(struct fk_call *call)
{
	uint8_t public[FK_REPORT_PUBLIC_SIZE];
	char pem[FK_REPORT_PUBLIC_PEM_SIZE];
	enum fk_err err =
		fk_report_public(fk_keyring_key(call->app->keyring, FK_PURPOSE_REPORT), public);

	if (err == FK_OK)
		err = fk_report_public_pem(public, pem);
	if (err != FK_OK)
		fk_call_reply_err(call, err, NULL, NULL);
	else
		fk_call_reply_json(call, 200,
				   json_pack("{s:s, s:s, s:o}", "algorithm", "Ed25519", "pem", pem,
					     "public_key", hex_json(public, sizeof(public))));
}
