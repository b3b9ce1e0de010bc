/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include <fleetkey/sds.h>

#include "fixture.h"
#include "inspect/datagram.h"

#define INFO                                                                                 \
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?><mcdatainfo "                             \
	"xmlns=\"urn:3gpp:ns:mcdataInfo:1.0\">"                                              \
	"<mcdata-Params><request-type>one-to-one-sds</request-type>"                         \
	"<mcdata-calling-user-id type=\"Normal\"><mcdataURI>sip:ue7@example.org</mcdataURI>" \
	"</mcdata-calling-user-id></mcdata-Params></mcdatainfo>"

static const uint8_t zeroize[10] = {0x21, 0, 7, 0x80, 0, 0, 1, 0x98, 0x96, 0x7f};

static uint8_t datagram[2048];
static size_t datagram_size, kmm_offset;

static void put(const void *octets, size_t size)
{
	cr_assert_leq(datagram_size + size, sizeof(datagram));
	memcpy(datagram + datagram_size, octets, size);
	datagram_size += size;
}

static void put_text(const char *text)
{
	put(text, strlen(text));
}

/* With lines of the header, or "". */
static void begin_with(const char *lines)
{
	datagram_size = 0;
	put_text("MESSAGE sip:kmf@example.org SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 192.0.2.20;branch=z9hG4bKabc\r\n"
		 "From: <sip:ue7@example.org>;tag=1\r\nTo: <sip:kmf@example.org>\r\n"
		 "Call-ID: call-1\r\nCSeq: 7 MESSAGE\r\n");
	put_text(lines);
	put_text("Content-Type: multipart/mixed;boundary=b\r\n\r\n");
}

static void begin(void)
{
	begin_with("");
}

static void begin_part(const char *kind)
{
	put_text("--b\r\nContent-Type: application/vnd.3gpp.mcdata-");
	put_text(kind);
	put_text("\r\n\r\n");
}

static void put_info(void)
{
	begin_part("info+xml");
	put_text(INFO "\r\n");
}

static void put_signalling(void)
{
	const struct fk_sds_signalling signalling = {
		.date_time_s = 1700000000,
		.conversation_id = {0x11},
		.message_id = {0x22},
		.has_in_reply_to = true,
		.in_reply_to = {0x33},
		.disposition_request = FK_SDS_REQUEST_DELIVERY,
		.options = {.has_application_id = true,
			    .application_id = 1,
			    .extended_app_id_type = FK_SDS_APP_ID_TEXT,
			    .extended_app_id = {(const uint8_t *)"app", 3},
			    .user_location = {(const uint8_t *)"\x12\xab", 2},
			    .sender_mcdata_user_id = {(const uint8_t *)"sip:s@x", 7},
			    .application_metadata_container = {(const uint8_t *)"meta", 4}},
	};
	uint8_t octets[100];
	size_t size;

	cr_assert_eq(fk_sds_encode_signalling(&signalling, octets, sizeof(octets), &size), FK_OK);
	begin_part("signalling");
	put(octets, size);
	put_text("\r\n");
}

static void put_payload(const uint8_t *kmm, size_t kmm_size)
{
	uint8_t octets[600];
	size_t size;

	cr_assert_eq(fk_sds_encode_data(FK_SDS_CONTENT_BINARY, kmm, kmm_size, octets,
					sizeof(octets), &size),
		     FK_OK);
	begin_part("payload");
	kmm_offset = datagram_size + size - kmm_size;
	put(octets, size);
	put_text("\r\n");
}

static void inspect(void)
{
	put_text("--b--\r\n");
	json_decref(json);
	json = fk_json_datagram(&options, datagram, datagram_size, &is_ok);
	cr_assert_not_null(json);
}

static const json_t *payload_at(size_t index)
{
	return json_array_get(json_object_get(json_object_get(json, "data_payload"), "payloads"),
			      index);
}

