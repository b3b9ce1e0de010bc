/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plans of crypto groups, against a real Redis.
 */
#include <string.h>

#include <criterion/criterion.h>

#include "fleet/columns.h"
#include "fleet/fleet.h"
#include "fleet/group_book.h"
#include "store/store.h"

#include "../unit/control/support.h"
#include "redis_server.h"

static struct redis_server server;
static struct fk_store *store;
static struct fk_keyring *keyring;
static struct fk_config *config;
static struct fk_fleet *fleet; /* empty: nobody is in two groups */
static struct fk_keytable_file *table;
static struct fk_group_book *book;

static void open_book(enum fk_err wanted)
{
	struct fk_reason reason = {.text = ""};

	fk_group_book_free(book);
	book = NULL;
	cr_assert_eq(fk_group_book_open(store, keyring, &book, &reason), wanted, "%s", reason.text);
	cr_assert(wanted == FK_OK || reason.text[0] != '\0');
}

static void set_up(void)
{
	redis_server_init(&server);
	store = redis_server_open_store(&server);
	keyring = test_keyring(1);
	config = test_config();
	cr_assert_eq(fk_fleet_load(store, keyring, config, &fleet, &table, NULL), FK_OK);
	open_book(FK_OK);
}

static void tear_down(void)
{
	fk_group_book_free(book);
	fk_fleet_free(fleet);
	fk_keytable_free(table);
	fk_config_free(config);
	fk_keyring_free(keyring);
	fk_store_close(store);
	redis_server_fini(&server);
}

TestSuite(groups, .init = set_up, .fini = tear_down);

static enum fk_err try_set(const char *name, uint16_t sln, uint8_t active, uint8_t inactive)
{
	struct fk_group_plan plan = {.slns = {sln},
				     .n_slns = 1,
				     .active_keyset_id = active,
				     .inactive_keyset_id = inactive};
	struct fk_reason reason = {.text = ""};
	const char *field;

	(void)snprintf(plan.name, sizeof(plan.name), "%s", name);
	return fk_group_book_set(book, fleet, &plan, &field, &reason);
}

static const struct fk_group_plan *find(const char *name)
{
	return fk_group_book_find(book, name, strlen(name));
}

Test(groups, plans_are_there_after_a_restart_by_name)
{
	cr_expect_eq(fk_group_book_n(book), 0);
	cr_assert_eq(try_set("police", 5, 1, 2), FK_OK);
	cr_assert_eq(try_set("fire", 5, 1, 2), FK_OK);
	cr_assert_eq(try_set("fire-2", 6, 3, 4), FK_OK);
	cr_assert_eq(try_set("police", 7, 2, 1), FK_OK);
	cr_expect_eq(try_set("police", 4096, 2, 1), FK_ERANGE);
	open_book(FK_OK);
	cr_assert_eq(fk_group_book_n(book), 3);
	cr_expect_str_eq(fk_group_book_at(book, 0)->name, "fire");
	cr_expect_str_eq(fk_group_book_at(book, 1)->name, "fire-2");
	cr_expect_str_eq(fk_group_book_at(book, 2)->name, "police");
	cr_expect_null(fk_group_book_at(book, 3));
	cr_expect(find("police")->slns[0] == 7 && find("police")->version == 2);
	cr_expect_eq(find("police")->active_keyset_id, 2);
	cr_expect_null(find("fir"));
	cr_assert_eq(fk_group_book_remove(book, "fire"), FK_OK);
	cr_expect_eq(fk_group_book_remove(book, "fire"), FK_ENOTFOUND);
	open_book(FK_OK);
	cr_expect_eq(fk_group_book_n(book), 2);
	cr_expect_not_null(find("fire-2"));
	cr_expect_null(find("fire"));
}

Test(groups, a_record_that_was_changed_is_not_taken)
{
	cr_assert_eq(try_set("fire", 5, 1, 2), FK_OK);
	redis_server_ask(&server, "EVAL %s 0",
			 "redis.call('HSET','fk:groups','plans',(string.gsub("
			 "redis.call('HGET','fk:groups','plans'),'fire','fira')))");
	open_book(FK_EAUTH);
}

/* True if a changeover from keyset 1 to 2 has turned a plan in the open batch. */
static bool turns(const char *group)
{
	bool is_put;

	cr_assert_eq(fk_group_book_put_changeover(book, group, 1, 2, &is_put), FK_OK);
	return is_put;
}

