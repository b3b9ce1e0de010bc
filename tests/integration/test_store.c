/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store against a real Redis that is killed, cut and set wrongly.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "fleet/numbers.h"
#include "store/dump.h"
#include "store/page_command.h"
#include "store/store.h"

#include "../unit/control/support.h"
#include "redis_server.h"

static struct redis_server server;
static struct fk_store *store;
static const struct fk_store_options store_options = {.redis_socket = server.socket};

static void set_up(void)
{
	redis_server_init(&server);
	store = redis_server_open_store(&server);
}

static void tear_down(void)
{
	fk_store_close(store);
	redis_server_fini(&server);
}

/* Opening is refused while the setting has 'bad', with a reason that names it and 'wanted'. */
static void expect_unsafe(const char *setting, const char *bad, const char *wanted)
{
	struct fk_store *opened = NULL;
	struct fk_reason reason = {.text = ""};

	redis_server_ask(&server, "CONFIG SET %s %s", setting, bad);
	cr_expect_eq(fk_store_open(&store_options, &opened, &reason), FK_ESTORE, "%s %s", setting,
		     bad);
	cr_expect_null(opened);
	cr_expect_not_null(strstr(reason.text, setting), "%s", reason.text);
	cr_expect_not_null(strstr(reason.text, wanted), "%s", reason.text);
}

TestSuite(store, .init = set_up, .fini = tear_down);

Test(store, a_redis_that_could_lose_writes_is_refused)
{
	struct fk_store *opened = NULL;
	struct fk_reason reason = {.text = ""};
	enum fk_err err = FK_EAWAY;

	expect_unsafe("appendfsync", "everysec", "always");
	redis_server_ask(&server, "CONFIG SET appendfsync always");
	expect_unsafe("no-appendfsync-on-rewrite", "yes", "must be no");
	redis_server_ask(&server, "CONFIG SET no-appendfsync-on-rewrite no");
	expect_unsafe("appendonly", "no", "must be yes");
	redis_server_ask(&server, "CONFIG SET appendonly yes");
	redis_server_ask(&server, "CONFIG SET maxmemory 100mb");
	expect_unsafe("maxmemory-policy", "allkeys-lru", "noeviction");
	redis_server_ask(&server, "CONFIG SET maxmemory 0");
	for (int i = 0; i < 100 && err == FK_EAWAY; i++) {
		usleep(50000); /* it rewrites its log since appendonly was switched on */
		err = fk_store_open(&store_options, &opened, &reason);
	}
	cr_expect_eq(err, FK_OK, "%s", reason.text);
	fk_store_close(opened);
}

/* A dump in memory, item by item. */
struct dumped {
	struct fk_store_item items[8192];
	uint32_t n;
};

static const void *copy_of(const void *octets, size_t size)
{
	uint8_t *copy = malloc(size + 1);

	cr_assert_not_null(copy);
	if (size > 0)
		memcpy(copy, octets, size);
	return copy;
}

static enum fk_err keep_item(void *ctx, const struct fk_store_item *item)
{
	struct dumped *dumped = ctx;
	struct fk_store_item *kept = &dumped->items[dumped->n++];

	cr_assert_leq(dumped->n, 8192);
	*kept = *item;
	kept->key = copy_of(item->key, item->key_size);
	kept->field = copy_of(item->field, item->field_size);
	kept->value = copy_of(item->value, item->value_size);
	return FK_OK;
}

static void dump_all(struct dumped *dumped, struct fk_store_counts *ret_counts)
{
	struct fk_store_dump *dump = NULL;
	bool done = false;

	dumped->n = 0;
	cr_assert_eq(fk_store_dump_new(store, ret_counts, &dump), FK_OK);
	while (!done)
		cr_assert_eq(fk_store_dump_step(dump, keep_item, dumped, &done), FK_OK);
	fk_store_dump_free(dump);
}

/* A campaign, 5000 RSIs that are remembered, pages, and a key. */
static void fill_store(void)
{
	const struct fk_store_field fields[] = {{"state", "running", 7}, {"n", "3", 1}};
	uint8_t octets[512] = {0};
	uint32_t id;

	cr_assert_eq(fk_store_next_campaign_id(store, &id), FK_OK);
	fk_store_batch_begin(store);
	fk_store_batch_put_campaign(store, id, fields, 2);
	for (uint32_t rsi = 1; rsi <= 5000; rsi++)
		fk_store_batch_put_retired(store, rsi, (const uint8_t[]){0, 1, 0, 2});
	for (uint32_t page = 0; page < 300; page++) {
		octets[0] = (uint8_t)page;
		fk_store_batch_put_numbers_page(store, 1, (uint8_t)(page % 64), page, octets,
						sizeof(octets));
	}
	fk_store_batch_put_key(store, "a-key", "\0\1\2", 3);
	cr_assert_eq(fk_store_batch_commit(store), FK_OK);
}

static enum fk_err restore_all(const struct dumped *dumped, const struct fk_store_restored *end)
{
	struct fk_store *empty = NULL;
	struct fk_reason reason = {.text = ""};
	enum fk_err err = fk_store_restore_begin(&store_options, &empty, &reason);

	if (err != FK_OK)
		return err;
	for (uint32_t i = 0; i < dumped->n; i++)
		fk_store_restore_put(empty, &dumped->items[i]);
	if (end != NULL)
		err = fk_store_restore_end(empty, end);
	fk_store_close(empty);
	return err;
}

