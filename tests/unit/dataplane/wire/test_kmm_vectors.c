/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_kmm_vectors.c - every case of tests/vectors/p25-*.json that the five messages meet.
 */
#include <criterion/criterion.h>
#include <jansson.h>

#include <fleetkey/kmm.h>

#include "support.h"

struct octets {
	uint8_t at[1024];
	size_t size;
};

static json_t *load(const char *name)
{
	json_error_t error;
	char path[1024];
	json_t *root;

	snprintf(path, sizeof(path), "%s/%s", FK_VECTORS_DIR, name);
	root = json_load_file(path, 0, &error);
	cr_assert_not_null(root, "%s: %s", path, error.text);
	return root;
}

static struct octets unhex(const char *hex)
{
	struct octets o = {.size = strlen(hex) / 2};

	cr_assert_leq(o.size, sizeof(o.at));
	for (size_t i = 0; i < o.size; i++) {
		unsigned int v;

		cr_assert_eq(sscanf(hex + 2 * i, "%2x", &v), 1);
		o.at[i] = (uint8_t)v;
	}
	return o;
}

static const char *text(const json_t *o, const char *key)
{
	const char *value = json_string_value(json_object_get(o, key));

	cr_assert_not_null(value, "%s", key);
	return value;
}

static uint64_t number(const json_t *o, const char *key)
{
	json_t *value = json_object_get(o, key);

	cr_assert(json_is_integer(value), "%s", key);
	return (uint64_t)json_integer_value(value);
}

static bool is_ours(uint64_t message_id)
{
	return message_id == FK_KMM_INVENTORY_COMMAND || message_id == FK_KMM_INVENTORY_RESPONSE ||
	       message_id == FK_KMM_NEGATIVE_ACK || message_id == FK_KMM_REKEY_ACK ||
	       message_id == FK_KMM_REKEY_COMMAND;
}

static void expect_header(const json_t *fields, const struct fk_kmm_frame *frame, const char *name)
{
	const struct fk_kmm_header *h = &frame->header;
	const json_t *mac = json_object_get(fields, "mac");

	cr_assert_eq(h->message_id, number(fields, "message_id"), "%s", name);
	cr_assert_eq(h->message_length, number(fields, "message_length"), "%s", name);
	cr_assert_eq(frame->size, number(fields, "total_octets"), "%s", name);
	cr_assert_eq(h->response_kind, number(fields, "response_kind"), "%s", name);
	cr_assert_eq(h->destination_rsi, number(fields, "destination_rsi"), "%s", name);
	cr_assert_eq(h->source_rsi, number(fields, "source_rsi"), "%s", name);
	cr_assert_eq(h->done, number(fields, "done_bit"), "%s", name);
	cr_assert_eq(h->has_message_number,
		     json_is_true(json_object_get(fields, "message_number_present")), "%s", name);
	if (h->has_message_number)
		cr_assert_eq(h->message_number, number(fields, "message_number"), "%s", name);
	cr_assert_eq(h->has_mac, number(fields, "mac_type") == 2, "%s", name);
	if (h->has_mac) {
		struct octets octets = unhex(text(mac, "mac_hex"));

		cr_assert_eq(octets.size, FK_KMM_MAC_SIZE);
		cr_assert_arr_eq(h->mac.mac, octets.at, FK_KMM_MAC_SIZE, "%s", name);
		cr_assert_eq(h->mac.algorithm_id, number(mac, "algorithm_id"), "%s", name);
		cr_assert_eq(h->mac.key_id, number(mac, "key_id"), "%s", name);
		cr_assert_eq(h->mac.mac_format, number(mac, "mac_format"), "%s", name);
	}
}