Test(groups, a_changeover_turns_the_keysets_where_they_are_these)
{
	cr_assert_eq(try_set("fire", 5, 1, 2), FK_OK);
	cr_assert_eq(try_set("police", 6, 1, 2), FK_OK);
	cr_assert_eq(try_set("rail", 7, 3, 4), FK_OK);
	fk_store_batch_begin(store);
	cr_expect(turns("fire"));
	/* Said again, after a crash, it changes nothing. */
	fk_group_book_written(book, fk_store_batch_commit(store));
	fk_store_batch_begin(store);
	cr_expect_not(turns("fire"));
	cr_expect_not(turns("rail"));
	cr_assert_eq(fk_store_batch_commit(store), FK_OK);
	open_book(FK_OK);
	cr_expect(find("fire")->active_keyset_id == 2 && find("fire")->inactive_keyset_id == 1);
	cr_expect(find("police")->active_keyset_id == 1 && find("rail")->active_keyset_id == 3);
	/* Everyone. */
	fk_store_batch_begin(store);
	cr_expect(turns(""));
	fk_group_book_written(book, fk_store_batch_commit(store));
	open_book(FK_OK);
	cr_expect(find("police")->active_keyset_id == 2 && find("fire")->active_keyset_id == 2);
	cr_expect(find("rail")->active_keyset_id == 3);
}

Test(groups, what_was_not_committed_is_read_again)
{
	struct fk_reason reason = {.text = ""};
	bool is_put;

	cr_assert_eq(try_set("fire", 5, 1, 2), FK_OK);
	fk_store_batch_begin(store);
	cr_expect(turns("fire"));
	fk_store_batch_abandon(store);
	fk_group_book_written(book, FK_ESTORE);
	cr_assert_eq(fk_store_reconnect(store, NULL, &reason), FK_OK, "%s", reason.text);
	cr_expect_eq(fk_group_book_put_changeover(book, "fire", 1, 2, &is_put), FK_EBUSY,
		     "what a plan says is not known now");
	cr_assert_eq(fk_group_book_refresh(book, &reason), FK_OK, "%s", reason.text);
	cr_expect_eq(find("fire")->active_keyset_id, 1);
	/* Once more, as the engine does it. */
	fk_store_batch_begin(store);
	cr_expect(turns("fire"));
	fk_group_book_written(book, fk_store_batch_commit(store));
	open_book(FK_OK);
	cr_expect_eq(find("fire")->active_keyset_id, 2);
}

Test(groups, no_ue_has_its_own_kek_where_a_ckek_goes)
{
	const struct fk_row_text both[] = {{"unplanned", 9}, {"fire", 4}};
	struct fk_group_plan plan = {.name = "fire",
				     .slns = {5},
				     .n_slns = 1,
				     .active_keyset_id = 1,
				     .inactive_keyset_id = 2,
				     .ckek_sln = 61441};
	const char *field;

	cr_expect_not(fk_group_book_has_ckek_at(NULL, both, 2, 61441));
	cr_assert_eq(fk_group_book_set(book, fleet, &plan, &field, NULL), FK_OK);
	open_book(FK_OK);
	cr_expect(fk_group_book_has_ckek_at(book, both, 2, 61441));
	cr_expect_not(fk_group_book_has_ckek_at(book, both, 2, 61440));
	cr_expect_not(fk_group_book_has_ckek_at(book, both, 1, 61441));
	plan.ckek_sln = 0;
	cr_assert_eq(fk_group_book_set(book, fleet, &plan, &field, NULL), FK_OK);
	cr_expect_not(fk_group_book_has_ckek_at(book, both, 2, 0));
}

Test(groups, one_ue_is_in_no_two_groups_whose_plans_clash)
{
	const struct fk_row_text both[] = {{"fire", 4}, {"unplanned", 9}, {"police", 6}};
	uint32_t pair[2] = {9, 9};

	cr_expect_not(fk_group_book_clashes(NULL, both, 3, pair));
	cr_assert_eq(try_set("fire", 5, 1, 2), FK_OK);
	cr_assert_eq(try_set("police", 6, 2, 1), FK_OK);
	cr_expect_not(fk_group_book_clashes(book, both, 3, pair));
	cr_assert_eq(try_set("police", 5, 2, 1), FK_OK); /* nobody is in both, so far */
	cr_expect_not(fk_group_book_clashes(book, both, 2, pair));
	cr_expect(fk_group_book_clashes(book, both, 3, pair));
	cr_expect(pair[0] == 0 && pair[1] == 2);
}
