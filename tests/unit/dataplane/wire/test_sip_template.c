/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "support.h"
#include "wire/mcdata_info.h"
#include "wire/net.h"
#include "wire/sip.h"
#include "wire/sip_template.h"

#define KMF_URI	  "sip:kmf@lmr.mc.example"
#define KMF_PSI	  "sip:kmf-psi@lmr.mc.example"
#define PSI	  "sip:mcdata-pf@mcdata.example"
#define UE_URI	  "sip:ue7@mcdata.example"
#define BRANCH	  "z9hG4bK0123456789abcdef0000000100000212345678901234567"
#define CALL_ID	  "0123456789abcdef000002"
#define PARTS_MAX 5

static struct fk_sip_template_spec spec;
static struct fk_sip_template template;
static struct fk_sip_fill fill;
static uint8_t payload[600], datagram[4096];

static void set_up(void)
{
	spec = (struct fk_sip_template_spec){
		.profile = FK_PROFILE_C,
		.sent_by = "192.0.2.10:5070",
		.psi = PSI,
		.kmf_uri = KMF_URI,
		.kmf_psi = KMF_PSI,
		.disposition_request = FK_SDS_REQUEST_DELIVERY,
		.extended_app_id_type = FK_SDS_APP_ID_URI,
		.extended_app_id = (const uint8_t *)KMF_URI,
		.extended_app_id_size = sizeof(KMF_URI) - 1,
	};
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)i;
	fill = (struct fk_sip_fill){
		.mcdata_id = UE_URI,
		.mcdata_id_size = sizeof(UE_URI) - 1,
		.branch = BRANCH,
		.call_id = CALL_ID,
		.from_tag = "k1a2b3c4",
		.date_time_s = 1700000000,
		.conversation_id = (const uint8_t *)"CONVERSATION-ID.",
		.message_id = (const uint8_t *)"MESSAGE-ID......",
		.payload = payload,
		.payload_size = 100,
	};
}

TestSuite(sip_template, .init = set_up);

static size_t build_and_fill(void)
{
	size_t size, offset = 0;
	uint16_t sum;

	cr_assert_eq(fk_sip_template_build(&spec, &template), FK_OK);
	size = fk_sip_template_fill_sum(&template, &fill, datagram, sizeof(datagram), &offset,
					&sum);
	cr_assert_eq(sum, (uint16_t)~fk_net_checksum(datagram, size, 0));
	cr_assert_gt(size, 0);
	cr_assert_eq(size, fk_sip_template_size(&template, fill.mcdata_id_size, fill.payload_size));
	cr_assert_arr_eq(datagram + offset, fill.payload, fill.payload_size);
	return size;
}

static bool holds(size_t size, const char *text)
{
	return memmem(datagram, size, text, strlen(text)) != NULL;
}

static void expect_view(struct fk_view view, const char *text)
{
	cr_assert_eq(view.len, strlen(text), "%.*s", (int)view.len, view.at);
	cr_assert_arr_eq(view.at, text, view.len);
}

static const struct fk_sip_part *find(const struct fk_sip_part *parts, uint32_t n, const char *type)
{
	for (uint32_t i = 0; i < n; i++)
		if (fk_view_is(parts[i].content_type, type))
			return &parts[i];
	return NULL;
}

