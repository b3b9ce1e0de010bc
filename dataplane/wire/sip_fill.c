/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sip_fill.c - writes one MESSAGE from its template.
 */
#include "sip_fill.h"

#include <string.h>

#include "net_sum.h"
#include "octets.h"
#include "sip_scan.h"
#include "wire/sip_template.h"

#define BODY_SIZE_MAX	    9999u /* Content-Length has four digits */
#define COPY_STEP	    FK_SIP_TEMPLATE_SLACK
#define PAYLOAD_LENGTH_SIZE 2 /* of carrier T1 */

size_t fk_sip_template_size(const struct fk_sip_template *t, uint16_t mcdata_id_size,
			    uint16_t payload_size)
{
	return t->base_size + payload_size +
	       (size_t)(t->n_uris_in_header + t->n_uris_in_body) * mcdata_id_size;
}

/* The message being written. */
struct writer {
	const struct fk_sip_template *t;
	const struct fk_sip_fill *fill;
	uint8_t *buf;
	uint64_t sum; /* of text and fields, unfolded */
};

/* Where a place of the text stands in the message. */
static inline size_t offset_of(const struct writer *w, struct fk_sip_place place)
{
	return place.offset + (size_t)place.n_uris * w->fill->mcdata_id_size +
	       (place.is_behind_payload ? w->fill->payload_size : 0u);
}

/* Adds the sum of a piece. At an odd offset each of its octets is in the other half of a 16-bit
 * word; turning the unfolded sum by eight bits does that too, since 2^16 - 1 divides 2^64 - 1. */
static inline void add_sum(struct writer *w, size_t offset, uint64_t sum)
{
	uint32_t turn = (offset & 1) * 8;

	w->sum = fk_sum_add(w->sum, sum << turn | sum >> (-turn & 63));
}

/* Writes octets whose number is a constant at the caller's, so that the copy needs no call. */
static inline __attribute__((always_inline)) void write_at(struct writer *w, size_t offset,
							   const void *octets, size_t size)
{
	memcpy(w->buf + offset, octets, size);
	add_sum(w, offset, fk_sum_octets(octets, size));
}

static inline __attribute__((always_inline)) void write_field(struct writer *w,
							      struct fk_sip_place place,
							      const void *octets, size_t size)
{
	write_at(w, offset_of(w, place), octets, size);
}

/* One step as a register of its width; memcpy() would be two halves where compilers think of CPUs
 * with halves. */
typedef uint8_t copy_step __attribute__((vector_size(COPY_STEP), aligned(1), may_alias));

/* Copies in steps of a fixed width, which go on beyond the end: what stands there is written next.
 * Needs COPY_STEP octets behind the run on either side. */
static inline __attribute__((always_inline)) void copy_run(uint8_t *at, const char *text,
							   size_t size)
{
	for (size_t i = 0; i < size; i += COPY_STEP)
		*(copy_step *)(at + i) = *(const copy_step *)(text + i);
}

/* Text, URIs and payload; returns where the payload stands. */
static inline __attribute__((always_inline)) size_t write_runs(struct writer *w, bool has_slack)
{
	const struct fk_sip_template *t = w->t;
	uint16_t uri_size = w->fill->mcdata_id_size;
	uint64_t uri_sum = fk_sum_octets(w->fill->mcdata_id, uri_size);
	uint8_t *at = w->buf;
	size_t from = 0, payload_offset = 0;

	for (uint32_t i = 0; i < t->n_gaps; i++) {
		size_t run = t->gaps[i] - from;

		if (has_slack)
			copy_run(at, t->text + from, run);
		else
			memcpy(at, t->text + from, run);
		at += run;
		from = t->gaps[i];
		if (i + 1 == t->n_gaps)
			break;
		fk_octets_copy(at, w->fill->mcdata_id, uri_size);
		add_sum(w, (size_t)(at - w->buf), uri_sum);
		at += uri_size;
	}
	payload_offset = (size_t)(at - w->buf);
	fk_octets_copy(at, w->fill->payload, w->fill->payload_size);
	add_sum(w, payload_offset, fk_sum_octets(w->fill->payload, w->fill->payload_size));
	at += w->fill->payload_size;
	if (has_slack)
		copy_run(at, t->text + from, t->base_size - from);
	else
		memcpy(at, t->text + from, t->base_size - from);
	return payload_offset;
}

/* Each for itself: put together in memory first, they would have to wait for their way there. */
static inline __attribute__((always_inline)) void write_ids(struct writer *w)
{
	const struct fk_sip_fill *fill = w->fill;
	uint64_t time = __builtin_bswap64((uint64_t)fill->date_time_s << 24);
	size_t offset = offset_of(w, w->t->ids);

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
	time = (uint64_t)fill->date_time_s << 24;
#endif
	write_at(w, offset, &time, FK_SIP_DATE_TIME_SIZE);
	write_at(w, offset + FK_SIP_DATE_TIME_SIZE, fill->conversation_id, FK_SDS_ID_SIZE);
	write_at(w, offset + FK_SIP_DATE_TIME_SIZE + FK_SDS_ID_SIZE, fill->message_id,
		 FK_SDS_ID_SIZE);
}

