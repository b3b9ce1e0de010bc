/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "fleet/csv.h"

/* Records as text: fields in brackets, records by line. */
static char seen[4096];
static size_t seen_size;
static enum fk_err answer;

static enum fk_err keep(void *ctx, uint64_t line, struct fk_csv_field *fields, uint32_t n)
{
	(void)ctx;
	if (answer == FK_EBUSY) /* only whether a record came matters */
		return answer;
	seen_size +=
		(size_t)snprintf(seen + seen_size, sizeof(seen) - seen_size, "%u:", (unsigned)line);
	for (uint32_t i = 0; i < n; i++) {
		cr_expect_eq(strlen(fields[i].text), fields[i].len);
		seen_size += (size_t)snprintf(seen + seen_size, sizeof(seen) - seen_size, "[%s]",
					      fields[i].text);
	}
	seen_size += (size_t)snprintf(seen + seen_size, sizeof(seen) - seen_size, "\n");
	return answer;
}

/* Feeds in pieces of 'piece' octets. */
static enum fk_err parse(const char *text, size_t size, size_t piece)
{
	struct fk_csv *csv = NULL;
	enum fk_err err;

	seen_size = 0;
	seen[0] = '\0';
	cr_assert_eq(fk_csv_new(keep, NULL, &csv), FK_OK);
	err = FK_OK;
	for (size_t at = 0; err == FK_OK && at < size; at += piece)
		err = fk_csv_feed(csv, text + at, size - at < piece ? size - at : piece);
	if (err == FK_OK)
		err = fk_csv_finish(csv);
	if (err == FK_EFORMAT)
		cr_expect_str_neq(fk_csv_error(csv), "");
	fk_csv_free(csv);
	return err;
}

static void expect(const char *text, const char *wanted)
{
	for (size_t piece = 1; piece <= 5; piece++) {
		cr_expect_eq(parse(text, strlen(text), piece), FK_OK, "%s", text);
		cr_expect_str_eq(seen, wanted);
	}
}

static void expect_error(const char *text, size_t size)
{
	for (size_t piece = 1; piece <= 5; piece++)
		cr_expect_eq(parse(text, size, piece), FK_EFORMAT, "%s", text);
}

Test(csv, both_line_ends_are_taken)
{
	expect("a,b\nc,d\n", "1:[a][b]\n2:[c][d]\n");
	expect("a,b\r\nc,d\r\n", "1:[a][b]\n2:[c][d]\n");
	expect("", "");
}

/* A copy that was cut off: 1000 would read as 1. */
Test(csv, a_last_line_without_its_end_is_refused_and_not_handed_over)
{
	expect_error("a,b\r\nc,d", 8);
	cr_expect_str_eq(seen, "1:[a][b]\n");
	expect_error("a", 1);
	expect_error("a,", 2);
	expect_error("\"\"", 2);
	cr_expect_str_eq(seen, "");
}

Test(csv, empty_fields_count_and_empty_lines_do_not)
{
	expect(",\n,,\n", "1:[][]\n2:[][][]\n");
	expect("a\n\n\nb\n", "1:[a]\n4:[b]\n");
	expect("\"\"\n", "1:[]\n");
	expect("a,\n", "1:[a][]\n");
}

/* spec: RFC 4180 §2 */
Test(csv, quoted_fields_hold_commas_quotes_and_lines)
{
	expect("\"a,b\",\"c\"\"d\"\n", "1:[a,b][c\"d]\n");
	expect("\"x\ny\",z\nq,r\n", "1:[x\ny][z]\n3:[q][r]\n");
	expect("\"\"\"\"\n", "1:[\"]\n");
}

Test(csv, a_byte_order_mark_is_skipped_at_the_start_only)
{
	expect("\xef\xbb\xbf"
	       "a,b\n",
	       "1:[a][b]\n");
	expect("a\n\xef\xbb\xbf"
	       "b\n",
	       "1:[a]\n2:[\xef\xbb\xbf"
	       "b]\n");
	expect_error("\xef\xbb"
		     "a\n",
		     4);
	expect_error("\xef", 1);
}

