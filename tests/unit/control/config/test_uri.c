/* SPDX-License-Identifier: Apache-2.0 */
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
	cr_expect(!is_refused("sips:alice@example.org:5061;transport=udp?x=y"));
	cr_expect(!is_refused("SIP:a"));
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
		char uri[] = "sip:a?b@c";

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
