/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "campaign/lifecycle.h"

#define ALICE 1001 /* uid 1000 */
#define BOB   1002

static const char *field;
static struct fk_reason reason;

static struct fk_campaign planned(void)
{
	return (struct fk_campaign){.id = 7,
				    .state = FK_CAMPAIGN_PLANNED,
				    .kind = FK_KIND_REKEY,
				    .n_keys = 1,
				    .slns = {1},
				    .planned_by = ALICE};
}

Test(lifecycle, the_policy_says_which_campaigns_need_a_second_user)
{
	struct fk_campaign c = planned();

	cr_expect_not(fk_lifecycle_needs_approval(FK_APPROVAL_NONE, &c));
	cr_expect_not(fk_lifecycle_needs_approval(FK_APPROVAL_DESTRUCTIVE, &c));
	cr_expect(fk_lifecycle_needs_approval(FK_APPROVAL_FLEET_WIDE, &c));
	strcpy(c.group, "alpha");
	cr_expect_not(fk_lifecycle_needs_approval(FK_APPROVAL_FLEET_WIDE, &c));
	cr_expect(fk_lifecycle_needs_approval(FK_APPROVAL_ALL, &c));
	c.group[0] = '\0';
	c.naming = FK_NAMED_BUT;
	cr_expect(fk_lifecycle_needs_approval(FK_APPROVAL_FLEET_WIDE, &c));
	c.naming = FK_NAMED_ONLY;
	cr_expect_not(fk_lifecycle_needs_approval(FK_APPROVAL_FLEET_WIDE, &c));
	c.is_fleet_wide = true;
	cr_expect(fk_lifecycle_needs_approval(FK_APPROVAL_FLEET_WIDE, &c), "all by their names");
	cr_expect_not(fk_lifecycle_needs_approval(FK_APPROVAL_DESTRUCTIVE, &c));
	c.is_fleet_wide = false;
	cr_expect_not(fk_lifecycle_is_fleet_wide(200, 400));
	cr_expect(fk_lifecycle_is_fleet_wide(201, 400));
	cr_expect(fk_lifecycle_is_fleet_wide(UINT32_MAX, UINT32_MAX));
	for (uint8_t kind = 1; fk_kind(kind) != NULL; kind++) {
		bool destroys = kind == FK_KIND_DELETE_KEY || kind == FK_KIND_DELETE_KEYSET ||
				kind == FK_KIND_ZEROIZE;

		c.kind = kind;
		cr_expect_eq(fk_lifecycle_needs_approval(FK_APPROVAL_DESTRUCTIVE, &c), destroys);
		cr_expect_eq(fk_lifecycle_needs_approval(FK_APPROVAL_FLEET_WIDE, &c), destroys);
	}
}

Test(lifecycle, what_settles_a_recovery_has_been_agreed_to)
{
	struct fk_campaign c = planned();

	cr_expect(fk_lifecycle_needs_approval(FK_APPROVAL_ALL, &c));
	c.settles = 1;
	cr_expect_not(fk_lifecycle_needs_approval(FK_APPROVAL_ALL, &c));
}

Test(lifecycle, nobody_approves_what_he_has_planned)
{
	struct fk_campaign c = planned(), before = c;

	cr_expect_eq(fk_lifecycle_approve(&c, ALICE, 5, &field, &reason), FK_EPOLICY);
	cr_expect_str_eq(field, "approved_by");
	cr_expect_eq(fk_lifecycle_approve(&c, FK_PRINCIPAL_NONE, 5, &field, &reason), FK_EPOLICY);
	cr_expect_arr_eq(&c, &before, sizeof(c));
	cr_expect_eq(fk_lifecycle_approve(&c, BOB, 5, &field, &reason), FK_OK);
	cr_expect_eq(c.state, FK_CAMPAIGN_APPROVED);
	cr_expect_eq(c.approved_by, BOB);
	cr_expect_eq(c.approved_at_ms, 5);
	cr_expect_eq(fk_lifecycle_approve(&c, BOB, 6, &field, &reason), FK_ESTALE, "once");
	c = planned();
	c.planned_by = FK_PRINCIPAL_NONE;
	cr_expect_eq(fk_lifecycle_approve(&c, BOB, 5, &field, &reason), FK_EPOLICY);
}

