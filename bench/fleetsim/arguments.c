/* SPDX-License-Identifier: Apache-2.0 */
/* arguments.c - see arguments.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "wire/address.h"

bool fk_argument_complain(const char *option, const char *value, const char *range)
{
	fprintf(stderr, "fleetsim: --%s %s: %s\n", option, value, range);
	return false;
}

bool fk_argument_number(const char *option, const char *text, uint64_t min, uint64_t max,
			uint64_t *ret_value)
{
	char *end, range[64];
	unsigned long long value;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (text[0] < '0' || text[0] > '9' || errno != 0 || *end != '\0' || value < min ||
	    value > max) {
		snprintf(range, sizeof(range), "is no number in the range %llu..%llu",
			 (unsigned long long)min, (unsigned long long)max);
		return fk_argument_complain(option, text, range);
	}
	*ret_value = value;
	return true;
}

bool fk_argument_percent(const char *option, const char *text, double *ret_value)
{
	char *end;
	double value;

	errno = 0;
	value = strtod(text, &end);
	if (text[0] < '0' || text[0] > '9' || errno != 0 || *end != '\0' ||
	    !(value >= 0 && value <= 100))
		return fk_argument_complain(option, text, "is no number in the range 0..100");
	*ret_value = value;
	return true;
}

bool fk_argument_ip(const char *text, struct fk_address *ret_address)
{
	char address[FK_ADDRESS_TEXT_SIZE];
	size_t len = strcspn(text, "/");
	uint64_t prefix;

	if (len >= sizeof(address))
		return fk_argument_complain("ip", text, "is no IP address");
	memcpy(address, text, len);
	address[len] = '\0';
	if (fk_address_parse(address, ret_address) != FK_OK || !fk_address_is_routable(ret_address))
		return fk_argument_complain("ip", text, "is no IP address of a host");
	/* The prefix is checked and then ignored: the server only ever answers. */
	return text[len] == '\0' ||
	       fk_argument_number("ip", text + len + 1, 1,
				  fk_address_is_ipv4(ret_address) ? 32 : 128, &prefix);
}

bool fk_argument_uri(const char *option, const char *text)
{
	if (strncmp(text, "sip:", 4) != 0 || strlen(text) > 200 ||
	    strpbrk(text, " \t\r\n<>\"'&\\;,") != NULL)
		return fk_argument_complain(option, text,
					    "is no plain SIP URI of at most 200 characters");
	return true;
}

bool fk_argument_pair(const char *option, const char *text, char separator, char *ret_first,
		      size_t cap, const char **ret_second)
{
	const char *at = strchr(text, separator);
	size_t len = at == NULL ? strlen(text) : (size_t)(at - text);

	if (len >= cap)
		return fk_argument_complain(option, text, "is too long");
	memcpy(ret_first, text, len);
	ret_first[len] = '\0';
	*ret_second = at == NULL ? NULL : at + 1;
	return true;
}

bool fk_argument_isd_layout(const char *path, struct fk_isd_layout *ret_layout)
{
	char text[FK_ISD_LAYOUT_SIZE_MAX + 1], complaint[160];
	struct fk_isd_error error;
	FILE *file = fopen(path, "re");
	size_t size;

	if (file == NULL)
		return fk_argument_complain("isd-layout", path, strerror(errno));
	size = fread(text, 1, sizeof(text), file);
	fclose(file);
	if (fk_isd_layout_parse(text, size, ret_layout, &error) == FK_OK)
		return true;
	snprintf(complaint, sizeof(complaint), "line %zu: %s: %s", error.offset, error.field,
		 error.reason);
	return fk_argument_complain("isd-layout", path, complaint);
}
