/* SPDX-License-Identifier: Apache-2.0 */
/* compose.c - see compose.h. */
#include <assert.h>
#include <endian.h>
#include <string.h>

#include <fleetkey/kmm.h>
#include <fleetkey/wire.h>

#include "compose.h"
#include "wire/isd.h"

#define COOKIE	       "z9hG4bK"
#define HEADER_END     "\r\n\r\n"
#define TAG_LEN	       8
#define LENGTH_LEN_MAX 4      /* digits of Content-Length */
#define BOUNDARY       "fs7q" /* checked against the binary parts, see pick_boundary() */
#define BOUNDARY_LEN   4
#define DATA_FRAME_MAX 320 /* octets around a KMM: those of T1, or fields of a layout and a URI */

/* Header names and values in both forms. spec: RFC 3261 §7.3.3, RFC 3841 §9.2 */
struct names {
	const char *via, *from, *to, *call_id, *content_type, *content_length, *accept_contact;
	const char *separator, *part_type;
};

static const struct names long_names = {
	"Via", "From",		"To", "Call-ID", "Content-Type", "Content-Length", "Accept-Contact",
	": ",  "Content-Type: "};
static const struct names compact_names = {"v", "f", "t", "i", "c", "l", "a", ":", "Content-Type:"};

/* The service and the document of a carrier. spec: 3GPP sheet 3.1, 3.5, 6.1 */
struct words {
	const char *accept_contact, *asserted_service;
	const char *info_type, *info_head, *info_middle, *info_tail; /* around KMF and UE */
};

static const struct words sds_words = {
	.accept_contact = "*;+g.3gpp.mcdata.sds;require;explicit,"
			  "*;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.mcdata.sds\";"
			  "require;explicit",
	.asserted_service = "urn:urn-7:3gpp-service.ims.icsi.mcdata.sds",
	.info_type = "application/vnd.3gpp.mcdata-info+xml",
	.info_head = "<mcdatainfo xmlns=\"urn:3gpp:ns:mcdataInfo:1.0\"><mcdata-Params>"
		     "<request-type>one-to-one-sds</request-type>"
		     "<mcdata-request-uri type=\"Normal\"><mcdataURI>",
	.info_middle = "</mcdataURI></mcdata-request-uri>"
		       "<mcdata-calling-user-id type=\"Normal\"><mcdataURI>",
	.info_tail = "</mcdataURI></mcdata-calling-user-id></mcdata-Params></mcdatainfo>\r\n",
};

static const struct words isd_words = {
	.accept_contact = "*;+g.3gpp.mcptt;require;explicit,"
			  "*;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.mcptt\";"
			  "require;explicit",
	.asserted_service = "urn:urn-7:3gpp-service.ims.icsi.mcptt",
	.info_type = "application/vnd.3gpp.mcptt-info+xml",
	.info_head = "<mcpttinfo xmlns=\"urn:3gpp:ns:mcpttInfo:1.0\"><mcptt-Params>"
		     "<mcptt-request-uri type=\"Normal\"><mcpttURI>",
	.info_middle = "</mcpttURI></mcptt-request-uri>"
		       "<mcptt-calling-user-id type=\"Normal\"><mcpttURI>",
	.info_tail = "</mcpttURI></mcptt-calling-user-id></mcptt-Params></mcpttinfo>\r\n",
};

static void put_text(struct fk_wire_writer *w, const char *text)
{
	fk_wire_put_bytes(w, text, strlen(text));
}

#define OCTETS_OF(v) (0x0101010101010101ull * (v)) /* the same in each of eight */

/* Eight hex digits, all at once: one in each octet. */
static void put_hex8(char *text, uint32_t value)
{
	uint64_t v = value;

	v = (v | v << 16) & 0x0000ffff0000ffffull;
	v = (v | v << 8) & 0x00ff00ff00ff00ffull;
	v = (v | v << 4) & 0x0f0f0f0f0f0f0f0full;
	v += OCTETS_OF('0') + ((v + OCTETS_OF(6)) >> 4 & OCTETS_OF(1)) * ('a' - '0' - 10);
	v = htobe64(v);
	memcpy(text, &v, sizeof(v));
}