Test(store, what_is_dumped_is_restored_and_has_to_recover)
{
	static struct dumped before, after;
	struct fk_store_counts counts, now;
	struct fk_store_restored end = {.schema = FK_STORE_SCHEMA, .gap = 9, .made_at_s = 77};
	uint8_t kmf_id[16];
	struct fk_store_facts facts;
	uint32_t id;

	fill_store();
	memcpy(kmf_id, fk_store_kmf_id(store), sizeof(kmf_id));
	dump_all(&before, &counts);
	cr_expect_eq(counts.campaign_id, 1);
	end.counts = counts;
	end.counts.n_batches += 100;
	end.counts.campaign_id = 40;
	cr_expect_eq(restore_all(&before, &end), FK_EEXIST, "it is not empty");
	fk_store_close(store);
	redis_server_ask(&server, "FLUSHALL");
	cr_assert_eq(restore_all(&before, &end), FK_OK);
	store = redis_server_open_store(&server);
	cr_expect_arr_eq(fk_store_kmf_id(store), kmf_id, sizeof(kmf_id));
	cr_expect_eq(fk_store_gap(store), 9);
	fk_store_get_facts(store, &facts);
	cr_expect_eq(facts.recovery.restored_from_s, 77);
	cr_expect_geq(facts.n_batches, counts.n_batches + 100);
	cr_assert_eq(fk_store_next_campaign_id(store, &id), FK_OK);
	cr_expect_eq(id, 41);
	dump_all(&after, &now);
	cr_expect_gt(after.n, before.n, "what the restore notes is new");
	cr_expect_str_eq(redis_server_ask(&server, "HLEN fk:retired"), "5000");
	cr_expect_str_eq(redis_server_ask(&server, "ZSCORE fk:campaigns 1"), "1");
	cr_expect_str_eq(redis_server_ask(&server, "HGET fk:campaign:1 state"), "running");
	cr_expect_str_eq(redis_server_ask(&server, "STRLEN fk:{s043}:numbers:1:299"), "72");
	cr_expect_str_eq(redis_server_ask(&server, "HSTRLEN fk:keys a-key"), "3");
}

Test(store, half_of_a_restore_is_no_store)
{
	static struct dumped dumped;
	struct fk_store_counts counts;
	struct fk_store *opened = NULL;
	struct fk_reason reason = {.text = ""};

	fill_store();
	dump_all(&dumped, &counts);
	fk_store_close(store);
	store = NULL;
	redis_server_ask(&server, "FLUSHALL");
	/* As a kill leaves it: the mark, and some of the rest. */
	redis_server_ask(&server, "HSET fk:meta restoring 1 schema 5");
	cr_expect_eq(fk_store_open(&store_options, &opened, &reason), FK_ESTORE);
	cr_expect_not_null(strstr(reason.text, "restore again"), "%s", reason.text);
	cr_expect_str_eq(redis_server_ask(&server, "HLEN fk:meta"), "2");
	cr_expect_eq(restore_all(&dumped, NULL), FK_EEXIST);
	redis_server_ask(&server, "FLUSHALL");
	cr_expect_eq(restore_all(&dumped, NULL), FK_OK);
	cr_expect_str_eq(redis_server_ask(&server, "HGET fk:meta schema"), "",
			 "what was not committed is not there");
}

Test(store, a_replica_is_refused)
{
	struct fk_store *opened = NULL;
	struct fk_reason reason = {.text = ""};

	redis_server_ask(&server, "REPLICAOF 127.0.0.1 1");
	cr_expect_eq(fk_store_open(&store_options, &opened, &reason), FK_ESTORE);
	cr_expect_not_null(strstr(reason.text, "master"), "%s", reason.text);
}

Test(store, another_schema_is_refused)
{
	struct fk_store *opened = NULL;
	struct fk_reason reason = {.text = ""};

	redis_server_ask(&server, "HSET fk:meta schema 1");
	cr_expect_eq(fk_store_open(&store_options, &opened, &reason), FK_EABI);
	cr_expect_not_null(strstr(reason.text, "schema 1"), "%s", reason.text);
	cr_expect_not_null(strstr(reason.text, "reads schema 6"), "%s", reason.text);
	cr_expect_not_null(strstr(reason.text, "import the fleet anew"), "%s", reason.text);
	redis_server_ask(&server, "HSET fk:meta schema 7");
	cr_expect_eq(fk_store_open(&store_options, &opened, &reason), FK_EABI);
	cr_expect_not_null(strstr(reason.text, "or a newer one"), "%s", reason.text);
	cr_expect_str_eq(redis_server_ask(&server, "HGET fk:meta schema"), "7");
}

Test(store, schema_3_is_taken_over_where_it_means_the_same)
{
	struct fk_store *opened = NULL;
	struct fk_reason reason = {.text = ""};

	redis_server_ask(&server, "HSET fk:meta schema 3");
	redis_server_ask(&server, "SET fk:campaigns:last 62");
	fk_store_close(store);
	store = redis_server_open_store(&server);
	cr_expect_str_eq(redis_server_ask(&server, "HGET fk:meta schema"), "6");
	/* The next campaign of schema 3 has the slot that schema 4 keeps. */
	redis_server_ask(&server, "HSET fk:meta schema 3");
	redis_server_ask(&server, "SET fk:campaigns:last 63");
	cr_expect_eq(fk_store_open(&store_options, &opened, &reason), FK_EABI);
	cr_expect_not_null(strstr(reason.text, "schema 3"), "%s", reason.text);
	cr_expect_str_eq(redis_server_ask(&server, "HGET fk:meta schema"), "3");
}

