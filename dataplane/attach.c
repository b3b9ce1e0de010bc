/* SPDX-License-Identifier: Apache-2.0 */
#include "worker.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <fleetkey/bulk.h>
#include <fleetkey/ring.h>
#include <fleetkey/secret.h>

#include "hop.h"
#include "send.h"
#include "wire/address.h"

#define PAGE_SIZE 4096u /* octets of the smallest */

/* Texts of one next hop's template, NUL-terminated. */
struct hop_texts {
	char sent_by[FK_HOST_TEXT_SIZE], route_host[FK_HOST_TEXT_SIZE];
	char psi[FK_URI_SIZE_MAX + 1], kmf_uri[FK_URI_SIZE_MAX + 1], kmf_psi[FK_URI_SIZE_MAX + 1];
};

/* fk_keytable_check() has seen that the text is inside and not too long. */
static void copy_text(const struct fk_keytable *table, uint32_t offset, uint16_t size,
		      char text[static FK_URI_SIZE_MAX + 1])
{
	memcpy(text, fk_keytable_text(table) + offset, size);
	text[size] = '\0';
}

static enum fk_err build_template(struct fk_worker *w, uint32_t hop_index)
{
	const struct fk_keytable_header *h = &w->table->header;
	const struct fk_next_hop *hop = &w->table->next_hops[hop_index];
	const struct fk_net_path *path = &w->paths[hop_index];
	struct hop_texts texts;
	const struct fk_sip_template_spec spec = {
		.carrier = hop->carrier,
		.profile = hop->profile,
		.sent_by = texts.sent_by,
		.route_host = hop->route ? texts.route_host : NULL,
		.psi = texts.psi,
		.kmf_uri = texts.kmf_uri,
		.kmf_psi = texts.kmf_psi,
		.isd_layout = w->has_isd_layout ? &w->isd_layout : NULL,
		.disposition_request = FK_SDS_REQUEST_DELIVERY,
		.extended_app_id_type = h->extended_app_id_type,
		.extended_app_id = (const uint8_t *)w->text + h->extended_app_id_offset,
		.extended_app_id_size = h->extended_app_id_size,
	};

	fk_address_format_host(&path->source, path->source_port, texts.sent_by);
	fk_address_format_host(&hop->address, hop->port, texts.route_host);
	copy_text(w->table, hop->psi_offset, hop->psi_size, texts.psi);
	copy_text(w->table, h->kmf_uri_offset, h->kmf_uri_size, texts.kmf_uri);
	copy_text(w->table, h->kmf_psi_offset, h->kmf_psi_size, texts.kmf_psi);
	return fk_sip_template_build(&spec, &w->templates[hop_index]);
}

/* How datagrams get to a next hop; false if we have no address of its family. */
static bool prepare_path(struct fk_worker *w, uint32_t hop_index)
{
	const struct fk_next_hop *hop = &w->table->next_hops[hop_index];
	const struct fk_address *source = fk_host_source(&w->config.host, &hop->address);
	struct fk_address neighbour;

	if (source == NULL)
		return false;
	w->paths[hop_index] =
		fk_net_path_make(source, &hop->address, w->config.worker_port, hop->port);
	memcpy(w->paths[hop_index].source_mac, w->config.port.mac, FK_MAC_SIZE);
	neighbour = fk_host_neighbour(&w->config.host, &hop->address);
	w->neigh_of_hop[hop_index] = fk_neigh_add(&w->neigh, &neighbour);
	return true;
}

static enum fk_err prepare_hops(struct fk_worker *w, char *ret_text, size_t text_size)
{
	fk_neigh_init(&w->neigh);
	for (uint32_t i = 0; i < w->table->header.n_next_hops; i++) {
		char address[FK_ADDRESS_TEXT_SIZE];
		enum fk_err err;

		if (!prepare_path(w, i)) {
			bool is_ipv4 = fk_address_is_ipv4(&w->table->next_hops[i].address);

			fk_address_format(&w->table->next_hops[i].address, address);
			snprintf(ret_text, text_size,
				 "next hop %u has the address %s and the dataplane has no %s "
				 "address: give it %s",
				 i, address, is_ipv4 ? "IPv4" : "IPv6", is_ipv4 ? "--ip" : "--ip6");
			return FK_EINVAL;
		}
		err = build_template(w, i);
		if (err != FK_OK) {
			snprintf(ret_text, text_size,
				 "next hop %u: no SIP message can be made of its texts: %s", i,
				 fk_err_text(err));
			return err;
		}
	}
	return FK_OK;
}

/* Control has read the same text; what it handed on is not trusted all the same. */
static enum fk_err read_isd_layout(struct fk_worker *w, char *ret_text, size_t text_size)
{
	const struct fk_keytable_header *h = &w->table->header;
	struct fk_isd_error error;
	enum fk_err err;

	w->has_isd_layout = h->isd_layout_size > 0;
	if (!w->has_isd_layout)
		return FK_OK;
	err = fk_isd_layout_parse(w->text + h->isd_layout_offset, h->isd_layout_size,
				  &w->isd_layout, &error);
	if (err != FK_OK)
		snprintf(ret_text, text_size,
			 "layout of Interworking Security Data, line %zu: %s: %s", error.offset,
			 error.field, error.reason);
	return err;
}

