/* SPDX-License-Identifier: Apache-2.0 */
/*
 * root_key.h - the root key as octets: 32 of them in a file or a credential.
 *
 * Exactly 32 raw octets, or 64 hex digits with at most one line end behind.
 *
 * Threads: pure but for the file. Memory: the caller owns and wipes the secret.
 */
#pragma once

#include <fleetkey/err.h>
#include <fleetkey/secret.h>

#include "reason.h"

/*
 * Reads the root key from a file, or from a credential, that passes the checks of secret_file.h.
 * Returns FK_OK; FK_EIO (cannot be opened or read); FK_EPOLICY (kind, owner or mode); FK_EFORMAT
 * (size or content). 'reason' names the file and what is wrong, never its content.
 */
FK_MUST_USE enum fk_err fk_root_key_load(const char *path, struct fk_secret *ret_key,
					 struct fk_reason *reason);
FK_MUST_USE enum fk_err fk_root_key_load_credential(const char *name, struct fk_secret *ret_key,
						    struct fk_reason *reason);