static enum fk_err check_letters(void *ctx, uint32_t page, const uint8_t *octets, size_t size)
{
	uint32_t *n_calls = ctx;

	cr_expect_eq(page, 0);
	cr_assert_eq(size, FK_STORE_PAGE_UES * FK_STORE_NUMBERS_ROW);
	for (size_t i = 0; i < size; i++)
		cr_assert_eq(octets[i], 'a' + i % 13);
	(*n_calls)++;
	return FK_OK;
}

/* Schema 5 stores pages by columns; those of schema 4 are there until they are written again. */
Test(store, schema_4_is_taken_over_and_its_pages_are_read)
{
	static const uint8_t shards[1] = {0};
	char letters[FK_STORE_PAGE_UES * FK_STORE_NUMBERS_ROW + 1] = {0};
	uint32_t n_calls = 0;

	for (size_t i = 0; i + 1 < sizeof(letters); i++)
		letters[i] = (char)('a' + i % 13);
	redis_server_ask(&server, "HSET fk:meta schema 4");
	redis_server_ask(&server, "SET fk:campaigns:last 63");
	for (size_t at = 0; at + 1 < sizeof(letters); at += FK_STORE_PAGE_UES)
		redis_server_ask(&server, "APPEND fk:{s000}:numbers:1:0 %.*s",
				 (int)FK_STORE_PAGE_UES, &letters[at]);
	fk_store_close(store);
	store = redis_server_open_store(&server);
	cr_expect_str_eq(redis_server_ask(&server, "HGET fk:meta schema"), "6");
	cr_expect_eq(fk_store_read_numbers_pages(store, 1, shards, 0, 1, check_letters, &n_calls),
		     FK_OK);
	cr_expect_eq(n_calls, 1);
	fk_store_batch_begin(store);
	fk_store_batch_put_numbers_page(store, 1, 0, 0, letters, sizeof(letters) - 1);
	cr_expect_eq(fk_store_batch_commit(store), FK_OK);
	cr_expect_eq(fk_store_read_numbers_pages(store, 1, shards, 0, 1, check_letters, &n_calls),
		     FK_OK);
	cr_expect_eq(n_calls, 2);
}

Test(store, the_kmf_id_outlives_restarts)
{
	uint8_t kmf_id[FK_KMF_ID_SIZE], zeros[FK_KMF_ID_SIZE] = {0};

	memcpy(kmf_id, fk_store_kmf_id(store), sizeof(kmf_id));
	cr_expect_arr_neq(kmf_id, zeros, sizeof(zeros));
	fk_store_close(store);
	redis_server_kill(&server);
	redis_server_start(&server);
	store = redis_server_open_store(&server);
	cr_expect_arr_eq(fk_store_kmf_id(store), kmf_id, sizeof(kmf_id));
}

Test(store, epochs_and_ids_grow_over_a_kill)
{
	uint32_t epoch = 0, again = 0, id = 0;
	uint64_t generation = 0;

	cr_assert_eq(fk_store_next_epoch(store, &epoch), FK_OK);
	cr_expect_gt(epoch, 0);
	cr_assert_eq(fk_store_next_campaign_id(store, &id), FK_OK);
	cr_expect_eq(id, 1);
	cr_assert_eq(fk_store_next_generation(store, &generation), FK_OK);
	cr_expect_eq(generation, 1);
	redis_server_kill(&server);
	cr_expect_eq(fk_store_next_epoch(store, &again), FK_ESTORE);
	cr_expect(!fk_store_is_healthy(store));
	redis_server_start(&server);
	cr_assert_eq(fk_store_reconnect(store, NULL, NULL), FK_OK);
	cr_assert_eq(fk_store_next_epoch(store, &again), FK_OK);
	cr_expect_gt(again, epoch);
	cr_assert_eq(fk_store_next_campaign_id(store, &id), FK_OK);
	cr_expect_eq(id, 2);
}

struct page_check {
	uint32_t next, n_missing;
	uint8_t base;
};

static enum fk_err check_page(void *ctx, uint32_t page, const uint8_t *octets, size_t size)
{
	struct page_check *check = ctx;

	cr_expect_eq(page, check->next++);
	if (size == 0) {
		check->n_missing++;
		return FK_OK;
	}
	cr_expect_eq(size, 2048);
	cr_expect_eq(octets[0], (uint8_t)(check->base + page));
	cr_expect_eq(octets[2047], (uint8_t)(check->base + page));
	return FK_OK;
}

static void put_ledger_pages(uint32_t n_pages, const uint8_t *shards, uint8_t base)
{
	uint8_t page[2048];

	for (uint32_t i = 0; i < n_pages; i++) {
		memset(page, (uint8_t)(base + i), sizeof(page));
		fk_store_batch_put_ledger_page(store, 7, shards[i], i, page, sizeof(page));
	}
}

#define N_PAGES 2500

Test(store, a_committed_batch_survives_a_kill)
{
	static uint8_t shards[N_PAGES + 1];
	struct page_check check = {.base = 3};
	bool is_new_run = false;

	for (uint32_t i = 0; i < N_PAGES; i++)
		shards[i] = (uint8_t)(i % FK_STORE_SHARDS);
	fk_store_batch_begin(store);
	put_ledger_pages(N_PAGES, shards, 3);
	cr_assert_eq(fk_store_batch_commit(store), FK_OK);
	redis_server_kill(&server);
	redis_server_start(&server);
	cr_assert_eq(fk_store_reconnect(store, &is_new_run, NULL), FK_OK);
	cr_expect(is_new_run);
	cr_assert_eq(
		fk_store_read_ledger_pages(store, 7, shards, 0, N_PAGES + 1, check_page, &check),
		FK_OK);
	cr_expect_eq(check.next, N_PAGES + 1);
	cr_expect_eq(check.n_missing, 1);
	cr_assert_eq(fk_store_reconnect(store, &is_new_run, NULL), FK_OK);
	cr_expect(!is_new_run);
}

