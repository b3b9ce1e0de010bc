/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/sip.h"

#include <string.h>

#include "sip_scan.h"
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

#define NAME_LEN_MAX 14 /* of the names below */

/* Names of the headers that are read, in lower case; all others are skipped. None shares its length
 * with more than one other, and of two only one begins with a C. spec: RFC 3261 §7.3.3, §20 */
static const struct {
	char lower[FK_SCAN_BLOCK];
	uint8_t len;
} header_names[N_HEADERS] = {
	[HEADER_VIA] = {"via", 3},
	[HEADER_FROM] = {"from", 4},
	[HEADER_TO] = {"to", 2},
	[HEADER_CALL_ID] = {"call-id", 7},
	[HEADER_CSEQ] = {"cseq", 4},
	[HEADER_MAX_FORWARDS] = {"max-forwards", 12},
	[HEADER_CONTENT_TYPE] = {"content-type", 12},
	[HEADER_CONTENT_LENGTH] = {"content-length", 14},
	[HEADER_RETRY_AFTER] = {"retry-after", 11},
	[HEADER_WARNING] = {"warning", 7},
};

/* Which header a name of this length can be: one that begins with another letter, or with a C. */
static const uint8_t headers_by_len[NAME_LEN_MAX + 1][2] = {
	[0] = {N_HEADERS, N_HEADERS},
	[1] = {N_HEADERS, N_HEADERS},
	[2] = {HEADER_TO, N_HEADERS},
	[3] = {HEADER_VIA, N_HEADERS},
	[4] = {HEADER_FROM, HEADER_CSEQ},
	[5] = {N_HEADERS, N_HEADERS},
	[6] = {N_HEADERS, N_HEADERS},
	[7] = {HEADER_WARNING, HEADER_CALL_ID},
	[8] = {N_HEADERS, N_HEADERS},
	[9] = {N_HEADERS, N_HEADERS},
	[10] = {N_HEADERS, N_HEADERS},
	[11] = {HEADER_RETRY_AFTER, N_HEADERS},
	[12] = {HEADER_MAX_FORWARDS, HEADER_CONTENT_TYPE},
	[13] = {N_HEADERS, N_HEADERS},
	[14] = {N_HEADERS, HEADER_CONTENT_LENGTH},
};

/* What the parse knows besides the message. */
struct parse {
	struct fk_sip_message *message;
	const char *end; /* of the datagram: scans may look this far */
	uint32_t seen;	 /* bit per header_id */
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

static enum header_id find_compact(char c)
{
	switch (c | 0x20) {
	case 'v':
		return HEADER_VIA;
	case 'f':
		return HEADER_FROM;
	case 't':
		return HEADER_TO;
	case 'i':
		return HEADER_CALL_ID;
	case 'c':
		return HEADER_CONTENT_TYPE;
	case 'l':
		return HEADER_CONTENT_LENGTH;
	}
	return N_HEADERS;
}

static enum header_id find_header(struct fk_view name)
{
	enum header_id id;

	if (name.len == 1)
		return find_compact(name.at[0]);
	if (name.len > NAME_LEN_MAX)
		return N_HEADERS;
	id = headers_by_len[name.len][(name.at[0] | 0x20) == 'c'];
	if (id == N_HEADERS)
		return N_HEADERS;
	for (uint32_t i = 0; i < name.len; i++)
		if ((name.at[i] | 0x20) != header_names[id].lower[i])
			return N_HEADERS;
	return id;
}

#ifdef __SSE2__
/*
 * Splits a header line whose colon directly follows its name, in the line's first block; tells the
 * header too. False if it is another kind of line. A token's letters and hyphens are the only ones
 * that setting bit 5 turns into those of header_names[], so a name that matches needs no check.
 */
static inline bool split_plain_header(const struct parse *p, struct fk_view line,
				      enum header_id *ret_id, struct fk_view *ret_value)
{
	uint32_t len, in_name, others;
	enum header_id id;
	__m128i block;

	if (p->end - line.at < FK_SCAN_BLOCK)
		return false;
	len = (uint32_t)__builtin_ctz(fk_scan_equal_mask(line.at, ':') | 1u << FK_SCAN_BLOCK);
	if (len == 0 || len >= FK_SCAN_BLOCK || len >= line.len)
		return false;
	*ret_value = fk_view_part(line, len + 1, line.len);
	if (len == 1) {
		*ret_id = find_compact(line.at[0]);
		return fk_scan_is_token(line.at[0]);
	}
	in_name = (1u << len) - 1;
	id = len <= NAME_LEN_MAX ? headers_by_len[len][(line.at[0] | 0x20) == 'c'] : N_HEADERS;
	if (id != N_HEADERS) {
		block = _mm_cmpeq_epi8(_mm_or_si128(fk_scan_load(line.at), _mm_set1_epi8(0x20)),
				       fk_scan_load(header_names[id].lower));
		if (((uint32_t)_mm_movemask_epi8(block) & in_name) == in_name) {
			*ret_id = id;
			return true;
		}
	}
	*ret_id = N_HEADERS;
	others = ~fk_scan_token_mask(line.at) & in_name;
	for (; others != 0; others &= others - 1)
		if (!fk_scan_is_token(line.at[__builtin_ctz(others)]))
			return false;
	return true;
}
#endif

/* The same for any line. */
static bool split_any_header(const struct parse *p, struct fk_view line, enum header_id *ret_id,
			     struct fk_view *ret_value)
{
	const char *colon = fk_scan_token(line.at, p->end);
	struct fk_view name;

