/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sentinel.h - private to control/store: asks Redis Sentinel where the master is.
 *
 * What a sentinel says need not be true any more: one that is cut off from the others goes on
 * naming the old master. So nothing is decided here. Who is named has to say itself that it is a
 * master, has to have every write that it confirmed, and its replicas; and the next time that
 * anybody is asked, it is another sentinel first.
 *
 * Threads: that of the store. Memory: nothing is kept.
 */
#pragma once

#include <stdint.h>

#include <fleetkey/err.h>

#include "reason.h"
#include "store/address.h"
#include "store/store.h"

#define FK_SENTINEL_TIMEOUT_MS 500 /* to connect to one, and for its answer */

/*
 * Asks the sentinels of 'options' one after the other, '*first' being the first, until one names
 * the master, and leaves in '*first' the one behind that. Returns FK_OK; FK_EAWAY if none does:
 * 'reason' says what each of them said.
 */
FK_MUST_USE enum fk_err fk_sentinel_find(const struct fk_store_options *options, uint32_t *first,
					 struct fk_store_address *ret_master,
					 struct fk_reason *reason);
