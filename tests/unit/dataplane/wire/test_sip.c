/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "support.h"
#include "wire/sip.h"

#define REQUEST                                                        \
	"MESSAGE sip:kmf@lmr.mc.example SIP/2.0\r\n"                   \
	"Via: SIP/2.0/UDP 192.0.2.20:5060;branch=z9hG4bKabc;rport\r\n" \
	"Max-Forwards: 70\r\n"                                         \
	"From: <sip:pf@mcdata.example>;tag=f1\r\n"                     \
	"To: <sip:kmf@lmr.mc.example>\r\n"                             \
	"Call-ID: 6f3c9b2a7e\r\n"                                      \
	"CSeq: 17 MESSAGE\r\n"                                         \
	"Content-Type: text/plain\r\n"                                 \
	"Content-Length: 5\r\n"                                        \
	"\r\n"                                                         \
	"hello"

/* Each test keeps its input in memory of exactly its size. */
static uint8_t *input;
static struct fk_sip_message message;

static enum fk_err parse_octets(const void *octets, size_t size)
{
	free(input);
	input = exact_copy(octets, size);
	return fk_sip_parse(input, size, &message);
}

static enum fk_err parse(const char *text)
{
	return parse_octets(text, strlen(text));
}

static void tear_down(void)
{
	free(input);
}

TestSuite(sip, .fini = tear_down);

static void expect_view(struct fk_view view, const char *text)
{
	cr_assert_eq(view.len, strlen(text), "%.*s", (int)view.len, view.at);
	cr_assert_arr_eq(view.at, text, view.len);
}

/* REQUEST with the line that starts with 'name' replaced; NULL takes it out. */
static const char *with(const char *name, const char *line)
{
	static char text[4096];
	const char *start = strstr(REQUEST, name), *end;

	cr_assert_not_null(start);
	end = strstr(start, "\r\n") + 2;
	snprintf(text, sizeof(text), "%.*s%s%s%s", (int)(start - REQUEST), REQUEST,
		 line != NULL ? line : "", line != NULL ? "\r\n" : "", end);
	return text;
}

Test(sip, a_request_is_taken_apart)
{
	cr_assert_eq(parse(REQUEST), FK_OK);
	cr_assert_not(message.is_response);
	cr_assert_eq(message.method, FK_SIP_MESSAGE);
	expect_view(message.method_text, "MESSAGE");
	expect_view(message.request_uri, "sip:kmf@lmr.mc.example");
	cr_assert_eq(message.n_vias, 1);
	expect_view(message.vias[0], "SIP/2.0/UDP 192.0.2.20:5060;branch=z9hG4bKabc;rport");
	expect_view(message.via_sent_by, "192.0.2.20:5060");
	expect_view(message.via_branch, "z9hG4bKabc");
	cr_assert(message.via_rport);
	expect_view(message.from, "<sip:pf@mcdata.example>;tag=f1");
	expect_view(message.from_tag, "f1");
	expect_view(message.to, "<sip:kmf@lmr.mc.example>");
	cr_assert_eq(message.to_tag.len, 0);
	expect_view(message.call_id, "6f3c9b2a7e");
	expect_view(message.cseq, "17 MESSAGE");
	cr_assert_eq(message.cseq_number, 17);
	cr_assert(message.has_max_forwards);
	expect_view(message.content_type, "text/plain");
	cr_assert_eq(message.body_size, 5);
	cr_assert_arr_eq(message.body, "hello", 5);
	cr_assert_null(message.error);
	cr_assert(message.can_answer);
}

