/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scheduler_join.c - who takes part in a campaign, and who is left out from the beginning.
 */
#include <assert.h>

#include "campaign/plan.h"
#include "campaign/scheduler_private.h"

/* False if there is nobody to take in. */
static bool take_in(struct fk_scheduler *s, uint32_t ue_index)
{
	const struct fk_ue_slot *ue = &s->opt.ues[ue_index];
	struct fk_delivery *d = &s->deliveries[ue_index];
	uint32_t n_keys;

	assert(ue_index < s->opt.n_slots);
	if (ue->rsi == 0 || d->state != FK_DELIVERY_NONE)
		return false;
	s->tally.n_deliveries++;
	fk_delivery_set_state(s, ue_index, FK_DELIVERY_PENDING);
	n_keys = s->opt.keys_per_kmm[ue->next_hop % FK_NEXT_HOPS_MAX];
	if (fk_plan_ue_keys(ue) < n_keys)
		n_keys = fk_plan_ue_keys(ue);
	d->keys_per_kmm = n_keys & 15;
	return true;
}

void fk_scheduler_include(struct fk_scheduler *s, uint32_t ue_index)
{
	const struct fk_delivery *d = &s->deliveries[ue_index];

	if (!take_in(s, ue_index))
		return;
	if (s->opt.ues[ue_index].ptek_algorithm_id == 0 && !s->opt.renews &&
	    !s->runs[ue_index].renews)
		fk_delivery_finish(s, ue_index, FK_DELIVERY_EXCLUDED, FK_CAUSE_NO_PTEK, 0);
	else if (d->keys_per_kmm == 0)
		fk_delivery_finish(s, ue_index, FK_DELIVERY_EXCLUDED, FK_CAUSE_TOO_LARGE, 0);
	else if (fk_delivery_goal_steps(s, d) + s->opt.closing >
		 FK_STEP_MAX + 1u) /* the plan refuses it */
		fk_delivery_finish(s, ue_index, FK_DELIVERY_EXCLUDED, FK_CAUSE_UNBUILDABLE, 0);
}

void fk_scheduler_leave_out(struct fk_scheduler *s, uint32_t ue_index, enum fk_cause cause)
{
	if (take_in(s, ue_index))
		fk_delivery_finish(s, ue_index, FK_DELIVERY_EXCLUDED, cause, 0);
}
