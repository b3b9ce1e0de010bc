/* SPDX-License-Identifier: Apache-2.0 */
#include "inspect/proof.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "crypto/engine.h"
#include "crypto/key_wrap.h"

#define KEY_SIZE     32 /* octets that the bulk engines serve */
#define WRAPPED_SIZE (KEY_SIZE + FK_WRAP_OVERHEAD)
#define AES_192_SIZE 24 /* octets; as the size of a key carried, as much as of a KEK */

struct fk_proof {
	const struct fk_crypto_engine *engine;
	struct fk_crypto_scratch scratch;
};

enum fk_err fk_proof_new(struct fk_proof **ret_proof)
{
	struct fk_proof *proof = aligned_alloc(64, sizeof(*proof));
	enum fk_err err;

	if (proof == NULL)
		return FK_ENOMEM;
	/* Best effort: a tool that any user may run has no right to locked memory. */
	(void)mlock(proof, sizeof(*proof));
	err = fk_engine_select(NULL, &proof->scratch, &proof->engine);
	if (err != FK_OK) {
		fk_proof_free(proof);
		return err;
	}
	*ret_proof = proof;
	return FK_OK;
}

void fk_proof_free(struct fk_proof *proof)
{
	if (proof == NULL)
		return;
	fk_wipe(proof, sizeof(*proof));
	(void)munlock(proof, sizeof(*proof));
	free(proof);
}

/* AES-192, or another initial value than RFC 3394's (NULL). 'out' takes in_size + 8. */
static enum fk_err evp_wrap(const struct fk_secret *kek, const uint8_t *initial_value, bool encrypt,
			    const uint8_t *in, size_t in_size, uint8_t *out)
{
	const EVP_CIPHER *cipher = kek->size == 16   ? EVP_aes_128_wrap()
				   : kek->size == 24 ? EVP_aes_192_wrap()
						     : EVP_aes_256_wrap();
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n = 0;
	bool ok;

	if (ctx == NULL)
		return FK_ENOMEM;
	EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	ok = EVP_CipherInit_ex(ctx, cipher, NULL, kek->octets, initial_value, encrypt) == 1 &&
	     EVP_CipherUpdate(ctx, out, &n, in, (int)in_size) == 1 && n > 0;
	EVP_CIPHER_CTX_free(ctx);
	if (!ok)
		return encrypt ? FK_EIO : FK_EAUTH;
	return FK_OK;
}

static bool is_key_size(size_t size)
{
	return size == 16 || size == 24 || size == 32;
}

enum fk_err fk_proof_wrap(struct fk_proof *proof, const struct fk_secret *kek,
			  const struct fk_secret *key, uint8_t *buf, size_t cap, size_t *ret_size)
{
	enum fk_err err = FK_OK;

	if (!is_key_size(kek->size) || !is_key_size(key->size))
		return FK_EUNSUPPORTED;
	if (cap < key->size + FK_WRAP_OVERHEAD)
		return FK_EFULL;
	if (kek->size == KEY_SIZE && key->size == KEY_SIZE) {
		const struct fk_wrap_lane lane = {
			.kek = kek->octets, .key = key->octets, .wrapped = buf};

		proof->engine->wrap(&proof->scratch, FK_WRAP_256_UNDER_256, &lane, 1);
	} else if (kek->size == AES_192_SIZE || key->size == AES_192_SIZE) {
		err = evp_wrap(kek, NULL, true, key->octets, key->size, buf);
	} else {
		err = fk_key_wrap(kek->octets, kek->size, key->octets, key->size, buf, NULL);
	}
	if (err == FK_OK)
		*ret_size = key->size + FK_WRAP_OVERHEAD;
	return err;
}

enum fk_err fk_proof_unwrap(struct fk_proof *proof, const struct fk_secret *kek,
			    const uint8_t *wrapped, size_t size, struct fk_secret *ret_key)
{
	uint8_t octets[WRAPPED_SIZE];
	size_t key_size = size - FK_WRAP_OVERHEAD;
	enum fk_err err;

	if (!is_key_size(kek->size) || size < FK_WRAP_OVERHEAD || !is_key_size(key_size))
		return FK_EUNSUPPORTED;
	if (kek->size == KEY_SIZE && size == WRAPPED_SIZE) {
		struct fk_unwrap_lane lane = {
			.kek = kek->octets, .wrapped = wrapped, .key = octets};

		proof->engine->unwrap(&proof->scratch, FK_WRAP_256_UNDER_256, &lane, 1);
		err = lane.ok == 1 ? FK_OK : FK_EAUTH;
	} else if (kek->size == AES_192_SIZE || key_size == AES_192_SIZE) {
		err = evp_wrap(kek, NULL, false, wrapped, size, octets);
	} else {
		err = fk_key_unwrap(kek->octets, kek->size, wrapped, size, octets, NULL);
	}
	if (err == FK_OK) {
		ret_key->size = (uint32_t)key_size;
		memcpy(ret_key->octets, octets, key_size);
	}
	fk_wipe(octets, sizeof(octets));
	return err;
}

