/* SPDX-License-Identifier: Apache-2.0 */
#include "store/dump.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "store/redis.h"

#define META "fk:meta"

/* What a store has, records before pages; how many names are asked for at a time. */
static const struct {
	const char *type, *count;
} passes[] = {
	{"hash", "1000"},
	{"zset", "1000"},
	{"string", "64"}, /* a page of the fleet has some 13 KB */
};
#define N_PASSES (sizeof(passes) / sizeof(passes[0]))

/* These have a field for each of many UEs, and no two fields belong together. */
static const char *const large_hashes[] = {FK_REDIS_RETIRED, FK_REDIS_RETIRED_CURRENCY,
					   FK_REDIS_STATUSES};

struct fk_store_dump {
	struct fk_store *store;
	size_t pass;
	char cursor[24];
	redisReply *names; /* of SCAN; NULL: to be asked for */
	size_t next;	   /* of the names */
	const char *large; /* the hash that is walked; NULL: none */
	char large_cursor[24];
};

enum fk_err fk_store_dump_new(struct fk_store *store, struct fk_store_counts *ret_counts,
			      struct fk_store_dump **ret_dump)
{
	struct fk_store_dump *dump = calloc(1, sizeof(*dump));
	struct fk_store_counts counts = {.epoch = store->epoch, .n_batches = store->n_batches};
	enum fk_err err = FK_ENOMEM;

	if (dump != NULL)
		err = fk_redis_read_counter(store, "fk:campaigns:last", &counts.campaign_id);
	if (err == FK_OK)
		err = fk_redis_read_counter(store, "fk:fleet:last", &counts.generation);
	if (err != FK_OK) {
		free(dump);
		return err;
	}
	dump->store = store;
	memcpy(dump->cursor, "0", 2);
	*ret_counts = counts;
	*ret_dump = dump;
	return FK_OK;
}

void fk_store_dump_free(struct fk_store_dump *dump)
{
	if (dump == NULL)
		return;
	if (dump->names != NULL)
		freeReplyObject(dump->names);
	free(dump);
}

static enum fk_err refuse(struct fk_store_dump *dump, const char *what)
{
	return fk_redis_break(dump->store, what, "gave another reply than expected");
}

/* SCAN and HSCAN answer with a cursor and a list. */
static enum fk_err check_scan(struct fk_store_dump *dump, const redisReply *reply,
			      char cursor[static 24])
{
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
	    reply->element[0]->type != REDIS_REPLY_STRING || reply->element[0]->len >= 24 ||
	    reply->element[1]->type != REDIS_REPLY_ARRAY)
		return refuse(dump, "SCAN");
	memcpy(cursor, reply->element[0]->str, reply->element[0]->len + 1);
	return FK_OK;
}

/* The fields and values of a list, field first. */
static enum fk_err hand_pairs(struct fk_store_dump *dump, uint8_t kind, const char *key,
			      size_t key_size, const redisReply *list, fk_store_item_fn fn,
			      void *ctx)
{
	enum fk_err err = FK_OK;

	if (list->type != REDIS_REPLY_ARRAY || list->elements % 2 != 0)
		return refuse(dump, "a record");
	for (size_t i = 0; err == FK_OK && i < list->elements; i += 2) {
		const redisReply *field = list->element[i], *value = list->element[i + 1];
		const struct fk_store_item item = {.kind = kind,
						   .key = key,
						   .key_size = key_size,
						   .field = field->str,
						   .field_size = field->len,
						   .value = value->str,
						   .value_size = value->len};

		if (field->type != REDIS_REPLY_STRING || value->type != REDIS_REPLY_STRING)
			return refuse(dump, "a record");
		err = fn(ctx, &item);
	}
	return err;
}

static enum fk_err walk_large(struct fk_store_dump *dump, fk_store_item_fn fn, void *ctx)
{
	redisReply *reply;
	enum fk_err err = fk_redis_ask(dump->store, &reply, "HSCAN", dump->large,
				       dump->large_cursor, "COUNT", "1000", NULL);

