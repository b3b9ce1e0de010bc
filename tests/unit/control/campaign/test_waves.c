/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <string.h>

#include "campaign/waves.h"
#include "world.h"

static const struct fk_gate gate = {
	.min_sample = 10, .life_s = 60, .min_acked_percent = 90, .max_offline_percent = 30};

Test(waves, come_back_from_the_record_as_they_were)
{
	struct fk_waves waves, again;
	char text[FK_WAVES_TEXT_SIZE];

	memset(&waves, 0, sizeof(waves));
	waves.n = FK_WAVES_MAX;
	for (uint32_t i = 0; i < FK_WAVES_MAX; i++) {
		struct fk_wave *wave = &waves.items[i];

		wave->kind = (uint8_t)(1 + i % 3);
		if (wave->kind == FK_WAVE_AREA)
			snprintf(wave->area, sizeof(wave->area), "%u;a=:3:, north of the river abc",
				 i);
		else
			wave->size = wave->end = UINT32_MAX - i;
	}
	fk_waves_format(&waves, text);
	cr_assert_lt(strlen(text) + 1, sizeof(text));
	cr_assert_eq(fk_waves_parse(text, strlen(text), &again), FK_OK);
	cr_assert_arr_eq(&waves, &again, sizeof(waves));
	cr_assert_eq(fk_waves_parse("", 0, &again), FK_OK);
	cr_assert_eq(again.n, 0);
}

Test(waves, a_damaged_text_is_refused)
{
	static const char *const bad[] = {"count",	    "count=1",
					  "count=1:2",	    "count=:2;",
					  "count=1:2;x",    "count=4294967296:1;",
					  "percent=1;",	    "area=1:;",
					  "area=0:;",	    "area=33:a;",
					  "area=5:ab;",	    "area=2:abc;",
					  "colour=1:blue;", ";"};
	struct fk_waves waves = {.n = 7};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_eq(fk_waves_parse(bad[i], strlen(bad[i]), &waves), FK_EFORMAT, "%s",
			     bad[i]);
	cr_expect_eq(fk_waves_parse("area=5:no\0th;", 13, &waves), FK_EFORMAT);
	cr_expect_eq(waves.n, 7);
}

Test(waves, a_ue_belongs_to_the_first_wave_that_takes_it)
{
	struct fk_waves waves = {.n = 3,
				 .items = {{.kind = FK_WAVE_COUNT, .end = 10},
					   {.kind = FK_WAVE_AREA},
					   {.kind = FK_WAVE_PERCENT, .end = 20}}};
	const int32_t areas[FK_WAVES_MAX] = {-1, 4, -1};

	cr_expect_eq(fk_waves_find(&waves, areas, 3, 9, 4), 0);
	cr_expect_eq(fk_waves_find(&waves, areas, 3, 10, 4), 1);
	cr_expect_eq(fk_waves_find(&waves, areas, 3, 10, 5), 2);
	cr_expect_eq(fk_waves_find(&waves, areas, 3, 20, 5), 3);
	cr_expect_eq(fk_waves_find(&waves, areas, 1, 10, 4), 1, "only the first one was asked");
}

struct judgement {
	struct fk_wave_tally tally; /* n, unsent, final, acked, living, open, offline */
	bool has_waited;
	uint8_t state, halt;
};

