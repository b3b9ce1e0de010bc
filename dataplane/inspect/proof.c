/* SPDX-License-Identifier: Apache-2.0 */
#include "inspect/proof.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "crypto/engine.h"

#define KEY_SIZE     32 /* octets that the bulk engines serve */
#define WRAPPED_SIZE (KEY_SIZE + FK_WRAP_OVERHEAD)

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

static const EVP_CIPHER *wrap_cipher(size_t kek_size)
{
	switch (kek_size) {
	case 16:
		return EVP_aes_128_wrap();
	case 24:
		return EVP_aes_192_wrap();
	case 32:
		return EVP_aes_256_wrap();
	default:
		return NULL;
	}
}

/* The slow path, one key at a time. 'out' takes in_size + 8. */
static enum fk_err evp_wrap(const struct fk_secret *kek, bool encrypt, const uint8_t *in,
			    size_t in_size, uint8_t *out, size_t *ret_size)
{
	const EVP_CIPHER *cipher = wrap_cipher(kek->size);
	EVP_CIPHER_CTX *ctx;
	int n = 0;
	bool ok;

	if (cipher == NULL)
		return FK_EUNSUPPORTED;
	ctx = EVP_CIPHER_CTX_new();
	if (ctx == NULL)
		return FK_ENOMEM;
	EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	ok = EVP_CipherInit_ex(ctx, cipher, NULL, kek->octets, NULL, encrypt) == 1 &&
	     EVP_CipherUpdate(ctx, out, &n, in, (int)in_size) == 1 && n > 0;
	EVP_CIPHER_CTX_free(ctx);
	if (!ok)
		return encrypt ? FK_EIO : FK_EAUTH;
	*ret_size = (size_t)n;
	return FK_OK;
}

static bool is_key_size(size_t size)
{
	return size == 16 || size == 24 || size == 32;
}

enum fk_err fk_proof_wrap(struct fk_proof *proof, const struct fk_secret *kek,
			  const struct fk_secret *key, uint8_t *buf, size_t cap, size_t *ret_size)
{
	if (!is_key_size(kek->size) || !is_key_size(key->size))
		return FK_EUNSUPPORTED;
	if (cap < key->size + FK_WRAP_OVERHEAD)
		return FK_EFULL;
	if (kek->size == KEY_SIZE && key->size == KEY_SIZE) {
		const struct fk_wrap_lane lane = {
			.kek = kek->octets, .key = key->octets, .wrapped = buf};

		proof->engine->wrap(&proof->scratch, &lane, 1);
		*ret_size = WRAPPED_SIZE;
		return FK_OK;
	}
	return evp_wrap(kek, true, key->octets, key->size, buf, ret_size);
}

enum fk_err fk_proof_unwrap(struct fk_proof *proof, const struct fk_secret *kek,
			    const uint8_t *wrapped, size_t size, struct fk_secret *ret_key)
{
	uint8_t octets[WRAPPED_SIZE];
	size_t key_size = KEY_SIZE;
	enum fk_err err;

	if (!is_key_size(kek->size) || size < FK_WRAP_OVERHEAD ||
	    !is_key_size(size - FK_WRAP_OVERHEAD))
		return FK_EUNSUPPORTED;
	if (kek->size == KEY_SIZE && size == WRAPPED_SIZE) {
		struct fk_unwrap_lane lane = {
			.kek = kek->octets, .wrapped = wrapped, .key = octets};

		proof->engine->unwrap(&proof->scratch, &lane, 1);
		err = lane.ok == 1 ? FK_OK : FK_EAUTH;
	} else {
		err = evp_wrap(kek, false, wrapped, size, octets, &key_size);
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

void fk_proof_expand_mi(const uint8_t mi[static FK_PROOF_MI_SIZE],
			uint8_t ret_iv[static FK_PROOF_IV_SIZE])
{
	uint64_t state = 0;

	for (uint32_t i = 0; i < 8; i++)
		state = state << 8 | mi[i];
	memcpy(ret_iv, mi, 8);
	for (uint32_t i = 0; i < 64; i++) {
		/* x^64 + x^62 + x^46 + x^38 + x^27 + x^15 + 1 */
		uint64_t bit = (state >> 63 ^ state >> 61 ^ state >> 45 ^ state >> 37 ^
				state >> 26 ^ state >> 14) &
			       1;

		state = state << 1 | bit;
	}
	for (uint32_t i = 0; i < 8; i++)
		ret_iv[8 + i] = (uint8_t)(state >> (56 - 8 * i));
}

enum fk_err fk_proof_outer(const struct fk_secret *tek, const uint8_t mi[static FK_PROOF_MI_SIZE],
			   const uint8_t *in, size_t size, uint8_t *out)
{
	static const uint8_t no_mi[FK_PROOF_MI_SIZE], zeros[FK_PROOF_IV_SIZE];
	uint8_t iv[FK_PROOF_IV_SIZE], first[FK_PROOF_IV_SIZE];
	EVP_CIPHER_CTX *ctx;
	int n;
	bool ok;

	if (tek->size != KEY_SIZE)
		return FK_EUNSUPPORTED;
	if (memcmp(mi, no_mi, sizeof(no_mi)) == 0)
		return FK_EINVAL;
	ctx = EVP_CIPHER_CTX_new();
	if (ctx == NULL)
		return FK_ENOMEM;
	fk_proof_expand_mi(mi, iv);
	/* The first block of the key stream is thrown away. */
	ok = EVP_EncryptInit_ex(ctx, EVP_aes_256_ofb(), NULL, tek->octets, iv) == 1 &&
	     EVP_EncryptUpdate(ctx, first, &n, zeros, sizeof(zeros)) == 1 &&
	     (size == 0 || EVP_EncryptUpdate(ctx, out, &n, in, (int)size) == 1);
	EVP_CIPHER_CTX_free(ctx);
	fk_wipe(first, sizeof(first));
	return ok ? FK_OK : FK_EIO;
}
