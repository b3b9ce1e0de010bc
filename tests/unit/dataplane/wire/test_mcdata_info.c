/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdarg.h>

#include "support.h"
#include "wire/mcdata_info.h"

#define NS     "urn:3gpp:ns:mcdataInfo:1.0"
#define OPEN   "<mcdatainfo xmlns=\"" NS "\"><mcdata-Params>"
#define CLOSE  "</mcdata-Params></mcdatainfo>"
#define CALLER "<mcdata-calling-user-id type=\"Normal\"><mcdataURI>"
#define CALLED "</mcdataURI></mcdata-calling-user-id>"
#define EXAMPLE                                                                 \
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n" OPEN                   \
	"<request-type>one-to-one-sds</request-type>"                           \
	"<mcdata-request-uri type=\"Normal\"><mcdataURI>sip:kmf@lmr.mc.example" \
	"</mcdataURI></mcdata-request-uri>" CALLER "sip:ue7@mcdata.example" CALLED CLOSE

static struct fk_mcdata_info info;

static enum fk_err parse_octets(const void *octets, size_t size)
{
	uint8_t *copy = exact_copy(octets, size);
	enum fk_err err;

	memset(&info, 0xee, sizeof(info));
	err = fk_mcdata_info_parse(copy, size, &info);
	if (err != FK_OK)
		cr_assert_eq((uint8_t)info.request_type[0], 0xee, "written on failure");
	free(copy);
	return err;
}

static enum fk_err parse(const char *document)
{
	return parse_octets(document, strlen(document));
}

/* spec: 3GPP sheet 9.4 */
Test(mcdata_info, the_values_of_a_notification_are_read)
{
	cr_assert_eq(parse(EXAMPLE), FK_OK);
	cr_assert_str_eq(info.request_type, "one-to-one-sds");
	cr_assert_str_eq(info.request_uri, "sip:kmf@lmr.mc.example");
	cr_assert_eq(info.request_uri_size, 22);
	cr_assert_str_eq(info.calling_user_id, "sip:ue7@mcdata.example");
	cr_assert_eq(info.calling_user_id_size, 22);
}

Test(mcdata_info, a_document_cut_at_any_octet_is_refused)
{
	for (size_t size = 0; size < sizeof(EXAMPLE) - 1; size++)
		/* "<?" and what may still become another instruction is refused as one. */
		cr_assert_eq(parse_octets(EXAMPLE, size),
			     size >= 2 && size <= 5 ? FK_EUNSUPPORTED : FK_EFORMAT, "%zu", size);
}

Test(mcdata_info, absent_values_are_empty)
{
	cr_assert_eq(parse(OPEN CLOSE), FK_OK);
	cr_assert_str_empty(info.request_type);
	cr_assert_str_empty(info.request_uri);
	cr_assert_str_empty(info.calling_user_id);
	cr_assert_eq(info.calling_user_id_size, 0);
	cr_assert_eq(parse("<mcdatainfo xmlns='" NS "'/>"), FK_OK);
	cr_assert_eq(parse(OPEN "<mcdata-calling-user-id/><request-type/>" CLOSE), FK_OK);
	cr_assert_str_empty(info.request_type);
}

Test(mcdata_info, prefixes_comments_and_white_space_do_not_matter)
{
	cr_assert_eq(parse("\xef\xbb\xbf<!-- a --><m:mcdatainfo\n xmlns:m = '" NS "' >\n"
			   " <m:mcdata-Params ><!-- - b -->\n"
			   "  <m:request-type >\n one-to-one-sds\t</m:request-type >\n"
			   "  <m:mcdata-calling-user-id\ttype='Normal'\n>"
			   "<m:mcdataURI> sip:ue<!-- x -->7@a </m:mcdataURI>\n"
			   "  </m:mcdata-calling-user-id></m:mcdata-Params>"
			   "</m:mcdatainfo>\n<!-- c -->\n"),
		     FK_OK);
	cr_assert_str_eq(info.request_type, "one-to-one-sds");
	cr_assert_str_eq(info.calling_user_id, "sip:ue7@a");
}

