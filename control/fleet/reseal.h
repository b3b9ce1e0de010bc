/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reseal.h - after a new sealing epoch: seals anew what is sealed under an old one.
 *
 * The pages of the fleet in force, then the key store, a few at a time, each batch durable before
 * the next. What is already sealed under the newest epoch is left alone, so a pass that was cut off
 * at any point is simply made again; a fleet that changes meanwhile is gone through from its first
 * page.
 *
 * Threads: those of keyring and store. Memory: fk_reseal_free() ends it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <fleetkey/err.h>

#include "fleet/fleet.h"
#include "keys/keyring.h"
#include "reason.h"
#include "store/store.h"

struct fk_reseal; /* layout is private to reseal.c */

/* Borrows store and keyring. On FK_OK the caller owns '*ret_reseal'. FK_ENOMEM. */
FK_MUST_USE enum fk_err fk_reseal_new(struct fk_store *store, struct fk_keyring *keyring,
				      struct fk_reseal **ret_reseal);
void fk_reseal_free(struct fk_reseal *reseal);

/*
 * A step of some milliseconds; 'fleet' is the one in force. '*ret_done' is true when nothing of it,
 * nor of the key store, is sealed under an old epoch any more; the next step begins a new pass.
 * Returns FK_OK; FK_ESTORE; FK_EAUTH, FK_ESTALE or FK_EFORMAT if a page or record does not open,
 * which is left as it is: 'reason' names it.
 */
FK_MUST_USE enum fk_err fk_reseal_step(struct fk_reseal *reseal, struct fk_fleet *fleet,
				       bool *ret_done, struct fk_reason *reason);

/* Pages of the fleet that are done in this pass. */
uint32_t fk_reseal_n_pages_done(const struct fk_reseal *reseal);
