/* SPDX-License-Identifier: Apache-2.0 */
/*
 * renew.h - gives UEs new protection TEKs, in the place of those that they say they lack, or that
 * are compromised or expired; and writes down that a key of a UE is compromised.
 *
 * The keys come from the CSPRNG and are sealed in the UEs' records; page, list of versions and
 * needs_warm_start beside the UEs' numbers are one transaction, and only when it is durable do
 * fleet and key table have the keys (I1). The old key is gone then: nothing that is sent to the UE,
 * or comes from it, is authenticated by it any more.
 *
 * Threads: those of store and keyring. Memory: fk_renewer_free() ends it; keys are wiped.
 */
#pragma once

#include <stdint.h>

#include <fleetkey/err.h>

#include "fleet/fleet.h"
#include "fleet/keytable.h"
#include "keys/keyring.h"
#include "reason.h"
#include "store/store.h"

struct fk_renewer; /* layout is private to renew.c */

/* Borrows store and keyring. On FK_OK the caller owns '*ret_renewer'. FK_ENOMEM. */
FK_MUST_USE enum fk_err fk_renewer_new(struct fk_store *store, struct fk_keyring *keyring,
				       struct fk_renewer **ret_renewer);
void fk_renewer_free(struct fk_renewer *renewer);

/*
 * New keys for the UEs of 'page' whose bits are set in 'who', each under its entry of 'key_ids',
 * and with that cryptoperiod. No KMM of theirs may be open. Returns FK_OK; FK_ESTORE: then no key
 * has changed here, but the store may have them, which is looked at before the next write;
 * FK_EAUTH, FK_ESTALE, FK_EFORMAT if the page does not open; FK_EIO without random octets;
 * FK_ENOMEM. 'reason' says it in words.
 */
FK_MUST_USE enum fk_err fk_renew_page(struct fk_renewer *renewer, struct fk_fleet *fleet,
				      struct fk_keytable_file *table, uint32_t page, uint64_t who,
				      const uint16_t key_ids[static FK_STORE_PAGE_UES],
				      uint32_t cryptoperiod_s, struct fk_reason *reason);

/*
 * Writes down that a key of the UE is compromised, which is durable on FK_OK; key table and fleet
 * are the caller's to change, and before. The UE must have such a key. Results are those of
 * fk_renew_page().
 */
FK_MUST_USE enum fk_err fk_renewer_compromise(struct fk_renewer *renewer, struct fk_fleet *fleet,
					      uint32_t ue_index, enum fk_own_key_kind kind,
					      struct fk_reason *reason);
