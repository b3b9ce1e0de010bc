/* SPDX-License-Identifier: Apache-2.0 */
/* test_server.c - the MCData server against MESSAGEs as the dataplane writes them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "fixture.h"
#include "inspect.h"
#include "plain_request.h"
#include "server.h"
#include "speak.h"
#include "wire/isd.h"
#include "wire/mcdata_info.h"
#include "wire/sip.h"
#include "wire/sip_template.h"

#define SENT_MAX 4096

struct capture {
	uint8_t payload[FK_SIM_DATAGRAM_MAX];
	uint16_t size, source_port, destination_port;
	struct fk_address source;
	bool is_hostile;
};

static const struct fk_address kmf = {{[10] = 0xff, 0xff, 192, 0, 2, 10}};
static const struct fk_address own = {{[10] = 0xff, 0xff, 192, 0, 2, 20}};
static struct fixture f;
static struct fk_sim_counts counts;
static struct fk_radio radio;
static struct fk_txns *txns;
static struct fk_hostile hostile;
static struct fk_insider insider;
static struct fk_lies lies;
static struct fk_traits traits;
static struct fk_server server;
static struct fk_face face;
static struct fk_isd_layout isd_layout;
static struct fk_sip_template template;
static struct capture sent[SENT_MAX];
static uint32_t n_sent;
static struct fk_sim_ue *ue;
static const uint8_t conversation_id[16] = {0xc0, [6] = 0x40, [8] = 0x80, [15] = 1};
static const uint8_t message_id[16] = {0xa0, [6] = 0x40, [8] = 0x80, [15] = 2};

static bool capture(void *arg, const struct fk_datagram *d)
{
	(void)arg;
	cr_assert_lt(n_sent, SENT_MAX);
	memcpy(sent[n_sent].payload, d->payload, d->size);
	sent[n_sent].size = d->size;
	sent[n_sent].source_port = d->source_port;
	sent[n_sent].destination_port = d->destination_port;
	sent[n_sent].source = d->source;
	sent[n_sent].is_hostile = d->is_hostile;
	cr_assert(fk_address_equal(&d->destination, &kmf));
	n_sent++;
	return true;
}

static void setup_with(uint8_t profile)
{
	struct fk_outbox outbox = {.send = capture};
	struct fk_txns_spec txns_spec = {.n_slots = 64,
					 .t1_ms = 500,
					 .source = own,
					 .outbox = outbox,
					 .counts = &counts,
					 .nonce_seed = 1};
	struct fk_sip_template_spec spec = {
		.carrier = profile == FK_FACE_T2 ? FK_CARRIER_T2 : FK_CARRIER_T1,
		.profile = profile,
		.isd_layout = &isd_layout,
		.sent_by = "192.0.2.10:5070",
		.psi = profile == FK_FACE_T2 ? "sip:mcptt@mc.example" : "sip:mcdata@mc.example",
		.kmf_uri = "sip:kmf@mc.example",
		.kmf_psi = "sip:kmf@mc.example",
		.disposition_request = FK_SDS_REQUEST_DELIVERY};

	memset(&counts, 0, sizeof(counts));
	memset(&hostile, 0, sizeof(hostile));
	memset(&insider, 0, sizeof(insider));
	memset(&lies, 0, sizeof(lies));
	memset(&traits, 0, sizeof(traits));
	n_sent = 0;
	fixture_init(&f);
	face = (struct fk_face){.port = 5060, .profile = profile};
	cr_assert_eq(fk_face_prepare(&face, "sip:kmf@mc.example", &own, &isd_layout), FK_OK);
	radio = (struct fk_radio){
		.ossl = f.ossl, .counts = &counts, .traits = &traits, .kmf_rsi = KMF_RSI};
	cr_assert_eq(fk_txns_new(&txns_spec, 1000, &txns), FK_OK);
	cr_assert_eq(fk_sip_template_build(&spec, &template), FK_OK);
	server = (struct fk_server){.fleet = &f.fleet,
				    .radio = &radio,
				    .txns = txns,
				    .hostile = &hostile,
				    .insider = &insider,
				    .lies = &lies,
				    .traits = &traits,
				    .counts = &counts,
				    .outbox = outbox,
				    .address = own,
				    .faces = &face,
				    .n_faces = 1,
				    .kmf_port = 5060,
				    .now_ms = 1000,
				    .date_time_s = 1700000000};
	ue = &f.fleet.ues[3];
}

static void setup(void)
{
	setup_with(FK_PROFILE_C);
}

static void teardown(void)
{
	fk_txns_free(txns);
	fixture_fini(&f);
}

TestSuite(server, .init = setup, .fini = teardown);

/* Writes a MESSAGE to the UE with this KMM; 'count' makes the transaction another one. */
static size_t write_message(const uint8_t *kmm, size_t kmm_size, char count, uint8_t *buf,
			    size_t cap)
{
	uint8_t payload[FK_KMM_PREAMBLE_SIZE + FK_KMM_SIZE_MAX];
	struct fk_kmm_preamble preamble = {.algorithm_id = FK_ALGORITHM_CLEAR};
	char branch[FK_BRANCH_LEN], call_id[FK_CALL_ID_LEN];
	size_t size;
	struct fk_sip_fill fill = {.mcdata_id = fk_fleet_mcdata_id(&f.fleet, ue),
				   .mcdata_id_size = ue->mcdata_id_size,
				   .branch = branch,
				   .call_id = call_id,
				   .from_tag = "01234567",
				   .date_time_s = 1700000000,
				   .conversation_id = conversation_id,
				   .message_id = message_id,
				   .payload = payload,
				   .payload_size = (uint16_t)(FK_KMM_PREAMBLE_SIZE + kmm_size)};

	memcpy(payload + FK_KMM_PREAMBLE_SIZE, kmm, kmm_size);
	memset(branch, count, sizeof(branch));
	memcpy(branch, FK_BRANCH_COOKIE, strlen(FK_BRANCH_COOKIE));
	memset(call_id, count, sizeof(call_id));
	cr_assert_eq(fk_kmm_preamble_encode(&preamble, payload, sizeof(payload)), FK_OK);
	size = fk_sip_template_fill(&template, &fill, buf, cap, NULL);
	cr_assert_gt(size, 0);
	return size;
}

