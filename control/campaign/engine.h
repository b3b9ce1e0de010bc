/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine.h - drives the campaign in force: store, rings and clock around the pure scheduler.
 *
 * At most one campaign is active (running, paused or halted). One tick: peek at the doorbells, read
 * and apply the states, reserve ahead, write the dirty pages by the batch, release the doorbells,
 * push orders. While the store is away nothing is ordered and nothing is released; what came in is
 * kept, in memory here and in the states there, and written when the store is back.
 *
 * Threads: one owner. Times: what a campaign counts starts at its creation, by CLOCK_MONOTONIC in
 * one life of the process and by CLOCK_REALTIME over restarts.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <fleetkey/err.h>

#include "campaign/campaign.h"
#include "campaign/lifecycle.h"
#include "campaign/members.h"
#include "campaign/plan.h"
#include "config/config.h"
#include "fleet/fleet.h"
#include "fleet/group_book.h"
#include "fleet/keytable.h"
#include "keys/key_store.h"
#include "link/region.h"
#include "reason.h"
#include "store/store.h"

#define FK_ENGINE_CAMPAIGNS_MAX 4096 /* records kept in memory; the latest ones */

struct fk_engine;

/* What an operator asks for; checked by fk_engine_create() against fleet and configuration. */
struct fk_campaign_request {
	uint8_t kind;			     /* enum fk_campaign_kind */
	char group[FK_CAMPAIGN_GROUP_SIZE];  /* empty: everyone */
	uint16_t slns[FK_CAMPAIGN_KEYS_MAX]; /* 1..4095, all different: one key for each */
	/* 1..FK_CAMPAIGN_KEYS_MAX; 0: those of the group's plan, without one SLN 1 */
	uint8_t n_keys;
	/* 1..16; 0: that of the keys it goes on with, else the one that is not in use */
	uint8_t keyset_id;
	uint8_t superseded_keyset_id; /* 0: the plan's other one, else of 1 and 2 the other one */
	uint32_t keys_of;	      /* 0: the latest campaign that gave the group keys */
	uint32_t pace_per_s;	      /* 0: the configuration's */
	uint32_t expire_after_s;      /* the same */
	bool closing;
	bool under_ckek; /* TEKs are wrapped under the group's CKEK, where it is held */
	/* Overrides I6: keys of 'keyset_id', which must be named, are replaced also at UEs of which
	 * it is known to be the active one. Of a kind that gives TEKs. */
	bool replaces_active;
	struct fk_members_request members;
	struct fk_waves waves; /* areas must be the fleet's; 'end' is found by fk_engine_create() */
	struct fk_gate gate;
	uint64_t principal; /* who asks: 1 + uid, or FK_PRINCIPAL_NONE */
	bool supersedes;    /* an older one that gives keys for the same SLNs may be ended */
	char break_glass[FK_NOTE_SIZE]; /* the reason, see break_glass.h; empty: it is not used */
	/* Filled by the engine only. */
	uint32_t retry_of, stored_members_of;
	uint32_t settles; /* with keys_of: for those of whom it is unknown whether they have them */
};

/* All borrowed until fk_engine_free(). */
FK_MUST_USE enum fk_err fk_engine_new(const struct fk_config *config, struct fk_store *store,
				      struct fk_keyring *keyring, struct fk_key_store *keys,
				      struct fk_group_book *groups, struct fk_engine **ret_engine);
void fk_engine_free(struct fk_engine *engine);

/*
 * Sets the fleet and loads the campaigns: the latest one goes on where its ledger stands, if it was
 * made for this fleet. Borrows both until the next call. Returns FK_EBUSY if a campaign is active;
 * FK_ESTORE; FK_EFORMAT if a stored record is damaged; FK_EAUTH if a TEK does not open;
 * FK_ENOMEM.
 */
FK_MUST_USE enum fk_err fk_engine_set_fleet(struct fk_engine *engine, struct fk_fleet *fleet,
					    struct fk_keytable_file *table,
					    struct fk_reason *reason);
struct fk_engine_recovered {
	uint32_t n_aborted;	/* campaigns */
	uint32_t n_unknown_ues; /* that may hold a key, which is now unknown */
};
/*
 * The store is an older copy (recovery.h): what waits and what is active is aborted, as it may have
 * been, and what is known of keys becomes unknown; all is durable then. Before a dataplane
 * attaches. FK_OK; FK_ESTORE; FK_ENOMEM.
 */
FK_MUST_USE enum fk_err fk_engine_recover(struct fk_engine *engine,
					  struct fk_engine_recovered *ret_recovered);
