/* SPDX-License-Identifier: Apache-2.0 */
#include "rig.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fleetkey/ring.h>

#include "region.h"

#define TEXT_SIZE 8192

const uint8_t rig_peer_mac[6] = {2, 0, 0, 0, 0, 0x20};
const uint8_t rig_own_mac[6] = {2, 0, 0, 0, 0, 0x10};
static struct fk_crypto_scratch test_scratch; /* of the engine's self-test */

/* The port: frames are entries of rig->in and rig->out, buffers come from the heap. */

static uint32_t port_receive(void *self, struct fk_frame *ret_frames, uint32_t n)
{
	struct rig *rig = self;
	uint32_t i = 0;

	for (; i < n && rig->n_in_read < rig->n_in; i++) {
		const struct rig_frame *in = &rig->in[rig->n_in_read++];
		/* Exactly as large as the frame, so that a sanitizer sees a read past its end. */
		uint8_t *octets = malloc(in->size > 0 ? in->size : 1);

		memcpy(octets, in->octets, in->size);
		ret_frames[i] = (struct fk_frame){
			.octets = octets, .size = in->size, .cap = in->size, .handle = octets};
	}
	return i;
}

static uint32_t port_alloc(void *self, struct fk_frame *ret_frames, uint32_t n)
{
	struct rig *rig = self;

	if (rig->no_buffers)
		return 0;
	for (uint32_t i = 0; i < n; i++) {
		uint8_t *octets = malloc(RIG_FRAME_MAX);

		ret_frames[i] =
			(struct fk_frame){.octets = octets, .cap = RIG_FRAME_MAX, .handle = octets};
	}
	return n;
}

static uint32_t port_transmit(void *self, const struct fk_frame *frames, uint32_t n)
{
	struct rig *rig = self;

	if (rig->link_is_full)
		return 0;
	for (uint32_t i = 0; i < n; i++) {
		struct rig_frame *out = &rig->out[rig->n_out++];

		cr_assert_leq(rig->n_out, RIG_FRAMES_MAX);
		out->at_us = rig->now_us;
		out->size = frames[i].size;
		memcpy(out->octets, frames[i].octets, frames[i].size);
		free(frames[i].handle);
	}
	return n;
}

static void port_free(void *self, const struct fk_frame *frames, uint32_t n)
{
	(void)self;
	for (uint32_t i = 0; i < n; i++)
		free(frames[i].handle);
}

static const struct fk_port_ops port_ops = {
	.receive = port_receive,
	.alloc = port_alloc,
	.transmit = port_transmit,
	.free = port_free,
};

static size_t align(size_t size)
{
	return (size + 127) & ~(size_t)127;
}

struct fk_address rig_address(const struct rig *rig, uint32_t ipv4)
{
	static const uint8_t documentation[] = {0x20, 0x01, 0x0d, 0xb8};
	struct fk_address address = fk_address_of_ipv4(ipv4);

	if (rig->is_ipv6) {
		memset(address.octets, 0, FK_IPV4_OFFSET);
		memcpy(address.octets, documentation, sizeof(documentation));
	}
	return address;
}

static void *zeroed(size_t size)
{
	void *at = aligned_alloc(128, align(size));

	cr_assert_not_null(at);
	memset(at, 0, align(size));
	return at;
}

static uint32_t put_text(struct fk_keytable *t, const char *text)
{
	uint32_t offset = (uint32_t)t->header.text_size;

	cr_assert_leq(offset + strlen(text), TEXT_SIZE);
	memcpy((char *)t + t->header.text_offset + offset, text, strlen(text));
	t->header.text_size += strlen(text);
	return offset;
}

