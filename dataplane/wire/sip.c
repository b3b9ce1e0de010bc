/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/sip.h"

#include <string.h>

#include "sip_parse.h"
#include "sip_scan.h"
#include "sip_text.h"

const char fk_sip_header_names[FK_SIP_HEADERS][FK_SCAN_BLOCK] = {
	[FK_SIP_HEADER_VIA] = "via",
	[FK_SIP_HEADER_FROM] = "from",
	[FK_SIP_HEADER_TO] = "to",
	[FK_SIP_HEADER_CALL_ID] = "call-id",
	[FK_SIP_HEADER_CSEQ] = "cseq",
	[FK_SIP_HEADER_MAX_FORWARDS] = "max-forwards",
	[FK_SIP_HEADER_CONTENT_TYPE] = "content-type",
	[FK_SIP_HEADER_CONTENT_LENGTH] = "content-length",
	[FK_SIP_HEADER_RETRY_AFTER] = "retry-after",
	[FK_SIP_HEADER_WARNING] = "warning",
};

const uint8_t fk_sip_headers_by_len[FK_SIP_NAME_LEN_MAX + 1][2] = {
	[0] = {FK_SIP_HEADERS, FK_SIP_HEADERS},
	[1] = {FK_SIP_HEADERS, FK_SIP_HEADERS},
	[2] = {FK_SIP_HEADER_TO, FK_SIP_HEADERS},
	[3] = {FK_SIP_HEADER_VIA, FK_SIP_HEADERS},
	[4] = {FK_SIP_HEADER_FROM, FK_SIP_HEADER_CSEQ},
	[5] = {FK_SIP_HEADERS, FK_SIP_HEADERS},
	[6] = {FK_SIP_HEADERS, FK_SIP_HEADERS},
	[7] = {FK_SIP_HEADER_WARNING, FK_SIP_HEADER_CALL_ID},
	[8] = {FK_SIP_HEADERS, FK_SIP_HEADERS},
	[9] = {FK_SIP_HEADERS, FK_SIP_HEADERS},
	[10] = {FK_SIP_HEADERS, FK_SIP_HEADERS},
	[11] = {FK_SIP_HEADER_RETRY_AFTER, FK_SIP_HEADERS},
	[12] = {FK_SIP_HEADER_MAX_FORWARDS, FK_SIP_HEADER_CONTENT_TYPE},
	[13] = {FK_SIP_HEADERS, FK_SIP_HEADERS},
	[14] = {FK_SIP_HEADERS, FK_SIP_HEADER_CONTENT_LENGTH},
};

enum fk_sip_header fk_sip_header_find(struct fk_view name)
{
	enum fk_sip_header id;

	if (name.len == 1)
		return fk_sip_header_compact(name.at[0]);
	if (name.len > FK_SIP_NAME_LEN_MAX)
		return FK_SIP_HEADERS;
	id = fk_sip_headers_by_len[name.len][(name.at[0] | 0x20) == 'c'];
	if (id == FK_SIP_HEADERS)
		return FK_SIP_HEADERS;
	for (uint32_t i = 0; i < name.len; i++)
		if ((name.at[i] | 0x20) != fk_sip_header_names[id][i])
			return FK_SIP_HEADERS;
	return id;
}

/* Header and value of a header line, trimmed; false if it has none. */
static bool split_header(const struct fk_sip_parse *p, struct fk_view line,
			 enum fk_sip_header *ret_id, struct fk_view *ret_value)
{
	const char *colon = fk_scan_token(line.at, p->end);
	struct fk_view name;

	*ret_value = (struct fk_view){0};
	*ret_id = FK_SIP_HEADERS;
	if (colon - line.at > FK_SIP_NAME_LEN_MAX && colon - line.at < line.len && *colon == ':')
		return true; /* longer than any name that is read */
	if (!fk_sip_header_split(line, &name, ret_value))
		return false;
	*ret_id = fk_sip_header_find(name);
	return true;
}

