/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "fleet/roster.h"

#define N_PAGES 7

static struct fk_roster_ue ues[FK_STORE_PAGE_UES], read_ues[FK_STORE_PAGE_UES];
static uint8_t octets[FK_ROSTER_BODY_MAX];

static void name(uint32_t i, const char *ue_id, uint32_t rsi)
{
	(void)snprintf(ues[i].ue_id, sizeof(ues[i].ue_id), "%s", ue_id);
	ues[i].rsi = rsi;
}

static enum fk_err decode(size_t size)
{
	return fk_roster_decode(octets, size, N_PAGES, read_ues);
}

static void expect_same(void)
{
	size_t size = fk_roster_encode(N_PAGES, ues, octets);

	cr_assert_eq(decode(size), FK_OK);
	for (uint32_t i = 0; i < FK_STORE_PAGE_UES; i++) {
		cr_expect_eq(read_ues[i].rsi, ues[i].rsi, "%u", i);
		cr_expect(ues[i].rsi == 0 || strcmp(read_ues[i].ue_id, ues[i].ue_id) == 0, "%u", i);
	}
	for (size_t cut = 0; cut < size; cut++)
		cr_expect_neq(decode(cut), FK_OK, "%zu octets", cut);
	octets[size] = 0;
	cr_expect_neq(decode(size + 1), FK_OK);
}

Test(roster, ids_and_rsis_are_read_as_they_were_written)
{
	expect_same();
	name(0, "a", 1);
	name(1, "a", 2); /* ids are unique, but the form does not ask for it */
	name(2, "ab", 3);
	name(3, "a", FK_RSI_UNIT_MAX);
	name(63, "z", 9);
	expect_same();
}

Test(roster, the_longest_ids_fit)
{
	for (uint32_t i = 0; i < FK_STORE_PAGE_UES; i++) {
		memset(ues[i].ue_id, 'a' + (int)(i % 26), FK_UE_ID_SIZE_MAX);
		ues[i].ue_id[FK_UE_ID_SIZE_MAX] = '\0';
		ues[i].rsi = i + 1;
	}
	cr_expect_eq(fk_roster_encode(N_PAGES, ues, octets), FK_ROSTER_BODY_MAX);
	cr_expect_eq(decode(FK_ROSTER_BODY_MAX), FK_OK);
	cr_expect_str_eq(read_ues[63].ue_id, ues[63].ue_id);
}

Test(roster, ids_that_are_alike_take_little)
{
	char ue_id[16];

	for (uint32_t i = 0; i < FK_STORE_PAGE_UES; i++) {
		(void)snprintf(ue_id, sizeof(ue_id), "ue%07u", 17 * i);
		name(i, ue_id, 17 * i + 1);
	}
	cr_expect_leq(fk_roster_encode(N_PAGES, ues, octets), 5 + FK_STORE_PAGE_UES * 9);
}

Test(roster, what_the_encoder_does_not_write_is_refused)
{
	size_t size;

	name(0, "ab", 3);
	name(1, "ac", 4);
	size = fk_roster_encode(N_PAGES, ues, octets);
	/* layout 1 | n_pages 4 | 0 2 a b 0 0 3 | 1 1 c 0 0 4 | ... */
	cr_expect_eq(fk_roster_decode(octets, size, N_PAGES + 1, read_ues), FK_EFORMAT,
		     "it is of a fleet of another size");
	octets[0]++;
	cr_expect_eq(decode(size), FK_EFORMAT, "layout");
	octets[0]--;
	octets[7] = ',';
	cr_expect_eq(decode(size), FK_EFORMAT, "no id");
	octets[7] = 'a';
	octets[11] = 0;
	cr_expect_eq(decode(size), FK_EFORMAT, "RSI 0");
	octets[11] = 3;
	octets[9] = 0xff;
	cr_expect_eq(decode(size), FK_EFORMAT, "a group's RSI");
	octets[9] = 0;
	octets[14] = 'b';
	cr_expect_eq(decode(size), FK_EFORMAT, "more is in common than it says");
	octets[14] = 'c';
	octets[12] = 3;
	cr_expect_eq(decode(size), FK_EFORMAT, "as much as there is not");
	octets[12] = 1;
	cr_expect_eq(decode(size), FK_OK);
}