static void fill_ue(struct fk_keytable *t, uint32_t i)
{
	struct fk_ue_slot *ue = (struct fk_ue_slot *)((uint8_t *)t + t->header.ues_offset) + i;
	uint32_t *pages = (uint32_t *)((uint8_t *)t + t->header.rsi_pages_offset);
	char uri[64];

	memset(ue->kek, 0x40 + (int)i, sizeof(ue->kek));
	memset(ue->ptek, 0x80 + (int)i, sizeof(ue->ptek));
	ue->rsi = 1000 + i;
	snprintf(uri, sizeof(uri), "sip:ue%03u@mc.example", i);
	ue->mcdata_id_offset = put_text(t, uri);
	ue->mcdata_id_size = (uint8_t)strlen(uri);
	ue->kek_key_id = (uint16_t)(0x1000 + i);
	ue->ptek_key_id = (uint16_t)(0x2000 + i);
	ue->kek_algorithm_id = ue->ptek_algorithm_id = FK_ALGORITHM_AES_256;
	ue->mnp = 100;
	ue->mac_kind = i % 2 ? FK_MAC_CBC : FK_MAC_CMAC;
	ue->ue_generation = 5;
	pages[ue->rsi] = i + 1;
}

static void fill_campaign(struct fk_campaign_block *c)
{
	for (uint32_t i = 0; i < RIG_N_KEYS; i++) {
		memset(c->keys[i].tek, 0x77 - (int)i, sizeof(c->keys[i].tek));
		c->keys[i].sln = (uint16_t)(12 + i);
		c->keys[i].key_id = (uint16_t)(0x4242 + i);
	}
	c->n_keys = 1;
	c->algorithm_id = FK_ALGORITHM_AES_256;
	c->keyset_id = 2;
	c->answer_timeout_ms = 60000;
	memset(c->conversation_id, 0xc0, sizeof(c->conversation_id));
	atomic_store(&c->generation, RIG_GENERATION);
}

static struct fk_keytable *new_table(const struct rig *rig)
{
	size_t pages_of = sizeof(struct fk_keytable);
	size_t pages = align(pages_of + FK_RSI_PAGES * sizeof(uint32_t));
	size_t ues = align(pages + FK_RSI_PAGE * sizeof(uint32_t));
	size_t text = ues + RIG_N_UES * sizeof(struct fk_ue_slot);
	struct fk_keytable *t = zeroed(text + TEXT_SIZE);
	struct fk_keytable_header *h = &t->header;

	h->magic = FK_KEYTABLE_MAGIC;
	h->abi = FK_LINK_ABI;
	h->n_slots = RIG_N_UES;
	h->size = text + TEXT_SIZE;
	h->ues_offset = ues;
	h->text_offset = text;
	h->rsi_pages_of_offset = pages_of;
	h->rsi_pages_offset = pages;
	h->n_rsi_pages = 1;
	((uint32_t *)((uint8_t *)t + pages_of))[0] = 1;
	h->n_next_hops = 1;
	h->kmf_rsi = RIG_KMF_RSI;
	h->sip_t1_ms = 500;
	h->sip_t2_ms = 4000;
	h->kmf_uri_size = 18;
	h->kmf_uri_offset = put_text(t, "sip:kmf@mc.example");
	h->kmf_psi_size = 22;
	h->kmf_psi_offset = put_text(t, "sip:kmf-psi@mc.example");
	memset(h->token_key, 0x11, sizeof(h->token_key));
	memset(h->to_tag_key, 0x22, sizeof(h->to_tag_key));
	t->next_hops[0] = (struct fk_next_hop){
		.address = rig_address(rig, RIG_PEER_IPV4),
		.port = RIG_PEER_PORT,
		.max_datagram = 1300,
	};
	if (rig->isd_layout != NULL) {
		t->next_hops[0].carrier = FK_CARRIER_T2;
		t->next_hops[0].psi_size = 20;
		t->next_hops[0].psi_offset = put_text(t, "sip:mcptt@mc.example");
		h->isd_layout_size = (uint16_t)strlen(rig->isd_layout);
		h->isd_layout_offset = put_text(t, rig->isd_layout);
	}
	for (uint32_t i = 0; i < RIG_N_UES; i++)
		fill_ue(t, i);
	fill_campaign(&t->campaigns[RIG_CAMPAIGN_SLOT]);
	cr_assert_eq(fk_keytable_check(t, h->size), FK_OK);
	return t;
}

