/* SPDX-License-Identifier: Apache-2.0 */
/*
 * import_private.h - the import's inside, shared by import.c (the file and its life), import_rows.c
 * (good rows, packed), import_keys.c (what becomes of UEs' keys) and import_stage.c (what the store
 * gets). Nobody else includes it.
 */
#pragma once

#include "fleet/columns.h"
#include "fleet/csv.h"
#include "fleet/fleet_meta.h"
#include "fleet/import.h"
#include "fleet/name_index.h"
#include "fleet/ndjson.h"
#include "fleet/page.h"
#include "fleet/record.h"

#define FK_IMPORT_NOT_KEPT UINT32_MAX
/* Of an RSI or MC service ID that another UE has. */
#define FK_IMPORT_FOREIGN \
	"belongs to another UE of the fleet in force; --reassign allows it to move"

/* Of an RSI, MC service ID or MCData ID of a UE that an update leaves as it is. */
#define FK_IMPORT_STAYS "belongs to another UE, which the file would have to change as well"

/* One good row: its packed record, with sealed keys, in the heap. */
struct fk_import_row {
	uint64_t offset;    /* of the record in the heap */
	uint32_t old_index; /* of the UE with this RSI in the fleet in force; else
			       FK_IMPORT_NOT_KEPT */
	uint32_t line;	    /* of the file */
	uint16_t size;
	uint8_t shard;
	bool keeps_inbound; /* it has the protection TEK that it had */
	bool keeps_keys;    /* and the KEK: nobody has filled it anew */
	bool has_next_number;
	uint16_t next_number; /* where it begins, if its RSI is new here */
};

/* Of the file, by its first character. */
enum fk_import_format {
	FK_IMPORT_FORMAT_UNKNOWN,
	FK_IMPORT_CSV,
	FK_IMPORT_NDJSON
};

struct fk_import {
	struct fk_import_options options;
	struct fk_fleet_meta meta;
	struct fk_row_rules rules; /* its transport key is ours */
	struct fk_ue_slot old;	   /* of the row being read: keys that the key table lacks */
	uint32_t now_s;		   /* since 1970: when the keys came */
	struct fk_csv *csv;
	struct fk_ndjson *ndjson;
	enum fk_import_format format;
	bool has_header, is_broken, is_checked, is_compared;
	uint32_t n_slots_compared; /* of the fleet in force */
	int column_at[FK_COLUMNS]; /* field of each column in this file */
	uint32_t n_columns;
	uint64_t line; /* of the row being read; 0: of a UE that stays */
	struct fk_import_error errors[FK_IMPORT_ERRORS_MAX];
	uint32_t n_errors;

	uint8_t *heap;
	uint64_t heap_size, heap_room;
	struct fk_import_row *rows;
	uint32_t n_rows, n_rows_room;
	uint32_t n_file_rows; /* those of the file; behind them come UEs that stay */
	struct fk_name_index *ue_ids, *mc_service_ids, *mcdata_ids;
	uint64_t *rsis;	 /* a bit for each RSI */
	uint64_t *named; /* a bit for each UE of the fleet in force that the file names */
	uint32_t n_named;
	uint32_t n_kept, n_without_ptek;

	uint32_t *order;       /* rows, shard by shard */
	uint32_t *page_starts; /* first entry in 'order' of each page, and the end: n_pages + 1 */
	uint32_t n_pages_staged, n_slots_retired;
	uint32_t n_roster_pages; /* put; of the fleet in force */
	uint8_t page_buf[FK_PAGE_SIZE_MAX];
};

/* Keeps one error; of more than FK_IMPORT_ERRORS_MAX those that come first in the file. */
void fk_import_add_error(struct fk_import *import, uint64_t line, const char *column,
			 const char *reason);
/* The same for the row being read; a fk_row_error_fn whose ctx is the import. */
void fk_import_complain(void *import, enum fk_column column, const char *reason);

/* The three indexes of names and the set of RSIs. FK_OK or FK_ENOMEM; the import owns them. */
FK_MUST_USE enum fk_err fk_import_index_rows(struct fk_import *import);
/* A row that was kept, read back. Borrowed until the next row is kept. */
struct fk_record fk_import_record(const struct fk_import *import, uint32_t row);
/* False, and complained about, if another row, or another UE, has a value of this one already. */
bool fk_import_row_is_unique(struct fk_import *import, const struct fk_fleet_row *row);
/* Notes that the file names this UE of the fleet in force. False if it had before. */
bool fk_import_name_ue(struct fk_import *import, uint32_t ue_index);
static inline bool fk_import_names_ue(const struct fk_import *import, uint32_t ue_index)
{
	return (import->named[ue_index / 64] >> ue_index % 64 & 1) != 0;
}
/* Takes a UE of the fleet in force over as it is. Results as fk_import_keep_row(). */
FK_MUST_USE enum fk_err fk_import_keep_ue(struct fk_import *import, uint32_t ue_index,
					  const struct fk_fleet_ue *ue);
/* Packs a good row, with its keys under seal, behind the rows that are there. 'by_ue_id' is where
 * the UE of that id stands in the fleet in force, or -1. Returns FK_OK; FK_EINVAL if that was
 * complained about; FK_ENOMEM; FK_ESELFTEST; what fk_import_old_keys() returns. */
FK_MUST_USE enum fk_err fk_import_keep_row(struct fk_import *import, const struct fk_fleet_row *row,
					   int64_t by_ue_id);

/* True if a key of that UE of the fleet in force is compromised: the key table does not have it. */
static inline bool fk_import_has_compromised(const struct fk_import *import, uint32_t ue_index)
{
	const struct fk_own_key *kek, *ptek;

	kek = fk_fleet_own_key(import->options.fleet, ue_index, FK_OWN_KEK);
	ptek = fk_fleet_own_key(import->options.fleet, ue_index, FK_OWN_PTEK);
	return kek != NULL && (fk_own_key_is_compromised(kek) || fk_own_key_is_compromised(ptek));
}
/* The keys of a UE of the fleet in force, KEK and protection TEK, those that are compromised
 * included. The caller wipes them. Returns FK_OK; FK_ESTORE; FK_EAUTH, FK_ESTALE or FK_EFORMAT if
 * its page does not open. */
FK_MUST_USE enum fk_err fk_import_old_keys(struct fk_import *import, uint32_t ue_index,
					   uint8_t ret_keys[static FK_RECORD_KEYS_SIZE]);
/*
 * What is known of the row's keys, and where its RSI stands in the fleet in force: 'staged' gets
 * old_index and what is kept. Whatever else has changed, an RSI goes on with its outbound numbers:
 * one that was used under a protection TEK is never used under it again. With another protection
 * TEK no old answer verifies, and the radio may have begun to count anew. FK_EINVAL, and it is
 * complained about, if a key comes back that is compromised; else as fk_import_old_keys().
 */
FK_MUST_USE enum fk_err fk_import_settle_keys(struct fk_import *import,
					      const struct fk_fleet_row *row, int64_t by_ue_id,
					      struct fk_import_row *staged,
					      struct fk_own_key ret_own[static FK_OWN_KEYS]);
/* Gives the rows their places, page by page. FK_OK or FK_ENOMEM. */
FK_MUST_USE enum fk_err fk_import_order_rows(struct fk_import *import);
