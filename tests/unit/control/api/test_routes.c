/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/call.h"
#include "api/problem.h"
#include "api/routes.h"
#include "api/token.h"

static enum fk_err find(const char *method, const char *path, uint32_t *id)
{
	const struct fk_route *route = NULL;
	enum fk_err err = fk_route_find(method, path, &route, id);

	cr_assert_eq(err == FK_OK, route != NULL);
	return err;
}

Test(routes, every_route_finds_itself)
{
	uint32_t n, id;
	const struct fk_route *routes = fk_routes(&n);

	for (uint32_t i = 0; i < n; i++) {
		char path[80] = "";
		const char *id_at = strstr(routes[i].path, "{id}");
		const char *name_at = strstr(routes[i].path, "{name}");

		if (id_at != NULL)
			(void)snprintf(path, sizeof(path), "%.*s4294967295%s",
				       (int)(id_at - routes[i].path), routes[i].path, id_at + 4);
		else if (name_at != NULL)
			(void)snprintf(path, sizeof(path), "%.*sfire",
				       (int)(name_at - routes[i].path), routes[i].path);
		else
			(void)snprintf(path, sizeof(path), "%s", routes[i].path);
		cr_assert_eq(find(routes[i].method, path, &id), FK_OK, "%s", path);
		cr_assert_eq(id, id_at != NULL ? UINT32_MAX : 0);
		cr_assert_eq(find("PATCH", path, &id), FK_EUNSUPPORTED);
		cr_assert_neq(routes[i].help[0], '\0');
	}
}

Test(routes, each_knows_the_names_of_its_query)
{
	const struct fk_route *route = NULL;
	uint32_t id;

	cr_assert_eq(fk_route_find("GET", "/v1/currency", &route, &id), FK_OK);
	cr_expect(fk_route_takes(route, "ue"));
	cr_expect(fk_route_takes(route, "active_keyset"));
	cr_expect(fk_route_takes(route, "limit"));
	cr_expect_not(fk_route_takes(route, "keyset"), "a part of a name");
	cr_expect_not(fk_route_takes(route, "ue key"));
	cr_expect_not(fk_route_takes(route, ""));
	cr_expect_not(fk_route_takes(route, "dry_run"));
	cr_assert_eq(fk_route_find("POST", "/v1/campaigns", &route, &id), FK_OK);
	cr_expect(fk_route_takes(route, "dry_run"));
	cr_assert_eq(fk_route_find("GET", "/v1/health", &route, &id), FK_OK);
	cr_expect_not(fk_route_takes(route, "limit"));
}

Test(routes, a_name_ends_a_path_and_is_given_out)
{
	const struct fk_route *route = NULL;
	static const char path[] = "/v1/groups/fire-1";
	uint32_t id = 1;

	cr_assert_eq(fk_route_find("PUT", path, &route, &id), FK_OK);
	cr_expect_eq(id, 0);
	cr_expect_str_eq(fk_route_name(route, path), "fire-1");
	cr_assert_eq(fk_route_find("GET", "/v1/groups", &route, &id), FK_OK);
	cr_expect_null(fk_route_name(route, "/v1/groups"));
}

Test(routes, what_is_no_path_is_not_found)
{
	static const char *const paths[] = {"/",
					    "/v1",
					    "/v1/health/",
					    "/v1/campaigns/",
					    "/v1/campaigns/0",
					    "/v1/campaigns/-1",
					    "/v1/campaigns/1x",
					    "/v1/campaigns/01",
					    "/v1/campaigns/4294967296",
					    "/v1/campaigns/99999999999",
					    "/v1/campaigns/1/",
					    "/v1/campaigns/1/reports",
					    "",
					    "/v1/campaigns//report",
					    "/v1/groups/",
					    "/v1/groups/a/b"};
	uint32_t id;

	for (uint32_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		cr_assert_eq(find("GET", paths[i], &id), FK_ENOTFOUND, "%s", paths[i]);
}

Test(problem, an_error_has_the_status_that_clients_act_on)
{
	cr_assert_eq(fk_problem_status(FK_ERANGE), 400);
	cr_assert_eq(fk_problem_status(FK_EPOLICY), 403);
	cr_assert_eq(fk_problem_status(FK_ENOTFOUND), 404);
	cr_assert_eq(fk_problem_status(FK_EBUSY), 409);
	cr_assert_eq(fk_problem_status(FK_ESTORE), 503);
	cr_assert_eq(fk_problem_status(FK_ELINK), 503);
	cr_assert_eq(fk_problem_status(FK_ENOMEM), 500);
}

Test(problem, field_and_reason_are_members_of_their_own)
{
	json_t *p = fk_problem_new(400, "value out of range", "sln", "0 is not from 1 to 4095");

	cr_assert_str_eq(json_string_value(json_object_get(p, "field")), "sln");
	cr_assert_str_eq(json_string_value(json_object_get(p, "reason")),
			 "0 is not from 1 to 4095");
	cr_assert_str_eq(json_string_value(json_object_get(p, "detail")),
			 "sln: 0 is not from 1 to 4095");
	cr_assert_eq(json_integer_value(json_object_get(p, "status")), 400);
	json_decref(p);
	p = fk_problem_new(404, "no such resource", NULL, NULL);
	cr_assert_null(json_object_get(p, "field"));
	json_decref(p);
}

static enum fk_err load(const char *content, mode_t mode, struct fk_bearer_token *token)
{
	char path[] = "/tmp/fk-token-XXXXXX";
	int fd = mkstemp(path);
	struct fk_reason reason = {{0}};
	enum fk_err err;

	cr_assert_eq(write(fd, content, strlen(content)), (ssize_t)strlen(content));
	cr_assert_eq(fchmod(fd, mode), 0);
	close(fd);
	err = fk_bearer_token_load(path, token, &reason);
	unlink(path);
	cr_assert(err == FK_OK || strstr(reason.text, path) != NULL);
	return err;
}

Test(token, a_token_file_is_read_and_matched)
{
	struct fk_bearer_token token;

	cr_assert_eq(load("0123456789abcdef\n", 0600, &token), FK_OK);
	cr_assert(fk_bearer_token_matches(&token, "Bearer 0123456789abcdef"));
	cr_assert_not(fk_bearer_token_matches(&token, "Bearer 0123456789abcdeg"));
	cr_assert_not(fk_bearer_token_matches(&token, "Bearer 0123456789abcde"));
	cr_assert_not(fk_bearer_token_matches(&token, "Bearer 0123456789abcdef0"));
	cr_assert_not(fk_bearer_token_matches(&token, "Basic 0123456789abcdef"));
	cr_assert_not(fk_bearer_token_matches(&token, "Bearer "));
	cr_assert_not(fk_bearer_token_matches(&token, NULL));
}

Test(token, an_unsafe_or_weak_token_file_is_refused)
{
	struct fk_bearer_token token;

	cr_assert_eq(load("0123456789abcdef\n", 0640, &token), FK_EPOLICY);
	cr_assert_eq(load("0123456789abcdef\n", 0604, &token), FK_EPOLICY);
	cr_assert_eq(load("0123456789abcde\n", 0600, &token), FK_EFORMAT);
	cr_assert_eq(load("", 0600, &token), FK_EFORMAT);
	cr_assert_eq(load("0123456789 abcdef\n", 0600, &token), FK_EFORMAT);
	cr_assert_eq(load("0123456789abcdef\nsecond line\n", 0600, &token), FK_EFORMAT);
}
