/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A dataplane that is killed inside the write of a UE's state, wherever that is.
 *
 * The order in which a compiler stores fields is its own affair, so a cut is made of the state
 * before and after a write: some fields are new, the others old, from the front and from the back.
 */
#include <criterion/criterion.h>
#include <stddef.h>
#include <string.h>

#include "rig.h"

#define UE 5u

struct field {
	size_t offset, size;
};

#define FIELD(name)                                                                            \
	{                                                                                      \
		offsetof(struct fk_ue_state, name), sizeof(((struct fk_ue_state *)NULL)->name) \
	}

static const struct field fields[] = {
	FIELD(date_time_s),
	FIELD(token),
	FIELD(answered_at_us),
	FIELD(message_number),
	FIELD(sip_status),
	FIELD(outcome),
	FIELD(progress),
	FIELD(n_sends),
	FIELD(kmm_message_id),
	FIELD(kmm_status),
	FIELD(mac_algorithm_id),
	FIELD(mac_key_id),
	FIELD(mac),
	FIELD(inbound_number),
	FIELD(inbound_known),
	FIELD(listed),
	FIELD(retry_after_s),
	FIELD(sip_warning),
	FIELD(what),
	FIELD(keys_held),
};

#define N_FIELDS (sizeof(fields) / sizeof(fields[0]))

/* The state with 'n' fields written and the writer gone. */
static struct fk_ue_state cut(const struct fk_ue_state *before, const struct fk_ue_state *after,
			      size_t n, bool from_back)
{
	struct fk_ue_state state = *before;

	for (size_t i = 0; i < n; i++) {
		const struct field *f = &fields[from_back ? N_FIELDS - 1 - i : i];

		memcpy((uint8_t *)&state + f->offset, (const uint8_t *)after + f->offset, f->size);
	}
	atomic_store(&state.seq, atomic_load(&before->seq) | 1u);
	return state;
}

static void answer(struct rig *rig, uint8_t step, uint16_t number)
{
	struct rig_answer a = rig_right_answer(rig, UE, step, number);

	rig_answer_in(rig, &a);
	cr_assert_eq(rig_state(rig, UE).outcome, FK_OUTCOME_ANSWERED);
	cr_assert_eq(rig_next_sip(rig).status, 200);
}

/* Writes of a state, one kind each: from a state that stands to the next. */

static void write_first_send(struct rig *rig, const struct fk_order *order)
{
	(void)rig_send(rig, order);
}

static void write_progress(struct rig *rig, const struct fk_order *order)
{
	struct fk_sip_message request = rig_send(rig, order);

	rig_respond(rig, &request, 202);
}

static void write_refusal(struct rig *rig, const struct fk_order *order)
{
	struct fk_sip_message request = rig_send(rig, order);

	rig_respond(rig, &request, 480);
}

static void write_timeout(struct rig *rig, const struct fk_order *order)
{
	(void)rig_send(rig, order);
	rig_pass_ms(rig, 33000);
}

static void write_answer(struct rig *rig, const struct fk_order *order)
{
	(void)rig_send(rig, order);
	answer(rig, 1, 41);
}

/* Skips what left. */
static void forget_out(struct rig *rig)
{
	while (rig_next_out(rig) != NULL)
		;
}

/* The delivery stands after step 0; step 1 is being written when the dataplane dies. */
static void expect_completed(void (*write)(struct rig *, const struct fk_order *), size_t n,
			     bool from_back)
{
	struct rig *rig = rig_new();
	struct fk_order step0 = rig_order(UE, 0, 1), step1 = rig_order(UE, 1, 1);
	struct fk_ue_state before, after;
	struct fk_sds_signalling signalling;
	struct fk_sip_message request;
	struct fk_kmm_frame kmm;
	uint8_t sent[512];
	uint16_t sent_size;
	uint32_t n_doorbells, n_out;

	(void)rig_send(rig, &step0);
	answer(rig, 0, 40);
	before = rig_state(rig, UE);
	n_out = rig->n_out;
	write(rig, &step1);
	after = rig_state(rig, UE);
	/* What left first is what must leave again. */
	rig->n_out_read = n_out;
	request = rig_next_sip(rig);
	kmm = rig_kmm_of(&request, &signalling);
	sent_size = kmm.size;
	memcpy(sent, kmm.octets, kmm.size);

	fk_region_states(rig->region)[UE] = cut(&before, &after, n, from_back);
	rig_kill(rig);
	forget_out(rig);
	cr_assert_eq(rig_state(rig, UE).outcome, FK_OUTCOME_NONE);
	n_doorbells = rig_n_doorbells(rig);
	request = rig_send(rig, &step1);
	kmm = rig_kmm_of(&request, &signalling);
	cr_assert_eq(kmm.size, sent_size);
	cr_assert_arr_eq(kmm.octets, sent, sent_size);
	cr_assert_eq(signalling.date_time_s, step1.date_time_s);
	answer(rig, 1, 42);
	cr_assert_eq(rig_state(rig, UE).token, step1.token);
	cr_assert_eq(rig_state(rig, UE).message_number, step1.message_number);
	cr_assert_eq(rig_state(rig, UE).inbound_number, 42);
	cr_assert_eq(rig_n_doorbells(rig), n_doorbells + 1);
	rig_free(rig);
}

static void expect_completed_wherever(void (*write)(struct rig *, const struct fk_order *))
{
	for (size_t n = 0; n <= N_FIELDS; n++) {
		expect_completed(write, n, false);
		expect_completed(write, n, true);
	}
}

Test(repair, a_kill_while_the_first_send_is_booked_loses_no_delivery)
{
	expect_completed_wherever(write_first_send);
}

Test(repair, a_kill_while_the_acceptance_is_noted_loses_no_delivery)
{
	expect_completed_wherever(write_progress);
}

Test(repair, a_kill_while_a_refusal_is_recorded_loses_no_delivery)
{
	expect_completed_wherever(write_refusal);
}

Test(repair, a_kill_while_a_timeout_is_recorded_loses_no_delivery, .timeout = 120)
{
	for (size_t n = 0; n <= N_FIELDS; n += 3)
		expect_completed(write_timeout, n, n % 2 == 0);
}

Test(repair, a_kill_while_an_answer_is_recorded_loses_no_delivery)
{
	expect_completed_wherever(write_answer);
}

Test(repair, a_state_that_was_written_whole_is_left_as_it_is)
{
	struct rig *rig = rig_new();
	struct fk_order order = rig_order(UE, 0, 1);
	struct fk_ue_state before;

	(void)rig_send(rig, &order);
	answer(rig, 0, 40);
	before = fk_region_states(rig->region)[UE];
	rig_kill(rig);
	cr_assert_arr_eq(&fk_region_states(rig->region)[UE], &before, sizeof(before));
	rig_free(rig);
}

Test(repair, what_the_ue_said_last_outlives_a_repair)
{
	struct rig *rig = rig_new();
	struct fk_order order = rig_order(UE, 0, 1);
	struct fk_ue_state *state = &fk_region_states(rig->region)[UE];

	(void)rig_send(rig, &order);
	answer(rig, 0, 40);
	atomic_fetch_or(&state->seq, 1u);
	rig_kill(rig);
	cr_assert_eq(rig_state(rig, UE).token, 0);
	cr_assert_eq(rig_state(rig, UE).outcome, FK_OUTCOME_NONE);
	cr_assert_eq(rig_state(rig, UE).inbound_known, 1);
	cr_assert_eq(rig_state(rig, UE).inbound_number, 40);
	rig_free(rig);
}
