/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <criterion/criterion.h>

#include "fleet/columns.h"

#include "../support.h"

#define KEK  "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F"
#define PTEK "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff"

static const char *const good[FK_COLUMNS] = {
	"ue-1",
	"sip:ue1@mc.example",
	"sip:ue1@data.example",
	"P25",
	"4711",
	"hop-b",
	"north",
	"fire;police",
	"61441",
	"0x1234",
	"AES-256",
	KEK,
	"7",
	"0x84",
	PTEK,
	"cmac",
	"100",
	"170",
	"3",
	"2",
	"ofb",
	"",
	"",
};

static char texts[FK_COLUMNS][600];
static struct fk_csv_field fields[FK_COLUMNS], *field_list[FK_COLUMNS];
static struct fk_fleet_row row;
static struct fk_config *config;
static int complained[FK_COLUMNS];
static char last_reason[200];

static void set(enum fk_column column, const char *text)
{
	strcpy(texts[column], text);
	fields[column] = (struct fk_csv_field){texts[column], strlen(text)};
	field_list[column] = &fields[column];
}

static void set_good(void)
{
	for (int i = 0; i < FK_COLUMNS; i++)
		set((enum fk_column)i, good[i]);
}

static void set_up(void)
{
	config = test_config();
	set_good();
}

static void tear_down(void)
{
	fk_config_free(config);
}

static void complain(void *ctx, enum fk_column column, const char *reason)
{
	(void)ctx;
	complained[column]++;
	(void)snprintf(last_reason, sizeof(last_reason), "%s", reason);
}

static enum fk_err parse_with(bool allow_plain_keys, struct fk_transport_key *transport_key)
{
	const struct fk_row_rules rules = {config, transport_key, allow_plain_keys};

	memset(complained, 0, sizeof(complained));
	return fk_fleet_row_parse(field_list, &rules, complain, NULL, &row);
}

static enum fk_err parse(bool allow_plain_keys)
{
	return parse_with(allow_plain_keys, NULL);
}

/* One changed column: exactly that one is complained about, and no key is left. */
static void expect_refused(enum fk_column column, const char *text)
{
	set_good();
	set(column, text);
	cr_expect_eq(parse(true), FK_EINVAL, "%s='%s'", fk_column_name(column), text);
	for (int i = 0; i < FK_COLUMNS; i++)
		cr_expect_eq(complained[i], i == (int)column, "%s='%s': %s complained %d times",
			     fk_column_name(column), text, fk_column_name((enum fk_column)i),
			     complained[i]);
	for (size_t i = 0; i < sizeof(row.keys); i++)
		cr_expect_eq(row.keys[i], 0);
}

static void expect_taken(enum fk_column column, const char *text)
{
	set_good();
	set(column, text);
	cr_expect_eq(parse(true), FK_OK, "%s='%s': %s", fk_column_name(column), text, last_reason);
}

Test(columns, a_good_row_is_read, .init = set_up, .fini = tear_down)
{
	cr_assert_eq(parse(true), FK_OK);
	cr_expect_eq(row.rsi, 4711);
	cr_expect_eq(row.next_hop, 1);
	cr_expect_eq(row.kek_sln, 61441);
	cr_expect_eq(row.kek_key_id, 0x1234);
	cr_expect_eq(row.ptek_key_id, 7);
	cr_expect(row.has_ptek);
	cr_expect_eq(row.mac_kind, FK_MAC_CMAC);
	cr_expect_eq(row.mnp, 100);
	cr_expect_eq(row.takes.max_kmm, 170);
	cr_expect_eq(row.takes.max_keys, 3);
	cr_expect_eq(row.takes.keysets, 2);
	cr_expect_eq(row.takes.outer, FK_OUTER_OFB);
	cr_expect_eq(row.n_groups, 2);
	cr_expect_arr_eq(row.groups[1].at, "police", 6);
	cr_expect_eq(row.groups[1].len, 6);
	cr_expect_eq(row.keys[31], 0x1f);
	cr_expect_eq(row.keys[32], 0xff);
	cr_expect_eq(row.keys[63], 0xff);
}

