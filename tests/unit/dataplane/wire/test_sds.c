/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <fleetkey/sds.h>

#include "support.h"

#define APP_ID "sip:kmf@lmr.mc.example"

/* The worked example of 3GPP sheet 9.1. */
static const uint8_t conversation_id[FK_SDS_ID_SIZE] = {
	0x3f, 0x1d, 0x2c, 0x4b, 0x5a, 0x69, 0x47, 0x88,
	0x9b, 0x0c, 0x1d, 0x2e, 0x3f, 0x40, 0x51, 0x62,
};
static const uint8_t message_id[FK_SDS_ID_SIZE] = {
	0xa0, 0xb1, 0xc2, 0xd3, 0xe4, 0xf5, 0x46, 0x07,
	0x88, 0x19, 0x2a, 0x3b, 0x4c, 0x5d, 0x6e, 0x7f,
};
static const uint8_t signalling_example[65] = {
	0x01, 0x00, 0x65, 0x53, 0xf1, 0x00, 0x3f, 0x1d, 0x2c, 0x4b, 0x5a, 0x69, 0x47,
	0x88, 0x9b, 0x0c, 0x1d, 0x2e, 0x3f, 0x40, 0x51, 0x62, 0xa0, 0xb1, 0xc2, 0xd3,
	0xe4, 0xf5, 0x46, 0x07, 0x88, 0x19, 0x2a, 0x3b, 0x4c, 0x5d, 0x6e, 0x7f, 0x81,
	0x7d, 0x00, 0x17, 0x02, 0x73, 0x69, 0x70, 0x3a, 0x6b, 0x6d, 0x66, 0x40, 0x6c,
	0x6d, 0x72, 0x2e, 0x6d, 0x63, 0x2e, 0x65, 0x78, 0x61, 0x6d, 0x70, 0x6c, 0x65,
};
static const uint8_t notification_example[39] = {
	0x05, 0x02, 0x00, 0x65, 0x53, 0xf1, 0x00, 0x3f, 0x1d, 0x2c, 0x4b, 0x5a, 0x69,
	0x47, 0x88, 0x9b, 0x0c, 0x1d, 0x2e, 0x3f, 0x40, 0x51, 0x62, 0xa0, 0xb1, 0xc2,
	0xd3, 0xe4, 0xf5, 0x46, 0x07, 0x88, 0x19, 0x2a, 0x3b, 0x4c, 0x5d, 0x6e, 0x7f,
};

static struct fk_sds_signalling example(void)
{
	struct fk_sds_signalling s = {
		.date_time_s = 1700000000,
		.disposition_request = FK_SDS_REQUEST_DELIVERY,
		.options.extended_app_id_type = FK_SDS_APP_ID_URI,
		.options.extended_app_id = {(const uint8_t *)APP_ID, sizeof(APP_ID) - 1},
	};

	memcpy(s.conversation_id, conversation_id, sizeof(conversation_id));
	memcpy(s.message_id, message_id, sizeof(message_id));
	return s;
}

/* spec: 3GPP sheet 9.1 */
Test(sds, the_signalling_example_is_built_octet_for_octet)
{
	struct fk_sds_signalling s = example();
	uint8_t buf[100];
	size_t size;

	cr_assert_eq(fk_sds_encode_signalling(&s, buf, sizeof(buf), &size), FK_OK);
	cr_assert_eq(size, 65);
	cr_assert_arr_eq(buf, signalling_example, size);
}

Test(sds, the_signalling_example_is_read_back)
{
	uint8_t *octets = exact_copy(signalling_example, sizeof(signalling_example));
	struct fk_sds_signalling s;

	cr_assert_eq(fk_sds_decode_signalling(octets, sizeof(signalling_example), &s), FK_OK);
	cr_assert_eq(s.date_time_s, 1700000000);
	cr_assert_arr_eq(s.conversation_id, conversation_id, FK_SDS_ID_SIZE);
	cr_assert_arr_eq(s.message_id, message_id, FK_SDS_ID_SIZE);
	cr_assert_not(s.has_in_reply_to);
	cr_assert_eq(s.disposition_request, FK_SDS_REQUEST_DELIVERY);
	cr_assert_eq(s.options.extended_app_id_type, FK_SDS_APP_ID_URI);
	cr_assert_eq(s.options.extended_app_id.size, sizeof(APP_ID) - 1);
	cr_assert_arr_eq(s.options.extended_app_id.octets, APP_ID, sizeof(APP_ID) - 1);
	free(octets);
}

