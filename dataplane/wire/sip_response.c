/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <fleetkey/wire.h>

#include "sip_text.h"
#include "wire/address.h"
#include "wire/sip.h"

/* spec: RFC 3261 §21, for the codes that Fleetkey or fleetsim answer with */
static const struct {
	uint16_t status;
	const char *reason;
} reasons[] = {
	{100, "Trying"},
	{200, "OK"},
	{202, "Accepted"},
	{400, "Bad Request"},
	{403, "Forbidden"},
	{404, "Not Found"},
	{405, "Method Not Allowed"},
	{408, "Request Timeout"},
	{413, "Request Entity Too Large"},
	{415, "Unsupported Media Type"},
	{416, "Unsupported URI Scheme"},
	{420, "Bad Extension"},
	{480, "Temporarily Unavailable"},
	{481, "Call/Transaction Does Not Exist"},
	{483, "Too Many Hops"},
	{500, "Server Internal Error"},
	{501, "Not Implemented"},
	{503, "Service Unavailable"},
	{504, "Server Time-out"},
	{505, "Version Not Supported"},
	{513, "Message Too Large"},
	{600, "Busy Everywhere"},
	{603, "Decline"},
};

/* Inline, so that literals are written without a call. */
static inline void put_text(struct fk_wire_writer *w, const char *text)
{
	fk_wire_put_bytes(w, text, strlen(text));
}

static void put_number(struct fk_wire_writer *w, uint32_t value)
{
	char digits[10];
	size_t n = sizeof(digits);

	do {
		digits[--n] = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	fk_wire_put_bytes(w, digits + n, sizeof(digits) - n);
}

#ifdef __SSE2__
#define HALF (FK_SCAN_BLOCK / 2)

/* The lowest of the octets that were copied, and CR; as a bit for each place. */
static inline bool has_control(__m128i lowest)
{
	const __m128i cr = _mm_set1_epi8('\r');

	return _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(lowest, cr), lowest)) != 0;
}

/* Copies a value of at least half a block; what comes last overlaps what was before. False if it
 * holds a control up to CR; what was copied is then of no use. */
static inline bool copy_line(uint8_t *to, const char *from, size_t size)
{
	__m128i lowest, octets;

	if (size < FK_SCAN_BLOCK) {
		lowest = _mm_loadl_epi64((const __m128i *)from);
		octets = _mm_loadl_epi64((const __m128i *)(from + size - HALF));
		_mm_storel_epi64((__m128i *)to, lowest);
		_mm_storel_epi64((__m128i *)(to + size - HALF), octets);
		return !has_control(_mm_unpacklo_epi64(lowest, octets));
	}
	lowest = fk_scan_load(from + size - FK_SCAN_BLOCK);
	_mm_storeu_si128((__m128i *)(to + size - FK_SCAN_BLOCK), lowest);
	for (size_t i = 0; i + FK_SCAN_BLOCK < size; i += FK_SCAN_BLOCK) {
		octets = fk_scan_load(from + i);
		lowest = _mm_min_epu8(lowest, octets);
		_mm_storeu_si128((__m128i *)(to + i), octets);
	}
	return !has_control(lowest);
}
#endif

/* A value that stands on more than one line. */
static __attribute__((noinline)) void put_folded(struct fk_wire_writer *w, struct fk_view v)
{
	uint32_t start = 0;

	for (uint32_t i = 0; i <= v.len; i++) {
		if (i < v.len && v.at[i] != '\r' && v.at[i] != '\n')
			continue;
		fk_wire_put_bytes(w, v.at + start, i - start);
		start = i + 1;
	}
}

/* A header value without its folds: the space or tab that follows a CRLF stays. */
static inline void put_unfolded(struct fk_wire_writer *w, struct fk_view v)
{
#ifdef __SSE2__
	/* Mostly it stands on one line. */
	if (v.len >= HALF && v.len <= (size_t)(w->end - w->at) && !w->failed &&
	    copy_line(w->at, v.at, v.len)) {
		w->at += v.len;
		return;
	}
#endif
	put_folded(w, v);
}

