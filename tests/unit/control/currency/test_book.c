/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "currency/book.h"

static struct fk_currency_book *book;

static void set_up(void)
{
	cr_assert_eq(fk_currency_book_new(3, &book), FK_OK);
}

static void tear_down(void)
{
	fk_currency_book_free(book);
}

TestSuite(book, .init = set_up, .fini = tear_down);

Test(book, a_new_one_knows_nothing_and_hides_nothing)
{
	struct fk_currency ue;
	size_t size;

	fk_currency_book_get(book, 191, &ue);
	cr_expect_eq(ue.n_entries, 0);
	cr_expect_not(ue.has_gap);
	cr_expect_eq(fk_currency_book_n_dirty(book), 0);
	cr_expect_not_null(fk_currency_book_octets(book, 2, &size));
	cr_expect_eq(size, 64, "an octet for each UE");
}

Test(book, a_page_that_was_never_written_has_gaps)
{
	struct fk_currency ue;

	cr_assert_eq(fk_currency_book_take(book, 1, NULL, 0), FK_OK);
	fk_currency_book_get(book, 64, &ue);
	cr_expect(ue.has_gap);
	fk_currency_book_get(book, 63, &ue);
	cr_expect_not(ue.has_gap);
	cr_expect_eq(fk_currency_book_n_dirty(book), 0);
}

Test(book, what_is_put_is_dirty_until_written_and_comes_back_through_the_store)
{
	struct fk_currency ues[FK_CURRENCY_PAGE] = {{.n_entries = 0}}, ue;
	struct fk_currency_book *other;
	const uint8_t *octets;
	uint32_t pages[3];
	size_t size;

	for (uint32_t i = 0; i < FK_CURRENCY_PAGE; i += 3)
		fk_currency_add(&ues[i], 7 + i)->held = (uint16_t)i;
	cr_assert_eq(fk_currency_book_put_page(book, 2, ues), FK_OK);
	cr_assert_eq(fk_currency_book_put_page(book, 0, ues), FK_OK);
	cr_assert_eq(fk_currency_book_put_page(book, 2, ues), FK_OK);
	cr_assert_eq(fk_currency_book_list_dirty(book, pages, 3), 2);
	fk_currency_book_written(book, 2);
	cr_assert_eq(fk_currency_book_list_dirty(book, pages, 3), 1);
	cr_expect_eq(pages[0], 0);
	cr_assert_eq(fk_currency_book_put_page(book, 2, ues), FK_OK);
	cr_expect_eq(fk_currency_book_n_dirty(book), 1, "nothing has changed");

	octets = fk_currency_book_octets(book, 2, &size);
	cr_assert_eq(fk_currency_book_new(1, &other), FK_OK);
	cr_assert_eq(fk_currency_book_take(other, 0, octets, size), FK_OK);
	for (uint32_t i = 0; i < FK_CURRENCY_PAGE; i++) {
		fk_currency_book_get(other, i, &ue);
		cr_expect_eq(ue.n_entries, i % 3 == 0);
		cr_expect_eq(fk_currency_find(&ue, 7 + i) != NULL, i % 3 == 0);
	}
	fk_currency_book_free(other);
}

Test(book, a_damaged_page_is_refused_and_changes_nothing)
{
	struct fk_currency ues[FK_CURRENCY_PAGE] = {{.n_entries = 0}}, ue;
	uint8_t octets[FK_CURRENCY_SIZE_MAX + 1] = {0};
	size_t size;

	(void)fk_currency_add(&ues[63], 5);
	size = fk_currency_page_encode(ues, octets);
	for (size_t i = 1; i <= size + 1; i++)
		cr_expect_eq(fk_currency_book_take(book, 0, octets, i),
			     i == size ? FK_OK : FK_EFORMAT);
	octets[0] = 0xff;
	cr_expect_eq(fk_currency_book_take(book, 0, octets, size), FK_EFORMAT);
	fk_currency_book_get(book, 63, &ue);
	cr_expect_not_null(fk_currency_find(&ue, 5));
}
