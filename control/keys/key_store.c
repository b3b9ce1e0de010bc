/* SPDX-License-Identifier: Apache-2.0 */
#include "keys/key_store.h"

#include <stdlib.h>
#include <string.h>

#include <fleetkey/wire.h>

#include "keys/open.h"

#define LIST_LABEL  "fleetkey key versions"
#define LIST_LAYOUT 1

struct fk_key_store {
	struct fk_store *store;
	struct fk_keyring *keyring;
	struct fk_key_entry *entries;
	uint32_t n, cap;
	bool is_unsure; /* a write failed: read everything again */
};

void fk_key_store_free(struct fk_key_store *keys)
{
	if (keys == NULL)
		return;
	free(keys->entries);
	free(keys);
}

uint32_t fk_key_store_n(const struct fk_key_store *keys)
{
	return keys->n;
}

const struct fk_key_entry *fk_key_store_at(const struct fk_key_store *keys, uint32_t i)
{
	return i < keys->n ? &keys->entries[i] : NULL;
}

static struct fk_key_entry *find(const struct fk_key_store *keys, const char *name)
{
	for (uint32_t i = keys->n; i > 0; i--) {
		if (strcmp(keys->entries[i - 1].name, name) == 0)
			return &keys->entries[i - 1];
	}
	return NULL;
}

const struct fk_key_entry *fk_key_store_find(const struct fk_key_store *keys, const char *name)
{
	return find(keys, name);
}

bool fk_key_store_uses_key_id(const struct fk_key_store *keys, uint16_t key_id)
{
	for (uint32_t i = 0; i < keys->n; i++) {
		if (keys->entries[i].record.kind != FK_KEY_TRANSPORT &&
		    keys->entries[i].record.key_id == key_id)
			return true;
	}
	return false;
}

/* A new entry at the end, or NULL. */
static struct fk_key_entry *add(struct fk_key_store *keys, const char *name)
{
	struct fk_key_entry *entry;

	if (keys->n == keys->cap) {
		uint32_t cap = keys->cap > 0 ? 2 * keys->cap : 64;

		entry = realloc(keys->entries, cap * sizeof(*entry));
		if (entry == NULL)
			return NULL;
		keys->entries = entry;
		keys->cap = cap;
	}
	entry = &keys->entries[keys->n++];
	*entry = (struct fk_key_entry){.record = {.version = 0}};
	(void)snprintf(entry->name, sizeof(entry->name), "%s", name);
	return entry;
}

/* The list */

static size_t list_room(const struct fk_key_store *keys)
{
	return 1 + keys->n * (1ull + FK_KEY_NAME_SIZE + 4) + FK_KEYRING_MAC_SIZE;
}

/* Layout 1, then for each key: name with its size before it, version 4; at the end the MAC. */
static enum fk_err put_list(struct fk_key_store *keys)
{
	size_t room = list_room(keys), size;
	uint8_t *octets = malloc(room), *mac;
	struct fk_wire_writer w = fk_wire_writer(octets, octets != NULL ? room : 0);
	enum fk_err err = FK_ENOMEM;

	fk_wire_put_u8(&w, LIST_LAYOUT);
	for (uint32_t i = 0; i < keys->n; i++) {
		const struct fk_key_entry *entry = &keys->entries[i];
		size_t len = strlen(entry->name);

		fk_wire_put_u8(&w, (uint8_t)len);
		fk_wire_put_bytes(&w, entry->name, len);
		fk_wire_put_u32(&w, entry->record.version);
	}
	size = fk_wire_written(&w);
	mac = fk_wire_take(&w, FK_KEYRING_MAC_SIZE);
	if (mac != NULL)
		err = fk_keyring_mac(keys->keyring, LIST_LABEL, sizeof(LIST_LABEL), octets, size,
				     mac);
	if (err == FK_OK)
		fk_store_batch_put_key(keys->store, FK_KEY_VERSIONS, octets,
				       size + FK_KEYRING_MAC_SIZE);
	free(octets);
	return err;
}

/* Reading */

struct reading {
	struct fk_key_store *keys;
	uint8_t *list;
	size_t list_size;
	struct fk_reason *reason;
};

static enum fk_err take_record(void *ctx, const char *name, const char *value, size_t size)
{
	struct reading *reading = ctx;
	struct fk_key_record record;
	struct fk_key_entry *entry;
	enum fk_err err;

