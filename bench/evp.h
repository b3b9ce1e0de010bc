/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evp.h - OpenSSL's EVP as a careful caller uses it, for benches to compare with.
 *
 * Threads: none. Memory: contexts are OpenSSL's; the caller frees them. All of it ends the program
 * if OpenSSL fails.
 */
#pragma once

#include <openssl/evp.h>
#include <stddef.h>
#include <stdint.h>

#define FK_EVP_KW_BLOCKS 24 /* AES blocks of one wrap of a 256-bit key */

/* Ends the program unless 'ok' is 1. */
void fk_evp_expect(int ok);

/* To encrypt, without padding; the key is set later. */
EVP_CIPHER_CTX *fk_evp_cipher_new(const EVP_CIPHER *cipher);

/* "HMAC" over SHA-256, or "CMAC" over AES-256. */
EVP_MAC_CTX *fk_evp_hmac_new(void);
EVP_MAC_CTX *fk_evp_cmac_new(void);

/* RFC 3394's loop over a context of AES-256-ECB: what is faster than OpenSSL's own key wrap. */
void fk_evp_wrap_by_ecb(EVP_CIPHER_CTX *ecb, const uint8_t kek[static 32],
			const uint8_t key[static 32], uint8_t wrapped[static 40]);

/* The MAC of a whole KMM, with its key derivation, on contexts that are kept. 'wrap' is a context
 * of AES-256 key wrap, 'cbc' one of AES-256-CBC. spec: P25 sheet 3.3-3.5 */
void fk_evp_kmm_cmac(EVP_MAC_CTX *hmac, EVP_MAC_CTX *cmac, const uint8_t tek[static 32],
		     const uint8_t *kmm, size_t size, uint8_t ret_mac[static 8]);
void fk_evp_kmm_cbc_mac(EVP_CIPHER_CTX *wrap, EVP_CIPHER_CTX *cbc, const uint8_t tek[static 32],
			const uint8_t *kmm, size_t size, uint8_t ret_mac[static 8]);