static json_int_t payload_number(size_t index, const char *name)
{
	return json_integer_value(json_object_get(payload_at(index), name));
}

/* Whom the KMM in this object is for. */
static json_int_t rsi_in(const json_t *object)
{
	return json_integer_value(
		json_object_get(json_object_get(object, "kmm"), "destination_rsi"));
}

/* Where this stands in the datagram. */
static size_t place_of(const char *text)
{
	const uint8_t *at = memmem(datagram, datagram_size, text, strlen(text));

	cr_assert_not_null(at, "%s", text);
	return (size_t)(at - datagram);
}

TestSuite(datagram, .init = set_up, .fini = tear_down);

Test(datagram, every_layer_is_taken_apart)
{
	begin();
	put_info();
	put_signalling();
	put_payload(zeroize, sizeof(zeroize));
	inspect();
	cr_assert(is_ok);
	cr_assert_str_eq(text_at("sip", "start_line"), "MESSAGE sip:kmf@example.org SIP/2.0");
	cr_assert_str_eq(text_at("sip", "call_id"), "call-1");
	cr_assert_str_eq(text_at("sip", "via_branch"), "z9hG4bKabc");
	cr_assert_eq(json_array_size(json_object_get(json, "parts")), 3);
	cr_assert_str_eq(text_at("mcdata_info", "mcdata_calling_user_id"), "sip:ue7@example.org");
	cr_assert_eq(number_at("sds_signalling_payload", "date_and_time_s"), 1700000000);
	cr_assert_str_eq(text_at("sds_signalling_payload", "message_id"),
			 "22000000-0000-0000-0000-000000000000");
	cr_assert_str_eq(text_at("sds_signalling_payload", "in_reply_to_message_id"),
			 "33000000-0000-0000-0000-000000000000");
	cr_assert_eq(number_at("sds_signalling_payload", "application_id"), 1);
	cr_assert_eq(number_at("sds_signalling_payload", "extended_application_id_content_type"),
		     FK_SDS_APP_ID_TEXT);
	cr_assert_str_eq(text_at("sds_signalling_payload", "extended_application_id"), "app");
	cr_assert_str_eq(text_at("sds_signalling_payload", "user_location_hex"), "12ab");
	cr_assert_str_eq(text_at("sds_signalling_payload", "sender_mcdata_user_id"), "sip:s@x");
	cr_assert_str_eq(text_at("sds_signalling_payload", "application_metadata_container"),
			 "meta");
	cr_assert_eq(number_at("data_payload", "number_of_payloads"), 1);
	cr_assert_eq(payload_number(0, "payload_content_type"), FK_SDS_CONTENT_BINARY);
	cr_assert_eq(payload_number(0, "payload_size"), 10);
	cr_assert_str_eq(text_at("kmm", "message_name"), "Zeroize-Command");
}

Test(datagram, a_part_in_base64_is_decoded)
{
	begin();
	put_text("--b\r\nContent-Type: application/vnd.3gpp.mcdata-payload\r\n"
		 "Content-Transfer-Encoding: base64\r\n\r\n"
		 "AwF4AAsCIQAHgAAAAZiWfw==\r\n");
	inspect();
	cr_assert(is_ok);
	cr_assert_str_eq(text_at("kmm", "message_name"), "Zeroize-Command");
}

Test(datagram, an_error_in_a_part_in_base64_stands_at_the_letters_of_the_octet)
{
	static const char text[] = "AwF4\r\n AAsCIQAHwAAAAZiWfw=="; /* response_kind is C0 */

	for (int i = 0; i < 2; i++) {
		begin();
		if (i == 1)
			put_info();
		put_text("--b\r\nContent-Type: application/vnd.3gpp.mcdata-payload\r\n"
			 "Content-Transfer-Encoding: base64\r\n\r\n");
		kmm_offset = datagram_size;
		put_text(text);
		put_text("\r\n");
		inspect();
		cr_assert_not(is_ok);
		cr_assert_str_eq(text_at("error", "field"), "response_kind");
		/* Octet 9 of the part begins at its letter 12, behind three octets of space. */
		cr_assert_eq(number_at("error", "offset"), (json_int_t)kmm_offset + 15);
		cr_assert_eq(datagram[kmm_offset + 15], 'w');
	}
}

