/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "campaign/plan.h"

static const struct fk_message_size size = {
	.base = 1000, .n_uris = 3, .limit = 1300, .payload = 94};

static struct fk_ue_slot ue(uint8_t uri_size)
{
	return (struct fk_ue_slot){.rsi = 1, .ptek_algorithm_id = 0x84, .mcdata_id_size = uri_size};
}

Test(plan, a_size_survives_its_word)
{
	struct fk_message_size got = fk_message_size_unpack(fk_message_size_pack(&size));

	cr_expect_eq(got.base, 1000);
	cr_expect_eq(got.n_uris, 3);
	cr_expect_eq(got.limit, 1300);
	cr_expect_eq(got.payload, 94);
}

Test(plan, the_largest_message_that_fits_is_served_and_one_octet_more_is_not)
{
	struct fk_ue_slot fits = ue(100), beyond = ue(101);

	cr_expect_eq(fk_plan_judge(&fits, &size), FK_CAUSE_NONE);
	cr_expect_eq(fk_plan_judge(&beyond, &size), FK_CAUSE_TOO_LARGE);
}

Test(plan, while_sizes_are_not_known_nobody_is_too_large)
{
	const struct fk_message_size unknown = {.base = 0};
	struct fk_ue_slot long_uri = ue(255);
	struct fk_plan plan;

	fk_plan_begin(&plan, 10, true);
	fk_plan_add(&plan, 0, &long_uri, &unknown);
	cr_expect_eq(plan.n_served, 1);
	cr_expect_eq(plan.size_max, 0);
}

Test(plan, a_payload_beyond_what_p25_carries_over_ip_is_too_large)
{
	struct fk_message_size large = size;
	struct fk_ue_slot one = ue(10);

	large.payload = FK_PAYLOAD_SIZE_MAX;
	cr_expect_eq(fk_plan_judge(&one, &large), FK_CAUSE_NONE);
	large.payload++;
	cr_expect_eq(fk_plan_judge(&one, &large), FK_CAUSE_TOO_LARGE);
}

Test(plan, members_are_counted_by_what_becomes_of_them)
{
	struct fk_ue_slot small = ue(20), large = ue(40), beyond = ue(200), bare = ue(20);
	struct fk_plan plan;

	bare.ptek_algorithm_id = 0;
	fk_plan_begin(&plan, 10, true);
	fk_plan_add(&plan, 5, &small, &size);
	fk_plan_add(&plan, 6, &beyond, &size);
	fk_plan_add(&plan, 7, &large, &size);
	fk_plan_add(&plan, 8, &bare, &size);
	cr_expect_eq(plan.n_members, 4);
	cr_expect_eq(plan.n_served, 2);
	cr_expect_eq(plan.n_causes[FK_CAUSE_TOO_LARGE], 1);
	cr_expect_eq(plan.n_causes[FK_CAUSE_NO_PTEK], 1);
	cr_expect_eq(plan.size_min, 1060);
	cr_expect_eq(plan.size_max, 1120);
	cr_expect_eq(plan.limit_min, 1300);
	cr_expect_eq(plan.payload, 94);
	cr_assert_eq(plan.n_excluded, 2);
	cr_expect_eq(plan.excluded[0].ue_index, 6);
	cr_expect_eq(plan.excluded[0].size, 1600);
	cr_expect_eq(plan.excluded[0].limit, 1300);
	cr_expect_eq(plan.excluded[1].cause, FK_CAUSE_NO_PTEK);
}

Test(plan, the_time_is_that_of_the_first_sends_at_the_pace)
{
	struct fk_ue_slot one = ue(20);
	struct fk_plan plan;

	fk_plan_begin(&plan, 4, true);
	for (uint32_t i = 0; i < 10; i++)
		fk_plan_add(&plan, i, &one, &size);
	cr_expect_eq(fk_plan_n_kmms(&plan), 20);
	cr_expect_eq(fk_plan_predicted_ms(&plan), 5000);
	plan.n_steps = 1;
	cr_expect_eq(fk_plan_predicted_ms(&plan), 2500);
}

Test(plan, only_a_hundred_excluded_members_are_named_but_all_are_counted)
{
	struct fk_ue_slot beyond = ue(200);
	struct fk_plan plan;

	fk_plan_begin(&plan, 4, false);
	for (uint32_t i = 0; i < 250; i++)
		fk_plan_add(&plan, i, &beyond, &size);
	cr_expect_eq(plan.n_excluded, FK_PLAN_EXCLUDED_MAX);
	cr_expect_eq(plan.n_causes[FK_CAUSE_TOO_LARGE], 250);
	cr_expect_eq(plan.n_served, 0);
}
