/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "pace.h"
#include "seeded.h"

/* Asks for all it can get at uneven moments and checks every second that begins with a send. */
static void expect_rate_kept(uint32_t per_s, uint32_t step_max_us)
{
	static uint64_t sends[4000000];
	struct fk_pace pace = {0};
	struct seeded seeded = {.state = per_s};
	uint64_t now_us = 1000000, first_us = now_us;
	size_t n = 0, tail = 0;

	fk_pace_set(&pace, per_s, now_us);
	while (now_us < first_us + 5000000) {
		uint32_t granted = fk_pace_take(&pace, now_us, 64);

		for (uint32_t i = 0; i < granted; i++) {
			sends[n++] = now_us;
			while (sends[tail] + 1000000 <= now_us)
				tail++;
			cr_assert_leq(n - tail, per_s + per_s / 100 + (per_s < 100 ? 0 : 1),
				      "%zu sends in a second at a pace of %u", n - tail, per_s);
		}
		now_us += 1 + seeded_below(&seeded, step_max_us);
	}
	/* It must also be used: within 2 % of the rate when asked often enough. */
	if (step_max_us <= 100)
		cr_assert_geq(n, 5ull * per_s * 98 / 100 - 1, "only %zu sends at %u", n, per_s);
}

Test(pace, no_second_has_more_than_the_pace_and_one_percent)
{
	static const uint32_t rates[] = {1, 7, 50, 99, 100, 1000, 12345, 100000, 500000};

	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		expect_rate_kept(rates[i], 100);
		expect_rate_kept(rates[i], 30000);
		expect_rate_kept(rates[i], 900000);
	}
}

Test(pace, zero_means_no_limit)
{
	struct fk_pace pace = {0};

	fk_pace_set(&pace, 0, 5);
	cr_assert_eq(fk_pace_take(&pace, 5, 64), 64);
	cr_assert_eq(fk_pace_take(&pace, 5, 64), 64);
}

Test(pace, a_grant_given_back_can_be_taken_again_but_no_more)
{
	struct fk_pace pace = {0};

	fk_pace_set(&pace, 10, 0);
	cr_assert_eq(fk_pace_take(&pace, 0, 5), 1);
	cr_assert_eq(fk_pace_take(&pace, 0, 1), 0);
	fk_pace_give_back(&pace, 1);
	cr_assert_eq(fk_pace_take(&pace, 0, 5), 1);
	fk_pace_give_back(&pace, 5);
	cr_assert_eq(fk_pace_take(&pace, 0, 5), 1);
}

Test(pace, a_long_pause_saves_up_one_burst_only)
{
	struct fk_pace pace = {0};

	fk_pace_set(&pace, 12800, 0);
	cr_assert_eq(fk_pace_take(&pace, 3600000000u, 1000000), 100);
	cr_assert_eq(fk_pace_take(&pace, 3600000000u, 1000000), 0);
}
