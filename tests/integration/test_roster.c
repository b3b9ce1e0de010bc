/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who the UEs of a replaced fleet were, against a real Redis that is killed between the steps of
 * the import that replaces it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "fleet/fleet.h"
#include "fleet/import.h"
#include "fleet/roster.h"
#include "store/store.h"

#include "../unit/control/support.h"
#include "redis_server.h"

#define N_UES 300
#define HEADER                                                                                \
	"ue_id,mc_service_id,mcdata_id,lmr_type,rsi,next_hop,area,groups,kek_sln,kek_key_id," \
	"kek_alg,kek,ptek_key_id,ptek_alg,ptek,mac,mnp\n"

static struct redis_server server;
static struct fk_store *store;
static struct fk_config *config;
static struct fk_keyring *keyring;
static struct fk_fleet *fleet;
static struct fk_keytable_file *table;
static struct fk_import *import;

static void load(void)
{
	struct fk_reason reason = {.text = ""};

	fk_fleet_free(fleet);
	fk_keytable_free(table);
	fleet = NULL;
	table = NULL;
	cr_assert_eq(fk_fleet_load(store, keyring, config, &fleet, &table, &reason), FK_OK, "%s",
		     reason.text);
}

static void set_up(void)
{
	redis_server_init(&server);
	store = redis_server_open_store(&server);
	config = test_config();
	keyring = test_keyring(1);
	load();
}

static void tear_down(void)
{
	fk_import_free(import);
	fk_fleet_free(fleet);
	fk_keytable_free(table);
	fk_keyring_free(keyring);
	fk_config_free(config);
	fk_store_close(store);
	redis_server_fini(&server);
}

TestSuite(rosters, .init = set_up, .fini = tear_down);

/* Begins an import of the UEs [first, end), ready to be staged. */
static void begin(uint32_t first, uint32_t end, bool keeps_roster)
{
	const struct fk_import_options options = {.config = config,
						  .store = store,
						  .keyring = keyring,
						  .fleet = fleet,
						  .table = table,
						  .keeps_roster = keeps_roster,
						  .allow_plain_keys = true};
	bool done = false;
	char row[400];

	fk_import_free(import);
	import = NULL;
	cr_assert_eq(fk_import_begin(&options, &import), FK_OK);
	cr_assert_eq(fk_import_feed(import, HEADER, strlen(HEADER)), FK_OK);
	for (uint32_t i = first; i < end; i++) {
		int n = snprintf(row, sizeof(row),
				 "ue-%u,sip:s%u@x,sip:d%u@x,P25,%u,hop-a,,all,61440,%u,AES-256,"
				 "%064x,%u,AES-256,%064x,cmac,100\n",
				 i, i, i, i + 1, i + 1, 2 * i + 1, i + 1001, 2 * i + 2);

		cr_assert_eq(fk_import_feed(import, row, (size_t)n), FK_OK);
	}
	cr_assert_eq(fk_import_check(import), FK_OK);
	while (!done)
		cr_assert_eq(fk_import_compare(import, UINT32_MAX, &done), FK_OK);
}

static void finish(void)
{
	struct fk_import_result result;
	bool done = false;

	while (!done)
		cr_assert_eq(fk_import_stage(import, 1, &done), FK_OK);
	cr_assert_eq(fk_import_publish(import, &result), FK_OK);
	fk_import_free(import);
	import = NULL;
	load();
}

static void import_ues(uint32_t first, uint32_t end, bool keeps_roster)
{
	begin(first, end, keeps_roster);
	finish();
}

static uint64_t n_redis_keys(void)
{
	return strtoull(redis_server_ask(&server, "DBSIZE"), NULL, 10);
}

/* Who is where in the fleet in force. */
struct picture {
	uint64_t generation;
	uint32_t n_pages;
	struct fk_roster_ue ues[64 * FK_STORE_PAGE_UES];
	uint8_t page_shards[64];
};

static struct picture *picture_of_fleet(void)
{
	struct picture *p = calloc(1, sizeof(*p));

	cr_assert_not_null(p);
	p->generation = fk_fleet_generation(fleet);
	p->n_pages = fk_fleet_n_pages(fleet);
	cr_assert_leq(p->n_pages, 64);
	memcpy(p->page_shards, fk_fleet_page_shards(fleet), p->n_pages);
	for (uint32_t i = 0; i < fk_fleet_n_slots(fleet); i++) {
		struct fk_fleet_ue ue;

		if (!fk_fleet_get(fleet, i, &ue))
			continue;
		(void)snprintf(p->ues[i].ue_id, sizeof(p->ues[i].ue_id), "%s", ue.ue_id);
		p->ues[i].rsi = ue.rsi;
	}
	return p;
}

