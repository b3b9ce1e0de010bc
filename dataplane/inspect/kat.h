/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kat.h - known-answer tests from JSON files: key wrap, MAC, outer layer, message numbers and whole
 * messages.
 *
 * The kind of a case shows in its members. A case of no known kind has failed, and so has one with
 * a member that is neither checked nor on the short list of those that describe the case.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "inspect/proof.h"

struct fk_kat_result {
	uint32_t n_passed, n_failed;
};

/* Runs every case of one file, adds to 'result' and writes one JSON object for each that failed, or
 * that was refused as it has to be, to 'out'. A file that cannot be read counts as one failure; the
 * offset of its error counts octets of the file, and that of a case is 0: "index" says which. */
void fk_kat_run(struct fk_proof *proof, const char *path, FILE *out, struct fk_kat_result *result);
