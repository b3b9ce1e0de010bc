/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/fleet.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <fleetkey/bulk.h>
#include <fleetkey/kmm.h>
#include <fleetkey/wire.h>

#include "fleet/fleet_meta.h"
#include "fleet/name_index.h"
#include "fleet/numbers.h"
#include "fleet/page.h"
#include "fleet/record.h"
#include "fleet/status.h"

/* One UE. Its strings stand together in the heap, each with a NUL: ue_id, mc_service_id, mcdata_id.
 */
struct row {
	uint64_t strings_offset; /* into the heap */
	uint32_t groups_offset;	 /* into the group ids */
	uint32_t rsi;		 /* 0: the slot has no owner */
	uint16_t kek_sln, kek_key_id, ptek_key_id, mnp, area_id;
	struct fk_ue_capability takes;
	uint8_t ue_id_len, mc_service_id_len;
	uint8_t next_hop, mac_kind, n_groups, ue_generation;
	bool has_ptek;
	uint8_t status;
	struct fk_own_key own[FK_OWN_KEYS];
};

struct fk_fleet {
	struct fk_fleet_meta meta;
	struct row *rows; /* n_slots */
	struct fk_ue_numbers *numbers;
	struct fk_currency_book *currency;
	uint32_t *page_versions; /* n_pages */
	bool doubts_versions;
	char *strings;
	uint64_t strings_used;
	uint16_t *group_ids;
	uint64_t group_ids_used;
	uint32_t group_sizes[FK_GROUPS_MAX];
	uint8_t key_ids[0x10000 / 8]; /* a bit for each key ID in use */
	uint32_t n_ues_seen;
	uint32_t n_statuses[FK_UE_STATUSES]; /* UEs by status */
	struct fk_name_index *by_ue_id;
	uint8_t next_hop_of[FK_NEXT_HOPS_MAX]; /* the fleet's list -> the configuration's */
};

static const char *ue_id_of(const void *ctx, uint32_t ue_index, size_t *ret_len)
{
	const struct fk_fleet *fleet = ctx;
	const struct row *row = &fleet->rows[ue_index];

	*ret_len = row->ue_id_len;
	return fleet->strings + row->strings_offset;
}

static void *new_array(uint64_t n, size_t size)
{
	return fk_bulk_calloc(n > 0 ? n : 1, size);
}

static enum fk_err allocate(struct fk_fleet *fleet)
{
	uint64_t n_slots = (uint64_t)fleet->meta.n_pages * FK_STORE_PAGE_UES;

	fleet->rows = new_array(n_slots, sizeof(*fleet->rows));
	fleet->numbers = new_array(n_slots, sizeof(*fleet->numbers));
	fleet->page_versions = new_array(fleet->meta.n_pages, sizeof(*fleet->page_versions));
	fleet->strings = new_array(fleet->meta.strings_size, 1);
	fleet->group_ids = new_array(fleet->meta.n_memberships, sizeof(*fleet->group_ids));
	if (fleet->rows == NULL || fleet->numbers == NULL || fleet->page_versions == NULL ||
	    fleet->strings == NULL || fleet->group_ids == NULL)
		return FK_ENOMEM;
	if (fk_currency_book_new(fleet->meta.n_pages, &fleet->currency) != FK_OK)
		return FK_ENOMEM;
	return fk_name_index_new(fleet->meta.n_ues, ue_id_of, fleet, &fleet->by_ue_id);
}

void fk_fleet_free(struct fk_fleet *fleet)
{
	if (fleet == NULL)
		return;
	fk_fleet_meta_fini(&fleet->meta);
	fk_name_index_free(fleet->by_ue_id);
	free(fleet->rows);
	free(fleet->numbers);
	fk_currency_book_free(fleet->currency);
	free(fleet->page_versions);
	free(fleet->strings);
	free(fleet->group_ids);
	free(fleet);
}

/* The load in progress. */
struct fk_fleet_loader {
	struct fk_fleet *fleet;
	struct fk_keytable_file *table;
	struct fk_store *store;
	struct fk_keyring *keyring;
	struct fk_reason *reason; /* of the step that runs */
	uint32_t n_fleet_pages_read, n_numbers_pages_read;
};

