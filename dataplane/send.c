/* SPDX-License-Identifier: Apache-2.0 */
#include "send.h"

#include <stdlib.h>

#include "build.h"
#include "hop.h"
#include "record.h"

#define ROOM_MIN 8 /* lanes: a port that was full may have a little room again */

struct fk_send_stage {
	uint32_t room; /* lanes that the port is thought to take */
	struct fk_build_lane lanes[FK_WORKER_BURST];
	struct fk_frame frames[FK_WORKER_BURST];
	struct fk_capture_mask masks[FK_WORKER_BURST];
	uint32_t n;
};

struct fk_send_stage *fk_send_stage_new(void)
{
	struct fk_send_stage *stage = calloc(1, sizeof(*stage));

	if (stage != NULL)
		stage->room = FK_WORKER_BURST;
	return stage;
}

void fk_send_stage_free(struct fk_send_stage *stage)
{
	free(stage);
}

/* What may leave for one campaign slot at this moment. */
struct gate {
	bool fresh, repeats;
};

static struct gate gate_of(const struct fk_worker *w, uint32_t slot)
{
	const struct fk_control_block *c = w->control;
	uint32_t stop = atomic_load_explicit(&c->stop, memory_order_relaxed);
	uint32_t stop_slot = atomic_load_explicit(&c->stop_slot[slot], memory_order_relaxed);
	bool leased = fk_worker_is_leased(w);

	return (struct gate){
		.fresh = leased && stop == FK_STOP_NONE && stop_slot == FK_STOP_NONE,
		.repeats = leased && stop < FK_STOP_ABORT && stop_slot < FK_STOP_ABORT,
	};
}

bool fk_send_may_begin(const struct fk_worker *w, const struct fk_txn *txn)
{
	uint32_t slot = fk_token_unpack(txn->token).campaign_slot % FK_CAMPAIGN_SLOTS;

	return gate_of(w, slot).fresh && fk_worker_campaign_of(w, txn->token) != NULL;
}

/* Puts a transaction that cannot go on now aside for 'wait_us', but not beyond its end. */
static void put_aside(struct fk_worker *w, struct fk_txn *txn, uint64_t wait_us)
{
	uint64_t at_us = w->now_us + wait_us;

	if (txn->phase != FK_TXN_QUEUED && at_us > txn->end_at_us)
		at_us = txn->end_at_us;
	fk_worker_arm(w, txn, at_us);
}

/* Repeats that may not leave go back to the wheel, where timer F still finds them. */
static void hold_repeats(struct fk_worker *w, struct fk_slot_queue *queue)
{
	struct fk_node *node;

	for (uint32_t i = 0; i < FK_WORKER_BURST; i++) {
		node = fk_list_take_first(&queue->repeats);
		if (node == NULL)
			return;
		put_aside(w, (struct fk_txn *)node, FK_HOLD_US);
	}
}

/* False if a key of the UE that it was made with was taken out since. */
static bool has_keys(const struct fk_ue_slot *ue, const struct fk_txn *txn)
{
	bool carries = txn->kind == FK_ORDER_REKEY || txn->kind == FK_ORDER_WARM_START;

	return (!carries || ue->kek_algorithm_id != 0) &&
	       (txn->mac_key != FK_MAC_KEY_PTEK || ue->ptek_algorithm_id != 0);
}

/* True if a repeat still has a reason to be sent; ends it, or hands it to the timers, if not. */
static bool is_still_wanted(struct fk_worker *w, struct fk_txn *txn)
{
	const struct fk_ue_slot *ue = fk_worker_ue_of(w, txn->token);

	if (fk_worker_campaign_of(w, txn->token) == NULL || ue == NULL || !has_keys(ue, txn)) {
		fk_worker_count(w, FK_COUNTER_ORDER_STALE);
		fk_worker_close(w, txn);
		return false;
	}
	if (txn->phase != FK_TXN_QUEUED && w->now_us >= txn->end_at_us) {
		fk_worker_arm(w, txn, w->now_us); /* timer F came while it waited */
		return false;
	}
	return true;
}

