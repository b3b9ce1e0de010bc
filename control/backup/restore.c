/* SPDX-License-Identifier: Apache-2.0 */
#include "backup/restore.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <fleetkey/secret.h>

#include "backup/backup_file.h"
#include "keys/root.h"
#include "log.h"
#include "opening.h"
#include "store/dump.h"
#include "store/witness.h"

/* What may have been given out since a backup, where nobody has seen it: more than any operator
 * can have used, and little of what there is. */
#define SKIP_CAMPAIGNS	 256u
#define SKIP_GENERATIONS 65536u
#define SKIP_EPOCHS	 (1u << 20)
#define SKIP_BATCHES	 (1ull << 40)

static enum fk_err open_file(const char *path, FILE **ret_in, struct fk_reason *reason)
{
	struct stat st;
	FILE *in = fopen(path, "rbe");

	if (in == NULL || fstat(fileno(in), &st) != 0 || !S_ISREG(st.st_mode)) {
		fk_reason_set(reason, "%s", in == NULL ? strerror(errno) : "is no regular file");
		if (in != NULL)
			(void)fclose(in); /* it was only read */
		return FK_EIO;
	}
	*ret_in = in;
	return FK_OK;
}

static enum fk_err unwrap_key(const struct fk_config *config, const struct fk_backup_head *head,
			      uint8_t ret_key[static FK_ROOT_KEY_SIZE], struct fk_reason *reason)
{
	const struct fk_root_source source = {config->keys.root_key, config->keys.pkcs11_module};
	struct fk_root *root;
	enum fk_err err = fk_root_open(&source, &root, reason);

	if (err != FK_OK)
		return err;
	err = fk_root_unwrap(root, head->wrapped_key, ret_key, reason);
	fk_root_close(root);
	if (err == FK_EAUTH)
		fk_reason_set(reason, "it does not open under this root key: another was in force "
				      "when it was made, or the file was altered");
	return err;
}

/* What the first reading finds. */
struct found {
	uint64_t fleet; /* generation in force; 0: none */
};

static bool is_text(const void *octets, size_t size, const char *text)
{
	return size == strlen(text) && memcmp(octets, text, size) == 0;
}

/* Nothing but our keys is put into Redis. */
static enum fk_err look_at_item(void *ctx, const struct fk_store_item *item)
{
	const char *name = (const char *)item->key;
	struct found *found = ctx;
	char text[24];

	if (item->key_size <= 3 || memcmp(name, "fk:", 3) != 0)
		return FK_EFORMAT;
	if (is_text(item->key, item->key_size, "fk:fleet:current") &&
	    item->value_size < sizeof(text)) {
		memcpy(text, item->value, item->value_size);
		text[item->value_size] = '\0';
		found->fleet = strtoull(text, NULL, 10);
	}
	return FK_OK;
}

static enum fk_err check_schema(const struct fk_backup_head *head, struct fk_reason *reason)
{
	if (head->schema >= FK_STORE_SCHEMA_OLD && head->schema <= FK_STORE_SCHEMA)
		return FK_OK;
	fk_reason_set(reason,
		      "it is of schema %" PRIu32 ", this version reads %u: restore it with the "
		      "version that made it",
		      head->schema, FK_STORE_SCHEMA);
	return FK_EABI;
}

struct seen {
	struct fk_witness_counts counts; /* all zeros: it has not seen all that the backup has */
	bool has_numbers;		 /* of the backup's fleet */
};

