/* SPDX-License-Identifier: Apache-2.0 */
#include "keys/open.h"

/* Only a store without a fleet may be without purpose keys: with new ones nothing would open. */
static enum fk_err make_first(struct fk_store *store, struct fk_root *root,
			      struct fk_reason *reason)
{
	uint8_t record[FK_KEYRING_RECORD_MAX];
	struct fk_keyring *keyring = NULL;
	uint64_t generation;
	size_t size;
	enum fk_err err = fk_store_current_fleet(store, &generation);

	if (err == FK_OK && generation != 0) {
		fk_reason_set(reason, "the purpose keys are gone from the store, but its fleet is "
				      "there: restore a backup of both");
		return FK_ENOTFOUND;
	}
	if (err == FK_OK)
		err = fk_keyring_generate(fk_store_kmf_id(store), &keyring, reason);
	if (err == FK_OK)
		err = fk_keyring_wrap(keyring, root, record, &size, reason);
	/* Of two first starts one wins; what is stored counts, and is read back. */
	if (err == FK_OK)
		err = fk_store_create_key(store, FK_PURPOSE_KEYS, record, size);
	fk_keyring_free(keyring);
	return err;
}

static enum fk_err read_keys(struct fk_store *store, struct fk_root *root,
			     struct fk_keyring **ret_keyring, struct fk_reason *reason)
{
	uint8_t record[FK_KEYRING_RECORD_MAX];
	size_t size;
	enum fk_err err = fk_store_read_key(store, FK_PURPOSE_KEYS, record, sizeof(record), &size);

	if (err == FK_EFULL) {
		fk_reason_set(reason, "the record of the purpose keys is too long");
		return FK_EFORMAT;
	}
	if (err == FK_OK)
		err = fk_keyring_unwrap(fk_store_kmf_id(store), root, record, size, ret_keyring,
					reason);
	return err;
}

/* Purposes that the record's version did not have yet get their keys. */
static enum fk_err complete_keys(struct fk_store *store, struct fk_root *root,
				 struct fk_keyring *keyring, struct fk_reason *reason)
{
	uint8_t record[FK_KEYRING_RECORD_MAX];
	bool is_added = false;
	size_t size;
	enum fk_err err = fk_keyring_add_missing(keyring, &is_added);

	if (err != FK_OK || !is_added)
		return err;
	err = fk_keyring_wrap(keyring, root, record, &size, reason);
	if (err != FK_OK)
		return err;
	fk_store_batch_begin(store);
	fk_store_batch_put_key(store, FK_PURPOSE_KEYS, record, size);
	return fk_store_batch_commit(store);
}

enum fk_err fk_keys_open(const struct fk_root_source *source, struct fk_store *store,
			 struct fk_keyring **ret_keyring, struct fk_reason *reason)
{
	struct fk_keyring *keyring = NULL;
	struct fk_root *root = NULL;
	enum fk_err err = fk_root_open(source, &root, reason);

	if (err == FK_OK)
		err = read_keys(store, root, &keyring, reason);
	if (err == FK_ENOTFOUND && root != NULL) {
		err = make_first(store, root, reason);
		if (err == FK_OK)
			err = read_keys(store, root, &keyring, reason);
	}
	if (err == FK_OK)
		err = complete_keys(store, root, keyring, reason);
	fk_root_close(root);
	if (err == FK_ESTORE)
		fk_reason_set(reason, "%s", fk_store_last_error(store));
	if (err != FK_OK) {
		fk_keyring_free(keyring);
		return err;
	}
	*ret_keyring = keyring;
	return FK_OK;
}
