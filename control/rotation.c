/* SPDX-License-Identifier: Apache-2.0 */
#include "rotation.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fleet/reseal.h"
#include "keys/rotate.h"
#include "log.h"

#define REST_MS	      25    /* between two steps: campaigns go before */
#define ERROR_REST_MS 10000 /* after a step that failed */

struct fk_rotation {
	struct fk_store *store;
	struct fk_keyring *keyring;
	char *root;	     /* name of the source in force */
	char *pkcs11_module; /* NULL: none */
	struct fk_reseal *reseal;
	uint64_t due_at_ms;
	struct fk_reason error;
};

static uint64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail with this clock */
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

enum fk_err fk_rotation_new(struct fk_store *store, struct fk_keyring *keyring,
			    const struct fk_root_source *source, struct fk_rotation **ret_rotation)
{
	struct fk_rotation *rotation = calloc(1, sizeof(*rotation));
	enum fk_err err = FK_ENOMEM;

	if (rotation == NULL)
		return FK_ENOMEM;
	rotation->store = store;
	rotation->keyring = keyring;
	rotation->root = strdup(source->name);
	if (source->pkcs11_module != NULL)
		rotation->pkcs11_module = strdup(source->pkcs11_module);
	if (rotation->root != NULL &&
	    (rotation->pkcs11_module != NULL) == (source->pkcs11_module != NULL))
		err = fk_reseal_new(store, keyring, &rotation->reseal);
	if (err != FK_OK) {
		fk_rotation_free(rotation);
		return err;
	}
	*ret_rotation = rotation;
	return FK_OK;
}

void fk_rotation_free(struct fk_rotation *rotation)
{
	if (rotation == NULL)
		return;
	fk_reseal_free(rotation->reseal);
	free(rotation->root);
	free(rotation->pkcs11_module);
	free(rotation);
}

static struct fk_root_source source_of(const struct fk_rotation *rotation, const char *name)
{
	return (struct fk_root_source){.name = name, .pkcs11_module = rotation->pkcs11_module};
}

enum fk_err fk_rotation_root(struct fk_rotation *rotation, const char *name,
			     struct fk_reason *reason)
{
	struct fk_root_source source = source_of(rotation, name);
	char *copy = strdup(name);
	enum fk_err err = FK_ENOMEM;

	if (copy != NULL)
		err = fk_keys_rotate_root(rotation->keyring, rotation->store, &source, reason);
	if (err != FK_OK) {
		free(copy);
		return err;
	}
	free(rotation->root);
	rotation->root = copy;
	fk_log(FK_LOG_WARN, "root key changed: the next start needs it in the configuration",
	       "root_key=\"%s\"", rotation->root);
	return FK_OK;
}

enum fk_err fk_rotation_wrap(const struct fk_rotation *rotation,
			     const uint8_t key[static FK_ROOT_KEY_SIZE],
			     uint8_t ret_wrapped[static FK_ROOT_WRAPPED_SIZE],
			     struct fk_reason *reason)
{
	struct fk_root_source source = source_of(rotation, rotation->root);
	struct fk_root *root;
	enum fk_err err = fk_root_open(&source, &root, reason);

	if (err != FK_OK)
		return err;
	err = fk_root_wrap(root, key, ret_wrapped, reason);
	fk_root_close(root);
	return err;
}

enum fk_err fk_rotation_sealing(struct fk_rotation *rotation, struct fk_reason *reason)
{
	struct fk_root_source source = source_of(rotation, rotation->root);
	enum fk_err err =
		fk_keys_rotate_sealing(rotation->keyring, rotation->store, &source, reason);

	if (err != FK_OK)
		return err;
	rotation->due_at_ms = now_ms() + REST_MS;
	fk_log(FK_LOG_INFO, "sealing epoch begun", "sealing_epoch=%u",
	       fk_keyring_sealing_epoch(rotation->keyring));
	return FK_OK;
}

static bool has_work(const struct fk_rotation *rotation)
{
	return fk_keyring_n_sealing_epochs(rotation->keyring) > 1 &&
	       fk_store_is_healthy(rotation->store);
}

int fk_rotation_wait_ms(const struct fk_rotation *rotation)
{
	uint64_t now = now_ms();

	if (!has_work(rotation))
		return -1;
	return rotation->due_at_ms > now ? (int)(rotation->due_at_ms - now) : 0;
}

static enum fk_err drop_old(struct fk_rotation *rotation, struct fk_reason *reason)
{
	struct fk_root_source source = source_of(rotation, rotation->root);
	enum fk_err err =
		fk_keys_drop_old_sealings(rotation->keyring, rotation->store, &source, reason);

	if (err == FK_OK)
		fk_log(FK_LOG_INFO, "old sealing epochs destroyed", "sealing_epoch=%u",
		       fk_keyring_sealing_epoch(rotation->keyring));
	return err;
}

void fk_rotation_work(struct fk_rotation *rotation, struct fk_fleet *fleet, bool is_importing)
{
	struct fk_reason reason = {.text = ""};
	bool done = false;
	enum fk_err err;

	if (!has_work(rotation) || now_ms() < rotation->due_at_ms)
		return;
	err = fk_reseal_step(rotation->reseal, fleet, &done, &reason);
	if (err == FK_OK && done && !is_importing)
		err = drop_old(rotation, &reason);
	rotation->due_at_ms = now_ms() + (err == FK_OK ? REST_MS : ERROR_REST_MS);
	rotation->error = reason;
	if (err == FK_OK)
		rotation->error.text[0] = '\0';
	else
		fk_log(FK_LOG_WARN, "sealing anew has to wait", "error=\"%s\" reason=\"%s\"",
		       fk_err_text(err), reason.text);
}

struct fk_rotation_view fk_rotation_view(const struct fk_rotation *rotation)
{
	return (struct fk_rotation_view){
		.sealing_epoch = fk_keyring_sealing_epoch(rotation->keyring),
		.n_epochs = fk_keyring_n_sealing_epochs(rotation->keyring),
		.n_pages_done = fk_reseal_n_pages_done(rotation->reseal),
		.root = rotation->root,
		.last_error = rotation->error.text,
	};
}
