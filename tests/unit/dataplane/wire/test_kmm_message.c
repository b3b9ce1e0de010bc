/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_kmm_message.c - every layout of the P25 sheet, in both directions, whole and damaged.
 */
#include <criterion/criterion.h>
#include <jansson.h>

#include "support.h"
#include "wire/kmm_message.h"

#define STRICT	 FK_KMM_PROFILE_STRICT
#define INFERRED FK_KMM_PROFILE_INFERRED
#define WIRED	 FK_KMM_PROFILE_WIRED
#define ALL	 (INFERRED | WIRED)

#define KEY_8 "a1a2a3a4a5a6a7a8"

/* One body of each layout. spec: P25 sheet 1.5 */
static const struct sample {
	uint8_t message_id;
	uint32_t needs; /* profile bits */
	const char *body;
} samples[] = {
	{FK_KMM_NULL, INFERRED, ""},
	{FK_KMM_CAPABILITIES_COMMAND, STRICT, ""},
	{FK_KMM_CAPABILITIES_RESPONSE, STRICT,
	 "028485"
	 "011f"
	 "030d1e21"},
	{FK_KMM_CHANGE_RSI_COMMAND, STRICT,
	 "02"
	 "0000010000020003"
	 "0000040000050006"},
	{FK_KMM_CHANGE_RSI_RESPONSE, STRICT,
	 "02"
	 "00000100000200"
	 "00000400000502"},
	{FK_KMM_CHANGEOVER_COMMAND, STRICT,
	 "02"
	 "0102"
	 "1112"},
	{FK_KMM_CHANGEOVER_RESPONSE, STRICT,
	 "01"
	 "0102"},
	{FK_KMM_DELAYED_ACK, INFERRED, "1e123400"},
	{FK_KMM_DELETE_KEY_COMMAND, INFERRED,
	 "02"
	 "840001"
	 "850002"},
	{FK_KMM_DELETE_KEY_RESPONSE, INFERRED,
	 "02"
	 "84000100"
	 "85000202"},
	{FK_KMM_DELETE_KEYSET_COMMAND, INFERRED,
	 "03"
	 "010210"},
	{FK_KMM_DELETE_KEYSET_RESPONSE, INFERRED,
	 "02"
	 "0100"
	 "1002"},
	{FK_KMM_HELLO, STRICT, "02"},
	{FK_KMM_INVENTORY_COMMAND, STRICT, "00"},
	{FK_KMM_INVENTORY_COMMAND, INFERRED, "01"},
	{FK_KMM_INVENTORY_COMMAND, STRICT, "02"},
	{FK_KMM_INVENTORY_COMMAND, STRICT, "03"},
	{FK_KMM_INVENTORY_COMMAND, STRICT, "04"},
	{FK_KMM_INVENTORY_COMMAND, STRICT, "05"},
	{FK_KMM_INVENTORY_COMMAND, INFERRED, "06"},
	{FK_KMM_INVENTORY_COMMAND, STRICT, "0b"},
	{FK_KMM_INVENTORY_COMMAND, WIRED, "f9"},
	{FK_KMM_INVENTORY_COMMAND, WIRED,
	 "fd"
	 "00004e"
	 "004e"},
	{FK_KMM_INVENTORY_COMMAND, WIRED, "fe"},
	{FK_KMM_INVENTORY_COMMAND, WIRED, "ff"},
	{FK_KMM_INVENTORY_RESPONSE, STRICT, "00"},
	{FK_KMM_INVENTORY_RESPONSE, INFERRED,
	 "01"
	 "1234"
	 "567880"},
	{FK_KMM_INVENTORY_RESPONSE, STRICT,
	 "02"
	 "0003"
	 "010210"},
	{FK_KMM_INVENTORY_RESPONSE, STRICT,
	 "03"
	 "0001"
	 "02"},
	{FK_KMM_INVENTORY_RESPONSE, STRICT,
	 "04"
	 "0002"
	 "018402"
	 "00010002"
	 "028501"
	 "0003"},
	{FK_KMM_INVENTORY_RESPONSE, STRICT,
	 "05"
	 "0001"
	 "018400"},
	{FK_KMM_INVENTORY_RESPONSE, INFERRED,
	 "06"
	 "0001"
	 "000100"},
	{FK_KMM_INVENTORY_RESPONSE, STRICT,
	 "0b"
	 "0001"
	 "00000a"
	 "1234"},
	{FK_KMM_INVENTORY_RESPONSE, WIRED,
	 "f9"
	 "0002"
	 "000100"
	 "63ff00aabbcc1234567880414243"},
	{FK_KMM_INVENTORY_RESPONSE, WIRED,
	 "fd"
	 "000000"
	 "0001"
	 "010002840003"},
	{FK_KMM_INVENTORY_RESPONSE, WIRED,
	 "fe"
	 "03e8"},
	{FK_KMM_INVENTORY_RESPONSE, WIRED,
	 "ff"
	 "98967f"},
	{FK_KMM_MODIFY_KEY_COMMAND, STRICT,
	 "00841234"
	 "01840801"
	 "0000010002" KEY_8},
	{FK_KMM_MODIFY_KEY_COMMAND, STRICT,
	 "40841234"
	 "010203040506070800"
	 "01840801"
	 "0200010002" KEY_8 "4b31"},
	{FK_KMM_MODIFY_KEY_COMMAND, WIRED,
	 "0000800000"
	 "01840802"
	 "0000010002" KEY_8 "2000030004" KEY_8},
	{FK_KMM_MODIFY_KEYSET_ATTRIBUTES_COMMAND, STRICT,
	 "01"
	 "210100"
	 "1234567880"
	 "41"},
	{FK_KMM_NEGATIVE_ACK, STRICT, "1e123404"},
	{FK_KMM_NO_SERVICE, STRICT, ""},
	{FK_KMM_REKEY_ACK, STRICT,
	 "1e02"
	 "84000100"
	 "85000206"},
	{FK_KMM_REKEY_COMMAND, STRICT,
	 "00841234"
	 "01"
	 "0001840801"
	 "0000010002" KEY_8},
	{FK_KMM_REKEY_COMMAND, INFERRED,
	 "00841234"
	 "02"
	 "0001840801"
	 "0000010002" KEY_8 "80ff840802"
	 "80f0000003" KEY_8 "82f0010004" KEY_8 "4b32"},
	{FK_KMM_SET_DATE_TIME, INFERRED,
	 "1234"
	 "567880"},
	{FK_KMM_WARM_START_COMMAND, INFERRED,
	 "00841234"
	 "8408"
	 "0000010002" KEY_8},
	{FK_KMM_ZEROIZE_COMMAND, STRICT, ""},
	{FK_KMM_ZEROIZE_RESPONSE, STRICT, ""},
	{FK_KMM_DEREGISTRATION_COMMAND, STRICT, "4098967f"},
	{FK_KMM_DEREGISTRATION_RESPONSE, STRICT, "00"},
	{FK_KMM_REGISTRATION_COMMAND, STRICT, "0098967f"},
	{FK_KMM_REGISTRATION_COMMAND, INFERRED,
	 "c098967f"
	 "40841234"
	 "010203040506070800"
	 "8408"
	 "0100010002" KEY_8 "4b"},
	{FK_KMM_REGISTRATION_RESPONSE, STRICT, "01"},
	{FK_KMM_UNABLE_TO_DECRYPT_RESPONSE, INFERRED,
	 "0000841234"
	 "0d"},
	{FK_KMM_UNABLE_TO_DECRYPT_RESPONSE, INFERRED,
	 "8000841234"
	 "0d"
	 "00841234"
	 "8408"
	 "0000010002" KEY_8},
	{FK_KMM_SESSION_CONTROL, WIRED, "000101"},
	{FK_KMM_SESSION_CONTROL, WIRED, "01010300"},
	{FK_KMM_SESSION_CONTROL, WIRED, "0108030101"},
	{FK_KMM_LOAD_CONFIG_RESPONSE, WIRED, "98967f03e800"},
	{FK_KMM_LOAD_CONFIG_COMMAND, WIRED, "98967f03e8"},
};

