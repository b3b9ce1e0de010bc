/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include <fleetkey/kmm.h>

#include "campaign/fold.h"

/* Two rekeys into keyset 1, the second of which replaces SLN 1; one into keyset 2; the changeover
 * to the keys of the second. */
static const struct fk_campaign campaigns[] = {
	{.id = 1,
	 .kind = FK_KIND_REKEY,
	 .keyset_id = 1,
	 .n_keys = 2,
	 .slns = {1, 2},
	 .key_ids = {11, 12}},
	{.id = 2,
	 .kind = FK_KIND_REKEY,
	 .keyset_id = 1,
	 .n_keys = 2,
	 .slns = {3, 1},
	 .key_ids = {23, 21},
	 .created_at_ms = 1000000},
	{.id = 3, .kind = FK_KIND_REKEY, .keyset_id = 2, .n_keys = 1, .slns = {1}, .key_ids = {31}},
	{.id = 4,
	 .kind = FK_KIND_CHANGEOVER,
	 .keys_of = 2,
	 .keyset_id = 1,
	 .superseded_keyset_id = 2,
	 .n_keys = 2,
	 .slns = {3, 1},
	 .key_ids = {23, 21}},
	{.id = 5,
	 .kind = FK_KIND_DELETE_KEY,
	 .keys_of = 2,
	 .keyset_id = 1,
	 .n_keys = 2,
	 .slns = {3, 1},
	 .key_ids = {23, 21}},
	{.id = 6, .kind = FK_KIND_DELETE_KEYSET, .keyset_id = 1},
	{.id = 7, .kind = FK_KIND_INVENTORY},
	{.id = 8, .kind = FK_KIND_ZEROIZE, .created_at_ms = 3000000},
	/* The second one again, for those at whom it failed. */
	{.id = 9,
	 .kind = FK_KIND_REKEY,
	 .keys_of = 2,
	 .retry_of = 2,
	 .keyset_id = 1,
	 .n_keys = 2,
	 .slns = {3, 1},
	 .key_ids = {23, 21},
	 .created_at_ms = 1000000,
	 .started_at_ms = 9000000},
	/* Who has the keys of the second one? */
	{.id = 10,
	 .kind = FK_KIND_INVENTORY,
	 .keys_of = 2,
	 .keyset_id = 1,
	 .n_keys = 2,
	 .slns = {3, 1},
	 .key_ids = {23, 21},
	 .created_at_ms = 5000000},
	/* Two CKEKs of a group, and the deletion of the first. */
	{.id = 11, .kind = FK_KIND_CKEK, .keyset_id = 255, .n_keys = 1, .slns = {61441}},
	{.id = 12, .kind = FK_KIND_CKEK, .keyset_id = 255, .n_keys = 1, .slns = {61441}},
	{.id = 13,
	 .kind = FK_KIND_DELETE_KEY,
	 .keys_of = 11,
	 .keyset_id = 255,
	 .n_keys = 1,
	 .slns = {61441}},
};

static const struct fk_campaign *find(void *ctx, uint32_t id)
{
	(void)ctx;
	return id >= 1 && id <= 13 ? &campaigns[id - 1] : NULL;
}

static enum fk_cause judge(const struct fk_campaign *c, const struct fk_currency *ue)
{
	struct fk_fold f;

	fk_fold_begin(&f, c, find, NULL);
	return fk_currency_judge(&f, ue);
}

/* What a UE's currency is after a delivery of campaign 'id'. */
static void fold(uint32_t id, const struct fk_delivery *d, struct fk_currency *ue)
{
	struct fk_fold f;

	fk_fold_begin(&f, &campaigns[id - 1], find, NULL);
	fk_fold_delivery(&f, d, ue);
}

static const struct fk_delivery held_both = {.state = FK_DELIVERY_ACKED,
					     .flags = FK_DELIVERY_HELD | FK_DELIVERY_PROVEN |
						      FK_DELIVERY_LISTED,
					     .keys_per_kmm = 9,
					     .step = 1,
					     .keys_held = 3,
					     .date_time_s = 900,
					     .acked_ms = 5000,
					     .inbound_number = 77,
					     .mac_key_id = 5,
					     .mac = {1, 2, 3},
					     .cause_detail = 1};

/* One KMM with both keys, which has not been answered. */
static const struct fk_delivery open_both = {
	.state = FK_DELIVERY_OPEN, .keys_per_kmm = 9, .date_time_s = 900};

Test(fold, an_acknowledged_key_is_held_by_the_evidence_of_its_answer)
{
	struct fk_currency ue = {.n_entries = 0};
	const struct fk_currency_entry *entry = &ue.entries[0];

	fold(2, &held_both, &ue);
	cr_assert_eq(ue.n_entries, 1);
	cr_expect_eq(fk_currency_state(&ue, 2, 0), FK_KEY_HELD);
	cr_expect_eq(fk_currency_state(&ue, 2, 1), FK_KEY_HELD);
	cr_expect_eq(entry->flags, FK_CURRENCY_PROVEN | FK_CURRENCY_LISTED);
	cr_expect_eq(entry->evidence.campaign_id, 2);
	cr_expect_eq(entry->evidence.at_s, 1005);
	cr_expect_eq(entry->evidence.inbound_number, 77);
	cr_expect_eq(entry->evidence.mac_key_id, 5);
	cr_expect_arr_eq(entry->evidence.mac, held_both.mac, 8);
}

