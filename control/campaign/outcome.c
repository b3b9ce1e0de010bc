/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the dataplane says about an attempt, and what the scheduler makes of it.
 */
#include <string.h>

#include <fleetkey/kmm.h>

#include "campaign/refusal.h"
#include "campaign/scheduler_private.h"

static void apply_numbers(struct fk_scheduler *s, uint32_t ue_index,
			  const struct fk_ue_state *state)
{
	struct fk_ue_numbers *numbers = &s->opt.numbers[ue_index];

	if (!state->inbound_known ||
	    (numbers->inbound_known && numbers->inbound == state->inbound_number))
		return;
	numbers->inbound = state->inbound_number;
	numbers->inbound_known = 1;
	fk_delivery_mark_dirty(s, ue_index);
}

/* An authentic answer to a number proves that the UE took it, unless it says that it did not. */
static void apply_accepted(struct fk_scheduler *s, uint32_t ue_index,
			   const struct fk_ue_state *state)
{
	struct fk_ue_numbers *numbers = &s->opt.numbers[ue_index];
	uint16_t ahead = (uint16_t)(state->message_number - numbers->accepted);
	uint16_t reserved = (uint16_t)(numbers->reserved_next - 1 - numbers->accepted);

	if (state->kmm_message_id == FK_KMM_NEGATIVE_ACK &&
	    (state->kmm_status == FK_KMM_STATUS_INVALID_MAC ||
	     state->kmm_status == FK_KMM_STATUS_INVALID_NUMBER))
		return;
	if (ahead == 0 || ahead > reserved)
		return;
	numbers->accepted = state->message_number;
	fk_delivery_mark_dirty(s, ue_index);
}

/* One bit for each key of the step, by its place in the campaign's list. */
static uint16_t step_mask(const struct step *step)
{
	return (uint16_t)(((1u << step->n_keys) - 1) << step->first_key);
}

static void note_evidence(struct fk_delivery *d, const struct fk_ue_state *state)
{
	d->inbound_number = state->inbound_number;
	d->mac_key_id = state->mac_key_id;
	memcpy(d->mac, state->mac, sizeof(d->mac));
}

/* Notes which keys of the step the UE says it holds, and the evidence. */
static void note_keys(struct fk_delivery *d, const struct step *step,
		      const struct fk_ue_state *state)
{
	uint16_t held = state->keys_held & step_mask(step);

	if (held == 0)
		return;
	d->keys_held |= held;
	note_evidence(d, state);
}

/* All that was asked for is done, but for the proof. */
static void apply_goal(struct fk_scheduler *s, uint32_t ue_index,
		       const struct fk_scheduler_now *now)
{
	struct fk_delivery *d = &s->deliveries[ue_index];

	d->acked_ms = now->ms < UINT32_MAX ? (uint32_t)now->ms : UINT32_MAX;
	s->tally.n_held++;
	s->pages[ue_index / FK_LEDGER_PAGE].newly_done |= 1ull << (ue_index % FK_LEDGER_PAGE);
}

static void apply_proven(struct fk_scheduler *s, uint32_t ue_index, const struct fk_ue_state *state)
{
	struct fk_delivery *d = &s->deliveries[ue_index];

	d->flags |= FK_DELIVERY_PROVEN;
	if (state->listed)
		d->flags |= FK_DELIVERY_LISTED;
	s->tally.n_proven++;
	s->pages[ue_index / FK_LEDGER_PAGE].n_proven++;
}

