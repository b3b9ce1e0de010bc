/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hostile.h - lies, once, for the first few UEs: what a KMF has to count and otherwise ignore.
 *
 * Each lie stands beside a truth: the false datagrams leave before the valid NOTIFICATION and
 * answer (the replay after them), so that a KMF which falls for one shows it in its books. They
 * carry branches of their own, are never lost on purpose, and are counted by kind when the port has
 * taken them, so that a test can compare them with the KMF's counters.
 *
 * Threads: the worker only. Memory: nothing here allocates.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "compose.h"
#include "outbox.h"
#include "txn.h"

#define FK_HOSTILE_UES 4 /* UEs that lie */

#define FK_HOSTILE_KIND_MAP(X)                                                                   \
	X(TRUNCATED, "truncated") /* NOTIFICATION and answer, cut after each octet */            \
	X(TRUNCATED_RESPONSE, "truncated_response") /* 202 and 200, cut after each octet */      \
	X(GARBAGE, "garbage")			    /* not SIP */                                \
	X(UNKNOWN_PEER, "unknown_peer") /* good messages from an address that is no next hop */  \
	X(FORGED_MESSAGE_ID, "forged_message_id") /* NOTIFICATION with one bit flipped */        \
	X(FORGED_BRANCH, "forged_branch")	  /* 603 with one digit of the branch changed */ \
	X(WRONG_UE_NOTIFICATION, "wrong_ue_notification") /* in another UE's name */             \
	X(WRONG_UE_ANSWER, "wrong_ue_answer")		  /* the KMM of A in the name of B */    \
	X(BAD_MAC, "bad_mac") /* answer with one bit of the MAC flipped */                       \
	X(REPLAY, "replay")   /* the accepted answer again */

enum fk_hostile_kind {
#define X(name, label) FK_HOSTILE_##name,
	FK_HOSTILE_KIND_MAP(X)
#undef X
	FK_HOSTILE_KINDS
};

struct fk_hostile {
	uint32_t kinds; /* bits, 1 << enum fk_hostile_kind */
	uint32_t n_ues; /* that have lied */
	uint64_t sent[FK_HOSTILE_KINDS];
};

const char *fk_hostile_kind_name(enum fk_hostile_kind kind);

/* The kinds that a --hostile mode means; false if there is no such mode. */
bool fk_hostile_read_mode(const char *mode, uint32_t *ret_kinds);

/* The truth beside which the lies stand. Borrowed. */
struct fk_hostile_truth {
	struct fk_txns *txns;
	struct fk_outbox outbox;
	struct fk_compose notification, answer; /* as they will be sent */
	const char *other_mcdata_id;		/* of another UE, NULL in a fleet of one */
	size_t other_mcdata_id_size;
	const uint8_t *accepted; /* the 202 to the request, as it will be sent */
	size_t accepted_size;
	struct fk_address source, kmf;
	uint16_t source_port, kmf_port, response_port;
};

/*
 * Sends 'message' under a branch that belongs to no transaction, as the server of 'truth' would.
 * True if the port has taken it.
 */
bool fk_hostile_send(const struct fk_hostile_truth *truth, const struct fk_compose *message);

/* True if this UE shall lie: the mode is on and not enough have. */
static inline bool fk_hostile_wants(const struct fk_hostile *hostile)
{
	return hostile->kinds != 0 && hostile->n_ues < FK_HOSTILE_UES;
}

void fk_hostile_before(struct fk_hostile *hostile, const struct fk_hostile_truth *truth);
void fk_hostile_after(struct fk_hostile *hostile, const struct fk_hostile_truth *truth);
