/* SPDX-License-Identifier: Apache-2.0 */
/*
 * KMMs by carrier T2: what leaves for a UE behind such a next hop, and what is believed of what
 * comes from it.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "rig.h"
#include "wire/isd.h"
#include "wire/mcdata_info.h"

#define LAYOUT                                                            \
	"message_identity V value=0x5d\nlmr_type V tetra=0x01 p25=0x02\n" \
	"kmf_uri TLV iei=0x21 optional\npayload TLV-E iei=0x78\n"
#define KMF_URI "sip:kmf@mc.example"
#define UE	4u

static struct rig *rig;
static struct fk_isd_layout layout;
static uint8_t buf[RIG_FRAME_MAX];

static void parse_layout(const char *text)
{
	struct fk_isd_error error;

	cr_assert_eq(fk_isd_layout_parse(text, strlen(text), &layout, &error), FK_OK);
}

static void set_up(void)
{
	rig = rig_new_t2(LAYOUT);
	parse_layout(LAYOUT);
}

static void tear_down(void)
{
	rig_free(rig);
}

TestSuite(interworking, .init = set_up, .fini = tear_down);

/* The part that holds the message; the other is mcptt-info. */
static struct fk_sip_part isd_part(const struct fk_sip_message *sip)
{
	struct fk_sip_part parts[4];
	struct fk_mcdata_info info;
	uint32_t n;

	cr_assert_eq(fk_sip_split_body(sip, parts, 4, &n), FK_OK);
	cr_assert_eq(n, 2);
	cr_assert(fk_view_is(parts[1].content_type, FK_ISD_TYPE));
	cr_assert_eq(fk_mcptt_info_parse(parts[0].octets, parts[0].size, &info), FK_OK);
	cr_assert_str_eq(info.request_uri, "sip:ue004@mc.example");
	return parts[1];
}

/* The KMM that a MESSAGE of ours carries. */
static struct fk_kmm_frame kmm_of(const struct fk_sip_message *sip)
{
	struct fk_sip_part part = isd_part(sip);
	struct fk_isd_message message;
	struct fk_isd_error error;
	struct fk_kmm_frame frame;

	cr_assert_eq(fk_isd_decode(&layout, part.octets, part.size, &message, &error), FK_OK);
	cr_assert_eq(message.lmr_type, FK_ISD_LMR_P25);
	cr_assert_eq(message.kmf_uri_size, strlen(KMF_URI));
	cr_assert_eq(fk_kmm_decode(message.payload + FK_KMM_PREAMBLE_SIZE,
				   message.payload_size - FK_KMM_PREAMBLE_SIZE, &frame),
		     FK_OK);
	return frame;
}

/* The message that carries the KMM of an SDS. */
static size_t make_isd(const struct rig_sds *sds, uint8_t lmr_type, const char *kmf_uri,
		       uint8_t *isd, size_t cap)
{
	const uint8_t *payload;
	size_t payload_size, size;
	struct fk_isd_message message = {
		.lmr_type = lmr_type,
		.kmf_uri = (const uint8_t *)kmf_uri,
		.kmf_uri_size = strlen(kmf_uri),
	};

	cr_assert_eq(fk_sds_decode_data(sds->payload, sds->payload_size, &payload, &payload_size),
		     FK_OK);
	message.payload = payload;
	message.payload_size = payload_size;
	cr_assert_eq(fk_isd_encode(&layout, &message, isd, cap, &size), FK_OK);
	return size;
}

static size_t make_answer(const struct rig_answer *answer, const char *kmf_uri)
{
	struct rig_sds sds = rig_make_sds(rig, answer);
	uint8_t isd[400];

	return rig_make_isd_message(answer->user, isd,
				    make_isd(&sds, FK_ISD_LMR_P25, kmf_uri, isd, sizeof(isd)), buf,
				    sizeof(buf));
}

