/* SPDX-License-Identifier: Apache-2.0 */
/* Several next hops: each fails, stops or is overloaded for itself. */
#include <criterion/criterion.h>
#include <string.h>

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

TestSuite(next_hops, .init = begin, .fini = end);

/* Every third UE stands behind next hop 1. */
static bool is_behind_hop_1(uint32_t ue_index)
{
	return ue_index % 3 == 0;
}

static void use_two_next_hops(void)
{
	w->options.keys_per_kmm[1] = FK_ORDER_KEYS_MAX;
	for (uint32_t i = 0; i < WORLD_UES; i++)
		w->ues[i].next_hop = is_behind_hop_1(i) ? 1 : 0;
}

/* Next hop 1 refuses everybody: its UEs wait with that reason, the others are served. */
static void expect_one_next_hop_stops(uint16_t status, uint16_t warning, uint16_t detail)
{
	use_two_next_hops();
	for (uint32_t i = 0; i < WORLD_UES; i += 3) {
		w->radios[i].forced_sip = status;
		w->radios[i].forced_warning = warning;
	}
	world_start(w);
	for (uint32_t i = 0; i < 2000 && fk_scheduler_halt_status(w->scheduler) == 0; i++)
		world_turn(w, false);
	cr_assert_eq(fk_scheduler_halt_status(w->scheduler), detail);
	cr_assert_eq(fk_scheduler_hop_halt_status(w->scheduler, 1), detail);
	cr_assert_eq(fk_scheduler_hop_halt_status(w->scheduler, 0), 0);
	for (uint32_t i = 0; i < WORLD_UES; i++) {
		const struct fk_delivery *d = world_delivery(w, i);

		cr_assert_eq(fk_delivery_is_final(d), !is_behind_hop_1(i), "ue %u", i);
		cr_assert(is_behind_hop_1(i) || d->state == FK_DELIVERY_ACKED);
	}
	uint64_t n_orders = w->n_orders;
	for (uint32_t i = 0; i < 200; i++)
		world_turn(w, false);
	cr_assert_eq(w->n_orders, n_orders);
	fk_scheduler_abort(w->scheduler);
	world_run(w, 10);
	world_check_books(w);
	cr_assert_eq(world_delivery(w, 0)->state, FK_DELIVERY_ABORTED);
	cr_assert_eq(world_delivery(w, 0)->cause, FK_CAUSE_SIP);
	cr_assert_eq(world_delivery(w, 0)->cause_detail, detail);
}

Test(next_hops, a_407_stops_its_next_hop_and_the_others_go_on)
{
	expect_one_next_hop_stops(407, 0, 407);
}

Test(next_hops, a_404_with_warning_141_stops_its_next_hop)
{
	expect_one_next_hop_stops(404, 141, 141);
}

/* Next hop 1 is overloaded: it answers nothing but 503. */
static void overload_hop_1(uint16_t sip_status)
{
	for (uint32_t i = 0; i < WORLD_UES; i += 3)
		w->radios[i].forced_sip = sip_status;
}

static uint32_t n_sends_to_hop_1(void)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < WORLD_UES; i += 3)
		n += w->n_sends[i];
	return n;
}

/* Two next hops, of which the second one says so; goes on until it is left alone. */
static struct fk_hop_wait start_overloaded(uint32_t retry_after_s)
{
	struct fk_hop_wait wait;

	use_two_next_hops();
	w->retry_after_s = retry_after_s;
	overload_hop_1(503);
	world_start(w);
	for (uint32_t i = 0; i < 500 && !fk_scheduler_hop_wait(w->scheduler, 1, &wait); i++)
		world_turn(w, false);
	cr_assert(fk_scheduler_hop_wait(w->scheduler, 1, &wait));
	return wait;
}

/* What was on its way has come back. */
static void settle(void)
{
	for (uint32_t i = 0; i < 6; i++)
		world_turn(w, false);
}

