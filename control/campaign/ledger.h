/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ledger.h - one delivery of a campaign: where it stands, how it ended, and the evidence.
 *
 * The ledger is an array of deliveries by ue_index. It is stored in pages of FK_LEDGER_PAGE, packed
 * to 32 octets a delivery: big-endian, in the order of the table in ledger.c. Every delivery ends
 * in exactly one final state; what is not final goes on after any restart.
 *
 * Threads: everything here is pure.
 */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>
#include <fleetkey/keytable.h>
#include <fleetkey/order.h>

#define FK_LEDGER_PAGE		64u /* deliveries in a page; a page belongs to one shard */
#define FK_DELIVERY_PACKED_SIZE 32u /* octets */
#define FK_LEDGER_PAGE_SIZE	(FK_LEDGER_PAGE * FK_DELIVERY_PACKED_SIZE)

/* States; the labels are those of the API. Values are stored: append, never reorder. */
#define FK_DELIVERY_STATE_MAP(X)                                                                \
	X(FK_DELIVERY_NONE, "none", "the UE is not in the campaign's group")                    \
	X(FK_DELIVERY_PENDING, "pending", "no message number is reserved yet")                  \
	X(FK_DELIVERY_QUEUED, "queued", "the number is reserved; waits for its turn")           \
	X(FK_DELIVERY_OPEN, "open", "ordered; no outcome yet")                                  \
	X(FK_DELIVERY_WAITING, "waiting", "waits before the same attempt is sent again")        \
	X(FK_DELIVERY_ACKED, "acked", "all was done, and proven if that was asked")             \
	X(FK_DELIVERY_PARTIAL, "partial", "something was done, but not all, or not proven")     \
	X(FK_DELIVERY_REFUSED, "refused", "the UE or the system refused it")                    \
	X(FK_DELIVERY_UNREACHABLE, "unreachable", "all attempts ended without an answer")       \
	X(FK_DELIVERY_EXCLUDED, "excluded", "the campaign cannot serve this UE; never sent")    \
	X(FK_DELIVERY_ABORTED, "aborted", "given up: by the campaign, or by the UE's status")   \
	X(FK_DELIVERY_UNCONFIRMED, "unconfirmed", "delivered, it seems, but nothing proves it") \
	X(FK_DELIVERY_SUPERSEDED, "superseded", "a newer campaign takes its place")             \
	X(FK_DELIVERY_EXPIRED, "expired", "the campaign's time was over")

enum fk_delivery_state {
#define X(name, label, text) name,
	FK_DELIVERY_STATE_MAP(X)
#undef X
	FK_DELIVERY_STATES
};

/* Why a delivery stands where it stands. SIP and KMM carry the status in cause_detail; SIP may
 * carry the code of a Warning instead, which is below 200. */
