/* SPDX-License-Identifier: Apache-2.0 */
#include "http_fixture.h"

#include <unistd.h>

#include "cli/request.h"

/* The end of the connection ends the body. */
#define PAGE(body) "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" body
#define PROBLEM_503                                                                       \
	"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 13\r\nConnection: close\r\n" \
	"\r\n{\"title\":\"x\"}"

static unsigned n_rows;

static void take_row(const struct fk_cli *cli, const json_t *row)
{
	(void)cli;
	cr_assert_eq(json_integer_value(row), ++n_rows);
}

static enum fk_exit walk(const char *const *answers, size_t n_answers)
{
	struct fk_cli cli = {0};
	enum fk_exit code;

	peer_start(answers, n_answers);
	cr_assert_eq(fk_http_new(&(struct fk_http_config){.socket = peer.path}, &cli.http), FK_OK);
	code = fk_request_walk(&cli, "/v1/list", take_row);
	fk_http_free(cli.http);
	peer_stop();
	return code;
}

Test(cli_request, a_list_is_walked_by_cursor_to_its_end)
{
	const char *const answers[] = {
		PAGE("{\"items\":[1,2],\"next_cursor\":\"a b\"}"),
		PAGE("{\"items\":[3],\"next_cursor\":null}"),
	};

	cr_assert_eq(walk(answers, 2), FK_EXIT_DONE);
	cr_assert_eq(n_rows, 3);
	cr_assert_not_null(strstr(peer.heard, "GET /v1/list?limit="));
	cr_assert_not_null(strstr(peer.heard, "&cursor=a%20b HTTP"));
}

Test(cli_request, a_list_that_does_not_go_on_is_an_error)
{
	const char *const answers[] = {
		PAGE("{\"items\":[1],\"next_cursor\":\"a\"}"),
		PAGE("{\"items\":[],\"next_cursor\":\"a\"}"),
	};

	cr_assert_eq(walk(answers, 2), FK_EXIT_FAILED);
}

Test(cli_request, a_list_of_two_fleets_is_an_error)
{
	const char *const answers[] = {
		PAGE("{\"fleet_generation\":7,\"items\":[1],\"next_cursor\":\"a\"}"),
		PAGE("{\"fleet_generation\":7,\"items\":[2],\"next_cursor\":\"b\"}"),
		PAGE("{\"fleet_generation\":8,\"items\":[9],\"next_cursor\":null}"),
	};

	cr_assert_eq(walk(answers, 3), FK_EXIT_FAILED);
	cr_assert_eq(n_rows, 2);
}

Test(cli_request, a_list_that_breaks_off_is_an_error)
{
	const char *const answers[] = {
		PAGE("{\"items\":[1],\"next_cursor\":\"a\"}"),
		PROBLEM_503,
	};

	cr_assert_eq(walk(answers, 2), FK_EXIT_FAILED);
}

Test(cli_request, what_is_no_json_is_an_error)
{
	const char *const answers[] = {PAGE("<xml>")};

	cr_assert_eq(walk(answers, 1), FK_EXIT_FAILED);
}

Test(cli_request, an_id_cannot_leave_its_place_in_the_path)
{
	char path[100];

	cr_assert_eq(fk_request_path("c-12_a.b", "/report", path, sizeof(path)), FK_EXIT_DONE);
	cr_assert_str_eq(path, "/v1/campaigns/c-12_a.b/report");
	cr_assert_eq(fk_request_path("..", "", path, sizeof(path)), FK_EXIT_USAGE);
	cr_assert_eq(fk_request_path("a/b", "", path, sizeof(path)), FK_EXIT_USAGE);
	cr_assert_eq(fk_request_path("a?b", "", path, sizeof(path)), FK_EXIT_USAGE);
	cr_assert_eq(fk_request_path("", "", path, sizeof(path)), FK_EXIT_USAGE);
}
