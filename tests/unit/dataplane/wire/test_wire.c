/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <fleetkey/wire.h>

#include <string.h>

Test(wire, a_part_is_written_in_its_place)
{
	static const uint8_t expected[6] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06};
	uint8_t octets[6];
	struct fk_wire_writer w = fk_wire_writer(octets, sizeof(octets)), part;
	size_t size;

	fk_wire_put_u8(&w, 0x01);
	cr_assert(fk_wire_part(&w, 3, &part));
	fk_wire_put_u16(&w, 0x0506);
	fk_wire_put_u24(&part, 0x020304);
	cr_assert_eq(fk_wire_done(&w, &size), FK_OK);
	cr_assert_eq(size, sizeof(octets));
	cr_assert_arr_eq(octets, expected, sizeof(octets));
}

Test(wire, a_part_that_does_not_fit_fails_the_whole)
{
	uint8_t octets[4];
	struct fk_wire_writer w = fk_wire_writer(octets, sizeof(octets)), part;
	size_t size = 7;

	fk_wire_put_u16(&w, 0);
	cr_assert_not(fk_wire_part(&w, 3, &part));
	fk_wire_put_u16(&w, 0);
	cr_assert_eq(fk_wire_done(&w, &size), FK_EFULL);
	cr_assert_eq(size, 7, "written on success only");
}

Test(wire, a_part_does_not_write_beyond_itself)
{
	uint8_t octets[4] = {0x5c, 0x5c, 0x5c, 0x5c};
	struct fk_wire_writer w = fk_wire_writer(octets, sizeof(octets)), part;
	size_t size;

	cr_assert(fk_wire_part(&w, 3, &part));
	fk_wire_put_u32(&part, 0);
	cr_assert_eq(fk_wire_done(&part, &size), FK_EFULL);
	cr_assert_eq(octets[3], 0x5c);
}
