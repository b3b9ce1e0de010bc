/* SPDX-License-Identifier: Apache-2.0 */
/*
 * txn.h - the non-INVITE client transaction of one UE, and what its message is rebuilt from.
 *
 * There is one entry for each ue_index: a UE never has two open KMMs. An entry holds no key and no
 * message; every repeat is built again from these fields and has the same octets.
 * spec: RFC 3261 §17.1.2
 *
 * Threads: an entry belongs to the worker that owns the UE. Memory: one cache line; nothing
 * allocates. Time is a parameter.
 */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include <fleetkey/keytable.h>
#include <fleetkey/order.h>

#include "list.h"

enum fk_txn_phase {
	FK_TXN_IDLE = 0,   /* nothing is open */
	FK_TXN_QUEUED,	   /* an order that has not been sent */
	FK_TXN_CALLING,	   /* sent, no response yet (RFC 3261: Trying) */
	FK_TXN_PROCEEDING, /* a 1xx came */
	FK_TXN_ACCEPTED,   /* a 2xx came; the KMM's answer is awaited */
};

struct fk_txn {
	struct fk_node node; /* first: the wheel and the queues hand out nodes */
	uint64_t token;
	uint64_t end_at_us; /* timer F, or the end of the wait for the KMM's answer */
	uint64_t last_mac;  /* MAC of the last accepted answer, to know a repeat by */
	uint32_t date_time_s;
	uint32_t epoch;
	uint32_t count : 24; /* transactions of this UE in this life of the dataplane */
	uint32_t phase : 3;  /* enum fk_txn_phase */
	uint32_t n_sent : 5; /* datagrams of this transaction, saturating */
	uint16_t message_number;
	FK_ORDER_WHAT;
};
static_assert(sizeof(struct fk_txn) == 64, "one cache line for each UE");
static_assert(FK_CAMPAIGN_KEYS_MAX <= 16 && FK_ORDER_KEYS_MAX <= 15, "four bits each");

#define FK_TXN_SENT_MAX 31 /* where n_sent stays: timer E is at T2 long before */

/* Puts a new order into the entry: a new transaction in phase QUEUED. The node must be unlisted. */
void fk_txn_queue(struct fk_txn *txn, const struct fk_order *order, uint32_t epoch);

/*
 * Books one datagram that left at 'now_us' and returns when the next timer is due: timer E, which
 * starts at T1, doubles up to T2 and is T2 after a 1xx, but not beyond timer F, which is 64 * T1
 * after the first datagram. spec: RFC 3261 §17.1.2.2
 */
uint64_t fk_txn_sent(struct fk_txn *txn, uint64_t now_us, uint32_t t1_us, uint32_t t2_us);

/* The order that the entry was made from. */
static inline struct fk_order fk_txn_order(const struct fk_txn *txn)
{
	return (struct fk_order){
		.token = txn->token,
		.date_time_s = txn->date_time_s,
		.message_number = txn->message_number,
		.what = txn->what,
	};
}

static inline bool fk_txn_awaits_response(const struct fk_txn *txn)
{
	return txn->phase == FK_TXN_CALLING || txn->phase == FK_TXN_PROCEEDING;
}

/* True while a response or a KMM is awaited. */
static inline bool fk_txn_is_open(const struct fk_txn *txn)
{
	return txn->phase >= FK_TXN_CALLING;
}
