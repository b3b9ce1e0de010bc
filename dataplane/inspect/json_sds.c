/* SPDX-License-Identifier: Apache-2.0 */
#include "inspect/json_sds.h"

#include <stdio.h>

#include <fleetkey/sds.h>

#include "inspect/json_kmm.h"

/* Payload content types whose value is text. spec: TS 24.282 Table 15.2.13-2 */
enum {
	CONTENT_TEXT = 1,
	CONTENT_HYPERLINKS = 3,
	CONTENT_FILEURL = 4,
};

static json_t *uuid(const uint8_t id[static FK_SDS_ID_SIZE])
{
	char text[37];

	snprintf(text, sizeof(text),
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", id[0],
		 id[1], id[2], id[3], id[4], id[5], id[6], id[7], id[8], id[9], id[10], id[11],
		 id[12], id[13], id[14], id[15]);
	return json_string(text);
}

static void add_value(json_t *json, const char *name, struct fk_sds_value value)
{
	if (value.octets != NULL)
		json_object_set_new(json, name, fk_json_text(value.octets, value.size));
}

static void add_options(json_t *json, const struct fk_sds_options *options)
{
	if (options->has_application_id)
		json_object_set_new(json, "application_id", json_integer(options->application_id));
	if (options->extended_app_id_type != FK_SDS_APP_ID_NONE) {
		json_object_set_new(json, "extended_application_id_content_type",
				    json_integer(options->extended_app_id_type));
		add_value(json, "extended_application_id", options->extended_app_id);
	}
	if (options->user_location.octets != NULL)
		json_object_set_new(
			json, "user_location_hex",
			fk_json_hex(options->user_location.octets, options->user_location.size));
	add_value(json, "sender_mcdata_user_id", options->sender_mcdata_user_id);
	add_value(json, "application_metadata_container", options->application_metadata_container);
}

static json_t *identity(uint64_t date_time_s, const uint8_t *conversation_id,
			const uint8_t *message_id)
{
	return json_pack("{s:I,s:o,s:o}", "date_and_time_s", (json_int_t)date_time_s,
			 "conversation_id", uuid(conversation_id), "message_id", uuid(message_id));
}

json_t *fk_json_sds_signalling(const uint8_t *octets, size_t size, struct fk_sds_error *ret_error)
{
	struct fk_sds_signalling signalling;
	enum fk_err err = fk_sds_decode_signalling(octets, size, &signalling);
	json_t *json;

	if (err != FK_OK) {
		*ret_error = fk_sds_explain(FK_SDS_SIGNALLING_PAYLOAD, octets, size, err);
		return NULL;
	}
	json = identity(signalling.date_time_s, signalling.conversation_id, signalling.message_id);
	if (signalling.has_in_reply_to)
		json_object_set_new(json, "in_reply_to_message_id", uuid(signalling.in_reply_to));
	if (signalling.disposition_request != FK_SDS_REQUEST_NONE)
		json_object_set_new(json, "sds_disposition_request_type",
				    json_integer(signalling.disposition_request));
	add_options(json, &signalling.options);
	return json;
}

json_t *fk_json_sds_notification(const uint8_t *octets, size_t size, struct fk_sds_error *ret_error)
{
	struct fk_sds_notification note;
	enum fk_err err = fk_sds_decode_notification(octets, size, &note);
	json_t *json;

	if (err != FK_OK) {
		*ret_error = fk_sds_explain(FK_SDS_NOTIFICATION, octets, size, err);
		return NULL;
	}
	json = identity(note.date_time_s, note.conversation_id, note.message_id);
	json_object_set_new(json, "sds_disposition_notification_type",
			    json_integer(note.disposition));
	add_options(json, &note.options);
	return json;
}

static json_t *payload(const struct fk_sds_field *field)
{
	uint8_t content_type = field->value[0];
	json_t *json = json_pack("{s:i,s:I}", "payload_content_type", content_type, "payload_size",
				 (json_int_t)field->value_size - 1);

	if (content_type == CONTENT_TEXT || content_type == CONTENT_HYPERLINKS ||
	    content_type == CONTENT_FILEURL)
		json_object_set_new(json, "payload",
				    fk_json_text(field->value + 1, field->value_size - 1));
	return json;
}

json_t *fk_json_sds_data(const uint8_t *octets, size_t size, struct fk_sds_error *ret_error)
{
	const uint8_t *first;
	size_t first_size;
	enum fk_err err = fk_sds_decode_data(octets, size, &first, &first_size);
	struct fk_sds_fields fields = fk_sds_fields(FK_SDS_DATA_PAYLOAD, octets, size);
	struct fk_sds_field field;
	json_t *payloads;

	if (err != FK_OK) {
		*ret_error = fk_sds_explain(FK_SDS_DATA_PAYLOAD, octets, size, err);
		return NULL;
	}
	payloads = json_array();
	while (fk_sds_field_next(&fields, &field))
		if (field.iei == FK_SDS_IEI_PAYLOAD)
			json_array_append_new(payloads, payload(&field));
	return json_pack("{s:i,s:o}", "number_of_payloads", octets[1], "payloads", payloads);
}
