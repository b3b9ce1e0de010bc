/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "cli/problem.h"

/* What fk_problem_print() writes; freed by the caller. */
static char *print(long status, const char *json, const char *file_name)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);
	json_t *problem = json ? json_loads(json, 0, NULL) : NULL;

	fk_problem_print(file, status, problem, file_name);
	fclose(file);
	json_decref(problem);
	return text;
}

Test(cli_problem, statuses_become_exit_codes)
{
	cr_assert_eq(fk_problem_exit(200), FK_EXIT_DONE);
	cr_assert_eq(fk_problem_exit(201), FK_EXIT_DONE);
	cr_assert_eq(fk_problem_exit(401), FK_EXIT_POLICY);
	cr_assert_eq(fk_problem_exit(403), FK_EXIT_POLICY);
	cr_assert_eq(fk_problem_exit(302), FK_EXIT_FAILED);
	cr_assert_eq(fk_problem_exit(404), FK_EXIT_FAILED);
	cr_assert_eq(fk_problem_exit(503), FK_EXIT_FAILED);
}

Test(cli_problem, field_and_reason_are_named)
{
	char *text = print(400,
			   "{\"title\":\"value out of range\",\"field\":\"sln\","
			   "\"reason\":\"1 to 4095\"}",
			   NULL);

	cr_assert_str_eq(text, "fleetkeyctl: value out of range: sln: 1 to 4095\n");
	free(text);
}

Test(cli_problem, what_says_the_same_twice_is_said_once)
{
	char *text = print(503, "{\"title\":\"no\",\"detail\":\"no\"}", NULL);

	cr_assert_str_eq(text, "fleetkeyctl: no\n");
	free(text);
}

Test(cli_problem, a_detail_made_of_field_and_reason_is_not_said_again)
{
	char *text = print(404,
			   "{\"title\":\"no such object\",\"detail\":\"id: there is none\","
			   "\"field\":\"id\",\"reason\":\"there is none\"}",
			   NULL);

	cr_assert_str_eq(text, "fleetkeyctl: no such object: id: there is none\n");
	free(text);
}

Test(cli_problem, errors_in_a_file_are_named_by_file_line_and_column)
{
	char *text = print(422,
			   "{\"title\":\"refused\",\"errors\":["
			   "{\"line\":3,\"column\":\"rsi\",\"reason\":\"given twice\"},"
			   "{\"line\":4,\"column\":null,\"reason\":\"too long\"}]}",
			   "fleet.csv");

	cr_assert_str_eq(text, "fleetkeyctl: refused\nfleet.csv:3: rsi: given twice\n"
			       "fleet.csv:4: too long\n");
	free(text);
}

Test(cli_problem, an_answer_that_is_no_problem_is_told_by_its_status)
{
	char *text = print(502, NULL, NULL);

	cr_assert_not_null(strstr(text, "502"));
	free(text);
}