ParameterizedTestParameters(gate, says_what_the_table_says)
{
	static struct judgement judgements[] = {
		{{100, 1, 99, 99, 99, 0, 0}, true, FK_GATE_SENDING, FK_HALT_NONE},
		{{100, 0, 99, 99, 99, 0, 1}, false, FK_GATE_SETTLING, FK_HALT_NONE},
		{{100, 0, 99, 99, 99, 0, 1}, true, FK_GATE_PASSED, FK_HALT_NONE},
		{{100, 0, 100, 90, 100, 0, 0}, false, FK_GATE_PASSED, FK_HALT_NONE},
		{{100, 0, 100, 89, 100, 0, 0}, false, FK_GATE_SHUT, FK_HALT_ACKED},
		/* Of the living only: 63 of 70, and 30 offline. */
		{{100, 0, 70, 63, 70, 0, 30}, true, FK_GATE_PASSED, FK_HALT_NONE},
		{{100, 0, 69, 62, 69, 0, 31}, true, FK_GATE_SHUT, FK_HALT_OFFLINE},
		/* A living one that is open may still acknowledge, an offline one is not awaited.
		 */
		{{100, 0, 80, 70, 80, 10, 20}, true, FK_GATE_SETTLING, FK_HALT_NONE},
		{{100, 0, 78, 71, 80, 0, 20}, true, FK_GATE_SHUT, FK_HALT_ACKED},
		{{100, 0, 78, 70, 80, 1, 20}, true, FK_GATE_SHUT, FK_HALT_ACKED},
		/* What the system refuses is no sign of life, and not offline either. */
		{{100, 0, 100, 9, 9, 0, 0}, false, FK_GATE_SHUT, FK_HALT_SAMPLE},
		{{100, 0, 100, 10, 10, 0, 0}, false, FK_GATE_PASSED, FK_HALT_NONE},
		/* A wave that is smaller than the sample is looked at as a whole. */
		{{3, 0, 3, 3, 3, 0, 0}, false, FK_GATE_PASSED, FK_HALT_NONE},
		{{3, 0, 3, 2, 2, 0, 0}, false, FK_GATE_SHUT, FK_HALT_SAMPLE},
		{{0, 0, 0, 0, 0, 0, 0}, false, FK_GATE_PASSED, FK_HALT_NONE},
	};

	return cr_make_param_array(struct judgement, judgements,
				   sizeof(judgements) / sizeof(judgements[0]));
}

ParameterizedTest(struct judgement *j, gate, says_what_the_table_says)
{
	enum fk_halt halt = FK_HALTS;

	cr_assert_eq(fk_gate_judge(&gate, &j->tally, j->has_waited, &halt), j->state,
		     "n=%u acked=%u living=%u", j->tally.n, j->tally.n_acked, j->tally.n_living);
	cr_assert_eq(halt, j->halt);
}

/* A campaign of three waves: UEs 0 to 19, 20 to 69, and the others. */

static struct world *w;

static uint8_t wave_of(uint32_t ue_index)
{
	return ue_index < 20 ? 0 : ue_index < 70 ? 1 : 2;
}

static void assign(uint32_t wave)
{
	for (uint32_t i = 0; i < WORLD_UES; i++)
		fk_scheduler_set_wave(w->scheduler, i, wave_of(i));
	fk_scheduler_begin_wave(w->scheduler, wave);
}

static void begin(void)
{
	w = world_new(1);
	w->options.n_waves = 3;
	w->options.gate = gate;
	w->options.gate.life_s = 3;
}

static void end(void)
{
	world_free(w);
}

TestSuite(scheduler_waves, .init = begin, .fini = end);

/* What is kept of each wave is what a count of its deliveries gives. */
static void check_wave_states(void)
{
	for (uint32_t wave = 0; wave < 3; wave++) {
		uint32_t counted[FK_DELIVERY_STATES] = {0};

		for (uint32_t i = 0; i < WORLD_UES; i++)
			counted[world_delivery(w, i)->state] += wave_of(i) == wave;
		cr_assert_arr_eq(fk_scheduler_wave_states(w->scheduler, wave), counted,
				 sizeof(counted));
	}
}

