/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Datagrams that are not what they should be, before anybody asks who sent them: each is counted
 * under one reason, answered or not as ARCHITECTURE.md says, and changes nothing.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include <fleetkey/ring.h>

#include "answer.h"
#include "rig.h"

#define UE 4u

static struct rig *rig;
static struct fk_sip_message request; /* step 0 of UE, open */
static struct fk_sds_signalling signalling;
static uint8_t buf[RIG_FRAME_MAX];

static void set_up(void)
{
	struct fk_order order = rig_order(UE, 0, 1);

	rig = rig_new();
	request = rig_send(rig, &order);
	(void)rig_kmm_of(&request, &signalling);
}

static void tear_down(void)
{
	rig_free(rig);
}

TestSuite(receive, .init = set_up, .fini = tear_down);

/* From the peer to the port where requests come in. */
static void expect(size_t size, enum fk_counter reason, uint16_t status)
{
	rig_expect(rig, RIG_PEER_IPV4, 5060, buf, size, reason, status);
}

static void expect_every_truncation_dropped(size_t size, uint16_t port)
{
	for (size_t n = 0; n < size; n++)
		rig_expect(rig, RIG_PEER_IPV4, port, buf, n, FK_COUNTERS, RIG_ANY_STATUS);
	cr_assert_eq(rig_count(rig, FK_COUNTER_RX_NOT_SIP) +
			     rig_count(rig, FK_COUNTER_RX_MALFORMED_SIP),
		     size);
}

static size_t make_right_answer(void)
{
	struct rig_answer answer = rig_right_answer(rig, UE, 0, 40);

	return rig_make_answer(rig, &answer, buf, sizeof(buf));
}

/* A request of another method, without a body. */
static size_t make_request(const char *method, const char *more)
{
	return (size_t)snprintf((char *)buf, sizeof(buf),
				"%s sip:kmf@192.0.2.10 SIP/2.0\r\n"
				"Via: SIP/2.0/UDP 192.0.2.20:5060;branch=z9hG4bKm\r\n"
				"Max-Forwards: 70\r\n"
				"From: <sip:server@mc.example>;tag=p\r\n"
				"To: <sip:kmf@mc.example>\r\n"
				"Call-ID: m@mc.example\r\n"
				"CSeq: 1 %s\r\n"
				"%s"
				"Content-Length: 0\r\n\r\n",
				method, method, more);
}

/* The last frame that left holds a text. */
static void expect_sent(const char *text)
{
	const struct rig_frame *out = &rig->out[rig->n_out - 1];

	cr_assert_not_null(memmem(out->octets, out->size, text, strlen(text)));
}

Test(receive, every_truncation_of_a_response_is_dropped)
{
	size_t size = rig_make_response(&request, 200, buf, sizeof(buf));

	expect_every_truncation_dropped(size, 5070);
	cr_assert_eq(rig_count(rig, FK_COUNTER_TX_RESPONSES), 0, "a response is never answered");
	rig_datagram_in(rig, RIG_PEER_IPV4, 5070, buf, size);
	rig_turn(rig);
	cr_assert_eq(rig_state(rig, UE).progress & FK_PROGRESS_ACCEPTED, FK_PROGRESS_ACCEPTED);
}

Test(receive, every_truncation_of_a_notification_is_dropped)
{
	size_t size = rig_make_notification("sip:ue004@mc.example", FK_SDS_DELIVERED,
					    signalling.message_id, buf, sizeof(buf));

	expect_every_truncation_dropped(size, 5060);
	rig_datagram_in(rig, RIG_PEER_IPV4, 5060, buf, size);
	rig_turn(rig);
	cr_assert_eq(rig_count(rig, FK_COUNTER_RX_NOTIFICATIONS), 1);
}

Test(receive, every_truncation_of_an_acknowledgement_is_dropped)
{
	size_t size = make_right_answer();

	expect_every_truncation_dropped(size, 5060);
	rig_datagram_in(rig, RIG_PEER_IPV4, 5060, buf, size);
	rig_turn(rig);
	cr_assert_eq(rig_state(rig, UE).outcome, FK_OUTCOME_ANSWERED);
}