/* Replies are awaited when a pipeline is full; the commit's own must not get lost there. */
Test(store, a_batch_of_any_size_is_committed)
{
	static uint8_t shards[FK_STORE_PIPELINE_MAX + 1];

	for (uint32_t n = FK_STORE_PIPELINE_MAX - 2; n <= FK_STORE_PIPELINE_MAX + 1; n++) {
		fk_store_batch_begin(store);
		put_ledger_pages(n, shards, 1);
		cr_expect_eq(fk_store_batch_commit(store), FK_OK, "%u pages", n);
		cr_expect(fk_store_is_healthy(store));
	}
}

Test(store, pages_of_a_batch_are_few_commands)
{
	static uint8_t shards[500];

	redis_server_ask(&server, "CONFIG SET slowlog-log-slower-than 0");
	redis_server_ask(&server, "CONFIG SET slowlog-max-len 10000");
	redis_server_ask(&server, "SLOWLOG RESET");
	fk_store_batch_begin(store);
	put_ledger_pages(500, shards, 3);
	cr_assert_eq(fk_store_batch_commit(store), FK_OK);
	cr_expect_lt(atoi(redis_server_ask(&server, "SLOWLOG LEN")), 12);
}

Test(store, pages_stay_in_the_order_in_which_they_were_put)
{
	static uint8_t shards[1];
	struct page_check check = {.base = 5};

	fk_store_batch_begin(store);
	put_ledger_pages(1, shards, 3);
	fk_store_batch_put_status(store, 77, "x", 1);
	put_ledger_pages(1, shards, 4);
	put_ledger_pages(1, shards, 5);
	cr_assert_eq(fk_store_batch_commit(store), FK_OK);
	cr_assert_eq(fk_store_read_ledger_pages(store, 7, shards, 0, 1, check_page, &check), FK_OK);
	cr_expect_eq(check.n_missing, 0);
}

Test(store, a_page_that_is_longer_than_a_command_of_many_is_stored)
{
	static uint8_t shards[1], octets[FK_PAGE_COMMAND_SIZE + 1];

	fk_store_batch_begin(store);
	put_ledger_pages(1, shards, 3);
	fk_store_batch_put_currency_page(store, 1, 0, 0, octets, sizeof(octets));
	fk_store_batch_put_currency_page(store, 1, 0, 1, octets, sizeof(octets) - 100);
	put_ledger_pages(1, shards, 4);
	cr_assert_eq(fk_store_batch_commit(store), FK_OK);
	cr_expect_eq(atoi(redis_server_ask(&server, "STRLEN fk:{s000}:currency:1:0")),
		     sizeof(octets));
	cr_expect_eq(atoi(redis_server_ask(&server, "STRLEN fk:{s000}:currency:1:1")),
		     sizeof(octets) - 100);
}

Test(store, pages_take_no_more_than_what_differs_in_them)
{
	static const uint8_t shards[1] = {0};

	fk_store_batch_begin(store);
	put_ledger_pages(1, shards, 3);
	cr_assert_eq(fk_store_batch_commit(store), FK_OK);
	cr_expect_str_eq(redis_server_ask(&server, "STRLEN fk:{s000}:ledger:7:0"), "36");
}

Test(store, a_batch_on_a_dead_redis_fails_until_reconnected)
{
	static const uint8_t shards[4] = {1, 2, 3, 4};
	struct page_check check = {.base = 9};

	redis_server_kill(&server);
	fk_store_batch_begin(store);
	put_ledger_pages(4, shards, 9);
	cr_expect_eq(fk_store_batch_commit(store), FK_ESTORE);
	cr_expect(!fk_store_is_healthy(store));
	cr_expect_str_neq(fk_store_last_error(store), "");
	fk_store_batch_begin(store);
	cr_expect_eq(fk_store_batch_commit(store), FK_ESTORE);
	cr_expect_eq(fk_store_reconnect(store, NULL, NULL), FK_ESTORE);
	redis_server_start(&server);
	cr_assert_eq(fk_store_reconnect(store, NULL, NULL), FK_OK);
	fk_store_batch_begin(store);
	put_ledger_pages(4, shards, 9);
	cr_expect_eq(fk_store_batch_commit(store), FK_OK);
	cr_expect_eq(fk_store_read_ledger_pages(store, 7, shards, 0, 4, check_page, &check), FK_OK);
	cr_expect_eq(check.n_missing, 0);
}

Test(store, a_put_before_the_break_does_not_let_the_batch_pass_after_the_mend)
{
	static const uint8_t shards[1] = {0};

	fk_store_batch_begin(store);
	put_ledger_pages(1, shards, 0);
	cr_assert_eq(fk_store_reconnect(store, NULL, NULL), FK_OK);
	cr_expect_eq(fk_store_batch_commit(store), FK_ESTORE);
}

