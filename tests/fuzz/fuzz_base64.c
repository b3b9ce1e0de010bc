/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_base64.c - text that decodes is, white space aside, the one text of its octets.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "wire/sip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

/* spec: RFC 4648 §4 */
static size_t encode(const uint8_t *octets, size_t size, char *text)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t len = 0;

	for (size_t i = 0; i < size; i += 3) {
		uint32_t bits = 0;
		size_t n = size - i < 3 ? size - i : 3;

		for (size_t k = 0; k < 3; k++)
			bits = bits << 8 | (k < n ? octets[i + k] : 0);
		for (size_t k = 0; k < 4; k++)
			text[len++] = k <= n ? letters[bits >> (18 - 6 * k) & 0x3f] : '=';
	}
	return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *octets = malloc(size + 1);
	char *text = malloc(2 * size + 8);
	size_t decoded, len, at = 0;

	require(octets != NULL && text != NULL);
	if (fk_base64_decode(data, size, octets, size, &decoded) == FK_OK) {
		len = encode(octets, decoded, text);
		for (size_t i = 0; i < size; i++)
			if (strchr(" \t\r\n", data[i]) == NULL || data[i] == '\0')
				require(at < len && text[at++] == (char)data[i]);
		require(at == len);
		if (decoded > 0)
			require(fk_base64_decode(data, size, octets, decoded - 1, &decoded) ==
				FK_EFULL);
	}
	free(octets);
	free(text);
	return 0;
}
