/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rotation.h - rotates root key and sealing epoch of a running fleetkeyd, beside its other work.
 *
 * It knows which root key is in force. After a new sealing epoch it seals old records anew, a step
 * at a time and with rests in between, and then destroys the old epochs' keys. A start that finds
 * more than one epoch goes on with that.
 *
 * Threads: belongs to one thread. Memory: fk_rotation_free() ends it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <fleetkey/err.h>

#include "fleet/fleet.h"
#include "keys/keyring.h"
#include "keys/root.h"
#include "reason.h"
#include "store/store.h"

struct fk_rotation; /* layout is private to rotation.c */

/* Borrows all; 'source' is the root key in force, and its texts are copied. FK_ENOMEM. */
FK_MUST_USE enum fk_err fk_rotation_new(struct fk_store *store, struct fk_keyring *keyring,
					const struct fk_root_source *source,
					struct fk_rotation **ret_rotation);
void fk_rotation_free(struct fk_rotation *rotation);

/*
 * Puts another root key in force: 'name' as fk_root_source; the module stays that of the
 * configuration. The next start needs it in the configuration. What fk_keys_rotate_root() returns.
 */
FK_MUST_USE enum fk_err fk_rotation_root(struct fk_rotation *rotation, const char *name,
					 struct fk_reason *reason);
/* Wraps a key under the root key in force. What fk_root_open() and fk_root_wrap() return. */
FK_MUST_USE enum fk_err fk_rotation_wrap(const struct fk_rotation *rotation,
					 const uint8_t key[static FK_ROOT_KEY_SIZE],
					 uint8_t ret_wrapped[static FK_ROOT_WRAPPED_SIZE],
					 struct fk_reason *reason);
/* Begins a new sealing epoch. What fk_keys_rotate_sealing() returns. */
FK_MUST_USE enum fk_err fk_rotation_sealing(struct fk_rotation *rotation, struct fk_reason *reason);

/* How long the loop may wait before fk_rotation_work(); -1: nothing is to be done. */
int fk_rotation_wait_ms(const struct fk_rotation *rotation);

/*
 * A step of some milliseconds, if one is due. 'fleet' is the one in force; with 'is_importing'
 * records of another wait to be stored, and old epochs are kept.
 */
void fk_rotation_work(struct fk_rotation *rotation, struct fk_fleet *fleet, bool is_importing);

struct fk_rotation_view {
	uint32_t sealing_epoch; /* of new records */
	uint32_t n_epochs;	/* that have keys; 1: nothing is left to do */
	uint32_t n_pages_done;	/* of the fleet in force, in this pass */
	const char *root;	/* source of the root key in force; borrowed */
	const char *last_error; /* why sealing anew does not go on; empty: it does; borrowed */
};
struct fk_rotation_view fk_rotation_view(const struct fk_rotation *rotation);
