/* SPDX-License-Identifier: Apache-2.0 */
#include "keys/key_record.h"

#include <time.h>

#include <fleetkey/wire.h>

#define LAYOUT 1

static const char *const kind_labels[] = {"unknown", "tek", "transport", "ckek"};
static const char *const state_labels[] = {"unknown",	  "pre-active",	 "active",
					   "deactivated", "compromised", "destroyed"};
static const char *const origin_labels[] = {"unknown", "generated", "imported-wrapped",
					    "imported-plain", "warm-start"};

#define LABEL(labels, number) \
	((labels)[(number) < sizeof(labels) / sizeof((labels)[0]) ? (number) : 0])

const char *fk_key_kind_label(uint8_t kind)
{
	return LABEL(kind_labels, kind);
}

const char *fk_key_life_label(uint8_t state)
{
	return LABEL(state_labels, state);
}

const char *fk_key_origin_label(uint8_t origin)
{
	return LABEL(origin_labels, origin);
}

bool fk_key_life_may_become(uint8_t from, uint8_t to)
{
	/* spec: NIST SP 800-57 part 1 §7.3; bit n: may become state n. */
	static const uint8_t next[] = {
		[FK_LIFE_PRE_ACTIVE] =
			1 << FK_LIFE_ACTIVE | 1 << FK_LIFE_COMPROMISED | 1 << FK_LIFE_DESTROYED,
		[FK_LIFE_ACTIVE] = 1 << FK_LIFE_DEACTIVATED | 1 << FK_LIFE_COMPROMISED,
		[FK_LIFE_DEACTIVATED] = 1 << FK_LIFE_COMPROMISED | 1 << FK_LIFE_DESTROYED,
		[FK_LIFE_COMPROMISED] = 1 << FK_LIFE_DESTROYED,
		[FK_LIFE_DESTROYED] = 0,
	};

	return from >= FK_LIFE_PRE_ACTIVE && from <= FK_LIFE_DESTROYED && to <= FK_LIFE_DESTROYED &&
	       (next[from] >> to & 1) != 0;
}

uint64_t fk_key_ends_at_ms(const struct fk_key_record *record)
{
	return record->cryptoperiod_s != 0
		       ? record->made_at_ms + (uint64_t)record->cryptoperiod_s * 1000
		       : UINT64_MAX;
}

bool fk_key_is_expired(const struct fk_key_record *record, uint64_t now_ms)
{
	return (record->state == FK_LIFE_PRE_ACTIVE || record->state == FK_LIFE_ACTIVE) &&
	       now_ms >= fk_key_ends_at_ms(record);
}

const char *fk_key_record_label(const struct fk_key_record *record, uint64_t now_ms)
{
	return fk_key_is_expired(record, now_ms) ? "expired" : fk_key_life_label(record->state);
}

uint64_t fk_key_now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now); /* cannot fail with this clock */
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void put_head(struct fk_wire_writer *w, const struct fk_key_record *record)
{
	fk_wire_put_u8(w, LAYOUT);
	fk_wire_put_u8(w, record->kind);
	fk_wire_put_u8(w, record->state);
	fk_wire_put_u8(w, record->origin);
	fk_wire_put_u8(w, record->algorithm_id);
	fk_wire_put_u8(w, record->keyset_id);
	fk_wire_put_u16(w, record->key_id);
	fk_wire_put_u16(w, record->sln);
	fk_wire_put_u32(w, record->version);
	fk_wire_put_u64(w, record->made_at_ms);
	fk_wire_put_u32(w, record->cryptoperiod_s);
}

static enum fk_err get_head(struct fk_wire_reader *r, struct fk_key_record *ret_record)
{
	uint8_t layout = fk_wire_get_u8(r);

