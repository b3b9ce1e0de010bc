/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include <fleetkey/link.h>

#include "fleet/keytable.h"

#include "../support.h"

static struct fk_config *config;
static struct fk_keyring *keyring;
static struct fk_keytable_file *file;

static const struct fk_keytable_extent extent = {
	.n_slots = 64, .n_rsi_pages = 2, .text_size = 20, .fleet_generation = 42};

static void make_table(void)
{
	struct fk_reason reason;

	config = test_config();
	keyring = test_keyring(1);
	cr_assert_eq(fk_keytable_new(config, keyring, &extent, &file, &reason), FK_OK, "%s",
		     reason.text);
}

static void free_table(void)
{
	fk_keytable_free(file);
	fk_keyring_free(keyring);
	fk_config_free(config);
}

static const char *text_at(uint32_t offset)
{
	return fk_keytable_text(fk_keytable_view(file)) + offset;
}

Test(keytable, the_header_says_what_the_configuration_says, .init = make_table, .fini = free_table)
{
	const struct fk_keytable *t = fk_keytable_view(file);
	const struct fk_keytable_header *h = &t->header;

	cr_expect_eq(h->magic, FK_KEYTABLE_MAGIC);
	cr_expect_eq(h->abi, FK_LINK_ABI);
	cr_expect_eq(h->n_slots, 64);
	cr_expect_eq(h->fleet_generation, 42);
	cr_expect_eq(h->kmf_rsi, 9999999);
	cr_expect_eq(h->kmf_uri_size, strlen(config->kmf.uri));
	cr_expect_arr_eq(text_at(h->kmf_uri_offset), config->kmf.uri, h->kmf_uri_size);
	cr_expect_arr_eq(h->token_key, fk_keyring_key(keyring, FK_PURPOSE_TOKEN), 32);
	cr_expect_arr_eq(h->to_tag_key, fk_keyring_key(keyring, FK_PURPOSE_TO_TAG), 16);
	cr_expect_eq(h->n_next_hops, 2);
	cr_expect_eq(fk_address_ipv4(&t->next_hops[0].address), 0xc0000201);
	cr_expect_eq(t->next_hops[0].max_datagram, 1150);
	cr_expect_eq(t->next_hops[1].profile, FK_PROFILE_A);
	cr_expect_arr_eq(text_at(t->next_hops[1].psi_offset), "sip:psi@example.org", 19);
}

Test(keytable, the_layout_of_t2_is_handed_on_as_it_is)
{
	static const char layout[] = "lmr_type V p25=2\npayload LV\n";
	const struct fk_keytable_header *h;
	struct fk_reason reason;

	config = test_config();
	keyring = test_keyring(1);
	config->isd.layout = strdup(layout);
	config->isd.layout_size = sizeof(layout) - 1;
	config->next_hops[1].carrier = FK_CARRIER_T2;
	cr_assert_eq(fk_keytable_new(config, keyring, &extent, &file, &reason), FK_OK, "%s",
		     reason.text);
	h = &fk_keytable_view(file)->header;
	cr_expect_eq(h->isd_layout_size, sizeof(layout) - 1);
	cr_expect_arr_eq(text_at(h->isd_layout_offset), layout, sizeof(layout) - 1);
	cr_expect_eq(fk_keytable_view(file)->next_hops[0].carrier, FK_CARRIER_T1);
	cr_expect_eq(fk_keytable_view(file)->next_hops[1].carrier, FK_CARRIER_T2);
	free_table();
}

/* The areas neither overlap nor run out; the dataplane's own check is tested there. */
Test(keytable, areas_lie_behind_each_other, .init = make_table, .fini = free_table)
{
	const struct fk_keytable_header *h = &fk_keytable_view(file)->header;

	cr_expect_geq(h->rsi_pages_of_offset, sizeof(struct fk_keytable));
	cr_expect_geq(h->rsi_pages_offset, h->rsi_pages_of_offset + FK_RSI_PAGES * 4);
	cr_expect_geq(h->ues_offset, h->rsi_pages_offset + 2ull * FK_RSI_PAGE * 4);
	cr_expect_eq(h->ues_offset % 128, 0);
	cr_expect_geq(h->text_offset, h->ues_offset + 64 * sizeof(struct fk_ue_slot));
	cr_expect_leq(h->text_offset + h->text_size, h->size);
}

Test(keytable, a_ue_is_found_by_its_rsi, .init = make_table, .fini = free_table)
{
	cr_assert_eq(fk_keytable_enter_ue(file, 5, 4711, "sip:ue5", 7), FK_OK);
	cr_assert_eq(fk_keytable_enter_ue(file, 6, 9999999, "sip:ue6", 7), FK_OK);
	cr_expect_eq(fk_keytable_find_rsi(fk_keytable_view(file), 4711), 5);
	cr_expect_eq(fk_keytable_find_rsi(fk_keytable_view(file), 9999999), 6);
	cr_expect_eq(fk_keytable_find_rsi(fk_keytable_view(file), 4712), -1);
	cr_expect_eq(fk_keytable_find_rsi(fk_keytable_view(file), 0), -1);
	cr_expect_eq(fk_keytable_slot(file, 5)->mcdata_id_size, 7);
	cr_expect_arr_eq(text_at(fk_keytable_slot(file, 5)->mcdata_id_offset), "sip:ue5", 7);
}

