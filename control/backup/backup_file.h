/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backup_file.h - the octets of a backup: a head in clear, and what the store holds in sealed
 * chunks.
 *
 *   head   magic 8 | layout 1 | schema 4 | kmf_id 16 | made_at_s 8 | epoch 8 | batches 8 |
 *          campaign id 8 | fleet generation 8 | the backup's key, wrapped by the root key 40
 *   chunk  1 bit: it is the last | size 31 bits | so many octets | tag 16
 *
 * Each backup has a key of its own. A chunk is AES-256-GCM; its nonce is its place in the file, and
 * head, place and the four octets before it are associated data. So no octet can be changed, no
 * chunk left out, moved, or taken from another backup, and a file that was cut is not whole.
 *
 * A chunk is a list of items, one of them a value of the store:
 *
 *   kind 1 | key size 2 | field size 2 | value size 4 | key | field | value
 *
 * and the last is the end: how many items there were, 8 octets, and octets of them, 8.
 *
 * Threads: a writer or reader belongs to one thread. Memory: two chunks. The key is in OpenSSL's
 * contexts alone, which are cleared when they are freed.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <fleetkey/err.h>

#include "keys/keyring.h"
#include "keys/root.h"
#include "reason.h"
#include "store/dump.h"

#define FK_BACKUP_HEAD_SIZE   109	 /* octets */
#define FK_BACKUP_CHUNK_SIZE  (1u << 18) /* octets of a chunk that is full */
#define FK_BACKUP_CHUNK_MAX   (FK_BACKUP_CHUNK_SIZE + FK_STORE_VALUE_MAX + 4096)
#define FK_BACKUP_CHUNK_EXTRA 20 /* octets that a chunk has besides */

struct fk_backup_head {
	uint32_t schema;
	uint8_t kmf_id[FK_KMF_ID_SIZE];
	uint64_t made_at_s; /* since 1970 */
	/* As they stood before anything was read: what is in the file is at least that new. */
	struct fk_store_counts counts;
	uint8_t wrapped_key[FK_ROOT_WRAPPED_SIZE];
};

struct fk_backup_writer; /* layout is private to backup_file.c */

/* What a backup came to. */
struct fk_backup_sums {
	uint64_t n_items, n_octets; /* octets of the items */
};

/* A writer under 'key', which it does not keep. On FK_OK the caller owns '*ret_writer'. FK_ENOMEM;
 * FK_ESELFTEST. */
FK_MUST_USE enum fk_err fk_backup_writer_new(const struct fk_backup_head *head,
					     const uint8_t key[static FK_ROOT_KEY_SIZE],
					     struct fk_backup_writer **ret_writer);
void fk_backup_writer_free(struct fk_backup_writer *writer);
/* The head comes first, and the end last. Results: FK_OK; FK_EIO if 'out' takes no more;
 * FK_ESELFTEST; FK_EINVAL for an item that is larger than FK_STORE_VALUE_MAX allows. */
FK_MUST_USE enum fk_err fk_backup_put_head(struct fk_backup_writer *writer, FILE *out);
/* Adds an item; a chunk goes out when it is full. */
FK_MUST_USE enum fk_err fk_backup_put(struct fk_backup_writer *writer, FILE *out,
				      const struct fk_store_item *item);
/* Sends the chunk out that is begun, if one is. */
FK_MUST_USE enum fk_err fk_backup_flush(struct fk_backup_writer *writer, FILE *out);
FK_MUST_USE enum fk_err fk_backup_put_end(struct fk_backup_writer *writer, FILE *out);
struct fk_backup_sums fk_backup_written(const struct fk_backup_writer *writer);

/*
 * Reads the head, which is authentic only when the first chunk has been read. Returns FK_OK;
 * FK_EFORMAT if it is no backup, or one of another layout; FK_ETRUNC if it ends within; FK_EIO.
 */
FK_MUST_USE enum fk_err fk_backup_read_head(FILE *in, struct fk_backup_head *ret_head,
					    struct fk_reason *reason);
/*
 * Reads all that follows the head, up to the end of 'in', and hands each item over as soon as its
 * chunk is authentic. Returns FK_OK if the file is whole; FK_EAUTH if a chunk, or the head, is not
 * what was written; FK_ETRUNC if the file ends before its end; FK_EFORMAT if an authentic chunk is
 * no list of items, the sums differ, or something follows the end; FK_EIO; FK_ENOMEM; what 'fn'
 * returned. 'reason' says where.
 */
FK_MUST_USE enum fk_err fk_backup_read(FILE *in, const struct fk_backup_head *head,
				       const uint8_t key[static FK_ROOT_KEY_SIZE],
				       fk_store_item_fn fn, void *ctx,
				       struct fk_backup_sums *ret_sums, struct fk_reason *reason);

/* The items of one chunk. Returns FK_OK; FK_EFORMAT; what 'fn' returned. */
FK_MUST_USE enum fk_err fk_backup_decode_items(const uint8_t *octets, size_t size,
					       fk_store_item_fn fn, void *ctx, uint64_t *ret_n);
/* One item; 'cap' octets are room for it. Returns the size, 0 if it does not fit. */
size_t fk_backup_encode_item(const struct fk_store_item *item, uint8_t *buf, size_t cap);
