/* SPDX-License-Identifier: Apache-2.0 */
#include "campaign/ledger.h"

#include <stdio.h>
#include <string.h>

#include <fleetkey/token.h>
#include <fleetkey/wire.h>

const char *fk_delivery_state_label(uint8_t state)
{
	static const char *const labels[] = {
#define X(name, label, text) label,
		FK_DELIVERY_STATE_MAP(X)
#undef X
	};

	return state < FK_DELIVERY_STATES ? labels[state] : "unknown";
}

#define SIP_FINAL_MIN 200 /* below it a detail is the code of a Warning */

void fk_cause_text(uint8_t cause, uint16_t detail, char *buf, size_t cap)
{
	static const char *const labels[] = {
#define X(name, label) label,
		FK_CAUSE_MAP(X)
#undef X
	};

	if (cause == FK_CAUSE_NONE)
		snprintf(buf, cap, "%s", "");
	else if (cause >= FK_CAUSES)
		snprintf(buf, cap, "unknown");
	else if (cause == FK_CAUSE_SIP && detail < SIP_FINAL_MIN)
		snprintf(buf, cap, "warning_%u", detail);
	else if (cause == FK_CAUSE_SIP)
		snprintf(buf, cap, "%s_%u", labels[cause], detail);
	else if (cause == FK_CAUSE_KMM)
		snprintf(buf, cap, "%s_%02x", labels[cause], detail);
	else
		snprintf(buf, cap, "%s", labels[cause]);
}

/* How often it was sent is not known after a crash, so what counts is that a number was reserved
 * for it. */
bool fk_delivery_may_have_been_sent(const struct fk_delivery *d)
{
	return d->state == FK_DELIVERY_EXCLUDED ? d->attempt > 0 : d->date_time_s != 0;
}

const char *fk_delivery_key_label(const struct fk_delivery *d, uint32_t n_keys, uint32_t index)
{
	uint32_t first, n = fk_delivery_step_keys(d, n_keys, &first);

	if (d->keys_held >> index & 1)
		return "held";
	if (index < first || index >= first + n || !fk_delivery_may_have_been_sent(d))
		return "not_held";
	return fk_delivery_is_final(d) && d->cause == FK_CAUSE_KMM ? "refused" : "possibly_held";
}

/* One line per field, in stored order. */
static void put_delivery(struct fk_wire_writer *w, const struct fk_delivery *d)
{
	fk_wire_put_u8(w, (uint8_t)(d->flags << 4 | d->state));
	fk_wire_put_u8(w, (uint8_t)(d->is_woken << 7 | d->cause));
	fk_wire_put_u8(w, (uint8_t)(d->keys_per_kmm << 4 | d->step));
	fk_wire_put_u8(w, d->attempt);
	fk_wire_put_u8(w, d->tries);
	fk_wire_put_u8(w, (uint8_t)(d->is_living << 7 | d->left));
	fk_wire_put_u16(w, d->keys_held);
	fk_wire_put_u16(w, d->number);
	fk_wire_put_u16(w, d->inbound_number);
	fk_wire_put_u16(w, d->mac_key_id);
	fk_wire_put_u16(w, d->cause_detail);
	fk_wire_put_u32(w, d->date_time_s);
	fk_wire_put_u32(w, d->acked_ms);
	fk_wire_put_bytes(w, d->mac, sizeof(d->mac));
}

static void get_delivery(struct fk_wire_reader *r, struct fk_delivery *d)
{
	const uint8_t *mac;
	uint8_t octet = fk_wire_get_u8(r);

	d->state = octet & 15;
	d->flags = octet >> 4 & 15;
	octet = fk_wire_get_u8(r);
	d->cause = octet & 0x7f;
	d->is_woken = octet >> 7;
	octet = fk_wire_get_u8(r);
	d->step = octet & 15;
	d->keys_per_kmm = octet >> 4 & 15;
	d->attempt = fk_wire_get_u8(r);
	d->tries = fk_wire_get_u8(r);
	octet = fk_wire_get_u8(r);
	d->left = octet & 0x7f;
	d->is_living = octet >> 7;
	d->keys_held = fk_wire_get_u16(r);
	d->number = fk_wire_get_u16(r);
	d->inbound_number = fk_wire_get_u16(r);
	d->mac_key_id = fk_wire_get_u16(r);
	d->cause_detail = fk_wire_get_u16(r);
	d->date_time_s = fk_wire_get_u32(r);
	d->acked_ms = fk_wire_get_u32(r);
	mac = fk_wire_get_bytes(r, sizeof(d->mac));
	if (mac != NULL)
		memcpy(d->mac, mac, sizeof(d->mac));
}

void fk_ledger_page_encode(const struct fk_delivery deliveries[static FK_LEDGER_PAGE],
			   uint8_t ret_octets[static FK_LEDGER_PAGE_SIZE])
{
	struct fk_wire_writer w = fk_wire_writer(ret_octets, FK_LEDGER_PAGE_SIZE);

	for (uint32_t i = 0; i < FK_LEDGER_PAGE; i++)
		put_delivery(&w, &deliveries[i]);
	assert(!w.failed && fk_wire_written(&w) == FK_LEDGER_PAGE_SIZE);
}

enum fk_err fk_ledger_page_decode(const uint8_t *octets, size_t size,
				  struct fk_delivery ret_deliveries[FK_LEDGER_PAGE])
{
	struct fk_wire_reader r = fk_wire_reader(octets, size);
	struct fk_delivery page[FK_LEDGER_PAGE];

	if (size != FK_LEDGER_PAGE_SIZE)
		return FK_EFORMAT;
	for (uint32_t i = 0; i < FK_LEDGER_PAGE; i++) {
		get_delivery(&r, &page[i]);
		if (page[i].state >= FK_DELIVERY_STATES || page[i].cause >= FK_CAUSES ||
		    page[i].keys_per_kmm > FK_ORDER_KEYS_MAX ||
		    (page[i].keys_per_kmm == 0 && fk_delivery_is_under_way(&page[i])))
			return FK_EFORMAT;
	}
	memcpy(ret_deliveries, page, sizeof(page));
	return FK_OK;
}
