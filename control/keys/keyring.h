/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keyring.h - the purpose keys, wrapped by the root key, and sealing with them.
 *
 * Each purpose has a random key of its own, so that no key does two jobs. They are stored as one
 * record, each wrapped by the root (root.h):
 *
 *   layout 1 octet | version 4 | n 1 | n times: purpose 1, epoch 4, wrapped key 40 | MAC 32
 *
 * The MAC is fk_keyring_mac() over all before it, so
 * that no key can stand in for another and the keys of one KMF are not those of another. The root
 * is not needed after that: it is opened again when the record is written anew.
 *
 * A sealed record is AES-256-GCM: layout version 1 octet, sealing epoch 4, nonce 12, ciphertext,
 * tag 16. The associated data are the KMF's identity, purpose, identity, version and sealing epoch:
 * a record cannot stand in for another, nor an older version for a newer one.
 *
 * Threads: a keyring belongs to one thread. Memory: keys live in one locked, undumped mapping that
 * fk_keyring_free() wipes. OpenSSL keeps a schedule of the sealing keys in contexts of its own,
 * which are cleared when they are freed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>
#include <fleetkey/secret.h>

#include "keys/root.h"
#include "reason.h"

#define FK_KMF_ID_SIZE	      16
#define FK_SEAL_OVERHEAD      33  /* octets: layout version 1, epoch 4, nonce 12, tag 16 */
#define FK_SEAL_IDENTITY_MAX  255 /* characters of an identity */
#define FK_SEALING_EPOCHS_MAX 4	  /* epochs whose records can be open at a time */
#define FK_KEYRING_RECORD_MAX 512 /* octets of the stored record, at most */

struct fk_keyring; /* layout is private to keyring.c */

/* What a purpose key is for. The numbers are stored. */
enum fk_purpose {
	FK_PURPOSE_INTEGRITY = 1, /* MACs over what control stores */
	FK_PURPOSE_TOKEN = 2,	  /* the tags of tokens */
	FK_PURPOSE_TO_TAG = 3,	  /* the keyed hash behind To-tags: its first 16 octets */
	FK_PURPOSE_SEALING = 4,	  /* sealed records; one key for each epoch */
	FK_PURPOSE_REPORT = 5,	  /* signs reports: the private key of Ed25519 */
};

/* What a sealed record is; part of its associated data. */
enum fk_seal_purpose {
	FK_SEAL_UE = 2,	 /* KEK and protection TEK of one UE */
	FK_SEAL_KEY = 3, /* a record of the key store (key_record.h) */
};

/*
 * Makes new purpose keys, with sealing epoch 1. On FK_OK the caller owns '*ret_keyring'. Returns
 * FK_ENOMEM if memory cannot be had or locked (then 'reason' names RLIMIT_MEMLOCK); FK_ESELFTEST if
 * the random source fails.
 */
FK_MUST_USE enum fk_err fk_keyring_generate(const uint8_t kmf_id[static FK_KMF_ID_SIZE],
					    struct fk_keyring **ret_keyring,
					    struct fk_reason *reason);

/*
 * Unwraps the stored record. On FK_OK the caller owns '*ret_keyring'. Returns FK_EAUTH if another
 * root key wrapped it, or if it was changed or is another KMF's; FK_EFORMAT if it is no such
 * record; FK_ENOMEM; what fk_root_unwrap() returns. 'reason' says which.
 */
FK_MUST_USE enum fk_err fk_keyring_unwrap(const uint8_t kmf_id[static FK_KMF_ID_SIZE],
					  struct fk_root *root, const uint8_t *record, size_t size,
					  struct fk_keyring **ret_keyring,
					  struct fk_reason *reason);

/*
 * Wraps all keys into a record of the next version. Returns FK_OK; what fk_root_wrap() returns;
 * FK_ESELFTEST.
 */
FK_MUST_USE enum fk_err fk_keyring_wrap(struct fk_keyring *keyring, struct fk_root *root,
					uint8_t ret_record[static FK_KEYRING_RECORD_MAX],
					size_t *ret_size, struct fk_reason *reason);
void fk_keyring_free(struct fk_keyring *keyring);

/*
 * Makes the keys of purposes that a record of an earlier version did not have yet; '*ret_added':
 * there were some, and the record is to be stored anew before they are used. FK_OK; FK_ESELFTEST.
 */
FK_MUST_USE enum fk_err fk_keyring_add_missing(struct fk_keyring *keyring, bool *ret_added);

/* The key of a purpose, 32 octets, borrowed from the keyring. Not for FK_PURPOSE_SEALING. */
const uint8_t *fk_keyring_key(const struct fk_keyring *keyring, enum fk_purpose purpose);

#define FK_KEYRING_MAC_SIZE 32 /* octets */
/* HMAC-SHA-256 under the integrity key over the KMF's identity, 'head' and 'body'. FK_OK or
 * FK_ESELFTEST. 'head' says what the body is, and has no other use of that form. */
FK_MUST_USE enum fk_err fk_keyring_mac(struct fk_keyring *keyring, const void *head,
				       size_t head_size, const void *body, size_t body_size,
				       uint8_t ret_mac[static FK_KEYRING_MAC_SIZE]);

/* The epoch that new records are sealed under, and how many have a key. */
uint32_t fk_keyring_sealing_epoch(const struct fk_keyring *keyring);
uint32_t fk_keyring_n_sealing_epochs(const struct fk_keyring *keyring);

/*
 * Makes the key of the next sealing epoch. Nothing may be sealed before the record that holds it is
 * durable; if that fails, fk_keyring_take_back_sealing() wipes the key again. Returns FK_OK;
 * FK_EBUSY if FK_SEALING_EPOCHS_MAX epochs still have keys; FK_ESELFTEST.
 */
FK_MUST_USE enum fk_err fk_keyring_add_sealing(struct fk_keyring *keyring);
void fk_keyring_take_back_sealing(struct fk_keyring *keyring);

/* Wipes the keys of all sealing epochs but the newest: what is sealed under them is lost. */
void fk_keyring_drop_old_sealings(struct fk_keyring *keyring);

/* The epoch of a sealed record, not authenticated; 0 if it is none. */
uint32_t fk_sealed_epoch(const uint8_t *sealed, size_t size);

/*
 * Seals 'plain_size' octets into 'buf'; the record takes plain_size + FK_SEAL_OVERHEAD octets.
 * 'identity' names the object ("ue:4711:3", "campaign:7"), 'version' tells its versions apart.
 * Returns FK_OK; FK_EFULL if 'cap' is too small; FK_EINVAL if the identity is too long;
 * FK_ESELFTEST if the cryptographic library or the random source fails.
 */
FK_MUST_USE enum fk_err fk_seal(struct fk_keyring *keyring, enum fk_seal_purpose purpose,
				const char *identity, uint64_t version, const void *plain,
				size_t plain_size, uint8_t *buf, size_t cap, size_t *ret_size);

/*
 * Opens a record; 'buf' of 'cap' octets takes the plain octets and is wiped on failure.
 * Returns FK_OK and the size; FK_EAUTH if purpose, identity, version, epoch, key or any octet
 * differ from what was sealed; FK_EFORMAT if it is too short or of another layout; FK_EFULL.
 */
FK_MUST_USE enum fk_err fk_unseal(struct fk_keyring *keyring, enum fk_seal_purpose purpose,
				  const char *identity, uint64_t version, const uint8_t *sealed,
				  size_t sealed_size, void *buf, size_t cap, size_t *ret_size);
