/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The MESSAGE of carrier T2 as sip_template.h builds it, under several layouts.
 */
#include <criterion/criterion.h>

#include "support.h"
#include "wire/isd.h"
#include "wire/mcdata_info.h"
#include "wire/net.h"
#include "wire/sip.h"
#include "wire/sip_template.h"

/* The placeholders of 3GPP sheet 6.3, and what they do not have. */
#define IDENTITY "message_identity V value=0x01\nlmr_type V tetra=0x01 p25=0x02\n"
#define ISD_A	 IDENTITY "payload LV-E\n"
#define ISD_B	 IDENTITY "kmf_uri LV-E\npayload LV-E\n"
#define ISD_C	 IDENTITY "payload TLV-E iei=0x78\n"
#define ISD_D                                                               \
	"message_identity V value=1\nlmr_type TV iei=0x22 p25=2 optional\n" \
	"payload TLV-E iei=0x78 content_type=2\n"
#define ISD_BEHIND "payload LV-E\nlmr_type LV octets=3 p25=0x0d0a2d\nkmf_uri LV\n"
#define ISD_SHORT  "lmr_type V p25=2\npayload TLV iei=0x79 content_type=7\nkmf_uri TLV iei=0x7d\n"
#define ISD_REST   "lmr_type V p25=2\npayload V\n"

static const char *const layouts[] = {ISD_A, ISD_B, ISD_C, ISD_D, ISD_BEHIND, ISD_SHORT, ISD_REST};
#define N_LAYOUTS (sizeof(layouts) / sizeof(layouts[0]))

/* The worked example of 3GPP sheet 9.5, up to the binary part. */
static const char example_head[] =
	"MESSAGE sip:mcptt-tpf@mcptt.example SIP/2.0\r\n"
	"Via: SIP/2.0/TCP iwf1.lmr.example:5060;branch=z9hG4bKiwB1f00d01\r\n"
	"Max-Forwards: 70\r\n"
	"From: <sip:iwf-psi@lmr.example>;tag=i1a2b3c4\r\n"
	"To: <sip:mcptt-tpf@mcptt.example>\r\n"
	"Call-ID: 71d0c5aa90@iwf1.lmr.example\r\n"
	"CSeq: 1 MESSAGE\r\n"
	"Accept-Contact: *;+g.3gpp.mcptt;require;explicit\r\n"
	"Accept-Contact: "
	"*;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.mcptt\";require;explicit\r\n"
	"P-Asserted-Identity: <sip:iwf-psi@lmr.example>\r\n"
	"P-Asserted-Service: urn:urn-7:3gpp-service.ims.icsi.mcptt\r\n"
	"Content-Type: multipart/mixed;boundary=\"iwfB1\"\r\n"
	"Content-Length: 467\r\n"
	"\r\n"
	"--iwfB1\r\n"
	"Content-Type: application/vnd.3gpp.mcptt-info+xml\r\n"
	"\r\n"
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"
	"<mcpttinfo xmlns=\"urn:3gpp:ns:mcpttInfo:1.0\"><mcptt-Params><mcptt-request-uri "
	"type=\"Normal\"><mcpttURI>sip:ue7@mcptt.example</mcpttURI></mcptt-request-uri>"
	"</mcptt-Params></mcpttinfo>\r\n"
	"--iwfB1\r\n"
	"Content-Type: application/vnd.3gpp.interworking-data\r\n"
	"\r\n";
static const char example_tail[] = "\r\n--iwfB1--\r\n";

#define PSI	"sip:mcptt-tpf@mcptt.example"
#define IWF_PSI "sip:iwf-psi@lmr.example"
#define KMF_URI "sip:kmf@lmr.example"
#define UE_URI	"sip:ue7@mcptt.example"
#define BRANCH	"z9hG4bK0123456789abcdef0000000100000212345678901234567"

static struct fk_isd_layout layout;
static struct fk_sip_template_spec spec;
static struct fk_sip_template template;
static struct fk_sip_fill fill;
static uint8_t payload[600], datagram[4096];

static void set_up(void)
{
	spec = (struct fk_sip_template_spec){
		.carrier = FK_CARRIER_T2,
		.sent_by = "192.0.2.10:5070",
		.psi = PSI,
		.kmf_uri = KMF_URI,
		.kmf_psi = IWF_PSI,
		.isd_layout = &layout,
	};
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)i;
	fill = (struct fk_sip_fill){
		.mcdata_id = UE_URI,
		.mcdata_id_size = sizeof(UE_URI) - 1,
		.branch = BRANCH,
		.call_id = "0123456789abcdef000002",
		.from_tag = "i1a2b3c4",
		.payload = payload,
		.payload_size = 100,
	};
}

TestSuite(isd_template, .init = set_up);

static void use(const char *text)
{
	struct fk_isd_error error;

	cr_assert_eq(fk_isd_layout_parse(text, strlen(text), &layout, &error), FK_OK, "%s: %s",
		     text, error.reason);
	cr_assert_eq(fk_sip_template_build(&spec, &template), FK_OK, "%s", text);
}