	if (err != FK_OK)
		return err;
	err = check_scan(dump, reply, dump->large_cursor);
	if (err == FK_OK)
		err = hand_pairs(dump, FK_STORE_FIELD, dump->large, strlen(dump->large),
				 reply->element[1], fn, ctx);
	freeReplyObject(reply);
	if (strcmp(dump->large_cursor, "0") == 0)
		dump->large = NULL;
	return err;
}

static const char *find_large(const redisReply *name)
{
	for (size_t i = 0; i < sizeof(large_hashes) / sizeof(large_hashes[0]); i++) {
		if (strcmp(name->str, large_hashes[i]) == 0)
			return large_hashes[i];
	}
	return NULL;
}

/* The next record, all of it; a large one is only begun. */
static enum fk_err hand_record(struct fk_store_dump *dump, fk_store_item_fn fn, void *ctx)
{
	const redisReply *name = dump->names->element[dump->next++];
	const struct fk_redis_word hash[] = {FK_WORD("HGETALL"), {name->str, name->len}};
	const struct fk_redis_word zset[] = {FK_WORD("ZRANGE"),
					     {name->str, name->len},
					     FK_WORD("0"),
					     FK_WORD("-1"),
					     FK_WORD("WITHSCORES")};
	bool is_hash = dump->pass == 0;
	redisReply *reply;
	enum fk_err err;

	dump->large = find_large(name);
	if (dump->large != NULL) {
		memcpy(dump->large_cursor, "0", 2);
		return FK_OK;
	}
	err = fk_redis_call(dump->store, is_hash ? hash : zset, is_hash ? 2 : 5, &reply);
	if (err != FK_OK)
		return err;
	err = hand_pairs(dump, is_hash ? FK_STORE_FIELD : FK_STORE_MEMBER, name->str, name->len,
			 reply, fn, ctx);
	freeReplyObject(reply);
	return err;
}

/* All strings that were named, in one pipeline; after a failure of 'fn' the rest is dropped. */
static enum fk_err hand_strings(struct fk_store_dump *dump, fk_store_item_fn fn, void *ctx)
{
	enum fk_err err = FK_OK, result = FK_OK;

	for (size_t i = 0; err == FK_OK && i < dump->names->elements; i++) {
		const redisReply *name = dump->names->element[i];
		const struct fk_redis_word get[] = {FK_WORD("GET"), {name->str, name->len}};

		err = fk_redis_send(dump->store, get, 2);
	}
	for (size_t i = 0; err == FK_OK && i < dump->names->elements; i++) {
		struct fk_store_item item = {.kind = FK_STORE_STRING,
					     .key = dump->names->element[i]->str,
					     .key_size = dump->names->element[i]->len};
		redisReply *reply;

		err = fk_redis_fetch(dump->store, &reply);
		if (err != FK_OK)
			break;
		item.value = reply->str;
		item.value_size = reply->len;
		if (result == FK_OK && reply->type == REDIS_REPLY_STRING)
			result = fn(ctx, &item);
		freeReplyObject(reply);
	}
	dump->next = dump->names->elements;
	return err != FK_OK ? err : result;
}

static enum fk_err ask_names(struct fk_store_dump *dump)
{
	redisReply *reply;
	enum fk_err err =
		fk_redis_ask(dump->store, &reply, "SCAN", dump->cursor, "MATCH", "fk:*", "COUNT",
			     passes[dump->pass].count, "TYPE", passes[dump->pass].type, NULL);

	if (err != FK_OK)
		return err;
	err = check_scan(dump, reply, dump->cursor);
	for (size_t i = 0; err == FK_OK && i < reply->element[1]->elements; i++) {
		if (reply->element[1]->element[i]->type != REDIS_REPLY_STRING)
			err = refuse(dump, "SCAN");
	}
	if (err == FK_OK) {
		/* The list is ours, the rest goes. */
		dump->names = reply->element[1];
		dump->next = 0;
		reply->elements = 1;
	}
	freeReplyObject(reply);
	return err;
}

/* When all that were named are done: on to the next names, or the next kind. */
static bool go_on(struct fk_store_dump *dump)
{
	if (dump->large != NULL || dump->next < dump->names->elements)
		return true;
	freeReplyObject(dump->names);
	dump->names = NULL;
	if (strcmp(dump->cursor, "0") == 0)
		dump->pass++;
	return dump->pass < N_PASSES;
}