Test(mcdata_info, entities_and_character_references_are_resolved)
{
	cr_assert_eq(parse(OPEN CALLER "sip:&#117;e&#x37;&lt;&gt;&amp;&quot;&apos;&#x20AC;&#x1F511;"
				       "\xc3\xa9" CALLED CLOSE),
		     FK_OK);
	cr_assert_str_eq(info.calling_user_id, "sip:ue7<>&\"'\xe2\x82\xac\xf0\x9f\x94\x91\xc3\xa9");
}

Test(mcdata_info, unknown_elements_are_ignored_wherever_they_stand)
{
	cr_assert_eq(parse("<mcdatainfo xmlns=\"" NS "\" xmlns:x=\"urn:x\">"
			   "<x:other><mcdataURI>sip:no@a</mcdataURI></x:other>"
			   "<anyExt><request-type>no</request-type></anyExt>"
			   "<mcdata-Params><x:mcdata-calling-user-id><mcdataURI>sip:no@a"
			   "</mcdataURI></x:mcdata-calling-user-id>"
			   "<mcdata-client-id><mcdataURI>sip:no@b</mcdataURI></mcdata-client-id>"
			   "<mcdata-calling-user-id><mcdataString>no</mcdataString>"
			   "<x:mcdataURI>sip:no@c</x:mcdataURI>"
			   "<mcdataURI>sip:ue7@a</mcdataURI></mcdata-calling-user-id>"
			   "<new><deep><er a='1' b=\"2\"/></deep></new>"
			   "</mcdata-Params></mcdatainfo>"),
		     FK_OK);
	cr_assert_str_eq(info.calling_user_id, "sip:ue7@a");
	cr_assert_str_empty(info.request_type);
}

Test(mcdata_info, a_namespace_ends_with_the_element_that_declares_it)
{
	cr_assert_eq(parse(OPEN "<mcdata-calling-user-id xmlns=\"urn:x\"><mcdataURI>sip:no@a"
				"</mcdataURI></mcdata-calling-user-id>" CALLER
				"sip:yes@a" CALLED CLOSE),
		     FK_OK);
	cr_assert_str_eq(info.calling_user_id, "sip:yes@a");
}

