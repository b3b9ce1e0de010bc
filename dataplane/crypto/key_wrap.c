/* SPDX-License-Identifier: Apache-2.0 */
#include "key_wrap.h"

#include <string.h>

#include "aes_block.h"
#include "aes_kernel.h"

#define HALF_SIZE  8 /* octets */
#define PASSES	   6
#define HALVES_MAX (FK_KEY_SIZE_MAX / HALF_SIZE)

struct algorithm {
	uint8_t id;
	uint8_t key_size; /* octets, 0 if refused */
	const char *reason;
};

/* spec: P25 sheet 2.1 */
static const struct algorithm algorithms[] = {
	{0x80, 0, "algorithm ID 0x80 says that there is no encryption: it has no key"},
	{0x81, 0, "algorithm ID 0x81 is DES-OFB, which is broken and not supported"},
	{0x83, 0, "algorithm ID 0x83 is Triple DES, which is withdrawn and not supported"},
	{0x84, 32, NULL},
	{0x85, 16, NULL},
	{0x9f, 0, "algorithm ID 0x9F is DES-XL, which is broken and not supported"},
	{0xaa, 0, "algorithm ID 0xAA is ADP (RC4), which is broken and not supported"},
};

static enum fk_err refuse(enum fk_err err, const char *reason, const char **ret_reason)
{
	if (ret_reason != NULL)
		*ret_reason = reason;
	return err;
}

enum fk_err fk_key_wrap_key_size(uint8_t algorithm_id, size_t *ret_key_size,
				 const char **ret_reason)
{
	for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
		if (algorithms[i].id != algorithm_id)
			continue;
		if (algorithms[i].key_size == 0)
			return refuse(FK_EUNSUPPORTED, algorithms[i].reason, ret_reason);
		*ret_key_size = algorithms[i].key_size;
		return FK_OK;
	}
	return refuse(FK_EINVAL, "algorithm ID is none of the P25 algorithms known here",
		      ret_reason);
}

static enum fk_err sizes_check(size_t kek_size, size_t key_size, const char **ret_reason)
{
	if (kek_size == 24)
		return refuse(FK_EUNSUPPORTED,
			      "KEK has 24 octets: AES-192 and Triple DES are not supported",
			      ret_reason);
	if (kek_size != 16 && kek_size != 32)
		return refuse(FK_EINVAL, "KEK has neither 16 octets (AES-128) nor 32 (AES-256)",
			      ret_reason);
	if (key_size == 24)
		return refuse(FK_EUNSUPPORTED,
			      "key has 24 octets: AES-192 and Triple DES are not supported",
			      ret_reason);
	if (key_size != 16 && key_size != 32)
		return refuse(FK_EINVAL, "key has neither 16 octets (AES-128) nor 32 (AES-256)",
			      ret_reason);
	return FK_OK;
}

/* What stands in memory while one key walks. */
struct walk {
	struct fk_aes_schedule schedule;
	uint8_t block[FK_AES_BLOCK]; /* A, then the half in turn */
	uint8_t halves[HALVES_MAX][HALF_SIZE];
};

static FK_NOINLINE void walk_wrap(struct walk *w, uint32_t n)
{
	memset(w->block, 0xa6, HALF_SIZE);
	for (uint32_t t = 1; t <= PASSES * n; t++) {
		uint8_t *half = w->halves[(t - 1) % n];

		memcpy(w->block + HALF_SIZE, half, HALF_SIZE);
		fk_aes_block_encrypt(&w->schedule, w->block);
		w->block[HALF_SIZE - 1] ^= (uint8_t)t;
		memcpy(half, w->block + HALF_SIZE, HALF_SIZE);
	}
}

static FK_NOINLINE void walk_unwrap(struct walk *w, uint32_t n)
{
	for (uint32_t t = PASSES * n; t >= 1; t--) {
		uint8_t *half = w->halves[(t - 1) % n];

		w->block[HALF_SIZE - 1] ^= (uint8_t)t;
		memcpy(w->block + HALF_SIZE, half, HALF_SIZE);
		fk_aes_block_decrypt(&w->schedule, w->block);
		memcpy(half, w->block + HALF_SIZE, HALF_SIZE);
	}
}

enum fk_err fk_key_wrap(const uint8_t *kek, size_t kek_size, const uint8_t *key, size_t key_size,
			uint8_t *ret_wrapped, const char **ret_reason)
{
	enum fk_err err = sizes_check(kek_size, key_size, ret_reason);
	struct walk w;

	if (err != FK_OK)
		return err;
	fk_aes_schedule_init(&w.schedule, kek, kek_size);
	memcpy(w.halves, key, key_size);
	walk_wrap(&w, (uint32_t)key_size / HALF_SIZE);
	memcpy(ret_wrapped, w.block, HALF_SIZE);
	memcpy(ret_wrapped + HALF_SIZE, w.halves, key_size);
	fk_wipe(&w, sizeof(w));
	fk_residue_wipe_deep();
	return FK_OK;
}

enum fk_err fk_key_unwrap(const uint8_t *kek, size_t kek_size, const uint8_t *wrapped,
			  size_t wrapped_size, uint8_t *ret_key, const char **ret_reason)
{
	static const uint8_t iv[HALF_SIZE] = {0xa6, 0xa6, 0xa6, 0xa6, 0xa6, 0xa6, 0xa6, 0xa6};
	size_t key_size = wrapped_size - HALF_SIZE;
	struct walk w;
	enum fk_err err;

	if (wrapped_size < HALF_SIZE)
		return refuse(FK_EINVAL, "wrapped key is shorter than its integrity value",
			      ret_reason);
	err = sizes_check(kek_size, key_size, ret_reason);
	if (err != FK_OK)
		return err;
	fk_aes_schedule_init(&w.schedule, kek, kek_size);
	memcpy(w.block, wrapped, HALF_SIZE);
	memcpy(w.halves, wrapped + HALF_SIZE, key_size);
	walk_unwrap(&w, (uint32_t)key_size / HALF_SIZE);
	if (fk_ct_equal(w.block, iv, sizeof(iv)))
		memcpy(ret_key, w.halves, key_size);
	else
		err = refuse(FK_EAUTH, "wrapped key is not authentic under this KEK", ret_reason);
	fk_wipe(&w, sizeof(w));
	fk_residue_wipe_deep();
	return err;
}
