/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "fleet/group_plan.h"

static struct fk_group_plan make(const char *name, const uint16_t *slns, uint8_t n, uint8_t active,
				 uint8_t inactive)
{
	struct fk_group_plan plan = {.n_slns = n,
				     .active_keyset_id = active,
				     .inactive_keyset_id = inactive,
				     .version = 3,
				     .changed_at_ms = 1700000000123};

	(void)snprintf(plan.name, sizeof(plan.name), "%s", name);
	memcpy(plan.slns, slns, n * sizeof(slns[0]));
	return plan;
}

#define PLAN(name, active, inactive, ...)                                                        \
	make(name, (const uint16_t[]){__VA_ARGS__}, sizeof((const uint16_t[]){__VA_ARGS__}) / 2, \
	     active, inactive)

static void expect_refused(struct fk_group_plan plan, enum fk_err wanted, const char *field,
			   const char *words)
{
	struct fk_reason reason = {.text = ""};
	const char *at_fault = NULL;

	cr_expect_eq(fk_group_plan_check(&plan, &at_fault, &reason), wanted, "%s", reason.text);
	cr_expect_str_eq(at_fault, field);
	cr_expect_not_null(strstr(reason.text, words), "%s", reason.text);
}

Test(group_plan, slns_are_sorted)
{
	struct fk_group_plan plan = PLAN("fire", 1, 2, 4095, 1, 7);
	const char *field = "";

	cr_assert_eq(fk_group_plan_check(&plan, &field, NULL), FK_OK);
	cr_expect_null(field);
	cr_expect(plan.slns[0] == 1 && plan.slns[1] == 7 && plan.slns[2] == 4095);
	cr_expect(fk_group_plan_has_sln(&plan, 7));
	cr_expect_not(fk_group_plan_has_sln(&plan, 8));
}

Test(group_plan, what_is_no_plan_is_refused_by_its_field)
{
	struct fk_group_plan none = PLAN("fire", 1, 2, 1);
	struct fk_group_plan many = none;

	none.n_slns = 0;
	many.n_slns = FK_GROUP_SLNS_MAX + 1;
	expect_refused(PLAN("", 1, 2, 1), FK_EINVAL, "name", "letters");
	expect_refused(PLAN("fire;police", 1, 2, 1), FK_EINVAL, "name", "letters");
	expect_refused(none, FK_ERANGE, "slns", "has 0 SLNs");
	expect_refused(many, FK_ERANGE, "slns", "has 65 SLNs");
	expect_refused(PLAN("fire", 1, 2, 0, 5), FK_ERANGE, "slns", "SLN 0 is not from 1 to 4095");
	/* spec: P25 sheet 2.3: from 61440 on are KEKs */
	expect_refused(PLAN("fire", 1, 2, 5, 4096), FK_ERANGE, "slns", "SLN 4096");
	expect_refused(PLAN("fire", 1, 2, 61441), FK_ERANGE, "slns", "SLN 61441");
	expect_refused(PLAN("fire", 1, 2, 5, 6, 5), FK_EINVAL, "slns", "SLN 5 stands there twice");
	expect_refused(PLAN("fire", 0, 2, 5), FK_ERANGE, "active_keyset_id", "0 is not from 1");
	expect_refused(PLAN("fire", 1, 17, 5), FK_ERANGE, "inactive_keyset_id", "17 is not from 1");
	expect_refused(PLAN("fire", 2, 2, 5), FK_EINVAL, "inactive_keyset_id", "is the active one");
}

Test(group_plan, each_keyset_has_the_other_one)
{
	struct fk_group_plan plan = PLAN("fire", 3, 4, 1);

	cr_expect_eq(fk_group_plan_other_keyset(&plan, 3), 4);
	cr_expect_eq(fk_group_plan_other_keyset(&plan, 4), 3);
	cr_expect_eq(fk_group_plan_other_keyset(&plan, 1), 0);
}

