/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request.h - one question to the API, or one walk through a list of it.
 *
 * Threads: one.
 */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "cli/cli.h"
#include "cli/http.h"

#define FK_REQUEST_PATH_MAX 1024 /* octets of a path with its query */

/*
 * Sends a request ('body' NULL for none; borrowed) and reads the JSON of the answer. On a 2xx
 * status returns FK_EXIT_DONE and the caller owns *ret_answer. Else the reasons were printed, with
 * --json the problem object went to standard output as well, and *ret_answer is untouched.
 */
enum fk_exit fk_request(struct fk_cli *cli, const char *method, const char *path,
			const json_t *body, json_t **ret_answer);

/* Judges an answer that has come already; frees 'reply'. Results as fk_request(). */
enum fk_exit fk_request_judge(struct fk_cli *cli, struct fk_http_reply *reply,
			      const char *file_name, json_t **ret_answer);

/* Called for each row of a list. */
typedef void (*fk_request_row_fn)(const struct fk_cli *cli, const json_t *row);

/* Walks the list at 'path', which may have a query, by cursor, a page at a time, and hands each row
 * to 'row'. Pages that name their fleet must all be of the same one. */
enum fk_exit fk_request_walk(struct fk_cli *cli, const char *path, fk_request_row_fn row);

/* Passes the body at 'path' on to 'out' as it comes. FK_EXIT_FAILED, said on standard
 * error, also if it was cut off: then what was written is not whole. */
enum fk_exit fk_request_download(struct fk_cli *cli, const char *path, FILE *out);

/* Adds "?name=value", or "&name=value" behind another, to 'path'; the value is escaped. What does
 * not fit in 'size' octets is cut, and fleetkeyd refuses it. */
void fk_request_add_query(char *path, size_t size, const char *name, const char *value);

/* One UE of the fleet in force. On FK_EXIT_DONE the caller owns '*ret_ue'. */
enum fk_exit fk_request_ue(struct fk_cli *cli, const char *ue_id, json_t **ret_ue);

/*
 * Appends the id of a campaign to 'format' (one %s). FK_EXIT_USAGE, said on standard error, if 'id'
 * is no identifier: it must not be able to leave its place in the path.
 */
enum fk_exit fk_request_path(const char *id, const char *suffix, char *path, size_t size);

/* Says on standard error what is wrong with the words; returns FK_EXIT_USAGE. */
enum fk_exit fk_usage_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