static struct fk_region *new_region(void)
{
	struct fk_region_header h = {
		.magic = FK_REGION_MAGIC,
		.abi = FK_LINK_ABI,
		.n_workers = 1,
		.n_slots = RIG_N_UES,
		.order_ring_stride = fk_ring_size(FK_ORDER_RING_SIZE, sizeof(struct fk_order)),
		.doorbell_ring_stride =
			fk_ring_size(FK_DOORBELL_RING_SIZE, sizeof(struct fk_doorbell)),
	};
	struct fk_region *region;

	h.control_offset = align(sizeof(h));
	h.workers_offset = h.control_offset + align(sizeof(struct fk_control_block));
	h.orders_offset = h.workers_offset + align(sizeof(struct fk_worker_block));
	h.doorbells_offset = h.orders_offset + h.order_ring_stride;
	h.states_offset = h.doorbells_offset + h.doorbell_ring_stride;
	h.size = h.states_offset + RIG_N_UES * sizeof(struct fk_ue_state);
	region = zeroed(h.size);
	region->header = h;
	fk_ring_init((struct rte_ring *)((uint8_t *)region + h.orders_offset), FK_ORDER_RING_SIZE);
	fk_ring_init((struct rte_ring *)((uint8_t *)region + h.doorbells_offset),
		     FK_DOORBELL_RING_SIZE);
	return region;
}

void rig_resolve_peer(struct rig *rig)
{
	struct fk_net_frame question = {.source = rig_address(rig, RIG_OWN_IPV4)};
	struct fk_address peer = rig_address(rig, RIG_PEER_IPV4);
	uint8_t frame[FK_ND_FRAME_SIZE];

	rig_turn(rig);
	memcpy(question.source_mac, rig_own_mac, FK_MAC_SIZE);
	if (rig->is_ipv6)
		fk_nd_build_advertisement(&question, rig_peer_mac, &peer, frame);
	else
		fk_net_build_arp(true, rig_peer_mac, RIG_PEER_IPV4, rig_own_mac, RIG_OWN_IPV4,
				 frame);
	rig_frame_in(rig, frame, rig->is_ipv6 ? FK_ND_FRAME_SIZE : FK_ARP_FRAME_SIZE);
	rig_turn(rig);
	rig->n_out_read = rig->n_out;
}

/* A new life of the dataplane on the table and region that are there. */
static void start_worker(struct rig *rig)
{
	const struct fk_host_address own = {.address = rig_address(rig, RIG_OWN_IPV4),
					    .prefix = FK_IPV4_PREFIX + 24};
	struct fk_worker_config config = {
		.sip_port = 5060,
		.worker_port = 5070,
		.port = {.ops = &port_ops, .self = rig},
	};
	char text[160];

	*(rig->is_ipv6 ? &config.host.ipv6 : &config.host.ipv4) = own;
	memcpy(config.port.mac, rig_own_mac, sizeof(rig_own_mac));
	cr_assert_eq(fk_engine_select(NULL, &test_scratch, &config.engine), FK_OK);
	cr_assert_eq(fk_worker_new(&config, &rig->worker), FK_OK);
	rig->worker->now_us = rig->now_us;
	cr_assert_eq(fk_worker_attach(rig->worker, rig->table, rig->region, ++rig->epoch, false,
				      text, sizeof(text)),
		     FK_OK, "%s", text);
	/* That it announces its addresses is test_claim.c's matter. */
	rig->worker->claim.n_left = 0;
}

static struct rig *new_rig(bool is_ipv6, const char *isd_layout)
{
	struct rig *rig = zeroed(sizeof(*rig));

	rig->is_ipv6 = is_ipv6;
	rig->isd_layout = isd_layout;
	rig->in = calloc(RIG_FRAMES_MAX, sizeof(*rig->in));
	rig->out = calloc(RIG_FRAMES_MAX, sizeof(*rig->out));
	rig->now_us = RIG_NOW_US;
	rig->table = new_table(rig);
	rig->region = new_region();
	start_worker(rig);
	atomic_store(&fk_region_control(rig->region)->lease_until_us, UINT64_MAX);
	return rig;
}