Test(store, a_refused_write_fails_the_batch)
{
	static const uint8_t shards[1] = {0};

	redis_server_ask(&server, "CONFIG SET maxmemory 1");
	fk_store_batch_begin(store);
	put_ledger_pages(1, shards, 0);
	cr_expect_eq(fk_store_batch_commit(store), FK_ESTORE);
	cr_expect_not_null(strstr(fk_store_last_error(store), "OOM"), "%s",
			   fk_store_last_error(store));
}

/* A write that the store is not to confirm unless Redis is safe. */
static enum fk_err write_page(void)
{
	static const uint8_t shards[1] = {0};

	fk_store_batch_begin(store);
	put_ledger_pages(1, shards, 1);
	return fk_store_batch_commit(store);
}

/* Looks again until it is there. */
static void expect_back(void)
{
	struct fk_reason reason = {.text = ""};
	enum fk_err err = FK_ESTORE;

	for (int i = 0; i < 100 && err == FK_ESTORE; i++) {
		err = fk_store_reconnect(store, NULL, &reason);
		if (err == FK_ESTORE)
			usleep(50000);
	}
	cr_assert_eq(err, FK_OK, "%s", reason.text);
	cr_expect_eq(write_page(), FK_OK);
}

/* The next write is not confirmed while the setting has 'bad', nor does a new connection help; with
 * 'good' all goes on. */
static void expect_lost(const char *setting, const char *bad, const char *good)
{
	struct fk_reason reason = {.text = ""};

	cr_assert_eq(write_page(), FK_OK);
	redis_server_ask(&server, "CONFIG SET %s %s", setting, bad);
	usleep(FK_STORE_CHECK_MS * 1000);
	cr_expect_eq(write_page(), FK_ESTORE, "%s %s", setting, bad);
	cr_expect(!fk_store_is_healthy(store));
	cr_expect_not_null(strstr(fk_store_last_error(store), setting), "%s",
			   fk_store_last_error(store));
	cr_expect_eq(fk_store_reconnect(store, NULL, &reason), FK_ESTORE);
	cr_expect_not_null(strstr(reason.text, setting), "%s", reason.text);
	redis_server_ask(&server, "CONFIG SET %s %s", setting, good);
	expect_back();
}

Test(store, a_redis_that_is_set_unsafe_meanwhile_confirms_nothing)
{
	expect_lost("appendfsync", "everysec", "always");
	expect_lost("no-appendfsync-on-rewrite", "yes", "no");
	expect_lost("appendonly", "no", "yes");
	redis_server_ask(&server, "CONFIG SET maxmemory 100mb");
	expect_lost("maxmemory-policy", "allkeys-lru", "noeviction");
}

Test(store, what_gives_out_an_id_looks_at_once)
{
	uint64_t generation;
	uint32_t id;

	cr_assert_eq(fk_store_next_campaign_id(store, &id), FK_OK);
	redis_server_ask(&server, "CONFIG SET appendfsync everysec");
	cr_expect_eq(fk_store_next_campaign_id(store, &id), FK_ESTORE);
	redis_server_ask(&server, "CONFIG SET appendfsync always");
	expect_back();
	redis_server_ask(&server, "CONFIG SET appendonly no");
	cr_expect_eq(fk_store_next_generation(store, &generation), FK_ESTORE);
	cr_expect_not_null(strstr(fk_store_last_error(store), "appendonly"), "%s",
			   fk_store_last_error(store));
}

/* What was written while there was no log is only in memory until the rewrite has ended. */
Test(store, a_log_that_is_begun_anew_is_waited_for)
{
	struct fk_store *opened = NULL;
	struct fk_reason reason = {.text = ""};
	struct page_check check = {.base = 1};
	static const uint8_t shards[1] = {0};

	redis_server_ask(&server, "DEBUG POPULATE 200");
	redis_server_ask(&server, "CONFIG SET appendonly no");
	usleep(FK_STORE_CHECK_MS * 1000);
	cr_assert_eq(write_page(), FK_ESTORE);
	redis_server_ask(&server, "CONFIG SET rdb-key-save-delay 5000");
	redis_server_ask(&server, "CONFIG SET appendonly yes");
	cr_expect_eq(fk_store_reconnect(store, NULL, &reason), FK_ESTORE);
	cr_expect_not_null(strstr(reason.text, "rewrites its log"), "%s", reason.text);
	cr_expect_eq(fk_store_open(&store_options, &opened, &reason), FK_EAWAY);
	expect_back();
	redis_server_kill(&server);
	redis_server_start(&server);
	cr_assert_eq(fk_store_reconnect(store, NULL, &reason), FK_OK, "%s", reason.text);
	cr_assert_eq(fk_store_read_ledger_pages(store, 7, shards, 0, 1, check_page, &check), FK_OK);
	cr_expect_eq(check.n_missing, 0);
}

Test(store, a_rewrite_in_the_course_of_things_stops_nothing)
{
	redis_server_ask(&server, "DEBUG POPULATE 200");
	redis_server_ask(&server, "CONFIG SET rdb-key-save-delay 5000");
	redis_server_ask(&server, "BGREWRITEAOF");
	usleep(FK_STORE_CHECK_MS * 1000);
	cr_expect_eq(write_page(), FK_OK);
	cr_expect_str_eq(redis_server_ask(&server, "EVAL %s 0",
					  "return(redis.call('INFO','persistence')"
					  ":match('aof_rewrite_in_progress:(.)'))"),
			 "1");
}

