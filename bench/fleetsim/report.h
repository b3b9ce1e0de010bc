/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report.h - the fleet's verdict, written when fleetsim ends.
 *
 * The report is one JSON object: counts, and per group who holds what. A group agrees if no two of
 * its members hold different traffic keys in one place (keyset and SLN) of the keyset loaded last;
 * how many hold all keys is a number of its own. The book is NDJSON: one line per held key, sorted
 * by ue_id; a key is active if its keyset is. Key octets are compared in memory and appear in
 * neither, nor does a hash of them. The refusals are NDJSON: one line per UE that will never hold
 * the key, with the reason, in the order of the fleet file.
 *
 * All files are written beside their place and renamed: a reader sees them whole or not at all.
 *
 * Threads: the main lcore, after the worker has ended.
 */
#pragma once

#include <fleetkey/err.h>

#include "counts.h"
#include "face.h"
#include "fleet.h"
#include "hostile.h"
#include "insider.h"
#include "lies.h"
#include "traits.h"

/* What a run has seen. Borrowed. */
struct fk_verdict {
	const struct fk_fleet *fleet;
	const struct fk_sim_counts *counts;
	const struct fk_hostile *hostile;
	const struct fk_insider *insider;
	const struct fk_lies *lies;
	const struct fk_traits *traits;
	const struct fk_face *faces; /* n_faces of them */
	uint32_t n_faces;
	uint32_t n_keys; /* traffic keys that a UE should hold */
};

/* Return FK_OK; FK_EIO, with errno set; FK_ENOMEM. */
FK_MUST_USE enum fk_err fk_report_write(const char *path, const struct fk_verdict *verdict);
FK_MUST_USE enum fk_err fk_book_write(const char *path, const struct fk_fleet *fleet);
FK_MUST_USE enum fk_err fk_refusals_write(const char *path, const struct fk_verdict *verdict);
