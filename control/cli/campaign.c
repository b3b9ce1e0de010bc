/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/request.h"
#include "cli/slns.h"
#include "cli/ue_ids.h"

#define WORD_MAX     128
#define PATH_MAX_LEN 160

#define SLNS_MAX   16	     /* keys of one campaign */
#define LEAD_MAX_S 315360000 /* ten years */

/* One SLN goes as 'sln', several as 'slns'. */
static bool put_slns(json_t *body, const char *text)
{
	json_t *list = fk_slns_read("--sln", text, SLNS_MAX);

	if (list == NULL)
		return false;
	if (json_array_size(list) == 1)
		json_object_set(body, "sln", json_array_get(list, 0));
	else
		json_object_set(body, "slns", list);
	json_decref(list);
	return true;
}

/* "100,10%,area:North" as a JSON list of waves; NULL, with the reason told, if it is none. */
static json_t *read_waves(const char *text)
{
	json_t *list = json_array();

	while (*text != '\0') {
		size_t size = strcspn(text, ",");
		char *end;
		unsigned long number = strtoul(text, &end, 10);

		if (strncmp(text, "area:", 5) == 0 && size > 5)
			json_array_append_new(list,
					      json_pack("{s:s%}", "area", text + 5, size - 5));
		else if (*text >= '0' && *text <= '9' && end == text + size)
			json_array_append_new(list,
					      json_pack("{s:I}", "count", (json_int_t)number));
		else if (*text >= '0' && *text <= '9' && *end == '%' && end + 1 == text + size)
			json_array_append_new(list,
					      json_pack("{s:I}", "percent", (json_int_t)number));
		else
			break;
		text += size;
		text += *text == ',' && text[1] != '\0';
	}
	if (*text == '\0')
		return list;
	(void)fk_usage_error("--waves: '%s' is no list of numbers, percentages and area:NAME, like "
			     "100,10%%,area:North",
			     text);
	json_decref(list);
	return NULL;
}

/* Puts what was said of the gate; 'set' tells which of its numbers were given. */
struct gate_options {
	uint64_t acked, sample, failed, offline, life_s;
};

#define UNSAID UINT64_MAX

static void put_gate(json_t *body, const struct gate_options *gate)
{
	const struct {
		const char *name;
		uint64_t number;
	} members[] = {
		{"min_acked_percent", gate->acked},	{"min_sample", gate->sample},
		{"failed_limit", gate->failed},		{"life_s", gate->life_s},
		{"max_offline_percent", gate->offline},
	};
	json_t *object = json_object();

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		if (members[i].number != UNSAID)
			json_object_set_new(object, members[i].name,
					    json_integer((json_int_t)members[i].number));
	}
	if (json_object_size(object) > 0)
		json_object_set(body, "gate", object);
	json_decref(object);
}

static void put_number(json_t *body, const char *name, uint64_t number)
{
	if (number != 0)
		json_object_set_new(body, name, json_integer((json_int_t)number));
}

/* Who alone is meant, or is not: UEs by word or file, or a status. */
static enum fk_exit put_ues(json_t *body, int argc, char **argv, const char *file, bool is_except)
{
	json_t *ids;
	enum fk_exit code;

	if (argc == 0 && !file && !is_except)
		return FK_EXIT_DONE;
	if (argc == 0 && !file)
		return fk_usage_error("--except wants UEs, or --file with their ids");
	ids = json_array();
	code = fk_ue_ids_read(argc, argv, file, ids);
	json_object_set_new(body, is_except ? "except_ue_ids" : "ue_ids", ids);
	return code;
}

static void put_text(json_t *body, const char *name, const char *text)
{
	if (text)
		json_object_set_new(body, name, json_string(text));
}

