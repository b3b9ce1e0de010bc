/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "keys/keyring.h"

#include "../support.h"

static struct fk_keyring *keyring;
static uint8_t sealed[256];
static size_t sealed_size;
static const char secret[] = "these are the octets";

static void make_keyring(void)
{
	keyring = test_keyring(1);
	cr_assert_eq(fk_seal(keyring, FK_SEAL_UE, "ue:1:2", 7, secret, sizeof(secret), sealed,
			     sizeof(sealed), &sealed_size),
		     FK_OK);
}

static void free_keyring(void)
{
	fk_keyring_free(keyring);
}

static enum fk_err open_as(struct fk_keyring *ring, enum fk_seal_purpose purpose,
			   const char *identity, uint64_t version, size_t size)
{
	char plain[256];
	size_t plain_size = 0;
	enum fk_err err = fk_unseal(ring, purpose, identity, version, sealed, size, plain,
				    sizeof(plain), &plain_size);

	if (err == FK_OK) {
		cr_expect_eq(plain_size, sizeof(secret));
		cr_expect_str_eq(plain, secret);
	}
	return err;
}

Test(keyring, what_was_sealed_opens, .init = make_keyring, .fini = free_keyring)
{
	cr_expect_eq(sealed_size, sizeof(secret) + FK_SEAL_OVERHEAD);
	cr_expect_eq(open_as(keyring, FK_SEAL_UE, "ue:1:2", 7, sealed_size), FK_OK);
}

Test(keyring, the_same_octets_are_never_sealed_to_the_same_record, .init = make_keyring,
     .fini = free_keyring)
{
	uint8_t again[256];
	size_t size;

	cr_assert_eq(fk_seal(keyring, FK_SEAL_UE, "ue:1:2", 7, secret, sizeof(secret), again,
			     sizeof(again), &size),
		     FK_OK);
	cr_expect_eq(size, sealed_size);
	cr_expect_arr_neq(again + 5, sealed + 5, 12);
	cr_expect_arr_neq(again + 17, sealed + 17, sizeof(secret));
}

Test(keyring, the_plain_octets_do_not_show, .init = make_keyring, .fini = free_keyring)
{
	cr_expect_null(memmem(sealed, sealed_size, secret, 8));
}

Test(keyring, another_purpose_identity_version_or_kmf_does_not_open, .init = make_keyring,
     .fini = free_keyring)
{
	struct fk_keyring *other = test_keyring(2);

	cr_expect_eq(open_as(keyring, FK_SEAL_KEY, "ue:1:2", 7, sealed_size), FK_EAUTH);
	cr_expect_eq(open_as(keyring, FK_SEAL_UE, "ue:1:3", 7, sealed_size), FK_EAUTH);
	cr_expect_eq(open_as(keyring, FK_SEAL_UE, "ue:1:", 7, sealed_size), FK_EAUTH);
	cr_expect_eq(open_as(keyring, FK_SEAL_UE, "ue:1:2", 8, sealed_size), FK_EAUTH);
	cr_expect_eq(open_as(other, FK_SEAL_UE, "ue:1:2", 7, sealed_size), FK_EAUTH);
	fk_keyring_free(other);
}

Test(keyring, a_changed_octet_does_not_open_and_leaves_nothing, .init = make_keyring,
     .fini = free_keyring)
{
	for (size_t i = 0; i < sealed_size; i++) {
		uint8_t plain[256];
		size_t size = 99;
		enum fk_err err;

		memset(plain, 0xee, sizeof(plain));
		sealed[i] ^= 0x10;
		err = fk_unseal(keyring, FK_SEAL_UE, "ue:1:2", 7, sealed, sealed_size, plain,
				sizeof(plain), &size);
		cr_expect(err == FK_EAUTH || (i == 0 && err == FK_EFORMAT), "octet %zu: %d", i,
			  (int)err);
		cr_expect_null(memmem(plain, sizeof(plain), secret, 8));
		cr_expect_eq(size, 99);
		sealed[i] ^= 0x10;
	}
}