static size_t fill_in(void)
{
	size_t size, offset = 0;
	uint16_t sum;

	size = fk_sip_template_fill_sum(&template, &fill, datagram, sizeof(datagram), &offset,
					&sum);
	cr_assert_gt(size, 0);
	cr_assert_eq(sum, (uint16_t)~fk_net_checksum(datagram, size, 0));
	cr_assert_eq(size, fk_sip_template_size(&template, fill.mcdata_id_size, fill.payload_size));
	cr_assert_arr_eq(datagram + offset, fill.payload, fill.payload_size);
	return size;
}

static void expect_view(struct fk_view view, const char *text)
{
	cr_assert_eq(view.len, strlen(text), "%.*s", (int)view.len, view.at);
	cr_assert_arr_eq(view.at, text, view.len);
}

/* Reads the datagram with our own parsers: the two parts, and the message in its layout. */
static void expect_parses_back(size_t size)
{
	bool has_uri = fk_isd_layout_find(&layout, FK_ISD_KMF_URI) != NULL;
	uint8_t *copy = exact_copy(datagram, size);
	struct fk_sip_message m;
	struct fk_sip_part parts[4];
	struct fk_mcdata_info info;
	struct fk_isd_message message;
	struct fk_isd_error error;
	uint32_t n;

	cr_assert_eq(fk_sip_parse(copy, size, &m), FK_OK, "%s", m.error);
	cr_assert_eq(m.body + m.body_size, copy + size); /* Content-Length is exact */
	cr_assert_eq(fk_sip_split_body(&m, parts, 4, &n), FK_OK);
	cr_assert_eq(n, 2);
	expect_view(parts[0].content_type, "application/vnd.3gpp.mcptt-info+xml");
	cr_assert_eq(fk_mcptt_info_parse(parts[0].octets, parts[0].size, &info), FK_OK);
	cr_assert_eq(info.request_uri_size, fill.mcdata_id_size);
	cr_assert_arr_eq(info.request_uri, fill.mcdata_id, fill.mcdata_id_size);
	cr_assert_str_empty(info.calling_user_id);
	expect_view(parts[1].content_type, FK_ISD_TYPE);
	cr_assert_eq(fk_isd_decode(&layout, parts[1].octets, parts[1].size, &message, &error),
		     FK_OK, "%s: %s", error.field, error.reason);
	cr_assert_eq(message.lmr_type, FK_ISD_LMR_P25);
	cr_assert_eq(message.kmf_uri_size, has_uri ? strlen(KMF_URI) : 0);
	cr_assert_eq(message.payload_size, fill.payload_size);
	cr_assert_arr_eq(message.payload, fill.payload, fill.payload_size);
	free(copy);
}

/* One header's value in an example and in ours, whatever form its name has. */
static bool find_value(const char *text, size_t size, const char *name, struct fk_view *ret_value)
{
	const char *at = memmem(text, size, name, strlen(name)), *end;

	if (at == NULL)
		return false;
	at += strlen(name);
	while (*at == ' ')
		at++;
	end = memchr(at, '\r', (size_t)(text + size - at));
	*ret_value = (struct fk_view){.at = at, .len = (uint32_t)(end - at)};
	return true;
}

/* spec: 3GPP sheet 6.1, 9.5: the same message but for transport, IDs and compact form */
Test(isd_template, the_worked_example_says_the_same_in_compact_form)
{
	static const char *const names[][2] = {
		{"Max-Forwards:", "Max-Forwards:"},
		{"\r\nTo:", "\r\nt:"},
		{"\r\nFrom:", "\r\nf:"},
		{"CSeq:", "CSeq:"},
		{"P-Asserted-Identity:", "P-Asserted-Identity:"},
		{"P-Asserted-Service:", "P-Asserted-Service:"},
	};
	uint8_t example[1056];
	struct fk_sip_message theirs, ours;
	struct fk_sip_part their_parts[4], our_parts[4];
	struct fk_view their_value, our_value;
	const char *info;
	size_t size;
	uint32_t n;

	memcpy(example, example_head, sizeof(example_head) - 1);
	memcpy(example + sizeof(example_head) - 1, "\x01\x02\x00\x64", 4);
	memcpy(example + sizeof(example_head) - 1 + 4, payload, 100);
	memcpy(example + sizeof(example_head) - 1 + 104, example_tail, sizeof(example_tail) - 1);
	cr_assert_eq(fk_sip_parse(example, sizeof(example), &theirs), FK_OK);
	cr_assert_eq(theirs.body_size, 467);
	cr_assert_eq(fk_sip_split_body(&theirs, their_parts, 4, &n), FK_OK);
	use(ISD_A);
	size = fill_in();
	cr_assert_lt(size, sizeof(example));
	cr_assert_eq(fk_sip_parse(datagram, size, &ours), FK_OK);
	cr_assert_eq(fk_sip_split_body(&ours, our_parts, 4, &n), FK_OK);

	cr_assert_eq(ours.request_uri.len, theirs.request_uri.len);
	cr_assert_arr_eq(ours.request_uri.at, theirs.request_uri.at, ours.request_uri.len);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		cr_assert(find_value((char *)example, sizeof(example), names[i][0], &their_value));
		cr_assert(find_value((char *)datagram, size, names[i][1], &our_value));
		cr_assert_eq(our_value.len, their_value.len, "%s", names[i][0]);
		cr_assert_arr_eq(our_value.at, their_value.at, our_value.len);
	}
	cr_assert(find_value((char *)datagram, size, "\r\na:", &our_value));
	expect_view(our_value,
		    "*;+g.3gpp.mcptt;require;explicit,*;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A"
		    "3gpp-service.ims.icsi.mcptt\";require;explicit");
	info = memmem(their_parts[0].octets, their_parts[0].size, "<mcpttinfo", 10);
	cr_assert_eq(our_parts[0].size,
		     their_parts[0].size - (size_t)(info - (const char *)their_parts[0].octets));
	cr_assert_arr_eq(our_parts[0].octets, info, our_parts[0].size);
	cr_assert_eq(our_parts[1].size, 104);
	cr_assert_arr_eq(our_parts[1].octets, their_parts[1].octets, 104);
	/* 21 octets more with a URI of 19 */
	use(ISD_B);
	cr_assert_eq(fill_in(), size + 21);
}

