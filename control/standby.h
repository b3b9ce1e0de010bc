/* SPDX-License-Identifier: Apache-2.0 */
/*
 * standby.h - waiting until this node may own the store (store/lease.h).
 *
 * Threads: one owner. Memory: nothing is kept.
 */
#pragma once

#include <fleetkey/err.h>

#include "app.h"
#include "reason.h"

/*
 * Takes the lease of the store, which is open. If another node has it, it opens the API, which then
 * says only that, and waits, however long. Returns FK_OK, with app->should_stop set if it was told
 * to end; FK_ESTALE if the store came back as another one or an older one; what fk_node_open() and
 * fk_app_open_api() return.
 */
FK_MUST_USE enum fk_err fk_standby_wait(struct fk_app *app, struct fk_reason *reason);