Test(sds, without_options_a_signalling_payload_has_38_octets)
{
	struct fk_sds_signalling s = {.date_time_s = 1};
	uint8_t buf[FK_SDS_SIGNALLING_SIZE_MIN];
	size_t size;

	cr_assert_eq(fk_sds_encode_signalling(&s, buf, sizeof(buf), &size), FK_OK);
	cr_assert_eq(size, FK_SDS_SIGNALLING_SIZE_MIN);
	cr_assert_eq(fk_sds_encode_signalling(&s, buf, sizeof(buf) - 1, &size), FK_EFULL);
}

Test(sds, optional_elements_are_written_in_table_order)
{
	struct fk_sds_signalling s = example();
	uint8_t buf[100];
	size_t size;

	s.has_in_reply_to = true;
	memset(s.in_reply_to, 0x5a, sizeof(s.in_reply_to));
	s.options.has_application_id = true;
	s.options.application_id = 1;
	s.options.user_location = (struct fk_sds_value){s.in_reply_to, 0};
	s.options.sender_mcdata_user_id = (struct fk_sds_value){(const uint8_t *)"s", 1};
	s.options.application_metadata_container = (struct fk_sds_value){(const uint8_t *)"m", 1};
	cr_assert_eq(fk_sds_encode_signalling(&s, buf, sizeof(buf), &size), FK_OK);
	cr_assert_eq(size, 65 + 17 + 2 + 3 + 4 + 4);
	cr_assert_eq(buf[38], 0x21);
	cr_assert_arr_eq(buf + 55, "\x22\x01\x81\x7d", 4);
	cr_assert_arr_eq(buf + size - 11, "\x7e\0\0\x51\0\1s\x53\0\1m", 11);
}

static void expect_value(struct fk_sds_value value, const char *octets, size_t size)
{
	cr_assert_not_null(value.octets);
	cr_assert_eq(value.size, size);
	cr_assert_arr_eq(value.octets, octets, size);
}

Test(sds, optional_elements_are_read_in_any_order_and_unknown_ones_are_skipped)
{
	static const uint8_t options[] = {
		0x7d, 0x00, 0x03, 0x01, 'h',  'i', /* TEXT "hi" */
		0x90,				   /* one octet, type 1 */
		0x51, 0x00, 0x02, 0x21, 0x21,	   /* sender, two octets */
		0x22, 0x01,			   /* Application ID */
		0x7e, 0x00, 0x00,		   /* location, empty */
		0x31, 0x02, 0x21, 0x82,		   /* unknown, TLV */
		0x82,				   /* READ */
		0x21, 1,    2,	  3,	4,    5,   6,	 7,    8,    9,	  10,
		11,   12,   13,	  14,	15,   16,  0x53, 0x00, 0x01, 'x',
	};
	uint8_t octets[38 + sizeof(options)];
	struct fk_sds_signalling s;

	memcpy(octets, signalling_example, 38);
	memcpy(octets + 38, options, sizeof(options));
	cr_assert_eq(fk_sds_decode_signalling(octets, sizeof(octets), &s), FK_OK);
	cr_assert_eq(s.options.extended_app_id_type, FK_SDS_APP_ID_TEXT);
	cr_assert_eq(s.options.extended_app_id.size, 2);
	cr_assert_eq(s.disposition_request, FK_SDS_REQUEST_READ);
	cr_assert(s.has_in_reply_to);
	cr_assert_eq(s.in_reply_to[0], 1);
	cr_assert_eq(s.in_reply_to[15], 16);
	cr_assert(s.options.has_application_id && s.options.application_id == 1);
	expect_value(s.options.user_location, "", 0);
	expect_value(s.options.sender_mcdata_user_id, "!!", 2);
	expect_value(s.options.application_metadata_container, "x", 1);
}