/* Lets go of fleet, table and region, before they are freed. */
void fk_engine_drop_fleet(struct fk_engine *engine);

/* The link's events, in the meaning of link/server.h. */
void fk_engine_on_region(struct fk_engine *engine, struct fk_region_map *region, bool is_new);
void fk_engine_on_attached(struct fk_engine *engine);
void fk_engine_on_detached(struct fk_engine *engine);

/* Nothing that waits begins while a fleet is imported: what it takes over has to stand still. */
void fk_engine_hold_starts(struct fk_engine *engine, bool is_held);
/* One turn of work. */
void fk_engine_tick(struct fk_engine *engine);
/* Milliseconds until the next tick has to be; -1: not before something happens. */
int fk_engine_wait_ms(const struct fk_engine *engine);
/* Writes what is dirty, as far as the store allows: for an orderly end. */
void fk_engine_flush(struct fk_engine *engine);

/*
 * Plans a campaign and makes nothing of it; another one may be active. 'ret_campaign' is what it
 * would be, but for its id and new key IDs. 'ret_field' names the field at fault, or is NULL.
 * Returns FK_OK, also if nobody could be served; FK_ENOTFOUND (group, waves, ue_ids, keys_of);
 * FK_ERANGE;
 * FK_EINVAL (no fleet, superseded_keyset_id); FK_EPOLICY (a kind of inferred layout).
 */
FK_MUST_USE enum fk_err fk_engine_plan(struct fk_engine *engine,
				       const struct fk_campaign_request *request,
				       struct fk_campaign *ret_campaign, struct fk_plan *ret_plan,
				       const char **ret_field, struct fk_reason *reason);
/*
 * Creates a campaign: FK_OK when record and sealed TEKs are durable. 'ret_field' names the field at
 * fault, or is NULL. 'ret_plan' is written whenever it came to a plan, so that a refusal can say
 * how large a message would be; UEs that it excludes are excluded from the campaign. Returns
 * FK_EBUSY if one is active; FK_ENOTFOUND (group, waves, keys_of, or its keys are gone); FK_ERANGE
 * (also: no message fits, or more than FK_PLAN_KMMS_MAX were needed); FK_EINVAL (nobody to serve,
 * or superseded_keyset_id); FK_EPOLICY; FK_ESTORE; FK_ELINK if no dataplane attached to this fleet
 * yet; FK_EFULL if no key ID is left; FK_ENOMEM; FK_EIO.
 */
FK_MUST_USE enum fk_err fk_engine_create(struct fk_engine *engine,
					 const struct fk_campaign_request *request,
					 uint32_t *ret_id, struct fk_plan *ret_plan,
					 const char **ret_field, struct fk_reason *reason);
/*
 * A campaign that waits: planned, then approved where the configuration asks for it, then
 * scheduled. Each is durable when it returns FK_OK; members that are named are settled by the plan.
 * Results are those of fk_engine_create(), and of lifecycle.h.
 */
FK_MUST_USE enum fk_err fk_engine_plan_new(struct fk_engine *engine,
					   const struct fk_campaign_request *request,
					   uint32_t *ret_id, struct fk_plan *ret_plan,
					   const char **ret_field, struct fk_reason *reason);
/* The same for one that waits already, or, with 'is_kept', makes nothing new of it and only shows
 * the plan as it would be now. An approval is gone then, as is a time. */
FK_MUST_USE enum fk_err fk_engine_plan_again(struct fk_engine *engine, uint32_t id,
					     uint64_t principal, bool is_kept,
					     struct fk_plan *ret_plan, const char **ret_field,
					     struct fk_reason *reason);
/* Plans a campaign of the same kind for the UEs at which that one, which has ended, has failed. It
 * gives the same keys. FK_ESTALE if it has not ended, or the fleet was replaced since. */
FK_MUST_USE enum fk_err fk_engine_plan_retry(struct fk_engine *engine, uint32_t id,
					     uint64_t principal, uint32_t *ret_id,
					     struct fk_plan *ret_plan, const char **ret_field,
					     struct fk_reason *reason);
/* FK_ESTALE, with 'ret_field', if the plan is not what it was: the fleet, or who is served. */
FK_MUST_USE enum fk_err fk_engine_approve(struct fk_engine *engine, uint32_t id, uint64_t principal,
					  const char **ret_field, struct fk_reason *reason);
/* A campaign that broke the glass; durable on FK_OK. Results are those of break_glass.h, and
 * FK_ENOTFOUND, FK_ESTORE. */
FK_MUST_USE enum fk_err fk_engine_review(struct fk_engine *engine, uint32_t id, uint64_t principal,
					 const char *note, const char **ret_field,
					 struct fk_reason *reason);