/* The UE's rekey 'number'. */
static size_t write_rekey(uint16_t number, char count, uint8_t *buf, size_t cap)
{
	struct command c = usual_command(&f, ue, number);
	uint8_t kmm[FK_KMM_SIZE_MAX];

	return write_message(kmm, make_rekey(&f, ue, &c, kmm), count, buf, cap);
}

static void deliver(const uint8_t *octets, size_t size)
{
	/* A copy of exact size, so that a sanitizer sees any read past the datagram. */
	uint8_t *copy = malloc(size > 0 ? size : 1);
	struct fk_net_frame frame = {.kind = FK_NET_UDP,
				     .source = kmf,
				     .destination = own,
				     .source_port = 5070,
				     .destination_port = 5060,
				     .payload = copy,
				     .payload_size = (uint16_t)size};

	memcpy(copy, octets, size);
	fk_server_receive(&server, &frame);
	free(copy);
}

static struct fk_sip_message parse_sent(uint32_t i)
{
	struct fk_sip_message sip;

	cr_assert_lt(i, n_sent);
	cr_assert_eq(fk_sip_parse(sent[i].payload, sent[i].size, &sip), FK_OK, "%s", sip.error);
	return sip;
}

static uint64_t n_malformed(void)
{
	uint64_t n = 0;

	for (int i = 0; i < FK_SIM_MALFORMED_REASONS; i++)
		n += counts.malformed[i];
	return n;
}

Test(server, a_good_rekey_gets_202_then_delivered_then_the_ack)
{
	uint8_t buf[1500];
	struct fk_sip_message sip;
	struct fk_sip_part parts[4];
	struct fk_mcdata_info info;
	struct fk_sds_notification notification;
	struct fk_sds_signalling signalling;
	const uint8_t *payload;
	size_t payload_size;
	uint32_t n = 0;

	deliver(buf, write_rekey(1, 'a', buf, sizeof(buf)));
	cr_assert_eq(n_malformed(), 0);
	cr_assert_eq(n_sent, 3);
	sip = parse_sent(0);
	cr_assert(sip.is_response);
	cr_assert_eq(sip.status, 202);
	cr_assert_gt(sip.to_tag.len, 0);
	cr_assert_eq(sent[0].destination_port, 5070);

	sip = parse_sent(1);
	cr_assert_eq(sent[1].destination_port, 5060);
	cr_assert_eq(fk_sip_split_body(&sip, parts, 4, &n), FK_OK);
	cr_assert_eq(n, 2);
	cr_assert_eq(fk_mcdata_info_parse(parts[0].octets, parts[0].size, &info), FK_OK);
	cr_assert_str_eq(info.calling_user_id, "sip:ue0000004@mc.example");
	cr_assert_str_eq(info.request_uri, "sip:kmf@mc.example");
	cr_assert_eq(fk_sds_decode_notification(parts[1].octets, parts[1].size, &notification),
		     FK_OK);
	cr_assert_eq(notification.disposition, FK_SDS_DELIVERED);
	cr_assert_arr_eq(notification.message_id, message_id, 16);
	cr_assert_arr_eq(notification.conversation_id, conversation_id, 16);

	sip = parse_sent(2);
	cr_assert_eq(fk_sip_split_body(&sip, parts, 4, &n), FK_OK);
	cr_assert_eq(n, 3);
	cr_assert_eq(fk_sds_decode_signalling(parts[1].octets, parts[1].size, &signalling), FK_OK);
	cr_assert(signalling.has_in_reply_to);
	cr_assert_arr_eq(signalling.in_reply_to, message_id, 16);
	cr_assert_arr_eq(signalling.conversation_id, conversation_id, 16);
	cr_assert_neq(memcmp(signalling.message_id, message_id, 16), 0);
	cr_assert_eq(fk_sds_decode_data(parts[2].octets, parts[2].size, &payload, &payload_size),
		     FK_OK);
	cr_assert_eq(payload[FK_KMM_PREAMBLE_SIZE], FK_KMM_REKEY_ACK);
}

Test(server, a_repeat_in_the_same_transaction_gets_the_same_202_and_nothing_more)
{
	uint8_t buf[1500];
	size_t size = write_rekey(1, 'a', buf, sizeof(buf));

	deliver(buf, size);
	deliver(buf, size);
	cr_assert_eq(n_sent, 4);
	cr_assert_eq(sent[3].size, sent[0].size);
	cr_assert_arr_eq(sent[3].payload, sent[0].payload, sent[0].size);
	cr_assert_eq(counts.count[FK_SIM_RETRANSMISSIONS], 1);
	cr_assert_eq(counts.count[FK_SIM_REPEATS], 1);
	cr_assert_eq(counts.count[FK_SIM_COMMANDS], 1);
}

Test(server, the_same_kmm_in_a_new_transaction_is_answered_again)
{
	uint8_t buf[1500];

	deliver(buf, write_rekey(1, 'a', buf, sizeof(buf)));
	deliver(buf, write_rekey(1, 'b', buf, sizeof(buf)));
	cr_assert_eq(n_sent, 6);
	cr_assert_eq(counts.count[FK_SIM_REPEATS], 1);
	cr_assert_eq(counts.count[FK_SIM_RETRANSMISSIONS], 0);
	cr_assert_eq(counts.count[FK_SIM_COMMANDS], 1);
	cr_assert_eq(counts.count[FK_SIM_MESSAGE_NUMBER_REUSED], 0);
}

/* Replaces one occurrence of 'old' by 'new' of the same length. */
static void patch(uint8_t *buf, size_t size, const char *old, const char *new)
{
	char *at = memmem(buf, size, old, strlen(old));

	cr_assert_not_null(at, "%s", old);
	cr_assert_eq(strlen(old), strlen(new));
	memcpy(at, new, strlen(new));
}

