/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker whose only address is IPv6. What may answer it is in test_match.c, over both families.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "rig.h"

#define UE	5u
#define IP	FK_ETH_HEADER_SIZE
#define MESSAGE (IP + FK_IPV6_HEADER_SIZE)

static struct rig *rig;
static struct fk_address own, peer;
static const struct fk_address unspecified;

static void begin(void)
{
	rig = rig_new_ipv6();
	own = rig_address(rig, RIG_OWN_IPV4);
	peer = rig_address(rig, RIG_PEER_IPV4);
}

static void end(void)
{
	rig_free(rig);
}

TestSuite(ipv6, .init = begin, .fini = end);

/* The next frame that leaves, as it is parsed. */
static struct fk_net_frame next_out(void)
{
	const struct rig_frame *out = rig_next_out(rig);
	struct fk_net_frame net;

	cr_assert_not_null(out, "nothing was sent");
	cr_assert_eq(fk_net_parse(out->octets, out->size, &net), FK_OK);
	return net;
}

static void solicitation_in(const struct fk_address *source, const struct fk_address *target)
{
	uint8_t frame[FK_ND_FRAME_SIZE];

	fk_nd_build_solicitation(rig_peer_mac, source, target, frame);
	rig_frame_in(rig, frame, sizeof(frame));
	rig_turn(rig);
}

static void expect_advertisement(const struct fk_address *of, const struct fk_address *to)
{
	struct fk_net_frame net = next_out();
	struct fk_nd nd;

	cr_assert_eq(net.kind, FK_NET_ADVERTISEMENT);
	cr_assert(fk_address_equal(&net.source, of));
	cr_assert(fk_address_equal(&net.destination, to));
	cr_assert_arr_eq(net.destination_mac, rig_peer_mac, FK_MAC_SIZE);
	cr_assert_eq(fk_nd_parse(&net, &nd), FK_OK);
	cr_assert(fk_address_equal(&nd.target, of));
	cr_assert_arr_eq(nd.mac, rig_own_mac, FK_MAC_SIZE);
}

Test(ipv6, it_asks_for_its_next_hop_in_the_group_of_its_address)
{
	struct fk_net_frame net;
	struct fk_nd nd;

	cr_assert_eq(fk_net_parse(rig->out[0].octets, rig->out[0].size, &net), FK_OK);
	cr_assert_eq(net.kind, FK_NET_SOLICITATION);
	cr_assert(fk_address_equal(&net.source, &own));
	cr_assert_eq(fk_nd_parse(&net, &nd), FK_OK);
	cr_assert(fk_address_equal(&nd.target, &peer));
	cr_assert_arr_eq(nd.mac, rig_own_mac, FK_MAC_SIZE);
	cr_assert_eq(rig_count(rig, FK_COUNTER_TX_ND), 1);
	cr_assert_eq(rig_count(rig, FK_COUNTER_RX_ND), 1);
}

Test(ipv6, a_request_names_us_in_brackets_and_is_acknowledged)
{
	struct fk_order order = rig_order(UE, 0, 1);
	struct fk_sip_message sip = rig_send(rig, &order);
	struct rig_answer answer;

	cr_assert(fk_view_is(sip.via_sent_by, "[2001:db8::c000:20a]:5070"), "%.*s",
		  (int)sip.via_sent_by.len, sip.via_sent_by.at);
	rig_respond(rig, &sip, 202);
	answer = rig_right_answer(rig, UE, 0, 1);
	rig_answer_in(rig, &answer);
	cr_assert_eq(rig_state(rig, UE).outcome, FK_OUTCOME_ANSWERED);
	cr_assert_eq(rig_next_sip(rig).status, 200);
}

/* spec: RFC 3261 §25.1 */
Test(ipv6, a_route_names_the_next_hop_in_brackets)
{
	static const char route[] = "\r\nRoute:<sip:[2001:db8::c000:214]:5060;lr>\r\n";
	struct fk_order order = rig_order(UE, 0, 1);
	const struct rig_frame *out;
	char text[160] = "";

	rig->table->next_hops[0].route = 1;
	cr_assert_eq(fk_worker_attach(rig->worker, rig->table, rig->region, ++rig->epoch, true,
				      text, sizeof(text)),
		     FK_OK, "%s", text);
	rig_resolve_peer(rig);
	rig_push(rig, &order);
	rig_turn(rig);
	out = rig_next_out(rig);
	cr_assert_not_null(out);
	cr_assert_not_null(memmem(out->octets, out->size, route, sizeof(route) - 1));
}

Test(ipv6, solicitations_for_our_addresses_are_answered)
{
	struct fk_address link_local = fk_nd_link_local_of(rig_own_mac);
	struct fk_address stranger = rig_address(rig, RIG_OWN_IPV4 + 1);

	solicitation_in(&peer, &own);
	expect_advertisement(&own, &peer);
	solicitation_in(&peer, &link_local);
	expect_advertisement(&link_local, &peer);
	solicitation_in(&peer, &stranger);
	cr_assert_null(rig_next_out(rig));
	solicitation_in(&peer, &unspecified);
	cr_assert_null(rig_next_out(rig));
	cr_assert_eq(rig_n_drops(rig), 0);
}

