/* SPDX-License-Identifier: Apache-2.0 */
#include "campaign/fold.h"

#include <string.h>

#include <fleetkey/kmm.h>

void fk_fold_begin(struct fk_fold *fold, const struct fk_campaign *campaign,
		   fk_campaign_find_fn find, void *ctx)
{
	*fold = (struct fk_fold){.campaign = campaign, .find = find, .ctx = ctx};
}

/* Which keys of the campaign 'id' stand where those of this one go. */
static const uint8_t *places_of(struct fk_fold *fold, uint32_t id)
{
	const struct fk_campaign *c = fold->campaign, *old;
	uint8_t *at = fold->places[id % FK_FOLD_CACHE].at;

	if (fold->places[id % FK_FOLD_CACHE].id == id)
		return at;
	fold->places[id % FK_FOLD_CACHE].id = id;
	memset(at, 0, FK_CAMPAIGN_KEYS_MAX);
	old = fold->find(fold->ctx, id);
	if (old == NULL || old->keyset_id != c->keyset_id)
		return at;
	for (uint32_t i = 0; i < old->n_keys; i++) {
		for (uint8_t k = 0; k < c->n_keys; k++) {
			if (old->slns[i] == c->slns[k])
				at[i] = (uint8_t)(k + 1);
		}
	}
	return at;
}

static bool holds_exactly(const struct fk_campaign *c, const struct fk_currency *ue)
{
	uint16_t all = (uint16_t)((1u << c->n_keys) - 1);

	for (uint32_t i = 0; i < ue->n_entries; i++) {
		if (ue->entries[i].evidence.campaign_id == c->keys_of)
			return ue->entries[i].held == all && ue->entries[i].maybe == 0;
	}
	return false;
}

/* True if the campaign 'id' has made its keys later than those that this one gives. */
static bool is_later(struct fk_fold *fold, uint32_t id)
{
	uint32_t given = fk_campaign_keys_of(fold->campaign);
	const struct fk_campaign *a = fold->find(fold->ctx, given), *b = fold->find(fold->ctx, id);

	/* Keys are made at the start. What is not remembered is old. */
	if (a != NULL && b != NULL && a->start_number != b->start_number)
		return b->start_number > a->start_number;
	return id > given;
}

/* True if the UE has, or possibly has, a key of another campaign in the place of one of this one's;
 * with 'only_later', of a campaign that came after it. */
static bool is_taken(struct fk_fold *fold, const struct fk_currency *ue, bool only_later)
{
	for (uint32_t e = 0; e < ue->n_entries; e++) {
		const struct fk_currency_entry *entry = &ue->entries[e];
		uint32_t id = entry->evidence.campaign_id;
		const uint8_t *at;

		if (id == fk_campaign_keys_of(fold->campaign))
			continue;
		at = places_of(fold, id);
		for (uint32_t i = 0; i < FK_CAMPAIGN_KEYS_MAX; i++) {
			if (at[i] != 0 && ((entry->held | entry->maybe) >> i & 1) != 0 &&
			    (!only_later || is_later(fold, id)))
				return true;
		}
	}
	return false;
}

/* A rekey, by what is active at the UE. After a gap nobody knows what has the places. */
static enum fk_cause judge_active(struct fk_fold *fold, const struct fk_currency *ue)
{
	const struct fk_campaign *c = fold->campaign;

	if (ue->active == FK_ACTIVE_UNKNOWN)
		return FK_CAUSE_ACTIVE_UNKNOWN;
	if (ue->active == FK_ACTIVE_KNOWN && ue->active_keyset == c->keyset_id &&
	    !c->replaces_active && (ue->has_gap || is_taken(fold, ue, false)))
		return FK_CAUSE_IN_USE;
	return FK_CAUSE_NONE;
}

enum fk_cause fk_currency_judge(struct fk_fold *fold, const struct fk_currency *ue)
{
	const struct fk_campaign *c = fold->campaign;

