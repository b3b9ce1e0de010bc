/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <fleetkey/kmm.h>

#include "support.h"

static const uint8_t key_octets[40] = {0x11, 0x22, 0x33};

static struct fk_kmm_header header;
static struct fk_kmm_rekey_command rekey;
static uint8_t frame_octets[FK_KMM_SIZE_MAX];
static size_t frame_size;

static void set_up(void)
{
	header = (struct fk_kmm_header){
		.response_kind = FK_KMM_RESPONSE_IMMEDIATE,
		.has_message_number = true,
		.has_mac = true,
		.destination_rsi = 1234567,
		.source_rsi = 9999999,
		.message_number = 77,
		.mac = {.algorithm_id = FK_ALGORITHM_AES_256,
			.key_id = 0x2f62,
			.mac_format = FK_KMM_MAC_FORMAT_CMAC},
	};
	rekey = (struct fk_kmm_rekey_command){
		.decryption_algorithm_id = FK_ALGORITHM_AES_256,
		.decryption_key_id = 0x50bc,
		.keyset_id = 2,
		.algorithm_id = FK_ALGORITHM_AES_256,
		.key_length = 40,
		.n_keys = 1,
	};
	for (uint32_t i = 0; i < FK_KMM_KEYS_MAX; i++)
		rekey.keys[i] = (struct fk_kmm_key_item){
			.sln = (uint16_t)(i + 1), .key_id = (uint16_t)(100 + i), .key = key_octets};
	cr_assert_eq(fk_kmm_encode_rekey_command(&header, &rekey, frame_octets,
						 sizeof(frame_octets), &frame_size),
		     FK_OK);
}

TestSuite(kmm, .init = set_up);

static enum fk_err encode_rekey(size_t cap, size_t *ret_size)
{
	static uint8_t buf[FK_KMM_SIZE_MAX + 100];

	return fk_kmm_encode_rekey_command(&header, &rekey, buf, cap, ret_size);
}

static enum fk_err decode(struct fk_kmm_frame *ret_frame)
{
	return fk_kmm_decode(frame_octets, frame_size, ret_frame);
}

static enum fk_err decode_rekey(void)
{
	struct fk_kmm_rekey_command decoded;
	struct fk_kmm_frame frame;

	cr_assert_eq(decode(&frame), FK_OK);
	return fk_kmm_decode_rekey_command(&frame, &decoded);
}

Test(kmm, a_frame_cut_at_any_octet_is_truncated_and_writes_nothing)
{
	for (size_t size = 0; size < frame_size; size++) {
		uint8_t *octets = exact_copy(frame_octets, size);
		struct fk_kmm_frame frame = {.size = 4711};

		cr_assert_eq(fk_kmm_decode(octets, size, &frame), FK_ETRUNC, "%zu", size);
		cr_assert_eq(frame.size, 4711);
		free(octets);
	}
}

Test(kmm, octets_behind_the_announced_length_are_not_part_of_the_frame)
{
	uint8_t padded[FK_KMM_SIZE_MAX + 20];
	struct fk_kmm_frame frame;

	memset(padded, 0xee, sizeof(padded));
	memcpy(padded, frame_octets, frame_size);
	cr_assert_eq(fk_kmm_decode(padded, sizeof(padded), &frame), FK_OK);
	cr_assert_eq(frame.size, frame_size);
	cr_assert_eq(frame.body + frame.body_size, padded + frame_size - FK_KMM_MAC_BLOCK_SIZE);
}

Test(kmm, a_body_cut_at_any_octet_is_refused)
{
	struct fk_kmm_rekey_command decoded;
	struct fk_kmm_frame frame;
	uint16_t whole;

	cr_assert_eq(decode(&frame), FK_OK);
	whole = frame.body_size;
	for (frame.body_size = 0; frame.body_size < whole; frame.body_size++)
		cr_assert_eq(fk_kmm_decode_rekey_command(&frame, &decoded), FK_ETRUNC);
	frame.body_size = (uint16_t)(whole + 1); /* the MAC block's first octet */
	cr_assert_eq(fk_kmm_decode_rekey_command(&frame, &decoded), FK_EFORMAT);
}

Test(kmm, a_length_beyond_the_largest_kmm_is_refused_even_if_the_octets_are_there)
{
	static uint8_t long_frame[2000];
	struct fk_kmm_frame frame;

	memcpy(long_frame, frame_octets, frame_size);
	long_frame[1] = 509 >> 8;
	long_frame[2] = 509 & 0xff;
	cr_assert_eq(fk_kmm_decode(long_frame, sizeof(long_frame), &frame), FK_EFORMAT); /* MAC */
	long_frame[3] &= 0xf3;
	cr_assert_eq(fk_kmm_decode(long_frame, sizeof(long_frame), &frame), FK_OK);
	long_frame[2] = 510 & 0xff;
	cr_assert_eq(fk_kmm_decode(long_frame, sizeof(long_frame), &frame), FK_EFORMAT);
}

