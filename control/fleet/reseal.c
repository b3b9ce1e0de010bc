/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/reseal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <fleetkey/wire.h>

#include "fleet/rewrite.h"
#include "keys/key_store.h"
#include "keys/open.h"

#define PAGES_MAX 8u /* of one step: 512 UEs */

struct page {
	size_t size; /* 0: nothing to write */
	uint8_t octets[FK_PAGE_SIZE_MAX];
};

struct fk_reseal {
	struct fk_store *store;
	struct fk_keyring *keyring;
	struct fk_reason *reason; /* of the step that runs */
	struct fk_fleet *fleet;	  /* of the step that runs */
	uint64_t generation;
	uint32_t n_pages_done, n_pages_read;
	struct page pages[PAGES_MAX];
};

enum fk_err fk_reseal_new(struct fk_store *store, struct fk_keyring *keyring,
			  struct fk_reseal **ret_reseal)
{
	struct fk_reseal *reseal = calloc(1, sizeof(*reseal));

	if (reseal == NULL)
		return FK_ENOMEM;
	reseal->store = store;
	reseal->keyring = keyring;
	*ret_reseal = reseal;
	return FK_OK;
}

void fk_reseal_free(struct fk_reseal *reseal)
{
	free(reseal); /* holds sealed octets only */
}

uint32_t fk_reseal_n_pages_done(const struct fk_reseal *reseal)
{
	return reseal->n_pages_done;
}

static bool wants(void *ctx, uint32_t slot, const struct fk_record *record)
{
	const struct fk_reseal *reseal = ctx;

	(void)slot;
	return fk_sealed_epoch(record->sealed_keys, FK_RECORD_SEALED_SIZE) !=
	       fk_keyring_sealing_epoch(reseal->keyring);
}

static enum fk_err take_page(void *ctx, uint32_t index, const uint8_t *octets, size_t size)
{
	struct fk_reseal *reseal = ctx;
	struct page *page = &reseal->pages[reseal->n_pages_read++];
	const struct fk_rewrite how = {.wants = wants, .ctx = reseal};

	page->size = 0;
	return fk_page_rewrite(reseal->keyring, reseal->generation, index,
			       fk_fleet_page_versions(reseal->fleet)[index], octets, size, &how,
			       page->octets, &page->size, reseal->reason);
}

/* The lists of versions of those shards whose pages are written. */
static enum fk_err put_versions(struct fk_reseal *reseal, uint32_t first, uint32_t n,
				const uint32_t *versions)
{
	uint32_t n_pages = fk_fleet_n_pages(reseal->fleet);
	const uint8_t *shards = fk_fleet_page_shards(reseal->fleet);
	size_t cap = n_pages * 4ull + FK_PAGE_MAC_SIZE, size;
	bool is_put[FK_STORE_SHARDS] = {false};
	char name[FK_PAGE_VERSIONS_NAME];
	uint8_t *octets = malloc(cap);
	enum fk_err err = octets != NULL ? FK_OK : FK_ENOMEM;

	for (uint32_t i = 0; err == FK_OK && i < n; i++) {
		uint8_t shard = shards[first + i];

		if (reseal->pages[i].size == 0 || is_put[shard])
			continue;
		is_put[shard] = true;
		err = fk_page_versions_encode(reseal->keyring, reseal->generation, shard, shards,
					      n_pages, versions, name, octets, cap, &size);
		if (err == FK_OK)
			fk_store_batch_put_fleet_field(reseal->store, reseal->generation, name,
						       octets, size);
	}
	free(octets);
	return err;
}

/* Pages and lists in one transaction: both are stored, or neither. */
static enum fk_err write_pages(struct fk_reseal *reseal, uint32_t first, uint32_t n)
{
	uint32_t *versions = fk_fleet_page_versions(reseal->fleet);
	const uint8_t *shards = fk_fleet_page_shards(reseal->fleet);
	enum fk_err err;

