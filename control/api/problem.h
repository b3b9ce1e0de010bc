/* SPDX-License-Identifier: Apache-2.0 */
/*
 * problem.h - errors as RFC 9457 tells them: type, title, status, detail, and our field and reason.
 *
 * Threads: everything here is pure.
 */
#pragma once

#include <jansson.h>

#include <fleetkey/err.h>

/* The HTTP status that stands for 'err'. */
unsigned fk_problem_status(enum fk_err err);

/* A new object, or NULL if memory is out. 'field' and 'reason' may be NULL. */
json_t *fk_problem_new(unsigned status, const char *title, const char *field, const char *reason);
