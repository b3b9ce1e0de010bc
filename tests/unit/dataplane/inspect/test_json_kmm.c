/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_json_kmm.c - the fields of all vectors are test_kat.c's; here is what stands around them.
 */
#include <string.h>

#include "fixture.h"
#include "inspect/hex.h"

/* spec: TIA-102.AACA-C-2023 section 14.3, as in tests/vectors */
#define EXAMPLE                                                                                    \
	"1e004da8643ba8712b1d1772008450bc010001842801000000498380289cf635fb68d345d34f62ef063ba4e0" \
	"5cae4756e7d30446d1f07c6eb4e9e0840945372372fb8042a09156f0d4721c08842f6240"
#define TEK "168562453b3e7f618d68b387e0b997e1fb0f264fa83b74e43b172917bd39339f"
#define KEK "494002bf163132a421fbef117f985a0caaddc250a4c21947d593e6c067de402c"
#define MI  "7030f1f76569266700"
/* A Null with message number and MAC, and without its last octet. */
#define CUT_NULL           \
	"000016"           \
	"28"               \
	"643ba8"           \
	"712b1d"           \
	"0007"             \
	"0000000000000000" \
	"08"               \
	"84"               \
	"2f62"
#define NULL_WITH_MAC CUT_NULL "40"
#define ENCRYPTED                                                                                  \
	"6775b1d18abdcf860854df098ea34129132a0e484ccc5cae80080b19f708ae8fb840aa2e3e5ecd03735275fe" \
	"e2880e6ddd00c111428fee39c62bf3c1d2ee3bebbb7c44a5e3c9308c5de917847c17af23"

/* The key-fill port: one key in clear. */
#define CLEAR_KEY "c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf"
#define CLEAR                  \
	"13003580ffffffffffff" \
	"0000800000"           \
	"01842001"             \
	"0000010002" CLEAR_KEY

static struct fk_secret tek, kek;

static void set_key(struct fk_secret *key, const char *hex)
{
	size_t size;

	cr_assert_eq(fk_hex_decode(hex, strlen(hex), key->octets, sizeof(key->octets), &size),
		     FK_OK);
	key->size = (uint32_t)size;
}

static void set_up_keys(void)
{
	set_up();
	set_key(&tek, TEK);
	set_key(&kek, KEK);
}

TestSuite(json_kmm, .init = set_up_keys, .fini = tear_down);

static void inspect(const char *hex)
{
	uint8_t octets[600];
	size_t size;

	cr_assert_eq(fk_hex_decode(hex, strlen(hex), octets, sizeof(octets), &size), FK_OK);
	json_decref(json);
	json = fk_json_kmm(&options, octets, size, 0, &is_ok);
	cr_assert_not_null(json);
}

static void expect_text(const char *text, bool present)
{
	char *dump = json_dumps(json, JSON_COMPACT);

	cr_assert_eq(strstr(dump, text) != NULL, present, "%s in %s", text, dump);
	free(dump);
}

Test(json_kmm, without_keys_nothing_is_said_about_mac_and_keys)
{
	inspect(EXAMPLE);
	cr_assert(is_ok);
	expect_text("\"message_name\":\"Rekey-Command\"", true);
	expect_text("\"key_hex\":\"80289cf635fb68d3", true);
	expect_text("mac_valid", false);
	expect_text("unwrap", false);
	expect_text("preamble", false);
}

Test(json_kmm, a_mac_is_valid_under_its_tek_only)
{
	options.tek = &tek;
	inspect(EXAMPLE);
	cr_assert(is_ok);
	cr_assert(json_is_true(json_object_get(json, "mac_valid")));
	tek.octets[31] ^= 1;
	inspect(EXAMPLE);
	cr_assert_not(is_ok);
	cr_assert(json_is_false(json_object_get(json, "mac_valid")));
}

