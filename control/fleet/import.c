/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/import.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fleetkey/bulk.h>
#include <fleetkey/kmm.h>
#include <fleetkey/wire.h>

#include "fleet/columns.h"
#include "fleet/csv.h"
#include "fleet/fleet_meta.h"
#include "fleet/name_index.h"
#include "fleet/numbers.h"
#include "fleet/record.h"
#include "fleet/retired.h"

#define NOT_KEPT	UINT32_MAX
#define RETIRE_SLOTS	32768u /* of the old fleet, looked at in one step */
#define STAGE_PAGES_MAX 64u    /* in one batch */
#define FOREIGN_REASON	"belongs to another UE of the fleet in force; --reassign allows it to move"

/* One good row: its packed record, with sealed keys, in the heap. */
struct staged_row {
	uint64_t offset;    /* of the record in the heap */
	uint32_t old_index; /* of the UE with this RSI in the fleet in force; else NOT_KEPT */
	uint32_t line;	    /* of the file */
	uint16_t size;
	uint8_t shard;
	bool keeps_inbound; /* it has the protection TEK that it had */
};

struct fk_import {
	struct fk_import_options options;
	struct fk_fleet_meta meta;
	struct fk_row_rules rules; /* its transport key is ours */
	struct fk_csv *csv;
	bool has_header, is_broken, is_checked, is_compared;
	uint32_t n_slots_compared; /* of the fleet in force */
	int column_at[FK_COLUMNS]; /* field of each column in this file */
	uint32_t n_columns;
	uint64_t line; /* of the row being read */
	struct fk_import_error errors[FK_IMPORT_ERRORS_MAX];
	uint32_t n_errors;

	uint8_t *heap;
	uint64_t heap_size, heap_room;
	struct staged_row *rows;
	uint32_t n_rows, n_rows_room;
	struct fk_name_index *ue_ids, *mc_service_ids, *mcdata_ids;
	uint64_t *rsis; /* a bit for each RSI */
	uint32_t n_kept, n_without_ptek;

	uint32_t *order;       /* rows, shard by shard */
	uint32_t *page_starts; /* first entry in 'order' of each page, and the end: n_pages + 1 */
	uint32_t n_pages_staged, n_slots_retired;
	uint8_t page_buf[FK_RECORD_PAGE_SIZE_MAX];
};

/* Errors */

static void add_error(struct fk_import *import, uint64_t line, const char *column,
		      const char *reason)
{
	struct fk_import_error *error;

	if (import->n_errors == FK_IMPORT_ERRORS_MAX)
		return;
	error = &import->errors[import->n_errors++];
	error->line = line;
	(void)snprintf(error->column, sizeof(error->column), "%s", column);
	(void)snprintf(error->reason, sizeof(error->reason), "%s", reason);
}

static void complain(void *ctx, enum fk_column column, const char *reason)
{
	struct fk_import *import = ctx;

	add_error(import, import->line, fk_column_name(column), reason);
}

/* Names of rows, read back out of their records */

static struct fk_record record_of(const struct fk_import *import, uint32_t row)
{
	struct fk_record record = {.rsi = 0};

	/* We wrote it ourselves: it decodes. */
	if (fk_record_decode(import->heap + import->rows[row].offset, import->rows[row].size,
			     &record) != FK_OK)
		abort();
	return record;
}

static const char *ue_id_of(const void *ctx, uint32_t row, size_t *ret_len)
{
	struct fk_record record = record_of(ctx, row);

	*ret_len = record.ue_id.size;
	return record.ue_id.at;
}

static const char *mc_service_id_of(const void *ctx, uint32_t row, size_t *ret_len)
{
	struct fk_record record = record_of(ctx, row);

	*ret_len = record.mc_service_id.size;
	return record.mc_service_id.at;
}

static const char *mcdata_id_of(const void *ctx, uint32_t row, size_t *ret_len)
{
	struct fk_record record = record_of(ctx, row);

	*ret_len = record.mcdata_id.size;
	return record.mcdata_id.at;
}

/* Rows */

