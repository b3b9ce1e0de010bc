/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ue_ids.h - a JSON list of UE ids, checked into an array of texts.
 *
 * Threads: everything here is pure. Memory: the array is on the heap and the caller's.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include <fleetkey/err.h>

#include "fleet/fleet.h"
#include "reason.h"

typedef char fk_ue_id_text[FK_UE_ID_SIZE_MAX + 1];

/*
 * Reads a list of 1 to 'max' ids. Returns FK_OK; FK_EINVAL if it is no list, or an item no id;
 * FK_ERANGE; FK_ENOMEM. On failure 'reason' says what it must be.
 */
FK_MUST_USE enum fk_err fk_ue_ids_parse(const json_t *value, uint32_t max,
					fk_ue_id_text **ret_ue_ids, uint32_t *ret_n,
					struct fk_reason *reason);
