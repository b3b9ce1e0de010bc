/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/status.h"

#include <string.h>

#include <fleetkey/wire.h>

static const char *const labels[] = {
#define X(name, label, text) label,
	FK_UE_STATUS_MAP(X)
#undef X
};

const char *fk_ue_status_label(uint8_t status)
{
	return status < FK_UE_STATUSES ? labels[status] : "unknown";
}

int fk_ue_status_find(const char *label)
{
	for (int i = 0; i < FK_UE_STATUSES; i++) {
		if (strcmp(labels[i], label) == 0)
			return i;
	}
	return -1;
}

size_t fk_status_encode(const struct fk_status_entry *entry,
			uint8_t ret_octets[static FK_STATUS_SIZE_MAX])
{
	struct fk_wire_writer w = fk_wire_writer(ret_octets, FK_STATUS_SIZE_MAX);

	fk_wire_put_u8(&w, entry->status);
	fk_wire_put_u64(&w, entry->since_ms);
	fk_wire_put_bytes(&w, entry->reason, strlen(entry->reason));
	return fk_wire_written(&w);
}

enum fk_err fk_status_decode(const uint8_t *octets, size_t size, struct fk_status_entry *ret_entry)
{
	struct fk_wire_reader r = fk_wire_reader(octets, size);
	struct fk_status_entry entry = {.status = fk_wire_get_u8(&r)};
	const uint8_t *reason;
	size_t len;

	entry.since_ms = fk_wire_get_u64(&r);
	len = fk_wire_left(&r);
	reason = fk_wire_get_bytes(&r, len);
	if (r.failed || entry.status == FK_UE_ACTIVE || entry.status >= FK_UE_STATUSES ||
	    len >= sizeof(entry.reason) || memchr(reason, '\0', len) != NULL)
		return FK_EFORMAT;
	memcpy(entry.reason, reason, len);
	*ret_entry = entry;
	return FK_OK;
}

struct loading {
	struct fk_fleet *fleet;
	const struct fk_keytable *table;
	struct fk_reason *reason;
};

static enum fk_err take_entry(void *ctx, uint32_t rsi, const uint8_t *octets, size_t size)
{
	struct loading *loading = ctx;
	int64_t ue_index = fk_keytable_find_rsi(loading->table, rsi);
	struct fk_status_entry entry;

	if (fk_status_decode(octets, size, &entry) != FK_OK) {
		fk_reason_set(loading->reason, "the status of RSI %u is damaged in the store", rsi);
		return FK_EFORMAT;
	}
	if (ue_index >= 0)
		fk_fleet_set_status(loading->fleet, (uint32_t)ue_index, entry.status);
	return FK_OK;
}

enum fk_err fk_status_load(struct fk_store *store, struct fk_fleet *fleet,
			   const struct fk_keytable *table, struct fk_reason *reason)
{
	struct loading loading = {fleet, table, reason};
	enum fk_err err = fk_store_walk_statuses(store, take_entry, &loading);

	if (err == FK_ESTORE)
		fk_reason_set(reason, "%s", fk_store_last_error(store));
	return err;
}

void fk_status_batch_put(struct fk_store *store, const struct fk_fleet *fleet, uint32_t ue_index,
			 const struct fk_status_entry *entry)
{
	uint8_t octets[FK_STATUS_SIZE_MAX];
	struct fk_fleet_ue ue;

	if (!fk_fleet_get(fleet, ue_index, &ue))
		return;
	if (entry->status == FK_UE_ACTIVE)
		fk_store_batch_delete_status(store, ue.rsi);
	else
		fk_store_batch_put_status(store, ue.rsi, octets, fk_status_encode(entry, octets));
}

enum fk_err fk_status_set(struct fk_store *store, struct fk_fleet *fleet,
			  const uint32_t *ue_indexes, uint32_t n,
			  const struct fk_status_entry *entry)
{
	enum fk_err err;

	if (n > FK_STATUS_SET_MAX)
		return FK_EINVAL;
	fk_store_batch_begin(store);
	for (uint32_t i = 0; i < n; i++)
		fk_status_batch_put(store, fleet, ue_indexes[i], entry);
	err = fk_store_batch_commit(store);
	for (uint32_t i = 0; err == FK_OK && i < n; i++)
		fk_fleet_set_status(fleet, ue_indexes[i], entry->status);
	return err;
}

/* Entries in the order in which they were asked for. */
struct reading {
	struct fk_status_entry *entries;
	uint32_t n;
};

static enum fk_err read_entry(void *ctx, uint32_t rsi, const uint8_t *octets, size_t size)
{
	struct reading *reading = ctx;
	struct fk_status_entry *entry = &reading->entries[reading->n++];

	(void)rsi;
	*entry = (struct fk_status_entry){.status = FK_UE_ACTIVE};
	return size == 0 ? FK_OK : fk_status_decode(octets, size, entry);
}

enum fk_err fk_status_read(struct fk_store *store, const uint32_t *rsis, uint32_t n,
			   struct fk_status_entry *ret_entries)
{
	struct reading reading = {ret_entries, 0};

	return fk_store_read_statuses(store, rsis, n, read_entry, &reading);
}
