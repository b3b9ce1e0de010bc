/* SPDX-License-Identifier: Apache-2.0 */
#include "recovery.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "fleet/numbers.h"
#include "fleet/retired.h"
#include "log.h"

/* A quarter of the circle: well below the half, beyond which a number that is ahead looks behind.
 */
#define SKIP_MAX 0x4000u

enum fk_err fk_recovery_check(struct fk_app *app, bool may_recover, bool *ret_is_older,
			      struct fk_reason *reason)
{
	struct fk_reason older, missing = {{0}};
	enum fk_store_age age = FK_STORE_CURRENT;
	enum fk_err err;

	*ret_is_older = false;

	if (app->config->store.witness_file == NULL) {
		fk_log(FK_LOG_WARN, "no witness",
		       "reason=\"store.witness_file is not set: an older copy of the store would "
		       "not be noticed at a start\"");
		return FK_OK;
	}
	err = fk_store_set_witness(app->store, app->config->store.witness_file, &age, reason);
	if (err != FK_OK || age != FK_STORE_OLDER)
		return err;
	if (!may_recover && !app->config->recovery.automatic)
		return FK_ESTALE;
	if (!may_recover) {
		older = *reason;
		err = fk_store_check_statements(app->store, &missing);
		if (err == FK_EPOLICY)
			fk_reason_set(reason, "%.360s; recovery.automatic does not: %.140s",
				      older.text, missing.text);
		if (err != FK_OK)
			return err == FK_EPOLICY ? FK_ESTALE : err;
	}
	app->recovers_alone = !may_recover;
	fk_log(FK_LOG_WARN, "store is an older copy", "recovery=%s reason=\"%s\"",
	       app->recovers_alone ? "automatic" : "asked", reason->text);
	*ret_is_older = true;
	return FK_OK;
}

enum fk_err fk_recovery_begin(struct fk_app *app, struct fk_reason *reason)
{
	enum fk_err err = fk_store_begin_recovery(app->store, app->recovers_alone);

	if (err != FK_OK)
		fk_reason_set(reason, "%s", fk_store_last_error(app->store));
	return err;
}

/* Of two numbers of one circle the one that is ahead. */
static uint16_t later(uint16_t a, uint16_t b)
{
	return (int16_t)(uint16_t)(b - a) > 0 ? b : a;
}

/* What the witness saw given out, and a block for what it may have missed. */
static void take_witnessed(struct fk_ue_numbers *n, const struct fk_ue_numbers *seen,
			   uint32_t block)
{
	n->reserved_next = (uint16_t)(later(n->reserved_next, seen->reserved_next) + block);
	n->accepted = later(n->accepted, seen->accepted);
	/* Whether the UE has the key of this copy is as uncertain as it was in any of both. */
	n->needs_warm_start |= seen->needs_warm_start;
	if (seen->inbound_known != 0) {
		n->inbound =
			n->inbound_known != 0 ? later(n->inbound, seen->inbound) : seen->inbound;
		n->inbound_known = 1;
		if (n->inbound == seen->inbound)
			n->presence = seen->presence;
	}
}

/* Where the witness has no numbers. A batch reserves one block for a UE at most. */
static uint64_t guessed_skip(const struct fk_app *app)
{
	uint64_t gap = fk_store_gap(app->store);

	return gap < SKIP_MAX / app->config->campaign.number_block
		       ? gap * app->config->campaign.number_block
		       : SKIP_MAX;
}

static enum fk_err skip_page(struct fk_app *app, uint32_t page)
{
	uint64_t generation = fk_fleet_generation(app->fleet);
	const uint8_t *octets = fk_store_witnessed_numbers(app->store, generation, page);
	struct fk_ue_numbers *numbers = fk_fleet_numbers(app->fleet, page * FK_STORE_PAGE_UES);
	struct fk_ue_numbers seen[FK_STORE_PAGE_UES];
	uint64_t skip = guessed_skip(app);
	enum fk_err err = FK_OK;

	if (octets != NULL)
		err = fk_numbers_decode_page(octets, FK_NUMBERS_PAGE_SIZE, seen);
	if (err != FK_OK)
		return err;
	for (uint32_t i = 0; i < FK_STORE_PAGE_UES; i++) {
		if (octets != NULL)
			take_witnessed(&numbers[i], &seen[i], app->config->campaign.number_block);
		else
			numbers[i].reserved_next = (uint16_t)(numbers[i].reserved_next + skip);
	}
	return FK_OK;
}

static enum fk_err skip_numbers(struct fk_app *app)
{
	const uint8_t *shards = fk_fleet_page_shards(app->fleet);
	uint8_t octets[FK_NUMBERS_PAGE_SIZE];
	enum fk_err err = FK_OK, commit_err;

