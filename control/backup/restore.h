/* SPDX-License-Identifier: Apache-2.0 */
/*
 * restore.h - puts a backup into an empty Redis.
 *
 * The file is read to its end and found whole and authentic before anything is written; a Redis
 * that holds anything is refused. What happened since the backup is lost, so the restored store is
 * one that needs a recovery (recovery.h), which the next start does: it goes on beyond all that the
 * witness file (store/witness.h) has seen given out. Where there is none, one that knows less than
 * the backup, or one with the numbers of another fleet than the backup's, as after an import,
 * somebody has to say how many numbers a UE may have been sent since. A guess would have to be so
 * high that radios would not take the numbers behind it. Without a witness campaign ids, fleet
 * generations and epochs go on far beyond.
 *
 * Threads: start-up only. Memory: two chunks.
 */
#pragma once

#include <stdint.h>

#include <fleetkey/err.h>

#include "config/config.h"
#include "reason.h"

/* Message numbers: a quarter of their circle, as far as a recovery skips. */
#define FK_RESTORE_SKIP_MAX 16384u

/*
 * 'skip_numbers' 0: nobody has said. Returns FK_OK when all is durable. Else nothing was written,
 * but for FK_ESTORE, after which the Redis may hold a part that no start takes:
 *   FK_EFORMAT, FK_ETRUNC, FK_EAUTH   what is wrong with the file, or another root key
 *   FK_EABI                           it is of a schema that this version cannot read
 *   FK_EEXIST                         the Redis is not empty
 *   FK_ESTALE                         the witness file is another KMF's
 *   FK_EPOLICY                        no witness of numbers, and nobody has said; a file's mode
 *   FK_EIO, FK_ENOMEM, and what fk_root_open() returns
 * 'reason' says which.
 */
FK_MUST_USE enum fk_err fk_restore(const struct fk_config *config, const char *path,
				   uint32_t skip_numbers, struct fk_reason *reason);
