/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - fleetkeyd: options, start and end. What happens in between is in app.c.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "backup/restore.h"
#include "config/config.h"
#include "fleet/ndjson.h"
#include "keys/harden.h"
#include "keys/root.h"
#include "log.h"

enum exit_code {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_POLICY = 3
};

struct options {
	const char *config_path;
	bool check;
	struct fk_app_start start;
};

static void print_help(FILE *out)
{
	fprintf(out,
		"usage: fleetkeyd --config FILE [--check] [--recover] [--log-level LEVEL]\n"
		"       fleetkeyd --config FILE --restore BACKUP [--skip-numbers N]\n"
		"\n"
		"  --config FILE      configuration, YAML (see --help-config)\n"
		"  --check            check the configuration and the root key, then end\n"
		"  --recover          go on with a store that is an older copy: skip message "
		"numbers,\n"
		"                     abort what was under way, and hold for unknown who has which "
		"key\n"
		"  --restore BACKUP   put a backup into a Redis that is empty, recover as "
		"--recover does, and\n"
		"                     end. It needs the root key that was in force when it was "
		"made\n"
		"  --skip-numbers N   how many message numbers a UE may have been sent since, "
		"where "
		"no\n"
		"                     witness file knows (1 to 16384)\n"
		"  --log-level LEVEL  error, warn, info (default) or debug\n"
		"  --help-config      list the options of the configuration\n"
		"  --version\n"
		"  --help\n"
		"\n"
		"Ends on SIGTERM or SIGINT. Exit codes: 0 done; 1 it failed; 2 wrong usage or\n"
		"configuration; 3 refused by policy.\n");
}

static enum fk_err parse_skip(const char *text, uint32_t *ret_skip)
{
	char *end;
	unsigned long skip = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end != '\0' || skip < 1 ||
	    skip > FK_RESTORE_SKIP_MAX)
		return FK_EINVAL;
	*ret_skip = (uint32_t)skip;
	return FK_OK;
}

/* Returns -1 to go on, else the exit code. */
static int parse_options(int argc, char **argv, struct options *options)
{
	static const struct option table[] = {{"config", required_argument, NULL, 'c'},
					      {"check", no_argument, NULL, 'k'},
					      {"recover", no_argument, NULL, 'r'},
					      {"restore", required_argument, NULL, 'b'},
					      {"skip-numbers", required_argument, NULL, 's'},
					      {"log-level", required_argument, NULL, 'l'},
					      {"help-config", no_argument, NULL, 'H'},
					      {"version", no_argument, NULL, 'V'},
					      {"help", no_argument, NULL, 'h'},
					      {NULL, 0, NULL, 0}};
	enum fk_log_level level;
	int c;

	while ((c = getopt_long(argc, argv, "", table, NULL)) != -1) {
		switch (c) {
		case 'c':
			options->config_path = optarg;
			break;
		case 'k':
			options->check = true;
			break;
		case 'r':
			options->start.may_recover = true;
			break;
		case 'b':
			options->start.backup = optarg;
			break;
		case 's':
			if (parse_skip(optarg, &options->start.skip_numbers) != FK_OK) {
				fprintf(stderr,
					"fleetkeyd: --skip-numbers %s is no number from 1 to %u\n",
					optarg, FK_RESTORE_SKIP_MAX);
				return EXIT_USAGE;
			}
			break;
		case 'l':
			if (fk_log_level_parse(optarg, &level) != FK_OK) {
				fprintf(stderr,
					"fleetkeyd: --log-level %s is not error, warn, info or "
					"debug\n",
					optarg);
				return EXIT_USAGE;
			}
			fk_log_set_level(level);
			break;
		case 'H':
			fk_config_print_help(stdout);
			return EXIT_DONE;
		case 'V':
			printf("fleetkeyd %s\n", FK_VERSION);
			return EXIT_DONE;
		case 'h':
			print_help(stdout);
			return EXIT_DONE;
		default:
			print_help(stderr);
			return EXIT_USAGE;
		}
	}
	if (optind < argc || options->config_path == NULL) {
		fprintf(stderr, "fleetkeyd: %s\n",
			optind < argc ? "there is an argument too many" : "--config is missing");
		return EXIT_USAGE;
	}
	if (options->start.skip_numbers != 0 && options->start.backup == NULL) {
		fprintf(stderr, "fleetkeyd: --skip-numbers goes with --restore\n");
		return EXIT_USAGE;
	}
	return -1;
}

