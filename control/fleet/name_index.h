/* SPDX-License-Identifier: Apache-2.0 */
/*
 * name_index.h - finds the number that belongs to a name: open addressing, texts kept elsewhere.
 *
 * Threads: belongs to one thread. Memory: 8 octets a slot, at most two thirds of them in use.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>

struct fk_name_index; /* layout is private to name_index.c */

/* The text that was added as 'value', with its length; it need not end with a NUL. */
typedef const char *(*fk_name_text_fn)(const void *ctx, uint32_t value, size_t *ret_len);

/* Room for 'n_expected' names; it grows beyond. 'text_of' and 'ctx' are used by find and add. */
FK_MUST_USE enum fk_err fk_name_index_new(uint32_t n_expected, fk_name_text_fn text_of,
					  const void *ctx, struct fk_name_index **ret_index);
void fk_name_index_free(struct fk_name_index *index);

/* The value of that name, or -1. */
int64_t fk_name_index_find(const struct fk_name_index *index, const char *text, size_t len);

/* Returns FK_OK; FK_EEXIST if the name is there already; FK_ENOMEM. */
FK_MUST_USE enum fk_err fk_name_index_add(struct fk_name_index *index, const char *text, size_t len,
					  uint32_t value);
