/* SPDX-License-Identifier: Apache-2.0 */
/* traits.c - see traits.h. */
#include <fleetkey/kmm.h>

#include "traits.h"
#include "weather.h"

#define SIP_ACCEPTED	202
#define SIP_NOT_FOUND	404
#define SIP_UNAVAILABLE 480
#define SIP_OVERLOADED	503
#define LEAVING_MS	2000 /* between a Deregistration and the end */

const char *fk_trait_name(enum fk_trait trait)
{
	static const char *const names[] = {
#define X(name, label) label,
		FK_TRAIT_MAP(X)
#undef X
	};

	return names[trait];
}

const char *fk_false_name_counter_name(enum fk_false_name false_name)
{
	static const char *const names[] = {
#define X(name, counter) counter,
		FK_FALSE_NAME_MAP(X)
#undef X
	};

	return names[false_name];
}

static bool is_of_requests(enum fk_trait trait)
{
	return trait == FK_TRAIT_REFUSE_480 || trait == FK_TRAIT_REFUSE_503;
}

static uint64_t spread(const struct fk_traits *traits, enum fk_trait trait, uint32_t ue_index,
		       uint32_t n)
{
	uint64_t word = fk_weather_mix(traits->spec.seed ^ (uint64_t)(trait + 1) << 56);

	return fk_weather_mix(word + ((uint64_t)n << 32 | ue_index));
}

uint8_t fk_traits_hello_flag(const struct fk_traits_spec *spec, uint32_t ue_index)
{
	return spec->hello_flag < FK_HELLO_FLAGS ? spec->hello_flag
						 : (uint8_t)(ue_index % FK_HELLO_FLAGS);
}

void fk_traits_apply(struct fk_traits *traits, struct fk_fleet *fleet)
{
	const struct fk_traits_spec *spec = &traits->spec;

	for (uint32_t trait = 0; trait < FK_TRAITS; trait++) {
		if (is_of_requests((enum fk_trait)trait) || !(spec->percent[trait] > 0))
			continue;
		for (uint32_t i = 0; i < fleet->n_ues; i++) {
			uint64_t word = spread(traits, (enum fk_trait)trait, i, 0);

			if (!fk_weather_hits(word, spec->percent[trait]))
				continue;
			fleet->ues[i].traits |= (uint16_t)(1u << trait);
			traits->ues[trait]++;
			if (trait == FK_TRAIT_OFFLINE && (word & 1) != 0)
				fleet->ues[i].is_silent_offline = true;
			if (trait == FK_TRAIT_OFFLINE && spec->says_hello &&
			    fk_traits_hello_flag(spec, i) == FK_HELLO_REKEY_NO_UKEK)
				fk_sim_ue_lose_kek(&fleet->ues[i]);
			if (trait == FK_TRAIT_NO_PTEK)
				fk_sim_ue_lose_ptek(&fleet->ues[i]);
			if (trait == FK_TRAIT_SMALL_WINDOW && fleet->ues[i].mnp > spec->window)
				fleet->ues[i].mnp = spec->window;
		}
	}
}

static bool is_away(const struct fk_traits *traits, const struct fk_sim_ue *ue, uint64_t now_ms)
{
	uint64_t back_ms = (uint64_t)traits->spec.offline_back_s * 1000;
	uint64_t leave_ms = (uint64_t)traits->spec.leave_s * 1000;
	uint64_t since_ms = now_ms - traits->begun_at_ms;

	/* Who has said that it goes still hears the answer. */
	return fk_ue_has_trait(ue, FK_TRAIT_OFFLINE) &&
	       (leave_ms == 0 || since_ms >= leave_ms + LEAVING_MS) &&
	       (back_ms == 0 || since_ms < back_ms);
}

uint16_t fk_traits_answer(struct fk_traits *traits, struct fk_sim_ue *ue, uint32_t ue_index,
			  uint64_t now_ms)
{
	const double *percent = traits->spec.percent;
	uint32_t n = ue->n_requests++;

	if (!traits->has_begun) {
		traits->has_begun = true;
		traits->begun_at_ms = now_ms;
	}
	if (fk_ue_has_trait(ue, FK_TRAIT_REFUSE_404)) {
		traits->events[FK_TRAIT_REFUSE_404]++;
		ue->refusal = FK_SIM_REFUSED_404;
		return SIP_NOT_FOUND;
	}
	if (is_away(traits, ue, now_ms)) {
		traits->events[FK_TRAIT_OFFLINE]++;
		return ue->is_silent_offline ? SIP_ACCEPTED : SIP_UNAVAILABLE;
	}
	if (percent[FK_TRAIT_REFUSE_503] > 0 &&
	    fk_weather_hits(spread(traits, FK_TRAIT_REFUSE_503, ue_index, n),
			    percent[FK_TRAIT_REFUSE_503])) {
		traits->events[FK_TRAIT_REFUSE_503]++;
		return SIP_OVERLOADED;
	}
	if (percent[FK_TRAIT_REFUSE_480] > 0 &&
	    fk_weather_hits(spread(traits, FK_TRAIT_REFUSE_480, ue_index, n),
			    percent[FK_TRAIT_REFUSE_480])) {
		traits->events[FK_TRAIT_REFUSE_480]++;
		return SIP_UNAVAILABLE;
	}
	return SIP_ACCEPTED;
}

bool fk_traits_are_leaving(const struct fk_traits *traits, uint64_t now_ms)
{
	uint64_t leave_ms = (uint64_t)traits->spec.leave_s * 1000;

	return traits->spec.registers && traits->has_begun && leave_ms > 0 &&
	       now_ms - traits->begun_at_ms >= leave_ms;
}

bool fk_traits_are_back(const struct fk_traits *traits, uint64_t now_ms)
{
	uint64_t back_ms = (uint64_t)traits->spec.offline_back_s * 1000;

	return (traits->spec.says_hello || traits->spec.registers) && traits->has_begun &&
	       back_ms > 0 && now_ms - traits->begun_at_ms >= back_ms;
}

bool fk_traits_is_deaf(const struct fk_traits *traits, const struct fk_sim_ue *ue, uint64_t now_ms)
{
	return ue->is_silent_offline && is_away(traits, ue, now_ms);
}
