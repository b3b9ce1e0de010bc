/* SPDX-License-Identifier: Apache-2.0 */
#include "backup/backup_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include <fleetkey/wire.h>

#include "keys/gcm.h"

#define MAGIC	   "FKBACKUP"
#define MAGIC_SIZE 8
#define LAYOUT	   1
#define TAG_SIZE   16
#define WORD_SIZE  4 /* before a chunk */
#define AD_SIZE	   (FK_BACKUP_HEAD_SIZE + 8 + WORD_SIZE)
#define IS_LAST	   0x80000000u
#define END_SIZE   16

struct fk_backup_writer {
	EVP_CIPHER_CTX *ctx;
	uint8_t head[FK_BACKUP_HEAD_SIZE];
	uint64_t index; /* of the next chunk */
	size_t size;	/* octets in 'plain' */
	struct fk_backup_sums sums;
	uint8_t plain[FK_BACKUP_CHUNK_MAX];
	uint8_t sealed[FK_BACKUP_CHUNK_MAX + TAG_SIZE];
};

struct fk_backup_reader {
	EVP_CIPHER_CTX *ctx;
	uint8_t head[FK_BACKUP_HEAD_SIZE];
	uint64_t index;
	uint64_t offset; /* of the next chunk in the file */
	struct fk_backup_sums sums;
	uint8_t sealed[FK_BACKUP_CHUNK_MAX + TAG_SIZE];
	uint8_t plain[FK_BACKUP_CHUNK_MAX];
};

static void encode_head(const struct fk_backup_head *head, uint8_t octets[FK_BACKUP_HEAD_SIZE])
{
	struct fk_wire_writer w = fk_wire_writer(octets, FK_BACKUP_HEAD_SIZE);

	fk_wire_put_bytes(&w, MAGIC, MAGIC_SIZE);
	fk_wire_put_u8(&w, LAYOUT);
	fk_wire_put_u32(&w, head->schema);
	fk_wire_put_bytes(&w, head->kmf_id, sizeof(head->kmf_id));
	fk_wire_put_u64(&w, head->made_at_s);
	fk_wire_put_u64(&w, head->counts.epoch);
	fk_wire_put_u64(&w, head->counts.n_batches);
	fk_wire_put_u64(&w, head->counts.campaign_id);
	fk_wire_put_u64(&w, head->counts.generation);
	fk_wire_put_bytes(&w, head->wrapped_key, sizeof(head->wrapped_key));
}

/* Key and place of one chunk, and what it is bound to. */
static bool begin_chunk(EVP_CIPHER_CTX *ctx, const uint8_t head[FK_BACKUP_HEAD_SIZE],
			uint64_t index, uint32_t word, bool is_seal)
{
	uint8_t nonce[12] = {0}, ad[AD_SIZE];
	struct fk_wire_writer n = fk_wire_writer(nonce + 4, 8), w = fk_wire_writer(ad, sizeof(ad));
	int size;

	fk_wire_put_u64(&n, index);
	fk_wire_put_bytes(&w, head, FK_BACKUP_HEAD_SIZE);
	fk_wire_put_u64(&w, index);
	fk_wire_put_u32(&w, word);
	return EVP_CipherInit_ex(ctx, NULL, NULL, NULL, nonce, is_seal ? 1 : 0) > 0 &&
	       EVP_CipherUpdate(ctx, NULL, &size, ad, sizeof(ad)) > 0;
}

enum fk_err fk_backup_writer_new(const struct fk_backup_head *head,
				 const uint8_t key[static FK_ROOT_KEY_SIZE],
				 struct fk_backup_writer **ret_writer)
{
	struct fk_backup_writer *writer = calloc(1, sizeof(*writer));

	if (writer == NULL)
		return FK_ENOMEM;
	writer->ctx = fk_gcm_new(key, true);
	if (writer->ctx == NULL) {
		fk_backup_writer_free(writer);
		return FK_ESELFTEST;
	}
	encode_head(head, writer->head);
	*ret_writer = writer;
	return FK_OK;
}

