/* SPDX-License-Identifier: Apache-2.0 */
/* Whose our address is, when another node may have it too. */
#include <criterion/criterion.h>
#include <string.h>

#include "rig.h"

#define UE 7

static const uint8_t other_mac[FK_MAC_SIZE] = {2, 0, 0, 0, 0, 0x77};
static struct rig *rig;

static void set_up(void)
{
	rig = rig_new();
}

static void tear_down(void)
{
	rig_free(rig);
}

TestSuite(claim, .init = set_up, .fini = tear_down);

static void set_lease(uint64_t until_us)
{
	atomic_store(&fk_region_control(rig->region)->lease_until_us, until_us);
}

/* Turns until now; how many frames left that claim our address. */
static uint32_t n_claims(void)
{
	const struct rig_frame *out;
	struct fk_net_frame net;
	uint32_t n = 0;

	while ((out = rig_next_out(rig)) != NULL) {
		cr_assert_eq(fk_net_parse(out->octets, out->size, &net), FK_OK);
		n += net.kind == FK_NET_ARP_REQUEST &&
		     fk_address_ipv4(&net.source) == RIG_OWN_IPV4 &&
		     fk_address_ipv4(&net.destination) == RIG_OWN_IPV4 &&
		     memcmp(net.source_mac, rig_own_mac, FK_MAC_SIZE) == 0 &&
		     net.destination_mac[0] == 0xff;
	}
	return n;
}

static uint32_t claims_within_ms(uint32_t ms)
{
	rig_turn(rig);
	rig_pass_ms(rig, ms);
	return n_claims();
}

/* An ARP request of 'mac', which has our address, for the next hop's. */
static void other_speaks(const uint8_t mac[FK_MAC_SIZE])
{
	static const uint8_t nobody[FK_MAC_SIZE] = {0};
	uint8_t frame[FK_ARP_FRAME_SIZE];

	fk_net_build_arp(false, mac, RIG_OWN_IPV4, nobody, RIG_PEER_IPV4, frame);
	rig_frame_in(rig, frame, sizeof(frame));
	rig_turn(rig);
}

/* The peer asks who has our address; true if we say so. */
static bool answers_arp(void)
{
	static const uint8_t nobody[FK_MAC_SIZE] = {0};
	uint64_t n = rig_count(rig, FK_COUNTER_TX_ARP);
	uint8_t frame[FK_ARP_FRAME_SIZE];

	fk_net_build_arp(false, rig_peer_mac, RIG_PEER_IPV4, nobody, RIG_OWN_IPV4, frame);
	rig_frame_in(rig, frame, sizeof(frame));
	rig_turn(rig);
	return rig_count(rig, FK_COUNTER_TX_ARP) > n;
}

Test(claim, a_worker_that_is_let_in_says_three_times_whose_the_address_is)
{
	fk_claim_begin(&rig->worker->claim);
	cr_expect_eq(claims_within_ms(0), 1);
	cr_expect_eq(claims_within_ms(499), 0);
	cr_expect_eq(claims_within_ms(2000), 2);
	cr_expect_eq(claims_within_ms(5000), 0);
}

Test(claim, but_not_without_a_lease)
{
	set_lease(0);
	fk_claim_begin(&rig->worker->claim);
	cr_expect_eq(claims_within_ms(1000), 0);
	set_lease(UINT64_MAX);
	cr_expect_eq(claims_within_ms(50), 1);
}

Test(claim, a_claim_of_another_station_is_answered_with_ours_once_a_second)
{
	rig_pass_ms(rig, 2000);
	(void)n_claims();
	for (uint32_t i = 0; i < 100; i++) {
		other_speaks(other_mac);
		rig_pass_ms(rig, 20);
	}
	cr_expect_eq(n_claims(), 2);
	cr_expect_eq(rig_count(rig, FK_COUNTER_RX_ADDRESS_CLAIMED), 100);
	cr_expect(answers_arp());
}

Test(claim, our_own_words_are_no_claim_of_another)
{
	set_lease(0);
	other_speaks(rig_own_mac);
	cr_expect_eq(rig_count(rig, FK_COUNTER_RX_ADDRESS_CLAIMED), 0);
	cr_expect(answers_arp());
}

Test(claim, a_lease_that_is_over_alone_silences_no_answer)
{
	set_lease(0);
	rig_pass_ms(rig, 10000);
	cr_expect(answers_arp());
}

Test(claim, without_a_lease_it_yields_to_another_station_and_is_silent)
{
	struct fk_order order = rig_order(UE, 0, 1);
	struct fk_sip_message sip = rig_send(rig, &order);
	struct rig_answer answer;

	rig_respond(rig, &sip, 202);
	set_lease(0);
	other_speaks(other_mac);
	cr_expect_not(answers_arp());
	(void)n_claims();
	answer = rig_right_answer(rig, UE, 0, 1);
	rig_answer_in(rig, &answer);
	cr_expect_null(rig_next_out(rig), "its results would reach nobody");
	cr_expect_neq(rig_state(rig, UE).outcome, FK_OUTCOME_ANSWERED);
	rig_pass_ms(rig, 120000);
	cr_expect_null(rig_next_out(rig), "nor are neighbours asked");
}

Test(claim, with_a_lease_again_it_claims_its_address_and_speaks)
{
	set_lease(0);
	other_speaks(other_mac);
	cr_expect_not(answers_arp());
	set_lease(UINT64_MAX);
	cr_expect_eq(claims_within_ms(1100), 3);
	cr_expect(answers_arp());
}
