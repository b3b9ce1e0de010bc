/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plain reader against the XML reader: it may accept less, and nothing differently.
 */
#include <criterion/criterion.h>

#include "support.h"
#include "wire/mcdata_info_plain.h"

#define OPEN  "<mcdatainfo xmlns=\"urn:3gpp:ns:mcdataInfo:1.0\"><mcdata-Params>"
#define CLOSE "</mcdata-Params></mcdatainfo>"
#define TYPE  "<request-type>one-to-one-sds</request-type>"
#define CALLED                 \
	"<mcdata-request-uri " \
	"type=\"Normal\"><mcdataURI>sip:kmf@a</mcdataURI></mcdata-request-uri>"
#define CALLER                                                                         \
	"<mcdata-calling-user-id type=\"Normal\"><mcdataURI>sip:ue0000007@mcdata.test" \
	"</mcdataURI></mcdata-calling-user-id>"
#define SIZE_MAX_TRIED 2048

/* Forms that the plain reader takes itself. */
static const char *const plain[] = {
	OPEN TYPE CALLED CALLER CLOSE,
	OPEN CALLER CLOSE,
	OPEN CLOSE,
	OPEN CALLED CALLER TYPE CLOSE "\r\n",
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n" OPEN "\n  " TYPE "\n\t" CALLER " " CLOSE,
	" " OPEN "<request-type></request-type>" CLOSE,
	OPEN "<request-type>a]]/'\"\x7f~!</request-type>" CLOSE,
};

/* Forms that only look like them; the second member says whether they are documents. */
static const struct {
	const char *text;
	bool is_document;
} others[] = {
	{" <?xml version=\"1.0\" encoding=\"UTF-8\"?>" OPEN CLOSE, false},
	{"<?xml version='1.0'?>" OPEN CALLER CLOSE, true},
	{OPEN "<request-type>a b</request-type>" CLOSE, true},
	{OPEN "<request-type> a</request-type>" CLOSE, true},
	{OPEN "<request-type>a&amp;b</request-type>" CLOSE, true},
	{OPEN "<request-type>a&b</request-type>" CLOSE, false},
	{OPEN "<request-type>a]]>b</request-type>" CLOSE, false},
	{OPEN "<request-type>a>b</request-type>" CLOSE, true},
	{OPEN "<request-type>\xc3\xa9</request-type>" CLOSE, true},
	{OPEN "<request-type>\xff</request-type>" CLOSE, false},
	{OPEN "<request-type>0123456789012345678901234567890</request-type>" CLOSE, true},
	{OPEN "<request-type>01234567890123456789012345678901</request-type>" CLOSE, false},
	{OPEN TYPE TYPE CLOSE, false},
	{OPEN CALLER CALLER CLOSE, false},
	{OPEN "<mcdata-calling-user-id><mcdataURI>a</mcdataURI></mcdata-calling-user-id>" CLOSE,
	 true},
	{OPEN "<other/>" CALLER CLOSE, true},
	{OPEN CALLER CLOSE "<!-- c -->", true},
	{OPEN CALLER CLOSE "x", false},
	{OPEN CALLER "</mcdata-Params>", false},
	{OPEN CALLER "text" CLOSE, true},
	{"", false},
};

/* Reads with both; true if the plain reader accepted. */
static bool agree(const uint8_t *octets, size_t size)
{
	struct fk_mcdata_info a, b, untouched;
	uint8_t *copy = exact_copy(octets, size);
	bool accepted;

	memset(&a, 0xee, sizeof(a));
	untouched = a;
	memset(&b, 0xdd, sizeof(b));
	accepted = fk_mcdata_info_read_plain(copy, size, &a);
	if (accepted) {
		cr_assert_eq(fk_mcdata_info_read_xml(copy, size, &b), FK_OK, "%.*s", (int)size,
			     (const char *)octets);
		cr_assert_str_eq(a.request_type, b.request_type);
		cr_assert_str_eq(a.request_uri, b.request_uri);
		cr_assert_str_eq(a.calling_user_id, b.calling_user_id);
		cr_assert_eq(a.request_uri_size, b.request_uri_size);
		cr_assert_eq(a.calling_user_id_size, b.calling_user_id_size);
	} else {
		cr_assert_arr_eq(&a, &untouched, sizeof(a), "written although refused");
	}
	free(copy);
	return accepted;
}

