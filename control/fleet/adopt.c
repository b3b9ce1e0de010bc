/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/adopt.h"

#include "currency/book.h"
#include "currency/currency.h"
#include "fleet/status.h"

bool fk_adopt_numbers(struct fk_ue_numbers *numbers, uint16_t next_number)
{
	bool is_unused = numbers->reserved_next == 0 && numbers->accepted == 0;

	if (!is_unused && (uint16_t)(next_number - numbers->reserved_next) >= 0x8000)
		return false;
	numbers->reserved_next = next_number;
	numbers->accepted = (uint16_t)(next_number - 1);
	numbers->inbound = 0;
	numbers->inbound_known = 0; /* the other KMF has accepted later ones */
	return true;
}

static enum fk_err doubt_keys(struct fk_fleet *fleet, uint32_t ue_index)
{
	struct fk_currency_book *book = fk_fleet_currency(fleet);
	struct fk_currency ues[FK_CURRENCY_PAGE];
	uint32_t page = ue_index / FK_CURRENCY_PAGE;

	fk_currency_book_get_page(book, page, ues);
	fk_currency_doubt(&ues[ue_index % FK_CURRENCY_PAGE]);
	ues[ue_index % FK_CURRENCY_PAGE].has_gap = true;
	return fk_currency_book_put_page(book, page, ues);
}

static void put(struct fk_store *store, struct fk_fleet *fleet, uint32_t ue_index)
{
	static const struct fk_status_entry active = {.status = FK_UE_ACTIVE};
	uint32_t page = ue_index / FK_STORE_PAGE_UES;
	uint8_t shard = fk_fleet_page_shards(fleet)[page];
	uint8_t numbers[FK_NUMBERS_PAGE_SIZE];
	const uint8_t *currency;
	size_t size;

	fk_fleet_encode_numbers_page(fleet, page, numbers);
	fk_store_batch_put_numbers_page(store, fk_fleet_generation(fleet), shard, page, numbers,
					sizeof(numbers));
	currency = fk_currency_book_octets(fk_fleet_currency(fleet), page, &size);
	fk_store_batch_put_currency_page(store, fk_fleet_generation(fleet), shard, page, currency,
					 size);
	fk_status_batch_put(store, fleet, ue_index, &active);
}

enum fk_err fk_adopt_ue(struct fk_store *store, struct fk_fleet *fleet, uint32_t ue_index,
			uint16_t next_number, struct fk_reason *reason)
{
	struct fk_ue_numbers *numbers = fk_fleet_numbers(fleet, ue_index), before = *numbers;
	enum fk_err err;

	if (fk_fleet_status(fleet, ue_index) != FK_UE_RELEASED) {
		fk_reason_set(reason, "it is not released: this KMF has it");
		return FK_EPOLICY;
	}
	if (!fk_adopt_numbers(numbers, next_number)) {
		fk_reason_set(reason, "must be %u or beyond: this KMF has given out the others",
			      before.reserved_next);
		return FK_ERANGE;
	}
	err = doubt_keys(fleet, ue_index);
	if (err == FK_OK) {
		fk_store_batch_begin(store);
		put(store, fleet, ue_index);
		err = fk_store_batch_commit(store);
		if (err != FK_OK)
			fk_reason_set(reason, "%s; say it again: it may be stored or not",
				      fk_store_last_error(store));
	}
	/* Numbers that may be stored are not gone back behind: the page is written again as it is.
	 */
	if (err != FK_OK && err != FK_ESTORE)
		*numbers = before;
	if (err == FK_OK)
		fk_fleet_set_status(fleet, ue_index, FK_UE_ACTIVE);
	return err;
}