/* spec: P25 sheet 2.3: one place for each keyset and SLN, one active keyset */
Test(group_plan, two_go_together_in_one_radio_with_other_slns_and_the_same_keysets)
{
	struct fk_group_plan fire = PLAN("fire", 1, 2, 1, 2, 5);
	struct fk_group_plan police = PLAN("police", 2, 1, 3, 4);
	uint16_t sln = 0;

	cr_expect_eq(fk_group_plan_clash(&fire, &police, &sln), FK_GROUP_CLASH_NONE);
	police = PLAN("police", 1, 2, 3, 5);
	cr_expect_eq(fk_group_plan_clash(&fire, &police, &sln), FK_GROUP_CLASH_SLN);
	cr_expect_eq(sln, 5);
	police = PLAN("police", 1, 3, 3);
	cr_expect_eq(fk_group_plan_clash(&fire, &police, &sln), FK_GROUP_CLASH_KEYSETS);
	police = PLAN("police", 3, 4, 3);
	cr_expect_eq(fk_group_plan_clash(&fire, &police, &sln), FK_GROUP_CLASH_KEYSETS);
}

/* spec: P25 sheet 2.3: KEKs are of crypto group 15 */
Test(group_plan, a_ckek_has_an_sln_of_keks_which_no_other_group_of_the_radio_has)
{
	struct fk_group_plan fire = PLAN("fire", 1, 2, 1), police = PLAN("police", 1, 2, 2);
	const char *field;
	uint16_t sln = 0;

	fire.ckek_sln = 61439;
	expect_refused(fire, FK_ERANGE, "ckek_sln", "61439 is not from 61440 to 65535");
	fire.ckek_sln = 61440;
	cr_expect_eq(fk_group_plan_check(&fire, &field, NULL), FK_OK);
	cr_expect_eq(fk_group_plan_clash(&fire, &police, &sln), FK_GROUP_CLASH_NONE);
	police.ckek_sln = 61440;
	cr_expect_eq(fk_group_plan_clash(&fire, &police, &sln), FK_GROUP_CLASH_CKEK);
	cr_expect_eq(sln, 61440);
	police.ckek_sln = 65535;
	cr_expect_eq(fk_group_plan_check(&police, &field, NULL), FK_OK);
	cr_expect_eq(fk_group_plan_clash(&fire, &police, &sln), FK_GROUP_CLASH_NONE);
}

Test(group_plan, it_is_stored_as_it_is)
{
	uint16_t slns[FK_GROUP_SLNS_MAX];
	struct fk_group_plan plan, read;
	uint8_t octets[FK_GROUP_PLAN_SIZE + 1];
	size_t size, used = 0;

	for (uint16_t i = 0; i < FK_GROUP_SLNS_MAX; i++)
		slns[i] = (uint16_t)(4095 - FK_GROUP_SLNS_MAX + 1 + i);
	plan = make("a-name.of_32-characters-in-all-x", slns, FK_GROUP_SLNS_MAX, 16, 1);
	plan.ckek_sln = 61441;
	size = fk_group_plan_encode(&plan, octets);
	cr_assert_eq(size, FK_GROUP_PLAN_SIZE);
	cr_assert_eq(fk_group_plan_decode(octets, sizeof(octets), &read, &used), FK_OK);
	cr_expect_eq(used, size);
	cr_expect_str_eq(read.name, plan.name);
	cr_expect_eq(read.n_slns, FK_GROUP_SLNS_MAX);
	cr_expect_arr_eq(read.slns, plan.slns, sizeof(slns));
	cr_expect(read.active_keyset_id == 16 && read.inactive_keyset_id == 1);
	cr_expect_eq(read.ckek_sln, 61441);
	cr_expect(read.version == 3 && read.changed_at_ms == 1700000000123);
}

Test(group_plan, what_is_cut_or_is_no_plan_is_not_read)
{
	struct fk_group_plan plan = PLAN("fire", 1, 2, 1, 2, 5), read;
	uint8_t octets[FK_GROUP_PLAN_SIZE];
	size_t size = fk_group_plan_encode(&plan, octets), used;

	for (size_t cut = 0; cut < size; cut++)
		cr_expect_eq(fk_group_plan_decode(octets, cut, &read, &used), FK_EFORMAT, "%zu",
			     cut);
	octets[7] ^= 8; /* SLN 1 becomes 9: out of order */
	cr_expect_eq(fk_group_plan_decode(octets, size, &read, &used), FK_EFORMAT);
	octets[7] ^= 8;
	octets[1] = ';';
	cr_expect_eq(fk_group_plan_decode(octets, size, &read, &used), FK_EFORMAT);
	plan.version = 0;
	size = fk_group_plan_encode(&plan, octets);
	cr_expect_eq(fk_group_plan_decode(octets, size, &read, &used), FK_EFORMAT);
}
