/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fleet and the keys in a store, against a real Redis that is killed and written to by others:
 * imports, updates, numbers, currency, statuses, own keys, and what of it is noticed when it is put
 * back.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include <fleetkey/kmm.h>
#include <fleetkey/secret.h>

#include "fleet/fleet.h"
#include "fleet/import.h"
#include "fleet/page.h"
#include "fleet/record.h"
#include "fleet/renew.h"
#include "fleet/reseal.h"
#include "fleet/status.h"
#include "keys/key_store.h"
#include "keys/open.h"
#include "keys/rotate.h"
#include "keys/transport_key.h"
#include "store/store.h"

#include "../unit/control/support.h"
#include "redis_server.h"

static struct redis_server server;
static struct fk_store *store;

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

TestSuite(fleet, .init = set_up, .fini = tear_down);
TestSuite(keys, .init = set_up, .fini = tear_down);

/* Opens the keys of the store under a root key of 32 such octets. */
static enum fk_err open_keys(char octet, struct fk_keyring **ret_keyring, struct fk_reason *reason)
{
	char path[128], name[160], octets[32];
	const struct fk_root_source source = {.name = name};

	(void)snprintf(path, sizeof(path), "%s/root.key", server.folder);
	(void)snprintf(name, sizeof(name), "file:%s", path);
	memset(octets, octet, sizeof(octets));
	test_write_file(path, octets, sizeof(octets), 0600);
	return fk_keys_open(&source, store, ret_keyring, reason);
}

Test(keys, purpose_keys_are_made_once_and_open_under_their_root_key)
{
	struct fk_keyring *first = NULL, *second = NULL, *other = NULL;
	struct fk_reason reason = {.text = ""};

	cr_assert_eq(open_keys('a', &first, &reason), FK_OK, "%s", reason.text);
	cr_assert_eq(open_keys('a', &second, &reason), FK_OK, "%s", reason.text);
	cr_expect_arr_eq(fk_keyring_key(first, FK_PURPOSE_TOKEN),
			 fk_keyring_key(second, FK_PURPOSE_TOKEN), 32);
	cr_expect_eq(open_keys('b', &other, &reason), FK_EAUTH);
	cr_expect_null(other);
	cr_expect_not_null(strstr(reason.text, "root_key_file"));
	fk_keyring_free(first);
	fk_keyring_free(second);
}

/* Fleet */

#define HEADER                                                                                \
	"ue_id,mc_service_id,mcdata_id,lmr_type,rsi,next_hop,area,groups,kek_sln,kek_key_id," \
	"kek_alg,kek,ptek_key_id,ptek_alg,ptek,mac,mnp\n"

struct world {
	struct fk_config *config;
	struct fk_keyring *keyring;
	struct fk_fleet *fleet;
	struct fk_keytable_file *table;
};

static void load(struct world *world)
{
	struct fk_reason reason = {.text = ""};

	fk_fleet_free(world->fleet);
	fk_keytable_free(world->table);
	world->fleet = NULL;
	world->table = NULL;
	cr_assert_eq(fk_fleet_load(store, world->keyring, world->config, &world->fleet,
				   &world->table, &reason),
		     FK_OK, "%s", reason.text);
}

static void begin_world(struct world *world)
{
	*world = (struct world){.config = test_config(), .keyring = test_keyring(1)};
	load(world);
}

static void end_world(struct world *world)
{
	fk_fleet_free(world->fleet);
	fk_keytable_free(world->table);
	fk_keyring_free(world->keyring);
	fk_config_free(world->config);
}

/* One row; 'salt' goes into the keys. */
static size_t put_row(char *at, size_t size, uint32_t i, uint32_t salt)
{
	return (size_t)snprintf(at, size,
				"ue-%u,sip:s%u@x,sip:d%u@x,P25,%u,hop-%c,area-%u,all;g%u,61440,%u,"
				"AES-256,%056x%08x,%u,AES-256,%056x%08x,%s,%u\n",
				i, i, i, i + 1, i % 2 != 0 ? 'b' : 'a', i % 3, i % 5, i % 65536, i,
				salt, (i + 1) % 65536, i + 7, salt, i % 2 != 0 ? "cmac" : "cbc",
				100);
}

static char *make_file(uint32_t n_ues, uint32_t salt_of_first)
{
	size_t room = sizeof(HEADER) + n_ues * 400ull + 1, at;
	char *text = malloc(room);

	cr_assert_not_null(text);
	at = (size_t)snprintf(text, room, "%s", HEADER);
	for (uint32_t i = 0; i < n_ues; i++)
		at += put_row(text + at, room - at, i, i == 0 ? salt_of_first : 5);
	return text;
}

static struct fk_import *begin_import(struct world *world)
{
	const struct fk_import_options options = {.config = world->config,
						  .store = store,
						  .keyring = world->keyring,
						  .fleet = world->fleet,
						  .table = world->table,
						  .allow_plain_keys = true};
	struct fk_import *import = NULL;

	cr_assert_eq(fk_import_begin(&options, &import), FK_OK);
	return import;
}

static struct fk_import_result import_text(struct world *world, const char *text)
{
	struct fk_import *import = begin_import(world);
	struct fk_import_result result = {.n_ues = 0};
	uint32_t n;

	for (size_t at = 0, size = strlen(text); at < size; at += 1000)
		cr_assert_eq(fk_import_feed(import, text + at, size - at < 1000 ? size - at : 1000),
			     FK_OK);
	cr_assert_eq(fk_import_finish(import, &result), FK_OK, "%s: %s",
		     fk_import_errors(import, &n)->column, fk_import_errors(import, &n)->reason);
	fk_import_free(import);
	load(world);
	return result;
}

Test(fleet, before_the_first_import_the_fleet_is_empty)
{
	struct world world;

	begin_world(&world);
	cr_expect_eq(fk_fleet_generation(world.fleet), 0);
	cr_expect_eq(fk_fleet_n_ues(world.fleet), 0);
	cr_expect_eq(fk_fleet_n_slots(world.fleet), 0);
	cr_expect_eq(fk_fleet_find(world.fleet, "ue-1"), -1);
	cr_expect_eq(fk_fleet_find_group(world.fleet, "all"), -1);
	cr_expect_null(fk_fleet_numbers(world.fleet, 0));
	end_world(&world);
}

/* Every UE is in the fleet and the key table as it was in the file. */
static void expect_fleet(struct world *world, uint32_t n_ues)
{
	cr_assert_eq(fk_fleet_n_ues(world->fleet), n_ues);
	cr_expect_eq(fk_fleet_n_slots(world->fleet) % FK_STORE_PAGE_UES, 0);
	for (uint32_t i = 0; i < n_ues; i++) {
		char ue_id[16], text[32];
		const struct fk_ue_slot *slot;
		struct fk_fleet_ue ue;
		int64_t index;

		(void)snprintf(ue_id, sizeof(ue_id), "ue-%u", i);
		index = fk_fleet_find(world->fleet, ue_id);
		cr_assert_geq(index, 0);
		cr_assert(fk_fleet_get(world->fleet, (uint32_t)index, &ue));
		cr_expect_str_eq(ue.ue_id, ue_id);
		(void)snprintf(text, sizeof(text), "sip:s%u@x", i);
		cr_expect_str_eq(ue.mc_service_id, text);
		(void)snprintf(text, sizeof(text), "sip:d%u@x", i);
		cr_expect_str_eq(ue.mcdata_id, text);
		cr_expect_eq(ue.rsi, i + 1);
		cr_expect_eq(ue.next_hop, i % 2);
		cr_expect_eq(ue.n_groups, 2);
		(void)snprintf(text, sizeof(text), "g%u", i % 5);
		cr_expect_str_eq(fk_fleet_group_name(world->fleet, ue.group_ids[1]), text);
		(void)snprintf(text, sizeof(text), "area-%u", i % 3);
		cr_expect_str_eq(fk_fleet_area_name(world->fleet, ue.area_id), text);
		cr_expect_eq(fk_fleet_page_shards(world->fleet)[index / FK_STORE_PAGE_UES],
			     fk_store_shard_of(ue_id, strlen(ue_id)));
		cr_expect_eq(fk_keytable_find_rsi(fk_keytable_view(world->table), i + 1), index);
		slot = fk_keytable_slot(world->table, (uint32_t)index);
		cr_expect_eq(slot->kek[27], (uint8_t)i);
		cr_expect_eq(slot->ptek[27], (uint8_t)(i + 7));
		cr_expect_eq(slot->kek_key_id, i % 65536);
		cr_expect_eq(slot->mac_kind, i % 2);
		cr_expect_eq(slot->mcdata_id_size, strlen(ue.mcdata_id));
	}
}

/* A world whose keys are those of the store, as fleetkeyd has them. */
static struct fk_root_source begin_stored_world(struct world *world)
{
	static char name[160];
	struct fk_reason reason = {.text = ""};

	*world = (struct world){.config = test_config()};
	cr_assert_eq(open_keys('a', &world->keyring, &reason), FK_OK, "%s", reason.text);
	load(world);
	(void)snprintf(name, sizeof(name), "file:%s/root.key", server.folder);
	return (struct fk_root_source){.name = name};
}

static void reseal_all(struct world *world)
{
	struct fk_reason reason = {.text = ""};
	struct fk_reseal *reseal = NULL;
	bool done = false;

	cr_assert_eq(fk_reseal_new(store, world->keyring, &reseal), FK_OK);
	while (!done)
		cr_assert_eq(fk_reseal_step(reseal, world->fleet, &done, &reason), FK_OK, "%s",
			     reason.text);
	fk_reseal_free(reseal);
}

Test(fleet, after_a_new_sealing_epoch_everything_opens_without_the_old_key)
{
	struct world world;
	struct fk_root_source source = begin_stored_world(&world);
	char *text = make_file(700, 5);
	struct fk_reason reason = {.text = ""};
	struct fk_secret key = {.size = 0};
	struct fk_transport_key *transport = NULL;
	struct fk_key_store *keys;
	struct fk_reseal *reseal = NULL;
	bool done = false;
	uint32_t id;

	import_text(&world, text);
	cr_assert_eq(fk_key_store_open(store, world.keyring, &keys, &reason), FK_OK, "%s",
		     reason.text);
	cr_assert_eq(fk_transport_key_create(keys, &id, &key), FK_OK);
	fk_key_store_free(keys);
	cr_assert_eq(fk_keys_rotate_sealing(world.keyring, store, &source, &reason), FK_OK, "%s",
		     reason.text);
	/* A pass that ends early, and one that begins after a restart. */
	cr_assert_eq(fk_reseal_new(store, world.keyring, &reseal), FK_OK);
	cr_assert_eq(fk_reseal_step(reseal, world.fleet, &done, &reason), FK_OK, "%s", reason.text);
	cr_expect_not(done);
	cr_expect_gt(fk_reseal_n_pages_done(reseal), 0);
	fk_reseal_free(reseal);
	fk_keyring_free(world.keyring);
	cr_assert_eq(open_keys('a', &world.keyring, &reason), FK_OK, "%s", reason.text);
	cr_expect_eq(fk_keyring_n_sealing_epochs(world.keyring), 2);
	load(&world);
	expect_fleet(&world, 700);
	reseal_all(&world);
	cr_assert_eq(fk_keys_drop_old_sealings(world.keyring, store, &source, &reason), FK_OK, "%s",
		     reason.text);
	fk_keyring_free(world.keyring);
	cr_assert_eq(open_keys('a', &world.keyring, &reason), FK_OK, "%s", reason.text);
	cr_expect_eq(fk_keyring_n_sealing_epochs(world.keyring), 1);
	cr_expect_eq(fk_keyring_sealing_epoch(world.keyring), 2);
	load(&world);
	expect_fleet(&world, 700);
	cr_assert_eq(fk_key_store_open(store, world.keyring, &keys, &reason), FK_OK, "%s",
		     reason.text);
	cr_expect_eq(fk_transport_key_load(keys, &transport), FK_OK);
	cr_expect_eq(fk_transport_key_id(transport), id);
	fk_key_store_free(keys);
	fk_transport_key_free(transport);
	fk_secret_wipe(&key);
	free(text);
	end_world(&world);
}

