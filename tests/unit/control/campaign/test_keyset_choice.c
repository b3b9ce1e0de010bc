/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "campaign/keyset_choice.h"

/* Rekeys of SLN 7 into keyset 1, of SLN 7 into keyset 2, and of SLN 8 into keyset 1. */
static const struct fk_campaign campaigns[] = {
	{.id = 1, .kind = FK_KIND_REKEY, .keyset_id = 1, .n_keys = 1, .slns = {7}},
	{.id = 2, .kind = FK_KIND_REKEY, .keyset_id = 2, .n_keys = 1, .slns = {7}},
	{.id = 3, .kind = FK_KIND_REKEY, .keyset_id = 1, .n_keys = 1, .slns = {8}},
};

static const struct fk_campaign *find(void *ctx, uint32_t id)
{
	(void)ctx;
	return id >= 1 && id <= 3 ? &campaigns[id - 1] : NULL;
}

static struct fk_keyset_choice choice;

static void begin(bool has_plan)
{
	const struct fk_campaign rekey = {.id = 4, .kind = FK_KIND_REKEY, .n_keys = 1, .slns = {7}};
	const uint8_t keysets[2] = {1, 2};

	fk_keyset_choice_begin(&choice, &rekey, keysets, has_plan, find, NULL);
}

/* 'n' UEs with a key of that campaign, 0: none. */
static void add(uint32_t n, uint32_t of, uint8_t active, uint8_t keyset)
{
	struct fk_currency ue = {.active = active, .active_keyset = keyset};

	if (of != 0)
		fk_currency_add(&ue, of)->held = 1;
	for (uint32_t i = 0; i < n; i++)
		fk_keyset_choice_add(&choice, &ue);
}

Test(keyset_choice, the_first_keys_go_into_the_keyset_that_is_active_at_once)
{
	begin(true);
	cr_expect_eq(fk_keyset_choice_end(&choice), 1);
	add(5, 0, FK_ACTIVE_NEVER, 0);
	add(1, 0, FK_ACTIVE_KNOWN, 0); /* zeroized */
	cr_expect_eq(fk_keyset_choice_end(&choice), 1);
}

Test(keyset_choice, what_most_speak_under_is_left_alone_whatever_the_plan_says)
{
	begin(true);
	add(1, 1, FK_ACTIVE_KNOWN, 1);
	add(39, 0, FK_ACTIVE_NEVER, 0);
	cr_expect_eq(fk_keyset_choice_end(&choice), 2);
	add(39, 2, FK_ACTIVE_KNOWN, 2);
	cr_expect_eq(fk_keyset_choice_end(&choice), 1);
	add(38, 1, FK_ACTIVE_KNOWN, 1);
	cr_expect_eq(fk_keyset_choice_end(&choice), 2, "as many: the plan says which");
}

Test(keyset_choice, who_has_keys_and_has_not_said_what_is_active_is_taken_at_the_plans_word)
{
	struct fk_currency both = {.n_entries = 0}, gap = {.has_gap = true}, open;

	begin(true);
	add(2, 2, FK_ACTIVE_NEVER, 0);
	cr_expect_eq(fk_keyset_choice_end(&choice), 1);
	fk_currency_add(&both, 2)->held = 1;
	fk_currency_add(&both, 1)->maybe = 1;
	for (uint32_t i = 0; i < 2; i++)
		fk_keyset_choice_add(&choice, &both);
	cr_expect_eq(fk_keyset_choice_end(&choice), 2);
	begin(true);
	fk_keyset_choice_add(&choice, &gap);
	cr_expect_eq(fk_keyset_choice_end(&choice), 2);
	begin(true);
	open = both;
	open.active = FK_ACTIVE_UNKNOWN;
	fk_keyset_choice_add(&choice, &open);
	cr_expect_eq(fk_keyset_choice_end(&choice), 1, "nobody writes to that one");
}

Test(keyset_choice, without_a_plan_only_the_places_of_the_keys_count)
{
	begin(false);
	add(3, 3, FK_ACTIVE_KNOWN, 1);
	cr_expect_eq(fk_keyset_choice_end(&choice), 1, "another SLN");
	add(3, 1, FK_ACTIVE_NEVER, 0);
	cr_expect_eq(fk_keyset_choice_end(&choice), 1, "it is not known what is active");
	add(1, 1, FK_ACTIVE_KNOWN, 1);
	cr_expect_eq(fk_keyset_choice_end(&choice), 2);
	add(2, 2, FK_ACTIVE_KNOWN, 2);
	cr_expect_eq(fk_keyset_choice_end(&choice), 1);
}
