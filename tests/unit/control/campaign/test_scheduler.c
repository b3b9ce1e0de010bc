/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#include <fleetkey/kmm.h>

#include "world.h"

static struct world *w;

static void begin(void)
{
	w = world_new(1);
}

static void end(void)
{
	world_free(w);
}

TestSuite(scheduler, .init = begin, .fini = end);

Test(scheduler, every_delivery_is_acked_and_proven_when_nothing_is_lost)
{
	world_start(w);
	world_run(w, 1000);
	world_check_books(w);
	cr_assert_eq(fk_scheduler_tally(w->scheduler)->states[FK_DELIVERY_ACKED], WORLD_UES);
	cr_assert_eq(w->n_orders, 2 * WORLD_UES);
	cr_assert_eq(fk_scheduler_tally(w->scheduler)->n_orders, 2 * WORLD_UES);
}

Test(scheduler, without_closing_exchange_one_kmm_is_enough)
{
	w->options.closing = false;
	world_start(w);
	world_run(w, 1000);
	world_check_books(w);
	cr_assert_eq(w->n_orders, WORLD_UES);
	cr_assert_eq(fk_scheduler_tally(w->scheduler)->n_proven, 0);
}

Test(scheduler, nothing_is_ordered_while_the_store_does_not_write)
{
	world_start(w);
	for (uint32_t i = 0; i < 50; i++)
		world_turn(w, true);
	cr_assert_eq(w->n_orders, 0);
	world_run(w, 1000);
	world_check_books(w);
}

Test(scheduler, never_more_are_open_than_the_window)
{
	w->options.window = 3;
	world_start(w);
	world_run(w, 5000); /* world_turn() checks it */
	world_check_books(w);
}

Test(scheduler, a_ue_without_protection_tek_is_excluded_and_never_sent_to)
{
	w->ues[5].ptek_algorithm_id = 0;
	world_start(w);
	world_run(w, 1000);
	world_check_books(w);
	cr_assert_eq(world_delivery(w, 5)->state, FK_DELIVERY_EXCLUDED);
	cr_assert_eq(world_delivery(w, 5)->cause, FK_CAUSE_NO_PTEK);
	cr_assert_eq(w->n_sends[5], 0);
}

Test(scheduler, a_ue_that_was_excluded_is_never_sent_to)
{
	world_start(w);
	fk_scheduler_exclude(w->scheduler, 5, FK_CAUSE_TOO_LARGE);
	world_run(w, 1000);
	cr_expect_eq(world_delivery(w, 5)->state, FK_DELIVERY_EXCLUDED);
	cr_expect_eq(world_delivery(w, 5)->cause, FK_CAUSE_TOO_LARGE);
	cr_expect_eq(w->n_sends[5], 0);
	cr_expect_eq(fk_scheduler_tally(w->scheduler)->states[FK_DELIVERY_ACKED], WORLD_UES - 1);
}

Test(scheduler, a_message_that_the_dataplane_finds_too_large_excludes_its_ue)
{
	const struct fk_scheduler_now now = {.ms = 10, .date_s = 1};
	struct fk_order orders[WORLD_UES];
	struct fk_ue_state state = {.outcome = FK_OUTCOME_TOO_LARGE, .answered_at_us = 1};
	uint32_t ue_index, pages[WORLD_PAGES], n;

	world_start(w);
	fk_scheduler_reserve(w->scheduler, &now, WORLD_PAGES);
	n = fk_scheduler_list_dirty(w->scheduler, pages, WORLD_PAGES);
	for (uint32_t i = 0; i < n; i++)
		fk_scheduler_page_durable(w->scheduler, pages[i]);
	cr_assert_gt(fk_scheduler_poll(w->scheduler, &now, orders, 1), 0);
	state.token = orders[0].token;
	ue_index = fk_token_unpack(state.token).ue_index;
	fk_scheduler_apply(w->scheduler, ue_index, &state, &now);
	cr_expect_eq(world_delivery(w, ue_index)->state, FK_DELIVERY_EXCLUDED);
	cr_expect_eq(world_delivery(w, ue_index)->cause, FK_CAUSE_TOO_LARGE);
}

Test(scheduler, a_slot_without_owner_is_no_delivery)
{
	w->ues[7].rsi = 0;
	cr_assert_eq(fk_scheduler_new(&w->options, &w->scheduler), FK_OK);
	for (uint32_t i = 0; i < WORLD_UES; i++)
		fk_scheduler_include(w->scheduler, i);
	cr_assert_eq(fk_scheduler_tally(w->scheduler)->n_deliveries, WORLD_UES - 1);
	cr_assert_eq(world_delivery(w, 7)->state, FK_DELIVERY_NONE);
}

Test(scheduler, a_silent_ue_ends_unreachable_after_attempts_max_sends)
{
	w->radios[9].is_silent = true;
	world_start(w);
	world_run(w, 5000);
	world_check_books(w);
	cr_assert_eq(world_delivery(w, 9)->state, FK_DELIVERY_UNREACHABLE);
	cr_assert_eq(world_delivery(w, 9)->cause, FK_CAUSE_SIP_TIMEOUT);
	cr_assert_eq(w->n_sends[9], w->options.attempts_max);
	/* Re-sends are the same attempt: one number. */
	cr_assert_eq(world_delivery(w, 9)->attempt, 0);
}

Test(scheduler, a_ue_that_falls_silent_after_its_ack_ends_partial)
{
	world_start(w);
	while (!(world_delivery(w, 4)->flags & FK_DELIVERY_HELD))
		world_turn(w, false);
	w->radios[4].is_silent = true;
	world_run(w, 5000);
	world_check_books(w);
	cr_assert_eq(world_delivery(w, 4)->state, FK_DELIVERY_PARTIAL);
	cr_assert_eq(world_delivery(w, 4)->cause, FK_CAUSE_SIP_TIMEOUT);
}

struct refusal {
	uint16_t sip_status;
	uint8_t kmm_status;
	uint8_t state, cause;
	uint16_t detail;
	uint32_t n_sends; /* 0: as many as attempts_max */
};

ParameterizedTestParameters(scheduler, a_refusal_ends_as_the_table_says)
{
	static struct refusal refusals[] = {
		{403, 0, FK_DELIVERY_REFUSED, FK_CAUSE_SIP, 403, 1},
		{404, 0, FK_DELIVERY_REFUSED, FK_CAUSE_SIP, 404, 1},
		{400, 0, FK_DELIVERY_REFUSED, FK_CAUSE_SIP, 400, 1},
		{302, 0, FK_DELIVERY_REFUSED, FK_CAUSE_SIP, 302, 1},
		{513, 0, FK_DELIVERY_REFUSED, FK_CAUSE_SIP, 513, 1},
		{603, 0, FK_DELIVERY_REFUSED, FK_CAUSE_SIP, 603, 1},
		{408, 0, FK_DELIVERY_UNREACHABLE, FK_CAUSE_SIP, 408, 0},
		{480, 0, FK_DELIVERY_UNREACHABLE, FK_CAUSE_SIP, 480, 0},
		{500, 0, FK_DELIVERY_UNREACHABLE, FK_CAUSE_SIP, 500, 0},
		{503, 0, FK_DELIVERY_UNREACHABLE, FK_CAUSE_SIP, 503, 0},
		{504, 0, FK_DELIVERY_UNREACHABLE, FK_CAUSE_SIP, 504, 0},
		{0, FK_KMM_STATUS_NO_KEK, FK_DELIVERY_REFUSED, FK_CAUSE_KMM, 6, 1},
		{0, FK_KMM_STATUS_INVALID_MAC, FK_DELIVERY_REFUSED, FK_CAUSE_KMM, 4, 1},
		{0, FK_KMM_STATUS_INVALID_NUMBER, FK_DELIVERY_REFUSED, FK_CAUSE_KMM, 7, 3},
	};

	return cr_make_param_array(struct refusal, refusals,
				   sizeof(refusals) / sizeof(refusals[0]));
}

ParameterizedTest(struct refusal *r, scheduler, a_refusal_ends_as_the_table_says)
{
	w->radios[11].forced_sip = r->sip_status;
	w->radios[11].forced_kmm_status = r->kmm_status;
	world_start(w);
	world_run(w, 5000);
	world_check_books(w);
	cr_assert_eq(world_delivery(w, 11)->state, r->state);
	cr_assert_eq(world_delivery(w, 11)->cause, r->cause);
	cr_assert_eq(world_delivery(w, 11)->cause_detail, r->detail);
	cr_assert_eq(w->n_sends[11], r->n_sends == 0 ? w->options.attempts_max : r->n_sends);
}

Test(scheduler, an_invalid_number_is_met_with_numbers_of_new_blocks)
{
	w->radios[11].forced_kmm_status = FK_KMM_STATUS_INVALID_NUMBER;
	world_start(w);
	world_run(w, 5000);
	cr_assert_eq(world_delivery(w, 11)->attempt, FK_NEW_NUMBER_MAX);
	cr_assert_eq(world_delivery(w, 11)->number, 1 + FK_NEW_NUMBER_MAX * 4);
	/* Each attempt has its own count of sends. */
	cr_assert_eq(world_delivery(w, 11)->tries, 1);
	/* A refused number is no accepted one. */
	cr_assert_eq(w->numbers[11].accepted, 0);
}

