/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/renew.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <fleetkey/kmm.h>
#include <fleetkey/secret.h>
#include <fleetkey/wire.h>

#include "fleet/page.h"
#include "fleet/record.h"
#include "keys/tek.h"

struct fk_renewer {
	struct fk_store *store;
	struct fk_keyring *keyring;
	/* Of the page that is renewed. */
	struct fk_fleet *fleet;
	uint64_t who;
	const uint16_t *key_ids;
	struct fk_reason *reason;
	size_t size;
	uint8_t octets[FK_PAGE_SIZE_MAX];
	struct fk_secret teks[FK_STORE_PAGE_UES];
};

enum fk_err fk_renewer_new(struct fk_store *store, struct fk_keyring *keyring,
			   struct fk_renewer **ret_renewer)
{
	struct fk_renewer *renewer = calloc(1, sizeof(*renewer));

	if (renewer == NULL)
		return FK_ENOMEM;
	renewer->store = store;
	renewer->keyring = keyring;
	*ret_renewer = renewer;
	return FK_OK;
}

void fk_renewer_free(struct fk_renewer *renewer)
{
	free(renewer); /* its keys were wiped when they were in place */
}

/* A record with another protection TEK: the same size, since names and groups stay. */
static enum fk_err renew_record(struct fk_renewer *renewer, uint32_t i, const uint8_t *octets,
				uint16_t size, uint8_t *ret_octets)
{
	uint64_t generation = fk_fleet_generation(renewer->fleet);
	uint8_t keys[FK_RECORD_KEYS_SIZE], sealed[FK_RECORD_SEALED_SIZE];
	struct fk_record record;
	size_t new_size = 0;
	enum fk_err err = fk_record_decode(octets, size, &record);

	if (err != FK_OK)
		return FK_EFORMAT;
	err = fk_record_unseal(renewer->keyring, generation, &record, keys);
	if (err == FK_OK)
		err = fk_tek_generate(&renewer->teks[i]);
	if (err == FK_OK) {
		memcpy(keys + FK_RECORD_KEYS_SIZE / 2, renewer->teks[i].octets,
		       FK_RECORD_KEYS_SIZE / 2);
		record.ptek_key_id = renewer->key_ids[i];
		record.ptek_algorithm_id = FK_ALGORITHM_AES_256;
		err = fk_record_seal(renewer->keyring, generation, &record, keys, sealed);
	}
	fk_wipe(keys, sizeof(keys));
	record.sealed_keys = sealed;
	if (err == FK_OK)
		err = fk_record_encode(&record, ret_octets, size, &new_size);
	return err == FK_OK && new_size != size ? FK_EFORMAT : err;
}

static enum fk_err take_page(void *ctx, uint32_t index, const uint8_t *octets, size_t size)
{
	struct fk_renewer *renewer = ctx;
	uint64_t generation = fk_fleet_generation(renewer->fleet);
	uint32_t version = fk_fleet_page_versions(renewer->fleet)[index];
	struct fk_wire_writer w =
		fk_page_begin(renewer->octets, sizeof(renewer->octets), version + 1);
	struct fk_wire_reader r;
	enum fk_err err = fk_page_open(renewer->keyring, generation, index, version, octets, size,
				       &r, renewer->reason);

	for (uint32_t i = 0; err == FK_OK && i < FK_STORE_PAGE_UES; i++) {
		uint16_t record_size = fk_wire_get_u16(&r);
		const uint8_t *record = fk_wire_get_bytes(&r, record_size);
		uint8_t *copy;

		fk_wire_put_u16(&w, record_size);
		copy = fk_wire_take(&w, record_size);
		if (r.failed || copy == NULL || (record_size == 0 && (renewer->who >> i & 1) != 0))
			err = FK_EFORMAT;
		else if ((renewer->who >> i & 1) != 0)
			err = renew_record(renewer, i, record, record_size, copy);
		else if (record_size > 0)
			memcpy(copy, record, record_size);
		if (err != FK_OK)
			fk_reason_set(renewer->reason, "fleet %" PRIu64 ", page %u: %s", generation,
				      index, fk_err_text(err));
	}
	if (err == FK_OK)
		err = fk_page_end(renewer->keyring, generation, index, &w, &renewer->size);
	return err;
}

