/* SPDX-License-Identifier: Apache-2.0 */
/*
 * receive.h - the way in: frames are read, matched, verified, recorded and answered.
 *
 * A burst goes through in stages: read and classify every frame, verify all MACs together, apply
 * what is authentic, answer. Every frame that is dropped or refused raises exactly one counter that
 * says why; a well-formed request from a next hop is always answered, unless recording it failed.
 *
 * Threads: the worker. Memory: fk_receive_stage_new() allocates.
 */
#pragma once

#include "worker.h"

struct fk_receive_stage *fk_receive_stage_new(void); /* NULL: out of memory */
void fk_receive_stage_free(struct fk_receive_stage *stage);

/* Handles one burst; returns how many frames there were. */
uint32_t fk_receive_poll(struct fk_worker *w);
