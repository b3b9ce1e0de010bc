/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <criterion/criterion.h>

#include "fleet/numbers.h"
#include "fleet/page.h"
#include "fleet/record.h"

#include "../support.h"

static struct fk_keyring *keyring;
static uint8_t keys[FK_RECORD_KEYS_SIZE], sealed[FK_RECORD_SEALED_SIZE];
static uint8_t buf[FK_RECORD_SIZE_MAX];
static size_t size;
static struct fk_record record;

static void make_record(void)
{
	keyring = test_keyring(1);
	for (size_t i = 0; i < sizeof(keys); i++)
		keys[i] = (uint8_t)(i + 1);
	record = (struct fk_record){
		.rsi = 4711,
		.kek_sln = 61440,
		.kek_key_id = 1,
		.ptek_key_id = 2,
		.mnp = 300,
		.kek_algorithm_id = 0x84,
		.ptek_algorithm_id = 0x84,
		.mac_kind = 1,
		.takes = {.max_kmm = 0x1234, .max_keys = 3, .keysets = 16, .outer = 1},
		.next_hop = 3,
		.area_id = 4,
		.ue_generation = 5,
		.own = {{FK_LIFE_COMPROMISED, FK_KEY_IMPORTED_PLAIN, 0x1234, 1700000000, 86400},
			{FK_LIFE_ACTIVE, FK_KEY_WARM_START, 3, 1700000001, 0}},
		.n_groups = 2,
		.group_ids = {7, 4095},
		.ue_id = {"ue-1", 4},
		.mc_service_id = {"sip:s", 5},
		.mcdata_id = {"sip:d", 5},
		.sealed_keys = sealed,
	};
	cr_assert_eq(fk_record_seal(keyring, 9, &record, keys, sealed), FK_OK);
	cr_assert_eq(fk_record_encode(&record, buf, sizeof(buf), &size), FK_OK);
}

static void free_record(void)
{
	fk_keyring_free(keyring);
}

Test(record, what_is_written_is_read_back, .init = make_record, .fini = free_record)
{
	struct fk_record back;
	uint8_t opened[FK_RECORD_KEYS_SIZE];

	cr_assert_eq(fk_record_decode(buf, size, FK_PAGE_LAYOUT, &back), FK_OK);
	cr_expect_eq(back.rsi, 4711);
	cr_expect_eq(back.kek_sln, 61440);
	cr_expect_eq(back.mnp, 300);
	cr_expect_eq(back.takes.max_kmm, 0x1234);
	cr_expect_eq(back.takes.max_keys, 3);
	cr_expect_eq(back.takes.keysets, 16);
	cr_expect_eq(back.takes.outer, FK_OUTER_OFB);
	cr_expect_eq(back.next_hop, 3);
	cr_expect_eq(back.area_id, 4);
	cr_expect_eq(back.ue_generation, 5);
	cr_expect_not(back.is_old);
	cr_expect_arr_eq(back.own, record.own, sizeof(record.own));
	cr_expect_eq(back.n_groups, 2);
	cr_expect_eq(back.group_ids[1], 4095);
	cr_expect_arr_eq(back.mcdata_id.at, "sip:d", 5);
	cr_assert_eq(fk_record_unseal(keyring, 9, &back, opened), FK_OK);
	cr_expect_arr_eq(opened, keys, sizeof(keys));
}

Test(record, a_cut_or_longer_record_is_refused, .init = make_record, .fini = free_record)
{
	struct fk_record back;

	for (size_t cut = 0; cut < size; cut++)
		cr_expect_neq(fk_record_decode(buf, cut, FK_PAGE_LAYOUT, &back), FK_OK,
			      "%zu octets", cut);
	cr_expect_eq(fk_record_decode(buf, size + 1, FK_PAGE_LAYOUT, &back), FK_EFORMAT);
}

