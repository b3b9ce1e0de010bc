/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sip_value.c - the values of the headers that are read.
 *
 * By the grammar: the plain form that nearly all senders use is read before, by sip_plain.c.
 */
#include <string.h>

#include "sip_parse.h"
#include "sip_scan.h"
#include "sip_text.h"

#define CSEQ_MAX       0x7fffffffu /* spec: RFC 3261 §8.1.1.5 */
#define WARN_CODE_MISC 399u	   /* the only warn-code of 3GPP warnings: 3GPP sheet 3.7 */

/* Branch and rport of the topmost Via. */
static void take_top_via(struct fk_sip_parse *p, struct fk_view via)
{
	struct fk_sip_message *m = p->message;
	struct fk_view params, name, value;
	enum fk_sip_param got;

	if (!fk_sip_via_split(via, &m->via_sent_by, &params)) {
		m->via_sent_by = (struct fk_view){0};
		fk_sip_fail(p, "Via is malformed");
		return;
	}
	while ((got = fk_sip_param_next(&params, &name, &value)) == FK_SIP_PARAM) {
		if (fk_view_is(name, "rport"))
			m->via_rport = true;
		if (!fk_view_is(name, "branch"))
			continue;
		if (m->via_branch.len > 0 || !fk_view_is_token(value))
			fk_sip_fail(p, "Via branch is malformed or given twice");
		m->via_branch = value;
	}
	/* What is wrong behind it does not hide where the 400 is to go: RFC 4475 §3.1.2.1. */
	if (got == FK_SIP_PARAM_BAD)
		fk_sip_fail(p, "Via parameter is malformed");
}

/* A Via header has one value or several, and there may be several Via headers. */
static void take_via(struct fk_sip_parse *p, struct fk_view value)
{
	struct fk_sip_message *m = p->message;
	uint32_t at = 0, comma;

	for (; at <= value.len; at = comma + 1) {
		struct fk_view via;

		if (!fk_view_seek(value, at, ',', &comma)) {
			fk_sip_fail(p, "Via has an unterminated quote");
			p->is_cut = true;
			return;
		}
		via = fk_view_trim(fk_view_part(value, at, comma));
		if (via.len == 0) {
			fk_sip_fail(p, "Via is empty");
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
	} else if (at == 0 || memchr(value.at, '?', at) != NULL ||
		   memchr(value.at, ',', at) != NULL) {
		return false; /* a URI with one of these has to stand in brackets: §20 */
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

static void take_address(struct fk_sip_parse *p, struct fk_view value, struct fk_view *ret_tag,
			 const char *error)
{
	if (!take_tag(value, ret_tag))
		fk_sip_fail(p, error);
}

/* fk_view_is_token() for a view that white space follows: the scan may look beyond it. */
static bool is_token(const struct fk_sip_parse *p, struct fk_view v)
{
	return v.len > 0 && fk_scan_token(v.at, p->end) == v.at + v.len;
}

static void take_cseq(struct fk_sip_parse *p, struct fk_view value)
{
	struct fk_sip_message *m = p->message;
	uint32_t n = 0;

	m->cseq = value;
	while (n < value.len && !fk_sip_is_space(value.at[n]))
		n++;
	p->cseq_method = fk_view_trim(fk_view_part(value, n, value.len));
	if (!fk_view_number(fk_view_part(value, 0, n), CSEQ_MAX, &m->cseq_number))
		fk_sip_fail(p, "CSeq number is not a number below 2^31");
	else if (!is_token(p, p->cseq_method))
		fk_sip_fail(p, "CSeq method is malformed");
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

static void take_max_forwards(struct fk_sip_parse *p, struct fk_view value)
{
	uint32_t number;

	p->message->has_max_forwards = true;
	if (!fk_view_number(value, FK_SIP_MAX_FORWARDS_MAX, &number))
		fk_sip_fail(p, "Max-Forwards is not a number up to 255");
}

void fk_sip_header_take(struct fk_sip_parse *p, enum fk_sip_header id, struct fk_view value)
{
	struct fk_sip_message *m = p->message;

	switch (id) {
	case FK_SIP_HEADER_VIA:
		take_via(p, value);
		break;
	case FK_SIP_HEADER_FROM:
		m->from = value;
		take_address(p, value, &m->from_tag, "From is malformed");
		break;
	case FK_SIP_HEADER_TO:
		m->to = value;
		take_address(p, value, &m->to_tag, "To is malformed");
		break;
	case FK_SIP_HEADER_CALL_ID:
		m->call_id = value;
		if (fk_view_has_space(value))
			fk_sip_fail(p, "Call-ID is malformed");
		break;
	case FK_SIP_HEADER_CSEQ:
		take_cseq(p, value);
		break;
	case FK_SIP_HEADER_MAX_FORWARDS:
		take_max_forwards(p, value);
		break;
	case FK_SIP_HEADER_CONTENT_TYPE:
		m->content_type = value;
		break;
	case FK_SIP_HEADER_CONTENT_LENGTH:
		if (!fk_view_number(value, UINT32_MAX, &p->content_length))
			fk_sip_fail(p, "Content-Length is not a number");
		break;
	case FK_SIP_HEADER_RETRY_AFTER:
		m->retry_after_s = read_retry_after(value);
		break;
	case FK_SIP_HEADER_WARNING:
		take_warning(m, value);
		break;
	case FK_SIP_HEADERS:
		break;
	}
}
