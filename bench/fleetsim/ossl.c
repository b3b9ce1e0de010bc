/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ossl.c - see ossl.h.
 *
 * The low-level SHA-256 calls are deprecated in OpenSSL 3, but the digest by name costs about three
 * times as much for two blocks, and the fleet must not be slower than what it measures.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <fleetkey/secret.h>

#include "ossl.h"

#define BLOCK	      16
#define SHA_BLOCK     64
#define WRAP_ROUNDS   6
#define N_SEMIBLOCKS  4 /* 64-bit halves of a 256-bit key */
#define KDF_INPUT_MAX (4 + 8 + 1 + 12 + 2)

struct fk_ossl {
	EVP_CIPHER_CTX *ecb_encrypt, *ecb_decrypt, *cbc;
	bool has_hmac_key;
	uint8_t hmac_key[FK_OSSL_KEY_SIZE]; /* whose states the next two are */
	SHA256_CTX hmac_inner, hmac_outer;
};

static EVP_CIPHER_CTX *cipher_new(const EVP_CIPHER *cipher, bool encrypt)
{
	static const uint8_t zero[FK_OSSL_KEY_SIZE];
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

	if (ctx == NULL)
		return NULL;
	/* Padding is left on: EVP_Cipher() never pads, and turning it off costs at every new key.
	 */
	if (EVP_CipherInit_ex(ctx, cipher, NULL, zero, zero, encrypt) != 1) {
		EVP_CIPHER_CTX_free(ctx);
		return NULL;
	}
	return ctx;
}

enum fk_err fk_ossl_new(struct fk_ossl **ret_ossl)
{
	struct fk_ossl *ossl = calloc(1, sizeof(*ossl));

	if (ossl == NULL)
		return FK_ENOMEM;
	ossl->ecb_encrypt = cipher_new(EVP_aes_256_ecb(), true);
	ossl->ecb_decrypt = cipher_new(EVP_aes_256_ecb(), false);
	ossl->cbc = cipher_new(EVP_aes_256_cbc(), true);
	if (ossl->ecb_encrypt == NULL || ossl->ecb_decrypt == NULL || ossl->cbc == NULL) {
		fk_ossl_free(ossl);
		return FK_EUNSUPPORTED;
	}
	*ret_ossl = ossl;
	return FK_OK;
}

void fk_ossl_free(struct fk_ossl *ossl)
{
	if (ossl == NULL)
		return;
	EVP_CIPHER_CTX_free(ossl->ecb_encrypt); /* OpenSSL wipes the key schedules */
	EVP_CIPHER_CTX_free(ossl->ecb_decrypt);
	EVP_CIPHER_CTX_free(ossl->cbc);
	fk_wipe(ossl, sizeof(*ossl));
	free(ossl);
}

/* No initial value is given: with a key alone OpenSSL goes back to the one before, which is zero
 * from the start, and to give it anew costs as much as the key. */
static bool set_key(EVP_CIPHER_CTX *ctx, const uint8_t key[static FK_OSSL_KEY_SIZE])
{
	return EVP_CipherInit_ex(ctx, NULL, NULL, key, NULL, -1) == 1;
}

static bool run(EVP_CIPHER_CTX *ctx, const uint8_t *in, uint8_t *out, size_t size)
{
	return EVP_Cipher(ctx, out, in, (unsigned)size) == (int)size;
}

/* XORs the step counter into the left half. spec: RFC 3394 §2.2.1 */
static void xor_step(uint8_t a[static 8], uint32_t t)
{
	for (int i = 0; i < 4; i++)
		a[7 - i] ^= (uint8_t)(t >> (8 * i));
}

enum fk_err fk_ossl_unwrap(struct fk_ossl *ossl, const uint8_t kek[static FK_OSSL_KEY_SIZE],
			   const uint8_t wrapped[static FK_OSSL_WRAPPED_SIZE],
			   uint8_t key[static FK_OSSL_KEY_SIZE])
{
	static const uint8_t initial[8] = {0xa6, 0xa6, 0xa6, 0xa6, 0xa6, 0xa6, 0xa6, 0xa6};
	uint8_t block[BLOCK], r[FK_OSSL_KEY_SIZE];
	bool ok = set_key(ossl->ecb_decrypt, kek);

	memcpy(block, wrapped, 8);
	memcpy(r, wrapped + 8, sizeof(r));
	for (uint32_t t = WRAP_ROUNDS * N_SEMIBLOCKS; t >= 1 && ok; t--) {
		uint8_t *half = r + 8 * ((t - 1) % N_SEMIBLOCKS);

		xor_step(block, t);
		memcpy(block + 8, half, 8);
		ok = run(ossl->ecb_decrypt, block, block, BLOCK);
		memcpy(half, block + 8, 8);
	}

	enum fk_err err = !ok ? FK_EIO : fk_ct_equal(block, initial, 8) ? FK_OK : FK_EAUTH;

	if (err == FK_OK)
		memcpy(key, r, sizeof(r));
	fk_wipe(r, sizeof(r));
	fk_wipe(block, sizeof(block));
	return err;
}