Test(receive, every_truncation_of_the_parts_of_an_acknowledgement_is_dropped)
{
	struct rig_answer answer = rig_right_answer(rig, UE, 0, 40);
	struct rig_sds sds = rig_make_sds(rig, &answer);

	for (size_t n = 0; n < sds.signalling_size; n++)
		expect(rig_make_message(answer.user, sds.signalling, n, sds.payload,
					sds.payload_size, buf, sizeof(buf)),
		       FK_COUNTER_RX_BODY_REFUSED, 400);
	for (size_t n = 0; n < sds.payload_size; n++)
		expect(rig_make_message(answer.user, sds.signalling, sds.signalling_size,
					sds.payload, n, buf, sizeof(buf)),
		       FK_COUNTER_RX_KMM_MALFORMED, 200);
}

Test(receive, every_truncation_of_a_frame_is_dropped)
{
	const struct rig_frame *whole;
	uint64_t n_drops;

	rig_datagram_in(rig, RIG_PEER_IPV4, 5060, buf, make_right_answer());
	whole = &rig->in[rig->n_in - 1];
	rig->n_in_read = rig->n_in; /* it is not received */
	n_drops = rig_n_drops(rig);
	for (uint16_t n = 0; n < whole->size; n++) {
		uint8_t copy[RIG_FRAME_MAX];

		memcpy(copy, whole->octets, n);
		rig->n_in = rig->n_in_read = 1; /* keeps the frame at the front */
		rig_frame_in(rig, copy, n);
		rig_turn(rig);
		cr_assert_eq(rig_n_drops(rig), n_drops + n + 1);
	}
	cr_assert_eq(rig_state(rig, UE).outcome, FK_OUTCOME_NONE);
	cr_assert_eq(rig_count(rig, FK_COUNTER_TX_RESPONSES), 0);
}

Test(receive, what_is_not_sip_is_dropped_without_an_answer)
{
	static const char *const texts[] = {"", "\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
					    "\x16\x03\x01", "SIP/3.0 200 OK\r\n\r\n"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		memcpy(buf, texts[i], strlen(texts[i]));
		expect(strlen(texts[i]), FK_COUNTER_RX_NOT_SIP, 0);
	}
}

Test(receive, an_unknown_peer_gets_no_answer_whatever_it_says)
{
	size_t size = make_right_answer();

	rig_expect(rig, RIG_PEER_IPV4 + 1, 5060, buf, size, FK_COUNTER_RX_UNKNOWN_PEER, 0);
	size = make_request("OPTIONS", "");
	rig_expect(rig, RIG_PEER_IPV4 + 1, 5060, buf, size, FK_COUNTER_RX_UNKNOWN_PEER, 0);
	size = rig_make_response(&request, 200, buf, sizeof(buf));
	rig_expect(rig, RIG_PEER_IPV4 + 1, 5070, buf, size, FK_COUNTER_RX_UNKNOWN_PEER, 0);
}

Test(receive, another_port_is_not_ours)
{
	rig_expect(rig, RIG_PEER_IPV4, 5061, buf, make_right_answer(), FK_COUNTER_RX_NOT_OURS, 0);
}

Test(receive, a_datagram_whose_octets_were_damaged_is_dropped)
{
	size_t size = make_right_answer();
	uint64_t n_bad = 0;

	for (size_t at = 0; at < size; at += 7) {
		rig->n_in = rig->n_in_read = 0;
		rig_datagram_in(rig, RIG_PEER_IPV4, 5060, buf, size);
		rig->in[0].octets[FK_UDP_FRAME_OVERHEAD + at] ^= 1;
		rig_turn(rig);
		cr_assert_eq(rig_count(rig, FK_COUNTER_RX_BAD_CHECKSUM), ++n_bad);
	}
	cr_assert_eq(rig_state(rig, UE).outcome, FK_OUTCOME_NONE);
}

Test(receive, fragments_are_counted_and_not_reassembled)
{
	struct rig_frame *in;
	uint8_t *ip;
	uint16_t sum;

	rig_datagram_in(rig, RIG_PEER_IPV4, 5060, buf, make_right_answer());
	in = &rig->in[rig->n_in - 1];
	ip = in->octets + FK_ETH_HEADER_SIZE;
	ip[6] = 0x20; /* more fragments */
	ip[10] = ip[11] = 0;
	sum = fk_net_checksum(ip, FK_IPV4_HEADER_SIZE, 0);
	ip[10] = (uint8_t)(sum >> 8);
	ip[11] = (uint8_t)sum;
	rig_turn(rig);
	cr_assert_eq(rig_count(rig, FK_COUNTER_RX_FRAGMENT), 1);
	cr_assert_eq(rig_n_drops(rig), 1);
	cr_assert_null(rig_next_out(rig));
}

