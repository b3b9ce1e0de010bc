/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/keytable.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <fleetkey/kmm.h>
#include <fleetkey/link.h>

struct fk_keytable_file {
	int fd;
	size_t size;
	struct fk_keytable *map;
	uint64_t text_used; /* octets */
	uint32_t rsi_pages_used;
};

static uint64_t align_up(uint64_t value, uint64_t to)
{
	return (value + to - 1) / to * to;
}

/* Octets of text that the configuration brings: identities of the KMF and PSIs of next hops. */
static uint64_t config_text_size(const struct fk_config *config)
{
	uint64_t size = strlen(config->kmf.uri) + strlen(config->kmf.psi);

	size += config->isd.layout_size;
	if (config->kmf.extended_app_id != NULL)
		size += strlen(config->kmf.extended_app_id);
	for (uint32_t i = 0; i < config->n_next_hops; i++) {
		if (config->next_hops[i].psi != NULL)
			size += strlen(config->next_hops[i].psi);
	}
	return size;
}

/* Where each area begins, and how large the whole is. */
static void lay_out(struct fk_keytable_header *h, const struct fk_config *config,
		    const struct fk_keytable_extent *extent)
{
	h->magic = FK_KEYTABLE_MAGIC;
	h->abi = FK_LINK_ABI;
	h->n_slots = extent->n_slots;
	h->fleet_generation = extent->fleet_generation;
	h->n_rsi_pages = extent->n_rsi_pages;
	h->rsi_pages_of_offset = align_up(sizeof(struct fk_keytable), 128);
	h->rsi_pages_offset = h->rsi_pages_of_offset + FK_RSI_PAGES * sizeof(uint32_t);
	h->ues_offset = align_up(h->rsi_pages_offset + (uint64_t)extent->n_rsi_pages * FK_RSI_PAGE *
							       sizeof(uint32_t),
				 128);
	h->text_offset = h->ues_offset + (uint64_t)extent->n_slots * sizeof(struct fk_ue_slot);
	h->text_size = extent->text_size + config_text_size(config);
	h->size = align_up(h->text_offset + h->text_size, 4096);
}

