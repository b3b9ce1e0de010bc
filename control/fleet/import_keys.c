/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of a UE's own keys in an import: those it keeps stay what they are, others are new,
 * and one that is compromised does not come back. A compromised key is in the sealed record alone,
 * so that is where a row's key is held against it.
 */
#include <inttypes.h>
#include <string.h>

#include <fleetkey/kmm.h>
#include <fleetkey/secret.h>

#include "fleet/import_private.h"
#include "fleet/rewrite.h"

/* The record of one UE, as it is stored. */
struct search {
	struct fk_import *import;
	uint32_t slot; /* in its page */
	uint8_t *keys;
	struct fk_reason reason;
};

static enum fk_err open_record(struct search *search, const uint8_t *octets, size_t size,
			       uint8_t layout)
{
	const struct fk_import *import = search->import;
	struct fk_record record;
	enum fk_err err = fk_record_decode(octets, size, layout, &record);

	if (err != FK_OK)
		return FK_EFORMAT;
	return fk_record_unseal(import->options.keyring, fk_fleet_generation(import->options.fleet),
				&record, search->keys);
}

static enum fk_err search_page(void *ctx, uint32_t page, const uint8_t *octets, size_t size)
{
	struct search *search = ctx;
	struct fk_fleet *fleet = search->import->options.fleet;
	struct fk_wire_reader r;
	uint8_t layout;
	enum fk_err err = fk_page_open(search->import->options.keyring, fk_fleet_generation(fleet),
				       page, fk_fleet_page_versions(fleet)[page], octets, size, &r,
				       &layout, &search->reason);

	for (uint32_t i = 0; err == FK_OK && i <= search->slot; i++) {
		uint16_t record_size = fk_wire_get_u16(&r);
		const uint8_t *record = fk_wire_get_bytes(&r, record_size);

		if (r.failed)
			return FK_EFORMAT;
		if (i == search->slot)
			err = open_record(search, record, record_size, layout);
	}
	return err;
}

enum fk_err fk_import_old_keys(struct fk_import *import, uint32_t ue_index,
			       uint8_t ret_keys[static FK_RECORD_KEYS_SIZE])
{
	struct fk_fleet *fleet = import->options.fleet;
	const struct fk_ue_slot *slot =
		&fk_keytable_ues(fk_keytable_view(import->options.table))[ue_index];
	struct search search = {
		.import = import, .slot = ue_index % FK_STORE_PAGE_UES, .keys = ret_keys};
	enum fk_err err;

	if (!fk_import_has_compromised(import, ue_index)) {
		memcpy(ret_keys, slot->kek, sizeof(slot->kek));
		memcpy(ret_keys + sizeof(slot->kek), slot->ptek, sizeof(slot->ptek));
		return FK_OK;
	}
	err = fk_fleet_settle_versions(fleet, import->options.store, import->options.keyring,
				       &search.reason);
	if (err == FK_OK)
		err = fk_store_read_fleet_pages(import->options.store, fk_fleet_generation(fleet),
						fk_fleet_page_shards(fleet),
						ue_index / FK_STORE_PAGE_UES, 1, search_page,
						&search);
	return err;
}

/* A UE of the fleet in force that the row may be about: by its id, or by its RSI. */
struct candidate {
	bool is_there;
	struct fk_fleet_ue ue;
	uint8_t keys[FK_RECORD_KEYS_SIZE];
};

static enum fk_err find_candidate(struct fk_import *import, int64_t ue_index,
				  struct candidate *candidate)
{
	candidate->is_there = ue_index >= 0 && fk_fleet_get(import->options.fleet,
							    (uint32_t)ue_index, &candidate->ue);
	return candidate->is_there ? fk_import_old_keys(import, (uint32_t)ue_index, candidate->keys)
				   : FK_OK;
}

static bool has_octets(const struct candidate *c, const struct fk_fleet_row *row,
		       enum fk_own_key_kind kind)
{
	size_t at = kind * FK_RECORD_KEYS_SIZE / FK_OWN_KEYS;

	return c->is_there && c->ue.own[kind].state != 0 &&
	       fk_ct_equal(c->keys + at, row->keys + at, FK_RECORD_KEYS_SIZE / FK_OWN_KEYS);
}

static bool has_key(const struct candidate *c, const struct fk_fleet_row *row,
		    enum fk_own_key_kind kind)
{
	if (kind == FK_OWN_PTEK && !row->has_ptek)
		return false;
	return has_octets(c, row, kind) &&
	       (kind == FK_OWN_KEK ? c->ue.kek_key_id == row->kek_key_id
				   : c->ue.ptek_key_id == row->ptek_key_id);
}

#define CANDIDATES 2

/* False, and complained about, if the row brings a key back that is compromised. */
static bool settle(struct fk_import *import, const struct candidate candidates[static CANDIDATES],
		   const struct fk_fleet_row *row, enum fk_own_key_kind kind,
		   struct fk_own_key *ret_own)
{
	const struct fk_config *config = import->options.config;
	uint32_t cryptoperiod_s = kind == FK_OWN_KEK ? config->keys.kek_cryptoperiod_s
						     : config->keys.ptek_cryptoperiod_s;
	const struct fk_own_key *kept = NULL;
	uint16_t version = 0;

	for (uint32_t i = 0; i < CANDIDATES; i++) {
		const struct candidate *c = &candidates[i];
		const struct fk_own_key *own = &c->ue.own[kind];

		if (!c->is_there)
			continue;
		if (row->origins[kind] != FK_KEY_KEPT && fk_own_key_is_compromised(own) &&
		    has_octets(c, row, kind)) {
			fk_import_complain(import,
					   kind == FK_OWN_KEK ? FK_COLUMN_KEK : FK_COLUMN_PTEK,
					   "is the key of this UE that is compromised: it needs "
					   "another one");
			return false;
		}
		if (own->version > version)
			version = own->version;
		if (kept == NULL && has_key(c, row, kind))
			kept = own;
	}
	if (kind == FK_OWN_PTEK && !row->has_ptek)
		*ret_own = (struct fk_own_key){.version = version};
	else if (kept != NULL)
		*ret_own = *kept;
	else
		*ret_own =
			fk_own_key_new(row->origins[kind], version, import->now_s, cryptoperiod_s);
	return true;
}

enum fk_err fk_import_settle_keys(struct fk_import *import, const struct fk_fleet_row *row,
				  int64_t by_ue_id, struct fk_import_row *staged,
				  struct fk_own_key ret_own[static FK_OWN_KEYS])
{
	const struct fk_keytable *table = fk_keytable_view(import->options.table);
	int64_t by_rsi = fk_keytable_find_rsi(table, row->rsi);
	struct candidate c[CANDIDATES] = {0};
	bool is_good = true;
	enum fk_err err = find_candidate(import, by_ue_id, &c[0]);

	if (err == FK_OK)
		err = find_candidate(import, by_rsi, &c[1]);
	for (int kind = 0; err == FK_OK && kind < FK_OWN_KEYS; kind++)
		is_good &= settle(import, c, row, (enum fk_own_key_kind)kind, &ret_own[kind]);
	staged->old_index = err == FK_OK && c[1].is_there ? (uint32_t)by_rsi : FK_IMPORT_NOT_KEPT;
	staged->keeps_inbound = err == FK_OK && has_key(&c[1], row, FK_OWN_PTEK);
	staged->keeps_keys = staged->keeps_inbound && has_key(&c[1], row, FK_OWN_KEK);
	fk_wipe(c, sizeof(c));
	if (err == FK_OK && !is_good)
		err = FK_EINVAL;
	return err;
}
