/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/sip.h"

#include <string.h>

#include "sip_text.h"

#define CSEQ_MAX	 0x7fffffffu /* spec: RFC 3261 §8.1.1.5 */
#define MAX_FORWARDS_MAX 255u	     /* spec: RFC 3261 §20.22 */
#define WARN_CODE_MISC	 399u	     /* the only warn-code of 3GPP warnings: 3GPP sheet 3.7 */

enum header_id {
	HEADER_VIA,
	HEADER_FROM,
	HEADER_TO,
	HEADER_CALL_ID,
	HEADER_CSEQ,
	HEADER_MAX_FORWARDS,
	HEADER_CONTENT_TYPE,
	HEADER_CONTENT_LENGTH,
	HEADER_RETRY_AFTER,
	HEADER_WARNING,
	N_HEADERS,
};

/* Names of the headers that are read; all others are skipped. spec: RFC 3261 §7.3.3, §20 */
static const struct {
	const char *name;
	uint8_t len;
	char compact; /* '\0': none */
} header_names[N_HEADERS] = {
	[HEADER_VIA] = {"Via", 3, 'v'},
	[HEADER_FROM] = {"From", 4, 'f'},
	[HEADER_TO] = {"To", 2, 't'},
	[HEADER_CALL_ID] = {"Call-ID", 7, 'i'},
	[HEADER_CSEQ] = {"CSeq", 4, '\0'},
	[HEADER_MAX_FORWARDS] = {"Max-Forwards", 12, '\0'},
	[HEADER_CONTENT_TYPE] = {"Content-Type", 12, 'c'},
	[HEADER_CONTENT_LENGTH] = {"Content-Length", 14, 'l'},
	[HEADER_RETRY_AFTER] = {"Retry-After", 11, '\0'},
	[HEADER_WARNING] = {"Warning", 7, '\0'},
};

/* What the parse knows besides the message. */
struct parse {
	struct fk_sip_message *message;
	uint32_t seen; /* bit per header_id */
	uint32_t content_length;
	struct fk_view cseq_method;
	bool is_cut; /* the header does not end, or holds octets that no header holds */
	bool too_many_vias;
};

/* Keeps the first error: it is what the peer has to mend first. */
static void fail(struct parse *p, const char *error)
{
	if (p->message->error == NULL)
		p->message->error = error;
}

static enum header_id find_header(struct fk_view name)
{
	enum header_id id = 0;

	for (; id < N_HEADERS; id++) {
		if (name.len == 1 && header_names[id].compact != '\0' &&
		    (name.at[0] | 0x20) == header_names[id].compact)
			break;
		if (name.len == header_names[id].len && fk_view_is(name, header_names[id].name))
			break;
	}
	return id;
}

/* Branch and rport of the topmost Via. */
static void take_top_via(struct parse *p, struct fk_view via)
{
	struct fk_sip_message *m = p->message;
	struct fk_view params, name, value;
	enum fk_sip_param got;

	if (!fk_sip_via_split(via, &m->via_sent_by, &params)) {
		m->via_sent_by = (struct fk_view){0};
		fail(p, "Via is malformed");
		return;
	}
	while ((got = fk_sip_param_next(&params, &name, &value)) == FK_SIP_PARAM) {
		if (fk_view_is(name, "rport"))
			m->via_rport = true;
		if (!fk_view_is(name, "branch"))
			continue;
		if (m->via_branch.len > 0 || !fk_view_is_token(value))
			fail(p, "Via branch is malformed or given twice");
		m->via_branch = value;
	}
	if (got == FK_SIP_PARAM_BAD) {
		m->via_sent_by = (struct fk_view){0};
		fail(p, "Via parameter is malformed");
	}
}

