/* SPDX-License-Identifier: Apache-2.0 */
#include "campaign/keyset_choice.h"

void fk_keyset_choice_begin(struct fk_keyset_choice *choice, const struct fk_campaign *c,
			    const uint8_t keysets[static 2], bool has_plan,
			    fk_campaign_find_fn find, void *ctx)
{
	*choice = (struct fk_keyset_choice){.has_plan = has_plan};
	for (uint32_t i = 0; i < 2; i++) {
		choice->keysets[i] = keysets[i];
		choice->drafts[i] = *c;
		choice->drafts[i].keyset_id = keysets[i];
		choice->drafts[i].ckek_of = 0;
		choice->drafts[i].replaces_active = false;
		fk_fold_begin(&choice->folds[i], &choice->drafts[i], find, ctx);
	}
}

/* 0 if the campaign is not remembered. */
static uint8_t keyset_of(struct fk_keyset_choice *choice, uint32_t id)
{
	const struct fk_campaign *c;

	if (choice->last_id != id) {
		c = choice->folds[0].find(choice->folds[0].ctx, id);
		choice->last_id = id;
		choice->last_keyset_id = c != NULL ? c->keyset_id : 0;
	}
	return choice->last_keyset_id;
}

/* True if the UE has, or possibly has, a key in that keyset. */
static bool has_keys_in(struct fk_keyset_choice *choice, const struct fk_currency *ue,
			uint8_t keyset_id)
{
	for (uint32_t i = 0; i < ue->n_entries; i++) {
		if ((ue->entries[i].held | ue->entries[i].maybe) != 0 &&
		    keyset_of(choice, ue->entries[i].evidence.campaign_id) == keyset_id)
			return true;
	}
	return false;
}

/* True if the UE speaks under the keyset of that index. */
static bool speaks_under(struct fk_keyset_choice *choice, const struct fk_currency *ue, uint32_t at)
{
	if (ue->active == FK_ACTIVE_KNOWN)
		return ue->active_keyset == choice->keysets[at] &&
		       (choice->has_plan ||
			fk_currency_judge(&choice->folds[at], ue) == FK_CAUSE_IN_USE);
	if (!choice->has_plan || ue->active == FK_ACTIVE_UNKNOWN)
		return false;
	/* What the plan says goes before what may be in both. */
	if (at == 1 && (ue->has_gap || has_keys_in(choice, ue, choice->keysets[0])))
		return false;
	return (at == 0 && ue->has_gap) || has_keys_in(choice, ue, choice->keysets[at]);
}

void fk_keyset_choice_add(struct fk_keyset_choice *choice, const struct fk_currency *ue)
{
	for (uint32_t i = 0; i < 2; i++)
		choice->n_ues[i] += speaks_under(choice, ue, i);
}

uint8_t fk_keyset_choice_end(const struct fk_keyset_choice *choice)
{
	bool is_first_in_use = choice->n_ues[0] > 0 && choice->n_ues[0] >= choice->n_ues[1];

	return choice->keysets[is_first_in_use ? 1 : 0];
}
