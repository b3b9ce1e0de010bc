/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "neigh.h"
#include "rig.h"

#define A	 0xc0000201u
#define B	 0xc0000202u
#define START_US 5000000u

static const uint8_t mac_a[FK_MAC_SIZE] = {2, 0, 0, 0, 0, 0xa};
static struct fk_neigh neigh;

static void set_up(void)
{
	fk_neigh_init(&neigh);
}

TestSuite(neigh, .init = set_up);

static uint8_t add(uint32_t ipv4)
{
	struct fk_address address = fk_address_of_ipv4(ipv4);

	return fk_neigh_add(&neigh, &address);
}

static struct fk_net_frame arp(uint32_t ipv4, const uint8_t mac[FK_MAC_SIZE])
{
	struct fk_net_frame frame = {
		.kind = FK_NET_ARP_REPLY,
		.source = fk_address_of_ipv4(ipv4),
		.destination = fk_address_of_ipv4(RIG_OWN_IPV4),
	};

	memcpy(frame.source_mac, mac, FK_MAC_SIZE);
	return frame;
}

/* The moments, in ms from START_US, of the next 'n' probes, looking every 'step_us'. */
static void probe_times(uint64_t from_us, uint32_t step_us, uint64_t *ret_ms, uint32_t n)
{
	uint64_t now_us = from_us;

	for (uint32_t i = 0; i < n; now_us += step_us) {
		cr_assert_lt(now_us, from_us + 120000000u, "only %u probes", i);
		if (fk_neigh_next_probe(&neigh, now_us) != FK_NEIGH_NONE)
			ret_ms[i++] = (now_us - START_US) / 1000;
	}
}

Test(neigh, an_address_is_added_once)
{
	cr_assert_eq(add(A), 0);
	cr_assert_eq(add(B), 1);
	cr_assert_eq(add(A), 0);
	cr_assert_null(fk_neigh_find(&neigh, 0));
	cr_assert_null(fk_neigh_find(&neigh, 2));
}

Test(neigh, a_full_table_says_so)
{
	for (uint32_t i = 0; i < FK_NEIGHS_MAX; i++)
		cr_assert_eq(add(A + i), i);
	cr_assert_eq(add(A + FK_NEIGHS_MAX), FK_NEIGH_NONE);
}

Test(neigh, a_neighbour_that_was_not_found_yet_is_asked_quickly_and_then_every_second)
{
	static const uint64_t expected[] = {0, 20, 70, 170, 370, 870, 1870, 2870, 3870};
	uint64_t ms[9];

	add(A);
	probe_times(START_US, 1000, ms, 9);
	cr_assert_arr_eq(ms, expected, sizeof(expected));
}

Test(neigh, several_neighbours_do_not_slow_each_other_down)
{
	uint64_t ms[8];

	add(A);
	add(B);
	probe_times(START_US, 1000, ms, 8);
	for (uint32_t i = 0; i < 8; i += 2)
		cr_assert_leq(ms[i + 1] - ms[i], 1);
	cr_assert_leq(ms[7], 175);
}

Test(neigh, an_answer_resolves_and_the_neighbour_is_asked_again_after_30_seconds)
{
	struct fk_net_frame reply = arp(A, mac_a);
	uint64_t ms[1];

	add(A);
	cr_assert_eq(fk_neigh_next_probe(&neigh, START_US), 0);
	cr_assert_null(fk_neigh_find(&neigh, 0));
	fk_neigh_learn(&neigh, &reply, START_US + 3000);
	cr_assert_not_null(fk_neigh_find(&neigh, 0));
	cr_assert_arr_eq(fk_neigh_find(&neigh, 0)->mac, mac_a, FK_MAC_SIZE);
	probe_times(START_US + 3000, 1000, ms, 1);
	cr_assert_geq(ms[0], 30003);
	cr_assert_leq(ms[0], 30003 + FK_NEIGH_POLL_MAX_US / 1000);
	cr_assert_not_null(fk_neigh_find(&neigh, 0), "it stays while it is asked");
}

