/* SPDX-License-Identifier: Apache-2.0 */
#include "config/uri.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include <fleetkey/hex_digit.h>
#include <fleetkey/keytable.h>

static const char digits[] = "0123456789";
static const char letters_and_digits[] =
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/* "sip:" or "sips:": its length; else 0. */
static size_t scheme_size(const char *text, size_t len)
{
	if (len > 4 && strncasecmp(text, "sip:", 4) == 0)
		return 4;
	return len > 5 && strncasecmp(text, "sips:", 5) == 0 ? 5 : 0;
}

static bool is_any_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

/* Octets from 'text' on that are of 'set'. */
static size_t span(const char *text, size_t len, const char *set)
{
	size_t n = 0;

	while (n < len && is_any_of(text[n], set))
		n++;
	return n;
}

/* A name or an address, or an IPv6 address in brackets. */
static size_t host_size(const char *text, size_t len)
{
	size_t n;

	if (len == 0 || text[0] != '[') {
		n = span(text, len, letters_and_digits);
		return n == 0 ? 0
			      : n + span(text + n, len - n,
					 "abcdefghijklmnopqrstuvwxyz"
					 "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
					 "0123456789.-");
	}
	n = 1 + span(text + 1, len - 1, "0123456789abcdefABCDEF:.");
	return n > 1 && n < len && text[n] == ']' ? n + 1 : 0;
}

static bool is_port(const char *text, size_t len)
{
	uint32_t port = 0;

	for (size_t i = 0; i < len; i++)
		port = port * 10 + (uint32_t)(text[i] - '0');
	return len >= 1 && len <= 5 && port >= 1 && port <= 65535;
}

/* What stands behind the scheme: [user@]host[:port][;parameters]. RFC 3261 §25.1, without a
 * password's colon being told from the user's name, and without headers. */
static const char *shape_refusal(const char *text, size_t len)
{
	const char *at = memchr(text, '@', len);
	size_t n;

	if (at != NULL) {
		if (at == text)
			return "has nothing before its @";
		len -= (size_t)(at + 1 - text);
		text = at + 1;
		if (memchr(text, '@', len) != NULL)
			return "has more than one @";
	}
	n = host_size(text, len);
	if (n == 0)
		return "has no host";
	text += n;
	len -= n;
	if (len > 0 && text[0] == ':') {
		n = span(text + 1, len - 1, digits);
		if (!is_port(text + 1, n))
			return "has a port that is no number from 1 to 65535";
		text += n + 1;
		len -= n + 1;
	}
	if (len > 0 && text[0] == '?')
		return "has headers (?...), which cannot be used";
	return len == 0 || text[0] == ';' ? NULL : "has a host that is no name and no address";
}

/* An identity has one spelling only: RFC 3261 §19.1.4 has a character and its escape as the same.
 */
static const char *escape_refusal(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		int high, low;

		if (text[i] != '%')
			continue;
		high = i + 2 < len ? fk_hex_digit(text[i + 1]) : -1;
		low = i + 2 < len ? fk_hex_digit(text[i + 2]) : -1;
		if (high < 0 || low < 0)
			return "has a % that is no escape";
		if (is_any_of((char)(high << 4 | low), letters_and_digits) ||
		    is_any_of((char)(high << 4 | low), "-_.!~*()"))
			return "has an escape (%) of a character that needs none";
	}
	return NULL;
}

const char *fk_uri_refusal(const char *text, size_t len)
{
	size_t scheme = scheme_size(text, len);
	const char *refusal;

	if (len == 0)
		return "is empty, must be a SIP URI";
	if (len > FK_URI_SIZE_MAX)
		return "is longer than 255 octets";
	if (scheme == 0)
		return "must be a SIP URI (sip:... or sips:...)";
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c <= 0x20 || c >= 0x7f || strchr("<>\"&',", c) != NULL)
			return "holds a character that may not stand in a SIP URI here (space, "
			       "control, non-ASCII, < > \" & ' or comma)";
	}
	refusal = shape_refusal(text + scheme, len - scheme);
	return refusal != NULL ? refusal : escape_refusal(text, len);
}

void fk_uri_settle_case(char *text, size_t len)
{
	char *user = text + scheme_size(text, len), *at = memchr(text, '@', len);
	char *host = at != NULL ? at + 1 : user;

	for (char *c = text; c < text + len && *c != ';'; c++) {
		if (c < user || c >= host)
			*c = (char)tolower((unsigned char)*c);
		else if (*c == '%' && c + 2 < text + len) {
			c[1] = (char)toupper((unsigned char)c[1]);
			c[2] = (char)toupper((unsigned char)c[2]);
			c += 2;
		}
	}
}
