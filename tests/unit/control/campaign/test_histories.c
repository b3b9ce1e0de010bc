/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hundred thousand histories of small campaigns, from plan and approval over a scheduled start to
 * waves, gates, operators, UEs that say Hello, crashes and a store that fails now and then, by
 * clocks that are played, one of which is set forward and back, and by a fixed seed. What must hold
 * is checked at every order, at every write and at every gate.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include <fleetkey/kmm.h>

#include "campaign/campaign.h"
#include "campaign/fold.h"
#include "campaign/lifecycle.h"

#define HISTORIES  100000u
#define PAGES	   2u
#define SLOTS	   (PAGES * FK_LEDGER_PAGE)
#define OLD_KEYSET 1u  /* whose keys are deleted, where that is asked for */
#define UES_MAX	   12u /* owners of slots, in one history */
#define TURNS	   32u /* before it is brought to its end */
#define TURNS_MAX  2000u

struct radio {
	uint32_t ue_index;
	uint16_t keys, accepted;
	uint64_t outcome_at_ms; /* 0: nothing is open */
	struct fk_order open;
	struct fk_order ordered; /* it is in the ring yet; 'token' 0: none is */
	struct fk_ue_state state;
	uint32_t n_begun; /* sends of the attempt in 'open' */
	bool rings;	  /* it has said Hello, and the doorbell is not released */
	bool is_between;  /* it did when nothing was on its way to it */
	bool is_due;	  /* it has, durably, and nothing was sent to it since */
	uint8_t mood;	  /* percent of orders that it answers well */
	bool is_offline;
	uint8_t active_keyset; /* that the radio works with */
	uint8_t known;	       /* enum fk_active: what is known of that */
};

/* What the store has confirmed. */
struct stored {
	struct fk_campaign record;
	struct fk_ue_numbers numbers[SLOTS];
	struct fk_delivery deliveries[SLOTS];
	bool has_page[PAGES];
};

struct history {
	struct fk_scheduler_options options;
	struct fk_scheduler *scheduler;
	struct fk_scheduler_now now;
	struct fk_campaign record; /* in memory */
	bool is_record_dirty;
	struct fk_ue_slot ues[SLOTS];
	struct fk_ue_numbers numbers[SLOTS];
	uint8_t waves[SLOTS];
	struct radio radios[UES_MAX];
	uint32_t n_radios;
	struct stored stored;
	uint64_t random, clock_us, seed;
	uint64_t real_ms; /* the wall clock */
	enum fk_approval policy;
	uint32_t n_starts;
};

static struct history h;

static uint32_t draw(uint32_t n)
{
	h.random ^= h.random >> 12;
	h.random ^= h.random << 25;
	h.random ^= h.random >> 27;
	return (uint32_t)((h.random * 0x2545f4914f6cdd1dull) >> 33) % n;
}

#define check(what) cr_assert((what), "seed %llu: %s", (unsigned long long)h.seed, #what)

static uint16_t all_keys(void)
{
	return (uint16_t)((1u << h.options.n_keys) - 1);
}

static const struct fk_campaign *find_nothing(void *ctx, uint32_t id)
{
	(void)ctx;
	(void)id;
	return NULL;
}

/* What is deleted takes in those only of whom another keyset is known to be the active one. */
static void take_in(const struct radio *r)
{
	struct fk_currency ue = {.active = r->known, .active_keyset = r->active_keyset};
	enum fk_cause cause = FK_CAUSE_NONE;
	struct fk_fold fold;

	fk_fold_begin(&fold, &h.record, find_nothing, NULL);
	if (h.record.kind == FK_KIND_DELETE_KEY)
		cause = fk_currency_judge(&fold, &ue);
	if (cause == FK_CAUSE_NONE)
		fk_scheduler_include(h.scheduler, r->ue_index);
	else
		fk_scheduler_leave_out(h.scheduler, r->ue_index, cause);
}

