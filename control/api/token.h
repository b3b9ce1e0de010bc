/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token.h - the bearer token that opens the API on loopback.
 *
 * Threads: pure but for the file. Memory: the caller wipes the token.
 */
#pragma once

#include <stdbool.h>

#include <fleetkey/err.h>

#include "reason.h"

#define FK_TOKEN_TEXT_MIN  16 /* characters: shorter ones can be guessed */
#define FK_TOKEN_TEXT_SIZE 257

struct fk_bearer_token {
	char text[FK_TOKEN_TEXT_SIZE];
};

/*
 * Reads a token file: regular, owned by us, no permission for group or others, 16 to 256 printable
 * characters and at most one line end. Returns FK_OK; FK_EIO; FK_EPOLICY (kind, owner or mode);
 * FK_EFORMAT (content). 'reason' names the file and what is wrong.
 */
FK_MUST_USE enum fk_err fk_bearer_token_load(const char *path, struct fk_bearer_token *ret_token,
					     struct fk_reason *reason);

/* True if 'authorization' (may be NULL) is "Bearer " and the token; takes the same time wherever
 * they differ. */
bool fk_bearer_token_matches(const struct fk_bearer_token *token, const char *authorization);
