/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /v1/backup: the store as a backup, which is made while it is sent. One that is cut off lacks
 * its end.
 */
#include "backup/backup.h"
#include "api/call.h"

static enum fk_err next_piece(void *self, FILE *out)
{
	return fk_backup_next(self, out);
}

static void free_backup(void *self)
{
	fk_backup_free(self);
}

void fk_api_backup(struct fk_call *call)
{
	struct fk_app *app = call->app;
	struct fk_stream stream = {.next = next_piece, .free = free_backup};
	struct fk_reason reason = {.text = ""};
	struct fk_backup *backup;
	enum fk_err err;

	if (!call->is_local) {
		fk_call_reply_err(call, FK_EPOLICY, NULL,
				  "a backup is given out over the Unix socket only");
		return;
	}
	if (call->imports->is_busy) {
		fk_call_reply_err(call, FK_EBUSY, NULL, fk_import_lock_reason(call->imports));
		return;
	}
	err = fk_backup_new(app->store, app->rotation, &backup, &reason);
	if (err != FK_OK) {
		fk_call_reply_err(call, err, NULL, reason.text[0] != '\0' ? reason.text : NULL);
		return;
	}
	call->owns_import_lock = true;
	*call->imports = (struct fk_import_lock){.is_busy = true, .is_backup = true};
	stream.self = backup;
	fk_call_reply_stream(call, "application/octet-stream", &stream);
}
