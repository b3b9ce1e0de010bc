/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "crypto/aes_block.h"
#include "crypto/key_wrap.h"
#include "fixture.h"

#define SENTINEL 0x5c

/* What became of one published case. */
enum verdict {
	WRAPPED, /* and unwrapped again */
	FORGED,	 /* refused: not authentic */
	REFUSED, /* a size that is not served */
};

static void expect_untouched(const uint8_t *octets, size_t size, const char *name)
{
	for (size_t i = 0; i < size; i++)
		cr_assert_eq(octets[i], SENTINEL, "%s: octet %zu was written", name, i);
}

static enum verdict run_case(const json_t *test_case)
{
	const char *name = vector_text(test_case, "name"), *reason = NULL;
	uint8_t kek[64], key[64], wrapped[64], out[64];
	size_t kek_size = vector_hex(test_case, "kek_hex", kek, sizeof(kek));
	size_t wrapped_size = vector_hex(test_case, "wrapped_hex", wrapped, sizeof(wrapped));
	enum fk_err err;

	memset(out, SENTINEL, sizeof(out));
	err = fk_key_unwrap(kek, kek_size, wrapped, wrapped_size, out, &reason);
	if (err != FK_OK) {
		cr_assert_not_null(reason, "%s: refused without a reason", name);
		expect_untouched(out, sizeof(out), name);
	}
	if (err == FK_EAUTH) {
		cr_assert(!vector_is_valid(test_case), "%s", name);
		return FORGED;
	}
	if (!vector_is_valid(test_case)) {
		cr_assert_neq(err, FK_OK, "%s", name);
		return REFUSED;
	}
	cr_assert_eq(vector_hex(test_case, "key_hex", key, sizeof(key)), wrapped_size - 8);
	if (err == FK_EUNSUPPORTED) {
		cr_assert(kek_size == 24 || wrapped_size == 32, "%s: %s", name, reason);
		cr_assert_eq(fk_key_wrap(kek, kek_size, key, wrapped_size - 8, out, NULL), err);
		expect_untouched(out, sizeof(out), name);
		return REFUSED;
	}
	cr_assert_eq(err, FK_OK, "%s: %s", name, reason);
	cr_assert_arr_eq(out, key, wrapped_size - 8, "%s: unwraps", name);
	expect_untouched(out + wrapped_size - 8, 16, name);
	cr_assert_eq(fk_key_wrap(kek, kek_size, key, wrapped_size - 8, out, NULL), FK_OK);
	cr_assert_arr_eq(out, wrapped, wrapped_size, "%s: wraps", name);
	return WRAPPED;
}

static void run_vectors(const char *file, uint32_t n_wrapped, uint32_t n_forged, uint32_t n_refused)
{
	json_t *cases = vectors_load(file), *test_case;
	uint32_t n[3] = {0};
	size_t i;

	json_array_foreach(cases, i, test_case) n[run_case(test_case)]++;
	cr_assert_eq(n[WRAPPED], n_wrapped, "%s: %u wrapped", file, n[WRAPPED]);
	cr_assert_eq(n[FORGED], n_forged, "%s: %u forged", file, n[FORGED]);
	cr_assert_eq(n[REFUSED], n_refused, "%s: %u refused", file, n[REFUSED]);
	cr_assert_eq(n_wrapped + n_forged + n_refused, json_array_size(cases), "none left out");
}

/* spec: RFC 3394 §4.1-4.6 */
Test(key_wrap, rfc_3394_passes_and_aes_192_is_refused)
{
	run_vectors("aes-kw.json", 3, 0, 3);
}

/* spec: P25 sheet 3.2 */
Test(key_wrap, p25_wraps_pass_and_forged_or_cut_ones_are_refused)
{
	run_vectors("p25-otar-kek.json", 9, 3, 4);
}

Test(key_wrap, aes_128_and_256_in_every_combination_agree_with_openssl)
{
	static const size_t sizes[] = {16, 32};
	uint64_t seed = 11;

	for (uint32_t i = 0; i < 400; i++) {
		size_t kek_size = sizes[i & 1], key_size = sizes[i >> 1 & 1];
		uint8_t kek[32], key[32], wrapped[40], expected[40], out[32];

		random_fill(&seed, kek, sizeof(kek));
		random_fill(&seed, key, sizeof(key));
		openssl_wrap_any(kek, kek_size, key, key_size, expected);
		cr_assert_eq(fk_key_wrap(kek, kek_size, key, key_size, wrapped, NULL), FK_OK);
		cr_assert_arr_eq(wrapped, expected, key_size + 8);
		cr_assert_eq(fk_key_unwrap(kek, kek_size, wrapped, key_size + 8, out, NULL), FK_OK);
		cr_assert_arr_eq(out, key, key_size);
		wrapped[random_below(&seed, (uint32_t)key_size + 8)] ^= 1;
		cr_assert_eq(fk_key_unwrap(kek, kek_size, wrapped, key_size + 8, out, NULL),
			     FK_EAUTH);
	}
}

