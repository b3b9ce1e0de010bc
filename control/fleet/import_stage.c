/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include <fleetkey/bulk.h>
#include <fleetkey/wire.h>

#include "fleet/adopt.h"
#include "fleet/import_private.h"
#include "fleet/numbers.h"
#include "fleet/retired.h"
#include "fleet/roster.h"

#define RETIRE_SLOTS	32768u /* of the old fleet, looked at in one step */
#define STAGE_PAGES_MAX 64u    /* in one batch */
#define ROSTER_PAGES	256u   /* the same of a roster */

/* Pages */

static uint32_t pages_of(uint32_t n_rows)
{
	return (n_rows + FK_STORE_PAGE_UES - 1) / FK_STORE_PAGE_UES;
}

static uint32_t count_rsi_pages(const struct fk_import *import)
{
	uint32_t n = 0;

	for (uint32_t first = 0; first <= FK_RSI_UNIT_MAX; first += FK_RSI_PAGE) {
		uint64_t any = 0;

		for (uint32_t i = first / 64;
		     i < (first + FK_RSI_PAGE) / 64 && i <= FK_RSI_UNIT_MAX / 64; i++)
			any |= import->rsis[i];
		n += any != 0;
	}
	return n;
}
/* Counting sort by shard; each shard begins a new page, so that a page has one shard only. */
enum fk_err fk_import_order_rows(struct fk_import *import)
{
	uint32_t counts[FK_STORE_SHARDS] = {0}, next[FK_STORE_SHARDS], page = 0, at = 0;
	struct fk_fleet_meta *meta = &import->meta;

	meta->n_ues = import->n_rows;
	meta->n_rsi_pages = count_rsi_pages(import);
	for (uint32_t i = 0; i < import->n_rows; i++)
		counts[import->rows[i].shard]++;
	for (uint32_t shard = 0; shard < FK_STORE_SHARDS; shard++)
		meta->n_pages += pages_of(counts[shard]);
	import->order = fk_bulk_calloc(import->n_rows, sizeof(*import->order));
	import->page_starts = calloc(meta->n_pages + 1ull, sizeof(*import->page_starts));
	meta->page_shards = calloc(meta->n_pages, 1);
	if (import->order == NULL || import->page_starts == NULL || meta->page_shards == NULL)
		return FK_ENOMEM;
	for (uint32_t shard = 0; shard < FK_STORE_SHARDS; shard++) {
		next[shard] = at;
		for (uint32_t i = 0; i < counts[shard]; i += FK_STORE_PAGE_UES) {
			meta->page_shards[page] = (uint8_t)shard;
			import->page_starts[page++] = at + i;
		}
		at += counts[shard];
	}
	import->page_starts[page] = at;
	for (uint32_t i = 0; i < import->n_rows; i++)
		import->order[next[import->rows[i].shard]++] = i;
	return FK_OK;
}

static int by_line(const void *a, const void *b)
{
	const struct fk_import_error *x = a, *y = b;

	return x->line < y->line ? -1 : x->line > y->line;
}

/* The row that has a name of this UE of the fleet in force must be that UE; false, and complained
 * about, if it is another one. */
static bool compare_name(struct fk_import *import, const struct fk_fleet_ue *ue,
			 const struct fk_name_index *names, const char *name, enum fk_column column,
			 const char *reason)
{
	int64_t row = fk_name_index_find(names, name, strlen(name));
	struct fk_record record;

	if (row < 0)
		return true;
	record = fk_import_record(import, (uint32_t)row);
	if (record.ue_id.size == strlen(ue->ue_id) &&
	    memcmp(record.ue_id.at, ue->ue_id, record.ue_id.size) == 0)
		return true;
	fk_import_add_error(import, import->rows[row].line, fk_column_name(column), reason);
	return false;
}

/* A UE that the file does not name, and that stays. */
static enum fk_err take_over(struct fk_import *import, uint32_t ue_index,
			     const struct fk_fleet_ue *ue)
{
	if (!compare_name(import, ue, import->mc_service_ids, ue->mc_service_id,
			  FK_COLUMN_MC_SERVICE_ID, FK_IMPORT_STAYS) ||
	    !compare_name(import, ue, import->mcdata_ids, ue->mcdata_id, FK_COLUMN_MCDATA_ID,
			  FK_IMPORT_STAYS) ||
	    import->n_errors > 0)
		return FK_OK; /* goes on, so that the operator sees every error at once */
	import->line = 0;
	return fk_import_keep_ue(import, ue_index, ue);
}