static void make_scheduler(void)
{
	check(fk_scheduler_new(&h.options, &h.scheduler) == FK_OK);
	for (uint32_t page = 0; page < PAGES; page++) {
		if (h.stored.has_page[page])
			fk_scheduler_restore_page(h.scheduler, page,
						  &h.stored.deliveries[page * FK_LEDGER_PAGE]);
	}
	for (uint32_t i = 0; i < h.n_radios; i++) {
		uint32_t ue_index = h.radios[i].ue_index;

		fk_scheduler_set_wave(h.scheduler, ue_index, h.waves[ue_index]);
		if (!h.stored.has_page[ue_index / FK_LEDGER_PAGE])
			take_in(&h.radios[i]);
	}
	if (h.record.wave < fk_scheduler_last_reserved_wave(h.scheduler))
		h.record.wave = fk_scheduler_last_reserved_wave(h.scheduler);
	fk_scheduler_begin_wave(h.scheduler, h.record.wave);
	fk_scheduler_excuse(h.scheduler, h.record.n_excused);
	if (h.record.state != FK_CAMPAIGN_RUNNING)
		fk_scheduler_hold(h.scheduler);
}

static void begin(uint64_t seed)
{
	memset(&h, 0, sizeof(h));
	h.seed = seed;
	h.random = seed * 0x9e3779b97f4a7c15ull + 1;
	h.now = (struct fk_scheduler_now){.ms = 1, .date_s = 1800000000};
	h.real_ms = 1000000;
	h.policy = (enum fk_approval)draw(4);
	h.record.id = 1;
	h.record.kind = FK_KIND_REKEY;
	h.record.state = FK_CAMPAIGN_PLANNED;
	h.record.planned_by = 1 + draw(3);
	h.record.waves.n = (uint8_t)draw(4);
	h.record.gate = (struct fk_gate){.failed_limit = draw(4),
					 .min_sample = draw(4),
					 .life_s = draw(3),
					 .min_acked_percent = (uint8_t)draw(101),
					 .max_offline_percent = (uint8_t)draw(101)};
	h.options = (struct fk_scheduler_options){
		.n_slots = SLOTS,
		.campaign_slot = 3,
		.campaign_generation = 9,
		.key_id = 77,
		.n_keys = (uint8_t)(1 + draw(3)),
		.keys_per_kmm = {(uint8_t)(1 + draw(3))},
		.n_commands = (uint8_t)draw(2),
		.commands = {FK_ORDER_CHANGEOVER},
		.closing = draw(2) != 0,
		.window = 1 + draw(6),
		.attempts_max = 1 + draw(3),
		.retry_backoff_ms = 50,
		.number_block = 1 + draw(4),
		.number_margin = 4,
		.n_waves = fk_campaign_n_waves(&h.record),
		.gate = h.record.gate,
		.ues = h.ues,
		.numbers = h.numbers,
	};
	h.n_radios = 1 + draw(UES_MAX);
	for (uint32_t i = 0; i < h.n_radios; i++) {
		struct radio *r = &h.radios[i];

		r->ue_index = i * (SLOTS / UES_MAX) + draw(SLOTS / UES_MAX);
		r->mood = (uint8_t)draw(101);
		r->is_offline = draw(5) == 0;
		h.ues[r->ue_index] = (struct fk_ue_slot){
			.rsi = 1000 + i,
			.mnp = (uint16_t)(12 + draw(200)),
			.ptek_algorithm_id = draw(15) != 0 ? FK_ALGORITHM_AES_256 : 0,
			.ue_generation = 1};
		h.waves[r->ue_index] = (uint8_t)draw(h.options.n_waves);
	}
	if (draw(4) == 0) {
		h.record.kind = FK_KIND_DELETE_KEY;
		h.record.keyset_id = OLD_KEYSET;
		h.options.n_keys = 0;
		h.options.n_commands = 1;
		h.options.commands[0] = FK_ORDER_DELETE_KEY;
		h.options.closing = false;
	}
	for (uint32_t i = 0; i < h.n_radios; i++) {
		h.radios[i].active_keyset = (uint8_t)(OLD_KEYSET + draw(2));
		h.radios[i].known = draw(3) != 0 ? FK_ACTIVE_KNOWN : FK_ACTIVE_UNKNOWN;
	}
	h.stored.record = h.record;
	make_scheduler();
}