	if (c->keys_of != 0 && fk_kind(c->kind)->gives_keys && is_taken(fold, ue, true))
		return FK_CAUSE_SUPERSEDED;
	if (c->ckek_of != 0 && fk_currency_state(ue, c->ckek_of, 0) != FK_KEY_HELD)
		return FK_CAUSE_NO_CKEK;
	switch ((enum fk_kind_rule)fk_kind(c->kind)->rule) {
	case FK_RULE_ANY:
		return FK_CAUSE_NONE;
	case FK_RULE_SETTLED:
		return judge_active(fold, ue);
	case FK_RULE_HOLDERS:
		return holds_exactly(c, ue) ? FK_CAUSE_NONE : FK_CAUSE_KEYS_NOT_HELD;
	case FK_RULE_INACTIVE:
		if (fk_campaign_has_ckek(c))
			return FK_CAUSE_NONE; /* no traffic is under it */
		return ue->active == FK_ACTIVE_KNOWN && ue->active_keyset != c->keyset_id
			       ? FK_CAUSE_NONE
			       : FK_CAUSE_IN_USE;
	}
	return FK_CAUSE_UNBUILDABLE;
}

/* What the keys of this campaign do to those that had their places. */
static void displace(struct fk_fold *fold, struct fk_currency *ue, uint16_t held, uint16_t maybe)
{
	for (uint32_t e = 0; e < ue->n_entries; e++) {
		struct fk_currency_entry *entry = &ue->entries[e];
		const uint8_t *at;

		if (entry->evidence.campaign_id == fk_campaign_keys_of(fold->campaign))
			continue;
		at = places_of(fold, entry->evidence.campaign_id);
		for (uint32_t i = 0; i < FK_CAMPAIGN_KEYS_MAX; i++) {
			uint16_t bit = (uint16_t)(1u << i);

			if (at[i] == 0)
				continue;
			if (held >> (at[i] - 1) & 1) {
				entry->held &= (uint16_t)~bit;
				entry->maybe &= (uint16_t)~bit;
			} else if ((maybe >> (at[i] - 1) & 1) && !(entry->maybe & bit) &&
				   (entry->held & bit)) {
				entry->held &= (uint16_t)~bit;
				entry->maybe |= bit;
			}
		}
	}
	fk_currency_tidy(ue);
}

/*
 * A status that says that the command was not performed, and why. Not 07: an earlier copy may have
 * been performed. Not FF, nor a code that the sheet does not have: they say nothing.
 * spec: P25 sheet 1.6
 */
static bool is_proof_of_absence(uint8_t status)
{
	switch (status) {
	case FK_KMM_STATUS_NOT_PERFORMED:
	case FK_KMM_STATUS_NO_ITEM:
	case FK_KMM_STATUS_UNSUPPORTED:
	case FK_KMM_STATUS_NO_MEMORY:
	case FK_KMM_STATUS_NO_KEK:
	case FK_KMM_STATUS_INVALID_KEY_ID:
	case FK_KMM_STATUS_INVALID_ALGORITHM:
	case FK_KMM_STATUS_INVALID_MFID:
	case FK_KMM_STATUS_MODULE_FAILURE:
	case FK_KMM_STATUS_ERASED:
		return true;
	}
	return false;
}

/* The keys of the delivery's step that it lacks for certain. Only the first status is kept, and
 * only of the attempt that was answered: several statuses, or attempts, prove nothing. */
static bool is_refused_for_certain(const struct fk_delivery *d, uint16_t missing)
{
	return fk_delivery_is_final(d) && d->cause == FK_CAUSE_KMM && d->attempt == 0 &&
	       (missing & (missing - 1)) == 0 && is_proof_of_absence((uint8_t)d->cause_detail);
}

static uint16_t step_mask(const struct fk_campaign *c, const struct fk_delivery *d)
{
	uint32_t first, n = fk_delivery_step_keys(d, fk_campaign_n_given(c), &first);

	return (uint16_t)(((1u << n) - 1) << first);
}

/* The step of the kind's own command; there is one at most. */
static uint32_t command_step(const struct fk_campaign *c, const struct fk_delivery *d)
{
	return (fk_campaign_n_given(c) + d->keys_per_kmm - 1u) / d->keys_per_kmm;
}

/* The keys that may have been sent, and of which nobody has said what became of them. */
static uint16_t possibly_held(const struct fk_campaign *c, const struct fk_delivery *d)
{
	uint16_t missing = step_mask(c, d) & (uint16_t)~d->keys_held;

	if (missing == 0 || !fk_delivery_may_have_been_sent(d) ||
	    is_refused_for_certain(d, missing))
		return 0;
	return missing;
}

