/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/own_key.h"

#include <string.h>

static const char *const labels[FK_OWN_KEYS] = {[FK_OWN_KEK] = "kek", [FK_OWN_PTEK] = "ptek"};

const char *fk_own_key_label(enum fk_own_key_kind kind)
{
	return (unsigned)kind < FK_OWN_KEYS ? labels[kind] : "";
}

int fk_own_key_find(const char *label)
{
	for (int i = 0; i < FK_OWN_KEYS; i++) {
		if (strcmp(labels[i], label) == 0)
			return i;
	}
	return -1;
}

const char *fk_own_key_state_label(const struct fk_own_key *key, uint64_t now_ms)
{
	if (key->state == 0)
		return "none";
	return fk_own_key_is_expired(key, now_ms) ? "expired" : fk_key_life_label(key->state);
}

uint64_t fk_own_key_ends_at_ms(const struct fk_own_key *key)
{
	return key->cryptoperiod_s != 0 ? ((uint64_t)key->came_at_s + key->cryptoperiod_s) * 1000
					: UINT64_MAX;
}

bool fk_own_key_is_expired(const struct fk_own_key *key, uint64_t now_ms)
{
	return key->state == FK_LIFE_ACTIVE && now_ms >= fk_own_key_ends_at_ms(key);
}

struct fk_own_key fk_own_key_new(enum fk_key_origin origin, uint16_t before, uint32_t now_s,
				 uint32_t cryptoperiod_s)
{
	return (struct fk_own_key){
		.state = FK_LIFE_ACTIVE,
		.origin = (uint8_t)origin,
		.version = before < UINT16_MAX ? before + 1 : UINT16_MAX,
		.came_at_s = now_s,
		.cryptoperiod_s = cryptoperiod_s,
	};
}

void fk_own_key_put(struct fk_wire_writer *w, const struct fk_own_key *key)
{
	fk_wire_put_u8(w, (uint8_t)(key->state << 4 | (key->origin & 15)));
	fk_wire_put_u16(w, key->version);
	fk_wire_put_u32(w, key->came_at_s);
	fk_wire_put_u32(w, key->cryptoperiod_s);
}

struct fk_own_key fk_own_key_get(struct fk_wire_reader *r)
{
	uint8_t state_origin = fk_wire_get_u8(r);
	struct fk_own_key key = {.state = state_origin >> 4, .origin = state_origin & 15};

	key.version = fk_wire_get_u16(r);
	key.came_at_s = fk_wire_get_u32(r);
	key.cryptoperiod_s = fk_wire_get_u32(r);
	return key;
}
