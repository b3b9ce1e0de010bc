/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scheduler.h - decides what is sent next: (state, now) -> orders.
 *
 * Pure: it knows no store, no ring and no clock. Its caller (engine.c) writes dirty pages, tells it
 * which became durable, pushes its orders and hands it the states that the dataplane wrote.
 *
 *   reserve -> [page written] -> page_durable -> poll -> order -> apply -> [page written] -> ...
 *
 * Kept here: no order leaves for a number, a step or an attempt whose page is not durable (I1); a
 * number is used by one attempt only and never beyond what the UE accepted plus its period less a
 * margin (I2); every delivery ends in exactly one final state, and stays there (I3).
 *
 * A delivery is a list of KMMs: Rekey-Commands with up to keys_per_kmm keys each, then the kind's
 * commands, then, if asked, the closing exchange (campaign/kind.h). A step is ordered when the
 * acknowledgement of the one before is durable.
 *
 * First KMMs go before closing exchanges: fleet-wide, a key that is held counts more than a proof
 * that it is. Further keys and sends again go before both: a UE counts when it holds all keys, and
 * an answer that is missing is what holds a campaign up at its end.
 *
 * Next hops have shares of the window, so that one that is slow or dead holds nobody else up.
 *
 * A campaign may go in waves (campaign/waves.h): of a wave that has not begun nothing is reserved,
 * and its owner begins it when fk_scheduler_judge() says that the gate before it is passed. While
 * the scheduler is held, as in a campaign that is paused or halted, it reserves and orders nothing.
 *
 * Threads: one owner. Memory: fk_scheduler_new() takes all of it, about 60 octets a slot.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <fleetkey/err.h>
#include <fleetkey/keytable.h>
#include <fleetkey/order.h>

#include "campaign/kind.h"
#include "campaign/ledger.h"
#include "campaign/waves.h"
#include "fleet/fleet.h"

#define FK_RETRY_BACKOFF_MAX_MS 3600000u /* doubling stops here; a Retry-After may be longer */
#define FK_NEW_NUMBER_MAX	2 /* new attempts after "invalid number", then it is refused */
#define FK_NUMBER_BLOCK_MAX	128u

struct fk_scheduler;

struct fk_scheduler_options {
	uint32_t n_slots;      /* a multiple of FK_LEDGER_PAGE */
	uint8_t campaign_slot; /* of the tokens */
	uint16_t campaign_generation;
	uint16_t key_id;    /* of the first TEK: what must authenticate the closing exchange */
	uint8_t n_keys;	    /* that are given: 0..FK_CAMPAIGN_KEYS_MAX */
	uint8_t n_commands; /* after the keys; not 0 if there are none */
	uint8_t commands[FK_KIND_COMMANDS_MAX]; /* enum fk_order_kind */
	/* By next hop: keys of one Rekey-Command, up to FK_ORDER_KEYS_MAX; 0: none can be sent. */
	uint8_t keys_per_kmm[FK_NEXT_HOPS_MAX];
	bool closing;	     /* ask for the closing exchange */
	bool may_warm_start; /* who lacks its protection TEK gets another one */
	bool renews;	     /* everyone does, before anything is ordered for it; may_warm_start */
	bool is_destructive; /* without an answer: UNCONFIRMED where it was delivered */
	uint32_t window;     /* open deliveries */
	uint32_t attempts_max; /* sends of one KMM, each a transaction of its own */
	uint32_t retry_backoff_ms;
	uint32_t number_block; /* numbers reserved at a time, 1..FK_NUMBER_BLOCK_MAX */
	uint32_t number_margin;
	uint32_t n_waves; /* 0 counts as 1 */
	struct fk_gate gate;
	const struct fk_ue_slot *ues;  /* borrowed: who exists, ue_generation, mnp, ptek */
	struct fk_ue_numbers *numbers; /* borrowed; changed in place, written with the page */
};

/* Time as the scheduler sees it. */
struct fk_scheduler_now {
	uint64_t ms;	 /* since the campaign's creation; never goes back */
	uint32_t date_s; /* since 1970: Date and time of a new KMM */
};

/* What counts; kept up to date, O(1) to read. */
struct fk_scheduler_tally {
	uint32_t states[FK_DELIVERY_STATES];
	uint32_t n_deliveries;	 /* all but NONE */
	uint32_t n_held;	 /* reached their goal, with or without durable evidence */
	uint32_t n_held_durable; /* acknowledged and durable */
	uint32_t n_proven;
	uint32_t n_proven_durable;
	/* Refused or partial, or unreachable after a sign of life. */
	uint32_t n_failed;
	uint64_t n_orders; /* KMMs ordered in this life of the process */
};

FK_MUST_USE enum fk_err fk_scheduler_new(const struct fk_scheduler_options *options,
					 struct fk_scheduler **ret_scheduler);
void fk_scheduler_free(struct fk_scheduler *s);

/*
 * The UE, which has no number in this campaign yet, gets another protection TEK before anything is
 * ordered for it, as with 'renews'; also before it is included, if it has none that may be used.
 * may_warm_start.
 */