/* Option-tags between commas: they go back in an answer. spec: RFC 3261 §20.32, §25.1 */
static bool is_token_list(struct fk_view list)
{
	uint32_t from = 0, to;

	for (; from <= list.len; from = to + 1) {
		const char *comma = memchr(list.at + from, ',', list.len - from);

		to = comma != NULL ? (uint32_t)(comma - list.at) : list.len;
		if (!fk_view_is_token(fk_view_trim(fk_view_part(list, from, to))))
			return false;
	}
	return true;
}

/*
 * Headers that say what a request insists on, which hardly any does. All begin with one of three
 * letters, so that other headers that are not read cost no more than a look at their first.
 * spec: RFC 3261 §20.12, §20.32
 */
static __attribute__((noinline)) void take_seldom(struct fk_sip_parse *p, struct fk_view line)
{
	struct fk_sip_message *m = p->message;
	struct fk_view name, value;

	if (!fk_sip_header_split(line, &name, &value))
		return;
	if (fk_view_is(name, "Require")) {
		if (!is_token_list(value))
			fk_sip_fail(p, "Require is no list of option-tags");
		else
			m->require = value;
	} else if (fk_view_is(name, "Content-Encoding") || fk_view_is(name, "e")) {
		m->content_encoding = value;
	}
}

/* True for the headers that may stand in a message once only. */
static bool is_single(enum fk_sip_header id)
{
	return id <= FK_SIP_HEADER_CONTENT_LENGTH && id != FK_SIP_HEADER_VIA;
}

/* Reads the headers from 'at' on; returns where the body starts, or NULL if the header does not
 * end. */
static const char *read_headers(struct fk_sip_parse *p, const char *at, const char *end)
{
	struct fk_view line, value;
	enum fk_sip_header id;

	for (;;) {
		p->line = at;
		switch (fk_sip_line_read(&at, end, true, &line)) {
		case FK_SIP_LINE_HEADER:
			break;
		case FK_SIP_LINE_EMPTY:
			return at;
		case FK_SIP_LINE_CUT:
			fk_sip_fail(p, "the header does not end");
			return NULL;
		case FK_SIP_LINE_BAD:
			fk_sip_fail(p, "the header holds a bare CR or LF, or a NUL");
			return NULL;
		}
		if (!split_header(p, line, &id, &value)) {
			fk_sip_fail(p, "a header line has no name or no colon");
			continue;
		}
		if (id == FK_SIP_HEADERS) {
			if (fk_sip_may_be_seldom(line.at[0]))
				take_seldom(p, line);
			continue;
		}
		if (is_single(id) && (p->seen & 1u << id) != 0) {
			/* Two answers to one question: neither can be trusted. */
			fk_sip_fail(p, "a header that may stand once is repeated");
			continue;
		}
		p->seen |= 1u << id;
		fk_sip_header_take(p, id, value);
	}
}

static uint8_t method_of(struct fk_view text)
{
	static const struct {
		const char *name;
		uint8_t method;
	} methods[] = {
		{"MESSAGE", FK_SIP_MESSAGE},
		{"OPTIONS", FK_SIP_OPTIONS},
		{"ACK", FK_SIP_ACK},
	};

	/* Methods are case-sensitive, unlike header names: RFC 3261 §7.1. */
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (text.len == strlen(methods[i].name) &&
		    memcmp(text.at, methods[i].name, text.len) == 0)
			return methods[i].method;
	return FK_SIP_OTHER;
}

/* "SIP/2.0 200 OK". spec: RFC 3261 §7.2. A missing reason phrase does no harm. */
static void read_status_line(struct fk_sip_parse *p, struct fk_view line)
{
	uint32_t status = 0;

	p->message->is_response = true;
	if (line.len < 11 || !fk_view_number(fk_view_part(line, 8, 11), 699, &status) ||
	    status < 100 || (line.len > 11 && line.at[11] != ' '))
		fk_sip_fail(p, "the status code is not three digits from 100 to 699");
	else
		p->message->status = (uint16_t)status;
}

