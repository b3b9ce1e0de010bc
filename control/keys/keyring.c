/* SPDX-License-Identifier: Apache-2.0 */
#include "keys/keyring.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <openssl/evp.h>
#include <openssl/params.h>

#include <fleetkey/wire.h>

#include "keys/gcm.h"
#include "keys/tek.h"

#define RECORD_LAYOUT 1
#define RECORD_HEAD   (1 + 4 + 1)
#define RECORD_KEY    (1 + 4 + FK_ROOT_WRAPPED_SIZE)
#define SEAL_LAYOUT   1
#define NONCE_SIZE    12
#define NONCES_AHEAD  256
#define TAG_SIZE      16
#define AD_SIZE_MAX   (FK_KMF_ID_SIZE + 1 + 8 + 4 + FK_SEAL_IDENTITY_MAX)
#define N_PURPOSES    4 /* beside sealing: one key each */
#define N_REQUIRED    3 /* what a record has that was written before there were more */
#define KEYS_MAX      (N_PURPOSES + FK_SEALING_EPOCHS_MAX)

static_assert(RECORD_HEAD + KEYS_MAX * RECORD_KEY + FK_KEYRING_MAC_SIZE <= FK_KEYRING_RECORD_MAX,
	      "a full keyring fits its record");

static const enum fk_purpose single_purposes[N_PURPOSES] = {FK_PURPOSE_INTEGRITY, FK_PURPOSE_TOKEN,
							    FK_PURPOSE_TO_TAG, FK_PURPOSE_REPORT};

/* What a key is; the key itself is in locked memory, at the same index. */
struct entry {
	enum fk_purpose purpose;
	uint32_t epoch; /* of a sealing key; 0 for the others */
	/* The contexts of a sealing key keep it expanded, so that a record costs one IV. */
	EVP_CIPHER_CTX *seal, *unseal;
};

struct fk_keyring {
	uint8_t (*keys)[FK_ROOT_KEY_SIZE]; /* locked */
	size_t mapped_size;
	uint8_t kmf_id[FK_KMF_ID_SIZE];
	uint32_t version; /* of the record; 0: never written */
	uint32_t n_entries;
	struct entry entries[KEYS_MAX];
	EVP_MAC_CTX *mac; /* keyed at the first use, and kept */
	/* Drawn ahead: a system call for each record of an import is what it would wait for. */
	uint8_t nonces[NONCES_AHEAD][NONCE_SIZE];
	uint32_t n_nonces; /* not used yet */
};

static enum fk_err map_keys(struct fk_keyring *keyring, struct fk_reason *reason)
{
	keyring->mapped_size = (KEYS_MAX * sizeof(*keyring->keys) + 4095) & ~(size_t)4095;
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

static enum fk_err new_empty(const uint8_t kmf_id[static FK_KMF_ID_SIZE],
			     struct fk_keyring **ret_keyring, struct fk_reason *reason)
{
	struct fk_keyring *keyring = calloc(1, sizeof(*keyring));
	enum fk_err err;

	if (keyring == NULL)
		return FK_ENOMEM;
	memcpy(keyring->kmf_id, kmf_id, FK_KMF_ID_SIZE);
	err = map_keys(keyring, reason);
	if (err != FK_OK) {
		fk_keyring_free(keyring);
		return err;
	}
	*ret_keyring = keyring;
	return FK_OK;
}

/* The last entry takes its place. */
static void remove_entry(struct fk_keyring *keyring, uint32_t index)
{
	uint32_t last = --keyring->n_entries;

	EVP_CIPHER_CTX_free(keyring->entries[index].seal); /* clears the schedule */
	EVP_CIPHER_CTX_free(keyring->entries[index].unseal);
	keyring->entries[index] = keyring->entries[last];
	memmove(keyring->keys[index], keyring->keys[last], FK_ROOT_KEY_SIZE);
	fk_wipe(keyring->keys[last], FK_ROOT_KEY_SIZE);
}

/* Takes the key that is in place at the end of the list into the list. */
static enum fk_err add_entry(struct fk_keyring *keyring, enum fk_purpose purpose, uint32_t epoch)
{
	struct entry *entry = &keyring->entries[keyring->n_entries];
	const uint8_t *key = keyring->keys[keyring->n_entries];

