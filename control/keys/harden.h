/* SPDX-License-Identifier: Apache-2.0 */
/*
 * harden.h - what a process does before it touches a key.
 *
 * Threads: call once, first thing in main().
 */
#pragma once

#include <fleetkey/err.h>

#include "reason.h"

/*
 * Forbids core dumps (RLIMIT_CORE 0) and tracing by other processes of the user (PR_SET_DUMPABLE
 * 0), sets umask 077, raises the soft limit of locked memory to the hard one, and locks all memory
 * that the process touches where no limit forbids it. Returns FK_OK, or FK_EPOLICY and the call
 * that failed.
 */
FK_MUST_USE enum fk_err fk_process_harden(struct fk_reason *reason);