/* Reads the datagram with our own parsers and compares everything that was filled in. */
static void expect_parses_back(size_t size, uint32_t n_parts_expected)
{
	struct fk_sip_part parts[PARTS_MAX];
	const struct fk_sip_part *part;
	struct fk_sds_signalling signalling;
	struct fk_mcdata_info info;
	struct fk_sip_message m;
	const uint8_t *found;
	size_t found_size;
	uint32_t n;

	cr_assert_eq(fk_sip_parse(datagram, size, &m), FK_OK, "%s", m.error);
	cr_assert_eq(m.method, FK_SIP_MESSAGE);
	expect_view(m.request_uri, spec.profile == FK_PROFILE_C ? UE_URI : PSI);
	expect_view(m.to, spec.profile == FK_PROFILE_C ? "<" UE_URI ">" : "<" PSI ">");
	expect_view(m.from, "<" KMF_URI ">;tag=k1a2b3c4");
	expect_view(m.via_sent_by, "192.0.2.10:5070");
	cr_assert_eq(m.via_branch.len, FK_BRANCH_LEN);
	cr_assert_arr_eq(m.via_branch.at, BRANCH, FK_BRANCH_LEN);
	expect_view(m.call_id, CALL_ID);
	expect_view(m.cseq, "1 MESSAGE");
	cr_assert(m.has_max_forwards);
	cr_assert_eq(m.body + m.body_size, datagram + size); /* Content-Length is exact */

	cr_assert_eq(fk_sip_split_body(&m, parts, PARTS_MAX, &n), FK_OK);
	cr_assert_eq(n, n_parts_expected);
	expect_view(parts[0].content_type, "application/vnd.3gpp.mcdata-info+xml");
	cr_assert_eq(fk_mcdata_info_parse(parts[0].octets, parts[0].size, &info), FK_OK);
	cr_assert_str_eq(info.request_type, "one-to-one-sds");
	cr_assert_str_eq(info.request_uri, spec.profile == FK_PROFILE_C ? UE_URI : "");
	cr_assert_str_eq(info.calling_user_id, spec.profile == FK_PROFILE_A ? "" : KMF_URI);

	part = find(parts, n, "application/vnd.3gpp.mcdata-signalling");
	cr_assert_eq(part, &parts[n - 2]);
	cr_assert_eq(fk_sds_decode_signalling(part->octets, part->size, &signalling), FK_OK);
	cr_assert_eq(signalling.date_time_s, 1700000000);
	cr_assert_arr_eq(signalling.conversation_id, fill.conversation_id, 16);
	cr_assert_arr_eq(signalling.message_id, fill.message_id, 16);
	cr_assert_eq(signalling.disposition_request, spec.disposition_request);
	cr_assert_eq(signalling.options.extended_app_id_type, spec.extended_app_id_type);

	part = find(parts, n, "application/vnd.3gpp.mcdata-payload");
	cr_assert_eq(part, &parts[n - 1]);
	cr_assert_eq(fk_sds_decode_data(part->octets, part->size, &found, &found_size), FK_OK);
	cr_assert_eq(found_size, fill.payload_size);
	cr_assert_arr_eq(found, fill.payload, found_size);
}

Test(sip_template, profile_c_parses_back)
{
	size_t size = build_and_fill();

	expect_parses_back(size, 3);
	cr_assert(holds(size, "\r\nP-Asserted-Identity:<" KMF_PSI ">\r\n"));
	cr_assert(holds(size,
			"\r\nP-Asserted-Service:urn:urn-7:3gpp-service.ims.icsi.mcdata.sds\r\n"));
	cr_assert_not(holds(size, "resource-lists"));
	cr_assert_not(holds(size, "Route:"));
}

Test(sip_template, profile_a_parses_back)
{
	size_t size;

	spec.profile = FK_PROFILE_A;
	size = build_and_fill();
	expect_parses_back(size, 4);
	cr_assert(holds(size, "<entry uri=\"" UE_URI "\"/>"));
	cr_assert(holds(size, "\r\nP-Preferred-Identity:<" KMF_URI ">\r\n"));
	cr_assert(holds(size, "\r\nP-Preferred-Service:"));
	cr_assert_not(holds(size, "P-Asserted"));
}

Test(sip_template, profile_b_parses_back)
{
	size_t size;

	spec.profile = FK_PROFILE_B;
	spec.route_host = "192.0.2.20:5060";
	size = build_and_fill();
	expect_parses_back(size, 4);
	cr_assert(holds(size, "<entry uri=\"" UE_URI "\"/>"));
	cr_assert(holds(size, "\r\nP-Asserted-Identity:<" KMF_PSI ">\r\n"));
	cr_assert(holds(size, "\r\nRoute:<sip:192.0.2.20:5060;lr>\r\n"));
}

/*
 * spec: 3GPP sheet 9.3: 1149 octets, of which 674 are the body. Ours differs where it has to: a
 * port in sent-by and no port in the sheet's Route, longer branch and Call-ID,
 * P-Preferred-Identity, and Content-Length with a leading zero.
 */
Test(sip_template, the_sizes_of_the_sheets_example_come_out)
{
	const size_t port = 5, branch = FK_BRANCH_LEN - 17, call_id = FK_CALL_ID_LEN - 10;
	const size_t identity = strlen("P-Preferred-Identity:<" KMF_URI ">\r\n"), digit = 1;
	size_t size;

	spec.profile = FK_PROFILE_A;
	spec.route_host = "192.0.2.20";
	size = build_and_fill();
	cr_assert(holds(size, "\r\nl:0674\r\n\r\n--k\r\n"));
	cr_assert_eq(size, 1149 + port + branch + call_id + identity + digit);

	/* Without the Extended application ID 26 octets less. */
	spec.extended_app_id_type = FK_SDS_APP_ID_NONE;
	cr_assert_eq(build_and_fill(), size - 26);
}

