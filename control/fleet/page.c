/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/page.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIELD	      "versions:"
#define PAGE_LABEL    "fleetkey page"
#define VERSION_LABEL "fleetkey versions"

struct fk_wire_writer fk_page_begin(uint8_t *buf, size_t cap, uint32_t version)
{
	struct fk_wire_writer w = fk_wire_writer(buf, cap);

	fk_wire_put_u8(&w, FK_PAGE_LAYOUT);
	fk_wire_put_u32(&w, version);
	return w;
}

enum fk_err fk_page_mac(struct fk_keyring *keyring, const char *label, uint64_t generation,
			uint32_t index, const uint8_t *octets, size_t size,
			uint8_t ret_mac[static FK_PAGE_MAC_SIZE])
{
	uint8_t head[48], mac[FK_KEYRING_MAC_SIZE];
	struct fk_wire_writer w = fk_wire_writer(head, sizeof(head));
	size_t head_size;
	enum fk_err err;

	fk_wire_put_bytes(&w, label, strlen(label) + 1);
	fk_wire_put_u64(&w, generation);
	fk_wire_put_u32(&w, index);
	err = fk_wire_done(&w, &head_size);
	if (err == FK_OK)
		err = fk_keyring_mac(keyring, head, head_size, octets, size, mac);
	if (err == FK_OK)
		memcpy(ret_mac, mac, FK_PAGE_MAC_SIZE);
	return err;
}

bool fk_page_mac_is_right(struct fk_keyring *keyring, const char *label, uint64_t generation,
			  uint32_t index, const uint8_t *octets, size_t size)
{
	uint8_t mac[FK_PAGE_MAC_SIZE];

	return size >= FK_PAGE_MAC_SIZE &&
	       fk_page_mac(keyring, label, generation, index, octets, size - FK_PAGE_MAC_SIZE,
			   mac) == FK_OK &&
	       fk_ct_equal(mac, octets + size - FK_PAGE_MAC_SIZE, FK_PAGE_MAC_SIZE);
}

enum fk_err fk_page_end(struct fk_keyring *keyring, uint64_t generation, uint32_t page,
			struct fk_wire_writer *w, size_t *ret_size)
{
	size_t size = fk_wire_written(w);
	uint8_t *mac = fk_wire_take(w, FK_PAGE_MAC_SIZE);
	enum fk_err err = FK_EFULL;

	if (mac != NULL)
		err = fk_page_mac(keyring, PAGE_LABEL, generation, page, w->start, size, mac);
	if (err == FK_OK)
		*ret_size = size + FK_PAGE_MAC_SIZE;
	return err;
}

static enum fk_err refuse(struct fk_reason *reason, enum fk_err err, uint64_t generation,
			  uint32_t page, const char *why)
{
	fk_reason_set(reason, "fleet %" PRIu64 ", page %u: %s", generation, page, why);
	return err;
}

enum fk_err fk_page_open(struct fk_keyring *keyring, uint64_t generation, uint32_t page,
			 uint32_t version, const uint8_t *octets, size_t size,
			 struct fk_wire_reader *ret_records, uint8_t *ret_layout,
			 struct fk_reason *reason)
{
	struct fk_wire_reader r = fk_wire_reader(octets, size);
	uint8_t layout = fk_wire_get_u8(&r);
	uint32_t stored;

	if (size == 0)
		return refuse(reason, FK_EFORMAT, generation, page, "is missing in the store");
	if ((layout != FK_PAGE_LAYOUT && layout != FK_RECORD_LAYOUT_OLD) || size < FK_PAGE_OVERHEAD)
		return refuse(reason, FK_EFORMAT, generation, page,
			      "has another layout than this version reads");
	if (!fk_page_mac_is_right(keyring, PAGE_LABEL, generation, page, octets, size))
		return refuse(reason, FK_EAUTH, generation, page,
			      "was changed in the store, or is another page");
	stored = fk_wire_get_u32(&r);
	if (stored != version) {
		fk_reason_set(reason,
			      "fleet %" PRIu64 ", page %u: is version %u, must be %u: it was put "
			      "back from an older copy",
			      generation, page, stored, version);
		return FK_ESTALE;
	}
	r.end -= FK_PAGE_MAC_SIZE;
	*ret_records = r;
	*ret_layout = layout;
	return FK_OK;
}

