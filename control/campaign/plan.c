/* SPDX-License-Identifier: Apache-2.0 */
#include "campaign/plan.h"

#include <fleetkey/kmm.h>

/* FNV-1a by words: it tells sets of UEs apart, and guards against nobody. */
#define DIGEST_BASIS 0xcbf29ce484222325ull
#define DIGEST_PRIME 0x100000001b3ull

void fk_plan_begin(struct fk_plan *plan, const struct fk_plan_terms *terms)
{
	*plan = (struct fk_plan){.terms = *terms, .digest = DIGEST_BASIS};
}

/* Octets of a KMM with so many keys; with none, of the largest other command. */
static uint32_t kmm_size(uint32_t n_keys)
{
	if (n_keys == 0)
		return FK_KMM_COMMAND_SIZE;
	return FK_KMM_REKEY_SIZE + (n_keys - 1) * FK_KMM_KEY_ITEM_SIZE;
}

uint32_t fk_plan_message_size(const struct fk_ue_slot *ue, const struct fk_message_size *size,
			      uint32_t n_keys)
{
	if (size->base == 0)
		return 0;
	return size->base + (uint32_t)size->n_uris * ue->mcdata_id_size + kmm_size(n_keys) -
	       kmm_size(1);
}

/* One of the limits: what carries one key takes 'one' octets, and 'limit' are allowed. */
struct bound {
	enum fk_plan_limit of;
	uint32_t one, limit;
};

#define BOUNDS 3

/* All limits of a KMM on its way to this UE. */
static uint32_t list_bounds(const struct fk_plan_terms *terms, const struct fk_ue_slot *ue,
			    const struct fk_message_size *size,
			    struct bound ret_bounds[static BOUNDS])
{
	uint16_t payload_limit = terms->payload_limits[ue->next_hop % FK_NEXT_HOPS_MAX];
	uint32_t n_keys = terms->n_keys > 0; /* the fewest that one KMM carries */
	uint32_t message = fk_plan_message_size(ue, size, n_keys), n = 0;

	ret_bounds[n++] =
		(struct bound){FK_PLAN_LIMIT_TRANSPORT, kmm_size(n_keys), terms->transport_limit};
	if (payload_limit != 0)
		ret_bounds[n++] =
			(struct bound){FK_PLAN_LIMIT_PAYLOAD,
				       kmm_size(n_keys) + terms->preamble_size, payload_limit};
	if (message != 0)
		ret_bounds[n++] = (struct bound){FK_PLAN_LIMIT_MESSAGE, message, size->limit};
	return n;
}

uint32_t fk_plan_ue_keys(const struct fk_ue_slot *ue)
{
	uint32_t n_keys = FK_ORDER_KEYS_MAX, fit;

	if (ue->max_keys != 0 && ue->max_keys < n_keys)
		n_keys = ue->max_keys;
	if (ue->max_kmm == 0)
		return n_keys;
	if (ue->max_kmm < FK_KMM_REKEY_SIZE)
		return 0;
	fit = 1 + (ue->max_kmm - FK_KMM_REKEY_SIZE) / FK_KMM_KEY_ITEM_SIZE;
	return fit < n_keys ? fit : n_keys;
}

/* The first limit on the way that even one key is beyond; FK_PLAN_LIMIT_NONE if there is none. */
static struct bound find_breach(const struct fk_plan_terms *terms, const struct fk_ue_slot *ue,
				const struct fk_message_size *size)
{
	struct bound bounds[BOUNDS];
	uint32_t n = list_bounds(terms, ue, size, bounds);

	for (uint32_t i = 0; i < n; i++) {
		if (bounds[i].one > bounds[i].limit)
			return bounds[i];
	}
	return (struct bound){.of = FK_PLAN_LIMIT_NONE};
}

