/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/early_answer.h"

Test(early_answer, is_a_whole_answer)
{
	char text[1000] = "";
	int fds[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	cr_assert_eq(fk_early_answer(fds[0], 422, "application/problem+json", "{\"a\":1}", 7),
		     FK_OK);
	cr_assert_gt(read(fds[1], text, sizeof(text) - 1), 0);
	cr_expect_eq(strncmp(text, "HTTP/1.1 422 ", 13), 0, "%s", text);
	cr_expect_not_null(strstr(text, "\r\nContent-Type: application/problem+json\r\n"));
	cr_expect_not_null(strstr(text, "\r\nContent-Length: 7\r\n"));
	cr_expect_not_null(strstr(text, "\r\n\r\n{\"a\":1}"));
	cr_expect_null(strstr(text, "WWW-Authenticate"));
	close(fds[0]);
	close(fds[1]);
}

Test(early_answer, a_peer_that_does_not_take_it_holds_nobody_up)
{
	static char body[4 << 20];
	int fds[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	cr_expect_eq(fk_early_answer(fds[0], 422, "text/plain", body, sizeof(body)), FK_EIO);
	close(fds[1]);
	cr_expect_eq(fk_early_answer(fds[0], 422, "text/plain", "x", 1), FK_EIO);
	close(fds[0]);
}