static void put_hex16(char *text, uint64_t value)
{
	put_hex8(text, (uint32_t)(value >> 32));
	put_hex8(text + 8, (uint32_t)value);
}

void fk_compose_branch(uint32_t slot, uint64_t nonce, char text[static FK_SIM_BRANCH_LEN])
{
	memcpy(text, COOKIE, sizeof(COOKIE) - 1);
	put_hex8(text + sizeof(COOKIE) - 1, slot);
	put_hex16(text + sizeof(COOKIE) - 1 + 8, nonce);
}

/* What eight characters are worth as hex digits, whether they are some or not. */
static uint32_t guess_hex8(const char *text)
{
	uint64_t v;

	memcpy(&v, text, sizeof(v));
	v = be64toh(v);
	v = (v & OCTETS_OF(0x0f)) + (v >> 6 & OCTETS_OF(1)) * 9;
	v = (v | v >> 4) & 0x00ff00ff00ff00ffull;
	v = (v | v >> 8) & 0x0000ffff0000ffffull;
	return (uint32_t)(v | v >> 16);
}

bool fk_compose_read_branch(const char *text, size_t len, uint32_t *ret_slot, uint64_t *ret_nonce)
{
	const char *digits = text + sizeof(COOKIE) - 1;
	char again[FK_SIM_BRANCH_LEN];
	uint32_t slot;
	uint64_t nonce;

	if (len != FK_SIM_BRANCH_LEN)
		return false;
	slot = guess_hex8(digits);
	nonce = (uint64_t)guess_hex8(digits + 8) << 32 | guess_hex8(digits + 16);
	fk_compose_branch(slot, nonce, again);
	if (memcmp(again, text, sizeof(again)) != 0)
		return false; /* it was none of ours */
	*ret_slot = slot;
	*ret_nonce = nonce;
	return true;
}

/* Size is right only if the signalling or data part was encoded; 0 makes the message fail. */
static size_t encode_signalling(const struct fk_compose *c, uint8_t *buf, size_t cap)
{
	size_t size = 0;

	if (c->kmm == NULL) {
		struct fk_sds_notification n = {.disposition = FK_SDS_DELIVERED,
						.date_time_s = c->date_time_s};

		memcpy(n.conversation_id, c->conversation_id, FK_SDS_ID_SIZE);
		memcpy(n.message_id, c->message_id, FK_SDS_ID_SIZE);
		return fk_sds_encode_notification(&n, buf, cap, &size) == FK_OK ? size : 0;
	}

	struct fk_sds_signalling s = {.date_time_s = c->date_time_s,
				      .has_in_reply_to = c->in_reply_to != NULL};

	memcpy(s.conversation_id, c->conversation_id, FK_SDS_ID_SIZE);
	memcpy(s.message_id, c->message_id, FK_SDS_ID_SIZE);
	if (c->in_reply_to != NULL)
		memcpy(s.in_reply_to, c->in_reply_to, FK_SDS_ID_SIZE);
	return fk_sds_encode_signalling(&s, buf, cap, &size) == FK_OK ? size : 0;
}

static size_t encode_isd(const struct fk_compose *c, const uint8_t *payload, size_t payload_size,
			 uint8_t *buf, size_t cap)
{
	const struct fk_compose_context *k = c->context;
	bool has_uri = fk_isd_layout_find(k->isd_layout, FK_ISD_KMF_URI) != NULL;
	const struct fk_isd_message message = {
		.lmr_type = FK_ISD_LMR_P25,
		.kmf_uri = (const uint8_t *)k->kmf_uri,
		.kmf_uri_size = has_uri ? k->kmf_uri_size : 0,
		.payload = payload,
		.payload_size = payload_size,
	};
	size_t size = 0;

	return fk_isd_encode(k->isd_layout, &message, buf, cap, &size) == FK_OK ? size : 0;
}