static bool view_is(struct fk_view view, const char *start)
{
	return view.len >= strlen(start) && memcmp(view.at, start, strlen(start)) == 0;
}

/* The status and, if not NULL, the Warning that a MESSAGE of another profile than the server's, or
 * one in which 'old' is replaced, is refused with. */
static void expect_refusal(uint8_t profile, const char *old, const char *new,
			   enum fk_sim_malformed reason, uint16_t status, const char *warning)
{
	uint8_t buf[1500];
	size_t size = write_rekey(1, 'a', buf, sizeof(buf));

	face.profile = profile;
	if (old != NULL)
		patch(buf, size, old, new);
	memset(&counts, 0, sizeof(counts));
	n_sent = 0;
	deliver(buf, size);
	cr_expect_eq(n_malformed(), 1, "%s", fk_sim_malformed_name(reason));
	cr_expect_eq(counts.malformed[reason], 1, "%s", fk_sim_malformed_name(reason));
	cr_expect_eq(counts.count[FK_SIM_COMMANDS], 0);
	cr_assert_eq(n_sent, 1);
	cr_expect_eq(parse_sent(0).status, status);
	cr_expect_eq(parse_sent(0).warning_code, warning == NULL ? 0 : atoi(warning));
}

/* spec: 3GPP sheet 3.2, 3.3, 3.7 */
Test(server, a_client_names_one_target_in_a_list_and_is_known_by_its_identity)
{
	uint8_t buf[1500];

	teardown();
	setup_with(FK_PROFILE_A);
	deliver(buf, write_rekey(1, 'a', buf, sizeof(buf)));
	cr_assert_eq(n_malformed(), 0);
	cr_assert_eq(counts.count[FK_SIM_COMMANDS], 1);
	cr_assert_eq(face.n_requests, 1);
	cr_assert_eq(face.n_accepted, 1);
	cr_assert_eq(parse_sent(0).status, 202);

	expect_refusal(FK_PROFILE_A, "MESSAGE sip:mcdata@", "MESSAGE sip:mcdatb@",
		       FK_SIM_MALFORMED_REQUEST_URI, 404, NULL);
	expect_refusal(FK_PROFILE_A, "Identity:<sip:kmf@", "Identity:<sip:kmg@",
		       FK_SIM_MALFORMED_IDENTITY, 404, "141");
	expect_refusal(FK_PROFILE_A, "Service:urn:urn-7:3gpp", "Service:urn:urn-7:4gpp",
		       FK_SIM_MALFORMED_SERVICE, 403, NULL);
	expect_refusal(FK_PROFILE_A, "<entry uri=", "<entrx uri=", FK_SIM_MALFORMED_TARGET, 403,
		       "204");
	expect_refusal(FK_PROFILE_A, "<entry uri=\"sip:ue0000004@", "<entry uri=\"sip:ue9000004@",
		       FK_SIM_MALFORMED_UNKNOWN_UE, 404, NULL);
	expect_refusal(FK_PROFILE_C, NULL, NULL, FK_SIM_MALFORMED_RESOURCE_LISTS, 403, "199");
	expect_refusal(FK_PROFILE_B, NULL, NULL, FK_SIM_MALFORMED_IDENTITY, 404, "141");
}

Test(server, a_trusted_server_names_itself_and_one_target_in_a_list)
{
	uint8_t buf[1500];

	teardown();
	setup_with(FK_PROFILE_B);
	deliver(buf, write_rekey(1, 'a', buf, sizeof(buf)));
	cr_assert_eq(n_malformed(), 0);
	cr_assert_eq(counts.count[FK_SIM_COMMANDS], 1);
	expect_refusal(FK_PROFILE_B, "<mcdataURI>sip:kmf@", "<mcdataURI>sip:kmg@",
		       FK_SIM_MALFORMED_CALLING_USER, 403, NULL);
	expect_refusal(FK_PROFILE_B, "P-Asserted-Service", "P-Asserted-Servise",
		       FK_SIM_MALFORMED_SERVICE, 403, NULL);
	/* A participating function writes the calling user itself. */
	expect_refusal(FK_PROFILE_A, NULL, NULL, FK_SIM_MALFORMED_CALLING_USER, 403, NULL);
}

Test(server, a_controlling_function_names_the_target_in_mcdata_info_only)
{
	expect_refusal(FK_PROFILE_A, NULL, NULL, FK_SIM_MALFORMED_TARGET, 403, "204");
	expect_refusal(FK_PROFILE_B, NULL, NULL, FK_SIM_MALFORMED_TARGET, 403, "204");
	expect_refusal(FK_PROFILE_C, "MESSAGE sip:ue0000004@", "MESSAGE sip:ue0000005@",
		       FK_SIM_MALFORMED_REQUEST_URI, 404, NULL);
	expect_refusal(FK_PROFILE_C, "P-Asserted-Identity", "P-Asserted-Identidy",
		       FK_SIM_MALFORMED_IDENTITY, 404, "141");
	expect_refusal(FK_PROFILE_C, "g.3gpp.mcdata.sds;require", "g.3gpp.mcdata.fds;require",
		       FK_SIM_MALFORMED_SERVICE, 403, NULL);
}

static void setup_t2(void)
{
	static const char text[] = "message_identity V value=0x5d\nlmr_type V tetra=1 p25=2\n"
				   "kmf_uri LV\npayload LV-E\n";
	struct fk_isd_error error;

	cr_assert_eq(fk_isd_layout_parse(text, strlen(text), &isd_layout, &error), FK_OK);
	teardown();
	setup_with(FK_FACE_T2);
}

