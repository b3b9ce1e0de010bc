/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "store/page_columns.h"
#include "store/redis.h"

/* Hands the pages of one pipeline over. After a callback's error the rest is fetched and dropped.
 */
static enum fk_err fetch_pages(struct fk_store *store, uint32_t first_page, uint32_t n_pages,
			       fk_store_page_fn fn, void *ctx)
{
	enum fk_err result = FK_OK;

	for (uint32_t i = 0; i < n_pages; i++) {
		redisReply *reply;
		enum fk_err err = fk_redis_fetch(store, &reply);

		if (err != FK_OK)
			return err;
		if (result == FK_OK && reply->type == REDIS_REPLY_STRING)
			result = fn(ctx, first_page + i, (const uint8_t *)reply->str, reply->len);
		else if (result == FK_OK)
			result = fn(ctx, first_page + i, NULL, 0);
		freeReplyObject(reply);
	}
	return result;
}

static enum fk_err read_pages(struct fk_store *store, const char *kind, uint64_t id,
			      const uint8_t *shard_of_page, uint32_t first_page, uint32_t n_pages,
			      fk_store_page_fn fn, void *ctx)
{
	enum fk_err err = fk_redis_drain(store);

	for (uint32_t done = 0; err == FK_OK && done < n_pages;) {
		uint32_t n = n_pages - done < FK_STORE_PIPELINE_MAX ? n_pages - done
								    : FK_STORE_PIPELINE_MAX;

		(void)fk_store_keep_lease(store); /* a large fleet takes longer than it lasts */
		for (uint32_t i = 0; err == FK_OK && i < n; i++) {
			char key[FK_REDIS_KEY_SIZE];
			uint32_t page = first_page + done + i;

			fk_redis_page_key(key, kind, id, shard_of_page[page], page);
			const struct fk_redis_word words[] = {FK_WORD("GET"), FK_WORD(key)};

			err = fk_redis_send(store, words, 2);
		}
		if (err == FK_OK)
			err = fetch_pages(store, first_page + done, n, fn, ctx);
		done += n;
	}
	return err;
}

struct rows_reader {
	size_t row_size;
	fk_store_page_fn fn;
	void *ctx;
};

/* A page of rows as it was put. One that is no page by columns goes on as it is: it was stored row
 * by row by an older version, or is damaged, and then whoever decodes it says so. */
static enum fk_err take_rows(void *ctx, uint32_t page, const uint8_t *octets, size_t size)
{
	const struct rows_reader *reader = ctx;
	uint8_t rows[FK_PAGE_MAX];

	if (octets == NULL || size == FK_PAGE_ROWS * reader->row_size ||
	    fk_page_from_columns(octets, size, reader->row_size, rows) != FK_OK)
		return reader->fn(reader->ctx, page, octets, size);
	return reader->fn(reader->ctx, page, rows, FK_PAGE_ROWS * reader->row_size);
}

enum fk_err fk_store_read_numbers_pages(struct fk_store *store, uint64_t generation,
					const uint8_t *shard_of_page, uint32_t first_page,
					uint32_t n_pages, fk_store_page_fn fn, void *ctx)
{
	struct rows_reader reader = {FK_STORE_NUMBERS_ROW, fn, ctx};

	return read_pages(store, "numbers", generation, shard_of_page, first_page, n_pages,
			  take_rows, &reader);
}

enum fk_err fk_store_read_currency_pages(struct fk_store *store, uint64_t generation,
					 const uint8_t *shard_of_page, uint32_t first_page,
					 uint32_t n_pages, fk_store_page_fn fn, void *ctx)
{
	return read_pages(store, "currency", generation, shard_of_page, first_page, n_pages, fn,
			  ctx);
}

enum fk_err fk_store_read_ledger_pages(struct fk_store *store, uint32_t campaign_id,
				       const uint8_t *shard_of_page, uint32_t first_page,
				       uint32_t n_pages, fk_store_page_fn fn, void *ctx)
{
	struct rows_reader reader = {FK_STORE_LEDGER_ROW, fn, ctx};

	return read_pages(store, "ledger", campaign_id, shard_of_page, first_page, n_pages,
			  take_rows, &reader);
}

