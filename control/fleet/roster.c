/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/roster.h"

#include <stdlib.h>
#include <string.h>

#include <fleetkey/wire.h>

#include "fleet/columns.h"

#define LABEL	"fleetkey roster"
#define NO_PAGE UINT32_MAX

struct fk_roster {
	struct fk_store *store;
	struct fk_keyring *keyring;
	uint64_t generation;
	uint8_t *page_shards;
	uint32_t n_pages;
	uint32_t page; /* whose UEs are there, or NO_PAGE */
	struct fk_roster_ue ues[FK_STORE_PAGE_UES];
};

/* Characters that two ids begin with alike. */
static size_t in_common(const char *a, const char *b)
{
	size_t n = 0;

	while (a[n] != '\0' && a[n] == b[n])
		n++;
	return n;
}

size_t fk_roster_encode(uint32_t n_pages, const struct fk_roster_ue ues[static FK_STORE_PAGE_UES],
			uint8_t ret_octets[static FK_ROSTER_BODY_MAX])
{
	struct fk_wire_writer w = fk_wire_writer(ret_octets, FK_ROSTER_BODY_MAX);
	const char *before = "";

	fk_wire_put_u8(&w, FK_ROSTER_LAYOUT);
	fk_wire_put_u32(&w, n_pages);
	for (uint32_t i = 0; i < FK_STORE_PAGE_UES; i++) {
		const char *ue_id = ues[i].ue_id;
		size_t shared, rest;

		if (ues[i].rsi == 0) {
			fk_wire_put_u16(&w, 0);
			continue;
		}
		shared = in_common(before, ue_id);
		rest = strlen(ue_id) - shared;
		fk_wire_put_u8(&w, (uint8_t)shared);
		fk_wire_put_u8(&w, (uint8_t)rest);
		fk_wire_put_bytes(&w, ue_id + shared, rest);
		fk_wire_put_u24(&w, ues[i].rsi);
		before = ue_id;
	}
	return fk_wire_written(&w);
}

/* One UE behind the one whose id is 'before'. */
static enum fk_err decode_ue(struct fk_wire_reader *r, const char *before,
			     struct fk_roster_ue *ret_ue)
{
	size_t shared = fk_wire_get_u8(r), rest = fk_wire_get_u8(r);
	const uint8_t *octets = fk_wire_get_bytes(r, rest);

	*ret_ue = (struct fk_roster_ue){.rsi = 0};
	if (r->failed)
		return FK_EFORMAT;
	if (shared + rest == 0)
		return FK_OK;
	if (shared > strlen(before) || shared + rest > FK_UE_ID_SIZE_MAX)
		return FK_EFORMAT;
	memcpy(ret_ue->ue_id, before, shared);
	memcpy(ret_ue->ue_id + shared, octets, rest);
	ret_ue->rsi = fk_wire_get_u24(r);
	if (r->failed || ret_ue->rsi == 0 || ret_ue->rsi > FK_RSI_UNIT_MAX ||
	    !fk_is_name(ret_ue->ue_id, shared + rest, FK_UE_ID_SIZE_MAX) ||
	    in_common(before, ret_ue->ue_id) != shared)
		return FK_EFORMAT;
	return FK_OK;
}

enum fk_err fk_roster_decode(const uint8_t *octets, size_t size, uint32_t n_pages,
			     struct fk_roster_ue ret_ues[static FK_STORE_PAGE_UES])
{
	struct fk_wire_reader r = fk_wire_reader(octets, size);
	const char *before = "";

	if (fk_wire_get_u8(&r) != FK_ROSTER_LAYOUT || fk_wire_get_u32(&r) != n_pages)
		return FK_EFORMAT;
	for (uint32_t i = 0; i < FK_STORE_PAGE_UES; i++) {
		enum fk_err err = decode_ue(&r, before, &ret_ues[i]);

		if (err != FK_OK)
			return err;
		if (ret_ues[i].rsi != 0)
			before = ret_ues[i].ue_id;
	}
	return !r.failed && fk_wire_left(&r) == 0 ? FK_OK : FK_EFORMAT;
}

