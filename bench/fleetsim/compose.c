/* SPDX-License-Identifier: Apache-2.0 */
/* compose.c - see compose.h. */
#include <string.h>

#include <fleetkey/kmm.h>
#include <fleetkey/wire.h>

#include "compose.h"

#define COOKIE	      "z9hG4bK"
#define BODY_SIZE_MAX 1024
#define BOUNDARY      "fs7q" /* checked against the binary parts, see pick_boundary() */
#define BOUNDARY_LEN  4

/* Header names and values in both forms. spec: RFC 3261 §7.3.3, RFC 3841 §9.2 */
struct form {
	const char *via, *from, *to, *call_id, *content_type, *content_length, *accept_contact;
	const char *separator, *part_type;
};

static const struct form long_form = {
	"Via", "From",		"To", "Call-ID", "Content-Type", "Content-Length", "Accept-Contact",
	": ",  "Content-Type: "};
static const struct form compact_form = {"v", "f", "t", "i", "c", "l", "a", ":", "Content-Type:"};

static const char accept_contact[] =
	"*;+g.3gpp.mcdata.sds;require;explicit,"
	"*;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.mcdata.sds\";require;explicit";
static const char asserted_service[] = "urn:urn-7:3gpp-service.ims.icsi.mcdata.sds";

static void put_text(struct fk_wire_writer *w, const char *text)
{
	fk_wire_put_bytes(w, text, strlen(text));
}

static void put_hex(char *text, uint64_t value, uint32_t n_digits)
{
	static const char digits[] = "0123456789abcdef";

	while (n_digits-- > 0) {
		text[n_digits] = digits[value & 15];
		value >>= 4;
	}
}

void fk_compose_branch(uint32_t slot, uint64_t nonce, char text[static FK_SIM_BRANCH_LEN])
{
	memcpy(text, COOKIE, sizeof(COOKIE) - 1);
	put_hex(text + sizeof(COOKIE) - 1, slot, 8);
	put_hex(text + sizeof(COOKIE) - 1 + 8, nonce, 16);
}

static bool get_hex(const char *text, uint32_t n_digits, uint64_t *ret_value)
{
	uint64_t value = 0;

	for (uint32_t i = 0; i < n_digits; i++) {
		char c = text[i];

		if (c >= '0' && c <= '9')
			value = value << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			value = value << 4 | (uint64_t)(c - 'a' + 10);
		else
			return false;
	}
	*ret_value = value;
	return true;
}

