/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hex_digit.h - what one hexadecimal digit is worth.
 *
 * For text that people write. Where hex is read on the hot path it is read by words: octets.h of
 * the dataplane.
 */
#pragma once

/* 0..15; -1 if 'c' is no hex digit, of either case. */
static inline int fk_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}
