/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "support.h"
#include "wire/resource_lists.h"

#define HEAD "<resource-lists xmlns=\"urn:ietf:params:xml:ns:resource-lists\">"
#define TAIL "</resource-lists>"

static enum fk_err parse(const char *text, struct fk_resource_lists *ret_lists)
{
	uint8_t *octets = exact_copy(text, strlen(text));
	enum fk_err err = fk_resource_lists_parse(octets, strlen(text), ret_lists);

	free(octets);
	return err;
}

/* spec: 3GPP sheet 9.2 */
Test(resource_lists, the_one_entry_of_the_example_is_read)
{
	struct fk_resource_lists lists;

	cr_assert_eq(parse("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n" HEAD
			   "<list><entry uri=\"sip:ue7@mcdata.example\"/></list>" TAIL,
			   &lists),
		     FK_OK);
	cr_assert_eq(lists.n_entries, 1);
	cr_assert_str_eq(lists.uri, "sip:ue7@mcdata.example");
	cr_assert_eq(lists.uri_size, 22);
}

Test(resource_lists, entries_are_counted_in_lists_of_lists_and_the_first_is_kept)
{
	struct fk_resource_lists lists;

	cr_assert_eq(parse("<r:resource-lists xmlns:r='urn:ietf:params:xml:ns:resource-lists'"
			   " xmlns:cc='urn:ietf:params:xml:ns:copycontrol'><r:list>"
			   "<r:list><r:entry cc:copyControl='to' uri='sip:a&amp;b@c'>"
			   "<r:display-name>x</r:display-name></r:entry></r:list>"
			   "<r:entry uri='sip:d@e'/></r:list>"
			   "<r:list/><!-- none --><entry uri='sip:other@ns'/></r:resource-lists>",
			   &lists),
		     FK_OK);
	cr_assert_eq(lists.n_entries, 2);
	cr_assert_str_eq(lists.uri, "sip:a&b@c");
	cr_assert_eq(parse(HEAD TAIL, &lists), FK_OK);
	cr_assert_eq(lists.n_entries, 0);
}

Test(resource_lists, what_is_no_list_or_would_have_to_be_fetched_is_refused)
{
	static const struct {
		const char *text;
		enum fk_err wanted;
	} cases[] = {
		{"", FK_EFORMAT},
		{"<resource-lists/>", FK_EFORMAT},
		{HEAD "<list><entry/></list>" TAIL, FK_EFORMAT},
		{HEAD "<list><entry uri=''/></list>" TAIL, FK_EFORMAT},
		{HEAD "<list uri='sip:a@b'><entry/></list>" TAIL, FK_EFORMAT},
		{HEAD "<entry uri='sip:a@b'/>" TAIL, FK_EFORMAT},
		{HEAD "<list><entry uri='sip:a@b'/></list>", FK_EFORMAT},
		{HEAD "<list><entry uri='sip:a@b' uri='sip:c@d'/></list>" TAIL, FK_EFORMAT},
		{"<!DOCTYPE r [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>" HEAD TAIL,
		 FK_EUNSUPPORTED},
		{HEAD "<list><entry uri='&e;'/></list>" TAIL, FK_EUNSUPPORTED},
		{HEAD "<list><entry-ref ref='a'/></list>" TAIL, FK_EUNSUPPORTED},
		{HEAD "<list><external anchor='http://a'/></list>" TAIL, FK_EUNSUPPORTED},
		{HEAD "<list><x><EncryptedData xmlns='urn:e'/></x></list>" TAIL, FK_EUNSUPPORTED},
		{HEAD "<list><entry type='Encrypted' uri='sip:a@b'/></list>" TAIL, FK_EUNSUPPORTED},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fk_resource_lists lists = {.n_entries = 4711};

		cr_expect_eq(parse(cases[i].text, &lists), cases[i].wanted, "%s", cases[i].text);
		cr_expect_eq(lists.n_entries, 4711);
	}
}

Test(resource_lists, uris_and_documents_beyond_their_limits_are_refused)
{
	static char text[FK_RESOURCE_LISTS_SIZE_MAX + 2];
	char uri[FK_URI_SIZE_MAX + 2] = {0};
	struct fk_resource_lists lists;
	size_t len;

	memset(uri, 'a', FK_URI_SIZE_MAX);
	(void)snprintf(text, sizeof(text), HEAD "<list><entry uri='%s'/></list>" TAIL, uri);
	cr_assert_eq(parse(text, &lists), FK_OK);
	cr_assert_eq(lists.uri_size, FK_URI_SIZE_MAX);
	uri[FK_URI_SIZE_MAX] = 'a';
	(void)snprintf(text, sizeof(text), HEAD "<list><entry uri='%s'/></list>" TAIL, uri);
	cr_assert_eq(parse(text, &lists), FK_ERANGE);

	(void)snprintf(text, sizeof(text), HEAD "<list><entry uri='sip:a@b'/></list>" TAIL);
	len = strlen(text);
	memset(text + len, ' ', FK_RESOURCE_LISTS_SIZE_MAX - len);
	cr_assert_eq(parse(text, &lists), FK_OK);
	text[FK_RESOURCE_LISTS_SIZE_MAX] = ' ';
	cr_assert_eq(parse(text, &lists), FK_ERANGE);
}

/* A name of 64 characters or more is none of ours; it must not be taken for a shorter one. */
Test(resource_lists, a_name_space_that_only_begins_like_ours_is_another)
{
	static const char begin[] = "<resource-lists xmlns=\"urn:ietf:params:xml:ns:resource-lists";
	struct fk_resource_lists lists;
	char text[400], more[200] = {0};

	for (size_t n = 0; n < sizeof(more) - 1; n++) {
		(void)snprintf(text, sizeof(text), "%s%s\"/>", begin, more);
		cr_assert_eq(parse(text, &lists), n == 0 ? FK_OK : FK_EFORMAT, "%zu", n);
		more[n] = 'x';
	}
}