struct rig *rig_new_unresolved(void)
{
	return new_rig(false, NULL);
}

struct rig *rig_new(void)
{
	return rig_new_t2(NULL);
}

struct rig *rig_new_t2(const char *isd_layout)
{
	struct rig *rig = new_rig(false, isd_layout);

	rig_resolve_peer(rig);
	return rig;
}

struct rig *rig_new_ipv6(void)
{
	struct rig *rig = new_rig(true, NULL);

	rig_resolve_peer(rig);
	return rig;
}

void rig_kill(struct rig *rig)
{
	fk_worker_free(rig->worker);
	cr_assert_eq(fk_region_check(rig->region, rig->region->header.size, 1, RIG_N_UES), FK_OK);
	fk_region_repair(rig->region);
	start_worker(rig);
	rig_resolve_peer(rig);
}

void rig_free(struct rig *rig)
{
	fk_worker_free(rig->worker);
	free(rig->table);
	free(rig->region);
	free(rig->in);
	free(rig->out);
	free(rig);
}

void rig_turn(struct rig *rig)
{
	for (uint32_t i = 0; i < 1000; i++) {
		if (fk_worker_poll(rig->worker, rig->now_us) == 0)
			return;
	}
	cr_assert_fail("the worker does not come to rest");
}

void rig_pass_ms(struct rig *rig, uint32_t ms)
{
	for (uint32_t i = 0; i < ms; i++) {
		rig->now_us += 1000;
		rig_turn(rig);
	}
}

struct fk_ue_state rig_state(struct rig *rig, uint32_t ue_index)
{
	struct fk_ue_state state;

	cr_assert(fk_ue_state_read(&fk_region_states(rig->region)[ue_index], &state));
	return state;
}

uint64_t rig_count(struct rig *rig, enum fk_counter counter)
{
	return atomic_load(&fk_region_worker(rig->region, 0)->counters[counter]);
}

uint64_t rig_n_drops(struct rig *rig)
{
	static const enum fk_counter good[] = {
		FK_COUNTER_RX_FRAMES,	     FK_COUNTER_RX_ARP,
		FK_COUNTER_RX_ICMP,	     FK_COUNTER_RX_RESPONSES,
		FK_COUNTER_RX_REQUESTS,	     FK_COUNTER_RX_RESPONSE_PROVISIONAL,
		FK_COUNTER_RX_NOTIFICATIONS, FK_COUNTER_RX_ACKS,
		FK_COUNTER_RX_OPTIONS,	     FK_COUNTER_RX_ND,
		FK_COUNTER_RX_BY_SHAPE,
	};
	uint64_t n = 0;

	for (int c = FK_COUNTER_RX_FRAMES; c < FK_COUNTERS; c++)
		n += rig_count(rig, (enum fk_counter)c);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		n -= rig_count(rig, good[i]);
	return n;
}

uint32_t rig_n_doorbells(struct rig *rig)
{
	return fk_ring_count(rig->worker->doorbells);
}

struct fk_order rig_order(uint32_t ue_index, uint8_t step, uint8_t attempt)
{
	const struct fk_token token = {
		.campaign_slot = RIG_CAMPAIGN_SLOT,
		.campaign_generation = RIG_GENERATION,
		.step = step,
		.ue_index = ue_index,
		.ue_generation = 5,
		.attempt = attempt,
	};

	return (struct fk_order){
		.token = fk_token_pack(&token),
		.date_time_s = 1700000000,
		.message_number = (uint16_t)(500 + 10 * step + attempt),
		.kind = step == 0 ? FK_ORDER_REKEY : FK_ORDER_INVENTORY,
		.mac_key = step == 0 ? FK_MAC_KEY_PTEK : FK_MAC_KEY_CAMPAIGN_TEK,
		.n_keys = step == 0 ? 1 : 0,
	};
}

void rig_push(struct rig *rig, const struct fk_order *order)
{
	cr_assert_eq(fk_ring_push(rig->worker->orders, order, sizeof(*order), 1), 1);
}
