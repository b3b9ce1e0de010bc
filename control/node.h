/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node.h - which of the nodes that share a store this fleetkeyd is, and that it is so alone.
 *
 * The file "<link.socket>.node" has 16 random octets, made at the first start. So a fleetkeyd that
 * starts again is the node that it was, and has its lease back at once: nobody else can have sent
 * for it but its own dataplane. The file is locked for as long as the process lives, also while it
 * is stopped by a signal. A node without it is another one, and waits for the lease to end.
 *
 * Threads: one owner. Memory: one descriptor.
 */
#pragma once

#include <fleetkey/err.h>

#include "config/config.h"
#include "reason.h"
#include "store/lease.h"

#define FK_NODE_FILE_SUFFIX ".node"

/*
 * Locks the file, and says who the node is. On FK_OK the caller closes '*ret_fd' when the lease is
 * let go. Returns FK_EEXIST if another process has it; FK_EPOLICY if it is not a file of our user's
 * that nobody else can use; FK_EFORMAT if it has another size; FK_EIO. 'reason' names the file.
 */
FK_MUST_USE enum fk_err fk_node_open(const struct fk_config *config, struct fk_node *ret_node,
				     int *ret_fd, struct fk_reason *reason);
