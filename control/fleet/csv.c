/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/csv.h"

#include <stdlib.h>
#include <string.h>

#include <fleetkey/secret.h>

enum state {
	AT_START,   /* of the file: a byte order mark may stand here */
	IN_FIELD,   /* unquoted */
	IN_QUOTES,  /* quoted */
	AFTER_QUOTE /* a quote in a quoted field: its end, or half of a doubled one */
};

struct fk_csv {
	fk_csv_record_fn fn;
	void *ctx;
	enum state state;
	bool last_was_cr;    /* a CR that must be followed by LF */
	bool ended;	     /* finished or failed */
	uint64_t line;	     /* being read */
	uint64_t start_line; /* of the record */
	uint64_t quote_line; /* where the quoted field begins */
	const char *error;
	uint64_t error_line;
	uint32_t error_field;
	uint32_t bom_at;  /* octets of the byte order mark seen */
	uint32_t n_empty; /* lines in a row */
	uint32_t n_fields;
	size_t size;			  /* octets of the record so far, NULs included */
	size_t starts[FK_CSV_FIELDS_MAX]; /* of each field in 'text' */
	bool was_quoted;		  /* the field being read */
	char text[FK_CSV_RECORD_MAX + 1];
};

enum fk_err fk_csv_new(fk_csv_record_fn fn, void *ctx, struct fk_csv **ret_csv)
{
	struct fk_csv *csv = calloc(1, sizeof(*csv));

	if (csv == NULL)
		return FK_ENOMEM;
	csv->fn = fn;
	csv->ctx = ctx;
	csv->line = 1;
	csv->start_line = 1;
	csv->error = "";
	csv->n_fields = 1;
	*ret_csv = csv;
	return FK_OK;
}

void fk_csv_free(struct fk_csv *csv)
{
	if (csv == NULL)
		return;
	fk_wipe(csv, sizeof(*csv));
	free(csv);
}

static enum fk_err fail(struct fk_csv *csv, uint64_t line, const char *error)
{
	csv->error = error;
	csv->error_line = line;
	csv->error_field = csv->n_fields - 1;
	csv->ended = true;
	fk_wipe(csv->text, csv->size);
	return FK_EFORMAT;
}

static enum fk_err put(struct fk_csv *csv, char c)
{
	if (csv->size >= FK_CSV_RECORD_MAX)
		return fail(csv, csv->state == IN_QUOTES ? csv->quote_line : csv->start_line,
			    "record is longer than 65536 octets");
	csv->text[csv->size++] = c;
	return FK_OK;
}

static size_t field_size(const struct fk_csv *csv)
{
	return csv->size - csv->starts[csv->n_fields - 1];
}

static enum fk_err end_field(struct fk_csv *csv)
{
	enum fk_err err = put(csv, '\0');

	if (err != FK_OK)
		return err;
	if (csv->n_fields >= FK_CSV_FIELDS_MAX)
		return fail(csv, csv->start_line, "record has more than 64 fields");
	csv->starts[csv->n_fields++] = csv->size;
	csv->was_quoted = false;
	csv->state = IN_FIELD;
	return FK_OK;
}

/* Hands the record over and begins the next. */
static enum fk_err end_record(struct fk_csv *csv)
{
	struct fk_csv_field fields[FK_CSV_FIELDS_MAX];
	bool is_empty = csv->n_fields == 1 && csv->size == 0 && !csv->was_quoted;
	enum fk_err err = FK_OK;

