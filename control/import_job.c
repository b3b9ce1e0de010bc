/* SPDX-License-Identifier: Apache-2.0 */
#include "import_job.h"

#include <inttypes.h>
#include <stdlib.h>

#include "app.h"
#include "log.h"

/* A slice of each stage takes some 5 to 15 ms, waiting for Redis included. */
#define COMPARE_SLOTS 32768u
#define STAGE_PAGES   64u
#define LOAD_PAGES    96u
#define SWEEP_PAGES   512u
/* Of a Redis that has hardly any memory left, at first: each slice makes room for a larger one. */
#define SWEEP_PAGES_MIN 8u

enum stage {
	CHECKING,
	COMPARING,
	STAGING,
	PUBLISHING,
	OPENING,
	LOADING,
	CLEARING,
};

struct fk_import_job {
	struct fk_app *app;
	enum stage stage;
	struct fk_import *import; /* NULL once it is published */
	struct fk_fleet_loader *loader;
	struct fk_import_result result;
	uint32_t n_rows;
};

enum fk_err fk_import_job_new(struct fk_app *app, struct fk_import *import,
			      struct fk_import_job **ret_job)
{
	struct fk_import_job *job = calloc(1, sizeof(*job));
	struct fk_import_progress progress;

	if (job == NULL)
		return FK_ENOMEM;
	fk_import_progress(import, &progress);
	job->app = app;
	job->import = import;
	job->n_rows = progress.n_rows;
	*ret_job = job;
	return FK_OK;
}

void fk_import_job_free(struct fk_import_job *job)
{
	if (job == NULL)
		return;
	/* Not while it is not known which of two fleets is in force: the next life sweeps. */
	if (job->import != NULL && job->stage >= STAGING && job->app->reload_at_ms == 0)
		job->app->n_sweep_pages = SWEEP_PAGES_MIN;
	fk_fleet_loader_free(job->loader);
	fk_import_free(job->import);
	free(job);
}

/* What failed may have come after the flip, and then memory has a fleet that is not in force. */
static bool may_be_behind(const struct fk_import_job *job, enum fk_err err)
{
	if (job->stage == PUBLISHING)
		return err == FK_ESTORE || err == FK_ESTALE;
	return job->stage == OPENING || job->stage == LOADING;
}

/* Begins anew with what is in force, and says so to whoever waits for this import. */
static void reload(struct fk_import_job *job, enum fk_err err, struct fk_reason *reason)
{
	const char *what = job->stage == PUBLISHING ? "whether this fleet is in force is not known"
						    : "this fleet is in force";
	const struct fk_reason why = *reason;

	fk_reason_set(reason, "%s, and what is in force is being loaded anew, since: %s", what,
		      why.text[0] != '\0' ? why.text : fk_err_text(err));
	fk_log(FK_LOG_ERROR, "an import ended behind its flip", "error=\"%s\" reason=\"%s\"",
	       fk_err_text(err), reason->text);
	fk_app_reload(job->app);
}

static enum fk_err publish(struct fk_import_job *job, struct fk_reason *reason)
{
	enum fk_err err;

	/* After the flip a campaign of the old fleet could not go on, nor be ended. */
	if (!fk_engine_is_settled(job->app->engine)) {
		fk_reason_set(reason, "a campaign is active, or still being written to the store");
		return FK_EBUSY;
	}
	err = fk_import_publish(job->import, &job->result);
	if (err != FK_OK)
		return err;
	/* It borrows the fleet that is about to go. */
	fk_import_free(job->import);
	job->import = NULL;
	fk_log(FK_LOG_INFO, "fleet imported", "generation=%" PRIu64 " n_ues=%u n_kept=%u",
	       job->result.generation, job->result.n_ues, job->result.n_kept);
	return FK_OK;
}

static enum fk_err take_fleet(struct fk_import_job *job, struct fk_reason *reason)
{
	struct fk_fleet *fleet;
	struct fk_keytable_file *table;