void fk_scheduler_renew(struct fk_scheduler *s, uint32_t ue_index);
/*
 * Before the first reserve: takes a UE into the campaign. Without a protection TEK, or
 * if no key fits a KMM to its next hop, or one that it takes, it is EXCLUDED at once. A slot
 * without an owner is ignored.
 */
void fk_scheduler_include(struct fk_scheduler *s, uint32_t ue_index);
/* Takes it in as one that is EXCLUDED for that reason, whatever its keys or sizes are. */
void fk_scheduler_leave_out(struct fk_scheduler *s, uint32_t ue_index, enum fk_cause cause);
/*
 * Ends a UE's delivery at any time, unless it is final: EXCLUDED if nothing was reserved for it
 * yet, else ABORTED, or PARTIAL where a key is held. What is ordered already may still be repeated.
 */
void fk_scheduler_exclude(struct fk_scheduler *s, uint32_t ue_index, enum fk_cause cause);
/* The UE has said that it goes: unless its delivery is final it ends UNREACHABLE, at any time, and
 * fk_scheduler_wake() begins it again. */
void fk_scheduler_be_absent(struct fk_scheduler *s, uint32_t ue_index);
/*
 * Something else is to be sent to the UE: until it is disengaged nothing is ordered for it. What is
 * open already stays so. What was reserved for it is given up then for later numbers, if it was
 * outrun by the number of that something.
 */
void fk_scheduler_engage(struct fk_scheduler *s, uint32_t ue_index);
void fk_scheduler_disengage(struct fk_scheduler *s, uint32_t ue_index,
			    const struct fk_scheduler_now *now);
/*
 * UEs that say they lack their protection TEK; nothing is ordered for them until they have another
 * one, in the store and in the key table, and fk_scheduler_has_key() is told. Then it is brought to
 * them by a Warm-Start-Command, before what they wait for. The list has no UE to which something
 * else is sent, nor one whose delivery has ended meanwhile.
 */
#define FK_WARM_STARTS_MAX 2   /* of one delivery in this life; then it is refused */
#define FK_KEYLESS_MAX	   128 /* UEs that wait for a key; others are asked again later */
uint32_t fk_scheduler_list_keyless(const struct fk_scheduler *s, uint32_t *ret_ue_indexes,
				   uint32_t max);
/* Of one that is on the list. */
void fk_scheduler_has_key(struct fk_scheduler *s, uint32_t ue_index,
			  const struct fk_scheduler_now *now);
/*
 * Before the first reserve: a page as it was stored. What was queued, open or waiting is queued
 * again under the same number; fk_scheduler_apply() then tells what the dataplane knows of it.
 */
void fk_scheduler_restore_page(struct fk_scheduler *s, uint32_t page,
			       const struct fk_delivery deliveries[static FK_LEDGER_PAGE]);

/*
 * Reserves numbers for further pages, enough to keep the window busy; at most 'n_pages' of them.
 * They are dirty afterwards.
 */
void fk_scheduler_reserve(struct fk_scheduler *s, const struct fk_scheduler_now *now,
			  uint32_t n_pages);

/* Dirty pages. 'ret_pages' gets up to 'max'; they stay dirty until fk_scheduler_page_durable(). */
uint32_t fk_scheduler_n_dirty(const struct fk_scheduler *s);
uint32_t fk_scheduler_list_dirty(const struct fk_scheduler *s, uint32_t *ret_pages, uint32_t max);
/* Bit i: delivery i of the page has reached its goal since the page was durable last. */
uint64_t fk_scheduler_newly_done(const struct fk_scheduler *s, uint32_t page);
/*
 * The page, with the numbers of its UEs, was written as it is now. Nothing may have changed in
 * between: list, encode, commit and this call happen without an apply, reserve or poll.
 */
void fk_scheduler_page_durable(struct fk_scheduler *s, uint32_t page);

/* Gives up to 'max' orders that may be pushed now; returns how many. */
uint32_t fk_scheduler_poll(struct fk_scheduler *s, const struct fk_scheduler_now *now,
			   struct fk_order *ret_orders, uint32_t max);

/*
 * Applies what the dataplane says about a UE; may be told again and again. States of other
 * campaigns, steps, owners or attempts change nothing but the inbound number. True if it is an
 * authentic answer to the step at which the delivery has ended: it changes nothing here, but may
 * say more than the ledger does (campaign/fold.h).
 */
bool fk_scheduler_apply(struct fk_scheduler *s, uint32_t ue_index, const struct fk_ue_state *state,
			const struct fk_scheduler_now *now);

/*
 * The UE is there: what waits for it to answer is due now, and what has ended because it did not is
 * begun again, with as many sends as before, and with the same octets unless it was outrun. False
 * if there was no such thing. What waits for the system, or for a next hop, goes on waiting.
 * That it is due is in its page then, and stands over any restart: it is sent once more at least.
 */