/* The store. */

static struct radio *radio_of(uint32_t ue_index)
{
	for (uint32_t i = 0; i < h.n_radios; i++) {
		if (h.radios[i].ue_index == ue_index)
			return &h.radios[i];
	}
	return NULL;
}

/* True if it has no answer, as far as the store or the scheduler knows. */
static bool is_silent(const struct fk_delivery *d)
{
	return d->cause == FK_CAUSE_SIP_TIMEOUT || d->cause == FK_CAUSE_NO_ANSWER ||
	       (d->cause == FK_CAUSE_SIP && d->cause_detail == 480);
}

static const struct fk_delivery *delivery_of(const struct radio *r)
{
	return &fk_scheduler_deliveries(h.scheduler)[r->ue_index];
}

/* I3: what the store calls final stays as it is, unless it is for want of an answer, and the UE has
 * spoken. */
static void check_final_stays(const struct fk_delivery *before, const struct fk_delivery *now)
{
	const struct radio *r = radio_of((uint32_t)(before - h.stored.deliveries));

	if (!fk_delivery_is_final(before) || before->state == FK_DELIVERY_NONE)
		return;
	check((before->keys_held & ~now->keys_held) == 0);
	if (r != NULL && r->rings && is_silent(before))
		return;
	check(now->state == before->state);
	check(now->cause == before->cause && now->cause_detail == before->cause_detail);
	check(now->keys_held == before->keys_held && now->flags == before->flags);
}

static void write_all(void)
{
	const struct fk_delivery *deliveries = fk_scheduler_deliveries(h.scheduler);
	uint32_t pages[PAGES], n = fk_scheduler_list_dirty(h.scheduler, pages, PAGES);

	for (uint32_t i = 0; i < n; i++) {
		uint32_t first = pages[i] * FK_LEDGER_PAGE;

		for (uint32_t k = first; k < first + FK_LEDGER_PAGE; k++)
			check_final_stays(&h.stored.deliveries[k], &deliveries[k]);
		memcpy(&h.stored.deliveries[first], &deliveries[first],
		       FK_LEDGER_PAGE * sizeof(deliveries[0]));
		memcpy(&h.stored.numbers[first], &h.numbers[first],
		       FK_LEDGER_PAGE * sizeof(h.numbers[0]));
		h.stored.has_page[pages[i]] = true;
		fk_scheduler_page_durable(h.scheduler, pages[i]);
	}
	for (uint32_t i = 0; i < h.n_radios; i++) {
		struct radio *r = &h.radios[i];
		const struct fk_delivery *d = delivery_of(r);

		/* What waits was sent at least as often as it is said to have been. */
		check(d->state != FK_DELIVERY_WAITING || d->tries <= r->n_begun);
		if (r->rings && r->is_between && fk_delivery_is_under_way(d) && is_silent(d))
			r->is_due = true;
		r->rings = false;
	}
	if (h.is_record_dirty)
		h.stored.record = h.record;
	h.is_record_dirty = false;
}

/* Radios. */

static void answer(struct radio *r, uint8_t message_id, uint8_t status)
{
	uint16_t keys = (uint16_t)(((1u << r->open.n_keys) - 1) << r->open.first_key);

	r->state.outcome = FK_OUTCOME_ANSWERED;
	r->state.kmm_message_id = message_id;
	r->state.kmm_status = status;
	r->state.keys_held = message_id == FK_KMM_REKEY_ACK && status == 0 ? keys : 0;
	r->state.mac_algorithm_id = FK_ALGORITHM_AES_256;
	r->state.mac_key_id = 77;
	r->state.inbound_number++;
	r->state.inbound_known = 1;
}

