/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "backup/backup_file.h"

#define N_ITEMS	   7
#define N_CHUNKS   4
#define FILE_MAX   4096
#define WORD_SIZE  4
#define VALUE_SIZE 24

static const uint8_t key[FK_ROOT_KEY_SIZE] = "thirty-two octets for this test";
static const uint8_t other_key[FK_ROOT_KEY_SIZE] = "thirty-two other octets for this";

static struct fk_backup_head head = {
	.schema = FK_STORE_SCHEMA,
	.kmf_id = "a KMF for tests",
	.made_at_s = 1234567890,
	.counts = {.epoch = 3, .n_batches = 1000, .campaign_id = 12, .generation = 4},
	.wrapped_key = "forty octets that nobody unwraps here",
};

static uint8_t file[FILE_MAX];
static size_t file_size;
static size_t ends[N_CHUNKS + 1]; /* of the head, and of each chunk */
static uint32_t n_read;
static struct fk_reason reason;

/* Item 'i': kinds, sizes and octets differ. */
static struct fk_store_item item_of(uint32_t i)
{
	static char names[N_ITEMS][16];
	static uint8_t values[N_ITEMS][VALUE_SIZE];
	struct fk_store_item item = {.kind = (uint8_t)(1 + i % 3), .key = names[i]};

	(void)snprintf(names[i], sizeof(names[i]), "fk:key:%u", i);
	memset(values[i], (int)i, VALUE_SIZE);
	item.key_size = strlen(names[i]);
	item.value = values[i];
	item.value_size = i * 4;
	if (item.kind != FK_STORE_STRING) {
		item.field = "field";
		item.field_size = 5;
	}
	return item;
}

static bool is_same(const struct fk_store_item *a, const struct fk_store_item *b)
{
	return a->kind == b->kind && a->key_size == b->key_size && a->field_size == b->field_size &&
	       a->value_size == b->value_size && memcmp(a->key, b->key, a->key_size) == 0 &&
	       (a->field_size == 0 || memcmp(a->field, b->field, a->field_size) == 0) &&
	       (a->value_size == 0 || memcmp(a->value, b->value, a->value_size) == 0);
}

static enum fk_err count_item(void *ctx, const struct fk_store_item *item)
{
	(void)ctx;
	(void)item;
	n_read++;
	return FK_OK;
}

static enum fk_err expect_item(void *ctx, const struct fk_store_item *item)
{
	struct fk_store_item wanted = item_of(n_read++);

	(void)ctx;
	cr_expect(is_same(item, &wanted), "item %u", n_read - 1);
	return FK_OK;
}

/* Three chunks of items, and the end. */
static void write_file(uint8_t *octets, size_t *ret_size, size_t ret_ends[N_CHUNKS + 1])
{
	struct fk_backup_writer *writer = NULL;
	FILE *out = fmemopen(octets, FILE_MAX, "wb");
	uint32_t n_ends = 0;

	cr_assert_not_null(out);
	cr_assert_eq(fk_backup_writer_new(&head, key, &writer), FK_OK);
	cr_assert_eq(fk_backup_put_head(writer, out), FK_OK);
	ret_ends[n_ends++] = (size_t)ftell(out);
	for (uint32_t i = 0; i < N_ITEMS; i++) {
		struct fk_store_item item = item_of(i);

		cr_assert_eq(fk_backup_put(writer, out, &item), FK_OK);
		if (i % 3 != 2 && i + 1 != N_ITEMS)
			continue;
		cr_assert_eq(fk_backup_flush(writer, out), FK_OK);
		ret_ends[n_ends++] = (size_t)ftell(out);
	}
	cr_assert_eq(fk_backup_put_end(writer, out), FK_OK);
	ret_ends[n_ends++] = (size_t)ftell(out);
	cr_assert_eq(n_ends, N_CHUNKS + 1);
	cr_assert_eq(fk_backup_written(writer).n_items, N_ITEMS);
	*ret_size = (size_t)ftell(out);
	fk_backup_writer_free(writer);
	(void)fclose(out); /* in memory */
}

static void make_file(void)
{
	write_file(file, &file_size, ends);
}