Test(datagram, of_parts_of_one_kind_the_last_has_the_name_and_the_others_stand_beside_it)
{
	static const uint8_t second[10] = {0x21, 0, 7, 0x80, 0, 0, 2, 0x98, 0x96, 0x7f};
	static const uint8_t third[10] = {0x21, 0, 7, 0x80, 0, 0, 3, 0x98, 0x96, 0x7f};
	const json_t *also;

	begin();
	put_payload(zeroize, sizeof(zeroize));
	put_payload(second, sizeof(second));
	put_payload(third, sizeof(third));
	inspect();
	cr_assert(is_ok);
	cr_assert_eq(rsi_in(json), 3);
	also = json_object_get(json, "also");
	cr_assert_eq(json_array_size(also), 4); /* two of data_payload, two of kmm */
	cr_assert_eq(rsi_in(json_array_get(also, 1)), 1);
	cr_assert_eq(rsi_in(json_array_get(also, 3)), 2);
}

Test(datagram, the_last_part_of_a_kind_has_the_name_also_if_it_cannot_be_read)
{
	begin();
	put_payload(zeroize, sizeof(zeroize));
	begin_part("payload");
	put_text("\x03\r\n");
	inspect();
	cr_assert_not(is_ok);
	cr_assert_str_eq(text_at("error", "field"), "number_of_payloads");
	cr_assert_null(json_object_get(json, "kmm"));
	cr_assert_eq(rsi_in(json_array_get(json_object_get(json, "also"), 1)), 1);
}

Test(datagram, of_the_payloads_of_one_part_the_first_binary_one_has_the_name_and_all_are_shown)
{
	const json_t *also;

	begin();
	begin_part("payload");
	put("\x03\x03\x78\x00\x03\x01hi\x78\x00\x0b\x02", 12);
	put(zeroize, sizeof(zeroize));
	put("\x78\x00\x0b\x02", 4);
	put(zeroize, 6);
	put("\x09", 1); /* for RSI 9 */
	put(zeroize + 7, 3);
	put_text("\r\n");
	inspect();
	cr_assert(is_ok);
	cr_assert_eq(number_at("data_payload", "number_of_payloads"), 3);
	cr_assert_eq(payload_number(0, "payload_content_type"), 1);
	cr_assert_str_eq(json_string_value(json_object_get(payload_at(0), "payload")), "hi");
	for (size_t i = 1; i < 3; i++) {
		cr_assert_eq(payload_number(i, "payload_content_type"), FK_SDS_CONTENT_BINARY);
		cr_assert_eq(payload_number(i, "payload_size"), 10);
		cr_assert_null(json_object_get(payload_at(i), "payload"));
	}
	cr_assert_eq(rsi_in(json), 1);
	also = json_object_get(json, "also");
	cr_assert_eq(json_array_size(also), 1);
	cr_assert_eq(rsi_in(json_array_get(also, 0)), 9);
}

Test(datagram, an_error_in_any_payload_is_told)
{
	begin();
	begin_part("payload");
	put("\x03\x02\x78\x00\x0b\x02", 6);
	put(zeroize, sizeof(zeroize));
	put("\x78\x00\x0b\x02", 4);
	kmm_offset = datagram_size;
	put(zeroize, 3);
	put("\xc0", 1);
	put(zeroize + 4, 6);
	put_text("\r\n");
	inspect();
	expect_error(kmm_offset + 3, "response_kind");
	cr_assert_eq(rsi_in(json), 1);
}

