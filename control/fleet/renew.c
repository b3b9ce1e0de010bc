/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/renew.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <fleetkey/kmm.h>
#include <fleetkey/secret.h>
#include <fleetkey/wire.h>

#include "fleet/rewrite.h"
#include "keys/tek.h"

/* What is done to the UEs. */
enum work {
	RENEW,	    /* another protection TEK */
	COMPROMISE, /* their key of one kind is */
};

struct fk_renewer {
	struct fk_store *store;
	struct fk_keyring *keyring;
	/* Of the page that is written. */
	struct fk_fleet *fleet;
	enum work work;
	uint64_t who;
	uint64_t n_found;
	const uint16_t *key_ids;		  /* RENEW */
	uint32_t now_s, cryptoperiod_s;		  /* RENEW */
	enum fk_own_key_kind kind;		  /* whose 'own' is about */
	struct fk_own_key own[FK_STORE_PAGE_UES]; /* what is known of the keys then */
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

static bool wants(void *ctx, uint32_t slot, const struct fk_record *record)
{
	struct fk_renewer *renewer = ctx;
	bool is_wanted = (renewer->who >> slot & 1) != 0;

	(void)record;
	renewer->n_found += is_wanted;
	return is_wanted;
}

static enum fk_err renew_record(struct fk_renewer *renewer, uint32_t slot, struct fk_record *record,
				uint8_t keys[static FK_RECORD_KEYS_SIZE])
{
	struct fk_own_key *own = &record->own[FK_OWN_PTEK];
	enum fk_err err = fk_tek_generate(&renewer->teks[slot]);

	if (err != FK_OK)
		return err;
	memcpy(keys + FK_RECORD_KEYS_SIZE / 2, renewer->teks[slot].octets, FK_RECORD_KEYS_SIZE / 2);
	record->ptek_key_id = renewer->key_ids[slot];
	record->ptek_algorithm_id = FK_ALGORITHM_AES_256;
	*own = fk_own_key_new(FK_KEY_WARM_START, own->version, renewer->now_s,
			      renewer->cryptoperiod_s);
	return FK_OK;
}

static enum fk_err change(void *ctx, uint32_t slot, struct fk_record *record,
			  uint8_t keys[static FK_RECORD_KEYS_SIZE])
{
	struct fk_renewer *renewer = ctx;
	struct fk_own_key *own = &record->own[renewer->kind];
	enum fk_err err = FK_OK;

	if (renewer->work == RENEW)
		err = renew_record(renewer, slot, record, keys);
	else if (own->state == 0)
		err = FK_EFORMAT; /* the fleet in memory says that there is one */
	else
		own->state = FK_LIFE_COMPROMISED;
	renewer->own[slot] = *own;
	return err;
}

static enum fk_err take_page(void *ctx, uint32_t index, const uint8_t *octets, size_t size)
{
	struct fk_renewer *renewer = ctx;
	const struct fk_rewrite how = {.wants = wants, .change = change, .ctx = renewer};

	renewer->n_found = 0;
	return fk_page_rewrite(renewer->keyring, fk_fleet_generation(renewer->fleet), index,
			       fk_fleet_page_versions(renewer->fleet)[index], octets, size, &how,
			       renewer->octets, &renewer->size, renewer->reason);
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
		if (renewer->work == RENEW)
			put_marks(renewer, page);
		err = fk_store_batch_commit(renewer->store);
	}
	free(octets);
	if (err == FK_OK)
		fk_fleet_doubt_versions(
			renewer->fleet,
			!fk_page_versions_witness(renewer->store, generation, versions, n_pages));
	return err;
}

static void put_in_force(struct fk_renewer *renewer, struct fk_keytable_file *table, uint32_t page)
{
	for (uint64_t left = renewer->who; left != 0; left &= left - 1) {
		uint32_t i = (uint32_t)__builtin_ctzll(left);
		uint32_t ue_index = page * FK_STORE_PAGE_UES + i;

		fk_keytable_renew_ptek(table, ue_index, renewer->teks[i].octets,
				       renewer->key_ids[i]);
		fk_fleet_set_ptek(renewer->fleet, ue_index, renewer->key_ids[i], &renewer->own[i]);
	}
}

/* Reads the page, changes what was asked for, and writes it. */
static enum fk_err rewrite_page(struct fk_renewer *renewer, uint32_t page)
{
	struct fk_fleet *fleet = renewer->fleet;
	enum fk_err err =
		fk_fleet_settle_versions(fleet, renewer->store, renewer->keyring, renewer->reason);

	if (err == FK_OK)
		err = fk_store_read_fleet_pages(renewer->store, fk_fleet_generation(fleet),
						fk_fleet_page_shards(fleet), page, 1, take_page,
						renewer);
	if (err == FK_OK && renewer->n_found != (uint64_t)__builtin_popcountll(renewer->who)) {
		fk_reason_set(renewer->reason, "fleet %" PRIu64 ", page %u: a UE is missing",
			      fk_fleet_generation(fleet), page);
		err = FK_EFORMAT;
	}
	if (err == FK_OK)
		err = write_page(renewer, page);
	if (err == FK_ESTORE)
		fk_reason_set(renewer->reason, "%s", fk_store_last_error(renewer->store));
	return err;
}

enum fk_err fk_renew_page(struct fk_renewer *renewer, struct fk_fleet *fleet,
			  struct fk_keytable_file *table, uint32_t page, uint64_t who,
			  const uint16_t key_ids[static FK_STORE_PAGE_UES], uint32_t cryptoperiod_s,
			  struct fk_reason *reason)
{
	enum fk_err err;

	renewer->fleet = fleet;
	renewer->work = RENEW;
	renewer->kind = FK_OWN_PTEK;
	renewer->who = who;
	renewer->key_ids = key_ids;
	renewer->now_s = (uint32_t)(fk_key_now_ms() / 1000);
	renewer->cryptoperiod_s = cryptoperiod_s;
	renewer->reason = reason;
	err = rewrite_page(renewer, page);
	if (err == FK_OK)
		put_in_force(renewer, table, page);
	fk_wipe(renewer->teks, sizeof(renewer->teks));
	return err;
}

enum fk_err fk_renewer_compromise(struct fk_renewer *renewer, struct fk_fleet *fleet,
				  uint32_t ue_index, enum fk_own_key_kind kind,
				  struct fk_reason *reason)
{
	renewer->fleet = fleet;
	renewer->work = COMPROMISE;
	renewer->kind = kind;
	renewer->who = 1ull << ue_index % FK_STORE_PAGE_UES;
	renewer->reason = reason;
	return rewrite_page(renewer, ue_index / FK_STORE_PAGE_UES);
}
