/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_record.h - one key of the key store: what it is, in clear, and the key under a seal.
 *
 *   layout 1 octet | kind 1 | state 1 | origin 1 | algorithm_id 1 | keyset_id 1 | key_id 2 | sln 2
 * | version 4 | made_at_ms 8 | cryptoperiod_s 4 | sealed: these octets again, and the key
 *
 * The seal's identity is the record's name and its version that of the record, so that neither
 * another record nor an octet of the head can be put in place of it. A destroyed key is a record
 * without a key. Every change raises the version.
 *
 * States are those of NIST SP 800-57 part 1 §7.2, and a key only moves forward:
 *
 *   pre-active -> active -> deactivated -> destroyed; from each of the first three -> compromised;
 *   compromised -> destroyed, pre-active -> destroyed
 *
 * A key whose cryptoperiod is over is expired, by the wall clock and by nothing that is stored: a
 * clock that is set back takes it back.
 *
 * Threads: everything here is pure but for the keyring. Memory: nothing allocates.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>
#include <fleetkey/secret.h>

#include "keys/keyring.h"

#define FK_KEY_NAME_SIZE       48 /* characters of a record's name, the NUL included */
#define FK_KEY_HEAD_SIZE       26 /* octets */
#define FK_KEY_RECORD_SIZE_MAX (2 * FK_KEY_HEAD_SIZE + FK_KEY_SIZE_MAX + FK_SEAL_OVERHEAD)

/* The numbers are stored. */
enum fk_key_kind {
	FK_KEY_TEK = 1,	      /* of a crypto group */
	FK_KEY_TRANSPORT = 2, /* wraps the keys of fleet files */
	FK_KEY_CKEK = 3,      /* the KEK of a crypto group */
};

enum fk_key_life {
	FK_LIFE_PRE_ACTIVE = 1,
	FK_LIFE_ACTIVE = 2,
	FK_LIFE_DEACTIVATED = 3,
	FK_LIFE_COMPROMISED = 4,
	FK_LIFE_DESTROYED = 5,
};

enum fk_key_origin {
	FK_KEY_GENERATED = 1,	     /* by this KMF */
	FK_KEY_IMPORTED_WRAPPED = 2, /* in a fleet file, under the transport key */
	FK_KEY_IMPORTED_PLAIN = 3,   /* in a fleet file */
	FK_KEY_WARM_START = 4,	     /* by this KMF, brought under the UE's KEK */
};

struct fk_key_record {
	uint8_t kind, state, origin; /* the enums above */
	uint8_t algorithm_id, keyset_id;
	uint16_t key_id, sln;
	uint32_t version;	 /* of the record; the first is 1 */
	uint64_t made_at_ms;	 /* since 1970 */
	uint32_t cryptoperiod_s; /* 0: not limited */
};

/* "tek", "active", ...; "unknown" if there is no such number. */
const char *fk_key_kind_label(uint8_t kind);
const char *fk_key_life_label(uint8_t state);
const char *fk_key_origin_label(uint8_t origin);

/* When the cryptoperiod is over, ms since 1970; UINT64_MAX if it is not limited. */
uint64_t fk_key_ends_at_ms(const struct fk_key_record *record);
/* True if the key could be in use but for its cryptoperiod, which is over at that time. */
bool fk_key_is_expired(const struct fk_key_record *record, uint64_t now_ms);
/* As fk_key_life_label(), or "expired": no state that is stored, since a clock brings it about. */
const char *fk_key_record_label(const struct fk_key_record *record, uint64_t now_ms);

/* The time by the wall clock, ms since 1970. */
uint64_t fk_key_now_ms(void);

/* True if a key may go from one state to the other. */
bool fk_key_life_may_become(uint8_t from, uint8_t to);

/*
 * Writes the record; 'key' is ignored in state destroyed. Returns FK_OK and the size; FK_EINVAL if
 * there is no key to a state that has one; what fk_seal() returns.
 */
FK_MUST_USE enum fk_err fk_key_record_seal(struct fk_keyring *keyring, const char *name,
					   const struct fk_key_record *record,
					   const struct fk_secret *key,
					   uint8_t ret_octets[static FK_KEY_RECORD_SIZE_MAX],
					   size_t *ret_size);

/*
 * Opens a record; 'ret_key' (may be NULL) takes the key, empty if it was destroyed. Returns FK_OK;
 * FK_EAUTH if it was changed or is another record's; FK_EFORMAT if it is none.
 */
FK_MUST_USE enum fk_err fk_key_record_unseal(struct fk_keyring *keyring, const char *name,
					     const uint8_t *octets, size_t size,
					     struct fk_key_record *ret_record,
					     struct fk_secret *ret_key);

/* The epoch that a record is sealed under, not authenticated; 0 if it is none. */
uint32_t fk_key_record_epoch(const uint8_t *octets, size_t size);
