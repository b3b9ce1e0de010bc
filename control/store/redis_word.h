/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis_word.h - private to control/store: one word of a command; hiredis writes it.
 *
 * Threads: pure. Memory: borrows.
 */
#pragma once

#include <stddef.h>
#include <string.h>

#define FK_REDIS_ARGS_MAX 1024 /* words of one command */

struct fk_redis_word {
	const void *at;
	size_t size;
};

#define FK_WORD(text) ((struct fk_redis_word){(text), strlen(text)})