#define FK_CAUSE_MAP(X)                                                                        \
	X(FK_CAUSE_NONE, "none")                                                               \
	X(FK_CAUSE_SIP, "sip")			    /* sip_404, warning_141 */                 \
	X(FK_CAUSE_KMM, "kmm_status")		    /* kmm_status_06 */                        \
	X(FK_CAUSE_SIP_TIMEOUT, "sip_timeout")	    /* timer F */                              \
	X(FK_CAUSE_NO_ANSWER, "no_answer")	    /* accepted, no KMM came */                \
	X(FK_CAUSE_UNDELIVERED, "undelivered")	    /* the system said so */                   \
	X(FK_CAUSE_UNBUILDABLE, "unbuildable")	    /* the dataplane could not build it */     \
	X(FK_CAUSE_UNEXPECTED, "unexpected_answer") /* an authentic KMM of a wrong kind */     \
	X(FK_CAUSE_NO_PTEK, "no_protection_tek")    /* nothing to authenticate commands by */  \
	X(FK_CAUSE_NUMBER_WINDOW, "number_window")  /* the UE would refuse the next number */  \
	X(FK_CAUSE_ATTEMPTS, "attempts_exhausted")  /* no attempt number is left */            \
	X(FK_CAUSE_CAMPAIGN_ABORTED, "campaign_aborted")                                       \
	X(FK_CAUSE_TOO_LARGE, "too_large") /* a KMM with one key is beyond a limit */          \
	X(FK_CAUSE_NO_KEYSET, "no_keyset") /* the UE lacks the keyset */                       \
	X(FK_CAUSE_SUSPENDED, "suspended") /* this and the next two: the UE's status */        \
	X(FK_CAUSE_LOST, "lost")                                                               \
	X(FK_CAUSE_ZEROIZED, "zeroized")                                                       \
	X(FK_CAUSE_KEYS_NOT_HELD, "keys_not_held") /* not exactly those of the plan (I6) */    \
	X(FK_CAUSE_ACTIVE_UNKNOWN, "active_keyset_unknown") /* so none is written to (I6) */   \
	X(FK_CAUSE_IN_USE, "keyset_in_use") /* no other is known to be active (I6) */          \
	X(FK_CAUSE_DELIVERED, "delivered")  /* DELIVERED was said, no KMM came */              \
	X(FK_CAUSE_SUPERSEDED, "superseded")                                                   \
	X(FK_CAUSE_DEREGISTERED, "deregistered")       /* the UE said that it goes */          \
	X(FK_CAUSE_UNABLE, "unable_to_decrypt")	       /* it said that it lacks its own key */ \
	X(FK_CAUSE_RELEASED, "released")	       /* to another KMF */                    \
	X(FK_CAUSE_KEK_COMPROMISED, "kek_compromised") /* nothing can be wrapped for it */     \
	X(FK_CAUSE_KEK_EXPIRED, "kek_expired")                                                 \
	X(FK_CAUSE_PTEK_COMPROMISED, "ptek_compromised") /* it needs a Warm-Start */           \
	X(FK_CAUSE_PTEK_EXPIRED, "ptek_expired")                                               \
	X(FK_CAUSE_EXPIRED, "campaign_expired") /* nothing else had kept it from its end */    \
	X(FK_CAUSE_NO_CKEK, "ckek_not_held")	/* that the keys are wrapped under */

enum fk_cause {
#define X(name, label) name,
	FK_CAUSE_MAP(X)
#undef X
	FK_CAUSES
};

#define FK_DELIVERY_HELD      0x01 /* authenticated Rekey-Acks gave status 00 for all its keys */
#define FK_DELIVERY_PROVEN    0x02 /* the closing exchange was authenticated by the first new key */
#define FK_DELIVERY_LISTED    0x04 /* the Inventory-Response listed the keys as active */
#define FK_DELIVERY_PERFORMED 0x08 /* the kind's own commands were acknowledged */

struct fk_delivery {
	uint32_t date_time_s;	 /* of the current attempt; pinned, so that re-sends are equal */
	uint32_t acked_ms;	 /* from the campaign's creation to its goal; 0: not reached */
	uint16_t number;	 /* message number of the current attempt */
	uint16_t inbound_number; /* message number of the last acknowledgement */
	uint16_t mac_key_id;	 /* the AES-256 key that authenticated it */
	/* SIP or KMM status; of several keys the first that is not 00. Without a cause: the keyset
	 * that the closing exchange named as active, 0: none. */
	uint16_t cause_detail;
	uint16_t keys_held; /* bit i: status 00 came for key i of the campaign's list */
	uint8_t mac[8];	    /* MAC of that acknowledgement: evidence */
	uint8_t state : 4;  /* enum fk_delivery_state */
	uint8_t flags : 4;  /* FK_DELIVERY_HELD ... */
	uint8_t cause : 7;  /* enum fk_cause */
	/* The UE has spoken since it did not answer this attempt: it is due, and what the dataplane
	 * knew of the attempt by then has been told. */
	uint8_t is_woken : 1;
	/* Step s brings keys s * keys_per_kmm and following; behind the last key come the kind's
	 * commands and the closing exchange (campaign/kind.h). Stored with the delivery, so that no
	 * change of limits changes a step.
	 */
	uint8_t step : 4;
	uint8_t keys_per_kmm : 4; /* 1..FK_ORDER_KEYS_MAX; 0: not even one fits */
	uint8_t attempt;	  /* of this step */
	uint8_t tries;		  /* sends of this attempt, each a transaction of its own */
	uint8_t left : 7;	  /* numbers after 'number' that are still reserved */
	/* An authentic answer of the UE came, or word that a message was delivered to it. */
	uint8_t is_living : 1;
};
static_assert(sizeof(struct fk_delivery) == 32, "a million of these are held in memory");
static_assert(FK_DELIVERY_STATES <= 16 && FK_ORDER_KEYS_MAX <= 15, "four bits each");
static_assert(FK_CAUSES <= 128, "seven bits");

