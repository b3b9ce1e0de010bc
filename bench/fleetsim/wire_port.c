/* SPDX-License-Identifier: Apache-2.0 */
/* wire_port.c - see wire_port.h. */
#include <stdio.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "wire/nd.h"
#include "wire_port.h"

#define POOL_SIZE	 32767 /* mbufs: both rings, what waits each way, and a reserve */
#define POOL_CACHE	 128
#define RING_SIZE	 4096 /* or what the device has, if that is less */
#define DEAD_PEER_MS	 100  /* no room for so long: what waits is dropped */
#define CACHE_LINE	 64
#define FRAMES_AHEAD	 3  /* frames looked at while the octets of another are on their way */
#define INDEX_AHEAD	 8  /* requests dealt with while the place in the index is on its way ... */
#define UE_AHEAD	 3  /* ... and while the UE that stands there is */
#define OVERTAKEN_MS	 20 /* then it goes on, even if nothing has overtaken it */
#define HOSTILE_TRIES	 2000 /* a hostile datagram waits this long for room in the ring ... */
#define HOSTILE_PAUSE_US 50   /* ... times this */

static enum fk_err complain(const char *step, int error)
{
	fprintf(stderr, "fleetsim: port: %s failed: %s\n", step, rte_strerror(-error));
	return FK_EIO;
}

static enum fk_err configure(struct fk_wire_port *port)
{
	struct rte_eth_conf conf = {0};
	struct rte_eth_dev_info info;
	struct rte_ether_addr mac;
	uint16_t n_rx = RING_SIZE, n_tx = RING_SIZE;
	int socket = rte_eth_dev_socket_id(port->port_id), error;

	error = rte_eth_dev_info_get(port->port_id, &info);
	if (error != 0)
		return complain("reading the device's abilities", error);
	conf.intr_conf.lsc = (*info.dev_flags & RTE_ETH_DEV_INTR_LSC) != 0;
	error = rte_eth_dev_configure(port->port_id, 1, 1, &conf);
	if (error == 0)
		error = rte_eth_dev_adjust_nb_rx_tx_desc(port->port_id, &n_rx, &n_tx);
	if (error == 0)
		error = rte_eth_rx_queue_setup(port->port_id, 0, n_rx, (unsigned)socket, NULL,
					       port->pool);
	if (error == 0)
		error = rte_eth_tx_queue_setup(port->port_id, 0, n_tx, (unsigned)socket, NULL);
	if (error != 0)
		return complain("configuring", error);
	error = rte_eth_dev_start(port->port_id);
	if (error != 0)
		return complain("starting", error);
	(void)rte_eth_promiscuous_enable(port->port_id); /* not every driver can, none needs it */
	error = rte_eth_macaddr_get(port->port_id, &mac);
	if (error != 0)
		return complain("reading the MAC address", error);
	memcpy(port->mac, mac.addr_bytes, FK_MAC_SIZE);
	return FK_OK;
}

enum fk_err fk_wire_port_start(struct fk_wire_port *port, const struct fk_wire_port_spec *spec)
{
	memset(port, 0, sizeof(*port));
	port->address = spec->address;
	fk_weather_init(&port->weather, &spec->weather);
	port->counts = spec->counts;
	port->capture = spec->capture;
	port->port_id = (uint16_t)rte_eth_find_next(0);
	if (port->port_id >= RTE_MAX_ETHPORTS)
		return FK_ENOTFOUND;
	/* Last in, first out: what was used last is still in the cache. */
	port->pool = rte_pktmbuf_pool_create_by_ops("fleetsim", POOL_SIZE, POOL_CACHE, 0,
						    RTE_MBUF_DEFAULT_BUF_SIZE, (int)rte_socket_id(),
						    "stack");
	if (port->pool == NULL)
		return FK_ENOMEM;
	return configure(port);
}

static void drop_pending(struct fk_wire_port *port)
{
	port->counts->count[FK_SIM_TX_FULL] += port->n_pending;
	rte_pktmbuf_free_bulk(port->pending, port->n_pending);
	port->n_pending = 0;
}

static void drop_held(struct fk_wire_way *way)
{
	struct rte_mbuf *m;

	while ((m = fk_held_pop(&way->held, UINT64_MAX)) != NULL)
		rte_pktmbuf_free(m);
	rte_pktmbuf_free(way->overtaken); /* NULL does nothing */
	way->overtaken = NULL;
}

