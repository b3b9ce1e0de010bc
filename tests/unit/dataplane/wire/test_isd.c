/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "support.h"
#include "wire/isd.h"

/* spec: 3GPP sheet 6.3: the placeholder profiles, none of which claims to be the standard */
#define ISD_A "message_identity V value=0x01\nlmr_type V tetra=0x01 p25=0x02\npayload LV-E\n"
#define ISD_B                                                             \
	"message_identity V value=0x01\nlmr_type V tetra=0x01 p25=0x02\n" \
	"kmf_uri LV-E\npayload LV-E\n"
#define ISD_C "message_identity V value=1\nlmr_type V p25=2\npayload TLV-E iei=0x78\n"
#define ISD_D                                                                       \
	"# as in TS 24.282\r\nmessage_identity V value=1 # of this message\r\n\r\n" \
	"lmr_type TV iei=0x22 p25=2 tetra=1 optional\r\n"                           \
	"kmf_uri TLV iei=0x7d optional\npayload TLV-E iei=0x78 content_type=2"
#define ISD_REST "lmr_type LV octets=3 p25=0xfffffe\npayload V"

static struct fk_isd_layout layout;
static struct fk_isd_error error;

static enum fk_err parse(const char *text)
{
	char *copy = (char *)exact_copy(text, strlen(text));
	enum fk_err err = fk_isd_layout_parse(copy, strlen(text), &layout, &error);

	free(copy);
	return err;
}

static enum fk_err decode(const void *octets, size_t size, struct fk_isd_message *ret_message)
{
	return fk_isd_decode(&layout, octets, size, ret_message, &error);
}

static struct fk_isd_message example(const uint8_t *payload, size_t size)
{
	return (struct fk_isd_message){
		.lmr_type = FK_ISD_LMR_P25,
		.payload = payload,
		.payload_size = size,
	};
}

/* spec: 3GPP sheet 9.5: 104 octets */
Test(isd, the_worked_example_is_built_octet_for_octet_and_read_back)
{
	uint8_t payload[100] = {0}, buf[200];
	struct fk_isd_message message = example(payload, sizeof(payload)), read;
	size_t size;

	for (uint8_t i = 0; i < 100; i++)
		payload[i] = i;
	cr_assert_eq(parse(ISD_A), FK_OK);
	cr_assert_eq(fk_isd_encode(&layout, &message, buf, sizeof(buf), &size), FK_OK);
	cr_assert_eq(size, 104);
	cr_assert_arr_eq(buf, "\x01\x02\x00\x64", 4);
	cr_assert_arr_eq(buf + 4, payload, 100);
	cr_assert_eq(decode(buf, size, &read), FK_OK);
	cr_assert_eq(read.lmr_type, FK_ISD_LMR_P25);
	cr_assert_str_eq(fk_isd_lmr_type_name(read.lmr_type), "P25");
	cr_assert_eq(read.payload, buf + 4);
	cr_assert_eq(read.payload_size, 100);
	cr_assert_eq(fk_isd_encode(&layout, &message, buf, 103, &size), FK_EFULL);
}

/* spec: 3GPP sheet 9.5: with ISD-B and a URI of 19 octets it grows by 21 */
Test(isd, a_field_more_in_the_layout_is_a_field_more_in_the_message)
{
	static const char uri[] = "sip:kmf@lmr.example";
	uint8_t payload[100] = {0}, buf[200];
	struct fk_isd_message message = example(payload, sizeof(payload)), read;
	size_t size;

	cr_assert_eq(parse(ISD_B), FK_OK);
	cr_assert_eq(fk_isd_encode(&layout, &message, buf, sizeof(buf), &size), FK_EINVAL);
	message.kmf_uri = (const uint8_t *)uri;
	message.kmf_uri_size = strlen(uri);
	cr_assert_eq(fk_isd_encode(&layout, &message, buf, sizeof(buf), &size), FK_OK);
	cr_assert_eq(size, 125);
	cr_assert_eq(decode(buf, size, &read), FK_OK);
	cr_assert_eq(read.kmf_uri_size, 19);
	cr_assert_arr_eq(read.kmf_uri, uri, 19);
	cr_assert_eq(parse(ISD_A), FK_OK);
	cr_assert_eq(fk_isd_encode(&layout, &message, buf, sizeof(buf), &size), FK_EINVAL,
		     "the URI would be lost");
}

