/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_group_request.c - a request that is not taken says why, and what is taken and is a plan is
 * stored and read again as it is.
 */
#include <stdlib.h>
#include <string.h>

#include "api/group_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fk_group_plan plan = {
		.name = "g", .active_keyset_id = 1, .inactive_keyset_id = 2, .version = 1};
	struct fk_group_plan read;
	uint8_t octets[FK_GROUP_PLAN_SIZE];
	char field[FK_FIELD_NAME_SIZE] = "";
	struct fk_reason reason = {""};
	const char *at_fault;
	size_t n, used = 0;

	if (fk_group_request_parse((const char *)data, size, &plan, field, &reason) != FK_OK) {
		require(memchr(field, '\0', sizeof(field)) != NULL && reason.text[0] != '\0');
		return 0;
	}
	require(plan.n_slns <= FK_GROUP_SLNS_MAX);
	if (fk_group_plan_check(&plan, &at_fault, &reason) != FK_OK) {
		require(at_fault != NULL && reason.text[0] != '\0');
		return 0;
	}
	n = fk_group_plan_encode(&plan, octets);
	require(fk_group_plan_decode(octets, n, &read, &used) == FK_OK && used == n);
	require(memcmp(&plan.slns, &read.slns, sizeof(plan.slns)) == 0);
	return 0;
}
