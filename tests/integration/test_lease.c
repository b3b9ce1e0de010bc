/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lease of a store: who gets it, who has lost it, and that Redis takes nothing from that one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <hiredis/hiredis.h>

#include "store/lease.h"
#include "store/store.h"

#include "redis_server.h"

#define LEASE_MS 500

static struct redis_server server;
static struct fk_store *a, *b;
static const struct fk_node node_a = {.id = {0xa}, .name = "node-a", .lease_ms = LEASE_MS};
static const struct fk_node node_b = {.id = {0xb}, .name = "node-b", .lease_ms = LEASE_MS};

static void set_up(void)
{
	redis_server_init(&server);
	a = redis_server_open_store(&server);
	b = redis_server_open_store(&server);
}

static void tear_down(void)
{
	fk_store_close(a);
	fk_store_close(b);
	redis_server_fini(&server);
}

TestSuite(lease, .init = set_up, .fini = tear_down);

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static enum fk_err take(struct fk_store *store, const struct fk_node *node)
{
	struct fk_store_owner owner;

	return fk_store_take_lease(store, node, &owner);
}

/* Looks until the lease is its own; how long that took. */
static uint64_t wait_for_lease_ms(struct fk_store *store, const struct fk_node *node)
{
	uint64_t began_us = now_us();
	enum fk_err err;

	while ((err = take(store, node)) == FK_EBUSY) {
		cr_assert_lt(now_us() - began_us, 10000000, "it never gets it");
		usleep(5000);
	}
	cr_assert_eq(err, FK_OK);
	return (now_us() - began_us) / 1000;
}

/* 'a' has the lease and does not renew it; 'b' takes it. */
static void hand_over(void)
{
	cr_assert_eq(take(a, &node_a), FK_OK);
	(void)wait_for_lease_ms(b, &node_b);
}

static enum fk_err write_page(struct fk_store *store, uint8_t octet)
{
	uint8_t page[512];

	memset(page, octet, sizeof(page));
	fk_store_batch_begin(store);
	fk_store_batch_put_numbers_page(store, 1, 0, 0, page, sizeof(page));
	return fk_store_batch_commit(store);
}

/* All that is in Redis, as one digest. */
static void digest(char text[64])
{
	const char *got = redis_server_ask(&server, "DEBUG DIGEST");

	cr_assert_eq(strlen(got), 40, "%s", got);
	strcpy(text, got);
}

Test(lease, the_first_node_gets_it_and_the_second_waits_for_its_length)
{
	struct fk_store_owner owner = {.epoch = 0};
	uint64_t asked_us, ms;

	cr_expect_eq(fk_store_keep_lease(a), 0);
	asked_us = now_us();
	cr_assert_eq(take(a, &node_a), FK_OK);
	cr_expect_gt(fk_store_keep_lease(a), now_us());
	cr_expect_leq(fk_store_keep_lease(a), now_us() + LEASE_MS * 900, "a tenth is kept back");
	cr_expect_eq(fk_store_take_lease(b, &node_b, &owner), FK_EBUSY);
	cr_expect_str_eq(owner.name, "node-a");
	cr_expect_eq(owner.epoch, fk_store_tenure(a));
	ms = wait_for_lease_ms(b, &node_b);
	cr_expect_geq((now_us() - asked_us) / 1000, LEASE_MS);
	cr_expect_leq(ms, LEASE_MS + 2000);
	cr_expect_gt(fk_store_tenure(b), fk_store_tenure(a));
	cr_expect_str_eq(redis_server_ask(&server, "HGET fk:owner name"), "node-b");
	cr_expect_str_eq(redis_server_ask(&server, "HGET fk:owner shards"), "0-63");
}

Test(lease, a_lease_that_is_renewed_is_never_given_to_another)
{
	uint64_t end_us = now_us() + 4 * LEASE_MS * 1000;

	cr_assert_eq(take(a, &node_a), FK_OK);
	while (now_us() < end_us) {
		cr_expect_gt(fk_store_keep_lease(a), now_us());
		cr_expect_eq(take(b, &node_b), FK_EBUSY);
		usleep(10000);
	}
	/* Renewals are few, and no batches. */
	cr_expect_leq(atoi(redis_server_ask(&server, "GET fk:lease")),
		      4 * FK_LEASE_RENEWALS_MAX + 1);
	cr_expect_str_eq(redis_server_ask(&server, "HGET fk:meta batches"), "");
}

Test(lease, writing_renews_it)
{
	uint64_t end_us = now_us() + 4 * LEASE_MS * 1000;

	cr_assert_eq(take(a, &node_a), FK_OK);
	for (uint8_t i = 0; now_us() < end_us; i++) {
		cr_expect_eq(write_page(a, i), FK_OK);
		cr_expect_eq(take(b, &node_b), FK_EBUSY);
		usleep(10000);
	}
}

