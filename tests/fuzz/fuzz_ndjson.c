/* SPDX-License-Identifier: Apache-2.0 */
/* A fleet file of JSON lines is read alike in pieces of any size, and its rows are fit for the
 * columns. */
#include <stdlib.h>
#include <string.h>

#include "fleet/ndjson.h"

static void require(bool holds)
{
	if (!holds)
		abort();
}

struct tally {
	uint64_t n_rows, n_errors, hash;
};

static void add(struct tally *tally, const char *text, size_t len)
{
	for (size_t i = 0; i <= len; i++)
		tally->hash = tally->hash * 31 + (uint8_t)text[i];
}

static enum fk_err take_row(void *ctx, uint64_t line, struct fk_csv_field *columns[FK_COLUMNS])
{
	struct tally *tally = ctx;

	require(line >= 1);
	tally->n_rows++;
	for (int i = 0; i < FK_COLUMNS; i++) {
		if (columns[i] == NULL)
			continue;
		require(strlen(columns[i]->text) == columns[i]->len);
		add(tally, columns[i]->text, columns[i]->len);
		/* As keys are. */
		memset(columns[i]->text, 0, columns[i]->len);
	}
	return FK_OK;
}

static enum fk_err take_error(void *ctx, uint64_t line, const char *place, const char *reason)
{
	struct tally *tally = ctx;

	require(line >= 1 && place[0] != '\0' && strlen(place) < 32 && reason[0] != '\0');
	tally->n_errors++;
	add(tally, place, strlen(place));
	return FK_OK;
}

static enum fk_err read_all(const uint8_t *data, size_t size, size_t step, struct tally *tally)
{
	struct fk_ndjson *ndjson;
	enum fk_err err = FK_OK;

	*tally = (struct tally){0};
	require(fk_ndjson_new(take_row, take_error, tally, &ndjson) == FK_OK);
	for (size_t at = 0; at < size && err == FK_OK; at += step)
		err = fk_ndjson_feed(ndjson, (const char *)data + at,
				     size - at < step ? size - at : step);
	if (err == FK_OK)
		err = fk_ndjson_finish(ndjson);
	require(err == FK_OK || (err == FK_EFORMAT && tally->n_errors > 0));
	fk_ndjson_free(ndjson);
	return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tally whole, pieces;

	require(read_all(data, size, size + 1, &whole) == read_all(data, size, 1, &pieces));
	require(whole.n_rows == pieces.n_rows && whole.n_errors == pieces.n_errors);
	require(whole.hash == pieces.hash);
	return 0;
}