enum fk_err fk_page_versions_encode(struct fk_keyring *keyring, uint64_t generation, uint8_t shard,
				    const uint8_t *page_shards, uint32_t n_pages,
				    const uint32_t *versions,
				    char ret_name[static FK_PAGE_VERSIONS_NAME], uint8_t *buf,
				    size_t cap, size_t *ret_size)
{
	struct fk_wire_writer w = fk_wire_writer(buf, cap);
	size_t size;
	uint8_t *mac;
	enum fk_err err;

	for (uint32_t i = 0; i < n_pages; i++) {
		if (page_shards[i] == shard)
			fk_wire_put_u32(&w, versions[i]);
	}
	size = fk_wire_written(&w);
	mac = fk_wire_take(&w, FK_PAGE_MAC_SIZE);
	if (mac == NULL)
		return FK_EFULL;
	err = fk_page_mac(keyring, VERSION_LABEL, generation, shard, buf, size, mac);
	if (err != FK_OK)
		return err;
	(void)snprintf(ret_name, FK_PAGE_VERSIONS_NAME, FIELD "%u", shard);
	*ret_size = size + FK_PAGE_MAC_SIZE;
	return FK_OK;
}

struct reading {
	struct fk_keyring *keyring;
	uint64_t generation;
	const uint8_t *page_shards;
	uint32_t n_pages;
	uint32_t *versions;
	bool has_shard[FK_STORE_SHARDS];
	struct fk_reason *reason;
};

static enum fk_err refuse_list(const struct reading *reading, uint32_t shard, const char *why)
{
	fk_reason_set(reading->reason, "fleet %" PRIu64 ", shard %u: its list of page versions %s",
		      reading->generation, shard, why);
	return FK_EAUTH;
}

static enum fk_err take_field(void *ctx, const char *name, const char *value, size_t size)
{
	struct reading *reading = ctx;
	const uint8_t *octets = (const uint8_t *)value;
	struct fk_wire_reader r;
	unsigned long shard;
	char *end;

	if (strncmp(name, FIELD, strlen(FIELD)) != 0)
		return FK_OK;
	shard = strtoul(name + strlen(FIELD), &end, 10);
	if (*end != '\0' || shard >= FK_STORE_SHARDS)
		return FK_OK;
	if (size < FK_PAGE_MAC_SIZE ||
	    !fk_page_mac_is_right(reading->keyring, VERSION_LABEL, reading->generation,
				  (uint32_t)shard, octets, size))
		return refuse_list(reading, (uint32_t)shard, "was changed in the store");
	r = fk_wire_reader(octets, size - FK_PAGE_MAC_SIZE);
	for (uint32_t i = 0; i < reading->n_pages; i++) {
		if (reading->page_shards[i] == shard)
			reading->versions[i] = fk_wire_get_u32(&r);
	}
	if (r.failed || fk_wire_left(&r) != 0)
		return refuse_list(reading, (uint32_t)shard, "has another length than its pages");
	reading->has_shard[shard] = true;
	return FK_OK;
}

bool fk_page_versions_witness(struct fk_store *store, uint64_t generation, const uint32_t *versions,
			      uint32_t n_pages)
{
	uint64_t n_writes = 0;

	for (uint32_t i = 0; i < n_pages; i++)
		n_writes += versions[i];
	return fk_store_witness_pages(store, generation, n_writes);
}

enum fk_err fk_page_versions_read(struct fk_keyring *keyring, struct fk_store *store,
				  uint64_t generation, const uint8_t *page_shards, uint32_t n_pages,
				  uint32_t *ret_versions, struct fk_reason *reason)
{
	struct reading reading = {.keyring = keyring,
				  .generation = generation,
				  .page_shards = page_shards,
				  .n_pages = n_pages,
				  .versions = ret_versions,
				  .reason = reason};
	enum fk_err err = fk_store_read_fleet(store, generation, take_field, &reading);

	if (err == FK_ESTORE)
		fk_reason_set(reason, "%s", fk_store_last_error(store));
	for (uint32_t i = 0; err == FK_OK && i < n_pages; i++) {
		if (!reading.has_shard[page_shards[i]])
			err = refuse_list(&reading, page_shards[i], "is missing in the store");
	}
	if (err == FK_OK && !fk_page_versions_witness(store, generation, ret_versions, n_pages)) {
		fk_reason_set(reason,
			      "fleet %" PRIu64 ": pages and their lists of versions were put back "
			      "from an older copy, since more writes of pages were confirmed than "
			      "they have",
			      generation);
		err = FK_ESTALE;
	}
	return err;
}
