/* SPDX-License-Identifier: Apache-2.0 */
/* test_radio.c - what a radio does with good and bad KMMs. */
#include <string.h>

#include <criterion/criterion.h>

#include "fixture.h"
#include "radio.h"

static struct fixture f;
static struct fk_sim_counts counts;
static struct fk_radio radio;
static struct fk_sim_ue *ue;
static struct fk_radio_answer answer;
static uint8_t kmm[FK_KMM_SIZE_MAX];

static void setup(void)
{
	fixture_init(&f);
	memset(&counts, 0, sizeof(counts));
	radio = (struct fk_radio){.ossl = f.ossl, .counts = &counts, .kmf_rsi = KMF_RSI};
	ue = &f.fleet.ues[3];
}

static void teardown(void)
{
	fixture_fini(&f);
}

TestSuite(radio, .init = setup, .fini = teardown);

static enum fk_sim_malformed give(size_t size)
{
	return fk_radio_receive(&radio, ue, kmm, size, &answer);
}

/* The answer's frame, after its MAC has been checked under 'key'. */
static struct fk_kmm_frame check_answer(const uint8_t *key, uint8_t message_id)
{
	struct fk_kmm_frame frame = {0};
	uint8_t mac[FK_KMM_MAC_SIZE];

	cr_assert_gt(answer.size, 0);
	cr_assert_eq(fk_kmm_decode(answer.octets, answer.size, &frame), FK_OK);
	cr_assert_eq(frame.size, answer.size);
	cr_assert_eq(frame.header.message_id, message_id);
	cr_assert_eq(frame.header.source_rsi, ue->rsi);
	cr_assert_eq(frame.header.destination_rsi, KMF_RSI);
	cr_assert_eq(frame.header.response_kind, FK_KMM_RESPONSE_NONE);
	cr_assert(frame.header.has_mac && frame.header.has_message_number);
	cr_assert_eq(fk_ossl_mac(f.ossl, key, answer.octets, answer.size,
				 frame.header.mac.mac_format, mac),
		     FK_OK);
	cr_assert(fk_ct_equal(mac, frame.header.mac.mac, sizeof(mac)));
	return frame;
}

static uint8_t rekey_status(const struct command *c)
{
	struct fk_kmm_frame frame;
	struct fk_kmm_rekey_ack ack;

	cr_assert_eq(give(make_rekey(&f, ue, c, kmm)), FK_SIM_WELL_FORMED);
	frame = check_answer(c->mac_key, FK_KMM_REKEY_ACK);
	cr_assert_eq(frame.header.mac.key_id, c->mac_key_id);
	cr_assert_eq(frame.header.mac.mac_format, c->mac_format);
	cr_assert_eq(fk_kmm_decode_rekey_ack(&frame, &ack), FK_OK);
	cr_assert_eq(ack.acknowledged_message_id, FK_KMM_REKEY_COMMAND);
	cr_assert_eq(ack.n_statuses, 1);
	cr_assert_eq(ack.statuses[0].key_id, c->key_id);
	return ack.statuses[0].status;
}

Test(radio, a_good_rekey_is_stored_made_active_and_acknowledged)
{
	struct command c = usual_command(&f, ue, 1);

	cr_assert_eq(rekey_status(&c), FK_KMM_STATUS_PERFORMED);
	cr_assert_eq(ue->active_keyset, KEYSET);
	cr_assert_eq(ue->newest_key, 0);
	cr_assert_eq(ue->keys[0].keyset_id, KEYSET);
	cr_assert_eq(ue->keys[0].sln, SLN);
	cr_assert_eq(ue->keys[0].key_id, KEY_ID);
	cr_assert(fk_ct_equal(ue->keys[0].octets, f.tek, 32));
	cr_assert_not(ue->keys[0].is_verified);
	cr_assert_eq(ue->inbound_number, 1);
	cr_assert_eq(ue->outbound_number, 1);
	cr_assert_eq(counts.count[FK_SIM_COMMANDS], 1);
}

Test(radio, the_answer_has_the_mac_kind_of_the_command)
{
	struct command c;

	ue = &f.fleet.ues[7];
	c = usual_command(&f, ue, 1);
	cr_assert_eq(c.mac_format, FK_KMM_MAC_FORMAT_CBC);
	cr_assert_eq(rekey_status(&c), FK_KMM_STATUS_PERFORMED);
}

