/* SPDX-License-Identifier: Apache-2.0 */
#include "campaign/zone.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define ZONES "/usr/share/zoneinfo/"
#define DAY_S 86400

/* The C library takes a zone that it does not find for UTC, so it is looked for before. */
static bool is_zone(const char *zone)
{
	char path[sizeof(ZONES) + FK_ZONE_SIZE];
	struct stat st;

	if (strcmp(zone, "UTC") == 0)
		return true;
	if (strlen(zone) >= FK_ZONE_SIZE || zone[0] < 'A' || zone[0] > 'Z' ||
	    strspn(zone, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/") !=
		    strlen(zone))
		return false;
	(void)snprintf(path, sizeof(path), ZONES "%s", zone);
	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static bool read_digits(const char *text, const char *form, int ret_numbers[static 6])
{
	uint32_t n = 0;

	for (; *form != '\0'; form++, text++) {
		if (*form != '9' && *form != '#') {
			if (*text != *form)
				return false;
			continue;
		}
		if (*text < '0' || *text > '9')
			return false;
		ret_numbers[n] = ret_numbers[n] * 10 + (*text - '0');
		n += *form == '#'; /* the last digit of a number */
	}
	return *text == '\0' || (*text == 'Z' && text[1] == '\0');
}

static bool parse(const char *at, struct tm *ret_local)
{
	int v[6] = {0};
	struct tm local, again;
	time_t as_utc;

	if (!read_digits(at, "999#-9#-9#T9#:9#:9#", v))
		return false;
	local = (struct tm){.tm_year = v[0] - 1900,
			    .tm_mon = v[1] - 1,
			    .tm_mday = v[2],
			    .tm_hour = v[3],
			    .tm_min = v[4],
			    .tm_sec = v[5]};
	again = local;
	as_utc = timegm(&again);
	/* The 30th of February would be moved. */
	if (as_utc == (time_t)-1 || again.tm_mon != local.tm_mon ||
	    again.tm_mday != local.tm_mday || again.tm_hour != local.tm_hour ||
	    again.tm_min != local.tm_min || v[5] > 59)
		return false;
	*ret_local = local;
	return true;
}

static bool is_same(const struct tm *a, const struct tm *b)
{
	return a->tm_year == b->tm_year && a->tm_mon == b->tm_mon && a->tm_mday == b->tm_mday &&
	       a->tm_hour == b->tm_hour && a->tm_min == b->tm_min && a->tm_sec == b->tm_sec;
}

/* The instants at which clocks there show that time: with the offset of the day before, and with
 * that of the day after. Returns how many there are, the earlier first. */
static uint32_t find_instants(const struct tm *local, time_t ret_instants[static 2])
{
	struct tm copy = *local;
	time_t as_utc = timegm(&copy);
	uint32_t n = 0;

	for (int day = -1; day <= 1; day += 2) {
		time_t near = as_utc + day * DAY_S, at;
		struct tm there;

		if (localtime_r(&near, &there) == NULL)
			continue;
		at = as_utc - there.tm_gmtoff;
		if (localtime_r(&at, &there) == NULL || !is_same(&there, local) ||
		    (n == 1 && ret_instants[0] == at))
			continue;
		ret_instants[n++] = at;
	}
	return n;
}

/* In a zone; the process has its own again afterwards. */
static uint32_t find_instants_in(const struct tm *local, const char *zone,
				 time_t ret_instants[static 2])
{
	const char *was = getenv("TZ");
	char *before = was != NULL ? strdup(was) : NULL;
	char name[FK_ZONE_SIZE + 1];
	uint32_t n;

	(void)snprintf(name, sizeof(name), ":%s", zone);
	(void)setenv("TZ", name, 1); /* short of memory: the zone is UTC's, and no time is found */
	tzset();
	n = find_instants(local, ret_instants);
	if (before != NULL)
		(void)setenv("TZ", before, 1);
	else
		(void)unsetenv("TZ");
	tzset();
	free(before);
	return n;
}

enum fk_err fk_zone_resolve(const char *at, const char *zone, enum fk_zone_fold fold,
			    uint64_t *ret_at_ms, const char **ret_field, struct fk_reason *reason)
{
	size_t size = strlen(at);
	time_t instants[2] = {0};
	struct tm local;
	uint32_t n;

	*ret_field = "zone";
	if (!is_zone(zone)) {
		fk_reason_set(reason, "there is no zone %.40s, like Europe/Berlin or UTC", zone);
		return FK_EINVAL;
	}
	if (size > 0 && at[size - 1] == 'Z' && strcmp(zone, "UTC") != 0) {
		fk_reason_set(reason, "must be UTC, since the time ends with Z");
		return FK_EINVAL;
	}
	*ret_field = "at";
	if (!parse(at, &local)) {
		fk_reason_set(reason, "must be a time like 2027-03-28T02:30:00");
		return FK_EINVAL;
	}
	if (local.tm_year < 100 || local.tm_year > 199) {
		fk_reason_set(reason, "must be from 2000 to 2099");
		return FK_ERANGE;
	}
	n = find_instants_in(&local, zone, instants);
	if (n == 0) {
		fk_reason_set(reason, "there is no such time in %s: clocks are set forward then",
			      zone);
		return FK_ERANGE;
	}
	if (n == 2 && fold == FK_ZONE_NO_FOLD) {
		*ret_field = "fold";
		fk_reason_set(reason,
			      "that time comes twice in %s, since clocks are set back: say earlier "
			      "or later",
			      zone);
		return FK_EINVAL;
	}
	*ret_at_ms = (uint64_t)instants[n == 2 && fold == FK_ZONE_LATER] * 1000;
	return FK_OK;
}
