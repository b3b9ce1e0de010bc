/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tag_hash.h - the keyed hash behind From-tags and To-tags: SipHash-2-4.
 *
 * A repeated request gets the same To-tag without our keeping state, and nobody can predict a tag.
 * Tags guard nothing: what must not be forged carries a token's tag (crypto/token_tag.h).
 *
 * Threads: pure. Memory: nothing allocates.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define FK_TAG_HEX_LEN 8 /* characters of a tag on the wire */

/* The 64-bit hash of 'size' octets. */
uint64_t fk_tag_hash(const uint8_t key[static 16], const void *octets, size_t size);

/* Writes the upper 32 bits of 'hash' as 8 lower-case hex digits, without a NUL. */
void fk_tag_format(uint64_t hash, char text[static FK_TAG_HEX_LEN]);
