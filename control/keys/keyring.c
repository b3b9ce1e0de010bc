/* SPDX-License-Identifier: Apache-2.0 */
#include "keys/keyring.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <openssl/evp.h>
#include <openssl/kdf.h>

#include <fleetkey/wire.h>

#include "keys/tek.h"

#define SEAL_LAYOUT	   1
#define NONCE_SIZE	   12
#define NONCES_AHEAD	   256
#define TAG_SIZE	   16
#define AD_SIZE_MAX	   (1 + 8 + 4 + FK_SEAL_IDENTITY_MAX)
#define SEALING_EPOCHS_MAX 4 /* epochs whose records can be open at a time */

/* In locked memory, and nowhere else. */
struct keys {
	uint8_t root[32]; /* kept: older and newer sealing epochs are derived on demand */
	uint8_t token[32];
	uint8_t to_tag[16];
	uint8_t ledger[32];
	uint8_t sealing[SEALING_EPOCHS_MAX][32];
};

/* One sealing epoch: its contexts keep the expanded key, so that a record costs one IV. */
struct sealing {
	uint32_t epoch; /* 0: unused */
	EVP_CIPHER_CTX *seal, *unseal;
};

struct fk_keyring {
	struct keys *keys;
	size_t mapped_size;
	uint8_t kmf_id[FK_KMF_ID_SIZE];
	struct sealing sealings[SEALING_EPOCHS_MAX];
	/* Drawn ahead: a system call for each record of an import is what it would wait for. */
	uint8_t nonces[NONCES_AHEAD][NONCE_SIZE];
	uint32_t n_nonces; /* not used yet */
};

/* HKDF-SHA-256 without salt: the root key is uniform. The info binds purpose, epoch and KMF. */
static enum fk_err derive(const struct fk_keyring *keyring, const char *purpose, uint32_t epoch,
			  uint8_t *ret_key, size_t size)
{
	uint8_t info[96];
	struct fk_wire_writer w = fk_wire_writer(info, sizeof(info));
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, NULL);
	size_t info_size, key_size = size;
	bool ok;

	fk_wire_put_bytes(&w, "fleetkey 1 ", 11);
	fk_wire_put_bytes(&w, purpose, strlen(purpose) + 1);
	fk_wire_put_u32(&w, epoch);
	fk_wire_put_bytes(&w, keyring->kmf_id, FK_KMF_ID_SIZE);
	ok = ctx != NULL && fk_wire_done(&w, &info_size) == FK_OK &&
	     EVP_PKEY_derive_init(ctx) > 0 && EVP_PKEY_CTX_set_hkdf_md(ctx, EVP_sha256()) > 0 &&
	     EVP_PKEY_CTX_set1_hkdf_key(ctx, keyring->keys->root, sizeof(keyring->keys->root)) >
		     0 &&
	     EVP_PKEY_CTX_add1_hkdf_info(ctx, info, (int)info_size) > 0 &&
	     EVP_PKEY_derive(ctx, ret_key, &key_size) > 0 && key_size == size;
	EVP_PKEY_CTX_free(ctx);
	return ok ? FK_OK : FK_ESELFTEST;
}

static enum fk_err map_keys(struct fk_keyring *keyring, struct fk_reason *reason)
{
	keyring->mapped_size = (sizeof(struct keys) + 4095) & ~(size_t)4095;
	void *p = mmap(NULL, keyring->mapped_size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		fk_reason_set(reason, "memory for keys: %s", strerror(errno));
		return FK_ENOMEM;
	}
	keyring->keys = p;
	if (mlock(p, keyring->mapped_size) != 0) {
		fk_reason_set(reason, "memory for keys cannot be locked (RLIMIT_MEMLOCK): %s",
			      strerror(errno));
		return FK_ENOMEM;
	}
	if (madvise(p, keyring->mapped_size, MADV_DONTDUMP) != 0 ||
	    madvise(p, keyring->mapped_size, MADV_DONTFORK) != 0) {
		fk_reason_set(reason, "memory for keys cannot be kept out of core dumps: %s",
			      strerror(errno));
		return FK_ENOMEM;
	}
	return FK_OK;
}

enum fk_err fk_keyring_new(const struct fk_secret *root,
			   const uint8_t kmf_id[static FK_KMF_ID_SIZE],
			   struct fk_keyring **ret_keyring, struct fk_reason *reason)
{
	struct fk_keyring *keyring;
	enum fk_err err;

