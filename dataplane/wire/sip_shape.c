/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/sip_shape.h"

#include <stdlib.h>
#include <string.h>

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "mcdata_info_plain.h"
#include "sip_parse.h"
#include "sip_scan.h"
#include "sip_text.h"

#define STEP	    32	 /* octets that are held against a shape at once */
#define CHECK	    128	 /* octets after which a misfit is noticed */
#define WIDE_STEP   64	 /* the same as STEP where the CPU has AVX-512 */
#define MESSAGE_MAX 1536 /* octets of a message that is kept; more than a frame holds */
#define VIAS_MAX    4
#define CSEQ_DIGITS 9 /* which no number of 31 bits overflows */

/* What may stand at one octet of a message. */
enum kind {
	SAME = 0x00,	 /* what stands there in the shape */
	ALNUM = 0x7f,	 /* that, or any letter or digit */
	ANYTHING = 0x80, /* octets to SIP */
};

/* The views of a message besides its Vias, by where they stand in its struct. */
#define FIELD(name) offsetof(struct fk_sip_message, name)
static const uint16_t fields[] = {
	FIELD(method_text),	 FIELD(request_uri),  FIELD(via_sent_by),
	FIELD(via_branch),	 FIELD(from),	      FIELD(to),
	FIELD(call_id),		 FIELD(cseq),	      FIELD(from_tag),
	FIELD(to_tag),		 FIELD(content_type), FIELD(require),
	FIELD(content_encoding),
};
#define N_FIELDS (sizeof(fields) / sizeof(fields[0]))

/* A view by where it stands in the datagram. */
struct place {
	uint16_t offset, len;
};

struct shape {
	_Alignas(WIDE_STEP) uint8_t text[MESSAGE_MAX]; /* zero where anything may stand */
	uint8_t kinds[MESSAGE_MAX];
	uint16_t size;	  /* of the message, in octets; 0: not in use */
	uint8_t next;	  /* of the shapes of this size, plus one; 0: there is none */
	bool was_used;	  /* since room was looked for */
	uint16_t body_at; /* offset */
	uint8_t n_cseq_digits;
	struct place fields[N_FIELDS], vias[VIAS_MAX];
	struct place signalling, payload, user;
	/* What else a message says; of an error there is none. */
	bool is_response, via_rport, has_max_forwards, can_answer;
	uint8_t method, n_vias;
	uint16_t status, warning_code;
	uint32_t retry_after_s, body_size;
};

struct fk_sip_shapes {
	uint8_t of_size[MESSAGE_MAX + 1]; /* first shape of a size, plus one; 0: there is none */
	uint32_t n_missed;		  /* since one was kept */
	uint32_t hand;			  /* where room is looked for next */
	bool is_usable, has_wide;	  /* the CPU has AVX2; and AVX-512 */
	struct shape shapes[FK_SIP_SHAPES];
};

struct fk_sip_shapes *fk_sip_shapes_new(void)
{
	const size_t size = (sizeof(struct fk_sip_shapes) + WIDE_STEP - 1) / WIDE_STEP * WIDE_STEP;
	struct fk_sip_shapes *shapes = aligned_alloc(WIDE_STEP, size);

	if (shapes == NULL)
		return NULL;
	memset(shapes, 0, size);
	shapes->n_missed = FK_SIP_SHAPE_EVERY;
#ifdef __x86_64__
	shapes->is_usable = __builtin_cpu_supports("avx2");
	shapes->has_wide = __builtin_cpu_supports("avx512bw");
#endif
	return shapes;
}

void fk_sip_shapes_free(struct fk_sip_shapes *shapes)
{
	free(shapes);
}

void fk_sip_shapes_narrow(struct fk_sip_shapes *shapes)
{
	shapes->has_wide = false;
}

static inline struct fk_view view_at(const uint8_t *octets, struct place place)
{
	return (struct fk_view){.at = (const char *)octets + place.offset, .len = place.len};
}

/* Where a view stands in the datagram; nowhere if it is empty. */
static struct place place_of(const uint8_t *octets, struct fk_view view)
{
	if (view.len == 0)
		return (struct place){0};
	return (struct place){
		.offset = (uint16_t)((const uint8_t *)view.at - octets),
		.len = (uint16_t)view.len,
	};
}

static inline struct fk_view *field_of(struct fk_sip_message *message, size_t i)
{
	return (struct fk_view *)((uint8_t *)message + fields[i]);
}