static enum fk_err refuse_page(struct fk_fleet_loader *loading, uint32_t page, const char *why)
{
	fk_reason_set(loading->reason, "fleet %" PRIu64 ", page %u: %s",
		      loading->fleet->meta.generation, page, why);
	return FK_EFORMAT;
}

static void add_string(struct fk_fleet *fleet, const struct fk_record_text *text)
{
	memcpy(fleet->strings + fleet->strings_used, text->at, text->size);
	fleet->strings_used += text->size;
	fleet->strings[fleet->strings_used++] = '\0';
}

static void mark_key_id(struct fk_fleet *fleet, uint16_t key_id)
{
	fleet->key_ids[key_id / 8] |= (uint8_t)(1u << key_id % 8);
}

/* Everything but the keys. The sizes in the meta record are checked, not trusted. */
static enum fk_err take_row(struct fk_fleet *fleet, uint32_t ue_index,
			    const struct fk_record *record)
{
	struct row *row = &fleet->rows[ue_index];
	uint64_t strings_size = (uint64_t)record->ue_id.size + record->mc_service_id.size +
				record->mcdata_id.size + 3;

	if (fleet->strings_used + strings_size > fleet->meta.strings_size ||
	    fleet->group_ids_used + record->n_groups > fleet->meta.n_memberships ||
	    record->next_hop >= fk_names_count(fleet->meta.next_hops) ||
	    record->area_id >= fk_names_count(fleet->meta.areas))
		return FK_EFORMAT;
	for (uint32_t i = 0; i < record->n_groups; i++) {
		if (record->group_ids[i] >= fk_names_count(fleet->meta.groups))
			return FK_EFORMAT;
		fleet->group_sizes[record->group_ids[i]]++;
	}
	*row = (struct row){
		.strings_offset = fleet->strings_used,
		.groups_offset = (uint32_t)fleet->group_ids_used,
		.rsi = record->rsi,
		.kek_sln = record->kek_sln,
		.kek_key_id = record->kek_key_id,
		.ptek_key_id = record->ptek_key_id,
		.mnp = record->mnp,
		.takes = record->takes,
		.area_id = record->area_id,
		.ue_id_len = record->ue_id.size,
		.mc_service_id_len = record->mc_service_id.size,
		.next_hop = fleet->next_hop_of[record->next_hop],
		.mac_kind = record->mac_kind,
		.n_groups = record->n_groups,
		.ue_generation = record->ue_generation,
		.has_ptek = record->ptek_algorithm_id != 0,
		.own = {record->own[FK_OWN_KEK], record->own[FK_OWN_PTEK]},
	};
	memcpy(fleet->group_ids + fleet->group_ids_used, record->group_ids,
	       record->n_groups * sizeof(*fleet->group_ids));
	fleet->group_ids_used += record->n_groups;
	add_string(fleet, &record->ue_id);
	add_string(fleet, &record->mc_service_id);
	add_string(fleet, &record->mcdata_id);
	mark_key_id(fleet, record->kek_key_id);
	if (row->has_ptek)
		mark_key_id(fleet, record->ptek_key_id);
	fleet->n_ues_seen++;
	fleet->n_statuses[FK_UE_ACTIVE]++;
	return fk_name_index_add(fleet->by_ue_id, record->ue_id.at, record->ue_id.size, ue_index);
}

/* Whom the servers of its carrier know the UE as. spec: 3GPP sheet 3.5, 6.1 step 4 */
static const struct fk_record_text *name_at_next_hop(const struct fk_fleet_loader *loading,
						     uint8_t next_hop,
						     const struct fk_record *record)
{
	const struct fk_keytable *table = fk_keytable_view(loading->table);

	return table->next_hops[next_hop].carrier == FK_CARRIER_T2 ? &record->mc_service_id
								   : &record->mcdata_id;
}

/* The keys go from the seal into the key table, and nowhere else; those that are compromised not
 * even there (I8). */