void fk_wire_port_stop(struct fk_wire_port *port)
{
	fk_wire_port_flush(port);
	drop_pending(port);
	drop_held(&port->ways[FK_WAY_RX]);
	drop_held(&port->ways[FK_WAY_TX]);
	while (port->n_waiting > 0)
		rte_pktmbuf_free(port->waiting[(port->first_waiting + --port->n_waiting) %
					       FK_WIRE_RX_WAITING]
					 .m);
	(void)rte_eth_dev_stop(port->port_id); /* the process ends anyway */
	(void)rte_eth_dev_close(port->port_id);
}

static void learn(struct fk_wire_port *port, const struct fk_address *address,
		  const uint8_t mac[static FK_MAC_SIZE])
{
	struct fk_wire_peer *peer = NULL;

	for (uint32_t i = 0; i < port->n_peers && peer == NULL; i++)
		if (fk_address_equal(&port->peers[i].address, address))
			peer = &port->peers[i];
	if (peer == NULL && port->n_peers < FK_WIRE_PEERS) {
		peer = &port->peers[port->n_peers++];
	} else if (peer == NULL) {
		peer = &port->peers[port->next_peer];
		port->next_peer = (port->next_peer + 1) % FK_WIRE_PEERS;
	}
	peer->address = *address;
	memcpy(peer->mac, mac, FK_MAC_SIZE);
}

static const uint8_t *find_mac(const struct fk_wire_port *port, const struct fk_address *address)
{
	for (uint32_t i = 0; i < port->n_peers; i++)
		if (fk_address_equal(&port->peers[i].address, address))
			return port->peers[i].mac;
	return NULL;
}

/* A slow peer is waited for: its ring is full for microseconds. A dead one never makes room. */
static void transmit(struct fk_wire_port *port)
{
	uint64_t now = rte_rdtsc();
	uint16_t n_sent;

	if (port->n_pending == 0)
		return;
	n_sent = rte_eth_tx_burst(port->port_id, 0, port->pending, port->n_pending);
	if (n_sent > 0) {
		port->n_pending = (uint16_t)(port->n_pending - n_sent);
		memmove(port->pending, port->pending + n_sent,
			port->n_pending * sizeof(port->pending[0]));
		port->progress_at_cycles = now;
	} else if (now - port->progress_at_cycles > rte_get_tsc_hz() / 1000 * DEAD_PEER_MS) {
		drop_pending(port);
		port->progress_at_cycles = now;
	}
}

static void enqueue(struct fk_wire_port *port, struct rte_mbuf *m)
{
	if (port->n_pending == FK_WIRE_TX_PENDING)
		transmit(port);
	if (port->n_pending == FK_WIRE_TX_PENDING) {
		port->counts->count[FK_SIM_TX_FULL]++;
		rte_pktmbuf_free(m);
		return;
	}
	if (port->n_pending == 0)
		port->progress_at_cycles = rte_rdtsc();
	port->pending[port->n_pending++] = m;
}

static void send_arp_reply(struct fk_wire_port *port, const struct fk_net_frame *request)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(port->pool);

	if (m == NULL)
		return; /* whoever asked asks again */
	fk_net_build_arp(true, port->mac, fk_address_ipv4(&port->address), request->source_mac,
			 fk_address_ipv4(&request->source),
			 (uint8_t *)rte_pktmbuf_append(m, FK_ARP_FRAME_SIZE));
	enqueue(port, m);
}

static void answer_solicitation(struct fk_wire_port *port, const struct fk_net_frame *frame)
{
	struct rte_mbuf *m;
	struct fk_nd nd;

	if (fk_nd_parse(frame, &nd) != FK_OK || !fk_address_equal(&nd.target, &port->address))
		return;
	if (fk_address_is_set(&frame->source))
		learn(port, &frame->source, frame->source_mac);
	m = rte_pktmbuf_alloc(port->pool);
	if (m == NULL)
		return;
	fk_nd_build_advertisement(frame, port->mac, &port->address,
				  (uint8_t *)rte_pktmbuf_append(m, FK_ND_FRAME_SIZE));
	enqueue(port, m);
}

/* A response frees something; anything else makes up to three datagrams. */
static bool is_response(const struct fk_net_frame *frame)
{
	return frame->payload_size >= 4 && memcmp(frame->payload, "SIP/", 4) == 0;
}