Test(sip_template, header_lines_have_the_compact_form_of_the_sheet)
{
	size_t size = build_and_fill();

	cr_assert(
		holds(size, "MESSAGE " UE_URI " SIP/2.0\r\nv:SIP/2.0/UDP 192.0.2.10:5070;branch="));
	cr_assert(holds(size, "\r\nMax-Forwards:70\r\nf:<"));
	cr_assert(holds(size, "\r\nCSeq:1 MESSAGE\r\n"));
	cr_assert(holds(size, "\r\na:*;+g.3gpp.mcdata.sds;require;explicit,*;+g.3gpp.icsi-ref=\""
			      "urn%3Aurn-7%3A3gpp-service.ims.icsi.mcdata.sds\";require;explicit"
			      "\r\n"));
	cr_assert(holds(size, "\r\nc:multipart/mixed;boundary=k\r\n"));
	cr_assert_arr_eq(datagram + size - 7, "\r\n--k--", 7);
}

Test(sip_template, a_rebuild_is_identical)
{
	static uint8_t first[sizeof(datagram)];
	size_t size = build_and_fill();

	memcpy(first, datagram, size);
	memset(datagram, 0xee, sizeof(datagram));
	cr_assert_eq(build_and_fill(), size);
	cr_assert_arr_eq(datagram, first, size);
}

Test(sip_template, every_payload_and_uri_size_parses_back)
{
	for (uint16_t n = 0; n <= sizeof(payload); n = (uint16_t)(n + 13)) {
		fill.payload_size = n;
		for (uint8_t profile = 0; profile <= FK_PROFILE_B; profile++) {
			spec.profile = profile;
			expect_parses_back(build_and_fill(), profile == FK_PROFILE_C ? 3 : 4);
		}
	}
}

/* A payload that holds the delimiter would end early at the receiver, and each time anew. */
Test(sip_template, a_boundary_that_stands_in_the_payload_is_not_used)
{
	size_t plain = build_and_fill(), size;

	memcpy(payload + 10, "\r\n--k", 5);
	size = build_and_fill();
	cr_assert_eq(size, plain);
	cr_assert(holds(size, "\r\nc:multipart/mixed;boundary=q\r\n"));
	expect_parses_back(size, 3);

	memcpy(payload + 95, "\r\n--q", 5); /* at the very end */
	size = build_and_fill();
	cr_assert_eq(size, plain);
	cr_assert(holds(size, "\r\nc:multipart/mixed;boundary=a\r\n"));
	expect_parses_back(size, 3);
}

Test(sip_template, a_line_feed_and_a_hyphen_alone_change_nothing)
{
	for (size_t at = 0; at < 99; at++) {
		memset(payload, 'x', 100);
		memcpy(payload + at, "\n-", 2);
		cr_assert(holds(build_and_fill(), "boundary=k\r\n"));
	}
}

Test(sip_template, a_boundary_is_found_wherever_it_stands)
{
	for (size_t n = 5; n <= 100; n++) {
		fill.payload_size = (uint16_t)n;
		for (size_t at = 0; at + 5 <= n; at++) {
			memset(payload, 'x', 100);
			memcpy(payload + at, "\r\n--k", 5);
			cr_assert(holds(build_and_fill(), "boundary=q\r\n"));
		}
	}
}

Test(sip_template, a_boundary_that_stands_in_the_ids_is_not_used)
{
	size_t size;

	/* Across the border of Conversation ID and Message ID. */
	fill.conversation_id = (const uint8_t *)"0123456789abc\r\n-";
	fill.message_id = (const uint8_t *)"-k0123456789abcd";
	size = build_and_fill();
	cr_assert(holds(size, "\r\nc:multipart/mixed;boundary=q\r\n"));
	expect_parses_back(size, 3);
}