static size_t encode_data(const struct fk_compose *c, uint8_t *buf, size_t cap)
{
	static const struct fk_kmm_preamble clear = {.algorithm_id = FK_ALGORITHM_CLEAR};
	uint8_t payload[FK_KMM_PREAMBLE_SIZE + FK_KMM_SIZE_MAX];
	size_t before = c->bare_kmm ? 0 : FK_KMM_PREAMBLE_SIZE, size = 0;

	if (c->kmm_size > FK_KMM_SIZE_MAX ||
	    (before > 0 && fk_kmm_preamble_encode(&clear, payload, before) != FK_OK))
		return 0;
	memcpy(payload + before, c->kmm, c->kmm_size);
	if (c->context->isd_layout != NULL)
		return encode_isd(c, payload, before + c->kmm_size, buf, cap);
	if (fk_sds_encode_data(FK_SDS_CONTENT_BINARY, payload, before + c->kmm_size, buf, cap,
			       &size) != FK_OK)
		return 0;
	return size;
}

/* memmem() builds a table first, which costs more than the few hundred octets that are searched. */
static bool contains(const uint8_t *octets, size_t size, const char text[static BOUNDARY_LEN])
{
	const uint8_t *end = octets + size, *at = octets;

	while (size > 0 && (at = memchr(at, text[0], (size_t)(end - at))) != NULL) {
		if (end - at >= BOUNDARY_LEN && memcmp(at, text, BOUNDARY_LEN) == 0)
			return true;
		at++;
	}
	return false;
}

/* The binary parts may hold any octets: a boundary must not occur in them (RFC 2046 §5.1.1). */
static void pick_boundary(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size,
			  char boundary[static BOUNDARY_LEN + 1])
{
	memcpy(boundary, BOUNDARY, BOUNDARY_LEN + 1);
	while (contains(a, a_size, boundary) || contains(b, b_size, boundary))
		boundary[0] = (char)(boundary[0] == 'z' ? 'a' : boundary[0] + 1);
}

/* The pieces, by the value that follows each. */
enum piece {
	BEFORE_BRANCH,
	BEFORE_TAG,
	BEFORE_CALL_ID,
	BEFORE_LENGTH,
	BEFORE_USER,
	BEFORE_SIGNALLING, /* empty on T2 */
	BEFORE_DATA,	   /* answers only */
	LAST,
};
static_assert(LAST + 1 == FK_COMPOSE_PIECES, "one text for each");

static void put_header(struct fk_wire_writer *w, const char *name, const struct names *names)
{
	put_text(w, "\r\n");
	put_text(w, name);
	put_text(w, names->separator);
}

static void put_uri(struct fk_wire_writer *w, const char *uri, size_t size)
{
	put_text(w, "<");
	fk_wire_put_bytes(w, uri, size);
	put_text(w, ">");
}

static void put_part(struct fk_wire_writer *w, const struct names *names, const char *type)
{
	put_text(w, "--" BOUNDARY "\r\n");
	put_text(w, names->part_type);
	put_text(w, type);
	put_text(w, "\r\n\r\n");
}