	if (strcmp(name, FK_PURPOSE_KEYS) == 0)
		return FK_OK;
	if (strcmp(name, FK_KEY_VERSIONS) == 0) {
		reading->list = malloc(size + 1);
		if (reading->list == NULL)
			return FK_ENOMEM;
		memcpy(reading->list, value, size);
		reading->list_size = size;
		return FK_OK;
	}
	err = strlen(name) < FK_KEY_NAME_SIZE
		      ? fk_key_record_unseal(reading->keys->keyring, name, (const uint8_t *)value,
					     size, &record, NULL)
		      : FK_EFORMAT;
	if (err != FK_OK) {
		fk_reason_set(reading->reason, "key %.64s: %s", name, fk_err_text(err));
		return err;
	}
	entry = add(reading->keys, name);
	if (entry == NULL)
		return FK_ENOMEM;
	entry->record = record;
	return FK_OK;
}

static enum fk_err refuse(struct fk_reason *reason, const char *name, const char *why)
{
	fk_reason_set(reason, "key %s: %s", name, why);
	return FK_ESTALE;
}

/* The list and the records name each other's keys and versions, no more and no fewer. */
static enum fk_err compare(const struct reading *reading)
{
	const struct fk_key_store *keys = reading->keys;
	struct fk_wire_reader r =
		fk_wire_reader(reading->list, reading->list_size - FK_KEYRING_MAC_SIZE);
	uint32_t n = 0;

	if (fk_wire_get_u8(&r) != LIST_LAYOUT)
		return FK_EFORMAT;
	while (fk_wire_left(&r) > 0) {
		uint8_t len = fk_wire_get_u8(&r);
		const uint8_t *text = fk_wire_get_bytes(&r, len);
		uint32_t version = fk_wire_get_u32(&r);
		char name[FK_KEY_NAME_SIZE];
		const struct fk_key_entry *entry;

		if (r.failed || len >= sizeof(name))
			return FK_EFORMAT;
		memcpy(name, text, len);
		name[len] = '\0';
		entry = find(keys, name);
		if (entry == NULL)
			return refuse(reading->reason, name, "was taken out of the store");
		if (entry->record.version != version) {
			fk_reason_set(reading->reason,
				      "key %s: is version %u, must be %u: it was put back from an "
				      "older copy",
				      name, entry->record.version, version);
			return FK_ESTALE;
		}
		n++;
	}
	return n == keys->n ? FK_OK
			    : refuse(reading->reason, keys->entries[keys->n - 1].name,
				     "or another one is not in the list of keys: it was put back");
}

static enum fk_err check(const struct reading *reading)
{
	uint8_t mac[FK_KEYRING_MAC_SIZE];
	size_t size;
	enum fk_err err;

	if (reading->list == NULL)
		return reading->keys->n == 0
			       ? FK_OK
			       : refuse(reading->reason, reading->keys->entries[0].name,
					"there is no list of keys beside it");
	fk_reason_set(reading->reason, "the list of keys was changed in the store");
	if (reading->list_size < 1 + FK_KEYRING_MAC_SIZE)
		return FK_EFORMAT;
	size = reading->list_size - FK_KEYRING_MAC_SIZE;
	err = fk_keyring_mac(reading->keys->keyring, LIST_LABEL, sizeof(LIST_LABEL), reading->list,
			     size, mac);
	if (err == FK_OK && !fk_ct_equal(mac, reading->list + size, sizeof(mac)))
		err = FK_EAUTH;
	return err == FK_OK ? compare(reading) : err;
}

/* Each write raises a version by one, and no record ever goes. */
static uint64_t n_writes(const struct fk_key_store *keys)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < keys->n; i++)
		n += keys->entries[i].record.version;
	return n;
}

/* The list vouches for the records, the witness for the list. */
static enum fk_err ask_witness(struct fk_key_store *keys, struct fk_reason *reason)
{
	if (fk_store_witness_keys(keys->store, n_writes(keys)))
		return FK_OK;
	fk_reason_set(reason, "keys and their list: were put back from an older copy, since more "
			      "writes of keys were confirmed than they have");
	return FK_ESTALE;
}

static enum fk_err read_all(struct fk_key_store *keys, struct fk_reason *reason)
{
	struct reading reading = {.keys = keys, .reason = reason};
	enum fk_err err;

	keys->n = 0;
	err = fk_store_read_keys(keys->store, take_record, &reading);
	if (err == FK_ESTORE)
		fk_reason_set(reason, "%s", fk_store_last_error(keys->store));
	if (err == FK_OK)
		err = check(&reading);
	if (err == FK_OK)
		err = ask_witness(keys, reason);
	free(reading.list);
	keys->is_unsure = err != FK_OK;
	return err;
}

