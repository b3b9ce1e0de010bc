/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "fixture.h"
#include "octets.h"

Test(octets, the_first_of_eight_is_the_highest)
{
	static const uint8_t octets[8] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};
	uint8_t back[8];

	cr_assert_eq(fk_be64_load(octets), 0x0123456789abcdef);
	fk_be64_store(back, 0x0123456789abcdef);
	cr_assert_arr_eq(back, octets, sizeof(back));
}

static void expect_digits(uint64_t value, uint32_t len)
{
	char text[18], expected[17];

	memset(text, '#', sizeof(text));
	fk_hex_put(text + 1, value, len);
	snprintf(expected, sizeof(expected), "%016" PRIx64, value);
	cr_assert_arr_eq(text + 1, expected + 16 - len, len, "%u digits of %s: %.*s", len, expected,
			 (int)len, text + 1);
	cr_assert_eq(text[0], '#', "nothing before");
	cr_assert_eq(text[1 + len], '#', "nothing behind");
}

Test(octets, hex_agrees_with_printf_at_every_length)
{
	uint64_t seed = 1, value;

	for (uint32_t i = 0; i < 10000; i++) {
		random_fill(&seed, &value, sizeof(value));
		for (uint32_t len = 1; len <= 16; len++)
			expect_digits(value, len);
	}
	for (uint64_t digit = 0; digit < 16; digit++)
		expect_digits(digit * 0x1111111111111111, 16);
}
