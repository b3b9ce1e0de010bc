/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

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

	cr_expect_eq(open_as(keyring, FK_SEAL_TEK, "ue:1:2", 7, sealed_size), FK_EAUTH);
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

Test(keyring, a_root_key_of_another_size_is_refused)
{
	struct fk_secret root = {.size = 16};
	uint8_t kmf_id[FK_KMF_ID_SIZE] = {0};
	struct fk_keyring *ring = NULL;

	cr_expect_eq(fk_keyring_new(&root, kmf_id, &ring, NULL), FK_EINVAL);
	cr_expect_null(ring);
}

Test(keyring, purpose_keys_differ_and_are_the_same_after_a_restart, .init = make_keyring,
     .fini = free_keyring)
{
	struct fk_keyring *again = test_keyring(1), *other = test_keyring(2);

	cr_expect_arr_eq(fk_keyring_token_key(again), fk_keyring_token_key(keyring), 32);
	cr_expect_arr_eq(fk_keyring_to_tag_key(again), fk_keyring_to_tag_key(keyring), 16);
	cr_expect_arr_eq(fk_keyring_ledger_key(again), fk_keyring_ledger_key(keyring), 32);
	cr_expect_arr_neq(fk_keyring_token_key(other), fk_keyring_token_key(keyring), 32);
	cr_expect_arr_neq(fk_keyring_token_key(keyring), fk_keyring_ledger_key(keyring), 32);
	cr_expect_arr_neq(fk_keyring_token_key(keyring), fk_keyring_to_tag_key(keyring), 16);
	cr_expect_eq(open_as(again, FK_SEAL_UE, "ue:1:2", 7, sealed_size), FK_OK);
	fk_keyring_free(again);
	fk_keyring_free(other);
}

/* spec: RFC 5869; HKDF by hand, from HMAC alone: extract with 32 zeros of salt, then one block. */
Test(keyring, the_token_key_is_hkdf_of_the_root_key, .init = make_keyring, .fini = free_keyring)
{
	uint8_t root[32], zeros[32] = {0}, prk[32], block[32], info[64], kmf_id[16];
	size_t size = 0;

	memset(root, 0x5a, sizeof(root));
	memset(kmf_id, 1, sizeof(kmf_id));
	memcpy(info, "fleetkey 1 token\0\0\0\0\0", 21);
	size = 21;
	memcpy(info + size, kmf_id, 16);
	size += 16;
	info[size++] = 1;
	cr_assert_not_null(HMAC(EVP_sha256(), zeros, 32, root, 32, prk, NULL));
	cr_assert_not_null(HMAC(EVP_sha256(), prk, 32, info, size, block, NULL));
	cr_expect_arr_eq(fk_keyring_token_key(keyring), block, 32);
}
