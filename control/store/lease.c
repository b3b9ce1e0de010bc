/* SPDX-License-Identifier: Apache-2.0 */
#include "store/lease.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "store/redis.h"

#define OWNER	     "fk:owner"
#define LEASE	     "fk:lease"
#define META	     "fk:meta"
#define LEASE_MS_MAX 3600000u

static_assert(FK_STORE_SHARDS == 64, "the record names them");

/* What the store says of its owner. */
struct record {
	bool exists, is_released;
	char node[FK_LEASE_NODE_TEXT], name[FK_NODE_NAME_SIZE];
	uint64_t epoch, tenure, lease_ms, beats;
};

static uint64_t now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail with this clock */
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void format_node(const uint8_t id[static FK_NODE_ID_SIZE],
			char text[static FK_LEASE_NODE_TEXT])
{
	for (size_t i = 0; i < FK_NODE_ID_SIZE; i++)
		(void)snprintf(text + 2 * i, 3, "%02x", id[i]);
}

static void copy_text(const redisReply *value, char *text, size_t size)
{
	(void)snprintf(text, size, "%s", value->type == REDIS_REPLY_STRING ? value->str : "");
}

static enum fk_err decode(const redisReply *reply, struct record *ret_record)
{
	struct record r = {.exists = false};
	enum fk_err err;

	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 6)
		return FK_EFORMAT;
	r.exists = reply->element[0]->type == REDIS_REPLY_STRING;
	if (r.exists) {
		copy_text(reply->element[0], r.node, sizeof(r.node));
		copy_text(reply->element[1], r.name, sizeof(r.name));
		r.is_released = reply->element[5]->type == REDIS_REPLY_STRING;
		err = fk_redis_number_of(reply->element[2], &r.epoch);
		if (err == FK_OK)
			err = fk_redis_number_of(reply->element[3], &r.tenure);
		if (err == FK_OK)
			err = fk_redis_number_of(reply->element[4], &r.lease_ms);
		if (err != FK_OK || r.lease_ms > LEASE_MS_MAX)
			return FK_EFORMAT;
	}
	*ret_record = r;
	return FK_OK;
}

static enum fk_err read_record(struct fk_store *store, struct record *ret_record)
{
	redisReply *reply;
	enum fk_err err = fk_redis_ask(store, &reply, "HMGET", OWNER, "node", "name", "epoch",
				       "tenure", "lease_ms", "released", NULL);

	if (err != FK_OK)
		return err;
	err = decode(reply, ret_record);
	freeReplyObject(reply);
	if (err != FK_OK)
		return fk_redis_break(store, OWNER, "the record is damaged");
	return fk_redis_read_counter(store, LEASE, &ret_record->beats);
}

/* A command that answers with a status. */
static enum fk_err tell(struct fk_store *store, const char *command, const char *key)
{
	redisReply *reply;
	enum fk_err err = fk_redis_ask(store, &reply, command, key, NULL); /* 'key' may end it */

	if (err == FK_OK)
		freeReplyObject(reply);
	return err;
}

/* Whether the node may have it now, by what is there and how long it has been so. */
static bool may_take(struct fk_lease *lease, const struct record *r, const char *node)
{
	bool is_same =
		lease->is_waiting && r->epoch == lease->seen_epoch && r->beats == lease->seen_beats;
	uint64_t now = now_us();

	if (!r->exists || r->is_released || strcmp(r->node, node) == 0)
		return true;
	if (!is_same)
		lease->seen_at_us = now;
	lease->is_waiting = true;
	lease->seen_epoch = r->epoch;
	lease->seen_beats = r->beats;
	return now - lease->seen_at_us >= r->lease_ms * 1000;
}

