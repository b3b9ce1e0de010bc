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
#include "fleet/group_book.h"
#include "fleet/keytable.h"
#include "keys/key_store.h"
#include "keys/keyring.h"
#include "link/server.h"
#include "reason.h"
#include "rotation.h"
#include "store/lease.h"
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
	struct fk_group_book *groups;
	struct fk_fleet *fleet;
	struct fk_keytable_file *table;
	struct fk_engine *engine;
	struct fk_link_server *link;
	struct fk_api *api;
	int epoll_fd, signal_fd;
	struct fk_node node;
	int node_fd;		     /* locked while the lease is ours, or waited for */
	bool is_standby;	     /* there is nothing yet but store and API, ... */
	struct fk_store_owner owner; /* ... since this node has the lease */
	bool is_lost;		     /* another node has taken the lease from us */
	bool recovers_alone;	     /* an older copy of the store, and nobody has asked for it */
	uint32_t n_sweep_pages;	     /* of a failed import that go next; 0: it has left none */
	bool should_stop;
	uint64_t wipe_by_ms;   /* CLOCK_MONOTONIC; 0: keys are not to be wiped */
	uint64_t reload_at_ms; /* the same; 0: the fleet in memory is the one in force */
	bool begins_anew;      /* it is not, and the loop has ended for that */
};

/* How to start; all borrowed. */
struct fk_app_start {
	bool may_recover;   /* go on with an older copy of the store (recovery.h), else refuse it */
	const char *backup; /* a file that is to be restored first (backup/restore.h); or NULL */
	uint32_t skip_numbers; /* what fk_restore() takes */
};

/*
 * Starts everything: store, lease, keys, fleet, link, campaigns, and the API last, but for a backup
 * that is to be restored: then it ends with the recovery, and fk_app_run() may not follow. While
 * another node has the lease it waits; the API is there then, and says so. If it is told to stop
 * while it waits for store or lease, it returns FK_OK, and fk_app_run() at once. Borrows
 * 'config' until fk_app_fini(). Returns the first error; 'reason' says what to do about it. Call
 * fk_app_fini() in either case.
 */
FK_MUST_USE enum fk_err fk_app_init(struct fk_app *app, const struct fk_config *config,
				    const struct fk_app_start *start, struct fk_reason *reason);
/* Runs until SIGTERM or SIGINT, then writes what is dirty; or until another node has the lease:
 * then nothing is written, the dataplane has been told to let go of all that it has, and 'is_lost'
 * is set; or until what fk_app_reload() wants may begin. Returns FK_OK or FK_EIO. */
FK_MUST_USE enum fk_err fk_app_run(struct fk_app *app);
/* True if the caller is to end 'app' and begin anew. */
bool fk_app_lives_on(const struct fk_app *app);
/*
 * For when the store has, or may have, another fleet in force than memory: nothing more is begun
 * with the one in memory, fk_app_run() ends as soon as whoever asked has the answer, and the next
 * life loads what is in force.
 */
void fk_app_reload(struct fk_app *app);
/*
 * Wipes all keys of both processes and ends: the dataplane is told, and fk_app_run() ends when it
 * is gone, at the latest after half a second; then fk_app_fini() wipes the key table, too. What is
 * in the store stays.
 */
void fk_app_wipe(struct fk_app *app);
void fk_app_fini(struct fk_app *app);

/* Opens the API, if it is not open yet, and makes the loop over it and the signals. FK_OK; what
 * fk_api_new() returns; FK_EIO. */
FK_MUST_USE enum fk_err fk_app_open_api(struct fk_app *app, struct fk_reason *reason);
/* One turn of that loop, 'wait_ms' long at most, for want of anything else to do. FK_OK or FK_EIO.
 */
FK_MUST_USE enum fk_err fk_app_idle(struct fk_app *app, int wait_ms);

/*
 * Puts a loaded fleet in place of the old one, and lets an attached dataplane attach to it. Takes
 * both, also on failure: then the old fleet stays. Returns FK_EBUSY if a campaign is active; what
 * fk_engine_set_fleet() returns.
 */
FK_MUST_USE enum fk_err fk_app_take_fleet(struct fk_app *app, struct fk_fleet *fleet,
					  struct fk_keytable_file *table, struct fk_reason *reason);
