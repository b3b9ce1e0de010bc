/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "cli/options.h"

static bool flag;
static const char *text;
static uint64_t number;
static char error[200];
static const struct fk_option table[] = {
	{"--flag", .ret_flag = &flag},
	{"--text", .ret_text = &text},
	{"--number", .ret_number = &number, .min = 1, .max = 10},
};

static enum fk_err parse(bool keep_unknown, int *argc, char **argv)
{
	return fk_options_parse(table, 3, keep_unknown, argc, argv, error, sizeof(error));
}

Test(cli_options, stand_anywhere_and_leave_the_arguments_in_order)
{
	char *argv[] = {"one", "--number", "7", "two", "--text=a=b", "--flag", "three"};
	int argc = 7;

	cr_assert_eq(parse(false, &argc, argv), FK_OK, "%s", error);
	cr_assert_eq(argc, 3);
	cr_assert_str_eq(argv[0], "one");
	cr_assert_str_eq(argv[1], "two");
	cr_assert_str_eq(argv[2], "three");
	cr_assert_eq(number, 7);
	cr_assert_str_eq(text, "a=b");
	cr_assert(flag);
}

Test(cli_options, a_dash_is_an_argument_and_two_dashes_end_the_options)
{
	char *argv[] = {"-", "--", "--flag"};
	int argc = 3;

	cr_assert_eq(parse(false, &argc, argv), FK_OK);
	cr_assert_eq(argc, 2);
	cr_assert_str_eq(argv[0], "-");
	cr_assert_str_eq(argv[1], "--flag");
	cr_assert(!flag);
}

Test(cli_options, unknown_ones_are_kept_for_a_later_pass_when_told_so)
{
	char *argv[] = {"--else", "--flag", "--", "--text"};
	int argc = 4;

	cr_assert_eq(parse(true, &argc, argv), FK_OK);
	cr_assert_eq(argc, 3);
	cr_assert_str_eq(argv[0], "--else");
	cr_assert_str_eq(argv[1], "--");
	cr_assert_str_eq(argv[2], "--text");
}

static void expect_error(enum fk_err wanted, const char *word, char *first, char *second)
{
	char *argv[] = {first, second};
	int argc = second ? 2 : 1;

	cr_assert_eq(parse(false, &argc, argv), wanted, "%s", first);
	cr_assert_not_null(strstr(error, word), "'%s' lacks '%s'", error, word);
}

Test(cli_options, an_unknown_one_is_named)
{
	expect_error(FK_EINVAL, "--flagg", "--flagg", NULL);
}

Test(cli_options, a_missing_or_unwanted_value_is_an_error)
{
	expect_error(FK_EINVAL, "--text needs a value", "--text", NULL);
	expect_error(FK_EINVAL, "--flag takes no value", "--flag=1", NULL);
}

Test(cli_options, a_number_outside_its_range_is_named_with_the_range)
{
	expect_error(FK_ERANGE, "1 to 10", "--number", "0");
	expect_error(FK_ERANGE, "1 to 10", "--number", "11");
}

Test(cli_options, what_is_no_decimal_number_is_an_error_and_sets_nothing)
{
	number = 3;
	expect_error(FK_ERANGE, "'-1'", "--number", "-1");
	expect_error(FK_ERANGE, "' 1'", "--number", " 1");
	expect_error(FK_ERANGE, "'1x'", "--number", "1x");
	expect_error(FK_ERANGE, "''", "--number", "");
	expect_error(FK_ERANGE, "99999999999999999999", "--number", "99999999999999999999");
	cr_assert_eq(number, 3);
}