static enum fk_err compare_ue(struct fk_import *import, uint32_t ue_index,
			      const struct fk_fleet_ue *ue)
{
	bool is_named = fk_import_names_ue(import, ue_index);

	if (!is_named && import->options.mode != FK_IMPORT_REPLACE)
		return take_over(import, ue_index, ue);
	if (!import->options.allow_reassign)
		(void)compare_name(import, ue, import->mc_service_ids, ue->mc_service_id,
				   FK_COLUMN_MC_SERVICE_ID, FK_IMPORT_FOREIGN);
	return FK_OK;
}

/* A row whose RSI is that of a UE which stays under another id. */
static void compare_rsis(struct fk_import *import)
{
	if (import->options.mode == FK_IMPORT_REPLACE)
		return;
	for (uint32_t i = 0; i < import->n_file_rows; i++) {
		const struct fk_import_row *row = &import->rows[i];

		if (row->old_index != FK_IMPORT_NOT_KEPT &&
		    !fk_import_names_ue(import, row->old_index))
			fk_import_add_error(import, row->line, fk_column_name(FK_COLUMN_RSI),
					    FK_IMPORT_STAYS);
	}
}

/* Every UE was looked at: the rows are all there. */
static enum fk_err end_compare(struct fk_import *import)
{
	enum fk_err err;

	if (import->n_errors == 0 && import->n_rows == 0)
		fk_import_add_error(import, 0, "", "no UE would be left");
	if (import->n_errors > 0) {
		qsort(import->errors, import->n_errors, sizeof(import->errors[0]), by_line);
		import->is_broken = true;
		return FK_EINVAL;
	}
	err = fk_import_order_rows(import);
	if (err == FK_OK)
		err = fk_store_stage_fleet(import->options.store, import->meta.generation,
					   import->meta.page_shards, import->meta.n_pages);
	import->is_compared = err == FK_OK;
	return err;
}

enum fk_err fk_import_compare(struct fk_import *import, uint32_t n_slots, bool *ret_done)
{
	uint32_t end = fk_fleet_n_slots(import->options.fleet);
	struct fk_fleet_ue ue;
	enum fk_err err = FK_OK;

	if (!import->is_checked || import->is_broken)
		return FK_EINVAL;
	if (import->n_slots_compared == 0)
		compare_rsis(import);
	if (import->options.allow_reassign && import->options.mode == FK_IMPORT_REPLACE)
		import->n_slots_compared = end;
	if (n_slots < end - import->n_slots_compared)
		end = import->n_slots_compared + n_slots;
	for (; err == FK_OK && import->n_slots_compared < end; import->n_slots_compared++) {
		if (fk_fleet_get(import->options.fleet, import->n_slots_compared, &ue))
			err = compare_ue(import, import->n_slots_compared, &ue);
	}
	if (err == FK_OK && end == fk_fleet_n_slots(import->options.fleet)) {
		err = end_compare(import);
		*ret_done = err == FK_OK;
	} else if (err == FK_OK) {
		*ret_done = false;
	}
	return err;
}

static enum fk_err put_fleet_page(struct fk_import *import, uint32_t page)
{
	struct fk_wire_writer w =
		fk_page_begin(import->page_buf, sizeof(import->page_buf), FK_PAGE_FIRST_VERSION);
	uint32_t n = import->page_starts[page + 1] - import->page_starts[page];
	size_t size;
	enum fk_err err;

	for (uint32_t i = 0; i < FK_STORE_PAGE_UES; i++) {
		if (i < n) {
			const struct fk_import_row *row =
				&import->rows[import->order[import->page_starts[page] + i]];

			fk_wire_put_u16(&w, row->size);
			fk_wire_put_bytes(&w, import->heap + row->offset, row->size);
		} else {
			fk_wire_put_u16(&w, 0);
		}
	}
	err = fk_page_end(import->options.keyring, import->meta.generation, page, &w, &size);
	if (err == FK_OK)
		fk_store_batch_put_fleet_page(import->options.store, import->meta.generation,
					      import->meta.page_shards[page], page,
					      import->page_buf, size);
	return err;
}