Test(record, a_capability_that_no_import_takes_is_damage, .init = make_record, .fini = free_record)
{
	struct fk_record back;

	record.takes.keysets = FK_KEYSETS_MAX + 1;
	cr_assert_eq(fk_record_encode(&record, buf, sizeof(buf), &size), FK_OK);
	cr_expect_eq(fk_record_decode(buf, size, FK_PAGE_LAYOUT, &back), FK_EFORMAT);
	record.takes.keysets = FK_KEYSETS_MAX;
	record.takes.outer = FK_OUTER_OFB + 1;
	cr_assert_eq(fk_record_encode(&record, buf, sizeof(buf), &size), FK_OK);
	cr_expect_eq(fk_record_decode(buf, size, FK_PAGE_LAYOUT, &back), FK_EFORMAT);
}

Test(record, keys_do_not_open_for_another_ue_generation_rsi_or_key_id, .init = make_record,
     .fini = free_record)
{
	uint8_t opened[FK_RECORD_KEYS_SIZE];
	struct fk_record other = record;

	cr_expect_eq(fk_record_unseal(keyring, 10, &record, opened), FK_EAUTH);
	other.ue_id = (struct fk_record_text){"ue-2", 4};
	cr_expect_eq(fk_record_unseal(keyring, 9, &other, opened), FK_EAUTH);
	other = record;
	other.rsi++;
	cr_expect_eq(fk_record_unseal(keyring, 9, &other, opened), FK_EAUTH);
	other = record;
	other.own[FK_OWN_KEK].state = FK_LIFE_ACTIVE;
	cr_expect_eq(fk_record_unseal(keyring, 9, &other, opened), FK_EAUTH,
		     "a compromised key is not made an active one");
	other = record;
	other.own[FK_OWN_PTEK].version--;
	cr_expect_eq(fk_record_unseal(keyring, 9, &other, opened), FK_EAUTH);
	other = record;
	other.ptek_key_id++;
	cr_expect_eq(fk_record_unseal(keyring, 9, &other, opened), FK_EAUTH);
}

Test(record, a_state_that_no_key_of_a_ue_has_is_damage, .init = make_record, .fini = free_record)
{
	static const uint8_t states[] = {0, FK_LIFE_PRE_ACTIVE, FK_LIFE_DEACTIVATED,
					 FK_LIFE_DESTROYED, 15};
	struct fk_record back, changed;

	for (size_t i = 0; i < sizeof(states); i++) {
		for (int kind = 0; kind < FK_OWN_KEYS; kind++) {
			changed = record;
			changed.own[kind].state = states[i];
			cr_assert_eq(fk_record_encode(&changed, buf, sizeof(buf), &size), FK_OK);
			cr_expect_eq(fk_record_decode(buf, size, FK_PAGE_LAYOUT, &back), FK_EFORMAT,
				     "key %d, state %u", kind, states[i]);
		}
	}
	/* Who has no protection TEK may have had one. */
	changed = record;
	changed.ptek_algorithm_id = 0;
	changed.own[FK_OWN_PTEK] = (struct fk_own_key){.version = 3};
	cr_assert_eq(fk_record_encode(&changed, buf, sizeof(buf), &size), FK_OK);
	cr_assert_eq(fk_record_decode(buf, size, FK_PAGE_LAYOUT, &back), FK_OK);
	cr_expect_eq(back.own[FK_OWN_PTEK].version, 3);
	changed.own[FK_OWN_PTEK].version = 0;
	changed.own[FK_OWN_KEK].version = 0;
	cr_assert_eq(fk_record_encode(&changed, buf, sizeof(buf), &size), FK_OK);
	cr_expect_eq(fk_record_decode(buf, size, FK_PAGE_LAYOUT, &back), FK_EFORMAT);
}