Test(keyring, a_cut_record_does_not_open, .init = make_keyring, .fini = free_keyring)
{
	for (size_t size = 0; size < sealed_size; size++)
		cr_expect_neq(open_as(keyring, FK_SEAL_UE, "ue:1:2", 7, size), FK_OK);
}

Test(keyring, too_little_room_is_refused, .init = make_keyring, .fini = free_keyring)
{
	uint8_t buf[256];
	size_t size;

	cr_expect_eq(fk_seal(keyring, FK_SEAL_UE, "x", 0, secret, sizeof(secret), buf,
			     sizeof(secret) + FK_SEAL_OVERHEAD - 1, &size),
		     FK_EFULL);
	cr_expect_eq(fk_unseal(keyring, FK_SEAL_UE, "ue:1:2", 7, sealed, sealed_size, buf,
			       sizeof(secret) - 1, &size),
		     FK_EFULL);
}

Test(keyring, an_identity_that_is_too_long_is_refused, .init = make_keyring, .fini = free_keyring)
{
	char identity[FK_SEAL_IDENTITY_MAX + 2];
	uint8_t buf[256];
	size_t size;

	memset(identity, 'a', sizeof(identity) - 1);
	identity[sizeof(identity) - 1] = '\0';
	cr_expect_eq(fk_seal(keyring, FK_SEAL_UE, identity, 0, secret, 4, buf, sizeof(buf), &size),
		     FK_EINVAL);
	identity[FK_SEAL_IDENTITY_MAX] = '\0';
	cr_expect_eq(fk_seal(keyring, FK_SEAL_UE, identity, 0, secret, 4, buf, sizeof(buf), &size),
		     FK_OK);
}

Test(keyring, purpose_keys_differ_and_are_the_same_after_a_restart, .init = make_keyring,
     .fini = free_keyring)
{
	static const enum fk_purpose purposes[] = {FK_PURPOSE_INTEGRITY, FK_PURPOSE_TOKEN,
						   FK_PURPOSE_TO_TAG, FK_PURPOSE_REPORT};
	struct fk_keyring *again = test_keyring(1), *other = test_keyring(2);

	for (size_t i = 0; i < 4; i++) {
		const uint8_t *key = fk_keyring_key(keyring, purposes[i]);

		cr_expect_arr_eq(fk_keyring_key(again, purposes[i]), key, 32);
		cr_expect_arr_neq(fk_keyring_key(other, purposes[i]), key, 32);
		for (size_t k = 0; k < i; k++)
			cr_expect_arr_neq(fk_keyring_key(keyring, purposes[k]), key, 32);
	}
	cr_expect_eq(open_as(again, FK_SEAL_UE, "ue:1:2", 7, sealed_size), FK_OK);
	fk_keyring_free(again);
	fk_keyring_free(other);
}

/* The stored record. */

static uint8_t record[FK_KEYRING_RECORD_MAX];
static size_t record_size;
static uint8_t kmf_1[FK_KMF_ID_SIZE];
static struct fk_root *root;

static void make_record(void)
{
	memset(kmf_1, 1, sizeof(kmf_1));
	keyring = test_keyring(1);
	root = test_root(0x33);
	cr_assert_eq(fk_keyring_wrap(keyring, root, record, &record_size, NULL), FK_OK);
}

static void free_record(void)
{
	fk_root_close(root);
	fk_keyring_free(keyring);
}

Test(keyring, another_root_does_not_unwrap_the_record, .init = make_record, .fini = free_record)
{
	struct fk_root *other = test_root(0x34);
	struct fk_keyring *ring = NULL;
	struct fk_reason reason = {.text = ""};

	cr_expect_eq(fk_keyring_unwrap(kmf_1, other, record, record_size, &ring, &reason),
		     FK_EAUTH);
	cr_expect_null(ring);
	cr_expect_not_null(strstr(reason.text, "another root key"), "%s", reason.text);
	fk_root_close(other);
}

