/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/record.h"

#include <inttypes.h>
#include <stdio.h>

#include <fleetkey/wire.h>

static void put_text(struct fk_wire_writer *w, const struct fk_record_text *text)
{
	fk_wire_put_u8(w, text->size);
	fk_wire_put_bytes(w, text->at, text->size);
}

static struct fk_record_text get_text(struct fk_wire_reader *r)
{
	struct fk_record_text text = {.size = fk_wire_get_u8(r)};

	text.at = (const char *)fk_wire_get_bytes(r, text.size);
	return text;
}

enum fk_err fk_record_encode(const struct fk_record *record, uint8_t *buf, size_t cap,
			     size_t *ret_size)
{
	struct fk_wire_writer w = fk_wire_writer(buf, cap);

	if (record->n_groups > FK_UE_GROUPS_MAX || record->ue_id.size > FK_UE_ID_SIZE_MAX)
		return FK_EINVAL;
	fk_wire_put_u32(&w, record->rsi);
	fk_wire_put_u16(&w, record->kek_sln);
	fk_wire_put_u16(&w, record->kek_key_id);
	fk_wire_put_u8(&w, record->kek_algorithm_id);
	fk_wire_put_u16(&w, record->ptek_key_id);
	fk_wire_put_u8(&w, record->ptek_algorithm_id);
	fk_wire_put_u8(&w, record->mac_kind);
	fk_wire_put_u16(&w, record->mnp);
	fk_wire_put_u16(&w, record->takes.max_kmm);
	fk_wire_put_u8(&w, record->takes.max_keys);
	fk_wire_put_u8(&w, record->takes.keysets);
	fk_wire_put_u8(&w, record->takes.outer);
	fk_wire_put_u8(&w, record->next_hop);
	fk_wire_put_u16(&w, record->area_id);
	fk_wire_put_u8(&w, record->ue_generation);
	for (uint32_t i = 0; i < FK_OWN_KEYS; i++)
		fk_own_key_put(&w, &record->own[i]);
	fk_wire_put_u8(&w, record->n_groups);
	for (uint32_t i = 0; i < record->n_groups; i++)
		fk_wire_put_u16(&w, record->group_ids[i]);
	put_text(&w, &record->ue_id);
	put_text(&w, &record->mc_service_id);
	put_text(&w, &record->mcdata_id);
	fk_wire_put_bytes(&w, record->sealed_keys, FK_RECORD_SEALED_SIZE);
	return fk_wire_done(&w, ret_size);
}

/* Nobody wrote down where the keys came from, or when. */
static void know_nothing(struct fk_record *record)
{
	const struct fk_own_key active = {.state = FK_LIFE_ACTIVE, .version = 1};

	record->is_old = true;
	record->own[FK_OWN_KEK] = active;
	if (record->ptek_algorithm_id != 0)
		record->own[FK_OWN_PTEK] = active;
}

static bool is_sound(const struct fk_own_key *key, bool is_there)
{
	if (!is_there)
		return key->state == 0;
	return (key->state == FK_LIFE_ACTIVE || key->state == FK_LIFE_COMPROMISED) &&
	       key->version > 0;
}

enum fk_err fk_record_decode(const uint8_t *octets, size_t size, uint8_t layout,
			     struct fk_record *ret_record)
{
	struct fk_wire_reader r = fk_wire_reader(octets, size);
	struct fk_record record = {
		.rsi = fk_wire_get_u32(&r),
	};