Test(scheduler, a_401_halts_the_campaign_and_blames_nobody)
{
	w->radios[0].forced_sip = 401;
	world_start(w);
	for (uint32_t i = 0; i < 200; i++)
		world_turn(w, false);
	cr_assert_eq(fk_scheduler_halt_status(w->scheduler), 401);
	cr_assert_not(fk_scheduler_is_done(w->scheduler));
	cr_assert_eq(world_delivery(w, 0)->state, FK_DELIVERY_WAITING);
	uint64_t n_orders = w->n_orders;
	for (uint32_t i = 0; i < 200; i++)
		world_turn(w, false);
	cr_assert_eq(w->n_orders, n_orders);
	fk_scheduler_abort(w->scheduler);
	world_run(w, 10);
	world_check_books(w);
}

Test(scheduler, abort_ends_everything_and_keeps_what_is_held)
{
	world_start(w);
	for (uint32_t i = 0; i < 12; i++)
		world_turn(w, false);
	fk_scheduler_abort(w->scheduler);
	cr_assert(fk_scheduler_is_done(w->scheduler));
	uint64_t n_orders = w->n_orders;
	for (uint32_t i = 0; i < 50; i++)
		world_turn(w, false);
	cr_assert_eq(w->n_orders, n_orders);
	world_check_books(w);
	cr_assert_gt(fk_scheduler_tally(w->scheduler)->states[FK_DELIVERY_ABORTED], 0);
}

Test(scheduler, an_expired_delivery_says_what_it_waited_for)
{
	const struct fk_delivery *d;

	w->radios[3].is_silent = true;
	w->options.attempts_max = 100;
	w->options.retry_backoff_ms = 100000;
	world_start(w);
	for (uint32_t i = 0; i < 50000 && world_delivery(w, 3)->state != FK_DELIVERY_WAITING; i++)
		world_turn(w, false);
	d = world_delivery(w, 3);
	cr_assert_eq(d->state, FK_DELIVERY_WAITING);
	fk_scheduler_expire(w->scheduler);
	cr_assert(fk_scheduler_is_done(w->scheduler));
	cr_expect_eq(d->state, FK_DELIVERY_EXPIRED);
	cr_expect(d->cause == FK_CAUSE_NO_ANSWER || d->cause == FK_CAUSE_SIP_TIMEOUT, "%u",
		  d->cause);
	cr_expect_str_eq(fk_delivery_key_label(d, w->options.n_keys, 0), "possibly_held");
	cr_expect_not(fk_scheduler_wake(w->scheduler, 3, &w->now), "its campaign is over");
	world_check_books(w);
}

Test(scheduler, what_was_not_begun_expires_with_that_reason)
{
	world_start(w);
	fk_scheduler_expire(w->scheduler);
	for (uint32_t i = 0; i < WORLD_UES; i++) {
		const struct fk_delivery *d = world_delivery(w, i);

		if (d->state == FK_DELIVERY_NONE || d->state == FK_DELIVERY_EXCLUDED)
			continue;
		cr_expect_eq(d->state, FK_DELIVERY_EXPIRED);
		cr_expect_eq(d->cause, FK_CAUSE_EXPIRED);
		cr_expect_str_eq(fk_delivery_key_label(d, w->options.n_keys, 0), "not_held");
	}
}

Test(scheduler, a_retry_waits_for_its_back_off_and_doubles_it)
{
	w->radios[0].is_silent = true;
	w->options.attempts_max = 3;
	world_start(w);
	uint64_t failed_at_ms[3] = {0}, sent_at_ms[3] = {0};
	for (uint32_t turns = 0; turns < 2000 && !fk_delivery_is_final(world_delivery(w, 0));
	     turns++) {
		uint32_t before = w->n_sends[0];
		uint8_t state = world_delivery(w, 0)->state;

		world_turn(w, false);
		if (w->n_sends[0] > before)
			sent_at_ms[before] = w->now.ms;
		if (state == FK_DELIVERY_OPEN && world_delivery(w, 0)->state != state)
			failed_at_ms[w->n_sends[0] - 1] = w->now.ms;
	}
	cr_assert_geq(sent_at_ms[1], failed_at_ms[0] + 50);
	cr_assert_geq(sent_at_ms[2], failed_at_ms[1] + 100);
	cr_assert_lt(sent_at_ms[2], failed_at_ms[1] + 200);
}

/* The first UE is refused so; returns its token. One more order may be open. */
static uint64_t refuse_for_s(uint16_t sip_status, uint32_t retry_after_s)
{
	struct fk_order order;
	struct fk_ue_state state = {.outcome = FK_OUTCOME_REFUSED,
				    .sip_status = sip_status,
				    .retry_after_s = retry_after_s,
				    .answered_at_us = 5};

	w->options.window = 2;
	world_start(w);
	fk_scheduler_reserve(w->scheduler, &w->now, 3);
	for (uint32_t page = 0; page < WORLD_PAGES; page++)
		fk_scheduler_page_durable(w->scheduler, page);
	cr_assert_eq(fk_scheduler_poll(w->scheduler, &w->now, &order, 1), 1);
	state.token = order.token;
	state.message_number = order.message_number;
	fk_scheduler_apply(w->scheduler, fk_token_unpack(order.token).ue_index, &state, &w->now);
	return order.token;
}

Test(scheduler, a_retry_after_is_honoured)
{
	refuse_for_s(503, 7);
	cr_assert_eq(fk_scheduler_next_due_ms(w->scheduler), w->now.ms + 7000);
}

/* spec: RFC 3261 §20.33 */
Test(scheduler, a_retry_after_of_days_is_honoured)
{
	uint64_t token = refuse_for_s(480, 3 * 86400), due_ms = w->now.ms + 3 * 86400000ull;
	struct fk_order order;

	cr_assert_eq(fk_scheduler_next_due_ms(w->scheduler), due_ms);
	w->now.ms = due_ms - 1;
	cr_assert_eq(fk_scheduler_poll(w->scheduler, &w->now, &order, 1), 1);
	cr_expect_neq(order.token, token, "it was sent before its time");
	w->now.ms = due_ms;
	cr_assert_eq(fk_scheduler_poll(w->scheduler, &w->now, &order, 1), 1);
	cr_expect_eq(order.token, token);
}

Test(scheduler, a_retry_after_beyond_the_expiry_ends_with_it)
{
	uint32_t ue_index = fk_token_unpack(refuse_for_s(480, UINT32_MAX)).ue_index;

	cr_expect_gt(fk_scheduler_next_due_ms(w->scheduler), w->now.ms + 31536000000ull);
	cr_assert_eq(world_delivery(w, ue_index)->state, FK_DELIVERY_WAITING);
	fk_scheduler_expire(w->scheduler);
	cr_expect_eq(world_delivery(w, ue_index)->state, FK_DELIVERY_EXPIRED);
	cr_expect_eq(world_delivery(w, ue_index)->cause, FK_CAUSE_SIP);
	cr_expect_eq(world_delivery(w, ue_index)->cause_detail, 480);
}

Test(scheduler, an_outcome_that_is_told_again_after_the_retry_does_not_count_again)
{
	struct fk_ue_state state = {.outcome = FK_OUTCOME_NO_ANSWER, .answered_at_us = 5};
	struct fk_order order;
	uint32_t ue_index;

	w->options.window = 1;
	world_start(w);
	fk_scheduler_reserve(w->scheduler, &w->now, 3);
	for (uint32_t page = 0; page < WORLD_PAGES; page++)
		fk_scheduler_page_durable(w->scheduler, page);
	cr_assert_eq(fk_scheduler_poll(w->scheduler, &w->now, &order, 1), 1);
	state.token = order.token;
	state.message_number = order.message_number;
	ue_index = fk_token_unpack(order.token).ue_index;
	fk_scheduler_apply(w->scheduler, ue_index, &state, &w->now);
	cr_assert_eq(world_delivery(w, ue_index)->state, FK_DELIVERY_WAITING);
	w->now.ms += 60;
	cr_assert_eq(fk_scheduler_poll(w->scheduler, &w->now, &order, 1), 1);
	cr_assert_eq(order.token, state.token);
	/* The order is still in the ring: the state shows the outcome of the send before. */
	fk_scheduler_apply(w->scheduler, ue_index, &state, &w->now);
	cr_assert_eq(world_delivery(w, ue_index)->state, FK_DELIVERY_OPEN);
	cr_assert_eq(world_delivery(w, ue_index)->tries, 2);
}

Test(scheduler, a_period_that_is_used_up_ends_with_number_window)
{
	/* The radio takes numbers up to 6 ahead; the UE never confirms any. */
	w->ues[3].mnp = 12;
	w->options.number_margin = 6;
	w->radios[3].is_silent = true;
	world_start(w);
	for (uint32_t i = 0; i < 6; i++) {
		for (uint32_t turn = 0; turn < 3; turn++)
			world_turn(w, false);
		world_restart(w, false);
	}
	w->options.window = 64;
	world_run(w, 5000);
	world_check_books(w);
	cr_assert_eq(world_delivery(w, 3)->state, FK_DELIVERY_UNREACHABLE);
	cr_assert_eq(world_delivery(w, 3)->cause, FK_CAUSE_NUMBER_WINDOW);
}

