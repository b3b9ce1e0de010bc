/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keyring.h - the purpose keys that come from the root key, and sealing with them.
 *
 * Each purpose has its own key, derived by HKDF-SHA-256 (RFC 5869) from the root key with an info
 * string that names the purpose and the KMF's identity, so that the records of one KMF cannot be
 * opened by another, and no key does two jobs. The sealing key also depends on the sealing epoch.
 *
 * A sealed record is AES-256-GCM: layout version 1 octet, sealing epoch 4, nonce 12, ciphertext,
 * tag
 * 16. The associated data are purpose, identity, version and sealing epoch: a record cannot stand
 * in for another, nor an older version for a newer one.
 *
 * Threads: a keyring belongs to one thread. Memory: keys live in one locked, undumped mapping that
 * fk_keyring_free() wipes. OpenSSL keeps a schedule of the sealing keys in contexts of its own,
 * which are cleared when they are freed.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <fleetkey/err.h>
#include <fleetkey/secret.h>

#include "reason.h"

#define FK_KMF_ID_SIZE	     16
#define FK_SEAL_OVERHEAD     33	 /* octets: layout version 1, epoch 4, nonce 12, tag 16 */
#define FK_SEAL_IDENTITY_MAX 255 /* characters of an identity */
#define FK_SEALING_EPOCH     1u	 /* the epoch that new records are sealed under */

struct fk_keyring; /* layout is private to keyring.c */

/* What a sealed record is; part of its associated data. */
enum fk_seal_purpose {
	FK_SEAL_CHECK = 1,     /* the record that tells whether the root key is the right one */
	FK_SEAL_UE = 2,	       /* KEK and protection TEK of one UE */
	FK_SEAL_TEK = 3,       /* the TEK of a campaign */
	FK_SEAL_TRANSPORT = 4, /* the key under which the keys of fleet files are wrapped */
};

/*
 * Derives the purpose keys. Borrows 'root' during the call. On FK_OK the caller owns
 * '*ret_keyring'. Returns FK_EINVAL if 'root' is not 32 octets; FK_ENOMEM if memory cannot be had
 * or locked (then 'reason' names RLIMIT_MEMLOCK); FK_ESELFTEST if the cryptographic library fails.
 */
FK_MUST_USE enum fk_err fk_keyring_new(const struct fk_secret *root,
				       const uint8_t kmf_id[static FK_KMF_ID_SIZE],
				       struct fk_keyring **ret_keyring, struct fk_reason *reason);
void fk_keyring_free(struct fk_keyring *keyring);

/* Borrowed from the keyring: the key of the tokens' tags (32 octets), of the keyed hash behind
 * To-tags (16 octets), and of the ledger's evidence (32 octets). */
const uint8_t *fk_keyring_token_key(const struct fk_keyring *keyring);
const uint8_t *fk_keyring_to_tag_key(const struct fk_keyring *keyring);
const uint8_t *fk_keyring_ledger_key(const struct fk_keyring *keyring);

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
