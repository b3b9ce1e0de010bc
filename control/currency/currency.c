/* SPDX-License-Identifier: Apache-2.0 */
#include "currency/currency.h"

#include <string.h>

#include <fleetkey/wire.h>

#define ACTIVE_SIZE   21u
#define ENTRY_SIZE    25u
#define FLAGS_KNOWN   (FK_CURRENCY_PROVEN | FK_CURRENCY_LISTED | FK_CURRENCY_LATE)
#define ENTRIES_MASK  0x07
#define ACTIVE_SHIFT  3
#define ACTIVE_MASK   0x03
#define GAP	      0x20
#define HEAD_RESERVED 0xc0

static const char *const labels[FK_KEY_STATES] = {
	[FK_KEY_NOT_HELD] = "not_held",
	[FK_KEY_HELD] = "held",
	[FK_KEY_POSSIBLY_HELD] = "possibly_held",
	[FK_KEY_UNKNOWN] = "unknown",
};

const char *fk_key_state_label(uint8_t state)
{
	return labels[state < FK_KEY_STATES ? state : FK_KEY_UNKNOWN];
}

int fk_key_state_find(const char *label)
{
	for (int i = 0; i < FK_KEY_STATES; i++) {
		if (strcmp(labels[i], label) == 0)
			return i;
	}
	return -1;
}

struct fk_currency_entry *fk_currency_find(struct fk_currency *c, uint32_t campaign_id)
{
	for (uint32_t i = 0; i < c->n_entries; i++) {
		if (c->entries[i].evidence.campaign_id == campaign_id)
			return &c->entries[i];
	}
	return NULL;
}

enum fk_key_state fk_currency_state(const struct fk_currency *c, uint32_t campaign_id,
				    uint32_t index)
{
	for (uint32_t i = 0; i < c->n_entries; i++) {
		if (c->entries[i].evidence.campaign_id == campaign_id)
			return fk_currency_entry_state(&c->entries[i], index);
	}
	return c->has_gap ? FK_KEY_UNKNOWN : FK_KEY_NOT_HELD;
}

enum fk_key_state fk_currency_state_past_gap(const struct fk_currency *c, uint32_t campaign_id,
					     uint32_t index)
{
	for (uint32_t i = 0; i < c->n_entries; i++) {
		if (c->entries[i].evidence.campaign_id == campaign_id)
			return fk_currency_entry_state(&c->entries[i], index);
	}
	/* Where entries were given up, there is no room ever since. */
	return c->has_gap && c->n_entries == FK_CURRENCY_ENTRIES_MAX ? FK_KEY_UNKNOWN
								     : FK_KEY_NOT_HELD;
}

static bool says_nothing(const struct fk_currency_entry *entry)
{
	return entry->held == 0 && entry->maybe == 0;
}

static void remove_entry(struct fk_currency *c, uint32_t at)
{
	c->n_entries--;
	memmove(&c->entries[at], &c->entries[at + 1], (c->n_entries - at) * sizeof(c->entries[0]));
}

/* With a gap the absence of an entry says less than an empty one does. */
void fk_currency_tidy(struct fk_currency *c)
{
	for (uint32_t i = c->n_entries; !c->has_gap && i > 1; i--) {
		if (says_nothing(&c->entries[i - 1]))
			remove_entry(c, i - 1);
	}
}

struct fk_currency_entry *fk_currency_add(struct fk_currency *c, uint32_t campaign_id)
{
	uint32_t last = FK_CURRENCY_ENTRIES_MAX - 1, at = last;

	if (c->n_entries > last) {
		while (at > 0 && !says_nothing(&c->entries[at]))
			at--;
		if (!says_nothing(&c->entries[at]) || c->has_gap) {
			c->has_gap = true;
			at = last;
		}
		remove_entry(c, at);
	}
	memmove(&c->entries[1], &c->entries[0], c->n_entries * sizeof(c->entries[0]));
	c->n_entries++;
	c->entries[0] = (struct fk_currency_entry){.evidence.campaign_id = campaign_id};
	return &c->entries[0];
}

void fk_currency_doubt(struct fk_currency *c)
{
	for (uint32_t i = 0; i < c->n_entries; i++) {
		uint16_t any = c->entries[i].held | c->entries[i].maybe;

		c->entries[i].held = c->entries[i].maybe = any;
		c->entries[i].flags = 0;
	}
	if (c->active != FK_ACTIVE_KNOWN)
		return;
	c->active = FK_ACTIVE_NEVER;
	c->active_keyset = 0;
	c->active_evidence = (struct fk_evidence){.campaign_id = 0};
}

