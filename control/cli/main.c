/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/http.h"
#include "cli/options.h"
#include "cli/request.h"

#define TOKEN_MAX_SIZE 4096

struct command {
	const char *words[2]; /* the second is NULL if one word says it all */
	const char *args;
	int (*run)(struct fk_cli *cli, int argc, char **argv);
	const char *help;
};

static const struct command commands[] = {
	{{"fleet", "import"},
	 "FILE|- [--allow-plain-keys] [--reassign]",
	 fk_cli_fleet_import,
	 "replace the fleet by a CSV file; nothing changes unless every row is good. An RSI or MC "
	 "service ID moves to another UE only with --reassign"},
	{{"fleet", "update"},
	 "FILE|- [--remove] [--allow-plain-keys] [--reassign]",
	 fk_cli_fleet_update,
	 "add UEs, or change those that are there, by a CSV file of them alone, whose key columns "
	 "may be "
	 "empty where a UE keeps its keys; with --remove take out those in the file's column "
	 "ue_id"},
	{{"fleet", "export"},
	 "",
	 fk_cli_fleet_export,
	 "the fleet in force as a CSV file without keys, which fleet update takes"},
	{{"fleet", "show"},
	 "[UE | --ues]",
	 fk_cli_fleet_show,
	 "the fleet in force; one of its UEs, with what is known of its own keys; all of them"},
	{{"fleet", "key"},
	 "UE kek|ptek [--compromised]",
	 fk_cli_fleet_key,
	 "what is known of a UE's own key, its KEK or its protection TEK; or say that it is "
	 "compromised: from now on it protects and authenticates nothing, and what is open under "
	 "it ends. Another protection TEK comes by a Warm-Start, another KEK by key fill and an "
	 "import"},
	{{"fleet", "own-keys"},
	 "[--key kek|ptek] [--state active|expired|compromised|none]",
	 fk_cli_fleet_own_keys,
	 "the same of all UEs, or of those whose keys are in one state"},
	{{"fleet", "keys"},
	 "UE_ID",
	 fk_cli_fleet_keys,
	 "what is known of the keys that one UE holds, and by which evidence"},
	{{"holders", NULL},
	 "[--key SLN:ALG:KEYID] [--state S] [--group G] [--area A] [--active-keyset N|unknown] "
	 "[--count]",
	 fk_cli_holders,
	 "who holds, does not hold (not_held) or possibly holds (possibly_held) a key, or every "
	 "key; "
	 "how many"},
	{{"fleet", "set-status"},
	 "UE... | --file FILE|- --status active|suspended|lost|zeroized|released [--reason TEXT]",
	 fk_cli_fleet_set_status,
	 "say whether campaigns reach UEs, which are named or stand in a file, one a line; a "
	 "status belongs to the RSI and outlives imports; released: another KMF may have it"},
	{{"fleet", "adopt"},
	 "UE --next-number N",
	 fk_cli_fleet_adopt,
	 "take back a UE that was released, from the number on that its other KMF says"},
	{{"fleet", "statuses"},
	 "[--status S]",
	 fk_cli_fleet_statuses,
	 "the UEs that are not active, since when and why"},
	{{"group", "list"},
	 "",
	 fk_cli_group_list,
	 "the crypto groups: how many UEs are in each, its SLNs, its keysets"},
	{{"group", "show"}, "NAME", fk_cli_group_show, "one of them"},
	{{"group", "set"},
	 "NAME [--slns N,N-N] [--active-keyset N] [--inactive-keyset N] [--ckek-sln N | "
	 "--no-ckek]",
	 fk_cli_group_set,
	 "give a group a plan, or change what is named of it: a campaign for the group gives keys "
	 "for these SLNs, into the keyset that is not active; a changeover that is complete "
	 "turns the two. --ckek-sln is where its CKEK goes. The fleet file says who is in the "
	 "group"},
	{{"group", "remove"},
	 "NAME",
	 fk_cli_group_remove,
	 "take the plan of a group away; its UEs and their keys stay"},
	{{"transport-key", NULL},
	 "FILE [--force] | --show",
	 fk_cli_transport_key,
	 "make a new key to wrap the keys of fleet files under, and put it into FILE; or tell its "
	 "id"},
	{{"keys", "list"}, "", fk_cli_keys_list, "the keys of the key store and their states"},
	{{"keys", "show"}, "NAME", fk_cli_keys_show, "one of them"},
	{{"keys", "mark-compromised"},
	 "NAME",
	 fk_cli_keys_mark_compromised,
	 "from now on it authenticates nothing; a campaign that gives it out is stopped"},
	{{"keys", "deactivate"}, "NAME", fk_cli_keys_deactivate, "it protects nothing new"},
	{{"keys", "destroy"},
	 "NAME",
	 fk_cli_keys_destroy,
	 "remove a key that is deactivated or compromised; its key ID is not used again"},
	{{"keys", "wipe"},
	 "--yes",
	 fk_cli_keys_wipe,
	 "wipe all keys in memory within a second: fleetkeyd and the dataplane end, and what is "
	 "in the store stays"},
	{{"keys", "sealing"},
	 "",
	 fk_cli_keys_sealing,
	 "which root key and sealing epoch are in force, and how far sealing anew is"},
	{{"keys", "rotate-sealing"},
	 "",
	 fk_cli_keys_rotate_sealing,
	 "begin a new sealing epoch; what is stored is sealed anew meanwhile, then the old key "
	 "is destroyed"},
	{{"keys", "report-key"},
	 "",
	 fk_cli_report_key,
	 "the public key, in PEM form, that signed reports are checked by"},
	{{"keys", "rotate-root"},
	 "--new file:PATH|credential:NAME|pkcs11:URI",
	 fk_cli_keys_rotate_root,
	 "put another root key in force; fleetkeyd reads it, and its configuration must name it "
	 "before the next start"},
	{{"campaign", "create"},
	 "[--kind K] [--group G] [--area A] [[--except] UE... | --file FILE|-] [--status S] "
	 "[--sln N,N-N] "
	 "[--keyset N] [--superseded N] [--keys-of ID] [--pace N] [--no-closing] "
	 "[--expire-after SECONDS] "
	 "[--waves N,N%,area:NAME] [--gate-acked PERCENT] [--gate-sample N] [--gate-failed N] "
	 "[--gate-offline PERCENT] [--gate-life SECONDS] [--supersede] [--under-ckek] "
	 "[--replace-active] [--dry-run] [--yes] [--break-glass REASON]",
	 fk_cli_campaign_create,
	 "kind rekey: make new traffic keys and start giving them to the fleet, or to one group; "
	 "changeover: make the keyset active that a rekey has filled, where its keys are held; "
	 "rekey-and-changeover: both, UE by UE; inventory: ask which keyset is active, and "
	 "with --keys-of who holds that campaign's keys; delete-key, "
	 "delete-keyset: old keys, where another keyset is active; warm-start: a new protection "
	 "TEK for each UE; hello: ask who is there; ckek: a new KEK for a crypto group; zeroize, "
	 "with --yes: every key of the UEs "
	 "that are named or have a status, lost ones above all; whoever may break the glass "
	 "zeroizes one lost UE without approval, and another user reviews it. Other kinds are for "
	 "everyone, "
	 "those UEs alone, or all --except those. With --dry-run only say who would be served, "
	 "in how many messages of which size, and how long it takes"},
	{{"campaign", "plan"},
	 "(as create) | ID [--ues] [--again]",
	 fk_cli_campaign_plan,
	 "the same, but it waits for approval and start; of one that waits, who would get what and "
	 "what they hold, one by one with --ues; --again plans it anew"},
	{{"campaign", "approve"},
	 "ID",
	 fk_cli_campaign_approve,
	 "say yes to a plan, as another user than the one who made it"},
	{{"campaign", "review"},
	 "ID [--note TEXT]",
	 fk_cli_campaign_review,
	 "say that one has looked at a break-glass, as another user than the one who used it"},
	{{"campaign", "start"}, "ID", fk_cli_campaign_start, "begin as soon as no other one runs"},
	{{"campaign", "schedule"},
	 "ID --at YYYY-MM-DDTHH:MM:SS [--zone Europe/Berlin] [--fold earlier|later] | "
	 "--before-end SECONDS",
	 fk_cli_campaign_schedule,
	 "begin at a time, as clocks in that zone (UTC) show it; when it comes twice, say which; "
	 "or "
	 "that long before the cryptoperiod of the first key ends that it replaces"},
	{{"campaign", "retry"},
	 "ID",
	 fk_cli_campaign_retry,
	 "plan one with the same keys for the UEs at which that one has failed"},
	{{"campaign", "list"},
	 "[--review pending|done]",
	 fk_cli_campaign_list,
	 "all campaigns; or those where a break-glass was used, by its review"},
	{{"campaign", "show"},
	 "ID [--deliveries]",
	 fk_cli_campaign_show,
	 "one campaign; its deliveries one by one"},
	{{"campaign", "report"},
	 "ID [--signed]",
	 fk_cli_campaign_report,
	 "final states, reasons and times; with --signed each UE's state and the evidence, a JSON "
	 "object a line, signed"},
	{{"report", "verify"},
	 "FILE|- --key PEM_FILE",
	 fk_cli_report_verify,
	 "check a signed report by itself and by its signature; fleetkeyd is not asked"},
	{{"campaign", "pause"},
	 "ID",
	 fk_cli_campaign_pause,
	 "no new request leaves until it is resumed; what is on its way may be repeated"},
	{{"campaign", "halt"}, "ID", fk_cli_campaign_halt, "no request leaves until it is resumed"},
	{{"campaign", "resume"},
	 "ID",
	 fk_cli_campaign_resume,
	 "let a campaign go on that is paused or halted, also past a gate that is shut"},
	{{"campaign", "abort"}, "ID", fk_cli_campaign_abort, "stop a campaign for good"},
	{{"campaign", "watch"},
	 "ID [--wait SECONDS]",
	 fk_cli_campaign_watch,
	 "follow a campaign to its end; fleetkeyd may be away for --wait seconds (60)"},
	{{"stop", NULL},
	 "--local [--stop-socket PATH]",
	 fk_cli_stop,
	 "stop the dataplane on this machine at once, also when fleetkeyd is dead; what runs is "
	 "halted, now or when fleetkeyd is back. PATH is that of the link with .stop behind it"},
	{{"store", "show"},
	 "",
	 fk_cli_store_show,
	 "which Redis, how far it has come, and whether it was recovered from an older copy"},
	{{"backup", NULL},
	 "FILE",
	 fk_cli_backup,
	 "all of the store, sealed, into a new FILE, while fleetkeyd works on; fleetkeyd --restore "
	 "puts it back"},
	{{"dataplane", "show"}, "", fk_cli_dataplane_show, "attachment and counters"},
	{{"health", NULL}, "", fk_cli_health, "whether fleetkeyd can do its work"},
};
#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_help(void)
{
	puts("usage: fleetkeyctl [OPTION...] COMMAND [ARGUMENT...]\n\nCommands:");
	for (size_t i = 0; i < N_COMMANDS; i++) {
		const struct command *c = &commands[i];

		printf("  %s%s%s %s\n      %s\n", c->words[0], c->words[1] ? " " : "",
		       c->words[1] ? c->words[1] : "", c->args, c->help);
	}
	puts("\nOptions, before or after the command:\n"
	     "  --socket PATH      fleetkeyd's API socket ($FLEETKEY_SOCKET, or "
	     "/run/fleetkey/api.sock)\n"
	     "  --url URL          http://127.0.0.1:PORT instead of the socket\n"
	     "  --token-file FILE  bearer token for --url\n"
	     "  --json             print what the API says; lists as one JSON object a line\n"
	     "  --help, --version\n\n"
	     "Exit codes: 0 done, 1 the work failed, 2 wrong usage, 3 refused by policy.");
}

