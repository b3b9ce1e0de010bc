/* SPDX-License-Identifier: Apache-2.0 */
/*
 * order.h - what control asks of a worker, and what the worker reports back.
 *
 * An order names one KMM for one UE and pins everything that varies in it, so that whoever builds
 * it, and however often, builds the same octets. The answer is not a message but a state: each UE
 * has one struct fk_ue_state in shared memory, written by the worker that owns the UE. The result
 * ring carries doorbells only, so a lost doorbell costs a rescan and never an outcome.
 *
 * Threads: orders travel control -> worker and doorbells worker -> control through SP/SC rings.
 *          A UE state is written by one worker and read by control under its sequence lock.
 * Layout:  crosses a process border: fixed widths, no pointers; changes go with FK_LINK_ABI.
 */
#pragma once

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <fleetkey/token.h>

/* What an order asks for: name, value, Message ID of the command and of its answer, P25 sheet 1.4.
 * Any of them may be answered by a Negative-Acknowledgment instead. REGISTERED, DEREGISTERED and
 * NO_SERVICE are answers themselves, of kind 1: a final 2xx ends them. */
#define FK_ORDER_KIND_MAP(X)                                                                   \
	X(FK_ORDER_REKEY, 1, 0x1e, 0x1d)	 /* some of the campaign's TEKs */             \
	X(FK_ORDER_INVENTORY, 2, 0x0d, 0x0e)	 /* type 04: the closing exchange, or asked */ \
	X(FK_ORDER_CHANGEOVER, 3, 0x05, 0x06)	 /* to the campaign's keyset */                \
	X(FK_ORDER_DELETE_KEY, 4, 0x08, 0x09)	 /* all keys of the campaign's list */         \
	X(FK_ORDER_DELETE_KEYSET, 5, 0x0a, 0x0b) /* the campaign's keyset */                   \
	X(FK_ORDER_ZEROIZE, 6, 0x21, 0x22)	 /* every key that the radio has */            \
	X(FK_ORDER_REGISTERED, 7, 0x26, 0)	 /* answers a Registration-Command */          \
	X(FK_ORDER_DEREGISTERED, 8, 0x24, 0)	 /* answers a Deregistration-Command */        \
	X(FK_ORDER_WARM_START, 9, 0x20, 0x1d)	 /* the UE's own protection TEK */             \
	X(FK_ORDER_HELLO, 10, 0x0c, 0x0c)	 /* flag 0, to say the same */                 \
	X(FK_ORDER_NO_SERVICE, 11, 0x17, 0)	 /* answers a Hello that asks for a rekey */

enum fk_order_kind {
#define X(name, value, command, answer) name = value,
	FK_ORDER_KIND_MAP(X)
#undef X
};

/* Message ID of the command that an order makes; 0 if there is no such kind. */
static inline uint8_t fk_order_command(uint8_t kind)
{
	switch (kind) {
#define X(name, value, command, answer) \
	case name:                      \
		return command;
		FK_ORDER_KIND_MAP(X)
#undef X
	}
	return 0;
}

/* Message ID of the KMM that answers it; 0 if none does, or there is no such kind. */
static inline uint8_t fk_order_answer(uint8_t kind)
{
	switch (kind) {
#define X(name, value, command, answer) \
	case name:                      \
		return answer;
		FK_ORDER_KIND_MAP(X)
#undef X
	}
	return 0;
}

/* Which key authenticates the KMM and its answer (design: I8). */
enum fk_mac_key {
	FK_MAC_KEY_PTEK = 1,	     /* the UE's own protection TEK */
	FK_MAC_KEY_CAMPAIGN_TEK = 2, /* the first TEK that the campaign delivered */
};

#define FK_ORDER_KEYS_MAX 9 /* AES-256 keys of one Rekey-Command within 465 octets: P25 sheet 6 */

/*
 * What a KMM is, apart from its number and its date: one word that travels from the order through
 * the transaction into the state, so that it is copied and compared whole.
 */
#define FK_ORDER_WHAT                                                                       \
	union {                                                                             \
		struct {                                                                    \
			uint16_t kind : 4;	/* enum fk_order_kind */                    \
			uint16_t mac_key : 4;	/* enum fk_mac_key */                       \
			uint16_t first_key : 4; /* REKEY: index into the campaign's list */ \
			uint16_t n_keys : 4;	/* REKEY: 1..FK_ORDER_KEYS_MAX, else 0 */   \
		};                                                                          \
		uint16_t what;                                                              \
	}

struct fk_order {
	uint64_t token;		 /* fk_token_pack() */
	uint32_t date_time_s;	 /* Date and time of the SDS, seconds since 1970, unsigned */
	uint16_t message_number; /* of the KMM; reserved and durable before the order exists */
	FK_ORDER_WHAT;
	uint8_t reserved[16]; /* zero */
};
static_assert(sizeof(struct fk_order) == 32, "change FK_LINK_ABI together with the layout");

/* A doorbell: "look at the state of this UE", or what it has said without being asked. */
struct fk_doorbell {
	uint32_t ue_index;
	uint8_t said;	      /* Message ID of that, 0: look at the state */
	uint8_t hello_flag;   /* of a Hello: enum fk_kmm_hello_flag */
	uint8_t is_authentic; /* 1: by the MAC of the UE's own key; 0: by who called alone */
	uint8_t reserved;     /* zero */
};
static_assert(sizeof(struct fk_doorbell) == 8, "change FK_LINK_ABI together with the layout");

/*
 * How an attempt ended, as far as the wire can tell. Text is the reason shown to people and the
 * metric label. ANSWERED says only that an authentic KMM answered; its kmm_status says what.
 */
