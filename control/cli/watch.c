/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch.c - follows a campaign to its end.
 *
 * fleetkeyd may restart, or lose its store, while a campaign runs: the campaign goes on behind it.
 * So silence and 503 are waited out for a while, and only then is it a failure.
 */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/request.h"

#define DRAW_INTERVAL_MS 200u  /* a bar that moves */
#define LINE_INTERVAL_MS 1000u /* one line a second for logs */
#define WAIT_S_DEFAULT	 60u   /* how long fleetkeyd may be away */

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void sleep_ms(unsigned ms)
{
	struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	nanosleep(&ts, NULL);
}

/*
 * Asks until an answer other than "not now" comes or 'wait_s' are over. The caller owns the answer.
 */
static enum fk_exit ask(struct fk_cli *cli, const char *path, uint64_t wait_s, json_t **ret_answer)
{
	uint64_t give_up_ms = now_ms() + wait_s * 1000;
	bool told = false;

	for (;;) {
		struct fk_http_reply reply;
		enum fk_err err = fk_http_request(cli->http, "GET", path, NULL, &reply);

		if (now_ms() >= give_up_ms && err != FK_OK) {
			fprintf(stderr, "fleetkeyctl: %s\n", fk_http_reason(cli->http));
			return FK_EXIT_FAILED;
		}
		if (err == FK_OK && (reply.status != 503 || now_ms() >= give_up_ms))
			return fk_request_judge(cli, &reply, NULL, ret_answer);
		if (!told) {
			if (cli->terminal && !cli->json)
				fk_progress_clear(stdout);
			fprintf(stderr, "fleetkeyctl: %s; trying for %" PRIu64 " s\n",
				err == FK_OK ? "fleetkeyd is not ready" : fk_http_reason(cli->http),
				wait_s);
			told = true;
		}
		if (err == FK_OK)
			fk_http_reply_fini(&reply);
		sleep_ms(DRAW_INTERVAL_MS);
	}
}

static uint64_t count(const json_t *campaign, const char *name)
{
	json_int_t value = json_integer_value(json_object_get(campaign, name));

	return value > 0 ? (uint64_t)value : 0;
}

/* "acked 10/1000 proven 3 open 200 unreachable 1": the states that have members. */
static void describe(const json_t *campaign, char *text, size_t size)
{
	json_t *states = json_object_get(campaign, "states"), *value;
	const char *name;
	size_t n;

	n = (size_t)snprintf(text, size, "acked %" PRIu64 "/%" PRIu64 "  proven %" PRIu64,
			     count(campaign, "acked"), count(campaign, "n_deliveries"),
			     count(campaign, "proven"));
	json_object_foreach(states, name, value) if (strcmp(name, "acked") != 0 &&
						     json_integer_value(value) > 0 && n < size) n +=
		(size_t)snprintf(text + n, size - n, "  %s %" JSON_INTEGER_FORMAT, name,
				 json_integer_value(value));
}

static void print_state(const struct fk_cli *cli, const json_t *campaign, uint64_t since_ms)
{
	char text[512];

	if (cli->json) {
		fk_output_json(stdout, campaign);
		return;
	}
	describe(campaign, text, sizeof(text));
	if (cli->terminal) {
		fk_progress_draw(stdout, count(campaign, "acked"), count(campaign, "n_deliveries"),
				 text);
		return;
	}
	printf("%7.1f s  ", (double)(now_ms() - since_ms) / 1000);
	fk_output_text(stdout, text);
	fputc('\n', stdout);
	fflush(stdout);
}

static bool is_final(const json_t *campaign)
{
	const char *state = json_string_value(json_object_get(campaign, "state"));

	return state && (strcmp(state, "completed") == 0 || strcmp(state, "aborted") == 0 ||
			 strcmp(state, "superseded") == 0);
}

/* A halted campaign waits for its officer, not for us. */
static const char *halt_reason(const json_t *campaign)
{
	const char *reason = json_string_value(json_object_get(campaign, "halt_reason"));

	return reason && reason[0] ? reason : NULL;
}

static enum fk_exit finish(const struct fk_cli *cli, const json_t *campaign, uint64_t since_ms)
{
	const char *state = json_string_value(json_object_get(campaign, "state"));
	const char *reason = halt_reason(campaign);
	bool completed = state && strcmp(state, "completed") == 0;

	print_state(cli, campaign, since_ms);
	if (cli->terminal && !cli->json)
		fputc('\n', stdout);
	if (completed) {
		if (!cli->json)
			printf("completed\n");
		return FK_EXIT_DONE;
	}
	fputs("fleetkeyctl: the campaign is ", stderr);
	fk_output_text(stderr, is_final(campaign) ? state : "halted");
	if (reason) {
		fputs(": ", stderr);
		fk_output_text(stderr, reason);
	}
	fputc('\n', stderr);
	return FK_EXIT_FAILED;
}

int fk_cli_campaign_watch(struct fk_cli *cli, int argc, char **argv)
{
	uint64_t wait_s = WAIT_S_DEFAULT, since_ms = now_ms(), line_at_ms = 0;
	const struct fk_option options[] = {
		{"--wait", .ret_number = &wait_s, .min = 0, .max = 86400},
	};
	bool draw = cli->terminal && !cli->json;
	char error[200], path[160];
	enum fk_exit code;

	if (fk_options_parse(options, 1, false, &argc, argv, error, sizeof(error)) != FK_OK)
		return fk_usage_error("%s", error);
	if (argc != 1)
		return fk_usage_error("campaign watch wants one campaign id");
	code = fk_request_path(argv[0], "", path, sizeof(path));
	while (code == FK_EXIT_DONE) {
		json_t *campaign;

		code = ask(cli, path, wait_s, &campaign);
		if (code != FK_EXIT_DONE)
			break;
		if (is_final(campaign) || halt_reason(campaign)) {
			code = finish(cli, campaign, since_ms);
			json_decref(campaign);
			break;
		}
		if (draw || now_ms() >= line_at_ms) {
			print_state(cli, campaign, since_ms);
			line_at_ms = now_ms() + LINE_INTERVAL_MS;
		}
		json_decref(campaign);
		sleep_ms(DRAW_INTERVAL_MS);
	}
	return code;
}