/* spec: 3GPP sheet 6.1, 6.2 */
Test(server, a_good_rekey_by_t2_gets_200_then_the_ack_and_no_notification)
{
	uint8_t buf[1500];
	struct fk_sip_message sip;
	struct fk_sip_part parts[4];
	struct fk_mcdata_info info;
	struct fk_isd_message message;
	struct fk_isd_error error;
	uint32_t n = 0;

	setup_t2();
	deliver(buf, write_rekey(1, 'a', buf, sizeof(buf)));
	cr_assert_eq(n_malformed(), 0);
	cr_assert_eq(n_sent, 2);
	cr_assert_eq(parse_sent(0).status, 200);
	sip = parse_sent(1);
	cr_assert_eq(fk_sip_split_body(&sip, parts, 4, &n), FK_OK);
	cr_assert_eq(n, 2);
	cr_assert_eq(fk_mcptt_info_parse(parts[0].octets, parts[0].size, &info), FK_OK);
	cr_assert_str_eq(info.request_uri, "sip:kmf@mc.example");
	cr_assert_str_eq(info.calling_user_id, "sip:ue0000004@mc.example");
	cr_assert_eq(fk_isd_decode(&isd_layout, parts[1].octets, parts[1].size, &message, &error),
		     FK_OK);
	cr_assert_eq(message.kmf_uri_size, strlen("sip:kmf@mc.example"));
	cr_assert_eq(message.payload[FK_KMM_PREAMBLE_SIZE], FK_KMM_REKEY_ACK);
	/* A repeat gets the same 200 and nothing more. */
	deliver(buf, write_rekey(1, 'a', buf, sizeof(buf)));
	cr_assert_eq(n_sent, 3);
	cr_assert_arr_eq(sent[2].payload, sent[0].payload, sent[0].size);
}

Test(server, what_t2_does_not_have_is_refused)
{
	setup_t2();
	expect_refusal(FK_FACE_T2, "MESSAGE sip:mcptt@", "MESSAGE sip:mcpts@",
		       FK_SIM_MALFORMED_REQUEST_URI, 404, NULL);
	expect_refusal(FK_FACE_T2, "g.3gpp.mcptt;require", "g.3gpp.mcpts;require",
		       FK_SIM_MALFORMED_SERVICE, 403, NULL);
	expect_refusal(FK_FACE_T2, "P-Asserted-Identity", "P-Asserted-Identidy",
		       FK_SIM_MALFORMED_IDENTITY, 404, "141");
	expect_refusal(FK_FACE_T2, "interworking-data", "interworking-dada", FK_SIM_MALFORMED_PARTS,
		       403, "199");
	expect_refusal(FK_FACE_T2, "\x5d\x02", "\x5c\x02", FK_SIM_MALFORMED_ISD, 400, NULL);
	expect_refusal(FK_FACE_T2, "\x5d\x02", "\x5d\x01", FK_SIM_MALFORMED_ISD, 400, NULL);
	expect_refusal(FK_FACE_T2, "\x12sip:kmf@", "\x12sip:kmg@", FK_SIM_MALFORMED_ISD, 400, NULL);
	expect_refusal(FK_PROFILE_C, NULL, NULL, FK_SIM_MALFORMED_PARTS, 403, "199");
}

Test(server, more_or_less_than_one_entry_is_no_target)
{
	static const char one[] = "<entry uri=\"sip:ue0000004@mc.example\"/></list>";
	static const char two[] = "<entry uri=\"sip:ue0000004@\"/><entry /></list>";
	char padded[sizeof(one)];

	teardown();
	setup_with(FK_PROFILE_A);
	memset(padded, ' ', sizeof(padded));
	memcpy(padded, two, sizeof(two) - 1);
	padded[sizeof(one) - 1] = '\0';
	cr_assert_leq(sizeof(two), sizeof(one));
	expect_refusal(FK_PROFILE_A, one, padded, FK_SIM_MALFORMED_TARGET, 403, "204");
}

Test(server, a_ue_of_another_next_hop_is_not_served)
{
	snprintf(face.name, sizeof(face.name), "%s", "nh2");
	expect_refusal(FK_PROFILE_C, NULL, NULL, FK_SIM_MALFORMED_NEXT_HOP, 404, NULL);
	snprintf(face.name, sizeof(face.name), "%s", "nh1");
	n_sent = 0;
	uint8_t buf[1500];

	deliver(buf, write_rekey(1, 'a', buf, sizeof(buf)));
	cr_assert_eq(n_sent, 3);
}

Test(server, a_server_that_was_told_to_refuses_everybody_and_no_radio_hears)
{
	static const struct {
		uint16_t refusal, status, warning;
	} cases[] = {{401, 401, 0}, {407, 407, 0}, {FK_FACE_WARNING_141, 404, 141}};
	uint8_t buf[1500];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		face.refusal = cases[i].refusal;
		n_sent = 0;
		deliver(buf, write_rekey(1, (char)('a' + i), buf, sizeof(buf)));
		cr_assert_eq(n_sent, 1);
		cr_assert_eq(parse_sent(0).status, cases[i].status);
		cr_assert_eq(parse_sent(0).warning_code, cases[i].warning);
	}
	cr_assert_eq(face.n_refused, 3);
	cr_assert_eq(n_malformed(), 0);
	cr_assert_eq(counts.count[FK_SIM_COMMANDS], 0);
}

Test(server, each_of_several_servers_answers_from_its_own_port_and_in_its_own_name)
{
	struct fk_face faces[2] = {{.name = "nh1", .port = 5060}, {.name = "nh2", .port = 5062}};
	struct fk_net_frame frame = {.kind = FK_NET_UDP,
				     .source = kmf,
				     .destination = own,
				     .source_port = 5070,
				     .destination_port = 5064};
	uint8_t buf[1500];

	for (uint32_t i = 0; i < 2; i++)
		cr_assert_eq(fk_face_prepare(&faces[i], "sip:kmf@mc.example", &own, NULL), FK_OK);
	server.faces = faces;
	server.n_faces = 2;
	deliver(buf, write_rekey(1, 'a', buf, sizeof(buf)));
	cr_assert_eq(n_sent, 3);
	cr_assert(view_is(parse_sent(1).via_sent_by, "192.0.2.20:5060"));
	cr_assert(view_is(parse_sent(1).from, "<sip:mcdata-nh1@mc.example>"));
	frame.payload = buf;
	frame.payload_size = (uint16_t)write_rekey(2, 'b', buf, sizeof(buf));
	fk_server_receive(&server, &frame);
	cr_assert_eq(n_sent, 3, "nobody is at that port");
	cr_assert_eq(counts.count[FK_SIM_NOT_OURS], 1);
	frame.destination_port = 5062;
	fk_server_receive(&server, &frame);
	cr_assert_eq(counts.malformed[FK_SIM_MALFORMED_NEXT_HOP], 1);
	cr_assert_eq(sent[3].source_port, 5062);
}

