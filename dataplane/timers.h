/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timers.h - what becomes of transactions whose time has come.
 *
 * Threads: the worker. Nothing allocates.
 */
#pragma once

#include "worker.h"

/* Handles a burst of due timers; returns how many. */
uint32_t fk_timers_poll(struct fk_worker *w);
