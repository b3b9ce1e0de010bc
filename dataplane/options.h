/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.h - the command line of fleetkey-dp.
 *
 * One table gives names, ranges, defaults and --help.
 *
 * Threads: main thread. Memory: texts are borrowed from argv.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <fleetkey/err.h>

#include "host.h"

struct fk_options {
	const char *link;    /* socket path */
	struct fk_host host; /* without its link-local address */
	uint32_t sip_port, worker_port_base;
	bool idle_sleeps;
	const char *engine; /* NULL: the fastest */
	uint32_t orphan_timeout_s;
	const char *capture;	 /* NULL: none */
	uint64_t capture_frames; /* 0: no limit */
	bool capture_keys;
	int log_level; /* enum fk_log_level */
	bool help, version;
	int n_eal_args; /* after "--" */
	char **eal_args;
};

/*
 * Reads the command line. On failure writes one sentence that names option, value and range.
 * Returns FK_OK; FK_EINVAL; FK_ERANGE. With --help or --version nothing else is asked for.
 */
FK_MUST_USE enum fk_err fk_options_parse(int argc, char **argv, struct fk_options *ret_options,
					 char *ret_text, size_t text_size);
void fk_options_print_help(FILE *file);