Test(fleet, a_key_that_was_dropped_too_early_is_missed)
{
	struct world world;
	struct fk_root_source source = begin_stored_world(&world);
	char *text = make_file(10, 5);
	struct fk_reason reason = {.text = ""};

	import_text(&world, text);
	cr_assert_eq(fk_keys_rotate_sealing(world.keyring, store, &source, &reason), FK_OK);
	cr_assert_eq(fk_keys_drop_old_sealings(world.keyring, store, &source, &reason), FK_OK);
	fk_fleet_free(world.fleet);
	fk_keytable_free(world.table);
	world.fleet = NULL;
	world.table = NULL;
	cr_expect_eq(fk_fleet_load(store, world.keyring, world.config, &world.fleet, &world.table,
				   &reason),
		     FK_EAUTH);
	free(text);
	end_world(&world);
}

struct copied_page {
	uint32_t page;
	uint8_t octets[FK_PAGE_SIZE_MAX];
	size_t size;
};

static enum fk_err copy_page(void *ctx, uint32_t page, const uint8_t *octets, size_t size)
{
	struct copied_page *copy = ctx;

	copy->page = page;
	copy->size = size;
	memcpy(copy->octets, octets, size);
	return FK_OK;
}

static void expect_not_loaded(struct world *world, enum fk_err wanted, const char *words)
{
	struct fk_reason reason = {.text = ""};

	fk_fleet_free(world->fleet);
	fk_keytable_free(world->table);
	world->fleet = NULL;
	world->table = NULL;
	cr_expect_eq(fk_fleet_load(store, world->keyring, world->config, &world->fleet,
				   &world->table, &reason),
		     wanted);
	cr_expect_not_null(strstr(reason.text, words), "%s", reason.text);
}

/* Seals and keys are right, and the old sealing key is still there: only the version is not. */
Test(fleet, a_page_that_is_put_back_from_an_older_copy_is_noticed)
{
	static struct copied_page copy;
	struct world world;
	struct fk_root_source source = begin_stored_world(&world);
	char *text = make_file(300, 5);
	struct fk_reason reason = {.text = ""};
	struct fk_reseal *reseal = NULL;
	uint64_t generation;
	uint8_t shard;
	bool done;

	import_text(&world, text);
	generation = fk_fleet_generation(world.fleet);
	shard = fk_fleet_page_shards(world.fleet)[7];
	cr_assert_eq(fk_store_read_fleet_pages(store, generation, fk_fleet_page_shards(world.fleet),
					       7, 1, copy_page, &copy),
		     FK_OK);
	cr_assert_eq(fk_keys_rotate_sealing(world.keyring, store, &source, &reason), FK_OK);
	reseal_all(&world);
	load(&world);
	expect_fleet(&world, 300);
	fk_store_batch_begin(store);
	fk_store_batch_put_fleet_page(store, generation, shard, 7, copy.octets, copy.size);
	cr_assert_eq(fk_store_batch_commit(store), FK_OK);
	/* Whoever goes through the pages of the running fleet sees it as well. */
	cr_assert_eq(fk_reseal_new(store, world.keyring, &reseal), FK_OK);
	cr_expect_eq(fk_reseal_step(reseal, world.fleet, &done, &reason), FK_ESTALE);
	cr_expect_not_null(strstr(reason.text, "page 7"), "%s", reason.text);
	fk_reseal_free(reseal);
	expect_not_loaded(&world, FK_ESTALE, "older copy");
	free(text);
	end_world(&world);
}

static enum fk_err copy_versions(void *ctx, const char *name, const char *value, size_t size)
{
	struct copied_page *copy = ctx;

	if (strcmp(name, "versions:7") == 0)
		return copy_page(copy, 0, (const uint8_t *)value, size);
	return FK_OK;
}

Test(fleet, a_list_of_versions_that_is_put_back_or_changed_is_noticed)
{
	static struct copied_page copy;
	struct world world;
	struct fk_root_source source = begin_stored_world(&world);
	char *text = make_file(700, 5);
	struct fk_reason reason = {.text = ""};
	uint64_t generation;

	import_text(&world, text);
	generation = fk_fleet_generation(world.fleet);
	cr_assert_eq(fk_store_read_fleet(store, generation, copy_versions, &copy), FK_OK);
	cr_assert_gt(copy.size, FK_PAGE_MAC_SIZE);
	cr_assert_eq(fk_keys_rotate_sealing(world.keyring, store, &source, &reason), FK_OK);
	reseal_all(&world);
	load(&world);
	fk_store_batch_begin(store);
	fk_store_batch_put_fleet_field(store, generation, "versions:7", copy.octets, copy.size);
	cr_assert_eq(fk_store_batch_commit(store), FK_OK);
	expect_not_loaded(&world, FK_ESTALE, "older copy");
	copy.octets[3]++;
	fk_store_batch_begin(store);
	fk_store_batch_put_fleet_field(store, generation, "versions:7", copy.octets, copy.size);
	cr_assert_eq(fk_store_batch_commit(store), FK_OK);
	expect_not_loaded(&world, FK_EAUTH, "shard 7");
	free(text);
	end_world(&world);
}

Test(keys, another_root_key_takes_over_all_purpose_keys)
{
	struct world world;
	struct fk_root_source source = begin_stored_world(&world), wrong = source;
	struct fk_keyring *ring = NULL;
	struct fk_reason reason = {.text = ""};
	uint8_t token[32];
	char path[128], name[160];

	memcpy(token, fk_keyring_key(world.keyring, FK_PURPOSE_TOKEN), 32);
	(void)snprintf(path, sizeof(path), "%s/new.key", server.folder);
	(void)snprintf(name, sizeof(name), "file:%s", path);
	wrong.name = name;
	test_write_file(path, "0123456789abcdef0123456789abcdef", 32, 0644);
	cr_expect_eq(fk_keys_rotate_root(world.keyring, store, &wrong, &reason), FK_EPOLICY);
	cr_expect_eq(fk_keys_open(&source, store, &ring, &reason), FK_OK, "%s", reason.text);
	fk_keyring_free(ring);
	ring = NULL;
	test_write_file(path, "0123456789abcdef0123456789abcdef", 32, 0600);
	/* A root key that is not in force makes no sealing epoch: nobody could open it. */
	cr_expect_eq(fk_keys_rotate_sealing(world.keyring, store, &wrong, &reason), FK_EAUTH);
	cr_expect_eq(fk_keyring_n_sealing_epochs(world.keyring), 1);
	cr_assert_eq(fk_keys_rotate_root(world.keyring, store, &wrong, &reason), FK_OK, "%s",
		     reason.text);
	cr_expect_eq(fk_keys_open(&source, store, &ring, &reason), FK_EAUTH);
	cr_assert_eq(fk_keys_open(&wrong, store, &ring, &reason), FK_OK, "%s", reason.text);
	cr_expect_arr_eq(fk_keyring_key(ring, FK_PURPOSE_TOKEN), token, 32);
	fk_keyring_free(ring);
	end_world(&world);
}

Test(fleet, an_import_is_loaded_as_it_was_in_the_file)
{
	struct world world;
	char *text = make_file(3000, 5);
	struct fk_import_result result;

	begin_world(&world);
	result = import_text(&world, text);
	cr_expect_eq(result.n_ues, 3000);
	cr_expect_eq(result.n_kept, 0);
	cr_expect_eq(result.generation, fk_fleet_generation(world.fleet));
	expect_fleet(&world, 3000);
	cr_expect_eq(fk_fleet_n_groups(world.fleet), 6);
	cr_expect_eq(
		fk_fleet_group_size(world.fleet, (uint32_t)fk_fleet_find_group(world.fleet, "all")),
		3000);
	cr_expect_eq(
		fk_fleet_group_size(world.fleet, (uint32_t)fk_fleet_find_group(world.fleet, "g3")),
		600);
	cr_expect(fk_fleet_uses_key_id(world.fleet, 3000));
	cr_expect(!fk_fleet_uses_key_id(world.fleet, 3001));
	end_world(&world);
	free(text);
}

Test(fleet, no_key_stands_in_the_store_in_clear)
{
	struct world world;
	char *text = make_file(1, 0x31415926);
	char command[128];

	begin_world(&world);
	import_text(&world, text);
	/* The AOF holds everything that was ever written. */
	(void)snprintf(command, sizeof(command), "grep -rqaP '1AY&|31415926' %s", server.folder);
	cr_expect_neq(system(command), 0, "key octets are in the AOF");
	(void)snprintf(command, sizeof(command), "grep -rqa sip:d0@x %s", server.folder);
	cr_expect_eq(system(command), 0, "the search finds nothing at all");
	end_world(&world);
	free(text);
}

static struct fk_ue_numbers *numbers_of(struct world *world, const char *ue_id)
{
	return fk_fleet_numbers(world->fleet, (uint32_t)fk_fleet_find(world->fleet, ue_id));
}

static void expect_load_error(struct world *world, enum fk_err wanted, const char *word);

Test(fleet, numbers_stay_with_the_rsi_and_inbound_ones_with_the_protection_tek)
{
	struct world world;
	char *text = make_file(200, 5), *changed = make_file(201, 6);
	uint8_t octets[FK_NUMBERS_PAGE_SIZE];
	struct fk_import_result result;

	begin_world(&world);
	import_text(&world, text);
	for (uint32_t i = 0; i < fk_fleet_n_slots(world.fleet); i++)
		*fk_fleet_numbers(world.fleet, i) = (struct fk_ue_numbers){100, 90, 80, 1, 0};
	fk_store_batch_begin(store);
	for (uint32_t page = 0; page < fk_fleet_n_pages(world.fleet); page++) {
		fk_fleet_encode_numbers_page(world.fleet, page, octets);
		fk_store_batch_put_numbers_page(store, fk_fleet_generation(world.fleet),
						fk_fleet_page_shards(world.fleet)[page], page,
						octets, sizeof(octets));
	}
	cr_assert_eq(fk_store_batch_commit(store), FK_OK);
	load(&world);
	cr_expect_eq(numbers_of(&world, "ue-0")->reserved_next, 100);
	result = import_text(&world, changed);
	cr_expect_eq(result.n_kept, 200);
	cr_expect_eq(numbers_of(&world, "ue-0")->reserved_next, 100, "its RSI was sent to");
	cr_expect_eq(numbers_of(&world, "ue-0")->inbound_known, 0, "it has other keys");
	cr_expect_eq(numbers_of(&world, "ue-200")->reserved_next, 0, "it is new");
	cr_expect_eq(numbers_of(&world, "ue-199")->reserved_next, 100);
	cr_expect_eq(numbers_of(&world, "ue-199")->accepted, 90);
	cr_expect_eq(numbers_of(&world, "ue-199")->inbound, 80);
	cr_expect_eq(numbers_of(&world, "ue-199")->inbound_known, 1);
	end_world(&world);
	free(text);
	free(changed);
}

/* A radio that leaves the fleet and comes back may still have its protection TEK: not one of the
 * numbers that were used under it may be used again. */
