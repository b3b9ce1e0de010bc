/* SPDX-License-Identifier: Apache-2.0 */
#include "keys/gcm.h"

EVP_CIPHER_CTX *fk_gcm_new(const uint8_t *key, bool is_seal)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

	if (ctx != NULL &&
	    EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, NULL, is_seal ? 1 : 0) <= 0) {
		EVP_CIPHER_CTX_free(ctx);
		return NULL;
	}
	return ctx;
}