/* spec: P25 sheet 1.2: what each pair of bits may be */
Test(kmm, unassigned_message_format_bits_are_refused)
{
	struct fk_kmm_frame frame;

	frame_octets[3] = 0xe8; /* response kind 11 */
	cr_assert_eq(decode(&frame), FK_EFORMAT);
	frame_octets[3] = 0x98; /* message number 01 */
	cr_assert_eq(decode(&frame), FK_EFORMAT);
	frame_octets[3] = 0xb8; /* message number 11 */
	cr_assert_eq(decode(&frame), FK_EFORMAT);
	frame_octets[3] = 0xa4; /* MAC type 01 */
	cr_assert_eq(decode(&frame), FK_EFORMAT);
	frame_octets[3] = 0xac; /* DES MAC */
	cr_assert_eq(decode(&frame), FK_EUNSUPPORTED);
}

Test(kmm, the_done_bit_and_the_reserved_bit_do_not_matter_on_receipt)
{
	struct fk_kmm_frame frame;

	frame_octets[3] |= 0x03;
	cr_assert_eq(decode(&frame), FK_OK);
	cr_assert(frame.header.done);
	cr_assert_eq(decode_rekey(), FK_OK);
	header.done = true;
	cr_assert_eq(fk_kmm_encode_rekey_command(&header, &rekey, frame_octets,
						 sizeof(frame_octets), &frame_size),
		     FK_OK);
	cr_assert_eq(frame_octets[3], 0xa8);
}

Test(kmm, a_mac_block_that_is_not_8_octets_or_not_known_is_refused)
{
	struct fk_kmm_frame frame;

	frame_octets[frame_size - 5] = 4;
	cr_assert_eq(decode(&frame), FK_EFORMAT);
	frame_octets[frame_size - 5] = FK_KMM_MAC_SIZE;
	frame_octets[frame_size - 1] = 0x42;
	cr_assert_eq(decode(&frame), FK_EUNSUPPORTED);
}

Test(kmm, the_d_bit_of_the_mac_format_is_ignored)
{
	struct fk_kmm_frame frame;

	frame_octets[frame_size - 1] = 0x01;
	cr_assert_eq(decode(&frame), FK_OK);
	cr_assert_eq(frame.header.mac.mac_format, FK_KMM_MAC_FORMAT_CMAC);
	frame_octets[frame_size - 1] = 0x00;
	cr_assert_eq(decode(&frame), FK_OK);
	cr_assert_eq(frame.header.mac.mac_format, FK_KMM_MAC_FORMAT_CBC);
}

Test(kmm, header_fields_that_do_not_fit_are_refused)
{
	size_t size = 4711;

	header.destination_rsi = 0x1000000;
	cr_assert_eq(encode_rekey(FK_KMM_SIZE_MAX, &size), FK_EINVAL);
	set_up();
	header.source_rsi = 0x1000000;
	cr_assert_eq(encode_rekey(FK_KMM_SIZE_MAX, &size), FK_EINVAL);
	set_up();
	header.response_kind = 3;
	cr_assert_eq(encode_rekey(FK_KMM_SIZE_MAX, &size), FK_EINVAL);
	set_up();
	header.mac.mac_format = 0;
	cr_assert_eq(encode_rekey(FK_KMM_SIZE_MAX, &size), FK_EINVAL);
	header.has_mac = false; /* then the format is not written */
	cr_assert_eq(size, 4711);
	cr_assert_eq(encode_rekey(FK_KMM_SIZE_MAX, &size), FK_OK);
	cr_assert_eq(size, frame_size - FK_KMM_MAC_BLOCK_SIZE);
}

Test(kmm, rekey_commands_that_cannot_be_written_are_refused)
{
	size_t size;

	rekey.n_keys = 0;
	cr_assert_eq(encode_rekey(FK_KMM_SIZE_MAX, &size), FK_EINVAL);
	rekey.n_keys = FK_KMM_KEYS_MAX + 1;
	cr_assert_eq(encode_rekey(FK_KMM_SIZE_MAX, &size), FK_EINVAL);
	rekey.n_keys = 1;
	rekey.key_length = 0;
	cr_assert_eq(encode_rekey(FK_KMM_SIZE_MAX, &size), FK_EINVAL);
	rekey.key_length = 40;
	rekey.keyset_format = 0x20;
	cr_assert_eq(encode_rekey(FK_KMM_SIZE_MAX, &size), FK_EINVAL);
	rekey.keyset_format = 0;
	rekey.keys[0].key_format = 4; /* a name of four octets that is not there */
	cr_assert_eq(encode_rekey(FK_KMM_SIZE_MAX, &size), FK_EINVAL);
}

/* spec: P25 sheet 6: 35 + 45n octets; ten keys are the most that fit */
Test(kmm, ten_keys_fit_a_frame_and_eleven_do_not)
{
	size_t size = 0;

	rekey.n_keys = 10;
	cr_assert_eq(encode_rekey(FK_KMM_SIZE_MAX + 100, &size), FK_OK);
	cr_assert_eq(size, 35 + 45 * 10);
	rekey.n_keys = 11;
	cr_assert_eq(encode_rekey(FK_KMM_SIZE_MAX + 100, &size), FK_EFULL);
}