static void keep_message(struct shape *s, const uint8_t *octets,
			 const struct fk_sip_message *message)
{
	s->is_response = message->is_response;
	s->status = message->status;
	s->method = message->method;
	s->n_vias = message->n_vias;
	for (uint32_t i = 0; i < message->n_vias; i++)
		s->vias[i] = place_of(octets, message->vias[i]);
	for (size_t i = 0; i < N_FIELDS; i++)
		s->fields[i] = place_of(
			octets, *(const struct fk_view *)((const uint8_t *)message + fields[i]));
	s->via_rport = message->via_rport;
	s->has_max_forwards = message->has_max_forwards;
	s->retry_after_s = message->retry_after_s;
	s->warning_code = message->warning_code;
	s->body_at = (uint16_t)(message->body - octets);
	s->body_size = message->body_size;
	s->can_answer = message->can_answer;
}

#ifdef __x86_64__
/* Letters and digits become something else than zero: each half of an octet has the bits of the
 * classes that it can be of, and an octet is of one if both halves can be. */
static inline __attribute__((always_inline, target("avx2"))) __m256i alnum(__m256i v)
{
	enum {
		D = 1,
		FIRST = 2,
		SECOND = 4
	}; /* 0-9; A-O and a-o; P-Z and p-z */
	const __m256i low = _mm256_setr_epi8(
		D | SECOND, D | FIRST | SECOND, D | FIRST | SECOND, D | FIRST | SECOND,
		D | FIRST | SECOND, D | FIRST | SECOND, D | FIRST | SECOND, D | FIRST | SECOND,
		D | FIRST | SECOND, D | FIRST | SECOND, FIRST | SECOND, FIRST, FIRST, FIRST, FIRST,
		FIRST, D | SECOND, D | FIRST | SECOND, D | FIRST | SECOND, D | FIRST | SECOND,
		D | FIRST | SECOND, D | FIRST | SECOND, D | FIRST | SECOND, D | FIRST | SECOND,
		D | FIRST | SECOND, D | FIRST | SECOND, FIRST | SECOND, FIRST, FIRST, FIRST, FIRST,
		FIRST);
	const __m256i high =
		_mm256_setr_epi8(0, 0, 0, D, FIRST, SECOND, FIRST, SECOND, 0, 0, 0, 0, 0, 0, 0, 0,
				 0, 0, 0, D, FIRST, SECOND, FIRST, SECOND, 0, 0, 0, 0, 0, 0, 0, 0);
	const __m256i half = _mm256_set1_epi8(0x0f);

	/* An octet with the top bit set looks up zero. */
	return _mm256_and_si256(
		_mm256_shuffle_epi8(low, v),
		_mm256_shuffle_epi8(high, _mm256_and_si256(_mm256_srli_epi16(v, 4), half)));
}

/* Zero where an octet is not what the shape wants. */
static inline __attribute__((always_inline, target("avx2"))) __m256i step(const struct shape *s,
									  const uint8_t *octets,
									  size_t at)
{
	__m256i text = _mm256_loadu_si256((const __m256i *)(s->text + at));
	__m256i kinds = _mm256_loadu_si256((const __m256i *)(s->kinds + at));
	__m256i v = _mm256_loadu_si256((const __m256i *)(octets + at));
	__m256i wanted;

	v = _mm256_blendv_epi8(v, text, kinds);
	wanted = _mm256_and_si256(kinds, alnum(v));
	return _mm256_or_si256(_mm256_cmpeq_epi8(v, text), wanted);
}

static inline __attribute__((always_inline, target("avx2"))) bool has_zero(__m256i v)
{
	return _mm256_movemask_epi8(_mm256_cmpeq_epi8(v, _mm256_setzero_si256())) != 0;
}

/* Of 64 octets those that are not what the shape wants. In most steps of a message all octets are
 * those of the shape, and then nobody asks what else they may be. */
static inline __attribute__((always_inline, target("avx512bw"))) __mmask64 wide_step(
	const struct shape *s, const uint8_t *octets, size_t at)
{
	__m512i v = _mm512_loadu_si512(octets + at), kinds, low;
	__mmask64 differ = _mm512_cmpneq_epi8_mask(v, _mm512_loadu_si512(s->text + at));
	__mmask64 alnum;

	if (differ == 0)
		return 0;
	kinds = _mm512_loadu_si512(s->kinds + at);
	low = _mm512_sub_epi8(_mm512_or_si512(v, _mm512_set1_epi8(0x20)), _mm512_set1_epi8('a'));
	alnum = _mm512_cmplt_epu8_mask(low, _mm512_set1_epi8(26)) |
		_mm512_cmplt_epu8_mask(_mm512_sub_epi8(v, _mm512_set1_epi8('0')),
				       _mm512_set1_epi8(10));
	return differ & ~_mm512_movepi8_mask(kinds) &
	       ~(alnum & _mm512_test_epi8_mask(kinds, kinds));
}

static __attribute__((target("avx512bw"))) bool fits_wide(const struct shape *s,
							  const uint8_t *octets)
{
	const size_t last = (size_t)s->size - WIDE_STEP;

	for (size_t at = 0; at < last; at += WIDE_STEP) {
		if (wide_step(s, octets, at) != 0)
			return false;
	}
	return wide_step(s, octets, last) == 0;
}

