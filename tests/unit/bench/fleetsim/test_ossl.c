/* SPDX-License-Identifier: Apache-2.0 */
/* test_ossl.c - the fleet's cryptography against the published vectors. */
#include <string.h>

#include <criterion/criterion.h>
#include <jansson.h>

#include <fleetkey/secret.h>

#include "fixture.h"
#include "ossl.h"

static struct fk_ossl *ossl;

static void setup(void)
{
	cr_assert_eq(fk_ossl_new(&ossl), FK_OK);
}

static void teardown(void)
{
	fk_ossl_free(ossl);
}

TestSuite(ossl, .init = setup, .fini = teardown);

static size_t get_hex(const json_t *o, const char *name, uint8_t *buf, size_t cap)
{
	const char *text = json_string_value(json_object_get(o, name));
	size_t n = text == NULL ? 0 : strlen(text) / 2;

	cr_assert_leq(n, cap, "%s", name);
	for (size_t i = 0; i < n; i++) {
		unsigned octet = 0;

		cr_assert_eq(sscanf(text + 2 * i, "%2x", &octet), 1);
		buf[i] = (uint8_t)octet;
	}
	return n;
}

static json_t *load(const char *name)
{
	char path[512];
	json_error_t error;
	json_t *root;

	snprintf(path, sizeof(path), "%s/%s", FK_VECTORS_DIR, name);
	root = json_load_file(path, 0, &error);
	cr_assert_not_null(root, "%s: %s", path, error.text);
	return root;
}

/* spec: P25 sheet 3.2 */
Test(ossl, unwraps_what_the_standard_and_the_shared_vectors_wrap)
{
	json_t *root = load("p25-otar-kek.json"), *c;
	size_t i, n_valid = 0, n_refused = 0;

	json_array_foreach(json_object_get(root, "cases"), i, c)
	{
		uint8_t kek[64], wrapped[128], key[64], out[32] = {0};
		const char *name = json_string_value(json_object_get(c, "name"));
		size_t key_size = get_hex(c, "key_hex", key, sizeof(key));

		/* fleetsim's radios carry 256-bit keys under 256-bit KEKs, nothing else. */
		if (get_hex(c, "kek_hex", kek, sizeof(kek)) != 32 ||
		    get_hex(c, "wrapped_hex", wrapped, sizeof(wrapped)) != 40)
			continue;
		if (json_is_true(json_object_get(c, "valid"))) {
			cr_assert_eq(key_size, 32);
			cr_assert_eq(fk_ossl_unwrap(ossl, kek, wrapped, out), FK_OK, "%s", name);
			cr_assert(fk_ct_equal(out, key, 32), "%s", name);
			n_valid++;
		} else {
			cr_assert_eq(fk_ossl_unwrap(ossl, kek, wrapped, out), FK_EAUTH, "%s", name);
			cr_assert(fk_ct_equal(out, (uint8_t[32]){0}, 32), "%s", name);
			n_refused++;
		}
	}
	cr_assert_geq(n_valid, 6);
	cr_assert_geq(n_refused, 1);
	json_decref(root);
}

Test(ossl, any_changed_bit_of_a_wrapped_key_is_refused)
{
	uint8_t kek[32] = {1, 2, 3}, key[32] = {4, 5, 6}, wrapped[40], out[32];

	wrap_key(kek, key, wrapped);
	cr_assert_eq(fk_ossl_unwrap(ossl, kek, wrapped, out), FK_OK);
	for (uint32_t bit = 0; bit < 8 * sizeof(wrapped); bit++) {
		wrapped[bit / 8] ^= (uint8_t)(1u << bit % 8);
		cr_assert_eq(fk_ossl_unwrap(ossl, kek, wrapped, out), FK_EAUTH);
		wrapped[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

static void check_macs(const char *file, uint8_t format)
{
	json_t *root = load(file), *c;
	size_t i, n_valid = 0, n_altered = 0;

	json_array_foreach(json_object_get(root, "cases"), i, c)
	{
		uint8_t tek[32], frame[FK_KMM_SIZE_MAX], received[8], correct[8], mac[8];
		const char *name = json_string_value(json_object_get(c, "name"));
		size_t size = get_hex(c, "frame_hex", frame, sizeof(frame));

		cr_assert_eq(get_hex(c, "mac_tek_hex", tek, sizeof(tek)), 32);
		cr_assert_eq(get_hex(c, "received_mac_hex", received, 8), 8);
		cr_assert_eq(fk_ossl_mac(ossl, tek, frame, size, format, mac), FK_OK, "%s", name);
		if (get_hex(c, "correct_mac_hex", correct, 8) == 8)
			cr_assert(fk_ct_equal(mac, correct, 8), "%s", name);
		if (json_is_true(json_object_get(c, "valid"))) {
			cr_assert(fk_ct_equal(mac, received, 8), "%s", name);
			n_valid++;
		} else {
			cr_assert_not(fk_ct_equal(mac, received, 8), "%s", name);
			n_altered++;
		}
	}
	cr_assert_geq(n_valid, 3);
	cr_assert_geq(n_altered, 1);
	json_decref(root);
}

/* spec: P25 sheet 3.5 */
Test(ossl, cmac_of_every_vector)
{
	check_macs("p25-otar-mac-cmac.json", FK_KMM_MAC_FORMAT_CMAC);
}

/* spec: P25 sheet 3.4 */
Test(ossl, cbc_mac_of_every_vector)
{
	check_macs("p25-otar-mac-cbc.json", FK_KMM_MAC_FORMAT_CBC);
}

Test(ossl, frames_without_room_for_a_mac_and_unknown_formats_are_refused)
{
	uint8_t tek[32] = {0}, frame[FK_KMM_SIZE_MAX + 1] = {0}, mac[8];

	for (size_t size = 0; size < FK_KMM_HEADER_SIZE + FK_KMM_MAC_BLOCK_SIZE; size++)
		cr_assert_eq(fk_ossl_mac(ossl, tek, frame, size, FK_KMM_MAC_FORMAT_CMAC, mac),
			     FK_EINVAL);
	cr_assert_eq(fk_ossl_mac(ossl, tek, frame, sizeof(frame), FK_KMM_MAC_FORMAT_CMAC, mac),
		     FK_EINVAL);
	cr_assert_eq(fk_ossl_mac(ossl, tek, frame, 80, 0x42, mac), FK_EUNSUPPORTED);
}
