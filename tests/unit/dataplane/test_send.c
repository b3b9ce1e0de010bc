/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "rig.h"

static struct rig *rig;

static void begin(void)
{
	rig = rig_new();
}

static void end(void)
{
	rig_free(rig);
}

TestSuite(send, .init = begin, .fini = end);

static void order_in(uint32_t ue_index, uint8_t step, uint8_t attempt)
{
	struct fk_order order = rig_order(ue_index, step, attempt);

	rig_push(rig, &order);
	rig_turn(rig);
}

/* The next IPv4 frame: neighbours are asked for again now and then. */
static const struct rig_frame *next_ipv4(void)
{
	const struct rig_frame *frame;

	do
		frame = rig_next_out(rig);
	while (frame != NULL && frame->octets[13] != 0);
	return frame;
}

/* spec: RFC 3261 §17.1.2.2: timer E doubles up to T2, timer F ends it at 64 * T1. */
Test(send, repeats_leave_when_timer_e_says_and_end_with_timer_f)
{
	static const uint32_t due_ms[] = {0,	 500,	1500,  3500,  7500, 11500,
					  15500, 19500, 23500, 27500, 31500};
	const struct rig_frame *first, *frame;
	uint64_t start_us = rig->now_us;

	order_in(1, 0, 0);
	rig_pass_ms(rig, 33000);
	first = next_ipv4();
	cr_assert_not_null(first);
	for (size_t i = 1; i < sizeof(due_ms) / sizeof(due_ms[0]); i++) {
		uint64_t at_ms;

		frame = next_ipv4();
		cr_assert_not_null(frame, "repeat %zu is missing", i);
		at_ms = (frame->at_us - start_us) / 1000;
		cr_assert(at_ms >= due_ms[i] && at_ms <= due_ms[i] + 20, "repeat %zu at %u ms", i,
			  (unsigned)at_ms);
		cr_assert_eq(frame->size, first->size);
		/* All but the IPv4 identification and checksum. */
		cr_assert_arr_eq(frame->octets + 26, first->octets + 26, first->size - 26u);
	}
	cr_assert_null(next_ipv4());
	cr_assert_eq(rig_state(rig, 1).outcome, FK_OUTCOME_TIMEOUT);
	cr_assert_eq(rig_count(rig, FK_COUNTER_TX_REQUESTS), 1);
	cr_assert_eq(rig_count(rig, FK_COUNTER_TX_RETRANSMITS), 10);
	cr_assert_eq(rig_n_doorbells(rig), 1);
}

Test(send, a_key_leaves_wrapped_under_the_ues_own_kek_and_authenticated)
{
	const struct fk_ue_slot *ue = &fk_keytable_ues(rig->table)[2];
	const struct fk_crypto_engine *engine = rig->worker->config.engine;
	static struct fk_crypto_scratch scratch;
	struct fk_sds_signalling signalling = {0};
	struct fk_kmm_rekey_command rekey;
	struct fk_sip_message sip;
	struct fk_kmm_frame frame;
	uint8_t key[32];

	order_in(2, 0, 0);
	sip = rig_next_sip(rig);
	frame = rig_kmm_of(&sip, &signalling);
	cr_assert_eq(fk_kmm_decode_rekey_command(&frame, &rekey), FK_OK);
	cr_assert_eq(rekey.decryption_key_id, ue->kek_key_id);
	cr_assert_eq(rekey.n_keys, 1);
	cr_assert_eq(rekey.keys[0].key_id, 0x4242);
	cr_assert_eq(frame.header.destination_rsi, ue->rsi);
	cr_assert_eq(frame.header.mac.key_id, ue->ptek_key_id);

	struct fk_unwrap_lane unwrap = {.kek = ue->kek, .wrapped = rekey.keys[0].key, .key = key};
	struct fk_mac_lane mac = {.tek = ue->ptek,
				  .frame = frame.octets,
				  .frame_size = frame.size,
				  .mac_format = frame.header.mac.mac_format};

	engine->unwrap(&scratch, FK_WRAP_256_UNDER_256, &unwrap, 1);
	cr_assert_eq(unwrap.ok, 1);
	cr_assert_arr_eq(key, rig->table->campaigns[RIG_CAMPAIGN_SLOT].keys[0].tek, 32);
	engine->mac(&scratch, &mac, 1);
	cr_assert_arr_eq(mac.mac, frame.header.mac.mac, FK_KMM_MAC_SIZE);
}

