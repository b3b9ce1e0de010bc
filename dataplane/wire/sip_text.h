/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sip_text.h - runs of SIP header text: lines, white space, tokens, quotes and parameters.
 *
 * Private to the SIP files. A header value may still be folded, so CR and LF count as white space
 * here: fk_sip_line_read() has made sure that they only stand in front of a space or a tab.
 * spec: RFC 3261 §7.3.1, §25.1
 *
 * Threads: everything here is pure. Memory: views borrow from the datagram; nothing allocates.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/sip.h"

enum fk_sip_line {
	FK_SIP_LINE_HEADER, /* a header line, folds included */
	FK_SIP_LINE_EMPTY,  /* the empty line that ends the header */
	FK_SIP_LINE_CUT,    /* the input ends first */
	FK_SIP_LINE_BAD,    /* a bare LF or CR, or a NUL */
};

/*
 * Reads the line at '*at', which ends before 'end', with the lines that continue it when
 * 'may_fold'; moves '*at' behind it. The view is without the last CRLF.
 */
enum fk_sip_line fk_sip_line_read(const char **at, const char *end, bool may_fold,
				  struct fk_view *ret_line);

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
struct fk_view fk_view_trim(struct fk_view v);

static inline struct fk_view fk_view_part(struct fk_view v, uint32_t from, uint32_t to)
{
	return (struct fk_view){.at = v.at + from, .len = to - from};
}

static inline bool fk_sip_is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Takes a Via value apart. 'params' is what follows sent-by. False if it breaks the grammar. */
bool fk_sip_via_split(struct fk_view via, struct fk_view *ret_sent_by, struct fk_view *ret_params);
