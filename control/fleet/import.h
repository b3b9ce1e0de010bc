/* SPDX-License-Identifier: Apache-2.0 */
/*
 * import.h - makes a new fleet generation out of a fleet file, all of it or nothing.
 *
 * Feed the file as it arrives, CSV or NDJSON; rows are checked one by one and their keys sealed at
 * once. Nothing is written before the last row was found good; then the pages are staged and one
 * step puts the new generation in force. The file is the whole fleet, or, by its mode, UEs that are
 * added or changed, or UEs that are removed; then the others go over into the new generation as
 * they are. An RSI keeps its message numbers through all of it. An RSI or an MC service ID that
 * another UE has in the fleet in force is refused unless it is said that it moves: it is how a
 * mistyped row would take over another radio.
 *
 *   begin -> feed* -> check -> compare* -> stage* -> publish -> fk_fleet_load(), free
 *
 * Threads: belongs to one thread. Memory: plain keys live from parsing to sealing of their row,
 * then they are wiped; everything else is freed by fk_import_free(), at any point.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>

#include "config/config.h"
#include "fleet/fleet.h"
#include "fleet/group_book.h"
#include "fleet/keytable.h"
#include "keys/key_store.h"
#include "keys/keyring.h"
#include "reason.h"
#include "store/store.h"

#define FK_IMPORT_ERRORS_MAX 100      /* then the import stops reading */
#define FK_IMPORT_UES_MAX    16000000 /* rows; ue_index has 24 bits */

struct fk_import; /* layout is in import_private.h */

struct fk_import_error {
	uint64_t line;	 /* of the file, from 1; 0: the file as a whole */
	char column[32]; /* empty: the row as a whole */
	char reason[160];
};

enum fk_import_mode {
	FK_IMPORT_REPLACE, /* the file is the fleet */
	FK_IMPORT_UPDATE,  /* a row adds its UE, or stands in place of what was there under its id;
			      key columns may be missing or empty where the UE keeps its keys */
	FK_IMPORT_REMOVE,  /* a row removes its UE; the column ue_id is enough */
};

/* Borrowed until fk_import_free(). 'fleet' and 'table' are those in force. */
struct fk_import_options {
	const struct fk_config *config;
	struct fk_store *store;
	struct fk_keyring *keyring;
	struct fk_key_store *keys; /* where the transport key is; NULL: there is none */
	const struct fk_group_book
		*groups; /* whose plans have to go together in each UE; or NULL */
	struct fk_fleet *fleet;
	const struct fk_keytable_file *table;
	enum fk_import_mode mode;
	bool allow_plain_keys;
	bool keeps_roster;   /* of the fleet in force, since a ledger names its UEs (roster.h) */
	bool allow_reassign; /* an RSI or MC service ID may move from one UE to another */
};

struct fk_import_result {
	uint64_t generation;
	uint32_t n_ues, n_pages;
	uint32_t n_added, n_updated, n_removed; /* by UE id, against the fleet before */
	uint32_t n_kept;			/* UEs that keep their message numbers */
	uint32_t n_without_ptek;		/* UEs that a rekey will exclude */
};

/*
 * Wrapped keys are opened with the transport key that is in force now. On FK_OK the caller owns
 * '*ret_import'. Returns FK_ESTORE; FK_ENOMEM; FK_EAUTH or FK_EFORMAT if the stored transport key
 * does not open.
 */
FK_MUST_USE enum fk_err fk_import_begin(const struct fk_import_options *options,
					struct fk_import **ret_import);
/*
 * Takes the next octets of the file. Row errors are collected, not returned. Returns FK_OK;
 * FK_EINVAL once FK_IMPORT_ERRORS_MAX errors are there or the header is bad: feeding more is
 * useless; FK_ENOMEM; FK_ESELFTEST.
 */
FK_MUST_USE enum fk_err fk_import_feed(struct fk_import *import, const void *octets, size_t size);
/* Ends the file. Returns FK_OK if every row is good; FK_EINVAL: see fk_import_errors(). */
FK_MUST_USE enum fk_err fk_import_check(struct fk_import *import);
/*
 * Holds up to 'n_slots' UEs of the fleet in force against the file, and takes over those that stay;
 * call until '*ret_done'. Returns FK_OK; FK_EINVAL: see fk_import_errors(); FK_ESTORE; FK_ENOMEM.
 */
FK_MUST_USE enum fk_err fk_import_compare(struct fk_import *import, uint32_t n_slots,
					  bool *ret_done);
/* Writes up to 'n_pages' pages of the new generation; call until '*ret_done'. FK_OK or FK_ESTORE.
 */
FK_MUST_USE enum fk_err fk_import_stage(struct fk_import *import, uint32_t n_pages, bool *ret_done);
/*
 * Puts the new generation in force. Returns FK_OK; FK_ESTALE if another import came first;
 * FK_ESTORE.
 */
FK_MUST_USE enum fk_err fk_import_publish(struct fk_import *import,
					  struct fk_import_result *ret_result);
/* check, compare, stage and publish in one call; it blocks for seconds if the fleet is large. */
FK_MUST_USE enum fk_err fk_import_finish(struct fk_import *import,
					 struct fk_import_result *ret_result);
/* How far it is: rows that were read, and pages staged of all. */
struct fk_import_progress {
	uint32_t n_rows, n_pages_staged, n_pages;
};
void fk_import_progress(const struct fk_import *import, struct fk_import_progress *ret_progress);
/* The errors so far, in the order of the file; borrowed until the import is fed again or freed. */
const struct fk_import_error *fk_import_errors(const struct fk_import *import, uint32_t *ret_n);
/* Staged pages of an import that was not published are removed by fk_store_sweep_fleets(). */
void fk_import_free(struct fk_import *import);