static bool rsi_is_taken(const struct fk_import *import, uint32_t rsi)
{
	return (import->rsis[rsi / 64] >> rsi % 64 & 1) != 0;
}

/* Another UE of the fleet in force has this RSI. */
static bool rsi_is_foreign(const struct fk_import *import, const struct fk_fleet_row *row)
{
	int64_t owner = fk_keytable_find_rsi(fk_keytable_view(import->options.table), row->rsi);
	struct fk_fleet_ue ue;

	return owner >= 0 && !import->options.allow_reassign &&
	       fk_fleet_get(import->options.fleet, (uint32_t)owner, &ue) &&
	       strcmp(ue.ue_id, row->ue_id.at) != 0;
}

/* Complains about every value that another row, or another UE, has already. */
static bool is_unique(struct fk_import *import, const struct fk_fleet_row *row)
{
	uint32_t n_before = import->n_errors;

	if (fk_name_index_find(import->ue_ids, row->ue_id.at, row->ue_id.len) >= 0)
		complain(import, FK_COLUMN_UE_ID, "is in the file twice");
	if (fk_name_index_find(import->mc_service_ids, row->mc_service_id.at,
			       row->mc_service_id.len) >= 0)
		complain(import, FK_COLUMN_MC_SERVICE_ID, "is in the file twice");
	if (fk_name_index_find(import->mcdata_ids, row->mcdata_id.at, row->mcdata_id.len) >= 0)
		complain(import, FK_COLUMN_MCDATA_ID, "is in the file twice");
	if (rsi_is_taken(import, row->rsi))
		complain(import, FK_COLUMN_RSI, "is in the file twice");
	else if (rsi_is_foreign(import, row))
		complain(import, FK_COLUMN_RSI, FOREIGN_REASON);
	return import->n_errors == n_before && n_before < FK_IMPORT_ERRORS_MAX;
}

/* Doubles a heap that lacks room. Records hold sealed keys only, so nothing needs wiping. */
static enum fk_err make_room(struct fk_import *import)
{
	if (import->heap_size + FK_RECORD_SIZE_MAX > import->heap_room) {
		uint64_t room = import->heap_room * 2 + 65536;
		uint8_t *heap = fk_bulk_realloc(import->heap, room);

		if (heap == NULL)
			return FK_ENOMEM;
		import->heap = heap;
		import->heap_room = room;
	}
	if (import->n_rows == import->n_rows_room) {
		uint32_t room = import->n_rows_room * 2 + 1024;
		struct staged_row *rows = fk_bulk_realloc(import->rows, room * sizeof(*rows));

		if (rows == NULL)
			return FK_ENOMEM;
		import->rows = rows;
		import->n_rows_room = room;
	}
	return FK_OK;
}

/*
 * Where the RSI stands in the fleet in force. Whatever else has changed, it goes on with its
 * outbound numbers: one that was used under a protection TEK is never used under it again. With
 * another protection TEK no old answer verifies, and the radio may have begun to count anew.
 */
static void find_kept(const struct fk_import *import, const struct fk_fleet_row *row,
		      struct staged_row *staged)
{
	const struct fk_keytable *table = fk_keytable_view(import->options.table);
	int64_t old_index = fk_keytable_find_rsi(table, row->rsi);
	const struct fk_ue_slot *slot;

	staged->old_index = NOT_KEPT;
	staged->keeps_inbound = false;
	if (old_index < 0)
		return;
	slot = &fk_keytable_ues(table)[old_index];
	staged->old_index = (uint32_t)old_index;
	staged->keeps_inbound = row->has_ptek && slot->ptek_algorithm_id != 0 &&
				slot->ptek_key_id == row->ptek_key_id &&
				fk_ct_equal(slot->ptek, row->keys + 32, 32);
}

static enum fk_err intern_names(struct fk_import *import, const struct fk_fleet_row *row,
				struct fk_record *record)
{
	enum fk_err err =
		fk_names_intern(import->meta.areas, row->area.at, row->area.len, &record->area_id);