/* Adds one transaction to the burst; false if its neighbour is not known yet, or its next hop takes
 * no further request. */
static bool add_lane(struct fk_worker *w, struct fk_txn *txn)
{
	struct fk_build_lane *lane = &w->send->lanes[w->send->n];

	lane->txn = txn;
	lane->ue = fk_worker_ue_of(w, txn->token);
	lane->campaign = fk_worker_campaign_of(w, txn->token);
	lane->neigh = fk_neigh_find(&w->neigh, w->neigh_of_hop[lane->ue->next_hop]);
	if (lane->neigh == NULL) {
		fk_worker_count(w, FK_COUNTER_DEFER_NEIGHBOUR);
		put_aside(w, txn, FK_NEIGH_WAIT_US);
		return false;
	}
	if (txn->phase == FK_TXN_QUEUED && !fk_hop_take(w, txn))
		return false;
	w->send->n++;
	return true;
}

/* Moves from one list into the burst for as long as the pace allows. */
static void collect_list(struct fk_worker *w, struct fk_slot_queue *queue, struct fk_list *list)
{
	while (w->send->n < w->send->room && !fk_list_is_empty(list)) {
		struct fk_txn *txn = (struct fk_txn *)list->next;

		if (fk_pace_take(&queue->pace, w->now_us, 1) == 0) {
			if (!queue->is_paced)
				fk_worker_count(w, FK_COUNTER_DEFER_PACE);
			queue->is_paced = true;
			return;
		}
		fk_node_remove(&txn->node);
		queue->is_paced = false;
		if (!is_still_wanted(w, txn) || !add_lane(w, txn))
			fk_pace_give_back(&queue->pace, 1);
	}
}

static void note_held(struct fk_worker *w, struct fk_slot_queue *queue, bool held)
{
	if (held && !queue->is_held)
		fk_worker_count(w, FK_COUNTER_DEFER_LEASE);
	queue->is_held = held;
}

/* Brings the pace of the campaign that is loaded in the slot; false if none is. */
static bool refresh_pace(struct fk_worker *w, uint32_t slot)
{
	struct fk_slot_queue *queue = &w->queues[slot];
	const struct fk_campaign_block *campaign = &w->table->campaigns[slot];
	uint16_t generation = atomic_load_explicit(&campaign->generation, memory_order_acquire);

	if (generation == 0)
		return false;
	if (generation != queue->generation) {
		fk_pace_set(&queue->pace, campaign->pace_per_s, w->now_us);
		queue->generation = generation;
	}
	return true;
}

/* A control that has just attached has not loaded its campaigns yet: then everything waits. */
static void collect_slot(struct fk_worker *w, uint32_t slot)
{
	struct fk_slot_queue *queue = &w->queues[slot];
	struct gate gate = gate_of(w, slot);
	bool loaded = refresh_pace(w, slot);
	bool has_repeats = !fk_list_is_empty(&queue->repeats);
	bool has_fresh = !fk_list_is_empty(&queue->fresh);

	if (!has_repeats && !has_fresh) {
		w->slots_waiting &= ~(1ull << slot);
		queue->is_held = queue->is_paced = false;
		return;
	}
	note_held(w, queue, (has_fresh && !gate.fresh) || (has_repeats && !gate.repeats));
	if (loaded && gate.repeats)
		collect_list(w, queue, &queue->repeats);
	else
		hold_repeats(w, queue);
	if (loaded && gate.fresh)
		collect_list(w, queue, &queue->fresh);
}

/* Waiting slots take turns, so that one with a long queue does not starve the others. */
static void collect(struct fk_worker *w)
{
	uint32_t first = w->first_slot;

	w->send->n = 0;
	for (uint32_t i = 0; i < FK_CAMPAIGN_SLOTS && w->send->n < w->send->room; i++) {
		uint32_t slot = (first + i) % FK_CAMPAIGN_SLOTS;

		if (w->slots_waiting >> slot & 1)
			collect_slot(w, slot);
	}
	w->first_slot = (first + 1) % FK_CAMPAIGN_SLOTS;
}

