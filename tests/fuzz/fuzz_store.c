/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_store.c - of what the store gives back, each decoder takes only octets that its encoder
 * writes, and then the same ones; what it refuses it leaves alone.
 *
 * The records differ in their form, so every input is put through all decoders.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "campaign/ledger.h"
#include "currency/book.h"
#include "fleet/group_plan.h"
#include "fleet/names.h"
#include "fleet/numbers.h"
#include "fleet/page.h"
#include "fleet/record.h"
#include "fleet/roster.h"
#include "fleet/status.h"
#include "store/page_columns.h"
#include "store/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void require_same(const void *octets, size_t octets_size, const uint8_t *data, size_t size)
{
	require(octets_size == size && memcmp(octets, data, size) == 0);
}

static void check_record(const uint8_t *data, size_t size)
{
	uint8_t octets[FK_RECORD_SIZE_MAX];
	struct fk_record record;
	size_t n = 0;

	/* Records of the older layout are read, and written as those of the one in force. */
	if (fk_record_decode(data, size, FK_RECORD_LAYOUT_OLD, &record) == FK_OK)
		require(fk_record_encode(&record, octets, sizeof(octets), &n) == FK_OK &&
			n == size + FK_OWN_KEYS * FK_OWN_KEY_SIZE);
	if (fk_record_decode(data, size, FK_PAGE_LAYOUT, &record) != FK_OK)
		return;
	require(record.n_groups <= FK_UE_GROUPS_MAX && record.rsi >= 1);
	require(record.sealed_keys + FK_RECORD_SEALED_SIZE == data + size);
	require(fk_record_encode(&record, octets, sizeof(octets), &n) == FK_OK);
	require_same(octets, n, data, size);
	require(fk_record_encode(&record, octets, size - 1, &n) == FK_EFULL);
}

static void check_numbers(const uint8_t *data, size_t size)
{
	static struct fk_ue_numbers numbers[FK_STORE_PAGE_UES];
	uint8_t octets[FK_NUMBERS_PAGE_SIZE];

	if (fk_numbers_decode_page(data, size, numbers) != FK_OK)
		return;
	fk_numbers_encode_page(numbers, octets);
	require_same(octets, sizeof(octets), data, size);
}

static void check_delivery(const struct fk_delivery *d)
{
	char text[FK_CAUSE_TEXT_SIZE];

	require(d->state < FK_DELIVERY_STATES && d->keys_per_kmm <= FK_ORDER_KEYS_MAX);
	for (uint32_t n_keys = 0; n_keys <= 16; n_keys++) {
		uint32_t first, n = fk_delivery_step_keys(d, n_keys, &first);

		require(n == 0 || (first + n <= n_keys && n <= d->keys_per_kmm));
		require(n > 0 || !fk_delivery_is_rekey(d, n_keys) || d->keys_per_kmm == 0);
	}
	fk_cause_text(d->cause, d->cause_detail, text, sizeof(text));
	require(strcmp(text, "unknown") != 0);
}

static void check_ledger(const uint8_t *data, size_t size)
{
	static struct fk_delivery deliveries[FK_LEDGER_PAGE];
	uint8_t octets[FK_LEDGER_PAGE_SIZE];

	if (fk_ledger_page_decode(data, size, deliveries) != FK_OK)
		return;
	for (uint32_t i = 0; i < FK_LEDGER_PAGE; i++)
		check_delivery(&deliveries[i]);
	fk_ledger_page_encode(deliveries, octets);
	require_same(octets, sizeof(octets), data, size);
}

static void check_currency(const uint8_t *data, size_t size)
{
	uint8_t octets[FK_CURRENCY_UE_SIZE_MAX];
	struct fk_currency c;
	uint32_t campaign_id;

	if (fk_currency_decode(data, size, &c) != FK_OK)
		return;
	require(size <= FK_CURRENCY_UE_SIZE_MAX && fk_currency_size(data, size) == size);
	require_same(octets, fk_currency_encode(&c, octets), data, size);
	/* Whatever is done with it can be stored and read again. */
	campaign_id = c.n_entries > 0 ? c.entries[0].evidence.campaign_id ^ 1 : 1;
	(void)fk_currency_add(&c, campaign_id != 0 ? campaign_id : 2);
	fk_currency_tidy(&c);
	fk_currency_doubt(&c);
	require(c.n_entries >= 1 && c.n_entries <= FK_CURRENCY_ENTRIES_MAX);
	size = fk_currency_encode(&c, octets);
	require(fk_currency_decode(octets, size, &c) == FK_OK);
}