/* spec: RFC 4861 §7.3.3: a neighbour makes sure that we are still there */
Test(ipv6, a_unicast_probe_is_answered)
{
	uint8_t frame[FK_ND_FRAME_SIZE];
	struct fk_net_frame advertisement = {.source = own};
	uint32_t sum;

	/* An advertisement's form, sent to us, becomes a unicast solicitation. */
	memcpy(advertisement.source_mac, rig_own_mac, FK_MAC_SIZE);
	fk_nd_build_advertisement(&advertisement, rig_peer_mac, &peer, frame);
	frame[MESSAGE] = 135;
	memset(frame + MESSAGE + 2, 0, 6);
	memcpy(frame + MESSAGE + 8, own.octets, FK_ADDRESS_SIZE);
	frame[MESSAGE + 24] = 1;
	sum = 32 + 58;
	for (uint32_t i = 8; i < 40; i += 2)
		sum += (uint32_t)(frame[IP + i] << 8 | frame[IP + i + 1]);
	sum = fk_net_checksum(frame + MESSAGE, 32, sum);
	frame[MESSAGE + 2] = (uint8_t)(sum >> 8);
	frame[MESSAGE + 3] = (uint8_t)sum;
	rig_frame_in(rig, frame, sizeof(frame));
	rig_turn(rig);
	expect_advertisement(&own, &peer);
}

/* spec: RFC 4862 §5.4.3: somebody wants our address */
Test(ipv6, duplicate_address_detection_is_answered)
{
	uint8_t frame[FK_ND_FRAME_SIZE];
	struct fk_net_frame net;
	uint32_t sum = 24 + 58;

	fk_nd_build_solicitation(rig_peer_mac, &unspecified, &own, frame);
	frame[IP + 5] = 24; /* it has no Ethernet address to tell */
	for (uint32_t i = 8; i < 40; i += 2)
		sum += (uint32_t)(frame[IP + i] << 8 | frame[IP + i + 1]);
	frame[MESSAGE + 2] = frame[MESSAGE + 3] = 0;
	sum = fk_net_checksum(frame + MESSAGE, 24, sum);
	frame[MESSAGE + 2] = (uint8_t)(sum >> 8);
	frame[MESSAGE + 3] = (uint8_t)sum;
	rig_frame_in(rig, frame, sizeof(frame) - 8);
	rig_turn(rig);
	net = next_out();
	cr_assert_eq(net.kind, FK_NET_ADVERTISEMENT);
	cr_assert(fk_address_is_multicast(&net.destination));
	cr_assert(fk_address_equal(&net.source, &own));
}

Test(ipv6, a_neighbour_message_that_came_through_a_router_is_refused)
{
	uint8_t frame[FK_ND_FRAME_SIZE];

	fk_nd_build_solicitation(rig_peer_mac, &peer, &own, frame);
	frame[IP + 7] = 254;
	rig_frame_in(rig, frame, sizeof(frame));
	rig_turn(rig);
	cr_assert_null(rig_next_out(rig));
	cr_assert_eq(rig_count(rig, FK_COUNTER_RX_ND_REFUSED), 1);
	cr_assert_eq(rig_n_drops(rig), 1);
}

/* Puts a datagram in front of the worker after one of its octets was set. */
static void changed_in(uint32_t offset, uint8_t value, enum fk_counter reason)
{
	uint64_t n = rig_count(rig, reason), n_drops = rig_n_drops(rig);

	rig_datagram_in(rig, RIG_PEER_IPV4, 5060, "OPTIONS", 7);
	rig->in[rig->n_in - 1].octets[offset] = value;
	rig_turn(rig);
	cr_assert_eq(rig_count(rig, reason), n + 1, "not counted as %s", fk_counter_name(reason));
	cr_assert_eq(rig_n_drops(rig), n_drops + 1);
	cr_assert_null(rig_next_out(rig));
}

Test(ipv6, what_is_not_read_is_counted_by_its_reason)
{
	changed_in(IP + 6, 44, FK_COUNTER_RX_FRAGMENT);
	changed_in(IP + 6, 0, FK_COUNTER_RX_IPV6_EXTENSION);
	changed_in(IP + 6, 60, FK_COUNTER_RX_IPV6_EXTENSION);
	changed_in(IP + 6, 6, FK_COUNTER_RX_NOT_OURS);
	changed_in(IP, 0x50, FK_COUNTER_RX_NOT_OURS);
	changed_in(IP + 4, 1, FK_COUNTER_RX_TRUNCATED_FRAME);
	changed_in(MESSAGE + 8, 'X', FK_COUNTER_RX_BAD_CHECKSUM);
}

/* spec: RFC 8200 §8.1 */
Test(ipv6, a_datagram_without_a_checksum_is_dropped)
{
	rig_datagram_in(rig, RIG_PEER_IPV4, 5060, "OPTIONS", 7);
	memset(rig->in[rig->n_in - 1].octets + MESSAGE + 6, 0, 2);
	rig_turn(rig);
	cr_assert_eq(rig_count(rig, FK_COUNTER_RX_BAD_CHECKSUM), 1);
	cr_assert_null(rig_next_out(rig));
}