static enum fk_err take_keys(struct fk_fleet_loader *loading, uint32_t ue_index,
			     const struct fk_record *record)
{
	const struct row *row = &loading->fleet->rows[ue_index];
	struct fk_ue_slot *slot = fk_keytable_slot(loading->table, ue_index);
	const struct fk_record_text *name;
	uint8_t keys[FK_RECORD_KEYS_SIZE];
	enum fk_err err =
		fk_record_unseal(loading->keyring, loading->fleet->meta.generation, record, keys);

	if (err != FK_OK) {
		fk_reason_set(loading->reason, "UE %.*s: its keys do not open under this root key",
			      (int)record->ue_id.size, record->ue_id.at);
		return err;
	}
	if (!fk_own_key_is_compromised(&record->own[FK_OWN_KEK])) {
		memcpy(slot->kek, keys, sizeof(slot->kek));
		slot->kek_algorithm_id = record->kek_algorithm_id;
	}
	slot->ptek_compromised = fk_own_key_is_compromised(&record->own[FK_OWN_PTEK]);
	if (!slot->ptek_compromised) {
		memcpy(slot->ptek, keys + sizeof(slot->kek), sizeof(slot->ptek));
		slot->ptek_algorithm_id = record->ptek_algorithm_id;
	}
	fk_wipe(keys, sizeof(keys));
	slot->kek_key_id = record->kek_key_id;
	slot->kek_sln = record->kek_sln;
	slot->ptek_key_id = record->ptek_key_id;
	slot->next_hop = row->next_hop;
	slot->mnp = record->mnp;
	slot->max_kmm = record->takes.max_kmm;
	slot->max_keys = record->takes.max_keys;
	slot->keysets = record->takes.keysets;
	slot->mac_kind = record->mac_kind;
	slot->ue_generation = record->ue_generation;
	name = name_at_next_hop(loading, row->next_hop, record);
	return fk_keytable_enter_ue(loading->table, ue_index, record->rsi, name->at, name->size);
}

static enum fk_err take_record(struct fk_fleet_loader *loading, uint32_t page, uint32_t ue_index,
			       const uint8_t *octets, size_t size, uint8_t layout)
{
	struct fk_record record;
	enum fk_err err = fk_record_decode(octets, size, layout, &record);

	if (err == FK_OK)
		err = take_row(loading->fleet, ue_index, &record);
	if (err == FK_OK)
		err = take_keys(loading, ue_index, &record);
	if (err == FK_OK || err == FK_EAUTH || err == FK_ENOMEM)
		return err;
	return refuse_page(loading, page, "a record is damaged");
}

static enum fk_err take_fleet_page(void *ctx, uint32_t page, const uint8_t *octets, size_t size)
{
	struct fk_fleet_loader *loading = ctx;
	struct fk_wire_reader r = {.failed = true};
	uint8_t layout = 0;
	enum fk_err err = fk_page_open(loading->keyring, loading->fleet->meta.generation, page,
				       loading->fleet->page_versions[page], octets, size, &r,
				       &layout, loading->reason);

	for (uint32_t i = 0; err == FK_OK && i < FK_STORE_PAGE_UES; i++) {
		uint16_t record_size = fk_wire_get_u16(&r);
		const uint8_t *record = fk_wire_get_bytes(&r, record_size);

		if (r.failed)
			return refuse_page(loading, page, "ends too early");
		if (record_size > 0)
			err = take_record(loading, page, page * FK_STORE_PAGE_UES + i, record,
					  record_size, layout);
	}
	if (err == FK_OK && fk_wire_left(&r) != 0)
		return refuse_page(loading, page, "holds more than its records");
	return err;
}

static enum fk_err take_numbers_page(void *ctx, uint32_t page, const uint8_t *octets, size_t size)
{
	struct fk_fleet_loader *loading = ctx;

	/* Without its numbers a UE might see an old one again: never start from zeros here. */
	if (size == 0)
		return refuse_page(loading, page, "its message numbers are missing in the store");
	if (fk_numbers_decode_page(octets, size,
				   loading->fleet->numbers + (size_t)page * FK_STORE_PAGE_UES) !=
	    FK_OK)
		return refuse_page(loading, page, "its message numbers are damaged");
	return FK_OK;
}