Test(radio, a_mac_of_the_kind_that_the_fleet_file_does_not_name_is_refused)
{
	for (uint32_t i = 0; i < N_UES; i++) {
		struct command c;

		ue = &f.fleet.ues[i];
		c = usual_command(&f, ue, 1);
		c.mac_format = c.mac_format == FK_KMM_MAC_FORMAT_CMAC ? FK_KMM_MAC_FORMAT_CBC
								      : FK_KMM_MAC_FORMAT_CMAC;
		cr_assert_eq(give(make_rekey(&f, ue, &c, kmm)), FK_SIM_WELL_FORMED);
		cr_assert_eq(answer.size, 0);
		c.mac_key = f.tek;
		c.mac_key_id = 0x7001;
		cr_assert_eq(give(make_warm_start(&f, ue, &c, f.tek, 0x7001, kmm)),
			     FK_SIM_WELL_FORMED);
		cr_assert_eq(answer.size, 0);
		cr_assert_eq(ue->inbound_number, 0);
		cr_assert_eq(counts.count[FK_SIM_MAC_KIND], 2 * (i + 1));
	}
	cr_assert_eq(counts.count[FK_SIM_BAD_MAC], 0);
	cr_assert_eq(counts.count[FK_SIM_COMMANDS], 0);
}

Test(radio, the_closing_exchange_under_the_new_key_verifies_it)
{
	struct command c = usual_command(&f, ue, 1);
	struct fk_kmm_inventory inventory;
	struct fk_kmm_frame frame;

	cr_assert_eq(rekey_status(&c), FK_KMM_STATUS_PERFORMED);
	c.number = 2;
	c.mac_key = f.tek;
	c.mac_key_id = KEY_ID;
	cr_assert_eq(give(make_inventory(&f, ue, &c, kmm)), FK_SIM_WELL_FORMED);
	frame = check_answer(f.tek, FK_KMM_INVENTORY_RESPONSE);
	cr_assert_eq(fk_kmm_decode_inventory_response(&frame, &inventory), FK_OK);
	cr_assert_eq(inventory.inventory_type, FK_INVENTORY_ACTIVE_KEY_IDS);
	cr_assert_eq(inventory.n_items, 1);
	cr_assert_eq(inventory.items[0].key_id, KEY_ID);
	cr_assert_eq(inventory.items[0].keyset_id, KEYSET);
	cr_assert(ue->keys[0].is_verified);
}

/* Gives a command with 'n' keys and returns the acknowledgement. */
static struct fk_kmm_rekey_ack rekey_several(uint16_t number, uint16_t first_sln, uint8_t n)
{
	struct command c = usual_command(&f, ue, number);
	struct fk_kmm_rekey_ack ack;
	struct fk_kmm_frame frame;

	c.n_keys = n;
	c.first_sln = first_sln;
	c.key_id = (uint16_t)(KEY_ID + first_sln - SLN);
	cr_assert_eq(give(make_rekey(&f, ue, &c, kmm)), FK_SIM_WELL_FORMED);
	frame = check_answer(c.mac_key, FK_KMM_REKEY_ACK);
	cr_assert_eq(fk_kmm_decode_rekey_ack(&frame, &ack), FK_OK);
	cr_assert_eq(ack.n_statuses, n);
	return ack;
}

Test(radio, all_keys_of_several_commands_are_held_listed_and_verified)
{
	struct command c = usual_command(&f, ue, 3);
	struct fk_kmm_inventory inventory;
	struct fk_kmm_rekey_ack ack;
	struct fk_kmm_frame frame;

	for (uint16_t step = 0; step < 2; step++) {
		ack = rekey_several(step + 1, (uint16_t)(SLN + 9 * step), 9);
		for (uint8_t i = 0; i < 9; i++) {
			cr_assert_eq(ack.statuses[i].key_id, KEY_ID + 9 * step + i);
			cr_assert_eq(ack.statuses[i].status, FK_KMM_STATUS_PERFORMED);
		}
	}
	c.mac_key = f.tek;
	c.mac_key_id = KEY_ID;
	cr_assert_eq(give(make_inventory(&f, ue, &c, kmm)), FK_SIM_WELL_FORMED);
	frame = check_answer(f.tek, FK_KMM_INVENTORY_RESPONSE);
	cr_assert_eq(fk_kmm_decode_inventory_response(&frame, &inventory), FK_OK);
	cr_assert_eq(inventory.n_items, 18);
	for (uint32_t i = 0; i < 18; i++) {
		const struct fk_sim_key *key = fk_sim_ue_key(ue, i);
		const uint8_t *tek = i % 9 == 0 ? f.tek : f.further[i % 9 - 1];

		cr_assert_eq(key->sln, SLN + i);
		cr_assert_eq(key->key_id, KEY_ID + i);
		cr_assert(fk_ct_equal(key->octets, tek, 32));
		cr_assert(key->is_verified);
		cr_assert_eq(inventory.items[i].key_id, KEY_ID + i);
	}
}