uint32_t fk_plan_keys_per_kmm(const struct fk_plan_terms *terms, const struct fk_ue_slot *ue,
			      const struct fk_message_size *size, enum fk_plan_limit *ret_limit)
{
	struct bound bounds[BOUNDS];
	uint32_t n = list_bounds(terms, ue, size, bounds), n_keys = FK_ORDER_KEYS_MAX;
	enum fk_plan_limit breach = find_breach(terms, ue, size).of;

	if (ret_limit != NULL)
		*ret_limit = breach;
	if (breach != FK_PLAN_LIMIT_NONE)
		return 0;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t fit = 1 + (bounds[i].limit - bounds[i].one) / FK_KMM_KEY_ITEM_SIZE;

		if (fit < n_keys)
			n_keys = fit;
	}
	return n_keys;
}

/* The same, the UE's own limit included. */
static struct bound find_any_breach(const struct fk_plan_terms *terms, const struct fk_ue_slot *ue,
				    const struct fk_message_size *size)
{
	struct bound breach = find_breach(terms, ue, size);

	if (breach.of == FK_PLAN_LIMIT_NONE && fk_plan_ue_keys(ue) == 0)
		breach = (struct bound){FK_PLAN_LIMIT_UE, FK_KMM_REKEY_SIZE, ue->max_kmm};
	return breach;
}

/* True if there is, or will be, a key to authenticate what is sent to the UE by. */
static bool can_authenticate(const struct fk_plan_terms *terms, const struct fk_ue_slot *ue)
{
	return ue->ptek_algorithm_id != 0 || terms->renews ||
	       (terms->may_warm_start && ue->ptek_compromised);
}

enum fk_cause fk_plan_judge(const struct fk_plan_terms *terms, const struct fk_ue_slot *ue,
			    const struct fk_message_size *size)
{
	if (!can_authenticate(terms, ue))
		return FK_CAUSE_NO_PTEK;
	/* That of KEKs each radio has. */
	if (ue->keysets != 0 && terms->keyset_id > ue->keysets &&
	    terms->keyset_id != FK_KMM_KEYSET_KEKS)
		return FK_CAUSE_NO_KEYSET;
	return find_any_breach(terms, ue, size).of != FK_PLAN_LIMIT_NONE ? FK_CAUSE_TOO_LARGE
									 : FK_CAUSE_NONE;
}

void fk_plan_measure(struct fk_plan *plan, const struct fk_ue_slot *ue,
		     const struct fk_message_size *size)
{
	uint8_t *keys_per_kmm = &plan->keys_per_kmm[ue->next_hop % FK_NEXT_HOPS_MAX];
	uint32_t n_keys;

	if (!can_authenticate(&plan->terms, ue))
		return;
	n_keys = fk_plan_keys_per_kmm(&plan->terms, ue, size, NULL);
	if (n_keys != 0 && (*keys_per_kmm == 0 || n_keys < *keys_per_kmm))
		*keys_per_kmm = (uint8_t)n_keys;
}

static void exclude(struct fk_plan *plan, uint32_t ue_index, enum fk_cause cause,
		    const struct bound *breach)
{
	plan->n_causes[cause]++;
	if (plan->n_excluded == FK_PLAN_EXCLUDED_MAX)
		return;
	plan->excluded[plan->n_excluded++] = (struct fk_plan_excluded){
		.ue_index = ue_index,
		.cause = (uint8_t)cause,
		.limit_of = (uint8_t)breach->of,
		.size = breach->one < UINT16_MAX ? (uint16_t)breach->one : UINT16_MAX,
		.limit = (uint16_t)breach->limit,
	};
}

void fk_plan_leave_out(struct fk_plan *plan, uint32_t ue_index, const struct fk_ue_slot *ue,
		       enum fk_cause cause)
{
	const struct bound none = {.of = FK_PLAN_LIMIT_NONE};

	plan->n_members++;
	plan->hops[ue->next_hop % FK_NEXT_HOPS_MAX].n_members++;
	exclude(plan, ue_index, cause, &none);
}

static void note_size(struct fk_plan *plan, uint32_t octets, uint16_t limit)
{
	if (octets == 0)
		return;
	if (plan->size_min == 0 || octets < plan->size_min)
		plan->size_min = (uint16_t)octets;
	if (octets > plan->size_max)
		plan->size_max = (uint16_t)octets;
	if (plan->limit_min == 0 || limit < plan->limit_min)
		plan->limit_min = limit;
}

