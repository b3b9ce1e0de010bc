/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "campaign/registrar.h"

#define SLOTS	(2 * FK_STORE_PAGE_UES)
#define UE	5u
#define OTHER	70u /* in the second page */
#define DATE	1700000000u
#define MNP	100u
#define INBOUND 17u

static struct fk_ue_slot ues[SLOTS];
static struct fk_ue_numbers numbers[SLOTS];
static struct fk_registrar *registrar;

static void setup(void)
{
	const struct fk_registrar_options options = {
		.n_slots = SLOTS, .number_margin = 8, .window = 4, .ues = ues, .numbers = numbers};

	memset(numbers, 0, sizeof(numbers));
	for (uint32_t i = 0; i < SLOTS; i++)
		ues[i] = (struct fk_ue_slot){
			.rsi = i + 1, .mnp = MNP, .ue_generation = 3, .ptek_algorithm_id = 0x84};
	cr_assert_eq(fk_registrar_new(&options, &registrar), FK_OK);
}

static void teardown(void)
{
	fk_registrar_free(registrar);
}

TestSuite(registrar, .init = setup, .fini = teardown);

static bool now_is_the_turn(void *ctx, uint32_t ue_index)
{
	const uint32_t *busy = ctx;

	return busy == NULL || *busy != ue_index;
}

static uint32_t poll_orders(struct fk_order *orders, uint32_t max, uint32_t *busy)
{
	return fk_registrar_poll(registrar, 1000, now_is_the_turn, busy, orders, max);
}

/* Writes whatever is dirty. */
static void write_all(void)
{
	uint32_t pages[2], n = fk_registrar_list_dirty(registrar, pages, 2);

	for (uint32_t i = 0; i < n; i++)
		fk_registrar_page_durable(registrar, pages[i]);
}

static bool take(uint32_t ue_index, enum fk_presence presence)
{
	return fk_registrar_take(registrar, ue_index, presence, INBOUND, DATE);
}

static struct fk_ue_state state_of(const struct fk_order *order, enum fk_outcome outcome)
{
	return (struct fk_ue_state){.token = order->token, .outcome = (uint8_t)outcome};
}

Test(registrar, nothing_is_ordered_before_its_page_is_durable)
{
	struct fk_order order;

	cr_assert(take(UE, FK_PRESENCE_REGISTERED));
	cr_expect_eq(fk_registrar_n_dirty(registrar), 1);
	cr_expect_eq(poll_orders(&order, 1, NULL), 0);
	write_all();
	cr_assert_eq(poll_orders(&order, 1, NULL), 1);
	cr_expect_eq(order.kind, FK_ORDER_REGISTERED);
	cr_expect_eq(order.mac_key, FK_MAC_KEY_PTEK);
	cr_expect_eq(order.message_number, 1);
	cr_expect_eq(order.date_time_s, DATE);
	cr_expect_eq(fk_token_unpack(order.token).campaign_slot, FK_ANSWER_SLOT);
	cr_expect_eq(fk_token_unpack(order.token).ue_index, UE);
	cr_expect_eq(fk_token_unpack(order.token).ue_generation, 3);
}

Test(registrar, what_was_said_is_in_the_page)
{
	cr_assert(take(UE, FK_PRESENCE_DEREGISTERED));
	cr_expect_eq(numbers[UE].presence, FK_PRESENCE_DEREGISTERED);
	cr_expect_eq(numbers[UE].inbound, INBOUND);
	cr_expect_eq(numbers[UE].inbound_known, 1);
	cr_expect_eq(numbers[UE].reserved_next, 2);
}

Test(registrar, a_deregistration_is_answered_as_one)
{
	struct fk_order order;

	cr_assert(take(OTHER, FK_PRESENCE_DEREGISTERED));
	write_all();
	cr_assert_eq(poll_orders(&order, 1, NULL), 1);
	cr_expect_eq(order.kind, FK_ORDER_DEREGISTERED);
}