#define N_SAMPLES (sizeof(samples) / sizeof(samples[0]))

static struct fk_kmm_message message; /* of the test that runs: too large for a stack */
static struct fk_kmm_error error;

static size_t unhex(const char *hex, uint8_t *octets, size_t cap)
{
	size_t size = strlen(hex) / 2;

	cr_assert_eq(strlen(hex) % 2, 0, "%s", hex);
	cr_assert_leq(size, cap);
	for (size_t i = 0; i < size; i++) {
		unsigned int v;

		cr_assert_eq(sscanf(hex + 2 * i, "%2x", &v), 1);
		octets[i] = (uint8_t)v;
	}
	return size;
}

/* A frame of a given body, with or without message number and MAC. */
static size_t frame_of(uint8_t message_id, const uint8_t *body, size_t body_size, bool is_protected,
		       uint8_t *buf)
{
	static const uint8_t mac[FK_KMM_MAC_BLOCK_SIZE] = {1, 2, 3,    4,    5,	   6,	7,
							   8, 8, 0x84, 0x12, 0x34, 0x41};
	static const uint8_t rsis[] = {0x12, 0xd6, 0x87, 0x98, 0x96, 0x7f};
	size_t at = 0;
	uint16_t length;

	buf[at] = message_id;
	buf[3] = is_protected ? 0xa8 : 0x80;
	memcpy(buf + 4, rsis, sizeof(rsis));
	at = FK_KMM_HEADER_SIZE;
	if (is_protected) {
		buf[at++] = 0x17;
		buf[at++] = 0x72;
	}
	memcpy(buf + at, body, body_size);
	at += body_size;
	if (is_protected) {
		memcpy(buf + at, mac, sizeof(mac));
		at += sizeof(mac);
	}
	length = (uint16_t)(at - 3);
	buf[1] = (uint8_t)(length >> 8);
	buf[2] = (uint8_t)length;
	return at;
}