Test(sip, a_response_is_taken_apart)
{
	cr_assert_eq(parse("SIP/2.0 503 Service Unavailable\r\n"
			   "v:SIP/2.0/UDP 192.0.2.10:5070;branch=z9hG4bK77\r\n"
			   "f:<sip:kmf@lmr.mc.example>;tag=k1\r\n"
			   "t:<sip:ue7@mcdata.example>;tag=t9\r\n"
			   "i:abc\r\nCSeq:1 MESSAGE\r\nRetry-After: 120 (maintenance);x=1\r\n"
			   "Warning: 399 pf.example \"203 message too large\"\r\nl:0\r\n\r\n"),
		     FK_OK);
	cr_assert(message.is_response);
	cr_assert_eq(message.status, 503);
	cr_assert_eq(message.method, FK_SIP_MESSAGE);
	expect_view(message.via_branch, "z9hG4bK77");
	cr_assert_not(message.via_rport);
	expect_view(message.to_tag, "t9");
	cr_assert_eq(message.retry_after_s, 120);
	cr_assert_eq(message.warning_code, 203);
	cr_assert_eq(message.body_size, 0);
	cr_assert_not(message.can_answer);
}

Test(sip, methods_are_told_apart_with_their_case)
{
	static const struct {
		const char *request_line, *cseq;
		uint8_t method;
	} cases[] = {
		{"OPTIONS sip:a SIP/2.0", "CSeq: 1 OPTIONS", FK_SIP_OPTIONS},
		{"ACK sip:a SIP/2.0", "CSeq: 1 ACK", FK_SIP_ACK},
		{"INVITE sip:a SIP/2.0", "CSeq: 1 INVITE", FK_SIP_OTHER},
		{"message sip:a SIP/2.0", "CSeq: 1 message", FK_SIP_OTHER},
		{"!n.e-w sip:a SIP/2.0", "CSeq: 1 !n.e-w", FK_SIP_OTHER},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[1024];

		snprintf(text, sizeof(text),
			 "%s\r\nVia: SIP/2.0/UDP h;branch=b\r\nFrom: <sip:a>;tag=1\r\n"
			 "To: <sip:b>\r\nCall-ID: c\r\n%s\r\n\r\n",
			 cases[i].request_line, cases[i].cseq);
		cr_assert_eq(parse(text), FK_OK, "%s: %s", text, message.error);
		cr_assert_eq(message.method, cases[i].method, "%s", text);
		cr_assert_eq(message.can_answer, cases[i].method != FK_SIP_ACK);
	}
}

Test(sip, a_datagram_cut_at_any_octet_is_refused)
{
	size_t size = strlen(REQUEST);

	for (size_t cut = 0; cut < size; cut++)
		cr_assert_neq(parse_octets(REQUEST, cut), FK_OK, "%zu", cut);
	cr_assert_eq(parse_octets(REQUEST, size), FK_OK);
}

Test(sip, what_is_not_sip_is_told_from_bad_sip)
{
	static const char *const texts[] = {
		"",
		"\r\n\r\n",
		"hello",
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"MESSAGE sip:a SIP/2.0",
		"MESSAGE sip:a SIP/2.0\n",
		"\r\r\n",
		"MESSAGE sip:a\r\n\r\n",
		"MESSAGE\r\n\r\n",
		" \r\n\r\n",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		cr_assert_eq(parse(texts[i]), FK_EFORMAT, "%zu", i);
		cr_assert_not_null(message.error);
		cr_assert_not(message.can_answer);
	}
	cr_assert_eq(parse_octets("\0\0\0\0\r\n", 6), FK_EFORMAT);
}

Test(sip, empty_lines_before_the_start_line_are_ignored)
{
	char text[2048];

	snprintf(text, sizeof(text), "\r\n\r\n%s", REQUEST);
	cr_assert_eq(parse(text), FK_OK);
	cr_assert_arr_eq(message.body, "hello", 5);
}