static void check_currency_page(const uint8_t *data, size_t size)
{
	static struct fk_currency ues[FK_CURRENCY_PAGE];
	struct fk_currency_book *book;
	const uint8_t *octets;
	struct fk_currency last;
	size_t kept;

	require(fk_currency_book_new(1, &book) == FK_OK);
	if (size > 0 && fk_currency_book_take(book, 0, data, size) == FK_OK) {
		octets = fk_currency_book_octets(book, 0, &kept);
		require_same(octets, kept, data, size);
		fk_currency_book_get_page(book, 0, ues);
		fk_currency_book_get(book, FK_CURRENCY_PAGE - 1, &last);
		require(last.n_entries == ues[FK_CURRENCY_PAGE - 1].n_entries);
		/* The same page again is no change. */
		require(fk_currency_book_put_page(book, 0, ues) == FK_OK);
		require(fk_currency_book_n_dirty(book) == 0);
	}
	fk_currency_book_free(book);
}

static void check_status(const uint8_t *data, size_t size)
{
	uint8_t octets[FK_STATUS_SIZE_MAX];
	struct fk_status_entry entry;

	if (fk_status_decode(data, size, &entry) != FK_OK)
		return;
	require(fk_ue_status_find(fk_ue_status_label(entry.status)) == entry.status);
	require_same(octets, fk_status_encode(&entry, octets), data, size);
}

static void check_names(const uint8_t *data, size_t size)
{
	struct fk_names *names;
	char *text;
	size_t n;

	require(fk_names_new(FK_GROUPS_MAX, &names) == FK_OK);
	if (fk_names_split(names, (const char *)data, size) == FK_OK) {
		require(fk_names_join(names, &text, &n) == FK_OK);
		require_same(text, n, data, size);
		free(text);
		for (uint32_t i = 0; i < fk_names_count(names); i++) {
			const char *name = fk_names_get(names, i);

			require(fk_names_find(names, name, strlen(name)) == (int32_t)i);
		}
	}
	fk_names_free(names);
}

static void check_group_plan(const uint8_t *data, size_t size)
{
	uint8_t octets[FK_GROUP_PLAN_SIZE];
	struct fk_group_plan plan;
	const char *field;
	size_t used = 0;

	if (fk_group_plan_decode(data, size, &plan, &used) != FK_OK)
		return;
	require(used <= size && used <= sizeof(octets));
	require_same(octets, fk_group_plan_encode(&plan, octets), data, used);
	require(fk_group_plan_check(&plan, &field, NULL) == FK_OK);
}

static void check_columns(const uint8_t *data, size_t size, size_t row_size)
{
	uint8_t octets[FK_PAGE_COLUMNS_MAX], rows[FK_PAGE_MAX];

	if (fk_page_from_columns(data, size, row_size, rows) == FK_OK)
		require_same(octets, fk_page_to_columns(rows, row_size, octets), data, size);
}

/* The size of the fleet is the page's own word, behind its layout. */
static void check_roster(const uint8_t *data, size_t size)
{
	static struct fk_roster_ue ues[FK_STORE_PAGE_UES];
	uint8_t octets[FK_ROSTER_BODY_MAX];
	struct fk_wire_reader r = fk_wire_reader(data, size);
	uint32_t n_pages;

	(void)fk_wire_get_u8(&r);
	n_pages = fk_wire_get_u32(&r);
	if (fk_roster_decode(data, size, n_pages, ues) == FK_OK)
		require_same(octets, fk_roster_encode(n_pages, ues, octets), data, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_record(data, size);
	check_numbers(data, size);
	check_ledger(data, size);
	check_currency(data, size);
	check_currency_page(data, size);
	check_status(data, size);
	check_names(data, size);
	check_group_plan(data, size);
	check_roster(data, size);
	check_columns(data, size, FK_STORE_NUMBERS_ROW);
	check_columns(data, size, FK_STORE_LEDGER_ROW);
	return 0;
}
