/* SPDX-License-Identifier: Apache-2.0 */
/*
 * early_answer.h - the answer to a request whose body is still coming, and may never end.
 *
 * The HTTP server takes an answer only before a body or behind it. A refusal in the middle is
 * written to the socket beside it; nothing of an answer has left by then. A peer that listens while
 * it sends, as curl does, stops then. The caller takes some more of the body, since a peer that
 * sees a broken connection may not look for an answer, and closes.
 *
 * Threads: pure.
 */
#pragma once

#include <stddef.h>

#include <fleetkey/err.h>

/* RFC 9112. Does not block: FK_EIO if the socket does not take all of it at once. 'size' octets. */
FK_MUST_USE enum fk_err fk_early_answer(int fd, unsigned status, const char *content_type,
					const char *body, size_t size);
