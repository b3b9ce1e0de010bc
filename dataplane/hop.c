/* SPDX-License-Identifier: Apache-2.0 */
#include "hop.h"

#include "send.h"

#define LOOKS_MAX     16    /* at those who wait for one place, in one turn */
#define WAKE_AGAIN_US 20000 /* until the next one is queued, while the place stays free */

/* Of the UE that the transaction belongs to; it does not change while a table is attached. */
static struct fk_hop *hop_of(struct fk_worker *w, const struct fk_txn *txn)
{
	return &w->hops[w->ues[txn - w->txns].next_hop % FK_NEXT_HOPS_MAX];
}

void fk_hops_begin(struct fk_worker *w)
{
	w->hops_to_wake = 0;
	for (uint32_t i = 0; i < FK_NEXT_HOPS_MAX; i++) {
		w->hops[i] = (struct fk_hop){
			.one_at_a_time = i < w->table->header.n_next_hops &&
					 w->table->next_hops[i].one_at_a_time != 0,
		};
		fk_list_init(&w->hops[i].waiting);
	}
	for (uint32_t i = 0; i < w->n_slots; i++) {
		if (fk_txn_awaits_response(&w->txns[i]))
			hop_of(w, &w->txns[i])->n_taken++;
	}
}

bool fk_hop_take(struct fk_worker *w, struct fk_txn *txn)
{
	struct fk_hop *hop = hop_of(w, txn);

	if (hop->one_at_a_time && hop->n_taken > 0) {
		fk_worker_count(w, FK_COUNTER_DEFER_NEXT_HOP);
		fk_list_append(&hop->waiting, &txn->node);
		return false;
	}
	hop->n_taken++;
	return true;
}

void fk_hop_give(struct fk_worker *w, const struct fk_txn *txn)
{
	struct fk_hop *hop = hop_of(w, txn);

	hop->n_taken--;
	hop->wake_at_us = w->now_us;
	if (hop->one_at_a_time)
		w->hops_to_wake |= 1ull << (hop - w->hops);
}

/* The first whose campaign may send; those that may not go to the end of the list. */
static struct fk_txn *next_waiting(struct fk_worker *w, struct fk_hop *hop)
{
	for (uint32_t i = 0; i < LOOKS_MAX && !fk_list_is_empty(&hop->waiting); i++) {
		struct fk_txn *txn = (struct fk_txn *)hop->waiting.next;

		fk_node_remove(&txn->node);
		if (fk_send_may_begin(w, txn))
			return txn;
		fk_list_append(&hop->waiting, &txn->node);
	}
	return NULL;
}

void fk_hops_wake(struct fk_worker *w)
{
	for (uint64_t left = w->hops_to_wake; left != 0; left &= left - 1) {
		struct fk_hop *hop = &w->hops[__builtin_ctzll(left)];
		struct fk_txn *txn;

		if (hop->n_taken > 0 || fk_list_is_empty(&hop->waiting)) {
			w->hops_to_wake &= ~(1ull << (hop - w->hops));
			continue;
		}
		if (w->now_us < hop->wake_at_us)
			continue;
		txn = next_waiting(w, hop);
		if (txn != NULL)
			fk_worker_enqueue(w, txn, true);
		/* It may be held back or no longer be wanted: then it is another's turn. */
		hop->wake_at_us = w->now_us + WAKE_AGAIN_US;
	}
}
