/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "fleet/own_key.h"

Test(own_key, the_next_one_is_active_and_has_the_next_version)
{
	struct fk_own_key key = fk_own_key_new(FK_KEY_IMPORTED_WRAPPED, 0, 1000, 60);

	cr_expect_eq(key.version, 1);
	cr_expect_str_eq(fk_own_key_state_label(&key, 1000000), "active");
	key = fk_own_key_new(FK_KEY_WARM_START, 41, 1000, 0);
	cr_expect_eq(key.version, 42);
	key = fk_own_key_new(FK_KEY_WARM_START, UINT16_MAX, 1000, 0);
	cr_expect_eq(key.version, UINT16_MAX, "it does not begin anew");
}

Test(own_key, it_expires_at_the_end_of_its_cryptoperiod_unless_it_is_compromised)
{
	struct fk_own_key key = fk_own_key_new(FK_KEY_IMPORTED_PLAIN, 0, 1000, 60);

	cr_expect_not(fk_own_key_is_expired(&key, 1060000 - 1));
	cr_expect(fk_own_key_is_expired(&key, 1060000));
	cr_expect_str_eq(fk_own_key_state_label(&key, 1060000), "expired");
	cr_expect_not(fk_own_key_is_expired(&key, 1000000), "a clock that is set back");
	key.state = FK_LIFE_COMPROMISED;
	cr_expect_not(fk_own_key_is_expired(&key, 1060000));
	cr_expect_str_eq(fk_own_key_state_label(&key, 1060000), "compromised");
	key = fk_own_key_new(FK_KEY_IMPORTED_PLAIN, 0, UINT32_MAX, 0);
	cr_expect_eq(fk_own_key_ends_at_ms(&key), UINT64_MAX);
	key = fk_own_key_new(FK_KEY_IMPORTED_PLAIN, 0, UINT32_MAX, UINT32_MAX);
	cr_expect_eq(fk_own_key_ends_at_ms(&key), 2ull * UINT32_MAX * 1000);
}

Test(own_key, one_that_is_not_there_has_no_state)
{
	struct fk_own_key none = {.version = 7};

	cr_expect_str_eq(fk_own_key_state_label(&none, 0), "none");
	cr_expect_not(fk_own_key_is_expired(&none, UINT64_MAX - 1));
	cr_expect_not(fk_own_key_is_compromised(&none));
}

Test(own_key, its_kinds_have_names)
{
	cr_expect_eq(fk_own_key_find("kek"), FK_OWN_KEK);
	cr_expect_eq(fk_own_key_find("ptek"), FK_OWN_PTEK);
	cr_expect_eq(fk_own_key_find("tek"), -1);
	cr_expect_str_eq(fk_own_key_label(FK_OWN_PTEK), "ptek");
}

Test(own_key, what_is_written_is_read_back)
{
	struct fk_own_key key = {FK_LIFE_COMPROMISED, FK_KEY_WARM_START, 0x1234, 0x56789abc,
				 0xdef01234};
	uint8_t octets[FK_OWN_KEY_SIZE];
	struct fk_wire_writer w = fk_wire_writer(octets, sizeof(octets));
	struct fk_wire_reader r = fk_wire_reader(octets, sizeof(octets));
	struct fk_own_key back;
	size_t size;

	fk_own_key_put(&w, &key);
	cr_assert_eq(fk_wire_done(&w, &size), FK_OK);
	cr_expect_eq(size, FK_OWN_KEY_SIZE);
	cr_expect_arr_eq(octets, "\x44\x12\x34\x56\x78\x9a\xbc\xde\xf0\x12\x34", sizeof(octets));
	back = fk_own_key_get(&r);
	cr_expect_arr_eq(&back, &key, sizeof(key));
}
