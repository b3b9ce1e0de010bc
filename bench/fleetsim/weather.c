/* SPDX-License-Identifier: Apache-2.0 */
/* weather.c - see weather.h. */
#include <string.h>

#include "weather.h"

void fk_weather_init(struct fk_weather *weather, const struct fk_weather_spec *spec)
{
	memset(weather, 0, sizeof(*weather));
	weather->spec = *spec;
	weather->is_fine = true;
	for (uint32_t way = 0; way < FK_WAYS; way++) {
		if (spec->loss_percent[way] > 0 || spec->repeat_percent[way] > 0 ||
		    spec->reorder_percent[way] > 0 || spec->delay_ms[way] > 0)
			weather->is_fine = false;
		for (uint32_t effect = 0; effect < FK_WEATHER_EFFECTS; effect++)
			weather->streams[way][effect] = fk_weather_mix(
				fk_weather_mix(spec->seed) + way * FK_WEATHER_EFFECTS + effect);
	}
}

static uint64_t draw(struct fk_weather *weather, enum fk_way way, enum fk_weather_effect effect)
{
	return fk_weather_mix(weather->streams[way][effect]++);
}

static uint32_t draw_delay(struct fk_weather *weather, enum fk_way way)
{
	const struct fk_weather_spec *spec = &weather->spec;
	uint64_t span = 2 * (uint64_t)spec->jitter_ms[way] + 1;

	if (spec->delay_ms[way] == 0)
		return 0;
	return spec->delay_ms[way] - spec->jitter_ms[way] +
	       (uint32_t)(draw(weather, way, FK_WEATHER_DELAY) % span);
}

struct fk_fate fk_weather_draw(struct fk_weather *weather, enum fk_way way)
{
	const struct fk_weather_spec *spec = &weather->spec;
	struct fk_fate fate = {0};

	if (weather->is_fine)
		return fate;
	/* Every stream advances with every datagram, lost or not. */
	fate.is_lost =
		fk_weather_hits(draw(weather, way, FK_WEATHER_LOSS), spec->loss_percent[way]);
	fate.is_repeated =
		fk_weather_hits(draw(weather, way, FK_WEATHER_REPEAT), spec->repeat_percent[way]);
	fate.is_overtaken =
		fk_weather_hits(draw(weather, way, FK_WEATHER_REORDER), spec->reorder_percent[way]);
	fate.delay_ms = draw_delay(weather, way);
	fate.repeat_delay_ms = draw_delay(weather, way);
	return fate.is_lost ? (struct fk_fate){.is_lost = true} : fate;
}
