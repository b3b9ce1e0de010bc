/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "support.h"
#include "wire/sip_refusal.h"

static char headers[FK_SIP_ANSWER_HEADERS_MAX];
static struct fk_sip_message message;
static uint8_t *input;

static void tear_down(void)
{
	free(input);
}

TestSuite(sip_refusal, .fini = tear_down);

/* The status for a request of this method and URI, with more headers. */
static uint16_t refusal(const char *method, const char *uri, const char *version, const char *more)
{
	char text[2048];
	int n = snprintf(text, sizeof(text),
			 "%s %s %s\r\n"
			 "Via: SIP/2.0/UDP h;branch=z9hG4bK1\r\n"
			 "From: <sip:a>;tag=1\r\nTo: <sip:b>\r\nCall-ID: c\r\nCSeq: 1 %s\r\n%s\r\n",
			 method, uri, version, method, more);
	enum fk_err err;

	cr_assert_lt(n, (int)sizeof(text));
	free(input);
	input = exact_copy(text, (size_t)n);
	err = fk_sip_parse(input, (size_t)n, &message);
	return fk_sip_refusal(&message, err);
}

static uint16_t refusal_of(const char *method)
{
	return refusal(method, "sip:kmf@a", "SIP/2.0", "");
}

Test(sip_refusal, message_and_options_are_served)
{
	cr_assert_eq(refusal_of("MESSAGE"), 0);
	cr_assert_eq(refusal_of("OPTIONS"), 0);
	cr_assert_null(fk_sip_answer_headers(&message, 400, headers));
}

/* spec: RFC 3261 §8.2.1 */
Test(sip_refusal, known_methods_get_405_with_allow_and_unknown_ones_501)
{
	static const char *const known[] = {"INVITE", "BYE",  "REGISTER", "SUBSCRIBE", "NOTIFY",
					    "REFER",  "INFO", "UPDATE",	  "PRACK",     "PUBLISH"};
	static const char *const unknown[] = {"invite", "INVITED", "Message", "X", "OPTION"};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		cr_assert_eq(refusal_of(known[i]), 405, "%s", known[i]);
	cr_assert_str_eq(fk_sip_answer_headers(&message, 405, headers),
			 "Allow: MESSAGE, OPTIONS\r\n");
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		cr_assert_eq(refusal_of(unknown[i]), 501, "%s", unknown[i]);
	cr_assert_str_eq(fk_sip_answer_headers(&message, 501, headers),
			 "Allow: MESSAGE, OPTIONS\r\n");
}

/* spec: RFC 4475 §3.1.2.17, §3.1.2.18 */
Test(sip_refusal, an_unknown_method_is_told_so_before_what_else_is_wrong)
{
	cr_assert_eq(refusal("X", "<sip:a>", "SIP/2.0", ""), 501);
	cr_assert_eq(refusal("X", "sip:a", "SIP/2.0", "To: <sip:c>\r\n"), 501);
	cr_assert_eq(refusal("X@", "sip:a", "SIP/2.0", ""), 400);
	cr_assert_eq(refusal("INVITE", "<sip:a>", "SIP/2.0", ""), 400);
	cr_assert_eq(refusal("CANCEL", "<sip:a>", "SIP/2.0", ""), 400);
}

/* spec: RFC 3261 §9.2, §17.1.1.3 */
Test(sip_refusal, a_cancel_gets_481_and_an_ack_nothing)
{
	cr_assert_eq(refusal_of("CANCEL"), 481);
	cr_assert_eq(refusal_of("ACK"), 0);
	cr_assert_eq(refusal("ACK", "<sip:a>", "SIP/2.0", ""), 0);
	cr_assert_eq(refusal("ACK", "sip:a", "SIP/3.0", ""), 0);
}

Test(sip_refusal, another_version_gets_505_before_anything_else)
{
	cr_assert_eq(refusal("MESSAGE", "sip:a", "SIP/3.0", ""), 505);
	cr_assert_eq(refusal("X", "isbn:1", "SIP/2.01", "Require: a\r\n"), 505);
}

/* spec: RFC 3261 §8.2.2.1 */
Test(sip_refusal, another_uri_scheme_gets_416)
{
	cr_assert_eq(refusal("MESSAGE", "tel:+1555", "SIP/2.0", ""), 416);
	cr_assert_eq(refusal("MESSAGE", "sips:kmf@a", "SIP/2.0", ""), 416);
	cr_assert_eq(refusal("OPTIONS", "sip", "SIP/2.0", ""), 416);
	cr_assert_eq(refusal("OPTIONS", "sip:", "SIP/2.0", ""), 416);
	cr_assert_eq(refusal("MESSAGE", "SIP:kmf@a", "SIP/2.0", ""), 0);
}

