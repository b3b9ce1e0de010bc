/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scheduler_private.h - the scheduler's inside, shared by scheduler.c (pages and orders),
 * scheduler_stop.c (what stops them), scheduler_overload.c (what puts them off), wave_books.c
 * (waves and gates) and outcome.c (what comes back). Nobody else includes it.
 */
#pragma once

#include "campaign/due_heap.h"
#include "campaign/scheduler.h"

/* What is known of a delivery in this life of the process only. */
struct run {
	uint32_t next;	       /* in its queue */
	uint32_t outcome_seen; /* low bits of answered_at_us of the outcome applied last */
	uint8_t wave;
	uint8_t queued_in : 3;	 /* 1 + index of the queue that links it, PARKED, 0: none */
	uint8_t is_fresh : 1;	 /* counts in n_fresh */
	uint8_t was_ordered : 1; /* at least once */
	uint8_t is_engaged : 1;	 /* something else is sent to the UE */
	uint8_t lacks_key : 1;	 /* it is in 'keyless' */
	uint8_t renews : 1;	 /* it gets another protection TEK first */
	uint8_t n_warm_starts;	 /* because the UE said that it lacks its key */
	uint8_t n_renumbered;	 /* new attempts because of "invalid number" */
};

struct page {
	uint64_t on_durable; /* deliveries to be queued once the page is durable */
	uint32_t dirty_at;   /* 1 + index in dirty_pages, 0: clean */
	uint64_t newly_done; /* deliveries that reached their goal since it was durable */
	uint8_t n_proven;    /* since then, too */
};

/* In the order in which they are served. */
enum queue_id {
	QUEUE_AGAIN,
	QUEUE_FRESH,
	QUEUE_CLOSING,
	QUEUES
};

#define PARKED (QUEUES + 1) /* as queued_in: it waits for its next hop */

struct queue {
	uint32_t head, tail;
};

/*
 * How many UEs behind a next hop have a 503 in a row, before it counts as overloaded: not one that
 * has another one, and with no other answer of the next hop in between.
 */
#define OVERLOAD_UES	 16u
#define OVERLOAD_UES_MIN 4u
#define TRIAL_ROOM	 4u /* open deliveries of one that was left alone, until it answers */

struct overload {
	uint32_t ues[OVERLOAD_UES], n_ues; /* the row up to now */
	uint32_t retry_after_s;		   /* the longest that was said in it */
	uint32_t n_waits;		   /* without an answer in between */
	uint32_t room;			   /* so many may be open; 0: no such limit */
	uint64_t since_ms, until_ms;	   /* of the wait; its bit is in 'waiting_hops' */
};

/*
 * One next hop. It may always have its share of the window open, and borrows what no share needs:
 * one that answers slowly or not at all does not hold up the others.
 */
struct hop {
	struct queue parked; /* due, but it may have no more open, or has stopped */
	uint32_t n_active;   /* deliveries of the waves up to now that are not final */
	uint32_t n_open;
	uint16_t halt_status; /* fk_refusal_detail() of what stopped it, 0: it goes on */
	struct overload overload;
};

struct fk_scheduler {
	struct fk_scheduler_options opt;
	struct fk_delivery *deliveries;
	struct run *runs;
	struct page *pages;
	uint32_t *dirty_pages;
	uint32_t n_dirty, n_pages;
	uint32_t reserve_at; /* the next page to reserve */
	uint32_t n_fresh;    /* reserved, never ordered */
	struct queue queues[QUEUES];
	uint32_t keyless[FK_KEYLESS_MAX], n_keyless;
	struct fk_due_heap due;
	struct hop hops[FK_NEXT_HOPS_MAX];
	uint64_t parked_hops;  /* bit n: somebody is parked at hop n */
	uint64_t waiting_hops; /* bit n: hop n is overloaded, and left alone until its time */
	uint32_t next_hop;     /* whose turn it is */
	uint32_t share;	       /* of the window, of each next hop */
	uint32_t n_loan;       /* of the window: what is left for who needs more */
	uint32_t n_borrowed;
	uint32_t n_halted; /* next hops that have stopped */
	bool is_held;
	bool may_renew;	    /* some get another protection TEK first */
	uint32_t wave;	    /* in force */
	uint64_t out_at_ms; /* when it was seen that all of it was sent; UINT64_MAX: not yet */
	uint32_t n_excused; /* failures that do not count */
	struct fk_wave_tally wave_tally;
	uint32_t wave_states[FK_WAVES_MAX + 1][FK_DELIVERY_STATES]; /* by the deliveries' waves */
	struct fk_scheduler_tally tally;
};