	fk_store_batch_begin(app->store);
	for (uint32_t page = 0; err == FK_OK && page < fk_fleet_n_pages(app->fleet); page++) {
		err = skip_page(app, page);
		if (err != FK_OK)
			break;
		fk_fleet_encode_numbers_page(app->fleet, page, octets);
		fk_store_batch_put_numbers_page(app->store, fk_fleet_generation(app->fleet),
						shards[page], page, octets, sizeof(octets));
	}
	commit_err = fk_store_batch_commit(app->store);
	return err != FK_OK ? err : commit_err;
}

struct retired {
	uint32_t rsi;
	uint8_t octets[FK_STORE_RETIRED_SIZE];
};

struct retired_list {
	struct retired *at;
	size_t n, cap;
};

static enum fk_err take_retired(void *ctx, uint32_t rsi, const uint8_t *octets, size_t size)
{
	struct retired_list *list = ctx;

	if (size != FK_STORE_RETIRED_SIZE)
		return FK_EFORMAT;
	if (list->n == list->cap) {
		size_t cap = list->cap == 0 ? 1024 : 2 * list->cap;
		struct retired *grown = realloc(list->at, cap * sizeof(*grown));

		if (grown == NULL)
			return FK_ENOMEM;
		list->at = grown;
		list->cap = cap;
	}
	list->at[list->n].rsi = rsi;
	memcpy(list->at[list->n].octets, octets, size);
	list->n++;
	return FK_OK;
}

/* An RSI that is remembered may have come back meanwhile, and have been sent to; but not without an
 * import, and then the witness has the numbers of another fleet. */
static enum fk_err skip_retired(struct fk_app *app)
{
	uint64_t skip = guessed_skip(app);
	struct retired_list list = {.at = NULL};
	enum fk_err err;

	if (fk_store_witnessed_numbers(app->store, fk_fleet_generation(app->fleet), 0) != NULL)
		return FK_OK;
	err = fk_store_walk_retired(app->store, take_retired, &list);
	if (err == FK_OK) {
		fk_store_batch_begin(app->store);
		for (size_t i = 0; i < list.n; i++) {
			fk_retired_skip(list.at[i].octets, (uint16_t)skip);
			fk_store_batch_put_retired(app->store, list.at[i].rsi, list.at[i].octets);
		}
		err = fk_store_batch_commit(app->store);
	}
	free(list.at);
	return err;
}

enum fk_err fk_recovery_run(struct fk_app *app, struct fk_reason *reason)
{
	uint64_t gap = fk_store_gap(app->store);
	struct fk_engine_recovered recovered;
	enum fk_err err;

	if (gap == 0)
		return FK_OK;
	err = skip_numbers(app);
	if (err == FK_OK)
		err = skip_retired(app);
	if (err == FK_OK)
		err = fk_engine_recover(app->engine, &recovered);
	if (err == FK_OK)
		err = fk_store_end_recovery(app->store, recovered.n_unknown_ues,
					    recovered.n_aborted, app->config->recovery.automatic);
	if (err != FK_OK) {
		fk_reason_set(reason, "recovery of an older store: %s",
			      err == FK_ESTORE ? fk_store_last_error(app->store)
					       : fk_err_text(err));
		return err;
	}
	fk_log(FK_LOG_WARN, "store recovered",
	       "batches_missing=%" PRIu64
	       " n_ues=%u currency=unknown n_unknown_ues=%u n_aborted_campaigns=%u action=\"%s\"",
	       gap, fk_fleet_n_ues(app->fleet), recovered.n_unknown_ues, recovered.n_aborted,
	       app->recovers_alone
		       ? "inventories ask who holds what"
		       : "an inventory, or new keys, say again who holds what; what was said since "
			 "of keys and UEs (compromised, destroyed, lost, suspended) is gone: say "
			 "it "
			 "again");
	return FK_OK;
}

void fk_recovery_mirror(struct fk_app *app)
{
	uint64_t generation = fk_fleet_generation(app->fleet);
	uint8_t octets[FK_NUMBERS_PAGE_SIZE];
	enum fk_err err =
		fk_store_mirror_begin(app->store, generation, fk_fleet_n_pages(app->fleet));

	if (err == FK_EIO)
		fk_log(FK_LOG_WARN, "witness has no numbers", "file=\"%s\" error=\"%s\"",
		       app->config->store.witness_file, fk_err_text(err));
	if (err != FK_OK)
		return;
	for (uint32_t page = 0; page < fk_fleet_n_pages(app->fleet); page++) {
		fk_fleet_encode_numbers_page(app->fleet, page, octets);
		fk_store_mirror_put(app->store, generation, page, octets);
	}
	fk_store_mirror_end(app->store);
}