static enum fk_err take_currency_page(void *ctx, uint32_t page, const uint8_t *octets, size_t size)
{
	struct fk_fleet_loader *loading = ctx;
	enum fk_err err = fk_currency_book_take(loading->fleet->currency, page, octets, size);

	return err == FK_EFORMAT ? refuse_page(loading, page, "its currency is damaged") : err;
}

/* The fleet's next hops by name, as the configuration numbers them today. */
static enum fk_err map_next_hops(struct fk_fleet *fleet, const struct fk_config *config,
				 struct fk_reason *reason)
{
	for (uint32_t i = 0; i < fk_names_count(fleet->meta.next_hops); i++) {
		const char *name = fk_names_get(fleet->meta.next_hops, i);
		int32_t index = fk_config_find_next_hop(config, name);

		if (index < 0) {
			fk_reason_set(reason,
				      "next_hops: the fleet names \"%s\", which is not "
				      "configured",
				      name);
			return FK_EINVAL;
		}
		fleet->next_hop_of[i] = (uint8_t)index;
	}
	return FK_OK;
}

static uint32_t at_most(uint32_t n, uint32_t max)
{
	return n < max ? n : max;
}

/* Up to 'n_pages' more, first all records and then all numbers. */
static enum fk_err read_pages(struct fk_fleet_loader *loading, uint32_t n_pages)
{
	const struct fk_fleet_meta *meta = &loading->fleet->meta;
	uint32_t n = at_most(n_pages, meta->n_pages - loading->n_fleet_pages_read);
	enum fk_err err =
		fk_store_read_fleet_pages(loading->store, meta->generation, meta->page_shards,
					  loading->n_fleet_pages_read, n, take_fleet_page, loading);

	loading->n_fleet_pages_read += n;
	/* Numbers and currency are small beside records: many fit into what is left of this step.
	 */
	n_pages = (n_pages - n) * 16;
	n = at_most(n_pages, meta->n_pages - loading->n_numbers_pages_read);
	if (err == FK_OK)
		err = fk_store_read_numbers_pages(loading->store, meta->generation,
						  meta->page_shards, loading->n_numbers_pages_read,
						  n, take_numbers_page, loading);
	if (err == FK_OK)
		err = fk_store_read_currency_pages(loading->store, meta->generation,
						   meta->page_shards, loading->n_numbers_pages_read,
						   n, take_currency_page, loading);
	loading->n_numbers_pages_read += n;
	if (err == FK_ESTORE)
		fk_reason_set(loading->reason, "%s", fk_store_last_error(loading->store));
	return err;
}

static enum fk_err check_complete(const struct fk_fleet_loader *loading)
{
	const struct fk_fleet *fleet = loading->fleet;

	if (fleet->n_ues_seen == fleet->meta.n_ues)
		return FK_OK;
	fk_reason_set(loading->reason, "fleet %" PRIu64 ": has %u UEs, must have %u",
		      fleet->meta.generation, fleet->n_ues_seen, fleet->meta.n_ues);
	return FK_EFORMAT;
}

/* Meta record first: it says how much room everything takes. */
static enum fk_err read_meta(struct fk_fleet *fleet, struct fk_store *store,
			     const struct fk_config *config, struct fk_reason *reason)
{
	uint64_t generation;
	enum fk_err err = fk_fleet_meta_init(&fleet->meta);

	if (err == FK_OK)
		err = fk_store_current_fleet(store, &generation);
	if (err == FK_ESTORE)
		fk_reason_set(reason, "%s", fk_store_last_error(store));
	if (err == FK_OK && generation != 0)
		err = fk_fleet_meta_read(&fleet->meta, store, generation, reason);
	return err == FK_OK ? map_next_hops(fleet, config, reason) : err;
}

/* Octets for the names that the key table has; with carrier T2 they may be of either kind. */
static uint64_t names_size(const struct fk_fleet *fleet, const struct fk_config *config)
{
	uint64_t max = (uint64_t)fleet->meta.n_ues * FK_URI_SIZE_MAX;

	if (config->isd.layout_size == 0)
		return fleet->meta.mcdata_size;
	return fleet->meta.strings_size < max ? fleet->meta.strings_size : max;
}

