/* SPDX-License-Identifier: Apache-2.0 */
/* test_fleet.c - the strict reader of fleet files. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "fixture.h"

#define KEY "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define ROW(ue, mcdata, rsi, key, mnp)                                                  \
	ue ",sip:x@y," mcdata ",P25," rsi ",nh1,north,alpha;bravo,61440,7,AES-256," key \
	   ",9,AES-256," KEY ",cmac," mnp "\n"

static struct fixture f;

static void setup(void)
{
	fixture_init(&f);
}

static void teardown(void)
{
	fixture_fini(&f);
}

TestSuite(fleet, .init = setup, .fini = teardown);

static enum fk_err load_text(const char *text, char *complaint, size_t cap)
{
	struct fk_fleet fleet = {0};
	char path[128];
	FILE *file;
	enum fk_err err;

	snprintf(path, sizeof(path), "%s/text.csv", f.directory);
	file = fopen(path, "w");
	cr_assert_not_null(file);
	fputs(text, file);
	fclose(file);
	complaint[0] = '\0';
	err = fk_fleet_load(path, NULL, &fleet, complaint, cap);
	fk_fleet_free(&fleet);
	unlink(path);
	return err;
}

Test(fleet, a_ue_that_t2_reaches_goes_by_its_mcptt_id)
{
	static const char *const lists[][2] = {{"", NULL}, {"nh1", NULL}, {"nh2", NULL}};
	static const char mcptt_id[] = "sip:ue0000004@mcptt.mc.example";
	static const char mcdata_id[] = "sip:ue0000004@mc.example";
	struct fk_fleet fleet = {0};
	char text[256];

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		bool by_mcptt = i < 2;

		cr_assert_eq(fk_fleet_load(f.path, lists[i], &fleet, text, sizeof(text)), FK_OK);
		cr_expect_eq(fk_fleet_find(&fleet, mcptt_id, strlen(mcptt_id)),
			     by_mcptt ? &fleet.ues[3] : NULL);
		cr_expect_eq(fk_fleet_find(&fleet, mcdata_id, strlen(mcdata_id)),
			     by_mcptt ? NULL : &fleet.ues[3]);
		fk_fleet_free(&fleet);
	}
}

Test(fleet, every_ue_is_found_by_its_mcdata_id_and_no_other)
{
	for (uint32_t i = 0; i < f.fleet.n_ues; i++) {
		const struct fk_sim_ue *ue = &f.fleet.ues[i];

		cr_assert_eq(fk_fleet_find(&f.fleet, fk_fleet_mcdata_id(&f.fleet, ue),
					   ue->mcdata_id_size),
			     ue);
		cr_assert_eq(ue->rsi, 1000 + i);
		cr_assert_eq(ue->mnp, 1000);
		cr_assert_eq(ue->newest_key, FK_SIM_NO_KEY);
	}
	cr_assert_null(fk_fleet_find(&f.fleet, "sip:nobody@mc.example", 21));
	cr_assert_null(fk_fleet_find(&f.fleet, "", 0));
}

Test(fleet, wrong_rows_are_refused_with_line_column_and_without_the_key)
{
	static const struct {
		const char *row, *column;
	} bad[] = {
		{ROW("", "sip:a@b", "1", KEY, "10"), "ue_id"},
		{ROW("u\"1", "sip:a@b", "1", KEY, "10"), "ue_id"},
		{ROW("u1", "tel:5", "1", KEY, "10"), "mcdata_id"},
		{ROW("u1", "sip:a@b", "0", KEY, "10"), "rsi"},
		{ROW("u1", "sip:a@b", "10000000", KEY, "10"), "rsi"},
		{ROW("u1", "sip:a@b", "-1", KEY, "10"), "rsi"},
		{ROW("u1", "sip:a@b", "1", "0011", "10"), "kek"},
		{ROW("u1", "sip:a@b", "1", KEY "0", "10"), "kek"},
		{ROW("u1", "sip:a@b", "1", KEY, "0"), "mnp"},
		{ROW("u1", "sip:a@b", "1", KEY, "32768"), "mnp"},
		{ROW("u1", "sip:a@b", "1", KEY, "10,more"), "mnp"},
		{"u1,short\n", "columns"},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char text[2048], complaint[256];

		snprintf(text, sizeof(text), "%s\n%s%s", FK_FLEET_HEADER,
			 ROW("good", "sip:good@b", "5", KEY, "10"), bad[i].row);
		cr_assert_eq(load_text(text, complaint, sizeof(complaint)), FK_EFORMAT, "row %zu",
			     i);
		cr_assert_not_null(strstr(complaint, "line 3"), "%s", complaint);
		cr_assert_not_null(strstr(complaint, bad[i].column), "%s", complaint);
		cr_assert_null(strstr(complaint, "0011"), "a key in an error text");
	}
}

Test(fleet, a_good_row_is_read_and_the_last_line_may_lack_its_end)
{
	char complaint[256];
	static const char good[] = FK_FLEET_HEADER "\n" ROW("u1", "sip:a@b", "1", KEY, "10");
	char text[sizeof(good)];

	cr_assert_eq(load_text(good, complaint, sizeof(complaint)), FK_OK, "%s", complaint);
	memcpy(text, good, sizeof(good));
	text[sizeof(good) - 2] = '\0';
	cr_assert_eq(load_text(text, complaint, sizeof(complaint)), FK_OK, "%s", complaint);
}

Test(fleet, one_mcdata_id_twice_is_refused)
{
	char complaint[256];

	cr_assert_eq(load_text(FK_FLEET_HEADER "\n" ROW("u1", "sip:a@b", "1", KEY, "10")
				       ROW("u2", "sip:a@b", "2", KEY, "10"),
			       complaint, sizeof(complaint)),
		     FK_EEXIST);
	cr_assert_not_null(strstr(complaint, "line 3"));
}

Test(fleet, files_without_header_or_rows_or_at_all_are_refused)
{
	struct fk_fleet fleet = {0};
	char complaint[256];

	cr_assert_eq(load_text("", complaint, sizeof(complaint)), FK_EFORMAT);
	cr_assert_eq(load_text("ue_id\n", complaint, sizeof(complaint)), FK_EFORMAT);
	cr_assert_eq(load_text(FK_FLEET_HEADER "\n", complaint, sizeof(complaint)), FK_EFORMAT);
	cr_assert_eq(fk_fleet_load("/nonexistent", NULL, &fleet, complaint, sizeof(complaint)),
		     FK_EIO);
}
