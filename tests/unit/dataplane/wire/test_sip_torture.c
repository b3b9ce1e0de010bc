/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_sip_torture.c - the situations of RFC 4475, each in a message of our own.
 *
 * RFC 4475 describes 49 situations and says what an element should do in each. Its messages are not
 * repeated here: most of them are INVITEs or REGISTERs, which Fleetkey refuses whatever they look
 * like. Each situation is put into a MESSAGE or OPTIONS instead, so that the verdict is about the
 * situation. A test's name has the section; the reason says what the text asks for, and where it
 * leaves a choice, or says one thing for a proxy or registrar and another for who serves the
 * request itself, what was chosen.
 */
#include <criterion/criterion.h>

#include "support.h"
#include "wire/sip_refusal.h"

enum verdict {
	SERVED = 0, /* read as it should be, and nothing to refuse before its body */
	DISCARDED,  /* not answered: a response that cannot be used */
	TAKEN,	    /* a response that can be used */
	/* Else the status of the refusal, with this added if it is for what the request asks for
	 * and not for how it is written. */
	WELL_FORMED = 1000,
};

#define VIA  "Via: SIP/2.0/UDP relay.example:5060;branch=z9hG4bKt0rt\r\n"
#define FROM "From: <sip:pf@mc.example>;tag=a1\r\n"
#define TO   "To: <sip:kmf@lmr.example>\r\n"
#define ID   "Call-ID: 77@relay.example\r\n"
#define SEQ  "CSeq: 9 MESSAGE\r\n"
#define HOPS "Max-Forwards: 70\r\n"
#define URI  "sip:kmf@lmr.example"
#define LINE "MESSAGE " URI " SIP/2.0\r\n"
#define REST FROM TO ID SEQ HOPS
#define NONE "Content-Length: 0\r\n\r\n"

static struct fk_sip_message message;
static uint8_t *input;

static void tear_down(void)
{
	free(input);
}

TestSuite(sip_torture, .fini = tear_down);

static void expect(uint32_t verdict, const char *why, const char *text, size_t size)
{
	enum fk_err err;
	uint16_t status;

	free(input);
	input = exact_copy(text, size);
	err = fk_sip_parse(input, size, &message);
	status = fk_sip_refusal(&message, err);
	if (verdict == SERVED || verdict == TAKEN || verdict >= WELL_FORMED)
		cr_assert_eq(err, FK_OK, "%s: %s", why, message.error);
	else
		cr_assert_neq(err, FK_OK, "%s", why);
	verdict %= WELL_FORMED;
	cr_assert_eq(message.is_response, verdict == TAKEN || verdict == DISCARDED, "%s", why);
	cr_assert_eq(status, verdict >= 300 ? verdict : 0, "%s: %u", why, status);
}

static void expect_view(struct fk_view view, const char *text)
{
	cr_assert_eq(view.len, strlen(text), "%.*s", (int)view.len, view.at);
	cr_assert_arr_eq(view.at, text, view.len);
}

/* One situation: its section and name, the verdict, why, and the message. */
#define SITUATION(name, verdict, why, text)                   \
	Test(sip_torture, name)                               \
	{                                                     \
		expect(verdict, why, text, sizeof(text) - 1); \
	}

/* 3.1.1: valid messages */

Test(sip_torture, s3_1_1_1_a_short_tortuous_request)
{
	static const char text[] = "MESSAGE sip:kmf@lmr.example;odd=yes SIP/2.0\r\n"
				   "tO  :\r\n"
				   "  \"K \\\\\\\" F\"   <sip:kmf@lmr.example> ;\r\n"
				   "\t tAg  =  b2 ; more\r\n"
				   "FROM:<sip:pf@mc.example;lr>;Tag=a1;x=\"; \\\" ,\"\r\n"
				   "max-FORWARDS:  0069\r\n"
				   "I: 77@relay.example\r\n"
				   "cseq: 000009\r\n"
				   "  MESSAGE\r\n"
				   "Via  : SIP  /\t2.0\r\n"
				   " /UDP\r\n"
				   "   relay.example;branch=z9hG4bKt0rt\r\n"
				   "S:\r\n"
				   "Nobody-Reads-This: ;;,,<>;\"\r\n"
				   "v: SIP/2.0/TCP second.example ; branch= z9hG4bK2 ,\r\n"
				   "  SIP  /  2.0  /  UDP third.example;hidden\r\n"
				   "l:\t 0\r\n"
				   "\r\n";

	expect(SERVED, "folds, white space, escapes and compact names are all legal", text,
	       sizeof(text) - 1);
	cr_assert_eq(message.n_vias, 3);
	cr_assert_eq(message.cseq_number, 9);
	expect_view(message.via_sent_by, "relay.example");
	expect_view(message.to_tag, "b2");
	expect_view(message.from_tag, "a1");
	expect_view(message.call_id, "77@relay.example");
}