Test(server, a_next_hop_is_read_from_its_text_or_refused)
{
	static const char *const bad[] = {
		"",	    "nh1",	   "nh1,5060",	     ",5060,A",
		"nh1,0,A",  "nh1,65536,A", "nh1,5060,D",     "nh1,5060,AB",
		"nh1,-1,A", "nh1,5060,A,", "nh1,5060,A,500", "nh1,5060,A,4010"};
	struct fk_face read = {.port = 0};

	cr_assert(fk_face_read("nh1,5062,B", &read));
	cr_assert_str_eq(read.name, "nh1");
	cr_assert_eq(read.port, 5062);
	cr_assert_eq(read.profile, FK_PROFILE_B);
	cr_assert_eq(read.refusal, 0);
	cr_assert(fk_face_read("nh-2,5060,A,401", &read));
	cr_assert_eq(read.refusal, 401);
	cr_assert(fk_face_read("nh-2,5060,C,503", &read));
	cr_assert_eq(read.refusal, 503);
	cr_assert(fk_face_read("nh-2,5060,T2,407", &read));
	cr_assert_eq(read.profile, FK_FACE_T2);
	cr_assert_eq(read.refusal, 407);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_not(fk_face_read(bad[i], &read), "%s", bad[i]);
}

Test(server, every_truncation_is_malformed_and_changes_nothing)
{
	uint8_t buf[1500];
	size_t size = write_rekey(1, 'a', buf, sizeof(buf));

	for (size_t n = 0; n < size; n++) {
		deliver(buf, n);
		cr_assert_eq(n_malformed(), n + 1, "%zu octets", n);
	}
	cr_assert_eq(counts.count[FK_SIM_COMMANDS], 0);
	cr_assert_eq(ue->newest_key, FK_SIM_NO_KEY);
}

static void expect_malformed(const char *old, const char *new, enum fk_sim_malformed reason)
{
	uint8_t buf[1500];
	size_t size = write_rekey(1, 'a', buf, sizeof(buf));

	patch(buf, size, old, new);
	deliver(buf, size);
	cr_assert_eq(n_malformed(), 1, "%s", new);
	cr_assert_eq(counts.malformed[reason], 1, "%s", new);
	counts.malformed[reason] = 0;
}

Test(server, each_fault_is_counted_under_its_reason)
{
	expect_malformed("SIP/2.0\r\nv", "SAP/2.0\r\nv", FK_SIM_MALFORMED_NOT_SIP);
	expect_malformed("CSeq:1 MESSAGE", "CSeq:1 MESSENG", FK_SIM_MALFORMED_SIP_SYNTAX);
	expect_malformed("Max-Forwards:70", "Max-Forwords:70", FK_SIM_MALFORMED_NO_MAX_FORWARDS);
	expect_malformed("t:<sip:ue0000004@mc.example>\r\n", "t:<sip:u@x>\r\nm:<sip:k@mc.ex>\r\n",
			 FK_SIM_MALFORMED_CONTACT);
	expect_malformed("one-to-one-sds", "one-to-all-sds", FK_SIM_MALFORMED_REQUEST_TYPE);
	expect_malformed("<mcdataURI>sip:ue0000004@", "<mcdataURI>sip:ue9000004@",
			 FK_SIM_MALFORMED_REQUEST_URI);
	expect_malformed("<mcdataURI>sip:kmf@", "<mcdataURI>sip:kmg@",
			 FK_SIM_MALFORMED_CALLING_USER);
	expect_malformed("vnd.3gpp.mcdata-signalling", "vnd.3gpp.mcdata-semaphores",
			 FK_SIM_MALFORMED_PARTS);
	expect_malformed("</mcdata-Params>", "</mcdata-params>", FK_SIM_MALFORMED_MCDATA_INFO);
	/* Two have a good body: it is obeyed once, and repeated once in the same transaction. */
	cr_assert_eq(counts.count[FK_SIM_COMMANDS], 1);
	cr_assert_eq(counts.count[FK_SIM_RETRANSMISSIONS], 1);
}

Test(server, a_message_without_a_delivery_request_is_malformed)
{
	uint8_t buf[1500];
	size_t size = write_rekey(1, 'a', buf, sizeof(buf));
	uint8_t *at = memmem(buf, size, message_id, sizeof(message_id));

	cr_assert_not_null(at);
	cr_assert_eq(at[16], 0x80 | FK_SDS_REQUEST_DELIVERY);
	at[16] = 0x80 | FK_SDS_REQUEST_READ;
	deliver(buf, size);
	cr_assert_eq(counts.malformed[FK_SIM_MALFORMED_DISPOSITION_REQUEST], 1);
}

Test(server, more_than_1300_octets_and_octets_behind_the_body_are_malformed)
{
	uint8_t buf[1500];
	size_t size = write_rekey(1, 'a', buf, sizeof(buf));

	buf[size] = '\n';
	deliver(buf, size + 1);
	cr_assert_eq(counts.malformed[FK_SIM_MALFORMED_CONTENT_LENGTH], 1);
}

