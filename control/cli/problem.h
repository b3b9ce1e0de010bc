/* SPDX-License-Identifier: Apache-2.0 */
/*
 * problem.h - what fleetkeyd refused and why (problem+json, RFC 9457) as lines and exit codes.
 *
 * Threads: everything here is pure but for the file written to.
 */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "cli/cli.h"

/* The exit code for an HTTP status: done for 2xx, policy for 401 and 403, failed for the rest. */
enum fk_exit fk_problem_exit(long status);

/*
 * Writes the reasons in 'problem' (NULL if the body was no JSON object) to 'file': one line with
 * title, field and reason, then for each of its errors "file:line: column: reason". 'file_name' is
 * the file that the request carried, NULL if none.
 */
void fk_problem_print(FILE *file, long status, const json_t *problem, const char *file_name);