/* A datagram that has arrived: a request waits its turn. Takes the mbuf over. */
static void admit(struct fk_wire_port *port, struct rte_mbuf *m, const struct fk_net_frame *frame,
		  const struct fk_wire_receiver *receiver)
{
	if (is_response(frame)) {
		receiver->deliver(receiver->arg, frame);
	} else if (port->n_waiting < FK_WIRE_RX_WAITING) {
		port->waiting[(port->first_waiting + port->n_waiting++) % FK_WIRE_RX_WAITING] =
			(struct fk_wire_waiting){
				.m = m,
				.frame = *frame,
				.hint = receiver->guess(receiver->arg, frame),
			};
		return;
	} else {
		port->counts->count[FK_SIM_RX_FULL]++;
	}
	rte_pktmbuf_free(m);
}

/* Sends for the octets of a frame: the other side wrote them, they are in no cache of ours. */
static void prefetch_frame(const struct rte_mbuf *m)
{
	const char *octets = rte_pktmbuf_mtod(m, const char *);

	for (uint16_t offset = 0; offset < rte_pktmbuf_data_len(m); offset += CACHE_LINE)
		__builtin_prefetch(octets + offset);
}

/* The waiting request that comes 'ahead' after the next, or NULL. */
static const struct fk_wire_waiting *waiting_at(const struct fk_wire_port *port, uint32_t ahead)
{
	return ahead < port->n_waiting
		       ? &port->waiting[(port->first_waiting + ahead) % FK_WIRE_RX_WAITING]
		       : NULL;
}

/* What requests need that are dealt with soon: frame and place in the index first, then the UE. */
static void prepare_waiting(const struct fk_wire_port *port,
			    const struct fk_wire_receiver *receiver)
{
	const struct fk_wire_waiting *later = waiting_at(port, INDEX_AHEAD);
	const struct fk_wire_waiting *soon = waiting_at(port, UE_AHEAD);

	if (later != NULL) {
		prefetch_frame(later->m);
		receiver->expect(receiver->arg, later->hint);
	}
	if (soon != NULL)
		receiver->prepare(receiver->arg, soon->hint);
}

bool fk_wire_port_has_room(void *arg)
{
	const struct fk_wire_port *port = arg;

	return port->n_pending <= FK_WIRE_TX_PENDING / 2;
}

/* Delivers one burst of requests, as far as there is room for what they make. */
static void deliver_waiting(struct fk_wire_port *port, const struct fk_wire_receiver *receiver)
{
	for (uint32_t i = 0;
	     i < FK_WIRE_BURST && port->n_waiting > 0 && fk_wire_port_has_room(port); i++) {
		const struct fk_wire_waiting *next = &port->waiting[port->first_waiting];

		prepare_waiting(port, receiver);
		port->first_waiting = (port->first_waiting + 1) % FK_WIRE_RX_WAITING;
		port->n_waiting--;
		receiver->deliver(receiver->arg, &next->frame);
		rte_pktmbuf_free(next->m);
	}
}

/* What a datagram meets at the end of its way. Takes the mbuf over. */
static void arrive(struct fk_wire_port *port, enum fk_way way, struct rte_mbuf *m,
		   const struct fk_wire_receiver *receiver)
{
	struct fk_net_frame frame;

	if (way == FK_WAY_TX)
		enqueue(port, m);
	else if (fk_net_parse(rte_pktmbuf_mtod(m, uint8_t *), rte_pktmbuf_data_len(m), &frame) ==
		 FK_OK) /* as it was when it came */
		admit(port, m, &frame, receiver);
	else
		rte_pktmbuf_free(m);
}

/* Sends a datagram on, at once or later. Takes the mbuf over. */
static void pass(struct fk_wire_port *port, enum fk_way way, struct rte_mbuf *m, uint32_t delay_ms,
		 const struct fk_wire_receiver *receiver)
{
	if (delay_ms > 0 && fk_held_push(&port->ways[way].held, m, port->now_ms + delay_ms)) {
		port->counts->count[FK_SIM_DELAYED_RX + way]++;
		return;
	}
	port->counts->count[FK_SIM_NOT_HELD] += delay_ms > 0;
	arrive(port, way, m, receiver);
}

