/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "store/redis.h"

#define CURRENT "fk:fleet:current"
/* hash: generation -> shard of each page, one octet a page; says what a sweep has to remove */
#define PAGES "fk:fleet:pages"

enum fk_err fk_store_current_fleet(struct fk_store *store, uint64_t *ret_generation)
{
	redisReply *reply;
	enum fk_err err = fk_redis_ask(store, &reply, "GET", CURRENT, NULL);

	if (err != FK_OK)
		return err;
	if (reply->type == REDIS_REPLY_NIL)
		*ret_generation = 0;
	else if (reply->type != REDIS_REPLY_STRING ||
		 fk_redis_number(reply->str, reply->len, ret_generation) != FK_OK)
		err = fk_redis_break(store, CURRENT, "the value is damaged");
	freeReplyObject(reply);
	return err;
}

enum fk_err fk_store_next_generation(struct fk_store *store, uint64_t *ret_generation)
{
	const struct fk_redis_word words[] = {FK_WORD("INCR"), FK_WORD("fk:fleet:last")};
	enum fk_err err =
		fk_redis_count(store, "fleet generation", words, 2, INT64_MAX, ret_generation);

	if (err == FK_OK)
		err = fk_redis_confirm_counted(store);
	if (err != FK_OK)
		return err;
	store->generation = *ret_generation;
	fk_redis_witness(store);
	return FK_OK;
}

enum fk_err fk_store_stage_fleet(struct fk_store *store, uint64_t generation,
				 const uint8_t *shard_of_page, uint32_t n_pages)
{
	char name[24];
	enum fk_err err;

	(void)snprintf(name, sizeof(name), "%" PRIu64, generation);
	const struct fk_redis_word words[] = {
		FK_WORD("HSET"), FK_WORD(PAGES), FK_WORD(name), {shard_of_page, n_pages}};

	err = fk_redis_write(store, words, 4, NULL);
	return err == FK_OK ? fk_redis_confirm_counted(store) : err;
}

/* WATCH makes the EXEC fail if anybody changes the current generation after we looked at it. */
static enum fk_err watch_current(struct fk_store *store, uint64_t expected)
{
	redisReply *reply;
	uint64_t current = 0;
	enum fk_err err = fk_redis_ask(store, &reply, "WATCH", CURRENT, NULL);

	if (err != FK_OK)
		return err;
	freeReplyObject(reply);
	err = fk_store_current_fleet(store, &current);
	if (err != FK_OK || current == expected)
		return err;
	err = fk_redis_ask(store, &reply, "UNWATCH", NULL);
	if (err != FK_OK)
		return err;
	freeReplyObject(reply);
	err = fk_lease_watch(store); /* that was let go, too */
	return err == FK_OK ? FK_ESTALE : err;
}

enum fk_err fk_store_publish_fleet(struct fk_store *store, uint64_t generation, uint64_t expected,
				   const struct fk_store_field *fields, uint32_t n_fields)
{
	struct fk_redis_word record[FK_REDIS_ARGS_MAX];
	char key[FK_REDIS_KEY_SIZE], value[24];
	uint32_t n = 0;
	redisReply *reply;
	enum fk_err err;

	if (n_fields == 0 || n_fields > (FK_REDIS_ARGS_MAX - 2) / 2)
		return FK_EINVAL;
	fk_redis_fleet_key(key, generation);
	(void)snprintf(value, sizeof(value), "%" PRIu64, generation);
	record[n++] = FK_WORD("HSET");
	record[n++] = FK_WORD(key);
	for (uint32_t i = 0; i < n_fields; i++) {
		record[n++] = FK_WORD(fields[i].name);
		record[n++] = (struct fk_redis_word){fields[i].value, fields[i].size};
	}
	const struct fk_redis_word flip[] = {FK_WORD("SET"), FK_WORD(CURRENT), FK_WORD(value)};

	err = watch_current(store, expected);
	if (err == FK_OK)
		err = fk_redis_begin(store);
	if (err == FK_OK)
		err = fk_redis_send(store, record, n);
	if (err == FK_OK)
		err = fk_redis_send(store, flip, 3);
	if (err == FK_OK)
		err = fk_redis_exec(store, &reply);
	if (err != FK_OK)
		return err;
	freeReplyObject(reply);
	return fk_redis_confirm_counted(store);
}

/*
 * The last 'max' pages of a generation, and then its note cut by them: a sweep that stops anywhere
 * is simply gone on with. With the last page goes the rest.
 */
static enum fk_err sweep_some(struct fk_store *store, const char *generation_text,
			      uint64_t generation, const uint8_t *shards, uint32_t n_pages,
			      uint32_t max)
{
	static const char *const kinds[] = {"fleet", "numbers", "currency"};
	uint32_t n_left = n_pages > max ? n_pages - max : 0;
	char key[FK_REDIS_KEY_SIZE];

	fk_store_batch_begin(store);
	for (uint32_t page = n_left; page < n_pages; page++) {
		for (size_t kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++) {
			fk_redis_page_key(key, kinds[kind], generation, shards[page], page);
			const struct fk_redis_word words[] = {FK_WORD("UNLINK"), FK_WORD(key)};

			fk_redis_batch_put(store, words, 2);
		}
	}
	if (n_left > 0) {
		const struct fk_redis_word note[] = {FK_WORD("HSET"),
						     FK_WORD(PAGES),
						     FK_WORD(generation_text),
						     {shards, n_left}};

		fk_redis_batch_put(store, note, 4);
	} else {
		fk_redis_fleet_key(key, generation);
		const struct fk_redis_word record[] = {FK_WORD("UNLINK"), FK_WORD(key)};
		const struct fk_redis_word note[] = {FK_WORD("HDEL"), FK_WORD(PAGES),
						     FK_WORD(generation_text)};

		fk_redis_batch_put(store, record, 2);
		fk_redis_batch_put(store, note, 3);
	}
	return fk_store_batch_commit(store);
}

enum fk_err fk_store_sweep_step(struct fk_store *store, uint32_t max, bool *ret_done)
{
	uint64_t current, generation;
	bool is_done = true;
	redisReply *notes;
	enum fk_err err = fk_store_current_fleet(store, &current);

	if (err == FK_OK)
		err = fk_redis_ask(store, &notes, "HGETALL", PAGES, NULL);
	if (err != FK_OK)
		return err;
	for (size_t i = 0; err == FK_OK && is_done && i + 1 < notes->elements; i += 2) {
		const redisReply *name = notes->element[i], *shards = notes->element[i + 1];

		if (fk_redis_number(name->str, name->len, &generation) != FK_OK) {
			err = fk_redis_break(store, PAGES, "the record is damaged");
		} else if (generation != current) {
			err = sweep_some(store, name->str, generation, (const uint8_t *)shards->str,
					 (uint32_t)shards->len, max);
			is_done = false; /* perhaps: the next call looks again */
		}
	}
	freeReplyObject(notes);
	if (err == FK_OK)
		*ret_done = is_done;
	return err;
}

enum fk_err fk_store_sweep_fleets(struct fk_store *store)
{
	bool done = false;
	enum fk_err err = FK_OK;

	while (err == FK_OK && !done)
		err = fk_store_sweep_step(store, FK_STORE_PIPELINE_MAX, &done);
	return err;
}