Test(registrar, each_answer_has_a_number_and_a_token_of_its_own)
{
	struct fk_order first, second;
	struct fk_ue_state state;
	bool accepted;

	cr_assert(take(UE, FK_PRESENCE_REGISTERED));
	write_all();
	cr_assert_eq(poll_orders(&first, 1, NULL), 1);
	state = state_of(&first, FK_OUTCOME_ACCEPTED);
	cr_assert(fk_registrar_apply(registrar, UE, &state, &accepted));
	cr_expect(accepted);
	cr_expect_eq(fk_registrar_n_busy(registrar), 0);
	cr_assert(take(UE, FK_PRESENCE_REGISTERED));
	write_all();
	cr_assert_eq(poll_orders(&second, 1, NULL), 1);
	cr_expect_neq(first.message_number, second.message_number);
	cr_expect_neq(first.token, second.token);
	/* The old word is not taken for the new one. */
	cr_expect_not(fk_registrar_apply(registrar, UE, &state, &accepted));
}

Test(registrar, one_answer_at_a_time_is_enough_for_a_ue)
{
	cr_assert(take(UE, FK_PRESENCE_DEREGISTERED));
	cr_expect_not(take(UE, FK_PRESENCE_REGISTERED));
	cr_expect_eq(numbers[UE].presence, FK_PRESENCE_REGISTERED, "but the last word counts");
	cr_expect_eq(numbers[UE].reserved_next, 2);
}

Test(registrar, answers_leave_half_of_the_window_to_campaigns)
{
	uint32_t n = 0;
	struct fk_order order;
	struct fk_ue_state state;
	bool accepted;

	while (take(UE, FK_PRESENCE_REGISTERED)) {
		write_all();
		cr_assert_eq(poll_orders(&order, 1, NULL), 1);
		state = state_of(&order, FK_OUTCOME_ACCEPTED);
		cr_assert(fk_registrar_apply(registrar, UE, &state, &accepted));
		n++;
	}
	cr_expect_eq(n, (MNP - 8) / 2);
	cr_expect_eq(fk_registrar_n_dirty(registrar), 1, "what it said is written all the same");
	/* When the UE has provably taken a number it goes on. */
	numbers[UE].accepted = (uint16_t)(numbers[UE].reserved_next - 1);
	cr_expect(take(UE, FK_PRESENCE_REGISTERED));
}

Test(registrar, who_has_to_wait_holds_nobody_up)
{
	struct fk_order orders[2];
	uint32_t busy = UE;

	cr_assert(take(UE, FK_PRESENCE_REGISTERED));
	cr_assert(take(OTHER, FK_PRESENCE_REGISTERED));
	write_all();
	cr_assert_eq(poll_orders(orders, 2, &busy), 1);
	cr_expect_eq(fk_token_unpack(orders[0].token).ue_index, OTHER);
	cr_assert_eq(poll_orders(orders, 2, NULL), 1);
	cr_expect_eq(fk_token_unpack(orders[0].token).ue_index, UE);
}

Test(registrar, no_more_are_open_than_the_window_takes)
{
	struct fk_order orders[8];

	for (uint32_t i = 0; i < 8; i++)
		cr_assert(take(i, FK_PRESENCE_REGISTERED));
	write_all();
	cr_expect_eq(poll_orders(orders, 8, NULL), 4);
	cr_expect_eq(poll_orders(orders, 8, NULL), 0);
}

Test(registrar, a_dataplane_that_attaches_anew_gets_the_same_order)
{
	struct fk_order before, after;

	cr_assert(take(UE, FK_PRESENCE_REGISTERED));
	write_all();
	cr_assert_eq(poll_orders(&before, 1, NULL), 1);
	fk_registrar_queue_open(registrar);
	cr_expect_not(fk_registrar_is_open(registrar, UE));
	cr_assert_eq(poll_orders(&after, 1, NULL), 1);
	cr_expect_arr_eq(&before, &after, sizeof(before));
}

