/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_status_request.c - a request that is taken is within its bounds, one that is not says why.
 */
#include <stdlib.h>
#include <string.h>

#include "api/status_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fk_status_request request;
	char field[FK_FIELD_NAME_SIZE] = "";
	struct fk_reason reason = {""};

	if (fk_status_request_parse((const char *)data, size, &request, field, &reason) != FK_OK) {
		require(memchr(field, '\0', sizeof(field)) != NULL && reason.text[0] != '\0');
		return 0;
	}
	require(request.status < FK_UE_STATUSES);
	require(memchr(request.reason, '\0', sizeof(request.reason)) != NULL);
	require(strpbrk(request.reason, "\r\n\"") == NULL);
	require(request.n_ue_ids >= 1 && request.n_ue_ids <= FK_STATUS_SET_MAX);
	for (uint32_t i = 0; i < request.n_ue_ids; i++)
		require(request.ue_ids[i][0] != '\0' &&
			memchr(request.ue_ids[i], '\0', sizeof(request.ue_ids[i])) != NULL);
	fk_status_request_fini(&request);
	return 0;
}
