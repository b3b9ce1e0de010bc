/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cli/cli.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/request.h"

#define WORD_MAX 128

static const char *const states[] = {"held", "possibly_held", "not_held", "unknown"};
#define N_STATES (sizeof(states) / sizeof(states[0]))

/* One line for each key of the UE. */
static void print_holder(const struct fk_cli *cli, const json_t *ue)
{
	const json_t *active = json_object_get(ue, "active_keyset"), *key;
	char word[9][WORD_MAX];
	size_t i;

	if (cli->json) {
		fk_output_json(stdout, ue);
		return;
	}
	json_array_foreach(json_object_get(ue, "keys"), i, key)
	{
		const json_t *evidence = json_object_get(key, "evidence");

		printf("%-24s %-13s %6s %5s %4s %7s %7s %8s  %s\n",
		       fk_output_member(ue, "ue_id", word[0], WORD_MAX),
		       fk_output_member(key, "state", word[1], WORD_MAX),
		       fk_output_member(key, "keyset_id", word[2], WORD_MAX),
		       fk_output_member(key, "sln", word[3], WORD_MAX),
		       fk_output_member(key, "algorithm_id", word[4], WORD_MAX),
		       fk_output_member(key, "key_id", word[5], WORD_MAX),
		       fk_output_member(active, "keyset_id", word[6], WORD_MAX),
		       fk_output_member(evidence, "campaign", word[7], WORD_MAX),
		       fk_output_member(evidence, "at", word[8], WORD_MAX));
	}
}

static uint64_t sums[N_STATES]; /* of the pages of one walk */

static void add_counts(const struct fk_cli *cli, const json_t *counts)
{
	(void)cli;
	for (size_t i = 0; i < N_STATES; i++)
		sums[i] += (uint64_t)json_integer_value(json_object_get(counts, states[i]));
}

static enum fk_exit count(struct fk_cli *cli, char *path)
{
	json_t *object;
	enum fk_exit code;

	fk_request_add_query(path, FK_REQUEST_PATH_MAX, "count", "true");
	memset(sums, 0, sizeof(sums));
	code = fk_request_walk(cli, path, add_counts);
	if (code != FK_EXIT_DONE)
		return code;
	object = json_object();
	for (size_t i = 0; i < N_STATES; i++)
		json_object_set_new(object, states[i], json_integer((json_int_t)sums[i]));
	if (cli->json)
		fk_output_json(stdout, object);
	else
		fk_output_object(stdout, object, 0);
	json_decref(object);
	return FK_EXIT_DONE;
}

int fk_cli_holders(struct fk_cli *cli, int argc, char **argv)
{
	const char *key = NULL, *state = NULL, *group = NULL, *area = NULL, *active = NULL;
	bool wants_count = false;
	const struct fk_option options[] = {
		{"--key", .ret_text = &key},
		{"--state", .ret_text = &state},
		{"--group", .ret_text = &group},
		{"--area", .ret_text = &area},
		{"--active-keyset", .ret_text = &active},
		{"--count", .ret_flag = &wants_count},
	};
	char error[200], path[FK_REQUEST_PATH_MAX] = "/v1/currency";

	if (fk_options_parse(options, sizeof(options) / sizeof(options[0]), false, &argc, argv,
			     error, sizeof(error)) != FK_OK)
		return fk_usage_error("%s", error);
	if (argc != 0)
		return fk_usage_error("holders: unexpected '%s'", argv[0]);
	if (wants_count && !key)
		return fk_usage_error("holders --count wants --key");
	if (key)
		fk_request_add_query(path, sizeof(path), "key", key);
	if (state)
		fk_request_add_query(path, sizeof(path), "state", state);
	if (group)
		fk_request_add_query(path, sizeof(path), "group", group);
	if (area)
		fk_request_add_query(path, sizeof(path), "area", area);
	if (active)
		fk_request_add_query(path, sizeof(path), "active_keyset", active);
	if (wants_count)
		return count(cli, path);
	if (!cli->json)
		printf("%-24s %-13s %6s %5s %4s %7s %7s %8s  %s\n", "UE_ID", "STATE", "KEYSET",
		       "SLN", "ALG", "KEY_ID", "ACTIVE", "CAMPAIGN", "SINCE");
	return fk_request_walk(cli, path, print_holder);
}

static void print_ue_keys(const struct fk_cli *cli, const json_t *ue)
{
	if (cli->json)
		fk_output_json(stdout, ue);
	else
		fk_output_object(stdout, ue, 0);
}

int fk_cli_fleet_keys(struct fk_cli *cli, int argc, char **argv)
{
	char path[FK_REQUEST_PATH_MAX] = "/v1/currency";

	if (argc != 1)
		return fk_usage_error("fleet keys wants one UE id");
	fk_request_add_query(path, sizeof(path), "ue", argv[0]);
	return fk_request_walk(cli, path, print_ue_keys);
}
