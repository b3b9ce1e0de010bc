/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may answer (I7): well-formed responses, dispositions and KMMs that are authentic or are not.
 * What is not changes nothing, is counted under one reason, and is answered 200 if it is a request.
 */
#include <criterion/criterion.h>
#include <string.h>

#include <fleetkey/ring.h>

#include "match.h"
#include "rig.h"

#define UE   4u
#define USER "sip:ue004@mc.example"

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

TestSuite(match, .init = set_up, .fini = tear_down);

static void expect_response(size_t size, enum fk_counter reason)
{
	rig_expect(rig, RIG_PEER_IPV4, 5070, buf, size, reason, 0);
}

static void expect_request(size_t size, enum fk_counter reason, uint16_t status)
{
	rig_expect(rig, RIG_PEER_IPV4, 5060, buf, size, reason, status);
}

static struct rig_answer right(void)
{
	return rig_right_answer(rig, UE, 0, 40);
}

static void expect_answer(const struct rig_answer *answer, enum fk_counter reason)
{
	expect_request(rig_make_answer(rig, answer, buf, sizeof(buf)), reason, 200);
}

static void expect_note(const char *user, uint8_t disposition, const uint8_t id[16],
			enum fk_counter reason)
{
	expect_request(rig_make_notification(user, disposition, id, buf, sizeof(buf)), reason, 200);
}

static void deliver_note(uint8_t disposition)
{
	size_t size =
		rig_make_notification(USER, disposition, signalling.message_id, buf, sizeof(buf));

	rig_datagram_in(rig, RIG_PEER_IPV4, 5060, buf, size);
	rig_turn(rig);
	cr_assert_eq(rig_next_sip(rig).status, 200);
}

/* Responses */

Test(match, a_response_with_any_character_of_the_branch_changed_is_forged)
{
	size_t size = rig_make_response(&request, 200, buf, sizeof(buf));
	uint8_t *branch = memmem(buf, size, "z9hG4bK", 7);

	cr_assert_not_null(branch);
	for (size_t i = 7; i < FK_BRANCH_LEN; i++) {
		uint8_t kept = branch[i];

		branch[i] = kept == '0' ? '8' : '0';
		expect_response(size, FK_COUNTER_RX_RESPONSE_FORGED);
		branch[i] = kept;
	}
	rig_datagram_in(rig, RIG_PEER_IPV4, 5070, buf, size);
	rig_turn(rig);
	cr_assert_eq(rig_count(rig, FK_COUNTER_RX_RESPONSES), 1);
}

Test(match, a_provisional_response_is_counted_and_records_nothing)
{
	struct fk_ue_state before = fk_region_states(rig->region)[UE];

	rig_respond(rig, &request, 100);
	cr_assert_eq(rig_count(rig, FK_COUNTER_RX_RESPONSE_PROVISIONAL), 1);
	cr_assert_arr_eq(&fk_region_states(rig->region)[UE], &before, sizeof(before));
	cr_assert_eq(rig_n_drops(rig), 0);
}

Test(match, a_second_final_response_is_late)
{
	rig_respond(rig, &request, 202);
	cr_assert_eq(rig_state(rig, UE).progress & FK_PROGRESS_ACCEPTED, FK_PROGRESS_ACCEPTED);
	cr_assert_eq(rig_state(rig, UE).sip_status, 202);
	expect_response(rig_make_response(&request, 202, buf, sizeof(buf)),
			FK_COUNTER_RX_RESPONSE_LATE);
	expect_response(rig_make_response(&request, 500, buf, sizeof(buf)),
			FK_COUNTER_RX_RESPONSE_LATE);
}

Test(match, a_response_to_an_earlier_transaction_or_life_is_late)
{
	struct fk_order order = rig_order(UE, 0, 1);
	struct fk_sip_message second;

	rig_respond(rig, &request, 480);
	cr_assert_eq(rig_state(rig, UE).outcome, FK_OUTCOME_REFUSED);
	second = rig_send(rig, &order);
	expect_response(rig_make_response(&request, 200, buf, sizeof(buf)),
			FK_COUNTER_RX_RESPONSE_LATE);
	rig_kill(rig);
	(void)rig_send(rig, &order);
	expect_response(rig_make_response(&second, 200, buf, sizeof(buf)),
			FK_COUNTER_RX_RESPONSE_LATE);
}

Test(match, a_final_refusal_is_an_outcome_with_status_and_retry_after)
{
	size_t size = rig_make_response(&request, 503, buf, sizeof(buf));

	cr_assert_geq(size, 2);
	memcpy(buf + size - 2, "Retry-After: 17\r\n\r\n", 19);
	rig_datagram_in(rig, RIG_PEER_IPV4, 5070, buf, size + 17);
	rig_turn(rig);
	cr_assert_eq(rig_state(rig, UE).outcome, FK_OUTCOME_REFUSED);
	cr_assert_eq(rig_state(rig, UE).sip_status, 503);
	cr_assert_eq(rig_state(rig, UE).retry_after_s, 17);
	cr_assert_eq(rig_n_doorbells(rig), 1);
	rig_pass_ms(rig, 33000);
	cr_assert_eq(rig_n_doorbells(rig), 1, "it is over");
}

/* Dispositions */

Test(match, a_disposition_with_any_bit_of_the_message_id_changed_is_forged)
{
	for (unsigned bit = 0; bit < 128; bit++) {
		uint8_t id[16];

		memcpy(id, signalling.message_id, sizeof(id));
		id[bit / 8] ^= (uint8_t)(1u << bit % 8);
		expect_note(USER, FK_SDS_DELIVERED, id, FK_COUNTER_RX_NOTIFICATION_FORGED);
	}
}

Test(match, a_disposition_from_another_user_is_not_believed)
{
	static const char *const users[] = {"sip:ue005@mc.example", "sip:ue004@mc.exampl",
					    "sip:ue004@mc.example2", "sip:UE004@mc.example"};

	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++)
		expect_note(users[i], FK_SDS_UNDELIVERED, signalling.message_id,
			    FK_COUNTER_RX_NOTIFICATION_NOT_THAT_UE);
}

