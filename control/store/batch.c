/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "store/page_columns.h"
#include "store/redis.h"

void fk_store_batch_begin(struct fk_store *store)
{
	/* A put on a broken store fails the batch, also if the store is mended before the commit.
	 */
	store->batch_open = true;
	store->batch_failed = store->redis == NULL;
	store->batch_in_multi = false;
	fk_page_command_begin(&store->pages);
}

enum fk_err fk_redis_begin(struct fk_store *store)
{
	const struct fk_redis_word multi[] = {FK_WORD("MULTI")};
	enum fk_err err = fk_redis_send(store, multi, 1);

	return err == FK_OK ? fk_lease_ride(store) : err;
}

/* EXEC's own reply; 'n_behind' are still to come. */
static enum fk_err fetch_exec(struct fk_store *store, uint32_t n_behind, redisReply **ret_exec)
{
	redisReply *reply = NULL;
	enum fk_err err = FK_OK;

	while (err == FK_OK && store->n_pending > n_behind) {
		if (reply != NULL)
			freeReplyObject(reply);
		reply = NULL;
		err = fk_redis_fetch(store, &reply);
	}
	if (err == FK_OK && reply == NULL)
		err = fk_redis_break(store, "transaction", "EXEC gave no reply");
	if (err == FK_OK)
		*ret_exec = reply;
	return err;
}

static enum fk_err check_exec(struct fk_store *store, const redisReply *exec)
{
	if (exec->type == REDIS_REPLY_NIL)
		return FK_ESTALE;
	if (exec->type != REDIS_REPLY_ARRAY)
		return fk_redis_break(store, "transaction",
				      "EXEC gave another reply than expected");
	for (size_t i = 0; i < exec->elements; i++) {
		if (exec->element[i]->type == REDIS_REPLY_ERROR)
			return fk_redis_break(store, "transaction", exec->element[i]->str);
	}
	return FK_OK;
}

enum fk_err fk_redis_exec(struct fk_store *store, redisReply **ret_reply)
{
	const struct fk_redis_word exec[] = {FK_WORD("EXEC")};
	bool is_fenced = store->lease.is_held, is_checked = fk_settings_is_due(store);
	uint32_t n_behind = (is_fenced ? 2 : 0) + (is_checked ? FK_SETTINGS_REPLIES : 0);
	redisReply *reply;
	enum fk_err err = fk_redis_send(store, exec, 1);

	if (err == FK_OK && is_fenced)
		err = fk_lease_send_watch(store);
	if (err == FK_OK && is_checked)
		err = fk_settings_send(store);
	if (err == FK_OK)
		err = fetch_exec(store, n_behind, &reply);
	if (err != FK_OK)
		return err;
	if (is_fenced)
		err = fk_lease_fetch_watch(store);
	if (err == FK_OK && is_checked)
		err = fk_settings_fetch(store);
	if (err == FK_OK)
		err = check_exec(store, reply);
	if (err == FK_OK && store->lease.asked_at_us != 0)
		err = fk_redis_confirm(store);
	if (err != FK_OK) {
		store->lease.asked_at_us = 0;
		freeReplyObject(reply);
		return err;
	}
	*ret_reply = reply;
	return FK_OK;
}

enum fk_err fk_redis_write(struct fk_store *store, const struct fk_redis_word *words,
			   uint32_t n_words, int64_t *ret_value)
{
	redisReply *reply;
	const redisReply *last;
	enum fk_err err = fk_redis_drain(store);

	/* It gives out an id or keeps a key, and is rare. */
	fk_settings_ask_for(store);
	if (err == FK_OK)
		err = fk_redis_begin(store);
	if (err == FK_OK)
		err = fk_redis_send(store, words, n_words);
	if (err == FK_OK)
		err = fk_redis_exec(store, &reply);
	if (err != FK_OK)
		return err == FK_ESTALE ? fk_redis_break(store, "write", "EXEC was refused") : err;
	last = reply->elements > 0 ? reply->element[reply->elements - 1] : NULL;
	if (last == NULL || last->type != REDIS_REPLY_INTEGER)
		err = fk_redis_break(store, "write", "it gave another reply than expected");
	else if (ret_value != NULL)
		*ret_value = last->integer;
	freeReplyObject(reply);
	return err;
}

enum fk_err fk_redis_count(struct fk_store *store, const char *what,
			   const struct fk_redis_word *words, uint32_t n_words, uint64_t max,
			   uint64_t *ret_value)
{
	int64_t value;
	enum fk_err err = fk_redis_write(store, words, n_words, &value);

	if (err != FK_OK)
		return err;
	if (value <= 0 || (uint64_t)value > max)
		return fk_redis_break(store, what, "the counter is used up or damaged");
	*ret_value = (uint64_t)value;
	return FK_OK;
}

/* The batch's transaction, to its end; 'ret_exec' gets EXEC's reply, which the caller frees. */
static enum fk_err end_transaction(struct fk_store *store, redisReply **ret_exec)
{
	enum fk_err err;