/* The frame that was decoded, encoded again; MAC octets copied in. */
static void expect_same_octets(const struct fk_kmm_frame *frame, uint8_t *built, size_t built_size,
			       const char *name)
{
	cr_assert_eq(built_size, frame->size, "%s", name);
	if (frame->header.has_mac) {
		static const uint8_t zeros[FK_KMM_MAC_SIZE];
		uint8_t *mac = built + built_size - FK_KMM_MAC_BLOCK_SIZE;

		cr_assert_arr_eq(mac, zeros, FK_KMM_MAC_SIZE, "%s", name);
		memcpy(mac, frame->header.mac.mac, FK_KMM_MAC_SIZE);
	}
	cr_assert_arr_eq(built, frame->octets, built_size, "%s", name);
}

static void expect_keys(const json_t *keyset, const struct fk_kmm_rekey_command *rekey,
			const char *name)
{
	const json_t *keys = json_object_get(keyset, "keys");

	cr_assert_eq(rekey->n_keys, json_array_size(keys), "%s", name);
	for (size_t i = 0; i < json_array_size(keys); i++) {
		const json_t *key = json_array_get(keys, i);
		struct octets octets = unhex(text(key, "key_hex"));

		cr_assert_eq(rekey->keys[i].key_format, number(key, "key_format"), "%s", name);
		cr_assert_eq(rekey->keys[i].sln, number(key, "sln"), "%s", name);
		cr_assert_eq(rekey->keys[i].key_id, number(key, "key_id"), "%s", name);
		cr_assert_eq(rekey->key_length, octets.size, "%s", name);
		cr_assert_arr_eq(rekey->keys[i].key, octets.at, octets.size, "%s", name);
	}
}

static void expect_rekey_command(const json_t *body, const struct fk_kmm_frame *frame,
				 const char *name)
{
	const json_t *keysets = json_object_get(body, "keysets");
	const json_t *keyset = json_array_get(keysets, 0);
	struct fk_kmm_rekey_command rekey;
	uint8_t built[FK_KMM_SIZE_MAX];
	bool has_names = false;
	size_t size = 0;

	if (json_array_size(keysets) != 1) {
		cr_assert_eq(fk_kmm_decode_rekey_command(frame, &rekey), FK_EUNSUPPORTED, "%s",
			     name);
		return;
	}
	cr_assert_eq(fk_kmm_decode_rekey_command(frame, &rekey), FK_OK, "%s", name);
	cr_assert_eq(rekey.decryption_algorithm_id, number(body, "decryption_algorithm_id"));
	cr_assert_eq(rekey.decryption_key_id, number(body, "decryption_key_id"));
	cr_assert_eq(rekey.keyset_format, number(keyset, "keyset_format"));
	cr_assert_eq(rekey.keyset_id, number(keyset, "keyset_id"));
	cr_assert_eq(rekey.algorithm_id, number(keyset, "algorithm_id"));
	expect_keys(keyset, &rekey, name);

	for (uint32_t i = 0; i < rekey.n_keys; i++)
		has_names |= (rekey.keys[i].key_format & 0x1f) != 0;
	if (has_names) {
		/* Names are read past and cannot be written. */
		cr_assert_eq(fk_kmm_encode_rekey_command(&frame->header, &rekey, built,
							 sizeof(built), &size),
			     FK_EINVAL, "%s", name);
		return;
	}
	cr_assert_eq(
		fk_kmm_encode_rekey_command(&frame->header, &rekey, built, sizeof(built), &size),
		FK_OK, "%s", name);
	if (number(body, "decryption_instruction_format") != 0) {
		/* The canonical form has no message indicator. */
		cr_assert_eq(size + 9, frame->size, "%s", name);
		return;
	}
	expect_same_octets(frame, built, size, name);
}