/* Gives a command with 'n_keys' keys that the radio has no room for. */
static void expect_beyond_capability(uint16_t number, uint8_t n_keys)
{
	struct command c = usual_command(&f, ue, number);
	struct fk_kmm_negative_ack nack;
	struct fk_kmm_frame frame;

	c.n_keys = n_keys;
	cr_assert_eq(give(make_rekey(&f, ue, &c, kmm)), FK_SIM_WELL_FORMED);
	frame = check_answer(c.mac_key, FK_KMM_NEGATIVE_ACK);
	cr_assert_eq(fk_kmm_decode_negative_ack(&frame, &nack), FK_OK);
	cr_assert_eq(nack.status, 0x05);
	cr_assert_eq(nack.acknowledged_message_number, number);
	cr_assert_eq(ue->newest_key, FK_SIM_NO_KEY);
}

Test(radio, a_kmm_beyond_what_the_radio_takes_is_refused_whole)
{
	ue->max_kmm = 124; /* one octet less than two keys take */
	expect_beyond_capability(1, 2);
	ue->max_kmm = 0;
	ue->max_keys = 2;
	expect_beyond_capability(2, 3);
	cr_assert_eq(counts.count[FK_SIM_BEYOND_CAPABILITY], 2);
	ue->max_kmm = 125;
	cr_assert_eq(rekey_several(3, SLN, 2).statuses[1].status, FK_KMM_STATUS_PERFORMED);
	cr_assert_eq(counts.count[FK_SIM_BEYOND_CAPABILITY], 2);
}

Test(radio, a_key_for_a_keyset_that_the_radio_lacks_gets_status_02)
{
	struct command c = usual_command(&f, ue, 1);

	ue->keysets = 2;
	c.keyset_id = 3;
	cr_assert_eq(rekey_status(&c), 0x02);
	cr_assert_eq(ue->newest_key, FK_SIM_NO_KEY);
	cr_assert_eq(counts.count[FK_SIM_BEYOND_CAPABILITY], 1);
	c.number = 2;
	c.keyset_id = 2;
	cr_assert_eq(rekey_status(&c), FK_KMM_STATUS_PERFORMED);
}

static struct command ckek_command(uint16_t number)
{
	struct command c = usual_command(&f, ue, number);

	c.keyset_id = FK_KMM_KEYSET_KEKS;
	c.format = FK_KMM_FORMAT_KEK;
	c.first_sln = 61441;
	c.key_id = 0x5001;
	return c;
}

/* spec: P25 sheet 2.3: keyset 255, always active */
Test(radio, a_ckek_is_kept_and_makes_no_keyset_the_active_one)
{
	struct command c = ckek_command(1);

	ue->keysets = 2;
	cr_assert_eq(rekey_status(&c), FK_KMM_STATUS_PERFORMED);
	cr_expect_eq(ue->keys[0].keyset_id, 255);
	cr_expect_eq(ue->keys[0].sln, 61441);
	cr_expect_eq(ue->active_keyset, 0);
	/* The next TEKs may come under it. */
	c = usual_command(&f, ue, 2);
	c.kek = f.tek;
	c.kek_key_id = 0x5001;
	cr_assert_eq(rekey_status(&c), FK_KMM_STATUS_PERFORMED);
	cr_expect_eq(ue->active_keyset, KEYSET);
	cr_expect_eq(counts.count[FK_SIM_UNDER_CKEK], 1);
	/* It authenticates nothing. */
	c.number = 3;
	c.mac_key = f.tek;
	c.mac_key_id = 0x5001;
	cr_assert_eq(give(make_inventory(&f, ue, &c, kmm)), FK_SIM_WELL_FORMED);
	cr_expect_eq(answer.size, 0);
	cr_expect_eq(counts.count[FK_SIM_BAD_MAC], 1);
}

Test(radio, a_key_that_is_not_what_its_place_says_gets_status_01)
{
	struct command c = ckek_command(1);

	c.format = 0;
	cr_expect_eq(rekey_status(&c), 0x01, "a TEK in the keyset of KEKs");
	c = ckek_command(2);
	c.keyset_id = KEYSET;
	cr_expect_eq(rekey_status(&c), 0x01, "a KEK in a keyset of TEKs");
	c = ckek_command(3);
	c.first_sln = 61439;
	cr_expect_eq(rekey_status(&c), 0x01, "a KEK at a TEK's SLN");
	c = ckek_command(4);
	cr_expect_eq(rekey_status(&c), FK_KMM_STATUS_PERFORMED);
	c = ckek_command(5);
	c.kek = f.tek;
	c.kek_key_id = 0x5001;
	cr_expect_eq(rekey_status(&c), 0x01, "a KEK under a CKEK");
}

