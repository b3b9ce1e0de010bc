/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backup.h - makes a backup of the store, a piece at a time, while everything else goes on.
 *
 * What is stored is sealed already; names, areas and states are not, and so all of it is sealed
 * once more, under a key that is made for this backup and wrapped by the root key. Nothing is
 * written to any file here.
 *
 * While a backup is made no fleet may be imported, no campaign begun and no key rotated: what is
 * read then fits together (store/dump.h). A campaign that runs goes on, and is under way in the
 * backup.
 *
 * Threads: those of the store. Memory: a few chunks.
 */
#pragma once

#include <stdio.h>

#include <fleetkey/err.h>

#include "backup/backup_file.h"
#include "reason.h"
#include "rotation.h"
#include "store/store.h"

struct fk_backup; /* layout is private to backup.c */

/*
 * Begins; borrows 'store' until fk_backup_free(). Returns FK_EBUSY while old records are being
 * sealed anew; FK_ESTORE; FK_ENOMEM; FK_ESELFTEST; what fk_rotation_wrap() returns.
 */
FK_MUST_USE enum fk_err fk_backup_new(struct fk_store *store, const struct fk_rotation *rotation,
				      struct fk_backup **ret_backup, struct fk_reason *reason);
/* Says in the log if it did not come to its end. */
void fk_backup_free(struct fk_backup *backup);
/* Writes the next piece, at least an octet; nothing is the end. FK_OK; FK_ESTORE; FK_EIO if 'out'
 * takes no more; FK_EINVAL for a value that is too large; FK_ESELFTEST. */
FK_MUST_USE enum fk_err fk_backup_next(struct fk_backup *backup, FILE *out);
