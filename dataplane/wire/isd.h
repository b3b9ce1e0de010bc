/* SPDX-License-Identifier: Apache-2.0 */
/*
 * isd.h - Interworking Security Data, the message of carrier T2, in a layout that is configured.
 *
 * The octets of this message are defined in TS 29.379 §14.2.1 and TS 29.582, whose tables the
 * project has not seen (3GPP sheet 6.3). So there is no built-in layout: which fields there are, in
 * which order, how wide and with which code points comes from a text, one field a line:
 *
 *   # a comment
 *   message_identity V value=0x01
 *   lmr_type V tetra=0x01 p25=0x02
 *   kmf_uri LV-E
 *   payload LV-E
 *
 * Formats are those of TS 24.379 Annex I: V, TV, LV, TLV, and LV-E and TLV-E with a length of two
 * octets. T takes iei=N. V and TV of message_identity and lmr_type have octets=N octets, 1 to 4 (1
 * if not said). A field with a tag may be 'optional'. In the payload content_type=N puts that octet
 * in front, counted by the length. A payload in V is the rest of the message, and comes last.
 *
 * Threads: everything here is pure. Memory: views borrow from the message; nothing allocates.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>

#define FK_ISD_FIELDS_MAX      4    /* one of each kind */
#define FK_ISD_LAYOUT_SIZE_MAX 4096 /* octets of a layout's text */
#define FK_ISD_URI_SIZE_MAX    255
#define FK_ISD_TYPE	       "application/vnd.3gpp.interworking-data"

enum fk_isd_kind {
	FK_ISD_MESSAGE_IDENTITY,
	FK_ISD_LMR_TYPE,
	FK_ISD_KMF_URI, /* URI of the LMR key management functional entity */
	FK_ISD_PAYLOAD,
	FK_ISD_KINDS,
};

enum fk_isd_lmr_type { /* TS 23.283 Table 10.12.1.1-1; 0: the field is absent */
	FK_ISD_LMR_NONE = 0,
	FK_ISD_LMR_TETRA,
	FK_ISD_LMR_P25,
	FK_ISD_LMR_TYPES,
};

struct fk_isd_field {
	uint8_t kind; /* enum fk_isd_kind */
	bool has_iei, is_optional, has_content_type;
	uint8_t iei, content_type;
	uint8_t length_octets; /* of the length: 0 (V, TV), 1 (LV, TLV), 2 (LV-E, TLV-E) */
	uint8_t value_octets;  /* of message_identity and lmr_type */
	uint32_t value;	       /* of message_identity */
	uint32_t codes[FK_ISD_LMR_TYPES]; /* of lmr_type */
	bool has_code[FK_ISD_LMR_TYPES];
};

struct fk_isd_layout {
	uint32_t n_fields;
	struct fk_isd_field fields[FK_ISD_FIELDS_MAX];
};

struct fk_isd_message {
	uint8_t lmr_type; /* enum fk_isd_lmr_type */
	const uint8_t *kmf_uri;
	size_t kmf_uri_size; /* 0: absent */
	const uint8_t *payload;
	size_t payload_size;
};

/* Where and why a layout or a message is refused. */
struct fk_isd_error {
	size_t offset; /* a layout: line, from 1; a message: octet */
	const char *field, *reason;
};

/*
 * Reads a layout's text. Returns FK_OK; FK_EFORMAT (an unknown word, a value out of range, a field
 * twice, no payload, a layout that could not be read back); FK_ERANGE (text too large).
 */
FK_MUST_USE enum fk_err fk_isd_layout_parse(const char *text, size_t size,
					    struct fk_isd_layout *ret_layout,
					    struct fk_isd_error *ret_error);

/*
 * Writes a message into 'buf'. A mandatory field that the message has not, a value that the layout
 * has no code or no room for, and a value that the layout has no field for are FK_EINVAL, since
 * they would be lost; FK_EFULL if it does not fit. The payload has at least one octet.
 */
FK_MUST_USE enum fk_err fk_isd_encode(const struct fk_isd_layout *layout,
				      const struct fk_isd_message *message, uint8_t *buf,
				      size_t cap, size_t *ret_size);

/*
 * Reads a message, which has to be the layout's to the last octet. Returns FK_OK; FK_EUNSUPPORTED
 * (another message identity, LMR type or content type); FK_ETRUNC; FK_EFORMAT (a tag is missing, a
 * length is zero or beyond its limit, octets follow).
 */
FK_MUST_USE enum fk_err fk_isd_decode(const struct fk_isd_layout *layout, const uint8_t *octets,
				      size_t size, struct fk_isd_message *ret_message,
				      struct fk_isd_error *ret_error);

/* "TETRA", "P25"; NULL for anything else. */
const char *fk_isd_lmr_type_name(uint8_t lmr_type);