Test(radio, a_full_radio_refuses_the_key_too_many_and_keeps_the_others)
{
	struct fk_kmm_rekey_ack ack;

	for (uint16_t step = 0; step < 4; step++)
		(void)rekey_several(step + 1, (uint16_t)(SLN + 8 * step), 8);
	ack = rekey_several(5, SLN + FK_SIM_KEYS_MAX - 1, 2);
	cr_assert_eq(ack.statuses[0].status, FK_KMM_STATUS_PERFORMED);
	cr_assert_eq(ack.statuses[1].status, 0x05); /* out of memory */
	cr_assert_null(fk_sim_ue_key(ue, FK_SIM_KEYS_MAX));
}

Test(radio, a_trait_may_refuse_the_key_of_one_sln_alone)
{
	struct fk_traits traits = {.spec = {.status = 0x09, .status_sln = SLN + 2}};
	struct fk_kmm_rekey_ack ack;

	radio.traits = &traits;
	ue->traits = 1u << FK_TRAIT_STATUS;
	ack = rekey_several(1, SLN, 4);
	for (uint8_t i = 0; i < 4; i++)
		cr_assert_eq(ack.statuses[i].status, i == 2 ? 0x09 : FK_KMM_STATUS_PERFORMED);
	cr_assert_eq(ue->refusal, FK_SIM_REFUSED_STATUS);
	cr_assert_eq(fk_sim_ue_key(ue, 2)->sln, SLN + 3);
}

Test(radio, an_inventory_under_the_protection_tek_verifies_nothing)
{
	struct command c = usual_command(&f, ue, 1);

	cr_assert_eq(rekey_status(&c), FK_KMM_STATUS_PERFORMED);
	c.number = 2;
	cr_assert_eq(give(make_inventory(&f, ue, &c, kmm)), FK_SIM_WELL_FORMED);
	check_answer(ue->ptek, FK_KMM_INVENTORY_RESPONSE);
	cr_assert_not(ue->keys[0].is_verified);
}

Test(radio, another_key_in_the_same_place_is_not_verified)
{
	struct command c = usual_command(&f, ue, 1);

	cr_assert_eq(rekey_status(&c), FK_KMM_STATUS_PERFORMED);
	ue->keys[0].is_verified = true;
	c.number = 2;
	cr_assert_eq(rekey_status(&c), FK_KMM_STATUS_PERFORMED); /* the same key again */
	cr_assert(ue->keys[0].is_verified);
	f.tek[0] ^= 1;
	c.number = 3;
	cr_assert_eq(rekey_status(&c), FK_KMM_STATUS_PERFORMED);
	cr_assert_not(ue->keys[0].is_verified);
}

