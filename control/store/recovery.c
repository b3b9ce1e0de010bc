/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "store/redis.h"

#define META "fk:meta"

static_assert(FK_WITNESS_RUN_ID_SIZE == FK_REDIS_RUN_ID_SIZE, "one is copied to the other");

static void raise(uint64_t *value, uint64_t to)
{
	if (*value < to)
		*value = to;
}

/* What the store has confirmed by now; whatever is in the file beyond that stays. */
void fk_redis_witness(struct fk_store *store)
{
	struct fk_witness_counts *counts;

	if (store->witness == NULL || store->is_older)
		return;
	counts = fk_witness_counts(store->witness);
	raise(&counts->epoch, store->epoch);
	raise(&counts->n_batches, store->n_batches);
	raise(&counts->campaign_id, store->campaign_id);
	raise(&counts->generation, store->generation);
}

void fk_redis_witness_statement(struct fk_store *store)
{
	if (store->witness != NULL && !store->is_older)
		raise(fk_witness_statements(store->witness), store->n_statements);
}

/* Those of a copy that is not gone on with. */
static void forget_writes(struct fk_witness *witness)
{
	uint64_t *generation;

	*fk_witness_key_writes(witness) = 0;
	*fk_witness_page_writes(witness, &generation) = 0;
}

enum fk_err fk_store_set_witness(struct fk_store *store, const char *path,
				 enum fk_store_age *ret_age, struct fk_reason *reason)
{
	const struct fk_witness_counts *counts;
	enum fk_err err = fk_witness_open(path, fk_store_kmf_id(store), &store->witness, reason);

	if (err != FK_OK)
		return err;
	counts = fk_witness_counts(store->witness);
	store->is_older = store->epoch < counts->epoch || store->n_batches < counts->n_batches;
	if (store->is_older) {
		*ret_age = FK_STORE_OLDER;
		fk_reason_set(reason,
			      "the store is an older copy: it ends with batch %" PRIu64
			      " and epoch %" PRIu64 ", but %" PRIu64 " and %" PRIu64
			      " were confirmed; put the right one in place, or start with "
			      "--recover to go on with this one",
			      store->n_batches, store->epoch, counts->n_batches, counts->epoch);
		return FK_OK;
	}
	*ret_age = store->gap != 0 ? FK_STORE_RECOVERING : FK_STORE_CURRENT;
	if (store->gap != 0)
		forget_writes(store->witness);
	memcpy(fk_witness_run_id(store->witness), store->run_id, FK_WITNESS_RUN_ID_SIZE);
	raise(&store->n_statements, *fk_witness_statements(store->witness));
	fk_redis_witness_statement(store);
	fk_redis_witness(store);
	return FK_OK;
}

bool fk_store_witness_keys(struct fk_store *store, uint64_t n_writes)
{
	if (store->witness == NULL || store->is_older)
		return true;
	if (n_writes < *fk_witness_key_writes(store->witness))
		return false;
	*fk_witness_key_writes(store->witness) = n_writes;
	return true;
}

bool fk_store_witness_pages(struct fk_store *store, uint64_t generation, uint64_t n_writes)
{
	uint64_t *seen, *seen_generation;

	if (store->witness == NULL || store->is_older)
		return true;
	seen = fk_witness_page_writes(store->witness, &seen_generation);
	if (generation == *seen_generation && n_writes < *seen)
		return false;
	*seen_generation = generation;
	*seen = n_writes;
	return true;
}

enum fk_err fk_store_check_statements(struct fk_store *store, struct fk_reason *reason)
{
	const struct fk_witness_counts *seen = fk_witness_counts(store->witness);
	uint64_t last = 0, current = 0;
	enum fk_err err = fk_redis_read_counter(store, "fk:fleet:last", &last);

	if (err == FK_OK)
		err = fk_redis_read_counter(store, "fk:fleet:current", &current);
	if (err != FK_OK) {
		fk_reason_set(reason, "%s", fk_store_last_error(store));
		return err;
	}
	if (store->n_statements == 0 ||
	    store->n_statements != *fk_witness_statements(store->witness))
		fk_reason_set(reason, "what was said since of UEs, keys or groups is, or may be, "
				      "missing (lost, released, compromised)");
	else if (seen->generation > last)
		fk_reason_set(reason, "a fleet was imported since");
	else if (current != 0 && fk_store_witnessed_numbers(store, current, 0) == NULL)
		fk_reason_set(reason, "the witness has not the message numbers of its fleet");
	else
		return FK_OK;
	return FK_EPOLICY;
}

void fk_redis_put_meta(struct fk_store *store, const char *name, uint64_t value)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRIu64, value);
	const struct fk_redis_word words[] = {FK_WORD("HSET"), FK_WORD(META), FK_WORD(name),
					      FK_WORD(text)};

	fk_redis_batch_put(store, words, 4);
}

void fk_redis_put_counter(struct fk_store *store, const char *key, uint64_t value)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRIu64, value);
	const struct fk_redis_word words[] = {FK_WORD("SET"), FK_WORD(key), FK_WORD(text)};

	fk_redis_batch_put(store, words, 3);
}

enum fk_err fk_store_begin_recovery(struct fk_store *store, bool is_alone)
{
	const struct fk_witness_counts *seen = fk_witness_counts(store->witness);
	uint64_t epoch = store->epoch, n_batches = store->n_batches, campaign_id, generation;
	uint64_t gap;
	enum fk_err err = fk_redis_read_counter(store, "fk:campaigns:last", &campaign_id);

