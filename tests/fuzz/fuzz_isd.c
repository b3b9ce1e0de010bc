/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_isd.c - the input is a layout, a NUL, and a message in it: what decodes encodes to the same
 * octets, and an error has a place.
 */
#include <stdlib.h>
#include <string.h>

#include "wire/isd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nul = size > 0 ? memchr(data, '\0', size) : NULL;
	size_t text_size = nul != NULL ? (size_t)(nul - data) : size, octets_size, built;
	struct fk_isd_error error = {.offset = SIZE_MAX};
	struct fk_isd_layout layout;
	struct fk_isd_message message;
	const uint8_t *octets;
	uint8_t *buf;

	if (fk_isd_layout_parse((const char *)data, text_size, &layout, &error) != FK_OK) {
		require(error.offset <= text_size + 1 && error.field != NULL);
		require(error.reason != NULL);
		return 0;
	}
	require(layout.n_fields >= 1 && layout.n_fields <= FK_ISD_FIELDS_MAX);
	if (nul == NULL)
		return 0;
	octets = nul + 1;
	octets_size = size - text_size - 1;
	if (fk_isd_decode(&layout, octets, octets_size, &message, &error) != FK_OK) {
		require(error.offset <= octets_size && error.field != NULL);
		return 0;
	}
	require(message.payload_size > 0 && message.payload > octets - 1 &&
		message.payload + message.payload_size <= octets + octets_size);
	buf = malloc(octets_size);
	require(buf != NULL);
	require(fk_isd_encode(&layout, &message, buf, octets_size, &built) == FK_OK);
	require(built == octets_size && memcmp(buf, octets, built) == 0);
	free(buf);
	return 0;
}