/* spec: P25 sheet 1.3, 3.4, 3.5 */
Test(send, each_ues_frame_has_a_mac_of_the_kind_that_the_ue_knows)
{
	static struct fk_crypto_scratch scratch;
	struct fk_ue_slot *ues = (struct fk_ue_slot *)(uintptr_t)fk_keytable_ues(rig->table);

	for (uint32_t i = 0; i < RIG_N_UES; i++)
		ues[i].mac_kind = i % 3 == 1 ? FK_MAC_CBC : FK_MAC_CMAC;
	/* Both kinds in one burst. */
	for (uint32_t i = 0; i < 12; i++) {
		struct fk_order order = rig_order(i, 0, 0);

		rig_push(rig, &order);
	}
	rig_turn(rig);
	for (uint32_t i = 0; i < 12; i++) {
		uint8_t format = i % 3 == 1 ? FK_KMM_MAC_FORMAT_CBC : FK_KMM_MAC_FORMAT_CMAC;
		struct fk_sds_signalling signalling = {0};
		struct fk_sip_message sip = rig_next_sip(rig);
		struct fk_kmm_frame frame = rig_kmm_of(&sip, &signalling);
		struct fk_mac_lane mac = {.tek = ues[i].ptek,
					  .frame = frame.octets,
					  .frame_size = frame.size,
					  .mac_format = format};

		cr_assert_eq(frame.header.destination_rsi, ues[i].rsi);
		cr_expect_eq(frame.header.mac.mac_format, format, "UE %u", i);
		/* The octet itself: the last of the frame. */
		cr_expect_eq(frame.octets[frame.size - 1], format, "UE %u", i);
		rig->worker->config.engine->mac(&scratch, &mac, 1);
		cr_expect_arr_eq(mac.mac, frame.header.mac.mac, FK_KMM_MAC_SIZE, "UE %u", i);
	}
}

/* Gives the campaign its sixteen keys, and the next hop room for as many as a frame takes. */
static void load_all_keys(void)
{
	rig->table->campaigns[RIG_CAMPAIGN_SLOT].n_keys = RIG_N_KEYS;
	rig->table->next_hops[0].max_datagram = 0;
}

static struct fk_order order_of_keys(uint32_t ue_index, uint8_t step, uint8_t first, uint8_t n)
{
	struct fk_order order = rig_order(ue_index, step, 0);

	order.kind = FK_ORDER_REKEY;
	order.mac_key = FK_MAC_KEY_PTEK;
	order.first_key = first;
	order.n_keys = n;
	return order;
}

/* The message carries exactly these keys, in order, under the UE's own KEK, and its MAC verifies.
 */
static void check_keys(const struct fk_sip_message *sip, uint32_t ue_index, uint8_t first,
		       uint8_t n)
{
	const struct fk_ue_slot *ue = &fk_keytable_ues(rig->table)[ue_index];
	const struct fk_campaign_key *keys = &rig->table->campaigns[RIG_CAMPAIGN_SLOT].keys[first];
	static struct fk_crypto_scratch scratch;
	struct fk_sds_signalling signalling = {0};
	struct fk_kmm_frame frame = rig_kmm_of(sip, &signalling);
	struct fk_kmm_rekey_command rekey;

	cr_assert_eq(fk_kmm_decode_rekey_command(&frame, &rekey), FK_OK);
	cr_assert_eq(frame.size, FK_KMM_REKEY_SIZE + (n - 1) * FK_KMM_KEY_ITEM_SIZE);
	cr_assert_eq(frame.header.destination_rsi, ue->rsi);
	cr_assert_eq(rekey.n_keys, n);
	struct fk_mac_lane mac = {.tek = ue->ptek,
				  .frame = frame.octets,
				  .frame_size = frame.size,
				  .mac_format = frame.header.mac.mac_format};

	rig->worker->config.engine->mac(&scratch, &mac, 1);
	cr_assert_arr_eq(mac.mac, frame.header.mac.mac, FK_KMM_MAC_SIZE);
	for (uint8_t i = 0; i < n; i++) {
		uint8_t key[32];
		struct fk_unwrap_lane unwrap = {
			.kek = ue->kek, .wrapped = rekey.keys[i].key, .key = key};

		cr_assert_eq(rekey.keys[i].sln, keys[i].sln);
		cr_assert_eq(rekey.keys[i].key_id, keys[i].key_id);
		rig->worker->config.engine->unwrap(&scratch, FK_WRAP_256_UNDER_256, &unwrap, 1);
		cr_assert_eq(unwrap.ok, 1);
		cr_assert_arr_eq(key, keys[i].tek, 32);
	}
}

/* spec: P25 sheet 2.3, 2.4: keyset 255, and the KEK bit of keyset and key */
Test(send, a_ckek_leaves_under_the_ues_own_kek_and_says_what_it_is)
{
	struct fk_campaign_block *campaign = &rig->table->campaigns[RIG_CAMPAIGN_SLOT];
	struct fk_sds_signalling signalling = {0};
	struct fk_kmm_rekey_command rekey;
	struct fk_sip_message sip;
	struct fk_kmm_frame frame;

	campaign->keyset_id = FK_KMM_KEYSET_KEKS;
	campaign->keys[0].sln = 61441;
	order_in(2, 0, 0);
	sip = rig_next_sip(rig);
	check_keys(&sip, 2, 0, 1);
	frame = rig_kmm_of(&sip, &signalling);
	cr_assert_eq(fk_kmm_decode_rekey_command(&frame, &rekey), FK_OK);
	cr_expect_eq(rekey.keyset_id, 255);
	cr_expect_eq(rekey.keyset_format, 0x80);
	cr_expect_eq(rekey.keys[0].key_format, 0x80);
	cr_expect_eq(rekey.keys[0].sln, 61441);
}