/* The step is acknowledged: the next one, if there is one. */
static void apply_step_done(struct fk_scheduler *s, uint32_t ue_index, const struct step *step,
			    const struct fk_ue_state *state, const struct fk_scheduler_now *now)
{
	struct fk_delivery *d = &s->deliveries[ue_index];

	if (step->kind == FK_ORDER_WARM_START) {
		/* It has its key, and what it waits for can begin. */
		s->opt.numbers[ue_index].needs_warm_start = 0;
		fk_delivery_mark_dirty(s, ue_index);
	}
	if (step->kind == FK_ORDER_WARM_START && !step->is_goal) {
		d->cause = FK_CAUSE_NONE;
		d->cause_detail = 0;
		if (fk_delivery_drop_attempt(s, ue_index))
			fk_delivery_begin_attempt(s, ue_index, now);
		return;
	}
	if (step->is_closing) {
		apply_proven(s, ue_index, state);
	} else if (step->kind == FK_ORDER_REKEY) {
		note_keys(d, step, state);
		if (step->first_key + step->n_keys == s->opt.n_keys)
			d->flags |= FK_DELIVERY_HELD;
	} else {
		note_evidence(d, state);
		/* The keys that it was asked for and has in its active keyset. */
		if (step->kind == FK_ORDER_INVENTORY)
			d->keys_held = state->keys_held;
		d->flags |= step->is_goal ? FK_DELIVERY_PERFORMED : 0;
	}
	if (step->is_goal)
		apply_goal(s, ue_index, now);
	if (step->is_last) {
		fk_delivery_finish(s, ue_index, FK_DELIVERY_ACKED, FK_CAUSE_NONE,
				   state->active_keyset);
		return;
	}
	d->cause = FK_CAUSE_NONE;
	d->cause_detail = 0;
	d->step++;
	d->attempt = 0;
	s->runs[ue_index].n_renumbered = 0;
	fk_delivery_begin_attempt(s, ue_index, now);
}

static void apply_kmm_refusal(struct fk_scheduler *s, uint32_t ue_index, const struct step *step,
			      const struct fk_ue_state *state, const struct fk_scheduler_now *now)
{
	struct fk_delivery *d = &s->deliveries[ue_index];

	if (state->kmm_message_id != FK_KMM_NEGATIVE_ACK &&
	    (step->is_closing || state->kmm_message_id != fk_order_answer(step->kind))) {
		fk_delivery_finish(s, ue_index, FK_DELIVERY_REFUSED, FK_CAUSE_UNEXPECTED, 0);
		return;
	}
	if (state->kmm_message_id == FK_KMM_NEGATIVE_ACK &&
	    state->kmm_status == FK_KMM_STATUS_INVALID_NUMBER &&
	    s->runs[ue_index].n_renumbered < FK_NEW_NUMBER_MAX) {
		s->runs[ue_index].n_renumbered++;
		if (fk_delivery_drop_attempt(s, ue_index))
			fk_delivery_begin_attempt(s, ue_index, now);
		return;
	}
	/* Some keys of the step may be held, though not all. */
	if (state->kmm_message_id == FK_KMM_REKEY_ACK)
		note_keys(d, step, state);
	fk_delivery_finish(s, ue_index, FK_DELIVERY_REFUSED, FK_CAUSE_KMM, state->kmm_status);
}

static bool is_success(const struct fk_scheduler *s, uint32_t ue_index, const struct step *step,
		       const struct fk_ue_state *state)
{
	if (state->outcome != FK_OUTCOME_ANSWERED ||
	    state->kmm_message_id != fk_order_answer(step->kind))
		return false;
	if (step->kind == FK_ORDER_REKEY)
		return (state->keys_held & step_mask(step)) == step_mask(step);
	/* Possession is proven by the MAC, so only by one under the new key (I8). */
	if (step->is_closing)
		return state->mac_algorithm_id == FK_ALGORITHM_AES_256 &&
		       state->mac_key_id == s->opt.key_id;
	/* Of the key that is in force; another may have been made since. */
	if (step->kind == FK_ORDER_WARM_START &&
	    state->mac_key_id != s->opt.ues[ue_index].ptek_key_id)
		return false;
	return state->kmm_status == FK_KMM_STATUS_PERFORMED;
}

/* What is known of a command that destroys and has no answer: that it was delivered outweighs how
 * the last try ended. */