/* All that a token holds besides letters and digits, in an order of our own. */
#define ODD_TOKEN "~'`+_*%!.-"

Test(sip_torture, s3_1_1_2_a_wide_range_of_valid_characters)
{
	static const char text[] =
		"k" ODD_TOKEN " sip:a=b&c+d$e,f;;g?h/i!j~k*l'm(n)o_p.q-@lmr.example SIP/2.0\r\n"
		"Via: SIP/2.0/UDP relay.example:5060;branch=z9hG4bK" ODD_TOKEN "\r\n"
		"From: key " ODD_TOKEN " <sip:pf@mc.example>;p" ODD_TOKEN
		"=\"\xc3\xa9\";tag=" ODD_TOKEN "\r\n"
		"To: \"\\\a \\\0 \\\x7f \\\" \\\\\" <sip:kmf@lmr.example>;tag=t\r\n"
		"Call-ID: w" ODD_TOKEN ")(]}\"[<:?/>\\{@{ever\r\n"
		"CSeq: 9 k" ODD_TOKEN "\r\n"
		"Max-Forwards: 255\r\n"
		"odd" ODD_TOKEN "name: \xc3\xa9 \xe9\x8d\xb5\r\n" NONE;
	char headers[FK_SIP_ANSWER_HEADERS_MAX];

	expect(WELL_FORMED + 501,
	       "every octet is legal, a NUL behind a backslash in quotes too; the method is "
	       "unknown",
	       text, sizeof(text) - 1);
	expect_view(message.to_tag, "t");
	expect_view(message.from_tag, ODD_TOKEN);
	expect_view(message.via_branch, "z9hG4bK" ODD_TOKEN);
	expect_view(message.call_id, "w" ODD_TOKEN ")(]}\"[<:?/>\\{@{ever");
	cr_assert_str_eq(fk_sip_answer_headers(&message, 501, headers),
			 "Allow: MESSAGE, OPTIONS\r\n");
}

SITUATION(s3_1_1_3_percent_escapes, SERVED, "escapes are part of a URI and are left alone",
	  "MESSAGE sip:%6Bmf%40lmr%2e@lmr.example;p%61r=%3B SIP/2.0\r\n" VIA REST NONE)

SITUATION(s3_1_1_4_escaped_nulls, SERVED, "an escaped NUL is not a NUL",
	  "MESSAGE sip:k%00mf@lmr.example SIP/2.0\r\n" VIA
	  "From: <sip:%00pf%00@mc.example>;tag=a1\r\n" TO ID SEQ HOPS NONE)

SITUATION(s3_1_1_5_a_percent_that_is_no_escape, WELL_FORMED + 501,
	  "in the names of methods and headers a percent sign is itself: no MESSAGE, no length",
	  "%4DESSAGE " URI " SIP/2.0\r\n" VIA "From: %5%x%41 <sip:pf@mc.example>;tag=a1\r\n" TO ID
	  "CSeq: 9 %4DESSAGE\r\nConten%74-Length: 999\r\n" NONE)

SITUATION(s3_1_1_6_no_space_before_the_bracket, SERVED, "the grammar asks for one by mistake",
	  "OPTIONS " URI " SIP/2.0\r\n" VIA "From: platform<sip:pf@mc.example>;tag=a1\r\n" TO ID
	  "CSeq: 9 OPTIONS\r\n" HOPS NONE)