Test(fleet, an_rsi_that_left_goes_on_with_its_numbers_when_it_comes_back)
{
	struct world world;
	char *text = make_file(200, 5), *few = make_file(3, 5);
	uint8_t octets[FK_NUMBERS_PAGE_SIZE];

	begin_world(&world);
	import_text(&world, text);
	for (uint32_t i = 0; i < fk_fleet_n_slots(world.fleet); i++)
		*fk_fleet_numbers(world.fleet, i) = (struct fk_ue_numbers){100, 90, 80, 1, 0};
	fk_store_batch_begin(store);
	for (uint32_t page = 0; page < fk_fleet_n_pages(world.fleet); page++) {
		fk_fleet_encode_numbers_page(world.fleet, page, octets);
		fk_store_batch_put_numbers_page(store, fk_fleet_generation(world.fleet),
						fk_fleet_page_shards(world.fleet)[page], page,
						octets, sizeof(octets));
	}
	cr_assert_eq(fk_store_batch_commit(store), FK_OK);
	load(&world);
	import_text(&world, few);
	import_text(&world, few);
	import_text(&world, text);
	cr_expect_eq(numbers_of(&world, "ue-199")->reserved_next, 100);
	cr_expect_eq(numbers_of(&world, "ue-199")->accepted, 90);
	cr_expect_eq(numbers_of(&world, "ue-199")->inbound_known, 0);
	cr_expect_eq(numbers_of(&world, "ue-1")->inbound_known, 1, "it never left");
	end_world(&world);
	free(text);
	free(few);
}

/* Every UE holds the first key of campaign 7, and its active keyset is known; then it is stored. */
static void give_keys(struct world *world)
{
	struct fk_currency_book *book = fk_fleet_currency(world->fleet);
	struct fk_currency ues[FK_CURRENCY_PAGE];

	fk_store_batch_begin(store);
	for (uint32_t page = 0; page < fk_fleet_n_pages(world->fleet); page++) {
		const uint8_t *octets;
		size_t size;

		fk_currency_book_get_page(book, page, ues);
		for (uint32_t i = 0; i < FK_CURRENCY_PAGE; i++) {
			fk_currency_add(&ues[i], 7)->held = 1;
			ues[i].active = FK_ACTIVE_KNOWN;
			ues[i].active_keyset = 1;
		}
		cr_assert_eq(fk_currency_book_put_page(book, page, ues), FK_OK);
		octets = fk_currency_book_octets(book, page, &size);
		fk_store_batch_put_currency_page(store, fk_fleet_generation(world->fleet),
						 fk_fleet_page_shards(world->fleet)[page], page,
						 octets, size);
	}
	cr_assert_eq(fk_store_batch_commit(store), FK_OK);
	load(world);
}

static struct fk_currency currency_of(struct world *world, const char *ue_id)
{
	struct fk_currency c;

	fk_currency_book_get(fk_fleet_currency(world->fleet),
			     (uint32_t)fk_fleet_find(world->fleet, ue_id), &c);
	return c;
}

static enum fk_key_state key_of(struct world *world, const char *ue_id)
{
	struct fk_currency c = currency_of(world, ue_id);

	return fk_currency_state(&c, 7, 0);
}

Test(fleet, currency_stays_with_the_rsi_and_is_in_doubt_once_its_keys_are_others)
{
	struct world world;
	char *text = make_file(200, 5), *changed = make_file(201, 6);

	begin_world(&world);
	import_text(&world, text);
	cr_expect_eq(key_of(&world, "ue-9"), FK_KEY_NOT_HELD, "nobody was sent anything");
	give_keys(&world);
	cr_expect_eq(key_of(&world, "ue-9"), FK_KEY_HELD);
	import_text(&world, changed);
	cr_expect_eq(key_of(&world, "ue-0"), FK_KEY_UNKNOWN, "it was filled anew");
	cr_expect_eq(currency_of(&world, "ue-0").active, FK_ACTIVE_NEVER);
	cr_expect_eq(key_of(&world, "ue-199"), FK_KEY_HELD);
	cr_expect_eq(currency_of(&world, "ue-199").active_keyset, 1);
	cr_expect_eq(key_of(&world, "ue-200"), FK_KEY_NOT_HELD, "it is new");
	end_world(&world);
	free(text);
	free(changed);
}

Test(fleet, what_an_rsi_that_left_held_is_in_doubt_when_it_comes_back)
{
	struct world world;
	char *text = make_file(200, 5), *few = make_file(3, 5);

	begin_world(&world);
	import_text(&world, text);
	give_keys(&world);
	for (uint32_t i = 0; i < fk_fleet_n_slots(world.fleet); i++)
		fk_fleet_numbers(world.fleet, i)->reserved_next = 100;
	import_text(&world, few);
	import_text(&world, text);
	cr_expect_eq(key_of(&world, "ue-199"), FK_KEY_UNKNOWN);
	cr_expect_eq(key_of(&world, "ue-1"), FK_KEY_HELD, "it never left");
	end_world(&world);
	free(text);
	free(few);
}

Test(fleet, a_page_of_currency_that_is_not_there_hides_something_and_a_damaged_one_is_refused)
{
	struct world world;
	char *text = make_file(3, 5);

	begin_world(&world);
	import_text(&world, text);
	for (uint32_t page = 0; page < fk_fleet_n_pages(world.fleet); page++)
		redis_server_ask(&server, "DEL fk:{s%03u}:currency:%" PRIu64 ":%u",
				 fk_fleet_page_shards(world.fleet)[page],
				 fk_fleet_generation(world.fleet), page);
	load(&world);
	cr_expect_eq(key_of(&world, "ue-1"), FK_KEY_UNKNOWN);
	redis_server_ask(&server, "SET fk:{s%03u}:currency:%" PRIu64 ":0 x",
			 fk_fleet_page_shards(world.fleet)[0], fk_fleet_generation(world.fleet));
	expect_load_error(&world, FK_EFORMAT, "currency");
	end_world(&world);
	free(text);
}

Test(fleet, an_import_that_is_given_up_changes_nothing_and_is_swept)
{
	struct world world;
	char *text = make_file(300, 5), *other = make_file(400, 6);
	struct fk_import *import;
	bool done = false;

	begin_world(&world);
	import_text(&world, text);
	cr_assert_eq(fk_store_sweep_fleets(store), FK_OK);
	uint64_t n_keys = strtoull(redis_server_ask(&server, "DBSIZE"), NULL, 10);

	import = begin_import(&world);
	cr_assert_eq(fk_import_feed(import, other, strlen(other)), FK_OK);
	cr_assert_eq(fk_import_check(import), FK_OK);
	cr_assert_eq(fk_import_compare(import, UINT32_MAX, &done), FK_OK);
	done = false;
	for (int i = 0; i < 2; i++) /* first what leaves the fleet, then three pages */
		cr_assert_eq(fk_import_stage(import, 3, &done), FK_OK);
	cr_expect(!done);
	fk_import_free(import);
	cr_expect_gt(strtoull(redis_server_ask(&server, "DBSIZE"), NULL, 10), n_keys);
	load(&world);
	expect_fleet(&world, 300);
	cr_assert_eq(fk_store_sweep_fleets(store), FK_OK);
	cr_expect_eq(strtoull(redis_server_ask(&server, "DBSIZE"), NULL, 10), n_keys);
	load(&world);
	expect_fleet(&world, 300);
	end_world(&world);
	free(text);
	free(other);
}

Test(fleet, a_replaced_fleet_is_swept)
{
	struct world world;
	char *text = make_file(300, 5);
	uint64_t n_keys;

	begin_world(&world);
	import_text(&world, text);
	cr_assert_eq(fk_store_sweep_fleets(store), FK_OK);
	n_keys = strtoull(redis_server_ask(&server, "DBSIZE"), NULL, 10);
	for (int i = 0; i < 3; i++)
		import_text(&world, text);
	cr_assert_eq(fk_store_sweep_fleets(store), FK_OK);
	cr_expect_eq(strtoull(redis_server_ask(&server, "DBSIZE"), NULL, 10), n_keys);
	expect_fleet(&world, 300);
	end_world(&world);
	free(text);
}

Test(fleet, of_two_imports_at_a_time_the_second_is_stale)
{
	struct world world;
	char *text = make_file(10, 5);
	struct fk_import_result result;
	struct fk_import *first, *second;

	begin_world(&world);
	first = begin_import(&world);
	second = begin_import(&world);
	cr_assert_eq(fk_import_feed(first, text, strlen(text)), FK_OK);
	cr_assert_eq(fk_import_feed(second, text, strlen(text)), FK_OK);
	cr_assert_eq(fk_import_finish(second, &result), FK_OK);
	cr_expect_eq(fk_import_finish(first, &result), FK_ESTALE);
	fk_import_free(first);
	fk_import_free(second);
	load(&world);
	cr_expect_eq(fk_fleet_generation(world.fleet), 2);
	end_world(&world);
	free(text);
}

Test(fleet, a_redis_that_dies_in_mid_import_leaves_the_old_fleet)
{
	struct world world, other_view = {.fleet = NULL};
	char *text = make_file(300, 5), *other = make_file(400, 6);
	struct fk_import_result result;
	struct fk_import *import;
	bool done;

	begin_world(&world);
	import_text(&world, text);
	import = begin_import(&world);
	cr_assert_eq(fk_import_feed(import, other, strlen(other)), FK_OK);
	cr_assert_eq(fk_import_check(import), FK_OK);
	cr_assert_eq(fk_import_compare(import, UINT32_MAX, &done), FK_OK);
	cr_assert_eq(fk_import_stage(import, 5, &done), FK_OK);
	redis_server_kill(&server);
	cr_expect_eq(fk_import_stage(import, 5, &done), FK_ESTORE);
	cr_expect_eq(fk_import_publish(import, &result), FK_EINVAL);
	redis_server_start(&server);
	cr_assert_eq(fk_store_reconnect(store, NULL, NULL), FK_OK);
	/* The import borrows the fleet that it began with. */
	begin_world(&other_view);
	expect_fleet(&other_view, 300);
	/* And the same import can go on where it was. */
	do
		cr_assert_eq(fk_import_stage(import, 5, &done), FK_OK);
	while (!done);
	cr_assert_eq(fk_import_publish(import, &result), FK_OK);
	fk_import_free(import);
	load(&world);
	cr_expect_eq(fk_fleet_n_ues(world.fleet), 400);
	end_world(&world);
	end_world(&other_view);
	free(text);
	free(other);
}

/* Feeds a file; expects its first error there, and that nothing came into the store. */
static void expect_errors(const char *text, uint64_t line, const char *column, uint32_t n_wanted)
{
	struct world world;
	struct fk_import *import;
	struct fk_import_result result;
	const struct fk_import_error *errors;
	uint64_t generation = 99;
	uint32_t n;

	begin_world(&world);
	import = begin_import(&world);
	/* Row errors are collected; only what ends the reading is returned. */
	cr_expect_leq(fk_import_feed(import, text, strlen(text)), FK_EINVAL);
	cr_expect_eq(fk_import_finish(import, &result), FK_EINVAL);
	errors = fk_import_errors(import, &n);
	cr_expect_eq(n, n_wanted, "%u errors", n);
	cr_expect_eq(errors[0].line, line, "line %" PRIu64, errors[0].line);
	cr_expect_str_eq(errors[0].column, column);
	cr_expect_str_neq(errors[0].reason, "");
	cr_assert_eq(fk_store_current_fleet(store, &generation), FK_OK);
	cr_expect_eq(generation, 0);
	fk_import_free(import);
	end_world(&world);
}