Test(kmm, a_buffer_one_octet_short_is_full_and_is_not_overrun)
{
	for (size_t cap = 0; cap < frame_size; cap++) {
		uint8_t *buf = exact_copy(frame_octets, cap);
		size_t size = 4711;

		cr_assert_eq(fk_kmm_encode_rekey_command(&header, &rekey, buf, cap, &size),
			     FK_EFULL);
		cr_assert_eq(size, 4711);
		free(buf);
	}
}

/* spec: P25 sheet 2.5 and 1.5: forms whose layout is not known */
Test(kmm, unknown_forms_of_a_rekey_command_are_unsupported)
{
	static const struct {
		uint8_t offset, value;
	} forms[] = {
		{12, 0x20}, /* decryption instruction format */
		{16, 2},    /* keysets */
		{17, 0x20}, /* keyset format: activation time */
		{22, 0x40}, /* key format: bit 6 */
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		uint8_t was = frame_octets[forms[i].offset];

		frame_octets[forms[i].offset] = forms[i].value;
		cr_assert_eq(decode_rekey(), FK_EUNSUPPORTED, "%zu", i);
		frame_octets[forms[i].offset] = was;
	}
	frame_octets[16] = 0; /* no keyset at all */
	cr_assert_eq(decode_rekey(), FK_EFORMAT);
	frame_octets[16] = 1;
	cr_assert_eq(decode_rekey(), FK_OK);
}

Test(kmm, a_decoder_refuses_every_other_message)
{
	struct fk_kmm_rekey_command r;
	struct fk_kmm_rekey_ack a;
	struct fk_kmm_negative_ack n;
	struct fk_kmm_inventory i;
	struct fk_kmm_changeover_pair p;
	struct fk_kmm_frame frame;
	uint8_t type;

	cr_assert_eq(decode(&frame), FK_OK);
	cr_assert_eq(fk_kmm_decode_rekey_ack(&frame, &a), FK_EINVAL);
	cr_assert_eq(fk_kmm_decode_negative_ack(&frame, &n), FK_EINVAL);
	cr_assert_eq(fk_kmm_decode_inventory_command(&frame, &type), FK_EINVAL);
	cr_assert_eq(fk_kmm_decode_inventory_response(&frame, &i), FK_EINVAL);
	cr_assert_eq(fk_kmm_decode_changeover(&frame, &p), FK_EINVAL);
	frame.header.message_id = FK_KMM_REKEY_ACK;
	cr_assert_eq(fk_kmm_decode_rekey_command(&frame, &r), FK_EINVAL);
}

/* A frame around a body that no encoder would write. */
static struct fk_kmm_frame frame_of(uint8_t message_id, const uint8_t *body, uint16_t size)
{
	return (struct fk_kmm_frame){
		.header = {.message_id = message_id}, .body = body, .body_size = size};
}

Test(kmm, more_items_than_a_struct_holds_are_unsupported)
{
	static uint8_t body[3 + 3 + 2 * 300];
	struct fk_kmm_inventory inventory;
	struct fk_kmm_rekey_ack ack;
	struct fk_kmm_frame frame;

	body[1] = FK_KMM_KEYS_MAX;
	frame = frame_of(FK_KMM_REKEY_ACK, body, 2 + 4 * FK_KMM_KEYS_MAX);
	cr_assert_eq(fk_kmm_decode_rekey_ack(&frame, &ack), FK_OK);
	cr_assert_eq(ack.n_statuses, FK_KMM_KEYS_MAX);
	body[1]++;
	frame.body_size += 4;
	cr_assert_eq(fk_kmm_decode_rekey_ack(&frame, &ack), FK_EUNSUPPORTED);

	memset(body, 0, sizeof(body));
	body[0] = FK_INVENTORY_ACTIVE_KEY_IDS;
	body[2] = 1; /* one item */
	body[5] = FK_KMM_INVENTORY_MAX;
	frame = frame_of(FK_KMM_INVENTORY_RESPONSE, body, 6 + 2 * FK_KMM_INVENTORY_MAX);
	cr_assert_eq(fk_kmm_decode_inventory_response(&frame, &inventory), FK_OK);
	cr_assert_eq(inventory.n_items, FK_KMM_INVENTORY_MAX);
	body[5]++;
	frame.body_size += 2;
	cr_assert_eq(fk_kmm_decode_inventory_response(&frame, &inventory), FK_EUNSUPPORTED);
}

