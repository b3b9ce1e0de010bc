/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sip_plain.c - headers in the form that nearly all senders give them.
 *
 * One header to a line without folds and tabs, a name of letters, digits, hyphens and full stops,
 * at most one space before the value and none behind, and a value of the usual form. The octets up
 * to CR are found 64 at a time and become a word of bits: in such a header they are its CRLFs, so
 * that a line costs no scan of its own. The first line that is otherwise, or wrong, ends this;
 * sip.c reads it, and what follows, by the grammar.
 */
#include <string.h>

#include "sip_parse.h"
#include "sip_text.h"

#ifdef __SSE2__

/* Into each of the two that are built for a CPU. */
#define INLINE static inline __attribute__((always_inline))

#define BLOCK 64     /* octets: a bit each in a word */
#define CRLF  0x0a0d /* as a little-endian CPU loads it */

/* Where the lines end. */
struct lines {
	const char *start, *end; /* of the datagram */
	const char *block;	 /* that 'runs' is about */
	const char *next;	 /* block */
	uint64_t runs;		 /* where its runs of controls begin, less those that were taken */
	uint64_t carry;		 /* 1: the octet before 'next' is a control */
};

/* Looks at the next block; at the last whole one again if less than a block is left. */
INLINE bool load(struct lines *l)
{
	const char *from = l->next;
	uint64_t controls = 0;
	uint32_t skip = 0;

	if (l->end - from < BLOCK) {
		if (l->end == from || l->end - l->start < BLOCK)
			return false;
		skip = BLOCK - (uint32_t)(l->end - from);
		from = l->end - BLOCK;
	}
	for (uint32_t i = 0; i < BLOCK; i += FK_SCAN_BLOCK)
		controls |= (uint64_t)fk_scan_control_mask(from + i) << i;
	controls >>= skip;
	l->runs = controls & ~(controls << 1 | l->carry);
	l->carry = controls >> 63;
	l->block = l->next;
	l->next += BLOCK - skip;
	return true;
}

/* The CRLF that ends the line, or NULL if it ends otherwise or is folded. */
INLINE const char *line_end(struct lines *l)
{
	const char *cr;
	uint32_t octets;

	while (l->runs == 0)
		if (!load(l))
			return NULL;
	cr = l->block + __builtin_ctzll(l->runs);
	l->runs &= l->runs - 1;
	if (l->end - cr < (ptrdiff_t)sizeof(octets))
		return NULL;
	memcpy(&octets, cr, sizeof(octets));
	if ((uint16_t)octets != CRLF || (uint8_t)(octets >> 16) == ' ' ||
	    (uint8_t)(octets >> 16) == '\t')
		return NULL;
	return cr;
}

/* Length of the name at 'line' if a colon ends it within two blocks; 0 if not. */
INLINE uint32_t name_len(const char *line, const char *end)
{
	uint32_t colons = fk_scan_equal_mask(line, ':');

	if (colons == 0 && end - line >= 2 * FK_SCAN_BLOCK)
		colons = fk_scan_equal_mask(line + FK_SCAN_BLOCK, ':') << FK_SCAN_BLOCK;
	return colons != 0 ? (uint32_t)__builtin_ctz(colons) : 0;
}

/* The same for a name of no header that is read: true if it is one. */
INLINE bool is_name(const char *line, uint32_t len)
{
	uint32_t words = fk_scan_token_mask(line);

	if (len > FK_SCAN_BLOCK)
		words |= fk_scan_token_mask(line + FK_SCAN_BLOCK) << FK_SCAN_BLOCK;
	return (~words & ((1u << len) - 1)) == 0;
}

/* May it be a header that is seldom there, and read then? Of many with such a letter few have such
 * a length. */
INLINE bool may_be_seldom(const char *line, uint32_t len)
{
	return fk_sip_may_be_seldom(line[0]) && (len == strlen("e") || len == strlen("Require") ||
						 len == strlen("Content-Encoding"));
}

