/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scheduler_stop.c - what stops one delivery before its end, or a campaign as a whole, for good or
 * until it goes on: an end before its time, a hold, and next hops that have all stopped.
 */
#include <assert.h>

#include "campaign/refusal.h"
#include "campaign/scheduler_private.h"

static bool is_active(const struct fk_scheduler *s, uint32_t ue_index)
{
	const struct fk_delivery *d = &s->deliveries[ue_index];

	return d->state != FK_DELIVERY_NONE && !fk_delivery_is_final(d);
}

void fk_scheduler_exclude(struct fk_scheduler *s, uint32_t ue_index, enum fk_cause cause)
{
	uint8_t state = s->deliveries[ue_index].state;

	assert(ue_index < s->opt.n_slots);
	if (is_active(s, ue_index))
		fk_delivery_finish(s, ue_index,
				   state == FK_DELIVERY_PENDING ? FK_DELIVERY_EXCLUDED
								: FK_DELIVERY_ABORTED,
				   cause, 0);
}

void fk_scheduler_be_absent(struct fk_scheduler *s, uint32_t ue_index)
{
	assert(ue_index < s->opt.n_slots);
	if (is_active(s, ue_index))
		fk_delivery_finish(s, ue_index, FK_DELIVERY_UNREACHABLE, FK_CAUSE_DEREGISTERED, 0);
}

void fk_scheduler_abort(struct fk_scheduler *s)
{
	for (uint32_t i = 0; i < s->opt.n_slots; i++) {
		uint16_t stopped;

		if (!is_active(s, i))
			continue;
		stopped = fk_delivery_hop(s, i)->halt_status;
		fk_delivery_finish(s, i, FK_DELIVERY_ABORTED,
				   stopped != 0 ? FK_CAUSE_SIP : FK_CAUSE_CAMPAIGN_ABORTED,
				   stopped);
	}
}

void fk_scheduler_supersede(struct fk_scheduler *s)
{
	for (uint32_t i = 0; i < s->opt.n_slots; i++) {
		if (is_active(s, i))
			fk_delivery_finish(s, i, FK_DELIVERY_SUPERSEDED, FK_CAUSE_SUPERSEDED, 0);
	}
}

void fk_scheduler_expire(struct fk_scheduler *s)
{
	for (uint32_t i = 0; i < s->opt.n_slots; i++) {
		const struct fk_delivery *d = &s->deliveries[i];
		enum fk_delivery_state state;

		if (d->state == FK_DELIVERY_NONE || fk_delivery_is_final(d))
			continue;
		state = fk_delivery_silent_end(s, d->cause);
		if (state == FK_DELIVERY_UNREACHABLE)
			state = FK_DELIVERY_EXPIRED;
		fk_delivery_finish(s, i, state,
				   d->cause != FK_CAUSE_NONE ? d->cause : FK_CAUSE_EXPIRED,
				   d->cause_detail);
	}
}

uint16_t fk_scheduler_halt_status(const struct fk_scheduler *s)
{
	uint16_t status = 0;

	if (s->n_halted == 0)
		return 0;
	for (uint32_t i = 0; i < FK_NEXT_HOPS_MAX; i++) {
		if (s->hops[i].n_active == 0)
			continue;
		if (s->hops[i].halt_status == 0)
			return 0;
		if (status == 0)
			status = s->hops[i].halt_status;
	}
	return status;
}

uint16_t fk_scheduler_hop_halt_status(const struct fk_scheduler *s, uint32_t next_hop)
{
	return next_hop < FK_NEXT_HOPS_MAX ? s->hops[next_hop].halt_status : 0;
}

void fk_scheduler_hold(struct fk_scheduler *s)
{
	s->is_held = true;
}

void fk_scheduler_resume(struct fk_scheduler *s)
{
	s->is_held = false;
	s->n_halted = 0;
	for (uint32_t i = 0; i < FK_NEXT_HOPS_MAX; i++) {
		if (s->hops[i].halt_status == FK_SIP_OVERLOADED)
			s->hops[i].overload.room = TRIAL_ROOM;
		s->hops[i].halt_status = 0;
	}
}
