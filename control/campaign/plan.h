/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan.h - what a campaign would be, before anything of it is made: who, how many, how large.
 *
 * Add its members one by one; what cannot be served is excluded with its reason. Sizes come from
 * the worker that would send (include/fleetkey/link.h); while they are not known, nobody is too
 * large.
 *
 * Threads: everything here is pure. Memory: the plan is the caller's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <fleetkey/keytable.h>
#include <fleetkey/link.h>

#include "campaign/ledger.h"

#define FK_PLAN_EXCLUDED_MAX 100 /* members that a plan names one by one */
#define FK_PAYLOAD_SIZE_MAX  465 /* octets that P25 carries over IP (P25 sheet 6) */

struct fk_plan_excluded {
	uint32_t ue_index;
	uint8_t cause;	      /* enum fk_cause */
	uint16_t size, limit; /* octets; too large only */
};

struct fk_plan {
	uint32_t pace_per_s;
	uint8_t n_steps; /* KMMs of one delivery */
	uint32_t n_members, n_served;
	uint32_t n_causes[FK_CAUSES]; /* members that are excluded, by cause */
	/* Of the messages that would be sent; 0 while not known. */
	uint16_t size_min, size_max, limit_min, payload;
	struct fk_plan_excluded excluded[FK_PLAN_EXCLUDED_MAX];
	uint32_t n_excluded; /* entries of the above */
};

void fk_plan_begin(struct fk_plan *plan, uint32_t pace_per_s, bool closing);

/* Octets of the SIP message that carries a rekey to this UE; 0 if that is not known. */
uint32_t fk_plan_message_size(const struct fk_ue_slot *ue, const struct fk_message_size *size);

/* FK_CAUSE_NONE if the UE can be served, else why not. */
enum fk_cause fk_plan_judge(const struct fk_ue_slot *ue, const struct fk_message_size *size);

/* Counts one member in; 'size' is that of the messages to its next hop. */
void fk_plan_add(struct fk_plan *plan, uint32_t ue_index, const struct fk_ue_slot *ue,
		 const struct fk_message_size *size);

static inline uint64_t fk_plan_n_kmms(const struct fk_plan *plan)
{
	return (uint64_t)plan->n_served * plan->n_steps;
}

/* Milliseconds that the first sends take at the pace, without repeats; no less is possible. */
static inline uint64_t fk_plan_predicted_ms(const struct fk_plan *plan)
{
	return plan->pace_per_s == 0 ? 0 : fk_plan_n_kmms(plan) * 1000 / plan->pace_per_s;
}