/* Is every octet what the shape wants? The last step overlaps the one before. */
static __attribute__((target("avx2"))) bool fits_narrow(const struct shape *s,
							const uint8_t *octets)
{
	const size_t last = (size_t)s->size - STEP;
	size_t at = 0;
	__m256i all;

	for (; at + CHECK <= last; at += CHECK) {
		all = step(s, octets, at);
		for (size_t i = STEP; i < CHECK; i += STEP)
			all = _mm256_min_epu8(all, step(s, octets, at + i));
		if (has_zero(all))
			return false;
	}
	all = step(s, octets, last);
	for (; at < last; at += STEP)
		all = _mm256_min_epu8(all, step(s, octets, at));
	return !has_zero(all);
}

static inline bool fits(const struct fk_sip_shapes *shapes, const struct shape *s,
			const uint8_t *octets)
{
	return shapes->has_wide && s->size >= WIDE_STEP ? fits_wide(s, octets)
							: fits_narrow(s, octets);
}
#else
static bool fits(const struct fk_sip_shapes *shapes, const struct shape *s, const uint8_t *octets)
{
	(void)shapes;
	(void)s;
	(void)octets;
	return false;
}
#endif

/* May a delimiter line begin in the octets, or right before them? */
static inline bool may_be_delimited(const uint8_t *octets, struct place place)
{
	const char *start = (const char *)octets + place.offset - 1, *end = start + place.len + 2;

	return place.len > 0 && fk_scan_find_pair(start, end, '\n', '-') != end;
}

/* The number that the digits are; false if one is a letter. */
static inline bool read_digits(const char *at, uint32_t n, uint32_t *ret_number)
{
	uint32_t number = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t digit = (uint32_t)(uint8_t)at[i] - '0';

		if (digit > 9)
			return false;
		number = number * 10 + digit;
	}
	*ret_number = number;
	return true;
}

/* Of the Vias those that are counted. */
static inline void put_message(const struct shape *s, const uint8_t *octets,
			       struct fk_sip_message *m)
{
	m->is_response = s->is_response;
	m->status = s->status;
	m->method = s->method;
	m->n_vias = s->n_vias;
	for (uint32_t i = 0; i < s->n_vias; i++)
		m->vias[i] = view_at(octets, s->vias[i]);
	for (size_t i = 0; i < N_FIELDS; i++)
		*field_of(m, i) = view_at(octets, s->fields[i]);
	m->via_rport = s->via_rport;
	m->has_max_forwards = s->has_max_forwards;
	m->retry_after_s = s->retry_after_s;
	m->warning_code = s->warning_code;
	m->body = octets + s->body_at;
	m->body_size = s->body_size;
	m->error = NULL;
	m->error_at = NULL;
	m->can_answer = s->can_answer;
	m->is_other_version = false;
}

bool fk_sip_shapes_read(struct fk_sip_shapes *shapes, const uint8_t *octets, size_t size,
			struct fk_sip_message *ret_message, struct fk_sip_shape_body *ret_body)
{
	struct shape *s;

	if (size > MESSAGE_MAX)
		return false;
	for (uint32_t i = shapes->of_size[size]; i != 0; i = s->next) {
		s = &shapes->shapes[i - 1];
		if (!fits(shapes, s, octets))
			continue;
		if (may_be_delimited(octets, s->signalling) || may_be_delimited(octets, s->payload))
			return false;
		put_message(s, octets, ret_message);
		if (!read_digits(ret_message->cseq.at, s->n_cseq_digits, &ret_message->cseq_number))
			return false;
		*ret_body = (struct fk_sip_shape_body){
			.signalling = view_at(octets, s->signalling),
			.payload = view_at(octets, s->payload),
			.user = view_at(octets, s->user),
		};
		s->was_used = true;
		return true;
	}
	return false;
}

/* A shape that was not used since the hand came by last, out of the chain of its size. */
static struct shape *make_room(struct fk_sip_shapes *shapes)
{
	struct shape *s;
	uint8_t *link;

	for (;; s->was_used = false) {
		s = &shapes->shapes[shapes->hand];
		shapes->hand = (shapes->hand + 1) % FK_SIP_SHAPES;
		if (!s->was_used)
			break;
	}
	if (s->size > 0) {
		link = &shapes->of_size[s->size];
		while (&shapes->shapes[*link - 1] != s)
			link = &shapes->shapes[*link - 1].next;
		*link = s->next;
	}
	memset(s, 0, sizeof(*s));
	return s;
}