	ret_record->kind = fk_wire_get_u8(r);
	ret_record->state = fk_wire_get_u8(r);
	ret_record->origin = fk_wire_get_u8(r);
	ret_record->algorithm_id = fk_wire_get_u8(r);
	ret_record->keyset_id = fk_wire_get_u8(r);
	ret_record->key_id = fk_wire_get_u16(r);
	ret_record->sln = fk_wire_get_u16(r);
	ret_record->version = fk_wire_get_u32(r);
	ret_record->made_at_ms = fk_wire_get_u64(r);
	ret_record->cryptoperiod_s = fk_wire_get_u32(r);
	return r->failed || layout != LAYOUT ? FK_EFORMAT : FK_OK;
}

enum fk_err fk_key_record_seal(struct fk_keyring *keyring, const char *name,
			       const struct fk_key_record *record, const struct fk_secret *key,
			       uint8_t ret_octets[static FK_KEY_RECORD_SIZE_MAX], size_t *ret_size)
{
	uint8_t plain[FK_KEY_HEAD_SIZE + FK_KEY_SIZE_MAX];
	struct fk_wire_writer w = fk_wire_writer(plain, sizeof(plain));
	bool has_key = record->state != FK_LIFE_DESTROYED;
	size_t plain_size = 0, sealed_size = 0;
	enum fk_err err;

	if (has_key && (key == NULL || key->size == 0))
		return FK_EINVAL;
	put_head(&w, record);
	if (has_key)
		fk_wire_put_bytes(&w, key->octets, key->size);
	err = fk_wire_done(&w, &plain_size);
	if (err == FK_OK) {
		memcpy(ret_octets, plain, FK_KEY_HEAD_SIZE);
		err = fk_seal(keyring, FK_SEAL_KEY, name, record->version, plain, plain_size,
			      ret_octets + FK_KEY_HEAD_SIZE,
			      FK_KEY_RECORD_SIZE_MAX - FK_KEY_HEAD_SIZE, &sealed_size);
	}
	fk_wipe(plain, sizeof(plain));
	if (err == FK_OK)
		*ret_size = FK_KEY_HEAD_SIZE + sealed_size;
	return err;
}

enum fk_err fk_key_record_unseal(struct fk_keyring *keyring, const char *name,
				 const uint8_t *octets, size_t size,
				 struct fk_key_record *ret_record, struct fk_secret *ret_key)
{
	uint8_t plain[FK_KEY_HEAD_SIZE + FK_KEY_SIZE_MAX];
	struct fk_wire_reader r = fk_wire_reader(octets, size);
	struct fk_key_record record;
	size_t plain_size = 0;
	enum fk_err err = get_head(&r, &record);

	if (err == FK_OK)
		err = fk_unseal(keyring, FK_SEAL_KEY, name, record.version,
				octets + FK_KEY_HEAD_SIZE, size - FK_KEY_HEAD_SIZE, plain,
				sizeof(plain), &plain_size);
	if (err == FK_EFULL)
		err = FK_EFORMAT;
	if (err == FK_OK &&
	    (plain_size < FK_KEY_HEAD_SIZE || memcmp(plain, octets, FK_KEY_HEAD_SIZE) != 0 ||
	     (plain_size == FK_KEY_HEAD_SIZE) != (record.state == FK_LIFE_DESTROYED)))
		err = FK_EAUTH;
	if (err == FK_OK) {
		*ret_record = record;
		if (ret_key != NULL) {
			ret_key->size = (uint32_t)(plain_size - FK_KEY_HEAD_SIZE);
			memcpy(ret_key->octets, plain + FK_KEY_HEAD_SIZE, ret_key->size);
		}
	}
	fk_wipe(plain, sizeof(plain));
	return err;
}

uint32_t fk_key_record_epoch(const uint8_t *octets, size_t size)
{
	return size < FK_KEY_HEAD_SIZE
		       ? 0
		       : fk_sealed_epoch(octets + FK_KEY_HEAD_SIZE, size - FK_KEY_HEAD_SIZE);
}