/* spec: RFC 4475 §3.1.1.1: folding, odd white space, mixed case, compact names, many values */
Test(sip, a_tortuous_but_legal_message_is_understood)
{
	cr_assert_eq(parse("MESSAGE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0\r\n"
			   "TO :\r\n sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n\r\n"
			   "from   : \"J Rosenberg \\\\\\\"\"       <sip:jdrosen@example.com>\r\n"
			   "  ;\r\n  tag = 98asjd8\r\n"
			   "MaX-fOrWaRdS: 0068\r\n"
			   "Call-ID: wsinv.ndaksdj@192.0.2.1\r\n"
			   "Content-Length   : 3\r\n"
			   "cseq: 0009\r\n  MESSAGE\r\n"
			   "Via  : SIP  /   2.0\r\n /UDP\r\n    192.0.2.2;branch=390skdjuw\r\n"
			   "s :\r\n"
			   "NewFangledHeader:   newfangled value\r\n"
			   " continued newfangled value\r\n"
			   "UnknownHeaderWithUnusualValue: ;;,,;;,;\r\n"
			   "Content-Type: text/plain\r\n"
			   "v:  SIP  / 2.0  / TCP     spindle.example.com   ;\r\n"
			   "  branch  =   z9hG4bK9ikj8  ,\r\n"
			   " SIP  /    2.0   / UDP  192.168.255.111   ; branch=\r\n"
			   " z9hG4bK30239\r\n"
			   "\r\nabcdef"),
		     FK_OK, "%s", message.error);
	expect_view(message.to_tag, "1918181833n");
	expect_view(message.from_tag, "98asjd8");
	cr_assert_eq(message.cseq_number, 9);
	cr_assert_eq(message.n_vias, 3);
	expect_view(message.via_branch, "390skdjuw");
	expect_view(message.via_sent_by, "192.0.2.2");
	expect_view(message.vias[2], "SIP  /    2.0   / UDP  192.168.255.111   ; branch=\r\n "
				     "z9hG4bK30239");
	cr_assert_eq(message.body_size, 3); /* the rest of a UDP datagram is dropped */
	cr_assert_arr_eq(message.body, "abc", 3);
}

Test(sip, commas_in_quotes_and_brackets_do_not_split_values)
{
	cr_assert_eq(parse(with("Via:", "Via: SIP/2.0/UDP h;x=\"a,b\\\",c\";branch=b1 , "
					"SIP/2.0/UDP i;branch=b2")),
		     FK_OK, "%s", message.error);
	cr_assert_eq(message.n_vias, 2);
	expect_view(message.via_branch, "b1");
	cr_assert_eq(parse(with("From:", "From: \"x;tag=no, <sip:y>\" <sip:a;tag=n>;tag=yes")),
		     FK_OK, "%s", message.error);
	expect_view(message.from_tag, "yes");
}

Test(sip, without_content_length_the_body_is_the_rest_of_the_datagram)
{
	cr_assert_eq(parse(with("Content-Length", NULL)), FK_OK);
	cr_assert_eq(message.body_size, 5);
}

Test(sip, a_body_may_hold_any_octet)
{
	char text[2048];
	size_t size = (size_t)snprintf(text, sizeof(text), "%s", REQUEST);

	memcpy(text + size - 5, "\0\n\r\0\xff", 5);
	cr_assert_eq(parse_octets(text, size), FK_OK);
	cr_assert_arr_eq(message.body, "\0\n\r\0\xff", 5);
}