bool fk_compose_read_branch(const char *text, size_t len, uint32_t *ret_slot, uint64_t *ret_nonce)
{
	uint64_t slot, nonce;

	if (len != FK_SIM_BRANCH_LEN || memcmp(text, COOKIE, sizeof(COOKIE) - 1) != 0 ||
	    !get_hex(text + sizeof(COOKIE) - 1, 8, &slot) ||
	    !get_hex(text + sizeof(COOKIE) - 1 + 8, 16, &nonce))
		return false;
	*ret_slot = (uint32_t)slot;
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

	struct fk_sds_signalling s = {.date_time_s = c->date_time_s, .has_in_reply_to = true};

	memcpy(s.conversation_id, c->conversation_id, FK_SDS_ID_SIZE);
	memcpy(s.message_id, c->message_id, FK_SDS_ID_SIZE);
	memcpy(s.in_reply_to, c->in_reply_to, FK_SDS_ID_SIZE);
	return fk_sds_encode_signalling(&s, buf, cap, &size) == FK_OK ? size : 0;
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

static void put_part(struct fk_wire_writer *w, const struct form *form, const char *boundary,
		     const char *type, const void *octets, size_t size)
{
	put_text(w, "--");
	put_text(w, boundary);
	put_text(w, "\r\n");
	put_text(w, form->part_type);
	put_text(w, type);
	put_text(w, "\r\n\r\n");
	fk_wire_put_bytes(w, octets, size);
	put_text(w, "\r\n");
}

static void put_info(struct fk_wire_writer *w, const struct fk_compose *c)
{
	put_text(w, "<mcdatainfo xmlns=\"urn:3gpp:ns:mcdataInfo:1.0\"><mcdata-Params>"
		    "<request-type>one-to-one-sds</request-type>"
		    "<mcdata-request-uri type=\"Normal\"><mcdataURI>");
	fk_wire_put_bytes(w, c->context->kmf_uri, c->context->kmf_uri_size);
	put_text(w, "</mcdataURI></mcdata-request-uri>"
		    "<mcdata-calling-user-id type=\"Normal\"><mcdataURI>");
	fk_wire_put_bytes(w, c->mcdata_id, c->mcdata_id_size);
	put_text(w, "</mcdataURI></mcdata-calling-user-id></mcdata-Params></mcdatainfo>");
}

/* Writes the body and its boundary; 0 if it does not fit. */
static size_t put_body(const struct fk_compose *c, const struct form *form, uint8_t *body,
		       char boundary[static BOUNDARY_LEN + 1])
{
	uint8_t signalling[128], data[FK_KMM_PREAMBLE_SIZE + FK_KMM_SIZE_MAX + 16], info[768];
	size_t signalling_size = encode_signalling(c, signalling, sizeof(signalling));
	size_t data_size = c->kmm == NULL ? 0 : encode_data(c, data, sizeof(data)), size = 0;
	struct fk_wire_writer xml = fk_wire_writer(info, sizeof(info));
	struct fk_wire_writer w = fk_wire_writer(body, BODY_SIZE_MAX);

	if (signalling_size == 0 || (c->kmm != NULL && data_size == 0))
		return 0;
	put_info(&xml, c);
	if (fk_wire_done(&xml, &size) != FK_OK)
		return 0;
	pick_boundary(signalling, signalling_size, data, data_size, boundary);
	put_part(&w, form, boundary, "application/vnd.3gpp.mcdata-info+xml", info, size);
	put_part(&w, form, boundary, "application/vnd.3gpp.mcdata-signalling", signalling,
		 signalling_size);
	if (data_size > 0)
		put_part(&w, form, boundary, "application/vnd.3gpp.mcdata-payload", data,
			 data_size);
	put_text(&w, "--");
	put_text(&w, boundary);
	put_text(&w, "--\r\n");
	return fk_wire_done(&w, &size) == FK_OK ? size : 0;
}

static void put_header(struct fk_wire_writer *w, const char *name, const struct form *form)
{
	put_text(w, "\r\n");
	put_text(w, name);
	put_text(w, form->separator);
}

static void put_number(struct fk_wire_writer *w, size_t value)
{
	char digits[20];
	size_t n = sizeof(digits);

	do {
		digits[--n] = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	fk_wire_put_bytes(w, digits + n, sizeof(digits) - n);
}

static void put_headers(struct fk_wire_writer *w, const struct fk_compose *c,
			const struct form *form, const char *boundary, size_t body_size)
{
	const struct fk_compose_context *k = c->context;
	char branch[FK_SIM_BRANCH_LEN], id[16];

	fk_compose_branch(c->slot, c->nonce, branch);
	put_hex(id, c->nonce, sizeof(id));
	put_text(w, "MESSAGE ");
	fk_wire_put_bytes(w, k->kmf_uri, k->kmf_uri_size);
	put_text(w, " SIP/2.0");
	put_header(w, form->via, form);
	put_text(w, "SIP/2.0/UDP ");
	put_text(w, k->sent_by);
	put_text(w, ";branch=");
	fk_wire_put_bytes(w, branch, sizeof(branch));
	put_header(w, "Max-Forwards", form);
	put_text(w, "70");
	put_header(w, form->from, form);
	put_text(w, "<");
	fk_wire_put_bytes(w, k->server_uri, k->server_uri_size);
	put_text(w, ">;tag=");
	fk_wire_put_bytes(w, id + 8, 8);
	put_header(w, form->to, form);
	put_text(w, "<");
	fk_wire_put_bytes(w, k->kmf_uri, k->kmf_uri_size);
	put_text(w, ">");
	put_header(w, form->call_id, form);
	fk_wire_put_bytes(w, id, sizeof(id));
	put_header(w, "CSeq", form);
	put_text(w, "1 MESSAGE");
	put_header(w, form->accept_contact, form);
	put_text(w, accept_contact);
	put_header(w, "P-Asserted-Identity", form);
	put_text(w, "<");
	fk_wire_put_bytes(w, k->server_uri, k->server_uri_size);
	put_text(w, ">");
	put_header(w, "P-Asserted-Service", form);
	put_text(w, asserted_service);
	put_header(w, form->content_type, form);
	put_text(w, "multipart/mixed;boundary=");
	put_text(w, boundary);
	put_header(w, form->content_length, form);
	put_number(w, body_size);
	put_text(w, "\r\n\r\n");
}

static enum fk_err write_form(const struct fk_compose *c, const struct form *form, uint8_t *buf,
			      size_t *ret_size)
{
	struct fk_wire_writer w = fk_wire_writer(buf, FK_SIM_MESSAGE_MAX);
	uint8_t body[BODY_SIZE_MAX];
	char boundary[BOUNDARY_LEN + 1];
	size_t body_size = put_body(c, form, body, boundary);

	if (body_size == 0)
		return FK_EFULL;
	put_headers(&w, c, form, boundary, body_size);
	fk_wire_put_bytes(&w, body, body_size);
	return fk_wire_done(&w, ret_size);
}

enum fk_err fk_compose_message(const struct fk_compose *compose,
			       uint8_t buf[static FK_SIM_DATAGRAM_MAX], size_t *ret_size)
{
	enum fk_err err = FK_EFULL;

	if (!compose->is_compact)
		err = write_form(compose, &long_form, buf, ret_size);
	if (err != FK_OK)
		err = write_form(compose, &compact_form, buf, ret_size);
	return err;
}