	*entry = (struct entry){.purpose = purpose, .epoch = epoch};
	keyring->n_entries++;
	if (purpose != FK_PURPOSE_SEALING)
		return FK_OK;
	entry->seal = fk_gcm_new(key, true);
	entry->unseal = fk_gcm_new(key, false);
	if (entry->seal != NULL && entry->unseal != NULL)
		return FK_OK;
	remove_entry(keyring, keyring->n_entries - 1);
	return FK_ESELFTEST;
}

static struct entry *find_entry(struct fk_keyring *keyring, enum fk_purpose purpose, uint32_t epoch)
{
	for (uint32_t i = 0; i < keyring->n_entries; i++) {
		if (keyring->entries[i].purpose == purpose && keyring->entries[i].epoch == epoch)
			return &keyring->entries[i];
	}
	return NULL;
}

static enum fk_err generate_key(struct fk_keyring *keyring, enum fk_purpose purpose, uint32_t epoch)
{
	if (fk_random_fill(keyring->keys[keyring->n_entries], FK_ROOT_KEY_SIZE) != FK_OK)
		return FK_ESELFTEST;
	return add_entry(keyring, purpose, epoch);
}

enum fk_err fk_keyring_generate(const uint8_t kmf_id[static FK_KMF_ID_SIZE],
				struct fk_keyring **ret_keyring, struct fk_reason *reason)
{
	struct fk_keyring *keyring;
	enum fk_err err = new_empty(kmf_id, &keyring, reason);

	if (err != FK_OK)
		return err;
	for (size_t i = 0; err == FK_OK && i < N_PURPOSES; i++)
		err = generate_key(keyring, single_purposes[i], 0);
	if (err == FK_OK)
		err = generate_key(keyring, FK_PURPOSE_SEALING, 1);
	if (err != FK_OK) {
		fk_reason_set(reason, "no purpose keys could be made");
		fk_keyring_free(keyring);
		return err;
	}
	*ret_keyring = keyring;
	return FK_OK;
}

enum fk_err fk_keyring_add_missing(struct fk_keyring *keyring, bool *ret_added)
{
	enum fk_err err = FK_OK;

	*ret_added = false;
	for (size_t i = N_REQUIRED; err == FK_OK && i < N_PURPOSES; i++) {
		if (find_entry(keyring, single_purposes[i], 0) != NULL)
			continue;
		err = generate_key(keyring, single_purposes[i], 0);
		*ret_added = true;
	}
	return err;
}

enum fk_err fk_keyring_mac(struct fk_keyring *keyring, const void *head, size_t head_size,
			   const void *body, size_t body_size,
			   uint8_t ret_mac[static FK_KEYRING_MAC_SIZE])
{
	static char digest[] = "SHA256";
	const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string("digest", digest, 0),
				     OSSL_PARAM_construct_end()};
	size_t size = 0;

	if (keyring->mac == NULL) {
		EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);

		keyring->mac = EVP_MAC_CTX_new(hmac);
		EVP_MAC_free(hmac); /* the context keeps it */
		if (keyring->mac == NULL ||
		    EVP_MAC_init(keyring->mac, fk_keyring_key(keyring, FK_PURPOSE_INTEGRITY),
				 FK_ROOT_KEY_SIZE, params) <= 0)
			return FK_ESELFTEST;
	} else if (EVP_MAC_init(keyring->mac, NULL, 0, NULL) <= 0) {
		return FK_ESELFTEST;
	}
	if (EVP_MAC_update(keyring->mac, keyring->kmf_id, FK_KMF_ID_SIZE) <= 0 ||
	    EVP_MAC_update(keyring->mac, head, head_size) <= 0 ||
	    EVP_MAC_update(keyring->mac, body, body_size) <= 0 ||
	    EVP_MAC_final(keyring->mac, ret_mac, &size, FK_KEYRING_MAC_SIZE) <= 0 ||
	    size != FK_KEYRING_MAC_SIZE)
		return FK_ESELFTEST;
	return FK_OK;
}

static enum fk_err put_record_mac(struct fk_keyring *keyring, const uint8_t *record, size_t size,
				  uint8_t ret_mac[static FK_KEYRING_MAC_SIZE])
{
	static const char label[] = "fleetkey purpose keys";

	return fk_keyring_mac(keyring, label, sizeof(label), record, size, ret_mac);
}

enum fk_err fk_keyring_wrap(struct fk_keyring *keyring, struct fk_root *root,
			    uint8_t ret_record[static FK_KEYRING_RECORD_MAX], size_t *ret_size,
			    struct fk_reason *reason)
{
	struct fk_wire_writer w = fk_wire_writer(ret_record, FK_KEYRING_RECORD_MAX);
	size_t size = RECORD_HEAD + keyring->n_entries * RECORD_KEY;
	enum fk_err err = FK_OK;

