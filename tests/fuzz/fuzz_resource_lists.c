/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_resource_lists.c - an entry that is found has a terminated URI of the size that is said.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "wire/resource_lists.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fk_resource_lists lists;

	if (fk_resource_lists_parse(data, size, &lists) != FK_OK)
		return 0;
	require(size <= FK_RESOURCE_LISTS_SIZE_MAX);
	require(strnlen(lists.uri, sizeof(lists.uri)) == lists.uri_size);
	require((lists.n_entries > 0) == (lists.uri_size > 0));
	return 0;
}