Test(kmm, counts_that_the_body_does_not_bear_out_are_refused)
{
	static const uint8_t ack_body[] = {0x1e, 2, 0x84, 0, 1, 0};
	static const uint8_t inventory_body[] = {4, 0xff, 0xff, 1, 0x84, 1, 0x12, 0x34};
	static const uint8_t long_body[] = {4, 0, 1, 1, 0x84, 1, 0x12, 0x34, 0};
	struct fk_kmm_inventory inventory;
	struct fk_kmm_rekey_ack ack;
	struct fk_kmm_frame frame = frame_of(FK_KMM_REKEY_ACK, ack_body, sizeof(ack_body));

	cr_assert_eq(fk_kmm_decode_rekey_ack(&frame, &ack), FK_ETRUNC);
	frame = frame_of(FK_KMM_INVENTORY_RESPONSE, inventory_body, sizeof(inventory_body));
	cr_assert_eq(fk_kmm_decode_inventory_response(&frame, &inventory), FK_ETRUNC);
	frame = frame_of(FK_KMM_INVENTORY_RESPONSE, long_body, sizeof(long_body));
	cr_assert_eq(fk_kmm_decode_inventory_response(&frame, &inventory), FK_EFORMAT);
}

Test(kmm, items_that_share_keyset_and_algorithm_become_one_wire_item)
{
	struct fk_kmm_inventory inventory = {
		.inventory_type = FK_INVENTORY_ACTIVE_KEY_IDS,
		.n_items = 4,
		.items = {{1, 0x84, 10}, {1, 0x84, 11}, {2, 0x84, 12}, {1, 0x84, 13}},
	};
	static const uint8_t body[] = {4, 0,	3, 1, 0x84, 2, 0,    10, 0, 11,
				       2, 0x84, 1, 0, 12,   1, 0x84, 1,	 0, 13};
	struct fk_kmm_inventory decoded;
	struct fk_kmm_frame frame;

	header.response_kind = FK_KMM_RESPONSE_NONE;
	cr_assert_eq(fk_kmm_encode_inventory_response(&header, &inventory, frame_octets,
						      sizeof(frame_octets), &frame_size),
		     FK_OK);
	cr_assert_eq(decode(&frame), FK_OK);
	cr_assert_eq(frame.body_size, sizeof(body));
	cr_assert_arr_eq(frame.body, body, sizeof(body));
	cr_assert_eq(fk_kmm_decode_inventory_response(&frame, &decoded), FK_OK);
	cr_assert_eq(decoded.n_items, 4);
	for (uint32_t i = 0; i < 4; i++)
		cr_assert_eq(decoded.items[i].key_id, 10 + i);
}

Test(kmm, inventory_types_other_than_key_ids_are_refused)
{
	struct fk_kmm_inventory inventory = {.inventory_type = 2};
	uint8_t buf[FK_KMM_SIZE_MAX];
	size_t size;

	cr_assert_eq(fk_kmm_encode_inventory_command(&header, 2, buf, sizeof(buf), &size),
		     FK_EINVAL);
	cr_assert_eq(fk_kmm_encode_inventory_response(&header, &inventory, buf, sizeof(buf), &size),
		     FK_EINVAL);
	inventory.inventory_type = FK_INVENTORY_ACTIVE_KEY_IDS;
	inventory.n_items = FK_KMM_INVENTORY_MAX + 1;
	cr_assert_eq(fk_kmm_encode_inventory_response(&header, &inventory, buf, sizeof(buf), &size),
		     FK_EINVAL);
}

/* spec: P25 sheet 3.7 transport B */
Test(kmm, the_preamble_has_14_octets_and_comes_back)
{
	struct fk_kmm_preamble preamble = {.algorithm_id = FK_ALGORITHM_CLEAR, .key_id = 0x1234};
	static const uint8_t expected[FK_KMM_PREAMBLE_SIZE] = {0, 0, 0x80, 0x12, 0x34, 1, 2,
							       3, 4, 5,	   6,	 7,    8, 0};
	uint8_t buf[FK_KMM_PREAMBLE_SIZE];
	struct fk_kmm_preamble decoded;

	for (uint8_t i = 0; i < 8; i++)
		preamble.message_indicator[i] = (uint8_t)(i + 1);
	cr_assert_eq(fk_kmm_preamble_encode(&preamble, buf, sizeof(buf)), FK_OK);
	cr_assert_arr_eq(buf, expected, sizeof(buf));
	cr_assert_eq(fk_kmm_preamble_encode(&preamble, buf, sizeof(buf) - 1), FK_EFULL);
	cr_assert_eq(fk_kmm_preamble_decode(buf, sizeof(buf), &decoded), FK_OK);
	cr_assert_eq(decoded.key_id, 0x1234);
	cr_assert_arr_eq(decoded.message_indicator, preamble.message_indicator, 9);
	for (size_t size = 0; size < sizeof(buf); size++)
		cr_assert_eq(fk_kmm_preamble_decode(buf, size, &decoded), FK_ETRUNC);
}

Test(kmm, a_preamble_of_another_version_or_manufacturer_is_refused)
{
	struct fk_kmm_preamble preamble = {.mfid = 0x90};
	uint8_t buf[FK_KMM_PREAMBLE_SIZE] = {0, 0x90};

	cr_assert_eq(fk_kmm_preamble_encode(&preamble, frame_octets, 14), FK_EINVAL);
	cr_assert_eq(fk_kmm_preamble_decode(buf, sizeof(buf), &preamble), FK_EUNSUPPORTED);
	buf[0] = 1;
	buf[1] = 0;
	cr_assert_eq(fk_kmm_preamble_decode(buf, sizeof(buf), &preamble), FK_EUNSUPPORTED);
	buf[0] = 0xe0; /* reserved bits */
	cr_assert_eq(fk_kmm_preamble_decode(buf, sizeof(buf), &preamble), FK_OK);
}