static enum fk_err decode_body(uint8_t message_id, const char *hex, uint32_t profile)
{
	static uint8_t frame[1024];
	uint8_t body[600];
	size_t body_size = unhex(hex, body, sizeof(body));
	size_t size = frame_of(message_id, body, body_size, true, frame);

	return fk_kmm_message_decode(frame, size, profile, &message, &error);
}

/* The profile under which a sample is read as it was meant. */
static uint32_t profile_of(const struct sample *sample)
{
	return sample->message_id == FK_KMM_MODIFY_KEY_COMMAND ? sample->needs
							       : sample->needs | INFERRED;
}

Test(kmm_message, every_layout_decodes_and_encodes_to_the_same_octets)
{
	for (size_t i = 0; i < 2 * N_SAMPLES; i++) {
		const struct sample *sample = &samples[i / 2];
		uint8_t body[600], frame[700], built[FK_KMM_SIZE_MAX];
		size_t body_size = unhex(sample->body, body, sizeof(body)), size, built_size;
		uint8_t *octets;

		size = frame_of(sample->message_id, body, body_size, i % 2 != 0, frame);
		octets = exact_copy(frame, size);
		cr_assert_eq(
			fk_kmm_message_decode(octets, size, profile_of(sample), &message, &error),
			FK_OK, "%02x %s: %s %s", sample->message_id, sample->body, error.field,
			error.reason);
		cr_assert_eq(fk_kmm_message_encode(&message, profile_of(sample), built,
						   sizeof(built), &built_size, &error),
			     FK_OK, "%02x %s", sample->message_id, sample->body);
		if (message.header.has_mac)
			memcpy(built + built_size - FK_KMM_MAC_BLOCK_SIZE, message.header.mac.mac,
			       FK_KMM_MAC_SIZE);
		cr_assert_eq(built_size, size);
		cr_assert_arr_eq(built, frame, size, "%02x %s", sample->message_id, sample->body);
		free(octets);
	}
}

Test(kmm_message, a_body_cut_at_any_octet_is_refused_and_writes_nothing)
{
	for (size_t i = 0; i < N_SAMPLES; i++) {
		const struct sample *sample = &samples[i];
		uint8_t body[600], frame[700];
		size_t body_size = unhex(sample->body, body, sizeof(body));

		for (size_t n = 0; n < body_size; n++) {
			size_t size = frame_of(sample->message_id, body, n, false, frame);
			uint8_t *octets = exact_copy(frame, size);
			enum fk_err err;

			message.header.message_number = 4711;
			err = fk_kmm_message_decode(octets, size, profile_of(sample), &message,
						    &error);
			cr_assert(err == FK_ETRUNC || err == FK_EFORMAT, "%02x %s at %zu: %d",
				  sample->message_id, sample->body, n, (int)err);
			cr_assert_leq(error.offset, size);
			cr_assert_eq(message.header.message_number, 4711);
			free(octets);
		}
	}
}

