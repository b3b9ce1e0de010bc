/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream.h - answers that are made while they are sent: a list of a million rows in a few KB.
 *
 * The peer's speed sets the pace, and each turn of the owner's loop makes one piece, so that a long
 * answer holds nothing up. An answer that cannot be finished is cut off: the peer sees that the
 * last chunk is missing.
 *
 * Threads: one owner.
 */
#pragma once

#include <stdio.h>

#include <fleetkey/err.h>

struct MHD_Response;

struct fk_stream {
	/* Writes the next piece, some KB; FK_OK with nothing written is the end. An error cuts the
	 * answer off. */
	enum fk_err (*next)(void *self, FILE *out);
	void (*free)(void *self);
	void *self; /* of 'next'; 'free' is called once, whatever becomes of the answer */
};

/* The response that sends it; takes 'stream', also on failure, which is NULL: short of memory. */
struct MHD_Response *fk_stream_response(const struct fk_stream *stream);