/* Puts lanes 'first' and later back where they came from, in their order. */
static void take_back(struct fk_worker *w, uint32_t first)
{
	for (uint32_t i = w->send->n; i-- > first;) {
		struct fk_txn *txn = w->send->lanes[i].txn;

		if (txn->phase == FK_TXN_QUEUED)
			fk_hop_give(w, txn);
		fk_worker_enqueue(w, txn, true);
		fk_pace_give_back(&w->queues[fk_token_unpack(txn->token).campaign_slot].pace, 1);
	}
	w->send->n = first;
}

/* Books what has left. */
static void book(struct fk_worker *w, struct fk_txn *txn)
{
	bool is_first = txn->phase == FK_TXN_QUEUED;

	fk_worker_arm(w, txn, fk_txn_sent(txn, w->now_us, w->t1_us, w->t2_us));
	fk_record_sent(w, txn, is_first);
	if (is_first)
		w->n_open++;
	fk_worker_count(w, is_first ? FK_COUNTER_TX_REQUESTS : FK_COUNTER_TX_RETRANSMITS);
}

/* A lane that could not be built is tried again later, if it is still wanted. */
static void drop_lane(struct fk_worker *w, struct fk_txn *txn)
{
	if (txn->phase == FK_TXN_QUEUED)
		fk_hop_give(w, txn);
	if (is_still_wanted(w, txn))
		put_aside(w, txn, FK_HOLD_US);
}

/* One bad lane spoils a burst: then each is built alone, and the bad one ends here. */
static void build_singly(struct fk_worker *w)
{
	struct fk_send_stage *s = w->send;
	uint32_t n_good = 0;

	for (uint32_t i = 0; i < s->n; i++) {
		struct fk_txn *txn = s->lanes[i].txn;

		s->lanes[n_good] = s->lanes[i];
		if (fk_build_burst(w, &s->lanes[n_good], &s->frames[n_good], &s->masks[n_good], 1))
			n_good++;
		else
			drop_lane(w, txn);
	}
	w->config.port.ops->free(w->config.port.self, s->frames + n_good, s->n - n_good);
	s->n = n_good;
}

/* What is built for a full port is built in vain: the next burst is as large as what left, and then
 * twice as large as long as all of it leaves. */
static void note_room(struct fk_send_stage *s, uint32_t n_left)
{
	if (n_left < s->n)
		s->room = n_left < ROOM_MIN ? ROOM_MIN : n_left;
	else if (s->room < FK_WORKER_BURST)
		s->room = 2 * s->room < FK_WORKER_BURST ? 2 * s->room : FK_WORKER_BURST;
}

/* Is it over since this turn began? A worker may be stopped at any time, and for long. */
static bool has_lost_lease(struct fk_worker *w)
{
	return w->clock != NULL &&
	       fk_clock_at(w->clock, fk_clock_cycles()) >=
		       atomic_load_explicit(&w->control->lease_until_us, memory_order_acquire);
}

uint32_t fk_send_waiting(struct fk_worker *w)
{
	struct fk_send_stage *s = w->send;
	const struct fk_port *port = &w->config.port;
	uint32_t n_left;

	if (w->hops_to_wake != 0)
		fk_hops_wake(w);
	if (w->slots_waiting == 0)
		return 0;
	collect(w);
	if (s->n == 0)
		return 0;
	if (port->ops->alloc(port->self, s->frames, s->n) == 0) {
		fk_worker_add(w, FK_COUNTER_DEFER_NO_MBUF, s->n);
		take_back(w, 0);
		return 0;
	}
	if (!fk_build_burst(w, s->lanes, s->frames, s->masks, s->n))
		build_singly(w);
	if (has_lost_lease(w)) {
		port->ops->free(port->self, s->frames, s->n);
		take_back(w, 0);
		return 0;
	}
	n_left = fk_worker_transmit(w, s->frames, s->masks, s->n);
	note_room(s, n_left);
	for (uint32_t i = 0; i < n_left; i++)
		book(w, s->lanes[i].txn);
	if (n_left < s->n) {
		port->ops->free(port->self, s->frames + n_left, s->n - n_left);
		take_back(w, n_left);
	}
	return n_left;
}
