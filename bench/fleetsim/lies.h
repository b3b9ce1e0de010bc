/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lies.h - false acknowledgements by the hundred thousand, beside each true one.
 *
 * Every kind has one reason under which the KMF must count it, so its counters can be compared with
 * the fleet's number by number. Lies go ahead of the true answer, replays of it behind; what an
 * earlier step was answered with is replayed too. Like the lies of hostile.h they are never lost on
 * purpose and count when the port has taken them.
 *
 * Threads: the worker only. Memory: nothing here allocates.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fleet.h"
#include "hostile.h"
#include "ossl.h"

/* Kind, its name in the report, and the KMF's counter that it belongs to. */
#define FK_LIE_MAP(X)                                                                            \
	X(FORGED_MAC, "forged_mac", "rx_kmm_bad_mac")	      /* one bit of the MAC */           \
	X(FORGED_BODY, "forged_body", "rx_kmm_bad_mac")	      /* one bit of number or body */    \
	X(FORGED_KEY, "forged_key", "rx_kmm_bad_mac")	      /* MAC under a key drawn */        \
	X(FORGED_MEMBER, "forged_member", "rx_kmm_bad_mac")   /* under another member's */       \
	X(FORGED_KEY_ID, "forged_key_id", "rx_kmm_wrong_key") /* names another key */            \
	X(NO_MAC, "no_mac", "rx_kmm_unauthenticated")                                            \
	X(CROSS_USER, "cross_user", "rx_kmm_not_that_ue")    /* another UE calls */              \
	X(CROSS_RSI, "cross_rsi", "rx_kmm_not_that_ue")	     /* in another UE's RSI */           \
	X(STRANGER, "stranger", "rx_kmm_unknown_rsi")	     /* from an RSI of nobody */         \
	X(OTHER_KMF, "other_kmf", "rx_kmm_not_for_us")	     /* for another KMF */               \
	X(REPLAY_EARLIER, "replay_earlier", "rx_kmm_repeat") /* the answer to the step before */ \
	X(REPLAY, "replay", "rx_kmm_repeat")		     /* the true answer again */

enum fk_lie {
#define X(name, label, counter) FK_LIE_##name,
	FK_LIE_MAP(X)
#undef X
	FK_LIES
};

struct fk_lies {
	uint64_t n_wanted; /* in all; 0: none */
	uint64_t n_sent;
	uint32_t n_each; /* beside one answer, see fk_lies_begin() */
	uint64_t turn;	 /* which bit, which kind: goes round */
	uint64_t sent[FK_LIES];
};

/* The true answer and who could have said it. Borrowed. */
struct fk_lies_truth {
	struct fk_hostile_truth wire; /* answer, addresses */
	struct fk_ossl *ossl;
	const struct fk_sim_ue *ue, *other; /* 'other' is another member, or NULL */
	const uint8_t *earlier;		    /* KMM that answered the step before, NULL if none */
	size_t earlier_size;
	uint32_t nobody_rsi; /* an RSI that no UE has */
};

const char *fk_lie_name(enum fk_lie lie);
const char *fk_lie_counter_name(enum fk_lie lie);

/* Spreads 'n_wanted' lies over a fleet of which every UE answers twice. */
void fk_lies_begin(struct fk_lies *lies, uint64_t n_wanted, uint32_t n_ues);

static inline bool fk_lies_wants(const struct fk_lies *lies)
{
	return lies->n_sent < lies->n_wanted;
}

void fk_lies_before(struct fk_lies *lies, const struct fk_lies_truth *truth);
void fk_lies_after(struct fk_lies *lies, const struct fk_lies_truth *truth);
