/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "campaign/zone.h"

struct instant {
	char at[24], zone[24];
	uint8_t fold;
	uint64_t at_s; /* 0: refused, ... */
	char field[8]; /* ... and this is at fault */
};

ParameterizedTestParameters(zone, a_time_on_a_clock_is_the_instant_that_the_table_says)
{
	static struct instant instants[] = {
		{"2027-01-15T12:00:00Z", "UTC", 0, 1800014400, ""},
		{"2027-01-15T12:00:00", "UTC", 0, 1800014400, ""},
		{"2027-01-15T13:00:00", "Europe/Berlin", 0, 1800014400, ""},
		{"2027-07-15T14:00:00", "Europe/Berlin", 0, 1815652800, ""},
		{"2027-01-15T12:00:00Z", "Europe/Berlin", 0, 0, "zone"},
		/* Forward from 02:00 to 03:00: the hour between is missing, whatever is said. */
		{"2027-03-28T01:59:59", "Europe/Berlin", 0, 1806195599, ""},
		{"2027-03-28T02:00:00", "Europe/Berlin", 0, 0, "at"},
		{"2027-03-28T02:59:59", "Europe/Berlin", FK_ZONE_LATER, 0, "at"},
		{"2027-03-28T03:00:00", "Europe/Berlin", 0, 1806195600, ""},
		/* Back from 03:00 to 02:00: the hour between comes twice. */
		{"2027-10-31T01:59:59", "Europe/Berlin", 0, 1824940799, ""},
		{"2027-10-31T02:30:00", "Europe/Berlin", 0, 0, "fold"},
		{"2027-10-31T02:30:00", "Europe/Berlin", FK_ZONE_EARLIER, 1824942600, ""},
		{"2027-10-31T02:30:00", "Europe/Berlin", FK_ZONE_LATER, 1824946200, ""},
		{"2027-10-31T03:00:00", "Europe/Berlin", FK_ZONE_EARLIER, 1824948000, ""},
		/* Not a full hour, and the southern half. */
		{"2027-10-03T02:15:00", "Australia/Lord_Howe", 0, 0, "at"},
		{"2027-04-04T01:45:00", "Australia/Lord_Howe", FK_ZONE_LATER, 1806765300, ""},
		{"2027-02-29T00:00:00", "UTC", 0, 0, "at"},
		{"2028-02-29T00:00:00", "UTC", 0, 1835395200, ""},
		{"2027-01-15T24:00:00", "UTC", 0, 0, "at"},
		{"2027-01-15T12:00", "UTC", 0, 0, "at"},
		{"2027-01-15 12:00:00", "UTC", 0, 0, "at"},
		{"1999-12-31T23:59:59", "UTC", 0, 0, "at"},
		{"", "UTC", 0, 0, "at"},
		{"2027-01-15T12:00:00", "Europe/Nowhere", 0, 0, "zone"},
		{"2027-01-15T12:00:00", "../etc/passwd", 0, 0, "zone"},
		{"2027-01-15T12:00:00", "Europe", 0, 0, "zone"},
		{"2027-01-15T12:00:00", "", 0, 0, "zone"},
	};

	return cr_make_param_array(struct instant, instants,
				   sizeof(instants) / sizeof(instants[0]));
}

ParameterizedTest(struct instant *i, zone, a_time_on_a_clock_is_the_instant_that_the_table_says)
{
	struct fk_reason reason = {{0}};
	const char *field = "";
	uint64_t at_ms = 0;
	enum fk_err err = fk_zone_resolve(i->at, i->zone, i->fold, &at_ms, &field, &reason);

	cr_assert_eq(err == FK_OK, i->at_s != 0, "%s in %s: %s", i->at, i->zone, reason.text);
	cr_assert_eq(at_ms, i->at_s * 1000, "%s in %s is %llu", i->at, i->zone,
		     (unsigned long long)at_ms / 1000);
	if (err != FK_OK) {
		cr_assert_str_eq(field, i->field);
		cr_assert_neq(reason.text[0], '\0');
	}
}

Test(zone, the_process_keeps_its_own)
{
	struct fk_reason reason;
	const char *field;
	uint64_t at_ms;
	struct tm local;
	time_t at = 1800014400;

	setenv("TZ", "Asia/Tokyo", 1);
	tzset();
	cr_assert_eq(
		fk_zone_resolve("2027-01-15T13:00:00", "Europe/Berlin", 0, &at_ms, &field, &reason),
		FK_OK);
	localtime_r(&at, &local);
	cr_assert_eq(local.tm_hour, 21);
	cr_assert_str_eq(getenv("TZ"), "Asia/Tokyo");
}
