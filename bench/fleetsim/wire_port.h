/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire_port.h - fleetsim's end of the wire: one DPDK port with one queue each way.
 *
 * Learns its peers' MAC addresses from what they send, gives UDP datagrams the weather that was
 * asked for (ARP, Neighbour Discovery and ICMP are spared), and survives a peer that goes away and
 * comes back.
 *
 * Threads: set up by the main lcore, used by the worker alone afterwards.
 * Memory:  one mempool and one port; nothing else allocates.
 */
#pragma once

#include <stdint.h>

#include <rte_mbuf.h>

#include <fleetkey/err.h>

#include "capture.h"
#include "counts.h"
#include "held.h"
#include "outbox.h"
#include "weather.h"
#include "wire/net.h"

#define FK_WIRE_BURST	   64
#define FK_WIRE_PEERS	   16 /* MAC addresses remembered */
#define FK_WIRE_TX_PENDING 1024
#define FK_WIRE_RX_WAITING 16384 /* requests taken from the ring, not yet dealt with */
#define FK_WIRE_DRAIN_MAX  2048	 /* frames taken from the ring at a time */

struct fk_wire_peer {
	struct fk_address address;
	uint8_t mac[FK_MAC_SIZE];
};

/* Datagrams that the weather holds back on one way. */
struct fk_wire_way {
	struct fk_held held;
	struct rte_mbuf *overtaken; /* lets the next one go first */
	uint64_t overtaken_until_ms;
};

/* A request that waits its turn, and what was read of its headers. */
struct fk_wire_waiting {
	struct rte_mbuf *m;
	struct fk_net_frame frame; /* borrows from the mbuf */
	uint64_t hint;
};

/* Who takes datagrams. The last three are for requests that wait, in this order. */
struct fk_wire_receiver {
	void *arg;
	void (*deliver)(void *arg, const struct fk_net_frame *frame);
	uint64_t (*guess)(void *arg, const struct fk_net_frame *frame); /* whom it is for */
	void (*expect)(void *arg, uint64_t hint);  /* it is dealt with before long ... */
	void (*prepare)(void *arg, uint64_t hint); /* ... and now soon */
};

struct fk_wire_port {
	uint16_t port_id;
	struct rte_mempool *pool;
	uint8_t mac[FK_MAC_SIZE];
	struct fk_address address; /* ours */
	struct fk_weather weather;
	struct fk_wire_way ways[FK_WAYS];
	uint64_t now_ms; /* set by the loop, once per burst */
	struct fk_sim_counts *counts;
	struct fk_sim_capture *capture;
	struct fk_wire_peer peers[FK_WIRE_PEERS];
	uint32_t n_peers, next_peer;
	uint16_t ip_id;
	uint16_t n_pending;
	uint64_t progress_at_cycles; /* when the port last took a frame */
	struct rte_mbuf *pending[FK_WIRE_TX_PENDING];
	uint32_t first_waiting, n_waiting;
	struct fk_wire_waiting waiting[FK_WIRE_RX_WAITING];
};

struct fk_wire_port_spec {
	struct fk_address address;
	struct fk_weather_spec weather;
	struct fk_sim_counts *counts;
	struct fk_sim_capture *capture; /* takes UDP datagrams for us, as they come */
};

/*
 * Configures and starts the first port that EAL has. Link-state interrupts are on where the driver
 * has them: virtio_user as a server accepts its peer again only then.
 * Returns FK_OK; FK_ENOTFOUND (no port); FK_EIO (a step failed; it is named on stderr); FK_ENOMEM.
 */
FK_MUST_USE enum fk_err fk_wire_port_start(struct fk_wire_port *port,
					   const struct fk_wire_port_spec *spec);
void fk_wire_port_stop(struct fk_wire_port *port);

/*
 * Empties the port's ring, up to FK_WIRE_DRAIN_MAX frames: deals with neighbours and echoes, and
 * gives every SIP response for us that was not lost to 'receiver'. Then delivers a burst of the
 * other UDP datagrams, oldest first, unless too much waits to be sent. Returns 0 if there was
 * nothing to do.
 */
uint32_t fk_wire_port_receive(struct fk_wire_port *port, const struct fk_wire_receiver *receiver);

/* Queues one datagram; an fk_outbox's send() with the port as argument. */
bool fk_wire_port_send(void *port, const struct fk_datagram *datagram);
/* Its has_room(): half of the queue is for what cannot wait. */
bool fk_wire_port_has_room(void *port);

/*
 * Hands what is queued to the port. What it does not take stays queued; if it takes nothing for a
 * while its peer is gone, and the queue is dropped and counted.
 */
void fk_wire_port_flush(struct fk_wire_port *port);
