/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_sds.h - the bodies of an SDS as JSON objects. spec: TS 24.282 clause 15
 *
 * Each returns NULL, and what is wrong, of a body that the dataplane would refuse.
 *
 * Memory: every json_t is the caller's (json_decref()).
 */
#pragma once

#include <jansson.h> /* lint: allow a tool, no part of fleetkey-dp */
#include <stddef.h>
#include <stdint.h>

#include "inspect/sds_fields.h"

json_t *fk_json_sds_signalling(const uint8_t *octets, size_t size, struct fk_sds_error *ret_error);
json_t *fk_json_sds_notification(const uint8_t *octets, size_t size,
				 struct fk_sds_error *ret_error);

/* With an object for each payload; text is in it, and what is in a BINARY one the caller's to
 * tell. */
json_t *fk_json_sds_data(const uint8_t *octets, size_t size, struct fk_sds_error *ret_error);
