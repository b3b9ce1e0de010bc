/* SPDX-License-Identifier: Apache-2.0 */
/*
 * campaign.h - the record of one campaign: what was asked, what it became, and how it ended.
 *
 * The record is stored as named text fields (fk_store_batch_put_campaign). Its TEKs are stored
 * apart, each sealed, and are never part of this struct.
 *
 * Threads: everything here is pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>
#include <fleetkey/keytable.h>
#include <fleetkey/kmm.h>
#include <fleetkey/token.h>

#include "campaign/break_glass.h"
#include "campaign/kind.h"
#include "campaign/ledger.h"
#include "campaign/scheduler.h"
#include "campaign/wave_history.h"
#include "campaign/waves.h"
#include "campaign/zone.h"
#include "store/store.h"

#define FK_CAMPAIGN_FIELDS_MAX	96
#define FK_CAMPAIGN_CAUSES_MAX	64 /* different reasons that a report tells apart */
#define FK_MILESTONES		4
#define FK_MILESTONE_NONE	UINT64_MAX
#define FK_CAMPAIGN_GROUP_SIZE	(FK_NAME_SIZE_MAX + 1)
#define FK_CAMPAIGN_CAUSES_TEXT 3072

enum fk_campaign_state {
	FK_CAMPAIGN_RUNNING = 1,
	FK_CAMPAIGN_HALTED = 2, /* for a reason; an operator resumes or aborts it */
	FK_CAMPAIGN_COMPLETED = 3,
	FK_CAMPAIGN_ABORTED = 4,
	FK_CAMPAIGN_PLANNED = 6,    /* it, and the two that follow, wait for their start */
	FK_CAMPAIGN_APPROVED = 7,   /* by a second principal */
	FK_CAMPAIGN_SCHEDULED = 8,  /* begins at its time, when no other is active */
	FK_CAMPAIGN_SUPERSEDED = 9, /* has ended for a newer one */
	FK_CAMPAIGN_PAUSED = 5,	    /* by an operator; what is on its way may still be repeated */
};

/* Who of the group is in it; see members.h. Values are stored. */
enum fk_naming {
	FK_NAMED_NONE = 0, /* all: nobody is named */
	FK_NAMED_ONLY = 1, /* those that are named */
	FK_NAMED_BUT = 2,  /* all but those */
};

/* "running", ...; "unknown" if there is no such state. */
const char *fk_campaign_state_label(uint8_t state);

/* Shares of the deliveries, in tenths of a percent: 50, 99, 99.9 and 100 %. */
extern const uint32_t fk_milestone_permille[FK_MILESTONES];

/* How many of 'n_deliveries' make the milestone; at least 1. */
uint32_t fk_milestone_need(uint32_t n_deliveries, uint32_t milestone);

struct fk_cause_count {
	char text[FK_CAUSE_TEXT_SIZE];
	uint32_t n;
};

struct fk_campaign {
	uint32_t id;
	uint8_t state; /* enum fk_campaign_state */
	uint8_t kind;  /* enum fk_campaign_kind */
	uint8_t keyset_id, algorithm_id, slot;
	uint8_t naming;		      /* enum fk_naming */
	uint8_t superseded_keyset_id; /* of a changeover; else 0 */
	uint16_t generation;	      /* with 'slot', what its tokens carry */
	uint32_t ckek_of; /* that whose CKEK its TEKs are wrapped under, 0: each UE's own KEK */
	uint32_t keys_of; /* the campaign with whose keys it goes on, 0: it makes its own */
	/* The keys that it gives, or goes on with. */
	uint8_t n_keys; /* 0..FK_CAMPAIGN_KEYS_MAX */
	uint16_t slns[FK_CAMPAIGN_KEYS_MAX], key_ids[FK_CAMPAIGN_KEYS_MAX];
	/* Keys of one Rekey-Command, by place in the fleet's list of next hops; 0: none was served
	 * there. As planned: a change of limits does not change a campaign. */
	uint8_t keys_per_kmm[FK_NEXT_HOPS_MAX];
	uint8_t halt;	      /* enum fk_halt: why it is halted */
	uint16_t halt_status; /* of FK_HALT_NEXT_HOPS: fk_refusal_detail() of the first */
	struct fk_waves waves;
	struct fk_gate gate;
	uint32_t wave; /* in force, from 0 */
	struct fk_wave_history history;
	uint32_t n_excused; /* failures that were there when an operator resumed it */
	bool closing;
	bool is_folded; /* what it says of the UEs' keys stands in the currency */
	uint32_t pace_per_s;
	uint32_t expire_after_s; /* what has not ended so long after the start expires; 0: never */
	uint64_t fleet_generation;
	uint64_t created_at_ms, finished_at_ms; /* since 1970; finished 0: not yet */
	/* Who paused, halted or aborted it, until it is resumed: 1 + uid; 0: nobody, or nobody that
	 * is known, or the system itself. */
	uint64_t stopped_by;
	/* Before its start: see lifecycle.h. Times 0: not yet. */
	uint64_t planned_by, approved_by; /* 1 + uid; 0: nobody that is known */
	uint64_t approved_at_ms, scheduled_at_ms, started_at_ms;
	uint64_t plan_digest;	 /* of those whom the plan serves */
	uint32_t n_planned;	 /* how many they were */
	bool is_fleet_wide;	 /* its members were most of the fleet; see lifecycle.h */
	uint32_t start_number;	 /* counts starts: the highest is the latest */
	uint32_t retry_of;	 /* for the UEs at which that campaign failed; 0: none */
	uint32_t superseded_by;	 /* 0: none */
	uint32_t settles;	 /* the recovery that has begun it, see settle.c; 0: none */
	bool supersedes;	 /* ends an older one that gives keys for the same SLNs */
	bool replaces_active;	 /* also keys of the keyset that a UE speaks under are replaced */
	char zone[FK_ZONE_SIZE]; /* that scheduled_at_ms was said in */
	struct fk_break_glass glass;
	uint8_t conversation_id[16];
	char group[FK_CAMPAIGN_GROUP_SIZE]; /* empty: everyone */
	char area[FK_NAME_SIZE_MAX + 1];    /* whose UEs were named; empty: none was */
	/* What it came to; kept up to date in memory, stored when the record is. */
	uint64_t n_messages; /* KMMs ordered, repeats by control included */
	uint32_t n_deliveries, n_held, n_proven;
	uint32_t states[FK_DELIVERY_STATES];
	uint64_t milestones_ms[FK_MILESTONES]; /* from creation to acknowledged and durable */
	char causes[FK_CAMPAIGN_CAUSES_TEXT];  /* "sip_404=12;no_answer=3" of a finished one */
};