static enum fk_cause weigh(const struct fk_delivery *d, const struct fk_ue_state *state,
			   enum fk_cause cause)
{
	if ((state->progress & FK_PROGRESS_DELIVERED) != 0 || d->cause == FK_CAUSE_DELIVERED)
		return FK_CAUSE_DELIVERED;
	if (cause == FK_CAUSE_UNDELIVERED)
		return cause;
	return (state->progress & FK_PROGRESS_ACCEPTED) != 0 ? FK_CAUSE_NO_ANSWER : cause;
}

enum fk_delivery_state fk_delivery_silent_end(const struct fk_scheduler *s, enum fk_cause cause)
{
	return s->opt.is_destructive && (cause == FK_CAUSE_DELIVERED || cause == FK_CAUSE_NO_ANSWER)
		       ? FK_DELIVERY_UNCONFIRMED
		       : FK_DELIVERY_UNREACHABLE;
}

/* Notes why it waits, and how well that is known; returns the cause. */
static enum fk_cause note_cause(struct fk_scheduler *s, uint32_t ue_index,
				const struct fk_ue_state *state, enum fk_cause cause,
				uint16_t detail)
{
	struct fk_delivery *d = &s->deliveries[ue_index];

	if (s->opt.is_destructive && weigh(d, state, cause) != cause) {
		cause = weigh(d, state, cause);
		detail = 0;
	}
	d->cause = (uint8_t)(cause & 0x7f);
	d->cause_detail = detail;
	return cause;
}

static void put_off(struct fk_scheduler *s, uint32_t ue_index, const struct fk_ue_state *state,
		    const struct fk_scheduler_now *now)
{
	fk_delivery_set_state(s, ue_index, FK_DELIVERY_WAITING);
	fk_due_heap_set(&s->due, ue_index,
			now->ms + fk_retry_delay_ms(s->opt.retry_backoff_ms,
						    s->deliveries[ue_index].tries,
						    state->retry_after_s));
	fk_delivery_mark_dirty(s, ue_index);
}

/* Sends the same octets again after a while, unless that was done often enough. */
static void apply_retry(struct fk_scheduler *s, uint32_t ue_index, const struct fk_ue_state *state,
			enum fk_cause cause, uint16_t detail, const struct fk_scheduler_now *now)
{
	struct fk_delivery *d = &s->deliveries[ue_index];

	cause = note_cause(s, ue_index, state, cause, detail);
	/* After a restart the count of sends may be behind by one; this outcome proves one. */
	if (d->tries == 0)
		d->tries = 1;
	if (d->tries >= s->opt.attempts_max && fk_delivery_hop(s, ue_index)->halt_status == 0) {
		fk_delivery_finish(s, ue_index, fk_delivery_silent_end(s, cause), cause,
				   d->cause_detail);
		return;
	}
	put_off(s, ue_index, state, now);
}

static void apply_overload(struct fk_scheduler *s, uint32_t ue_index,
			   const struct fk_ue_state *state, const struct fk_scheduler_now *now)
{
	struct fk_delivery *d = &s->deliveries[ue_index];

	if (!fk_hop_note_overload(s, ue_index, state->retry_after_s, now)) {
		apply_retry(s, ue_index, state, FK_CAUSE_SIP, state->sip_status, now);
		return;
	}
	/* The delivery is not to blame, and not to pay for it. */
	if (d->tries > 0)
		d->tries--;
	(void)note_cause(s, ue_index, state, FK_CAUSE_SIP, state->sip_status);
	put_off(s, ue_index, state, now);
}

