/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/request.h"

/* GET one object and print it. */
static enum fk_exit show(struct fk_cli *cli, int argc, char **argv, const char *path)
{
	json_t *answer;
	enum fk_exit code;

	if (argc != 0)
		return fk_usage_error("unexpected '%s'", argv[0]);
	code = fk_request(cli, "GET", path, NULL, &answer);
	if (code != FK_EXIT_DONE)
		return code;
	fk_output_answer(cli->json, answer);
	json_decref(answer);
	return FK_EXIT_DONE;
}

int fk_cli_dataplane_show(struct fk_cli *cli, int argc, char **argv)
{
	return show(cli, argc, argv, "/v1/dataplane");
}

int fk_cli_store_show(struct fk_cli *cli, int argc, char **argv)
{
	return show(cli, argc, argv, "/v1/store");
}

int fk_cli_health(struct fk_cli *cli, int argc, char **argv)
{
	return show(cli, argc, argv, "/v1/health");
}
