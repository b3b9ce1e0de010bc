/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/import.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fleetkey/kmm.h>
#include <fleetkey/secret.h>

#include "fleet/import_private.h"

void fk_import_add_error(struct fk_import *import, uint64_t line, const char *column,
			 const char *reason)
{
	struct fk_import_error *error = &import->errors[0];

	if (import->n_errors < FK_IMPORT_ERRORS_MAX) {
		error = &import->errors[import->n_errors++];
	} else {
		/* The first ones of the file are told, in whatever order they are found. */
		for (uint32_t i = 1; i < FK_IMPORT_ERRORS_MAX; i++) {
			if (import->errors[i].line > error->line)
				error = &import->errors[i];
		}
		if (error->line <= line)
			return;
	}
	error->line = line;
	(void)snprintf(error->column, sizeof(error->column), "%s", column);
	(void)snprintf(error->reason, sizeof(error->reason), "%s", reason);
}

void fk_import_complain(void *ctx, enum fk_column column, const char *reason)
{
	struct fk_import *import = ctx;

	fk_import_add_error(import, import->line, fk_column_name(column), reason);
}

/* The header and the rows */

/* What the header calls a field, or its place: in a file without header a field of the first line
 * may be anything, also a piece of a key, and is never shown. */
static void name_field(const struct fk_import *import, uint32_t field, char ret_name[static 32])
{
	(void)snprintf(ret_name, 32, "field %u", field + 1);
	for (int i = 0; import->has_header && i < FK_COLUMNS; i++) {
		if (import->column_at[i] == (int)field)
			(void)snprintf(ret_name, 32, "%s", fk_column_name((enum fk_column)i));
	}
}

static bool needs_column(const struct fk_import *import, enum fk_column column)
{
	switch (import->options.mode) {
	case FK_IMPORT_REPLACE:
		break;
	case FK_IMPORT_UPDATE:
		if (column == FK_COLUMN_KEK || column == FK_COLUMN_PTEK)
			return false;
		break;
	case FK_IMPORT_REMOVE:
		return column == FK_COLUMN_UE_ID;
	}
	return column < FK_COLUMNS_REQUIRED;
}

/* The first record: which field is which column. */
static enum fk_err take_header(struct fk_import *import, struct fk_csv_field *fields,
			       uint32_t n_fields)
{
	for (int i = 0; i < FK_COLUMNS; i++)
		import->column_at[i] = -1;
	for (uint32_t i = 0; i < n_fields; i++) {
		int column = fk_column_find(fields[i].text);
		char name[32];

		name_field(import, i, name);
		if (column < 0)
			fk_import_add_error(
				import, import->line, name,
				"is no column of a fleet file, or the file has no header");
		else if (import->column_at[column] >= 0)
			fk_import_add_error(import, import->line,
					    fk_column_name((enum fk_column)column),
					    "column is there twice");
		else
			import->column_at[column] = (int)i;
	}
	for (int i = 0; i < FK_COLUMNS; i++) {
		if (import->column_at[i] < 0 && needs_column(import, (enum fk_column)i))
			fk_import_add_error(import, import->line, fk_column_name((enum fk_column)i),
					    "column is missing");
	}
	import->has_header = true;
	import->n_columns = n_fields;
	import->is_broken = import->n_errors > 0;
	return import->is_broken ? FK_EINVAL : FK_OK;
}

/* A row of a file of UEs that go. */
static enum fk_err take_removal(struct fk_import *import, const struct fk_csv_field *ue_id)
{
	int64_t ue_index = fk_fleet_find(import->options.fleet, ue_id->text);

	if (ue_index < 0)
		fk_import_complain(import, FK_COLUMN_UE_ID, "is no UE of the fleet in force");
	else if (!fk_import_name_ue(import, (uint32_t)ue_index))
		fk_import_complain(import, FK_COLUMN_UE_ID, "is in the file twice");
	else
		return FK_OK;
	return FK_EINVAL;
}

/* The UE's slot in the fleet in force, if an update may leave its keys as they are; what is
 * compromised stays so, and so may stay too. */
static enum fk_err find_old_slot(struct fk_import *import, int64_t ue_index,
				 const struct fk_ue_slot **ret_slot)
{
	const struct fk_ue_slot *slot = NULL;
	uint8_t keys[FK_RECORD_KEYS_SIZE];
	enum fk_err err = FK_OK;

	if (ue_index >= 0 && import->options.mode == FK_IMPORT_UPDATE)
		slot = &fk_keytable_ues(fk_keytable_view(import->options.table))[ue_index];
	if (slot != NULL && fk_import_has_compromised(import, (uint32_t)ue_index)) {
		err = fk_import_old_keys(import, (uint32_t)ue_index, keys);
		if (err == FK_OK) {
			import->old = *slot;
			memcpy(import->old.kek, keys, sizeof(slot->kek));
			memcpy(import->old.ptek, keys + sizeof(slot->kek), sizeof(slot->ptek));
			if (slot->ptek_compromised)
				import->old.ptek_algorithm_id = FK_ALGORITHM_AES_256;
			slot = &import->old;
		}
		fk_wipe(keys, sizeof(keys));
	}
	*ret_slot = slot;
	return err;
}