Test(match, a_disposition_of_an_earlier_attempt_is_late)
{
	struct fk_order order = rig_order(UE, 0, 2);

	(void)rig_send(rig, &order);
	expect_note(USER, FK_SDS_DELIVERED, signalling.message_id, FK_COUNTER_RX_NOTIFICATION_LATE);
	expect_note(USER, FK_SDS_UNDELIVERED, signalling.message_id,
		    FK_COUNTER_RX_NOTIFICATION_LATE);
}

Test(match, delivered_is_progress_and_rings_nothing)
{
	deliver_note(FK_SDS_DELIVERED);
	cr_assert_eq(rig_state(rig, UE).progress, FK_PROGRESS_SENT | FK_PROGRESS_DELIVERED);
	cr_assert_eq(rig_state(rig, UE).outcome, FK_OUTCOME_NONE);
	cr_assert_eq(rig_n_doorbells(rig), 0);
	cr_assert_eq(rig_count(rig, FK_COUNTER_RX_NOTIFICATIONS), 1);
}

Test(match, a_late_delivered_leaves_the_answer_as_it_is)
{
	struct rig_answer answer = right();

	rig_answer_in(rig, &answer);
	cr_assert_eq(rig_next_sip(rig).status, 200);
	deliver_note(FK_SDS_DELIVERED);
	cr_assert_eq(rig_state(rig, UE).outcome, FK_OUTCOME_ANSWERED);
	cr_assert_eq(rig_state(rig, UE).progress & FK_PROGRESS_DELIVERED, FK_PROGRESS_DELIVERED);
	expect_note(USER, FK_SDS_UNDELIVERED, signalling.message_id,
		    FK_COUNTER_RX_NOTIFICATION_LATE);
}

Test(match, undelivered_and_prevented_end_the_attempt)
{
	static const uint8_t ends[] = {FK_SDS_UNDELIVERED, FK_SDS_PREVENTED};

	for (size_t i = 0; i < sizeof(ends); i++) {
		struct fk_order order = rig_order(UE, 0, (uint8_t)(2 + i));
		uint32_t n_doorbells = rig_n_doorbells(rig);

		rig_resolve_peer(rig);
		request = rig_send(rig, &order);
		(void)rig_kmm_of(&request, &signalling);
		deliver_note(ends[i]);
		cr_assert_eq(rig_state(rig, UE).outcome, FK_OUTCOME_UNDELIVERED);
		cr_assert_eq(rig_n_doorbells(rig), n_doorbells + 1);
		rig_pass_ms(rig, 33000);
		cr_assert_eq(rig_count(rig, FK_COUNTER_TX_RETRANSMITS), 0);
	}
}

/* KMMs */

Test(match, an_answer_from_another_user_is_not_believed)
{
	struct rig_answer answer = right();

	answer.user = "sip:ue005@mc.example";
	expect_answer(&answer, FK_COUNTER_RX_KMM_NOT_THAT_UE);
}

Test(match, an_answer_from_another_unit_is_not_believed)
{
	struct rig_answer answer = right();

	answer.source_rsi = 5000;
	expect_answer(&answer, FK_COUNTER_RX_KMM_UNKNOWN_RSI);
	answer.source_rsi++;
	expect_answer(&answer, FK_COUNTER_RX_KMM_UNKNOWN_RSI);
	answer.source_rsi = 1000 + UE + 1;
	expect_answer(&answer, FK_COUNTER_RX_KMM_NOT_THAT_UE);
}

Test(match, an_answer_for_another_unit_is_not_ours)
{
	struct rig_answer answer = right();

	answer.destination_rsi = RIG_KMF_RSI - 1;
	expect_answer(&answer, FK_COUNTER_RX_KMM_NOT_FOR_US);
}

Test(match, an_answer_without_a_mac_is_not_believed)
{
	struct rig_answer answer = right();

	answer.mac_tek = NULL;
	expect_answer(&answer, FK_COUNTER_RX_KMM_UNAUTHENTICATED);
}

Test(match, an_answer_under_another_key_than_the_attempts_is_not_believed)
{
	const struct fk_campaign_block *campaign = &rig->table->campaigns[RIG_CAMPAIGN_SLOT];
	struct rig_answer answer = right();

	answer.mac_key_id++;
	expect_answer(&answer, FK_COUNTER_RX_KMM_WRONG_KEY);
	/* Step 0 asked under the PTEK; the new TEK is proven by step 1 alone (I8). */
	answer = right();
	answer.mac_tek = campaign->keys[0].tek;
	answer.mac_key_id = campaign->keys[0].key_id;
	expect_answer(&answer, FK_COUNTER_RX_KMM_WRONG_KEY);
}

Test(match, a_mac_that_does_not_verify_is_not_believed)
{
	struct rig_answer answer = right();

	answer.break_mac = true;
	expect_answer(&answer, FK_COUNTER_RX_KMM_BAD_MAC);
	answer = right();
	answer.mac_tek = fk_keytable_ues(rig->table)[UE + 1].ptek;
	expect_answer(&answer, FK_COUNTER_RX_KMM_BAD_MAC);
}

