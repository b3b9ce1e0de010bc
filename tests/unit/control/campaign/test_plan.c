/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#include "campaign/plan.h"

static const struct fk_message_size size = {
	.base = 1000, .n_uris = 3, .limit = 1300, .payload = 94};

static struct fk_ue_slot ue(uint8_t uri_size)
{
	return (struct fk_ue_slot){.rsi = 1, .ptek_algorithm_id = 0x84, .mcdata_id_size = uri_size};
}

static const struct fk_plan_terms terms = {.pace_per_s = 10,
					   .closing = true,
					   .n_keys = 1,
					   .transport_limit = 465,
					   .preamble_size = 14};

/* Measures and counts 'n' members. */
static void plan_all(struct fk_plan *plan, const struct fk_plan_terms *t,
		     const struct fk_ue_slot *const *ues, uint32_t n,
		     const struct fk_message_size *sizes)
{
	fk_plan_begin(plan, t);
	for (uint32_t i = 0; i < n; i++)
		fk_plan_measure(plan, ues[i], sizes);
	for (uint32_t i = 0; i < n; i++)
		fk_plan_add(plan, 5 + i, ues[i], sizes);
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

	cr_expect_eq(fk_plan_judge(&terms, &fits, &size), FK_CAUSE_NONE);
	cr_expect_eq(fk_plan_judge(&terms, &beyond, &size), FK_CAUSE_TOO_LARGE);
}

Test(plan, while_sizes_are_not_known_nobody_is_too_large)
{
	const struct fk_message_size unknown = {.base = 0};
	struct fk_ue_slot long_uri = ue(255);
	struct fk_plan plan;

	plan_all(&plan, &terms, (const struct fk_ue_slot *[]){&long_uri}, 1, &unknown);
	cr_expect_eq(plan.n_served, 1);
	cr_expect_eq(plan.keys_per_kmm[0], 9);
	cr_expect_eq(plan.size_max, 0);
}

Test(plan, one_key_beyond_a_limit_is_too_large_and_the_limit_is_named)
{
	struct fk_plan_terms t = terms;
	struct fk_ue_slot one = ue(10), long_uri = ue(101);
	enum fk_plan_limit limit;

	t.transport_limit = 80;
	t.payload_limits[0] = 94;
	cr_expect_eq(fk_plan_keys_per_kmm(&t, &one, &size, &limit), 1);
	cr_expect_eq(limit, FK_PLAN_LIMIT_NONE);
	t.transport_limit = 79;
	cr_expect_eq(fk_plan_keys_per_kmm(&t, &one, &size, &limit), 0);
	cr_expect_eq(limit, FK_PLAN_LIMIT_TRANSPORT);
	cr_expect_eq(fk_plan_judge(&t, &one, &size), FK_CAUSE_TOO_LARGE);
	t.transport_limit = 80;
	t.payload_limits[0] = 93;
	cr_expect_eq(fk_plan_keys_per_kmm(&t, &one, &size, &limit), 0);
	cr_expect_eq(limit, FK_PLAN_LIMIT_PAYLOAD);
	cr_expect_eq(fk_plan_keys_per_kmm(&terms, &long_uri, &size, &limit), 0);
	cr_expect_eq(limit, FK_PLAN_LIMIT_MESSAGE);
}

struct border {
	uint16_t transport_limit, payload_limit, message_limit;
	uint32_t keys;
};

ParameterizedTestParameters(plan, the_split_limit_is_the_smallest_of_its_limits)
{
	/* One key: 80 octets of KMM, 94 of payload, 1030 of message; 45 for each further one. */
	static struct border borders[] = {
		{465, 0, 1500, 9},   {440, 0, 1500, 9},	  {439, 0, 1500, 8},   {125, 0, 1500, 2},
		{124, 0, 1500, 1},   {465, 454, 1500, 9}, {465, 453, 1500, 8}, {465, 139, 1500, 2},
		{465, 138, 1500, 1}, {465, 0, 1390, 9},	  {465, 0, 1389, 8},   {465, 0, 1075, 2},
		{465, 0, 1074, 1},   {465, 0, 1030, 1},	  {465, 0, 1029, 0},   {170, 139, 1400, 2},
		{170, 300, 1030, 1},
	};

	return cr_make_param_array(struct border, borders, sizeof(borders) / sizeof(borders[0]));
}

