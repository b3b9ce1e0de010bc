/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dpdk_port.h - the DPDK port that the EAL arguments name, with one queue each way.
 *
 * Threads: open and close on the main thread; the functions of 'ret_port' on its worker.
 * Memory: fk_dpdk_port_open() allocates; frames come from its pool. Pools are EAL memory, which a
 * vhost or virtio_user peer may map: wrapped keys may stand there, plain keys never.
 */
#pragma once

#include <stddef.h>

#include <fleetkey/err.h>

#include "port.h"

struct fk_dpdk_port;

/* Takes the only port that the EAL found. Writes a sentence into 'ret_text' when it fails.
 * Returns FK_OK; FK_ENOTFOUND (no port, or more than one); FK_EIO; FK_ENOMEM. */
FK_MUST_USE enum fk_err fk_dpdk_port_open(struct fk_dpdk_port **ret_dpdk_port,
					  struct fk_port *ret_port, char *ret_text,
					  size_t text_size);
/* Makes the port take what is sent to groups, as neighbour solicitations are. A driver that cannot
 * filters nothing. */
void fk_dpdk_port_hear_groups(struct fk_dpdk_port *dpdk_port);
/* Stops and closes the port; no worker may be using it. NULL is fine. */
void fk_dpdk_port_close(struct fk_dpdk_port *dpdk_port);
