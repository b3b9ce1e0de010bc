/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "keys/tek.h"
#include "store/redis.h"
#include "store/sentinel.h"

#define META "fk:meta"

static const struct timeval timeout = {.tv_sec = FK_STORE_TIMEOUT_MS / 1000,
				       .tv_usec = FK_STORE_TIMEOUT_MS % 1000 * 1000};
static const struct timeval greet_timeout = {.tv_sec = FK_STORE_GREET_MS / 1000,
					     .tv_usec = FK_STORE_GREET_MS % 1000 * 1000};

/* The Redis behind the socket, or whom the sentinels call master; NULL if there is no memory. */
static enum fk_err dial(struct fk_store *store, redisContext **ret_redis)
{
	const char *socket = store->options.redis_socket;
	struct fk_store_address master;
	struct fk_reason reason = {.text = ""};

	if (socket != NULL) {
		(void)snprintf(store->where, sizeof(store->where), "%s", socket);
		*ret_redis = redisConnectUnixWithTimeout(socket, greet_timeout);
		return FK_OK;
	}
	if (fk_sentinel_find(&store->options, &store->next_sentinel, &master, &reason) != FK_OK)
		return fk_redis_miss(store, "sentinels", reason.text);
	(void)snprintf(store->where, sizeof(store->where), "%s:%u", master.host, master.port);
	*ret_redis = redisConnectWithTimeout(master.host, master.port, greet_timeout);
	return FK_OK;
}

static enum fk_err connect_to(struct fk_store *store)
{
	redisContext *redis = NULL;
	char what[256];
	enum fk_err err = dial(store, &redis);

	if (err != FK_OK)
		return err;
	(void)snprintf(what, sizeof(what), "no Redis at %s", store->where);
	if (redis == NULL)
		return fk_redis_break(store, what, "out of memory");
	if (redis->err != 0 || redisSetTimeout(redis, greet_timeout) != REDIS_OK) {
		char why[128];

		(void)snprintf(why, sizeof(why), "%s", redis->errstr);
		redisFree(redis);
		return fk_redis_miss(store, what, why);
	}
	store->redis = redis;
	store->n_pending = 0;
	store->out_size = 0;
	return FK_OK;
}

/* Connects, and goes on only with a Redis that is safe. */
static enum fk_err greet(struct fk_store *store, char ret_run_id[static FK_REDIS_RUN_ID_SIZE])
{
	enum fk_err err = connect_to(store);

	if (err == FK_OK)
		err = fk_settings_greet(store, ret_run_id);
	if (err == FK_OK && redisSetTimeout(store->redis, timeout) != REDIS_OK)
		err = fk_redis_break(store, "connection", store->redis->errstr);
	return err;
}

/* The first start writes schema and KMF id; HSETNX lets only one of two first starts win. */
static enum fk_err make_meta(struct fk_store *store)
{
	uint8_t kmf_id[sizeof(store->kmf_id)];
	const struct fk_redis_word id_words[] = {
		FK_WORD("HSETNX"), FK_WORD(META), FK_WORD("kmf_id"), {kmf_id, sizeof(kmf_id)}};
	char schema[16];
	redisReply *reply;
	enum fk_err err;

	(void)snprintf(schema, sizeof(schema), "%u", FK_STORE_SCHEMA);
	if (fk_random_fill(kmf_id, sizeof(kmf_id)) != FK_OK)
		return fk_redis_break(store, "KMF id", "no random octets");
	err = fk_redis_ask(store, &reply, "HSETNX", META, "schema", schema, NULL);
	if (err != FK_OK)
		return err;
	freeReplyObject(reply);
	err = fk_redis_call(store, id_words, 4, &reply);
	if (err == FK_OK)
		freeReplyObject(reply);
	return err;
}

struct meta {
	uint64_t schema, epoch, n_batches, gap, n_statements;
	struct fk_store_recovery recovery;
	uint8_t kmf_id[16];
};

/* A number of the meta record; absent counts as 0. */
static enum fk_err meta_number(const redisReply *value, uint64_t *ret_value)
{
	*ret_value = 0;
	return value->type == REDIS_REPLY_NIL ? FK_OK
					      : fk_redis_number(value->str, value->len, ret_value);
}