/* As a page of layout 3 has it: nothing is known of the keys, in the record and under the seal. */
Test(record, one_of_the_older_layout_opens_with_keys_of_unknown_origin, .init = make_record,
     .fini = free_record)
{
	static const size_t at = 24, n = FK_OWN_KEYS * FK_OWN_KEY_SIZE;
	uint64_t version = 4711ull << 40 | 1ull << 24 | 2ull << 8 | 0x84;
	uint8_t opened[FK_RECORD_KEYS_SIZE];
	struct fk_record back;
	size_t sealed_size;

	cr_assert_eq(fk_seal(keyring, FK_SEAL_UE, "ue:ue-1:9", version, keys, sizeof(keys), sealed,
			     sizeof(sealed), &sealed_size),
		     FK_OK);
	cr_assert_eq(fk_record_encode(&record, buf, sizeof(buf), &size), FK_OK);
	memmove(buf + at, buf + at + n, size - at - n);
	size -= n;
	cr_assert_eq(fk_record_decode(buf, size, FK_RECORD_LAYOUT_OLD, &back), FK_OK);
	cr_expect(back.is_old);
	cr_expect_eq(back.n_groups, 2);
	cr_expect_eq(back.own[FK_OWN_KEK].state, FK_LIFE_ACTIVE);
	cr_expect_eq(back.own[FK_OWN_KEK].version, 1);
	cr_expect_eq(back.own[FK_OWN_PTEK].state, FK_LIFE_ACTIVE);
	cr_expect_eq(back.own[FK_OWN_PTEK].came_at_s, 0);
	cr_expect_str_eq(fk_key_origin_label(back.own[FK_OWN_PTEK].origin), "unknown");
	cr_assert_eq(fk_record_unseal(keyring, 9, &back, opened), FK_OK);
	cr_expect_arr_eq(opened, keys, sizeof(keys));
	back.is_old = false;
	cr_expect_eq(fk_record_unseal(keyring, 9, &back, opened), FK_EAUTH);
	/* Nor is one of the layout in force taken for it. */
	cr_assert_eq(fk_record_seal(keyring, 9, &record, keys, sealed), FK_OK);
	cr_assert_eq(fk_record_encode(&record, buf, sizeof(buf), &size), FK_OK);
	cr_expect_neq(fk_record_decode(buf, size, FK_RECORD_LAYOUT_OLD, &back), FK_OK);
}

Test(record, keys_do_not_show_in_the_record, .init = make_record, .fini = free_record)
{
	cr_expect_null(memmem(buf, size, keys, 8));
	cr_expect_null(memmem(buf, size, keys + 32, 8));
}

Test(record, the_largest_record_fits_its_limit, .init = make_record, .fini = free_record)
{
	char text[255];

	memset(text, 'a', sizeof(text));
	record.ue_id = (struct fk_record_text){text, FK_UE_ID_SIZE_MAX};
	record.mc_service_id = (struct fk_record_text){text, 255};
	record.mcdata_id = (struct fk_record_text){text, 255};
	record.n_groups = FK_UE_GROUPS_MAX;
	cr_expect_eq(fk_record_encode(&record, buf, sizeof(buf), &size), FK_OK);
	cr_expect_eq(fk_record_encode(&record, buf, size - 1, &size), FK_EFULL);
	record.n_groups = FK_UE_GROUPS_MAX + 1;
	cr_expect_eq(fk_record_encode(&record, buf, sizeof(buf), &size), FK_EINVAL);
}

Test(numbers, a_page_is_read_back_and_a_damaged_one_refused)
{
	struct fk_ue_numbers numbers[FK_STORE_PAGE_UES] = {0}, back[FK_STORE_PAGE_UES];
	uint8_t octets[FK_NUMBERS_PAGE_SIZE];

	numbers[0] = (struct fk_ue_numbers){0x0102, 0x0304, 0x0506, 1, FK_PRESENCE_DEREGISTERED};
	numbers[63] = (struct fk_ue_numbers){0xffff, 1, 2, 0, 0};
	fk_numbers_encode_page(numbers, octets);
	cr_expect_arr_eq(octets, "\1\2\3\4\5\6\1\2", 8);
	cr_assert_eq(fk_numbers_decode_page(octets, sizeof(octets), back), FK_OK);
	cr_expect_arr_eq(back, numbers, sizeof(numbers));
	cr_expect_eq(fk_numbers_decode_page(octets, sizeof(octets) - 1, back), FK_EFORMAT);
	octets[6] = 2;
	cr_expect_eq(fk_numbers_decode_page(octets, sizeof(octets), back), FK_EFORMAT);
	octets[6] = 1;
	octets[7] = FK_PRESENCES;
	cr_expect_eq(fk_numbers_decode_page(octets, sizeof(octets), back), FK_EFORMAT);
}
