/* SPDX-License-Identifier: Apache-2.0 */
#include "evp.h"

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fleetkey/kmm.h>

#define BLOCK	     16
#define TRAILER_SIZE (FK_KMM_MAC_BLOCK_SIZE - FK_KMM_MAC_SIZE) /* octets behind the MAC */

void fk_evp_expect(int ok)
{
	if (ok == 1)
		return;
	fprintf(stderr, "bench: OpenSSL failed\n");
	exit(1);
}

EVP_CIPHER_CTX *fk_evp_cipher_new(const EVP_CIPHER *cipher)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

	fk_evp_expect(ctx != NULL);
	EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	fk_evp_expect(EVP_EncryptInit_ex(ctx, cipher, NULL, NULL, NULL));
	EVP_CIPHER_CTX_set_padding(ctx, 0);
	return ctx;
}

static EVP_MAC_CTX *mac_new(const char *name, const char *parameter, const char *algorithm)
{
	EVP_MAC *mac = EVP_MAC_fetch(NULL, name, NULL);
	EVP_MAC_CTX *ctx = mac != NULL ? EVP_MAC_CTX_new(mac) : NULL;
	char value[32];
	const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(parameter, value, 0),
				     OSSL_PARAM_construct_end()};

	snprintf(value, sizeof(value), "%s", algorithm);
	fk_evp_expect(ctx != NULL && EVP_MAC_CTX_set_params(ctx, params) == 1);
	EVP_MAC_free(mac);
	return ctx;
}

EVP_MAC_CTX *fk_evp_hmac_new(void)
{
	return mac_new("HMAC", OSSL_MAC_PARAM_DIGEST, "SHA256");
}

EVP_MAC_CTX *fk_evp_cmac_new(void)
{
	return mac_new("CMAC", OSSL_MAC_PARAM_CIPHER, "AES-256-CBC");
}

/* spec: RFC 3394 §2.2.1 */
void fk_evp_wrap_by_ecb(EVP_CIPHER_CTX *ecb, const uint8_t kek[static 32],
			const uint8_t key[static 32], uint8_t wrapped[static 40])
{
	uint8_t block[BLOCK];

	fk_evp_expect(EVP_EncryptInit_ex(ecb, NULL, NULL, kek, NULL));
	memset(block, 0xa6, 8);
	memcpy(wrapped + 8, key, 32);
	for (uint32_t t = 1; t <= FK_EVP_KW_BLOCKS; t++) {
		uint8_t *half = wrapped + 8 + (t - 1) % 4 * 8;

		memcpy(block + 8, half, 8);
		fk_evp_expect(EVP_Cipher(ecb, block, block, BLOCK) == BLOCK);
		block[7] ^= (uint8_t)t;
		memcpy(half, block + 8, 8);
	}
	memcpy(wrapped, block, 8);
}

/* The CMAC's key is one HMAC-SHA-256 in counter mode over the frame's head. */
void fk_evp_kmm_cmac(EVP_MAC_CTX *hmac, EVP_MAC_CTX *cmac, const uint8_t tek[static 32],
		     const uint8_t *kmm, size_t size, uint8_t ret_mac[static 8])
{
	static const uint8_t label[] = {0, 0, 0, 1, 'O', 'T', 'A', 'R', ' ', 'M', 'A', 'C', 0};
	static const uint8_t n_bits[] = {1, 0};
	uint8_t key[32], mac[BLOCK];

	fk_evp_expect(EVP_MAC_init(hmac, tek, 32, NULL) == 1 &&
		      EVP_MAC_update(hmac, label, sizeof(label)) == 1 &&
		      EVP_MAC_update(hmac, kmm, 12) == 1 &&
		      EVP_MAC_update(hmac, n_bits, sizeof(n_bits)) == 1 &&
		      EVP_MAC_final(hmac, key, NULL, sizeof(key)) == 1);
	fk_evp_expect(EVP_MAC_init(cmac, key, sizeof(key), NULL) == 1 &&
		      EVP_MAC_update(cmac, kmm, size - FK_KMM_MAC_BLOCK_SIZE) == 1 &&
		      EVP_MAC_update(cmac, kmm + size - TRAILER_SIZE, TRAILER_SIZE) == 1 &&
		      EVP_MAC_final(cmac, mac, NULL, sizeof(mac)) == 1);
	memcpy(ret_mac, mac, FK_KMM_MAC_SIZE);
}

/* The CBC-MAC's key is the TEK wrapped under itself, with the number of octets as initial value. */
void fk_evp_kmm_cbc_mac(EVP_CIPHER_CTX *wrap, EVP_CIPHER_CTX *cbc, const uint8_t tek[static 32],
			const uint8_t *kmm, size_t size, uint8_t ret_mac[static 8])
{
	static const uint8_t zero_iv[BLOCK];
	size_t n = size - FK_KMM_MAC_SIZE, head = n - TRAILER_SIZE;
	const uint8_t iv[8] = {[6] = (uint8_t)(n >> 8), [7] = (uint8_t)n};
	uint8_t octets[FK_KMM_SIZE_MAX + BLOCK] = {0}, wrapped[40];
	int n_blocks = (int)((n + BLOCK - 1) / BLOCK), done;

	fk_evp_expect(EVP_EncryptInit_ex(wrap, NULL, NULL, tek, iv));
	fk_evp_expect(EVP_EncryptUpdate(wrap, wrapped, &done, tek, 32));
	memcpy(octets, kmm, head);
	memcpy(octets + head, kmm + size - TRAILER_SIZE, TRAILER_SIZE);
	fk_evp_expect(EVP_EncryptInit_ex(cbc, NULL, NULL, wrapped + 8, zero_iv));
	fk_evp_expect(EVP_EncryptUpdate(cbc, octets, &done, octets, n_blocks * BLOCK));
	memcpy(ret_mac, octets + (n_blocks - 1) * BLOCK, FK_KMM_MAC_SIZE);
}
