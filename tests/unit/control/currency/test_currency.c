/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "currency/currency.h"

static struct fk_currency full(void)
{
	struct fk_currency c = {.active = FK_ACTIVE_KNOWN,
				.active_keyset = 2,
				.has_gap = true,
				.n_entries = FK_CURRENCY_ENTRIES_MAX,
				.active_evidence = {.campaign_id = 9, .at_s = 4000000000u}};

	for (uint32_t i = 0; i < FK_CURRENCY_ENTRIES_MAX; i++) {
		c.entries[i] = (struct fk_currency_entry){
			.evidence = {.campaign_id = 0xff000000u + i,
				     .at_s = i,
				     .inbound_number = 0xfffe,
				     .mac_key_id = 0x8001},
			.held = (uint16_t)(0x8000 >> i),
			.maybe = (uint16_t)(1u << i),
			.flags = FK_CURRENCY_PROVEN | FK_CURRENCY_LATE,
		};
		memset(c.entries[i].evidence.mac, (int)i, 8);
	}
	return c;
}

static void expect_same(const struct fk_currency *a, const struct fk_currency *b)
{
	uint8_t x[FK_CURRENCY_UE_SIZE_MAX], y[FK_CURRENCY_UE_SIZE_MAX];
	size_t size = fk_currency_encode(a, x);

	cr_assert_eq(size, fk_currency_encode(b, y));
	cr_assert_arr_eq(x, y, size);
}

Test(currency, comes_back_as_it_was_whatever_it_says)
{
	for (uint32_t n = 0; n <= FK_CURRENCY_ENTRIES_MAX; n++) {
		for (uint8_t active = FK_ACTIVE_NEVER; active <= FK_ACTIVE_UNKNOWN; active++) {
			struct fk_currency c = full(), again;
			uint8_t octets[FK_CURRENCY_UE_SIZE_MAX];
			size_t size;

			c.n_entries = (uint8_t)n;
			c.active = active;
			size = fk_currency_encode(&c, octets);
			cr_assert_eq(size, 1 + (active != FK_ACTIVE_NEVER ? 21 : 0) + n * 25);
			cr_assert_eq(fk_currency_size(octets, size), size);
			cr_assert_eq(fk_currency_decode(octets, size, &again), FK_OK);
			expect_same(&c, &again);
		}
	}
}

Test(currency, nothing_known_takes_one_octet)
{
	struct fk_currency c = {.n_entries = 0};
	uint8_t octets[FK_CURRENCY_UE_SIZE_MAX];

	cr_assert_eq(fk_currency_encode(&c, octets), 1);
	cr_assert_eq(octets[0], 0);
}

Test(currency, what_is_damaged_is_refused)
{
	struct fk_currency c = full(), again;
	uint8_t octets[FK_CURRENCY_UE_SIZE_MAX + 1] = {0};
	size_t size = fk_currency_encode(&c, octets);

	for (size_t i = 0; i <= size + 1; i++)
		cr_expect_eq(fk_currency_decode(octets, i, &again), i == size ? FK_OK : FK_EFORMAT);
	octets[0] |= 0x40;
	cr_expect_eq(fk_currency_decode(octets, size, &again), FK_EFORMAT, "a reserved bit");
	octets[0] = (uint8_t)(octets[0] & ~0x40) | 0x18;
	cr_expect_eq(fk_currency_decode(octets, size, &again), FK_EFORMAT, "a fourth active state");
	(void)fk_currency_encode(&c, octets);
	octets[size - 1] = 0x80;
	cr_expect_eq(fk_currency_decode(octets, size, &again), FK_EFORMAT, "a flag");
	(void)fk_currency_encode(&c, octets);
	memset(octets + 22, 0, 4);
	cr_expect_eq(fk_currency_decode(octets, size, &again), FK_EFORMAT, "no campaign");
}

Test(currency, two_bits_say_what_is_known_of_a_key)
{
	const struct fk_currency_entry entry = {.held = 0xa, .maybe = 0xc};

	cr_expect_eq(fk_currency_entry_state(&entry, 0), FK_KEY_NOT_HELD);
	cr_expect_eq(fk_currency_entry_state(&entry, 1), FK_KEY_HELD);
	cr_expect_eq(fk_currency_entry_state(&entry, 2), FK_KEY_POSSIBLY_HELD);
	cr_expect_eq(fk_currency_entry_state(&entry, 3), FK_KEY_UNKNOWN);
}

Test(currency, labels_are_found_again)
{
	for (uint8_t i = 0; i < FK_KEY_STATES; i++)
		cr_expect_eq(fk_key_state_find(fk_key_state_label(i)), i);
	cr_expect_eq(fk_key_state_find("perhaps"), -1);
}

