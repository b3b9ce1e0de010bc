/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status.h - the durable side of a UE's status: since when it holds, and why.
 *
 * A status belongs to the RSI, as message numbers do: it stays through every import, also when the
 * RSI leaves the fleet and comes back, or another UE gets it. An operator's word changes it, and
 * the proof that the UE is zeroized. What is active has no entry.
 *
 * An entry is status 1 | since 8 (ms since 1970) | reason, the rest; big-endian.
 *
 * Threads: one owner. Memory: nothing is kept between calls.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>
#include <fleetkey/keytable.h>

#include "fleet/fleet.h"
#include "reason.h"
#include "store/store.h"

#define FK_STATUS_REASON_SIZE 201 /* octets, the NUL included */

struct fk_status_entry {
	uint8_t status; /* enum fk_ue_status */
	uint64_t since_ms;
	char reason[FK_STATUS_REASON_SIZE];
};

/* As it is stored: the status, since_ms in 8 octets, the reason without its NUL. Returns the size.
 */
#define FK_STATUS_SIZE_MAX (1 + 8 + FK_STATUS_REASON_SIZE - 1)
size_t fk_status_encode(const struct fk_status_entry *entry,
			uint8_t ret_octets[static FK_STATUS_SIZE_MAX]);
/* FK_OK; FK_EFORMAT: damaged, or active, which is not stored. */
FK_MUST_USE enum fk_err fk_status_decode(const uint8_t *octets, size_t size,
					 struct fk_status_entry *ret_entry);

/* "active", ...; "unknown" if there is no such status. */
const char *fk_ue_status_label(uint8_t status);
/* The status of that label, or -1. */
int fk_ue_status_find(const char *label);

/* Gives the fleet the statuses that are stored for its RSIs. Returns FK_OK; FK_ESTORE; FK_EFORMAT
 * if an entry is damaged. */
FK_MUST_USE enum fk_err fk_status_load(struct fk_store *store, struct fk_fleet *fleet,
				       const struct fk_keytable *table, struct fk_reason *reason);

/*
 * Gives 'n' UEs, at most FK_STATUS_SET_MAX, the status of 'entry': first in the store, all of them
 * or none, then in the fleet. Returns FK_OK; FK_ESTORE: then the fleet is unchanged, but the store
 * may have it or not, so it has to be said again.
 */
#define FK_STATUS_SET_MAX 5000
FK_MUST_USE enum fk_err fk_status_set(struct fk_store *store, struct fk_fleet *fleet,
				      const uint32_t *ue_indexes, uint32_t n,
				      const struct fk_status_entry *entry);

/* Puts the status of one UE into the open batch. The fleet is told by fk_fleet_set_status() when
 * that is committed. */
void fk_status_batch_put(struct fk_store *store, const struct fk_fleet *fleet, uint32_t ue_index,
			 const struct fk_status_entry *entry);

/* The entries of 'n' RSIs, at most FK_STORE_STATUS_MAX; active, with an empty reason, where there
 * is none. Returns as fk_status_load(). */
FK_MUST_USE enum fk_err fk_status_read(struct fk_store *store, const uint32_t *rsis, uint32_t n,
				       struct fk_status_entry *ret_entries);
