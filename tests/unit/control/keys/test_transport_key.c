/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <criterion/criterion.h>
#include <jansson.h>
#include <openssl/evp.h>

#include "keys/tek.h"
#include "keys/transport_key.h"

static struct fk_transport_key *new_key(const struct fk_secret *secret)
{
	struct fk_transport_key *key = NULL;

	cr_assert_eq(fk_transport_key_new(7, secret, &key), FK_OK);
	return key;
}

/* OpenSSL's own key wrap: another implementation than the one under test. */
static void wrap(const struct fk_secret *kek, const uint8_t plain[32], uint8_t ret_wrapped[40])
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n, last;

	EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	cr_assert_gt(EVP_EncryptInit_ex(ctx, EVP_aes_256_wrap(), NULL, kek->octets, NULL), 0);
	cr_assert_gt(EVP_EncryptUpdate(ctx, ret_wrapped, &n, plain, 32), 0);
	cr_assert_gt(EVP_EncryptFinal_ex(ctx, ret_wrapped + n, &last), 0);
	cr_assert_eq(n + last, 40);
	EVP_CIPHER_CTX_free(ctx);
}

static size_t read_hex(const json_t *object, const char *name, uint8_t *octets, size_t cap)
{
	const char *text = json_string_value(json_object_get(object, name));
	size_t size = strlen(text) / 2;

	cr_assert_leq(size, cap);
	for (size_t i = 0; i < size; i++)
		cr_assert_eq(sscanf(text + 2 * i, "%2hhx", &octets[i]), 1);
	return size;
}

Test(transport_key, the_published_vector_unwraps)
{
	json_t *root = json_load_file(FK_VECTORS_DIR "/aes-kw.json", 0, NULL), *item;
	uint32_t n_tried = 0;
	size_t i;

	cr_assert_not_null(root);
	json_array_foreach(json_object_get(root, "cases"), i, item)
	{
		uint8_t wrapped[64], want[64], plain[32];
		struct fk_secret kek;
		struct fk_transport_key *key;

		if (strlen(json_string_value(json_object_get(item, "kek_hex"))) != 64 ||
		    strlen(json_string_value(json_object_get(item, "key_hex"))) != 64)
			continue;
		kek.size = (uint32_t)read_hex(item, "kek_hex", kek.octets, 32);
		cr_assert_eq(read_hex(item, "wrapped_hex", wrapped, 64), 40);
		(void)read_hex(item, "key_hex", want, 64);
		key = new_key(&kek);
		cr_expect_eq(fk_transport_key_unwrap(key, wrapped, plain), FK_OK);
		cr_expect_arr_eq(plain, want, 32);
		fk_transport_key_free(key);
		n_tried++;
	}
	cr_expect_gt(n_tried, 0);
	json_decref(root);
}

Test(transport_key, what_openssl_wrapped_unwraps)
{
	struct fk_secret kek, plain;
	uint8_t wrapped[40], got[32];

	for (uint32_t i = 0; i < 1000; i++) {
		struct fk_transport_key *key;

		cr_assert_eq(fk_tek_generate(&kek), FK_OK);
		cr_assert_eq(fk_tek_generate(&plain), FK_OK);
		wrap(&kek, plain.octets, wrapped);
		key = new_key(&kek);
		cr_assert_eq(fk_transport_key_unwrap(key, wrapped, got), FK_OK);
		cr_assert_arr_eq(got, plain.octets, 32);
		fk_transport_key_free(key);
	}
}

Test(transport_key, every_changed_bit_is_found_and_leaves_no_key)
{
	static const uint8_t zeros[32];
	struct fk_secret kek, plain;
	uint8_t wrapped[40], got[32];
	struct fk_transport_key *key;

	cr_assert_eq(fk_tek_generate(&kek), FK_OK);
	cr_assert_eq(fk_tek_generate(&plain), FK_OK);
	wrap(&kek, plain.octets, wrapped);
	key = new_key(&kek);
	for (uint32_t bit = 0; bit < 320; bit++) {
		wrapped[bit / 8] ^= (uint8_t)(1u << bit % 8);
		memset(got, 1, sizeof(got));
		cr_expect_eq(fk_transport_key_unwrap(key, wrapped, got), FK_EAUTH);
		cr_expect_arr_eq(got, zeros, 32);
		wrapped[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	cr_expect_eq(fk_transport_key_unwrap(key, wrapped, got), FK_OK);
	fk_transport_key_free(key);
}

Test(transport_key, another_key_opens_nothing)
{
	struct fk_secret kek, other, plain;
	uint8_t wrapped[40], got[32];
	struct fk_transport_key *key;

	cr_assert_eq(fk_tek_generate(&kek), FK_OK);
	cr_assert_eq(fk_tek_generate(&other), FK_OK);
	cr_assert_eq(fk_tek_generate(&plain), FK_OK);
	wrap(&other, plain.octets, wrapped);
	key = new_key(&kek);
	cr_expect_eq(fk_transport_key_unwrap(key, wrapped, got), FK_EAUTH);
	cr_expect_eq(fk_transport_key_id(key), 7);
	fk_transport_key_free(key);
}

Test(transport_key, a_key_of_another_size_is_refused)
{
	struct fk_secret kek = {.size = 16};
	struct fk_transport_key *key = NULL;

	cr_expect_eq(fk_transport_key_new(1, &kek, &key), FK_EINVAL);
	cr_expect_null(key);
	fk_transport_key_free(NULL);
}