Test(scheduler, a_late_ack_of_an_earlier_attempt_counts)
{
	struct fk_ue_state late;

	world_start(w);
	while (w->n_sends[2] == 0)
		world_turn(w, false);
	late = w->states[2];
	world_restart(w, false); /* attempt 1 is about to follow */
	cr_assert_eq(world_delivery(w, 2)->attempt, 1);
	late.outcome = FK_OUTCOME_ANSWERED;
	late.kmm_message_id = FK_KMM_REKEY_ACK;
	late.kmm_status = 0;
	late.keys_held = 1;
	late.answered_at_us = 1234;
	w->radios[2].keys = 1;
	fk_scheduler_apply(w->scheduler, 2, &late, &w->now);
	cr_assert(world_delivery(w, 2)->flags & FK_DELIVERY_HELD);
	cr_assert_eq(world_delivery(w, 2)->step, 1);
	cr_assert_eq(w->numbers[2].accepted, late.message_number);
}

Test(scheduler, a_refusal_of_an_earlier_attempt_does_not_count)
{
	struct fk_ue_state late;

	world_start(w);
	while (w->n_sends[2] == 0)
		world_turn(w, false);
	late = w->states[2];
	world_restart(w, false);
	late.outcome = FK_OUTCOME_REFUSED;
	late.sip_status = 404;
	late.answered_at_us = 1234;
	fk_scheduler_apply(w->scheduler, 2, &late, &w->now);
	cr_assert_not(fk_delivery_is_final(world_delivery(w, 2)));
}

static struct fk_ue_state open_and_answer(uint32_t ue_index)
{
	struct fk_ue_state state;

	world_start(w);
	while (w->n_sends[ue_index] == 0)
		world_turn(w, false);
	state = w->states[ue_index];
	state.outcome = FK_OUTCOME_ANSWERED;
	state.kmm_message_id = FK_KMM_REKEY_ACK;
	state.kmm_status = 0;
	state.keys_held = 1;
	state.answered_at_us = 99;
	return state;
}

Test(scheduler, a_state_of_another_campaign_owner_or_step_changes_nothing)
{
	struct fk_ue_state good = open_and_answer(2), bad;
	struct fk_token t = fk_token_unpack(good.token), wrong;

	for (uint32_t i = 0; i < 6; i++) {
		wrong = t;
		if (i == 0)
			wrong.campaign_slot++;
		else if (i == 1)
			wrong.campaign_generation++;
		else if (i == 2)
			wrong.ue_generation++;
		else if (i == 3)
			wrong.step = 1;
		else if (i == 4)
			wrong.ue_index++;
		else
			wrong.attempt++;
		bad = good;
		bad.token = fk_token_pack(&wrong);
		fk_scheduler_apply(w->scheduler, 2, &bad, &w->now);
		cr_assert_eq(world_delivery(w, 2)->state, FK_DELIVERY_OPEN, "case %u", i);
	}
	fk_scheduler_apply(w->scheduler, WORLD_UES, &good, &w->now); /* out of range: ignored */
	fk_scheduler_apply(w->scheduler, 2, &good, &w->now);
	cr_assert(world_delivery(w, 2)->flags & FK_DELIVERY_HELD);
}

Test(scheduler, a_closing_answer_under_another_key_proves_nothing)
{
	struct fk_ue_state state;

	world_start(w);
	while (world_delivery(w, 2)->step != 1 || world_delivery(w, 2)->state != FK_DELIVERY_OPEN)
		world_turn(w, false);
	state = w->states[2];
	state.outcome = FK_OUTCOME_ANSWERED;
	state.kmm_message_id = FK_KMM_INVENTORY_RESPONSE;
	state.mac_algorithm_id = FK_ALGORITHM_AES_256;
	state.mac_key_id = 5;
	state.answered_at_us = 99;
	fk_scheduler_apply(w->scheduler, 2, &state, &w->now);
	cr_assert_not(world_delivery(w, 2)->flags & FK_DELIVERY_PROVEN);
	cr_assert_eq(world_delivery(w, 2)->state, FK_DELIVERY_PARTIAL);
	cr_assert_eq(world_delivery(w, 2)->cause, FK_CAUSE_UNEXPECTED);
}

Test(scheduler, an_ack_with_another_status_than_00_is_a_refusal)
{
	struct fk_ue_state state = open_and_answer(2);

	state.kmm_status = 0x06;
	state.keys_held = 0;
	fk_scheduler_apply(w->scheduler, 2, &state, &w->now);
	cr_assert_eq(world_delivery(w, 2)->state, FK_DELIVERY_REFUSED);
	cr_assert_eq(world_delivery(w, 2)->cause_detail, 6);
}

Test(scheduler, the_evidence_of_an_ack_is_kept)
{
	world_start(w);
	world_run(w, 1000);
	cr_assert_eq(world_delivery(w, 100)->inbound_number, 1);
	cr_assert_eq(world_delivery(w, 100)->mac_key_id, 5);
	cr_assert_eq(world_delivery(w, 100)->mac[3], 100);
	cr_assert_gt(world_delivery(w, 100)->acked_ms, 0);
	cr_assert_eq(w->numbers[100].inbound, 2);
	cr_assert_eq(w->numbers[100].inbound_known, 1);
}

Test(scheduler, a_final_state_never_changes)
{
	struct fk_ue_state state;
	struct fk_delivery before;

	w->radios[9].is_silent = true;
	world_start(w);
	world_run(w, 5000);
	state = w->states[9];
	before = *world_delivery(w, 9);
	state.outcome = FK_OUTCOME_ANSWERED;
	state.kmm_message_id = FK_KMM_REKEY_ACK;
	state.kmm_status = 0;
	state.keys_held = 1;
	state.answered_at_us = 1;
	fk_scheduler_apply(w->scheduler, 9, &state, &w->now);
	cr_assert_arr_eq(&before, world_delivery(w, 9), sizeof(before));
}

Test(scheduler, after_a_restart_with_the_region_the_same_numbers_go_on)
{
	world_start(w);
	for (uint32_t i = 0; i < 8; i++)
		world_turn(w, false);
	world_restart(w, true);
	world_run(w, 2000);
	world_check_books(w);
	for (uint32_t i = 0; i < WORLD_UES; i++)
		cr_assert_leq(world_delivery(w, i)->number, 2);
}

Test(scheduler, after_the_region_is_lost_unfinished_deliveries_get_new_blocks)
{
	world_start(w);
	for (uint32_t i = 0; i < 3; i++)
		world_turn(w, false);
	cr_assert_eq(w->n_sends[0], 1);
	world_restart(w, false);
	world_run(w, 2000);
	world_check_books(w);
	/* Block 1..4 was given up: the attempt after it begins the next block. */
	cr_assert_eq(w->sent_token[0][1] & FK_ATTEMPT_MAX, 0);
	cr_assert_eq(w->sent_token[0][5] & FK_ATTEMPT_MAX, 1);
	cr_assert_eq(w->sent_token[0][2], 0);
}

Test(scheduler, bad_options_are_refused)
{
	struct fk_scheduler *s;

	w->options.n_slots = 65;
	cr_assert_eq(fk_scheduler_new(&w->options, &s), FK_EINVAL);
	w->options.n_slots = 64;
	w->options.window = 0;
	cr_assert_eq(fk_scheduler_new(&w->options, &s), FK_EINVAL);
	w->options.window = 1;
	w->options.number_block = 256;
	cr_assert_eq(fk_scheduler_new(&w->options, &s), FK_EINVAL);
	w->options.number_block = 1;
	w->options.n_keys = 0;
	cr_assert_eq(fk_scheduler_new(&w->options, &s), FK_EINVAL);
	w->options.n_keys = FK_CAMPAIGN_KEYS_MAX + 1;
	cr_assert_eq(fk_scheduler_new(&w->options, &s), FK_EINVAL);
}

static void ask_for_keys(uint8_t n_keys, uint8_t keys_per_kmm)
{
	w->options.n_keys = n_keys;
	w->options.keys_per_kmm[0] = keys_per_kmm;
}

Test(scheduler, several_keys_go_in_as_few_kmms_as_they_fit_and_the_proof_comes_last)
{
	ask_for_keys(16, 9);
	world_start(w);
	world_run(w, 2000);
	world_check_books(w);
	cr_assert_eq(fk_scheduler_tally(w->scheduler)->states[FK_DELIVERY_ACKED], WORLD_UES);
	cr_assert_eq(w->n_orders, 3 * WORLD_UES);
	cr_assert_eq(w->sent_keys[5][1], 0 << 8 | 9);
	cr_assert_eq(w->sent_keys[5][2], 9 << 8 | 7);
	cr_assert_eq(w->sent_keys[5][3], 0);
}

