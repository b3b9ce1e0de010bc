/* SPDX-License-Identifier: Apache-2.0 */
/*
 * isd.h - writes and reads Interworking Security Data, the message of carrier T2, by a layout that
 * is configured: <fleetkey/isd_layout.h> says how, and why there is none built in.
 *
 * Threads: everything here is pure. Memory: views borrow from the message; nothing allocates.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>
#include <fleetkey/isd_layout.h>

#define FK_ISD_URI_SIZE_MAX 255
#define FK_ISD_TYPE	    "application/vnd.3gpp.interworking-data"

struct fk_isd_message {
	uint8_t lmr_type; /* enum fk_isd_lmr_type */
	const uint8_t *kmf_uri;
	size_t kmf_uri_size; /* 0: absent */
	const uint8_t *payload;
	size_t payload_size;
};

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