static enum fk_err open_roster(uint64_t generation)
{
	struct fk_roster *roster = NULL;
	enum fk_err err = fk_roster_open(store, keyring, generation, &roster);

	fk_roster_free(roster);
	return err;
}

static void expect_roster(const struct picture *p)
{
	const struct fk_roster_ue *ues;
	struct fk_roster *roster = NULL;

	cr_assert_eq(fk_roster_open(store, keyring, p->generation, &roster), FK_OK);
	cr_assert_eq(fk_roster_n_pages(roster), p->n_pages);
	cr_expect_arr_eq(fk_roster_page_shards(roster), p->page_shards, p->n_pages);
	for (uint32_t page = 0; page < p->n_pages; page++) {
		cr_assert_eq(fk_roster_page(roster, page, &ues), FK_OK, "page %u", page);
		for (uint32_t i = 0; i < FK_STORE_PAGE_UES; i++) {
			const struct fk_roster_ue *was = &p->ues[page * FK_STORE_PAGE_UES + i];

			cr_assert_eq(ues[i].rsi, was->rsi);
			cr_assert_str_eq(ues[i].ue_id, was->ue_id);
		}
	}
	fk_roster_free(roster);
}

Test(rosters, a_roster_is_kept_if_it_was_asked_for_and_only_once_the_fleet_is_replaced)
{
	struct picture *first, *second;
	bool done = false;

	import_ues(0, N_UES, true); /* of no fleet there is none */
	first = picture_of_fleet();
	cr_expect_eq(open_roster(0), FK_ENOTFOUND);
	cr_expect_eq(open_roster(first->generation), FK_ENOTFOUND);
	import_ues(100, N_UES + 50, true);
	expect_roster(first);
	second = picture_of_fleet();
	import_ues(0, 10, false);
	cr_expect_eq(open_roster(second->generation), FK_ENOTFOUND);
	cr_assert_eq(fk_store_forget_rosters(store, 1), FK_OK);
	for (uint32_t i = 0; !done; i++) {
		cr_assert_eq(fk_store_sweep_step(store, 3, &done), FK_OK);
		if (i % 16 == 0)
			expect_roster(first);
	}
	expect_roster(first);
	redis_server_kill(&server);
	redis_server_start(&server);
	cr_assert_eq(fk_store_reconnect(store, NULL, NULL), FK_OK);
	expect_roster(first);
	free(first);
	free(second);
}

/* The import is given up after each of its steps, once by Redis's death; whatever came before, the
 * fleet in force names its UEs itself, and the import that comes to its end keeps them all. */
Test(rosters, an_import_that_is_given_up_leaves_nothing_that_counts)
{
	struct picture *first;
	uint64_t n_keys;
	bool done = false;

	import_ues(0, N_UES, false);
	cr_assert_eq(fk_store_sweep_fleets(store), FK_OK);
	n_keys = n_redis_keys();
	first = picture_of_fleet();
	for (uint32_t n_steps = 0; !done; n_steps += n_steps < 3 ? 1 : 20) {
		begin(50, N_UES, true);
		for (uint32_t i = 0; i < n_steps && !done; i++)
			cr_assert_eq(fk_import_stage(import, 1, &done), FK_OK);
		redis_server_kill(&server);
		if (!done)
			cr_expect_eq(fk_import_stage(import, 1, &done), FK_ESTORE);
		redis_server_start(&server);
		cr_assert_eq(fk_store_reconnect(store, NULL, NULL), FK_OK);
		fk_import_free(import);
		import = NULL;
		load();
		cr_expect_eq(fk_fleet_generation(fleet), first->generation);
		cr_expect_eq(open_roster(first->generation), FK_ENOTFOUND);
		cr_assert_eq(fk_store_sweep_fleets(store), FK_OK);
	}
	import_ues(50, N_UES, true);
	expect_roster(first);
	cr_assert_eq(fk_store_forget_rosters(store, 0), FK_OK);
	cr_expect_eq(open_roster(first->generation), FK_ENOTFOUND);
	import_ues(0, N_UES, false);
	cr_assert_eq(fk_store_sweep_fleets(store), FK_OK);
	/* What leaves the fleet is remembered only if something was sent to it. */
	cr_expect_eq(n_redis_keys(), n_keys);
	free(first);
}

