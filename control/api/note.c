/* SPDX-License-Identifier: Apache-2.0 */
#include "api/note.h"

#include <string.h>

enum fk_err fk_note_parse(const json_t *value, char *ret_text, size_t cap, struct fk_reason *reason)
{
	const char *text = json_string_value(value);
	size_t size = json_string_length(value);

	if (text == NULL) {
		fk_reason_set(reason, "must be a string");
		return FK_EINVAL;
	}
	if (size >= cap) {
		fk_reason_set(reason, "must have at most %zu octets", cap - 1);
		return FK_ERANGE;
	}
	for (size_t i = 0; i < size; i++) {
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f || text[i] == '"') {
			fk_reason_set(reason, "must have no control character and no quote");
			return FK_EINVAL;
		}
	}
	memcpy(ret_text, text, size + 1);
	return FK_OK;
}