Test(receive, other_methods_are_answered_405_with_allow)
{
	static const char *const methods[] = {"INVITE", "REGISTER", "SUBSCRIBE", "BYE", "PUBLISH"};

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		size_t size = make_request(methods[i], "");

		expect(size, FK_COUNTER_RX_METHOD_REFUSED, 405);
		expect_sent("\r\nAllow: MESSAGE, OPTIONS\r\n");
	}
}

Test(receive, an_unknown_method_is_answered_501_and_a_cancel_481)
{
	expect(make_request("message", ""), FK_COUNTER_RX_METHOD_REFUSED, 501);
	expect(make_request("REKEY", ""), FK_COUNTER_RX_METHOD_REFUSED, 501);
	expect(make_request("CANCEL", ""), FK_COUNTER_RX_METHOD_REFUSED, 481);
}

Test(receive, a_required_extension_is_answered_420_and_an_encoded_body_415)
{
	expect(make_request("OPTIONS", "Require: timer\r\n"), FK_COUNTER_RX_METHOD_REFUSED, 420);
	expect_sent("\r\nUnsupported: timer\r\n");
	expect(make_request("MESSAGE", "Content-Encoding: gzip\r\n"), FK_COUNTER_RX_MEDIA_REFUSED,
	       415);
	expect_sent("\r\nAccept-Encoding: identity\r\n");
}

Test(receive, a_request_without_from_to_and_call_id_is_answered_400)
{
	static const char text[] = "OPTIONS sip:kmf@192.0.2.10 SIP/2.0\r\n"
				   "Via: SIP/2.0/UDP 192.0.2.20:5060;branch=z9hG4bKm\r\n"
				   "CSeq: 1 OPTIONS\r\n\r\n";

	memcpy(buf, text, sizeof(text) - 1);
	rig_datagram_in(rig, RIG_PEER_IPV4, 5060, buf, sizeof(text) - 1);
	rig_turn(rig);
	cr_assert_eq(rig_count(rig, FK_COUNTER_RX_MALFORMED_SIP), 1);
	cr_assert_eq(rig_count(rig, FK_COUNTER_TX_RESPONSES), 1);
	expect_sent("SIP/2.0 400 Bad Request\r\nVia: SIP/2.0/UDP 192.0.2.20:5060;"
		    "branch=z9hG4bKm\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n");
}

Test(receive, an_answer_that_the_port_has_no_room_for_waits_and_so_does_what_comes_next)
{
	size_t size = make_request("OPTIONS", "");

	rig->link_is_full = true;
	rig_datagram_in(rig, RIG_PEER_IPV4, 5060, buf, size);
	rig_turn(rig);
	rig_datagram_in(rig, RIG_PEER_IPV4, 5060, buf, size);
	rig_pass_ms(rig, FK_ANSWERS_WAIT_US / 1000 - 1);
	cr_assert_eq(rig_count(rig, FK_COUNTER_RX_OPTIONS), 1);
	cr_assert_null(rig_next_out(rig));
	rig->link_is_full = false;
	rig_turn(rig);
	cr_assert_eq(rig_next_sip(rig).status, 200);
	cr_assert_eq(rig_next_sip(rig).status, 200);
	cr_assert_eq(rig_count(rig, FK_COUNTER_RX_OPTIONS), 2);
	cr_assert_eq(rig_count(rig, FK_COUNTER_TX_ANSWER_DROPPED), 0);
}

Test(receive, an_answer_that_waits_too_long_is_dropped_and_counted)
{
	size_t size = make_request("OPTIONS", "");

	rig->link_is_full = true;
	rig_datagram_in(rig, RIG_PEER_IPV4, 5060, buf, size);
	rig_pass_ms(rig, FK_ANSWERS_WAIT_US / 1000 + 2);
	cr_assert_eq(rig_count(rig, FK_COUNTER_TX_ANSWER_DROPPED), 1);
	rig->link_is_full = false;
	rig_datagram_in(rig, RIG_PEER_IPV4, 5060, buf, size);
	rig_turn(rig);
	cr_assert_eq(rig_next_sip(rig).status, 200);
	cr_assert_null(rig_next_out(rig));
}

Test(receive, an_ack_is_never_answered)
{
	rig_datagram_in(rig, RIG_PEER_IPV4, 5060, buf, make_request("ACK", ""));
	rig_turn(rig);
	cr_assert_eq(rig_count(rig, FK_COUNTER_RX_REQUESTS), 1);
	cr_assert_null(rig_next_out(rig));
}

