/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cli/cli.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/request.h"

/* One object as it came, or as lines. Takes 'answer'. */
static void print_answer(const struct fk_cli *cli, json_t *answer)
{
	fk_output_answer(cli->json, answer);
	json_decref(answer);
}

static int show_key(struct fk_cli *cli, const char *ue_id, const char *key)
{
	json_t *ue, *keys, *found = NULL;
	enum fk_exit code = fk_request_ue(cli, ue_id, &ue);
	size_t i;

	if (code != FK_EXIT_DONE)
		return code;
	keys = json_object_get(ue, "keys");
	for (i = 0; i < json_array_size(keys); i++) {
		json_t *one = json_array_get(keys, i);

		if (strcmp(json_string_value(json_object_get(one, "key")), key) == 0)
			found = json_incref(one);
	}
	json_decref(ue);
	print_answer(cli, found);
	return code;
}

int fk_cli_fleet_key(struct fk_cli *cli, int argc, char **argv)
{
	bool compromised = false;
	const struct fk_option options[] = {{"--compromised", .ret_flag = &compromised}};
	json_t *body, *answer = NULL;
	enum fk_exit code;
	char error[200];

	if (fk_options_parse(options, 1, false, &argc, argv, error, sizeof(error)) != FK_OK)
		return fk_usage_error("%s", error);
	if (argc != 2 || (strcmp(argv[1], "kek") != 0 && strcmp(argv[1], "ptek") != 0))
		return fk_usage_error("fleet key wants one UE, and kek or ptek");
	if (!compromised)
		return show_key(cli, argv[0], argv[1]);
	body = json_pack("{s:s, s:s}", "ue_id", argv[0], "key", argv[1]);
	code = fk_request(cli, "POST", "/v1/fleet/own-keys/mark-compromised", body, &answer);
	json_decref(body);
	if (code == FK_EXIT_DONE)
		fk_output_answer(cli->json, answer);
	return code;
}

static void print_key(const struct fk_cli *cli, const json_t *key)
{
	char word[7][300];

	if (cli->json) {
		fk_output_json(stdout, key);
		return;
	}
	printf("%-24s %-4s %-11s %6s %7s %-16s %s\n", fk_output_member(key, "ue_id", word[0], 300),
	       fk_output_member(key, "key", word[1], 300),
	       fk_output_member(key, "state", word[2], 300),
	       fk_output_member(key, "key_id", word[3], 300),
	       fk_output_member(key, "version", word[4], 300),
	       fk_output_member(key, "origin", word[5], 300),
	       fk_output_member(key, "came_at", word[6], 300));
}

int fk_cli_fleet_own_keys(struct fk_cli *cli, int argc, char **argv)
{
	const char *key = NULL, *state = NULL;
	const struct fk_option options[] = {{"--key", .ret_text = &key},
					    {"--state", .ret_text = &state}};
	char error[200], path[FK_REQUEST_PATH_MAX] = "/v1/fleet/own-keys";

	if (fk_options_parse(options, 2, false, &argc, argv, error, sizeof(error)) != FK_OK)
		return fk_usage_error("%s", error);
	if (argc != 0)
		return fk_usage_error("fleet own-keys: unexpected '%s'", argv[0]);
	if (key && strcmp(key, "kek") != 0 && strcmp(key, "ptek") != 0)
		return fk_usage_error("--key: '%s' is not kek or ptek", key);
	if (state && strcmp(state, "active") != 0 && strcmp(state, "expired") != 0 &&
	    strcmp(state, "compromised") != 0 && strcmp(state, "none") != 0)
		return fk_usage_error("--state: '%s' is not active, expired, compromised or none",
				      state);
	if (key)
		fk_request_add_query(path, sizeof(path), "key", key);
	if (state)
		fk_request_add_query(path, sizeof(path), "state", state);
	if (!cli->json)
		printf("%-24s %-4s %-11s %6s %7s %-16s %s\n", "UE_ID", "KEY", "STATE", "KEY_ID",
		       "VERSION", "ORIGIN", "CAME_AT");
	return fk_request_walk(cli, path, print_key);
}
