/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_round_trips.c - whatever is encoded decodes to the same, and encodes to the same octets
 * again: seeded values over the whole range of every field.
 */
#include <criterion/criterion.h>

#include <fleetkey/kmm.h>
#include <fleetkey/sds.h>

#include "../seeded.h"
#include "support.h"
#include "wire/kmm_message.h"

#define N_ROUNDS 20000

static struct seeded seed;

static void fill(void *octets, size_t size)
{
	for (size_t i = 0; i < size; i++)
		((uint8_t *)octets)[i] = (uint8_t)seeded_next(&seed);
}

static bool coin(void)
{
	return seeded_below(&seed, 2) != 0;
}

/* A header without the fields that an encoder sets. */
static struct fk_kmm_header random_header(void)
{
	struct fk_kmm_header header = {
		.response_kind = (uint8_t)seeded_below(&seed, 3),
		.destination_rsi = seeded_below(&seed, 0x1000000),
		.source_rsi = seeded_below(&seed, 0x1000000),
		.has_message_number = coin(),
		.has_mac = coin(),
	};

	if (header.has_message_number)
		header.message_number = (uint16_t)seeded_next(&seed);
	if (header.has_mac) {
		header.mac.algorithm_id = (uint8_t)seeded_next(&seed);
		header.mac.key_id = (uint16_t)seeded_next(&seed);
		header.mac.mac_format = coin() ? FK_KMM_MAC_FORMAT_CMAC : FK_KMM_MAC_FORMAT_CBC;
	}
	return header;
}

static void expect_header(const struct fk_kmm_header *is, const struct fk_kmm_header *was)
{
	cr_assert_eq(is->response_kind, was->response_kind);
	cr_assert_eq(is->destination_rsi, was->destination_rsi);
	cr_assert_eq(is->source_rsi, was->source_rsi);
	cr_assert_eq(is->has_message_number, was->has_message_number);
	cr_assert_eq(is->message_number, was->message_number);
	cr_assert_eq(is->has_mac, was->has_mac);
	cr_assert_eq(is->mac.algorithm_id, was->mac.algorithm_id);
	cr_assert_eq(is->mac.key_id, was->mac.key_id);
	cr_assert_eq(is->mac.mac_format, was->mac.mac_format);
}

/* Any decoder of whole messages makes these very octets again. */
static void expect_again(const uint8_t *octets, size_t size)
{
	static struct fk_kmm_message message;
	struct fk_kmm_error error = {.reason = ""};
	uint8_t built[FK_KMM_SIZE_MAX];
	size_t built_size;

	cr_assert_eq(fk_kmm_message_decode(octets, size, FK_KMM_PROFILE_STRICT, &message, &error),
		     FK_OK, "%s", error.reason);
	cr_assert_eq(fk_kmm_message_encode(&message, FK_KMM_PROFILE_STRICT, built, sizeof(built),
					   &built_size, &error),
		     FK_OK, "%s", error.reason);
	cr_assert_eq(built_size, size);
	cr_assert_arr_eq(built, octets, size);
}

static void set_seed(void)
{
	seed = (struct seeded){.state = 102};
}

TestSuite(round_trips, .init = set_seed);