Test(datagram, more_parts_than_fleetkey_takes_are_an_error)
{
	for (uint32_t n = 8; n <= 9; n++) {
		begin();
		for (uint32_t i = 1; i < n; i++)
			put_text("--b\r\nContent-Type: text/plain\r\n\r\nx\r\n");
		put_text("--b\r\nContent-Type: text/plain\r\n\r\nlast\r\n");
		inspect();
		cr_assert_eq(json_array_size(json_object_get(json, "parts")), n);
		if (n == 8)
			cr_assert(is_ok);
		else
			expect_error(place_of("last"), "body");
	}
}

/* A part that is a multipart with a KMM and, if 'more' is not empty, more. */
static void put_nested(const char *head, const char *more)
{
	put_text("--b\r\n");
	put_text(head);
	put_text("--in\r\nContent-Type: application/vnd.3gpp.mcdata-payload\r\n\r\n");
	put("\x03\x01\x78\x00\x0b\x02", 6);
	put(zeroize, sizeof(zeroize));
	put_text(more);
	put_text("\r\n--in--\r\n");
}

/* In its own part: Fleetkey would see none. */
static void expect_nested_kmm(void)
{
	cr_assert_null(json_object_get(json, "kmm"));
	cr_assert_eq(rsi_in(json_array_get(json_object_get(json, "parts"), 0)), 1);
}

Test(datagram, a_nested_multipart_is_opened_once)
{
	static const char *const heads[] = {
		"Content-Type: multipart/mixed;boundary=in\r\n\r\n",
		"Content-Type: multipart/mixed;\r\n boundary=\"in\"\r\nX: y\r\n\r\n",
	};

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		begin();
		put_nested(heads[i], "");
		inspect();
		cr_assert(is_ok, "%zu", i);
		expect_nested_kmm();
		begin();
		put_nested(heads[i], "\r\n--in\r\nContent-Type: multipart/mixed;boundary=z\r\n\r\n"
				     "--z--");
		inspect();
		expect_error(
			(size_t)((uint8_t *)memmem(datagram, datagram_size, "--z--", 5) - datagram),
			"multipart");
		expect_nested_kmm();
	}
}

Test(datagram, a_nested_multipart_that_cannot_be_opened_is_an_error)
{
	static const char *const heads[] = {
		"Content-Type: multipart/related;boundary=in\r\n\r\n",
		"Content-Type: multipart/mixed;boundary=in\r\n"
		"Content-Transfer-Encoding: base64\r\n\r\n",
	};
	static const char *const fields[] = {"content_type", "content_transfer_encoding"};
	static const char *const places[] = {"multipart/related", "--in\r\n"};

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		begin();
		put_nested(heads[i], "");
		inspect();
		expect_error((size_t)((uint8_t *)memmem(datagram, datagram_size, places[i],
							strlen(places[i])) -
				      datagram),
			     fields[i]);
		cr_assert_null(json_object_get(json, "kmm"));
	}
}

/* spec: RFC 3261 §20.12 */
Test(datagram, an_encoded_body_is_an_error_and_is_not_read)
{
	static const char *const lines[] = {"Content-Encoding: gzip\r\n", "e: gzip\r\n"};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		begin_with(lines[i]);
		put_payload(zeroize, sizeof(zeroize));
		inspect();
		expect_error(
			(size_t)((uint8_t *)memmem(datagram, datagram_size, "gzip", 4) - datagram),
			"content_encoding");
		cr_assert_str_eq(text_at("sip", "content_encoding"), "gzip");
		cr_assert_null(json_object_get(json, "kmm"));
	}
	begin_with("Content-Encoding: Identity\r\n");
	put_payload(zeroize, sizeof(zeroize));
	inspect();
	cr_assert(is_ok);
	cr_assert_str_eq(text_at("kmm", "message_name"), "Zeroize-Command");
}

Test(datagram, what_a_request_requires_is_shown)
{
	begin_with("Require: 100rel, gin\r\n");
	put_info();
	inspect();
	cr_assert(is_ok);
	cr_assert_str_eq(text_at("sip", "require"), "100rel, gin");
}