static enum fk_err make_table(struct fk_fleet_loader *loading, const struct fk_config *config)
{
	const struct fk_fleet *fleet = loading->fleet;
	const struct fk_keytable_extent extent = {
		.n_slots = fk_fleet_n_slots(fleet),
		.n_rsi_pages = fleet->meta.n_rsi_pages,
		.text_size = names_size(fleet, config),
		.fleet_generation = fleet->meta.generation,
	};

	return fk_keytable_new(config, loading->keyring, &extent, &loading->table, loading->reason);
}

enum fk_err fk_fleet_loader_new(struct fk_store *store, struct fk_keyring *keyring,
				const struct fk_config *config, struct fk_fleet_loader **ret_loader,
				struct fk_reason *reason)
{
	struct fk_fleet_loader *loading = calloc(1, sizeof(*loading));
	enum fk_err err;

	fk_reason_set(reason, "out of memory");
	if (loading == NULL)
		return FK_ENOMEM;
	loading->store = store;
	loading->keyring = keyring;
	loading->reason = reason;
	loading->fleet = calloc(1, sizeof(*loading->fleet));
	err = loading->fleet != NULL ? read_meta(loading->fleet, store, config, reason) : FK_ENOMEM;
	if (err == FK_OK)
		err = allocate(loading->fleet);
	if (err == FK_OK && loading->fleet->meta.n_pages > 0)
		err = fk_page_versions_read(keyring, store, loading->fleet->meta.generation,
					    loading->fleet->meta.page_shards,
					    loading->fleet->meta.n_pages,
					    loading->fleet->page_versions, reason);
	if (err == FK_OK)
		err = make_table(loading, config);
	if (err != FK_OK) {
		fk_fleet_loader_free(loading);
		return err;
	}
	*ret_loader = loading;
	return FK_OK;
}

void fk_fleet_loader_free(struct fk_fleet_loader *loader)
{
	if (loader == NULL)
		return;
	fk_keytable_free(loader->table);
	fk_fleet_free(loader->fleet);
	free(loader);
}

enum fk_err fk_fleet_loader_step(struct fk_fleet_loader *loader, uint32_t n_pages, bool *ret_done,
				 struct fk_reason *reason)
{
	enum fk_err err;

	loader->reason = reason;
	err = read_pages(loader, n_pages);
	if (err != FK_OK || loader->n_numbers_pages_read < loader->fleet->meta.n_pages) {
		if (err == FK_OK)
			*ret_done = false;
		return err;
	}
	err = check_complete(loader);
	/* Last, and together with the step that says done: nobody can change one in between. */
	if (err == FK_OK)
		err = fk_status_load(loader->store, loader->fleet, fk_keytable_view(loader->table),
				     reason);
	if (err == FK_OK)
		*ret_done = true;
	return err;
}

void fk_fleet_loader_progress(const struct fk_fleet_loader *loader, uint32_t *ret_done,
			      uint32_t *ret_total)
{
	*ret_done = loader->n_fleet_pages_read;
	*ret_total = loader->fleet->meta.n_pages;
}

void fk_fleet_loader_take(struct fk_fleet_loader *loader, struct fk_fleet **ret_fleet,
			  struct fk_keytable_file **ret_table)
{
	*ret_fleet = loader->fleet;
	*ret_table = loader->table;
	loader->fleet = NULL;
	loader->table = NULL;
	fk_fleet_loader_free(loader);
}

enum fk_err fk_fleet_load(struct fk_store *store, struct fk_keyring *keyring,
			  const struct fk_config *config, struct fk_fleet **ret_fleet,
			  struct fk_keytable_file **ret_table, struct fk_reason *reason)
{
	struct fk_fleet_loader *loader = NULL;
	bool done = false;
	enum fk_err err = fk_fleet_loader_new(store, keyring, config, &loader, reason);

	while (err == FK_OK && !done)
		err = fk_fleet_loader_step(loader, FK_STORE_PIPELINE_MAX, &done, reason);
	if (err != FK_OK) {
		fk_fleet_loader_free(loader);
		return err;
	}
	fk_fleet_loader_take(loader, ret_fleet, ret_table);
	return FK_OK;
}

