/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sip_scan.h - how far a run of text goes, sixteen octets at a time.
 *
 * Private to the text parsers. What ends a run is found by comparing a block of octets at once and
 * taking the first that differs; a tail shorter than a block goes octet by octet, so nothing is
 * read beyond 'end'. SSE2 is part of every x86-64; elsewhere all goes octet by octet.
 *
 * Threads: everything here is pure. Memory: borrows; nothing allocates.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define FK_SCAN_BLOCK 16 /* octets */

static inline bool fk_scan_is_alnum(char c)
{
	uint8_t lower = (uint8_t)(c | 0x20);

	return (uint8_t)(lower - 'a') <= 'z' - 'a' || (uint8_t)(c - '0') <= 9;
}

static inline bool fk_scan_is_host(char c)
{
	return fk_scan_is_alnum(c) || c == '-' || c == '.' || c == ':';
}

/* spec: RFC 3261 §25.1 token: letters, digits and - . ! % * _ + ` ' ~ */
static inline bool fk_scan_is_token(char c)
{
	static const uint64_t tokens[2] = {
		UINT64_C(0x03ff6ca200000000), /* ! % ' * + - . 0-9 */
		UINT64_C(0x47ffffff87fffffe), /* A-Z _ ` a-z ~ */
	};
	uint8_t u = (uint8_t)c;

	return u < 128 && (tokens[u / 64] >> u % 64 & 1) != 0;
}

/* Letters, digits and the marks of RFC 3261 §25.1 without "&" and "'", which XML would have us
 * escape. */
static inline bool fk_scan_is_uri(char c)
{
	static const uint64_t safe[2] = {
		UINT64_C(0xafffff3200000000), /* ! $ % ( ) * + , - . / 0-9 : ; = ? */
		UINT64_C(0x47fffffeafffffff), /* @ A-Z [ ] _ a-z ~ */
	};
	uint8_t u = (uint8_t)c;

	return u < 128 && (safe[u / 64] >> u % 64 & 1) != 0;
}

#ifdef __SSE2__
static inline __m128i fk_scan_load(const void *at)
{
	return _mm_loadu_si128((const __m128i *)at);
}

/* Octets of 'v' from 'first' to 'last' become all ones, others zero. */
static inline __m128i fk_scan_range(__m128i v, char first, char last)
{
	__m128i d = _mm_sub_epi8(v, _mm_set1_epi8(first));

	return _mm_cmpeq_epi8(_mm_min_epu8(d, _mm_set1_epi8((char)(last - first))), d);
}

/* Letters, hyphens, full stops, and digits up to 'last'. */
static inline uint32_t fk_scan_word_mask(const char *at, char last)
{
	__m128i v = fk_scan_load(at), lower = _mm_or_si128(v, _mm_set1_epi8(0x20));
	__m128i marks = _mm_or_si128(fk_scan_range(v, '-', '.'), fk_scan_range(v, '0', last));

	return (uint32_t)_mm_movemask_epi8(_mm_or_si128(marks, fk_scan_range(lower, 'a', 'z')));
}

/* One bit for each octet of the block that most tokens are made of. */
static inline uint32_t fk_scan_token_mask(const char *at)
{
	return fk_scan_word_mask(at, '9');
}

/* One bit for each octet that a host name, an IPv4 address and a port are made of. */
static inline uint32_t fk_scan_host_mask(const char *at)
{
	return fk_scan_word_mask(at, ':');
}

/* One bit for each octet that most URIs are made of; all of them may stand in a URI. */
static inline uint32_t fk_scan_uri_mask(const char *at)
{
	__m128i v = fk_scan_load(at);
	__m128i marks = _mm_or_si128(fk_scan_range(v, '(', ';'), fk_scan_range(v, '?', '['));

	return (uint32_t)_mm_movemask_epi8(_mm_or_si128(marks, fk_scan_range(v, 'a', 'z')));
}

/* One bit for each octet that is white space or a control up to CR. */
static inline uint32_t fk_scan_control_mask(const char *at)
{
	__m128i v = fk_scan_load(at);

	return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8('\r')), v));
}