Test(store, a_redis_that_evicted_something_is_not_gone_on_with)
{
	struct fk_store *opened = NULL;
	struct fk_reason reason = {.text = ""};

	cr_assert_eq(write_page(), FK_OK);
	redis_server_ask(&server, "SET more %0512d", 1);
	redis_server_ask(&server, "CONFIG SET maxmemory-policy allkeys-random");
	redis_server_ask(&server, "CONFIG SET maxmemory 1");
	redis_server_ask(&server, "SET more 1");
	redis_server_ask(&server, "CONFIG SET maxmemory 0");
	redis_server_ask(&server, "CONFIG SET maxmemory-policy noeviction");
	usleep(FK_STORE_CHECK_MS * 1000);
	cr_expect_eq(write_page(), FK_ESTORE);
	cr_expect_not_null(strstr(fk_store_last_error(store), "evicted"), "%s",
			   fk_store_last_error(store));
	cr_expect_eq(fk_store_reconnect(store, NULL, &reason), FK_ESTORE);
	cr_expect_eq(fk_store_open(&store_options, &opened, &reason), FK_ESTORE);
	cr_expect_not_null(strstr(reason.text, "evicted"), "%s", reason.text);
}

Test(store, a_store_that_lost_its_data_is_stale)
{
	struct fk_reason reason = {.text = ""};

	fk_store_batch_begin(store);
	cr_assert_eq(fk_store_batch_commit(store), FK_OK);
	redis_server_kill(&server);
	redis_server_forget(&server);
	redis_server_start(&server);
	cr_expect_eq(fk_store_reconnect(store, NULL, &reason), FK_ESTALE, "%s", reason.text);
	cr_expect_str_eq(redis_server_ask(&server, "EXISTS fk:meta"), "0");
}

Test(store, an_older_state_or_another_kmf_is_stale)
{
	uint32_t epoch;

	cr_assert_eq(fk_store_next_epoch(store, &epoch), FK_OK);
	redis_server_ask(&server, "HSET fk:meta epoch 0");
	cr_expect_eq(fk_store_reconnect(store, NULL, NULL), FK_ESTALE);
	redis_server_ask(&server, "HSET fk:meta epoch %u", epoch);
	cr_expect_eq(fk_store_reconnect(store, NULL, NULL), FK_OK);
	fk_store_batch_begin(store);
	cr_assert_eq(fk_store_batch_commit(store), FK_OK);
	redis_server_ask(&server, "HSET fk:meta batches 0");
	cr_expect_eq(fk_store_reconnect(store, NULL, NULL), FK_ESTALE);
	redis_server_ask(&server, "HSET fk:meta batches 100 kmf_id 0123456789abcdef");
	cr_expect_eq(fk_store_reconnect(store, NULL, NULL), FK_ESTALE);
}

/* A replica that is promoted may lack the last write, whatever that was. */
Test(store, a_store_that_lacks_but_the_last_id_is_stale)
{
	uint64_t generation;
	uint32_t id;

	cr_assert_eq(fk_store_next_campaign_id(store, &id), FK_OK);
	cr_assert_eq(fk_store_next_generation(store, &generation), FK_OK);
	redis_server_ask(&server, "HINCRBY fk:meta batches -1");
	cr_expect_eq(fk_store_reconnect(store, NULL, NULL), FK_ESTALE);
	redis_server_ask(&server, "HINCRBY fk:meta batches 1");
	cr_expect_eq(fk_store_reconnect(store, NULL, NULL), FK_OK);
}

Test(store, another_run_is_gone_on_with_in_an_epoch_of_its_own)
{
	uint32_t epoch = 0, again = 0;

	cr_assert_eq(fk_store_next_epoch(store, &epoch), FK_OK);
	cr_assert_eq(fk_store_reconnect(store, NULL, NULL), FK_OK);
	cr_expect_eq(atoi(redis_server_ask(&server, "HGET fk:meta epoch")), (int)epoch);
	redis_server_kill(&server);
	redis_server_start(&server);
	cr_assert_eq(fk_store_reconnect(store, NULL, NULL), FK_OK);
	cr_expect_eq(atoi(redis_server_ask(&server, "HGET fk:meta epoch")), (int)epoch + 1);
	/* What the run before would have been with it is the older one now. */
	redis_server_ask(&server, "HSET fk:meta epoch %u", epoch);
	cr_expect_eq(fk_store_reconnect(store, NULL, NULL), FK_ESTALE);
	redis_server_ask(&server, "HSET fk:meta epoch %u", epoch + 1);
	cr_assert_eq(fk_store_reconnect(store, NULL, NULL), FK_OK);
	cr_assert_eq(fk_store_next_epoch(store, &again), FK_OK);
	cr_expect_eq(again, epoch + 2);
}

/* Opens the store anew with a witness in the folder of the server. */
static enum fk_store_age open_witnessed(struct fk_reason *reason)
{
	enum fk_store_age age = FK_STORE_CURRENT;
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/witness", server.folder);
	fk_store_close(store);
	store = redis_server_open_store(&server);
	cr_assert_eq(fk_store_set_witness(store, path, &age, reason), FK_OK, "%s", reason->text);
	return age;
}

Test(store, a_restart_is_no_older_state_for_its_witness)
{
	struct fk_reason reason = {.text = ""};
	uint32_t epoch;

	cr_expect_eq(open_witnessed(&reason), FK_STORE_CURRENT);
	cr_assert_eq(fk_store_next_epoch(store, &epoch), FK_OK);
	fk_store_batch_begin(store);
	cr_assert_eq(fk_store_batch_commit(store), FK_OK);
	redis_server_kill(&server);
	redis_server_start(&server);
	cr_expect_eq(open_witnessed(&reason), FK_STORE_CURRENT);
	cr_expect_eq(fk_store_gap(store), 0);
}