/* When the last acknowledgement came; before all keys are there only the KMM's own time is kept. */
static uint32_t evidence_time_s(const struct fk_campaign *c, const struct fk_delivery *d)
{
	if (d->flags & fk_campaign_goal(c))
		return (uint32_t)((fk_campaign_began_at_ms(c) + d->acked_ms) / 1000);
	return d->date_time_s;
}

static struct fk_evidence evidence_of(const struct fk_campaign *c, const struct fk_delivery *d)
{
	struct fk_evidence e = {
		.campaign_id = c->id,
		.at_s = evidence_time_s(c, d),
		.inbound_number = d->inbound_number,
		.mac_key_id = d->mac_key_id,
	};

	memcpy(e.mac, d->mac, sizeof(e.mac));
	return e;
}

/* The answer of the closing exchange is not kept but for what it said, so the evidence is that of
 * the keys. */
static void note_active(const struct fk_campaign *c, const struct fk_delivery *d,
			struct fk_currency *ue)
{
	uint8_t keyset = fk_delivery_active_keyset(d);

	if (keyset == 0)
		return;
	ue->active = FK_ACTIVE_KNOWN;
	ue->active_keyset = keyset;
	ue->active_evidence = evidence_of(c, d);
}

/* What a Changeover-Command did, if it may have been sent. */
static void note_changeover(const struct fk_campaign *c, const struct fk_delivery *d,
			    struct fk_currency *ue)
{
	bool is_done = (d->flags & FK_DELIVERY_PERFORMED) != 0;

	if (d->keys_per_kmm == 0 || !fk_kind_has_command(fk_kind(c->kind), FK_ORDER_CHANGEOVER))
		return;
	if (!is_done && (d->step != command_step(c, d) || !fk_delivery_may_have_been_sent(d) ||
			 is_refused_for_certain(d, 1)))
		return;
	ue->active = is_done ? FK_ACTIVE_KNOWN : FK_ACTIVE_UNKNOWN;
	ue->active_keyset = c->keyset_id;
	ue->active_evidence = evidence_of(c, d);
}

/* True if a deletion by this campaign concerns the keys of that entry. */
static bool is_deleted(struct fk_fold *fold, const struct fk_currency_entry *entry)
{
	const struct fk_campaign *c = fold->campaign, *of;

	if (c->kind == FK_KIND_DELETE_KEY)
		return entry->evidence.campaign_id == c->keys_of;
	of = fold->find(fold->ctx, entry->evidence.campaign_id);
	return of != NULL && of->keyset_id == c->keyset_id;
}

/* Deleted for certain, or perhaps: what was held then possibly is. */
static void delete_keys(struct fk_fold *fold, struct fk_currency *ue, bool is_certain)
{
	for (uint32_t i = 0; i < ue->n_entries; i++) {
		struct fk_currency_entry *entry = &ue->entries[i];

		if (!is_deleted(fold, entry))
			continue;
		if (is_certain) {
			entry->held = entry->maybe = 0;
		} else {
			uint16_t was_held = entry->held & (uint16_t)~entry->maybe;

			entry->held &= (uint16_t)~was_held;
			entry->maybe |= was_held;
		}
	}
	fk_currency_tidy(ue);
}

static bool is_deletion(const struct fk_campaign *c)
{
	return c->kind == FK_KIND_DELETE_KEY || c->kind == FK_KIND_DELETE_KEYSET;
}

/* What a Delete-Key- or Delete-Keyset-Command did, if it may have been sent. */
static void note_deletion(struct fk_fold *fold, const struct fk_delivery *d, struct fk_currency *ue)
{
	bool is_done = (d->flags & FK_DELIVERY_PERFORMED) != 0;

	if (is_deletion(fold->campaign) && (is_done || fk_delivery_may_have_been_sent(d)))
		delete_keys(fold, ue, is_done);
}

/* What a Zeroize-Command did, if it may have been sent: nothing is held, or nobody knows. */
static void note_zeroize(const struct fk_campaign *c, const struct fk_delivery *d,
			 struct fk_currency *ue)
{
	const struct fk_evidence evidence = evidence_of(c, d);

