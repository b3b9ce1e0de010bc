/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include <fleetkey/bulk.h>
#include <fleetkey/kmm.h>

#include "fleet/import_private.h"

/* Names of rows, read back out of their records */

struct fk_record fk_import_record(const struct fk_import *import, uint32_t row)
{
	struct fk_record record = {.rsi = 0};

	/* We wrote it ourselves: it decodes. */
	if (fk_record_decode(import->heap + import->rows[row].offset, import->rows[row].size,
			     FK_PAGE_LAYOUT, &record) != FK_OK)
		abort();
	return record;
}

static const char *ue_id_of(const void *ctx, uint32_t row, size_t *ret_len)
{
	struct fk_record record = fk_import_record(ctx, row);

	*ret_len = record.ue_id.size;
	return record.ue_id.at;
}

static const char *mc_service_id_of(const void *ctx, uint32_t row, size_t *ret_len)
{
	struct fk_record record = fk_import_record(ctx, row);

	*ret_len = record.mc_service_id.size;
	return record.mc_service_id.at;
}

static const char *mcdata_id_of(const void *ctx, uint32_t row, size_t *ret_len)
{
	struct fk_record record = fk_import_record(ctx, row);

	*ret_len = record.mcdata_id.size;
	return record.mcdata_id.at;
}

enum fk_err fk_import_index_rows(struct fk_import *import)
{
	enum fk_err err = fk_name_index_new(1024, ue_id_of, import, &import->ue_ids);

	if (err == FK_OK)
		err = fk_name_index_new(1024, mc_service_id_of, import, &import->mc_service_ids);
	if (err == FK_OK)
		err = fk_name_index_new(1024, mcdata_id_of, import, &import->mcdata_ids);
	if (err != FK_OK)
		return err;
	import->rsis = calloc(FK_RSI_UNIT_MAX / 64 + 1, sizeof(*import->rsis));
	import->named = calloc(fk_fleet_n_pages(import->options.fleet) + 1, sizeof(*import->named));
	return import->rsis != NULL && import->named != NULL ? FK_OK : FK_ENOMEM;
}

static_assert(FK_STORE_PAGE_UES == 64, "a page of UEs has one word of 'named'");

bool fk_import_name_ue(struct fk_import *import, uint32_t ue_index)
{
	if (fk_import_names_ue(import, ue_index))
		return false;
	import->named[ue_index / 64] |= 1ull << ue_index % 64;
	import->n_named++;
	return true;
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

/* The UE is here, and what it was given is behind the number from which on it is to go on. */
static bool is_ahead(const struct fk_import *import, const struct fk_fleet_row *row)
{
	int64_t at = fk_keytable_find_rsi(fk_keytable_view(import->options.table), row->rsi);
	const struct fk_ue_numbers *numbers;

	if (at < 0)
		return false;
	numbers = fk_fleet_numbers(import->options.fleet, (uint32_t)at);
	return (uint16_t)(numbers->reserved_next - row->next_number) >= 0x8000;
}

bool fk_import_row_is_unique(struct fk_import *import, const struct fk_fleet_row *row)
{
	uint32_t n_before = import->n_errors;

	if (fk_name_index_find(import->ue_ids, row->ue_id.at, row->ue_id.len) >= 0)
		fk_import_complain(import, FK_COLUMN_UE_ID, "is in the file twice");
	if (fk_name_index_find(import->mc_service_ids, row->mc_service_id.at,
			       row->mc_service_id.len) >= 0)
		fk_import_complain(import, FK_COLUMN_MC_SERVICE_ID, "is in the file twice");
	if (fk_name_index_find(import->mcdata_ids, row->mcdata_id.at, row->mcdata_id.len) >= 0)
		fk_import_complain(import, FK_COLUMN_MCDATA_ID, "is in the file twice");
	if (rsi_is_taken(import, row->rsi))
		fk_import_complain(import, FK_COLUMN_RSI, "is in the file twice");
	else if (rsi_is_foreign(import, row))
		fk_import_complain(import, FK_COLUMN_RSI, FK_IMPORT_FOREIGN);
	if (row->has_next_number && is_ahead(import, row))
		fk_import_complain(import, FK_COLUMN_NEXT_NUMBER,
				   "is for a UE that is new here; fleet adopt takes one back");
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
		struct fk_import_row *rows = fk_bulk_realloc(import->rows, room * sizeof(*rows));

		if (rows == NULL)
			return FK_ENOMEM;
		import->rows = rows;
		import->n_rows_room = room;
	}
	return FK_OK;
}

static enum fk_err intern_names(struct fk_import *import, const struct fk_fleet_row *row,
				struct fk_record *record)
{
	enum fk_err err =
		fk_names_intern(import->meta.areas, row->area.at, row->area.len, &record->area_id);

	if (err == FK_EFULL)
		fk_import_complain(import, FK_COLUMN_AREA, "the file has more than 4096 areas");
	for (uint32_t i = 0; err == FK_OK && i < row->n_groups; i++) {
		err = fk_names_intern(import->meta.groups, row->groups[i].at, row->groups[i].len,
				      &record->group_ids[i]);
		if (err == FK_EFULL)
			fk_import_complain(import, FK_COLUMN_GROUPS,
					   "the file has more than 4096 groups");
	}
	return err;
}

