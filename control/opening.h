/* SPDX-License-Identifier: Apache-2.0 */
/*
 * opening.h - the store that the configuration names: where it is, and waiting for it at a start.
 *
 * Threads: that of the store.
 */
#pragma once

#include <fleetkey/err.h>

#include "config/config.h"
#include "reason.h"
#include "store/store.h"

/* What fk_store_open() takes. It points into 'config'. */
struct fk_store_options fk_opening_options(const struct fk_config *config);

/*
 * fk_store_open(), tried again as long as it says FK_EAWAY, for store.wait_s at most; the log says
 * once what is waited for. It ends at once when 'stop_fd' can be read, but for one try, which takes
 * FK_STORE_GREET_MS if Redis hangs.
 * Returns FK_OK, where '*ret_store' is NULL if it was stopped; else what the last try returned.
 */
FK_MUST_USE enum fk_err fk_opening_wait(const struct fk_config *config, int stop_fd,
					struct fk_store **ret_store, struct fk_reason *reason);