	if (err == FK_EFULL)
		complain(import, FK_COLUMN_AREA, "the file has more than 4096 areas");
	for (uint32_t i = 0; err == FK_OK && i < row->n_groups; i++) {
		err = fk_names_intern(import->meta.groups, row->groups[i].at, row->groups[i].len,
				      &record->group_ids[i]);
		if (err == FK_EFULL)
			complain(import, FK_COLUMN_GROUPS, "the file has more than 4096 groups");
	}
	return err;
}

static enum fk_err index_row(struct fk_import *import, const struct fk_fleet_row *row)
{
	uint32_t i = import->n_rows - 1;
	enum fk_err err = fk_name_index_add(import->ue_ids, row->ue_id.at, row->ue_id.len, i);

	if (err == FK_OK)
		err = fk_name_index_add(import->mc_service_ids, row->mc_service_id.at,
					row->mc_service_id.len, i);
	if (err == FK_OK)
		err = fk_name_index_add(import->mcdata_ids, row->mcdata_id.at, row->mcdata_id.len,
					i);
	import->rsis[row->rsi / 64] |= 1ull << row->rsi % 64;
	return err;
}

static struct fk_record_text record_text(struct fk_row_text text)
{
	return (struct fk_record_text){text.at, (uint8_t)text.len};
}

/* Packs a good row, with its keys under seal, behind the rows that are there. */
static enum fk_err keep_row(struct fk_import *import, const struct fk_fleet_row *row)
{
	uint8_t sealed[FK_RECORD_SEALED_SIZE];
	struct fk_record record = {
		.rsi = row->rsi,
		.kek_sln = row->kek_sln,
		.kek_key_id = row->kek_key_id,
		.ptek_key_id = row->ptek_key_id,
		.mnp = row->mnp,
		.kek_algorithm_id = FK_ALGORITHM_AES_256,
		.ptek_algorithm_id = row->has_ptek ? FK_ALGORITHM_AES_256 : 0,
		.mac_kind = row->mac_kind,
		.next_hop = (uint8_t)row->next_hop,
		.ue_generation = (uint8_t)import->meta.generation,
		.n_groups = (uint8_t)row->n_groups,
		.ue_id = record_text(row->ue_id),
		.mc_service_id = record_text(row->mc_service_id),
		.mcdata_id = record_text(row->mcdata_id),
		.sealed_keys = sealed,
	};
	struct staged_row *staged;
	size_t size;
	enum fk_err err = intern_names(import, row, &record);

	if (err == FK_EFULL)
		return FK_EINVAL; /* reported */
	if (err == FK_OK)
		err = make_room(import);
	if (err == FK_OK)
		err = fk_record_seal(import->options.keyring, import->meta.generation, &record,
				     row->keys, sealed);
	if (err == FK_OK)
		err = fk_record_encode(&record, import->heap + import->heap_size,
				       FK_RECORD_SIZE_MAX, &size);
	if (err != FK_OK)
		return err;
	staged = &import->rows[import->n_rows++];
	staged->offset = import->heap_size;
	staged->size = (uint16_t)size;
	staged->shard = fk_store_shard_of(row->ue_id.at, row->ue_id.len);
	find_kept(import, row, staged);
	staged->line = (uint32_t)import->line;
	import->heap_size += size;
	import->n_kept += staged->old_index != NOT_KEPT;
	import->n_without_ptek += !row->has_ptek;
	import->meta.mcdata_size += row->mcdata_id.len;
	import->meta.strings_size +=
		row->ue_id.len + row->mc_service_id.len + row->mcdata_id.len + 3;
	import->meta.n_memberships += row->n_groups;
	return index_row(import, row);
}

/* In a file without header this text may be anything, also a key: only what looks like the name of
 * a column is shown. A key has more digits than that. */
static const char *shown_name(const struct fk_csv_field *field)
{
	bool is_name = field->len > 0 &&
		       field->len < sizeof(((struct fk_import_error *)0)->column) &&
		       strspn(field->text, "abcdefghijklmnopqrstuvwxyz_0123456789") == field->len;

	return is_name ? field->text : "";
}