/* A UE that was not reached yet is known by its mark, also after a crash. It stays when the write
 * fails, since the store may have it: to be sent the key that it has does a UE no harm. */
static void put_marks(struct fk_renewer *renewer, uint32_t page)
{
	uint8_t octets[FK_NUMBERS_PAGE_SIZE];

	for (uint64_t left = renewer->who; left != 0; left &= left - 1) {
		uint32_t ue_index = page * FK_STORE_PAGE_UES + (uint32_t)__builtin_ctzll(left);

		fk_fleet_numbers(renewer->fleet, ue_index)->needs_warm_start = 1;
	}
	fk_fleet_encode_numbers_page(renewer->fleet, page, octets);
	fk_store_batch_put_numbers_page(renewer->store, fk_fleet_generation(renewer->fleet),
					fk_fleet_page_shards(renewer->fleet)[page], page, octets,
					sizeof(octets));
}

/* Page, list of versions and marks in one transaction. The version is raised before, and stays so
 * if the write fails, until the store was asked. */
static enum fk_err write_page(struct fk_renewer *renewer, uint32_t page)
{
	uint64_t generation = fk_fleet_generation(renewer->fleet);
	uint32_t n_pages = fk_fleet_n_pages(renewer->fleet);
	uint32_t *versions = fk_fleet_page_versions(renewer->fleet);
	const uint8_t *shards = fk_fleet_page_shards(renewer->fleet);
	size_t cap = n_pages * 4ull + FK_PAGE_MAC_SIZE, size;
	char name[FK_PAGE_VERSIONS_NAME];
	uint8_t *octets = malloc(cap);
	enum fk_err err;

	if (octets == NULL)
		return FK_ENOMEM;
	fk_fleet_doubt_versions(renewer->fleet, true);
	versions[page]++;
	err = fk_page_versions_encode(renewer->keyring, generation, shards[page], shards, n_pages,
				      versions, name, octets, cap, &size);
	if (err == FK_OK) {
		fk_store_batch_begin(renewer->store);
		fk_store_batch_put_fleet_page(renewer->store, generation, shards[page], page,
					      renewer->octets, renewer->size);
		fk_store_batch_put_fleet_field(renewer->store, generation, name, octets, size);
		put_marks(renewer, page);
		err = fk_store_batch_commit(renewer->store);
	}
	free(octets);
	if (err == FK_OK)
		fk_fleet_doubt_versions(renewer->fleet, false);
	return err;
}

static void put_in_force(struct fk_renewer *renewer, struct fk_keytable_file *table, uint32_t page)
{
	for (uint64_t left = renewer->who; left != 0; left &= left - 1) {
		uint32_t i = (uint32_t)__builtin_ctzll(left);
		uint32_t ue_index = page * FK_STORE_PAGE_UES + i;

		fk_keytable_renew_ptek(table, ue_index, renewer->teks[i].octets,
				       renewer->key_ids[i]);
		fk_fleet_set_ptek(renewer->fleet, ue_index, renewer->key_ids[i]);
	}
}

enum fk_err fk_renew_page(struct fk_renewer *renewer, struct fk_fleet *fleet,
			  struct fk_keytable_file *table, uint32_t page, uint64_t who,
			  const uint16_t key_ids[static FK_STORE_PAGE_UES],
			  struct fk_reason *reason)
{
	const uint8_t *shards = fk_fleet_page_shards(fleet);
	enum fk_err err = FK_OK;

	renewer->fleet = fleet;
	renewer->who = who;
	renewer->key_ids = key_ids;
	renewer->reason = reason;
	if (fk_fleet_doubts_versions(fleet))
		err = fk_page_versions_read(
			renewer->keyring, renewer->store, fk_fleet_generation(fleet), shards,
			fk_fleet_n_pages(fleet), fk_fleet_page_versions(fleet), reason);
	if (err == FK_OK) {
		fk_fleet_doubt_versions(fleet, false);
		err = fk_store_read_fleet_pages(renewer->store, fk_fleet_generation(fleet), shards,
						page, 1, take_page, renewer);
	}
	if (err == FK_OK)
		err = write_page(renewer, page);
	if (err == FK_OK)
		put_in_force(renewer, table, page);
	else if (err == FK_ESTORE)
		fk_reason_set(reason, "%s", fk_store_last_error(renewer->store));
	fk_wipe(renewer->teks, sizeof(renewer->teks));
	return err;
}