#define ROW(id, rsi)                                                                           \
	id ",sip:s" id "@x,sip:d" id "@x,P25," rsi                                             \
	   ",hop-a,,,61440,1,AES-256,00112233445566778899aabbccddeeff00112233445566778899aabb" \
	   "ccddeeff,,,,cmac,10\n"

Test(fleet, errors_name_line_and_column)
{
	expect_errors("", 0, "", 1);
	expect_errors(HEADER, 0, "", 1);
	expect_errors(HEADER "a\n", 2, "mc_service_id", 1);
	expect_errors(HEADER ROW("a", "0"), 2, "rsi", 1);
	expect_errors(HEADER ROW("a", "1") ROW("a", "2"), 3, "ue_id", 3);
	expect_errors(HEADER ROW("a", "1") ROW("b", "1"), 3, "rsi", 1);
	expect_errors(HEADER ROW("a", "1") "b\"", 3, "ue_id", 1);
	expect_errors("ue_id,bogus\n", 1, "field 2", 17);
	expect_errors("ue_id,ue_id\n", 1, "ue_id", 17);
	expect_errors("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n", 1,
		      "field 1", 18);
}

#define ROW_AS(id, service, rsi)                                                               \
	id ",sip:" service "@x,sip:d" id "@x,P25," rsi                                         \
	   ",hop-a,,,61440,1,AES-256,00112233445566778899aabbccddeeff00112233445566778899aabb" \
	   "ccddeeff,,,,cmac,10\n"

/* Imports 'text' over the fleet in force, a slot at a time; expects these errors, by line. */
static void expect_foreign(struct world *world, const char *text, bool allow_reassign,
			   const uint64_t *lines, const char *const *columns, uint32_t n_wanted)
{
	const struct fk_import_options options = {.config = world->config,
						  .store = store,
						  .keyring = world->keyring,
						  .fleet = world->fleet,
						  .table = world->table,
						  .allow_plain_keys = true,
						  .allow_reassign = allow_reassign};
	const struct fk_import_error *errors;
	struct fk_import *import = NULL;
	bool done = false;
	uint32_t n;
	enum fk_err err;

	cr_assert_eq(fk_import_begin(&options, &import), FK_OK);
	cr_assert_eq(fk_import_feed(import, text, strlen(text)), FK_OK);
	err = fk_import_check(import);
	while (err == FK_OK && !done)
		err = fk_import_compare(import, 1, &done);
	errors = fk_import_errors(import, &n);
	cr_expect_eq(err, n_wanted == 0 ? FK_OK : FK_EINVAL);
	cr_assert_eq(n, n_wanted, "%u errors", n);
	for (uint32_t i = 0; i < n; i++) {
		cr_expect_eq(errors[i].line, lines[i]);
		cr_expect_str_eq(errors[i].column, columns[i]);
		cr_expect_not_null(strstr(errors[i].reason, "another UE"));
	}
	fk_import_free(import);
}

Test(fleet, what_another_ue_of_the_fleet_has_moves_only_if_that_is_said)
{
	struct world world;

	begin_world(&world);
	import_text(&world, HEADER ROW_AS("a", "s1", "1") ROW_AS("b", "s2", "2"));
	/* The UEs themselves may come again, change their RSI, or go. */
	expect_foreign(&world, HEADER ROW_AS("a", "s1", "1") ROW_AS("c", "s3", "3"), false, NULL,
		       NULL, 0);
	expect_foreign(&world, HEADER ROW_AS("a", "s4", "4"), false, NULL, NULL, 0);
	expect_foreign(&world, HEADER ROW_AS("c", "s3", "2"), false, (const uint64_t[]){2},
		       (const char *const[]){"rsi"}, 1);
	expect_foreign(&world, HEADER ROW_AS("d", "s4", "9") ROW_AS("c", "s2", "3"), false,
		       (const uint64_t[]){3}, (const char *const[]){"mc_service_id"}, 1);
	expect_foreign(&world, HEADER ROW_AS("b", "s1", "9") ROW_AS("a", "s2", "8"), false,
		       (const uint64_t[]){2, 3},
		       (const char *const[]){"mc_service_id", "mc_service_id"}, 2);
	expect_foreign(&world, HEADER ROW_AS("b", "s1", "1") ROW_AS("a", "s2", "2"), true, NULL,
		       NULL, 0);
	end_world(&world);
}

/* Feeds 'text' in that mode, and takes the fleet in force through it a slot at a time. */
static enum fk_err run_update(struct world *world, enum fk_import_mode mode, bool allow_reassign,
			      const char *text, struct fk_import **ret_import,
			      struct fk_import_result *ret_result)
{
	const struct fk_import_options options = {.config = world->config,
						  .store = store,
						  .keyring = world->keyring,
						  .fleet = world->fleet,
						  .table = world->table,
						  .mode = mode,
						  .allow_plain_keys = true,
						  .allow_reassign = allow_reassign};
	bool done = false;
	enum fk_err err;

	cr_assert_eq(fk_import_begin(&options, ret_import), FK_OK);
	err = fk_import_feed(*ret_import, text, strlen(text));
	if (err == FK_OK)
		err = fk_import_check(*ret_import);
	while (err == FK_OK && !done)
		err = fk_import_compare(*ret_import, 1, &done);
	done = false;
	while (err == FK_OK && !done)
		err = fk_import_stage(*ret_import, 1, &done);
	return err == FK_OK ? fk_import_publish(*ret_import, ret_result) : err;
}

static struct fk_import_result update(struct world *world, enum fk_import_mode mode,
				      bool allow_reassign, const char *text)
{
	struct fk_import_result result = {.n_ues = 0};
	struct fk_import *import = NULL;
	uint32_t n;

	cr_assert_eq(run_update(world, mode, allow_reassign, text, &import, &result), FK_OK,
		     "%s: %s", fk_import_errors(import, &n)->column,
		     fk_import_errors(import, &n)->reason);
	fk_import_free(import);
	load(world);
	return result;
}

/* The update is refused with this one error, and the fleet is as before. */
static void expect_no_update(struct world *world, enum fk_import_mode mode, bool allow_reassign,
			     const char *text, uint64_t line, const char *column)
{
	uint64_t generation = fk_fleet_generation(world->fleet);
	struct fk_import_result result;
	const struct fk_import_error *errors;
	struct fk_import *import = NULL;
	uint32_t n;

	cr_expect_eq(run_update(world, mode, allow_reassign, text, &import, &result), FK_EINVAL,
		     "%s", text);
	errors = fk_import_errors(import, &n);
	cr_assert_eq(n, 1, "%u errors: %s", n, text);
	cr_expect_eq(errors[0].line, line, "%s", text);
	cr_expect_str_eq(errors[0].column, column, "%s", text);
	fk_import_free(import);
	load(world);
	cr_expect_eq(fk_fleet_generation(world->fleet), generation);
}

static bool has_ue(const struct world *world, const char *ue_id)
{
	return fk_fleet_find(world->fleet, ue_id) >= 0;
}

Test(fleet, an_update_leaves_everybody_else_as_they_are)
{
	struct fk_import_result result;
	char *text = make_file(500, 5), row[512];
	struct world world;

	begin_world(&world);
	import_text(&world, text);
	*numbers_of(&world, "ue-3") = (struct fk_ue_numbers){100, 90, 80, 1, 0};
	*numbers_of(&world, "ue-4") = (struct fk_ue_numbers){100, 90, 80, 1, 0};
	(void)snprintf(row, sizeof(row), "%s", HEADER);
	(void)put_row(row + strlen(row), sizeof(row) - strlen(row), 3, 6); /* other keys */
	result = update(&world, FK_IMPORT_UPDATE, false, row);
	cr_expect_eq(result.n_ues, 500);
	cr_expect_eq(result.n_added, 0);
	cr_expect_eq(result.n_updated, 1);
	cr_expect_eq(result.n_removed, 0);
	cr_expect_eq(result.n_kept, 500);
	expect_fleet(&world, 500); /* all but the keys' last octets, and those are not looked at */
	cr_expect_eq(numbers_of(&world, "ue-3")->reserved_next, 100);
	cr_expect_eq(numbers_of(&world, "ue-3")->inbound_known, 0, "the protection TEK is new");
	cr_expect_eq(numbers_of(&world, "ue-4")->inbound_known, 1);
	cr_expect_eq(fk_keytable_slot(world.table, (uint32_t)fk_fleet_find(world.fleet, "ue-3"))
			     ->kek[31],
		     6);
	cr_expect_eq(fk_keytable_slot(world.table, (uint32_t)fk_fleet_find(world.fleet, "ue-4"))
			     ->kek[31],
		     5);
	end_world(&world);
	free(text);
}

Test(fleet, ues_are_added_and_removed_one_by_one)
{
	struct fk_import_result result;
	struct world world;

	begin_world(&world);
	result = update(&world, FK_IMPORT_UPDATE, false, HEADER ROW("a", "1") ROW("b", "2"));
	cr_expect_eq(result.n_added, 2, "also to a fleet that is empty");
	result = update(&world, FK_IMPORT_UPDATE, false, HEADER ROW("c", "3") ROW("a", "4"));
	cr_expect_eq(result.n_ues, 3);
	cr_expect_eq(result.n_added, 1);
	cr_expect_eq(result.n_updated, 1);
	cr_expect(has_ue(&world, "a") && has_ue(&world, "b") && has_ue(&world, "c"));
	cr_expect_eq(fk_keytable_find_rsi(fk_keytable_view(world.table), 1), -1);
	result = update(&world, FK_IMPORT_REMOVE, false, "area,ue_id\nx,b\n,c\n");
	cr_expect_eq(result.n_ues, 1);
	cr_expect_eq(result.n_added, 0);
	cr_expect_eq(result.n_updated, 0);
	cr_expect_eq(result.n_removed, 2);
	cr_expect(has_ue(&world, "a") && !has_ue(&world, "b"));
	*numbers_of(&world, "a") = (struct fk_ue_numbers){9, 8, 0, 0, 0};
	(void)update(&world, FK_IMPORT_UPDATE, false, HEADER ROW("b", "2"));
	(void)update(&world, FK_IMPORT_REMOVE, false, "ue_id\na\n");
	(void)update(&world, FK_IMPORT_UPDATE, false, HEADER ROW("z", "4"));
	cr_expect_eq(numbers_of(&world, "z")->reserved_next, 9, "numbers are the RSI's");
	end_world(&world);
}

Test(fleet, what_an_update_cannot_do_is_named_and_changes_nothing)
{
	struct world world;

	begin_world(&world);
	import_text(&world, HEADER ROW_AS("a", "s1", "1") ROW_AS("b", "s2", "2"));
	expect_no_update(&world, FK_IMPORT_UPDATE, false, HEADER, 0, "");
	expect_no_update(&world, FK_IMPORT_UPDATE, false, HEADER ROW_AS("c", "s3", "2"), 2, "rsi");
	expect_no_update(&world, FK_IMPORT_UPDATE, false, HEADER ROW_AS("c", "s2", "3"), 2,
			 "mc_service_id");
	/* That it moves was said, but its owner stays where it is. */
	expect_no_update(&world, FK_IMPORT_UPDATE, true, HEADER ROW_AS("c", "s3", "2"), 2, "rsi");
	expect_no_update(&world, FK_IMPORT_UPDATE, true, HEADER ROW_AS("c", "s2", "3"), 2,
			 "mc_service_id");
	expect_no_update(&world, FK_IMPORT_UPDATE, false,
			 HEADER "c,sip:s3@x,sip:db@x,P25,3,hop-a,,,61440,1,AES-256,"
				"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
				",,,,cmac,10\n",
			 2, "mcdata_id");
	expect_no_update(&world, FK_IMPORT_REMOVE, false, "ue_id\na\nc\n", 3, "ue_id");
	expect_no_update(&world, FK_IMPORT_REMOVE, false, "ue_id\na\na\n", 3, "ue_id");
	expect_no_update(&world, FK_IMPORT_REMOVE, false, "ue_id\na\nb\n", 0, "");
	expect_no_update(&world, FK_IMPORT_REMOVE, false, "rsi\n1\n", 1, "ue_id");
	(void)update(&world, FK_IMPORT_UPDATE, true,
		     HEADER ROW_AS("b", "s1", "1") ROW_AS("a", "s2", "2"));
	cr_expect_eq(fk_keytable_find_rsi(fk_keytable_view(world.table), 1),
		     fk_fleet_find(world.fleet, "b"));
	end_world(&world);
}