Test(key_wrap, every_size_but_those_of_aes_128_and_256_is_refused_with_the_field_and_the_reason)
{
	uint8_t kek[64] = {0}, key[64] = {0}, out[72];

	for (size_t size = 0; size <= 64; size++) {
		const enum fk_err expected = size == 24 ? FK_EUNSUPPORTED : FK_EINVAL;
		const char *reason = "";

		if (size == 16 || size == 32)
			continue;
		memset(out, SENTINEL, sizeof(out));
		cr_assert_eq(fk_key_wrap(kek, size, key, 32, out, &reason), expected);
		cr_assert(strncmp(reason, "KEK has ", 8) == 0, "%s", reason);
		cr_assert_eq(fk_key_wrap(kek, 32, key, size, out, &reason), expected);
		cr_assert(strncmp(reason, "key has ", 8) == 0, "%s", reason);
		cr_assert_eq(fk_key_unwrap(kek, 32, key, size + 8, out, &reason), expected);
		cr_assert(strncmp(reason, "key has ", 8) == 0, "%s", reason);
		cr_assert_eq(fk_key_unwrap(kek, size, key, 40, out, &reason), expected);
		cr_assert(strncmp(reason, "KEK has ", 8) == 0, "%s", reason);
		expect_untouched(out, sizeof(out), "a refused size");
	}
	for (size_t size = 0; size < 8; size++)
		cr_assert_eq(fk_key_unwrap(kek, 32, key, size, out, NULL), FK_EINVAL);
}

static json_t *legacy_cases(void)
{
	json_error_t error;
	json_t *root = json_load_file(FK_VECTORS_DIR "/p25-otar-kek.json", 0, &error);

	cr_assert_not_null(root, "%s", error.text);
	return json_object_get(root, "legacy_cases");
}

/* spec: P25 sheet 2.1, 3.2 */
Test(key_wrap, the_legacy_cases_of_des_and_triple_des_are_refused_by_algorithm_and_by_size)
{
	json_t *cases = legacy_cases(), *test_case;
	size_t i, size = 0;

	cr_assert_eq(json_array_size(cases), 2);
	json_array_foreach(cases, i, test_case)
	{
		const char *name = vector_text(test_case, "name"), *reason = NULL;
		uint8_t id = strstr(name, "ALGID 83") != NULL ? 0x83 : 0x81;
		uint8_t kek[32], wrapped[40], out[40];
		size_t kek_size = vector_hex(test_case, "kek_hex", kek, sizeof(kek));
		size_t wrapped_size =
			vector_hex(test_case, "wrapped_hex", wrapped, sizeof(wrapped));

		cr_assert_eq(fk_key_wrap_key_size(id, &size, &reason), FK_EUNSUPPORTED);
		cr_assert_not_null(strstr(reason, "DES"), "%s: %s", name, reason);
		cr_assert_neq(fk_key_unwrap(kek, kek_size, wrapped, wrapped_size, out, &reason),
			      FK_OK);
	}
	cr_assert_eq(size, 0, "nothing was written");
}

Test(key_wrap, every_algorithm_id_has_a_size_or_a_reason)
{
	uint32_t n_sizes = 0, n_unsupported = 0;

	for (uint32_t id = 0; id < 256; id++) {
		const char *reason = NULL;
		size_t size = 0;
		enum fk_err err = fk_key_wrap_key_size((uint8_t)id, &size, &reason);

		cr_assert_eq(err == FK_OK, reason == NULL);
		cr_assert_eq(err == FK_OK, size != 0);
		n_sizes += err == FK_OK;
		n_unsupported += err == FK_EUNSUPPORTED;
	}
	cr_assert_eq(n_sizes, 2);
	cr_assert_eq(n_unsupported, 5);
	cr_assert_eq(fk_key_wrap_key_size(0x42, &(size_t){0}, NULL), FK_EINVAL);
}

/* spec: FIPS 197 appendix C.1, C.3 */
Test(aes_block, known_answers_both_ways)
{
	static const uint8_t answers[2][16] = {
		{0x69, 0xc4, 0xe0, 0xd8, 0x6a, 0x7b, 0x04, 0x30, 0xd8, 0xcd, 0xb7, 0x80, 0x70, 0xb4,
		 0xc5, 0x5a},
		{0x8e, 0xa2, 0xb7, 0xca, 0x51, 0x67, 0x45, 0xbf, 0xea, 0xfc, 0x49, 0x90, 0x4b, 0x49,
		 0x60, 0x89},
	};
	uint8_t key[32], plain[16];

	for (uint32_t i = 0; i < 32; i++)
		key[i] = (uint8_t)i;
	for (uint32_t i = 0; i < 16; i++)
		plain[i] = (uint8_t)(0x11 * i);
	for (uint32_t i = 0; i < 2; i++) {
		struct fk_aes_schedule schedule;
		uint8_t block[16];

		fk_aes_schedule_init(&schedule, key, 16 + 16 * i);
		memcpy(block, plain, 16);
		fk_aes_block_encrypt(&schedule, block);
		cr_assert_arr_eq(block, answers[i], 16);
		fk_aes_block_decrypt(&schedule, block);
		cr_assert_arr_eq(block, plain, 16);
	}
}
