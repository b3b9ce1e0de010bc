/* SPDX-License-Identifier: Apache-2.0 */
#include "backup/backup.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <fleetkey/secret.h>

#include "keys/tek.h"
#include "log.h"

enum stage {
	HEAD,
	ITEMS,
	DONE
};

struct fk_backup {
	struct fk_store_dump *dump;
	struct fk_backup_writer *writer;
	struct fk_backup_head head;
	enum stage stage;
	FILE *out; /* during one piece */
};

/* The key lives here, under the root key in the head, and in the writer's context. */
static enum fk_err make_writer(struct fk_backup *backup, const struct fk_rotation *rotation,
			       struct fk_reason *reason)
{
	uint8_t key[FK_ROOT_KEY_SIZE];
	enum fk_err err = fk_random_fill(key, sizeof(key));

	if (err == FK_OK)
		err = fk_rotation_wrap(rotation, key, backup->head.wrapped_key, reason);
	if (err == FK_OK)
		err = fk_backup_writer_new(&backup->head, key, &backup->writer);
	fk_wipe(key, sizeof(key));
	return err;
}

enum fk_err fk_backup_new(struct fk_store *store, const struct fk_rotation *rotation,
			  struct fk_backup **ret_backup, struct fk_reason *reason)
{
	struct fk_backup *backup;
	enum fk_err err;

	if (fk_rotation_view(rotation).n_epochs > 1) {
		fk_reason_set(reason, "old records are being sealed anew; try again when that is "
				      "done (keys sealing)");
		return FK_EBUSY;
	}
	backup = calloc(1, sizeof(*backup));
	if (backup == NULL)
		return FK_ENOMEM;
	backup->head.schema = FK_STORE_SCHEMA;
	backup->head.made_at_s = (uint64_t)time(NULL);
	memcpy(backup->head.kmf_id, fk_store_kmf_id(store), sizeof(backup->head.kmf_id));
	err = fk_store_dump_new(store, &backup->head.counts, &backup->dump);
	if (err == FK_ESTORE)
		fk_reason_set(reason, "%s", fk_store_last_error(store));
	if (err == FK_OK)
		err = make_writer(backup, rotation, reason);
	if (err != FK_OK) {
		backup->stage = DONE;
		fk_backup_free(backup);
		return err;
	}
	fk_log(FK_LOG_INFO, "backup begun", "batches=%" PRIu64 " epoch=%" PRIu64,
	       backup->head.counts.n_batches, backup->head.counts.epoch);
	*ret_backup = backup;
	return FK_OK;
}

void fk_backup_free(struct fk_backup *backup)
{
	if (backup == NULL)
		return;
	if (backup->stage != DONE)
		fk_log(FK_LOG_WARN, "backup cut off", "reason=\"%s\"",
		       "whoever asked for it has gone, or the store has");
	fk_store_dump_free(backup->dump);
	fk_backup_writer_free(backup->writer);
	free(backup);
}

static enum fk_err put_item(void *ctx, const struct fk_store_item *item)
{
	struct fk_backup *backup = ctx;

	return fk_backup_put(backup->writer, backup->out, item);
}

static enum fk_err put_end(struct fk_backup *backup, FILE *out)
{
	struct fk_backup_sums sums;
	enum fk_err err = fk_backup_put_end(backup->writer, out);

	if (err != FK_OK)
		return err;
	backup->stage = DONE;
	sums = fk_backup_written(backup->writer);
	fk_log(FK_LOG_INFO, "backup made",
	       "n_values=%" PRIu64 " octets=%" PRIu64 " seconds=%" PRIu64, sums.n_items,
	       sums.n_octets, (uint64_t)time(NULL) - backup->head.made_at_s);
	return FK_OK;
}

enum fk_err fk_backup_next(struct fk_backup *backup, FILE *out)
{
	long before = ftell(out);
	bool done = false;
	enum fk_err err = FK_OK;

	if (backup->stage == HEAD) {
		backup->stage = ITEMS;
		return fk_backup_put_head(backup->writer, out);
	}
	backup->out = out;
	/* Until a chunk is full. */
	while (err == FK_OK && backup->stage == ITEMS && ftell(out) == before) {
		err = fk_store_dump_step(backup->dump, put_item, backup, &done);
		if (err == FK_OK && done)
			err = put_end(backup, out);
	}
	return err;
}
