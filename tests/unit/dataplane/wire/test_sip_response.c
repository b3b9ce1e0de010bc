/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "support.h"
#include "wire/net.h"
#include "wire/sip.h"

static struct fk_address source = {{[10] = 0xff, 0xff, 192, 0, 2, 20}};

static struct fk_sip_message request;
static char response[2048];

static void parse(const char *via, const char *to)
{
	static char text[2048];

	snprintf(text, sizeof(text),
		 "MESSAGE sip:kmf@lmr.mc.example SIP/2.0\r\n%s\r\n"
		 "From: \"A\" <sip:pf@mcdata.example>;tag=f1\r\n%s\r\n"
		 "Call-ID: 6f3c@x\r\nCSeq: 17 MESSAGE\r\n\r\n",
		 via, to);
	cr_assert_eq(fk_sip_parse((const uint8_t *)text, strlen(text), &request), FK_OK, "%s",
		     request.error);
}

static const char *answer(uint16_t status, const char *to_tag, const char *extra)
{
	size_t size;

	cr_assert_eq(fk_sip_build_response(&request, status, to_tag, &source, 5061, extra,
					   (uint8_t *)response, sizeof(response) - 1, &size),
		     FK_OK);
	response[size] = '\0';
	return response;
}

Test(sip_response, the_answer_repeats_what_rfc_3261_8_2_6_asks_for)
{
	parse("Via: SIP/2.0/UDP 192.0.2.20:5060;branch=z9hG4bKa\r\nVia: SIP/2.0/TCP h;branch=b",
	      "To: <sip:kmf@lmr.mc.example>");
	cr_assert_str_eq(answer(200, "t1", NULL),
			 "SIP/2.0 200 OK\r\n"
			 "Via: SIP/2.0/UDP 192.0.2.20:5060;branch=z9hG4bKa\r\n"
			 "Via: SIP/2.0/TCP h;branch=b\r\n"
			 "From: \"A\" <sip:pf@mcdata.example>;tag=f1\r\n"
			 "To: <sip:kmf@lmr.mc.example>;tag=t1\r\n"
			 "Call-ID: 6f3c@x\r\n"
			 "CSeq: 17 MESSAGE\r\n"
			 "Content-Length: 0\r\n\r\n");
}

Test(sip_response, a_to_tag_that_is_there_stays)
{
	parse("Via: SIP/2.0/UDP 192.0.2.20;branch=b", "To: <sip:a>;tag=old");
	cr_assert_not_null(strstr(answer(200, "new", NULL), "To: <sip:a>;tag=old\r\n"));
	parse("Via: SIP/2.0/UDP 192.0.2.20;branch=b", "To: <sip:a>");
	cr_assert_not_null(strstr(answer(100, NULL, NULL), "To: <sip:a>\r\n"));
}

/* spec: RFC 3261 §18.2.1, RFC 3581 §4 */
Test(sip_response, received_and_rport_say_where_the_request_came_from)
{
	static const struct {
		const char *via, *expected;
	} cases[] = {
		{"v:SIP/2.0/UDP 192.0.2.20:5060;branch=b", "SIP/2.0/UDP 192.0.2.20:5060;branch=b"},
		{"v:SIP/2.0/UDP 192.0.2.9;branch=b",
		 "SIP/2.0/UDP 192.0.2.9;branch=b;received=192.0.2.20"},
		{"v:SIP/2.0/UDP pf.example:5060;branch=b",
		 "SIP/2.0/UDP pf.example:5060;branch=b;received=192.0.2.20"},
		{"v:SIP/2.0/UDP 192.0.2.20:5060;rport;branch=b",
		 "SIP/2.0/UDP 192.0.2.20:5060;branch=b;received=192.0.2.20;rport=5061"},
		{"v:SIP/2.0/UDP 192.0.2.20;branch=b;received=10.9.8.7",
		 "SIP/2.0/UDP 192.0.2.20;branch=b"},
		{"v:SIP/2.0/UDP 192.0.2.9;rport=1;received=10.9.8.7;branch=b;x=\"y;z\"",
		 "SIP/2.0/UDP 192.0.2.9;branch=b;x=\"y;z\";received=192.0.2.20;rport=5061"},
		{"v:SIP/2.0/UDP [2001:db8::1]:5060;branch=b",
		 "SIP/2.0/UDP [2001:db8::1]:5060;branch=b;received=192.0.2.20"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char line[300];

		parse(cases[i].via, "t:<sip:a>");
		snprintf(line, sizeof(line), "\r\nVia: %s\r\n", cases[i].expected);
		cr_assert_not_null(strstr(answer(200, "t", NULL), line), "%s", response);
	}
}

/* spec: RFC 3261 §25.1: sent-by has the address in brackets, received has not */
Test(sip_response, received_over_ipv6_compares_addresses_and_not_their_text)
{
	static const struct {
		const char *via, *expected;
	} cases[] = {
		{"v:SIP/2.0/UDP [2001:db8::20]:5060;branch=b",
		 "SIP/2.0/UDP [2001:db8::20]:5060;branch=b"},
		{"v:SIP/2.0/UDP [2001:DB8:0:0:0:0:0:20];branch=b",
		 "SIP/2.0/UDP [2001:DB8:0:0:0:0:0:20];branch=b"},
		{"v:SIP/2.0/UDP [2001:db8::21]:5060;branch=b",
		 "SIP/2.0/UDP [2001:db8::21]:5060;branch=b;received=2001:db8::20"},
		{"v:SIP/2.0/UDP 192.0.2.20:5060;branch=b",
		 "SIP/2.0/UDP 192.0.2.20:5060;branch=b;received=2001:db8::20"},
		{"v:SIP/2.0/UDP [2001:db8::20]:5060;rport;branch=b",
		 "SIP/2.0/UDP [2001:db8::20]:5060;branch=b;received=2001:db8::20;rport=5061"},
		{"v:SIP/2.0/UDP [2001:db8::9:1]:6050;received=[2001:db8::9:255];branch=b",
		 "SIP/2.0/UDP [2001:db8::9:1]:6050;branch=b;received=2001:db8::20"},
	};
	static const struct fk_address six = {{0x20, 0x01, 0x0d, 0xb8, [15] = 0x20}};

	source = six;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char line[300];

		parse(cases[i].via, "t:<sip:a>");
		snprintf(line, sizeof(line), "\r\nVia: %s\r\n", cases[i].expected);
		cr_assert_not_null(strstr(answer(200, "t", NULL), line), "%s", response);
	}
}

