/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_csv.c - a fleet file gives the same records whole as octet by octet.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "fleet/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct tally {
	uint64_t n_records, n_fields, hash;
};

static void require(bool holds)
{
	if (!holds)
		abort();
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