/* A UE that is in two groups takes the keys of both: see group_plan.h. */
static bool groups_go_together(struct fk_import *import, const struct fk_fleet_row *row)
{
	char reason[160];
	uint32_t pair[2];

	if (fk_group_book_has_ckek_at(import->options.groups, row->groups, row->n_groups,
				      row->kek_sln)) {
		fk_import_complain(import, FK_COLUMN_KEK_SLN,
				   "is that of the CKEK of one of the UE's groups");
		return false;
	}
	if (!fk_group_book_clashes(import->options.groups, row->groups, row->n_groups, pair))
		return true;
	(void)snprintf(reason, sizeof(reason),
		       "the plans of %.*s and %.*s have an SLN in common, or other keysets: no UE "
		       "can be in both",
		       (int)row->groups[pair[0]].len, row->groups[pair[0]].at,
		       (int)row->groups[pair[1]].len, row->groups[pair[1]].at);
	fk_import_complain(import, FK_COLUMN_GROUPS, reason);
	return false;
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

enum fk_err fk_import_keep_row(struct fk_import *import, const struct fk_fleet_row *row,
			       int64_t by_ue_id)
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
		.takes = row->takes,
		.next_hop = (uint8_t)row->next_hop,
		.ue_generation = (uint8_t)import->meta.generation,
		.n_groups = (uint8_t)row->n_groups,
		.ue_id = record_text(row->ue_id),
		.mc_service_id = record_text(row->mc_service_id),
		.mcdata_id = record_text(row->mcdata_id),
		.sealed_keys = sealed,
	};
	struct fk_import_row *staged, kept;
	size_t size;
	enum fk_err err;

	if (!groups_go_together(import, row))
		return FK_EINVAL; /* reported */
	err = intern_names(import, row, &record);
	if (err == FK_EFULL)
		return FK_EINVAL; /* reported */
	if (import->n_rows >= FK_IMPORT_UES_MAX) {
		fk_import_add_error(import, import->line, "", "more than 16000000 UEs");
		import->is_broken = true;
		return FK_EINVAL;
	}
	if (err == FK_OK)
		err = make_room(import);
	if (err == FK_OK)
		err = fk_import_settle_keys(import, row, by_ue_id, &kept, record.own);
	if (err == FK_OK)
		err = fk_record_seal(import->options.keyring, import->meta.generation, &record,
				     row->keys, sealed);
	if (err == FK_OK)
		err = fk_record_encode(&record, import->heap + import->heap_size,
				       FK_RECORD_SIZE_MAX, &size);
	if (err != FK_OK)
		return err;
	staged = &import->rows[import->n_rows++];
	*staged = kept;
	staged->offset = import->heap_size;
	staged->size = (uint16_t)size;
	staged->shard = fk_store_shard_of(row->ue_id.at, row->ue_id.len);
	staged->line = (uint32_t)import->line;
	staged->has_next_number = row->has_next_number;
	staged->next_number = row->next_number;
	import->heap_size += size;
	import->n_kept += staged->old_index != FK_IMPORT_NOT_KEPT;
	import->n_without_ptek += !row->has_ptek;
	import->meta.mcdata_size += row->mcdata_id.len;
	import->meta.strings_size +=
		row->ue_id.len + row->mc_service_id.len + row->mcdata_id.len + 3;
	import->meta.n_memberships += row->n_groups;
	return index_row(import, row);
}

static struct fk_row_text row_text(const char *text)
{
	return (struct fk_row_text){text, strlen(text)};
}

enum fk_err fk_import_keep_ue(struct fk_import *import, uint32_t ue_index,
			      const struct fk_fleet_ue *ue)
{
	const struct fk_fleet *fleet = import->options.fleet;
	struct fk_fleet_row row = {
		.ue_id = row_text(ue->ue_id),
		.mc_service_id = row_text(ue->mc_service_id),
		.mcdata_id = row_text(ue->mcdata_id),
		.area = row_text(fk_fleet_area_name(fleet, ue->area_id)),
		.n_groups = ue->n_groups,
		.rsi = ue->rsi,
		.next_hop = ue->next_hop,
		.kek_sln = ue->kek_sln,
		.kek_key_id = ue->kek_key_id,
		.ptek_key_id = ue->ptek_key_id,
		.mnp = ue->mnp,
		.has_ptek = ue->has_ptek,
		.mac_kind = ue->mac_kind,
		.takes = ue->takes,
		.origins = {FK_KEY_KEPT, FK_KEY_KEPT},
	};
	enum fk_err err = fk_import_old_keys(import, ue_index, row.keys);

	for (uint32_t i = 0; i < ue->n_groups; i++)
		row.groups[i] = row_text(fk_fleet_group_name(fleet, ue->group_ids[i]));
	if (err == FK_OK)
		err = fk_import_keep_row(import, &row, ue_index);
	fk_fleet_row_wipe(&row);
	return err;
}
