/* SPDX-License-Identifier: Apache-2.0 */
/*
 * open.h - brings root key and store together: is this the root key that sealed what is stored?
 *
 * Threads: start-up only.
 */
#pragma once

#include "keys/keyring.h"
#include "store/store.h"

/*
 * Loads the root key, derives the keyring for the store's KMF id and checks it against the check
 * record in the store; the first start writes that record. On FK_OK the caller owns the keyring.
 * Returns what fk_root_key_load(), fk_keyring_new() and the store return; FK_EAUTH if the store was
 * sealed under another root key. 'reason' says which.
 */
FK_MUST_USE enum fk_err fk_keys_open(const char *root_key_file, struct fk_store *store,
				     struct fk_keyring **ret_keyring, struct fk_reason *reason);