Test(scheduler, sixteen_kmms_are_the_most_of_one_delivery)
{
	ask_for_keys(15, 1);
	world_start(w);
	world_run(w, 5000);
	world_check_books(w);
	cr_assert_eq(w->n_orders, 16 * WORLD_UES);
	cr_assert_eq(world_delivery(w, 0)->step, 15);
	world_free(w);
	begin();
	ask_for_keys(16, 1);
	world_start(w);
	world_run(w, 10);
	cr_assert_eq(w->n_orders, 0);
	cr_assert_eq(world_delivery(w, 0)->state, FK_DELIVERY_EXCLUDED);
	cr_assert_eq(world_delivery(w, 0)->cause, FK_CAUSE_UNBUILDABLE);
}

Test(scheduler, a_ue_is_acked_only_when_it_holds_the_last_key)
{
	ask_for_keys(5, 2);
	world_start(w);
	while (world_delivery(w, 3)->step < 2)
		world_turn(w, false);
	cr_assert_eq(world_delivery(w, 3)->keys_held, 0xf);
	cr_assert_not(world_delivery(w, 3)->flags & FK_DELIVERY_HELD);
	w->radios[3].is_silent = true;
	world_run(w, 5000);
	world_check_books(w);
	cr_assert_eq(world_delivery(w, 3)->state, FK_DELIVERY_PARTIAL);
	cr_assert_eq(world_delivery(w, 3)->cause, FK_CAUSE_SIP_TIMEOUT);
	cr_assert_eq(world_delivery(w, 3)->keys_held, 0xf);
	cr_assert_eq(fk_scheduler_tally(w->scheduler)->n_held_durable, WORLD_UES - 1);
}

Test(scheduler, a_refused_key_ends_the_delivery_partial_with_what_is_held)
{
	ask_for_keys(5, 3);
	w->radios[8].forced_kmm_status = 0x05;
	w->radios[8].refused_keys = 1u << 1;
	w->radios[9].forced_kmm_status = 0x06; /* a Negative-Ack to all of it */
	w->radios[10].forced_kmm_status = 0x01;
	w->radios[10].refused_keys = 1u << 4;
	world_start(w);
	world_run(w, 5000);
	world_check_books(w);
	cr_assert_eq(world_delivery(w, 8)->state, FK_DELIVERY_PARTIAL);
	cr_assert_eq(world_delivery(w, 8)->cause, FK_CAUSE_KMM);
	cr_assert_eq(world_delivery(w, 8)->cause_detail, 0x05);
	cr_assert_eq(world_delivery(w, 8)->keys_held, 0x5);
	cr_assert_eq(w->n_sends[8], 1); /* what follows a refusal is not sent */
	cr_assert_str_eq(fk_delivery_key_label(world_delivery(w, 8), 5, 0), "held");
	cr_assert_str_eq(fk_delivery_key_label(world_delivery(w, 8), 5, 1), "refused");
	cr_assert_str_eq(fk_delivery_key_label(world_delivery(w, 8), 5, 4), "not_held");
	cr_assert_eq(world_delivery(w, 9)->state, FK_DELIVERY_REFUSED);
	cr_assert_eq(world_delivery(w, 9)->keys_held, 0);
	cr_assert_eq(world_delivery(w, 10)->state, FK_DELIVERY_PARTIAL);
	cr_assert_eq(world_delivery(w, 10)->keys_held, 0xf);
}

Test(scheduler, a_restart_at_any_step_goes_on_there_whatever_the_limits_are_now)
{
	ask_for_keys(8, 2);
	for (uint32_t step = 0; step <= 4; step++) {
		for (uint32_t survives = 0; survives < 2; survives++) {
			ask_for_keys(8, 2);
			world_start(w);
			while (world_delivery(w, 7)->step < step ||
			       world_delivery(w, 7)->state != FK_DELIVERY_OPEN)
				world_turn(w, false);
			ask_for_keys(8, 5); /* for those who were not begun */
			world_restart(w, survives);
			cr_assert_eq(world_delivery(w, 7)->step, step);
			cr_assert_eq(world_delivery(w, 7)->keys_per_kmm, 2);
			world_run(w, 5000);
			world_check_books(w);
			cr_assert_eq(world_delivery(w, 7)->state, FK_DELIVERY_ACKED);
			cr_assert_eq(world_delivery(w, 7)->keys_per_kmm, 2);
			cr_assert_eq(w->n_sends[7], 5 + !survives);
			world_free(w);
			begin();
		}
	}
}

Test(scheduler, no_ue_gets_more_keys_in_a_kmm_than_it_takes_also_after_a_restart)
{
	ask_for_keys(8, 4);
	w->ues[WORLD_UES - 1].max_kmm = w->ues[5].max_kmm = 170; /* three keys */
	w->ues[6].max_keys = 1;
	w->ues[7].max_kmm = 79;
	world_start(w);
	while (world_delivery(w, 6)->step < 2)
		world_turn(w, false);
	world_restart(w, true);
	world_run(w, 5000);
	world_check_books(w);
	cr_assert_eq(w->n_sends[4], 2 + 1);
	cr_assert_eq(w->n_sends[5], 3 + 1);
	cr_assert_eq(w->n_sends[6], 8 + 1);
	cr_assert_eq(w->n_sends[WORLD_UES - 1], 3 + 1);
	cr_assert_eq(w->sent_keys[5][3], 6 << 8 | 2);
	cr_assert_eq(w->sent_keys[6][8], 7 << 8 | 1);
	cr_assert_eq(world_delivery(w, 7)->state, FK_DELIVERY_EXCLUDED);
	cr_assert_eq(world_delivery(w, 7)->cause, FK_CAUSE_TOO_LARGE);
}

Test(scheduler, who_is_excluded_at_any_time_ends_once_and_gets_nothing_more)
{
	uint32_t last = WORLD_UES - 1, n_sends;

	ask_for_keys(4, 1);
	world_start(w);
	fk_scheduler_exclude(w->scheduler, 3, FK_CAUSE_SUSPENDED); /* before the first reserve */
	while (world_delivery(w, 5)->step < 2 || world_delivery(w, 5)->state != FK_DELIVERY_OPEN)
		world_turn(w, false);
	w->radios[6].is_silent = true;
	while (world_delivery(w, 6)->state != FK_DELIVERY_OPEN)
		world_turn(w, false);
	w->radios[7].is_silent = true;
	while (world_delivery(w, 7)->state != FK_DELIVERY_WAITING)
		world_turn(w, false);
	n_sends = w->n_sends[7];
	for (uint32_t i = 5; i <= 7; i++)
		fk_scheduler_exclude(w->scheduler, i, FK_CAUSE_LOST);
	fk_scheduler_exclude(w->scheduler, last, FK_CAUSE_LOST);
	fk_scheduler_exclude(w->scheduler, last, FK_CAUSE_ZEROIZED);
	world_turn(w, false);
	world_restart(w, true);
	world_run(w, 5000);
	cr_assert_eq(world_delivery(w, 3)->state, FK_DELIVERY_EXCLUDED);
	cr_assert_eq(w->n_sends[3], 0);
	cr_assert_eq(world_delivery(w, 5)->state, FK_DELIVERY_PARTIAL); /* keys are held */
	cr_assert_eq(world_delivery(w, 5)->cause, FK_CAUSE_LOST);
	cr_assert_eq(world_delivery(w, 6)->cause, FK_CAUSE_LOST);
	cr_assert_eq(w->n_sends[7], n_sends);
	cr_assert_eq(world_delivery(w, 7)->cause, FK_CAUSE_LOST);
	cr_assert_neq(world_delivery(w, last)->cause, FK_CAUSE_ZEROIZED);
	fk_scheduler_exclude(w->scheduler, 8, FK_CAUSE_LOST); /* final is final */
	cr_assert_eq(world_delivery(w, 8)->state, FK_DELIVERY_ACKED);
}

Test(scheduler, who_was_sent_something_is_aborted_and_who_was_not_is_excluded)
{
	ask_for_keys(1, 1);
	w->radios[0].is_silent = true;
	world_start(w);
	while (world_delivery(w, 0)->state != FK_DELIVERY_OPEN)
		world_turn(w, false);
	cr_assert_eq(world_delivery(w, WORLD_UES - 1)->state, FK_DELIVERY_PENDING);
	fk_scheduler_exclude(w->scheduler, 0, FK_CAUSE_LOST);
	fk_scheduler_exclude(w->scheduler, WORLD_UES - 1, FK_CAUSE_LOST);
	cr_assert_eq(world_delivery(w, 0)->state, FK_DELIVERY_ABORTED);
	cr_assert_str_eq(fk_delivery_key_label(world_delivery(w, 0), 1, 0), "possibly_held");
	cr_assert_eq(world_delivery(w, WORLD_UES - 1)->state, FK_DELIVERY_EXCLUDED);
	cr_assert_str_eq(fk_delivery_key_label(world_delivery(w, WORLD_UES - 1), 1, 0), "not_held");
	world_turn(w, false);
	world_restart(w, false);
	world_run(w, 5000);
	cr_assert_eq(world_delivery(w, WORLD_UES - 2)->state, FK_DELIVERY_ACKED);
	cr_assert_eq(w->n_sends[0], 1);
	cr_assert_eq(w->n_sends[WORLD_UES - 1], 0);
}

