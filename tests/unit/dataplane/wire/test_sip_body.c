/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "support.h"
#include "wire/sip.h"

#define PARTS_MAX 4

static uint8_t *body;
static struct fk_sip_part parts[PARTS_MAX];
static uint32_t n_parts;

static enum fk_err split_octets(const char *content_type, const void *octets, size_t size)
{
	struct fk_sip_message message = {
		.content_type = {.at = content_type, .len = (uint32_t)strlen(content_type)},
		.body_size = (uint32_t)size,
	};

	free(body);
	body = exact_copy(octets, size);
	message.body = body;
	n_parts = 4711;
	return fk_sip_split_body(&message, parts, PARTS_MAX, &n_parts);
}

static enum fk_err split(const char *content_type, const char *text)
{
	return split_octets(content_type, text, strlen(text));
}

static void tear_down(void)
{
	free(body);
}

TestSuite(sip_body, .fini = tear_down);

static void expect_part(uint32_t i, const char *type, const void *octets, size_t size)
{
	cr_assert_lt(i, n_parts);
	cr_assert_eq(parts[i].content_type.len, strlen(type), "%.*s",
		     (int)parts[i].content_type.len, parts[i].content_type.at);
	cr_assert(fk_view_is(parts[i].content_type, type));
	cr_assert_eq(parts[i].size, size, "%u", parts[i].size);
	if (size > 0)
		cr_assert_arr_eq(parts[i].octets, octets, size);
}

#define TWO_PARTS                                               \
	"--k\r\nContent-Type:application/a+xml\r\n\r\n<a/>\r\n" \
	"--k\r\nContent-Type: application/b;charset=x\r\n\r\nbbb\r\n--k--"

Test(sip_body, parts_come_out_with_their_types_and_octets)
{
	cr_assert_eq(split("multipart/mixed;boundary=k", TWO_PARTS), FK_OK);
	cr_assert_eq(n_parts, 2);
	expect_part(0, "application/a+xml", "<a/>", 4);
	expect_part(1, "application/b", "bbb", 3);
	cr_assert_not(parts[1].is_base64);
}

Test(sip_body, a_body_cut_at_any_octet_has_a_part_without_end)
{
	size_t size = strlen(TWO_PARTS);

	for (size_t cut = 0; cut < size; cut++)
		cr_assert_eq(split_octets("multipart/mixed;boundary=k", TWO_PARTS, cut), FK_EFORMAT,
			     "%zu", cut);
}

Test(sip_body, the_boundary_may_be_quoted_escaped_or_follow_other_parameters)
{
	static const char text[] = "--a'b:\"c\r\n\r\nx\r\n--a'b:\"c--\r\n";

	cr_assert_eq(
		split("multipart/mixed ; x=\"boundary=z;\" ;\r\n Boundary = \"a'b:\\\"c\"", text),
		FK_OK);
	cr_assert_eq(n_parts, 1);
	expect_part(0, "", "x", 1);
	cr_assert_eq(split("Multipart / MIXED;boundary=k", TWO_PARTS), FK_OK);
}

Test(sip_body, preamble_epilogue_and_padding_are_not_content)
{
	cr_assert_eq(split("multipart/mixed;boundary=k",
			   "This is a preamble --k\r\nmore\r\n--k \t\r\nContent-Type: a/b\r\n\r\nx"
			   "\r\n--k-- \r\nan epilogue\r\n--k\r\n"),
		     FK_OK);
	cr_assert_eq(n_parts, 1);
	expect_part(0, "a/b", "x", 1);
}

/* spec: RFC 4475 §3.1.1.11: a part with NUL and with what looks like a boundary */
Test(sip_body, binary_parts_may_hold_nul_and_lookalikes)
{
	static const char content[] = "\0--k\0\r\n--kx\r\n--k-\n--k\r\r\n-\xff\n--k--";
	char text[200];
	size_t size = sizeof(content) - 1;

	memcpy(text, "--k\r\nContent-Type: a/b\r\n\r\n", 26);
	memcpy(text + 26, content, size);
	memcpy(text + 26 + size, "\r\n--k--", 7);
	cr_assert_eq(split_octets("multipart/mixed;boundary=k", text, 26 + size + 7), FK_OK);
	cr_assert_eq(n_parts, 1);
	expect_part(0, "a/b", content, size);
}

