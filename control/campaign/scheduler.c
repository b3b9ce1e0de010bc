/* SPDX-License-Identifier: Apache-2.0 */
#include "campaign/scheduler.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <fleetkey/bulk.h>

#include "campaign/scheduler_private.h"
#include "fleet/numbers.h"

#define NOBODY	    UINT32_MAX
#define REST_WINDOW 1024u /* open deliveries last for a millisecond, even of a fast fleet */

/* Half of the window is shared out among the next hops that are served, the rest is lent. */
static void share_window(struct fk_scheduler *s)
{
	uint32_t n_hops = 0;

	for (uint32_t i = 0; i < FK_NEXT_HOPS_MAX; i++) {
		s->hops[i].parked = (struct queue){.head = NOBODY, .tail = NOBODY};
		n_hops += s->opt.keys_per_kmm[i] != 0;
	}
	if (n_hops == 0)
		n_hops = 1;
	s->share = s->opt.window / (2 * n_hops);
	if (s->share == 0)
		s->share = 1;
	s->n_loan = s->opt.window > s->share * n_hops ? s->opt.window - s->share * n_hops : 0;
}

enum fk_err fk_scheduler_new(const struct fk_scheduler_options *options,
			     struct fk_scheduler **ret_scheduler)
{
	struct fk_scheduler *s;

	if (options->n_slots % FK_LEDGER_PAGE != 0 || options->window == 0 ||
	    options->number_block == 0 || options->number_block > FK_NUMBER_BLOCK_MAX ||
	    options->n_keys + options->n_commands == 0 || options->n_keys > FK_CAMPAIGN_KEYS_MAX ||
	    options->n_commands > FK_KIND_COMMANDS_MAX)
		return FK_EINVAL;
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return FK_ENOMEM;
	s->opt = *options;
	s->may_renew = options->renews;
	s->n_pages = options->n_slots / FK_LEDGER_PAGE;
	s->deliveries = fk_bulk_calloc(options->n_slots + 1, sizeof(*s->deliveries));
	s->runs = fk_bulk_calloc(options->n_slots + 1, sizeof(*s->runs));
	s->pages = calloc(s->n_pages + 1, sizeof(*s->pages));
	s->dirty_pages = calloc(s->n_pages + 1, sizeof(*s->dirty_pages));
	if (s->deliveries == NULL || s->runs == NULL || s->pages == NULL ||
	    s->dirty_pages == NULL || fk_due_heap_init(&s->due, options->n_slots) != FK_OK) {
		fk_scheduler_free(s);
		return FK_ENOMEM;
	}
	for (uint32_t i = 0; i < QUEUES; i++)
		s->queues[i] = (struct queue){.head = NOBODY, .tail = NOBODY};
	share_window(s);
	s->out_at_ms = UINT64_MAX;
	s->tally.states[FK_DELIVERY_NONE] = options->n_slots;
	s->wave_states[0][FK_DELIVERY_NONE] = options->n_slots;
	*ret_scheduler = s;
	return FK_OK;
}

void fk_scheduler_free(struct fk_scheduler *s)
{
	if (s == NULL)
		return;
	free(s->deliveries);
	free(s->runs);
	free(s->pages);
	free(s->dirty_pages);
	fk_due_heap_fini(&s->due);
	free(s);
}

/* Small parts: states, dirt, queues, numbers. */

static bool is_active(uint8_t state)
{
	return state != FK_DELIVERY_NONE && state < FK_DELIVERY_ACKED;
}

/* What a delivery is for the gates. */
static bool is_failed(const struct fk_delivery *d)
{
	return d->state == FK_DELIVERY_REFUSED || d->state == FK_DELIVERY_PARTIAL ||
	       (d->state == FK_DELIVERY_UNREACHABLE && d->is_living);
}

static bool is_left_out(uint8_t state)
{
	return state == FK_DELIVERY_NONE || state == FK_DELIVERY_EXCLUDED ||
	       state == FK_DELIVERY_ABORTED || state == FK_DELIVERY_SUPERSEDED ||
	       state == FK_DELIVERY_EXPIRED;
}