	if (c->kind != FK_KIND_ZEROIZE)
		return;
	if ((d->flags & FK_DELIVERY_PERFORMED) != 0) {
		fk_currency_zeroize(ue, &evidence);
	} else if (fk_delivery_may_have_been_sent(d) && !is_refused_for_certain(d, 1)) {
		fk_currency_doubt(ue);
		ue->active = FK_ACTIVE_UNKNOWN;
		ue->active_keyset = 0;
		ue->active_evidence = evidence;
	}
}

/*
 * What an inventory says of the keys that it asked for: those that are listed are held, and if it
 * lists their keyset, and that alone, the others are not. Of keys in another keyset it says
 * nothing. spec: P25 sheet 1.5, Inventory-Command 04: list active key IDs
 */
static void note_inventory(struct fk_fold *fold, const struct fk_delivery *d,
			   struct fk_currency *ue)
{
	const struct fk_campaign *c = fold->campaign;
	uint16_t all = (uint16_t)((1u << c->n_keys) - 1), held = d->keys_held & all, gone = 0;
	struct fk_currency_entry *entry;

	if (!fk_kind(c->kind)->may_ask || c->keys_of == 0 || d->state != FK_DELIVERY_ACKED)
		return;
	if (fk_delivery_active_keyset(d) == c->keyset_id)
		gone = all & (uint16_t)~held;
	entry = fk_currency_find(ue, c->keys_of);
	if (held == 0 && (entry == NULL || gone == 0))
		return;
	if (entry == NULL)
		entry = fk_currency_add(ue, c->keys_of);
	entry->held = (entry->held | held) & (uint16_t)~gone;
	entry->maybe &= (uint16_t) ~(held | gone);
	entry->evidence = evidence_of(c, d);
	entry->evidence.campaign_id = c->keys_of;
	if (held == all)
		entry->flags |= FK_CURRENCY_LISTED;
	displace(fold, ue, held, 0);
}

bool fk_fold_is_done(const struct fk_campaign *c, struct fk_currency *ue)
{
	return fk_currency_find(ue, c->id) != NULL ||
	       (ue->active != FK_ACTIVE_NEVER && ue->active_evidence.campaign_id == c->id);
}

enum fk_diff fk_fold_diff(struct fk_fold *fold, const struct fk_currency *ue)
{
	uint16_t all = (uint16_t)((1u << fold->campaign->n_keys) - 1);
	enum fk_diff diff = ue->has_gap ? FK_DIFF_UNCERTAIN : FK_DIFF_NEW;

	for (uint32_t e = 0; e < ue->n_entries; e++) {
		const struct fk_currency_entry *entry = &ue->entries[e];
		const uint8_t *at;

		if (entry->evidence.campaign_id == fold->campaign->keys_of && entry->maybe == 0 &&
		    entry->held == all)
			return FK_DIFF_HELD;
		at = places_of(fold, entry->evidence.campaign_id);
		for (uint32_t i = 0; i < FK_CAMPAIGN_KEYS_MAX; i++) {
			if (at[i] != 0 && (entry->maybe >> i & 1) != 0)
				diff = FK_DIFF_UNCERTAIN;
			else if (at[i] != 0 && (entry->held >> i & 1) != 0 && diff == FK_DIFF_NEW)
				diff = FK_DIFF_REPLACES;
		}
	}
	return diff;
}

static void fold_keys(struct fk_fold *fold, const struct fk_delivery *d, struct fk_currency *ue)
{
	const struct fk_campaign *c = fold->campaign;
	uint16_t maybe = possibly_held(c, d);
	struct fk_currency_entry *entry;
	uint8_t flags;

	if (d->keys_held == 0 && maybe == 0)
		return;
	flags = (uint8_t)((d->flags & FK_DELIVERY_PROVEN ? FK_CURRENCY_PROVEN : 0) |
			  (d->flags & FK_DELIVERY_LISTED ? FK_CURRENCY_LISTED : 0));
	/* Given again, they are added to what is known of them. */
	entry = fk_currency_find(ue, fk_campaign_keys_of(c));
	if (entry == NULL)
		entry = fk_currency_add(ue, fk_campaign_keys_of(c));
	if (d->keys_held != 0 || (entry->held == 0 && entry->maybe == 0)) {
		entry->evidence = evidence_of(c, d);
		entry->evidence.campaign_id = fk_campaign_keys_of(c);
	}
	entry->held |= d->keys_held;
	entry->maybe = (entry->maybe | maybe) & (uint16_t)~entry->held;
	entry->flags |= flags;
	displace(fold, ue, d->keys_held, maybe);
}

