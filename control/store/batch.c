/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "store/redis.h"

void fk_store_batch_begin(struct fk_store *store)
{
	/* A put on a broken store fails the batch, also if the store is mended before the commit.
	 */
	store->batch_open = true;
	store->batch_failed = store->redis == NULL;
}

/* Queues one write; long batches are sent, and their replies checked, as they grow. */
static void put(struct fk_store *store, const struct fk_redis_word *words, uint32_t n_words)
{
	enum fk_err err;

	if (store->batch_failed)
		return;
	err = fk_redis_send(store, words, n_words);
	if (err == FK_OK &&
	    (store->n_pending >= FK_STORE_PIPELINE_MAX || store->out_size >= FK_REDIS_OUT_MAX))
		err = fk_redis_drain(store);
	if (err != FK_OK)
		store->batch_failed = true;
}

static void put_page(struct fk_store *store, const char *kind, uint64_t id, uint8_t shard,
		     uint32_t page, const void *octets, size_t size)
{
	char key[FK_REDIS_KEY_SIZE];

	fk_redis_page_key(key, kind, id, shard, page);
	const struct fk_redis_word words[] = {FK_WORD("SET"), FK_WORD(key), {octets, size}};

	put(store, words, 3);
}

void fk_store_batch_put_numbers_page(struct fk_store *store, uint64_t generation, uint8_t shard,
				     uint32_t page, const void *octets, size_t size)
{
	put_page(store, "numbers", generation, shard, page, octets, size);
}

void fk_store_batch_put_ledger_page(struct fk_store *store, uint32_t campaign_id, uint8_t shard,
				    uint32_t page, const void *octets, size_t size)
{
	put_page(store, "ledger", campaign_id, shard, page, octets, size);
}

void fk_store_batch_put_fleet_page(struct fk_store *store, uint64_t generation, uint8_t shard,
				   uint32_t page, const void *octets, size_t size)
{
	put_page(store, "fleet", generation, shard, page, octets, size);
}

void fk_store_batch_put_campaign(struct fk_store *store, uint32_t campaign_id,
				 const struct fk_store_field *fields, uint32_t n_fields)
{
	struct fk_redis_word words[FK_REDIS_ARGS_MAX];
	char key[FK_REDIS_KEY_SIZE], id[16];
	uint32_t n = 0;

	if (n_fields == 0 || n_fields > (FK_REDIS_ARGS_MAX - 2) / 2) {
		if (!store->batch_failed)
			(void)fk_redis_break(store, "campaign", "no field, or too many");
		store->batch_failed = true;
		return;
	}
	fk_redis_campaign_key(key, campaign_id);
	words[n++] = FK_WORD("HSET");
	words[n++] = FK_WORD(key);
	for (uint32_t i = 0; i < n_fields; i++) {
		words[n++] = FK_WORD(fields[i].name);
		words[n++] = (struct fk_redis_word){fields[i].value, fields[i].size};
	}
	put(store, words, n);
	/* The record first: a crash in between leaves a record that nobody lists, not the reverse.
	 */
	(void)snprintf(id, sizeof(id), "%u", campaign_id);
	const struct fk_redis_word list[] = {FK_WORD("ZADD"), FK_WORD("fk:campaigns"), FK_WORD(id),
					     FK_WORD(id)};

	put(store, list, 4);
}

void fk_store_batch_put_key(struct fk_store *store, const char *name, const void *sealed,
			    size_t size)
{
	const struct fk_redis_word words[] = {
		FK_WORD("HSET"), FK_WORD("fk:keys"), FK_WORD(name), {sealed, size}};

	put(store, words, 4);
}

void fk_store_batch_delete_key(struct fk_store *store, const char *name)
{
	const struct fk_redis_word words[] = {FK_WORD("HDEL"), FK_WORD("fk:keys"), FK_WORD(name)};

	put(store, words, 3);
}

enum fk_err fk_store_batch_commit(struct fk_store *store)
{
	const struct fk_redis_word words[] = {FK_WORD("HINCRBY"), FK_WORD("fk:meta"),
					      FK_WORD("batches"), FK_WORD("1")};
	redisReply *reply = NULL;
	uint64_t n_batches;
	enum fk_err err = FK_OK;

	store->batch_open = false;
	if (store->batch_failed)
		return FK_ESTORE;
	/* The count goes last: a store that came back with it has every put of the batch. */
	err = fk_redis_send(store, words, 4);
	while (err == FK_OK && store->n_pending > 0) {
		if (reply != NULL)
			freeReplyObject(reply);
		reply = NULL;
		err = fk_redis_fetch(store, &reply);
	}
	if (err != FK_OK || reply == NULL)
		return FK_ESTORE;
	err = fk_redis_ask_integer(store, "batches", reply, INT64_MAX, &n_batches);
	if (err == FK_OK)
		store->n_batches = n_batches;
	return err;
}

void fk_store_batch_abandon(struct fk_store *store)
{
	/* Queued commands cannot be taken back one by one: the connection is closed with them. */
	if (store->n_pending > 0)
		(void)fk_redis_break(store, "batch", "abandoned");
	store->batch_open = false;
}
