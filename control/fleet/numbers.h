/* SPDX-License-Identifier: Apache-2.0 */
/*
 * numbers.h - the durable form of a page of message numbers.
 *
 * 64 times: reserved_next 2, accepted 2, inbound 2, inbound_known 1,
 * needs_warm_start and presence 1, of 4 bits each; big-endian.
 *
 * Threads: everything here is pure. Memory: the caller's; nothing allocates.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>

#include "fleet/fleet.h"

/* How far ahead of the last number that a UE provably took the next one may be: its period less the
 * margin. A margin that leaves less than half of a small period would only keep the UE from being
 * served. */
static inline uint32_t fk_numbers_reach(uint16_t mnp, uint32_t margin)
{
	return mnp > 2 * margin ? mnp - margin : (mnp + 1u) / 2;
}

void fk_numbers_encode_page(const struct fk_ue_numbers numbers[static FK_STORE_PAGE_UES],
			    uint8_t ret_octets[static FK_NUMBERS_PAGE_SIZE]);

/* Returns FK_OK; FK_EFORMAT if the size or a flag is not what a page of ours has. */
FK_MUST_USE enum fk_err fk_numbers_decode_page(
	const uint8_t *octets, size_t size,
	struct fk_ue_numbers ret_numbers[static FK_STORE_PAGE_UES]);
