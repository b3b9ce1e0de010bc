/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run_options.h - the options of "fleetsim run".
 *
 * Threads: none. Memory: the result borrows from 'argv'.
 */
#pragma once

#include <stdbool.h>

#include "sim.h"

/* Lines for fleetsim --help. */
extern const char fk_run_options_help[];

/*
 * Reads the arguments behind the subcommand; argv[0] is the program's name. False if something is
 * wrong, which has been said on stderr.
 */
bool fk_run_options_read(int argc, char **argv, struct fk_sim_options *ret_options);
