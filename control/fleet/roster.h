/* SPDX-License-Identifier: Apache-2.0 */
/*
 * roster.h - who the UEs of a fleet were, for when another one is in force: UE id and RSI by
 * ue_index.
 *
 * A ledger says what became of which ue_index of the campaign's fleet, and an import gives every UE
 * another one. So an import that replaces a fleet which had a campaign stores its roster first, and
 * the step that puts the new fleet in force makes the note by which it is kept: before that step
 * the fleet itself says who was who, after it the roster does, and what an import that was given up
 * has left is swept. A roster never changes, since neither UE ids nor RSIs do while a fleet is in
 * force. A page of it is
 *
 *   layout 1 octet | n_pages of the fleet 4 | 64 UEs | MAC 16
 *
 * and a UE: octets that its id has in common with the UE's before it 1, octets that follow 1,
 * these, RSI 3; a slot without an owner is two zeros. The MAC is over KMF, generation, number of
 * the page and all before it (page.h).
 *
 * Threads: belongs to one thread. Memory: one page at a time, and an octet for each page.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>

#include "fleet/fleet.h"
#include "fleet/page.h"
#include "keys/keyring.h"
#include "reason.h"
#include "store/store.h"

#define FK_ROSTER_LAYOUT   1
#define FK_ROSTER_BODY_MAX (1 + 4 + FK_STORE_PAGE_UES * (2 + FK_UE_ID_SIZE_MAX + 3))
#define FK_ROSTER_PAGE_MAX (FK_ROSTER_BODY_MAX + FK_PAGE_MAC_SIZE)

struct fk_roster_ue {
	char ue_id[FK_UE_ID_SIZE_MAX + 1];
	uint32_t rsi; /* 0: a slot without an owner */
};

/* A page without its MAC; returns its octets. */
size_t fk_roster_encode(uint32_t n_pages, const struct fk_roster_ue ues[static FK_STORE_PAGE_UES],
			uint8_t ret_octets[static FK_ROSTER_BODY_MAX]);
/* Reads one of a fleet of 'n_pages' pages. FK_OK; FK_EFORMAT if it is not what the encoder writes:
 * then 'ret_ues' is undefined. */
FK_MUST_USE enum fk_err fk_roster_decode(const uint8_t *octets, size_t size, uint32_t n_pages,
					 struct fk_roster_ue ret_ues[static FK_STORE_PAGE_UES]);

/* Puts pages [first, end) of the roster of 'fleet' into the open batch. FK_OK or FK_ESELFTEST. */
FK_MUST_USE enum fk_err fk_roster_put(struct fk_store *store, struct fk_keyring *keyring,
				      const struct fk_fleet *fleet, uint32_t first, uint32_t end);

struct fk_roster; /* layout is private to roster.c */

/*
 * The roster that is kept of a fleet. Borrows store and keyring until fk_roster_free(). On FK_OK
 * the caller owns '*ret_roster'. Returns FK_ENOTFOUND if none is kept; FK_ESTORE; FK_EFORMAT;
 * FK_ENOMEM.
 */
FK_MUST_USE enum fk_err fk_roster_open(struct fk_store *store, struct fk_keyring *keyring,
				       uint64_t generation, struct fk_roster **ret_roster);
void fk_roster_free(struct fk_roster *roster);
uint32_t fk_roster_n_pages(const struct fk_roster *roster);
/* Shard of each page, as the fleet and its ledgers have it: n_pages octets. Borrowed. */
const uint8_t *fk_roster_page_shards(const struct fk_roster *roster);
/*
 * The UEs of a page, which is below n_pages; FK_STORE_PAGE_UES of them, borrowed until the next
 * call with another page. No batch may be open. Returns FK_OK; FK_ESTORE; FK_EFORMAT if the page is
 * missing or damaged; FK_EAUTH if it was changed, or is another one.
 */
FK_MUST_USE enum fk_err fk_roster_page(struct fk_roster *roster, uint32_t page,
				       const struct fk_roster_ue **ret_ues);