/* A root key that is missing or unsafe is told like any other option, and before the store is asked
 * for anything. */
static int check_root_key(const struct fk_config *config)
{
	struct fk_reason reason = {{0}};
	const struct fk_root_source source = {config->keys.root_key, config->keys.pkcs11_module};
	struct fk_root *root;
	enum fk_err err = fk_root_open(&source, &root, &reason);

	if (err != FK_OK) {
		fprintf(stderr, "fleetkeyd: %s: %s\n", fk_err_text(err), reason.text);
		return EXIT_USAGE;
	}
	fk_root_close(root);
	return EXIT_DONE;
}

/* What whoever restores has to know. */
static void tell_restored(const struct fk_app *app)
{
	struct fk_store_facts facts;

	fk_store_get_facts(app->store, &facts);
	printf("restored: %u UEs, %u campaigns\n"
	       "aborted: %llu campaigns that waited or were under way\n"
	       "unknown: which keys %llu UEs hold, until an inventory or new keys say it\n"
	       "gone: what was said since the backup of keys (compromised, destroyed) and of UEs "
	       "(lost,\n  suspended, zeroized), and fleet imports: say it again before a campaign "
	       "begins\n",
	       fk_fleet_n_ues(app->fleet), fk_engine_n_campaigns(app->engine),
	       (unsigned long long)facts.recovery.n_aborted,
	       (unsigned long long)facts.recovery.n_unknown_ues);
}

/* One life of this process: until it is told to stop, another node takes over, or the fleet in
 * memory is not the one in force any more. */
static enum fk_err live(struct fk_app *app, const struct fk_config *config,
			const struct fk_app_start *start)
{
	struct fk_reason reason = {{0}};
	enum fk_err err = fk_app_init(app, config, start, &reason);

	if (err != FK_OK)
		fk_log(FK_LOG_ERROR, start->backup != NULL ? "not restored" : "not started",
		       "error=\"%s\" reason=\"%s\"", fk_err_text(err), reason.text);
	else if (start->backup != NULL)
		tell_restored(app);
	else
		err = fk_app_run(app);
	fk_app_fini(app);
	return err;
}

static int serve(const struct fk_config *config, const struct fk_app_start *start)
{
	static const struct fk_app_start anew = {.backup = NULL};
	static struct fk_app app;
	enum fk_err err = live(&app, config, start);

	while (err == FK_OK && fk_app_lives_on(&app))
		err = live(&app, config, &anew);
	if (err == FK_EPOLICY && start->backup != NULL)
		return EXIT_POLICY;
	return err == FK_OK ? EXIT_DONE : EXIT_FAILED;
}

int main(int argc, char **argv)
{
	struct options options = {0};
	struct fk_config *config = NULL;
	struct fk_reason reason = {{0}};
	int code = parse_options(argc, argv, &options);
	enum fk_err err;

	if (code >= 0)
		return code;
	fk_json_wipe_always();
	err = fk_process_harden(&reason);
	if (err != FK_OK) {
		fprintf(stderr, "fleetkeyd: %s: %s\n", fk_err_text(err), reason.text);
		return EXIT_FAILED;
	}
	err = fk_config_load(options.config_path, &config, &reason);
	if (err != FK_OK) {
		fprintf(stderr, "fleetkeyd: %s: %s: %s\n", options.config_path, fk_err_text(err),
			reason.text);
		return EXIT_USAGE;
	}
	code = check_root_key(config);
	if (code == EXIT_DONE && options.check)
		printf("configuration is good\n");
	else if (code == EXIT_DONE)
		code = serve(config, &options.start);
	fk_config_free(config);
	return code;
}