static void deliver(size_t size)
{
	rig->n_out_read = rig->n_out;
	rig_datagram_in(rig, RIG_PEER_IPV4, 5060, buf, size);
	rig_turn(rig);
}

static void expect(size_t size, enum fk_counter reason, uint16_t status)
{
	rig_expect(rig, RIG_PEER_IPV4, 5060, buf, size, reason, status);
}

static struct fk_sip_message send_rekey(void)
{
	struct fk_order order = rig_order(UE, 0, 1);

	return rig_send(rig, &order);
}

Test(interworking, an_order_makes_a_message_to_the_participating_function)
{
	struct fk_sip_message sip = send_rekey();
	struct fk_kmm_frame kmm = kmm_of(&sip);

	cr_assert(fk_view_is(sip.request_uri, "sip:mcptt@mc.example"));
	cr_assert_eq(kmm.header.message_id, FK_KMM_REKEY_COMMAND);
	cr_assert_eq(kmm.header.destination_rsi, 1000 + UE);
	cr_assert_eq(kmm.header.message_number, rig_state(rig, UE).message_number);
}

Test(interworking, a_2xx_ends_the_transaction_and_says_nothing_of_delivery)
{
	struct fk_sip_message sip = send_rekey();

	rig_respond(rig, &sip, 200);
	rig_pass_ms(rig, 40000);
	cr_assert_eq(rig_count(rig, FK_COUNTER_TX_RETRANSMITS), 0);
	cr_assert_eq(rig_state(rig, UE).progress, FK_PROGRESS_SENT | FK_PROGRESS_ACCEPTED);
	cr_assert_eq(rig_state(rig, UE).outcome, FK_OUTCOME_NONE);
}

Test(interworking, a_re_send_after_the_dataplane_died_has_the_same_octets_in_a_new_transaction)
{
	struct fk_order order = rig_order(UE, 0, 1);
	struct fk_sip_message sip = send_rekey();
	struct fk_sip_part part = isd_part(&sip), again;
	uint8_t first[600];
	char branch[FK_BRANCH_LEN];

	memcpy(first, part.octets, part.size);
	memcpy(branch, sip.via_branch.at, sizeof(branch));
	rig_kill(rig);
	sip = rig_send(rig, &order);
	again = isd_part(&sip);
	cr_assert_eq(again.size, part.size);
	cr_assert_arr_eq(again.octets, first, part.size);
	cr_assert_neq(memcmp(sip.via_branch.at, branch, sizeof(branch)), 0);
}

Test(interworking, a_rekey_and_its_closing_exchange_are_acknowledged_in_it)
{
	for (uint8_t step = 0; step < 2; step++) {
		struct fk_order order = rig_order(UE, step, 1);
		struct rig_answer answer;

		(void)rig_send(rig, &order);
		answer = rig_right_answer(rig, UE, step, (uint16_t)(40 + step));
		deliver(make_answer(&answer, step == 0 ? KMF_URI : ""));
		cr_assert_eq(rig_next_sip(rig).status, 200);
		cr_assert_eq(rig_state(rig, UE).outcome, FK_OUTCOME_ANSWERED);
		cr_assert_eq(rig_state(rig, UE).kmm_message_id, answer.message_id);
	}
	cr_assert_eq(rig_count(rig, FK_COUNTER_RX_ACKS), 2);
	cr_assert_eq(rig_n_doorbells(rig), 2);
}

Test(interworking, the_same_answer_again_is_a_repeat)
{
	struct rig_answer answer;
	size_t size;

	(void)send_rekey();
	answer = rig_right_answer(rig, UE, 0, 40);
	size = make_answer(&answer, KMF_URI);
	deliver(size);
	expect(size, FK_COUNTER_RX_KMM_REPEAT, 200);
}

