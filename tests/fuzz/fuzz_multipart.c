/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_multipart.c - parts stay inside the body, in order and apart.
 *
 * The first line of the input is the Content-Type, the rest the body.
 */
#include <stdlib.h>
#include <string.h>

#include "wire/sip.h"

#define PARTS_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL, *behind;
	struct fk_sip_part parts[PARTS_MAX];
	struct fk_sip_message m = {0};
	uint32_t n;

	if (end == NULL)
		return 0;
	m.content_type = (struct fk_view){(const char *)data, (uint32_t)(end - data)};
	m.body = end + 1;
	m.body_size = (uint32_t)(size - (size_t)(end + 1 - data));
	behind = m.body;
	for (uint32_t max = 0; max <= PARTS_MAX; max += 4) {
		enum fk_err err = fk_sip_split_body(&m, parts, max, &n);

		if (err == FK_OK)
			require(n <= max);
	}
	if (fk_sip_split_body(&m, parts, PARTS_MAX, &n) != FK_OK)
		return 0;
	for (uint32_t i = 0; i < n; i++) {
		require(parts[i].octets >= behind);
		behind = parts[i].octets + parts[i].size;
		require(behind <= data + size);
	}
	return 0;
}
