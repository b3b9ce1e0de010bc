/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <criterion/criterion.h>

#include "keys/harden.h"
#include "keys/tek.h"

Test(tek, each_key_is_another_and_has_32_octets)
{
	struct fk_secret a = {.size = 0}, b = {.size = 0};

	cr_assert_eq(fk_tek_generate(&a), FK_OK);
	cr_assert_eq(fk_tek_generate(&b), FK_OK);
	cr_expect_eq(a.size, 32);
	cr_expect(!fk_ct_equal(a.octets, b.octets, 32));
}

/* spec: RFC 4122 §4.4 */
Test(tek, a_uuid_is_of_version_4)
{
	for (int i = 0; i < 100; i++) {
		uint8_t uuid[16];

		cr_assert_eq(fk_uuid_generate(uuid), FK_OK);
		cr_expect_eq(uuid[6] >> 4, 4);
		cr_expect_eq(uuid[8] >> 6, 2);
	}
}

Test(tek, random_octets_fill_the_whole_buffer)
{
	uint8_t seen[256] = {0}, octets[256];

	for (int i = 0; i < 8; i++) {
		cr_assert_eq(fk_random_fill(octets, sizeof(octets)), FK_OK);
		for (size_t k = 0; k < sizeof(octets); k++)
			seen[k] |= octets[k];
	}
	for (size_t k = 0; k < sizeof(seen); k++)
		cr_expect_neq(seen[k], 0, "octet %zu was never set", k);
}

Test(harden, a_hardened_process_leaves_no_core_and_cannot_be_traced)
{
	struct rlimit core;

	cr_assert_eq(fk_process_harden(NULL), FK_OK);
	cr_assert_eq(getrlimit(RLIMIT_CORE, &core), 0);
	cr_expect_eq(core.rlim_cur, 0);
	cr_expect_eq(core.rlim_max, 0);
	cr_expect_eq(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
}
