/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adopt.h - takes back a UE that was released to another KMF.
 *
 * A released UE keeps its RSI and its numbers here, but nothing is sent to it, whatever an import
 * says. The other KMF has used numbers since under the same protection TEK, so whoever adopts the
 * UE has to say from which number on, and that has to lie beyond all that this KMF ever gave out
 * (I2, I4). What is known of its keys is in doubt: the other one may have given it others.
 *
 * Threads: those of store and fleet. Memory: nothing is kept between calls.
 */
#pragma once

#include <stdint.h>

#include <fleetkey/err.h>

#include "fleet/fleet.h"
#include "reason.h"
#include "store/store.h"

/*
 * Status, numbers and currency in one transaction. Returns FK_OK; FK_EPOLICY if the UE is not
 * released; FK_ERANGE if 'next_number' is not beyond; FK_ENOMEM; FK_ESTORE: then nothing has
 * changed here, but the store may have it, so it has to be said again. 'reason' says it in words.
 */
FK_MUST_USE enum fk_err fk_adopt_ue(struct fk_store *store, struct fk_fleet *fleet,
				    uint32_t ue_index, uint16_t next_number,
				    struct fk_reason *reason);

/* Makes 'next_number' the first that the UE is sent next. False, and nothing changes, if it is not
 * beyond all that were reserved. */
bool fk_adopt_numbers(struct fk_ue_numbers *numbers, uint16_t next_number);
