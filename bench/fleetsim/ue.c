/* SPDX-License-Identifier: Apache-2.0 */
/* ue.c - see ue.h. */
#include "ue.h"

#include <stdlib.h>
#include <string.h>

#include <fleetkey/kmm.h>

#define MORE_STEP 10 /* places that a block grows by */

static inline uint64_t hash_word(uint64_t h, uint64_t word)
{
	h = (h ^ word) * 0xff51afd7ed558ccdull;
	return h ^ h >> 32;
}

uint64_t fk_sim_hash(const void *octets, size_t size)
{
	const uint8_t *p = octets;
	uint64_t h = 0x9e3779b97f4a7c15ull ^ size;

	for (; size >= sizeof(uint64_t); p += sizeof(uint64_t), size -= sizeof(uint64_t)) {
		uint64_t word;

		memcpy(&word, p, sizeof(word));
		h = hash_word(h, word);
	}
	if (size > 0) {
		uint64_t word = 0;

		memcpy(&word, p, size);
		h = hash_word(h, word);
	}
	h *= 0xc4ceb9fe1a85ec53ull;
	return h ^ h >> 29;
}

bool fk_sim_ue_note_number(struct fk_sim_ue *ue, uint16_t mac_key_id, uint16_t number,
			   uint64_t hash)
{
	bool is_known = false, is_reused = false;

	for (uint32_t i = 0; i < ue->n_seen; i++) {
		if (ue->seen_numbers[i] != number || ue->seen_mac_keys[i] != mac_key_id)
			continue;
		if (ue->seen_hashes[i] == hash)
			is_known = true;
		else
			is_reused = true;
	}
	if (is_known)
		return false; /* the pair, if there is one, has been counted */
	ue->seen_numbers[ue->next_seen] = number;
	ue->seen_mac_keys[ue->next_seen] = mac_key_id;
	ue->seen_hashes[ue->next_seen] = hash;
	ue->next_seen = (uint8_t)((ue->next_seen + 1) % FK_SIM_SEEN);
	if (ue->n_seen < FK_SIM_SEEN)
		ue->n_seen++;
	return is_reused;
}

uint8_t fk_sim_ue_mac_format(const struct fk_sim_ue *ue)
{
	return ue->knows_cbc ? FK_KMM_MAC_FORMAT_CBC : FK_KMM_MAC_FORMAT_CMAC;
}

uint16_t fk_sim_ue_find_transaction(const struct fk_sim_ue *ue, uint64_t branch_hash)
{
	for (uint32_t i = 0; i < FK_SIM_TRANSACTIONS_SEEN; i++)
		if (ue->transactions[i] == branch_hash)
			return ue->transaction_statuses[i];
	return 0;
}

void fk_sim_ue_note_transaction(struct fk_sim_ue *ue, uint64_t branch_hash, uint16_t status)
{
	ue->transactions[ue->next_transaction] = branch_hash;
	ue->transaction_statuses[ue->next_transaction] = status;
	ue->next_transaction = (uint8_t)((ue->next_transaction + 1) % FK_SIM_TRANSACTIONS_SEEN);
}

void fk_sim_ue_fini(struct fk_sim_ue *ue)
{
	if (ue->more == NULL)
		return;
	fk_wipe(ue->more, ue->n_more * sizeof(*ue->more));
	free(ue->more);
	ue->more = NULL;
	ue->n_more = 0;
}

struct fk_sim_key *fk_sim_ue_key(const struct fk_sim_ue *ue, uint32_t i)
{
	if (i < FK_SIM_KEYS_INLINE)
		return (struct fk_sim_key *)(uintptr_t)&ue->keys[i];
	i -= FK_SIM_KEYS_INLINE;
	return i < ue->n_more ? &ue->more[i] : NULL;
}