Test(send, a_tek_leaves_under_the_groups_ckek_where_the_campaign_says_so)
{
	struct fk_campaign_block *campaign = &rig->table->campaigns[RIG_CAMPAIGN_SLOT];
	const struct fk_ue_slot *ue = &fk_keytable_ues(rig->table)[2];
	static struct fk_crypto_scratch scratch;
	struct fk_sds_signalling signalling = {0};
	struct fk_kmm_rekey_command rekey;
	struct fk_sip_message sip;
	struct fk_kmm_frame frame;
	uint8_t key[32];

	memset(campaign->ckek, 0x99, sizeof(campaign->ckek));
	campaign->ckek_key_id = 0x5001;
	campaign->is_under_ckek = 1;
	order_in(2, 0, 0);
	sip = rig_next_sip(rig);
	frame = rig_kmm_of(&sip, &signalling);
	cr_assert_eq(fk_kmm_decode_rekey_command(&frame, &rekey), FK_OK);
	cr_expect_eq(rekey.decryption_key_id, 0x5001);
	cr_expect_eq(rekey.keyset_format, 0);
	cr_expect_eq(frame.header.mac.key_id, ue->ptek_key_id);

	struct fk_unwrap_lane unwrap = {
		.kek = campaign->ckek, .wrapped = rekey.keys[0].key, .key = key};

	rig->worker->config.engine->unwrap(&scratch, FK_WRAP_256_UNDER_256, &unwrap, 1);
	cr_assert_eq(unwrap.ok, 1);
	cr_assert_arr_eq(key, campaign->keys[0].tek, 32);
}

Test(send, several_keys_leave_in_one_kmm_each_wrapped_under_the_ues_own_kek)
{
	struct fk_sip_message sip;
	struct fk_order order;

	load_all_keys();
	for (uint8_t n = 1; n <= FK_ORDER_KEYS_MAX; n++) {
		order = order_of_keys(n, 3, 7, n);
		sip = rig_send(rig, &order);
		check_keys(&sip, n, 7, n);
	}
}

Test(send, a_burst_with_more_keys_than_lanes_wraps_them_all)
{
	struct fk_sip_message sip;

	load_all_keys();
	for (uint32_t i = 0; i < 2 * FK_WORKER_BURST && i < RIG_N_UES; i++) {
		struct fk_order order = order_of_keys(i, 0, i % 10, 1 + i % 6);

		rig_push(rig, &order);
	}
	rig_turn(rig);
	for (uint32_t i = 0; i < RIG_N_UES; i++) {
		sip = rig_next_sip(rig);
		check_keys(&sip, i, i % 10, 1 + i % 6);
	}
}

Test(send, a_further_key_adds_the_octets_that_control_reckons_with)
{
	struct fk_message_size size =
		fk_message_size_unpack(fk_region_worker(rig->region, 0)->rekey_sizes[0]);
	struct fk_order order;

	load_all_keys();
	for (uint8_t n = 1; n <= FK_ORDER_KEYS_MAX; n++) {
		const struct rig_frame *frame;

		order = order_of_keys(n, 0, 0, n);
		rig_push(rig, &order);
		rig_turn(rig);
		frame = next_ipv4();
		cr_assert_not_null(frame);
		cr_assert_eq(frame->size - FK_UDP_FRAME_OVERHEAD,
			     size.base + size.n_uris * strlen("sip:ue000@mc.example") +
				     (n - 1) * FK_KMM_KEY_ITEM_SIZE);
	}
	rig->table->next_hops[0].max_datagram = 1300;
	order = order_of_keys(20, 0, 0, FK_ORDER_KEYS_MAX);
	rig_push(rig, &order);
	rig_turn(rig);
	cr_assert_eq(rig_state(rig, 20).outcome, FK_OUTCOME_TOO_LARGE);
}

Test(send, an_order_of_keys_that_the_campaign_lacks_is_unbuildable)
{
	static const struct {
		uint8_t kind, first, n;
	} bad[] = {
		{FK_ORDER_REKEY, 0, 0},	     {FK_ORDER_REKEY, 4, 2},
		{FK_ORDER_REKEY, 5, 1},	     {FK_ORDER_REKEY, 0, 10},
		{FK_ORDER_REKEY, 15, 1},     {FK_ORDER_INVENTORY, 0, 1},
		{FK_ORDER_INVENTORY, 1, 0},  {FK_ORDER_CHANGEOVER, 0, 1},
		{FK_ORDER_CHANGEOVER, 0, 0}, {15, 0, 0},
	};

	rig->table->campaigns[RIG_CAMPAIGN_SLOT].n_keys = 5;
	for (uint32_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct fk_order order = order_of_keys(i, 0, bad[i].first, bad[i].n);

		order.kind = bad[i].kind;
		rig_push(rig, &order);
		rig_turn(rig);
		cr_assert_eq(rig_state(rig, i).outcome, FK_OUTCOME_UNBUILDABLE, "case %u", i);
	}
	cr_assert_null(next_ipv4());
}

