/* SPDX-License-Identifier: Apache-2.0 */
/*
 * accepted.h - the 202 to an ordinary request, copied together without looking at every octet.
 *
 * The same octets as fk_sip_build_response() would write, for requests of the shape that a KMF next
 * door sends: one Via from the address that it names, no parameter but the branch, nothing folded.
 *
 * Threads: everything here is pure. Memory: nothing allocates.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "wire/sip.h"

#define FK_ACCEPTED_TAG_LEN 16

/* Returns the size of the response in 'buf', or 0: the request has another shape, or no room. */
size_t fk_accepted_write(const struct fk_sip_message *request,
			 const char to_tag[static FK_ACCEPTED_TAG_LEN],
			 const struct fk_address *source, uint8_t *buf, size_t cap);