/* The header lines that RFC 3261 does not allow; all of them can still be answered. */
Test(sip, bad_sip_with_a_readable_header_can_be_answered)
{
	static const struct {
		const char *name, *line;
	} cases[] = {
		{"Content-Length", "Content-Length: 6"},
		{"Content-Length", "Content-Length: -1"},
		{"Content-Length", "Content-Length: 4294967301"},
		{"Content-Length", "Content-Length: 5\r\nl: 5"},
		{"Content-Length", "Content-Length:"},
		{"CSeq", "CSeq: 17 OPTIONS"},
		{"CSeq", "CSeq: 17 MESSAGES"},
		{"CSeq", "CSeq: 17"},
		{"CSeq", "CSeq: 2147483648 MESSAGE"},
		{"CSeq", "CSeq: 36893488147419103232 MESSAGE"},
		{"CSeq", "CSeq: x MESSAGE"},
		{"CSeq", "CSeq: 17 MESS/AGE"},
		{"CSeq", "CSeq: 17 MESSAGE\r\nCSeq: 17 MESSAGE"},
		{"Max-Forwards", "Max-Forwards: 256"},
		{"Max-Forwards", "Max-Forwards: seventy"},
		{"Call-ID", "Call-ID: a b"},
		{"Call-ID", "Call-ID: a\r\ni: a"},
		{"From", "From: <sip:a>;tag="},
		{"From", "From: <sip:a>;tag=1;tag=2"},
		{"From", "From: \"unterminated <sip:a>"},
		{"From", "From: <sip:a"},
		{"From", "From: <>;tag=1"},
		{"From", "From: <sip:a<>;tag=1"},
		{"From", "From: <sip:a> x;tag=1"},
		{"From", "From: ;tag=1"},
		{"From", "From: sip:a?b=c;tag=1"},
		{"From", "From: sip:a,sip:b;tag=1"},
		{"From", NULL},
		{"To", NULL},
		{"Call-ID", NULL},
		{"From", "From:"},
		{"Call-ID", "Call-ID:  "},
		{"Max-Forwards", "Require:"},
		{"To", "To: <sip:a>;;tag=1"},
		{"To", "To: <sip:a>\r\nt: <sip:b>"},
		{"Content-Type", "Content-Type: a/b\r\nc: a/b"},
		{"Max-Forwards", "no colon"},
		{"Max-Forwards", ": no name"},
		{"Max-Forwards", "two words: x"},
		{"MESSAGE", "MESSAGE  sip:a SIP/2.0"},
		{"MESSAGE", "MESSAGE SIP/2.0"},
		{"MESSAGE", "MESSAGE <sip:a> SIP/2.0"},
		{"MESSAGE", "MESSAGE sip:a b SIP/2.0"},
		{"MESSAGE", "MESSAGE sip:a SIP/2.0 "},
		{"MESSAGE", "MESSAGE sip:a SIP/7.0"},
		{"MESSAGE", "MES@SAGE sip:a SIP/2.0"},
		{"Via", "Via: SIP/2.0/UDP h;branch=b1;branch=b2"},
		{"Via", "Via: SIP/2.0/UDP h;branch=\"q\""},
		{"Via", "Via: SIP/2.0/UDP h,,SIP/2.0/UDP i"},
		{"Via", "Via: SIP/2.0/UDP h;=b"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cr_assert_eq(parse(with(cases[i].name, cases[i].line)), FK_EINVAL, "%s",
			     cases[i].line);
		cr_assert_not_null(message.error, "%s", cases[i].line);
		cr_assert(message.can_answer, "%s", cases[i].line);
	}
}

Test(sip, bad_sip_that_leaves_nothing_to_answer_with_cannot_be_answered)
{
	static const struct {
		const char *name, *line;
	} cases[] = {
		{"Via", NULL},
		{"CSeq", NULL},
		{"CSeq", "CSeq:"},
		{"Via", "Via:"},
		{"Via", "Via: HTTP/1.1 h;branch=b"},
		{"Via", "Via: SOAP/2.0/UDP h;branch=b"},
		{"Via", "Via: SIP/2.0/UDP ;branch=b"},
		{"Via", "Via: SIP/2.0/UDP;branch=b"},
		{"Via", "Via: SIP/2.0/UDP h h;branch=b"},
		{"Via", "Via: SIP/2.0/UDP h:;branch=b"},
		{"Via", "Via: SIP/2.0/UDP h;branch=\"b"},
		{"To", "To: a\nb"},
		{"To", "To: a\rb"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cr_assert_eq(parse(with(cases[i].name, cases[i].line)), FK_EINVAL, "%zu", i);
		cr_assert_not_null(message.error);
		cr_assert_not(message.can_answer, "%zu", i);
	}
}

Test(sip, a_nul_in_the_header_is_refused)
{
	size_t size = strlen(REQUEST);

	for (size_t at = 0; at < size - 7; at++) {
		char text[1024];

		memcpy(text, REQUEST, size);
		text[at] = '\0';
		cr_assert_neq(parse_octets(text, size), FK_OK, "%zu", at);
		cr_assert_not(message.can_answer, "%zu", at);
	}
}

/* spec: RFC 3261 §25.1 quoted-pair, RFC 4475 §3.1.1.2 */
Test(sip, a_nul_may_stand_behind_a_backslash_in_quotes_and_nowhere_else)
{
	static const struct {
		const char *value;
		bool is_taken;
	} cases[] = {
		{"\"\\@\" <sip:a>", true},     {"\"\\@\r\n \\@\" <sip:a>", true},
		{"\"\\\\\\@\" <sip:a>", true}, {"\"\\\\@\" <sip:a>", false},
		{"\"@\" <sip:a>", false},      {"\"\\@\" @ <sip:a>", false},
		{"\\@ <sip:a>", false},	       {"\"\\@@\" <sip:a>", false},
		{"\"a\" \\@ <sip:a>", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char line[64], *text, *at;
		size_t size;

		snprintf(line, sizeof(line), "To: %s", cases[i].value);
		text = strdup(with("To", line));
		size = strlen(text);
		for (at = strstr(text, "To:"); *at != '<'; at++)
			if (*at == '@')
				*at = '\0';
		cr_assert_eq(parse_octets(text, size) == FK_OK, cases[i].is_taken, "%zu", i);
		cr_assert_eq(message.can_answer, cases[i].is_taken, "%zu", i);
		free(text);
	}
}

Test(sip, a_via_for_each_hop_is_kept_and_one_more_is_too_many)
{
	char vias[4096] = "Via: SIP/2.0/UDP h0;branch=b0";

	for (int i = 1; i < FK_SIP_VIAS_MAX; i++)
		snprintf(vias + strlen(vias), sizeof(vias) - strlen(vias), ",SIP/2.0/UDP h%d", i);
	cr_assert_eq(parse(with("Via", vias)), FK_OK);
	cr_assert_eq(message.n_vias, FK_SIP_VIAS_MAX);
	expect_view(message.vias[70], "SIP/2.0/UDP h70");
	snprintf(vias + strlen(vias), sizeof(vias) - strlen(vias), "\r\nv:SIP/2.0/UDP h71");
	cr_assert_eq(parse(with("Via", vias)), FK_EUNSUPPORTED);
	cr_assert_not(message.can_answer);
}

Test(sip, vias_below_the_topmost_are_kept_as_they_are_if_they_can_be_told_apart)
{
	static const char top[] = "Via: SIP/2.0/UDP 192.0.2.20:5060;branch=z9hG4bKabc;rport\r\n";
	static const struct {
		const char *line;
		uint8_t n_vias;
		enum fk_err err;
	} cases[] = {
		{"Via: SIP/2.0/TCP p.example;branch=b;received=192.0.2.1", 2, FK_OK},
		{"Via: SIP/2.0/TCP p.example,SIP/2.0/TCP q.example", 3, FK_OK},
		{"Via: SIP/2.0/TCP p.example;x=\"a,b\"", 2, FK_OK},
		{"Via: SIP/2.0/TCP p.example;x=\"a", 1, FK_EINVAL},
		{"Via: SIP/2.0/TCP p.example;x=<a", 1, FK_EINVAL},
		{"Via: ", 1, FK_EINVAL},
	};
	char vias[512];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(vias, sizeof(vias), "%s%s", top, cases[i].line);
		cr_assert_eq(parse(with("Via", vias)), cases[i].err, "%s", cases[i].line);
		cr_assert_eq(message.n_vias, cases[i].n_vias, "%s", cases[i].line);
		expect_view(message.via_branch, "z9hG4bKabc");
		expect_view(message.from_tag, "f1");
	}
}

Test(sip, an_ipv6_sent_by_is_read)
{
	cr_assert_eq(parse(with("Via", "Via: SIP/2.0/UDP [2001:db8::1] : 5060;branch=b")), FK_OK,
		     "%s", message.error);
	expect_view(message.via_sent_by, "[2001:db8::1] : 5060");
}

static enum fk_err parse_response(const char *status_line, const char *headers)
{
	char text[2048];

	snprintf(text, sizeof(text),
		 "%s\r\nVia: SIP/2.0/UDP h;branch=b\r\nFrom: <sip:a>;tag=1\r\n"
		 "To: <sip:b>\r\nCall-ID: c\r\nCSeq: 1 MESSAGE\r\n%s\r\n",
		 status_line, headers);
	return parse(text);
}

/* spec: RFC 5118 §4.1, §4.5: both forms of received are in use */
Test(sip, ipv6_references_may_stand_wherever_a_host_may)
{
	static const char *const received[] = {"2001:db8::9:255", "[2001:db8::9:255]"};

	for (size_t i = 0; i < 2; i++) {
		char text[1024];

		snprintf(text, sizeof(text),
			 "MESSAGE sip:kmf@[2001:db8::10] SIP/2.0\r\n"
			 "Via: SIP/2.0/UDP [2001:db8::9:1]:6050;received=%s;branch=z9hG4bKa\r\n"
			 "From: <sip:pf@[2001:db8::20]:5060>;tag=f1\r\n"
			 "To: \"KMF\" <sip:kmf@[2001:db8::10]>\r\n"
			 "Contact: <sip:pf@[2001:db8::20]>\r\n"
			 "Route: <sip:[2001:db8::10]:5060;lr>\r\n"
			 "Call-ID: 6f3c@[2001:db8::20]\r\n"
			 "CSeq: 17 MESSAGE\r\nContent-Length: 0\r\n\r\n",
			 received[i]);
		cr_assert_eq(parse(text), FK_OK, "%s", message.error);
		expect_view(message.request_uri, "sip:kmf@[2001:db8::10]");
		expect_view(message.via_sent_by, "[2001:db8::9:1]:6050");
		expect_view(message.via_branch, "z9hG4bKa");
		expect_view(message.from_tag, "f1");
		expect_view(message.call_id, "6f3c@[2001:db8::20]");
	}
}

Test(sip, status_codes_have_three_digits_from_100_to_699)
{
	static const char *const bad[] = {
		"SIP/2.0 099 x",	"SIP/2.0 700 x", "SIP/2.0 20 x", "SIP/2.0 2000 x",
		"SIP/2.0 4294967301 x", "SIP/2.0 abc x", "SIP/2.0 ",	 "SIP/2.0 -20 x",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert_eq(parse_response(bad[i], ""), FK_EINVAL, "%s", bad[i]);
	cr_assert_eq(parse_response("SIP/2.0 100 Trying", ""), FK_OK);
	cr_assert_eq(parse_response("SIP/2.0 699 ", ""), FK_OK);
	cr_assert_eq(parse_response("SIP/2.0 200", ""), FK_OK);
	cr_assert_eq(message.status, 200);
}

/* spec: 3GPP sheet 3.7 */
Test(sip, warning_codes_are_read_from_the_text_of_a_399)
{
	static const struct {
		const char *value;
		uint16_t code;
	} cases[] = {
		{"399 agent \"141 user unknown\"", 141},
		{"399 agent \"141\"", 141},
		{"399 agent:5060 \"a, b\", 399 agent \"204 x\"", 204},
		{"301 agent \"142 x\"", 0},
		{"399 agent 142", 0},
		{"399 agent \"14 x\"", 0},
		{"399 agent \"1421 x\"", 0},
		{"399 agent \"142 unterminated", 0},
		{"399", 0},
		{"", 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char header[200];

		snprintf(header, sizeof(header), "Warning: %s\r\n", cases[i].value);
		cr_assert_eq(parse_response("SIP/2.0 404 x", header), FK_OK, "%s", cases[i].value);
		cr_assert_eq(message.warning_code, cases[i].code, "%s", cases[i].value);
	}
}

Test(sip, a_retry_after_that_cannot_be_read_never_spoils_a_response)
{
	cr_assert_eq(parse_response("SIP/2.0 503 x", "Retry-After: soon\r\n"), FK_OK);
	cr_assert_eq(message.retry_after_s, 0);
	cr_assert_eq(parse_response("SIP/2.0 503 x", "Retry-After: 99999999999\r\n"), FK_OK);
	cr_assert_eq(message.retry_after_s, UINT32_MAX);
	cr_assert_eq(parse_response("SIP/2.0 503 x", "Retry-After: 30;duration=5\r\n"), FK_OK);
	cr_assert_eq(message.retry_after_s, 30);
}

Test(sip, views_are_compared_without_case)
{
	cr_assert(fk_view_is((struct fk_view){.at = "Base64x", .len = 6}, "bASE64"));
	cr_assert_not(fk_view_is((struct fk_view){.at = "base6", .len = 5}, "base64"));
	cr_assert_not(fk_view_is((struct fk_view){.at = "base64", .len = 6}, "base6"));
	cr_assert(fk_view_is((struct fk_view){0}, ""));
}

Test(sip, random_changes_never_break_the_parser)
{
	size_t size = strlen(REQUEST);
	uint32_t state = 99;
	char text[1024];

	for (uint32_t round = 0; round < 20000; round++) {
		static const char alphabet[] = "\r\n \t:;,<>\"\\=/\0az09";

		memcpy(text, REQUEST, size);
		for (uint32_t i = 0; i < 1 + round % 8; i++)
			text[next_random(&state) % size] =
				alphabet[next_random(&state) % (sizeof(alphabet) - 1)];
		if (parse_octets(text, size) == FK_OK)
			cr_assert_leq(message.body + message.body_size, input + size);
	}
}

/* The plain form of each line is recognised at once; the others take the long way to the same. */
Test(sip, a_line_spelled_otherwise_gives_the_same_values)
{
	static const struct {
		const char *name, *line;
	} spellings[] = {
		{"Via", "v:SIP/2.0/UDP 192.0.2.20:5060;branch=z9hG4bKabc;rport"},
		{"Via", "VIA: SIP/2.0/UDP 192.0.2.20:5060;rport;branch=z9hG4bKabc"},
		{"Via", "Via : SIP / 2.0 / UDP 192.0.2.20:5060 ; branch=z9hG4bKabc ; rport"},
		{"Via", "Via: SIP/2.0/UDP 192.0.2.20:5060;BRANCH=z9hG4bKabc;RPORT"},
		{"Via", "Via: SIP/2.0/UDP 192.0.2.20:5060;x=\"a;b\";branch=z9hG4bKabc;rport"},
		{"Via", "Via:\r\n SIP/2.0/UDP 192.0.2.20:5060\r\n\t;branch=z9hG4bKabc;rport"},
		{"From", "f:<sip:pf@mcdata.example>;tag=f1"},
		{"From", "FROM: <sip:pf@mcdata.example>;TAG=f1"},
		{"From", "From:\t<sip:pf@mcdata.example> ; tag = f1 "},
		{"From", "From: \"a<b\" <sip:pf@mcdata.example>;x;tag=f1"},
		{"From", "From: sip:pf@mcdata.example;tag=f1"},
		{"CSeq", "cseq:17   MESSAGE"},
		{"CSeq", "CSeq: 17\r\n MESSAGE"},
		{"Call-ID", "i:6f3c9b2a7e"},
		{"Call-ID", "call-id:  6f3c9b2a7e  "},
		{"Content-Length", "l:5"},
		{"Content-Length", "CONTENT-LENGTH :\t005"},
		{"Max-Forwards", "Max-Forwards: 70\r\nRecord-Route: <sip:a;lr>\r\nEvent: x"},
		{"Max-Forwards",
		 "Max-Forwards: 70\r\nP_Odd: 1\r\nA-Name-That-Has-More-Than-32-Octets: 1"},
		{"Max-Forwards", "Max-Forwards: 70\r\nSubject: \r\nContact: <sip:a>\r\n\t;x"},
		{"Max-Forwards", "max-forwards:70\r\nP-A-Header-Nobody-Knows: 1\r\nX:2\r\nY :3"},
	};

	for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++) {
		const char *line = spellings[i].line;

		cr_assert_eq(parse(with(spellings[i].name, line)), FK_OK, "%s: %s", line,
			     message.error);
		cr_assert_eq(message.n_vias, 1, "%s", line);
		expect_view(message.via_branch, "z9hG4bKabc");
		expect_view(message.via_sent_by, "192.0.2.20:5060");
		cr_assert(message.via_rport, "%s", line);
		expect_view(message.from_tag, "f1");
		cr_assert_eq(message.to_tag.len, 0);
		cr_assert_eq(message.cseq_number, 17);
		expect_view(message.call_id, "6f3c9b2a7e");
		cr_assert(message.has_max_forwards);
		cr_assert_eq(message.body_size, 5);
	}
}
