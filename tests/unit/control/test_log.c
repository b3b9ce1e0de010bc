/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

/* What one call writes to stderr. */
static char *written(enum fk_log_level level, const char *value)
{
	static char text[4096];
	int pipe_fds[2], saved = dup(STDERR_FILENO);
	ssize_t n;

	cr_assert_eq(pipe(pipe_fds), 0);
	cr_assert_geq(dup2(pipe_fds[1], STDERR_FILENO), 0);
	close(pipe_fds[1]);
	fk_log(level, "thing happened", "value=%s n=%d", value, 5);
	cr_assert_geq(dup2(saved, STDERR_FILENO), 0);
	close(saved);
	n = read(pipe_fds[0], text, sizeof(text) - 1);
	close(pipe_fds[0]);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

Test(log, a_line_has_time_level_event_and_pairs)
{
	char *line = written(FK_LOG_WARN, "x");

	cr_expect_not_null(strstr(line, "Z warn thing happened value=x n=5\n"));
	cr_expect_eq(line[4], '-');
	cr_expect_eq(line[10], 'T');
}

Test(log, lines_above_the_level_are_dropped)
{
	cr_expect_str_eq(written(FK_LOG_DEBUG, "x"), "");
	fk_log_set_level(FK_LOG_DEBUG);
	cr_expect_str_neq(written(FK_LOG_DEBUG, "x"), "");
	fk_log_set_level(FK_LOG_ERROR);
	cr_expect_str_eq(written(FK_LOG_WARN, "x"), "");
}

Test(log, a_value_cannot_forge_a_line)
{
	char *line = written(FK_LOG_INFO, "a\nforged\r\x1b[31m");

	cr_expect_eq(strchr(line, '\n'), line + strlen(line) - 1);
	cr_expect_null(strchr(line, '\x1b'));
}

Test(log, a_long_value_is_cut)
{
	char value[3000], *line;

	memset(value, 'v', sizeof(value));
	value[sizeof(value) - 1] = '\0';
	line = written(FK_LOG_INFO, value);
	cr_expect_leq(strlen(line), 1024);
	cr_expect_eq(line[strlen(line) - 1], '\n');
}

Test(log, levels_are_read_from_text)
{
	enum fk_log_level level = FK_LOG_INFO;

	cr_expect_eq(fk_log_level_parse("debug", &level), FK_OK);
	cr_expect_eq(level, FK_LOG_DEBUG);
	cr_expect_eq(fk_log_level_parse("loud", &level), FK_EINVAL);
	cr_expect_eq(level, FK_LOG_DEBUG);
}

Test(log, a_limit_swallows_and_counts)
{
	struct fk_log_limit limit = {0};
	uint32_t n = 99;

	cr_expect(fk_log_limit_allow(&limit, 2, 1000, &n));
	cr_expect_eq(n, 0);
	cr_expect(fk_log_limit_allow(&limit, 2, 2000, &n));
	for (int i = 0; i < 5; i++)
		cr_expect(!fk_log_limit_allow(&limit, 2, 3000, &n));
	cr_expect(!fk_log_limit_allow(&limit, 2, 1000999, &n));
	cr_expect(fk_log_limit_allow(&limit, 2, 1001000, &n));
	cr_expect_eq(n, 6);
}
