/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "seeded.h"
#include "wheel.h"

static struct fk_wheel wheel;

static uint32_t expire(uint64_t now_us, struct fk_node **nodes)
{
	return fk_wheel_expire(&wheel, now_us, nodes, 8);
}

Test(wheel, a_timer_is_never_early_and_at_most_one_tick_late)
{
	struct seeded seeded = {.state = 1};
	struct fk_node *out[8];

	fk_wheel_init(&wheel, 5000000);
	for (int i = 0; i < 500; i++) {
		uint64_t start_us = wheel.tick * FK_WHEEL_TICK_US;
		uint64_t due_us = start_us + seeded_below(&seeded, 5000000);
		struct fk_node node = {0};
		uint64_t now_us = start_us;

		fk_wheel_add(&wheel, &node, due_us);
		while (expire(now_us, out) == 0)
			now_us += 250;
		cr_assert_eq(out[0], &node);
		cr_assert_geq(now_us, due_us);
		cr_assert_lt(now_us, due_us + FK_WHEEL_TICK_US + 250);
	}
}

Test(wheel, a_cancelled_timer_does_not_expire)
{
	struct fk_node a = {0}, b = {0}, *out[8];

	fk_wheel_init(&wheel, 0);
	fk_wheel_add(&wheel, &a, 10000);
	fk_wheel_add(&wheel, &b, 10000);
	fk_wheel_cancel(&a);
	fk_wheel_cancel(&a);
	cr_assert_eq(expire(20000, out), 1);
	cr_assert_eq(out[0], &b);
	cr_assert(!fk_node_is_listed(&a));
}

Test(wheel, a_timer_that_is_armed_again_moves)
{
	struct fk_node a = {0}, *out[8];

	fk_wheel_init(&wheel, 0);
	fk_wheel_add(&wheel, &a, 10000);
	fk_wheel_add(&wheel, &a, 50000);
	cr_assert_eq(expire(49000, out), 0);
	cr_assert_eq(expire(50000, out), 1);
}

Test(wheel, a_timer_beyond_one_turn_stays_for_the_next)
{
	uint64_t turn_us = (uint64_t)FK_WHEEL_TICKS * FK_WHEEL_TICK_US;
	struct fk_node a = {0}, *out[8];
	uint64_t due_us = 3 * turn_us + 7000;

	fk_wheel_init(&wheel, 0);
	fk_wheel_add(&wheel, &a, due_us);
	for (uint64_t now_us = 0; now_us < due_us; now_us += 1000000)
		cr_assert_eq(expire(now_us, out), 0);
	cr_assert_eq(expire(due_us, out), 1);
}

Test(wheel, a_timer_in_the_past_expires_at_the_next_tick)
{
	struct fk_node a = {0}, *out[8];

	fk_wheel_init(&wheel, 1000000);
	cr_assert_eq(expire(1000000, out), 0);
	fk_wheel_add(&wheel, &a, 5);
	cr_assert_eq(expire(1001000, out), 1);
}

Test(wheel, a_pause_of_many_turns_loses_no_timer)
{
	struct fk_node nodes[200] = {0}, *out[8];
	uint32_t n, n_all = 0;

	fk_wheel_init(&wheel, 0);
	for (uint32_t i = 0; i < 200; i++)
		fk_wheel_add(&wheel, &nodes[i], (uint64_t)i * 1234567);
	do {
		n = expire(1000000000000, out);
		n_all += n;
	} while (n == 8);
	cr_assert_eq(n_all, 200);
}

Test(wheel, what_does_not_fit_a_burst_comes_with_the_next_call)
{
	struct fk_node nodes[20] = {0}, *out[8];

	fk_wheel_init(&wheel, 0);
	for (uint32_t i = 0; i < 20; i++)
		fk_wheel_add(&wheel, &nodes[i], 3000);
	cr_assert_eq(expire(3000, out), 8);
	cr_assert_eq(expire(3000, out), 8);
	cr_assert_eq(expire(3000, out), 4);
	cr_assert_eq(expire(3000, out), 0);
}
