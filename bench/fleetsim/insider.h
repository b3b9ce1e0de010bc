/* SPDX-License-Identifier: Apache-2.0 */
/*
 * insider.h - a radio in the wrong hands, which knows what its group knows.
 *
 * It has the traffic key of its active keyset out of the radio. Beside every true command to a UE
 * that holds the same key it gives that UE's radio commands of its own in the KMF's name, and
 * beside every true answer it sends the KMF answers in the UE's name, all authenticated by that
 * key. No radio that has a key of its own may obey the one, and the KMF may believe none of the
 * other. What the KMF must count is told by reason, as for lies.h. A radio that is zeroized has
 * nothing left to do this with.
 *
 * Threads: the worker only. Memory: nothing here allocates.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fleet.h"
#include "hostile.h"
#include "radio.h"

/* Answers: kind, its name in the report, and the KMF's counter that it belongs to. */
#define FK_INSIDER_ANSWER_MAP(X)                                                              \
	X(OWN_NAME, "own_name", "rx_kmm_not_that_ue")	/* the server says who calls */       \
	X(UE_NAME, "ue_name", "rx_kmm_wrong_key")	/* as if it did not; names the key */ \
	X(UE_KEY_NAME, "ue_key_name", "rx_kmm_bad_mac") /* and here the UE's own key instead */

enum fk_insider_answer {
#define X(name, label, counter) FK_INSIDER_##name,
	FK_INSIDER_ANSWER_MAP(X)
#undef X
	FK_INSIDER_ANSWERS
};

struct fk_insider {
	const struct fk_sim_ue *ue; /* NULL: there is none */
	uint64_t n_commands;	    /* given to radios */
	uint64_t n_obeyed;	    /* of them: a radio has answered */
	uint64_t sent[FK_INSIDER_ANSWERS];
};

const char *fk_insider_answer_name(enum fk_insider_answer kind);
const char *fk_insider_counter_name(enum fk_insider_answer kind);

/* The key that the insider and this UE have in common, or NULL. */
const struct fk_sim_key *fk_insider_key(const struct fk_insider *insider,
					const struct fk_sim_ue *ue);

/* Gives the UE's radio a Changeover-, a Delete-Keyset- and a Zeroize-Command. */
void fk_insider_command(struct fk_insider *insider, struct fk_radio *radio, struct fk_sim_ue *ue);

/* Sends answers like the true one of 'truth', which 'ue' is about to give. */
void fk_insider_answer(struct fk_insider *insider, const struct fk_hostile_truth *truth,
		       const struct fk_fleet *fleet, struct fk_ossl *ossl,
		       const struct fk_sim_ue *ue);