Test(mcdata_info_plain, the_usual_forms_are_taken_with_the_values_that_xml_gives)
{
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		cr_assert(agree((const uint8_t *)plain[i], strlen(plain[i])), "%s", plain[i]);
}

Test(mcdata_info_plain, all_else_is_left_to_the_xml_reader)
{
	struct fk_mcdata_info info;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		const uint8_t *octets = (const uint8_t *)others[i].text;
		size_t size = strlen(others[i].text);

		/* 31 characters fit into the request type; the plain reader may take those. */
		if (strstr(others[i].text, "0123456789012345678901234567890<") == NULL)
			cr_assert_not(agree(octets, size), "%s", others[i].text);
		cr_assert_eq(fk_mcdata_info_parse(octets, size, &info) == FK_OK,
			     others[i].is_document, "%s", others[i].text);
	}
}

Test(mcdata_info_plain, a_value_as_long_as_the_struct_holds_is_taken_and_one_octet_more_is_not)
{
	char text[SIZE_MAX_TRIED], uri[300];

	for (int len = 254; len <= 257; len++) {
		memset(uri, 'u', sizeof(uri));
		uri[len] = '\0';
		snprintf(text, sizeof(text),
			 OPEN "<mcdata-calling-user-id type=\"Normal\"><mcdataURI>%s</mcdataURI>"
			      "</mcdata-calling-user-id>" CLOSE,
			 uri);
		cr_assert_eq(agree((const uint8_t *)text, strlen(text)), len <= FK_URI_SIZE_MAX);
	}
}

Test(mcdata_info_plain, one_octet_replaced_added_or_removed_anywhere_changes_nothing_unnoticed)
{
	static const char marks[] = "<>&\"'/=!?-:; \t\r\n]a\x7f\x80\xff";
	uint8_t octets[SIZE_MAX_TRIED];
	uint32_t n_accepted = 0;

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		size_t size = strlen(plain[i]);

		for (size_t at = 0; at < size; at++) {
			for (size_t m = 0; m < sizeof(marks); m++) { /* NUL included */
				memcpy(octets, plain[i], size);
				octets[at] = (uint8_t)marks[m];
				n_accepted += agree(octets, size);
				memcpy(octets + at + 1, plain[i] + at, size - at);
				n_accepted += agree(octets, size + 1);
			}
			memcpy(octets, plain[i], at);
			memcpy(octets + at, plain[i] + at + 1, size - at - 1);
			n_accepted += agree(octets, size - 1);
		}
	}
	cr_assert_gt(n_accepted, 100); /* values and white space were changed too */
}

Test(mcdata_info_plain, pieces_in_any_order_are_read_alike)
{
	static const char *const pieces[] = {
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
		"<mcdatainfo xmlns=\"urn:3gpp:ns:mcdataInfo:1.0\">",
		"<mcdata-Params>",
		"<request-type>",
		"</request-type>",
		TYPE,
		CALLED,
		CALLER,
		"</mcdata-Params>",
		"</mcdatainfo>",
		" ",
		"\r\n",
		"sip:a@b",
		"&lt;",
		"<!-- c -->",
	};
	uint8_t octets[SIZE_MAX_TRIED];
	uint32_t state = 5;

	for (uint32_t round = 0; round < 40000; round++) {
		size_t size = 0;
		uint32_t n = next_random(&state) % 6;

		if (next_random(&state) % 8 != 0) { /* mostly begin and end well */
			memcpy(octets, OPEN, sizeof(OPEN) - 1);
			size = sizeof(OPEN) - 1;
		}
		for (; n > 0; n--) {
			const char *piece = pieces[next_random(&state) % 15];

			memcpy(octets + size, piece, strlen(piece));
			size += strlen(piece);
		}
		if (next_random(&state) % 8 != 0) {
			memcpy(octets + size, CLOSE, sizeof(CLOSE) - 1);
			size += sizeof(CLOSE) - 1;
		}
		agree(octets, size);
	}
}
