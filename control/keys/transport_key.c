/* SPDX-License-Identifier: Apache-2.0 */
#include "keys/transport_key.h"

#include <stdlib.h>

#include <openssl/evp.h>

#include <fleetkey/kmm.h>

#include "keys/tek.h"

#define NAME	 "transport-key"
#define N_BLOCKS 4 /* of 64 bits in an AES-256 key */

struct fk_transport_key {
	uint32_t id;
	EVP_CIPHER_CTX *ecb; /* decrypts */
};

enum fk_err fk_transport_key_new(uint32_t id, const struct fk_secret *key,
				 struct fk_transport_key **ret_key)
{
	struct fk_transport_key *tk;

	if (key->size != 32)
		return FK_EINVAL;
	tk = calloc(1, sizeof(*tk));
	if (tk == NULL)
		return FK_ENOMEM;
	tk->id = id;
	tk->ecb = EVP_CIPHER_CTX_new();
	if (tk->ecb == NULL ||
	    EVP_DecryptInit_ex(tk->ecb, EVP_aes_256_ecb(), NULL, key->octets, NULL) <= 0 ||
	    EVP_CIPHER_CTX_set_padding(tk->ecb, 0) <= 0) {
		fk_transport_key_free(tk);
		return FK_ESELFTEST;
	}
	*ret_key = tk;
	return FK_OK;
}

void fk_transport_key_free(struct fk_transport_key *key)
{
	if (key == NULL)
		return;
	EVP_CIPHER_CTX_free(key->ecb); /* clears the schedule */
	free(key);
}

uint32_t fk_transport_key_id(const struct fk_transport_key *key)
{
	return key->id;
}

/*
 * spec: RFC 3394 §2.2.2, by index. Our own loop: OpenSSL's key wrap takes its context apart for
 * every key and costs five times as much, and an import unwraps two million keys.
 */
enum fk_err fk_transport_key_unwrap(struct fk_transport_key *key,
				    const uint8_t wrapped[static FK_TRANSPORT_WRAPPED_SIZE],
				    uint8_t ret_plain[static 32])
{
	static const uint8_t iv[8] = {0xa6, 0xa6, 0xa6, 0xa6, 0xa6, 0xa6, 0xa6, 0xa6};
	uint8_t block[16]; /* A, then the R of the step */
	enum fk_err err = FK_OK;
	int n;

	memcpy(block, wrapped, 8);
	memcpy(ret_plain, wrapped + 8, 32);
	for (uint32_t t = 6 * N_BLOCKS; err == FK_OK && t > 0; t--) {
		uint8_t *r = ret_plain + (t - 1) % N_BLOCKS * 8;

		block[7] ^= (uint8_t)t; /* t is at most 24: one octet */
		memcpy(block + 8, r, 8);
		if (EVP_DecryptUpdate(key->ecb, block, &n, block, sizeof(block)) <= 0 ||
		    n != (int)sizeof(block))
			err = FK_ESELFTEST;
		memcpy(r, block + 8, 8);
	}
	if (err == FK_OK && !fk_ct_equal(block, iv, sizeof(iv)))
		err = FK_EAUTH;
	fk_wipe(block, sizeof(block));
	if (err != FK_OK)
		fk_wipe(ret_plain, 32);
	return err;
}

enum fk_err fk_transport_key_create(struct fk_key_store *keys, uint32_t *ret_id,
				    struct fk_secret *ret_key)
{
	const struct fk_key_entry *old;
	struct fk_secret key = {.size = 0};
	struct fk_key_put put = {.name = NAME, .key = &key};
	enum fk_err err = fk_key_store_refresh(keys, NULL);

	if (err == FK_OK)
		err = fk_tek_generate(&key);
	if (err != FK_OK)
		return err;
	old = fk_key_store_find(keys, NAME);
	put.record = (struct fk_key_record){
		.kind = FK_KEY_TRANSPORT,
		.state = FK_LIFE_ACTIVE,
		.origin = FK_KEY_GENERATED,
		.algorithm_id = FK_ALGORITHM_AES_256,
		.key_id = (uint16_t)(old != NULL ? old->record.key_id + 1 : 1),
		.made_at_ms = fk_key_now_ms(),
	};
	err = fk_key_store_write(keys, &put);
	if (err == FK_OK) {
		*ret_id = put.record.key_id;
		*ret_key = key;
	}
	fk_secret_wipe(&key);
	return err;
}

enum fk_err fk_transport_key_load(struct fk_key_store *keys, struct fk_transport_key **ret_key)
{
	struct fk_secret key = {.size = 0};
	struct fk_key_record record;
	enum fk_err err = fk_key_store_get(keys, NAME, &record, &key);

	/* A compromised one opens no more fleet files: the next one is to be made. */
	if (err == FK_OK && record.state != FK_LIFE_ACTIVE)
		err = FK_ENOTFOUND;
	if (err == FK_OK)
		err = fk_transport_key_new(record.key_id, &key, ret_key);
	fk_secret_wipe(&key);
	return err;
}
