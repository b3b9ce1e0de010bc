/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kmm_body.c - the bodies of commands about keys, and of their answers.
 */
#include <string.h>

#include <fleetkey/kmm.h>

#include "kmm_frame.h"

/* spec: P25 sheet 2.5, decryption instruction format */
#define INSTRUCTION_PLAIN  0x00
#define INSTRUCTION_HAS_MI 0x40
#define MI_SIZE		   9

/* spec: P25 sheet 1.5 Rekey-Command, keyset format */
#define KEYSET_TEK 0x00
#define KEYSET_KEK 0x80

/* spec: P25 sheet 2.4, key format; what bit 6 adds to the layout is not established */
#define KEY_FORMAT_UNKNOWN   0x40
#define KEY_FORMAT_NAME_MASK 0x1f

#define INVENTORY_INACTIVE_KEY_IDS 0x05

#define REKEY_HEAD_SIZE	   10 /* octets: what stands before the key items */
#define KEY_ITEM_HEAD_SIZE 5  /* octets of an item before its key */

static bool keyset_format_is_known(uint8_t format)
{
	return format == KEYSET_TEK || format == KEYSET_KEK;
}

static bool rekey_is_encodable(const struct fk_kmm_rekey_command *rekey)
{
	if (rekey->n_keys == 0 || rekey->n_keys > FK_KMM_KEYS_MAX || rekey->key_length == 0)
		return false;
	if (!keyset_format_is_known(rekey->keyset_format))
		return false;
	/* struct fk_kmm_key_item has no name to write, so none may be announced. */
	for (uint32_t i = 0; i < rekey->n_keys; i++)
		if ((rekey->keys[i].key_format & (KEY_FORMAT_UNKNOWN | KEY_FORMAT_NAME_MASK)) != 0)
			return false;
	return true;
}

/* Nearly all keys are wrapped AES-256 ones: their copy needs no call. */
static void key_put(struct fk_wire_writer *w, const uint8_t *key, uint8_t key_length)
{
	if (key_length == FK_KMM_WRAPPED_SIZE)
		fk_wire_put_bytes(w, key, FK_KMM_WRAPPED_SIZE);
	else
		fk_wire_put_bytes(w, key, key_length);
}

enum fk_err fk_kmm_encode_rekey_command(const struct fk_kmm_header *header,
					const struct fk_kmm_rekey_command *rekey, uint8_t *buf,
					size_t cap, size_t *ret_size)
{
	struct fk_wire_writer w, part;
	enum fk_err err;

	if (!rekey_is_encodable(rekey))
		return FK_EINVAL;
	err = fk_kmm_frame_begin(header, FK_KMM_REKEY_COMMAND, buf, cap, &w);
	if (err != FK_OK)
		return err;
	if (!fk_wire_part(&w, REKEY_HEAD_SIZE, &part))
		return FK_EFULL;

	/* spec: P25 sheet 1.5 Rekey-Command, one keyset */
	fk_wire_put_u8(&part, INSTRUCTION_PLAIN);
	fk_wire_put_u8(&part, rekey->decryption_algorithm_id);
	fk_wire_put_u16(&part, rekey->decryption_key_id);
	fk_wire_put_u8(&part, 1); /* keysets */
	fk_wire_put_u8(&part, rekey->keyset_format);
	fk_wire_put_u8(&part, rekey->keyset_id);
	fk_wire_put_u8(&part, rekey->algorithm_id);
	fk_wire_put_u8(&part, rekey->key_length);
	fk_wire_put_u8(&part, rekey->n_keys);
	for (uint32_t i = 0; i < rekey->n_keys; i++) {
		const struct fk_kmm_key_item *item = &rekey->keys[i];

		if (!fk_wire_part(&w, KEY_ITEM_HEAD_SIZE, &part))
			return FK_EFULL;
		fk_wire_put_u8(&part, item->key_format);
		fk_wire_put_u16(&part, item->sln);
		fk_wire_put_u16(&part, item->key_id);
		key_put(&w, item->key, rekey->key_length);
	}
	return fk_kmm_frame_end(header, &w, ret_size);
}