/* Queues what makes us the owner. */
static enum fk_err send_record(struct fk_store *store, const struct fk_node *node, uint64_t epoch,
			       uint64_t tenure)
{
	char epoch_text[24], tenure_text[24], length[24], since[24];

	(void)snprintf(epoch_text, sizeof(epoch_text), "%" PRIu64, epoch);
	(void)snprintf(tenure_text, sizeof(tenure_text), "%" PRIu64, tenure);
	(void)snprintf(length, sizeof(length), "%u", node->lease_ms);
	(void)snprintf(since, sizeof(since), "%lld", (long long)time(NULL));
	const struct fk_redis_word owner[] = {
		FK_WORD("HSET"),     FK_WORD(OWNER),
		FK_WORD("node"),     FK_WORD(store->lease.node),
		FK_WORD("name"),     FK_WORD(node->name),
		FK_WORD("epoch"),    FK_WORD(epoch_text),
		FK_WORD("tenure"),   FK_WORD(tenure_text),
		FK_WORD("lease_ms"), FK_WORD(length),
		FK_WORD("shards"),   FK_WORD("0-63"),
		FK_WORD("since"),    FK_WORD(since),
	};
	const struct fk_redis_word mark[] = {FK_WORD("HDEL"), FK_WORD(OWNER), FK_WORD("released")};
	const struct fk_redis_word beat[] = {FK_WORD("INCR"), FK_WORD(LEASE)};
	const struct fk_redis_word raise[] = {FK_WORD("HSET"), FK_WORD(META), FK_WORD("epoch"),
					      FK_WORD(epoch_text)};
	enum fk_err err = fk_redis_send(store, owner, sizeof(owner) / sizeof(owner[0]));

	if (err == FK_OK)
		err = fk_redis_send(store, mark, 3);
	if (err == FK_OK)
		err = fk_redis_send(store, beat, 2);
	if (err == FK_OK)
		err = fk_redis_send(store, raise, 4);
	return err;
}

/* The last that anybody can have had, also of a later copy of this store. */
static uint64_t last_epoch(const struct fk_store *store)
{
	uint64_t epoch = store->epoch > store->epoch_tried ? store->epoch : store->epoch_tried;

	if (store->witness != NULL && fk_witness_counts(store->witness)->epoch > epoch)
		epoch = fk_witness_counts(store->witness)->epoch;
	return epoch;
}

/* All in one transaction, which is refused if anybody has moved since we looked. */
static enum fk_err take(struct fk_store *store, const struct fk_node *node, const struct record *r)
{
	struct fk_lease *lease = &store->lease;
	uint64_t epoch = last_epoch(store), tenure, asked_at_us = now_us();
	redisReply *reply;
	enum fk_err err;

	if (epoch >= UINT32_MAX)
		return fk_redis_break(store, "epoch", "the counter is used up");
	store->epoch_tried = ++epoch;
	tenure = r->exists && strcmp(r->node, lease->node) == 0 ? r->tenure : epoch;
	err = fk_redis_begin(store);
	if (err == FK_OK)
		err = send_record(store, node, epoch, tenure);
	if (err == FK_OK)
		err = fk_redis_exec(store, &reply);
	if (err != FK_OK)
		return err == FK_ESTALE ? FK_EBUSY : err;
	freeReplyObject(reply);
	err = fk_redis_confirm(store);
	if (err != FK_OK)
		return err;
	store->epoch = epoch;
	fk_redis_witness(store);
	lease->epoch = epoch;
	lease->tenure = tenure;
	lease->length_us = node->lease_ms * 1000ull;
	lease->since_us = lease->renewed_at_us = asked_at_us;
	lease->is_held = true;
	return fk_lease_watch(store);
}

enum fk_err fk_store_take_lease(struct fk_store *store, const struct fk_node *node,
				struct fk_store_owner *ret_owner)
{
	static const char *const keys[] = {OWNER, LEASE, META};
	struct fk_lease *lease = &store->lease;
	struct record r;
	enum fk_err err = FK_OK;

	format_node(node->id, lease->node);
	/* A transaction fails if one of them changes after we looked. */
	for (size_t i = 0; err == FK_OK && i < sizeof(keys) / sizeof(keys[0]); i++)
		err = tell(store, "WATCH", keys[i]);
	if (err == FK_OK)
		err = read_record(store, &r);
	if (err == FK_OK)
		err = fk_redis_refresh(store);
	if (err != FK_OK)
		return err;
	if (may_take(lease, &r, lease->node)) {
		/* Nobody renews it while Redis is not safe: that is no reason to take it. */
		err = fk_settings_check(store);
		if (err == FK_OK)
			err = take(store, node, &r);
	} else {
		err = tell(store, "UNWATCH", NULL);
		err = err == FK_OK ? FK_EBUSY : err;
	}
	if (err == FK_EBUSY) {
		memcpy(ret_owner->name, r.name, sizeof(r.name));
		ret_owner->epoch = r.epoch;
	}
	return err;
}

