/* SPDX-License-Identifier: Apache-2.0 */
#include "store/page_columns.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

static bool varies(const uint8_t *mask, size_t column)
{
	return mask[column / 8] >> (7 - column % 8) & 1;
}

/* Of each column the bits in which some row differs from the first. */
static void find_differences(const uint8_t *rows, size_t row_size,
			     uint8_t ret_bits[static FK_PAGE_ROW_MAX])
{
	memset(ret_bits, 0, FK_PAGE_ROW_MAX);
	for (size_t row = 1; row < FK_PAGE_ROWS; row++) {
		for (size_t column = 0; column < row_size; column++)
			ret_bits[column] |= rows[row * row_size + column] ^ rows[column];
	}
}

size_t fk_page_to_columns(const uint8_t *rows, size_t row_size,
			  uint8_t ret_octets[static FK_PAGE_COLUMNS_MAX])
{
	uint8_t bits[FK_PAGE_ROW_MAX], *mask = ret_octets, *at = ret_octets + row_size / 8;

	assert(row_size <= FK_PAGE_ROW_MAX && row_size % 8 == 0);
	find_differences(rows, row_size, bits);
	memset(mask, 0, row_size / 8);
	for (size_t column = 0; column < row_size; column++) {
		size_t n = bits[column] != 0 ? FK_PAGE_ROWS : 1;

		if (n > 1)
			mask[column / 8] |= (uint8_t)(0x80 >> column % 8);
		for (size_t row = 0; row < n; row++)
			at[row] = rows[row * row_size + column];
		at += n;
	}
	return (size_t)(at - ret_octets);
}

static size_t size_by_mask(const uint8_t *mask, size_t row_size)
{
	size_t size = row_size / 8;

	for (size_t column = 0; column < row_size; column++)
		size += varies(mask, column) ? FK_PAGE_ROWS : 1;
	return size;
}

enum fk_err fk_page_from_columns(const uint8_t *octets, size_t size, size_t row_size,
				 uint8_t *ret_rows)
{
	const uint8_t *at = octets + row_size / 8;
	uint8_t bits[FK_PAGE_ROW_MAX];

	assert(row_size <= FK_PAGE_ROW_MAX && row_size % 8 == 0);
	if (size < row_size / 8 || size != size_by_mask(octets, row_size))
		return FK_EFORMAT;
	for (size_t column = 0; column < row_size; column++) {
		size_t step = varies(octets, column) ? 1 : 0;

		for (size_t row = 0; row < FK_PAGE_ROWS; row++)
			ret_rows[row * row_size + column] = at[row * step];
		at += step != 0 ? FK_PAGE_ROWS : 1;
	}
	find_differences(ret_rows, row_size, bits);
	for (size_t column = 0; column < row_size; column++) {
		if (varies(octets, column) && bits[column] == 0)
			return FK_EFORMAT;
	}
	return FK_OK;
}