/* Key items of one keyset. spec: P25 sheet 2.4 */
static enum fk_err read_key_items(struct fk_wire_reader *r, struct fk_kmm_rekey_command *rekey)
{
	for (uint32_t i = 0; i < rekey->n_keys; i++) {
		struct fk_kmm_key_item item;

		item.key_format = fk_wire_get_u8(r);
		item.sln = fk_wire_get_u16(r);
		item.key_id = fk_wire_get_u16(r);
		item.key = fk_wire_get_bytes(r, rekey->key_length);
		/* The name is the operator's label for a key; nothing here needs it. */
		(void)fk_wire_get_bytes(r, item.key_format & KEY_FORMAT_NAME_MASK);
		if (r->failed)
			return FK_ETRUNC;
		if ((item.key_format & KEY_FORMAT_UNKNOWN) != 0 || i >= FK_KMM_KEYS_MAX)
			return FK_EUNSUPPORTED;
		rekey->keys[i] = item;
	}
	return FK_OK;
}

enum fk_err fk_kmm_decode_rekey_command(const struct fk_kmm_frame *frame,
					struct fk_kmm_rekey_command *ret_rekey)
{
	struct fk_wire_reader r = fk_wire_reader(frame->body, frame->body_size);
	struct fk_kmm_rekey_command rekey = {0};
	uint8_t instruction_format, n_keysets;
	enum fk_err err;

	if (frame->header.message_id != FK_KMM_REKEY_COMMAND)
		return FK_EINVAL;

	/* spec: P25 sheet 1.5 Rekey-Command */
	instruction_format = fk_wire_get_u8(&r);
	if (!r.failed && instruction_format != INSTRUCTION_PLAIN &&
	    instruction_format != INSTRUCTION_HAS_MI)
		return FK_EUNSUPPORTED;
	rekey.decryption_algorithm_id = fk_wire_get_u8(&r);
	rekey.decryption_key_id = fk_wire_get_u16(&r);
	if (instruction_format == INSTRUCTION_HAS_MI)
		(void)fk_wire_get_bytes(&r, MI_SIZE); /* AES key wrap uses none: P25 sheet 3.2 */
	n_keysets = fk_wire_get_u8(&r);
	rekey.keyset_format = fk_wire_get_u8(&r);
	rekey.keyset_id = fk_wire_get_u8(&r);
	rekey.algorithm_id = fk_wire_get_u8(&r);
	rekey.key_length = fk_wire_get_u8(&r);
	rekey.n_keys = fk_wire_get_u8(&r);
	if (r.failed)
		return FK_ETRUNC;
	if (n_keysets == 0 || (rekey.n_keys > 0 && rekey.key_length == 0))
		return FK_EFORMAT;
	if (n_keysets > 1 || !keyset_format_is_known(rekey.keyset_format))
		return FK_EUNSUPPORTED;
	err = read_key_items(&r, &rekey);
	if (err == FK_OK)
		err = fk_kmm_body_end(&r);
	if (err != FK_OK)
		return err;
	*ret_rekey = rekey;
	return FK_OK;
}

enum fk_err fk_kmm_encode_rekey_ack(const struct fk_kmm_header *header,
				    const struct fk_kmm_rekey_ack *ack, uint8_t *buf, size_t cap,
				    size_t *ret_size)
{
	struct fk_wire_writer w;
	enum fk_err err;

	if (ack->n_statuses > FK_KMM_KEYS_MAX)
		return FK_EINVAL;
	err = fk_kmm_frame_begin(header, FK_KMM_REKEY_ACK, buf, cap, &w);
	if (err != FK_OK)
		return err;

	/* spec: P25 sheet 1.5 Rekey-Acknowledgment */
	fk_wire_put_u8(&w, ack->acknowledged_message_id);
	fk_wire_put_u8(&w, ack->n_statuses);
	for (uint32_t i = 0; i < ack->n_statuses; i++) {
		fk_wire_put_u8(&w, ack->statuses[i].algorithm_id);
		fk_wire_put_u16(&w, ack->statuses[i].key_id);
		fk_wire_put_u8(&w, ack->statuses[i].status);
	}
	return fk_kmm_frame_end(header, &w, ret_size);
}

enum fk_err fk_kmm_decode_rekey_ack(const struct fk_kmm_frame *frame,
				    struct fk_kmm_rekey_ack *ret_ack)
{
	struct fk_wire_reader r = fk_wire_reader(frame->body, frame->body_size);
	struct fk_kmm_rekey_ack ack = {0};
	uint8_t n_statuses;
	enum fk_err err;