Test(sip_template, beginnings_of_a_boundary_at_the_edges_do_no_harm)
{
	static const char *const tails[] = {"\r", "\r\n", "\r\n-", "\r\n--", "\r\n--\r"};
	static const char *const heads[] = {"k--", "-k", "--k--\r\n", "\n--k", "--\r\n"};

	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		memcpy(payload, heads[i], strlen(heads[i]));
		memcpy(payload + 100 - strlen(tails[i]), tails[i], strlen(tails[i]));
		expect_parses_back(build_and_fill(), 3);
	}
}

/* build_and_fill() compares the sum each time. */
Test(sip_template, the_sum_is_right_for_every_parity_of_uri_and_payload)
{
	static const char uri[] = "sip:a-user-with-a-long-name@mcdata.example";
	uint32_t state = 11;

	fill.mcdata_id = uri;
	for (uint16_t uri_size = 6; uri_size < sizeof(uri); uri_size++) {
		for (uint16_t n = 0; n < 130; n++) {
			fill.mcdata_id_size = uri_size;
			fill.payload_size = n;
			fill.date_time_s = next_random(&state) << 8 | n;
			for (size_t i = 0; i < n; i++)
				payload[i] = (uint8_t)next_random(&state);
			if (n > 5 && n % 8 == 0)
				memcpy(payload + n - 5, "\r\n--k", 5); /* another boundary */
			for (uint8_t profile = 0; profile <= FK_PROFILE_B; profile++) {
				spec.profile = profile;
				build_and_fill();
			}
		}
	}
}

Test(sip_template, the_sum_is_not_written_on_failure)
{
	uint16_t sum = 0x1234;

	cr_assert_eq(fk_sip_template_build(&spec, &template), FK_OK);
	cr_assert_eq(fk_sip_template_fill_sum(&template, &fill, datagram, 100, NULL, &sum), 0);
	fill.mcdata_id = "no uri at all";
	fill.mcdata_id_size = (uint16_t)strlen(fill.mcdata_id);
	cr_assert_eq(
		fk_sip_template_fill_sum(&template, &fill, datagram, sizeof(datagram), NULL, &sum),
		0);
	cr_assert_eq(sum, 0x1234);
}

Test(sip_template, a_uri_longer_than_any_in_the_key_table_is_written_too)
{
	static char uri[600] = "sip:";

	memset(uri + 4, 'u', sizeof(uri) - 4);
	fill.mcdata_id = uri;
	fill.mcdata_id_size = sizeof(uri);
	cr_assert_gt(build_and_fill(), 3 * sizeof(uri));
	cr_assert_arr_eq(datagram + 8, uri, sizeof(uri));
}

Test(sip_template, a_payload_in_which_every_letter_is_taken_is_refused)
{
	static uint8_t hostile[5 * 256];

	for (size_t i = 0; i < 256; i++) {
		memcpy(hostile + 5 * i, "\r\n--", 4);
		hostile[5 * i + 4] = (uint8_t)i;
	}
	cr_assert_eq(fk_sip_template_build(&spec, &template), FK_OK);
	fill.payload = hostile;
	fill.payload_size = sizeof(hostile);
	cr_assert_eq(fk_sip_template_fill(&template, &fill, datagram, sizeof(datagram), NULL), 0);
	hostile[5 * 'Z' + 4] = '!';
	cr_assert_gt(fk_sip_template_fill(&template, &fill, datagram, sizeof(datagram), NULL), 0);
}

Test(sip_template, a_buffer_one_octet_short_is_not_written)
{
	size_t size = build_and_fill();
	uint8_t *buf = exact_copy(datagram, size);
	uint8_t *shorter = exact_copy(datagram, size - 1);

	/* Without room behind it the message is the same. */
	memset(buf, 0xee, size);
	cr_assert_eq(fk_sip_template_fill(&template, &fill, buf, size, NULL), size);
	cr_assert_arr_eq(buf, datagram, size);
	cr_assert_eq(fk_sip_template_fill(&template, &fill, shorter, size - 1, NULL), 0);
	free(buf);
	free(shorter);
}

Test(sip_template, a_body_that_four_digits_cannot_count_is_refused)
{
	static uint8_t large[12000], out[16000];
	size_t base;

	cr_assert_eq(fk_sip_template_build(&spec, &template), FK_OK);
	fill.payload = large;
	base = template.body_base_size + fill.mcdata_id_size;
	fill.payload_size = (uint16_t)(9999 - base);
	cr_assert_gt(fk_sip_template_fill(&template, &fill, out, sizeof(out), NULL), 9999);
	fill.payload_size++;
	cr_assert_eq(fk_sip_template_fill(&template, &fill, out, sizeof(out), NULL), 0);
}