void fk_backup_writer_free(struct fk_backup_writer *writer)
{
	if (writer == NULL)
		return;
	EVP_CIPHER_CTX_free(writer->ctx); /* clears the schedule */
	free(writer);
}

static enum fk_err put_octets(FILE *out, const void *octets, size_t size)
{
	return fwrite(octets, 1, size, out) == size ? FK_OK : FK_EIO;
}

enum fk_err fk_backup_put_head(struct fk_backup_writer *writer, FILE *out)
{
	return put_octets(out, writer->head, sizeof(writer->head));
}

static enum fk_err put_chunk(struct fk_backup_writer *writer, FILE *out, bool is_last)
{
	uint32_t word = (uint32_t)writer->size | (is_last ? IS_LAST : 0);
	uint8_t octets[WORD_SIZE];
	struct fk_wire_writer w = fk_wire_writer(octets, sizeof(octets));
	int size = 0, rest = 0;
	enum fk_err err;

	fk_wire_put_u32(&w, word);
	if (!begin_chunk(writer->ctx, writer->head, writer->index, word, true) ||
	    EVP_CipherUpdate(writer->ctx, writer->sealed, &size, writer->plain,
			     (int)writer->size) <= 0 ||
	    EVP_CipherFinal_ex(writer->ctx, writer->sealed + size, &rest) <= 0 ||
	    EVP_CIPHER_CTX_ctrl(writer->ctx, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE,
				writer->sealed + writer->size) <= 0)
		return FK_ESELFTEST;
	err = put_octets(out, octets, sizeof(octets));
	if (err == FK_OK)
		err = put_octets(out, writer->sealed, writer->size + TAG_SIZE);
	writer->index++;
	writer->size = 0;
	return err;
}

enum fk_err fk_backup_flush(struct fk_backup_writer *writer, FILE *out)
{
	return writer->size > 0 ? put_chunk(writer, out, false) : FK_OK;
}

size_t fk_backup_encode_item(const struct fk_store_item *item, uint8_t *buf, size_t cap)
{
	struct fk_wire_writer w = fk_wire_writer(buf, cap);
	size_t size = 0;

	if (item->key_size > UINT16_MAX || item->field_size > UINT16_MAX ||
	    item->value_size > FK_STORE_VALUE_MAX)
		return 0;
	fk_wire_put_u8(&w, item->kind);
	fk_wire_put_u16(&w, (uint16_t)item->key_size);
	fk_wire_put_u16(&w, (uint16_t)item->field_size);
	fk_wire_put_u32(&w, (uint32_t)item->value_size);
	fk_wire_put_bytes(&w, item->key, item->key_size);
	fk_wire_put_bytes(&w, item->field, item->field_size);
	fk_wire_put_bytes(&w, item->value, item->value_size);
	return fk_wire_done(&w, &size) == FK_OK ? size : 0;
}

enum fk_err fk_backup_put(struct fk_backup_writer *writer, FILE *out,
			  const struct fk_store_item *item)
{
	size_t size = fk_backup_encode_item(item, writer->plain + writer->size,
					    sizeof(writer->plain) - writer->size);
	enum fk_err err = FK_OK;

	if (size == 0 && writer->size > 0) {
		err = put_chunk(writer, out, false);
		size = fk_backup_encode_item(item, writer->plain, sizeof(writer->plain));
	}
	if (err != FK_OK)
		return err;
	if (size == 0)
		return FK_EINVAL;
	writer->size += size;
	writer->sums.n_items++;
	writer->sums.n_octets += size;
	return writer->size >= FK_BACKUP_CHUNK_SIZE ? put_chunk(writer, out, false) : FK_OK;
}

enum fk_err fk_backup_put_end(struct fk_backup_writer *writer, FILE *out)
{
	enum fk_err err = fk_backup_flush(writer, out);
	struct fk_wire_writer w = fk_wire_writer(writer->plain, END_SIZE);

	if (err != FK_OK)
		return err;
	fk_wire_put_u64(&w, writer->sums.n_items);
	fk_wire_put_u64(&w, writer->sums.n_octets);
	writer->size = END_SIZE;
	return put_chunk(writer, out, true);
}