Test(send, an_order_of_other_keys_under_the_same_token_is_not_built)
{
	struct fk_order order;

	load_all_keys();
	order = order_of_keys(2, 1, 3, 3);
	(void)rig_send(rig, &order);
	rig_pass_ms(rig, 33000); /* it is given up, and may be ordered again */
	rig->n_out_read = rig->n_out;
	order.n_keys = 2;
	rig_push(rig, &order);
	rig_turn(rig);
	cr_assert_null(next_ipv4());
	cr_assert_eq(rig_state(rig, 2).outcome, FK_OUTCOME_UNBUILDABLE);
	cr_assert_eq(rig_state(rig, 2).n_keys, 3);
}

Test(send, a_dataplane_that_was_killed_builds_the_same_kmm_of_several_keys_again)
{
	struct fk_sds_signalling signalling = {0};
	struct fk_order order;
	struct fk_sip_message sip;
	struct fk_kmm_frame frame;
	uint8_t before[FK_KMM_SIZE_MAX];
	uint16_t size;

	load_all_keys();
	order = order_of_keys(2, 1, 3, 4);
	sip = rig_send(rig, &order);
	frame = rig_kmm_of(&sip, &signalling);
	size = frame.size;
	memcpy(before, frame.octets, size);
	rig_kill(rig);
	sip = rig_send(rig, &order);
	frame = rig_kmm_of(&sip, &signalling);
	cr_assert_eq(frame.size, size);
	cr_assert_arr_eq(frame.octets, before, size);
}

/* A re-send is the same KMM and SDS in a new transaction (design: same octets). */
Test(send, a_re_send_has_the_same_body_and_another_branch_and_call_id)
{
	struct fk_sip_message first, again;
	uint8_t refusal[1500];
	size_t size;

	order_in(3, 0, 0);
	first = rig_next_sip(rig);
	size = rig_make_response(&first, 480, refusal, sizeof(refusal));
	rig_datagram_in(rig, RIG_PEER_IPV4, 5070, refusal, size);
	rig_turn(rig);
	cr_assert_eq(rig_state(rig, 3).outcome, FK_OUTCOME_REFUSED);
	order_in(3, 0, 0);
	again = rig_next_sip(rig);
	cr_assert_eq(again.body_size, first.body_size);
	cr_assert_arr_eq(again.body, first.body, first.body_size);
	cr_assert(again.via_branch.len != first.via_branch.len ||
		  memcmp(again.via_branch.at, first.via_branch.at, first.via_branch.len) != 0);
	cr_assert(again.call_id.len != first.call_id.len ||
		  memcmp(again.call_id.at, first.call_id.at, first.call_id.len) != 0);
}

Test(send, an_order_that_is_open_or_older_sends_nothing)
{
	order_in(4, 0, 1);
	cr_assert_not_null(rig_next_out(rig));
	order_in(4, 0, 1);
	cr_assert_null(rig_next_out(rig));
	cr_assert_eq(rig_count(rig, FK_COUNTER_ORDER_DUPLICATE), 1);
	order_in(4, 0, 0);
	cr_assert_null(rig_next_out(rig));
	cr_assert_eq(rig_count(rig, FK_COUNTER_ORDER_STALE), 1);
}

Test(send, past_the_lease_neither_requests_nor_repeats_leave)
{
	struct fk_control_block *control = fk_region_control(rig->region);

	order_in(5, 0, 0);
	cr_assert_not_null(rig_next_out(rig));
	atomic_store(&control->lease_until_us, rig->now_us);
	order_in(6, 0, 0);
	rig_pass_ms(rig, 5000);
	cr_assert_null(rig_next_out(rig));
	cr_assert_gt(rig_count(rig, FK_COUNTER_DEFER_LEASE), 0);
	atomic_store(&control->lease_until_us, UINT64_MAX);
	rig_pass_ms(rig, 2000);
	cr_assert_not_null(rig_next_out(rig), "with a lease it goes on");
}

/* As if it had been stopped behind its look at the lease, until that was over. */
Test(send, what_was_built_for_a_lease_that_ended_meanwhile_does_not_leave)
{
	struct fk_control_block *control = fk_region_control(rig->region);
	struct fk_clock thawed = {.base_us = rig->now_us + 60000000};

	thawed.last_us = thawed.base_us;
	order_in(5, 0, 0);
	cr_assert_not_null(rig_next_out(rig));
	atomic_store(&control->lease_until_us, rig->now_us + 30000000);
	rig->worker->clock = &thawed;
	order_in(6, 0, 0);
	rig_pass_ms(rig, 2000);
	cr_assert_null(rig_next_out(rig), "neither a request nor a repeat");
	rig->worker->clock = NULL;
	rig_pass_ms(rig, 1000);
	cr_assert_not_null(rig_next_out(rig), "with a lease it goes on");
}