void fk_delivery_count(struct fk_scheduler *s, uint32_t ue_index, uint32_t by)
{
	const struct fk_delivery *d = &s->deliveries[ue_index];
	const struct run *run = &s->runs[ue_index];
	struct fk_wave_tally *t = &s->wave_tally;

	s->tally.n_failed += is_failed(d) ? by : 0;
	if (run->wave > s->wave)
		return;
	fk_delivery_hop(s, ue_index)->n_active += is_active(d->state) ? by : 0;
	if (run->wave != s->wave || is_left_out(d->state))
		return;
	t->n += by;
	t->n_unsent += is_active(d->state) && !run->was_ordered ? by : 0;
	t->n_final += !is_active(d->state) ? by : 0;
	t->n_acked += d->state == FK_DELIVERY_ACKED ? by : 0;
	t->n_living += d->is_living ? by : 0;
	t->n_open += d->is_living && is_active(d->state) ? by : 0;
	/* Not so who ended by the system's word. */
	t->n_offline += !d->is_living && run->was_ordered &&
					(is_active(d->state) || d->state == FK_DELIVERY_UNREACHABLE)
				? by
				: 0;
}

void fk_delivery_note_life(struct fk_scheduler *s, uint32_t ue_index)
{
	struct fk_delivery *d = &s->deliveries[ue_index];

	if (d->is_living)
		return;
	fk_delivery_count(s, ue_index, UINT32_MAX);
	d->is_living = 1;
	fk_delivery_count(s, ue_index, 1);
	fk_delivery_mark_dirty(s, ue_index);
}

static void note_ordered(struct fk_scheduler *s, uint32_t ue_index, bool was_ordered)
{
	if (s->runs[ue_index].was_ordered == was_ordered)
		return;
	fk_delivery_count(s, ue_index, UINT32_MAX);
	s->runs[ue_index].was_ordered = was_ordered;
	fk_delivery_count(s, ue_index, 1);
}

void fk_delivery_note_ordered(struct fk_scheduler *s, uint32_t ue_index)
{
	note_ordered(s, ue_index, true);
}

/* Books at the next hop that a delivery leaves a state for another. */
static void move_at_hop(struct fk_scheduler *s, struct hop *hop, uint8_t from, uint8_t to)
{
	if (from == to)
		return;
	if (to == FK_DELIVERY_OPEN && hop->n_open++ >= s->share)
		s->n_borrowed++;
	if (from == FK_DELIVERY_OPEN && hop->n_open-- > s->share)
		s->n_borrowed--;
}

void fk_delivery_set_state(struct fk_scheduler *s, uint32_t ue_index, enum fk_delivery_state state)
{
	struct fk_delivery *d = &s->deliveries[ue_index];
	struct run *run = &s->runs[ue_index];

	if (d->state == FK_DELIVERY_WAITING)
		fk_due_heap_remove(&s->due, ue_index);
	if (run->is_fresh && state != FK_DELIVERY_QUEUED) {
		run->is_fresh = 0;
		s->n_fresh--;
	}
	move_at_hop(s, fk_delivery_hop(s, ue_index), d->state, state);
	fk_delivery_count(s, ue_index, UINT32_MAX);
	s->tally.states[d->state]--;
	s->tally.states[state]++;
	s->wave_states[run->wave][d->state]--;
	s->wave_states[run->wave][state]++;
	d->state = (uint8_t)state;
	fk_delivery_count(s, ue_index, 1);
}

void fk_delivery_mark_dirty(struct fk_scheduler *s, uint32_t ue_index)
{
	uint32_t page = ue_index / FK_LEDGER_PAGE;

	if (s->pages[page].dirty_at != 0)
		return;
	s->dirty_pages[s->n_dirty++] = page;
	s->pages[page].dirty_at = s->n_dirty;
}

static uint64_t page_bit(uint32_t ue_index)
{
	return 1ull << (ue_index % FK_LEDGER_PAGE);
}

