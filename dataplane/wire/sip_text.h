/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sip_text.h - runs of SIP header text: lines, white space, tokens, quotes and parameters.
 *
 * For the SIP files and fleetkey-inspect. A header value may still be folded, so CR and LF count as
 * white space here: fk_sip_line_read() has made sure that they only stand in front of a space or a
 * tab. spec: RFC 3261 §7.3.1, §25.1
 *
 * Threads: everything here is pure. Memory: views borrow from the datagram; nothing allocates.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sip_scan.h"
#include "wire/sip.h"

enum fk_sip_line {
	FK_SIP_LINE_HEADER, /* a header line, folds included */
	FK_SIP_LINE_EMPTY,  /* the empty line that ends the header */
	FK_SIP_LINE_CUT,    /* the input ends first */
	FK_SIP_LINE_BAD,    /* a bare LF or CR, or a NUL that is no quoted-pair of a header */
};

/*
 * Reads the line at '*at', which ends before 'end', with the lines that continue it when
 * 'may_fold'; moves '*at' behind it. The view is without the last CRLF.
 */
enum fk_sip_line fk_sip_line_read_any(const char **at, const char *end, bool may_fold,
				      struct fk_view *ret_line);

#ifdef __SSE2__
/*
 * The CRLF that ends the line at 'start', or NULL if the line is not an ordinary one: it ends
 * beyond the last whole block, or holds something that fk_sip_line_read_any() has to judge.
 */
static inline const char *fk_sip_line_end(const char *start, const char *end, bool may_fold)
{
	for (const char *at = start; end - at >= FK_SCAN_BLOCK; at += FK_SCAN_BLOCK) {
		uint32_t controls = fk_scan_control_mask(at);

		for (; controls != 0; controls &= controls - 1) {
			const char *c = at + __builtin_ctz(controls);

			if (*c == '\n' && c > start && c[-1] == '\r')
				continue; /* of the fold that was stepped over */
			if (*c == '\n' || *c == '\0')
				return NULL;
			if (*c != '\r')
				continue;
			if (end - c < 2 || c[1] != '\n')
				return NULL;
			if (c == start || !may_fold || end - c < 3 || (c[2] != ' ' && c[2] != '\t'))
				return c;
		}
	}
	return NULL;
}
#endif

/* The same, with a short cut for ordinary lines. Inline: a view that goes through memory into the
 * next call costs more than reading the line. */
static inline enum fk_sip_line fk_sip_line_read(const char **at, const char *end, bool may_fold,
						struct fk_view *ret_line)
{
#ifdef __SSE2__
	const char *start = *at, *cr = fk_sip_line_end(start, end, may_fold);

	if (cr != NULL) {
		*at = cr + 2;
		if (cr == start)
			return FK_SIP_LINE_EMPTY;
		*ret_line = (struct fk_view){.at = start, .len = (uint32_t)(cr - start)};
		return FK_SIP_LINE_HEADER;
	}
#endif
	struct fk_view line = {0};
	const char *from = *at;
	enum fk_sip_line kind = fk_sip_line_read_any(&from, end, may_fold, &line);

	*at = from;
	*ret_line = line;
	return kind;
}

/* Splits a header line at its colon; both are trimmed. False if it has none or a bad name. */
bool fk_sip_header_split(struct fk_view line, struct fk_view *ret_name, struct fk_view *ret_value);

/* One ";name=value" or ";name". 'rest' starts at a semicolon or white space before one. */
enum fk_sip_param {
	FK_SIP_PARAM,
	FK_SIP_PARAM_END,
	FK_SIP_PARAM_BAD,
};
enum fk_sip_param fk_sip_param_next(struct fk_view *rest, struct fk_view *ret_name,
				    struct fk_view *ret_value);

/*
 * Finds the first 'wanted' at or after 'from' outside quoted strings and angle brackets; 'v.len' if
 * there is none. False if a quote or a bracket is not closed.
 */
bool fk_view_seek(struct fk_view v, uint32_t from, char wanted, uint32_t *ret_at);

/* Decimal digits and nothing else, at most 'max'. */
bool fk_view_number(struct fk_view v, uint32_t max, uint32_t *ret_value);

bool fk_view_is_token(struct fk_view v); /* spec: RFC 3261 §25.1, at least one character */
bool fk_view_has_space(struct fk_view v);

static inline struct fk_view fk_view_part(struct fk_view v, uint32_t from, uint32_t to)
{
	return (struct fk_view){.at = v.at + from, .len = to - from};
}

static inline bool fk_sip_is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static inline struct fk_view fk_view_trim(struct fk_view v)
{
	while (v.len > 0 && fk_sip_is_space(v.at[0])) {
		v.at++;
		v.len--;
	}
	while (v.len > 0 && fk_sip_is_space(v.at[v.len - 1]))
		v.len--;
	return v;
}

/* Takes a Via value apart. 'params' is what follows sent-by. False if it breaks the grammar. */
bool fk_sip_via_split(struct fk_view via, struct fk_view *ret_sent_by, struct fk_view *ret_params);
