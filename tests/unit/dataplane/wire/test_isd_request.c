/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "support.h"
#include "wire/isd.h"
#include "wire/isd_request.h"
#include "wire/mcdata_info.h"
#include "wire/sip.h"

/* The placeholders of 3GPP sheet 6.3. */
#define ISD_A                                                             \
	"message_identity V value=0x01\nlmr_type V tetra=0x01 p25=0x02\n" \
	"payload LV-E\n"
#define ISD_B                                                                           \
	"message_identity V value=0x01\nlmr_type V tetra=0x01 p25=0x02\nkmf_uri LV-E\n" \
	"payload LV-E\n"

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

static const struct fk_isd_request example = {
	.participating_psi = "sip:mcptt-tpf@mcptt.example",
	.iwf_psi = "sip:iwf-psi@lmr.example",
	.transport = "TCP",
	.sent_by = "iwf1.lmr.example:5060",
	.branch = "z9hG4bKiwB1f00d01",
	.from_tag = "i1a2b3c4",
	.call_id = "71d0c5aa90@iwf1.lmr.example",
	.boundary = "iwfB1",
	.cseq_number = 1,
	.mc_service_id = "sip:ue7@mcptt.example",
};

static uint8_t payload[100];

static size_t encode(const char *text, const char *kmf_uri, uint8_t *buf, size_t cap)
{
	const struct fk_isd_message message = {
		.lmr_type = FK_ISD_LMR_P25,
		.kmf_uri = (const uint8_t *)kmf_uri,
		.kmf_uri_size = strlen(kmf_uri),
		.payload = payload,
		.payload_size = sizeof(payload),
	};
	struct fk_isd_layout layout;
	struct fk_isd_error error;
	size_t size;

	for (uint8_t i = 0; i < sizeof(payload); i++)
		payload[i] = i;
	cr_assert_eq(fk_isd_layout_parse(text, strlen(text), &layout, &error), FK_OK);
	cr_assert_eq(fk_isd_encode(&layout, &message, buf, cap, &size), FK_OK);
	return size;
}

/* spec: 3GPP sheet 9.5 */
Test(isd_request, the_worked_example_of_1056_octets_is_built_octet_for_octet)
{
	uint8_t isd[200], buf[1056];
	size_t isd_size = encode(ISD_A, "", isd, 200);
	size_t size;

	cr_assert_eq(isd_size, 104);
	cr_assert_eq(fk_isd_request_build(&example, isd, isd_size, buf, sizeof(buf), &size), FK_OK);
	cr_assert_eq(size, 1056);
	cr_assert_arr_eq(buf, example_head, sizeof(example_head) - 1);
	cr_assert_arr_eq(buf + sizeof(example_head) - 1, isd, isd_size);
	cr_assert_arr_eq(buf + sizeof(example_head) - 1 + isd_size, example_tail,
			 sizeof(example_tail) - 1);
	cr_assert_eq(fk_isd_request_build(&example, isd, isd_size, buf, 1055, &size), FK_EFULL);
}

/* spec: 3GPP sheet 9.5: 1077 octets with a URI of 19 */
Test(isd_request, the_uri_of_the_kmf_makes_it_1077_octets)
{
	uint8_t isd[200], buf[1200];
	size_t isd_size = encode(ISD_B, "sip:kmf@lmr.example", isd, 200);
	size_t size;

	cr_assert_eq(isd_size, 125);
	cr_assert_eq(fk_isd_request_build(&example, isd, isd_size, buf, sizeof(buf), &size), FK_OK);
	cr_assert_eq(size, 1077);
}

Test(isd_request, what_is_built_is_read_back_part_by_part)
{
	uint8_t isd[200], buf[1056];
	size_t isd_size = encode(ISD_A, "", isd, 200);
	struct fk_sip_message sip;
	struct fk_sip_part parts[4];
	struct fk_mcdata_info read;
	size_t size;
	uint32_t n;

	cr_assert_eq(fk_isd_request_build(&example, isd, isd_size, buf, sizeof(buf), &size), FK_OK);
	cr_assert_eq(fk_sip_parse(buf, size, &sip), FK_OK, "%s", sip.error);
	cr_assert_eq(sip.method, FK_SIP_MESSAGE);
	cr_assert_eq(sip.body_size, 467);
	cr_assert_eq(fk_sip_split_body(&sip, parts, 4, &n), FK_OK);
	cr_assert_eq(n, 2);
	cr_assert_eq(fk_mcptt_info_parse(parts[0].octets, parts[0].size, &read), FK_OK);
	cr_assert_str_eq(read.request_uri, "sip:ue7@mcptt.example");
	cr_assert(fk_view_is(parts[1].content_type, "application/vnd.3gpp.interworking-data"));
	cr_assert_eq(parts[1].size, isd_size);
	cr_assert_arr_eq(parts[1].octets, isd, isd_size);
}

Test(isd_request, a_boundary_that_stands_in_a_part_is_refused)
{
	static const char inside[] = "\x01\r\n--iwfB1\r\n", first[] = "--iwfB1";
	uint8_t buf[1200];
	size_t size;

	cr_assert_eq(fk_isd_request_build(&example, (const uint8_t *)inside, sizeof(inside) - 1,
					  buf, sizeof(buf), &size),
		     FK_EINVAL);
	cr_assert_eq(fk_isd_request_build(&example, (const uint8_t *)first, sizeof(first) - 1, buf,
					  sizeof(buf), &size),
		     FK_EINVAL);
}

Test(isd_request, text_that_would_break_the_header_is_refused)
{
	static const char *const bad[] = {NULL, "", "a b", "a\r\nb", "a>b", "a\"b", "\xc3\xa4"};
	char long_boundary[72] = {0};
	uint8_t buf[1200];
	size_t size;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct fk_isd_request requests[8];

		for (size_t k = 0; k < 8; k++)
			requests[k] = example;
		requests[0].participating_psi = bad[i];
		requests[1].iwf_psi = bad[i];
		requests[2].transport = bad[i];
		requests[3].sent_by = bad[i];
		requests[4].branch = bad[i];
		requests[5].from_tag = bad[i];
		requests[6].call_id = bad[i];
		requests[7].boundary = bad[i];
		for (size_t k = 0; k < 8; k++)
			cr_expect_eq(fk_isd_request_build(&requests[k], payload, 1, buf,
							  sizeof(buf), &size),
				     FK_EINVAL, "text %zu in field %zu", i, k);
	}
	for (uint32_t i = 0; i < 4; i++) {
		struct fk_isd_request request = example;

		memset(long_boundary, 'b', 71);
		if (i == 0)
			request.boundary = long_boundary;
		else if (i == 1)
			request.boundary = "a;b";
		else
			request.mc_service_id = i == 2 ? NULL : "";
		cr_expect_eq(fk_isd_request_build(&request, payload, 1, buf, sizeof(buf), &size),
			     FK_EINVAL);
	}
}