/* A Via header has one value or several, and there may be several Via headers. */
static void take_via(struct parse *p, struct fk_view value)
{
	struct fk_sip_message *m = p->message;
	uint32_t at = 0, comma;

	for (; at <= value.len; at = comma + 1) {
		struct fk_view via;

		if (!fk_view_seek(value, at, ',', &comma)) {
			fail(p, "Via has an unterminated quote");
			p->is_cut = true;
			return;
		}
		via = fk_view_trim(fk_view_part(value, at, comma));
		if (via.len == 0) {
			fail(p, "Via is empty");
			continue;
		}
		if (m->n_vias == FK_SIP_VIAS_MAX) {
			p->too_many_vias = true;
			return;
		}
		m->vias[m->n_vias++] = via;
		if (m->n_vias == 1)
			take_top_via(p, via);
	}
}

/*
 * The tag of a From or To value. What stands behind the closing bracket, or without brackets behind
 * the first semicolon, are header parameters (RFC 3261 §20.10).
 */
static bool take_tag(struct fk_view value, struct fk_view *ret_tag)
{
	struct fk_view params, name, param;
	enum fk_sip_param got;
	uint32_t at = 0, close;
	const char *bracket;

	if (!fk_view_seek(value, 0, ';', &at))
		return false;
	/* fk_view_seek() steps over brackets, so one before 'at' is whole; it ends the address. */
	bracket = memrchr(value.at, '>', at);
	if (bracket != NULL) {
		close = (uint32_t)(bracket - value.at);
		if (fk_view_trim(fk_view_part(value, close + 1, at)).len > 0 || close == 0 ||
		    bracket[-1] == '<')
			return false;
	} else if (at == 0) {
		return false;
	}
	params = fk_view_part(value, at, value.len);
	while ((got = fk_sip_param_next(&params, &name, &param)) == FK_SIP_PARAM) {
		if (!fk_view_is(name, "tag"))
			continue;
		if (ret_tag->len > 0 || !fk_view_is_token(param))
			return false;
		*ret_tag = param;
	}
	return got == FK_SIP_PARAM_END;
}

static void take_cseq(struct parse *p, struct fk_view value)
{
	struct fk_sip_message *m = p->message;
	uint32_t n = 0;

	m->cseq = value;
	while (n < value.len && !fk_sip_is_space(value.at[n]))
		n++;
	p->cseq_method = fk_view_trim(fk_view_part(value, n, value.len));
	if (!fk_view_number(fk_view_part(value, 0, n), CSEQ_MAX, &m->cseq_number))
		fail(p, "CSeq number is not a number below 2^31");
	else if (!fk_view_is_token(p->cseq_method))
		fail(p, "CSeq method is malformed");
}

/* Leading digits; what follows (a comment, parameters) says nothing that is needed. */
static uint32_t read_retry_after(struct fk_view value)
{
	uint32_t n = 0, seconds = 0;

	while (n < value.len && value.at[n] >= '0' && value.at[n] <= '9')
		n++;
	if (n > 0 && !fk_view_number(fk_view_part(value, 0, n), UINT32_MAX, &seconds))
		seconds = UINT32_MAX; /* "for ever" is what a number too large means */
	return seconds;
}

/* NNN of one warning-value: 399 agent "NNN text". 0 if it is something else. */
static uint16_t read_warning(struct fk_view value)
{
	const char *quote = memchr(value.at, '"', value.len);
	uint32_t warn_code, code;
	struct fk_view text;

	if (value.len < 4 || !fk_view_number(fk_view_part(value, 0, 3), 999, &warn_code))
		return 0;
	if (warn_code != WARN_CODE_MISC || !fk_sip_is_space(value.at[3]) || quote == NULL)
		return 0;
	text = fk_view_part(value, (uint32_t)(quote - value.at) + 1, value.len);
	if (text.len < 4 || !fk_view_number(fk_view_part(text, 0, 3), 999, &code))
		return 0;
	return text.at[3] == ' ' || text.at[3] == '"' ? (uint16_t)code : 0;
}

