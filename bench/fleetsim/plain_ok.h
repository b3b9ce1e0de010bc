/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plain_ok.h - recognises the 200 that a KMF sends to each of the server's requests.
 *
 * Status line, topmost Via up to the branch, and the end must be exactly those of a response
 * without a body; anything else is for the full parser, and so is one in FK_PLAIN_OK_CHECKED of
 * those that are recognised, so that nothing malformed stays unseen.
 *
 * Threads: the worker only. Memory: borrows; nothing allocates.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compose.h"

#define FK_PLAIN_OK_CHECKED 16

/* True if it is one; 'ret_branch' has FK_SIM_BRANCH_LEN characters then. */
bool fk_plain_ok_read(const struct fk_compose_context *context, const uint8_t *octets, size_t size,
		      const char **ret_branch);