static void apply_sip_refusal(struct fk_scheduler *s, uint32_t ue_index,
			      const struct fk_ue_state *state, const struct fk_scheduler_now *now)
{
	uint16_t detail = fk_refusal_detail(state->sip_status, state->sip_warning);
	enum fk_refusal_class class = fk_refusal_class(state->sip_status, state->sip_warning);
	struct hop *hop = fk_delivery_hop(s, ue_index);

	if (class != FK_REFUSAL_OVERLOAD)
		fk_hop_note_answer(s, ue_index);
	switch (class) {
	case FK_REFUSAL_HALT:
		s->n_halted += hop->halt_status == 0;
		hop->halt_status = detail;
		/* The delivery is not to blame; it waits with the others of that next hop. */
		apply_retry(s, ue_index, state, FK_CAUSE_SIP, detail, now);
		return;
	case FK_REFUSAL_FINAL:
		fk_delivery_finish(s, ue_index, FK_DELIVERY_REFUSED, FK_CAUSE_SIP,
				   state->sip_status);
		return;
	case FK_REFUSAL_RETRY:
		apply_retry(s, ue_index, state, FK_CAUSE_SIP, state->sip_status, now);
		return;
	case FK_REFUSAL_OVERLOAD:
		apply_overload(s, ue_index, state, now);
		return;
	}
}

/*
 * The UE says that it lacks its protection TEK, and nothing but an open attempt authenticates that.
 * So it gets another one a few times in a delivery; without its KEK, status 06, none would reach
 * it. spec: P25 sheet 4, Unable-to-Decrypt
 */
static void apply_unable(struct fk_scheduler *s, uint32_t ue_index, const struct fk_ue_state *state,
			 const struct fk_scheduler_now *now)
{
	struct fk_delivery *d = &s->deliveries[ue_index];
	struct run *run = &s->runs[ue_index];

	if (!s->opt.may_warm_start || state->kmm_status == FK_KMM_STATUS_NO_KEK ||
	    run->n_warm_starts == FK_WARM_STARTS_MAX) {
		fk_delivery_finish(s, ue_index, FK_DELIVERY_REFUSED, FK_CAUSE_UNABLE,
				   state->kmm_status);
		return;
	}
	if (s->n_keyless == FK_KEYLESS_MAX) {
		apply_retry(s, ue_index, state, FK_CAUSE_UNABLE, state->kmm_status, now);
		return;
	}
	run->n_warm_starts++;
	fk_delivery_want_key(s, ue_index);
	d->cause = FK_CAUSE_UNABLE;
	d->cause_detail = state->kmm_status;
	fk_delivery_set_state(s, ue_index, FK_DELIVERY_QUEUED);
	fk_delivery_note_life(s, ue_index);
	fk_delivery_mark_dirty(s, ue_index);
}

/* An outcome of the attempt that is in force, other than success. */
static void apply_failure(struct fk_scheduler *s, uint32_t ue_index, const struct step *step,
			  const struct fk_ue_state *state, const struct fk_scheduler_now *now)
{
	switch (state->outcome) {
	case FK_OUTCOME_ANSWERED:
		fk_hop_note_answer(s, ue_index);
		apply_kmm_refusal(s, ue_index, step, state, now);
		return;
	case FK_OUTCOME_REFUSED:
		apply_sip_refusal(s, ue_index, state, now);
		return;
	case FK_OUTCOME_TIMEOUT:
		fk_hop_note_silence(s, ue_index, now);
		apply_retry(s, ue_index, state, FK_CAUSE_SIP_TIMEOUT, 0, now);
		return;
	case FK_OUTCOME_NO_ANSWER:
		fk_hop_note_answer(s, ue_index);
		apply_retry(s, ue_index, state, FK_CAUSE_NO_ANSWER, 0, now);
		return;
	case FK_OUTCOME_UNDELIVERED:
		fk_hop_note_answer(s, ue_index);
		apply_retry(s, ue_index, state, FK_CAUSE_UNDELIVERED, 0, now);
		return;
	case FK_OUTCOME_UNABLE:
		fk_hop_note_answer(s, ue_index);
		apply_unable(s, ue_index, state, now);
		return;
	case FK_OUTCOME_UNBUILDABLE:
		fk_delivery_finish(s, ue_index, FK_DELIVERY_EXCLUDED, FK_CAUSE_UNBUILDABLE, 0);
		return;
	case FK_OUTCOME_TOO_LARGE:
		fk_delivery_finish(s, ue_index, FK_DELIVERY_EXCLUDED, FK_CAUSE_TOO_LARGE, 0);
		return;
	default:
		return; /* no outcome yet, or none that this version knows */
	}
}

