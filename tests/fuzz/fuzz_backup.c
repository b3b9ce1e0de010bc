/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_backup.c - a backup is read as it was written, and only then; and of what is authentic only
 * a list of items that the encoder writes is taken.
 *
 * No input can hold a seal, so the target seals what the input says. The first octet says what is
 * done: read it as a file, as the items of a chunk, or put it into a backup, of which the second
 * octet says where it is changed and the third where it is cut.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backup/backup_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t key[FK_ROOT_KEY_SIZE] = "thirty-two octets that all know";

static void require(bool holds)
{
	if (!holds)
		abort();
}

static enum fk_err ignore_item(void *ctx, const struct fk_store_item *item)
{
	(void)ctx;
	require(item->key_size > 0 && item->value_size <= FK_STORE_VALUE_MAX);
	return FK_OK;
}

static enum fk_err read_file(const uint8_t *octets, size_t size)
{
	struct fk_backup_head head;
	struct fk_backup_sums sums;
	FILE *in = fmemopen((void *)octets, size, "rb");
	enum fk_err err;

	require(in != NULL);
	err = fk_backup_read_head(in, &head, NULL);
	if (err == FK_OK)
		err = fk_backup_read(in, &head, key, ignore_item, NULL, &sums, NULL);
	(void)fclose(in); /* in memory */
	return err;
}

/* The same octets again. */
struct same {
	const uint8_t *at;
	size_t left;
	uint8_t buf[65536];
};

static enum fk_err require_same(void *ctx, const struct fk_store_item *item)
{
	struct same *same = ctx;
	size_t size = fk_backup_encode_item(item, same->buf, sizeof(same->buf));

	require(size > 0 && size <= same->left && memcmp(same->buf, same->at, size) == 0);
	same->at += size;
	same->left -= size;
	return FK_OK;
}

static void check_items(const uint8_t *data, size_t size)
{
	static struct same same;
	uint64_t n = 0;

	if (size > sizeof(same.buf))
		return;
	same.at = data;
	same.left = size;
	if (fk_backup_decode_items(data, size, require_same, &same, &n) == FK_OK)
		require(same.left == 0 && n <= size);
}

static void check_file(const uint8_t *data, size_t size)
{
	const struct fk_backup_head head = {.schema = FK_STORE_SCHEMA, .made_at_s = data[1]};
	struct fk_store_item item = {.kind = FK_STORE_FIELD,
				     .key = "fk:keys",
				     .key_size = 7,
				     .field = data,
				     .field_size = 3,
				     .value = data + 3,
				     .value_size = size - 3};
	struct fk_backup_writer *writer = NULL;
	char *octets = NULL;
	size_t n = 0, at;
	FILE *out = open_memstream(&octets, &n);

	require(out != NULL && fk_backup_writer_new(&head, key, &writer) == FK_OK);
	require(fk_backup_put_head(writer, out) == FK_OK);
	require(fk_backup_put(writer, out, &item) == FK_OK);
	require(data[0] % 2 == 0 || fk_backup_flush(writer, out) == FK_OK);
	require(fk_backup_put(writer, out, &item) == FK_OK);
	require(fk_backup_put_end(writer, out) == FK_OK);
	require(fclose(out) == 0);
	fk_backup_writer_free(writer);
	require(read_file((uint8_t *)octets, n) == FK_OK);
	require(read_file((uint8_t *)octets, 1 + data[2] * 7 % (n - 1)) != FK_OK);
	at = data[1] * 7 % n;
	octets[at] = (char)(octets[at] ^ (1 << data[1] % 8));
	require(read_file((uint8_t *)octets, n) != FK_OK);
	free(octets);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 4)
		return 0;
	switch (data[0] % 4) {
	case 0:
		require(read_file(data + 1, size - 1) != FK_OK);
		break;
	case 1:
		check_items(data + 1, size - 1);
		break;
	default:
		check_file(data, size);
	}
	return 0;
}
