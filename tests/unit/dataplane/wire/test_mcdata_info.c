/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

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
		cr_assert_eq(parse_octets(EXAMPLE, size), FK_EFORMAT, "%zu", size);
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
		"\n<?xml version=\"1.0\"?>" OPEN CLOSE,
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_assert_eq(parse(texts[i]), FK_EFORMAT, "%s", texts[i]);
	cr_assert_eq(parse_octets("<mcdatainfo xmlns=\"" NS "\">\0</mcdatainfo>", 59), FK_EFORMAT);
	cr_assert_eq(parse_octets(OPEN CLOSE "\0", sizeof(OPEN CLOSE)), FK_EFORMAT);
}

Test(mcdata_info, what_could_hide_something_is_unsupported)
{
	static const char *const texts[] = {
		"<!DOCTYPE mcdatainfo>" OPEN CLOSE,
		"<!DOCTYPE mcdatainfo [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>" OPEN CLOSE,
		"<!DOCTYPE mcdatainfo SYSTEM \"http://127.0.0.1/x.dtd\">" OPEN CLOSE,
		"<!DOCTYPE mcdatainfo [<!ATTLIST mcdatainfo a CDATA \"b\">]>" OPEN CLOSE,
		OPEN CALLER "&x;" CALLED CLOSE,
		OPEN "<a b='&x;'/>" CLOSE,
		OPEN "<![CDATA[x]]>" CLOSE,
		OPEN "<?php x ?>" CLOSE,
		"<?xml version=\"2.0\"?>" OPEN CLOSE,
		"<?xml version=\"1.0\" encoding=\"UTF-16\"?>" OPEN CLOSE,
		"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>" OPEN CLOSE,
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_assert_eq(parse(texts[i]), FK_EUNSUPPORTED, "%s", texts[i]);
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

/* Ten entities, each ten times the one before: 10^9 times "ha", were it expanded. */
Test(mcdata_info, a_document_type_is_refused_before_what_it_declares_can_grow)
{
	text_size = 0;
	add("<!DOCTYPE m [<!ENTITY a0 \"ha\">");
	for (int i = 1; i < 10; i++) {
		add("<!ENTITY a%d \"", i);
		for (int j = 0; j < 10; j++)
			add("&a%d;", i - 1);
		add("\">");
	}
	add("]>" OPEN "<a b='&a9;'/>" CALLER "&a9;" CALLED CLOSE);
	cr_assert_eq(parse(text), FK_EUNSUPPORTED);
}

Test(mcdata_info, only_utf_8_is_read)
{
	static const char utf16[] = "\xff\xfe<\0a\0/\0>", ebcdic[] = "\x4c\x6f\xa7\x94\x93";

	cr_assert_eq(parse("<?xml version='1.0' encoding='utf-8'?>" OPEN CLOSE), FK_OK);
	cr_assert_eq(
		parse("<?xml version=\"1.0\"\tencoding =\n\"UTF-8\" standalone='yes'?>" OPEN CLOSE),
		FK_OK);
	cr_assert_eq(parse("<?xml version='1.0' encoding='UTF-8X'?>" OPEN CLOSE), FK_EUNSUPPORTED);
	cr_assert_eq(parse("<?xml version='1.0' encoding='UTF-8\"?>" OPEN CLOSE), FK_EUNSUPPORTED);
	cr_assert_eq(parse("<?xml version='1.0' encoding='UTF-?>" OPEN CLOSE), FK_EUNSUPPORTED);
	cr_assert_eq(parse("<?xml version='1.0' encoding=='UTF-8'?>" OPEN CLOSE), FK_EFORMAT);
	cr_assert_eq(parse(OPEN "<a>encoding='UTF-16'?&gt;</a>" CLOSE), FK_OK);
	cr_assert_eq(parse_octets(utf16, sizeof(utf16)), FK_EFORMAT);
	cr_assert_eq(parse_octets("\xfe\xff", 2), FK_EFORMAT);
	cr_assert_neq(parse_octets("\xff\xfe\x3c\xd8", 4), FK_OK);
	cr_assert_neq(parse(ebcdic), FK_OK);
}

/* libxml2 prints what it does not like unless it is told otherwise. */
Test(mcdata_info, a_document_that_is_refused_prints_nothing)
{
	static const char *const texts[] = {
		OPEN "\xff" CLOSE,
		OPEN "<a b='<'/><u:a/>&x;" CLOSE,
		"<!DOCTYPE m SYSTEM 'file:///nowhere'>" OPEN CLOSE,
		"<?xml version='1.0' encoding='UTF-16'?>" OPEN CLOSE,
		"<?xml version='1.0' encoding='UTF-7'?>" OPEN "+\xff" CLOSE,
		"<?xml version='1.0' encoding='EUC-JP'?>" OPEN "\x8f\xff" CLOSE,
		"<?xml version='1.0' encoding='none'?>" OPEN CLOSE,
		"\xff\xfe\x3c\xd8",
		"\x4c\x6f\xa7\x94\x93",
	};
	FILE *printed = tmpfile();
	int kept = dup(STDERR_FILENO);

	cr_assert_not_null(printed);
	cr_assert_geq(dup2(fileno(printed), STDERR_FILENO), 0);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (parse(texts[i]) == FK_OK)
			fprintf(stderr, "read: %s\n", texts[i]);
	fflush(stderr);
	cr_assert_geq(dup2(kept, STDERR_FILENO), 0);
	close(kept);
	cr_assert_eq(lseek(fileno(printed), 0, SEEK_END), 0);
	fclose(printed);
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

Test(mcdata_info, attributes_and_namespaces_are_as_many_as_the_document_has_room_for)
{
	begin();
	add("<a");
	for (int i = 0; text_size < FK_MCDATA_INFO_SIZE_MAX - 200; i++)
		add(" a%d='' xmlns:b%d='urn:x'", i, i);
	add("/>" CALLER "sip:ue7@a" CALLED CLOSE);
	cr_assert_eq(parse(text), FK_OK);
	cr_assert_str_eq(info.calling_user_id, "sip:ue7@a");
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