static void put_piece(struct fk_wire_writer *w, const struct fk_compose_context *k,
		      const struct names *names, enum piece piece)
{
	bool is_isd = k->isd_layout != NULL;
	const struct words *words = is_isd ? &isd_words : &sds_words;

	switch (piece) {
	case BEFORE_BRANCH:
		put_text(w, "MESSAGE ");
		fk_wire_put_bytes(w, k->kmf_uri, k->kmf_uri_size);
		put_text(w, " SIP/2.0");
		put_header(w, names->via, names);
		put_text(w, "SIP/2.0/UDP ");
		put_text(w, k->sent_by);
		put_text(w, ";branch=");
		break;
	case BEFORE_TAG:
		put_header(w, "Max-Forwards", names);
		put_text(w, "70");
		put_header(w, names->from, names);
		put_uri(w, k->server_uri, k->server_uri_size);
		put_text(w, ";tag=");
		break;
	case BEFORE_CALL_ID:
		put_header(w, names->to, names);
		put_uri(w, k->kmf_uri, k->kmf_uri_size);
		put_header(w, names->call_id, names);
		break;
	case BEFORE_LENGTH:
		put_header(w, "CSeq", names);
		put_text(w, "1 MESSAGE");
		put_header(w, names->accept_contact, names);
		put_text(w, words->accept_contact);
		put_header(w, "P-Asserted-Identity", names);
		put_uri(w, k->server_uri, k->server_uri_size);
		put_header(w, "P-Asserted-Service", names);
		put_text(w, words->asserted_service);
		put_header(w, names->content_type, names);
		put_text(w, "multipart/mixed;boundary=" BOUNDARY);
		put_header(w, names->content_length, names);
		break;
	case BEFORE_USER:
		put_text(w, HEADER_END);
		put_part(w, names, words->info_type);
		put_text(w, words->info_head);
		fk_wire_put_bytes(w, k->kmf_uri, k->kmf_uri_size);
		put_text(w, words->info_middle);
		break;
	case BEFORE_SIGNALLING:
		if (is_isd)
			break;
		put_text(w, words->info_tail);
		put_part(w, names, "application/vnd.3gpp.mcdata-signalling");
		break;
	case BEFORE_DATA:
		put_text(w, is_isd ? words->info_tail : "\r\n");
		put_part(w, names, is_isd ? FK_ISD_TYPE : "application/vnd.3gpp.mcdata-payload");
		break;
	case LAST:
		put_text(w, "\r\n--" BOUNDARY "--\r\n");
		break;
	}
}

/* The boundary of a piece: the last that follows "--" or "=". */
static const char *find_boundary(const char *start, const char *end)
{
	for (const char *at = end - BOUNDARY_LEN; at > start; at--)
		if (memcmp(at, BOUNDARY, BOUNDARY_LEN) == 0 && (at[-1] == '-' || at[-1] == '='))
			return at;
	return NULL;
}

static enum fk_err prepare(const struct fk_compose_context *k, const struct names *names,
			   struct fk_compose_form *form)
{
	struct fk_wire_writer w = fk_wire_writer(form->text, sizeof(form->text));
	size_t before = 0, size = 0;

	for (uint32_t i = 0; i < FK_COMPOSE_PIECES; i++) {
		const char *at;
		enum fk_err err;

		put_piece(&w, k, names, (enum piece)i);
		err = fk_wire_done(&w, &size);
		if (err != FK_OK)
			return err;
		at = i < BEFORE_LENGTH ? NULL
				       : find_boundary(form->text + before, form->text + size);
		form->pieces[i].offset = (uint16_t)before;
		form->pieces[i].size = (uint16_t)(size - before);
		form->pieces[i].boundary = at == NULL ? 0 : (uint16_t)(at - form->text - before);
		before = size;
	}
	return FK_OK;
}

enum fk_err fk_compose_prepare(struct fk_compose_context *context)
{
	enum fk_err err = prepare(context, &long_names, &context->long_form);

	return err == FK_OK ? prepare(context, &compact_names, &context->compact_form) : err;
}

/* The values that differ. */
struct values {
	char branch[FK_SIM_BRANCH_LEN], id[16], boundary[BOUNDARY_LEN + 1];
	uint8_t signalling[128], data[FK_KMM_PREAMBLE_SIZE + FK_KMM_SIZE_MAX + DATA_FRAME_MAX];
	size_t signalling_size, data_size;
};

