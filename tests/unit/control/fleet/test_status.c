/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "fleet/status.h"

static struct fk_status_entry entry;

static enum fk_err decode(const char *octets, size_t size)
{
	return fk_status_decode((const uint8_t *)octets, size, &entry);
}

Test(status, an_entry_comes_back_as_it_was)
{
	struct fk_status_entry lost = {.status = FK_UE_LOST, .since_ms = 1700000000123};
	uint8_t octets[FK_STATUS_SIZE_MAX];

	memset(lost.reason, 'r', FK_STATUS_REASON_SIZE - 1);
	cr_assert_eq(fk_status_encode(&lost, octets), FK_STATUS_SIZE_MAX);
	cr_assert_eq(fk_status_decode(octets, sizeof(octets), &entry), FK_OK);
	cr_expect_eq(entry.status, FK_UE_LOST);
	cr_expect_eq(entry.since_ms, lost.since_ms);
	cr_expect_str_eq(entry.reason, lost.reason);
}

Test(status, a_damaged_entry_is_refused)
{
	static const char octets[16] = {FK_UE_LOST, [8] = 1, [9] = 'a'};
	char too_long[FK_STATUS_SIZE_MAX + 1];

	cr_expect_eq(decode(octets, 10), FK_OK);
	cr_expect_str_eq(entry.reason, "a");
	cr_expect_eq(decode(octets, 9), FK_OK);
	cr_expect_str_eq(entry.reason, "");
	cr_expect_eq(decode(octets, 8), FK_EFORMAT);
	cr_expect_eq(decode(octets, 0), FK_EFORMAT);
	cr_expect_eq(decode(octets, 11), FK_EFORMAT, "a NUL in its reason");
	cr_expect_eq(decode("\x7f-------r", 10), FK_EFORMAT, "no such status");
	cr_expect_eq(decode("\0-------r", 9), FK_EFORMAT, "active");
	memset(too_long, 'r', sizeof(too_long));
	too_long[0] = FK_UE_LOST;
	cr_expect_eq(decode(too_long, sizeof(too_long) - 1), FK_OK);
	cr_expect_eq(decode(too_long, sizeof(too_long)), FK_EFORMAT);
}