static void pass_overtaken(struct fk_wire_port *port, enum fk_way way,
			   const struct fk_wire_receiver *receiver)
{
	struct rte_mbuf *m = port->ways[way].overtaken;

	if (m == NULL)
		return;
	port->ways[way].overtaken = NULL;
	pass(port, way, m, port->weather.spec.delay_ms[way], receiver);
}

/* A datagram that is not lost sets out. Takes the mbuf over. */
static void set_out(struct fk_wire_port *port, enum fk_way way, struct rte_mbuf *m,
		    const struct fk_fate *fate, const struct fk_wire_receiver *receiver)
{
	struct fk_wire_way *w = &port->ways[way];
	struct rte_mbuf *copy = NULL;

	if (fate->is_repeated)
		copy = rte_pktmbuf_copy(m, port->pool, 0, UINT32_MAX);
	if (fate->is_overtaken && w->overtaken == NULL) {
		port->counts->count[FK_SIM_OVERTAKEN_RX + way]++;
		w->overtaken = m;
		w->overtaken_until_ms = port->now_ms + OVERTAKEN_MS;
	} else {
		pass(port, way, m, fate->delay_ms, receiver);
		pass_overtaken(port, way, receiver);
	}
	if (copy != NULL) { /* without memory there is no second one */
		port->counts->count[FK_SIM_REPEATED_RX + way]++;
		pass(port, way, copy, fate->repeat_delay_ms, receiver);
	}
}

/* Lets go of what has waited long enough. */
static void release(struct fk_wire_port *port, enum fk_way way,
		    const struct fk_wire_receiver *receiver)
{
	struct rte_mbuf *m;

	if (port->weather.is_fine)
		return;
	if (port->now_ms >= port->ways[way].overtaken_until_ms)
		pass_overtaken(port, way, receiver);
	while ((m = fk_held_pop(&port->ways[way].held, port->now_ms)) != NULL)
		arrive(port, way, m, receiver);
}

void fk_wire_port_flush(struct fk_wire_port *port)
{
	release(port, FK_WAY_TX, NULL);
	transmit(port);
}

/* A datagram for us: counted, and given its weather. Takes the mbuf over. */
static void receive_udp(struct fk_wire_port *port, struct rte_mbuf *m,
			const struct fk_net_frame *frame, const struct fk_wire_receiver *receiver)
{
	struct fk_fate fate;

	port->counts->count[FK_SIM_RX]++;
	fk_sim_capture_put(port->capture, rte_pktmbuf_mtod(m, uint8_t *), rte_pktmbuf_data_len(m));
	if (port->weather.is_fine) {
		admit(port, m, frame, receiver);
		return;
	}
	fate = fk_weather_draw(&port->weather, FK_WAY_RX);
	if (fate.is_lost) {
		port->counts->count[FK_SIM_LOST_RX]++;
		rte_pktmbuf_free(m);
		return;
	}
	set_out(port, FK_WAY_RX, m, &fate, receiver);
}

/* Takes the frame over. */
static void receive_frame(struct fk_wire_port *port, struct rte_mbuf *m,
			  const struct fk_wire_receiver *receiver)
{
	struct fk_sim_counts *counts = port->counts;
	uint8_t *octets = rte_pktmbuf_mtod(m, uint8_t *);
	struct fk_net_frame frame;

	if (!rte_pktmbuf_is_contiguous(m) ||
	    fk_net_parse(octets, rte_pktmbuf_data_len(m), &frame) != FK_OK) {
		counts->count[FK_SIM_BAD_FRAME]++;
		rte_pktmbuf_free(m);
		return;
	}
	if (frame.kind == FK_NET_SOLICITATION) { /* to a group */
		counts->count[FK_SIM_ND]++;
		answer_solicitation(port, &frame);
		rte_pktmbuf_free(m);
		return;
	}
	/* Whoever speaks of itself is believed, whomever it asks. spec: RFC 826 */
	if (frame.kind == FK_NET_ARP_REQUEST || frame.kind == FK_NET_ARP_REPLY)
		learn(port, &frame.source, frame.source_mac);
	if (frame.kind == FK_NET_OTHER || frame.kind == FK_NET_FRAGMENT ||
	    frame.kind == FK_NET_EXTENSION || frame.kind == FK_NET_ADVERTISEMENT ||
	    !fk_address_equal(&frame.destination, &port->address)) {
		counts->count[FK_SIM_NOT_OURS]++;
		rte_pktmbuf_free(m);
		return;
	}
	learn(port, &frame.source, frame.source_mac);
	if (frame.kind == FK_NET_UDP) {
		receive_udp(port, m, &frame, receiver);
	} else if (frame.kind == FK_NET_ICMP_ECHO) {
		counts->count[FK_SIM_ICMP]++;
		fk_net_turn_echo(octets, rte_pktmbuf_data_len(m), port->mac);
		enqueue(port, m);
	} else {
		counts->count[FK_SIM_ARP]++;
		if (frame.kind == FK_NET_ARP_REQUEST)
			send_arp_reply(port, &frame);
		rte_pktmbuf_free(m);
	}
}