Test(sip_torture, s3_1_1_7_long_values)
{
	char text[16384], name[1024], tag[1024], vias[4096] = "";
	int n;

	for (int i = 0; i < 32; i++)
		snprintf(vias + strlen(vias), sizeof(vias) - strlen(vias),
			 "%s: SIP/2.0/TCP h%d.example\r\n", i % 3 == 0 ? "v  " : "vIA", i);
	memset(name, 'n', sizeof(name) - 1);
	memset(tag, 't', sizeof(tag) - 1);
	name[sizeof(name) - 1] = tag[sizeof(tag) - 1] = '\0';
	n = snprintf(text, sizeof(text),
		     "MESSAGE sip:%s@lmr.example;%s=%s SIP/2.0\r\n" VIA
		     "Via: SIP/2.0/UDP %s.example;branch=z9hG4bK%s\r\n"
		     "%sFrom: %s <sip:%s@mc.example>;tag=%s\r\n" TO ID SEQ HOPS "X-%s: %s\r\n" NONE,
		     tag, name, tag, name, tag, vias, name, name, tag, name, tag);
	cr_assert_lt(n, (int)sizeof(text));
	expect(SERVED, "no header has a length limit, and 34 proxies are not too many", text,
	       (size_t)n);
	expect_view(message.from_tag, tag);
	cr_assert_eq(message.n_vias, 34);
}

Test(sip_torture, s3_1_1_8_octets_behind_the_body)
{
	static const char text[] = LINE VIA REST "Content-Length: 2\r\n\r\nok" LINE VIA REST NONE;

	expect(SERVED, "on UDP what Content-Length leaves out is not read", text, sizeof(text) - 1);
	cr_assert_eq(message.body_size, 2);
	cr_assert_arr_eq(message.body, "ok", 2);
}

Test(sip_torture, s3_1_1_9_semicolons_in_the_user_part)
{
	static const char text[] =
		"OPTIONS sip:kmf;unit=7%40mc.example@lmr.example SIP/2.0\r\n" VIA FROM
		"To: sip:kmf@lmr.example\r\n" ID "CSeq: 9 OPTIONS\r\n" HOPS NONE;

	expect(SERVED, "they are part of the user name", text, sizeof(text) - 1);
	expect_view(message.request_uri, "sip:kmf;unit=7%40mc.example@lmr.example");
	expect_view(message.to, "sip:kmf@lmr.example");
}

Test(sip_torture, s3_1_1_10_varied_transports)
{
	static const char text[] =
		LINE VIA "v: SIP/2.0/SCTP s.example;branch=z9hG4bK2\r\n"
			 "Via: SIP/2.0/TLS t.example;branch=z9hG4bK3\r\n"
			 "Via: SIP/2.0/CARRIER-PIGEON p.example;branch=b4\r\n"
			 "Via: SIP/2.0/TCP c.example;branch=z9hG4bK5\r\n" REST NONE;

	expect(SERVED, "a transport is a token, known or not, and only the first counts here", text,
	       sizeof(text) - 1);
	cr_assert_eq(message.n_vias, 5);
	expect_view(message.via_sent_by, "relay.example:5060");
}

Test(sip_torture, s3_1_1_11_a_multipart_body_with_binary)
{
	static const char body[] = "---=part_of.ours\r\n"
				   "Content-Type: text/plain\r\n"
				   "Content-Transfer-Encoding: binary\r\n"
				   "\r\n"
				   "plain\r\n"
				   "---=part_of.ours\r\n"
				   "Content-Type: application/octet-stream\r\n"
				   "Content-Transfer-Encoding: binary\r\n"
				   "\r\n"
				   "\0\1\r\n---=pa\0\xff\r\n"
				   "---=part_of.ours--\r\n";
	struct fk_sip_part parts[4];
	char text[2048];
	uint32_t n_parts;
	int n = snprintf(text, sizeof(text),
			 LINE VIA REST "Content-Type: multipart/mixed;"
				       "boundary=\"-=part_of.ours\"\r\nContent-Length: %zu\r\n\r\n",
			 sizeof(body) - 1);

	memcpy(text + n, body, sizeof(body) - 1);
	expect(SERVED, "a part may hold any octet", text, (size_t)n + sizeof(body) - 1);
	cr_assert_eq(fk_sip_split_body(&message, parts, 4, &n_parts), FK_OK);
	cr_assert_eq(n_parts, 2);
	cr_assert_eq(parts[0].size, 5);
	cr_assert_eq(parts[1].size, 12);
	cr_assert_arr_eq(parts[1].octets, "\0\1\r\n---=pa\0\xff", 12);
}

SITUATION(
	s3_1_1_12_an_unusual_reason_phrase, TAKEN,
	"a reason phrase is for people: reserved characters, escapes and UTF-8 are legal",
	"SIP/2.0 200 so; far? (so @ good) & 99%25 = d\xc3\xa9j\xc3\xa0 fait \t \xe2\x82\xac\r\n" VIA
		REST NONE)

