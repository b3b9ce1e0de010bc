/* SPDX-License-Identifier: Apache-2.0 */
/*
 * currency.h - what is known of the keys that one UE holds, and by which evidence.
 *
 * Keys come from campaigns, so a key is named by its campaign and its place in the campaign's list,
 * and a UE has one entry for each campaign whose keys it may still have: two bits a key, and the
 * evidence. What no entry names was never sent, or has been replaced since by a key that is held:
 * it is not held. When entries had to be given up, the UE has a gap, and what no entry names is
 * unknown.
 *
 * The active keyset is known, unknown since a command that may have been obeyed, or was never heard
 * of.
 *
 * Packed, big-endian: entries 3 bits, active 2, gap 1; if active is not NEVER its keyset and
 * evidence, 21 octets; each entry 25. 64 UEs, one after the other, are a page.
 *
 * Threads: everything here is pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>

#define FK_CURRENCY_PAGE	64u /* UEs of one page, those of a ledger's */
#define FK_CURRENCY_ENTRIES_MAX 7u
#define FK_CURRENCY_UE_SIZE_MAX (1 + 21 + FK_CURRENCY_ENTRIES_MAX * 25)
#define FK_CURRENCY_SIZE_MAX	(FK_CURRENCY_PAGE * FK_CURRENCY_UE_SIZE_MAX)

/* What is known of a key; 'held' and 'maybe' bits of an entry are bit 0 and bit 1 of it. */
enum fk_key_state {
	FK_KEY_NOT_HELD = 0, /* never sent, refused with a status that proves it, or replaced */
	FK_KEY_HELD = 1,     /* an authenticated acknowledgement gave status 00 for it */
	FK_KEY_POSSIBLY_HELD = 2, /* it may have been sent, or replaced; nobody has said */
	FK_KEY_UNKNOWN = 3,	  /* what was known does not count any more */
	FK_KEY_STATES
};

enum fk_active_state {
	FK_ACTIVE_NEVER = 0,   /* no word of it yet */
	FK_ACTIVE_KNOWN = 1,   /* an authentic answer named it */
	FK_ACTIVE_UNKNOWN = 2, /* a command to change it may have been obeyed */
};

/* What it is known by. Where nobody has answered, number, key and MAC are 0. */
struct fk_evidence {
	uint32_t campaign_id;
	uint32_t at_s;		 /* since 1970: of the answer, else of the KMM; 0: of neither */
	uint16_t inbound_number; /* message number of the answer */
	uint16_t mac_key_id;	 /* the AES-256 key that authenticated it */
	uint8_t mac[8];
};

#define FK_CURRENCY_PROVEN 0x01 /* a closing exchange under the first of the keys */
#define FK_CURRENCY_LISTED 0x02 /* an Inventory-Response listed all of them as active */
#define FK_CURRENCY_LATE   0x04 /* the answer came when the delivery had ended */

struct fk_currency_entry {
	struct fk_evidence evidence;
	uint16_t held, maybe; /* bit i: of key i of the campaign's list */
	uint8_t flags;	      /* FK_CURRENCY_* */
};

struct fk_currency {
	uint8_t active; /* enum fk_active_state */
	/* KNOWN: it, or 0 for none: the radio is zeroized. UNKNOWN: the one that was to become it,
	 * or 0: the radio may be zeroized. Else 0. */
	uint8_t active_keyset;
	bool has_gap;
	uint8_t n_entries;
	struct fk_evidence active_evidence;
	struct fk_currency_entry entries[FK_CURRENCY_ENTRIES_MAX]; /* the newest first */
};

/* "not_held", "held", "possibly_held", "unknown". Never NULL. */
const char *fk_key_state_label(uint8_t state);
/* The state of that label, or -1. */
int fk_key_state_find(const char *label);

static inline enum fk_key_state fk_currency_entry_state(const struct fk_currency_entry *entry,
							uint32_t index)
{
	return (enum fk_key_state)((entry->held >> index & 1) | (entry->maybe >> index & 1) << 1);
}

/* The entry of a campaign, or NULL. */
struct fk_currency_entry *fk_currency_find(struct fk_currency *c, uint32_t campaign_id);
/* The state of key 'index' of a campaign. */
enum fk_key_state fk_currency_state(const struct fk_currency *c, uint32_t campaign_id,
				    uint32_t index);
/*
 * The same for a campaign that is later than all that a recovery has lost: a gap says nothing of
 * it, unless its entry may have been given up for want of room.
 */
enum fk_key_state fk_currency_state_past_gap(const struct fk_currency *c, uint32_t campaign_id,
					     uint32_t index);
/*
 * A new entry, all zeros but its campaign, before all others. If there are too many, the oldest
 * that says nothing more goes; if none does, the oldest, and it leaves a gap.
 */
struct fk_currency_entry *fk_currency_add(struct fk_currency *c, uint32_t campaign_id);
/* Removes what says no more than its absence does, but not the newest entry. */
void fk_currency_tidy(struct fk_currency *c);
/*
 * The radio's keys may have been filled anew behind our back: what was held or possibly held is
 * unknown, and an active keyset that was known is not heard of any more.
 */
void fk_currency_doubt(struct fk_currency *c);

/* The radio has proven that it holds no key: by that evidence, none is active. */
void fk_currency_zeroize(struct fk_currency *c, const struct fk_evidence *evidence);
static inline bool fk_currency_is_zeroized(const struct fk_currency *c)
{
	return c->active == FK_ACTIVE_KNOWN && c->active_keyset == 0;
}

/* One UE, up to FK_CURRENCY_UE_SIZE_MAX octets; returns how many. */
size_t fk_currency_encode(const struct fk_currency *c,
			  uint8_t ret_octets[static FK_CURRENCY_UE_SIZE_MAX]);
/* Octets of the UE that 'octets' begin with, by its first octet; 0 if 'size' is 0. */
size_t fk_currency_size(const uint8_t *octets, size_t size);
/* Returns FK_OK; FK_EFORMAT if 'size' is not the UE's, or a value is out of range. */
FK_MUST_USE enum fk_err fk_currency_decode(const uint8_t *octets, size_t size,
					   struct fk_currency *ret_currency);