	fk_fleet_loader_take(job->loader, &fleet, &table);
	job->loader = NULL;
	return fk_app_take_fleet(job->app, fleet, table, reason);
}

/* The old fleet only takes room: what cannot be cleared now is cleared after the next import. */
static bool clear(struct fk_import_job *job)
{
	struct fk_app *app = job->app;
	bool done = false;
	enum fk_err err = fk_store_forget_rosters(app->store, app->config->store.rosters);

	if (err == FK_OK)
		err = fk_store_sweep_step(app->store, SWEEP_PAGES, &done);

	if (err != FK_OK)
		fk_log(FK_LOG_WARN, "old fleets stay for now", "error=\"%s\"", fk_err_text(err));
	return done || err != FK_OK;
}

bool fk_import_may_sweep(const struct fk_app *app)
{
	return app->n_sweep_pages > 0 && fk_store_is_healthy(app->store);
}

void fk_import_sweep_step(struct fk_app *app)
{
	bool done = false;
	enum fk_err err = fk_store_sweep_step(app->store, app->n_sweep_pages, &done);

	if (err != FK_OK)
		fk_log(FK_LOG_WARN, "a failed import's pages stay for now", "error=\"%s\"",
		       fk_err_text(err));
	else if (done)
		fk_log(FK_LOG_INFO, "a failed import's pages are removed", NULL);
	app->n_sweep_pages = err != FK_OK || done		? 0
			     : app->n_sweep_pages < SWEEP_PAGES ? 2 * app->n_sweep_pages
								: SWEEP_PAGES;
}

enum fk_err fk_import_job_step(struct fk_import_job *job, bool *ret_done, struct fk_reason *reason)
{
	struct fk_app *app = job->app;
	bool done = true, is_last = false;
	enum fk_err err = FK_OK;

	switch (job->stage) {
	case CHECKING:
		err = fk_import_check(job->import);
		break;
	case COMPARING:
		err = fk_import_compare(job->import, COMPARE_SLOTS, &done);
		break;
	case STAGING:
		err = fk_import_stage(job->import, STAGE_PAGES, &done);
		break;
	case PUBLISHING:
		err = publish(job, reason);
		break;
	case OPENING:
		err = fk_fleet_loader_new(app->store, app->keyring, app->config, &job->loader,
					  reason);
		break;
	case LOADING:
		err = fk_fleet_loader_step(job->loader, LOAD_PAGES, &done, reason);
		if (err == FK_OK && done)
			err = take_fleet(job, reason);
		break;
	case CLEARING:
		is_last = clear(job);
		done = false;
		break;
	}
	if (err == FK_ESTORE)
		fk_reason_set(reason, "%s", fk_store_last_error(app->store));
	if (err != FK_OK && may_be_behind(job, err))
		reload(job, err, reason);
	if (err != FK_OK)
		return err;
	if (done)
		job->stage++;
	*ret_done = is_last;
	return FK_OK;
}

const struct fk_import *fk_import_job_import(const struct fk_import_job *job)
{
	return job->import;
}

const struct fk_import_result *fk_import_job_result(const struct fk_import_job *job)
{
	return &job->result;
}

const char *fk_import_job_progress(const struct fk_import_job *job, uint32_t *ret_n_rows,
				   uint32_t *ret_done, uint32_t *ret_total)
{
	static const char *const names[] = {"checking",	  "comparing", "staging", "publishing",
					    "publishing", "loading",   "clearing"};
	struct fk_import_progress progress = {.n_rows = job->n_rows};

	if (job->import != NULL)
		fk_import_progress(job->import, &progress);
	*ret_n_rows = job->n_rows;
	*ret_done = progress.n_pages_staged;
	*ret_total = progress.n_pages;
	if (job->loader != NULL)
		fk_fleet_loader_progress(job->loader, ret_done, ret_total);
	return names[job->stage];
}
