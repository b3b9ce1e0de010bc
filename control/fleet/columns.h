/* SPDX-License-Identifier: Apache-2.0 */
/*
 * columns.h - the columns of a fleet file, and what may stand in them.
 *
 * Threads: everything here is pure. Memory: a row borrows the text of the fields; its keys are its
 * own and are wiped by fk_fleet_row_wipe().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>

#include "config/config.h"
#include "fleet/csv.h"
#include "fleet/fleet.h"
#include "keys/transport_key.h"

#define FK_COLUMN_MAP(X)                \
	X(UE_ID, ue_id)                 \
	X(MC_SERVICE_ID, mc_service_id) \
	X(MCDATA_ID, mcdata_id)         \
	X(LMR_TYPE, lmr_type)           \
	X(RSI, rsi)                     \
	X(NEXT_HOP, next_hop)           \
	X(AREA, area)                   \
	X(GROUPS, groups)               \
	X(KEK_SLN, kek_sln)             \
	X(KEK_KEY_ID, kek_key_id)       \
	X(KEK_ALG, kek_alg)             \
	X(KEK, kek)                     \
	X(PTEK_KEY_ID, ptek_key_id)     \
	X(PTEK_ALG, ptek_alg)           \
	X(PTEK, ptek)                   \
	X(MAC, mac)                     \
	X(MNP, mnp)                     \
	X(MAX_KMM, max_kmm)             \
	X(MAX_KEYS, max_keys)           \
	X(KEYSETS, keysets)             \
	X(OUTER, outer)                 \
	X(OWNER_KMF, owner_kmf)         \
	X(NEXT_NUMBER, next_number)

enum fk_column {
#define X(column, name) FK_COLUMN_##column,
	FK_COLUMN_MAP(X)
#undef X
	FK_COLUMNS
};

/* A file may lack the columns from here on, and their fields may be empty: what a UE takes that
 * says nothing is what P25 allows. */
#define FK_COLUMNS_REQUIRED FK_COLUMN_MAX_KMM
/* An export ends before this one: those behind say how a UE came from another KMF, once. */
#define FK_COLUMNS_EXPORTED FK_COLUMN_OWNER_KMF

#define FK_UKEK_SLN_MIN 61440 /* P25: SLNs of UKEKs are $F000 and above */
#define FK_MNP_MAX	32767

/* Name of a column as it stands in the header. Never NULL. */
const char *fk_column_name(enum fk_column column);
/* The column of that name, or -1. */
int fk_column_find(const char *name);

/* True if the text is a name, of 1 to 'max' characters: of a UE, a group or an area. */
bool fk_is_name(const char *text, size_t len, size_t max);

/* Text of a field: borrowed, not NUL-terminated when it is a part. */
struct fk_row_text {
	const char *at;
	size_t len;
};

#define FK_KEY_KEPT 0 /* as an origin: the key that the UE has */

struct fk_fleet_row {
	struct fk_row_text ue_id, mc_service_id, mcdata_id, area;
	struct fk_row_text groups[FK_UE_GROUPS_MAX];
	uint32_t n_groups;
	uint32_t rsi;
	uint32_t next_hop; /* index into the configuration's next hops */
	uint16_t kek_sln, kek_key_id, ptek_key_id, mnp;
	bool has_ptek, has_next_number;
	uint16_t next_number; /* from which on the KMF said that has released it */
	uint8_t mac_kind;
	struct fk_ue_capability takes;
	uint8_t keys[64];	      /* KEK, then protection TEK */
	uint8_t origins[FK_OWN_KEYS]; /* enum fk_key_origin, or FK_KEY_KEPT */
};

/* Takes one complaint. 'reason' is a fixed text: it never shows the value. */
typedef void (*fk_row_error_fn)(void *ctx, enum fk_column column, const char *reason);

/* How a row's fields are to be taken. All borrowed. */
struct fk_row_rules {
	const struct fk_config *config;
	struct fk_transport_key *transport_key; /* opens wrapped keys; NULL: there is none */
	bool allow_plain_keys;
	const struct fk_ue_slot *old; /* whose keys stand for fields that are empty; NULL: nobody's
				       */
};

/*
 * Reads the fields, ordered by enum fk_column, into 'ret_row'; those from FK_COLUMNS_REQUIRED on
 * may be NULL. A key is 80 hex digits, wrapped under the transport key, or 64, plain, where that is
 * allowed, or empty where the UE keeps it. Key text is wiped in place whatever happens. Each wrong
 * column is reported once. Returns FK_OK, or FK_EINVAL if anything was reported; then the row holds
 * no keys.
 */
FK_MUST_USE enum fk_err fk_fleet_row_parse(struct fk_csv_field *const fields[static FK_COLUMNS],
					   const struct fk_row_rules *rules,
					   fk_row_error_fn complain, void *ctx,
					   struct fk_fleet_row *ret_row);
void fk_fleet_row_wipe(struct fk_fleet_row *row);