Test(send, a_pause_holds_new_requests_and_an_abort_repeats_too)
{
	struct fk_control_block *control = fk_region_control(rig->region);

	order_in(7, 0, 0);
	cr_assert_not_null(rig_next_out(rig));
	atomic_store(&control->stop, FK_STOP_PAUSE);
	order_in(8, 0, 0);
	rig_pass_ms(rig, 600);
	cr_assert_not_null(rig_next_out(rig), "the repeat of what was open");
	cr_assert_null(rig_next_out(rig));
	atomic_store(&control->stop, FK_STOP_ABORT);
	rig_pass_ms(rig, 5000);
	cr_assert_null(rig_next_out(rig));
}

Test(send, what_the_port_does_not_take_leaves_later)
{
	rig->link_is_full = true;
	order_in(9, 0, 0);
	cr_assert_null(rig_next_out(rig));
	cr_assert_gt(rig_count(rig, FK_COUNTER_TX_QUEUE_FULL), 0);
	cr_assert_eq(rig_count(rig, FK_COUNTER_TX_REQUESTS), 0);
	rig->link_is_full = false;
	rig_turn(rig);
	cr_assert_not_null(rig_next_out(rig));
	cr_assert_eq(rig_count(rig, FK_COUNTER_TX_REQUESTS), 1);
}

Test(send, a_port_that_was_full_gets_a_small_burst_first_and_then_ever_larger_ones)
{
	uint32_t n_sent[] = {8, 24, 56, 60};

	rig->link_is_full = true;
	for (uint32_t i = 0; i < 60; i++) {
		struct fk_order order = rig_order(i, 0, 0);

		rig_push(rig, &order);
	}
	rig_turn(rig);
	cr_assert_eq(rig_count(rig, FK_COUNTER_TX_REQUESTS), 0);
	rig->link_is_full = false;
	for (size_t i = 0; i < sizeof(n_sent) / sizeof(n_sent[0]); i++) {
		fk_worker_poll(rig->worker, rig->now_us);
		cr_assert_eq(rig_count(rig, FK_COUNTER_TX_REQUESTS), n_sent[i], "burst %zu", i);
	}
}

Test(send, a_message_beyond_the_next_hops_limit_is_reported_and_never_sent)
{
	rig->table->next_hops[0].max_datagram = 900;
	order_in(10, 0, 0);
	cr_assert_null(rig_next_out(rig));
	cr_assert_eq(rig_state(rig, 10).outcome, FK_OUTCOME_TOO_LARGE);
	cr_assert_eq(rig_n_doorbells(rig), 1);
}

/* From here on the peer takes one request at a time. */
static void take_one_at_a_time(void)
{
	rig->table->next_hops[0].one_at_a_time = 1;
	rig_kill(rig);
}

/* The UE whose request left next; it is answered later. */
static struct fk_sip_message next_request(uint32_t *ret_ue_index)
{
	struct fk_sip_message request = rig_next_sip(rig);
	struct fk_branch branch;

	cr_assert_eq(fk_branch_check(&rig->worker->secrets->token_key, request.via_branch.at,
				     request.via_branch.len, &branch),
		     FK_OK);
	*ret_ue_index = fk_token_unpack(branch.token).ue_index;
	return request;
}

/* spec: RFC 3428 §8 */
Test(send, one_at_a_time_the_next_request_leaves_when_the_last_has_its_final_response)
{
	static const uint16_t statuses[] = {202, 480, 200, 404};
	struct fk_sip_message request;
	uint32_t ue_index;

	take_one_at_a_time();
	for (uint32_t i = 0; i < 5; i++)
		order_in(20 + i, 0, 0);
	for (uint32_t i = 0; i < 4; i++) {
		request = next_request(&ue_index);
		cr_assert_eq(ue_index, 20 + i);
		cr_assert_null(rig_next_out(rig), "the others wait");
		rig_respond(rig, &request, 100);
		cr_assert_null(rig_next_out(rig), "100 is not final");
		rig_respond(rig, &request, statuses[i]);
	}
	next_request(&ue_index);
	cr_assert_eq(ue_index, 24);
	cr_assert_geq(rig_count(rig, FK_COUNTER_DEFER_NEXT_HOP), 4);
}

Test(send, one_at_a_time_the_open_one_repeats_until_timer_f_and_then_frees_its_place)
{
	const struct rig_frame *frame;
	uint32_t n = 0;

	take_one_at_a_time();
	order_in(20, 0, 0);
	order_in(21, 0, 0);
	rig_pass_ms(rig, 31900);
	while ((frame = next_ipv4()) != NULL)
		n++;
	cr_assert_eq(n, 11, "11 sends of one request, 0 of the other; there are %u", n);
	cr_assert_not(rig_state(rig, 21).progress & FK_PROGRESS_SENT);
	rig_pass_ms(rig, 200);
	cr_assert_eq(rig_state(rig, 20).outcome, FK_OUTCOME_TIMEOUT);
	cr_assert(rig_state(rig, 21).progress & FK_PROGRESS_SENT);
}

