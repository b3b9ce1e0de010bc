/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page_columns.h - the stored form of a page of equal rows: column by column, and a column in which
 * all rows have the same octet takes one.
 *
 * Rows of one page are much alike: before the first answer those of a ledger differ in a few
 *octets, afterwards in about half. What is not written costs no copy, no page of the log and no
 *memory. The form is
 *
 *	mask	row_size / 8 octets; bit c, the first octet's highest being 0: column c varies
 *	columns	in their order: FK_PAGE_ROWS octets if it varies, else one
 *
 * and there is one form for each page. It is longer than the page by the mask at most, and has
 *never the size of the page itself, so that a page that was stored row by row is told from it.
 *
 * Threads: everything here is pure.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>

#define FK_PAGE_ROWS	    64u
#define FK_PAGE_ROW_MAX	    32u /* octets of a row; a multiple of 8 */
#define FK_PAGE_MAX	    (FK_PAGE_ROWS * FK_PAGE_ROW_MAX)
#define FK_PAGE_COLUMNS_MAX (FK_PAGE_MAX + FK_PAGE_ROW_MAX / 8)

/*
 * Writes the stored form of the FK_PAGE_ROWS rows at 'rows', each of 'row_size' octets, to
 * 'ret_octets'; returns its octets.
 */
size_t fk_page_to_columns(const uint8_t *rows, size_t row_size,
			  uint8_t ret_octets[static FK_PAGE_COLUMNS_MAX]);

/*
 * Reads what fk_page_to_columns() wrote, 'size' octets, into FK_PAGE_ROWS rows. Returns FK_OK;
 * FK_EFORMAT if the size is not that of the columns that the mask names, or if a column that is
 * said to vary does not: then 'ret_rows' is undefined.
 */
FK_MUST_USE enum fk_err fk_page_from_columns(const uint8_t *octets, size_t size, size_t row_size,
					     uint8_t *ret_rows);