bool fk_scheduler_wake(struct fk_scheduler *s, uint32_t ue_index,
		       const struct fk_scheduler_now *now);

/* The dataplane attached anew: orders that it had not begun are lost, so what is open is queued
 * again under the same number. Call after all states were applied. */
void fk_scheduler_queue_open(struct fk_scheduler *s);
/* The region is lost: what was sent is unknown. All that is not final gets a new attempt with the
 * first number of a new block. */
void fk_scheduler_forget_sent(struct fk_scheduler *s);

/* Ends everything that is not final: ABORTED, or PARTIAL where a key is held. */
void fk_scheduler_abort(struct fk_scheduler *s);
/*
 * The campaign's time is over: ends everything that is not final, EXPIRED or PARTIAL, with the
 * reason that it waits for, if it has one; UNCONFIRMED where what destroys was delivered without an
 * answer.
 */
void fk_scheduler_expire(struct fk_scheduler *s);
/* The same for a newer campaign: SUPERSEDED, or PARTIAL. */
void fk_scheduler_supersede(struct fk_scheduler *s);

/*
 * A refusal that is not about a UE (401, 407, Warning 141) stops its next hop: what is left there
 * waits with that reason, and the others go on. When nothing but that is left, this gives the
 * reason, fk_refusal_detail() of it, else 0. Then poll gives nothing.
 */
uint16_t fk_scheduler_halt_status(const struct fk_scheduler *s);
/* The reason that stopped one next hop, 0 if it goes on. */
uint16_t fk_scheduler_hop_halt_status(const struct fk_scheduler *s, uint32_t next_hop);
/*
 * Service Unavailable (503) to several UEs of a next hop in a row, each for the first time and with
 * no other answer of it in between, is about the next hop: nothing is ordered there for as long as
 * its Retry-After says, or else for retry_backoff_ms, doubled each time up to
 * FK_RETRY_BACKOFF_MAX_MS, and it does not count as a try of anybody's. Then a few orders try it,
 * and each answer opens it further. When attempts_max such waits have not helped it is stopped as
 * above, with 503.
 */
struct fk_hop_wait {
	uint64_t since_ms, until_ms; /* since the campaign's creation; 'until' may be over */
	uint32_t n_waits;	     /* with this one; 1.. */
};
/* True if a next hop is overloaded, or was and has not answered since. */
bool fk_scheduler_hop_wait(const struct fk_scheduler *s, uint32_t next_hop,
			   struct fk_hop_wait *ret_wait);
/* From here on nothing is reserved or ordered. What comes back is applied all the same. */
void fk_scheduler_hold(struct fk_scheduler *s);
/* Goes on after that, at stopped next hops, too. */
void fk_scheduler_resume(struct fk_scheduler *s);

/* The wave of a UE, from 0; 0 unless it was set. fk_scheduler_begin_wave() has to follow. */
void fk_scheduler_set_wave(struct fk_scheduler *s, uint32_t ue_index, uint8_t wave);
/* Puts a wave in force; those before it go on. */
void fk_scheduler_begin_wave(struct fk_scheduler *s, uint32_t wave);
/* The last wave of which something was reserved already, as after a restart; 0 if nothing was. */
uint32_t fk_scheduler_last_reserved_wave(const struct fk_scheduler *s);
uint32_t fk_scheduler_wave(const struct fk_scheduler *s);
const struct fk_wave_tally *fk_scheduler_wave_tally(const struct fk_scheduler *s);
/* How many deliveries of any wave are in each state. Borrowed. */
const uint32_t *fk_scheduler_wave_states(const struct fk_scheduler *s, uint32_t wave);
/*
 * What the gate behind the wave in force says; behind the last one there is none, and it never
 * passes. More failures than allowed, counted over all waves but for those that were excused, shut
 * it at any time. '*ret_halt' is why it is shut.
 */
enum fk_gate_state fk_scheduler_judge(struct fk_scheduler *s, const struct fk_scheduler_now *now,
				      enum fk_halt *ret_halt);
/* So many failures have been looked at and do not count any more. */
void fk_scheduler_excuse(struct fk_scheduler *s, uint32_t n_failed);

/* True when every delivery is final. */
bool fk_scheduler_is_done(const struct fk_scheduler *s);
/* When a retry or a next hop that waits is due next, in ms since the campaign's creation;
 * UINT64_MAX if none is. */
uint64_t fk_scheduler_next_due_ms(const struct fk_scheduler *s);

/*
 * How long its owner may leave it alone while deliveries are open, in ms: as long as the window is
 * not expected to run dry. 1..FK_SCHEDULER_REST_MAX_MS.
 */
#define FK_SCHEDULER_REST_MAX_MS 4u
uint32_t fk_scheduler_rest_ms(const struct fk_scheduler *s);

const struct fk_scheduler_tally *fk_scheduler_tally(const struct fk_scheduler *s);
/* The deliveries, n_slots of them, by ue_index. Borrowed. */
const struct fk_delivery *fk_scheduler_deliveries(const struct fk_scheduler *s);