	csv->n_empty = is_empty ? csv->n_empty + 1 : 0;
	if (csv->n_empty > FK_CSV_RECORD_MAX)
		return fail(csv, csv->start_line, "65536 empty lines in a row");
	if (!is_empty) {
		err = put(csv, '\0');
		if (err != FK_OK)
			return err;
		for (uint32_t i = 0; i < csv->n_fields; i++) {
			size_t end = i + 1 < csv->n_fields ? csv->starts[i + 1] : csv->size;

			fields[i].text = csv->text + csv->starts[i];
			fields[i].len = end - csv->starts[i] - 1;
		}
		err = csv->fn(csv->ctx, csv->start_line, fields, csv->n_fields);
		fk_wipe(csv->text, csv->size);
	}
	csv->size = 0;
	csv->n_fields = 1;
	csv->starts[0] = 0;
	csv->was_quoted = false;
	csv->state = IN_FIELD;
	csv->start_line = csv->line;
	if (err != FK_OK)
		csv->ended = true;
	return err;
}

static enum fk_err end_line(struct fk_csv *csv)
{
	csv->line++;
	csv->last_was_cr = false;
	return end_record(csv);
}

static enum fk_err take_unquoted(struct fk_csv *csv, char c)
{
	switch (c) {
	case ',':
		return end_field(csv);
	case '\n':
		return end_line(csv);
	case '\r':
		csv->last_was_cr = true;
		return FK_OK;
	case '"':
		if (csv->state == AFTER_QUOTE) { /* "" inside quotes is one quote */
			csv->state = IN_QUOTES;
			return put(csv, '"');
		}
		if (field_size(csv) > 0 || csv->was_quoted)
			return fail(csv, csv->line, "quote inside an unquoted field");
		csv->was_quoted = true;
		csv->quote_line = csv->line;
		csv->state = IN_QUOTES;
		return FK_OK;
	default:
		if (csv->state == AFTER_QUOTE)
			return fail(csv, csv->line, "text behind a closing quote");
		return put(csv, c);
	}
}

static enum fk_err take(struct fk_csv *csv, char c)
{
	static const char bom[3] = {'\xef', '\xbb', '\xbf'};

	if (csv->state == AT_START) {
		if (csv->bom_at < 3 && c == bom[csv->bom_at]) {
			csv->bom_at++;
			return FK_OK;
		}
		if (csv->bom_at != 0 && csv->bom_at != 3)
			return fail(csv, csv->line, "begins with half a byte order mark");
		csv->state = IN_FIELD;
	}
	if (c == '\0')
		return fail(csv, csv->line, "NUL octet");
	if (csv->last_was_cr && c != '\n')
		return fail(csv, csv->line, "CR without LF");
	if (csv->state != IN_QUOTES)
		return take_unquoted(csv, c);
	if (c == '"') {
		csv->state = AFTER_QUOTE;
		return FK_OK;
	}
	if (c == '\n')
		csv->line++;
	return put(csv, c);
}

enum fk_err fk_csv_feed(struct fk_csv *csv, const char *octets, size_t size)
{
	enum fk_err err = csv->ended ? FK_EFORMAT : FK_OK;

	for (size_t i = 0; err == FK_OK && i < size; i++)
		err = take(csv, octets[i]);
	return err;
}

enum fk_err fk_csv_finish(struct fk_csv *csv)
{
	enum fk_err err = FK_OK;

	if (csv->ended)
		return FK_EFORMAT;
	if (csv->state == IN_QUOTES)
		err = fail(csv, csv->quote_line, "the file ends inside this quoted field");
	else if (csv->last_was_cr)
		err = fail(csv, csv->line, "CR without LF");
	else if (csv->bom_at == 1 || csv->bom_at == 2)
		err = fail(csv, csv->line, "begins with half a byte order mark");
	else if (csv->size > 0 || csv->n_fields > 1 || csv->was_quoted)
		err = fail(csv, csv->line,
			   "the last line has no line end: the file may be cut off here");
	csv->ended = true;
	return err;
}

uint64_t fk_csv_error_line(const struct fk_csv *csv)
{
	return csv->error_line;
}

uint32_t fk_csv_error_field(const struct fk_csv *csv)
{
	return csv->error_field;
}

const char *fk_csv_error(const struct fk_csv *csv)
{
	return csv->error;
}