static void append(struct fk_scheduler *s, struct queue *q, uint32_t ue_index)
{
	s->runs[ue_index].next = NOBODY;
	if (q->tail == NOBODY)
		q->head = ue_index;
	else
		s->runs[q->tail].next = ue_index;
	q->tail = ue_index;
}

uint32_t fk_delivery_goal_steps(const struct fk_scheduler *s, const struct fk_delivery *d)
{
	return (s->opt.n_keys + d->keys_per_kmm - 1u) / d->keys_per_kmm + s->opt.n_commands;
}

/* True if nothing but a Warm-Start may be sent to the UE. */
static bool needs_warm_start(const struct fk_scheduler *s, uint32_t ue_index)
{
	return s->opt.may_warm_start && s->opt.numbers[ue_index].needs_warm_start;
}

struct step fk_delivery_warm_start(void)
{
	return (struct step){.kind = FK_ORDER_WARM_START, .mac_key = FK_MAC_KEY_PTEK};
}

struct step fk_delivery_step(const struct fk_scheduler *s, const struct fk_delivery *d)
{
	uint32_t first, n = fk_delivery_step_keys(d, s->opt.n_keys, &first);
	uint32_t n_steps = fk_delivery_goal_steps(s, d);
	struct step step = {
		.kind = FK_ORDER_INVENTORY,
		.mac_key = FK_MAC_KEY_PTEK,
		.is_closing = d->step >= n_steps,
		.is_goal = d->step + 1u == n_steps,
		.is_last = d->step + 1u >= n_steps + s->opt.closing,
	};

	if (n > 0) {
		step.kind = FK_ORDER_REKEY;
		step.first_key = (uint8_t)first;
		step.n_keys = (uint8_t)n;
	} else if (step.is_closing) {
		step.mac_key = FK_MAC_KEY_CAMPAIGN_TEK;
	} else {
		step.kind = s->opt.commands[d->step + s->opt.n_commands - n_steps];
	}
	return step;
}

/* A delivery is linked in one queue at most; one that is linked already comes up there. */
static void enqueue(struct fk_scheduler *s, uint32_t ue_index)
{
	struct run *run = &s->runs[ue_index];
	enum queue_id id = run->is_fresh ? QUEUE_FRESH
			   : fk_delivery_step(s, &s->deliveries[ue_index]).is_closing
				   ? QUEUE_CLOSING
				   : QUEUE_AGAIN;

	if (run->queued_in != 0)
		return;
	run->queued_in = (uint8_t)(id + 1);
	append(s, &s->queues[id], ue_index);
}

static uint32_t dequeue(struct fk_scheduler *s, struct queue *q)
{
	uint32_t ue_index = q->head;

	if (ue_index == NOBODY)
		return NOBODY;
	q->head = s->runs[ue_index].next;
	if (q->head == NOBODY)
		q->tail = NOBODY;
	s->runs[ue_index].queued_in = 0;
	return ue_index;
}

static uint32_t number_reach(const struct fk_scheduler *s, uint32_t ue_index)
{
	return fk_numbers_reach(s->opt.ues[ue_index].mnp, s->opt.number_margin);
}

/* A later number than the delivery's block was reserved for something else, or none for it ever:
 * the UE may have taken that one, and would take none of the block after it. */
bool fk_delivery_is_outrun(const struct fk_scheduler *s, uint32_t ue_index)
{
	const struct fk_delivery *d = &s->deliveries[ue_index];

	return d->date_time_s == 0 ||
	       (uint16_t)(d->number + d->left + 1) != s->opt.numbers[ue_index].reserved_next;
}

