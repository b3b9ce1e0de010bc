/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unix_socket.h - a listening Unix socket that only its owner may use.
 *
 * Threads: pure but for the file system.
 */
#pragma once

#include <fleetkey/err.h>

#include "reason.h"

/*
 * Listens on 'path', mode 0600, not blocking, closed on exec. 'type' is SOCK_STREAM or
 * SOCK_SEQPACKET. A socket file that nobody answers on is removed first. The caller owns the
 * descriptor. Returns FK_EINVAL if the path is empty or too long; FK_EEXIST if somebody answers or
 * the file is no socket; FK_EIO.
 */
FK_MUST_USE enum fk_err fk_unix_listen(const char *path, int type, int *ret_fd,
				       struct fk_reason *reason);