ParameterizedTest(struct border *b, plan, the_split_limit_is_the_smallest_of_its_limits)
{
	struct fk_message_size message = size;
	struct fk_plan_terms t = terms;
	struct fk_ue_slot one = ue(10);

	t.transport_limit = b->transport_limit;
	t.payload_limits[0] = b->payload_limit;
	message.limit = b->message_limit;
	cr_expect_eq(fk_plan_keys_per_kmm(&t, &one, &message, NULL), b->keys, "%u %u %u",
		     b->transport_limit, b->payload_limit, b->message_limit);
}

Test(plan, the_longest_uri_that_is_served_decides_for_its_next_hop_alone)
{
	struct fk_plan_terms t = terms;
	struct fk_ue_slot near = ue(20), far = ue(70), beyond = ue(200), other = ue(20);
	struct fk_plan plan;

	other.next_hop = 1;
	t.n_keys = 16;
	plan_all(&plan, &t, (const struct fk_ue_slot *[]){&near, &far, &beyond, &other}, 4, &size);
	/* 1060 and 5 * 45 would go to the near one, 1210 and 2 * 45 to the far one. */
	cr_expect_eq(plan.keys_per_kmm[0], 3);
	cr_expect_eq(plan.keys_per_kmm[1], 6);
	cr_expect_eq(plan.n_served, 3);
	cr_expect_eq(plan.kmms_min, 3 + 1);
	cr_expect_eq(plan.kmms_max, 6 + 1);
	cr_expect_eq(plan.n_kmms, 7 + 7 + 4);
	cr_expect_eq(plan.size_min, 1060 + 2 * 45);
	cr_expect_eq(plan.size_max, 1210 + 2 * 45);
	cr_expect_eq(plan.payload, 94 + 5 * 45);
}

struct taken {
	uint16_t max_kmm;
	uint8_t max_keys;
	uint32_t keys;
};

ParameterizedTestParameters(plan, a_ue_takes_as_many_keys_as_its_octets_and_its_count_allow)
{
	static struct taken taken[] = {
		{0, 0, 9},     {0, 1, 1},   {0, 9, 9},	 {0, 255, 9}, {79, 0, 0},
		{80, 0, 1},    {124, 0, 1}, {125, 0, 2}, {439, 0, 8}, {440, 0, 9},
		{65535, 0, 9}, {170, 2, 2}, {125, 4, 2},
	};

	return cr_make_param_array(struct taken, taken, sizeof(taken) / sizeof(taken[0]));
}

ParameterizedTest(struct taken *t, plan, a_ue_takes_as_many_keys_as_its_octets_and_its_count_allow)
{
	struct fk_ue_slot one = ue(10);

	one.max_kmm = t->max_kmm;
	one.max_keys = t->max_keys;
	cr_expect_eq(fk_plan_ue_keys(&one), t->keys, "%u %u", t->max_kmm, t->max_keys);
}

Test(plan, who_takes_few_keys_gets_more_kmms_and_nobody_else_does)
{
	struct fk_plan_terms t = terms;
	struct fk_ue_slot one = ue(20), three = ue(20), any = ue(20), none = ue(20);
	struct fk_plan plan;

	t.n_keys = 8;
	one.max_keys = 1;
	three.max_kmm = 170;
	none.max_kmm = 79;
	plan_all(&plan, &t, (const struct fk_ue_slot *[]){&one, &three, &any, &none}, 4, &size);
	cr_expect_eq(plan.keys_per_kmm[0], 6);
	cr_expect_eq(plan.keys_min, 1);
	cr_expect_eq(plan.keys_max, 6);
	cr_expect_eq(plan.n_limited, 2);
	cr_expect_eq(plan.kmms_min, 2 + 1);
	cr_expect_eq(plan.kmms_max, 8 + 1);
	cr_expect_eq(plan.n_kmms, 9 + 4 + 3);
	cr_assert_eq(plan.n_excluded, 1);
	cr_expect_eq(plan.excluded[0].cause, FK_CAUSE_TOO_LARGE);
	cr_expect_eq(plan.excluded[0].limit_of, FK_PLAN_LIMIT_UE);
	cr_expect_eq(plan.excluded[0].size, 80);
	cr_expect_eq(plan.excluded[0].limit, 79);
	t.n_keys = 1; /* one key is what all of them take */
	plan_all(&plan, &t, (const struct fk_ue_slot *[]){&one, &three, &any}, 3, &size);
	cr_expect_eq(plan.n_limited, 0);
	cr_expect_eq(plan.keys_max, 1);
}