/* The numbers that this page's UEs begin with. */
static enum fk_err find_numbers(struct fk_import *import, uint32_t page,
				struct fk_ue_numbers *ret_numbers)
{
	const uint32_t *order = import->order + import->page_starts[page];
	uint32_t n = import->page_starts[page + 1] - import->page_starts[page];
	uint32_t rsis[FK_STORE_PAGE_UES], at[FK_STORE_PAGE_UES], n_new = 0;
	struct fk_ue_numbers retired[FK_STORE_PAGE_UES];
	enum fk_err err;

	for (uint32_t i = 0; i < n; i++) {
		const struct fk_import_row *row = &import->rows[order[i]];

		if (row->old_index == FK_IMPORT_NOT_KEPT) {
			rsis[n_new] = fk_import_record(import, order[i]).rsi;
			at[n_new++] = i;
			continue;
		}
		ret_numbers[i] = *fk_fleet_numbers(import->options.fleet, row->old_index);
		if (!row->keeps_inbound)
			ret_numbers[i].inbound = ret_numbers[i].inbound_known = 0;
	}
	err = fk_retired_find(import->options.store, rsis, n_new, retired);
	for (uint32_t i = 0; err == FK_OK && i < n_new; i++) {
		const struct fk_import_row *row = &import->rows[order[at[i]]];

		ret_numbers[at[i]] = retired[i];
		/* What was given out here before it was released is not gone back behind. */
		if (row->has_next_number)
			(void)fk_adopt_numbers(&ret_numbers[at[i]], row->next_number);
	}
	return err;
}

/* What is known of this page's UEs; found like their numbers. A radio that was filled anew may have
 * lost all that it held, and one that was away too. */
static enum fk_err find_currency(struct fk_import *import, uint32_t page,
				 struct fk_currency *ret_ues)
{
	const uint32_t *order = import->order + import->page_starts[page];
	uint32_t n = import->page_starts[page + 1] - import->page_starts[page];
	struct fk_currency *news[FK_STORE_PAGE_UES];
	uint32_t rsis[FK_STORE_PAGE_UES], n_new = 0;

	for (uint32_t i = 0; i < n; i++) {
		const struct fk_import_row *row = &import->rows[order[i]];

		if (row->old_index == FK_IMPORT_NOT_KEPT) {
			rsis[n_new] = fk_import_record(import, order[i]).rsi;
			news[n_new++] = &ret_ues[i];
			continue;
		}
		fk_currency_book_get(fk_fleet_currency(import->options.fleet), row->old_index,
				     &ret_ues[i]);
		if (!row->keeps_keys)
			fk_currency_doubt(&ret_ues[i]);
	}
	return fk_retired_find_currency(import->options.store, rsis, n_new, news);
}

static void put_currency_page(struct fk_import *import, uint32_t page,
			      const struct fk_currency *ues)
{
	uint8_t octets[FK_CURRENCY_SIZE_MAX];
	size_t size = fk_currency_page_encode(ues, octets);

	fk_store_batch_put_currency_page(import->options.store, import->meta.generation,
					 import->meta.page_shards[page], page, octets, size);
}

static void put_numbers_page(struct fk_import *import, uint32_t page,
			     const struct fk_ue_numbers *numbers)
{
	uint8_t octets[FK_NUMBERS_PAGE_SIZE];

	fk_numbers_encode_page(numbers, octets);
	fk_store_batch_put_numbers_page(import->options.store, import->meta.generation,
					import->meta.page_shards[page], page, octets,
					sizeof(octets));
}

/* What leaves the fleet is remembered before the new fleet can be in force. */
static enum fk_err retire_some(struct fk_import *import)
{
	uint32_t n_slots = fk_fleet_n_slots(import->options.fleet);
	uint32_t first = import->n_slots_retired, end = n_slots;
	enum fk_err err;

	if (end - first > RETIRE_SLOTS)
		end = first + RETIRE_SLOTS;
	fk_store_batch_begin(import->options.store);
	fk_retired_put(import->options.store, import->options.fleet, import->rsis, first, end);
	err = fk_store_batch_commit(import->options.store);
	if (err == FK_OK)
		import->n_slots_retired = end;
	return err;
}

static bool has_to_keep_roster(const struct fk_import *import)
{
	return import->options.keeps_roster &&
	       import->n_roster_pages < fk_fleet_n_pages(import->options.fleet);
}

