/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/interrupt.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/request.h"

/* The upload being drawn. */
struct drawing {
	struct fk_http *side; /* asks how far fleetkeyd is while the upload waits; may be NULL */
	bool draws;
	uint64_t drawn;
};

/* What fleetkeyd is at; the bar stays full until it has pages to count. */
static void draw_stage(const json_t *answer)
{
	uint64_t n_done = (uint64_t)json_integer_value(json_object_get(answer, "n_pages_done"));
	uint64_t n_total = (uint64_t)json_integer_value(json_object_get(answer, "n_pages"));
	char stage[32], rows[32], text[160];

	(void)fk_output_member(answer, "stage", stage, sizeof(stage));
	if (n_total > 0)
		snprintf(text, sizeof(text), "sent; %s, page %llu of %llu", stage,
			 (unsigned long long)n_done, (unsigned long long)n_total);
	else
		snprintf(text, sizeof(text), "sent; %s, %s rows", stage,
			 fk_output_member(answer, "n_rows", rows, sizeof(rows)));
	fk_progress_draw(stdout, n_total > 0 ? n_done : 1, n_total > 0 ? n_total : 1, text);
}

/* The file is there; what fleetkeyd makes of it takes as long again. */
static void draw_work(struct drawing *drawing)
{
	struct fk_http_reply reply;
	json_t *answer;

	if (drawing->side == NULL ||
	    fk_http_request(drawing->side, "GET", "/v1/fleet/imports", NULL, &reply) != FK_OK)
		return;
	answer = json_loadb(reply.body != NULL ? reply.body : "", reply.size, 0, NULL);
	fk_http_reply_fini(&reply);
	if (json_is_object(answer) && json_is_true(json_object_get(answer, "active")))
		draw_stage(answer);
	json_decref(answer);
}

static void follow_upload(void *arg, uint64_t n_sent, uint64_t n_total)
{
	struct drawing *drawing = arg;
	char text[64];

	if (n_total == 0)
		return;
	if (n_sent == n_total) {
		fk_interrupt_sent();
		draw_work(drawing);
		return;
	}
	if (!drawing->draws)
		return;
	/* curl tells often; a bar needs it when the figure has moved. */
	if (n_sent == drawing->drawn)
		return;
	drawing->drawn = n_sent;
	snprintf(text, sizeof(text), "%.1f MB sent", (double)n_sent / 1e6);
	fk_progress_draw(stdout, n_sent, n_total, text);
}

static enum fk_exit import_file(struct fk_cli *cli, FILE *file, const char *name, const char *path)
{
	bool draw = cli->terminal && !cli->json;
	struct fk_http_reply reply;
	struct drawing drawing = {.draws = draw, .drawn = UINT64_MAX};
	json_t *answer;
	enum fk_exit code;
	enum fk_err err;

	if (draw && fk_http_clone(cli->http, &drawing.side) != FK_OK)
		drawing.side = NULL; /* a bar that stands is better than no import */
	fk_interrupt_begin(draw);
	err = fk_http_upload(cli->http, path, "text/csv", file, follow_upload, &drawing, &reply);
	fk_interrupt_end();
	fk_http_free(drawing.side);
	if (draw)
		fk_progress_clear(stdout);
	if (err != FK_OK) {
		fprintf(stderr, "fleetkeyctl: %s\n", fk_http_reason(cli->http));
		return FK_EXIT_FAILED;
	}
	code = fk_request_judge(cli, &reply, name, &answer);
	if (code != FK_EXIT_DONE)
		return code;
	fk_output_answer(cli->json, answer);
	json_decref(answer);
	return FK_EXIT_DONE;
}

/* The file 'name', or standard input, as an import of that mode. */
static int import_named(struct fk_cli *cli, const char *name, const char *mode, bool plain,
			bool reassign)
{
	bool is_stdin = strcmp(name, "-") == 0;
	FILE *file = is_stdin ? stdin : fopen(name, "re");
	enum fk_exit code;
	char path[120];

	if (!file) {
		fprintf(stderr, "fleetkeyctl: %s: %s\n", name, strerror(errno));
		return FK_EXIT_FAILED;
	}
	snprintf(path, sizeof(path), "/v1/fleet/imports?mode=%s&allow_plain_keys=%s&reassign=%s",
		 mode, plain ? "true" : "false", reassign ? "true" : "false");
	code = import_file(cli, file, is_stdin ? "<stdin>" : name, path);
	if (!is_stdin)
		fclose(file);
	return code;
}

int fk_cli_fleet_import(struct fk_cli *cli, int argc, char **argv)
{
	bool plain = false, reassign = false;
	const struct fk_option options[] = {{"--allow-plain-keys", .ret_flag = &plain},
					    {"--reassign", .ret_flag = &reassign}};
	char error[200];

	if (fk_options_parse(options, 2, false, &argc, argv, error, sizeof(error)) != FK_OK)
		return fk_usage_error("%s", error);
	if (argc != 1)
		return fk_usage_error("fleet import wants one file, or - for standard input");
	return import_named(cli, argv[0], "replace", plain, reassign);
}

int fk_cli_fleet_update(struct fk_cli *cli, int argc, char **argv)
{
	bool plain = false, reassign = false, removes = false;
	const struct fk_option options[] = {{"--allow-plain-keys", .ret_flag = &plain},
					    {"--reassign", .ret_flag = &reassign},
					    {"--remove", .ret_flag = &removes}};
	char error[200];

	if (fk_options_parse(options, 3, false, &argc, argv, error, sizeof(error)) != FK_OK)
		return fk_usage_error("%s", error);
	if (argc != 1)
		return fk_usage_error("fleet update wants one file, or - for standard input");
	return import_named(cli, argv[0], removes ? "remove" : "update", plain, reassign);
}

static void print_ue(const struct fk_cli *cli, const json_t *ue)
{
	char word[5][300];

	if (cli->json) {
		fk_output_json(stdout, ue);
		return;
	}
	printf("%-24s %8s %-12s %-16s %s\n", fk_output_member(ue, "ue_id", word[0], 300),
	       fk_output_member(ue, "rsi", word[1], 300),
	       fk_output_member(ue, "next_hop", word[2], 300),
	       fk_output_member(ue, "area", word[3], 300),
	       fk_output_member(ue, "mcdata_id", word[4], 300));
}

int fk_cli_fleet_show(struct fk_cli *cli, int argc, char **argv)
{
	bool ues = false;
	const struct fk_option options[] = {{"--ues", .ret_flag = &ues}};
	char error[200];
	json_t *answer;
	enum fk_exit code;

	if (fk_options_parse(options, 1, false, &argc, argv, error, sizeof(error)) != FK_OK)
		return fk_usage_error("%s", error);
	if (argc > (ues ? 0 : 1))
		return fk_usage_error("fleet show: unexpected '%s'", argv[argc - 1]);
	if (ues) {
		if (!cli->json)
			printf("%-24s %8s %-12s %-16s %s\n", "UE_ID", "RSI", "NEXT_HOP", "AREA",
			       "MCDATA_ID");
		return fk_request_walk(cli, "/v1/fleet/ues", print_ue);
	}
	code = argc == 1 ? fk_request_ue(cli, argv[0], &answer)
			 : fk_request(cli, "GET", "/v1/fleet", NULL, &answer);
	if (code != FK_EXIT_DONE)
		return code;
	fk_output_answer(cli->json, answer);
	json_decref(answer);
	return FK_EXIT_DONE;
}
