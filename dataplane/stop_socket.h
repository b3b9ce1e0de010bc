/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stop_socket.h - a way to stop this dataplane without control (I9).
 *
 * A Unix socket (SOCK_SEQPACKET, mode 0600) beside that of the link. Whoever connects as root or as
 * the dataplane's own user and sends FK_STOP_WORD gets it back when the stop flag is set: from the
 * next burst on, no request and no repeat leaves. Control finds the flag and halts its campaign,
 * now or when it is back.
 *
 * Threads: main thread. Memory: fk_stop_socket_new() allocates.
 */
#pragma once

#include <stddef.h>

#include <fleetkey/err.h>
#include <fleetkey/link.h>

#include "link.h"

struct fk_stop_socket;

/* Listens at the link's path with FK_STOP_SOCKET_SUFFIX. Borrows 'link_path' for the call only.
 * Returns FK_OK; what fk_unix_listen() returns, with its text; FK_ENOMEM. */
FK_MUST_USE enum fk_err fk_stop_socket_new(const char *link_path,
					   struct fk_stop_socket **ret_socket, char *ret_text,
					   size_t text_size);
/* Removes the socket's file, too; NULL is fine. */
void fk_stop_socket_free(struct fk_stop_socket *socket);

/* Serves who is there; does not wait. */
void fk_stop_socket_poll(struct fk_stop_socket *socket, struct fk_link *link);