enum fk_err fk_store_read_fleet_pages(struct fk_store *store, uint64_t generation,
				      const uint8_t *shard_of_page, uint32_t first_page,
				      uint32_t n_pages, fk_store_page_fn fn, void *ctx)
{
	return read_pages(store, "fleet", generation, shard_of_page, first_page, n_pages, fn, ctx);
}

enum fk_err fk_store_read_roster_pages(struct fk_store *store, uint64_t generation,
				       const uint8_t *shard_of_page, uint32_t first_page,
				       uint32_t n_pages, fk_store_page_fn fn, void *ctx)
{
	return read_pages(store, "roster", generation, shard_of_page, first_page, n_pages, fn, ctx);
}

enum fk_err fk_redis_read_of_rsis(struct fk_store *store, const char *key, const uint32_t *rsis,
				  uint32_t n, fk_store_page_fn fn, void *ctx)
{
	struct fk_redis_word words[FK_STORE_RETIRED_MAX + 2] = {FK_WORD("HMGET"), FK_WORD(key)};
	char names[FK_STORE_RETIRED_MAX][16];
	redisReply *reply;
	enum fk_err err;

	if (n == 0)
		return FK_OK;
	if (n > FK_STORE_RETIRED_MAX)
		return FK_EINVAL;
	for (uint32_t i = 0; i < n; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "%u", rsis[i]);
		words[i + 2] = FK_WORD(names[i]);
	}
	err = fk_redis_call(store, words, n + 2, &reply);
	if (err != FK_OK)
		return err;
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != n)
		err = fk_redis_break(store, key, "HMGET gave another reply");
	for (uint32_t i = 0; err == FK_OK && i < n; i++) {
		const redisReply *item = reply->element[i];

		if (item->type == REDIS_REPLY_STRING)
			err = fn(ctx, i, (const uint8_t *)item->str, item->len);
		else
			err = fn(ctx, i, NULL, 0);
	}
	freeReplyObject(reply);
	return err;
}

struct retired_reader {
	struct fk_store *store;
	uint8_t (*octets)[FK_STORE_RETIRED_SIZE];
};

static enum fk_err take_retired(void *ctx, uint32_t i, const uint8_t *octets, size_t size)
{
	struct retired_reader *reader = ctx;

	memset(reader->octets[i], 0, FK_STORE_RETIRED_SIZE);
	if (size == FK_STORE_RETIRED_SIZE)
		memcpy(reader->octets[i], octets, FK_STORE_RETIRED_SIZE);
	else if (octets != NULL)
		return fk_redis_break(reader->store, FK_REDIS_RETIRED, "the value is damaged");
	return FK_OK;
}

enum fk_err fk_store_read_retired(struct fk_store *store, const uint32_t *rsis, uint32_t n,
				  uint8_t (*ret_octets)[FK_STORE_RETIRED_SIZE])
{
	struct retired_reader reader = {.store = store, .octets = ret_octets};

	return fk_redis_read_of_rsis(store, FK_REDIS_RETIRED, rsis, n, take_retired, &reader);
}

enum fk_err fk_store_read_retired_currency(struct fk_store *store, const uint32_t *rsis, uint32_t n,
					   fk_store_page_fn fn, void *ctx)
{
	return fk_redis_read_of_rsis(store, FK_REDIS_RETIRED_CURRENCY, rsis, n, fn, ctx);
}

enum fk_err fk_store_next_campaign_id(struct fk_store *store, uint32_t *ret_id)
{
	const struct fk_redis_word words[] = {FK_WORD("INCR"), FK_WORD("fk:campaigns:last")};
	uint64_t id;
	enum fk_err err = fk_redis_count(store, "campaign id", words, 2, UINT32_MAX, &id);

	if (err == FK_OK)
		err = fk_redis_confirm_counted(store);
	if (err != FK_OK)
		return err;
	store->campaign_id = id;
	fk_redis_witness(store);
	*ret_id = (uint32_t)id;
	return FK_OK;
}