/* 'columns' that the file or the row lacks are NULL. */
static enum fk_err take_row(struct fk_import *import, struct fk_csv_field *columns[FK_COLUMNS])
{
	static char nothing[1];
	struct fk_csv_field none = {nothing, 0};
	struct fk_fleet_row row;
	int64_t ue_index;
	enum fk_err err;

	for (int i = 0; i < FK_COLUMNS_REQUIRED; i++) {
		if (columns[i] == NULL)
			columns[i] = &none;
	}
	if (import->options.mode == FK_IMPORT_REMOVE)
		return take_removal(import, columns[FK_COLUMN_UE_ID]);
	ue_index = fk_fleet_find(import->options.fleet, columns[FK_COLUMN_UE_ID]->text);
	err = find_old_slot(import, ue_index, &import->rules.old);
	if (err != FK_OK)
		return err;
	err = fk_fleet_row_parse(columns, &import->rules, fk_import_complain, import, &row);
	fk_wipe(&import->old, sizeof(import->old));
	if (err == FK_OK && !fk_import_row_is_unique(import, &row))
		err = FK_EINVAL;
	if (err == FK_OK && ue_index >= 0)
		(void)fk_import_name_ue(import,
					(uint32_t)ue_index); /* unique, so it is the first */
	if (err == FK_OK)
		err = fk_import_keep_row(import, &row, ue_index);
	fk_fleet_row_wipe(&row);
	return err;
}

/* A row that has fewer fields than the header, or more. */
static void refuse_length(struct fk_import *import, uint32_t n_fields)
{
	char name[32], reason[96];

	name_field(import, n_fields < import->n_columns ? n_fields : import->n_columns, name);
	(void)snprintf(reason, sizeof(reason), "the row has %u fields, the header %u", n_fields,
		       import->n_columns);
	fk_import_add_error(import, import->line, name, reason);
}

/* A bad row does not end the reading: the operator wants to see the others too. */
static enum fk_err row_result(const struct fk_import *import, enum fk_err err)
{
	bool goes_on = !import->is_broken && import->n_errors < FK_IMPORT_ERRORS_MAX;

	return err == FK_EINVAL && goes_on ? FK_OK : err;
}

static enum fk_err take_csv_record(void *ctx, uint64_t line, struct fk_csv_field *fields,
				   uint32_t n_fields)
{
	struct fk_csv_field *columns[FK_COLUMNS] = {NULL};
	struct fk_import *import = ctx;

	import->line = line;
	if (!import->has_header)
		return take_header(import, fields, n_fields);
	if (n_fields != import->n_columns) {
		refuse_length(import, n_fields);
		return row_result(import, FK_EINVAL);
	}
	for (int i = 0; i < FK_COLUMNS; i++) {
		if (import->column_at[i] >= 0)
			columns[i] = &fields[import->column_at[i]];
	}
	return row_result(import, take_row(import, columns));
}

/* A row of NDJSON says by itself which columns it has. */
static enum fk_err take_json_row(void *ctx, uint64_t line, struct fk_csv_field *columns[FK_COLUMNS])
{
	struct fk_import *import = ctx;
	uint32_t n_before = import->n_errors;

	import->line = line;
	import->has_header = true;
	for (int i = 0; i < FK_COLUMNS; i++) {
		if (columns[i] == NULL && needs_column(import, (enum fk_column)i))
			fk_import_complain(import, (enum fk_column)i, "member is missing");
	}
	return row_result(import,
			  import->n_errors > n_before ? FK_EINVAL : take_row(import, columns));
}

static enum fk_err take_json_error(void *ctx, uint64_t line, const char *place, const char *reason)
{
	struct fk_import *import = ctx;

	import->has_header = true;
	fk_import_add_error(import, line, place, reason);
	return row_result(import, FK_EINVAL);
}

/* Life */

/* Without one, wrapped keys are refused row by row, and plain ones may still be allowed. */
static enum fk_err load_transport_key(struct fk_import *import)
{
	enum fk_err err = FK_ENOTFOUND;

	if (import->options.keys != NULL)
		err = fk_transport_key_load(import->options.keys, &import->rules.transport_key);
	return err == FK_ENOTFOUND ? FK_OK : err;
}

enum fk_err fk_import_begin(const struct fk_import_options *options, struct fk_import **ret_import)
{
	struct fk_import *import = calloc(1, sizeof(*import));
	enum fk_err err;