Test(send, one_at_a_time_holds_for_what_was_open_when_the_table_was_attached_anew)
{
	struct fk_sip_message request;
	uint32_t ue_index;
	char text[160];

	order_in(20, 0, 0);
	order_in(21, 0, 0);
	request = next_request(&ue_index);
	next_request(&ue_index);
	rig->table->next_hops[0].one_at_a_time = 1;
	cr_assert_eq(fk_worker_attach(rig->worker, rig->table, rig->region, rig->epoch, true, text,
				      sizeof(text)),
		     FK_OK);
	rig_resolve_peer(rig);
	order_in(22, 0, 0);
	rig_respond(rig, &request, 202);
	cr_assert_null(next_ipv4(), "one of the first two is still open");
	rig_pass_ms(rig, 33000);
	cr_assert_eq(rig_state(rig, 21).outcome, FK_OUTCOME_TIMEOUT);
	cr_assert(rig_state(rig, 22).progress & FK_PROGRESS_SENT);
}

Test(send, one_at_a_time_a_campaign_that_is_stopped_is_in_nobodys_way)
{
	struct fk_control_block *control = fk_region_control(rig->region);
	struct fk_campaign_block *other = &rig->table->campaigns[RIG_CAMPAIGN_SLOT + 1];
	struct fk_order order = rig_order(22, 0, 0);
	struct fk_token token = fk_token_unpack(order.token);
	struct fk_sip_message request;
	uint32_t ue_index;

	memcpy(other, &rig->table->campaigns[RIG_CAMPAIGN_SLOT], sizeof(*other));
	take_one_at_a_time();
	order_in(20, 0, 0);
	order_in(21, 0, 0);
	token.campaign_slot = RIG_CAMPAIGN_SLOT + 1;
	order.token = fk_token_pack(&token);
	rig_push(rig, &order);
	rig_turn(rig);
	request = next_request(&ue_index);
	atomic_store(&control->stop_slot[RIG_CAMPAIGN_SLOT], FK_STOP_PAUSE);
	rig_respond(rig, &request, 202);
	request = next_request(&ue_index);
	cr_assert_eq(ue_index, 22);
	atomic_store(&control->stop_slot[RIG_CAMPAIGN_SLOT], FK_STOP_NONE);
	rig_respond(rig, &request, 202);
	next_request(&ue_index);
	cr_assert_eq(ue_index, 21);
}

Test(send, one_at_a_time_a_request_that_the_port_does_not_take_keeps_no_place)
{
	uint32_t ue_index;

	take_one_at_a_time();
	rig->link_is_full = true;
	order_in(20, 0, 0);
	order_in(21, 0, 0);
	cr_assert_null(rig_next_out(rig));
	rig->link_is_full = false;
	rig_pass_ms(rig, 50);
	next_request(&ue_index);
	cr_assert_null(next_ipv4());
}

Test(send, a_changeover_names_the_campaigns_keysets_and_is_as_small_as_the_sheet_says)
{
	struct fk_order order = rig_order(3, 0, 0);
	struct fk_kmm_changeover_pair pair;
	struct fk_sds_signalling signalling;
	struct fk_sip_message request;
	struct fk_kmm_frame frame;

	rig->table->campaigns[RIG_CAMPAIGN_SLOT].superseded_keyset_id = 7;
	order.kind = FK_ORDER_CHANGEOVER;
	order.n_keys = 0;
	request = rig_send(rig, &order);
	frame = rig_kmm_of(&request, &signalling);
	cr_assert_eq(fk_kmm_decode_changeover(&frame, &pair), FK_OK);
	cr_assert_eq(frame.header.message_id, FK_KMM_CHANGEOVER_COMMAND);
	cr_assert_eq(frame.header.response_kind, FK_KMM_RESPONSE_IMMEDIATE);
	cr_assert_eq(pair.superseded_keyset_id, 7);
	cr_assert_eq(pair.activated_keyset_id, rig->table->campaigns[RIG_CAMPAIGN_SLOT].keyset_id);
	cr_assert_eq(frame.size, 28); /* P25 sheet 6 */
}

Test(send, a_deletion_names_all_keys_of_the_campaign_or_its_keyset)
{
	struct fk_campaign_block *campaign = &rig->table->campaigns[RIG_CAMPAIGN_SLOT];
	struct fk_order order = rig_order(3, 0, 0);
	struct fk_kmm_delete_keyset_one one;
	struct fk_kmm_delete_key_list list;
	struct fk_sds_signalling signalling;
	struct fk_sip_message request;
	struct fk_kmm_frame frame;

	load_all_keys();
	order.kind = FK_ORDER_DELETE_KEY;
	order.n_keys = 0;
	request = rig_send(rig, &order);
	frame = rig_kmm_of(&request, &signalling);
	cr_assert_eq(fk_kmm_decode_delete_key(&frame, &list), FK_OK);
	cr_assert_eq(list.n_keys, campaign->n_keys);
	for (uint32_t i = 0; i < list.n_keys; i++)
		cr_expect_eq(list.keys[i].key_id, campaign->keys[i].key_id);
	cr_expect_leq(frame.size, FK_KMM_COMMAND_SIZE);
	order = rig_order(4, 0, 0);
	order.kind = FK_ORDER_DELETE_KEYSET;
	order.n_keys = 0;
	request = rig_send(rig, &order);
	frame = rig_kmm_of(&request, &signalling);
	cr_assert_eq(fk_kmm_decode_delete_keyset(&frame, &one), FK_OK);
	cr_assert_eq(one.keyset_id, campaign->keyset_id);
}