Test(neigh, a_neighbour_that_falls_silent_is_dropped_after_three_requests)
{
	struct fk_net_frame reply = arp(A, mac_a);
	uint64_t ms[1], last_ms = 0;

	add(A);
	fk_neigh_learn(&neigh, &reply, START_US);
	for (uint32_t i = 0; i < 3; i++) {
		probe_times(START_US + last_ms * 1000, 1000, ms, 1);
		cr_assert(i == 0 || ms[0] - last_ms == 1000);
		cr_assert_not_null(fk_neigh_find(&neigh, 0));
		last_ms = ms[0];
	}
	probe_times(START_US + last_ms * 1000, 1000, ms, 1);
	cr_assert_eq(ms[0] - last_ms, 1000);
	cr_assert_null(fk_neigh_find(&neigh, 0));
	fk_neigh_learn(&neigh, &reply, START_US + ms[0] * 1000);
	cr_assert_not_null(fk_neigh_find(&neigh, 0), "and found again when it speaks");
}

Test(neigh, a_stranger_and_a_group_address_are_not_learnt)
{
	static const uint8_t group[FK_MAC_SIZE] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	struct fk_net_frame stranger = arp(B, mac_a), liar = arp(A, group);

	add(A);
	fk_neigh_learn(&neigh, &stranger, START_US);
	fk_neigh_learn(&neigh, &liar, START_US);
	cr_assert_null(fk_neigh_find(&neigh, 0));
	cr_assert_eq(neigh.n, 1);
}

static const struct fk_address six = {{0x20, 0x01, 0x0d, 0xb8, [15] = 0x20}};

static struct fk_nd advertisement(const uint8_t mac[FK_MAC_SIZE], bool is_solicited)
{
	struct fk_nd nd = {
		.target = six, .has_mac = true, .is_solicited = is_solicited, .is_override = true};

	memcpy(nd.mac, mac, FK_MAC_SIZE);
	return nd;
}

Test(neigh, an_advertisement_resolves_only_what_was_asked_for)
{
	struct fk_nd asked = advertisement(mac_a, true), unasked = advertisement(mac_a, false);
	struct fk_nd other = asked, bare = asked;

	other.target.octets[15] ^= 1;
	bare.has_mac = false;
	cr_assert_eq(fk_neigh_add(&neigh, &six), 0);
	fk_neigh_advertised(&neigh, &asked, START_US);
	cr_assert_null(fk_neigh_find(&neigh, 0), "nothing was asked yet");
	cr_assert_eq(fk_neigh_next_probe(&neigh, START_US), 0);
	fk_neigh_advertised(&neigh, &unasked, START_US + 1);
	fk_neigh_advertised(&neigh, &other, START_US + 1);
	fk_neigh_advertised(&neigh, &bare, START_US + 1);
	cr_assert_null(fk_neigh_find(&neigh, 0));
	fk_neigh_advertised(&neigh, &asked, START_US + 2);
	cr_assert_not_null(fk_neigh_find(&neigh, 0));
	cr_assert_arr_eq(fk_neigh_find(&neigh, 0)->mac, mac_a, FK_MAC_SIZE);
}

/* spec: RFC 4861 §7.2.5 */
Test(neigh, an_unasked_advertisement_of_another_mac_makes_us_ask_and_nothing_else)
{
	struct fk_nd asked = advertisement(mac_a, true);
	struct fk_nd same = advertisement(mac_a, false), moved = advertisement(rig_peer_mac, false);
	uint64_t ms[1];

	fk_neigh_add(&neigh, &six);
	cr_assert_eq(fk_neigh_next_probe(&neigh, START_US), 0);
	fk_neigh_advertised(&neigh, &asked, START_US);
	fk_neigh_advertised(&neigh, &same, START_US + 100000);
	cr_assert_eq(fk_neigh_next_probe(&neigh, START_US + 2000000), FK_NEIGH_NONE);
	for (uint32_t i = 0; i < 100; i++) /* a flood */
		fk_neigh_advertised(&neigh, &moved, START_US + 2000000);
	cr_assert_arr_eq(fk_neigh_find(&neigh, 0)->mac, mac_a, FK_MAC_SIZE);
	probe_times(START_US + 2000000, 1000, ms, 1);
	cr_assert_eq(ms[0], 2000);
	fk_neigh_advertised(&neigh, &asked, START_US + 2001000);
	fk_neigh_advertised(&neigh, &moved, START_US + 2002000);
	probe_times(START_US + 2002000, 1000, ms, 1);
	cr_assert_geq(ms[0], 3001, "at most once a second");
	cr_assert_leq(ms[0], 3003);
}