Test(registrar, what_nobody_speaks_of_any_more_is_given_up)
{
	uint32_t at = 0, ue_index = UINT32_MAX;
	struct fk_order order;

	cr_assert(take(OTHER, FK_PRESENCE_REGISTERED));
	write_all();
	cr_assert_eq(poll_orders(&order, 1, NULL), 1);
	cr_expect_not(fk_registrar_expire(registrar, 1500, 1000, &at, &ue_index));
	cr_assert(fk_registrar_expire(registrar, 2001, 1000, &at, &ue_index));
	cr_expect_eq(ue_index, OTHER);
	cr_expect_not(fk_registrar_expire(registrar, 2001, 1000, &at, &ue_index));
	cr_expect_eq(fk_registrar_n_busy(registrar), 0);
}

Test(registrar, any_authentic_word_ends_an_absence)
{
	cr_expect_not(fk_registrar_note_there(registrar, UE, INBOUND), "it was not away");
	cr_expect_eq(fk_registrar_n_dirty(registrar), 0);
	numbers[UE].presence = FK_PRESENCE_DEREGISTERED;
	cr_expect(fk_registrar_note_there(registrar, UE, INBOUND));
	cr_expect_eq(numbers[UE].presence, FK_PRESENCE_REGISTERED);
	cr_expect_eq(fk_registrar_n_dirty(registrar), 1);
}

static bool refuse(uint32_t ue_index)
{
	return fk_registrar_refuse(registrar, ue_index, INBOUND, DATE);
}

Test(registrar, who_asks_for_what_there_is_not_gets_a_no_service_and_stays_where_it_is)
{
	struct fk_order order;
	struct fk_ue_state state;
	bool accepted;

	numbers[UE].presence = FK_PRESENCE_REGISTERED;
	cr_assert(refuse(UE));
	cr_expect_eq(poll_orders(&order, 1, NULL), 0, "its page is not durable");
	write_all();
	cr_assert_eq(poll_orders(&order, 1, NULL), 1);
	cr_expect_eq(order.kind, FK_ORDER_NO_SERVICE);
	cr_expect_eq(order.mac_key, FK_MAC_KEY_PTEK);
	cr_expect_eq(order.message_number, 1);
	cr_expect_eq(numbers[UE].presence, FK_PRESENCE_REGISTERED);
	cr_expect_eq(numbers[UE].inbound, INBOUND);
	cr_expect_not(refuse(UE), "one answer at a time");
	state = state_of(&order, FK_OUTCOME_ACCEPTED);
	cr_assert(fk_registrar_apply(registrar, UE, &state, &accepted));
	cr_expect(accepted);
	cr_expect_not(fk_registrar_is_busy(registrar, UE));
}

Test(registrar, a_no_service_leaves_half_of_the_window_to_campaigns_as_any_answer)
{
	numbers[UE].reserved_next = (MNP - 8) / 2 + 1;
	cr_expect_not(refuse(UE));
	cr_expect_eq(fk_registrar_n_dirty(registrar), 1, "the number it asked under is written");
	cr_expect_not(fk_registrar_is_busy(registrar, UE));
}

static bool note_kek(bool is_lacking, bool is_authentic)
{
	return fk_registrar_note_kek(registrar, UE, is_lacking, is_authentic);
}

Test(registrar, that_a_ue_lacks_its_kek_is_news_once_and_counts_if_it_is_authentic)
{
	cr_expect(note_kek(true, false));
	cr_expect_not(note_kek(true, false));
	cr_expect_not(fk_registrar_lacks_kek(registrar, UE), "anybody could say so");
	cr_expect(note_kek(true, true));
	cr_expect_not(note_kek(true, true));
	cr_expect(fk_registrar_lacks_kek(registrar, UE));
	cr_expect_not(fk_registrar_lacks_kek(registrar, OTHER));
	cr_expect_not(note_kek(false, false), "nor can anybody take it back");
	cr_expect(fk_registrar_lacks_kek(registrar, UE));
	cr_expect_not(note_kek(false, true));
	cr_expect_not(fk_registrar_lacks_kek(registrar, UE));
	cr_expect(note_kek(true, true), "it is news again");
	cr_expect_eq(fk_registrar_n_dirty(registrar), 0);
	cr_expect_eq(fk_registrar_n_busy(registrar), 0);
}