/* Reads the token, one line, into 'token'. Says what is wrong on standard error. */
static enum fk_exit read_token(const char *path, char *token, size_t size)
{
	struct stat st;
	ssize_t n = -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	const char *why = NULL;

	if (fd < 0 || fstat(fd, &st) != 0)
		why = strerror(errno);
	else if (!S_ISREG(st.st_mode))
		why = "not a regular file";
	else if (st.st_mode & 077)
		why = "others may read it: chmod 600";
	else if ((n = read(fd, token, size - 1)) < 0)
		why = strerror(errno);
	if (fd >= 0)
		close(fd);
	if (!why) {
		token[n] = '\0';
		token[strcspn(token, "\r\n")] = '\0';
		if (token[0] == '\0')
			why = "holds no token";
		for (const char *c = token; *c && !why; c++)
			if (*c <= 0x20 || *c >= 0x7f)
				why = "the token has characters that a header cannot carry";
	}
	if (!why)
		return FK_EXIT_DONE;
	fprintf(stderr, "fleetkeyctl: --token-file %s: %s\n", path, why);
	return FK_EXIT_USAGE;
}

/* The command that the words name; *ret_n_words of them were used. NULL, said, if there is none. */
static const struct command *find_command(int argc, char **argv, int *ret_n_words)
{
	bool known_noun = false;

	for (size_t i = 0; i < N_COMMANDS; i++) {
		const struct command *c = &commands[i];

		if (strcmp(argv[0], c->words[0]) != 0)
			continue;
		known_noun = true;
		if (!c->words[1] || (argc > 1 && strcmp(argv[1], c->words[1]) == 0)) {
			*ret_n_words = c->words[1] ? 2 : 1;
			return c;
		}
	}
	if (known_noun && argc > 1)
		(void)fk_usage_error("unknown command '%s %s'", argv[0], argv[1]);
	else
		(void)fk_usage_error(
			known_noun ? "'%s' wants a second word" : "unknown command '%s'", argv[0]);
	return NULL;
}