/* The first record: which field is which column. */
static enum fk_err take_header(struct fk_import *import, struct fk_csv_field *fields,
			       uint32_t n_fields)
{
	for (int i = 0; i < FK_COLUMNS; i++)
		import->column_at[i] = -1;
	for (uint32_t i = 0; i < n_fields; i++) {
		int column = fk_column_find(fields[i].text);

		if (column < 0)
			add_error(import, import->line, shown_name(&fields[i]),
				  "is no column of a fleet file, or the file has no header");
		else if (import->column_at[column] >= 0)
			add_error(import, import->line, fk_column_name((enum fk_column)column),
				  "column is there twice");
		else
			import->column_at[column] = (int)i;
	}
	for (int i = 0; i < FK_COLUMNS; i++) {
		if (import->column_at[i] < 0)
			add_error(import, import->line, fk_column_name((enum fk_column)i),
				  "column is missing");
	}
	import->has_header = true;
	import->n_columns = n_fields;
	import->is_broken = import->n_errors > 0;
	return import->is_broken ? FK_EINVAL : FK_OK;
}

static enum fk_err take_row(struct fk_import *import, struct fk_csv_field *fields)
{
	struct fk_csv_field *columns[FK_COLUMNS];
	struct fk_fleet_row row;
	enum fk_err err;

	for (int i = 0; i < FK_COLUMNS; i++)
		columns[i] = &fields[import->column_at[i]];
	if (import->n_rows >= FK_IMPORT_UES_MAX) {
		add_error(import, import->line, "", "the file has more than 16000000 UEs");
		import->is_broken = true;
		return FK_EINVAL;
	}
	err = fk_fleet_row_parse(columns, &import->rules, complain, import, &row);
	if (err == FK_OK && !is_unique(import, &row))
		err = FK_EINVAL;
	if (err == FK_OK)
		err = keep_row(import, &row);
	fk_fleet_row_wipe(&row);
	return err;
}

static enum fk_err take_csv_record(void *ctx, uint64_t line, struct fk_csv_field *fields,
				   uint32_t n_fields)
{
	struct fk_import *import = ctx;
	enum fk_err err;

	import->line = line;
	if (!import->has_header)
		return take_header(import, fields, n_fields);
	if (n_fields != import->n_columns) {
		add_error(import, line, "", "row has another number of fields than the header");
		err = FK_EINVAL;
	} else {
		err = take_row(import, fields);
	}
	/* A bad row does not end the reading: the operator wants to see the others too. */
	if (err == FK_EINVAL && !import->is_broken && import->n_errors < FK_IMPORT_ERRORS_MAX)
		return FK_OK;
	return err;
}

/* Life */

/* Without one, wrapped keys are refused row by row, and plain ones may still be allowed. */
static enum fk_err load_transport_key(struct fk_import *import)
{
	enum fk_err err = fk_transport_key_load(import->options.store, import->options.keyring,
						&import->rules.transport_key);

	return err == FK_ENOTFOUND ? FK_OK : err;
}

enum fk_err fk_import_begin(const struct fk_import_options *options, struct fk_import **ret_import)
{
	struct fk_import *import = calloc(1, sizeof(*import));
	enum fk_err err;

	if (import == NULL)
		return FK_ENOMEM;
	import->options = *options;
	import->rules = (struct fk_row_rules){.config = options->config,
					      .allow_plain_keys = options->allow_plain_keys};
	err = fk_fleet_meta_init(&import->meta);
	if (err == FK_OK)
		err = load_transport_key(import);
	if (err == FK_OK)
		err = fk_csv_new(take_csv_record, import, &import->csv);
	if (err == FK_OK)
		err = fk_name_index_new(1024, ue_id_of, import, &import->ue_ids);
	if (err == FK_OK)
		err = fk_name_index_new(1024, mc_service_id_of, import, &import->mc_service_ids);
	if (err == FK_OK)
		err = fk_name_index_new(1024, mcdata_id_of, import, &import->mcdata_ids);
	if (err == FK_OK) {
		import->rsis = calloc(FK_RSI_UNIT_MAX / 64 + 1, sizeof(*import->rsis));
		err = import->rsis != NULL ? FK_OK : FK_ENOMEM;
	}
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
	fk_name_index_free(import->ue_ids);
	fk_name_index_free(import->mc_service_ids);
	fk_name_index_free(import->mcdata_ids);
	free(import->rsis);
	free(import->heap);
	free(import->rows);
	free(import->order);
	free(import->page_starts);
	free(import);
}