Test(kmm_message, a_body_that_goes_on_is_refused)
{
	for (size_t i = 0; i < N_SAMPLES; i++) {
		const struct sample *sample = &samples[i];
		uint8_t body[600] = {0}, frame[700];
		size_t body_size = unhex(sample->body, body, sizeof(body));
		size_t size = frame_of(sample->message_id, body, body_size + 1, true, frame);

		body[body_size] = 0;
		cr_assert_eq(
			fk_kmm_message_decode(frame, size, profile_of(sample), &message, &error),
			FK_EFORMAT, "%02x %s", sample->message_id, sample->body);
		cr_assert_str_eq(error.field, "body");
		cr_assert_eq(error.offset, 12 + body_size);
	}
}

Test(kmm_message, a_layout_behind_a_profile_is_refused_without_it)
{
	size_t n = 0;

	for (size_t i = 0; i < N_SAMPLES; i++) {
		const struct sample *sample = &samples[i];
		enum fk_err err;

		/* The two forms of Modify-Key cannot be told apart; there is a test of its own. */
		if (sample->message_id == FK_KMM_MODIFY_KEY_COMMAND)
			continue;
		err = decode_body(sample->message_id, sample->body, sample->needs);
		cr_assert_eq(err, FK_OK, "%02x %s", sample->message_id, sample->body);
		if (sample->needs == STRICT)
			continue;
		err = decode_body(sample->message_id, sample->body, ALL & ~sample->needs);
		cr_assert_eq(err, FK_EUNSUPPORTED, "%02x %s", sample->message_id, sample->body);
		n++;
	}
	cr_assert_geq(n, 25);
}

Test(kmm_message, a_layout_behind_a_profile_is_not_written_without_it)
{
	uint8_t built[FK_KMM_SIZE_MAX];
	size_t size;

	for (size_t i = 0; i < N_SAMPLES; i++) {
		const struct sample *sample = &samples[i];

		if (sample->needs == STRICT || sample->message_id == FK_KMM_MODIFY_KEY_COMMAND)
			continue;
		cr_assert_eq(decode_body(sample->message_id, sample->body, ALL), FK_OK);
		cr_assert_eq(fk_kmm_message_encode(&message, ALL & ~sample->needs, built,
						   sizeof(built), &size, &error),
			     FK_EUNSUPPORTED, "%02x %s", sample->message_id, sample->body);
	}
}

Test(kmm_message, the_wired_form_of_modify_key_has_one_octet_more)
{
	static const char *over_air = "00800000"
				      "01840801"
				      "0000010002" KEY_8;
	static const char *wired = "0000800000"
				   "01840801"
				   "0000010002" KEY_8;

	cr_assert_eq(decode_body(FK_KMM_MODIFY_KEY_COMMAND, over_air, STRICT), FK_OK);
	cr_assert_eq(message.body.modify_key.decryption.decryption_algorithm_id, 0x80);
	cr_assert_neq(decode_body(FK_KMM_MODIFY_KEY_COMMAND, over_air, WIRED), FK_OK);
	cr_assert_eq(decode_body(FK_KMM_MODIFY_KEY_COMMAND, wired, WIRED), FK_OK);
	cr_assert_eq(message.body.modify_key.decryption.decryption_algorithm_id, 0x80);
	cr_assert_neq(decode_body(FK_KMM_MODIFY_KEY_COMMAND, wired, STRICT), FK_OK);
}

Test(kmm_message, keys_of_several_keysets_stand_one_behind_the_other)
{
	const struct fk_kmm_rekey *rekey = &message.body.rekey;

	cr_assert_eq(decode_body(FK_KMM_REKEY_COMMAND,
				 "00841234"
				 "02"
				 "0001840801"
				 "0000010002" KEY_8 "80ff840802"
				 "80f0000003" KEY_8 "82f0010004" KEY_8 "4b32",
				 INFERRED),
		     FK_OK);
	cr_assert_eq(rekey->decryption.decryption_key_id, 0x1234);
	cr_assert_eq(rekey->keysets.n, 2);
	cr_assert_eq(rekey->keyset_items[0].keyset_id, 1);
	cr_assert_eq(rekey->keyset_items[0].keys.first, 0);
	cr_assert_eq(rekey->keyset_items[0].keys.n, 1);
	cr_assert_eq(rekey->keyset_items[1].keyset_format, 0x80);
	cr_assert_eq(rekey->keyset_items[1].keyset_id, 255);
	cr_assert_eq(rekey->keyset_items[1].keys.first, 1);
	cr_assert_eq(rekey->keyset_items[1].keys.n, 2);
	cr_assert_eq(rekey->key_items[0].key_id, 2);
	cr_assert_eq(rekey->key_items[1].sln, 0xf000);
	cr_assert_eq(rekey->key_items[2].key_id, 4);
	cr_assert_eq(rekey->key_items[2].key[7], 0xa8);
	cr_assert_arr_eq(rekey->key_items[2].key_name, "K2", 2);
	cr_assert_null(rekey->key_items[1].key_name);
}

