/* SPDX-License-Identifier: Apache-2.0 */
#include <fleetkey/keytable.h>

#include <fleetkey/isd_layout.h>
#include <fleetkey/kmm.h>
#include <fleetkey/link.h>

static bool area_fits(uint64_t offset, uint64_t size, uint64_t align, uint64_t total)
{
	return offset % align == 0 && offset >= sizeof(struct fk_keytable) && offset <= total &&
	       size <= total - offset;
}

static bool text_fits(const struct fk_keytable_header *h, uint64_t offset, uint64_t size)
{
	return size <= FK_URI_SIZE_MAX && offset <= h->text_size && size <= h->text_size - offset;
}

static bool areas_fit(const struct fk_keytable_header *h)
{
	uint64_t page_octets = FK_RSI_PAGE * sizeof(uint32_t);

	return area_fits(h->ues_offset, (uint64_t)h->n_slots * sizeof(struct fk_ue_slot), 64,
			 h->size) &&
	       area_fits(h->text_offset, h->text_size, 1, h->size) &&
	       area_fits(h->rsi_pages_of_offset, FK_RSI_PAGES * sizeof(uint32_t), 4, h->size) &&
	       h->n_rsi_pages <= FK_RSI_PAGES &&
	       area_fits(h->rsi_pages_offset, h->n_rsi_pages * page_octets, 4, h->size);
}

static bool header_texts_fit(const struct fk_keytable_header *h)
{
	return text_fits(h, h->extended_app_id_offset, h->extended_app_id_size) &&
	       text_fits(h, h->kmf_uri_offset, h->kmf_uri_size) &&
	       text_fits(h, h->kmf_psi_offset, h->kmf_psi_size) &&
	       h->isd_layout_size <= FK_ISD_LAYOUT_SIZE_MAX &&
	       h->isd_layout_offset <= h->text_size &&
	       h->isd_layout_size <= h->text_size - h->isd_layout_offset;
}

static bool next_hops_fit(const struct fk_keytable *t)
{
	if (t->header.n_next_hops > FK_NEXT_HOPS_MAX)
		return false;
	for (uint32_t i = 0; i < t->header.n_next_hops; i++) {
		const struct fk_next_hop *hop = &t->next_hops[i];

		if (hop->profile > FK_PROFILE_B || hop->carrier > FK_CARRIER_T2 ||
		    !fk_address_is_routable(&hop->address) || hop->port == 0 ||
		    !text_fits(&t->header, hop->psi_offset, hop->psi_size))
			return false;
	}
	return true;
}

static bool ues_fit(const struct fk_keytable *t)
{
	const struct fk_ue_slot *ues = fk_keytable_ues(t);

	for (uint32_t i = 0; i < t->header.n_slots; i++) {
		const struct fk_ue_slot *ue = &ues[i];

		if (ue->rsi == 0)
			continue;
		if (ue->rsi > FK_RSI_UNIT_MAX || ue->next_hop >= t->header.n_next_hops ||
		    ue->mac_kind > FK_MAC_CMAC || ue->mcdata_id_size == 0 ||
		    !text_fits(&t->header, ue->mcdata_id_offset, ue->mcdata_id_size))
			return false;
	}
	return true;
}

enum fk_err fk_keytable_check(const struct fk_keytable *t, uint64_t mapped_size)
{
	const struct fk_keytable_header *h = &t->header;

	if (mapped_size < sizeof(*t))
		return FK_EFORMAT;
	if (h->magic != FK_KEYTABLE_MAGIC || h->abi != FK_LINK_ABI)
		return FK_EABI;
	if (h->size < sizeof(*t) || h->size > mapped_size || h->n_slots > FK_UE_INDEX_MAX + 1u)
		return FK_EFORMAT;
	if (h->sip_t1_ms == 0 || h->sip_t2_ms < h->sip_t1_ms)
		return FK_EFORMAT;
	if (!areas_fit(h) || !header_texts_fit(h) || !next_hops_fit(t) || !ues_fit(t))
		return FK_EFORMAT;
	return FK_OK;
}