/* Statements are never counted down: one that failed may be there, or in another copy. */
static void take_meta(struct fk_store *store, const struct meta *meta)
{
	store->epoch = meta->epoch;
	store->n_batches = meta->n_batches;
	store->gap = meta->gap;
	store->recovery = meta->recovery;
	if (store->n_statements < meta->n_statements)
		store->n_statements = meta->n_statements;
	/* From now on they are counted, which the witness of an older copy has to show. */
	store->has_statement |= store->n_statements == 0;
}

static enum fk_err read_meta(struct fk_store *store, struct meta *ret_meta)
{
	struct fk_store_recovery *recovery = &ret_meta->recovery;
	const struct {
		const char *name;
		uint64_t *ret_value;
	} numbers[] = {
		{"schema", &ret_meta->schema},
		{"epoch", &ret_meta->epoch},
		{"batches", &ret_meta->n_batches},
		{"recovering", &ret_meta->gap},
		{"recoveries", &recovery->n_recoveries},
		{"recovered_at", &recovery->at_s},
		{"recovered_unknown", &recovery->n_unknown_ues},
		{"recovered_aborted", &recovery->n_aborted},
		{"restored_from", &recovery->restored_from_s},
		{"recovered_missing", &recovery->n_missing},
		{"recovered_alone", &recovery->is_alone},
		{"settling", &recovery->has_to_settle},
		{"settled_at", &recovery->settled_at_s},
		{"settled_left", &recovery->n_left},
		{"statements", &ret_meta->n_statements},
	};
	enum {
		N = sizeof(numbers) / sizeof(numbers[0])
	};
	struct fk_redis_word words[N + 3] = {FK_WORD("HMGET"), FK_WORD(META), FK_WORD("kmf_id")};
	const redisReply *kmf_id;
	redisReply *reply;
	enum fk_err err;

	for (size_t i = 0; i < N; i++)
		words[i + 3] = FK_WORD(numbers[i].name);
	err = fk_redis_call(store, words, N + 3, &reply);
	if (err != FK_OK)
		return err;
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != N + 1)
		err = FK_EFORMAT;
	for (size_t i = 0; err == FK_OK && i < N; i++)
		err = meta_number(reply->element[i + 1], numbers[i].ret_value);
	kmf_id = err == FK_OK ? reply->element[0] : NULL;
	if (kmf_id == NULL || kmf_id->type != REDIS_REPLY_STRING ||
	    kmf_id->len != sizeof(ret_meta->kmf_id))
		err = fk_redis_break(store, META, "the record is damaged");
	else
		memcpy(ret_meta->kmf_id, kmf_id->str, sizeof(ret_meta->kmf_id));
	freeReplyObject(reply);
	return err;
}

static enum fk_err check_schema(struct fk_store *store, uint64_t schema)
{
	char why[160];

	if (schema == FK_STORE_SCHEMA)
		return FK_OK;
	(void)snprintf(why, sizeof(why), "schema %llu, this version reads schema %u: %s",
		       (unsigned long long)schema, FK_STORE_SCHEMA,
		       schema > FK_STORE_SCHEMA
			       ? "start the version that wrote it, or a newer one"
			       : "start the version that wrote it, or import the fleet anew into "
				 "an empty store");
	(void)fk_redis_break(store, META, why);
	return FK_EABI;
}

/*
 * What older schemas have written is read as it is, so the number is all that changes. Schema 6
 * knows more of the UEs' keys: pages of the fleet that say nothing of them have a layout of their
 * own, and become the other one when they are written. Schema 5 stores pages by columns, and tells
 * those that are stored row by row by their size. Schema 4 keeps a slot of campaigns for answers:
 * up to the id before the first campaign of that slot, schema 3 gives campaigns the same slot and
 * generation. The octet that it gave a meaning, of what a UE last said, was 0 before: nothing.
 */
#define SCHEMA_OF_ANSWERS      4u
#define MIGRATED_CAMPAIGNS_MAX 62

static enum fk_err migrate(struct fk_store *store, uint64_t *schema)
{
	redisReply *reply;
	uint64_t n_campaigns;
	char text[16];
	enum fk_err err;

	if (*schema < FK_STORE_SCHEMA_OLD || *schema >= FK_STORE_SCHEMA)
		return FK_OK;
	err = fk_redis_read_counter(store, "fk:campaigns:last", &n_campaigns);
	if (err != FK_OK || (*schema < SCHEMA_OF_ANSWERS && n_campaigns > MIGRATED_CAMPAIGNS_MAX))
		return err;
	(void)snprintf(text, sizeof(text), "%u", FK_STORE_SCHEMA);
	err = fk_redis_ask(store, &reply, "HSET", META, "schema", text, NULL);
	if (err != FK_OK)
		return err;
	freeReplyObject(reply);
	*schema = FK_STORE_SCHEMA;
	return FK_OK;
}