Test(plan, a_ue_without_the_keyset_is_left_out)
{
	struct fk_plan_terms t = terms;
	struct fk_ue_slot two = ue(20), any = ue(20);

	two.keysets = 2;
	t.keyset_id = 2;
	cr_expect_eq(fk_plan_judge(&t, &two, &size), FK_CAUSE_NONE);
	t.keyset_id = 3;
	cr_expect_eq(fk_plan_judge(&t, &two, &size), FK_CAUSE_NO_KEYSET);
	cr_expect_eq(fk_plan_judge(&t, &any, &size), FK_CAUSE_NONE);
	/* spec: P25 sheet 2.3: keyset 255 is that of KEKs */
	t.keyset_id = 255;
	cr_expect_eq(fk_plan_judge(&t, &two, &size), FK_CAUSE_NONE);
}

Test(plan, who_is_left_out_is_a_member_with_a_reason_and_bounds_nobody)
{
	struct fk_ue_slot served = ue(20), lost = ue(20);
	struct fk_plan plan;

	fk_plan_begin(&plan, &terms);
	fk_plan_measure(&plan, &served, &size);
	fk_plan_add(&plan, 1, &served, &size);
	fk_plan_leave_out(&plan, 2, &lost, FK_CAUSE_LOST);
	cr_expect_eq(plan.n_members, 2);
	cr_expect_eq(plan.hops[0].n_members, 2);
	cr_expect_eq(plan.n_served, 1);
	cr_expect_eq(plan.n_kmms, 2);
	cr_expect_eq(plan.n_causes[FK_CAUSE_LOST], 1);
	cr_assert_eq(plan.n_excluded, 1);
	cr_expect_eq(plan.excluded[0].ue_index, 2);
	cr_expect_eq(plan.excluded[0].limit_of, FK_PLAN_LIMIT_NONE);
}

Test(plan, a_compromised_protection_tek_is_none_but_where_a_warm_start_may_bring_another)
{
	struct fk_ue_slot bare = ue(20), compromised = ue(20);
	struct fk_plan_terms t = terms;
	struct fk_plan plan;

	bare.ptek_algorithm_id = compromised.ptek_algorithm_id = 0;
	compromised.ptek_compromised = 1;
	cr_expect_eq(fk_plan_judge(&t, &compromised, &size), FK_CAUSE_NO_PTEK);
	t.may_warm_start = true;
	cr_expect_eq(fk_plan_judge(&t, &bare, &size), FK_CAUSE_NO_PTEK);
	cr_expect_eq(fk_plan_judge(&t, &compromised, &size), FK_CAUSE_NONE);
	/* Also where there is nobody else. */
	plan_all(&plan, &t, (const struct fk_ue_slot *[]){&compromised, &bare}, 2, &size);
	cr_expect_eq(plan.n_served, 1);
	cr_expect_gt(plan.keys_per_kmm[0], 0);
}

Test(plan, keys_for_nobody_are_refused_where_something_has_their_places)
{
	struct fk_plan_terms t = terms;
	struct fk_ue_slot slot = ue(20);
	struct fk_reason reason;
	struct fk_plan plan;
	const char *field = NULL;

	t.n_keys = 1;
	t.keyset_id = 2;
	fk_plan_begin(&plan, &t);
	cr_expect_eq(fk_plan_check_places(&plan, &field, &reason), FK_OK);
	fk_plan_leave_out(&plan, 1, &slot, FK_CAUSE_LOST);
	cr_expect_eq(fk_plan_check_places(&plan, &field, &reason), FK_OK);
	fk_plan_leave_out(&plan, 2, &slot, FK_CAUSE_IN_USE);
	cr_expect_eq(fk_plan_check_places(&plan, &field, &reason), FK_EPOLICY);
	cr_expect_str_eq(field, "keyset_id");
	fk_plan_leave_out(&plan, 3, &slot, FK_CAUSE_SUPERSEDED);
	cr_expect_eq(fk_plan_check_places(&plan, &field, &reason), FK_EPOLICY);
	cr_expect_str_eq(field, "keys_of");
	plan.n_served = 1;
	cr_expect_eq(fk_plan_check_places(&plan, &field, &reason), FK_OK);
	plan.n_served = 0;
	plan.terms.n_keys = 0; /* a deletion */
	cr_expect_eq(fk_plan_check_places(&plan, &field, &reason), FK_OK);
}

