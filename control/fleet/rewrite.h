/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rewrite.h - a stored page with some of its records changed, and the list of versions beside it.
 *
 * Whoever changes records reads the page, rewrites it in memory, and writes it and its shard's list
 * of versions in one transaction. A page of layout 3 becomes one of the layout in force.
 *
 * Threads: those of keyring and store. Memory: the caller's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <fleetkey/err.h>

#include "fleet/fleet.h"
#include "fleet/page.h"
#include "fleet/record.h"
#include "keys/keyring.h"
#include "reason.h"
#include "store/store.h"

/* Which records of a page are written anew, and how. */
struct fk_rewrite {
	bool (*wants)(void *ctx, uint32_t slot, const struct fk_record *record);
	/* Changes what 'wants' wanted; what is then in 'keys' is sealed. NULL: sealed anew only. */
	enum fk_err (*change)(void *ctx, uint32_t slot, struct fk_record *record,
			      uint8_t keys[static FK_RECORD_KEYS_SIZE]);
	void *ctx;
};

/*
 * The next version of a stored page, whose version is 'version'. '*ret_size' is 0 if nothing was
 * wanted. Returns FK_OK; what fk_page_open() returns; FK_EFORMAT if a record is damaged; FK_EAUTH
 * if its keys do not open; what 'change' returns. 'reason' says which page.
 */
FK_MUST_USE enum fk_err fk_page_rewrite(struct fk_keyring *keyring, uint64_t generation,
					uint32_t page, uint32_t version, const uint8_t *octets,
					size_t size, const struct fk_rewrite *how,
					uint8_t ret_octets[static FK_PAGE_SIZE_MAX],
					size_t *ret_size, struct fk_reason *reason);

/* After a write that failed nobody knows which versions are stored: asks the store. Results are
 * those of fk_page_versions_read(). */
FK_MUST_USE enum fk_err fk_fleet_settle_versions(struct fk_fleet *fleet, struct fk_store *store,
						 struct fk_keyring *keyring,
						 struct fk_reason *reason);
