/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <criterion/criterion.h>

#include "fleet/page.h"

#include "../support.h"

static struct fk_keyring *keyring;
static uint8_t octets[FK_PAGE_SIZE_MAX];
static size_t size;
static struct fk_reason reason;

static void make_page(void)
{
	struct fk_wire_writer w = fk_page_begin(octets, sizeof(octets), 7);

	keyring = test_keyring(1);
	fk_wire_put_bytes(&w, "records", 7);
	cr_assert_eq(fk_page_end(keyring, 3, 41, &w, &size), FK_OK);
	reason.text[0] = '\0';
}

static void free_page(void)
{
	fk_keyring_free(keyring);
}

static enum fk_err open_as(uint64_t generation, uint32_t page, uint32_t version)
{
	struct fk_wire_reader r;
	uint8_t layout = 0;
	enum fk_err err = fk_page_open(keyring, generation, page, version, octets, size, &r,
				       &layout, &reason);

	if (err == FK_OK) {
		cr_expect_eq(layout, FK_PAGE_LAYOUT);
		cr_expect_eq(fk_wire_left(&r), 7);
		cr_expect_arr_eq(fk_wire_get_bytes(&r, 7), "records", 7);
	}
	return err;
}

Test(page, what_was_written_opens_as_its_records_alone, .init = make_page, .fini = free_page)
{
	cr_expect_eq(size, 7 + FK_PAGE_OVERHEAD);
	cr_expect_eq(open_as(3, 41, 7), FK_OK, "%s", reason.text);
}

Test(page, another_place_generation_or_kmf_is_refused, .init = make_page, .fini = free_page)
{
	cr_expect_eq(open_as(3, 42, 7), FK_EAUTH);
	cr_expect_eq(open_as(4, 41, 7), FK_EAUTH);
	fk_keyring_free(keyring);
	keyring = test_keyring(2);
	cr_expect_eq(open_as(3, 41, 7), FK_EAUTH);
}

Test(page, an_older_copy_is_refused_and_named, .init = make_page, .fini = free_page)
{
	cr_expect_eq(open_as(3, 41, 8), FK_ESTALE);
	cr_expect_not_null(strstr(reason.text, "page 41"), "%s", reason.text);
	cr_expect_not_null(strstr(reason.text, "older copy"), "%s", reason.text);
	/* Nor can the version be written into it. */
	octets[4] = 8;
	cr_expect_eq(open_as(3, 41, 8), FK_EAUTH);
}

Test(page, no_octet_can_be_changed_and_none_cut_off, .init = make_page, .fini = free_page)
{
	size_t whole = size;

	for (size_t i = 0; i < whole; i++) {
		octets[i] ^= 0x80;
		cr_expect_neq(open_as(3, 41, 7), FK_OK, "octet %zu", i);
		octets[i] ^= 0x80;
	}
	for (size = 0; size < whole; size++)
		cr_expect_neq(open_as(3, 41, 7), FK_OK, "%zu octets", size);
}

Test(page, the_list_of_versions_is_that_of_one_shard, .init = make_page, .fini = free_page)
{
	static const uint8_t shards[] = {5, 9, 5, 9, 9};
	static const uint32_t versions[] = {1, 2, 3, 4, 5};
	uint8_t list[64], other[64];
	char name[FK_PAGE_VERSIONS_NAME];
	size_t list_size, other_size;

	cr_assert_eq(fk_page_versions_encode(keyring, 3, 9, shards, 5, versions, name, list,
					     sizeof(list), &list_size),
		     FK_OK);
	cr_expect_str_eq(name, "versions:9");
	cr_expect_eq(list_size, 3 * 4 + FK_PAGE_MAC_SIZE);
	cr_expect_arr_eq(list, "\0\0\0\2\0\0\0\4\0\0\0\5", 12);
	cr_assert_eq(fk_page_versions_encode(keyring, 4, 9, shards, 5, versions, name, other,
					     sizeof(other), &other_size),
		     FK_OK);
	cr_expect_arr_neq(list + 12, other + 12, FK_PAGE_MAC_SIZE);
	cr_expect_eq(fk_page_versions_encode(keyring, 3, 9, shards, 5, versions, name, list,
					     list_size - 1, &other_size),
		     FK_EFULL);
}