Test(sip_body, parts_may_lack_headers_content_or_both)
{
	cr_assert_eq(split("multipart/mixed;boundary=k",
			   "--k\r\n\r\n\r\n--k\r\nContent-Type:a/b\r\n"
			   "\r\n--k\r\n\r\nx\r\n--k\r\n--k--"),
		     FK_OK);
	cr_assert_eq(n_parts, 4);
	expect_part(0, "", NULL, 0);
	expect_part(1, "a/b", NULL, 0);
	expect_part(2, "", "x", 1);
	expect_part(3, "", NULL, 0);
}

/* spec: 3GPP sheet 4.7 */
Test(sip_body, base64_is_flagged_and_a_content_length_of_a_part_is_ignored)
{
	cr_assert_eq(split("multipart/mixed;boundary=k",
			   "--k\r\ncontent-transfer-encoding: BASE64\r\nContent-Length: 99999\r\n"
			   "Content-Type:\r\n a/b ; x=y\r\n\r\nAQ==\r\n--k--"),
		     FK_OK);
	expect_part(0, "a/b", "AQ==", 4);
	cr_assert(parts[0].is_base64);
}

static bool is_opaque_with(const char *encodings)
{
	char text[256];

	snprintf(text, sizeof(text), "--k\r\n%sContent-Type: a/b\r\n\r\nAQ==\r\n--k--", encodings);
	cr_assert_eq(split("multipart/mixed;boundary=k", text), FK_OK);
	return parts[0].is_opaque;
}

Test(sip_body, a_transfer_encoding_that_is_not_known_or_contradicted_is_flagged)
{
	cr_assert_not(is_opaque_with(""));
	cr_assert_not(is_opaque_with("Content-Transfer-Encoding: Binary\r\n"));
	cr_assert_not(is_opaque_with("Content-Transfer-Encoding: 8bit\r\n"));
	cr_assert_not(is_opaque_with("Content-Transfer-Encoding: 7bit\r\n"));
	cr_assert_not(is_opaque_with("Content-Transfer-Encoding: base64\r\n"
				     "Content-Transfer-Encoding: base64\r\n"));
	cr_assert(is_opaque_with("Content-Transfer-Encoding: quoted-printable\r\n"));
	cr_assert(is_opaque_with("Content-Transfer-Encoding: \r\n"));
	cr_assert(is_opaque_with("Content-Transfer-Encoding: base64\r\n"
				 "Content-Transfer-Encoding: binary\r\n"));
	cr_assert(is_opaque_with("Content-Transfer-Encoding: binary\r\n"
				 "Content-Transfer-Encoding: base64\r\n"));
}

Test(sip_body, a_body_that_is_not_multipart_is_one_part)
{
	cr_assert_eq(split("Application/X ;a=b", "--k\r\n"), FK_OK);
	cr_assert_eq(n_parts, 1);
	expect_part(0, "Application/X", "--k\r\n", 5);
}

Test(sip_body, other_multiparts_and_missing_types_are_unsupported)
{
	struct fk_sip_message none = {0};

	cr_assert_eq(fk_sip_split_body(&none, parts, PARTS_MAX, &n_parts), FK_EUNSUPPORTED);
	cr_assert_eq(split("", "x"), FK_EUNSUPPORTED);
	cr_assert_eq(split(" ;boundary=k", "x"), FK_EUNSUPPORTED);
	cr_assert_eq(split("multipart/alternative;boundary=k", TWO_PARTS), FK_EUNSUPPORTED);
	cr_assert_eq(split("multipart/signed;boundary=k", TWO_PARTS), FK_EUNSUPPORTED);
}