Test(server, other_methods_are_refused_and_options_answered)
{
	static const char options[] = "OPTIONS sip:mcdata@mc.example SIP/2.0\r\n"
				      "v:SIP/2.0/UDP 192.0.2.10:5070;branch=z9hG4bKx1\r\n"
				      "Max-Forwards:70\r\nf:<sip:kmf@mc.example>;tag=1\r\n"
				      "t:<sip:mcdata@mc.example>\r\ni:1\r\nCSeq:1 OPTIONS\r\n"
				      "l:0\r\n\r\n";
	char invite[sizeof(options)];

	deliver((const uint8_t *)options, sizeof(options) - 1);
	cr_assert_eq(parse_sent(0).status, 200);
	memcpy(invite, options, sizeof(options));
	patch((uint8_t *)invite, sizeof(invite), "OPTIONS sip", "PUBLISH sip");
	patch((uint8_t *)invite, sizeof(invite), "1 OPTIONS", "1 PUBLISH");
	deliver((const uint8_t *)invite, sizeof(invite) - 1);
	cr_assert_eq(parse_sent(1).status, 405);
	cr_assert_eq(counts.malformed[FK_SIM_MALFORMED_METHOD], 1);
}

Test(server, a_command_that_could_not_be_answered_is_not_accepted)
{
	uint8_t buf[1500];

	while (fk_txns_free_count(txns) >= FK_SPEAK_TRANSACTIONS_MAX) {
		struct fk_compose c = {.context = &face.compose,
				       .mcdata_id = "sip:x@y",
				       .mcdata_id_size = 7,
				       .conversation_id = message_id,
				       .message_id = message_id};

		cr_assert_eq(fk_txn_begin(txns, &c, &kmf, 5060, 1000), FK_OK);
	}
	n_sent = 0;
	deliver(buf, write_rekey(1, 'a', buf, sizeof(buf)));
	cr_assert_eq(n_sent, 0);
	cr_assert_eq(counts.count[FK_SIM_DEFERRED], 1);
	cr_assert_eq(ue->newest_key, FK_SIM_NO_KEY);
}

Test(server, lies_stand_beside_the_truth_once_and_are_counted)
{
	uint8_t buf[1500];
	uint32_t n_hostile = 0, n_strangers = 0;
	uint64_t n_counted = 0;

	cr_assert(fk_hostile_read_mode("all", &hostile.kinds));
	cr_assert_not(fk_hostile_read_mode("nonsense", &hostile.kinds));
	deliver(buf, write_rekey(1, 'a', buf, sizeof(buf)));
	for (uint32_t i = 0; i < n_sent; i++) {
		n_hostile += sent[i].is_hostile;
		n_strangers += !fk_address_equal(&sent[i].source, &own);
	}
	for (int i = 0; i < FK_HOSTILE_KINDS; i++) {
		cr_assert_gt(hostile.sent[i], 0, "%s",
			     fk_hostile_kind_name((enum fk_hostile_kind)i));
		n_counted += hostile.sent[i];
	}
	cr_assert_eq(n_hostile, n_counted);
	cr_assert_eq(n_strangers, hostile.sent[FK_HOSTILE_UNKNOWN_PEER]);
	cr_assert_eq(n_sent, n_hostile + 3);
	cr_assert(sent[n_sent - 1].is_hostile, "the replay follows the truth");
	cr_assert_not(sent[n_sent - 2].is_hostile);

	hostile.n_ues = FK_HOSTILE_UES;
	n_sent = 0;
	deliver(buf, write_rekey(2, 'b', buf, sizeof(buf)));
	cr_assert_eq(n_sent, 3);
}

/* True if the server says in the datagram that this one calls. */
static bool is_sent_by(uint32_t i, const char *mcdata_id)
{
	struct fk_sip_message sip = parse_sent(i);
	struct fk_sip_part parts[4];
	struct fk_mcdata_info info;
	uint32_t n = 0;

	cr_assert_eq(fk_sip_split_body(&sip, parts, 4, &n), FK_OK);
	cr_assert_eq(fk_mcdata_info_parse(parts[0].octets, parts[0].size, &info), FK_OK);
	return strcmp(info.calling_user_id, mcdata_id) == 0;
}

Test(server, a_member_in_anothers_name_is_counted_by_what_gives_it_away)
{
	struct command c = usual_command(&f, ue, 2);
	uint8_t buf[1500], kmm[FK_KMM_SIZE_MAX];

	ue->traits = 1u << FK_TRAIT_FORGED_MEMBER;
	deliver(buf, write_rekey(1, 'a', buf, sizeof(buf)));
	cr_assert_eq(n_sent, 4, "202, NOTIFICATION, the false answer, answer");
	cr_expect(is_sent_by(2, "sip:ue0000004@mc.example"), "under its own key");
	cr_expect_eq(traits.events[FK_TRAIT_FORGED_MEMBER], 1);
	cr_expect_eq(traits.false_names[FK_FALSE_NAME_KEY], 1);
	cr_expect_eq(traits.false_names[FK_FALSE_NAME_CALLER], 0);

	c.mac_key = f.tek;
	c.mac_key_id = KEY_ID;
	deliver(buf, write_message(kmm, make_inventory(&f, ue, &c, kmm), 'b', buf, sizeof(buf)));
	cr_assert_eq(n_sent, 8);
	cr_expect(is_sent_by(6, "sip:ue0000005@mc.example"), "under the group's");
	cr_expect(is_sent_by(7, "sip:ue0000004@mc.example"));
	cr_expect_eq(traits.events[FK_TRAIT_FORGED_MEMBER], 2);
	cr_expect_eq(traits.false_names[FK_FALSE_NAME_KEY], 1);
	cr_expect_eq(traits.false_names[FK_FALSE_NAME_CALLER], 1);
}

