/* SPDX-License-Identifier: Apache-2.0 */
#include "inspect/sds_fields.h"

#include <fleetkey/sds.h>

#define DATE_TIME_SIZE 5 /* octets */
#define TYPE_FLAGS     0xc0

struct fk_sds_mandatory {
	const char *name; /* NULL: the end */
	size_t size;
};

/* spec: TS 24.282 Table 15.1.2.1-1 */
static const struct fk_sds_mandatory signalling[] = {
	{"message_type", 1},
	{"date_and_time_s", DATE_TIME_SIZE},
	{"conversation_id", FK_SDS_ID_SIZE},
	{"message_id", FK_SDS_ID_SIZE},
	{NULL, 0},
};

/* spec: TS 24.282 Table 15.1.4.1-1 */
static const struct fk_sds_mandatory data[] = {
	{"message_type", 1},
	{"number_of_payloads", 1},
	{NULL, 0},
};

/* spec: TS 24.282 §15.1.5 */
static const struct fk_sds_mandatory notification[] = {
	{"message_type", 1},
	{"sds_disposition_notification_type", 1},
	{"date_and_time_s", DATE_TIME_SIZE},
	{"conversation_id", FK_SDS_ID_SIZE},
	{"message_id", FK_SDS_ID_SIZE},
	{NULL, 0},
};

/* How the size of an element's value is known. */
enum format {
	TV,    /* it is fixed */
	TLV,   /* one octet says it */
	TLV_E, /* two octets say it */
};

struct element {
	uint8_t iei, last; /* a range of IEIs */
	enum format format;
	size_t size; /* of a TV's value */
	const char *name;
};

/* The first that fits counts. spec: 3GPP sheet 4.2; for the others TS 24.007 §11.2.4 */
static const struct element elements[] = {
	{0x80, 0x8f, TV, 0, "sds_disposition_request_type"},
	{0x90, 0xff, TV, 0, "information_element"},
	{0x21, 0x21, TV, FK_SDS_ID_SIZE, "in_reply_to_message_id"},
	{0x22, 0x22, TV, 1, "application_id"},
	{0x51, 0x51, TLV_E, 0, "sender_mcdata_user_id"},
	{0x53, 0x53, TLV_E, 0, "application_metadata_container"},
	{FK_SDS_IEI_PAYLOAD, FK_SDS_IEI_PAYLOAD, TLV_E, 0, "payload"},
	{FK_SDS_IEI_SECURITY_PARAMETERS, FK_SDS_IEI_SECURITY_PARAMETERS, TLV_E, 0,
	 "security_parameters_and_payload"},
	{0x7d, 0x7d, TLV_E, 0, "extended_application_id"},
	{0x7e, 0x7e, TLV_E, 0, "user_location"},
	{0x52, 0x52, TLV_E, 0, "information_element"},
	{0x78, 0x7f, TLV_E, 0, "information_element"},
	{0x00, 0xff, TLV, 0, "information_element"},
};

static const struct element *find_element(uint8_t iei)
{
	const struct element *e = elements;

	while (iei < e->iei || iei > e->last)
		e++;
	return e;
}

struct fk_sds_fields fk_sds_fields(uint8_t message_type, const uint8_t *octets, size_t size)
{
	return (struct fk_sds_fields){
		.reader = fk_wire_reader(octets, size),
		.mandatory = message_type == FK_SDS_DATA_PAYLOAD   ? data
			     : message_type == FK_SDS_NOTIFICATION ? notification
								   : signalling,
	};
}

static void read_element(struct fk_wire_reader *r, struct fk_sds_field *field)
{
	const struct element *e;

	field->iei = fk_wire_get_u8(r);
	e = find_element(field->iei);
	field->name = e->name;
	field->value_size = e->format == TV    ? e->size
			    : e->format == TLV ? fk_wire_get_u8(r)
					       : fk_wire_get_u16(r);
	field->value = fk_wire_get_bytes(r, field->value_size);
}

bool fk_sds_field_next(struct fk_sds_fields *fields, struct fk_sds_field *ret_field)
{
	struct fk_wire_reader *r = &fields->reader;
	struct fk_sds_field field = {.offset = fk_wire_offset(r)};

	if (r->failed || (fields->mandatory->name == NULL && fk_wire_left(r) == 0))
		return false;
	if (fields->mandatory->name != NULL) {
		field.name = fields->mandatory->name;
		field.value_size = fields->mandatory->size;
		field.value = fk_wire_get_bytes(r, field.value_size);
		fields->mandatory++;
	} else {
		read_element(r, &field);
	}
	field.is_cut = r->failed;
	*ret_field = field;
	return true;
}

/* The first field that is cut, if 'iei' is 0, or the first such element without a value, if
 * 'is_empty', or at all. */
static bool find(uint8_t message_type, const uint8_t *octets, size_t size, uint8_t iei,
		 bool is_empty, struct fk_sds_field *ret_field)
{
	struct fk_sds_fields fields = fk_sds_fields(message_type, octets, size);

	while (fk_sds_field_next(&fields, ret_field))
		if (iei == 0 ? ret_field->is_cut
			     : ret_field->iei == iei && (!is_empty || ret_field->value_size == 0))
			return true;
	return false;
}

struct fk_sds_error fk_sds_explain(uint8_t message_type, const uint8_t *octets, size_t size,
				   enum fk_err err)
{
	struct fk_sds_field f;

	switch (err) {
	case FK_ETRUNC:
		if (find(message_type, octets, size, 0, false, &f))
			return (struct fk_sds_error){f.offset, f.name,
						     "goes beyond the end of the message"};
		break;
	case FK_EUNSUPPORTED:
		if ((octets[0] & TYPE_FLAGS) == 0 &&
		    find(message_type, octets, size, FK_SDS_IEI_SECURITY_PARAMETERS, false, &f))
			return (struct fk_sds_error){f.offset, f.name, "is protected"};
		return (struct fk_sds_error){0, "message_type", "is protected or signed"};
	case FK_EFORMAT:
		if (message_type == FK_SDS_NOTIFICATION)
			return (struct fk_sds_error){1, "sds_disposition_notification_type",
						     "is a reserved value"};
		if (find(message_type, octets, size, FK_SDS_IEI_PAYLOAD, true, &f))
			return (struct fk_sds_error){f.offset, f.name, "has no content type"};
		return (struct fk_sds_error){1, "number_of_payloads",
					     "is not the number of payloads"};
	case FK_ENOTFOUND:
		return (struct fk_sds_error){1, "number_of_payloads",
					     "counts no payload of content type BINARY"};
	default:
		break;
	}
	return (struct fk_sds_error){0, "message_type", "is of another message"};
}