static void obey(struct radio *r)
{
	uint16_t keys = (uint16_t)(((1u << r->open.n_keys) - 1) << r->open.first_key);
	uint16_t ahead = (uint16_t)(r->open.message_number - r->accepted);

	check(ahead <= h.ues[r->ue_index].mnp); /* I2 */
	r->accepted = r->open.message_number;
	if (r->open.kind == FK_ORDER_REKEY)
		r->keys |= keys;
	else if (r->open.kind == FK_ORDER_DELETE_KEY) /* I6: nor loses keys in use */
		check(r->active_keyset != OLD_KEYSET);
	else /* I6: nobody is changed over who lacks a key */
		check(r->keys == all_keys());
	if (draw(100) < r->mood)
		answer(r, fk_order_answer(r->open.kind), 0);
	else
		r->state.outcome = FK_OUTCOME_NO_ANSWER;
}

static void play(struct radio *r)
{
	static const uint16_t refusals[] = {404, 480, 503, 401};

	r->outcome_at_ms = 0;
	r->state.answered_at_us = ++h.clock_us;
	if (!r->is_offline && draw(3) != 0)
		r->state.progress |= FK_PROGRESS_DELIVERED;
	if (r->is_offline) {
		r->state.outcome = FK_OUTCOME_TIMEOUT;
	} else if (draw(100) < r->mood) {
		obey(r);
	} else if (draw(2) != 0) {
		answer(r, FK_KMM_NEGATIVE_ACK, draw(2) != 0 ? 6 : FK_KMM_STATUS_INVALID_NUMBER);
	} else {
		r->state.outcome = FK_OUTCOME_REFUSED;
		r->state.sip_status = refusals[draw(draw(8) == 0 ? 4 : 3)];
	}
}

/* Everything that must hold when an order leaves. */
static void take(const struct fk_order *order)
{
	struct fk_token t = fk_token_unpack(order->token);
	const struct fk_delivery *d = &h.stored.deliveries[t.ue_index];
	struct radio *r = radio_of(t.ue_index);

	check(r != NULL);
	check(h.record.state == FK_CAMPAIGN_RUNNING);
	/* It has begun once, at its time, and with the approval that it takes. */
	check(h.stored.record.started_at_ms != 0 && h.n_starts == 1);
	check(h.stored.record.started_at_ms >= h.stored.record.scheduled_at_ms);
	check(!fk_lifecycle_needs_approval(h.policy, &h.record) ||
	      (h.record.approved_by != FK_PRINCIPAL_NONE &&
	       h.record.approved_by != h.record.planned_by));
	/* The gate was passed, durably. */
	check(h.waves[t.ue_index] <= h.stored.record.wave);
	/* I1, I2 */
	check(h.stored.has_page[t.ue_index / FK_LEDGER_PAGE]);
	check(d->number == order->message_number && d->date_time_s == order->date_time_s);
	check(d->step == t.step && d->attempt == t.attempt);
	check(!fk_delivery_is_final(d));
	/* I6 */
	if (order->kind == FK_ORDER_CHANGEOVER)
		check(d->keys_held == all_keys());
	if (order->kind == FK_ORDER_DELETE_KEY)
		check(r->known == FK_ACTIVE_KNOWN && r->active_keyset != OLD_KEYSET);
	r->ordered = *order;
}

/* The dataplane comes to what is in its ring. */
static void begin_ordered(struct radio *r)
{
	const struct fk_order order = r->ordered;

	r->ordered.token = 0;
	r->is_due = r->is_between = false;
	if (r->outcome_at_ms != 0 && r->open.token == order.token)
		return;
	r->n_begun = (r->open.token == order.token ? r->n_begun : 0) + 1;
	r->open = order;
	r->state = (struct fk_ue_state){.token = order.token,
					.message_number = order.message_number,
					.date_time_s = order.date_time_s,
					.inbound_number = r->state.inbound_number,
					.inbound_known = r->state.inbound_known};
	r->outcome_at_ms = h.now.ms + 1 + draw(60);
}