Test(datagram, a_first_line_that_ends_in_a_bare_lf_is_told_and_is_sip)
{
	static const char text[] = "MESSAGE sip:a@b SIP/2.0\nVia: x\n\n";
	const uint8_t *octets = (const uint8_t *)text;

	cr_assert(fk_datagram_is_sip(octets, strlen(text)));
	cr_assert_not(fk_datagram_is_sip((const uint8_t *)"GET / HTTP/1.1\n", 15));
	json = fk_json_datagram(&options, octets, strlen(text), &is_ok);
	cr_assert_not(is_ok);
	cr_assert_eq(number_at("error", "offset"), 23);
	cr_assert_str_eq(text_at("error", "reason"), "ends in a bare LF, not in CRLF");
}

Test(datagram, the_entries_of_resource_lists_are_shown_and_one_with_a_dtd_is_an_error)
{
	const json_t *uris;

	begin();
	put_text("--b\r\nContent-Type: application/resource-lists+xml\r\n\r\n"
		 "<resource-lists xmlns=\"urn:ietf:params:xml:ns:resource-lists\"><list>"
		 "<entry uri=\"sip:ue7@example.org\"/><list><entry uri=\"sip:ue8@x?a&amp;b\"/>"
		 "</list></list></resource-lists>\r\n");
	inspect();
	cr_assert(is_ok);
	cr_assert_eq(number_at("resource_lists", "n_entries"), 2);
	uris = json_object_get(json_object_get(json, "resource_lists"), "entry_uris");
	cr_assert_eq(json_array_size(uris), 2);
	cr_assert_str_eq(json_string_value(json_array_get(uris, 0)), "sip:ue7@example.org");
	cr_assert_str_eq(json_string_value(json_array_get(uris, 1)), "sip:ue8@x?a&b");
	begin();
	put_text("--b\r\nContent-Type: application/resource-lists+xml\r\n\r\n"
		 "<!DOCTYPE resource-lists><resource-lists/>\r\n");
	inspect();
	cr_assert_not(is_ok);
	cr_assert_str_eq(text_at("error", "field"), "resource_lists");
}

Test(datagram, a_notification_is_told_from_a_signalling_payload)
{
	const struct fk_sds_notification note = {
		.disposition = FK_SDS_DELIVERED, .date_time_s = 5, .message_id = {0x44}};
	uint8_t octets[100];
	size_t size;

	cr_assert_eq(fk_sds_encode_notification(&note, octets, sizeof(octets), &size), FK_OK);
	begin();
	begin_part("signalling");
	put(octets, size);
	put_text("\r\n");
	inspect();
	cr_assert(is_ok);
	cr_assert_eq(number_at("sds_notification", "sds_disposition_notification_type"),
		     FK_SDS_DELIVERED);
	cr_assert_null(json_object_get(json, "sds_signalling_payload"));
}

Test(datagram, an_error_in_the_message_stands_at_its_place_in_the_datagram)
{
	uint8_t bad[sizeof(zeroize)];

	memcpy(bad, zeroize, sizeof(bad));
	bad[3] = 0xc0;
	begin();
	put_info();
	put_payload(bad, sizeof(bad));
	inspect();
	cr_assert_not(is_ok);
	cr_assert_str_eq(text_at("error", "field"), "response_kind");
	cr_assert_eq(number_at("error", "offset"), (json_int_t)kmm_offset + 3);
	cr_assert_str_eq(text_at("mcdata_info", "request_type"), "one-to-one-sds");
	cr_assert_null(json_object_get(json, "kmm"));
}

Test(datagram, a_protected_payload_is_an_error_of_its_own)
{
	begin();
	begin_part("payload");
	put("\x43\x01\x02\x03", 4);
	put_text("\r\n");
	inspect();
	cr_assert_not(is_ok);
	cr_assert_str_eq(text_at("error", "field"), "message_type");
	cr_assert_str_eq(text_at("error", "reason"), "is protected or signed");
}

