/* SPDX-License-Identifier: Apache-2.0 */
#include "campaign/waves.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const kinds[] = {
	[FK_WAVE_COUNT] = "count=", [FK_WAVE_PERCENT] = "percent=", [FK_WAVE_AREA] = "area="};

void fk_waves_format(const struct fk_waves *waves, char ret_text[static FK_WAVES_TEXT_SIZE])
{
	size_t at = 0;

	ret_text[0] = '\0';
	for (uint32_t i = 0; i < waves->n && at < FK_WAVES_TEXT_SIZE; i++) {
		const struct fk_wave *wave = &waves->items[i];
		char *to = ret_text + at;
		size_t room = FK_WAVES_TEXT_SIZE - at;

		/* A name may hold any character, so its length stands before it. */
		if (wave->kind == FK_WAVE_AREA)
			at += (size_t)snprintf(to, room, "area=%zu:%s;", strlen(wave->area),
					       wave->area);
		else
			at += (size_t)snprintf(to, room, "%s%u:%u;", kinds[wave->kind], wave->size,
					       wave->end);
	}
}

/* A number and the ':' or ';' behind it. */
static bool take_number(const char **at, const char *end, char behind, uint32_t *ret_number)
{
	uint64_t number = 0;
	const char *p = *at;

	for (; p < end && *p >= '0' && *p <= '9' && number <= UINT32_MAX; p++)
		number = number * 10 + (uint64_t)(*p - '0');
	if (p == *at || p == end || *p != behind || number > UINT32_MAX)
		return false;
	*ret_number = (uint32_t)number;
	*at = p + 1;
	return true;
}

static bool take_area(const char **at, const char *end, struct fk_wave *wave)
{
	uint32_t size;

	if (!take_number(at, end, ':', &size) || size == 0 || size > FK_NAME_SIZE_MAX ||
	    (size_t)(end - *at) <= size || (*at)[size] != ';')
		return false;
	memcpy(wave->area, *at, size);
	*at += size + 1;
	return true;
}

static bool take_wave(const char **at, const char *end, struct fk_wave *wave)
{
	for (uint8_t kind = FK_WAVE_COUNT; kind <= FK_WAVE_AREA; kind++) {
		size_t size = strlen(kinds[kind]);

		if ((size_t)(end - *at) < size || memcmp(*at, kinds[kind], size) != 0)
			continue;
		*at += size;
		wave->kind = kind;
		if (kind == FK_WAVE_AREA)
			return take_area(at, end, wave);
		return take_number(at, end, ':', &wave->size) &&
		       take_number(at, end, ';', &wave->end);
	}
	return false;
}

enum fk_err fk_waves_parse(const char *text, size_t size, struct fk_waves *ret_waves)
{
	struct fk_waves waves;
	const char *end = text + size;

	if (size > 0 && memchr(text, '\0', size) != NULL)
		return FK_EFORMAT; /* no name of an area goes beyond it */
	memset(&waves, 0, sizeof(waves));
	while (text < end) {
		if (waves.n == FK_WAVES_MAX || !take_wave(&text, end, &waves.items[waves.n]))
			return FK_EFORMAT;
		waves.n++;
	}
	*ret_waves = waves;
	return FK_OK;
}

uint32_t fk_waves_find(const struct fk_waves *waves, const int32_t area_ids[static FK_WAVES_MAX],
		       uint32_t n, uint32_t ue_index, uint32_t area_id)
{
	for (uint32_t i = 0; i < n; i++) {
		const struct fk_wave *wave = &waves->items[i];

		if (wave->kind == FK_WAVE_AREA ? area_ids[i] == (int32_t)area_id
					       : ue_index < wave->end)
			return i;
	}
	return n;
}

const char *fk_halt_label(uint8_t halt)
{
	static const char *const labels[] = {
#define X(name, label) label,
		FK_HALT_MAP(X)
#undef X
	};

	return halt < FK_HALTS ? labels[halt] : "unknown";
}

const char *fk_gate_state_label(enum fk_gate_state state)
{
	switch (state) {
	case FK_GATE_SENDING:
		return "sending";
	case FK_GATE_SETTLING:
		return "settling";
	case FK_GATE_PASSED:
		return "passed";
	case FK_GATE_SHUT:
		return "shut";
	}
	return "unknown";
}

/* Whether 'part' is at least so many percent of 'whole'. */
static bool is_at_least(uint32_t part, uint32_t percent, uint32_t whole)
{
	return (uint64_t)part * 100 >= (uint64_t)percent * whole;
}

enum fk_gate_state fk_gate_judge(const struct fk_gate *gate, const struct fk_wave_tally *tally,
				 bool has_waited, enum fk_halt *ret_halt)
{
	const struct fk_wave_tally *t = tally;
	uint32_t sample = gate->min_sample < t->n ? gate->min_sample : t->n;

	*ret_halt = FK_HALT_NONE;
	if (t->n_unsent > 0)
		return FK_GATE_SENDING;
	if (t->n_final < t->n && !has_waited)
		return FK_GATE_SETTLING;
	if ((uint64_t)t->n_offline * 100 > (uint64_t)gate->max_offline_percent * t->n)
		*ret_halt = FK_HALT_OFFLINE;
	else if (t->n_living < sample)
		*ret_halt = FK_HALT_SAMPLE;
	else if (is_at_least(t->n_acked, gate->min_acked_percent, t->n_living))
		return FK_GATE_PASSED;
	else if (is_at_least(t->n_acked + t->n_open, gate->min_acked_percent, t->n_living))
		return FK_GATE_SETTLING; /* the living ones that are open may still do */
	else
		*ret_halt = FK_HALT_ACKED;
	return FK_GATE_SHUT;
}