Test(fold, the_keyset_that_the_closing_exchange_lists_is_the_active_one)
{
	struct fk_currency ue = {.n_entries = 0};
	struct fk_delivery d = held_both;

	d.flags = FK_DELIVERY_HELD;
	d.cause_detail = 0;
	fold(1, &d, &ue);
	cr_expect_eq(ue.active, FK_ACTIVE_NEVER, "nobody has said");
	fold(2, &held_both, &ue);
	cr_expect_eq(ue.active, FK_ACTIVE_KNOWN);
	cr_expect_eq(ue.active_keyset, 1);
	cr_expect_eq(ue.active_evidence.campaign_id, 2);
}

Test(fold, what_was_reserved_is_possibly_held_and_what_was_not_is_not)
{
	struct fk_delivery d = open_both;
	struct fk_currency ue = {.n_entries = 0};

	d.keys_per_kmm = 1;
	fold(2, &d, &ue);
	cr_expect_eq(fk_currency_state(&ue, 2, 0), FK_KEY_POSSIBLY_HELD);
	cr_expect_eq(fk_currency_state(&ue, 2, 1), FK_KEY_NOT_HELD);
	cr_expect_eq(ue.entries[0].evidence.at_s, 900);
	cr_expect_eq(ue.entries[0].evidence.mac_key_id, 0);
	ue = (struct fk_currency){.n_entries = 0};
	d.state = FK_DELIVERY_PENDING;
	d.date_time_s = 0;
	fold(2, &d, &ue);
	cr_expect_eq(ue.n_entries, 0);
}

Test(fold, a_held_key_takes_the_place_of_the_one_before_it)
{
	struct fk_currency ue = {.n_entries = 0};

	fold(1, &held_both, &ue);
	fold(2, &held_both, &ue);
	cr_expect_eq(fk_currency_state(&ue, 1, 0), FK_KEY_NOT_HELD, "SLN 1 was given anew");
	cr_expect_eq(fk_currency_state(&ue, 1, 1), FK_KEY_HELD, "SLN 2 was not");
	fold(3, &held_both, &ue);
	cr_expect_eq(fk_currency_state(&ue, 2, 1), FK_KEY_HELD, "another keyset is another place");
}

Test(fold, a_key_that_is_possibly_replaced_is_possibly_held)
{
	struct fk_currency ue = {.n_entries = 0};

	fold(1, &held_both, &ue);
	fold(2, &open_both, &ue);
	cr_expect_eq(fk_currency_state(&ue, 1, 0), FK_KEY_POSSIBLY_HELD);
	cr_expect_eq(fk_currency_state(&ue, 1, 1), FK_KEY_HELD);
}

Test(fold, entries_that_are_replaced_whole_go)
{
	struct fk_currency ue = {.n_entries = 0};
	struct fk_delivery d = held_both;

	d.keys_held = 1; /* SLN 1 alone */
	fold(1, &d, &ue);
	fold(2, &held_both, &ue);
	cr_expect_eq(ue.n_entries, 1);
	cr_expect_eq(fk_currency_state(&ue, 1, 0), FK_KEY_NOT_HELD);
}

Test(fold, folding_again_changes_nothing)
{
	struct fk_currency ue = {.n_entries = 0}, again;

	fold(1, &held_both, &ue);
	fold(2, &open_both, &ue);
	again = ue;
	fold(2, &held_both, &again);
	cr_expect_arr_eq(&ue, &again, sizeof(ue));
}

Test(fold, keys_that_are_given_again_are_the_same_keys)
{
	struct fk_delivery half = held_both;
	struct fk_currency ue = {.n_entries = 0}, again;

	half.state = FK_DELIVERY_PARTIAL;
	half.keys_held = 1;
	half.flags = 0;
	fold(1, &held_both, &ue);
	fold(2, &half, &ue);
	cr_assert_eq(fk_currency_state(&ue, 2, 0), FK_KEY_HELD);
	cr_assert_neq(fk_currency_state(&ue, 2, 1), FK_KEY_HELD);
	/* Sent again and not answered: what is held stays so. */
	fold(9, &open_both, &ue);
	cr_expect_eq(fk_currency_state(&ue, 2, 0), FK_KEY_HELD);
	cr_expect_eq(fk_currency_state(&ue, 2, 1), FK_KEY_POSSIBLY_HELD);
	fold(9, &held_both, &ue);
	cr_expect_eq(fk_currency_state(&ue, 2, 0), FK_KEY_HELD);
	cr_expect_eq(fk_currency_state(&ue, 2, 1), FK_KEY_HELD);
	cr_expect_eq(fk_currency_state(&ue, 1, 0), FK_KEY_NOT_HELD, "SLN 1 has the newer key");
	cr_assert_not_null(fk_currency_find(&ue, 2));
	cr_expect_null(fk_currency_find(&ue, 9));
	cr_expect_eq(fk_currency_find(&ue, 2)->evidence.at_s, 9005, "it counts from its start");
	again = ue;
	fold(9, &held_both, &again);
	cr_expect_arr_eq(&ue, &again, sizeof(ue));
}