static bool is_inside(const uint8_t *octets, size_t size, struct fk_view view)
{
	uintptr_t at = (uintptr_t)view.at, start = (uintptr_t)octets;

	return view.len == 0 || (at > start && at < start + size && view.len < start + size - at);
}

static void let_be_alnum(struct shape *s, const uint8_t *octets, struct fk_view view)
{
	struct place place = place_of(octets, view);

	for (uint32_t i = place.offset; i < (uint32_t)place.offset + place.len; i++)
		if (fk_scan_is_alnum((char)octets[i]))
			s->kinds[i] = ALNUM;
}

static void let_be_anything(struct shape *s, const uint8_t *octets, struct fk_view view)
{
	struct place place = place_of(octets, view);

	memset(s->kinds + place.offset, ANYTHING, place.len);
	memset(s->text + place.offset, 0, place.len);
}

/* <sip:user@host>: the grammar asks for no letter of it. Without brackets it would not matter
 * either, but then parameters follow, whose names do. */
static void let_address_vary(struct shape *s, const uint8_t *octets, struct fk_view address)
{
	const char *end = address.len > 0 ? memchr(address.at, '>', address.len) : NULL;

	if (end != NULL && address.at[0] == '<')
		let_be_alnum(s, octets, fk_view_part(address, 0, (uint32_t)(end - address.at)));
}

/* Values of headers that are not read: of them only controls count, in which they do not differ. */
static void let_unread_vary(struct shape *s, const uint8_t *octets, const uint8_t *body)
{
	const char *at = (const char *)octets, *end = (const char *)body;
	struct fk_view line, name, value;

	while (fk_sip_line_read(&at, end, false, &line) == FK_SIP_LINE_HEADER)
		if (fk_sip_header_split(line, &name, &value) &&
		    fk_sip_header_find(name) == FK_SIP_HEADERS && !fk_sip_may_be_seldom(line.at[0]))
			let_be_alnum(s, octets, value);
}

static void let_header_vary(struct shape *s, const uint8_t *octets,
			    const struct fk_sip_message *message)
{
	let_be_alnum(s, octets, message->via_branch);
	for (uint32_t i = 1; i < message->n_vias; i++)
		let_be_alnum(s, octets, message->vias[i]);
	let_address_vary(s, octets, message->from);
	let_address_vary(s, octets, message->to);
	let_be_alnum(s, octets, message->from_tag);
	let_be_alnum(s, octets, message->to_tag);
	let_be_alnum(s, octets, message->call_id);
	let_be_alnum(s, octets, fk_view_part(message->cseq, 0, s->n_cseq_digits));
	let_unread_vary(s, octets, message->body);
}

static uint32_t count_digits(struct fk_view v)
{
	uint32_t n = 0;

	while (n < v.len && v.at[n] >= '0' && v.at[n] <= '9')
		n++;
	return n;
}

/* Does all of it stand in the datagram, as it was sent? Finds the user. */
static bool is_usual_body(const uint8_t *octets, size_t size, struct fk_sip_shape_body *body)
{
	return body->info.len > 0 && body->signalling.len > 0 &&
	       (body->payload.at == NULL || body->payload.len > 0) &&
	       is_inside(octets, size, body->info) && is_inside(octets, size, body->signalling) &&
	       is_inside(octets, size, body->payload) &&
	       fk_mcdata_info_find_user((const uint8_t *)body->info.at, body->info.len,
					&body->user);
}

void fk_sip_shapes_learn(struct fk_sip_shapes *shapes, const uint8_t *octets, size_t size,
			 const struct fk_sip_message *message, const struct fk_sip_shape_body *body)
{
	struct fk_sip_shape_body found = body != NULL ? *body : (struct fk_sip_shape_body){0};
	uint32_t n_digits = count_digits(message->cseq);
	struct shape *s;

	if (!shapes->is_usable || ++shapes->n_missed < FK_SIP_SHAPE_EVERY)
		return;
	if (size < STEP || size > MESSAGE_MAX || message->error != NULL ||
	    message->n_vias > VIAS_MAX || n_digits == 0 || n_digits > CSEQ_DIGITS ||
	    (body != NULL && !is_usual_body(octets, size, &found)))
		return;
	s = make_room(shapes);
	shapes->n_missed = 0;
	s->size = (uint16_t)size;
	s->next = shapes->of_size[size];
	shapes->of_size[size] = (uint8_t)(s - shapes->shapes + 1);
	s->n_cseq_digits = (uint8_t)n_digits;
	keep_message(s, octets, message);
	s->signalling = place_of(octets, found.signalling);
	s->payload = place_of(octets, found.payload);
	s->user = place_of(octets, found.user);
	memcpy(s->text, octets, size);
	let_header_vary(s, octets, message);
	let_be_alnum(s, octets, found.user);
	let_be_anything(s, octets, found.signalling);
	let_be_anything(s, octets, found.payload);
}