#define KEYLESS                                                                               \
	"ue_id,mc_service_id,mcdata_id,lmr_type,rsi,next_hop,area,groups,kek_sln,kek_key_id," \
	"kek_alg,ptek_key_id,ptek_alg,mac,mnp\n"

Test(fleet, a_file_that_is_the_whole_fleet_must_have_its_keys)
{
	expect_errors(KEYLESS, 1, "kek", 2);
}

Test(fleet, an_update_without_keys_keeps_those_that_go_by_the_same_name)
{
	char *text = make_file(5, 5);
	const struct fk_ue_slot *slot;
	struct world world;

	begin_world(&world);
	import_text(&world, text);
	(void)update(&world, FK_IMPORT_UPDATE, false,
		     KEYLESS "ue-1,sip:s1@x,sip:d1@x,P25,2,hop-a,,,61440,1,AES-256,2,AES-256,"
			     "cbc,7\n");
	slot = fk_keytable_slot(world.table, (uint32_t)fk_fleet_find(world.fleet, "ue-1"));
	cr_expect_eq(slot->kek[27], 1);
	cr_expect_eq(slot->ptek[27], 8);
	cr_expect_eq(slot->mnp, 7);
	cr_expect_eq(slot->mac_kind, FK_MAC_CBC);
	cr_expect_eq(slot->next_hop, 0);
	/* Another key ID, another SLN, another protection TEK, and a UE that has none to keep. */
	expect_no_update(&world, FK_IMPORT_UPDATE, false,
			 KEYLESS "ue-1,sip:s1@x,sip:d1@x,P25,2,hop-a,,,61440,9,AES-256,2,AES-256,"
				 "cbc,7\n",
			 2, "kek");
	expect_no_update(&world, FK_IMPORT_UPDATE, false,
			 KEYLESS "ue-1,sip:s1@x,sip:d1@x,P25,2,hop-a,,,61441,1,AES-256,2,AES-256,"
				 "cbc,7\n",
			 2, "kek");
	expect_no_update(&world, FK_IMPORT_UPDATE, false,
			 KEYLESS "ue-1,sip:s1@x,sip:d1@x,P25,2,hop-a,,,61440,1,AES-256,3,AES-256,"
				 "cbc,7\n",
			 2, "ptek");
	expect_no_update(&world, FK_IMPORT_UPDATE, false,
			 KEYLESS "new,sip:s9@x,sip:d9@x,P25,99,hop-a,,,61440,1,AES-256,,,cbc,7\n",
			 2, "kek");
	(void)update(&world, FK_IMPORT_UPDATE, false,
		     KEYLESS "ue-1,sip:s1@x,sip:d1@x,P25,2,hop-a,,,61440,1,AES-256,,,cbc,7\n");
	slot = fk_keytable_slot(world.table, (uint32_t)fk_fleet_find(world.fleet, "ue-1"));
	cr_expect_eq(slot->ptek_algorithm_id, 0, "a protection TEK that is not named goes");
	end_world(&world);
	free(text);
}

Test(fleet, a_fleet_is_the_same_loaded_in_small_steps)
{
	struct world world;
	struct fk_fleet_loader *loader = NULL;
	struct fk_reason reason;
	char *text = make_file(3000, 5);
	uint32_t n_steps = 0, n_done, n_total;
	bool done = false;

	begin_world(&world);
	import_text(&world, text);
	fk_fleet_free(world.fleet);
	fk_keytable_free(world.table);
	cr_assert_eq(fk_fleet_loader_new(store, world.keyring, world.config, &loader, &reason),
		     FK_OK);
	for (; !done; n_steps++)
		cr_assert_eq(fk_fleet_loader_step(loader, 7, &done, &reason), FK_OK);
	fk_fleet_loader_progress(loader, &n_done, &n_total);
	cr_expect_eq(n_done, n_total);
	cr_expect_gt(n_steps, 5);
	fk_fleet_loader_take(loader, &world.fleet, &world.table);
	expect_fleet(&world, 3000);
	/* And one that is given up leaves nothing behind; the sanitizer looks. */
	cr_assert_eq(fk_fleet_loader_new(store, world.keyring, world.config, &loader, &reason),
		     FK_OK);
	cr_assert_eq(fk_fleet_loader_step(loader, 7, &done, &reason), FK_OK);
	cr_expect(!done);
	fk_fleet_loader_free(loader);
	end_world(&world);
	free(text);
}

Test(fleet, a_sweep_in_small_steps_ends_with_what_is_in_force)
{
	struct world world;
	char *text = make_file(3000, 5);
	uint32_t n_steps = 0;
	uint64_t n_keys;
	bool done = false;

	begin_world(&world);
	import_text(&world, text);
	n_keys = strtoull(redis_server_ask(&server, "DBSIZE"), NULL, 10);
	import_text(&world, text);
	import_text(&world, text);
	cr_expect_gt(strtoull(redis_server_ask(&server, "DBSIZE"), NULL, 10), n_keys);
	for (; !done; n_steps++)
		cr_assert_eq(fk_store_sweep_step(store, 10, &done), FK_OK);
	cr_expect_gt(n_steps, 10);
	cr_expect_eq(strtoull(redis_server_ask(&server, "DBSIZE"), NULL, 10), n_keys);
	load(&world);
	expect_fleet(&world, 3000);
	end_world(&world);
	free(text);
}

static struct fk_key_store *open_key_store(struct fk_keyring *keyring, enum fk_err wanted,
					   const char *words)
{
	struct fk_key_store *keys = NULL;
	struct fk_reason reason = {.text = ""};

	cr_expect_eq(fk_key_store_open(store, keyring, &keys, &reason), wanted, "%s", reason.text);
	cr_expect_not_null(strstr(reason.text, words), "%s", reason.text);
	return keys;
}

Test(fleet, the_transport_key_in_force_is_the_one_that_was_made_last)
{
	struct fk_keyring *keyring = test_keyring(1), *other = test_keyring(2);
	struct fk_key_store *keys = open_key_store(keyring, FK_OK, "");
	struct fk_transport_key *key = NULL;
	struct fk_secret first, second;
	uint32_t id = 0;

	cr_expect_eq(fk_transport_key_load(keys, &key), FK_ENOTFOUND);
	cr_assert_eq(fk_transport_key_create(keys, &id, &first), FK_OK);
	cr_expect_eq(id, 1);
	cr_assert_eq(fk_transport_key_create(keys, &id, &second), FK_OK);
	cr_expect_eq(id, 2);
	cr_expect_neq(memcmp(first.octets, second.octets, 32), 0);
	cr_assert_eq(fk_transport_key_load(keys, &key), FK_OK);
	cr_expect_eq(fk_transport_key_id(key), 2);
	fk_transport_key_free(key);
	open_key_store(other, FK_EAUTH, "transport-key");
	redis_server_ask(&server, "HSET fk:keys transport-key damaged");
	cr_expect_eq(fk_transport_key_load(keys, &key), FK_EFORMAT);
	open_key_store(keyring, FK_EFORMAT, "transport-key");
	fk_key_store_free(keys);
	fk_keyring_free(keyring);
	fk_keyring_free(other);
}

static void write_tek(struct fk_key_store *keys, const char *name, uint16_t key_id)
{
	const struct fk_secret tek = {.octets = "thirty-two octets of a key, yes", .size = 32};
	const struct fk_key_put put = {.name = name,
				       .record = {.kind = FK_KEY_TEK,
						  .state = FK_LIFE_ACTIVE,
						  .origin = FK_KEY_GENERATED,
						  .algorithm_id = 0x84,
						  .keyset_id = 1,
						  .key_id = key_id,
						  .sln = 3},
				       .key = &tek};

	cr_assert_eq(fk_key_store_write(keys, &put), FK_OK);
}

Test(keys, states_move_forward_and_stay_after_a_restart)
{
	struct fk_keyring *keyring = test_keyring(1);
	struct fk_key_store *keys = open_key_store(keyring, FK_OK, "");
	struct fk_key_record record;
	struct fk_reason reason = {.text = ""};
	struct fk_secret key = {.size = 0};

	write_tek(keys, "tek:1:0", 77);
	write_tek(keys, "tek:2:0", 78);
	cr_expect_eq(fk_key_store_move(keys, "tek:1:0", FK_LIFE_DESTROYED, &reason), FK_EPOLICY);
	cr_expect_not_null(strstr(reason.text, "active"), "%s", reason.text);
	cr_expect_eq(fk_key_store_move(keys, "tek:9:0", FK_LIFE_COMPROMISED, &reason),
		     FK_ENOTFOUND);
	cr_expect_eq(fk_key_store_move(keys, "tek:1:0", FK_LIFE_COMPROMISED, &reason), FK_OK);
	fk_key_store_free(keys);
	keys = open_key_store(keyring, FK_OK, "");
	cr_assert_eq(fk_key_store_n(keys), 2);
	cr_expect_eq(fk_key_store_find(keys, "tek:1:0")->record.state, FK_LIFE_COMPROMISED);
	cr_expect_eq(fk_key_store_find(keys, "tek:1:0")->record.version, 2);
	cr_expect_eq(fk_key_store_move(keys, "tek:1:0", FK_LIFE_ACTIVE, &reason), FK_EPOLICY);
	cr_assert_eq(fk_key_store_get(keys, "tek:1:0", &record, &key), FK_OK);
	cr_expect_eq(key.size, 32);
	cr_expect_eq(fk_key_store_move(keys, "tek:1:0", FK_LIFE_DESTROYED, &reason), FK_OK);
	fk_key_store_free(keys);
	keys = open_key_store(keyring, FK_OK, "");
	cr_assert_eq(fk_key_store_get(keys, "tek:1:0", &record, &key), FK_OK);
	cr_expect_eq(record.state, FK_LIFE_DESTROYED);
	cr_expect_eq(key.size, 0);
	/* Its key ID is not given out again: a radio may still hold it. */
	cr_expect(fk_key_store_uses_key_id(keys, 77));
	cr_expect_not(fk_key_store_uses_key_id(keys, 79));
	fk_key_store_free(keys);
	fk_keyring_free(keyring);
}

/* Puts the record of 'from' in place of that of 'to', within Redis. */
static void copy_field(const char *from, const char *to)
{
	char script[256];

	(void)snprintf(script, sizeof(script),
		       "redis.call('HSET','fk:keys','%s',redis.call('HGET','fk:keys','%s'))", to,
		       from);
	redis_server_ask(&server, "EVAL %s 0", script);
}

