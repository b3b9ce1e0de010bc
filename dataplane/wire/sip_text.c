/* SPDX-License-Identifier: Apache-2.0 */
#include "sip_text.h"

#include <string.h>

#include "sip_scan.h"

static char to_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool fk_text_equals(const char *a, const char *b, size_t len)
{
	/* Mostly it is spelled as we spell it. */
	if (len == 0 || memcmp(a, b, len) == 0)
		return true;
	for (size_t i = 0; i < len; i++)
		if (to_lower(a[i]) != to_lower(b[i]))
			return false;
	return true;
}

bool fk_view_has_space(struct fk_view v)
{
	const char *at = v.at, *end = v.at + v.len;

#ifdef __SSE2__
	for (; end - at >= FK_SCAN_BLOCK; at += FK_SCAN_BLOCK)
		if (fk_scan_equal_mask(at, ' ') != 0 || fk_scan_control_mask(at) != 0)
			break;
#endif
	for (; at < end; at++)
		if (fk_sip_is_space(*at))
			return true;
	return false;
}

bool fk_view_is_token(struct fk_view v)
{
	return v.len > 0 && fk_scan_token(v.at, v.at + v.len) == v.at + v.len;
}

bool fk_view_number(struct fk_view v, uint32_t max, uint32_t *ret_value)
{
	uint64_t value = 0;

	if (v.len == 0)
		return false;
	for (uint32_t i = 0; i < v.len; i++) {
		if (v.at[i] < '0' || v.at[i] > '9')
			return false;
		value = value * 10 + (uint64_t)(v.at[i] - '0');
		if (value > max)
			return false;
	}
	*ret_value = (uint32_t)value;
	return true;
}

/* Index behind the quoted string that starts at 'at', or 0 if it does not end. */
static uint32_t skip_quoted(struct fk_view v, uint32_t at)
{
	for (at++; at < v.len; at++) {
		if (v.at[at] == '"')
			return at + 1;
		if (v.at[at] == '\\')
			at++;
	}
	return 0;
}

bool fk_view_seek(struct fk_view v, uint32_t from, char wanted, uint32_t *ret_at)
{
	uint32_t i = from, end;
	const char *found = from < v.len ? memchr(v.at + from, wanted, v.len - from) : NULL;

	/* Mostly neither quotes nor brackets come first. */
	end = found != NULL ? (uint32_t)(found - v.at) : v.len;
	if (from >= v.len || (memchr(v.at + from, '"', end - from) == NULL &&
			      memchr(v.at + from, '<', end - from) == NULL)) {
		*ret_at = end;
		return true;
	}
	while (i < v.len && v.at[i] != wanted) {
		if (v.at[i] == '"') {
			i = skip_quoted(v, i);
			if (i == 0)
				return false;
		} else if (v.at[i] == '<') {
			const char *close = memchr(v.at + i, '>', v.len - i);

			if (close == NULL)
				return false;
			i = (uint32_t)(close - v.at) + 1;
		} else {
			i++;
		}
	}
	*ret_at = i < v.len ? i : v.len;
	return true;
}

/* True if every NUL of the line is a quoted-pair: behind a backslash, inside a quoted string. */
static bool nuls_are_quoted(const char *at, const char *end)
{
	bool in_quotes = false;

	for (; at < end; at++) {
		if (*at == '"')
			in_quotes = !in_quotes;
		else if (*at == '\\' && in_quotes)
			at++;
		else if (*at == '\0')
			return false;
	}
	return true;
}

enum fk_sip_line fk_sip_line_read_any(const char **at, const char *end, bool may_fold,
				      struct fk_view *ret_line)
{
	const char *start = *at, *from = start, *lf;
	bool has_nul = false;

	for (;;) {
		lf = memchr(from, '\n', (size_t)(end - from));
		if (lf == NULL)
			return FK_SIP_LINE_CUT;
		if (lf == from || lf[-1] != '\r')
			return FK_SIP_LINE_BAD;
		if (memchr(from, '\r', (size_t)(lf - 1 - from)) != NULL)
			return FK_SIP_LINE_BAD;
		has_nul |= memchr(from, '\0', (size_t)(lf - from)) != NULL;
		if (lf - 1 == start) {
			*at = lf + 1;
			return FK_SIP_LINE_EMPTY;
		}
		if (!may_fold || lf + 1 == end || (lf[1] != ' ' && lf[1] != '\t'))
			break;
		from = lf + 1;
	}
	if (has_nul && !(may_fold && nuls_are_quoted(start, lf)))
		return FK_SIP_LINE_BAD;
	*ret_line = (struct fk_view){.at = start, .len = (uint32_t)(lf - 1 - start)};
	*at = lf + 1;
	return FK_SIP_LINE_HEADER;
}