enum fk_err fk_store_dump_step(struct fk_store_dump *dump, fk_store_item_fn fn, void *ctx,
			       bool *ret_done)
{
	enum fk_err err = dump->names == NULL ? ask_names(dump) : FK_OK;

	if (err == FK_OK && dump->large != NULL)
		err = walk_large(dump, fn, ctx);
	else if (err == FK_OK && dump->pass + 1 == N_PASSES)
		err = hand_strings(dump, fn, ctx);
	while (err == FK_OK && dump->large == NULL && dump->next < dump->names->elements)
		err = hand_record(dump, fn, ctx);
	if (err == FK_OK)
		*ret_done = !go_on(dump);
	return err;
}

enum fk_err fk_store_restore_begin(const struct fk_store_options *options,
				   struct fk_store **ret_store, struct fk_reason *reason)
{
	struct fk_store *store = NULL;
	redisReply *reply = NULL;
	enum fk_err err = fk_redis_open(options, &store, reason);

	if (err != FK_OK)
		return err;
	err = fk_redis_ask(store, &reply, "DBSIZE", NULL);
	if (err == FK_OK) {
		if (reply->type != REDIS_REPLY_INTEGER || reply->integer != 0) {
			(void)fk_redis_break(store, "it is not empty",
					     "a backup is restored into a Redis without a key");
			err = FK_EEXIST;
		}
		freeReplyObject(reply);
	}
	if (err != FK_OK) {
		fk_reason_set(reason, "%s", store->error.text);
		fk_store_close(store);
		return err;
	}
	*ret_store = store;
	return FK_OK;
}

/* The mark goes before everything else. */
static void mark(struct fk_store *store)
{
	const struct fk_redis_word words[] = {FK_WORD("HSET"), FK_WORD(META),
					      FK_WORD(FK_REDIS_RESTORING), FK_WORD("1")};

	if (store->batch_open)
		return;
	fk_store_batch_begin(store);
	fk_redis_batch_put(store, words, 4);
}

void fk_store_restore_put(struct fk_store *store, const struct fk_store_item *item)
{
	const struct fk_redis_word key = {item->key, item->key_size};
	const struct fk_redis_word field = {item->field, item->field_size};
	const struct fk_redis_word value = {item->value, item->value_size};
	const struct fk_redis_word set[] = {FK_WORD("SET"), key, value};
	const struct fk_redis_word hset[] = {FK_WORD("HSET"), key, field, value};
	const struct fk_redis_word zadd[] = {FK_WORD("ZADD"), key, value, field};

	mark(store);
	switch ((enum fk_store_kind)item->kind) {
	case FK_STORE_STRING:
		fk_redis_batch_put(store, set, 3);
		break;
	case FK_STORE_FIELD:
		fk_redis_batch_put(store, hset, 4);
		break;
	case FK_STORE_MEMBER:
		fk_redis_batch_put(store, zadd, 4);
		break;
	}
}

enum fk_err fk_store_restore_end(struct fk_store *store, const struct fk_store_restored *restored)
{
	const struct fk_redis_word unmark[] = {FK_WORD("HDEL"), FK_WORD(META),
					       FK_WORD(FK_REDIS_RESTORING)};
	const struct fk_redis_word disown[] = {FK_WORD("UNLINK"), FK_WORD("fk:owner"),
					       FK_WORD("fk:lease")};

	mark(store);
	fk_redis_batch_put(store, disown, 3);
	fk_redis_put_counter(store, "fk:campaigns:last", restored->counts.campaign_id);
	fk_redis_put_counter(store, "fk:fleet:last", restored->counts.generation);
	fk_redis_put_meta(store, "schema", restored->schema);
	fk_redis_put_meta(store, "epoch", restored->counts.epoch);
	fk_redis_put_meta(store, "batches", restored->counts.n_batches);
	fk_redis_put_meta(store, "recovering", restored->gap);
	fk_redis_put_meta(store, "restored_from", restored->made_at_s);
	fk_redis_put_meta(store, "recovered_alone", 0);
	fk_redis_batch_put(store, unmark, 3);
	return fk_store_batch_commit(store);
}
