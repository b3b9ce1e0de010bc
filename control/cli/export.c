/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet export: the fleet in force as a fleet file, a page of the API at a time. The key columns
 * are there and empty, so that the file, changed or not, is good for fleet update.
 */
#include <string.h>

#include "cli/cli.h"
#include "cli/output.h"
#include "cli/request.h"

/* The columns in the order of a fleet file. The API gives no keys. */
static const char *const columns[] = {
	"ue_id",  "mc_service_id", "mcdata_id",	 "lmr_type", "rsi",	 "next_hop",	"area",
	"groups", "kek_sln",	   "kek_key_id", "kek_alg",  "kek",	 "ptek_key_id", "ptek_alg",
	"ptek",	  "mac",	   "mnp",	 "max_kmm",  "max_keys", "keysets",	"outer",
};
#define N_COLUMNS (sizeof(columns) / sizeof(columns[0]))

/* One field, quoted where RFC 4180 wants it. */
static void print_text(const char *text)
{
	if (!strpbrk(text, ",\"\r\n")) {
		fputs(text, stdout);
		return;
	}
	putchar('"');
	for (; *text; text++) {
		if (*text == '"')
			putchar('"');
		putchar(*text);
	}
	putchar('"');
}

/* A list has ';' between its names; null and what is not there are empty. */
static void print_value(const json_t *value)
{
	const json_t *item;
	size_t i;

	if (json_is_string(value))
		print_text(json_string_value(value));
	else if (json_is_integer(value))
		printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
	json_array_foreach(value, i, item)
		printf("%s%s", i == 0 ? "" : ";", json_string_value(item));
}

static void print_row(const struct fk_cli *cli, const json_t *ue)
{
	(void)cli;
	for (size_t i = 0; i < N_COLUMNS; i++) {
		if (i > 0)
			putchar(',');
		print_value(json_object_get(ue, columns[i]));
	}
	putchar('\n');
}

int fk_cli_fleet_export(struct fk_cli *cli, int argc, char **argv)
{
	if (argc != 0)
		return fk_usage_error("fleet export: unexpected '%s'", argv[0]);
	for (size_t i = 0; i < N_COLUMNS; i++)
		printf("%s%s", i == 0 ? "" : ",", columns[i]);
	putchar('\n');
	return fk_request_walk(cli, "/v1/fleet/ues", print_row);
}
