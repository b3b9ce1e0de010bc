/* SPDX-License-Identifier: Apache-2.0 */
#include "inspect/json_text.h"

#include "inspect/json_kmm.h"

json_t *fk_json_text_or_hex(const void *text, size_t len)
{
	json_t *json = json_stringn(text, len);

	return json != NULL ? json : json_pack("{s:o}", "hex", fk_json_hex(text, len));
}