Test(plan, members_are_counted_by_what_becomes_of_them)
{
	struct fk_ue_slot small = ue(20), large = ue(40), beyond = ue(200), bare = ue(20);
	struct fk_plan plan;

	bare.ptek_algorithm_id = 0;
	plan_all(&plan, &terms, (const struct fk_ue_slot *[]){&small, &beyond, &large, &bare}, 4,
		 &size);
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
	struct fk_plan_terms t = terms;
	struct fk_plan plan;

	t.pace_per_s = 4;
	plan_all(&plan, &t, (const struct fk_ue_slot *[]){&one, &one, &one, &one, &one}, 5, &size);
	cr_expect_eq(plan.n_kmms, 10);
	cr_expect_eq(fk_plan_predicted_ms(&plan), 2500);
	t.closing = false;
	t.n_keys = 16;
	t.transport_limit = 170;
	plan_all(&plan, &t, (const struct fk_ue_slot *[]){&one, &one}, 2, &size);
	cr_expect_eq(plan.n_kmms, 12);
	cr_expect_eq(fk_plan_predicted_ms(&plan), 3000);
}

Test(plan, only_a_hundred_excluded_members_are_named_but_all_are_counted)
{
	struct fk_ue_slot beyond = ue(200);
	struct fk_plan plan;

	fk_plan_begin(&plan, &terms);
	for (uint32_t i = 0; i < 250; i++)
		fk_plan_add(&plan, i, &beyond, &size);
	cr_expect_eq(plan.n_excluded, FK_PLAN_EXCLUDED_MAX);
	cr_expect_eq(plan.n_causes[FK_CAUSE_TOO_LARGE], 250);
	cr_expect_eq(plan.n_served, 0);
}

/* spec: RFC 3428 §8 */
Test(plan, one_at_a_time_takes_a_round_trip_for_each_kmm_of_that_next_hop)
{
	struct fk_plan_terms t = terms;
	struct fk_ue_slot near = ue(22), far = ue(22);
	struct fk_plan plan;

	far.next_hop = 1;
	t.pace_per_s = 1000;
	t.round_trip_ms = 500;
	plan_all(&plan, &t, (const struct fk_ue_slot *[]){&near, &far, &far}, 3, &size);
	cr_expect_eq(fk_plan_predicted_ms(&plan), 6, "three UEs, two KMMs each, at the pace");
	t.one_at_a_time[1] = true;
	plan_all(&plan, &t, (const struct fk_ue_slot *[]){&near, &far, &far}, 3, &size);
	cr_expect_eq(fk_plan_hop_predicted_ms(&plan, 0), 0);
	cr_expect_eq(fk_plan_hop_predicted_ms(&plan, 1), 2000);
	cr_expect_eq(fk_plan_predicted_ms(&plan), 2000);
	t.pace_per_s = 1;
	plan_all(&plan, &t, (const struct fk_ue_slot *[]){&near, &far, &far}, 3, &size);
	cr_expect_eq(fk_plan_predicted_ms(&plan), 6000, "the pace is slower than that");
}

Test(plan, each_next_hop_has_its_own_sizes_and_refuses_by_its_own_limit)
{
	const struct fk_message_size other = {.base = 1290, .n_uris = 1, .limit = 1300};
	struct fk_ue_slot near = ue(20), far = ue(10), beyond = ue(30);
	struct fk_plan plan;

	far.next_hop = beyond.next_hop = 1;
	fk_plan_begin(&plan, &terms);
	fk_plan_measure(&plan, &near, &size);
	fk_plan_measure(&plan, &far, &other);
	fk_plan_measure(&plan, &beyond, &other);
	fk_plan_add(&plan, 1, &near, &size);
	fk_plan_add(&plan, 2, &far, &other);
	fk_plan_add(&plan, 3, &beyond, &other);
	cr_expect_eq(plan.hops[0].n_members, 1);
	cr_expect_eq(plan.hops[0].n_served, 1);
	cr_expect_eq(plan.hops[0].size_max, 1060);
	cr_expect_eq(plan.hops[0].size_refused, 0);
	cr_expect_eq(plan.hops[1].n_members, 2);
	cr_expect_eq(plan.hops[1].n_served, 1);
	cr_expect_eq(plan.hops[1].size_max, 1300);
	cr_expect_eq(plan.hops[1].size_refused, 1320);
	cr_expect_eq(plan.hops[1].limit, 1300);
	cr_expect_eq(plan.hops[0].n_kmms + plan.hops[1].n_kmms, plan.n_kmms);
}