Test(columns, key_text_is_wiped_whatever_happens, .init = set_up, .fini = tear_down)
{
	cr_assert_eq(parse(true), FK_OK);
	cr_expect_eq(texts[FK_COLUMN_KEK][0], 0);
	cr_expect_eq(texts[FK_COLUMN_KEK][63], 0);
	cr_expect_eq(texts[FK_COLUMN_PTEK][63], 0);
	set_good();
	set(FK_COLUMN_KEK, "00112233445566778899aabbccddeeff");
	cr_expect_eq(parse(false), FK_EINVAL);
	cr_expect_eq(texts[FK_COLUMN_KEK][0], 0);
	cr_expect_eq(texts[FK_COLUMN_PTEK][63], 0);
}

Test(columns, plain_keys_need_to_be_allowed, .init = set_up, .fini = tear_down)
{
	cr_expect_eq(parse(false), FK_EINVAL);
	cr_expect_eq(complained[FK_COLUMN_KEK], 1);
	cr_expect_eq(complained[FK_COLUMN_PTEK], 1);
	cr_expect_not_null(strstr(last_reason, "--allow-plain-keys"));
}

Test(columns, a_ue_without_protection_tek_is_read, .init = set_up, .fini = tear_down)
{
	set(FK_COLUMN_PTEK, "");
	set(FK_COLUMN_PTEK_ALG, "");
	set(FK_COLUMN_PTEK_KEY_ID, "");
	cr_assert_eq(parse(true), FK_OK);
	cr_expect(!row.has_ptek);
	for (size_t i = 32; i < 64; i++)
		cr_expect_eq(row.keys[i], 0);
}

Test(columns, a_capability_that_is_empty_or_has_no_column_is_what_p25_allows, .init = set_up,
     .fini = tear_down)
{
	for (int is_there = 0; is_there < 2; is_there++) {
		set_good();
		for (int i = FK_COLUMNS_REQUIRED; i < FK_COLUMNS; i++) {
			set((enum fk_column)i, "");
			if (!is_there)
				field_list[i] = NULL;
		}
		memset(&row, 0xff, sizeof(row));
		cr_assert_eq(parse(true), FK_OK, "%s", last_reason);
		cr_expect_eq(row.takes.max_kmm, 0);
		cr_expect_eq(row.takes.max_keys, 0);
		cr_expect_eq(row.takes.keysets, 0);
		cr_expect_eq(row.takes.outer, FK_OUTER_NONE);
	}
}

Test(columns, edges_of_ranges_are_taken, .init = set_up, .fini = tear_down)
{
	expect_taken(FK_COLUMN_RSI, "1");
	expect_taken(FK_COLUMN_RSI, "9999998");
	expect_taken(FK_COLUMN_KEK_SLN, "61440");
	expect_taken(FK_COLUMN_KEK_SLN, "65535");
	expect_taken(FK_COLUMN_KEK_KEY_ID, "0");
	expect_taken(FK_COLUMN_KEK_KEY_ID, "0xFFFF");
	expect_taken(FK_COLUMN_MNP, "1");
	expect_taken(FK_COLUMN_MNP, "32767");
	expect_taken(FK_COLUMN_MAC, "cbc");
	expect_taken(FK_COLUMN_MAX_KMM, "1");
	expect_taken(FK_COLUMN_MAX_KMM, "65535");
	expect_taken(FK_COLUMN_MAX_KEYS, "255");
	expect_taken(FK_COLUMN_KEYSETS, "16");
	expect_taken(FK_COLUMN_OUTER, "none");
	expect_taken(FK_COLUMN_AREA, "");
	expect_taken(FK_COLUMN_GROUPS, "");
	expect_taken(FK_COLUMN_GROUPS, "a;b;c;d;e;f;g;h;i;j;k;l;m;n;o;p");
}