Test(lease, a_node_that_starts_again_has_it_back_at_once)
{
	uint64_t tenure, until_us;

	cr_assert_eq(take(a, &node_a), FK_OK);
	tenure = fk_store_tenure(a);
	until_us = fk_store_keep_lease(a);
	fk_store_close(a);
	a = redis_server_open_store(&server);
	cr_assert_eq(take(a, &node_a), FK_OK);
	cr_expect_leq(now_us(), until_us);
	cr_expect_eq(fk_store_tenure(a), tenure, "nobody else had it");
	cr_expect_neq(atoi(redis_server_ask(&server, "HGET fk:owner epoch")), (int)tenure);
	cr_expect_eq(take(b, &node_b), FK_EBUSY);
}

Test(lease, but_not_what_another_node_had_meanwhile)
{
	uint64_t tenure;

	hand_over();
	tenure = fk_store_tenure(a);
	fk_store_close(a);
	a = redis_server_open_store(&server);
	(void)wait_for_lease_ms(a, &node_a);
	cr_expect_gt(fk_store_tenure(a), tenure);
	cr_expect_gt(fk_store_tenure(a), fk_store_tenure(b));
}

Test(lease, one_that_is_let_go_is_taken_at_once)
{
	cr_assert_eq(take(a, &node_a), FK_OK);
	cr_assert_eq(fk_store_release_lease(a), FK_OK);
	cr_expect_eq(fk_store_keep_lease(a), 0);
	cr_expect_eq(take(b, &node_b), FK_OK);
	cr_expect_str_eq(redis_server_ask(&server, "HEXISTS fk:owner released"), "0");
}

Test(lease, a_node_that_lost_it_changes_nothing_in_redis)
{
	const struct fk_store_field fields[] = {{"state", "running", 7}};
	char before[64], after[64];
	uint64_t generation;
	bool is_done;
	uint32_t n;

	cr_assert_eq(take(a, &node_a), FK_OK);
	cr_assert_eq(fk_store_next_generation(a, &generation), FK_OK);
	cr_assert_eq(fk_store_publish_fleet(a, generation, 0, fields, 1, NULL), FK_OK);
	(void)wait_for_lease_ms(b, &node_b);
	cr_assert_eq(write_page(b, 1), FK_OK);
	digest(before);
	/* One fence each; each finds it by itself on a store that believes that it is the owner. */
	for (int way = 0; way < 10; way++) {
		struct fk_store_owner owner;
		struct fk_node other = node_b;
		enum fk_err err = FK_OK;

		if (way > 0) {
			/* Two new nodes: one takes it, one loses it. */
			fk_store_close(a);
			a = redis_server_open_store(&server);
			cr_assert_eq(fk_store_release_lease(b), FK_OK);
			cr_assert_eq(take(a, &node_a), FK_OK);
			other.id[1] = (uint8_t)way;
			fk_store_close(b);
			b = redis_server_open_store(&server);
			while (fk_store_take_lease(b, &other, &owner) == FK_EBUSY)
				usleep(5000);
			digest(before);
		}
		switch (way) {
		case 0:
			err = write_page(a, 2);
			break;
		case 1:
			err = fk_store_next_epoch(a, &n);
			break;
		case 2:
			err = fk_store_next_campaign_id(a, &n);
			break;
		case 3:
			err = fk_store_next_generation(a, &generation);
			break;
		case 4:
			err = fk_store_create_key(a, "k", "x", 1);
			break;
		case 5:
			err = fk_store_stage_fleet(a, 9, (const uint8_t[]){0}, 1);
			break;
		case 6:
			err = fk_store_publish_fleet(a, 9, generation, fields, 1, NULL);
			break;
		case 7:
			err = fk_store_publish_fleet(a, 9, 77, fields, 1, NULL);
			break;
		case 8:
			cr_expect_eq(fk_store_keep_lease(a), 0, "a renewal finds it, too");
			err = FK_ESTORE;
			break;
		case 9:
			err = fk_store_reconnect(a, NULL, NULL);
			break;
		}
		cr_expect_eq(err, FK_ESTORE, "way %d: %s", way, fk_err_text(err));
		cr_expect(fk_store_is_lost(a), "way %d", way);
		cr_expect_not(fk_store_is_healthy(a), "way %d", way);
		cr_expect_neq(fk_store_reconnect(a, NULL, NULL), FK_OK, "nothing mends it");
		cr_expect_eq(write_page(a, 3), FK_ESTORE);
		cr_expect_neq(fk_store_sweep_step(a, 1, &is_done), FK_OK);
		digest(after);
		cr_expect_str_eq(after, before, "way %d has changed something", way);
	}
}