/* "200 OK"; a code without a phrase of its own gets that of its class. */
static void put_status_line(struct fk_wire_writer *w, uint16_t status)
{
	const char *reason = "Failure";

	if (status == 200) { /* nearly all are */
		put_text(w, "SIP/2.0 200 OK\r\n");
		return;
	}
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (reasons[i].status == status / 100 * 100 || reasons[i].status == status)
			reason = reasons[i].reason;
		if (reasons[i].status == status)
			break;
	}
	put_text(w, "SIP/2.0 ");
	put_number(w, status);
	put_text(w, " ");
	put_text(w, reason);
	put_text(w, "\r\n");
}

uint16_t fk_sip_sent_by_port(struct fk_view sent_by)
{
	uint32_t port = 0, i = sent_by.len, colon;

	while (i > 0 && sent_by.at[i - 1] >= '0' && sent_by.at[i - 1] <= '9')
		i--;
	colon = i;
	while (colon > 0 && fk_sip_is_space(sent_by.at[colon - 1]))
		colon--;
	if (colon == 0 || i == sent_by.len || sent_by.at[colon - 1] != ':')
		return FK_SIP_PORT_DEFAULT;
	for (; i < sent_by.len && port <= UINT16_MAX; i++)
		port = port * 10 + (uint32_t)(sent_by.at[i] - '0');
	return port >= 1 && port <= UINT16_MAX ? (uint16_t)port : FK_SIP_PORT_DEFAULT;
}

/* "[2001:db8::10]:5060", in any of the forms that an IPv6 address can be written in. */
static bool reference_is(struct fk_view sent_by, const struct fk_address *source)
{
	const char *end = memchr(sent_by.at, ']', sent_by.len);
	struct fk_address address;
	char text[FK_ADDRESS_TEXT_SIZE];
	size_t len;

	if (end == NULL || (size_t)(end - sent_by.at) > sizeof(text))
		return false;
	len = (size_t)(end - sent_by.at) - 1;
	memcpy(text, sent_by.at + 1, len);
	text[len] = '\0';
	return fk_address_parse(text, &address) == FK_OK && fk_address_equal(&address, source);
}

/* The IPv4 address that a sent-by begins with. False if it begins with anything else. */
static bool take_ipv4(struct fk_view sent_by, uint32_t *ret_ipv4)
{
	const char *at = sent_by.at, *end = at + sent_by.len;
	uint32_t ipv4 = 0;

	for (int part = 0; part < 4; part++) {
		uint32_t value = 0, n = 0;
		const char *first = at;

		for (; at < end && *at >= '0' && *at <= '9' && n < 4; n++)
			value = value * 10 + (uint32_t)(*at++ - '0');
		/* "010" is eight to some readers and ten to others. */
		if (n == 0 || n > 3 || value > 255 || (n > 1 && *first == '0') ||
		    (part < 3 && (at == end || *at++ != '.')))
			return false;
		ipv4 = ipv4 << 8 | value;
	}
	*ret_ipv4 = ipv4;
	return at == end || *at == ':' || fk_sip_is_space(*at);
}

bool fk_sip_sent_by_is(struct fk_view sent_by, const struct fk_address *source)
{
	uint32_t ipv4;

	if (sent_by.len > 0 && sent_by.at[0] == '[')
		return reference_is(sent_by, source);
	return fk_address_is_ipv4(source) && take_ipv4(sent_by, &ipv4) &&
	       ipv4 == fk_address_ipv4(source);
}

/* True if the topmost Via is protocol, sent-by and branch and nothing else: nothing in it is to be
 * replaced. */
static bool is_plain_via(const struct fk_sip_message *request)
{
	struct fk_view via = request->vias[0], sent_by = request->via_sent_by;
	const char *end = via.at + via.len, *branch = request->via_branch.at;
	const size_t protocol = strlen("SIP/2.0/UDP "), name = strlen(";branch=");

	return FK_SCAN_IS(via.at, end, "SIP/2.0/UDP ") && sent_by.len > 0 &&
	       sent_by.at == via.at + protocol && request->via_branch.len > 0 &&
	       branch == sent_by.at + sent_by.len + name &&
	       branch + request->via_branch.len == end &&
	       FK_SCAN_IS(sent_by.at + sent_by.len, end, ";branch=");
}

