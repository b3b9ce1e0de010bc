/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker.h - one lcore's work: orders out, answers in, timers in between.
 *
 * fk_worker_poll() is one turn of the loop and takes the time as a parameter, so that tests drive a
 * worker through hours in an instant, with a port made of plain buffers.
 *
 * Threads: everything here belongs to the worker's thread, but fk_worker_park(), _resume() and
 * _stop(), which the main thread calls, and fk_worker_attach() and _detach(), which it calls while
 * the worker is parked. Fields name their writer.
 * Memory: _new() and _attach() allocate; a turn does not. Keys stay in the key table's mapping and
 * in struct fk_worker_secrets, which is locked, kept out of dumps and wiped.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fleetkey/counters.h>
#include <fleetkey/err.h>
#include <fleetkey/isd_layout.h>
#include <fleetkey/keytable.h>
#include <fleetkey/link.h>
#include <fleetkey/order.h>

#include "capture.h"
#include "claim.h"
#include "clock.h"
#include "crypto/engine.h"
#include "crypto/token_tag.h"
#include "host.h"
#include "neigh.h"
#include "pace.h"
#include "port.h"
#include "txn.h"
#include "wheel.h"
#include "wire/sip_template.h"

#define FK_WORKER_BURST	   64	  /* lanes of one burst; crypto takes as many */
#define FK_HOLD_US	   100000 /* how long a held-back repeat rests before it is looked at again */
#define FK_NEIGH_WAIT_US   20000 /* the same while a neighbour is asked for */
#define FK_RECORD_RETRY_US 10000 /* the same while the doorbell ring is full */

struct fk_worker_config {
	uint32_t index; /* 0..FK_WORKERS_MAX - 1 */
	struct fk_host host;
	uint16_t sip_port;    /* requests come here */
	uint16_t worker_port; /* requests leave from here, their responses come back here */
	bool idle_sleeps;
	const struct fk_crypto_engine *engine;
	struct fk_port port;
	struct fk_capture *capture; /* NULL: none; borrowed */
};

/* What must not be read by anybody else: one locked mapping. */
struct fk_worker_secrets {
	struct fk_crypto_scratch scratch;
	struct fk_token_key token_key;
};

/* The orders of one campaign slot that wait for their turn. */
struct fk_slot_queue {
	struct fk_list repeats; /* timer E has come */
	struct fk_list fresh;	/* not sent yet */
	struct fk_pace pace;
	uint16_t generation;	/* whose pace that is */
	bool is_held, is_paced; /* so that a deferral is counted when it begins */
};

/* What waits for a next hop, see hop.h. */
struct fk_hop {
	struct fk_list waiting; /* queued requests, where one leaves at a time */
	uint64_t wake_at_us;	/* when the next of them may be queued */
	uint32_t n_taken;	/* requests that await their final response, or are being built */
	bool one_at_a_time;
};

struct fk_send_stage;
struct fk_receive_stage;

struct fk_worker {
	struct fk_worker_config config;
	uint64_t now_us; /* CLOCK_MONOTONIC, read once a turn */
	/* For what must know better, right before requests leave; NULL: nobody asks. */
	struct fk_clock *clock;
	uint64_t realtime_offset_us;

	/* Set by fk_worker_attach(). */
	const struct fk_keytable *table; /* NULL: not attached */
	const struct fk_ue_slot *ues;
	const char *text;
	struct fk_ue_state *states;
	struct fk_control_block *control;
	struct fk_worker_block *block;
	struct rte_ring *orders, *doorbells;
	uint32_t epoch, n_slots, t1_us, t2_us;
	struct fk_isd_layout isd_layout; /* of carrier T2 */
	bool has_isd_layout;
	uint8_t neigh_of_hop[FK_NEXT_HOPS_MAX];
	struct fk_sip_template *templates; /* one for each next hop */
	struct fk_net_path *paths;	   /* the same */

	/* The worker's own. */
	struct fk_txn *txns; /* n_slots */
	struct fk_worker_secrets *secrets;
	struct fk_send_stage *send;
	struct fk_receive_stage *receive;
	struct fk_neigh neigh;
	struct fk_claim claim;
	struct fk_slot_queue queues[FK_CAMPAIGN_SLOTS];
	uint64_t slots_waiting; /* bit n: queue n may hold something */
	uint32_t first_slot;	/* whose turn it is */
	struct fk_hop hops[FK_NEXT_HOPS_MAX];
	uint64_t hops_to_wake; /* bit n: a place at hop n was freed */
	uint64_t n_open;
	uint16_t ip_id;
	struct fk_wheel wheel;