/* The request line of a MESSAGE with single spaces. False if it is another; nothing is taken. */
static bool read_plain_request_line(struct fk_sip_parse *p, struct fk_view line)
{
	struct fk_sip_message *m = p->message;
	const char *end = line.at + line.len;
	struct fk_view uri;

	if (line.len < 17 || !FK_SCAN_IS(line.at, end, "MESSAGE ") ||
	    !FK_SCAN_IS(end - 8, end, " SIP/2.0"))
		return false;
	uri = fk_view_part(line, 8, line.len - 8);
	if (uri.at[0] == '<' || fk_view_has_space(uri))
		return false;
	m->method_text = fk_view_part(line, 0, 7);
	m->method = FK_SIP_MESSAGE;
	m->request_uri = uri;
	return true;
}

/* "MESSAGE sip:... SIP/2.0". spec: RFC 3261 §7.1. FK_EFORMAT if no SIP version ends the line. */
static enum fk_err read_request_line(struct fk_sip_parse *p, struct fk_view line)
{
	struct fk_sip_message *m = p->message;
	struct fk_view trimmed, version;
	const char *first, *last;
	uint32_t uri_at, version_at;

	if (read_plain_request_line(p, line))
		return FK_OK;
	trimmed = fk_view_trim(line);
	first = memchr(trimmed.at, ' ', trimmed.len);
	last = memrchr(trimmed.at, ' ', trimmed.len);
	if (first == NULL)
		return FK_EFORMAT;
	version_at = (uint32_t)(last - trimmed.at) + 1;
	version = fk_view_part(trimmed, version_at, trimmed.len);
	if (version.len < 4 || !fk_view_is(fk_view_part(version, 0, 4), "SIP/"))
		return FK_EFORMAT;

	uri_at = (uint32_t)(first - trimmed.at) + 1;
	m->method_text = fk_view_part(trimmed, 0, uri_at - 1);
	m->method = method_of(m->method_text);
	if (trimmed.len != line.len || !fk_view_is_token(m->method_text))
		fk_sip_fail(p, "the request line is malformed");
	else if ((m->is_other_version = !fk_view_is(version, "SIP/2.0")))
		fk_sip_fail(p, "the SIP version is not 2.0");
	if (first != last)
		m->request_uri = fk_view_part(trimmed, uri_at, version_at - 1);
	if (m->request_uri.len == 0 || fk_view_has_space(m->request_uri) ||
	    m->request_uri.at[0] == '<')
		fk_sip_fail(p, "the Request-URI is malformed");
	return FK_OK;
}

/* Where a header that was read stands, among the lines from 'at' on: for what shows to be wrong
 * with it only when all were read. Searched for then, so that good messages need not note it. */
static __attribute__((cold, noinline)) const char *line_of(const struct fk_sip_parse *p,
							   const char *at,
							   enum fk_sip_header wanted)
{
	const char *start = at;
	struct fk_view line, value;
	enum fk_sip_header id;

	while (fk_sip_line_read(&at, p->end, true, &line) == FK_SIP_LINE_HEADER) {
		if (split_header(p, line, &id, &value) && id == wanted)
			return start;
		start = at;
	}
	return p->line;
}

/* What RFC 3261 §8.1.1 asks of every message, and whether it is enough for an answer. 'headers' is
 * where the first one stands. */