Test(json_kmm, keys_unwrap_under_their_kek_only_and_are_not_shown)
{
	options.kek = &kek;
	inspect(EXAMPLE);
	cr_assert(is_ok);
	expect_text("\"unwrap\":\"ok\"", true);
	expect_text("unwrap_reason", false);
	expect_text("2a1938cd", false);
	kek.octets[0] ^= 1;
	inspect(EXAMPLE);
	cr_assert_not(is_ok);
	expect_text("\"unwrap\":\"failed\",\"unwrap_reason\":\"does not unwrap under this KEK\"",
		    true);
}

/* A Modify-Key-Command with one AES-128 key: wrapped as in RFC 3394 section 4.1. */
#define AES_128_KEK "000102030405060708090a0b0c0d0e0f"
#define AES_128_KEY_OF(algorithm, decryption_algorithm) \
	"13002c40000001000002"                          \
	"00" decryption_algorithm "50bc"                \
	"01" algorithm "1801"                           \
	"00000249831fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5"

#define AES_128(decryption_algorithm) AES_128_KEY_OF("85", decryption_algorithm)

Test(json_kmm, a_key_that_is_none_of_its_algorithm_fails_and_says_why)
{
	options.kek = &kek;
	set_key(&kek, AES_128_KEK);
	inspect(AES_128_KEY_OF("84", "85"));
	cr_assert_not(is_ok);
	expect_text("not of the size that keys of its algorithm have", true);
	inspect(AES_128_KEY_OF("83", "85"));
	cr_assert_not(is_ok);
	expect_text("Triple DES", true);
}

Test(json_kmm, a_mac_that_names_another_algorithm_is_not_verified)
{
	char example[] = EXAMPLE, *algorithm = example + strlen(EXAMPLE) - 8;

	options.tek = &tek;
	cr_assert_eq(strncmp(algorithm, "84", 2), 0);
	algorithm[1] = '5';
	inspect(example);
	cr_assert_not(is_ok);
	expect_text("\"mac_valid\":null,\"mac_reason\":\"was not verified: it names another", true);
}

Test(json_kmm, a_message_without_a_mac_says_so_when_there_is_a_tek)
{
	options.tek = &tek;
	inspect(AES_128("85"));
	cr_assert(is_ok);
	expect_text("\"mac_reason\":\"the message has none\"", true);
}

Test(json_kmm, a_key_wrapped_by_aes_128_unwraps)
{
	options.kek = &kek;
	set_key(&kek, AES_128_KEK);
	inspect(AES_128("85"));
	cr_assert(is_ok);
	expect_text("\"unwrap\":\"ok\"", true);
	kek.octets[0] ^= 1;
	inspect(AES_128("85"));
	cr_assert_not(is_ok);
	expect_text("does not unwrap under this KEK", true);
}

Test(json_kmm, a_kek_of_the_wrong_size_or_for_another_algorithm_fails_and_says_why)
{
	options.kek = &kek;
	inspect(AES_128("85"));
	cr_assert_not(is_ok);
	expect_text("needs a KEK of 16 octets", true);
	set_key(&kek, AES_128_KEK);
	inspect(EXAMPLE);
	cr_assert_not(is_ok);
	expect_text("needs a KEK of 32 octets", true);
	inspect(AES_128("81"));
	cr_assert_not(is_ok);
	expect_text("is wrapped by another algorithm", true);
}

Test(json_kmm, a_tek_that_verifies_no_mac_fails_and_says_why)
{
	options.tek = &tek;
	tek.size = 16;
	inspect(EXAMPLE);
	cr_assert_not(is_ok);
	expect_text(
		"\"mac_valid\":null,\"mac_reason\":\"was not verified: needs a TEK of 32 octets\"",
		true);
}

Test(json_kmm, the_mac_format_is_shown_as_it_came)
{
	inspect("000016a8000001000002"
		"1772"
		"0102030405060708"
		"0884123400");
	cr_assert(is_ok);
	expect_text("\"mac_format\":0", true);
}