Test(kmm_message, a_key_block_is_read_to_its_last_field)
{
	const struct fk_kmm_registration *registration = &message.body.registration;
	const struct fk_kmm_key_block *block = &registration->key_block;

	cr_assert_eq(decode_body(FK_KMM_REGISTRATION_COMMAND,
				 "c098967f"
				 "40841234"
				 "010203040506070800"
				 "8408"
				 "0100010002" KEY_8 "4b",
				 INFERRED),
		     FK_OK);
	cr_assert_eq(registration->body_format, FK_KMM_BODY_HAS_KEY | FK_KMM_BODY_HAS_KEK);
	cr_assert_eq(registration->kmf_rsi, 9999999);
	cr_assert_eq(block->decryption.message_indicator[7], 8);
	cr_assert_eq(block->algorithm_id, 0x84);
	cr_assert_eq(block->key_length, 8);
	cr_assert_eq(block->key.sln, 1);
	cr_assert_eq(block->key.key_id, 2);
	cr_assert_eq(block->key.key[0], 0xa1);
	cr_assert_eq(block->key.key_name[0], 'K');
}

Test(kmm_message, keyset_attributes_have_the_parts_that_their_format_announces)
{
	const struct fk_kmm_inventory_body *inventory = &message.body.inventory;

	cr_assert_eq(decode_body(FK_KMM_INVENTORY_RESPONSE,
				 "f9"
				 "0002"
				 "000100"
				 "63ff00aabbcc1234567880414243",
				 WIRED),
		     FK_OK);
	cr_assert_eq(inventory->items.n, 2);
	cr_assert_eq(inventory->attribute_items[0].keyset_id, 1);
	cr_assert_null(inventory->attribute_items[0].keyset_name);
	cr_assert_eq(inventory->attribute_items[1].reserved_24, 0xaabbcc);
	cr_assert_eq(inventory->attribute_items[1].activation.date, 0x1234);
	cr_assert_eq(inventory->attribute_items[1].activation.time, 0x567880);
	cr_assert_arr_eq(inventory->attribute_items[1].keyset_name, "ABC", 3);
}

Test(kmm_message, the_largest_lists_fit)
{
	static const struct {
		uint8_t message_id;
		const char *head;
		size_t n_octets; /* behind it */
	} largest[] = {
		{FK_KMM_DELETE_KEYSET_COMMAND, "ff", 255},
		{FK_KMM_CHANGEOVER_COMMAND, "fa", 500},
		{FK_KMM_DELETE_KEY_COMMAND, "a7", 501},
		{FK_KMM_DELETE_KEY_RESPONSE, "7d", 500},
		{FK_KMM_CHANGE_RSI_RESPONSE, "47", 497},
		{FK_KMM_INVENTORY_RESPONSE, "0201f3", 499},
	};

	for (size_t i = 0; i < sizeof(largest) / sizeof(largest[0]); i++) {
		uint8_t body[600] = {0}, frame[700], built[FK_KMM_SIZE_MAX];
		size_t head = unhex(largest[i].head, body, sizeof(body)), size, built_size;

		size = frame_of(largest[i].message_id, body, head + largest[i].n_octets, false,
				frame);
		cr_assert_eq(fk_kmm_message_decode(frame, size, ALL, &message, &error), FK_OK,
			     "%02x: %s %s", largest[i].message_id, error.field, error.reason);
		cr_assert_eq(fk_kmm_message_encode(&message, ALL, built, sizeof(built), &built_size,
						   &error),
			     FK_OK);
		cr_assert_eq(built_size, size);
	}
}