Test(scheduler, an_acknowledgement_of_some_keys_of_the_step_is_no_success)
{
	struct fk_ue_state state;

	ask_for_keys(3, 3);
	state = open_and_answer(2);
	state.keys_held = 0x3; /* of 7, though no status was told */
	fk_scheduler_apply(w->scheduler, 2, &state, &w->now);
	cr_assert_eq(world_delivery(w, 2)->state, FK_DELIVERY_PARTIAL);
	cr_assert_eq(world_delivery(w, 2)->keys_held, 0x3);
}

Test(scheduler, keys_beyond_the_step_are_not_believed)
{
	struct fk_ue_state state;

	ask_for_keys(6, 3);
	state = open_and_answer(2);
	state.keys_held = 0xffff;
	fk_scheduler_apply(w->scheduler, 2, &state, &w->now);
	cr_assert_eq(world_delivery(w, 2)->keys_held, 0x7);
	cr_assert_eq(world_delivery(w, 2)->step, 1);
}

/* What the operator sets decides the split of those who are not begun; at most 16 KMMs. */
/* A Changeover-Command after the keys. */
static void change_over(struct world *h)
{
	h->options.n_commands = 1;
	h->options.commands[0] = FK_ORDER_CHANGEOVER;
}

Test(scheduler, a_changeover_is_acked_by_its_response_and_proven_by_the_closing_exchange)
{
	change_over(w);
	w->options.n_keys = 0;
	world_start(w);
	world_run(w, 2000);
	world_check_books(w);
	for (uint32_t i = 0; i < WORLD_UES; i++) {
		cr_expect_eq(world_delivery(w, i)->state, FK_DELIVERY_ACKED);
		cr_expect_eq(w->n_sends[i], 2);
		cr_expect(w->radios[i].is_changed);
		cr_expect_eq(fk_delivery_active_keyset(world_delivery(w, i)), 1);
	}
}

Test(scheduler, the_changeover_goes_out_when_the_last_key_is_held_and_not_before)
{
	change_over(w);
	w->options.closing = false;
	ask_for_keys(3, 1);
	w->radios[5].refused_keys = 4;
	w->radios[5].forced_kmm_status = 5;
	world_start(w);
	world_run(w, 4000);
	world_check_books(w);
	for (uint32_t i = 0; i < WORLD_UES; i++) {
		cr_expect_eq(world_delivery(w, i)->state,
			     i == 5 ? FK_DELIVERY_PARTIAL : FK_DELIVERY_ACKED);
		cr_expect_eq(w->radios[i].is_changed, i != 5);
		cr_expect_eq(w->n_sends[i], i == 5 ? 3 : 4);
	}
	cr_expect_eq(fk_scheduler_tally(w->scheduler)->n_held, WORLD_UES - 1,
		     "the keys alone are not the goal");
}

Test(scheduler, a_changeover_that_is_refused_ends_with_its_status)
{
	change_over(w);
	w->options.n_keys = 0;
	w->radios[7].forced_kmm_status = 2;
	world_start(w);
	world_run(w, 2000);
	world_check_books(w);
	cr_expect_eq(world_delivery(w, 7)->state, FK_DELIVERY_REFUSED);
	cr_expect_eq(world_delivery(w, 7)->cause, FK_CAUSE_KMM);
	cr_expect_eq(world_delivery(w, 7)->cause_detail, 2);
}

static void change_limits(struct world *h)
{
	uint32_t least = h->options.n_keys > FK_STEP_MAX ? 2 : 1;

	h->options.keys_per_kmm[0] =
		(uint8_t)(least + world_random(h, FK_ORDER_KEYS_MAX + 1 - least));
}

/* Histories with everything at once; the world checks every order, the books check the end. */
static void random_history(uint64_t seed)
{
	struct world *h = world_new(seed);

	h->loss_percent = world_random(h, 60);
	h->options.window = 1 + world_random(h, 40);
	h->options.number_block = 1 + world_random(h, 8);
	h->options.closing = world_random(h, 4) != 0;
	if (world_random(h, 3) != 0)
		h->options.n_keys = (uint8_t)(1 + world_random(h, FK_CAMPAIGN_KEYS_MAX));
	if (world_random(h, 3) == 0)
		change_over(h);
	if (h->options.n_commands > 0 && world_random(h, 2) == 0)
		h->options.n_keys = 0;
	change_limits(h);
	for (uint32_t i = 0; i < WORLD_UES; i++) {
		static const uint16_t sip[] = {403, 404, 480, 503, 600};
		static const uint8_t kmm[] = {4, 6, 7};

		h->ues[i].mnp = (uint16_t)(20 + world_random(h, 1000));
		if (world_random(h, 20) == 0)
			h->ues[i].ptek_algorithm_id = 0;
		h->radios[i].is_silent = world_random(h, 20) == 0;
		if (world_random(h, 20) == 0)
			h->radios[i].forced_sip = sip[world_random(h, 5)];
		if (world_random(h, 20) == 0)
			h->radios[i].forced_kmm_status = kmm[world_random(h, 3)];
		if (world_random(h, 2) == 0)
			h->radios[i].refused_keys = (uint16_t)(1u << world_random(h, 16));
	}
	world_start(h);
	for (uint32_t turn = 0; turn < 300; turn++) {
		world_turn(h, world_random(h, 5) == 0);
		if (world_random(h, 40) == 0) {
			change_limits(h);
			world_restart(h, world_random(h, 3) != 0);
		}
	}
	world_run(h, 20000);
	world_check_books(h);
	for (uint32_t i = 0; i < WORLD_UES; i++)
		cr_assert_leq(h->n_sends[i], 400 * (h->options.n_keys + h->options.n_commands));
	world_free(h);
}

Test(scheduler, promises_hold_in_random_histories_with_crashes)
{
	for (uint64_t seed = 1; seed <= 60; seed++)
		random_history(seed);
}

/* How a delivery of the only command ends whose every try has the outcome and progress given. */
static const struct fk_delivery *end_silently(enum fk_order_kind kind, uint8_t outcome,
					      const uint8_t *progress)
{
	struct fk_scheduler_now now = {.ms = 10, .date_s = 1};
	struct fk_ue_state state = {.outcome = outcome};
	uint32_t ue_index = 0, pages[WORLD_PAGES], n_tries = 0;
	struct fk_order order;

	w->options.n_keys = 0;
	w->options.n_commands = 1;
	w->options.commands[0] = (uint8_t)kind;
	w->options.closing = false;
	w->options.is_destructive = kind == FK_ORDER_ZEROIZE;
	w->options.attempts_max = 3;
	world_start(w);
	for (uint32_t i = 1; i < WORLD_UES; i++)
		fk_scheduler_exclude(w->scheduler, i, FK_CAUSE_LOST);
	for (uint32_t turns = 0; !fk_scheduler_is_done(w->scheduler); turns++) {
		cr_assert_lt(turns, 100);
		fk_scheduler_reserve(w->scheduler, &now, WORLD_PAGES);
		for (uint32_t n = fk_scheduler_list_dirty(w->scheduler, pages, WORLD_PAGES); n > 0;
		     n--)
			fk_scheduler_page_durable(w->scheduler, pages[n - 1]);
		now.ms += 1000;
		if (fk_scheduler_poll(w->scheduler, &now, &order, 1) == 0)
			continue;
		cr_assert_eq(order.mac_key, FK_MAC_KEY_PTEK);
		state.token = order.token;
		state.progress |= progress[n_tries++];
		state.answered_at_us++;
		fk_scheduler_apply(w->scheduler, ue_index, &state, &now);
	}
	return world_delivery(w, ue_index);
}

Test(scheduler, a_zeroize_that_was_delivered_without_an_answer_is_unconfirmed)
{
	static const uint8_t first_delivered[] = {FK_PROGRESS_SENT | FK_PROGRESS_DELIVERED,
						  FK_PROGRESS_SENT, FK_PROGRESS_SENT};
	const struct fk_delivery *d =
		end_silently(FK_ORDER_ZEROIZE, FK_OUTCOME_TIMEOUT, first_delivered);

	cr_expect_eq(d->state, FK_DELIVERY_UNCONFIRMED);
	cr_expect_eq(d->cause, FK_CAUSE_DELIVERED);
}

Test(scheduler, a_zeroize_that_was_accepted_without_an_answer_is_unconfirmed)
{
	static const uint8_t accepted[] = {FK_PROGRESS_SENT, FK_PROGRESS_ACCEPTED, 0};
	const struct fk_delivery *d =
		end_silently(FK_ORDER_ZEROIZE, FK_OUTCOME_NO_ANSWER, accepted);

	cr_expect_eq(d->state, FK_DELIVERY_UNCONFIRMED);
	cr_expect_eq(d->cause, FK_CAUSE_NO_ANSWER);
}

Test(scheduler, a_zeroize_that_reached_nobody_is_unreachable)
{
	static const uint8_t sent[] = {FK_PROGRESS_SENT, FK_PROGRESS_SENT, FK_PROGRESS_SENT};
	const struct fk_delivery *d = end_silently(FK_ORDER_ZEROIZE, FK_OUTCOME_TIMEOUT, sent);

	cr_expect_eq(d->state, FK_DELIVERY_UNREACHABLE);
	cr_expect_eq(d->cause, FK_CAUSE_SIP_TIMEOUT);
}

