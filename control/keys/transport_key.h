/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transport_key.h - the key under which KEKs and protection TEKs travel in a fleet file.
 *
 * An AES-256 key that this KMF makes, keeps under seal in its store and gives to the operator once.
 * Whoever writes fleet files wraps each key under it (RFC 3394): 40 octets, 80 hex digits. There is
 * one at a time; a new one replaces it, and files that were wrapped under the old one are refused.
 *
 * Threads: a transport key belongs to one thread. Memory: OpenSSL keeps the key's schedule in a
 * context of its own, which is cleared when it is freed; the key itself is not kept.
 */
#pragma once

#include <stdint.h>

#include <fleetkey/err.h>
#include <fleetkey/secret.h>

#include "keys/key_store.h"

#define FK_TRANSPORT_WRAPPED_SIZE 40 /* octets of a wrapped AES-256 key */

struct fk_transport_key; /* layout is private to transport_key.c */

/*
 * Makes a new transport key and puts it in force: FK_OK when it is durable. 'ret_id' is larger than
 * that of any before; the caller hands 'ret_key' out and wipes it. Returns FK_ESTORE; FK_EAUTH or
 * FK_EFORMAT if the record of the old one is damaged; FK_EIO (random source); FK_ESELFTEST.
 */
FK_MUST_USE enum fk_err fk_transport_key_create(struct fk_key_store *keys, uint32_t *ret_id,
						struct fk_secret *ret_key);

/*
 * The transport key in force, ready to unwrap. On FK_OK the caller owns '*ret_key'. Returns
 * FK_ENOTFOUND if none was made yet; FK_ESTORE; FK_EAUTH if it does not open under the root key;
 * FK_EFORMAT if the record is damaged; FK_ESELFTEST; FK_ENOMEM.
 */
FK_MUST_USE enum fk_err fk_transport_key_load(struct fk_key_store *keys,
					      struct fk_transport_key **ret_key);

/* From the key itself. On FK_OK the caller owns '*ret_key'. FK_EINVAL if it is not 32 octets;
 * FK_ENOMEM; FK_ESELFTEST. */
FK_MUST_USE enum fk_err fk_transport_key_new(uint32_t id, const struct fk_secret *key,
					     struct fk_transport_key **ret_key);
void fk_transport_key_free(struct fk_transport_key *key);

uint32_t fk_transport_key_id(const struct fk_transport_key *key);

/*
 * Unwraps one AES-256 key. spec: RFC 3394 §2.2.2. Returns FK_OK; FK_EAUTH if it was wrapped under
 * another key, or an octet was changed: then 'ret_plain' is zeros; FK_ESELFTEST.
 */
FK_MUST_USE enum fk_err fk_transport_key_unwrap(
	struct fk_transport_key *key, const uint8_t wrapped[static FK_TRANSPORT_WRAPPED_SIZE],
	uint8_t ret_plain[static 32]);