	record.kek_sln = fk_wire_get_u16(&r);
	record.kek_key_id = fk_wire_get_u16(&r);
	record.kek_algorithm_id = fk_wire_get_u8(&r);
	record.ptek_key_id = fk_wire_get_u16(&r);
	record.ptek_algorithm_id = fk_wire_get_u8(&r);
	record.mac_kind = fk_wire_get_u8(&r);
	record.mnp = fk_wire_get_u16(&r);
	record.takes.max_kmm = fk_wire_get_u16(&r);
	record.takes.max_keys = fk_wire_get_u8(&r);
	record.takes.keysets = fk_wire_get_u8(&r);
	record.takes.outer = fk_wire_get_u8(&r);
	record.next_hop = fk_wire_get_u8(&r);
	record.area_id = fk_wire_get_u16(&r);
	record.ue_generation = fk_wire_get_u8(&r);
	if (layout == FK_RECORD_LAYOUT_OLD)
		know_nothing(&record);
	for (uint32_t i = 0; layout != FK_RECORD_LAYOUT_OLD && i < FK_OWN_KEYS; i++)
		record.own[i] = fk_own_key_get(&r);
	record.n_groups = fk_wire_get_u8(&r);
	if (record.n_groups > FK_UE_GROUPS_MAX)
		return FK_EFORMAT;
	for (uint32_t i = 0; i < record.n_groups; i++)
		record.group_ids[i] = fk_wire_get_u16(&r);
	record.ue_id = get_text(&r);
	record.mc_service_id = get_text(&r);
	record.mcdata_id = get_text(&r);
	record.sealed_keys = fk_wire_get_bytes(&r, FK_RECORD_SEALED_SIZE);
	if (r.failed)
		return FK_ETRUNC;
	if (fk_wire_left(&r) != 0 || record.rsi == 0 || record.rsi > FK_RSI_UNIT_MAX ||
	    record.ue_id.size == 0 || record.ue_id.size > FK_UE_ID_SIZE_MAX ||
	    record.mcdata_id.size == 0 || record.mac_kind > FK_MAC_CMAC ||
	    !is_sound(&record.own[FK_OWN_KEK], true) ||
	    !is_sound(&record.own[FK_OWN_PTEK], record.ptek_algorithm_id != 0) ||
	    record.takes.keysets > FK_KEYSETS_MAX || record.takes.outer > FK_OUTER_OFB)
		return FK_EFORMAT;
	*ret_record = record;
	return FK_OK;
}

/* What the seal is bound to, apart from the keyring. */
static uint64_t seal_version(const struct fk_record *record)
{
	return (uint64_t)(record->rsi & 0xffffff) << 40 | (uint64_t)record->kek_key_id << 24 |
	       (uint64_t)record->ptek_key_id << 8 | record->ptek_algorithm_id;
}

static void seal_identity(const struct fk_record *record, bool is_old, uint64_t fleet_generation,
			  char ret_identity[static FK_SEAL_IDENTITY_MAX])
{
	static const char digits[] = "0123456789abcdef";
	uint8_t octets[FK_OWN_KEYS * FK_OWN_KEY_SIZE];
	struct fk_wire_writer w = fk_wire_writer(octets, sizeof(octets));
	int n = snprintf(ret_identity, FK_SEAL_IDENTITY_MAX, "ue:%.*s:%" PRIu64,
			 (int)record->ue_id.size, record->ue_id.at, fleet_generation);

	if (is_old)
		return;
	for (uint32_t i = 0; i < FK_OWN_KEYS; i++)
		fk_own_key_put(&w, &record->own[i]);
	ret_identity[n++] = ':';
	for (size_t i = 0; i < sizeof(octets); i++) {
		ret_identity[n++] = digits[octets[i] >> 4];
		ret_identity[n++] = digits[octets[i] & 15];
	}
	ret_identity[n] = '\0';
}

static_assert(3 + FK_UE_ID_SIZE_MAX + 1 + 20 + 1 + 2 * FK_OWN_KEYS * FK_OWN_KEY_SIZE <
		      FK_SEAL_IDENTITY_MAX,
	      "all of it fits");

enum fk_err fk_record_seal(struct fk_keyring *keyring, uint64_t fleet_generation,
			   const struct fk_record *record,
			   const uint8_t keys[static FK_RECORD_KEYS_SIZE],
			   uint8_t ret_sealed[static FK_RECORD_SEALED_SIZE])
{
	char identity[FK_SEAL_IDENTITY_MAX];
	size_t size;

	seal_identity(record, false, fleet_generation, identity);
	return fk_seal(keyring, FK_SEAL_UE, identity, seal_version(record), keys,
		       FK_RECORD_KEYS_SIZE, ret_sealed, FK_RECORD_SEALED_SIZE, &size);
}

enum fk_err fk_record_unseal(struct fk_keyring *keyring, uint64_t fleet_generation,
			     const struct fk_record *record,
			     uint8_t ret_keys[static FK_RECORD_KEYS_SIZE])
{
	char identity[FK_SEAL_IDENTITY_MAX];
	size_t size;
	enum fk_err err;

	seal_identity(record, record->is_old, fleet_generation, identity);
	err = fk_unseal(keyring, FK_SEAL_UE, identity, seal_version(record), record->sealed_keys,
			FK_RECORD_SEALED_SIZE, ret_keys, FK_RECORD_KEYS_SIZE, &size);
	return err == FK_OK || err == FK_EAUTH ? err : FK_EAUTH;
}