Test(sip_torture, s3_1_1_13_an_empty_reason_phrase)
{
	static const char text[] = "SIP/2.0 100 \r\n" VIA REST NONE;
	static const char without_space[] = "SIP/2.0 100\r\n" VIA REST NONE;

	expect(TAKEN, "a reason phrase may be empty", text, sizeof(text) - 1);
	expect(TAKEN, "without the space before it, refusing and taking it are both acceptable",
	       without_space, sizeof(without_space) - 1);
}

/* 3.1.2: invalid messages */

SITUATION(s3_1_2_1_extraneous_separators, 400, "parameters are missing between separators",
	  LINE "Via: SIP/2.0/UDP relay.example;,,;;\r\n" REST
	       "Contact: <sip:pf@mc.example>;;;\r\n" NONE)

SITUATION(s3_1_2_2_content_length_beyond_the_datagram, 400, "part of the body is missing",
	  LINE VIA REST "Content-Length: 600\r\n\r\nshort")

SITUATION(s3_1_2_3_a_negative_content_length, 400, "a length has no sign",
	  LINE VIA REST "Content-Length: -5\r\n\r\nhello")

Test(sip_torture, s3_1_2_4_overlarge_scalars_in_a_request)
{
	static const char text[] = LINE VIA FROM TO ID "CSeq: 18446744073709551625 MESSAGE\r\n"
						       "Max-Forwards: 256\r\n"
						       "Expires: 4294967296000000\r\n" NONE;
	static const char hops[] = LINE VIA FROM TO ID SEQ "Max-Forwards: 256\r\n" NONE;
	static const char expires[] = LINE VIA REST "Expires: 4294967296000000\r\n" NONE;

	expect(400, "CSeq goes up to 2^31", text, sizeof(text) - 1);
	expect(400, "hops alone could be ignored; they go up to 255", hops, sizeof(hops) - 1);
	expect(SERVED, "an expiry alone could be ignored, and is", expires, sizeof(expires) - 1);
}

SITUATION(s3_1_2_5_overlarge_scalars_in_a_response, DISCARDED, "its CSeq cannot be ours",
	  "SIP/2.0 503 Busy\r\n" VIA FROM TO ID "CSeq: 18446744073709551625 MESSAGE\r\n"
	  "Retry-After: 79228162514264337593543950336\r\n"
	  "Warning: 3990 relay.example \"no\"\r\n" NONE)

SITUATION(s3_1_2_6_an_unterminated_quote, 400, "nobody can tell where the name ends",
	  LINE VIA FROM "To: \"K. M. Facility <sip:kmf@lmr.example>\r\n" ID SEQ HOPS NONE)

SITUATION(s3_1_2_7_brackets_around_the_request_uri, 400,
	  "always refusing it is reasonable; the grammar has none there",
	  "MESSAGE <" URI "> SIP/2.0\r\n" VIA REST NONE)

SITUATION(s3_1_2_8_white_space_inside_the_request_uri, 400, "a URI holds none",
	  "MESSAGE " URI "; transport=udp SIP/2.0\r\n" VIA REST NONE)

SITUATION(s3_1_2_9_several_spaces_in_the_request_line, 400,
	  "refusing and ignoring are both acceptable; its parts are one space apart",
	  "MESSAGE  " URI "  SIP/2.0\r\n" VIA REST NONE)

SITUATION(s3_1_2_10_spaces_behind_the_request_line, 400,
	  "refusing and ignoring are both acceptable; it ends with the version",
	  "MESSAGE " URI " SIP/2.0  \r\n" VIA REST NONE)

SITUATION(s3_1_2_11_escaped_headers_in_the_request_uri, SERVED,
	  "400 and ignoring them are both acceptable; they are ignored",
	  "MESSAGE " URI "?Priority=urgent SIP/2.0\r\n" VIA REST NONE)

SITUATION(s3_1_2_12_a_date_in_another_time_zone, SERVED,
	  "who has no use for the date should not refuse the request for it; it is not read",
	  LINE VIA REST "Date: Tue, 03 Mar 2026 08:15:00 CET\r\n" NONE)

SITUATION(s3_1_2_13_an_address_that_needs_brackets, 400,
	  "400 is reasonable: nobody can tell which header fields and parameters are the URI's",
	  LINE VIA "From: sip:pf@mc.example?Priority=urgent;tag=a1\r\n" TO ID SEQ HOPS NONE)