static inline bool fk_delivery_is_final(const struct fk_delivery *d)
{
	return d->state >= FK_DELIVERY_ACKED;
}

/* True if a number is reserved and the end has not come. */
static inline bool fk_delivery_is_under_way(const struct fk_delivery *d)
{
	return d->state >= FK_DELIVERY_QUEUED && !fk_delivery_is_final(d);
}

/* True if the current step brings keys, of 'n_keys' that the campaign gives. */
static inline bool fk_delivery_is_rekey(const struct fk_delivery *d, uint32_t n_keys)
{
	return (uint32_t)d->step * d->keys_per_kmm < n_keys;
}

/* The keys that the current step brings: 'ret_first' and following; returns how many. */
static inline uint32_t fk_delivery_step_keys(const struct fk_delivery *d, uint32_t n_keys,
					     uint32_t *ret_first)
{
	uint32_t first = (uint32_t)d->step * d->keys_per_kmm;

	*ret_first = first;
	if (first >= n_keys)
		return 0;
	return n_keys - first < d->keys_per_kmm ? n_keys - first : d->keys_per_kmm;
}

/* The keyset that the closing exchange named as active; 0: none yet. */
static inline uint8_t fk_delivery_active_keyset(const struct fk_delivery *d)
{
	return d->state == FK_DELIVERY_ACKED ? (uint8_t)d->cause_detail : 0;
}

/* True if the KMM of the current step may have been sent. */
bool fk_delivery_may_have_been_sent(const struct fk_delivery *d);

/*
 * What is known of key 'index' of the campaign's 'n_keys': "held" (acknowledged with status 00),
 * "refused" (its KMM was refused, or its own status was another), "possibly_held" (its KMM
 * may have been sent, and is not answered) or "not_held" (never sent). Not acknowledged never means
 * not held.
 */
const char *fk_delivery_key_label(const struct fk_delivery *d, uint32_t n_keys, uint32_t index);

/* Label of a state; "unknown" if there is no such state. Never NULL. */
const char *fk_delivery_state_label(uint8_t state);

/*
 * Writes the reason as text, like "sip_404" or "kmm_status_06", "" for none, into 'buf' of 'cap'
 * octets; FK_CAUSE_TEXT_SIZE is enough.
 */
#define FK_CAUSE_TEXT_SIZE 32
void fk_cause_text(uint8_t cause, uint16_t detail, char *buf, size_t cap);

/* Packs 64 deliveries into FK_LEDGER_PAGE_SIZE octets. */
void fk_ledger_page_encode(const struct fk_delivery deliveries[static FK_LEDGER_PAGE],
			   uint8_t ret_octets[static FK_LEDGER_PAGE_SIZE]);

/*
 * Unpacks a page of 'size' octets. Returns FK_OK; FK_EFORMAT if the size is not a page's or a
 * state, a cause or a number of keys is out of range: then nothing is written.
 */
FK_MUST_USE enum fk_err fk_ledger_page_decode(const uint8_t *octets, size_t size,
					      struct fk_delivery ret_deliveries[FK_LEDGER_PAGE]);
