/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_mcdata_info.c - whatever the scanner accepts gives terminated values of the size it says.
 */
#include <stdbool.h>
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
	struct fk_mcdata_info info;

	if (fk_mcdata_info_parse(data, size, &info) != FK_OK)
		return 0;
	require(size <= FK_MCDATA_INFO_SIZE_MAX);
	require(strnlen(info.request_type, sizeof(info.request_type)) < sizeof(info.request_type));
	require(strnlen(info.request_uri, sizeof(info.request_uri)) == info.request_uri_size);
	require(strnlen(info.calling_user_id, sizeof(info.calling_user_id)) ==
		info.calling_user_id_size);
	return 0;
}