Test(kmm_message, messages_without_a_documented_layout_are_unsupported_in_every_profile)
{
	static const uint8_t ids[] = {0x0f, 0x10, 0x11, 0x15, 0x18, 0x28, 0x29, 0x2a,
				      0x2b, 0x30, 0xa0, 0xa1, 0xfb, 0xfe, 0xff};
	static const char *const types[] = {"07", "08", "09", "0a", "0c", "f7", "f8", "fa", "fc"};

	for (size_t i = 0; i < sizeof(ids); i++) {
		cr_assert_eq(decode_body(ids[i], "", ALL), FK_EUNSUPPORTED, "%02x", ids[i]);
		cr_assert_str_eq(error.field, "message_id");
	}
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		cr_assert_eq(decode_body(FK_KMM_INVENTORY_COMMAND, types[i], ALL), FK_EUNSUPPORTED);
		cr_assert_str_eq(error.field, "inventory_type");
		cr_assert_eq(error.offset, FK_KMM_HEADER_SIZE + 2);
		cr_assert_eq(decode_body(FK_KMM_INVENTORY_RESPONSE, types[i], ALL),
			     FK_EUNSUPPORTED);
	}
	cr_assert_eq(decode_body(FK_KMM_SESSION_CONTROL, "020101", ALL), FK_EUNSUPPORTED);
}

/* What the sheet tells us to refuse, and a count that lies: the error says which field. */
static const struct {
	uint8_t message_id;
	const char *body, *field;
	size_t offset; /* in the body */
	enum fk_err err;
} refused[] = {
	{FK_KMM_REKEY_COMMAND,
	 "20841234"
	 "01"
	 "0001840801"
	 "0000010002" KEY_8,
	 "decryption_instruction_format", 0, FK_EUNSUPPORTED},
	{FK_KMM_REKEY_COMMAND,
	 "00841234"
	 "01"
	 "2001840801"
	 "0000010002" KEY_8,
	 "keyset_format", 5, FK_EUNSUPPORTED},
	{FK_KMM_REKEY_COMMAND,
	 "00841234"
	 "01"
	 "0001840801"
	 "4000010002" KEY_8,
	 "key_format", 10, FK_EUNSUPPORTED},
	{FK_KMM_REKEY_COMMAND,
	 "00841234"
	 "01"
	 "0001840001"
	 "0000010002",
	 "key", 15, FK_EFORMAT},
	{FK_KMM_REKEY_COMMAND,
	 "00841234"
	 "01"
	 "0001840802"
	 "0000010002" KEY_8,
	 "key_format", 23, FK_ETRUNC},
	{FK_KMM_REKEY_COMMAND,
	 "00841234"
	 "02"
	 "0001840801"
	 "0000010002" KEY_8,
	 "keyset_format", 23, FK_ETRUNC},
	{FK_KMM_REKEY_COMMAND,
	 "00841234"
	 "01"
	 "00018408ff"
	 "0000010002" KEY_8,
	 "keys", 9, FK_ETRUNC},
	{FK_KMM_INVENTORY_RESPONSE, "0201f401", "keyset_ids", 1, FK_ETRUNC},
	{FK_KMM_CHANGEOVER_COMMAND, "020102", "superseded_keyset_id", 3, FK_ETRUNC},
	{FK_KMM_HELLO, "03", "hello_flag", 0, FK_EUNSUPPORTED},
	{FK_KMM_SESSION_CONTROL, "01010302", "session_type_flag", 3, FK_EUNSUPPORTED},
	{FK_KMM_NEGATIVE_ACK, "1e0001", "status", 3, FK_ETRUNC},
};

Test(kmm_message, an_error_names_the_field_and_where_it_stands)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		cr_assert_eq(decode_body(refused[i].message_id, refused[i].body, ALL),
			     refused[i].err, "%zu", i);
		cr_assert_str_eq(error.field, refused[i].field, "%zu: %s", i, error.field);
		cr_assert_eq(error.offset, 12 + refused[i].offset, "%zu: %zu", i, error.offset);
		cr_assert_gt(strlen(error.reason), 0);
	}
}

Test(kmm_message, an_error_of_the_header_names_its_field)
{
	static const struct {
		const char *frame, *field;
		size_t offset;
	} headers[] = {
		{"", "message_id", 0},
		{"2100", "message_length", 1},
		{"210007", "message_format", 3},
		{"2100078000", "destination_rsi", 4},
		{"21000780000001000002", "", 0},
		{"210007800000010000", "source_rsi", 7},
		{"21000880000001000002", "message_length", 1},
		{"21000680000001000002", "message_length", 1},
		{"210007c0000001000002", "response_kind", 3},
		{"21000790000001000002", "message_number_present", 3},
		{"2100078c000001000002", "mac_type", 3},
		{"21000784000001000002", "mac_type", 3},
		{"210007a0000001000002", "message_number", 10},
		{"21000788000001000002", "mac", 10},
		{"21001488000001000002"
		 "0102030405060708"
		 "1084123440",
		 "mac_length", 18},
		{"21001488000001000002"
		 "0102030405060708"
		 "0884123442",
		 "mac_format", 22},
	};

	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		uint8_t octets[64];
		size_t size = unhex(headers[i].frame, octets, sizeof(octets));
		uint8_t *copy = exact_copy(octets, size);
		enum fk_err err = fk_kmm_message_decode(copy, size, ALL, &message, &error);

		free(copy);
		if (headers[i].field[0] == '\0') {
			cr_assert_eq(err, FK_OK); /* the good one, from which the others differ */
			continue;
		}
		cr_assert_neq(err, FK_OK, "%s", headers[i].frame);
		cr_assert_str_eq(error.field, headers[i].field, "%s: %s", headers[i].frame,
				 error.field);
		cr_assert_eq(error.offset, headers[i].offset, "%s", headers[i].frame);
	}
}