void fk_currency_zeroize(struct fk_currency *c, const struct fk_evidence *evidence)
{
	*c = (struct fk_currency){.active = FK_ACTIVE_KNOWN, .active_evidence = *evidence};
}

/* One line per field, in stored order. */

static void put_evidence(struct fk_wire_writer *w, const struct fk_evidence *e)
{
	fk_wire_put_u32(w, e->campaign_id);
	fk_wire_put_u32(w, e->at_s);
	fk_wire_put_u16(w, e->inbound_number);
	fk_wire_put_u16(w, e->mac_key_id);
	fk_wire_put_bytes(w, e->mac, sizeof(e->mac));
}

static void get_evidence(struct fk_wire_reader *r, struct fk_evidence *e)
{
	const uint8_t *mac;

	e->campaign_id = fk_wire_get_u32(r);
	e->at_s = fk_wire_get_u32(r);
	e->inbound_number = fk_wire_get_u16(r);
	e->mac_key_id = fk_wire_get_u16(r);
	mac = fk_wire_get_bytes(r, sizeof(e->mac));
	if (mac != NULL)
		memcpy(e->mac, mac, sizeof(e->mac));
}

size_t fk_currency_encode(const struct fk_currency *c,
			  uint8_t ret_octets[static FK_CURRENCY_UE_SIZE_MAX])
{
	struct fk_wire_writer w = fk_wire_writer(ret_octets, FK_CURRENCY_UE_SIZE_MAX);

	fk_wire_put_u8(
		&w, (uint8_t)(c->n_entries | c->active << ACTIVE_SHIFT | (c->has_gap ? GAP : 0)));
	if (c->active != FK_ACTIVE_NEVER) {
		fk_wire_put_u8(&w, c->active_keyset);
		put_evidence(&w, &c->active_evidence);
	}
	for (uint32_t i = 0; i < c->n_entries; i++) {
		put_evidence(&w, &c->entries[i].evidence);
		fk_wire_put_u16(&w, c->entries[i].held);
		fk_wire_put_u16(&w, c->entries[i].maybe);
		fk_wire_put_u8(&w, c->entries[i].flags);
	}
	return fk_wire_written(&w);
}

size_t fk_currency_size(const uint8_t *octets, size_t size)
{
	if (size == 0)
		return 0;
	return 1 +
	       ((octets[0] >> ACTIVE_SHIFT & ACTIVE_MASK) != FK_ACTIVE_NEVER ? ACTIVE_SIZE : 0) +
	       (octets[0] & ENTRIES_MASK) * ENTRY_SIZE;
}

enum fk_err fk_currency_decode(const uint8_t *octets, size_t size, struct fk_currency *ret_currency)
{
	struct fk_wire_reader r = fk_wire_reader(octets, size);
	struct fk_currency c = {.active = FK_ACTIVE_NEVER};
	uint8_t head = fk_wire_get_u8(&r);

	if (size == 0 || size != fk_currency_size(octets, size) || (head & HEAD_RESERVED) != 0)
		return FK_EFORMAT;
	c.n_entries = head & ENTRIES_MASK;
	c.active = head >> ACTIVE_SHIFT & ACTIVE_MASK;
	c.has_gap = (head & GAP) != 0;
	if (c.active > FK_ACTIVE_UNKNOWN)
		return FK_EFORMAT;
	if (c.active != FK_ACTIVE_NEVER) {
		c.active_keyset = fk_wire_get_u8(&r);
		get_evidence(&r, &c.active_evidence);
	}
	for (uint32_t i = 0; i < c.n_entries; i++) {
		get_evidence(&r, &c.entries[i].evidence);
		c.entries[i].held = fk_wire_get_u16(&r);
		c.entries[i].maybe = fk_wire_get_u16(&r);
		c.entries[i].flags = fk_wire_get_u8(&r);
		if (c.entries[i].evidence.campaign_id == 0 ||
		    (c.entries[i].flags & ~FLAGS_KNOWN) != 0)
			return FK_EFORMAT;
	}
	*ret_currency = c;
	return FK_OK;
}