	store->batch_in_multi = false;
	err = fk_redis_exec(store, ret_exec);
	return err == FK_ESTALE ? fk_redis_break(store, "batch", "EXEC was refused") : err;
}

/*
 * Writes go in transactions for their cost: Redis takes what it reads in one go, some 16 KB, and
 * would fsync after each such piece; a transaction is logged and fsynced as one.
 */
static enum fk_err open_transaction(struct fk_store *store)
{
	enum fk_err err = store->batch_in_multi ? FK_OK : fk_redis_begin(store);

	store->batch_in_multi = true;
	return err;
}

/* Queues the pages that were gathered. */
static void queue_pages(struct fk_store *store)
{
	enum fk_err err;

	if (store->batch_failed || store->pages.n_words == 0)
		return;
	err = open_transaction(store);
	if (err == FK_OK)
		err = fk_redis_send(store, store->pages.words, store->pages.n_words);
	if (err != FK_OK)
		store->batch_failed = true;
	fk_page_command_begin(&store->pages);
}

/* Queues one write, behind the pages that were put before it. */
static void queue(struct fk_store *store, const struct fk_redis_word *words, uint32_t n_words)
{
	enum fk_err err;

	queue_pages(store);
	if (store->batch_failed)
		return;
	err = open_transaction(store);
	if (err == FK_OK)
		err = fk_redis_send(store, words, n_words);
	if (err != FK_OK)
		store->batch_failed = true;
}

/* A long batch is cut into several transactions, so that Redis does not stand still for long. */
static void cut(struct fk_store *store)
{
	redisReply *reply;

	if (store->batch_failed || store->out_size < FK_REDIS_OUT_MAX)
		return;
	if (end_transaction(store, &reply) == FK_OK)
		freeReplyObject(reply);
	else
		store->batch_failed = true;
}

void fk_redis_batch_put(struct fk_store *store, const struct fk_redis_word *words, uint32_t n_words)
{
	queue(store, words, n_words);
	cut(store);
}

static void put_page(struct fk_store *store, const char *kind, uint64_t id, uint8_t shard,
		     uint32_t page, const void *octets, size_t size)
{
	char key[FK_REDIS_KEY_SIZE];

	fk_redis_page_key(key, kind, id, shard, page);
	if (store->redis == NULL)
		store->batch_failed = true;
	if (store->batch_failed || fk_page_command_add(&store->pages, key, octets, size))
		return;
	queue_pages(store);
	cut(store);
	if (fk_page_command_add(&store->pages, key, octets, size))
		return;
	/* Longer than a command of many. */
	const struct fk_redis_word words[] = {FK_WORD("SET"), FK_WORD(key), {octets, size}};

	fk_redis_batch_put(store, words, 3);
}

/* A page of 64 rows; one of another size goes as it is, and whoever reads it refuses it. */
static void put_rows(struct fk_store *store, const char *kind, uint64_t id, uint8_t shard,
		     uint32_t page, size_t row_size, const void *octets, size_t size)
{
	uint8_t columns[FK_PAGE_COLUMNS_MAX];

	if (size == FK_PAGE_ROWS * row_size) {
		size = fk_page_to_columns(octets, row_size, columns);
		octets = columns;
	}
	put_page(store, kind, id, shard, page, octets, size);
}

void fk_store_batch_put_numbers_page(struct fk_store *store, uint64_t generation, uint8_t shard,
				     uint32_t page, const void *octets, size_t size)
{
	/* Before it can be stored, let alone be sent: the witness never knows less. */
	if (size == FK_WITNESS_PAGE_SIZE)
		fk_store_mirror_put(store, generation, page, octets);
	put_rows(store, "numbers", generation, shard, page, FK_STORE_NUMBERS_ROW, octets, size);
}

void fk_store_batch_put_currency_page(struct fk_store *store, uint64_t generation, uint8_t shard,
				      uint32_t page, const void *octets, size_t size)
{
	put_page(store, "currency", generation, shard, page, octets, size);
}

void fk_store_batch_put_ledger_page(struct fk_store *store, uint32_t campaign_id, uint8_t shard,
				    uint32_t page, const void *octets, size_t size)
{
	put_rows(store, "ledger", campaign_id, shard, page, FK_STORE_LEDGER_ROW, octets, size);
}

void fk_store_batch_put_fleet_page(struct fk_store *store, uint64_t generation, uint8_t shard,
				   uint32_t page, const void *octets, size_t size)
{
	put_page(store, "fleet", generation, shard, page, octets, size);
}

void fk_store_batch_put_roster_page(struct fk_store *store, uint64_t generation, uint8_t shard,
				    uint32_t page, const void *octets, size_t size)
{
	put_page(store, "roster", generation, shard, page, octets, size);
}