enum fk_err fk_key_store_open(struct fk_store *store, struct fk_keyring *keyring,
			      struct fk_key_store **ret_keys, struct fk_reason *reason)
{
	struct fk_key_store *keys = calloc(1, sizeof(*keys));
	enum fk_err err;

	if (keys == NULL)
		return FK_ENOMEM;
	keys->store = store;
	keys->keyring = keyring;
	err = read_all(keys, reason);
	if (err != FK_OK) {
		fk_key_store_free(keys);
		return err;
	}
	*ret_keys = keys;
	return FK_OK;
}

/* Writing */

static enum fk_err put_one(struct fk_key_store *keys, const struct fk_key_put *put)
{
	struct fk_key_entry *entry = find(keys, put->name);
	uint8_t octets[FK_KEY_RECORD_SIZE_MAX];
	struct fk_key_record record = put->record;
	size_t size;
	enum fk_err err;

	if (entry == NULL)
		entry = add(keys, put->name);
	if (entry == NULL)
		return FK_ENOMEM;
	record.version = entry->record.version + 1;
	err = fk_key_record_seal(keys->keyring, put->name, &record, put->key, octets, &size);
	if (err != FK_OK)
		return err;
	entry->record = record;
	fk_store_batch_put_key(keys->store, put->name, octets, size);
	return FK_OK;
}

enum fk_err fk_key_store_put(struct fk_key_store *keys, const struct fk_key_put *puts, uint32_t n)
{
	enum fk_err err = FK_OK;

	keys->is_unsure = true; /* until it is known to be written */
	for (uint32_t i = 0; err == FK_OK && i < n; i++)
		err = put_one(keys, &puts[i]);
	return err == FK_OK ? put_list(keys) : err;
}

void fk_key_store_written(struct fk_key_store *keys, enum fk_err commit)
{
	keys->is_unsure = commit != FK_OK || !fk_store_witness_keys(keys->store, n_writes(keys));
}

enum fk_err fk_key_store_refresh(struct fk_key_store *keys, struct fk_reason *reason)
{
	return keys->is_unsure ? read_all(keys, reason) : FK_OK;
}

enum fk_err fk_key_store_write(struct fk_key_store *keys, const struct fk_key_put *put)
{
	enum fk_err err;

	fk_store_batch_begin(keys->store);
	err = fk_key_store_put(keys, put, 1);
	if (err != FK_OK) {
		fk_store_batch_abandon(keys->store);
		return err;
	}
	err = fk_store_batch_commit(keys->store);
	fk_key_store_written(keys, err);
	return err;
}

enum fk_err fk_key_store_get(struct fk_key_store *keys, const char *name,
			     struct fk_key_record *ret_record, struct fk_secret *ret_key)
{
	uint8_t octets[FK_KEY_RECORD_SIZE_MAX];
	const struct fk_key_entry *entry;
	size_t size;
	enum fk_err err = fk_key_store_refresh(keys, NULL);

	if (err != FK_OK)
		return err;
	entry = find(keys, name);
	if (entry == NULL)
		return FK_ENOTFOUND;
	err = fk_store_read_key(keys->store, name, octets, sizeof(octets), &size);
	if (err == FK_ENOTFOUND)
		return FK_ESTALE;
	if (err == FK_OK)
		err = fk_key_record_unseal(keys->keyring, name, octets, size, ret_record, ret_key);
	if (err == FK_OK && ret_record->version != entry->record.version) {
		fk_secret_wipe(ret_key);
		err = FK_ESTALE;
	}
	return err == FK_EFULL ? FK_EFORMAT : err;
}

enum fk_err fk_key_store_move(struct fk_key_store *keys, const char *name, uint8_t life,
			      struct fk_reason *reason)
{
	struct fk_secret key = {.size = 0};
	struct fk_key_put put = {.name = name, .key = &key};
	enum fk_err err = fk_key_store_get(keys, name, &put.record, &key);

	if (err == FK_OK && !fk_key_life_may_become(put.record.state, life)) {
		fk_reason_set(reason, "key %s is %s: it cannot become %s", name,
			      fk_key_life_label(put.record.state), fk_key_life_label(life));
		err = FK_EPOLICY;
	} else if (err != FK_OK) {
		fk_reason_set(reason, "key %.64s: %s", name, fk_err_text(err));
	}
	if (err == FK_OK) {
		put.record.state = life;
		err = fk_key_store_write(keys, &put);
		if (err != FK_OK)
			fk_reason_set(reason, "key %.64s: %s", name, fk_err_text(err));
	}
	fk_secret_wipe(&key);
	return err;
}