	/* The main thread asks, the worker answers. */
	_Atomic bool park_wanted, is_parked, stop_wanted;
};

/*
 * Makes a worker that is parked and not attached. Returns FK_OK; FK_ENOMEM, also when memory cannot
 * be locked.
 */
FK_MUST_USE enum fk_err fk_worker_new(const struct fk_worker_config *config,
				      struct fk_worker **ret_worker);
/* Wipes what is secret and frees; NULL is fine. */
void fk_worker_free(struct fk_worker *worker);

/*
 * Gives the worker a checked table and region; both are borrowed until fk_worker_detach(). Running
 * transactions go on if 'same_region', else they are dropped; queued orders are dropped and
 * counted. Writes a sentence into 'ret_text' on failure: FK_EINVAL (a text of the table cannot
 * stand in a SIP message, or a next hop has an address of a family that we have none of), FK_EFULL
 * (too many next hops), FK_ENOMEM. A failed attach leaves the worker detached.
 */
FK_MUST_USE enum fk_err fk_worker_attach(struct fk_worker *worker, const struct fk_keytable *table,
					 struct fk_region *region, uint32_t epoch, bool same_region,
					 char *ret_text, size_t text_size);
void fk_worker_detach(struct fk_worker *worker);

/* One turn at 'now_us'. Returns the most that one of its stages moved, frames or orders: 0 if there
 * was nothing, FK_WORKER_BURST if there may be more at once. */
uint32_t fk_worker_poll(struct fk_worker *worker, uint64_t now_us);

/* The loop, for rte_eal_remote_launch(); 'arg' is the worker. Returns 0 after fk_worker_stop(). */
int fk_worker_main(void *arg);

/* Stops the worker at a burst border; false if it does not get there in 'timeout_ms'. */
FK_MUST_USE bool fk_worker_park(struct fk_worker *worker, uint32_t timeout_ms);
void fk_worker_resume(struct fk_worker *worker);
void fk_worker_stop(struct fk_worker *worker);

/* For the worker's stages. */

static inline void fk_worker_add(struct fk_worker *w, enum fk_counter counter, uint64_t n)
{
	_Atomic uint64_t *c = &w->block->counters[counter];

	/* One writer: no need for a locked instruction. */
	atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + n,
			      memory_order_relaxed);
}

static inline void fk_worker_count(struct fk_worker *w, enum fk_counter counter)
{
	fk_worker_add(w, counter, 1);
}

/* Asks the cache for what is known of a UE, but its text. */
static inline __attribute__((always_inline)) void fk_worker_hint(const struct fk_worker *w,
								 uint32_t ue_index)
{
	__builtin_prefetch(&w->txns[ue_index], 1);
	__builtin_prefetch(&w->states[ue_index], 1);
	__builtin_prefetch(&w->ues[ue_index].ptek);
	__builtin_prefetch(&w->ues[ue_index].rsi);
}

/* Requests and repeats may leave, as far as the lease goes. */
static inline bool fk_worker_is_leased(const struct fk_worker *w)
{
	return w->now_us < atomic_load_explicit(&w->control->lease_until_us, memory_order_relaxed);
}

/* Hands frames to the port; captures what left. Returns how many did; the rest stay the caller's.
 * 'masks' may be NULL. */
uint32_t fk_worker_transmit(struct fk_worker *w, const struct fk_frame *frames,
			    const struct fk_capture_mask *masks, uint32_t n);

/* The UE of a token, if the fleet still has it: index in range, slot owned, same owner. */
const struct fk_ue_slot *fk_worker_ue_of(const struct fk_worker *w, uint64_t token);
/* The campaign of a token, if it is loaded. */
const struct fk_campaign_block *fk_worker_campaign_of(const struct fk_worker *w, uint64_t token);

/* Queues the node of 'txn' behind others of its slot. */
void fk_worker_enqueue(struct fk_worker *w, struct fk_txn *txn, bool at_front);
/* Ends waiting and repeating: no timer, no queue, phase IDLE. */
void fk_worker_close(struct fk_worker *w, struct fk_txn *txn);
/* Arms the timer of 'txn'. */
static inline void fk_worker_arm(struct fk_worker *w, struct fk_txn *txn, uint64_t at_us)
{
	fk_wheel_add(&w->wheel, &txn->node, at_us);
}