Test(round_trips, a_rekey_command_of_one_to_ten_keys)
{
	for (uint32_t round = 0; round < N_ROUNDS; round++) {
		struct fk_kmm_rekey_command rekey = {
			.decryption_algorithm_id = (uint8_t)seeded_next(&seed),
			.decryption_key_id = (uint16_t)seeded_next(&seed),
			.keyset_format = coin() ? 0x80 : 0,
			.keyset_id = (uint8_t)seeded_next(&seed),
			.algorithm_id = (uint8_t)seeded_next(&seed),
			.key_length = FK_KMM_WRAPPED_SIZE,
			.n_keys = (uint8_t)(1 + seeded_below(&seed, 10)),
		};
		struct fk_kmm_header header = random_header();
		uint8_t keys[10][FK_KMM_WRAPPED_SIZE], buf[FK_KMM_SIZE_MAX];
		struct fk_kmm_rekey_command again;
		struct fk_kmm_frame frame;
		size_t size;

		fill(keys, sizeof(keys));
		for (uint32_t i = 0; i < rekey.n_keys; i++)
			rekey.keys[i] = (struct fk_kmm_key_item){
				.key_format = coin() ? 0x80 : 0,
				.sln = (uint16_t)seeded_next(&seed),
				.key_id = (uint16_t)seeded_next(&seed),
				.key = keys[i],
			};
		cr_assert_eq(fk_kmm_encode_rekey_command(&header, &rekey, buf, sizeof(buf), &size),
			     FK_OK);
		cr_assert_eq(fk_kmm_decode(buf, size, &frame), FK_OK);
		cr_assert_eq(fk_kmm_decode_rekey_command(&frame, &again), FK_OK);
		expect_header(&frame.header, &header);
		cr_assert_eq(again.decryption_algorithm_id, rekey.decryption_algorithm_id);
		cr_assert_eq(again.decryption_key_id, rekey.decryption_key_id);
		cr_assert_eq(again.keyset_format, rekey.keyset_format);
		cr_assert_eq(again.keyset_id, rekey.keyset_id);
		cr_assert_eq(again.algorithm_id, rekey.algorithm_id);
		cr_assert_eq(again.n_keys, rekey.n_keys);
		for (uint32_t i = 0; i < rekey.n_keys; i++) {
			cr_assert_eq(again.keys[i].key_format, rekey.keys[i].key_format);
			cr_assert_eq(again.keys[i].sln, rekey.keys[i].sln);
			cr_assert_eq(again.keys[i].key_id, rekey.keys[i].key_id);
			cr_assert_arr_eq(again.keys[i].key, keys[i], FK_KMM_WRAPPED_SIZE);
		}
		expect_again(buf, size);
	}
}

Test(round_trips, acknowledgments)
{
	for (uint32_t round = 0; round < N_ROUNDS; round++) {
		struct fk_kmm_rekey_ack ack = {
			.acknowledged_message_id = (uint8_t)seeded_next(&seed),
			.n_statuses = (uint8_t)seeded_below(&seed, FK_KMM_KEYS_MAX + 1),
		};
		struct fk_kmm_negative_ack nack = {
			.acknowledged_message_id = (uint8_t)seeded_next(&seed),
			.acknowledged_message_number = (uint16_t)seeded_next(&seed),
			.status = (uint8_t)seeded_next(&seed),
		};
		struct fk_kmm_header header = random_header();
		struct fk_kmm_negative_ack nack_again;
		struct fk_kmm_rekey_ack ack_again;
		uint8_t buf[FK_KMM_SIZE_MAX];
		struct fk_kmm_frame frame;
		size_t size;

		for (uint32_t i = 0; i < ack.n_statuses; i++)
			ack.statuses[i] = (struct fk_kmm_key_status){
				(uint8_t)seeded_next(&seed),
				(uint16_t)seeded_next(&seed),
				(uint8_t)seeded_next(&seed),
			};
		cr_assert_eq(fk_kmm_encode_rekey_ack(&header, &ack, buf, sizeof(buf), &size),
			     FK_OK);
		cr_assert_eq(fk_kmm_decode(buf, size, &frame), FK_OK);
		cr_assert_eq(fk_kmm_decode_rekey_ack(&frame, &ack_again), FK_OK);
		expect_header(&frame.header, &header);
		cr_assert_eq(ack_again.acknowledged_message_id, ack.acknowledged_message_id);
		cr_assert_eq(ack_again.n_statuses, ack.n_statuses);
		for (uint32_t i = 0; i < ack.n_statuses; i++) {
			cr_assert_eq(ack_again.statuses[i].algorithm_id,
				     ack.statuses[i].algorithm_id);
			cr_assert_eq(ack_again.statuses[i].key_id, ack.statuses[i].key_id);
			cr_assert_eq(ack_again.statuses[i].status, ack.statuses[i].status);
		}
		expect_again(buf, size);

		cr_assert_eq(fk_kmm_encode_negative_ack(&header, &nack, buf, sizeof(buf), &size),
			     FK_OK);
		cr_assert_eq(fk_kmm_decode(buf, size, &frame), FK_OK);
		cr_assert_eq(fk_kmm_decode_negative_ack(&frame, &nack_again), FK_OK);
		cr_assert_eq(nack_again.acknowledged_message_id, nack.acknowledged_message_id);
		cr_assert_eq(nack_again.acknowledged_message_number,
			     nack.acknowledged_message_number);
		cr_assert_eq(nack_again.status, nack.status);
		expect_again(buf, size);
	}
}