/* The same for who was who: it counts only by the step that puts the new fleet in force. */
static enum fk_err keep_some_of_roster(struct fk_import *import)
{
	uint32_t first = import->n_roster_pages, end = fk_fleet_n_pages(import->options.fleet);
	enum fk_err err;

	if (end - first > ROSTER_PAGES)
		end = first + ROSTER_PAGES;
	fk_store_batch_begin(import->options.store);
	err = fk_roster_put(import->options.store, import->options.keyring, import->options.fleet,
			    first, end);
	if (err == FK_OK)
		err = fk_store_batch_commit(import->options.store);
	else
		fk_store_batch_abandon(import->options.store);
	if (err == FK_OK)
		import->n_roster_pages = end;
	return err;
}

/* A few pages: their numbers are read first, because nothing can be asked while a batch is open. */
static enum fk_err stage_some(struct fk_import *import, uint32_t first, uint32_t end)
{
	struct fk_ue_numbers numbers[STAGE_PAGES_MAX][FK_STORE_PAGE_UES] = {0};
	struct fk_currency *ues = calloc(STAGE_PAGES_MAX * FK_STORE_PAGE_UES, sizeof(*ues));
	enum fk_err err = ues != NULL ? FK_OK : FK_ENOMEM;

	for (uint32_t page = first; err == FK_OK && page < end; page++) {
		err = find_numbers(import, page, numbers[page - first]);
		if (err == FK_OK)
			err = find_currency(import, page, &ues[(page - first) * FK_STORE_PAGE_UES]);
	}
	if (err == FK_OK)
		fk_store_batch_begin(import->options.store);
	for (uint32_t page = first; err == FK_OK && page < end; page++) {
		err = put_fleet_page(import, page);
		put_numbers_page(import, page, numbers[page - first]);
		put_currency_page(import, page, &ues[(page - first) * FK_STORE_PAGE_UES]);
	}
	if (err == FK_OK)
		err = fk_store_batch_commit(import->options.store);
	else
		fk_store_batch_abandon(import->options.store);
	free(ues);
	return err;
}

enum fk_err fk_import_stage(struct fk_import *import, uint32_t n_pages, bool *ret_done)
{
	uint32_t end = import->meta.n_pages;
	enum fk_err err;

	if (!import->is_compared)
		return FK_EINVAL;
	if (import->n_slots_retired < fk_fleet_n_slots(import->options.fleet)) {
		*ret_done = false;
		return retire_some(import);
	}
	if (has_to_keep_roster(import)) {
		*ret_done = false;
		return keep_some_of_roster(import);
	}
	if (n_pages < end - import->n_pages_staged)
		end = import->n_pages_staged + n_pages;
	while (import->n_pages_staged < end) {
		uint32_t first = import->n_pages_staged, last = end;

		if (last - first > STAGE_PAGES_MAX)
			last = first + STAGE_PAGES_MAX;
		err = stage_some(import, first, last);
		if (err != FK_OK)
			return err;
		import->n_pages_staged = last;
	}
	*ret_done = end == import->meta.n_pages;
	return FK_OK;
}

enum fk_err fk_import_publish(struct fk_import *import, struct fk_import_result *ret_result)
{
	bool is_removal = import->options.mode == FK_IMPORT_REMOVE;
	uint32_t n_added = is_removal ? 0 : import->n_file_rows - import->n_named;
	const struct fk_fleet *old = import->options.fleet;
	const struct fk_store_roster roster = {fk_fleet_page_shards(old), fk_fleet_n_pages(old)};
	enum fk_err err;

	if (!import->is_compared || import->n_pages_staged != import->meta.n_pages ||
	    has_to_keep_roster(import))
		return FK_EINVAL;
	err = fk_fleet_meta_publish(&import->meta, import->options.store, import->options.keyring,
				    fk_fleet_generation(old),
				    import->n_roster_pages > 0 ? &roster : NULL);
	if (err != FK_OK)
		return err;
	*ret_result = (struct fk_import_result){
		.generation = import->meta.generation,
		.n_ues = import->n_rows,
		.n_pages = import->meta.n_pages,
		.n_kept = import->n_kept,
		.n_added = n_added,
		.n_updated = is_removal ? 0 : import->n_named,
		.n_removed = fk_fleet_n_ues(old) + n_added - import->n_rows,
		.n_without_ptek = import->n_without_ptek,
	};
	return FK_OK;
}
