/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/slns.h"

#include <stdlib.h>

#include "cli/request.h"

/* One number of the list; moves '*at' behind it. 0 if it is none from 1 to FK_CLI_SLN_MAX. */
static unsigned read_sln(const char **at)
{
	char *end;
	unsigned long sln;

	if (**at < '0' || **at > '9')
		return 0;
	sln = strtoul(*at, &end, 10);
	*at = end;
	return sln <= FK_CLI_SLN_MAX ? (unsigned)sln : 0;
}

json_t *fk_slns_read(const char *option, const char *text, unsigned max)
{
	json_t *list = json_array();
	const char *at = text;

	for (;; at++) {
		unsigned first = read_sln(&at), last = first;

		if (first != 0 && *at == '-') {
			at++;
			last = read_sln(&at);
		}
		if (first == 0 || last < first || (*at != ',' && *at != '\0')) {
			(void)fk_usage_error(
				"%s: '%s' is no list of SLNs from 1 to %u, like 1,2,5-8", option,
				text, FK_CLI_SLN_MAX);
			break;
		}
		if (json_array_size(list) + (last - first) >= max) {
			(void)fk_usage_error("%s: '%s' has more than %u SLNs", option, text, max);
			break;
		}
		for (; first <= last; first++)
			json_array_append_new(list, json_integer(first));
		if (*at == '\0')
			return list;
	}
	json_decref(list);
	return NULL;
}