Test(csv, what_is_no_csv_is_refused)
{
	expect_error("a\0b\n", 4);
	expect_error("\"a\0b\"\n", 6);
	expect_error("a\"b\n", 4);
	expect_error("\"a\"b\n", 5);
	expect_error("\"a\n", 3);
	expect_error("a\rb\n", 4);
	expect_error("a\r", 2);
}

Test(csv, a_record_of_64_kib_fits_and_one_more_octet_does_not)
{
	static char text[FK_CSV_RECORD_MAX + 2];

	memset(text, 'a', sizeof(text));
	text[FK_CSV_RECORD_MAX - 1] = '\n';
	answer = FK_EBUSY; /* tells a record that arrived from one that did not */
	cr_expect_eq(parse(text, FK_CSV_RECORD_MAX, 4096), FK_EBUSY);
	answer = FK_OK;
	text[FK_CSV_RECORD_MAX - 1] = 'a';
	text[FK_CSV_RECORD_MAX] = '\n';
	cr_expect_eq(parse(text, FK_CSV_RECORD_MAX + 1, 4096), FK_EFORMAT);
}

Test(csv, sixty_four_fields_fit_and_one_more_does_not)
{
	char text[80];

	memset(text, ',', sizeof(text));
	text[63] = '\n';
	cr_expect_eq(parse(text, 64, 80), FK_OK);
	text[63] = ',';
	text[64] = '\n';
	cr_expect_eq(parse(text, 65, 80), FK_EFORMAT);
}

/* Where the error of a text is: line and field. */
static void expect_error_at(const char *text, uint64_t line, uint32_t field)
{
	struct fk_csv *csv = NULL;
	enum fk_err err;

	cr_assert_eq(fk_csv_new(keep, NULL, &csv), FK_OK);
	err = fk_csv_feed(csv, text, strlen(text));
	if (err == FK_OK)
		err = fk_csv_finish(csv);
	cr_expect_eq(err, FK_EFORMAT);
	cr_expect_eq(fk_csv_error_line(csv), line, "%s", text);
	cr_expect_eq(fk_csv_error_field(csv), field, "%s", text);
	cr_expect_eq(fk_csv_feed(csv, "d\n", 2), FK_EFORMAT);
	cr_expect_eq(fk_csv_finish(csv), FK_EFORMAT);
	fk_csv_free(csv);
}

Test(csv, the_error_names_the_line_and_the_field)
{
	static char text[FK_CSV_RECORD_MAX + 16];

	expect_error_at("a\nb\nc\"\n", 3, 0);
	expect_error_at("a,b\nc,d\re\n", 2, 1);
	expect_error_at("a,b\nc,d", 2, 1);
	/* It is told where a quoted field begins, not where the search for its end was given up. */
	expect_error_at("a,b\nc,\"d\ne,f\ng,h\n", 2, 1);
	memset(text, '\n', sizeof(text) - 1);
	memcpy(text, "a,b\nc,d\n,\"", 10);
	expect_error_at(text, 3, 1);
}

Test(csv, empty_lines_without_end_are_refused)
{
	static char text[FK_CSV_RECORD_MAX + 8];

	memset(text, '\n', sizeof(text));
	cr_expect_eq(parse(text, FK_CSV_RECORD_MAX, 4096), FK_OK);
	cr_expect_eq(parse(text, sizeof(text), 4096), FK_EFORMAT);
}

Test(csv, the_receivers_error_ends_the_reading)
{
	answer = FK_EFULL;
	cr_expect_eq(parse("a\nb\n", 4, 4), FK_EFULL);
	cr_expect_str_eq(seen, "1:[a]\n");
	answer = FK_OK;
}