/* The next number of the block, or the first of a new one. False: none is left in the window. */
static bool take_number(struct fk_scheduler *s, uint32_t ue_index)
{
	struct fk_delivery *d = &s->deliveries[ue_index];
	struct fk_ue_numbers *numbers = &s->opt.numbers[ue_index];
	uint16_t first = numbers->reserved_next;
	uint32_t ahead, n;

	if (d->left > 0 && !fk_delivery_is_outrun(s, ue_index)) {
		d->number++;
		d->left--;
		return true;
	}
	/* Only a UE that was never sent anything: its radio takes no number twice. */
	if (first == numbers->accepted)
		first++;
	ahead = (uint16_t)(first - numbers->accepted);
	if (ahead > number_reach(s, ue_index))
		return false;
	n = number_reach(s, ue_index) - ahead + 1;
	if (n > s->opt.number_block)
		n = s->opt.number_block;
	d->number = first;
	d->left = (n - 1) & 0x7f;
	numbers->reserved_next = (uint16_t)(first + n);
	return true;
}

void fk_delivery_finish(struct fk_scheduler *s, uint32_t ue_index, enum fk_delivery_state state,
			enum fk_cause cause, uint16_t detail)
{
	struct fk_delivery *d = &s->deliveries[ue_index];

	fk_delivery_want_no_key(s, ue_index);
	/* What is done stays done, whatever becomes of the rest. */
	if (state != FK_DELIVERY_ACKED &&
	    (d->keys_held != 0 || (d->flags & FK_DELIVERY_PERFORMED) != 0))
		state = FK_DELIVERY_PARTIAL;
	d->cause = (uint8_t)(cause & 0x7f);
	d->cause_detail = detail;
	d->is_woken = 0;
	s->pages[ue_index / FK_LEDGER_PAGE].on_durable &= ~page_bit(ue_index);
	fk_delivery_set_state(s, ue_index, state);
	fk_delivery_mark_dirty(s, ue_index);
}

/* Pins a new KMM: its number and its date. It is queued when its page is durable. */
void fk_delivery_begin_attempt(struct fk_scheduler *s, uint32_t ue_index,
			       const struct fk_scheduler_now *now)
{
	struct fk_delivery *d = &s->deliveries[ue_index];

	if (!take_number(s, ue_index)) {
		fk_delivery_finish(s, ue_index, FK_DELIVERY_UNREACHABLE, FK_CAUSE_NUMBER_WINDOW, 0);
		return;
	}
	d->date_time_s = now->date_s;
	d->tries = 0;
	d->is_woken = 0;
	fk_delivery_set_state(s, ue_index, FK_DELIVERY_QUEUED);
	s->pages[ue_index / FK_LEDGER_PAGE].on_durable |= page_bit(ue_index);
	fk_delivery_mark_dirty(s, ue_index);
}

/* Gives the attempt up, its number and what is left of its block too. False: none is left. */
bool fk_delivery_drop_attempt(struct fk_scheduler *s, uint32_t ue_index)
{
	struct fk_delivery *d = &s->deliveries[ue_index];

	if (d->attempt == FK_ATTEMPT_MAX) {
		fk_delivery_finish(s, ue_index, FK_DELIVERY_UNREACHABLE, FK_CAUSE_ATTEMPTS, 0);
		return false;
	}
	d->attempt++;
	d->left = 0;
	return true;
}

/* Who takes part. */

void fk_scheduler_renew(struct fk_scheduler *s, uint32_t ue_index)
{
	assert(ue_index < s->opt.n_slots && s->opt.may_warm_start);
	s->runs[ue_index].renews = 1;
	s->may_renew = true;
}

/* True if the UE is to get another protection TEK now. A later attempt brings the key that was made
 * for the first one. */
static bool has_to_renew(const struct fk_scheduler *s, uint32_t ue_index)
{
	if (s->runs[ue_index].renews && s->opt.ues[ue_index].ptek_algorithm_id == 0)
		return true;
	return (s->opt.renews || s->runs[ue_index].renews) && s->deliveries[ue_index].attempt == 0;
}

void fk_scheduler_engage(struct fk_scheduler *s, uint32_t ue_index)
{
	assert(ue_index < s->opt.n_slots);
	s->runs[ue_index].is_engaged = 1;
	if (s->deliveries[ue_index].state == FK_DELIVERY_WAITING)
		fk_delivery_set_state(s, ue_index, FK_DELIVERY_QUEUED);
}

