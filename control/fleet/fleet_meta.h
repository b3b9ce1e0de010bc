/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet_meta.h - what the store says about a fleet as a whole: sizes, page shards and names.
 *
 * Written once, by the import that makes the fleet; the sizes let a load allocate exactly.
 *
 * Threads: belongs to one thread. Memory: owned; fk_fleet_meta_fini() ends it.
 */
#pragma once

#include <stdint.h>

#include <fleetkey/err.h>

#include "fleet/names.h"
#include "keys/keyring.h"
#include "reason.h"
#include "store/store.h"

struct fk_fleet_meta {
	uint64_t generation;
	uint32_t n_ues, n_pages;
	uint32_t n_rsi_pages;  /* distinct values of rsi / FK_RSI_PAGE */
	uint64_t mcdata_size;  /* octets of all mcdata_ids */
	uint64_t strings_size; /* octets of all ue_ids, mc_service_ids and mcdata_ids, NULs included
				*/
	uint64_t n_memberships; /* group ids of all UEs */
	uint8_t *page_shards;	/* n_pages octets */
	struct fk_names *groups, *areas, *next_hops;
};

/* Empty lists of names. Returns FK_OK or FK_ENOMEM; the caller ends it in both cases. */
FK_MUST_USE enum fk_err fk_fleet_meta_init(struct fk_fleet_meta *meta);
void fk_fleet_meta_fini(struct fk_fleet_meta *meta);

/* Puts the staged generation in force: fk_store_publish_fleet() with these fields, and the lists of
 * its pages' versions, which are the first. 'roster' is that of 'expected', or NULL. */
FK_MUST_USE enum fk_err fk_fleet_meta_publish(const struct fk_fleet_meta *meta,
					      struct fk_store *store, struct fk_keyring *keyring,
					      uint64_t expected,
					      const struct fk_store_roster *roster);
/* Reads the meta of 'generation' into an initialised 'meta'. FK_OK; FK_ESTORE; FK_EFORMAT. */
FK_MUST_USE enum fk_err fk_fleet_meta_read(struct fk_fleet_meta *meta, struct fk_store *store,
					   uint64_t generation, struct fk_reason *reason);