static enum fk_err read_octets(const uint8_t *octets, size_t size, const uint8_t *with,
			       fk_store_item_fn fn)
{
	struct fk_backup_head read_head;
	struct fk_backup_sums sums;
	/* fmemopen() takes no empty buffer. */
	FILE *in = size > 0 ? fmemopen((void *)octets, size, "rb") : fopen("/dev/null", "rb");
	enum fk_err err;

	cr_assert_not_null(in);
	n_read = 0;
	reason.text[0] = '\0';
	err = fk_backup_read_head(in, &read_head, &reason);
	if (err == FK_OK)
		err = fk_backup_read(in, &read_head, with, fn, NULL, &sums, &reason);
	if (err == FK_OK)
		cr_expect_eq(sums.n_items, n_read);
	(void)fclose(in); /* in memory */
	return err;
}

TestSuite(backup_file, .init = make_file);

Test(backup_file, what_was_written_is_read)
{
	cr_expect_eq(read_octets(file, file_size, key, expect_item), FK_OK, "%s", reason.text);
	cr_expect_eq(n_read, N_ITEMS);
}

Test(backup_file, its_head_is_read_without_a_key)
{
	struct fk_backup_head read_head;
	FILE *in = fmemopen(file, file_size, "rb");

	cr_assert_eq(fk_backup_read_head(in, &read_head, &reason), FK_OK);
	cr_expect_eq(ftell(in), FK_BACKUP_HEAD_SIZE);
	cr_expect_eq(read_head.schema, head.schema);
	cr_expect_eq(read_head.made_at_s, head.made_at_s);
	cr_expect_arr_eq(read_head.kmf_id, head.kmf_id, sizeof(head.kmf_id));
	cr_expect_arr_eq(&read_head.counts, &head.counts, sizeof(head.counts));
	cr_expect_arr_eq(read_head.wrapped_key, head.wrapped_key, sizeof(head.wrapped_key));
	(void)fclose(in); /* in memory */
}

Test(backup_file, a_file_that_is_cut_anywhere_is_refused)
{
	for (size_t size = 0; size < file_size; size++) {
		enum fk_err err = read_octets(file, size, key, count_item);

		cr_expect(err == FK_ETRUNC || (size <= 8 && err == FK_EFORMAT), "%zu: %s", size,
			  fk_err_text(err));
		cr_expect_neq(reason.text[0], '\0', "%zu", size);
	}
}

Test(backup_file, every_octet_that_is_changed_is_noticed)
{
	for (size_t at = 0; at < file_size; at++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			file[at] ^= (uint8_t)(1 << bit);
			cr_expect_neq(read_octets(file, file_size, key, count_item), FK_OK,
				      "octet %zu bit %u", at, bit);
			cr_expect_neq(reason.text[0], '\0', "%zu", at);
			file[at] ^= (uint8_t)(1 << bit);
		}
	}
	cr_expect_eq(read_octets(file, file_size, key, count_item), FK_OK);
}

Test(backup_file, no_item_of_a_changed_chunk_is_handed_over)
{
	file[ends[1] + WORD_SIZE + 3] ^= 1; /* of the second chunk */
	cr_expect_eq(read_octets(file, file_size, key, expect_item), FK_EAUTH);
	cr_expect_eq(n_read, 3);
	cr_expect_not_null(strstr(reason.text, "altered"), "%s", reason.text);
}

/* Copies chunk 'from' of a file to the end of what is in 'to'. */
static size_t append_chunk(uint8_t *to, size_t size, const uint8_t *octets, uint32_t chunk)
{
	memcpy(to + size, octets + ends[chunk], ends[chunk + 1] - ends[chunk]);
	return size + ends[chunk + 1] - ends[chunk];
}

static enum fk_err read_chunks(const uint8_t *octets, const uint32_t *chunks, uint32_t n)
{
	uint8_t copy[2 * FILE_MAX];
	size_t size = ends[0];

	memcpy(copy, octets, size);
	for (uint32_t i = 0; i < n; i++)
		size = append_chunk(copy, size, octets, chunks[i]);
	return read_octets(copy, size, key, count_item);
}

Test(backup_file, chunks_that_change_places_are_refused)
{
	cr_expect_eq(read_chunks(file, (uint32_t[]){0, 1, 2, 3}, 4), FK_OK);
	for (uint32_t a = 0; a < N_CHUNKS; a++) {
		for (uint32_t b = a + 1; b < N_CHUNKS; b++) {
			uint32_t chunks[] = {0, 1, 2, 3};

			chunks[a] = b;
			chunks[b] = a;
			cr_expect_neq(read_chunks(file, chunks, 4), FK_OK, "%u %u", a, b);
		}
	}
}