enum fk_err fk_proof_mac(struct fk_proof *proof, const struct fk_secret *tek, const uint8_t *frame,
			 size_t size, uint8_t mac_format, uint8_t ret_mac[static 8])
{
	struct fk_mac_lane lane = {
		.tek = tek->octets,
		.frame = frame,
		.frame_size = (uint16_t)size,
		.mac_format = mac_format,
	};

	if (tek->size != KEY_SIZE)
		return FK_EUNSUPPORTED;
	proof->engine->mac(&proof->scratch, &lane, 1);
	memcpy(ret_mac, lane.mac, sizeof(lane.mac));
	return FK_OK;
}

static enum fk_err derive_cmac_key(const struct fk_secret *tek, const uint8_t *frame,
				   struct fk_proof_derivation *derivation)
{
	static const uint8_t start[13] = {0, 0, 0, 1, 'O', 'T', 'A', 'R', ' ', 'M', 'A', 'C', 0};
	bool has_number = (frame[3] & 0x30) != 0;
	uint8_t *input = derivation->input;

	derivation->context = frame;
	derivation->context_size = FK_KMM_HEADER_SIZE + (has_number ? 2 : 0);
	memcpy(input, start, sizeof(start));
	memcpy(input + sizeof(start), frame, derivation->context_size);
	derivation->input_size = sizeof(start) + derivation->context_size;
	input[derivation->input_size++] = 0x01;
	input[derivation->input_size++] = 0x00;
	return HMAC(EVP_sha256(), tek->octets, KEY_SIZE, input, derivation->input_size,
		    derivation->mac_key, NULL) != NULL
		       ? FK_OK
		       : FK_EIO;
}

static enum fk_err derive_cbc_key(const struct fk_secret *tek, size_t size,
				  struct fk_proof_derivation *derivation)
{
	size_t n = size - FK_KMM_MAC_SIZE;
	uint8_t wrapped[WRAPPED_SIZE] = {0};
	enum fk_err err;

	derivation->initial_value[6] = (uint8_t)(n >> 8);
	derivation->initial_value[7] = (uint8_t)n;
	err = evp_wrap(tek, derivation->initial_value, true, tek->octets, KEY_SIZE, wrapped);
	memcpy(derivation->mac_key, wrapped + FK_WRAP_OVERHEAD, KEY_SIZE);
	fk_wipe(wrapped, sizeof(wrapped));
	return err;
}

enum fk_err fk_proof_derive(const struct fk_secret *tek, const uint8_t *frame, size_t size,
			    uint8_t mac_format, struct fk_proof_derivation *ret_derivation)
{
	*ret_derivation = (struct fk_proof_derivation){0};
	if (tek->size != KEY_SIZE)
		return FK_EUNSUPPORTED;
	return (mac_format & 1) != 0 ? derive_cmac_key(tek, frame, ret_derivation)
				     : derive_cbc_key(tek, size, ret_derivation);
}

enum fk_err fk_proof_outer(struct fk_proof *proof, const struct fk_secret *tek,
			   const uint8_t mi[static FK_MI_SIZE], const uint8_t *in, size_t size,
			   uint8_t *out)
{
	const struct fk_outer_lane lane = {
		.key = tek->octets,
		.mi = mi,
		.octets = out,
		.size = (uint16_t)size,
	};

	if (tek->size != KEY_SIZE)
		return FK_EUNSUPPORTED;
	if (fk_outer_mi_check(mi) != FK_OK)
		return FK_EINVAL;
	if (size > FK_KMM_SIZE_MAX)
		return FK_ERANGE;
	memmove(out, in, size);
	proof->engine->outer(&proof->scratch, &lane, 1);
	return FK_OK;
}