	if (frame->header.message_id != FK_KMM_REKEY_ACK)
		return FK_EINVAL;

	/* spec: P25 sheet 1.5 Rekey-Acknowledgment */
	ack.acknowledged_message_id = fk_wire_get_u8(&r);
	n_statuses = fk_wire_get_u8(&r);
	for (uint32_t i = 0; i < n_statuses; i++) {
		struct fk_kmm_key_status status;

		status.algorithm_id = fk_wire_get_u8(&r);
		status.key_id = fk_wire_get_u16(&r);
		status.status = fk_wire_get_u8(&r);
		if (i < FK_KMM_KEYS_MAX)
			ack.statuses[i] = status;
	}
	err = fk_kmm_body_end(&r);
	if (err != FK_OK)
		return err;
	if (n_statuses > FK_KMM_KEYS_MAX)
		return FK_EUNSUPPORTED;
	ack.n_statuses = n_statuses;
	*ret_ack = ack;
	return FK_OK;
}

enum fk_err fk_kmm_encode_negative_ack(const struct fk_kmm_header *header,
				       const struct fk_kmm_negative_ack *nack, uint8_t *buf,
				       size_t cap, size_t *ret_size)
{
	struct fk_wire_writer w;
	enum fk_err err = fk_kmm_frame_begin(header, FK_KMM_NEGATIVE_ACK, buf, cap, &w);

	if (err != FK_OK)
		return err;

	/* spec: P25 sheet 1.5 Negative-Acknowledgment */
	fk_wire_put_u8(&w, nack->acknowledged_message_id);
	fk_wire_put_u16(&w, nack->acknowledged_message_number);
	fk_wire_put_u8(&w, nack->status);
	return fk_kmm_frame_end(header, &w, ret_size);
}

enum fk_err fk_kmm_decode_negative_ack(const struct fk_kmm_frame *frame,
				       struct fk_kmm_negative_ack *ret_nack)
{
	struct fk_wire_reader r = fk_wire_reader(frame->body, frame->body_size);
	struct fk_kmm_negative_ack nack;
	enum fk_err err;

	if (frame->header.message_id != FK_KMM_NEGATIVE_ACK)
		return FK_EINVAL;

	/* spec: P25 sheet 1.5 Negative-Acknowledgment */
	nack.acknowledged_message_id = fk_wire_get_u8(&r);
	nack.acknowledged_message_number = fk_wire_get_u16(&r);
	nack.status = fk_wire_get_u8(&r);
	err = fk_kmm_body_end(&r);
	if (err != FK_OK)
		return err;
	*ret_nack = nack;
	return FK_OK;
}

static bool inventory_type_is_known(uint8_t type)
{
	return type == FK_INVENTORY_ACTIVE_KEY_IDS || type == INVENTORY_INACTIVE_KEY_IDS;
}

enum fk_err fk_kmm_encode_inventory_command(const struct fk_kmm_header *header,
					    uint8_t inventory_type, uint8_t *buf, size_t cap,
					    size_t *ret_size)
{
	struct fk_wire_writer w;
	enum fk_err err;

	if (!inventory_type_is_known(inventory_type))
		return FK_EINVAL;
	err = fk_kmm_frame_begin(header, FK_KMM_INVENTORY_COMMAND, buf, cap, &w);
	if (err != FK_OK)
		return err;
	fk_wire_put_u8(&w, inventory_type); /* spec: P25 sheet 1.5 Inventory-Command */
	return fk_kmm_frame_end(header, &w, ret_size);
}

enum fk_err fk_kmm_decode_inventory_command(const struct fk_kmm_frame *frame,
					    uint8_t *ret_inventory_type)
{
	struct fk_wire_reader r = fk_wire_reader(frame->body, frame->body_size);
	uint8_t inventory_type;
	enum fk_err err;

	if (frame->header.message_id != FK_KMM_INVENTORY_COMMAND)
		return FK_EINVAL;
	inventory_type = fk_wire_get_u8(&r);
	if (!r.failed && !inventory_type_is_known(inventory_type))
		return FK_EUNSUPPORTED; /* and may have parameters that are not known here */
	err = fk_kmm_body_end(&r);
	if (err != FK_OK)
		return err;
	*ret_inventory_type = inventory_type;
	return FK_OK;
}

