/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zone.h - a time as it stands on a clock somewhere, to an instant.
 *
 * By the system's time zone database. When clocks are set forward an hour is missing: such a time
 * is refused, and never moved. When they are set back an hour comes twice: then 'fold' has to say
 * which one is meant.
 *
 * Threads: one at a time: the C library's zone is set meanwhile, and put back.
 */
#pragma once

#include <stdint.h>

#include <fleetkey/err.h>

#include "reason.h"

#define FK_ZONE_SIZE 48 /* octets of a zone's name, with its NUL */

enum fk_zone_fold {
	FK_ZONE_NO_FOLD,
	FK_ZONE_EARLIER,
	FK_ZONE_LATER,
};

/*
 * Reads "2027-03-28T02:30:00" as it is in 'zone' ("Europe/Berlin", "UTC"). With a 'Z' behind it,
 * 'zone' must be "UTC". Returns FK_OK; FK_EINVAL if it is no such time, there is no such zone, or
 * the time comes twice and 'fold' does not say which; FK_ERANGE if there is no such time there, or
 * it is before 2000 or after 2099. 'ret_field' is "at", "zone" or "fold".
 */
FK_MUST_USE enum fk_err fk_zone_resolve(const char *at, const char *zone, enum fk_zone_fold fold,
					uint64_t *ret_at_ms, const char **ret_field,
					struct fk_reason *reason);