Test(rosters, the_pages_that_an_import_left_behind_are_swept_with_their_fleet)
{
	uint64_t n_keys;
	bool done = false;

	import_ues(0, N_UES, false);
	cr_assert_eq(fk_store_sweep_fleets(store), FK_OK);
	n_keys = n_redis_keys();
	begin(0, N_UES, true);
	for (uint32_t i = 0; i < 3; i++)
		cr_assert_eq(fk_import_stage(import, 1, &done), FK_OK);
	cr_assert_eq(fk_store_sweep_fleets(store), FK_OK);
	cr_expect_gt(n_redis_keys(), n_keys, "the roster was begun");
	import_ues(0, N_UES, false);
	cr_assert_eq(fk_store_sweep_fleets(store), FK_OK);
	cr_expect_eq(n_redis_keys(), n_keys);
}

Test(rosters, no_fleet_is_put_in_force_before_the_roster_is_whole)
{
	struct fk_import_result result;
	bool done = false;

	import_ues(0, N_UES, false);
	begin(0, N_UES, true);
	cr_assert_eq(fk_import_stage(import, UINT32_MAX, &done), FK_OK); /* what leaves */
	cr_expect_not(done);
	cr_expect_eq(fk_import_publish(import, &result), FK_EINVAL);
}

Test(rosters, the_oldest_are_given_up_and_what_is_asked_to_be_kept_is)
{
	struct picture *pictures[4];

	for (uint32_t i = 0; i < 4; i++) {
		import_ues(10 * i, N_UES, true);
		pictures[i] = picture_of_fleet();
	}
	import_ues(0, N_UES, true);
	cr_assert_eq(fk_store_forget_rosters(store, 4), FK_OK);
	cr_assert_eq(fk_store_sweep_fleets(store), FK_OK);
	for (uint32_t i = 0; i < 4; i++)
		expect_roster(pictures[i]);
	cr_assert_eq(fk_store_forget_rosters(store, 2), FK_OK);
	cr_assert_eq(fk_store_sweep_fleets(store), FK_OK);
	for (uint32_t i = 0; i < 2; i++)
		cr_expect_eq(open_roster(pictures[i]->generation), FK_ENOTFOUND);
	for (uint32_t i = 2; i < 4; i++)
		expect_roster(pictures[i]);
	cr_expect_str_eq(redis_server_ask(&server, "EXISTS fk:{s%03u}:roster:%" PRIu64 ":0",
					  pictures[0]->page_shards[0], pictures[0]->generation),
			 "0");
	for (uint32_t i = 0; i < 4; i++)
		free(pictures[i]);
}

static enum fk_err read_page(uint64_t generation, uint32_t page)
{
	const struct fk_roster_ue *ues;
	struct fk_roster *roster = NULL;
	enum fk_err err;

	cr_assert_eq(fk_roster_open(store, keyring, generation, &roster), FK_OK);
	err = fk_roster_page(roster, page, &ues);
	fk_roster_free(roster);
	return err;
}

static void key_of_page(char key[static 64], const struct picture *p, uint32_t page)
{
	(void)snprintf(key, 64, "fk:{s%03u}:roster:%" PRIu64 ":%u", p->page_shards[page],
		       p->generation, page);
}

Test(rosters, a_page_that_was_changed_or_is_another_or_missing_is_refused)
{
	struct picture *first, *second;
	char key[64], other[64];

	import_ues(0, N_UES, false);
	first = picture_of_fleet();
	import_ues(0, N_UES, true);
	second = picture_of_fleet();
	import_ues(0, N_UES, true);
	cr_assert_eq(read_page(first->generation, 1), FK_OK);

	key_of_page(key, first, 1);
	redis_server_ask(&server, "SETRANGE %s 9 X", key);
	cr_expect_eq(read_page(first->generation, 1), FK_EAUTH);
	key_of_page(other, first, 0);
	redis_server_ask(&server, "COPY %s %s REPLACE", other, key);
	cr_expect_eq(read_page(first->generation, 1), FK_EAUTH, "another page");
	key_of_page(other, second, 1);
	redis_server_ask(&server, "COPY %s %s REPLACE", other, key);
	cr_expect_eq(read_page(first->generation, 1), FK_EAUTH, "another fleet's");
	redis_server_ask(&server, "SET %s x", key);
	cr_expect_eq(read_page(first->generation, 1), FK_EAUTH, "too short for a MAC");
	redis_server_ask(&server, "DEL %s", key);
	cr_expect_eq(read_page(first->generation, 1), FK_EFORMAT);
	cr_expect_eq(read_page(first->generation, 0), FK_OK);
	/* A note that is shorter hides pages. */
	redis_server_ask(&server, "HSET fk:fleet:rosters %" PRIu64 " %s", first->generation,
			 "\x01\x02");
	cr_expect_neq(read_page(first->generation, 0), FK_OK);
	free(first);
	free(second);
}
