/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rotate.h - changes the keys that keep keys: the root key, and the sealing key by epochs.
 *
 * Each change is one write of the record of the purpose keys: a kill leaves the old record or the
 * new one. Nothing else changes with the root. After a new sealing epoch old records still open;
 * resealing them is the work of fleet/reseal.h.
 *
 * Threads: those of keyring and store.
 */
#pragma once

#include "keys/keyring.h"
#include "keys/root.h"
#include "store/store.h"

/*
 * Wraps all purpose keys under the root key of 'source', checks that they unwrap again, and stores
 * them. Returns FK_OK when that is durable: from then on only the new root key opens the store.
 * Else nothing changed, but after FK_ESTORE it is unknown which of the two is stored. Returns what
 * fk_root_open() and fk_root_wrap() return; FK_ESTORE.
 */
FK_MUST_USE enum fk_err fk_keys_rotate_root(struct fk_keyring *keyring, struct fk_store *store,
					    const struct fk_root_source *source,
					    struct fk_reason *reason);

/*
 * Begins a new sealing epoch, durably; 'source' is the root key in force. Returns FK_OK; FK_EBUSY
 * if too many epochs wait for their records to be resealed; FK_EAUTH if that is not the root key in
 * force; what fk_root_open() and fk_root_wrap() return; FK_ESTORE.
 */
FK_MUST_USE enum fk_err fk_keys_rotate_sealing(struct fk_keyring *keyring, struct fk_store *store,
					       const struct fk_root_source *source,
					       struct fk_reason *reason);

/*
 * Destroys the keys of all old sealing epochs, once nothing is sealed under them: here at once, in
 * the store with FK_OK. Returns as above.
 */
FK_MUST_USE enum fk_err fk_keys_drop_old_sealings(struct fk_keyring *keyring,
						  struct fk_store *store,
						  const struct fk_root_source *source,
						  struct fk_reason *reason);
