/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link.h - the dataplane's end of the link: connect, attach, lose control, attach again.
 *
 * Owns the mappings that the workers borrow. While control is away the workers go on; the lease
 * stops them. When it stays away longer than the orphan timeout, the link says so and its owner
 * wipes and ends.
 *
 * Threads: main thread. Memory: fk_link_new() allocates.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <fleetkey/err.h>

#include "worker.h"

struct fk_link;

struct fk_link_config {
	const char *socket_path;    /* borrowed for the link's life */
	uint32_t orphan_timeout_s;  /* from losing a control that was attached */
	struct fk_worker **workers; /* borrowed; parked */
	uint32_t n_workers;
};

/* Returns FK_OK; FK_ENOMEM; FK_ERANGE if the path is longer than a socket's may be. */
FK_MUST_USE enum fk_err fk_link_new(const struct fk_link_config *config, struct fk_link **ret_link);
/* Workers must have stopped. Unmaps what they borrowed; NULL is fine. */
void fk_link_free(struct fk_link *link);

/*
 * Does what there is to do and waits for more, at most 'wait_ms'. Returns FK_OK; FK_ELINK when
 * control has been away for longer than the orphan timeout; FK_EPOLICY when it told us to wipe and
 * end; FK_EBUSY when a worker does not park.
 */
FK_MUST_USE enum fk_err fk_link_step(struct fk_link *link, uint32_t wait_ms);

/* From the next burst on no worker sends a request or a repeat, until control takes the flag back.
 * It is kept for a region that is attached later. */
void fk_link_stop(struct fk_link *link);