Test(keytable, what_does_not_fit_is_refused, .init = make_table, .fini = free_table)
{
	cr_assert_eq(fk_keytable_enter_ue(file, 0, 1, "sip:a", 5), FK_OK);
	cr_expect_eq(fk_keytable_enter_ue(file, 1, 1, "sip:b", 5), FK_EEXIST);
	cr_expect_eq(fk_keytable_enter_ue(file, 64, 2, "sip:b", 5), FK_ERANGE);
	cr_expect_eq(fk_keytable_enter_ue(file, 1, 0, "sip:b", 5), FK_ERANGE);
	cr_expect_eq(fk_keytable_enter_ue(file, 1, 10000000, "sip:b", 5), FK_ERANGE);
	cr_expect_eq(fk_keytable_enter_ue(file, 1, 2, "", 0), FK_ERANGE);
	cr_expect_eq(fk_keytable_enter_ue(file, 1, 2, "sip:aaaaaaaaaaaaaaaa", 20), FK_EFULL);
	cr_assert_eq(fk_keytable_enter_ue(file, 1, 4096, "sip:b", 5), FK_OK);
	cr_expect_eq(fk_keytable_enter_ue(file, 2, 8192, "sip:c", 5), FK_EFULL);
	cr_expect_null(fk_keytable_slot(file, 64));
}

Test(keytable, a_key_that_is_taken_out_is_wiped_and_a_new_one_comes_in_its_place,
     .init = make_table, .fini = free_table)
{
	static const uint8_t zeros[32] = {0};
	struct fk_ue_slot *slot = fk_keytable_slot(file, 5);
	uint8_t key[32];

	memset(key, 7, sizeof(key));
	cr_assert_eq(fk_keytable_enter_ue(file, 5, 4711, "sip:ue5", 7), FK_OK);
	memset(slot->kek, 1, sizeof(slot->kek));
	memset(slot->ptek, 2, sizeof(slot->ptek));
	slot->kek_algorithm_id = slot->ptek_algorithm_id = 0x84;
	slot->ptek_key_id = 3;
	fk_keytable_take_ptek_out(file, 5);
	cr_expect_eq(slot->ptek_algorithm_id, 0);
	cr_expect_eq(slot->ptek_compromised, 1);
	cr_expect_arr_eq(slot->ptek, zeros, sizeof(zeros));
	cr_expect_eq(slot->kek_algorithm_id, 0x84);
	cr_expect_eq(slot->kek[31], 1);
	fk_keytable_renew_ptek(file, 5, key, 4);
	cr_expect_eq(slot->ptek_algorithm_id, 0x84);
	cr_expect_eq(slot->ptek_compromised, 0);
	cr_expect_arr_eq(slot->ptek, key, sizeof(key));
	fk_keytable_take_kek_out(file, 5);
	cr_expect_eq(slot->kek_algorithm_id, 0);
	cr_expect_arr_eq(slot->kek, zeros, sizeof(zeros));
	cr_expect_eq(slot->ptek_algorithm_id, 0x84);
	/* Nobody's, and none at all. */
	fk_keytable_take_kek_out(file, 6);
	fk_keytable_take_ptek_out(file, 6);
	cr_expect_eq(fk_keytable_slot(file, 6)->ptek_compromised, 0);
	fk_keytable_take_kek_out(file, 64);
}

Test(keytable, an_extent_out_of_range_is_refused, .init = make_table, .fini = free_table)
{
	struct fk_keytable_extent bad = extent;
	struct fk_keytable_file *other = NULL;

	bad.n_slots = FK_UE_INDEX_MAX + 2;
	cr_expect_eq(fk_keytable_new(config, keyring, &bad, &other, NULL), FK_EINVAL);
	bad = extent;
	bad.n_rsi_pages = FK_RSI_PAGES + 1;
	cr_expect_eq(fk_keytable_new(config, keyring, &bad, &other, NULL), FK_EINVAL);
	bad = extent;
	bad.text_size = 64 * 255 + 1;
	cr_expect_eq(fk_keytable_new(config, keyring, &bad, &other, NULL), FK_EINVAL);
	cr_expect_null(other);
}