/* What the CSV reader says becomes an error of the import, once. */
static enum fk_err csv_result(struct fk_import *import, enum fk_err err)
{
	if (err == FK_EFORMAT && !import->is_broken) {
		import->is_broken = true;
		add_error(import, fk_csv_line(import->csv), "", fk_csv_error(import->csv));
	}
	return err == FK_EFORMAT ? FK_EINVAL : err;
}

enum fk_err fk_import_feed(struct fk_import *import, const void *octets, size_t size)
{
	if (import->is_broken || import->is_checked || import->n_errors == FK_IMPORT_ERRORS_MAX)
		return FK_EINVAL;
	return csv_result(import, fk_csv_feed(import->csv, octets, size));
}

const struct fk_import_error *fk_import_errors(const struct fk_import *import, uint32_t *ret_n)
{
	*ret_n = import->n_errors;
	return import->errors;
}

/* Pages */

static uint32_t pages_of(uint32_t n_rows)
{
	return (n_rows + FK_STORE_PAGE_UES - 1) / FK_STORE_PAGE_UES;
}

/* Counting sort by shard; each shard begins a new page, so that a page has one shard only. */
static enum fk_err order_rows(struct fk_import *import)
{
	uint32_t counts[FK_STORE_SHARDS] = {0}, next[FK_STORE_SHARDS], page = 0, at = 0;
	struct fk_fleet_meta *meta = &import->meta;

	for (uint32_t i = 0; i < import->n_rows; i++)
		counts[import->rows[i].shard]++;
	for (uint32_t shard = 0; shard < FK_STORE_SHARDS; shard++)
		meta->n_pages += pages_of(counts[shard]);
	import->order = fk_bulk_calloc(import->n_rows, sizeof(*import->order));
	import->page_starts = calloc(meta->n_pages + 1ull, sizeof(*import->page_starts));
	meta->page_shards = calloc(meta->n_pages, 1);
	if (import->order == NULL || import->page_starts == NULL || meta->page_shards == NULL)
		return FK_ENOMEM;
	for (uint32_t shard = 0; shard < FK_STORE_SHARDS; shard++) {
		next[shard] = at;
		for (uint32_t i = 0; i < counts[shard]; i += FK_STORE_PAGE_UES) {
			meta->page_shards[page] = (uint8_t)shard;
			import->page_starts[page++] = at + i;
		}
		at += counts[shard];
	}
	import->page_starts[page] = at;
	for (uint32_t i = 0; i < import->n_rows; i++)
		import->order[next[import->rows[i].shard]++] = i;
	return FK_OK;
}

static uint32_t count_rsi_pages(const struct fk_import *import)
{
	uint32_t n = 0;

	for (uint32_t first = 0; first <= FK_RSI_UNIT_MAX; first += FK_RSI_PAGE) {
		uint64_t any = 0;

		for (uint32_t i = first / 64;
		     i < (first + FK_RSI_PAGE) / 64 && i <= FK_RSI_UNIT_MAX / 64; i++)
			any |= import->rsis[i];
		n += any != 0;
	}
	return n;
}

enum fk_err fk_import_check(struct fk_import *import)
{
	enum fk_err err;

	if (import->is_checked || import->is_broken || import->n_errors == FK_IMPORT_ERRORS_MAX)
		return FK_EINVAL;
	err = csv_result(import, fk_csv_finish(import->csv));
	if (err != FK_OK && err != FK_EINVAL)
		return err;
	if (import->n_errors == 0 && !import->has_header)
		add_error(import, 0, "", "the file is empty");
	else if (import->n_errors == 0 && import->n_rows == 0)
		add_error(import, 0, "", "the file has no UE: an import replaces the whole fleet");
	if (import->n_errors > 0)
		return FK_EINVAL;
	err = order_rows(import);
	if (err != FK_OK)
		return err;
	import->meta.n_ues = import->n_rows;
	import->meta.n_rsi_pages = count_rsi_pages(import);
	import->is_checked = true;
	return FK_OK;
}

