/* SPDX-License-Identifier: Apache-2.0 */
/*
 * traits.h - what is wrong with single UEs, and with the server on their behalf.
 *
 * A trait belongs to a share of the UEs, or happens to a share of one UE's requests. Both follow
 * from the seed, the UE's place in the fleet file and the number of its request: never from time or
 * from what the KMF sends. (Being back online is a matter of time.)
 *
 * Threads: the worker only; read by the reporter afterwards. Memory: nothing here allocates.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fleet.h"

/* Those marked "requests" happen to single new requests, the others are a UE's for the whole run.
 */
#define FK_TRAIT_MAP(X)                                                                     \
	X(REFUSE_404, "refuse_404")	  /* the server does not know it */                 \
	X(REFUSE_480, "refuse_480")	  /* requests */                                    \
	X(REFUSE_503, "refuse_503")	  /* requests */                                    \
	X(OFFLINE, "offline")		  /* half of them 480, half 202 and then nothing */ \
	X(BAD_MAC, "bad_mac")		  /* a broken answer goes ahead of each answer */   \
	X(REPLAY, "replay")		  /* each answer goes twice, in two transactions */ \
	X(FORGED_MEMBER, "forged_member") /* another member answers in its name, first */   \
	X(STATUS, "status")		  /* refuses the key with a status */               \
	X(SMALL_WINDOW, "small_window")	  /* narrower than the fleet file says */           \
	X(ZEROIZE_MUTE, "zeroize_mute")	  /* forgets its keys without a word */             \
	X(NO_PTEK, "no_ptek")		  /* has lost its protection TEK */

enum fk_trait {
#define X(name, label) FK_TRAIT_##name,
	FK_TRAIT_MAP(X)
#undef X
	FK_TRAITS
};

/* How a member is told from the UE in whose name it answers, and the KMF's counter of it. */
#define FK_FALSE_NAME_MAP(X)                                               \
	X(KEY, "rx_kmm_bad_mac")	/* the MAC is under its own key */ \
	X(CALLER, "rx_kmm_not_that_ue") /* the group shares the key: the server names it */

enum fk_false_name {
#define X(name, counter) FK_FALSE_NAME_##name,
	FK_FALSE_NAME_MAP(X)
#undef X
	FK_FALSE_NAMES
};

#define FK_HELLO_FLAGS 3u /* as a flag: UE i of the fleet file has flag i modulo 3 */

struct fk_traits_spec {
	double percent[FK_TRAITS];
	uint64_t seed;
	uint32_t retry_after_s;	 /* said with 503; 0: not said */
	uint32_t overload_s;	 /* so long a server that refuses with 503 does; 0: for ever */
	uint32_t offline_back_s; /* after the first request; 0: never */
	uint32_t leave_s;	 /* after it, too: so long those of OFFLINE are there */
	bool says_hello;	 /* who is back says so */
	uint8_t hello_flag;	 /* how: enum fk_kmm_hello_flag, or FK_HELLO_FLAGS */
	bool registers;		 /* who leaves deregisters, who is back registers */
	uint16_t window;	 /* of SMALL_WINDOW; with 0 no number is ever new */
	uint8_t status;		 /* of STATUS */
	uint16_t status_sln;	 /* the one SLN whose key is refused; 0: all */
};

struct fk_traits {
	struct fk_traits_spec spec;
	bool has_begun; /* a request came */
	uint64_t begun_at_ms;
	uint64_t ues[FK_TRAITS];	      /* that have the trait; 0 for those of requests */
	uint64_t events[FK_TRAITS];	      /* how often it showed */
	uint64_t false_names[FK_FALSE_NAMES]; /* the events of FORGED_MEMBER, apart */
};

const char *fk_trait_name(enum fk_trait trait);
const char *fk_false_name_counter_name(enum fk_false_name false_name);

/* Gives each UE of the fleet its traits. 'traits->spec' is set, the rest is zero. Who is to ask
 * without a KEK has none from the start. */
void fk_traits_apply(struct fk_traits *traits, struct fk_fleet *fleet);

/* The flag that the UE says Hello with. */
uint8_t fk_traits_hello_flag(const struct fk_traits_spec *spec, uint32_t ue_index);

static inline bool fk_ue_has_trait(const struct fk_sim_ue *ue, enum fk_trait trait)
{
	return (ue->traits >> trait & 1) != 0;
}

/*
 * Decides about a new request for the UE: the final status that the server answers with. Counts it,
 * and notes for the UE what is final.
 */
uint16_t fk_traits_answer(struct fk_traits *traits, struct fk_sim_ue *ue, uint32_t ue_index,
			  uint64_t now_ms);

/* True when those that will be offline are about to go, if they say so. */
bool fk_traits_are_leaving(const struct fk_traits *traits, uint64_t now_ms);
/* True when those that were offline are back, if they say so. */
bool fk_traits_are_back(const struct fk_traits *traits, uint64_t now_ms);

/* True if the UE hears nothing, although its request was accepted. */
bool fk_traits_is_deaf(const struct fk_traits *traits, const struct fk_sim_ue *ue, uint64_t now_ms);