Test(sip_template, a_ue_uri_that_would_need_an_escape_is_refused)
{
	static const char *const bad[] = {
		"sip:a&b@c", "sip:a<b@c",  "sip:a>b@c",	 "sip:a\"b@c",	"sip:a'b@c",
		"sip:a b@c", "sip:a\r\nb", "sip:\x80@c", "sip:a\x7f@c", "ue7",
		":ue7",	     "sip:",	   "sip:a\tb",	 "sip:a\\b",	"sip:a#b",
	};

	cr_assert_eq(fk_sip_template_build(&spec, &template), FK_OK);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		fill.mcdata_id = bad[i];
		fill.mcdata_id_size = (uint16_t)strlen(bad[i]);
		cr_assert_not(fk_sip_uri_is_safe(bad[i], strlen(bad[i])), "%s", bad[i]);
		cr_assert_eq(
			fk_sip_template_fill(&template, &fill, datagram, sizeof(datagram), NULL), 0,
			"%s", bad[i]);
	}
	cr_assert_not(fk_sip_uri_is_safe("", 0));
	cr_assert_not(fk_sip_uri_is_safe("sip:\0a", 6));
	cr_assert(fk_sip_uri_is_safe("sip:A.z-_~!*()%41;x=1+$,/?[::1]@Mc-09.example:5060", 50));
	cr_assert(fk_sip_uri_is_safe("tel:+4930123", 12));
}

Test(sip_template, a_profile_whose_values_are_missing_or_unsafe_is_refused)
{
	spec.kmf_psi = NULL;
	cr_assert_eq(fk_sip_template_build(&spec, &template), FK_EINVAL);
	spec.profile = FK_PROFILE_A; /* has no use for it */
	cr_assert_eq(fk_sip_template_build(&spec, &template), FK_OK);
	spec.psi = NULL;
	cr_assert_eq(fk_sip_template_build(&spec, &template), FK_EINVAL);
	set_up();
	spec.psi = NULL; /* profile C has no use for it */
	cr_assert_eq(fk_sip_template_build(&spec, &template), FK_OK);
	spec.profile = FK_PROFILE_B;
	cr_assert_eq(fk_sip_template_build(&spec, &template), FK_EINVAL);
	set_up();
	spec.kmf_uri = "sip:a&b";
	cr_assert_eq(fk_sip_template_build(&spec, &template), FK_EINVAL);
	set_up();
	spec.sent_by = "h\r\nx: y";
	cr_assert_eq(fk_sip_template_build(&spec, &template), FK_EINVAL);
	set_up();
	spec.route_host = "";
	cr_assert_eq(fk_sip_template_build(&spec, &template), FK_EINVAL);
	set_up();
	spec.profile = 3;
	cr_assert_eq(fk_sip_template_build(&spec, &template), FK_EINVAL);
	set_up();
	spec.disposition_request = 4;
	cr_assert_eq(fk_sip_template_build(&spec, &template), FK_EINVAL);
	set_up();
	spec.extended_app_id = (const uint8_t *)"x\r\n--k";
	spec.extended_app_id_size = 6;
	cr_assert_eq(fk_sip_template_build(&spec, &template), FK_EINVAL);
}

Test(sip_template, fixed_text_that_does_not_fit_is_full)
{
	static uint8_t app_id[1200];
	static char uri[FK_URI_SIZE_MAX + 2] = "sip:";

	memset(uri + 4, 'a', FK_URI_SIZE_MAX - 4);
	spec.kmf_uri = uri;
	spec.kmf_psi = uri;
	cr_assert_eq(fk_sip_template_build(&spec, &template), FK_OK);
	memset(app_id, 'x', sizeof(app_id));
	spec.extended_app_id = app_id;
	spec.extended_app_id_size = 970;
	cr_assert_eq(fk_sip_template_build(&spec, &template), FK_EFULL);
	spec.extended_app_id_size = sizeof(app_id);
	cr_assert_eq(fk_sip_template_build(&spec, &template), FK_EFULL);
	set_up();
	uri[FK_URI_SIZE_MAX] = 'a';
	spec.kmf_uri = uri;
	cr_assert_eq(fk_sip_template_build(&spec, &template), FK_EINVAL);
}