Test(isd_template, nothing_of_an_sds_is_in_it)
{
	static const char *const words[] = {"mcdata", "resource-lists", "calling-user",
					    "Preferred"};
	size_t size;

	use(ISD_B);
	size = fill_in();
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		cr_expect_null(memmem(datagram, size, words[i], strlen(words[i])), "%s", words[i]);
}

Test(isd_template, every_layout_parses_back_at_every_size)
{
	for (size_t i = 0; i < N_LAYOUTS; i++) {
		use(layouts[i]);
		for (uint16_t n = 1; n <= sizeof(payload) && n <= template.payload_max; n++) {
			fill.payload_size = n;
			fill.mcdata_id_size = (uint16_t)(sizeof(UE_URI) - 1 - n % 3);
			expect_parses_back(fill_in());
		}
	}
}

Test(isd_template, a_payload_that_one_octet_cannot_count_is_not_written)
{
	use(ISD_SHORT);
	cr_assert_eq(template.payload_max, 254);
	fill.payload_size = 254;
	expect_parses_back(fill_in());
	fill.payload_size = 255;
	cr_assert_eq(fk_sip_template_fill(&template, &fill, datagram, sizeof(datagram), NULL), 0);
}

Test(isd_template, a_rebuild_is_identical)
{
	uint8_t first[2048];
	size_t size;

	use(ISD_B);
	size = fill_in();
	memcpy(first, datagram, size);
	memset(datagram, 0xee, sizeof(datagram));
	cr_assert_eq(fill_in(), size);
	cr_assert_arr_eq(datagram, first, size);
}

/* In the payload, and where only layout and payload together make one. */
Test(isd_template, a_boundary_is_not_one_that_stands_in_the_part)
{
	static const struct {
		const char *layout, *octets;
		size_t size, offset;
	} cases[] = {
		{ISD_A, "\r\n--kq", 6, 50},
		{ISD_A, "\r\n--k", 5, 95},
		{ISD_REST, "\r\n--k\r\n--q\r\n--a", 15, 0},
		{"lmr_type V octets=2 p25=0x0d0a\npayload V\n", "--k", 3, 0},
		{"lmr_type V octets=3 p25=0x0d0a2d\npayload V\n", "-k", 2, 0},
		{"lmr_type V octets=4 p25=0x0d0a2d2d\npayload V\n", "k", 1, 0},
		{"lmr_type V octets=2 p25=0x2d2d\npayload V\n", "k", 1, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		set_up();
		memcpy(payload + cases[i].offset, cases[i].octets, cases[i].size);
		use(cases[i].layout);
		expect_parses_back(fill_in());
		cr_assert_null(memmem(datagram, sizeof(datagram), "boundary=k", 10), "%zu", i);
		memset(datagram, 0, sizeof(datagram));
	}
}

Test(isd_template, what_cannot_be_sent_is_refused_when_it_is_built)
{
	struct fk_isd_error error;
	static const char *const bad[] = {"payload LV", "lmr_type V tetra=1\npayload LV"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cr_assert_eq(fk_isd_layout_parse(bad[i], strlen(bad[i]), &layout, &error), FK_OK);
		cr_assert_eq(fk_sip_template_build(&spec, &template), FK_EINVAL, "%s", bad[i]);
	}
	use(ISD_A);
	spec.isd_layout = NULL;
	cr_assert_eq(fk_sip_template_build(&spec, &template), FK_EINVAL);
	set_up();
	spec.psi = NULL;
	cr_assert_eq(fk_sip_template_build(&spec, &template), FK_EINVAL);
	set_up();
	spec.kmf_psi = "sip:a b@c";
	cr_assert_eq(fk_sip_template_build(&spec, &template), FK_EINVAL);
	set_up();
	spec.carrier = FK_CARRIER_T2 + 1;
	cr_assert_eq(fk_sip_template_build(&spec, &template), FK_EINVAL);
}