Test(columns, values_out_of_range_are_refused_by_column, .init = set_up, .fini = tear_down)
{
	static const struct {
		enum fk_column column;
		const char *text;
	} cases[] = {
		{FK_COLUMN_UE_ID, ""},
		{FK_COLUMN_UE_ID, "a b"},
		{FK_COLUMN_UE_ID, "a/b"},
		{FK_COLUMN_UE_ID,
		 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
		{FK_COLUMN_MC_SERVICE_ID, "mailto:a@b"},
		{FK_COLUMN_MCDATA_ID, "sip:a@b>"},
		{FK_COLUMN_MCDATA_ID, ""},
		{FK_COLUMN_LMR_TYPE, "TETRA"},
		{FK_COLUMN_LMR_TYPE, "p25"},
		{FK_COLUMN_RSI, "0"},
		{FK_COLUMN_RSI, "9999999"}, /* the KMF's */
		{FK_COLUMN_RSI, "10000000"},
		{FK_COLUMN_RSI, "-1"},
		{FK_COLUMN_RSI, "+1"},
		{FK_COLUMN_RSI, " 1"},
		{FK_COLUMN_RSI, "4294967297"},
		{FK_COLUMN_RSI, "0x10"},
		{FK_COLUMN_RSI, ""},
		{FK_COLUMN_NEXT_HOP, "hop-c"},
		{FK_COLUMN_NEXT_HOP, ""},
		{FK_COLUMN_AREA, "no rth"},
		{FK_COLUMN_GROUPS, "a;"},
		{FK_COLUMN_GROUPS, ";a"},
		{FK_COLUMN_GROUPS, "a;;b"},
		{FK_COLUMN_GROUPS, "a;a"},
		{FK_COLUMN_GROUPS, "a b"},
		{FK_COLUMN_GROUPS, "a;b;c;d;e;f;g;h;i;j;k;l;m;n;o;p;q"},
		{FK_COLUMN_GROUPS, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
		{FK_COLUMN_KEK_SLN, "61439"},
		{FK_COLUMN_KEK_SLN, "65536"},
		{FK_COLUMN_KEK_KEY_ID, "65536"},
		{FK_COLUMN_KEK_KEY_ID, "0x"},
		{FK_COLUMN_KEK_KEY_ID, "0x1g"},
		{FK_COLUMN_KEK_ALG, "DES"},
		{FK_COLUMN_KEK_ALG, ""},
		{FK_COLUMN_KEK, ""},
		{FK_COLUMN_KEK, "00ff"},
		{FK_COLUMN_KEK, KEK "00"},
		{FK_COLUMN_KEK, "zz0102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F"},
		{FK_COLUMN_PTEK_KEY_ID, ""},
		{FK_COLUMN_PTEK_ALG, ""},
		{FK_COLUMN_PTEK, ""},
		{FK_COLUMN_MAC, "md5"},
		{FK_COLUMN_MAC, "CMAC"},
		{FK_COLUMN_MNP, "0"},
		{FK_COLUMN_MNP, "32768"},
		{FK_COLUMN_MAX_KMM, "0"},
		{FK_COLUMN_MAX_KMM, "65536"},
		{FK_COLUMN_MAX_KEYS, "0"},
		{FK_COLUMN_MAX_KEYS, "256"},
		{FK_COLUMN_KEYSETS, "0"},
		{FK_COLUMN_KEYSETS, "17"},
		{FK_COLUMN_OUTER, "OFB"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect_refused(cases[i].column, cases[i].text);
}

Test(columns, every_wrong_column_of_a_row_is_reported, .init = set_up, .fini = tear_down)
{
	for (int i = 0; i < FK_COLUMNS; i++)
		set((enum fk_column)i, "\x01");
	cr_expect_eq(parse(true), FK_EINVAL);
	for (int i = 0; i < FK_COLUMNS; i++)
		cr_expect_eq(complained[i], 1, "%s", fk_column_name((enum fk_column)i));
}

Test(columns, names_and_columns_are_found_both_ways)
{
	cr_expect_eq(fk_column_find("kek"), FK_COLUMN_KEK);
	cr_expect_eq(fk_column_find("mnp"), FK_COLUMN_MNP);
	cr_expect_eq(fk_column_find("KEK"), -1);
	cr_expect_eq(fk_column_find(""), -1);
	cr_expect_str_eq(fk_column_name(FK_COLUMN_MC_SERVICE_ID), "mc_service_id");
}

/* KEK and PTEK, wrapped under 32 octets of $42; made with OpenSSL's EVP_aes_256_wrap(). */
#define WRAPPED_KEK \
	"2ba58533e54f79b993b626ec7233ad4291924d6e52ad8e0b3056a31e850dddd13a133bf6926842eb"
#define WRAPPED_PTEK \
	"8654554cb5753eac8ca183a91be1bccb3d5e2c008a3a6f067463eb9001a5216585a0a7fa0b5ffe30"

static struct fk_transport_key *transport_key(uint8_t octet)
{
	struct fk_transport_key *key = NULL;
	struct fk_secret secret = {.size = 32};

	memset(secret.octets, octet, 32);
	cr_assert_eq(fk_transport_key_new(1, &secret, &key), FK_OK);
	return key;
}

Test(columns, wrapped_keys_are_the_same_as_plain_ones, .init = set_up, .fini = tear_down)
{
	struct fk_transport_key *key = transport_key(0x42);
	uint8_t plain[64];

	cr_assert_eq(parse(true), FK_OK);
	memcpy(plain, row.keys, sizeof(plain));
	set_good();
	set(FK_COLUMN_KEK, WRAPPED_KEK);
	set(FK_COLUMN_PTEK, WRAPPED_PTEK);
	cr_expect_eq(parse_with(false, key), FK_OK, "%s", last_reason);
	cr_expect_arr_eq(row.keys, plain, sizeof(plain));
	for (size_t i = 0; i < 80; i++)
		cr_expect_eq(texts[FK_COLUMN_KEK][i], 0, "key text is left");
	fk_transport_key_free(key);
}

Test(columns, a_wrapped_key_needs_the_key_it_was_wrapped_under, .init = set_up, .fini = tear_down)
{
	struct fk_transport_key *key = transport_key(0x43);

	set(FK_COLUMN_KEK, WRAPPED_KEK);
	cr_expect_eq(parse_with(true, key), FK_EINVAL);
	cr_expect_eq(complained[FK_COLUMN_KEK], 1);
	cr_expect_not_null(strstr(last_reason, "does not open"));
	fk_transport_key_free(key);
	set_good();
	set(FK_COLUMN_PTEK, WRAPPED_PTEK);
	cr_expect_eq(parse_with(true, NULL), FK_EINVAL);
	cr_expect_eq(complained[FK_COLUMN_PTEK], 1);
	cr_expect_not_null(strstr(last_reason, "no transport key"));
}

Test(columns, a_damaged_wrapped_key_is_refused, .init = set_up, .fini = tear_down)
{
	struct fk_transport_key *key = transport_key(0x42);

	for (size_t i = 0; i < 80; i++) {
		set_good();
		set(FK_COLUMN_KEK, WRAPPED_KEK);
		texts[FK_COLUMN_KEK][i] = texts[FK_COLUMN_KEK][i] == '0' ? '1' : '0';
		cr_expect_eq(parse_with(true, key), FK_EINVAL);
		set_good();
		set(FK_COLUMN_KEK, WRAPPED_KEK);
		texts[FK_COLUMN_KEK][i] = 'g';
		cr_expect_eq(parse_with(true, key), FK_EINVAL);
		cr_expect_not_null(strstr(last_reason, "no hex digit"));
	}
	fk_transport_key_free(key);
}

Test(columns, a_ue_of_another_kmf_is_refused, .init = set_up, .fini = tear_down)
{
	char own[16];

	config->kmf.rsi = 9999001;
	(void)snprintf(own, sizeof(own), "%u", config->kmf.rsi);
	expect_taken(FK_COLUMN_OWNER_KMF, own);
	expect_refused(FK_COLUMN_OWNER_KMF, "9999002");
	cr_expect_not_null(strstr(last_reason, "release"));
	expect_refused(FK_COLUMN_OWNER_KMF, "kmf-a");
	set_good();
	field_list[FK_COLUMN_OWNER_KMF] = NULL; /* a file without the column */
	field_list[FK_COLUMN_NEXT_NUMBER] = NULL;
	cr_expect_eq(parse(true), FK_OK);
	cr_expect_not(row.has_next_number);
}

Test(columns, a_ue_may_begin_at_a_number, .init = set_up, .fini = tear_down)
{
	expect_taken(FK_COLUMN_NEXT_NUMBER, "65535");
	cr_expect(row.has_next_number);
	cr_expect_eq(row.next_number, 65535);
	expect_taken(FK_COLUMN_NEXT_NUMBER, "0");
	expect_refused(FK_COLUMN_NEXT_NUMBER, "65536");
	expect_refused(FK_COLUMN_NEXT_NUMBER, "-1");
	expect_taken(FK_COLUMN_NEXT_NUMBER, "");
	cr_expect_not(row.has_next_number);
}