/* A message, field by field, under each layout. */
Test(isd, every_format_is_written_as_the_layout_says)
{
	static const uint8_t payload[] = {0xaa, 0xbb}, uri[] = {'u'};
	static const struct {
		const char *layout, *octets;
		size_t size;
		uint8_t lmr_type;
		size_t uri_size;
	} cases[] = {
		{ISD_A, "\x01\x02\x00\x02\xaa\xbb", 6, FK_ISD_LMR_P25, 0},
		{ISD_A, "\x01\x01\x00\x02\xaa\xbb", 6, FK_ISD_LMR_TETRA, 0},
		{ISD_B, "\x01\x02\x00\x01u\x00\x02\xaa\xbb", 9, FK_ISD_LMR_P25, 1},
		{ISD_C, "\x01\x02\x78\x00\x02\xaa\xbb", 7, FK_ISD_LMR_P25, 0},
		{ISD_D, "\x01\x22\x02\x7d\x01u\x78\x00\x03\x02\xaa\xbb", 12, FK_ISD_LMR_P25, 1},
		{ISD_D, "\x01\x7d\x01u\x78\x00\x03\x02\xaa\xbb", 10, FK_ISD_LMR_NONE, 1},
		{ISD_D, "\x01\x78\x00\x03\x02\xaa\xbb", 7, FK_ISD_LMR_NONE, 0},
		{ISD_REST, "\x03\xff\xff\xfe\xaa\xbb", 6, FK_ISD_LMR_P25, 0},
		{"payload LV", "\x02\xaa\xbb", 3, FK_ISD_LMR_NONE, 0},
		{"payload LV content_type=7", "\x03\x07\xaa\xbb", 4, FK_ISD_LMR_NONE, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fk_isd_message message = example(payload, sizeof(payload)), read;
		uint8_t buf[64];
		size_t size;

		message.lmr_type = cases[i].lmr_type;
		message.kmf_uri = uri;
		message.kmf_uri_size = cases[i].uri_size;
		cr_assert_eq(parse(cases[i].layout), FK_OK, "%zu: %s", i, error.reason);
		cr_assert_eq(fk_isd_encode(&layout, &message, buf, sizeof(buf), &size), FK_OK,
			     "%zu", i);
		cr_assert_eq(size, cases[i].size, "%zu: %zu", i, size);
		cr_assert_arr_eq(buf, cases[i].octets, size, "%zu", i);
		cr_assert_eq(decode(buf, size, &read), FK_OK, "%zu: %s", i, error.reason);
		cr_assert_eq(read.lmr_type, message.lmr_type, "%zu", i);
		cr_assert_eq(read.kmf_uri_size, message.kmf_uri_size, "%zu", i);
		cr_assert_eq(read.payload_size, 2, "%zu", i);
		cr_assert_arr_eq(read.payload, payload, 2);
	}
}

Test(isd, a_message_cut_at_any_octet_is_refused)
{
	static const uint8_t octets[] = "\x01\x22\x02\x7d\x01u\x78\x00\x03\x02\xaa\xbb";
	struct fk_isd_message read;

	cr_assert_eq(parse(ISD_D), FK_OK);
	for (size_t n = 0; n < 12; n++) {
		uint8_t *copy = exact_copy(octets, n);

		cr_assert_neq(decode(copy, n, &read), FK_OK, "%zu", n);
		cr_assert_leq(error.offset, n);
		free(copy);
	}
}

Test(isd, a_message_that_is_not_the_layouts_says_where_and_why)
{
	static const struct {
		const char *layout, *octets;
		size_t size;
		enum fk_err err;
		size_t offset;
		const char *field;
	} cases[] = {
		{ISD_A, "\x02\x02\x00\x01x", 5, FK_EUNSUPPORTED, 0, "message_identity"},
		{ISD_A, "\x01\x03\x00\x01x", 5, FK_EUNSUPPORTED, 1, "lmr_type"},
		{ISD_A, "\x01\x02\x00\x00", 4, FK_EFORMAT, 2, "payload"},
		{ISD_A, "\x01\x02\x00\x02x", 5, FK_ETRUNC, 2, "payload"},
		{ISD_A, "\x01\x02\x00\x01xy", 6, FK_EFORMAT, 5, "message"},
		{ISD_A, "\x01", 1, FK_ETRUNC, 1, "lmr_type"},
		{ISD_C, "\x01\x02\x79\x00\x01x", 6, FK_EFORMAT, 2, "payload"},
		{ISD_D, "\x01\x78\x00\x02\x03x", 6, FK_EUNSUPPORTED, 2, "payload"},
		{ISD_D, "\x01\x78\x00\x01\x02", 5, FK_EFORMAT, 2, "payload"},
		{ISD_D, "\x01\x7d\x00\x78\x00\x02\x02x", 8, FK_EFORMAT, 2, "kmf_uri"},
		{ISD_REST, "\x02\xff\xfex", 4, FK_EFORMAT, 0, "lmr_type"},
		{ISD_REST, "\x03\xff\xff\xfe", 4, FK_EFORMAT, 4, "payload"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fk_isd_message read;

		cr_assert_eq(parse(cases[i].layout), FK_OK);
		cr_assert_eq(decode(cases[i].octets, cases[i].size, &read), cases[i].err, "%zu", i);
		cr_assert_eq(error.offset, cases[i].offset, "%zu: %zu", i, error.offset);
		cr_assert_str_eq(error.field, cases[i].field, "%zu", i);
	}
}

Test(isd, values_that_the_layout_has_no_room_or_code_for_are_refused)
{
	static uint8_t octets[65536], buf[70000];
	struct fk_isd_message message = example(octets, 65535), read;
	size_t size;

	cr_assert_eq(parse(ISD_A), FK_OK);
	cr_assert_eq(fk_isd_encode(&layout, &message, buf, sizeof(buf), &size), FK_OK);
	cr_assert_eq(decode(buf, size, &read), FK_OK);
	message.payload_size = 65536;
	cr_assert_eq(fk_isd_encode(&layout, &message, buf, sizeof(buf), &size), FK_EINVAL);
	message.payload_size = 0;
	cr_assert_eq(fk_isd_encode(&layout, &message, buf, sizeof(buf), &size), FK_EINVAL);
	message.payload_size = 1;
	message.lmr_type = FK_ISD_LMR_TYPES;
	cr_assert_eq(fk_isd_encode(&layout, &message, buf, sizeof(buf), &size), FK_EINVAL);
	cr_assert_eq(parse(ISD_C), FK_OK);
	message.lmr_type = FK_ISD_LMR_TETRA;
	cr_assert_eq(fk_isd_encode(&layout, &message, buf, sizeof(buf), &size), FK_EINVAL);
	cr_assert_eq(parse("payload V"), FK_OK);
	cr_assert_eq(fk_isd_encode(&layout, &message, buf, sizeof(buf), &size), FK_EINVAL);
	cr_assert_eq(parse("kmf_uri LV-E\npayload V"), FK_OK);
	message.lmr_type = FK_ISD_LMR_NONE;
	message.kmf_uri = octets;
	message.kmf_uri_size = 255;
	cr_assert_eq(fk_isd_encode(&layout, &message, buf, sizeof(buf), &size), FK_OK);
	message.kmf_uri_size = 256;
	cr_assert_eq(fk_isd_encode(&layout, &message, buf, sizeof(buf), &size), FK_EINVAL);
	buf[0] = 1;
	buf[1] = 0;
	cr_assert_eq(decode(buf, 400, &read), FK_EFORMAT);
	cr_assert_str_eq(error.field, "kmf_uri");
	cr_assert_str_eq(fk_isd_lmr_type_name(FK_ISD_LMR_TETRA), "TETRA");
	cr_assert_null(fk_isd_lmr_type_name(FK_ISD_LMR_NONE));
}

Test(isd, a_layout_that_could_not_be_read_back_is_refused_with_its_line)
{
	static const struct {
		const char *text;
		size_t line;
		const char *field;
	} cases[] = {
		{"", 0, "payload"},
		{"lmr_type V p25=1", 0, "payload"},
		{"payload TLV iei=1 optional", 0, "payload"},
		{"colour V\npayload V", 1, "layout"},
		{"payload", 1, "payload"},
		{"payload LVE", 1, "payload"},
		{"payload V\npayload LV", 2, "payload"},
		{"payload V\nlmr_type V p25=1", 2, "lmr_type"},
		{"lmr_type V\npayload V", 1, "lmr_type"},
		{"lmr_type V p25=256\npayload V", 1, "lmr_type"},
		{"lmr_type V p25=1 tetra=1\npayload V", 1, "lmr_type"},
		{"lmr_type V p25=1 p25=2\npayload V", 1, "lmr_type"},
		{"lmr_type V p25=1 octets=5\npayload V", 1, "lmr_type"},
		{"lmr_type V p25=1 octets=0\npayload V", 1, "lmr_type"},
		{"lmr_type TV p25=1\npayload V", 1, "lmr_type"},
		{"lmr_type TV p25=1 iei=256\npayload V", 1, "lmr_type"},
		{"lmr_type V p25=1 iei=2\npayload V", 1, "lmr_type"},
		{"lmr_type V p25=x\npayload V", 1, "lmr_type"},
		{"lmr_type V p25=0xg\npayload V", 1, "lmr_type"},
		{"lmr_type V p25=0x100000000\npayload V", 1, "lmr_type"},
		{"lmr_type V p25=4294967296\npayload V", 1, "lmr_type"},
		{"lmr_type V p25=1 optional\npayload V", 1, "lmr_type"},
		{"lmr_type V p25=1 often\npayload V", 1, "lmr_type"},
		{"lmr_type V p25=1 colour=1\npayload V", 1, "lmr_type"},
		{"message_identity V\npayload V", 1, "message_identity"},
		{"message_identity V value=256\npayload V", 1, "message_identity"},
		{"message_identity V value=1 p25=1\npayload V", 1, "message_identity"},
		{"message_identity V value=1 tetra=1\npayload V", 1, "message_identity"},
		{"kmf_uri V\npayload V", 1, "kmf_uri"},
		{"payload V content_type=256", 1, "payload"},
		{"kmf_uri TLV iei=1\npayload TLV iei=1", 2, "payload"},
		{"kmf_uri TLV iei=1 optional\npayload LV", 2, "payload"},
	};
	static char large[FK_ISD_LAYOUT_SIZE_MAX + 1];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cr_assert_eq(parse(cases[i].text), FK_EFORMAT, "%s", cases[i].text);
		cr_assert_eq(error.offset, cases[i].line, "%s", cases[i].text);
		cr_assert_str_eq(error.field, cases[i].field, "%s: %s", cases[i].text, error.field);
		cr_assert_not_null(error.reason);
	}
	memset(large, '\n', sizeof(large));
	cr_assert_eq(fk_isd_layout_parse(large, sizeof(large), &layout, &error), FK_ERANGE);
	memcpy(large, "payload V", 9);
	cr_assert_eq(fk_isd_layout_parse(large, sizeof(large) - 1, &layout, &error), FK_OK);
}

/* A seeded walk: what was encoded decodes to itself, and what decodes encodes to itself. */
Test(isd, encoding_and_decoding_undo_each_other)
{
	static const char *const layouts[] = {ISD_A, ISD_B, ISD_C, ISD_D, ISD_REST};
	uint32_t state = 20261127, n_decoded = 0;
	uint8_t octets[64], buf[128], again[128];

	for (uint32_t i = 0; i < 20000; i++) {
		struct fk_isd_message message = {0}, read;
		size_t size, again_size;

		cr_assert_eq(parse(layouts[i % 5]), FK_OK);
		for (size_t k = 0; k < sizeof(octets); k++)
			octets[k] = (uint8_t)next_random(&state);
		message.lmr_type = (uint8_t)(next_random(&state) % FK_ISD_LMR_TYPES);
		message.kmf_uri = octets;
		message.kmf_uri_size = next_random(&state) % 20;
		message.payload = octets + 20;
		message.payload_size = next_random(&state) % 44;
		if (fk_isd_encode(&layout, &message, buf, sizeof(buf), &size) != FK_OK)
			continue;
		cr_assert_eq(decode(buf, size, &read), FK_OK);
		cr_assert_eq(read.lmr_type, message.lmr_type);
		cr_assert_eq(read.kmf_uri_size, message.kmf_uri_size);
		cr_assert_eq(read.payload_size, message.payload_size);
		cr_assert_arr_eq(read.payload, message.payload, read.payload_size);
		/* One octet off: refused, or another message that encodes to these octets. */
		buf[next_random(&state) % size] ^= (uint8_t)(1u << next_random(&state) % 8);
		if (decode(buf, size, &read) != FK_OK)
			continue;
		cr_assert_eq(fk_isd_encode(&layout, &read, again, sizeof(again), &again_size),
			     FK_OK);
		cr_assert_eq(again_size, size);
		cr_assert_arr_eq(again, buf, size);
		n_decoded++;
	}
	cr_assert_gt(n_decoded, 1000);
}
