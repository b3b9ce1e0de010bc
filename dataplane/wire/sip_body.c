/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sip_body.c - the parts of a multipart body, and base64.
 */
#include <string.h>

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "sip_scan.h"
#include "sip_text.h"
#include "wire/sip.h"

#define BOUNDARY_LEN_MAX 70 /* spec: RFC 2046 §5.1.1 */

/* The line that stands before, between and behind the parts: "--" and the boundary. */
struct delimiter {
	char text[2 + BOUNDARY_LEN_MAX];
	uint32_t len;
};

/* Takes "quoted" or bare text over, escapes resolved. False if it is empty or too long. */
static bool set_delimiter(struct fk_view boundary, struct delimiter *delimiter)
{
	uint32_t n = 2;

	memset(delimiter->text, 0, FK_SCAN_BLOCK); /* begins_with() loads it whole */
	delimiter->text[0] = delimiter->text[1] = '-';
	if (boundary.len >= 2 && boundary.at[0] == '"' && boundary.at[boundary.len - 1] == '"')
		boundary = fk_view_part(boundary, 1, boundary.len - 1);
	for (uint32_t i = 0; i < boundary.len; i++) {
		if (boundary.at[i] == '\\' && i + 1 < boundary.len)
			i++;
		if (boundary.at[i] == '\r' || boundary.at[i] == '\n' ||
		    n == sizeof(delimiter->text))
			return false;
		delimiter->text[n++] = boundary.at[i];
	}
	delimiter->len = n;
	return n > 2;
}

/* type/subtype of a Content-Type value, and what stands behind. */
static struct fk_view split_type(struct fk_view value, struct fk_view *ret_params)
{
	const char *semicolon = value.len > 0 ? memchr(value.at, ';', value.len) : NULL;
	uint32_t at = semicolon != NULL ? (uint32_t)(semicolon - value.at) : value.len;

	*ret_params = fk_view_part(value, at, value.len);
	return fk_view_trim(fk_view_part(value, 0, at));
}

/* Compares "type/subtype", in which white space around the slash is allowed (RFC 3261 §25.1). */
static bool type_is(struct fk_view type, const char *main_type, const char *subtype)
{
	const char *slash = type.len > 0 ? memchr(type.at, '/', type.len) : NULL;
	uint32_t at;

	if (slash == NULL)
		return false;
	at = (uint32_t)(slash - type.at);
	if (!fk_view_is(fk_view_trim(fk_view_part(type, 0, at)), main_type))
		return false;
	return subtype == NULL ||
	       fk_view_is(fk_view_trim(fk_view_part(type, at + 1, type.len)), subtype);
}

/* One delimiter line in the body. */
struct found {
	const char *part_end; /* the octets before it, without the CRLF that belongs to it */
	const char *next;     /* behind its line */
	bool is_last;
};

static inline bool begins_with(const char *at, const char *end, const struct delimiter *d)
{
#ifdef __SSE2__
	/* Mostly it is short, and far from the end. */
	if (d->len <= FK_SCAN_BLOCK && end - at >= FK_SCAN_BLOCK) {
		uint32_t wanted = (1u << d->len) - 1;
		__m128i same = _mm_cmpeq_epi8(fk_scan_load(at), fk_scan_load(d->text));

		return ((uint32_t)_mm_movemask_epi8(same) & wanted) == wanted;
	}
#endif
	return (size_t)(end - at) >= d->len && memcmp(at, d->text, d->len) == 0;
}

/*
 * Is there a delimiter line at 'at', which is a line start? White space may follow the boundary,
 * and the last one need not end in CRLF. A line that only begins like it is content.
 */
static bool read_delimiter(const char *at, const char *end, const struct delimiter *d,
			   struct found *ret_found)
{
	if (!begins_with(at, end, d))
		return false;
	at += d->len;
	ret_found->is_last = end - at >= 2 && at[0] == '-' && at[1] == '-';
	if (ret_found->is_last)
		at += 2;
	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	if (end - at >= 2 && at[0] == '\r' && at[1] == '\n') {
		ret_found->next = at + 2;
		return true;
	}
	ret_found->next = at;
	return ret_found->is_last && at == end;
}

#ifdef __x86_64__
#define WIDE 32 /* octets of a register */

__attribute__((target("avx2"))) static const char *find_line_avx2(const char *at, const char *end)
{
	const __m256i lf = _mm256_set1_epi8('\n'), hyphen = _mm256_set1_epi8('-');

	for (; end - at > WIDE; at += WIDE) {
		__m256i lfs = _mm256_cmpeq_epi8(_mm256_loadu_si256((const __m256i *)at), lf);
		__m256i hyphens =
			_mm256_cmpeq_epi8(_mm256_loadu_si256((const __m256i *)(at + 1)), hyphen);
		uint32_t found = (uint32_t)_mm256_movemask_epi8(_mm256_and_si256(lfs, hyphens));

		if (found != 0)
			return at + __builtin_ctz(found);
	}
	return fk_scan_find_pair(at, end, '\n', '-');
}
#endif