/*
 * Key of the CBC-MAC: the TEK wrapped under itself with the number of authenticated octets as
 * initial value; the first 8 octets are dropped. spec: P25 sheet 3.4
 */
static bool derive_cbc(struct fk_ossl *ossl, const uint8_t tek[static FK_OSSL_KEY_SIZE],
		       size_t n_octets, uint8_t derived[static FK_OSSL_KEY_SIZE])
{
	uint8_t block[BLOCK] = {0};
	bool ok = set_key(ossl->ecb_encrypt, tek);

	xor_step(block, (uint32_t)n_octets);
	memcpy(derived, tek, FK_OSSL_KEY_SIZE);
	for (uint32_t t = 1; t <= WRAP_ROUNDS * N_SEMIBLOCKS && ok; t++) {
		uint8_t *half = derived + 8 * ((t - 1) % N_SEMIBLOCKS);

		memcpy(block + 8, half, 8);
		ok = run(ossl->ecb_encrypt, block, block, BLOCK);
		xor_step(block, t);
		memcpy(half, block + 8, 8);
	}
	fk_wipe(block, sizeof(block));
	return ok;
}

/*
 * Writes a message that follows one block of key, with the padding of SHA-256, into one block. By
 * hand, since SHA256_Update() would copy it twice.
 */
static void pad_block(const uint8_t *message, size_t size, uint8_t block[static SHA_BLOCK])
{
	uint32_t n_bits = (uint32_t)(SHA_BLOCK + size) * 8;

	memcpy(block, message, size);
	memset(block + size, 0, SHA_BLOCK - size);
	block[size] = 0x80;
	block[SHA_BLOCK - 2] = (uint8_t)(n_bits >> 8);
	block[SHA_BLOCK - 1] = (uint8_t)n_bits;
}

static void put_digest(const SHA256_CTX *sha, uint8_t digest[static SHA256_DIGEST_LENGTH])
{
	for (int i = 0; i < 8; i++) {
		uint32_t word = __builtin_bswap32(sha->h[i]);

		memcpy(digest + 4 * i, &word, sizeof(word));
	}
}

/*
 * Keys HMAC. A command and its answer come under one key, and all closing exchanges under one: the
 * last key's two states are kept.
 */
static void key_hmac(struct fk_ossl *ossl, const uint8_t tek[static FK_OSSL_KEY_SIZE])
{
	uint8_t block[SHA_BLOCK];

	if (ossl->has_hmac_key && fk_ct_equal(ossl->hmac_key, tek, FK_OSSL_KEY_SIZE))
		return;
	memset(block, 0x36, sizeof(block));
	for (int i = 0; i < FK_OSSL_KEY_SIZE; i++)
		block[i] ^= tek[i];
	SHA256_Init(&ossl->hmac_inner);
	SHA256_Transform(&ossl->hmac_inner, block);
	for (size_t i = 0; i < sizeof(block); i++)
		block[i] ^= 0x36 ^ 0x5c;
	SHA256_Init(&ossl->hmac_outer);
	SHA256_Transform(&ossl->hmac_outer, block);
	memcpy(ossl->hmac_key, tek, FK_OSSL_KEY_SIZE);
	ossl->has_hmac_key = true;
	fk_wipe(block, sizeof(block));
}

