/* SPDX-License-Identifier: Apache-2.0 */
/*
 * region.h - control's mapping of the shared region (include/fleetkey/link.h): made or adopted.
 *
 * The region is a memfd sealed against shrinking and growing, so that neither side can take pages
 * away from under the other; it is locked and not dumped. A region that a dataplane hands back is
 * adopted only if it is exactly the one that this control would make: then every offset in it is
 * known good, and control goes by its own copy of them from then on.
 *
 * Threads: belongs to one thread; the shared words are written as link.h says.
 * Memory:  fk_region_close() unmaps; the memory lives on while the dataplane maps it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>
#include <fleetkey/link.h>
#include <fleetkey/ring.h>

#include "fleet/fleet.h"
#include "reason.h"

/* What makes a region ours. */
struct fk_region_terms {
	uint8_t kmf_id[16];
	uint64_t fleet_generation;
	uint64_t tenure; /* store/lease.h */
	uint32_t n_slots;
	uint32_t n_workers; /* 1..FK_WORKERS_MAX */
};

struct fk_region_map; /* layout is private to region.c */

/*
 * Makes a region with empty rings, and with the inbound numbers that are known ('numbers': n_slots
 * entries, or NULL). On FK_OK the caller owns it. Returns FK_EINVAL (terms out of range);
 * FK_ENOMEM if it cannot be made or locked: 'reason' then says which and how large.
 */
FK_MUST_USE enum fk_err fk_region_make(const struct fk_region_terms *terms,
				       const struct fk_ue_numbers *numbers,
				       struct fk_region_map **ret_map, struct fk_reason *reason);
/*
 * Maps a region that came over the link. Takes 'fd', also on failure. Returns FK_EPOLICY if it is
 * not sealed; FK_EABI if magic or version differ; FK_ESTALE if it belongs to another KMF, fleet,
 * tenure or number of workers; FK_EFORMAT if its size, an offset or a ring is wrong; FK_ENOMEM.
 * 'reason' names the field, what it holds and what it should.
 */
FK_MUST_USE enum fk_err fk_region_adopt(int fd, const struct fk_region_terms *terms,
					struct fk_region_map **ret_map, struct fk_reason *reason);
void fk_region_close(struct fk_region_map *map);

int fk_region_fd(const struct fk_region_map *map); /* stays owned by the map */
uint32_t fk_region_n_workers(const struct fk_region_map *map);
uint32_t fk_region_n_slots(const struct fk_region_map *map);
/* 16 octets that name the region. */
const uint8_t *fk_region_id(const struct fk_region_map *map);

/* Parts of the region. 'worker' is below n_workers. Borrowed until fk_region_close(). */
struct fk_control_block *fk_region_map_control(const struct fk_region_map *map);
const struct fk_worker_block *fk_region_map_worker(const struct fk_region_map *map,
						   uint32_t worker);
struct rte_ring *fk_region_orders(const struct fk_region_map *map, uint32_t worker);
struct rte_ring *fk_region_doorbells(const struct fk_region_map *map, uint32_t worker);

/* Copies a UE's state; false if 'ue_index' is out of range or the worker is just writing it. */
bool fk_region_read_state(const struct fk_region_map *map, uint32_t ue_index,
			  struct fk_ue_state *ret_state);
/* The worker that owns a UE. */
uint32_t fk_region_owner(const struct fk_region_map *map, uint32_t ue_index);
