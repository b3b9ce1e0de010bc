/* SPDX-License-Identifier: Apache-2.0 */
/* hint.c - see hint.h. */
#include <string.h>

#include "hint.h"

#define METHOD	   "MESSAGE "
#define URI_MAX	   256
#define CACHE_LINE 64

uint64_t fk_hint_hash(const uint8_t *octets, size_t size)
{
	const uint8_t *uri = octets + sizeof(METHOD) - 1, *end;

	if (size < sizeof(METHOD) - 1 + URI_MAX)
		return 0;
	end = memchr(uri, ' ', URI_MAX);
	return end == NULL ? 0 : fk_sim_hash(uri, (size_t)(end - uri));
}

void fk_hint_index(const struct fk_fleet *fleet, uint64_t hash)
{
	__builtin_prefetch(&fleet->index[(uint32_t)hash & fleet->index_mask]);
}

void fk_hint_ue(const struct fk_fleet *fleet, uint64_t hash)
{
	uint32_t entry = fleet->index[(uint32_t)hash & fleet->index_mask];
	const struct fk_sim_ue *ue;

	if (entry == 0)
		return;
	ue = &fleet->ues[entry - 1];
	for (size_t offset = 0; offset < sizeof(*ue); offset += CACHE_LINE)
		__builtin_prefetch((const char *)ue + offset, 1);
}
