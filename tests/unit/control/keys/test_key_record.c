/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <criterion/criterion.h>

#include "keys/key_record.h"

#include "../support.h"

static struct fk_keyring *keyring;
static const struct fk_secret tek = {.octets = "thirty-two octets of a key, yes", .size = 32};
static struct fk_key_record record;
static uint8_t octets[FK_KEY_RECORD_SIZE_MAX];
static size_t size;

static void make_record(void)
{
	keyring = test_keyring(1);
	record = (struct fk_key_record){
		.kind = FK_KEY_TEK,
		.state = FK_LIFE_ACTIVE,
		.origin = FK_KEY_GENERATED,
		.algorithm_id = 0x84,
		.keyset_id = 2,
		.key_id = 0x1234,
		.sln = 17,
		.version = 3,
		.made_at_ms = 1700000000123,
		.cryptoperiod_s = 86400,
	};
	cr_assert_eq(fk_key_record_seal(keyring, "tek:7:0", &record, &tek, octets, &size), FK_OK);
}

static void free_record(void)
{
	fk_keyring_free(keyring);
}

static enum fk_err open_as(const char *name, struct fk_secret *ret_key)
{
	struct fk_key_record opened;
	enum fk_err err = fk_key_record_unseal(keyring, name, octets, size, &opened, ret_key);

	if (err == FK_OK) {
		cr_expect_eq(opened.kind, record.kind);
		cr_expect_eq(opened.state, record.state);
		cr_expect_eq(opened.origin, record.origin);
		cr_expect_eq(opened.algorithm_id, record.algorithm_id);
		cr_expect_eq(opened.keyset_id, record.keyset_id);
		cr_expect_eq(opened.key_id, record.key_id);
		cr_expect_eq(opened.sln, record.sln);
		cr_expect_eq(opened.version, record.version);
		cr_expect_eq(opened.made_at_ms, record.made_at_ms);
		cr_expect_eq(opened.cryptoperiod_s, record.cryptoperiod_s);
	}
	return err;
}

Test(key_record, what_was_sealed_opens_with_all_its_fields, .init = make_record,
     .fini = free_record)
{
	struct fk_secret key = {.size = 0};

	cr_assert_eq(open_as("tek:7:0", &key), FK_OK);
	cr_expect_eq(key.size, 32);
	cr_expect_arr_eq(key.octets, tek.octets, 32);
	cr_expect_null(memmem(octets, size, tek.octets, 8));
}

Test(key_record, no_octet_can_be_changed_and_none_cut_off, .init = make_record, .fini = free_record)
{
	size_t whole = size;

	for (size_t i = 0; i < whole; i++) {
		octets[i] ^= 1;
		cr_expect_neq(open_as("tek:7:0", NULL), FK_OK, "octet %zu", i);
		octets[i] ^= 1;
	}
	for (size = 0; size < whole; size++)
		cr_expect_neq(open_as("tek:7:0", NULL), FK_OK, "%zu octets", size);
}

Test(key_record, a_record_does_not_open_under_another_name, .init = make_record,
     .fini = free_record)
{
	cr_expect_eq(open_as("tek:7:1", NULL), FK_EAUTH);
}

Test(key_record, a_destroyed_key_is_a_record_without_a_key, .init = make_record,
     .fini = free_record)
{
	struct fk_secret key = {.size = 9};

	record.state = FK_LIFE_DESTROYED;
	cr_assert_eq(fk_key_record_seal(keyring, "tek:7:0", &record, &tek, octets, &size), FK_OK);
	cr_expect_eq(size, 2 * FK_KEY_HEAD_SIZE + FK_SEAL_OVERHEAD);
	cr_assert_eq(open_as("tek:7:0", &key), FK_OK);
	cr_expect_eq(key.size, 0);
}

Test(key_record, any_other_state_needs_a_key, .init = make_record, .fini = free_record)
{
	const struct fk_secret empty = {.size = 0};

	cr_expect_eq(fk_key_record_seal(keyring, "tek:7:0", &record, &empty, octets, &size),
		     FK_EINVAL);
}

/* spec: NIST SP 800-57 part 1 §7.3 */
Test(key_record, a_key_only_moves_forward)
{
	static const uint8_t allowed[][2] = {
		{FK_LIFE_PRE_ACTIVE, FK_LIFE_ACTIVE},
		{FK_LIFE_PRE_ACTIVE, FK_LIFE_COMPROMISED},
		{FK_LIFE_PRE_ACTIVE, FK_LIFE_DESTROYED},
		{FK_LIFE_ACTIVE, FK_LIFE_DEACTIVATED},
		{FK_LIFE_ACTIVE, FK_LIFE_COMPROMISED},
		{FK_LIFE_DEACTIVATED, FK_LIFE_COMPROMISED},
		{FK_LIFE_DEACTIVATED, FK_LIFE_DESTROYED},
		{FK_LIFE_COMPROMISED, FK_LIFE_DESTROYED},
	};

	for (unsigned from = 0; from < 256; from++) {
		for (unsigned to = 0; to < 256; to++) {
			bool wanted = false;

			for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
				wanted = wanted || (allowed[i][0] == from && allowed[i][1] == to);
			cr_expect_eq(fk_key_life_may_become((uint8_t)from, (uint8_t)to), wanted,
				     "%u to %u", from, to);
		}
	}
}

Test(key_record, a_key_expires_at_the_end_of_its_cryptoperiod_and_not_before)
{
	struct fk_key_record r = {.state = FK_LIFE_ACTIVE, .made_at_ms = 5000, .cryptoperiod_s = 3};

	cr_expect_eq(fk_key_ends_at_ms(&r), 8000);
	cr_expect_not(fk_key_is_expired(&r, 7999));
	cr_expect_str_eq(fk_key_record_label(&r, 7999), "active");
	cr_expect(fk_key_is_expired(&r, 8000));
	cr_expect_str_eq(fk_key_record_label(&r, 8000), "expired");
	cr_expect_not(fk_key_is_expired(&r, 7000), "a clock that is set back takes it back");
	r.cryptoperiod_s = UINT32_MAX;
	cr_expect_eq(fk_key_ends_at_ms(&r), 5000 + UINT32_MAX * 1000ull);
	r.cryptoperiod_s = 0;
	cr_expect_not(fk_key_is_expired(&r, UINT64_MAX - 1), "not limited");
}

Test(key_record, a_key_that_is_out_of_use_does_not_expire)
{
	struct fk_key_record r = {.made_at_ms = 5000, .cryptoperiod_s = 3};
	static const uint8_t states[] = {FK_LIFE_DEACTIVATED, FK_LIFE_COMPROMISED,
					 FK_LIFE_DESTROYED};

	for (uint32_t i = 0; i < sizeof(states); i++) {
		r.state = states[i];
		cr_expect_not(fk_key_is_expired(&r, 9000));
		cr_expect_str_eq(fk_key_record_label(&r, 9000), fk_key_life_label(states[i]));
	}
}
