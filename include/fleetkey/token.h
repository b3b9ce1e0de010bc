/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token.h - the 64 bits that name one attempt, wherever it travels.
 *
 * A token stands in the Message ID of the SDS (with 58 bits of keyed tag, shaped as a version-4
 * UUID), in the SIP branch and in the Call-ID. An answer therefore finds its UE by decoding,
 * without a table, in any worker and after any restart. The tag (dataplane/token.h) makes it
 * unforgeable.
 *
 *   63      56 55        44 43   40 39                16 15           8 7         0
 *   campaign   campaign     step    ue_index             ue             attempt
 *   slot (8)   gener. (12)  (4)     (24)                 generation (8) (8)
 *
 * Threads: everything here is pure.
 */
#pragma once

#include <stdint.h>

#define FK_UE_INDEX_MAX		   0xffffffu /* the largest ue_index a token can name */
#define FK_CAMPAIGN_SLOTS	   64 /* campaigns that can be loaded at a time; at most 256 */
#define FK_CAMPAIGN_GENERATION_MAX 0xfffu
#define FK_STEP_MAX		   0xfu
#define FK_ATTEMPT_MAX		   0xffu

/* The last slot is no campaign's: KMMs that answer what UEs said without being asked. */
#define FK_ANSWER_SLOT	     (FK_CAMPAIGN_SLOTS - 1)
#define FK_ANSWER_GENERATION 1

struct fk_token {
	uint8_t campaign_slot;
	uint16_t campaign_generation; /* 1..4095; 0 is no campaign */
	uint8_t step;		      /* 0..15: position in the delivery's list of KMMs */
	uint32_t ue_index;	      /* row in the fleet; 24 bits */
	uint8_t ue_generation;	      /* tells two owners of one ue_index apart */
	uint8_t attempt;	      /* a new attempt has a new message number */
};

static inline uint64_t fk_token_pack(const struct fk_token *t)
{
	return (uint64_t)t->campaign_slot << 56 |
	       (uint64_t)(t->campaign_generation & FK_CAMPAIGN_GENERATION_MAX) << 44 |
	       (uint64_t)(t->step & FK_STEP_MAX) << 40 |
	       (uint64_t)(t->ue_index & FK_UE_INDEX_MAX) << 16 | (uint64_t)t->ue_generation << 8 |
	       t->attempt;
}

static inline struct fk_token fk_token_unpack(uint64_t packed)
{
	return (struct fk_token){
		.campaign_slot = (uint8_t)(packed >> 56),
		.campaign_generation = (uint16_t)(packed >> 44 & FK_CAMPAIGN_GENERATION_MAX),
		.step = (uint8_t)(packed >> 40 & FK_STEP_MAX),
		.ue_index = (uint32_t)(packed >> 16 & FK_UE_INDEX_MAX),
		.ue_generation = (uint8_t)(packed >> 8),
		.attempt = (uint8_t)packed,
	};
}

/* The token without its attempt: equal for all attempts of one step of one delivery. */
static inline uint64_t fk_token_step_key(uint64_t packed)
{
	return packed & ~(uint64_t)FK_ATTEMPT_MAX;
}
