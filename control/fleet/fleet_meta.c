/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/fleet_meta.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "fleet/fleet.h"
#include "fleet/page.h"

enum fk_err fk_fleet_meta_init(struct fk_fleet_meta *meta)
{
	enum fk_err err;

	*meta = (struct fk_fleet_meta){.generation = 0};
	err = fk_names_new(FK_GROUPS_MAX, &meta->groups);
	if (err == FK_OK)
		err = fk_names_new(FK_AREAS_MAX, &meta->areas);
	if (err == FK_OK)
		err = fk_names_new(FK_NEXT_HOPS_MAX, &meta->next_hops);
	return err;
}

void fk_fleet_meta_fini(struct fk_fleet_meta *meta)
{
	fk_names_free(meta->groups);
	fk_names_free(meta->areas);
	fk_names_free(meta->next_hops);
	free(meta->page_shards);
	*meta = (struct fk_fleet_meta){.generation = 0};
}

/* The numbers of the record: name, and where they are. */
#define FK_FLEET_NUMBERS(X) \
	X(n_ues)            \
	X(n_pages)          \
	X(n_rsi_pages)      \
	X(mcdata_size)      \
	X(strings_size)     \
	X(n_memberships)

enum {
#define X(name) NUMBER_##name,
	FK_FLEET_NUMBERS(X)
#undef X
	N_NUMBERS
};

static const char *const number_names[] = {
#define X(name) #name,
	FK_FLEET_NUMBERS(X)
#undef X
};

/* The lists of versions of a new fleet, a field for each shard that has pages. */
struct version_lists {
	char names[FK_STORE_SHARDS][FK_PAGE_VERSIONS_NAME];
	uint32_t *versions;
	uint8_t *octets;
};

static enum fk_err add_version_lists(const struct fk_fleet_meta *meta, struct fk_keyring *keyring,
				     struct version_lists *lists, struct fk_store_field *fields,
				     uint32_t *n_fields)
{
	size_t room = meta->n_pages * 4ull + FK_STORE_SHARDS * FK_PAGE_MAC_SIZE, used = 0;
	bool has_shard[FK_STORE_SHARDS] = {false};
	enum fk_err err = FK_OK;

	lists->versions = calloc(meta->n_pages + 1ull, sizeof(*lists->versions));
	lists->octets = malloc(room);
	if (lists->versions == NULL || lists->octets == NULL)
		return FK_ENOMEM;
	for (uint32_t i = 0; i < meta->n_pages; i++) {
		lists->versions[i] = FK_PAGE_FIRST_VERSION;
		has_shard[meta->page_shards[i]] = true;
	}
	for (uint32_t shard = 0; err == FK_OK && shard < FK_STORE_SHARDS; shard++) {
		size_t size = 0;

		if (!has_shard[shard])
			continue;
		err = fk_page_versions_encode(keyring, meta->generation, (uint8_t)shard,
					      meta->page_shards, meta->n_pages, lists->versions,
					      lists->names[shard], lists->octets + used,
					      room - used, &size);
		fields[(*n_fields)++] =
			(struct fk_store_field){lists->names[shard], lists->octets + used, size};
		used += size;
	}
	return err;
}

enum fk_err fk_fleet_meta_publish(const struct fk_fleet_meta *meta, struct fk_store *store,
				  struct fk_keyring *keyring, uint64_t expected,
				  const struct fk_store_roster *roster)
{
	static const char *const list_names[] = {"groups", "areas", "next_hops"};
	const struct fk_names *const lists[] = {meta->groups, meta->areas, meta->next_hops};
	const uint64_t numbers[] = {
#define X(name) meta->name,
		FK_FLEET_NUMBERS(X)
#undef X
	};
	struct fk_store_field fields[N_NUMBERS + 4 + FK_STORE_SHARDS];
	struct version_lists versions = {.versions = NULL};
	char texts[N_NUMBERS][24], *joined[3] = {NULL, NULL, NULL};
	uint32_t n = 0;
	enum fk_err err = FK_OK;

	for (uint32_t i = 0; i < N_NUMBERS; i++) {
		int len = snprintf(texts[i], sizeof(texts[i]), "%" PRIu64, numbers[i]);

		fields[n++] = (struct fk_store_field){number_names[i], texts[i], (size_t)len};
	}
	for (uint32_t i = 0; err == FK_OK && i < 3; i++) {
		size_t size;

		err = fk_names_join(lists[i], &joined[i], &size);
		if (err == FK_OK)
			fields[n++] = (struct fk_store_field){list_names[i], joined[i], size};
	}
	fields[n++] = (struct fk_store_field){"page_shards", meta->page_shards, meta->n_pages};
	if (err == FK_OK)
		err = add_version_lists(meta, keyring, &versions, fields, &n);
	if (err == FK_OK)
		err = fk_store_publish_fleet(store, meta->generation, expected, fields, n, roster);
	free(versions.versions);
	free(versions.octets);
	for (uint32_t i = 0; i < 3; i++)
		free(joined[i]);
	return err;
}