Test(backup_file, a_chunk_that_is_left_out_or_comes_twice_is_noticed)
{
	cr_expect_eq(read_chunks(file, (uint32_t[]){1, 2, 3}, 3), FK_EAUTH);
	cr_expect_eq(read_chunks(file, (uint32_t[]){0, 2, 3}, 3), FK_EAUTH);
	cr_expect_eq(read_chunks(file, (uint32_t[]){0, 1, 3}, 3), FK_EAUTH);
	cr_expect_eq(read_chunks(file, (uint32_t[]){0, 1, 2}, 3), FK_ETRUNC);
	cr_expect_eq(read_chunks(file, (uint32_t[]){0, 0, 1, 2, 3}, 5), FK_EAUTH);
	cr_expect_eq(read_chunks(file, (uint32_t[]){0, 1, 2, 3, 3}, 5), FK_EFORMAT);
}

Test(backup_file, a_chunk_of_another_backup_is_refused)
{
	static uint8_t other[FILE_MAX];
	size_t size;

	/* Same key, same items: only the head says that it is another one. */
	head.made_at_s++;
	write_file(other, &size, ends);
	memcpy(other, file, ends[0]);
	cr_expect_eq(read_octets(other, size, key, count_item), FK_EAUTH);
	cr_expect_eq(n_read, 0);
}

Test(backup_file, another_key_opens_nothing)
{
	cr_expect_eq(read_octets(file, file_size, other_key, count_item), FK_EAUTH);
	cr_expect_eq(n_read, 0);
}

Test(backup_file, another_file_is_no_backup)
{
	static const char text[] = "REDIS0010 and what an RDB file says then";

	cr_expect_eq(read_octets((const uint8_t *)text, sizeof(text), key, count_item), FK_EFORMAT);
	cr_expect_not_null(strstr(reason.text, "no backup"), "%s", reason.text);
	file[8] = 2;
	cr_expect_eq(read_octets(file, file_size, key, count_item), FK_EFORMAT);
	cr_expect_not_null(strstr(reason.text, "layout 2"), "%s", reason.text);
}

Test(backup_file, what_is_written_does_not_stand_in_the_file)
{
	for (size_t i = ends[0]; i + 7 <= file_size; i++)
		cr_expect_neq(memcmp(file + i, "fk:key:", 7), 0, "octet %zu", i);
}

Test(backup_file, values_as_large_as_the_store_has_them_pass_and_no_larger_ones)
{
	struct fk_backup_writer *writer = NULL;
	uint8_t *value = calloc(1, FK_STORE_VALUE_MAX + 1);
	struct fk_store_item item = {.kind = FK_STORE_STRING,
				     .key = "fk:large",
				     .key_size = 8,
				     .value = value,
				     .value_size = FK_STORE_VALUE_MAX};
	char *octets = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&octets, &size);

	cr_assert_not_null(out);
	cr_assert_eq(fk_backup_writer_new(&head, key, &writer), FK_OK);
	cr_assert_eq(fk_backup_put_head(writer, out), FK_OK);
	for (int i = 0; i < 3; i++)
		cr_expect_eq(fk_backup_put(writer, out, &item), FK_OK);
	item.value_size++;
	cr_expect_eq(fk_backup_put(writer, out, &item), FK_EINVAL);
	cr_assert_eq(fk_backup_put_end(writer, out), FK_OK);
	(void)fclose(out); /* in memory */
	cr_expect_eq(read_octets((uint8_t *)octets, size, key, count_item), FK_OK, "%s",
		     reason.text);
	cr_expect_eq(n_read, 3);
	fk_backup_writer_free(writer);
	free(octets);
	free(value);
}

static enum fk_err refuse_second(void *ctx, const struct fk_store_item *item)
{
	(void)ctx;
	(void)item;
	return ++n_read == 2 ? FK_ESTORE : FK_OK;
}

Test(backup_file, what_the_taker_says_ends_the_reading)
{
	cr_expect_eq(read_octets(file, file_size, key, refuse_second), FK_ESTORE);
	cr_expect_eq(n_read, 2);
}

Test(backup_file, a_full_disk_is_an_error)
{
	struct fk_backup_writer *writer = NULL;
	struct fk_store_item item = item_of(1);
	FILE *out = fopen("/dev/full", "wb");

	cr_assert_not_null(out);
	setbuf(out, NULL);
	cr_assert_eq(fk_backup_writer_new(&head, key, &writer), FK_OK);
	cr_expect_eq(fk_backup_put_head(writer, out), FK_EIO);
	cr_assert_eq(fk_backup_put(writer, out, &item), FK_OK);
	cr_expect_eq(fk_backup_flush(writer, out), FK_EIO);
	fk_backup_writer_free(writer);
	(void)fclose(out); /* it takes nothing */
}