Test(fold, a_plan_knows_what_is_in_the_places_of_its_keys)
{
	struct fk_campaign next = campaigns[1];
	struct fk_currency ue = {.n_entries = 0};
	struct fk_fold f;

	next.id = 0;
	fk_fold_begin(&f, &next, find, NULL);
	cr_expect_eq(fk_fold_diff(&f, &ue), FK_DIFF_NEW);
	fold(3, &held_both, &ue);
	cr_expect_eq(fk_fold_diff(&f, &ue), FK_DIFF_NEW, "another keyset");
	fold(2, &held_both, &ue);
	cr_expect_eq(fk_fold_diff(&f, &ue), FK_DIFF_REPLACES);
	next.keys_of = 2;
	cr_expect_eq(fk_fold_diff(&f, &ue), FK_DIFF_HELD);
	fk_currency_find(&ue, 2)->maybe = 2;
	fk_currency_find(&ue, 2)->held = 1;
	cr_expect_eq(fk_fold_diff(&f, &ue), FK_DIFF_UNCERTAIN);
	ue = (struct fk_currency){.has_gap = true};
	cr_expect_eq(fk_fold_diff(&f, &ue), FK_DIFF_UNCERTAIN);
}

Test(fold, only_a_status_that_says_that_nothing_was_done_proves_absence)
{
	static const struct {
		uint8_t status;
		bool is_proof;
	} cases[] = {{0x01, true},  {0x02, true}, {0x03, true},	 {0x04, false}, {0x05, true},
		     {0x06, true},  {0x08, true}, {0x09, true},	 {0x0a, true},	{0x0b, true},
		     {0x07, false}, {0x0d, true}, {0xff, false}, {0x33, false}};

	for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fk_delivery d = {.state = FK_DELIVERY_REFUSED,
					.cause = FK_CAUSE_KMM,
					.cause_detail = cases[i].status,
					.keys_per_kmm = 1,
					.date_time_s = 900};
		struct fk_currency ue = {.n_entries = 0};

		fold(2, &d, &ue);
		cr_expect_eq(fk_currency_state(&ue, 2, 0),
			     cases[i].is_proof ? FK_KEY_NOT_HELD : FK_KEY_POSSIBLY_HELD,
			     "status %02x", cases[i].status);
		/* An earlier attempt may have been obeyed. */
		d.attempt = 1;
		ue = (struct fk_currency){.n_entries = 0};
		fold(2, &d, &ue);
		cr_expect_eq(fk_currency_state(&ue, 2, 0), FK_KEY_POSSIBLY_HELD);
	}
}

Test(fold, of_several_refused_keys_one_status_proves_nothing)
{
	struct fk_delivery d = {.state = FK_DELIVERY_REFUSED,
				.cause = FK_CAUSE_KMM,
				.cause_detail = 6,
				.keys_per_kmm = 9,
				.date_time_s = 900};
	struct fk_currency ue = {.n_entries = 0};

	fold(2, &d, &ue);
	cr_expect_eq(fk_currency_state(&ue, 2, 0), FK_KEY_POSSIBLY_HELD);
	d.keys_held = 1;
	d.state = FK_DELIVERY_PARTIAL;
	ue = (struct fk_currency){.n_entries = 0};
	fold(2, &d, &ue);
	cr_expect_eq(fk_currency_state(&ue, 2, 0), FK_KEY_HELD);
	cr_expect_eq(fk_currency_state(&ue, 2, 1), FK_KEY_NOT_HELD);
}

Test(fold, a_late_acknowledgement_counts_whether_or_not_the_delivery_was_folded)
{
	const struct fk_ue_state state = {.outcome = FK_OUTCOME_ANSWERED,
					  .kmm_message_id = FK_KMM_REKEY_ACK,
					  .keys_held = 3,
					  .answered_at_us = 2000000000,
					  .inbound_number = 9,
					  .mac_key_id = 6,
					  .mac = {9}};
	struct fk_delivery d = open_both;

	d.state = FK_DELIVERY_UNREACHABLE;
	for (uint32_t was_folded = 0; was_folded < 2; was_folded++) {
		struct fk_currency ue = {.n_entries = 0}, again;
		struct fk_fold f;

		fold(1, &held_both, &ue);
		if (was_folded)
			fold(2, &d, &ue);
		fk_fold_begin(&f, &campaigns[1], find, NULL);
		fk_fold_late(&f, &d, &state, &ue);
		cr_expect_eq(fk_currency_state(&ue, 2, 0), FK_KEY_HELD);
		cr_expect_eq(fk_currency_state(&ue, 2, 1), FK_KEY_HELD);
		cr_expect_eq(fk_currency_state(&ue, 1, 0), FK_KEY_NOT_HELD);
		cr_expect_eq(ue.entries[0].flags, FK_CURRENCY_LATE);
		cr_expect_eq(ue.entries[0].evidence.at_s, 2000);
		cr_expect_eq(ue.entries[0].evidence.inbound_number, 9);
		again = ue;
		fk_fold_late(&f, &d, &state, &again);
		fk_fold_delivery(&f, &d, &again);
		cr_expect_arr_eq(&ue, &again, sizeof(ue));
	}
}