/* True if it is the UE that was not there, as far as one can tell. */
static bool is_about_the_ue(uint8_t cause, uint16_t detail)
{
	switch (cause) {
	case FK_CAUSE_SIP_TIMEOUT:
	case FK_CAUSE_NO_ANSWER:
	case FK_CAUSE_UNDELIVERED:
	case FK_CAUSE_DELIVERED:
	case FK_CAUSE_DEREGISTERED:
		return true;
	case FK_CAUSE_SIP:
		return detail == 408 || detail == 480;
	}
	return false;
}

/*
 * What the dataplane says of a delivery that is due since its UE has spoken may be what it said
 * before that, and nothing tells the two apart after a restart. So of the UE's silence no notice is
 * taken until it is sent to once more.
 */
static bool was_outspoken(const struct fk_delivery *d, const struct fk_ue_state *state)
{
	if (!d->is_woken || d->state != FK_DELIVERY_QUEUED)
		return false;
	switch (state->outcome) {
	case FK_OUTCOME_TIMEOUT:
	case FK_OUTCOME_NO_ANSWER:
	case FK_OUTCOME_UNDELIVERED:
		return true;
	case FK_OUTCOME_REFUSED:
		return is_about_the_ue(FK_CAUSE_SIP,
				       fk_refusal_detail(state->sip_status, state->sip_warning));
	}
	return false;
}

/* After a restart the state may be the first to say that anything was sent. */
static void note_what_is_known(struct fk_scheduler *s, uint32_t ue_index,
			       const struct fk_ue_state *state)
{
	fk_delivery_note_ordered(s, ue_index);
	if (state->outcome == FK_OUTCOME_ANSWERED || (state->progress & FK_PROGRESS_DELIVERED) != 0)
		fk_delivery_note_life(s, ue_index);
}

/* The UE has its key, if that is of use to a later campaign only. */
static void note_late_warm_start(struct fk_scheduler *s, uint32_t ue_index, const struct step *step,
				 const struct fk_ue_state *state)
{
	if (s->opt.numbers[ue_index].needs_warm_start == 0 || !is_success(s, ue_index, step, state))
		return;
	s->opt.numbers[ue_index].needs_warm_start = 0;
	fk_delivery_mark_dirty(s, ue_index);
}