static int by_line(const void *a, const void *b)
{
	const struct fk_import_error *x = a, *y = b;

	return x->line < y->line ? -1 : x->line > y->line;
}

/* The row that has the MC service ID of this UE of the fleet in force must be that UE. */
static void compare_ue(struct fk_import *import, const struct fk_fleet_ue *ue)
{
	int64_t row = fk_name_index_find(import->mc_service_ids, ue->mc_service_id,
					 strlen(ue->mc_service_id));
	struct fk_record record;

	if (row < 0)
		return;
	record = record_of(import, (uint32_t)row);
	if (record.ue_id.size == strlen(ue->ue_id) &&
	    memcmp(record.ue_id.at, ue->ue_id, record.ue_id.size) == 0)
		return;
	add_error(import, import->rows[row].line, fk_column_name(FK_COLUMN_MC_SERVICE_ID),
		  FOREIGN_REASON);
}

enum fk_err fk_import_compare(struct fk_import *import, uint32_t n_slots, bool *ret_done)
{
	uint32_t end = fk_fleet_n_slots(import->options.fleet);
	struct fk_fleet_ue ue;
	enum fk_err err;

	if (!import->is_checked || import->is_broken)
		return FK_EINVAL;
	if (import->options.allow_reassign)
		import->n_slots_compared = end;
	if (n_slots < end - import->n_slots_compared)
		end = import->n_slots_compared + n_slots;
	for (; import->n_slots_compared < end; import->n_slots_compared++) {
		if (fk_fleet_get(import->options.fleet, import->n_slots_compared, &ue))
			compare_ue(import, &ue);
	}
	/* All of the fleet is looked at, so that the operator sees every error at once. */
	if (end < fk_fleet_n_slots(import->options.fleet)) {
		*ret_done = false;
		return FK_OK;
	}
	if (import->n_errors > 0) {
		qsort(import->errors, import->n_errors, sizeof(import->errors[0]), by_line);
		import->is_broken = true;
		return FK_EINVAL;
	}
	err = fk_store_stage_fleet(import->options.store, import->meta.generation,
				   import->meta.page_shards, import->meta.n_pages);
	if (err != FK_OK)
		return err;
	import->is_compared = *ret_done = true;
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

static void put_fleet_page(struct fk_import *import, uint32_t page)
{
	struct fk_wire_writer w = fk_wire_writer(import->page_buf, sizeof(import->page_buf));
	uint32_t n = import->page_starts[page + 1] - import->page_starts[page];

	fk_wire_put_u8(&w, FK_RECORD_LAYOUT);
	for (uint32_t i = 0; i < FK_STORE_PAGE_UES; i++) {
		if (i < n) {
			const struct staged_row *row =
				&import->rows[import->order[import->page_starts[page] + i]];

			fk_wire_put_u16(&w, row->size);
			fk_wire_put_bytes(&w, import->heap + row->offset, row->size);
		} else {
			fk_wire_put_u16(&w, 0);
		}
	}
	fk_store_batch_put_fleet_page(import->options.store, import->meta.generation,
				      import->meta.page_shards[page], page, import->page_buf,
				      fk_wire_written(&w));
}

/* The numbers that this page's UEs begin with. */
static enum fk_err find_numbers(struct fk_import *import, uint32_t page,
				struct fk_ue_numbers *ret_numbers)
{
	const uint32_t *order = import->order + import->page_starts[page];
	uint32_t n = import->page_starts[page + 1] - import->page_starts[page];
	uint32_t rsis[FK_STORE_PAGE_UES], at[FK_STORE_PAGE_UES], n_new = 0;
	struct fk_ue_numbers retired[FK_STORE_PAGE_UES];
	enum fk_err err;

