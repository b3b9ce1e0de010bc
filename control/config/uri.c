/* SPDX-License-Identifier: Apache-2.0 */
#include "config/uri.h"

#include <string.h>
#include <strings.h>

#include <fleetkey/keytable.h>

const char *fk_uri_refusal(const char *text, size_t len)
{
	size_t scheme = 0;

	if (len == 0)
		return "is empty, must be a SIP URI";
	if (len > FK_URI_SIZE_MAX)
		return "is longer than 255 octets";
	if (len > 4 && strncasecmp(text, "sip:", 4) == 0)
		scheme = 4;
	else if (len > 5 && strncasecmp(text, "sips:", 5) == 0)
		scheme = 5;
	if (scheme == 0)
		return "must be a SIP URI (sip:... or sips:...)";
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c <= 0x20 || c >= 0x7f || strchr("<>\"&',", c) != NULL)
			return "holds a character that may not stand in a SIP URI here (space, "
			       "control, non-ASCII, < > \" & ' or comma)";
	}
	return NULL;
}
