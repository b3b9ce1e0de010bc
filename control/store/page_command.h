/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page_command.h - many pages as one command of Redis.
 *
 * A command of its own for each page costs more than its octets do: Redis looks it up, queues it
 * for the transaction and says so, and we take that answer apart. So pages are gathered in the form
 * in which Redis reads them, and go as one MSET.
 *
 * Threads: one owner. Memory: in the struct, nothing else.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FK_PAGE_COMMAND_SIZE 65536u /* octets of one command at most */

struct fk_page_command {
	uint32_t n_pages;
	size_t size; /* octets of their words; the command's own words go before them */
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

/* The command with all its pages, at least one: borrowed until the next call. */
const char *fk_page_command_octets(struct fk_page_command *command, size_t *ret_size);