Test(fold, a_late_refusal_and_keys_of_another_step_change_nothing)
{
	struct fk_ue_state state = {.outcome = FK_OUTCOME_ANSWERED,
				    .kmm_message_id = FK_KMM_NEGATIVE_ACK,
				    .keys_held = 3};
	struct fk_delivery d = open_both;
	struct fk_currency ue = {.n_entries = 0}, before;
	struct fk_fold f;

	d.state = FK_DELIVERY_UNREACHABLE;
	d.keys_per_kmm = 1;
	fold(2, &d, &ue);
	before = ue;
	fk_fold_begin(&f, &campaigns[1], find, NULL);
	fk_fold_late(&f, &d, &state, &ue);
	cr_expect_arr_eq(&ue, &before, sizeof(ue));
	state.kmm_message_id = FK_KMM_REKEY_ACK;
	fk_fold_late(&f, &d, &state, &ue);
	cr_expect_eq(fk_currency_state(&ue, 2, 0), FK_KEY_HELD);
	cr_expect_eq(fk_currency_state(&ue, 2, 1), FK_KEY_NOT_HELD, "its KMM was never sent");
}

static const struct fk_delivery changed = {.state = FK_DELIVERY_ACKED,
					   .flags = FK_DELIVERY_PERFORMED,
					   .keys_per_kmm = 9,
					   .date_time_s = 900,
					   .acked_ms = 3000,
					   .inbound_number = 5,
					   .mac_key_id = 6,
					   .mac = {4}};

Test(fold, the_active_keyset_is_unknown_from_the_command_to_its_answer)
{
	struct fk_currency before = {.active = FK_ACTIVE_KNOWN, .active_keyset = 2}, ue = before;
	struct fk_delivery d = {.state = FK_DELIVERY_PENDING, .keys_per_kmm = 9};

	fold(4, &d, &ue);
	cr_expect_eq(ue.active, FK_ACTIVE_KNOWN, "nothing was sent");
	cr_expect_eq(ue.active_keyset, 2);
	d.state = FK_DELIVERY_QUEUED;
	d.date_time_s = 900;
	fold(4, &d, &ue);
	cr_expect_eq(ue.active, FK_ACTIVE_UNKNOWN);
	cr_expect_eq(ue.active_evidence.campaign_id, 4);
	cr_expect_eq(ue.active_evidence.at_s, 900);
	cr_expect_eq(ue.n_entries, 0, "it gives no key");
	ue = before;
	fold(4, &changed, &ue);
	cr_expect_eq(ue.active, FK_ACTIVE_KNOWN);
	cr_expect_eq(ue.active_keyset, 1);
	cr_expect_eq(ue.active_evidence.inbound_number, 5);
	cr_expect_eq(ue.active_evidence.mac_key_id, 6);
}

Test(fold, a_changeover_that_was_refused_for_certain_leaves_the_keyset_known)
{
	struct fk_delivery d = {.state = FK_DELIVERY_REFUSED,
				.cause = FK_CAUSE_KMM,
				.cause_detail = 2,
				.keys_per_kmm = 9,
				.date_time_s = 900};
	struct fk_currency ue = {.active = FK_ACTIVE_KNOWN, .active_keyset = 2};

	fold(4, &d, &ue);
	cr_expect_eq(ue.active, FK_ACTIVE_KNOWN);
	cr_expect_eq(ue.active_keyset, 2);
	d.attempt = 1;
	fold(4, &d, &ue);
	cr_expect_eq(ue.active, FK_ACTIVE_UNKNOWN, "an earlier attempt may have been obeyed");
}

Test(fold, a_late_changeover_response_makes_the_keyset_known)
{
	const struct fk_ue_state state = {.outcome = FK_OUTCOME_ANSWERED,
					  .kmm_message_id = FK_KMM_CHANGEOVER_RESPONSE,
					  .answered_at_us = 2000000000,
					  .inbound_number = 9};
	struct fk_delivery d = {
		.state = FK_DELIVERY_UNREACHABLE, .keys_per_kmm = 9, .date_time_s = 900};
	struct fk_currency ue = {.active = FK_ACTIVE_KNOWN, .active_keyset = 2};
	struct fk_fold f;

	fk_fold_begin(&f, &campaigns[3], find, NULL);
	fk_fold_late(&f, &d, &state, &ue);
	cr_expect_eq(ue.active, FK_ACTIVE_KNOWN);
	cr_expect_eq(ue.active_keyset, 1);
	cr_expect_eq(ue.active_evidence.at_s, 2000);
	fk_fold_delivery(&f, &d, &ue);
	cr_expect_eq(ue.active, FK_ACTIVE_KNOWN, "it is folded in already");
}

