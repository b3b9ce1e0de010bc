/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sds_fields.h - walks through the fields of an SDS body, to say where each one stands.
 *
 * sds.h judges the bodies and gives what the dataplane needs; this is for telling all the payloads
 * of one, and where one is wrong. spec: TS 24.282 clause 15, 3GPP sheet section 4
 *
 * Threads: everything here is pure. Memory: borrows the body; nothing allocates.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>
#include <fleetkey/wire.h>

#define FK_SDS_IEI_PAYLOAD	       0x78
#define FK_SDS_IEI_SECURITY_PARAMETERS 0x7a

struct fk_sds_field {
	const char *name; /* as in the JSON */
	uint8_t iei;	  /* 0: one of the mandatory ones */
	size_t offset;	  /* octets into the body */
	bool is_cut;	  /* goes beyond the end: the last one, without a value */
	const uint8_t *value;
	size_t value_size;
};

struct fk_sds_fields {
	struct fk_wire_reader reader;
	const struct fk_sds_mandatory *mandatory; /* those still to come */
};

struct fk_sds_error {
	size_t offset; /* octets into the body */
	const char *field, *reason;
};

/* Of a body of this message type, FK_SDS_SIGNALLING_PAYLOAD, _DATA_PAYLOAD or _NOTIFICATION. */
struct fk_sds_fields fk_sds_fields(uint8_t message_type, const uint8_t *octets, size_t size);

/* False at the end, and behind a field that is cut. */
bool fk_sds_field_next(struct fk_sds_fields *fields, struct fk_sds_field *ret_field);

/* What is wrong with a body that the decoder of this message type refuses with 'err'. */
struct fk_sds_error fk_sds_explain(uint8_t message_type, const uint8_t *octets, size_t size,
				   enum fk_err err);
