/* SPDX-License-Identifier: Apache-2.0 */
/*
 * retired.h - what is remembered of RSIs that left the fleet: numbers and currency.
 *
 * A radio counts numbers by RSI (P25 sheet 3.9) and may come back with the protection TEK that it
 * had, so the numbers that were used under it must never be used again (I2). When an import leaves
 * an RSI out, its outbound numbers are kept here, and whoever gets that RSI later goes on from
 * there. Inbound numbers are not kept: an old answer matches no open attempt. What is known of its
 * keys is kept too, and is in doubt when it comes back: nobody knows where the radio was.
 *
 * Threads: one owner. Memory: nothing is kept between calls.
 */
#pragma once

#include <stdint.h>

#include <fleetkey/err.h>

#include "fleet/fleet.h"
#include "store/store.h"

/*
 * Puts numbers and currency of the UEs in slots [first, end) of 'fleet' into the open batch, but
 * for RSIs whose bit in 'rsis' (one for each RSI) is set: they stay in the fleet.
 */
void fk_retired_put(struct fk_store *store, struct fk_fleet *fleet, const uint64_t *rsis,
		    uint32_t first, uint32_t end);

/*
 * Reads the numbers of 'n' RSIs, at most FK_STORE_RETIRED_MAX; zeros for an RSI that was never
 * used. No batch may be open. Returns FK_OK; FK_ESTORE; FK_EFORMAT if an entry is damaged.
 */
FK_MUST_USE enum fk_err fk_retired_find(struct fk_store *store, const uint32_t *rsis, uint32_t n,
					struct fk_ue_numbers *ret_numbers);

/*
 * The same for the currency of 'n' RSIs, each into the one that 'rets' points to: in doubt, or
 * nothing for an RSI that was never sent a key.
 */
FK_MUST_USE enum fk_err fk_retired_find_currency(struct fk_store *store, const uint32_t *rsis,
						 uint32_t n, struct fk_currency *const *rets);

/* The currency of one RSI as it was when it left the fleet; nothing where nothing is remembered.
 * Returns as fk_retired_find(). */
FK_MUST_USE enum fk_err fk_retired_recall_currency(struct fk_store *store, uint32_t rsi,
						   struct fk_currency *ret_currency);

/* Sets the next number of a stored entry 'n' ahead. */
void fk_retired_skip(uint8_t octets[static FK_STORE_RETIRED_SIZE], uint16_t n);