Test(fold, a_changeover_wants_exactly_the_keys_that_it_goes_on_with)
{
	struct fk_currency ue = {.n_entries = 0};
	struct fk_delivery d = held_both;

	cr_expect_eq(judge(&campaigns[3], &ue), FK_CAUSE_KEYS_NOT_HELD);
	fold(2, &open_both, &ue);
	cr_expect_eq(judge(&campaigns[3], &ue), FK_CAUSE_KEYS_NOT_HELD);
	ue = (struct fk_currency){.n_entries = 0};
	d.keys_held = 1;
	d.state = FK_DELIVERY_PARTIAL;
	fold(2, &d, &ue);
	cr_expect_eq(judge(&campaigns[3], &ue), FK_CAUSE_KEYS_NOT_HELD);
	ue = (struct fk_currency){.n_entries = 0};
	fold(2, &held_both, &ue);
	cr_expect_eq(judge(&campaigns[3], &ue), FK_CAUSE_NONE);
	ue.active = FK_ACTIVE_UNKNOWN;
	cr_expect_eq(judge(&campaigns[3], &ue), FK_CAUSE_NONE, "it may be repeated");
	fold(1, &open_both, &ue); /* SLN 1 may have been given anew */
	cr_expect_eq(judge(&campaigns[3], &ue), FK_CAUSE_KEYS_NOT_HELD);
}

Test(fold, nothing_is_written_while_the_active_keyset_is_unknown)
{
	struct fk_currency ue = {.active = FK_ACTIVE_UNKNOWN};

	cr_expect_eq(judge(&campaigns[0], &ue), FK_CAUSE_ACTIVE_UNKNOWN);
	ue.active = FK_ACTIVE_NEVER;
	cr_expect_eq(judge(&campaigns[0], &ue), FK_CAUSE_NONE);
	ue.active = FK_ACTIVE_KNOWN;
	cr_expect_eq(judge(&campaigns[0], &ue), FK_CAUSE_NONE);
}

Test(fold, no_key_is_replaced_in_the_keyset_that_is_known_to_be_active)
{
	struct fk_campaign rekey = campaigns[1];
	struct fk_currency ue = {.active = FK_ACTIVE_KNOWN, .active_keyset = 1};

	cr_expect_eq(judge(&rekey, &ue), FK_CAUSE_NONE, "there is nothing in its places");
	fold(1, &held_both, &ue);
	cr_expect_eq(judge(&rekey, &ue), FK_CAUSE_IN_USE, "SLN 1");
	rekey.slns[1] = 4;
	cr_expect_eq(judge(&rekey, &ue), FK_CAUSE_NONE, "no SLN that is there");
	rekey.slns[1] = 1;
	rekey.kind = FK_KIND_REKEY_AND_CHANGEOVER;
	cr_expect_eq(judge(&rekey, &ue), FK_CAUSE_IN_USE);
	rekey.replaces_active = true;
	cr_expect_eq(judge(&rekey, &ue), FK_CAUSE_NONE, "by the word of an officer");
	rekey.replaces_active = false;
	rekey.keyset_id = 2;
	cr_expect_eq(judge(&rekey, &ue), FK_CAUSE_NONE, "another keyset");
	rekey.keyset_id = 1;
	ue.active = FK_ACTIVE_NEVER;
	cr_expect_eq(judge(&rekey, &ue), FK_CAUSE_NONE, "it is not known to be active");
	ue.active = FK_ACTIVE_KNOWN;
	fk_currency_doubt(&ue);
	ue.active = FK_ACTIVE_KNOWN;
	ue.active_keyset = 1;
	cr_expect_eq(judge(&rekey, &ue), FK_CAUSE_IN_USE, "unknown is not gone");
	ue = (struct fk_currency){.active = FK_ACTIVE_KNOWN, .active_keyset = 1, .has_gap = true};
	cr_expect_eq(judge(&rekey, &ue), FK_CAUSE_IN_USE, "nobody knows what is there");
	ue = (struct fk_currency){.active = FK_ACTIVE_KNOWN, .active_keyset = 1};
	fold(2, &open_both, &ue);
	cr_expect_eq(judge(&campaigns[8], &ue), FK_CAUSE_NONE, "its own keys, given again");
}

