/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis_server.h - a private Redis on a Unix socket in a temporary folder, for one test.
 */
#pragma once

#include <sys/types.h>

struct redis_server {
	char folder[64];
	char socket[96];
	pid_t pid; /* 0: not running */
};

/* Makes the folder and starts a Redis that is safe for the store. */
void redis_server_init(struct redis_server *server);
/* A store on it, which the caller closes. */
struct fk_store *redis_server_open_store(struct redis_server *server);
/* Kills it without warning; its files stay. */
void redis_server_kill(struct redis_server *server);
/* Starts it again on the same files. */
void redis_server_start(struct redis_server *server);
/* Removes the files of a Redis that does not run. */
void redis_server_forget(struct redis_server *server);
/* Kills it and removes the folder. */
void redis_server_fini(struct redis_server *server);
/* One command, by words; its reply as text (static), "" for nil. */
const char *redis_server_ask(struct redis_server *server, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
