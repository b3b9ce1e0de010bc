/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "store/redis.h"

void fk_store_batch_put_status(struct fk_store *store, uint32_t rsi, const void *octets,
			       size_t size)
{
	char name[16];

	(void)snprintf(name, sizeof(name), "%u", rsi);
	const struct fk_redis_word words[] = {
		FK_WORD("HSET"), FK_WORD(FK_REDIS_STATUSES), FK_WORD(name), {octets, size}};

	fk_store_note_statement(store);
	fk_redis_batch_put(store, words, 4);
}

void fk_store_batch_delete_status(struct fk_store *store, uint32_t rsi)
{
	char name[16];

	(void)snprintf(name, sizeof(name), "%u", rsi);
	const struct fk_redis_word words[] = {FK_WORD("HDEL"), FK_WORD(FK_REDIS_STATUSES),
					      FK_WORD(name)};

	fk_store_note_statement(store);
	fk_redis_batch_put(store, words, 3);
}

static enum fk_err take_entry(struct fk_store *store, const char *key, const redisReply *name,
			      const redisReply *value, fk_store_status_fn fn, void *ctx)
{
	uint64_t rsi;

	if (name->type != REDIS_REPLY_STRING || value->type != REDIS_REPLY_STRING ||
	    fk_redis_number(name->str, name->len, &rsi) != FK_OK || rsi > UINT32_MAX)
		return fk_redis_break(store, key, "the record is damaged");
	return fn(ctx, (uint32_t)rsi, (const uint8_t *)value->str, value->len);
}

/* One step of HSCAN: the next cursor, and some fields with their values. */
static enum fk_err take_scan(struct fk_store *store, const char *key, const redisReply *reply,
			     fk_store_status_fn fn, void *ctx, char ret_cursor[static 24])
{
	enum fk_err err = FK_OK;
	const redisReply *list;

	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
	    reply->element[0]->type != REDIS_REPLY_STRING || reply->element[0]->len >= 24 ||
	    reply->element[1]->type != REDIS_REPLY_ARRAY || reply->element[1]->elements % 2 != 0)
		return fk_redis_break(store, key, "HSCAN gave another reply");
	list = reply->element[1];
	for (size_t i = 0; err == FK_OK && i < list->elements; i += 2)
		err = take_entry(store, key, list->element[i], list->element[i + 1], fn, ctx);
	memcpy(ret_cursor, reply->element[0]->str, reply->element[0]->len + 1);
	return err;
}

/* A hash with a field for each RSI. */
static enum fk_err walk(struct fk_store *store, const char *key, fk_store_status_fn fn, void *ctx)
{
	char cursor[24] = "0";
	enum fk_err err;

	do {
		redisReply *reply;

		err = fk_redis_ask(store, &reply, "HSCAN", key, cursor, "COUNT", "1000", NULL);
		if (err != FK_OK)
			return err;
		err = take_scan(store, key, reply, fn, ctx, cursor);
		freeReplyObject(reply);
	} while (err == FK_OK && strcmp(cursor, "0") != 0);
	return err;
}

enum fk_err fk_store_walk_statuses(struct fk_store *store, fk_store_status_fn fn, void *ctx)
{
	return walk(store, FK_REDIS_STATUSES, fn, ctx);
}

enum fk_err fk_store_walk_retired(struct fk_store *store, fk_store_retired_fn fn, void *ctx)
{
	return walk(store, FK_REDIS_RETIRED, fn, ctx);
}

enum fk_err fk_store_walk_retired_currency(struct fk_store *store, fk_store_retired_fn fn,
					   void *ctx)
{
	return walk(store, FK_REDIS_RETIRED_CURRENCY, fn, ctx);
}

struct status_reader {
	const uint32_t *rsis;
	fk_store_status_fn fn;
	void *ctx;
};

static enum fk_err take_status_of(void *ctx, uint32_t i, const uint8_t *octets, size_t size)
{
	const struct status_reader *reader = ctx;

	return reader->fn(reader->ctx, reader->rsis[i], octets, size);
}

enum fk_err fk_store_read_statuses(struct fk_store *store, const uint32_t *rsis, uint32_t n,
				   fk_store_status_fn fn, void *ctx)
{
	struct status_reader reader = {.rsis = rsis, .fn = fn, .ctx = ctx};

	static_assert(FK_STORE_STATUS_MAX <= FK_STORE_RETIRED_MAX, "one read takes them");
	return fk_redis_read_of_rsis(store, FK_REDIS_STATUSES, rsis, n, take_status_of, &reader);
}
