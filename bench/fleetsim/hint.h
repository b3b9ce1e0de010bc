/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hint.h - brings the memory of a UE near before its request is dealt with.
 *
 * A million UEs do not fit into any cache, and a request names its UE only after it was taken
 * apart. But a KMF that speaks to UEs directly (profile C) has the UE's MCData ID as Request-URI,
 * at the start of the datagram: good enough for a guess, which costs nothing if it is wrong.
 *
 * Threads: the worker only. Memory: nothing here allocates.
 */
#pragma once

#include <stdint.h>

#include "fleet.h"

/* Hash of the Request-URI as fk_fleet_find() has it; of no use if there is none. */
uint64_t fk_hint_hash(const uint8_t *octets, size_t size);

/* First the place in the index ... */
void fk_hint_index(const struct fk_fleet *fleet, uint64_t hash);

/* ... and when that has come, the UE that stands there. */
void fk_hint_ue(const struct fk_fleet *fleet, uint64_t hash);
