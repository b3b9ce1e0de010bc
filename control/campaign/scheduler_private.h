/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scheduler_private.h - the scheduler's inside, shared by scheduler.c (pages and orders) and
 * outcome.c (what comes back). Nobody else includes it.
 */
#pragma once

#include "campaign/due_heap.h"
#include "campaign/scheduler.h"

/* What is known of a delivery in this life of the process only. */
struct run {
	uint32_t next;	       /* in its queue */
	uint32_t outcome_seen; /* low bits of answered_at_us of the outcome applied last */
	uint8_t queued_in;     /* 1 + index of the queue that links it, 0: none */
	uint8_t is_fresh;      /* 1: counts in n_fresh */
	uint8_t n_renumbered;  /* new attempts because of "invalid number" */
};

struct page {
	uint64_t on_durable;	  /* deliveries to be queued once the page is durable */
	uint32_t dirty_at;	  /* 1 + index in dirty_pages, 0: clean */
	uint8_t n_held, n_proven; /* since the page was durable last */
};

/* In the order in which they are served. */
enum queue_id {
	QUEUE_AGAIN,
	QUEUE_FRESH,
	QUEUE_CLOSING,
	QUEUES
};

struct queue {
	uint32_t head, tail;
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
	struct fk_due_heap due;
	uint16_t halt_status;
	struct fk_scheduler_tally tally;
};

/* Moves a delivery to another state and keeps tally, heap and queues right. */
void fk_delivery_set_state(struct fk_scheduler *s, uint32_t ue_index, enum fk_delivery_state state);
/* Its page has to be written. */
void fk_delivery_mark_dirty(struct fk_scheduler *s, uint32_t ue_index);
/* Ends a delivery for good; with a key held, anything but ACKED becomes PARTIAL. */
void fk_delivery_finish(struct fk_scheduler *s, uint32_t ue_index, enum fk_delivery_state state,
			enum fk_cause cause, uint16_t detail);
/* Pins a new KMM: its number and its date. It is queued when its page is durable. */
void fk_delivery_begin_attempt(struct fk_scheduler *s, uint32_t ue_index,
			       const struct fk_scheduler_now *now);
/* Gives the attempt up, its number and what is left of its block too. False: no attempt is left,
 * and the delivery is final. */
bool fk_delivery_drop_attempt(struct fk_scheduler *s, uint32_t ue_index);
