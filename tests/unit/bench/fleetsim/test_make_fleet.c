/* SPDX-License-Identifier: Apache-2.0 */
/* test_make_fleet.c - the fleet file that make-fleet writes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "fixture.h"
#include "make_fleet.h"

static struct fixture f;

static void setup(void)
{
	fixture_init(&f);
}

static void teardown(void)
{
	fixture_fini(&f);
}

TestSuite(make_fleet, .init = setup, .fini = teardown);

static struct fk_make_fleet spec_for(const char *path)
{
	return (struct fk_make_fleet){.n_ues = N_UES,
				      .seed = 5,
				      .path = path,
				      .next_hop = "nh1",
				      .groups = "alpha",
				      .domain = "mc.example"};
}

static char *slurp(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = calloc(1, 1 << 16);

	cr_assert_not_null(file);
	cr_assert_gt(fread(text, 1, (1 << 16) - 1, file), 0);
	fclose(file);
	return text;
}

Test(make_fleet, only_the_owner_can_read_the_file)
{
	struct stat st;

	cr_assert_eq(stat(f.path, &st), 0);
	cr_assert_eq(st.st_mode & 07777, 0600);
}

Test(make_fleet, header_and_every_row_have_the_seventeen_columns)
{
	char *text = slurp(f.path), *save = NULL;
	uint32_t n = 0;

	cr_assert_eq(strncmp(text, FK_FLEET_HEADER "\n", sizeof(FK_FLEET_HEADER)), 0);
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		uint32_t commas = 0;

		for (const char *c = line; *c != '\0'; c++)
			commas += *c == ',';
		cr_assert_eq(commas, 16);
		n++;
	}
	cr_assert_eq(n, N_UES + 1);
	free(text);
}

Test(make_fleet, capabilities_take_turns_and_are_read_back)
{
	struct fk_make_fleet spec = spec_for(f.path);
	struct fk_fleet fleet;
	char why[128] = "";

	spec.max_kmm = "170;";
	spec.max_keys = "1;4;";
	spec.keysets = "2";
	cr_assert_eq(fk_make_fleet(&spec), FK_OK);
	cr_assert_eq(fk_fleet_load(f.path, NULL, &fleet, why, sizeof(why)), FK_OK, "%s", why);
	cr_assert_eq(fleet.n_ues, N_UES);
	for (uint32_t i = 0; i < N_UES; i++) {
		static const uint8_t max_keys[] = {1, 4, 0};

		cr_assert_eq(fleet.ues[i].max_kmm, i % 2 == 0 ? 170 : 0);
		cr_assert_eq(fleet.ues[i].max_keys, max_keys[i % 3]);
		cr_assert_eq(fleet.ues[i].keysets, 2);
	}
	fk_fleet_free(&fleet);
	spec.max_keys = "1;x";
	cr_assert_eq(fk_make_fleet(&spec), FK_EINVAL);
}

Test(make_fleet, first_row_names_the_first_ue)
{
	char *text = slurp(f.path), *row = strchr(text, '\n') + 1;
	static const char start[] = "ue0000001,sip:ue0000001@mcptt.mc.example,"
				    "sip:ue0000001@mc.example,P25,1000,nh1,north,alpha,61440,1,"
				    "AES-256,";

	cr_assert_eq(strncmp(row, start, sizeof(start) - 1), 0);
	free(text);
}

Test(make_fleet, every_eighth_ue_knows_no_cmac)
{
	char *text = slurp(f.path);
	uint32_t n_cbc = 0, n_cmac = 0;

	for (const char *at = text; (at = strstr(at, ",cbc,1000\n")) != NULL; at++)
		n_cbc++;
	for (const char *at = text; (at = strstr(at, ",cmac,1000\n")) != NULL; at++)
		n_cmac++;
	cr_assert_eq(n_cbc, N_UES / 8);
	cr_assert_eq(n_cmac, N_UES - N_UES / 8);
	free(text);
}

Test(make_fleet, the_same_seed_gives_the_same_file_and_another_one_other_keys)
{
	char path[128];
	struct fk_make_fleet spec;
	char *first = slurp(f.path), *second;

	snprintf(path, sizeof(path), "%s/again.csv", f.directory);
	spec = spec_for(path);
	cr_assert_eq(fk_make_fleet(&spec), FK_OK);
	second = slurp(path);
	cr_assert_str_eq(first, second);
	free(second);
	spec.seed = 6;
	cr_assert_eq(fk_make_fleet(&spec), FK_OK);
	second = slurp(path);
	cr_assert_str_neq(first, second);
	free(first);
	free(second);
	unlink(path);
}

Test(make_fleet, every_ue_has_keys_of_its_own)
{
	for (uint32_t i = 0; i < f.fleet.n_ues; i++) {
		const struct fk_sim_ue *a = &f.fleet.ues[i];

		cr_assert_not(fk_ct_equal(a->kek, a->ptek, 32));
		for (uint32_t j = 0; j < i; j++) {
			cr_assert_not(fk_ct_equal(a->kek, f.fleet.ues[j].kek, 32));
			cr_assert_not(fk_ct_equal(a->ptek, f.fleet.ues[j].ptek, 32));
		}
	}
}

Test(make_fleet, bad_values_are_refused_and_leave_no_file)
{
	char path[128];
	struct fk_make_fleet spec;

	snprintf(path, sizeof(path), "%s/bad.csv", f.directory);
	spec = spec_for(path);
	spec.n_ues = 0;
	cr_assert_eq(fk_make_fleet(&spec), FK_ERANGE);
	spec.n_ues = FK_MAKE_FLEET_UES_MAX + 1;
	cr_assert_eq(fk_make_fleet(&spec), FK_ERANGE);
	spec = spec_for(path);
	spec.groups = "alpha,bravo";
	cr_assert_eq(fk_make_fleet(&spec), FK_EINVAL);
	spec = spec_for(path);
	spec.domain = "mc.example\nx";
	cr_assert_eq(fk_make_fleet(&spec), FK_EINVAL);
	spec = spec_for(path);
	spec.next_hop = "";
	cr_assert_eq(fk_make_fleet(&spec), FK_EINVAL);
	spec = spec_for("/nonexistent-folder/fleet.csv");
	cr_assert_eq(fk_make_fleet(&spec), FK_EIO);
	cr_assert_neq(access(path, F_OK), 0);
}