	fk_wire_put_u8(&w, RECORD_LAYOUT);
	fk_wire_put_u32(&w, keyring->version + 1);
	fk_wire_put_u8(&w, (uint8_t)keyring->n_entries);
	for (uint32_t i = 0; err == FK_OK && i < keyring->n_entries; i++) {
		uint8_t *wrapped;

		fk_wire_put_u8(&w, (uint8_t)keyring->entries[i].purpose);
		fk_wire_put_u32(&w, keyring->entries[i].epoch);
		wrapped = fk_wire_take(&w, FK_ROOT_WRAPPED_SIZE);
		err = wrapped == NULL ? FK_EFULL
				      : fk_root_wrap(root, keyring->keys[i], wrapped, reason);
	}
	if (err == FK_OK)
		err = put_record_mac(keyring, ret_record, size, ret_record + size);
	if (err != FK_OK)
		return err;
	keyring->version++;
	*ret_size = size + FK_KEYRING_MAC_SIZE;
	return FK_OK;
}

/* Every purpose that had one from the start has its key, none has two, and something can be sealed.
 */
static bool is_complete(struct fk_keyring *keyring)
{
	for (size_t i = 0; i < N_REQUIRED; i++) {
		if (find_entry(keyring, single_purposes[i], 0) == NULL)
			return false;
	}
	for (uint32_t i = 0; i < keyring->n_entries; i++) {
		const struct entry *e = &keyring->entries[i];

		if ((e->purpose == FK_PURPOSE_SEALING) != (e->epoch != 0) ||
		    find_entry(keyring, e->purpose, e->epoch) != e)
			return false;
	}
	return fk_keyring_sealing_epoch(keyring) != 0;
}

static enum fk_err unwrap_keys(struct fk_keyring *keyring, struct fk_root *root,
			       struct fk_wire_reader *r, uint32_t n, struct fk_reason *reason)
{
	enum fk_err err = FK_OK;

	for (uint32_t i = 0; err == FK_OK && i < n; i++) {
		uint8_t purpose = fk_wire_get_u8(r);
		uint32_t epoch = fk_wire_get_u32(r);

		err = fk_root_unwrap(root, fk_wire_get_bytes(r, FK_ROOT_WRAPPED_SIZE),
				     keyring->keys[i], reason);
		if (err == FK_EAUTH)
			fk_reason_set(reason, "the purpose keys of the store are wrapped under "
					      "another root key than keys.root_key_file or "
					      "keys.root_key names");
		if (err == FK_OK)
			err = add_entry(keyring, (enum fk_purpose)purpose, epoch);
	}
	return err;
}

static enum fk_err unwrap_record(struct fk_keyring *keyring, struct fk_root *root,
				 const uint8_t *record, size_t size, struct fk_reason *reason)
{
	struct fk_wire_reader r = fk_wire_reader(record, size);
	uint8_t layout = fk_wire_get_u8(&r), mac[FK_KEYRING_MAC_SIZE];
	uint32_t n;
	enum fk_err err;

	keyring->version = fk_wire_get_u32(&r);
	n = fk_wire_get_u8(&r);
	fk_reason_set(reason, "the record of the purpose keys is damaged");
	if (layout != RECORD_LAYOUT || n > KEYS_MAX ||
	    size != RECORD_HEAD + n * RECORD_KEY + FK_KEYRING_MAC_SIZE)
		return FK_EFORMAT;
	err = unwrap_keys(keyring, root, &r, n, reason);
	if (err != FK_OK)
		return err;
	if (!is_complete(keyring))
		return FK_EFORMAT;
	err = put_record_mac(keyring, record, size - FK_KEYRING_MAC_SIZE, mac);
	if (err == FK_OK &&
	    !fk_ct_equal(mac, record + size - FK_KEYRING_MAC_SIZE, FK_KEYRING_MAC_SIZE)) {
		fk_reason_set(reason, "the record of the purpose keys was changed, or is another "
				      "KMF's");
		err = FK_EAUTH;
	}
	return err;
}

enum fk_err fk_keyring_unwrap(const uint8_t kmf_id[static FK_KMF_ID_SIZE], struct fk_root *root,
			      const uint8_t *record, size_t size, struct fk_keyring **ret_keyring,
			      struct fk_reason *reason)
{
	struct fk_keyring *keyring;
	enum fk_err err = new_empty(kmf_id, &keyring, reason);

