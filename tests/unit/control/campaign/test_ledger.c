/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "campaign/ledger.h"

static void fill(struct fk_delivery page[FK_LEDGER_PAGE])
{
	for (uint32_t i = 0; i < FK_LEDGER_PAGE; i++) {
		page[i] = (struct fk_delivery){
			.date_time_s = 0xf0000000u + i,
			.acked_ms = 0x01020304u * (i % 7),
			.number = (uint16_t)(65535 - i),
			.inbound_number = (uint16_t)(i * 1021),
			.mac_key_id = (uint16_t)(i * 37),
			.cause_detail = (uint16_t)(i * 11),
			.keys_held = (uint16_t)(i * 1031),
			.state = i % FK_DELIVERY_STATES,
			.cause = (uint8_t)(i % FK_CAUSES),
			.step = i & 15,
			.keys_per_kmm = 1 + i % FK_ORDER_KEYS_MAX,
			.attempt = (uint8_t)(255 - i),
			.tries = (uint8_t)i,
			.flags = i & 7,
			.left = (i + 60) & 0x7f,
			.is_living = i & 1,
			.is_woken = i >> 1 & 1,
		};
		memset(page[i].mac, (int)i, sizeof(page[i].mac));
	}
}

Test(ledger, a_page_comes_back_as_it_was)
{
	struct fk_delivery page[FK_LEDGER_PAGE], again[FK_LEDGER_PAGE];
	uint8_t octets[FK_LEDGER_PAGE_SIZE];

	fill(page);
	fk_ledger_page_encode(page, octets);
	cr_assert_eq(fk_ledger_page_decode(octets, sizeof(octets), again), FK_OK);
	cr_assert_arr_eq(page, again, sizeof(page));
}

Test(ledger, the_stored_form_is_big_endian_and_in_the_tables_order)
{
	struct fk_delivery page[FK_LEDGER_PAGE] = {{.state = 5,
						    .flags = 3,
						    .cause = 1,
						    .step = 1,
						    .keys_per_kmm = 9,
						    .keys_held = 0x8001,
						    .number = 0x1234,
						    .acked_ms = 0x01020304}};
	uint8_t octets[FK_LEDGER_PAGE_SIZE];

	fk_ledger_page_encode(page, octets);
	cr_assert_eq(octets[0], 0x35);
	cr_assert_eq(octets[1], 1); /* its high bit: woken */
	cr_assert_eq(octets[2], 0x91);
	cr_assert_eq(octets[6], 0x80);
	cr_assert_eq(octets[7], 0x01);
	cr_assert_eq(octets[8], 0x12);
	cr_assert_eq(octets[9], 0x34);
	cr_assert_eq(octets[20], 0x01);
	cr_assert_eq(octets[23], 0x04);
}

Test(ledger, a_page_of_another_size_is_refused)
{
	struct fk_delivery page[FK_LEDGER_PAGE];
	uint8_t octets[FK_LEDGER_PAGE_SIZE + 1] = {0};

	for (size_t size = 0; size <= sizeof(octets); size++)
		cr_assert_eq(fk_ledger_page_decode(octets, size, page),
			     size == FK_LEDGER_PAGE_SIZE ? FK_OK : FK_EFORMAT);
}

Test(ledger, a_value_out_of_range_is_refused_and_nothing_is_written)
{
	static const struct {
		uint32_t at;
		uint8_t value;
	} bad[] = {{0, FK_DELIVERY_STATES},
		   {1, FK_CAUSES},
		   {1, 0x80 | FK_CAUSES},
		   {2, 10 << 4},
		   {0, FK_DELIVERY_OPEN}};
	struct fk_delivery page[FK_LEDGER_PAGE], untouched[FK_LEDGER_PAGE];
	uint8_t octets[FK_LEDGER_PAGE_SIZE] = {0};

	memset(page, 0x5a, sizeof(page));
	memcpy(untouched, page, sizeof(page));
	for (uint32_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint32_t at = 63 * FK_DELIVERY_PACKED_SIZE + bad[i].at;

		octets[at] = bad[i].value;
		cr_assert_eq(fk_ledger_page_decode(octets, sizeof(octets), page), FK_EFORMAT);
		cr_assert_arr_eq(page, untouched, sizeof(page));
		octets[at] = 0;
	}
}

Test(ledger, causes_read_as_the_report_says)
{
	char text[FK_CAUSE_TEXT_SIZE];

	fk_cause_text(FK_CAUSE_SIP, 404, text, sizeof(text));
	cr_assert_str_eq(text, "sip_404");
	fk_cause_text(FK_CAUSE_KMM, 6, text, sizeof(text));
	cr_assert_str_eq(text, "kmm_status_06");
	fk_cause_text(FK_CAUSE_NONE, 0, text, sizeof(text));
	cr_assert_str_eq(text, "");
	fk_cause_text(FK_CAUSE_NUMBER_WINDOW, 0, text, sizeof(text));
	cr_assert_str_eq(text, "number_window");
	fk_cause_text(FK_CAUSES, 0, text, sizeof(text));
	cr_assert_str_eq(text, "unknown");
}

Test(ledger, what_is_known_of_a_key_follows_from_steps_sends_and_acknowledgements)
{
	/* Seven keys, three a KMM: 0-2, 3-5, 6, then the closing exchange. */
	struct fk_delivery d = {.state = FK_DELIVERY_PENDING, .keys_per_kmm = 3};
	uint32_t first;

	cr_expect_str_eq(fk_delivery_key_label(&d, 7, 0), "not_held");
	/* Reserved: a crash may have come between the order and its count. */
	d.state = FK_DELIVERY_QUEUED;
	d.date_time_s = 1;
	cr_expect_str_eq(fk_delivery_key_label(&d, 7, 0), "possibly_held");
	cr_expect_str_eq(fk_delivery_key_label(&d, 7, 3), "not_held");
	d.state = FK_DELIVERY_EXCLUDED; /* the dataplane found it too large */
	cr_expect_str_eq(fk_delivery_key_label(&d, 7, 0), "not_held");
	d.step = 2;
	d.keys_held = 0x3f;
	d.state = FK_DELIVERY_OPEN;
	cr_expect_eq(fk_delivery_step_keys(&d, 7, &first), 1);
	cr_expect_eq(first, 6);
	cr_expect_str_eq(fk_delivery_key_label(&d, 7, 5), "held");
	cr_expect_str_eq(fk_delivery_key_label(&d, 7, 6), "possibly_held");
	d.state = FK_DELIVERY_PARTIAL;
	d.cause = FK_CAUSE_NO_ANSWER;
	cr_expect_str_eq(fk_delivery_key_label(&d, 7, 6), "possibly_held");
	d.cause = FK_CAUSE_KMM;
	cr_expect_str_eq(fk_delivery_key_label(&d, 7, 6), "refused");
	d.step = 3;
	cr_expect_eq(fk_delivery_step_keys(&d, 7, &first), 0);
	cr_expect_not(fk_delivery_is_rekey(&d, 7));
}
