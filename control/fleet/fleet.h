/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet.h - the fleet in force: who its UEs are, their groups and their message numbers.
 *
 * Arrays by ue_index. Keys are not here: they go from the store straight into the key table. Names
 * of groups, areas and next hops are small ids. A slot without an owner (the rest of a shard's last
 * page) is not a UE.
 *
 * Threads: belongs to one thread. Memory: owned by the fleet; views borrow until fk_fleet_free().
 */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>

#include "config/config.h"
#include "currency/book.h"
#include "fleet/keytable.h"
#include "fleet/own_key.h"
#include "keys/keyring.h"
#include "reason.h"
#include "store/store.h"

#define FK_UE_ID_SIZE_MAX    64 /* characters */
#define FK_NAME_SIZE_MAX     32 /* characters of a group's or an area's name */
#define FK_UE_GROUPS_MAX     16
#define FK_GROUPS_MAX	     4096 /* different group names in a fleet */
#define FK_AREAS_MAX	     4096
#define FK_NUMBERS_PAGE_SIZE (FK_STORE_PAGE_UES * 8)

/* What a UE last said of itself by Registration or Deregistration. The labels are those of the API;
 * values are stored. */
#define FK_PRESENCE_MAP(X)                                     \
	X(FK_PRESENCE_UNKNOWN, "unknown", "it never said")     \
	X(FK_PRESENCE_REGISTERED, "registered", "it is there") \
	X(FK_PRESENCE_DEREGISTERED, "deregistered", "it went away")

enum fk_presence {
#define X(name, label, text) name,
	FK_PRESENCE_MAP(X)
#undef X
	FK_PRESENCES
};

/*
 * The message numbers of one UE, for both directions. A number below 'reserved_next' (circularly)
 * may have been used; 'accepted' is the last that the UE provably took. Both start at 0.
 */
struct fk_ue_numbers {
	uint16_t reserved_next; /* the first number that is not reserved */
	uint16_t accepted;	/* the last outbound number that an authentic answer confirmed */
	uint16_t inbound;	/* the last number accepted from the UE */
	uint8_t inbound_known;	/* 1: 'inbound' is meaningful */
	uint8_t presence : 4;	/* enum fk_presence: what the UE last said */
	/* 1: nothing proves that it has its protection TEK, which has to be sent first. */
	uint8_t needs_warm_start : 4;
};
static_assert(sizeof(struct fk_ue_numbers) == 8, "also the durable form: raise FK_STORE_SCHEMA");

/* Whether campaigns reach a UE. The labels are those of the API; values are stored. */
#define FK_UE_STATUS_MAP(X)                                                \
	X(FK_UE_ACTIVE, "active", "in service")                            \
	X(FK_UE_SUSPENDED, "suspended", "out of service, with its user")   \
	X(FK_UE_LOST, "lost", "nobody knows who has it")                   \
	X(FK_UE_ZEROIZED, "zeroized", "it holds no key, its own included") \
	X(FK_UE_RELEASED, "released", "another KMF may have it; see adopt.h")

enum fk_ue_status {
#define X(name, label, text) name,
	FK_UE_STATUS_MAP(X)
#undef X
	FK_UE_STATUSES
};

/* The outer layer, which encrypts a whole KMM, that a UE takes. Values are stored. */
enum fk_outer {
	FK_OUTER_NONE = 0,
	FK_OUTER_OFB = 1,
};

/* What a UE takes, apart from MAC kind and number window (mnp); 0: what P25 allows. */
struct fk_ue_capability {
	uint16_t max_kmm; /* octets of one KMM */
	uint8_t max_keys; /* keys of one Rekey-Command */
	uint8_t keysets;  /* it has the TEK keysets 1..keysets */
	uint8_t outer;	  /* enum fk_outer; nothing is sent under one yet */
};
#define FK_KEYSETS_MAX 16

struct fk_fleet; /* layout is private to fleet.c */

