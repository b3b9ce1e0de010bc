/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csv.h - reads CSV (RFC 4180) as it arrives, in pieces of any size.
 *
 * Fields may be quoted; lines end with CR LF or LF; a byte order mark at the start is skipped.
 * Empty lines are skipped. A NUL, a stray quote, text behind a closing quote, and a record longer
 * than FK_CSV_RECORD_MAX octets or FK_CSV_FIELDS_MAX fields are errors; and so is a last line
 * without its end, which RFC 4180 allows: where a copy was cut off in a number it would read as
 * another one.
 *
 * Threads: belongs to one thread. Memory: one buffer of fixed size, inside; wiped after each record
 * and at the end, since records carry keys.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>

#define FK_CSV_RECORD_MAX 65536 /* octets of one record */
#define FK_CSV_FIELDS_MAX 64

struct fk_csv; /* layout is private to csv.c */

/* One field: NUL-terminated, may be written to (the receiver wipes keys in place). */
struct fk_csv_field {
	char *text;
	size_t len; /* characters */
};

/* Called for each record. 'line' is where the record starts, from 1. */
typedef enum fk_err (*fk_csv_record_fn)(void *ctx, uint64_t line, struct fk_csv_field *fields,
					uint32_t n_fields);

/* On FK_OK the caller owns '*ret_csv'. FK_ENOMEM. */
FK_MUST_USE enum fk_err fk_csv_new(fk_csv_record_fn fn, void *ctx, struct fk_csv **ret_csv);
void fk_csv_free(struct fk_csv *csv);

/*
 * Returns FK_OK; FK_EFORMAT if the text is no CSV: fk_csv_error() says why, the two behind it
 * where, and no more can be fed; or what 'fn' returned.
 */
FK_MUST_USE enum fk_err fk_csv_feed(struct fk_csv *csv, const char *octets, size_t size);
/* The end of the file. Returns as fk_csv_feed(). */
FK_MUST_USE enum fk_err fk_csv_finish(struct fk_csv *csv);

/* Why the text is no CSV; never quotes it. Empty while all is well. */
const char *fk_csv_error(const struct fk_csv *csv);
/* Where that is: the line, from 1, and the field of its record, from 0. Of what goes on over lines,
 * where it began. */
uint64_t fk_csv_error_line(const struct fk_csv *csv);
uint32_t fk_csv_error_field(const struct fk_csv *csv);