static inline bool fk_campaign_is_final(const struct fk_campaign *c)
{
	return c->state == FK_CAMPAIGN_COMPLETED || c->state == FK_CAMPAIGN_ABORTED ||
	       c->state == FK_CAMPAIGN_SUPERSEDED;
}

/* It has not begun. */
static inline bool fk_campaign_is_waiting(const struct fk_campaign *c)
{
	return c->state == FK_CAMPAIGN_PLANNED || c->state == FK_CAMPAIGN_APPROVED ||
	       c->state == FK_CAMPAIGN_SCHEDULED;
}

/* It has begun at some time: there may be deliveries. */
static inline bool fk_campaign_has_begun(const struct fk_campaign *c)
{
	return !fk_campaign_is_waiting(c) && c->n_deliveries > 0;
}

/* When it began; what it counts in milliseconds counts from there. */
static inline uint64_t fk_campaign_began_at_ms(const struct fk_campaign *c)
{
	return c->started_at_ms != 0 ? c->started_at_ms : c->created_at_ms;
}

/* The waves that are named, and the one with the rest. */
static inline uint32_t fk_campaign_n_waves(const struct fk_campaign *c)
{
	return c->waves.n + 1u;
}

/* How many keys it gives. */
static inline uint32_t fk_campaign_n_given(const struct fk_campaign *c)
{
	return fk_kind(c->kind)->gives_keys ? c->n_keys : 0;
}

/* True if the key that it gives, or goes on with, is a CKEK: it alone is in that keyset. */
static inline bool fk_campaign_has_ckek(const struct fk_campaign *c)
{
	return c->keyset_id == FK_KMM_KEYSET_KEKS;
}

/* The campaign that made its keys. */
static inline uint32_t fk_campaign_keys_of(const struct fk_campaign *c)
{
	return c->keys_of != 0 ? c->keys_of : c->id;
}

/* The flag of a delivery that has reached the campaign's goal. */
static inline uint8_t fk_campaign_goal(const struct fk_campaign *c)
{
	return fk_kind(c->kind)->n_commands > 0 ? FK_DELIVERY_PERFORMED : FK_DELIVERY_HELD;
}

/* The record as fields that point into 'text' and into the campaign. */
struct fk_campaign_fields {
	struct fk_store_field fields[FK_CAMPAIGN_FIELDS_MAX];
	uint32_t n;
	char text[FK_CAMPAIGN_FIELDS_MAX][40];
	char slns[FK_CAMPAIGN_KEYS_MAX * 6], key_ids[FK_CAMPAIGN_KEYS_MAX * 6];
	char keys_per_kmm[FK_NEXT_HOPS_MAX + 1];
	char waves[FK_WAVES_TEXT_SIZE];
	char history[FK_WAVE_HISTORY_TEXT_SIZE];
};

void fk_campaign_encode(const struct fk_campaign *c, struct fk_campaign_fields *ret_fields);
/*
 * Takes one stored field; a fk_store_field_fn whose ctx is the campaign, zeroed before the first.
 * Unknown names are ignored. Returns FK_OK, or FK_EFORMAT if the value is not what the field holds.
 */
FK_MUST_USE enum fk_err fk_campaign_decode_field(void *campaign, const char *name,
						 const char *value, size_t size);
/* After the last field. FK_OK, or FK_EFORMAT if a field that must be there is not. */
FK_MUST_USE enum fk_err fk_campaign_decode_done(struct fk_campaign *c);

/*
 * Counts the causes of final deliveries, most frequent first; returns how many different ones there
 * are, at most FK_CAMPAIGN_CAUSES_MAX: further ones are counted under "other".
 */
uint32_t fk_causes_count(const struct fk_delivery *deliveries, uint32_t n_slots,
			 struct fk_cause_count ret_causes[static FK_CAMPAIGN_CAUSES_MAX]);
/* To the text of the record and back. */
void fk_causes_format(const struct fk_cause_count *causes, uint32_t n, char *buf, size_t cap);
uint32_t fk_causes_parse(const char *text,
			 struct fk_cause_count ret_causes[static FK_CAMPAIGN_CAUSES_MAX]);