Test(server, what_an_insider_says_with_the_groups_key_is_counted_and_obeyed_by_nobody)
{
	struct fk_sim_ue *other = &f.fleet.ues[4];
	struct fk_sim_ue before;
	uint8_t buf[1500];

	for (uint32_t i = 0; i < 2; i++) /* a group's key in keyset 1, and another in keyset 2 */
		for (uint32_t k = 0; k < 2; k++)
			cr_assert(fk_sim_ue_store_key(i == 0 ? ue : other, (uint8_t)(k + 1), 5,
						      FK_ALGORITHM_AES_256, (uint16_t)(70 + k),
						      k == 0 ? f.tek : f.further[0]));
	insider.ue = other;
	before = *ue;
	fk_insider_command(&insider, &radio, ue);
	cr_expect_eq(insider.n_commands, 3);
	cr_expect_eq(insider.n_obeyed, 0);
	cr_expect_eq(counts.count[FK_SIM_GROUP_KEY_REFUSED], 3);
	cr_expect_arr_eq(&before, ue, sizeof(before), "nothing has changed");
	deliver(buf, write_rekey(1, 'a', buf, sizeof(buf)));
	for (uint32_t i = 0; i < FK_INSIDER_ANSWERS; i++)
		cr_expect_eq(insider.sent[i], 1);
	cr_expect_eq(n_sent, 6, "202, NOTIFICATION, answer, and three that are false");
	/* Without the key there is nothing to forge with. */
	fk_sim_ue_forget_keys(other);
	cr_expect_null(fk_insider_key(&insider, ue));
	/* Who has no key of its own has nothing to tell the KMF from its group by. */
	cr_assert(fk_sim_ue_store_key(other, 1, 1, FK_ALGORITHM_AES_256, 70, f.tek));
	cr_assert(fk_sim_ue_store_key(ue, 1, 1, FK_ALGORITHM_AES_256, 70, f.tek));
	ue->ptek_algorithm_id = 0;
	fk_insider_command(&insider, &radio, ue);
	cr_expect_gt(insider.n_obeyed, 0);
}

Test(server, ues_that_are_back_say_hello_once)
{
	uint8_t buf[1500];

	ue->traits = 1u << FK_TRAIT_OFFLINE;
	traits.spec.offline_back_s = 5;
	traits.spec.says_hello = true;
	deliver(buf, write_rekey(1, 'a', buf, sizeof(buf)));
	cr_assert_eq(n_sent, 1, "480");
	server.now_ms += 4000;
	fk_server_tick(&server);
	cr_assert_eq(n_sent, 1);
	server.now_ms += 1000;
	fk_server_tick(&server);
	fk_server_tick(&server);
	cr_assert_eq(n_sent, 2);
	cr_assert_eq(counts.count[FK_SIM_HELLOS], 1);
}

Test(server, what_ues_say_hello_with_is_counted_by_flag)
{
	uint8_t buf[1500];

	for (uint32_t i = 0; i < f.fleet.n_ues; i++)
		f.fleet.ues[i].traits = 1u << FK_TRAIT_OFFLINE;
	traits.spec.offline_back_s = 5;
	traits.spec.says_hello = true;
	traits.spec.hello_flag = FK_HELLO_FLAGS; /* each */
	deliver(buf, write_rekey(1, 'a', buf, sizeof(buf)));
	server.now_ms += 5000;
	fk_server_tick(&server);
	cr_expect_eq(counts.count[FK_SIM_HELLOS], f.fleet.n_ues);
	cr_expect_eq(counts.count[FK_SIM_HELLOS_1], (f.fleet.n_ues + 1) / 3);
	cr_expect_eq(counts.count[FK_SIM_HELLOS_2], f.fleet.n_ues / 3);
}

Test(server, who_asks_without_a_kek_has_none)
{
	for (uint32_t i = 0; i < f.fleet.n_ues; i++)
		f.fleet.ues[i].traits = 0;
	traits.spec.percent[FK_TRAIT_OFFLINE] = 100;
	traits.spec.says_hello = true;
	traits.spec.hello_flag = FK_HELLO_FLAGS;
	fk_traits_apply(&traits, &f.fleet);
	for (uint32_t i = 0; i < f.fleet.n_ues; i++)
		cr_expect_eq(f.fleet.ues[i].kek_algorithm_id == 0, i % 3 == 2);
}

static bool is_full;

static bool has_room(void *arg)
{
	(void)arg;
	return !is_full;
}

Test(server, nobody_says_hello_before_the_outbox_has_room_and_nobody_is_left_out)
{
	uint8_t buf[1500];

	for (uint32_t i = 0; i < f.fleet.n_ues; i++)
		f.fleet.ues[i].traits = 1u << FK_TRAIT_OFFLINE;
	traits.spec.offline_back_s = 1;
	traits.spec.says_hello = true;
	server.outbox.has_room = has_room;
	deliver(buf, write_rekey(1, 'a', buf, sizeof(buf)));
	is_full = true;
	server.now_ms += 1000;
	fk_server_tick(&server);
	cr_assert_eq(counts.count[FK_SIM_HELLOS], 0);
	is_full = false;
	fk_server_tick(&server);
	cr_assert_eq(counts.count[FK_SIM_HELLOS], f.fleet.n_ues);
}

Test(server, ues_that_leave_say_so_and_those_that_are_back_until_they_are_answered)
{
	uint8_t buf[1500];

	ue->traits = 1u << FK_TRAIT_OFFLINE;
	traits.spec.leave_s = 3;
	traits.spec.offline_back_s = 10;
	traits.spec.registers = true;
	deliver(buf, write_rekey(1, 'a', buf, sizeof(buf)));
	n_sent = 0;
	server.now_ms += 3000;
	fk_server_tick(&server);
	fk_server_tick(&server);
	cr_assert_eq(n_sent, 1);
	cr_assert_eq(counts.count[FK_SIM_SAID], 1);
	server.now_ms += 7000;
	fk_server_tick(&server);
	fk_server_tick(&server);
	cr_assert_eq(counts.count[FK_SIM_SAID], 2);
	cr_assert(ue->awaits_registration);
	server.now_ms += 12000;
	fk_server_tick(&server);
	cr_assert_eq(counts.count[FK_SIM_SAID], 3, "there was no answer");
	ue->awaits_registration = 0;
	server.now_ms += 12000;
	fk_server_tick(&server);
	cr_assert_eq(counts.count[FK_SIM_SAID], 3);
}

