/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "inspect/hex.h"

static uint8_t octets[4];
static size_t size;

static enum fk_err decode(const char *text)
{
	size = 4711;
	return fk_hex_decode(text, strlen(text), octets, sizeof(octets), &size);
}

Test(hex, digits_of_either_case_and_white_space_between_octets_are_read)
{
	cr_assert_eq(decode(" 0a FF\t7b\r\n"), FK_OK);
	cr_assert_eq(size, 3);
	cr_assert_arr_eq(octets, ((uint8_t[]){0x0a, 0xff, 0x7b}), 3);
	cr_assert_eq(decode(""), FK_OK);
	cr_assert_eq(size, 0);
}

Test(hex, other_characters_and_half_octets_are_refused)
{
	static const char *const texts[] = {"0", "0a1", "0g", "g0", "0 a0", "0x0a", "0a-"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		cr_assert_eq(decode(texts[i]), FK_EFORMAT, "%s", texts[i]);
		cr_assert_eq(size, 4711);
	}
}

Test(hex, the_first_character_that_is_wrong_is_named)
{
	static const struct {
		const char *text;
		size_t at;
	} texts[] = {
		{"0a FF\n", 6}, {"", 0},      {"0", 0},	     {"0a 1", 3},
		{"0a1g", 3},	{"0a xx", 3}, {"0a 0 a", 3},
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_assert_eq(fk_hex_check(texts[i].text, strlen(texts[i].text)), texts[i].at, "%s",
			     texts[i].text);
}

Test(hex, more_octets_than_fit_are_refused)
{
	cr_assert_eq(decode("00112233"), FK_OK);
	cr_assert_eq(decode("0011223344"), FK_EFULL);
}

Test(hex, what_was_encoded_decodes)
{
	char text[9];

	fk_hex_encode((const uint8_t[]){0x00, 0x9f, 0xa0, 0xff}, 4, text);
	cr_assert_str_eq(text, "009fa0ff");
	cr_assert_eq(decode(text), FK_OK);
	cr_assert_arr_eq(octets, ((uint8_t[]){0x00, 0x9f, 0xa0, 0xff}), 4);
}
