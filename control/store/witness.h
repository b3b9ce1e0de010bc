/* SPDX-License-Identifier: Apache-2.0 */
/*
 * witness.h - private to control/store: what the store has confirmed, in a small file beside it.
 *
 * A store that was put back from an older copy cannot know that it is older; this file does. It
 * holds the counts that the store gave out, and a copy of the message numbers of the fleet in
 * force, so that after such a loss no number is used again. It holds no secret. It is mapped and
 * written in place, at no cost: it outlives the process at any instant, and lags behind at worst
 * if the machine loses power, which is then a store that is ahead of it, as it is meant to be.
 *
 * Layout: magic 8, KMF id 16, run_id 64, counts, generation and number of the pages, statements,
 * writes of
 * keys, generation and number of writes of fleet pages, zeros up to 512; then the pages as
 * numbers.h lays them out. Integers are the machine's: the file stays there.
 *
 * Threads: belongs to one thread. Memory: one mapping, as large as the file.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>

#include "reason.h"

#define FK_WITNESS_PAGE_SIZE   512 /* octets of a page of numbers: FK_NUMBERS_PAGE_SIZE */
#define FK_WITNESS_RUN_ID_SIZE 64

/* The highest that the store has given out and confirmed. */
struct fk_witness_counts {
	uint64_t epoch, n_batches;
	uint64_t campaign_id, generation;
};

struct fk_witness; /* layout is private to witness.c */

/*
 * Maps the file, which is made if it is not there. On FK_OK the caller owns '*ret_witness'. Returns
 * FK_EIO; FK_EPOLICY if it is not a file of the effective user that nobody else can use; FK_EFORMAT
 * if it is no such file; FK_ESTALE if it is another KMF's. 'reason' names the file.
 */
FK_MUST_USE enum fk_err fk_witness_open(const char *path, const uint8_t kmf_id[static 16],
					struct fk_witness **ret_witness, struct fk_reason *reason);
void fk_witness_close(struct fk_witness *witness);

/* To be read, and raised in place. Borrowed until fk_witness_close(), or fk_witness_begin(). */
struct fk_witness_counts *fk_witness_counts(struct fk_witness *witness);
/* The same for how many statements were counted (store.h); 0 in a file from before they were. */
uint64_t *fk_witness_statements(struct fk_witness *witness);
/* The same for how often keys were written, all together. */
uint64_t *fk_witness_key_writes(struct fk_witness *witness);
/* How often pages of the fleet of '*ret_generation' were written, all together. Both may be written
 * in place. */
uint64_t *fk_witness_page_writes(struct fk_witness *witness, uint64_t **ret_generation);
/* The run of Redis that was last seen: FK_WITNESS_RUN_ID_SIZE octets, to be written in place. */
char *fk_witness_run_id(struct fk_witness *witness);

/* Makes room for the pages of a fleet, whose generation is never 0. They count when all have been
 * put and fk_witness_end() was called. FK_OK, or FK_EIO: there are no pages then. */
FK_MUST_USE enum fk_err fk_witness_begin(struct fk_witness *witness, uint64_t generation,
					 uint32_t n_pages);
void fk_witness_end(struct fk_witness *witness);
/* A page that is about to be written to the store. One of another generation is ignored. */
void fk_witness_put(struct fk_witness *witness, uint64_t generation, uint32_t page,
		    const void *octets);
/* The page as it was last put, NULL if the pages are another generation's. Borrowed. */
const uint8_t *fk_witness_page(const struct fk_witness *witness, uint64_t generation,
			       uint32_t page);