Test(json_kmm, an_encrypted_message_that_no_kmm_can_be_is_refused_without_a_tek)
{
	static uint8_t octets[FK_KMM_PREAMBLE_SIZE + FK_KMM_SIZE_MAX + 1] = {0, 0, 0x84};

	json = fk_json_kmm(&options, octets, sizeof(octets) - 1, 0, &is_ok);
	expect_error(5, "message_indicator");
	json_decref(json);
	octets[5] = 1;
	options.kek = &kek;
	json = fk_json_kmm(&options, octets, sizeof(octets) - 1, 0, &is_ok);
	cr_assert_not(is_ok);
	expect_text("\"not_read\":\"needs a TEK\"", true);
	json_decref(json);
	options.kek = NULL;
	json = fk_json_kmm(&options, octets, sizeof(octets) - 1, 0, &is_ok);
	cr_assert(is_ok);
	json_decref(json);
	json = fk_json_kmm(&options, octets, sizeof(octets), 0, &is_ok);
	expect_error(14, "message_length");
	json_decref(json);
	json = fk_json_kmm(&options, octets, FK_KMM_PREAMBLE_SIZE + FK_KMM_HEADER_SIZE - 1, 0,
			   &is_ok);
	expect_error(14, "message_length");
}

Test(json_kmm, a_key_in_clear_is_withheld)
{
	options.profile |= FK_KMM_PROFILE_WIRED;
	options.kek = &kek;
	inspect(CLEAR);
	cr_assert(is_ok);
	expect_text("\"key_withheld\":true", true);
	expect_text("\"unwrap\":\"not_wrapped\"", true);
	expect_text(CLEAR_KEY, false);
	options.show_clear_keys = true;
	inspect(CLEAR);
	expect_text("\"key_hex\":\"" CLEAR_KEY "\"", true);
}

Test(json_kmm, a_clear_message_is_found_behind_its_preamble)
{
	inspect("0000800000"
		"000000000000000000" EXAMPLE);
	cr_assert(is_ok);
	expect_text("\"message_number\":6002", true);
	expect_text("\"preamble\":{\"version\":0,\"mfid\":0,\"algorithm_id\":128", true);
}

/* spec: P25 sheet 3.7 */
Test(json_kmm, an_encrypted_message_is_read_under_its_tek_only)
{
	inspect("0000842f62" MI ENCRYPTED);
	cr_assert(is_ok);
	expect_text("\"encrypted\":true", true);
	options.tek = &tek;
	inspect("0000842f62" MI ENCRYPTED);
	cr_assert(is_ok);
	expect_text("\"message_number\":6002", true);
	expect_text("\"mac_valid\":true", true);
	expect_text(TEK, false);
	tek.octets[0] ^= 1;
	inspect("0000842f62" MI ENCRYPTED);
	cr_assert_not(is_ok);
}

/* spec: P25 sheet 1.3, 3.7: both begin with two zeros */
Test(json_kmm, a_preamble_and_a_null_are_told_apart_whatever_their_lengths)
{
	for (size_t padding = 0; padding < 140; padding++) {
		char hex[800] = "0000800000000000000000000000" EXAMPLE;
		size_t size = strlen(hex);

		memset(hex + size, '0', 2 * padding);
		inspect(hex);
		cr_assert(is_ok, "%zu octets of padding", padding);
		expect_text("\"message_number\":6002", true);
	}
	inspect("0000840005123456789abcdef000" ENCRYPTED "00000000000000000000000000000000000000000"
		"0000000000000000000000000000000000000000000000000000000000000000000000000000000");
	cr_assert(is_ok);
	expect_text("\"encrypted\":true", true);
	inspect(NULL_WITH_MAC);
	cr_assert(is_ok);
	expect_text("\"message_name\":\"Null\"", true);
	inspect(NULL_WITH_MAC "00");
	cr_assert(is_ok);
	expect_text("\"trailing_octets\":1", true);
	inspect(CUT_NULL);
	expect_error(1, "message_length");
}

