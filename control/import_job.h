/* SPDX-License-Identifier: Apache-2.0 */
/*
 * import_job.h - carries an import that was read to its end, a slice at a time.
 *
 * Checking, staging, publishing, loading and clearing up take seconds for a large fleet; between
 * two slices of some milliseconds the process renews its lease and answers its API.
 *
 *   read -> comparing -> staging -> loading -> clearing -> done
 *
 * Until the new generation is published nothing has changed. A job that fails after it, or that
 * cannot tell, has fk_app_reload() begin anew with what is in force: the fleet in memory is not any
 * more, and what is written on its behalf, numbers above all, would not be found again.
 *
 * A job that fails before that may leave pages in the store. They are removed a slice at a time,
 * too, once no import runs and the store can be written.
 *
 * Threads: belongs to one thread. Memory: owns its import; fk_import_job_free() ends both.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <fleetkey/err.h>

#include "fleet/import.h"
#include "reason.h"

struct fk_app;
struct fk_import_job; /* layout is private to import_job.c */

/* Takes 'import' on FK_OK. FK_ENOMEM. */
FK_MUST_USE enum fk_err fk_import_job_new(struct fk_app *app, struct fk_import *import,
					  struct fk_import_job **ret_job);
void fk_import_job_free(struct fk_import_job *job);

/*
 * One slice. Returns FK_OK; what the fk_import_* functions, the fleet loader and
 * fk_app_take_fleet() return. After an error no further step may follow.
 */
FK_MUST_USE enum fk_err fk_import_job_step(struct fk_import_job *job, bool *ret_done,
					   struct fk_reason *reason);

/* True if a failed job has left pages, and the store is there. */
bool fk_import_may_sweep(const struct fk_app *app);
/* Removes some of them; what fails is left to the next import, or start. Not while an import or a
 * backup runs. */
void fk_import_sweep_step(struct fk_app *app);

/* The import, for its errors; NULL once it is published. Borrowed. */
const struct fk_import *fk_import_job_import(const struct fk_import_job *job);
/* What it came to; after the step that said done. Borrowed. */
const struct fk_import_result *fk_import_job_result(const struct fk_import_job *job);
/* The name of the stage, and pages done in it of all. Never NULL. */
const char *fk_import_job_progress(const struct fk_import_job *job, uint32_t *ret_n_rows,
				   uint32_t *ret_done, uint32_t *ret_total);