/* Leading zeros are legal (Content-Length is 1*DIGIT) and keep the width. */
static inline __attribute__((always_inline)) void write_content_length(struct writer *w,
								       uint32_t size)
{
	uint32_t high = size / 100, low = size % 100;
	const uint8_t digits[FK_SIP_CONTENT_LENGTH_DIGITS] = {
		(uint8_t)('0' + high / 10),
		(uint8_t)('0' + high % 10),
		(uint8_t)('0' + low / 10),
		(uint8_t)('0' + low % 10),
	};

	write_field(w, w->t->content_length, digits, sizeof(digits));
}

static inline __attribute__((always_inline)) void write_fields(struct writer *w, size_t body_size)
{
	const struct fk_sip_fill *fill = w->fill;

	write_field(w, w->t->branch, fill->branch, FK_BRANCH_LEN);
	write_field(w, w->t->from_tag, fill->from_tag, FK_FROM_TAG_LEN);
	write_field(w, w->t->call_id, fill->call_id, FK_CALL_ID_LEN);
	write_content_length(w, (uint32_t)body_size);
}

static inline __attribute__((always_inline)) void write_payload_length(struct writer *w,
								       bool is_isd)
{
	uint32_t length = w->fill->payload_size + (is_isd ? w->t->payload_length_front : 1u);
	const uint8_t octets[PAYLOAD_LENGTH_SIZE] = {(uint8_t)(length >> 8), (uint8_t)length};

	if (!is_isd || w->t->payload_length_size == PAYLOAD_LENGTH_SIZE)
		write_field(w, w->t->payload_length, octets, PAYLOAD_LENGTH_SIZE);
	else if (w->t->payload_length_size == 1)
		write_field(w, w->t->payload_length, octets + 1, 1);
}

/* False if CRLF-- certainly is not in the octets: one look for LF and hyphen, in whole blocks. */
static inline __attribute__((always_inline)) bool may_hold_delimiter(const uint8_t *octets,
								     size_t size)
{
	const char *at = (const char *)octets;

#ifdef __SSE2__
	uint32_t found = 0;
	size_t i = 0;

	if (size > FK_SCAN_BLOCK) {
		for (; i + FK_SCAN_BLOCK < size; i += FK_SCAN_BLOCK)
			found |= fk_scan_equal_mask(at + i, '\n') &
				 fk_scan_equal_mask(at + i + 1, '-');
		i = size - FK_SCAN_BLOCK - 1;
		found |= fk_scan_equal_mask(at + i, '\n') & fk_scan_equal_mask(at + i + 1, '-');
		return found != 0;
	}
#endif
	return size > 0 && memchr(at, '\n', size) != NULL;
}

/* Octets of a message that may be anything. */
struct run {
	const uint8_t *at;
	size_t size;
};

#define N_RUNS 2

/* T1: the IDs and the payload; the fixed octets around cannot complete a CRLF--x that begins in
 * them. T2, whose layout may be anything: the whole part, and the CRLF before it. */
static inline __attribute__((always_inline)) void find_runs(const struct writer *w, bool is_isd,
							    struct run ret_runs[static N_RUNS])
{
	size_t start = offset_of(w, w->t->isd) - 2;

	if (is_isd) {
		ret_runs[0] = (struct run){w->buf + start, offset_of(w, w->t->behind_isd) - start};
		ret_runs[1] = (struct run){w->buf + start, 0};
		return;
	}
	ret_runs[0] = (struct run){w->buf + offset_of(w, w->t->ids), FK_SIP_IDS_SIZE};
	ret_runs[1] = (struct run){w->fill->payload, w->fill->payload_size};
}

/* Sets the bit of every octet that follows CRLF-- in 'octets': a boundary that begins with it would
 * be found there. */
static void mark_boundaries(const uint8_t *octets, size_t size, uint64_t taken[static 4])
{
	const uint8_t *end = octets + size;

	while ((octets = memmem(octets, (size_t)(end - octets), "\r\n--", 4)) != NULL) {
		octets += 4;
		if (octets == end)
			return;
		taken[*octets / 64] |= UINT64_C(1) << *octets % 64;
	}
}

/*
 * The boundary's one letter. A KMM is as good as random, so CRLF--k stands in one of some 2^33; the
 * message must get through all the same.
 */
