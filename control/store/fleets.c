/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "store/redis.h"

#define CURRENT "fk:fleet:current"
/* hash: generation -> shard of each page, one octet a page; says what a sweep has to remove */
#define PAGES "fk:fleet:pages"
/* hash: generation -> the same, of a fleet that was replaced and whose roster is kept */
#define ROSTERS "fk:fleet:rosters"

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

/* Puts the note of the roster that 'expected' leaves behind into the transaction. */
static enum fk_err send_roster(struct fk_store *store, uint64_t expected,
			       const struct fk_store_roster *roster)
{
	char name[24];

	if (roster == NULL)
		return FK_OK;
	(void)snprintf(name, sizeof(name), "%" PRIu64, expected);
	const struct fk_redis_word words[] = {FK_WORD("HSET"),
					      FK_WORD(ROSTERS),
					      FK_WORD(name),
					      {roster->page_shards, roster->n_pages}};

	return fk_redis_send(store, words, 4);
}

enum fk_err fk_store_publish_fleet(struct fk_store *store, uint64_t generation, uint64_t expected,
				   const struct fk_store_field *fields, uint32_t n_fields,
				   const struct fk_store_roster *roster)
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
		err = send_roster(store, expected, roster);
	if (err == FK_OK)
		err = fk_redis_send(store, flip, 3);
	if (err == FK_OK)
		err = fk_redis_exec(store, &reply);
	if (err != FK_OK)
		return err;
	freeReplyObject(reply);
	return fk_redis_confirm_counted(store);
}

static enum fk_err has_roster(struct fk_store *store, const char *generation_text, bool *ret_has)
{
	redisReply *reply;
	enum fk_err err = fk_redis_ask(store, &reply, "HEXISTS", ROSTERS, generation_text, NULL);

	if (err != FK_OK)
		return err;
	if (reply->type != REDIS_REPLY_INTEGER)
		err = fk_redis_break(store, ROSTERS, "the record is damaged");
	else
		*ret_has = reply->integer != 0;
	freeReplyObject(reply);
	return err;
}

/*
 * The last 'max' pages of a generation, and then its note cut by them: a sweep that stops anywhere
 * is simply gone on with. With the last page goes the rest. Its roster stays if there is a note of
 * it; else it is what an import that was given up has left, or is kept no longer.
 */
static enum fk_err sweep_some(struct fk_store *store, const char *generation_text,
			      uint64_t generation, const uint8_t *shards, uint32_t n_pages,
			      uint32_t max)
{
	static const char *const kinds[] = {"fleet", "numbers", "currency", "roster"};
	uint32_t n_left = n_pages > max ? n_pages - max : 0;
	char key[FK_REDIS_KEY_SIZE];
	bool keeps_roster = true;
	enum fk_err err = has_roster(store, generation_text, &keeps_roster);
	size_t n_kinds = sizeof(kinds) / sizeof(kinds[0]) - keeps_roster;

	if (err != FK_OK)
		return err;
	fk_store_batch_begin(store);
	for (uint32_t page = n_left; page < n_pages; page++) {
		for (size_t kind = 0; kind < n_kinds; kind++) {
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

enum fk_err fk_store_read_roster(struct fk_store *store, uint64_t generation, fk_store_field_fn fn,
				 void *ctx)
{
	char name[24];
	redisReply *reply;
	enum fk_err err;

	(void)snprintf(name, sizeof(name), "%" PRIu64, generation);
	err = fk_redis_ask(store, &reply, "HGET", ROSTERS, name, NULL);
	if (err != FK_OK)
		return err;
	if (reply->type == REDIS_REPLY_STRING)
		err = fn(ctx, name, reply->str, reply->len);
	else
		err = FK_ENOTFOUND;
	freeReplyObject(reply);
	return err;
}

/* The note goes back to the fleet's pages, and the sweep does the rest. */
static enum fk_err forget_roster(struct fk_store *store, const char *generation_text)
{
	redisReply *shards;
	enum fk_err err = fk_redis_ask(store, &shards, "HGET", ROSTERS, generation_text, NULL);

	if (err != FK_OK)
		return err;
	if (shards->type == REDIS_REPLY_STRING) {
		const struct fk_redis_word pages[] = {FK_WORD("HSET"),
						      FK_WORD(PAGES),
						      FK_WORD(generation_text),
						      {shards->str, shards->len}};
		const struct fk_redis_word note[] = {FK_WORD("HDEL"), FK_WORD(ROSTERS),
						     FK_WORD(generation_text)};

		fk_store_batch_begin(store);
		fk_redis_batch_put(store, pages, 4);
		fk_redis_batch_put(store, note, 3);
		err = fk_store_batch_commit(store);
	}
	freeReplyObject(shards);
	return err;
}

/* The place of the oldest of the generations that are named in a list; FK_ESTORE if one is none. */
static enum fk_err find_oldest(struct fk_store *store, const redisReply *names, size_t *ret_at)
{
	uint64_t oldest = UINT64_MAX, generation;

	for (size_t i = 0; i < names->elements; i++) {
		const redisReply *name = names->element[i];

		if (fk_redis_number(name->str, name->len, &generation) != FK_OK)
			return fk_redis_break(store, ROSTERS, "the record is damaged");
		if (generation < oldest) {
			oldest = generation;
			*ret_at = i;
		}
	}
	return FK_OK;
}

enum fk_err fk_store_forget_rosters(struct fk_store *store, uint32_t n_kept)
{
	size_t n = SIZE_MAX, oldest = 0;
	enum fk_err err = FK_OK;

	while (err == FK_OK && n > n_kept) {
		redisReply *names;

		err = fk_redis_ask(store, &names, "HKEYS", ROSTERS, NULL);
		if (err != FK_OK)
			return err;
		n = names->elements;
		if (n > n_kept)
			err = find_oldest(store, names, &oldest);
		if (err == FK_OK && n > n_kept)
			err = forget_roster(store, names->element[oldest]->str);
		freeReplyObject(names);
	}
	return err;
}
