/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csv.h - reads CSV (RFC 4180) as it arrives, in pieces of any size.
 *
 * Fields may be quoted; lines end with CR LF or LF; a byte order mark at the start is skipped; the
 * last line may lack its end. Empty lines are skipped. A NUL, a stray quote, text behind a closing
 * quote, and a record longer than FK_CSV_RECORD_MAX octets or FK_CSV_FIELDS_MAX fields are errors.
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
 * Returns FK_OK; FK_EFORMAT if the text is no CSV: fk_csv_error() says why and fk_csv_line() where,
 * and no more can be fed; or what 'fn' returned.
 */
FK_MUST_USE enum fk_err fk_csv_feed(struct fk_csv *csv, const char *octets, size_t size);
/* The end of the file: hands over a last record without line end. Returns as fk_csv_feed(). */
FK_MUST_USE enum fk_err fk_csv_finish(struct fk_csv *csv);

/* The line being read, from 1. */
uint64_t fk_csv_line(const struct fk_csv *csv);
/* Why the text is no CSV; never quotes it. Empty while all is well. */
const char *fk_csv_error(const struct fk_csv *csv);
