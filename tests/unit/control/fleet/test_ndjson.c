/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "fleet/ndjson.h"

/* Rows and errors as text, one a line. */
static char seen[4096];
static size_t seen_size;
static enum fk_err answer;

static void say(const char *a, const char *b, const char *c, const char *d)
{
	seen_size += (size_t)snprintf(seen + seen_size, sizeof(seen) - seen_size, "%s%s%s%s", a, b,
				      c, d);
}

static void say_line(uint64_t line)
{
	seen_size +=
		(size_t)snprintf(seen + seen_size, sizeof(seen) - seen_size, "%u:", (unsigned)line);
}

static enum fk_err keep(void *ctx, uint64_t line, struct fk_csv_field *columns[FK_COLUMNS])
{
	(void)ctx;
	say_line(line);
	for (int i = 0; i < FK_COLUMNS; i++) {
		if (columns[i] == NULL)
			continue;
		cr_expect_eq(strlen(columns[i]->text), columns[i]->len);
		say("[", fk_column_name((enum fk_column)i), "=", columns[i]->text);
		say("]", "", "", "");
	}
	say("\n", "", "", "");
	return answer;
}

static enum fk_err keep_error(void *ctx, uint64_t line, const char *place, const char *reason)
{
	(void)ctx;
	say_line(line);
	say(place, ": ", reason, "\n");
	return answer;
}

/* Feeds in pieces of 'piece' octets. */
static enum fk_err parse(const char *text, size_t size, size_t piece)
{
	struct fk_ndjson *ndjson = NULL;
	enum fk_err err = FK_OK;

	seen_size = 0;
	seen[0] = '\0';
	cr_assert_eq(fk_ndjson_new(keep, keep_error, NULL, &ndjson), FK_OK);
	for (size_t at = 0; err == FK_OK && at < size; at += piece)
		err = fk_ndjson_feed(ndjson, text + at, size - at < piece ? size - at : piece);
	if (err == FK_OK)
		err = fk_ndjson_finish(ndjson);
	fk_ndjson_free(ndjson);
	return err;
}

static void expect(enum fk_err wanted_err, const char *text, const char *wanted)
{
	for (size_t piece = 1; piece <= 5; piece++) {
		cr_expect_eq(parse(text, strlen(text), piece), wanted_err, "%s", text);
		cr_expect_str_eq(seen, wanted);
	}
}

Test(ndjson, members_are_columns_in_any_order_and_number)
{
	expect(FK_OK, "{\"rsi\":7,\"ue_id\":\"a\"}\n{\"ue_id\":\"b\"}\r\n",
	       "1:[ue_id=a][rsi=7]\n2:[ue_id=b]\n");
	expect(FK_OK, " { \"kek_sln\" : \"0xf000\" } \n{}\n", "1:[kek_sln=0xf000]\n2:\n");
	expect(FK_OK, "", "");
}

Test(ndjson, null_is_an_empty_field_and_a_list_is_one_of_groups)
{
	expect(FK_OK, "{\"area\":null,\"groups\":[\"a\",\"b\"]}\n{\"groups\":[]}\n",
	       "1:[area=][groups=a;b]\n2:[groups=]\n");
	expect(FK_OK, "{\"groups\":\"a;b\"}\n{\"groups\":[1]}\n",
	       "1:[groups=a;b]\n2:groups: must be a string, or an array of strings\n");
}

Test(ndjson, a_byte_order_mark_and_empty_lines_are_skipped)
{
	expect(FK_OK,
	       "\xef\xbb\xbf"
	       "{\"mac\":\"cbc\"}\n\n \r\n{\"mnp\":1}\n",
	       "1:[mac=cbc]\n4:[mnp=1]\n");
}

Test(ndjson, an_error_names_the_place_quotes_nothing_and_the_reading_goes_on)
{
	expect(FK_OK, "{\"rsi\":1.5}\n{\"rsi\":true}\n{\"area\":[]}\n{\"area\":{}}\n{}\n",
	       "1:rsi: must be a string or an integer\n2:rsi: must be a string or an integer\n"
	       "3:area: must be a string or an integer\n4:area: must be a string or an integer\n"
	       "5:\n");
	expect(FK_OK, "{\"ue_id\":\"a\",\"00ff\":1}\n[]\n{\"ue_id\":\"a\",\"ue_id\":\"a\"}\n",
	       "1:member 2: is no column of a fleet file\n2:octet 1: is no JSON object\n"
	       "3:octet 20: a member is there twice\n");
	expect(FK_OK, "{\"kek\":00ff}\n{\"kek\":\"00\n{} {}\n{\"ue_id\":\"\\u0000\"}\n{}\n",
	       "1:octet 8: is no JSON from here on\n2:octet 10: is no JSON from here on\n"
	       "3:octet 4: is no JSON from here on\n4:octet 17: is no JSON from here on\n5:\n");
}

Test(ndjson, a_last_line_without_its_end_is_refused_and_not_handed_over)
{
	expect(FK_EFORMAT, "{}\n{\"mnp\":1}",
	       "1:\n2:octet 9: the last line has no line end: the file may be cut off here\n");
}

Test(ndjson, a_line_of_64_kib_fits_and_one_more_octet_does_not)
{
	static char text[FK_CSV_RECORD_MAX + 2];

	memset(text, ' ', sizeof(text));
	text[0] = '{';
	text[FK_CSV_RECORD_MAX - 1] = '}';
	text[FK_CSV_RECORD_MAX] = '\n';
	cr_expect_eq(parse(text, FK_CSV_RECORD_MAX + 1, 4096), FK_OK);
	cr_expect_str_eq(seen, "1:\n");
	text[FK_CSV_RECORD_MAX] = ' ';
	text[FK_CSV_RECORD_MAX + 1] = '\n';
	cr_expect_eq(parse(text, sizeof(text), 4096), FK_EFORMAT);
	cr_expect_str_eq(seen, "1:octet 65537: line is longer than 65536 octets\n");
}

Test(ndjson, empty_lines_without_end_are_refused)
{
	static char text[FK_CSV_RECORD_MAX + 8];

	memset(text, '\n', sizeof(text));
	cr_expect_eq(parse(text, FK_CSV_RECORD_MAX, 4096), FK_OK);
	cr_expect_eq(parse(text, sizeof(text), 4096), FK_EFORMAT);
}

Test(ndjson, the_receivers_error_ends_the_reading)
{
	answer = FK_EFULL;
	cr_expect_eq(parse("{}\n{}\n", 6, 6), FK_EFULL);
	cr_expect_str_eq(seen, "1:\n");
	cr_expect_eq(parse("[]\n{}\n", 6, 6), FK_EFULL);
	answer = FK_OK;
}