Test(kmm, random_octets_never_break_a_decoder)
{
	uint32_t state = 20240607;

	for (uint32_t round = 0; round < 20000; round++) {
		size_t size = next_random(&state) % 80;
		uint8_t *octets = exact_copy(frame_octets, size);
		struct fk_kmm_rekey_command decoded;
		struct fk_kmm_frame frame;

		for (uint32_t i = 0; i < 3 && size > 0; i++)
			octets[next_random(&state) % size] = (uint8_t)next_random(&state);
		if (size > 3) {
			octets[1] = 0;
			octets[2] = (uint8_t)(size - 3);
		}
		if (fk_kmm_decode(octets, size, &frame) == FK_OK &&
		    fk_kmm_decode_rekey_command(&frame, &decoded) == FK_OK)
			cr_assert_leq(decoded.n_keys, FK_KMM_KEYS_MAX);
		free(octets);
	}
}

/* spec: P25 sheet 1.5 Changeover-Command; 6: 28 octets for one instruction */
Test(kmm, a_changeover_comes_back_in_both_directions_as_the_sheet_has_it)
{
	static const enum fk_kmm_message_id ids[] = {FK_KMM_CHANGEOVER_COMMAND,
						     FK_KMM_CHANGEOVER_RESPONSE};
	static const uint8_t body[] = {1, 3, 4};
	const struct fk_kmm_header plain = {.has_message_number = true,
					    .has_mac = true,
					    .mac.mac_format = FK_KMM_MAC_FORMAT_CMAC};
	const struct fk_kmm_changeover_pair pair = {3, 4};
	struct fk_kmm_changeover_pair decoded;
	struct fk_kmm_frame frame;
	uint8_t buf[64];
	size_t size;

	for (uint32_t i = 0; i < 2; i++) {
		cr_assert_eq(
			fk_kmm_encode_changeover(&plain, ids[i], &pair, buf, sizeof(buf), &size),
			FK_OK);
		cr_assert_eq(size, 28);
		cr_assert_eq(fk_kmm_decode(buf, size, &frame), FK_OK);
		cr_assert_eq(frame.header.message_id, ids[i]);
		cr_assert_eq(frame.body_size, sizeof(body));
		cr_assert_arr_eq(frame.body, body, sizeof(body));
		cr_assert_eq(fk_kmm_decode_changeover(&frame, &decoded), FK_OK);
		cr_assert_eq(decoded.superseded_keyset_id, 3);
		cr_assert_eq(decoded.activated_keyset_id, 4);
		cr_assert_eq(fk_kmm_encode_changeover(&plain, ids[i], &pair, buf, 27, &size),
			     FK_EFULL);
	}
	cr_assert_eq(fk_kmm_encode_changeover(&plain, FK_KMM_HELLO, &pair, buf, sizeof(buf), &size),
		     FK_EINVAL);
}

Test(kmm, a_changeover_with_no_or_several_instructions_or_a_wrong_count_is_refused)
{
	static const uint8_t none[] = {0, 1, 2}, two[] = {2, 1, 2, 2, 1}, cut[] = {1, 1},
			     more[] = {1, 1, 2, 3}, two_cut[] = {2, 1, 2, 2};
	struct fk_kmm_changeover_pair pair;
	struct fk_kmm_frame frame = frame_of(FK_KMM_CHANGEOVER_COMMAND, none, sizeof(none));

	cr_assert_eq(fk_kmm_decode_changeover(&frame, &pair), FK_EFORMAT);
	frame = frame_of(FK_KMM_CHANGEOVER_COMMAND, two, sizeof(two));
	cr_assert_eq(fk_kmm_decode_changeover(&frame, &pair), FK_EUNSUPPORTED);
	frame = frame_of(FK_KMM_CHANGEOVER_COMMAND, two_cut, sizeof(two_cut));
	cr_assert_eq(fk_kmm_decode_changeover(&frame, &pair), FK_ETRUNC);
	frame = frame_of(FK_KMM_CHANGEOVER_COMMAND, cut, sizeof(cut));
	cr_assert_eq(fk_kmm_decode_changeover(&frame, &pair), FK_ETRUNC);
	frame = frame_of(FK_KMM_CHANGEOVER_COMMAND, more, sizeof(more));
	cr_assert_eq(fk_kmm_decode_changeover(&frame, &pair), FK_EFORMAT);
}

