/* SPDX-License-Identifier: Apache-2.0 */
#include "inspect/hex.h"

#include <stdbool.h>

#include <fleetkey/hex_digit.h>

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

size_t fk_hex_check(const char *text, size_t len)
{
	size_t at = 0;

	while (at < len) {
		if (is_space(text[at])) {
			at++;
			continue;
		}
		if (fk_hex_digit(text[at]) < 0)
			break;
		if (at + 1 == len || is_space(text[at + 1]))
			break; /* half an octet */
		if (fk_hex_digit(text[at + 1]) < 0)
			return at + 1;
		at += 2;
	}
	return at;
}

enum fk_err fk_hex_decode(const char *text, size_t len, uint8_t *buf, size_t cap, size_t *ret_size)
{
	size_t size = 0;

	if (fk_hex_check(text, len) != len)
		return FK_EFORMAT;
	for (size_t i = 0; i < len; i++) {
		if (is_space(text[i]))
			continue;
		if (size == cap)
			return FK_EFULL;
		buf[size++] = (uint8_t)(fk_hex_digit(text[i]) << 4 | fk_hex_digit(text[i + 1]));
		i++;
	}
	*ret_size = size;
	return FK_OK;
}

void fk_hex_encode(const uint8_t *octets, size_t size, char *text)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < size; i++) {
		*text++ = digits[octets[i] >> 4];
		*text++ = digits[octets[i] & 0xf];
	}
	*text = '\0';
}
