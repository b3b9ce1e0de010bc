/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "inspect/json_xml.h"

#define NS    "urn:3gpp:ns:mcdataInfo:1.0"
#define FRONT "<mcdatainfo xmlns=\"" NS "\" xmlns:o=\"urn:other\"><mcdata-Params>"
#define BACK  "</mcdata-Params></mcdatainfo>"

static enum fk_err read_params(const char *text)
{
	json_decref(json);
	json = NULL;
	return fk_json_xml_params((const uint8_t *)text, strlen(text), NS, "mcdata-Params", &json);
}

TestSuite(json_xml, .init = set_up, .fini = tear_down);

/* spec: TS 24.282 §D.1.2, 3GPP sheet 3.5 */
Test(json_xml, every_element_of_the_sheet_has_a_field_of_its_own)
{
	cr_assert_eq(read_params(FRONT "<request-type> group-sds </request-type>"
				       "<mcdata-request-uri type=\"Normal\">\n <mcdataURI>sip:r@b"
				       "</mcdataURI>\n</mcdata-request-uri>"
				       "<mcdata-calling-user-id><mcdataURI>sip:u@b</mcdataURI>"
				       "</mcdata-calling-user-id>"
				       "<mcdata-called-party-id><mcdataURI>sip:p@b</mcdataURI>"
				       "</mcdata-called-party-id>"
				       "<mcdata-calling-group-id><mcdataURI>sip:g@b?a&amp;b"
				       "</mcdataURI></mcdata-calling-group-id>"
				       "<alert-ind><mcdataBoolean>true</mcdataBoolean></alert-ind>"
				       "<originated-by><mcdataURI>sip:o@b</mcdataURI>"
				       "</originated-by>"
				       "<mcdata-client-id><mcdataString>urn:uuid:1</mcdataString>"
				       "</mcdata-client-id>" BACK),
		     FK_OK);
	cr_assert_eq(json_object_size(json), 8);
	cr_assert_str_eq(text_of("request_type"), "group-sds");
	cr_assert_str_eq(text_of("mcdata_request_uri"), "sip:r@b");
	cr_assert_str_eq(text_of("mcdata_calling_user_id"), "sip:u@b");
	cr_assert_str_eq(text_of("mcdata_called_party_id"), "sip:p@b");
	cr_assert_str_eq(text_of("mcdata_calling_group_id"), "sip:g@b?a&b");
	cr_assert_str_eq(text_of("alert_ind"), "true");
	cr_assert_str_eq(text_of("originated_by"), "sip:o@b");
	cr_assert_str_eq(text_of("mcdata_client_id"), "urn:uuid:1");
}

Test(json_xml, an_access_token_is_withheld)
{
	char *text;

	cr_assert_eq(read_params(FRONT "<mcdata-access-token><mcdataString>SECRET</mcdataString>"
				       "</mcdata-access-token>" BACK),
		     FK_OK);
	cr_assert(json_is_true(json_object_get(json, "mcdata_access_token_withheld")));
	text = json_dumps(json, 0);
	cr_assert_null(strstr(text, "SECRET"));
	free(text);
}

Test(json_xml, an_element_that_is_repeated_is_an_array_and_a_foreign_one_is_none_of_ours)
{
	const json_t *ids;

	cr_assert_eq(read_params(FRONT "<a-b>1</a-b><o:a-b>x</o:a-b><a-b>2</a-b><a-b>3</a-b>"
				       "<c>d<mcdataURI>e</mcdataURI>f</c><anyExt><a-b>9</a-b>"
				       "</anyExt>" BACK),
		     FK_OK);
	cr_assert_eq(json_object_size(json), 2);
	ids = json_object_get(json, "a_b");
	cr_assert_eq(json_array_size(ids), 3);
	cr_assert_str_eq(json_string_value(json_array_get(ids, 2)), "3");
	cr_assert_str_eq(text_of("c"), "e");
}

Test(json_xml, what_is_no_document_is_refused)
{
	cr_assert_eq(read_params(FRONT "<a>"), FK_EFORMAT);
	cr_assert_null(json);
}
