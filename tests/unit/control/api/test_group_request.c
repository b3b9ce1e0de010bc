/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "api/group_request.h"

static enum fk_err parse(const char *body, struct fk_group_plan *plan, char *field,
			 struct fk_reason *reason)
{
	return fk_group_request_parse(body, strlen(body), plan, field, reason);
}

Test(group_request, what_is_named_is_taken_and_the_rest_stays)
{
	struct fk_group_plan plan = {
		.slns = {7, 8}, .n_slns = 2, .active_keyset_id = 2, .inactive_keyset_id = 1};
	struct fk_reason reason = {.text = ""};
	char field[FK_FIELD_NAME_SIZE];

	cr_assert_eq(parse("{}", &plan, field, &reason), FK_OK);
	cr_expect(plan.n_slns == 2 && plan.slns[0] == 7 && plan.active_keyset_id == 2);
	cr_assert_eq(parse("{\"slns\":[5]}", &plan, field, &reason), FK_OK);
	cr_expect(plan.n_slns == 1 && plan.slns[0] == 5 && plan.slns[1] == 0);
	cr_expect(plan.active_keyset_id == 2 && plan.inactive_keyset_id == 1);
	cr_assert_eq(
		parse("{\"active_keyset_id\":3,\"inactive_keyset_id\":4}", &plan, field, &reason),
		FK_OK);
	cr_expect(plan.n_slns == 1 && plan.active_keyset_id == 3 && plan.inactive_keyset_id == 4);
	cr_assert_eq(parse("{\"ckek_sln\":61441}", &plan, field, &reason), FK_OK);
	cr_expect(plan.ckek_sln == 61441 && plan.active_keyset_id == 3);
	cr_assert_eq(parse("{\"ckek_sln\":null}", &plan, field, &reason), FK_OK);
	cr_expect_eq(plan.ckek_sln, 0);
}

Test(group_request, a_wrong_member_is_named)
{
	static const struct {
		const char *body, *field;
		enum fk_err wanted;
	} cases[] = {
		{"[1]", "", FK_EFORMAT},
		{"", "", FK_EFORMAT},
		{"{\"slns\":[1],\"slns\":[2]}", "", FK_EFORMAT},
		{"{\"slns\":5}", "slns", FK_EINVAL},
		{"{\"slns\":[1,\"2\"]}", "slns", FK_EINVAL},
		{"{\"slns\":[1,65536]}", "slns", FK_ERANGE},
		{"{\"slns\":[-1]}", "slns", FK_ERANGE},
		{"{\"active_keyset_id\":256}", "active_keyset_id", FK_ERANGE},
		{"{\"inactive_keyset_id\":\"2\"}", "inactive_keyset_id", FK_EINVAL},
		{"{\"ckek_sln\":\"61441\"}", "ckek_sln", FK_EINVAL},
		{"{\"ckek_sln\":65536}", "ckek_sln", FK_ERANGE},
		{"{\"keysets\":2}", "keysets", FK_EINVAL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fk_group_plan plan = {.n_slns = 0};
		struct fk_reason reason = {.text = ""};
		char field[FK_FIELD_NAME_SIZE];

		cr_expect_eq(parse(cases[i].body, &plan, field, &reason), cases[i].wanted, "%s",
			     cases[i].body);
		cr_expect_str_eq(field, cases[i].field, "%s", cases[i].body);
		cr_expect_neq(reason.text[0], '\0');
	}
}