Test(send, a_zeroize_leaves_under_the_ues_own_key_or_not_at_all)
{
	struct fk_order order = rig_order(3, 0, 0);
	struct fk_sds_signalling signalling;
	struct fk_sip_message request;
	struct fk_kmm_frame frame;

	order.kind = FK_ORDER_ZEROIZE;
	order.n_keys = 0;
	request = rig_send(rig, &order);
	frame = rig_kmm_of(&request, &signalling);
	cr_assert_eq(frame.header.message_id, FK_KMM_ZEROIZE_COMMAND);
	cr_assert_eq(frame.header.response_kind, FK_KMM_RESPONSE_IMMEDIATE);
	cr_assert_eq(frame.header.mac.key_id, rig->worker->ues[3].ptek_key_id);
	cr_assert_eq(frame.size, 25); /* P25 sheet 6 */
	order = rig_order(4, 0, 0);
	order.kind = FK_ORDER_ZEROIZE;
	order.n_keys = 0;
	order.mac_key = FK_MAC_KEY_CAMPAIGN_TEK;
	rig_push(rig, &order);
	rig_turn(rig);
	cr_assert_eq(rig_state(rig, 4).outcome, FK_OUTCOME_UNBUILDABLE);
}

/* spec: P25 sheet 1.4, 4, Hello */
Test(send, a_hello_asks_who_is_there_under_the_ues_own_key)
{
	struct fk_order order = rig_order(3, 0, 0);
	struct fk_sds_signalling signalling;
	struct fk_sip_message request;
	struct fk_kmm_frame frame;
	uint8_t flag = 9;

	order.kind = FK_ORDER_HELLO;
	order.n_keys = 0;
	request = rig_send(rig, &order);
	frame = rig_kmm_of(&request, &signalling);
	cr_assert_eq(fk_kmm_decode_hello(&frame, &flag), FK_OK);
	cr_assert_eq(flag, FK_HELLO_HERE);
	cr_assert_eq(frame.header.response_kind, FK_KMM_RESPONSE_DELAYED);
	cr_assert_eq(frame.header.mac.key_id, rig->worker->ues[3].ptek_key_id);
	cr_assert_eq(frame.size, 26); /* P25 sheet 6 */
	order = rig_order(4, 0, 0);
	order.kind = FK_ORDER_HELLO;
	order.n_keys = 0;
	order.mac_key = FK_MAC_KEY_CAMPAIGN_TEK;
	rig_push(rig, &order);
	rig_turn(rig);
	cr_assert_eq(rig_state(rig, 4).outcome, FK_OUTCOME_UNBUILDABLE);
}

Test(send, an_answer_to_a_registration_asks_for_none_and_is_under_the_ues_own_key)
{
	static const struct {
		enum fk_order_kind kind;
		uint8_t message_id;
	} answers[] = {{FK_ORDER_REGISTERED, FK_KMM_REGISTRATION_RESPONSE},
		       {FK_ORDER_DEREGISTERED, FK_KMM_DEREGISTRATION_RESPONSE}};

	for (uint32_t i = 0; i < 2; i++) {
		struct fk_order order = rig_order(3 + i, 0, 0);
		struct fk_sds_signalling signalling;
		struct fk_sip_message request;
		struct fk_kmm_frame frame;
		uint8_t status = 9;

		order.kind = answers[i].kind & 15;
		order.n_keys = 0;
		request = rig_send(rig, &order);
		frame = rig_kmm_of(&request, &signalling);
		cr_assert_eq(frame.header.message_id, answers[i].message_id);
		cr_assert_eq(frame.header.response_kind, FK_KMM_RESPONSE_NONE);
		cr_assert_eq(frame.header.mac.key_id, rig->worker->ues[3 + i].ptek_key_id);
		cr_assert_eq(frame.size, 26); /* P25 sheet 6 */
		cr_assert_eq(fk_kmm_decode_registration_response(&frame, &status), FK_OK);
		cr_assert_eq(status, FK_KMM_STATUS_PERFORMED);
		order = rig_order(5 + i, 0, 0);
		order.kind = answers[i].kind & 15;
		order.n_keys = 0;
		order.mac_key = FK_MAC_KEY_CAMPAIGN_TEK;
		rig_push(rig, &order);
		rig_turn(rig);
		cr_assert_eq(rig_state(rig, 5 + i).outcome, FK_OUTCOME_UNBUILDABLE);
	}
}