Test(sip_response, the_port_of_sent_by_is_not_part_of_its_address)
{
	static const struct {
		const char *sent_by;
		uint16_t port;
	} cases[] = {
		{"192.0.2.20", 5060},
		{"192.0.2.20:5070", 5070},
		{"[2001:db8::5070]", 5060},
		{"[2001:db8::20]:5070", 5070},
		{"pf.example:65535", 65535},
		{"pf.example:65536", 5060},
		{"pf.example:0", 5060},
		{"pf.example:", 5060},
		{"[2001:db8::20]:99999999999", 5060},
		{"[2001:db8::20] : 5070", 5070},
		{"", 5060},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fk_view view = {.at = cases[i].sent_by,
				       .len = (uint32_t)strlen(cases[i].sent_by)};

		cr_assert_eq(fk_sip_sent_by_port(view), cases[i].port, "%s", cases[i].sent_by);
	}
}

Test(sip_response, only_the_very_address_is_the_sender)
{
	static const char *const others[] = {
		"",
		"[",
		"[]",
		"[2001:db8::20",
		"[2001:db8::200]",
		"[2001:db8::2]",
		"2001:db8::20",
		"192.0.2.20",
		"[2001:db8::20%e]",
		"[2001:db8:0000:0000:0000:0000:0000:0000:0000:0000:0020]",
	};
	static const struct fk_address six = {{0x20, 0x01, 0x0d, 0xb8, [15] = 0x20}};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		char *copy = (char *)exact_copy(others[i], strlen(others[i]));

		cr_assert_not(
			fk_sip_sent_by_is(
				(struct fk_view){.at = copy, .len = (uint32_t)strlen(others[i])},
				&six),
			"%s", others[i]);
		free(copy);
	}
	cr_assert(
		fk_sip_sent_by_is((struct fk_view){.at = "[2001:db8::20]:5060", .len = 19}, &six));
}