/* One UE, as a view. */
struct fk_fleet_ue {
	const char *ue_id, *mc_service_id, *mcdata_id; /* NUL-terminated, borrowed */
	uint32_t rsi;
	uint16_t kek_sln, kek_key_id, ptek_key_id;
	bool has_ptek;
	uint8_t mac_kind; /* enum fk_mac_kind */
	uint16_t mnp;
	struct fk_ue_capability takes;
	uint8_t next_hop; /* index into the configuration's next_hops */
	uint16_t area_id;
	uint8_t n_groups;
	const uint16_t *group_ids; /* borrowed; n_groups */
	uint8_t ue_generation;
	uint8_t status;	  /* enum fk_ue_status */
	uint8_t presence; /* enum fk_presence */
	struct fk_own_key own[FK_OWN_KEYS];
};

/*
 * Loads the fleet in force and builds its key table; without an import yet, an empty fleet of
 * generation 0. On FK_OK the caller owns both. Returns FK_ESTORE; FK_EAUTH if a record does not
 * open or a page was changed; FK_ESTALE if a page was put back from an older copy; FK_EFORMAT if a
 * stored record is damaged; FK_EINVAL if the fleet names a next hop that the
 * configuration lacks; FK_ENOMEM. 'reason' says which UE or page, never a key.
 */
FK_MUST_USE enum fk_err fk_fleet_load(struct fk_store *store, struct fk_keyring *keyring,
				      const struct fk_config *config, struct fk_fleet **ret_fleet,
				      struct fk_keytable_file **ret_table,
				      struct fk_reason *reason);
void fk_fleet_free(struct fk_fleet *fleet);

/*
 * The same in steps, for a caller that has other things to do in between: new, step until done,
 * take. Results as fk_fleet_load(). A step reads about 'n_pages' pages of records. Only after the
 * step that said done may be taken; that ends the loader too. fk_fleet_loader_free() gives up.
 */
struct fk_fleet_loader;
FK_MUST_USE enum fk_err fk_fleet_loader_new(struct fk_store *store, struct fk_keyring *keyring,
					    const struct fk_config *config,
					    struct fk_fleet_loader **ret_loader,
					    struct fk_reason *reason);
FK_MUST_USE enum fk_err fk_fleet_loader_step(struct fk_fleet_loader *loader, uint32_t n_pages,
					     bool *ret_done, struct fk_reason *reason);
void fk_fleet_loader_progress(const struct fk_fleet_loader *loader, uint32_t *ret_done,
			      uint32_t *ret_total);
void fk_fleet_loader_take(struct fk_fleet_loader *loader, struct fk_fleet **ret_fleet,
			  struct fk_keytable_file **ret_table);
void fk_fleet_loader_free(struct fk_fleet_loader *loader);

uint64_t fk_fleet_generation(const struct fk_fleet *fleet);
uint32_t fk_fleet_n_ues(const struct fk_fleet *fleet);
uint32_t fk_fleet_n_slots(const struct fk_fleet *fleet); /* a multiple of FK_STORE_PAGE_UES */
uint32_t fk_fleet_n_pages(const struct fk_fleet *fleet);
/* The fleet's own list of next hops, which a change of the configuration leaves as it is: how many,
 * and where each stands in the configuration. */
uint32_t fk_fleet_n_next_hops(const struct fk_fleet *fleet);
uint32_t fk_fleet_next_hop(const struct fk_fleet *fleet, uint32_t i);
/* Shard of each page: n_pages octets. Borrowed. */
const uint8_t *fk_fleet_page_shards(const struct fk_fleet *fleet);
/* Version of each page in the store, n_pages of them (page.h): whoever writes a page writes the
 * list of versions with it, and keeps these true. Borrowed. */
uint32_t *fk_fleet_page_versions(struct fk_fleet *fleet);
/* True from before pages are written until their write is confirmed: whether the store has them is
 * not known, and it has to be asked for the versions before the next write. */