/* Which header that is. Setting bit 5 turns only letters and hyphens into those of a name. */
INLINE enum fk_sip_header header_of(const char *line, uint32_t len)
{
	enum fk_sip_header id;
	uint32_t same, wanted = (1u << len) - 1;

	if (len == 1)
		return fk_sip_header_compact(line[0]);
	if (len > FK_SIP_NAME_LEN_MAX)
		return FK_SIP_HEADERS;
	id = fk_sip_headers_by_len[len][(line[0] | 0x20) == 'c'];
	if (id == FK_SIP_HEADERS)
		return id;
	same = (uint32_t)_mm_movemask_epi8(
		_mm_cmpeq_epi8(_mm_or_si128(fk_scan_load(line), _mm_set1_epi8(0x20)),
			       fk_scan_load(fk_sip_header_names[id])));
	return (same & wanted) == wanted ? id : FK_SIP_HEADERS;
}

/* Is 'c' in the value, which is not empty? Its last block overlaps what stands before. */
INLINE bool has(const char *at, const char *end, char c)
{
	for (; end - at > FK_SCAN_BLOCK; at += FK_SCAN_BLOCK)
		if (fk_scan_equal_mask(at, c) != 0)
			return true;
	return fk_scan_equal_mask(end - FK_SCAN_BLOCK, c) >> (FK_SCAN_BLOCK - (end - at)) != 0;
}

/* Digits and nothing else, at most nine of them. */
INLINE bool take_number(const char *at, const char *end, uint32_t *ret_number)
{
	uint32_t number = 0;

	if (end == at || end - at > 9)
		return false;
	for (; at < end; at++) {
		uint32_t digit = (uint32_t)(uint8_t)*at - '0';

		if (digit > 9)
			return false;
		number = number * 10 + digit;
	}
	*ret_number = number;
	return true;
}

/* Over UDP, a plain host and port, then branch and an empty rport and nothing else. */
INLINE bool take_via(struct fk_sip_message *m, const char *at, const char *end, const char *limit)
{
	const struct fk_view via = {.at = at, .len = (uint32_t)(end - at)};
	struct fk_view sent_by, branch = {0};
	bool rport = false;

	/* Those below are not ours to read; several values, quotes and brackets are not plain. */
	if (m->n_vias > 0) {
		if (m->n_vias == FK_SIP_VIAS_MAX || has(at, end, ',') || has(at, end, '"') ||
		    has(at, end, '<'))
			return false;
		m->vias[m->n_vias++] = via;
		return true;
	}
	if (!FK_SCAN_IS(at, end, "SIP/2.0/UDP "))
		return false;
	at += strlen("SIP/2.0/UDP ");
	sent_by.at = at;
	at = fk_scan_host(at, limit);
	sent_by.len = (uint32_t)(at - sent_by.at);
	if (sent_by.len == 0 || at[-1] == ':')
		return false;
	if (FK_SCAN_IS(at, end, ";rport;")) {
		rport = true;
		at += strlen(";rport");
	}
	if (!FK_SCAN_IS(at, end, ";branch="))
		return false;
	branch.at = at + strlen(";branch=");
	at = fk_scan_token(branch.at, limit);
	branch.len = (uint32_t)(at - branch.at);
	if (branch.len == 0)
		return false;
	if (!rport && FK_SCAN_IS(at, end, ";rport")) {
		rport = true;
		at += strlen(";rport");
	}
	if (at != end)
		return false;
	m->vias[m->n_vias++] = via;
	m->via_sent_by = sent_by;
	m->via_branch = branch;
	m->via_rport = rport;
	return true;
}

/* <sip:user@host> with nothing or with a tag behind. */
INLINE bool take_tag(const char *at, const char *end, const char *limit, struct fk_view *ret_tag)
{
	if (*at != '<')
		return false;
	at = fk_scan_find(at, end, '>');
	if (end - at < 1 || at[-1] == '<')
		return false;
	if (++at == end)
		return true;
	if (!FK_SCAN_IS(at, end, ";tag="))
		return false;
	at += strlen(";tag=");
	if (at == end || fk_scan_token(at, limit) != end)
		return false;
	*ret_tag = (struct fk_view){.at = at, .len = (uint32_t)(end - at)};
	return true;
}