uint64_t fk_fleet_generation(const struct fk_fleet *fleet)
{
	return fleet->meta.generation;
}

uint32_t fk_fleet_n_ues(const struct fk_fleet *fleet)
{
	return fleet->meta.n_ues;
}

uint32_t fk_fleet_n_slots(const struct fk_fleet *fleet)
{
	return fleet->meta.n_pages * FK_STORE_PAGE_UES;
}

uint32_t fk_fleet_n_pages(const struct fk_fleet *fleet)
{
	return fleet->meta.n_pages;
}

uint32_t fk_fleet_n_next_hops(const struct fk_fleet *fleet)
{
	return fk_names_count(fleet->meta.next_hops);
}

uint32_t fk_fleet_next_hop(const struct fk_fleet *fleet, uint32_t i)
{
	return fleet->next_hop_of[i];
}

const uint8_t *fk_fleet_page_shards(const struct fk_fleet *fleet)
{
	return fleet->meta.page_shards;
}

uint32_t *fk_fleet_page_versions(struct fk_fleet *fleet)
{
	return fleet->page_versions;
}

bool fk_fleet_doubts_versions(const struct fk_fleet *fleet)
{
	return fleet->doubts_versions;
}

void fk_fleet_doubt_versions(struct fk_fleet *fleet, bool is_doubtful)
{
	fleet->doubts_versions = is_doubtful;
}

bool fk_fleet_get(const struct fk_fleet *fleet, uint32_t ue_index, struct fk_fleet_ue *ret_ue)
{
	const struct row *row;
	const char *strings;

	if (ue_index >= fk_fleet_n_slots(fleet) || fleet->rows[ue_index].rsi == 0)
		return false;
	row = &fleet->rows[ue_index];
	strings = fleet->strings + row->strings_offset;
	*ret_ue = (struct fk_fleet_ue){
		.ue_id = strings,
		.mc_service_id = strings + row->ue_id_len + 1,
		.mcdata_id = strings + row->ue_id_len + 1 + row->mc_service_id_len + 1,
		.rsi = row->rsi,
		.kek_sln = row->kek_sln,
		.kek_key_id = row->kek_key_id,
		.ptek_key_id = row->ptek_key_id,
		.has_ptek = row->has_ptek,
		.mac_kind = row->mac_kind,
		.mnp = row->mnp,
		.takes = row->takes,
		.next_hop = row->next_hop,
		.area_id = row->area_id,
		.n_groups = row->n_groups,
		.group_ids = fleet->group_ids + row->groups_offset,
		.ue_generation = row->ue_generation,
		.status = row->status,
		.presence = fleet->numbers[ue_index].presence,
		.own = {row->own[FK_OWN_KEK], row->own[FK_OWN_PTEK]},
	};
	return true;
}

void fk_fleet_set_ptek(struct fk_fleet *fleet, uint32_t ue_index, uint16_t key_id,
		       const struct fk_own_key *ptek)
{
	if (ue_index >= fk_fleet_n_slots(fleet) || fleet->rows[ue_index].rsi == 0)
		return;
	fleet->rows[ue_index].ptek_key_id = key_id;
	fleet->rows[ue_index].has_ptek = true;
	fleet->rows[ue_index].own[FK_OWN_PTEK] = *ptek;
	mark_key_id(fleet, key_id);
}

const struct fk_own_key *fk_fleet_own_key(const struct fk_fleet *fleet, uint32_t ue_index,
					  enum fk_own_key_kind kind)
{
	if (ue_index >= fk_fleet_n_slots(fleet) || fleet->rows[ue_index].rsi == 0)
		return NULL;
	return &fleet->rows[ue_index].own[kind];
}

void fk_fleet_set_compromised(struct fk_fleet *fleet, uint32_t ue_index, enum fk_own_key_kind kind)
{
	if (ue_index < fk_fleet_n_slots(fleet) && fleet->rows[ue_index].own[kind].state != 0)
		fleet->rows[ue_index].own[kind].state = FK_LIFE_COMPROMISED;
}

const char *fk_presence_label(uint8_t presence)
{
	static const char *const labels[] = {
#define X(name, label, text) label,
		FK_PRESENCE_MAP(X)
#undef X
	};

	return presence < FK_PRESENCES ? labels[presence] : "unknown";
}