/* spec: P25 sheet 1.5 Delete-Key-Command and -Response; 6: 26 + 3n and 26 + 4n octets */
Test(kmm, a_deletion_of_keys_comes_back_with_statuses_in_the_response_only)
{
	const struct fk_kmm_header plain = {.has_message_number = true,
					    .has_mac = true,
					    .mac.mac_format = FK_KMM_MAC_FORMAT_CMAC};
	const struct fk_kmm_delete_key_list list = {.n_keys = 2,
						    .keys = {{0x84, 0x1234, 2}, {0x81, 5, 0}}};
	static const enum fk_kmm_message_id ids[] = {FK_KMM_DELETE_KEY_COMMAND,
						     FK_KMM_DELETE_KEY_RESPONSE};
	struct fk_kmm_delete_key_list decoded = {.n_keys = 0};
	struct fk_kmm_frame frame;
	uint8_t buf[64];
	size_t size;

	for (uint32_t i = 0; i < 2; i++) {
		cr_assert_eq(
			fk_kmm_encode_delete_key(&plain, ids[i], &list, buf, sizeof(buf), &size),
			FK_OK);
		cr_assert_eq(size, i == 0 ? 32 : 34);
		cr_assert_eq(fk_kmm_decode(buf, size, &frame), FK_OK);
		cr_assert_eq(fk_kmm_decode_delete_key(&frame, &decoded), FK_OK);
		cr_assert_eq(decoded.n_keys, 2);
		cr_assert_eq(decoded.keys[0].key_id, 0x1234);
		cr_assert_eq(decoded.keys[1].algorithm_id, 0x81);
		cr_assert_eq(decoded.keys[0].status, i == 0 ? 0 : 2);
	}
	cr_assert_eq(fk_kmm_encode_delete_key(&plain, FK_KMM_HELLO, &list, buf, sizeof(buf), &size),
		     FK_EINVAL);
}

Test(kmm, deletions_whose_counts_are_wrong_are_refused)
{
	static const uint8_t none[] = {0}, cut[] = {2, 0x84, 0, 1}, more[] = {1, 0x84, 0, 1, 9};
	static const uint8_t two_keysets[] = {2, 1, 0, 2, 0}, keyset_cut[] = {1, 1};
	struct fk_kmm_delete_keyset_one one;
	struct fk_kmm_delete_key_list list;
	struct fk_kmm_frame frame = frame_of(FK_KMM_DELETE_KEY_COMMAND, none, sizeof(none));

	cr_assert_eq(fk_kmm_decode_delete_key(&frame, &list), FK_EFORMAT);
	frame = frame_of(FK_KMM_DELETE_KEY_COMMAND, cut, sizeof(cut));
	cr_assert_eq(fk_kmm_decode_delete_key(&frame, &list), FK_ETRUNC);
	frame = frame_of(FK_KMM_DELETE_KEY_COMMAND, more, sizeof(more));
	cr_assert_eq(fk_kmm_decode_delete_key(&frame, &list), FK_EFORMAT);
	frame = frame_of(FK_KMM_DELETE_KEYSET_RESPONSE, two_keysets, sizeof(two_keysets));
	cr_assert_eq(fk_kmm_decode_delete_keyset(&frame, &one), FK_EUNSUPPORTED);
	frame = frame_of(FK_KMM_DELETE_KEYSET_RESPONSE, keyset_cut, sizeof(keyset_cut));
	cr_assert_eq(fk_kmm_decode_delete_keyset(&frame, &one), FK_ETRUNC);
	frame = frame_of(FK_KMM_DELETE_KEYSET_COMMAND, keyset_cut, sizeof(keyset_cut));
	cr_assert_eq(fk_kmm_decode_delete_keyset(&frame, &one), FK_OK);
	cr_assert_eq(one.keyset_id, 1);
	cr_assert_eq(fk_kmm_decode_delete_key(&frame, &list), FK_EINVAL);
}

Test(kmm, a_zeroize_is_a_frame_without_a_body)
{
	const struct fk_kmm_header plain = {.destination_rsi = 1,
					    .source_rsi = 2,
					    .has_message_number = true,
					    .has_mac = true,
					    .mac.mac_format = FK_KMM_MAC_FORMAT_CMAC};
	static const enum fk_kmm_message_id ids[] = {FK_KMM_ZEROIZE_COMMAND,
						     FK_KMM_ZEROIZE_RESPONSE, FK_KMM_NO_SERVICE};
	static const uint8_t octet[] = {0};
	struct fk_kmm_frame frame;
	uint8_t buf[64];
	size_t size;

	for (uint32_t i = 0; i < 3; i++) {
		cr_assert_eq(fk_kmm_encode_empty(&plain, ids[i], buf, sizeof(buf), &size), FK_OK);
		cr_assert_eq(size, 25); /* P25 sheet 6 */
		cr_assert_eq(fk_kmm_decode(buf, size, &frame), FK_OK);
		cr_assert_eq(frame.header.message_id, ids[i]);
		cr_assert_eq(fk_kmm_decode_empty(&frame), FK_OK);
		frame = frame_of((uint8_t)ids[i], octet, sizeof(octet));
		cr_assert_eq(fk_kmm_decode_empty(&frame), FK_EFORMAT);
	}
	cr_assert_eq(fk_kmm_encode_empty(&plain, FK_KMM_HELLO, buf, sizeof(buf), &size), FK_EINVAL);
	frame = frame_of(FK_KMM_HELLO, NULL, 0);
	cr_assert_eq(fk_kmm_decode_empty(&frame), FK_EINVAL);
}

