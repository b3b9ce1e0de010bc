/* SPDX-License-Identifier: Apache-2.0 */
#include "api/ue_ids.h"

#include <stdlib.h>
#include <string.h>

enum fk_err fk_ue_ids_parse(const json_t *value, uint32_t max, fk_ue_id_text **ret_ue_ids,
			    uint32_t *ret_n, struct fk_reason *reason)
{
	size_t n = json_array_size(value);
	fk_ue_id_text *ue_ids;

	if (!json_is_array(value)) {
		fk_reason_set(reason, "must be a list of UE ids");
		return FK_EINVAL;
	}
	if (n == 0 || n > max) {
		fk_reason_set(reason, "has %zu UE ids, must have 1 to %u", n, max);
		return FK_ERANGE;
	}
	ue_ids = calloc(n, sizeof(*ue_ids));
	if (ue_ids == NULL) {
		fk_reason_set(reason, "out of memory");
		return FK_ENOMEM;
	}
	for (size_t i = 0; i < n; i++) {
		const json_t *item = json_array_get(value, i);
		size_t size = json_string_length(item);

		if (!json_is_string(item) || size == 0 || size > FK_UE_ID_SIZE_MAX ||
		    strlen(json_string_value(item)) != size) {
			fk_reason_set(reason, "item %zu is no UE id of 1 to %u characters", i,
				      FK_UE_ID_SIZE_MAX);
			free(ue_ids);
			return FK_EINVAL;
		}
		memcpy(ue_ids[i], json_string_value(item), size + 1);
	}
	*ret_ue_ids = ue_ids;
	*ret_n = (uint32_t)n;
	return FK_OK;
}
