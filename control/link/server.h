/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server.h - control's end of the link: listens, lets one dataplane in, hands on the lease.
 *
 *   HELLO -> check -> adopt or make the region -> ATTACH {epoch} -> ATTACHED -> attached
 *
 * A connection that ends, or that breaks the handshake, is closed; the dataplane comes back by
 * itself. The region outlives the connection, so that a dataplane that died finds it again.
 *
 * Threads: one owner, who calls fk_link_server_run() when fk_link_server_fd() is readable.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <fleetkey/err.h>

#include "link/region.h"
#include "reason.h"

#define FK_LINK_HANDSHAKE_MS 30000 /* from ATTACH to ATTACHED: the dataplane parks its workers */

struct fk_link_server;

/* What the link asks of its owner. Callbacks run inside fk_link_server_run(). */
struct fk_link_callbacks {
	/* A new epoch, durable. FK_ESTORE while the store is away: the dataplane is refused. */
	enum fk_err (*next_epoch)(void *ctx, uint32_t *ret_epoch);
	/* Renews what this node owns, if that is due; until when it does (CLOCK_MONOTONIC, us), 0:
	 * not at all. The dataplane sends no longer than that. */
	uint64_t (*keep_lease)(void *ctx);
	/* The region changed: 'is_new' if nothing is known of what was sent. Before ATTACH. */
	void (*on_region)(void *ctx, struct fk_region_map *region, bool is_new);
	/* After ATTACHED: what the UE states say is all there is. */
	void (*on_attached)(void *ctx);
	/* The connection is gone. */
	void (*on_detached)(void *ctx);
	void *ctx;
};

struct fk_link_options {
	const char *socket_path;
	uid_t dataplane_uid; /* root and our own user may connect too */
	uint32_t lease_ms;   /* a third of it is the time between two calls of keep_lease() */
	struct fk_link_callbacks callbacks;
};

/* The fleet that a region has to fit. 'numbers' may be NULL if n_slots is 0. */
struct fk_link_fleet {
	int keytable_fd; /* borrowed until the next fk_link_server_set_fleet() */
	const struct fk_ue_numbers *numbers;
	uint8_t kmf_id[16];
	uint64_t fleet_generation;
	uint64_t tenure; /* store/lease.h: what was sent in another one is not known */
	uint32_t n_slots;
};

/*
 * Listens. A socket file that nobody answers on is removed first. On FK_OK the caller owns it.
 * Returns FK_EEXIST if somebody listens there; FK_EINVAL if the path is too long; FK_EIO;
 * FK_ENOMEM.
 */
FK_MUST_USE enum fk_err fk_link_server_new(const struct fk_link_options *options,
					   struct fk_link_server **ret_server,
					   struct fk_reason *reason);
/* Closes everything, ends the lease, and removes the socket file. */
void fk_link_server_free(struct fk_link_server *server);

/* Sets or replaces the fleet. An attached dataplane is let go, and attaches to the new one. */
void fk_link_server_set_fleet(struct fk_link_server *server, const struct fk_link_fleet *fleet);

/* Tells the dataplane to wipe its keys and end, ends the lease, and lets nobody in any more. */
void fk_link_server_wipe(struct fk_link_server *server);

/* The same, but the dataplane is to wait for a control that lets it in. */
void fk_link_server_stand_by(struct fk_link_server *server);

/* An epoll descriptor over all that the link waits for. */
int fk_link_server_fd(const struct fk_link_server *server);
void fk_link_server_run(struct fk_link_server *server);

bool fk_link_server_is_attached(const struct fk_link_server *server);
/* True once any dataplane attached to the fleet in force. */
bool fk_link_server_was_attached(const struct fk_link_server *server);
uint32_t fk_link_server_epoch(const struct fk_link_server *server); /* 0 before the first ATTACH */
/* The region in force, NULL before the first HELLO. */
struct fk_region_map *fk_link_server_region(const struct fk_link_server *server);