/* spec: RFC 3261 §8.2.2.3 */
Test(sip_refusal, a_required_extension_gets_420_and_is_named)
{
	char require[700] = "Require: ";

	cr_assert_eq(refusal("MESSAGE", "sip:a", "SIP/2.0", "REQUIRE: 100rel,\r\n timer\r\n"), 420);
	cr_assert_str_eq(fk_sip_answer_headers(&message, 420, headers),
			 "Unsupported: 100rel,   timer\r\n");
	cr_assert_eq(refusal("MESSAGE", "sip:a", "SIP/2.0", "Require:\r\n"), 400);
	cr_assert_eq(refusal("MESSAGE", "sip:a", "SIP/2.0", "Require: 100rel,,timer\r\n"), 400);
	cr_assert_eq(refusal("MESSAGE", "sip:a", "SIP/2.0", "Require: 100rel,\r\n"), 400);
	cr_assert_eq(refusal("MESSAGE", "sip:a", "SIP/2.0", "Require: a b\r\n"), 400);
	cr_assert_eq(refusal("MESSAGE", "sip:a", "SIP/2.0", "Require: \"\\\1\"\r\n"), 400);
	cr_assert_eq(refusal("MESSAGE", "sip:a", "SIP/2.0", "Proxy-Require: a\r\n"), 0);
	for (size_t len = 490; len <= 510; len++) {
		const char *line;

		memset(require + 9, 'x', len);
		memcpy(require + 9 + len, "\r\n", 3);
		cr_assert_eq(refusal("MESSAGE", "sip:a", "SIP/2.0", require), 420);
		line = fk_sip_answer_headers(&message, 420, headers);
		/* "Unsupported: ", CRLF and NUL take 16 of the 512 octets. */
		cr_assert_eq(line != NULL, len <= 496, "%zu", len);
		cr_assert(line == NULL || strlen(line) == len + 15);
	}
}

/* spec: RFC 3261 §8.2.3 */
Test(sip_refusal, an_encoded_body_gets_415_with_accept_encoding_and_other_bodies_accept)
{
	cr_assert_eq(refusal("MESSAGE", "sip:a", "SIP/2.0", "e: gzip\r\n"), 415);
	cr_assert_str_eq(fk_sip_answer_headers(&message, 415, headers),
			 "Accept-Encoding: identity\r\n");
	cr_assert_eq(refusal("MESSAGE", "sip:a", "SIP/2.0", "Content-Encoding : Identity\r\n"), 0);
	cr_assert_not_null(
		strstr(fk_sip_answer_headers(&message, 415, headers), "Accept: multipart/mixed, "));
	cr_assert_eq(refusal("OPTIONS", "sip:a", "SIP/2.0", "e: gzip\r\n"), 0);
}

/* spec: RFC 3261 §11.2 */
Test(sip_refusal, options_are_told_what_can_be_sent)
{
	static const char *const lines[] = {
		"Allow: MESSAGE, OPTIONS\r\n",
		"application/vnd.3gpp.mcdata-signalling",
		"application/vnd.3gpp.mcdata-payload",
		"application/resource-lists+xml",
		"Accept-Encoding: identity\r\n",
		"Accept-Language: en\r\n",
		"Supported:\r\n",
	};
	const char *said;

	cr_assert_eq(refusal_of("OPTIONS"), 0);
	said = fk_sip_answer_headers(&message, 200, headers);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		cr_assert_not_null(strstr(said, lines[i]), "%s", lines[i]);
	cr_assert_null(fk_sip_answer_headers(&message, 400, headers));
	cr_assert_eq(refusal_of("MESSAGE"), 0);
	cr_assert_null(fk_sip_answer_headers(&message, 200, headers));
}

Test(sip_refusal, responses_and_what_cannot_be_answered_get_nothing)
{
	static const char response[] = "SIP/2.0 999 x\r\nVia: SIP/2.0/UDP h\r\n\r\n";
	static const char no_via[] = "OPTIONS sip:a SIP/2.0\r\nCSeq: 1 OPTIONS\r\n\r\n";

	cr_assert_neq(fk_sip_parse((const uint8_t *)response, sizeof(response) - 1, &message),
		      FK_OK);
	cr_assert_eq(fk_sip_refusal(&message, FK_EINVAL), 0);
	cr_assert_neq(fk_sip_parse((const uint8_t *)no_via, sizeof(no_via) - 1, &message), FK_OK);
	cr_assert_eq(fk_sip_refusal(&message, FK_EINVAL), 0);
}