	if (err == FK_OK)
		err = fk_redis_read_counter(store, "fk:fleet:last", &generation);
	if (err != FK_OK)
		return err;
	gap = seen->n_batches > n_batches ? seen->n_batches - n_batches : 1;
	raise(&gap, store->gap);
	raise(&epoch, seen->epoch);
	raise(&n_batches, seen->n_batches);
	raise(&campaign_id, seen->campaign_id);
	raise(&generation, seen->generation);
	if (epoch >= UINT32_MAX)
		return fk_redis_break(store, "epoch", "the counter is used up");
	/* Another number than any other copy has. */
	raise(&store->n_statements, *fk_witness_statements(store->witness));
	fk_store_note_statement(store);
	fk_store_batch_begin(store);
	fk_redis_put_meta(store, "recovering", gap);
	fk_redis_put_meta(store, "recovered_alone", is_alone);
	fk_redis_put_meta(store, "epoch", epoch + 1);
	fk_redis_put_counter(store, "fk:campaigns:last", campaign_id);
	fk_redis_put_counter(store, "fk:fleet:last", generation);
	fk_redis_put_meta(store, "batches", n_batches);
	store->is_older = false; /* the commit is witnessed */
	err = fk_store_batch_commit(store);
	if (err != FK_OK)
		return err;
	store->epoch = epoch + 1;
	store->gap = gap;
	store->recovery.is_alone = is_alone;
	memcpy(fk_witness_run_id(store->witness), store->run_id, FK_WITNESS_RUN_ID_SIZE);
	forget_writes(store->witness);
	fk_redis_witness(store);
	return FK_OK;
}

uint64_t fk_store_gap(const struct fk_store *store)
{
	return store->gap;
}

const uint8_t *fk_store_witnessed_numbers(const struct fk_store *store, uint64_t generation,
					  uint32_t page)
{
	return store->witness != NULL ? fk_witness_page(store->witness, generation, page) : NULL;
}

enum fk_err fk_store_end_recovery(struct fk_store *store, uint32_t n_unknown_ues,
				  uint32_t n_aborted, bool has_to_settle)
{
	const struct fk_redis_word words[] = {FK_WORD("HDEL"), FK_WORD(META),
					      FK_WORD("recovering")};
	struct fk_store_recovery recovery = store->recovery;
	enum fk_err err;

	recovery.n_recoveries++;
	recovery.at_s = (uint64_t)time(NULL);
	recovery.n_unknown_ues = n_unknown_ues;
	recovery.n_aborted = n_aborted;
	recovery.n_missing = store->gap;
	recovery.has_to_settle = has_to_settle;
	recovery.settled_at_s = recovery.n_left = 0;
	fk_store_note_statement(store); /* as at its beginning, which a restore does not have */
	fk_store_batch_begin(store);
	fk_redis_batch_put(store, words, 3);
	fk_redis_put_meta(store, "recoveries", recovery.n_recoveries);
	fk_redis_put_meta(store, "recovered_at", recovery.at_s);
	fk_redis_put_meta(store, "recovered_unknown", recovery.n_unknown_ues);
	fk_redis_put_meta(store, "recovered_aborted", recovery.n_aborted);
	fk_redis_put_meta(store, "recovered_missing", recovery.n_missing);
	fk_redis_put_meta(store, "settling", recovery.has_to_settle);
	fk_redis_put_meta(store, "settled_at", 0);
	fk_redis_put_meta(store, "settled_left", 0);
	err = fk_store_batch_commit(store);
	if (err != FK_OK)
		return err;
	store->gap = 0;
	store->recovery = recovery;
	return FK_OK;
}

enum fk_err fk_store_end_settling(struct fk_store *store, uint32_t n_unknown_ues)
{
	struct fk_store_recovery recovery = store->recovery;
	enum fk_err err;

	recovery.has_to_settle = 0;
	recovery.settled_at_s = (uint64_t)time(NULL);
	recovery.n_left = n_unknown_ues;
	fk_store_batch_begin(store);
	fk_redis_put_meta(store, "settling", 0);
	fk_redis_put_meta(store, "settled_at", recovery.settled_at_s);
	fk_redis_put_meta(store, "settled_left", recovery.n_left);
	err = fk_store_batch_commit(store);
	if (err == FK_OK)
		store->recovery = recovery;
	return err;
}

enum fk_err fk_store_mirror_begin(struct fk_store *store, uint64_t generation, uint32_t n_pages)
{
	return store->witness != NULL && generation != 0
		       ? fk_witness_begin(store->witness, generation, n_pages)
		       : FK_ENOTFOUND;
}

void fk_store_mirror_put(struct fk_store *store, uint64_t generation, uint32_t page,
			 const void *octets)
{
	if (store->witness != NULL)
		fk_witness_put(store->witness, generation, page, octets);
}

void fk_store_mirror_end(struct fk_store *store)
{
	fk_witness_end(store->witness);
}

void fk_store_get_facts(const struct fk_store *store, struct fk_store_facts *ret_facts)
{
	*ret_facts = (struct fk_store_facts){
		.where = store->where,
		.run_id = store->run_id,
		.epoch = store->epoch,
		.n_batches = store->n_batches,
		.recovery = store->recovery,
		.has_witness = store->witness != NULL,
	};
}