static void expect_rekey_ack(const json_t *body, const struct fk_kmm_frame *frame, const char *name)
{
	const json_t *statuses = json_object_get(body, "key_statuses");
	struct fk_kmm_rekey_ack ack;
	uint8_t built[FK_KMM_SIZE_MAX];
	size_t size;

	cr_assert_eq(fk_kmm_decode_rekey_ack(frame, &ack), FK_OK, "%s", name);
	cr_assert_eq(ack.acknowledged_message_id, number(body, "acknowledged_message_id"));
	cr_assert_eq(ack.n_statuses, json_array_size(statuses), "%s", name);
	for (size_t i = 0; i < json_array_size(statuses); i++) {
		const json_t *status = json_array_get(statuses, i);

		cr_assert_eq(ack.statuses[i].algorithm_id, number(status, "algorithm_id"));
		cr_assert_eq(ack.statuses[i].key_id, number(status, "key_id"));
		cr_assert_eq(ack.statuses[i].status, number(status, "status"));
	}
	cr_assert_eq(fk_kmm_encode_rekey_ack(&frame->header, &ack, built, sizeof(built), &size),
		     FK_OK);
	expect_same_octets(frame, built, size, name);
}

static void expect_negative_ack(const json_t *body, const struct fk_kmm_frame *frame,
				const char *name)
{
	struct fk_kmm_negative_ack nack;
	uint8_t built[FK_KMM_SIZE_MAX];
	size_t size;

	cr_assert_eq(fk_kmm_decode_negative_ack(frame, &nack), FK_OK, "%s", name);
	cr_assert_eq(nack.acknowledged_message_id, number(body, "acknowledged_message_id"));
	cr_assert_eq(nack.acknowledged_message_number, number(body, "acknowledged_message_number"));
	cr_assert_eq(nack.status, number(body, "status"));
	cr_assert_eq(fk_kmm_encode_negative_ack(&frame->header, &nack, built, sizeof(built), &size),
		     FK_OK);
	expect_same_octets(frame, built, size, name);
}

static void expect_inventory_command(const json_t *body, const struct fk_kmm_frame *frame,
				     const char *name)
{
	uint64_t type = number(body, "inventory_type");
	uint8_t built[FK_KMM_SIZE_MAX], decoded;
	size_t size;

	if (type != 4 && type != 5) {
		cr_assert_eq(fk_kmm_decode_inventory_command(frame, &decoded), FK_EUNSUPPORTED,
			     "%s", name);
		return;
	}
	cr_assert_eq(fk_kmm_decode_inventory_command(frame, &decoded), FK_OK, "%s", name);
	cr_assert_eq(decoded, type);
	cr_assert_eq(fk_kmm_encode_inventory_command(&frame->header, decoded, built, sizeof(built),
						     &size),
		     FK_OK);
	expect_same_octets(frame, built, size, name);
}

static void expect_inventory_response(const json_t *body, const struct fk_kmm_frame *frame,
				      const char *name)
{
	uint64_t type = number(body, "inventory_type");
	const json_t *items = json_object_get(body, "items");
	struct fk_kmm_inventory inventory;
	uint8_t built[FK_KMM_SIZE_MAX];
	size_t size, n = 0;

	if (type != 4 && type != 5) {
		cr_assert_eq(fk_kmm_decode_inventory_response(frame, &inventory), FK_EUNSUPPORTED,
			     "%s", name);
		return;
	}
	cr_assert_eq(fk_kmm_decode_inventory_response(frame, &inventory), FK_OK, "%s", name);
	cr_assert_eq(inventory.inventory_type, type);
	for (size_t i = 0; i < json_array_size(items); i++) {
		const json_t *item = json_array_get(items, i);
		const json_t *key_ids = json_object_get(item, "key_ids");

		for (size_t j = 0; j < json_array_size(key_ids); j++, n++) {
			cr_assert_eq(inventory.items[n].keyset_id, number(item, "keyset_id"));
			cr_assert_eq(inventory.items[n].algorithm_id, number(item, "algorithm_id"));
			cr_assert_eq(inventory.items[n].key_id,
				     json_integer_value(json_array_get(key_ids, j)));
		}
	}
	cr_assert_gt(n, 0);
	cr_assert_eq(inventory.n_items, n);
	cr_assert_eq(fk_kmm_encode_inventory_response(&frame->header, &inventory, built,
						      sizeof(built), &size),
		     FK_OK);
	expect_same_octets(frame, built, size, name);
}