Test(sds, of_a_repeated_element_the_first_counts_and_reserved_values_count_as_absent)
{
	static const uint8_t options[] = {
		0x8f, 0x81, 0x83, 0x7d, 0x00, 0x02, 0x09, 'z', 0x7d, 0x00, 0x02, 0x01, 'a',
		0x22, 0x01, 0x22, 0x02, 0x51, 0x00, 0x01, 'b', 0x51, 0x00, 0x01, 'c',
	};
	uint8_t octets[38 + sizeof(options)];
	struct fk_sds_signalling s;

	memcpy(octets, signalling_example, 38);
	memcpy(octets + 38, options, sizeof(options));
	cr_assert_eq(fk_sds_decode_signalling(octets, sizeof(octets), &s), FK_OK);
	cr_assert_eq(s.disposition_request, FK_SDS_REQUEST_DELIVERY);
	cr_assert_eq(s.options.extended_app_id_type, FK_SDS_APP_ID_TEXT);
	cr_assert_eq(s.options.extended_app_id.octets[0], 'a');
	cr_assert_eq(s.options.application_id, 1);
	expect_value(s.options.sender_mcdata_user_id, "b", 1);
}

Test(sds, a_signalling_payload_cut_inside_a_field_is_truncated)
{
	for (size_t size = 0; size < sizeof(signalling_example); size++) {
		uint8_t *octets = exact_copy(signalling_example, size);
		struct fk_sds_signalling s = {.date_time_s = 4711};
		enum fk_err err = fk_sds_decode_signalling(octets, size, &s);

		/* Behind the mandatory part and behind each option the message is whole. */
		cr_assert_eq(err, size == 38 || size == 39 ? FK_OK : FK_ETRUNC, "%zu", size);
		if (err != FK_OK)
			cr_assert_eq(s.date_time_s, 4711);
		free(octets);
	}
}

Test(sds, a_length_that_runs_past_the_input_is_truncated)
{
	uint8_t octets[65];
	struct fk_sds_signalling s;

	memcpy(octets, signalling_example, sizeof(octets));
	octets[40] = 0xff;
	cr_assert_eq(fk_sds_decode_signalling(octets, sizeof(octets), &s), FK_ETRUNC);
	octets[40] = 0;
	octets[41] = 0x18;
	cr_assert_eq(fk_sds_decode_signalling(octets, sizeof(octets), &s), FK_ETRUNC);
}

Test(sds, other_messages_and_protected_ones_are_told_apart)
{
	struct fk_sds_notification n;
	struct fk_sds_signalling s;
	const uint8_t *payload;
	uint8_t octets[65];
	size_t size;

	memcpy(octets, signalling_example, sizeof(octets));
	cr_assert_eq(fk_sds_decode_data(octets, sizeof(octets), &payload, &size), FK_EINVAL);
	cr_assert_eq(fk_sds_decode_notification(octets, sizeof(octets), &n), FK_EINVAL);
	octets[0] = 0x41;
	cr_assert_eq(fk_sds_decode_signalling(octets, sizeof(octets), &s), FK_EUNSUPPORTED);
	octets[0] = 0x81;
	cr_assert_eq(fk_sds_decode_signalling(octets, sizeof(octets), &s), FK_EUNSUPPORTED);
	octets[0] = 0x43; /* protected DATA PAYLOAD */
	cr_assert_eq(fk_sds_decode_data(octets, sizeof(octets), &payload, &size), FK_EUNSUPPORTED);
	octets[0] = 0x45;
	cr_assert_eq(fk_sds_decode_notification(octets, sizeof(octets), &n), FK_EUNSUPPORTED);
}