Test(fold, what_is_deleted_is_not_held_and_what_may_be_deleted_is_possibly_held)
{
	for (uint32_t id = 5; id <= 6; id++) {
		struct fk_delivery d = {
			.state = FK_DELIVERY_OPEN, .keys_per_kmm = 9, .date_time_s = 900};
		struct fk_currency ue = {.n_entries = 0}, again;

		fold(1, &held_both, &ue);
		fold(2, &held_both, &ue);
		fold(3, &held_both, &ue);
		again = ue;
		fold(id, &d, &ue);
		cr_expect_eq(fk_currency_state(&ue, 2, 0), FK_KEY_POSSIBLY_HELD);
		cr_expect_eq(fk_currency_state(&ue, 2, 1), FK_KEY_POSSIBLY_HELD);
		cr_expect_eq(fk_currency_state(&ue, 1, 1),
			     id == 5 ? FK_KEY_HELD : FK_KEY_POSSIBLY_HELD, "SLN 2 of keyset 1");
		cr_expect_eq(fk_currency_state(&ue, 3, 0), FK_KEY_HELD, "another keyset");
		d.state = FK_DELIVERY_ACKED;
		d.flags = FK_DELIVERY_PERFORMED;
		fold(id, &d, &again);
		cr_expect_eq(fk_currency_state(&again, 2, 0), FK_KEY_NOT_HELD);
		cr_expect_eq(fk_currency_state(&again, 1, 1),
			     id == 5 ? FK_KEY_HELD : FK_KEY_NOT_HELD);
		cr_expect_eq(fk_currency_state(&again, 3, 0), FK_KEY_HELD);
	}
}

Test(fold, keys_are_deleted_only_where_another_keyset_is_known_to_be_active)
{
	struct fk_currency ue = {.active = FK_ACTIVE_NEVER};

	for (uint32_t id = 5; id <= 6; id++) {
		ue.active = FK_ACTIVE_NEVER;
		cr_expect_eq(judge(&campaigns[id - 1], &ue), FK_CAUSE_IN_USE);
		ue.active = FK_ACTIVE_UNKNOWN;
		ue.active_keyset = 2;
		cr_expect_eq(judge(&campaigns[id - 1], &ue), FK_CAUSE_IN_USE);
		ue.active = FK_ACTIVE_KNOWN;
		cr_expect_eq(judge(&campaigns[id - 1], &ue), FK_CAUSE_NONE);
		ue.active_keyset = 1;
		cr_expect_eq(judge(&campaigns[id - 1], &ue), FK_CAUSE_IN_USE);
	}
}

Test(fold, a_ckek_takes_the_place_of_the_one_before_and_of_no_tek)
{
	struct fk_currency ue = {.active = FK_ACTIVE_UNKNOWN};
	struct fk_delivery d = held_both, sent = open_both;

	fold(2, &held_both, &ue);
	d.keys_held = 1;
	d.flags = FK_DELIVERY_HELD;
	d.cause_detail = 0;
	/* Whatever is active: no traffic is under it, and it is deleted in any case. */
	ue.active = FK_ACTIVE_UNKNOWN;
	cr_expect_eq(judge(&campaigns[10], &ue), FK_CAUSE_NONE);
	cr_expect_eq(judge(&campaigns[12], &ue), FK_CAUSE_NONE);
	fold(11, &d, &ue);
	cr_expect_eq(fk_currency_state(&ue, 11, 0), FK_KEY_HELD);
	cr_expect_eq(fk_currency_state(&ue, 2, 0), FK_KEY_HELD);
	cr_expect_eq(fk_currency_state(&ue, 2, 1), FK_KEY_HELD);
	fold(12, &sent, &ue);
	cr_expect_eq(fk_currency_state(&ue, 11, 0), FK_KEY_POSSIBLY_HELD);
	cr_expect_eq(fk_currency_state(&ue, 12, 0), FK_KEY_POSSIBLY_HELD);
	ue = (struct fk_currency){.n_entries = 0};
	fold(11, &d, &ue);
	fold(12, &d, &ue);
	cr_expect_eq(fk_currency_state(&ue, 11, 0), FK_KEY_NOT_HELD);
	cr_expect_eq(fk_currency_state(&ue, 12, 0), FK_KEY_HELD);
}

Test(fold, keys_under_a_ckek_go_where_it_is_known_to_be_held)
{
	struct fk_campaign rekey = campaigns[1];
	struct fk_currency ue = {.n_entries = 0};
	struct fk_delivery d = held_both;

	rekey.ckek_of = 11;
	cr_expect_eq(judge(&rekey, &ue), FK_CAUSE_NO_CKEK);
	fold(11, &open_both, &ue);
	cr_expect_eq(judge(&rekey, &ue), FK_CAUSE_NO_CKEK, "possibly held");
	ue.n_entries = 0;
	d.keys_held = 1;
	d.cause_detail = 0;
	fold(11, &d, &ue);
	cr_expect_eq(judge(&rekey, &ue), FK_CAUSE_NONE);
	fk_currency_doubt(&ue);
	cr_expect_eq(judge(&rekey, &ue), FK_CAUSE_NO_CKEK, "unknown");
}

