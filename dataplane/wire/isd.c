/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/isd.h"

#include <fleetkey/wire.h>

static enum fk_err fail(struct fk_isd_error *error, enum fk_err err, size_t offset,
			const struct fk_isd_field *field, const char *reason)
{
	static const char *const names[FK_ISD_KINDS] = {
		[FK_ISD_MESSAGE_IDENTITY] = "message_identity",
		[FK_ISD_LMR_TYPE] = "lmr_type",
		[FK_ISD_KMF_URI] = "kmf_uri",
		[FK_ISD_PAYLOAD] = "payload",
	};

	*error = (struct fk_isd_error){
		.offset = offset,
		.field = field != NULL ? names[field->kind] : "message",
		.reason = reason,
	};
	return err;
}

const char *fk_isd_lmr_type_name(uint8_t lmr_type)
{
	switch (lmr_type) {
	case FK_ISD_LMR_TETRA:
		return "TETRA";
	case FK_ISD_LMR_P25:
		return "P25";
	default:
		return NULL;
	}
}

/* Does the message have something for this field? A message identity is the layout's own. */
static bool is_given(const struct fk_isd_field *field, const struct fk_isd_message *message)
{
	switch ((enum fk_isd_kind)field->kind) {
	case FK_ISD_MESSAGE_IDENTITY:
		return true;
	case FK_ISD_LMR_TYPE:
		return message->lmr_type != FK_ISD_LMR_NONE;
	case FK_ISD_KMF_URI:
		return message->kmf_uri_size > 0;
	case FK_ISD_PAYLOAD:
	case FK_ISD_KINDS:
		break;
	}
	return message->payload_size > 0;
}

static size_t length_max(const struct fk_isd_field *field)
{
	return field->length_octets == 0   ? SIZE_MAX
	       : field->length_octets == 1 ? UINT8_MAX
					   : UINT16_MAX;
}

/* Octets of variable size, behind their length. */
static bool put_octets(struct fk_wire_writer *w, const struct fk_isd_field *field,
		       const uint8_t *octets, size_t size)
{
	size_t front = field->has_content_type ? 1 : 0;

	if (size > length_max(field) - front)
		return false;
	fk_wire_put_uint(w, front + size, field->length_octets);
	if (field->has_content_type)
		fk_wire_put_u8(w, field->content_type);
	fk_wire_put_bytes(w, octets, size);
	return true;
}

static void put_value(struct fk_wire_writer *w, const struct fk_isd_field *field, uint32_t value)
{
	fk_wire_put_uint(w, field->value_octets, field->length_octets);
	fk_wire_put_uint(w, value, field->value_octets);
}

static bool put_field(struct fk_wire_writer *w, const struct fk_isd_field *field,
		      const struct fk_isd_message *message)
{
	if (field->has_iei)
		fk_wire_put_u8(w, field->iei);
	switch ((enum fk_isd_kind)field->kind) {
	case FK_ISD_MESSAGE_IDENTITY:
		put_value(w, field, field->value);
		return true;
	case FK_ISD_LMR_TYPE:
		if (message->lmr_type >= FK_ISD_LMR_TYPES || !field->has_code[message->lmr_type])
			return false;
		put_value(w, field, field->codes[message->lmr_type]);
		return true;
	case FK_ISD_KMF_URI:
		return message->kmf_uri_size <= FK_ISD_URI_SIZE_MAX &&
		       put_octets(w, field, message->kmf_uri, message->kmf_uri_size);
	case FK_ISD_PAYLOAD:
	case FK_ISD_KINDS:
		break;
	}
	return put_octets(w, field, message->payload, message->payload_size);
}

enum fk_err fk_isd_encode(const struct fk_isd_layout *layout, const struct fk_isd_message *message,
			  uint8_t *buf, size_t cap, size_t *ret_size)
{
	struct fk_wire_writer w = fk_wire_writer(buf, cap);
	bool has_type = false, has_uri = false;

	for (uint32_t i = 0; i < layout->n_fields; i++) {
		const struct fk_isd_field *field = &layout->fields[i];

		has_type |= field->kind == FK_ISD_LMR_TYPE;
		has_uri |= field->kind == FK_ISD_KMF_URI;
		if (!is_given(field, message)) {
			if (!field->is_optional)
				return FK_EINVAL;
		} else if (!put_field(&w, field, message)) {
			return FK_EINVAL;
		}
	}
	if ((message->lmr_type != FK_ISD_LMR_NONE && !has_type) ||
	    (message->kmf_uri_size > 0 && !has_uri))
		return FK_EINVAL;
	return fk_wire_done(&w, ret_size);
}

