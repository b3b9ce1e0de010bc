/* SPDX-License-Identifier: Apache-2.0 */
/*
 * campaign_request.h - the JSON body of POST /v1/campaigns, checked into a plain struct.
 *
 * Threads: everything here is pure. Memory: fk_campaign_request_fini() ends a request.
 */
#pragma once

#include <stddef.h>

#include <fleetkey/err.h>

#include "campaign/engine.h"
#include "reason.h"

#define FK_FIELD_NAME_SIZE 64

/*
 * Reads the request. Members that are absent get their defaults: group everyone, the
 * configuration's pace, closing true; keyset_id, superseded_keyset_id, keys_of and, without SLNs,
 * n_keys stay 0. 'slns' is
 * a list of 1 to FK_CAMPAIGN_KEYS_MAX different SLNs, in place of 'sln'. 'ue_ids' and 'status' name
 * who alone is meant, 'except_ue_ids' who is not. Returns FK_OK, and the caller ends it; FK_EFORMAT
 * if it is no JSON object; FK_EINVAL for an unknown, duplicate or wrongly typed member; FK_ERANGE
 * for a value out of range; FK_ENOMEM. On failure 'ret_field' names the member (empty for the body
 * as a whole) and 'reason' the range.
 */
FK_MUST_USE enum fk_err fk_campaign_request_parse(const char *body, size_t size,
						  struct fk_campaign_request *ret_request,
						  char ret_field[static FK_FIELD_NAME_SIZE],
						  struct fk_reason *reason);
void fk_campaign_request_fini(struct fk_campaign_request *request);
