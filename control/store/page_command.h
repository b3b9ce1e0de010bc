/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page_command.h - many pages as one command of Redis.
 *
 * A command of its own for each page costs more than its octets do: Redis looks it up, queues it
 * for the transaction and says so, and we take that answer apart. So pages are gathered, and go as
 * one MSET.
 *
 * Threads: one owner. Memory: in the struct, nothing else.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/redis_word.h"

#define FK_PAGE_COMMAND_SIZE 65536u /* octets of the keys and pages of one command at most */

struct fk_page_command {
	uint32_t n_words; /* MSET, then a key and a page in turn; 0: there is no page */
	size_t size;	  /* octets of them */
	struct fk_redis_word words[FK_REDIS_ARGS_MAX];
	char octets[FK_PAGE_COMMAND_SIZE];
};

/* Empties it. */
void fk_page_command_begin(struct fk_page_command *command);

/*
 * Adds a page, 'size' octets, under its key, a string; both are copied. False if there is no room:
 * then nothing is changed, and one that is empty never has room for this page.
 */
bool fk_page_command_add(struct fk_page_command *command, const char *key, const void *octets,
			 size_t size);
