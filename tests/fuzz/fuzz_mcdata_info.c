/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_mcdata_info.c - whatever is accepted gives terminated values of the size it says,
 * and the plain reader gives no others than the XML reader.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "wire/mcdata_info_plain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void compare(const uint8_t *data, size_t size)
{
	struct fk_mcdata_info plain, xml;

	if (!fk_mcdata_info_read_plain(data, size, &plain))
		return;
	require(fk_mcdata_info_read_xml(data, size, &xml) == FK_OK);
	require(strcmp(plain.request_type, xml.request_type) == 0);
	require(strcmp(plain.request_uri, xml.request_uri) == 0);
	require(strcmp(plain.calling_user_id, xml.calling_user_id) == 0);
	require(plain.request_uri_size == xml.request_uri_size);
	require(plain.calling_user_id_size == xml.calling_user_id_size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fk_mcdata_info info;

	if (size <= FK_MCDATA_INFO_SIZE_MAX)
		compare(data, size);

	if (fk_mcdata_info_parse(data, size, &info) != FK_OK)
		return 0;
	require(size <= FK_MCDATA_INFO_SIZE_MAX);
	require(strnlen(info.request_type, sizeof(info.request_type)) < sizeof(info.request_type));
	require(strnlen(info.request_uri, sizeof(info.request_uri)) == info.request_uri_size);
	require(strnlen(info.calling_user_id, sizeof(info.calling_user_id)) ==
		info.calling_user_id_size);
	return 0;
}
