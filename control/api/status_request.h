/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status_request.h - the JSON body of POST /v1/fleet/statuses, checked into a plain struct.
 *
 * Threads: everything here is pure. Memory: fk_status_request_fini() ends a request.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>

#include "api/campaign_request.h"
#include "fleet/status.h"
#include "reason.h"

struct fk_status_request {
	uint8_t status; /* enum fk_ue_status */
	char reason[FK_STATUS_REASON_SIZE];
	char (*ue_ids)[FK_UE_ID_SIZE_MAX + 1]; /* n_ue_ids, 1..FK_STATUS_SET_MAX; on the heap */
	uint32_t n_ue_ids;
};

/*
 * Reads the request: 'status' and 'ue_ids' must be there, 'reason' may be. Returns FK_OK, and the
 * caller ends it; FK_EFORMAT if it is no JSON object; FK_EINVAL for an unknown, missing, duplicate
 * or wrongly typed member; FK_ERANGE for too many or too long ones; FK_ENOMEM. On failure
 * 'ret_field' names the member (empty for the body as a whole) and 'reason' what it must be.
 */
FK_MUST_USE enum fk_err fk_status_request_parse(const char *body, size_t size,
						struct fk_status_request *ret_request,
						char ret_field[static FK_FIELD_NAME_SIZE],
						struct fk_reason *reason);
void fk_status_request_fini(struct fk_status_request *request);
