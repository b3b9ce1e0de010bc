/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_sealed.c - what is under a seal or a MAC comes back as it was and only then: the records of
 * the key store and of the purpose keys, and the pages of the fleet.
 *
 * No input can hold a seal under the keys of a run, so the target seals what the input says, and
 * changes one octet of it. The first octet says which form, the second what is changed; the rest,
 * or all, is what is sealed.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fleet/page.h"
#include "keys/key_record.h"
#include "keys/keyring.h"

#define NAME	   "tek:7:0"
#define GENERATION 3
#define PAGE	   5

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t kmf_id[FK_KMF_ID_SIZE] = "a KMF for tests";

static void require(bool holds)
{
	if (!holds)
		abort();
}

static struct fk_root *open_root(void)
{
	char name[] = "file:/tmp/fuzz-root-XXXXXX";
	const struct fk_root_source source = {.name = name};
	struct fk_root *root;
	int fd = mkstemp(name + strlen("file:")); /* mode 0600 */

	require(fd >= 0 && write(fd, "thirty-two octets that all know.", 32) == 32);
	close(fd);
	require(fk_root_open(&source, &root, NULL) == FK_OK);
	unlink(name + strlen("file:"));
	return root;
}

/* One octet of what is stored changed, as the input says: nothing of it may pass. */
static void change(uint8_t *octets, size_t size, const uint8_t *data)
{
	octets[data[1] * 7 % size] ^= (uint8_t)(1 << data[1] % 8);
}

static void check_key(struct fk_keyring *keyring, const uint8_t *data, size_t size)
{
	struct fk_key_record record = {.version = 1}, opened;
	struct fk_secret key = {.size = 0}, opened_key;
	uint8_t octets[FK_KEY_RECORD_SIZE_MAX];
	enum fk_err err;
	size_t n = 0;

	require(fk_key_record_unseal(keyring, NAME, data, size, &opened, &opened_key) != FK_OK);
	if (size < 8)
		return;
	record.kind = data[2];
	record.state = data[3];
	record.keyset_id = data[4];
	record.key_id = (uint16_t)(data[5] << 8 | data[6]);
	record.version = data[7];
	key.size = (uint32_t)(size - 8 < sizeof(key.octets) ? size - 8 : sizeof(key.octets));
	memcpy(key.octets, data + 8, key.size);
	err = fk_key_record_seal(keyring, NAME, &record, &key, octets, &n);
	if (err != FK_OK) {
		require(err == FK_EINVAL && key.size == 0 && record.state != FK_LIFE_DESTROYED);
		return;
	}
	require(n <= sizeof(octets) &&
		fk_key_record_epoch(octets, n) == fk_keyring_sealing_epoch(keyring));
	require(fk_key_record_unseal(keyring, NAME, octets, n, &opened, &opened_key) == FK_OK);
	require(opened.kind == record.kind && opened.state == record.state);
	require(opened.keyset_id == record.keyset_id && opened.key_id == record.key_id);
	require(opened.version == record.version);
	if (record.state == FK_LIFE_DESTROYED)
		key.size = 0;
	require(opened_key.size == key.size);
	require(memcmp(opened_key.octets, key.octets, key.size) == 0);
	require(fk_key_record_unseal(keyring, "tek:7:1", octets, n, &opened, NULL) == FK_EAUTH);
	change(octets, n, data);
	require(fk_key_record_unseal(keyring, NAME, octets, n, &opened, &opened_key) != FK_OK);
}

/* A seal whose plain octets are no record's: authentic, and refused all the same or within bounds.
 */
