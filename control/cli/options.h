/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.h - command-line options from a table.
 *
 * Options may stand anywhere; what is no option stays, in order. "--name value" and "--name=value"
 * mean the same, "--" ends the options, and "-" alone is an argument.
 *
 * Threads: everything here is pure but for the outputs that the table names.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>

struct fk_option {
	const char *name; /* with its dashes */
	bool *ret_flag;	  /* set if given; an option with nothing else takes no value */
	const char **ret_text;
	uint64_t *ret_number; /* decimal, within [min, max] */
	uint64_t min, max;
};

/*
 * Takes the options of 'options' out of 'argv' and closes the gaps; 'argc' is updated. With
 * 'keep_unknown' other options (and "--") stay for a later pass, else they are errors. Texts point
 * into 'argv'. Returns FK_OK; FK_EINVAL (unknown option, value missing or not wanted) or FK_ERANGE
 * (no number in the range) with a sentence that names option, value and range in 'error'.
 */
FK_MUST_USE enum fk_err fk_options_parse(const struct fk_option *options, size_t n_options,
					 bool keep_unknown, int *argc, char **argv, char *error,
					 size_t error_size);
