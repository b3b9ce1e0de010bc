/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet export: the fleet in force as a fleet file without keys, as fleetkeyd sends it.
 */
#include "cli/cli.h"
#include "cli/request.h"

int fk_cli_fleet_export(struct fk_cli *cli, int argc, char **argv)
{
	if (argc != 0)
		return fk_usage_error("fleet export: unexpected '%s'", argv[0]);
	return fk_request_download(cli, "/v1/fleet/export", stdout);
}