enum fk_err fk_store_list_campaigns(struct fk_store *store, uint32_t *ret_ids, uint32_t max,
				    uint32_t *ret_n)
{
	char first[16];
	redisReply *reply;
	uint64_t id;
	enum fk_err err;

	if (max == 0) {
		*ret_n = 0;
		return FK_OK;
	}
	(void)snprintf(first, sizeof(first), "-%u", max);
	err = fk_redis_ask(store, &reply, "ZRANGE", "fk:campaigns", first, "-1", NULL);
	if (err != FK_OK)
		return err;
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements > max)
		err = fk_redis_break(store, "fk:campaigns", "the list is damaged");
	for (size_t i = 0; err == FK_OK && i < reply->elements; i++) {
		if (fk_redis_number(reply->element[i]->str, reply->element[i]->len, &id) != FK_OK ||
		    id > UINT32_MAX)
			err = fk_redis_break(store, "fk:campaigns", "the list is damaged");
		else
			ret_ids[i] = (uint32_t)id;
	}
	if (err == FK_OK)
		*ret_n = (uint32_t)reply->elements;
	freeReplyObject(reply);
	return err;
}

/* The fields of a HGETALL. FK_ENOTFOUND if there are none. */
static enum fk_err hand_over(struct fk_store *store, const char *key, const redisReply *reply,
			     fk_store_field_fn fn, void *ctx)
{
	enum fk_err err = FK_OK;

	if (reply->type != REDIS_REPLY_ARRAY || reply->elements % 2 != 0)
		err = fk_redis_break(store, key, "the record is damaged");
	else if (reply->elements == 0)
		err = FK_ENOTFOUND;
	for (size_t i = 0; err == FK_OK && i + 1 < reply->elements; i += 2)
		err = fn(ctx, reply->element[i]->str, reply->element[i + 1]->str,
			 reply->element[i + 1]->len);
	return err;
}

static enum fk_err read_record(struct fk_store *store, const char *key, fk_store_field_fn fn,
			       void *ctx)
{
	redisReply *reply;
	enum fk_err err = fk_redis_ask(store, &reply, "HGETALL", key, NULL);

	if (err != FK_OK)
		return err;
	err = hand_over(store, key, reply, fn, ctx);
	freeReplyObject(reply);
	return err;
}

enum fk_err fk_store_read_campaign(struct fk_store *store, uint32_t campaign_id,
				   fk_store_field_fn fn, void *ctx)
{
	char key[FK_REDIS_KEY_SIZE];

	fk_redis_campaign_key(key, campaign_id);
	return read_record(store, key, fn, ctx);
}

enum fk_err fk_store_read_fleet(struct fk_store *store, uint64_t generation, fk_store_field_fn fn,
				void *ctx)
{
	char key[FK_REDIS_KEY_SIZE];

	fk_redis_fleet_key(key, generation);
	return read_record(store, key, fn, ctx);
}

enum fk_err fk_store_read_keys(struct fk_store *store, fk_store_field_fn fn, void *ctx)
{
	enum fk_err err = read_record(store, "fk:keys", fn, ctx);

	return err == FK_ENOTFOUND ? FK_OK : err;
}

enum fk_err fk_store_read_groups(struct fk_store *store, fk_store_field_fn fn, void *ctx)
{
	enum fk_err err = read_record(store, "fk:groups", fn, ctx);

	return err == FK_ENOTFOUND ? FK_OK : err;
}

/* The keys are small: all of them are read before the first is handed over. */
enum fk_err fk_store_rewrite_keys(struct fk_store *store, fk_store_field_fn fn, void *ctx)
{
	redisReply *reply;
	enum fk_err commit_err, err = fk_redis_ask(store, &reply, "HGETALL", "fk:keys", NULL);

	if (err != FK_OK)
		return err;
	fk_store_batch_begin(store);
	err = hand_over(store, "fk:keys", reply, fn, ctx);
	freeReplyObject(reply);
	commit_err = fk_store_batch_commit(store);
	return err != FK_OK && err != FK_ENOTFOUND ? err : commit_err;
}

enum fk_err fk_store_read_key(struct fk_store *store, const char *name, uint8_t *buf, size_t cap,
			      size_t *ret_size)
{
	redisReply *reply;
	enum fk_err err = fk_redis_ask(store, &reply, "HGET", "fk:keys", name, NULL);

	if (err != FK_OK)
		return err;
	if (reply->type != REDIS_REPLY_STRING)
		err = FK_ENOTFOUND;
	else if (reply->len > cap)
		err = FK_EFULL;
	else {
		memcpy(buf, reply->str, reply->len);
		*ret_size = reply->len;
	}
	freeReplyObject(reply);
	return err;
}