/* spec: RFC 4861 §7.2.5, §7.2.8: a proxy does not override */
Test(neigh, an_answer_that_does_not_override_leaves_another_mac_in_place)
{
	struct fk_nd first = advertisement(mac_a, true), proxy = advertisement(rig_peer_mac, true);

	proxy.is_override = false;
	fk_neigh_add(&neigh, &six);
	cr_assert_eq(fk_neigh_next_probe(&neigh, START_US), 0);
	fk_neigh_advertised(&neigh, &first, START_US);
	cr_assert_eq(fk_neigh_next_probe(&neigh, START_US + FK_NEIGH_REFRESH_US), 0);
	fk_neigh_advertised(&neigh, &proxy, START_US + FK_NEIGH_REFRESH_US);
	cr_assert_arr_eq(fk_neigh_find(&neigh, 0)->mac, mac_a, FK_MAC_SIZE);
}

Test(neigh, a_worker_whose_first_request_was_lost_sends_after_some_milliseconds)
{
	struct rig *rig = rig_new_unresolved();
	struct fk_order order = rig_order(1, 0, 1);
	uint8_t reply[FK_ARP_FRAME_SIZE];
	struct fk_net_frame net;

	rig_push(rig, &order);
	rig_turn(rig);
	cr_assert_eq(fk_net_parse(rig->out[0].octets, rig->out[0].size, &net), FK_OK);
	cr_assert_eq(net.kind, FK_NET_ARP_REQUEST);
	cr_assert_eq(fk_address_ipv4(&net.destination), RIG_PEER_IPV4);
	rig_pass_ms(rig, 20); /* nobody heard it; the second one is answered */
	cr_assert_eq(rig->n_out, 2);
	fk_net_build_arp(true, rig_peer_mac, RIG_PEER_IPV4, rig_own_mac, RIG_OWN_IPV4, reply);
	rig_frame_in(rig, reply, sizeof(reply));
	rig_pass_ms(rig, 25);
	rig->n_out_read = 2;
	(void)rig_next_sip(rig);
	cr_assert_eq(rig_count(rig, FK_COUNTER_TX_REQUESTS), 1);
	rig_free(rig);
}

Test(neigh, a_worker_answers_requests_for_its_own_address_only)
{
	struct rig *rig = rig_new();
	uint8_t request[FK_ARP_FRAME_SIZE];
	static const uint8_t nobody[FK_MAC_SIZE] = {0};
	const struct rig_frame *out;
	struct fk_net_frame net;

	fk_net_build_arp(false, mac_a, A, nobody, B, request);
	rig_frame_in(rig, request, sizeof(request));
	rig_turn(rig);
	cr_assert_null(rig_next_out(rig));
	fk_net_build_arp(false, mac_a, A, nobody, RIG_OWN_IPV4, request);
	rig_frame_in(rig, request, sizeof(request));
	rig_turn(rig);
	out = rig_next_out(rig);
	cr_assert_not_null(out);
	cr_assert_eq(fk_net_parse(out->octets, out->size, &net), FK_OK);
	cr_assert_eq(net.kind, FK_NET_ARP_REPLY);
	cr_assert_eq(fk_address_ipv4(&net.source), RIG_OWN_IPV4);
	cr_assert_eq(fk_address_ipv4(&net.destination), A);
	cr_assert_arr_eq(net.source_mac, rig_own_mac, FK_MAC_SIZE);
	cr_assert_arr_eq(net.destination_mac, mac_a, FK_MAC_SIZE);
	rig_free(rig);
}