Test(scheduler, a_zeroize_that_the_system_could_not_deliver_is_unreachable)
{
	static const uint8_t accepted[] = {FK_PROGRESS_ACCEPTED, 0, 0};
	const struct fk_delivery *d =
		end_silently(FK_ORDER_ZEROIZE, FK_OUTCOME_UNDELIVERED, accepted);

	cr_expect_eq(d->state, FK_DELIVERY_UNREACHABLE);
	cr_expect_eq(d->cause, FK_CAUSE_UNDELIVERED);
}

Test(scheduler, what_destroys_nothing_is_never_unconfirmed)
{
	static const uint8_t delivered[] = {FK_PROGRESS_DELIVERED, 0, 0};
	const struct fk_delivery *d =
		end_silently(FK_ORDER_INVENTORY, FK_OUTCOME_NO_ANSWER, delivered);

	cr_expect_eq(d->state, FK_DELIVERY_UNREACHABLE);
	cr_expect_eq(d->cause, FK_CAUSE_NO_ANSWER);
}

Test(scheduler, a_ue_that_speaks_ends_the_wait_for_it)
{
	w->options.retry_backoff_ms = 3000000;
	w->radios[9].is_silent = true;
	world_start(w);
	while (world_delivery(w, 9)->state != FK_DELIVERY_WAITING)
		world_turn(w, false);
	for (uint32_t i = 0; i < 100; i++)
		world_turn(w, false);
	cr_assert_eq(w->n_sends[9], 1);
	cr_assert(fk_scheduler_wake(w->scheduler, 9, &w->now));
	world_turn(w, false);
	cr_assert_eq(w->n_sends[9], 2);
}

Test(scheduler, a_ue_that_was_given_up_is_served_when_it_speaks)
{
	w->radios[9].is_silent = w->radios[10].is_silent = true;
	world_start(w);
	world_run(w, 5000);
	cr_assert_eq(world_delivery(w, 9)->state, FK_DELIVERY_UNREACHABLE);
	w->radios[9].is_silent = false;
	cr_assert(fk_scheduler_wake(w->scheduler, 9, &w->now));
	cr_assert_not(fk_scheduler_is_done(w->scheduler));
	cr_assert_not(fk_scheduler_wake(w->scheduler, 9, &w->now), "it is under way already");
	world_restart(w, false); /* what is begun again is not forgotten */
	cr_assert(fk_scheduler_wake(w->scheduler, 9, &w->now));
	world_run(w, 5000);
	world_check_books(w);
	cr_expect_eq(world_delivery(w, 9)->state, FK_DELIVERY_ACKED);
	cr_expect_eq(world_delivery(w, 10)->state, FK_DELIVERY_UNREACHABLE);
	cr_expect_not(fk_scheduler_wake(w->scheduler, 9, &w->now), "it has all it should");
}

/* An answer of another UE in its page makes a page be written again. */
static void touch_page_of(uint32_t ue_index)
{
	struct fk_ue_state state = {.inbound_known = 1, .inbound_number = 7};

	(void)fk_scheduler_apply(w->scheduler, ue_index ^ 1, &state, &w->now);
}

/* Until nobody is left but UE 9, which is silent, and waits so long that nobody sends to it again.
 */
static void let_wait(void)
{
	w->options.retry_backoff_ms = 3000000;
	w->radios[9].is_silent = true;
	world_start(w);
	while (fk_scheduler_tally(w->scheduler)->states[FK_DELIVERY_ACKED] < WORLD_UES - 1)
		world_turn(w, false);
	cr_assert_eq(world_delivery(w, 9)->state, FK_DELIVERY_WAITING);
	cr_assert_eq(w->n_sends[9], 1);
	w->radios[9].is_silent = false;
}

Test(scheduler, a_ue_that_spoke_before_a_crash_is_sent_to_at_once_after_it)
{
	let_wait();
	cr_assert(fk_scheduler_wake(w->scheduler, 9, &w->now));
	world_write(w);
	world_restart(w, true);
	world_restart(w, true); /* and another one, before anything is written */
	cr_expect_eq(world_delivery(w, 9)->tries, 1);
	world_turn(w, false);
	cr_expect_eq(w->n_sends[9], 2);
	cr_expect_eq(world_delivery(w, 9)->tries, 2);
	world_run(w, 5000);
	world_check_books(w);
	cr_expect_eq(world_delivery(w, 9)->state, FK_DELIVERY_ACKED);
}

Test(scheduler, a_ue_that_spoke_is_sent_to_though_the_order_was_lost_in_a_crash)
{
	struct fk_order order;

	let_wait();
	cr_assert(fk_scheduler_wake(w->scheduler, 9, &w->now));
	world_write(w);
	cr_assert_eq(fk_scheduler_poll(w->scheduler, &w->now, &order, 1), 1);
	cr_assert_eq(fk_token_unpack(order.token).ue_index, 9);
	/* The page is written once more for another UE, and what was ordered is not begun. */
	touch_page_of(9);
	world_write(w);
	world_restart(w, true);
	world_turn(w, false);
	cr_expect_eq(w->n_sends[9], 2);
}

Test(scheduler, a_ue_that_is_heard_again_between_restart_and_rescan_is_sent_to_at_once)
{
	let_wait();
	world_restore(w);
	(void)fk_scheduler_wake(w->scheduler, 9, &w->now);
	world_rescan(w, true);
	world_turn(w, false);
	cr_expect_eq(w->n_sends[9], 2);
}

Test(scheduler, a_ue_that_spoke_waits_anew_when_it_is_silent_after_all)
{
	let_wait();
	w->radios[9].is_silent = true;
	cr_assert(fk_scheduler_wake(w->scheduler, 9, &w->now));
	for (uint32_t i = 0; i < 100; i++)
		world_turn(w, false);
	cr_expect_eq(w->n_sends[9], 2);
	cr_expect_eq(world_delivery(w, 9)->state, FK_DELIVERY_WAITING);
	world_restart(w, true);
	for (uint32_t i = 0; i < 100; i++)
		world_turn(w, false);
	cr_expect_eq(w->n_sends[9], 2);
	cr_expect_eq(world_delivery(w, 9)->tries, 2);
}

Test(scheduler, a_ue_that_was_given_up_and_spoke_is_not_given_up_again_by_a_crash)
{
	w->options.attempts_max = 1;
	w->radios[9].is_silent = true;
	world_start(w);
	world_run(w, 5000);
	cr_assert_eq(world_delivery(w, 9)->state, FK_DELIVERY_UNREACHABLE);
	w->radios[9].is_silent = false;
	cr_assert(fk_scheduler_wake(w->scheduler, 9, &w->now));
	world_write(w);
	world_restart(w, true);
	cr_assert_eq(world_delivery(w, 9)->state, FK_DELIVERY_QUEUED);
	world_run(w, 5000);
	world_check_books(w);
	cr_expect_eq(world_delivery(w, 9)->state, FK_DELIVERY_ACKED);
}

Test(scheduler, what_refuses_a_ue_that_spoke_counts_after_a_crash)
{
	let_wait();
	cr_assert(fk_scheduler_wake(w->scheduler, 9, &w->now));
	world_write(w);
	w->radios[9].forced_sip = 404;
	world_turn(w, false);
	for (uint32_t i = 0; i < 10; i++)
		world_turn(w, true); /* the refusal comes, and the store does not take it */
	world_restart(w, true);
	cr_expect_eq(world_delivery(w, 9)->state, FK_DELIVERY_REFUSED);
	cr_expect_eq(w->n_sends[9], 2);
}

Test(scheduler, a_wait_is_no_longer_than_before_when_it_begins_anew_after_a_crash)
{
	w->options.retry_backoff_ms = 1000;
	w->radios[9].is_silent = true;
	world_start(w);
	while (w->n_sends[9] < 2 || world_delivery(w, 9)->state != FK_DELIVERY_WAITING)
		world_turn(w, false);
	world_write(w);
	world_restart(w, true);
	cr_expect_eq(world_delivery(w, 9)->tries, 2);
	cr_expect_leq(fk_scheduler_next_due_ms(w->scheduler), w->now.ms + 2000);
	for (uint32_t i = 0; i < 202; i++)
		world_turn(w, false);
	cr_expect_eq(w->n_sends[9], 3);
}

Test(scheduler, a_send_that_a_crash_interrupts_is_not_counted_twice)
{
	w->options.attempts_max = 2;
	w->radios[9].is_silent = w->radios[9].is_stuck = true;
	world_start(w);
	while (world_delivery(w, 9)->state != FK_DELIVERY_OPEN)
		world_turn(w, false);
	touch_page_of(9);
	world_write(w);
	world_restart(w, true);
	world_turn(w, false); /* ordered again; the dataplane is at it */
	cr_expect_eq(world_delivery(w, 9)->tries, 1);
	cr_expect_eq(w->n_sends[9], 1);
}