/* FK_ERANGE, with the reason, if 'at_ms', since 1970, has passed already. */
FK_MUST_USE enum fk_err fk_engine_check_ahead(uint64_t at_ms, struct fk_reason *reason);
/* It begins at 'at_ms', since 1970, or as soon after it as no other one is active; 0: now. */
FK_MUST_USE enum fk_err fk_engine_schedule(struct fk_engine *engine, uint32_t id, uint64_t at_ms,
					   const char *zone, const char **ret_field,
					   struct fk_reason *reason);
/* The same, 'lead_s' before the cryptoperiod of a key ends that it replaces: the first to end of
 * those that are in use now. FK_EINVAL if it replaces none, FK_ENOTFOUND if none has an end,
 * FK_ERANGE if that time has passed. */
FK_MUST_USE enum fk_err fk_engine_schedule_before_end(struct fk_engine *engine, uint32_t id,
						      uint32_t lead_s, const char **ret_field,
						      struct fk_reason *reason);

/* 'cause' is why the UE is left out, FK_CAUSE_NONE if it is served; then 'diff' is what is known.
 */
typedef void (*fk_plan_row_fn)(void *ctx, uint32_t ue_index, enum fk_cause cause,
			       enum fk_diff diff);
/* Calls 'fn' for up to 'limit' members of a campaign that waits, as it would be now, from ue_index
 * 'from' on. Results are those of fk_engine_plan_again(). */
FK_MUST_USE enum fk_err fk_engine_walk_plan(struct fk_engine *engine, uint32_t id, uint32_t from,
					    uint32_t limit, fk_plan_row_fn fn, void *ctx,
					    uint32_t *ret_next, const char **ret_field,
					    struct fk_reason *reason);

/*
 * Stops the campaign: the flag in shared memory first, the record when the store can.
 * Returns FK_OK, also if it is aborted already; FK_ENOTFOUND; FK_ESTALE if it has ended otherwise;
 * FK_ESTORE if several that wait are aborted while the store is away. The record says that
 * 'principal' did, 1 + uid; FK_PRINCIPAL_NONE if the system itself does, or nobody knows who.
 */
FK_MUST_USE enum fk_err fk_engine_abort(struct fk_engine *engine, uint32_t id, uint64_t principal);

/*
 * Stops it until it is resumed: the flag in shared memory first, the record when the store can.
 * Paused, no new request leaves, and what is on its way may be repeated; halted, nothing does.
 * 'principal' is as above. Should control die before the record is written, the flag alone is left,
 * and nobody knows who it was. Return FK_OK, also if it stands so already, and then nothing
 * changes; FK_ENOTFOUND; FK_ESTALE if it is not the one that runs.
 */
FK_MUST_USE enum fk_err fk_engine_pause(struct fk_engine *engine, uint32_t id, uint64_t principal);
FK_MUST_USE enum fk_err fk_engine_halt(struct fk_engine *engine, uint32_t id, uint64_t principal);
/*
 * Lets a paused or halted campaign go on. A gate that is shut counts as passed, failures that
 * halted it are excused, next hops that have stopped are tried again. The record goes first, so
 * that a restart does not halt it again, and it says who did. Returns FK_OK, also if it runs;
 * FK_ENOTFOUND; FK_ESTALE if it is at its end; FK_ESTORE, and it stands.
 */
FK_MUST_USE enum fk_err fk_engine_resume(struct fk_engine *engine, uint32_t id, uint64_t principal);

/* Where the wave in force and its gate stand; false unless the campaign is active. */
bool fk_engine_wave(struct fk_engine *engine, const struct fk_campaign *c,
		    struct fk_wave_tally *ret_tally, enum fk_gate_state *ret_state);

/*
 * A key is about to be marked as compromised (I8): the campaign that gives it out is stopped, and
 * nothing that it authenticates counts any more. '*ret_id' is that campaign's, 0 if there is none.
 */
void fk_engine_on_compromise(struct fk_engine *engine, const char *key_name, uint32_t *ret_id);

/*
 * A UE's own key is compromised (I8). It leaves the key table at once, and what is open for the UE
 * under it ends; then it is written down. May be said again. Returns FK_OK; FK_ENOTFOUND if there
 * is no such key; FK_ESTORE, FK_EAUTH, FK_ESTALE or FK_EFORMAT: it has stopped, but is not on
 * record, and a restart would know nothing of it.
 */
FK_MUST_USE enum fk_err fk_engine_compromise_own_key(struct fk_engine *engine, uint32_t ue_index,
						     enum fk_own_key_kind kind,
						     struct fk_reason *reason);