Test(datagram, a_document_type_is_an_error_of_its_own_and_so_is_a_document_too_large)
{
	begin();
	begin_part("info+xml");
	put_text("<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>\r\n");
	inspect();
	cr_assert_not(is_ok);
	cr_assert_str_eq(text_at("error", "field"), "mcdata_info");
	cr_assert_str_eq(text_at("error", "reason"),
			 "has a document type, an entity of its own, or encrypted content");
	begin();
	begin_part("info+xml");
	put_text("<mcdatainfo xmlns=\"urn:3gpp:ns:mcdataInfo:1.0\">");
	for (uint32_t i = 0; i < 20; i++)
		put_text("<a>");
	put_text("\r\n");
	inspect();
	cr_assert_not(is_ok);
	cr_assert_str_eq(text_at("error", "reason"),
			 "is too large or too deep, or has a value that is too long");
}

Test(datagram, only_the_first_error_is_told)
{
	begin();
	begin_part("info+xml");
	put_text("no xml\r\n");
	begin_part("payload");
	put("\x03", 1);
	put_text("\r\n");
	inspect();
	cr_assert_not(is_ok);
	cr_assert_str_eq(text_at("error", "field"), "mcdata_info");
}

Test(datagram, what_is_not_sip_is_an_error_and_a_response_is_not)
{
	static const char response[] =
		"SIP/2.0 202 Accepted\r\nVia: SIP/2.0/UDP 192.0.2.20;branch=z9hG4bK1\r\n"
		"From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: x\r\n"
		"CSeq: 1 MESSAGE\r\nContent-Length: 0\r\n\r\n";

	json = fk_json_datagram(&options, (const uint8_t *)"not sip at all", 14, &is_ok);
	cr_assert_not(is_ok);
	cr_assert_str_eq(text_at("error", "field"), "start_line");
	json_decref(json);
	json = fk_json_datagram(&options, (const uint8_t *)response, sizeof(response) - 1, &is_ok);
	cr_assert(is_ok);
	cr_assert_eq(number_at("sip", "status"), 202);
	cr_assert_null(json_object_get(json, "parts"));
}

static void inspect_text(const char *text)
{
	datagram_size = 0;
	put_text(text);
	json_decref(json);
	json = fk_json_datagram(&options, datagram, datagram_size, &is_ok);
}

#define RESPONSE                                                                               \
	"SIP/2.0 503 Unavailable\r\nVia: SIP/2.0/UDP 192.0.2.20;branch=z9hG4bK1, SIP/2.0/UDP " \
	"h\r\n"                                                                                \
	"v: SIP/2.0/UDP i\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: x\r\n"   \
	"CSeq: 1 MESSAGE\r\n"

/* spec: RFC 3261 §20.33, §20.43 */
Test(datagram, why_and_for_how_long_a_response_refuses_is_shown_and_so_is_its_way_back)
{
	const json_t *warnings, *vias;

	inspect_text(RESPONSE "Warning: 399 x \"141 user unknown\"\r\nRetry-After: 30 (busy)\r\n"
			      "Warning: 301 y \"z\"\r\n\r\n");
	cr_assert(is_ok);
	cr_assert_str_eq(text_at("sip", "retry_after"), "30 (busy)");
	cr_assert_eq(number_at("sip", "warning_code"), 141);
	warnings = json_object_get(json_object_get(json, "sip"), "warnings");
	cr_assert_eq(json_array_size(warnings), 2);
	cr_assert_str_eq(json_string_value(json_array_get(warnings, 0)),
			 "399 x \"141 user unknown\"");
	cr_assert_str_eq(json_string_value(json_array_get(warnings, 1)), "301 y \"z\"");
	vias = json_object_get(json_object_get(json, "sip"), "vias");
	cr_assert_eq(json_array_size(vias), 3);
	cr_assert_str_eq(json_string_value(json_array_get(vias, 2)), "SIP/2.0/UDP i");
	inspect_text(RESPONSE "\r\n");
	cr_assert(is_ok);
	cr_assert_null(json_object_get(json_object_get(json, "sip"), "warnings"));
	cr_assert_null(json_object_get(json_object_get(json, "sip"), "retry_after"));
}