	for (uint32_t i = 0; i < n; i++) {
		const struct staged_row *row = &import->rows[order[i]];

		if (row->old_index == NOT_KEPT) {
			rsis[n_new] = record_of(import, order[i]).rsi;
			at[n_new++] = i;
			continue;
		}
		ret_numbers[i] = *fk_fleet_numbers(import->options.fleet, row->old_index);
		if (!row->keeps_inbound)
			ret_numbers[i].inbound = ret_numbers[i].inbound_known = 0;
	}
	err = fk_retired_find(import->options.store, rsis, n_new, retired);
	for (uint32_t i = 0; err == FK_OK && i < n_new; i++)
		ret_numbers[at[i]] = retired[i];
	return err;
}

static void put_numbers_page(struct fk_import *import, uint32_t page,
			     const struct fk_ue_numbers *numbers)
{
	uint8_t octets[FK_NUMBERS_PAGE_SIZE];

	fk_numbers_encode_page(numbers, octets);
	fk_store_batch_put_numbers_page(import->options.store, import->meta.generation,
					import->meta.page_shards[page], page, octets,
					sizeof(octets));
}

/* What leaves the fleet is remembered before the new fleet can be in force. */
static enum fk_err retire_some(struct fk_import *import)
{
	uint32_t n_slots = fk_fleet_n_slots(import->options.fleet);
	uint32_t first = import->n_slots_retired, end = n_slots;
	enum fk_err err;

	if (end - first > RETIRE_SLOTS)
		end = first + RETIRE_SLOTS;
	fk_store_batch_begin(import->options.store);
	fk_retired_put(import->options.store, import->options.fleet, import->rsis, first, end);
	err = fk_store_batch_commit(import->options.store);
	if (err == FK_OK)
		import->n_slots_retired = end;
	return err;
}

/* A few pages: their numbers are read first, because nothing can be asked while a batch is open. */
static enum fk_err stage_some(struct fk_import *import, uint32_t first, uint32_t end)
{
	struct fk_ue_numbers numbers[STAGE_PAGES_MAX][FK_STORE_PAGE_UES] = {0};
	enum fk_err err = FK_OK;

	for (uint32_t page = first; err == FK_OK && page < end; page++)
		err = find_numbers(import, page, numbers[page - first]);
	if (err != FK_OK)
		return err;
	fk_store_batch_begin(import->options.store);
	for (uint32_t page = first; page < end; page++) {
		put_fleet_page(import, page);
		put_numbers_page(import, page, numbers[page - first]);
	}
	return fk_store_batch_commit(import->options.store);
}

enum fk_err fk_import_stage(struct fk_import *import, uint32_t n_pages, bool *ret_done)
{
	uint32_t end = import->meta.n_pages;
	enum fk_err err;

	if (!import->is_compared)
		return FK_EINVAL;
	if (import->n_slots_retired < fk_fleet_n_slots(import->options.fleet)) {
		*ret_done = false;
		return retire_some(import);
	}
	if (n_pages < end - import->n_pages_staged)
		end = import->n_pages_staged + n_pages;
	while (import->n_pages_staged < end) {
		uint32_t first = import->n_pages_staged, last = end;

		if (last - first > STAGE_PAGES_MAX)
			last = first + STAGE_PAGES_MAX;
		err = stage_some(import, first, last);
		if (err != FK_OK)
			return err;
		import->n_pages_staged = last;
	}
	*ret_done = end == import->meta.n_pages;
	return FK_OK;
}

enum fk_err fk_import_publish(struct fk_import *import, struct fk_import_result *ret_result)
{
	enum fk_err err;

	if (!import->is_compared || import->n_pages_staged != import->meta.n_pages)
		return FK_EINVAL;
	err = fk_fleet_meta_publish(&import->meta, import->options.store,
				    fk_fleet_generation(import->options.fleet));
	if (err != FK_OK)
		return err;
	*ret_result = (struct fk_import_result){
		.generation = import->meta.generation,
		.n_ues = import->n_rows,
		.n_pages = import->meta.n_pages,
		.n_kept = import->n_kept,
		.n_without_ptek = import->n_without_ptek,
	};
	return FK_OK;
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