Test(receive, options_are_answered_200_and_say_what_is_taken)
{
	rig_datagram_in(rig, RIG_PEER_IPV4, 5060, buf, make_request("OPTIONS", ""));
	rig_turn(rig);
	cr_assert_eq(rig_next_sip(rig).status, 200);
	expect_sent("\r\nAllow: MESSAGE, OPTIONS\r\n"
		    "Accept: multipart/mixed, application/vnd.3gpp.mcdata-info+xml, ");
	expect_sent("\r\nAccept-Encoding: identity\r\n");
	expect_sent("\r\nSupported:\r\n");
	cr_assert_eq(rig_count(rig, FK_COUNTER_RX_OPTIONS), 1);
	cr_assert_eq(rig_n_drops(rig), 0);
}

Test(receive, a_body_of_unknown_parts_is_answered_415)
{
	static const char *const bodies[] = {
		"Content-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi",
		"Content-Length: 0\r\n\r\n",
		("Content-Type: multipart/mixed;boundary=b\r\nContent-Length: 52\r\n\r\n"
		 "--b\r\nContent-Type: application/unknown\r\n\r\nx\r\n--b--\r\n"),
	};

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		size_t size = make_request("MESSAGE", "") - strlen("Content-Length: 0\r\n\r\n");

		memcpy(buf + size, bodies[i], strlen(bodies[i]));
		expect(size + strlen(bodies[i]), FK_COUNTER_RX_MEDIA_REFUSED, 415);
	}
}

Test(receive, a_body_that_lacks_a_part_is_answered_400)
{
	struct rig_answer answer = rig_right_answer(rig, UE, 0, 40);
	struct rig_sds sds = rig_make_sds(rig, &answer);
	size_t size;

	size = rig_make_message(answer.user, sds.signalling, sds.signalling_size, NULL, 0, buf,
				sizeof(buf));
	expect(size, FK_COUNTER_RX_BODY_REFUSED, 400);
	size = rig_make_message("", sds.signalling, sds.signalling_size, sds.payload,
				sds.payload_size, buf, sizeof(buf));
	rig_expect(rig, RIG_PEER_IPV4, 5060, buf, size, FK_COUNTERS, RIG_ANY_STATUS);
}

/* spec: RFC 4648 §4, with a line break after every 19 groups as RFC 2045 §6.8 wants */
static size_t put_base64(char *at, const uint8_t *octets, size_t size)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t n = 0;

	for (size_t i = 0; i < size; i += 3) {
		uint32_t group = (uint32_t)octets[i] << 16 |
				 (i + 1 < size ? (uint32_t)octets[i + 1] << 8 : 0) |
				 (i + 2 < size ? octets[i + 2] : 0);

		for (size_t d = 0; d < 4; d++)
			at[n++] = i + d <= size ? digits[group >> (18 - 6 * d) & 0x3f] : '=';
		if (i / 3 % 19 == 18)
			n += (size_t)sprintf(at + n, "\r\n");
	}
	return n;
}

/* A message of four parts that begins with part 'first' and goes on in steps; those in 'in_base64'
 * are so. */
static size_t make_parts(const char *user, const struct rig_sds *sds, uint32_t first, uint32_t step,
			 uint32_t in_base64)
{
	static char body[4096], info[512],
		lists[] = "<resource-lists xmlns=\"urn:ietf:params:xml:ns:resource-lists\"/>";
	int info_size = snprintf(info, sizeof(info),
				 "<mcdatainfo xmlns=\"urn:3gpp:ns:mcdataInfo:1.0\"><mcdata-Params>"
				 "<mcdata-calling-user-id type=\"Normal\"><mcdataURI>%s</mcdataURI>"
				 "</mcdata-calling-user-id></mcdata-Params></mcdatainfo>",
				 user);
	const struct {
		const char *type;
		const void *octets;
		size_t size;
	} parts[] = {
		{"application/vnd.3gpp.mcdata-info+xml", info, (size_t)info_size},
		{"application/vnd.3gpp.mcdata-signalling", sds->signalling, sds->signalling_size},
		{"application/vnd.3gpp.mcdata-payload", sds->payload, sds->payload_size},
		{"application/resource-lists+xml", lists, sizeof(lists) - 1},
	};
	size_t size = make_request("MESSAGE", "Content-Type: multipart/mixed;boundary=b\r\n"),
	       n = 0;

	for (uint32_t i = 0; i < 4; i++) {
		uint32_t p = (first + i * step) % 4;

		n += (size_t)sprintf(body + n, "--b\r\n%sContent-Type: %s\r\n\r\n",
				     in_base64 >> p & 1 ? "Content-Transfer-Encoding: base64\r\n"
							: "",
				     parts[p].type);
		if (in_base64 >> p & 1)
			n += put_base64(body + n, parts[p].octets, parts[p].size);
		else
			n = (size_t)((char *)mempcpy(body + n, parts[p].octets, parts[p].size) -
				     body);
		n += (size_t)sprintf(body + n, "\r\n");
	}
	n += (size_t)sprintf(body + n, "--b--");
	size -= strlen("Content-Length: 0\r\n\r\n");
	size += (size_t)sprintf((char *)buf + size, "Content-Length: %zu\r\n\r\n", n);
	cr_assert_leq(size + n, sizeof(buf) - FK_UDP_FRAME_OVERHEAD);
	memcpy(buf + size, body, n);
	return size + n;
}