/* How many items from 'at' on share keyset and algorithm: they stand in one wire item. */
static uint32_t inventory_run(const struct fk_kmm_inventory *inventory, uint32_t at)
{
	const struct fk_kmm_inventory_item *first = &inventory->items[at];
	uint32_t n = 1;

	while (at + n < inventory->n_items &&
	       inventory->items[at + n].keyset_id == first->keyset_id &&
	       inventory->items[at + n].algorithm_id == first->algorithm_id)
		n++;
	return n;
}

enum fk_err fk_kmm_encode_inventory_response(const struct fk_kmm_header *header,
					     const struct fk_kmm_inventory *inventory, uint8_t *buf,
					     size_t cap, size_t *ret_size)
{
	struct fk_wire_writer w;
	uint16_t n_runs = 0;
	enum fk_err err;

	if (inventory->n_items > FK_KMM_INVENTORY_MAX ||
	    !inventory_type_is_known(inventory->inventory_type))
		return FK_EINVAL;
	err = fk_kmm_frame_begin(header, FK_KMM_INVENTORY_RESPONSE, buf, cap, &w);
	if (err != FK_OK)
		return err;

	/* spec: P25 sheet 1.5 Inventory types 04 and 05, response */
	for (uint32_t i = 0; i < inventory->n_items; i += inventory_run(inventory, i))
		n_runs++;
	fk_wire_put_u8(&w, inventory->inventory_type);
	fk_wire_put_u16(&w, n_runs);
	for (uint32_t i = 0; i < inventory->n_items;) {
		uint32_t n = inventory_run(inventory, i);

		fk_wire_put_u8(&w, inventory->items[i].keyset_id);
		fk_wire_put_u8(&w, inventory->items[i].algorithm_id);
		fk_wire_put_u8(&w, (uint8_t)n);
		for (; n > 0; n--, i++)
			fk_wire_put_u16(&w, inventory->items[i].key_id);
	}
	return fk_kmm_frame_end(header, &w, ret_size);
}

enum fk_err fk_kmm_decode_inventory_response(const struct fk_kmm_frame *frame,
					     struct fk_kmm_inventory *ret_inventory)
{
	struct fk_wire_reader r = fk_wire_reader(frame->body, frame->body_size);
	struct fk_kmm_inventory inventory; /* large, so only what is read of it is copied */
	uint32_t n_items = 0;
	uint16_t n_runs;
	enum fk_err err;

	if (frame->header.message_id != FK_KMM_INVENTORY_RESPONSE)
		return FK_EINVAL;

	/* spec: P25 sheet 1.5 Inventory types 04 and 05, response */
	inventory.inventory_type = fk_wire_get_u8(&r);
	if (!r.failed && !inventory_type_is_known(inventory.inventory_type))
		return FK_EUNSUPPORTED;
	n_runs = fk_wire_get_u16(&r);
	for (uint32_t i = 0; i < n_runs && !r.failed; i++) {
		struct fk_kmm_inventory_item item;
		uint8_t n_key_ids;

		item.keyset_id = fk_wire_get_u8(&r);
		item.algorithm_id = fk_wire_get_u8(&r);
		n_key_ids = fk_wire_get_u8(&r);
		for (uint32_t j = 0; j < n_key_ids; j++, n_items++) {
			item.key_id = fk_wire_get_u16(&r);
			if (n_items < FK_KMM_INVENTORY_MAX)
				inventory.items[n_items] = item;
		}
	}
	err = fk_kmm_body_end(&r);
	if (err != FK_OK)
		return err;
	if (n_items > FK_KMM_INVENTORY_MAX)
		return FK_EUNSUPPORTED;
	ret_inventory->inventory_type = inventory.inventory_type;
	ret_inventory->n_items = (uint16_t)n_items;
	memcpy(ret_inventory->items, inventory.items, n_items * sizeof(inventory.items[0]));
	return FK_OK;
}

static bool is_changeover(uint8_t message_id)
{
	return message_id == FK_KMM_CHANGEOVER_COMMAND || message_id == FK_KMM_CHANGEOVER_RESPONSE;
}

