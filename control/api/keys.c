/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include <fleetkey/secret.h>

#include "api/call.h"
#include "keys/transport_key.h"
#include "log.h"

/* Why the keys of the store cannot be had. */
static void refuse(struct fk_call *call, enum fk_err err)
{
	if (err == FK_ESTORE)
		fk_call_reply_err(call, err, NULL, fk_store_last_error(call->app->store));
	else if (err == FK_EAUTH || err == FK_EFORMAT)
		fk_call_reply_problem(call, 500, "the stored transport key does not open", NULL,
				      fk_err_text(err), NULL);
	else
		fk_call_reply_err(call, err, NULL, NULL);
}

void fk_api_transport_key_show(struct fk_call *call)
{
	struct fk_transport_key *key = NULL;
	enum fk_err err = fk_transport_key_load(call->app->keys, &key);

	if (err == FK_ENOTFOUND)
		fk_call_reply_err(call, err, NULL, "no transport key was made yet");
	else if (err != FK_OK)
		refuse(call, err);
	else
		fk_call_reply_json(call, 200,
				   json_pack("{s:I, s:i}", "transport_key_id",
					     (json_int_t)fk_transport_key_id(key), "algorithm_id",
					     0x84));
	fk_transport_key_free(key);
}

/* 64 hex digits and a line end, on the heap. NULL: out of memory. */
static char *format_key(const struct fk_secret *key, size_t *ret_size)
{
	char *text = malloc(2 * (size_t)key->size + 1);

	if (text == NULL)
		return NULL;
	for (uint32_t i = 0; i < key->size; i++) {
		text[2 * i] = "0123456789abcdef"[key->octets[i] >> 4];
		text[2 * i + 1] = "0123456789abcdef"[key->octets[i] & 15];
	}
	text[2 * key->size] = '\n';
	*ret_size = 2 * (size_t)key->size + 1;
	return text;
}

/* The one answer that carries a key: as plain text, never as JSON, and over the local socket. */
void fk_api_transport_key_create(struct fk_call *call)
{
	struct fk_secret key = {.size = 0};
	uint32_t id = 0;
	size_t size = 0;
	char *text;
	enum fk_err err;

	if (!call->is_local) {
		fk_call_reply_err(call, FK_EPOLICY, NULL,
				  "a transport key is given out over the Unix socket only");
		return;
	}
	err = fk_transport_key_create(call->app->keys, &id, &key);
	if (err != FK_OK) {
		refuse(call, err);
		return;
	}
	fk_log(FK_LOG_INFO, "transport key made", "transport_key_id=%u", id);
	text = format_key(&key, &size);
	fk_secret_wipe(&key);
	if (text == NULL) {
		fk_call_reply_err(call, FK_ENOMEM, NULL, NULL);
		return;
	}
	call->is_secret = true;
	fk_call_reply_text(call, 201, "text/plain; charset=us-ascii", text, size);
}

/* Why the keys that keep keys could not be changed: the reason is about files, tokens or Redis. */
static void refuse_rotation(struct fk_call *call, enum fk_err err, const struct fk_reason *reason)
{
	if (err == FK_ESTORE || err == FK_EBUSY)
		fk_call_reply_err(call, err, NULL, reason->text);
	else
		fk_call_reply_problem(call, 422, "the keys stay as they are", "new", reason->text,
				      NULL);
}

void fk_api_sealing_show(struct fk_call *call)
{
	const struct fk_app *app = call->app;
	struct fk_rotation_view view = fk_rotation_view(app->rotation);

	fk_call_reply_json(call, 200,
			   json_pack("{s:s, s:I, s:I, s:I, s:I, s:s}", "root_key", view.root,
				     "sealing_epoch", (json_int_t)view.sealing_epoch,
				     "n_sealing_epochs", (json_int_t)view.n_epochs, "n_pages_done",
				     (json_int_t)view.n_pages_done, "n_pages",
				     (json_int_t)fk_fleet_n_pages(app->fleet), "last_error",
				     view.last_error));
}

/* What a backup reads has to stay under the keys that it began with. */
static bool refuse_during_backup(struct fk_call *call)
{
	if (!call->imports->is_backup)
		return false;
	fk_call_reply_err(call, FK_EBUSY, NULL, fk_import_lock_reason(call->imports));
	return true;
}

static bool refuse_remote(struct fk_call *call)
{
	if (call->is_local)
		return false;
	fk_call_reply_err(call, FK_EPOLICY, NULL,
			  "keys are rotated and wiped over the Unix socket only");
	return true;
}

void fk_api_rotate_sealing(struct fk_call *call)
{
	struct fk_reason reason = {.text = ""};
	enum fk_err err;

	if (refuse_remote(call) || refuse_during_backup(call))
		return;
	err = fk_rotation_sealing(call->app->rotation, &reason);
	if (err == FK_OK)
		fk_api_sealing_show(call);
	else
		refuse_rotation(call, err, &reason);
}

void fk_api_rotate_root(struct fk_call *call)
{
	struct fk_reason reason = {.text = ""};
	const char *name = NULL;
	json_t *body;
	enum fk_err err;

	if (refuse_remote(call) || refuse_during_backup(call))
		return;
	body = fk_call_json(call);
	if (body == NULL || json_unpack(body, "{s:s!}", "new", &name) != 0) {
		fk_call_reply_problem(call, 400, "the body must name the new root key", "new",
				      "must be text", NULL);
		json_decref(body);
		return;
	}
	err = fk_rotation_root(call->app->rotation, name, &reason);
	json_decref(body);
	if (err == FK_OK)
		fk_api_sealing_show(call);
	else
		refuse_rotation(call, err, &reason);
}

void fk_api_keys_wipe(struct fk_call *call)
{
	if (refuse_remote(call))
		return;
	fk_app_wipe(call->app);
	fk_call_reply_json(call, 202, json_pack("{s:s}", "state", "wiping"));
}