/* Where the rings and blocks of this worker stand in the region. */
static void find_blocks(struct fk_worker *w, struct fk_region *region)
{
	const struct fk_region_header *h = &region->header;
	uint8_t *base = (uint8_t *)region;
	uint32_t i = w->config.index;

	w->states = fk_region_states(region);
	w->control = fk_region_control(region);
	w->block = fk_region_worker(region, i);
	w->orders = (struct rte_ring *)(base + h->orders_offset + i * h->order_ring_stride);
	w->doorbells =
		(struct rte_ring *)(base + h->doorbells_offset + i * h->doorbell_ring_stride);
}

/* What control had ordered before it died is what the next control may think never happened. */
static void discard_orders(struct fk_worker *w)
{
	struct fk_order orders[FK_WORKER_BURST];
	uint32_t n;

	while ((n = fk_ring_pop(w->orders, orders, sizeof(orders[0]), FK_WORKER_BURST)) > 0)
		fk_worker_add(w, FK_COUNTER_ORDER_DISCARDED, n);
	for (uint32_t i = 0; i < w->n_slots && w->txns != NULL; i++) {
		if (w->txns[i].phase != FK_TXN_QUEUED)
			continue;
		fk_worker_close(w, &w->txns[i]);
		fk_worker_count(w, FK_COUNTER_ORDER_DISCARDED);
	}
}

static enum fk_err resize_txns(struct fk_worker *w, uint32_t n_slots)
{
	void *txns;

	if (w->txns != NULL)
		munmap(w->txns, (size_t)w->n_slots * sizeof(*w->txns));
	w->txns = NULL;
	w->n_slots = 0;
	w->n_open = 0;
	w->slots_waiting = 0;
	for (uint32_t i = 0; i < FK_CAMPAIGN_SLOTS; i++) {
		fk_list_init(&w->queues[i].repeats);
		fk_list_init(&w->queues[i].fresh);
	}
	fk_wheel_init(&w->wheel, w->now_us);
	if (n_slots == 0)
		return FK_OK;
	txns = mmap(NULL, (size_t)n_slots * sizeof(*w->txns), PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (txns == MAP_FAILED)
		return FK_ENOMEM;
	w->txns = fk_bulk_hint(txns, (uint64_t)n_slots * sizeof(*w->txns));
	w->n_slots = n_slots;
	return FK_OK;
}

/*
 * Touches each page that the fleet's records stand in, as they are used later: read, or written
 * where this worker is the only writer. The first touch of a page costs as much as a dozen
 * exchanges do, and in a campaign it would be in their way.
 */
static void touch_pages(struct fk_worker *w)
{
	const volatile uint8_t *table = (const volatile uint8_t *)w->table;

	for (uint64_t at = 0; at < w->table->header.size; at += PAGE_SIZE)
		(void)table[at];
	for (uint32_t i = 0; i < w->n_slots; i += PAGE_SIZE / sizeof(*w->states))
		atomic_fetch_or_explicit(&w->states[i].seq, 0, memory_order_relaxed);
	for (uint32_t i = 0; i < w->n_slots; i += PAGE_SIZE / sizeof(*w->txns))
		*(volatile uint64_t *)&w->txns[i].token = w->txns[i].token;
}

enum fk_err fk_worker_attach(struct fk_worker *worker, const struct fk_keytable *table,
			     struct fk_region *region, uint32_t epoch, bool same_region,
			     char *ret_text, size_t text_size)
{
	const struct fk_keytable_header *h = &table->header;
	enum fk_err err;

	worker->table = table;
	worker->ues = fk_keytable_ues(table);
	worker->text = fk_keytable_text(table);
	worker->epoch = epoch;
	worker->t1_us = h->sip_t1_ms * 1000u;
	worker->t2_us = h->sip_t2_ms * 1000u;
	find_blocks(worker, region);
	fk_token_key_init(&worker->secrets->token_key, worker->config.engine,
			  &worker->secrets->scratch, h->token_key);
	err = read_isd_layout(worker, ret_text, text_size);
	if (err == FK_OK)
		err = prepare_hops(worker, ret_text, text_size);
	if (err == FK_OK && (!same_region || worker->n_slots != h->n_slots)) {
		err = resize_txns(worker, h->n_slots);
		if (err != FK_OK)
			snprintf(ret_text, text_size, "no memory for %u transactions", h->n_slots);
	}
	if (err != FK_OK) {
		fk_worker_detach(worker);
		return err;
	}
	fk_send_publish_sizes(worker);
	for (uint32_t i = 0; i < FK_CAMPAIGN_SLOTS; i++)
		worker->queues[i].generation = 0; /* the pace is read again */
	discard_orders(worker);
	touch_pages(worker);
	fk_hops_begin(worker);
	fk_claim_begin(&worker->claim);
	return FK_OK;
}

void fk_worker_detach(struct fk_worker *worker)
{
	worker->table = NULL;
	worker->ues = NULL;
	worker->text = NULL;
	worker->states = NULL;
	worker->control = NULL;
	worker->block = NULL;
	worker->orders = worker->doorbells = NULL;
	fk_token_key_wipe(&worker->secrets->token_key);
	fk_wipe(&worker->secrets->scratch, sizeof(worker->secrets->scratch));
}
