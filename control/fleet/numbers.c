/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/numbers.h"

#include <fleetkey/wire.h>

void fk_numbers_encode_page(const struct fk_ue_numbers numbers[static FK_STORE_PAGE_UES],
			    uint8_t ret_octets[static FK_NUMBERS_PAGE_SIZE])
{
	struct fk_wire_writer w = fk_wire_writer(ret_octets, FK_NUMBERS_PAGE_SIZE);

	for (uint32_t i = 0; i < FK_STORE_PAGE_UES; i++) {
		fk_wire_put_u16(&w, numbers[i].reserved_next);
		fk_wire_put_u16(&w, numbers[i].accepted);
		fk_wire_put_u16(&w, numbers[i].inbound);
		fk_wire_put_u8(&w, numbers[i].inbound_known != 0);
		fk_wire_put_u8(&w,
			       (uint8_t)(numbers[i].needs_warm_start << 4 | numbers[i].presence));
	}
}

enum fk_err fk_numbers_decode_page(const uint8_t *octets, size_t size,
				   struct fk_ue_numbers ret_numbers[static FK_STORE_PAGE_UES])
{
	struct fk_ue_numbers numbers[FK_STORE_PAGE_UES];
	struct fk_wire_reader r = fk_wire_reader(octets, size);
	uint8_t marks;

	if (size != FK_NUMBERS_PAGE_SIZE)
		return FK_EFORMAT;
	for (uint32_t i = 0; i < FK_STORE_PAGE_UES; i++) {
		numbers[i].reserved_next = fk_wire_get_u16(&r);
		numbers[i].accepted = fk_wire_get_u16(&r);
		numbers[i].inbound = fk_wire_get_u16(&r);
		numbers[i].inbound_known = fk_wire_get_u8(&r);
		marks = fk_wire_get_u8(&r);
		numbers[i].presence = marks & 15;
		numbers[i].needs_warm_start = marks >> 4;
		if (numbers[i].inbound_known > 1 || numbers[i].presence >= FK_PRESENCES ||
		    numbers[i].needs_warm_start > 1)
			return FK_EFORMAT;
	}
	memcpy(ret_numbers, numbers, sizeof(numbers));
	return FK_OK;
}