static enum fk_err ask_witness(const struct fk_config *config, const struct fk_backup_head *head,
			       uint64_t fleet, struct seen *ret_seen, struct fk_reason *reason)
{
	const char *path = config->store.witness_file;
	const struct fk_witness_counts *counts;
	struct fk_witness *witness;
	enum fk_err err;

	*ret_seen = (struct seen){.has_numbers = false};
	if (path == NULL || access(path, F_OK) != 0)
		return FK_OK;
	err = fk_witness_open(path, head->kmf_id, &witness, reason);
	if (err != FK_OK)
		return err;
	counts = fk_witness_counts(witness);
	if (counts->epoch >= head->counts.epoch && counts->n_batches >= head->counts.n_batches) {
		ret_seen->counts = *counts;
		ret_seen->has_numbers = fleet == 0 || fk_witness_page(witness, fleet, 0) != NULL;
	}
	fk_witness_close(witness);
	return FK_OK;
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* From where the restored store goes on. */
static enum fk_err find_counts(const struct fk_config *config, const struct fk_backup_head *head,
			       uint64_t fleet, uint32_t skip_numbers,
			       struct fk_store_restored *ret_restored, struct fk_reason *reason)
{
	const struct fk_store_counts *had = &head->counts;
	uint32_t block = config->campaign.number_block;
	struct fk_store_restored restored = {.schema = head->schema, .made_at_s = head->made_at_s};
	struct seen seen;
	enum fk_err err = ask_witness(config, head, fleet, &seen, reason);

	if (err != FK_OK)
		return err;
	if (!seen.has_numbers && skip_numbers == 0) {
		fk_reason_set(
			reason,
			"no witness file has the message numbers that its UEs were sent since it "
			"was made%s: say with --skip-numbers how many one may have been sent, "
			"generously, %u at most",
			seen.counts.n_batches != 0 ? ", as a fleet was imported" : "",
			FK_RESTORE_SKIP_MAX);
		return FK_EPOLICY;
	}
	if (seen.counts.n_batches != 0) {
		restored.counts.epoch = seen.counts.epoch + 1;
		restored.counts.n_batches = seen.counts.n_batches;
		restored.counts.campaign_id = later(seen.counts.campaign_id, had->campaign_id);
		restored.counts.generation = later(seen.counts.generation, had->generation);
		restored.gap = later(seen.counts.n_batches - had->n_batches, 1);
	} else {
		restored.counts.epoch = had->epoch + SKIP_EPOCHS;
		restored.counts.n_batches = had->n_batches + SKIP_BATCHES;
		restored.counts.campaign_id = had->campaign_id + SKIP_CAMPAIGNS;
		restored.counts.generation = had->generation + SKIP_GENERATIONS;
	}
	/* A recovery skips a block for each batch that is missing, unless a witness has numbers. */
	if (skip_numbers != 0)
		restored.gap = (skip_numbers + block - 1) / block;
	if (restored.counts.epoch >= UINT32_MAX || restored.counts.campaign_id >= UINT32_MAX) {
		fk_reason_set(reason, "its epochs or campaign ids are used up");
		return FK_EFULL;
	}
	*ret_restored = restored;
	return FK_OK;
}

static enum fk_err put_item(void *ctx, const struct fk_store_item *item)
{
	struct fk_store *store = ctx;

	fk_store_restore_put(store, item);
	return fk_store_is_healthy(store) ? FK_OK : FK_ESTORE;
}

/* Reads the file once more, and writes. */
static enum fk_err fill(const struct fk_config *config, FILE *in, const struct fk_backup_head *head,
			const uint8_t key[static FK_ROOT_KEY_SIZE],
			const struct fk_store_restored *restored, struct fk_reason *reason)
{
	struct fk_backup_sums sums;
	struct fk_store *store;
	struct fk_store_options options = fk_opening_options(config);
	enum fk_err err = fk_store_restore_begin(&options, &store, reason);

	if (err != FK_OK)
		return err;
	if (fseek(in, FK_BACKUP_HEAD_SIZE, SEEK_SET) != 0)
		err = FK_EIO;
	if (err == FK_OK)
		err = fk_backup_read(in, head, key, put_item, store, &sums, reason);
	if (err == FK_OK)
		err = fk_store_restore_end(store, restored);
	if (err == FK_ESTORE)
		fk_reason_set(reason, "%s", fk_store_last_error(store));
	fk_store_close(store);
	if (err == FK_OK)
		fk_log(FK_LOG_INFO, "backup restored",
		       "n_values=%" PRIu64 " octets=%" PRIu64 " batches=%" PRIu64
		       " batches_missing=%" PRIu64,
		       sums.n_items, sums.n_octets, head->counts.n_batches, restored->gap);
	return err;
}

static enum fk_err restore(const struct fk_config *config, FILE *in, uint32_t skip_numbers,
			   struct fk_reason *reason)
{
	struct fk_backup_head head;
	struct fk_store_restored restored;
	struct found found = {.fleet = 0};
	struct fk_backup_sums sums;
	uint8_t key[FK_ROOT_KEY_SIZE] = {0};
	enum fk_err err = fk_backup_read_head(in, &head, reason);

	if (err == FK_OK)
		err = unwrap_key(config, &head, key, reason);
	if (err == FK_OK)
		err = fk_backup_read(in, &head, key, look_at_item, &found, &sums, reason);
	if (err == FK_OK)
		err = check_schema(&head, reason);
	if (err == FK_OK)
		err = find_counts(config, &head, found.fleet, skip_numbers, &restored, reason);
	if (err == FK_OK)
		err = fill(config, in, &head, key, &restored, reason);
	fk_wipe(key, sizeof(key));
	return err;
}

enum fk_err fk_restore(const struct fk_config *config, const char *path, uint32_t skip_numbers,
		       struct fk_reason *reason)
{
	struct fk_reason why = {{0}};
	FILE *in = NULL;
	enum fk_err err = open_file(path, &in, &why);

	if (err != FK_OK) {
		fk_reason_set(reason, "backup %s: %s", path, why.text);
		return err;
	}
	err = restore(config, in, skip_numbers, &why);
	(void)fclose(in); /* it was only read */
	if (err != FK_OK)
		fk_reason_set(reason, "backup %.128s: %.360s", path,
			      why.text[0] != '\0' ? why.text : fk_err_text(err));
	return err;
}