struct fk_backup_sums fk_backup_written(const struct fk_backup_writer *writer)
{
	return writer->sums;
}

/* All of 'size' octets. FK_ETRUNC if the file ends before them. */
static enum fk_err get_octets(FILE *in, void *buf, size_t size, struct fk_reason *reason)
{
	if (fread(buf, 1, size, in) == size)
		return FK_OK;
	if (ferror(in)) {
		fk_reason_set(reason, "it cannot be read: %s", strerror(errno));
		return FK_EIO;
	}
	fk_reason_set(reason, "the file is cut off: its end is missing");
	return FK_ETRUNC;
}

enum fk_err fk_backup_read_head(FILE *in, struct fk_backup_head *ret_head, struct fk_reason *reason)
{
	uint8_t octets[FK_BACKUP_HEAD_SIZE] = {0};
	struct fk_wire_reader r = fk_wire_reader(octets, sizeof(octets));
	size_t size = fread(octets, 1, MAGIC_SIZE + 1, in);
	enum fk_err err;
	uint8_t layout;

	if (size < MAGIC_SIZE + 1 || memcmp(octets, MAGIC, MAGIC_SIZE) != 0) {
		fk_reason_set(reason, "the file is no backup");
		return ferror(in) ? FK_EIO : FK_EFORMAT;
	}
	layout = octets[MAGIC_SIZE];
	if (layout != LAYOUT) {
		fk_reason_set(reason, "the file is a backup of layout %u, this version reads %u",
			      layout, LAYOUT);
		return FK_EFORMAT;
	}
	err = get_octets(in, octets + MAGIC_SIZE + 1, sizeof(octets) - MAGIC_SIZE - 1, reason);
	if (err != FK_OK)
		return err;
	(void)fk_wire_get_bytes(&r, MAGIC_SIZE + 1); /* looked at above */
	ret_head->schema = fk_wire_get_u32(&r);
	memcpy(ret_head->kmf_id, fk_wire_get_bytes(&r, sizeof(ret_head->kmf_id)),
	       sizeof(ret_head->kmf_id));
	ret_head->made_at_s = fk_wire_get_u64(&r);
	ret_head->counts.epoch = fk_wire_get_u64(&r);
	ret_head->counts.n_batches = fk_wire_get_u64(&r);
	ret_head->counts.campaign_id = fk_wire_get_u64(&r);
	ret_head->counts.generation = fk_wire_get_u64(&r);
	memcpy(ret_head->wrapped_key, fk_wire_get_bytes(&r, sizeof(ret_head->wrapped_key)),
	       sizeof(ret_head->wrapped_key));
	return FK_OK;
}

enum fk_err fk_backup_decode_items(const uint8_t *octets, size_t size, fk_store_item_fn fn,
				   void *ctx, uint64_t *ret_n)
{
	struct fk_wire_reader r = fk_wire_reader(octets, size);
	enum fk_err err = FK_OK;
	uint64_t n = 0;

	while (err == FK_OK && fk_wire_left(&r) > 0) {
		struct fk_store_item item = {.kind = fk_wire_get_u8(&r)};

		item.key_size = fk_wire_get_u16(&r);
		item.field_size = fk_wire_get_u16(&r);
		item.value_size = fk_wire_get_u32(&r);
		item.key = fk_wire_get_bytes(&r, item.key_size);
		item.field = fk_wire_get_bytes(&r, item.field_size);
		item.value = fk_wire_get_bytes(&r, item.value_size);
		if (r.failed || item.value_size > FK_STORE_VALUE_MAX || item.key_size == 0 ||
		    item.kind < FK_STORE_STRING || item.kind > FK_STORE_MEMBER ||
		    (item.kind == FK_STORE_STRING && item.field_size > 0))
			return FK_EFORMAT;
		n++;
		err = fn(ctx, &item);
	}
	*ret_n = n;
	return err;
}