static void hear(struct radio *r)
{
	r->is_between = r->outcome_at_ms == 0;
	(void)fk_scheduler_wake(h.scheduler, r->ue_index, &h.now);
}

/* A UE that may have been away is there. */
static void say_hello(struct radio *r)
{
	r->is_offline = false;
	r->rings = true;
	hear(r);
}

/* A gate that has passed, counted anew. */
static void check_gate(void)
{
	const struct fk_gate *gate = &h.record.gate;
	uint32_t n = 0, n_acked = 0, n_living = 0, n_away = 0;

	for (uint32_t i = 0; i < h.n_radios; i++) {
		const struct fk_delivery *d =
			&fk_scheduler_deliveries(h.scheduler)[h.radios[i].ue_index];

		if (h.waves[h.radios[i].ue_index] != h.record.wave ||
		    d->state == FK_DELIVERY_EXCLUDED || d->state == FK_DELIVERY_ABORTED)
			continue;
		check(d->state != FK_DELIVERY_PENDING);
		n++;
		n_acked += d->state == FK_DELIVERY_ACKED;
		n_living += d->is_living;
		n_away += !d->is_living && (!fk_delivery_is_final(d) ||
					    (d->state == FK_DELIVERY_UNREACHABLE && d->tries > 0));
	}
	check(n_acked * 100 >= n_living * gate->min_acked_percent);
	check(n_living >= (gate->min_sample < n ? gate->min_sample : n));
	check(n_away * 100 <= n * gate->max_offline_percent);
}

static void stop(uint8_t state, enum fk_halt halt)
{
	h.record.state = state;
	h.record.halt = (uint8_t)halt;
	h.is_record_dirty = true;
	fk_scheduler_hold(h.scheduler);
}

/* As an operator says it, past a gate that is shut. */
static void resume(void)
{
	h.record.wave += (h.record.halt == FK_HALT_ACKED || h.record.halt == FK_HALT_SAMPLE ||
			  h.record.halt == FK_HALT_OFFLINE) &&
			 h.record.wave + 1 < h.options.n_waves;
	h.record.n_excused = fk_scheduler_tally(h.scheduler)->n_failed;
	h.record.state = FK_CAMPAIGN_RUNNING;
	h.record.halt = FK_HALT_NONE;
	h.is_record_dirty = true;
	write_all();
	if (h.record.wave != fk_scheduler_wave(h.scheduler))
		fk_scheduler_begin_wave(h.scheduler, h.record.wave);
	fk_scheduler_excuse(h.scheduler, h.record.n_excused);
	fk_scheduler_resume(h.scheduler);
}

/* failed_limit, counted anew over all waves: it halts when it is reached, and not before. */
static void check_failures(enum fk_gate_state gate, enum fk_halt halt)
{
	uint32_t n = 0, limit = h.record.gate.failed_limit;

	for (uint32_t i = 0; i < h.n_radios; i++) {
		const struct fk_delivery *d = delivery_of(&h.radios[i]);

		n += d->state == FK_DELIVERY_REFUSED || d->state == FK_DELIVERY_PARTIAL ||
		     (d->state == FK_DELIVERY_UNREACHABLE && d->is_living);
	}
	check((gate == FK_GATE_SHUT && halt == FK_HALT_FAILED) ==
	      (limit != 0 && n >= h.record.n_excused + limit));
}