/* Only what was said on the command line goes into the request: defaults are fleetkeyd's. */
static int make_campaign(struct fk_cli *cli, int argc, char **argv, bool is_plan)
{
	const char *group = NULL, *slns = NULL, *kind = "rekey", *file = NULL, *status = NULL;
	const char *waves = NULL, *break_glass = NULL, *area = NULL;
	struct gate_options gate = {UNSAID, UNSAID, UNSAID, UNSAID, UNSAID};
	uint64_t keyset_id = 0, pace_per_s = 0, superseded_keyset_id = 0, keys_of = 0;
	uint64_t expire_after_s = 0;
	bool no_closing = false, dry_run = false, is_except = false, yes = false;
	bool supersedes = false, under_ckek = false, replaces_active = false;
	const char *path = is_plan ? "/v1/campaigns?plan=true" : "/v1/campaigns";
	const struct fk_option options[] = {
		{"--group", .ret_text = &group},
		{"--area", .ret_text = &area},
		{"--sln", .ret_text = &slns},
		{"--kind", .ret_text = &kind},
		{"--keyset", .ret_number = &keyset_id, .min = 1, .max = 16},
		{"--superseded", .ret_number = &superseded_keyset_id, .min = 1, .max = 16},
		{"--keys-of", .ret_number = &keys_of, .min = 1, .max = UINT32_MAX},
		{"--pace", .ret_number = &pace_per_s, .min = 1, .max = 10000000},
		{"--expire-after", .ret_number = &expire_after_s, .min = 1, .max = 31536000},
		{"--no-closing", .ret_flag = &no_closing},
		{"--waves", .ret_text = &waves},
		{"--gate-acked", .ret_number = &gate.acked, .max = 100},
		{"--gate-sample", .ret_number = &gate.sample, .max = 100000000},
		{"--gate-failed", .ret_number = &gate.failed, .max = 100000000},
		{"--gate-offline", .ret_number = &gate.offline, .max = 100},
		{"--gate-life", .ret_number = &gate.life_s, .max = 604800},
		{"--dry-run", .ret_flag = &dry_run},
		{"--file", .ret_text = &file},
		{"--except", .ret_flag = &is_except},
		{"--status", .ret_text = &status},
		{"--yes", .ret_flag = &yes},
		{"--supersede", .ret_flag = &supersedes},
		{"--under-ckek", .ret_flag = &under_ckek},
		{"--replace-active", .ret_flag = &replaces_active},
		{"--break-glass", .ret_text = &break_glass},
	};
	char error[200];
	json_t *body, *answer;
	enum fk_exit code;

	if (fk_options_parse(options, sizeof(options) / sizeof(options[0]), false, &argc, argv,
			     error, sizeof(error)) != FK_OK)
		return fk_usage_error("%s", error);
	if (strcmp(kind, "zeroize") == 0 && !yes && !dry_run && !is_plan)
		return fk_usage_error("a radio that is zeroized needs key fill: say --yes");
	body = json_pack("{s:s}", "kind", kind);
	put_text(body, "group", group);
	put_text(body, "area", area);
	put_text(body, "status", status);
	put_text(body, "break_glass", break_glass);
	code = put_ues(body, argc, argv, file, is_except);
	if (code == FK_EXIT_DONE && slns && !put_slns(body, slns))
		code = FK_EXIT_USAGE;
	if (code != FK_EXIT_DONE) {
		json_decref(body);
		return code;
	}
	put_number(body, "keyset_id", keyset_id);
	put_number(body, "superseded_keyset_id", superseded_keyset_id);
	put_number(body, "keys_of", keys_of);
	put_number(body, "pace_per_s", pace_per_s);
	put_number(body, "expire_after_s", expire_after_s);
	if (no_closing)
		json_object_set_new(body, "closing", json_false());
	if (supersedes)
		json_object_set_new(body, "supersedes", json_true());
	if (under_ckek)
		json_object_set_new(body, "under_ckek", json_true());
	if (replaces_active)
		json_object_set_new(body, "replaces_active", json_true());
	put_gate(body, &gate);
	if (waves) {
		json_t *list = read_waves(waves);

		if (list == NULL) {
			json_decref(body);
			return FK_EXIT_USAGE;
		}
		json_object_set_new(body, "waves", list);
	}
	code = fk_request(cli, "POST", dry_run ? "/v1/campaigns?dry_run=true" : path, body,
			  &answer);
	json_decref(body);
	if (code != FK_EXIT_DONE)
		return code;
	fk_output_answer(cli->json, answer);
	json_decref(answer);
	return FK_EXIT_DONE;
}

