/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/problem.h"

#include <string.h>

#include "cli/output.h"

#define WORD_MAX 512

enum fk_exit fk_problem_exit(long status)
{
	if (status >= 200 && status < 300)
		return FK_EXIT_DONE;
	return status == 401 || status == 403 ? FK_EXIT_POLICY : FK_EXIT_FAILED;
}

/* ": text", unless there is none or it says again what 'said' said. */
static void print_part(FILE *file, const json_t *problem, const char *name, const char *said)
{
	const char *text = json_string_value(json_object_get(problem, name));

	if (!text || !text[0] || (said && strcmp(text, said) == 0))
		return;
	fputs(": ", file);
	fk_output_text(file, text);
}

static void print_row_error(FILE *file, const json_t *row, const char *file_name)
{
	char word[WORD_MAX];

	fk_output_text(file, file_name ? file_name : "line");
	fprintf(file, ":%s: ", fk_output_member(row, "line", word, sizeof(word)));
	if (json_is_string(json_object_get(row, "column")))
		fprintf(file, "%s: ", fk_output_member(row, "column", word, sizeof(word)));
	fprintf(file, "%s\n", fk_output_member(row, "reason", word, sizeof(word)));
}

void fk_problem_print(FILE *file, long status, const json_t *problem, const char *file_name)
{
	const char *title = json_string_value(json_object_get(problem, "title"));
	const char *reason = json_string_value(json_object_get(problem, "reason"));
	json_t *row;
	size_t i;

	fputs("fleetkeyctl: ", file);
	if (title && title[0])
		fk_output_text(file, title);
	else
		fprintf(file, "fleetkeyd answered HTTP status %ld", status);
	/* The detail puts field and reason into one sentence: one of the two is enough. */
	if (!reason || !reason[0])
		print_part(file, problem, "detail", title);
	print_part(file, problem, "field", NULL);
	print_part(file, problem, "reason", title);
	fputc('\n', file);
	json_array_foreach(json_object_get(problem, "errors"), i, row)
		print_row_error(file, row, file_name);
}
