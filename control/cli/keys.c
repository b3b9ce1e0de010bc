/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/request.h"

#define KEY_LINE_LEN 65 /* 64 hex digits and a line end */
#define PATH_MAX_LEN 4096

/* The file that the key goes to: made beside 'path' before the key is asked for, so that no key is
 * made that cannot be kept, and put in its place when it is whole. */
struct key_file {
	const char *path;
	char draft[PATH_MAX_LEN];
	int fd;
};

static enum fk_exit complain(const char *path, const char *why)
{
	fprintf(stderr, "fleetkeyctl: %s: %s\n", path, why);
	return FK_EXIT_FAILED;
}

static enum fk_exit open_draft(struct key_file *file, bool force)
{
	struct stat st;
	int n = snprintf(file->draft, sizeof(file->draft), "%s.XXXXXX", file->path);

	if (n < 0 || (size_t)n >= sizeof(file->draft))
		return complain(file->path, strerror(ENAMETOOLONG));
	if (lstat(file->path, &st) == 0 && !S_ISREG(st.st_mode))
		return complain(file->path, "is no regular file: a key is put into a file only");
	if (!force && lstat(file->path, &st) == 0)
		return complain(file->path, "is there already; --force replaces it");
	file->fd = mkostemp(file->draft, O_CLOEXEC); /* mode 0600 */
	if (file->fd < 0)
		return complain(file->path, strerror(errno));
	return FK_EXIT_DONE;
}

/* Puts the key in its place, for good. Without 'force' a file that came meanwhile stays. */
static enum fk_exit keep_draft(struct key_file *file, const char *text, size_t size, bool force)
{
	bool ok = write(file->fd, text, size) == (ssize_t)size && fsync(file->fd) == 0;

	if (ok && force)
		ok = rename(file->draft, file->path) == 0;
	else if (ok)
		ok = link(file->draft, file->path) == 0 && unlink(file->draft) == 0;
	if (ok)
		return FK_EXIT_DONE;
	(void)complain(file->path, strerror(errno));
	fputs("fleetkeyctl: the new transport key is in force, but nobody has it: make another\n",
	      stderr);
	return FK_EXIT_FAILED;
}

/* One request, and its answer as lines. Takes 'body'. */
static enum fk_exit ask(struct fk_cli *cli, const char *method, const char *path, json_t *body)
{
	json_t *answer;
	enum fk_exit code = fk_request(cli, method, path, body, &answer);

	json_decref(body);
	if (code != FK_EXIT_DONE)
		return code;
	fk_output_answer(cli->json, answer);
	json_decref(answer);
	return FK_EXIT_DONE;
}

static enum fk_exit show_id(struct fk_cli *cli)
{
	return ask(cli, "GET", "/v1/transport-key", NULL);
}

static void print_key(const struct fk_cli *cli, const json_t *key)
{
	char word[7][300];

	if (cli->json) {
		fk_output_json(stdout, key);
		return;
	}
	printf("%-16s %-9s %-11s %6s %5s %6s %s\n", fk_output_member(key, "name", word[0], 300),
	       fk_output_member(key, "kind", word[1], 300),
	       fk_output_member(key, "state", word[2], 300),
	       fk_output_member(key, "key_id", word[3], 300),
	       fk_output_member(key, "sln", word[4], 300),
	       fk_output_member(key, "keyset_id", word[5], 300),
	       fk_output_member(key, "made_at", word[6], 300));
}

int fk_cli_keys_list(struct fk_cli *cli, int argc, char **argv)
{
	(void)argv;
	if (argc != 0)
		return fk_usage_error("keys list wants no argument");
	if (!cli->json)
		printf("%-16s %-9s %-11s %6s %5s %6s %s\n", "NAME", "KIND", "STATE", "KEY_ID",
		       "SLN", "KEYSET", "MADE_AT");
	return fk_request_walk(cli, "/v1/keys", print_key);
}

/* A name goes into a path only if it is one of ours: letters, digits, colon and dash. */
static bool is_key_name(const char *name)
{
	return name[0] != '\0' &&
	       name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789:-")] == '\0' &&
	       strlen(name) < 64;
}

int fk_cli_keys_show(struct fk_cli *cli, int argc, char **argv)
{
	char path[128];
	json_t *answer, *key;
	enum fk_exit code;

	if (argc != 1 || !is_key_name(argv[0]))
		return fk_usage_error("keys show wants the name of a key");
	(void)snprintf(path, sizeof(path), "/v1/keys?name=%s&limit=10000", argv[0]);
	code = fk_request(cli, "GET", path, NULL, &answer);
	if (code != FK_EXIT_DONE)
		return code;
	key = json_array_get(json_object_get(answer, "items"), 0);
	if (key == NULL) {
		code = complain(argv[0], "there is no such key");
	} else if (cli->json) {
		fk_output_json(stdout, key);
	} else {
		fk_output_object(stdout, key, 0);
	}
	json_decref(answer);
	return code;
}