bool fk_fleet_doubts_versions(const struct fk_fleet *fleet);
void fk_fleet_doubt_versions(struct fk_fleet *fleet, bool is_doubtful);

/* Fills the view and returns true; false if the slot has no owner or the index is out of range. */
bool fk_fleet_get(const struct fk_fleet *fleet, uint32_t ue_index, struct fk_fleet_ue *ret_ue);
/* ue_index of that UE, or -1. */
int64_t fk_fleet_find(const struct fk_fleet *fleet, const char *ue_id);

/* The status of a UE; FK_UE_ACTIVE if the slot has no owner. */
uint8_t fk_fleet_status(const struct fk_fleet *fleet, uint32_t ue_index);
/* In memory only: see status.h. A slot without an owner is left alone. */
void fk_fleet_set_status(struct fk_fleet *fleet, uint32_t ue_index, uint8_t status);
/* A new protection TEK (renew.h): its key ID, and what is known of it; in memory only. */
void fk_fleet_set_ptek(struct fk_fleet *fleet, uint32_t ue_index, uint16_t key_id,
		       const struct fk_own_key *ptek);
/* What is known of a UE's own key; NULL if the slot has no owner. Borrowed. */
const struct fk_own_key *fk_fleet_own_key(const struct fk_fleet *fleet, uint32_t ue_index,
					  enum fk_own_key_kind kind);
/* That it is compromised, if there is one; in memory only. */
void fk_fleet_set_compromised(struct fk_fleet *fleet, uint32_t ue_index, enum fk_own_key_kind kind);
uint32_t fk_fleet_n_with_status(const struct fk_fleet *fleet, uint8_t status);

/* "unknown", ...; never NULL. */
const char *fk_presence_label(uint8_t presence);
/* How many UEs have last said that; looks at all of them. */
uint32_t fk_fleet_n_with_presence(const struct fk_fleet *fleet, uint8_t presence);

uint32_t fk_fleet_n_groups(const struct fk_fleet *fleet);
uint32_t fk_fleet_n_areas(const struct fk_fleet *fleet);
/* NULL if there is no such id. */
const char *fk_fleet_group_name(const struct fk_fleet *fleet, uint32_t group_id);
const char *fk_fleet_area_name(const struct fk_fleet *fleet, uint32_t area_id);
/* Id of the group of that name, or -1. */
int32_t fk_fleet_find_group(const struct fk_fleet *fleet, const char *name);
/* The area of a UE; 0 where nobody is. */
uint16_t fk_fleet_area(const struct fk_fleet *fleet, uint32_t ue_index);
/* The same for an area. */
int32_t fk_fleet_find_area(const struct fk_fleet *fleet, const char *name);
bool fk_fleet_is_member(const struct fk_fleet *fleet, uint32_t ue_index, uint32_t group_id);
/* Number of members of a group. */
uint32_t fk_fleet_group_size(const struct fk_fleet *fleet, uint32_t group_id);

/* True if any UE's KEK or protection TEK has this key ID: then no new key may get it. */
bool fk_fleet_uses_key_id(const struct fk_fleet *fleet, uint16_t key_id);

/* What is known of the keys that the UEs hold, but for the campaign in force. Borrowed. */
struct fk_currency_book *fk_fleet_currency(const struct fk_fleet *fleet);

/* The numbers of a UE, to be read and changed in place; NULL if the index is out of range. A change
 * is durable only when its page was written. */
struct fk_ue_numbers *fk_fleet_numbers(struct fk_fleet *fleet, uint32_t ue_index);
/* The durable form of one page: 64 times reserved_next 2, accepted 2, inbound 2, inbound_known 1,
 * needs_warm_start and presence 1 (4 bits each), big-endian. 'page' must be below n_pages. */
void fk_fleet_encode_numbers_page(const struct fk_fleet *fleet, uint32_t page,
				  uint8_t ret_octets[static FK_NUMBERS_PAGE_SIZE]);