Test(kmm, a_hello_has_one_of_three_flags)
{
	const struct fk_kmm_header plain = {.destination_rsi = 1, .source_rsi = 2};
	static const uint8_t other[] = {3}, two[] = {0, 0};
	struct fk_kmm_frame frame;
	uint8_t buf[64], flag = 9;
	size_t size;

	for (uint8_t i = 0; i <= 2; i++) {
		cr_assert_eq(fk_kmm_encode_hello(&plain, i, buf, sizeof(buf), &size), FK_OK);
		cr_assert_eq(size, 11); /* P25 sheet 6, without number and MAC */
		cr_assert_eq(fk_kmm_decode(buf, size, &frame), FK_OK);
		cr_assert_eq(fk_kmm_decode_hello(&frame, &flag), FK_OK);
		cr_assert_eq(flag, i);
	}
	cr_assert_eq(fk_kmm_encode_hello(&plain, 3, buf, sizeof(buf), &size), FK_EINVAL);
	frame = frame_of(FK_KMM_HELLO, other, sizeof(other));
	cr_assert_eq(fk_kmm_decode_hello(&frame, &flag), FK_EUNSUPPORTED);
	frame = frame_of(FK_KMM_HELLO, two, sizeof(two));
	cr_assert_eq(fk_kmm_decode_hello(&frame, &flag), FK_EFORMAT);
	frame = frame_of(FK_KMM_HELLO, NULL, 0);
	cr_assert_eq(fk_kmm_decode_hello(&frame, &flag), FK_ETRUNC);
	frame = frame_of(FK_KMM_NO_SERVICE, other, sizeof(other));
	cr_assert_eq(fk_kmm_decode_hello(&frame, &flag), FK_EINVAL);
}

/* spec: P25 sheet 1.5, and 6 for the sizes */
Test(kmm, a_registration_says_what_the_unit_holds_and_to_which_kmf)
{
	const struct fk_kmm_header plain = {.destination_rsi = 1, .source_rsi = 2};
	static const enum fk_kmm_message_id ids[] = {FK_KMM_REGISTRATION_COMMAND,
						     FK_KMM_DEREGISTRATION_COMMAND};
	static const uint8_t body[] = {0x40, 0x98, 0x96, 0x7f}, key[] = {0x80, 0x98, 0x96, 0x7f};
	struct fk_kmm_frame frame;
	uint8_t buf[64], format = 0;
	uint32_t rsi = 0;
	size_t size;

	for (uint32_t i = 0; i < 2; i++) {
		cr_assert_eq(fk_kmm_encode_registration(&plain, ids[i], FK_KMM_BODY_HAS_KEK,
							9999999, buf, sizeof(buf), &size),
			     FK_OK);
		cr_assert_eq(size, 14);
		cr_assert_arr_eq(buf + FK_KMM_HEADER_SIZE, body, sizeof(body));
		cr_assert_eq(fk_kmm_decode(buf, size, &frame), FK_OK);
		cr_assert_eq(fk_kmm_decode_registration(&frame, &format, &rsi), FK_OK);
		cr_assert_eq(format, FK_KMM_BODY_HAS_KEK);
		cr_assert_eq(rsi, 9999999);
		frame = frame_of((uint8_t)ids[i], key, sizeof(key));
		cr_assert_eq(fk_kmm_decode_registration(&frame, &format, &rsi), FK_EUNSUPPORTED);
		frame = frame_of((uint8_t)ids[i], body, 3);
		cr_assert_eq(fk_kmm_decode_registration(&frame, &format, &rsi), FK_ETRUNC);
	}
	cr_assert_eq(fk_kmm_encode_registration(&plain, FK_KMM_REGISTRATION_COMMAND,
						FK_KMM_BODY_HAS_KEY, 1, buf, sizeof(buf), &size),
		     FK_EINVAL);
	cr_assert_eq(
		fk_kmm_encode_registration(&plain, FK_KMM_HELLO, 0, 1, buf, sizeof(buf), &size),
		FK_EINVAL);
	frame = frame_of(FK_KMM_HELLO, body, sizeof(body));
	cr_assert_eq(fk_kmm_decode_registration(&frame, &format, &rsi), FK_EINVAL);
}

