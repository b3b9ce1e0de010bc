/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "config/uri.h"

static bool is_refused(const char *uri)
{
	return fk_uri_refusal(uri, strlen(uri)) != NULL;
}

Test(uri, sip_uris_are_taken)
{
	cr_expect(!is_refused("sip:alice@example.org"));
	cr_expect(!is_refused("sips:alice@example.org:5061;transport=udp"));
	cr_expect(!is_refused("sip:+4930;ext=7@example.org"));
	cr_expect(!is_refused("sip:alice@[2001:db8::1]:5060"));
	cr_expect(!is_refused("sip:a%20b%2f@192.0.2.1"));
	cr_expect(!is_refused("SIP:a"));
}

/* spec: RFC 3261 §25.1 */
Test(uri, what_has_no_host_or_more_than_fits_is_refused)
{
	static const char *const bad[] = {
		"sip:@a",	 "sip:a@",	  "sip:a@b@c",	 "sip:a@b:",	    "sip:a@b:0",
		"sip:a@b:65536", "sip:a@b:99999", "sip:a@b?x=y", "sip:a@b_c",	    "sip:a@-b",
		"sip:a@[::1",	 "sip:a@[]",	  "sip:a@[g::]", "sip:a@b:5060x",   "sip:;a",
		"sip:a%2@b",	 "sip:a%zz@b",	  "sip:%75e@b",	 "sip:a@b:0000005",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect(is_refused(bad[i]), "%s", bad[i]);
}

/* spec: RFC 3261 §19.1.4 */
Test(uri, equal_uris_get_one_spelling)
{
	static const char *const cases[][2] = {
		{"SIP:Alice@Example.ORG", "sip:Alice@example.org"},
		{"sip:a%2fB@H:5060;Tag=X", "sip:a%2FB@h:5060;Tag=X"},
		{"Sips:HOST", "sips:host"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char uri[64];

		(void)snprintf(uri, sizeof(uri), "%s", cases[i][0]);
		fk_uri_settle_case(uri, strlen(uri));
		cr_expect_str_eq(uri, cases[i][1]);
	}
}

Test(uri, other_schemes_and_nothing_are_refused)
{
	cr_expect(is_refused(""));
	cr_expect(is_refused("sip:"));
	cr_expect(is_refused("sips:"));
	cr_expect(is_refused("tel:+4930123456"));
	cr_expect(is_refused("alice@example.org"));
}

Test(uri, what_would_break_a_header_or_xml_is_refused)
{
	static const char bad[] = " <>\"&',\r\n\t\x7f\xc3";

	for (size_t i = 0; i < sizeof(bad) - 1; i++) {
		char uri[] = "sip:a_b@c";

		uri[5] = bad[i];
		cr_expect(is_refused(uri), "octet %02x", (unsigned char)bad[i]);
	}
	cr_expect_not_null(fk_uri_refusal("sip:a\0b", 7));
}

Test(uri, two_hundred_and_fifty_five_octets_fit_and_no_more)
{
	char uri[257];

	memset(uri, 'a', sizeof(uri));
	memcpy(uri, "sip:", 4);
	cr_expect_null(fk_uri_refusal(uri, 255));
	cr_expect_not_null(fk_uri_refusal(uri, 256));
}
