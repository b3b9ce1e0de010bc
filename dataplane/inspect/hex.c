/* SPDX-License-Identifier: Apache-2.0 */
#include "inspect/hex.h"

#include <stdbool.h>

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

enum fk_err fk_hex_decode(const char *text, size_t len, uint8_t *buf, size_t cap, size_t *ret_size)
{
	size_t size = 0;

	for (size_t i = 0; i < len; i++) {
		int high = digit_value(text[i]), low;

		if (is_space(text[i]))
			continue;
		low = i + 1 < len ? digit_value(text[i + 1]) : -1;
		if (high < 0 || low < 0)
			return FK_EFORMAT;
		if (size == cap)
			return FK_EFULL;
		buf[size++] = (uint8_t)(high << 4 | low);
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