/* The LF before the next line that begins with a hyphen, at or after 'at'; or 'end'. */
static inline const char *find_line(const char *at, const char *end)
{
#ifdef __x86_64__
	if (__builtin_cpu_supports("avx2"))
		return find_line_avx2(at, end);
#endif
	return fk_scan_find_pair(at, end, '\n', '-');
}

/* The next delimiter line at or after 'from', which is a line start. */
static bool find_delimiter(const char *from, const char *end, const struct delimiter *d,
			   struct found *ret_found)
{
	const char *at = from;

	for (;;) {
		if (read_delimiter(at, end, d, ret_found)) {
			ret_found->part_end = at == from ? from : at - 2;
			return true;
		}
		/* A delimiter begins with a hyphen, and few lines do. */
		do {
			at = find_line(at, end);
			if (at == end)
				return false;
			at++;
		} while (at - from < 2 || at[-2] != '\r');
	}
}

/* The parts of an SDS have one header: a Content-Type without parameters, most often one of these
 * subtypes. Where it ends if it is one, or NULL. */
static inline const char *skip_known_type(const char *at, const char *end)
{
	if (!FK_SCAN_IS(at, end, "application/vnd.3gpp.mcdata-"))
		return NULL;
	at += strlen("application/vnd.3gpp.mcdata-");
	if (FK_SCAN_IS(at, end, "info+xml"))
		return at + strlen("info+xml");
	if (FK_SCAN_IS(at, end, "signalling"))
		return at + strlen("signalling");
	return FK_SCAN_IS(at, end, "payload") ? at + strlen("payload") : NULL;
}

/* Where any type/subtype ends, or NULL. */
static const char *skip_type(const char *at, const char *end)
{
	const char *slash = fk_scan_token(at, end), *behind;

	if (slash == at || slash == end || *slash != '/')
		return NULL;
	behind = fk_scan_token(slash + 1, end);
	return behind > slash + 1 ? behind : NULL;
}

/* Reads that one header. False if there are others, or none; then read_part() reads them. */
static bool read_plain_part(const char *at, const char *end, struct fk_sip_part *part)
{
	const char *type, *behind;

	if (!FK_SCAN_IS(at, end, "Content-Type:"))
		return false;
	type = at + strlen("Content-Type:");
	if (type < end && *type == ' ')
		type++;
	behind = skip_known_type(type, end);
	if (behind == NULL || !FK_SCAN_IS(behind, end, "\r\n\r\n"))
		behind = skip_type(type, end);
	if (behind == NULL || !FK_SCAN_IS(behind, end, "\r\n\r\n"))
		return false;
	*part = (struct fk_sip_part){
		.content_type = {.at = type, .len = (uint32_t)(behind - type)},
		.octets = (const uint8_t *)behind + 4,
		.size = (uint32_t)(end - behind - 4),
	};
	return true;
}

/* Two that say different things say nothing that can be relied on. spec: RFC 2045 §6.1 */
static void read_encoding(struct fk_view value, bool is_first, struct fk_sip_part *part)
{
	bool is_base64 = fk_view_is(value, "base64");

	part->is_opaque |= (!is_first && is_base64 != part->is_base64) ||
			   !(is_base64 || fk_view_is(value, "binary") ||
			     fk_view_is(value, "8bit") || fk_view_is(value, "7bit"));
	part->is_base64 = is_base64;
}

/* Headers of one part, then its octets. spec: RFC 2045 §3 */
static enum fk_err read_part(const char *at, const char *end, struct fk_sip_part *part)
{
	struct fk_view line, name, value, params;
	uint32_t n_encodings = 0;

	*part = (struct fk_sip_part){0};
	for (;;) {
		switch (fk_sip_line_read(&at, end, true, &line)) {
		case FK_SIP_LINE_HEADER:
			break;
		case FK_SIP_LINE_EMPTY:
			part->octets = (const uint8_t *)at;
			part->size = (uint32_t)(end - at);
			return FK_OK;
		case FK_SIP_LINE_CUT:
			/* The CRLF that belongs to the delimiter ended the last header line. */
			line = (struct fk_view){.at = at, .len = (uint32_t)(end - at)};
			at = end;
			part->octets = (const uint8_t *)end;
			if (line.len == 0)
				return FK_OK;
			if (memchr(line.at, '\0', line.len) != NULL)
				return FK_EFORMAT;
			break;
		case FK_SIP_LINE_BAD:
			return FK_EFORMAT;
		}
		if (!fk_sip_header_split(line, &name, &value))
			return FK_EFORMAT;
		/* A Content-Length of a part is ignored: 3GPP sheet 4.7. */
		if (fk_view_is(name, "Content-Type"))
			part->content_type = split_type(value, &params);
		else if (fk_view_is(name, "Content-Transfer-Encoding"))
			read_encoding(value, n_encodings++ == 0, part);
		if (part->octets != NULL)
			return FK_OK;
	}
}