Test(sip_response, an_ipv4_address_in_sent_by_is_one_without_leading_zeros)
{
	static const struct {
		const char *sent_by;
		bool is_it;
	} cases[] = {
		{"192.0.2.20", true},	      {"192.0.2.20:5060", true},
		{"192.0.2.20 :5060", true},   {"192.0.2.020", false},
		{"192.00.2.20", false},	      {"192.0.2.20.1", false},
		{"192.0.2.200", false},	      {"192.0.2.2", false},
		{"192.0.2", false},	      {"192.0.2.", false},
		{"192.0.2.20x", false},	      {"192.0.2.276", false},
		{"4294967488.0.2.20", false}, {"", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t len = (uint32_t)strlen(cases[i].sent_by);
		char *copy = (char *)exact_copy(cases[i].sent_by, len);

		cr_assert_eq(fk_sip_sent_by_is((struct fk_view){.at = copy, .len = len}, &source),
			     cases[i].is_it, "%s", cases[i].sent_by);
		free(copy);
	}
}

Test(sip_response, folds_are_not_repeated)
{
	parse("v:SIP/2.0/UDP\r\n 192.0.2.20\r\n ;branch\r\n\t=b", "t:\r\n <sip:a>\r\n ;x=y");
	answer(200, "t", NULL);
	cr_assert_not_null(strstr(response, "\r\nTo: <sip:a> ;x=y;tag=t\r\n"), "%s", response);
	for (const char *lf = response; (lf = strchr(lf, '\n')) != NULL; lf++)
		cr_assert(lf[1] != ' ' && lf[1] != '\t', "%s", response);
}

Test(sip_response, a_fold_is_taken_out_wherever_it_stands)
{
	static const char address[] =
		"<sip:somebody-with-a-long-name@lmr.mc.example>;x=y;z=0123456";

	for (size_t at = 46; at < sizeof(address) - 1; at++) { /* behind the brackets */
		char to[200], line[200];

		snprintf(to, sizeof(to), "t:%.*s\r\n %s", (int)at, address, address + at);
		if (address[at] != ';' && address[at - 1] != ';')
			continue; /* white space may stand around a semicolon only */
		parse("v:SIP/2.0/UDP 192.0.2.20;branch=b", to);
		snprintf(line, sizeof(line), "\r\nTo: %.*s %s;tag=t\r\n", (int)at, address,
			 address + at);
		cr_assert_not_null(strstr(answer(200, "t", NULL), line), "%s", response);
	}
}

Test(sip_response, extra_headers_and_unknown_codes_are_written)
{
	parse("v:SIP/2.0/UDP 192.0.2.20;branch=b", "t:<sip:a>");
	cr_assert_not_null(strstr(answer(405, "t", "Allow: MESSAGE, OPTIONS\r\n"),
				  "SIP/2.0 405 Method Not Allowed\r\n"));
	cr_assert_not_null(
		strstr(response, "\r\nAllow: MESSAGE, OPTIONS\r\nContent-Length: 0\r\n"));
	cr_assert_not_null(strstr(answer(499, "t", NULL), "SIP/2.0 499 Bad Request\r\n"));
	cr_assert_not_null(strstr(answer(202, "t", NULL), "SIP/2.0 202 Accepted\r\n"));
}

Test(sip_response, an_answer_is_read_back_as_a_response_to_its_request)
{
	struct fk_sip_message back;

	parse("v:SIP/2.0/UDP 192.0.2.9;rport;branch=z9hG4bK12", "t:<sip:a>");
	answer(503, "t77", "Retry-After: 9\r\n");
	cr_assert_eq(fk_sip_parse((const uint8_t *)response, strlen(response), &back), FK_OK);
	cr_assert(back.is_response);
	cr_assert_eq(back.status, 503);
	cr_assert_eq(back.retry_after_s, 9);
	cr_assert_eq(back.via_branch.len, 9);
	cr_assert_eq(back.to_tag.len, 3);
	cr_assert_eq(back.cseq_number, 17);
}

/* Values are copied in whole steps where they are long enough, and octet by octet where not. */
Test(sip_response, a_value_of_any_length_is_repeated_and_its_folds_are_not)
{
	char id[64], via[] = "Via: SIP/2.0/UDP 192.0.2.20;branch=b", to[128], expected[160];

	for (int len = 1; len < (int)sizeof(id); len++) {
		for (int fold = 0; fold < len; fold++) {
			for (int i = 0; i < len; i++)
				id[i] = (char)('a' + i % 26);
			id[len] = '\0';
			snprintf(to, sizeof(to), "To: <sip:%.*s%s%s>", fold, id,
				 fold > 0 ? ">;x=\r\n " : "", id + fold);
			snprintf(expected, sizeof(expected), "\r\nTo: <sip:%.*s%s%s>;tag=t1\r\n",
				 fold, id, fold > 0 ? ">;x= " : "", id + fold);
			if (fold > 0) { /* a parameter's value, without the bracket */
				to[strlen(to) - 1] = '\0';
				snprintf(expected, sizeof(expected),
					 "\r\nTo: <sip:%.*s>;x= %s;tag=t1\r\n", fold, id,
					 id + fold);
			}
			parse(via, to);
			cr_assert_not_null(strstr(answer(200, "t1", NULL), expected), "%s", to);
		}
	}
}

Test(sip_response, a_buffer_that_is_too_small_is_full_and_is_not_overrun)
{
	size_t whole;

	parse("v:SIP/2.0/UDP 192.0.2.9;rport;branch=b", "t:<sip:a>");
	whole = strlen(answer(200, "t", NULL));
	for (size_t cap = 0; cap < whole; cap++) {
		uint8_t *buf = exact_copy(response, cap);
		size_t size = 4711;

		cr_assert_eq(fk_sip_build_response(&request, 200, "t", &source, 5061, NULL, buf,
						   cap, &size),
			     FK_EFULL);
		cr_assert_eq(size, 4711);
		free(buf);
	}
}

Test(sip_response, what_cannot_be_answered_is_refused)
{
	struct fk_sip_message empty = {0};
	size_t size;

	cr_assert_eq(fk_sip_build_response(&empty, 200, "t", &source, 5061, NULL,
					   (uint8_t *)response, sizeof(response), &size),
		     FK_EINVAL);
	parse("v:SIP/2.0/UDP 192.0.2.9;branch=b", "t:<sip:a>");
	cr_assert_eq(fk_sip_build_response(&request, 99, "t", &source, 5061, NULL,
					   (uint8_t *)response, sizeof(response), &size),
		     FK_EINVAL);
	cr_assert_eq(fk_sip_build_response(&request, 700, "t", &source, 5061, NULL,
					   (uint8_t *)response, sizeof(response), &size),
		     FK_EINVAL);
}