/* What the current step of a delivery is. */
struct step {
	uint8_t kind, mac_key; /* enum fk_order_kind, enum fk_mac_key */
	uint8_t first_key, n_keys;
	bool is_closing, is_goal, is_last;
};
/* The one that comes before it where the UE may lack its protection TEK. */
struct step fk_delivery_warm_start(void);
struct step fk_delivery_step(const struct fk_scheduler *s, const struct fk_delivery *d);
/* The flag that says that a delivery has reached its goal. */
static inline uint8_t fk_scheduler_goal(const struct fk_scheduler *s)
{
	return s->opt.n_commands > 0 ? FK_DELIVERY_PERFORMED : FK_DELIVERY_HELD;
}

/* True while nothing may be ordered for the UE. */
static inline bool fk_delivery_is_held_back(const struct fk_scheduler *s, uint32_t ue_index)
{
	return s->runs[ue_index].is_engaged || s->runs[ue_index].lacks_key;
}

/* Moves a delivery to another state and keeps tally, heap and queues right. */
void fk_delivery_set_state(struct fk_scheduler *s, uint32_t ue_index, enum fk_delivery_state state);
static inline struct hop *fk_delivery_hop(struct fk_scheduler *s, uint32_t ue_index)
{
	return &s->hops[s->opt.ues[ue_index].next_hop % FK_NEXT_HOPS_MAX];
}

/*
 * An order for the UE was answered with 503, before the delivery says so. True if that is not the
 * UE's fault: its next hop is overloaded, or was and has not answered since.
 */
bool fk_hop_note_overload(struct fk_scheduler *s, uint32_t ue_index, uint32_t retry_after_s,
			  const struct fk_scheduler_now *now);
/* Nobody answered an order for the UE. */
void fk_hop_note_silence(struct fk_scheduler *s, uint32_t ue_index,
			 const struct fk_scheduler_now *now);
/* Its next hop did, with anything but 503. */
void fk_hop_note_answer(struct fk_scheduler *s, uint32_t ue_index);
/* Tries those that have waited long enough. */
void fk_hop_end_waits(struct fk_scheduler *s, const struct fk_scheduler_now *now);
/* When the next one will have; UINT64_MAX if none waits. */
uint64_t fk_hop_next_end_ms(const struct fk_scheduler *s);

/* It waits for a protection TEK, for which there must be room; or no longer does. */
void fk_delivery_want_key(struct fk_scheduler *s, uint32_t ue_index);
void fk_delivery_want_no_key(struct fk_scheduler *s, uint32_t ue_index);

/* Puts a delivery into the books of its wave and next hop (1), or takes it out (UINT32_MAX) before
 * anything of it changes. */
void fk_delivery_count(struct fk_scheduler *s, uint32_t ue_index, uint32_t by);
/* A KMM of it was handed to the dataplane. */
void fk_delivery_note_ordered(struct fk_scheduler *s, uint32_t ue_index);
/* The UE is there: an answer of its own, or a message that was delivered. */
void fk_delivery_note_life(struct fk_scheduler *s, uint32_t ue_index);
/* Its page has to be written. */
void fk_delivery_mark_dirty(struct fk_scheduler *s, uint32_t ue_index);
/* Ends a delivery for good; with a key held, anything but ACKED becomes PARTIAL. */
/* How many steps a delivery has before its closing exchange. */
uint32_t fk_delivery_goal_steps(const struct fk_scheduler *s, const struct fk_delivery *d);
/* How a delivery ends that nothing has answered. */
enum fk_delivery_state fk_delivery_silent_end(const struct fk_scheduler *s, enum fk_cause cause);
void fk_delivery_finish(struct fk_scheduler *s, uint32_t ue_index, enum fk_delivery_state state,
			enum fk_cause cause, uint16_t detail);
/* True if its numbers are no good any more, or there are none. */
bool fk_delivery_is_outrun(const struct fk_scheduler *s, uint32_t ue_index);
/* Pins a new KMM: its number and its date. It is queued when its page is durable. */
void fk_delivery_begin_attempt(struct fk_scheduler *s, uint32_t ue_index,
			       const struct fk_scheduler_now *now);
/* Gives the attempt up, its number and what is left of its block too. False: no attempt is left,
 * and the delivery is final. */
bool fk_delivery_drop_attempt(struct fk_scheduler *s, uint32_t ue_index);
