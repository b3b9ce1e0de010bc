/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group_book.h - the plans of all crypto groups (group_plan.h), in memory and durable.
 *
 * They stand in one record with a MAC, which is written as a whole: a change is there or it is not.
 * After a write that failed it is not known what is stored: everything is read again before the
 * next use.
 *
 * Threads: belongs to one thread. Memory: some 160 octets a plan; fk_group_book_free() ends it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <fleetkey/err.h>

#include "fleet/fleet.h"
#include "fleet/group_plan.h"
#include "keys/keyring.h"
#include "reason.h"
#include "store/store.h"

struct fk_group_book; /* layout is private to group_book.c */

/*
 * Reads the plans. On FK_OK the caller owns '*ret_book', which borrows store and keyring. Returns
 * FK_EAUTH if the record was changed; FK_EFORMAT; FK_ESTORE; FK_ENOMEM.
 */
FK_MUST_USE enum fk_err fk_group_book_open(struct fk_store *store, struct fk_keyring *keyring,
					   struct fk_group_book **ret_book,
					   struct fk_reason *reason);
void fk_group_book_free(struct fk_group_book *book);

/* Reads everything again if that is needed after a failed write. As fk_group_book_open(). */
FK_MUST_USE enum fk_err fk_group_book_refresh(struct fk_group_book *book, struct fk_reason *reason);

/* By position, in the order of their names, and by name; NULL if there is none. Borrowed until the
 * next write. */
uint32_t fk_group_book_n(const struct fk_group_book *book);
const struct fk_group_plan *fk_group_book_at(const struct fk_group_book *book, uint32_t i);
const struct fk_group_plan *fk_group_book_find(const struct fk_group_book *book, const char *name,
					       size_t len);

/*
 * Makes that plan the one of its group, in place of another; version and time are ignored. FK_OK
 * when it is durable. Returns what fk_group_plan_check() returns; FK_EINVAL if it does not go
 * together with the plan of another group that has a UE of 'fleet' in common with it, or with the
 * own KEK of one of its UEs; FK_EFULL if
 * FK_GROUPS_MAX groups have plans; FK_ESTORE; FK_ENOMEM. Then nothing has changed here.
 */
FK_MUST_USE enum fk_err fk_group_book_set(struct fk_group_book *book, const struct fk_fleet *fleet,
					  const struct fk_group_plan *plan, const char **ret_field,
					  struct fk_reason *reason);
/* FK_OK when it is durable that the group has no plan; FK_ENOTFOUND; FK_ESTORE; FK_ENOMEM. */
FK_MUST_USE enum fk_err fk_group_book_remove(struct fk_group_book *book, const char *name);

/*
 * A changeover is complete for that group, or, with an empty name, for everyone: where a plan has
 * those two keysets, 'activated' is the active one from now on. Queues the record in the store's
 * open batch if that changes one; then 'ret_is_put' is set, and the caller says how the commit
 * ended. Returns FK_OK; FK_EBUSY if the book has to be refreshed first; FK_ENOMEM or what sealing
 * returns: then the batch must not be committed.
 */
FK_MUST_USE enum fk_err fk_group_book_put_changeover(struct fk_group_book *book, const char *name,
						     uint8_t superseded, uint8_t activated,
						     bool *ret_is_put);
void fk_group_book_written(struct fk_group_book *book, enum fk_err commit);

/* True if two of these groups of one UE have plans that do not go together; 'ret_pair' are their
 * places in the list. 'book' may be NULL: there are no plans. */
struct fk_row_text;
bool fk_group_book_clashes(const struct fk_group_book *book, const struct fk_row_text *groups,
			   uint32_t n, uint32_t ret_pair[static 2]);
/* True if the CKEK of one of these groups has that SLN, by its plan. */
bool fk_group_book_has_ckek_at(const struct fk_group_book *book, const struct fk_row_text *groups,
			       uint32_t n, uint16_t sln);
