/* SPDX-License-Identifier: Apache-2.0 */
/*
 * open.h - brings root key and store together: unwraps the stored purpose keys, or makes the first.
 *
 * Threads: start-up only.
 */
#pragma once

#include "keys/keyring.h"
#include "keys/root.h"
#include "store/store.h"

#define FK_PURPOSE_KEYS "purpose-keys" /* name of their record in the store */

/*
 * Unwraps the purpose keys of the store; the first start makes and stores them. On FK_OK the caller
 * owns the keyring. Returns what fk_root_open(), fk_keyring_unwrap() and the store return; FK_EAUTH
 * if another root key wrapped them; FK_ENOTFOUND if they are gone, though there is a fleet.
 * 'reason' says which.
 */
FK_MUST_USE enum fk_err fk_keys_open(const struct fk_root_source *source, struct fk_store *store,
				     struct fk_keyring **ret_keyring, struct fk_reason *reason);
