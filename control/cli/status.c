/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/request.h"
#include "cli/ue_ids.h"

#define CHUNK_UES 800 /* of one request, whose body has at most 64 KiB */

/* One request for the UEs from 'first' on; '*ret_n' of them were in it, and as many as are added to
 * '*n_to_fill' hold no keys. */
static enum fk_exit send_chunk(struct fk_cli *cli, const json_t *ids, size_t first,
			       const char *status, const char *reason, bool is_dry_run,
			       size_t *ret_n, json_int_t *n_to_fill)
{
	json_t *chunk = json_array(),
	       *body = json_pack("{s:s, s:O}", "status", status, "ue_ids", chunk);
	json_t *answer = NULL;
	enum fk_exit code;
	size_t n;

	for (n = 0; n < CHUNK_UES && first + n < json_array_size(ids); n++)
		json_array_append(chunk, json_array_get(ids, first + n));
	if (reason)
		json_object_set_new(body, "reason", json_string(reason));
	code = fk_request(cli, "POST",
			  is_dry_run ? "/v1/fleet/statuses?dry_run=true" : "/v1/fleet/statuses",
			  body, &answer);
	if (code == FK_EXIT_DONE && !is_dry_run)
		*n_to_fill += json_integer_value(json_object_get(answer, "n_to_key_fill"));
	json_decref(answer);
	json_decref(body);
	json_decref(chunk);
	*ret_n = n;
	return code;
}

/* Many UEs go in several requests; all are looked at before the first one changes anything. */
static enum fk_exit send_all(struct fk_cli *cli, const json_t *ids, const char *status,
			     const char *reason, json_int_t *n_to_fill)
{
	size_t n_all = json_array_size(ids), n;

	for (int is_dry_run = n_all > CHUNK_UES; is_dry_run >= 0; is_dry_run--) {
		for (size_t at = 0; at < n_all; at += n) {
			enum fk_exit code = send_chunk(cli, ids, at, status, reason,
						       is_dry_run != 0, &n, n_to_fill);

			if (code == FK_EXIT_DONE)
				continue;
			if (!is_dry_run && at > 0)
				fprintf(stderr,
					"fleetkeyctl: the first %zu UEs have it; say it "
					"again for the others\n",
					at);
			return code;
		}
	}
	return FK_EXIT_DONE;
}

static void print_done(const struct fk_cli *cli, const char *status, size_t n_ues,
		       json_int_t n_to_fill)
{
	json_t *answer = json_pack("{s:s, s:I, s:I}", "status", status, "n_ues", (json_int_t)n_ues,
				   "n_to_key_fill", n_to_fill);

	if (n_to_fill > 0)
		fprintf(stderr,
			"fleetkeyctl: %" JSON_INTEGER_FORMAT " of them were zeroized and hold no "
			"keys: they need key fill, then import them again\n",
			n_to_fill);
	fk_output_answer(cli->json, answer);
	json_decref(answer);
}

int fk_cli_fleet_set_status(struct fk_cli *cli, int argc, char **argv)
{
	const char *status = NULL, *reason = NULL, *file = NULL;
	const struct fk_option options[] = {{"--status", .ret_text = &status},
					    {"--reason", .ret_text = &reason},
					    {"--file", .ret_text = &file}};
	json_int_t n_to_fill = 0;
	enum fk_exit code;
	char error[200];
	json_t *ids;

	if (fk_options_parse(options, 3, false, &argc, argv, error, sizeof(error)) != FK_OK)
		return fk_usage_error("%s", error);
	if (!status)
		return fk_usage_error("fleet set-status wants --status");
	if ((argc == 0) == (file == NULL))
		return fk_usage_error("fleet set-status wants UEs, or --file with their ids");
	ids = json_array();
	code = fk_ue_ids_read(argc, argv, file, ids);
	if (code == FK_EXIT_DONE)
		code = send_all(cli, ids, status, reason, &n_to_fill);
	if (code == FK_EXIT_DONE)
		print_done(cli, status, json_array_size(ids), n_to_fill);
	json_decref(ids);
	return code;
}

static void print_status(const struct fk_cli *cli, const json_t *ue)
{
	char word[6][300];

	if (cli->json) {
		fk_output_json(stdout, ue);
		return;
	}
	printf("%-24s %8s %-10s %-24s %5s %s\n", fk_output_member(ue, "ue_id", word[0], 300),
	       fk_output_member(ue, "rsi", word[1], 300),
	       fk_output_member(ue, "status", word[2], 300),
	       fk_output_member(ue, "since", word[3], 300),
	       fk_output_member(ue, "next_number", word[5], 300),
	       fk_output_member(ue, "reason", word[4], 300));
}

int fk_cli_fleet_statuses(struct fk_cli *cli, int argc, char **argv)
{
	static const char *const labels[] = {"suspended", "lost", "zeroized", "released"};
	const char *status = NULL;
	const struct fk_option options[] = {{"--status", .ret_text = &status}};
	char error[200], path[64] = "/v1/fleet/statuses";
	bool is_known = false;

	if (fk_options_parse(options, 1, false, &argc, argv, error, sizeof(error)) != FK_OK)
		return fk_usage_error("%s", error);
	if (argc != 0)
		return fk_usage_error("fleet statuses: unexpected '%s'", argv[0]);
	for (size_t i = 0; status && i < sizeof(labels) / sizeof(labels[0]); i++)
		is_known = is_known || strcmp(status, labels[i]) == 0;
	if (status && !is_known)
		return fk_usage_error("--status: '%s' is not suspended, lost, zeroized or released",
				      status);
	if (status)
		snprintf(path, sizeof(path), "/v1/fleet/statuses?status=%s", status);
	if (!cli->json)
		printf("%-24s %8s %-10s %-24s %5s %s\n", "UE_ID", "RSI", "STATUS", "SINCE", "NEXT",
		       "REASON");
	return fk_request_walk(cli, path, print_status);
}

int fk_cli_fleet_adopt(struct fk_cli *cli, int argc, char **argv)
{
	uint64_t next_number = UINT64_MAX;
	const struct fk_option options[] = {
		{"--next-number", .ret_number = &next_number, .max = UINT16_MAX}};
	json_t *body, *answer = NULL;
	enum fk_exit code;
	char error[200];

	if (fk_options_parse(options, 1, false, &argc, argv, error, sizeof(error)) != FK_OK)
		return fk_usage_error("%s", error);
	if (argc != 1 || next_number == UINT64_MAX)
		return fk_usage_error("fleet adopt wants one UE, and --next-number");
	body = json_pack("{s:s, s:I}", "ue_id", argv[0], "next_number", (json_int_t)next_number);
	code = fk_request(cli, "POST", "/v1/fleet/adoptions", body, &answer);
	json_decref(body);
	if (code == FK_EXIT_DONE)
		fk_output_answer(cli->json, answer);
	json_decref(answer);
	return code;
}