	*ret_value = (struct fk_view){0};
	*ret_id = N_HEADERS;
	if (colon - line.at > NAME_LEN_MAX && colon - line.at < line.len && *colon == ':')
		return true; /* longer than any name that is read */
	if (!fk_sip_header_split(line, &name, ret_value))
		return false;
	*ret_id = find_header(name);
	return true;
}

/*
 * Header and value of a header line, trimmed; false if it has none. Results of the two ways go
 * through variables of their own: one whose address is taken lives in memory, and reading a view
 * there right after its length was written stalls for longer than the split takes.
 */
static inline bool split_header(const struct parse *p, struct fk_view line, enum header_id *ret_id,
				struct fk_view *ret_value)
{
	struct fk_view value;
	enum header_id id;

#ifdef __SSE2__
	if (split_plain_header(p, line, ret_id, ret_value)) {
		if (*ret_id != N_HEADERS)
			*ret_value = fk_view_trim(*ret_value);
		return true;
	}
#endif
	if (!split_any_header(p, line, &id, &value))
		return false;
	*ret_id = id;
	*ret_value = value;
	return true;
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

/*
 * Takes the topmost Via over if it has the form that nearly all have: over UDP, a plain host and
 * port, then branch and an empty rport and nothing else. False, and nothing is taken, if it has
 * another; then take_via() reads it.
 */
static bool take_plain_via(struct parse *p, struct fk_view value)
{
	struct fk_sip_message *m = p->message;
	const char *at = value.at, *end = value.at + value.len;
	struct fk_view sent_by, branch = {0};
	bool rport = false;

	if (m->n_vias > 0 || !FK_SCAN_IS(at, end, "SIP/2.0/UDP "))
		return false;
	at += strlen("SIP/2.0/UDP ");
	sent_by.at = at;
	at = fk_scan_host(at, p->end);
	sent_by.len = (uint32_t)(at - sent_by.at);
	if (sent_by.len == 0 || at[-1] == ':')
		return false;
	while (at < end) {
		if (branch.len == 0 && FK_SCAN_IS(at, end, ";branch=")) {
			branch.at = at + strlen(";branch=");
			at = fk_scan_token(branch.at, p->end);
			branch.len = (uint32_t)(at - branch.at);
			if (branch.len == 0 || at > end)
				return false;
		} else if (FK_SCAN_IS(at, end, ";rport") && (end - at == 6 || at[6] == ';')) {
			rport = true;
			at += strlen(";rport");
		} else {
			return false;
		}
	}
	m->vias[m->n_vias++] = value;
	m->via_sent_by = sent_by;
	m->via_branch = branch;
	m->via_rport = rport;
	return true;
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

/* The same for <sip:user@host> with nothing or with a tag behind. False if it is another form. */
static bool take_plain_tag(const struct parse *p, struct fk_view value, struct fk_view *ret_tag)
{
	const char *end = value.at + value.len, *at, *tag;

	if (value.len < 3 || value.at[0] != '<')
		return false;
	at = fk_scan_find(value.at, end, '>');
	if (at == end || at[-1] == '<')
		return false;
	if (++at == end)
		return true;
	if (!FK_SCAN_IS(at, end, ";tag="))
		return false;
	tag = at + strlen(";tag=");
	if (tag == end || fk_scan_token(tag, p->end) != end)
		return false;
	*ret_tag = (struct fk_view){.at = tag, .len = (uint32_t)(end - tag)};
	return true;
}

static void take_address(struct parse *p, struct fk_view value, struct fk_view *ret_tag,
			 const char *error)
{
	if (!take_plain_tag(p, value, ret_tag) && !take_tag(value, ret_tag))
		fail(p, error);
}

/* fk_view_is_token() for a view that white space follows: the scan may look beyond it. */
static bool is_token(const struct parse *p, struct fk_view v)
{
	return v.len > 0 && fk_scan_token(v.at, p->end) == v.at + v.len;
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
	else if (!is_token(p, p->cseq_method))
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
		if (!take_plain_via(p, value))
			take_via(p, value);
		break;
	case HEADER_FROM:
		m->from = value;
		take_address(p, value, &m->from_tag, "From is malformed");
		break;
	case HEADER_TO:
		m->to = value;
		take_address(p, value, &m->to_tag, "To is malformed");
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
	struct fk_view line, value;
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
		if (!split_header(p, line, &id, &value)) {
			fail(p, "a header line has no name or no colon");
			continue;
		}
		if (id == N_HEADERS)
			continue;
		if (is_single(id) && (p->seen & 1u << id) != 0) {
			/* Two answers to one question: neither can be trusted. */
			fail(p, "a header that may stand once is repeated");
			continue;
		}
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

/* The request line of a MESSAGE with single spaces. False if it is another; nothing is taken. */
static bool read_plain_request_line(struct parse *p, struct fk_view line)
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
static enum fk_err read_request_line(struct parse *p, struct fk_view line)
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
	const char *at = (const char *)octets, *end = at + size;
	struct parse p = {.message = ret_message, .end = end};
	struct fk_view line;
	enum fk_err err = FK_OK;

	clear(ret_message);
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
