/* SPDX-License-Identifier: Apache-2.0 */
#include "dpdk_port.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#define N_MBUFS	       8191 /* about 19 MB; both descriptor rings full and some to build in */
#define MBUF_CACHE     256
#define N_DESCRIPTORS  1024
#define PORT_BURST_MAX 128

struct fk_dpdk_port {
	uint16_t port_id;
	struct rte_mempool *pool;
};

static void show(struct fk_frame *frame, struct rte_mbuf *mbuf)
{
	/* A frame in several pieces shows its first only if it cannot be joined; the parser then
	 * finds it shorter than it says. */
	if (mbuf->nb_segs > 1)
		(void)rte_pktmbuf_linearize(mbuf);
	frame->octets = rte_pktmbuf_mtod(mbuf, uint8_t *);
	frame->size = mbuf->data_len;
	frame->cap = (uint16_t)(mbuf->buf_len - mbuf->data_off);
	frame->handle = mbuf;
}

static uint32_t dpdk_receive(void *self, struct fk_frame *ret_frames, uint32_t n)
{
	struct fk_dpdk_port *port = self;
	struct rte_mbuf *mbufs[PORT_BURST_MAX];
	uint16_t got;

	if (n > PORT_BURST_MAX)
		n = PORT_BURST_MAX;
	got = rte_eth_rx_burst(port->port_id, 0, mbufs, (uint16_t)n);
	for (uint16_t i = 0; i < got; i++)
		show(&ret_frames[i], mbufs[i]);
	return got;
}

static uint32_t dpdk_alloc(void *self, struct fk_frame *ret_frames, uint32_t n)
{
	struct fk_dpdk_port *port = self;
	struct rte_mbuf *mbufs[PORT_BURST_MAX];

	if (n > PORT_BURST_MAX || rte_pktmbuf_alloc_bulk(port->pool, mbufs, n) != 0)
		return 0;
	for (uint32_t i = 0; i < n; i++)
		show(&ret_frames[i], mbufs[i]);
	return n;
}

static uint32_t dpdk_transmit(void *self, const struct fk_frame *frames, uint32_t n)
{
	struct fk_dpdk_port *port = self;
	struct rte_mbuf *mbufs[PORT_BURST_MAX];

	if (n > PORT_BURST_MAX)
		n = PORT_BURST_MAX;
	for (uint32_t i = 0; i < n; i++) {
		mbufs[i] = frames[i].handle;
		mbufs[i]->data_len = frames[i].size;
		mbufs[i]->pkt_len = frames[i].size;
	}
	return rte_eth_tx_burst(port->port_id, 0, mbufs, (uint16_t)n);
}

static void dpdk_free(void *self, const struct fk_frame *frames, uint32_t n)
{
	struct rte_mbuf *mbufs[PORT_BURST_MAX];

	(void)self;
	for (uint32_t first = 0; first < n; first += PORT_BURST_MAX) {
		uint32_t take = n - first < PORT_BURST_MAX ? n - first : PORT_BURST_MAX;

		for (uint32_t i = 0; i < take; i++)
			mbufs[i] = frames[first + i].handle;
		rte_pktmbuf_free_bulk(mbufs, take);
	}
}

static const struct fk_port_ops dpdk_ops = {
	.receive = dpdk_receive,
	.alloc = dpdk_alloc,
	.transmit = dpdk_transmit,
	.free = dpdk_free,
};

/* Configures one queue each way, without offloads: not every port has them. */
static const char *configure(struct fk_dpdk_port *port, int *ret_code)
{
	struct rte_eth_conf conf = {0};
	uint16_t n_rx = N_DESCRIPTORS, n_tx = N_DESCRIPTORS, id = port->port_id;
	int socket = rte_eth_dev_socket_id(id);

	*ret_code = rte_eth_dev_configure(id, 1, 1, &conf);
	if (*ret_code != 0)
		return "configure";
	*ret_code = rte_eth_dev_adjust_nb_rx_tx_desc(id, &n_rx, &n_tx);
	if (*ret_code != 0)
		return "adjust descriptors";
	*ret_code = rte_eth_rx_queue_setup(id, 0, n_rx, (unsigned)socket, NULL, port->pool);
	if (*ret_code != 0)
		return "set up the receive queue";
	*ret_code = rte_eth_tx_queue_setup(id, 0, n_tx, (unsigned)socket, NULL);
	if (*ret_code != 0)
		return "set up the transmit queue";
	*ret_code = rte_eth_dev_start(id);
	return *ret_code != 0 ? "start" : NULL;
}

enum fk_err fk_dpdk_port_open(struct fk_dpdk_port **ret_dpdk_port, struct fk_port *ret_port,
			      char *ret_text, size_t text_size)
{
	struct fk_dpdk_port *port;
	struct rte_ether_addr mac;
	const char *failed;
	uint16_t id;
	int code;

	if (rte_eth_dev_count_avail() != 1) {
		snprintf(ret_text, text_size, "%u ports found, exactly 1 is needed: check --vdev",
			 rte_eth_dev_count_avail());
		return FK_ENOTFOUND;
	}
	port = calloc(1, sizeof(*port));
	if (port == NULL) {
		snprintf(ret_text, text_size, "out of memory");
		return FK_ENOMEM;
	}
	RTE_ETH_FOREACH_DEV(id)
	port->port_id = id;
	port->pool = rte_pktmbuf_pool_create("fleetkey", N_MBUFS, MBUF_CACHE, 0,
					     RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	if (port->pool == NULL) {
		snprintf(ret_text, text_size, "no memory for %u buffers: %s; raise -m", N_MBUFS,
			 rte_strerror(rte_errno));
		free(port);
		return FK_ENOMEM;
	}
	failed = configure(port, &code);
	if (failed == NULL) {
		failed = "read the address of";
		code = rte_eth_macaddr_get(port->port_id, &mac);
	}
	if (code != 0) {
		snprintf(ret_text, text_size, "cannot %s port %u: %s", failed, port->port_id,
			 rte_strerror(-code));
		fk_dpdk_port_close(port);
		return FK_EIO;
	}
	ret_port->ops = &dpdk_ops;
	ret_port->self = port;
	memcpy(ret_port->mac, mac.addr_bytes, sizeof(ret_port->mac));
	*ret_dpdk_port = port;
	return FK_OK;
}

void fk_dpdk_port_hear_groups(struct fk_dpdk_port *dpdk_port)
{
	/* af_packet on a NIC has no other way than to hear everything. */
	if (rte_eth_allmulticast_enable(dpdk_port->port_id) != 0)
		(void)rte_eth_promiscuous_enable(dpdk_port->port_id);
}

void fk_dpdk_port_close(struct fk_dpdk_port *dpdk_port)
{
	if (dpdk_port == NULL)
		return;
	(void)rte_eth_dev_stop(dpdk_port->port_id);
	(void)rte_eth_dev_close(dpdk_port->port_id);
	rte_mempool_free(dpdk_port->pool);
	free(dpdk_port);
}
