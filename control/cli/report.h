/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report.h - checks a signed report, a line at a time, by its signature and by itself: what it says
 * in all must be what its lines say.
 *
 * Threads: one. Memory: a line, and a bit for each RSI.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

#include <fleetkey/err.h>

#include "report/signature.h"

#define FK_REPORT_REASON_SIZE 200
#define FK_REPORT_LINE_MAX    (1u << 20) /* octets */

struct fk_report_summary {
	json_t *campaign, *end; /* owned */
};

/*
 * Reads 'file' to its end. FK_OK, and the caller frees the summary; FK_EAUTH if 'key' did not sign
 * it; FK_EFORMAT if it is no report, is not whole, or contradicts itself; FK_EIO, FK_ENOMEM,
 * FK_ESELFTEST. 'ret_reason' names line and reason.
 */
FK_MUST_USE enum fk_err fk_report_check(FILE *file, const uint8_t key[static FK_REPORT_PUBLIC_SIZE],
					struct fk_report_summary *ret_summary,
					char ret_reason[static FK_REPORT_REASON_SIZE]);
void fk_report_summary_fini(struct fk_report_summary *summary);