Test(radio, any_changed_bit_is_met_with_silence_or_found_malformed_and_changes_nothing)
{
	struct command c = usual_command(&f, ue, 1);
	size_t size = make_rekey(&f, ue, &c, kmm);

	for (size_t bit = 0; bit < 8 * size; bit++) {
		kmm[bit / 8] ^= (uint8_t)(1u << bit % 8);
		(void)give(size);
		cr_assert_eq(answer.size, 0, "bit %zu", bit);
		cr_assert_eq(ue->newest_key, FK_SIM_NO_KEY, "bit %zu", bit);
		cr_assert_eq(ue->inbound_number, 0, "bit %zu", bit);
		kmm[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	cr_assert_gt(counts.count[FK_SIM_BAD_MAC], 0);
	cr_assert_eq(counts.count[FK_SIM_COMMANDS], 0);
	cr_assert_eq(give(size), FK_SIM_WELL_FORMED);
	cr_assert_eq(counts.count[FK_SIM_COMMANDS], 1);
}

Test(radio, a_key_of_another_ue_does_not_authenticate)
{
	struct command c = usual_command(&f, ue, 1);

	c.mac_key = f.fleet.ues[4].ptek;
	cr_assert_eq(give(make_rekey(&f, ue, &c, kmm)), FK_SIM_WELL_FORMED);
	cr_assert_eq(answer.size, 0);
	cr_assert_eq(counts.count[FK_SIM_BAD_MAC], 1);
	c = usual_command(&f, ue, 1);
	c.mac_key_id ^= 1;
	cr_assert_eq(give(make_rekey(&f, ue, &c, kmm)), FK_SIM_WELL_FORMED);
	cr_assert_eq(answer.size, 0);
	cr_assert_eq(counts.count[FK_SIM_BAD_MAC], 2);
}

Test(radio, a_key_wrapped_for_another_ue_gets_status_01_and_one_under_an_absent_kek_06)
{
	struct command c = usual_command(&f, ue, 1);

	c.kek = f.fleet.ues[4].kek;
	cr_assert_eq(rekey_status(&c), 0x01);
	cr_assert_eq(counts.count[FK_SIM_BAD_WRAP], 1);
	c = usual_command(&f, ue, 2);
	c.kek_key_id ^= 0x100;
	cr_assert_eq(rekey_status(&c), FK_KMM_STATUS_NO_KEK);
	cr_assert_eq(counts.count[FK_SIM_NO_KEK], 1);
	cr_assert_eq(ue->newest_key, FK_SIM_NO_KEY);
}

Test(radio, a_repeat_gets_the_same_answer_octet_for_octet)
{
	struct command c = usual_command(&f, ue, 1);
	struct fk_radio_answer first;
	size_t size = make_rekey(&f, ue, &c, kmm);

	cr_assert_eq(give(size), FK_SIM_WELL_FORMED);
	first = answer;
	cr_assert_eq(give(size), FK_SIM_WELL_FORMED);
	cr_assert_eq(answer.size, first.size);
	cr_assert_arr_eq(answer.octets, first.octets, first.size);
	cr_assert_eq(counts.count[FK_SIM_REPEATS], 1);
	cr_assert_eq(counts.count[FK_SIM_COMMANDS], 1);
	cr_assert_eq(counts.count[FK_SIM_MESSAGE_NUMBER_REUSED], 0);
	cr_assert_eq(ue->outbound_number, 1);
}

static void expect_refused_number(uint16_t number)
{
	struct command c = usual_command(&f, ue, number);
	uint16_t before = ue->inbound_number;
	struct fk_kmm_negative_ack nack;
	struct fk_kmm_frame frame;

	c.key_id = (uint16_t)(KEY_ID + 1); /* other octets than any command before */
	cr_assert_eq(give(make_rekey(&f, ue, &c, kmm)), FK_SIM_WELL_FORMED);
	frame = check_answer(ue->ptek, FK_KMM_NEGATIVE_ACK);
	cr_assert_eq(fk_kmm_decode_negative_ack(&frame, &nack), FK_OK);
	cr_assert_eq(nack.acknowledged_message_id, FK_KMM_REKEY_COMMAND);
	cr_assert_eq(nack.acknowledged_message_number, number);
	cr_assert_eq(nack.status, FK_KMM_STATUS_INVALID_NUMBER);
	cr_assert_eq(ue->inbound_number, before);
}

/* spec: P25 sheet 3.9, rule 1 */
Test(radio, numbers_outside_the_window_are_refused_with_status_07)
{
	struct command c = usual_command(&f, ue, 1000); /* the message number period is 1000 */

	cr_assert_eq(rekey_status(&c), FK_KMM_STATUS_PERFORMED);
	expect_refused_number(1000); /* the same number, other octets */
	expect_refused_number(999);
	expect_refused_number(2001);
	expect_refused_number(65535);
	cr_assert_eq(counts.count[FK_SIM_NUMBER_REFUSED], 4);
	c.number = 2000;
	cr_assert_eq(rekey_status(&c), FK_KMM_STATUS_PERFORMED);
}

Test(radio, numbers_wrap_around)
{
	struct command c = usual_command(&f, ue, 3);

	ue->inbound_number = 65534;
	cr_assert_eq(rekey_status(&c), FK_KMM_STATUS_PERFORMED);
	cr_assert_eq(ue->inbound_number, 3);
}

Test(radio, two_different_kmms_under_one_number_are_counted_as_one_pair)
{
	struct command c = usual_command(&f, ue, 1);

	cr_assert_eq(rekey_status(&c), FK_KMM_STATUS_PERFORMED);
	c.key_id++;
	cr_assert_eq(give(make_rekey(&f, ue, &c, kmm)), FK_SIM_WELL_FORMED);
	cr_assert_eq(counts.count[FK_SIM_MESSAGE_NUMBER_REUSED], 1);
	cr_assert_eq(give(make_rekey(&f, ue, &c, kmm)), FK_SIM_WELL_FORMED);
	cr_assert_eq(counts.count[FK_SIM_MESSAGE_NUMBER_REUSED], 1);
}

Test(radio, kmms_for_others_or_from_others_are_malformed)
{
	struct command c = usual_command(&f, ue, 1);
	size_t size = make_rekey(&f, &f.fleet.ues[4], &c, kmm);

	cr_assert_eq(give(size), FK_SIM_MALFORMED_KMM_NOT_FOR_UE);
	size = make_rekey(&f, ue, &c, kmm);
	radio.kmf_rsi--;
	cr_assert_eq(give(size), FK_SIM_MALFORMED_KMM_SOURCE);
	radio.kmf_rsi++;
	for (size_t n = 0; n < size; n++)
		cr_assert_eq(give(n), FK_SIM_MALFORMED_KMM, "%zu octets", n);
	kmm[size] = 0; /* an octet too many */
	cr_assert_eq(give(size + 1), FK_SIM_MALFORMED_KMM);
	cr_assert_eq(answer.size, 0);
}

/* Gives a Changeover-Command and returns the Message ID of the answer, and a refusal's status. */
static uint8_t change_over(uint16_t number, uint8_t superseded, uint8_t activated,
			   uint8_t *ret_status)
{
	const struct fk_kmm_changeover_pair pair = {superseded, activated};
	struct command c = usual_command(&f, ue, number);
	struct fk_kmm_changeover_pair answered;
	struct fk_kmm_negative_ack nack;
	struct fk_kmm_frame frame;

	*ret_status = 0;
	cr_assert_eq(give(make_changeover(&f, ue, &c, pair, kmm)), FK_SIM_WELL_FORMED);
	cr_assert_eq(fk_kmm_decode(answer.octets, answer.size, &frame), FK_OK);
	if (frame.header.message_id == FK_KMM_NEGATIVE_ACK) {
		cr_assert_eq(fk_kmm_decode_negative_ack(&frame, &nack), FK_OK);
		cr_assert_eq(nack.acknowledged_message_id, FK_KMM_CHANGEOVER_COMMAND);
		*ret_status = nack.status;
		return FK_KMM_NEGATIVE_ACK;
	}
	frame = check_answer(c.mac_key, FK_KMM_CHANGEOVER_RESPONSE);
	cr_assert_eq(fk_kmm_decode_changeover(&frame, &answered), FK_OK);
	cr_assert_eq(answered.superseded_keyset_id, superseded);
	cr_assert_eq(answered.activated_keyset_id, activated);
	return FK_KMM_CHANGEOVER_RESPONSE;
}

Test(radio, a_changeover_needs_keys_in_the_new_keyset_and_the_old_one_active)
{
	struct command c = usual_command(&f, ue, 1);
	uint8_t status;

	cr_assert_eq(rekey_status(&c), FK_KMM_STATUS_PERFORMED);
	cr_expect_eq(change_over(2, KEYSET, 9, &status), FK_KMM_NEGATIVE_ACK);
	cr_expect_eq(status, 0x02, "keyset 9 is empty");
	cr_assert(fk_sim_ue_store_key(ue, 9, 1, FK_ALGORITHM_AES_256, 77, f.tek));
	cr_expect_eq(change_over(3, KEYSET + 1, 9, &status), FK_KMM_NEGATIVE_ACK);
	cr_expect_eq(status, 0x01, "another keyset is the active one");
	cr_expect_eq(ue->active_keyset, KEYSET);
	cr_expect_eq(counts.count[FK_SIM_CHANGEOVERS], 0);
	cr_expect_eq(change_over(4, KEYSET, 9, &status), FK_KMM_CHANGEOVER_RESPONSE);
	cr_expect_eq(ue->active_keyset, 9);
	cr_expect_eq(change_over(5, KEYSET, 9, &status), FK_KMM_CHANGEOVER_RESPONSE,
		     "again is no error");
	cr_expect_eq(ue->active_keyset, 9);
	cr_expect_eq(counts.count[FK_SIM_CHANGEOVERS], 2);
}

static uint8_t delete_keyset(uint16_t number, uint8_t keyset_id)
{
	struct command c = usual_command(&f, ue, number);
	struct fk_kmm_delete_keyset_one one;
	struct fk_kmm_frame frame;

	cr_assert_eq(give(make_delete_keyset(&f, ue, &c, keyset_id, kmm)), FK_SIM_WELL_FORMED);
	frame = check_answer(c.mac_key, FK_KMM_DELETE_KEYSET_RESPONSE);
	cr_assert_eq(fk_kmm_decode_delete_keyset(&frame, &one), FK_OK);
	cr_assert_eq(one.keyset_id, keyset_id);
	return one.status;
}

Test(radio, keys_out_of_use_are_deleted_and_those_in_use_are_not)
{
	struct command c = usual_command(&f, ue, 1);
	const struct fk_kmm_delete_key_list list = {.n_keys = 3,
						    .keys = {{FK_ALGORITHM_AES_256, KEY_ID, 0},
							     {FK_ALGORITHM_AES_256, 77, 0},
							     {FK_ALGORITHM_AES_256, 78, 0}}};
	struct fk_kmm_delete_key_list answered;
	struct fk_kmm_frame frame;

	cr_assert_eq(rekey_status(&c), FK_KMM_STATUS_PERFORMED);
	cr_assert(fk_sim_ue_store_key(ue, 9, 1, FK_ALGORITHM_AES_256, 77, f.tek));
	c.number = 2;
	cr_assert_eq(give(make_delete_key(&f, ue, &c, &list, kmm)), FK_SIM_WELL_FORMED);
	frame = check_answer(c.mac_key, FK_KMM_DELETE_KEY_RESPONSE);
	cr_assert_eq(fk_kmm_decode_delete_key(&frame, &answered), FK_OK);
	cr_expect_eq(answered.keys[0].status, 0x01, "it is in the active keyset");
	cr_expect_eq(answered.keys[1].status, 0x00);
	cr_expect_eq(answered.keys[2].status, 0x02, "it is not there");
	cr_expect_not_null(fk_sim_ue_find_key(ue, FK_ALGORITHM_AES_256, KEY_ID, 0));
	cr_expect_null(fk_sim_ue_find_key(ue, FK_ALGORITHM_AES_256, 77, 0));

	cr_assert(fk_sim_ue_store_key(ue, 9, 1, FK_ALGORITHM_AES_256, 77, f.tek));
	cr_expect_eq(delete_keyset(3, KEYSET), 0x01);
	cr_expect_eq(delete_keyset(4, 9), 0x00);
	cr_expect_null(fk_sim_ue_find_key(ue, FK_ALGORITHM_AES_256, 77, 0));
	cr_expect_eq(delete_keyset(5, 9), 0x02);
}

Test(radio, a_zeroized_radio_has_answered_and_knows_no_key_any_more)
{
	struct command c = usual_command(&f, ue, 1);
	uint8_t ptek[32], answered[FK_SIM_ANSWER_SIZE_MAX];
	size_t size, answered_size;

	memcpy(ptek, ue->ptek, sizeof(ptek));
	cr_assert_eq(rekey_status(&c), FK_KMM_STATUS_PERFORMED);
	c.number = 2;
	c.mac_key = ptek;
	size = make_zeroize(&f, ue, &c, kmm);
	cr_assert_eq(give(size), FK_SIM_WELL_FORMED);
	(void)check_answer(ptek, FK_KMM_ZEROIZE_RESPONSE);
	cr_expect_null(fk_sim_ue_find_key(ue, FK_ALGORITHM_AES_256, KEY_ID, 0));
	cr_expect_eq(ue->active_keyset, 0);
	for (uint32_t i = 0; i < 32; i++)
		cr_expect_eq(ue->kek[i] | ue->ptek[i], 0);
	cr_expect_eq(counts.count[FK_SIM_ZEROIZED], 1);
	cr_expect_eq(ue->refusal, FK_SIM_REFUSED_ZEROIZED);
	/* The command again gets the answer again; another one has no key to authenticate by. */
	answered_size = answer.size;
	memcpy(answered, answer.octets, answered_size);
	cr_assert_eq(give(size), FK_SIM_WELL_FORMED);
	cr_assert_eq(answer.size, answered_size);
	cr_expect_arr_eq(answer.octets, answered, answered_size);
	c.number = 3;
	cr_assert_eq(give(make_rekey(&f, ue, &c, kmm)), FK_SIM_WELL_FORMED);
	cr_expect_eq(answer.size, 0);
	cr_expect_eq(counts.count[FK_SIM_BAD_MAC], 1);
}

Test(radio, who_has_lost_its_key_says_so_and_a_warm_start_brings_another_one)
{
	struct command c = usual_command(&f, ue, 1);
	struct fk_kmm_rekey_ack ack;
	struct fk_kmm_unable unable;
	struct fk_kmm_frame frame;
	uint8_t old[32], ptek[32];
	size_t size;

	memcpy(old, ue->ptek, sizeof(old));
	memset(ptek, 0x33, sizeof(ptek));
	c.mac_key = old;
	ue->traits = 1u << FK_TRAIT_NO_PTEK;
	fk_sim_ue_lose_ptek(ue);
	cr_assert_eq(give(make_rekey(&f, ue, &c, kmm)), FK_SIM_WELL_FORMED);
	cr_assert_eq(fk_kmm_decode(answer.octets, answer.size, &frame), FK_OK);
	cr_assert_not(frame.header.has_mac);
	cr_assert_eq(fk_kmm_decode_unable(&frame, &unable), FK_OK);
	cr_assert_eq(unable.key_id, c.mac_key_id);
	cr_assert_eq(ue->inbound_number, 0);
	/* A key that is not wrapped under its KEK, or another one's MAC, is none. */
	c.number = 2;
	c.mac_key_id = 0x7001;
	cr_assert_eq(give(make_warm_start(&f, ue, &c, ptek, 0x7001, kmm)), FK_SIM_WELL_FORMED);
	cr_assert_eq(answer.size, 0);
	cr_assert_eq(ue->ptek_algorithm_id, 0);
	c.mac_key = ptek;
	size = make_warm_start(&f, ue, &c, ptek, 0x7001, kmm);
	cr_assert_eq(give(size), FK_SIM_WELL_FORMED);
	frame = check_answer(ptek, FK_KMM_REKEY_ACK);
	cr_assert_eq(fk_kmm_decode_rekey_ack(&frame, &ack), FK_OK);
	cr_assert_eq(ack.acknowledged_message_id, FK_KMM_WARM_START_COMMAND);
	cr_assert_eq(ack.statuses[0].key_id, 0x7001);
	cr_assert_eq(counts.count[FK_SIM_WARM_STARTS], 1);
	/* The same again gets the same answer, and what comes next is under the new key. */
	cr_assert_eq(give(size), FK_SIM_WELL_FORMED);
	(void)check_answer(ptek, FK_KMM_REKEY_ACK);
	cr_assert_eq(counts.count[FK_SIM_WARM_STARTS], 1);
	c.number = 3;
	cr_assert_eq(rekey_status(&c), FK_KMM_STATUS_PERFORMED);
}

/* spec: P25 sheet 4, Hello */
Test(radio, a_hello_is_answered_by_one_under_the_radios_own_key)
{
	struct command c = usual_command(&f, ue, 1);
	struct fk_kmm_frame frame;
	uint8_t flag = 9;

	cr_assert_eq(give(make_hello(&f, ue, &c, kmm)), FK_SIM_WELL_FORMED);
	frame = check_answer(ue->ptek, FK_KMM_HELLO);
	cr_assert_eq(fk_kmm_decode_hello(&frame, &flag), FK_OK);
	cr_expect_eq(flag, FK_HELLO_HERE);
	cr_expect_eq(counts.count[FK_SIM_GREETED], 1);
	cr_expect_eq(ue->inbound_number, 1);
}

/* spec: P25 sheet 1.4, 4, Hello */
Test(radio, a_no_service_is_taken_without_an_answer)
{
	struct command c = usual_command(&f, ue, 1);

	cr_assert_eq(give(make_no_service(&f, ue, &c, kmm)), FK_SIM_WELL_FORMED);
	cr_expect_eq(answer.size, 0);
	cr_expect_eq(counts.count[FK_SIM_NO_SERVICE], 1);
	cr_expect_eq(ue->inbound_number, 1);
	/* Nobody else's word counts. */
	c.number = 2;
	c.mac_key = c.kek;
	cr_assert_eq(give(make_no_service(&f, ue, &c, kmm)), FK_SIM_WELL_FORMED);
	cr_expect_eq(counts.count[FK_SIM_NO_SERVICE], 1);
	cr_expect_eq(counts.count[FK_SIM_BAD_MAC], 1);
}

Test(radio, a_hello_has_the_flag_it_is_told_and_no_mac_where_there_is_no_key_for_one)
{
	struct fk_kmm_frame frame;
	uint8_t flag = 9;

	fk_radio_say(&radio, ue, FK_KMM_HELLO, FK_HELLO_REKEY, &answer);
	frame = check_answer(ue->ptek, FK_KMM_HELLO);
	cr_assert_eq(fk_kmm_decode_hello(&frame, &flag), FK_OK);
	cr_expect_eq(flag, FK_HELLO_REKEY);
	ue->traits = 1u << FK_TRAIT_NO_PTEK;
	fk_sim_ue_lose_ptek(ue);
	fk_radio_say(&radio, ue, FK_KMM_HELLO, FK_HELLO_REKEY_NO_UKEK, &answer);
	cr_assert_eq(fk_kmm_decode(answer.octets, answer.size, &frame), FK_OK);
	cr_expect_not(frame.header.has_mac);
	cr_assert_eq(fk_kmm_decode_hello(&frame, &flag), FK_OK);
	cr_expect_eq(flag, FK_HELLO_REKEY_NO_UKEK);
	fk_radio_say(&radio, ue, FK_KMM_REGISTRATION_COMMAND, FK_HELLO_HERE, &answer);
	cr_expect_eq(answer.size, 0, "a registration needs one");
}