Test(round_trips, an_inventory_of_key_ids)
{
	for (uint32_t round = 0; round < N_ROUNDS; round++) {
		static struct fk_kmm_inventory inventory, again;
		struct fk_kmm_header header = random_header();
		uint8_t buf[FK_KMM_SIZE_MAX];
		struct fk_kmm_frame frame;
		size_t size;

		inventory.inventory_type = FK_INVENTORY_ACTIVE_KEY_IDS;
		inventory.n_items = (uint16_t)seeded_below(&seed, 90);
		for (uint32_t i = 0; i < inventory.n_items; i++)
			inventory.items[i] = (struct fk_kmm_inventory_item){
				(uint8_t)(1 + seeded_below(&seed, 2)),
				coin() ? FK_ALGORITHM_AES_256 : 0x85,
				(uint16_t)seeded_next(&seed),
			};
		cr_assert_eq(fk_kmm_encode_inventory_response(&header, &inventory, buf, sizeof(buf),
							      &size),
			     FK_OK);
		cr_assert_eq(fk_kmm_decode(buf, size, &frame), FK_OK);
		cr_assert_eq(fk_kmm_decode_inventory_response(&frame, &again), FK_OK);
		cr_assert_eq(again.n_items, inventory.n_items);
		for (uint32_t i = 0; i < inventory.n_items; i++) {
			cr_assert_eq(again.items[i].keyset_id, inventory.items[i].keyset_id);
			cr_assert_eq(again.items[i].algorithm_id, inventory.items[i].algorithm_id);
			cr_assert_eq(again.items[i].key_id, inventory.items[i].key_id);
		}
		expect_again(buf, size);
	}
}

static uint8_t values[4][100];

static struct fk_sds_value a_value(uint32_t which)
{
	fill(values[which], sizeof(values[which]));
	return (struct fk_sds_value){coin() ? values[which] : NULL,
				     (uint16_t)seeded_below(&seed, sizeof(values[which]))};
}

static struct fk_sds_options some_options(void)
{
	struct fk_sds_options options = {
		.has_application_id = coin(),
		.extended_app_id_type = (uint8_t)seeded_below(&seed, 3),
		.extended_app_id = {values[0], (uint16_t)seeded_below(&seed, sizeof(values[0]))},
		.user_location = a_value(1),
		.sender_mcdata_user_id = a_value(2),
		.application_metadata_container = a_value(3),
	};

	if (options.has_application_id)
		options.application_id = (uint8_t)seeded_next(&seed);
	fill(values[0], sizeof(values[0]));
	return options;
}

static void expect_same_value(struct fk_sds_value a, struct fk_sds_value b)
{
	cr_assert_eq(a.octets == NULL, b.octets == NULL);
	if (a.octets == NULL)
		return;
	cr_assert_eq(a.size, b.size);
	cr_assert_arr_eq(a.octets, b.octets, a.size);
}