Test(keyring, another_kmf_does_not_take_the_record, .init = make_record, .fini = free_record)
{
	struct fk_keyring *ring = NULL;

	kmf_1[15] ^= 1;
	cr_expect_eq(fk_keyring_unwrap(kmf_1, root, record, record_size, &ring, NULL), FK_EAUTH);
	cr_expect_null(ring);
}

/* Takes the key of a purpose out of 'record', as if its version had not had it. */
static void forget_purpose(enum fk_purpose purpose)
{
	static const char label[] = "fleetkey purpose keys";
	size_t entry = 6, size = record_size - FK_KEYRING_MAC_SIZE;

	while (record[entry] != purpose)
		entry += 45;
	memmove(record + entry, record + entry + 45, size - entry - 45);
	record[5]--;
	size -= 45;
	cr_assert_eq(fk_keyring_mac(keyring, label, sizeof(label), record, size, record + size),
		     FK_OK);
	record_size = size + FK_KEYRING_MAC_SIZE;
}

Test(keyring, a_record_from_before_reports_were_signed_gets_its_key, .init = make_record,
     .fini = free_record)
{
	struct fk_keyring *ring = NULL;
	bool is_added = false;

	forget_purpose(FK_PURPOSE_REPORT);
	cr_assert_eq(fk_keyring_unwrap(kmf_1, root, record, record_size, &ring, NULL), FK_OK);
	cr_expect_null(fk_keyring_key(ring, FK_PURPOSE_REPORT));
	cr_assert_eq(fk_keyring_add_missing(ring, &is_added), FK_OK);
	cr_expect(is_added);
	cr_expect_not_null(fk_keyring_key(ring, FK_PURPOSE_REPORT));
	cr_assert_eq(fk_keyring_add_missing(ring, &is_added), FK_OK);
	cr_expect_not(is_added);
	fk_keyring_free(ring);
}

Test(keyring, a_record_without_a_key_that_was_always_there_is_refused, .init = make_record,
     .fini = free_record)
{
	struct fk_keyring *ring = NULL;

	forget_purpose(FK_PURPOSE_TOKEN);
	cr_expect_eq(fk_keyring_unwrap(kmf_1, root, record, record_size, &ring, NULL), FK_EFORMAT);
	cr_expect_null(ring);
}

Test(keyring, a_changed_or_cut_record_is_refused, .init = make_record, .fini = free_record)
{
	struct fk_keyring *ring = NULL;

	for (size_t i = 0; i < record_size; i++) {
		enum fk_err err;

		record[i] ^= 0x01;
		err = fk_keyring_unwrap(kmf_1, root, record, record_size, &ring, NULL);
		cr_expect(err == FK_EAUTH || err == FK_EFORMAT, "octet %zu: %d", i, (int)err);
		record[i] ^= 0x01;
		cr_expect_neq(fk_keyring_unwrap(kmf_1, root, record, i, &ring, NULL), FK_OK);
	}
	cr_expect_null(ring);
	cr_expect_eq(fk_keyring_unwrap(kmf_1, root, record, record_size, &ring, NULL), FK_OK);
	fk_keyring_free(ring);
}

Test(keyring, two_keys_that_change_places_are_noticed, .init = make_record, .fini = free_record)
{
	uint8_t wrapped[FK_ROOT_WRAPPED_SIZE];
	struct fk_keyring *ring = NULL;

	memcpy(wrapped, record + 6 + 5, sizeof(wrapped));
	memcpy(record + 6 + 5, record + 6 + 45 + 5, sizeof(wrapped));
	memcpy(record + 6 + 45 + 5, wrapped, sizeof(wrapped));
	cr_expect_eq(fk_keyring_unwrap(kmf_1, root, record, record_size, &ring, NULL), FK_EAUTH);
	cr_expect_null(ring);
}