/* A UE's status has changed: unless it is active now, the campaign that runs leaves it out. */
/* True while a KMM to the UE is open, so that it may be sent again at any moment. */
bool fk_engine_is_sending_to(const struct fk_engine *engine, uint32_t ue_index);
void fk_engine_on_status(struct fk_engine *engine, uint32_t ue_index);

/* What UEs have said without being asked, in this life of the process. */
struct fk_engine_said {
	uint64_t n_heard;	   /* Hellos */
	uint64_t n_rekey_requests; /* of them: with flag 1 or 2 */
	uint64_t n_woken;	   /* deliveries that it was the occasion to go on with */
	uint64_t n_registered, n_deregistered; /* noted */
	uint64_t n_no_service;		       /* requests that there was nothing to give for */
	uint64_t n_key_fills;		       /* UEs that nothing wrapped can be brought to */
	uint64_t n_answered;		       /* of those three: by what the system took */
	uint64_t n_renewed;		       /* protection TEKs made for UEs that lacked theirs */
	/* And those without: refused for the UE's status, put off for an import; no number left, or
	 * a request without a MAC. */
	uint64_t n_refused, n_put_off, n_unanswered;
};
const struct fk_engine_said *fk_engine_said(const struct fk_engine *engine);

bool fk_engine_is_active(const struct fk_engine *engine);
/*
 * True if no campaign is active and everything about the last one is durable: only then may another
 * fleet come into force.
 */
bool fk_engine_is_settled(const struct fk_engine *engine);
bool fk_engine_store_is_healthy(const struct fk_engine *engine);
uint32_t fk_engine_n_campaigns(const struct fk_engine *engine);
/* By position, oldest first, and by id; up to date; NULL if there is none. Borrowed until the next
 * call of any function here. */
const struct fk_campaign *fk_engine_campaign_at(struct fk_engine *engine, uint32_t i);
const struct fk_campaign *fk_engine_campaign(struct fk_engine *engine, uint32_t id);
/* Milliseconds that it has run, or ran. */
uint64_t fk_engine_elapsed_ms(const struct fk_engine *engine, const struct fk_campaign *c);
/* See fk_causes_count(). */
uint32_t fk_engine_causes(struct fk_engine *engine, const struct fk_campaign *c,
			  struct fk_cause_count ret_causes[static FK_CAMPAIGN_CAUSES_MAX]);

/*
 * The name of the configuration's next hop 'next_hop', NULL behind the last one; '*ret_detail' is
 * what stopped it for this campaign, as the detail of FK_CAUSE_SIP, 0 if it goes on or the campaign
 * is not the one in force.
 */
const char *fk_engine_next_hop(const struct fk_engine *engine, const struct fk_campaign *c,
			       uint32_t next_hop, uint16_t *ret_detail);
/*
 * True if that next hop is overloaded, or was and has not answered since, in the campaign in force;
 * '*ret_wait' in ms since 1970.
 */
bool fk_engine_hop_wait(const struct fk_engine *engine, const struct fk_campaign *c,
			uint32_t next_hop, struct fk_hop_wait *ret_wait);

/* True if a campaign has begun with the fleet in force: it has a ledger that names its UEs. Whoever
 * asks for deliveries does so by account.h. */
bool fk_engine_has_used_fleet(const struct fk_engine *engine);

/* A key by the campaign that made it and its place in the campaign's list. */
struct fk_key_name {
	uint32_t campaign_id;
	uint8_t index;
};
/* The campaign that made the latest CKEK of that crypto group, whatever has become of the key; NULL
 * if there is none. Borrowed. */
const struct fk_campaign *fk_engine_ckek_of(const struct fk_engine *engine, const char *group);
/* The keys of that SLN, algorithm and key ID, the latest first; returns how many, at most 'max'. */
uint32_t fk_engine_find_keys(struct fk_engine *engine, uint16_t sln, uint8_t algorithm_id,
			     uint16_t key_id, struct fk_key_name *ret_names, uint32_t max);

/* False: not this one any more. */
typedef bool (*fk_currency_fn)(void *ctx, uint32_t ue_index, const struct fk_currency *ue);
/*
 * Calls 'fn' for up to 'n_slots' slots from ue_index 'from' on, with or without an owner, with what
 * is known of the keys there; all of it is durable. '*ret_next' is where to go on, UINT32_MAX at
 * the end. Returns FK_OK; FK_ENOTFOUND (no fleet); FK_ESTORE.
 */
FK_MUST_USE enum fk_err fk_engine_walk_currency(struct fk_engine *engine, uint32_t from,
						uint32_t n_slots, fk_currency_fn fn, void *ctx,
						uint32_t *ret_next);