static enum fk_err put_page(struct fk_store *store, struct fk_keyring *keyring,
			    const struct fk_fleet *fleet, uint32_t page)
{
	struct fk_roster_ue ues[FK_STORE_PAGE_UES];
	uint8_t octets[FK_ROSTER_PAGE_MAX];
	uint64_t generation = fk_fleet_generation(fleet);
	struct fk_fleet_ue ue;
	size_t size;
	enum fk_err err;

	for (uint32_t i = 0; i < FK_STORE_PAGE_UES; i++) {
		ues[i].rsi = 0;
		if (!fk_fleet_get(fleet, page * FK_STORE_PAGE_UES + i, &ue))
			continue;
		ues[i].rsi = ue.rsi;
		memcpy(ues[i].ue_id, ue.ue_id, strlen(ue.ue_id) + 1);
	}
	size = fk_roster_encode(fk_fleet_n_pages(fleet), ues, octets);
	err = fk_page_mac(keyring, LABEL, generation, page, octets, size, octets + size);
	if (err == FK_OK)
		fk_store_batch_put_roster_page(store, generation, fk_fleet_page_shards(fleet)[page],
					       page, octets, size + FK_PAGE_MAC_SIZE);
	return err;
}

enum fk_err fk_roster_put(struct fk_store *store, struct fk_keyring *keyring,
			  const struct fk_fleet *fleet, uint32_t first, uint32_t end)
{
	enum fk_err err = FK_OK;

	for (uint32_t page = first; err == FK_OK && page < end; page++)
		err = put_page(store, keyring, fleet, page);
	return err;
}

static enum fk_err take_shards(void *ctx, const char *name, const char *value, size_t size)
{
	struct fk_roster *roster = ctx;

	(void)name;
	if (size == 0 || size > (FK_UE_INDEX_MAX + 1) / FK_STORE_PAGE_UES)
		return FK_EFORMAT;
	for (size_t i = 0; i < size; i++) {
		if ((uint8_t)value[i] >= FK_STORE_SHARDS)
			return FK_EFORMAT;
	}
	roster->page_shards = malloc(size);
	if (roster->page_shards == NULL)
		return FK_ENOMEM;
	memcpy(roster->page_shards, value, size);
	roster->n_pages = (uint32_t)size;
	return FK_OK;
}

enum fk_err fk_roster_open(struct fk_store *store, struct fk_keyring *keyring, uint64_t generation,
			   struct fk_roster **ret_roster)
{
	struct fk_roster *roster = calloc(1, sizeof(*roster));
	enum fk_err err;

	if (roster == NULL)
		return FK_ENOMEM;
	roster->store = store;
	roster->keyring = keyring;
	roster->generation = generation;
	roster->page = NO_PAGE;
	err = fk_store_read_roster(store, generation, take_shards, roster);
	if (err != FK_OK) {
		fk_roster_free(roster);
		return err;
	}
	*ret_roster = roster;
	return FK_OK;
}

void fk_roster_free(struct fk_roster *roster)
{
	if (roster == NULL)
		return;
	free(roster->page_shards);
	free(roster);
}

uint32_t fk_roster_n_pages(const struct fk_roster *roster)
{
	return roster->n_pages;
}

const uint8_t *fk_roster_page_shards(const struct fk_roster *roster)
{
	return roster->page_shards;
}

static enum fk_err take_page(void *ctx, uint32_t page, const uint8_t *octets, size_t size)
{
	struct fk_roster *roster = ctx;

	if (size == 0)
		return FK_EFORMAT;
	if (!fk_page_mac_is_right(roster->keyring, LABEL, roster->generation, page, octets, size))
		return FK_EAUTH;
	return fk_roster_decode(octets, size - FK_PAGE_MAC_SIZE, roster->n_pages, roster->ues);
}

enum fk_err fk_roster_page(struct fk_roster *roster, uint32_t page,
			   const struct fk_roster_ue **ret_ues)
{
	enum fk_err err = FK_OK;

	if (roster->page != page) {
		roster->page = NO_PAGE;
		err = fk_store_read_roster_pages(roster->store, roster->generation,
						 roster->page_shards, page, 1, take_page, roster);
	}
	if (err != FK_OK)
		return err;
	roster->page = page;
	*ret_ues = roster->ues;
	return FK_OK;
}