uint32_t fk_wire_port_receive(struct fk_wire_port *port, const struct fk_wire_receiver *receiver)
{
	struct rte_mbuf *mbufs[FK_WIRE_BURST];
	uint32_t n_taken = 0;
	uint16_t n;

	/* Requests cost the fleet far more than responses, and far more than they cost the KMF. If
	 * they stood in the ring they would crowd out the KMF's responses, and both sides would
	 * repeat: so the ring is emptied first. */
	do {
		n = rte_eth_rx_burst(port->port_id, 0, mbufs, FK_WIRE_BURST);
		for (uint16_t i = 0; i < n && i < FRAMES_AHEAD; i++)
			prefetch_frame(mbufs[i]);
		for (uint16_t i = 0; i < n; i++) {
			if (i + FRAMES_AHEAD < n)
				prefetch_frame(mbufs[i + FRAMES_AHEAD]);
			receive_frame(port, mbufs[i], receiver);
		}
		n_taken += n;
	} while (n == FK_WIRE_BURST && n_taken < FK_WIRE_DRAIN_MAX);
	release(port, FK_WAY_RX, receiver);
	deliver_waiting(port, receiver);
	return n_taken + port->n_waiting;
}

/* Writes the frame into a new mbuf; NULL if there is none or the peer's MAC is unknown. */
static struct rte_mbuf *build(struct fk_wire_port *port, const struct fk_datagram *d)
{
	const uint8_t *mac = find_mac(port, &d->destination);
	struct fk_net_path path =
		fk_net_path_make(&d->source, &d->destination, d->source_port, d->destination_port);
	struct rte_mbuf *m;
	uint8_t *frame;

	if (mac == NULL) {
		port->counts->count[FK_SIM_NO_ROUTE]++;
		return NULL;
	}
	m = rte_pktmbuf_alloc(port->pool);
	if (m == NULL) {
		port->counts->count[FK_SIM_TX_FULL]++;
		return NULL;
	}
	memcpy(path.source_mac, port->mac, FK_MAC_SIZE);
	memcpy(path.destination_mac, mac, FK_MAC_SIZE);
	frame = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)(path.overhead + d->size));
	memcpy(frame + path.overhead, d->payload, d->size);
	(void)fk_net_finish_udp(&path, frame, d->size, port->ip_id++);
	return m;
}

/* Hands one frame to the port and waits for room: hostile datagrams are counted one by one. */
static bool send_now(struct fk_wire_port *port, struct rte_mbuf *m)
{
	for (uint32_t i = 0; i < HOSTILE_TRIES; i++) {
		transmit(port); /* what was queued before leaves before */
		if (port->n_pending == 0 && rte_eth_tx_burst(port->port_id, 0, &m, 1) == 1)
			return true;
		rte_delay_us_sleep(HOSTILE_PAUSE_US);
	}
	port->counts->count[FK_SIM_TX_FULL]++;
	rte_pktmbuf_free(m);
	return false;
}

bool fk_wire_port_send(void *arg, const struct fk_datagram *datagram)
{
	struct fk_wire_port *port = arg;
	struct fk_fate fate = {0};
	struct rte_mbuf *m;

	if (!port->weather.is_fine && !datagram->is_hostile)
		fate = fk_weather_draw(&port->weather, FK_WAY_TX);
	if (fate.is_lost) {
		port->counts->count[FK_SIM_TX]++;
		port->counts->count[FK_SIM_LOST_TX]++;
		return true;
	}
	m = build(port, datagram);
	if (m == NULL)
		return false;
	port->counts->count[FK_SIM_TX]++;
	if (datagram->is_hostile)
		return send_now(port, m);
	if (port->weather.is_fine)
		enqueue(port, m);
	else
		set_out(port, FK_WAY_TX, m, &fate, NULL);
	return true;
}
