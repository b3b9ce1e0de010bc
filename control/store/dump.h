/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dump.h - all that a store holds, value by value, and back into an empty Redis.
 *
 * A dump is made in steps, beside the other work of the store's thread. Every value is as it was at
 * some moment between beginning and end, and what belongs together is read together: the fields of
 * a record, the keys with the list of their versions. It has everything that was there all the
 * time. What was written meanwhile may be in it or not, so whoever restores it has to take all
 * since the beginning for lost.
 *
 * Threads: those of the store. Memory: what one step reads, some 0.5 MB.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>

#include "reason.h"
#include "store/store.h"

/* The numbers are stored. */
enum fk_store_kind {
	FK_STORE_STRING = 1,
	FK_STORE_FIELD = 2,  /* of a hash */
	FK_STORE_MEMBER = 3, /* of a sorted set: 'field' is it, 'value' its score as text */
};

/* One value. Borrowed. */
struct fk_store_item {
	uint8_t kind; /* enum fk_store_kind */
	const void *key, *field, *value;
	size_t key_size, field_size, value_size; /* octets; no field: 0 */
};

typedef enum fk_err (*fk_store_item_fn)(void *ctx, const struct fk_store_item *item);

/* The highest that a store has given out. */
struct fk_store_counts {
	uint64_t epoch, n_batches;
	uint64_t campaign_id, generation;
};

struct fk_store_dump; /* layout is private to dump.c */

/* Begins, and notes the counts as they are now. Borrows 'store' until fk_store_dump_free(). FK_OK,
 * FK_ESTORE, FK_ENOMEM. */
FK_MUST_USE enum fk_err fk_store_dump_new(struct fk_store *store,
					  struct fk_store_counts *ret_counts,
					  struct fk_store_dump **ret_dump);
void fk_store_dump_free(struct fk_store_dump *dump);
/* Hands some values over, perhaps one of them again. No batch may be open. FK_OK; FK_ESTORE; or
 * what 'fn' returned. */
FK_MUST_USE enum fk_err fk_store_dump_step(struct fk_store_dump *dump, fk_store_item_fn fn,
					   void *ctx, bool *ret_done);

/*
 * Connects to a Redis that is safe (fk_store_open()) and has no key at all. Nothing is written
 * before the first put; from then until fk_store_restore_end() no fk_store_open() takes it. Only
 * these may be called for such a store; fk_store_last_error(); fk_store_close().
 * Returns FK_OK; FK_EEXIST if it has a key; FK_EAWAY; FK_ESTORE; FK_ENOMEM. 'reason' says which.
 */
FK_MUST_USE enum fk_err fk_store_restore_begin(const struct fk_store_options *options,
					       struct fk_store **ret_store,
					       struct fk_reason *reason);
/* Writes one value; a failure is kept for the end. */
void fk_store_restore_put(struct fk_store *store, const struct fk_store_item *item);

/* What a restored store goes on from. */
struct fk_store_restored {
	uint32_t schema;
	/* Beyond all that was given out: counts that the values have do not count. */
	struct fk_store_counts counts;
	uint64_t gap;	    /* batches that are missing at most, never 0: the next start recovers */
	uint64_t made_at_s; /* when what was restored was the store */
};
/* Takes the mark away in the same step in which it notes that. Everything is durable with FK_OK;
 * FK_ESTORE. */
FK_MUST_USE enum fk_err fk_store_restore_end(struct fk_store *store,
					     const struct fk_store_restored *restored);
