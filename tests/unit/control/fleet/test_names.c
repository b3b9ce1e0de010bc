/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "fleet/name_index.h"
#include "fleet/names.h"

Test(names, the_same_name_has_the_same_id)
{
	struct fk_names *names = NULL;
	uint16_t a, b, c;

	cr_assert_eq(fk_names_new(3, &names), FK_OK);
	cr_assert_eq(fk_names_intern(names, "fire", 4, &a), FK_OK);
	cr_assert_eq(fk_names_intern(names, "", 0, &b), FK_OK);
	cr_assert_eq(fk_names_intern(names, "firex", 4, &c), FK_OK);
	cr_expect_eq(a, c);
	cr_expect_neq(a, b);
	cr_expect_eq(fk_names_count(names), 2);
	cr_expect_str_eq(fk_names_get(names, a), "fire");
	cr_expect_null(fk_names_get(names, 2));
	cr_expect_eq(fk_names_find(names, "fir", 3), -1);
	cr_assert_eq(fk_names_intern(names, "x", 1, &a), FK_OK);
	cr_expect_eq(fk_names_intern(names, "y", 1, &a), FK_EFULL);
	cr_expect_eq(fk_names_intern(names, "fire", 4, &a), FK_OK);
	fk_names_free(names);
}

Test(names, a_list_is_read_back_in_order)
{
	struct fk_names *names = NULL, *back = NULL;
	char *text = NULL;
	size_t size;
	uint16_t id;

	cr_assert_eq(fk_names_new(9, &names), FK_OK);
	cr_assert_eq(fk_names_new(9, &back), FK_OK);
	cr_assert_eq(fk_names_intern(names, "b", 1, &id), FK_OK);
	cr_assert_eq(fk_names_intern(names, "", 0, &id), FK_OK);
	cr_assert_eq(fk_names_intern(names, "a", 1, &id), FK_OK);
	cr_assert_eq(fk_names_join(names, &text, &size), FK_OK);
	cr_assert_eq(fk_names_split(back, text, size), FK_OK);
	cr_expect_eq(fk_names_count(back), 3);
	cr_expect_eq(fk_names_find(back, "a", 1), 2);
	free(text);
	fk_names_free(back);
	cr_assert_eq(fk_names_new(9, &back), FK_OK);
	cr_expect_eq(fk_names_split(back, "a\nb", 3), FK_EFORMAT);
	fk_names_free(back);
	cr_assert_eq(fk_names_new(9, &back), FK_OK);
	cr_expect_eq(fk_names_split(back, "a\na\n", 4), FK_EFORMAT);
	fk_names_free(back);
	cr_assert_eq(fk_names_new(9, &back), FK_OK);
	cr_expect_eq(fk_names_split(back, "a\0b\n", 4), FK_EFORMAT);
	fk_names_free(back);
	fk_names_free(names);
}

static char many[100000][12];

static const char *text_of(const void *ctx, uint32_t value, size_t *ret_len)
{
	(void)ctx;
	*ret_len = strlen(many[value]);
	return many[value];
}

Test(name_index, a_hundred_thousand_names_are_all_found_again)
{
	struct fk_name_index *index = NULL;

	cr_assert_eq(fk_name_index_new(1, text_of, NULL, &index), FK_OK);
	for (uint32_t i = 0; i < 100000; i++) {
		int len = snprintf(many[i], sizeof(many[i]), "ue-%u", i);

		cr_assert_eq(fk_name_index_find(index, many[i], (size_t)len), -1);
		cr_assert_eq(fk_name_index_add(index, many[i], (size_t)len, i), FK_OK);
	}
	for (uint32_t i = 0; i < 100000; i++) {
		size_t len = strlen(many[i]);

		cr_assert_eq(fk_name_index_find(index, many[i], len), i);
		cr_assert_eq(fk_name_index_add(index, many[i], len, i), FK_EEXIST);
	}
	cr_expect_eq(fk_name_index_find(index, "ue-", 3), -1);
	fk_name_index_free(index);
}
