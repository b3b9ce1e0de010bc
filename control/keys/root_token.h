/* SPDX-License-Identifier: Apache-2.0 */
/*
 * root_token.h - private to root.c: a root key in a PKCS#11 token.
 *
 * The URI (RFC 7512) names token and object, and where the PIN is: pin-source=file:PATH (mode 0600)
 * or pin-source=credential:NAME. A PIN in the URI itself is refused, and so is a path of a module:
 * a module is code, which comes from the configuration alone.
 *
 * The key must be a secret key that wraps and unwraps, is sensitive, and cannot be extracted.
 *
 * spec: OASIS PKCS #11 v2.40 (C_WrapKey, C_UnwrapKey), CKM_AES_KEY_WRAP.
 *
 * Threads: one. Memory: the module's own; a key that is wrapped passes through a session object,
 * which is destroyed at once.
 */
#pragma once

#include "keys/root.h"

struct fk_root_token; /* layout is private to root_token.c */

/* As fk_root_open(). */
FK_MUST_USE enum fk_err fk_root_token_open(const struct fk_root_source *source,
					   struct fk_root_token **ret_token,
					   struct fk_reason *reason);
void fk_root_token_close(struct fk_root_token *token);
/* As fk_root_wrap() and fk_root_unwrap(). */
FK_MUST_USE enum fk_err fk_root_token_wrap(struct fk_root_token *token,
					   const uint8_t key[static FK_ROOT_KEY_SIZE],
					   uint8_t ret_wrapped[static FK_ROOT_WRAPPED_SIZE],
					   struct fk_reason *reason);
FK_MUST_USE enum fk_err fk_root_token_unwrap(struct fk_root_token *token,
					     const uint8_t wrapped[static FK_ROOT_WRAPPED_SIZE],
					     uint8_t ret_key[static FK_ROOT_KEY_SIZE],
					     struct fk_reason *reason);
