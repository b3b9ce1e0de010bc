/* SPDX-License-Identifier: Apache-2.0 */
#include "keys/open.h"

#include "keys/root_key.h"

#define CHECK_NAME "root-check"
#define CHECK_TEXT "fleetkey root key check"

/* The check record opens under the right root key only; its content is no secret. */
static enum fk_err check_root(struct fk_store *store, struct fk_keyring *keyring,
			      struct fk_reason *reason)
{
	uint8_t sealed[sizeof(CHECK_TEXT) + FK_SEAL_OVERHEAD], plain[sizeof(CHECK_TEXT)];
	size_t size;
	enum fk_err err = fk_store_read_key(store, CHECK_NAME, sealed, sizeof(sealed), &size);

	if (err == FK_ENOTFOUND) {
		err = fk_seal(keyring, FK_SEAL_CHECK, CHECK_NAME, 0, CHECK_TEXT, sizeof(CHECK_TEXT),
			      sealed, sizeof(sealed), &size);
		if (err != FK_OK)
			return err;
		fk_store_batch_begin(store);
		fk_store_batch_put_key(store, CHECK_NAME, sealed, size);
		err = fk_store_batch_commit(store);
		if (err != FK_OK)
			fk_reason_set(reason, "%s", fk_store_last_error(store));
		return err;
	}
	if (err == FK_ESTORE) {
		fk_reason_set(reason, "%s", fk_store_last_error(store));
		return err;
	}
	if (err == FK_OK)
		err = fk_unseal(keyring, FK_SEAL_CHECK, CHECK_NAME, 0, sealed, size, plain,
				sizeof(plain), &size);
	if (err != FK_OK) {
		fk_reason_set(reason, "keys.root_key_file: the store was sealed under another root "
				      "key");
		return FK_EAUTH;
	}
	return FK_OK;
}

enum fk_err fk_keys_open(const char *root_key_file, struct fk_store *store,
			 struct fk_keyring **ret_keyring, struct fk_reason *reason)
{
	struct fk_secret root = {.size = 0};
	struct fk_keyring *keyring = NULL;
	enum fk_err err = fk_root_key_load(root_key_file, &root, reason);

	if (err == FK_OK)
		err = fk_keyring_new(&root, fk_store_kmf_id(store), &keyring, reason);
	fk_secret_wipe(&root);
	if (err == FK_OK)
		err = check_root(store, keyring, reason);
	if (err != FK_OK) {
		fk_keyring_free(keyring);
		return err;
	}
	*ret_keyring = keyring;
	return FK_OK;
}
