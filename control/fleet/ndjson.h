/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ndjson.h - reads a fleet file of JSON objects, one a line, as it arrives, in pieces of any size.
 *
 * A member has the name of a column; its value is what the column's field would hold, as a string
 * or as an integer, or null for an empty one; 'groups' may be an array of strings. A byte order
 * mark at the start and empty lines are skipped. A line longer than FK_CSV_RECORD_MAX octets, or a
 * last line without its end, ends the reading; a line that is no such object is an error of its
 * row.
 *
 * Threads: belongs to one thread. Memory: two buffers of fixed size, inside, wiped after each line
 * and at the end, and what jansson takes for one line: see fk_json_wipe_always().
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>

#include "fleet/columns.h"
#include "fleet/csv.h"

struct fk_ndjson; /* layout is private to ndjson.c */

/* Called for each line that holds an object; NULL: it has no member for that column. Fields may be
 * written to, as those of a CSV record. 'line' is from 1. */
typedef enum fk_err (*fk_ndjson_row_fn)(void *ctx, uint64_t line,
					struct fk_csv_field *columns[static FK_COLUMNS]);
/* Called for each line that holds none. 'place' says where in the line; neither quotes it. */
typedef enum fk_err (*fk_ndjson_error_fn)(void *ctx, uint64_t line, const char *place,
					  const char *reason);

/* On FK_OK the caller owns '*ret_ndjson'. FK_ENOMEM. */
FK_MUST_USE enum fk_err fk_ndjson_new(fk_ndjson_row_fn row, fk_ndjson_error_fn error, void *ctx,
				      struct fk_ndjson **ret_ndjson);
void fk_ndjson_free(struct fk_ndjson *ndjson);

/* Returns FK_OK; FK_EFORMAT after an error that ends the reading, which was told; or what a
 * callback returned. Then no more can be fed. */
FK_MUST_USE enum fk_err fk_ndjson_feed(struct fk_ndjson *ndjson, const char *octets, size_t size);
/* The end of the file. Returns as fk_ndjson_feed(). */
FK_MUST_USE enum fk_err fk_ndjson_finish(struct fk_ndjson *ndjson);

/* From now on jansson's memory is wiped when it is freed, in all of the process: lines carry keys.
 */
void fk_json_wipe_always(void);