static char choose_boundary(const struct run *runs)
{
	static const char others[] =
		"qabcdefghijlmnoprstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	uint64_t taken[4] = {0};
	char c = FK_SIP_BOUNDARY_DEFAULT;

	for (uint32_t i = 0; i < N_RUNS; i++)
		mark_boundaries(runs[i].at, runs[i].size, taken);
	for (const char *next = others; c != '\0' && (taken[c / 64] >> c % 64 & 1) != 0; next++)
		c = *next;
	return c; /* '\0': all are taken */
}

/* Writes another boundary than the text's, if the message holds that one. False if it holds all. */
static bool replace_boundary(struct writer *w, const struct run *runs)
{
	char c = choose_boundary(runs);

	if (c == '\0')
		return false;
	for (uint32_t i = 0; i < w->t->n_boundaries && c != FK_SIP_BOUNDARY_DEFAULT; i++) {
		size_t offset = offset_of(w, w->t->boundaries[i]);
		/* One octet more, and one 'k' less: adding the complement takes it off. */
		const uint8_t now[2] = {(uint8_t)c, 0};
		const uint8_t before[2] = {(uint8_t)~FK_SIP_BOUNDARY_DEFAULT, 0xff};

		w->buf[offset] = (uint8_t)c;
		add_sum(w, offset, fk_sum_octets(now, 2));
		add_sum(w, offset, fk_sum_octets(before, 2));
	}
	return true;
}

/* Inlined for each carrier, once for every CPU and once for AVX2, where the copies take half the
 * moves. */
static inline __attribute__((always_inline)) size_t fill_message(const struct fk_sip_template *t,
								 const struct fk_sip_fill *fill,
								 uint8_t *buf, size_t cap,
								 size_t *ret_payload_offset,
								 uint16_t *ret_sum, bool is_isd)
{
	size_t size = fk_sip_template_size(t, fill->mcdata_id_size, fill->payload_size);
	size_t body_size = t->body_base_size + fill->payload_size +
			   (size_t)t->n_uris_in_body * fill->mcdata_id_size;
	struct writer w = {
		.t = t,
		.fill = fill,
		.buf = buf,
		.sum = t->sums[fill->mcdata_id_size & 1][fill->payload_size & 1],
	};
	size_t payload_offset;
	struct run runs[N_RUNS];

	if (size > cap || (is_isd && fill->payload_size > t->payload_max) ||
	    body_size > BODY_SIZE_MAX || !fk_sip_uri_is_safe(fill->mcdata_id, fill->mcdata_id_size))
		return 0;
	payload_offset = write_runs(&w, cap - size >= COPY_STEP);
	write_fields(&w, body_size);
	write_payload_length(&w, is_isd);
	if (!is_isd)
		write_ids(&w);
	find_runs(&w, is_isd, runs);
	if (may_hold_delimiter(runs[0].at, runs[0].size) ||
	    may_hold_delimiter(runs[1].at, runs[1].size)) {
		/* Copies: they themselves stay in registers. */
		struct writer other = w;
		const struct run others[N_RUNS] = {runs[0], runs[1]};

		if (!replace_boundary(&other, others))
			return 0;
		w.sum = other.sum;
	}
	if (ret_payload_offset != NULL)
		*ret_payload_offset = payload_offset;
	*ret_sum = fk_sum_swap(fk_sum_fold(w.sum));
	return size;
}

#ifdef __x86_64__
__attribute__((target("avx2"))) static size_t fill_avx2(const struct fk_sip_template *t,
							const struct fk_sip_fill *fill,
							uint8_t *buf, size_t cap,
							size_t *ret_payload_offset,
							uint16_t *ret_sum)
{
	if (t->carrier == FK_CARRIER_T2)
		return fill_message(t, fill, buf, cap, ret_payload_offset, ret_sum, true);
	return fill_message(t, fill, buf, cap, ret_payload_offset, ret_sum, false);
}
#endif

size_t fk_sip_template_fill_sum(const struct fk_sip_template *t, const struct fk_sip_fill *fill,
				uint8_t *buf, size_t cap, size_t *ret_payload_offset,
				uint16_t *ret_sum)
{
#ifdef __x86_64__
	if (__builtin_cpu_supports("avx2"))
		return fill_avx2(t, fill, buf, cap, ret_payload_offset, ret_sum);
#endif
	if (t->carrier == FK_CARRIER_T2)
		return fill_message(t, fill, buf, cap, ret_payload_offset, ret_sum, true);
	return fill_message(t, fill, buf, cap, ret_payload_offset, ret_sum, false);
}

size_t fk_sip_template_fill(const struct fk_sip_template *t, const struct fk_sip_fill *fill,
			    uint8_t *buf, size_t cap, size_t *ret_payload_offset)
{
	uint16_t sum;

	return fk_sip_template_fill_sum(t, fill, buf, cap, ret_payload_offset, &sum);
}
