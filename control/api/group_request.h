/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group_request.h - the JSON body of PUT /v1/groups/{name}, checked into a group's plan.
 *
 * Threads: everything here is pure.
 */
#pragma once

#include <stddef.h>

#include <fleetkey/err.h>

#include "api/campaign_request.h"
#include "fleet/group_plan.h"
#include "reason.h"

/*
 * Reads the members that are there into 'plan', and leaves the others as they are: 'slns', a list
 * of SLNs, 'active_keyset_id', 'inactive_keyset_id', and 'ckek_sln', which may be null. Returns
 * FK_OK; FK_EFORMAT if it is no JSON object; FK_EINVAL for an unknown, duplicate or wrongly typed
 * member; FK_ERANGE for a number that its field cannot hold, or too many SLNs. What a plan may say,
 * fk_group_plan_check() knows. On failure 'ret_field' names the member (empty for the body as a
 * whole), and 'plan' is undefined.
 */
FK_MUST_USE enum fk_err fk_group_request_parse(const char *body, size_t size,
					       struct fk_group_plan *plan,
					       char ret_field[static FK_FIELD_NAME_SIZE],
					       struct fk_reason *reason);
