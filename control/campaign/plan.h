/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan.h - what a campaign would be, before anything of it is made: who, how many, how large, and
 * how its keys are shared out into KMMs.
 *
 * Members are walked twice: fk_plan_measure() finds how many keys a KMM to each next hop may carry,
 * by the member with the longest URI there; then fk_plan_add() counts them, each with no more than
 * it takes itself, and what cannot be served is excluded with its reason. Sizes come from the
 * worker that would send (include/fleetkey/link.h); while they are not known, no message is too
 * large for its datagram.
 *
 * Threads: everything here is pure. Memory: the plan is the caller's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <fleetkey/keytable.h>
#include <fleetkey/link.h>

#include "campaign/ledger.h"
#include "reason.h"

#define FK_PLAN_EXCLUDED_MAX 100		/* members that a plan names one by one */
#define FK_PLAN_KMMS_MAX     (FK_STEP_MAX + 1u) /* of one delivery: a token has four bits for it */

/* What the currency says of the places that a campaign's keys go to, at one UE. */
enum fk_diff {
	FK_DIFF_NEW,	   /* no key is known there */
	FK_DIFF_REPLACES,  /* another key is held there */
	FK_DIFF_HELD,	   /* these very keys are */
	FK_DIFF_UNCERTAIN, /* some key possibly is */
	FK_DIFFS
};

/* What is asked for, and the limits that do not depend on the carrier. */
struct fk_plan_terms {
	uint32_t pace_per_s;
	bool closing;
	bool renews;		  /* also those without a protection TEK are served */
	bool may_warm_start;	  /* also those whose protection TEK is compromised are */
	uint8_t n_keys;		  /* that are given: 0..FK_CAMPAIGN_KEYS_MAX */
	uint8_t n_commands;	  /* KMMs after those with keys, but for the closing exchange */
	uint8_t keyset_id;	  /* that the keys go to; 0: any */
	uint16_t transport_limit; /* octets of one KMM (P25 sheet 6) */
	uint16_t preamble_size;	  /* octets in front of each KMM */
	/* max-payload-size-sds-cplane-bytes by next hop: preamble and KMM; 0: no limit */
	uint16_t payload_limits[FK_NEXT_HOPS_MAX];
	bool one_at_a_time[FK_NEXT_HOPS_MAX]; /* no more than one MESSAGE open there */
	uint32_t round_trip_ms; /* from a MESSAGE to its final response, as timer T1 estimates it */
};

/* Which limit a KMM with one key is beyond. */
enum fk_plan_limit {
	FK_PLAN_LIMIT_NONE,
	FK_PLAN_LIMIT_TRANSPORT, /* octets of the KMM */
	FK_PLAN_LIMIT_PAYLOAD,	 /* octets of the SDS payload */
	FK_PLAN_LIMIT_MESSAGE,	 /* octets of the SIP message */
	FK_PLAN_LIMIT_UE,	 /* octets of the KMM that the UE takes */
};

struct fk_plan_excluded {
	uint32_t ue_index;
	uint8_t cause;	      /* enum fk_cause */
	uint8_t limit_of;     /* enum fk_plan_limit; too large only, as are the next two */
	uint16_t size, limit; /* octets */
};

/* What goes to one next hop. */
struct fk_plan_hop {
	uint32_t n_members, n_served;
	uint64_t n_kmms;
	uint16_t size_min, size_max, limit; /* octets of SIP messages; 0 while not known */
	uint16_t size_refused; /* octets of the smallest that is too large; 0: none is */
};