void fk_fold_delivery(struct fk_fold *fold, const struct fk_delivery *d, struct fk_currency *ue)
{
	const struct fk_campaign *c = fold->campaign;

	if (d->state == FK_DELIVERY_NONE || fk_fold_is_done(c, ue))
		return;
	if (fk_kind(c->kind)->gives_keys)
		fold_keys(fold, d, ue);
	note_changeover(c, d, ue);
	note_deletion(fold, d, ue);
	note_zeroize(c, d, ue);
	note_inventory(fold, d, ue);
	note_active(c, d, ue);
}

static struct fk_evidence late_evidence(const struct fk_campaign *c,
					const struct fk_ue_state *state)
{
	struct fk_evidence e = {
		.campaign_id = c->id,
		.at_s = (uint32_t)(state->answered_at_us / 1000000),
		.inbound_number = state->inbound_number,
		.mac_key_id = state->mac_key_id,
	};

	memcpy(e.mac, state->mac, sizeof(e.mac));
	return e;
}

/* Keys that a Rekey-Acknowledgment adds to the delivery that it comes too late for. */
static void add_keys(struct fk_fold *fold, const struct fk_delivery *d,
		     const struct fk_ue_state *state, struct fk_currency *ue)
{
	struct fk_currency_entry *entry = fk_currency_find(ue, fk_campaign_keys_of(fold->campaign));
	uint16_t held = state->keys_held & step_mask(fold->campaign, d);

	if (entry == NULL || (held & (uint16_t)~entry->held) == 0)
		return;
	entry->held |= held;
	entry->maybe &= (uint16_t)~held;
	entry->flags |= FK_CURRENCY_LATE;
	entry->evidence = late_evidence(fold->campaign, state);
	entry->evidence.campaign_id = fk_campaign_keys_of(fold->campaign);
	displace(fold, ue, entry->held, entry->maybe);
}

static void add_changeover(const struct fk_campaign *c, const struct fk_delivery *d,
			   const struct fk_ue_state *state, struct fk_currency *ue)
{
	if (ue->active != FK_ACTIVE_UNKNOWN || ue->active_evidence.campaign_id != c->id ||
	    d->step != command_step(c, d))
		return;
	ue->active = FK_ACTIVE_KNOWN;
	ue->active_evidence = late_evidence(c, state);
}

static void add_zeroize(const struct fk_campaign *c, const struct fk_ue_state *state,
			struct fk_currency *ue)
{
	const struct fk_evidence evidence = late_evidence(c, state);

	/* What came after this campaign says more. */
	if (c->kind == FK_KIND_ZEROIZE && ue->active == FK_ACTIVE_UNKNOWN &&
	    ue->active_evidence.campaign_id == c->id)
		fk_currency_zeroize(ue, &evidence);
}

void fk_fold_late(struct fk_fold *fold, const struct fk_delivery *d,
		  const struct fk_ue_state *state, struct fk_currency *ue)
{
	if (d->state == FK_DELIVERY_NONE || d->keys_per_kmm == 0 ||
	    state->outcome != FK_OUTCOME_ANSWERED)
		return;
	fk_fold_delivery(fold, d, ue);
	if (state->kmm_message_id == FK_KMM_REKEY_ACK)
		add_keys(fold, d, state, ue);
	else if (state->kmm_message_id == FK_KMM_CHANGEOVER_RESPONSE)
		add_changeover(fold->campaign, d, state, ue);
	else if (state->kmm_message_id == FK_KMM_ZEROIZE_RESPONSE)
		add_zeroize(fold->campaign, state, ue);
	else if (is_deletion(fold->campaign) && state->kmm_message_id != FK_KMM_NEGATIVE_ACK &&
		 state->kmm_status == FK_KMM_STATUS_PERFORMED)
		delete_keys(fold, ue, true);
}
