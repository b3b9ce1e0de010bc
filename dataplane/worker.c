/* SPDX-License-Identifier: Apache-2.0 */
#include "worker.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>

#include <fleetkey/secret.h>

#include "answer.h"
#include "hop.h"
#include "receive.h"
#include "send.h"
#include "timers.h"

#define SLEEP_US   200	  /* below the wheel's tick, and what comes meanwhile fits the port */
#define REST_TURNS 1000	  /* after about 0.2 s with nothing open either, it sleeps ... */
#define REST_US	   500	  /* ... so long, which neither lease nor stop flag notice */
#define PARKED_US  1000	  /* between two looks of a parked worker */
#define SLACK_NS   1000ul /* the kernel's default slack would double each sleep */

static struct fk_worker_secrets *new_secrets(void)
{
	struct fk_worker_secrets *secrets = mmap(NULL, sizeof(*secrets), PROT_READ | PROT_WRITE,
						 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (secrets == MAP_FAILED)
		return NULL;
	if (mlock(secrets, sizeof(*secrets)) != 0 ||
	    madvise(secrets, sizeof(*secrets), MADV_DONTDUMP) != 0) {
		munmap(secrets, sizeof(*secrets));
		return NULL;
	}
	return secrets;
}

static void free_secrets(struct fk_worker_secrets *secrets)
{
	if (secrets == NULL)
		return;
	fk_wipe(secrets, sizeof(*secrets));
	munmap(secrets, sizeof(*secrets));
}

enum fk_err fk_worker_new(const struct fk_worker_config *config, struct fk_worker **ret_worker)
{
	struct fk_worker *w = aligned_alloc(64, (sizeof(*w) + 63) & ~(size_t)63);