/* spec: P25 sheet 1.4, 1.5, 4, Hello */
Test(send, a_no_service_asks_for_nothing_and_is_under_the_ues_own_key)
{
	struct fk_order order = rig_order(3, 0, 0);
	struct fk_sds_signalling signalling;
	struct fk_sip_message request;
	struct fk_kmm_frame frame;

	order.kind = FK_ORDER_NO_SERVICE;
	order.n_keys = 0;
	request = rig_send(rig, &order);
	frame = rig_kmm_of(&request, &signalling);
	cr_assert_eq(frame.header.message_id, FK_KMM_NO_SERVICE);
	cr_assert_eq(fk_kmm_decode_empty(&frame), FK_OK);
	cr_assert_eq(frame.header.response_kind, FK_KMM_RESPONSE_NONE);
	cr_assert_eq(frame.header.mac.key_id, rig->worker->ues[3].ptek_key_id);
	cr_assert_eq(frame.size, 25); /* P25 sheet 6 */
	order = rig_order(4, 0, 0);
	order.kind = FK_ORDER_NO_SERVICE;
	order.n_keys = 0;
	order.mac_key = FK_MAC_KEY_CAMPAIGN_TEK;
	rig_push(rig, &order);
	rig_turn(rig);
	cr_assert_eq(rig_state(rig, 4).outcome, FK_OUTCOME_UNBUILDABLE);
}

/* spec: P25 sheet 3.6, 4: its MAC is under the key that it brings */
Test(send, a_warm_start_brings_the_ues_own_key_wrapped_under_its_kek)
{
	struct fk_order order = rig_order(3, 0, 0);
	const struct fk_ue_slot *ue = &rig->worker->ues[3];
	struct fk_sds_signalling signalling;
	static struct fk_crypto_scratch scratch;
	struct fk_unwrap_lane unwrap;
	uint8_t key[32];
	struct fk_kmm_warm_start start;
	struct fk_sip_message request;
	struct fk_kmm_frame frame;

	order.kind = FK_ORDER_WARM_START;
	order.n_keys = 0;
	request = rig_send(rig, &order);
	frame = rig_kmm_of(&request, &signalling);
	cr_assert_eq(frame.size, 76); /* P25 sheet 6 */
	cr_assert_eq(fk_kmm_decode_warm_start(&frame, &start), FK_OK);
	cr_assert_eq(start.decryption_key_id, ue->kek_key_id);
	cr_assert_eq(start.key_id, ue->ptek_key_id);
	cr_assert_eq(frame.header.mac.key_id, ue->ptek_key_id);
	cr_assert_eq(frame.header.response_kind, FK_KMM_RESPONSE_IMMEDIATE);
	unwrap = (struct fk_unwrap_lane){.kek = ue->kek, .wrapped = start.key, .key = key};
	rig->worker->config.engine->unwrap(&scratch, FK_WRAP_256_UNDER_256, &unwrap, 1);
	cr_assert_eq(unwrap.ok, 1);
	cr_assert_arr_eq(key, ue->ptek, sizeof(key));
	order = rig_order(4, 0, 0);
	order.kind = FK_ORDER_WARM_START;
	order.n_keys = 0;
	order.mac_key = FK_MAC_KEY_CAMPAIGN_TEK;
	rig_push(rig, &order);
	rig_turn(rig);
	cr_assert_eq(rig_state(rig, 4).outcome, FK_OUTCOME_UNBUILDABLE);
}

/* Of UE 3; what is open under it leaves no more, neither again nor for the first time. */
static void expect_silence_without(uint8_t *algorithm_id, uint8_t step)
{
	struct fk_order order = rig_order(3, step, 1);

	order_in(3, step, 0);
	cr_assert_not_null(next_ipv4());
	*algorithm_id = 0;
	rig_pass_ms(rig, 5000);
	cr_expect_null(next_ipv4());
	cr_expect_eq(rig_count(rig, FK_COUNTER_TX_RETRANSMITS), 0);
	rig_push(rig, &order);
	rig_turn(rig);
	cr_expect_null(next_ipv4());
	cr_expect_eq(rig_state(rig, 3).outcome, FK_OUTCOME_UNBUILDABLE);
}

static struct fk_ue_slot *slot(uint32_t ue_index)
{
	return (struct fk_ue_slot *)(uintptr_t)&rig->worker->ues[ue_index];
}

Test(send, nothing_is_sent_again_under_a_protection_tek_that_was_taken_out)
{
	expect_silence_without(&slot(3)->ptek_algorithm_id, 0);
}

Test(send, no_key_is_sent_again_under_a_kek_that_was_taken_out)
{
	expect_silence_without(&slot(3)->kek_algorithm_id, 0);
}

Test(send, what_carries_no_key_needs_no_kek)
{
	slot(3)->kek_algorithm_id = 0;
	order_in(3, 1, 0);
	cr_expect_not_null(next_ipv4());
}

Test(send, an_order_that_waits_when_the_key_is_taken_out_never_leaves)
{
	rig->no_buffers = true;
	order_in(3, 0, 0);
	order_in(4, 0, 0);
	slot(3)->ptek_algorithm_id = 0;
	rig->no_buffers = false;
	rig_turn(rig);
	cr_expect_not_null(next_ipv4());
	cr_expect_null(next_ipv4());
}
