/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet.h - reads the fleet file and finds a UE by its MCData ID, or, where it is reached by
 * carrier T2, by its MCPTT ID, which then stands for the other everywhere.
 *
 * A small strict reader of its own: exactly the columns of the fleet file in their usual order,
 * with or without the optional ones, no quotes, plain hex keys. It shares no code with the reader
 * in fleetkeyd.
 *
 * Threads: read-only after loading, but for the UEs themselves.
 * Memory:  one mapping for the UEs (not dumped, wiped when freed), one for their names.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include <fleetkey/err.h>

#include "ue.h"

#define FK_FLEET_HEADER                                                                       \
	"ue_id,mc_service_id,mcdata_id,lmr_type,rsi,next_hop,area,groups,kek_sln,kek_key_id," \
	"kek_alg,kek,ptek_key_id,ptek_alg,ptek,mac,mnp"
#define FK_FLEET_HEADER_MORE ",max_kmm,max_keys,keysets,outer" /* optional, all or none */

#define FK_FLEET_NEXT_HOPS_MAX	  64
#define FK_FLEET_NEXT_HOP_LEN_MAX 200  /* characters */
#define FK_FLEET_GROUP_FIELDS_MAX 4096 /* different values of the 'groups' column */

struct fk_fleet {
	struct fk_sim_ue *ues;
	uint32_t n_ues, cap;
	uint32_t n_columns;
	const char *const *mcptt_hops; /* see fk_fleet_load() */
	char *text;		       /* ue_id and mcdata_id of all UEs, without separators */
	size_t text_size, text_cap;
	uint32_t *index; /* open addressing by mcdata_id: 1 + UE, 0 is free */
	uint32_t index_mask;
	char **group_fields; /* the different values of the 'groups' column */
	uint32_t n_group_fields;
	char next_hops[FK_FLEET_NEXT_HOPS_MAX][FK_FLEET_NEXT_HOP_LEN_MAX + 1];
	uint32_t n_next_hops;
};

/*
 * Loads the file at 'path'. UEs of the next hops that 'mcptt_hops' names go by their MCPTT ID; the
 * list ends with NULL, an empty name stands for all, and NULL for none. It is borrowed. On failure
 * 'ret_text' (of 'text_cap' characters) says line, column and reason, never the value of a key.
 * Returns FK_OK; FK_EIO (cannot be read); FK_EFORMAT (a row is wrong); FK_EEXIST (an MCData ID
 * twice); FK_ENOMEM.
 */
FK_MUST_USE enum fk_err fk_fleet_load(const char *path, const char *const *mcptt_hops,
				      struct fk_fleet *ret_fleet, char *ret_text, size_t text_cap);

/* Wipes and frees; a fleet of zeros is fine. */
void fk_fleet_free(struct fk_fleet *fleet);

/* The UE with this MCData ID, or NULL. */
struct fk_sim_ue *fk_fleet_find(const struct fk_fleet *fleet, const char *mcdata_id, size_t size);

static inline const char *fk_fleet_mcdata_id(const struct fk_fleet *fleet,
					     const struct fk_sim_ue *ue)
{
	return fleet->text + ue->mcdata_id_offset;
}

static inline const char *fk_fleet_next_hop(const struct fk_fleet *fleet,
					    const struct fk_sim_ue *ue)
{
	return fleet->next_hops[ue->next_hop];
}

static inline const char *fk_fleet_ue_id(const struct fk_fleet *fleet, const struct fk_sim_ue *ue)
{
	return fleet->text + ue->ue_id_offset;
}
