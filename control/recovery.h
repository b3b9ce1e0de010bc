/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recovery.h - going on with a store that lost what it had confirmed (I1).
 *
 * What may have happened since is not in it: numbers were used, keys given out, campaigns ended. So
 * every UE begins beyond all numbers that may have been used; every campaign that was not at its
 * end is aborted, since it may have been; and of every key that a UE held or may have held it is
 * unknown whether it still does, until an inventory or a new key says so.
 *
 * A person says so with --recover; or a start does it by itself (recovery.automatic) if the witness
 * shows that nothing is missing but what campaigns have done: no status of a UE, no compromised
 * key, no plan of a group, no import. Those an older copy has as they were before, and nobody but
 * whoever has said them can say them again; to serve a radio meanwhile that is lost, or another
 * KMF's, is what a person has to answer for. After either one, recovery.automatic has the UEs asked
 * which of the keys they hold (campaign/settle.c).
 *
 * Threads: one owner. Memory: nothing is kept.
 */
#pragma once

#include <fleetkey/err.h>

#include "app.h"
#include "reason.h"

/* Asks the witness, if one is configured, whether the store is older; before anything is written to
 * it. Returns FK_OK; FK_ESTALE if it is, 'may_recover' is false and it may not be by itself; what
 * fk_store_set_witness() returns. */
FK_MUST_USE enum fk_err fk_recovery_check(struct fk_app *app, bool may_recover, bool *ret_is_older,
					  struct fk_reason *reason);
/* Begins with one that is older, when this node owns it. FK_OK or FK_ESTORE. */
FK_MUST_USE enum fk_err fk_recovery_begin(struct fk_app *app, struct fk_reason *reason);
/* Does it, if it is due, when the fleet is loaded and before a dataplane may attach. FK_OK; or
 * FK_ESTORE, FK_ENOMEM, FK_EFORMAT: then it is due at the next start. */
FK_MUST_USE enum fk_err fk_recovery_run(struct fk_app *app, struct fk_reason *reason);
/* Gives the witness the numbers of the fleet in force. Without them a recovery has to guess how
 * many were used, and guesses high. */
void fk_recovery_mirror(struct fk_app *app);