Test(sip_body, a_boundary_that_is_missing_or_cannot_be_is_malformed)
{
	char type[200] = "multipart/mixed;boundary=";

	cr_assert_eq(split("multipart/mixed", TWO_PARTS), FK_EFORMAT);
	cr_assert_eq(split("multipart/mixed;boundary", TWO_PARTS), FK_EFORMAT);
	cr_assert_eq(split("multipart/mixed;boundary=\"\"", TWO_PARTS), FK_EFORMAT);
	cr_assert_eq(split("multipart/mixed;boundary=\"k", TWO_PARTS), FK_EFORMAT);
	cr_assert_eq(split("multipart/mixed;boundary=q", TWO_PARTS), FK_EFORMAT);
	cr_assert_eq(split("multipart/mixed;;boundary=k", TWO_PARTS), FK_EFORMAT);
	memset(type + strlen(type), 'b', 71);
	cr_assert_eq(split(type, TWO_PARTS), FK_EFORMAT);
}

Test(sip_body, bad_part_headers_are_malformed)
{
	cr_assert_eq(split("multipart/mixed;boundary=k", "--k\r\nno colon\r\n\r\nx\r\n--k--"),
		     FK_EFORMAT);
	cr_assert_eq(split("multipart/mixed;boundary=k", "--k\r\na: b\nc: d\r\n\r\nx\r\n--k--"),
		     FK_EFORMAT);
	cr_assert_eq(split_octets("multipart/mixed;boundary=k", "--k\r\na: \0\r\n--k--", 16),
		     FK_EFORMAT);
}

Test(sip_body, more_parts_than_asked_for_are_too_many)
{
	cr_assert_eq(split("multipart/mixed;boundary=k",
			   "--k\r\n\r\n1\r\n--k\r\n\r\n2\r\n--k\r\n\r\n3\r\n--k\r\n\r\n4\r\n--k--"),
		     FK_OK);
	cr_assert_eq(n_parts, PARTS_MAX);
	cr_assert_eq(split("multipart/mixed;boundary=k",
			   "--k\r\n\r\n1\r\n--k\r\n\r\n2\r\n--k\r\n\r\n3\r\n--k\r\n\r\n4\r\n--k\r\n"
			   "\r\n5\r\n--k--"),
		     FK_EFULL);
	cr_assert_eq(n_parts, 4711);
}

static enum fk_err decode(const char *text, const char *expected)
{
	uint8_t *in = exact_copy(text, strlen(text)), buf[64];
	size_t size = 4711;
	enum fk_err err = fk_base64_decode(in, strlen(text), buf, sizeof(buf), &size);

	free(in);
	if (err == FK_OK) {
		cr_assert_eq(size, strlen(expected));
		cr_assert_arr_eq(buf, expected, size);
	} else {
		cr_assert_eq(size, 4711);
	}
	return err;
}

/* spec: RFC 4648 §10 */
Test(sip_body, the_base64_test_vectors_decode)
{
	cr_assert_eq(decode("", ""), FK_OK);
	cr_assert_eq(decode("Zg==", "f"), FK_OK);
	cr_assert_eq(decode("Zm8=", "fo"), FK_OK);
	cr_assert_eq(decode("Zm9v", "foo"), FK_OK);
	cr_assert_eq(decode("Zm9vYg==", "foob"), FK_OK);
	cr_assert_eq(decode("Zm9vYmE=", "fooba"), FK_OK);
	cr_assert_eq(decode("Zm9vYmFy", "foobar"), FK_OK);
	cr_assert_eq(decode(" Zm9v\r\n\tYmFy\r\n", "foobar"), FK_OK);
	cr_assert_eq(decode("Pz8/Pj4+", "??\?>>>"), FK_OK);
}

Test(sip_body, malformed_base64_is_refused)
{
	static const char *const bad[] = {
		"Z", "Zg",	 "Zg=",	 "Zm9v=", "Zm9vYg=", "Zg===", "====",
		"=", "Zg==Zg==", "Zm-v", "Zh==",  "Zm9=",    "Zm9v!", "A===",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert_eq(decode(bad[i], ""), FK_EFORMAT, "%s", bad[i]);
}

Test(sip_body, a_base64_buffer_that_is_too_small_is_full)
{
	uint8_t buf[5];
	size_t size;

	cr_assert_eq(fk_base64_decode((const uint8_t *)"Zm9vYmFy", 8, buf, 5, &size), FK_EFULL);
	cr_assert_eq(fk_base64_decode((const uint8_t *)"Zm9vYmE=", 8, buf, 5, &size), FK_OK);
	cr_assert_eq(size, 5);
}