/* Opens the chunk that is in 'sealed'; 'size' octets of it are not the tag. */
static bool open_chunk(struct fk_backup_reader *reader, uint32_t word, size_t size)
{
	int n = 0, rest = 0;

	return begin_chunk(reader->ctx, reader->head, reader->index, word, false) &&
	       EVP_CipherUpdate(reader->ctx, reader->plain, &n, reader->sealed, (int)size) > 0 &&
	       EVP_CIPHER_CTX_ctrl(reader->ctx, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE,
				   reader->sealed + size) > 0 &&
	       EVP_CipherFinal_ex(reader->ctx, reader->plain + n, &rest) > 0;
}

static enum fk_err refuse_chunk(const struct fk_backup_reader *reader, struct fk_reason *reason)
{
	fk_reason_set(reason,
		      "the file was altered: %schunk %" PRIu64 " at octet %" PRIu64
		      " is not what was written",
		      reader->index == 0 ? "its head or " : "", reader->index, reader->offset);
	return FK_EAUTH;
}

static enum fk_err check_end(struct fk_backup_reader *reader, FILE *in, size_t size,
			     struct fk_reason *reason)
{
	struct fk_wire_reader r = fk_wire_reader(reader->plain, size);

	if (size != END_SIZE || fk_wire_get_u64(&r) != reader->sums.n_items ||
	    fk_wire_get_u64(&r) != reader->sums.n_octets) {
		fk_reason_set(reason, "the file's sums differ from what is in it");
		return FK_EFORMAT;
	}
	if (fgetc(in) != EOF) {
		fk_reason_set(reason, "something follows the file's end");
		return FK_EFORMAT;
	}
	return FK_OK;
}

static enum fk_err read_chunk(struct fk_backup_reader *reader, FILE *in, fk_store_item_fn fn,
			      void *ctx, bool *ret_last, struct fk_reason *reason)
{
	uint8_t octets[WORD_SIZE] = {0};
	struct fk_wire_reader r = fk_wire_reader(octets, sizeof(octets));
	enum fk_err err = get_octets(in, octets, sizeof(octets), reason);
	uint32_t word = fk_wire_get_u32(&r);
	size_t size = word & ~IS_LAST;
	uint64_t n = 0;

	if (err != FK_OK)
		return err;
	if (size > FK_BACKUP_CHUNK_MAX)
		return refuse_chunk(reader, reason);
	err = get_octets(in, reader->sealed, size + TAG_SIZE, reason);
	if (err != FK_OK)
		return err;
	if (!open_chunk(reader, word, size))
		return refuse_chunk(reader, reason);
	*ret_last = (word & IS_LAST) != 0;
	if (*ret_last)
		return check_end(reader, in, size, reason);
	err = fk_backup_decode_items(reader->plain, size, fn, ctx, &n);
	if (err == FK_EFORMAT)
		fk_reason_set(reason, "chunk %" PRIu64 " is no list of items", reader->index);
	reader->index++;
	reader->offset += size + FK_BACKUP_CHUNK_EXTRA;
	reader->sums.n_items += n;
	reader->sums.n_octets += size;
	return err;
}

enum fk_err fk_backup_read(FILE *in, const struct fk_backup_head *head,
			   const uint8_t key[static FK_ROOT_KEY_SIZE], fk_store_item_fn fn,
			   void *ctx, struct fk_backup_sums *ret_sums, struct fk_reason *reason)
{
	struct fk_backup_reader *reader = calloc(1, sizeof(*reader));
	bool is_last = false;
	enum fk_err err = FK_OK;

	if (reader == NULL)
		return FK_ENOMEM;
	encode_head(head, reader->head);
	reader->offset = FK_BACKUP_HEAD_SIZE;
	reader->ctx = fk_gcm_new(key, false);
	if (reader->ctx == NULL)
		err = FK_ESELFTEST;
	while (err == FK_OK && !is_last)
		err = read_chunk(reader, in, fn, ctx, &is_last, reason);
	if (err == FK_OK)
		*ret_sums = reader->sums;
	EVP_CIPHER_CTX_free(reader->ctx);
	free(reader);
	return err;
}