static void check_mandatory(struct fk_sip_parse *p, const char *headers)
{
	static const char *const missing[] = {
		[FK_SIP_HEADER_VIA] = "Via is missing",
		[FK_SIP_HEADER_FROM] = "From is missing or empty",
		[FK_SIP_HEADER_TO] = "To is missing or empty",
		[FK_SIP_HEADER_CALL_ID] = "Call-ID is missing or empty",
		[FK_SIP_HEADER_CSEQ] = "CSeq is missing or empty",
	};
	struct fk_sip_message *m = p->message;
	const uint32_t lens[] = {m->n_vias, m->from.len, m->to.len, m->call_id.len, m->cseq.len};
	bool has_all = true;

	for (uint32_t id = FK_SIP_HEADER_VIA; id <= FK_SIP_HEADER_CSEQ; id++) {
		if (lens[id] > 0)
			continue;
		fk_sip_fail(p, missing[id]);
		has_all = false;
	}
	if (m->is_response) {
		m->method_text = p->cseq_method;
		m->method = method_of(p->cseq_method);
	} else if (has_all &&
		   (p->cseq_method.len != m->method_text.len ||
		    memcmp(p->cseq_method.at, m->method_text.at, m->method_text.len) != 0)) {
		p->line = line_of(p, headers, FK_SIP_HEADER_CSEQ);
		fk_sip_fail(p, "the CSeq method is not the request's");
	}
	/* A Via leads an answer back, and with CSeq it is enough to know it by: RFC 4475 §3.3.1. A
	 * header that was cut or holds control octets is not repeated in an answer. */
	m->can_answer = m->cseq.len > 0 && !m->is_response && m->method != FK_SIP_ACK &&
			!p->is_cut && !p->too_many_vias && m->via_sent_by.len > 0;
}

/* Of the Vias only those that 'n_vias' counts are ever read. In steps that the compiler turns into
 * plain stores: one long clear becomes a string instruction, a tenth of the whole parse. */
static inline void clear(struct fk_sip_message *message)
{
	const size_t behind = offsetof(struct fk_sip_message, n_vias), step = 64;
	uint8_t *at = (uint8_t *)message + behind;

	memset(message, 0, offsetof(struct fk_sip_message, vias));
	memset(at, 0, step);
	memset(at + step, 0, step);
	memset(at + 2 * step, 0, sizeof(*message) - behind - 2 * step);
}

enum fk_err fk_sip_parse(const uint8_t *octets, size_t size, struct fk_sip_message *ret_message)
{
	const char *at = (const char *)octets, *end = at + size, *headers;
	struct fk_sip_parse p = {.message = ret_message, .end = end};
	struct fk_view line;
	enum fk_err err = FK_OK;

	clear(ret_message);
	/* spec: RFC 3261 §7.5: empty lines before the start line are to be ignored */
	while (end - at >= 2 && at[0] == '\r' && at[1] == '\n')
		at += 2;
	p.line = at;
	if (size > UINT32_MAX || fk_sip_line_read(&at, end, false, &line) != FK_SIP_LINE_HEADER) {
		fk_sip_fail(&p, "no SIP start line");
		return FK_EFORMAT;
	}
	if (line.len >= 8 && fk_view_is(fk_view_part(line, 0, 8), "SIP/2.0 "))
		read_status_line(&p, line);
	else
		err = read_request_line(&p, line);
	if (err != FK_OK) {
		fk_sip_fail(&p, "no SIP start line");
		return err;
	}

	headers = at;
	at = read_headers(&p, fk_sip_read_plain(&p, (const char *)octets, at), end);
	p.is_cut |= at == NULL;
	p.line = at != NULL ? at : p.line;
	check_mandatory(&p, headers);
	if (at != NULL) {
		/* spec: RFC 3261 §18.3 */
		ret_message->body = (const uint8_t *)at;
		ret_message->body_size = (uint32_t)(end - at);
		if ((p.seen & 1u << FK_SIP_HEADER_CONTENT_LENGTH) != 0) {
			if (p.content_length > ret_message->body_size) {
				p.line = line_of(&p, headers, FK_SIP_HEADER_CONTENT_LENGTH);
				fk_sip_fail(&p, "Content-Length goes beyond the datagram");
			} else {
				ret_message->body_size = p.content_length;
			}
		}
	}
	if (p.too_many_vias && ret_message->error == NULL) {
		fk_sip_fail(&p, "more Via values than can be answered");
		return FK_EUNSUPPORTED;
	}
	return ret_message->error == NULL ? FK_OK : FK_EINVAL;
}