static int move_key(struct fk_cli *cli, int argc, char **argv, const char *path)
{
	if (argc != 1 || !is_key_name(argv[0]))
		return fk_usage_error("wants the name of a key");
	return ask(cli, "POST", path, json_pack("{s:s}", "name", argv[0]));
}

int fk_cli_keys_mark_compromised(struct fk_cli *cli, int argc, char **argv)
{
	return move_key(cli, argc, argv, "/v1/keys/mark-compromised");
}

int fk_cli_keys_deactivate(struct fk_cli *cli, int argc, char **argv)
{
	return move_key(cli, argc, argv, "/v1/keys/deactivate");
}

int fk_cli_keys_destroy(struct fk_cli *cli, int argc, char **argv)
{
	return move_key(cli, argc, argv, "/v1/keys/destroy");
}

int fk_cli_keys_wipe(struct fk_cli *cli, int argc, char **argv)
{
	bool yes = false;
	const struct fk_option options[] = {{"--yes", .ret_flag = &yes}};
	char error[200];

	if (fk_options_parse(options, 1, false, &argc, argv, error, sizeof(error)) != FK_OK)
		return fk_usage_error("%s", error);
	if (!yes || argc != 0)
		return fk_usage_error("keys wipe ends fleetkeyd and the dataplane: say --yes");
	return ask(cli, "POST", "/v1/keys/wipe", NULL);
}

int fk_cli_keys_sealing(struct fk_cli *cli, int argc, char **argv)
{
	(void)argv;
	if (argc != 0)
		return fk_usage_error("keys sealing wants no argument");
	return ask(cli, "GET", "/v1/keys/sealing", NULL);
}

int fk_cli_keys_rotate_sealing(struct fk_cli *cli, int argc, char **argv)
{
	(void)argv;
	if (argc != 0)
		return fk_usage_error("keys rotate-sealing wants no argument");
	return ask(cli, "POST", "/v1/keys/rotate-sealing", NULL);
}

int fk_cli_keys_rotate_root(struct fk_cli *cli, int argc, char **argv)
{
	const char *name = NULL;
	const struct fk_option options[] = {{"--new", .ret_text = &name}};
	char error[200];

	if (fk_options_parse(options, 1, false, &argc, argv, error, sizeof(error)) != FK_OK)
		return fk_usage_error("%s", error);
	if (name == NULL || argc != 0)
		return fk_usage_error("keys rotate-root wants --new and nothing else");
	return ask(cli, "POST", "/v1/keys/rotate-root", json_pack("{s:s}", "new", name));
}

static enum fk_exit make_key(struct fk_cli *cli, struct key_file *file, bool force)
{
	struct fk_http_reply reply = {0};
	json_t *answer = NULL;
	enum fk_exit code;

	if (fk_http_request(cli->http, "POST", "/v1/transport-key", NULL, &reply) != FK_OK)
		return complain(file->path, fk_http_reason(cli->http));
	if (reply.status != 201) {
		code = fk_request_judge(cli, &reply, NULL, &answer);
		json_decref(answer);
		return code == FK_EXIT_DONE ? FK_EXIT_FAILED : code;
	}
	if (reply.size == KEY_LINE_LEN)
		code = keep_draft(file, reply.body, reply.size, force);
	else
		code = complain(file->path, "fleetkeyd's answer is no key");
	explicit_bzero(reply.body, reply.size);
	fk_http_reply_fini(&reply);
	return code;
}

int fk_cli_transport_key(struct fk_cli *cli, int argc, char **argv)
{
	bool force = false, show = false;
	const struct fk_option options[] = {{"--force", .ret_flag = &force},
					    {"--show", .ret_flag = &show}};
	struct key_file file = {.fd = -1};
	char error[200];
	enum fk_exit code;

	if (fk_options_parse(options, 2, false, &argc, argv, error, sizeof(error)) != FK_OK)
		return fk_usage_error("%s", error);
	if (show)
		return argc == 0 && !force ? show_id(cli)
					   : fk_usage_error("--show stands for itself");
	if (argc != 1 || strcmp(argv[0], "-") == 0 || argv[0][0] == '\0')
		return fk_usage_error("transport-key wants one file to put the key into");
	file.path = argv[0];
	code = open_draft(&file, force);
	if (code != FK_EXIT_DONE)
		return code;
	code = make_key(cli, &file, force);
	close(file.fd);
	if (code != FK_EXIT_DONE) {
		(void)unlink(file.draft);
		return code;
	}
	return show_id(cli);
}