static void check_gates(bool store_works)
{
	enum fk_gate_state gate;
	enum fk_halt halt;

	if (h.record.state != FK_CAMPAIGN_RUNNING)
		return;
	if (fk_scheduler_halt_status(h.scheduler) != 0) {
		stop(FK_CAMPAIGN_HALTED, FK_HALT_NEXT_HOPS);
		return;
	}
	gate = fk_scheduler_judge(h.scheduler, &h.now, &halt);
	check_failures(gate, halt);
	if (gate == FK_GATE_SHUT) {
		stop(FK_CAMPAIGN_HALTED, halt);
	} else if (gate == FK_GATE_PASSED && store_works) {
		check_gate();
		check(h.record.wave + 1 < h.options.n_waves);
		h.record.wave++;
		h.stored.record = h.record;
		fk_scheduler_begin_wave(h.scheduler, h.record.wave);
	}
}

/* People plan, approve and schedule, each change durable or not made, and a clock is wrong. */
static void wait_a_turn(bool store_works)
{
	struct fk_campaign c = h.record;
	struct fk_reason reason;
	const char *field;
	enum fk_err err = FK_EBUSY;

	if (draw(10) == 0)
		h.real_ms += draw(2) != 0 ? draw(100000) : -(uint64_t)draw(100000);
	if (fk_lifecycle_is_due(h.policy, &h.record, h.real_ms)) {
		c.state = FK_CAMPAIGN_RUNNING;
		c.started_at_ms = h.real_ms;
		err = FK_OK;
	} else if (draw(2) == 0) {
		err = fk_lifecycle_approve(&c, draw(4), h.real_ms, &field, &reason);
	} else if (draw(3) == 0) {
		err = fk_lifecycle_schedule(&c, h.policy, h.real_ms + draw(400), "UTC", &field,
					    &reason);
	}
	if (err != FK_OK || !store_works)
		return;
	h.n_starts += c.state == FK_CAMPAIGN_RUNNING;
	h.record = h.stored.record = c;
	if (c.state == FK_CAMPAIGN_RUNNING)
		fk_scheduler_resume(h.scheduler);
}

static void turn(bool store_works)
{
	struct fk_order orders[4];
	uint32_t n;

	h.real_ms += draw(80);
	if (fk_campaign_is_waiting(&h.record))
		wait_a_turn(store_works);
	h.now.ms += 1 + draw(80);
	h.now.date_s++;
	for (uint32_t i = 0; i < h.n_radios; i++) {
		struct radio *r = &h.radios[i];

		if (r->ordered.token != 0 && draw(3) != 0)
			begin_ordered(r);
		if (r->outcome_at_ms == 0 || r->outcome_at_ms > h.now.ms)
			continue;
		play(r);
		(void)fk_scheduler_apply(h.scheduler, r->ue_index, &r->state, &h.now);
	}
	if (h.record.state == FK_CAMPAIGN_RUNNING && draw(8) == 0)
		say_hello(&h.radios[draw(h.n_radios)]);
	check_gates(store_works);
	fk_scheduler_reserve(h.scheduler, &h.now, 1);
	if (!store_works)
		return;
	write_all();
	while ((n = fk_scheduler_poll(h.scheduler, &h.now, orders, 4)) > 0) {
		for (uint32_t i = 0; i < n; i++)
			take(&orders[i]);
	}
	check(fk_scheduler_tally(h.scheduler)->states[FK_DELIVERY_OPEN] <= h.options.window);
}

/* Doorbells that were not released ring again, if their region is still there, else UEs repeat. */
static void hear_again(bool region_survives)
{
	for (uint32_t i = 0; i < h.n_radios; i++) {
		struct radio *r = &h.radios[i];

		if (!r->rings)
			continue;
		if (region_survives)
			(void)fk_scheduler_apply(h.scheduler, r->ue_index, &r->state, &h.now);
		hear(r);
	}
}