Test(interworking, what_is_forged_is_counted_by_reason_and_changes_nothing)
{
	struct rig_answer right, answer;

	(void)send_rekey();
	right = answer = rig_right_answer(rig, UE, 0, 40);
	answer.break_mac = true;
	expect(make_answer(&answer, KMF_URI), FK_COUNTER_RX_KMM_BAD_MAC, 200);
	answer = right;
	answer.mac_tek = NULL;
	expect(make_answer(&answer, KMF_URI), FK_COUNTER_RX_KMM_UNAUTHENTICATED, 200);
	answer = right;
	answer.user = "sip:ue005@mc.example";
	expect(make_answer(&answer, KMF_URI), FK_COUNTER_RX_KMM_NOT_THAT_UE, 200);
	answer = right;
	answer.user = NULL;
	expect(make_answer(&answer, KMF_URI), FK_COUNTER_RX_KMM_NOT_THAT_UE, 200);
	answer = right;
	answer.source_rsi = 999;
	expect(make_answer(&answer, KMF_URI), FK_COUNTER_RX_KMM_UNKNOWN_RSI, 200);
	answer = right;
	answer.key_id++;
	expect(make_answer(&answer, KMF_URI), FK_COUNTER_RX_KMM_WRONG_KEYS, 200);
	expect(make_answer(&right, "sip:kmg@mc.example"), FK_COUNTER_RX_KMM_NOT_FOR_US, 200);
	rig_expect(rig, RIG_PEER_IPV4 + 1, 5060, buf, make_answer(&right, KMF_URI),
		   FK_COUNTER_RX_UNKNOWN_PEER, 0);
	deliver(make_answer(&right, KMF_URI));
	cr_assert_eq(rig_state(rig, UE).outcome, FK_OUTCOME_ANSWERED);
}

Test(interworking, what_the_layout_does_not_read_is_counted_and_changes_nothing)
{
	struct rig_answer answer;
	struct rig_sds sds;
	uint8_t isd[400];
	size_t size;

	(void)send_rekey();
	answer = rig_right_answer(rig, UE, 0, 40);
	sds = rig_make_sds(rig, &answer);
	size = make_isd(&sds, FK_ISD_LMR_P25, KMF_URI, isd, sizeof(isd));
	for (size_t n = 0; n < size; n++)
		expect(rig_make_isd_message(answer.user, isd, n, buf, sizeof(buf)),
		       FK_COUNTER_RX_ISD_REFUSED, 200);
	isd[size] = 0;
	expect(rig_make_isd_message(answer.user, isd, size + 1, buf, sizeof(buf)),
	       FK_COUNTER_RX_ISD_REFUSED, 200);
	isd[0] ^= 1;
	expect(rig_make_isd_message(answer.user, isd, size, buf, sizeof(buf)),
	       FK_COUNTER_RX_ISD_REFUSED, 200);
	size = make_isd(&sds, FK_ISD_LMR_TETRA, KMF_URI, isd, sizeof(isd));
	expect(rig_make_isd_message(answer.user, isd, size, buf, sizeof(buf)),
	       FK_COUNTER_RX_ISD_REFUSED, 200);
}

Test(interworking, every_truncation_of_an_answer_is_dropped)
{
	struct rig_answer answer;
	size_t size;

	(void)send_rekey();
	answer = rig_right_answer(rig, UE, 0, 40);
	size = make_answer(&answer, KMF_URI);
	for (size_t n = 0; n < size; n++)
		rig_expect(rig, RIG_PEER_IPV4, 5060, buf, n, FK_COUNTERS, RIG_ANY_STATUS);
}

/* Writes another media type of the same length over one that stands in the datagram. */
static void rename_part(size_t size, const char *from, const char *to)
{
	char *at = memmem(buf, size, from, strlen(from));

	cr_assert_not_null(at);
	cr_assert_eq(strlen(from), strlen(to));
	memcpy(at, to, strlen(to));
}

