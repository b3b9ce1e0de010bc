/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_store.h - all keys that this KMF made and keeps: what they are, and in which state.
 *
 * What a key is stays in memory, the key itself in the store, under its seal (key_record.h). One
 * more record, "key-versions", lists the name and version of each with a MAC, and is written in the
 * transaction that writes a key: a record that is put back from an older copy, taken away or added
 * is named when the keys are read, and a single one again whenever its key is. All records and the
 * list put back together are noticed by the store's witness, which counts how often keys were
 * written; without one they are an older state of the store.
 *
 * A record stays when its key is destroyed, without the key: so its key ID is not given out again
 * while a radio may still hold the key.
 *
 * After a write that failed it is not known what is stored: everything is read again before the
 * next use.
 *
 * Threads: belongs to one thread. Memory: 80 octets a key; fk_key_store_free() ends it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <fleetkey/err.h>
#include <fleetkey/secret.h>

#include "keys/key_record.h"
#include "keys/keyring.h"
#include "reason.h"
#include "store/store.h"

#define FK_KEY_VERSIONS "key-versions" /* name of the list's record */

struct fk_key_store; /* layout is private to key_store.c */

struct fk_key_entry {
	char name[FK_KEY_NAME_SIZE];
	struct fk_key_record record;
};

/* One key to write. */
struct fk_key_put {
	const char *name;
	struct fk_key_record record; /* its version is ignored: it becomes the next one */
	const struct fk_secret *key; /* borrowed; NULL if it is destroyed */
};

/*
 * Reads all keys. On FK_OK the caller owns '*ret_keys', which borrows store and keyring. Returns
 * FK_EAUTH or FK_EFORMAT if a record does not open or the list was changed; FK_ESTALE if a record
 * was put back from an older copy, taken away or added; FK_ESTORE; FK_ENOMEM. 'reason' names it.
 */
FK_MUST_USE enum fk_err fk_key_store_open(struct fk_store *store, struct fk_keyring *keyring,
					  struct fk_key_store **ret_keys, struct fk_reason *reason);
void fk_key_store_free(struct fk_key_store *keys);

/* Reads everything again if that is needed after a failed write. As fk_key_store_open(). */
FK_MUST_USE enum fk_err fk_key_store_refresh(struct fk_key_store *keys, struct fk_reason *reason);

/* By position, in no order, and by name; NULL if there is none. Borrowed until the next write. */
uint32_t fk_key_store_n(const struct fk_key_store *keys);
const struct fk_key_entry *fk_key_store_at(const struct fk_key_store *keys, uint32_t i);
const struct fk_key_entry *fk_key_store_find(const struct fk_key_store *keys, const char *name);
/* True if any TEK or CKEK, of whatever state, has that key ID. */
bool fk_key_store_uses_key_id(const struct fk_key_store *keys, uint16_t key_id);

/*
 * Queues keys, and the list, in the store's open batch; new ones are added. The caller commits and
 * then calls fk_key_store_written(). Returns FK_OK; FK_ENOMEM; what fk_key_record_seal() returns;
 * after a failure the batch is the caller's to abandon.
 */
FK_MUST_USE enum fk_err fk_key_store_put(struct fk_key_store *keys, const struct fk_key_put *puts,
					 uint32_t n);
/* How the commit ended. */
void fk_key_store_written(struct fk_key_store *keys, enum fk_err commit);
/* The three together: one transaction of its own. FK_OK when it is durable; FK_ESTORE. */
FK_MUST_USE enum fk_err fk_key_store_write(struct fk_key_store *keys, const struct fk_key_put *put);

/*
 * Reads a key. The caller wipes 'ret_key'. Returns FK_ENOTFOUND; FK_ESTALE if the record is older
 * than it must be; FK_EAUTH; FK_EFORMAT; FK_ESTORE.
 */
FK_MUST_USE enum fk_err fk_key_store_get(struct fk_key_store *keys, const char *name,
					 struct fk_key_record *ret_record,
					 struct fk_secret *ret_key);

/*
 * Moves a key to another state, durably; to destroyed: its octets go from the store. Returns FK_OK;
 * FK_ENOTFOUND; FK_EPOLICY if a key of its state may not become that; what get and write return.
 */
FK_MUST_USE enum fk_err fk_key_store_move(struct fk_key_store *keys, const char *name, uint8_t life,
					  struct fk_reason *reason);