/* spec: RFC 3261 §18.3 */
Test(datagram, octets_behind_the_content_length_are_counted)
{
	inspect_text(RESPONSE "Content-Length: 0\r\n\r\nrest");
	cr_assert(is_ok);
	cr_assert_eq(number_at("sip", "body_size"), 0);
	cr_assert_eq(number_at("sip", "trailing_octets"), 4);
	inspect_text(RESPONSE "Content-Length: 0\r\n\r\n");
	cr_assert_null(json_object_get(json_object_get(json, "sip"), "trailing_octets"));
}

/* spec: RFC 3261 §7.5 */
Test(datagram, the_start_line_is_the_one_behind_empty_lines)
{
	static const char *const wrong[] = {
		"\r\n\r\nMESSAGE  sip:a@b SIP/2.0\r\n\r\n",
		"\r\n\r\nnot sip at all\r\n",
	};

	inspect_text("\r\n\r\n" RESPONSE "\r\n");
	cr_assert(is_ok);
	cr_assert_str_eq(text_at("sip", "start_line"), "SIP/2.0 503 Unavailable");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		inspect_text(wrong[i]);
		expect_error(4, "start_line");
	}
	inspect_text("\r\nMESSAGE sip:a@b SIP/2.0\nVia: x\n\n");
	expect_error(25, "start_line");
}

Test(datagram, text_that_is_not_utf8_is_told_from_text_of_hexadecimal_digits)
{
	inspect_text(RESPONSE "Subject: x\r\nRequire: fffe\r\nContent-Type: \xff\xfe\r\n\r\n");
	cr_assert_str_eq(text_at("sip", "require"), "fffe");
	cr_assert_str_eq(
		json_string_value(json_object_get(
			json_object_get(json_object_get(json, "sip"), "content_type"), "hex")),
		"fffe");
}

Test(datagram, an_error_in_an_sds_body_stands_at_its_field)
{
	begin();
	begin_part("payload");
	kmm_offset = datagram_size;
	put("\x03\x01\x78\x00\x0b\x02zz", 8);
	put_text("\r\n");
	inspect();
	expect_error(kmm_offset + 2, "payload");
}

Test(datagram, an_error_in_the_header_names_its_line)
{
	static const struct {
		const char *text, *field;
		const char *line; /* where the error is */
	} cases[] = {
		{"MESSAGE  sip:a@b SIP/2.0\r\n", "start_line", "MESSAGE"},
		{"CSeq: x MESSAGE\r\n", "cseq", "CSeq: x"},
		{"Max-Forwards: 999\r\n", "max_forwards", "Max-Forwards"},
		{"l: -1\r\n", "l", "l: -1"},
		{"no colon\r\n", "header", "no colon"},
		{"\xff\xff: x\r\n", "header", "\xff\xff"},
		{"Subject: a\nb\r\n", "subject", "Subject"},
		{"Content-Length: 99\r\n\r\n", "content_length", "Content-Length"},
		{"l : 99\r\n\r\nbody", "header", "l : 99"},
		{"CSeq: 1 OPTIONS\r\n", "cseq", "CSeq"},
		{"", "header", NULL}, /* CSeq is missing: behind what is there */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[512];
		int size = snprintf(text, sizeof(text),
				    "%sVia: SIP/2.0/UDP h;branch=b\r\nFrom: <sip:a>\r\n"
				    "To: <sip:b>\r\nCall-ID: c\r\n%s%s\r\n",
				    i == 0 ? cases[i].text : "MESSAGE sip:a@b SIP/2.0\r\n",
				    strncmp(cases[i].text, "CS", 2) == 0 || cases[i].line == NULL
					    ? ""
					    : "CSeq: 1 MESSAGE\r\n",
				    i == 0 ? "" : cases[i].text);
		const char *line = cases[i].line != NULL ? strstr(text, cases[i].line)
							 : strstr(text, "\r\n\r\n") + 4;

		json_decref(json);
		json = fk_json_datagram(&options, (const uint8_t *)text, (size_t)size, &is_ok);
		cr_assert_not(is_ok, "%zu", i);
		cr_assert_str_eq(text_at("error", "field"), cases[i].field);
		cr_assert_eq(number_at("error", "offset"), line - text, "%zu", i);
	}
}