static void save_field(const char *name)
{
	char script[256];

	(void)snprintf(script, sizeof(script),
		       "redis.call('HSET','saved','%s',redis.call('HGET','fk:keys','%s'))", name,
		       name);
	redis_server_ask(&server, "EVAL %s 0", script);
}

static void put_back_field(const char *name)
{
	char script[256];

	(void)snprintf(script, sizeof(script),
		       "redis.call('HSET','fk:keys','%s',redis.call('HGET','saved','%s'))", name,
		       name);
	redis_server_ask(&server, "EVAL %s 0", script);
}

Test(keys, a_record_that_is_put_back_from_an_older_copy_is_named)
{
	struct fk_keyring *keyring = test_keyring(1);
	struct fk_key_store *keys = open_key_store(keyring, FK_OK, "");
	struct fk_key_record record;
	struct fk_reason reason = {.text = ""};
	struct fk_secret key = {.size = 0};

	write_tek(keys, "tek:1:0", 77);
	write_tek(keys, "tek:2:0", 78);
	save_field("tek:1:0");
	cr_assert_eq(fk_key_store_move(keys, "tek:1:0", FK_LIFE_COMPROMISED, &reason), FK_OK);
	put_back_field("tek:1:0");
	cr_expect_eq(fk_key_store_get(keys, "tek:1:0", &record, &key), FK_ESTALE);
	cr_expect_eq(key.size, 0);
	open_key_store(keyring, FK_ESTALE, "key tek:1:0: is version 1, must be 2");
	fk_key_store_free(keys);
	fk_keyring_free(keyring);
}

Test(keys, a_record_that_is_taken_away_or_added_or_another_ones_is_named)
{
	struct fk_keyring *keyring = test_keyring(1);
	struct fk_key_store *keys = open_key_store(keyring, FK_OK, "");

	write_tek(keys, "tek:1:0", 77);
	save_field("tek:1:0");
	save_field("key-versions");
	redis_server_ask(&server, "EVAL %s 0", "redis.call('HDEL','fk:keys','tek:1:0')");
	open_key_store(keyring, FK_ESTALE, "key tek:1:0");
	put_back_field("tek:1:0");
	copy_field("tek:1:0", "tek:5:0");
	open_key_store(keyring, FK_EAUTH, "key tek:5:0");
	redis_server_ask(&server, "EVAL %s 0", "redis.call('HDEL','fk:keys','tek:5:0')");
	write_tek(keys, "tek:2:0", 78);
	put_back_field("key-versions");
	open_key_store(keyring, FK_ESTALE, "key tek:");
	redis_server_ask(&server, "EVAL %s 0", "redis.call('HDEL','fk:keys','key-versions')");
	open_key_store(keyring, FK_ESTALE, "key tek:");
	fk_key_store_free(keys);
	fk_keyring_free(keyring);
}

/* What was put and not committed is not there, and is not taken for there. */
Test(keys, after_a_write_that_failed_everything_is_read_again)
{
	struct fk_keyring *keyring = test_keyring(1);
	struct fk_key_store *keys = open_key_store(keyring, FK_OK, "");
	const struct fk_secret tek = {.octets = "thirty-two octets of a key, yes", .size = 32};
	const struct fk_key_put put = {
		.name = "tek:2:0",
		.record = {.kind = FK_KEY_TEK, .state = FK_LIFE_ACTIVE, .key_id = 78},
		.key = &tek};
	struct fk_reason reason = {.text = ""};

	write_tek(keys, "tek:1:0", 77);
	fk_store_batch_begin(store);
	cr_assert_eq(fk_key_store_put(keys, &put, 1), FK_OK);
	fk_store_batch_abandon(store);
	fk_key_store_written(keys, FK_ESTORE);
	cr_assert_eq(fk_store_reconnect(store, NULL, &reason), FK_OK, "%s", reason.text);
	cr_assert_eq(fk_key_store_refresh(keys, &reason), FK_OK, "%s", reason.text);
	cr_expect_eq(fk_key_store_n(keys), 1);
	cr_expect_null(fk_key_store_find(keys, "tek:2:0"));
	write_tek(keys, "tek:2:0", 78);
	fk_key_store_free(keys);
	keys = open_key_store(keyring, FK_OK, "");
	cr_expect_eq(fk_key_store_n(keys), 2);
	fk_key_store_free(keys);
	fk_keyring_free(keyring);
}

