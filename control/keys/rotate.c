/* SPDX-License-Identifier: Apache-2.0 */
#include "keys/rotate.h"

#include "keys/open.h"

/* Whoever unwraps it at the next start must be able to: better to know now. */
static enum fk_err check_record(const struct fk_store *store, struct fk_root *root,
				const uint8_t *record, size_t size, struct fk_reason *reason)
{
	struct fk_keyring *copy = NULL;
	enum fk_err err =
		fk_keyring_unwrap(fk_store_kmf_id(store), root, record, size, &copy, reason);

	fk_keyring_free(copy);
	return err;
}

static enum fk_err store_record(struct fk_keyring *keyring, struct fk_store *store,
				struct fk_root *root, struct fk_reason *reason)
{
	uint8_t record[FK_KEYRING_RECORD_MAX];
	size_t size;
	enum fk_err err = fk_keyring_wrap(keyring, root, record, &size, reason);

	if (err == FK_OK)
		err = check_record(store, root, record, size, reason);
	if (err != FK_OK)
		return err;
	fk_store_batch_begin(store);
	fk_store_batch_put_key(store, FK_PURPOSE_KEYS, record, size);
	err = fk_store_batch_commit(store);
	if (err != FK_OK)
		fk_reason_set(reason, "%s", fk_store_last_error(store));
	return err;
}

/* The root key in force: it unwraps what is stored. Another would lock everybody out. */
static enum fk_err open_current(struct fk_store *store, const struct fk_root_source *source,
				struct fk_root **ret_root, struct fk_reason *reason)
{
	uint8_t record[FK_KEYRING_RECORD_MAX];
	struct fk_root *root = NULL;
	size_t size;
	enum fk_err err = fk_store_read_key(store, FK_PURPOSE_KEYS, record, sizeof(record), &size);

	if (err == FK_ESTORE)
		fk_reason_set(reason, "%s", fk_store_last_error(store));
	if (err == FK_OK)
		err = fk_root_open(source, &root, reason);
	if (err == FK_OK)
		err = check_record(store, root, record, size, reason);
	if (err != FK_OK) {
		fk_root_close(root);
		return err;
	}
	*ret_root = root;
	return FK_OK;
}

enum fk_err fk_keys_rotate_root(struct fk_keyring *keyring, struct fk_store *store,
				const struct fk_root_source *source, struct fk_reason *reason)
{
	struct fk_root *root = NULL;
	enum fk_err err = fk_root_open(source, &root, reason);

	if (err == FK_OK)
		err = store_record(keyring, store, root, reason);
	fk_root_close(root);
	return err;
}

enum fk_err fk_keys_rotate_sealing(struct fk_keyring *keyring, struct fk_store *store,
				   const struct fk_root_source *source, struct fk_reason *reason)
{
	struct fk_root *root = NULL;
	enum fk_err err = open_current(store, source, &root, reason);

	if (err != FK_OK)
		return err;
	err = fk_keyring_add_sealing(keyring);
	if (err == FK_EBUSY)
		fk_reason_set(reason, "records are still being sealed anew");
	if (err == FK_OK) {
		err = store_record(keyring, store, root, reason);
		/* Also if it is stored after all: nothing was sealed under it, and the next one
		 * takes its place. */
		if (err != FK_OK)
			fk_keyring_take_back_sealing(keyring);
	}
	fk_root_close(root);
	return err;
}

enum fk_err fk_keys_drop_old_sealings(struct fk_keyring *keyring, struct fk_store *store,
				      const struct fk_root_source *source, struct fk_reason *reason)
{
	struct fk_root *root = NULL;
	enum fk_err err = open_current(store, source, &root, reason);

	if (err != FK_OK)
		return err;
	fk_keyring_drop_old_sealings(keyring);
	err = store_record(keyring, store, root, reason);
	fk_root_close(root);
	return err;
}
