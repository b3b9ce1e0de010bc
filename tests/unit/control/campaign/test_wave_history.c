/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "campaign/wave_history.h"

static const struct fk_wave_tally tally = {
	.n = 30, .n_final = 29, .n_acked = 25, .n_living = 26, .n_open = 1, .n_offline = 4};

/* As many waves as there can be, with the largest numbers. */
static struct fk_wave_history largest(void)
{
	struct fk_wave_history history;

	memset(&history, 0, sizeof(history));
	history.n = FK_WAVE_RECORDS_MAX;
	for (uint32_t i = 0; i < FK_WAVE_RECORDS_MAX; i++) {
		struct fk_wave_record *r = &history.items[i];

		r->began_at_ms = r->ended_at_ms = r->judged_at_ms = UINT64_MAX - i;
		r->verdict = FK_VERDICT_SHUT;
		r->halt = r->resumed_halt = FK_HALTS - 1;
		r->tally =
			(struct fk_wave_tally){UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX - i,
					       UINT32_MAX, UINT32_MAX, UINT32_MAX};
		r->n_failed = r->n_resumed = UINT32_MAX;
		r->resumed_by = r->resumed_at_ms = UINT64_MAX;
		for (uint32_t k = 0; k < FK_DELIVERY_STATES; k++)
			r->states[k] = UINT32_MAX - k;
	}
	return history;
}

Test(wave_history, comes_back_from_the_record_as_it_was)
{
	static char text[FK_WAVE_HISTORY_TEXT_SIZE];
	struct fk_wave_history history = largest(), again;

	fk_wave_history_format(&history, text);
	cr_assert_lt(strlen(text) + 1, sizeof(text));
	memset(&again, 0x55, sizeof(again));
	cr_assert_eq(fk_wave_history_parse(text, strlen(text), &again), FK_OK);
	cr_expect_arr_eq(&history, &again, sizeof(history));
	cr_assert_eq(fk_wave_history_parse("", 0, &again), FK_OK);
	cr_expect_eq(again.n, 0, "as in a record that is older than this");
}

Test(wave_history, a_record_with_fewer_states_is_taken)
{
	struct fk_wave_history history;
	static const char text[] = "9,8,7,1,0,0,6,5,4,3,1,2,3,4,5,6,7,0,11;";

	cr_assert_eq(fk_wave_history_parse(text, strlen(text), &history), FK_OK);
	cr_expect_eq(history.n, 1);
	cr_expect_eq(history.items[0].tally.n_offline, 7);
	cr_expect_eq(history.items[0].states[1], 11);
	cr_expect_eq(history.items[0].states[FK_DELIVERY_STATES - 1], 0);
}

Test(wave_history, a_damaged_text_is_refused)
{
	static const char *const bad[] = {
		";",
		"1;",
		"9,8,7,1,0,0,6,5,4,3,1,2,3,4,5,6;",
		"9,8,7,1,0,0,6,5,4,3,1,2,3,4,5,6,7",
		"9,8,7,1,0,0,6,5,4,3,1,2,3,4,5,6,7,;",
		"9,8,7,3,0,0,6,5,4,3,1,2,3,4,5,6,7;",
		"9,8,7,1,99,0,6,5,4,3,1,2,3,4,5,6,7;",
		"9,8,7,1,0,99,6,5,4,3,1,2,3,4,5,6,7;",
		"9,8,7,1,0,0,4294967296,5,4,3,1,2,3,4,5,6,7;",
		"18446744073709551616,8,7,1,0,0,6,5,4,3,1,2,3,4,5,6,7;",
		"-9,8,7,1,0,0,6,5,4,3,1,2,3,4,5,6,7;",
		"9,8,7,1,0,0,6,5,4,3,1,2,3,4,5,6,7:",
		"9,8,7,1,0,0,6,5,4,3,1,2,3,4,5,6,7,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0;",
	};
	static char text[2 * FK_WAVE_HISTORY_TEXT_SIZE];
	struct fk_wave_history history = largest();

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_eq(fk_wave_history_parse(bad[i], strlen(bad[i]), &history), FK_EFORMAT,
			     "%s", bad[i]);
	cr_expect_eq(history.n, FK_WAVE_RECORDS_MAX, "nothing is written");
	fk_wave_history_format(&history, text);
	strcat(text, "9,8,7,1,0,0,6,5,4,3,1,2,3,4,5,6,7;");
	cr_expect_eq(fk_wave_history_parse(text, strlen(text), &history), FK_EFORMAT,
		     "one wave too many");
}

Test(wave_history, a_wave_ends_when_the_next_one_begins)
{
	struct fk_wave_history history = {.n = 0};

	fk_wave_history_begin(&history, 0, 100);
	cr_expect_eq(history.n, 1);
	fk_wave_history_judge(&history, 0, FK_HALT_NONE, &tally, 2, 200);
	fk_wave_history_begin(&history, 1, 201);
	cr_expect_eq(history.n, 2);
	cr_expect_eq(history.items[0].began_at_ms, 100);
	cr_expect_eq(history.items[0].ended_at_ms, 201);
	cr_expect_eq(history.items[0].verdict, FK_VERDICT_PASSED);
	cr_expect_eq(history.items[0].judged_at_ms, 200);
	cr_expect_eq(history.items[0].tally.n_acked, 25);
	cr_expect_eq(history.items[0].n_failed, 2);
	cr_expect_eq(history.items[1].began_at_ms, 201);
	cr_expect_eq(history.items[1].ended_at_ms, 0);
	cr_expect_eq(history.items[1].verdict, FK_VERDICT_NONE);
}

Test(wave_history, of_a_gate_the_last_word_counts_and_of_operators_too)
{
	struct fk_wave_history history = {.n = 0};

	fk_wave_history_begin(&history, 0, 100);
	fk_wave_history_judge(&history, 0, FK_HALT_FAILED, &tally, 2, 200);
	fk_wave_history_resume(&history, 0, FK_HALT_FAILED, 1001, 300);
	fk_wave_history_judge(&history, 0, FK_HALT_OFFLINE, &tally, 3, 400);
	fk_wave_history_resume(&history, 0, FK_HALT_OFFLINE, 1002, 500);
	cr_expect_eq(history.items[0].verdict, FK_VERDICT_SHUT);
	cr_expect_eq(history.items[0].halt, FK_HALT_OFFLINE);
	cr_expect_eq(history.items[0].n_failed, 3);
	cr_expect_eq(history.items[0].n_resumed, 2);
	cr_expect_eq(history.items[0].resumed_by, 1002);
	cr_expect_eq(history.items[0].resumed_at_ms, 500);
	cr_expect_eq(history.items[0].resumed_halt, FK_HALT_OFFLINE);
	fk_wave_history_judge(&history, 0, FK_HALT_NONE, &tally, 3, 600);
	cr_expect_eq(history.items[0].halt, FK_HALT_NONE);
}
