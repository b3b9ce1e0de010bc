/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hex.h - octets from and to hexadecimal digits.
 *
 * Threads: everything here is pure.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>

/* Where 'text' ceases to be hexadecimal: 'len', or the character that is no digit or lacks one. */
size_t fk_hex_check(const char *text, size_t len);

/*
 * Decodes 'len' characters; white space may stand between octets.
 * Returns FK_OK and the size; FK_EFORMAT if another character, or half an octet, is met; FK_EFULL.
 */
FK_MUST_USE enum fk_err fk_hex_decode(const char *text, size_t len, uint8_t *buf, size_t cap,
				      size_t *ret_size);

/* Writes 2 * size digits and a NUL: 'text' takes 2 * size + 1. */
void fk_hex_encode(const uint8_t *octets, size_t size, char *text);