static void note_hop_size(struct fk_plan_hop *hop, uint32_t octets)
{
	if (octets == 0)
		return;
	if (hop->size_min == 0 || octets < hop->size_min)
		hop->size_min = (uint16_t)octets;
	if (octets > hop->size_max)
		hop->size_max = (uint16_t)octets;
}

void fk_plan_add(struct fk_plan *plan, uint32_t ue_index, const struct fk_ue_slot *ue,
		 const struct fk_message_size *size)
{
	const struct fk_plan_terms *terms = &plan->terms;
	enum fk_cause cause = fk_plan_judge(terms, ue, size);
	uint32_t largest = plan->keys_per_kmm[ue->next_hop % FK_NEXT_HOPS_MAX], n_kmms, payload;
	uint32_t ue_keys = fk_plan_ue_keys(ue);
	struct fk_plan_hop *hop = &plan->hops[ue->next_hop % FK_NEXT_HOPS_MAX];
	struct bound breach;

	plan->n_members++;
	hop->n_members++;
	if (size->base != 0)
		hop->limit = size->limit;
	if (cause != FK_CAUSE_NONE) {
		breach = find_any_breach(terms, ue, size);
		exclude(plan, ue_index, cause, &breach);
		if (breach.of == FK_PLAN_LIMIT_MESSAGE &&
		    (hop->size_refused == 0 || breach.one < hop->size_refused))
			hop->size_refused = (uint16_t)breach.one;
		return;
	}
	plan->digest = (plan->digest ^ ue_index) * DIGEST_PRIME;
	plan->n_served++;
	hop->n_served++;
	if (ue_keys < largest) {
		plan->n_limited += ue_keys < terms->n_keys;
		largest = ue_keys;
	}
	n_kmms = fk_plan_kmms(terms, largest);
	plan->n_kmms += n_kmms;
	hop->n_kmms += n_kmms;
	if (plan->kmms_min == 0 || n_kmms < plan->kmms_min)
		plan->kmms_min = n_kmms;
	if (n_kmms > plan->kmms_max)
		plan->kmms_max = n_kmms;
	if (largest > terms->n_keys)
		largest = terms->n_keys;
	if (plan->keys_min == 0 || largest < plan->keys_min)
		plan->keys_min = (uint8_t)largest;
	if (largest > plan->keys_max)
		plan->keys_max = (uint8_t)largest;
	payload = terms->preamble_size + kmm_size(largest);
	if (payload > plan->payload)
		plan->payload = (uint16_t)payload;
	note_size(plan, fk_plan_message_size(ue, size, largest), size->limit);
	note_hop_size(hop, fk_plan_message_size(ue, size, largest));
}

enum fk_err fk_plan_check_places(const struct fk_plan *plan, const char **ret_field,
				 struct fk_reason *reason)
{
	if (plan->n_served > 0 || plan->terms.n_keys == 0)
		return FK_OK;
	if (plan->n_causes[FK_CAUSE_SUPERSEDED] > 0) {
		*ret_field = "keys_of";
		fk_reason_set(reason,
			      "%u UEs have later keys, or possibly have, in the places of these, "
			      "and nobody is left who could get them",
			      plan->n_causes[FK_CAUSE_SUPERSEDED]);
		return FK_EPOLICY;
	}
	if (plan->n_causes[FK_CAUSE_IN_USE] > 0) {
		*ret_field = "keyset_id";
		fk_reason_set(reason,
			      "%u UEs speak under the keys of keyset %u, and nobody is left who "
			      "does not: name another keyset, or say replaces_active",
			      plan->n_causes[FK_CAUSE_IN_USE], plan->terms.keyset_id);
		return FK_EPOLICY;
	}
	return FK_OK;
}

uint64_t fk_plan_predicted_ms(const struct fk_plan *plan)
{
	const struct fk_plan_terms *terms = &plan->terms;
	uint64_t ms = terms->pace_per_s == 0 ? 0 : plan->n_kmms * 1000 / terms->pace_per_s;

	for (uint32_t i = 0; i < FK_NEXT_HOPS_MAX; i++) {
		uint64_t hop_ms = fk_plan_hop_predicted_ms(plan, i);

		if (hop_ms > ms)
			ms = hop_ms;
	}
	return ms;
}