static void expect_same_options(const struct fk_sds_options *a, const struct fk_sds_options *b)
{
	cr_assert_eq(a->has_application_id, b->has_application_id);
	cr_assert_eq(a->application_id, b->application_id);
	cr_assert_eq(a->extended_app_id_type, b->extended_app_id_type);
	if (a->extended_app_id_type != FK_SDS_APP_ID_NONE)
		expect_same_value(a->extended_app_id, b->extended_app_id);
	expect_same_value(a->user_location, b->user_location);
	expect_same_value(a->sender_mcdata_user_id, b->sender_mcdata_user_id);
	expect_same_value(a->application_metadata_container, b->application_metadata_container);
}

Test(round_trips, an_sds_signalling_payload)
{
	for (uint32_t round = 0; round < N_ROUNDS; round++) {
		uint8_t buf[600], built[600];
		struct fk_sds_signalling s = {
			.date_time_s = seeded_next(&seed) >> 24,
			.has_in_reply_to = coin(),
			.disposition_request = (uint8_t)seeded_below(&seed, 4),
			.options = some_options(),
		};
		struct fk_sds_signalling again;
		size_t size, built_size;

		fill(s.conversation_id, sizeof(s.conversation_id));
		fill(s.message_id, sizeof(s.message_id));
		if (s.has_in_reply_to)
			fill(s.in_reply_to, sizeof(s.in_reply_to));
		cr_assert_eq(fk_sds_encode_signalling(&s, buf, sizeof(buf), &size), FK_OK);
		cr_assert_eq(fk_sds_decode_signalling(buf, size, &again), FK_OK);
		cr_assert_eq(again.date_time_s, s.date_time_s);
		cr_assert_arr_eq(again.conversation_id, s.conversation_id, FK_SDS_ID_SIZE);
		cr_assert_arr_eq(again.message_id, s.message_id, FK_SDS_ID_SIZE);
		cr_assert_eq(again.has_in_reply_to, s.has_in_reply_to);
		cr_assert_arr_eq(again.in_reply_to, s.in_reply_to, FK_SDS_ID_SIZE);
		cr_assert_eq(again.disposition_request, s.disposition_request);
		expect_same_options(&again.options, &s.options);
		cr_assert_eq(fk_sds_encode_signalling(&again, built, sizeof(built), &built_size),
			     FK_OK);
		cr_assert_eq(built_size, size);
		cr_assert_arr_eq(built, buf, size);
	}
}

Test(round_trips, an_sds_data_payload_and_a_notification)
{
	for (uint32_t round = 0; round < N_ROUNDS; round++) {
		struct fk_sds_notification n = {
			.disposition = (uint8_t)(1 + seeded_below(&seed, 5)),
			.date_time_s = seeded_next(&seed) >> 24,
			.options = some_options(),
		};
		struct fk_sds_notification again;
		uint8_t octets[500], buf[600], built[600];
		size_t octets_size = seeded_below(&seed, sizeof(octets)), size, found_size;
		const uint8_t *found;

		fill(octets, octets_size);
		cr_assert_eq(fk_sds_encode_data(FK_SDS_CONTENT_BINARY, octets, octets_size, buf,
						sizeof(buf), &size),
			     FK_OK);
		cr_assert_eq(size, octets_size + FK_SDS_DATA_OVERHEAD);
		cr_assert_eq(fk_sds_decode_data(buf, size, &found, &found_size), FK_OK);
		cr_assert_eq(found_size, octets_size);
		cr_assert_arr_eq(found, octets, octets_size);

		fill(n.conversation_id, sizeof(n.conversation_id));
		fill(n.message_id, sizeof(n.message_id));
		cr_assert_eq(fk_sds_encode_notification(&n, buf, sizeof(buf), &size), FK_OK);
		cr_assert_eq(fk_sds_decode_notification(buf, size, &again), FK_OK);
		cr_assert_eq(again.disposition, n.disposition);
		cr_assert_eq(again.date_time_s, n.date_time_s);
		expect_same_options(&again.options, &n.options);
		cr_assert_eq(fk_sds_encode_notification(&again, built, sizeof(built), &found_size),
			     FK_OK);
		cr_assert_eq(found_size, size);
		cr_assert_arr_eq(built, buf, size);
	}
}
