/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/name_index.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <fleetkey/bulk.h>

#include "keys/tek.h"

struct entry {
	uint32_t hash;
	uint32_t value_plus_1; /* 0: free */
};

struct fk_name_index {
	struct entry *entries;
	uint32_t mask; /* slots - 1 */
	uint32_t n_used;
	uint64_t seed; /* so that a file cannot be made to collide */
	fk_name_text_fn text_of;
	const void *ctx;
};

/* Multiply and fold, eight octets at a time. */
static uint32_t hash_of(uint64_t seed, const char *text, size_t len)
{
	uint64_t h = seed ^ len * 0x9e3779b97f4a7c15ull;

	while (len > 0) {
		uint64_t word = 0;
		size_t n = len < 8 ? len : 8;
		__uint128_t product;

		memcpy(&word, text, n);
		product = (__uint128_t)(h ^ word) * 0xd6e8feb86659fd93ull;
		h = (uint64_t)product ^ (uint64_t)(product >> 64) ^ seed;
		text += n;
		len -= n;
	}
	h ^= h >> 32;
	return (uint32_t)(h * 0x9e3779b97f4a7c15ull >> 32);
}

enum fk_err fk_name_index_new(uint32_t n_expected, fk_name_text_fn text_of, const void *ctx,
			      struct fk_name_index **ret_index)
{
	struct fk_name_index *index = calloc(1, sizeof(*index));
	uint64_t n_slots = 16;

	if (index == NULL)
		return FK_ENOMEM;
	while (n_slots * 2 / 3 < n_expected)
		n_slots *= 2;
	index->mask = (uint32_t)(n_slots - 1);
	index->text_of = text_of;
	index->ctx = ctx;
	index->entries = fk_bulk_calloc(n_slots, sizeof(*index->entries));
	if (index->entries == NULL || fk_random_fill(&index->seed, sizeof(index->seed)) != FK_OK) {
		fk_name_index_free(index);
		return FK_ENOMEM;
	}
	*ret_index = index;
	return FK_OK;
}

void fk_name_index_free(struct fk_name_index *index)
{
	if (index == NULL)
		return;
	free(index->entries);
	free(index);
}

static bool is_equal(const struct fk_name_index *index, const struct entry *entry, const char *text,
		     size_t len)
{
	size_t other_len;
	const char *other = index->text_of(index->ctx, entry->value_plus_1 - 1, &other_len);

	return other_len == len && memcmp(other, text, len) == 0;
}

/* The slot of that name, or the free one where it belongs. There always is a free one. */
static struct entry *slot_of(const struct fk_name_index *index, uint32_t hash, const char *text,
			     size_t len)
{
	uint32_t at = hash & index->mask;

	for (;; at = (at + 1) & index->mask) {
		struct entry *entry = &index->entries[at];

		if (entry->value_plus_1 == 0 ||
		    (entry->hash == hash && is_equal(index, entry, text, len)))
			return entry;
	}
}

int64_t fk_name_index_find(const struct fk_name_index *index, const char *text, size_t len)
{
	const struct entry *entry = slot_of(index, hash_of(index->seed, text, len), text, len);

	return (int64_t)entry->value_plus_1 - 1;
}

static enum fk_err grow(struct fk_name_index *index)
{
	uint64_t n_slots = ((uint64_t)index->mask + 1) * 2;
	struct entry *entries;

	if (n_slots > UINT32_MAX)
		return FK_ENOMEM;
	entries = fk_bulk_calloc(n_slots, sizeof(*entries));
	if (entries == NULL)
		return FK_ENOMEM;
	for (uint64_t i = 0; i <= index->mask; i++) {
		uint32_t at = index->entries[i].hash & (uint32_t)(n_slots - 1);

		if (index->entries[i].value_plus_1 == 0)
			continue;
		while (entries[at].value_plus_1 != 0)
			at = (at + 1) & (uint32_t)(n_slots - 1);
		entries[at] = index->entries[i];
	}
	free(index->entries);
	index->entries = entries;
	index->mask = (uint32_t)(n_slots - 1);
	return FK_OK;
}

enum fk_err fk_name_index_add(struct fk_name_index *index, const char *text, size_t len,
			      uint32_t value)
{
	uint32_t hash = hash_of(index->seed, text, len);
	struct entry *entry;
	enum fk_err err;

	if (((uint64_t)index->n_used + 1) * 3 > ((uint64_t)index->mask + 1) * 2) {
		err = grow(index);
		if (err != FK_OK)
			return err;
	}
	entry = slot_of(index, hash, text, len);
	if (entry->value_plus_1 != 0)
		return FK_EEXIST;
	entry->hash = hash;
	entry->value_plus_1 = value + 1;
	index->n_used++;
	return FK_OK;
}
