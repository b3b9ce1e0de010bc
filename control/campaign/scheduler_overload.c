/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scheduler_overload.c - a next hop that answers 503 to one UE after the other is overloaded: it is
 * left alone for a while, then tried with a few orders, and after that it gets more with each
 * answer.
 *
 * spec: RFC 3261 §21.5.4
 */
#include "campaign/refusal.h"
#include "campaign/scheduler_private.h"

static uint64_t hop_bit(const struct fk_scheduler *s, const struct hop *hop)
{
	return 1ull << (hop - s->hops);
}

static bool is_waiting(const struct fk_scheduler *s, const struct hop *hop)
{
	return (s->waiting_hops & hop_bit(s, hop)) != 0;
}

static bool is_on_trial(const struct hop *hop)
{
	return hop->overload.room != 0;
}

static bool said_503_last(const struct fk_delivery *d)
{
	return d->cause == FK_CAUSE_SIP && d->cause_detail == FK_SIP_OVERLOADED;
}

/* How many it takes. Of a next hop that has but a few left it takes all, though not one or two. */
static uint32_t n_needed(const struct hop *hop)
{
	if (is_on_trial(hop))
		return hop->n_active < TRIAL_ROOM ? hop->n_active : TRIAL_ROOM;
	if (hop->n_active < OVERLOAD_UES_MIN)
		return OVERLOAD_UES_MIN;
	return hop->n_active < OVERLOAD_UES ? hop->n_active : OVERLOAD_UES;
}

static bool is_counted(const struct overload *o, uint32_t ue_index)
{
	for (uint32_t i = 0; i < o->n_ues; i++) {
		if (o->ues[i] == ue_index)
			return true;
	}
	return false;
}

static void forget_row(struct overload *o)
{
	o->n_ues = 0;
	o->retry_after_s = 0;
}

/* Those whose 503s have shown it were not to blame either. */
static void give_back_tries(struct fk_scheduler *s, const struct overload *o)
{
	for (uint32_t i = 0; i < o->n_ues; i++) {
		struct fk_delivery *d = &s->deliveries[o->ues[i]];

		if (fk_delivery_is_final(d) || !said_503_last(d) || d->tries == 0)
			continue;
		d->tries--;
		fk_delivery_mark_dirty(s, o->ues[i]);
	}
}

static void leave_alone(struct fk_scheduler *s, struct hop *hop, const struct fk_scheduler_now *now)
{
	struct overload *o = &hop->overload;

	if (!is_on_trial(hop))
		give_back_tries(s, o);
	o->room = 0;
	if (o->n_waits >= s->opt.attempts_max) {
		hop->halt_status = FK_SIP_OVERLOADED;
		s->n_halted++;
		o->n_waits = 0;
	} else {
		if (o->n_waits++ == 0)
			o->since_ms = now->ms;
		o->until_ms = now->ms + fk_retry_delay_ms(s->opt.retry_backoff_ms, o->n_waits,
							  o->retry_after_s);
		s->waiting_hops |= hop_bit(s, hop);
	}
	forget_row(o);
}

bool fk_hop_note_overload(struct fk_scheduler *s, uint32_t ue_index, uint32_t retry_after_s,
			  const struct fk_scheduler_now *now)
{
	const struct fk_delivery *d = &s->deliveries[ue_index];
	struct hop *hop = fk_delivery_hop(s, ue_index);
	struct overload *o = &hop->overload;
	uint64_t at_ms = now->ms + fk_retry_delay_ms(0, 0, retry_after_s);

	if (hop->halt_status != 0)
		return true;
	if (is_waiting(s, hop)) {
		/* It was sent before; it may know better by now for how long. */
		if (o->until_ms < at_ms)
			o->until_ms = at_ms;
		return true;
	}
	/* A UE that does nothing but that says it once. */
	if (!is_on_trial(hop) && (is_counted(o, ue_index) || (said_503_last(d) && d->tries > 1)))
		return false;
	if (o->retry_after_s < retry_after_s)
		o->retry_after_s = retry_after_s;
	if (o->n_ues + 1 < n_needed(hop)) {
		o->ues[o->n_ues++] = ue_index;
		return is_on_trial(hop);
	}
	leave_alone(s, hop, now);
	return true;
}

void fk_hop_note_silence(struct fk_scheduler *s, uint32_t ue_index,
			 const struct fk_scheduler_now *now)
{
	if (is_on_trial(fk_delivery_hop(s, ue_index)))
		(void)fk_hop_note_overload(s, ue_index, 0, now);
}

void fk_hop_note_answer(struct fk_scheduler *s, uint32_t ue_index)
{
	struct hop *hop = fk_delivery_hop(s, ue_index);
	struct overload *o = &hop->overload;

	/* The answer to what was sent before it was overloaded does not say that it is no more. */
	if (is_waiting(s, hop))
		return;
	forget_row(o);
	o->n_waits = 0;
	if (is_on_trial(hop) && ++o->room > s->share)
		o->room = 0;
}

void fk_hop_end_waits(struct fk_scheduler *s, const struct fk_scheduler_now *now)
{
	for (uint64_t left = s->waiting_hops; left != 0; left &= left - 1) {
		struct hop *hop = &s->hops[__builtin_ctzll(left)];

		if (now->ms < hop->overload.until_ms)
			continue;
		s->waiting_hops &= ~hop_bit(s, hop);
		hop->overload.room = TRIAL_ROOM;
	}
}

uint64_t fk_hop_next_end_ms(const struct fk_scheduler *s)
{
	uint64_t at_ms = UINT64_MAX;

	for (uint64_t left = s->waiting_hops; left != 0; left &= left - 1) {
		const struct hop *hop = &s->hops[__builtin_ctzll(left)];

		if (hop->overload.until_ms < at_ms)
			at_ms = hop->overload.until_ms;
	}
	return at_ms;
}

bool fk_scheduler_hop_wait(const struct fk_scheduler *s, uint32_t next_hop,
			   struct fk_hop_wait *ret_wait)
{
	const struct overload *o;

	if (next_hop >= FK_NEXT_HOPS_MAX || s->hops[next_hop].overload.n_waits == 0)
		return false;
	o = &s->hops[next_hop].overload;
	*ret_wait = (struct fk_hop_wait){
		.since_ms = o->since_ms, .until_ms = o->until_ms, .n_waits = o->n_waits};
	return true;
}
