/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app.h - fleetkeyd put together: everything main.c owns, and the one loop over it.
 *
 * Threads: one. Memory: fk_app_fini() ends all parts in the reverse order of their start and wipes
 * what held keys.
 */
#pragma once

#include <stdbool.h>

#include <fleetkey/err.h>

#include "campaign/engine.h"
#include "config/config.h"
#include "fleet/fleet.h"
#include "fleet/keytable.h"
#include "keys/key_store.h"
#include "keys/keyring.h"
#include "link/server.h"
#include "reason.h"
#include "rotation.h"
#include "store/store.h"

#define FK_VERSION "0.1.0"

struct fk_api;

/* Parts are created in this order; each may be NULL until then. */
struct fk_app {
	const struct fk_config *config; /* borrowed */
	struct fk_store *store;
	struct fk_keyring *keyring;
	struct fk_rotation *rotation;
	struct fk_key_store *keys;
	struct fk_fleet *fleet;
	struct fk_keytable_file *table;
	struct fk_engine *engine;
	struct fk_link_server *link;
	struct fk_api *api;
	int epoll_fd, signal_fd;
	bool should_stop;
	uint64_t wipe_by_ms; /* CLOCK_MONOTONIC; 0: keys are not to be wiped */
};

/* How to start; all borrowed. */
struct fk_app_start {
	bool may_recover;   /* go on with an older copy of the store (recovery.h), else refuse it */
	const char *backup; /* a file that is to be restored first (backup/restore.h); or NULL */
	uint32_t skip_numbers; /* what fk_restore() takes */
};

/*
 * Starts everything: store, keys, fleet, link, campaigns, and the API last, but for a backup that
 * is to be restored: then it ends with the recovery, and fk_app_run() may not follow. If it is told
 * to stop while it waits for the store, it returns FK_OK, and fk_app_run() at once. Borrows
 * 'config' until fk_app_fini(). Returns the first error; 'reason' says what to do about it. Call
 * fk_app_fini() in either case.
 */
FK_MUST_USE enum fk_err fk_app_init(struct fk_app *app, const struct fk_config *config,
				    const struct fk_app_start *start, struct fk_reason *reason);
/* Runs until SIGTERM or SIGINT, then writes what is dirty. Returns FK_OK or FK_EIO. */
FK_MUST_USE enum fk_err fk_app_run(struct fk_app *app);
/*
 * Wipes all keys of both processes and ends: the dataplane is told, and fk_app_run() ends when it
 * is gone, at the latest after half a second; then fk_app_fini() wipes the key table, too. What is
 * in the store stays.
 */
void fk_app_wipe(struct fk_app *app);
void fk_app_fini(struct fk_app *app);

/*
 * Puts a loaded fleet in place of the old one, and lets an attached dataplane attach to it. Takes
 * both, also on failure: then the old fleet stays. Returns FK_EBUSY if a campaign is active; what
 * fk_engine_set_fleet() returns.
 */
FK_MUST_USE enum fk_err fk_app_take_fleet(struct fk_app *app, struct fk_fleet *fleet,
					  struct fk_keytable_file *table, struct fk_reason *reason);
