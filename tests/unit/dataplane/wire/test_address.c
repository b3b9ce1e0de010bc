/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "wire/address.h"

static struct fk_address parsed(const char *text)
{
	struct fk_address address;

	cr_assert_eq(fk_address_parse(text, &address), FK_OK, "%s", text);
	return address;
}

/* spec: RFC 5952 §4 */
Test(address, every_form_of_an_address_is_read_and_one_is_written)
{
	static const char *const rows[][2] = {
		{"192.0.2.10", "192.0.2.10"},
		{"2001:db8::10", "2001:db8::10"},
		{"2001:DB8:0:0:0:0:0:10", "2001:db8::10"},
		{"2001:0db8::0010", "2001:db8::10"},
		{"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
		{"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
		{"fe80::1", "fe80::1"},
		{"2001:db8::192.0.2.10", "2001:db8::c000:20a"},
		{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fk_address address = parsed(rows[i][0]);
		char text[FK_ADDRESS_TEXT_SIZE];

		fk_address_format(&address, text);
		cr_assert_str_eq(text, rows[i][1]);
	}
}

Test(address, what_is_none_is_refused_and_changes_nothing)
{
	static const char *const bad[] = {
		"",
		":",
		"2001:db8:::1",
		"2001:db8::1::2",
		"2001:db8::1%eth0",
		"[2001:db8::1]",
		"1:2:3",
		"2001:db8::g",
		"2001:db8::1/64",
		"::ffff:192.0.2.10",
		"::ffff:c000:20a",
		"192.0.2.010",
	};
	struct fk_address address = parsed("2001:db8::4711"), before = address;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert_eq(fk_address_parse(bad[i], &address), FK_EINVAL, "%s", bad[i]);
	cr_assert(fk_address_equal(&address, &before));
}

/* spec: RFC 3261 §25.1 */
Test(address, ipv6_stands_in_brackets_before_a_port)
{
	struct fk_address four = parsed("255.255.255.255");
	struct fk_address six = parsed("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
	char text[FK_HOST_TEXT_SIZE];

	fk_address_format_host(&four, 65535, text);
	cr_assert_str_eq(text, "255.255.255.255:65535");
	fk_address_format_host(&six, 65535, text);
	cr_assert_str_eq(text, "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
}

Test(address, prefixes_count_in_one_way)
{
	struct fk_address a = parsed("192.0.2.10"), b = parsed("192.0.2.200");
	struct fk_address c = parsed("2001:db8::10"), d = parsed("2001:db8:0:1::10");

	cr_assert(fk_address_shares(&a, &b, FK_IPV4_PREFIX + 24));
	cr_assert_not(fk_address_shares(&a, &b, FK_IPV4_PREFIX + 25));
	cr_assert(fk_address_shares(&c, &d, 63));
	cr_assert_not(fk_address_shares(&c, &d, 64));
	cr_assert(fk_address_shares(&c, &c, 128));
	cr_assert(fk_address_shares(&a, &d, 0));
}

Test(address, only_what_a_host_can_have_is_routable)
{
	static const char *const bad[] = {"0.0.0.0", "224.0.0.1", "255.255.255.255", "::",
					  "::1",     "fe80::1",	  "febf::1",	     "ff02::1"};
	static const char *const good[] = {"192.0.2.1", "10.0.0.1", "2001:db8::1", "fd00::1",
					   "fec0::1"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct fk_address address = parsed(bad[i]);

		cr_assert_not(fk_address_is_routable(&address), "%s", bad[i]);
	}
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct fk_address address = parsed(good[i]);

		cr_assert(fk_address_is_routable(&address), "%s", good[i]);
	}
}

Test(address, ipv4_is_told_from_ipv6_and_its_number_comes_back)
{
	struct fk_address four = fk_address_of_ipv4(0xc000020a), none = {{0}};
	struct fk_address six = parsed("2001:db8::c000:20a");

	cr_assert(fk_address_is_ipv4(&four));
	cr_assert_not(fk_address_is_ipv4(&six));
	cr_assert_not(fk_address_is_ipv4(&none));
	cr_assert_eq(fk_address_ipv4(&four), 0xc000020a);
	cr_assert_not(fk_address_is_set(&none));
	cr_assert(fk_address_is_set(&four));
}
