/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call.h - one request while it is served: what the handlers see of it, and how they answer.
 *
 * A handler ends with exactly one fk_call_reply_*(). JSON types do not leave control/api/.
 *
 * Threads: one owner.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>

#include "api/problem.h"
#include "api/stream.h"
#include "app.h"
#include "fleet/import.h"
#include "import_job.h"

struct MHD_Connection;
struct fk_call;

/* One import or backup at a time, over all connections. */
struct fk_import_lock {
	bool is_busy;
	bool is_backup;
	struct fk_call *owner;	 /* the call whose import it is */
	struct fk_call *waiting; /* the owner, once it only waits for fk_api_import_step() */
};

struct fk_call {
	struct fk_app *app;
	struct MHD_Connection *connection;
	bool is_local;	    /* it came over the Unix socket */
	uint64_t principal; /* 1 + uid of its peer there; 0: nobody that is known */
	struct fk_import_lock *imports;
	uint32_t id;	  /* the {id} of the path */
	const char *name; /* the {name}, borrowed from the connection; NULL: none */
	/* Body: collected, or for an import, taken row by row. */
	char *body;
	size_t body_size, body_cap;
	struct fk_import *import;
	struct fk_import_job *job; /* what becomes of the import once it is read; owns it then */
	bool owns_import_lock;
	/* The answer. */
	unsigned status;
	const char *content_type;
	char *text;	/* owned; the answer's body */
	bool is_secret; /* 'text' is wiped before it is freed */
	size_t text_size;
	struct fk_stream stream; /* the answer's body in its place, if 'next' is not NULL */
};

/* The body as JSON, which the caller releases; NULL if it is none, or names a member twice. */
json_t *fk_call_json(const struct fk_call *call);
/* False if the state of keys may not change by this call, since it came by TCP: it is answered. */
bool fk_call_may_change_keys(struct fk_call *call);
/* Takes 'json', also on failure. */
void fk_call_reply_json(struct fk_call *call, unsigned status, json_t *json);
/* Takes 'text', which came from malloc. */
void fk_call_reply_text(struct fk_call *call, unsigned status, const char *content_type, char *text,
			size_t size);
/* 200 with a body that is made while it is sent. Takes 'stream'. */
void fk_call_reply_stream(struct fk_call *call, const char *content_type,
			  const struct fk_stream *stream);
/* RFC 9457. 'field' and 'reason' may be NULL. 'extra' (may be NULL) is taken, and its members are
 * added. */
void fk_call_reply_problem(struct fk_call *call, unsigned status, const char *title,
			   const char *field, const char *reason, json_t *extra);
/* The same for an error code: its HTTP status and text. */
void fk_call_reply_err(struct fk_call *call, enum fk_err err, const char *field,
		       const char *reason);
static inline bool fk_call_has_reply(const struct fk_call *call)
{
	return call->status != 0;
}

/* A parameter of the query, or NULL. Borrowed. */
const char *fk_call_query(const struct fk_call *call, const char *name);
/*
 * Reads ?cursor and ?limit. FK_OK; or FK_ERANGE, and the reply is made.
 */
FK_MUST_USE enum fk_err fk_call_page(struct fk_call *call, uint32_t *ret_from, uint32_t *ret_limit);

/* Frees the import of a call, at whatever point it is, and lets others import. */
void fk_call_drop_import(struct fk_call *call);
/* Why fk_import_lock is taken, for a refusal. */
const char *fk_import_lock_reason(const struct fk_import_lock *lock);

/* What is known of a UE's own key; how many of the fleet's are in which state. */
json_t *fk_own_key_json(const struct fk_fleet_ue *ue, enum fk_own_key_kind kind);
json_t *fk_own_keys_overview(const struct fk_fleet *fleet);

/* RFC 3339 with milliseconds, UTC; null for 0. */
json_t *fk_call_timestamp(uint64_t at_ms);

/* Handlers; see the table in routes.c. */
void fk_api_health(struct fk_call *call);
void fk_api_dataplane(struct fk_call *call);
void fk_api_store(struct fk_call *call);
void fk_api_backup(struct fk_call *call);
void fk_api_metrics(struct fk_call *call);
void fk_api_fleet(struct fk_call *call);
void fk_api_fleet_ues(struct fk_call *call);
void fk_api_fleet_export(struct fk_call *call);
void fk_api_status_set(struct fk_call *call);
void fk_api_own_keys(struct fk_call *call);
void fk_api_own_key_mark_compromised(struct fk_call *call);
void fk_api_adopt(struct fk_call *call);
void fk_api_groups(struct fk_call *call);
void fk_api_group_show(struct fk_call *call);
void fk_api_group_set(struct fk_call *call);
void fk_api_group_remove(struct fk_call *call);
void fk_api_status_list(struct fk_call *call);
void fk_api_import_begin(struct fk_call *call);
void fk_api_import_feed(struct fk_call *call, const void *octets, size_t size);
void fk_api_import_end(struct fk_call *call);
void fk_api_import_show(struct fk_call *call);
/* A slice of the work after fk_api_import_end(). True when the reply is made. */
bool fk_api_import_step(struct fk_call *call);
void fk_api_currency(struct fk_call *call);
void fk_api_transport_key_show(struct fk_call *call);
void fk_api_transport_key_create(struct fk_call *call);
void fk_api_keys(struct fk_call *call);
void fk_api_key_mark_compromised(struct fk_call *call);
void fk_api_key_deactivate(struct fk_call *call);
void fk_api_key_destroy(struct fk_call *call);
void fk_api_keys_wipe(struct fk_call *call);
void fk_api_sealing_show(struct fk_call *call);
void fk_api_rotate_sealing(struct fk_call *call);
void fk_api_rotate_root(struct fk_call *call);
void fk_api_campaign_create(struct fk_call *call);
void fk_api_campaign_list(struct fk_call *call);
void fk_api_campaign_show(struct fk_call *call);
void fk_api_campaign_abort(struct fk_call *call);
void fk_api_campaign_plan(struct fk_call *call);
void fk_api_campaign_plan_again(struct fk_call *call);
void fk_api_campaign_plan_ues(struct fk_call *call);
void fk_api_campaign_approve(struct fk_call *call);
void fk_api_campaign_start(struct fk_call *call);
void fk_api_campaign_schedule(struct fk_call *call);
void fk_api_campaign_retry(struct fk_call *call);
void fk_api_campaign_pause(struct fk_call *call);
void fk_api_campaign_halt(struct fk_call *call);
void fk_api_campaign_resume(struct fk_call *call);
void fk_api_campaign_report(struct fk_call *call);
void fk_api_campaign_review(struct fk_call *call);
void fk_api_campaign_signed_report(struct fk_call *call);
void fk_api_campaign_deliveries(struct fk_call *call);
void fk_api_report_key(struct fk_call *call);