enum fk_err fk_kmm_encode_changeover(const struct fk_kmm_header *header,
				     enum fk_kmm_message_id message_id,
				     const struct fk_kmm_changeover_pair *pair, uint8_t *buf,
				     size_t cap, size_t *ret_size)
{
	struct fk_wire_writer w;
	enum fk_err err;

	if (!is_changeover((uint8_t)message_id))
		return FK_EINVAL;
	err = fk_kmm_frame_begin(header, (uint8_t)message_id, buf, cap, &w);
	if (err != FK_OK)
		return err;

	/* spec: P25 sheet 1.5 Changeover-Command, one instruction */
	fk_wire_put_u8(&w, 1);
	fk_wire_put_u8(&w, pair->superseded_keyset_id);
	fk_wire_put_u8(&w, pair->activated_keyset_id);
	return fk_kmm_frame_end(header, &w, ret_size);
}

enum fk_err fk_kmm_decode_changeover(const struct fk_kmm_frame *frame,
				     struct fk_kmm_changeover_pair *ret_pair)
{
	struct fk_wire_reader r = fk_wire_reader(frame->body, frame->body_size);
	struct fk_kmm_changeover_pair pair;
	uint8_t n_instructions;
	enum fk_err err;

	if (!is_changeover(frame->header.message_id))
		return FK_EINVAL;

	/* spec: P25 sheet 1.5 Changeover-Command and -Response */
	n_instructions = fk_wire_get_u8(&r);
	pair.superseded_keyset_id = fk_wire_get_u8(&r);
	pair.activated_keyset_id = fk_wire_get_u8(&r);
	if (n_instructions > 1)
		(void)fk_wire_get_bytes(&r, (size_t)(n_instructions - 1) * 2);
	err = fk_kmm_body_end(&r);
	if (err != FK_OK)
		return err;
	if (n_instructions == 0)
		return FK_EFORMAT;
	if (n_instructions > 1)
		return FK_EUNSUPPORTED;
	*ret_pair = pair;
	return FK_OK;
}

/* What a command and its response differ in. */
static bool is_one_of(uint8_t message_id, enum fk_kmm_message_id command,
		      enum fk_kmm_message_id response)
{
	return message_id == command || message_id == response;
}

enum fk_err fk_kmm_encode_delete_key(const struct fk_kmm_header *header,
				     enum fk_kmm_message_id message_id,
				     const struct fk_kmm_delete_key_list *list, uint8_t *buf,
				     size_t cap, size_t *ret_size)
{
	bool is_response = message_id == FK_KMM_DELETE_KEY_RESPONSE;
	struct fk_wire_writer w;
	enum fk_err err;

	if (!is_one_of((uint8_t)message_id, FK_KMM_DELETE_KEY_COMMAND,
		       FK_KMM_DELETE_KEY_RESPONSE) ||
	    list->n_keys == 0 || list->n_keys > FK_KMM_KEYS_MAX)
		return FK_EINVAL;
	err = fk_kmm_frame_begin(header, (uint8_t)message_id, buf, cap, &w);
	if (err != FK_OK)
		return err;

	/* spec: P25 sheet 1.5 Delete-Key-Command and -Response */
	fk_wire_put_u8(&w, list->n_keys);
	for (uint32_t i = 0; i < list->n_keys; i++) {
		fk_wire_put_u8(&w, list->keys[i].algorithm_id);
		fk_wire_put_u16(&w, list->keys[i].key_id);
		if (is_response)
			fk_wire_put_u8(&w, list->keys[i].status);
	}
	return fk_kmm_frame_end(header, &w, ret_size);
}

enum fk_err fk_kmm_decode_delete_key(const struct fk_kmm_frame *frame,
				     struct fk_kmm_delete_key_list *ret_list)
{
	bool is_response = frame->header.message_id == FK_KMM_DELETE_KEY_RESPONSE;
	struct fk_wire_reader r = fk_wire_reader(frame->body, frame->body_size);
	struct fk_kmm_delete_key_list list;
	uint8_t n_keys;
	enum fk_err err;

	if (!is_one_of(frame->header.message_id, FK_KMM_DELETE_KEY_COMMAND,
		       FK_KMM_DELETE_KEY_RESPONSE))
		return FK_EINVAL;