/* Half of a backup is no store, and must not look like a new one. */
static enum fk_err check_restored(struct fk_store *store)
{
	redisReply *reply;
	bool is_half;
	enum fk_err err = fk_redis_ask(store, &reply, "HEXISTS", META, FK_REDIS_RESTORING, NULL);

	if (err != FK_OK)
		return err;
	is_half = reply->type != REDIS_REPLY_INTEGER || reply->integer != 0;
	freeReplyObject(reply);
	return is_half ? fk_redis_break(store, META,
					"a restore did not come to its end: empty this Redis and "
					"restore again")
		       : FK_OK;
}

/* Ends a store that was not opened; returns what whoever opened it gets. */
static enum fk_err give_up(struct fk_store *store, enum fk_err err, struct fk_reason *reason)
{
	if (err == FK_ESTORE && store->is_away)
		err = FK_EAWAY;
	fk_reason_set(reason, "%s", store->error.text);
	fk_store_close(store);
	return err;
}

enum fk_err fk_redis_open(const struct fk_store_options *options, struct fk_store **ret_store,
			  struct fk_reason *reason)
{
	struct fk_store *store = calloc(1, sizeof(*store));
	enum fk_err err;

	if (store == NULL)
		return FK_ENOMEM;
	/* hiredis writes without MSG_NOSIGNAL: a Redis that dies must be an error, not our end. */
	(void)signal(SIGPIPE, SIG_IGN);
	store->options = *options;
	err = greet(store, store->run_id);
	if (err == FK_OK)
		err = fk_redis_confirm(store);
	if (err != FK_OK)
		return give_up(store, err, reason);
	*ret_store = store;
	return FK_OK;
}

enum fk_err fk_store_open(const struct fk_store_options *options, struct fk_store **ret_store,
			  struct fk_reason *reason)
{
	struct fk_store *store = NULL;
	struct meta meta;
	enum fk_err err = fk_redis_open(options, &store, reason);

	if (err != FK_OK)
		return err;
	err = check_restored(store);
	if (err == FK_OK)
		err = make_meta(store);
	if (err == FK_OK)
		err = read_meta(store, &meta);
	if (err == FK_OK)
		err = migrate(store, &meta.schema);
	if (err == FK_OK)
		err = check_schema(store, meta.schema);
	if (err == FK_OK)
		err = fk_redis_confirm(store);
	if (err != FK_OK)
		return give_up(store, err, reason);
	memcpy(store->kmf_id, meta.kmf_id, sizeof(store->kmf_id));
	take_meta(store, &meta);
	*ret_store = store;
	return FK_OK;
}

void fk_store_close(struct fk_store *store)
{
	if (store == NULL)
		return;
	if (store->redis != NULL)
		redisFree(store->redis);
	fk_witness_close(store->witness);
	free(store);
}

bool fk_store_is_healthy(const struct fk_store *store)
{
	return store->redis != NULL;
}

const char *fk_store_last_error(const struct fk_store *store)
{
	return store->redis != NULL ? "" : store->error.text;
}

/* Is what answers now the store that we wrote to? An empty or older one would forget used numbers.
 */
static enum fk_err check_continuity(struct fk_store *store, struct meta *ret_meta)
{
	struct meta meta;
	redisReply *reply;
	enum fk_err err = fk_redis_ask(store, &reply, "EXISTS", META, NULL);
	bool exists;

	if (err != FK_OK)
		return err;
	exists = reply->type == REDIS_REPLY_INTEGER && reply->integer == 1;
	freeReplyObject(reply);
	if (!exists) {
		(void)fk_redis_break(store, META, "the store came back without our data");
		return FK_ESTALE;
	}
	err = read_meta(store, &meta);
	if (err == FK_OK)
		err = check_schema(store, meta.schema);
	if (err != FK_OK)
		return err;
	if (memcmp(meta.kmf_id, store->kmf_id, sizeof(meta.kmf_id)) != 0) {
		(void)fk_redis_break(store, META, "the store came back as another KMF's");
		return FK_ESTALE;
	}
	if (meta.epoch < store->epoch || meta.n_batches < store->n_batches) {
		(void)fk_redis_break(store, META,
				     "the store came back in an older state: put the right one in "
				     "place, or start fleetkeyd anew with --recover");
		return FK_ESTALE;
	}
	*ret_meta = meta;
	return FK_OK;
}