/* Key of the CMAC: one HMAC-SHA-256 in counter mode. spec: P25 sheet 3.5, RFC 2104 */
static void derive_cmac(struct fk_ossl *ossl, const uint8_t tek[static FK_OSSL_KEY_SIZE],
			const uint8_t *frame, uint8_t derived[static FK_OSSL_KEY_SIZE])
{
	static const uint8_t label[] = {0, 0, 0, 1, 'O', 'T', 'A', 'R', ' ', 'M', 'A', 'C', 0};
	size_t context_size = (frame[3] & 0x30) == 0x20 ? 12 : 10;
	uint8_t input[KDF_INPUT_MAX], block[SHA_BLOCK], digest[SHA256_DIGEST_LENGTH];
	SHA256_CTX sha;

	key_hmac(ossl, tek);
	memcpy(input, label, sizeof(label));
	memcpy(input + sizeof(label), frame, context_size);
	input[sizeof(label) + context_size] = 0x01; /* 256 bits, in 16 bits */
	input[sizeof(label) + context_size + 1] = 0x00;
	pad_block(input, sizeof(label) + context_size + 2, block);
	sha = ossl->hmac_inner;
	SHA256_Transform(&sha, block);
	put_digest(&sha, digest);
	pad_block(digest, sizeof(digest), block);
	sha = ossl->hmac_outer;
	SHA256_Transform(&sha, block);
	put_digest(&sha, derived);
	fk_wipe(&sha, sizeof(sha));
	fk_wipe(block, sizeof(block));
	fk_wipe(digest, sizeof(digest));
}

/* Doubles in GF(2^128). spec: SP 800-38B §6.1 */
static void cmac_double(uint8_t block[static BLOCK])
{
	uint64_t halves[2], high, low;

	memcpy(halves, block, BLOCK);
	high = be64toh(halves[0]);
	low = be64toh(halves[1]);
	halves[0] = htobe64(high << 1 | low >> 63);
	halves[1] = htobe64(low << 1 ^ (high >> 63 != 0 ? 0x87 : 0));
	memcpy(block, halves, BLOCK);
	fk_wipe(halves, sizeof(halves));
}

/* 'data' has room for padding to a whole block and is overwritten. */
static bool cbc_mac(struct fk_ossl *ossl, const uint8_t key[static FK_OSSL_KEY_SIZE], uint8_t *data,
		    size_t size, bool is_cmac)
{
	static const uint8_t zero[BLOCK];
	size_t padded = (size + BLOCK - 1) / BLOCK * BLOCK;
	uint8_t subkey[BLOCK];

	if (!set_key(ossl->cbc, key))
		return false;
	memset(data + size, 0, padded - size);
	if (is_cmac) {
		if (!run(ossl->cbc, zero, subkey, BLOCK))
			return false;
		/* The chain now starts from that block instead of zero: take it out again. */
		for (int i = 0; i < BLOCK; i++)
			data[i] ^= subkey[i];
		cmac_double(subkey);
		if (padded != size) {
			cmac_double(subkey);
			data[size] ^= 0x80;
		}
		for (int i = 0; i < BLOCK; i++)
			data[padded - BLOCK + (size_t)i] ^= subkey[i];
		fk_wipe(subkey, sizeof(subkey));
	}
	if (!run(ossl->cbc, data, data, padded))
		return false;
	memmove(data, data + padded - BLOCK, BLOCK);
	return true;
}

enum fk_err fk_ossl_mac(struct fk_ossl *ossl, const uint8_t tek[static FK_OSSL_KEY_SIZE],
			const uint8_t *frame, size_t frame_size, uint8_t mac_format,
			uint8_t ret_mac[static FK_KMM_MAC_SIZE])
{
	uint8_t data[FK_KMM_SIZE_MAX + BLOCK], derived[FK_OSSL_KEY_SIZE];
	size_t head = frame_size - FK_KMM_MAC_BLOCK_SIZE;
	size_t tail = FK_KMM_MAC_BLOCK_SIZE - FK_KMM_MAC_SIZE;
	bool is_cmac = mac_format == FK_KMM_MAC_FORMAT_CMAC;
	bool ok = true;

	if (frame_size < FK_KMM_HEADER_SIZE + 2 + FK_KMM_MAC_BLOCK_SIZE &&
	    frame_size != FK_KMM_HEADER_SIZE + FK_KMM_MAC_BLOCK_SIZE)
		return FK_EINVAL;
	if (frame_size > FK_KMM_SIZE_MAX)
		return FK_EINVAL;
	if (!is_cmac && mac_format != FK_KMM_MAC_FORMAT_CBC)
		return FK_EUNSUPPORTED;
	if (is_cmac)
		derive_cmac(ossl, tek, frame, derived);
	else
		ok = derive_cbc(ossl, tek, head + tail, derived);
	memcpy(data, frame, head);
	memcpy(data + head, frame + frame_size - tail, tail);
	ok = ok && cbc_mac(ossl, derived, data, head + tail, is_cmac);
	if (ok)
		memcpy(ret_mac, data, FK_KMM_MAC_SIZE);
	fk_wipe(derived, sizeof(derived));
	return ok ? FK_OK : FK_EIO;
}