static enum fk_err read_number(const char *text, uint64_t max, uint64_t *ret_value)
{
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return FK_EFORMAT;
	*ret_value = strtoull(text, &end, 10);
	return *end == '\0' && *ret_value <= max ? FK_OK : FK_EFORMAT;
}

struct reading {
	struct fk_fleet_meta *meta;
	uint64_t numbers[N_NUMBERS];
	bool has[N_NUMBERS];
	size_t n_shards;
};

static enum fk_err take_field(void *ctx, const char *name, const char *value, size_t size)
{
	struct reading *reading = ctx;
	struct fk_fleet_meta *meta = reading->meta;

	for (uint32_t i = 0; i < N_NUMBERS; i++) {
		if (strcmp(name, number_names[i]) == 0) {
			reading->has[i] = true;
			return read_number(value, UINT32_MAX * 1024ull, &reading->numbers[i]);
		}
	}
	if (strcmp(name, "groups") == 0)
		return fk_names_split(meta->groups, value, size);
	if (strcmp(name, "areas") == 0)
		return fk_names_split(meta->areas, value, size);
	if (strcmp(name, "next_hops") == 0)
		return fk_names_split(meta->next_hops, value, size);
	if (strcmp(name, "page_shards") == 0 && meta->page_shards == NULL) {
		meta->page_shards = malloc(size + 1);
		if (meta->page_shards == NULL)
			return FK_ENOMEM;
		memcpy(meta->page_shards, value, size);
		reading->n_shards = size;
	}
	return FK_OK; /* a field of a later version */
}

/* Nothing of a damaged record is used for an allocation or an index. */
static enum fk_err check(const struct reading *reading)
{
	const uint64_t *n = reading->numbers;
	uint64_t n_slots = n[NUMBER_n_pages] * FK_STORE_PAGE_UES;

	for (uint32_t i = 0; i < N_NUMBERS; i++) {
		if (!reading->has[i])
			return FK_EFORMAT;
	}
	if (n_slots > FK_UE_INDEX_MAX + 1 || n[NUMBER_n_ues] > n_slots ||
	    reading->n_shards != n[NUMBER_n_pages] || n[NUMBER_n_rsi_pages] > FK_RSI_PAGES ||
	    n[NUMBER_mcdata_size] > n[NUMBER_n_ues] * FK_URI_SIZE_MAX ||
	    n[NUMBER_strings_size] >
		    n[NUMBER_n_ues] * (FK_UE_ID_SIZE_MAX + 2 * FK_URI_SIZE_MAX + 3) ||
	    n[NUMBER_n_memberships] > n[NUMBER_n_ues] * FK_UE_GROUPS_MAX)
		return FK_EFORMAT;
	for (size_t i = 0; i < reading->n_shards; i++) {
		if (reading->meta->page_shards[i] >= FK_STORE_SHARDS)
			return FK_EFORMAT;
	}
	return FK_OK;
}

enum fk_err fk_fleet_meta_read(struct fk_fleet_meta *meta, struct fk_store *store,
			       uint64_t generation, struct fk_reason *reason)
{
	struct reading reading = {.meta = meta};
	enum fk_err err = fk_store_read_fleet(store, generation, take_field, &reading);

	if (err == FK_OK)
		err = check(&reading);
	if (err == FK_ESTORE) {
		fk_reason_set(reason, "%s", fk_store_last_error(store));
		return err;
	}
	if (err == FK_ENOMEM)
		return err;
	if (err != FK_OK) {
		fk_reason_set(reason, "fleet %" PRIu64 ": its record in the store is damaged",
			      generation);
		return FK_EFORMAT;
	}
	meta->generation = generation;
#define X(name) meta->name = (typeof(meta->name))reading.numbers[NUMBER_##name];
	FK_FLEET_NUMBERS(X)
#undef X
	return FK_OK;
}