static void expect_case(const json_t *c)
{
	const json_t *fields = json_object_get(c, "fields");
	const json_t *body = json_object_get(fields, "body");
	const char *name = text(c, "name");
	struct octets hex = unhex(text(c, "frame_hex"));
	uint8_t *octets = exact_copy(hex.at, hex.size);
	struct fk_kmm_frame frame;

	cr_assert_eq(fk_kmm_decode(octets, hex.size, &frame), FK_OK, "%s", name);
	expect_header(fields, &frame, name);
	switch (frame.header.message_id) {
	case FK_KMM_REKEY_COMMAND:
		expect_rekey_command(body, &frame, name);
		break;
	case FK_KMM_REKEY_ACK:
		expect_rekey_ack(body, &frame, name);
		break;
	case FK_KMM_NEGATIVE_ACK:
		expect_negative_ack(body, &frame, name);
		break;
	case FK_KMM_INVENTORY_COMMAND:
		expect_inventory_command(body, &frame, name);
		break;
	case FK_KMM_INVENTORY_RESPONSE:
		expect_inventory_response(body, &frame, name);
		break;
	}
	free(octets);
}

Test(kmm_vectors, every_over_the_air_frame_decodes_to_its_fields_and_encodes_to_its_octets)
{
	json_t *root = load("p25-kmm-frames.json"), *c;
	size_t i, n_ours = 0, n_headers = 0;

	json_array_foreach(json_object_get(root, "cases"), i, c)
	{
		const json_t *fields = json_object_get(c, "fields");

		if (is_ours(number(fields, "message_id")) &&
		    strcmp(text(c, "profile"), "otar") == 0) {
			expect_case(c);
			n_ours++;
			continue;
		}
		/* Of other messages and the wired profile the header is read all the same. */
		struct octets hex = unhex(text(c, "frame_hex"));
		struct fk_kmm_frame frame;

		cr_assert_eq(fk_kmm_decode(hex.at, hex.size, &frame), FK_OK, "%s", text(c, "name"));
		expect_header(fields, &frame, text(c, "name"));
		n_headers++;
	}
	cr_assert_geq(n_ours, 30);
	cr_assert_geq(n_headers, 20);
	json_decref(root);
}

/* FK_OK only if header and body are both accepted. */
static enum fk_err decode_whole(const uint8_t *octets, size_t size)
{
	struct fk_kmm_frame frame;
	struct fk_kmm_rekey_command rekey;
	struct fk_kmm_rekey_ack ack;
	struct fk_kmm_negative_ack nack;
	struct fk_kmm_inventory inventory;
	uint8_t type;
	enum fk_err err = fk_kmm_decode(octets, size, &frame);

	if (err != FK_OK)
		return err;
	switch (frame.header.message_id) {
	case FK_KMM_REKEY_COMMAND:
		return fk_kmm_decode_rekey_command(&frame, &rekey);
	case FK_KMM_REKEY_ACK:
		return fk_kmm_decode_rekey_ack(&frame, &ack);
	case FK_KMM_NEGATIVE_ACK:
		return fk_kmm_decode_negative_ack(&frame, &nack);
	case FK_KMM_INVENTORY_COMMAND:
		return fk_kmm_decode_inventory_command(&frame, &type);
	case FK_KMM_INVENTORY_RESPONSE:
		return fk_kmm_decode_inventory_response(&frame, &inventory);
	}
	return FK_EINVAL;
}

Test(kmm_vectors, every_reject_case_is_rejected)
{
	json_t *root = load("p25-kmm-frames.json"), *c;
	size_t i, n = 0;

	json_array_foreach(json_object_get(root, "reject_cases"), i, c)
	{
		struct octets hex = unhex(text(c, "frame_hex"));
		uint8_t *octets = exact_copy(hex.at, hex.size);

		cr_assert_neq(decode_whole(octets, hex.size), FK_OK, "%s", text(c, "name"));
		free(octets);
		n++;
	}
	cr_assert_geq(n, 18);
	json_decref(root);
}