Test(lifecycle, without_approval_nothing_starts_that_needs_one)
{
	struct fk_campaign c = planned();

	cr_expect_eq(fk_lifecycle_may_start(FK_APPROVAL_ALL, &c, &field, &reason), FK_EPOLICY);
	cr_expect_eq(fk_lifecycle_schedule(&c, FK_APPROVAL_ALL, 10, "UTC", &field, &reason),
		     FK_EPOLICY);
	cr_expect_eq(fk_lifecycle_schedule(&c, FK_APPROVAL_DESTRUCTIVE, 10, "UTC", &field, &reason),
		     FK_OK);
	cr_expect(fk_lifecycle_is_due(FK_APPROVAL_NONE, &c, 10));
	/* The policy became stricter in between. */
	cr_expect_not(fk_lifecycle_is_due(FK_APPROVAL_FLEET_WIDE, &c, 10));
}

Test(lifecycle, a_campaign_is_due_from_its_time_on_until_it_has_begun)
{
	struct fk_campaign c = planned();

	cr_assert_eq(
		fk_lifecycle_schedule(&c, FK_APPROVAL_NONE, 1000, "Europe/Berlin", &field, &reason),
		FK_OK);
	cr_expect_str_eq(c.zone, "Europe/Berlin");
	cr_expect_not(fk_lifecycle_is_due(FK_APPROVAL_NONE, &c, 999));
	cr_expect(fk_lifecycle_is_due(FK_APPROVAL_NONE, &c, 1000));
	/* The clock jumps ahead over the time: it is not missed. */
	cr_expect(fk_lifecycle_is_due(FK_APPROVAL_NONE, &c, UINT64_MAX));
	/* It has begun, and the clock jumps back: it does not begin again. */
	c.state = FK_CAMPAIGN_RUNNING;
	for (uint64_t now = 900; now < 1100; now += 50)
		cr_expect_not(fk_lifecycle_is_due(FK_APPROVAL_NONE, &c, now));
	cr_expect_eq(fk_lifecycle_schedule(&c, FK_APPROVAL_NONE, 1, "", &field, &reason),
		     FK_ESTALE);
	cr_expect_str_eq(field, "state");
}

Test(lifecycle, a_plan_that_does_not_hold_has_to_be_made_again)
{
	struct fk_campaign c = planned();

	cr_assert_eq(fk_lifecycle_approve(&c, BOB, 5, &field, &reason), FK_OK);
	cr_assert_eq(fk_lifecycle_schedule(&c, FK_APPROVAL_ALL, 1000, "UTC", &field, &reason),
		     FK_OK);
	fk_lifecycle_withdraw(&c, FK_HALT_PLAN_CHANGED);
	cr_expect_eq(c.state, FK_CAMPAIGN_PLANNED);
	cr_expect_eq(c.approved_by, FK_PRINCIPAL_NONE);
	cr_expect_eq(fk_lifecycle_schedule(&c, FK_APPROVAL_NONE, 1000, "UTC", &field, &reason),
		     FK_ESTALE);
	cr_expect_str_eq(field, "halt_reason");
}

Test(lifecycle, only_a_wider_rekey_that_says_so_supersedes)
{
	struct fk_campaign older = planned(), newer = planned();

	older.n_keys = 2;
	older.slns[1] = 5;
	strcpy(older.group, "alpha");
	newer.supersedes = true;
	cr_expect_not(fk_lifecycle_supersedes(&newer, &older), "SLN 5 would be lost");
	newer.n_keys = 3;
	newer.slns[1] = 9;
	newer.slns[2] = 5;
	cr_expect(fk_lifecycle_supersedes(&newer, &older), "everyone is more than a group");
	strcpy(newer.group, "beta");
	cr_expect_not(fk_lifecycle_supersedes(&newer, &older));
	strcpy(newer.group, "alpha");
	cr_expect(fk_lifecycle_supersedes(&newer, &older));
	newer.naming = FK_NAMED_BUT;
	cr_expect_not(fk_lifecycle_supersedes(&newer, &older));
	newer.naming = FK_NAMED_NONE;
	newer.supersedes = false;
	cr_expect_not(fk_lifecycle_supersedes(&newer, &older));
	newer.supersedes = true;
	older.kind = FK_KIND_INVENTORY;
	cr_expect_not(fk_lifecycle_supersedes(&newer, &older));
}