/* Left alone for 'wait_ms', it answers again; nobody has paid for it. */
static void expect_an_overloaded_hop_waits(uint32_t retry_after_s, uint64_t wait_ms)
{
	struct fk_hop_wait wait;
	uint32_t n_sends;

	wait = start_overloaded(retry_after_s);
	cr_expect_eq(wait.n_waits, 1);
	cr_expect_eq(wait.until_ms - wait.since_ms, wait_ms);
	cr_expect_leq(fk_scheduler_next_due_ms(w->scheduler), wait.until_ms);
	settle();
	cr_assert(fk_scheduler_hop_wait(w->scheduler, 1, &wait));
	n_sends = n_sends_to_hop_1();
	while (w->now.ms + 10 < wait.until_ms)
		world_turn(w, false);
	cr_expect_eq(n_sends_to_hop_1(), n_sends, "an order left before its time");
	for (uint32_t i = 0; i < WORLD_UES; i++) {
		if (is_behind_hop_1(i))
			cr_expect_eq(world_delivery(w, i)->tries, 0, "ue %u", i);
	}
	cr_expect_eq(fk_scheduler_halt_status(w->scheduler), 0);
	overload_hop_1(0);
	world_run(w, 5000);
	world_check_books(w);
	cr_expect_not(fk_scheduler_hop_wait(w->scheduler, 1, &wait));
	cr_expect_eq(fk_scheduler_tally(w->scheduler)->states[FK_DELIVERY_ACKED], WORLD_UES);
}

Test(next_hops, an_overloaded_next_hop_is_left_alone_for_its_retry_after)
{
	expect_an_overloaded_hop_waits(7, 7000);
}

Test(next_hops, without_retry_after_it_is_left_alone_for_the_back_off)
{
	w->options.retry_backoff_ms = 400;
	expect_an_overloaded_hop_waits(0, 400);
}

Test(next_hops, a_retry_after_of_a_next_hop_may_be_longer_than_any_back_off)
{
	expect_an_overloaded_hop_waits(4000, FK_RETRY_BACKOFF_MAX_MS + 400000);
}

Test(next_hops, an_overloaded_next_hop_holds_no_other_up)
{
	struct fk_hop_wait wait;

	wait = start_overloaded(100);
	for (uint32_t i = 0; i < 2000; i++)
		world_turn(w, false);
	cr_assert_lt(w->now.ms, wait.until_ms);
	for (uint32_t i = 0; i < WORLD_UES; i++)
		cr_assert(is_behind_hop_1(i) || world_delivery(w, i)->state == FK_DELIVERY_ACKED,
			  "ue %u", i);
	cr_assert_not(fk_scheduler_is_done(w->scheduler));
	cr_assert_not(fk_scheduler_hop_wait(w->scheduler, 0, &wait));
}

Test(next_hops, a_next_hop_is_tried_with_a_few_orders_and_stops_when_no_wait_has_helped)
{
	struct fk_hop_wait wait;

	wait = start_overloaded(1);
	settle();
	for (uint32_t n = 2; n <= w->options.attempts_max; n++) {
		uint32_t n_sends = n_sends_to_hop_1();

		while (fk_scheduler_hop_wait(w->scheduler, 1, &wait) && wait.n_waits < n)
			world_turn(w, false);
		settle();
		cr_expect_eq(wait.n_waits, n);
		cr_expect_leq(n_sends_to_hop_1() - n_sends, 8, "that is no trial");
	}
	for (uint32_t i = 0; i < 2000 && fk_scheduler_halt_status(w->scheduler) == 0; i++)
		world_turn(w, false);
	cr_assert_eq(fk_scheduler_halt_status(w->scheduler), 503);
	cr_assert_eq(fk_scheduler_hop_halt_status(w->scheduler, 1), 503);
	cr_expect_not(fk_scheduler_hop_wait(w->scheduler, 1, &wait));
	for (uint32_t i = 0; i < WORLD_UES; i++)
		cr_expect_eq(fk_delivery_is_final(world_delivery(w, i)), !is_behind_hop_1(i));
	/* It is mended, and an operator says so. */
	overload_hop_1(0);
	fk_scheduler_resume(w->scheduler);
	world_run(w, 5000);
	world_check_books(w);
	cr_expect_eq(fk_scheduler_tally(w->scheduler)->states[FK_DELIVERY_ACKED], WORLD_UES);
}

Test(next_hops, a_next_hop_that_answers_nobody_after_an_overload_stops_too)
{
	(void)start_overloaded(1);
	settle();
	for (uint32_t i = 0; i < WORLD_UES; i += 3)
		w->radios[i].is_silent = true;
	for (uint32_t i = 0; i < 4000 && fk_scheduler_halt_status(w->scheduler) == 0; i++)
		world_turn(w, false);
	cr_assert_eq(fk_scheduler_hop_halt_status(w->scheduler, 1), 503);
	fk_scheduler_abort(w->scheduler);
	world_run(w, 10);
	world_check_books(w);
}