static void check_plain(struct fk_keyring *keyring, const uint8_t *data, size_t size)
{
	uint8_t octets[FK_KEY_HEAD_SIZE + FK_SEAL_OVERHEAD + 256];
	struct fk_key_record record;
	struct fk_secret key;
	uint32_t version;
	size_t n = 0;

	if (size < FK_KEY_HEAD_SIZE || size > 256)
		return;
	version = (uint32_t)data[10] << 24 | (uint32_t)data[11] << 16 | (uint32_t)data[12] << 8 |
		  data[13];
	memcpy(octets, data, FK_KEY_HEAD_SIZE);
	require(fk_seal(keyring, FK_SEAL_KEY, NAME, version, data, size, octets + FK_KEY_HEAD_SIZE,
			sizeof(octets) - FK_KEY_HEAD_SIZE, &n) == FK_OK);
	if (fk_key_record_unseal(keyring, NAME, octets, FK_KEY_HEAD_SIZE + n, &record, &key) !=
	    FK_OK)
		return;
	require(record.version == version && key.size == size - FK_KEY_HEAD_SIZE);
	require(memcmp(key.octets, data + FK_KEY_HEAD_SIZE, key.size) == 0);
}

static void check_page(struct fk_keyring *keyring, const uint8_t *data, size_t size)
{
	uint32_t version = (uint32_t)data[1] + 1;
	uint8_t *octets = malloc(size + FK_PAGE_OVERHEAD);
	struct fk_wire_writer w;
	uint8_t layout;
	struct fk_wire_reader r;
	size_t n = 0;

	require(octets != NULL);
	require(fk_page_open(keyring, GENERATION, PAGE, version, data, size, &r, &layout, NULL) !=
		FK_OK);
	w = fk_page_begin(octets, size + FK_PAGE_OVERHEAD, version);
	fk_wire_put_bytes(&w, data, size);
	require(fk_page_end(keyring, GENERATION, PAGE, &w, &n) == FK_OK);
	require(n == size + FK_PAGE_OVERHEAD);
	require(fk_page_open(keyring, GENERATION, PAGE, version, octets, n, &r, &layout, NULL) ==
		FK_OK);
	require(fk_wire_left(&r) == size);
	require(memcmp(fk_wire_get_bytes(&r, size), data, size) == 0);
	require(fk_page_open(keyring, GENERATION, PAGE, version + 1, octets, n, &r, &layout,
			     NULL) == FK_ESTALE);
	require(fk_page_open(keyring, GENERATION, PAGE + 1, version, octets, n, &r, &layout,
			     NULL) == FK_EAUTH);
	change(octets, n, data);
	require(fk_page_open(keyring, GENERATION, PAGE, version, octets, n, &r, &layout, NULL) !=
		FK_OK);
	free(octets);
}

/* The record of the purpose keys, as it is and with the input laid over some of it. */
static void check_purposes(struct fk_keyring *keyring, struct fk_root *root, const uint8_t *data,
			   size_t size)
{
	uint8_t record[FK_KEYRING_RECORD_MAX], changed = 0;
	struct fk_keyring *again = NULL;
	size_t n = 0;

	require(fk_keyring_unwrap(kmf_id, root, data, size, &again, NULL) != FK_OK);
	require(fk_keyring_wrap(keyring, root, record, &n, NULL) == FK_OK);
	require(fk_keyring_unwrap(kmf_id, root, record, n, &again, NULL) == FK_OK);
	require(memcmp(fk_keyring_key(again, FK_PURPOSE_TOKEN),
		       fk_keyring_key(keyring, FK_PURPOSE_TOKEN), FK_ROOT_KEY_SIZE) == 0);
	fk_keyring_free(again);
	require(fk_keyring_unwrap(kmf_id, root, record, n - 1, &again, NULL) != FK_OK);
	for (size_t i = 2, at = data[1]; i < size && at < n; i++, at++) {
		record[at] ^= data[i];
		changed |= data[i];
	}
	if (changed != 0)
		require(fk_keyring_unwrap(kmf_id, root, record, n, &again, NULL) != FK_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fk_keyring *keyring;
	static struct fk_root *root;

	if (keyring == NULL) {
		root = open_root();
		require(fk_keyring_generate(kmf_id, &keyring, NULL) == FK_OK);
	}
	if (size < 2)
		return 0;
	switch (data[0] % 4) {
	case 0:
		check_key(keyring, data, size);
		break;
	case 1:
		check_plain(keyring, data, size);
		break;
	case 2:
		check_page(keyring, data, size);
		break;
	case 3:
		check_purposes(keyring, root, data, size);
	}
	return 0;
}