Test(datagram, a_datagram_cut_at_any_octet_of_its_body_is_refused)
{
	size_t body_offset;

	begin();
	put_info();
	put_signalling();
	put_payload(zeroize, sizeof(zeroize));
	inspect();
	cr_assert(is_ok);
	body_offset =
		(size_t)((uint8_t *)memmem(datagram, datagram_size, "\r\n\r\n", 4) - datagram) + 4;
	for (size_t size = 0; size < datagram_size - 8; size++) {
		uint8_t *octets = malloc(size > 0 ? size : 1);

		memcpy(octets, datagram, size);
		json_decref(json);
		json = fk_json_datagram(&options, octets, size, &is_ok);
		/* A header alone is whole. */
		cr_assert_eq(is_ok, size == body_offset, "%zu", size);
		free(octets);
	}
}

/* spec: 3GPP sheet 6.1, 9.5 */
Test(datagram, interworking_security_data_is_read_in_the_layout_given)
{
	static const char text[] = "message_identity V value=1\nlmr_type V p25=2 tetra=1\n"
				   "payload LV-E\n";
	const uint8_t p25[] = {1, 2, 0, sizeof(zeroize)}, tetra[] = {1, 1, 0, 2, 0xff, 0xff};
	static struct fk_isd_layout layout; /* the options keep it */
	struct fk_isd_error error;

	cr_assert_eq(fk_isd_layout_parse(text, strlen(text), &layout, &error), FK_OK);
	for (int i = 0; i < 3; i++) {
		begin();
		put_text("--b\r\nContent-Type: application/vnd.3gpp.mcptt-info+xml\r\n\r\n"
			 "<mcpttinfo xmlns=\"urn:3gpp:ns:mcpttInfo:1.0\"><mcptt-Params>"
			 "<session-type>prearranged</session-type><mcptt-request-uri "
			 "type=\"Normal\"><mcpttURI>sip:ue7@mcptt.example"
			 "</mcpttURI></mcptt-request-uri></mcptt-Params></mcpttinfo>\r\n"
			 "--b\r\nContent-Type: application/vnd.3gpp.interworking-data\r\n\r\n");
		if (i == 2) {
			put(tetra, sizeof(tetra));
		} else {
			put(p25, sizeof(p25));
			put(zeroize, sizeof(zeroize));
		}
		put_text("\r\n--b--\r\n");
		options.isd_layout = i == 0 ? NULL : &layout;
		json = fk_json_datagram(&options, datagram, datagram_size, &is_ok);
		cr_assert_eq(is_ok, i > 0);
		cr_assert_str_eq(text_at("mcptt_info", "mcptt_request_uri"),
				 "sip:ue7@mcptt.example");
		cr_assert_str_eq(text_at("mcptt_info", "session_type"), "prearranged");
		if (i == 0)
			cr_assert_str_eq(text_at("error", "reason"), "needs --isd-layout");
		else
			cr_assert_str_eq(text_at("interworking_security_data", "lmr_type"),
					 i == 1 ? "P25" : "TETRA");
		cr_assert_eq(json_object_get(json, "kmm") != NULL, i == 1);
		json_decref(json);
	}
}
