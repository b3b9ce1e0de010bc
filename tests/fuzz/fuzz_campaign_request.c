/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_campaign_request.c - a request that is taken is within its ranges, one that is not says why.
 */
#include <stdlib.h>
#include <string.h>

#include "api/campaign_request.h"
#include "campaign/kind.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fk_campaign_request request;
	char field[FK_FIELD_NAME_SIZE] = "";
	struct fk_reason reason = {""};

	if (fk_campaign_request_parse((const char *)data, size, &request, field, &reason) !=
	    FK_OK) {
		require(memchr(field, '\0', sizeof(field)) != NULL && reason.text[0] != '\0');
		return 0;
	}
	require(memchr(request.group, '\0', sizeof(request.group)) != NULL);
	require(request.n_keys <= FK_CAMPAIGN_KEYS_MAX);
	for (uint32_t i = 0; i < request.n_keys; i++)
		require(request.slns[i] >= 1 && request.slns[i] <= 4095);
	/* 0: not given */
	require(request.keyset_id <= 16 && request.superseded_keyset_id <= 16);
	require(fk_kind(request.kind) != NULL);
	require((request.members.ue_ids != NULL) == (request.members.n_ue_ids > 0));
	require(request.members.naming != FK_NAMED_NONE ||
		(request.members.n_ue_ids == 0 && request.members.of_statuses == 0));
	fk_campaign_request_fini(&request);
	return 0;
}
