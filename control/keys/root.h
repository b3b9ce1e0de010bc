/* SPDX-License-Identifier: Apache-2.0 */
/*
 * root.h - the root key, wherever it is kept: it wraps the purpose keys, and does nothing else.
 *
 * A source names it:
 *   file:PATH          32 octets or 64 hex digits in a file of mode 0600
 *   credential:NAME    the same in a credential of systemd
 *   pkcs11:...         an AES-256 key in a token (RFC 7512), which it never leaves
 *
 * Wrapping is the AES key wrap of RFC 3394 everywhere, in the token as CKM_AES_KEY_WRAP, so the
 * same root key gives the same octets wherever it is kept. It is open only while something is
 * wrapped or unwrapped: at the start, and when keys are rotated.
 *
 * Threads: a root belongs to one thread. Memory: its octets, if it has any, are wiped by
 * fk_root_close().
 */
#pragma once

#include <stdint.h>

#include <fleetkey/err.h>
#include <fleetkey/secret.h>

#include "reason.h"

#define FK_ROOT_KEY_SIZE     32 /* octets of a key that is wrapped */
#define FK_ROOT_WRAPPED_SIZE (FK_ROOT_KEY_SIZE + FK_WRAP_OVERHEAD)

struct fk_root; /* layout is private to root.c */

/* Where a root key is. Both are borrowed. */
struct fk_root_source {
	const char *name;	   /* file:, credential: or pkcs11: */
	const char *pkcs11_module; /* path of the token's library; NULL: there is none */
};

/*
 * Opens the root key; for a token, logs in and finds the key. On FK_OK the caller owns '*ret_root'.
 * Returns FK_EINVAL (no such kind of source, or a URI that does not name one); FK_EIO, FK_EPOLICY,
 * FK_EFORMAT as root_key.h; for a token FK_ENOTFOUND (no such token or key), FK_EAUTH (PIN),
 * FK_EPOLICY (a key that could leave the token), FK_EIO (the module fails); FK_ENOMEM. 'reason'
 * says which.
 */
FK_MUST_USE enum fk_err fk_root_open(const struct fk_root_source *source, struct fk_root **ret_root,
				     struct fk_reason *reason);
void fk_root_close(struct fk_root *root);

/* Wraps one key. spec: RFC 3394 §2.2.1. Returns FK_OK; FK_ESELFTEST or FK_EIO and a reason. */
FK_MUST_USE enum fk_err fk_root_wrap(struct fk_root *root,
				     const uint8_t key[static FK_ROOT_KEY_SIZE],
				     uint8_t ret_wrapped[static FK_ROOT_WRAPPED_SIZE],
				     struct fk_reason *reason);

/*
 * Unwraps one key. spec: RFC 3394 §2.2.2. Returns FK_OK; FK_EAUTH if another root key wrapped it;
 * FK_ESELFTEST or FK_EIO and a reason. After a failure 'ret_key' is zeros.
 */
FK_MUST_USE enum fk_err fk_root_unwrap(struct fk_root *root,
				       const uint8_t wrapped[static FK_ROOT_WRAPPED_SIZE],
				       uint8_t ret_key[static FK_ROOT_KEY_SIZE],
				       struct fk_reason *reason);