/* Number, space, MESSAGE. */
INLINE bool take_cseq(struct fk_sip_parse *p, const char *at, const char *end)
{
	const char *method = end - strlen("MESSAGE");

	if (method - at < 2 || method[-1] != ' ' || memcmp(method, "MESSAGE", 7) != 0 ||
	    !take_number(at, method - 1, &p->message->cseq_number))
		return false;
	p->cseq_method = (struct fk_view){.at = method, .len = (uint32_t)(end - method)};
	return true;
}

/* Takes the value over; false, and nothing is taken, if it has another form. */
INLINE bool take(struct fk_sip_parse *p, enum fk_sip_header id, const char *at, const char *end)
{
	const struct fk_view value = {.at = at, .len = (uint32_t)(end - at)};
	struct fk_sip_message *m = p->message;
	uint32_t number;

	switch (id) {
	case FK_SIP_HEADER_VIA:
		return take_via(m, at, end, p->end);
	case FK_SIP_HEADER_FROM:
		if (!take_tag(at, end, p->end, &m->from_tag))
			return false;
		m->from = value;
		return true;
	case FK_SIP_HEADER_TO:
		if (!take_tag(at, end, p->end, &m->to_tag))
			return false;
		m->to = value;
		return true;
	case FK_SIP_HEADER_CALL_ID:
		if (has(at, end, ' '))
			return false;
		m->call_id = value;
		return true;
	case FK_SIP_HEADER_CSEQ:
		if (!take_cseq(p, at, end))
			return false;
		m->cseq = value;
		return true;
	case FK_SIP_HEADER_MAX_FORWARDS:
		if (!take_number(at, end, &number) || number > FK_SIP_MAX_FORWARDS_MAX)
			return false;
		m->has_max_forwards = true;
		return true;
	case FK_SIP_HEADER_CONTENT_TYPE:
		m->content_type = value;
		return true;
	case FK_SIP_HEADER_CONTENT_LENGTH:
		return take_number(at, end, &p->content_length);
	case FK_SIP_HEADER_RETRY_AFTER:
	case FK_SIP_HEADER_WARNING:
	case FK_SIP_HEADERS:
		break;
	}
	return false;
}

INLINE const char *read_plain(struct fk_sip_parse *p, const char *start, const char *at)
{
	struct lines lines = {
		.start = start,
		.end = p->end,
		.block = at,
		.next = at,
		.carry = 1,
	};
	const char *cr, *value;
	uint32_t len, seen = 0;
	enum fk_sip_header id;

	if (at - start < FK_SCAN_BLOCK)
		return at; /* a block that ends in a value may begin before it */
	for (;; at = cr + 2) {
		if (p->end - at < FK_SCAN_BLOCK || (uint8_t)*at <= ' ')
			break;
		cr = line_end(&lines);
		len = name_len(at, p->end);
		if (cr == NULL || len == 0 || at + len >= cr)
			break;
		id = header_of(at, len);
		if (id == FK_SIP_HEADERS) {
			if (!is_name(at, len) || may_be_seldom(at, len))
				break;
			continue;
		}
		value = at + len + 1;
		value += *value == ' ';
		if (value == cr || *value == ' ' || cr[-1] == ' ')
			break;
		if ((seen >> id & 1) != 0 && id != FK_SIP_HEADER_VIA)
			break;
		if (!take(p, id, value, cr))
			break;
		seen |= 1u << id;
	}
	p->seen = seen;
	return at;
}

/* The same instructions with three operands, and the bits of a word one by one. */
__attribute__((target("avx2,bmi"))) static const char *read_plain_avx2(struct fk_sip_parse *p,
								       const char *start,
								       const char *at)
{
	return read_plain(p, start, at);
}

const char *fk_sip_read_plain(struct fk_sip_parse *p, const char *start, const char *at)
{
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi"))
		return read_plain_avx2(p, start, at);
	return read_plain(p, start, at);
}

#else
const char *fk_sip_read_plain(struct fk_sip_parse *p, const char *start, const char *at)
{
	(void)p;
	(void)start;
	return at;
}
#endif
