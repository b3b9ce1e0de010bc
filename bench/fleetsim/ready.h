/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ready.h - tells whoever started fleetsim that the other side may come.
 *
 * A virtio_user port in server mode keeps EAL waiting until its peer has connected, so readiness
 * cannot be told after EAL is up: a script that waits for it would wait for ever. A thread watches
 * for the socket instead, and makes the ready file as soon as the socket is there.
 *
 * Threads: one of its own, ended by fk_ready_stop(). Memory: the caller's.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#define FK_READY_PATH_MAX 108 /* characters: what a Unix socket's address can hold */

struct fk_ready {
	const char *ready_path; /* NULL: nobody wants to know */
	char socket_path[FK_READY_PATH_MAX];
	bool has_thread;
	pthread_t thread;
	atomic_bool stop;
};

/* Before EAL starts. 'argv' are EAL's arguments. */
void fk_ready_start(struct fk_ready *ready, const char *ready_path, int argc, char **argv);

/* When the port runs: makes the file if the thread had nothing to watch for, and ends the thread.
 */
void fk_ready_stop(struct fk_ready *ready, bool is_running);
