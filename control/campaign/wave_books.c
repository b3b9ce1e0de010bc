/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scheduler's waves: which is in force, where it stands, and what its gate says.
 */
#include "campaign/scheduler_private.h"

void fk_scheduler_set_wave(struct fk_scheduler *s, uint32_t ue_index, uint8_t wave)
{
	uint8_t state = s->deliveries[ue_index].state;

	s->wave_states[s->runs[ue_index].wave][state]--;
	s->wave_states[wave][state]++;
	s->runs[ue_index].wave = wave;
}

const uint32_t *fk_scheduler_wave_states(const struct fk_scheduler *s, uint32_t wave)
{
	return s->wave_states[wave < FK_WAVES_MAX ? wave : FK_WAVES_MAX];
}

/* The books are made anew: a wave is begun a few times in a campaign. */
void fk_scheduler_begin_wave(struct fk_scheduler *s, uint32_t wave)
{
	s->wave = wave;
	s->out_at_ms = UINT64_MAX;
	s->reserve_at = 0;
	s->wave_tally = (struct fk_wave_tally){.n = 0};
	s->tally.n_failed = 0;
	for (uint32_t i = 0; i < FK_NEXT_HOPS_MAX; i++)
		s->hops[i].n_active = 0;
	for (uint32_t i = 0; i < s->opt.n_slots; i++)
		fk_delivery_count(s, i, 1);
}

uint32_t fk_scheduler_last_reserved_wave(const struct fk_scheduler *s)
{
	uint32_t last = 0;

	for (uint32_t i = 0; i < s->opt.n_slots; i++) {
		const struct fk_delivery *d = &s->deliveries[i];

		if (d->state != FK_DELIVERY_NONE && d->date_time_s != 0 && s->runs[i].wave > last)
			last = s->runs[i].wave;
	}
	return last;
}

uint32_t fk_scheduler_wave(const struct fk_scheduler *s)
{
	return s->wave;
}

const struct fk_wave_tally *fk_scheduler_wave_tally(const struct fk_scheduler *s)
{
	return &s->wave_tally;
}

void fk_scheduler_excuse(struct fk_scheduler *s, uint32_t n_failed)
{
	s->n_excused = n_failed;
}

static bool has_failed_too_often(const struct fk_scheduler *s)
{
	return s->opt.gate.failed_limit != 0 &&
	       s->tally.n_failed >= (uint64_t)s->n_excused + s->opt.gate.failed_limit;
}

enum fk_gate_state fk_scheduler_judge(struct fk_scheduler *s, const struct fk_scheduler_now *now,
				      enum fk_halt *ret_halt)
{
	bool is_last = s->wave + 1 >= s->opt.n_waves;
	bool has_waited;

	if (s->wave_tally.n_unsent > 0)
		s->out_at_ms = UINT64_MAX;
	else if (s->out_at_ms == UINT64_MAX)
		s->out_at_ms = now->ms;
	has_waited = s->out_at_ms != UINT64_MAX &&
		     now->ms - s->out_at_ms >= (uint64_t)s->opt.gate.life_s * 1000;
	*ret_halt = FK_HALT_NONE;
	if (has_failed_too_often(s)) {
		*ret_halt = FK_HALT_FAILED;
		return FK_GATE_SHUT;
	}
	if (is_last)
		return s->wave_tally.n_unsent > 0 ? FK_GATE_SENDING : FK_GATE_SETTLING;
	return fk_gate_judge(&s->opt.gate, &s->wave_tally, has_waited, ret_halt);
}