static enum fk_exit run_command(struct fk_cli *cli, const struct fk_http_config *config,
				const struct command *command, int argc, char **argv)
{
	enum fk_err err = fk_http_new(config, &cli->http);
	int code;

	if (err == FK_EINVAL && config->url)
		return fk_usage_error("--url: '%s' is not http://127.0.0.1:PORT", config->url);
	if (err == FK_EINVAL)
		return fk_usage_error("--socket: '%s' is no path of 1 to 107 octets",
				      config->socket);
	if (err != FK_OK) {
		fprintf(stderr, "fleetkeyctl: %s\n", fk_err_text(err));
		return FK_EXIT_FAILED;
	}
	code = command->run(cli, argc, argv);
	fk_http_free(cli->http);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "fleetkeyctl: standard output: %s\n", strerror(errno));
		return FK_EXIT_FAILED;
	}
	return (enum fk_exit)code;
}

/* One that understands how a line is drawn over. */
static bool is_terminal(int fd)
{
	const char *kind = getenv("TERM");

	return isatty(fd) && kind && kind[0] && strcmp(kind, "dumb") != 0;
}

int main(int argc, char **argv)
{
	const char *from_environment = getenv("FLEETKEY_SOCKET");
	struct fk_http_config config = {.socket = from_environment && from_environment[0]
							  ? from_environment
							  : "/run/fleetkey/api.sock"};
	const char *token_file = NULL;
	bool help = false, version = false;
	struct fk_cli cli = {.terminal = is_terminal(STDOUT_FILENO)};
	const struct fk_option options[] = {
		{"--socket", .ret_text = &config.socket},
		{"--url", .ret_text = &config.url},
		{"--token-file", .ret_text = &token_file},
		{"--json", .ret_flag = &cli.json},
		{"--help", .ret_flag = &help},
		{"-h", .ret_flag = &help},
		{"--version", .ret_flag = &version},
	};
	char error[200], token[TOKEN_MAX_SIZE];
	const struct command *command;
	enum fk_exit code;
	int n_words;

	/* A reader that went away is an error of the write, not the end of us. */
	signal(SIGPIPE, SIG_IGN);
	argc--;
	argv++;
	if (fk_options_parse(options, sizeof(options) / sizeof(options[0]), true, &argc, argv,
			     error, sizeof(error)) != FK_OK)
		return fk_usage_error("%s", error);
	if (help) {
		print_help();
		return FK_EXIT_DONE;
	}
	if (version) {
		puts("fleetkeyctl " FK_VERSION);
		return FK_EXIT_DONE;
	}
	if (argc == 0)
		return fk_usage_error("no command");
	command = find_command(argc, argv, &n_words);
	if (!command)
		return FK_EXIT_USAGE;
	if (token_file && !config.url)
		return fk_usage_error("--token-file goes with --url");
	if (token_file) {
		code = read_token(token_file, token, sizeof(token));
		if (code != FK_EXIT_DONE)
			return code;
		config.token = token;
	}
	code = run_command(&cli, &config, command, argc - n_words, argv + n_words);
	explicit_bzero(token, sizeof(token));
	return code;
}