Test(match, an_answer_with_any_bit_changed_changes_nothing)
{
	struct rig_answer answer = right();
	struct rig_sds sds = rig_make_sds(rig, &answer);

	for (size_t bit = 8 * sds.kmm_offset; bit < 8 * sds.payload_size; bit++) {
		sds.payload[bit / 8] ^= (uint8_t)(1u << bit % 8);
		/* The D bits of format octet and MAC format say nothing to us; the first is under
		 * the MAC all the same. */
		expect_request(rig_make_message(answer.user, sds.signalling, sds.signalling_size,
						sds.payload, sds.payload_size, buf, sizeof(buf)),
			       FK_COUNTERS, 200);
		sds.payload[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	rig_answer_in(rig, &answer);
	cr_assert_eq(rig_state(rig, UE).outcome, FK_OUTCOME_ANSWERED);
}

Test(match, the_same_answer_again_is_a_repeat_and_answered)
{
	struct rig_answer answer = right();

	rig_answer_in(rig, &answer);
	expect_answer(&answer, FK_COUNTER_RX_KMM_REPEAT);
}

Test(match, the_same_answer_twice_in_one_burst_is_recorded_once)
{
	struct rig_answer answer = right();
	size_t size = rig_make_answer(rig, &answer, buf, sizeof(buf));

	rig_datagram_in(rig, RIG_PEER_IPV4, 5060, buf, size);
	rig_datagram_in(rig, RIG_PEER_IPV4, 5060, buf, size);
	rig_turn(rig);
	cr_assert_eq(rig_count(rig, FK_COUNTER_RX_ACKS), 1);
	cr_assert_eq(rig_count(rig, FK_COUNTER_RX_KMM_REPEAT), 1);
	cr_assert_eq(rig_n_doorbells(rig), 1);
	cr_assert_eq(rig_count(rig, FK_COUNTER_TX_RESPONSES), 2);
}

Test(match, a_number_outside_the_window_is_not_believed)
{
	struct fk_order order = rig_order(UE, 0, 2);
	struct rig_answer answer = right();
	static const uint16_t wrong[] = {40, 39, 0, 141, 32768, 65535};

	rig_answer_in(rig, &answer);
	(void)rig_next_sip(rig);
	(void)rig_send(rig, &order);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		answer = rig_right_answer(rig, UE, 0, wrong[i]);
		answer.status = 1; /* another MAC, so that it is no repeat */
		expect_answer(&answer, FK_COUNTER_RX_KMM_BAD_NUMBER);
	}
	answer = rig_right_answer(rig, UE, 0, 140); /* the last of the window: mnp is 100 */
	rig_answer_in(rig, &answer);
	cr_assert_eq(rig_state(rig, UE).inbound_number, 140);
}

Test(match, an_acknowledgement_of_other_keys_is_not_believed)
{
	struct rig_answer answer = right();

	answer.key_id++;
	expect_answer(&answer, FK_COUNTER_RX_KMM_WRONG_KEYS);
}

#define OTHER 6u /* has an open command of three keys: 4, 5 and 6 of the campaign's list */

/* Its right answer, all keys loaded. */
static struct rig_answer right_for_three(void)
{
	struct fk_campaign_block *campaign = &rig->table->campaigns[RIG_CAMPAIGN_SLOT];
	struct fk_order order = rig_order(OTHER, 2, 0);
	struct rig_answer answer;

	campaign->n_keys = RIG_N_KEYS;
	order.kind = FK_ORDER_REKEY;
	order.mac_key = FK_MAC_KEY_PTEK;
	order.first_key = 4;
	order.n_keys = 3;
	if (rig_state(rig, OTHER).token == 0)
		(void)rig_send(rig, &order);
	answer = rig_right_answer(rig, OTHER, 0, 40);
	answer.n_keys = 3;
	for (uint32_t i = 0; i < 3; i++)
		answer.key_ids[i] = campaign->keys[4 + i].key_id;
	return answer;
}

Test(match, an_acknowledgement_of_several_keys_holds_exactly_those)
{
	struct rig_answer answer = right_for_three();

	rig_answer_in(rig, &answer);
	cr_assert_eq(rig_state(rig, OTHER).outcome, FK_OUTCOME_ANSWERED);
	cr_assert_eq(rig_state(rig, OTHER).keys_held, 7u << 4);
	cr_assert_eq(rig_state(rig, OTHER).kmm_status, FK_KMM_STATUS_PERFORMED);
}

Test(match, keys_may_be_acknowledged_in_any_order_and_each_has_its_status)
{
	struct rig_answer answer = right_for_three();
	uint16_t first = answer.key_ids[0];

	answer.key_ids[0] = answer.key_ids[2];
	answer.key_ids[2] = first;
	answer.statuses[0] = 0x05; /* of key 6 */
	answer.statuses[1] = 0x01; /* of key 5 */
	rig_answer_in(rig, &answer);
	cr_assert_eq(rig_state(rig, OTHER).outcome, FK_OUTCOME_ANSWERED);
	cr_assert_eq(rig_state(rig, OTHER).keys_held, 1u << 4);
	cr_assert_eq(rig_state(rig, OTHER).kmm_status, 0x05);
}

Test(match, an_acknowledgement_of_fewer_more_or_repeated_keys_is_not_believed)
{
	struct rig_answer answer = right_for_three();

	answer.n_keys = 2;
	expect_answer(&answer, FK_COUNTER_RX_KMM_WRONG_KEYS);
	answer.n_keys = 4;
	answer.key_ids[3] = rig->table->campaigns[RIG_CAMPAIGN_SLOT].keys[7].key_id;
	expect_answer(&answer, FK_COUNTER_RX_KMM_WRONG_KEYS);
	answer.n_keys = 3;
	answer.key_ids[2] = answer.key_ids[3]; /* of another step */
	expect_answer(&answer, FK_COUNTER_RX_KMM_WRONG_KEYS);
	answer.key_ids[2] = answer.key_ids[0]; /* twice */
	expect_answer(&answer, FK_COUNTER_RX_KMM_WRONG_KEYS);
	answer = right_for_three();
	rig_answer_in(rig, &answer);
	cr_assert_eq(rig_state(rig, OTHER).outcome, FK_OUTCOME_ANSWERED);
}

Test(match, an_inventory_lists_the_campaign_only_if_it_has_all_its_keys)
{
	struct fk_campaign_block *campaign = &rig->table->campaigns[RIG_CAMPAIGN_SLOT];

	campaign->n_keys = 3;
	for (uint8_t n = 2; n <= 4; n++) {
		struct fk_order order = rig_order(n, 1, 0);
		struct rig_answer answer;

		(void)rig_send(rig, &order);
		answer = rig_right_answer(rig, n, 1, 40);
		answer.n_keys = n;
		for (uint32_t i = 0; i < n; i++)
			answer.key_ids[i] = campaign->keys[i].key_id;
		rig_answer_in(rig, &answer);
		cr_assert_eq(rig_state(rig, n).outcome, FK_OUTCOME_ANSWERED);
		cr_assert_eq(rig_state(rig, n).listed, n >= 3);
		/* Which ones of the campaign's, also if it is not all of them. */
		cr_assert_eq(rig_state(rig, n).keys_held, n >= 3 ? 7 : 3);
		while (rig_next_out(rig) != NULL)
			;
	}
}

Test(match, an_answer_of_another_kind_is_unexpected)
{
	struct rig_answer answer = right();

	answer.message_id = FK_KMM_INVENTORY_RESPONSE;
	expect_answer(&answer, FK_COUNTER_RX_KMM_UNEXPECTED);
	answer = right();
	answer.acked_message_id = FK_KMM_INVENTORY_COMMAND;
	expect_answer(&answer, FK_COUNTER_RX_KMM_UNEXPECTED);
	answer.message_id = FK_KMM_NEGATIVE_ACK;
	expect_answer(&answer, FK_COUNTER_RX_KMM_UNEXPECTED);
	answer.acked_message_id = FK_KMM_REKEY_COMMAND;
	answer.acked_number++;
	expect_answer(&answer, FK_COUNTER_RX_KMM_UNEXPECTED);
}

Test(match, a_negative_answer_to_the_attempt_is_recorded_with_its_status)
{
	struct rig_answer answer = right();

	answer.message_id = FK_KMM_NEGATIVE_ACK;
	answer.status = FK_KMM_STATUS_NO_KEK;
	rig_answer_in(rig, &answer);
	cr_assert_eq(rig_state(rig, UE).outcome, FK_OUTCOME_ANSWERED);
	cr_assert_eq(rig_state(rig, UE).kmm_message_id, FK_KMM_NEGATIVE_ACK);
	cr_assert_eq(rig_state(rig, UE).kmm_status, FK_KMM_STATUS_NO_KEK);
}

Test(match, an_answer_to_another_message_is_unexpected)
{
	struct rig_answer answer = right();
	uint8_t id[FK_SDS_ID_SIZE];

	memcpy(id, signalling.message_id, sizeof(id));
	id[15] ^= 1;
	answer.in_reply_to = id;
	expect_answer(&answer, FK_COUNTER_RX_KMM_UNEXPECTED);
	answer.in_reply_to = signalling.message_id;
	rig_answer_in(rig, &answer);
	cr_assert_eq(rig_state(rig, UE).outcome, FK_OUTCOME_ANSWERED);
}

Test(match, an_answer_to_nothing_is_unexpected)
{
	struct rig_answer answer = rig_right_answer(rig, UE + 1, 0, 40);

	expect_answer(&answer, FK_COUNTER_RX_KMM_UNEXPECTED);
}

Test(match, an_answer_to_a_campaign_that_was_unloaded_is_unexpected)
{
	struct rig_answer answer = right();

	atomic_store(&rig->table->campaigns[RIG_CAMPAIGN_SLOT].generation, RIG_GENERATION + 1);
	expect_answer(&answer, FK_COUNTER_RX_KMM_UNEXPECTED);
}

Test(match, an_answer_under_a_key_that_was_taken_out_is_not_believed)
{
	struct fk_ue_slot *ue = (struct fk_ue_slot *)(uintptr_t)&rig->worker->ues[UE];
	struct rig_answer answer = right();

	ue->ptek_algorithm_id = 0;
	expect_answer(&answer, FK_COUNTER_RX_KMM_WRONG_KEY);
	memset(ue->ptek, 0, sizeof(ue->ptek));
	answer = right(); /* by who knows how a wiped key looks */
	expect_answer(&answer, FK_COUNTER_RX_KMM_WRONG_KEY);
}

Test(match, an_answer_before_the_response_ends_the_transaction)
{
	struct rig_answer answer = right();

	rig_answer_in(rig, &answer);
	cr_assert_eq(rig_next_sip(rig).status, 200);
	cr_assert_eq(rig_state(rig, UE).outcome, FK_OUTCOME_ANSWERED);
	expect_response(rig_make_response(&request, 202, buf, sizeof(buf)),
			FK_COUNTER_RX_RESPONSE_LATE);
	rig_pass_ms(rig, 33000);
	cr_assert_eq(rig_count(rig, FK_COUNTER_TX_RETRANSMITS), 0);
	cr_assert_eq(rig_n_doorbells(rig), 1);
}

Test(match, without_room_for_a_doorbell_nothing_is_recorded_and_nothing_answered)
{
	struct rig_answer answer = right();
	struct fk_doorbell bell = {.ue_index = 9};

	while (fk_ring_push(rig->worker->doorbells, &bell, sizeof(bell), 1) == 1)
		;
	expect_request(rig_make_answer(rig, &answer, buf, sizeof(buf)), FK_COUNTER_RX_NOT_RECORDED,
		       0);
	expect_request(rig_make_notification(USER, FK_SDS_UNDELIVERED, signalling.message_id, buf,
					     sizeof(buf)),
		       FK_COUNTER_RX_NOT_RECORDED, 0);
	expect_response(rig_make_response(&request, 404, buf, sizeof(buf)),
			FK_COUNTER_RX_NOT_RECORDED);
	/* Control makes room, and the repeat is taken. */
	cr_assert_eq(fk_ring_pop(rig->worker->doorbells, &bell, sizeof(bell), 1), 1);
	rig_answer_in(rig, &answer);
	cr_assert_eq(rig_state(rig, UE).outcome, FK_OUTCOME_ANSWERED);
	cr_assert_eq(rig_next_sip(rig).status, 200);
}

/* Sends a Changeover-Command from keyset 1 to the campaign's; its right answer. */
static struct rig_answer right_for_changeover(void)
{
	struct fk_campaign_block *campaign = &rig->table->campaigns[RIG_CAMPAIGN_SLOT];
	struct fk_order order = rig_order(OTHER, 2, 0);
	struct rig_answer answer;

	campaign->superseded_keyset_id = 1;
	order.kind = FK_ORDER_CHANGEOVER;
	order.mac_key = FK_MAC_KEY_PTEK;
	if (rig_state(rig, OTHER).token == 0)
		(void)rig_send(rig, &order);
	answer = rig_right_answer(rig, OTHER, 0, 40);
	answer.message_id = FK_KMM_CHANGEOVER_RESPONSE;
	answer.acked_message_id = FK_KMM_CHANGEOVER_COMMAND;
	answer.pair = (struct fk_kmm_changeover_pair){1, campaign->keyset_id};
	return answer;
}

Test(match, a_changeover_response_with_exactly_the_instruction_is_taken)
{
	struct rig_answer answer = right_for_changeover();

	rig_answer_in(rig, &answer);
	cr_assert_eq(rig_state(rig, OTHER).outcome, FK_OUTCOME_ANSWERED);
	cr_assert_eq(rig_state(rig, OTHER).kmm_message_id, FK_KMM_CHANGEOVER_RESPONSE);
	cr_assert_eq(rig_state(rig, OTHER).kmm_status, FK_KMM_STATUS_PERFORMED);
	cr_assert_eq(rig_state(rig, OTHER).active_keyset, answer.pair.activated_keyset_id);
}

Test(match, a_changeover_response_with_other_keysets_is_not_believed)
{
	struct rig_answer answer = right_for_changeover();

	answer.pair.activated_keyset_id++;
	expect_answer(&answer, FK_COUNTER_RX_KMM_WRONG_KEYS);
	answer = right_for_changeover();
	answer.pair.superseded_keyset_id++;
	expect_answer(&answer, FK_COUNTER_RX_KMM_WRONG_KEYS);
}

Test(match, another_answer_than_its_own_does_not_answer_a_changeover)
{
	struct rig_answer answer = right_for_changeover();

	answer.message_id = FK_KMM_REKEY_ACK;
	answer.acked_message_id = FK_KMM_REKEY_COMMAND;
	expect_answer(&answer, FK_COUNTER_RX_KMM_UNEXPECTED);
	answer.message_id = FK_KMM_INVENTORY_RESPONSE;
	expect_answer(&answer, FK_COUNTER_RX_KMM_UNEXPECTED);
	answer.message_id = FK_KMM_NEGATIVE_ACK;
	expect_answer(&answer, FK_COUNTER_RX_KMM_UNEXPECTED);
	answer = right_for_changeover();
	answer.message_id = FK_KMM_NEGATIVE_ACK;
	answer.status = 2;
	rig_answer_in(rig, &answer);
	cr_assert_eq(rig_state(rig, OTHER).outcome, FK_OUTCOME_ANSWERED);
	cr_assert_eq(rig_state(rig, OTHER).kmm_status, 2);
}

Test(match, a_changeover_response_to_a_rekey_is_not_believed)
{
	struct rig_answer answer = right();

	answer.message_id = FK_KMM_CHANGEOVER_RESPONSE;
	answer.pair = (struct fk_kmm_changeover_pair){1, 2};
	expect_answer(&answer, FK_COUNTER_RX_KMM_UNEXPECTED);
}

/* Sends a deletion of the campaign's first three keys, or of its keyset; its right answer. */
static struct rig_answer right_for_deletion(uint8_t kind)
{
	struct fk_campaign_block *campaign = &rig->table->campaigns[RIG_CAMPAIGN_SLOT];
	struct fk_order order = rig_order(OTHER, 2, 0);
	struct rig_answer answer;

	campaign->n_keys = 3;
	order.kind = kind & 15;
	order.mac_key = FK_MAC_KEY_PTEK;
	if (rig_state(rig, OTHER).token == 0)
		(void)rig_send(rig, &order);
	answer = rig_right_answer(rig, OTHER, 0, 40);
	answer.message_id = fk_order_answer(kind);
	answer.n_keys = 3;
	for (uint32_t i = 0; i < 3; i++)
		answer.key_ids[i] = campaign->keys[2 - i].key_id;
	answer.one.keyset_id = campaign->keyset_id;
	return answer;
}

Test(match, keys_are_deleted_when_each_is_gone_or_was_never_there)
{
	struct rig_answer answer = right_for_deletion(FK_ORDER_DELETE_KEY);

	answer.statuses[1] = 0x02;
	rig_answer_in(rig, &answer);
	cr_assert_eq(rig_state(rig, OTHER).outcome, FK_OUTCOME_ANSWERED);
	cr_assert_eq(rig_state(rig, OTHER).kmm_status, FK_KMM_STATUS_PERFORMED);
}

Test(match, a_key_that_was_not_deleted_is_a_refusal)
{
	struct rig_answer answer = right_for_deletion(FK_ORDER_DELETE_KEY);

	answer.statuses[0] = 0x02;
	answer.statuses[2] = 0x01;
	rig_answer_in(rig, &answer);
	cr_assert_eq(rig_state(rig, OTHER).outcome, FK_OUTCOME_ANSWERED);
	cr_assert_eq(rig_state(rig, OTHER).kmm_status, 0x01);
}

Test(match, a_deletion_of_other_keys_or_of_another_keyset_is_not_believed)
{
	struct rig_answer answer = right_for_deletion(FK_ORDER_DELETE_KEY);

	answer.n_keys = 2;
	expect_answer(&answer, FK_COUNTER_RX_KMM_WRONG_KEYS);
	answer.n_keys = 3;
	answer.key_ids[0] = answer.key_ids[1];
	expect_answer(&answer, FK_COUNTER_RX_KMM_WRONG_KEYS);
	answer.message_id = FK_KMM_DELETE_KEYSET_RESPONSE;
	expect_answer(&answer, FK_COUNTER_RX_KMM_UNEXPECTED);
}

Test(match, a_keyset_is_deleted_by_the_response_that_names_it)
{
	struct rig_answer answer = right_for_deletion(FK_ORDER_DELETE_KEYSET);

	answer.one.keyset_id++;
	expect_answer(&answer, FK_COUNTER_RX_KMM_WRONG_KEYS);
	answer = right_for_deletion(FK_ORDER_DELETE_KEYSET);
	rig_answer_in(rig, &answer);
	cr_assert_eq(rig_state(rig, OTHER).outcome, FK_OUTCOME_ANSWERED);
	cr_assert_eq(rig_state(rig, OTHER).kmm_status, FK_KMM_STATUS_PERFORMED);
}

/* Sends a Zeroize-Command; its right answer. */
static struct rig_answer right_for_zeroize(void)
{
	struct fk_order order = rig_order(OTHER, 2, 0);
	struct rig_answer answer;

	order.kind = FK_ORDER_ZEROIZE;
	order.mac_key = FK_MAC_KEY_PTEK;
	(void)rig_send(rig, &order);
	answer = rig_right_answer(rig, OTHER, 0, 40);
	answer.message_id = FK_KMM_ZEROIZE_RESPONSE;
	return answer;
}

Test(match, a_zeroize_response_under_the_ues_own_key_is_taken)
{
	struct rig_answer answer = right_for_zeroize();

	rig_answer_in(rig, &answer);
	cr_assert_eq(rig_state(rig, OTHER).outcome, FK_OUTCOME_ANSWERED);
	cr_assert_eq(rig_state(rig, OTHER).kmm_message_id, FK_KMM_ZEROIZE_RESPONSE);
	cr_assert_eq(rig_state(rig, OTHER).kmm_status, FK_KMM_STATUS_PERFORMED);
}

Test(match, nobody_else_answers_a_zeroize)
{
	const struct fk_campaign_key *key = &rig->table->campaigns[RIG_CAMPAIGN_SLOT].keys[0];
	struct rig_answer answer = right_for_zeroize();

	answer.break_mac = true;
	expect_answer(&answer, FK_COUNTER_RX_KMM_BAD_MAC);
	answer.break_mac = false;
	answer.mac_tek = key->tek; /* a group's key, which others have too */
	answer.mac_key_id = key->key_id;
	expect_answer(&answer, FK_COUNTER_RX_KMM_WRONG_KEY);
	answer = rig_right_answer(rig, OTHER, 0, 40);
	answer.message_id = FK_KMM_REKEY_ACK;
	expect_answer(&answer, FK_COUNTER_RX_KMM_UNEXPECTED);
}

/* A Hello of UE, whose attempt is open, or of OTHER, whose none is. */
static struct rig_answer hello(uint32_t ue_index, uint16_t number)
{
	struct rig_answer answer = rig_right_answer(rig, ue_index, 0, number);

	answer.message_id = FK_KMM_HELLO;
	answer.in_reply_to = NULL;
	return answer;
}

/* The doorbell that rang last. */
static struct fk_doorbell last_bell(void)
{
	struct fk_doorbell bell = {.ue_index = UINT32_MAX};

	while (fk_ring_pop(rig->worker->doorbells, &bell, sizeof(bell), 1) > 0)
		continue;
	return bell;
}

Test(match, a_hello_rings_and_leaves_the_attempt_open)
{
	struct fk_ue_state before = rig_state(rig, UE), after;
	struct rig_answer answer = hello(UE, 40);
	struct fk_doorbell bell;

	answer.status = FK_HELLO_REKEY;
	rig_answer_in(rig, &answer);
	cr_assert_eq(rig_next_sip(rig).status, 200);
	cr_assert_eq(rig_count(rig, FK_COUNTER_RX_HELLOS), 1);
	bell = last_bell();
	cr_expect_eq(bell.ue_index, UE);
	cr_expect_eq(bell.said, FK_KMM_HELLO);
	cr_expect_eq(bell.hello_flag, FK_HELLO_REKEY);
	cr_expect_eq(bell.is_authentic, 1);
	after = rig_state(rig, UE);
	cr_expect_eq(after.inbound_number, 40);
	cr_expect_eq(after.outcome, FK_OUTCOME_NONE);
	cr_expect_eq(after.token, before.token);
	cr_expect_eq(after.answered_at_us, before.answered_at_us);
	/* The answer to the attempt comes behind it. */
	answer = rig_right_answer(rig, UE, 0, 41);
	rig_answer_in(rig, &answer);
	cr_expect_eq(rig_state(rig, UE).outcome, FK_OUTCOME_ANSWERED);
}

/* spec: P25 sheet 1.5: 0, 1 and 2; control decides what comes of each */
Test(match, each_flag_of_a_hello_is_told_as_it_is_and_as_seldom)
{
	static const uint8_t flags[] = {FK_HELLO_HERE, FK_HELLO_REKEY, FK_HELLO_REKEY_NO_UKEK};
	struct rig_answer answer;

	for (uint32_t i = 0; i < 2 * 3; i++) {
		struct fk_doorbell bell;

		answer = hello(OTHER, (uint16_t)(40 + i));
		answer.status = flags[i % 3];
		if (i >= 3)
			answer.mac_tek = NULL;
		rig_answer_in(rig, &answer);
		bell = last_bell();
		cr_expect_eq(bell.ue_index, OTHER);
		cr_expect_eq(bell.said, FK_KMM_HELLO);
		cr_expect_eq(bell.hello_flag, flags[i % 3]);
		cr_expect_eq(bell.is_authentic, i < 3);
		/* One UE, one word in a while, whatever its flag. */
		answer = hello(OTHER, (uint16_t)(41 + i));
		answer.status = flags[(i + 1) % 3];
		expect_answer(&answer, FK_COUNTER_RX_SAID_TOO_OFTEN);
		rig_pass_ms(rig, FK_SAID_EVERY_S * 1000 + 1000);
		(void)last_bell();
	}
	cr_expect_eq(rig_count(rig, FK_COUNTER_RX_HELLOS), 2 * 3);
}

Test(match, a_ue_that_was_never_sent_anything_may_say_hello)
{
	struct rig_answer answer = hello(OTHER, 1);

	rig_answer_in(rig, &answer);
	cr_expect_eq(last_bell().ue_index, OTHER);
	cr_expect_eq(rig_state(rig, OTHER).token, 0);
}

Test(match, a_hello_without_a_mac_is_by_who_called_and_moves_no_number)
{
	struct rig_answer answer = hello(OTHER, 40);
	struct fk_doorbell bell;

	answer.mac_tek = NULL;
	rig_answer_in(rig, &answer);
	bell = last_bell();
	cr_expect_eq(bell.ue_index, OTHER);
	cr_expect_eq(bell.is_authentic, 0);
	cr_expect_eq(rig_state(rig, OTHER).inbound_known, 0);
}

Test(match, a_hello_of_somebody_else_is_not_believed)
{
	const struct fk_campaign_key *key = &rig->table->campaigns[RIG_CAMPAIGN_SLOT].keys[0];
	struct rig_answer answer = hello(OTHER, 40);

	answer.user = USER;
	expect_answer(&answer, FK_COUNTER_RX_KMM_NOT_THAT_UE);
	answer = hello(OTHER, 40);
	answer.mac_tek = key->tek; /* anybody of the group has it */
	answer.mac_key_id = key->key_id;
	expect_answer(&answer, FK_COUNTER_RX_KMM_WRONG_KEY);
	answer = hello(OTHER, 40);
	answer.break_mac = true;
	expect_answer(&answer, FK_COUNTER_RX_KMM_BAD_MAC);
	answer = hello(OTHER, 40);
	answer.destination_rsi--;
	expect_answer(&answer, FK_COUNTER_RX_KMM_NOT_FOR_US);
}

Test(match, a_hello_that_is_repeated_or_comes_too_soon_is_heard_once)
{
	struct rig_answer answer = hello(OTHER, 40);

	rig_answer_in(rig, &answer);
	cr_assert_eq(last_bell().ue_index, OTHER);
	expect_answer(&answer, FK_COUNTER_RX_KMM_REPEAT);
	answer = hello(OTHER, 41);
	expect_answer(&answer, FK_COUNTER_RX_SAID_TOO_OFTEN);
	answer.mac_tek = NULL;
	expect_answer(&answer, FK_COUNTER_RX_SAID_TOO_OFTEN);
	rig_pass_ms(rig, FK_SAID_EVERY_S * 1000 + 1000);
	(void)last_bell();
	answer = hello(OTHER, 40 - 1);
	expect_answer(&answer, FK_COUNTER_RX_KMM_BAD_NUMBER);
	answer = hello(OTHER, 42);
	rig_answer_in(rig, &answer);
	cr_expect_eq(last_bell().said, FK_KMM_HELLO);
}

Test(match, two_hellos_in_one_burst_ring_once)
{
	struct rig_answer answer = hello(OTHER, 40);
	size_t size = rig_make_answer(rig, &answer, buf, sizeof(buf));

	rig_datagram_in(rig, RIG_PEER_IPV4, RIG_PEER_PORT, buf, size);
	answer = hello(OTHER, 41);
	size = rig_make_answer(rig, &answer, buf, sizeof(buf));
	rig_datagram_in(rig, RIG_PEER_IPV4, RIG_PEER_PORT, buf, size);
	rig_turn(rig);
	cr_expect_eq(rig_n_doorbells(rig), 1);
	cr_expect_eq(rig_count(rig, FK_COUNTER_RX_HELLOS), 1);
	cr_expect_eq(rig_count(rig, FK_COUNTER_RX_SAID_TOO_OFTEN), 1);
}

static struct rig_answer registration(uint32_t ue_index, uint8_t message_id, uint16_t number)
{
	struct rig_answer answer = hello(ue_index, number);

	answer.message_id = message_id;
	return answer;
}

Test(match, a_registration_rings_and_leaves_the_attempt_open)
{
	struct rig_answer answer = registration(UE, FK_KMM_REGISTRATION_COMMAND, 40);
	struct fk_ue_state before = rig_state(rig, UE);
	struct fk_doorbell bell;

	rig_answer_in(rig, &answer);
	cr_assert_eq(rig_next_sip(rig).status, 200);
	cr_assert_eq(rig_count(rig, FK_COUNTER_RX_REGISTRATIONS), 1);
	bell = last_bell();
	cr_expect_eq(bell.ue_index, UE);
	cr_expect_eq(bell.said, FK_KMM_REGISTRATION_COMMAND);
	cr_expect_eq(bell.is_authentic, 1);
	cr_expect_eq(rig_state(rig, UE).inbound_number, 40);
	cr_expect_eq(rig_state(rig, UE).outcome, FK_OUTCOME_NONE);
	cr_expect_eq(rig_state(rig, UE).token, before.token);
	expect_answer(&answer, FK_COUNTER_RX_KMM_REPEAT);
	answer = registration(UE, FK_KMM_DEREGISTRATION_COMMAND, 41);
	expect_answer(&answer, FK_COUNTER_RX_SAID_TOO_OFTEN);
	answer = registration(OTHER, FK_KMM_DEREGISTRATION_COMMAND, 1);
	rig_answer_in(rig, &answer);
	cr_assert_eq(rig_count(rig, FK_COUNTER_RX_DEREGISTRATIONS), 1);
	cr_expect_eq(last_bell().said, FK_KMM_DEREGISTRATION_COMMAND);
}

Test(match, a_registration_of_somebody_else_is_not_believed)
{
	const struct fk_campaign_key *key = &rig->table->campaigns[RIG_CAMPAIGN_SLOT].keys[0];
	static const uint8_t ids[] = {FK_KMM_REGISTRATION_COMMAND, FK_KMM_DEREGISTRATION_COMMAND};

	for (uint32_t i = 0; i < 2; i++) {
		struct rig_answer answer = registration(OTHER, ids[i], 40);

		answer.user = USER;
		expect_answer(&answer, FK_COUNTER_RX_KMM_NOT_THAT_UE);
		answer = registration(OTHER, ids[i], 40);
		answer.mac_tek = NULL; /* who called is not enough, as it is for a Hello */
		expect_answer(&answer, FK_COUNTER_RX_KMM_UNAUTHENTICATED);
		answer = registration(OTHER, ids[i], 40);
		answer.mac_tek = key->tek; /* anybody of the group has it */
		answer.mac_key_id = key->key_id;
		expect_answer(&answer, FK_COUNTER_RX_KMM_WRONG_KEY);
		answer = registration(OTHER, ids[i], 40);
		answer.break_mac = true;
		expect_answer(&answer, FK_COUNTER_RX_KMM_BAD_MAC);
		answer = registration(OTHER, ids[i], 40);
		answer.kmf_rsi--;
		expect_answer(&answer, FK_COUNTER_RX_KMM_NOT_FOR_US);
		answer = registration(OTHER, ids[i], 40);
		answer.source_rsi = 0x123456;
		expect_answer(&answer, FK_COUNTER_RX_KMM_UNKNOWN_RSI);
	}
	cr_expect_eq(rig_n_doorbells(rig), 0);
	cr_expect_eq(rig_state(rig, OTHER).inbound_known, 0);
}

Test(match, a_2xx_ends_what_no_kmm_answers)
{
	struct fk_order order = rig_order(OTHER, 0, 0);
	struct fk_sip_message answered;

	order.kind = FK_ORDER_REGISTERED;
	order.n_keys = 0;
	answered = rig_send(rig, &order);
	rig_respond(rig, &answered, 202);
	cr_expect_eq(rig_state(rig, OTHER).outcome, FK_OUTCOME_ACCEPTED);
	cr_expect_eq(last_bell().ue_index, OTHER);
	rig_pass_ms(rig, 60000);
	cr_expect_eq(rig_count(rig, FK_COUNTER_ANSWER_TIMEOUT), 0);
}

/* What UE says of the attempt that is open: that it lacks its own key. */
static struct rig_answer unable(void)
{
	struct rig_answer answer = right();

	answer.message_id = FK_KMM_UNABLE_TO_DECRYPT_RESPONSE;
	answer.status = FK_KMM_STATUS_INVALID_KEY_ID;
	answer.mac_tek = NULL;
	answer.in_reply_to = signalling.message_id;
	return answer;
}

Test(match, who_names_the_command_may_say_that_it_lacks_its_key)
{
	struct rig_answer answer = unable();

	rig_answer_in(rig, &answer);
	cr_assert_eq(rig_next_sip(rig).status, 200);
	cr_assert_eq(rig_count(rig, FK_COUNTER_RX_UNABLE), 1);
	cr_expect_eq(rig_state(rig, UE).outcome, FK_OUTCOME_UNABLE);
	cr_expect_eq(rig_state(rig, UE).kmm_status, FK_KMM_STATUS_INVALID_KEY_ID);
	cr_expect_eq(rig_state(rig, UE).inbound_known, 0);
	cr_expect_eq(last_bell().ue_index, UE);
	expect_answer(&answer, FK_COUNTER_RX_KMM_UNEXPECTED);
	/* The right answer stands all the same: that one may have been a lie. */
	answer = right();
	rig_answer_in(rig, &answer);
	cr_expect_eq(rig_state(rig, UE).outcome, FK_OUTCOME_ANSWERED);
}

Test(match, nobody_else_says_that_a_ue_lacks_its_key)
{
	struct rig_answer answer = unable();
	uint8_t id[FK_SDS_ID_SIZE];

	answer.in_reply_to = NULL; /* anybody could */
	expect_answer(&answer, FK_COUNTER_RX_KMM_UNAUTHENTICATED);
	memcpy(id, signalling.message_id, sizeof(id));
	id[15] ^= 1;
	answer.in_reply_to = id;
	expect_answer(&answer, FK_COUNTER_RX_KMM_UNEXPECTED);
	answer = unable();
	answer.user = "sip:ue005@mc.example";
	expect_answer(&answer, FK_COUNTER_RX_KMM_NOT_THAT_UE);
	answer = unable();
	answer.mac_key_id++; /* another key than the command was under */
	expect_answer(&answer, FK_COUNTER_RX_KMM_WRONG_KEYS);
	answer = rig_right_answer(rig, OTHER, 0, 40); /* who was asked nothing */
	answer.message_id = FK_KMM_UNABLE_TO_DECRYPT_RESPONSE;
	answer.mac_tek = NULL;
	answer.in_reply_to = signalling.message_id;
	expect_answer(&answer, FK_COUNTER_RX_KMM_UNEXPECTED);
	cr_expect_eq(rig_state(rig, UE).outcome, FK_OUTCOME_NONE);
}

Test(match, a_warm_start_is_acknowledged_under_the_key_that_it_brought)
{
	struct fk_order order = rig_order(OTHER, 0, 0);
	struct rig_answer answer;

	order.kind = FK_ORDER_WARM_START;
	order.n_keys = 0;
	(void)rig_send(rig, &order);
	answer = rig_right_answer(rig, OTHER, 0, 40);
	answer.acked_message_id = FK_KMM_REKEY_COMMAND;
	answer.key_id = answer.mac_key_id;
	expect_answer(&answer, FK_COUNTER_RX_KMM_UNEXPECTED);
	answer.acked_message_id = FK_KMM_WARM_START_COMMAND;
	answer.key_id++;
	expect_answer(&answer, FK_COUNTER_RX_KMM_WRONG_KEYS);
	answer.key_id--;
	answer.break_mac = true;
	expect_answer(&answer, FK_COUNTER_RX_KMM_BAD_MAC);
	answer.break_mac = false;
	rig_answer_in(rig, &answer);
	cr_expect_eq(rig_state(rig, OTHER).outcome, FK_OUTCOME_ANSWERED);
	cr_expect_eq(rig_state(rig, OTHER).kmm_status, FK_KMM_STATUS_PERFORMED);
}

/* Asks OTHER whether it is there. */
static void send_hello(void)
{
	struct fk_order order = rig_order(OTHER, 0, 0);

	order.kind = FK_ORDER_HELLO;
	order.n_keys = 0;
	(void)rig_send(rig, &order);
}

Test(match, a_hello_under_the_ues_own_key_answers_a_hello_and_not_twice)
{
	struct rig_answer answer;

	send_hello();
	answer = hello(OTHER, 40);
	rig_answer_in(rig, &answer);
	cr_assert_eq(rig_next_sip(rig).status, 200);
	cr_expect_eq(rig_count(rig, FK_COUNTER_RX_ACKS), 1);
	cr_expect_eq(rig_state(rig, OTHER).outcome, FK_OUTCOME_ANSWERED);
	cr_expect_eq(rig_state(rig, OTHER).kmm_message_id, FK_KMM_HELLO);
	cr_expect_eq(rig_state(rig, OTHER).kmm_status, FK_KMM_STATUS_PERFORMED);
	cr_expect_eq(rig_state(rig, OTHER).inbound_number, 40);
	expect_answer(&answer, FK_COUNTER_RX_KMM_REPEAT);
	cr_expect_eq(rig_count(rig, FK_COUNTER_RX_HELLOS), 0);
}

Test(match, a_hello_that_asks_for_something_is_no_answer_to_one)
{
	struct rig_answer answer;

	send_hello();
	answer = hello(OTHER, 40);
	answer.status = FK_HELLO_REKEY;
	rig_answer_in(rig, &answer);
	cr_assert_eq(rig_next_sip(rig).status, 200);
	cr_expect_eq(rig_count(rig, FK_COUNTER_RX_HELLOS), 1);
	cr_expect_eq(rig_state(rig, OTHER).outcome, FK_OUTCOME_NONE);
}

Test(match, nobody_else_says_that_a_ue_is_there)
{
	struct rig_answer answer;

	send_hello();
	answer = hello(OTHER, 40);
	answer.break_mac = true;
	expect_answer(&answer, FK_COUNTER_RX_KMM_BAD_MAC);
	answer = hello(OTHER, 40);
	answer.mac_key_id++;
	expect_answer(&answer, FK_COUNTER_RX_KMM_WRONG_KEY);
	answer = hello(OTHER, 40);
	answer.mac_tek = NULL; /* by who called: heard, and no more */
	rig_answer_in(rig, &answer);
	cr_expect_eq(rig_state(rig, OTHER).outcome, FK_OUTCOME_NONE);
}