Test(receive, parts_may_stand_in_any_order_and_raw_or_in_base64)
{
	for (uint32_t in_base64 = 0; in_base64 < 16; in_base64++)
		for (uint32_t order = 0; order < 8; order++) {
			struct rig_answer answer;
			struct rig_sds sds;

			rig_free(rig);
			set_up();
			answer = rig_right_answer(rig, UE, 0, 40);
			sds = rig_make_sds(rig, &answer);
			rig_datagram_in(rig, RIG_PEER_IPV4, 5060, buf,
					make_parts(answer.user, &sds, order % 4, order < 4 ? 1 : 3,
						   in_base64));
			rig_turn(rig);
			cr_assert_eq(rig_next_sip(rig).status, 200);
			cr_assert_eq(rig_state(rig, UE).outcome, FK_OUTCOME_ANSWERED, "%u %u",
				     in_base64, order);
			cr_assert_eq(rig_n_drops(rig), 0);
		}
}

Test(receive, protected_bodies_are_counted_and_answered_200)
{
	struct rig_answer answer = rig_right_answer(rig, UE, 0, 40);
	struct rig_sds sds = rig_make_sds(rig, &answer);

	sds.signalling[0] |= FK_SDS_PROTECTED;
	expect(rig_make_message(answer.user, sds.signalling, sds.signalling_size, sds.payload,
				sds.payload_size, buf, sizeof(buf)),
	       FK_COUNTER_RX_KMM_PROTECTED, 200);
	sds.signalling[0] ^= FK_SDS_PROTECTED;
	sds.payload[0] |= FK_SDS_PROTECTED;
	expect(rig_make_message(answer.user, sds.signalling, sds.signalling_size, sds.payload,
				sds.payload_size, buf, sizeof(buf)),
	       FK_COUNTER_RX_KMM_PROTECTED, 200);
	sds.payload[0] ^= FK_SDS_PROTECTED;
	sds.payload[sds.kmm_offset - FK_KMM_PREAMBLE_SIZE + 2] = FK_ALGORITHM_AES_256;
	expect(rig_make_message(answer.user, sds.signalling, sds.signalling_size, sds.payload,
				sds.payload_size, buf, sizeof(buf)),
	       FK_COUNTER_RX_KMM_PROTECTED, 200);
}

Test(receive, a_response_that_no_frame_holds_is_counted)
{
	char header[RIG_FRAME_MAX] = "";
	size_t room = sizeof(buf) - FK_UDP_FRAME_OVERHEAD - make_request("OPTIONS", "");

	/* A Via comes back as it is, and the answer adds Allow and Accept. */
	memset(header, 'v', room);
	memcpy(header, "Via: SIP/2.0/UDP 192.0.2.20;branch=z9hG4bK", 42);
	memcpy(header + room - 2, "\r\n", 2);
	rig_datagram_in(rig, RIG_PEER_IPV4, 5060, buf, make_request("OPTIONS", header));
	rig_turn(rig);
	cr_assert_eq(rig_count(rig, FK_COUNTER_RX_OPTIONS), 1);
	cr_assert_eq(rig_count(rig, FK_COUNTER_TX_RESPONSE_TOO_LARGE), 1);
	cr_assert_eq(rig_count(rig, FK_COUNTER_TX_RESPONSES), 0);
	cr_assert_null(rig_next_out(rig));
}

