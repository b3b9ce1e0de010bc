/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/request.h"
#include "cli/slns.h"

#define WORD_MAX       256
#define SLNS_MAX       64 /* of one plan */
#define GROUP_NAME_MAX 32

/* A name goes into a path only if it is one: letters, digits, dot, underscore and dash. */
static bool is_group_name(const char *name)
{
	for (const char *c = name; *c != '\0'; c++) {
		bool is_letter = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z');

		if (!is_letter && !(*c >= '0' && *c <= '9') && strchr("._-", *c) == NULL)
			return false;
	}
	return name[0] != '\0' && strlen(name) <= GROUP_NAME_MAX && strcmp(name, ".") != 0 &&
	       strcmp(name, "..") != 0;
}

/* One request about one group, and its answer as lines. Takes 'body'. */
static enum fk_exit ask(struct fk_cli *cli, const char *method, const char *name, json_t *body)
{
	char path[64 + GROUP_NAME_MAX];
	json_t *answer;
	enum fk_exit code;

	(void)snprintf(path, sizeof(path), "/v1/groups/%s", name);
	code = fk_request(cli, method, path, body, &answer);
	json_decref(body);
	if (code != FK_EXIT_DONE)
		return code;
	fk_output_answer(cli->json, answer);
	json_decref(answer);
	return FK_EXIT_DONE;
}

static void print_group(const struct fk_cli *cli, const json_t *group)
{
	char word[5][WORD_MAX];
	const json_t *sln;
	size_t i;

	if (cli->json) {
		fk_output_json(stdout, group);
		return;
	}
	printf("%-20s %8s %6s %8s %8s ", fk_output_member(group, "name", word[0], WORD_MAX),
	       fk_output_member(group, "n_ues", word[1], WORD_MAX),
	       fk_output_member(group, "active_keyset_id", word[2], WORD_MAX),
	       fk_output_member(group, "inactive_keyset_id", word[3], WORD_MAX),
	       fk_output_member(group, "ckek_sln", word[4], WORD_MAX));
	if (!json_is_true(json_object_get(group, "has_plan")))
		printf("-");
	json_array_foreach(json_object_get(group, "slns"), i, sln)
		printf("%s%lld", i == 0 ? "" : ",", (long long)json_integer_value(sln));
	puts("");
}

int fk_cli_group_list(struct fk_cli *cli, int argc, char **argv)
{
	(void)argv;
	if (argc != 0)
		return fk_usage_error("group list wants no argument");
	if (!cli->json)
		printf("%-20s %8s %6s %8s %8s %s\n", "GROUP", "UES", "ACTIVE", "INACTIVE",
		       "CKEK_SLN", "SLNS");
	return fk_request_walk(cli, "/v1/groups", print_group);
}

int fk_cli_group_show(struct fk_cli *cli, int argc, char **argv)
{
	if (argc != 1 || !is_group_name(argv[0]))
		return fk_usage_error("group show wants the name of a group");
	return ask(cli, "GET", argv[0], NULL);
}

int fk_cli_group_remove(struct fk_cli *cli, int argc, char **argv)
{
	if (argc != 1 || !is_group_name(argv[0]))
		return fk_usage_error("group remove wants the name of a group");
	return ask(cli, "DELETE", argv[0], NULL);
}

int fk_cli_group_set(struct fk_cli *cli, int argc, char **argv)
{
	const char *slns = NULL;
	uint64_t active = 0, inactive = 0, ckek_sln = 0;
	bool no_ckek = false;
	const struct fk_option options[] = {
		{"--slns", .ret_text = &slns},
		{"--active-keyset", .ret_number = &active, .min = 1, .max = 16},
		{"--inactive-keyset", .ret_number = &inactive, .min = 1, .max = 16},
		{"--ckek-sln", .ret_number = &ckek_sln, .min = 61440, .max = 65535},
		{"--no-ckek", .ret_flag = &no_ckek},
	};
	json_t *body, *list;
	char error[200];

	if (fk_options_parse(options, sizeof(options) / sizeof(options[0]), false, &argc, argv,
			     error, sizeof(error)) != FK_OK)
		return fk_usage_error("%s", error);
	if (argc != 1 || !is_group_name(argv[0]))
		return fk_usage_error("group set wants the name of a group");
	if (slns == NULL && active == 0 && inactive == 0 && ckek_sln == 0 && !no_ckek)
		return fk_usage_error("group set wants --slns, --active-keyset, "
				      "--inactive-keyset, --ckek-sln or --no-ckek");
	if (ckek_sln != 0 && no_ckek)
		return fk_usage_error("--ckek-sln and --no-ckek exclude each other");
	body = json_object();
	if (slns != NULL) {
		list = fk_slns_read("--slns", slns, SLNS_MAX);
		if (list == NULL) {
			json_decref(body);
			return FK_EXIT_USAGE;
		}
		json_object_set_new(body, "slns", list);
	}
	if (active != 0)
		json_object_set_new(body, "active_keyset_id", json_integer((json_int_t)active));
	if (inactive != 0)
		json_object_set_new(body, "inactive_keyset_id", json_integer((json_int_t)inactive));
	if (ckek_sln != 0)
		json_object_set_new(body, "ckek_sln", json_integer((json_int_t)ckek_sln));
	if (no_ckek)
		json_object_set_new(body, "ckek_sln", json_null());
	return ask(cli, "PUT", argv[0], body);
}
