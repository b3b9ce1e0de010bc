/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api.h - the HTTP/JSON API: on a Unix socket, and on loopback with a bearer token if configured.
 *
 * No thread of its own: the owner's loop watches the descriptors and calls fk_api_run(). Requests
 * are answered at once; uploads are taken piece by piece.
 *
 * Threads: one owner. Memory: a request holds at most FK_API_BODY_MAX octets of body.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <fleetkey/err.h>

#include "reason.h"

#define FK_API_BODY_MAX	       65536 /* octets of a JSON body */
#define FK_API_CONNECTIONS_MAX 64
#define FK_API_LIMIT_MAX       10000 /* rows of one page */
#define FK_API_LIMIT_DEFAULT   1000
#define FK_API_DAEMONS	       2

struct fk_api;
struct fk_app;

/* Listens. Borrows 'app' until fk_api_free(). Returns FK_EEXIST, FK_EINVAL, FK_EPOLICY (mode of
 * the token file), FK_EFORMAT (its content), FK_EIO, FK_ENOMEM; 'reason' says which and where. */
FK_MUST_USE enum fk_err fk_api_new(struct fk_app *app, struct fk_api **ret_api,
				   struct fk_reason *reason);
/* Closes all connections and removes the socket file. */
void fk_api_free(struct fk_api *api);

/* Descriptors to watch for reading; returns how many, at most FK_API_DAEMONS. */
uint32_t fk_api_fds(const struct fk_api *api, int ret_fds[static FK_API_DAEMONS]);
/* Does a slice, some milliseconds, of long work that requests wait for. True if there was any. */
bool fk_api_work(struct fk_api *api);
/* True while an import is under way: its records are sealed, and not yet in force. */
bool fk_api_is_importing(const struct fk_api *api);
/* Serves what can be served now. */
void fk_api_run(struct fk_api *api);
/* Milliseconds until fk_api_run() is wanted even if nothing happens; -1: never. */
int fk_api_wait_ms(const struct fk_api *api);
