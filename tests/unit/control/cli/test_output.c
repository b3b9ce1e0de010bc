/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "cli/output.h"
#include "cli/progress.h"

Test(cli_output, a_value_is_one_word)
{
	char word[32];
	json_t *o = json_loads("{\"n\":7,\"t\":true,\"s\":\"x\",\"z\":null,\"e\":\"\"}", 0, NULL);

	cr_assert_str_eq(fk_output_member(o, "n", word, sizeof(word)), "7");
	cr_assert_str_eq(fk_output_member(o, "t", word, sizeof(word)), "yes");
	cr_assert_str_eq(fk_output_member(o, "s", word, sizeof(word)), "x");
	cr_assert_str_eq(fk_output_member(o, "z", word, sizeof(word)), "-");
	cr_assert_str_eq(fk_output_member(o, "e", word, sizeof(word)), "-");
	cr_assert_str_eq(fk_output_member(o, "missing", word, sizeof(word)), "-");
	json_decref(o);
}

Test(cli_output, control_characters_cannot_steer_the_terminal)
{
	char word[32];
	json_t *s = json_string("a\033[2Jb\x7f");

	cr_assert_str_eq(fk_output_word(s, word, sizeof(word)), "a?[2Jb?");
	json_decref(s);
}

Test(cli_output, a_long_word_is_cut_at_the_buffer)
{
	char word[4];
	json_t *s = json_string("abcdef");

	cr_assert_str_eq(fk_output_word(s, word, sizeof(word)), "abc");
	json_decref(s);
}

Test(cli_output, an_object_is_lines_and_what_is_nested_is_indented)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);
	json_t *o = json_loads("{\"id\":1,\"states\":{\"acked\":2},\"list\":[\"a\",\"b\"],"
			       "\"none\":[]}",
			       0, NULL);

	fk_output_object(file, o, 0);
	fclose(file);
	cr_assert_str_eq(text, "id      1\nstates\n  acked  2\nlist    a b\nnone    -\n");
	json_decref(o);
	free(text);
}

Test(cli_progress, the_bar_is_full_at_the_end_and_never_fuller)
{
	for (uint64_t n_done = 10; n_done <= 11; n_done++) {
		FILE *file = tmpfile();
		char line[256] = "";

		fk_progress_draw(file, n_done, 10, "all");
		rewind(file);
		cr_assert_not_null(fgets(line, sizeof(line), file));
		cr_assert_not_null(strstr(line, "] 100.0 %  all"));
		cr_assert_null(strchr(line, '-'));
		fclose(file);
	}
}

Test(cli_progress, a_total_of_none_is_no_share)
{
	FILE *file = tmpfile();
	char line[256] = "";

	fk_progress_draw(file, 0, 0, "");
	rewind(file);
	cr_assert_not_null(fgets(line, sizeof(line), file));
	cr_assert_not_null(strstr(line, "  0.0 %"));
	fclose(file);
}