/* Turns until the gate says something else than to wait; what it says. */
static enum fk_gate_state run_wave(enum fk_halt *ret_halt)
{
	for (uint32_t turn = 0; turn < 5000; turn++) {
		enum fk_gate_state state;

		world_turn(w, false);
		for (uint32_t i = 0; i < WORLD_UES; i++)
			cr_assert(w->n_sends[i] == 0 ||
				  wave_of(i) <= fk_scheduler_wave(w->scheduler));
		check_wave_states();
		state = fk_scheduler_judge(w->scheduler, &w->now, ret_halt);
		if (state == FK_GATE_PASSED || state == FK_GATE_SHUT)
			return state;
	}
	return FK_GATE_SETTLING;
}

Test(scheduler_waves, nothing_of_a_wave_is_sent_before_it_begins)
{
	enum fk_halt halt;

	world_start(w);
	assign(0);
	cr_assert_eq(run_wave(&halt), FK_GATE_PASSED);
	cr_assert_eq(fk_scheduler_tally(w->scheduler)->states[FK_DELIVERY_PENDING], WORLD_UES - 20);
	fk_scheduler_begin_wave(w->scheduler, 1);
	cr_assert_eq(run_wave(&halt), FK_GATE_PASSED);
	cr_assert_eq(fk_scheduler_tally(w->scheduler)->states[FK_DELIVERY_ACKED], 70);
	fk_scheduler_begin_wave(w->scheduler, 2);
	cr_assert_eq(run_wave(&halt), FK_GATE_SETTLING, "there is no gate behind the last");
	world_run(w, 10);
	world_check_books(w);
}

Test(scheduler_waves, refusals_shut_the_gate)
{
	enum fk_halt halt;

	for (uint32_t i = 0; i < 3; i++)
		w->radios[i].forced_kmm_status = 6;
	world_start(w);
	assign(0);
	cr_assert_eq(run_wave(&halt), FK_GATE_SHUT);
	cr_assert_eq(halt, FK_HALT_ACKED);
	cr_assert_eq(fk_scheduler_wave_tally(w->scheduler)->n_living, 20);
	cr_assert_eq(fk_scheduler_wave_tally(w->scheduler)->n_acked, 17);
}

Test(scheduler_waves, offline_ues_do_not_count_up_to_their_limit)
{
	enum fk_halt halt;

	for (uint32_t i = 0; i < 6; i++)
		w->radios[i].is_silent = true;
	world_start(w);
	assign(0);
	cr_assert_eq(run_wave(&halt), FK_GATE_PASSED);
	cr_assert_eq(fk_scheduler_wave_tally(w->scheduler)->n_offline, 6);
}

Test(scheduler_waves, beyond_it_they_shut_the_gate)
{
	enum fk_halt halt;

	for (uint32_t i = 0; i < 7; i++)
		w->radios[i].is_silent = true;
	world_start(w);
	assign(0);
	cr_assert_eq(run_wave(&halt), FK_GATE_SHUT);
	cr_assert_eq(halt, FK_HALT_OFFLINE);
}

Test(scheduler_waves, an_offline_ue_is_waited_for_no_longer_than_said)
{
	enum fk_halt halt;
	uint64_t from_ms;

	w->radios[0].is_stuck = true; /* no outcome ever comes */
	world_start(w);
	assign(0);
	from_ms = w->now.ms;
	cr_assert_eq(run_wave(&halt), FK_GATE_PASSED);
	cr_assert_geq(w->now.ms - from_ms, 3000);
	cr_assert_leq(w->now.ms - from_ms, 6000);
	cr_assert_not(fk_delivery_is_final(world_delivery(w, 0)));
}

Test(scheduler_waves, word_that_it_was_delivered_is_a_sign_of_life)
{
	enum fk_halt halt;

	for (uint32_t i = 0; i < 7; i++) {
		w->radios[i].is_silent = true;
		w->states[i].progress = FK_PROGRESS_DELIVERED;
	}
	world_start(w);
	assign(0);
	cr_assert_eq(run_wave(&halt), FK_GATE_SHUT);
	cr_assert_eq(halt, FK_HALT_ACKED);
	cr_assert_eq(fk_scheduler_wave_tally(w->scheduler)->n_offline, 0);
}