Test(scheduler, what_the_system_or_the_radio_has_refused_is_not_begun_again)
{
	w->radios[3].forced_sip = 404;
	w->radios[4].forced_sip = 503;
	w->radios[5].forced_kmm_status = 0x05;
	world_start(w);
	world_run(w, 5000);
	for (uint32_t i = 3; i <= 5; i++)
		cr_expect_not(fk_scheduler_wake(w->scheduler, i, &w->now), "ue %u", i);
	cr_expect(fk_scheduler_is_done(w->scheduler));
}

Test(scheduler, a_send_that_was_too_early_for_a_ue_that_speaks_is_not_its_last)
{
	w->radios[9].is_silent = true;
	world_start(w);
	while (world_delivery(w, 9)->state != FK_DELIVERY_OPEN ||
	       w->n_sends[9] < w->options.attempts_max)
		world_turn(w, false);
	cr_assert(fk_scheduler_wake(w->scheduler, 9, &w->now));
	while (w->n_sends[9] == w->options.attempts_max)
		world_turn(w, false);
	w->radios[9].is_silent = false;
	world_run(w, 5000);
	cr_expect_eq(world_delivery(w, 9)->state, FK_DELIVERY_ACKED);
}

Test(scheduler, a_ue_that_has_gone_is_not_sent_to_until_it_is_back)
{
	world_start(w);
	fk_scheduler_be_absent(w->scheduler, 9);
	cr_expect_eq(world_delivery(w, 9)->state, FK_DELIVERY_UNREACHABLE);
	cr_expect_eq(world_delivery(w, 9)->cause, FK_CAUSE_DEREGISTERED);
	world_run(w, 5000);
	cr_assert_eq(w->n_sends[9], 0);
	world_restart(w, true);
	cr_expect_eq(world_delivery(w, 9)->cause, FK_CAUSE_DEREGISTERED);
	cr_assert(fk_scheduler_wake(w->scheduler, 9, &w->now));
	world_run(w, 5000);
	world_check_books(w);
	cr_expect_eq(world_delivery(w, 9)->state, FK_DELIVERY_ACKED);
	/* What is done stays done. */
	fk_scheduler_be_absent(w->scheduler, 9);
	cr_expect_eq(world_delivery(w, 9)->state, FK_DELIVERY_ACKED);
}

Test(scheduler, a_ue_that_goes_in_the_middle_of_its_delivery_is_given_up_and_served_later)
{
	w->radios[9].is_silent = true;
	world_start(w);
	while (world_delivery(w, 9)->state != FK_DELIVERY_OPEN)
		world_turn(w, false);
	fk_scheduler_be_absent(w->scheduler, 9);
	world_run(w, 5000);
	cr_assert_eq(world_delivery(w, 9)->cause, FK_CAUSE_DEREGISTERED);
	cr_assert_eq(w->n_sends[9], 1);
	w->radios[9].is_silent = false;
	cr_assert(fk_scheduler_wake(w->scheduler, 9, &w->now));
	world_run(w, 5000);
	world_check_books(w);
	cr_expect_eq(world_delivery(w, 9)->state, FK_DELIVERY_ACKED);
}

/* Somebody else sends the UE a KMM under the next number, and it takes it. */
static void outrun(uint32_t ue_index)
{
	w->radios[ue_index].accepted = w->numbers[ue_index].reserved_next;
	w->stored_numbers[ue_index].reserved_next = ++w->numbers[ue_index].reserved_next;
}

Test(scheduler, nothing_is_ordered_for_a_ue_that_is_engaged_and_then_under_a_later_number)
{
	uint16_t number;

	world_start(w);
	fk_scheduler_engage(w->scheduler, 9);
	for (uint32_t i = 0; i < 200; i++)
		world_turn(w, false);
	cr_assert_eq(w->n_sends[9], 0);
	cr_assert_eq(world_delivery(w, 9)->state, FK_DELIVERY_QUEUED);
	number = world_delivery(w, 9)->number;
	outrun(9);
	fk_scheduler_disengage(w->scheduler, 9, &w->now);
	cr_expect_gt(world_delivery(w, 9)->number, number + 1);
	world_run(w, 5000);
	world_check_books(w);
	cr_expect_eq(world_delivery(w, 9)->state, FK_DELIVERY_ACKED);
}

Test(scheduler, a_delivery_that_waits_when_its_ue_is_engaged_goes_on_with_later_numbers)
{
	w->radios[9].is_silent = true;
	world_start(w);
	while (world_delivery(w, 9)->state != FK_DELIVERY_WAITING)
		world_turn(w, false);
	fk_scheduler_engage(w->scheduler, 9);
	outrun(9);
	for (uint32_t i = 0; i < 1000; i++)
		world_turn(w, false);
	cr_assert_eq(w->n_sends[9], 1);
	w->radios[9].is_silent = false;
	fk_scheduler_disengage(w->scheduler, 9, &w->now);
	world_run(w, 5000);
	world_check_books(w);
	cr_expect_eq(world_delivery(w, 9)->state, FK_DELIVERY_ACKED);
}

Test(scheduler, who_is_engaged_and_not_outrun_goes_on_as_it_was)
{
	uint16_t number;

	world_start(w);
	fk_scheduler_engage(w->scheduler, 9);
	for (uint32_t i = 0; i < 200; i++)
		world_turn(w, false);
	number = world_delivery(w, 9)->number;
	fk_scheduler_disengage(w->scheduler, 9, &w->now);
	cr_expect_eq(world_delivery(w, 9)->number, number);
	world_run(w, 5000);
	world_check_books(w);
}

Test(scheduler, a_ue_that_lacks_its_own_key_gets_another_one_and_then_what_it_waits_for)
{
	w->options.may_warm_start = true;
	for (uint32_t i = 0; i < WORLD_UES; i += 2)
		w->radios[i].lacks_ptek = true; /* more than can wait for a key at a time */
	world_start(w);
	world_run(w, 20000);
	world_check_books(w);
	cr_expect_eq(fk_scheduler_tally(w->scheduler)->states[FK_DELIVERY_ACKED], WORLD_UES);
	cr_expect_eq(w->n_renewed, WORLD_UES / 2);
	for (uint32_t i = 0; i < WORLD_UES; i++)
		cr_expect_eq(w->numbers[i].needs_warm_start, 0);
}

Test(scheduler, a_warm_start_survives_restarts_losses_and_a_store_that_fails)
{
	w->options.may_warm_start = true;
	w->loss_percent = 20;
	for (uint32_t i = 0; i < WORLD_UES; i += 3)
		w->radios[i].lacks_ptek = true;
	world_start(w);
	for (uint32_t i = 0; i < 400; i++) {
		world_turn(w, i % 7 == 3);
		if (i % 40 == 39)
			world_restart(w, i % 80 == 39);
	}
	w->loss_percent = 0;
	world_run(w, 20000);
	world_check_books(w);
}

Test(scheduler, a_campaign_that_renews_keys_makes_one_for_each_and_brings_it)
{
	w->options.renews = w->options.may_warm_start = true;
	w->options.n_keys = 0;
	w->options.closing = false;
	w->options.n_commands = 1;
	w->options.commands[0] = FK_ORDER_WARM_START;
	w->ues[4].ptek_algorithm_id = 0; /* who never had one gets one, too */
	w->radios[5].lacks_ptek = true;
	w->radios[6].is_silent = true;
	world_start(w);
	for (uint32_t i = 0; i < 100; i++)
		world_turn(w, i % 5 == 2);
	world_restart(w, true);
	world_run(w, 20000);
	for (uint32_t i = 0; i < WORLD_UES; i++) {
		cr_expect_eq(world_delivery(w, i)->state,
			     i == 6 ? FK_DELIVERY_UNREACHABLE : FK_DELIVERY_ACKED, "ue %u", i);
		cr_expect_eq(w->numbers[i].needs_warm_start, i == 6, "ue %u", i);
	}
	cr_expect_eq(fk_scheduler_tally(w->scheduler)->n_held_durable, WORLD_UES - 1);
	cr_expect_geq(w->n_renewed, WORLD_UES);
}

Test(scheduler, who_is_left_out_has_the_reason_that_was_said)
{
	memset(w->options.keys_per_kmm, 0, sizeof(w->options.keys_per_kmm));
	cr_assert_eq(fk_scheduler_new(&w->options, &w->scheduler), FK_OK);
	w->ues[4].ptek_algorithm_id = 0;
	fk_scheduler_leave_out(w->scheduler, 3, FK_CAUSE_LOST);
	fk_scheduler_leave_out(w->scheduler, 4, FK_CAUSE_KEK_EXPIRED);
	fk_scheduler_include(w->scheduler, 5);
	cr_expect_eq(world_delivery(w, 3)->state, FK_DELIVERY_EXCLUDED);
	cr_expect_eq(world_delivery(w, 3)->cause, FK_CAUSE_LOST);
	cr_expect_eq(world_delivery(w, 4)->cause, FK_CAUSE_KEK_EXPIRED);
	cr_expect_eq(world_delivery(w, 5)->cause, FK_CAUSE_TOO_LARGE);
	cr_expect_eq(fk_scheduler_tally(w->scheduler)->n_deliveries, 3);
	cr_expect(fk_scheduler_is_done(w->scheduler));
}