Test(fold, an_inventory_settles_which_keyset_is_active)
{
	struct fk_currency ue = {
		.active = FK_ACTIVE_UNKNOWN, .active_keyset = 2, .active_evidence.campaign_id = 4};
	struct fk_delivery d = changed;

	cr_expect_eq(judge(&campaigns[6], &ue), FK_CAUSE_NONE);
	d.cause_detail = 1;
	fold(7, &d, &ue);
	cr_expect_eq(ue.active, FK_ACTIVE_KNOWN);
	cr_expect_eq(ue.active_keyset, 1);
	cr_expect_eq(ue.active_evidence.campaign_id, 7);
}

/* An answer to campaign 10 that lists these keys, and that keyset as the active one. */
static struct fk_delivery listing(uint16_t keys, uint16_t active_keyset)
{
	return (struct fk_delivery){.state = FK_DELIVERY_ACKED,
				    .flags = FK_DELIVERY_PERFORMED,
				    .keys_per_kmm = 1,
				    .keys_held = keys,
				    .acked_ms = 1000,
				    .inbound_number = 99,
				    .mac_key_id = 6,
				    .cause_detail = active_keyset};
}

/* Of all keys of the first two campaigns it is unknown whether they are held. */
static struct fk_currency in_doubt(void)
{
	return (struct fk_currency){
		.n_entries = 2,
		.has_gap = true,
		.entries = {{.evidence = {.campaign_id = 2, .at_s = 7}, .held = 3, .maybe = 3},
			    {.evidence = {.campaign_id = 1, .at_s = 7}, .held = 3, .maybe = 3}}};
}

Test(fold, an_inventory_settles_who_holds_the_keys_that_it_asks_for)
{
	struct fk_currency ue = in_doubt(), again;
	struct fk_delivery d = listing(1, 1);
	const struct fk_currency_entry *entry;

	cr_assert_eq(fk_currency_state(&ue, 2, 0), FK_KEY_UNKNOWN);
	fold(10, &d, &ue);
	cr_expect_eq(fk_currency_state(&ue, 2, 0), FK_KEY_HELD, "listed");
	cr_expect_eq(fk_currency_state(&ue, 2, 1), FK_KEY_NOT_HELD, "its keyset is, and not it");
	/* Key 0 of campaign 2 is of SLN 3, which campaign 1 gave nothing for. */
	cr_expect_eq(fk_currency_state(&ue, 1, 0), FK_KEY_UNKNOWN, "that was not asked");
	cr_expect_eq(ue.active_keyset, 1);
	entry = fk_currency_find(&ue, 2);
	cr_assert_not_null(entry);
	cr_expect_eq(entry->evidence.inbound_number, 99);
	cr_expect_eq(entry->evidence.at_s, 5001);
	cr_expect_eq(entry->flags & FK_CURRENCY_LISTED, 0);
	again = ue;
	fold(10, &d, &again);
	cr_expect_arr_eq(&ue, &again, sizeof(ue));
}

Test(fold, what_an_inventory_lists_has_displaced_what_was_there)
{
	struct fk_currency ue = in_doubt();
	struct fk_delivery d = listing(3, 1);

	fold(10, &d, &ue);
	cr_expect_eq(fk_currency_state(&ue, 2, 0), FK_KEY_HELD);
	cr_expect_eq(fk_currency_state(&ue, 2, 1), FK_KEY_HELD);
	cr_expect_eq(fk_currency_state(&ue, 1, 0), FK_KEY_NOT_HELD, "SLN 1 has another key");
	cr_expect_eq(fk_currency_state(&ue, 1, 1), FK_KEY_UNKNOWN);
	cr_expect(fk_currency_find(&ue, 2)->flags & FK_CURRENCY_LISTED);
}

Test(fold, of_a_keyset_that_is_not_active_an_inventory_says_nothing)
{
	for (uint16_t active = 0; active <= 2; active += 2) {
		struct fk_currency ue = in_doubt();
		struct fk_delivery d = listing(0, active); /* 0: several are, or none */

		fold(10, &d, &ue);
		cr_expect_eq(fk_currency_state(&ue, 2, 0), FK_KEY_UNKNOWN);
		cr_expect_eq(fk_currency_state(&ue, 2, 1), FK_KEY_UNKNOWN);
	}
}

Test(fold, an_inventory_finds_keys_that_nobody_knew_of)
{
	struct fk_currency ue = {.n_entries = 0};
	struct fk_delivery none = listing(0, 1), both = listing(3, 1);

	fold(10, &none, &ue);
	cr_expect_eq(ue.n_entries, 0);
	ue = (struct fk_currency){.n_entries = 0};
	fold(10, &both, &ue);
	cr_expect_eq(fk_currency_state(&ue, 2, 0), FK_KEY_HELD);
	cr_expect_eq(fk_currency_state(&ue, 2, 1), FK_KEY_HELD);
}

Test(fold, an_inventory_that_is_not_answered_settles_nothing)
{
	struct fk_currency ue = in_doubt(), before = ue;
	struct fk_delivery d = {.state = FK_DELIVERY_UNREACHABLE, .keys_per_kmm = 1};

	fold(10, &d, &ue);
	cr_expect_arr_eq(&ue, &before, sizeof(ue));
}