static enum fk_err encode(size_t cap)
{
	uint8_t built[FK_KMM_SIZE_MAX];
	size_t size;

	return fk_kmm_message_encode(&message, ALL, built, cap, &size, &error);
}

static void expect_field(const char *field)
{
	cr_assert_str_eq(error.field, field, "%s", error.field);
}

Test(kmm_message, values_that_do_not_fit_are_not_written)
{
	cr_assert_eq(decode_body(FK_KMM_CHANGE_RSI_COMMAND,
				 "01"
				 "0000010000020003",
				 STRICT),
		     FK_OK);
	message.body.change_rsi.change_items[0].new_rsi = 0x1000000;
	cr_assert_eq(encode(FK_KMM_SIZE_MAX), FK_EINVAL);
	expect_field("new_rsi");
	message.body.change_rsi.change_items[0].new_rsi = 0xffffff;
	cr_assert_eq(encode(FK_KMM_SIZE_MAX), FK_OK);
	message.body.change_rsi.changes.n = 256;
	cr_assert_eq(encode(FK_KMM_SIZE_MAX), FK_EINVAL);
	expect_field("changes");
	message.body.change_rsi.changes.n = 85;
	cr_assert_eq(encode(FK_KMM_SIZE_MAX), FK_EINVAL);
	expect_field("changes");
	message.body.change_rsi.changes.n = 84;
	cr_assert_eq(encode(FK_KMM_SIZE_MAX), FK_EFULL);
	message.body.change_rsi.changes.n = 1;
	message.header.source_rsi = 0x1000000;
	cr_assert_eq(encode(FK_KMM_SIZE_MAX), FK_EINVAL);
	expect_field("header");
}

Test(kmm_message, a_key_that_is_missing_is_not_written)
{
	cr_assert_eq(decode_body(FK_KMM_MODIFY_KEY_COMMAND,
				 "0000841234"
				 "01840801"
				 "0000010002" KEY_8,
				 WIRED),
		     FK_OK);
	cr_assert_eq(encode(FK_KMM_SIZE_MAX), FK_OK);
	message.body.modify_key.key_items[0].key = NULL;
	cr_assert_eq(encode(FK_KMM_SIZE_MAX), FK_EINVAL);
	expect_field("key");
	message.body.modify_key.keyset.key_length = 0;
	cr_assert_eq(encode(FK_KMM_SIZE_MAX), FK_EINVAL);
	expect_field("key");
	message.body.modify_key.decryption.decryption_instruction_format = 0x20;
	cr_assert_eq(encode(FK_KMM_SIZE_MAX), FK_EUNSUPPORTED);
	expect_field("decryption_instruction_format");
}

Test(kmm_message, a_buffer_that_is_one_octet_short_is_full)
{
	for (size_t i = 0; i < N_SAMPLES; i++) {
		const struct sample *sample = &samples[i];
		uint8_t built[FK_KMM_SIZE_MAX];
		size_t size, again = 4711;

		cr_assert_eq(decode_body(sample->message_id, sample->body, profile_of(sample)),
			     FK_OK);
		cr_assert_eq(fk_kmm_message_encode(&message, profile_of(sample), built,
						   sizeof(built), &size, &error),
			     FK_OK);
		for (size_t cap = 0; cap < size; cap++) {
			uint8_t *exact = exact_copy(built, cap);

			cr_assert_eq(fk_kmm_message_encode(&message, profile_of(sample), exact, cap,
							   &again, &error),
				     FK_EFULL, "%02x", sample->message_id);
			free(exact);
		}
		cr_assert_eq(again, 4711);
	}
}