/* What the parsers say of a datagram; false if one of them finds a fault. */
static bool read_in_full(const uint8_t *octets, size_t size, struct fk_sip_message *sip,
			 struct fk_inspected *x)
{
	return fk_sip_parse(octets, size, sip) == FK_OK && !sip->is_response &&
	       sip->method == FK_SIP_MESSAGE &&
	       fk_inspect_header(sip, octets, size) == FK_SIM_WELL_FORMED &&
	       fk_inspect_body(sip, x) == FK_SIM_WELL_FORMED &&
	       fk_face_check(&face, sip, octets, x) == FK_SIM_WELL_FORMED;
}

static void assert_same_view(struct fk_view a, struct fk_view b)
{
	cr_assert_eq(a.len, b.len);
	cr_assert(a.len == 0 || a.at == b.at);
}

static void assert_same_message(const struct fk_sip_message *a, const struct fk_sip_message *b)
{
	assert_same_view(a->method_text, b->method_text);
	assert_same_view(a->request_uri, b->request_uri);
	cr_assert_eq(a->n_vias, b->n_vias);
	assert_same_view(a->vias[0], b->vias[0]);
	assert_same_view(a->via_sent_by, b->via_sent_by);
	assert_same_view(a->via_branch, b->via_branch);
	assert_same_view(a->from, b->from);
	assert_same_view(a->to, b->to);
	assert_same_view(a->call_id, b->call_id);
	assert_same_view(a->cseq, b->cseq);
	assert_same_view(a->from_tag, b->from_tag);
	assert_same_view(a->to_tag, b->to_tag);
	assert_same_view(a->content_type, b->content_type);
	cr_assert_eq(a->via_rport, b->via_rport);
	cr_assert_eq(a->method, b->method);
	cr_assert_eq(a->is_response, b->is_response);
	cr_assert_eq(a->body, b->body);
	cr_assert_eq(a->body_size, b->body_size);
}

/* True if it is recognised; then it must read as it does in full. */
static bool recognises(const uint8_t *octets, size_t size)
{
	static struct fk_sip_message plain, sip;
	static struct fk_inspected parts, x;

	if (!fk_plain_request_read(&server.plain_requests, &face, octets, size, &plain, &parts))
		return false;
	cr_assert(read_in_full(octets, size, &sip, &x));
	assert_same_message(&plain, &sip);
	cr_assert_eq(parts.target_size, x.target_size);
	cr_assert_arr_eq(parts.target, x.target, x.target_size);
	cr_assert_eq(parts.payload, x.payload);
	cr_assert_eq(parts.payload_size, x.payload_size);
	cr_assert_arr_eq(parts.signalling.message_id, x.signalling.message_id, 16);
	cr_assert_arr_eq(parts.signalling.conversation_id, x.signalling.conversation_id, 16);
	return true;
}

/* In each octet, something that may change how the message reads. */
static uint32_t count_recognised(uint8_t *octets, size_t size)
{
	static const uint8_t others[] = {'0', 'Z', '-', '\n', '\r', ' ', ';', '"', '<', 0, 0xff};
	uint32_t n = 0;

	for (size_t i = 0; i < size; i++) {
		uint8_t octet = octets[i];

		for (size_t k = 0; k < sizeof(others); k++) {
			octets[i] = others[k];
			n += recognises(octets, size);
		}
		octets[i] = octet;
	}
	return n;
}

static void check_recognition(uint8_t profile)
{
	uint8_t buf[1500];
	size_t size;

	teardown();
	setup_with(profile);
	memset(&server.plain_requests, 0, sizeof(server.plain_requests));
	deliver(buf, write_rekey(1, 'a', buf, sizeof(buf)));
	cr_assert_eq(counts.count[FK_SIM_COMMANDS], 1);
	ue = &f.fleet.ues[4];
	size = write_rekey(1, 'b', buf, sizeof(buf));
	cr_assert(recognises(buf, size));
	cr_assert(!fk_plain_request_read(&server.plain_requests, &face, buf, size - 1,
					 &(struct fk_sip_message){0}, &(struct fk_inspected){0}));
	cr_assert_gt(count_recognised(buf, size), 100);
	deliver(buf, size);
	cr_assert_eq(server.n_plain_requests, 1);
	cr_assert_eq(counts.count[FK_SIM_COMMANDS], 2);
	cr_assert_eq(n_malformed(), 0);
}

Test(server, a_message_like_a_good_one_reads_as_it_does_in_full)
{
	check_recognition(FK_PROFILE_C);
	check_recognition(FK_PROFILE_B);
	check_recognition(FK_PROFILE_A);
}

Test(server, a_boundary_in_the_payload_is_seen_in_a_message_like_a_good_one)
{
	uint8_t buf[1500];
	static struct fk_sip_message sip;
	static struct fk_inspected x;
	size_t size = write_rekey(1, 'a', buf, sizeof(buf));

	deliver(buf, size);
	size = write_rekey(2, 'b', buf, sizeof(buf));
	cr_assert(recognises(buf, size));
	cr_assert(read_in_full(buf, size, &sip, &x));
	memcpy(buf + (x.payload - buf) + 20, "\r\n--k\r\n", 7);
	cr_assert(!recognises(buf, size));
	deliver(buf, size);
	cr_assert_eq(n_malformed(), 1);
}

Test(server, what_is_recognised_is_still_read_in_full_now_and_then)
{
	uint8_t buf[1500];

	for (uint16_t i = 1; i <= 4 * FK_PLAIN_REQUEST_CHECKED; i++) {
		server.now_ms += 100000; /* what was open is given up */
		fk_txns_advance(txns, server.now_ms);
		n_sent = 0;
		ue = &f.fleet.ues[i % N_UES];
		deliver(buf, write_rekey((uint16_t)(ue->inbound_number + 1), (char)('a' + i % 26),
					 buf, sizeof(buf)));
	}
	cr_assert_eq(n_malformed(), 0);
	cr_assert_gt(server.n_plain_requests, 3 * FK_PLAIN_REQUEST_CHECKED);
}