void fk_store_batch_put_fleet_field(struct fk_store *store, uint64_t generation, const char *name,
				    const void *octets, size_t size)
{
	char key[FK_REDIS_KEY_SIZE];

	fk_redis_fleet_key(key, generation);
	const struct fk_redis_word words[] = {
		FK_WORD("HSET"), FK_WORD(key), FK_WORD(name), {octets, size}};

	fk_redis_batch_put(store, words, 4);
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
	fk_redis_batch_put(store, words, n);
	/* The record first: a crash in between leaves a record that nobody lists, not the reverse.
	 */
	(void)snprintf(id, sizeof(id), "%u", campaign_id);
	const struct fk_redis_word list[] = {FK_WORD("ZADD"), FK_WORD("fk:campaigns"), FK_WORD(id),
					     FK_WORD(id)};

	fk_redis_batch_put(store, list, 4);
}

void fk_store_batch_put_key(struct fk_store *store, const char *name, const void *sealed,
			    size_t size)
{
	const struct fk_redis_word words[] = {
		FK_WORD("HSET"), FK_WORD("fk:keys"), FK_WORD(name), {sealed, size}};

	fk_redis_batch_put(store, words, 4);
}

void fk_store_batch_put_groups(struct fk_store *store, const void *octets, size_t size)
{
	const struct fk_redis_word words[] = {
		FK_WORD("HSET"), FK_WORD("fk:groups"), FK_WORD("plans"), {octets, size}};

	fk_store_note_statement(store);
	fk_redis_batch_put(store, words, 4);
}

enum fk_err fk_store_create_key(struct fk_store *store, const char *name, const void *sealed,
				size_t size)
{
	const struct fk_redis_word words[] = {
		FK_WORD("HSETNX"), FK_WORD("fk:keys"), FK_WORD(name), {sealed, size}};
	enum fk_err err = fk_redis_write(store, words, 4, NULL);

	return err == FK_OK ? fk_redis_confirm_counted(store) : err;
}

void fk_store_batch_delete_key(struct fk_store *store, const char *name)
{
	const struct fk_redis_word words[] = {FK_WORD("HDEL"), FK_WORD("fk:keys"), FK_WORD(name)};

	fk_redis_batch_put(store, words, 3);
}

void fk_store_note_statement(struct fk_store *store)
{
	store->has_statement = true;
}

/*
 * Behind what it counts, so that a copy that has it has that, too. It is counted and witnessed
 * before it is sent, and stays counted if that fails: so no two have the same number.
 */
static void count_statement(struct fk_store *store)
{
	if (!store->has_statement)
		return;
	store->has_statement = false;
	store->n_statements++;
	fk_redis_witness_statement(store);
	fk_redis_put_meta(store, "statements", store->n_statements);
}

enum fk_err fk_store_batch_commit(struct fk_store *store)
{
	const struct fk_redis_word words[] = {FK_WORD("HINCRBY"), FK_WORD("fk:meta"),
					      FK_WORD("batches"), FK_WORD("1")};
	redisReply *reply;
	const redisReply *count;
	uint64_t n_batches = 0;
	enum fk_err err;

	count_statement(store);
	/* The count goes last: a store that came back with it has every put of the batch. */
	queue(store, words, 4);
	store->batch_open = false;
	if (store->batch_failed)
		return FK_ESTORE;
	err = end_transaction(store, &reply);
	if (err != FK_OK)
		return FK_ESTORE;
	count = reply->elements > 0 ? reply->element[reply->elements - 1] : NULL;
	if (count == NULL || count->type != REDIS_REPLY_INTEGER || count->integer <= 0)
		err = fk_redis_break(store, "batches", "the counter is used up or damaged");
	else
		n_batches = (uint64_t)count->integer;
	freeReplyObject(reply);
	if (err == FK_OK)
		err = fk_redis_confirm(store);
	if (err != FK_OK)
		return err;
	/* Not before: a promotion may lose what was not confirmed, and is no older store for that.
	 */
	store->n_batches = n_batches;
	fk_redis_witness(store);
	return FK_OK;
}

void fk_store_batch_abandon(struct fk_store *store)
{
	/* Queued commands cannot be taken back one by one: the connection is closed with them. */
	if (store->n_pending > 0)
		(void)fk_redis_break(store, "batch", "abandoned");
	store->batch_open = false;
}

static void put_of_rsi(struct fk_store *store, const char *key, uint32_t rsi, const void *octets,
		       size_t size)
{
	char name[16];

	(void)snprintf(name, sizeof(name), "%u", rsi);
	const struct fk_redis_word words[] = {
		FK_WORD("HSET"), FK_WORD(key), FK_WORD(name), {octets, size}};

	fk_redis_batch_put(store, words, 4);
}

void fk_store_batch_put_retired(struct fk_store *store, uint32_t rsi,
				const uint8_t octets[static FK_STORE_RETIRED_SIZE])
{
	put_of_rsi(store, FK_REDIS_RETIRED, rsi, octets, FK_STORE_RETIRED_SIZE);
}

void fk_store_batch_put_retired_currency(struct fk_store *store, uint32_t rsi, const void *octets,
					 size_t size)
{
	put_of_rsi(store, FK_REDIS_RETIRED_CURRENCY, rsi, octets, size);
}
