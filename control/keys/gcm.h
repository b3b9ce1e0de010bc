/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gcm.h - contexts of AES-256-GCM that are keyed once and used for many values.
 *
 * Threads: a context belongs to one at a time. Memory: OpenSSL's; freeing one clears its key.
 */
#pragma once

#include <openssl/evp.h>
#include <stdbool.h>
#include <stdint.h>

/* A context under a key of 32 octets, to seal or to unseal; EVP_CIPHER_CTX_free() frees it. NULL if
 * OpenSSL fails. */
EVP_CIPHER_CTX *fk_gcm_new(const uint8_t *key, bool is_seal);