Test(receive, a_response_that_no_frame_holds_costs_the_others_of_its_burst_nothing)
{
	char header[RIG_FRAME_MAX] = "";
	size_t plain = make_request("OPTIONS", ""),
	       room = sizeof(buf) - FK_UDP_FRAME_OVERHEAD - plain;

	rig_datagram_in(rig, RIG_PEER_IPV4, 5060, buf, plain);
	memset(header, 'v', room);
	memcpy(header, "Via: SIP/2.0/UDP 192.0.2.20;branch=z9hG4bK", 42);
	memcpy(header + room - 2, "\r\n", 2);
	rig_datagram_in(rig, RIG_PEER_IPV4, 5060, buf, make_request("OPTIONS", header));
	rig_datagram_in(rig, RIG_PEER_IPV4, 5060, buf, make_request("OPTIONS", ""));
	rig_turn(rig);
	cr_assert_eq(rig_count(rig, FK_COUNTER_TX_RESPONSE_TOO_LARGE), 1);
	cr_assert_eq(rig_next_sip(rig).status, 200);
	cr_assert_eq(rig_next_sip(rig).status, 200);
	cr_assert_null(rig_next_out(rig));
}

Test(receive, without_buffers_nobody_of_a_burst_is_answered)
{
	size_t size = make_request("OPTIONS", "");

	rig->no_buffers = true;
	rig_datagram_in(rig, RIG_PEER_IPV4, 5060, buf, size);
	rig_datagram_in(rig, RIG_PEER_IPV4, 5060, buf, size);
	rig_turn(rig);
	cr_assert_eq(rig_count(rig, FK_COUNTER_DEFER_NO_MBUF), 2);
	cr_assert_null(rig_next_out(rig));
	rig->no_buffers = false;
	rig_datagram_in(rig, RIG_PEER_IPV4, 5060, buf, size);
	rig_turn(rig);
	cr_assert_eq(rig_next_sip(rig).status, 200);
}

Test(receive, an_echo_request_is_turned_around)
{
	uint8_t frame[FK_UDP_FRAME_OVERHEAD + 4] = {0};
	uint8_t *ip = frame + FK_ETH_HEADER_SIZE, *icmp = ip + FK_IPV4_HEADER_SIZE;
	const struct rig_frame *out;
	uint16_t sum;

	rig_datagram_in(rig, RIG_PEER_IPV4, 5060, buf, 4);
	memcpy(frame, rig->in[rig->n_in - 1].octets, sizeof(frame));
	rig->n_in_read = rig->n_in;
	ip[9] = 1;
	ip[10] = ip[11] = 0;
	sum = fk_net_checksum(ip, FK_IPV4_HEADER_SIZE, 0);
	ip[10] = (uint8_t)(sum >> 8);
	ip[11] = (uint8_t)sum;
	memset(icmp, 0, 12);
	icmp[0] = 8;
	icmp[7] = 99;
	sum = fk_net_checksum(icmp, 12, 0);
	icmp[2] = (uint8_t)(sum >> 8);
	icmp[3] = (uint8_t)sum;
	rig_frame_in(rig, frame, sizeof(frame));
	rig_turn(rig);
	cr_assert_eq(rig_count(rig, FK_COUNTER_RX_ICMP), 1);
	out = rig_next_out(rig);
	cr_assert_not_null(out);
	cr_assert_eq(out->octets[FK_ETH_HEADER_SIZE + FK_IPV4_HEADER_SIZE], 0);
	cr_assert_eq(out->octets[FK_ETH_HEADER_SIZE + FK_IPV4_HEADER_SIZE + 7], 99);
	cr_assert_arr_eq(out->octets, rig_peer_mac, FK_MAC_SIZE);
}

/* The first of its kind is read in full, the next by its shape, and both count. */
Test(receive, an_acknowledgement_of_a_known_shape_counts_as_the_first_did)
{
	const struct fk_order order = rig_order(UE + 1, 0, 1);
	struct rig_answer answer = rig_right_answer(rig, UE, 0, 40);

	rig_answer_in(rig, &answer);
	cr_assert_eq(rig_count(rig, FK_COUNTER_RX_ACKS), 1);
	cr_assert_eq(rig_count(rig, FK_COUNTER_RX_BY_SHAPE), 0);

	rig->n_out_read = rig->n_out;
	(void)rig_send(rig, &order);
	answer = rig_right_answer(rig, UE + 1, 0, 40);
	rig_answer_in(rig, &answer);
	cr_expect_eq(rig_count(rig, FK_COUNTER_RX_ACKS), 2);
	cr_expect_eq(rig_count(rig, FK_COUNTER_RX_BY_SHAPE), 1);
}
