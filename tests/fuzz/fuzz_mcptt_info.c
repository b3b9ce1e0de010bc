/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_mcptt_info.c - what is read is bounded; a target that can be written comes back the same.
 */
#include <stdlib.h>
#include <string.h>

#include "wire/mcdata_info.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fk_mcdata_info info, again;
	uint8_t buf[1024];
	size_t built;

	if (fk_mcptt_info_parse(data, size, &info) != FK_OK)
		return 0;
	require(size <= FK_MCDATA_INFO_SIZE_MAX);
	require(strnlen(info.request_uri, sizeof(info.request_uri)) == info.request_uri_size);
	if (fk_mcptt_info_write(info.request_uri, buf, sizeof(buf), &built) != FK_OK)
		return 0; /* nothing, or something to escape */
	require(fk_mcptt_info_parse(buf, built, &again) == FK_OK);
	require(strcmp(again.request_uri, info.request_uri) == 0);
	return 0;
}