#define FK_OUTCOME_MAP(X)                                                                     \
	X(FK_OUTCOME_NONE, "open", "no outcome yet")                                          \
	X(FK_OUTCOME_ANSWERED, "answered", "an authentic KMM answered")                       \
	X(FK_OUTCOME_REFUSED, "sip_refused", "a final SIP response refused it")               \
	X(FK_OUTCOME_TIMEOUT, "sip_timeout", "timer F: no final SIP response")                \
	X(FK_OUTCOME_NO_ANSWER, "no_answer", "accepted, but no KMM answered")                 \
	X(FK_OUTCOME_UNDELIVERED, "undelivered", "the system said UNDELIVERED or PREVENTED")  \
	X(FK_OUTCOME_UNBUILDABLE, "unbuildable",                                              \
	  "the order names what the key table does not hold")                                 \
	X(FK_OUTCOME_TOO_LARGE, "too_large", "the message is larger than its next hop takes") \
	X(FK_OUTCOME_ACCEPTED, "accepted", "a final 2xx took what no KMM answers")            \
	X(FK_OUTCOME_UNABLE, "unable", "the UE says that it lacks the key of the MAC")

enum fk_outcome {
#define X(name, label, text) name,
	FK_OUTCOME_MAP(X)
#undef X
};

/* Label of an outcome for reports and metrics. Never NULL. */
static inline const char *fk_outcome_label(uint8_t outcome)
{
	static const char *const labels[] = {
#define X(name, label, text) label,
		FK_OUTCOME_MAP(X)
#undef X
	};

	return outcome < sizeof(labels) / sizeof(labels[0]) ? labels[outcome] : "unknown";
}

#define FK_PROGRESS_SENT      0x01 /* at least one datagram has left */
#define FK_PROGRESS_ACCEPTED  0x02 /* a final 2xx response came */
#define FK_PROGRESS_DELIVERED 0x04 /* an authentic NOTIFICATION said DELIVERED */

/*
 * One UE's attempt and its outcome. One cache line; the fields below 'token' describe the attempt
 * that 'token' names. 'inbound_*' and 'said_at_s' outlive attempts.
 */
struct fk_ue_state {
	_Atomic uint32_t seq;	 /* sequence lock: odd while the worker writes */
	uint32_t date_time_s;	 /* copied from the order, so that a re-send can be rebuilt */
	uint64_t token;		 /* 0: no attempt since the region was made */
	uint64_t answered_at_us; /* CLOCK_REALTIME; when the outcome was reached */
	uint16_t message_number; /* of the attempt's KMM */
	uint16_t sip_status;	 /* last final SIP status, 0 if none */
	uint8_t outcome;	 /* enum fk_outcome */
	uint8_t progress;	 /* FK_PROGRESS_* */
	uint8_t n_sends;	 /* datagrams sent for the attempt, saturating */
	uint8_t kmm_message_id;	 /* of the answer: fk_order_answer(), or 16; 0 if none */
	/* P25 sheet 1.6: of the Negative-Ack, or of the first key that is not $00, else $00. */
	uint8_t kmm_status;
	uint8_t mac_algorithm_id;
	uint16_t mac_key_id;	 /* the key under which the answer was authenticated */
	uint8_t mac[8];		 /* MAC of the answer: evidence */
	uint16_t inbound_number; /* last accepted message number from this UE */
	uint8_t inbound_known;	 /* 1: inbound_number is meaningful */
	uint8_t listed; /* Inventory-Response: 1 if it listed the campaign's keys as active */
	uint32_t retry_after_s; /* Retry-After of a refusal, 0 if none */
	FK_ORDER_WHAT;		/* copied from the order: what an answer is held against */
	/* Rekey-Ack: bit i: status $00 for key i of the campaign's list; Inventory-Response: it
	 * listed that key in its keyset. */
	uint16_t keys_held;
	uint16_t sip_warning; /* of a refusal: 3GPP's code in its Warning, 0 if none */
	/* Inventory-Response: the one keyset that it listed; Changeover-Response: the activated
	 * one; 0: none. */
	uint8_t active_keyset;
	uint8_t reserved;
	uint32_t said_at_s; /* CLOCK_MONOTONIC: it spoke without being asked; 0: never */
};
static_assert(sizeof(struct fk_ue_state) == 64, "change FK_LINK_ABI together with the layout");

/* Writer side: call begin, write plainly, call end. One writer only. */
static inline void fk_ue_state_write_begin(struct fk_ue_state *s)
{
	uint32_t seq = atomic_load_explicit(&s->seq, memory_order_relaxed);

	/* A writer that was killed in between left an odd count; keep the parity right. */
	atomic_store_explicit(&s->seq, (seq | 1u), memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
}

static inline void fk_ue_state_write_end(struct fk_ue_state *s)
{
	uint32_t seq = atomic_load_explicit(&s->seq, memory_order_relaxed);

	atomic_store_explicit(&s->seq, seq + 1, memory_order_release);
}

/*
 * Copies a consistent state into 'ret_state'. Gives up after a bounded number of tries and returns
 * false: the writer is in the middle, or died there.
 */
static inline bool fk_ue_state_read(const struct fk_ue_state *s, struct fk_ue_state *ret_state)
{
	for (uint32_t tries = 0; tries < 1000; tries++) {
		uint32_t before = atomic_load_explicit(&s->seq, memory_order_acquire);

		if (before & 1)
			continue;
		__builtin_memcpy(ret_state, s, sizeof(*ret_state));
		atomic_thread_fence(memory_order_acquire);
		if (atomic_load_explicit(&s->seq, memory_order_relaxed) == before)
			return true;
	}
	return false;
}
