/* SPDX-License-Identifier: Apache-2.0 */
/*
 * names.h - a list of different names, each with a small id: groups, areas, next hops.
 *
 * Threads: belongs to one thread. Memory: names are owned by the list.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>

struct fk_names; /* layout is private to names.c */

FK_MUST_USE enum fk_err fk_names_new(uint32_t n_max, struct fk_names **ret_names);
void fk_names_free(struct fk_names *names);

uint32_t fk_names_count(const struct fk_names *names);
/* NUL-terminated; NULL if there is no such id. */
const char *fk_names_get(const struct fk_names *names, uint32_t id);
/* The id of that name, or -1. */
int32_t fk_names_find(const struct fk_names *names, const char *text, size_t len);
/* The id of that name, which is new if the name is. Returns FK_OK; FK_EFULL; FK_ENOMEM. */
FK_MUST_USE enum fk_err fk_names_intern(struct fk_names *names, const char *text, size_t len,
					uint16_t *ret_id);

/* The names in order of their ids, a line feed behind each. The caller frees '*ret_text'. */
FK_MUST_USE enum fk_err fk_names_join(const struct fk_names *names, char **ret_text,
				      size_t *ret_size);
/* Reads what fk_names_join() wrote into an empty list. FK_OK; FK_EFORMAT; FK_EFULL; FK_ENOMEM. */
FK_MUST_USE enum fk_err fk_names_split(struct fk_names *names, const char *text, size_t size);