/* multipart/mixed with a bare boundary and nothing else, spelled as nearly all spell it. 'limit' is
 * behind the value, and scans may look that far. */
static bool read_plain_type(struct fk_view value, const char *limit, struct delimiter *delimiter)
{
	const char *at = value.at, *end = value.at + value.len;
	struct fk_view boundary;

	if (!FK_SCAN_IS(at, end, "multipart/mixed;boundary="))
		return false;
	boundary = fk_view_part(value, strlen("multipart/mixed;boundary="), value.len);
	if (boundary.len == 0 || boundary.len > BOUNDARY_LEN_MAX ||
	    fk_scan_token(boundary.at, limit) != end)
		return false;
	delimiter->len = 2 + boundary.len;
	memset(delimiter->text, 0, FK_SCAN_BLOCK);
	memset(delimiter->text, '-', 2);
	memcpy(delimiter->text + 2, boundary.at, boundary.len);
	return true;
}

static enum fk_err split_multipart(const struct fk_sip_message *message, const struct delimiter *d,
				   struct fk_sip_part *ret_parts, uint32_t max, uint32_t *ret_n)
{
	const char *at = (const char *)message->body, *end = at + message->body_size;
	struct found found;
	uint32_t n = 0;

	if (!find_delimiter(at, end, d, &found))
		return FK_EFORMAT;
	while (!found.is_last) {
		const char *start = found.next;
		enum fk_err err;

		if (!find_delimiter(start, end, d, &found))
			return FK_EFORMAT; /* a part without end */
		if (n == max)
			return FK_EFULL;
		if (!read_plain_part(start, found.part_end, &ret_parts[n])) {
			err = read_part(start, found.part_end, &ret_parts[n]);
			if (err != FK_OK)
				return err;
		}
		n++;
	}
	*ret_n = n;
	return FK_OK;
}

enum fk_err fk_sip_split_body(const struct fk_sip_message *message, struct fk_sip_part *ret_parts,
			      uint32_t max, uint32_t *ret_n)
{
	struct fk_view type, params, name, value, boundary = {0};
	struct delimiter delimiter;
	enum fk_sip_param got;

	if (message->content_type.len == 0)
		return FK_EUNSUPPORTED;
	if (read_plain_type(message->content_type, (const char *)message->body, &delimiter))
		return split_multipart(message, &delimiter, ret_parts, max, ret_n);
	type = split_type(message->content_type, &params);
	if (type.len == 0)
		return FK_EUNSUPPORTED;
	if (!type_is(type, "multipart", NULL)) {
		if (max == 0)
			return FK_EFULL;
		ret_parts[0] = (struct fk_sip_part){
			.content_type = type,
			.octets = message->body,
			.size = message->body_size,
		};
		*ret_n = 1;
		return FK_OK;
	}
	if (!type_is(type, "multipart", "mixed"))
		return FK_EUNSUPPORTED;
	while ((got = fk_sip_param_next(&params, &name, &value)) == FK_SIP_PARAM)
		if (fk_view_is(name, "boundary"))
			boundary = value;
	if (got == FK_SIP_PARAM_BAD || !set_delimiter(boundary, &delimiter))
		return FK_EFORMAT;
	return split_multipart(message, &delimiter, ret_parts, max, ret_n);
}

/* The six bits that a base64 letter stands for, or -1. spec: RFC 4648 §4 */
static int base64_value(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

enum fk_err fk_base64_decode(const uint8_t *text, size_t text_size, uint8_t *buf, size_t cap,
			     size_t *ret_size)
{
	uint32_t bits = 0, n_bits = 0;
	size_t n_letters = 0, n_pads = 0, size = 0;

	for (size_t i = 0; i < text_size; i++) {
		int value;

		if (fk_sip_is_space((char)text[i]))
			continue;
		if (text[i] == '=') {
			n_pads++;
			continue;
		}
		value = base64_value(text[i]);
		if (value < 0 || n_pads > 0)
			return FK_EFORMAT;
		n_letters++;
		bits = bits << 6 | (uint32_t)value;
		n_bits += 6;
		if (n_bits < 8)
			continue;
		n_bits -= 8;
		if (size == cap)
			return FK_EFULL;
		buf[size++] = (uint8_t)(bits >> n_bits);
		bits &= (1u << n_bits) - 1;
	}
	/* Bits behind the last octet must be zero, or one value would have several texts. */
	if ((n_letters + n_pads) % 4 != 0 || n_pads > 2 || bits != 0 || n_bits >= 6)
		return FK_EFORMAT;
	*ret_size = size;
	return FK_OK;
}
