/* SPDX-License-Identifier: Apache-2.0 */
/* ue.c - see ue.h. */
#include "ue.h"

uint64_t fk_sim_hash(const void *octets, size_t size)
{
	const uint8_t *p = octets;
	uint64_t h = 0x9e3779b97f4a7c15ull ^ size;

	while (size > 0) {
		uint64_t word = 0;
		size_t n = size < 8 ? size : 8;

		memcpy(&word, p, n);
		h = (h ^ word) * 0xff51afd7ed558ccdull;
		h ^= h >> 32;
		p += n;
		size -= n;
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

static struct fk_sim_key *find_place(struct fk_sim_ue *ue, uint8_t keyset_id, uint16_t sln)
{
	struct fk_sim_key *place = NULL;

	for (uint32_t i = 0; i < FK_SIM_KEYS_MAX; i++) {
		struct fk_sim_key *key = &ue->keys[i];

		if (key->keyset_id == keyset_id && key->sln == sln)
			return key;
		if (key->keyset_id == 0 && place == NULL)
			place = key;
	}
	return place;
}

bool fk_sim_ue_store_key(struct fk_sim_ue *ue, uint8_t keyset_id, uint16_t sln,
			 uint8_t algorithm_id, uint16_t key_id,
			 const uint8_t octets[static FK_KEY_SIZE_MAX])
{
	struct fk_sim_key *key = find_place(ue, keyset_id, sln);

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
	ue->newest_key = (uint8_t)(key - ue->keys);
	if (ue->active_keyset == 0)
		ue->active_keyset = keyset_id;
	return true;
}

struct fk_sim_key *fk_sim_ue_find_key(struct fk_sim_ue *ue, uint8_t algorithm_id, uint16_t key_id,
				      uint32_t nth)
{
	for (uint32_t i = 0; i < FK_SIM_KEYS_MAX; i++) {
		struct fk_sim_key *key = &ue->keys[i];

		if (key->keyset_id != 0 && key->algorithm_id == algorithm_id &&
		    key->key_id == key_id && nth-- == 0)
			return key;
	}
	return NULL;
}