/* The size that stands in front of a value, or what is left of the message. */
static size_t get_length(struct fk_wire_reader *r, const struct fk_isd_field *field)
{
	if (field->length_octets == 0)
		return fk_wire_left(r);
	return (size_t)fk_wire_get_uint(r, field->length_octets);
}

/* A number that one of the layout's codes should be. */
static enum fk_err get_value(struct fk_wire_reader *r, const struct fk_isd_field *field,
			     uint32_t *ret_value, struct fk_isd_error *error)
{
	size_t at = fk_wire_offset(r);

	if (field->length_octets > 0 && get_length(r, field) != field->value_octets && !r->failed)
		return fail(error, FK_EFORMAT, at, field, "has another length than the layout's");
	*ret_value = (uint32_t)fk_wire_get_uint(r, field->value_octets);
	return r->failed ? fail(error, FK_ETRUNC, at, field, "is cut off") : FK_OK;
}

static enum fk_err get_octets(struct fk_wire_reader *r, const struct fk_isd_field *field,
			      const uint8_t **ret_octets, size_t *ret_size,
			      struct fk_isd_error *error)
{
	size_t at = fk_wire_offset(r), size = get_length(r, field);
	const uint8_t *octets = fk_wire_get_bytes(r, size);

	if (octets == NULL)
		return fail(error, FK_ETRUNC, at, field, "is cut off");
	if (size <= (field->has_content_type ? 1u : 0u))
		return fail(error, FK_EFORMAT, at, field, "is empty");
	if (field->has_content_type && octets[0] != field->content_type)
		return fail(error, FK_EUNSUPPORTED, at, field, "has another content type");
	*ret_octets = octets + (field->has_content_type ? 1 : 0);
	*ret_size = size - (field->has_content_type ? 1 : 0);
	return FK_OK;
}

static enum fk_err get_lmr_type(struct fk_wire_reader *r, const struct fk_isd_field *field,
				uint8_t *ret_type, struct fk_isd_error *error)
{
	size_t at = fk_wire_offset(r);
	uint32_t code;
	enum fk_err err = get_value(r, field, &code, error);

	if (err != FK_OK)
		return err;
	for (uint8_t type = FK_ISD_LMR_NONE + 1; type < FK_ISD_LMR_TYPES; type++) {
		if (!field->has_code[type] || field->codes[type] != code)
			continue;
		*ret_type = type;
		return FK_OK;
	}
	return fail(error, FK_EUNSUPPORTED, at, field, "is none that the layout has a code for");
}

static enum fk_err get_field(struct fk_wire_reader *r, const struct fk_isd_field *field,
			     struct fk_isd_message *message, struct fk_isd_error *error)
{
	size_t at = fk_wire_offset(r);
	enum fk_err err;
	uint32_t value;

	switch ((enum fk_isd_kind)field->kind) {
	case FK_ISD_MESSAGE_IDENTITY:
		err = get_value(r, field, &value, error);
		if (err == FK_OK && value != field->value)
			err = fail(error, FK_EUNSUPPORTED, at, field, "is another message's");
		return err;
	case FK_ISD_LMR_TYPE:
		return get_lmr_type(r, field, &message->lmr_type, error);
	case FK_ISD_KMF_URI:
		err = get_octets(r, field, &message->kmf_uri, &message->kmf_uri_size, error);
		if (err == FK_OK && message->kmf_uri_size > FK_ISD_URI_SIZE_MAX)
			err = fail(error, FK_EFORMAT, at, field, "is longer than 255 octets");
		return err;
	case FK_ISD_PAYLOAD:
	case FK_ISD_KINDS:
		break;
	}
	return get_octets(r, field, &message->payload, &message->payload_size, error);
}

enum fk_err fk_isd_decode(const struct fk_isd_layout *layout, const uint8_t *octets, size_t size,
			  struct fk_isd_message *ret_message, struct fk_isd_error *ret_error)
{
	struct fk_wire_reader r = fk_wire_reader(octets, size);
	struct fk_isd_message message = {0};

	for (uint32_t i = 0; i < layout->n_fields; i++) {
		const struct fk_isd_field *field = &layout->fields[i];
		enum fk_err err;

		if (field->has_iei) {
			if (fk_wire_left(&r) > 0 && *r.at == field->iei)
				(void)fk_wire_get_u8(&r);
			else if (field->is_optional)
				continue;
			else
				return fail(ret_error, FK_EFORMAT, fk_wire_offset(&r), field,
					    "is missing");
		}
		err = get_field(&r, field, &message, ret_error);
		if (err != FK_OK)
			return err;
	}
	if (fk_wire_left(&r) > 0)
		return fail(ret_error, FK_EFORMAT, fk_wire_offset(&r), NULL,
			    "has octets behind its last field");
	*ret_message = message;
	return FK_OK;
}
