/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_csv.c - a fleet file gives the same records whole as octet by octet, and a row that is taken
 * keeps to the limits of its columns.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "fleet/columns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct tally {
	uint64_t n_records, n_fields, hash;
};

static void require(bool holds)
{
	if (!holds)
		abort();
}

static const struct fk_config *configuration(void)
{
	static const char yaml[] = "kmf: {uri: 'sip:kmf@x'}\nstore: {redis_socket: /r}\n"
				   "keys: {root_key_file: /k}\nlink: {socket: /l}\n"
				   "api: {socket: /a}\ncampaign: {pace_per_s: 1}\n"
				   "next_hops: [{name: hop-a, address: 192.0.2.1}]\n";
	static struct fk_config *config;
	struct fk_reason reason;

	if (config == NULL)
		require(fk_config_parse(yaml, strlen(yaml), &config, &reason) == FK_OK);
	return config;
}

static void count_complaint(void *ctx, enum fk_column column, const char *reason)
{
	uint32_t *seen = ctx;

	require(column < FK_COLUMNS && reason != NULL && (*seen & 1u << column) == 0);
	*seen |= 1u << column;
}

static void check_row(struct fk_csv_field *fields)
{
	const struct fk_row_rules rules = {.config = configuration(), .allow_plain_keys = true};
	struct fk_csv_field *list[FK_COLUMNS];
	struct fk_fleet_row row;
	uint32_t complaints = 0;

	for (uint32_t i = 0; i < FK_COLUMNS; i++)
		list[i] = &fields[i];
	if (fk_fleet_row_parse(list, &rules, count_complaint, &complaints, &row) != FK_OK) {
		require(complaints != 0);
		return;
	}
	require(complaints == 0);
	require(row.rsi >= 1 && row.rsi <= FK_RSI_UNIT_MAX && row.next_hop == 0);
	require(row.kek_sln >= FK_UKEK_SLN_MIN && row.mnp >= 1 && row.mnp <= FK_MNP_MAX);
	require(row.n_groups <= FK_UE_GROUPS_MAX);
	fk_fleet_row_wipe(&row);
}

static enum fk_err take(void *ctx, uint64_t line, struct fk_csv_field *fields, uint32_t n_fields)
{
	struct tally *tally = ctx;

	require(line >= 1 && n_fields >= 1 && n_fields <= FK_CSV_FIELDS_MAX);
	tally->n_records++;
	tally->n_fields += n_fields;
	for (uint32_t i = 0; i < n_fields; i++) {
		require(fields[i].text[fields[i].len] == '\0');
		for (size_t k = 0; k <= fields[i].len; k++)
			tally->hash = tally->hash * 31 + (uint8_t)fields[i].text[k];
	}
	if (n_fields == FK_COLUMNS)
		check_row(fields);
	return FK_OK;
}

static enum fk_err read_all(const uint8_t *data, size_t size, size_t step, struct tally *tally)
{
	struct fk_csv *csv;
	enum fk_err err;

	*tally = (struct tally){0};
	require(fk_csv_new(take, tally, &csv) == FK_OK);
	err = FK_OK;
	for (size_t at = 0; at < size && err == FK_OK; at += step)
		err = fk_csv_feed(csv, (const char *)data + at,
				  size - at < step ? size - at : step);
	if (err == FK_OK)
		err = fk_csv_finish(csv);
	require((err == FK_OK) == (fk_csv_error(csv)[0] == '\0'));
	fk_csv_free(csv);
	return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tally whole, pieces;

	require(read_all(data, size, size + 1, &whole) == read_all(data, size, 1, &pieces));
	require(whole.n_records == pieces.n_records && whole.n_fields == pieces.n_fields);
	require(whole.hash == pieces.hash);
	return 0;
}