Test(lifecycle, it_is_said_why_one_does_not_supersede)
{
	struct fk_campaign older = planned(), newer = planned();
	struct fk_reason why = {{0}};

	older.id = 3;
	older.n_keys = 2;
	older.slns[1] = 7;
	older.state = FK_CAMPAIGN_HALTED;
	cr_assert_eq(fk_lifecycle_check_supersede(&newer, &older, &why), FK_EBUSY);
	cr_expect_str_eq(why.text, "campaign 3 is halted", "it does not want to");
	newer.supersedes = true;
	cr_assert_eq(fk_lifecycle_check_supersede(&newer, &older, &why), FK_EBUSY);
	cr_expect_not_null(strstr(why.text, "campaign 3 is halted"), "%s", why.text);
	cr_expect_not_null(strstr(why.text, "SLN 7"), "%s", why.text);
	newer.naming = FK_NAMED_BUT;
	cr_assert_eq(fk_lifecycle_check_supersede(&newer, &older, &why), FK_EBUSY);
	cr_expect_not_null(strstr(why.text, "not for all"), "%s", why.text);
	older.kind = FK_KIND_INVENTORY;
	cr_assert_eq(fk_lifecycle_check_supersede(&newer, &older, &why), FK_EBUSY);
	cr_expect_not_null(strstr(why.text, "gives keys"), "%s", why.text);
}

Test(lifecycle, a_campaign_may_start_at_a_lead_before_a_cryptoperiod_ends)
{
	struct fk_campaign c = planned();
	uint64_t at_ms = fk_lifecycle_before_end(100000, 30);

	cr_assert_eq(at_ms, 70000);
	cr_assert_eq(fk_lifecycle_schedule(&c, FK_APPROVAL_NONE, at_ms, "UTC", &field, &reason),
		     FK_OK);
	cr_expect_not(fk_lifecycle_is_due(FK_APPROVAL_NONE, &c, 69999));
	cr_expect(fk_lifecycle_is_due(FK_APPROVAL_NONE, &c, 70000));
	cr_expect_not(fk_lifecycle_is_due(FK_APPROVAL_NONE, &c, 60000), "a clock was set back");
	cr_expect(fk_lifecycle_is_due(FK_APPROVAL_NONE, &c, 3600000 + 60000), "or forward");
	/* Too late for all of the lead. */
	cr_expect_eq(fk_lifecycle_before_end(100000, 0), 100000);
	cr_expect_eq(fk_lifecycle_before_end(100000, 100), 1);
	cr_expect_eq(fk_lifecycle_before_end(100000, UINT32_MAX), 1);
}

Test(lifecycle, a_time_that_has_passed_is_not_taken)
{
	struct fk_reason why = {{0}};

	cr_expect_eq(fk_lifecycle_check_ahead(1000000, 900000, &why), FK_OK);
	cr_expect_eq(fk_lifecycle_check_ahead(1000000, 1005000, &why), FK_OK, "just said");
	cr_expect_eq(fk_lifecycle_check_ahead(1000000, 1007000, &why), FK_ERANGE);
	cr_expect_not_null(strstr(why.text, "passed, 7 s ago"), "%s", why.text);
	cr_expect_not_null(strstr(why.text, "use start"), "%s", why.text);
	cr_expect_eq(fk_lifecycle_check_ahead(1, 1007000, &why), FK_ERANGE);
}