Test(sds, values_that_do_not_fit_are_refused)
{
	struct fk_sds_notification n = {.disposition = FK_SDS_DELIVERED};
	struct fk_sds_signalling s = example();
	uint8_t buf[100];
	size_t size = 4711;

	s.date_time_s = UINT64_C(1) << 40;
	cr_assert_eq(fk_sds_encode_signalling(&s, buf, sizeof(buf), &size), FK_EINVAL);
	s = example();
	s.disposition_request = 4;
	cr_assert_eq(fk_sds_encode_signalling(&s, buf, sizeof(buf), &size), FK_EINVAL);
	s = example();
	s.options.extended_app_id_type = 3;
	cr_assert_eq(fk_sds_encode_signalling(&s, buf, sizeof(buf), &size), FK_EINVAL);
	s = example();
	s.options.extended_app_id.size = 65535;
	cr_assert_eq(fk_sds_encode_signalling(&s, buf, sizeof(buf), &size), FK_EINVAL);
	n.date_time_s = UINT64_C(1) << 40;
	cr_assert_eq(fk_sds_encode_notification(&n, buf, sizeof(buf), &size), FK_EINVAL);
	n.date_time_s = 0;
	n.options.extended_app_id_type = 3;
	cr_assert_eq(fk_sds_encode_notification(&n, buf, sizeof(buf), &size), FK_EINVAL);
	n.options.extended_app_id_type = FK_SDS_APP_ID_NONE;
	n.disposition = 0;
	cr_assert_eq(fk_sds_encode_notification(&n, buf, sizeof(buf), &size), FK_EINVAL);
	n.disposition = 6;
	cr_assert_eq(fk_sds_encode_notification(&n, buf, sizeof(buf), &size), FK_EINVAL);
	cr_assert_eq(fk_sds_encode_data(FK_SDS_CONTENT_BINARY, buf, 65535, buf, 0, &size),
		     FK_EINVAL);
	cr_assert_eq(size, 4711);
}

/* spec: 3GPP sheet 9.1: 106 octets around a key message of 100 */
Test(sds, the_data_example_is_built_and_read)
{
	static const uint8_t head[FK_SDS_DATA_OVERHEAD] = {0x03, 0x01, 0x78, 0x00, 0x65, 0x02};
	uint8_t payload[100], buf[106];
	const uint8_t *found;
	size_t size;

	for (uint8_t i = 0; i < sizeof(payload); i++)
		payload[i] = i;
	cr_assert_eq(fk_sds_encode_data(FK_SDS_CONTENT_BINARY, payload, sizeof(payload), buf,
					sizeof(buf), &size),
		     FK_OK);
	cr_assert_eq(size, 106);
	cr_assert_arr_eq(buf, head, sizeof(head));
	cr_assert_arr_eq(buf + sizeof(head), payload, sizeof(payload));
	cr_assert_eq(fk_sds_decode_data(buf, sizeof(buf), &found, &size), FK_OK);
	cr_assert_eq(found, buf + sizeof(head));
	cr_assert_eq(size, 100);
	cr_assert_eq(fk_sds_encode_data(FK_SDS_CONTENT_BINARY, payload, sizeof(payload), buf,
					sizeof(buf) - 1, &size),
		     FK_EFULL);
	for (size_t cut = 0; cut < sizeof(buf); cut++) {
		uint8_t *octets = exact_copy(buf, cut);
		enum fk_err err = fk_sds_decode_data(octets, cut, &found, &size);

		/* Cut before the payload, the number of payloads is what does not hold. */
		cr_assert_eq(err, cut == 2 ? FK_EFORMAT : FK_ETRUNC, "%zu", cut);
		free(octets);
	}
}

Test(sds, the_first_binary_payload_is_found_among_others)
{
	static const uint8_t octets[] = {0x03, 0x03, 0x78, 0x00, 0x03, 0x01, 'h',  'i',	 0x78,
					 0x00, 0x02, 0x02, 0xaa, 0x78, 0x00, 0x02, 0x02, 0xbb};
	const uint8_t *found;
	size_t size;

	cr_assert_eq(fk_sds_decode_data(octets, sizeof(octets), &found, &size), FK_OK);
	cr_assert_eq(size, 1);
	cr_assert_eq(*found, 0xaa);
}