SITUATION(s3_1_2_14_spaces_inside_the_brackets, SERVED,
	  "400 and ignoring them are both acceptable; they are repeated as they came",
	  LINE VIA FROM "To: \"K\" < sip:kmf@lmr.example >\r\n" ID SEQ HOPS NONE)

SITUATION(s3_1_2_15_a_display_name_that_should_be_quoted, SERVED,
	  "400 and guessing are both acceptable; the address is clear all the same",
	  LINE VIA "From: Unit 7, Sector. (North) <sip:pf@mc.example>;tag=a1\r\n"
		   "To: K, M. Facility <sip:kmf@lmr.example>\r\n" ID SEQ HOPS NONE)

SITUATION(s3_1_2_16_another_protocol_version, 505, "only 2.0 is spoken",
	  "OPTIONS " URI " SIP/3.1\r\n"
	  "Via: SIP/3.1/UDP relay.example;branch=z9hG4bKt0rt\r\n" FROM TO ID
	  "CSeq: 9 OPTIONS\r\n" HOPS NONE)

SITUATION(s3_1_2_17_cseq_names_another_method, 400, "CSeq repeats the method",
	  "OPTIONS " URI " SIP/2.0\r\n" VIA REST NONE)

SITUATION(s3_1_2_18_an_unknown_method_and_cseq_names_another, 501,
	  "400 is acceptable, and 501 will be right for longer",
	  "REKEY " URI " SIP/2.0\r\n" VIA REST NONE)

Test(sip_torture, s3_1_2_19_an_overlarge_response_code)
{
	static const char wraps[] = "SIP/2.0 65736 which is 200 in 16 bits\r\n" VIA REST NONE;
	static const char seven[] = "SIP/2.0 700 Unheard\r\n" VIA REST NONE;

	expect(DISCARDED, "a status has three digits", wraps, sizeof(wraps) - 1);
	expect(DISCARDED, "and goes up to 699", seven, sizeof(seven) - 1);
}

/* 3.2: transactions */

Test(sip_torture, s3_2_1_nothing_behind_the_magic_cookie)
{
	static const char text[] = "OPTIONS " URI " SIP/2.0\r\n"
				   "Via: SIP/2.0/UDP relay.example;branch=z9hG4bK\r\n" FROM TO ID
				   "CSeq: 9 OPTIONS\r\n" HOPS NONE;

	expect(SERVED, "400 or the rules of RFC 2543; no transaction is kept that it could miss",
	       text, sizeof(text) - 1);
	expect_view(message.via_branch, "z9hG4bK");
}

/* 3.3: what the application decides */

SITUATION(s3_3_1_mandatory_headers_are_missing, 400, "and nothing breaks", LINE VIA SEQ HOPS NONE)

SITUATION(s3_3_2_a_request_uri_of_unknown_scheme, WELL_FORMED + 416, "nobody knows what it names",
	  "OPTIONS made-up:what/ever=this;is SIP/2.0\r\n" VIA FROM TO ID
	  "CSeq: 9 OPTIONS\r\n" HOPS NONE)

SITUATION(s3_3_3_a_request_uri_of_known_but_unusual_scheme, WELL_FORMED + 416,
	  "who will never serve that scheme treats it as unknown",
	  "OPTIONS ldap://192.0.2.77/o=lmr SIP/2.0\r\n" VIA FROM TO ID
	  "CSeq: 9 OPTIONS\r\n" HOPS NONE)

SITUATION(s3_3_4_unknown_schemes_in_header_fields, SERVED,
	  "400 is for a registrar, which has to find the user in To; here neither is resolved",
	  LINE VIA "From: <http://mc.example/pf>;tag=a1\r\n"
		   "To: <news:lmr.keys>\r\n" ID SEQ HOPS "Contact: <mailto:pf@mc.example>\r\n" NONE)

Test(sip_torture, s3_3_5_unknown_extensions_are_required)
{
	static const char text[] =
		"OPTIONS " URI " SIP/2.0\r\n" VIA FROM TO ID "CSeq: 9 OPTIONS\r\n"
		"Require: nobodyHasThis, norThat\r\n"
		"Proxy-Require: neitherThis\r\n" HOPS NONE;
	char headers[FK_SIP_ANSWER_HEADERS_MAX];

	expect(WELL_FORMED + 420,
	       "what is required is not supported, and the answer says what; Proxy-Require is "
	       "for proxies",
	       text, sizeof(text) - 1);
	cr_assert_str_eq(fk_sip_answer_headers(&message, 420, headers),
			 "Unsupported: nobodyHasThis, norThat\r\n");
}