	if (root->size != sizeof(keyring->keys->root)) {
		fk_reason_set(reason, "root key is %u octets, must be 32", (unsigned)root->size);
		return FK_EINVAL;
	}
	keyring = calloc(1, sizeof(*keyring));
	if (keyring == NULL)
		return FK_ENOMEM;
	memcpy(keyring->kmf_id, kmf_id, FK_KMF_ID_SIZE);
	err = map_keys(keyring, reason);
	if (err == FK_OK) {
		memcpy(keyring->keys->root, root->octets, sizeof(keyring->keys->root));
		err = derive(keyring, "token", 0, keyring->keys->token,
			     sizeof(keyring->keys->token));
	}
	if (err == FK_OK)
		err = derive(keyring, "to-tag", 0, keyring->keys->to_tag,
			     sizeof(keyring->keys->to_tag));
	if (err == FK_OK)
		err = derive(keyring, "ledger", 0, keyring->keys->ledger,
			     sizeof(keyring->keys->ledger));
	if (err == FK_ESELFTEST)
		fk_reason_set(reason, "key derivation (HKDF-SHA-256) failed in OpenSSL");
	if (err != FK_OK) {
		fk_keyring_free(keyring);
		return err;
	}
	*ret_keyring = keyring;
	return FK_OK;
}

void fk_keyring_free(struct fk_keyring *keyring)
{
	if (keyring == NULL)
		return;
	for (uint32_t i = 0; i < SEALING_EPOCHS_MAX; i++) {
		EVP_CIPHER_CTX_free(keyring->sealings[i].seal); /* clears the schedule */
		EVP_CIPHER_CTX_free(keyring->sealings[i].unseal);
	}
	if (keyring->keys != NULL) {
		fk_wipe(keyring->keys, sizeof(*keyring->keys));
		munmap(keyring->keys, keyring->mapped_size);
	}
	free(keyring);
}

const uint8_t *fk_keyring_token_key(const struct fk_keyring *keyring)
{
	return keyring->keys->token;
}

const uint8_t *fk_keyring_to_tag_key(const struct fk_keyring *keyring)
{
	return keyring->keys->to_tag;
}

const uint8_t *fk_keyring_ledger_key(const struct fk_keyring *keyring)
{
	return keyring->keys->ledger;
}

static EVP_CIPHER_CTX *new_context(const uint8_t *key, bool is_seal)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

	if (ctx != NULL &&
	    EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, NULL, is_seal ? 1 : 0) <= 0) {
		EVP_CIPHER_CTX_free(ctx);
		return NULL;
	}
	return ctx;
}

/* The contexts of an epoch, made at its first use; the slot of the longest known is not reused. */
static struct sealing *sealing_of(struct fk_keyring *keyring, uint32_t epoch)
{
	struct sealing *s = NULL;

	for (uint32_t i = 0; i < SEALING_EPOCHS_MAX; i++) {
		if (keyring->sealings[i].epoch == epoch)
			return &keyring->sealings[i];
		if (s == NULL && keyring->sealings[i].epoch == 0)
			s = &keyring->sealings[i];
	}
	if (s == NULL)
		return NULL;
	uint8_t *key = keyring->keys->sealing[s - keyring->sealings];

	if (derive(keyring, "sealing", epoch, key, 32) != FK_OK)
		return NULL;
	s->seal = new_context(key, true);
	s->unseal = new_context(key, false);
	if (s->seal == NULL || s->unseal == NULL) {
		EVP_CIPHER_CTX_free(s->seal);
		EVP_CIPHER_CTX_free(s->unseal);
		s->seal = s->unseal = NULL;
		return NULL;
	}
	s->epoch = epoch;
	return s;
}

/* Purpose 1, version 8, sealing epoch 4, identity: only the last has no fixed width. */
static enum fk_err put_associated_data(uint8_t ad[static AD_SIZE_MAX], enum fk_seal_purpose purpose,
				       const char *identity, uint64_t version, uint32_t epoch,
				       size_t *ret_size)
{
	struct fk_wire_writer w = fk_wire_writer(ad, AD_SIZE_MAX);

	fk_wire_put_u8(&w, (uint8_t)purpose);
	fk_wire_put_u64(&w, version);
	fk_wire_put_u32(&w, epoch);
	fk_wire_put_bytes(&w, identity, strlen(identity));
	return fk_wire_done(&w, ret_size) == FK_OK ? FK_OK : FK_EINVAL;
}

/* A random nonce, used once. spec: NIST SP 800-38D §8.2.2 */
static enum fk_err take_nonce(struct fk_keyring *keyring, uint8_t ret_nonce[static NONCE_SIZE])
{
	if (keyring->n_nonces == 0) {
		enum fk_err err = fk_random_fill(keyring->nonces, sizeof(keyring->nonces));

		if (err != FK_OK)
			return err;
		keyring->n_nonces = NONCES_AHEAD;
	}
	memcpy(ret_nonce, keyring->nonces[--keyring->n_nonces], NONCE_SIZE);
	return FK_OK;
}