Test(fold, a_zeroized_radio_holds_nothing_by_the_evidence_of_its_answer)
{
	struct fk_currency ue = {.has_gap = true}, once;
	struct fk_delivery d = changed;

	fold(1, &held_both, &ue);
	fold(3, &held_both, &ue);
	d.inbound_number = 91;
	fold(8, &d, &ue);
	cr_expect(fk_currency_is_zeroized(&ue));
	cr_expect_eq(ue.active_evidence.campaign_id, 8);
	cr_expect_eq(ue.active_evidence.inbound_number, 91);
	for (uint32_t id = 1; id <= 3; id++)
		cr_expect_eq(fk_currency_state(&ue, id, 0), FK_KEY_NOT_HELD, "campaign %u", id);
	once = ue;
	fold(8, &d, &ue);
	cr_expect_arr_eq(&ue, &once, sizeof(ue), "folding again changes nothing");
}

Test(fold, of_a_radio_that_may_be_zeroized_nothing_is_known)
{
	static const uint8_t states[] = {FK_DELIVERY_OPEN, FK_DELIVERY_UNCONFIRMED,
					 FK_DELIVERY_UNREACHABLE, FK_DELIVERY_ABORTED};

	for (uint32_t i = 0; i < sizeof(states); i++) {
		struct fk_delivery d = {
			.state = states[i] & 15, .keys_per_kmm = 9, .date_time_s = 900};
		struct fk_currency ue = {.n_entries = 0};

		fold(1, &held_both, &ue);
		fold(8, &d, &ue);
		cr_expect_eq(ue.active, FK_ACTIVE_UNKNOWN);
		cr_expect_eq(fk_currency_state(&ue, 1, 0), FK_KEY_UNKNOWN);
		d.date_time_s = 0; /* never sent */
		ue = (struct fk_currency){.n_entries = 0};
		fold(1, &held_both, &ue);
		fold(8, &d, &ue);
		cr_expect_eq(fk_currency_state(&ue, 1, 0), FK_KEY_HELD);
	}
}

Test(fold, a_late_zeroize_response_counts_until_something_newer_is_known)
{
	const struct fk_ue_state late = {.outcome = FK_OUTCOME_ANSWERED,
					 .kmm_message_id = FK_KMM_ZEROIZE_RESPONSE,
					 .answered_at_us = 5000000,
					 .inbound_number = 92};
	const struct fk_delivery d = {
		.state = FK_DELIVERY_UNCONFIRMED, .keys_per_kmm = 9, .date_time_s = 900};
	struct fk_currency ue = {.n_entries = 0};
	struct fk_fold f;

	fold(1, &held_both, &ue);
	fk_fold_begin(&f, &campaigns[7], find, NULL);
	fk_fold_late(&f, &d, &late, &ue);
	cr_expect(fk_currency_is_zeroized(&ue));
	cr_expect_eq(ue.active_evidence.inbound_number, 92);
	cr_expect_eq(fk_currency_state(&ue, 1, 0), FK_KEY_NOT_HELD);
	cr_expect(fk_fold_is_done(&campaigns[7], &ue), "so the delivery must not go on");
	ue = (struct fk_currency){.active = FK_ACTIVE_KNOWN, .active_keyset = 1};
	ue.active_evidence.campaign_id = 8;
	fk_fold_late(&f, &d, &late, &ue);
	cr_expect_not(fk_currency_is_zeroized(&ue));
}

Test(fold, keys_that_are_given_again_go_nowhere_where_later_ones_are)
{
	struct fk_currency ue = {.n_entries = 0};
	struct fk_delivery d = held_both;
	struct fk_campaign again = campaigns[8];

	again.replaces_active = true;
	fold(1, &held_both, &ue); /* SLN 1, too, but earlier */
	cr_expect_eq(judge(&again, &ue), FK_CAUSE_NONE);
	fold(2, &open_both, &ue);
	cr_expect_eq(judge(&again, &ue), FK_CAUSE_NONE, "its own");
	d.keys_held = 1;
	fold(3, &d, &ue);
	cr_expect_eq(judge(&again, &ue), FK_CAUSE_NONE, "later, in another keyset");
	/* Campaign 1 again is what would take the key of campaign 2 away. */
	again = campaigns[0];
	again.id = 14;
	again.keys_of = again.retry_of = 1;
	again.replaces_active = true;
	ue = (struct fk_currency){.n_entries = 0};
	fold(2, &held_both, &ue);
	cr_expect_eq(judge(&again, &ue), FK_CAUSE_SUPERSEDED, "held");
	ue = (struct fk_currency){.n_entries = 0};
	fold(1, &held_both, &ue);
	fold(2, &open_both, &ue);
	cr_expect_eq(judge(&again, &ue), FK_CAUSE_SUPERSEDED, "possibly held");
	again.slns[0] = 7;
	cr_expect_eq(judge(&again, &ue), FK_CAUSE_NONE, "in no place of its own");
}