static void crash(bool region_survives)
{
	fk_scheduler_free(h.scheduler);
	memcpy(h.numbers, h.stored.numbers, sizeof(h.numbers));
	h.record = h.stored.record;
	h.is_record_dirty = false;
	make_scheduler();
	if (draw(2) != 0)
		hear_again(region_survives);
	for (uint32_t i = 0; i < h.n_radios; i++) {
		struct radio *r = &h.radios[i];

		r->ordered.token = 0;
		if (region_survives)
			(void)fk_scheduler_apply(h.scheduler, r->ue_index, &r->state, &h.now);
		else
			r->outcome_at_ms = r->state.token = 0;
		/* Who has spoken does not wait for what that was the end of. */
		check(!r->is_due || r->rings || delivery_of(r)->state != FK_DELIVERY_WAITING);
	}
	if (region_survives)
		fk_scheduler_queue_open(h.scheduler);
	else
		fk_scheduler_forget_sent(h.scheduler);
	hear_again(region_survives);
}

/* The time of those who have spoken is over, too. */
static void expire(void)
{
	fk_scheduler_expire(h.scheduler);
	for (uint32_t i = 0; i < h.n_radios; i++)
		h.radios[i].is_due = false;
}

/* Every delivery has exactly one final state, and the tally says so. */
static void check_end(void)
{
	const struct fk_scheduler_tally *tally = fk_scheduler_tally(h.scheduler);
	uint32_t states[FK_DELIVERY_STATES] = {0}, sum = 0;

	for (uint32_t i = 0; i < SLOTS; i++)
		states[fk_scheduler_deliveries(h.scheduler)[i].state]++;
	for (uint32_t i = FK_DELIVERY_ACKED; i < FK_DELIVERY_STATES; i++)
		sum += states[i];
	check(sum == h.n_radios && tally->n_deliveries == h.n_radios);
	for (uint32_t i = 0; i < FK_DELIVERY_STATES; i++)
		check(states[i] == tally->states[i]);
	for (uint32_t i = 0; i < h.n_radios; i++) {
		const struct fk_delivery *d =
			&fk_scheduler_deliveries(h.scheduler)[h.radios[i].ue_index];

		check((d->keys_held & ~h.radios[i].keys) == 0);
		check(d->state != FK_DELIVERY_ACKED || d->keys_held == all_keys());
		/* Nobody is given up as silent who has spoken and was not sent to since. */
		check(!h.radios[i].is_due || !is_silent(d));
	}
}

static void run_history(uint64_t seed)
{
	uint32_t left = TURNS_MAX;

	begin(seed);
	for (uint32_t i = 0; i < TURNS && !fk_scheduler_is_done(h.scheduler); i++) {
		turn(draw(6) != 0);
		if (fk_campaign_is_waiting(&h.record)) {
			if (draw(20) == 0)
				crash(draw(2) != 0);
			continue;
		}
		switch (draw(20)) {
		case 0:
			if (h.record.state == FK_CAMPAIGN_RUNNING)
				stop(FK_CAMPAIGN_PAUSED, FK_HALT_NONE);
			break;
		case 1:
			stop(FK_CAMPAIGN_HALTED, FK_HALT_OPERATOR);
			break;
		case 2:
			crash(draw(3) != 0);
			break;
		case 3:
		case 4:
			if (h.record.state != FK_CAMPAIGN_RUNNING)
				resume();
			break;
		case 5:
			fk_scheduler_exclude(h.scheduler, h.radios[draw(h.n_radios)].ue_index,
					     FK_CAUSE_LOST);
			break;
		}
	}
	if (draw(8) == 0)
		fk_scheduler_abort(h.scheduler);
	else if (draw(8) == 0)
		fk_scheduler_supersede(h.scheduler);
	else if (draw(8) == 0)
		expire();
	while (!fk_scheduler_is_done(h.scheduler)) {
		check(left-- > 0);
		if (h.record.state == FK_CAMPAIGN_PAUSED || h.record.state == FK_CAMPAIGN_HALTED)
			resume();
		turn(true);
	}
	write_all();
	check_end();
	fk_scheduler_free(h.scheduler);
}

Test(histories, promises_hold_in_a_hundred_thousand_campaigns)
{
	for (uint64_t seed = 1; seed <= HISTORIES; seed++)
		run_history(seed);
}