	fk_store_batch_begin(reseal->store);
	for (uint32_t i = 0; i < n; i++) {
		const struct page *page = &reseal->pages[i];

		if (page->size == 0)
			continue;
		fk_store_batch_put_fleet_page(reseal->store, reseal->generation, shards[first + i],
					      first + i, page->octets, page->size);
		versions[first + i]++;
	}
	fk_fleet_doubt_versions(reseal->fleet, true);
	err = put_versions(reseal, first, n, versions);
	if (err != FK_OK) {
		fk_store_batch_abandon(reseal->store);
		return err;
	}
	err = fk_store_batch_commit(reseal->store);
	if (err == FK_OK)
		fk_fleet_doubt_versions(reseal->fleet,
					!fk_page_versions_witness(reseal->store, reseal->generation,
								  versions,
								  fk_fleet_n_pages(reseal->fleet)));
	return err;
}

static enum fk_err reseal_pages(struct fk_reseal *reseal)
{
	const uint8_t *shards = fk_fleet_page_shards(reseal->fleet);
	uint32_t first = reseal->n_pages_done, n = fk_fleet_n_pages(reseal->fleet) - first;
	enum fk_err err = fk_fleet_settle_versions(reseal->fleet, reseal->store, reseal->keyring,
						   reseal->reason);

	if (n > PAGES_MAX)
		n = PAGES_MAX;
	if (err != FK_OK)
		return err;
	reseal->n_pages_read = 0;
	err = fk_store_read_fleet_pages(reseal->store, reseal->generation, shards, first, n,
					take_page, reseal);
	if (err == FK_OK)
		err = write_pages(reseal, first, n);
	if (err == FK_OK)
		reseal->n_pages_done += n;
	return err;
}

static enum fk_err take_key(void *ctx, const char *name, const char *value, size_t size)
{
	struct fk_reseal *reseal = ctx;
	uint8_t octets[FK_KEY_RECORD_SIZE_MAX];
	struct fk_secret key = {.size = 0};
	struct fk_key_record record;
	size_t new_size;
	enum fk_err err;

	if (strcmp(name, FK_PURPOSE_KEYS) == 0 || strcmp(name, FK_KEY_VERSIONS) == 0 ||
	    fk_key_record_epoch((const uint8_t *)value, size) ==
		    fk_keyring_sealing_epoch(reseal->keyring))
		return FK_OK;
	err = fk_key_record_unseal(reseal->keyring, name, (const uint8_t *)value, size, &record,
				   &key);
	if (err == FK_OK)
		err = fk_key_record_seal(reseal->keyring, name, &record, &key, octets, &new_size);
	fk_secret_wipe(&key);
	if (err == FK_OK)
		fk_store_batch_put_key(reseal->store, name, octets, new_size);
	else
		fk_reason_set(reseal->reason, "key %s: %s", name, fk_err_text(err));
	return err;
}

enum fk_err fk_reseal_step(struct fk_reseal *reseal, struct fk_fleet *fleet, bool *ret_done,
			   struct fk_reason *reason)
{
	uint64_t stored = fk_fleet_generation(fleet);
	bool is_last;
	enum fk_err err;

	reseal->reason = reason;
	reseal->fleet = fleet;
	if (reseal->generation != fk_fleet_generation(fleet)) {
		reseal->generation = fk_fleet_generation(fleet);
		reseal->n_pages_done = 0;
	}
	is_last = reseal->n_pages_done == fk_fleet_n_pages(fleet);
	err = is_last ? fk_store_rewrite_keys(reseal->store, take_key, reseal)
		      : reseal_pages(reseal);
	/* An import that failed after its fleet came into force leaves another one in memory. */
	if (err == FK_OK && is_last)
		err = fk_store_current_fleet(reseal->store, &stored);
	if (err == FK_ESTORE)
		fk_reason_set(reason, "%s", fk_store_last_error(reseal->store));
	if (err != FK_OK)
		return err;
	if (is_last)
		reseal->n_pages_done = 0;
	*ret_done = is_last && stored == fk_fleet_generation(fleet);
	return FK_OK;
}