static inline uint32_t fk_scan_equal_mask(const char *at, char c)
{
	return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(fk_scan_load(at), _mm_set1_epi8(c)));
}
#else
static inline uint32_t fk_scan_token_mask(const char *at)
{
	(void)at;
	return 0;
}

static inline uint32_t fk_scan_host_mask(const char *at)
{
	(void)at;
	return 0;
}

static inline uint32_t fk_scan_uri_mask(const char *at)
{
	(void)at;
	return 0;
}
#endif

/*
 * Where the run of octets that 'is_one' accepts ends. 'mask' marks most of them in a whole block;
 * it is a parameter so that each use becomes a loop of its own.
 */
static inline __attribute__((always_inline)) const char *fk_scan_run(const char *at,
								     const char *end,
								     uint32_t (*mask)(const char *),
								     bool (*is_one)(char))
{
#ifdef __SSE2__
	for (; end - at >= FK_SCAN_BLOCK; at += FK_SCAN_BLOCK) {
		uint32_t others = ~mask(at) & 0xffff;

		for (; others != 0; others &= others - 1) {
			const char *other = at + __builtin_ctz(others);

			if (!is_one(*other))
				return other;
		}
	}
#endif
	while (at < end && is_one(*at))
		at++;
	return at;
}

/* Where the token that starts at 'at' ends. */
static inline const char *fk_scan_token(const char *at, const char *end)
{
	return fk_scan_run(at, end, fk_scan_token_mask, fk_scan_is_token);
}

/* Where the host and port that start at 'at' end. */
static inline const char *fk_scan_host(const char *at, const char *end)
{
	return fk_scan_run(at, end, fk_scan_host_mask, fk_scan_is_host);
}

/* Where the run of URI characters that starts at 'at' ends. */
static inline const char *fk_scan_uri(const char *at, const char *end)
{
	return fk_scan_run(at, end, fk_scan_uri_mask, fk_scan_is_uri);
}

/* The first 'c' at or after 'at', or 'end'. For short runs, where a call to memchr() costs more
 * than what it finds. */
static inline const char *fk_scan_find(const char *at, const char *end, char c)
{
#ifdef __SSE2__
	for (; end - at >= FK_SCAN_BLOCK; at += FK_SCAN_BLOCK) {
		uint32_t found = fk_scan_equal_mask(at, c);

		if (found != 0)
			return at + __builtin_ctz(found);
	}
#endif
	while (at < end && *at != c)
		at++;
	return at;
}

/* The first pair of octets 'a', 'b' at or after 'at', or 'end'. */
static inline const char *fk_scan_find_pair(const char *at, const char *end, char a, char b)
{
#ifdef __SSE2__
	for (; end - at > FK_SCAN_BLOCK; at += FK_SCAN_BLOCK) {
		uint32_t found = fk_scan_equal_mask(at, a) & fk_scan_equal_mask(at + 1, b);

		if (found != 0)
			return at + __builtin_ctz(found);
	}
#endif
	for (; end - at >= 2; at++)
		if (at[0] == a && at[1] == b)
			return at;
	return end;
}

/* True if 'size' octets, a constant at the caller's, stand at 'at' before 'end'. */
static inline __attribute__((always_inline)) bool fk_scan_is(const char *at, const char *end,
							     const char *text, size_t size)
{
	if (end < at || (size_t)(end - at) < size)
		return false;
#ifdef __SSE2__
	if (size >= FK_SCAN_BLOCK) {
		const size_t last = size - FK_SCAN_BLOCK;
		__m128i same = _mm_cmpeq_epi8(fk_scan_load(at + last), fk_scan_load(text + last));

		for (size_t i = 0; i + FK_SCAN_BLOCK < size; i += FK_SCAN_BLOCK)
			same = _mm_and_si128(
				same, _mm_cmpeq_epi8(fk_scan_load(at + i), fk_scan_load(text + i)));
		return _mm_movemask_epi8(same) == 0xffff;
	}
#endif
	return memcmp(at, text, size) == 0;
}

/* The same for a string literal. */
#define FK_SCAN_IS(at, end, literal) fk_scan_is(at, end, literal, sizeof(literal) - 1)
