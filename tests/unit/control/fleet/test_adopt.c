/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "fleet/adopt.h"

Test(adopt, a_ue_goes_on_at_the_number_that_its_other_kmf_says)
{
	struct fk_ue_numbers n = {.reserved_next = 108,
				  .accepted = 100,
				  .inbound = 7,
				  .inbound_known = 1,
				  .needs_warm_start = 1};

	cr_assert(fk_adopt_numbers(&n, 500));
	cr_expect_eq(n.reserved_next, 500);
	cr_expect_eq(n.accepted, 499);
	cr_expect_eq(n.inbound_known, 0, "the other KMF has accepted later ones");
	cr_expect_eq(n.needs_warm_start, 1);
	cr_expect(fk_adopt_numbers(&n, 500), "the same again");
}

Test(adopt, no_number_that_was_given_out_here_is_gone_back_behind)
{
	struct fk_ue_numbers n = {.reserved_next = 108, .accepted = 100}, before = n;

	cr_expect_not(fk_adopt_numbers(&n, 107));
	cr_expect_not(fk_adopt_numbers(&n, (uint16_t)(108 + 0x8000)), "half the circle is behind");
	cr_expect_arr_eq(&n, &before, sizeof(n));
	cr_expect(fk_adopt_numbers(&n, 108));
	n = (struct fk_ue_numbers){.reserved_next = 65530, .accepted = 65520};
	cr_expect(fk_adopt_numbers(&n, 3), "beyond the end of the circle");
	cr_expect_eq(n.accepted, 2);
}

Test(adopt, a_ue_that_was_never_sent_anything_begins_anywhere)
{
	struct fk_ue_numbers n = {0};

	cr_expect(fk_adopt_numbers(&n, 60000));
	cr_expect_eq(n.reserved_next, 60000);
	cr_expect_eq(n.accepted, 59999);
}
