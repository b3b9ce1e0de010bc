/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/rewrite.h"

#include <inttypes.h>
#include <string.h>

#include <fleetkey/secret.h>
#include <fleetkey/wire.h>

/* One page on its way. */
struct rewriting {
	struct fk_keyring *keyring;
	uint64_t generation;
	const struct fk_rewrite *how;
	struct fk_wire_writer w;
	uint8_t layout; /* that it had */
	uint32_t n_wanted;
};

static enum fk_err write_anew(struct rewriting *rw, uint32_t slot, struct fk_record *record,
			      bool is_wanted)
{
	uint8_t keys[FK_RECORD_KEYS_SIZE], sealed[FK_RECORD_SEALED_SIZE];
	uint8_t octets[FK_RECORD_SIZE_MAX];
	size_t size = 0;
	enum fk_err err = fk_record_unseal(rw->keyring, rw->generation, record, keys);

	if (err == FK_OK && is_wanted && rw->how->change != NULL)
		err = rw->how->change(rw->how->ctx, slot, record, keys);
	if (err == FK_OK)
		err = fk_record_seal(rw->keyring, rw->generation, record, keys, sealed);
	fk_wipe(keys, sizeof(keys));
	record->sealed_keys = sealed;
	if (err == FK_OK)
		err = fk_record_encode(record, octets, sizeof(octets), &size);
	if (err == FK_OK) {
		fk_wire_put_u16(&rw->w, (uint16_t)size);
		fk_wire_put_bytes(&rw->w, octets, size);
	}
	return err;
}

static enum fk_err take_record(struct rewriting *rw, uint32_t slot, const uint8_t *octets,
			       uint16_t size)
{
	struct fk_record record;
	bool is_wanted;

	if (size == 0) {
		fk_wire_put_u16(&rw->w, 0);
		return FK_OK;
	}
	if (fk_record_decode(octets, size, rw->layout, &record) != FK_OK)
		return FK_EFORMAT;
	is_wanted = rw->how->wants(rw->how->ctx, slot, &record);
	rw->n_wanted += is_wanted;
	if (is_wanted || record.is_old)
		return write_anew(rw, slot, &record, is_wanted);
	fk_wire_put_u16(&rw->w, size);
	fk_wire_put_bytes(&rw->w, octets, size);
	return FK_OK;
}

enum fk_err fk_page_rewrite(struct fk_keyring *keyring, uint64_t generation, uint32_t page,
			    uint32_t version, const uint8_t *octets, size_t size,
			    const struct fk_rewrite *how,
			    uint8_t ret_octets[static FK_PAGE_SIZE_MAX], size_t *ret_size,
			    struct fk_reason *reason)
{
	struct rewriting rw = {.keyring = keyring,
			       .generation = generation,
			       .how = how,
			       .w = fk_page_begin(ret_octets, FK_PAGE_SIZE_MAX, version + 1)};
	struct fk_wire_reader r;
	enum fk_err err = fk_page_open(keyring, generation, page, version, octets, size, &r,
				       &rw.layout, reason);

	if (err != FK_OK)
		return err;
	for (uint32_t i = 0; err == FK_OK && i < FK_STORE_PAGE_UES; i++) {
		uint16_t record_size = fk_wire_get_u16(&r);
		const uint8_t *record = fk_wire_get_bytes(&r, record_size);

		err = r.failed ? FK_EFORMAT : take_record(&rw, i, record, record_size);
	}
	if (err != FK_OK)
		fk_reason_set(reason, "fleet %" PRIu64 ", page %u: %s", generation, page,
			      fk_err_text(err));
	else if (rw.n_wanted > 0)
		err = fk_page_end(keyring, generation, page, &rw.w, ret_size);
	else
		*ret_size = 0;
	return err;
}

enum fk_err fk_fleet_settle_versions(struct fk_fleet *fleet, struct fk_store *store,
				     struct fk_keyring *keyring, struct fk_reason *reason)
{
	enum fk_err err;

	if (!fk_fleet_doubts_versions(fleet))
		return FK_OK;
	err = fk_page_versions_read(keyring, store, fk_fleet_generation(fleet),
				    fk_fleet_page_shards(fleet), fk_fleet_n_pages(fleet),
				    fk_fleet_page_versions(fleet), reason);
	if (err == FK_OK)
		fk_fleet_doubt_versions(fleet, false);
	return err;
}