void fk_scheduler_disengage(struct fk_scheduler *s, uint32_t ue_index,
			    const struct fk_scheduler_now *now)
{
	struct run *run = &s->runs[ue_index];

	assert(ue_index < s->opt.n_slots);
	if (!run->is_engaged)
		return;
	run->is_engaged = 0;
	if (run->lacks_key || s->deliveries[ue_index].state != FK_DELIVERY_QUEUED)
		return;
	if (!fk_delivery_is_outrun(s, ue_index)) {
		if (!(s->pages[ue_index / FK_LEDGER_PAGE].on_durable & page_bit(ue_index)))
			enqueue(s, ue_index);
	} else if (fk_delivery_drop_attempt(s, ue_index)) {
		fk_delivery_begin_attempt(s, ue_index, now);
	}
}

static void note_fresh(struct fk_scheduler *s, uint32_t ue_index);

void fk_delivery_want_key(struct fk_scheduler *s, uint32_t ue_index)
{
	assert(s->n_keyless < FK_KEYLESS_MAX);
	s->runs[ue_index].lacks_key = 1;
	s->keyless[s->n_keyless++] = ue_index;
}

void fk_delivery_want_no_key(struct fk_scheduler *s, uint32_t ue_index)
{
	uint32_t n = 0;

	if (!s->runs[ue_index].lacks_key)
		return;
	for (uint32_t i = 0; i < s->n_keyless; i++) {
		if (s->keyless[i] != ue_index)
			s->keyless[n++] = s->keyless[i];
	}
	s->n_keyless = n;
	s->runs[ue_index].lacks_key = 0;
}

uint32_t fk_scheduler_list_keyless(const struct fk_scheduler *s, uint32_t *ret_ue_indexes,
				   uint32_t max)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->n_keyless && n < max; i++) {
		if (!s->runs[s->keyless[i]].is_engaged)
			ret_ue_indexes[n++] = s->keyless[i];
	}
	return n;
}

void fk_scheduler_has_key(struct fk_scheduler *s, uint32_t ue_index,
			  const struct fk_scheduler_now *now)
{
	assert(s->runs[ue_index].lacks_key);
	fk_delivery_want_no_key(s, ue_index);
	s->opt.numbers[ue_index].needs_warm_start = 1;
	fk_delivery_mark_dirty(s, ue_index);
	if (s->deliveries[ue_index].state == FK_DELIVERY_PENDING) {
		fk_delivery_begin_attempt(s, ue_index, now);
		note_fresh(s, ue_index);
		return;
	}
	if (s->deliveries[ue_index].state == FK_DELIVERY_QUEUED &&
	    fk_delivery_drop_attempt(s, ue_index))
		fk_delivery_begin_attempt(s, ue_index, now);
}

void fk_scheduler_restore_page(struct fk_scheduler *s, uint32_t page,
			       const struct fk_delivery deliveries[static FK_LEDGER_PAGE])
{
	assert(page < s->n_pages);
	for (uint32_t i = 0; i < FK_LEDGER_PAGE; i++) {
		uint32_t ue_index = page * FK_LEDGER_PAGE + i;
		struct fk_delivery *d = &s->deliveries[ue_index];
		uint8_t state = deliveries[i].state;

		if (d->state != FK_DELIVERY_NONE || state == FK_DELIVERY_NONE)
			continue;
		*d = deliveries[i];
		d->state = FK_DELIVERY_NONE;
		s->runs[ue_index].was_ordered = state != FK_DELIVERY_PENDING &&
						(d->tries > 0 || d->step > 0 || d->attempt > 0);
		/* It is counted when it is ordered again, as by fk_scheduler_queue_open(). */
		if (state == FK_DELIVERY_OPEN && d->tries > 0)
			d->tries--;
		s->tally.n_deliveries++;
		if (d->flags & fk_scheduler_goal(s)) {
			s->tally.n_held++;
			s->tally.n_held_durable++;
		}
		if (d->flags & FK_DELIVERY_PROVEN) {
			s->tally.n_proven++;
			s->tally.n_proven_durable++;
		}
		if (state == FK_DELIVERY_OPEN || state == FK_DELIVERY_WAITING)
			state = FK_DELIVERY_QUEUED;
		/* The attempt may have been another KMM than the Warm-Start that comes now. */
		if (state == FK_DELIVERY_QUEUED && needs_warm_start(s, ue_index))
			state = FK_DELIVERY_PENDING;
		fk_delivery_set_state(s, ue_index, state);
		if (state == FK_DELIVERY_PENDING && deliveries[i].state != state)
			(void)fk_delivery_drop_attempt(s, ue_index);
		if (state == FK_DELIVERY_QUEUED)
			enqueue(s, ue_index);
	}
}

