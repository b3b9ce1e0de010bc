/* SPDX-License-Identifier: Apache-2.0 */
/*
 * waves_request.h - the members 'waves' and 'gate' of a campaign's JSON, to plain structs and back.
 *
 *   "waves": [{"count": 100}, {"percent": 10}, {"area": "North"}]
 *   "gate": {"min_acked_percent": 95, "min_sample": 10, "failed_limit": 0,
 *            "max_offline_percent": 50, "life_s": 60}
 *
 * Threads: everything here is pure.
 */
#pragma once

#include <jansson.h>

#include <fleetkey/err.h>

#include "campaign/waves.h"
#include "reason.h"

/* Takes 1 to FK_WAVES_MAX waves. FK_OK; FK_EINVAL (type, unknown member) or FK_ERANGE: then
 * 'reason' says where, and nothing is written. */
FK_MUST_USE enum fk_err fk_waves_request_parse(const json_t *value, struct fk_waves *ret_waves,
					       struct fk_reason *reason);
/* The same for a gate; members that are absent stay as they are in 'gate'. */
FK_MUST_USE enum fk_err fk_gate_request_parse(const json_t *value, struct fk_gate *gate,
					      struct fk_reason *reason);

/* The caller owns the value. */
json_t *fk_waves_json(const struct fk_waves *waves);
json_t *fk_gate_json(const struct fk_gate *gate);