Test(ipv6, extension_headers_for_others_are_not_ours)
{
	rig_datagram_in(rig, RIG_PEER_IPV4, 5060, "x", 1);
	rig->in[rig->n_in - 1].octets[IP + 6] = 0;
	rig->in[rig->n_in - 1].octets[IP + 39] ^= 1;
	rig_turn(rig);
	cr_assert_eq(rig_count(rig, FK_COUNTER_RX_IPV6_EXTENSION), 0);
	cr_assert_eq(rig_count(rig, FK_COUNTER_RX_NOT_OURS), 1);
}

/* What looks like an IPv4 next hop inside IPv6 is no next hop. spec: RFC 4291 §2.5.5.2 */
Test(ipv6, an_ipv4_mapped_source_is_nobody)
{
	struct fk_address mapped = fk_address_of_ipv4(RIG_PEER_IPV4);

	rig_datagram_in(rig, RIG_PEER_IPV4, 5060, "OPTIONS", 7);
	memcpy(rig->in[rig->n_in - 1].octets + IP + 8, mapped.octets, FK_ADDRESS_SIZE);
	rig_turn(rig);
	cr_assert_eq(rig_count(rig, FK_COUNTER_RX_NOT_OURS), 1);
	cr_assert_null(rig_next_out(rig));
}

Test(ipv6, an_echo_request_is_turned_around)
{
	uint32_t sum = 16 + 58;
	struct fk_net_frame net;
	uint8_t *octets;

	rig_datagram_in(rig, RIG_PEER_IPV4, 5060, "12345678", 8);
	octets = rig->in[rig->n_in - 1].octets;
	octets[IP + 6] = 58;
	memset(octets + MESSAGE, 0, 8);
	octets[MESSAGE] = 128;
	for (uint32_t i = 8; i < 40; i += 2)
		sum += (uint32_t)(octets[IP + i] << 8 | octets[IP + i + 1]);
	sum = fk_net_checksum(octets + MESSAGE, 16, sum);
	octets[MESSAGE + 2] = (uint8_t)(sum >> 8);
	octets[MESSAGE + 3] = (uint8_t)sum;
	rig_turn(rig);
	net = next_out();
	cr_assert_eq(rig->out[rig->n_out - 1].octets[MESSAGE], 129);
	cr_assert_arr_eq(rig->out[rig->n_out - 1].octets + MESSAGE + 8, "12345678", 8);
	cr_assert(fk_address_equal(&net.source, &own));
	cr_assert(fk_address_equal(&net.destination, &peer));
	cr_assert_arr_eq(net.destination_mac, rig_peer_mac, FK_MAC_SIZE);
	cr_assert_eq(rig_count(rig, FK_COUNTER_RX_ICMP), 1);
	cr_assert_eq(rig_count(rig, FK_COUNTER_TX_ICMP), 1);
}

Test(ipv6, a_next_hop_of_a_family_that_we_have_no_address_of_is_refused_with_a_sentence)
{
	char text[160] = "";

	rig->table->next_hops[0].address = fk_address_of_ipv4(RIG_PEER_IPV4);
	cr_assert_eq(fk_worker_attach(rig->worker, rig->table, rig->region, ++rig->epoch, true,
				      text, sizeof(text)),
		     FK_EINVAL);
	cr_assert_not_null(strstr(text, "next hop 0"), "%s", text);
	cr_assert_not_null(strstr(text, "192.0.2.20"), "%s", text);
	cr_assert_not_null(strstr(text, "--ip"), "%s", text);
	rig->worker->config.host.ipv4 = (struct fk_host_address){
		.address = fk_address_of_ipv4(RIG_OWN_IPV4), .prefix = FK_IPV4_PREFIX + 24};
	cr_assert_eq(fk_worker_attach(rig->worker, rig->table, rig->region, ++rig->epoch, true,
				      text, sizeof(text)),
		     FK_OK, "%s", text);
}

Test(ipv6, a_next_hop_beyond_the_subnet_is_reached_through_the_router)
{
	struct fk_address router = {{0xfe, 0x80, [15] = 1}};
	struct fk_address link_local = fk_nd_link_local_of(rig_own_mac);
	struct fk_net_frame net;
	char text[160] = "";
	struct fk_nd nd;

	rig->worker->config.host.ipv6.gateway = router;
	rig->table->next_hops[0].address.octets[5] = 1;
	cr_assert_eq(fk_worker_attach(rig->worker, rig->table, rig->region, ++rig->epoch, true,
				      text, sizeof(text)),
		     FK_OK, "%s", text);
	rig->worker->claim.n_left = 0;
	rig_turn(rig);
	net = next_out();
	cr_assert_eq(net.kind, FK_NET_SOLICITATION);
	cr_assert(fk_address_equal(&net.source, &link_local));
	cr_assert_eq(fk_nd_parse(&net, &nd), FK_OK);
	cr_assert(fk_address_equal(&nd.target, &router));
}