Test(currency, a_key_that_no_entry_names_is_not_held_unless_there_is_a_gap)
{
	struct fk_currency c = {.n_entries = 0};

	cr_expect_eq(fk_currency_state(&c, 5, 0), FK_KEY_NOT_HELD);
	c.has_gap = true;
	cr_expect_eq(fk_currency_state(&c, 5, 0), FK_KEY_UNKNOWN);
	fk_currency_add(&c, 5)->held = 1;
	cr_expect_eq(fk_currency_state(&c, 5, 0), FK_KEY_HELD);
	cr_expect_eq(fk_currency_state(&c, 5, 1), FK_KEY_NOT_HELD);
}

Test(currency, entries_beyond_the_last_place_leave_a_gap_only_if_something_is_lost)
{
	struct fk_currency c = {.n_entries = 0};

	for (uint32_t id = 1; id <= FK_CURRENCY_ENTRIES_MAX; id++)
		fk_currency_add(&c, id)->held = id != 3;
	fk_currency_add(&c, 100)->held = 1; /* 3 says nothing: it goes */
	cr_expect_not(c.has_gap);
	cr_expect_eq(fk_currency_state(&c, 3, 0), FK_KEY_NOT_HELD);
	cr_expect_eq(fk_currency_state(&c, 1, 0), FK_KEY_HELD);
	fk_currency_add(&c, 101)->held = 1; /* the oldest has to go */
	cr_expect(c.has_gap);
	cr_expect_eq(fk_currency_state(&c, 1, 0), FK_KEY_UNKNOWN);
	cr_expect_eq(fk_currency_state(&c, 2, 0), FK_KEY_HELD);
	cr_expect_eq(c.entries[0].evidence.campaign_id, 101);
}

Test(currency, tidying_keeps_the_newest_and_all_where_there_is_a_gap)
{
	struct fk_currency c = {.n_entries = 0};

	(void)fk_currency_add(&c, 1);
	(void)fk_currency_add(&c, 2);
	fk_currency_tidy(&c);
	cr_expect_eq(c.n_entries, 1);
	cr_expect_not_null(fk_currency_find(&c, 2));
	cr_expect_null(fk_currency_find(&c, 1));
	c.has_gap = true;
	(void)fk_currency_add(&c, 3);
	fk_currency_tidy(&c);
	cr_expect_eq(fk_currency_state(&c, 2, 0), FK_KEY_NOT_HELD);
}

Test(currency, doubt_leaves_nothing_held_and_nothing_newly_absent)
{
	struct fk_currency c = full();

	c.active = FK_ACTIVE_KNOWN;
	fk_currency_doubt(&c);
	for (uint32_t i = 0; i < c.n_entries; i++) {
		for (uint32_t k = 0; k < 16; k++) {
			enum fk_key_state state = fk_currency_entry_state(&c.entries[i], k);

			cr_expect(state == FK_KEY_UNKNOWN || state == FK_KEY_NOT_HELD);
			cr_expect_eq(state == FK_KEY_UNKNOWN, k == i || k == 15 - i);
		}
	}
	cr_expect_eq(c.active, FK_ACTIVE_NEVER);
	c.active = FK_ACTIVE_UNKNOWN;
	fk_currency_doubt(&c);
	cr_expect_eq(c.active, FK_ACTIVE_UNKNOWN, "a command may still have been obeyed");
}

Test(currency, a_gap_says_nothing_of_a_later_key_that_cannot_have_been_given_up)
{
	struct fk_currency ue = {.has_gap = true};

	cr_expect_eq(fk_currency_state(&ue, 50, 0), FK_KEY_UNKNOWN);
	cr_expect_eq(fk_currency_state_past_gap(&ue, 50, 0), FK_KEY_NOT_HELD, "there is room");
	for (uint32_t id = 51; id < 50 + FK_CURRENCY_ENTRIES_MAX; id++)
		fk_currency_add(&ue, id)->held = 1;
	cr_expect_eq(fk_currency_state_past_gap(&ue, 50, 0), FK_KEY_NOT_HELD, "there still is");
	fk_currency_add(&ue, 49)->held = 1; /* a retry */
	cr_expect_eq(fk_currency_state_past_gap(&ue, 50, 0), FK_KEY_UNKNOWN);
	cr_expect_eq(fk_currency_state_past_gap(&ue, 53, 0), FK_KEY_HELD);
	ue.entries[0].held = 0;
	ue.entries[0].maybe = 1;
	cr_expect_eq(fk_currency_state_past_gap(&ue, ue.entries[0].evidence.campaign_id, 0),
		     FK_KEY_POSSIBLY_HELD);
}