Test(kmm_message, every_assigned_message_has_its_name)
{
	cr_assert_str_eq(fk_kmm_message_name(0x1e), "Rekey-Command");
	cr_assert_str_eq(fk_kmm_message_name(0x27), "Unable-to-Decrypt-Response");
	cr_assert_str_eq(fk_kmm_message_name(0xfc), "Load-Config-Response");
	cr_assert_str_eq(fk_kmm_message_name(0x11), "unknown");
	for (size_t i = 0; i < N_SAMPLES; i++)
		cr_assert_str_neq(fk_kmm_message_name(samples[i].message_id), "unknown");
}

static json_t *load_frames(void)
{
	json_t *root = json_load_file(FK_VECTORS_DIR "/p25-kmm-frames.json", 0, NULL);

	cr_assert_not_null(root);
	return root;
}

static const char *text(const json_t *o, const char *key)
{
	const char *value = json_string_value(json_object_get(o, key));

	cr_assert_not_null(value, "%s", key);
	return value;
}

static uint32_t profile_of_case(const json_t *c)
{
	return strcmp(text(c, "profile"), "key-fill") == 0 ? ALL : INFERRED;
}

/* Whatever decodes, encodes, and decodes to the same body again. */
static void expect_round_trip(const uint8_t *octets, size_t size, uint32_t profile)
{
	uint8_t built[FK_KMM_SIZE_MAX];
	struct fk_kmm_frame was, is;
	size_t built_size;

	cr_assert_eq(fk_kmm_decode(octets, size, &was), FK_OK);
	cr_assert_eq(
		fk_kmm_message_encode(&message, profile, built, sizeof(built), &built_size, &error),
		FK_OK, "%s %s", error.field, error.reason);
	cr_assert_eq(fk_kmm_decode(built, built_size, &is), FK_OK);
	cr_assert_eq(is.size, was.size);
	cr_assert_eq(is.body_size, was.body_size);
	cr_assert_eq(memcmp(is.body, was.body, is.body_size), 0);
}

Test(kmm_message, every_published_frame_encodes_to_its_octets_and_every_reject_case_is_rejected)
{
	json_t *root = load_frames(), *c;
	size_t i, n_frames = 0, n_rejects = 0;
	uint8_t octets[FK_KMM_SIZE_MAX];

	json_array_foreach(json_object_get(root, "cases"), i, c)
	{
		size_t size = unhex(text(c, "frame_hex"), octets, sizeof(octets));

		cr_assert_eq(
			fk_kmm_message_decode(octets, size, profile_of_case(c), &message, &error),
			FK_OK, "%s: %s %s", text(c, "name"), error.field, error.reason);
		expect_round_trip(octets, size, profile_of_case(c));
		n_frames++;
	}
	json_array_foreach(json_object_get(root, "reject_cases"), i, c)
	{
		size_t size = unhex(text(c, "frame_hex"), octets, sizeof(octets));

		cr_assert_neq(
			fk_kmm_message_decode(octets, size, profile_of_case(c), &message, &error),
			FK_OK, "%s", text(c, "name"));
		n_rejects++;
	}
	cr_assert_eq(n_frames, 68);
	cr_assert_eq(n_rejects, 18);
	json_decref(root);
}

Test(kmm_message, a_damaged_frame_is_refused_or_is_another_that_round_trips)
{
	json_t *root = load_frames(), *c;
	uint32_t state = 4711;
	size_t i, n_accepted = 0, n_refused = 0;

	json_array_foreach(json_object_get(root, "cases"), i, c)
	{
		uint8_t octets[FK_KMM_SIZE_MAX];
		size_t size = unhex(text(c, "frame_hex"), octets, sizeof(octets));

		for (uint32_t n = 0; n < 2000; n++) {
			uint8_t *copy = exact_copy(octets, size);
			uint32_t profile = next_random(&state) % 4;

			for (uint32_t k = next_random(&state) % 3 + 1; k > 0; k--)
				copy[next_random(&state) % size] = (uint8_t)next_random(&state);
			if (fk_kmm_message_decode(copy, size, profile, &message, &error) == FK_OK) {
				expect_round_trip(copy, size, profile);
				n_accepted++;
			} else {
				cr_assert_leq(error.offset, size);
				cr_assert_not_null(error.field);
				n_refused++;
			}
			free(copy);
		}
	}
	cr_assert_gt(n_accepted, 1000);
	cr_assert_gt(n_refused, 1000);
	json_decref(root);
}
