/* SPDX-License-Identifier: Apache-2.0 */
#include "campaign/plan.h"

void fk_plan_begin(struct fk_plan *plan, uint32_t pace_per_s, bool closing)
{
	*plan = (struct fk_plan){.pace_per_s = pace_per_s, .n_steps = closing ? 2 : 1};
}

uint32_t fk_plan_message_size(const struct fk_ue_slot *ue, const struct fk_message_size *size)
{
	return size->base == 0 ? 0 : size->base + (uint32_t)size->n_uris * ue->mcdata_id_size;
}

enum fk_cause fk_plan_judge(const struct fk_ue_slot *ue, const struct fk_message_size *size)
{
	if (ue->ptek_algorithm_id == 0)
		return FK_CAUSE_NO_PTEK;
	if (size->base != 0 &&
	    (fk_plan_message_size(ue, size) > size->limit || size->payload > FK_PAYLOAD_SIZE_MAX))
		return FK_CAUSE_TOO_LARGE;
	return FK_CAUSE_NONE;
}

static void exclude(struct fk_plan *plan, uint32_t ue_index, enum fk_cause cause, uint32_t size,
		    uint16_t limit)
{
	plan->n_causes[cause]++;
	if (plan->n_excluded == FK_PLAN_EXCLUDED_MAX)
		return;
	plan->excluded[plan->n_excluded++] = (struct fk_plan_excluded){
		.ue_index = ue_index,
		.cause = (uint8_t)cause,
		.size = size < UINT16_MAX ? (uint16_t)size : UINT16_MAX,
		.limit = limit,
	};
}

void fk_plan_add(struct fk_plan *plan, uint32_t ue_index, const struct fk_ue_slot *ue,
		 const struct fk_message_size *size)
{
	enum fk_cause cause = fk_plan_judge(ue, size);
	uint32_t octets = fk_plan_message_size(ue, size);

	plan->n_members++;
	if (cause != FK_CAUSE_NONE) {
		exclude(plan, ue_index, cause, octets, size->limit);
		return;
	}
	plan->n_served++;
	if (octets == 0)
		return;
	plan->payload = size->payload;
	if (plan->size_min == 0 || octets < plan->size_min)
		plan->size_min = (uint16_t)octets;
	if (octets > plan->size_max)
		plan->size_max = (uint16_t)octets;
	if (plan->limit_min == 0 || size->limit < plan->limit_min)
		plan->limit_min = size->limit;
}