	/* spec: P25 sheet 1.5 Delete-Key-Command and -Response */
	n_keys = fk_wire_get_u8(&r);
	for (uint32_t i = 0; i < n_keys; i++) {
		struct fk_kmm_key_status key = {.algorithm_id = fk_wire_get_u8(&r)};

		key.key_id = fk_wire_get_u16(&r);
		if (is_response)
			key.status = fk_wire_get_u8(&r);
		if (i < FK_KMM_KEYS_MAX)
			list.keys[i] = key;
	}
	err = fk_kmm_body_end(&r);
	if (err != FK_OK)
		return err;
	if (n_keys == 0)
		return FK_EFORMAT;
	if (n_keys > FK_KMM_KEYS_MAX)
		return FK_EUNSUPPORTED;
	list.n_keys = n_keys;
	*ret_list = list;
	return FK_OK;
}

enum fk_err fk_kmm_encode_delete_keyset(const struct fk_kmm_header *header,
					enum fk_kmm_message_id message_id,
					const struct fk_kmm_delete_keyset_one *one, uint8_t *buf,
					size_t cap, size_t *ret_size)
{
	struct fk_wire_writer w;
	enum fk_err err;

	if (!is_one_of((uint8_t)message_id, FK_KMM_DELETE_KEYSET_COMMAND,
		       FK_KMM_DELETE_KEYSET_RESPONSE))
		return FK_EINVAL;
	err = fk_kmm_frame_begin(header, (uint8_t)message_id, buf, cap, &w);
	if (err != FK_OK)
		return err;

	/* spec: P25 sheet 1.5 Delete-Keyset-Command and -Response, one keyset */
	fk_wire_put_u8(&w, 1);
	fk_wire_put_u8(&w, one->keyset_id);
	if (message_id == FK_KMM_DELETE_KEYSET_RESPONSE)
		fk_wire_put_u8(&w, one->status);
	return fk_kmm_frame_end(header, &w, ret_size);
}

enum fk_err fk_kmm_decode_delete_keyset(const struct fk_kmm_frame *frame,
					struct fk_kmm_delete_keyset_one *ret_one)
{
	bool is_response = frame->header.message_id == FK_KMM_DELETE_KEYSET_RESPONSE;
	struct fk_wire_reader r = fk_wire_reader(frame->body, frame->body_size);
	struct fk_kmm_delete_keyset_one one = {.status = FK_KMM_STATUS_PERFORMED};
	uint8_t n_keysets;
	enum fk_err err;

	if (!is_one_of(frame->header.message_id, FK_KMM_DELETE_KEYSET_COMMAND,
		       FK_KMM_DELETE_KEYSET_RESPONSE))
		return FK_EINVAL;

	/* spec: P25 sheet 1.5 Delete-Keyset-Command and -Response */
	n_keysets = fk_wire_get_u8(&r);
	one.keyset_id = fk_wire_get_u8(&r);
	if (is_response)
		one.status = fk_wire_get_u8(&r);
	if (n_keysets > 1)
		(void)fk_wire_get_bytes(&r, (size_t)(n_keysets - 1) * (is_response ? 2 : 1));
	err = fk_kmm_body_end(&r);
	if (err != FK_OK)
		return err;
	if (n_keysets == 0)
		return FK_EFORMAT;
	if (n_keysets > 1)
		return FK_EUNSUPPORTED;
	*ret_one = one;
	return FK_OK;
}

static bool is_empty(uint8_t message_id)
{
	return message_id == FK_KMM_ZEROIZE_COMMAND || message_id == FK_KMM_ZEROIZE_RESPONSE ||
	       message_id == FK_KMM_NO_SERVICE;
}

enum fk_err fk_kmm_encode_empty(const struct fk_kmm_header *header,
				enum fk_kmm_message_id message_id, uint8_t *buf, size_t cap,
				size_t *ret_size)
{
	struct fk_wire_writer w;
	enum fk_err err;

	if (!is_empty((uint8_t)message_id))
		return FK_EINVAL;
	err = fk_kmm_frame_begin(header, (uint8_t)message_id, buf, cap, &w);
	if (err != FK_OK)
		return err;

	/* spec: P25 sheet 1.5: 0 octets */
	return fk_kmm_frame_end(header, &w, ret_size);
}

enum fk_err fk_kmm_decode_empty(const struct fk_kmm_frame *frame)
{
	if (!is_empty(frame->header.message_id))
		return FK_EINVAL;
	return frame->body_size == 0 ? FK_OK : FK_EFORMAT;
}
