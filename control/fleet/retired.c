/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/retired.h"

#include <fleetkey/wire.h>

static void put_currency(struct fk_store *store, const struct fk_fleet *fleet, uint32_t ue_index,
			 uint32_t rsi)
{
	uint8_t octets[FK_CURRENCY_UE_SIZE_MAX];
	struct fk_currency c;

	fk_currency_book_get(fk_fleet_currency(fleet), ue_index, &c);
	fk_store_batch_put_retired_currency(store, rsi, octets, fk_currency_encode(&c, octets));
}

void fk_retired_put(struct fk_store *store, struct fk_fleet *fleet, const uint64_t *rsis,
		    uint32_t first, uint32_t end)
{
	struct fk_fleet_ue ue;

	for (uint32_t i = first; i < end; i++) {
		const struct fk_ue_numbers *numbers = fk_fleet_numbers(fleet, i);
		uint8_t octets[FK_STORE_RETIRED_SIZE];
		struct fk_wire_writer w = fk_wire_writer(octets, sizeof(octets));

		if (!fk_fleet_get(fleet, i, &ue) || (rsis[ue.rsi / 64] >> ue.rsi % 64 & 1) != 0)
			continue;
		if (numbers->reserved_next == 0 && numbers->accepted == 0)
			continue; /* nothing was ever sent to it */
		fk_wire_put_u16(&w, numbers->reserved_next);
		fk_wire_put_u16(&w, numbers->accepted);
		fk_store_batch_put_retired(store, ue.rsi, octets);
		put_currency(store, fleet, i, ue.rsi);
	}
}

enum fk_err fk_retired_find(struct fk_store *store, const uint32_t *rsis, uint32_t n,
			    struct fk_ue_numbers *ret_numbers)
{
	uint8_t octets[FK_STORE_RETIRED_MAX][FK_STORE_RETIRED_SIZE];
	enum fk_err err = fk_store_read_retired(store, rsis, n, octets);

	if (err != FK_OK)
		return err;
	for (uint32_t i = 0; i < n; i++) {
		struct fk_wire_reader r = fk_wire_reader(octets[i], sizeof(octets[i]));

		ret_numbers[i] = (struct fk_ue_numbers){0};
		ret_numbers[i].reserved_next = fk_wire_get_u16(&r);
		ret_numbers[i].accepted = fk_wire_get_u16(&r);
	}
	return FK_OK;
}

struct currency_reader {
	struct fk_currency *const *rets;
};

static enum fk_err take_currency(void *ctx, uint32_t i, const uint8_t *octets, size_t size)
{
	const struct currency_reader *reader = ctx;
	enum fk_err err;

	*reader->rets[i] = (struct fk_currency){.active = FK_ACTIVE_NEVER};
	if (size == 0)
		return FK_OK;
	err = fk_currency_decode(octets, size, reader->rets[i]);
	if (err == FK_OK)
		fk_currency_doubt(reader->rets[i]);
	return err;
}

enum fk_err fk_retired_find_currency(struct fk_store *store, const uint32_t *rsis, uint32_t n,
				     struct fk_currency *const *rets)
{
	struct currency_reader reader = {.rets = rets};

	return fk_store_read_retired_currency(store, rsis, n, take_currency, &reader);
}

static enum fk_err take_as_it_was(void *ctx, uint32_t i, const uint8_t *octets, size_t size)
{
	struct fk_currency *ret = ctx;

	(void)i;
	*ret = (struct fk_currency){.active = FK_ACTIVE_NEVER};
	return size > 0 ? fk_currency_decode(octets, size, ret) : FK_OK;
}

enum fk_err fk_retired_recall_currency(struct fk_store *store, uint32_t rsi,
				       struct fk_currency *ret_currency)
{
	return fk_store_read_retired_currency(store, &rsi, 1, take_as_it_was, ret_currency);
}

void fk_retired_skip(uint8_t octets[static FK_STORE_RETIRED_SIZE], uint16_t n)
{
	struct fk_wire_reader r = fk_wire_reader(octets, FK_STORE_RETIRED_SIZE);
	struct fk_wire_writer w = fk_wire_writer(octets, FK_STORE_RETIRED_SIZE);

	fk_wire_put_u16(&w, (uint16_t)(fk_wire_get_u16(&r) + n));
}
