/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli.h - what every command of fleetkeyctl is given, and the commands themselves.
 *
 * fleetkeyctl decides nothing: a command turns words into one request, and the answer into lines.
 *
 * Threads: one.
 */
#pragma once

#include <stdbool.h>

struct fk_http;

enum fk_exit {
	FK_EXIT_DONE = 0,
	FK_EXIT_FAILED = 1, /* the work failed; the reasons were printed */
	FK_EXIT_USAGE = 2,  /* wrong words or options */
	FK_EXIT_POLICY = 3, /* refused by policy or role */
};

struct fk_cli {
	struct fk_http *http; /* borrowed from main() */
	bool json;	      /* --json: print what the API said */
	bool terminal;	      /* standard output is a terminal that a bar can be drawn on */
};

/*
 * Commands. 'argv' holds what follows the command's words and is theirs to reorder. Each prints
 * its result to standard output, its complaints to standard error, and returns an enum fk_exit.
 */
int fk_cli_fleet_import(struct fk_cli *cli, int argc, char **argv);
int fk_cli_fleet_update(struct fk_cli *cli, int argc, char **argv);
int fk_cli_fleet_export(struct fk_cli *cli, int argc, char **argv);
int fk_cli_fleet_show(struct fk_cli *cli, int argc, char **argv);
int fk_cli_fleet_key(struct fk_cli *cli, int argc, char **argv);
int fk_cli_fleet_own_keys(struct fk_cli *cli, int argc, char **argv);
int fk_cli_fleet_keys(struct fk_cli *cli, int argc, char **argv);
int fk_cli_holders(struct fk_cli *cli, int argc, char **argv);
int fk_cli_fleet_set_status(struct fk_cli *cli, int argc, char **argv);
int fk_cli_fleet_statuses(struct fk_cli *cli, int argc, char **argv);
int fk_cli_fleet_adopt(struct fk_cli *cli, int argc, char **argv);
int fk_cli_group_list(struct fk_cli *cli, int argc, char **argv);
int fk_cli_group_show(struct fk_cli *cli, int argc, char **argv);
int fk_cli_group_set(struct fk_cli *cli, int argc, char **argv);
int fk_cli_group_remove(struct fk_cli *cli, int argc, char **argv);
int fk_cli_keys_list(struct fk_cli *cli, int argc, char **argv);
int fk_cli_keys_show(struct fk_cli *cli, int argc, char **argv);
int fk_cli_keys_mark_compromised(struct fk_cli *cli, int argc, char **argv);
int fk_cli_keys_deactivate(struct fk_cli *cli, int argc, char **argv);
int fk_cli_keys_destroy(struct fk_cli *cli, int argc, char **argv);
int fk_cli_keys_wipe(struct fk_cli *cli, int argc, char **argv);
int fk_cli_keys_sealing(struct fk_cli *cli, int argc, char **argv);
int fk_cli_keys_rotate_sealing(struct fk_cli *cli, int argc, char **argv);
int fk_cli_keys_rotate_root(struct fk_cli *cli, int argc, char **argv);
int fk_cli_transport_key(struct fk_cli *cli, int argc, char **argv);
int fk_cli_campaign_create(struct fk_cli *cli, int argc, char **argv);
int fk_cli_campaign_list(struct fk_cli *cli, int argc, char **argv);
int fk_cli_campaign_show(struct fk_cli *cli, int argc, char **argv);
int fk_cli_campaign_report(struct fk_cli *cli, int argc, char **argv);
int fk_cli_report_key(struct fk_cli *cli, int argc, char **argv);
int fk_cli_report_verify(struct fk_cli *cli, int argc, char **argv);
int fk_cli_campaign_plan(struct fk_cli *cli, int argc, char **argv);
int fk_cli_campaign_approve(struct fk_cli *cli, int argc, char **argv);
int fk_cli_campaign_review(struct fk_cli *cli, int argc, char **argv);
int fk_cli_campaign_start(struct fk_cli *cli, int argc, char **argv);
int fk_cli_campaign_schedule(struct fk_cli *cli, int argc, char **argv);
int fk_cli_campaign_retry(struct fk_cli *cli, int argc, char **argv);
int fk_cli_campaign_pause(struct fk_cli *cli, int argc, char **argv);
int fk_cli_campaign_halt(struct fk_cli *cli, int argc, char **argv);
int fk_cli_campaign_resume(struct fk_cli *cli, int argc, char **argv);
int fk_cli_campaign_abort(struct fk_cli *cli, int argc, char **argv);
int fk_cli_campaign_watch(struct fk_cli *cli, int argc, char **argv);
int fk_cli_stop(struct fk_cli *cli, int argc, char **argv);
int fk_cli_dataplane_show(struct fk_cli *cli, int argc, char **argv);
int fk_cli_store_show(struct fk_cli *cli, int argc, char **argv);
int fk_cli_backup(struct fk_cli *cli, int argc, char **argv);
int fk_cli_health(struct fk_cli *cli, int argc, char **argv);