enum fk_err fk_lease_send_watch(struct fk_store *store)
{
	const struct fk_redis_word watch[] = {FK_WORD("WATCH"), FK_WORD(OWNER)};
	const struct fk_redis_word look[] = {FK_WORD("HMGET"), FK_WORD(OWNER), FK_WORD("node"),
					     FK_WORD("epoch"), FK_WORD("name")};
	enum fk_err err = fk_redis_send(store, watch, 2);

	return err == FK_OK ? fk_redis_send(store, look, 5) : err;
}

static enum fk_err lose(struct fk_store *store, const redisReply *look)
{
	char why[160];

	(void)snprintf(why, sizeof(why), "%.64s is the owner now",
		       look->type == REDIS_REPLY_ARRAY && look->elements == 3 &&
				       look->element[2]->type == REDIS_REPLY_STRING
			       ? look->element[2]->str
			       : "nobody");
	store->lease.is_held = false;
	store->lease.is_lost = true;
	return fk_redis_break(store, "the lease is lost", why);
}

static bool is_ours(const struct fk_lease *lease, const redisReply *look)
{
	uint64_t epoch;

	return look->type == REDIS_REPLY_ARRAY && look->elements == 3 &&
	       look->element[0]->type == REDIS_REPLY_STRING &&
	       strcmp(look->element[0]->str, lease->node) == 0 &&
	       fk_redis_number_of(look->element[1], &epoch) == FK_OK && epoch == lease->epoch;
}

enum fk_err fk_lease_fetch_watch(struct fk_store *store)
{
	redisReply *reply;
	enum fk_err err = fk_redis_fetch(store, &reply);

	if (err != FK_OK)
		return err;
	freeReplyObject(reply);
	err = fk_redis_fetch(store, &reply);
	if (err != FK_OK)
		return err;
	if (!is_ours(&store->lease, reply))
		err = lose(store, reply);
	freeReplyObject(reply);
	return err;
}

enum fk_err fk_lease_watch(struct fk_store *store)
{
	enum fk_err err = fk_redis_drain(store);

	if (err != FK_OK || !store->lease.is_held)
		return err;
	err = fk_lease_send_watch(store);
	return err == FK_OK ? fk_lease_fetch_watch(store) : err;
}

static bool is_due(const struct fk_lease *lease, uint64_t now)
{
	return lease->is_held &&
	       now - lease->renewed_at_us >= lease->length_us / FK_LEASE_RENEWALS_MAX;
}

enum fk_err fk_lease_ride(struct fk_store *store)
{
	const struct fk_redis_word beat[] = {FK_WORD("INCR"), FK_WORD(LEASE)};
	uint64_t now = now_us();

	if (!is_due(&store->lease, now))
		return FK_OK;
	store->lease.asked_at_us = now;
	return fk_redis_send(store, beat, 2);
}

void fk_lease_renewed(struct fk_store *store)
{
	if (store->lease.asked_at_us != 0)
		store->lease.renewed_at_us = store->lease.asked_at_us;
	store->lease.asked_at_us = 0;
}

uint64_t fk_store_keep_lease(struct fk_store *store)
{
	struct fk_lease *lease = &store->lease;
	redisReply *reply;

	/* A transaction with nothing in it but the renewal. */
	if (store->redis != NULL && store->n_pending == 0 && is_due(lease, now_us()) &&
	    fk_redis_begin(store) == FK_OK && fk_redis_exec(store, &reply) == FK_OK)
		freeReplyObject(reply);
	return lease->is_held ? lease->renewed_at_us + lease->length_us -
					lease->length_us / FK_LEASE_MARGIN
			      : 0;
}

bool fk_store_is_lost(const struct fk_store *store)
{
	return store->lease.is_lost;
}

uint64_t fk_store_tenure(const struct fk_store *store)
{
	return store->lease.tenure;
}

uint64_t fk_store_owner_since_us(const struct fk_store *store)
{
	return store->lease.is_held ? store->lease.since_us : 0;
}

enum fk_err fk_store_release_lease(struct fk_store *store)
{
	const struct fk_redis_word words[] = {FK_WORD("HSET"), FK_WORD(OWNER), FK_WORD("released"),
					      FK_WORD("1")};
	enum fk_err err;

	if (!store->lease.is_held)
		return FK_OK;
	err = fk_redis_write(store, words, 4, NULL);
	store->lease.is_held = false;
	return err;
}
