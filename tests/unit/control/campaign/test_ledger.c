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
			.state = (uint8_t)(i % FK_DELIVERY_STATES),
			.cause = (uint8_t)(i % FK_CAUSES),
			.step = (uint8_t)(i & 1),
			.attempt = (uint8_t)(255 - i),
			.tries = (uint8_t)i,
			.flags = (uint8_t)(i & 7),
			.left = (uint8_t)(i + 100),
			.mac_algorithm_id = 0x84,
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
	struct fk_delivery page[FK_LEDGER_PAGE] = {
		{.state = 5, .cause = 1, .step = 1, .number = 0x1234, .acked_ms = 0x01020304}};
	uint8_t octets[FK_LEDGER_PAGE_SIZE];

	fk_ledger_page_encode(page, octets);
	cr_assert_eq(octets[0], 5);
	cr_assert_eq(octets[1], 1);
	cr_assert_eq(octets[2], 1);
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
	} bad[] = {{0, FK_DELIVERY_STATES}, {1, FK_CAUSES}, {2, 2}};
	struct fk_delivery page[FK_LEDGER_PAGE], untouched[FK_LEDGER_PAGE];
	uint8_t octets[FK_LEDGER_PAGE_SIZE] = {0};

	memset(page, 0x5a, sizeof(page));
	memcpy(untouched, page, sizeof(page));
	for (uint32_t i = 0; i < 3; i++) {
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