/* Frozen while its pipeline is under way: what was sent comes later than the loss. */
Test(lease, of_a_batch_that_was_begun_before_the_loss_nothing_is_done)
{
	uint8_t page[512] = {1};
	char before[64], after[64];

	cr_assert_eq(take(a, &node_a), FK_OK);
	fk_store_batch_begin(a);
	for (uint32_t i = 0; i < 100; i++)
		fk_store_batch_put_numbers_page(a, 1, 0, i, page, sizeof(page));
	(void)wait_for_lease_ms(b, &node_b);
	digest(before);
	for (uint32_t i = 100; i < 200; i++)
		fk_store_batch_put_numbers_page(a, 1, 0, i, page, sizeof(page));
	cr_expect_eq(fk_store_batch_commit(a), FK_ESTORE);
	cr_expect(fk_store_is_lost(a));
	cr_expect_not_null(strstr(fk_store_last_error(a), "node-b is the owner"), "%s",
			   fk_store_last_error(a));
	digest(after);
	cr_expect_str_eq(after, before);
}

/* True if Redis says that this command writes. */
static bool is_write(redisContext *redis, const char *command)
{
	redisReply *reply = redisCommand(redis, "COMMAND INFO %s", command);
	const redisReply *info;
	bool found = false;

	cr_assert(reply != NULL && reply->type == REDIS_REPLY_ARRAY && reply->elements == 1);
	info = reply->element[0];
	cr_assert(info->type == REDIS_REPLY_ARRAY && info->elements > 2, "%s", command);
	for (size_t i = 0; i < info->element[2]->elements; i++)
		found |= strcmp(info->element[2]->element[i]->str, "write") == 0;
	freeReplyObject(reply);
	return found;
}

/* Counts what MONITOR shows up to the command ECHO: all, and of it what writes. */
static void count_executed(redisContext *monitor, uint32_t *ret_n, uint32_t *ret_n_writes)
{
	redisContext *redis = redisConnectUnix(server.socket);
	bool is_end = false;

	cr_assert(redis != NULL && redis->err == 0);
	*ret_n = *ret_n_writes = 0;
	(void)redis_server_ask(&server, "ECHO end");
	while (!is_end) {
		char command[32];
		redisReply *reply = NULL;
		const char *at;

		cr_assert_eq(redisGetReply(monitor, (void **)&reply), REDIS_OK);
		/* 1339518083.107412 [0 unix:/tmp/redis.sock] "HSET" "fk:meta" ... */
		at = strstr(reply->str, "] \"");
		cr_assert(at != NULL && sscanf(at, "] \"%31[^\"]", command) == 1, "%s", reply->str);
		is_end = strcasecmp(command, "ECHO") == 0;
		*ret_n += !is_end;
		*ret_n_writes += is_write(redis, command);
		freeReplyObject(reply);
	}
	redisFree(redis);
}

/* As above, by Redis's own account of what it executes: what it refuses as a whole is not in it. */
Test(lease, redis_executes_no_write_of_a_node_that_thaws)
{
	redisContext *monitor = redisConnectUnix(server.socket);
	uint8_t page[512] = {1};
	uint32_t n, n_writes, epoch;
	redisReply *reply;

	cr_assert_eq(take(a, &node_a), FK_OK);
	fk_store_batch_begin(a);
	for (uint32_t i = 0; i < 100; i++)
		fk_store_batch_put_numbers_page(a, 1, 0, i, page, sizeof(page));
	(void)wait_for_lease_ms(b, &node_b);
	cr_assert(monitor != NULL && monitor->err == 0);
	reply = redisCommand(monitor, "MONITOR");
	cr_assert(reply != NULL && reply->type == REDIS_REPLY_STATUS);
	freeReplyObject(reply);
	/* It thaws in the middle of a batch, and tries all that it had in mind. */
	for (uint32_t i = 100; i < 200; i++)
		fk_store_batch_put_numbers_page(a, 1, 0, i, page, sizeof(page));
	cr_expect_eq(fk_store_batch_commit(a), FK_ESTORE);
	cr_expect_eq(write_page(a, 2), FK_ESTORE);
	cr_expect_neq(fk_store_next_epoch(a, &epoch), FK_OK);
	cr_expect_neq(fk_store_reconnect(a, NULL, NULL), FK_OK);
	count_executed(monitor, &n, &n_writes);
	cr_expect_gt(n, 0, "it has asked");
	cr_expect_eq(n_writes, 0);
	/* What the owner writes is in it. */
	cr_expect_eq(write_page(b, 3), FK_OK);
	count_executed(monitor, &n, &n_writes);
	cr_expect_geq(n_writes, 2);
	redisFree(monitor);
}