	if (err != FK_OK)
		return err;
	err = unwrap_record(keyring, root, record, size, reason);
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
	for (uint32_t i = 0; i < keyring->n_entries; i++) {
		EVP_CIPHER_CTX_free(keyring->entries[i].seal); /* clears the schedule */
		EVP_CIPHER_CTX_free(keyring->entries[i].unseal);
	}
	EVP_MAC_CTX_free(keyring->mac);
	if (keyring->keys != NULL) {
		fk_wipe(keyring->keys, keyring->mapped_size);
		munmap(keyring->keys, keyring->mapped_size);
	}
	free(keyring);
}

const uint8_t *fk_keyring_key(const struct fk_keyring *keyring, enum fk_purpose purpose)
{
	for (uint32_t i = 0; i < keyring->n_entries; i++) {
		if (keyring->entries[i].purpose == purpose)
			return keyring->keys[i];
	}
	return NULL;
}

uint32_t fk_keyring_sealing_epoch(const struct fk_keyring *keyring)
{
	uint32_t epoch = 0;

	for (uint32_t i = 0; i < keyring->n_entries; i++) {
		if (keyring->entries[i].epoch > epoch)
			epoch = keyring->entries[i].epoch;
	}
	return epoch;
}

uint32_t fk_keyring_n_sealing_epochs(const struct fk_keyring *keyring)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < keyring->n_entries; i++)
		n += keyring->entries[i].purpose == FK_PURPOSE_SEALING;
	return n;
}

enum fk_err fk_keyring_add_sealing(struct fk_keyring *keyring)
{
	uint32_t epoch = fk_keyring_sealing_epoch(keyring);

	if (fk_keyring_n_sealing_epochs(keyring) == FK_SEALING_EPOCHS_MAX)
		return FK_EBUSY;
	if (epoch == UINT32_MAX)
		return FK_ESELFTEST;
	return generate_key(keyring, FK_PURPOSE_SEALING, epoch + 1);
}

static void remove_sealings(struct fk_keyring *keyring, bool newest, bool others)
{
	uint32_t epoch = fk_keyring_sealing_epoch(keyring);

	for (uint32_t i = keyring->n_entries; i-- > 0;) {
		const struct entry *e = &keyring->entries[i];

		if (e->purpose == FK_PURPOSE_SEALING && (e->epoch == epoch ? newest : others))
			remove_entry(keyring, i);
	}
}

void fk_keyring_take_back_sealing(struct fk_keyring *keyring)
{
	remove_sealings(keyring, true, false);
}

void fk_keyring_drop_old_sealings(struct fk_keyring *keyring)
{
	remove_sealings(keyring, false, true);
}

uint32_t fk_sealed_epoch(const uint8_t *sealed, size_t size)
{
	struct fk_wire_reader r = fk_wire_reader(sealed, size);

	if (fk_wire_get_u8(&r) != SEAL_LAYOUT || size < FK_SEAL_OVERHEAD)
		return 0;
	return fk_wire_get_u32(&r);
}

/* KMF 16, purpose 1, version 8, sealing epoch 4, identity: only the last has no fixed width. */
static enum fk_err put_associated_data(const struct fk_keyring *keyring,
				       uint8_t ad[static AD_SIZE_MAX], enum fk_seal_purpose purpose,
				       const char *identity, uint64_t version, uint32_t epoch,
				       size_t *ret_size)
{
	struct fk_wire_writer w = fk_wire_writer(ad, AD_SIZE_MAX);

	fk_wire_put_bytes(&w, keyring->kmf_id, FK_KMF_ID_SIZE);
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
	uint32_t epoch = fk_keyring_sealing_epoch(keyring);
	const struct entry *s = find_entry(keyring, FK_PURPOSE_SEALING, epoch);
	uint8_t ad[AD_SIZE_MAX], nonce[NONCE_SIZE], *cipher_text, *tag;
	size_t ad_size;
	int n;
	enum fk_err err =
		put_associated_data(keyring, ad, purpose, identity, version, epoch, &ad_size);

	if (err != FK_OK)
		return err;
	if (plain_size > INT32_MAX || cap < plain_size + FK_SEAL_OVERHEAD)
		return FK_EFULL;
	if (s == NULL || take_nonce(keyring, nonce) != FK_OK)
		return FK_ESELFTEST;
	fk_wire_put_u8(&w, SEAL_LAYOUT);
	fk_wire_put_u32(&w, epoch);
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
	const struct entry *s;
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
	if (put_associated_data(keyring, ad, purpose, identity, version, epoch, &ad_size) != FK_OK)
		return FK_EAUTH;
	s = find_entry(keyring, FK_PURPOSE_SEALING, epoch);
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
