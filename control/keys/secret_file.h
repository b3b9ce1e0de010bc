/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secret_file.h - reads a secret from a file that nobody else can have written, nor read.
 *
 * Threads: pure but for the files. Memory: the caller wipes what it was given.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>

#include "reason.h"

/*
 * Reads all of a regular file (no link) that is owned by the effective user and has no permission
 * for group or others. 'what' names the secret in a reason: "root key", "PIN".
 * Returns FK_OK; FK_EIO (cannot be opened or read); FK_EPOLICY (kind, owner or mode); FK_EFULL if
 * it is larger than 'cap'. 'reason' names the file and what is wrong, never its content; after a
 * failure 'buf' is wiped.
 */
FK_MUST_USE enum fk_err fk_secret_file_read(const char *what, const char *path, uint8_t *buf,
					    size_t cap, size_t *ret_size, struct fk_reason *reason);

/*
 * Reads a credential that systemd left for this service: the file 'name' of the folder
 * $CREDENTIALS_DIRECTORY, both owned by the effective user or root and writable by nobody else.
 * systemd lets the service's user read by an access list, whose mask shows as the group's
 * permission to read: so that one may be set.
 * Returns the same; FK_EPOLICY also if there is no such folder or the name is not that of a file.
 */
FK_MUST_USE enum fk_err fk_credential_read(const char *what, const char *name, uint8_t *buf,
					   size_t cap, size_t *ret_size, struct fk_reason *reason);