	if (w == NULL)
		return FK_ENOMEM;
	memset(w, 0, sizeof(*w));
	w->config = *config;
	if (fk_address_is_set(&config->host.ipv6.address))
		w->config.host.link_local = fk_nd_link_local_of(config->port.mac);
	w->secrets = new_secrets();
	w->send = fk_send_stage_new();
	w->receive = fk_receive_stage_new();
	w->templates = calloc(FK_NEXT_HOPS_MAX, sizeof(*w->templates));
	w->paths = calloc(FK_NEXT_HOPS_MAX, sizeof(*w->paths));
	if (w->secrets == NULL || w->send == NULL || w->receive == NULL || w->templates == NULL ||
	    w->paths == NULL) {
		fk_worker_free(w);
		return FK_ENOMEM;
	}
	for (uint32_t i = 0; i < FK_CAMPAIGN_SLOTS; i++) {
		fk_list_init(&w->queues[i].repeats);
		fk_list_init(&w->queues[i].fresh);
	}
	fk_wheel_init(&w->wheel, 0);
	atomic_store(&w->park_wanted, true);
	*ret_worker = w;
	return FK_OK;
}

void fk_worker_free(struct fk_worker *worker)
{
	if (worker == NULL)
		return;
	free_secrets(worker->secrets);
	fk_send_stage_free(worker->send);
	fk_receive_stage_free(worker->receive);
	free(worker->templates);
	free(worker->paths);
	if (worker->txns != NULL)
		munmap(worker->txns, (size_t)worker->n_slots * sizeof(*worker->txns));
	free(worker);
}

static uint32_t transmit_captured(struct fk_worker *w, const struct fk_frame *frames,
				  const struct fk_capture_mask *masks, uint32_t n)
{
	const struct fk_port *port = &w->config.port;
	uint64_t at_us = w->now_us + w->realtime_offset_us;
	uint32_t n_left = 0;

	/* A frame is gone once it is sent, so it is copied before, one at a time; a frame that the
	 * port did not take is captured again when it does. */
	for (; n_left < n; n_left++) {
		uint8_t copy[FK_CAPTURE_FRAME_MAX];
		uint16_t size = frames[n_left].size;

		if (size > sizeof(copy))
			size = sizeof(copy);
		memcpy(copy, frames[n_left].octets, size);
		if (port->ops->transmit(port->self, &frames[n_left], 1) == 0)
			break;
		fk_capture_put(w->config.capture, copy, size,
			       masks != NULL ? masks[n_left] : (struct fk_capture_mask){0}, at_us);
	}
	return n_left;
}

uint32_t fk_worker_transmit(struct fk_worker *w, const struct fk_frame *frames,
			    const struct fk_capture_mask *masks, uint32_t n)
{
	const struct fk_port *port = &w->config.port;
	uint32_t n_left;

	if (n == 0)
		return 0;
	n_left = w->config.capture != NULL ? transmit_captured(w, frames, masks, n)
					   : port->ops->transmit(port->self, frames, n);
	fk_worker_add(w, FK_COUNTER_TX_FRAMES, n_left);
	if (n_left < n)
		fk_worker_count(w, FK_COUNTER_TX_QUEUE_FULL);
	return n_left;
}

const struct fk_ue_slot *fk_worker_ue_of(const struct fk_worker *w, uint64_t token)
{
	struct fk_token t = fk_token_unpack(token);
	const struct fk_ue_slot *ue;

	if (t.ue_index >= w->n_slots)
		return NULL;
	ue = &w->ues[t.ue_index];
	return ue->rsi != 0 && ue->ue_generation == t.ue_generation ? ue : NULL;
}

const struct fk_campaign_block *fk_worker_campaign_of(const struct fk_worker *w, uint64_t token)
{
	struct fk_token t = fk_token_unpack(token);
	const struct fk_campaign_block *campaign;

	if (t.campaign_slot >= FK_CAMPAIGN_SLOTS || t.campaign_generation == 0)
		return NULL;
	campaign = &w->table->campaigns[t.campaign_slot];
	return atomic_load_explicit(&campaign->generation, memory_order_acquire) ==
			       t.campaign_generation
		       ? campaign
		       : NULL;
}

void fk_worker_enqueue(struct fk_worker *w, struct fk_txn *txn, bool at_front)
{
	uint32_t slot = fk_token_unpack(txn->token).campaign_slot % FK_CAMPAIGN_SLOTS;
	struct fk_slot_queue *queue = &w->queues[slot];
	struct fk_list *list = txn->phase == FK_TXN_QUEUED ? &queue->fresh : &queue->repeats;

	fk_node_remove(&txn->node);
	if (at_front)
		fk_list_prepend(list, &txn->node);
	else
		fk_list_append(list, &txn->node);
	w->slots_waiting |= 1ull << slot;
}

void fk_worker_close(struct fk_worker *w, struct fk_txn *txn)
{
	if (fk_txn_is_open(txn))
		w->n_open--;
	if (fk_txn_awaits_response(txn))
		fk_hop_give(w, txn);
	fk_node_remove(&txn->node);
	txn->phase = FK_TXN_IDLE;
}

static void probe_neighbour(struct fk_worker *w)
{
	uint8_t index = fk_neigh_next_probe(&w->neigh, w->now_us);

	if (index != FK_NEIGH_NONE)
		fk_answer_probe(w, &w->neigh.entries[index]);
}

static uint32_t larger(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

uint32_t fk_worker_poll(struct fk_worker *w, uint64_t now_us)
{
	uint32_t n_most;

	w->now_us = now_us;
	fk_claim_poll(w);
	if (!w->claim.is_yielded)
		probe_neighbour(w);
	n_most = fk_receive_poll(w);
	n_most = larger(n_most, fk_timers_poll(w));
	n_most = larger(n_most, fk_send_take_orders(w));
	n_most = larger(n_most, fk_send_waiting(w));
	atomic_store_explicit(&w->block->n_open, w->n_open, memory_order_relaxed);
	atomic_fetch_add_explicit(&w->block->beats, 1, memory_order_relaxed);
	return n_most;
}

static void rest(uint32_t span_us)
{
	struct timespec span = {.tv_nsec = (long)span_us * 1000};

	nanosleep(&span, NULL);
}

static void book_cycles(_Atomic uint64_t *cycles, uint64_t n)
{
	atomic_fetch_add_explicit(cycles, n, memory_order_relaxed);
}

/* Books the turn that began at 'start', and sleeps after one that left no burst behind: a burst
 * that has filled meanwhile costs less a frame than the few that came at once. */
static void end_turn(struct fk_worker *w, struct fk_clock *clock, uint64_t start, uint32_t n_most,
		     uint32_t *n_idle)
{
	struct fk_worker_block *block = w->block;
	uint64_t end = fk_clock_cycles();

	book_cycles(n_most > 0 ? &block->busy_cycles : &block->idle_cycles, end - start);
	*n_idle = n_most > 0 ? 0 : *n_idle + 1;
	if (w->config.idle_sleeps && n_most < FK_WORKER_BURST) {
		rest(*n_idle > REST_TURNS && w->n_open == 0 ? REST_US : SLEEP_US);
		book_cycles(&block->idle_cycles, fk_clock_cycles() - end);
	}
	fk_clock_sync(clock, w->now_us);
	w->realtime_offset_us = clock->realtime_offset_us;
}

int fk_worker_main(void *arg)
{
	struct fk_worker *w = arg;
	struct fk_clock clock;
	uint32_t n_idle = 0;

	prctl(PR_SET_TIMERSLACK, SLACK_NS);
	fk_clock_init(&clock);
	w->realtime_offset_us = clock.realtime_offset_us;
	w->clock = &clock;
	while (!atomic_load_explicit(&w->stop_wanted, memory_order_acquire)) {
		uint64_t start = fk_clock_cycles();

		if (atomic_load_explicit(&w->park_wanted, memory_order_acquire)) {
			atomic_store_explicit(&w->is_parked, true, memory_order_release);
			rest(PARKED_US);
			continue;
		}
		atomic_store_explicit(&w->is_parked, false, memory_order_release);
		end_turn(w, &clock, start, fk_worker_poll(w, fk_clock_at(&clock, start)), &n_idle);
	}
	w->clock = NULL;
	atomic_store_explicit(&w->is_parked, true, memory_order_release);
	return 0;
}

bool fk_worker_park(struct fk_worker *worker, uint32_t timeout_ms)
{
	/* What the worker says now may be about the park before: it says it anew. */
	atomic_store_explicit(&worker->is_parked, false, memory_order_release);
	atomic_store_explicit(&worker->park_wanted, true, memory_order_release);
	for (uint32_t ms = 0; ms < timeout_ms; ms++) {
		if (atomic_load_explicit(&worker->is_parked, memory_order_acquire))
			return true;
		rest(1000);
	}
	return atomic_load_explicit(&worker->is_parked, memory_order_acquire);
}

void fk_worker_resume(struct fk_worker *worker)
{
	atomic_store_explicit(&worker->park_wanted, false, memory_order_release);
}

void fk_worker_stop(struct fk_worker *worker)
{
	atomic_store_explicit(&worker->stop_wanted, true, memory_order_release);
}