/*
 * Takes an epoch beyond that which is 'there', and beyond each that any Redis may have taken from
 * us without confirming it. So of two that went apart the one that we went on with has an epoch
 * that the other cannot have, and that one, should it be master again, is the older.
 */
static enum fk_err raise_epoch(struct fk_store *store, uint64_t there, uint64_t *ret_epoch)
{
	uint64_t tried = store->epoch_tried > there ? store->epoch_tried : there;
	char step[24];
	enum fk_err err;

	(void)snprintf(step, sizeof(step), "%llu", (unsigned long long)(tried + 1 - there));
	const struct fk_redis_word words[] = {FK_WORD("HINCRBY"), FK_WORD(META), FK_WORD("epoch"),
					      FK_WORD(step)};

	store->epoch_tried = tried + 1;
	err = fk_redis_count(store, "epoch", words, 4, UINT32_MAX, ret_epoch);
	return err == FK_OK ? fk_redis_confirm(store) : err;
}

enum fk_err fk_redis_refresh(struct fk_store *store)
{
	struct meta meta;
	enum fk_err err = check_continuity(store, &meta);

	/* What a promotion may lose is not held against the store afterwards. */
	if (err == FK_OK)
		err = fk_redis_confirm(store);
	if (err != FK_OK)
		return err;
	take_meta(store, &meta);
	fk_redis_witness(store);
	return FK_OK;
}

enum fk_err fk_store_reconnect(struct fk_store *store, bool *ret_is_new_run,
			       struct fk_reason *reason)
{
	char run_id[FK_REDIS_RUN_ID_SIZE] = "";
	uint64_t epoch = 0;
	struct meta meta;
	bool is_new_run;
	enum fk_err err;

	if (store->lease.is_lost) {
		fk_reason_set(reason, "%s", store->error.text);
		return FK_ESTORE;
	}
	if (store->redis != NULL)
		(void)fk_redis_break(store, "connection", "made anew");
	/* What an open batch had queued went with the old connection. */
	store->batch_failed = store->batch_open;
	err = greet(store, run_id);
	if (err == FK_OK)
		err = check_continuity(store, &meta);
	if (err == FK_OK)
		err = fk_lease_watch(store);
	/* Whoever waits for the lease only looks on. */
	is_new_run = strcmp(run_id, store->run_id) != 0;
	if (err == FK_OK && is_new_run && (store->lease.is_held || !store->lease.is_waiting))
		err = raise_epoch(store, meta.epoch, &epoch);
	else if (err == FK_OK)
		err = fk_redis_confirm(store);
	if (err != FK_OK) {
		fk_reason_set(reason, "%s", store->error.text);
		return err;
	}
	store->epoch = epoch > meta.epoch ? epoch : meta.epoch;
	store->n_batches = meta.n_batches;
	if (store->n_statements < meta.n_statements)
		store->n_statements = meta.n_statements;
	fk_redis_witness(store);
	memcpy(store->run_id, run_id, sizeof(run_id));
	if (ret_is_new_run != NULL)
		*ret_is_new_run = is_new_run;
	return FK_OK;
}

const uint8_t *fk_store_kmf_id(const struct fk_store *store)
{
	return store->kmf_id;
}

enum fk_err fk_store_next_epoch(struct fk_store *store, uint32_t *ret_epoch)
{
	uint64_t epoch;
	enum fk_err err = raise_epoch(store, store->epoch, &epoch);

	if (err != FK_OK)
		return err;
	store->epoch = epoch;
	fk_redis_witness(store);
	*ret_epoch = (uint32_t)epoch;
	return FK_OK;
}

uint8_t fk_store_shard_of(const char *ue_id, size_t len)
{
	uint16_t crc = 0; /* CRC-16/XMODEM: polynomial 1021, not reflected */

	for (size_t i = 0; i < len; i++) {
		crc = (uint16_t)(crc ^ (uint16_t)((uint8_t)ue_id[i] << 8));
		for (int bit = 0; bit < 8; bit++)
			crc = (uint16_t)((crc & 0x8000) != 0 ? crc << 1 ^ 0x1021 : crc << 1);
	}
	return (uint8_t)(crc % FK_STORE_SHARDS);
}