/* A memfd that nobody else can write to, resize, dump or swap out. */
static enum fk_err map_sealed(struct fk_keytable_file *file, struct fk_reason *reason)
{
	file->fd = memfd_create("fleetkey-keytable", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (file->fd < 0 || ftruncate(file->fd, (off_t)file->size) != 0) {
		fk_reason_set(reason, "key table of %zu octets: %s", file->size, strerror(errno));
		return FK_ENOMEM;
	}
	void *map = mmap(NULL, file->size, PROT_READ | PROT_WRITE, MAP_SHARED, file->fd, 0);

	if (map == MAP_FAILED) {
		fk_reason_set(reason, "key table of %zu octets: %s", file->size, strerror(errno));
		return FK_ENOMEM;
	}
	file->map = map;
	if (mlock(map, file->size) != 0) {
		fk_reason_set(reason,
			      "key table of %zu octets cannot be locked: %s; raise RLIMIT_MEMLOCK",
			      file->size, strerror(errno));
		return FK_ENOMEM;
	}
	if (madvise(map, file->size, MADV_DONTDUMP) != 0 ||
	    fcntl(file->fd, F_ADD_SEALS,
		  F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
		fk_reason_set(reason, "key table cannot be sealed: %s", strerror(errno));
		return FK_ENOMEM;
	}
	return FK_OK;
}

/* Appends text; its room was counted before. */
static enum fk_err add_text(struct fk_keytable_file *file, const char *text, size_t len,
			    uint32_t *ret_offset)
{
	struct fk_keytable_header *h = &file->map->header;

	if (len > h->text_size - file->text_used || file->text_used + len > UINT32_MAX)
		return FK_EFULL;
	if (len > 0)
		memcpy((uint8_t *)file->map + h->text_offset + file->text_used, text, len);
	*ret_offset = (uint32_t)file->text_used;
	file->text_used += len;
	return FK_OK;
}

static enum fk_err add_config_text(struct fk_keytable_file *file, const char *text,
				   uint32_t *ret_offset, uint16_t *ret_size)
{
	size_t len = text != NULL ? strlen(text) : 0;
	enum fk_err err = len <= FK_URI_SIZE_MAX
				  ? add_text(file, text != NULL ? text : "", len, ret_offset)
				  : FK_EINVAL;

	if (err == FK_OK)
		*ret_size = (uint16_t)len;
	return err;
}

static enum fk_err put_next_hops(struct fk_keytable_file *file, const struct fk_config *config)
{
	file->map->header.n_next_hops = config->n_next_hops;
	for (uint32_t i = 0; i < config->n_next_hops; i++) {
		const struct fk_config_next_hop *from = &config->next_hops[i];
		struct fk_next_hop *hop = &file->map->next_hops[i];
		enum fk_err err =
			add_config_text(file, from->psi, &hop->psi_offset, &hop->psi_size);

		if (err != FK_OK)
			return err;
		hop->address = from->address;
		hop->port = from->port;
		hop->carrier = from->carrier;
		hop->profile = from->profile;
		hop->route = from->route;
		hop->one_at_a_time = fk_config_next_hop_is_one_at_a_time(from);
		hop->max_datagram = fk_config_max_datagram(config);
	}
	return FK_OK;
}

static enum fk_err put_header(struct fk_keytable_file *file, const struct fk_config *config,
			      const struct fk_keyring *keyring)
{
	struct fk_keytable_header *h = &file->map->header;
	enum fk_err err;

	h->kmf_rsi = config->kmf.rsi;
	h->extended_app_id_type = config->kmf.extended_app_id_type;
	h->bare_kmm = config->kmf.bare_kmm;
	h->sip_t1_ms = (uint16_t)config->sip.t1_ms;
	h->sip_t2_ms = (uint16_t)config->sip.t2_ms;
	memcpy(h->token_key, fk_keyring_key(keyring, FK_PURPOSE_TOKEN), sizeof(h->token_key));
	memcpy(h->to_tag_key, fk_keyring_key(keyring, FK_PURPOSE_TO_TAG), sizeof(h->to_tag_key));
	err = add_config_text(file, config->kmf.extended_app_id, &h->extended_app_id_offset,
			      &h->extended_app_id_size);
	if (err == FK_OK)
		err = add_config_text(file, config->kmf.uri, &h->kmf_uri_offset, &h->kmf_uri_size);
	if (err == FK_OK)
		err = add_config_text(file, config->kmf.psi, &h->kmf_psi_offset, &h->kmf_psi_size);
	if (err == FK_OK)
		err = add_text(file, config->isd.layout, config->isd.layout_size,
			       &h->isd_layout_offset);
	h->isd_layout_size = config->isd.layout_size;
	return err == FK_OK ? put_next_hops(file, config) : err;
}

enum fk_err fk_keytable_new(const struct fk_config *config, const struct fk_keyring *keyring,
			    const struct fk_keytable_extent *extent,
			    struct fk_keytable_file **ret_file, struct fk_reason *reason)
{
	struct fk_keytable_header header = {.magic = 0};
	struct fk_keytable_file *file;
	enum fk_err err;

	if (extent->n_slots > FK_UE_INDEX_MAX + 1 || extent->n_rsi_pages > FK_RSI_PAGES ||
	    extent->text_size > (uint64_t)extent->n_slots * FK_URI_SIZE_MAX) {
		fk_reason_set(reason,
			      "key table: %u slots, %u RSI pages, %llu octets of text are "
			      "out of range",
			      extent->n_slots, extent->n_rsi_pages,
			      (unsigned long long)extent->text_size);
		return FK_EINVAL;
	}
	file = calloc(1, sizeof(*file));
	if (file == NULL)
		return FK_ENOMEM;
	lay_out(&header, config, extent);
	file->fd = -1;
	file->size = header.size;
	err = map_sealed(file, reason);
	if (err == FK_OK) {
		file->map->header = header;
		err = put_header(file, config, keyring);
	}
	if (err != FK_OK) {
		fk_keytable_free(file);
		return err;
	}
	*ret_file = file;
	return FK_OK;
}

void fk_keytable_free(struct fk_keytable_file *file)
{
	if (file != NULL && file->map != NULL)
		fk_wipe(file->map, file->size);
	fk_keytable_release(file);
}

void fk_keytable_release(struct fk_keytable_file *file)
{
	if (file == NULL)
		return;
	if (file->map != NULL)
		munmap(file->map, file->size);
	if (file->fd >= 0)
		close(file->fd);
	free(file);
}

struct fk_ue_slot *fk_keytable_slot(struct fk_keytable_file *file, uint32_t ue_index)
{
	if (ue_index >= file->map->header.n_slots)
		return NULL;
	return (struct fk_ue_slot *)((uint8_t *)file->map + file->map->header.ues_offset) +
	       ue_index;
}

void fk_keytable_renew_ptek(struct fk_keytable_file *file, uint32_t ue_index,
			    const uint8_t ptek[static 32], uint16_t key_id)
{
	struct fk_ue_slot *slot = fk_keytable_slot(file, ue_index);

	if (slot == NULL || slot->rsi == 0)
		return;
	memcpy(slot->ptek, ptek, sizeof(slot->ptek));
	slot->ptek_key_id = key_id;
	slot->ptek_compromised = 0;
	/* Who sees that there is a key also sees all of it. */
	__atomic_store_n(&slot->ptek_algorithm_id, FK_ALGORITHM_AES_256, __ATOMIC_RELEASE);
	/* An order that is pushed after this finds all of it. */
	atomic_thread_fence(memory_order_release);
}

/* Whoever sees wiped octets must also see the algorithm ID that says they are gone. */
static void take_out(uint8_t *algorithm_id, uint8_t key[static 32])
{
	__atomic_store_n(algorithm_id, 0, __ATOMIC_RELAXED);
	atomic_thread_fence(memory_order_seq_cst);
	fk_wipe(key, 32);
}

void fk_keytable_take_kek_out(struct fk_keytable_file *file, uint32_t ue_index)
{
	struct fk_ue_slot *slot = fk_keytable_slot(file, ue_index);

	if (slot != NULL && slot->rsi != 0)
		take_out(&slot->kek_algorithm_id, slot->kek);
}

void fk_keytable_take_ptek_out(struct fk_keytable_file *file, uint32_t ue_index)
{
	struct fk_ue_slot *slot = fk_keytable_slot(file, ue_index);

	if (slot == NULL || slot->rsi == 0)
		return;
	take_out(&slot->ptek_algorithm_id, slot->ptek);
	slot->ptek_compromised = 1;
}

/* The entry of an RSI in the index; makes its page if needed. NULL if there is no page left. */
static uint32_t *rsi_entry(struct fk_keytable_file *file, uint32_t rsi)
{
	struct fk_keytable_header *h = &file->map->header;
	uint32_t *page_of = (uint32_t *)((uint8_t *)file->map + h->rsi_pages_of_offset);
	uint32_t *pages = (uint32_t *)((uint8_t *)file->map + h->rsi_pages_offset);
	uint32_t *page = &page_of[rsi / FK_RSI_PAGE];

	if (*page == 0) {
		if (file->rsi_pages_used == h->n_rsi_pages)
			return NULL;
		*page = ++file->rsi_pages_used;
	}
	return &pages[(uint64_t)(*page - 1) * FK_RSI_PAGE + rsi % FK_RSI_PAGE];
}

enum fk_err fk_keytable_enter_ue(struct fk_keytable_file *file, uint32_t ue_index, uint32_t rsi,
				 const char *mcdata_id, size_t len)
{
	struct fk_ue_slot *slot = fk_keytable_slot(file, ue_index);
	uint32_t *entry, offset;
	enum fk_err err;

	if (slot == NULL || rsi == 0 || rsi > FK_RSI_UNIT_MAX || len == 0 || len > FK_URI_SIZE_MAX)
		return FK_ERANGE;
	entry = rsi_entry(file, rsi);
	if (entry == NULL)
		return FK_EFULL;
	if (*entry != 0)
		return FK_EEXIST;
	err = add_text(file, mcdata_id, len, &offset);
	if (err != FK_OK)
		return err;
	slot->mcdata_id_offset = offset;
	slot->mcdata_id_size = (uint8_t)len;
	slot->rsi = rsi;
	*entry = ue_index + 1;
	return FK_OK;
}

enum fk_err fk_keytable_arm_campaign(struct fk_keytable_file *file, uint32_t slot,
				     const struct fk_campaign_terms *terms)
{
	struct fk_campaign_block *block;

	if (slot >= FK_CAMPAIGN_SLOTS || terms->n_keys > FK_CAMPAIGN_KEYS_MAX ||
	    terms->generation == 0 || terms->generation > FK_CAMPAIGN_GENERATION_MAX)
		return FK_EINVAL;
	for (uint32_t i = 0; i < terms->n_keys; i++) {
		if (terms->teks[i].size != sizeof(block->keys[i].tek))
			return FK_EINVAL;
	}
	if (terms->ckek != NULL && terms->ckek->size != sizeof(block->ckek))
		return FK_EINVAL;
	block = &file->map->campaigns[slot];
	if (atomic_load_explicit(&block->generation, memory_order_relaxed) != 0)
		return FK_EBUSY;
	for (uint32_t i = 0; i < terms->n_keys; i++) {
		struct fk_campaign_key *key = &block->keys[i];

		memcpy(key->tek, terms->teks[i].octets, sizeof(key->tek));
		key->sln = terms->slns[i];
		key->key_id = terms->key_ids[i];
	}
	block->is_under_ckek = terms->ckek != NULL;
	if (terms->ckek != NULL) {
		memcpy(block->ckek, terms->ckek->octets, sizeof(block->ckek));
		block->ckek_key_id = terms->ckek_key_id;
	}
	block->n_keys = terms->n_keys;
	block->algorithm_id = terms->algorithm_id;
	block->keyset_id = terms->keyset_id;
	block->superseded_keyset_id = terms->superseded_keyset_id;
	block->pace_per_s = terms->pace_per_s;
	block->answer_timeout_ms = terms->answer_timeout_ms;
	memcpy(block->conversation_id, terms->conversation_id, sizeof(block->conversation_id));
	atomic_store_explicit(&block->generation, terms->generation, memory_order_release);
	return FK_OK;
}

void fk_keytable_disarm_campaign(struct fk_keytable_file *file, uint32_t slot)
{
	struct fk_campaign_block *block;

	if (slot >= FK_CAMPAIGN_SLOTS)
		return;
	block = &file->map->campaigns[slot];
	atomic_store_explicit(&block->generation, 0, memory_order_relaxed);
	/* Whoever sees wiped octets must also see the generation that says they are gone. */
	atomic_thread_fence(memory_order_release);
	fk_wipe(block->keys, sizeof(block->keys));
	fk_wipe(block->ckek, sizeof(block->ckek));
}

int fk_keytable_fd(const struct fk_keytable_file *file)
{
	return file->fd;
}

const struct fk_keytable *fk_keytable_view(const struct fk_keytable_file *file)
{
	return file->map;
}