bool fk_scheduler_apply(struct fk_scheduler *s, uint32_t ue_index, const struct fk_ue_state *state,
			const struct fk_scheduler_now *now)
{
	struct fk_token token = fk_token_unpack(state->token);
	struct fk_delivery *d;
	struct step step;
	struct run *run;

	if (ue_index >= s->opt.n_slots || s->opt.ues[ue_index].rsi == 0)
		return false;
	d = &s->deliveries[ue_index];
	run = &s->runs[ue_index];
	apply_numbers(s, ue_index, state);
	if (state->token == 0 || token.ue_index != ue_index ||
	    token.campaign_slot != s->opt.campaign_slot ||
	    token.campaign_generation != s->opt.campaign_generation ||
	    token.ue_generation != s->opt.ues[ue_index].ue_generation)
		return false;
	if (state->outcome == FK_OUTCOME_ANSWERED)
		apply_accepted(s, ue_index, state);
	if (d->state != FK_DELIVERY_NONE && !fk_delivery_is_final(d))
		note_what_is_known(s, ue_index, state);
	if (d->state == FK_DELIVERY_NONE || token.step != d->step || token.attempt > d->attempt)
		return false;
	if (state->kind == FK_ORDER_WARM_START) {
		if (s->opt.numbers[ue_index].needs_warm_start == 0 && !s->opt.renews)
			return false; /* told before */
		step = s->opt.renews ? fk_delivery_step(s, d) : fk_delivery_warm_start();
		if (fk_delivery_is_final(d)) {
			note_late_warm_start(s, ue_index, &step, state);
			return false;
		}
	} else {
		if (fk_delivery_is_final(d))
			return state->outcome == FK_OUTCOME_ANSWERED;
		step = fk_delivery_step(s, d);
	}
	if (is_success(s, ue_index, &step, state)) {
		/* A late acknowledgement of an earlier attempt counts too, and who can answer has
		 * its key, whatever was said. */
		fk_delivery_want_no_key(s, ue_index);
		fk_hop_note_answer(s, ue_index);
		apply_step_done(s, ue_index, &step, state, now);
		return false;
	}
	/* A refusal that names an earlier attempt does not; nor does one told before. */
	if (token.attempt != d->attempt || run->outcome_seen == (uint32_t)state->answered_at_us ||
	    (d->state != FK_DELIVERY_OPEN && d->state != FK_DELIVERY_QUEUED &&
	     state->outcome != FK_OUTCOME_ANSWERED) ||
	    state->outcome == FK_OUTCOME_NONE)
		return false;
	run->outcome_seen = (uint32_t)state->answered_at_us;
	if (was_outspoken(d, state))
		return false;
	d->is_woken = 0;
	apply_failure(s, ue_index, &step, state, now);
	return false;
}

static void begin_again(struct fk_scheduler *s, uint32_t ue_index,
			const struct fk_scheduler_now *now)
{
	struct fk_delivery *d = &s->deliveries[ue_index];

	d->tries = 0;
	fk_delivery_mark_dirty(s, ue_index);
	if (s->runs[ue_index].wave > s->wave) {
		fk_delivery_set_state(s, ue_index, FK_DELIVERY_PENDING); /* its wave comes yet */
	} else if (!fk_delivery_is_outrun(s, ue_index)) {
		/* The attempt goes on under its number: the UE has taken none after it. */
		d->is_woken = 1;
		fk_delivery_set_state(s, ue_index, FK_DELIVERY_QUEUED);
		s->pages[ue_index / FK_LEDGER_PAGE].on_durable |= 1ull
								  << (ue_index % FK_LEDGER_PAGE);
	} else if (fk_delivery_drop_attempt(s, ue_index)) {
		fk_delivery_begin_attempt(s, ue_index, now);
	}
}

bool fk_scheduler_wake(struct fk_scheduler *s, uint32_t ue_index,
		       const struct fk_scheduler_now *now)
{
	struct fk_delivery *d;

	if (ue_index >= s->opt.n_slots)
		return false;
	d = &s->deliveries[ue_index];
	if (!is_about_the_ue(d->cause, d->cause_detail))
		return false;
	if (fk_delivery_is_under_way(d) && !d->is_woken) {
		d->is_woken = 1;
		fk_delivery_mark_dirty(s, ue_index);
	}
	/* This send may have been too early for it; it is not held against it. */
	if (d->state == FK_DELIVERY_OPEN && d->tries > 1) {
		d->tries = 1;
		return true;
	}
	if (d->state == FK_DELIVERY_WAITING) {
		fk_due_heap_set(&s->due, ue_index, now->ms);
		fk_delivery_note_life(s, ue_index);
		return true;
	}
	if (d->state != FK_DELIVERY_UNREACHABLE && d->state != FK_DELIVERY_UNCONFIRMED &&
	    d->state != FK_DELIVERY_PARTIAL)
		return false;
	begin_again(s, ue_index, now);
	fk_delivery_note_life(s, ue_index);
	return true;
}

uint64_t fk_scheduler_newly_done(const struct fk_scheduler *s, uint32_t page)
{
	return s->pages[page].newly_done;
}