Test(sip_torture, s3_3_6_an_unknown_content_type)
{
	static const char text[] = LINE VIA REST "Content-Type: application/x-nothing\r\n"
						 "Content-Length: 3\r\n\r\n<x>";
	char headers[FK_SIP_ANSWER_HEADERS_MAX];
	struct fk_sip_part part;
	uint32_t n;

	expect(SERVED, "its parts decide: none that is known means 415, which says what is", text,
	       sizeof(text) - 1);
	cr_assert_eq(fk_sip_split_body(&message, &part, 1, &n), FK_OK);
	cr_assert_eq(n, 1);
	expect_view(part.content_type, "application/x-nothing");
	cr_assert_not_null(strstr(fk_sip_answer_headers(&message, 415, headers), "Accept: "));
}

SITUATION(s3_3_7_an_unknown_authorization_scheme, SERVED,
	  "who does not challenge ignores it; 405 would be for the REGISTER that had it",
	  LINE VIA REST "Authorization: Handshake secret=none, times=2\r\n" NONE)

SITUATION(s3_3_8_several_values_where_one_may_stand, 400, "neither can be trusted",
	  LINE VIA FROM "From: <sip:other@mc.example>;tag=a2\r\n" TO ID
			"To: <sip:other@lmr.example>\r\n"
			"Call-ID: 78@relay.example\r\n" SEQ "CSeq: 10 MESSAGE\r\n" HOPS
			"Max-Forwards: 5\r\n" NONE)

SITUATION(s3_3_9_two_content_lengths, 400,
	  "an error; on UDP the rest of the datagram can be ignored",
	  LINE VIA REST "Content-Length: 5\r\nl: 3\r\n\r\nhello")

Test(sip_torture, s3_3_10_a_broadcast_address_below_our_via)
{
	static const char text[] = "SIP/2.0 200 OK\r\n" VIA
				   "Via: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK2\r\n" REST NONE;

	expect(TAKEN, "it is well formed, and its second Via is why match.c drops it", text,
	       sizeof(text) - 1);
	cr_assert_eq(message.n_vias, 2);
}

SITUATION(s3_3_11_no_hops_left, SERVED, "it has arrived: only who forwards answers 483",
	  "OPTIONS " URI " SIP/2.0\r\n" VIA FROM TO ID
	  "CSeq: 9 OPTIONS\r\nMax-Forwards: 0\r\n" NONE)

SITUATION(s3_3_12_a_contact_with_a_parameter, WELL_FORMED + 405,
	  "a registrar accepts it; who is none says 405",
	  "REGISTER " URI " SIP/2.0\r\n" VIA FROM TO ID "CSeq: 9 REGISTER\r\n"
	  "Contact: sip:+15550100@gw.example;colour\r\n" HOPS NONE)

SITUATION(s3_3_13_a_contact_with_a_uri_parameter, WELL_FORMED + 405,
	  "a registrar accepts it; who is none says 405",
	  "REGISTER " URI " SIP/2.0\r\n" VIA FROM TO ID "CSeq: 9 REGISTER\r\n"
	  "Contact: <sip:+15550100@gw.example;colour>\r\n" HOPS NONE)

SITUATION(s3_3_14_a_contact_with_an_escaped_header, WELL_FORMED + 405,
	  "a registrar accepts it; who is none says 405",
	  "REGISTER " URI " SIP/2.0\r\n" VIA FROM TO ID "CSeq: 9 REGISTER\r\n"
	  "Contact: <sip:pf@mc.example?Priority=urgent>\r\n" HOPS NONE)

SITUATION(s3_3_15_an_accept_that_nothing_satisfies, SERVED,
	  "406 and 400 are for who has to answer with a body; no answer of ours has one",
	  LINE VIA REST "Accept: text/nobodyKnowsThis\r\n" NONE)

/* 3.4: what RFC 2543 still allowed */

Test(sip_torture, s3_4_1_a_request_of_rfc_2543)
{
	static const char text[] = LINE "Via: SIP/2.0/UDP relay.example\r\n"
					"From: <sip:pf@mc.example;user=ip>\r\n"
					"To: sip:kmf@lmr.example;user=ip\r\n" ID SEQ
					"Content-Type: text/plain\r\n\r\nhello";

	expect(SERVED, "no branch, tag, Max-Forwards or Content-Length: its body ends with it",
	       text, sizeof(text) - 1);
	cr_assert_eq(message.body_size, 5);
}