enum fk_err fk_seal(struct fk_keyring *keyring, enum fk_seal_purpose purpose, const char *identity,
		    uint64_t version, const void *plain, size_t plain_size, uint8_t *buf,
		    size_t cap, size_t *ret_size)
{
	struct fk_wire_writer w = fk_wire_writer(buf, cap);
	struct sealing *s;
	uint8_t ad[AD_SIZE_MAX], nonce[NONCE_SIZE], *cipher_text, *tag;
	size_t ad_size;
	int n;
	enum fk_err err =
		put_associated_data(ad, purpose, identity, version, FK_SEALING_EPOCH, &ad_size);

	if (err != FK_OK)
		return err;
	if (plain_size > INT32_MAX || cap < plain_size + FK_SEAL_OVERHEAD)
		return FK_EFULL;
	s = sealing_of(keyring, FK_SEALING_EPOCH);
	if (s == NULL || take_nonce(keyring, nonce) != FK_OK)
		return FK_ESELFTEST;
	fk_wire_put_u8(&w, SEAL_LAYOUT);
	fk_wire_put_u32(&w, FK_SEALING_EPOCH);
	fk_wire_put_bytes(&w, nonce, sizeof(nonce));
	cipher_text = fk_wire_take(&w, plain_size);
	tag = fk_wire_take(&w, TAG_SIZE);
	if (tag == NULL)
		return FK_EFULL;
	if (EVP_EncryptInit_ex(s->seal, NULL, NULL, NULL, nonce) <= 0 ||
	    EVP_EncryptUpdate(s->seal, NULL, &n, ad, (int)ad_size) <= 0 ||
	    EVP_EncryptUpdate(s->seal, cipher_text, &n, plain, (int)plain_size) <= 0 ||
	    (size_t)n != plain_size || EVP_EncryptFinal_ex(s->seal, tag, &n) <= 0 ||
	    EVP_CIPHER_CTX_ctrl(s->seal, EVP_CTRL_GCM_GET_TAG, TAG_SIZE, tag) <= 0)
		return FK_ESELFTEST;
	return fk_wire_done(&w, ret_size);
}

enum fk_err fk_unseal(struct fk_keyring *keyring, enum fk_seal_purpose purpose,
		      const char *identity, uint64_t version, const uint8_t *sealed,
		      size_t sealed_size, void *buf, size_t cap, size_t *ret_size)
{
	struct fk_wire_reader r = fk_wire_reader(sealed, sealed_size);
	struct sealing *s;
	uint8_t ad[AD_SIZE_MAX], tag[TAG_SIZE], end[16];
	const uint8_t *nonce, *cipher_text;
	size_t ad_size, plain_size;
	uint32_t epoch;
	int n;

	if (sealed_size < FK_SEAL_OVERHEAD || sealed_size > INT32_MAX ||
	    fk_wire_get_u8(&r) != SEAL_LAYOUT)
		return FK_EFORMAT;
	plain_size = sealed_size - FK_SEAL_OVERHEAD;
	if (cap < plain_size)
		return FK_EFULL;
	epoch = fk_wire_get_u32(&r);
	nonce = fk_wire_get_bytes(&r, NONCE_SIZE);
	cipher_text = fk_wire_get_bytes(&r, plain_size);
	memcpy(tag, fk_wire_get_bytes(&r, TAG_SIZE), TAG_SIZE);
	if (put_associated_data(ad, purpose, identity, version, epoch, &ad_size) != FK_OK)
		return FK_EAUTH;
	/* An epoch that was never ours would fill the cache of epochs: it cannot be authentic. */
	if (epoch == 0 || epoch > FK_SEALING_EPOCH)
		return FK_EAUTH;
	s = sealing_of(keyring, epoch);
	if (s == NULL)
		return FK_EAUTH;
	if (EVP_DecryptInit_ex(s->unseal, NULL, NULL, NULL, nonce) <= 0 ||
	    EVP_DecryptUpdate(s->unseal, NULL, &n, ad, (int)ad_size) <= 0 ||
	    EVP_DecryptUpdate(s->unseal, buf, &n, cipher_text, (int)plain_size) <= 0 ||
	    EVP_CIPHER_CTX_ctrl(s->unseal, EVP_CTRL_GCM_SET_TAG, TAG_SIZE, tag) <= 0 ||
	    EVP_DecryptFinal_ex(s->unseal, end, &n) <= 0) {
		fk_wipe(buf, plain_size);
		return FK_EAUTH;
	}
	*ret_size = plain_size;
	return FK_OK;
}