struct fk_plan {
	struct fk_plan_terms terms;
	/* By next hop; 0: no member there can be served. */
	uint8_t keys_per_kmm[FK_NEXT_HOPS_MAX];
	uint32_t n_members, n_served;
	uint64_t n_kmms;	      /* of all deliveries */
	uint32_t kmms_min, kmms_max;  /* of one delivery, by next hop */
	uint32_t n_causes[FK_CAUSES]; /* members that are excluded, by cause */
	/* Of the largest message to each UE that is served; 0 while not known. */
	uint16_t size_min, size_max, limit_min;
	/* Keys of the largest KMM to each UE that is served; 0 while nobody is. */
	uint8_t keys_min, keys_max;
	uint32_t n_limited; /* served UEs that take fewer keys than their next hop would carry */
	uint16_t payload;   /* octets of the largest preamble and KMM; 0 while nobody is served */
	struct fk_plan_excluded excluded[FK_PLAN_EXCLUDED_MAX];
	uint32_t n_excluded; /* entries of the above */
	struct fk_plan_hop hops[FK_NEXT_HOPS_MAX];
	uint64_t digest;	    /* of who is served: another set has another one */
	uint32_t n_diffs[FK_DIFFS]; /* of the served, by what the currency says; by the caller */
};

void fk_plan_begin(struct fk_plan *plan, const struct fk_plan_terms *terms);

/* Octets of the SIP message that carries a rekey with 'n_keys' keys, or, with none, the largest of
 * the other commands; 0 if that is not known. */
uint32_t fk_plan_message_size(const struct fk_ue_slot *ue, const struct fk_message_size *size,
			      uint32_t n_keys);

/* The most keys that one KMM may carry for all that the UE itself takes; 0 if not even one. */
uint32_t fk_plan_ue_keys(const struct fk_ue_slot *ue);

/*
 * The most keys that one KMM on its way to the UE may carry, at most FK_ORDER_KEYS_MAX: the
 * smallest of transport limit, payload limit and what the datagram takes. 0 if not even one fits;
 * 'ret_limit' (may be NULL) then says why.
 */
uint32_t fk_plan_keys_per_kmm(const struct fk_plan_terms *terms, const struct fk_ue_slot *ue,
			      const struct fk_message_size *size, enum fk_plan_limit *ret_limit);

/* FK_CAUSE_NONE if the UE can be served, else why not. */
enum fk_cause fk_plan_judge(const struct fk_plan_terms *terms, const struct fk_ue_slot *ue,
			    const struct fk_message_size *size);

/* Takes one member into the split of its next hop; 'size' is that of the messages there. */
void fk_plan_measure(struct fk_plan *plan, const struct fk_ue_slot *ue,
		     const struct fk_message_size *size);
/* Counts one member that is left out whatever its messages take. */
void fk_plan_leave_out(struct fk_plan *plan, uint32_t ue_index, const struct fk_ue_slot *ue,
		       enum fk_cause cause);
/* Counts one member in, when all were measured. */
void fk_plan_add(struct fk_plan *plan, uint32_t ue_index, const struct fk_ue_slot *ue,
		 const struct fk_message_size *size);

/* KMMs of one delivery. */
static inline uint32_t fk_plan_kmms(const struct fk_plan_terms *terms, uint32_t keys_per_kmm)
{
	return (terms->n_keys + keys_per_kmm - 1) / keys_per_kmm + terms->n_commands +
	       terms->closing;
}

/* Milliseconds that one next hop takes its KMMs in, one at a time; 0 where there is no such limit.
 * spec: RFC 3428 §8; RFC 3261 §17.1.1.1: T1 is the estimate of the round trip. */
static inline uint64_t fk_plan_hop_predicted_ms(const struct fk_plan *plan, uint32_t next_hop)
{
	return plan->terms.one_at_a_time[next_hop]
		       ? plan->hops[next_hop].n_kmms * plan->terms.round_trip_ms
		       : 0;
}

/* FK_EPOLICY, with 'ret_field', if keys would be given to nobody, and some would get them but for
 * what has their places: keys in use, or later ones. FK_OK otherwise. */
FK_MUST_USE enum fk_err fk_plan_check_places(const struct fk_plan *plan, const char **ret_field,
					     struct fk_reason *reason);

/* Milliseconds that the first sends take, without repeats: at the pace, or at the next hop that
 * takes longest. */
uint64_t fk_plan_predicted_ms(const struct fk_plan *plan);