Test(keytable, whoever_gets_the_descriptor_can_only_read, .init = make_table, .fini = free_table)
{
	size_t size = fk_keytable_view(file)->header.size;
	int fd = fk_keytable_fd(file);

	cr_expect_eq(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
	cr_expect_lt(write(fd, "x", 1), 0);
	cr_expect_lt(ftruncate(fd, 1), 0);
	cr_expect_lt(ftruncate(fd, (off_t)size * 2), 0);
	cr_expect_lt(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
	void *view = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);

	cr_assert_neq(view, MAP_FAILED);
	cr_expect_lt(mprotect(view, size, PROT_READ | PROT_WRITE), 0);
	cr_expect_neq(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	munmap(view, size);
}

Test(keytable, a_freed_table_is_wiped_for_everybody_who_maps_it, .init = make_table)
{
	size_t size = fk_keytable_view(file)->header.size;
	const uint8_t *view = mmap(NULL, size, PROT_READ, MAP_SHARED, fk_keytable_fd(file), 0);

	cr_assert_neq((const void *)view, MAP_FAILED);
	memset(fk_keytable_slot(file, 3)->kek, 0x77, 32);
	fk_keytable_free(file);
	for (size_t i = 0; i < size; i++)
		cr_assert_eq(view[i], 0);
	fk_keyring_free(keyring);
	fk_config_free(config);
}

Test(keytable, a_released_table_stays_for_whoever_maps_it, .init = make_table)
{
	size_t size = fk_keytable_view(file)->header.size;
	const struct fk_keytable *view =
		mmap(NULL, size, PROT_READ, MAP_SHARED, fk_keytable_fd(file), 0);

	cr_assert_neq((const void *)view, MAP_FAILED);
	memset(fk_keytable_slot(file, 3)->kek, 0x77, 32);
	fk_keytable_release(file);
	cr_expect_eq(fk_keytable_ues(view)[3].kek[31], 0x77);
	fk_keyring_free(keyring);
	fk_config_free(config);
}

Test(keytable, a_campaign_is_armed_once_and_disarmed_without_a_trace, .init = make_table,
     .fini = free_table)
{
	static const uint16_t slns[] = {1, 5, 9}, key_ids[] = {2, 3, 4};
	static const uint8_t zeros[sizeof(struct fk_campaign_key) * FK_CAMPAIGN_KEYS_MAX];
	struct fk_secret teks[] = {{.size = 32}, {.size = 32}, {.size = 32}};
	struct fk_campaign_terms terms = {.teks = teks,
					  .slns = slns,
					  .key_ids = key_ids,
					  .generation = 7,
					  .n_keys = 3,
					  .algorithm_id = 0x84,
					  .keyset_id = 1,
					  .pace_per_s = 10,
					  .answer_timeout_ms = 20};
	const struct fk_campaign_block *block = &fk_keytable_view(file)->campaigns[3];

	for (size_t i = 0; i < 3; i++)
		memset(teks[i].octets, 0xab + (int)i, sizeof(teks[i].octets));
	cr_assert_eq(fk_keytable_arm_campaign(file, 3, &terms), FK_OK);
	cr_expect_eq(atomic_load(&block->generation), 7);
	cr_expect_eq(block->n_keys, 3);
	for (size_t i = 0; i < 3; i++) {
		cr_expect_eq(block->keys[i].tek[31], 0xab + i);
		cr_expect_eq(block->keys[i].sln, slns[i]);
		cr_expect_eq(block->keys[i].key_id, key_ids[i]);
	}
	cr_expect_eq(block->pace_per_s, 10);
	cr_expect_eq(fk_keytable_arm_campaign(file, 3, &terms), FK_EBUSY);
	fk_keytable_disarm_campaign(file, 3);
	cr_expect_eq(atomic_load(&block->generation), 0);
	cr_expect_arr_eq(block->keys, zeros, sizeof(zeros));
	cr_expect_eq(fk_keytable_arm_campaign(file, 3, &terms), FK_OK);
	fk_keytable_disarm_campaign(file, FK_CAMPAIGN_SLOTS);
}

Test(keytable, bad_terms_are_refused, .init = make_table, .fini = free_table)
{
	static const uint16_t numbers[FK_CAMPAIGN_KEYS_MAX + 1] = {1};
	struct fk_secret teks[FK_CAMPAIGN_KEYS_MAX + 1] = {{.size = 32}, {.size = 32}};
	struct fk_campaign_terms terms = {
		.teks = teks, .slns = numbers, .key_ids = numbers, .generation = 1, .n_keys = 2};

	cr_expect_eq(fk_keytable_arm_campaign(file, FK_CAMPAIGN_SLOTS, &terms), FK_EINVAL);
	terms.generation = 0;
	cr_expect_eq(fk_keytable_arm_campaign(file, 0, &terms), FK_EINVAL);
	terms.generation = FK_CAMPAIGN_GENERATION_MAX + 1;
	cr_expect_eq(fk_keytable_arm_campaign(file, 0, &terms), FK_EINVAL);
	terms.generation = 1;
	terms.n_keys = FK_CAMPAIGN_KEYS_MAX + 1;
	cr_expect_eq(fk_keytable_arm_campaign(file, 0, &terms), FK_EINVAL);
	terms.n_keys = 2;
	teks[1].size = 16;
	cr_expect_eq(fk_keytable_arm_campaign(file, 0, &terms), FK_EINVAL);
	cr_expect_eq(atomic_load(&fk_keytable_view(file)->campaigns[0].generation), 0);
	terms.n_keys = 0; /* an inventory has none */
	cr_expect_eq(fk_keytable_arm_campaign(file, 0, &terms), FK_OK);
}
