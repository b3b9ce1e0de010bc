/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* True if 'arg' is 'name' or "name=...". */
static bool names_option(const char *arg, const char *name)
{
	size_t len = strlen(name);

	return strncmp(arg, name, len) == 0 && (arg[len] == '\0' || arg[len] == '=');
}

static enum fk_err read_number(const struct fk_option *o, const char *value, char *error,
			       size_t error_size)
{
	char *end = NULL;
	unsigned long long number = 0;
	bool good = value[0] >= '0' && value[0] <= '9';

	if (good) {
		errno = 0;
		number = strtoull(value, &end, 10);
		good = errno == 0 && *end == '\0' && number >= o->min && number <= o->max;
	}
	if (!good) {
		snprintf(error, error_size, "%s: '%s' is not a number from %" PRIu64 " to %" PRIu64,
			 o->name, value, o->min, o->max);
		return FK_ERANGE;
	}
	*o->ret_number = number;
	return FK_OK;
}

/* Sets one option; 'value' is NULL if there was none. */
static enum fk_err set_option(const struct fk_option *o, const char *value, char *error,
			      size_t error_size)
{
	bool wants_value = o->ret_text || o->ret_number;

	if (wants_value && !value) {
		snprintf(error, error_size, "%s needs a value", o->name);
		return FK_EINVAL;
	}
	if (!wants_value && value) {
		snprintf(error, error_size, "%s takes no value", o->name);
		return FK_EINVAL;
	}
	if (o->ret_number) {
		enum fk_err err = read_number(o, value, error, error_size);

		if (err != FK_OK)
			return err;
	}
	if (o->ret_text)
		*o->ret_text = value;
	if (o->ret_flag)
		*o->ret_flag = true;
	return FK_OK;
}

enum fk_err fk_options_parse(const struct fk_option *options, size_t n_options, bool keep_unknown,
			     int *argc, char **argv, char *error, size_t error_size)
{
	int n_kept = 0;
	bool ended = false;

	for (int i = 0; i < *argc; i++) {
		const struct fk_option *found = NULL;
		const char *value;
		enum fk_err err;

		if (ended || argv[i][0] != '-' || argv[i][1] == '\0') {
			argv[n_kept++] = argv[i];
			continue;
		}
		if (strcmp(argv[i], "--") == 0) {
			ended = true;
			if (keep_unknown)
				argv[n_kept++] = argv[i];
			continue;
		}
		for (size_t j = 0; j < n_options && !found; j++)
			if (names_option(argv[i], options[j].name))
				found = &options[j];
		if (!found && keep_unknown) {
			argv[n_kept++] = argv[i];
			continue;
		}
		if (!found) {
			snprintf(error, error_size, "unknown option '%s'", argv[i]);
			return FK_EINVAL;
		}
		value = strchr(argv[i], '=');
		if (value)
			value++;
		else if ((found->ret_text || found->ret_number) && i + 1 < *argc)
			value = argv[++i];
		err = set_option(found, value, error, error_size);
		if (err != FK_OK)
			return err;
	}
	*argc = n_kept;
	return FK_OK;
}
