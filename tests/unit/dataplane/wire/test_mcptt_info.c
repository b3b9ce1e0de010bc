/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "support.h"
#include "wire/mcdata_info.h"

/* spec: 3GPP sheet 9.5: 221 octets with this URI */
#define EXAMPLE                                                                         \
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"                                \
	"<mcpttinfo xmlns=\"urn:3gpp:ns:mcpttInfo:1.0\"><mcptt-Params>"                 \
	"<mcptt-request-uri type=\"Normal\"><mcpttURI>sip:ue7@mcptt.example</mcpttURI>" \
	"</mcptt-request-uri></mcptt-Params></mcpttinfo>"

static struct fk_mcdata_info info;

static enum fk_err parse(const char *document)
{
	return fk_mcptt_info_parse((const uint8_t *)document, strlen(document), &info);
}

Test(mcptt_info, the_example_is_written_octet_for_octet_and_read_back)
{
	uint8_t buf[512];
	size_t size;

	cr_assert_eq(fk_mcptt_info_write("sip:ue7@mcptt.example", buf, sizeof(buf), &size), FK_OK);
	cr_assert_eq(size, 221);
	cr_assert_arr_eq(buf, EXAMPLE, 221);
	cr_assert_eq(fk_mcptt_info_parse(buf, size, &info), FK_OK);
	cr_assert_str_eq(info.request_uri, "sip:ue7@mcptt.example");
	cr_assert_eq(info.calling_user_id_size, 0);
}

Test(mcptt_info, a_document_cut_at_any_octet_is_refused)
{
	for (size_t n = 0; n < strlen(EXAMPLE); n++) {
		uint8_t *copy = exact_copy(EXAMPLE, n);

		cr_assert_neq(fk_mcptt_info_parse(copy, n, &info), FK_OK, "%zu", n);
		free(copy);
	}
}

Test(mcptt_info, what_needs_escapes_or_has_no_room_is_not_written)
{
	static const char *const bad[] = {"", "sip:a&b", "sip:<a>", "sip:a b", "sip:\xc3\xa9"};
	char uri[FK_URI_SIZE_MAX + 2];
	uint8_t buf[1024];
	size_t size;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert_eq(fk_mcptt_info_write(bad[i], buf, sizeof(buf), &size), FK_EINVAL);
	memset(uri, 'u', sizeof(uri));
	uri[FK_URI_SIZE_MAX] = '\0';
	cr_assert_eq(fk_mcptt_info_write(uri, buf, sizeof(buf), &size), FK_OK);
	uri[FK_URI_SIZE_MAX] = 'u';
	uri[FK_URI_SIZE_MAX + 1] = '\0';
	cr_assert_eq(fk_mcptt_info_write(uri, buf, sizeof(buf), &size), FK_EINVAL);
	cr_assert_eq(fk_mcptt_info_write("sip:ue7@mcptt.example", buf, 220, &size), FK_EFULL);
}

Test(mcptt_info, other_documents_doctypes_and_encrypted_values_are_refused)
{
	cr_assert_eq(parse("<mcdatainfo xmlns=\"urn:3gpp:ns:mcdataInfo:1.0\"/>"), FK_EFORMAT);
	cr_assert_eq(parse("<mcpttinfo xmlns=\"urn:3gpp:ns:mcdataInfo:1.0\"/>"), FK_EFORMAT);
	cr_assert_eq(parse("<!DOCTYPE mcpttinfo><mcpttinfo "
			   "xmlns=\"urn:3gpp:ns:mcpttInfo:1.0\"/>"),
		     FK_EUNSUPPORTED);
	cr_assert_eq(parse("<mcpttinfo xmlns=\"urn:3gpp:ns:mcpttInfo:1.0\"><mcptt-Params>"
			   "<mcptt-request-uri type=\"Encrypted\"/></mcptt-Params></mcpttinfo>"),
		     FK_EUNSUPPORTED);
	cr_assert_eq(parse("<mcpttinfo xmlns=\"urn:3gpp:ns:mcpttInfo:1.0\">&x;</mcpttinfo>"),
		     FK_EUNSUPPORTED);
}

Test(mcptt_info, the_session_type_and_the_caller_are_read_too)
{
	cr_assert_eq(parse("<m:mcpttinfo xmlns:m=\"urn:3gpp:ns:mcpttInfo:1.0\"><m:mcptt-Params>"
			   "<m:session-type>private</m:session-type>"
			   "<m:mcptt-calling-user-id><m:mcpttURI> sip:a </m:mcpttURI>"
			   "</m:mcptt-calling-user-id></m:mcptt-Params></m:mcpttinfo>"),
		     FK_OK);
	cr_assert_str_eq(info.request_type, "private");
	cr_assert_str_eq(info.calling_user_id, "sip:a");
}