static void take_warning(struct fk_sip_message *m, struct fk_view value)
{
	uint32_t at = 0, comma;

	for (; at < value.len && m->warning_code == 0; at = comma + 1) {
		if (!fk_view_seek(value, at, ',', &comma))
			return;
		m->warning_code = read_warning(fk_view_trim(fk_view_part(value, at, comma)));
	}
}

static void take_header(struct parse *p, enum header_id id, struct fk_view value)
{
	struct fk_sip_message *m = p->message;
	uint32_t number;

	switch (id) {
	case HEADER_VIA:
		take_via(p, value);
		break;
	case HEADER_FROM:
		m->from = value;
		if (!take_tag(value, &m->from_tag))
			fail(p, "From is malformed");
		break;
	case HEADER_TO:
		m->to = value;
		if (!take_tag(value, &m->to_tag))
			fail(p, "To is malformed");
		break;
	case HEADER_CALL_ID:
		m->call_id = value;
		if (fk_view_has_space(value))
			fail(p, "Call-ID is malformed");
		break;
	case HEADER_CSEQ:
		take_cseq(p, value);
		break;
	case HEADER_MAX_FORWARDS:
		m->has_max_forwards = true;
		if (!fk_view_number(value, MAX_FORWARDS_MAX, &number))
			fail(p, "Max-Forwards is not a number up to 255");
		break;
	case HEADER_CONTENT_TYPE:
		m->content_type = value;
		break;
	case HEADER_CONTENT_LENGTH:
		if (!fk_view_number(value, UINT32_MAX, &p->content_length))
			fail(p, "Content-Length is not a number");
		break;
	case HEADER_RETRY_AFTER:
		m->retry_after_s = read_retry_after(value);
		break;
	case HEADER_WARNING:
		take_warning(m, value);
		break;
	case N_HEADERS:
		break;
	}
}

/* True for the headers that may stand in a message once only. */
static bool is_single(enum header_id id)
{
	return id <= HEADER_CONTENT_LENGTH && id != HEADER_VIA;
}