Test(kmm, the_answer_to_a_registration_is_a_status)
{
	const struct fk_kmm_header plain = {.destination_rsi = 1, .source_rsi = 2};
	static const enum fk_kmm_message_id ids[] = {FK_KMM_REGISTRATION_RESPONSE,
						     FK_KMM_DEREGISTRATION_RESPONSE};
	static const uint8_t two[] = {0, 0};
	struct fk_kmm_frame frame;
	uint8_t buf[64], status = 9;
	size_t size;

	for (uint32_t i = 0; i < 2; i++) {
		cr_assert_eq(fk_kmm_encode_registration_response(&plain, ids[i], 1, buf,
								 sizeof(buf), &size),
			     FK_OK);
		cr_assert_eq(size, 11);
		cr_assert_eq(fk_kmm_decode(buf, size, &frame), FK_OK);
		cr_assert_eq(fk_kmm_decode_registration_response(&frame, &status), FK_OK);
		cr_assert_eq(status, 1);
		frame = frame_of((uint8_t)ids[i], two, sizeof(two));
		cr_assert_eq(fk_kmm_decode_registration_response(&frame, &status), FK_EFORMAT);
	}
	cr_assert_eq(fk_kmm_encode_registration_response(&plain, FK_KMM_REGISTRATION_COMMAND, 0,
							 buf, sizeof(buf), &size),
		     FK_EINVAL);
	frame = frame_of(FK_KMM_REGISTRATION_COMMAND, two, 1);
	cr_assert_eq(fk_kmm_decode_registration_response(&frame, &status), FK_EINVAL);
}

/* spec: P25 sheet 1.5 Key block (inferred) */
Test(kmm, a_warm_start_brings_one_wrapped_key_without_a_name)
{
	const struct fk_kmm_header plain = {.destination_rsi = 1, .source_rsi = 2};
	uint8_t key[FK_KMM_WRAPPED_SIZE], buf[128];
	struct fk_kmm_warm_start start = {.decryption_algorithm_id = FK_ALGORITHM_AES_256,
					  .decryption_key_id = 0x1234,
					  .algorithm_id = FK_ALGORITHM_AES_256,
					  .key_id = 0x5678,
					  .key = key};
	struct fk_kmm_warm_start back;
	struct fk_kmm_frame frame;
	size_t size;

	memset(key, 0x5c, sizeof(key));
	cr_assert_eq(fk_kmm_encode_warm_start(&plain, &start, buf, sizeof(buf), &size), FK_OK);
	cr_assert_eq(size, 61); /* P25 sheet 6 */
	cr_assert_eq(fk_kmm_decode(buf, size, &frame), FK_OK);
	cr_assert_eq(fk_kmm_decode_warm_start(&frame, &back), FK_OK);
	cr_assert_eq(back.decryption_key_id, 0x1234);
	cr_assert_eq(back.key_id, 0x5678);
	cr_assert_arr_eq(back.key, key, sizeof(key));
	buf[FK_KMM_HEADER_SIZE + 5] = 32; /* of another length */
	cr_assert_eq(fk_kmm_decode_warm_start(&frame, &back), FK_EUNSUPPORTED);
	frame.body_size = 20;
	buf[FK_KMM_HEADER_SIZE + 5] = FK_KMM_WRAPPED_SIZE;
	cr_assert_eq(fk_kmm_decode_warm_start(&frame, &back), FK_ETRUNC);
	frame = frame_of(FK_KMM_HELLO, key, sizeof(key));
	cr_assert_eq(fk_kmm_decode_warm_start(&frame, &back), FK_EINVAL);
}

/* spec: P25 sheet 1.5 Unable-to-Decrypt-Response (inferred) */
Test(kmm, who_is_unable_to_decrypt_names_the_key_and_the_reason)
{
	const struct fk_kmm_header plain = {.destination_rsi = 1, .source_rsi = 2};
	struct fk_kmm_unable unable = {.body_format = FK_KMM_BODY_HAS_KEK,
				       .algorithm_id = FK_ALGORITHM_AES_256,
				       .key_id = 0x1234,
				       .status = FK_KMM_STATUS_INVALID_KEY_ID};
	static const uint8_t key[] = {0x80, 0, 0x84, 0, 1, 8};
	struct fk_kmm_unable back;
	struct fk_kmm_frame frame;
	uint8_t buf[64];
	size_t size;

	cr_assert_eq(fk_kmm_encode_unable(&plain, &unable, buf, sizeof(buf), &size), FK_OK);
	cr_assert_eq(fk_kmm_decode(buf, size, &frame), FK_OK);
	cr_assert_eq(fk_kmm_decode_unable(&frame, &back), FK_OK);
	cr_assert_eq(back.key_id, 0x1234);
	cr_assert_eq(back.status, FK_KMM_STATUS_INVALID_KEY_ID);
	unable.body_format |= FK_KMM_BODY_HAS_KEY;
	cr_assert_eq(fk_kmm_encode_unable(&plain, &unable, buf, sizeof(buf), &size), FK_EINVAL);
	frame = frame_of(FK_KMM_UNABLE_TO_DECRYPT_RESPONSE, key, sizeof(key));
	cr_assert_eq(fk_kmm_decode_unable(&frame, &back), FK_EUNSUPPORTED);
	frame = frame_of(FK_KMM_UNABLE_TO_DECRYPT_RESPONSE, key, 5);
	cr_assert_eq(fk_kmm_decode_unable(&frame, &back), FK_ETRUNC);
	frame = frame_of(FK_KMM_HELLO, key, 1);
	cr_assert_eq(fk_kmm_decode_unable(&frame, &back), FK_EINVAL);
}