Test(json_kmm, an_encrypted_message_names_an_algorithm_and_has_an_indicator_of_its_kind)
{
	inspect("0000ee2f62" MI ENCRYPTED);
	expect_error(2, "algorithm_id");
	inspect("0000842f627030f1f765692667ff" ENCRYPTED);
	expect_error(13, "message_indicator");
	inspect("0000812f62" MI ENCRYPTED);
	cr_assert(is_ok);
}

Test(json_kmm, a_preamble_that_cannot_be_is_refused)
{
	options.tek = &tek;
	inspect("0000842f62"
		"000000000000000000" ENCRYPTED);
	expect_error(5, "message_indicator");
	inspect("0000812f62" MI ENCRYPTED);
	expect_error(2, "algorithm_id");
	tek.size = 16;
	inspect("0000842f62" MI ENCRYPTED);
	expect_error(2, "algorithm_id");
	inspect("0000800000"
		"000000000000000000"
		"1e004d");
	expect_error(17, "message_format");
}

/* spec: P25 sheet 3.7 */
Test(json_kmm, a_preamble_of_another_version_or_mfid_is_an_error_that_names_it)
{
	static const char *const rests[] = {"800000000000000000000000" EXAMPLE,
					    "842f62" MI ENCRYPTED};

	for (size_t i = 0; i < 2; i++) {
		char hex[400];

		snprintf(hex, sizeof(hex), "0100%s", rests[i]);
		inspect(hex);
		expect_error(0, "version");
		snprintf(hex, sizeof(hex), "0090%s", rests[i]);
		inspect(hex);
		expect_error(1, "mfid");
		snprintf(hex, sizeof(hex), "1f90%s", rests[i]);
		inspect(hex);
		expect_error(0, "version");
		snprintf(hex, sizeof(hex), "2000%s", rests[i]);
		inspect(hex);
		cr_assert(is_ok);
		expect_text("\"preamble\":{\"version\":0,\"reserved_bits\":1,", true);
	}
	/* What only announces too much is no preamble. */
	inspect("21ffff80000001000002"
		"0000000000");
	expect_error(1, "message_length");
}

/* spec: P25 sheet 1.2 */
Test(json_kmm, the_reserved_bit_of_the_message_format_is_shown)
{
	inspect("21000782000001000002");
	cr_assert(is_ok);
	expect_text("\"message_format_reserved_bit\":1", true);
	inspect("21000780000001000002");
	expect_text("reserved", false);
}

Test(json_kmm, a_null_message_is_not_taken_for_a_preamble)
{
	inspect("00000780000001000002");
	cr_assert(is_ok);
	expect_text("\"message_name\":\"Null\"", true);
	inspect("000016a8000001000002"
		"1772"
		"0102030405060708"
		"0884123441");
	cr_assert(is_ok);
	expect_text("\"message_name\":\"Null\"", true);
}

Test(json_kmm, octets_behind_the_message_are_counted_not_read)
{
	inspect("21000780000001000002"
		"ffffff");
	cr_assert(is_ok);
	expect_text("\"trailing_octets\":3", true);
}

Test(json_kmm, an_error_says_where_in_the_input)
{
	uint8_t octets[16] = {0x21, 0, 6};

	json = fk_json_kmm(&options, octets, 10, 100, &is_ok);
	expect_error(101, "message_length");
	options.profile = FK_KMM_PROFILE_STRICT;
	inspect("00000780000001000002");
	expect_error(0, "message_id");
	inspect("0d000a20000001000002"
		"1772"
		"07");
	expect_error(12, "inventory_type");
}

Test(json_kmm, text_that_is_not_utf_8_is_shown_in_hexadecimal_digits)
{
	json = fk_json_text("caf\xe9", 4);
	cr_assert_str_eq(json_string_value(json_object_get(json, "hex")), "636166e9");
	json_decref(json);
	json = fk_json_text("caf\xc3\xa9", 5);
	cr_assert_str_eq(json_string_value(json), "caf\xc3\xa9");
}