	if (import == NULL)
		return FK_ENOMEM;
	import->options = *options;
	import->now_s = (uint32_t)(fk_key_now_ms() / 1000);
	import->rules = (struct fk_row_rules){.config = options->config,
					      .allow_plain_keys = options->allow_plain_keys};
	err = fk_fleet_meta_init(&import->meta);
	if (err == FK_OK)
		err = load_transport_key(import);
	if (err == FK_OK)
		err = fk_csv_new(take_csv_record, import, &import->csv);
	if (err == FK_OK)
		err = fk_ndjson_new(take_json_row, take_json_error, import, &import->ndjson);
	if (err == FK_OK)
		err = fk_import_index_rows(import);
	/* All next hops of the configuration, so that a record's number is the configuration's. */
	for (uint32_t i = 0; err == FK_OK && i < options->config->n_next_hops; i++) {
		const char *name = options->config->next_hops[i].name;
		uint16_t id;

		err = fk_names_intern(import->meta.next_hops, name, strlen(name), &id);
	}
	if (err == FK_OK)
		err = fk_store_next_generation(options->store, &import->meta.generation);
	if (err != FK_OK) {
		fk_import_free(import);
		return err;
	}
	*ret_import = import;
	return FK_OK;
}

void fk_import_free(struct fk_import *import)
{
	if (import == NULL)
		return;
	fk_fleet_meta_fini(&import->meta);
	fk_transport_key_free(import->rules.transport_key);
	fk_csv_free(import->csv);
	fk_ndjson_free(import->ndjson);
	fk_name_index_free(import->ue_ids);
	fk_name_index_free(import->mc_service_ids);
	fk_name_index_free(import->mcdata_ids);
	free(import->rsis);
	free(import->named);
	free(import->heap);
	free(import->rows);
	free(import->order);
	free(import->page_starts);
	free(import);
}

/* What a reader says ends the import; what it says of CSV is told here. */
static enum fk_err reader_result(struct fk_import *import, enum fk_err err)
{
	char name[32];

	if (err != FK_EFORMAT || import->is_broken)
		return err == FK_EFORMAT ? FK_EINVAL : err;
	import->is_broken = true;
	if (import->format != FK_IMPORT_NDJSON) {
		name_field(import, fk_csv_error_field(import->csv), name);
		fk_import_add_error(import, fk_csv_error_line(import->csv), name,
				    fk_csv_error(import->csv));
	}
	return FK_EINVAL;
}

/* A file that begins with '{', behind a byte order mark perhaps, is NDJSON: no column is called so.
 */
static enum fk_err feed_reader(struct fk_import *import, const char *octets, size_t size)
{
	enum fk_err err = FK_OK;

	for (; import->format == FK_IMPORT_FORMAT_UNKNOWN && err == FK_OK && size > 0;
	     octets++, size--) {
		if (strchr("\xef\xbb\xbf", *octets) != NULL && *octets != '\0') {
			err = fk_csv_feed(import->csv, octets, 1);
			if (err == FK_OK)
				err = fk_ndjson_feed(import->ndjson, octets, 1);
			continue;
		}
		import->format = *octets == '{' ? FK_IMPORT_NDJSON : FK_IMPORT_CSV;
		break;
	}
	if (err != FK_OK || size == 0)
		return err;
	return import->format == FK_IMPORT_NDJSON ? fk_ndjson_feed(import->ndjson, octets, size)
						  : fk_csv_feed(import->csv, octets, size);
}

enum fk_err fk_import_feed(struct fk_import *import, const void *octets, size_t size)
{
	if (import->is_broken || import->is_checked || import->n_errors == FK_IMPORT_ERRORS_MAX)
		return FK_EINVAL;
	return reader_result(import, feed_reader(import, octets, size));
}

const struct fk_import_error *fk_import_errors(const struct fk_import *import, uint32_t *ret_n)
{
	*ret_n = import->n_errors;
	return import->errors;
}

enum fk_err fk_import_check(struct fk_import *import)
{
	enum fk_err err;

	if (import->is_checked || import->is_broken || import->n_errors == FK_IMPORT_ERRORS_MAX)
		return FK_EINVAL;
	err = reader_result(import, import->format == FK_IMPORT_NDJSON
					    ? fk_ndjson_finish(import->ndjson)
					    : fk_csv_finish(import->csv));
	if (err != FK_OK && err != FK_EINVAL)
		return err;
	if (import->n_errors == 0 && !import->has_header)
		fk_import_add_error(import, 0, "", "the file is empty");
	else if (import->n_errors == 0 && import->n_rows + import->n_named == 0)
		fk_import_add_error(import, 0, "",
				    import->options.mode == FK_IMPORT_REPLACE
					    ? "the file has no UE: it would be the whole fleet"
					    : "the file has no UE");
	if (import->n_errors > 0)
		return FK_EINVAL;
	import->n_file_rows = import->n_rows;
	import->is_checked = true;
	return FK_OK;
}

void fk_import_progress(const struct fk_import *import, struct fk_import_progress *ret_progress)
{
	*ret_progress = (struct fk_import_progress){
		.n_rows = import->n_rows,
		.n_pages_staged = import->n_pages_staged,
		.n_pages = import->meta.n_pages,
	};
}
enum fk_err fk_import_finish(struct fk_import *import, struct fk_import_result *ret_result)
{
	bool done = false;
	enum fk_err err = fk_import_check(import);

	while (err == FK_OK && !done)
		err = fk_import_compare(import, UINT32_MAX, &done);
	done = false;
	while (err == FK_OK && !done)
		err = fk_import_stage(import, FK_STORE_PIPELINE_MAX, &done);
	return err == FK_OK ? fk_import_publish(import, ret_result) : err;
}