bool fk_sip_header_split(struct fk_view line, struct fk_view *ret_name, struct fk_view *ret_value)
{
	const char *colon = memchr(line.at, ':', line.len);
	uint32_t at;

	if (colon == NULL || fk_sip_is_space(line.at[0]))
		return false;
	at = (uint32_t)(colon - line.at);
	*ret_name = fk_view_trim(fk_view_part(line, 0, at));
	*ret_value = fk_view_trim(fk_view_part(line, at + 1, line.len));
	return fk_view_is_token(*ret_name);
}

enum fk_sip_param fk_sip_param_next(struct fk_view *rest, struct fk_view *ret_name,
				    struct fk_view *ret_value)
{
	struct fk_view param, v = fk_view_trim(*rest);
	uint32_t end, equals;

	if (v.len == 0)
		return FK_SIP_PARAM_END;
	if (v.at[0] != ';' || !fk_view_seek(v, 1, ';', &end))
		return FK_SIP_PARAM_BAD;
	param = fk_view_part(v, 1, end);
	if (!fk_view_seek(param, 0, '=', &equals))
		return FK_SIP_PARAM_BAD;
	*ret_name = fk_view_trim(fk_view_part(param, 0, equals));
	*ret_value = equals == param.len ? fk_view_part(param, param.len, param.len)
					 : fk_view_trim(fk_view_part(param, equals + 1, param.len));
	*rest = fk_view_part(v, end, v.len);
	return fk_view_is_token(*ret_name) ? FK_SIP_PARAM : FK_SIP_PARAM_BAD;
}

/* Takes a token off the front of 'v', with the white space before it. */
static bool take_token(struct fk_view *v, struct fk_view *ret_token)
{
	uint32_t n = 0;

	*v = fk_view_trim(*v);
	while (n < v->len && fk_scan_is_token(v->at[n]))
		n++;
	*ret_token = fk_view_part(*v, 0, n);
	*v = fk_view_part(*v, n, v->len);
	return n > 0;
}

static bool take_slash(struct fk_view *v)
{
	*v = fk_view_trim(*v);
	if (v->len == 0 || v->at[0] != '/')
		return false;
	*v = fk_view_part(*v, 1, v->len);
	return true;
}

/* Host, and a port if there is one. White space may stand around the colon only. */
static bool sent_by_is_plausible(struct fk_view v)
{
	bool in_brackets = false, had_space = false;
	char previous = '\0';

	for (uint32_t i = 0; i < v.len; i++) {
		char c = v.at[i];

		if (fk_sip_is_space(c)) {
			had_space = true;
			continue;
		}
		if (had_space && c != ':' && previous != ':')
			return false;
		had_space = false;
		if (c == '[' || c == ']')
			in_brackets = c == '[';
		else if (!fk_scan_is_alnum(c) && c != '.' && c != '-' && c != '_' && c != ':')
			return false;
		previous = c;
	}
	return v.len > 0 && !in_brackets && previous != ':';
}

bool fk_sip_via_split(struct fk_view via, struct fk_view *ret_sent_by, struct fk_view *ret_params)
{
	struct fk_view v = via, name, version, transport;
	uint32_t end;

	/* spec: RFC 3261 §25.1: sent-protocol LWS sent-by *( SEMI via-params ) */
	if (!take_token(&v, &name) || !take_slash(&v) || !take_token(&v, &version) ||
	    !take_slash(&v) || !take_token(&v, &transport))
		return false;
	/* Who speaks another version is told so, which takes reading its Via. */
	if (!fk_view_is(name, "SIP"))
		return false;
	if (v.len == 0 || !fk_sip_is_space(v.at[0]) || !fk_view_seek(v, 0, ';', &end))
		return false;
	*ret_sent_by = fk_view_trim(fk_view_part(v, 0, end));
	*ret_params = fk_view_part(v, end, v.len);
	return sent_by_is_plausible(*ret_sent_by);
}
