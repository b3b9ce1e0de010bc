/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slns.h - lists of SLNs on the command line.
 *
 * Threads: one.
 */
#pragma once

#include <jansson.h>

#define FK_CLI_SLN_MAX 4095 /* of a TEK */

/* "1,2,5-8", the value of 'option', as a JSON list of at most 'max' SLNs, which the caller
 * releases; NULL, with the reason told on standard error, if it is none. */
json_t *fk_slns_read(const char *option, const char *text, unsigned max);