int fk_cli_campaign_create(struct fk_cli *cli, int argc, char **argv)
{
	return make_campaign(cli, argc, argv, false);
}

static void print_campaign_row(const json_t *campaign)
{
	char word[7][WORD_MAX];

	printf("%-12s %-10s %-16s %8s %10s %10s  %s\n",
	       fk_output_member(campaign, "id", word[0], WORD_MAX),
	       fk_output_member(campaign, "state", word[1], WORD_MAX),
	       fk_output_member(campaign, "group", word[2], WORD_MAX),
	       fk_output_member(campaign, "key_id", word[3], WORD_MAX),
	       fk_output_member(campaign, "acked", word[4], WORD_MAX),
	       fk_output_member(campaign, "n_deliveries", word[5], WORD_MAX),
	       fk_output_member(campaign, "created_at", word[6], WORD_MAX));
}

int fk_cli_campaign_list(struct fk_cli *cli, int argc, char **argv)
{
	const char *review = NULL, *path = "/v1/campaigns";
	const struct fk_option options[] = {{"--review", .ret_text = &review}};
	json_t *answer, *item;
	char error[200];
	enum fk_exit code;
	size_t i;

	if (fk_options_parse(options, 1, false, &argc, argv, error, sizeof(error)) != FK_OK)
		return fk_usage_error("%s", error);
	if (argc != 0)
		return fk_usage_error("campaign list: unexpected '%s'", argv[0]);
	if (review && strcmp(review, "pending") != 0 && strcmp(review, "done") != 0)
		return fk_usage_error("--review: '%s' is not pending or done", review);
	if (review)
		path = strcmp(review, "done") == 0 ? "/v1/campaigns?review=done"
						   : "/v1/campaigns?review=pending";
	code = fk_request(cli, "GET", path, NULL, &answer);
	if (code != FK_EXIT_DONE)
		return code;
	if (cli->json) {
		fk_output_json(stdout, answer);
	} else {
		printf("%-12s %-10s %-16s %8s %10s %10s  %s\n", "ID", "STATE", "GROUP", "KEY_ID",
		       "ACKED", "DELIVERIES", "CREATED_AT");
		json_array_foreach(json_object_get(answer, "items"), i, item)
			print_campaign_row(item);
	}
	json_decref(answer);
	return FK_EXIT_DONE;
}

/* Two members as "2/9". */
static const char *share(const json_t *object, const char *part, const char *whole,
			 char buf[static 2 * WORD_MAX])
{
	char word[2][WORD_MAX];

	(void)snprintf(buf, 2 * WORD_MAX, "%s/%s",
		       fk_output_member(object, part, word[0], WORD_MAX),
		       fk_output_member(object, whole, word[1], WORD_MAX));
	return buf;
}

/* How many keys there are is the length of their list. */
static const char *keys_share(const json_t *d, char buf[static 2 * WORD_MAX])
{
	char word[WORD_MAX];

	(void)snprintf(buf, 2 * WORD_MAX, "%s/%zu",
		       fk_output_member(d, "keys_held", word, WORD_MAX),
		       json_array_size(json_object_get(d, "keys")));
	return buf;
}

static void print_delivery(const struct fk_cli *cli, const json_t *d)
{
	char word[10][WORD_MAX], keys[2 * WORD_MAX], steps[2 * WORD_MAX];

	if (cli->json) {
		fk_output_json(stdout, d);
		return;
	}
	printf("%-24s %-12s %-5s %-6s %5s %5s %6s %5s %7s %8s %8s  %s\n",
	       fk_output_member(d, "ue_id", word[0], WORD_MAX),
	       fk_output_member(d, "state", word[1], WORD_MAX),
	       fk_output_member(d, "held", word[2], WORD_MAX),
	       fk_output_member(d, "proven", word[3], WORD_MAX), keys_share(d, keys),
	       share(d, "steps_done", "n_steps", steps),
	       fk_output_member(d, "keyset_id", word[4], WORD_MAX),
	       fk_output_member(d, "sln", word[5], WORD_MAX),
	       fk_output_member(d, "key_id", word[6], WORD_MAX),
	       fk_output_member(d, "attempts", word[7], WORD_MAX),
	       fk_output_member(d, "acked_ms", word[8], WORD_MAX),
	       fk_output_member(d, "reason", word[9], WORD_MAX));
}

