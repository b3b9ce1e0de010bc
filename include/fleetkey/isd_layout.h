/* SPDX-License-Identifier: Apache-2.0 */
/*
 * isd_layout.h - how Interworking Security Data, the message of carrier T2, is laid out.
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
 * Control refuses a bad text at start and hands a good one on as it is, in the key table; each side
 * reads it with the same function.
 *
 * Threads: everything here is pure. Memory: nothing allocates.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>

#define FK_ISD_FIELDS_MAX      4    /* one of each kind */
#define FK_ISD_LAYOUT_SIZE_MAX 4096 /* octets of a layout's text */

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

/* Where and why a layout or a message is refused. */
struct fk_isd_error {
	size_t offset; /* a layout: line, from 1, or 0; a message: octet */
	const char *field, *reason;
};

/*
 * Reads a layout's text. Returns FK_OK; FK_EFORMAT (an unknown word, a value out of range, a field
 * twice, no payload, a layout that could not be read back); FK_ERANGE (text too large).
 */
FK_MUST_USE enum fk_err fk_isd_layout_parse(const char *text, size_t size,
					    struct fk_isd_layout *ret_layout,
					    struct fk_isd_error *ret_error);

/* The layout's field of that kind, or NULL. */
static inline const struct fk_isd_field *fk_isd_layout_find(const struct fk_isd_layout *layout,
							    enum fk_isd_kind kind)
{
	for (uint32_t i = 0; i < layout->n_fields; i++) {
		if (layout->fields[i].kind == kind)
			return &layout->fields[i];
	}
	return NULL;
}

/* The most octets of a payload that its length can tell. Every layout has a payload. */
static inline uint16_t fk_isd_payload_max(const struct fk_isd_layout *layout)
{
	const struct fk_isd_field *payload = fk_isd_layout_find(layout, FK_ISD_PAYLOAD);

	return (uint16_t)((payload->length_octets == 1 ? UINT8_MAX : UINT16_MAX) -
			  payload->has_content_type);
}