/* Reservation and durability. */

static void note_fresh(struct fk_scheduler *s, uint32_t ue_index)
{
	const struct fk_delivery *d = &s->deliveries[ue_index];

	if (d->state == FK_DELIVERY_QUEUED && d->step == 0) {
		s->runs[ue_index].is_fresh = 1;
		s->n_fresh++;
	}
}

static void reserve_page(struct fk_scheduler *s, uint32_t page, const struct fk_scheduler_now *now)
{
	for (uint32_t i = 0; i < FK_LEDGER_PAGE; i++) {
		uint32_t ue_index = page * FK_LEDGER_PAGE + i;
		struct fk_delivery *d = &s->deliveries[ue_index];

		if (d->state != FK_DELIVERY_PENDING || s->runs[ue_index].wave > s->wave)
			continue;
		if (has_to_renew(s, ue_index)) {
			if (!s->runs[ue_index].lacks_key)
				fk_delivery_want_key(s, ue_index);
			continue;
		}
		fk_delivery_begin_attempt(s, ue_index, now);
		note_fresh(s, ue_index);
	}
}

void fk_scheduler_reserve(struct fk_scheduler *s, const struct fk_scheduler_now *now,
			  uint32_t n_pages)
{
	uint64_t enough = 2ull * s->opt.window;

	if (s->is_held || fk_scheduler_halt_status(s) != 0)
		return;
	while (n_pages > 0 && s->reserve_at < s->n_pages && s->n_fresh < enough &&
	       (!s->may_renew || s->n_keyless + FK_LEDGER_PAGE <= FK_KEYLESS_MAX)) {
		uint32_t n_dirty = s->n_dirty;

		reserve_page(s, s->reserve_at++, now);
		/* Pages without work cost nothing, and a bound keeps one call short. */
		n_pages -= s->n_dirty != n_dirty || s->reserve_at % 256 == 0;
	}
}

uint32_t fk_scheduler_n_dirty(const struct fk_scheduler *s)
{
	return s->n_dirty;
}

uint32_t fk_scheduler_list_dirty(const struct fk_scheduler *s, uint32_t *ret_pages, uint32_t max)
{
	uint32_t n = s->n_dirty < max ? s->n_dirty : max;

	memcpy(ret_pages, s->dirty_pages, n * sizeof(*ret_pages));
	return n;
}

void fk_scheduler_page_durable(struct fk_scheduler *s, uint32_t page)
{
	struct page *p = &s->pages[page];
	uint32_t last;

	if (p->dirty_at == 0)
		return;
	last = s->dirty_pages[--s->n_dirty];
	s->dirty_pages[p->dirty_at - 1] = last;
	s->pages[last].dirty_at = p->dirty_at;
	p->dirty_at = 0;
	s->tally.n_held_durable += (uint32_t)__builtin_popcountll(p->newly_done);
	s->tally.n_proven_durable += p->n_proven;
	p->newly_done = 0;
	p->n_proven = 0;
	while (p->on_durable != 0) {
		uint32_t i = (uint32_t)__builtin_ctzll(p->on_durable);

		p->on_durable &= p->on_durable - 1;
		enqueue(s, page * FK_LEDGER_PAGE + i);
	}
}

/* Orders. */