/* A larger block in place of the one that is full. False: the radio, or memory, holds no more. */
static bool grow(struct fk_sim_ue *ue)
{
	uint32_t n = ue->n_more + MORE_STEP;
	struct fk_sim_key *more;

	if (n > FK_SIM_KEYS_MAX - FK_SIM_KEYS_INLINE)
		return false;
	more = calloc(n, sizeof(*more));
	if (more == NULL)
		return false;
	if (ue->more != NULL)
		memcpy(more, ue->more, ue->n_more * sizeof(*more));
	fk_sim_ue_fini(ue);
	ue->more = more;
	ue->n_more = (uint8_t)n;
	return true;
}

/* The place of that keyset and SLN, or a free one; FK_SIM_NO_KEY if there is none. */
static uint32_t find_place(struct fk_sim_ue *ue, uint8_t keyset_id, uint16_t sln)
{
	uint32_t place = FK_SIM_NO_KEY, i = 0;
	const struct fk_sim_key *key;

	for (; (key = fk_sim_ue_key(ue, i)) != NULL; i++) {
		if (key->keyset_id == keyset_id && key->sln == sln)
			return i;
		if (key->keyset_id == 0 && place == FK_SIM_NO_KEY)
			place = i;
	}
	if (place == FK_SIM_NO_KEY && grow(ue))
		place = i;
	return place;
}

bool fk_sim_ue_store_key(struct fk_sim_ue *ue, uint8_t keyset_id, uint16_t sln,
			 uint8_t algorithm_id, uint16_t key_id,
			 const uint8_t octets[static FK_KEY_SIZE_MAX])
{
	uint32_t place = find_place(ue, keyset_id, sln);
	struct fk_sim_key *key = fk_sim_ue_key(ue, place);

	if (key == NULL)
		return false;
	if (key->keyset_id == 0 || key->key_id != key_id || key->algorithm_id != algorithm_id ||
	    !fk_ct_equal(key->octets, octets, sizeof(key->octets)))
		key->is_verified = false;
	memcpy(key->octets, octets, sizeof(key->octets));
	key->keyset_id = keyset_id;
	key->sln = sln;
	key->algorithm_id = algorithm_id;
	key->key_id = key_id;
	ue->newest_key = (uint8_t)place;
	if (ue->active_keyset == 0 && keyset_id != FK_KMM_KEYSET_KEKS)
		ue->active_keyset = keyset_id;
	return true;
}

void fk_sim_ue_delete_key(struct fk_sim_ue *ue, struct fk_sim_key *key)
{
	if (ue->newest_key != FK_SIM_NO_KEY && fk_sim_ue_key(ue, ue->newest_key) == key)
		ue->newest_key = FK_SIM_NO_KEY;
	fk_wipe(key, sizeof(*key));
}

void fk_sim_ue_forget_keys(struct fk_sim_ue *ue)
{
	struct fk_sim_key *key;

	for (uint32_t i = 0; (key = fk_sim_ue_key(ue, i)) != NULL; i++)
		fk_wipe(key, sizeof(*key));
	fk_wipe(ue->kek, sizeof(ue->kek));
	fk_wipe(ue->ptek, sizeof(ue->ptek));
	ue->kek_algorithm_id = ue->ptek_algorithm_id = 0;
	ue->active_keyset = 0;
	ue->newest_key = FK_SIM_NO_KEY;
}

struct fk_sim_key *fk_sim_ue_find_key(struct fk_sim_ue *ue, uint8_t algorithm_id, uint16_t key_id,
				      uint32_t nth)
{
	struct fk_sim_key *key;

	for (uint32_t i = 0; (key = fk_sim_ue_key(ue, i)) != NULL; i++) {
		if (key->keyset_id != 0 && key->algorithm_id == algorithm_id &&
		    key->key_id == key_id && nth-- == 0)
			return key;
	}
	return NULL;
}

void fk_sim_ue_lose_ptek(struct fk_sim_ue *ue)
{
	fk_wipe(ue->ptek, sizeof(ue->ptek));
	ue->ptek_algorithm_id = 0;
	ue->ptek_key_id = 0;
}

void fk_sim_ue_lose_kek(struct fk_sim_ue *ue)
{
	fk_wipe(ue->kek, sizeof(ue->kek));
	ue->kek_algorithm_id = 0;
	ue->kek_key_id = 0;
}
