/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "campaign/engine.h"

#define ALICE 1001 /* uid 1000 */
#define BOB   1002

static const uint32_t uids[] = {5, 1000};
static const char *field;
static struct fk_reason reason;

/* What may be asked for. */
static struct fk_campaign_request one_zeroize(void)
{
	struct fk_campaign_request request = {.kind = FK_KIND_ZEROIZE,
					      .principal = ALICE,
					      .members = {.naming = FK_NAMED_ONLY, .n_ue_ids = 1},
					      .break_glass = "stolen at the fair"};

	return request;
}

static enum fk_err check(const struct fk_campaign_request *request)
{
	field = NULL;
	return fk_break_glass_check(uids, 2, request, &field, &reason);
}

static struct fk_campaign used(void)
{
	return (struct fk_campaign){
		.id = 7,
		.state = FK_CAMPAIGN_COMPLETED,
		.kind = FK_KIND_ZEROIZE,
		.naming = FK_NAMED_ONLY,
		.planned_by = ALICE,
		.glass = {.reason = "stolen at the fair", .ue_id = "ue1"},
	};
}

Test(break_glass, whoever_is_named_may_zeroize_one_ue)
{
	struct fk_campaign_request request = one_zeroize();

	cr_expect_eq(check(&request), FK_OK);
}

Test(break_glass, nobody_else_may)
{
	struct fk_campaign_request request = one_zeroize();

	request.principal = BOB;
	cr_expect_eq(check(&request), FK_EPOLICY);
	cr_expect_str_eq(field, "break_glass");
	cr_expect_not_null(strstr(reason.text, "uid 1001"));
	request.principal = FK_PRINCIPAL_NONE;
	cr_expect_eq(check(&request), FK_EPOLICY);
	request.principal = ALICE;
	cr_expect_eq(fk_break_glass_check(NULL, 0, &request, &field, &reason), FK_EPOLICY,
		     "by default nobody may");
	/* Uids are numbers of 32 bits, and principals one more. */
	request.principal = (1ull << 32) + ALICE;
	cr_expect_eq(check(&request), FK_EPOLICY);
}

Test(break_glass, it_is_for_no_other_kind)
{
	for (uint8_t kind = 1; fk_kind(kind) != NULL; kind++) {
		struct fk_campaign_request request = one_zeroize();

		request.kind = kind;
		cr_expect_eq(check(&request), kind == FK_KIND_ZEROIZE ? FK_OK : FK_EINVAL);
		if (kind != FK_KIND_ZEROIZE)
			cr_expect_str_eq(field, "kind");
	}
}

Test(break_glass, it_is_for_one_ue_that_is_named)
{
	struct fk_campaign_request two = one_zeroize(), none = two, group = two, status = two;
	struct fk_campaign_request all = two, but = two, waves = two, newer = two;

	two.members.n_ue_ids = 2;
	cr_expect_eq(check(&two), FK_EINVAL);
	cr_expect_str_eq(field, "ue_ids");
	none.members.n_ue_ids = 0;
	cr_expect_eq(check(&none), FK_EINVAL);
	cr_expect_str_eq(field, "ue_ids");
	all.members = (struct fk_members_request){.naming = FK_NAMED_NONE};
	cr_expect_eq(check(&all), FK_EINVAL);
	cr_expect_str_eq(field, "ue_ids");
	but.members.naming = FK_NAMED_BUT;
	cr_expect_eq(check(&but), FK_EINVAL);
	cr_expect_str_eq(field, "except_ue_ids");
	strcpy(group.group, "alpha");
	cr_expect_eq(check(&group), FK_EINVAL);
	cr_expect_str_eq(field, "group");
	status.members.of_statuses = FK_ADMIT(FK_UE_LOST);
	cr_expect_eq(check(&status), FK_EINVAL);
	cr_expect_str_eq(field, "status");
	waves.waves.n = 1;
	cr_expect_eq(check(&waves), FK_EINVAL);
	cr_expect_str_eq(field, "waves");
	newer.supersedes = true;
	cr_expect_eq(check(&newer), FK_EINVAL);
	cr_expect_str_eq(field, "supersedes");
}

Test(break_glass, it_is_for_a_lost_ue)
{
	for (uint8_t status = 0; status < FK_UE_STATUSES; status++) {
		enum fk_err err = fk_break_glass_check_status("ue1", status, &field, &reason);

		cr_expect_eq(err, status == FK_UE_LOST ? FK_OK : FK_EINVAL);
	}
	cr_expect_str_eq(field, "ue_ids");
	cr_expect_not_null(strstr(reason.text, "ue1 is released"));
}

Test(break_glass, it_takes_the_place_of_an_approval)
{
	struct fk_campaign c = used();

	cr_expect_not(fk_lifecycle_needs_approval(FK_APPROVAL_ALL, &c));
	c.glass.reason[0] = '\0';
	cr_expect(fk_lifecycle_needs_approval(FK_APPROVAL_DESTRUCTIVE, &c));
}

Test(break_glass, another_user_reviews_it_once)
{
	struct fk_campaign c = used();

	cr_expect(fk_break_glass_is_pending(&c.glass));
	cr_expect_eq(fk_break_glass_review(&c, BOB, 55, "seen", &field, &reason), FK_OK);
	cr_expect_not(fk_break_glass_is_pending(&c.glass));
	cr_expect(fk_break_glass_was_used(&c.glass));
	cr_expect_eq(c.glass.reviewed_by, BOB);
	cr_expect_eq(c.glass.reviewed_at_ms, 55);
	cr_expect_str_eq(c.glass.note, "seen");
	cr_expect_eq(fk_break_glass_review(&c, BOB + 1, 56, "", &field, &reason), FK_ESTALE);
	cr_expect_str_eq(c.glass.note, "seen");
}

Test(break_glass, a_review_that_is_none_changes_nothing)
{
	struct fk_campaign c = used(), before = c;

	cr_expect_eq(fk_break_glass_review(&c, ALICE, 55, "", &field, &reason), FK_EPOLICY);
	cr_expect_str_eq(field, "review");
	cr_expect_eq(fk_break_glass_review(&c, FK_PRINCIPAL_NONE, 55, "", &field, &reason),
		     FK_EPOLICY);
	cr_expect_arr_eq(&c, &before, sizeof(c));
	c.state = FK_CAMPAIGN_RUNNING;
	cr_expect_eq(fk_break_glass_review(&c, BOB, 55, "", &field, &reason), FK_ESTALE);
	cr_expect_str_eq(field, "state");
	c = used();
	c.glass.reason[0] = '\0';
	cr_expect_eq(fk_break_glass_review(&c, BOB, 55, "", &field, &reason), FK_EINVAL);
}
