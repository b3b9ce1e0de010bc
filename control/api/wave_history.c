/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the waves of a campaign came to, as the API and the signed report show it.
 */
#include <math.h>

#include "api/call.h"
#include "api/campaign_json.h"

/* A share in percent, to a tenth; null of nothing. */
static json_t *percent_json(uint32_t part, uint32_t whole)
{
	return whole != 0 ? json_real(round((double)part * 1000 / whole) / 10) : json_null();
}

static json_t *halt_json(uint8_t halt)
{
	return halt != FK_HALT_NONE ? json_string(fk_halt_label(halt)) : json_null();
}

/* A gate that was shut, and behind which the next wave has begun all the same. */
static const char *decision(const struct fk_wave_record *r)
{
	if (r->verdict == FK_VERDICT_PASSED)
		return "passed";
	return r->ended_at_ms != 0 ? "overridden" : "shut";
}

/* What the gate has said last, and the figures and limits that it was said by. */
static json_t *gate_json(const struct fk_campaign *c, const struct fk_wave_record *r)
{
	const struct fk_wave_tally *t = &r->tally;
	json_t *gate;

	if (r->verdict == FK_VERDICT_NONE)
		return json_null();
	gate = json_pack("{s:s, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o}", "decision",
			 decision(r), "reason", halt_json(r->halt), "at",
			 fk_call_timestamp(r->judged_at_ms), "n_deliveries", (json_int_t)t->n,
			 "ended", (json_int_t)t->n_final, "acked", (json_int_t)t->n_acked, "living",
			 (json_int_t)t->n_living, "offline", (json_int_t)t->n_offline, "failed",
			 (json_int_t)r->n_failed, "acked_percent",
			 percent_json(t->n_acked, t->n_living), "offline_percent",
			 percent_json(t->n_offline, t->n));
	json_object_update_new(gate, json_pack("{s:i, s:I, s:i, s:I}", "min_acked_percent",
					       c->gate.min_acked_percent, "min_sample",
					       (json_int_t)c->gate.min_sample,
					       "max_offline_percent", c->gate.max_offline_percent,
					       "failed_limit", (json_int_t)c->gate.failed_limit));
	return gate;
}

static json_t *resumed_json(const struct fk_wave_record *r)
{
	if (r->n_resumed == 0)
		return json_null();
	return json_pack("{s:I, s:o, s:o, s:o}", "times", (json_int_t)r->n_resumed, "by_uid",
			 fk_api_uid_json(r->resumed_by), "at", fk_call_timestamp(r->resumed_at_ms),
			 "halt_reason", halt_json(r->resumed_halt));
}

static json_t *wave_json(const struct fk_campaign *c, uint32_t wave)
{
	const struct fk_wave_record *r = &c->history.items[wave];
	uint64_t ended_at_ms = wave == c->wave ? c->finished_at_ms : r->ended_at_ms;
	json_t *states = json_object();
	uint64_t n = 0;

	for (uint8_t i = FK_DELIVERY_PENDING; i < FK_DELIVERY_STATES; i++) {
		n += r->states[i];
		if (r->states[i] != 0)
			json_object_set_new(states, fk_delivery_state_label(i),
					    json_integer(r->states[i]));
	}
	return json_pack("{s:I, s:o, s:o, s:I, s:o, s:o, s:o}", "number", (json_int_t)wave + 1,
			 "began_at", fk_call_timestamp(r->began_at_ms), "ended_at",
			 fk_call_timestamp(ended_at_ms), "n_deliveries", (json_int_t)n, "states",
			 states, "gate", gate_json(c, r), "resumed", resumed_json(r));
}

json_t *fk_api_wave_history_json(const struct fk_campaign *c)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < c->history.n && i <= c->wave; i++)
		json_array_append_new(list, wave_json(c, i));
	return list;
}