static bool make_values(const struct fk_compose *c, struct values *v)
{
	bool is_isd = c->context->isd_layout != NULL;

	v->signalling_size =
		is_isd ? 0 : encode_signalling(c, v->signalling, sizeof(v->signalling));
	v->data_size = c->kmm == NULL ? 0 : encode_data(c, v->data, sizeof(v->data));
	if ((v->signalling_size == 0 && !is_isd) ||
	    (v->data_size == 0 && (c->kmm != NULL || is_isd)))
		return false;
	pick_boundary(v->signalling, v->signalling_size, v->data, v->data_size, v->boundary);
	fk_compose_branch(c->slot, c->nonce, v->branch);
	put_hex16(v->id, c->nonce);
	return true;
}

static uint8_t *put(uint8_t *at, const void *octets, size_t size)
{
	memcpy(at, octets, size);
	return at + size;
}

static uint8_t *put_fixed(uint8_t *at, const struct fk_compose_form *form, enum piece piece,
			  const struct values *v)
{
	uint8_t *end = put(at, form->text + form->pieces[piece].offset, form->pieces[piece].size);

	if (form->pieces[piece].boundary > 0 && v->boundary[0] != BOUNDARY[0])
		at[form->pieces[piece].boundary] = (uint8_t)v->boundary[0];
	return end;
}

static uint8_t *put_number(uint8_t *at, size_t value)
{
	char digits[20];
	size_t n = sizeof(digits);

	do {
		digits[--n] = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	return put(at, digits + n, sizeof(digits) - n);
}

static size_t sum_pieces(const struct fk_compose_form *form, enum piece first, bool has_data)
{
	size_t size = 0;

	for (uint32_t i = first; i <= LAST; i++)
		size += i == BEFORE_DATA && !has_data ? 0 : form->pieces[i].size;
	return size;
}

static enum fk_err write_form(const struct fk_compose *c, const struct fk_compose_form *form,
			      const struct values *v, uint8_t *buf, size_t *ret_size)
{
	bool has_data = v->data_size > 0;
	size_t values = c->mcdata_id_size + v->signalling_size + v->data_size;
	size_t body = sum_pieces(form, BEFORE_USER, has_data) - (sizeof(HEADER_END) - 1) + values;
	uint8_t *at = buf;

	if (sum_pieces(form, BEFORE_BRANCH, has_data) + values + sizeof(v->branch) + sizeof(v->id) +
		    TAG_LEN + LENGTH_LEN_MAX >
	    FK_SIM_MESSAGE_MAX)
		return FK_EFULL;
	at = put(put_fixed(at, form, BEFORE_BRANCH, v), v->branch, sizeof(v->branch));
	at = put(put_fixed(at, form, BEFORE_TAG, v), v->id + sizeof(v->id) - TAG_LEN, TAG_LEN);
	at = put(put_fixed(at, form, BEFORE_CALL_ID, v), v->id, sizeof(v->id));
	at = put_number(put_fixed(at, form, BEFORE_LENGTH, v), body);
	at = put(put_fixed(at, form, BEFORE_USER, v), c->mcdata_id, c->mcdata_id_size);
	at = put(put_fixed(at, form, BEFORE_SIGNALLING, v), v->signalling, v->signalling_size);
	if (has_data)
		at = put(put_fixed(at, form, BEFORE_DATA, v), v->data, v->data_size);
	at = put_fixed(at, form, LAST, v);
	*ret_size = (size_t)(at - buf);
	return FK_OK;
}

enum fk_err fk_compose_message(const struct fk_compose *compose,
			       uint8_t buf[static FK_SIM_DATAGRAM_MAX], size_t *ret_size)
{
	struct values values;
	enum fk_err err = FK_EFULL;

	if (!make_values(compose, &values))
		return FK_EFULL;
	if (!compose->is_compact)
		err = write_form(compose, &compose->context->long_form, &values, buf, ret_size);
	if (err != FK_OK)
		err = write_form(compose, &compose->context->compact_form, &values, buf, ret_size);
	return err;
}
