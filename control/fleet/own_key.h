/* SPDX-License-Identifier: Apache-2.0 */
/*
 * own_key.h - what is known of a UE's own keys, its KEK and its protection TEK, beside the keys.
 *
 * It stands in the UE's record (record.h), bound to the seal of the keys. A key is active from the
 * moment it came, and may become compromised, for good; another one in its place has the next
 * version and is active again. The record has one key of a kind, so one that was replaced is gone:
 * no other state of NIST SP 800-57 part 1 §7.2 would be of use here. That a cryptoperiod is over
 * is by the wall clock, as in keys/key_record.h.
 *
 * Threads: everything here is pure. Memory: nothing allocates.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <fleetkey/wire.h>

#include "keys/key_record.h"

enum fk_own_key_kind {
	FK_OWN_KEK,
	FK_OWN_PTEK, /* the protection TEK */
	FK_OWN_KEYS
};

struct fk_own_key {
	uint8_t state;	    /* enum fk_key_life: active or compromised; 0: there is no such key */
	uint8_t origin;	    /* enum fk_key_origin; 0: from before that was written down */
	uint16_t version;   /* of the UE's keys of that kind the which one; the last one stays */
	uint32_t came_at_s; /* since 1970; 0: as with origin */
	uint32_t cryptoperiod_s; /* 0: not limited */
};
#define FK_OWN_KEY_SIZE 11 /* octets, as it is stored: state and origin 1, the others as above */

/* "kek" or "ptek". */
const char *fk_own_key_label(enum fk_own_key_kind kind);
/* The kind of that label, or -1. */
int fk_own_key_find(const char *label);
/* "none", "active", "expired" or "compromised". */
const char *fk_own_key_state_label(const struct fk_own_key *key, uint64_t now_ms);

static inline bool fk_own_key_is_compromised(const struct fk_own_key *key)
{
	return key->state == FK_LIFE_COMPROMISED;
}
/* When the cryptoperiod is over, ms since 1970; UINT64_MAX if it is not limited. */
uint64_t fk_own_key_ends_at_ms(const struct fk_own_key *key);
/* True if it could be in use but for its cryptoperiod. */
bool fk_own_key_is_expired(const struct fk_own_key *key, uint64_t now_ms);

/* A key that comes now, in the place of one of version 'before'; 0: of none. */
struct fk_own_key fk_own_key_new(enum fk_key_origin origin, uint16_t before, uint32_t now_s,
				 uint32_t cryptoperiod_s);

void fk_own_key_put(struct fk_wire_writer *w, const struct fk_own_key *key);
struct fk_own_key fk_own_key_get(struct fk_wire_reader *r);