/* Compromised, and so none at all, or expired. */
Test(scheduler, who_has_to_have_another_key_gets_it_before_what_it_waits_for)
{
	w->options.may_warm_start = true;
	for (uint32_t i = 0; i < WORLD_UES; i += 3) {
		w->has_to_renew[i] = true;
		w->ues[i].ptek_algorithm_id = i % 2 != 0 ? FK_ALGORITHM_AES_256 : 0;
	}
	w->ues[1].ptek_algorithm_id = 0; /* who never had one gets none */
	world_start(w);
	cr_expect_eq(world_delivery(w, 1)->state, FK_DELIVERY_EXCLUDED);
	cr_expect_eq(world_delivery(w, 0)->state, FK_DELIVERY_PENDING);
	for (uint32_t i = 0; i < 60; i++) {
		world_turn(w, i % 5 == 2);
		if (i % 20 == 19)
			world_restart(w, i % 40 == 19);
	}
	world_run(w, 20000);
	world_check_books(w);
	cr_expect_eq(fk_scheduler_tally(w->scheduler)->states[FK_DELIVERY_ACKED], WORLD_UES - 1);
	cr_expect_eq(w->n_renewed, WORLD_UES / 3, "one key each");
	for (uint32_t i = 0; i < WORLD_UES; i++)
		cr_expect_eq(w->numbers[i].needs_warm_start, 0);
}

Test(scheduler, a_ue_whose_key_is_compromised_before_its_turn_is_renewed_then)
{
	w->options.may_warm_start = true;
	w->options.window = 1;
	world_start(w);
	world_turn(w, false);
	cr_assert_eq(world_delivery(w, WORLD_UES - 1)->state, FK_DELIVERY_PENDING);
	w->ues[WORLD_UES - 1].ptek_algorithm_id = 0;
	fk_scheduler_renew(w->scheduler, WORLD_UES - 1);
	world_run(w, 20000);
	cr_expect_eq(world_delivery(w, WORLD_UES - 1)->state, FK_DELIVERY_ACKED);
	cr_expect_eq(w->n_renewed, 1);
	world_check_books(w);
}

Test(scheduler, nothing_is_ordered_for_a_ue_before_its_new_key_is_durable)
{
	w->options.may_warm_start = true;
	w->radios[9].lacks_ptek = true;
	world_start(w);
	while (world_delivery(w, 9)->cause != FK_CAUSE_UNABLE)
		world_turn(w, w->n_sends[9] > 0);
	for (uint32_t i = 0; i < 100; i++)
		world_turn(w, true);
	cr_expect_eq(w->n_sends[9], 1);
	cr_expect_eq(w->numbers[9].needs_warm_start, 0);
	world_run(w, 5000);
	cr_expect_eq(world_delivery(w, 9)->state, FK_DELIVERY_ACKED);
}

Test(scheduler, who_says_again_and_again_that_it_lacks_its_key_is_refused)
{
	w->options.may_warm_start = true;
	w->radios[9].lacks_ptek = w->radios[10].lacks_ptek = w->radios[10].has_no_kek = true;
	world_start(w);
	while (!fk_scheduler_is_done(w->scheduler)) {
		world_turn(w, false);
		w->radios[9].lacks_ptek = true; /* or somebody says so in its name */
	}
	cr_expect_eq(world_delivery(w, 9)->state, FK_DELIVERY_REFUSED);
	cr_expect_eq(world_delivery(w, 9)->cause, FK_CAUSE_UNABLE);
	cr_expect_eq(w->n_renewed, FK_WARM_STARTS_MAX);
	/* Without its KEK nothing reaches it. */
	cr_expect_eq(world_delivery(w, 10)->state, FK_DELIVERY_REFUSED);
	cr_expect_eq(world_delivery(w, 10)->cause_detail, FK_KMM_STATUS_NO_KEK);
	cr_expect_eq(w->n_sends[10], 1);
}

Test(scheduler, without_inferred_layouts_there_is_no_warm_start)
{
	w->radios[9].lacks_ptek = true;
	world_start(w);
	world_run(w, 5000);
	cr_expect_eq(world_delivery(w, 9)->state, FK_DELIVERY_REFUSED);
	cr_expect_eq(w->n_renewed, 0);
}

/* Until 'ue_index' waits for a key that nobody makes yet. */
static void run_until_keyless(struct world *world, uint32_t ue_index)
{
	world->options.may_warm_start = true;
	world->radios[ue_index].lacks_ptek = true;
	world_start(world);
	while (world_delivery(world, ue_index)->cause != FK_CAUSE_UNABLE)
		world_turn(world, world->n_sends[ue_index] > 0);
}

static uint32_t n_keyless(const struct world *world)
{
	uint32_t ue_indexes[FK_KEYLESS_MAX];

	return fk_scheduler_list_keyless(world->scheduler, ue_indexes, FK_KEYLESS_MAX);
}

Test(scheduler, a_key_that_was_made_before_a_crash_is_brought_under_another_number)
{
	uint16_t number;

	run_until_keyless(w, 9);
	number = world_delivery(w, 9)->number;
	w->stored_numbers[9].needs_warm_start = 1; /* with the record, before the ledger page */
	w->ues[9].ptek_key_id++;
	world_restart(w, true);
	cr_assert_eq(world_delivery(w, 9)->state, FK_DELIVERY_PENDING);
	world_run(w, 5000);
	world_check_books(w);
	cr_expect_eq(world_delivery(w, 9)->state, FK_DELIVERY_ACKED);
	cr_expect_neq(world_delivery(w, 9)->number, number);
	cr_expect_eq(w->n_renewed, 0);
}

Test(scheduler, no_key_is_made_for_a_delivery_that_has_ended)
{
	run_until_keyless(w, 9);
	cr_assert_eq(n_keyless(w), 1);
	fk_scheduler_exclude(w->scheduler, 9, FK_CAUSE_UNABLE); /* as one that is lost */
	cr_expect_eq(n_keyless(w), 0);
	world_run(w, 5000);
	cr_expect_eq(w->n_renewed, 0);
	cr_expect_eq(w->numbers[9].needs_warm_start, 0);
}

Test(scheduler, no_key_is_made_while_something_else_is_sent_to_the_ue)
{
	run_until_keyless(w, 9);
	fk_scheduler_engage(w->scheduler, 9);
	cr_expect_eq(n_keyless(w), 0);
	fk_scheduler_disengage(w->scheduler, 9, &w->now);
	cr_expect_eq(n_keyless(w), 1);
	world_run(w, 5000);
	cr_expect_eq(world_delivery(w, 9)->state, FK_DELIVERY_ACKED);
}

Test(scheduler, who_answers_after_all_keeps_its_key)
{
	run_until_keyless(w, 9);
	w->states[9].outcome = FK_OUTCOME_ANSWERED;
	w->states[9].kmm_message_id = FK_KMM_REKEY_ACK;
	w->states[9].kmm_status = FK_KMM_STATUS_PERFORMED;
	w->states[9].keys_held = w->radios[9].keys = 1;
	w->states[9].answered_at_us++;
	w->radios[9].lacks_ptek = false; /* somebody had said so in its name */
	fk_scheduler_apply(w->scheduler, 9, &w->states[9], &w->now);
	cr_expect_eq(n_keyless(w), 0);
	world_run(w, 5000);
	world_check_books(w);
	cr_expect_eq(w->n_renewed, 0);
}

Test(scheduler, an_acknowledgement_of_a_key_that_was_replaced_proves_nothing)
{
	run_until_keyless(w, 9);
	while (w->open[9].kind != FK_ORDER_WARM_START)
		world_turn(w, false);
	w->ues[9].ptek_key_id++;
	w->states[9].outcome = FK_OUTCOME_ANSWERED;
	w->states[9].kmm_message_id = FK_KMM_REKEY_ACK;
	w->states[9].kmm_status = FK_KMM_STATUS_PERFORMED;
	w->states[9].mac_key_id = (uint16_t)(w->ues[9].ptek_key_id - 1);
	w->states[9].answered_at_us++;
	fk_scheduler_apply(w->scheduler, 9, &w->states[9], &w->now);
	cr_expect_eq(w->numbers[9].needs_warm_start, 1);
}

Test(scheduler, a_campaign_that_may_not_warm_start_sends_what_it_is_for)
{
	w->options.is_destructive = true;
	w->numbers[9].needs_warm_start = w->stored_numbers[9].needs_warm_start = 1;
	w->radios[9].is_silent = true;
	world_start(w);
	while (w->n_sends[9] == 0)
		world_turn(w, false);
	cr_expect_neq(w->open[9].kind, FK_ORDER_WARM_START);
}

Test(scheduler, a_small_window_is_looked_after_more_often_than_a_large_one)
{
	static const struct {
		uint32_t window, ms;
	} cases[] = {{1, 1}, {2047, 1}, {2048, 2}, {4096, 4}, {100000, FK_SCHEDULER_REST_MAX_MS}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fk_scheduler_free(w->scheduler);
		w->options.window = cases[i].window;
		cr_assert_eq(fk_scheduler_new(&w->options, &w->scheduler), FK_OK);
		cr_expect_eq(fk_scheduler_rest_ms(w->scheduler), cases[i].ms, "window %u",
			     cases[i].window);
	}
}