/* Asks for an object below one campaign and prints it. Takes 'body', which may be NULL. */
static enum fk_exit ask(struct fk_cli *cli, const char *method, const char *id, const char *suffix,
			json_t *body)
{
	char path[PATH_MAX_LEN];
	json_t *answer;
	enum fk_exit code = fk_request_path(id, suffix, path, sizeof(path));

	if (code == FK_EXIT_DONE)
		code = fk_request(cli, method, path, body, &answer);
	json_decref(body);
	if (code != FK_EXIT_DONE)
		return code;
	fk_output_answer(cli->json, answer);
	json_decref(answer);
	return FK_EXIT_DONE;
}

int fk_cli_campaign_show(struct fk_cli *cli, int argc, char **argv)
{
	bool deliveries = false;
	const struct fk_option options[] = {{"--deliveries", .ret_flag = &deliveries}};
	char error[200], path[PATH_MAX_LEN];
	enum fk_exit code;

	if (fk_options_parse(options, 1, false, &argc, argv, error, sizeof(error)) != FK_OK)
		return fk_usage_error("%s", error);
	if (argc != 1)
		return fk_usage_error("campaign show wants one campaign id");
	if (!deliveries)
		return ask(cli, "GET", argv[0], "", NULL);
	code = fk_request_path(argv[0], "/deliveries", path, sizeof(path));
	if (code != FK_EXIT_DONE)
		return code;
	if (!cli->json)
		printf("%-24s %-12s %-5s %-6s %5s %5s %6s %5s %7s %8s %8s  %s\n", "UE_ID", "STATE",
		       "HELD", "PROVEN", "KEYS", "STEPS", "KEYSET", "SLN", "KEY_ID", "ATTEMPTS",
		       "ACKED_MS", "REASON");
	return fk_request_walk(cli, path, print_delivery);
}

int fk_cli_campaign_report(struct fk_cli *cli, int argc, char **argv)
{
	bool is_signed = false;
	const struct fk_option options[] = {{"--signed", .ret_flag = &is_signed}};
	char error[200], path[PATH_MAX_LEN];
	enum fk_exit code;

	if (fk_options_parse(options, 1, false, &argc, argv, error, sizeof(error)) != FK_OK)
		return fk_usage_error("%s", error);
	if (argc != 1)
		return fk_usage_error("campaign report wants one campaign id");
	if (!is_signed)
		return ask(cli, "GET", argv[0], "/report", NULL);
	code = fk_request_path(argv[0], "/signed-report", path, sizeof(path));
	return code == FK_EXIT_DONE ? fk_request_download(cli, path, stdout) : code;
}

/* One word to one campaign. */
static enum fk_exit say(struct fk_cli *cli, int argc, char **argv, const char *word)
{
	char suffix[16];

	if (argc != 1)
		return fk_usage_error("campaign %s wants one campaign id", word);
	(void)snprintf(suffix, sizeof(suffix), "/%s", word);
	return ask(cli, "POST", argv[0], suffix, NULL);
}

int fk_cli_campaign_abort(struct fk_cli *cli, int argc, char **argv)
{
	return say(cli, argc, argv, "abort");
}

int fk_cli_campaign_pause(struct fk_cli *cli, int argc, char **argv)
{
	return say(cli, argc, argv, "pause");
}

int fk_cli_campaign_halt(struct fk_cli *cli, int argc, char **argv)
{
	return say(cli, argc, argv, "halt");
}

int fk_cli_campaign_resume(struct fk_cli *cli, int argc, char **argv)
{
	return say(cli, argc, argv, "resume");
}