/* Reads all headers; returns where the body starts, or NULL if the header does not end. */
static const char *read_headers(struct parse *p, const char *at, const char *end)
{
	struct fk_view line, name, value;
	enum header_id id;

	for (;;) {
		switch (fk_sip_line_read(&at, end, true, &line)) {
		case FK_SIP_LINE_HEADER:
			break;
		case FK_SIP_LINE_EMPTY:
			return at;
		case FK_SIP_LINE_CUT:
			fail(p, "the header does not end");
			return NULL;
		case FK_SIP_LINE_BAD:
			fail(p, "the header holds a bare CR or LF, or a NUL");
			return NULL;
		}
		if (!fk_sip_header_split(line, &name, &value)) {
			fail(p, "a header line has no name or no colon");
			continue;
		}
		id = find_header(name);
		if (id < N_HEADERS && is_single(id) && (p->seen & 1u << id) != 0) {
			/* Two answers to one question: neither can be trusted. */
			fail(p, "a header that may stand once is repeated");
			continue;
		}
		if (id < N_HEADERS)
			p->seen |= 1u << id;
		take_header(p, id, value);
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
static void read_status_line(struct parse *p, struct fk_view line)
{
	uint32_t status = 0;

	p->message->is_response = true;
	if (line.len < 11 || !fk_view_number(fk_view_part(line, 8, 11), 699, &status) ||
	    status < 100 || (line.len > 11 && line.at[11] != ' '))
		fail(p, "the status code is not three digits from 100 to 699");
	else
		p->message->status = (uint16_t)status;
}

/* "MESSAGE sip:... SIP/2.0". spec: RFC 3261 §7.1. FK_EFORMAT if no SIP version ends the line. */
static enum fk_err read_request_line(struct parse *p, struct fk_view line)
{
	struct fk_sip_message *m = p->message;
	struct fk_view trimmed = fk_view_trim(line), version;
	const char *first = memchr(trimmed.at, ' ', trimmed.len);
	const char *last = memrchr(trimmed.at, ' ', trimmed.len);
	uint32_t uri_at, version_at;

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
		fail(p, "the request line is malformed");
	else if (!fk_view_is(version, "SIP/2.0"))
		fail(p, "the SIP version is not 2.0");
	if (first != last)
		m->request_uri = fk_view_part(trimmed, uri_at, version_at - 1);
	if (m->request_uri.len == 0 || fk_view_has_space(m->request_uri) ||
	    m->request_uri.at[0] == '<')
		fail(p, "the Request-URI is malformed");
	return FK_OK;
}

/* What RFC 3261 §8.1.1 asks of every message, and whether it is enough for an answer. */
static void check_mandatory(struct parse *p)
{
	static const char *const missing[] = {
		[HEADER_VIA] = "Via is missing",
		[HEADER_FROM] = "From is missing or empty",
		[HEADER_TO] = "To is missing or empty",
		[HEADER_CALL_ID] = "Call-ID is missing or empty",
		[HEADER_CSEQ] = "CSeq is missing or empty",
	};
	struct fk_sip_message *m = p->message;
	const uint32_t lens[] = {m->n_vias, m->from.len, m->to.len, m->call_id.len, m->cseq.len};
	bool has_all = true;

	for (uint32_t id = HEADER_VIA; id <= HEADER_CSEQ; id++) {
		if (lens[id] > 0)
			continue;
		fail(p, missing[id]);
		has_all = false;
	}
	if (m->is_response) {
		m->method_text = p->cseq_method;
		m->method = method_of(p->cseq_method);
	} else if (has_all &&
		   (p->cseq_method.len != m->method_text.len ||
		    memcmp(p->cseq_method.at, m->method_text.at, m->method_text.len) != 0)) {
		fail(p, "the CSeq method is not the request's");
	}
	/* A header that was cut or holds control octets is not repeated in an answer. */
	m->can_answer = has_all && !m->is_response && m->method != FK_SIP_ACK && !p->is_cut &&
			!p->too_many_vias && m->via_sent_by.len > 0;
}

enum fk_err fk_sip_parse(const uint8_t *octets, size_t size, struct fk_sip_message *ret_message)
{
	const char *at = (const char *)octets, *end = at + size;
	struct parse p = {.message = ret_message};
	struct fk_view line;
	enum fk_err err = FK_OK;

	memset(ret_message, 0, sizeof(*ret_message));
	/* spec: RFC 3261 §7.5: empty lines before the start line are to be ignored */
	while (end - at >= 2 && at[0] == '\r' && at[1] == '\n')
		at += 2;
	if (size > UINT32_MAX || fk_sip_line_read(&at, end, false, &line) != FK_SIP_LINE_HEADER) {
		fail(&p, "no SIP start line");
		return FK_EFORMAT;
	}
	if (line.len >= 8 && fk_view_is(fk_view_part(line, 0, 8), "SIP/2.0 "))
		read_status_line(&p, line);
	else
		err = read_request_line(&p, line);
	if (err != FK_OK) {
		fail(&p, "no SIP start line");
		return err;
	}

	at = read_headers(&p, at, end);
	p.is_cut |= at == NULL;
	check_mandatory(&p);
	if (at != NULL) {
		/* spec: RFC 3261 §18.3 */
		ret_message->body = (const uint8_t *)at;
		ret_message->body_size = (uint32_t)(end - at);
		if ((p.seen & 1u << HEADER_CONTENT_LENGTH) != 0) {
			if (p.content_length > ret_message->body_size)
				fail(&p, "Content-Length goes beyond the datagram");
			else
				ret_message->body_size = p.content_length;
		}
	}
	if (p.too_many_vias && ret_message->error == NULL) {
		fail(&p, "more Via values than can be answered");
		return FK_EUNSUPPORTED;
	}
	return ret_message->error == NULL ? FK_OK : FK_EINVAL;
}