Test(fleet, a_hundred_errors_are_enough)
{
	static char text[sizeof(HEADER) + 300 * 300];
	size_t at = (size_t)snprintf(text, sizeof(text), "%s", HEADER);

	for (int i = 0; i < 200; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s", ROW("a", "0"));
	expect_errors(text, 2, "rsi", FK_IMPORT_ERRORS_MAX);
}

/* They are found in the order of the fleet in force, which is not that of the file. */
Test(fleet, of_more_than_a_hundred_errors_the_first_of_the_file_are_told)
{
	enum {
		N = 300
	};
	static char text[sizeof(HEADER) + N * 300];
	static uint64_t lines[FK_IMPORT_ERRORS_MAX];
	static const char *columns[FK_IMPORT_ERRORS_MAX];
	char *file = make_file(N, 5);
	struct world world;
	size_t at = (size_t)snprintf(text, sizeof(text), "%s", HEADER);

	begin_world(&world);
	import_text(&world, file);
	/* Other UEs, with the MC service IDs of those. */
	for (uint32_t i = 0; i < N; i++)
		at += (size_t)snprintf(
			text + at, sizeof(text) - at,
			"new-%u,sip:s%u@x,sip:new%u@x,P25,%u,hop-a,,,61440,1,AES-256,"
			"%064x,,,,cmac,10\n",
			i, i, i, 5000 + i, i);
	for (uint32_t i = 0; i < FK_IMPORT_ERRORS_MAX; i++) {
		lines[i] = 2 + i;
		columns[i] = "mc_service_id";
	}
	expect_foreign(&world, text, false, lines, columns, FK_IMPORT_ERRORS_MAX);
	free(file);
	end_world(&world);
}

Test(fleet, the_header_may_stand_in_any_order)
{
	struct world world;
	struct fk_import_result result;

	begin_world(&world);
	result = import_text(
		&world,
		"\xef\xbb\xbfmnp,mac,ptek,ptek_alg,ptek_key_id,kek,kek_alg,kek_key_id,kek_sln,"
		"groups,"
		"area,next_hop,rsi,lmr_type,mcdata_id,mc_service_id,ue_id\r\n"
		"10,cmac,,,,00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff,0x84,"
		"0xffff,65535,,,hop-a,9999998,P25,sip:d@x,sip:s@x,\"ue.1\"\r\n");
	cr_expect_eq(result.n_ues, 1);
	cr_expect_eq(result.n_without_ptek, 1);
	cr_expect_geq(fk_fleet_find(world.fleet, "ue.1"), 0);
	cr_expect(fk_fleet_uses_key_id(world.fleet, 0xffff));
	cr_expect(!fk_fleet_uses_key_id(world.fleet, 0));
	end_world(&world);
}

Test(fleet, what_a_ue_takes_is_in_the_fleet_and_in_its_slot)
{
	static const char key[] =
		"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
	char text[2048];
	struct fk_fleet_ue ue;
	struct world world;

	begin_world(&world);
	(void)snprintf(text, sizeof(text),
		       "keysets,outer,max_kmm,max_keys,%s"
		       "2,ofb,300,4,a,sip:a@x,sip:da@x,P25,1,hop-a,,,61440,1,AES-256,%s,,,,cmac,9\n"
		       ",,,,b,sip:b@x,sip:db@x,P25,2,hop-a,,,61440,1,AES-256,%s,,,,cmac,9\n",
		       HEADER, key, key);
	cr_assert_eq(import_text(&world, text).n_ues, 2);
	for (int i = 0; i < 2; i++) {
		int64_t index = fk_fleet_find(world.fleet, i == 0 ? "a" : "b");
		const struct fk_ue_slot *slot;

		cr_assert(fk_fleet_get(world.fleet, (uint32_t)index, &ue));
		slot = fk_keytable_slot(world.table, (uint32_t)index);
		cr_expect_eq(ue.takes.max_kmm, i == 0 ? 300 : 0);
		cr_expect_eq(ue.takes.outer, i == 0 ? FK_OUTER_OFB : FK_OUTER_NONE);
		cr_expect_eq(slot->max_kmm, ue.takes.max_kmm);
		cr_expect_eq(slot->max_keys, i == 0 ? 4 : 0);
		cr_expect_eq(slot->keysets, i == 0 ? 2 : 0);
	}
	end_world(&world);
}

static uint8_t status_of(struct world *world, const char *ue_id)
{
	return fk_fleet_status(world->fleet, (uint32_t)fk_fleet_find(world->fleet, ue_id));
}

static enum fk_err set_status(struct world *world, const char *ue_id, uint8_t status,
			      const char *why)
{
	uint32_t ue_index = (uint32_t)fk_fleet_find(world->fleet, ue_id);
	struct fk_status_entry entry = {.status = status, .since_ms = 1234567890123};

	(void)snprintf(entry.reason, sizeof(entry.reason), "%s", why);
	return fk_status_set(store, world->fleet, &ue_index, 1, &entry);
}

Test(fleet, a_status_stays_with_the_rsi_through_imports_and_absence)
{
	struct world world;
	char *text = make_file(300, 5), *others;
	struct fk_status_entry entries[2];
	const uint32_t rsis[] = {8, 9};

	begin_world(&world);
	(void)import_text(&world, text);
	cr_assert_eq(set_status(&world, "ue-7", FK_UE_LOST, "left in a taxi"), FK_OK);
	cr_assert_eq(set_status(&world, "ue-9", FK_UE_SUSPENDED, ""), FK_OK);
	cr_assert_eq(set_status(&world, "ue-9", FK_UE_ACTIVE, "repaired"), FK_OK);
	cr_expect_eq(status_of(&world, "ue-7"), FK_UE_LOST);
	cr_expect_eq(fk_fleet_n_with_status(world.fleet, FK_UE_LOST), 1);
	cr_expect_eq(fk_fleet_n_with_status(world.fleet, FK_UE_ACTIVE), 299);
	load(&world);
	cr_expect_eq(status_of(&world, "ue-7"), FK_UE_LOST);
	cr_expect_eq(status_of(&world, "ue-8"), FK_UE_ACTIVE);
	cr_expect_eq(status_of(&world, "ue-9"), FK_UE_ACTIVE);
	cr_expect_eq(fk_fleet_n_with_status(world.fleet, FK_UE_ACTIVE), 299);
	(void)import_text(&world, text);
	cr_expect_eq(status_of(&world, "ue-7"), FK_UE_LOST);
	others = make_file(5, 5); /* without ue-7 */
	(void)import_text(&world, others);
	cr_expect_eq(fk_fleet_n_with_status(world.fleet, FK_UE_LOST), 0);
	(void)import_text(&world, text);
	cr_expect_eq(status_of(&world, "ue-7"), FK_UE_LOST);
	cr_assert_eq(fk_status_read(store, rsis, 2, entries), FK_OK);
	cr_expect_eq(entries[0].status, FK_UE_LOST);
	cr_expect_eq(entries[0].since_ms, 1234567890123);
	cr_expect_str_eq(entries[0].reason, "left in a taxi");
	cr_expect_eq(entries[1].status, FK_UE_ACTIVE);
	free(others);
	free(text);
	end_world(&world);
}

Test(fleet, thousands_of_statuses_are_set_together_and_loaded)
{
	struct world world;
	char *text = make_file(6000, 5);
	struct fk_status_entry entry = {.status = FK_UE_SUSPENDED, .reason = "winter"};
	uint32_t ue_indexes[FK_STATUS_SET_MAX], n = 0;
	struct fk_fleet_ue ue;

	begin_world(&world);
	(void)import_text(&world, text);
	for (uint32_t i = 0; n < FK_STATUS_SET_MAX; i++) {
		if (fk_fleet_get(world.fleet, i, &ue))
			ue_indexes[n++] = i;
	}
	cr_assert_eq(fk_status_set(store, world.fleet, ue_indexes, n, &entry), FK_OK);
	cr_expect_eq(fk_fleet_n_with_status(world.fleet, FK_UE_SUSPENDED), n);
	load(&world);
	cr_expect_eq(fk_fleet_n_with_status(world.fleet, FK_UE_SUSPENDED), n);
	free(text);
	end_world(&world);
}

Test(fleet, a_status_that_cannot_be_stored_is_not_in_the_fleet)
{
	struct world world;
	char *text = make_file(20, 5);

	begin_world(&world);
	(void)import_text(&world, text);
	redis_server_kill(&server);
	cr_expect_eq(set_status(&world, "ue-7", FK_UE_LOST, ""), FK_ESTORE);
	cr_expect_eq(status_of(&world, "ue-7"), FK_UE_ACTIVE);
	redis_server_start(&server);
	free(text);
	end_world(&world);
}

/* Loading fails with that error and word; the world has no fleet any more. */
static void expect_load_error(struct world *world, enum fk_err wanted, const char *word)
{
	struct fk_reason reason = {.text = ""};
	struct fk_fleet *fleet = NULL;
	struct fk_keytable_file *table = NULL;

	cr_expect_eq(fk_fleet_load(store, world->keyring, world->config, &fleet, &table, &reason),
		     wanted, "%s", reason.text);
	cr_expect_null(fleet);
	cr_expect_null(table);
	cr_expect_not_null(strstr(reason.text, word), "%s", reason.text);
}

Test(fleet, a_damaged_store_is_refused_and_not_guessed)
{
	struct world world;
	char page_key[64], numbers_key[64];

	begin_world(&world);
	import_text(&world, HEADER ROW("a", "1"));
	(void)snprintf(page_key, sizeof(page_key), "fk:{s%03u}:fleet:1:0",
		       fk_store_shard_of("a", 1));
	(void)snprintf(numbers_key, sizeof(numbers_key), "fk:{s%03u}:numbers:1:0",
		       fk_store_shard_of("a", 1));
	redis_server_ask(&server, "RENAME %s saved", numbers_key);
	expect_load_error(&world, FK_EFORMAT, "numbers");
	redis_server_ask(&server, "RENAME saved %s", numbers_key);
	load(&world);
	redis_server_ask(&server, "HSET fk:status 1 xx");
	expect_load_error(&world, FK_EFORMAT, "status of RSI 1");
	redis_server_ask(&server, "HSET fk:status 77 xx"); /* also of nobody in the fleet */
	redis_server_ask(&server, "HDEL fk:status 1");
	expect_load_error(&world, FK_EFORMAT, "status of RSI 77");
	redis_server_ask(&server, "DEL fk:status");
	load(&world);
	redis_server_ask(&server, "COPY %s saved", page_key);
	redis_server_ask(&server, "SETRANGE %s 80 x", page_key);
	expect_load_error(&world, FK_EAUTH, "page 0");
	redis_server_ask(&server, "SETRANGE %s 0 x", page_key);
	expect_load_error(&world, FK_EFORMAT, "layout");
	redis_server_ask(&server, "DEL %s", page_key);
	expect_load_error(&world, FK_EFORMAT, "missing");
	redis_server_ask(&server, "RENAME saved %s", page_key);
	load(&world);
	redis_server_ask(&server, "HSET fk:fleet:1 n_ues 4294967295");
	expect_load_error(&world, FK_EFORMAT, "damaged");
	redis_server_ask(&server, "HSET fk:fleet:1 n_ues 2");
	expect_load_error(&world, FK_EFORMAT, "UEs");
	redis_server_ask(&server, "HSET fk:fleet:1 n_ues 1 strings_size 3");
	expect_load_error(&world, FK_EFORMAT, "damaged");
	redis_server_ask(&server, "DEL fk:fleet:1");
	expect_load_error(&world, FK_EFORMAT, "damaged");
	end_world(&world);
}

Test(fleet, a_next_hop_that_is_gone_from_the_configuration_is_named)
{
	struct world world;

	begin_world(&world);
	import_text(&world, HEADER ROW("a", "1"));
	strcpy(world.config->next_hops[1].name, "hop-x");
	expect_load_error(&world, FK_EINVAL, "hop-b");
	end_world(&world);
}

/* UEs' own keys */

static uint32_t index_of(struct world *world, const char *ue_id)
{
	int64_t ue_index = fk_fleet_find(world->fleet, ue_id);

	cr_assert_geq(ue_index, 0, "%s", ue_id);
	return (uint32_t)ue_index;
}

static struct fk_own_key own_of(struct world *world, const char *ue_id, enum fk_own_key_kind kind)
{
	return *fk_fleet_own_key(world->fleet, index_of(world, ue_id), kind);
}

static void expect_own(struct world *world, const char *ue_id, enum fk_own_key_kind kind,
		       const char *state, const char *origin, uint16_t version)
{
	struct fk_own_key own = own_of(world, ue_id, kind);

	cr_expect_str_eq(fk_own_key_state_label(&own, fk_key_now_ms()), state, "%s: %s", ue_id,
			 fk_own_key_label(kind));
	cr_expect_str_eq(fk_key_origin_label(own.origin), origin, "%s", ue_id);
	cr_expect_eq(own.version, version, "%s: version %u", ue_id, own.version);
}

/* As the engine does, with nothing open. */
static void compromise(struct world *world, const char *ue_id, enum fk_own_key_kind kind)
{
	struct fk_reason reason = {.text = ""};
	struct fk_renewer *renewer;
	uint32_t ue_index = index_of(world, ue_id);

	cr_assert_eq(fk_renewer_new(store, world->keyring, &renewer), FK_OK);
	cr_assert_eq(fk_renewer_compromise(renewer, world->fleet, ue_index, kind, &reason), FK_OK,
		     "%s", reason.text);
	fk_renewer_free(renewer);
	load(world);
}

static void renew(struct world *world, const char *ue_id, uint16_t key_id)
{
	uint16_t key_ids[FK_STORE_PAGE_UES] = {0};
	struct fk_reason reason = {.text = ""};
	struct fk_renewer *renewer;
	uint32_t ue_index = index_of(world, ue_id);

	key_ids[ue_index % FK_STORE_PAGE_UES] = key_id;
	cr_assert_eq(fk_renewer_new(store, world->keyring, &renewer), FK_OK);
	cr_assert_eq(fk_renew_page(renewer, world->fleet, world->table,
				   ue_index / FK_STORE_PAGE_UES,
				   1ull << ue_index % FK_STORE_PAGE_UES, key_ids, 3600, &reason),
		     FK_OK, "%s", reason.text);
	fk_renewer_free(renewer);
}

/* ue-1 as make_file() has it, with other keys if the salts are others. */
static void put_ue_1(char *text, size_t size, uint32_t kek_salt, uint32_t ptek_salt)
{
	(void)snprintf(text, size,
		       "%sue-1,sip:s1@x,sip:d1@x,P25,2,hop-b,area-1,all;g1,61440,1,AES-256,"
		       "%056x%08x,2,AES-256,%056x%08x,cmac,100\n",
		       HEADER, 1u, kek_salt, 8u, ptek_salt);
}

Test(fleet, a_ues_keys_have_a_version_that_goes_up_when_another_one_comes)
{
	char *text = make_file(5, 5), row[1000];
	uint32_t before_s = (uint32_t)(fk_key_now_ms() / 1000);
	struct world world;

	begin_world(&world);
	world.config->keys.kek_cryptoperiod_s = 1000;
	world.config->keys.ptek_cryptoperiod_s = 2000;
	import_text(&world, text);
	expect_own(&world, "ue-1", FK_OWN_KEK, "active", "imported-plain", 1);
	expect_own(&world, "ue-1", FK_OWN_PTEK, "active", "imported-plain", 1);
	cr_expect_eq(own_of(&world, "ue-1", FK_OWN_KEK).cryptoperiod_s, 1000);
	cr_expect_eq(own_of(&world, "ue-1", FK_OWN_PTEK).cryptoperiod_s, 2000);
	cr_expect_geq(own_of(&world, "ue-1", FK_OWN_PTEK).came_at_s, before_s);
	/* The same ones again, said or not, are no others. */
	world.config->keys.kek_cryptoperiod_s = 7;
	import_text(&world, text);
	put_ue_1(row, sizeof(row), 5, 5);
	(void)update(&world, FK_IMPORT_UPDATE, false, row);
	expect_own(&world, "ue-1", FK_OWN_KEK, "active", "imported-plain", 1);
	cr_expect_eq(own_of(&world, "ue-1", FK_OWN_KEK).cryptoperiod_s, 1000, "it came before");
	put_ue_1(row, sizeof(row), 6, 5);
	(void)update(&world, FK_IMPORT_UPDATE, false, row);
	expect_own(&world, "ue-1", FK_OWN_KEK, "active", "imported-plain", 2);
	expect_own(&world, "ue-1", FK_OWN_PTEK, "active", "imported-plain", 1);
	cr_expect_eq(own_of(&world, "ue-1", FK_OWN_KEK).cryptoperiod_s, 7);
	renew(&world, "ue-1", 99);
	expect_own(&world, "ue-1", FK_OWN_PTEK, "active", "warm-start", 2);
	load(&world);
	expect_own(&world, "ue-1", FK_OWN_PTEK, "active", "warm-start", 2);
	cr_expect_eq(own_of(&world, "ue-1", FK_OWN_PTEK).cryptoperiod_s, 3600);
	expect_own(&world, "ue-2", FK_OWN_PTEK, "active", "imported-plain", 1);
	/* One that goes leaves its version behind. */
	(void)update(&world, FK_IMPORT_UPDATE, false,
		     KEYLESS "ue-1,sip:s1@x,sip:d1@x,P25,2,hop-a,,,61440,1,AES-256,,,cbc,7\n");
	expect_own(&world, "ue-1", FK_OWN_PTEK, "none", "unknown", 2);
	put_ue_1(row, sizeof(row), 6, 5);
	(void)update(&world, FK_IMPORT_UPDATE, false, row);
	expect_own(&world, "ue-1", FK_OWN_PTEK, "active", "imported-plain", 3);
	end_world(&world);
	free(text);
}

Test(fleet, a_compromised_key_is_in_no_key_table_and_does_not_come_back)
{
	static const uint8_t zeros[32] = {0};
	char *text = make_file(100, 5), row[1000];
	const struct fk_ue_slot *slot;
	struct world world;

	begin_world(&world);
	import_text(&world, text);
	compromise(&world, "ue-1", FK_OWN_PTEK);
	expect_own(&world, "ue-1", FK_OWN_PTEK, "compromised", "imported-plain", 1);
	slot = fk_keytable_slot(world.table, index_of(&world, "ue-1"));
	cr_expect_eq(slot->ptek_algorithm_id, 0);
	cr_expect_eq(slot->ptek_compromised, 1);
	cr_expect_arr_eq(slot->ptek, zeros, sizeof(zeros));
	cr_expect_eq(slot->kek_algorithm_id, FK_ALGORITHM_AES_256);
	compromise(&world, "ue-1", FK_OWN_KEK);
	slot = fk_keytable_slot(world.table, index_of(&world, "ue-1"));
	cr_expect_eq(slot->kek_algorithm_id, 0);
	cr_expect_arr_eq(slot->kek, zeros, sizeof(zeros));
	compromise(&world, "ue-1", FK_OWN_KEK); /* may be said again */
	expect_own(&world, "ue-1", FK_OWN_KEK, "compromised", "imported-plain", 1);
	slot = fk_keytable_slot(world.table, index_of(&world, "ue-2"));
	cr_expect_eq(slot->kek_algorithm_id, FK_ALGORITHM_AES_256, "nobody else's");

	/* An update that is about others, or keeps its keys, changes nothing of that. */
	(void)update(&world, FK_IMPORT_UPDATE, false,
		     KEYLESS "ue-2,sip:s2@x,sip:d2@x,P25,3,hop-a,,,61440,2,AES-256,3,AES-256,"
			     "cbc,7\n");
	(void)update(&world, FK_IMPORT_UPDATE, false,
		     KEYLESS "ue-1,sip:s1@x,sip:d1@x,P25,777,hop-a,,,61440,1,AES-256,2,AES-256,"
			     "cbc,9\n");
	expect_own(&world, "ue-1", FK_OWN_KEK, "compromised", "imported-plain", 1);
	expect_own(&world, "ue-1", FK_OWN_PTEK, "compromised", "imported-plain", 1);
	slot = fk_keytable_slot(world.table, index_of(&world, "ue-1"));
	cr_expect_eq(slot->mnp, 9);
	cr_expect_eq(slot->rsi, 777, "not even that it has another RSI");
	cr_expect_eq(slot->kek_algorithm_id, 0);
	cr_expect_eq(slot->ptek_algorithm_id, 0);
	(void)update(&world, FK_IMPORT_UPDATE, false,
		     KEYLESS "ue-1,sip:s1@x,sip:d1@x,P25,2,hop-a,,,61440,1,AES-256,2,AES-256,"
			     "cbc,9\n");

	/* The very same octets are refused, by whatever name, and in a file that is the fleet. */
	put_ue_1(row, sizeof(row), 5, 6);
	expect_no_update(&world, FK_IMPORT_UPDATE, false, row, 2, "kek");
	put_ue_1(row, sizeof(row), 6, 5);
	expect_no_update(&world, FK_IMPORT_UPDATE, false, row, 2, "ptek");
	strcpy(strstr(row, ",2,AES-256,") + 1, "3");
	memcpy(strstr(row, ",3") + 2, ",AES-256,", 9);
	expect_no_update(&world, FK_IMPORT_UPDATE, false, row, 2, "ptek");

	put_ue_1(row, sizeof(row), 6, 6);
	(void)update(&world, FK_IMPORT_UPDATE, false, row);
	expect_own(&world, "ue-1", FK_OWN_KEK, "active", "imported-plain", 2);
	expect_own(&world, "ue-1", FK_OWN_PTEK, "active", "imported-plain", 2);
	slot = fk_keytable_slot(world.table, index_of(&world, "ue-1"));
	cr_expect_eq(slot->kek_algorithm_id, FK_ALGORITHM_AES_256);
	cr_expect_eq(slot->kek[31], 6);
	cr_expect_eq(slot->ptek[31], 6);
	cr_expect_eq(slot->ptek_compromised, 0);
	end_world(&world);
	free(text);
}

Test(fleet, a_renewal_takes_the_place_of_a_compromised_protection_tek)
{
	char *text = make_file(100, 5);
	const struct fk_ue_slot *slot;
	struct world world;

	begin_world(&world);
	import_text(&world, text);
	compromise(&world, "ue-7", FK_OWN_PTEK);
	renew(&world, "ue-7", 4242);
	slot = fk_keytable_slot(world.table, index_of(&world, "ue-7"));
	cr_expect_eq(slot->ptek_algorithm_id, FK_ALGORITHM_AES_256);
	cr_expect_eq(slot->ptek_compromised, 0);
	load(&world);
	expect_own(&world, "ue-7", FK_OWN_PTEK, "active", "warm-start", 2);
	slot = fk_keytable_slot(world.table, index_of(&world, "ue-7"));
	cr_expect_eq(slot->ptek_key_id, 4242);
	cr_expect_eq(slot->ptek_algorithm_id, FK_ALGORITHM_AES_256);
	end_world(&world);
	free(text);
}

Test(fleet, a_redis_that_dies_leaves_a_key_compromised_or_not_and_it_may_be_said_again)
{
	char *text = make_file(10, 5);
	struct fk_reason reason = {.text = ""};
	struct fk_renewer *renewer;
	struct world world;

	begin_world(&world);
	import_text(&world, text);
	cr_assert_eq(fk_renewer_new(store, world.keyring, &renewer), FK_OK);
	redis_server_kill(&server);
	cr_expect_eq(fk_renewer_compromise(renewer, world.fleet, index_of(&world, "ue-3"),
					   FK_OWN_KEK, &reason),
		     FK_ESTORE);
	redis_server_start(&server);
	cr_assert_eq(fk_store_reconnect(store, NULL, NULL), FK_OK);
	cr_expect_eq(fk_renewer_compromise(renewer, world.fleet, index_of(&world, "ue-3"),
					   FK_OWN_KEK, &reason),
		     FK_OK, "%s", reason.text);
	fk_renewer_free(renewer);
	load(&world);
	expect_own(&world, "ue-3", FK_OWN_KEK, "compromised", "imported-plain", 1);
	end_world(&world);
	free(text);
}

/* Schema 5 */

struct aging {
	struct world *world;
	struct copied_page page;
};

/* A record as schema 5 had it. */
static void put_old_record(struct aging *aging, struct fk_wire_writer *w, struct fk_record *record)
{
	uint64_t generation = fk_fleet_generation(aging->world->fleet);
	uint64_t version = (uint64_t)record->rsi << 40 | (uint64_t)record->kek_key_id << 24 |
			   (uint64_t)record->ptek_key_id << 8 | record->ptek_algorithm_id;
	uint8_t keys[FK_RECORD_KEYS_SIZE], sealed[FK_RECORD_SEALED_SIZE];
	uint8_t octets[FK_RECORD_SIZE_MAX];
	size_t size, skipped = FK_OWN_KEYS * FK_OWN_KEY_SIZE;
	char identity[FK_SEAL_IDENTITY_MAX];

	(void)snprintf(identity, sizeof(identity), "ue:%.*s:%" PRIu64, (int)record->ue_id.size,
		       record->ue_id.at, generation);
	cr_assert_eq(fk_record_unseal(aging->world->keyring, generation, record, keys), FK_OK);
	cr_assert_eq(fk_seal(aging->world->keyring, FK_SEAL_UE, identity, version, keys,
			     sizeof(keys), sealed, sizeof(sealed), &size),
		     FK_OK);
	record->sealed_keys = sealed;
	cr_assert_eq(fk_record_encode(record, octets, sizeof(octets), &size), FK_OK);
	fk_wire_put_u16(w, (uint16_t)(size - skipped));
	fk_wire_put_bytes(w, octets, 24);
	fk_wire_put_bytes(w, octets + 24 + skipped, size - 24 - skipped);
}

static enum fk_err age_page(void *ctx, uint32_t page, const uint8_t *octets, size_t size)
{
	struct aging *aging = ctx;
	uint64_t generation = fk_fleet_generation(aging->world->fleet);
	uint32_t version = fk_fleet_page_versions(aging->world->fleet)[page];
	struct fk_wire_writer w =
		fk_page_begin(aging->page.octets, sizeof(aging->page.octets), version);
	struct fk_reason reason = {.text = ""};
	struct fk_wire_reader r;
	uint8_t layout;

	aging->page.octets[0] = FK_RECORD_LAYOUT_OLD;
	cr_assert_eq(fk_page_open(aging->world->keyring, generation, page, version, octets, size,
				  &r, &layout, &reason),
		     FK_OK, "%s", reason.text);
	for (uint32_t i = 0; i < FK_STORE_PAGE_UES; i++) {
		uint16_t record_size = fk_wire_get_u16(&r);
		const uint8_t *record_octets = fk_wire_get_bytes(&r, record_size);
		struct fk_record record;

		if (record_size == 0) {
			fk_wire_put_u16(&w, 0);
			continue;
		}
		cr_assert_eq(fk_record_decode(record_octets, record_size, layout, &record), FK_OK);
		put_old_record(aging, &w, &record);
	}
	cr_assert_eq(fk_page_end(aging->world->keyring, generation, page, &w, &aging->page.size),
		     FK_OK);
	return FK_OK;
}

/* Makes the stored fleet one of schema 5. */
static void age_fleet(struct world *world)
{
	static struct aging aging;

	aging.world = world;
	for (uint32_t page = 0; page < fk_fleet_n_pages(world->fleet); page++) {
		cr_assert_eq(fk_store_read_fleet_pages(store, fk_fleet_generation(world->fleet),
						       fk_fleet_page_shards(world->fleet), page, 1,
						       age_page, &aging),
			     FK_OK);
		fk_store_batch_begin(store);
		fk_store_batch_put_fleet_page(store, fk_fleet_generation(world->fleet),
					      fk_fleet_page_shards(world->fleet)[page], page,
					      aging.page.octets, aging.page.size);
		cr_assert_eq(fk_store_batch_commit(store), FK_OK);
	}
	redis_server_ask(&server, "HSET fk:meta schema 5");
	fk_store_close(store);
	store = redis_server_open_store(&server);
	load(world);
}

Test(fleet, a_fleet_of_schema_5_is_read_and_becomes_the_new_one_where_it_is_written)
{
	char *text = make_file(300, 5), row[1000];
	const struct fk_ue_slot *slot;
	struct world world;
	struct fk_root_source source = begin_stored_world(&world);
	struct fk_reason reason = {.text = ""};

	import_text(&world, text);
	age_fleet(&world);
	expect_fleet(&world, 300);
	expect_own(&world, "ue-1", FK_OWN_KEK, "active", "unknown", 1);
	cr_expect_eq(own_of(&world, "ue-1", FK_OWN_KEK).came_at_s, 0);
	renew(&world, "ue-9", 4242);
	compromise(&world, "ue-8", FK_OWN_KEK);
	expect_own(&world, "ue-9", FK_OWN_PTEK, "active", "warm-start", 2);
	expect_own(&world, "ue-9", FK_OWN_KEK, "active", "unknown", 1);
	expect_own(&world, "ue-8", FK_OWN_KEK, "compromised", "unknown", 1);
	expect_own(&world, "ue-1", FK_OWN_PTEK, "active", "unknown", 1);
	slot = fk_keytable_slot(world.table, index_of(&world, "ue-1"));
	cr_expect_eq(slot->kek[31], 5);
	/* Sealed anew, and imported anew. */
	cr_assert_eq(fk_keys_rotate_sealing(world.keyring, store, &source, &reason), FK_OK);
	reseal_all(&world);
	cr_assert_eq(fk_keys_drop_old_sealings(world.keyring, store, &source, &reason), FK_OK);
	load(&world);
	expect_own(&world, "ue-8", FK_OWN_KEK, "compromised", "unknown", 1);
	put_ue_1(row, sizeof(row), 5, 6);
	(void)update(&world, FK_IMPORT_UPDATE, false, row);
	expect_own(&world, "ue-1", FK_OWN_KEK, "active", "unknown", 1);
	expect_own(&world, "ue-1", FK_OWN_PTEK, "active", "imported-plain", 2);
	expect_own(&world, "ue-8", FK_OWN_KEK, "compromised", "unknown", 1);
	end_world(&world);
	free(text);
}
