/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kat.h - known-answer tests from JSON files: key wrap, MAC, outer layer, message numbers and whole
 * messages.
 *
 * The kind of a case shows in its members. A case of no known kind has failed, and so has one that
 * lacks a member of its kind, or has one that is neither checked nor a remark. Remarks are "name",
 * "source", "reason", "basis", "confidence", "layout_source" and "cross_checked_by". What is
 * derived from a MAC's key is there if the frame has a MAC, and what is unwrapped if it has wrapped
 * keys; only an "outer_layer" is in some cases and not in others like them.
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
