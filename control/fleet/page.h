/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page.h - a page of the fleet as it is stored, and the versions by which an older one is noticed.
 *
 *   layout 1 octet | version 4 | 64 records, each with its size (2 octets) before it; size 0 is a
 *   slot without an owner | MAC 16
 *
 * The MAC (HMAC-SHA-256, cut to 16 octets) is over KMF, generation, number of the page and all
 * before it. Each write of a page raises its version, and the same transaction writes the list of
 * its shard's versions, which has a MAC of its own: field "versions:<shard>" of the fleet's record,
 * 4 octets a page in the order of the pages, MAC 16. So a page or a list that is put back from an
 * older copy is noticed; both put back together are noticed by the store's witness, which counts
 * the writes of pages.
 *
 * Cost: 20 octets a page and 4 in its list; a write adds its shard's list, about 1 KB with 1 M UEs.
 *
 * Threads: pure but for keyring and store. Memory: borrows what it is given.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>
#include <fleetkey/wire.h>

#include "fleet/record.h"
#include "keys/keyring.h"
#include "reason.h"
#include "store/store.h"

#define FK_PAGE_LAYOUT	      4 /* 3 is read as well: see record.h */
#define FK_PAGE_MAC_SIZE      16
#define FK_PAGE_FIRST_VERSION 1u
#define FK_PAGE_OVERHEAD      (1 + 4 + FK_PAGE_MAC_SIZE)
#define FK_PAGE_SIZE_MAX      (FK_PAGE_OVERHEAD + FK_STORE_PAGE_UES * (2 + FK_RECORD_SIZE_MAX))
#define FK_PAGE_VERSIONS_NAME 16 /* characters of a field's name, the NUL included */

/*
 * The MAC of octets that are stored of a fleet: 'label', at most 32 characters, says what they are,
 * 'index' of which page or shard. FK_OK or FK_ESELFTEST. And whether the last FK_PAGE_MAC_SIZE of
 * 'size' octets are that of those before them.
 */
FK_MUST_USE enum fk_err fk_page_mac(struct fk_keyring *keyring, const char *label,
				    uint64_t generation, uint32_t index, const uint8_t *octets,
				    size_t size, uint8_t ret_mac[static FK_PAGE_MAC_SIZE]);
bool fk_page_mac_is_right(struct fk_keyring *keyring, const char *label, uint64_t generation,
			  uint32_t index, const uint8_t *octets, size_t size);

/* Begins a page in 'buf'; the records follow through the writer. */
struct fk_wire_writer fk_page_begin(uint8_t *buf, size_t cap, uint32_t version);
/* Ends it with its MAC. Returns FK_OK and the size; FK_EFULL; FK_ESELFTEST. */
FK_MUST_USE enum fk_err fk_page_end(struct fk_keyring *keyring, uint64_t generation, uint32_t page,
				    struct fk_wire_writer *w, size_t *ret_size);

/*
 * Checks a stored page; 'ret_records' then reads its records alone, which are of 'ret_layout'.
 * Returns FK_OK; FK_EFORMAT if it
 * is missing or no page of this layout; FK_EAUTH if it was changed or is another page; FK_ESTALE if
 * it has another version than 'version': it was put back from an older copy. 'reason' says which.
 */
FK_MUST_USE enum fk_err fk_page_open(struct fk_keyring *keyring, uint64_t generation, uint32_t page,
				     uint32_t version, const uint8_t *octets, size_t size,
				     struct fk_wire_reader *ret_records, uint8_t *ret_layout,
				     struct fk_reason *reason);

/*
 * The list of versions of one shard. 'versions' has all pages of the fleet. Writes the field's name
 * and its value, which takes 4 octets a page of the shard and FK_PAGE_MAC_SIZE. Returns FK_OK;
 * FK_EFULL; FK_ESELFTEST.
 */
FK_MUST_USE enum fk_err fk_page_versions_encode(struct fk_keyring *keyring, uint64_t generation,
						uint8_t shard, const uint8_t *page_shards,
						uint32_t n_pages, const uint32_t *versions,
						char ret_name[static FK_PAGE_VERSIONS_NAME],
						uint8_t *buf, size_t cap, size_t *ret_size);

/*
 * Reads the lists of all shards that have pages. Returns FK_OK; FK_ESTORE; FK_EAUTH if one is
 * missing, was changed or has another length; FK_ESTALE if the witness has seen later versions;
 * FK_ENOMEM.
 */
FK_MUST_USE enum fk_err fk_page_versions_read(struct fk_keyring *keyring, struct fk_store *store,
					      uint64_t generation, const uint8_t *page_shards,
					      uint32_t n_pages, uint32_t *ret_versions,
					      struct fk_reason *reason);

/* Tells the store's witness of versions that are confirmed. False if it has seen later ones. */
bool fk_page_versions_witness(struct fk_store *store, uint64_t generation, const uint32_t *versions,
			      uint32_t n_pages);