Test(scheduler_waves, so_many_failures_halt_in_mid_wave)
{
	enum fk_halt halt;

	w->options.gate.failed_limit = 2;
	for (uint32_t i = 0; i < WORLD_UES; i += 5)
		w->radios[i].forced_kmm_status = 6;
	world_start(w);
	assign(0);
	cr_assert_eq(run_wave(&halt), FK_GATE_SHUT);
	cr_assert_eq(halt, FK_HALT_FAILED);
	cr_assert_geq(fk_scheduler_tally(w->scheduler)->n_failed, 2);
	/* An operator has looked at them. */
	fk_scheduler_excuse(w->scheduler, fk_scheduler_tally(w->scheduler)->n_failed);
	cr_assert_neq(fk_scheduler_judge(w->scheduler, &w->now, &halt), FK_GATE_SHUT);
	cr_assert_eq(run_wave(&halt), FK_GATE_SHUT);
	cr_assert_geq(fk_scheduler_tally(w->scheduler)->n_failed, 4);
}

Test(scheduler_waves, a_scheduler_that_is_held_orders_nothing_until_it_is_resumed)
{
	uint64_t n_orders;

	world_start(w);
	assign(0);
	for (uint32_t i = 0; i < 2; i++)
		world_turn(w, false);
	fk_scheduler_hold(w->scheduler);
	n_orders = w->n_orders;
	cr_assert_gt(n_orders, 0);
	for (uint32_t i = 0; i < 500; i++)
		world_turn(w, false);
	cr_assert_eq(w->n_orders, n_orders);
	cr_assert_eq(fk_scheduler_tally(w->scheduler)->states[FK_DELIVERY_OPEN], 0);
	fk_scheduler_resume(w->scheduler);
	for (uint32_t wave = 0; wave < 3; wave++) {
		enum fk_halt halt;

		fk_scheduler_begin_wave(w->scheduler, wave);
		(void)run_wave(&halt);
	}
	world_run(w, 10);
	world_check_books(w);
}

Test(scheduler_waves, a_next_hop_that_has_stopped_is_tried_again_when_resumed)
{
	w->radios[0].forced_sip = 401;
	world_start(w);
	assign(0);
	for (uint32_t i = 0; i < 200; i++)
		world_turn(w, false);
	cr_assert_eq(fk_scheduler_halt_status(w->scheduler), 401);
	w->radios[0].forced_sip = 0;
	fk_scheduler_resume(w->scheduler);
	cr_assert_eq(fk_scheduler_halt_status(w->scheduler), 0);
	for (uint32_t wave = 0; wave < 3; wave++) {
		enum fk_halt halt;

		fk_scheduler_begin_wave(w->scheduler, wave);
		(void)run_wave(&halt);
	}
	world_run(w, 10);
	world_check_books(w);
}

Test(scheduler_waves, where_the_gate_stands_outlives_a_restart)
{
	struct fk_wave_tally before;
	enum fk_halt halt;

	for (uint32_t i = 0; i < 4; i++)
		w->radios[i].is_silent = true;
	w->radios[4].forced_kmm_status = 6;
	world_start(w);
	assign(0);
	cr_assert_eq(run_wave(&halt), FK_GATE_PASSED);
	world_turn(w, false);
	before = *fk_scheduler_wave_tally(w->scheduler);
	world_restart(w, true);
	assign(0);
	check_wave_states();
	cr_assert_arr_eq(&before, fk_scheduler_wave_tally(w->scheduler), sizeof(before));
	fk_scheduler_begin_wave(w->scheduler, 1);
	for (uint32_t i = 0; i < 3; i++)
		world_turn(w, false);
	world_restart(w, false);
	assign(0);
	cr_assert_eq(fk_scheduler_last_reserved_wave(w->scheduler), 1, "though the record is late");
}
