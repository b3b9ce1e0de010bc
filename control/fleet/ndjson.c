/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/ndjson.h"

#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <fleetkey/secret.h>

#define INTEGER_ROOM 21 /* characters of an integer of 64 bits, and NUL */

struct fk_ndjson {
	fk_ndjson_row_fn row;
	fk_ndjson_error_fn error;
	void *ctx;
	bool ended; /* finished or failed */
	uint32_t bom_at;
	uint64_t line;	  /* being read */
	uint32_t n_empty; /* lines in a row */
	size_t size;	  /* octets of the line so far */
	char text[FK_CSV_RECORD_MAX];
	/* Strings are no longer than in the line, integers may be by a little. */
	char values[FK_CSV_RECORD_MAX + FK_COLUMNS * INTEGER_ROOM];
	size_t values_size;
	struct fk_csv_field fields[FK_COLUMNS];
};

enum fk_err fk_ndjson_new(fk_ndjson_row_fn row, fk_ndjson_error_fn error, void *ctx,
			  struct fk_ndjson **ret_ndjson)
{
	struct fk_ndjson *ndjson = calloc(1, sizeof(*ndjson));

	if (ndjson == NULL)
		return FK_ENOMEM;
	ndjson->row = row;
	ndjson->error = error;
	ndjson->ctx = ctx;
	ndjson->line = 1;
	*ret_ndjson = ndjson;
	return FK_OK;
}

void fk_ndjson_free(struct fk_ndjson *ndjson)
{
	if (ndjson == NULL)
		return;
	fk_wipe(ndjson, sizeof(*ndjson));
	free(ndjson);
}

static void free_wiped(void *block)
{
	if (block != NULL)
		fk_wipe(block, malloc_usable_size(block));
	free(block);
}

void fk_json_wipe_always(void)
{
	json_set_alloc_funcs(malloc, free_wiped);
}

static enum fk_err fail(struct fk_ndjson *ndjson, const char *place, const char *reason)
{
	enum fk_err err = ndjson->error(ndjson->ctx, ndjson->line, place, reason);

	ndjson->ended = true;
	fk_wipe(ndjson->text, ndjson->size);
	return err == FK_OK ? FK_EFORMAT : err;
}

/* Puts text behind the values that are there. */
static void put(struct fk_ndjson *ndjson, struct fk_csv_field *field, const char *text, size_t len)
{
	memcpy(ndjson->values + ndjson->values_size, text, len);
	ndjson->values_size += len;
	field->len += len;
}

static const char not_a_value[] = "must be a string or an integer";

/* Strings of an array as the field of a CSV file has them. NULL, or why not. */
static const char *put_list(struct fk_ndjson *ndjson, struct fk_csv_field *field,
			    const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *entry = json_array_get(list, i);

		if (!json_is_string(entry))
			return "must be a string, or an array of strings";
		if (i > 0)
			put(ndjson, field, ";", 1);
		put(ndjson, field, json_string_value(entry), json_string_length(entry));
	}
	return NULL;
}

static const char *put_value(struct fk_ndjson *ndjson, enum fk_column column, const json_t *value)
{
	struct fk_csv_field *field = &ndjson->fields[column];
	const char *refusal = NULL;
	char number[INTEGER_ROOM];

	*field = (struct fk_csv_field){ndjson->values + ndjson->values_size, 0};
	if (json_is_string(value)) {
		put(ndjson, field, json_string_value(value), json_string_length(value));
	} else if (json_is_integer(value)) {
		(void)snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT,
			       json_integer_value(value));
		put(ndjson, field, number, strlen(number));
	} else if (json_is_array(value) && column == FK_COLUMN_GROUPS) {
		refusal = put_list(ndjson, field, value);
	} else if (!json_is_null(value)) {
		refusal = not_a_value;
	}
	ndjson->values[ndjson->values_size++] = '\0';
	return refusal;
}

static enum fk_err take_object(struct fk_ndjson *ndjson, json_t *object)
{
	struct fk_csv_field *columns[FK_COLUMNS] = {NULL};
	uint32_t n = 0;
	const char *name;
	json_t *value;

