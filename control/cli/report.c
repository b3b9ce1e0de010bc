/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signed reports: fetched from fleetkeyd, and checked without it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/request.h"
#include "report/signature.h"

#define PEM_SIZE_MAX 4096

static enum fk_exit complain(const char *path, const char *why)
{
	fprintf(stderr, "fleetkeyctl: %s: %s\n", path, why);
	return FK_EXIT_FAILED;
}

int fk_cli_report_key(struct fk_cli *cli, int argc, char **argv)
{
	json_t *answer;
	enum fk_exit code;

	if (argc != 0)
		return fk_usage_error("keys report-key: unexpected '%s'", argv[0]);
	code = fk_request(cli, "GET", "/v1/report-key", NULL, &answer);
	if (code != FK_EXIT_DONE)
		return code;
	if (cli->json)
		fk_output_json(stdout, answer);
	else if (json_is_string(json_object_get(answer, "pem")))
		fputs(json_string_value(json_object_get(answer, "pem")), stdout);
	json_decref(answer);
	return FK_EXIT_DONE;
}

static enum fk_exit read_key(const char *path, uint8_t ret_public[static FK_REPORT_PUBLIC_SIZE])
{
	char pem[PEM_SIZE_MAX];
	FILE *file = fopen(path, "re");
	size_t size;

	if (!file)
		return complain(path, strerror(errno));
	size = fread(pem, 1, sizeof(pem), file);
	fclose(file);
	if (fk_report_public_read(pem, size, ret_public) != FK_OK)
		return complain(path, "holds no public key of Ed25519 in PEM form");
	return FK_EXIT_DONE;
}

static void print_verdict(const struct fk_cli *cli, const struct fk_report_summary *s)
{
	if (cli->json) {
		fk_output_json(stdout, s->end);
		return;
	}
	printf("the signature is good\n");
	fk_output_object(stdout, s->campaign, 0);
	fk_output_object(stdout, s->end, 0);
}

int fk_cli_report_verify(struct fk_cli *cli, int argc, char **argv)
{
	const char *key = NULL;
	const struct fk_option options[] = {{"--key", .ret_text = &key}};
	uint8_t public[FK_REPORT_PUBLIC_SIZE];
	struct fk_report_summary summary;
	char error[FK_REPORT_REASON_SIZE];
	enum fk_exit code;
	FILE *file;
	enum fk_err err;

	if (fk_options_parse(options, 1, false, &argc, argv, error, sizeof(error)) != FK_OK)
		return fk_usage_error("%s", error);
	if (argc != 1 || !key)
		return fk_usage_error("report verify wants a file, or -, and --key PEM_FILE");
	code = read_key(key, public);
	if (code != FK_EXIT_DONE)
		return code;
	file = strcmp(argv[0], "-") == 0 ? stdin : fopen(argv[0], "re");
	if (!file)
		return complain(argv[0], strerror(errno));
	err = fk_report_check(file, public, &summary, error);
	if (file != stdin)
		fclose(file);
	if (err != FK_OK)
		return complain(argv[0], error);
	print_verdict(cli, &summary);
	fk_report_summary_fini(&summary);
	return FK_EXIT_DONE;
}
