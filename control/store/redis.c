/* SPDX-License-Identifier: Apache-2.0 */
#include "store/redis.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

enum fk_err fk_redis_break(struct fk_store *store, const char *what, const char *why)
{
	fk_reason_set(&store->error, "store: %s: %s", what, why);
	if (store->redis != NULL)
		redisFree(store->redis);
	store->redis = NULL;
	store->is_away = false;
	store->n_pending = 0;
	store->out_size = 0;
	store->lease.asked_at_us = 0;
	return FK_ESTORE;
}

enum fk_err fk_redis_miss(struct fk_store *store, const char *what, const char *why)
{
	enum fk_err err = fk_redis_break(store, what, why);

	store->is_away = true;
	return err;
}

/* An error that is over when Redis has read its files, or has found its master. */
static bool is_passing(const char *error)
{
	return strncmp(error, "LOADING", 7) == 0 || strncmp(error, "MASTERDOWN", 10) == 0;
}

enum fk_err fk_redis_send(struct fk_store *store, const struct fk_redis_word *words,
			  uint32_t n_words)
{
	const char *at[FK_REDIS_ARGS_MAX];
	size_t sizes[FK_REDIS_ARGS_MAX];

	if (store->redis == NULL)
		return FK_ESTORE;
	if (n_words == 0 || n_words > FK_REDIS_ARGS_MAX)
		return fk_redis_break(store, "command", "too many words");
	for (uint32_t i = 0; i < n_words; i++) {
		at[i] = words[i].at;
		sizes[i] = words[i].size;
		store->out_size += words[i].size + 16;
	}
	if (redisAppendCommandArgv(store->redis, (int)n_words, at, sizes) != REDIS_OK)
		return fk_redis_break(store, "command", "out of memory");
	store->n_pending++;
	return FK_OK;
}

enum fk_err fk_redis_fetch(struct fk_store *store, redisReply **ret_reply)
{
	void *reply = NULL;

	if (store->redis == NULL)
		return FK_ESTORE;
	if (redisGetReply(store->redis, &reply) != REDIS_OK || reply == NULL)
		return fk_redis_miss(store, "connection to Redis lost",
				     store->redis->errstr[0] != '\0' ? store->redis->errstr
								     : "no reply");
	store->n_pending--;
	if (store->n_pending == 0)
		store->out_size = 0;
	if (((redisReply *)reply)->type == REDIS_REPLY_ERROR) {
		/* Later commands of the pipeline may have been done: what is stored is unknown. */
		const char *error = ((redisReply *)reply)->str;
		enum fk_err err = is_passing(error) ? fk_redis_miss(store, "Redis waits", error)
						    : fk_redis_break(store, "Redis refused", error);

		freeReplyObject(reply);
		return err;
	}
	*ret_reply = reply;
	return FK_OK;
}

enum fk_err fk_redis_drain(struct fk_store *store)
{
	while (store->n_pending > 0) {
		redisReply *reply;
		enum fk_err err = fk_redis_fetch(store, &reply);

		if (err != FK_OK)
			return err;
		freeReplyObject(reply);
	}
	return store->redis != NULL ? FK_OK : FK_ESTORE;
}

enum fk_err fk_redis_call(struct fk_store *store, const struct fk_redis_word *words,
			  uint32_t n_words, redisReply **ret_reply)
{
	enum fk_err err = fk_redis_drain(store);

	if (err == FK_OK)
		err = fk_redis_send(store, words, n_words);
	return err == FK_OK ? fk_redis_fetch(store, ret_reply) : err;
}

enum fk_err fk_redis_ask(struct fk_store *store, redisReply **ret_reply, ...)
{
	struct fk_redis_word words[12];
	uint32_t n = 0;
	const char *text;
	va_list args;

	va_start(args, ret_reply);
	while (n < sizeof(words) / sizeof(words[0]) && (text = va_arg(args, const char *)) != NULL)
		words[n++] = FK_WORD(text);
	va_end(args);
	return fk_redis_call(store, words, n, ret_reply);
}

enum fk_err fk_redis_read_counter(struct fk_store *store, const char *key, uint64_t *ret_value)
{
	redisReply *reply;
	enum fk_err err = fk_redis_ask(store, &reply, "GET", key, NULL);

	if (err != FK_OK)
		return err;
	*ret_value = 0;
	if (reply->type != REDIS_REPLY_NIL &&
	    (reply->type != REDIS_REPLY_STRING ||
	     fk_redis_number(reply->str, reply->len, ret_value) != FK_OK))
		err = fk_redis_break(store, key, "the value is damaged");
	freeReplyObject(reply);
	return err;
}

enum fk_err fk_redis_confirm(struct fk_store *store)
{
	const struct fk_store_options *options = &store->options;
	char n_replicas[16], timeout_ms[16], why[96];
	redisReply *reply;
	long long n;
	enum fk_err err;

	if (options->n_replicas == 0) {
		fk_lease_renewed(store);
		return FK_OK;
	}
	(void)snprintf(n_replicas, sizeof(n_replicas), "%u", options->n_replicas);
	(void)snprintf(timeout_ms, sizeof(timeout_ms), "%u", options->replica_timeout_ms);
	err = fk_redis_ask(store, &reply, "WAIT", n_replicas, timeout_ms, NULL);
	if (err != FK_OK)
		return err;
	n = reply->type == REDIS_REPLY_INTEGER ? reply->integer : 0;
	freeReplyObject(reply);
	if (n >= options->n_replicas) {
		fk_lease_renewed(store);
		return FK_OK;
	}
	(void)snprintf(why, sizeof(why), "%lld of %u had the write within %u ms", n,
		       options->n_replicas, options->replica_timeout_ms);
	return fk_redis_miss(store, "replicas", why);
}

enum fk_err fk_redis_confirm_counted(struct fk_store *store)
{
	fk_store_batch_begin(store);
	return fk_store_batch_commit(store);
}

enum fk_err fk_redis_number(const char *text, size_t size, uint64_t *ret_value)
{
	uint64_t value = 0;

	if (size == 0 || size > 19)
		return FK_EFORMAT;
	for (size_t i = 0; i < size; i++) {
		if (text[i] < '0' || text[i] > '9')
			return FK_EFORMAT;
		value = value * 10 + (uint64_t)(text[i] - '0');
	}
	*ret_value = value;
	return FK_OK;
}

enum fk_err fk_redis_number_of(const redisReply *value, uint64_t *ret_value)
{
	return value->type == REDIS_REPLY_STRING
		       ? fk_redis_number(value->str, value->len, ret_value)
		       : FK_EFORMAT;
}

void fk_redis_fleet_key(char key[static FK_REDIS_KEY_SIZE], uint64_t generation)
{
	(void)snprintf(key, FK_REDIS_KEY_SIZE, "fk:fleet:%" PRIu64, generation);
}

void fk_redis_campaign_key(char key[static FK_REDIS_KEY_SIZE], uint32_t campaign_id)
{
	(void)snprintf(key, FK_REDIS_KEY_SIZE, "fk:campaign:%" PRIu32, campaign_id);
}

void fk_redis_page_key(char key[static FK_REDIS_KEY_SIZE], const char *kind, uint64_t id,
		       uint8_t shard, uint32_t page)
{
	(void)snprintf(key, FK_REDIS_KEY_SIZE, "fk:{s%03u}:%s:%" PRIu64 ":%" PRIu32, shard, kind,
		       id, page);
}