static void print_plan_row(const struct fk_cli *cli, const json_t *row)
{
	char word[4][WORD_MAX];

	if (cli->json) {
		fk_output_json(stdout, row);
		return;
	}
	printf("%-24s %-6s %-10s %s\n", fk_output_member(row, "ue_id", word[0], WORD_MAX),
	       fk_output_member(row, "served", word[1], WORD_MAX),
	       fk_output_member(row, "diff", word[2], WORD_MAX),
	       fk_output_member(row, "reason", word[3], WORD_MAX));
}

/* One word that is a number means a campaign that is there; its members are printed with --ues. */
int fk_cli_campaign_plan(struct fk_cli *cli, int argc, char **argv)
{
	bool is_known = argc > 0 && argv[0][0] >= '0' && argv[0][0] <= '9', ues = false;
	bool again = false;
	const struct fk_option options[] = {{"--ues", .ret_flag = &ues},
					    {"--again", .ret_flag = &again}};
	char error[200], path[PATH_MAX_LEN];
	enum fk_exit code;

	if (!is_known)
		return make_campaign(cli, argc, argv, true);
	if (fk_options_parse(options, 2, false, &argc, argv, error, sizeof(error)) != FK_OK)
		return fk_usage_error("%s", error);
	if (argc != 1)
		return fk_usage_error("campaign plan wants one campaign id, or what to plan");
	if (!ues)
		return ask(cli, again ? "POST" : "GET", argv[0], "/plan", NULL);
	code = fk_request_path(argv[0], "/plan/ues", path, sizeof(path));
	if (code != FK_EXIT_DONE)
		return code;
	if (!cli->json)
		printf("%-24s %-6s %-10s %s\n", "UE_ID", "SERVED", "DIFF", "REASON");
	return fk_request_walk(cli, path, print_plan_row);
}

int fk_cli_campaign_approve(struct fk_cli *cli, int argc, char **argv)
{
	return say(cli, argc, argv, "approve");
}

int fk_cli_campaign_review(struct fk_cli *cli, int argc, char **argv)
{
	const char *note = NULL;
	const struct fk_option options[] = {{"--note", .ret_text = &note}};
	char error[200];
	json_t *body;

	if (fk_options_parse(options, 1, false, &argc, argv, error, sizeof(error)) != FK_OK)
		return fk_usage_error("%s", error);
	if (argc != 1)
		return fk_usage_error("campaign review wants one campaign id");
	body = json_object();
	put_text(body, "note", note);
	return ask(cli, "POST", argv[0], "/review", body);
}

int fk_cli_campaign_start(struct fk_cli *cli, int argc, char **argv)
{
	return say(cli, argc, argv, "start");
}

int fk_cli_campaign_retry(struct fk_cli *cli, int argc, char **argv)
{
	return say(cli, argc, argv, "retry");
}

int fk_cli_campaign_schedule(struct fk_cli *cli, int argc, char **argv)
{
	const char *at = NULL, *zone = NULL, *fold = NULL;
	uint64_t lead_s = UINT64_MAX;
	const struct fk_option options[] = {
		{"--at", .ret_text = &at},
		{"--before-end", .ret_number = &lead_s, .max = LEAD_MAX_S},
		{"--zone", .ret_text = &zone},
		{"--fold", .ret_text = &fold}};
	char error[200];
	json_t *body;

	if (fk_options_parse(options, 4, false, &argc, argv, error, sizeof(error)) != FK_OK)
		return fk_usage_error("%s", error);
	if (argc != 1 || (at != NULL) == (lead_s != UINT64_MAX))
		return fk_usage_error(
			"campaign schedule wants one campaign id, and --at or --before-end");
	body = json_object();
	if (lead_s != UINT64_MAX)
		json_object_set_new(body, "before_end_s", json_integer((json_int_t)lead_s));
	put_text(body, "at", at);
	put_text(body, "zone", zone);
	put_text(body, "fold", fold);
	return ask(cli, "POST", argv[0], "/schedule", body);
}
