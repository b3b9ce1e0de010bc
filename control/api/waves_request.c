/* SPDX-License-Identifier: Apache-2.0 */
#include "api/waves_request.h"

#include <string.h>

static const char *const kind_names[] = {
	[FK_WAVE_COUNT] = "count", [FK_WAVE_PERCENT] = "percent", [FK_WAVE_AREA] = "area"};

#define COUNT_MAX 100000000 /* more than any fleet has */

static enum fk_err take_size(const json_t *value, json_int_t max, uint32_t at, struct fk_wave *wave,
			     struct fk_reason *reason)
{
	json_int_t size = json_integer_value(value);

	if (json_is_integer(value) && size >= 1 && size <= max) {
		wave->size = (uint32_t)size;
		return FK_OK;
	}
	fk_reason_set(reason, "item %u must have an integer from 1 to %" JSON_INTEGER_FORMAT, at,
		      max);
	return json_is_integer(value) ? FK_ERANGE : FK_EINVAL;
}

static enum fk_err take_area(const json_t *value, uint32_t at, struct fk_wave *wave,
			     struct fk_reason *reason)
{
	size_t size = json_string_length(value);

	if (!json_is_string(value) || size == 0 || strlen(json_string_value(value)) != size) {
		fk_reason_set(reason, "item %u must have the name of an area", at);
		return FK_EINVAL;
	}
	if (size >= sizeof(wave->area)) {
		fk_reason_set(reason, "item %u: a name has at most %zu characters", at,
			      sizeof(wave->area) - 1);
		return FK_ERANGE;
	}
	memcpy(wave->area, json_string_value(value), size + 1);
	return FK_OK;
}

static enum fk_err take_wave(const json_t *item, uint32_t at, struct fk_wave *wave,
			     struct fk_reason *reason)
{
	for (uint8_t kind = FK_WAVE_COUNT; kind <= FK_WAVE_AREA; kind++) {
		const json_t *value = json_object_get(item, kind_names[kind]);

		if (value == NULL || json_object_size(item) != 1)
			continue;
		wave->kind = kind;
		if (kind == FK_WAVE_AREA)
			return take_area(value, at, wave, reason);
		return take_size(value, kind == FK_WAVE_PERCENT ? 100 : COUNT_MAX, at, wave,
				 reason);
	}
	fk_reason_set(reason, "item %u must be an object with one of count, percent and area", at);
	return FK_EINVAL;
}

enum fk_err fk_waves_request_parse(const json_t *value, struct fk_waves *ret_waves,
				   struct fk_reason *reason)
{
	size_t n = json_array_size(value);
	struct fk_waves waves;

	memset(&waves, 0, sizeof(waves));
	if (!json_is_array(value)) {
		fk_reason_set(reason, "must be a list of waves");
		return FK_EINVAL;
	}
	if (n == 0 || n > FK_WAVES_MAX) {
		fk_reason_set(reason, "has %zu waves, must have 1 to %u", n, FK_WAVES_MAX);
		return FK_ERANGE;
	}
	for (uint32_t i = 0; i < n; i++) {
		enum fk_err err = take_wave(json_array_get(value, i), i, &waves.items[i], reason);

		if (err != FK_OK)
			return err;
	}
	waves.n = (uint8_t)n;
	*ret_waves = waves;
	return FK_OK;
}

enum fk_err fk_gate_request_parse(const json_t *value, struct fk_gate *gate,
				  struct fk_reason *reason)
{
	uint32_t acked = gate->min_acked_percent, offline = gate->max_offline_percent;
	struct fk_gate parsed = *gate;
	const struct {
		const char *name;
		uint32_t *to;
		json_int_t max;
	} members[] = {
		{"min_acked_percent", &acked, 100},
		{"min_sample", &parsed.min_sample, COUNT_MAX},
		{"failed_limit", &parsed.failed_limit, COUNT_MAX},
		{"max_offline_percent", &offline, 100},
		{"life_s", &parsed.life_s, 7 * 86400},
	};
	const char *name;
	json_t *member;

	if (!json_is_object(value)) {
		fk_reason_set(reason, "must be an object");
		return FK_EINVAL;
	}
	json_object_foreach((json_t *)value, name, member)
	{
		json_int_t number = json_integer_value(member);
		size_t i = 0, n = sizeof(members) / sizeof(members[0]);

		while (i < n && strcmp(members[i].name, name) != 0)
			i++;
		if (i == n) {
			fk_reason_set(reason, "has no member %.40s", name);
			return FK_EINVAL;
		}
		if (!json_is_integer(member) || number < 0 || number > members[i].max) {
			fk_reason_set(reason,
				      "%s must be an integer from 0 to %" JSON_INTEGER_FORMAT, name,
				      members[i].max);
			return json_is_integer(member) ? FK_ERANGE : FK_EINVAL;
		}
		*members[i].to = (uint32_t)number;
	}
	parsed.min_acked_percent = (uint8_t)acked;
	parsed.max_offline_percent = (uint8_t)offline;
	*gate = parsed;
	return FK_OK;
}

json_t *fk_waves_json(const struct fk_waves *waves)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < waves->n; i++) {
		const struct fk_wave *wave = &waves->items[i];
		json_t *size = wave->kind == FK_WAVE_AREA ? json_string(wave->area)
							  : json_integer(wave->size);

		json_array_append_new(list, json_pack("{s:o}", kind_names[wave->kind], size));
	}
	return list;
}

json_t *fk_gate_json(const struct fk_gate *gate)
{
	return json_pack("{s:i, s:I, s:I, s:i, s:I}", "min_acked_percent", gate->min_acked_percent,
			 "min_sample", (json_int_t)gate->min_sample, "failed_limit",
			 (json_int_t)gate->failed_limit, "max_offline_percent",
			 gate->max_offline_percent, "life_s", (json_int_t)gate->life_s);
}
