/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "store/page_columns.h"

#define ROUNDS 2000

static uint8_t rows[FK_PAGE_MAX], again[FK_PAGE_MAX], octets[FK_PAGE_COLUMNS_MAX];

/* Rows that differ in about 'percent' of their columns. */
static void make_rows(size_t row_size, unsigned percent)
{
	for (size_t column = 0; column < row_size; column++) {
		bool is_mixed = (unsigned)(rand() % 100) < percent;
		uint8_t octet = (uint8_t)rand();

		for (size_t row = 0; row < FK_PAGE_ROWS; row++)
			rows[row * row_size + column] = is_mixed ? (uint8_t)rand() : octet;
	}
}

Test(page_columns, a_page_comes_back_as_it_was)
{
	srand(7);
	for (size_t row_size = 8; row_size <= FK_PAGE_ROW_MAX; row_size += 8) {
		for (unsigned i = 0; i < ROUNDS; i++) {
			size_t size;

			make_rows(row_size, i % 101);
			size = fk_page_to_columns(rows, row_size, octets);
			cr_assert_leq(size, FK_PAGE_ROWS * row_size + row_size / 8);
			cr_assert_eq(fk_page_from_columns(octets, size, row_size, again), FK_OK);
			cr_assert_arr_eq(again, rows, FK_PAGE_ROWS * row_size);
		}
	}
}

Test(page_columns, one_row_that_differs_in_one_octet_costs_one_column)
{
	for (size_t row = 0; row < FK_PAGE_ROWS; row++) {
		memset(rows, 5, sizeof(rows));
		rows[row * 32 + 17] ^= 0x80;
		cr_expect_eq(fk_page_to_columns(rows, 32, octets), 4 + 31 + 64);
		cr_expect_eq(octets[2], 0x40);
		cr_assert_eq(fk_page_from_columns(octets, 4 + 31 + 64, 32, again), FK_OK);
		cr_expect_arr_eq(again, rows, FK_PAGE_MAX);
	}
}

/* So a page that was stored row by row is never taken for one by columns. */
Test(page_columns, no_form_has_the_size_of_its_page)
{
	for (size_t row_size = 8; row_size <= FK_PAGE_ROW_MAX; row_size += 8) {
		for (size_t n = 0; n <= row_size; n++)
			cr_expect_neq(row_size / 8 + (row_size - n) + n * FK_PAGE_ROWS,
				      row_size * FK_PAGE_ROWS);
	}
}

Test(page_columns, another_size_than_the_mask_says_is_refused)
{
	size_t size;

	srand(11);
	make_rows(32, 50);
	size = fk_page_to_columns(rows, 32, octets);
	for (size_t n = 0; n <= FK_PAGE_COLUMNS_MAX; n++)
		cr_expect_eq(fk_page_from_columns(octets, n, 32, again),
			     n == size ? FK_OK : FK_EFORMAT);
}

Test(page_columns, a_column_that_does_not_vary_as_it_says_is_refused)
{
	memset(octets, 0, sizeof(octets));
	octets[0] = 0x01;
	cr_expect_eq(fk_page_from_columns(octets, 1 + 7 + 64, 8, again), FK_EFORMAT);
	octets[1 + 7 + 63] = 1;
	cr_expect_eq(fk_page_from_columns(octets, 1 + 7 + 64, 8, again), FK_OK);
	cr_expect_eq(again[63 * 8 + 7], 1);
}