static void put_received(struct fk_wire_writer *w, const struct fk_address *source)
{
	char text[FK_ADDRESS_TEXT_SIZE];

	fk_address_format(source, text);
	put_text(w, ";received=");
	put_text(w, text);
}

/*
 * The topmost Via with received and rport. spec: RFC 3261 §18.2.1, RFC 3581 §4: who asks for rport
 * gets both. A received or rport value that came with the request is the peer's own claim and is
 * replaced. RFC 3261's grammar has no brackets around the address of received.
 */
static void put_top_via(struct fk_wire_writer *w, const struct fk_sip_message *request,
			const struct fk_address *source, uint16_t source_port)
{
	struct fk_view via = request->vias[0], sent_by, params, name, value;

	if (is_plain_via(request)) {
		put_unfolded(w, via);
		if (!fk_sip_sent_by_is(request->via_sent_by, source))
			put_received(w, source);
		return;
	}
	if (!fk_sip_via_split(via, &sent_by, &params)) {
		put_unfolded(w, via);
		return;
	}
	put_unfolded(w, fk_view_part(via, 0, (uint32_t)(params.at - via.at)));
	while (fk_sip_param_next(&params, &name, &value) == FK_SIP_PARAM) {
		if (fk_view_is(name, "received") || fk_view_is(name, "rport"))
			continue;
		put_text(w, ";");
		put_unfolded(w, name);
		if (value.len > 0) {
			put_text(w, "=");
			put_unfolded(w, value);
		}
	}
	if (request->via_rport || !fk_sip_sent_by_is(sent_by, source))
		put_received(w, source);
	if (request->via_rport) {
		put_text(w, ";rport=");
		put_number(w, source_port);
	}
}

/* Inline, so that the length of 'name' is known. */
static inline __attribute__((always_inline)) void put_header(struct fk_wire_writer *w,
							     const char *name, struct fk_view value)
{
	put_text(w, name);
	put_unfolded(w, value);
	put_text(w, "\r\n");
}

static void put_to(struct fk_wire_writer *w, const struct fk_sip_message *request,
		   const char *to_tag)
{
	put_text(w, "To: ");
	put_unfolded(w, request->to);
	if (request->to_tag.len == 0 && to_tag != NULL) {
		put_text(w, ";tag=");
		put_text(w, to_tag);
	}
	put_text(w, "\r\n");
}

enum fk_err fk_sip_build_response(const struct fk_sip_message *request, uint16_t status,
				  const char *to_tag, const struct fk_address *source,
				  uint16_t source_port, const char *extra_headers, uint8_t *buf,
				  size_t cap, size_t *ret_size)
{
	struct fk_wire_writer w = fk_wire_writer(buf, cap);

	if (status < 100 || status > 699 || request->n_vias == 0)
		return FK_EINVAL;

	/* spec: RFC 3261 §8.2.6.2 */
	put_status_line(&w, status);
	put_text(&w, "Via: ");
	put_top_via(&w, request, source, source_port);
	put_text(&w, "\r\n");
	for (uint32_t i = 1; i < request->n_vias; i++)
		put_header(&w, "Via: ", request->vias[i]);
	/* Only what lacks one of these, and is told so by a 400, is answered without it. */
	if (request->from.len > 0)
		put_header(&w, "From: ", request->from);
	if (request->to.len > 0)
		put_to(&w, request, to_tag);
	if (request->call_id.len > 0)
		put_header(&w, "Call-ID: ", request->call_id);
	put_header(&w, "CSeq: ", request->cseq);
	if (extra_headers != NULL)
		put_text(&w, extra_headers);
	put_text(&w, "Content-Length: 0\r\n\r\n");
	return fk_wire_done(&w, ret_size);
}