Test(keyring, no_purpose_key_shows_in_the_record, .init = make_record, .fini = free_record)
{
	static const enum fk_purpose purposes[] = {FK_PURPOSE_INTEGRITY, FK_PURPOSE_TOKEN,
						   FK_PURPOSE_TO_TAG};

	for (size_t i = 0; i < 3; i++)
		cr_expect_null(
			memmem(record, record_size, fk_keyring_key(keyring, purposes[i]), 8));
}

/* Sealing epochs. */

static void reopen(struct fk_keyring **ring)
{
	uint8_t octets[FK_KEYRING_RECORD_MAX];
	struct fk_root *r = test_root(0x33);
	size_t size;

	memset(kmf_1, 1, sizeof(kmf_1));
	cr_assert_eq(fk_keyring_wrap(*ring, r, octets, &size, NULL), FK_OK);
	fk_keyring_free(*ring);
	*ring = NULL;
	cr_assert_eq(fk_keyring_unwrap(kmf_1, r, octets, size, ring, NULL), FK_OK);
	fk_root_close(r);
}

Test(keyring, a_record_of_an_old_epoch_opens_until_its_key_is_dropped, .init = make_keyring,
     .fini = free_keyring)
{
	uint8_t newer[256];
	size_t newer_size;

	cr_expect_eq(fk_sealed_epoch(sealed, sealed_size), 1);
	cr_assert_eq(fk_keyring_add_sealing(keyring), FK_OK);
	cr_expect_eq(fk_keyring_sealing_epoch(keyring), 2);
	reopen(&keyring);
	cr_expect_eq(fk_keyring_n_sealing_epochs(keyring), 2);
	cr_expect_eq(open_as(keyring, FK_SEAL_UE, "ue:1:2", 7, sealed_size), FK_OK);
	cr_assert_eq(fk_seal(keyring, FK_SEAL_UE, "ue:1:2", 7, secret, sizeof(secret), newer,
			     sizeof(newer), &newer_size),
		     FK_OK);
	cr_expect_eq(fk_sealed_epoch(newer, newer_size), 2);
	fk_keyring_drop_old_sealings(keyring);
	reopen(&keyring);
	cr_expect_eq(fk_keyring_n_sealing_epochs(keyring), 1);
	cr_expect_eq(fk_keyring_sealing_epoch(keyring), 2);
	cr_expect_eq(open_as(keyring, FK_SEAL_UE, "ue:1:2", 7, sealed_size), FK_EAUTH);
	memcpy(sealed, newer, newer_size);
	cr_expect_eq(open_as(keyring, FK_SEAL_UE, "ue:1:2", 7, sealed_size), FK_OK);
}

Test(keyring, an_epoch_that_is_taken_back_seals_nothing, .init = make_keyring, .fini = free_keyring)
{
	uint8_t token[32];

	memcpy(token, fk_keyring_key(keyring, FK_PURPOSE_TOKEN), 32);
	cr_assert_eq(fk_keyring_add_sealing(keyring), FK_OK);
	fk_keyring_take_back_sealing(keyring);
	cr_expect_eq(fk_keyring_sealing_epoch(keyring), 1);
	cr_expect_eq(open_as(keyring, FK_SEAL_UE, "ue:1:2", 7, sealed_size), FK_OK);
	cr_expect_arr_eq(fk_keyring_key(keyring, FK_PURPOSE_TOKEN), token, 32);
}

Test(keyring, there_is_room_for_so_many_epochs, .init = make_keyring, .fini = free_keyring)
{
	for (uint32_t n = 1; n < FK_SEALING_EPOCHS_MAX; n++)
		cr_assert_eq(fk_keyring_add_sealing(keyring), FK_OK);
	cr_expect_eq(fk_keyring_add_sealing(keyring), FK_EBUSY);
	reopen(&keyring);
	cr_expect_eq(fk_keyring_n_sealing_epochs(keyring), FK_SEALING_EPOCHS_MAX);
	cr_expect_eq(open_as(keyring, FK_SEAL_UE, "ue:1:2", 7, sealed_size), FK_OK);
}