static bool may_order(const struct fk_scheduler *s, uint32_t ue_index)
{
	return s->deliveries[ue_index].state == FK_DELIVERY_QUEUED &&
	       !fk_delivery_is_held_back(s, ue_index) &&
	       !(s->pages[ue_index / FK_LEDGER_PAGE].on_durable & page_bit(ue_index));
}

/* True if one more delivery may be open at the next hop. */
static bool may_open(const struct fk_scheduler *s, const struct hop *hop)
{
	if (hop->halt_status != 0 || (s->waiting_hops >> (hop - s->hops) & 1) != 0 ||
	    (hop->overload.room != 0 && hop->n_open >= hop->overload.room))
		return false;
	return hop->n_open < s->share || s->n_borrowed < s->n_loan;
}

/* Puts a delivery that is due aside until its next hop takes it. It is reserved and no longer in
 * front of anybody, so it does not keep others from being reserved either. */
static void park(struct fk_scheduler *s, uint32_t ue_index)
{
	struct hop *hop = fk_delivery_hop(s, ue_index);
	struct run *run = &s->runs[ue_index];

	if (s->deliveries[ue_index].state == FK_DELIVERY_WAITING)
		fk_delivery_set_state(s, ue_index, FK_DELIVERY_QUEUED);
	if (run->is_fresh) {
		run->is_fresh = 0;
		s->n_fresh--;
	}
	if (run->queued_in != 0)
		return;
	run->queued_in = PARKED;
	append(s, &hop->parked, ue_index);
	s->parked_hops |= 1ull << (hop - s->hops);
}

/* The first who is parked at a next hop that takes one more; the next hops take turns. */
static uint32_t next_parked(struct fk_scheduler *s)
{
	uint64_t left = s->parked_hops;

	for (uint32_t n = 0; left != 0 && n < FK_NEXT_HOPS_MAX; n++) {
		uint32_t at = (s->next_hop + n) % FK_NEXT_HOPS_MAX, ue_index;
		struct hop *hop = &s->hops[at];

		if (!(left >> at & 1) || !may_open(s, hop))
			continue;
		while ((ue_index = dequeue(s, &hop->parked)) != NOBODY) {
			if (!may_order(s, ue_index))
				continue;
			s->next_hop = at + 1;
			return ue_index;
		}
		s->parked_hops &= ~(1ull << at);
	}
	return NOBODY;
}

static uint32_t next_queued(struct fk_scheduler *s, const struct fk_scheduler_now *now)
{
	uint32_t ue_index;

	for (uint32_t id = 0; id < QUEUES; id++) {
		while (id == QUEUE_FRESH && fk_due_heap_pop(&s->due, now->ms, &ue_index)) {
			if (!fk_delivery_is_held_back(s, ue_index))
				return ue_index;
			fk_delivery_set_state(s, ue_index, FK_DELIVERY_QUEUED);
		}
		while ((ue_index = dequeue(s, &s->queues[id])) != NOBODY) {
			if (may_order(s, ue_index))
				return ue_index;
		}
	}
	return NOBODY;
}

static uint32_t next_due(struct fk_scheduler *s, const struct fk_scheduler_now *now)
{
	uint32_t ue_index = s->parked_hops != 0 ? next_parked(s) : NOBODY;

	while (ue_index == NOBODY) {
		ue_index = next_queued(s, now);
		if (ue_index == NOBODY || may_open(s, fk_delivery_hop(s, ue_index)))
			break;
		park(s, ue_index);
		ue_index = NOBODY;
	}
	return ue_index;
}

