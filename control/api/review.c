/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /v1/campaigns/{id}/review: another user has looked at what one has done alone.
 */
#include <string.h>

#include "api/call.h"
#include "api/campaign_json.h"
#include "api/note.h"

/* Takes {"note": TEXT} or nothing. FK_OK; else the reply is made. */
static enum fk_err take_note(struct fk_call *call, char ret_note[static FK_NOTE_SIZE])
{
	json_t *body = call->body_size > 0 ? fk_call_json(call) : json_object();
	struct fk_reason reason = {{0}};
	const char *name = NULL;
	enum fk_err err = FK_EFORMAT;
	json_t *value;

	ret_note[0] = '\0';
	fk_reason_set(&reason, "the body is no JSON object");
	if (json_is_object(body))
		err = FK_OK;
	json_object_foreach(body, name, value)
	{
		if (strcmp(name, "note") == 0) {
			err = fk_note_parse(value, ret_note, FK_NOTE_SIZE, &reason);
		} else {
			err = FK_EINVAL;
			fk_reason_set(&reason, "there is no such member");
		}
		if (err != FK_OK)
			break;
	}
	if (err != FK_OK)
		fk_call_reply_err(call, err, name, reason.text);
	json_decref(body);
	return err;
}

void fk_api_campaign_review(struct fk_call *call)
{
	struct fk_engine *engine = call->app->engine;
	struct fk_reason reason = {{0}};
	char note[FK_NOTE_SIZE];
	const char *field = NULL;
	enum fk_err err;

	if (take_note(call, note) != FK_OK)
		return;
	err = fk_engine_review(engine, call->id, call->principal, note, &field, &reason);
	if (err != FK_OK)
		fk_call_reply_err(call, err, field, reason.text[0] != '\0' ? reason.text : NULL);
	else
		fk_call_reply_json(
			call, 200,
			fk_api_campaign_json(engine, fk_engine_campaign(engine, call->id)));
}