Test(mcdata_info, another_document_is_malformed)
{
	static const char *const texts[] = {
		"<mcdatainfo/>",
		"<mcdatainfo xmlns=\"urn:3gpp:ns:mcpttInfo:1.0\"/>",
		"<mcpttinfo xmlns=\"" NS "\"/>",
		"<x:mcdatainfo xmlns=\"" NS "\"/>",
		"<resource-lists xmlns=\"urn:ietf:params:xml:ns:resource-lists\"/>",
		"hello",
		"",
		"   ",
		"<!-- only a comment -->",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_assert_eq(parse(texts[i]), FK_EFORMAT, "%s", texts[i]);
}

Test(mcdata_info, what_is_not_well_formed_is_malformed)
{
	static const char *const texts[] = {
		OPEN "</mcdatainfo></mcdata-Params>",
		OPEN CLOSE "x",
		OPEN CLOSE "<a/>",
		"x" OPEN CLOSE,
		OPEN "<a b=1/>" CLOSE,
		OPEN "<a b/>" CLOSE,
		OPEN "<a b='1' b='2'/>" CLOSE,
		OPEN "<a b='1'c='2'/>" CLOSE,
		OPEN "<a b='<'/>" CLOSE,
		OPEN "<a b='1\"/>" CLOSE,
		OPEN "<1a/>" CLOSE,
		OPEN "<a:b:c/>" CLOSE,
		OPEN "<:a/>" CLOSE,
		OPEN "<a:/>" CLOSE,
		OPEN "<undeclared:a/>" CLOSE,
		OPEN "< a/>" CLOSE,
		OPEN "<a/ >" CLOSE,
		OPEN "<a></ a>" CLOSE,
		OPEN "<a></a b='1'>" CLOSE,
		OPEN "<!-- a -- b -->" CLOSE,
		OPEN "<!-- a --->" CLOSE,
		OPEN "]]>" CLOSE,
		OPEN "&" CLOSE,
		OPEN "&amp" CLOSE,
		OPEN "&#;" CLOSE,
		OPEN "&#x;" CLOSE,
		OPEN "&#0;" CLOSE,
		OPEN "&#xD800;" CLOSE,
		OPEN "&#x110000;" CLOSE,
		OPEN "&#99999999999999999999;" CLOSE,
		OPEN "&#12a;" CLOSE,
		OPEN "\x01" CLOSE,
		OPEN "\xff" CLOSE,
		OPEN "\xc0\x80" CLOSE,
		OPEN "\xc1\x81" CLOSE,
		OPEN "\xed\xa0\x80" CLOSE,
		OPEN "\xe2\x82" CLOSE,
		OPEN "\xf8\x88\x80\x80\x80" CLOSE,
		"<?xml?>" OPEN CLOSE,
		"<?xml version=\"1.0\" other=\"x\"?>" OPEN CLOSE,
		"<?xml version=\"1.0\">" OPEN CLOSE,
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_assert_eq(parse(texts[i]),
			     strncmp(texts[i], "<?xml?>", 7) == 0 ? FK_EUNSUPPORTED : FK_EFORMAT,
			     "%s", texts[i]);
	cr_assert_eq(parse_octets("<mcdatainfo xmlns=\"" NS "\">\0</mcdatainfo>", 59), FK_EFORMAT);
}

Test(mcdata_info, what_could_hide_something_is_unsupported)
{
	static const char *const texts[] = {
		"<!DOCTYPE mcdatainfo [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>" OPEN CLOSE,
		OPEN CALLER "&x;" CALLED CLOSE,
		OPEN "<a b='&x;'/>" CLOSE,
		OPEN "<![CDATA[x]]>" CLOSE,
		OPEN "<?php x ?>" CLOSE,
		"\n<?xml version=\"1.0\"?>" OPEN CLOSE,
		"<?xml version=\"2.0\"?>" OPEN CLOSE,
		"<?xml version=\"1.0\" encoding=\"UTF-16\"?>" OPEN CLOSE,
		"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>" OPEN CLOSE,
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_assert_eq(parse(texts[i]), FK_EUNSUPPORTED, "%s", texts[i]);
}

/* spec: 3GPP sheet 7.5: detect encrypted values and refuse them, rather than misroute */
Test(mcdata_info, encrypted_values_are_unsupported)
{
	cr_assert_eq(parse(OPEN "<mcdata-calling-user-id type=\"Encrypted\"/>" CLOSE),
		     FK_EUNSUPPORTED);
	cr_assert_eq(parse(OPEN "<mcdata-calling-user-id type=\"&#69;ncrypted\"/>" CLOSE),
		     FK_EUNSUPPORTED);
	cr_assert_eq(parse(OPEN "<mcdata-calling-user-id><x:EncryptedData xmlns:x=\"urn:x\"/>"
				"</mcdata-calling-user-id>" CLOSE),
		     FK_EUNSUPPORTED);
}

/* Which of two values counts must not depend on who reads them. */
Test(mcdata_info, a_value_that_is_given_twice_is_malformed)
{
	cr_assert_eq(parse(OPEN CALLER "sip:a@b" CALLED CALLER "sip:c@d" CALLED CLOSE), FK_EFORMAT);
	cr_assert_eq(parse(OPEN CALLER "sip:a@b</mcdataURI><mcdataURI>sip:c@d" CALLED CLOSE),
		     FK_EFORMAT);
	cr_assert_eq(parse(OPEN "<request-type>a</request-type><request-type/>" CLOSE), FK_EFORMAT);
	cr_assert_eq(parse(OPEN CALLER "sip:a@b" CALLED "</mcdata-Params><mcdata-Params>" CALLER
				       "sip:c@d" CALLED CLOSE),
		     FK_EFORMAT);
	cr_assert_eq(parse(OPEN CALLER "sip:a<b/>@b" CALLED CLOSE), FK_EFORMAT);
}

static enum fk_err parse_caller(size_t len)
{
	static char document[1000];

	snprintf(document, sizeof(document), OPEN CALLER "  sip:%0*d  " CALLED CLOSE, (int)len - 4,
		 0);
	return parse(document);
}

Test(mcdata_info, values_up_to_their_limit_are_kept_and_longer_ones_refused)
{
	cr_assert_eq(parse_caller(FK_URI_SIZE_MAX), FK_OK);
	cr_assert_eq(info.calling_user_id_size, FK_URI_SIZE_MAX);
	cr_assert_eq(strlen(info.calling_user_id), FK_URI_SIZE_MAX);
	cr_assert_eq(parse_caller(FK_URI_SIZE_MAX + 1), FK_ERANGE);
	cr_assert_eq(parse_caller(FK_URI_SIZE_MAX + 2), FK_ERANGE);
	cr_assert_eq(parse_caller(FK_URI_SIZE_MAX + 300), FK_ERANGE);
	cr_assert_eq(
		parse(OPEN "<request-type>0123456789012345678901234567890</request-type>" CLOSE),
		FK_OK);
	cr_assert_eq(
		parse(OPEN "<request-type>01234567890123456789012345678901</request-type>" CLOSE),
		FK_ERANGE);
}

static char text[FK_MCDATA_INFO_SIZE_MAX + 1000];
static size_t text_size;

/* Appends to 'text'. */
__attribute__((format(printf, 1, 2))) static void add(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	text_size += (size_t)vsnprintf(text + text_size, sizeof(text) - text_size, format, args);
	va_end(args);
	cr_assert_lt(text_size, sizeof(text));
}

static void begin(void)
{
	text_size = 0;
	add(OPEN);
}

Test(mcdata_info, elements_sixteen_deep_are_read_and_deeper_ones_refused)
{
	for (int depth = 13; depth <= 15; depth++) { /* inside two elements that stand already */
		begin();
		for (int i = 0; i < depth; i++)
			add("<a>");
		for (int i = 0; i < depth; i++)
			add("</a>");
		add(CLOSE);
		cr_assert_eq(parse(text), depth <= 14 ? FK_OK : FK_ERANGE, "%d", depth);
	}
}

Test(mcdata_info, sixteen_attributes_are_read_and_more_refused)
{
	for (int n = 16; n <= 17; n++) {
		begin();
		add("<a");
		for (int i = 0; i < n; i++)
			add(" a%d=''", i);
		add("/>" CLOSE);
		cr_assert_eq(parse(text), n == 16 ? FK_OK : FK_ERANGE);
	}
}

Test(mcdata_info, thirty_two_namespaces_are_kept_and_more_refused)
{
	for (int n = 31; n <= 32; n++) { /* one is declared by the root */
		begin();
		for (int i = 0; i < 4; i++) {
			add("<a");
			for (int j = i * 8; j < i * 8 + 8 && j < n; j++)
				add(" xmlns:a%d='urn:x'", j);
			add(">");
		}
		add("</a></a></a></a>" CLOSE);
		cr_assert_eq(parse(text), n == 31 ? FK_OK : FK_ERANGE, "%d", n);
	}
}

Test(mcdata_info, documents_up_to_8_kib_are_read_and_larger_ones_refused)
{
	memset(text, ' ', sizeof(text));
	memcpy(text, OPEN CLOSE, sizeof(OPEN CLOSE) - 1);
	cr_assert_eq(parse_octets(text, FK_MCDATA_INFO_SIZE_MAX), FK_OK);
	cr_assert_eq(parse_octets(text, FK_MCDATA_INFO_SIZE_MAX + 1), FK_ERANGE);
}

Test(mcdata_info, random_changes_never_break_the_scanner)
{
	static const char alphabet[] = "<>/&;'\"=!-?# x:[]";
	size_t size = sizeof(EXAMPLE) - 1;
	uint32_t state = 5;
	char changed[sizeof(EXAMPLE)];

	for (uint32_t round = 0; round < 20000; round++) {
		memcpy(changed, EXAMPLE, size);
		for (uint32_t i = 0; i < 1 + round % 6; i++)
			changed[next_random(&state) % size] =
				alphabet[next_random(&state) % (sizeof(alphabet) - 1)];
		if (parse_octets(changed, size) == FK_OK)
			cr_assert_leq(info.calling_user_id_size, FK_URI_SIZE_MAX);
	}
}
