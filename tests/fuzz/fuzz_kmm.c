/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_kmm.c - whatever decodes is bounded, and what was decoded encodes to a frame that decodes to
 * the same.
 */
#include <stdlib.h>
#include <string.h>

#include <fleetkey/kmm.h>

#include "wire/kmm_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_rekey_command(const struct fk_kmm_frame *frame)
{
	struct fk_kmm_rekey_command rekey, again;
	struct fk_kmm_frame built;
	uint8_t buf[FK_KMM_SIZE_MAX];
	size_t size;

	if (fk_kmm_decode_rekey_command(frame, &rekey) != FK_OK)
		return;
	require(rekey.n_keys <= FK_KMM_KEYS_MAX);
	for (uint32_t i = 0; i < rekey.n_keys; i++)
		require(rekey.keys[i].key >= frame->body &&
			rekey.keys[i].key + rekey.key_length <= frame->body + frame->body_size);
	if (fk_kmm_encode_rekey_command(&frame->header, &rekey, buf, sizeof(buf), &size) != FK_OK)
		return; /* key names, or no key at all */
	require(fk_kmm_decode(buf, size, &built) == FK_OK && built.size == size);
	require(fk_kmm_decode_rekey_command(&built, &again) == FK_OK);
	require(again.n_keys == rekey.n_keys && again.key_length == rekey.key_length);
	for (uint32_t i = 0; i < rekey.n_keys; i++)
		require(memcmp(again.keys[i].key, rekey.keys[i].key, rekey.key_length) == 0);
}

static void check_rekey_ack(const struct fk_kmm_frame *frame)
{
	struct fk_kmm_rekey_ack ack;
	struct fk_kmm_frame built;
	uint8_t buf[FK_KMM_SIZE_MAX];
	size_t size;

	if (fk_kmm_decode_rekey_ack(frame, &ack) != FK_OK)
		return;
	require(fk_kmm_encode_rekey_ack(&frame->header, &ack, buf, sizeof(buf), &size) == FK_OK);
	require(fk_kmm_decode(buf, size, &built) == FK_OK);
	require(built.body_size == frame->body_size &&
		memcmp(built.body, frame->body, built.body_size) == 0);
}

static void check_inventory(const struct fk_kmm_frame *frame)
{
	struct fk_kmm_inventory inventory, again;
	struct fk_kmm_frame built;
	uint8_t buf[FK_KMM_SIZE_MAX];
	size_t size;

	if (fk_kmm_decode_inventory_response(frame, &inventory) != FK_OK)
		return;
	require(fk_kmm_encode_inventory_response(&frame->header, &inventory, buf, sizeof(buf),
						 &size) == FK_OK);
	require(fk_kmm_decode(buf, size, &built) == FK_OK);
	require(fk_kmm_decode_inventory_response(&built, &again) == FK_OK);
	require(again.inventory_type == inventory.inventory_type &&
		again.n_items == inventory.n_items &&
		memcmp(again.items, inventory.items,
		       inventory.n_items * sizeof(inventory.items[0])) == 0);
}

/* Every layout, under every profile: an error has a place, and a message encodes to its body. */
static void check_message(const uint8_t *data, size_t size, uint32_t profile)
{
	static struct fk_kmm_message message, again;
	struct fk_kmm_error error = {.offset = SIZE_MAX};
	struct fk_kmm_frame was, is;
	uint8_t buf[FK_KMM_SIZE_MAX];
	size_t built_size;

	if (fk_kmm_message_decode(data, size, profile, &message, &error) != FK_OK) {
		require(error.offset <= size && error.field != NULL && error.reason != NULL);
		return;
	}
	require(fk_kmm_decode(data, size, &was) == FK_OK);
	require(fk_kmm_message_encode(&message, profile, buf, sizeof(buf), &built_size, &error) ==
		FK_OK);
	require(fk_kmm_decode(buf, built_size, &is) == FK_OK);
	require(is.size == was.size && is.body_size == was.body_size);
	require(is.body_size == 0 || memcmp(is.body, was.body, is.body_size) == 0);
	require(fk_kmm_message_decode(buf, built_size, profile, &again, &error) == FK_OK);
}

/* The messages of a few octets: what is taken is what stands there. */
static void check_small(const struct fk_kmm_frame *frame)
{
	struct fk_kmm_delete_keyset_one one;
	struct fk_kmm_delete_key_list list;
	struct fk_kmm_changeover_pair pair;
	struct fk_kmm_warm_start start;
	struct fk_kmm_unable unable;
	uint8_t flag, format;
	uint32_t rsi;

	if (fk_kmm_decode_warm_start(frame, &start) == FK_OK)
		require(frame->body_size == 51 && start.key == frame->body + 11);
	if (fk_kmm_decode_unable(frame, &unable) == FK_OK)
		require(frame->body_size == 6 && unable.status == frame->body[5]);

	if (fk_kmm_decode_registration(frame, &format, &rsi) == FK_OK)
		require(frame->body_size == 4 && (format & FK_KMM_BODY_HAS_KEY) == 0 &&
			rsi <= 0xffffff);
	if (fk_kmm_decode_registration_response(frame, &flag) == FK_OK)
		require(frame->body_size == 1 && flag == frame->body[0]);
	if (fk_kmm_decode_hello(frame, &flag) == FK_OK)
		require(frame->body_size == 1 && flag == frame->body[0] && flag <= 2);
	if (fk_kmm_decode_empty(frame) == FK_OK)
		require(frame->body_size == 0);
	if (fk_kmm_decode_changeover(frame, &pair) == FK_OK)
		require(frame->body_size == 3 && pair.activated_keyset_id == frame->body[2]);
	if (fk_kmm_decode_delete_key(frame, &list) == FK_OK)
		require(list.n_keys == frame->body[0] && list.n_keys <= FK_KMM_KEYS_MAX);
	if (fk_kmm_decode_delete_keyset(frame, &one) == FK_OK)
		require(frame->body[0] == 1 && one.keyset_id == frame->body[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fk_kmm_preamble preamble;
	struct fk_kmm_negative_ack nack;
	struct fk_kmm_frame frame;
	uint8_t type;

	if (fk_kmm_preamble_decode(data, size, &preamble) == FK_OK)
		require(preamble.version == 0 && preamble.mfid == 0);
	for (uint32_t profile = 0; profile < 4; profile++)
		check_message(data, size, profile);
	if (fk_kmm_decode(data, size, &frame) != FK_OK)
		return 0;
	require(frame.size <= size && frame.size <= FK_KMM_SIZE_MAX);
	require(frame.body >= data && frame.body + frame.body_size <= data + frame.size);
	check_rekey_command(&frame);
	check_rekey_ack(&frame);
	check_inventory(&frame);
	check_small(&frame);
	if (fk_kmm_decode_negative_ack(&frame, &nack) == FK_OK)
		require(frame.body_size == 4 && nack.status == frame.body[3]);
	if (fk_kmm_decode_inventory_command(&frame, &type) == FK_OK)
		require(frame.body_size >= 1 && type == frame.body[0]);
	return 0;
}
