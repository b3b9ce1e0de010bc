/* SPDX-License-Identifier: Apache-2.0 */
#include "mcdata_info_plain.h"

#include <string.h>

#include "sip_scan.h"
#include "xml.h"

#define DECLARATION	  "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
#define SHORT_DECLARATION "<?xml version=\"1.0\"?>"
#define HEAD		  "<mcdatainfo xmlns=\"urn:3gpp:ns:mcdataInfo:1.0\">" /* spec: TS 24.282 §D.1.2 */
#define PARAMS		  "<mcdata-Params>"
#define TYPE_HEAD	  "<request-type>"
#define TYPE_TAIL	  "</request-type>"
#define URI_HEAD	  "<mcdata-request-uri type=\"Normal\"><mcdataURI>"
#define URI_TAIL	  "</mcdataURI></mcdata-request-uri>"
#define USER_HEAD	  "<mcdata-calling-user-id type=\"Normal\"><mcdataURI>"
#define USER_TAIL	  "</mcdataURI></mcdata-calling-user-id>"
#define PARAMS_TAIL	  "</mcdata-Params>"
#define TAIL		  "</mcdatainfo>"
#define TYPE_CAP	  sizeof(((struct fk_mcdata_info *)NULL)->request_type)
#define URI_CAP		  sizeof(((struct fk_mcdata_info *)NULL)->request_uri)

/* What is left of the document. */
struct cursor {
	const char *at, *end;
};

static inline __attribute__((always_inline)) bool take(struct cursor *c, const char *text,
						       size_t size)
{
	if (!fk_scan_is(c->at, c->end, text, size))
		return false;
	c->at += size;
	return true;
}

#define TAKE(cursor, literal) take(cursor, literal, sizeof(literal) - 1)

static inline void skip_spaces(struct cursor *c)
{
	while (c->at < c->end && fk_xml_is_space(*c->at))
		c->at++;
}

#ifdef __SSE2__
/* One bit for each octet that says nothing to XML: printable ASCII but < > & and space. */
static inline uint32_t value_mask(const char *at)
{
	__m128i v = fk_scan_load(at);
	__m128i marks = _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('<')),
				     _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('>')),
						  _mm_cmpeq_epi8(v, _mm_set1_epi8('&'))));

	return (uint32_t)_mm_movemask_epi8(
		_mm_andnot_si128(marks, _mm_cmpgt_epi8(v, _mm_set1_epi8(' '))));
}
#else
static inline uint32_t value_mask(const char *at)
{
	(void)at;
	return 0;
}
#endif

static inline bool is_value_char(char c)
{
	return c > ' ' && c != '<' && c != '>' && c != '&';
}

/* A value that the struct holds, between the tags around it. False if it is there already. */
static bool take_value(struct cursor *c, size_t cap, struct fk_view *ret_value)
{
	const char *start = c->at;

	if (ret_value->at != NULL)
		return false;
	c->at = fk_scan_run(start, c->end, value_mask, is_value_char);
	*ret_value = (struct fk_view){.at = start, .len = (uint32_t)(c->at - start)};
	return ret_value->len < cap;
}

static void keep(char *value, struct fk_view view)
{
	if (view.len > 0)
		memcpy(value, view.at, view.len);
	value[view.len] = '\0';
}

/* The values of a document, where they stand in it. */
struct values {
	struct fk_view type, uri, user;
};

/* Inline: views that go through memory cost more than finding them. */
static inline __attribute__((always_inline)) bool find_values(const uint8_t *octets, size_t size,
							      struct values *ret_values)
{
	struct cursor c = {.at = (const char *)octets, .end = (const char *)octets + size};
	struct values v = {0};

	(void)(TAKE(&c, DECLARATION) || TAKE(&c, SHORT_DECLARATION));
	skip_spaces(&c);
	if (!TAKE(&c, HEAD))
		return false;
	skip_spaces(&c);
	if (!TAKE(&c, PARAMS))
		return false;
	for (skip_spaces(&c); !TAKE(&c, PARAMS_TAIL); skip_spaces(&c)) {
		bool ok = false;

		if (TAKE(&c, TYPE_HEAD))
			ok = take_value(&c, TYPE_CAP, &v.type) && TAKE(&c, TYPE_TAIL);
		else if (TAKE(&c, URI_HEAD))
			ok = take_value(&c, URI_CAP, &v.uri) && TAKE(&c, URI_TAIL);
		else if (TAKE(&c, USER_HEAD))
			ok = take_value(&c, URI_CAP, &v.user) && TAKE(&c, USER_TAIL);
		if (!ok)
			return false;
	}
	skip_spaces(&c);
	if (!TAKE(&c, TAIL))
		return false;
	skip_spaces(&c);
	*ret_values = v;
	return c.at == c.end;
}

bool fk_mcdata_info_read_plain(const uint8_t *octets, size_t size, struct fk_mcdata_info *ret_info)
{
	struct values v;

	if (!find_values(octets, size, &v))
		return false;
	keep(ret_info->request_type, v.type);
	keep(ret_info->request_uri, v.uri);
	keep(ret_info->calling_user_id, v.user);
	ret_info->request_uri_size = v.uri.len;
	ret_info->calling_user_id_size = v.user.len;
	return true;
}

bool fk_mcdata_info_find_user(const uint8_t *octets, size_t size, struct fk_view *ret_user)
{
	struct values v;

	if (size > FK_MCDATA_INFO_SIZE_MAX || !find_values(octets, size, &v) || v.user.len == 0)
		return false;
	*ret_user = v.user;
	return true;
}