/* UEs behind next hop 1 that have nothing but 503 while others there are served. */
static void expect_no_wait(uint32_t each)
{
	struct fk_hop_wait wait;
	uint32_t n_bad = 0;

	use_two_next_hops();
	for (uint32_t i = 0; i < WORLD_UES; i += 3) {
		if (i % each == 0) {
			w->radios[i].forced_sip = 503;
			n_bad++;
		}
	}
	world_start(w);
	while (!fk_scheduler_is_done(w->scheduler)) {
		world_turn(w, false);
		cr_assert_not(fk_scheduler_hop_wait(w->scheduler, 1, &wait));
	}
	world_run(w, 10);
	world_check_books(w);
	cr_expect_gt(n_bad, 0);
	for (uint32_t i = 0; i < WORLD_UES; i++) {
		bool is_bad = w->radios[i].forced_sip != 0;

		cr_expect_eq(world_delivery(w, i)->state,
			     is_bad ? FK_DELIVERY_UNREACHABLE : FK_DELIVERY_ACKED, "ue %u", i);
		cr_expect(!is_bad || w->n_sends[i] == w->options.attempts_max);
	}
}

Test(next_hops, one_ue_with_503s_is_not_its_next_hop)
{
	expect_no_wait(WORLD_UES);
}

Test(next_hops, a_share_of_ues_with_503s_is_not_their_next_hop)
{
	expect_no_wait(9); /* one of three there, to the end, when none of the others is left */
}

Test(next_hops, the_last_ue_of_a_next_hop_does_not_make_it_overloaded)
{
	struct fk_hop_wait wait;

	w->options.keys_per_kmm[1] = FK_ORDER_KEYS_MAX;
	w->ues[5].next_hop = 1;
	w->radios[5].forced_sip = 503;
	w->retry_after_s = 1;
	world_start(w);
	while (!fk_scheduler_is_done(w->scheduler)) {
		world_turn(w, false);
		cr_assert_not(fk_scheduler_hop_wait(w->scheduler, 1, &wait));
	}
	cr_expect_eq(world_delivery(w, 5)->state, FK_DELIVERY_UNREACHABLE);
	cr_expect_eq(w->n_sends[5], w->options.attempts_max);
}

Test(next_hops, a_next_hop_that_says_nothing_leaves_the_others_their_share)
{
	use_two_next_hops();
	for (uint32_t i = 0; i < WORLD_UES; i += 3)
		w->radios[i].is_stuck = true;
	world_start(w);
	for (uint32_t i = 0; i < 2000; i++)
		world_turn(w, false);
	for (uint32_t i = 0; i < WORLD_UES; i++)
		cr_assert(is_behind_hop_1(i) || world_delivery(w, i)->state == FK_DELIVERY_ACKED,
			  "ue %u", i);
	/* Half of the window is for sharing out, half for whoever needs it. */
	cr_assert_eq(fk_scheduler_tally(w->scheduler)->states[FK_DELIVERY_OPEN],
		     w->options.window / 4 + w->options.window / 2);
}

Test(next_hops, a_next_hop_that_is_dead_fails_its_ues_only)
{
	use_two_next_hops();
	for (uint32_t i = 0; i < WORLD_UES; i += 3)
		w->radios[i].is_silent = true;
	world_start(w);
	world_run(w, 20000);
	world_check_books(w);
	for (uint32_t i = 0; i < WORLD_UES; i++)
		cr_assert_eq(world_delivery(w, i)->state,
			     is_behind_hop_1(i) ? FK_DELIVERY_UNREACHABLE : FK_DELIVERY_ACKED);
}

Test(next_hops, an_only_next_hop_has_the_whole_window)
{
	for (uint32_t i = 0; i < WORLD_UES; i++)
		w->radios[i].is_stuck = true;
	world_start(w);
	for (uint32_t i = 0; i < 100; i++)
		world_turn(w, false);
	cr_assert_eq(fk_scheduler_tally(w->scheduler)->states[FK_DELIVERY_OPEN], w->options.window);
}

Test(next_hops, what_waits_for_its_next_hop_survives_a_restart_in_bad_weather)
{
	use_two_next_hops();
	w->loss_percent = 30;
	w->options.attempts_max = 50;
	for (uint32_t i = 0; i < WORLD_UES; i += 3)
		w->radios[i].is_silent = i % 2 == 0;
	world_start(w);
	for (uint32_t i = 0; i < 6; i++) {
		for (uint32_t k = 0; k < 40; k++)
			world_turn(w, k % 5 == 0);
		world_restart(w, i % 2 == 0);
	}
	for (uint32_t i = 0; i < WORLD_UES; i++)
		w->radios[i].is_silent = false;
	world_run(w, 50000);
	world_check_books(w);
}
