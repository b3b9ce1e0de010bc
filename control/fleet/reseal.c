/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/reseal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <fleetkey/wire.h>

#include "fleet/record.h"
#include "keys/key_record.h"
#include "keys/open.h"

#define PAGES_MAX 8u /* of one step: 512 UEs */

struct page {
	uint32_t index;
	size_t size; /* 0: nothing to write */
	uint8_t octets[FK_RECORD_PAGE_SIZE_MAX];
};

struct fk_reseal {
	struct fk_store *store;
	struct fk_keyring *keyring;
	struct fk_reason *reason; /* of the step that runs */
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

/* Seals the keys of one record anew, in place: the size stays. */
static enum fk_err reseal_record(struct fk_reseal *reseal, uint8_t *octets, size_t size)
{
	uint8_t keys[FK_RECORD_KEYS_SIZE];
	struct fk_record record;
	enum fk_err err = fk_record_decode(octets, size, &record);

	if (err != FK_OK)
		return FK_EFORMAT;
	if (fk_sealed_epoch(record.sealed_keys, FK_RECORD_SEALED_SIZE) ==
	    fk_keyring_sealing_epoch(reseal->keyring))
		return FK_OK;
	err = fk_record_unseal(reseal->keyring, reseal->generation, &record, keys);
	if (err == FK_OK)
		err = fk_record_seal(reseal->keyring, reseal->generation, &record, keys,
				     octets + (record.sealed_keys - octets));
	fk_wipe(keys, sizeof(keys));
	return err;
}

static enum fk_err take_page(void *ctx, uint32_t index, const uint8_t *octets, size_t size)
{
	struct fk_reseal *reseal = ctx;
	struct page *page = &reseal->pages[reseal->n_pages_read];
	struct fk_wire_reader r = fk_wire_reader(page->octets, size);
	enum fk_err err = size > 0 && size <= sizeof(page->octets) ? FK_OK : FK_EFORMAT;

	*page = (struct page){.index = index};
	if (err == FK_OK)
		memcpy(page->octets, octets, size);
	if (err == FK_OK && fk_wire_get_u8(&r) != FK_RECORD_LAYOUT)
		err = FK_EFORMAT;
	for (uint32_t i = 0; err == FK_OK && i < FK_STORE_PAGE_UES; i++) {
		uint16_t record_size = fk_wire_get_u16(&r);
		size_t offset = fk_wire_offset(&r);

		(void)fk_wire_get_bytes(&r, record_size);
		if (r.failed)
			err = FK_EFORMAT;
		else if (record_size > 0)
			err = reseal_record(reseal, page->octets + offset, record_size);
	}
	if (err != FK_OK) {
		fk_reason_set(reseal->reason, "fleet %" PRIu64 ", page %u: %s", reseal->generation,
			      index, fk_err_text(err));
		return err;
	}
	if (memcmp(page->octets, octets, size) != 0)
		page->size = size;
	reseal->n_pages_read++;
	return FK_OK;
}

static enum fk_err reseal_pages(struct fk_reseal *reseal, const struct fk_fleet *fleet)
{
	const uint8_t *shards = fk_fleet_page_shards(fleet);
	uint32_t n = fk_fleet_n_pages(fleet) - reseal->n_pages_done;
	enum fk_err err;

	if (n > PAGES_MAX)
		n = PAGES_MAX;
	reseal->n_pages_read = 0;
	err = fk_store_read_fleet_pages(reseal->store, reseal->generation, shards,
					reseal->n_pages_done, n, take_page, reseal);
	if (err != FK_OK)
		return err;
	fk_store_batch_begin(reseal->store);
	for (uint32_t i = 0; i < n; i++) {
		const struct page *page = &reseal->pages[i];

		if (page->size > 0)
			fk_store_batch_put_fleet_page(reseal->store, reseal->generation,
						      shards[page->index], page->index,
						      page->octets, page->size);
	}
	err = fk_store_batch_commit(reseal->store);
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

	if (strcmp(name, FK_PURPOSE_KEYS) == 0 ||
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

enum fk_err fk_reseal_step(struct fk_reseal *reseal, const struct fk_fleet *fleet, bool *ret_done,
			   struct fk_reason *reason)
{
	bool is_last;
	enum fk_err err;

	reseal->reason = reason;
	if (reseal->generation != fk_fleet_generation(fleet)) {
		reseal->generation = fk_fleet_generation(fleet);
		reseal->n_pages_done = 0;
	}
	is_last = reseal->n_pages_done == fk_fleet_n_pages(fleet);
	err = is_last ? fk_store_rewrite_keys(reseal->store, take_key, reseal)
		      : reseal_pages(reseal, fleet);
	if (err == FK_ESTORE)
		fk_reason_set(reason, "%s", fk_store_last_error(reseal->store));
	if (err != FK_OK)
		return err;
	if (is_last)
		reseal->n_pages_done = 0;
	*ret_done = is_last;
	return FK_OK;
}