Test(kmm_vectors, a_rekey_command_of_several_keysets_is_unsupported)
{
	json_t *root = load("p25-kmm-frames.json"), *c;
	size_t i, n = 0;

	json_array_foreach(json_object_get(root, "cases"), i, c)
	{
		struct octets hex = unhex(text(c, "frame_hex"));

		if (strstr(text(c, "name"), "keysets C") == NULL)
			continue;
		cr_assert_eq(decode_whole(hex.at, hex.size), FK_EUNSUPPORTED);
		n++;
	}
	cr_assert_eq(n, 4);
	json_decref(root);
}

/* spec: TIA-102.AACA-C-2023 §14.3.4, from its field values alone */
Test(kmm_vectors, the_printed_example_is_rebuilt_from_its_fields)
{
	json_t *root = load("p25-kmm-frames.json"), *c;
	struct octets wrapped = unhex("80289cf635fb68d345d34f62ef063ba4e05cae4756e7d30446d1f07c6eb4"
				      "e9e0840945372372fb80");
	struct fk_kmm_header header = {
		.response_kind = FK_KMM_RESPONSE_IMMEDIATE,
		.has_message_number = true,
		.has_mac = true,
		.destination_rsi = 0x643ba8,
		.source_rsi = 0x712b1d,
		.message_number = 0x1772,
		.mac = {.algorithm_id = FK_ALGORITHM_AES_256, .key_id = 0x2f62},
	};
	struct fk_kmm_rekey_command rekey = {
		.decryption_algorithm_id = FK_ALGORITHM_AES_256,
		.decryption_key_id = 0x50bc,
		.keyset_id = 1,
		.algorithm_id = FK_ALGORITHM_AES_256,
		.key_length = 40,
		.n_keys = 1,
		.keys = {{.key_id = 0x4983, .key = wrapped.at}},
	};
	size_t i, n = 0;

	json_array_foreach(json_object_get(root, "cases"), i, c)
	{
		struct octets hex = unhex(text(c, "frame_hex"));
		uint8_t built[FK_KMM_SIZE_MAX];
		size_t size;

		if (strcmp(text(c, "confidence"), "standard-example") != 0)
			continue;
		header.mac.mac_format = strstr(text(c, "name"), "CMAC") != NULL
						? FK_KMM_MAC_FORMAT_CMAC
						: FK_KMM_MAC_FORMAT_CBC;
		cr_assert_eq(
			fk_kmm_encode_rekey_command(&header, &rekey, built, sizeof(built), &size),
			FK_OK);
		cr_assert_eq(size, 80);
		memcpy(built + 67, hex.at + 67, FK_KMM_MAC_SIZE);
		cr_assert_arr_eq(built, hex.at, size);
		n++;
	}
	cr_assert_eq(n, 2);
	json_decref(root);
}

Test(kmm_vectors, message_numbers_are_accepted_by_the_two_rules)
{
	json_t *root = load("p25-message-number.json"), *c;
	size_t i, n = 0;

	json_array_foreach(json_object_get(root, "cases"), i, c)
	{
		uint16_t last = (uint16_t)number(c, "last_accepted");
		uint16_t received = (uint16_t)number(c, "received");
		uint16_t period = (uint16_t)number(c, "period");
		bool accepted = number(c, "rule") == 1
					? fk_kmm_number_is_new(last, received, period)
					: fk_kmm_number_is_acceptable(last, received, period);

		cr_assert_eq(accepted, json_is_true(json_object_get(c, "accept")),
			     "last %u received %u period %u", last, received, period);
		n++;
	}
	cr_assert_geq(n, 40);
	json_decref(root);
}