Test(interworking, half_a_message_or_one_of_both_carriers_is_refused)
{
	struct rig_answer answer;
	size_t size;

	(void)send_rekey();
	answer = rig_right_answer(rig, UE, 0, 40);
	size = make_answer(&answer, KMF_URI);
	rename_part(size, "mcptt-info+xml", "other-info+xml");
	expect(size, FK_COUNTER_RX_BODY_REFUSED, 400);
	size = make_answer(&answer, KMF_URI);
	rename_part(size, "vnd.3gpp.interworking-data", "vnd.3gpp.interworking-dada");
	expect(size, FK_COUNTER_RX_MEDIA_REFUSED, 415);
	size = make_answer(&answer, KMF_URI);
	rename_part(size, "vnd.3gpp.mcptt-info+xml\r\n\r\n<", "vnd.3gpp.mcdata-info+xml\r\n\r\n");
	expect(size, FK_COUNTER_RX_BODY_REFUSED, 400);
	size = make_answer(&answer, KMF_URI);
	rename_part(size, "<mcptt-Params>", "<mcptt-params>");
	rename_part(size, "<mcpttinfo", "<mcpttInfo");
	expect(size, FK_COUNTER_RX_BODY_REFUSED, 400);
}

Test(interworking, without_a_layout_it_is_a_media_type_that_nobody_knows)
{
	struct rig_answer answer;
	struct fk_order order = rig_order(UE, 0, 1);

	rig_free(rig);
	rig = rig_new();
	(void)rig_send(rig, &order);
	answer = rig_right_answer(rig, UE, 0, 40);
	expect(make_answer(&answer, KMF_URI), FK_COUNTER_RX_MEDIA_REFUSED, 415);
}

Test(interworking, a_kmm_that_the_layout_cannot_count_is_too_large)
{
	struct fk_order order = rig_order(UE, 0, 1);

	rig_free(rig);
	rig = rig_new_t2("lmr_type V p25=1\npayload LV\n");
	rig->table->campaigns[RIG_CAMPAIGN_SLOT].n_keys = 5;
	order.n_keys = 5; /* 296 octets */
	rig_push(rig, &order);
	rig_turn(rig);
	cr_assert_null(rig_next_out(rig));
	cr_assert_eq(rig_state(rig, UE).outcome, FK_OUTCOME_TOO_LARGE);
}

/* What control would never hand on. */
Test(interworking, a_table_without_a_layout_that_can_be_used_is_not_attached)
{
	static const struct {
		const char *layout, *word;
	} cases[] = {{"lmr_type V p25=1\npayload LW\n", "line 2: payload"},
		     {"payload LV\n", "next hop 0"},
		     {"", "next hop 0"}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fk_keytable_header *h = &rig->table->header;
		char text[160];

		memcpy((char *)rig->table + h->text_offset + h->isd_layout_offset, cases[i].layout,
		       strlen(cases[i].layout));
		h->isd_layout_size = (uint16_t)strlen(cases[i].layout);
		cr_assert_neq(fk_worker_attach(rig->worker, rig->table, rig->region, 2, true, text,
					       sizeof(text)),
			      FK_OK);
		cr_assert_not_null(strstr(text, cases[i].word), "%s", text);
	}
}

Test(interworking, a_carrier_or_a_layout_that_is_out_of_range_fails_the_check)
{
	struct fk_keytable *t = rig->table;

	cr_assert_eq(fk_keytable_check(t, t->header.size), FK_OK);
	t->next_hops[0].carrier = FK_CARRIER_T2 + 1;
	cr_assert_eq(fk_keytable_check(t, t->header.size), FK_EFORMAT);
	t->next_hops[0].carrier = FK_CARRIER_T2;
	t->header.isd_layout_offset = (uint32_t)t->header.text_size;
	cr_assert_eq(fk_keytable_check(t, t->header.size), FK_EFORMAT);
	t->header.isd_layout_offset = 0;
	t->header.isd_layout_size = FK_ISD_LAYOUT_SIZE_MAX + 1;
	cr_assert_eq(fk_keytable_check(t, t->header.size), FK_EFORMAT);
}