	json_object_foreach(object, name, value)
	{
		int column = fk_column_find(name);
		const char *refusal;
		char place[32];

		n++;
		(void)snprintf(place, sizeof(place), "member %u", n);
		if (column < 0)
			return ndjson->error(ndjson->ctx, ndjson->line, place,
					     "is no column of a fleet file");
		refusal = put_value(ndjson, (enum fk_column)column, value);
		if (refusal != NULL)
			return ndjson->error(ndjson->ctx, ndjson->line,
					     fk_column_name((enum fk_column)column), refusal);
		columns[column] = &ndjson->fields[column];
	}
	return ndjson->row(ndjson->ctx, ndjson->line, columns);
}

static enum fk_err take_line(struct fk_ndjson *ndjson)
{
	json_error_t error;
	json_t *object = json_loadb(ndjson->text, ndjson->size, JSON_REJECT_DUPLICATES, &error);
	enum fk_err err;
	char place[32];

	/* The text of jansson's error quotes the line. */
	(void)snprintf(place, sizeof(place), "octet %d", error.position);
	if (object == NULL && json_error_code(&error) == json_error_duplicate_key)
		err = ndjson->error(ndjson->ctx, ndjson->line, place, "a member is there twice");
	else if (object == NULL && json_error_code(&error) == json_error_out_of_memory)
		err = FK_ENOMEM;
	else if (object == NULL)
		err = ndjson->error(ndjson->ctx, ndjson->line, place, "is no JSON from here on");
	else if (!json_is_object(object))
		err = ndjson->error(ndjson->ctx, ndjson->line, "octet 1", "is no JSON object");
	else
		err = take_object(ndjson, object);
	json_decref(object);
	return err;
}

static enum fk_err end_line(struct fk_ndjson *ndjson)
{
	enum fk_err err = FK_OK;

	while (ndjson->size > 0 && strchr(" \t\r", ndjson->text[ndjson->size - 1]) != NULL &&
	       ndjson->text[ndjson->size - 1] != '\0')
		ndjson->size--;
	ndjson->n_empty = ndjson->size == 0 ? ndjson->n_empty + 1 : 0;
	if (ndjson->n_empty > FK_CSV_RECORD_MAX)
		return fail(ndjson, "octet 1", "65536 empty lines in a row");
	if (ndjson->size > 0)
		err = take_line(ndjson);
	fk_wipe(ndjson->text, ndjson->size);
	fk_wipe(ndjson->values, ndjson->values_size);
	ndjson->size = 0;
	ndjson->values_size = 0;
	ndjson->line++;
	ndjson->ended = err != FK_OK;
	return err;
}

enum fk_err fk_ndjson_feed(struct fk_ndjson *ndjson, const char *octets, size_t size)
{
	static const char bom[3] = {'\xef', '\xbb', '\xbf'};
	enum fk_err err = ndjson->ended ? FK_EFORMAT : FK_OK;

	for (size_t i = 0; err == FK_OK && i < size; i++) {
		if (ndjson->line == 1 && ndjson->size == 0 && ndjson->bom_at < 3 &&
		    octets[i] == bom[ndjson->bom_at]) {
			ndjson->bom_at++;
			continue;
		}
		if (octets[i] == '\n')
			err = end_line(ndjson);
		else if (ndjson->size == sizeof(ndjson->text))
			err = fail(ndjson, "octet 65537", "line is longer than 65536 octets");
		else
			ndjson->text[ndjson->size++] = octets[i];
	}
	return err;
}

enum fk_err fk_ndjson_finish(struct fk_ndjson *ndjson)
{
	char place[32];

	if (ndjson->ended)
		return FK_EFORMAT;
	ndjson->ended = true;
	(void)snprintf(place, sizeof(place), "octet %zu", ndjson->size);
	return ndjson->size == 0
		       ? FK_OK
		       : fail(ndjson, place,
			      "the last line has no line end: the file may be cut off here");
}
