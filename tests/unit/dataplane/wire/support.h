/* SPDX-License-Identifier: Apache-2.0 */
/*
 * support.h - input that ends where its memory ends, so that the sanitizer sees one octet too far.
 */
#pragma once

#include <criterion/criterion.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A copy in memory of exactly 'size' octets; the caller frees it. */
static inline uint8_t *exact_copy(const void *octets, size_t size)
{
	uint8_t *copy = malloc(size > 0 ? size : 1);

	cr_assert_not_null(copy);
	if (size > 0)
		memcpy(copy, octets, size);
	return copy;
}

static inline uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}
