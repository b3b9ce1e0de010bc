/* SPDX-License-Identifier: Apache-2.0 */
/* txn.c - see txn.h. */
#include <stdlib.h>
#include <string.h>

#include "txn.h"

#define WHEEL_SLOTS 16384u /* milliseconds in one turn; a power of two beyond T2 */
#define NONE	    0xffffffffu
#define TIMER_F_T1S 64

struct txn {
	uint64_t nonce;
	uint64_t due_ms, give_up_ms;
	uint32_t next, previous; /* in the wheel, or 'next' in the free list */
	uint32_t interval_ms;
	struct fk_address destination;
	uint16_t source_port, destination_port;
	uint16_t size;
	bool is_open;
	uint8_t message[FK_SIM_DATAGRAM_MAX];
};

struct fk_txns {
	struct fk_txns_spec spec;
	uint64_t random;
	uint64_t now_ms; /* wheel turned up to here */
	uint32_t free, n_free;
	uint32_t wheel[WHEEL_SLOTS]; /* first transaction due in that millisecond */
	struct txn *txns;
};

enum fk_err fk_txns_new(const struct fk_txns_spec *spec, uint64_t now_ms, struct fk_txns **ret_txns)
{
	struct fk_txns *t = calloc(1, sizeof(*t));

	if (t != NULL)
		t->txns = calloc(spec->n_slots, sizeof(*t->txns));
	if (t == NULL || t->txns == NULL) {
		free(t);
		return FK_ENOMEM;
	}
	t->spec = *spec;
	t->random = spec->nonce_seed;
	t->now_ms = now_ms;
	t->n_free = spec->n_slots;
	memset(t->wheel, 0xff, sizeof(t->wheel)); /* NONE everywhere */
	for (uint32_t i = 0; i < spec->n_slots; i++)
		t->txns[i].next = i + 1 < spec->n_slots ? i + 1 : NONE;
	*ret_txns = t;
	return FK_OK;
}

void fk_txns_free(struct fk_txns *txns)
{
	if (txns == NULL)
		return;
	free(txns->txns);
	free(txns);
}

uint32_t fk_txns_free_count(const struct fk_txns *txns)
{
	return txns->n_free;
}

/* Splitmix64: unique enough for branches and UUIDs; nothing secret hangs on it. */
uint64_t fk_txns_draw(struct fk_txns *txns)
{
	uint64_t z = txns->random += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static void arm(struct fk_txns *t, struct txn *txn, uint64_t due_ms)
{
	uint32_t *first = &t->wheel[due_ms % WHEEL_SLOTS];
	uint32_t index = (uint32_t)(txn - t->txns);

	txn->due_ms = due_ms;
	txn->previous = NONE;
	txn->next = *first;
	if (*first != NONE)
		t->txns[*first].previous = index;
	*first = index;
}

static void disarm(struct fk_txns *t, struct txn *txn)
{
	if (txn->previous == NONE)
		t->wheel[txn->due_ms % WHEEL_SLOTS] = txn->next;
	else
		t->txns[txn->previous].next = txn->next;
	if (txn->next != NONE)
		t->txns[txn->next].previous = txn->previous;
}

static void end(struct fk_txns *t, struct txn *txn)
{
	txn->is_open = false;
	txn->next = t->free;
	t->free = (uint32_t)(txn - t->txns);
	t->n_free++;
}

/* What the outbox refuses is as good as lost: timer E mends it. */
static void transmit(struct fk_txns *t, const struct txn *txn)
{
	struct fk_datagram datagram = {
		.payload = txn->message,
		.size = txn->size,
		.source = t->spec.source,
		.source_port = txn->source_port,
		.destination = txn->destination,
		.destination_port = txn->destination_port,
	};

	(void)t->spec.outbox.send(t->spec.outbox.arg, &datagram);
}

enum fk_err fk_txn_begin(struct fk_txns *t, struct fk_compose *compose,
			 const struct fk_address *destination, uint16_t destination_port,
			 uint64_t now_ms)
{
	struct txn *txn;
	size_t size = 0;
	enum fk_err err;

	if (t->n_free == 0)
		return FK_EFULL;
	txn = &t->txns[t->free];
	compose->slot = t->free;
	compose->nonce = fk_txns_draw(t);
	err = fk_compose_message(compose, txn->message, &size);
	if (err != FK_OK) {
		t->spec.counts->count[FK_SIM_OVERSIZE]++;
		return err;
	}
	t->free = txn->next;
	t->n_free--;
	txn->is_open = true;
	txn->nonce = compose->nonce;
	txn->size = (uint16_t)size;
	txn->source_port = compose->context->source_port;
	txn->destination = *destination;
	txn->destination_port = destination_port;
	txn->interval_ms = t->spec.t1_ms;
	txn->give_up_ms = now_ms + (uint64_t)TIMER_F_T1S * t->spec.t1_ms;
	arm(t, txn, now_ms + txn->interval_ms);
	transmit(t, txn);
	return FK_OK;
}

void fk_txn_respond(struct fk_txns *t, const char *branch, size_t branch_len, uint16_t status,
		    uint64_t now_ms)
{
	struct fk_sim_counts *counts = t->spec.counts;
	uint32_t slot;
	uint64_t nonce;
	struct txn *txn;

	if (!fk_compose_read_branch(branch, branch_len, &slot, &nonce) || slot >= t->spec.n_slots ||
	    !t->txns[slot].is_open || t->txns[slot].nonce != nonce) {
		counts->count[FK_SIM_RESPONSES_STRAY]++;
		return;
	}
	txn = &t->txns[slot];
	disarm(t, txn);
	if (status < 200) { /* state Proceeding: repeat every T2 */
		txn->interval_ms = FK_TXN_T2_MS;
		arm(t, txn, now_ms + FK_TXN_T2_MS);
		return;
	}
	counts->count[FK_SIM_RESPONSES]++;
	if (status >= 300)
		counts->count[FK_SIM_RESPONSES_REFUSED]++;
	end(t, txn);
}

static void fire(struct fk_txns *t, struct txn *txn, uint64_t now_ms)
{
	uint64_t due_ms;

	disarm(t, txn);
	if (now_ms >= txn->give_up_ms) {
		t->spec.counts->count[FK_SIM_TIMEOUTS]++;
		end(t, txn);
		return;
	}
	t->spec.counts->count[FK_SIM_SENT_AGAIN]++;
	transmit(t, txn);
	txn->interval_ms *= 2;
	if (txn->interval_ms > FK_TXN_T2_MS)
		txn->interval_ms = FK_TXN_T2_MS;
	due_ms = now_ms + txn->interval_ms;
	arm(t, txn, due_ms < txn->give_up_ms ? due_ms : txn->give_up_ms);
}

void fk_txns_advance(struct fk_txns *t, uint64_t now_ms)
{
	/* After a pause of more than a turn each slot needs one visit only. */
	if (now_ms > t->now_ms + WHEEL_SLOTS)
		t->now_ms = now_ms - WHEEL_SLOTS;
	while (t->now_ms < now_ms) {
		uint64_t tick = t->now_ms + 1;
		uint32_t next = t->wheel[tick % WHEEL_SLOTS];

		while (next != NONE) {
			struct txn *txn = &t->txns[next];

			next = txn->next;
			if (txn->due_ms > now_ms)
				continue;
			if (now_ms < txn->give_up_ms && !fk_outbox_has_room(&t->spec.outbox))
				return; /* the rest of this millisecond comes next time */
			fire(t, txn, now_ms);
		}
		t->now_ms = tick;
	}
}
