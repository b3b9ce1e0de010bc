/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include <fleetkey/sds.h>

#include "inspect/sds_fields.h"

static void expect_explained(uint8_t type, const char *octets, size_t size, enum fk_err err,
			     size_t offset, const char *field)
{
	struct fk_sds_error error = fk_sds_explain(type, (const uint8_t *)octets, size, err);

	cr_assert_str_eq(error.field, field);
	cr_assert_eq(error.offset, offset, "%s %zu", field, error.offset);
	cr_assert_gt(strlen(error.reason), 0);
}

/* spec: TS 24.282 Table 15.1.2.1-1 */
Test(sds_fields, a_cut_is_told_at_the_field_that_it_cuts)
{
	const struct fk_sds_signalling all = {
		.has_in_reply_to = true,
		.disposition_request = FK_SDS_REQUEST_DELIVERY,
		.options = {.has_application_id = true,
			    .extended_app_id_type = FK_SDS_APP_ID_TEXT,
			    .extended_app_id = {(const uint8_t *)"app", 3},
			    .user_location = {(const uint8_t *)"\x12\xab", 2},
			    .sender_mcdata_user_id = {(const uint8_t *)"sip:s@x", 7},
			    .application_metadata_container = {(const uint8_t *)"meta", 4}},
	};
	static const struct {
		const char *name;
		size_t offset;
	} fields[] = {
		{"message_type", 0},
		{"date_and_time_s", 1},
		{"conversation_id", 6},
		{"message_id", 22},
		{"in_reply_to_message_id", 38},
		{"application_id", 55},
		{"sds_disposition_request_type", 57},
		{"extended_application_id", 58},
		{"user_location", 65},
		{"sender_mcdata_user_id", 70},
		{"application_metadata_container", 80},
		{NULL, 87},
	};
	struct fk_sds_signalling decoded;
	uint8_t octets[100];
	size_t size, i = 0;

	cr_assert_eq(fk_sds_encode_signalling(&all, octets, sizeof(octets), &size), FK_OK);
	cr_assert_eq(size, 87);
	for (size_t cut = 0; cut < size; cut++) {
		enum fk_err err = fk_sds_decode_signalling(octets, cut, &decoded);

		if (cut == fields[i + 1].offset)
			i++;
		if (cut == fields[i].offset && cut >= FK_SDS_SIGNALLING_SIZE_MIN)
			cr_assert_eq(err, FK_OK, "%zu", cut); /* between two elements */
		else
			expect_explained(FK_SDS_SIGNALLING_PAYLOAD, (const char *)octets, cut, err,
					 fields[i].offset, fields[i].name);
	}
}

/* spec: 3GPP sheet 4.2 */
Test(sds_fields, an_element_is_stepped_over_as_the_decoder_does)
{
	for (int iei = 1; iei < 0x100; iei++) {
		uint8_t octets[30] = {FK_SDS_DATA_PAYLOAD, 0, (uint8_t)iei};

		for (size_t size = 3; size <= sizeof(octets); size++) {
			struct fk_sds_fields fields =
				fk_sds_fields(FK_SDS_DATA_PAYLOAD, octets, size);
			struct fk_sds_field field = {0};
			const uint8_t *payload;
			size_t payload_size;
			bool is_cut;

			while (fk_sds_field_next(&fields, &field))
				;
			is_cut = fk_sds_decode_data(octets, size, &payload, &payload_size) ==
				 FK_ETRUNC;
			if (iei != FK_SDS_IEI_PAYLOAD && iei != FK_SDS_IEI_SECURITY_PARAMETERS)
				cr_assert_eq(field.is_cut, is_cut, "%02x %zu", (unsigned)iei, size);
		}
	}
}

Test(sds_fields, what_else_is_wrong_is_told_at_its_field)
{
	expect_explained(FK_SDS_DATA_PAYLOAD, "\x01", 1, FK_EINVAL, 0, "message_type");
	expect_explained(FK_SDS_DATA_PAYLOAD, "\x43", 1, FK_EUNSUPPORTED, 0, "message_type");
	expect_explained(FK_SDS_DATA_PAYLOAD, "\x03\x00\x90\x7a\x00\x00", 6, FK_EUNSUPPORTED, 3,
			 "security_parameters_and_payload");
	expect_explained(FK_SDS_DATA_PAYLOAD, "\x03\x02\x78\x00\x01\x02\x78\x00\x00", 9, FK_EFORMAT,
			 6, "payload");
	expect_explained(FK_SDS_DATA_PAYLOAD, "\x03\x02\x78\x00\x01\x02", 6, FK_EFORMAT, 1,
			 "number_of_payloads");
	expect_explained(FK_SDS_DATA_PAYLOAD, "\x03\x01\x78\x00\x01\x01", 6, FK_ENOTFOUND, 1,
			 "number_of_payloads");
	expect_explained(FK_SDS_NOTIFICATION, "\x05\x09", 2, FK_EFORMAT, 1,
			 "sds_disposition_notification_type");
	expect_explained(FK_SDS_NOTIFICATION, "\x05\x01\x00", 3, FK_ETRUNC, 2, "date_and_time_s");
}