Test(store, its_witness_knows_an_older_state_at_a_start)
{
	struct fk_reason reason = {.text = ""};
	uint32_t epoch;

	cr_expect_eq(open_witnessed(&reason), FK_STORE_CURRENT);
	cr_assert_eq(fk_store_next_epoch(store, &epoch), FK_OK);
	redis_server_ask(&server, "HSET fk:meta epoch 0");
	cr_expect_eq(open_witnessed(&reason), FK_STORE_OLDER);
	cr_expect_not_null(strstr(reason.text, "--recover"), "%s", reason.text);
	redis_server_ask(&server, "HSET fk:meta epoch %u", epoch);
	cr_expect_eq(open_witnessed(&reason), FK_STORE_CURRENT);
	fk_store_batch_begin(store);
	cr_assert_eq(fk_store_batch_commit(store), FK_OK);
	redis_server_ask(&server, "HDEL fk:meta batches");
	cr_expect_eq(open_witnessed(&reason), FK_STORE_OLDER);
}

Test(store, a_recovery_goes_beyond_all_that_was_given_out)
{
	struct fk_reason reason = {.text = ""};
	uint8_t page[FK_NUMBERS_PAGE_SIZE];
	uint32_t id = 0, epoch = 0, again = 0;
	uint64_t generation = 0;

	memset(page, 1, sizeof(page));
	(void)open_witnessed(&reason);
	cr_assert_eq(fk_store_mirror_begin(store, 9, 2), FK_OK);
	fk_store_mirror_end(store);
	for (uint32_t i = 0; i < 5; i++) {
		cr_assert_eq(fk_store_next_campaign_id(store, &id), FK_OK);
		cr_assert_eq(fk_store_next_generation(store, &generation), FK_OK);
		cr_assert_eq(fk_store_next_epoch(store, &epoch), FK_OK);
		fk_store_batch_begin(store);
		fk_store_batch_put_numbers_page(store, 9, 0, 1, page, sizeof(page));
		cr_assert_eq(fk_store_batch_commit(store), FK_OK);
	}
	redis_server_ask(&server, "HSET fk:meta epoch 1 batches 2");
	redis_server_ask(&server, "SET fk:campaigns:last 1");
	redis_server_ask(&server, "SET fk:fleet:last 1");
	cr_assert_eq(open_witnessed(&reason), FK_STORE_OLDER);
	cr_assert_eq(fk_store_begin_recovery(store, true), FK_OK);
	cr_expect_eq(fk_store_gap(store), 13); /* of 15: ids are counted, too */
	cr_assert_not_null(fk_store_witnessed_numbers(store, 9, 1));
	cr_expect_arr_eq(fk_store_witnessed_numbers(store, 9, 1), page, sizeof(page));
	cr_expect_null(fk_store_witnessed_numbers(store, 8, 1));
	/* It has not come to its end: the next start has to go on with it. */
	cr_expect_eq(open_witnessed(&reason), FK_STORE_RECOVERING);
	cr_expect_eq(fk_store_gap(store), 13);
	cr_assert_eq(fk_store_end_recovery(store, 7, 2, true), FK_OK);
	cr_expect_eq(open_witnessed(&reason), FK_STORE_CURRENT);
	cr_assert_eq(fk_store_next_campaign_id(store, &id), FK_OK);
	cr_expect_eq(id, 6);
	cr_assert_eq(fk_store_next_generation(store, &generation), FK_OK);
	cr_expect_eq(generation, 6);
	cr_assert_eq(fk_store_next_epoch(store, &again), FK_OK);
	cr_expect_gt(again, epoch);
}

/* A batch in which somebody has said something, or nobody has. */
static void commit(bool has_statement)
{
	if (has_statement)
		fk_store_note_statement(store);
	fk_store_batch_begin(store);
	cr_assert_eq(fk_store_batch_commit(store), FK_OK);
}

/* Puts an older copy in place that has the first 'n' statements, and asks what is missing in it. */
static enum fk_err check_copy(uint64_t n, struct fk_reason *reason)
{
	redis_server_ask(&server, "HSET fk:meta batches 1 statements %u", (unsigned)n);
	cr_assert_eq(open_witnessed(reason), FK_STORE_OLDER);
	return fk_store_check_statements(store, reason);
}

Test(store, an_older_copy_that_lacks_a_statement_is_told_from_one_that_does_not)
{
	struct fk_reason reason = {.text = ""};
	uint64_t generation;

	(void)open_witnessed(&reason);
	commit(false);
	cr_expect_str_eq(redis_server_ask(&server, "HGET fk:meta statements"), "1",
			 "from now on they are counted");
	commit(true);
	commit(false);
	cr_expect_str_eq(redis_server_ask(&server, "HGET fk:meta statements"), "2");
	fk_store_batch_begin(store);
	fk_store_batch_put_status(store, 77, "x", 1);
	cr_assert_eq(fk_store_batch_commit(store), FK_OK);
	fk_store_batch_begin(store);
	fk_store_batch_delete_status(store, 77);
	fk_store_batch_delete_status(store, 78);
	cr_assert_eq(fk_store_batch_commit(store), FK_OK);
	cr_expect_str_eq(redis_server_ask(&server, "HGET fk:meta statements"), "4");
	cr_expect_eq(check_copy(4, &reason), FK_OK, "%s", reason.text);
	cr_expect_eq(check_copy(3, &reason), FK_EPOLICY);
	cr_expect_not_null(strstr(reason.text, "said since"), "%s", reason.text);
	cr_expect_eq(check_copy(0, &reason), FK_EPOLICY, "from before they were counted");
	/* A fleet was imported since, or may have been. */
	redis_server_ask(&server, "HSET fk:meta batches 99 statements 4");
	cr_assert_eq(open_witnessed(&reason), FK_STORE_CURRENT);
	cr_assert_eq(fk_store_next_generation(store, &generation), FK_OK);
	redis_server_ask(&server, "SET fk:fleet:last 0");
	cr_expect_eq(check_copy(4, &reason), FK_EPOLICY);
	cr_expect_not_null(strstr(reason.text, "imported"), "%s", reason.text);
	/* The witness has not its numbers. */
	redis_server_ask(&server, "SET fk:fleet:last %u", (unsigned)generation);
	redis_server_ask(&server, "SET fk:fleet:current %u", (unsigned)generation);
	cr_expect_eq(check_copy(4, &reason), FK_EPOLICY);
	cr_expect_not_null(strstr(reason.text, "numbers"), "%s", reason.text);
}