Test(sds, data_without_a_binary_payload_is_told_from_malformed_data)
{
	static const uint8_t only_text[] = {0x03, 0x01, 0x78, 0x00, 0x02, 0x01, 'h'};
	static const uint8_t none[] = {0x03, 0x00};
	static const uint8_t fewer[] = {0x03, 0x02, 0x78, 0x00, 0x02, 0x02, 'h'};
	static const uint8_t more[] = {0x03, 0x00, 0x78, 0x00, 0x02, 0x02, 'h'};
	static const uint8_t no_type[] = {0x03, 0x01, 0x78, 0x00, 0x00};
	static const uint8_t sealed[] = {0x03, 0x01, 0x7a, 0x00, 0x01, 0x00};
	const uint8_t *found;
	size_t size;

	cr_assert_eq(fk_sds_decode_data(only_text, sizeof(only_text), &found, &size), FK_ENOTFOUND);
	cr_assert_eq(fk_sds_decode_data(none, sizeof(none), &found, &size), FK_ENOTFOUND);
	cr_assert_eq(fk_sds_decode_data(fewer, sizeof(fewer), &found, &size), FK_EFORMAT);
	cr_assert_eq(fk_sds_decode_data(more, sizeof(more), &found, &size), FK_EFORMAT);
	cr_assert_eq(fk_sds_decode_data(no_type, sizeof(no_type), &found, &size), FK_EFORMAT);
	cr_assert_eq(fk_sds_decode_data(sealed, sizeof(sealed), &found, &size), FK_EUNSUPPORTED);
}

/* spec: 3GPP sheet 9.1 */
Test(sds, the_notification_example_is_built_and_read)
{
	struct fk_sds_notification n = {.disposition = FK_SDS_DELIVERED, .date_time_s = 1700000000};
	struct fk_sds_notification decoded;
	uint8_t buf[FK_SDS_NOTIFICATION_SIZE_MIN];
	size_t size;

	memcpy(n.conversation_id, conversation_id, sizeof(conversation_id));
	memcpy(n.message_id, message_id, sizeof(message_id));
	cr_assert_eq(fk_sds_encode_notification(&n, buf, sizeof(buf), &size), FK_OK);
	cr_assert_eq(size, 39);
	cr_assert_arr_eq(buf, notification_example, size);
	cr_assert_eq(fk_sds_decode_notification(buf, size, &decoded), FK_OK);
	cr_assert_eq(decoded.disposition, FK_SDS_DELIVERED);
	cr_assert_eq(decoded.date_time_s, 1700000000);
	cr_assert_arr_eq(decoded.conversation_id, conversation_id, FK_SDS_ID_SIZE);
	cr_assert_arr_eq(decoded.message_id, message_id, FK_SDS_ID_SIZE);
}

Test(sds, a_notification_may_carry_options_but_not_half_of_one)
{
	uint8_t octets[39 + 5];
	struct fk_sds_notification n;

	memcpy(octets, notification_example, 39);
	memcpy(octets + 39, "\x22\x01\x53\x00\x00", 5);
	cr_assert_eq(fk_sds_decode_notification(octets, sizeof(octets), &n), FK_OK);
	cr_assert(n.options.has_application_id && n.options.application_id == 1);
	expect_value(n.options.application_metadata_container, "", 0);
	cr_assert_null(n.options.sender_mcdata_user_id.octets);
	cr_assert_null(n.options.user_location.octets);
	cr_assert_eq(n.options.extended_app_id_type, FK_SDS_APP_ID_NONE);
	for (size_t size = 0; size < sizeof(octets); size++) {
		uint8_t *cut = exact_copy(octets, size);

		cr_assert_eq(fk_sds_decode_notification(cut, size, &n),
			     size == 39 || size == 41 ? FK_OK : FK_ETRUNC, "%zu", size);
		free(cut);
	}
	octets[1] = 6; /* no such disposition */
	cr_assert_eq(fk_sds_decode_notification(octets, sizeof(octets), &n), FK_EFORMAT);
}
