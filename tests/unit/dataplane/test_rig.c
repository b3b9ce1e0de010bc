/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bench itself: a delivery that goes as it should. What the other tests break works here.
 */
#include <criterion/criterion.h>

#include "rig.h"

Test(rig, a_delivery_of_two_steps_is_answered_and_recorded)
{
	struct rig *rig = rig_new();

	for (uint8_t step = 0; step < 2; step++) {
		struct fk_order order = rig_order(3, step, 1);
		struct fk_sip_message request;
		struct rig_answer answer;

		request = rig_send(rig, &order);
		rig_respond(rig, &request, 200);
		cr_assert_eq(rig_state(rig, 3).progress, FK_PROGRESS_SENT | FK_PROGRESS_ACCEPTED);
		answer = rig_right_answer(rig, 3, step, 40 + step);
		rig_answer_in(rig, &answer);
		cr_assert_eq(rig_state(rig, 3).outcome, FK_OUTCOME_ANSWERED);
		cr_assert_eq(rig_state(rig, 3).kmm_message_id, answer.message_id);
		cr_assert_eq(rig_state(rig, 3).kmm_status, 0);
		cr_assert_eq(rig_state(rig, 3).inbound_number, 40 + step);
		cr_assert_eq(rig_n_doorbells(rig), step + 1u);
		cr_assert_eq(rig_next_sip(rig).status, 200);
		cr_assert_null(rig_next_out(rig));
	}
	cr_assert_eq(rig_state(rig, 3).listed, 1);
	cr_assert_eq(rig_n_drops(rig), 0);
	rig_free(rig);
}