Test(store, no_two_statements_have_one_number)
{
	struct fk_reason reason = {.text = ""};
	char before[32];

	(void)open_witnessed(&reason);
	commit(true);
	/* One that fails may be there, or in another copy. */
	redis_server_kill(&server);
	fk_store_note_statement(store);
	fk_store_batch_begin(store);
	cr_assert_eq(fk_store_batch_commit(store), FK_ESTORE);
	redis_server_start(&server);
	cr_assert_eq(fk_store_reconnect(store, NULL, NULL), FK_OK);
	commit(true);
	cr_expect_str_eq(redis_server_ask(&server, "HGET fk:meta statements"), "3");
	/* Of two histories that went apart none has the other's. */
	(void)snprintf(before, sizeof(before), "%s",
		       redis_server_ask(&server, "HGET fk:meta batches"));
	cr_expect_eq(check_copy(3, &reason), FK_OK, "%s", reason.text);
	cr_assert_eq(fk_store_begin_recovery(store, true), FK_OK);
	cr_assert_eq(fk_store_end_recovery(store, 0, 0, true), FK_OK);
	cr_expect_eq(check_copy(3, &reason), FK_EPOLICY);
}

static enum fk_err take_text(void *ctx, const char *name, const char *value, size_t size)
{
	char *text = ctx;

	cr_expect_eq(value[size], '\0');
	strcat(text, name);
	strcat(text, "=");
	strcat(text, value);
	strcat(text, ";");
	return FK_OK;
}

Test(store, campaigns_and_keys_are_read_back)
{
	const struct fk_store_field fields[] = {{"state", "running", 7}, {"sln", "1", 1}};
	const struct fk_store_field change[] = {{"state", "done", 4}};
	char text[256] = "";
	uint8_t buf[8];
	uint32_t ids[4], n = 99;
	size_t size = 0;

	cr_assert_eq(fk_store_list_campaigns(store, ids, 4, &n), FK_OK);
	cr_expect_eq(n, 0);
	cr_expect_eq(fk_store_read_campaign(store, 3, take_text, text), FK_ENOTFOUND);
	fk_store_batch_begin(store);
	for (uint32_t id = 1; id <= 11; id++)
		fk_store_batch_put_campaign(store, id, fields, 2);
	fk_store_batch_put_campaign(store, 3, change, 1);
	fk_store_batch_put_key(store, "campaign:3", "\0\1\2", 3);
	cr_assert_eq(fk_store_batch_commit(store), FK_OK);
	cr_assert_eq(fk_store_list_campaigns(store, ids, 4, &n), FK_OK);
	cr_expect_eq(n, 4);
	cr_expect_eq(ids[0], 8);
	cr_expect_eq(ids[3], 11);
	cr_assert_eq(fk_store_read_campaign(store, 3, take_text, text), FK_OK);
	cr_expect_str_eq(text, "state=done;sln=1;");
	cr_assert_eq(fk_store_read_key(store, "campaign:3", buf, sizeof(buf), &size), FK_OK);
	cr_expect_eq(size, 3);
	cr_expect_arr_eq(buf, "\0\1\2", 3);
	cr_expect_eq(fk_store_read_key(store, "campaign:3", buf, 2, &size), FK_EFULL);
	cr_expect_eq(fk_store_read_key(store, "campaign:4", buf, 8, &size), FK_ENOTFOUND);
	fk_store_batch_begin(store);
	fk_store_batch_delete_key(store, "campaign:3");
	cr_assert_eq(fk_store_batch_commit(store), FK_OK);
	cr_expect_eq(fk_store_read_key(store, "campaign:3", buf, 8, &size), FK_ENOTFOUND);
}

static enum fk_err stop_at_second(void *ctx, uint32_t page, const uint8_t *octets, size_t size)
{
	(void)octets;
	(void)size;
	(*(uint32_t *)ctx)++;
	return page == 1 ? FK_EFORMAT : FK_OK;
}

Test(store, a_callbacks_error_ends_the_reading_and_harms_nothing)
{
	static const uint8_t shards[8] = {0};
	uint32_t n_calls = 0, epoch;

	cr_expect_eq(fk_store_read_ledger_pages(store, 7, shards, 0, 8, stop_at_second, &n_calls),
		     FK_EFORMAT);
	cr_expect_eq(n_calls, 2);
	cr_expect_eq(fk_store_next_epoch(store, &epoch), FK_OK);
}
