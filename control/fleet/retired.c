/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/retired.h"

#include <fleetkey/wire.h>

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