static void make_order(struct fk_scheduler *s, uint32_t ue_index, struct fk_order *ret_order)
{
	struct fk_delivery *d = &s->deliveries[ue_index];
	struct step step =
		needs_warm_start(s, ue_index) ? fk_delivery_warm_start() : fk_delivery_step(s, d);
	struct fk_token token = {
		.campaign_slot = s->opt.campaign_slot,
		.campaign_generation = s->opt.campaign_generation,
		.step = d->step,
		.ue_index = ue_index,
		.ue_generation = s->opt.ues[ue_index].ue_generation,
		.attempt = d->attempt,
	};

	*ret_order = (struct fk_order){
		.token = fk_token_pack(&token),
		.date_time_s = d->date_time_s,
		.message_number = d->number,
		.kind = step.kind & 15,
		.mac_key = step.mac_key & 15,
		.first_key = step.first_key & 15,
		.n_keys = step.n_keys & 15,
	};
}

uint32_t fk_scheduler_poll(struct fk_scheduler *s, const struct fk_scheduler_now *now,
			   struct fk_order *ret_orders, uint32_t max)
{
	uint32_t n = 0;

	fk_hop_end_waits(s, now);
	while (!s->is_held && fk_scheduler_halt_status(s) == 0 && n < max &&
	       s->tally.states[FK_DELIVERY_OPEN] < s->opt.window) {
		uint32_t ue_index = next_due(s, now);

		if (ue_index == NOBODY)
			break;
		fk_delivery_set_state(s, ue_index, FK_DELIVERY_OPEN);
		fk_delivery_note_ordered(s, ue_index);
		if (s->deliveries[ue_index].tries < UINT8_MAX)
			s->deliveries[ue_index].tries++;
		make_order(s, ue_index, &ret_orders[n++]);
	}
	s->tally.n_orders += n;
	return n;
}

void fk_scheduler_queue_open(struct fk_scheduler *s)
{
	for (uint32_t i = 0; i < s->opt.n_slots; i++) {
		struct fk_delivery *d = &s->deliveries[i];

		if (d->state != FK_DELIVERY_OPEN)
			continue;
		/* It is counted again when it is ordered again; most were never begun. */
		if (d->tries > 0)
			d->tries--;
		if (s->tally.n_orders > 0)
			s->tally.n_orders--;
		fk_delivery_set_state(s, i, FK_DELIVERY_QUEUED);
		enqueue(s, i);
	}
}

void fk_scheduler_forget_sent(struct fk_scheduler *s)
{
	for (uint32_t i = 0; i < s->opt.n_slots; i++) {
		struct fk_delivery *d = &s->deliveries[i];

		if (d->state != FK_DELIVERY_QUEUED && d->state != FK_DELIVERY_OPEN &&
		    d->state != FK_DELIVERY_WAITING)
			continue;
		s->pages[i / FK_LEDGER_PAGE].on_durable &= ~page_bit(i);
		s->runs[i].outcome_seen = 0;
		if (!fk_delivery_drop_attempt(s, i))
			continue;
		fk_delivery_set_state(s, i, FK_DELIVERY_PENDING);
		note_ordered(s, i, false);
	}
	s->reserve_at = 0;
}

bool fk_scheduler_is_done(const struct fk_scheduler *s)
{
	const uint32_t *n = s->tally.states;

	return n[FK_DELIVERY_PENDING] + n[FK_DELIVERY_QUEUED] + n[FK_DELIVERY_OPEN] +
		       n[FK_DELIVERY_WAITING] ==
	       0;
}

uint64_t fk_scheduler_next_due_ms(const struct fk_scheduler *s)
{
	uint64_t due_ms = fk_due_heap_next_ms(&s->due), end_ms = fk_hop_next_end_ms(s);

	return due_ms < end_ms ? due_ms : end_ms;
}

/* Each look takes the core, and its caches, from whoever shares it. */
uint32_t fk_scheduler_rest_ms(const struct fk_scheduler *s)
{
	uint32_t ms = s->opt.window / REST_WINDOW;

	if (ms < 1)
		return 1;
	return ms < FK_SCHEDULER_REST_MAX_MS ? ms : FK_SCHEDULER_REST_MAX_MS;
}

const struct fk_scheduler_tally *fk_scheduler_tally(const struct fk_scheduler *s)
{
	return &s->tally;
}

const struct fk_delivery *fk_scheduler_deliveries(const struct fk_scheduler *s)
{
	return s->deliveries;
}