uint32_t fk_fleet_n_with_presence(const struct fk_fleet *fleet, uint8_t presence)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < fk_fleet_n_slots(fleet); i++)
		n += fleet->rows[i].rsi != 0 && fleet->numbers[i].presence == presence;
	return n;
}

int64_t fk_fleet_find(const struct fk_fleet *fleet, const char *ue_id)
{
	return fk_name_index_find(fleet->by_ue_id, ue_id, strlen(ue_id));
}

uint16_t fk_fleet_area(const struct fk_fleet *fleet, uint32_t ue_index)
{
	return ue_index < fk_fleet_n_slots(fleet) ? fleet->rows[ue_index].area_id : 0;
}

uint8_t fk_fleet_status(const struct fk_fleet *fleet, uint32_t ue_index)
{
	return ue_index < fk_fleet_n_slots(fleet) ? fleet->rows[ue_index].status : FK_UE_ACTIVE;
}

void fk_fleet_set_status(struct fk_fleet *fleet, uint32_t ue_index, uint8_t status)
{
	struct row *row;

	if (ue_index >= fk_fleet_n_slots(fleet) || fleet->rows[ue_index].rsi == 0 ||
	    status >= FK_UE_STATUSES)
		return;
	row = &fleet->rows[ue_index];
	fleet->n_statuses[row->status]--;
	fleet->n_statuses[status]++;
	row->status = status;
}

uint32_t fk_fleet_n_with_status(const struct fk_fleet *fleet, uint8_t status)
{
	return status < FK_UE_STATUSES ? fleet->n_statuses[status] : 0;
}

uint32_t fk_fleet_n_groups(const struct fk_fleet *fleet)
{
	return fk_names_count(fleet->meta.groups);
}

uint32_t fk_fleet_n_areas(const struct fk_fleet *fleet)
{
	return fk_names_count(fleet->meta.areas);
}

const char *fk_fleet_group_name(const struct fk_fleet *fleet, uint32_t group_id)
{
	return fk_names_get(fleet->meta.groups, group_id);
}

const char *fk_fleet_area_name(const struct fk_fleet *fleet, uint32_t area_id)
{
	return fk_names_get(fleet->meta.areas, area_id);
}

int32_t fk_fleet_find_group(const struct fk_fleet *fleet, const char *name)
{
	return fk_names_find(fleet->meta.groups, name, strlen(name));
}

int32_t fk_fleet_find_area(const struct fk_fleet *fleet, const char *name)
{
	return fk_names_find(fleet->meta.areas, name, strlen(name));
}

bool fk_fleet_is_member(const struct fk_fleet *fleet, uint32_t ue_index, uint32_t group_id)
{
	struct fk_fleet_ue ue;

	if (!fk_fleet_get(fleet, ue_index, &ue))
		return false;
	for (uint32_t i = 0; i < ue.n_groups; i++) {
		if (ue.group_ids[i] == group_id)
			return true;
	}
	return false;
}

uint32_t fk_fleet_group_size(const struct fk_fleet *fleet, uint32_t group_id)
{
	return group_id < FK_GROUPS_MAX ? fleet->group_sizes[group_id] : 0;
}

bool fk_fleet_uses_key_id(const struct fk_fleet *fleet, uint16_t key_id)
{
	return (fleet->key_ids[key_id / 8] >> key_id % 8 & 1) != 0;
}

struct fk_currency_book *fk_fleet_currency(const struct fk_fleet *fleet)
{
	return fleet->currency;
}

struct fk_ue_numbers *fk_fleet_numbers(struct fk_fleet *fleet, uint32_t ue_index)
{
	return ue_index < fk_fleet_n_slots(fleet) ? &fleet->numbers[ue_index] : NULL;
}

void fk_fleet_encode_numbers_page(const struct fk_fleet *fleet, uint32_t page,
				  uint8_t ret_octets[static FK_NUMBERS_PAGE_SIZE])
{
	fk_numbers_encode_page(fleet->numbers + (size_t)page * FK_STORE_PAGE_UES, ret_octets);
}