Test(lease, a_batch_longer_than_one_transaction_is_fenced_in_each)
{
	static uint8_t page[65536];
	uint64_t n = 0;

	cr_assert_eq(take(a, &node_a), FK_OK);
	fk_store_batch_begin(a);
	for (uint32_t i = 0; i < 100; i++) /* 4 MB are sent on the way */
		fk_store_batch_put_fleet_page(a, 1, 0, i, page, sizeof(page));
	n = (uint64_t)atoi(redis_server_ask(&server, "EXISTS fk:{s000}:fleet:1:0"));
	cr_expect_eq(n, 1);
	(void)wait_for_lease_ms(b, &node_b);
	for (uint32_t i = 100; i < 300; i++)
		fk_store_batch_put_fleet_page(a, 1, 0, i, page, sizeof(page));
	cr_expect_eq(fk_store_batch_commit(a), FK_ESTORE);
	cr_expect_str_eq(redis_server_ask(&server, "EXISTS fk:{s000}:fleet:1:100"), "0");
	cr_expect_str_eq(redis_server_ask(&server, "EXISTS fk:{s000}:fleet:1:299"), "0");
}

Test(lease, it_outlives_a_redis_that_is_killed)
{
	uint64_t epoch, tenure;

	cr_assert_eq(take(a, &node_a), FK_OK);
	tenure = fk_store_tenure(a);
	redis_server_kill(&server);
	usleep(300000);
	cr_expect_lt(fk_store_keep_lease(a), now_us() + LEASE_MS * 900 - 300000);
	redis_server_start(&server);
	cr_assert_eq(fk_store_reconnect(a, NULL, NULL), FK_OK);
	cr_expect_gt(fk_store_keep_lease(a), now_us());
	cr_expect_eq(fk_store_tenure(a), tenure);
	cr_expect_eq(write_page(a, 1), FK_OK);
	epoch = (uint64_t)atoi(redis_server_ask(&server, "HGET fk:owner epoch"));
	cr_expect_eq(epoch, tenure);
}

Test(lease, lost_while_redis_was_away_is_lost)
{
	char before[64], after[64];

	cr_assert_eq(take(a, &node_a), FK_OK);
	redis_server_kill(&server);
	cr_expect_eq(write_page(a, 1), FK_ESTORE);
	redis_server_start(&server);
	cr_assert_eq(fk_store_reconnect(b, NULL, NULL), FK_OK);
	(void)wait_for_lease_ms(b, &node_b);
	digest(before);
	cr_expect_eq(fk_store_reconnect(a, NULL, NULL), FK_ESTORE);
	cr_expect(fk_store_is_lost(a));
	digest(after);
	cr_expect_str_eq(after, before);
}

Test(lease, nobody_takes_or_renews_it_in_a_redis_that_is_not_safe)
{
	struct fk_store_owner owner;
	enum fk_err err = FK_EBUSY;
	uint64_t until_us;

	cr_assert_eq(take(a, &node_a), FK_OK);
	cr_assert_eq(take(b, &node_b), FK_EBUSY);
	redis_server_ask(&server, "CONFIG SET appendfsync everysec");
	usleep(FK_STORE_CHECK_MS * 1000);
	until_us = fk_store_keep_lease(a);
	cr_expect(!fk_store_is_healthy(a));
	cr_expect(!fk_store_is_lost(a));
	usleep(LEASE_MS * 1000);
	cr_expect_eq(fk_store_keep_lease(a), until_us, "it is over, then");
	for (int i = 0; i < 200 && err == FK_EBUSY; i++) {
		err = take(b, &node_b);
		usleep(5000);
	}
	cr_expect_eq(err, FK_ESTORE);
	cr_expect_str_eq(redis_server_ask(&server, "HGET fk:owner name"), "node-a");
	redis_server_ask(&server, "CONFIG SET appendfsync always");
	cr_assert_eq(fk_store_reconnect(a, NULL, NULL), FK_OK);
	cr_expect_gt(fk_store_keep_lease(a), now_us());
	cr_assert_eq(fk_store_reconnect(b, NULL, NULL), FK_OK);
	cr_expect_eq(fk_store_take_lease(b, &node_b, &owner), FK_EBUSY);
	cr_expect_str_eq(owner.name, "node-a");
}

Test(lease, whoever_waits_does_not_take_it_from_a_redis_that_was_put_back)
{
	uint32_t id;

	cr_assert_eq(take(a, &node_a), FK_OK);
	cr_assert_eq(take(b, &node_b), FK_EBUSY);
	cr_assert_eq(fk_store_next_campaign_id(a, &id), FK_OK);
	cr_assert_eq(take(b, &node_b), FK_EBUSY);
	redis_server_ask(&server, "HSET fk:meta batches 0");
	cr_expect_eq(take(b, &node_b), FK_ESTALE);
}
